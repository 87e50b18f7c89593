//! An image as it should be, and what is said and recorded about it.

use serde_json::Value;

use super::{GOOD, Smoke, line, with_verdict};
use crate::support::processes_with;

#[test]
fn a_good_image_passes_every_check() {
    // Script, wasm and style are in a folder of the project's own choice.
    let configuration = GOOD.map(|line| line.replace("PKG_DIR=pkg", "PKG_DIR=a/b"));
    let Some(mut smoke) = Smoke::new(&configuration.each_ref().map(String::as_str)) else { return };
    // A proxy that is not there: requests to this machine must not go through one.
    for name in ["http_proxy", "HTTP_PROXY", "ALL_PROXY"] {
        smoke.workspace.set(name, "http://127.0.0.1:9");
    }
    smoke.workspace.write("own.env", "PORT=1\nBEHAVIOUR='type:js=application/javascript'\n");
    let file = smoke.workspace.root().join("own.env").display().to_string();
    let run = smoke.run(&["--env-file", &file, "--format", "json", "--", "move=/en"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();

    assert_eq!((&report["schema"], &report["result"]), (&"xtask.smoke/1".into(), &"ok".into()));
    // Its files fit into a packet each, and it was pushed nowhere.
    assert_eq!(with_verdict(&report, "skipped"), ["provenance", "compression"], "{report:#}");
    assert_eq!(with_verdict(&report, "ok").len(), 16, "{report:#}");
    assert_eq!(line(&report, "source-label"), "ok: https://github.com/owner/app");
    // The file, the arguments and the front page's redirection count; its own port does not.
    assert!(line(&report, "script").starts_with("ok: /a/b/app.js application/javascript"), "{report:#}");
    assert!(line(&report, "leptos-env").contains(" LEPTOS_SITE_PKG_DIR=a/b "), "{report:#}");
    assert!(line(&report, "page").starts_with("ok: /en 200 text/html"), "{report:#}");
    assert!(line(&report, "health").starts_with("ok: /health answers 200 after "), "{report:#}");
    if cfg!(target_os = "linux") {
        assert!(line(&report, "user").contains("65532"), "{report:#}");
    }
    for name in ["healthy_seconds", "stop_seconds", "seconds"] {
        assert!(report[name].as_f64().unwrap() > 0.0, "{name}");
    }
    assert!(report["image_id"].as_str().unwrap().starts_with("sha256:"), "{report:#}");
    assert_eq!(smoke.records(), [report]);
    assert_eq!(smoke.containers(), [""; 0]);
    for said in ["Starting ", "Waiting for 200 at /health", "Stopping "] {
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
}

#[test]
fn a_dry_run_prints_the_commands_and_no_value() {
    let Some(mut smoke) = Smoke::new(&GOOD) else { return };
    smoke.workspace.set("FROM_OUTSIDE", "hidden-value");
    let run = smoke.run(&["--env", "FROM_OUTSIDE", "--dry-run", "--", "--one"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[1], "# smoke");
    let start = lines[2];
    assert!(start.starts_with("docker run --pull never --detach --name xtask-smoke-"), "{start}");
    assert!(start.ends_with(&format!(" --env FROM_OUTSIDE {} --one", smoke.image)), "{start}");
    assert!(!run.stdout.contains("hidden-value"), "{}", run.stdout);
    assert_eq!((smoke.containers(), smoke.records()), (vec![], vec![]));
    let absent = smoke.workspace.xtask(&["docker", "smoke", "127.0.0.1:9/none:1", "--dry-run"]);
    assert!(absent.stdout.contains("docker pull 127.0.0.1:9/none:1\n"), "{}", absent.stdout);
}

#[test]
fn a_secret_is_seen_by_the_server_alone() {
    let Some(mut smoke) = Smoke::new(&GOOD) else { return };
    let [own, files] = ["Jk2", "Lm3"].map(|start| format!("{start}{}secretvalue", std::process::id()));
    smoke.workspace.set("OWN_TOKEN", &own);
    smoke.workspace.write("own.env", &format!("FILES_SECRET={files}\n"));
    let file = smoke.workspace.root().join("own.env").display().to_string();
    let seen = |name: &str, secret: &str| {
        let behaviour = format!("BEHAVIOUR=say={name} health=503");
        let args = ["--env", "OWN_TOKEN", "--env-file", &file, "--env", &behaviour, "--start-limit", "1"];
        let mut processes = Vec::new();
        let run = std::thread::scope(|scope| {
            let running = scope.spawn(|| smoke.run(&args));
            while !running.is_finished() {
                processes.extend(processes_with(secret));
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            running.join().unwrap()
        });
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        // It was there: the server wrote it into its log, which is shown because of the failure.
        assert!(run.stderr.contains(&format!("{name} is [redacted]")), "{}", run.stderr);
        assert_eq!(processes, [""; 0]);
        for text in [run.stdout, run.stderr, format!("{:?}", smoke.records())] {
            assert!(!text.contains(secret), "{text}");
        }
    };
    seen("OWN_TOKEN", &own);
    seen("FILES_SECRET", &files);
}
