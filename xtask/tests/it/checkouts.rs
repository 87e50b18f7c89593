//! Halves that were built in two different checkouts work together: the server of one with the site of the other.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::running::{Running, get, links, post_form, profile, repository, seed, target_directory};
use crate::support::{Workspace, copy_folder};

/// What the two checkouts have in common.
const SOURCES: [&str; 7] = ["Cargo.toml", "Cargo.lock", ".cargo", "crates", "style", "public", "xtask"];

/// The site of the first checkout, and the file that tells the names in it.
struct Site {
    root: PathBuf,
    hash_file: PathBuf,
    pkg_dir: String,
    output_name: String,
}

#[test]
fn halves_of_two_checkouts_work_together() {
    let repository = repository();
    if !repository.join("crates").exists() {
        return;
    }
    let manifest: toml::Value =
        toml::from_str(&fs::read_to_string(repository.join("Cargo.toml")).unwrap()).unwrap();
    let metadata = &manifest["workspace"]["metadata"];
    let site = match first_site(&metadata["leptos"][0]) {
        Ok(site) => site,
        Err(missing) => {
            crate::support::skipped(&missing);
            return;
        }
    };

    let server_binary = second_server();
    fs::copy(&site.hash_file, server_binary.with_file_name("hash.txt")).unwrap();
    let mut command = Command::new(&server_binary);
    for argument in metadata["xtask"]["demo-args"].as_array().unwrap() {
        command.arg(argument.as_str().unwrap());
    }
    let variables = [
        ("HOST", "127.0.0.1"),
        ("PORT", "0"),
        ("LEPTOS_ENV", "PROD"),
        ("LEPTOS_HASH_FILES", "true"),
        ("LEPTOS_HASH_FILE_NAME", "hash.txt"),
        ("LEPTOS_OUTPUT_NAME", &site.output_name),
        ("LEPTOS_SITE_PKG_DIR", &site.pkg_dir),
    ];
    command.envs(variables).env("LEPTOS_SITE_ROOT", &site.root).env_remove("DATABASE_PATH");
    let folder = tempfile::tempdir().unwrap();
    let mut server = Running::start(command.current_dir(folder.path()));
    let url = format!("http://{}", server.word_after("listening on http://"));

    page_links_to(&site, &url);
    server_functions_answer(&site, &url);
    server.terminate();
}

/// Builds the server half in a checkout of its own and returns the binary.
fn second_server() -> PathBuf {
    let target = target_directory().join("xtask/tests/checkouts");
    seed(&target_directory(), &target, &[profile()]);
    let mut second = Workspace::empty();
    for name in SOURCES {
        let (from, to) = (repository().join(name), second.root().join(name));
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
    // Cargo gave the variable of the first checkout to this test; the second has to find its own.
    second.set("SERVER_FN_OVERRIDE_KEY", "");
    second.set("CARGO_TARGET_DIR", target.display().to_string());
    let report = second.build(&["--server-only", "--profile", profile()]);
    let units = report["steps"][0]["units"].clone();
    let compiled = units["compiled_packages"].as_array().unwrap();
    let binary = report["sizes"][0]["file"].as_str().unwrap();
    assert!(compiled.iter().any(|package| package == binary), "{report:#}");
    eprintln!("second checkout: {} s, compiled {compiled:?}", report["seconds"]);
    target.join(profile()).join(binary)
}

/// The page names files of the first site, and they are served.
fn page_links_to(site: &Site, url: &str) {
    let page = get(&format!("{url}/"));
    assert_eq!(page.status, 200, "{}", page.text());
    let hashes = fs::read_to_string(&site.hash_file).unwrap();
    let expected: BTreeSet<String> = hashes
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(kind, hash)| format!("/{}/{}.{hash}.{kind}", site.pkg_dir, site.output_name))
        .collect();
    let linked: BTreeSet<String> = links(&page.text(), &format!("/{}/", site.pkg_dir)).into_iter().collect();
    assert_eq!(linked, expected);
    for link in linked {
        let served = get(&format!("{url}{link}"));
        assert_eq!(served.status, 200, "{link}");
        assert!(served.body == fs::read(site.root.join(&link[1..])).unwrap(), "{link} is another file");
    }
}

