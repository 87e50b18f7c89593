//! What GitHub may do instead of answering: each is told in one line with what mends it, and the token never is.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::github::{Fault, GitHub, TOKEN, run};
use super::{alone, monitor, report, runs, workspace};

fn some() -> GitHub {
    let github = GitHub::start();
    github.with(|state| state.runs = runs(&[300, 310, 290]));
    github
}

#[test]
fn refusals_of_the_list_of_runs_end_it() {
    let in_half_an_hour = (chrono::Utc::now() + chrono::TimeDelta::minutes(30)).timestamp();
    let limits = vec![
        ("x-ratelimit-limit", "1000".to_owned()),
        ("x-ratelimit-remaining", "0".to_owned()),
        ("x-ratelimit-reset", in_half_an_hour.to_string()),
    ];
    for (status, headers, message, said, hint) in [
        (
            401,
            vec![],
            "Bad credentials",
            "does not accept the token: 401 (Bad credentials)",
            "GITHUB_TOKEN or GH_TOKEN",
        ),
        (
            403,
            limits,
            "API rate limit exceeded",
            "rate limit (1000 requests an hour) is used up until",
            "--limit",
        ),
        (403, vec![], "Resource not accessible by integration", "does not allow it: 403", "`actions: read`"),
        (404, vec![], "Not Found", "not there, or not shown to us: 404 (Not Found)", "`actions: read`"),
        (301, vec![], "Moved Permanently", "has moved: 301", "--repository OWNER/NAME"),
    ] {
        let github = some();
        let body = json!({"message": message}).to_string();
        github.fail("/actions/runs?", Fault::Answer(status, headers, body));
        let run = monitor(&workspace(&github), &[]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(4), ""), "{}", run.stderr);
        assert!(run.stderr.contains(said) && run.stderr.contains(hint), "{status}: {}", run.stderr);
        assert_eq!(github.asked().len(), 2, "asked again: {:?}", github.asked());
    }
}

