//! Runs that are on record, read back whichever command wrote them, as far as reports on several commands want to know.
//!
//! Lines that cannot be read are left out: a run that was killed may have left half of one.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::docker_build::{AfterCook, StageState};
use super::test::TestRun;
use super::{RunResult, Sizes, StepRecord};

/// The commands whose runs are read, in the order of a workflow. The names are those of the files.
pub const COMMANDS: [&str; 6] = ["test", "build", "docker-build", "pack", "smoke", "deploy"];

/// One run. A field that the command's record lacks is `None` or empty.
#[derive(Clone, Debug, Deserialize)]
pub struct KeptRun {
    pub schema: String,
    pub result: RunResult,
    /// RFC 3339.
    pub started: String,
    pub seconds: f64,
    /// The commit of the sources; for a deployment, the revision that the app was told.
    #[serde(default)]
    revision: Value,
    #[serde(default)]
    pub profile: Option<String>,
    #[serde(default)]
    pub steps: Vec<StepRecord>,
    #[serde(default)]
    pub sizes: Vec<Sizes>,
    #[serde(default)]
    pub stages: Vec<KeptStage>,
    #[serde(default)]
    pub after_cook: Option<AfterCook>,
    #[serde(default)]
    pub layers: Vec<KeptLayer>,
    /// Whether an image of the same inputs was there already.
    #[serde(default)]
    pub reused: bool,
    #[serde(default)]
    pub digest: Option<String>,
    #[serde(default)]
    pub reference: Option<String>,
    /// What was looked at or deployed.
    #[serde(default)]
    pub image: Option<String>,
    #[serde(default)]
    pub deployment: Option<String>,
    #[serde(default)]
    pub url: Option<String>,
    #[serde(default)]
    pub already_current: bool,
    #[serde(default)]
    pub detached: bool,
    #[serde(default)]
    pub runs: Vec<TestRun>,
}

/// One instruction of a Dockerfile.
#[derive(Clone, Debug, Deserialize)]
pub struct KeptStage {
    pub instruction: String,
    pub state: StageState,
}

/// One layer of an image.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct KeptLayer {
    /// As it is sent, in bytes.
    pub size: u64,
    pub raw_size: Option<u64>,
}

impl KeptRun {
    /// The commit of the sources, as a full hash; `None` where nobody knew it.
    pub fn commit(&self) -> Option<&str> {
        self.revision.get("commit").unwrap_or(&self.revision).as_str()
    }

    /// Whether the sources were exactly the commit's. A deployment is of nothing else.
    pub fn is_clean(&self) -> bool {
        self.revision.get("dirty").is_none_or(|dirty| dirty == &Value::Bool(false))
    }

    /// How many units cargo compiled, in all halves.
    pub fn compiled(&self) -> usize {
        self.steps.iter().filter_map(|step| step.units.as_ref()).map(|units| units.compiled).sum()
    }
}

/// Whether a folder has records of any of the commands.
pub fn has_records(folder: &Path) -> bool {
    COMMANDS.iter().any(|command| file(folder, command).is_file())
}

/// The runs of a command that are on record in these folders, oldest first.
pub fn runs(folders: &[PathBuf], command: &str) -> Vec<KeptRun> {
    let mut runs: Vec<KeptRun> = folders.iter().flat_map(|folder| in_file(&file(folder, command))).collect();
    // The same moment may be written in two time zones, but all of ours are UTC.
    runs.sort_by(|one, other| one.started.cmp(&other.started));
    runs
}

fn file(folder: &Path, command: &str) -> PathBuf {
    folder.join(format!("{command}.jsonl"))
}

fn in_file(path: &Path) -> Vec<KeptRun> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let runs = text.lines().filter_map(|line| serde_json::from_str::<KeptRun>(line).ok());
    runs.filter(|run| run.schema.starts_with("xtask.")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_of_every_kind_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, lines: &[String]| {
            std::fs::write(folder.path().join(format!("{name}.jsonl")), lines.join("\n")).unwrap();
        };
        let line = |started: &str, more: Value| {
            let mut line = json!({"schema": "xtask.x/1", "result": "ok", "started": started, "seconds": 1.5});
            line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            line.to_string()
        };
        let step = json!({"name": "compile", "state": "ran", "seconds": 1.0, "cpu_seconds": null, "detail": "",
                          "units": {"fresh": 1, "compiled": 2, "compiled_packages": ["a"]}});
        let build = json!({"revision": {"commit": "abc", "dirty": true}, "steps": [step, step],
                           "host": {"os": "linux"}});
        write("build", &[line("2", build), "half a li".to_owned(), line("1", json!({}))]);
        write("deploy", &[line("3", json!({"revision": "def", "image": null, "detached": true}))]);

        let folders = [folder.path().to_owned(), folder.path().join("none")];
        let builds = runs(&folders, "build");
        assert_eq!(builds.iter().map(|run| run.started.as_str()).collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!((builds[0].commit(), builds[0].is_clean(), builds[0].compiled()), (None, true, 0));
        assert_eq!((builds[1].commit(), builds[1].is_clean(), builds[1].compiled()), (Some("abc"), false, 4));
        let deployed = runs(&folders, "deploy");
        assert_eq!((deployed[0].commit(), deployed[0].detached), (Some("def"), true));
        assert!(runs(&folders, "pack").is_empty());
    }
}
