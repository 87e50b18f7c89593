//! Compiler wrappers, the compile cache, and the C compiler behind them, with a build of `ring` that breaks for real.

use std::fs;
use std::process::Command;

use super::{Patient, case, real};
use crate::support::processes_with;

/// A cache without a server. What it does with a compiler is what sccache 0.16 was seen to do: it asks who the compiler
/// is, and refuses one that does not say so or that leads back to the cache.
const CACHE: &str = r#"
case "$1" in
  --version) echo 'sccache 0.16.0'; exit ;;
  --show-stats) [ -z "$STATS" ] || { cat "$STATS"; exit; }; echo '{"stats": {}}'; exit ;;
  --stop-server) echo '{"stats": {}}' > "$STATS"; exit ;;
esac
[ -z "$WITHIN_CACHE" ] || exit 1
case "$1" in
  -*) echo "error: unexpected argument '$1' found" >&2; exit 2 ;;
  *rustc) exec "$@" ;;
esac
if printf '#ifdef __GNUC__\nknown\n#endif\n' | WITHIN_CACHE=1 "$1" -E -x c - 2>/dev/null | grep -q known; then
  exec "$@"
fi
echo 'sccache: error: failed to execute compile' >&2
echo 'sccache: caused by: Compiler not supported: ""' >&2
exit 2
"#;

fn with_cache(patient: &mut Patient) {
    patient.program("sccache", CACHE);
    patient.set("RUSTC_WRAPPER", "sccache");
    patient.set("STATS", "");
}

/// The workspace compiles C from now on, as far as its lock file says.
fn with_c(patient: &mut Patient) {
    let lock = patient.workspace.read("Cargo.lock");
    patient
        .workspace
        .write("Cargo.lock", &format!("{lock}\n[[package]]\nname = \"cc\"\nversion = \"1.2.0\"\n"));
}

/// The workspace compiles none, as far as its lock file says.
fn without_c(patient: &mut Patient) {
    patient.workspace.edit("Cargo.lock", "name = \"cc\"\n", "name = \"no-compiler\"\n");
}

#[test]
fn wrappers() {
    case("cache", "wrapper-missing", |patient| {
        patient.configure("[build]\nrustc-wrapper = \"gone-cache\"\n");
    });
    case("cache", "wrapper-missing", |patient| patient.set("RUSTC_WRAPPER", "/gone/sccache"));
    case("cache", "wrapper-missing", |patient| patient.set("RUSTC_WORKSPACE_WRAPPER", "gone-wrapper"));
    case("cache", "wrapper-broken", |patient| {
        let wrapper = patient.program("wrapper", "echo no; exit 1").display().to_string();
        patient.configure(&format!("[build]\nrustc-wrapper = \"{wrapper}\"\n"));
    });
    // One that works is no finding, and an empty variable means none.
    let patient = Patient::new();
    patient.program("wrapper", "exec \"$@\"");
    patient.configure("[build]\nrustc-wrapper = \"wrapper\"\n");
    assert_eq!(patient.look("cache")["findings"], serde_json::json!([]));
    patient.workspace.edit(".cargo/config.toml", "\"wrapper\"", "\"gone\"");
    patient.finding("cache", "wrapper-missing");
    let after = patient.look_after("export RUSTC_WRAPPER=", "cache");
    assert_eq!(after["findings"], serde_json::json!([]));
}

#[test]
fn the_server_of_a_cache() {
    let stats = |text: &'static str| {
        move |patient: &mut Patient| {
            with_cache(patient);
            let file = patient.home().join("stats");
            fs::write(&file, text).unwrap();
            patient.set("STATS", file.display().to_string());
        }
    };
    let bad = r#"{"stats": {"cache_errors": {"counts": {"Rust": 3}}, "cache_write_errors": 1}}"#;
    let found = case("cache", "cache-server-errors", stats(bad));
    assert!(found["found"].as_str().unwrap().ends_with("3 errors, 1 failed writes"), "{found:#}");
    let full = r#"{"stats": {}, "cache_size": 10737418000, "max_cache_size": 10737418240}"#;
    let found = case("cache", "cache-full", stats(full));
    assert!(
        found["fix"]["command"].as_str().unwrap().starts_with("export SCCACHE_CACHE_SIZE=20G; "),
        "{found:#}"
    );
    case("cache", "cache-server-silent", stats("garbage"));
    for rule in ["bucket-without-region", "bucket-without-credentials"] {
        case("cache", rule, |patient| {
            with_cache(patient);
            patient.set("SCCACHE_BUCKET", "a-bucket");
        });
    }
    case("cache", "incremental-under-cache", |patient| {
        with_cache(patient);
        patient.set("CARGO_INCREMENTAL", "1");
    });
    case("cache", "incremental-under-cache", |patient| {
        with_cache(patient);
        patient.configure("[build]\nincremental = true\n");
    });
}

