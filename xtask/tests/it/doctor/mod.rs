//! `doctor` on states that are broken for real. Each rule's finding appears, what it prints is done, and it is gone.

mod accounts;
mod any_workspace;
mod cargo;
mod compilers;
mod images;
mod network;
mod room;
mod toolchain;
mod tools;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Run, Workspace, finish};

/// A copy of the fixture in good health, apart from this machine's user: home, Docker and GitHub are its own.
struct Patient {
    workspace: Workspace,
    /// `bin`, which comes first on `PATH`, and `home`.
    folder: tempfile::TempDir,
}

/// Variables that a developer's own shell may have set.
const CLEARED: [&str; 46] = [
    "RUSTC",
    "RUSTUP_TOOLCHAIN",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_RUSTC",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "CARGO_INCREMENTAL",
    "CARGO_NET_OFFLINE",
    "CC",
    "HOST_CC",
    "DOCKER_HOST",
    "GITHUB_ACTOR",
    "GITHUB_TOKEN",
    "GITHUB_API_URL",
    "GH_TOKEN",
    "GH_CONFIG_DIR",
    "XDG_CONFIG_HOME",
    "RAILWAY_TOKEN",
    "RAILWAY_API_TOKEN",
    "RAILWAY_BACKBOARD_URL",
    "RAILWAY_PROJECT_ID",
    "RAILWAY_ENVIRONMENT_ID",
    "RAILWAY_SERVICE_ID",
    "SCCACHE_BUCKET",
    "SCCACHE_REGION",
    "SCCACHE_ENDPOINT",
    "SCCACHE_S3_NO_CREDENTIALS",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "XTASK_OFFLINE",
    "XTASK_TIMEOUT",
    "XTASK_REGISTRY_USERNAME",
    "XTASK_REGISTRY_PASSWORD",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
];

impl Patient {
    fn new() -> Patient {
        let mut patient = Patient { workspace: Workspace::fixture(), folder: tempfile::tempdir().unwrap() };
        let home = std::env::var("HOME").unwrap();
        let kept =
            |name: &str, below: &str| std::env::var(name).unwrap_or_else(|_| format!("{home}/{below}"));
        for name in CLEARED {
            patient.workspace.set(name, "");
        }
        // Toolchains and tools stay those of the machine.
        for (name, below) in
            [("RUSTUP_HOME", ".rustup"), ("CARGO_HOME", ".cargo"), ("XTASK_HOME", ".local/share/xtask")]
        {
            patient.workspace.set(name, kept(name, below));
        }
        fs::create_dir_all(patient.bin()).unwrap();
        fs::create_dir_all(patient.home()).unwrap();
        patient.workspace.set("HOME", patient.home().display().to_string());
        patient.workspace.set("DOCKER_CONFIG", patient.home().join("docker").display().to_string());
        patient.workspace.set("RUSTUP_AUTO_INSTALL", "0");
        patient.path(&std::env::var("PATH").unwrap());
        patient.workspace.write(".cargo/config.toml", "[env]\nSERVER_FN_OVERRIDE_KEY = \"fixture\"\n");
        patient
    }

    fn bin(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn root(&self) -> PathBuf {
        self.workspace.root().to_owned()
    }

    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.workspace.env.retain(|(known, _)| known != name);
        self.workspace.set(name, value);
    }

    /// `bin`, and these folders after it.
    fn path(&mut self, more: &str) {
        let path = format!("{}:{more}", self.bin().display());
        self.set("PATH", path);
    }

    /// From now on `PATH` has these programs of the machine, and nothing else.
    fn bare(&mut self, programs: &[&str]) {
        for program in programs {
            self.link(program);
        }
        let bin = self.bin().display().to_string();
        self.set("PATH", bin);
    }

    /// Puts a program of the machine into `bin`.
    fn link(&self, program: &str) {
        symlink(real(program), self.bin().join(program)).unwrap();
    }

    /// Puts a script into `bin`.
    fn program(&self, name: &str, text: &str) -> PathBuf {
        let path = self.bin().join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Adds lines to the workspace's own file of cargo.
    fn configure(&self, text: &str) {
        let known = self.workspace.read(".cargo/config.toml");
        self.workspace.write(".cargo/config.toml", &format!("{known}{text}"));
    }

    /// Runs `doctor` in a shell, after these lines.
    fn doctor_after(&self, lines: &str, args: &[&str]) -> Run {
        let xtask = self.workspace.command(args);
        let script = format!(
            "cargo() {{ if [ \"$1\" = xtask ]; then shift; \"$XTASK\" \"$@\"; else command cargo \"$@\"; fi; }}\n\
             {{ {lines}\n}} >&2 && exec \"$XTASK\" doctor --format json \"$@\""
        );
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &script, "sh"]).args(xtask.get_args()).current_dir(self.root());
        for (name, value) in xtask.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell.env("XTASK", xtask.get_program());
        shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        finish(shell.spawn().unwrap())
    }

    /// The report of one group. The exit code has to be that of the worst finding.
    fn look(&self, group: &str) -> Value {
        self.look_after(":", group)
    }

    fn look_after(&self, lines: &str, group: &str) -> Value {
        let run = self.doctor_after(lines, &["--only", group]);
        let report: Value =
            serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}\n{}", run.stdout, run.stderr));
        assert_eq!(report["schema"], "xtask.doctor/1");
        let is_bad = report["findings"].as_array().unwrap().iter().any(|found| found["severity"] == "error");
        assert_eq!((run.code, &report["ok"]), (Some(i32::from(is_bad)), &Value::from(!is_bad)));
        report
    }

    /// The finding of a rule, which must be there.
    fn finding(&self, group: &str, rule: &str) -> Value {
        let report = self.look(group);
        found(&report, rule).unwrap_or_else(|| panic!("no `{rule}` in {:#}", report["findings"]))
    }

    /// Does what a finding prints, and looks again.
    fn mend(&self, finding: &Value) -> Value {
        let group = finding["group"].as_str().unwrap();
        if let Some(command) = finding["fix"]["command"].as_str() {
            return self.look_after(command, group);
        }
        let edits = finding["fix"]["edit"].as_array();
        for edit in edits.unwrap_or_else(|| panic!("nothing that can be done: {finding:#}")) {
            apply(&self.root(), edit);
        }
        self.look(group)
    }
}

