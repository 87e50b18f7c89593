//! A job of GitHub Actions around a workspace: its variables, the payload of its event, and the files of a step.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::Workspace;

/// The commit of every job.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

pub struct Job {
    folder: tempfile::TempDir,
}

impl Job {
    /// From now on the workspace's commands run in such a job, of a repository whose default branch is `main`.
    pub fn start(workspace: &mut Workspace, event: &str, git_ref: &str) -> Job {
        let job = Job { folder: tempfile::tempdir().unwrap() };
        job.payload(json!({"ref": git_ref}));
        for (name, value) in [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", event),
            ("GITHUB_REF", git_ref),
            ("GITHUB_SHA", COMMIT),
            ("GITHUB_REPOSITORY", "Octo-Org/Fixture"),
            ("GITHUB_SERVER_URL", "https://github.com"),
        ] {
            workspace.set(name, value);
        }
        for (name, file) in [
            ("GITHUB_EVENT_PATH", "event.json"),
            ("GITHUB_OUTPUT", "output"),
            ("GITHUB_STEP_SUMMARY", "summary"),
        ] {
            // GitHub has made the files.
            if file != "event.json" {
                fs::write(job.file(file), "").unwrap();
            }
            workspace.set(name, job.file(file).display().to_string());
        }
        job
    }

    /// What the event is about, beside the repository where it does not say which.
    pub fn payload(&self, mut payload: Value) {
        if payload["repository"].is_null() {
            payload["repository"] = json!({"default_branch": "main", "private": true});
        }
        fs::write(self.file("event.json"), payload.to_string()).unwrap();
    }

    /// A push that GitHub received at this time, in seconds since 1970.
    pub fn payload_of_push(&self, pushed_at: i64) {
        let repository = json!({"default_branch": "main", "private": true, "pushed_at": pushed_at});
        fs::write(self.file("event.json"), json!({"repository": repository}).to_string()).unwrap();
    }

    /// The step's outputs so far, as they are written.
    pub fn outputs(&self) -> String {
        fs::read_to_string(self.file("output")).unwrap()
    }

    /// One output, of one line, as a later step or job gets it.
    pub fn output(&self, name: &str) -> String {
        let outputs = self.outputs();
        let line = outputs.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_else(|| panic!("no `{name}` in {outputs}")).to_owned()
    }

    /// The step's summary so far.
    pub fn summary(&self) -> String {
        fs::read_to_string(self.file("summary")).unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
