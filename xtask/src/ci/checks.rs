//! What GitHub knows of a commit: which of its checks have passed, which have failed, which still run, and whether
//! another commit has it in its history. Only looks.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::exec::{Executor, Method, Request};
use crate::exit::Exit;

/// The longest that one answer is waited for.
const LIMIT: Duration = Duration::from_secs(8);

/// How much one answer has, which is the most that GitHub gives.
const PAGE_SIZE: usize = 100;
/// More than 1,000 checks of one commit are looked through by nobody.
const PAGES_MAX: usize = 10;
/// Jobs of our workflows that come after the deployment or at night: a budget that is broken there is no word about
/// whether the commit may be deployed, and would keep the same commit from being deployed again.
const AFTERWARDS: [&str; 3] = ["Sum up", "Measure builds", "Tell of what has become slower"];
/// Who runs them.
const ACTIONS: &str = "github-actions";

/// What the checks say. Names are sorted, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    pub passed: usize,
    pub failed: Vec<String>,
    pub running: Vec<String>,
}

/// Where GitHub is asked, and as whom.
pub struct Place<'a> {
    /// E.g. `https://api.github.com`.
    pub api: &'a str,
    /// `owner/name`.
    pub repository: &'a str,
    /// Kept out of everything shown.
    pub token: &'a str,
}

#[derive(Deserialize)]
struct Runs {
    /// On all pages.
    #[serde(default)]
    total_count: usize,
    check_runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    name: String,
    status: String,
    conclusion: Option<String>,
    /// RFC 3339, UTC.
    started_at: Option<String>,
    app: Option<App>,
}

#[derive(Clone, Deserialize)]
struct App {
    slug: Option<String>,
}

#[derive(Deserialize)]
struct Combined {
    /// On all pages.
    #[serde(default)]
    total_count: usize,
    statuses: Vec<Status>,
}

#[derive(Deserialize)]
struct Status {
    context: String,
    state: String,
}

/// Asks for check runs and for commit statuses, which older services still report. An answer that cannot be had is told
/// as text; only an interruption is an error.
pub fn of_commit(exec: &Executor, place: &Place<'_>, commit: &str) -> anyhow::Result<Result<Checks, String>> {
    exec.learn_secret(place.token);
    let of_runs = |page: Runs| (page.total_count, page.check_runs);
    let runs = match all(exec, place, &format!("commits/{commit}/check-runs"), of_runs)? {
        Ok(runs) => runs,
        Err(problem) => return Ok(Err(problem)),
    };
    let of_statuses = |page: Combined| (page.total_count, page.statuses);
    let statuses = match all(exec, place, &format!("commits/{commit}/status"), of_statuses)? {
        Ok(statuses) => statuses,
        Err(problem) => return Ok(Err(problem)),
    };
    Ok(Ok(summed_up(&runs, &statuses)))
}

/// Everything that a list has, page by page; `parts` takes a page apart into how many there are in all, and its own.
fn all<P: DeserializeOwned, T>(
    exec: &Executor,
    place: &Place<'_>,
    path: &str,
    parts: impl Fn(P) -> (usize, Vec<T>),
) -> anyhow::Result<Result<Vec<T>, String>> {
    let mut found = Vec::new();
    for page in 1..=PAGES_MAX {
        let (total, more) = match ask::<P>(exec, place, &format!("{path}?per_page={PAGE_SIZE}&page={page}"))?
        {
            Ok(answer) => parts(answer),
            Err(problem) => return Ok(Err(problem)),
        };
        let is_last = more.is_empty();
        found.extend(more);
        if found.len() >= total {
            return Ok(Ok(found));
        }
        if is_last {
            break;
        }
    }
    // One of those that are missing may be red.
    Ok(Err(format!("{path} has more at GitHub than the {} that were looked at", found.len())))
}

#[derive(Deserialize)]
struct Comparison {
    status: String,
}

/// Whether a commit is an ancestor of another one, and not the same. An answer that cannot be had is told as text; only
/// an interruption is an error. Source: "Compare two commits" of GitHub's REST documentation.
pub fn is_behind(
    exec: &Executor,
    place: &Place<'_>,
    commit: &str,
    other: &str,
) -> anyhow::Result<Result<bool, String>> {
    exec.learn_secret(place.token);
    // The status alone is wanted, and it is on every page of the commits between the two.
    let path = format!("compare/{other}...{commit}?per_page=1");
    Ok(ask::<Comparison>(exec, place, &path)?.map(|comparison| comparison.status == "behind"))
}

