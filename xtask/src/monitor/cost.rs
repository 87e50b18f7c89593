//! What it all costs, by the prices that GitHub and Railway publish. Every amount says how it comes about; what is not
//! known is said to be so, and never counted as nothing. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::github::Known;
use super::github::answers::Job;
use crate::config::monitor::Monitor;
use crate::record::monitor::{Caches, Cost, Outcome};

/// A month, as all amounts here are for.
const DAYS: f64 = 30.0;

/// Where the prices stand. They were read in November 2026.
const SOURCE_MINUTES: &str = "https://docs.github.com/en/billing/reference/actions-runner-pricing";
const SOURCE_STORAGE: &str = "https://docs.github.com/en/billing/concepts/product-billing/github-actions";
const SOURCE_RAILWAY: &str = "https://docs.railway.com/reference/pricing/plans";

/// US dollars a GiB and month of caches beyond what is included.
const CACHE_USD: f64 = 0.07;
/// US dollars a month for a GB of memory, a processor, and for each GB that is sent.
const RAILWAY_USD: (f64, f64, f64) = (10.0, 20.0, 0.05);

/// What a minute costs, in US dollars, since 2026-01-01.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rate {
    Usd(f64),
    /// A machine of one's own.
    Own,
    Unknown,
}

/// By what the job asked for. Only GitHub's standard runners are known by their name; larger ones are called as their
/// owner likes.
fn rate(labels: &[String]) -> Rate {
    if labels.iter().any(|label| label.eq_ignore_ascii_case("self-hosted")) {
        return Rate::Own;
    }
    let [label] = labels else { return Rate::Unknown };
    let label = label.to_ascii_lowercase();
    let version = |family: &str| {
        let rest = label.strip_prefix(family)?;
        let (version, kind) = rest.split_once('-').unwrap_or((rest, ""));
        let is_version = version == "latest" || version.chars().all(|c| c.is_ascii_digit() || c == '.');
        is_version.then(|| kind.to_owned())
    };
    let by_kind = |kind: Option<String>, known: &[(&str, f64)]| {
        let found = known.iter().find(|(name, _)| kind.as_deref() == Some(*name));
        found.map_or(Rate::Unknown, |(_, usd)| Rate::Usd(*usd))
    };
    match () {
        () if label == "ubuntu-slim" => Rate::Usd(0.002),
        () if label.starts_with("ubuntu-") => by_kind(version("ubuntu-"), &[("", 0.006), ("arm", 0.005)]),
        () if label == "windows-11-arm" => Rate::Usd(0.008),
        () if label.starts_with("windows-") => by_kind(version("windows-"), &[("", 0.010)]),
        () if label.starts_with("macos-") => by_kind(version("macos-"), &[("", 0.062), ("intel", 0.062)]),
        () => Rate::Unknown,
    }
}

/// The minutes that GitHub counts: each job rounded up.
fn minutes(job: &Job) -> f64 {
    job.seconds().map_or(0.0, |seconds| (seconds / 60.0).ceil())
}

/// All costs. `days` is what the runs are of.
pub fn costs(known: Option<&Known>, caches: Option<&Caches>, days: f64, settings: &Monitor) -> Vec<Cost> {
    let github = known.map(|known| [actions(known, days), cache_storage(caches)]);
    github.into_iter().flatten().chain([railway(settings)]).collect()
}

/// How many days the runs that were looked at are of: where there are more than were asked for, it is not the whole
/// time.
pub fn days(known: &Known, since: DateTime<Utc>, now: DateTime<Utc>) -> f64 {
    let is_whole = known.total <= known.runs.len() as u64;
    let oldest = known.runs.last().and_then(|run| super::time::parse(&run.created_at));
    let from = oldest.filter(|_| !is_whole).unwrap_or(since);
    // A day at least, or the first run of a repository would make a month of itself.
    ((now - from).as_seconds_f64() / 86_400.0).max(1.0)
}

