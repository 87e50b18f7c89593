//! Fake tools as the whole `PATH`. It cannot be changed within a process, so each case runs this test program again.

mod machine;

use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect;

use machine::Machine;

use super::*;
use crate::exec::Mode;
use crate::exit;
use crate::ui::Ui;

/// Answers like npm: knows one version, and installs a package whose program is a fake of its own.
const NPM: &str = r#"
case "$1" in
view) echo 131.0.0 ;;
install) /bin/mkdir -p "$3/node_modules/binaryen" && /bin/sleep 0.3 &&
  echo '{"bin":{"wasm-opt":"run"}}' > "$3/node_modules/binaryen/package.json" ;;
esac"#;
const NODE: &str = r#"case "$1" in -p) echo "$0" ;; *) echo "wasm-opt version 131 (fake)" ;; esac"#;

#[test]
fn in_a_process_of_its_own() {
    let Ok(wanted) = std::env::var("XTASK_TEST_INSTALL") else {
        return;
    };
    let folder = PathBuf::from(std::env::var("XTASK_TEST_FOLDER").unwrap());
    let (key, version) = wanted.split_once(' ').unwrap();
    let exec = Executor::new(Ui::detect(true), Mode::Run).unwrap();
    let toolchain = toolchain(&folder);
    let wanted = Wanted::new(Tool::from_key(key).unwrap(), version);
    let text = match install(&exec, &install_step(&wanted).unwrap(), &toolchain) {
        Ok(()) => format!("{:?}\n", status(&exec, &toolchain, &wanted).unwrap().state),
        Err(error) => format!("{error:#}\nhint: {}\n", exit::hint_of(&error).unwrap_or_default()),
    };
    fs::write(std::env::var("XTASK_TEST_RESULT").unwrap(), text).unwrap();
}

/// A toolchain that rustup manages, without the wasm target and without rust-src.
fn toolchain(folder: &Path) -> Toolchain {
    let sysroot = folder.join("toolchains/fake");
    fs::create_dir_all(sysroot.join("lib/rustlib")).unwrap();
    fs::write(sysroot.join("lib/rustlib/multirust-channel-manifest.toml"), "").unwrap();
    Toolchain {
        cargo: folder.join("fakes/cargo").display().to_string(),
        rustc_version: "1.95.0".to_owned(),
        rustc_verbose: String::new(),
        commit_hash: "59807616e1fa".to_owned(),
        host: "x86_64-unknown-linux-gnu".to_owned(),
        sysroot,
        has_wasm_target: false,
    }
}

