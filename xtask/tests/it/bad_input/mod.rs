//! Wrong input and hostile machines, with real cargo on the fixture: the exit code, the one message, nothing written.

pub mod machine;

use expect_test::{Expect, expect};

use crate::support::{Workspace, folded, listing};

/// Something that is wrong before anything is done.
fn check(args: &[&str], code: i32, expected: &Expect, spoil: impl FnOnce(&mut Workspace)) {
    let mut workspace = Workspace::fixture();
    spoil(&mut workspace);
    refused(&workspace, args, code, expected);
}

fn refused(workspace: &Workspace, args: &[&str], code: i32, expected: &Expect) {
    let before = listing(workspace.root());
    let run = workspace.xtask(args);
    let message = run.messages(workspace);
    assert_eq!(run.code, Some(code), "{}", run.stderr);
    assert_eq!(run.stdout, "");
    assert_eq!(message.lines().filter(|line| line.starts_with("error:")).count(), 1, "{message}");
    expected.assert_eq(&folded(&message));
    assert!(listing(workspace.root()) == before, "{args:?} left something behind");
}

#[test]
fn a_wrong_key() {
    let expected = expect![[r#"
        error: unknown key `hash_files` in `[[workspace.metadata.leptos]]` (project `fixture`) in
            Cargo.toml; did you mean `hash-files`?"#]];
    check(&["build"], 2, &expected, |workspace| workspace.edit("Cargo.toml", "hash-files", "hash_files"));
    let expected = expect![[r#"
        error: unknown key `demo-arg` in `[workspace.metadata.xtask]` in Cargo.toml; did you mean
            `demo-args`?
         hint: known keys: base-image, bench, budgets, demo-args, health-path, image, monitor,
            project, railway, required-variables, split, verify-revision"#]];
    check(&["build"], 2, &expected, |workspace| {
        workspace.edit(
            "Cargo.toml",
            "[[workspace",
            "[workspace.metadata.xtask]\ndemo-arg = []\n\n[[workspace",
        );
    });
    let expected = expect![[r#"
        error: `hash-files` in `[[workspace.metadata.leptos]]` (project `fixture`) in Cargo.toml
            must be true or false, not the number 1"#]];
    check(&["setup"], 2, &expected, |workspace| {
        workspace.edit("Cargo.toml", "hash-files = true", "hash-files = 1");
    });
}

#[test]
fn a_package_that_is_not_there() {
    let expected = expect![[r#"
        error: `lib-package` in `[[workspace.metadata.leptos]]` (project `fixture`) in
            Cargo.toml: there is no package `fixture-fornt` in the workspace; did you mean
            `fixture-front`?
         hint: members: fixture-core, fixture-front, fixture-server, fixture-ui"#]];
    check(&["build"], 2, &expected, |workspace| {
        workspace.edit("Cargo.toml", "lib-package = \"fixture-front\"", "lib-package = \"fixture-fornt\"");
    });
}

#[test]
fn a_project_that_nobody_knows() {
    let expected = expect![[r#"
        error: there is no Leptos project `fixtur`; did you mean `fixture`?
         hint: projects: fixture"#]];
    check(&["build", "--project", "fixtur"], 2, &expected, |_| {});
}

#[test]
fn no_project_at_all() {
    let expected = expect![[r#"
        error: there is no Leptos project: Cargo.toml has no `[[workspace.metadata.leptos]]`, and
            no member's Cargo.toml has a `[package.metadata.leptos]`
         hint: add to the Cargo.toml of the workspace:
        [[workspace.metadata.leptos]]
        name = "app"
        bin-package = "package-with-the-server"
        lib-package = "package-with-the-cdylib""#]];
    check(&["build"], 2, &expected, |workspace| {
        let manifest = workspace.read("Cargo.toml");
        workspace.write("Cargo.toml", manifest.split("[[workspace").next().unwrap());
    });
}

#[test]
fn two_projects_and_none_chosen() {
    let expected = expect![[r#"
        error: there are 2 Leptos projects: fixture, other
         hint: choose one with `--project NAME`, or go to the folder of one of its packages"#]];
    check(&["build"], 2, &expected, |workspace| {
        let manifest = workspace.read("Cargo.toml");
        let project = manifest.split_once("[[workspace.metadata.leptos]]").unwrap().1;
        let other = project.replace("name = \"fixture\"", "name = \"other\"");
        workspace.write("Cargo.toml", &format!("{manifest}\n[[workspace.metadata.leptos]]{other}"));
    });
}

#[test]
fn a_manifest_that_cannot_be_read() {
    let expected = expect![[r#"
        error: [root]/Cargo.toml is not valid TOML: TOML parse error at line 3, column 12
          |
        3 | resolver = 
          |            ^
        string values must be quoted, expected literal string"#]];
    check(&["build"], 2, &expected, |workspace| {
        workspace.edit("Cargo.toml", "resolver = \"3\"", "resolver = ")
    });
    let expected = expect![[r#"
        error: cargo cannot read the workspace: failed to load manifest for workspace member
            `[root]/fornt`
          referenced by workspace at `[root]/Cargo.toml`
          Caused by:
            failed to read `[root]/fornt/Cargo.toml`
          Caused by:
            No such file or directory (os error 2)"#]];
    check(&["build"], 2, &expected, |workspace| workspace.edit("Cargo.toml", "\"front\", ", "\"fornt\", "));
    let expected = expect![[r#"
        error: cargo cannot read the workspace: unexpected key or value, expected newline, `#`
           --> ui/Cargo.toml:4:15
            |
          4 | edition = 1 + "2024"
            |               ^
          error: failed to load manifest for workspace member `[root]/ui`
          referenced by workspace at `[root]/Cargo.toml`"#]];
    check(&["build"], 2, &expected, |workspace| {
        workspace.edit("ui/Cargo.toml", "edition = ", "edition = 1 + ")
    });
}

#[test]
fn no_workspace() {
    let expected = expect![[r#"
        error: there is no Cargo.toml in [root] or above it
         hint: run the command inside the workspace that contains the folder `xtask`"#]];
    refused(&Workspace::empty(), &["build"], 2, &expected);
}

#[test]
fn a_lock_file_that_cannot_be_read() {
    let expected = expect![[r#"
        error: Cargo.lock is not valid: TOML parse error at line 1, column 9
          |
        1 | <<<<<<< HEAD
          |         ^
        key with no value, expected `=`
         hint: if a merge left marks in it, check out one side and run `cargo generate-lockfile`"#]];
    check(&["build"], 2, &expected, |workspace| workspace.write("Cargo.lock", "<<<<<<< HEAD\nversion = 4\n"));
    let expected = expect![[r#"
        error: cannot read [root]/Cargo.lock: No such file or directory (os error 2)
         hint: `cargo generate-lockfile` writes it"#]];
    check(&["build"], 2, &expected, |workspace| {
        std::fs::remove_file(workspace.root().join("Cargo.lock")).unwrap()
    });
}

#[test]
fn a_profile_that_nobody_knows() {
    let expected = expect![[r#"
        error: there is no profile `fast`; the workspace has bench, dev, release, test
         hint: add `[profile.fast]` to the root Cargo.toml, or choose another with `--profile`"#]];
    check(&["build", "--profile", "fast"], 2, &expected, |_| {});
}

#[test]
fn a_bad_variable() {
    for (name, value, expected) in [
        (
            "LEPTOS_SITE_ADDR",
            "localhost",
            expect![[r#"
                error: `LEPTOS_SITE_ADDR` in the environment or `.env` must be an address with a port
                    such as "127.0.0.1:3000", not "localhost""#]],
        ),
        (
            "LEPTOS_HASH_FILES",
            "yes",
            expect![[
                r#"error: `LEPTOS_HASH_FILES` in the environment or `.env` must be true or false, not "yes""#
            ]],
        ),
        (
            "XTASK_TIMEOUT",
            "abc",
            expect![[r#"
            error: XTASK_TIMEOUT must be a whole number of seconds above 0, not "abc"
             hint: e.g. XTASK_TIMEOUT=600, or unset it for the limits of the plan's own steps"#]],
        ),
        (
            "XTASK_TIMEOUT",
            "0",
            expect![[r#"
            error: XTASK_TIMEOUT must be a whole number of seconds above 0, not "0"
             hint: e.g. XTASK_TIMEOUT=600, or unset it for the limits of the plan's own steps"#]],
        ),
        (
            "XTASK_HOME",
            "relative/folder",
            expect![[r#"
            error: XTASK_HOME is `relative/folder`, which is not an absolute path
             hint: set XTASK_HOME to an absolute path"#]],
        ),
    ] {
        check(&["build"], 2, &expected, |workspace| workspace.set(name, value));
    }
}

#[test]
fn a_bad_file_of_variables() {
    let expected = expect![[r#"
        error: line 2 of [root]/.env is not of the form NAME=value
         hint: quote values that contain spaces, e.g. NAME="two words"; comments start with #"#]];
    check(&["build"], 2, &expected, |workspace| workspace.write(".env", "# secrets\nTOKEN hunter2\n"));
}

#[test]
fn bad_arguments() {
    for args in [
        &["biuld"] as &[&str],
        &["build", "--front-only", "--server-only"],
        &["build", "--format", "yaml"],
        &["serve", "--port", "70000"],
        &["serve", "--host", "localhost"],
    ] {
        let workspace = Workspace::fixture();
        let run = workspace.xtask(args);
        assert_eq!(run.code, Some(2), "{args:?}: {}", run.stderr);
        assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
        assert!(!workspace.root().join("target").exists());
    }
}

#[test]
fn every_command_has_an_example_in_its_help() {
    let workspace = Workspace::empty();
    let help = workspace.xtask(&["--help"]).stdout;
    let commands = help.split("Commands:").nth(1).unwrap().split("\n\n").next().unwrap();
    // A description may go on below; a name has two spaces before it.
    let names = commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let commands: Vec<&str> = names.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.contains(&"build"), "{help}");
    for command in commands {
        let run = workspace.xtask(&[command, "--help"]);
        assert_eq!(run.code, Some(0), "{command}");
        let examples = run.stdout.split("Examples:").nth(1).unwrap_or_default();
        assert!(examples.contains(&format!("cargo xtask {command}")), "{command}: {}", run.stdout);
    }
}

#[test]
fn an_address_that_is_none() {
    let expected = expect![[r#"
        error: the variable PORT is `abc`, which is not a port from 1 to 65535
         hint: give `--port`, or unset PORT"#]];
    check(&["serve"], 2, &expected, |workspace| workspace.set("PORT", "abc"));
    let expected = expect![[r#"
        error: the variable HOST is `my-machine`, which is not an IP address
         hint: give `--host`, or unset HOST"#]];
    check(&["serve"], 2, &expected, |workspace| workspace.set("HOST", "my-machine"));
}
