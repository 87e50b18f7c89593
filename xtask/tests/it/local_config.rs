//! `setup --local` with real linkers, a real compile cache and plain cargo: what is written only after it was proved,
//! what happens when it goes away later, and that nothing remains after `--undo`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{Run, Workspace, listing, skipped, tools_home};

const INCLUDE: &str = "include = [{ path = \"local.toml\", optional = true }]\n";
const FILE: &str = ".cargo/local.toml";

/// A workspace, a user-local folder of its own, and a small crate below it that plain cargo builds with the workspace's
/// configuration.
struct Machine {
    workspace: Workspace,
    home: tempfile::TempDir,
}

impl Machine {
    fn new() -> Machine {
        let mut machine = Machine { workspace: Workspace::fixture(), home: tempfile::tempdir().unwrap() };
        for name in ["RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER", "XTASK_OFFLINE", "CARGO_NET_OFFLINE"] {
            machine.workspace.set(name, "");
        }
        // No server and no cache of the user's.
        for (name, file) in
            [("XTASK_HOME", ""), ("SCCACHE_DIR", "results"), ("SCCACHE_SERVER_UDS", "server"), ("TMPDIR", "")]
        {
            machine.workspace.set(name, machine.home.path().join(file).display().to_string());
        }
        machine.workspace.set("SCCACHE_IDLE_TIMEOUT", "60");
        let log = machine.home("log").display().to_string();
        machine.workspace.set("XTASK_LINKER_LOG", log);
        machine.workspace.write(".cargo/config.toml", INCLUDE);
        machine.workspace.write(
            "probe/Cargo.toml",
            "[package]\nname = \"probe\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n",
        );
        machine.workspace.write("probe/src/lib.rs", "pub fn answer() -> u32 {\n    42\n}\n");
        machine
            .workspace
            .write("probe/src/main.rs", "fn main() {\n    println!(\"{}\", probe::answer());\n}\n");
        machine
    }

    /// `setup` for the build for debugging, whose tools the machine of the tests has: their folder is lent.
    fn setup(&self, args: &[&str]) -> Run {
        self.workspace.xtask(&[&["setup", "--profile", "dev"], args].concat())
    }

    fn home(&self, file: &str) -> PathBuf {
        self.home.path().join(file)
    }

    /// Plain cargo, as people and rust-analyzer run it.
    fn cargo(&self, args: &[&str]) -> Run {
        let mut command = Command::new(std::env::var("CARGO").unwrap_or("cargo".to_owned()));
        command.args(args).current_dir(self.workspace.root().join("probe"));
        for name in ["CARGO_TARGET_DIR", "RUSTFLAGS", "RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER"] {
            command.env_remove(name);
        }
        for (name, value) in self.workspace.env.iter().filter(|(_, value)| !value.is_empty()) {
            command.env(name, value);
        }
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Run { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Builds and runs the small crate, which must work whatever is broken. What cargo said.
    fn build(&self) -> String {
        let run = self.cargo(&["run", "-v"]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), "42\n"), "{}", run.stderr);
        run.stderr
    }

    /// Makes cargo compile both targets of the small crate, and link one, again.
    fn touch(&self) {
        self.workspace.edit("probe/src/lib.rs", "pub fn", "// Another line.\npub fn");
    }

    /// Who linked last, as the script itself says.
    fn said(&self) -> String {
        let log = fs::read_to_string(self.home("log")).unwrap_or_default();
        // When and what stand behind who.
        log.lines().last().and_then(|line| line.split(' ').next()).unwrap_or_default().to_owned()
    }

    fn linked_by(&self, linker: &str) -> bool {
        let program = fs::read(self.workspace.root().join("probe/target/debug/probe")).unwrap();
        program.windows(linker.len()).any(|window| window == linker.as_bytes())
    }

