//! Who reads: small workspaces as cargo describes them, and single lines.

use super::*;
use crate::bench::caches::{CompileCache, concerns, tried};
use crate::exec::Mode;
use crate::facts::toolchain::Toolchain;
use crate::plan::Invocation;
use crate::ui::Ui;

/// A workspace with one library, which is compiled with `with`, and what is known of it.
fn looked(files: &[(&str, &str)], with: &[&str]) -> (tempfile::TempDir, Result<Readers, String>) {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let exec = Executor::new(Ui::detect(true), Mode::Run).unwrap();
    let needs: String = with.iter().map(|name| format!("{name} = {{ path = \"../{name}\" }}\n")).collect();
    write("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"app\"]\n");
    write("app/Cargo.toml", &format!("{}\n[dependencies]\n{needs}", manifest("app")));
    write(
        "app/src/lib.rs",
        "pub fn read() {\n    let _ = std::fs::read(std::env::var(\"HERE\").unwrap());\n}\n",
    );
    for (file, text) in files {
        write(file, text);
    }
    let host = Toolchain::probe(&exec, Path::new("/")).unwrap().host;
    let lock = Invocation::new("cargo", folder.path()).args(["generate-lockfile", "--offline"]);
    exec.run(&lock).unwrap();
    let found = look(&exec, folder.path(), &host).unwrap();
    (folder, found)
}

fn manifest(name: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n")
}

fn of_macros(name: &str) -> String {
    format!("{}\n[lib]\nproc-macro = true\n", manifest(name))
}

fn sccache() -> CompileCache {
    CompileCache::Sccache { program: "sccache".into(), version: tried("sccache").unwrap(), s3: false }
}

#[test]
fn who_reads_in_macros_is_found() {
    let reader = of_macros("reader") + "\n[dependencies]\nhelper = { path = \"../helper\" }\n";
    let (_folder, found) = looked(
        &[
            ("reader/Cargo.toml", &reader),
            (
                "reader/src/lib.rs",
                "mod read;\n// std::env::var(\"COMMENT\")\nfn a() { std::env::var(\"SECRET\").ok(); }\n\
                 fn b() -> Option<std::ffi::OsString> { std::env::var_os(\"CARGO_MANIFEST_DIR\") }\n",
            ),
            ("reader/src/read.rs", "pub fn read() { let _ = std::fs::read(\"secret.txt\"); }\n"),
            ("helper/Cargo.toml", &manifest("helper")),
            ("helper/src/lib.rs", "use std::env;\npub fn all() -> usize { env::vars().count() }\n"),
        ],
        &["reader"],
    );
    let readers = found.clone().unwrap();
    let expected = Readers {
        in_macros: 2,
        variables: vec![
            "reader 0.1.0 (SECRET in src/lib.rs)".to_owned(),
            "helper 0.1.0 (src/lib.rs)".to_owned(),
        ],
        of_package: vec!["reader 0.1.0 (CARGO_MANIFEST_DIR in src/lib.rs)".to_owned()],
        files: vec!["reader 0.1.0 (src/read.rs)".to_owned()],
        scripts: Vec::new(),
    };
    assert_eq!(readers, expected);
    let told = concerns(&sccache(), &found);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].ends_with("; here that may be reader 0.1.0 (src/read.rs)"), "{told:?}");
}

#[test]
fn a_workspace_whose_macros_read_nothing_is_not_concerned() {
    let (_folder, found) = looked(
        &[
            ("clean/Cargo.toml", &of_macros("clean")),
            (
                "clean/src/lib.rs",
                "//! Not like std::fs::read.\nfn a() -> &'static str { env!(\"CARGO_PKG_NAME\") }\n\
                 fn b() -> Option<&'static str> { option_env!(\"TOLD\") }\n",
            ),
            // What is no part of the library.
            ("clean/tests/it.rs", "#[test]\nfn it() { std::fs::read(\"x\").unwrap_err(); }\n"),
            ("clean/build.rs", "fn main() { std::fs::read(std::env::var(\"X\").unwrap()).unwrap(); }\n"),
        ],
        &["clean"],
    );
    let readers = found.clone().unwrap();
    let scripts = vec!["clean 0.1.0".to_owned()];
    assert_eq!(readers, Readers { in_macros: 1, scripts, ..Readers::default() });
    assert_eq!(concerns(&sccache(), &found), [""; 0]);
    // A build script is reason enough not to recommend kache.
    let kache = CompileCache::Kache { program: "kache".into(), version: tried("kache").unwrap() };
    assert_eq!(concerns(&kache, &found).len(), 2);
}

