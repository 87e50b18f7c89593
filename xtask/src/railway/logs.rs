//! The log of a deployment, as people may see it: the last lines in their order, without secrets, and no longer than
//! can be read.

use chrono::{DateTime, Utc};

use super::deployment::Deployment;
use super::deployment_queries::{GetBuildLogs, GetLogs, Log};
use super::state::Remote;
use super::status::name_of;
use crate::exec::without_escapes;
use crate::exit::Exit;
use crate::record::deployments::{DeploymentLog, LOG_SCHEMA, LogLine};

/// How much of one line is shown, in characters.
const LINE_MAX: usize = 4000;

impl Remote<'_> {
    /// The last lines of a deployment's log, or of its build's; `count` is how many Railway is asked for. What is
    /// secret has to be known before: [`Remote::learn_variables_of`].
    pub fn log(&self, deployment: &Deployment, is_build: bool, count: u32) -> anyhow::Result<DeploymentLog> {
        let id = &deployment.id;
        let logs = match is_build {
            true => self.client.query(&GetBuildLogs { deployment_id: id, limit: count })?.build_logs,
            false => self.client.query(&GetLogs { deployment_id: id, limit: count })?.deployment_logs,
        };
        Ok(DeploymentLog {
            schema: LOG_SCHEMA,
            service: name_of(self.target),
            deployment: id.clone(),
            status: deployment.status.to_string(),
            is_build,
            lines: self.lines(logs, count as usize),
        })
    }

    /// The last `count` lines, oldest first. Railway does not say in which order it gives them, nor which end its limit
    /// counts from. Empty ones are left out.
    pub fn lines(&self, mut logs: Vec<Log>, count: usize) -> Vec<LogLine> {
        logs.sort_by_cached_key(|log| time_of(&log.timestamp));
        let lines = logs.into_iter().map(|log| LogLine {
            time: self.shown(&log.timestamp),
            severity: log.severity.map(|severity| self.shown(&severity)),
            text: self.shown(&log.message),
        });
        let mut lines: Vec<LogLine> = lines.filter(|line| !line.text.is_empty()).collect();
        lines.split_off(lines.len().saturating_sub(count))
    }

    /// What has to be kept out of everything shown before a log of this deployment is: the values of the service's
    /// variables as they are now, and as the deployment got them. Without the former nothing may be shown.
    pub fn learn_variables_of(&self, deployment: &Deployment) -> anyhow::Result<()> {
        self.variables()?;
        match self.snapshot(&deployment.id) {
            Err(error) if matches!(Exit::of(&error), Exit::Interrupted(_)) => Err(error),
            _ => Ok(()),
        }
    }

    /// Somebody else's words in our message: without secrets, on one line, without what a terminal would obey.
    pub fn shown(&self, text: &str) -> String {
        let text = without_escapes(&self.exec.redact(text));
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let text = text.trim();
        match text.char_indices().nth(LINE_MAX) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.to_owned(),
        }
    }
}

/// As a time: texts with more and fewer digits of a second do not sort as what they mean. What is no time comes first.
fn time_of(timestamp: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(timestamp).ok().map(|time| time.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_not_texts() {
        let mut times = ["2026-11-20T10:00:01.5Z", "2026-11-20T10:00:01Z", "x", "2026-11-20T10:00:01.25Z"];
        times.sort_by_key(|time| time_of(time));
        assert_eq!(times, ["x", "2026-11-20T10:00:01Z", "2026-11-20T10:00:01.25Z", "2026-11-20T10:00:01.5Z"]);
    }
}
