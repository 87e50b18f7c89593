//! `doctor` where there is little or nothing: other workspaces, no workspace, no programs; and that it is quick, quiet
//! about secrets, and changes nothing.

use std::fs;

use serde_json::Value;

use super::{Patient, found};
use crate::support::listing;

/// The whole report, which has to be one whatever the state.
fn whole(patient: &Patient) -> Value {
    let run = patient.doctor_after(":", &[]);
    assert!(matches!(run.code, Some(0 | 1)), "{:?}: {}", run.code, run.stderr);
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}\n{}", run.stdout, run.stderr))
}

fn rules(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings.map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_workspace_in_good_health() {
    let mut patient = Patient::new();
    super::tools::as_committer(&mut patient);
    let run = patient.doctor_after("git init -q && git add -A && git commit -qm one", &[]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let of_machine = |rule: &String| {
        ["docker-missing", "docker-engine-silent", "buildx-missing", "disk-space", "tools-missing"]
            .contains(&rule.as_str())
    };
    let ill: Vec<String> = rules(&report).into_iter().filter(|rule| !of_machine(rule)).collect();
    assert_eq!(ill, [""; 0], "{report:#}");
    assert_eq!(report["skipped"], serde_json::json!(["network"]));
}

#[test]
fn a_package_without_any_metadata_of_ours() {
    let patient = Patient::new();
    fs::remove_dir_all(patient.root().join("server")).unwrap();
    fs::remove_dir_all(patient.root().join(".cargo")).unwrap();
    let manifest = "[package]\nname = \"alone\"\nedition = \"2024\"\n\n[lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n\n\
                    [package.metadata.leptos]\nhash-files = false\n";
    patient.workspace.write("Cargo.toml", manifest);
    patient.workspace.write("src/lib.rs", "");
    patient.workspace.write("src/main.rs", "fn main() {}\n");
    let report = whole(&patient);
    assert!(found(&report, "leptos-project").is_none(), "{report:#}");
    assert!(found(&report, "server-fn-key-missing").is_some(), "{report:#}");
}

#[test]
fn nothing_at_all() {
    let mut patient = Patient::new();
    patient.bare(&["sh"]);
    for entry in fs::read_dir(patient.root()).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }
    let found = rules(&whole(&patient));
    for rule in ["cargo-missing", "rustc-fails", "lockfile-missing", "git-missing", "docker-missing"] {
        assert!(found.iter().any(|known| known == rule), "{rule}: {found:?}");
    }
    patient.workspace.write("Cargo.toml", "[workspace\n");
    assert!(rules(&whole(&patient)).contains(&"workspace-unreadable".to_owned()));
}

#[test]
fn it_changes_nothing_and_keeps_secrets() {
    let mut patient = Patient::new();
    let secret = "hunter2-of-a-test";
    for name in ["RAILWAY_TOKEN", "RAILWAY_API_TOKEN", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY"] {
        patient.set(name, secret);
    }
    patient.set("RUSTFLAGS", format!("--cfg key=\"{secret}\""));
    patient.workspace.write("railway.toml", "[deploy]\n");
    let (root, home) = (listing(&patient.root()), listing(&patient.home()));
    for format in ["human", "json", "markdown"] {
        let run = patient.workspace.xtask(&["doctor", "--format", format]);
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        assert!(run.stdout.contains("railway-two-tokens"), "{}", run.stdout);
        assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret), "{}{}", run.stdout, run.stderr);
        assert_eq!(run.stderr.lines().filter(|line| line.starts_with("error:")).count(), 1, "{}", run.stderr);
    }
    assert!(listing(&patient.root()) == root && listing(&patient.home()) == home);
}

/// A program that hangs costs its limit once, not the whole look.
#[test]
fn a_program_that_hangs() {
    let patient = Patient::new();
    patient.program("docker", "exec sleep 600");
    let report = patient.look("docker");
    let found = found(&report, "docker-engine-silent").unwrap();
    assert!(report["seconds"].as_f64().unwrap() < 8.0, "{report:#}");
    assert!(!found["found"].as_str().unwrap().is_empty());
}

#[test]
fn it_takes_less_than_a_second() {
    let patient = Patient::new();
    // Other tests keep the machine busy; the quickest of a few runs is what it takes.
    let seconds = (0..6).map(|_| whole(&patient)["seconds"].as_f64().unwrap()).fold(f64::MAX, f64::min);
    assert!(seconds < 1.0, "{seconds} s");
}
