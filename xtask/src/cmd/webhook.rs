//! Tells a webhook something, if the environment names one. Whatever goes wrong here is for whoever tells to say, and
//! changes nothing else.

use std::time::Duration;

use serde_json::Value;

use crate::config::notify::{Format, Webhook};
use crate::exec::{Executor, Method, Request};
use crate::report::notification::Kind;

/// The longest that the other side is waited for.
const LIMIT: Duration = Duration::from_secs(5);

/// What is understood there.
pub fn kind(webhook: &Webhook) -> Kind {
    match webhook.format {
        Format::Slack => Kind::Slack,
        Format::Discord => Kind::Discord,
        Format::Plain => Kind::Plain,
    }
}

/// Sends a body, without any secret. The error never shows the address.
pub fn send(exec: &Executor, webhook: &Webhook, body: &Value) -> Result<(), String> {
    // Messages leave the query out, so both spellings are secrets.
    exec.learn_secret(&webhook.url);
    exec.learn_secret(webhook.url.split('?').next().unwrap_or_default());
    let body = exec.redact(&body.to_string());
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
