//! The one check that a branch rule asks for: whether every job that had to run has succeeded. Pure.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A job that the gate needs, as `toJSON(needs)` has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Job {
    /// `success`, `failure`, `cancelled` or `skipped`.
    pub result: String,
    #[serde(default)]
    pub outputs: BTreeMap<String, String>,
}

/// What a job's end means for the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Passed,
    /// It was skipped, as it was meant to be.
    NotNeeded,
    /// Why the gate stays closed.
    Closed(String),
}

/// Each job by name. An output `image` of any of them says whether the job `image` has to run: `true` or `false`.
///
/// GitHub counts a skipped job as passed, also where it was skipped because the one before it failed. So a job that was
/// skipped passes only where somebody said that it need not run: a job that was renamed, or whose output got lost, has
/// nobody who says so.
pub fn standings(jobs: &BTreeMap<String, Job>) -> BTreeMap<String, Standing> {
    let says = |name: &str, wanted: &str| {
        jobs.values().any(|job| job.outputs.get(name).is_some_and(|value| value == wanted))
    };
    let standing = |name: &str, job: &Job| match job.result.as_str() {
        "success" => Standing::Passed,
        "skipped" if says(name, "true") => Standing::Closed("was skipped, but has to run".to_owned()),
        "skipped" if says(name, "false") => Standing::NotNeeded,
        "skipped" => Standing::Closed("was skipped, and nothing says that it need not run".to_owned()),
        "failure" => Standing::Closed("failed".to_owned()),
        "cancelled" => Standing::Closed("was cancelled".to_owned()),
        other => Standing::Closed(format!("ended as `{other}`, which nobody has heard of")),
    };
    jobs.iter().map(|(name, job)| (name.clone(), standing(name, job))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(json: &str) -> Vec<String> {
        let jobs: BTreeMap<String, Job> = serde_json::from_str(json).unwrap();
        let closed = standings(&jobs).into_iter().filter_map(|(name, standing)| match standing {
            Standing::Closed(why) => Some(format!("{name} {why}")),
            _ => None,
        });
        closed.collect()
    }

    #[test]
    fn only_what_need_not_run_may_be_skipped() {
        let jobs = |outputs: &str, checks: &str, image: &str| {
            format!(
                r#"{{"changes": {{"result": "success", "outputs": {outputs}}}, "checks": {{"result": "{checks}"}},
                     "image": {{"result": "{image}", "outputs": {{}}}}}}"#
            )
        };
        let both = r#"{"checks": "true", "image": "true"}"#;
        let none = r#"{"checks": "false", "image": "false"}"#;
        assert!(closed(&jobs(both, "success", "success")).is_empty());
        assert!(closed(&jobs(none, "skipped", "skipped")).is_empty());
        // Its output was lost, or it has another name than its output.
        for outputs in
            ["{}", r#"{"checks": "false", "images": "false"}"#, r#"{"checks": "false", "image": ""}"#]
        {
            assert_eq!(
                closed(&jobs(outputs, "success", "skipped")),
                ["image was skipped, and nothing says that it need not run"],
                "{outputs}"
            );
        }
        assert_eq!(
            closed(&jobs(both, "failure", "skipped")),
            ["checks failed", "image was skipped, but has to run"]
        );
        assert_eq!(closed(&jobs(none, "cancelled", "success")), ["checks was cancelled"]);
        assert_eq!(
            closed(&jobs(none, "success", "neutral")),
            ["image ended as `neutral`, which nobody has heard of"]
        );
        let failed = r#"{"changes": {"result": "failure"}, "checks": {"result": "skipped"}}"#;
        assert_eq!(
            closed(failed),
            ["changes failed", "checks was skipped, and nothing says that it need not run"]
        );
    }
}