#[test]
fn what_passes_is_asked_again() {
    for fault in [
        Fault::Answer(500, vec![], "<html>".to_owned()),
        Fault::Answer(429, vec![("retry-after", "1".to_owned())], "{}".to_owned()),
        Fault::Half,
        Fault::HangUp,
    ] {
        let github = some();
        github.fail("/actions/runs?", fault);
        let run = monitor(&workspace(&github), &["--format", "json", "--jobs", "0"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert!(run.stderr.contains("/repos/octo/app/actions/runs in 1 s"), "{}", run.stderr);
        let told: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(told["series"][0]["points"].as_array().unwrap().len(), 3);
    }
    // Three times is enough.
    let github = some();
    (0..3).for_each(|_| github.fail("/actions/runs?", Fault::Answer(502, vec![], String::new())));
    let run = monitor(&workspace(&github), &[]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert!(run.stderr.contains("GitHub answers 502") && run.stderr.contains("--local"), "{}", run.stderr);
}

#[test]
fn a_server_that_hangs_is_left_alone() {
    let github = some();
    github.fail("/actions/runs?", Fault::Silence);
    let began = Instant::now();
    let run = monitor(&workspace(&github), &[]);
    assert_eq!(run.code, Some(5), "{}", run.stderr);
    assert!(run.stderr.contains("no complete answer within 10s"), "{}", run.stderr);
    assert!(began.elapsed() < Duration::from_secs(25));
    assert_eq!(github.asked().len(), 2, "{:?}", github.asked());
}

#[test]
fn what_is_no_answer_is_told() {
    let github = some();
    github.fail("/actions/runs?", Fault::Answer(200, vec![], "{\"runs\": []}".to_owned()));
    let run = monitor(&workspace(&github), &[]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert!(run.stderr.contains("not what GitHub's documentation promises"), "{}", run.stderr);
}

#[test]
fn what_is_not_shown_is_not_known() {
    let github = some();
    github.with(|state| state.caches = vec![super::github::cache(1, "x", 5)]);
    github.refuse("/actions/cache/usage", 403, "Resource not accessible by integration");
    github.refuse("/users/octo/packages", 403, "You need at least read:packages scope");
    // The second run was deleted meanwhile.
    github.refuse("/actions/runs/2/jobs", 404, "Not Found");
    let told = report(&workspace(&github), &[]);
    assert_eq!((&told["caches"], &told["images"]), (&Value::Null, &json!([])));
    assert_eq!(told["costs"][1]["usd_per_month"], Value::Null);
    let notes = told["notes"].to_string();
    for expected in ["caches: not known: ", "images: not known: ", "read:packages"] {
        assert!(notes.contains(expected), "{expected}: {notes}");
    }
    assert_eq!(told["steps"][0]["figures"]["runs"], json!(2), "a run that was deleted meanwhile is left out");

    // Where the limit ends in the middle, what is known is told.
    let github = some();
    let limits =
        vec![("x-ratelimit-remaining", "0".to_owned()), ("x-ratelimit-reset", "4102444800".to_owned())];
    github.fail("/actions/runs/1/jobs", Fault::Answer(403, limits, "{}".to_owned()));
    let told = report(&workspace(&github), &[]);
    assert_eq!(told["steps"][0]["figures"]["runs"], json!(2));
    let notes = told["notes"].to_string();
    assert!(notes.contains("the jobs of 1 of 3 runs are not known: "), "{notes}");
    assert!(notes.contains("is used up until 2100-01-01T00:00:00Z"), "{notes}");
}

#[test]
fn odd_runs_do_not_hide_others() {
    let github = GitHub::start();
    let mut odd = run(7, 2, 60, "success");
    for key in ["name", "conclusion", "head_branch", "run_started_at"] {
        odd[key] = Value::Null;
    }
    odd["status"] = json!("queued");
    github.with(|state| state.runs = vec![odd, run(6, 3, 60, "startup_failure"), run(5, 4, 60, "success")]);
    github.fail(
        "/actions/runs/6/jobs",
        Fault::Answer(200, vec![], json!({"total_count": 0, "jobs": []}).to_string()),
    );
    let told = report(&workspace(&github), &[]);
    let outcomes = |index: usize| -> Vec<&Value> {
        told["series"][index]["points"].as_array().unwrap().iter().map(|point| &point["outcome"]).collect()
    };
    assert_eq!(
        (&told["series"][0]["name"], outcomes(0)),
        (&json!("Image and deployment"), vec![&json!("ok"), &json!("failed")])
    );
    assert_eq!(
        (&told["series"][1]["name"], outcomes(1)),
        (&json!("docker-build.yml"), vec![&json!("running")])
    );
    // No job: the run's own last change tells.
    assert_eq!(told["series"][0]["points"][1]["seconds"], json!(62.0));
}

#[test]
fn a_repository_without_runs() {
    let github = GitHub::start();
    let told = report(&workspace(&github), &[]);
    assert_eq!((&told["series"], &told["alerts"]), (&json!([]), &json!([])));
    assert_eq!(told["costs"][0]["usd_per_month"], json!(0.0), "{:#}", told["costs"]);
}

#[test]
fn gh_lends_its_token() {
    let github = some();
    let mut workspace = workspace(&github);
    workspace.set("GITHUB_TOKEN", "");
    let script = format!("#!/bin/sh\n[ \"$*\" = 'auth token --hostname 127.0.0.1' ] && echo {TOKEN}\n");
    workspace.write("bin/gh", &script);
    let program = workspace.root().join("bin/gh");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    workspace.set("PATH", format!("{}:{path}", workspace.root().join("bin").display()));
    let told = report(&workspace, &[]);
    assert!(!told["notes"].to_string().contains("without a token"), "{told:#}");
    let seen = github.server.seen();
    assert!(seen.iter().all(|request| request.header("authorization") == Some(&format!("Bearer {TOKEN}"))));

    // One that is not logged in is none: GitHub is asked as nobody, and less.
    workspace.write("bin/gh", "#!/bin/sh\nexit 1\n");
    let told = report(&workspace, &[]);
    assert!(told["notes"][0].as_str().unwrap().contains("asked without a token"), "{told:#}");
    assert_eq!(github.server.seen().last().unwrap().header("authorization"), None);
}

#[test]
fn a_name_that_is_none_is_refused() {
    let workspace = alone();
    for name in ["octo", "octo/app/more", "octo/..", "https://github.com/octo/app"] {
        let run = monitor(&workspace, &["--repository", name]);
        assert_eq!(run.code, Some(2), "{name}: {}", run.stderr);
        assert!(run.stderr.contains("is no repository: it is of the form OWNER/NAME"), "{}", run.stderr);
    }
}
