//! `deploy init`: what is made and set, from what, and what a second run finds.

use std::io::{Read, Write};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use expect_test::expect;
use serde_json::{Value, json};

use super::{SECRET_VALUE, Site, TOKEN, image};
use crate::support::Run;

/// Values that no output and no file may hold.
pub const CANARIES: [&str; 4] = [
    "canary-database-of-a-test",
    "canary-session-of-a-test",
    "canary-password-of-a-test",
    "canary.example.com",
];

pub const VARIABLES: &str = "DATABASE_URL=postgres://user:canary-database-of-a-test@db/app\n\
                             SESSION_KEY=canary-session-of-a-test\nORIGIN=https://canary.example.com/x\nMODE=fast\n";

impl Site {
    /// An account token, a workspace without anything in it, and an app that wants variables.
    pub fn empty() -> Site {
        let mut site = Site::new();
        site.workspace.set("RAILWAY_TOKEN", "");
        site.workspace.set("RAILWAY_API_TOKEN", TOKEN);
        site.workspace.set("XTASK_PULL_USERNAME", "puller");
        site.workspace.set("XTASK_PULL_PASSWORD", CANARIES[2]);
        for name in ["DATABASE_URL", "SESSION_KEY", "ORIGIN", "MODE"] {
            site.workspace.set(name, "");
        }
        site.workspace.write(
            ".env.example",
            "# Where the data is.\nDATABASE_URL=postgres://user:password@host/name\nSESSION_KEY=\n#ORIGIN=\n#MODE=slow\n",
        );
        site.workspace
            .write("railway.toml", "[deploy]\nhealthcheckPath = \"/health\"\ndrainingSeconds = 15\n");
        site.workspace.write("production.env", VARIABLES);
        site.fake.with(|service| {
            service.lacks = vec!["project", "environment", "service"];
            service.has_domain = false;
            service.settings = json!({});
            service.variables = json!({});
        });
        site
    }

    /// Runs `deploy init` for a project `shop` with a service `web`.
    pub fn init(&self, args: &[&str]) -> Run {
        let run = self.run(&[&["deploy", "init", "--project", "shop", "--service", "web"], args].concat());
        self.keeps_canaries(&run);
        run
    }

    /// The same with everything given.
    pub fn init_all(&self) -> Run {
        self.init(&["--yes", "--image", &image("1"), "--with-variables", "production.env"])
    }

    pub fn keeps_canaries(&self, run: &Run) {
        let files = crate::support::contents(&self.workspace.root().join("target"));
        for text in files.values().chain([&run.stdout, &run.stderr]) {
            for canary in CANARIES {
                assert!(!text.contains(canary), "{text}");
            }
        }
    }

