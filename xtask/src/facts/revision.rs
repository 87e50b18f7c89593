//! Which commit the sources are at, and whether they differ from it.
//!
//! Where git is absent or the folder is no checkout, every field is `None`.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::exec::Executor;
use crate::plan::Invocation;

/// The state of the checkout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    pub commit: Option<String>,
    /// When it was committed, in ISO 8601.
    pub commit_time: Option<String>,
    /// Whether tracked or new files differ from the commit.
    pub dirty: Option<bool>,
}

impl Revision {
    /// Asks git. Never takes git's lock, so that it disturbs nobody.
    pub fn probe(exec: &Executor, root: &Path) -> Revision {
        let git = |args: &[&str]| {
            let command = Invocation::new("git", root)
                .args(args.iter().copied())
                .env("GIT_OPTIONAL_LOCKS", "0")
                .timeout(Duration::from_secs(20));
            exec.probe(&command).ok().filter(|answer| answer.success).map(|answer| answer.stdout)
        };
        let Some(status) = git(&["status", "--porcelain"]) else {
            return Revision::default();
        };
        Revision::parse(git(&["log", "-1", "--format=%H %cI"]).as_deref(), &status)
    }

    fn parse(log: Option<&str>, status: &str) -> Revision {
        let (commit, commit_time) = match log.and_then(|line| line.trim().split_once(' ')) {
            Some((commit, time)) => (Some(commit.to_owned()), Some(time.to_owned())),
            None => (None, None),
        };
        Revision { commit, commit_time, dirty: Some(!status.trim().is_empty()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_dirty_and_without_a_commit() {
        let clean = Revision::parse(Some("abc123 2026-01-02T03:04:05+00:00\n"), "");
        assert_eq!(clean.commit.as_deref(), Some("abc123"));
        assert_eq!(clean.commit_time.as_deref(), Some("2026-01-02T03:04:05+00:00"));
        assert_eq!(clean.dirty, Some(false));
        assert_eq!(Revision::parse(None, "?? new\n"), Revision { dirty: Some(true), ..Revision::default() });
    }
}
