//! Cargo's configuration, manifests, profiles, rustflags and the linker.

use super::{case, case_by_hand, host};

#[test]
fn files_that_cannot_be_read() {
    let found = case_by_hand(
        "cargo",
        "config-unreadable",
        |patient| patient.configure("[build\n"),
        |patient| patient.workspace.edit(".cargo/config.toml", "[build", "[build]"),
    );
    assert!(found["found"].as_str().unwrap().contains("line 3"), "{found:#}");
    case("cargo", "config-twice", |patient| {
        patient.workspace.write(".cargo/config", "[term]\nquiet = false\n")
    });
    case("cargo", "include-missing", |patient| {
        patient.workspace.edit(".cargo/config.toml", "[env]", "include = [\"gone.toml\"]\n[env]");
    });
    case_by_hand(
        "cargo",
        "workspace-unreadable",
        |patient| patient.workspace.edit("Cargo.toml", "\"server\"", "\"server\", \"gone\""),
        |patient| patient.workspace.edit("Cargo.toml", ", \"gone\"", ""),
    );
    let found = case("cargo", "config-path-missing", |patient| {
        patient.configure(&format!("[target.{}]\nrunner = [\"tools/gone\", \"--x\"]\n", host().0));
    });
    assert_eq!(found["place"], ".cargo/config.toml:4");
}

#[test]
fn what_a_leptos_workspace_needs_of_cargo() {
    // With the table, without it, without the file.
    case("cargo", "server-fn-key-missing", |patient| {
        patient.workspace.write(".cargo/config.toml", "[env]\nOTHER = \"1\"\n");
    });
    case("cargo", "server-fn-key-missing", |patient| {
        patient.workspace.write(".cargo/config.toml", "[term]\nquiet = false\n");
    });
    let found = case("cargo", "server-fn-key-missing", |patient| {
        std::fs::remove_dir_all(patient.root().join(".cargo")).unwrap();
    });
    assert_eq!(found["fix"]["edit"][0]["new"], "[env]\nSERVER_FN_OVERRIDE_KEY = \"fixture\"\n");
    let with_xtask = |patient: &super::Patient| {
        patient.workspace.edit("Cargo.toml", "\"server\"", "\"server\", \"xtask\"");
        patient.workspace.write("xtask/Cargo.toml", "[package]\nname = \"xtask\"\nedition = \"2024\"\n");
        patient.workspace.write("xtask/src/main.rs", "fn main() {}\n");
    };
    case("cargo", "alias-missing", |patient| with_xtask(patient));
    case("cargo", "alias-of-something-else", |patient| {
        with_xtask(patient);
        patient.configure("[alias]\nxtask = \"run --package tasks --\"\n");
    });
}

#[test]
fn profiles() {
    let found = case("cargo", "profile-ignored", |patient| {
        let manifest = patient.workspace.read("server/Cargo.toml");
        let more = "\n[profile.release]\nopt-level = 1\n\n[profile.release.package.serde]\nopt-level = 3\n";
        patient.workspace.write("server/Cargo.toml", &format!("{manifest}{more}"));
    });
    assert_eq!(found["fix"]["edit"].as_array().unwrap().len(), 2, "{found:#}");
    let root = |patient: &super::Patient, text: &str| {
        let manifest = patient.workspace.read("Cargo.toml");
        patient.workspace.write("Cargo.toml", &format!("{manifest}\n{text}"));
    };
    let base = "[profile.production]\ninherits = \"release\"\nstrip = \"symbols\"\n\n";
    for front in ["", "strip = \"none\"\n"] {
        case("cargo", "strip-differs", |patient| {
            root(patient, &format!("{base}[profile.production-wasm]\ninherits = \"release\"\n{front}"));
        });
    }
    case("cargo", "debug-stripped", |patient| root(patient, &format!("{base}debug = \"full\"\n")));
}