fn actions(known: &Known, days: f64) -> Cost {
    let cost = |usd: Option<f64>, how: String| Cost {
        what: "minutes of GitHub Actions".to_owned(),
        usd_per_month: usd,
        how,
        source: SOURCE_MINUTES.to_owned(),
    };
    let over = known.runs.iter().filter(|run| run.outcome() != Outcome::Running).count();
    let looked_at = known.jobs.len();
    if over == 0 {
        return cost(Some(0.0), format!("no run in {days:.0} days"));
    }
    if looked_at == 0 {
        return cost(None, "not known: the jobs of no run were looked at".to_owned());
    }
    let (mut total, mut usd, mut own) = (0.0, 0.0, 0.0);
    let mut unknown: Vec<String> = Vec::new();
    let weights = weights(known);
    let jobs = known.runs.iter().flat_map(|run| {
        let weight = weights.get(&run.workflow()).copied().unwrap_or(1.0);
        known.jobs(run).unwrap_or_default().iter().map(move |job| (job, minutes(job) * weight))
    });
    for (job, minutes) in jobs.filter(|(_, minutes)| *minutes > 0.0) {
        match rate(&job.labels) {
            Rate::Usd(each) => (total, usd) = (total + minutes, usd + minutes * each),
            Rate::Own => own += minutes,
            Rate::Unknown if job.labels.is_empty() => unknown.push("a runner without a label".to_owned()),
            Rate::Unknown => unknown.push(job.labels.join(" + ")),
        }
    }
    unknown.sort();
    unknown.dedup();
    if !unknown.is_empty() {
        return cost(None, format!("not known: nobody publishes the price of {}", unknown.join(", ")));
    }
    let to_month = DAYS / days;
    let month = total * to_month;
    let own =
        if own > 0.0 { format!(", and {:.0} on runners of your own", own * to_month) } else { String::new() };
    if !known.repository.private {
        return cost(
            Some(0.0),
            format!("{month:.0} minutes a month{own}: standard runners cost nothing in a public repository"),
        );
    }
    let of = if looked_at < over {
        format!(", reckoned from the jobs of {looked_at} of {over} runs")
    } else {
        String::new()
    };
    cost(
        Some(usd * to_month),
        format!(
            "{month:.0} minutes a month{own}, each job's rounded up, times the price of its runner (Linux 0.006, \
             Windows 0.010, macOS 0.062 US dollars){of}. First come the minutes that the owner's plan includes (2,000 \
             a month on Free), which are not taken off here"
        ),
    )
}

/// For how many runs one whose jobs are known stands, by workflow: the others are taken to be like it. They are not
/// asked for evenly, and a run that deploys takes longer than one that looks at texts. A workflow of which no run was
/// looked at is taken to be like all the others.
fn weights(known: &Known) -> BTreeMap<String, f64> {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for run in known.runs.iter().filter(|run| run.outcome() != Outcome::Running) {
        let (over, looked_at) = counts.entry(run.workflow()).or_default();
        *over += 1;
        *looked_at += usize::from(known.jobs(run).is_some());
    }
    let all: usize = counts.values().map(|(over, _)| over).sum();
    counts.retain(|_, (_, looked_at)| *looked_at > 0);
    let like_others = all as f64 / counts.values().map(|(over, _)| over).sum::<usize>() as f64;
    let weight = |(over, looked_at): (usize, usize)| over as f64 / looked_at as f64 * like_others;
    counts.into_iter().map(|(workflow, count)| (workflow, weight(count))).collect()
}

fn cache_storage(caches: Option<&Caches>) -> Cost {
    let cost = |usd: Option<f64>, how: String| Cost {
        what: "storage of caches".to_owned(),
        usd_per_month: usd,
        how,
        source: SOURCE_STORAGE.to_owned(),
    };
    let Some(caches) = caches else {
        return cost(None, "not known: GitHub did not tell; the notes say why".to_owned());
    };
    let more = caches.bytes.saturating_sub(caches.included_bytes) as f64 / (1u64 << 30) as f64;
    if more == 0.0 {
        return cost(Some(0.0), "no more than the 10 GiB that are included".to_owned());
    }
    cost(
        Some(more * CACHE_USD),
        format!(
            "{more:.1} GiB beyond the 10 that are included, times 0.07 US dollars, if the owner has raised the limit; \
             else GitHub removes the oldest, and it costs nothing"
        ),
    )
}

