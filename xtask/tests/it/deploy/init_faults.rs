//! `deploy init` when Railway refuses, does not answer, or is not as it should be.

use expect_test::expect;
use serde_json::json;

use super::fake::Reply;
use super::{Site, TOKEN, image};

/// Everything that a set-up from nothing changes, in its order.
const MUTATIONS: [&str; 5] =
    ["CreateProject", "CreateService", "UpdateServiceInstance", "UpsertVariables", "CreateDomain"];

#[test]
fn an_answer_that_is_lost_makes_nothing_twice() {
    for operation in MUTATIONS {
        let site = Site::empty();
        site.fake.reply(operation, Reply::Lost);
        let run = site.init_all();
        assert_eq!(run.code, Some(0), "{operation}: {}", run.stderr);
        assert_eq!(site.fake.mutation_names(), MUTATIONS, "{operation}");
        assert!(site.inits()[0]["steps"].to_string().contains("the answer was lost"), "{operation}");
    }
}

#[test]
fn what_was_not_done_is_done_by_the_next_run() {
    // What may have been made is looked for, for a while: all of them at once.
    std::thread::scope(|scope| {
        for (at, operation) in MUTATIONS.into_iter().enumerate() {
            scope.spawn(move || {
                let site = Site::empty();
                site.fake.reply(operation, Reply::Dropped);
                let run = site.init_all();
                assert_eq!(run.code, Some(4), "{operation}: {}", run.stderr);
                assert!(run.stderr.contains("the same command again"), "{operation}: {}", run.stderr);
                assert_eq!(site.fake.mutation_names(), MUTATIONS[..=at], "{operation}");
                let record = &site.inits()[0];
                assert_eq!((&record["result"], &record["next"]), (&json!("failed"), &json!(null)));

                let again = site.init_all();
                assert_eq!(again.code, Some(0), "{operation}: {}", again.stderr);
                let names = [&MUTATIONS[..=at], &MUTATIONS[at..]].concat();
                assert_eq!(site.fake.mutation_names(), names, "{operation}");
            });
        }
    });
}

#[test]
fn refusals_end_the_run_where_it_is() {
    for operation in MUTATIONS {
        let at = MUTATIONS.iter().position(|known| *known == operation).unwrap();
        let limit = Reply::Raw("429 Too Many Requests", "Retry-After: 3600\r\n", "");
        for (reply, code, expected) in [
            (Reply::Error("Not Authorized"), 2, "Railway says \"Not Authorized\" to"),
            (Reply::Error("Project not found"), 4, "Project not found"),
            (limit, 4, "Railway takes no more requests for 3600 s"),
        ] {
            let site = Site::empty();
            site.fake.reply(operation, reply);
            let run = site.init_all();
            assert_eq!(run.code, Some(code), "{operation}: {}", run.stderr);
            assert!(run.stderr.contains(expected), "{operation}: {}", run.stderr);
            assert_eq!(site.fake.mutation_names(), MUTATIONS[..=at]);
        }
    }
}

#[test]
fn a_value_that_railway_quotes_is_not_shown() {
    let site = Site::empty();
    let quoted = "Invalid value canary-session-of-a-test, https://canary.example.com/x";
    site.fake.reply("UpsertVariables", Reply::Error(quoted));
    let run = site.init_all();
    assert_eq!(run.code, Some(4));
    assert!(run.stderr.contains("Invalid value [redacted]"), "{}", run.stderr);
}

