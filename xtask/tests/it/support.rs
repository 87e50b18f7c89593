//! What the tests share: a workspace in a folder of its own, and runs of the real xtask binary in it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

pub use crate::absent::{not_run, skipped};

/// What builds answer where a tool is missing and no source gives it.
pub const MISSING_TOOL: i32 = 3;

/// The longest that one run of xtask may take in a test.
const LIMIT: Duration = Duration::from_secs(540);

/// A copy of the fixture workspace (`tests/fixture`).
pub struct Workspace {
    folder: tempfile::TempDir,
    /// Variables for every run; an empty value removes the variable.
    pub env: Vec<(String, String)>,
}

/// The folder in which tools that were installed before wait for every test.
pub fn tools_home() -> PathBuf {
    let home = std::env::var_os("XTASK_HOME").map(PathBuf::from);
    home.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".local/share/xtask"))
}

/// How a run ended.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Workspace {
    pub fn fixture() -> Workspace {
        let workspace = Workspace::empty();
        copy_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture"), workspace.root());
        workspace
    }

    /// A copy of the fixture, with what its build leaves for the next one: what was compiled, which cargo takes for its
    /// own in every folder, and the outputs of its tools by content. It is built once for all tests that ask, and again
    /// when the fixture, the compiler or xtask is another one.
    pub fn built_fixture() -> Workspace {
        let workspace = Workspace::empty();
        let built = built_fixture();
        let (from, to) = (format!("{}/.", built.display()), workspace.root().display().to_string());
        // With its times, by which cargo knows what it has compiled.
        let copied = Command::new("cp").args(["--recursive", "--preserve", &from, &to]).status().unwrap();
        assert!(copied.success());
        workspace
    }

    pub fn empty() -> Workspace {
        Workspace { folder: tempfile::tempdir().unwrap(), env: Vec::new() }
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.env.push((name.to_owned(), value.into()));
    }

    /// Replaces text in a file of the workspace; the text must be there.
    pub fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.root().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no `{from}`");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
    }

    pub fn write(&self, file: &str, text: &str) {
        let path = self.root().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    /// A command that runs xtask in the workspace as `cargo xtask` would, but for what cargo tells its tests.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(args).current_dir(self.root()).stdin(Stdio::null());
        let inherited = std::env::vars().map(|(name, _)| name);
        let told = |name: &String| {
            name.starts_with("CARGO_PKG_") || name.starts_with("LEPTOS_") || name.starts_with("NEXTEST")
        };
        for name in inherited.filter(told) {
            command.env_remove(name);
        }
        for name in [
            "CARGO_MANIFEST_DIR",
            "CARGO_MANIFEST_PATH",
            "CARGO_TARGET_DIR",
            "RUSTFLAGS",
            "GITHUB_ACTIONS",
            "SERVER_FN_OVERRIDE_KEY",
        ] {
            command.env_remove(name);
        }
        for (name, value) in &self.env {
            if value.is_empty() {
                command.env_remove(name)
            } else {
                command.env(name, value)
            };
        }
        command
    }

    /// Runs xtask to its end.
    pub fn xtask(&self, args: &[&str]) -> Run {
        finish(self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Runs a build that must succeed and returns its JSON report.
    pub fn build(&self, args: &[&str]) -> Value {
        let args = [&["build", "--format", "json"], args].concat();
        let run = self.xtask(&args);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        serde_json::from_str(&run.stdout).unwrap()
    }
}

/// The folder in which the fixture is built, by whoever comes first.
fn built_fixture() -> PathBuf {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture");
    let mut key = String::new();
    for (path, content) in contents(&fixture).iter().filter(|(path, _)| !path.contains("/target/")) {
        key += &format!("{path}\n{content}\n");
    }
    let program = Path::new(env!("CARGO_BIN_EXE_xtask")).metadata().unwrap();
    let compiler = Command::new("rustc").arg("-vV").output().unwrap().stdout;
    key += &format!("{:?}{}", program.modified().unwrap(), String::from_utf8_lossy(&compiler));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("built-fixture");
    fs::create_dir_all(&folder).unwrap();
    let lock = fs::File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let (root, note) = (folder.join("workspace"), folder.join("key"));
    if fs::read_to_string(&note).is_ok_and(|known| known == key) {
        return root;
    }
    let _ = fs::remove_file(&note);
    let _ = fs::remove_dir_all(&root);
    copy_folder(&fixture, &root);
    let workspace = Workspace::empty();
    let run = finish(
        workspace
            .command(&["build"])
            .current_dir(&root)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    // Each test has its own.
    let _ = fs::remove_dir_all(root.join("target/xtask/records"));
    fs::write(&note, key).unwrap();
    root
}

impl Run {
    /// The lines that begin with `error:` or `hint:`, without paths that differ between runs.
    pub fn messages(&self, workspace: &Workspace) -> String {
        let root = workspace.root().canonicalize().unwrap();
        let lines = self.stderr.lines().skip_while(|line| !line.starts_with("error:"));
        let text: Vec<&str> = lines.collect();
        text.join("\n").replace(&root.display().to_string(), "[root]")
    }
}

/// The program of an example of this crate, built with the same profile as the tests.
pub fn example(name: &str) -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_xtask")).with_file_name("examples").join(name);
    assert!(
        program.is_file(),
        "{} is missing: a run limited to some targets (`--test it`) does not build examples; build it with \
         `cargo build --package xtask --example {name}` and the same profile",
        program.display()
    );
    program
}

/// The hadolint that is set up here; `None`, and said so, where none is.
pub fn hadolint() -> Option<PathBuf> {
    let status = Workspace::fixture().xtask(&["setup", "--check", "--with", "docker", "--format", "json"]);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    let tools = status["tools"].as_array().unwrap();
    let hadolint = tools.iter().find(|tool| tool["tool"] == "hadolint").unwrap();
    let path = hadolint["path"].as_str().filter(|_| hadolint["state"] == "ready").map(PathBuf::from);
    if path.is_none() {
        skipped("hadolint is not there (`cargo xtask setup --with docker`)");
    }
    path
}

/// Waits for a child and collects what it said; kills it and fails when it takes too long.
pub fn finish(mut child: Child) -> Run {
    let mut stdout = child.stdout.take().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let read = |stream: &mut dyn Read| {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    };
    std::thread::scope(|scope| {
        let out = scope.spawn(|| read(&mut stdout));
        let err = scope.spawn(|| read(&mut stderr));
        let code = wait(&mut child);
        Run { code, stdout: out.join().unwrap(), stderr: err.join().unwrap() }
    })
}

fn wait(child: &mut Child) -> Option<i32> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if began.elapsed() > LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            panic!("xtask took longer than {} s", LIMIT.as_secs());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends a signal as a terminal or a supervisor would.
pub fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// Running processes whose command line contains `text`, by id.
pub fn processes_with(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let id = entry.file_name().to_string_lossy().into_owned();
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if id.bytes().all(|byte| byte.is_ascii_digit()) && line.contains(text) {
            found.push(format!("{id}: {line}"));
        }
    }
    found
}

pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_name() == "target" {
            continue;
        }
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The text with long lines folded, as snapshots keep it: no line of a source file is longer than 120 characters.
pub fn folded(text: &str) -> String {
    const WIDTH: usize = 90;
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut width = 0;
        let mut folded = String::new();
        for word in line.split(' ') {
            let length = word.chars().count();
            if width + 1 + length > WIDTH && width > 0 {
                folded.push_str("\n    ");
                width = 4;
            } else if !folded.is_empty() || width > 0 {
                folded.push(' ');
            }
            folded.push_str(word);
            width += 1 + length;
        }
        lines.push(folded);
    }
    lines.join("\n")
}

/// Every file below a folder with its content; a folder that does not exist has none.
pub fn contents(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let content = fs::read(&path).unwrap();
                found.insert(path.display().to_string(), String::from_utf8_lossy(&content).into_owned());
            }
        }
    }
    found
}

/// Everything below a folder, folders too, with its size and the time of its last change.
pub fn listing(folder: &Path) -> BTreeMap<PathBuf, (u64, SystemTime)> {
    let mut found = BTreeMap::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let metadata = entry.path().symlink_metadata().unwrap();
            if metadata.is_dir() {
                pending.push(entry.path());
            }
            found.insert(entry.path(), (metadata.len(), metadata.modified().unwrap()));
        }
    }
    found
}
