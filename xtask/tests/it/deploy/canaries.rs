//! Values that must not get out, in every place where a secret can be: tokens, passwords, addresses, variables of the
//! service and of files. Whatever is run and whatever goes wrong, they are in no output, record, receipt, plan or
//! command line, although Railway, the app and its log repeat them.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::fake::Reply;
use super::neighbours::Pulling;
use super::{Site, image};
use crate::support::{Run, contents};

const RAILWAY: &str = "canary-railway-token-4d1f";
const GITHUB: &str = "canary-github-token-5e20";
const REGISTRY: &str = super::REGISTRY_PASSWORD;
const HOOK: &str = "canary-hook-6f31";
/// Under a name that does not tell.
const PLAIN: &str = "canary-greeting-7a42";
const PASSWORD: &str = "canary-password-8b53";
const URL_PASSWORD: &str = "canary-in-url-9c64";
/// What it is set to by a file.
const FROM_FILE: &str = "canary-from-file-0d75";
const FILE_URL_PASSWORD: &str = "canary-file-url-1e86";
/// What a deployment was started with, and nobody has any more.
const ROTATED: &str = "canary-rotated-2f97";

const ALL: [&str; 10] =
    [RAILWAY, GITHUB, REGISTRY, HOOK, PLAIN, PASSWORD, URL_PASSWORD, FROM_FILE, FILE_URL_PASSWORD, ROTATED];

/// Everything repeats everything.
const ECHO: &str = "broke: canary-railway-token-4d1f canary-greeting-7a42 canary-password-8b53 canary-in-url-9c64 \
                    canary-from-file-0d75 canary-file-url-1e86 canary-github-token-5e20 \
                    registry-pass-9b1f-of-a-test";

