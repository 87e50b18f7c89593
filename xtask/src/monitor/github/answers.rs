//! GitHub's answers, with the fields that are used, as its REST documentation has them. Everything that GitHub may
//! leave out or set to null is optional: one odd run must not hide all others.

use serde::Deserialize;

use crate::monitor::time;
use crate::record::monitor::Outcome;

/// `GET /repos/{owner}/{repo}`.
#[derive(Clone, Debug, Deserialize)]
pub struct Repository {
    pub full_name: String,
    pub private: bool,
    pub default_branch: String,
}

/// `GET /repos/{owner}/{repo}/actions/runs`.
#[derive(Clone, Debug, Deserialize)]
pub struct RunsPage {
    pub total_count: u64,
    pub workflow_runs: Vec<Run>,
}

/// One run of a workflow: its last attempt.
#[derive(Clone, Debug, Deserialize)]
pub struct Run {
    pub id: u64,
    /// The workflow's name; null where the file has none and GitHub has not filled in its path.
    pub name: Option<String>,
    /// The workflow's file, e.g. `.github/workflows/ci.yml`.
    #[serde(default)]
    pub path: Option<String>,
    #[serde(default)]
    pub run_number: Option<u64>,
    #[serde(default)]
    pub run_attempt: Option<u64>,
    pub event: String,
    pub status: Option<String>,
    pub conclusion: Option<String>,
    pub head_branch: Option<String>,
    pub head_sha: String,
    #[serde(default)]
    pub html_url: Option<String>,
    pub created_at: String,
    /// When this attempt began.
    #[serde(default)]
    pub run_started_at: Option<String>,
    pub updated_at: String,
}

/// `GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs`.
#[derive(Clone, Debug, Deserialize)]
pub struct JobsPage {
    pub total_count: u64,
    pub jobs: Vec<Job>,
}

/// One job of a run.
#[derive(Clone, Debug, Deserialize)]
pub struct Job {
    pub name: String,
    pub status: String,
    pub conclusion: Option<String>,
    pub started_at: Option<String>,
    pub completed_at: Option<String>,
    /// What the job asked for (`runs-on`).
    #[serde(default)]
    pub labels: Vec<String>,
    #[serde(default)]
    pub steps: Option<Vec<Step>>,
}

/// One step of a job.
#[derive(Clone, Debug, Deserialize)]
pub struct Step {
    pub name: String,
    pub conclusion: Option<String>,
    #[serde(default)]
    pub started_at: Option<String>,
    #[serde(default)]
    pub completed_at: Option<String>,
}

/// `GET /repos/{owner}/{repo}/actions/cache/usage`.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct CacheUsage {
    pub active_caches_size_in_bytes: u64,
    pub active_caches_count: u64,
}

/// `GET /repos/{owner}/{repo}/actions/caches`.
#[derive(Clone, Debug, Deserialize)]
pub struct CachesPage {
    pub total_count: u64,
    pub actions_caches: Vec<Cache>,
}

/// One cache.
#[derive(Clone, Debug, Deserialize)]
pub struct Cache {
    pub key: Option<String>,
    #[serde(rename = "ref")]
    pub git_ref: Option<String>,
    pub size_in_bytes: Option<u64>,
    pub created_at: Option<String>,
    pub last_accessed_at: Option<String>,
}