#[test]
fn rustflags_that_cancel_each_other() {
    let found = case("cargo", "rustflags-hidden", |patient| {
        patient.configure("[build]\nrustflags = [\"--cfg\", \"from_file\"]\n");
        patient.set("RUSTFLAGS", "--cfg from_variable");
    });
    assert!(found["found"].as_str().unwrap().contains("from_file"), "{found:#}");
    case("cargo", "rustflags-hidden", |patient| {
        let (target, flags) = (host().0, "rustflags = \"--cfg of_target\"");
        let build = "[build]\nrustflags = [\n  \"--cfg\",\n  \"of_build\",\n]\n";
        patient.configure(&format!(
            "{build}[target.{target}]\n{flags}\n[target.wasm32-unknown-unknown]\n{flags}\n"
        ));
        // Each target is told on its own; this is about the first.
        patient.workspace.edit(
            ".cargo/config.toml",
            "[target.wasm32-unknown-unknown]\nrustflags",
            "[term]\nx",
        );
    });
    case("cargo", "rustflags-contradict", |patient| {
        patient.set("RUSTFLAGS", "-C target-cpu=native -C opt-level=3 -Ctarget-cpu=x86-64");
    });
    let found = case("cargo", "rustflags-contradict", |patient| {
        patient.configure(
            "[build]\nrustflags = [\"-Clink-arg=-fuse-ld=lld\", \"-Cdebuginfo=1\", \"-Clink-arg=-fuse-ld=bfd\"]\n",
        );
    });
    assert_eq!(found["place"], ".cargo/config.toml:4");
}

/// What cargo really does with the flags that are reported as lost.
#[test]
fn lost_flags_are_lost() {
    let mut patient = super::Patient::new();
    patient.configure("[build]\nrustflags = [\"--cfg\", \"from_file\"]\n");
    patient.set("CARGO_NET_OFFLINE", "true");
    patient.workspace.write("core/src/lib.rs", "#[cfg(not(from_file))]\ncompile_error!(\"flag lost\");\n");
    patient.workspace.write("core/Cargo.toml", "[package]\nname = \"fixture-core\"\nedition = \"2024\"\n");
    let check = "cargo check --quiet --package fixture-core";
    patient.look_after(check, "cargo");
    let lost = patient.doctor_after(&format!("export RUSTFLAGS=; {check}"), &["--only", "cargo"]);
    assert!(lost.stderr.contains("flag lost") && lost.stdout.is_empty(), "{}", lost.stderr);
    patient.set("RUSTFLAGS", "--cfg other");
    let found = patient.finding("cargo", "rustflags-hidden");
    let mended = format!("{}; {check}", found["fix"]["command"].as_str().unwrap());
    patient.look_after(&mended, "cargo");
}

#[test]
fn linkers() {
    let target = host().0;
    let variable = format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_"));
    case("linker", "linker-missing", |patient| patient.set(&variable, "/gone/ld"));
    case("linker", "linker-missing", |patient| {
        patient.configure(&format!("[target.{target}]\nlinker = \"gone-cc\"\n"));
    });
    case("linker", "linker-missing", |patient| {
        patient.configure("[target.'cfg(unix)']\nlinker = \"./gone-cc\"\n");
    });
    let found = case("linker", "linker-missing", |patient| {
        patient.configure("[build]\nrustflags = [\"-C\", \"linker=gone-cc\", \"-C\", \"debuginfo=1\"]\n");
    });
    assert_eq!(found["fix"]["edit"][0]["new"], "rustflags = [\"-C\", \"debuginfo=1\"]\n");
    case_by_hand(
        "linker",
        "linker-missing",
        |patient| patient.bare(&["sh", "rustc", "cargo", "git"]),
        |patient| patient.link("cc"),
    );
    case("linker", "linker-asked-missing", |patient| patient.set("RUSTFLAGS", "-Clink-arg=-fuse-ld=gone"));
    let found = case("linker", "linker-asked-missing", |patient| {
        patient.configure("[build]\nrustflags = [\"-Copt-level=1\", \"-C\", \"link-arg=-fuse-ld=gone\"]\n");
    });
    assert_eq!(found["fix"]["edit"][0]["new"], "rustflags = [\"-Copt-level=1\"]\n");
}
