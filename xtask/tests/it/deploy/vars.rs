//! `deploy vars check` and `deploy --with-variables`: names are told, values never.

use std::io::Write;
use std::process::Stdio;

use expect_test::expect;
use serde_json::{Value, json};

use super::fake::Reply;
use super::{Site, image};
use crate::support::signal;

/// Values of files; nothing may show them, whatever their variables are called.
const OLD_VALUE: &str = "canary-old-71c3-of-a-test";
const NEW_VALUE: &str = "canary-new-52e8-of-a-test";

/// A service that serves image 2 at revision `new`.
fn current() -> Site {
    let site = Site::deployed();
    assert_eq!(site.deploy(&[]).code, Some(0));
    site
}

fn file(site: &Site, text: &str) -> String {
    site.workspace.write("production.env", text);
    site.workspace.root().join("production.env").display().to_string()
}

/// No value is in what a run said, or left behind.
fn keeps_values(site: &Site, run: &crate::support::Run) {
    let files = crate::support::contents(&site.workspace.root().join("target"));
    for text in files.values().chain([&run.stdout, &run.stderr]) {
        assert!(!text.contains(OLD_VALUE) && !text.contains(NEW_VALUE), "{text}");
    }
}

#[test]
fn what_is_missing_extra_and_lost_is_told_by_name() {
    let site = Site::deployed();
    site.workspace.write(
        ".env.example",
        "# All of it.\nDATABASE_PASSWORD=x\nAPI_URL=\nAPP_REVISION=\n#HOST=0.0.0.0\nPORT=3000\nLOST=\nEMPTY=\n",
    );
    site.fake.with(|service| {
        service.variables["OLD_ONE"] = OLD_VALUE.into();
        service.variables["LOST"] = "".into();
        service.variables["EMPTY"] = "".into();
        service.written["LOST"] = "${{Gone.URL}}".into();
        service.variables["API_URL"] = "https://api.example".into();
        service.written["API_URL"] = "https://${{api.RAILWAY_PRIVATE_DOMAIN}}".into();
        service.variables["RAILWAY_SERVICE_ID"] = "s-1".into();
    });
    let run = site.run(&["deploy", "vars", "check"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    keeps_values(&site, &run);
    expect![[r#"
        variable           expected  found
        DATABASE_PASSWORD  required  set
        API_URL            required  set                     refers to api.RAILWAY_PRIVATE_DOMAIN
        APP_REVISION       required  set
        HOST               optional  not set, has a default
        LOST               required  LEADS NOWHERE           refers to Gone.URL
        EMPTY              required  EMPTY
        OLD_ONE            no        set
    "#]]
    .assert_eq(&run.stdout);
    expect![[r#"
        error: web (production) lacks variables that the app expects: LOST, EMPTY
         hint: `cargo xtask deploy --with-variables FILE` sets them with the next deployment"#]]
    .assert_eq(&site.message(&run));
    let run = site.run(&["deploy", "vars", "check", "--format", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&report["schema"], run.code), (&json!("xtask.deploy-vars/1"), Some(1)));
    assert_eq!(site.fake.mutations(), []);
    assert!(!site.workspace.root().join("target").exists());

    site.fake.with(|service| service.written = json!({}));
    site.workspace.write(".env.example", "DATABASE_PASSWORD=x\n#HOST=0.0.0.0\n");
    let run = site.run(&["deploy", "vars", "check"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    site.workspace.edit(
        "Cargo.toml",
        "[[workspace.metadata.leptos]]",
        "[workspace.metadata.xtask]\nrequired-variables = [\"HOST\"]\n\n[[workspace.metadata.leptos]]",
    );
    let run = site.run(&["deploy", "vars", "check"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("lacks variables that the app expects: HOST\n"), "{}", run.stderr);
}

#[test]
fn somebody_has_to_say_what_is_expected() {
    let site = Site::deployed();
    let run = site.run(&["deploy", "vars", "check"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{}", run.stderr);
    expect![[r#"
        error: nothing says which variables the app expects: there is no .env.example
         hint: write one: NAME= for what is required, #NAME=default for the rest; or name what is
            required in `required-variables` in [workspace.metadata.xtask]"#]]
    .assert_eq(&site.message(&run));
}

#[test]
fn a_file_goes_with_the_revision_in_one_request_and_one_deployment() {
    let site = Site::deployed();
    site.fake.with(|service| {
        service.variables["GREETING"] = OLD_VALUE.into();
        service.variables["SAME"] = "same".into();
        service.variables["URL"] = "https://a.example".into();
        service.written["URL"] = "https://${{a.HOST}}".into();
    });
    let text =
        format!("GREETING={NEW_VALUE}\nSAME=same\nEXTRA='{NEW_VALUE} too'\nURL=https://${{{{a.HOST}}}}\n");
    let file = file(&site, &text);
    let dry = site.deploy(&["--with-variables", &file, "--dry-run"]);
    assert_eq!(dry.code, Some(0), "{}", dry.stderr);
    keeps_values(&site, &dry);
    expect![[r#"
        set -e
        # set variables
        # web (production): set APP_REVISION=new, EXTRA, GREETING without a deployment
        #   + EXTRA=[redacted] (new)
        #   ~ GREETING=[redacted] (changed)
        # update service
        # web (production): set the image to ghcr.io/o/app@sha256:2
        # deploy
        # web (production): deploy, unless there is a newer deployment than d-1
        # wait until served
        # wait at most 900 s until the deployment runs ghcr.io/o/app@sha256:2
        # verify
        # http://[address]/health answers 200 and names revision new within 60 s"#]]
    .assert_eq(&site.plain(&dry.stdout));
    assert_eq!(site.fake.mutations(), []);
    let plan = site.deploy(&["--with-variables", &file, "--dry-run", "--format", "json"]);
    keeps_values(&site, &plan);

    let run = site.deploy(&["--with-variables", &file]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    keeps_values(&site, &run);
    assert!(run.stderr.contains("note: variables: EXTRA new, GREETING changed\n"), "{}", run.stderr);
    let (name, sent) = &site.fake.mutations()[0];
    let variables =
        json!({"APP_REVISION": "new", "GREETING": NEW_VALUE, "EXTRA": format!("{NEW_VALUE} too")});
    assert_eq!((name.as_str(), &sent["input"]["variables"]), ("UpsertVariables", &variables));
    assert_eq!((&sent["input"]["skipDeploys"], &sent["input"]["replace"]), (&json!(true), &Value::Null));
    assert_eq!(
        site.fake.mutation_names(),
        ["UpsertVariables", "UpdateServiceInstance", "DeployServiceInstance"]
    );
    // Once more there is nothing to do.
    let again = site.deploy(&["--with-variables", &file]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert!(again.stderr.contains("already current: deployment d-2"), "{}", again.stderr);
    assert_eq!(site.fake.mutations().len(), 3);
}

#[test]
fn variables_alone_are_reason_enough() {
    let site = current();
    let sent = site.fake.mutations().len();
    let url = format!("http://{}", site.fake.address);
    let file = file(&site, &format!("GREETING={NEW_VALUE}\nPUBLIC_URL={url}\n"));
    let run = site.deploy(&["--with-variables", &file]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    keeps_values(&site, &run);
    // What everybody knows is no secret for being in the file.
    assert!(run.stdout.contains(&format!("url         {url}\n")), "{}", run.stdout);
    assert_eq!(site.fake.mutation_names()[sent..], ["UpsertVariables", "DeployServiceInstance"]);
    let names = site.records().pop().unwrap();
    let step =
        names["steps"].as_array().unwrap().iter().find(|step| step["name"] == "set variables").unwrap();
    assert_eq!(step["detail"], "GREETING, PUBLIC_URL");
}

#[test]
fn a_run_that_was_ended_in_between_is_made_up_for() {
    let site = current();
    let sent = site.fake.mutations().len();
    let file = file(&site, &format!("GREETING={NEW_VALUE}\n"));
    site.fake.reply("DeployServiceInstance", Reply::Error("Problem processing request"));
    let run = site.deploy(&["--with-variables", &file]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    // What serves has not got them, and `status` says so.
    let status = site.run(&["deploy", "status", "--format", "json"]);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(status["variables"], json!({"changed": [], "added": ["GREETING"], "removed": []}));
    let again = site.deploy(&["--with-variables", &file]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert!(again.stderr.contains("what is live runs with older variables"), "{}", again.stderr);
    let names = site.fake.mutation_names();
    assert_eq!(names[sent..], ["UpsertVariables", "DeployServiceInstance", "DeployServiceInstance"]);
    assert_eq!(site.deploy(&["--with-variables", &file]).code, Some(0));
    assert_eq!(site.fake.mutation_names().len(), names.len());
}

#[test]
fn standard_input_is_a_file_too() {
    let site = Site::deployed();
    let image = image("2");
    let args = ["deploy", "--image", &image, "--revision", "new", "--with-variables", "-"];
    let start = || {
        let mut command = site.workspace.command(&args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut child = start();
    let text = format!("GREETING={NEW_VALUE}\n");
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let run = site.finish(child);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    keeps_values(&site, &run);
    assert_eq!(site.fake.with(|service| service.variables["GREETING"].clone()), NEW_VALUE);
    // Whoever never ends it can be stopped.
    let mut child = start();
    let input = child.stdin.take();
    std::thread::sleep(std::time::Duration::from_millis(700));
    signal(&child, "INT");
    assert_eq!(site.finish(child).code, Some(130));
    drop(input);
}

#[test]
fn files_that_cannot_be_meant() {
    let site = Site::deployed();
    for (text, problem) in [
        (format!("A={OLD_VALUE}\nA={NEW_VALUE}\n"), "sets A twice"),
        (format!("APP_REVISION={OLD_VALUE}\n"), "sets APP_REVISION, which the deployment sets"),
        (format!("{OLD_VALUE}\n"), "line 1 of"),
        ("# nothing\n".to_owned(), "sets no variable"),
    ] {
        let run = site.deploy(&["--with-variables", &file(&site, &text)]);
        assert_eq!(run.code, Some(2), "{}", run.stderr);
        assert!(run.stderr.contains(problem), "{}", run.stderr);
        keeps_values(&site, &run);
    }
    let run = site.deploy(&["--with-variables", "gone.env"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert_eq!(site.fake.with(|service| service.calls.len()), 0);
}
