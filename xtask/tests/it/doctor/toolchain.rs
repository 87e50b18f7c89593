//! cargo, rustc and rustup: absent, too old, others than are meant.

use std::fs;
use std::os::unix::fs::symlink;

use super::{Patient, case, case_by_hand, host, real};

/// Passes everything on to the real program but one question.
fn pretends(patient: &Patient, program: &str, question: &str, answer: &str) {
    let real = real(program).display().to_string();
    let script = format!("[ \"$*\" = '{question}' ] && {{ printf '{answer}'; exit 0; }}\nexec {real} \"$@\"");
    patient.program(program, &script);
}

/// `rustup update` as far as a test can have it: the newest program is the real one.
fn updates(patient: &Patient, program: &str) {
    let file = patient.bin().join(program).display().to_string();
    patient.program("rustup", &format!("[ \"$*\" = update ] || exit 9\nrm {file}"));
}

/// A home of rustup's own with links to this machine's toolchain under other names.
fn toolchains(patient: &mut Patient, names: &[&str]) {
    let (triple, sysroot) = host();
    let home = patient.home().join("rustup");
    fs::create_dir_all(home.join("toolchains")).unwrap();
    // Without it, every program that rustup starts writes it anew, and others read half of it meanwhile.
    fs::write(home.join("settings.toml"), "version = \"12\"\n").unwrap();
    for name in names {
        symlink(&sysroot, home.join(format!("toolchains/{name}-{triple}"))).unwrap();
    }
    patient.set("RUSTUP_HOME", home.display().to_string());
}

fn has_rustup() -> bool {
    let is_there = fs::canonicalize(real("rustc")).is_ok_and(|path| path.ends_with("rustup"))
        || fs::metadata(real("rustc")).unwrap().len() > 1_000_000 && crate::registry::is_there("rustup");
    is_there || !crate::support::skipped("rustc is not started by rustup")
}

#[test]
fn absent() {
    case_by_hand(
        "toolchain",
        "cargo-missing",
        |patient| patient.bare(&["sh", "rustc"]),
        |patient| patient.link("cargo"),
    );
    case_by_hand(
        "toolchain",
        "rustc-fails",
        |patient| drop(patient.program("rustc", "echo 'no such thing' >&2; exit 1")),
        |patient| fs::remove_file(patient.bin().join("rustc")).unwrap(),
    );
    case("toolchain", "rustc-set-missing", |patient| patient.set("RUSTC", "/gone/rustc"));
    case("toolchain", "rustc-set-missing", |patient| patient.configure("[build]\nrustc = \"gone/rustc\"\n"));
    case("toolchain", "rustc-set", |patient| patient.set("RUSTC", real("rustc").display().to_string()));
    if !has_rustup() {
        return;
    }
    let found = case("toolchain", "toolchain-absent", |patient| {
        toolchains(patient, &[]);
        patient.workspace.write("rust-toolchain.toml", "[toolchain]\nchannel = \"9.9.9\"\n");
        let (triple, sysroot) = host();
        let install = format!(
            "[ \"$1 $2\" = 'toolchain install' ] && ln -s {sysroot} $RUSTUP_HOME/toolchains/$3-{triple}"
        );
        patient.program("rustup", &install);
    });
    assert_eq!(found["place"], "rust-toolchain.toml:2");
    assert_eq!(found["fix"]["command"], "rustup toolchain install 9.9.9");
    case("toolchain", "toolchain-overridden", |patient| {
        toolchains(patient, &["9.9.9", "8.8.8"]);
        patient.workspace.write("rust-toolchain", "9.9.9\n");
        patient.set("RUSTUP_TOOLCHAIN", format!("8.8.8-{}", host().0));
    });
}

#[test]
fn too_old() {
    case("toolchain", "cargo-ignores-include", |patient| {
        patient.workspace.edit(
            ".cargo/config.toml",
            "[env]",
            "include = [{ path = \"local.toml\", optional = true }]\n[env]",
        );
        pretends(patient, "cargo", "--version", "cargo 1.93.1 (0 2025-01-01)\\n");
        updates(patient, "cargo");
    });
    let found = case("toolchain", "rustc-too-old", |patient| {
        patient.workspace.edit("server/Cargo.toml", "edition =", "rust-version = \"1.85\"\nedition =");
        let (triple, _) = host();
        pretends(patient, "rustc", "-vV", &format!("rustc 1.80.1\\nhost: {triple}\\nrelease: 1.80.1\\n"));
        updates(patient, "rustc");
    });
    assert!(found["wanted"].as_str().unwrap().contains("`fixture-server`"), "{found:#}");
    case("toolchain", "cargo-and-rustc-differ", |patient| {
        pretends(patient, "cargo", "--version", "cargo 1.80.0 (0 2024-01-01)\\n");
    });
}
