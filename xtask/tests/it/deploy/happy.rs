//! Deployments that succeed: what is sent, what is said and what is left behind.

use expect_test::expect;
use serde_json::{Value, json};

use super::fake::Reply;
use super::{Site, TOKEN, image};
use crate::support::contents;

#[test]
fn mutations_have_their_order_and_nothing_is_deployed_twice() {
    let site = Site::deployed();
    site.workspace.write("railway.toml", "[deploy]\nhealthcheckPath = \"/health\"\noverlapSeconds = 5\n");
    let run = site.deploy(&["--format", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let target = |rest: Value| {
        let mut all = json!({"serviceId": "s-1", "environmentId": "e-1"});
        all.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        all
    };
    let variables = target(json!({
        "projectId": "p-1", "skipDeploys": true, "variables": {"APP_REVISION": "new"},
    }));
    let update = json!({"source": {"image": image("2")}, "overlapSeconds": 5});
    let expected = [
        ("UpsertVariables".to_owned(), json!({"input": variables})),
        ("UpdateServiceInstance".to_owned(), target(json!({"input": update}))),
        ("DeployServiceInstance".to_owned(), target(json!({}))),
    ];
    assert_eq!(site.fake.mutations(), expected);
    let calls = site.fake.with(|service| service.calls.clone());
    let header = format!("project-access-token: {TOKEN}");
    for call in &calls {
        let has_token = call.headers.iter().any(|line| line.eq_ignore_ascii_case(&header));
        // The app is none of Railway's API.
        assert_eq!(has_token, call.name != "/health", "{call:?}");
    }

    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&report["schema"], &report["result"]), (&json!("xtask.deploy/1"), &json!("ok")));
    assert_eq!(report["service"], json!({"project": "shop", "environment": "production", "service": "web"}));
    let previous = json!({"deployment": "d-1", "image": image("1"), "revision": "old"});
    assert_eq!((&report["deployment"], &report["previous"]), (&json!("d-2"), &previous));
    assert_eq!(site.records(), [report]);
    let receipt = site.workspace.read("target/xtask/receipts/deploy/production-web.json");
    let receipt: Value = serde_json::from_str(&receipt).unwrap();
    assert_eq!(receipt["previous"], previous);
    assert_eq!(receipt["deployed"], json!({"deployment": "d-2", "image": image("2"), "revision": "new"}));

    let again = site.deploy(&[]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(site.fake.mutations().len(), 3);
    assert!(again.stderr.contains("note: already current: deployment d-2 serves"), "{}", again.stderr);
    assert_eq!(site.records()[1]["already_current"], true);
    let kept = site.workspace.read("target/xtask/receipts/deploy/production-web.json");
    assert_eq!(serde_json::from_str::<Value>(&kept).unwrap(), receipt);
}

#[test]
fn people_see_every_status_and_a_table() {
    let site = Site::deployed();
    site.fake.with(|service| service.course = vec!["QUEUED", "QUEUED", "PULLING", "SUCCESS"]);
    let run = site.deploy(&[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let told = run.stderr.lines().filter(|line| line.contains("Railway"));
    let told: Vec<&str> = told.map(|line| line.split(" (").next().unwrap().trim()).collect();
    expect![[r#"
        Railway deployment d-2 is QUEUED
        Railway deployment d-2 is PULLING
        Railway deployment d-2 is SUCCESS"#]]
    .assert_eq(&told.join("\n"));
    assert!(run.stderr.contains("`PULLING` is a status that xtask does not know"), "{}", run.stderr);
    let table = site.plain(&run.stdout);
    let lines: Vec<&str> = table.lines().map(|line| line.split("  ").next().unwrap()).collect();
    expect!["step|precheck|set revision|update service|deploy|wait until served|verify|total||service|deployment|image|revision|url|previous"]
        .assert_eq(&lines.join("|"));
}

/// Railway counts requests: 100 an hour on its smallest plan. The looks at the deployment are at most 28 where it takes a
/// minute, as the one before did (`railway/pauses.rs`), so that all of it is at most 40.
#[test]
fn a_deployment_takes_few_requests() {
    const OTHERS_MAX: usize = 12;
    let mut site = Site::deployed();
    site.fake.with(|service| service.course = vec!["SUCCESS"]);
    let asked = |site: &Site, args: &[&str]| {
        site.fake.with(|service| service.calls.clear());
        let run = site.run(&[&["deploy"], args].concat());
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let calls = site.fake.with(|service| service.calls.clone());
        calls.into_iter().map(|call| call.name).filter(|name| name != "/health").collect::<Vec<_>>()
    };
    let (two, three) = (image("2"), image("3"));
    let calls = asked(&site, &["--image", &two, "--revision", "new"]);
    // One of them is the look that sees the success.
    assert!(calls.len() <= OTHERS_MAX + 1, "{calls:?}");
    site.workspace.set("RAILWAY_TOKEN", "");
    site.workspace.set("RAILWAY_API_TOKEN", TOKEN);
    site.workspace.set("RAILWAY_PROJECT_ID", "p-1");
    let calls = asked(&site, &["--image", &three, "--revision", "newer"]);
    assert!(calls.len() <= OTHERS_MAX + 1, "{calls:?}");
    // What is live already costs less than half of that.
    let calls = asked(&site, &["--image", &three, "--revision", "newer"]);
    assert!(calls.len() <= OTHERS_MAX / 2, "{calls:?}");
}

#[test]
fn a_dry_run_only_looks() {
    let site = Site::deployed();
    let run = site.deploy(&["--dry-run"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    expect![[r#"
        set -e
        # set revision
        # web (production): set APP_REVISION=new without a deployment
        # update service
        # web (production): set the image to ghcr.io/o/app@sha256:2
        # deploy
        # web (production): deploy, unless there is a newer deployment than d-1
        # wait until served
        # wait at most 900 s until the deployment runs ghcr.io/o/app@sha256:2
        # verify
        # http://[address]/health answers 200 and names revision new within 60 s"#]]
    .assert_eq(&site.plain(&run.stdout));
    assert_eq!(site.fake.mutations(), []);
    assert!(!site.workspace.root().join("target").exists());
    let plan: Value = serde_json::from_str(&site.deploy(&["--dry-run", "--format", "json"]).stdout).unwrap();
    assert_eq!(plan["steps"][2]["action"]["operation"]["name"], "start-deployment");
}

#[test]
fn an_account_token_needs_to_be_told_the_project() {
    let mut site = Site::deployed();
    site.workspace.set("RAILWAY_TOKEN", "");
    site.workspace.set("RAILWAY_API_TOKEN", TOKEN);
    let run = site.deploy(&[]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    site.workspace.edit(
        "Cargo.toml",
        "[[workspace.metadata.leptos]]",
        "[workspace.metadata.xtask.railway]\nproject = \"p-1\"\nservice = \"web\"\n\n[[workspace.metadata.leptos]]",
    );
    let run = site.deploy(&[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let bearer = format!("authorization: bearer {TOKEN}");
    let calls = site.fake.with(|service| service.calls.clone());
    assert!(calls[0].headers.iter().any(|line| line.eq_ignore_ascii_case(&bearer)), "{calls:?}");
    assert!(calls.iter().all(|call| call.name != "ProjectToken"));
}

#[test]
fn the_environment_that_is_named_is_the_one_that_changes() {
    let mut site = Site::deployed();
    site.workspace.set("RAILWAY_TOKEN", "");
    site.workspace.set("RAILWAY_API_TOKEN", TOKEN);
    site.workspace.set("RAILWAY_PROJECT_ID", "p-1");
    site.fake.with(|service| service.environments.push(("e-2", "staging")));
    // Nobody guesses between two.
    let run = site.deploy(&[]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    expect![[r#"
        error: project `shop` has several environments: production, staging
         hint: --environment or `environment` in [workspace.metadata.xtask.railway] says which"#]]
    .assert_eq(&site.message(&run));
    assert_eq!(site.fake.mutations(), []);
    let run = site.deploy(&["--environment", "staging", "--format", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["service"]["environment"], "staging");
    assert!(!site.fake.mutations().is_empty());
    for call in site.fake.with(|service| service.calls.clone()) {
        let environment = |at: &str| call.variables.pointer(at).and_then(Value::as_str);
        for at in ["/environmentId", "/input/environmentId"] {
            assert!(environment(at).is_none_or(|id| id == "e-2"), "{call:?}");
        }
    }
    // Each has a receipt of its own.
    assert!(site.workspace.root().join("target/xtask/receipts/deploy/staging-web.json").is_file());
    for (args, hint) in [
        (&["--environment", "stagin"][..], "did you mean `staging`?"),
        (&["--environment", "staging", "--service", "wbe"], "did you mean `web`?"),
    ] {
        let run = site.deploy(args);
        assert_eq!(run.code, Some(2), "{}", run.stderr);
        assert!(run.stderr.contains(hint), "{}", run.stderr);
    }
}

#[test]
fn a_clean_checkout_is_its_own_revision() {
    let site = Site::deployed();
    let git = |args: &[&str]| {
        let mut git = std::process::Command::new("git");
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
        let output = git.current_dir(site.workspace.root()).args(identity).args(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    site.workspace.write(".gitignore", "/target\n");
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "first"]);
    let run = site.run(&["deploy", "--image", &image("2")]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(site.fake.mutations()[0].1["input"]["variables"]["APP_REVISION"], git(&["rev-parse", "HEAD"]));
    site.workspace.write("new.txt", "");
    let run = site.run(&["deploy", "--image", &image("2")]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("the revision is not known: files differ from the commit"), "{}", run.stderr);
}

#[test]
fn a_busy_or_broken_api_is_asked_again() {
    let site = Site::deployed();
    site.fake.reply("ProjectToken", Reply::Raw("429 Too Many Requests", "Retry-After: 1\r\n", "slow down"));
    site.fake.reply("Project", Reply::Raw("502 Bad Gateway", "", "<html>oops</html>"));
    site.fake.reply("Project", Reply::Dropped);
    for _ in 0..2 {
        site.fake.reply("Deployment", Reply::Raw("503 Service Unavailable", "", ""));
    }
    let run = site.deploy(&[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.stderr.matches("asking again until the time is up").count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("no more requests for 1 s"), "{}", run.stderr);
    assert_eq!(site.fake.mutations().len(), 3);
}

#[test]
fn a_lost_answer_is_looked_up_and_never_sent_again() {
    let site = Site::deployed();
    site.fake.reply("DeployServiceInstance", Reply::Lost);
    let run = site.deploy(&[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(
        site.fake.mutation_names(),
        ["UpsertVariables", "UpdateServiceInstance", "DeployServiceInstance"]
    );
    assert_eq!(site.records()[0]["deployment"], "d-2");
    assert!(run.stdout.contains("d-2, found in the list"), "{}", run.stdout);
}

#[test]
fn an_app_that_does_not_tell_is_only_asked_for_its_health() {
    let site = Site::deployed();
    site.fake.with(|service| service.app = Some(("200 OK", "fine")));
    site.workspace.edit(
        "Cargo.toml",
        "[[workspace.metadata.leptos]]",
        "[workspace.metadata.xtask]\nverify-revision = false\n\n[[workspace.metadata.leptos]]",
    );
    let run = site.deploy(&[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("200, revision not asked for"), "{}", run.stdout);
    assert!(!contents(&site.workspace.root().join("target/xtask/receipts")).is_empty());
}
