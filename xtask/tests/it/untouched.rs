//! `build` where nothing was touched since the last one: cargo is not asked, and is asked after every change that it could
//! notice. With real cargo; each time the result has to be what a build is that asks cargo in any case.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::running::{Running, get};
use crate::support::{Workspace, contents};

const DEV: [&str; 2] = ["--profile", "dev"];

/// A workspace whose server has the word of a file and that of a variable in it.
fn workspace() -> Workspace {
    let workspace = Workspace::fixture();
    workspace.write("server/word.txt", "one");
    let main = "println!(\"{} {}\", include_str!(\"../word.txt\"), option_env!(\"WORD\").unwrap_or(\"none\"));\n    ";
    workspace.edit("server/src/main.rs", "let reading =", &format!("{main}let reading ="));
    workspace
}

fn names(report: &Value) -> Vec<&str> {
    report["steps"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect()
}

fn cargo_was_asked(report: &Value) -> bool {
    let names = names(report);
    assert_eq!(
        names.contains(&"sources"),
        !names.iter().any(|name| name.starts_with("compile")),
        "{names:?}"
    );
    !names.contains(&"sources")
}

/// What a change is left to become older than. A change of this very moment could be followed by another one unseen.
fn let_time_pass() {
    std::thread::sleep(Duration::from_millis(250));
}

/// Builds until there is nothing to do.
fn settle(workspace: &Workspace, args: &[&str]) {
    let_time_pass();
    workspace.build(args);
    let again = workspace.build(args);
    assert!(!cargo_was_asked(&again), "{}", why(workspace));
}

/// Why cargo is asked, as noted.
fn why(workspace: &Workspace) -> String {
    let folder = workspace.root().join("target/xtask/receipts/fixture");
    contents(&folder)
        .into_iter()
        .filter(|(name, _)| name.contains("untouched"))
        .map(|(_, text)| text)
        .collect()
}

/// All that ships, with its bytes.
fn results(workspace: &Workspace) -> BTreeMap<String, Vec<u8>> {
    let mut files: Vec<PathBuf> =
        contents(&workspace.root().join("target/site")).into_keys().map(PathBuf::from).collect();
    files.extend(["fixture-server", "hash.txt"].map(|name| folder(workspace).join(name)));
    files.into_iter().map(|file| (file.display().to_string(), fs::read(file).unwrap())).collect()
}

/// Where the server is: a half with compiler flags of its own has the folder of its target.
fn folder(workspace: &Workspace) -> PathBuf {
    workspace.root().join("target").join(triple(workspace)).join("debug")
}

fn triple(workspace: &Workspace) -> String {
    let folders = fs::read_dir(workspace.root().join("target")).unwrap().flatten();
    let names = folders.map(|entry| entry.file_name().into_string().unwrap());
    names
        .into_iter()
        .find(|name| name.contains('-') && !name.starts_with("wasm32") && !name.ends_with("-wasm"))
        .unwrap()
}

/// After the change cargo is asked, what it makes is right, and then there is nothing to do again.
fn asks(workspace: &Workspace, what: &str, change: impl FnOnce(&Workspace)) {
    change(workspace);
    notices(workspace, what);
}

fn notices(workspace: &Workspace, what: &str) {
    let_time_pass();
    let report = workspace.build(&DEV);
    assert!(cargo_was_asked(&report), "not after {what}");
    let made = results(workspace);
    let asked = workspace.build(&[DEV.as_slice(), &["--ask-cargo"]].concat());
    for half in ["compile front", "compile server"] {
        let step = asked["steps"].as_array().unwrap().iter().find(|step| step["name"] == half).unwrap();
        assert_eq!(step["units"]["compiled"], 0, "after {what}: {half}");
    }
    assert!(results(workspace) == made, "after {what} the result is another");
    let again = workspace.build(&DEV);
    assert!(!cargo_was_asked(&again), "{what}: {}", why(workspace));
    assert_eq!(again["sizes"], asked["sizes"], "{what}");
}

fn remove(path: &str) -> impl FnOnce(&Workspace) {
    let path = path.to_owned();
    move |workspace| fs::remove_file(workspace.root().join(path)).unwrap()
}

fn printed(workspace: &Workspace) -> String {
    let server = folder(workspace).join("fixture-server");
    String::from_utf8_lossy(&Command::new(server).arg("--print").output().unwrap().stdout).into_owned()
}

/// Cargo itself, as somebody would call it in the workspace.
fn cargo(workspace: &Workspace, args: &[&str], word: &str) {
    let mut command = Command::new(std::env::var("CARGO").unwrap_or("cargo".to_owned()));
    command.args(args).current_dir(workspace.root()).env("WORD", word).env_remove("CARGO_TARGET_DIR");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn files_of_the_workspace() {
    let workspace = workspace();
    settle(&workspace, &DEV);
    asks(&workspace, "an edit", |w| w.edit("core/src/lib.rs", "42", "43"));
    asks(&workspace, "an edit of what a source includes", |w| w.write("server/word.txt", "two"));
    assert!(printed(&workspace).starts_with("two none"));
    asks(&workspace, "a new file", |w| w.write("ui/src/extra.rs", "//! Nothing.\n"));
    asks(&workspace, "a file that is gone", remove("ui/src/extra.rs"));
    asks(&workspace, "a file of another name", |w| {
        let root = w.root();
        fs::rename(root.join("server/tests"), root.join("server/checks")).unwrap();
    });
    asks(&workspace, "a manifest", |w| w.edit("ui/Cargo.toml", "[package]", "# Nothing.\n[package]"));
    asks(&workspace, "a new binary", |w| w.write("core/src/bin/other.rs", "fn main() {}\n"));
    asks(&workspace, "Cargo.lock", |w| w.write("Cargo.lock", &format!("{}\n", w.read("Cargo.lock"))));
    asks(&workspace, "an asset", |w| w.write("public/robots.txt", "User-agent: all\n"));
    asks(&workspace, "the style", |w| w.write("style/main.css", "p { color: red }\n"));
    asks(&workspace, "a hidden file", |w| w.write(".env", "LEPTOS_RELOAD_PORT=4001\n"));
    asks(&workspace, "a toolchain file", |w| {
        w.write("rust-toolchain.toml", "[toolchain]\nchannel = \"stable\"\n")
    });
    fs::remove_file(workspace.root().join("rust-toolchain.toml")).unwrap();
    asks(&workspace, "an edit whose time was set back", |w| {
        let file = w.root().join("core/src/lib.rs");
        let before = file.metadata().unwrap().modified().unwrap();
        w.edit("core/src/lib.rs", "43", "44");
        File::options().append(true).open(&file).unwrap().set_modified(before).unwrap();
    });
    // Neither of the two is a source.
    workspace.write("target/notes.txt", "");
    workspace.write(".git/index", "");
    assert!(!cargo_was_asked(&workspace.build(&DEV)));
}

#[test]
fn settings_and_environment() {
    let mut workspace = workspace();
    settle(&workspace, &DEV);
    let config = "[env]\nWORD = \"configured\"\n";
    asks(&workspace, "cargo's configuration", |w| w.write(".cargo/config.toml", config));
    assert!(printed(&workspace).starts_with("one configured"));
    let config = "include = [{ path = \"local.toml\", optional = true }]\n";
    asks(&workspace, "another configuration", |w| w.write(".cargo/config.toml", config));
    asks(&workspace, "a file that it includes", |w| {
        w.write(".cargo/local.toml", "[env]\nWORD = \"included\"\n")
    });
    assert!(printed(&workspace).starts_with("one included"));
    // Above the workspace.
    let home = tempfile::tempdir().unwrap();
    let cargo_home = std::env::var("CARGO_HOME")
        .map_or_else(|_| PathBuf::from(std::env::var("HOME").unwrap()).join(".cargo"), PathBuf::from);
    std::os::unix::fs::symlink(cargo_home.join("registry"), home.path().join("registry")).unwrap();
    workspace.set("CARGO_HOME", home.path().display().to_string());
    notices(&workspace, "another home of cargo");
    fs::write(home.path().join("config.toml"), "[build]\njobs = 2\n").unwrap();
    notices(&workspace, "a configuration in cargo's home");

    workspace.set("WORD", "exported");
    notices(&workspace, "a variable");
    assert!(printed(&workspace).starts_with("one exported"));
    workspace.set("RUSTFLAGS", "--cfg something");
    notices(&workspace, "compiler flags");
    workspace.set("TERM", "another-terminal");
    workspace.set("SSH_TTY", "/dev/pts/9");
    assert!(!cargo_was_asked(&workspace.build(&DEV)), "another terminal");
    asks(&workspace, "an edit", |w| w.edit("server/src/main.rs", "\"WORD\"", "\"TERM\""));
    assert!(printed(&workspace).starts_with("one another-terminal"));
    workspace.set("TERM", "a-third-terminal");
    notices(&workspace, "another terminal where one is compiled in");
    workspace.set("SSH_TTY", "/dev/pts/10");
    assert!(!cargo_was_asked(&workspace.build(&DEV)), "another terminal of which nothing is compiled in");
}

#[test]
fn other_builds_and_what_becomes_of_a_result() {
    let workspace = workspace();
    settle(&workspace, &DEV);
    for file in ["fixture-server", "hash.txt"] {
        asks(&workspace, file, |w| fs::remove_file(folder(w).join(file)).unwrap());
    }
    asks(&workspace, "the wasm file", remove("target/wasm32-unknown-unknown/dev-wasm/fixture_front.wasm"));
    asks(&workspace, "another file in the site", |w| w.write("target/site/robots.txt", "Nobody: *\n"));
    asks(&workspace, "a file more in the site", |w| w.write("target/site/more.txt", "more\n"));
    assert!(!workspace.root().join("target/site/more.txt").exists());
    asks(&workspace, "a receipt that is gone", remove("target/xtask/receipts/fixture/dev.json"));
    asks(&workspace, "plain cargo with other settings", |w| {
        cargo(w, &["build", "--package", "fixture-server", "--target", &triple(w)], "plain");
        assert!(printed(w).starts_with("one plain"));
    });
    assert!(printed(&workspace).starts_with("one none"));
    asks(&workspace, "what cargo has compiled", |w| {
        cargo(w, &["clean", "--package", "fixture-core", "--target", &triple(w)], "");
    });

    // Each is a plan of its own, and all can be there at once.
    let parts = ["--front-only", "--server-only"].map(|part| [DEV.as_slice(), &[part]].concat());
    for part in &parts {
        assert!(cargo_was_asked(&workspace.build(part)), "{part:?}");
    }
    for args in parts.iter().map(Vec::as_slice).chain([DEV.as_slice()]) {
        assert!(!cargo_was_asked(&workspace.build(args)), "{args:?}");
    }
    assert!(cargo_was_asked(&workspace.build(&[DEV.as_slice(), &["--locked"]].concat())));
    assert!(cargo_was_asked(&workspace.build(&[DEV.as_slice(), &["--timings"]].concat())));
    assert!(workspace.root().join("target/xtask/timings/server.html").exists());
    // The site is now that of another profile.
    workspace.build(&["--profile", "release"]);
    notices(&workspace, "another profile");
}

#[test]
fn what_is_used_after_a_build_with_nothing_to_do() {
    let workspace = Workspace::fixture();
    settle(&workspace, &[]);
    let shown = workspace.xtask(&["build"]);
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    let row = shown.stdout.lines().nth(1).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(row.starts_with("sources 0."), "{row}");
    assert!(row.ends_with("unchanged: nothing was touched since the last build"), "{row}");
    assert!(shown.stdout.contains("fixture-server"), "{}", shown.stdout);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let mut serve = Running::start(&mut workspace.command(&["serve", "--port", &port]));
    let url = format!("http://{}", serve.word_after("listening on http://"));
    assert_eq!(get(&format!("{url}/")).status, 200);
    serve.terminate();
    let tested = workspace.xtask(&["test"]);
    assert_eq!(tested.code, Some(0), "{}", tested.stderr);
    workspace.build(&[]);
    assert!(!cargo_was_asked(&workspace.build(&[])), "{}", why(&workspace));
}

#[test]
fn files_outside_of_the_workspace() {
    let workspace = workspace();
    let outside = tempfile::tempdir().unwrap();
    let (word, folder) = (outside.path().join("word"), outside.path().join("folder"));
    fs::create_dir(&folder).unwrap();
    fs::write(&word, "first").unwrap();
    let script = |watched: &Path| {
        let (word, watched) = (word.display(), watched.display());
        format!(
            "fn main() {{\n    println!(\"cargo::rerun-if-changed={watched}\");\n    \
             println!(\"cargo::rustc-env=WORD={{}}\", std::fs::read_to_string({:?}).unwrap());\n}}\n",
            word.to_string()
        )
    };
    workspace.write("server/build.rs", &script(&word));
    settle(&workspace, &DEV);
    asks(&workspace, "a file that a build script watches", |_| fs::write(&word, "second").unwrap());
    assert!(printed(&workspace).starts_with("one second"));
    let included = outside.path().join("included");
    fs::write(&included, "far").unwrap();
    asks(&workspace, "an edit", |w| {
        w.edit("server/src/main.rs", "\"../word.txt\"", &format!("{:?}", included.display().to_string()));
    });
    asks(&workspace, "a file that a source includes", |_| fs::write(&included, "farther").unwrap());
    assert!(printed(&workspace).starts_with("farther second"));

    // A folder cannot be watched with a stamp.
    let is_always_asked = |reason: &str| {
        let_time_pass();
        for _ in 0..2 {
            assert!(cargo_was_asked(&workspace.build(&DEV)));
        }
        assert!(why(&workspace).contains(reason), "{}", why(&workspace));
    };
    workspace.write("server/build.rs", &script(&folder));
    is_always_asked("all of the folder");
    // Cargo runs such a script every time.
    workspace.write("server/build.rs", &script(&outside.path().join("nothing")));
    is_always_asked("is not there");
    workspace.write("server/build.rs", &script(&word));
    settle(&workspace, &DEV);
    let package = "[package]\nname = \"outside\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    fs::write(outside.path().join("Cargo.toml"), package).unwrap();
    fs::create_dir(outside.path().join("src")).unwrap();
    fs::write(outside.path().join("src/lib.rs"), "").unwrap();
    let dependency =
        format!("[dependencies]\noutside = {{ path = {:?} }}", outside.path().display().to_string());
    workspace.edit("server/Cargo.toml", "[dependencies]", &dependency);
    is_always_asked("is elsewhere");
    // The same where it is not compiled.
    workspace.edit("server/Cargo.toml", "outside = {", "outside = { optional = true,");
    is_always_asked("nothing tells where the package `outside` is");
}
