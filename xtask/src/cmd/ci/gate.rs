//! `cargo xtask ci gate`.

use std::collections::BTreeMap;

use super::Outputs;
use crate::ci::gate::{Job, Standing, standings};
use crate::ci::summary::Summary;
use crate::exit::{Exit, Failure};

/// The variable with the jobs that the gate needs.
const NEEDS: &str = "XTASK_NEEDS";

/// Fails where a job that had to run did not succeed.
pub fn check(summary: &mut Summary) -> anyhow::Result<Outputs> {
    summary.begin("reading the jobs");
    let hint = "in the workflow: `XTASK_NEEDS: ${{ toJSON(needs) }}` in the step's `env`";
    let text = std::env::var(NEEDS).ok().filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| Failure::usage(format!("{NEEDS} is not set")).hint(hint))?;
    let jobs: BTreeMap<String, Job> = serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!("{NEEDS} does not describe the jobs of a workflow: {error}")).hint(hint)
    })?;
    if jobs.is_empty() {
        let message = "the gate needs no job, so there is nothing that could close it";
        return Err(Failure::usage(message).hint("name the jobs in `needs:`").into());
    }
    summary.begin("jobs");
    let standings = standings(&jobs);
    let mut table = "| job | |\n| --- | --- |\n".to_owned();
    let mut closed = Vec::new();
    for (name, standing) in &standings {
        let told = match standing {
            Standing::Passed => "passed",
            Standing::NotNeeded => "not needed",
            Standing::Closed(why) => {
                closed.push(format!("{name} {why}"));
                why
            }
        };
        table.push_str(&format!("| {name} | {told} |\n"));
    }
    summary.add(table);
    if closed.is_empty() {
        return Ok(Outputs::new());
    }
    Err(Failure::new(Exit::CheckFailed, closed.join("; ")).hint("the job's own log says why").into())
}