    /// A program of this machine as a tool of the user-local folder; later broken.
    fn script(&self, path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = fs::remove_file(path);
        fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The real tools of group `bench` where the machine reaches their sources, and those of the build from the user's
    /// own folder, which tests that build use too.
    fn install(&self) -> bool {
        let user = tools_home();
        fs::create_dir_all(self.home("tools")).unwrap();
        for tool in ["wasm-bindgen", "wasm-target"] {
            let _ = std::os::unix::fs::symlink(user.join("tools").join(tool), self.home("tools").join(tool));
        }
        let run = self.setup(&["--with", "bench"]);
        if run.code == Some(3) && run.stderr.contains("no source gave it") {
            skipped(&format!("no source here gives sccache and mold: {}", run.stderr));
            return false;
        }
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        true
    }

    /// How many results the compile cache has given back.
    fn hits(&self) -> u64 {
        let mut ask = Command::new(self.home("tools/sccache/0.16.0/bin/sccache"));
        ask.args(["--show-stats", "--stats-format=json"]).env("SCCACHE_SERVER_UDS", self.home("server"));
        let stats: Value = serde_json::from_slice(&ask.output().unwrap().stdout).unwrap();
        let counts = stats["stats"]["cache_hits"]["counts"].as_object().unwrap();
        counts.values().filter_map(Value::as_u64).sum()
    }

    fn local(&self) -> Value {
        let run = self.setup(&["--local", "--format", "json"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        serde_json::from_str(&run.stdout).unwrap()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let sccache = self.home("tools/sccache/0.16.0/bin/sccache");
        let server = self.home("server");
        let _ = Command::new(sccache).arg("--stop-server").env("SCCACHE_SERVER_UDS", server).output();
    }
}

#[test]
fn real_tools_are_proved_used_lost_and_taken_back() {
    let machine = Machine::new();
    if !machine.install() {
        return;
    }
    let before = listing(&machine.home("tools"));
    assert_eq!(machine.setup(&["--with", "bench"]).code, Some(0));
    assert_eq!(listing(&machine.home("tools")), before, "twice does nothing");

    // The committed line alone changes nothing.
    machine.workspace.write(".cargo/config.toml", "");
    machine.build();
    machine.workspace.write(".cargo/config.toml", INCLUDE);
    assert!(machine.build().contains("Fresh probe"), "an include of a file that is not there recompiles");

    let report = machine.local();
    assert_eq!(report["linker"], "mold", "{report:#}");
    let proofs = report["linkers"].as_array().unwrap();
    let musl = proofs.iter().filter(|proof| proof["target"].as_str().unwrap().ends_with("musl"));
    assert!(musl.clone().all(|proof| proof["problem"].is_null()), "{report:#}");
    assert!(report["cache"].as_str().unwrap().ends_with("sccache"), "{report:#}");
    let text = machine.workspace.read(FILE);
    assert_eq!(text.matches("xtask-linker").count(), 1 + usize::from(musl.count() > 0), "{text}");
    machine.build();
    assert!(machine.linked_by("mold 2."));
    assert_eq!(machine.said(), "mold");
    let again = machine.local();
    assert_eq!(again, report);
    assert_eq!(machine.workspace.read(FILE), text);
    assert!(machine.build().contains("Fresh probe"), "proving again recompiles");

    // Another linker behind the same script is no reason to compile anything.
    fs::write(machine.home("linkers/chosen"), "lld\n").unwrap();
    assert!(machine.build().contains("Fresh probe"), "another linker recompiles");
    machine.touch();
    machine.build();
    assert!(machine.linked_by("Linker: LLD ") && !machine.linked_by("mold 2."));
    assert_eq!(machine.said(), "lld");
    fs::write(machine.home("linkers/chosen"), "mold\n").unwrap();

    // The cache gives back what it was given: the folder is new, the crate is not.
    let hits = machine.hits();
    for _ in 0..2 {
        let _ = fs::remove_dir_all(machine.workspace.root().join("probe/target/release"));
        assert_eq!(machine.cargo(&["build", "--release"]).code, Some(0));
    }
    assert!(machine.hits() > hits);

    own_mistakes_stay_mistakes(&machine);
    lost_and_broken(&machine);

    let undo = machine.setup(&["--undo"]);
    assert_eq!(undo.code, Some(0), "{}", undo.stderr);
    assert!(!machine.workspace.root().join(FILE).exists());
    for file in ["bin/xtask-linker", "bin/xtask-rustc", "linkers"] {
        assert!(!machine.home(file).exists(), "{file}");
    }
    machine.build();
    assert_eq!(machine.setup(&["--undo"]).code, Some(0), "twice is no failure");
}

/// What does not compile or link without us does not with us either, and is told once.
fn own_mistakes_stay_mistakes(machine: &Machine) {
    let good = machine.workspace.read("probe/src/lib.rs");
    machine.workspace.write("probe/src/lib.rs", "pub fn answer() -> u32 {\n    \"42\"\n}\n");
    let run = machine.cargo(&["build"]);
    assert_eq!((run.code, run.stderr.matches("mismatched types").count()), (Some(101), 1), "{}", run.stderr);
    assert!(!run.stderr.contains("gone or fails"), "{}", run.stderr);
    let undefined = "unsafe extern \"C\" {\n    fn defined_nowhere() -> u32;\n}\n\
                     pub fn answer() -> u32 {\n    unsafe { defined_nowhere() }\n}\n";
    machine.workspace.write("probe/src/lib.rs", undefined);
    let run = machine.cargo(&["build"]);
    assert_eq!(run.code, Some(101), "{}", run.stderr);
    assert!(run.stderr.contains("undefined symbol: defined_nowhere"), "{}", run.stderr);
    assert!(!run.stderr.contains("gone or fails"), "{}", run.stderr);
    machine.workspace.write("probe/src/lib.rs", &good);
    machine.build();
}

/// Linker and cache break, then vanish, one after the other; every build works, and what is wrong is told.
fn lost_and_broken(machine: &Machine) {
    let mold = machine.home("tools/mold/2.37.1/bin/mold");
    machine.script(&mold, "echo 'mold: fatal: no' >&2\nexit 1");
    machine.touch();
    machine.build();
    assert!(!machine.linked_by("mold 2."));
    assert_eq!(machine.said(), "default");
    fs::remove_file(&mold).unwrap();
    machine.touch();
    machine.build();
    let check = machine.setup(&["--check"]);
    assert_eq!(check.code, Some(3), "{}", check.stderr);
    assert!(check.stderr.contains("not ready: local cargo config"), "{}", check.stderr);

    let sccache = machine.home("tools/sccache/0.16.0/bin/sccache");
    let real = sccache.with_file_name("real");
    fs::rename(&sccache, &real).unwrap();
    machine.script(&sccache, "echo 'sccache: error: Server startup failed' >&2\nexit 2");
    let warnings = |said: &str| said.matches("warning: the compile cache").count();
    machine.touch();
    assert_eq!(warnings(&machine.build()), 1, "once for each cargo");
    fs::remove_file(&sccache).unwrap();
    machine.touch();
    assert_eq!(warnings(&machine.build()), 1);
    fs::rename(real, sccache).unwrap();
}

/// A machine whose `PATH` has what compiles and links, and nothing better.
fn bare() -> Machine {
    let mut machine = Machine::new();
    for name in ["sh", "cc", "ld", "as", "cargo", "rustc", "rustup", "git"] {
        let path = std::env::var_os("PATH").unwrap();
        if let Some(program) =
            std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
        {
            fs::create_dir_all(machine.home("bin-of-machine")).unwrap();
            std::os::unix::fs::symlink(program, machine.home("bin-of-machine").join(name)).unwrap();
        }
    }
    let path = machine.home("bin-of-machine").display().to_string();
    machine.workspace.set("PATH", path);
    machine.workspace.set("XTASK_SOURCES", "none");
    let lock = machine.workspace.read("Cargo.lock");
    let version =
        lock.split("name = \"wasm-bindgen\"\nversion = \"").nth(1).unwrap().split('"').next().unwrap();
    let bindgen = machine.home("bin-of-machine/wasm-bindgen");
    machine.script(&bindgen, &format!("echo wasm-bindgen {version}"));
    let user = tools_home();
    fs::create_dir_all(machine.home("tools")).unwrap();
    let _ = std::os::unix::fs::symlink(user.join("tools/wasm-target"), machine.home("tools/wasm-target"));
    machine
}

// Elsewhere rustc does not use lld of its own accord, so that lld is better than nothing.
#[cfg(target_arch = "x86_64")]
#[test]
fn where_nothing_is_better_nothing_is_written() {
    let machine = bare();
    let report = machine.local();
    assert!(report["config"].is_null() && report["cache"].is_null(), "{report:#}");
    assert!(!machine.workspace.root().join(FILE).exists());
    assert!(!machine.home("bin/xtask-linker").exists());
    machine.build();
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_linker_that_does_not_do_its_work_is_not_used() {
    let machine = bare();
    // It fails; it says that all is well and does nothing.
    for what in ["exit 1", "exit 0"] {
        let script = format!("case $1 in --version) echo 'mold 9.9.9' ;; *) {what} ;; esac");
        machine.script(&machine.home("bin-of-machine/mold"), &script);
        let report = machine.local();
        let mold =
            report["linkers"].as_array().unwrap().iter().find(|proof| proof["linker"] == "mold").unwrap();
        assert!(mold["problem"].is_string(), "{what}: {report:#}");
        assert_ne!(report["linker"], "mold", "{what}");
        assert!(!machine.workspace.root().join(FILE).exists(), "{what}");
    }
    machine.build();
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_cache_that_does_not_do_its_work_is_not_used() {
    let machine = bare();
    let stats = "case $1 in --show-stats) echo '{\"stats\":{\"cache_hits\":{\"counts\":{}}}}'; exit ;; --*) exit ;; esac";
    for (what, reason) in [
        ("exit 2", "exit code 2"),
        ("case $1 in --*) echo '<html>'; exit ;; esac; exec \"$@\"", "not JSON"),
        (&format!("{stats}; exec \"$@\""), "was no hit"),
    ] {
        machine.script(&machine.home("bin-of-machine/sccache"), what);
        let report = machine.local();
        assert!(report["cache"].is_null(), "{what}: {report:#}");
        let notes = report["notes"].to_string();
        assert!(notes.contains("is not used") && notes.contains(reason), "{what}: {notes}");
        assert!(!machine.workspace.root().join(FILE).exists(), "{what}");
    }
}

/// A compile cache that the script believes, because it counts.
fn counting_cache(machine: &Machine) {
    let count = machine.home("count").display().to_string();
    let text = format!(
        "case $1 in --show-stats) n=$(while read -r _; do echo -n x; done < '{count}'); \
         echo \"{{\\\"stats\\\":{{\\\"cache_hits\\\":{{\\\"counts\\\":{{\\\"Rust\\\":${{#n}}}}}}}}}}\"; exit ;; \
         --*) exit ;; esac\necho >> '{count}'\nexec \"$@\""
    );
    fs::write(&count, "").unwrap();
    machine.script(&machine.home("bin-of-machine/sccache"), &text);
}

#[test]
fn what_the_user_wrote_is_left_alone() {
    let machine = bare();
    counting_cache(&machine);
    machine.workspace.write(".cargo/config.toml", "");
    let run = machine.setup(&["--local"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("hint: put this at its top: include = ["), "{}", run.stderr);

    machine.workspace.write(".cargo/config.toml", INCLUDE);
    machine.workspace.write(FILE, "[term]\nquiet = false\n");
    for flag in ["--local", "--undo"] {
        let run = machine.setup(&[flag]);
        assert_eq!(run.code, Some(2), "{}", run.stderr);
        assert_eq!(machine.workspace.read(FILE), "[term]\nquiet = false\n");
    }
    fs::remove_file(machine.workspace.root().join(FILE)).unwrap();

    machine
        .workspace
        .write(".cargo/config.toml", &format!("{INCLUDE}[build]\nrustc-wrapper = \"/usr/bin/env\"\n"));
    let report = machine.local();
    assert!(
        report["cache"].is_null() && report["notes"].to_string().contains("/usr/bin/env; it stays"),
        "{report:#}"
    );
}

#[test]
fn the_scripts_stay_until_the_last_workspace_leaves() {
    let machine = bare();
    counting_cache(&machine);
    assert!(machine.local()["cache"].is_string());
    let other = Machine { workspace: Workspace::fixture(), home: tempfile::tempdir().unwrap() };
    let mut other = other;
    other.workspace.env = machine.workspace.env.clone();
    other.workspace.write(".cargo/config.toml", INCLUDE);
    assert!(other.local()["cache"].is_string());
    assert_eq!(machine.setup(&["--undo"]).code, Some(0));
    assert!(machine.home("bin/xtask-rustc").exists() && other.workspace.root().join(FILE).exists());
    // A checkout that was deleted does not count.
    fs::remove_file(other.workspace.root().join(FILE)).unwrap();
    assert_eq!(machine.setup(&["--undo"]).code, Some(0));
    assert!(!machine.home("bin/xtask-rustc").exists());
}

#[test]
fn our_own_build_goes_through_it_too() {
    let machine = bare();
    counting_cache(&machine);
    machine.local();
    let before = fs::read_to_string(machine.home("count")).unwrap().len();
    let run = machine.workspace.xtask(&["build", "--profile", "dev", "--server-only"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(fs::read_to_string(machine.home("count")).unwrap().len() > before + 1);
}