#[test]
fn c_compilers() {
    let found = case("cache", "cc-unknown-to-wrapper", |patient| {
        with_cache(patient);
        with_c(patient);
        patient.program("own-wrapper", "exec \"$@\"");
        patient.set("CC", "own-wrapper gcc");
    });
    assert_eq!(found["severity"], "error");
    case("cache", "cc-is-a-wrapper-alone", |patient| patient.set("CC", "sccache"));
    let found = case("cache", "cc-missing", |patient| {
        without_c(patient);
        patient.set("CC", "gone-cc");
    });
    assert_eq!(found["severity"], "warning", "nothing in this workspace compiles C");
    case("cache", "cc-broken", |patient| {
        patient.program("broken-cc", "exit 1");
        patient.set("CC", "broken-cc");
    });
    // Without a cache such a compiler is one that `cc` can use.
    let mut patient = Patient::new();
    patient.program("own-wrapper", "exec \"$@\"");
    patient.set("CC", "own-wrapper gcc");
    assert_eq!(patient.look("cache")["findings"], serde_json::json!([]));
}

/// The trap that makes people fall back on "plain gcc for ring": Rust compiles through the cache, and the first crate
/// with C in it does not.
#[test]
fn the_ring_trap() {
    let mut patient = Patient::new();
    with_c(&mut patient);
    // The real sccache where there is one, with a server of its own.
    let is_real = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join("sccache").is_file()));
    let cache = if is_real { real("sccache") } else { patient.program("sccache", CACHE) };
    patient.set("RUSTC_WRAPPER", cache.display().to_string());
    patient.set("SCCACHE_DIR", patient.home().join("cache").display().to_string());
    // However the test ends, its server does not outlive it for long.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    patient.set("SCCACHE_SERVER_PORT", free.to_string());
    patient.set("SCCACHE_IDLE_TIMEOUT", "30");
    patient.set("STATS", "");
    let compiler = patient.program("gcc-cached", &format!("exec {} gcc \"$@\"", cache.display()));
    patient.set("CC", compiler.display().to_string());

    let folder = patient.home().join("trap");
    fs::create_dir_all(folder.join("src")).unwrap();
    fs::write(folder.join("src/lib.rs"), "").unwrap();
    let manifest =
        "[package]\nname = \"trap\"\nedition = \"2024\"\n[dependencies]\nring = \"0.17\"\n[workspace]\n";
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock");
    fs::copy(lock, folder.join("Cargo.lock")).unwrap();
    let run = |lines: &str| {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", lines]).current_dir(&folder);
        for (name, value) in patient.workspace.command(&[]).get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let output = shell.output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let build = |prepare: &str| run(&format!("{prepare}; cargo build --quiet --offline"));
    let (built, said) = build(":");
    assert!(!built && said.contains("ring") && said.contains("Compiler not supported"), "{said}");

    let finding = patient.finding("cache", "cc-wrapped-twice");
    assert_eq!(finding["severity"], "error");
    assert!(finding["wanted"].as_str().unwrap().contains("`ring`"), "{finding:#}");
    let mend = finding["fix"]["command"].as_str().unwrap();
    let after = patient.look_after(mend, "cache");
    assert_eq!(super::found(&after, "cc-wrapped-twice"), None, "{after:#}");
    let (built, said) = build(mend);
    assert!(built, "{said}");
    if is_real {
        assert!(run(&format!("{} --stop-server >&2", cache.display())).0);
    }
    assert!(processes_with("gcc-cached").is_empty());
}
