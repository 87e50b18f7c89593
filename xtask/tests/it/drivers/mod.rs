//! Both drivers on the same layouts: the same site, and a server that serves the same page.
//!
//! Runs where cargo-leptos is on `PATH`. What it found on the app is on record in `docs/measurements/drivers.md`.

pub mod layouts;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::path::Path;

use serde_json::Value;

use crate::running::{Running, get, links};
use crate::support::{Workspace, not_run};

/// Files under this many bytes are not compressed by us; cargo-leptos compresses everything.
const SMALLEST: usize = 256;
/// Letters of a digest in a file's name.
const DIGEST: usize = 22;

/// What a build left behind, with digests out of the names.
struct Made {
    report: Value,
    site: BTreeMap<String, Vec<u8>>,
    page: String,
}

/// Whether cargo-leptos can be measured here; says so where not.
pub fn is_there() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = std::env::split_paths(&path).any(|folder| folder.join("cargo-leptos").is_file());
    there || !not_run("cargo-leptos is not on PATH (docs/measurements/drivers.md has what both drivers make)")
}

#[test]
fn both_drivers_make_the_same_site_and_serve_the_same_page() {
    if !is_there() {
        return;
    }
    let workspace = layouts::workspace();
    for project in [layouts::PLAIN, layouts::SASS, layouts::TAILWIND, layouts::SOLO] {
        let native = make(&workspace, project, "native");
        let other = make(&workspace, project, "cargo-leptos");
        assert_eq!(native.report["driver"], "native");
        let version = other.report["driver"].as_str().unwrap();
        assert!(version.starts_with("cargo-leptos 0."), "{version}");
        assert_eq!(native.page, other.page, "{project}");
        same_files(project, &native.site, &other.site);
        same_content(project, &native.site, &other.site);
        // Nothing of the other driver's stays in the way.
        let again = make(&workspace, project, "native");
        assert!(again.site == native.site, "{project}: {:?}", again.site.keys());
    }
}

fn make(workspace: &Workspace, project: &str, driver: &str) -> Made {
    let selection = ["--project", project, "--profile", "release"];
    let report = workspace.build(&[&["--driver", driver], selection.as_slice()].concat());
    let page = served(workspace, &selection);
    let root = workspace.root().join(format!("target/site-{project}"));
    Made { report, site: site(&root), page }
}

/// The page with digests masked; everything that it links to is served.
fn served(workspace: &Workspace, selection: &[&str]) -> String {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let args = [&["serve", "--port", &port], selection].concat();
    let mut serve = Running::start(&mut workspace.command(&args));
    let url = format!("http://{}", serve.word_after("listening on http://"));
    let page = get(&format!("{url}/"));
    assert_eq!(page.status, 200);
    let page = page.text();
    let linked = links(&page, ".");
    assert_eq!(linked.len(), 3, "{page}");
    for link in linked {
        assert_eq!(get(&format!("{url}{link}")).status, 200, "{link}");
    }
    assert_eq!(serve.terminate(), Some(143));
    page.lines().map(masked).collect::<Vec<_>>().join("\n")
}

/// Every file of a site by its name without digest.
fn site(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut pending = vec![root.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let name = masked(&path.strip_prefix(root).unwrap().display().to_string());
            assert!(found.insert(name, fs::read(&path).unwrap()).is_none(), "{} twice", path.display());
        }
    }
    found
}

/// Text in which `.DIGEST.` is `.*.`.
fn masked(text: &str) -> String {
    let is_digest = |part: &str| {
        part.len() == DIGEST && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    // The last part may have a quote after it.
    let parts = text.split('.').map(|part| {
        let (word, rest) = part.split_at(part.find('"').unwrap_or(part.len()));
        if is_digest(word) { format!("*{rest}") } else { part.to_owned() }
    });
    parts.collect::<Vec<_>>().join(".")
}

/// Our names are all there; what the other driver has beyond them is declarations for TypeScript, and compressed
/// variants of files that are too small to gain from it.
fn same_files(project: &str, native: &BTreeMap<String, Vec<u8>>, other: &BTreeMap<String, Vec<u8>>) {
    let names = |site: &BTreeMap<String, Vec<u8>>| site.keys().cloned().collect::<BTreeSet<_>>();
    let missing: Vec<String> = names(native).difference(&names(other)).cloned().collect();
    assert_eq!(missing, [""; 0], "{project}");
    let is_declaration = |name: &str| name.contains(".d.");
    let is_small_variant = |name: &str| {
        let base = name.strip_suffix(".gz").or(name.strip_suffix(".br"));
        base.is_some_and(|base| native.get(base).is_some_and(|content| content.len() < SMALLEST))
    };
    let more: Vec<String> = names(other).difference(&names(native)).cloned().collect();
    let unexplained: Vec<&String> =
        more.iter().filter(|name| !is_declaration(name) && !is_small_variant(name)).collect();
    assert_eq!(unexplained, [""; 0], "{project}");
    eprintln!("{project}: {} files of both, {} of cargo-leptos alone", native.len(), more.len());
}

fn same_content(project: &str, native: &BTreeMap<String, Vec<u8>>, other: &BTreeMap<String, Vec<u8>>) {
    for (name, content) in native {
        let theirs = &other[name];
        if content == theirs || name.ends_with(".gz") || name.ends_with(".br") {
            continue;
        }
        let (ours, theirs) = (String::from_utf8_lossy(content), String::from_utf8_lossy(theirs));
        match name.rsplit('.').next().unwrap() {
            // Theirs is minified, as one sheet, in which Tailwind's name at the beginning of its part is lost.
            "css" => assert_eq!(squeezed(&ours), squeezed(&theirs), "{name}"),
            // Minified there unless the project says otherwise.
            "js" if project == layouts::SASS => {
                assert!(theirs.len() < ours.len(), "{name}");
                let theirs = imports(&theirs);
                assert!(theirs.len() > 3 && theirs.is_subset(&imports(&ours)), "{name}: {theirs:?}");
            }
            // Its first line names the declarations for TypeScript.
            "js" => {
                let (first, rest) = theirs.split_once('\n').unwrap();
                assert!(first.starts_with("/* @ts-self-types="), "{name}: {first}");
                assert_eq!(ours, rest, "{name}");
            }
            _ => panic!("{project}: {name} differs: {} and {} bytes", ours.len(), theirs.len()),
        }
        eprintln!("{project}: {name}: {} bytes, {} of cargo-leptos", ours.len(), theirs.len());
    }
}

/// A style sheet without what means nothing to a browser.
fn squeezed(css: &str) -> String {
    let parts = css.split("/*").enumerate();
    let rules = parts.map(|(number, part)| if number == 0 { part } else { part.split_once("*/").unwrap().1 });
    rules.collect::<String>().split_whitespace().collect::<String>().replace(";}", "}")
}

/// The names of wasm-bindgen's in a script; a minified one keeps those that wasm knows.
fn imports(script: &str) -> BTreeSet<String> {
    let is_name = |c: &char| c.is_alphanumeric() || *c == '_';
    let starts = script.match_indices("__wb").map(|(at, _)| &script[at..]);
    starts.map(|rest| rest.chars().take_while(is_name).collect()).collect()
}

#[test]
fn digests_are_masked() {
    assert_eq!(masked("pkg/app.r1IkdpOLZDZtCI7H-dP5OA.wasm.br"), "pkg/app.*.wasm.br");
    assert_eq!(masked("(\"app.r1IkdpOLZDZtCI7H-dP5OA\", 1.5)"), "(\"app.*\", 1.5)");
}