/// The finding of a rule.
fn found(report: &Value, rule: &str) -> Option<Value> {
    report["findings"].as_array().unwrap().iter().find(|finding| finding["rule"] == rule).cloned()
}

/// Makes a printed change exactly as it is printed.
fn apply(root: &Path, edit: &Value) {
    let text = |name: &str| edit[name].as_str().unwrap();
    let path = root.join(text("file"));
    let content = fs::read_to_string(&path).unwrap_or_default();
    let (old, new) = (text("old"), text("new"));
    let changed = match edit["line"].as_u64() {
        None => format!("{content}{new}"),
        Some(line) => {
            let start: usize =
                content.split_inclusive('\n').take(line as usize - 1).map(str::len).sum::<usize>();
            let rest = &content[start..];
            let first = rest.lines().next().unwrap_or_default().len();
            let at = rest.find(old).unwrap_or_else(|| panic!("`{old}` is not in {content}"));
            assert!(at <= first && !old.is_empty(), "`{old}` is not at line {line} of {content}");
            format!("{}{}", &content[..start], rest.replacen(old, new, 1))
        }
    };
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, changed).unwrap();
}

/// Breaks something, sees the finding, does what it prints, and sees it gone. The finding.
fn case(group: &str, rule: &str, spoil: impl FnOnce(&mut Patient)) -> Value {
    let mut patient = Patient::new();
    spoil(&mut patient);
    let finding = patient.finding(group, rule);
    let after = patient.mend(&finding);
    assert_eq!(found(&after, rule), None, "{rule} is still there");
    finding
}

/// The same for what no command can do: `mend` does what the advice says.
fn case_by_hand(
    group: &str,
    rule: &str,
    spoil: impl FnOnce(&mut Patient),
    mend: impl FnOnce(&mut Patient),
) -> Value {
    let mut patient = Patient::new();
    spoil(&mut patient);
    let finding = patient.finding(group, rule);
    assert!(finding["fix"]["advice"].as_str().is_some_and(|text| !text.is_empty()), "{finding:#}");
    mend(&mut patient);
    assert_eq!(found(&patient.look(group), rule), None, "{rule} is still there");
    finding
}

/// The first program of this name on the machine's own `PATH`.
fn real(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("`{program}` is not there"))
}

/// The triple of this machine and the folder of its toolchain.
fn host() -> (String, String) {
    let ask = |args: &[&str]| {
        let output = Command::new("rustc").args(args).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let verbose = ask(&["-vV"]);
    let triple = verbose.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    (triple.to_owned(), ask(&["--print", "sysroot"]).trim().to_owned())
}

/// Words with hyphens in the sources that are no names of rules.
const NO_RULES: [&str; 13] = [
    "extra-filename",
    "get-url",
    "kebab-case",
    "link-arg",
    "link-args",
    "llvm-args",
    "nontrapping-float-to-int",
    "nontrapping-fptoint",
    "rev-parse",
    "rustc-workspace-wrapper",
    "rustc-wrapper",
    "target-feature",
    "time-outs",
];

/// The names of rules in a source file, without its tests.
fn rules_in(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let quoted = lines.flat_map(|line| line.split('"').skip(1).step_by(2));
    let is_name = |word: &&str| {
        word.contains('-')
            && word.split('-').all(|part| !part.is_empty() && part.bytes().all(|c| c.is_ascii_lowercase()))
    };
    quoted.filter(is_name).filter(|word| !NO_RULES.contains(word)).map(str::to_owned).collect()
}

fn texts(folder: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(folder).unwrap().flatten();
    let files = entries.filter(|entry| entry.path().is_file());
    files.map(|entry| fs::read_to_string(entry.path()).unwrap()).collect()
}

#[test]
fn every_rule_is_broken_and_mended_somewhere() {
    let tests = [texts("tests/it/doctor"), texts("tests/it/fakes")].concat().join("\n");
    let mut rules: Vec<String> = texts("src/doctor").iter().flat_map(|text| rules_in(text)).collect();
    rules.sort();
    rules.dedup();
    assert!(rules.len() > 60, "{rules:?}");
    let untested: Vec<&String> =
        rules.iter().filter(|rule| !tests.contains(&format!("\"{rule}\""))).collect();
    assert_eq!(untested, [""; 0]);
    assert_eq!(rules_in("find(\n    \"a-rule\", \"Not this\");\n// \"nor-this\"\n"), ["a-rule"]);
}