fn site() -> Site {
    let mut site = Site::deployed();
    site.owns(&format!("{}/o/app", site.fake.address));
    site.workspace.set("RAILWAY_TOKEN", RAILWAY);
    site.workspace.set("GITHUB_TOKEN", GITHUB);
    site.workspace.set("GITHUB_REPOSITORY", "o/app");
    site.workspace.set("GITHUB_API_URL", format!("http://{}", site.fake.address));
    site.workspace.set("XTASK_REGISTRY_USERNAME", "me");
    site.workspace.set("XTASK_REGISTRY_PASSWORD", REGISTRY);
    site.workspace.set("XTASK_NOTIFY_URL", format!("http://{}/hook/{HOOK}", site.fake.address));
    site.workspace.write(".env.example", "GREETING=x\nDATABASE_URL=y\nNEW_ONE=\n");
    let file = format!("FAREWELL={FROM_FILE}\nNEW_ONE=postgres://me:{FILE_URL_PASSWORD}@db/x\n");
    site.workspace.write("new.env", &file);
    site.fake.with(|service| {
        service.neighbours.pulling = Pulling::Known;
        let credentials = json!({"username": "me", "password": REGISTRY});
        service.config["services"]["s-1"]["deploy"]["registryCredentials"] = credentials;
        service.variables["GREETING"] = PLAIN.into();
        service.variables["DATABASE_PASSWORD"] = PASSWORD.into();
        service.variables["DATABASE_URL"] = format!("postgres://me:{URL_PASSWORD}@db/x").into();
        service.snapshots.get_mut("d-1").unwrap()["API_KEY"] = ROTATED.into();
        service.logs = json!([{"timestamp": "2026-11-20T10:00:00Z", "message": ECHO, "severity": null}]);
        service.events = json!([
            {"step": "HEALTHCHECK", "createdAt": "x", "completedAt": "y", "payload": {"error": ECHO}},
        ]);
        service.neighbours.check_runs = Some(json!([]));
    });
    // Whatever is started leaves its command line behind.
    let log = site.workspace.root().join("command-lines");
    let path = std::env::var_os("PATH").unwrap();
    let bin = site.workspace.root().join("bin");
    for name in ["git", "cargo", "rustc"] {
        let Some(real) =
            std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
        else {
            continue;
        };
        let script =
            format!("#!/bin/sh\necho \"$0 $*\" >> '{}'\nexec '{}' \"$@\"\n", log.display(), real.display());
        site.workspace.write(&format!("bin/{name}"), &script);
        std::fs::set_permissions(bin.join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    site.workspace.set("CARGO", bin.join("cargo").display().to_string());
    site.workspace.set("PATH", format!("{}:{}", bin.display(), path.to_string_lossy()));
    site
}

/// None of them is to be seen.
fn keeps(site: &Site, run: &Run) {
    let files = contents(&site.workspace.root().join("target"));
    let command_lines = std::fs::read_to_string(site.workspace.root().join("command-lines")).unwrap();
    let sent = site.fake.with(|service| json!(service.neighbours.told).to_string());
    for text in files.values().chain([&run.stdout, &run.stderr, &command_lines, &sent]) {
        for canary in ALL {
            assert!(!text.contains(canary), "{canary}: {text}");
        }
    }
}

/// Runs, and looks what got out; the exit code has to be this one.
fn runs(site: &Site, args: &[&str], code: i32) -> Run {
    let run = site.workspace.xtask(args);
    keeps(site, &run);
    assert_eq!(run.code, Some(code), "{args:?}: {}", run.stderr);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    run
}

#[test]
fn good_runs_keep_them() {
    let site = site();
    let image = image("2");
    let deploy = ["deploy", "--image", &image, "--revision", "new", "--with-variables", "new.env"];
    let dry = runs(&site, &[&deploy[..], &["--dry-run"]].concat(), 0);
    assert!(dry.stdout.contains("NEW_ONE=[redacted] (new)"), "{}", dry.stdout);
    runs(&site, &[&deploy[..], &["--dry-run", "--format", "json"]].concat(), 0);
    runs(&site, &deploy, 0);
    runs(&site, &[&deploy[..], &["--format", "json"]].concat(), 0);
    runs(&site, &["deploy", "vars", "check"], 0);
    runs(&site, &["deploy", "vars", "check", "--format", "json"], 0);
    for format in ["human", "json", "markdown"] {
        runs(&site, &["deploy", "status", "--format", format], 0);
        runs(&site, &["deploy", "list", "--format", format], 0);
    }
    runs(&site, &["deploy", "rollback", "d-1", "--dry-run"], 0);
    runs(&site, &["deploy", "rollback", "d-1"], 0);
    assert!(site.workspace.root().join("target/xtask/receipts").exists());
    assert!(!site.fake.with(|service| service.neighbours.told.is_empty()));
}

#[test]
fn failing_runs_keep_them() {
    let site = site();
    let image = image("2");
    let deploy = ["deploy", "--image", &image, "--revision", "new", "--with-variables", "new.env"];
    // Railway repeats what it was sent, at each step.
    for operation in ["UpsertVariables", "UpdateServiceInstance", "DeployServiceInstance"] {
        site.fake.reply(operation, Reply::Error(ECHO));
        let run = runs(&site, &deploy, 4);
        assert!(run.stderr.contains("broke: [redacted]"), "{}", run.stderr);
    }
    site.fake.reply("DeployServiceInstance", Reply::Raw("400 Bad Request", "", ECHO));
    runs(&site, &deploy, 4);
    // The app's log and the failing step do.
    site.fake.with(|service| service.course = vec!["FAILED"]);
    let run = runs(&site, &deploy, 1);
    assert!(run.stderr.contains("at step HEALTHCHECK (broke: [redacted]"), "{}", run.stderr);
    // So does a webhook's host that is not there, a registry, and what is missing.
    site.fake.with(|service| {
        service.neighbours.webhook = Some(Some("500 Internal Server Error"));
        service.neighbours.pulling = Pulling::Broken;
        service.plan.1 = true;
    });
    runs(&site, &deploy, 1);
    // What has begun cannot be asked about.
    site.fake.with(|service| {
        service.neighbours.pulling = Pulling::Anybody;
        service.plan.1 = false;
    });
    site.fake.reply("Deployment", Reply::Error(ECHO));
    runs(&site, &deploy, 4);
    site.fake.with(|service| service.variables["DATABASE_URL"] = "".into());
    runs(&site, &["deploy", "vars", "check"], 1);
}

#[test]
fn logs_and_bad_tokens_keep_them() {
    let mut site = site();
    site.workspace.set("XTASK_NOTIFY_URL", format!("gopher://{HOOK}"));
    // Of the values in a file only the run that has read it knows.
    site.fake.with(|service| {
        let known = ECHO.replace("canary-from-file-0d75 canary-file-url-1e86 ", ROTATED);
        service.logs = json!([{"timestamp": "2026-11-20T10:00:00Z", "message": known, "severity": null}]);
    });
    for format in ["human", "json", "markdown"] {
        let run = runs(&site, &["deploy", "logs", "d-1", "--format", format], 0);
        assert!(run.stdout.contains("[redacted]"), "{}", run.stdout);
    }
    let image = image("2");
    site.fake.reply("ProjectToken", Reply::Error("Not Authorized"));
    runs(&site, &["deploy", "--image", &image, "--revision", "new"], 2);
    site.workspace.set("RAILWAY_API_TOKEN", RAILWAY);
    runs(&site, &["deploy", "--image", &image, "--revision", "new"], 2);
    // Addresses with more in them than belongs there.
    site.workspace.set("RAILWAY_API_TOKEN", "");
    for address in
        [format!("https://me:{PASSWORD}@railway.example"), format!("https://railway.example/?key={PASSWORD}")]
    {
        site.workspace.set("RAILWAY_BACKBOARD_URL", address);
        runs(&site, &["deploy", "status"], 2);
    }
    site.workspace.set("RAILWAY_BACKBOARD_URL", format!("http://{}", site.fake.address));
    // A line of the wrong file.
    site.workspace.write("bad.env", &format!("GREETING {FROM_FILE}\n"));
    runs(&site, &["deploy", "--image", &image, "--revision", "new", "--with-variables", "bad.env"], 2);
}
