//! A machine that does not play along: no source for a tool, a full disk, a read-only target, a killed compiler.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use expect_test::expect;

use crate::support::{Run, Workspace, contents, finish, folded};

#[test]
fn a_missing_tool_and_no_source() {
    for variable in ["XTASK_OFFLINE", "CARGO_NET_OFFLINE"] {
        let mut workspace = Workspace::fixture();
        let home = tempfile::tempdir().unwrap();
        workspace.set("XTASK_HOME", home.path().display().to_string());
        workspace.set("XTASK_OFFLINE", "");
        workspace.set("CARGO_NET_OFFLINE", "");
        workspace.set(variable, "true");
        let run = workspace.xtask(&["build"]);
        assert_eq!(run.code, Some(3), "{}", run.stderr);
        // Which tool is the first that is missing depends on the machine.
        let message = run.messages(&workspace);
        assert!(message.contains(" is missing and no source gave it"), "{message}");
        let refused = format!(": not tried, {variable} is set");
        assert!(message.lines().any(|line| line.starts_with("  ") && line.ends_with(&refused)), "{message}");
        assert!(message.lines().last().unwrap().starts_with(" hint: "), "{message}");
        assert!(contents(&home.path().join("tools")).is_empty());
        assert!(!workspace.root().join("target/site").exists());
    }
}

/// Runs xtask with a file system of its own mounted over `target`. Afterwards `left.txt` in the workspace names what
/// is in it, and `left` has the runs of `bench`. `None` where mounting is not permitted.
pub fn with_target(workspace: &Workspace, options: &str, args: &[&str]) -> Option<Run> {
    with_target_and(workspace, options, ":", args)
}

/// The same, with this shell script beside it, which ends with xtask.
pub fn with_target_and(workspace: &Workspace, options: &str, beside: &str, args: &[&str]) -> Option<Run> {
    std::fs::create_dir_all(workspace.root().join("target")).unwrap();
    let mount = format!("mount -t tmpfs -o {options} tmpfs target");
    let namespace = ["-m", "-rm"].into_iter().find(|flag| {
        let mut probe = Command::new("unshare");
        let probe = probe.args([flag, "sh", "-c", &mount]).current_dir(workspace.root());
        probe.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    });
    let Some(namespace) = namespace else {
        crate::support::skipped("unshare and mount are not permitted here");
        return None;
    };
    let xtask = workspace.command(args);
    let script = format!(
        "{mount} || exit 99; ({beside}) & beside=$!; env \"$@\"; code=$?; kill $beside 2>/dev/null; \
         (cd target; find . -type f) >left.txt; cp -R target/xtask/bench/runs left 2>/dev/null; exit $code"
    );
    let mut command = Command::new("unshare");
    command.args([namespace, "sh", "-c", &script, "sh"]);
    // Only xtask gets xtask's environment: its `PATH` may hold nothing but fakes.
    for (name, _) in xtask.get_envs().filter(|(_, value)| value.is_none()) {
        command.arg("-u").arg(name);
    }
    for (name, value) in xtask.get_envs() {
        command.args(value.map(|value| format!("{}={}", name.display(), value.display())));
    }
    command.arg(xtask.get_program()).args(xtask.get_args()).current_dir(workspace.root());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(finish(command.spawn().unwrap()))
}

/// Our message without the output of cargo, which differs between versions.
fn ends(workspace: &Workspace, run: &Run) -> String {
    let message = run.messages(workspace);
    let ours = message.lines().skip_while(|line| !line.starts_with("error: step"));
    let short = |line: &&str| !line.starts_with("    ") && !line.starts_with("  command: ");
    folded(&ours.filter(short).collect::<Vec<_>>().join("\n"))
}

#[test]
fn a_full_disk() {
    let workspace = Workspace::fixture();
    let Some(run) = with_target(&workspace, "size=64k", &["build"]) else {
        return;
    };
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    expect![[r#"
        error: step `compile front`: `cargo rustc …` failed with exit code 101
          folder: [root]
          last lines of its output:
         hint: the disk is full: make room (`cargo clean` does), or set CARGO_TARGET_DIR to a
            folder elsewhere"#]]
    .assert_eq(&ends(&workspace, &run));
    nothing_to_use(&workspace);
}

#[test]
fn a_read_only_target() {
    let workspace = Workspace::fixture();
    let Some(run) = with_target(&workspace, "ro", &["build"]) else {
        return;
    };
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    expect![[r#"
        error: step `compile front`: `cargo rustc …` failed with exit code 101
          folder: [root]
          last lines of its output:
         hint: the file system is read-only: set CARGO_TARGET_DIR to a folder that can be written
            to"#]]
    .assert_eq(&ends(&workspace, &run));
    assert_eq!(workspace.read("left.txt"), "");
}

pub fn nothing_to_use(workspace: &Workspace) {
    let left = workspace.read("left.txt");
    assert!(!left.is_empty());
    for part in ["receipts/", ".tmp", "partial"] {
        assert!(!left.contains(part), "{left}");
    }
}

#[test]
fn a_killed_compiler() {
    let mut workspace = Workspace::fixture();
    workspace.write(
        "wrapper",
        "#!/bin/sh\ncase \"$*\" in *'--crate-name fixture_ui '*) kill -KILL $$ ;; esac\nexec \"$@\"\n",
    );
    let wrapper = workspace.root().join("wrapper");
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755)).unwrap();
    workspace.set("RUSTC_WRAPPER", wrapper.display().to_string());
    let run = workspace.xtask(&["build", "--profile", "dev", "--front-only"]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    expect![[r#"
        error: step `compile front`: `cargo build …` failed with exit code 101
          folder: [root]
          last lines of its output:
         hint: the system kills a process when memory runs out (`dmesg` tells);
            CARGO_BUILD_JOBS=1 needs less"#]]
    .assert_eq(&ends(&workspace, &run));
    assert!(run.messages(&workspace).contains("could not compile `fixture-ui`"), "{}", run.stderr);
    for folder in ["site", "xtask/receipts", "xtask/site"] {
        assert!(!workspace.root().join("target").join(folder).exists(), "{folder}");
    }
    workspace.set("RUSTC_WRAPPER", "");
    let next = workspace.build(&["--profile", "dev", "--front-only"]);
    assert_eq!(next["result"], "ok");
}