/// One of `GET /{orgs|users}/{owner}/packages/container/{name}/versions`.
#[derive(Clone, Debug, Deserialize)]
pub struct PackageVersion {
    /// The digest of the manifest.
    pub name: String,
    pub created_at: String,
    #[serde(default)]
    pub metadata: Option<PackageMetadata>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct PackageMetadata {
    #[serde(default)]
    pub container: Option<PackageContainer>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct PackageContainer {
    #[serde(default)]
    pub tags: Vec<String>,
}

impl PackageVersion {
    pub fn tags(&self) -> &[String] {
        let container = self.metadata.as_ref().and_then(|metadata| metadata.container.as_ref());
        container.map_or(&[], |container| &container.tags)
    }
}

impl Run {
    /// As people name the workflow.
    pub fn workflow(&self) -> String {
        let file = || self.path.as_deref()?.rsplit('/').next();
        let name = self.name.as_deref().filter(|name| !name.trim().is_empty());
        name.or_else(file).unwrap_or("a workflow without a name").to_owned()
    }

    pub fn outcome(&self) -> Outcome {
        outcome(self.status.as_deref().unwrap_or_default(), self.conclusion.as_deref())
    }

    /// When this attempt began.
    pub fn started(&self) -> &str {
        self.run_started_at.as_deref().unwrap_or(&self.created_at)
    }

    /// From the beginning of the last attempt to the end of its last job; where the jobs are not known, to the last
    /// change of the run, which for a finished one is its end. Waiting for runners and approvals is in it.
    pub fn seconds(&self, jobs: Option<&[Job]>) -> Option<f64> {
        if self.outcome() == Outcome::Running {
            return None;
        }
        let ends = jobs.unwrap_or_default().iter().filter_map(|job| job.completed_at.as_deref());
        let last = ends.filter_map(|end| Some((time::parse(end)?, end))).max().map(|(_, end)| end);
        time::between(Some(self.started()), last)
            .or_else(|| time::between(Some(self.started()), Some(&self.updated_at)))
    }

    /// E.g. `#41 main abc1234`, and which attempt, where it is not the first.
    pub fn label(&self) -> String {
        let number = self.run_number.map(|number| format!("#{number}"));
        let commit: String = self.head_sha.chars().take(7).collect();
        let attempt =
            self.run_attempt.filter(|attempt| *attempt > 1).map(|attempt| format!("attempt {attempt}"));
        let words = [number, self.head_branch.clone(), Some(commit), attempt];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// Whether it tells how the default branch is.
    pub fn is_main(&self, default_branch: &str) -> bool {
        self.head_branch.as_deref() == Some(default_branch) && !self.event.starts_with("pull_request")
    }
}

impl Job {
    pub fn outcome(&self) -> Outcome {
        outcome(&self.status, self.conclusion.as_deref())
    }

    /// Whether it is a deployment: by its name where that is known, else by the word in it.
    pub fn deploys(&self, named: Option<&str>) -> bool {
        match named {
            Some(name) => self.name == name,
            None => self.name.to_lowercase().contains("deploy"),
        }
    }

    /// Whether there was nothing to do for it.
    pub fn is_skipped(&self) -> bool {
        self.conclusion.as_deref() == Some("skipped")
    }

    /// What it ran for; `None` where it did not.
    pub fn seconds(&self) -> Option<f64> {
        if self.is_skipped() {
            return None;
        }
        time::between(self.started_at.as_deref(), self.completed_at.as_deref())
    }
}

impl Step {
    /// What it took, where it succeeded.
    pub fn seconds(&self) -> Option<f64> {
        let is_good = self.conclusion.as_deref() == Some("success");
        is_good.then(|| time::between(self.started_at.as_deref(), self.completed_at.as_deref())).flatten()
    }
}

/// Sources: `status` and `conclusion` of "Workflow runs" and "Workflow jobs" of GitHub's REST documentation. A run that
/// waits for an approval is not over; one that was replaced or skipped is neither good nor bad.
fn outcome(status: &str, conclusion: Option<&str>) -> Outcome {
    match (status, conclusion) {
        ("completed", Some("success" | "neutral")) => Outcome::Ok,
        ("completed", Some("failure" | "timed_out" | "startup_failure")) => Outcome::Failed,
        ("completed", Some("action_required")) => Outcome::Running,
        ("completed", _) => Outcome::Cancelled,
        _ => Outcome::Running,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(change: serde_json::Value) -> Run {
        let mut run = json!({
            "id": 1, "name": "CI", "path": ".github/workflows/ci.yml", "run_number": 41, "run_attempt": 1,
            "event": "push", "status": "completed", "conclusion": "success", "head_branch": "main",
            "head_sha": "0123456789abcdef0123456789abcdef01234567", "created_at": "2026-11-20T10:00:00Z",
            "run_started_at": "2026-11-20T10:00:05Z", "updated_at": "2026-11-20T10:05:05Z",
        });
        for (key, value) in change.as_object().unwrap() {
            run[key] = value.clone();
        }
        serde_json::from_value(run).unwrap()
    }

    #[test]
    fn how_a_run_ended() {
        let of = |status: &str, conclusion: Option<&str>| outcome(status, conclusion);
        assert_eq!(of("completed", Some("success")), Outcome::Ok);
        assert_eq!(of("completed", Some("timed_out")), Outcome::Failed);
        assert_eq!(of("completed", Some("cancelled")), Outcome::Cancelled);
        assert_eq!(of("completed", Some("skipped")), Outcome::Cancelled);
        assert_eq!(of("completed", Some("something new")), Outcome::Cancelled);
        assert_eq!(of("completed", None), Outcome::Cancelled);
        assert_eq!(of("in_progress", None), Outcome::Running);
        assert_eq!(of("waiting", None), Outcome::Running);
    }

    #[test]
    fn names_and_times() {
        let plain = run(json!({}));
        assert_eq!((plain.workflow().as_str(), plain.label().as_str()), ("CI", "#41 main 0123456"));
        assert_eq!(plain.seconds(None), Some(300.0));
        let job: Job = serde_json::from_value(json!({
            "name": "test", "status": "completed", "conclusion": "success",
            "started_at": "2026-11-20T10:00:10Z", "completed_at": "2026-11-20T10:04:00Z",
        }))
        .unwrap();
        assert_eq!(plain.seconds(Some(&[job])), Some(235.0));
        let odd = run(json!({"name": null, "run_attempt": 2, "head_branch": null, "run_number": null}));
        assert_eq!((odd.workflow().as_str(), odd.label().as_str()), ("ci.yml", "0123456 attempt 2"));
        assert_eq!(run(json!({"status": "in_progress", "conclusion": null})).seconds(None), None);
        assert!(plain.is_main("main") && !plain.is_main("trunk"));
        assert!(!run(json!({"event": "pull_request"})).is_main("main"));
    }
}
