//! What GitHub knows of the repository's runs, caches and packages, asked within a bound and told honestly: what
//! could not be had is a note, and only the list of runs cannot be done without.

pub mod answers;
mod client;
mod jobs;
pub mod whom;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::time;
use crate::config::github::GitHubApi;
use crate::exec::Executor;
use crate::github::encoded;
use answers::{Cache, CacheUsage, CachesPage, Job, PackageVersion, Repository, Run, RunsPage};
use client::{Client, Refusal};

/// The most that the API gives at once.
const PAGE: usize = 100;
/// GitHub shows no more than 1000 runs of one question ("List workflow runs for a repository").
pub const RUNS_MAX: usize = 1000;
/// So many caches are looked at; the sum of all comes from GitHub itself.
const CACHE_PAGES_MAX: usize = 5;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Question<'q> {
    /// `owner/name`.
    pub repository: &'q str,
    pub since: DateTime<Utc>,
    pub branch: Option<&'q str>,
    /// How many runs, the newest.
    pub limit: usize,
    /// Of how many of them the jobs too: a request each.
    pub jobs: usize,
    /// The name of the job that deploys, where it is not told by the word "deploy" in it.
    pub deploy_job: Option<&'q str>,
    /// The name of the package with the images within its owner's, where it is GitHub's: `owner` and `name`.
    pub package: Option<(&'q str, &'q str)>,
}

/// What GitHub knows.
#[derive(Clone, Debug)]
pub struct Known {
    pub repository: Repository,
    /// The newest first.
    pub runs: Vec<Run>,
    /// How many there are in all since then.
    pub total: u64,
    /// By run, where they were asked for.
    pub jobs: BTreeMap<u64, Vec<Job>>,
    pub cache_usage: Option<CacheUsage>,
    pub caches: Option<Vec<Cache>>,
    /// The newest first.
    pub versions: Option<Vec<PackageVersion>>,
    pub notes: Vec<String>,
}

impl Known {
    /// The jobs of a run, where they are known.
    pub fn jobs(&self, run: &Run) -> Option<&[Job]> {
        self.jobs.get(&run.id).map(Vec::as_slice)
    }
}

/// Asks. At most `3 + limit / 100 + jobs` requests and a few for caches and packages; with `jobs` at 60, about 70.
///
/// # Errors
/// Where repository or runs cannot be had, and where it is interrupted.
pub fn ask(exec: &Executor, github: &GitHubApi, question: &Question<'_>) -> anyhow::Result<Known> {
    let client = Client::new(exec, github);
    exec.ui().status("Asking", format!("GitHub about {}", question.repository));
    let base = format!("/repos/{}", question.repository);
    let repository: Repository = client.get(&base)?;
    let mut notes = Vec::new();
    let (runs, total) = runs(&client, &base, question, &mut notes)?;
    let jobs = jobs::jobs(exec, &client, &base, &runs, question, &mut notes)?;
    let cache_usage =
        optional(exec, client.get(&format!("{base}/actions/cache/usage")), "caches", &mut notes)?;
    let caches = match cache_usage {
        Some(_) => optional(exec, caches(&client, &base), "single caches", &mut notes)?,
        None => None,
    };
    let versions = match question.package {
        Some((owner, name)) => optional(exec, versions(&client, owner, name), "images", &mut notes)?,
        None => None,
    };
    exec.ui().note(format!("{} requests to GitHub", client.sent()));
    Ok(Known { repository, runs, total, jobs, cache_usage, caches, versions, notes })
}

/// The value, or a note why it is not known.
fn optional<T>(
    exec: &Executor,
    result: Result<T, Refusal>,
    what: &str,
    notes: &mut Vec<String>,
) -> anyhow::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(refusal) => {
            notes.push(format!("{what}: not known: {}", refusal.told(exec)?));
            Ok(None)
        }
    }
}

fn runs(
    client: &Client<'_>,
    base: &str,
    question: &Question<'_>,
    notes: &mut Vec<String>,
) -> Result<(Vec<Run>, u64), Refusal> {
    let since = time::format(question.since);
    let branch = question.branch.map(|branch| format!("&branch={}", encoded(branch))).unwrap_or_default();
    let limit = question.limit.min(RUNS_MAX);
    let mut runs: Vec<Run> = Vec::new();
    let mut total = 0;
    for page in 1..=limit.div_ceil(PAGE) {
        let path = format!(
            "{base}/actions/runs?per_page={PAGE}&page={page}&exclude_pull_requests=true&created={}{branch}",
            encoded(&format!(">={since}"))
        );
        let found: RunsPage = client.get(&path)?;
        total = total.max(found.total_count);
        // A page may have fewer than it could.
        let is_empty = found.workflow_runs.is_empty();
        // A run that begins between two questions moves all others down by one.
        for run in found.workflow_runs {
            if !runs.iter().any(|known| known.id == run.id) {
                runs.push(run);
            }
        }
        if is_empty || runs.len() as u64 >= total {
            break;
        }
    }
    // GitHub's order is not promised anywhere.
    runs.sort_by(|a, b| b.created_at.cmp(&a.created_at).then(b.id.cmp(&a.id)));
    runs.truncate(limit);
    let count = runs.len();
    match count as u64 {
        all if all >= total => {}
        _ if count == limit => {
            notes.push(format!("the newest {count} of {total} runs since {since}; --limit takes more"));
        }
        _ => notes.push(format!("GitHub gave {count} of {total} runs since {since}")),
    }
    Ok((runs, total))
}

/// The largest first, so that what is left out is small.
fn caches(client: &Client<'_>, base: &str) -> Result<Vec<Cache>, Refusal> {
    let mut caches = Vec::new();
    for page in 1..=CACHE_PAGES_MAX {
        let path =
            format!("{base}/actions/caches?per_page={PAGE}&page={page}&sort=size_in_bytes&direction=desc");
        let found: CachesPage = client.get(&path)?;
        let is_last = found.actions_caches.is_empty() || (page * PAGE) as u64 >= found.total_count;
        caches.extend(found.actions_caches);
        if is_last {
            break;
        }
    }
    Ok(caches)
}

/// The newest page of them. An owner may be an organisation or a person, which the API keeps apart.
fn versions(client: &Client<'_>, owner: &str, name: &str) -> Result<Vec<PackageVersion>, Refusal> {
    let name = encoded(name);
    let ask = |kind: &str| {
        client
            .get(&format!("/{kind}/{owner}/packages/container/{name}/versions?state=active&per_page={PAGE}"))
    };
    let found: Result<Vec<PackageVersion>, Refusal> = match ask("orgs") {
        Err(Refusal::Other(Some(404), _)) => ask("users"),
        other => other,
    };
    let mut versions = found?;
    versions.sort_by(|a, b| b.created_at.cmp(&a.created_at));
    Ok(versions)
}