#[test]
fn an_empty_machine_is_told_about_every_source() {
    let machine = Machine::new(&[]);
    machine.wasm_opt(expect![[r#"
        wasm-opt 131 is missing and no source gave it
          apt archive: apt-get is not on PATH
          npm: node is not on PATH
          npm with Node from pip: python3 is not on PATH
        hint: install Node with npm, or put wasm-opt 131 (binaryen) on PATH
    "#]]);
    machine.wasm_bindgen(expect![[r#"
        wasm-bindgen 0.2.130 is missing and no source gave it
          cargo install --locked: `<folder>/fakes/cargo` does not exist
          cargo install: `<folder>/fakes/cargo` does not exist
        hint: run `cargo install wasm-bindgen-cli --version 0.2.130`, or mend the network
    "#]]);
    machine.wasm_target(expect![[r#"
        wasm-target 1.95.0-59807616e is missing and no source gave it
          rustup target add: rustup is not on PATH
          private sysroot, rust-src of the toolchain: the toolchain has no rust-src
          private sysroot, rust-src from rustup: rustup is not on PATH
          private sysroot, rust-src from the apt archive: apt-get is not on PATH
        hint: run `rustup target add wasm32-unknown-unknown` where the network allows it
    "#]]);
}

#[test]
fn what_npm_gives_is_used_and_not_asked_for_again() {
    let machine = Machine::new(&[("npm", NPM), ("node", NODE)]);
    machine.ready("wasm-opt", "131");
    let calls = machine.calls();
    assert!(calls.contains("npm install"), "{calls}");
    machine.ready("wasm-opt", "131");
    assert_eq!(machine.calls(), calls);
    let left = fs::read_dir(machine.path("home/tools/wasm-opt")).unwrap().count();
    assert_eq!(left, 1);
}

#[test]
fn a_tool_whose_program_has_gone_is_installed_again() {
    let machine = Machine::new(&[("npm", NPM), ("node", NODE)]);
    machine.ready("wasm-opt", "131");
    fs::remove_file(machine.path("home/tools/wasm-opt/131/bin/wasm-opt")).unwrap();
    machine.ready("wasm-opt", "131");
    assert_eq!(machine.calls().matches("npm install").count(), 2);
}

#[test]
fn two_processes_install_a_tool_once() {
    let machine = Machine::new(&[("npm", NPM), ("node", NODE)]);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| machine.ready("wasm-opt", "131"));
        }
    });
    assert_eq!(machine.calls().matches("npm install").count(), 1);
}

#[test]
fn npm_that_fails() {
    let machine = Machine::new(&[("node", NODE), ("npm", "echo 'npm error code ECONNREFUSED' >&2; exit 1")]);
    machine.wasm_opt(expect![[r#"
        wasm-opt 131 is missing and no source gave it
          apt archive: apt-get is not on PATH
          npm: npm is out of reach: `npm view …` failed with exit code 1: npm error code ECONNREFUSED
          npm with Node from pip: not tried, npm was out of reach
        hint: install Node with npm, or put wasm-opt 131 (binaryen) on PATH
    "#]]);
}

#[test]
fn pip_that_fails_and_python_without_pip() {
    let fails = "case \"$3\" in --version) ;; *) echo 'ERROR: no such package' >&2; exit 1 ;; esac";
    Machine::new(&[("python3", fails)]).wasm_opt(expect![[r#"
        wasm-opt 131 is missing and no source gave it
          apt archive: apt-get is not on PATH
          npm: node is not on PATH
          npm with Node from pip: pip is out of reach: `python3 …` failed with exit code 1: ERROR: no such package
        hint: install Node with npm, or put wasm-opt 131 (binaryen) on PATH
    "#]]);
    let without = "echo 'No module named pip' >&2; exit 1";
    Machine::new(&[("python3", without)]).says(
        "wasm-opt",
        "131",
        "python3 has no pip, and no ensurepip to make one",
    );
}

#[test]
fn an_archive_without_the_version() {
    let machine = Machine::new(&[
        ("apt-get", "echo 'http://archive.example/debian/ main stable'"),
        ("apt-cache", "echo 'binaryen | 120-4 | http://archive.example/debian stable/main'"),
        ("dpkg-deb", ""),
    ]);
    let text = machine.install("wasm-opt", "131", &[]);
    assert!(text.contains("apt archive: no suite of the archive has binaryen 131 (it has: 120-4)"), "{text}");
}

#[test]
fn npm_that_hangs() {
    let machine = Machine::new(&[("node", NODE), ("npm", "exec /bin/sleep 60")]);
    machine.says(
        "wasm-opt",
        "131",
        "npm: npm is out of reach: `npm view …` took longer than 2s and was stopped",
    );
}

#[test]
fn npm_that_talks_nonsense() {
    let machine = Machine::new(&[("node", NODE), ("npm", "echo '<html>'")]);
    machine.says("wasm-opt", "131", "npm: npm does not know binaryen@131.0.0");
}

#[test]
fn a_program_of_another_version_is_not_kept() {
    let node = r#"case "$1" in -p) echo "$0" ;; *) echo "wasm-opt version 99" ;; esac"#;
    let machine = Machine::new(&[("npm", NPM), ("node", node)]);
    machine.says("wasm-opt", "131", "npm: the new program should be 131 but says 99");
    assert!(!machine.path("home/tools/wasm-opt/131").exists());
}

#[test]
fn cargo_that_fails_is_asked_twice() {
    let machine = Machine::new(&[("cargo", "echo 'error: no such crate' >&2; exit 101")]);
    machine.wasm_bindgen(expect![[r#"
        wasm-bindgen 0.2.130 is missing and no source gave it
          cargo install --locked: `cargo install …` failed with exit code 101: error: no such crate
          cargo install: `cargo install …` failed with exit code 101: error: no such crate
        hint: run `cargo install wasm-bindgen-cli --version 0.2.130`, or mend the network
    "#]]);
    assert_eq!(machine.calls(), "cargo install wasm-bindgen-cli\ncargo install wasm-bindgen-cli\n");
}

#[test]
fn rustup_that_hangs_is_not_asked_again() {
    let machine = Machine::new(&[("rustup", "exec /bin/sleep 60")]);
    machine.wasm_target(expect![[r#"
        wasm-target 1.95.0-59807616e is missing and no source gave it
          rustup target add: rustup is out of reach: `rustup target …` took longer than 2s and was stopped
          private sysroot, rust-src of the toolchain: the toolchain has no rust-src
          private sysroot, rust-src from rustup: not tried, rustup was out of reach
          private sysroot, rust-src from the apt archive: apt-get is not on PATH
        hint: run `rustup target add wasm32-unknown-unknown` where the network allows it
    "#]]);
    assert_eq!(machine.calls(), "rustup target add\n");
}

#[test]
fn rustup_that_works_changes_the_toolchain() {
    let script = "d=\"$XTASK_TEST_FOLDER/toolchains/fake/lib/rustlib/wasm32-unknown-unknown/lib\"\n\
                  /bin/mkdir -p \"$d\" && : > \"$d/libcore-1.rlib\"";
    let machine = Machine::new(&[("rustup", script)]);
    machine.ready("wasm-target", "1.95.0-59807616e");
}

#[test]
fn without_a_network_nothing_is_started() {
    let machine = Machine::new(&[("npm", NPM), ("node", NODE)]);
    let text = machine.install("wasm-opt", "131", &[("CARGO_NET_OFFLINE", "true")]);
    assert!(text.contains("npm: not tried, CARGO_NET_OFFLINE is set"), "{text}");
    assert_eq!(machine.calls(), "");
}

#[test]
fn versions_that_programs_state() {
    let machine = Machine::new(&[("one", "echo 'wasm-opt version 131 (version_131)'"), ("two", "exit 1")]);
    let stated = |name: &str| stated_version(&machine.exec, &machine.path("fakes").join(name), "--version");
    assert_eq!(stated("one").as_deref(), Some("131"));
    assert_eq!(stated("two"), None);
}
