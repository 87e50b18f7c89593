//! Tells a webhook how a deployment has ended, if the environment names one. Whatever goes wrong here is said, and
//! changes nothing else.

use std::time::Duration;

use crate::config::notify::{Format, Webhook};
use crate::exec::{Executor, Method, Request};
use crate::record::RunResult;
use crate::record::deploy::DeployRecord;
use crate::report::notification::{self, Kind};

/// The longest that the other side is waited for.
const LIMIT: Duration = Duration::from_secs(5);

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
    if let Err(problem) = send(exec, &webhook, record) {
        exec.ui().note(format!("nobody was told: {problem}"));
    }
}

fn send(exec: &Executor, webhook: &Webhook, record: &DeployRecord) -> Result<(), String> {
    // Messages leave the query out, so both spellings are secrets.
    exec.learn_secret(&webhook.url);
    exec.learn_secret(webhook.url.split('?').next().unwrap_or_default());
    let kind = match webhook.format {
        Format::Slack => Kind::Slack,
        Format::Discord => Kind::Discord,
        Format::Plain => Kind::Plain,
    };
    let body = exec.redact(&notification::body(record, kind).to_string());
    let request = Request::new(Method::Post, &webhook.url)
        .timeout(LIMIT)
        .header("content-type", "application/json")
        .body(body.into_bytes());
    match exec.send(&request) {
        Ok(answer) if answer.status < 300 => Ok(()),
        Ok(answer) => Err(format!("the webhook answers {}", answer.status)),
        Err(error) => Err(exec.redact(&format!("{error:#}"))),
    }
}