fn railway(settings: &Monitor) -> Cost {
    let cost = |usd: Option<f64>, how: String| Cost {
        what: "usage at Railway (estimate)".to_owned(),
        usd_per_month: usd,
        how,
        source: SOURCE_RAILWAY.to_owned(),
    };
    let (Some(memory), Some(vcpu), Some(egress)) =
        (settings.railway_memory_gb, settings.railway_vcpu, settings.railway_egress_gb)
    else {
        return cost(
            None,
            "not known: railway-memory-gb, railway-vcpu and railway-egress-gb in \
             [workspace.metadata.xtask.monitor] would tell; Railway's page of metrics has them"
                .to_owned(),
        );
    };
    let (of_memory, of_vcpu, of_egress) = RAILWAY_USD;
    cost(
        Some(memory * of_memory + vcpu * of_vcpu + egress * of_egress),
        format!(
            "{memory} GB of memory times 10, {vcpu} processors times 20 and {egress} GB sent times 0.05 US dollars, as \
             the settings say; a plan's fee and the usage that it includes are not in it"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::super::samples_tests::known;
    use super::*;

    fn amounts(costs: &[Cost]) -> Vec<Option<f64>> {
        costs.iter().map(|cost| cost.usd_per_month.map(|usd| (usd * 1000.0).round() / 1000.0)).collect()
    }

    #[test]
    fn prices_by_label() {
        let of = |labels: &[&str]| rate(&labels.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>());
        for (label, usd) in [
            ("ubuntu-latest", 0.006),
            ("ubuntu-24.04", 0.006),
            ("ubuntu-24.04-arm", 0.005),
            ("ubuntu-slim", 0.002),
            ("windows-2025", 0.010),
            ("macos-15", 0.062),
            ("macos-15-intel", 0.062),
        ] {
            assert_eq!(of(&[label]), Rate::Usd(usd), "{label}");
        }
        assert_eq!(of(&["self-hosted", "linux"]), Rate::Own);
        for label in ["ubuntu-24.04-16core", "macos-15-xlarge", "big", "ubuntu-runner"] {
            assert_eq!(of(&[label]), Rate::Unknown, "{label}");
        }
        assert_eq!(of(&[]), Rate::Unknown);
    }

    #[test]
    fn each_job_is_rounded_up_and_what_was_not_looked_at_is_reckoned() {
        let mut known = known();
        // 290 and 60 s, 290 and 30 s: 5 + 1 + 5 + 1 minutes in both runs of one workflow. Of the other one a run of two
        // was looked at, which did nothing.
        let costs = costs(Some(&known), None, 30.0, &Monitor::default());
        assert_eq!(amounts(&costs), [Some(0.072), None, None]);
        assert!(costs[0].how.starts_with("12 minutes a month, "), "{}", costs[0].how);
        assert!(costs[0].how.contains("3 of 4 runs"), "{}", costs[0].how);
        known.repository.private = false;
        assert_eq!(actions(&known, 15.0).usd_per_month, Some(0.0));
        assert!(actions(&known, 15.0).how.starts_with("24 minutes a month: standard"));
        // The second run of the first workflow is taken for one like the first, and both of the other one for such,
        // too.
        let jobs = known.jobs.clone();
        known.jobs.retain(|run, _| *run == 3);
        assert!(actions(&known, 30.0).how.starts_with("24 minutes a month: standard"));
        known.jobs = jobs;
        known.jobs.values_mut().flatten().for_each(|job| job.labels = vec!["big".to_owned()]);
        assert_eq!(actions(&known, 15.0).usd_per_month, None);
        assert!(actions(&known, 15.0).how.contains("price of big"));
        known.jobs.clear();
        assert_eq!(actions(&known, 15.0).usd_per_month, None);
    }

    #[test]
    fn caches_and_railway() {
        let caches = |bytes| Caches {
            count: 3,
            bytes,
            included_bytes: super::super::sizes::INCLUDED_BYTES,
            largest: Vec::new(),
            by_ref: Vec::new(),
        };
        assert_eq!(cache_storage(Some(&caches(5 << 30))).usd_per_month, Some(0.0));
        assert_eq!(amounts(&[cache_storage(Some(&caches(12 << 30)))]), [Some(0.14)]);
        let settings = Monitor {
            railway_memory_gb: Some(0.03),
            railway_vcpu: Some(0.005),
            railway_egress_gb: Some(2.0),
            ..Monitor::default()
        };
        assert_eq!(amounts(&[railway(&settings)]), [Some(0.5)]);
        let none = costs(None, None, 30.0, &Monitor { railway_vcpu: None, ..settings });
        assert_eq!(amounts(&none), [None], "half of it is not known either");
    }
}
