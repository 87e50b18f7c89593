//! xtask copied into a bare Leptos template workspace builds it with no configuration.

mod sources;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::running::{Answer, Running, get, links, profile, repository, seed, target_directory};
use crate::support::{Run, Workspace, copy_folder, finish, processes_with};

/// The alias of this repository: all that a workspace needs beside the folder `xtask`.
fn alias() -> String {
    let config = fs::read_to_string(repository().join(".cargo/config.toml")).unwrap();
    let section = config.split("[alias]").nth(1).unwrap().split("\n\n").next().unwrap();
    format!("[alias]{section}\n")
}

/// `cargo xtask …` in the workspace, through cargo and the alias.
fn cargo_xtask(workspace: &Workspace, args: &[&str]) -> Command {
    let told = workspace.command(&[]);
    let mut command = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    command.arg("xtask").args(args).current_dir(workspace.root()).stdin(Stdio::null());
    for (name, value) in told.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

fn run(workspace: &Workspace, args: &[&str]) -> Run {
    let mut command = cargo_xtask(workspace, args);
    finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

fn build(workspace: &Workspace) -> Value {
    let args = [&["build", "--ask-cargo", "--format", "json"], selection().as_slice()].concat();
    let run = run(workspace, &args);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

/// Nothing at all, unless this repository's app was built with another profile than the usual one.
fn selection() -> Vec<&'static str> {
    if profile() == "production" { Vec::new() } else { vec!["--profile", profile()] }
}

fn compiled(report: &Value, half: &str) -> Value {
    let steps = report["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["name"] == format!("compile {half}")).unwrap();
    step["units"]["compiled_packages"].clone()
}

/// Copies xtask into the workspace and sets the alias; everything compiled goes to `target`.
fn install(workspace: &mut Workspace, target: &Path) {
    let crate_root = repository().join("xtask");
    copy_folder(&crate_root.join("src"), &workspace.root().join("xtask/src"));
    for file in ["Cargo.toml", "tools.toml"] {
        fs::copy(crate_root.join(file), workspace.root().join("xtask").join(file)).unwrap();
    }
    workspace.write(".cargo/config.toml", &alias());
    // The same versions, so that what is compiled already can be used; cargo drops what is not needed.
    fs::copy(repository().join("Cargo.lock"), workspace.root().join("Cargo.lock")).unwrap();
    workspace.set("CARGO_TARGET_DIR", target.display().to_string());
    // This workspace's own cargo configuration reaches its tests; a bare workspace has none.
    workspace.set("SERVER_FN_OVERRIDE_KEY", "");
}

#[test]
fn one_package_is_built_and_served() {
    let mut workspace = Workspace::empty();
    sources::single_package(&workspace);
    let target = target_directory().join("xtask/tests/template");
    seed(&target_directory(), &target, &[profile(), &format!("wasm32-unknown-unknown/{}", profile())]);
    install(&mut workspace, &target);

    let began = std::time::Instant::now();
    let first = build(&workspace);
    eprintln!(
        "first build: {:.1} s with xtask, {} s without",
        began.elapsed().as_secs_f64(),
        first["seconds"]
    );
    for half in ["front", "server"] {
        let packages = compiled(&first, half);
        assert!(packages.as_array().unwrap().contains(&json!("bare-app")), "{first:#}");
        eprintln!("compiled {half}: {packages}");
    }

    let again = build(&workspace);
    eprintln!("second build: {} s", again["seconds"]);
    assert_eq!((compiled(&again, "front"), compiled(&again, "server")), (json!([]), json!([])), "{again:#}");

    let release = run(&workspace, &["build", "--dry-run", "--profile", "release"]);
    assert_eq!(release.code, Some(0), "{}", release.stderr);
    let front = release.stdout.lines().find(|line| line.contains("--lib")).unwrap();
    // The settings of `wasm-release` under the server's name, so that both halves share host units.
    for words in ["--profile release ", "profile.release.panic=", "-Clto=fat"] {
        assert!(front.contains(words), "{words}: {}", release.stdout);
    }
    let server = release.stdout.lines().find(|line| line.contains("--bin")).unwrap();
    assert!(server.contains("--profile release"), "{}", release.stdout);

    let binary = target.join(profile()).join("bare-app");
    serves_the_page(&workspace);
    assert_eq!(processes_with(&binary.display().to_string()), [""; 0]);
}

fn serves_the_page(workspace: &Workspace) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let args = [&["serve", "--port", &port], selection().as_slice()].concat();
    let mut xtask = Running::start(&mut cargo_xtask(workspace, &args));
    xtask.word_after("Serving ");
    let address = format!("http://127.0.0.1:{port}");
    let page = get(&format!("{address}/"));
    assert_eq!((page.status, page.content_type.as_str()), (200, "text/html; charset=utf-8"));
    assert!(page.text().contains(sources::GREETING), "{}", page.text());

    let linked = links(&page.text(), "/pkg/");
    assert_eq!(linked, ["/pkg/bare.css", "/pkg/bare.js", "/pkg/bare.wasm"], "{}", page.text());
    let served: Vec<Answer> = linked.iter().map(|link| get(&format!("{address}{link}"))).collect();
    for (answer, content_type) in served.iter().zip(["text/css", "text/javascript", "application/wasm"]) {
        assert_eq!((answer.status, answer.content_type.as_str()), (200, content_type));
    }
    assert!(served[0].text().to_lowercase().contains(sources::COLOUR), "{}", served[0].text());
    assert!(served[2].body.starts_with(b"\0asm"));
    assert_eq!(get(&format!("{address}/robots.txt")).status, 200);

    assert_eq!(xtask.terminate(), Some(143));
    assert!(std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_err(), "the server is left behind");
}

/// The Dockerfile of this repository is copied too: its lines are made for a workspace that it was not written for, and
/// then there is nothing to mend in it. Nothing is compiled.
#[test]
fn the_image_follows_from_the_workspace() {
    let dockerfile = repository().join("Dockerfile.production");
    if !dockerfile.exists() {
        return;
    }
    for lay_out in [sources::single_package, sources::three_packages] {
        let mut workspace = Workspace::empty();
        lay_out(&workspace);
        let target = workspace.root().join("target");
        install(&mut workspace, &target);
        fs::copy(&dockerfile, workspace.root().join("Dockerfile.production")).unwrap();
        fs::copy(repository().join(".dockerignore"), workspace.root().join(".dockerignore")).unwrap();
        let generate = |args: &[&str]| workspace.xtask(&[&["generate"], args].concat());
        let copied = generate(&["--check"]);
        assert_eq!(copied.code, Some(1), "{}{}", copied.stdout, copied.stderr);
        let written = generate(&[]);
        assert_eq!(written.code, Some(0), "{}", written.stderr);
        let checked = generate(&["--check"]);
        assert_eq!((checked.code, checked.stdout.as_str()), (Some(0), ""), "{}", checked.stderr);
        let linted = workspace.xtask(&["docker", "lint", "--format", "json"]);
        let report: Value =
            serde_json::from_str(&linted.stdout).unwrap_or_else(|_| panic!("{}", linted.stderr));
        let files = report["files"].as_array().unwrap();
        assert!(files.contains(&json!("Dockerfile.production")), "{report:#}");
        let findings = report["findings"].as_array().unwrap().iter();
        let errors: Vec<&Value> = findings.filter(|finding| finding["severity"] == "error").collect();
        assert_eq!(errors, [&Value::Null; 0], "{report:#}");
        assert_eq!(linted.code, Some(0), "{}", linted.stderr);
    }
}

#[test]
fn three_packages_are_planned() {
    let workspace = Workspace::empty();
    sources::three_packages(&workspace);
    fs::copy(repository().join("Cargo.lock"), workspace.root().join("Cargo.lock")).unwrap();
    for profile in ["production", "release"] {
        let dry = workspace.xtask(&["build", "--dry-run", "--profile", profile]);
        assert_eq!(dry.code, Some(0), "{}", dry.stderr);
        let line = |part: &str| dry.stdout.lines().find(|line| line.contains(part)).unwrap_or_default();
        for words in [&format!("--package frontend --profile {profile} "), "--target wasm32", "-Clto=fat"] {
            assert!(line("--lib").contains(words), "{words}: {}", dry.stdout);
        }
        assert!(line("--bin ").contains(&format!("--package server --profile {profile} ")), "{}", dry.stdout);
        assert!(dry.stdout.contains("main.scss"), "{}", dry.stdout);
    }
}
