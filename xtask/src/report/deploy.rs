//! The reports of deployments: the steps of one, and what is deployed now.

use super::table::{Align, Table};
use super::{Format, seconds};
use crate::record::deploy::{
    DeployRecord, DeployStatus, DeploymentStatus, HealthStatus, RollbackWay, ServiceName,
    VariableDifferences, Version,
};
use crate::record::{StepRecord, StepState};

/// Renders a deployment in the format asked for.
pub fn render(record: &DeployRecord, format: Format) -> anyhow::Result<String> {
    let steps = steps(record);
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(record)? + "\n",
        Format::Human => format!("{}\n{}", steps.human(), lines(&summary(record))),
        Format::Markdown => format!("{}\n{}", steps.markdown(), list(&summary(record))),
    })
}

/// Renders what is deployed in the format asked for.
pub fn render_status(status: &DeployStatus, format: Format) -> anyhow::Result<String> {
    let deployments = deployments(status);
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(status)? + "\n",
        Format::Human => {
            format!("{}\n{}{}", lines(&about(status)), deployments.human(), remarks(status, "note: "))
        }
        Format::Markdown => {
            format!("{}\n{}{}", list(&about(status)), deployments.markdown(), remarks(status, "- "))
        }
    })
}

fn steps(record: &DeployRecord) -> Table {
    let mut table = Table::new(&[("step", Align::Left), ("seconds", Align::Right), ("", Align::Left)]);
    for step in &record.steps {
        table.row(vec![step.name.clone(), seconds(step.seconds), detail(step)]);
    }
    table.row(vec!["total".to_owned(), seconds(record.seconds)]);
    table
}

fn detail(step: &StepRecord) -> String {
    let state = match step.state {
        StepState::Ran => "",
        StepState::Fresh => "unchanged",
        StepState::Restored => "as before",
        StepState::Failed => "failed",
    };
    [state, &step.detail].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}