#[test]
fn a_project_token_that_may_not_make_a_service() {
    let mut site = Site::empty();
    site.workspace.set("RAILWAY_API_TOKEN", "");
    site.workspace.set("RAILWAY_TOKEN", TOKEN);
    site.fake.with(|service| service.lacks = vec!["service"]);
    site.fake.reply("CreateService", Reply::Error("Not Authorized"));
    let run = site.init_all();
    assert_eq!(run.code, Some(2));
    expect![[r#"
        error: step `make service`: service `web`: Railway says "Not Authorized" to
            `CreateService`: the project token in RAILWAY_TOKEN, sent as `Project-Access-Token`,
            is not valid or may not do this
         hint: a project token may not be allowed to make this: an account or workspace token in
            RAILWAY_API_TOKEN (and RAILWAY_TOKEN unset) is; or make it on railway.com, and run
            this again"#]]
    .assert_eq(&site.message(&run));
    // Where it may, project and environment are the token's.
    let run = site.init_all();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(site.fake.mutation_names()[1..], MUTATIONS[1..]);
    assert!(!run.stdout.contains("put into"), "{}", run.stdout);
}

#[test]
fn a_service_in_an_environment_that_is_not_there() {
    let site = Site::empty();
    site.fake.with(|service| service.lacks = vec!["environment"]);
    let run = site.init_all();
    assert_eq!(run.code, Some(2));
    expect![[r#"
        error: project `shop` has the service `web`, but not the environment `production`, and a
            new environment has none of a project's services
         hint: duplicate an environment on railway.com (its menu → New Environment), then run
            this again"#]]
    .assert_eq(&site.message(&run));
    site.fake.with(|service| service.lacks = vec!["environment", "service"]);
    let run = site.init_all();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let (name, variables) = site.fake.mutations().remove(0);
    assert_eq!(name, "CreateEnvironment");
    assert_eq!(
        variables,
        json!({"input": {"projectId": "p-1", "name": "production", "skipInitialDeploys": true}})
    );
}

#[test]
fn what_is_not_plain_is_not_guessed() {
    let mut site = Site::empty();
    site.fake.with(|service| {
        service.lacks.clear();
        service.projects = vec!["p-1", "p-2"];
    });
    let run = site.init_all();
    assert_eq!(run.code, Some(2));
    expect![[r#"
        error: there are 2 projects `shop` (--project)
         hint: --project ID says which: p-1, p-2"#]]
    .assert_eq(&site.message(&run));
    site.fake.with(|service| service.projects = vec!["p-1"]);
    // The only service may be anything.
    let run = site.run(&["deploy", "init", "--project", "shop"]);
    assert_eq!(run.code, Some(2));
    expect![[r#"
        error: the project has services already, and none is named: web
         hint: --service NAME takes one of them; another name makes a new one"#]]
    .assert_eq(&site.message(&run));
    let run = site.init(&["--workspace", "theirs"]);
    assert_eq!(run.code, Some(2));
    expect![[r#"
        error: the token is for no workspace `theirs` (--workspace)
         hint: workspaces: mine"#]]
    .assert_eq(&site.message(&run));
    site.fake.reply("ServiceInstance", Reply::Error("ServiceInstance not found"));
    let run = site.init_all();
    assert_eq!(run.code, Some(2));
    expect![[r#"
        error: the service `web` is not in the environment `production`: Railway refuses
            `ServiceInstance`: ServiceInstance not found
         hint: deploy it there once on railway.com, or name another service with --service"#]]
    .assert_eq(&site.message(&run));
    site.workspace.set("XTASK_PULL_USERNAME", "");
    let run = site.init(&[]);
    assert_eq!(run.code, Some(2));
    expect![[r#"
        error: the variable XTASK_PULL_PASSWORD is set, but XTASK_PULL_USERNAME is not
         hint: set both, or neither"#]]
    .assert_eq(&site.message(&run));
    assert_eq!(site.fake.mutations(), []);
}

#[test]
fn a_project_on_a_later_page_is_not_made_again() {
    let site = Site::empty();
    site.fake.with(|service| service.lacks = vec!["service"]);
    let page = r#"{"data":{"projects":{"edges":[],"pageInfo":{"hasNextPage":true,"endCursor":"c-1"}}}}"#;
    site.fake.reply("Projects", Reply::Raw("200 OK", "", page));
    let run = site.init_all();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(site.fake.mutation_names(), MUTATIONS[1..]);
    let calls = site.fake.with(|service| service.calls.clone());
    let pages = calls.iter().filter(|call| call.name == "Projects");
    let after: Vec<_> = pages.map(|call| call.variables["after"].clone()).collect();
    assert_eq!(after, [json!(null), json!("c-1")]);
}

#[test]
fn a_project_without_the_wanted_environment_gets_it_from_the_next_run() {
    let site = Site::empty();
    let made = r#"{"data":{"projectCreate":{"id":"p-1","name":"shop","environments":{"edges":[]},"services":{"edges":[]}}}}"#;
    site.fake.reply("CreateProject", Reply::Raw("200 OK", "", made));
    let run = site.init_all();
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    expect![[r#"
        error: step `make project`: Railway has made project p-1 without the environment
            `production`
         hint: the same command again makes the environment"#]]
    .assert_eq(&site.message(&run));
    site.fake.with(|service| service.lacks = vec!["environment", "service"]);
    let run = site.init_all();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(site.fake.mutation_names()[1..3], ["CreateEnvironment", "CreateService"]);
}

#[test]
fn what_railway_does_not_keep_is_no_success() {
    let site = Site::empty();
    site.fake.with(|service| service.keeps_settings = false);
    let run = site.init_all();
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    expect![[r#"
        error: step `check`: Railway has accepted everything, but this is still to be done: set
            up service
         hint: `cargo xtask deploy init --dry-run` shows what Railway has not kept"#]]
    .assert_eq(&site.message(&run));
}

#[test]
fn two_at_once() {
    let site = Site::empty();
    site.fake.reply("CreateProject", Reply::Silence);
    let image = image("1");
    let args = ["deploy", "init", "--project", "shop", "--service", "web", "--yes", "--image", &image];
    let args = [&args[..], &["--with-variables", "production.env"]].concat();
    let mut command = site.workspace.command(&args);
    let piped = std::process::Stdio::piped;
    let mut first = command.stdout(piped()).stderr(piped()).spawn().unwrap();
    site.wait_for(&mut first, "CreateProject", |service| {
        service.calls.iter().any(|call| call.name == "CreateProject")
    });
    let second = site.init_all();
    crate::support::signal(&first, "INT");
    let run = site.finish(first);
    assert_eq!(run.code, Some(130), "{}", run.stderr);
    assert!(run.stderr.contains("the same command again completes what is missing"), "{}", run.stderr);
    assert_eq!(second.code, Some(1), "{}", second.stderr);
    assert!(second.stderr.contains("another set-up from this checkout is under way"), "{}", second.stderr);
    assert_eq!(site.fake.mutation_names(), ["CreateProject"]);
    assert_eq!(site.inits()[0]["result"], "interrupted");
}
