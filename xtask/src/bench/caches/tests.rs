//! Sessions with the real sccache, with the real kache where it is installed, and with programs that are neither.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use absent::{not_run, skipped};

use super::caveats::caveats;
use super::{CompileCache, Session, activity, find, prove};
use crate::exec::{Executor, Method, Mode, Request};
use crate::facts::toolchain::Toolchain;
use crate::plan::Invocation;
use crate::ui::Ui;

#[path = "../../../tests/it/absent.rs"]
mod absent;

fn executor() -> Executor {
    Executor::new(Ui::detect(true), Mode::Run).unwrap()
}

fn toolchain(exec: &Executor) -> Toolchain {
    Toolchain::probe(exec, Path::new("/")).unwrap()
}

/// The cache of this machine.
fn installed(exec: &Executor, name: &str) -> Option<CompileCache> {
    match find(exec, name).unwrap() {
        Ok(cache) => Some(cache),
        Err(reason) => {
            if name == "kache" {
                not_run(&reason)
            } else {
                skipped(&reason)
            };
            None
        }
    }
}

fn started<'a>(exec: &'a Executor, cache: &CompileCache, folder: &Path) -> Session<'a> {
    Session::start(exec, cache, folder).unwrap().unwrap()
}

fn is_alive(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The first thread is dead before the others are, and only the last one's end is the end of the process.
    let threads = fs::read_dir(format!("/proc/{process}/task")).map_or(0, Iterator::count);
    stat.rsplit_once(") ").is_some_and(|(_, fields)| !fields.starts_with(['Z', 'X']) || threads > 1)
}

/// Processes that were started with this text in their environment.
fn with_environment(text: &str) -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let has = |path: &PathBuf| {
        let environment = fs::read(path.join("environ")).unwrap_or_default();
        !path.ends_with(std::process::id().to_string())
            && environment.windows(text.len()).any(|window| window == text.as_bytes())
    };
    processes.filter(has).collect()
}

/// Everything that a session does, with a cache that works.
fn works(name: &str) {
    let exec = executor();
    let Some(cache) = installed(&exec, name) else { return };
    let toolchain = toolchain(&exec);
    let folder = tempfile::tempdir().unwrap();
    let mut session = started(&exec, &cache, &folder.path().join("own"));
    let first = session.process().unwrap();
    let before = session.counters().unwrap().unwrap().unwrap();
    assert_eq!((before.hits, before.misses), (0, 0));
    prove(&session, &toolchain).unwrap().unwrap();
    let after = session.counters().unwrap().unwrap().unwrap();
    let grown = activity(
        if matches!(cache, CompileCache::Kache { .. }) { "kache" } else { "sccache" },
        &before,
        &after,
    )
    .unwrap();
    assert_eq!((grown.hits, grown.misses, grown.write_errors, grown.read_errors), (1, 1, 0, 0), "{grown:?}");
    assert_eq!(grown.hit_rate(), Some(0.5));
    assert_eq!(grown.size_bytes_max, (name != "sccache-s3").then_some(super::session::SIZE_BYTES_MAX));
    assert!(name == "sccache-s3" || grown.size_bytes.unwrap() > 0);
    assert!(grown.server_cpu_seconds.unwrap() >= 0.0);
    // A second one beside it is another cache.
    let other = started(&exec, &cache, &folder.path().join("other"));
    prove(&other, &toolchain).unwrap().unwrap();
    assert_eq!(session.counters().unwrap().unwrap().unwrap().hits, 1);
    drop(other);

    session.empty().unwrap().unwrap();
    assert!(!is_alive(first));
    assert_eq!(session.counters().unwrap().unwrap().unwrap().hits, 0);
    prove(&session, &toolchain).unwrap().unwrap();

    // Its server ends meanwhile, and a wrapper starts one that is no child of ours.
    let second = session.process().unwrap();
    exec.run(&Invocation::new("kill", "/").args(["-KILL", &second.to_string()])).unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    while is_alive(second) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    let reason = session.counters().unwrap().unwrap_err();
    assert!(reason.contains("its server has ended"), "{reason}");
    let late = folder.path().join("late");
    fs::create_dir_all(late.join("src")).unwrap();
    fs::write(late.join("src/lib.rs"), "pub fn late() {}\n").unwrap();
    let manifest = "[package]\nname = \"late\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[workspace]\n";
    fs::write(late.join("Cargo.toml"), manifest).unwrap();
    exec.run(&super::proof::build(&session, &toolchain, &late)).unwrap();
    let socket = session.socket().display().to_string();
    assert!(!with_environment(&socket).is_empty(), "nothing was started, so nothing is tested");
    session.stop().unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    while !with_environment(&socket).is_empty() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(with_environment(&socket), Vec::<PathBuf>::new(), "it outlives us");
}

#[test]
fn sccache_on_disk_works() {
    works("sccache");
}

#[test]
fn kache_works() {
    works("kache");
}

/// An S3 on loopback, gone with the value.
struct Bucket {
    _server: crate::exec::Running,
    endpoint: String,
}

