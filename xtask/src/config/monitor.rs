//! `[workspace.metadata.xtask.monitor]`: what the workspace tells of its CI and its service, for figures that
//! nobody else knows, and the limits that it wants to be warned of. Every key is optional.

use std::collections::BTreeMap;

use serde_json::Value;

use super::keys::Section;
use super::size::Size;

const PLACE: &str = "`[workspace.metadata.xtask.monitor]` in Cargo.toml";

/// The settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Monitor {
    /// The name of the job that deploys, where it is not told by the word "deploy" in it.
    pub deploy_job: Option<String>,
    /// What the service holds of memory on average, in GB.
    pub railway_memory_gb: Option<f64>,
    /// What it keeps busy of processors on average.
    pub railway_vcpu: Option<f64>,
    /// What it sends in a month, in GB.
    pub railway_egress_gb: Option<f64>,
    pub budgets: MonitorBudgets,
}

/// `[workspace.metadata.xtask.monitor.budgets]`: what makes an alert when it is more, besides what one run of CI may
/// take (`[workspace.metadata.xtask.budgets]`). Times are medians of the last runs, in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MonitorBudgets {
    /// All caches of GitHub Actions, in bytes.
    pub caches: Option<u64>,
    /// By the workflow's name.
    pub workflows: BTreeMap<String, f64>,
}

impl Monitor {
    /// Reads the table.
    pub fn read(table: &Value) -> anyhow::Result<Monitor> {
        let mut section = Section::new(PLACE, table)?;
        let mut amount = |key: &'static str| section.read(key, "a number, 0 or more", not_negative);
        let (memory, vcpu, egress) =
            (amount("railway-memory-gb")?, amount("railway-vcpu")?, amount("railway-egress-gb")?);
        let monitor = Monitor {
            deploy_job: section.text("deploy-job")?,
            railway_memory_gb: memory,
            railway_vcpu: vcpu,
            railway_egress_gb: egress,
            budgets: match section.value("budgets") {
                Some(table) => MonitorBudgets::read(table)?,
                None => MonitorBudgets::default(),
            },
        };
        section.finish()?;
        Ok(monitor)
    }
}

impl MonitorBudgets {
    fn read(table: &Value) -> anyhow::Result<MonitorBudgets> {
        let mut section = Section::new("`[workspace.metadata.xtask.monitor.budgets]` in Cargo.toml", table)?;
        let budgets = MonitorBudgets {
            caches: section.read("caches", "a size in quotes, e.g. \"8GB\"", |value| {
                value.as_str()?.parse::<Size>().ok().map(|size| size.bytes)
            })?,
            workflows: section
                .read("workflows", "a table of names of workflows, each with seconds above 0", |value| {
                    let each = value.as_object()?.iter();
                    each.map(|(name, limit)| Some((name.clone(), above_zero(limit)?))).collect()
                })?
                .unwrap_or_default(),
        };
        section.finish()?;
        Ok(budgets)
    }
}

fn above_zero(value: &Value) -> Option<f64> {
    value.as_f64().filter(|number| *number > 0.0)
}

fn not_negative(value: &Value) -> Option<f64> {
    value.as_f64().filter(|number| *number >= 0.0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::exit::Exit;

    #[test]
    fn all_keys() {
        let monitor = Monitor::read(&json!({
            "deploy-job": "Ship", "railway-memory-gb": 0.25, "railway-vcpu": 0.01, "railway-egress-gb": 3,
            "budgets": {"caches": "8GB", "workflows": {"CI": 300}},
        }))
        .unwrap();
        let expected = Monitor {
            deploy_job: Some("Ship".to_owned()),
            railway_memory_gb: Some(0.25),
            railway_vcpu: Some(0.01),
            railway_egress_gb: Some(3.0),
            budgets: MonitorBudgets {
                caches: Some(8_000_000_000),
                workflows: BTreeMap::from([("CI".to_owned(), 300.0)]),
            },
        };
        assert_eq!(monitor, expected);
        assert_eq!(Monitor::read(&json!({})).unwrap(), Monitor::default());
    }

    #[test]
    fn mistakes_are_named() {
        for (table, expected) in [
            (json!({"deploy_job": "x"}), "did you mean `deploy-job`?"),
            (json!({"railway-vcpu": -1}), "must be a number, 0 or more, not the number -1"),
            (json!({"budgets": {"caches": 8}}), "must be a size in quotes"),
            (json!({"budgets": {"workflows": {"CI": "5m"}}}), "must be a table of names of workflows"),
        ] {
            let error = Monitor::read(&table).unwrap_err();
            assert_eq!(Exit::of(&error), Exit::Usage);
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