fn ask<T: DeserializeOwned>(
    exec: &Executor,
    place: &Place<'_>,
    path: &str,
) -> anyhow::Result<Result<T, String>> {
    let url = format!("{}/repos/{}/{path}", place.api, place.repository);
    let request = Request::new(Method::Get, url)
        .timeout(LIMIT)
        .header("accept", "application/vnd.github+json")
        .header("authorization", format!("Bearer {}", place.token));
    let shown = request.display();
    match exec.send(&request) {
        Err(error) if matches!(Exit::of(&error), Exit::Interrupted(_)) => Err(error),
        Err(error) => Ok(Err(exec.redact(&format!("{error:#}")))),
        Ok(answer) if answer.status == 200 => Ok(serde_json::from_slice(&answer.body)
            .map_err(|_| format!("{shown} answers with something else than its API promises"))),
        Ok(answer) => Ok(Err(format!("{shown} answers {}", answer.status))),
    }
}

/// Sources: "Check runs" and "Commit statuses" of GitHub's REST documentation. A run that was cancelled, or that nobody
/// has ended, has not passed. Of several runs of the same name the newest counts: a deployment that failed must not
/// keep the same commit from being deployed again. What our own workflows do afterwards does not count at all.
fn summed_up(runs: &[Run], statuses: &[Status]) -> Checks {
    let mut checks = Checks::default();
    let is_newest = |run: &&Run| {
        let newer = |other: &Run| other.name == run.name && other.started_at > run.started_at;
        !runs.iter().any(newer)
    };
    let is_afterwards = |run: &&Run| {
        let who = run.app.as_ref().and_then(|app| app.slug.as_deref());
        who == Some(ACTIONS) && AFTERWARDS.contains(&run.name.as_str())
    };
    let of_runs = runs.iter().filter(is_newest).filter(|run| !is_afterwards(run)).map(|run| {
        let is_over = run.status == "completed";
        (&run.name, is_over.then_some(run.conclusion.as_deref().unwrap_or_default()))
    });
    let of_statuses = statuses
        .iter()
        .map(|status| (&status.context, Some(status.state.as_str()).filter(|state| *state != "pending")));
    for (name, conclusion) in of_runs.chain(of_statuses) {
        match conclusion {
            Some("success" | "neutral" | "skipped") => checks.passed += 1,
            Some(_) => checks.failed.push(name.clone()),
            None => checks.running.push(name.clone()),
        }
    }
    for names in [&mut checks.failed, &mut checks.running] {
        names.sort();
        names.dedup();
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_passed_is_green() {
        let run = |name: &str, status: &str, conclusion: Option<&str>| Run {
            name: name.to_owned(),
            status: status.to_owned(),
            conclusion: conclusion.map(str::to_owned),
            started_at: Some("2026-11-20T10:00:00Z".to_owned()),
            app: None,
        };
        let of_actions = Some(App { slug: Some(ACTIONS.to_owned()) });
        let status =
            |context: &str, state: &str| Status { context: context.to_owned(), state: state.to_owned() };
        let runs = [
            run("test", "completed", Some("success")),
            run("docs", "completed", Some("skipped")),
            run("lint", "completed", Some("failure")),
            run("lint", "completed", Some("timed_out")),
            run("bench", "completed", Some("cancelled")),
            run("deploy", "in_progress", None),
            // Of somebody else, and of our own workflow.
            run("Sum up", "completed", Some("failure")),
            Run { app: of_actions.clone(), ..run("Measure builds", "completed", Some("failure")) },
            Run { app: of_actions, ..run("Gate", "completed", Some("failure")) },
            // An earlier attempt.
            Run {
                started_at: Some("2026-11-20T09:00:00Z".to_owned()),
                ..run("deploy", "completed", Some("failure"))
            },
        ];
        let checks = summed_up(
            &runs,
            &[status("old", "success"), status("older", "error"), status("oldest", "pending")],
        );
        assert_eq!(checks.passed, 3);
        assert_eq!(checks.failed, ["Gate", "Sum up", "bench", "lint", "older"]);
        assert_eq!(checks.running, ["deploy", "oldest"]);
    }
}
