//! What has run, here and at GitHub: how long it took and whether that is normal, what it holds and costs, and what
//! somebody should be told.
//!
//! `github` asks, `local` reads the records of this machine; all else is pure.

pub mod alert;
mod cost;
pub mod github;
pub mod local;
#[cfg(test)]
mod samples_tests;
mod series;
pub mod sizes;
mod steps;
pub mod time;
pub mod told;

use chrono::{DateTime, Utc};

use crate::config::budgets::Budgets;
use crate::config::monitor::Monitor;
use crate::record::monitor::{ImageSize, MONITOR_SCHEMA, MonitorRecord};
use github::Known;
use local::Local;

/// All that was found, and as what it is looked at.
pub struct Found<'f> {
    pub settings: &'f Monitor,
    /// What one run may take.
    pub budgets: &'f Budgets,
    /// `None` where GitHub was not asked.
    pub github: Option<&'f Known>,
    pub local: Local,
    /// Of the registry.
    pub images: Vec<ImageSize>,
    pub since: DateTime<Utc>,
    pub branch: Option<String>,
    /// What the reader has to know besides.
    pub notes: Vec<String>,
}

/// What can be said of it.
pub fn record(found: Found<'_>, now: DateTime<Utc>) -> MonitorRecord {
    let Found { settings, budgets, github, local, images, since, branch, notes } = found;
    let of_github = github.map(|known| series::of_github(known, settings.deploy_job.as_deref()));
    let mut all = of_github.unwrap_or_default();
    all.extend(series::of_machine(local.runs));
    let caches = github.and_then(sizes::caches);
    let mut alerts = alert::alerts(&all, budgets, &settings.budgets, |before, after| {
        grown_most(&steps::grown(github?, before, after))
    });
    if let (Some(known), Some(caches), Some(limit)) = (github, &caches, settings.budgets.caches) {
        alerts.extend(alert::caches(caches.bytes, limit, sizes::beyond_since(known, limit)));
    }
    let days = github.map_or(1.0, |known| cost::days(known, since, now));
    let of_github = github.map(|known| known.notes.clone()).unwrap_or_default();
    MonitorRecord {
        schema: MONITOR_SCHEMA.to_owned(),
        at: time::format(now),
        since: time::format(since),
        branch,
        repository: github.map(|known| known.repository.full_name.clone()),
        is_private: github.map(|known| known.repository.private),
        weeks: series::weeks(&all, now),
        series: all,
        steps: github.map(steps::slowest).unwrap_or_default(),
        costs: cost::costs(github, caches.as_ref(), days, settings),
        caches,
        images: sizes::images(images, local.images),
        hit_rates: local.hit_rates,
        alerts,
        notes: notes.into_iter().chain(of_github).chain(local.notes).collect(),
    }
}

/// The step that explains most of a slow-down, if one has grown by more than a second.
fn grown_most(grown: &[(String, f64, f64)]) -> Option<String> {
    let (name, before, after) = grown.first().filter(|(_, before, after)| after - before > 1.0)?;
    Some(format!("Most of it is in `{name}`: {before:.0} s before, {after:.0} s now."))
}

#[cfg(test)]
mod tests {
    use super::samples_tests::known;
    use super::*;

    fn found<'f>(settings: &'f (Monitor, Budgets), github: Option<&'f Known>) -> Found<'f> {
        Found {
            settings: &settings.0,
            budgets: &settings.1,
            github,
            local: Local::default(),
            images: Vec::new(),
            since: time::parse("2026-11-01T00:00:00Z").unwrap(),
            branch: None,
            notes: vec!["a note".to_owned()],
        }
    }

    #[test]
    fn nothing_known_is_nothing_said() {
        let now = time::parse("2026-11-21T12:00:00Z").unwrap();
        let settings = (Monitor::default(), Budgets::default());
        let empty = record(found(&settings, None), now);
        assert!(empty.series.is_empty() && empty.alerts.is_empty() && empty.caches.is_none());
        assert!(empty.costs.iter().all(|cost| cost.usd_per_month.is_none()), "{:?}", empty.costs);
        assert_eq!((empty.repository, empty.notes.len()), (None, 1));
        let known = known();
        let some = record(found(&settings, Some(&known)), now);
        assert_eq!((some.series.len(), some.steps.len(), some.weeks[0].series.len()), (4, 2, 4));
        assert_eq!(some.repository.as_deref(), Some("octo/app"));
    }

    #[test]
    fn the_step_that_explains_it() {
        let step = |after: f64| vec![("Build / Work".to_owned(), 200.0, after), ("x".to_owned(), 1.0, 1.0)];
        assert_eq!(
            grown_most(&step(260.0)).unwrap(),
            "Most of it is in `Build / Work`: 200 s before, 260 s now."
        );
        assert_eq!((grown_most(&step(200.5)), grown_most(&[])), (None, None));
    }
}
