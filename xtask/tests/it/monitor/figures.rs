//! What is said of runs, jobs, caches, images and records.

use serde_json::{Value, json};

use super::github::{GitHub, REPOSITORY, cache, run};
use super::{alone, monitor, report, runs, workspace};
use crate::registry::Registry;
use crate::support::Workspace;

fn series<'r>(report: &'r Value, name: &str) -> &'r Value {
    let all = report["series"].as_array().unwrap();
    all.iter().find(|series| series["name"] == name).unwrap_or_else(|| panic!("no series {name}: {report:#}"))
}

/// Twelve runs of which one has failed, a day's builds of this machine, and three caches.
fn usual() -> (GitHub, Workspace) {
    let github = GitHub::start();
    github.with(|state| {
        state.runs = runs(&[300, 310, 290, 305, 295, 300, 300, 310, 290, 300, 300]);
        state.runs.insert(0, run(99, 1, 120, "failure"));
        state.caches = vec![cache(1, "cargo-Linux", 9_000_000_000), cache(2, "tools-Linux", 4_000_000_000)];
    });
    let workspace = workspace(&github);
    workspace.write("target/xtask/records/build.jsonl", &build_records(3));
    (github, workspace)
}

fn build_records(count: u32) -> String {
    let now = chrono::Utc::now();
    let line = |index: u32| {
        let started = super::github::stamp(now - chrono::TimeDelta::hours(i64::from(index) + 1));
        let steps = json!([{"name": "compile server", "units": {"fresh": 95, "compiled": 5}}]);
        json!({"schema": "xtask.build/1", "result": "ok", "started": started, "seconds": 40.0, "profile": "production",
               "revision": {"commit": "0123456789abcdef"}, "steps": steps})
    };
    (0..count).map(|index| format!("{}\n", line(index))).collect()
}

#[test]
fn all_that_github_and_the_records_tell() {
    let (github, workspace) = usual();
    let told = report(&workspace, &[]);
    assert_eq!((&told["repository"], &told["is_private"]), (&json!(REPOSITORY), &json!(true)));
    let image = series(&told, "Image and deployment");
    assert_eq!(image["points"].as_array().unwrap().len(), 12);
    // To the end of the last job, not to the last change of the run.
    assert_eq!((&image["figures"]["median"], &image["figures"]["runs"]), (&json!(300.0), &json!(11)));
    assert_eq!(image["points"][11]["outcome"], "failed");
    let deployments = series(&told, "deployments");
    assert_eq!((&deployments["figures"]["p90"], &deployments["figures"]["runs"]), (&json!(40.0), &json!(11)));
    assert_eq!(series(&told, "push to live")["figures"]["median"], json!(300.0));
    assert_eq!(series(&told, "build (production)")["figures"]["runs"], json!(3));
    assert_eq!(told["steps"][0]["step"], "Build the image");
    assert_eq!(told["steps"][0]["figures"]["median"], json!(258.0));
    assert_eq!((&told["caches"]["count"], &told["caches"]["bytes"]), (&json!(2), &json!(13_000_000_000_u64)));
    assert_eq!(told["hit_rates"][0]["hits"], json!(285));
    // Eleven runs of 5 + 1 minutes, nearly all, and one of 2 + 1; the prices are in the unit tests.
    let minutes = &told["costs"][0];
    assert!(minutes["usd_per_month"].as_f64().unwrap() > 0.3, "{minutes:#}");
    let storage = told["costs"][1]["usd_per_month"].as_f64().unwrap();
    assert!((storage - (13e9 / 1_073_741_824.0 - 10.0) * 0.07).abs() < 1e-6, "{storage}");
    assert_eq!(told["costs"][2]["usd_per_month"], Value::Null, "Railway's usage is in no setting");
    assert_eq!(told["alerts"], json!([]));
    // The repository, one page of runs, twelve of jobs, two of caches, two of versions.
    assert_eq!(github.asked().len(), 18, "{:#?}", github.asked());

    let human = monitor(&workspace, &["--jobs", "0"]);
    assert_eq!(human.code, Some(0), "{}", human.stderr);
    for expected in
        ["What has run: octo/app", "Image and deployment", "91.7 % (11 of 12)", "here: build (production)"]
    {
        assert!(human.stdout.contains(expected), "{expected}: {}", human.stdout);
    }
    // Without jobs nothing is known of steps and minutes, and nothing is made up.
    assert!(!human.stdout.contains("Slowest steps"), "{}", human.stdout);
    assert!(human.stdout.contains("not known"), "{}", human.stdout);
    let markdown = monitor(&workspace, &["--format", "markdown"]);
    assert!(markdown.stdout.contains("| Image and deployment | 12 |"), "{}", markdown.stdout);
}

