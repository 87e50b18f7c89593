//! Whose jobs are asked for. It is a request a run, so not every run may have its turn; and what is deployed is known
//! by jobs alone, so the runs of workflows that deploy come before all others.

use std::collections::{BTreeMap, BTreeSet};

use super::answers::{Job, JobsPage, Run};
use super::client::{Client, Refusal};
use super::{PAGE, Question};
use crate::exec::Executor;
use crate::record::monitor::Outcome;

/// No workflow of ours has more jobs.
const PAGES_MAX: usize = 3;

/// Jobs by the run.
type Jobs = BTreeMap<u64, Vec<Job>>;

/// Of runs that are over; `runs` has the newest first. What is over does not change, and what still runs has no times
/// yet.
///
/// # Errors
/// Only where it is interrupted: what cannot be had is a note.
pub fn jobs(
    exec: &Executor,
    client: &Client<'_>,
    base: &str,
    runs: &[Run],
    question: &Question<'_>,
    notes: &mut Vec<String>,
) -> anyhow::Result<Jobs> {
    let over: Vec<&Run> = runs.iter().filter(|run| run.outcome() != Outcome::Running).collect();
    let wanted = over.len().min(question.jobs);
    let (newest, others) = newest_of_each(&over);
    let mut known = Jobs::new();
    let first = ask(client, base, &newest[..newest.len().min(wanted)], &mut known);
    let deploying = deploying(&newest, &known, question.deploy_job);
    let is_deploying = |run: &&Run| deploying.contains(&run.workflow());
    let (before, after): (Vec<&Run>, Vec<&Run>) = others.into_iter().partition(is_deploying);
    let left = wanted.saturating_sub(newest.len());
    let rest: Vec<&Run> = before.into_iter().chain(after).take(left).collect();
    let asked = first.and_then(|()| ask(client, base, &rest, &mut known));
    if let Err(refusal) = asked {
        let told = refusal.told(exec)?;
        notes.push(format!("the jobs of {} of {wanted} runs are not known: {told}", wanted - known.len()));
    }
    if wanted < over.len() && wanted > 0 {
        let deploying: Vec<&&Run> = over.iter().filter(|run| is_deploying(run)).collect();
        let looked_at = deploying.iter().filter(|run| known.contains_key(&run.id)).count();
        let deployments = match deploying.len() {
            0 => String::new(),
            all => format!(", deployments of {looked_at} of the {all} runs of workflows that deploy"),
        };
        notes.push(format!(
            "jobs and steps are of {} of {} runs{deployments}; --jobs takes more",
            known.len(),
            over.len()
        ));
    }
    Ok(known)
}

/// The newest run of each workflow, and all others, both in their order.
fn newest_of_each<'r>(runs: &[&'r Run]) -> (Vec<&'r Run>, Vec<&'r Run>) {
    let mut seen = BTreeSet::new();
    runs.iter().copied().partition(|run| seen.insert(run.workflow()))
}

/// The workflows whose newest run has a job that deploys. One that was skipped is in GitHub's list too.
fn deploying(newest: &[&Run], known: &Jobs, deploy_job: Option<&str>) -> BTreeSet<String> {
    let has_one = |run: &&&Run| {
        let jobs = known.get(&run.id).map(Vec::as_slice).unwrap_or_default();
        jobs.iter().any(|job| job.deploys(deploy_job))
    };
    newest.iter().filter(has_one).map(|run| run.workflow()).collect()
}

/// One after the other, until GitHub refuses.
fn ask(client: &Client<'_>, base: &str, runs: &[&Run], known: &mut Jobs) -> Result<(), Refusal> {
    for run in runs {
        match jobs_of(client, base, run.id) {
            Ok(jobs) => {
                known.insert(run.id, jobs);
            }
            // A run may be deleted while we ask.
            Err(Refusal::Other(Some(404), _)) => {}
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(())
}

fn jobs_of(client: &Client<'_>, base: &str, run: u64) -> Result<Vec<Job>, Refusal> {
    let mut jobs = Vec::new();
    for page in 1..=PAGES_MAX {
        let path = format!("{base}/actions/runs/{run}/jobs?filter=latest&per_page={PAGE}&page={page}");
        let found: JobsPage = client.get(&path)?;
        let is_last = found.jobs.is_empty() || (page * PAGE) as u64 >= found.total_count;
        jobs.extend(found.jobs);
        if is_last {
            break;
        }
    }
    Ok(jobs)
}
