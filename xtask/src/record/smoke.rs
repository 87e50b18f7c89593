//! The record of one image that was run and looked at.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{RunResult, path};

/// The name of the file that runs are recorded in.
pub const RUNS: &str = "smoke";

/// One run of `docker smoke`. Values of variables and arguments of the server are not in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SmokeRecord {
    /// The layout of this record.
    pub schema: &'static str,
    pub result: RunResult,
    /// RFC 3339, UTC.
    pub started: String,
    /// The reference as it was given.
    pub image: String,
    /// The engine's id of the image that ran; `None` where it could not be had.
    pub image_id: Option<String>,
    /// The image by digest, e.g. `ghcr.io/owner/app@sha256:…`; `None` where the engine knows none.
    pub digest: Option<String>,
    /// What the image was made for, e.g. `linux/amd64`.
    pub platform: Option<String>,
    /// The engine's version.
    pub engine: Option<String>,
    pub health_path: String,
    /// Every check, run or not.
    pub checks: Vec<CheckRecord>,
    /// From the start of `docker run` to the first good answer at the health path, in seconds.
    pub healthy_seconds: Option<f64>,
    /// From SIGTERM until the container was seen to have ended, in seconds.
    pub stop_seconds: Option<f64>,
    /// Wall-clock seconds of all of it.
    pub seconds: f64,
}

/// The layout of [`SmokeRecord`].
pub const SMOKE_SCHEMA: &str = "xtask.smoke/1";

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRecord {
    /// E.g. `no-baked-port`.
    pub name: String,
    pub verdict: Verdict,
    /// What was found, and what was wanted if that is something else. One line.
    pub detail: String,
}

/// What became of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Ok,
    Failed,
    /// There was nothing to look at, and need not be, or what was seen tells nothing; the detail says why.
    Skipped,
    /// It could not be looked at, because of an earlier failure.
    NotRun,
}

impl SmokeRecord {
    /// The names of the checks that failed.
    pub fn failed(&self) -> Vec<&str> {
        let failed = self.checks.iter().filter(|check| check.verdict == Verdict::Failed);
        failed.map(|check| check.name.as_str()).collect()
    }
}

/// One run on record, as far as others want to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    pub result: RunResult,
    pub started: String,
    /// The names of the checks that failed.
    pub failed: Vec<String>,
}

/// The newest run of an image with this digest (`sha256:…`) that came to a verdict. Lines that cannot be read are
/// left out.
pub fn newest(target_directory: &Path, digest: &str) -> Option<Remembered> {
    #[derive(Deserialize)]
    struct Line {
        schema: String,
        result: RunResult,
        started: String,
        image: String,
        digest: Option<String>,
        checks: Vec<CheckRecord>,
    }
    let text = std::fs::read_to_string(path(target_directory, RUNS)).unwrap_or_default();
    let end = format!("@{digest}");
    let mut lines = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
    let is_of_image =
        |line: &Line| line.image.ends_with(&end) || line.digest.as_ref().is_some_and(|it| it.ends_with(&end));
    let is_verdict = |line: &Line| {
        line.schema == SMOKE_SCHEMA
            && match line.result {
                RunResult::Ok => true,
                // A run without a failed check could not look.
                RunResult::Failed => line.checks.iter().any(|check| check.verdict == Verdict::Failed),
                RunResult::Interrupted => false,
            }
    };
    let newest = lines.rfind(|line| is_of_image(line) && is_verdict(line))?;
    let failed = newest.checks.into_iter().filter(|check| check.verdict == Verdict::Failed);
    Some(Remembered {
        result: newest.result,
        started: newest.started,
        failed: failed.map(|check| check.name).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_verdict_counts() {
        let folder = tempfile::tempdir().unwrap();
        let digest = format!("sha256:{}", "a".repeat(64));
        assert_eq!(newest(folder.path(), &digest), None);
        let check = |verdict| CheckRecord { name: "health".to_owned(), verdict, detail: String::new() };
        let record = |result, verdict, started: &str| SmokeRecord {
            schema: SMOKE_SCHEMA,
            result,
            started: started.to_owned(),
            image: format!("app@{digest}"),
            image_id: None,
            digest: None,
            platform: None,
            engine: None,
            health_path: "/".to_owned(),
            checks: vec![check(verdict)],
            healthy_seconds: None,
            stop_seconds: None,
            seconds: 1.0,
        };
        for (result, verdict, started) in [
            (RunResult::Ok, Verdict::Ok, "1"),
            (RunResult::Failed, Verdict::Failed, "2"),
            // Neither could come to a verdict.
            (RunResult::Failed, Verdict::NotRun, "3"),
            (RunResult::Interrupted, Verdict::Failed, "4"),
        ] {
            super::super::append(folder.path(), RUNS, &record(result, verdict, started)).unwrap();
        }
        let found = newest(folder.path(), &digest).unwrap();
        assert_eq!((found.started.as_str(), found.failed), ("2", vec!["health".to_owned()]));
        assert_eq!(newest(folder.path(), &digest.replace('a', "b")), None);
    }
}
