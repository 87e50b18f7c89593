//! What speaks against a deployment before anything is changed, and what happens to a deployment that nobody waits for.

use std::fs;
use std::path::Path;

use expect_test::{Expect, expect};
use serde_json::{Value, json};
use yaml_rust2::YamlLoader;

use super::neighbours::Pulling;
use super::{REGISTRY_PASSWORD, Site, image};
use crate::actions::COMMIT;
use crate::support::{Run, skipped};

/// A run that the precheck refuses: nothing is changed, everything is on record.
fn refused(site: &Site, args: &[&str], expected: Expect) {
    let run = site.run(&[&["deploy"], args].concat());
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{}", run.stderr);
    expected.assert_eq(&site.message(&run));
    assert_eq!(site.fake.mutations(), []);
    let record = site.records().pop().unwrap();
    assert_eq!(record["result"], "failed");
    let steps = record["steps"].as_array().unwrap();
    assert_eq!(
        (steps.len(), &steps[0]["name"], &steps[0]["state"]),
        (1, &json!("precheck"), &json!("failed"))
    );
    let failed = |check: &Value| check["verdict"] == "failed";
    assert!(record["precheck"].as_array().unwrap().iter().any(failed), "{record:#}");
    // A dry run finds the same.
    let dry = site.run(&[&["deploy", "--dry-run"], args].concat());
    assert_eq!((dry.code, dry.stdout.as_str()), (Some(1), ""), "{}", dry.stderr);
}

