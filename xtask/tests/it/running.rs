//! Servers that tests start and ask, and target directories that begin with what has been compiled already.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::processes_with;

/// Far above what anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A started program. It and all that it started end with the test, however the test ends.
pub struct Running {
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
    ended: bool,
}

impl Running {
    /// Starts a command in a process group of its own and collects what it says on standard error.
    pub fn start(command: &mut Command) -> Running {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let said = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                lines.lock().unwrap().push(line);
            }
        });
        Running { child, said, ended: false }
    }

    /// Waits for a line with this text, and returns what follows it up to the next space.
    pub fn word_after(&mut self, text: &str) -> String {
        let began = Instant::now();
        loop {
            let said = self.said.lock().unwrap().clone();
            if let Some((_, rest)) = said.iter().find_map(|line| line.split_once(text)) {
                return rest.split([' ', ',']).next().unwrap_or_default().to_owned();
            }
            // What it said last may still be on its way.
            let late = began.elapsed() > PATIENCE || (self.ended && began.elapsed() > Duration::from_secs(1));
            assert!(!late, "`{text}` never came; the program said:\n{}", said.join("\n"));
            self.ended = self.child.try_wait().unwrap().is_some();
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// All that it has said so far.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().join("\n")
    }

    /// Sends it a signal and returns its exit code when it has ended (none where the signal ended it).
    pub fn end_with(&mut self, signal: &str) -> Option<i32> {
        self.signal(signal);
        self.wait().unwrap_or_else(|| panic!("it runs on after SIG{signal} and said:\n{}", self.said()))
    }

    pub fn signal(&self, signal: &str) {
        kill(signal, &self.child.id().to_string());
    }

    /// Ends it as a supervisor would, and returns its exit code (none where the signal ended it).
    pub fn terminate(&mut self) -> Option<i32> {
        kill("TERM", &self.child.id().to_string());
        self.wait().expect("the program ends after SIGTERM")
    }

    /// Waits until it has ended by itself: its exit code, none where a signal ended it. `None` where it runs on.
    pub fn wait(&mut self) -> Option<Option<i32>> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Ok(Some(status)) = self.child.try_wait() {
                self.ended = true;
                return Some(status.code());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        // Children lead process groups of their own, so they are looked for before their parent is gone.
        let family = family(self.child.id());
        for id in family {
            kill("KILL", &format!("-{id}"));
            kill("KILL", &id.to_string());
        }
        let _ = self.child.wait();
    }
}

fn kill(signal: &str, whom: &str) {
    let _ = Command::new("kill").args(["-s", signal, "--", whom]).stderr(Stdio::null()).status();
}

/// A process and all that descend from it, parents first.
fn family(id: u32) -> Vec<u32> {
    let parent_of = |process: u32| -> Option<u32> {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
    };
    let names = fs::read_dir("/proc").into_iter().flatten().flatten();
    let all: Vec<(u32, Option<u32>)> = names
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .map(|process| (process, parent_of(process)))
        .collect();
    let mut family = vec![id];
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        family.extend(all.iter().filter(|(_, of)| *of == Some(parent)).map(|(process, _)| *process));
        next += 1;
    }
    family
}

/// An answer to one HTTP request.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false);
    ureq::Agent::new_with_config(config.proxy(None).build())
}

pub fn get(url: &str) -> Answer {
    answer(url, agent().get(url).call())
}

/// Sends an empty form, as the browser half calls a server function without arguments.
pub fn post_form(url: &str) -> Answer {
    let request = agent().post(url).content_type("application/x-www-form-urlencoded");
    answer(url, request.header("accept", "application/json").send_empty())
}

fn answer(url: &str, result: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    let mut response = result.unwrap_or_else(|error| panic!("{url}: {error}"));
    let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
    Answer {
        status: response.status().as_u16(),
        content_type: content_type.unwrap_or_default().to_owned(),
        body: response.body_mut().read_to_vec().unwrap(),
    }
}

/// The addresses in the quoted values of an HTML page that contain `part`, each once, without the host.
pub fn links(page: &str, part: &str) -> Vec<String> {
    let quoted = page.split(['"', '\'', '`']).filter(|text| text.starts_with('/') && text.contains(part));
    quoted.map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Takes over what another target directory has compiled of packages from registries, so that only the packages of a
/// workspace compile. Cargo knows a unit by its hash and by modification times, which are kept.
pub fn seed(from: &Path, to: &Path, folders: &[&str]) {
    let members = members();
    // Fingerprints last: without one, a unit that is not complete counts as missing.
    for part in ["deps", "build", ".fingerprint"] {
        for folder in folders {
            let (from, to) = (from.join(folder).join(part), to.join(folder).join(part));
            for entry in fs::read_dir(&from).into_iter().flatten().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                let target = to.join(&name);
                let library = [".rlib", ".rmeta", ".so"].iter().any(|suffix| name.ends_with(suffix));
                if members.contains(&package_of(&name)) || target.exists() || (part == "deps" && !library) {
                    continue;
                }
                fs::create_dir_all(&to).unwrap();
                if part == "deps" {
                    // Compilers put a new file in the place of a library and never write into one.
                    fs::hard_link(entry.path(), target).unwrap();
                } else {
                    copy_with_times(&entry.path(), &target);
                }
            }
        }
    }
}

/// `a_crate` for `liba_crate-0123456789abcdef.rlib` and for `a-crate-0123456789abcdef`.
fn package_of(name: &str) -> String {
    let name = if name.contains('.') { name.strip_prefix("lib").unwrap_or(name) } else { name };
    name.rsplit_once('-').map_or(name, |(package, _)| package).replace('-', "_")
}

/// The members of this workspace, as `package_of` names them.
fn members() -> BTreeSet<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let metadata: serde_json::Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(|package| package["name"].as_str().unwrap().replace('-', "_")).collect()
}

fn copy_with_times(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap().flatten() {
            copy_with_times(&entry.path(), &to.join(entry.file_name()));
        }
        return;
    }
    fs::copy(from, to).unwrap();
    let modified = from.metadata().unwrap().modified().unwrap();
    fs::OpenOptions::new().append(true).open(to).unwrap().set_modified(modified).unwrap();
}

/// The profile that the app was built with: a build of something else with it finds most of it compiled.
pub fn profile() -> &'static str {
    let binary = std::env::var_os("XTASK_SITE_BINARY").map(PathBuf::from).unwrap_or_default();
    let folder = binary.parent().and_then(Path::file_name);
    if folder.is_some_and(|folder| folder == "ci") { "ci" } else { "production" }
}

/// The workspace that these tests belong to.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Where cargo puts what it compiles here: the tests' own xtask is in `<target>/<profile>/`.
pub fn target_directory() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_xtask")).ancestors().nth(2).unwrap().to_owned()
}

#[test]
fn a_started_program_takes_its_children_along() {
    let marker = format!("302.{:09}", std::process::id());
    let script = format!("setsid sleep {marker} & echo begun: yes >&2; wait");
    let mut shell = Running::start(Command::new("sh").args(["-c", &script]));
    shell.word_after("begun: ");
    let began = Instant::now();
    while processes_with(&format!("sleep {marker}")).len() < 2 {
        assert!(began.elapsed() < PATIENCE);
    }
    drop(shell);
    while !processes_with(&marker).is_empty() {
        assert!(began.elapsed() < PATIENCE, "{:?}", processes_with(&marker));
    }
}

#[test]
fn names_of_units() {
    assert_eq!(package_of("liba_crate-0123.rlib"), "a_crate");
    assert_eq!(package_of("a-crate-0123"), "a_crate");
    assert_eq!(package_of("libm-0123"), "libm");
}
