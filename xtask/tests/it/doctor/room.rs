//! Disk space and inodes, on a file system of the test's own, and the git checkout.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Patient, case, case_by_hand, found};
use crate::support::{finish, skipped};

/// Looks, does what is printed, and looks again, all with a file system of its own below the target directory, which
/// `fill` fills. `None` where mounting is not permitted.
fn on_a_disk(options: &str, fill: &str, rule: &str) -> Option<Value> {
    let mut patient = Patient::new();
    let disk = patient.root().join("disk");
    std::fs::create_dir_all(&disk).unwrap();
    patient.set("CARGO_TARGET_DIR", disk.join("target").display().to_string());
    let mount = format!("mount -t tmpfs -o {options} tmpfs disk");
    let namespace = ["-m", "-rm"].into_iter().find(|flag| {
        let mut probe = Command::new("unshare");
        let probe = probe.args([flag, "sh", "-c", &mount]).current_dir(patient.root());
        probe.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    });
    let Some(namespace) = namespace else {
        skipped("unshare and mount are not permitted here");
        return None;
    };
    let xtask = patient.workspace.command(&["doctor", "--only", "host", "--format", "json"]);
    let look = |file: &str| format!("{{ \"$@\" > {file}; [ $? -le 1 ]; }}");
    let script = format!(
        "{mount} && mkdir disk/target && ({fill}) && {} && cargo clean --quiet && {}",
        look("before.json"),
        look("after.json")
    );
    let mut command = Command::new("unshare");
    command.args([namespace, "sh", "-c", &script, "sh"]).arg(xtask.get_program()).args(xtask.get_args());
    for (name, value) in xtask.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.current_dir(patient.root()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = finish(command.spawn().unwrap());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let read = |file: &str| serde_json::from_str::<Value>(&patient.workspace.read(file)).unwrap();
    let finding = found(&read("before.json"), rule).unwrap();
    assert_eq!(finding["fix"]["command"], "cargo clean");
    assert_eq!(found(&read("after.json"), rule), None);
    Some(finding)
}

#[test]
fn disks() {
    let fill = "head -c 150000000 /dev/zero > disk/target/large";
    let finding = on_a_disk("size=5100000000", fill, "disk-space");
    assert!(finding.is_none_or(|finding| finding["severity"] == "warning"));
    // Cargo counts this folder as a target directory by its tag.
    let fill = "cd disk/target && mkdir many && cd many && for i in $(seq 300); do : > $i; done";
    on_a_disk("size=6000000000,nr_inodes=20200", fill, "disk-files");
}

#[test]
fn checkouts() {
    let init = "git init -q && git add -A && git commit -qm one";
    let prepared = |patient: &mut Patient, lines: &str| {
        super::tools::as_committer(patient);
        let run = patient.doctor_after(lines, &["--only", "host"]);
        assert!(!run.stdout.is_empty(), "{}", run.stderr);
    };
    case_by_hand(
        "checkout",
        "git-missing",
        |patient| patient.bare(&["sh", "rustc", "cargo", "cc"]),
        |patient| patient.link("git"),
    );
    case("checkout", "not-a-checkout", |_| {});
    case("checkout", "checkout-dirty", |patient| {
        prepared(patient, init);
        patient.workspace.write("new.txt", "new\n");
    });
    case("checkout", "checkout-dirty", |patient| prepared(patient, "git init -q"));
    case("checkout", "checkout-shallow", |patient| {
        let lines = format!(
            "{init} && git commit -q --allow-empty -m two && git clone -q --bare . origin.git && \
             git clone -q --depth 1 \"file://$PWD/origin.git\" clone && rm -rf .git && mv clone/.git .git && rm -rf clone"
        );
        prepared(patient, &lines);
    });
    let found = case("checkout", "github-token-missing", |patient| {
        prepared(patient, &format!("{init} && git remote add origin https://github.com/owner/app.git"));
        let login = "[ \"$*\" = 'auth login' ] && mkdir -p \"$HOME/.config/gh\" && : > \"$HOME/.config/gh/hosts.yml\"";
        patient.program("gh", login);
    });
    assert_eq!(found["severity"], "note");
}