/// The addresses that the first checkout's wasm calls are those where the second's server answers.
fn server_functions_answer(site: &Site, url: &str) {
    let folder = site.root.join(&site.pkg_dir);
    let mut files = fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path());
    let wasm = files.find(|path| path.extension().is_some_and(|extension| extension == "wasm")).unwrap();
    let addresses = addresses(&fs::read(&wasm).unwrap());
    assert!(!addresses.is_empty(), "{} calls no server function", wasm.display());
    for mut address in addresses {
        let whole = address.clone();
        let mut answer = post_form(&format!("{url}{address}"));
        // Constants stand side by side in the file: the last digits may belong to another one.
        while answer.status == 404 && whole.len() - address.len() < 3 {
            address.pop();
            answer = post_form(&format!("{url}{address}"));
        }
        assert_eq!(answer.status, 200, "the server has no {whole}: {}", answer.text());
        assert_eq!(answer.content_type, "application/json", "{address}");
        let data: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert!(data.as_object().is_some_and(|fields| !fields.is_empty()), "{address}: {data}");
        eprintln!("{address}: {} bytes", answer.body.len());
    }
}

/// Addresses of server functions in a wasm file: `/api/`, the function's name, and a 64-bit digest in decimal.
fn addresses(wasm: &[u8]) -> BTreeSet<String> {
    const PREFIX: &[u8] = b"/api/";
    const DIGITS: std::ops::RangeInclusive<usize> = 17..=20;
    let mut found = BTreeSet::new();
    for start in (0..wasm.len()).filter(|start| wasm[*start..].starts_with(PREFIX)) {
        let rest = &wasm[start + PREFIX.len()..];
        let count = |bytes: &[u8], good: fn(u8) -> bool| bytes.iter().take_while(|byte| good(**byte)).count();
        let name = count(rest, |byte| byte.is_ascii_lowercase() || byte == b'_');
        let digits = count(&rest[name..], |byte| byte.is_ascii_digit()).min(*DIGITS.end());
        if name > 0 && DIGITS.contains(&digits) {
            let end = start + PREFIX.len() + name + digits;
            found.insert(String::from_utf8_lossy(&wasm[start..end]).into_owned());
        }
    }
    found
}

/// The site that the environment names or that this checkout built, or what is missing.
fn first_site(project: &toml::Value) -> Result<Site, String> {
    let repository = repository();
    let text = |key: &str| project[key].as_str().unwrap().to_owned();
    let named = |name: &str, default: PathBuf| {
        let named = env::var_os("XTASK_SITE_BINARY").and(env::var_os(name)).map(PathBuf::from);
        repository.join(named.unwrap_or(default))
    };
    let root = named("LEPTOS_SITE_ROOT", target_directory().join("site"));
    let binary = named("XTASK_SITE_BINARY", target_directory().join("production/server"));
    let hash_file = binary.with_file_name("hash.txt");
    let missing = |path: &Path| format!("{} is not there; `cargo xtask build` makes it", path.display());
    for path in [&root, &hash_file] {
        if !path.exists() {
            return Err(missing(path));
        }
    }
    Ok(Site { root, hash_file, pkg_dir: text("site-pkg-dir"), output_name: text("output-name") })
}

#[test]
fn addresses_are_found_between_other_bytes() {
    let wasm = b"\0/api/read_page13965772146957887948\0/api/health/api/refresh139657721469578879489/api/v1";
    let expected = ["/api/read_page13965772146957887948", "/api/refresh13965772146957887948"];
    assert_eq!(Vec::from_iter(addresses(wasm)), expected);
}