#[test]
fn what_cannot_be_looked_at_is_not_known() {
    let (folder, _) = looked(&[], &[]);
    let exec = Executor::new(Ui::detect(true), Mode::Run).unwrap();
    // A lock file that does not fit is not written again either.
    fs::write(folder.path().join("Cargo.lock"), "version = 4\n").unwrap();
    let reason = look(&exec, folder.path(), "x86_64-unknown-linux-gnu").unwrap().unwrap_err();
    assert!(reason.starts_with("`cargo metadata` failed: error: "), "{reason}");
    assert_eq!(fs::read_to_string(folder.path().join("Cargo.lock")).unwrap(), "version = 4\n");
    assert_eq!(concerns(&sccache(), &Err(reason)).len(), 2);
}

#[test]
fn lines_that_read_and_lines_that_do_not() {
    let found = |line: &str| {
        let mut places = Places::default();
        places.note(line, "f");
        let joined = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(",");
        [&places.variables, &places.of_package, &places.files, &places.unknown].map(joined)
    };
    for (line, variables, of_package, files, unknown) in [
        ("let a = std::env::var(\"A\").or_else(|_| env::var_os(\"B\"));", "A in f,B in f", "", "", ""),
        ("let a = env::var(name).expect(\"CARGO_PKG_NAME\");", "f", "", "", ""),
        ("for (name, _) in std::env::vars() {", "f", "", "", ""),
        ("use std::{env::{self}, fs::File};", "f", "", "f", ""),
        ("env::var(\"CARGO_PKG_VERSION\")", "", "CARGO_PKG_VERSION in f", "", ""),
        ("proc_macro::tracked_env::var(\"A\")", "", "", "", ""),
        ("let a = option_env!(\"A\"); let b = include_str!(\"b\");", "", "", "", ""),
        ("if path.exists() || path.try_exists()? {", "", "", "f", ""),
        ("let git = Command::new(\"git\");", "", "", "f", ""),
        ("include!(concat!(env!(\"OUT_DIR\"), \"/made.rs\"));", "", "", "", "OUT_DIR in f"),
        ("    unsafe extern \"C\" {", "", "", "", "extern in f"),
        ("extern \"C\" fn called(_: usize) {", "", "", "", ""),
        ("    /// std::fs::read", "", "", "", ""),
        ("let offs::X = defs::Y;", "", "", "", ""),
    ] {
        let expected = [variables, of_package, files, unknown].map(str::to_owned);
        assert_eq!(found(line), expected, "{line}");
    }
}

#[test]
fn who_tells_most_is_named_first() {
    let set = |places: &[&str]| places.iter().map(|place| (*place).to_owned()).collect::<BTreeSet<_>>();
    let unknown = set(&["OUT_DIR in c"]);
    let rank = |certain: &[&str], unknown: &BTreeSet<String>| told("p 1.0.0", &set(certain), unknown);
    let named = rank(&["a", "A in b"], &unknown).unwrap();
    assert_eq!(named, (0, "p 1.0.0 (A in b, a, …)".to_owned()));
    assert_eq!(rank(&["a"], &unknown).unwrap(), (1, "p 1.0.0 (a, OUT_DIR in c)".to_owned()));
    assert_eq!(rank(&[], &unknown).unwrap(), (2, "p 1.0.0 (OUT_DIR in c)".to_owned()));
    assert_eq!(rank(&[], &set(&[])), None);
}
