//! Tells a webhook how a deployment has ended, if the environment names one. Whatever goes wrong here is said, and
//! changes nothing else.

use crate::cmd::webhook;
use crate::config::notify::Webhook;
use crate::exec::Executor;
use crate::record::RunResult;
use crate::record::deploy::DeployRecord;
use crate::report::notification;

/// Tells of success and failure: once, and not where nothing has happened, or where somebody at the terminal has
/// stopped it.
pub fn tell(exec: &Executor, record: &DeployRecord) {
    if record.already_current || record.result == RunResult::Interrupted {
        return;
    }
    let webhook = match Webhook::from_environment() {
        Ok(Some(webhook)) => webhook,
        Ok(None) => return,
        Err(error) => return exec.ui().note(format!("nobody was told: {error:#}")),
    };
    let body = notification::body(record, webhook::kind(&webhook));
    if let Err(problem) = webhook::send(exec, &webhook, &body) {
        exec.ui().note(format!("nobody was told: {problem}"));
    }
}