#[test]
fn a_bound_on_requests_and_filters() {
    let github = GitHub::start();
    github.with(|state| {
        state.runs = runs(&[300; 150]);
        state.runs[3]["head_branch"] = json!("feature/x");
        state.runs[149]["created_at"] = json!("2020-01-01T00:00:00Z");
    });
    let workspace = workspace(&github);
    let all = |args: &[&str]| {
        series(&report(&workspace, args), "Image and deployment")["points"].as_array().unwrap().len()
    };
    // 75 days of runs, of which one is far in the past.
    assert_eq!(all(&["--since", "52w", "--jobs", "2"]), 149);
    let asked = github.asked();
    assert_eq!(asked.iter().filter(|path| path.ends_with("/actions/runs")).count(), 2);
    assert_eq!(asked.iter().filter(|path| path.ends_with("/jobs")).count(), 2);
    assert_eq!(all(&["--since", "52w", "--jobs", "0", "--limit", "120"]), 120);
    assert_eq!(all(&["--since", "7d", "--jobs", "0"]), 14);
    assert_eq!(all(&["--since", "52w", "--jobs", "0", "--branch", "feature/x"]), 1);
    // Half a page is not the last one, and what is missing is told.
    github.with(|state| state.withheld = 50);
    let told = report(&workspace, &["--since", "52w", "--jobs", "0"]);
    assert_eq!(series(&told, "Image and deployment")["points"].as_array().unwrap().len(), 99);
    assert!(told["notes"].to_string().contains("GitHub gave 99 of 149 runs"), "{:#}", told["notes"]);
    let run = monitor(&workspace, &["--since", "next week"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("is no time: wanted a day"), "{}", run.stderr);
}

#[test]
fn the_weekly_report_is_two_files() {
    let (_github, workspace) = usual();
    let run = monitor(&workspace, &["--report", "weekly", "--output", "reports"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let day: String = super::github::stamp(chrono::Utc::now()).chars().take(10).collect();
    assert!(run.stdout.contains("The week to"), "{}", run.stdout);
    let markdown = workspace.read(&format!("reports/weekly-{day}.md"));
    assert!(markdown.starts_with(&format!("## The week to {day}: octo/app")), "{markdown}");
    assert!(markdown.contains("### This week, and the one before"), "{markdown}");
    let page = workspace.read(&format!("reports/weekly-{day}.html"));
    // Eleven runs, eleven deployments and ways to live, three builds; one run and one deployment have failed.
    assert_eq!(page.matches("class=\"dot\"").count(), 36);
    assert_eq!(page.matches("class=\"invalid\"").count(), 2);
    assert!(page.contains("default-src 'none'"));
    let default = monitor(&workspace, &["--report", "weekly", "--local"]);
    assert_eq!(default.code, Some(0), "{}", default.stderr);
    assert!(workspace.root().join(format!("target/xtask/monitor/weekly-{day}.html")).is_file());
}

#[test]
fn a_weekly_report_has_the_week_before_however_short_the_span() {
    let github = GitHub::start();
    // Ten days, two runs a day.
    github.with(|state| state.runs = runs(&[300; 20]));
    let told = report(&workspace(&github), &["--report", "weekly", "--since", "1w"]);
    let succeeded = |week: usize| told["weeks"][week]["series"][0]["ok"].as_u64().unwrap();
    assert_eq!((succeeded(0), succeeded(1)), (14, 6), "{:#}", told["weeks"]);
}

#[test]
fn deployments_have_their_turn_before_the_checks_of_a_busy_repository() {
    let github = GitHub::start();
    github.with(|state| {
        state.runs = runs(&[300; 44]);
        for run in state.runs.iter_mut().filter(|run| run["id"].as_u64().unwrap() % 11 != 0) {
            run["name"] = json!("Checks");
            run["event"] = json!("pull_request");
            run["head_branch"] = json!("change");
        }
    });
    let workspace = workspace(&github);
    let told = report(&workspace, &["--jobs", "6"]);
    assert_eq!(series(&told, "deployments")["points"].as_array().unwrap().len(), 4);
    let note = "jobs and steps are of 6 of 44 runs, deployments of 4 of the 4 runs of workflows that deploy";
    assert!(told["notes"].to_string().contains(note), "{:#}", told["notes"]);
    // Where there are not enough for all of them, that is said.
    let told = report(&workspace, &["--jobs", "3"]);
    let note = "jobs and steps are of 3 of 44 runs, deployments of 2 of the 4 runs of workflows that deploy";
    assert!(told["notes"].to_string().contains(note), "{:#}", told["notes"]);
    let whole = report(&workspace, &["--jobs", "200"]);
    assert!(!whole["notes"].to_string().contains("--jobs"), "{:#}", whole["notes"]);
}

#[test]
fn the_workspace_s_image_is_not_that_of_another_repository() {
    let github = GitHub::start();
    github.with(|state| state.runs = runs(&[300]));
    let mut workspace = workspace(&github);
    let registry = "127.0.0.1:1";
    workspace.write(
        "Cargo.toml",
        &format!("[workspace]\n[workspace.metadata.xtask]\nimage = \"{registry}/team/own\"\n"),
    );
    let packages = |workspace: &Workspace, args: &[&str]| -> Vec<String> {
        let before = github.asked().len();
        report(workspace, args);
        let asked = github.asked().into_iter().skip(before);
        asked.filter(|path| path.starts_with("/orgs/")).collect()
    };
    // However it is typed.
    for args in [&[][..], &["--repository", "Octo/App"]] {
        assert_eq!(packages(&workspace, args), ["/orgs/team/packages/container/own/versions"], "{args:?}");
    }
    workspace.set("GITHUB_REPOSITORY", "team/own");
    let other = packages(&workspace, &["--repository", REPOSITORY]);
    assert_eq!(other, ["/orgs/octo/packages/container/app/versions"]);
}

#[test]
fn this_machine_alone() {
    let workspace = alone();
    let empty = report(&workspace, &["--local"]);
    assert_eq!(
        (&empty["series"], &empty["repository"], &empty["caches"]),
        (&json!([]), &Value::Null, &Value::Null)
    );
    let human = monitor(&workspace, &["--local"]);
    assert!(human.stdout.contains("Nothing has run, as far as is known."), "{}", human.stdout);
    // No repository is known: that is said, and no reason to fail.
    let unasked = monitor(&workspace, &[]);
    assert_eq!(unasked.code, Some(0), "{}", unasked.stderr);
    assert!(unasked.stdout.contains("GitHub was not asked"), "{}", unasked.stdout);
    workspace.write("target/xtask/records/build.jsonl", &(build_records(6) + "{\"schema\": \"xtask.bui"));
    let told = report(&workspace, &["--local"]);
    assert_eq!(series(&told, "build (production)")["points"].as_array().unwrap().len(), 6);
    assert!(
        told["notes"][0]
            .as_str()
            .unwrap()
            .starts_with("build.jsonl: 1 record could not be read and is left out"),
        "{told:#}"
    );
}

#[test]
fn sizes_come_from_the_registry() {
    let Some(registry) = Registry::start() else { return };
    let github = GitHub::start();
    let digest = registry.push_base_index("octo/app", "sha-1", &["linux/amd64"]);
    github.with(|state| {
        state.runs = runs(&[300]);
        state.versions = vec![json!({
            "id": 7, "name": digest, "url": "https://api.github.com/x", "created_at": "2026-01-02T00:00:00Z",
            "updated_at": "2026-01-02T00:00:00Z",
            "metadata": {"package_type": "container", "container": {"tags": ["sha-1"]}},
        })];
    });
    let mut workspace = workspace(&github);
    workspace.set("XTASK_GHCR_HOST", registry.address());
    let told = report(&workspace, &[]);
    assert_eq!(
        (&told["images"][0]["name"], &told["images"][0]["source"]),
        (&json!("sha-1"), &json!("registry"))
    );
    assert!(told["images"][0]["bytes"].as_u64().unwrap() > 100, "{:#}", told["images"]);
    // A registry that does not answer is a note, and the size is not known.
    workspace.set("XTASK_GHCR_HOST", "127.0.0.1:1");
    let told = report(&workspace, &[]);
    assert_eq!(told["images"][0]["bytes"], Value::Null);
    assert!(told["notes"].to_string().contains("sizes of images: not known"), "{:#}", told["notes"]);
}