    pub fn inits(&self) -> Vec<Value> {
        let path = self.workspace.root().join("target/xtask/records/init.jsonl");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[test]
fn from_nothing_to_a_service_and_a_second_run_changes_nothing() {
    let site = Site::empty();
    let run = site.init_all();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    expect![[r#"
        part         state   detail
        project      set up  shop
        environment  set up  production
        service      set up  web
        image        set up  ghcr.io/o/app@sha256:1
        settings     set up  drainingSeconds, healthcheckPath
        variables    set up  DATABASE_URL, MODE, ORIGIN, SESSION_KEY
        domain       set up  [address]

        put into Cargo.toml, so that every command finds this service:

        [workspace.metadata.xtask.railway]
        project = "p-1" # shop

        next: cargo xtask deploy --image ghcr.io/o/app@sha256:1"#]]
    .assert_eq(&site.plain(&run.stdout));
    let place = json!({"serviceId": "s-1", "environmentId": "e-1"});
    let variables = json!({
        "DATABASE_URL": "postgres://user:canary-database-of-a-test@db/app", "SESSION_KEY": CANARIES[1],
        "ORIGIN": "https://canary.example.com/x", "MODE": "fast",
    });
    let expected = [
        (
            "CreateProject",
            json!({"input": {"name": "shop", "defaultEnvironmentName": "production", "workspaceId": "w-1"}}),
        ),
        ("CreateService", json!({"input": {"projectId": "p-1", "environmentId": "e-1", "name": "web"}})),
        (
            "UpdateServiceInstance",
            json!({"serviceId": "s-1", "environmentId": "e-1", "input": {
                "source": {"image": image("1")}, "healthcheckPath": "/health", "drainingSeconds": 15,
                "registryCredentials": {"username": "puller", "password": CANARIES[2]},
            }}),
        ),
        (
            "UpsertVariables",
            json!({"input": {"projectId": "p-1", "environmentId": "e-1", "serviceId": "s-1",
                             "variables": variables, "skipDeploys": true}}),
        ),
        ("CreateDomain", json!({"input": place})),
    ];
    let expected = expected.map(|(name, variables)| (name.to_owned(), variables));
    assert_eq!(site.fake.mutations(), expected);
    assert!(site.fake.with(|service| service.deployments.is_empty()), "init deploys nothing");

    let again = site.init_all();
    assert_eq!((again.code, site.fake.mutations().len()), (Some(0), 5), "{}", again.stderr);
    expect![[r#"
        part         state  detail
        project      there  shop
        environment  there  production
        service      there  web
        image        there  ghcr.io/o/app@sha256:1
        settings     there  drainingSeconds, healthcheckPath
        variables    there  as they were: DATABASE_URL, MODE, ORIGIN, SESSION_KEY
        domain       there  [address]

        everything was there already: nothing was changed

        put into Cargo.toml, so that every command finds this service:

        [workspace.metadata.xtask.railway]
        project = "p-1" # shop

        next: cargo xtask deploy --image ghcr.io/o/app@sha256:1"#]]
    .assert_eq(&site.plain(&again.stdout));
    let records = site.inits();
    let told = |at: usize| (records[at]["result"].clone(), records[at]["already_set_up"].clone());
    assert_eq!((told(0), told(1)), ((json!("ok"), json!(false)), (json!("ok"), json!(true))));
    assert_eq!(records[0]["ids"], json!({"project": "p-1", "environment": "e-1", "service": "s-1"}));
}

#[test]
fn a_dry_run_only_looks() {
    let site = Site::empty();
    let run = site.init(&["--dry-run", "--image", &image("1"), "--with-variables", "production.env"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    expect![[r#"
        set -e
        # make project
        # make project shop with environment production in workspace mine
        # make service
        # make service web in project shop
        # set up service
        # web (production): set the image to ghcr.io/o/app@sha256:1, the registry credentials,
            drainingSeconds to 15, healthcheckPath to "/health"
        # set variables
        # web (production): set DATABASE_URL, MODE, ORIGIN, SESSION_KEY without a deployment
        # make domain
        # web (production): make a domain"#]]
    .assert_eq(&site.plain(&run.stdout));
    let missing = site.init(&["--dry-run"]);
    assert_eq!(missing.code, Some(0), "{}", missing.stderr);
    assert!(missing.stderr.contains("no value: DATABASE_URL, SESSION_KEY; a run asks"), "{}", missing.stderr);
    assert_eq!((site.fake.mutations(), site.inits().len()), (vec![], 0));
    assert!(!site.workspace.root().join("target").exists());
}

#[test]
fn wanted_variables_without_a_value_are_named() {
    let mut site = Site::empty();
    let run = site.init(&["--yes"]);
    assert_eq!(run.code, Some(2));
    expect![[r#"
        error: .env.example wants variables that have no value: DATABASE_URL, SESSION_KEY
         hint: give them in a file of NAME=value lines (--with-variables FILE), on standard input
            (--with-variables -) or in the environment; nothing was changed"#]]
    .assert_eq(&site.message(&run));
    assert_eq!(site.fake.mutations(), []);

    // One from the environment, which gives nothing else; the other through standard input.
    site.workspace.set("DATABASE_URL", "postgres://user:canary-database-of-a-test@db/app");
    site.workspace.set("MODE", "of-this-shell");
    let run = site.init(&["--yes"]);
    assert!(run.stderr.contains("have no value: SESSION_KEY\n"), "{}", run.stderr);
    let args = ["deploy", "init", "--project", "shop", "--service", "web", "--yes", "--with-variables", "-"];
    let mut command = site.workspace.command(&args);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let line = format!("SESSION_KEY={}\n", CANARIES[1]);
    child.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
    let run = site.finish(child);
    site.keeps_canaries(&run);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let set = site.fake.with(|service| service.variables.clone());
    let names: Vec<&String> = set.as_object().unwrap().keys().collect();
    assert_eq!(names, ["DATABASE_URL", "SESSION_KEY"]);
    // What the service has is not wanted any more.
    site.workspace.set("DATABASE_URL", "");
    assert_eq!(site.init(&["--yes"]).code, Some(0));
}

#[test]
fn nothing_is_made_unasked() {
    let site = Site::empty();
    let run = site.init(&["--with-variables", "production.env"]);
    assert_eq!(run.code, Some(2));
    expect![[r#"
        error: nobody is here to answer: make project `shop` with environment `production` in
            workspace `mine`, service `web` in project `shop`?
         hint: make it on railway.com; --yes takes it without asking"#]]
    .assert_eq(&site.message(&run));
    assert_eq!(site.fake.mutations(), []);
}

#[test]
fn a_service_that_serves_keeps_what_it_has() {
    let mut site = Site::deployed();
    site.workspace.write("production.env", "DATABASE_PASSWORD=another-canary-value\nMODE=fast\n");
    site.workspace.set("XTASK_PULL_USERNAME", "puller");
    site.workspace.set("XTASK_PULL_PASSWORD", CANARIES[2]);
    let args = ["--image", &image("2"), "--with-variables", "production.env"];
    let run = site.init(&args);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    expect![[r#"
        note: the service has the image ghcr.io/o/app@sha256:1 and keeps it; `cargo xtask deploy
            --image ghcr.io/o/app@sha256:2` deploys the other one
        note: the registry credentials are not sent: the service has an image already, and
            Railway does not tell which credentials it has; --renew-credentials sends them
        note: variables that have another value at Railway keep it: DATABASE_PASSWORD
        note: railway.toml has no overlapSeconds: at each deployment requests may meet a router
            that knows neither
        note: railway.toml has no drainingSeconds: at each deployment open requests are cut off
             Running set variables
             Running check"#]]
    .assert_eq(&site.plain(&run.stderr));
    expect![[r#"
        part         state   detail
        project      there   shop
        environment  there   production
        service      there   web
        image        there   ghcr.io/o/app@sha256:1
        settings     there   healthcheckPath
        variables    set up  MODE; as they were: DATABASE_PASSWORD
        domain       there   [address]

        next: cargo xtask deploy status"#]]
    .assert_eq(&site.plain(&run.stdout));
    assert_eq!(site.fake.mutation_names(), ["UpsertVariables"]);
    assert_eq!(site.fake.with(|service| service.variables["DATABASE_PASSWORD"].clone()), SECRET_VALUE);
    let renewed = site.init(&["--renew-credentials"]);
    assert_eq!(renewed.code, Some(0), "{}", renewed.stderr);
    let (name, variables) = site.fake.mutations().pop().unwrap();
    let credentials = json!({"username": "puller", "password": CANARIES[2]});
    assert_eq!(
        (name.as_str(), &variables["input"]),
        ("UpdateServiceInstance", &json!({"registryCredentials": credentials}))
    );
}

#[test]
fn the_lines_to_keep_are_those_that_deploy_needs() {
    let site = Site::empty();
    let run = site.init_all();
    assert!(run.stdout.contains("project = \"p-1\" # shop\n"), "{}", run.stdout);
    site.workspace.edit(
        "Cargo.toml",
        "[[workspace.metadata.leptos]]",
        "[workspace.metadata.xtask.railway]\nproject = \"p-1\"\n\n[[workspace.metadata.leptos]]",
    );
    let kept = site.init_all();
    assert!(kept.code == Some(0) && !kept.stdout.contains("put into"), "{}", kept.stdout);
    let status = site.run(&["deploy", "status"]);
    assert!(status.stdout.contains("web (production) in project shop"), "{}", status.stderr);
}

/// Types at a terminal, which `script` makes; it shows what is typed unless it is told not to.
#[test]
fn a_value_that_is_typed_is_not_shown() {
    if std::process::Command::new("script").arg("--version").output().is_err() {
        crate::support::skipped("there is no program `script`, which makes a terminal");
        return;
    }
    let site = Site::empty();
    let own = site.workspace.command(&[]);
    let line = format!("{} deploy init --project shop --service web", own.get_program().display());
    let mut command = std::process::Command::new("script");
    command.args(["--quiet", "--return", "--echo", "always", "--command", &line, "/dev/null"]);
    command.current_dir(site.workspace.root());
    for (name, value) in own.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = child.stdout.take().unwrap();
    let shown = Arc::new(Mutex::new(String::new()));
    let reader = std::thread::spawn({
        let shown = Arc::clone(&shown);
        move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = output.read(&mut bytes) {
                shown.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..length]));
            }
        }
    });
    for (question, answer) in [
        ("DATABASE_URL (not shown): ", "postgres://user:canary-database-of-a-test@db/app"),
        ("SESSION_KEY (not shown): ", CANARIES[1]),
        ("[y/N] ", "y"),
    ] {
        let began = Instant::now();
        while !shown.lock().unwrap().contains(question) {
            assert!(began.elapsed() < Duration::from_secs(60), "{}", shown.lock().unwrap());
            std::thread::sleep(Duration::from_millis(10));
        }
        input.write_all(format!("{answer}\n").as_bytes()).unwrap();
    }
    let code = child.wait().unwrap().code();
    drop(input);
    reader.join().unwrap();
    let run = Run { code, stdout: shown.lock().unwrap().clone(), stderr: String::new() };
    assert_eq!(run.code, Some(0), "{}", run.stdout);
    site.keeps_secrets(&run);
    site.keeps_canaries(&run);
    assert!(run.stdout.contains("[y/N] y"), "the terminal shows what is typed elsewhere: {}", run.stdout);
    let variables = site.fake.with(|service| service.variables.clone());
    assert_eq!(variables["SESSION_KEY"], CANARIES[1]);
    assert_eq!(variables["DATABASE_URL"], "postgres://user:canary-database-of-a-test@db/app");
}