type Fact = (&'static str, String);

fn summary(record: &DeployRecord) -> Vec<Fact> {
    let deployment = record.deployment.as_ref().map(|id| {
        let rest = match (record.already_current, record.detached) {
            (true, _) => ", as before: already current",
            (false, true) => ", not waited for: `cargo xtask deploy status` shows how it ends",
            (false, false) => "",
        };
        ("deployment", format!("{id}{rest}"))
    });
    let replaced = |previous: &&Version| Some(&previous.deployment) != record.deployment.as_ref();
    let previous = record.previous.as_ref().filter(replaced).map(|previous| {
        let image = previous.image.as_deref().unwrap_or("an image that Railway does not name");
        ("previous", format!("{} with {image}", previous.deployment))
    });
    let rollback = record.rollback.as_ref().map(|rollback| {
        let way = match rollback.way {
            RollbackWay::Railway => "by Railway",
            RollbackWay::Digest => "by digest",
            RollbackWay::Settings => "which still serves: the settings were set back",
        };
        ("rolled back to", format!("{}, {way}", rollback.to))
    });
    let facts = [
        Some(("service", service(&record.service))),
        rollback,
        deployment,
        record.image.clone().map(|image| ("image", image)),
        record.revision.clone().map(|revision| ("revision", revision)),
        record.url.clone().map(|url| ("url", url)),
        previous,
    ];
    facts.into_iter().flatten().collect()
}

fn about(status: &DeployStatus) -> Vec<Fact> {
    let unknown = || "not set".to_owned();
    let health = match &status.health {
        Some(health) => health_of(health),
        None => "not asked: the service has no domain".to_owned(),
    };
    let receipt = status.receipt.as_ref().map(|receipt| {
        let now = if receipt.is_live { "it serves" } else { "something else serves now" };
        ("from here", format!("{} at {}; {now}", receipt.deployed.deployment, receipt.time))
    });
    let variables = status.variables.as_ref().and_then(differences).map(|words| ("variables", words));
    let facts = [
        Some(("service", service(&status.service))),
        Some(("health", health)),
        Some(("source", status.source_image.clone().unwrap_or_else(unknown))),
        Some(("APP_REVISION", status.revision.clone().unwrap_or_else(unknown))),
        variables,
        receipt,
    ];
    facts.into_iter().flatten().collect()
}

/// By name; `None` where nothing differs.
fn differences(variables: &VariableDifferences) -> Option<String> {
    let VariableDifferences { changed, added, removed } = variables;
    let kinds = [(changed, "changed"), (added, "added"), (removed, "removed")];
    let words = kinds.iter().filter(|(names, _)| !names.is_empty());
    let words: Vec<String> = words.map(|(names, what)| format!("{} {what}", names.join(", "))).collect();
    (!words.is_empty())
        .then(|| format!("{} since what serves began; the next deployment gets them", words.join("; ")))
}

fn health_of(health: &HealthStatus) -> String {
    let revision = health.revision.as_deref().unwrap_or_default();
    let answer = match (health.status, health.names_revision) {
        (Some(status), Some(true)) => format!("{status}, names revision {revision}"),
        (Some(status), Some(false)) => format!("{status}, does not name revision {revision}"),
        (Some(status), None) => status.to_string(),
        (None, _) => health.problem.clone().unwrap_or_else(|| "no answer".to_owned()),
    };
    format!("{answer} ({})", health.address)
}

fn deployments(status: &DeployStatus) -> Table {
    let mut table = Table::new(&[
        ("", Align::Left),
        ("deployment", Align::Left),
        ("status", Align::Left),
        ("since", Align::Left),
        ("image", Align::Left),
    ]);
    let mut add = |what: &str, one: &DeploymentStatus| {
        let image = one.image.clone().unwrap_or_else(|| "unknown".to_owned());
        table.row(vec![what.to_owned(), one.id.clone(), one.status.clone(), one.since.clone(), image]);
    };
    for active in &status.active {
        add("active", active);
    }
    let others = status.pending.iter().filter(|pending| !status.active.contains(pending));
    for pending in others {
        add("under way", pending);
    }
    let is_told = |one: &&DeploymentStatus| status.active.contains(one) || status.pending.contains(one);
    if let Some(latest) = status.latest.as_ref().filter(|latest| !is_told(latest)) {
        add("latest", latest);
    }
    if status.active.is_empty() {
        table.row(vec!["active".to_owned(), "none".to_owned()]);
    }
    table
}

/// Each on a line of its own, with the commands below it.
fn remarks(status: &DeployStatus, mark: &str) -> String {
    let indent = " ".repeat(mark.len());
    let lines = status.remarks.iter().map(|remark| {
        let commands: String = remark.commands.iter().map(|command| format!("{indent}{command}\n")).collect();
        format!("\n{mark}{}\n{commands}", remark.found)
    });
    lines.collect()
}

pub(super) fn service(name: &ServiceName) -> String {
    format!("{} ({}) in project {}", name.service, name.environment, name.project)
}

fn lines(facts: &[Fact]) -> String {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    facts.iter().map(|(name, value)| format!("{name:<width$}  {value}\n")).collect()
}

fn list(facts: &[Fact]) -> String {
    facts.iter().map(|(name, value)| format!("- {name}: {value}\n")).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::record::RunResult;
    use crate::record::deploy::{ReceiptStatus, Remark, Rollback, STATUS_SCHEMA};

    fn name() -> ServiceName {
        ServiceName {
            project: "shop".to_owned(),
            environment: "production".to_owned(),
            service: "web".to_owned(),
        }
    }

    fn record() -> DeployRecord {
        let step = |name: &str, seconds, detail: &str| StepRecord {
            name: name.to_owned(),
            state: StepState::Ran,
            seconds,
            cpu_seconds: None,
            units: None,
            detail: detail.to_owned(),
        };
        DeployRecord {
            result: RunResult::Ok,
            image: Some("ghcr.io/o/app@sha256:2".to_owned()),
            revision: Some("abc123".to_owned()),
            url: Some("https://app.example".to_owned()),
            deployment: Some("d-2".to_owned()),
            previous: Some(Version {
                deployment: "d-1".to_owned(),
                image: Some("ghcr.io/o/app@sha256:1".to_owned()),
                revision: None,
            }),
            steps: vec![
                step("set revision", 0.2, "APP_REVISION"),
                step("wait until served", 31.25, "deployment d-2 is SUCCESS"),
            ],
            seconds: 32.0,
            ..DeployRecord::begun(name(), "2026-11-20T10:00:00Z".to_owned())
        }
    }

    fn status() -> DeployStatus {
        let deployment = |id: &str, status: &str| DeploymentStatus {
            id: id.to_owned(),
            status: status.to_owned(),
            since: "2026-11-20T10:00:00Z".to_owned(),
            image: None,
        };
        DeployStatus {
            schema: STATUS_SCHEMA,
            service: name(),
            healthy: true,
            active: vec![deployment("d-2", "SUCCESS")],
            latest: Some(deployment("d-4", "FAILED")),
            pending: vec![deployment("d-3", "DEPLOYING")],
            source_image: Some("ghcr.io/o/app@sha256:3".to_owned()),
            revision: None,
            health: Some(HealthStatus {
                address: "https://app.example/health".to_owned(),
                status: Some(200),
                revision: Some("abc123".to_owned()),
                names_revision: Some(false),
                problem: None,
            }),
            receipt: Some(ReceiptStatus {
                deployed: Version { deployment: "d-2".to_owned(), image: None, revision: None },
                time: "2026-11-20T10:01:00Z".to_owned(),
                is_live: true,
            }),
            variables: Some(VariableDifferences {
                added: vec!["NEW".to_owned()],
                ..VariableDifferences::default()
            }),
            remarks: vec![Remark {
                found: "deployment d-3 is DEPLOYING".to_owned(),
                commands: vec!["`a` goes on".to_owned(), "`b` goes back".to_owned()],
            }],
        }
    }

    #[test]
    fn people_read_the_steps_and_what_is_served() {
        expect![[r#"
            step               seconds
            set revision          0.20  APP_REVISION
            wait until served     31.2  deployment d-2 is SUCCESS
            total                 32.0

            service     web (production) in project shop
            deployment  d-2
            image       ghcr.io/o/app@sha256:2
            revision    abc123
            url         https://app.example
            previous    d-1 with ghcr.io/o/app@sha256:1
        "#]]
        .assert_eq(&render(&record(), Format::Human).unwrap());
        let served = Some(Version { deployment: "d-2".to_owned(), image: None, revision: None });
        let current = DeployRecord { already_current: true, previous: served, ..record() };
        let text = render(&current, Format::Markdown).unwrap();
        assert!(text.contains("- deployment: d-2, as before: already current\n"), "{text}");
        assert!(!text.contains("previous"), "{text}");
        let rollback = Rollback { to: "d-0".to_owned(), way: RollbackWay::Railway };
        let text = render(&DeployRecord { rollback: Some(rollback), ..record() }, Format::Markdown).unwrap();
        assert!(text.contains("- rolled back to: d-0, by Railway\n- deployment: d-2\n"), "{text}");
    }

    #[test]
    fn people_read_what_is_deployed() {
        expect![[r#"
            service       web (production) in project shop
            health        200, does not name revision abc123 (https://app.example/health)
            source        ghcr.io/o/app@sha256:3
            APP_REVISION  not set
            variables     NEW added since what serves began; the next deployment gets them
            from here     d-2 at 2026-11-20T10:01:00Z; it serves

                       deployment  status     since                 image
            active     d-2         SUCCESS    2026-11-20T10:00:00Z  unknown
            under way  d-3         DEPLOYING  2026-11-20T10:00:00Z  unknown
            latest     d-4         FAILED     2026-11-20T10:00:00Z  unknown

            note: deployment d-3 is DEPLOYING
                  `a` goes on
                  `b` goes back
        "#]]
        .assert_eq(&render_status(&status(), Format::Human).unwrap());
    }

    #[test]
    fn programs_read_null_for_what_is_not_known() {
        let json: serde_json::Value =
            serde_json::from_str(&render(&record(), Format::Json).unwrap()).unwrap();
        assert_eq!(json["schema"], "xtask.deploy/1");
        assert_eq!(json["previous"]["revision"], serde_json::Value::Null);
        let json: serde_json::Value =
            serde_json::from_str(&render_status(&status(), Format::Json).unwrap()).unwrap();
        assert_eq!(json["schema"], "xtask.deploy-status/1");
        assert_eq!(json["health"]["names_revision"], false);
    }
}
