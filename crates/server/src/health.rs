//! The two health answers: one that costs nothing, and one that looks at every part.

use serde_json::{Value, json};
use usdfc_core::format;

use crate::site::Site;
use crate::terminal::Terminal;

/// For the platform that runs the server. It depends on nothing that can fail.
pub fn brief(terminal: &Terminal) -> Value {
    json!({
        "status": "pass",
        "version": env!("CARGO_PKG_VERSION"),
        "revision": terminal.settings.revision,
        "uptime_secs": terminal.uptime().as_secs(),
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Status {
    Pass,
    Warn,
    Fail,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

struct Check {
    name: &'static str,
    kind: &'static str,
    status: Status,
    latency_ms: Option<u64>,
    last_success: Option<u64>,
    output: Option<String>,
}

impl Check {
    fn to_json(&self) -> Value {
        json!({
            "componentType": self.kind,
            "status": self.status.name(),
            "observedValue": self.latency_ms,
            "observedUnit": "ms",
            "lastSuccess": self.last_success.map(format::rfc3339),
            "output": self.output,
        })
    }
}

/// For people: one check per part. The second value tells whether the app can do its work; a silent
/// source or a lost history does not change that.
pub fn detailed(terminal: &Terminal, site: &Site) -> (Value, bool) {
    let checks = [source(terminal), database(terminal), files(site)];
    let worst = checks.iter().map(|check| check.status).max().unwrap_or(Status::Pass);
    let by_name: serde_json::Map<String, Value> =
        checks.iter().map(|check| (check.name.to_owned(), json!([check.to_json()]))).collect();
    let body = json!({
        "status": worst.name(),
        "version": env!("CARGO_PKG_VERSION"),
        "releaseId": terminal.settings.revision,
        "checks": by_name,
    });
    (body, worst != Status::Fail)
}

fn source(terminal: &Terminal) -> Check {
    if terminal.is_demo() {
        return Check {
            name: "demo:responseTime",
            kind: "component",
            status: Status::Pass,
            latency_ms: Some(0),
            last_success: terminal.snapshot().as_of,
            output: Some("made-up numbers; no source is asked".to_owned()),
        };
    }
    let chain = terminal.chain_status();
    let output = match (&chain.error, chain.asked) {
        (None, true) => None,
        (None, false) => Some("not asked yet".to_owned()),
        (Some(reason), _) => Some(reason.clone()),
    };
    Check {
        name: "rpc:responseTime",
        kind: "component",
        status: if output.is_none() { Status::Pass } else { Status::Warn },
        latency_ms: chain.asked.then(|| milliseconds(chain.latency)),
        last_success: chain.last_success,
        output,
    }
}

fn database(terminal: &Terminal) -> Check {
    let checkup = terminal.history.check();
    let output = match (checkup.fallback, checkup.error, checkup.opened) {
        (_, Some(error), _) => Some(error),
        (Some(reason), None, _) => Some(format!("in memory, because the file cannot be used: {reason}")),
        (None, None, false) => Some("not opened yet".to_owned()),
        (None, None, true) => None,
    };
    let status = if output.is_none() { Status::Pass } else { Status::Warn };
    Check {
        name: "database:responseTime",
        kind: "datastore",
        status,
        latency_ms: checkup.snapshots.map(|_| milliseconds(checkup.latency)),
        last_success: checkup.last_write,
        output: output.or_else(|| checkup.snapshots.map(|count| format!("{count} snapshots"))),
    }
}

/// Without its files the page neither looks nor works as it should: that is a broken installation.
fn files(site: &Site) -> Check {
    let missing = site.missing_files();
    Check {
        name: "site:files",
        kind: "component",
        status: if missing.is_empty() { Status::Pass } else { Status::Fail },
        latency_ms: None,
        last_success: None,
        output: (!missing.is_empty()).then(|| format!("missing: {}", missing.join(", "))),
    }
}

fn milliseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