impl Bucket {
    fn start(exec: &Executor) -> Option<Bucket> {
        if crate::facts::tool::find_on_path("moto_server").is_none() {
            skipped("moto_server is not on PATH (pip install 'moto[server]')");
            return None;
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let endpoint = format!("127.0.0.1:{port}");
        let serve = Invocation::new("sh", "/");
        let script = format!("exec moto_server -H 127.0.0.1 -p {port} >/dev/null 2>&1");
        let server = exec.start(&serve.args(["-c", &script])).unwrap();
        let create = Request::new(Method::Put, format!("http://{endpoint}/results"));
        let until = Instant::now() + Duration::from_secs(60);
        while exec.send(&create).map_or(true, |answer| answer.status != 200) {
            assert!(Instant::now() < until, "moto does not answer");
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(Bucket { _server: server, endpoint })
    }

    /// Runs one of the tests below in a process of its own, which alone has the bucket in its environment.
    fn run(&self, exec: &Executor, test: &str) {
        let program = std::env::current_exe().unwrap().display().to_string();
        let command = Invocation::new(program, "/")
            .args(["--exact", &format!("bench::caches::tests::{test}"), "--nocapture"])
            .env("XTASK_TEST_BUCKET", "yes")
            .env("SCCACHE_BUCKET", "results")
            .env("SCCACHE_ENDPOINT", format!("http://{}", self.endpoint))
            .env("SCCACHE_REGION", "us-east-1")
            .env("SCCACHE_S3_USE_SSL", "false")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .timeout(Duration::from_secs(120));
        exec.run(&command).unwrap();
    }
}

#[test]
fn sccache_in_a_bucket_works() {
    let exec = executor();
    let Some(bucket) = Bucket::start(&exec) else { return };
    bucket.run(&exec, "in_a_process_with_a_bucket");
    let list = Request::new(Method::Get, format!("http://{}/results", bucket.endpoint));
    let objects = exec.send(&list).unwrap().text();
    assert!(objects.contains("<Key>xtask-bench/"), "{objects}");
}

#[test]
fn in_a_process_with_a_bucket() {
    if std::env::var_os("XTASK_TEST_BUCKET").is_some() {
        works("sccache-s3");
        // On disk it is on disk, whatever the environment says.
        works("sccache");
    }
}

#[test]
fn without_a_bucket_there_is_no_bucket() {
    if std::env::var_os("SCCACHE_BUCKET").is_none() {
        let reason = find(&executor(), "sccache-s3").unwrap().unwrap_err();
        assert_eq!(reason, "the environment configures no bucket (SCCACHE_BUCKET)");
    }
}

/// A cache that is this script.
fn script(folder: &Path, text: &str) -> CompileCache {
    let program = folder.join("cache");
    fs::write(&program, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    CompileCache::Sccache { program, version: "1.0".to_owned(), s3: false }
}

#[test]
fn a_cache_that_does_not_start_is_a_reason() {
    let exec = executor();
    let folder = tempfile::tempdir().unwrap();
    let reason_of = |cache: &CompileCache| match Session::start(&exec, cache, &folder.path().join("own")) {
        Ok(Err(reason)) => reason,
        other => panic!("{:?}", other.map(|started| started.is_ok())),
    };
    let broken =
        script(folder.path(), "echo starting; echo 'error: no space left' >&2; echo bye >&2; exit 1");
    assert_eq!(reason_of(&broken), "its server has ended: error: no space left");
    assert_eq!(reason_of(&script(folder.path(), "exit 0")), "its server has ended: it said nothing");
    let gone = CompileCache::Kache { program: folder.path().join("gone"), version: "1.0".to_owned() };
    assert!(reason_of(&gone).contains("not found"), "{}", reason_of(&gone));
    fs::write(folder.path().join("file"), "").unwrap();
    let Ok(Err(reason)) = Session::start(&exec, &gone, &folder.path().join("file/own")) else { panic!() };
    assert!(reason.starts_with("create `"), "{reason}");
}

#[test]
fn no_cache_switches_the_users_off_and_counts_nothing() {
    let exec = executor();
    let folder = tempfile::tempdir().unwrap();
    let mut session = started(&exec, &CompileCache::None, folder.path());
    assert_eq!(session.settings().env, [("RUSTC_WRAPPER".to_owned(), String::new())].into());
    assert_eq!(session.counters().unwrap(), Ok(None));
    session.empty().unwrap().unwrap();
    assert_eq!((session.process(), caveats(&session.cache).len()), (None, 0));
    session.stop().unwrap();
}

#[test]
fn a_long_folder_has_a_short_socket() {
    let exec = executor();
    let Some(cache) = installed(&exec, "sccache") else { return };
    let folder = tempfile::tempdir().unwrap();
    let session = started(&exec, &cache, &folder.path().join("long".repeat(30)));
    let socket = session.socket().to_owned();
    assert!(socket.exists() && !socket.starts_with(folder.path()));
    assert_eq!(socket.parent().unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o700);
    prove(&session, &toolchain(&exec)).unwrap().unwrap();
    drop(session);
    assert!(!socket.parent().unwrap().exists());
}