/// The verdict and the words of one check of the last run.
fn check(site: &Site, name: &str) -> (String, String) {
    let record = site.records().pop().unwrap();
    let checks = record["precheck"].as_array().unwrap();
    let found = checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{record:#}"));
    let text = |key: &str| found[key].as_str().unwrap().to_owned();
    (text("verdict"), site.plain(&text("detail")))
}

fn deploys(site: &Site) {
    let run = site.deploy(&[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

#[test]
fn a_good_one_says_what_was_looked_at() {
    let site = Site::deployed();
    let run = site.deploy(&[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let lines: Vec<&str> =
        run.stderr.lines().filter_map(|line| line.trim().strip_prefix("Checked ")).collect();
    expect![[r#"
        token: project token for web (production) of project shop
        image: in the registry, for linux/amd64
        pull: anybody may pull it
        variables: neither .env.example nor `required-variables` says which
        plan: pro
        revision: the revision is no commit, so nobody can have checked it
        smoke: no smoke test of this image is on record here"#]]
    .assert_eq(&site.plain(&lines.join("\n")));
    let record = site.records().pop().unwrap();
    assert_eq!(record["steps"][0]["name"], "precheck");
    assert_eq!(record["precheck"].as_array().unwrap().len(), lines.len());
    // What is there already needs no check.
    deploys(&site);
    let again = site.records().pop().unwrap();
    assert_eq!((&again["already_current"], &again["precheck"]), (&json!(true), &json!([])));
}

#[test]
fn an_image_that_is_not_there() {
    let site = Site::deployed();
    site.fake.with(|service| service.neighbours.pulling = Pulling::Nobody);
    let image = image("2");
    refused(
        &site,
        &["--image", &image, "--revision", "new"],
        expect![[r#"
            error: step `precheck`: 1 objection, and nothing was changed
              image: it is not in its registry
             hint: `cargo xtask docker pack --push` puts an image into the registry, and prints its
                digest; --unchecked deploys all the same"#]],
    );
}

#[test]
fn an_image_for_another_platform() {
    let site = Site::deployed();
    let image = image("4");
    refused(
        &site,
        &["--image", &image, "--revision", "new"],
        expect![[r#"
        error: step `precheck`: 1 objection, and nothing was changed
          image: it is for linux/arm64, and the service's machines run linux/amd64
         hint: build it there, or say what they run: `platform` in
            [workspace.metadata.xtask.railway]; --unchecked deploys all the same"#]],
    );
    // Railway's machines may change.
    site.workspace.edit(
        "Cargo.toml",
        "[[workspace.metadata.leptos]]",
        "[workspace.metadata.xtask.railway]\nplatform = \"linux/arm64\"\n\n[[workspace.metadata.leptos]]",
    );
    let run = site.run(&["deploy", "--image", &image, "--revision", "new"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

#[test]
fn a_private_image_needs_credentials_at_railway() {
    let mut site = Site::new();
    site.owns(&format!("{}/o/app", site.fake.address));
    site.fake.with(|service| service.neighbours.pulling = Pulling::Known);
    let image = image("2");
    let args = ["--image", &image, "--revision", "new"];
    // Not even we have any.
    refused(
        &site,
        &args,
        expect![[r#"
        error: step `precheck`: 1 objection, and nothing was changed
          pull: it is private, and the service has no credentials for its registry
         hint: make the package public in its settings, or give the service the registry's
            credentials (`cargo xtask deploy init`); --unchecked deploys all the same"#]],
    );
    site.workspace.set("XTASK_REGISTRY_USERNAME", "me");
    site.workspace.set("XTASK_REGISTRY_PASSWORD", REGISTRY_PASSWORD);
    refused(
        &site,
        &args,
        expect![[r#"
        error: step `precheck`: 1 objection, and nothing was changed
          pull: it is private, and the service has no credentials for its registry
         hint: make the package public in its settings, or give the service the registry's
            credentials (`cargo xtask deploy init`); --unchecked deploys all the same"#]],
    );
    let credentials = json!({"username": "me", "password": REGISTRY_PASSWORD});
    site.fake.with(|service| {
        service.config["services"]["s-1"]["deploy"]["registryCredentials"] = credentials;
        service.plan.0 = "hobby";
    });
    refused(
        &site,
        &args,
        expect![[r#"
        error: step `precheck`: 1 objection, and nothing was changed
          pull: it is private, which Railway's plan `hobby` does not pull
         hint: make the package public in its settings; private ones need Pro; --unchecked
            deploys all the same"#]],
    );
    // Railway may not tell this token: that is said, and no objection.
    site.fake.with(|service| service.plan.0 = "pro");
    site.fake.reply("EnvironmentConfig", super::fake::Reply::Error("Not Authorized"));
    let run = site.deploy(&["--detach"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(check(&site, "pull").0, "not-run");
    site.fake.with(|service| service.deployments[0]["status"] = "FAILED".into());
    deploys(&site);
    assert_eq!(
        check(&site, "pull"),
        ("ok".to_owned(), "it is private, and the service has credentials".to_owned())
    );
    // What serves was pulled from the same place.
    site.fake.with(|service| service.config = json!({}));
    let run = site.run(&["deploy", "--image", &super::image("3"), "--revision", "new"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(check(&site, "pull").0, "ok");
}

#[test]
fn credentials_go_to_the_registry_that_they_are_for() {
    let mut site = Site::deployed();
    site.workspace.set("XTASK_REGISTRY_USERNAME", "me");
    site.workspace.set("XTASK_REGISTRY_PASSWORD", REGISTRY_PASSWORD);
    site.fake.with(|service| service.neighbours.pulling = Pulling::Known);
    let introductions = |site: &Site| site.fake.with(|service| service.neighbours.introductions.clone());
    // Whoever names an image names its registry, which would like to know the password.
    for own in [None, Some("registry.example/o/app")] {
        if let Some(own) = own {
            site.owns(own);
        }
        let run = site.deploy(&["--dry-run"]);
        // What serves was pulled from there, so Railway has credentials.
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        for said in ["image: not known: cannot read ", "(for another registry)"] {
            assert!(run.stderr.contains(said), "{said}: {}", run.stderr);
        }
        assert_eq!(introductions(&site), [""; 0]);
    }
    // The workspace's own registry is told.
    site.workspace.edit("Cargo.toml", "registry.example", &site.fake.address.to_string());
    let run = site.deploy(&["--dry-run"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("image: in the registry, for linux/amd64"), "{}", run.stderr);
    assert!(!introductions(&site).is_empty());
}

#[test]
fn a_registry_that_is_out_of_order_is_no_objection() {
    let site = Site::deployed();
    site.fake.with(|service| service.neighbours.pulling = Pulling::Broken);
    deploys(&site);
    let (verdict, detail) = check(&site, "image");
    assert_eq!(verdict, "not-run");
    assert!(detail.contains("answers 500"), "{detail}");
}

#[test]
fn required_variables_by_name() {
    let site = Site::deployed();
    site.workspace.write(".env.example", "DATABASE_PASSWORD=\nBAKED_IN=\nAPI_URL=\nEMPTY=\n#HOST=x\n");
    site.fake.with(|service| service.variables["EMPTY"] = "".into());
    let image = image("2");
    refused(
        &site,
        &["--image", &image, "--revision", "new"],
        expect![[r#"
        error: step `precheck`: 1 objection, and nothing was changed
          variables: required and not set: API_URL, EMPTY
         hint: --with-variables FILE sets them with the deployment; `cargo xtask deploy vars
            check` lists all; --unchecked deploys all the same"#]],
    );
    site.workspace.write("production.env", "API_URL=https://api.example\nEMPTY=full\n");
    let run = site.deploy(&["--with-variables", "production.env"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(check(&site, "variables"), ("ok".to_owned(), "all 4 that are required are set".to_owned()));
}

#[test]
fn plan_and_limits() {
    let mut site = Site::deployed();
    let image = image("2");
    let args = ["--image", &image, "--revision", "new"];
    site.fake.with(|service| service.plan.1 = true);
    refused(
        &site,
        &args,
        expect![[r#"
        error: step `precheck`: 1 objection, and nothing was changed
          plan: Railway restricts this service
         hint: the service's page on railway.com says why; --unchecked deploys all the same"#]],
    );
    site.fake.with(|service| {
        service.plan.1 = false;
        service.is_used_up = true;
    });
    // Only an account's token is told how much is used.
    let run = site.deploy(&["--dry-run"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    site.workspace.set("RAILWAY_TOKEN", "");
    site.workspace.set("RAILWAY_API_TOKEN", super::TOKEN);
    site.workspace.set("RAILWAY_PROJECT_ID", "p-1");
    refused(
        &site,
        &args,
        expect![[r#"
        error: step `precheck`: 1 objection, and nothing was changed
          plan: the usage limit of the workspace is reached
         hint: raise the usage limit of the workspace on railway.com, or wait for the next
            period; --unchecked deploys all the same"#]],
    );
    site.fake.with(|service| service.is_used_up = false);
    site.fake.reply("Plan", super::fake::Reply::Error("Not Authorized"));
    deploys(&site);
    assert_eq!(check(&site, "plan").0, "not-run");
}

/// A dry run for image 2 at this commit, with these check runs.
fn looked_at(site: &Site, runs: Value) -> Run {
    site.fake.with(|service| service.neighbours.check_runs = Some(runs));
    site.run(&["deploy", "--dry-run", "--image", &image("2"), "--revision", COMMIT])
}

/// GitHub's checks are asked for.
fn asks_github(site: &mut Site) {
    site.workspace.set("GITHUB_REPOSITORY", "o/app");
    site.workspace.set("GITHUB_TOKEN", "github-token-of-a-test");
    site.workspace.set("GITHUB_API_URL", format!("http://{}", site.fake.address));
}

#[test]
fn the_last_of_many_checks_counts_like_the_first() {
    let mut site = Site::deployed();
    asks_github(&mut site);
    let runs = |last: &str| -> Value {
        let conclusion = |number: usize| if number == 100 { last } else { "success" };
        let run = |number: usize| {
            let name = format!("check {number}");
            json!({"name": name, "status": "completed", "conclusion": conclusion(number)})
        };
        (0..=100).map(run).collect()
    };
    let run = looked_at(&site, runs("failure"));
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("checks of this commit have failed: check 100"), "{}", run.stderr);
    let run = looked_at(&site, runs("success"));
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("revision: 101 checks have passed"), "{}", run.stderr);
}

/// Held against the workflows themselves, so that a job with another name is noticed.
#[test]
fn what_fails_after_a_deployment_or_at_night_keeps_nothing_from_being_deployed_again() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.github/workflows");
    let mut site = Site::deployed();
    asks_github(&mut site);
    for (file, job, code) in [
        ("docker-build.yml", "image", 1),
        ("docker-build.yml", "deploy", 1),
        ("docker-build.yml", "summary", 0),
        ("bench.yml", "bench", 0),
        ("bench.yml", "watch", 0),
    ] {
        let Ok(text) = fs::read_to_string(folder.join(file)) else {
            skipped(&format!("there is no {file} here"));
            continue;
        };
        let workflow = YamlLoader::load_from_str(&text).unwrap().remove(0);
        let name = workflow["jobs"][job]["name"].as_str().unwrap().to_owned();
        let failed = |slug: &str| {
            let app = json!({"slug": slug});
            json!({"name": name, "status": "completed", "conclusion": "failure", "app": app})
        };
        let good = json!({"name": "test", "status": "completed", "conclusion": "success"});
        let run = looked_at(&site, json!([good, failed("github-actions")]));
        assert_eq!(run.code, Some(code), "{name}: {}", run.stderr);
        // Somebody else's check of the same name is another one.
        let run = looked_at(&site, json!([good, failed("somebody-else")]));
        assert_eq!(run.code, Some(1), "{name}: {}", run.stderr);
    }
}

#[test]
fn a_red_commit_is_refused() {
    let mut site = Site::deployed();
    let image = image("2");
    let args = ["--image", &image, "--revision", COMMIT];
    let dry = site.run(&[&["deploy", "--dry-run"], &args[..]].concat());
    assert!(dry.stderr.contains("revision: not asked"), "{}", dry.stderr);
    asks_github(&mut site);
    let run =
        |name: &str, conclusion: &str| json!({"name": name, "status": "completed", "conclusion": conclusion});
    let runs = json!([run("test", "success"), run("lint", "failure"), run("e2e", "cancelled")]);
    site.fake.with(|service| service.neighbours.check_runs = Some(runs));
    refused(
        &site,
        &args,
        expect![[r#"
        error: step `precheck`: 1 objection, and nothing was changed
          revision: checks of this commit have failed: e2e, lint
         hint: mend them, or deploy a commit that has passed; --unchecked deploys all the same"#]],
    );
    // Whoever means it can say so; it is said and on record all the same.
    let forced = site.run(&[&["deploy", "--unchecked"], &args[..]].concat());
    assert_eq!(forced.code, Some(0), "{}", forced.stderr);
    assert!(forced.stderr.contains("note: unchecked: 1 objection"), "{}", forced.stderr);
    assert_eq!(check(&site, "revision").0, "failed");
    // Green, and what GitHub does not know.
    for (runs, verdict) in
        [(Some(json!([run("test", "success")])), "ok"), (Some(json!([])), "skipped"), (None, "not-run")]
    {
        site.fake.with(|service| service.neighbours.check_runs = runs);
        let other = super::image(if verdict == "skipped" { "2" } else { "3" });
        let run = site.run(&["deploy", "--image", &other, "--revision", COMMIT]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert_eq!(check(&site, "revision").0, verdict);
    }
}

#[test]
fn an_image_that_failed_its_smoke_test() {
    let site = Site::deployed();
    let image = image("2");
    let record = |result: &str, verdict: &str| {
        json!({"schema": "xtask.smoke/1", "result": result, "started": "2026-11-20T09:00:00Z", "image": image,
               "digest": null, "checks": [{"name": "health", "verdict": verdict, "detail": ""}]})
    };
    site.workspace.write("target/xtask/records/smoke.jsonl", &format!("{}\n", record("failed", "failed")));
    refused(
        &site,
        &["--image", &image, "--revision", "new"],
        expect![[r#"
        error: step `precheck`: 1 objection, and nothing was changed
          smoke: failed at 2026-11-20T09:00:00Z: health
         hint: `cargo xtask docker smoke IMAGE` again, once it is mended; --unchecked deploys all
            the same"#]],
    );
    let both = format!("{}\n{}\n", record("failed", "failed"), record("ok", "ok"));
    site.workspace.write("target/xtask/records/smoke.jsonl", &both);
    deploys(&site);
    assert_eq!(check(&site, "smoke"), ("ok".to_owned(), "passed at 2026-11-20T09:00:00Z".to_owned()));
}

#[test]
fn everything_at_once() {
    let site = Site::deployed();
    site.workspace.write(".env.example", "API_URL=\n");
    site.fake.with(|service| service.plan.1 = true);
    let image = image("4");
    refused(
        &site,
        &["--image", &image, "--revision", "new"],
        expect![[r#"
        error: step `precheck`: 3 objections, and nothing was changed
          image: it is for linux/arm64, and the service's machines run linux/amd64
          variables: required and not set: API_URL
          plan: Railway restricts this service
         hint: build it there, or say what they run: `platform` in
            [workspace.metadata.xtask.railway]; --with-variables FILE sets them with the
            deployment; `cargo xtask deploy vars check` lists all; the service's page on
            railway.com says why; --unchecked deploys all the same"#]],
    );
}

#[test]
fn nobody_waits_for_a_detached_deployment() {
    let site = Site::deployed();
    site.fake.with(|service| service.course = vec!["DEPLOYING"]);
    let run = site.deploy(&["--detach", "--format", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&report["detached"], &report["deployment"]), (&json!(true), &json!("d-2")));
    let steps: Vec<&str> =
        report["steps"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect();
    assert_eq!(steps, ["precheck", "set revision", "update service", "deploy"]);
    // Nothing says that it was served.
    assert!(!site.workspace.root().join("target/xtask/receipts").exists());
    let asked = |site: &Site, name: &str| {
        site.fake.with(|service| service.calls.iter().filter(|call| call.name == name).count())
    };
    assert_eq!((asked(&site, "Deployment"), asked(&site, "/health")), (0, 0));
    // The same again has nothing to do, and names it.
    let again = site.deploy(&["--detach"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert!(again.stdout.contains("d-2, not waited for"), "{}", again.stdout);
    assert_eq!(site.fake.mutations().len(), 3);
    // Whoever wants to wait does so later.
    site.fake.with(|service| service.go_on("d-2", &["SUCCESS"]));
    deploys(&site);
    assert_eq!(site.fake.mutations().len(), 3);
    assert_eq!(site.records().pop().unwrap()["detached"], false);
}
