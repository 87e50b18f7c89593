//! Records of `monitor` for the tests of its reports: a whole one, an empty one, and a hostile one.

use crate::record::monitor::{
    Alert, AlertKind, CacheEntry, CacheGroup, Caches, Cost, Counts, Figures, HitRate, ImageSize, ImageSource,
    MONITOR_SCHEMA, MonitorRecord, Outcome, Point, Series, SeriesKind, StepFigures, Trend, TrendKind, Week,
};

/// Where nothing has run and nothing is known.
pub fn empty() -> MonitorRecord {
    MonitorRecord {
        schema: MONITOR_SCHEMA.to_owned(),
        at: "2026-11-21T10:30:00Z".to_owned(),
        since: "2026-10-22T10:30:00Z".to_owned(),
        branch: None,
        repository: None,
        is_private: None,
        series: Vec::new(),
        weeks: Vec::new(),
        steps: Vec::new(),
        caches: None,
        images: Vec::new(),
        hit_rates: Vec::new(),
        costs: vec![cost("usage at Railway (estimate)", None)],
        alerts: Vec::new(),
        notes: Vec::new(),
    }
}

fn cost(what: &str, usd_per_month: Option<f64>) -> Cost {
    Cost {
        what: what.to_owned(),
        usd_per_month,
        how: "as the settings say".to_owned(),
        source: "https://example.org/prices".to_owned(),
    }
}

fn figures(median: f64, runs: usize) -> Figures {
    Figures {
        runs,
        average: median * 1.05,
        median,
        p90: median * 1.2,
        least: median * 0.9,
        most: median * 1.4,
    }
}

/// Runs of each of 28 days; every ninth fails, every eleventh is stopped.
pub fn series(kind: SeriesKind, name: &str, seconds: f64) -> Series {
    let point = |index: u32| {
        let outcome = match index {
            index if index % 9 == 4 => Outcome::Failed,
            index if index % 11 == 7 => Outcome::Cancelled,
            27 => Outcome::Running,
            _ => Outcome::Ok,
        };
        let wave = f64::from((index * 37) % 17) / 17.0 - 0.5;
        let slower = if index > 20 { 1.3 } else { 1.0 };
        let part = if outcome == Outcome::Failed { 0.4 } else { 1.0 };
        Point {
            id: format!("{}", 1000 + index),
            label: format!("#{index} main 0123abc"),
            at: format!(
                "2026-{}-{:02}T09:{:02}:00Z",
                if index < 8 { 10 } else { 11 },
                (index + 23) % 31 + 1,
                index
            ),
            seconds: (outcome != Outcome::Running).then_some(seconds * (1.0 + 0.1 * wave) * slower * part),
            outcome,
            url: (kind != SeriesKind::Local)
                .then(|| format!("https://github.com/octo/app/actions/runs/{index}")),
            is_main: true,
            branch: Some("main".to_owned()),
            jobs: None,
        }
    };
    let trend =
        Trend { before: seconds, after: seconds * 1.25, low: 1.12, high: 1.33, verdict: TrendKind::Slower };
    Series {
        kind,
        name: name.to_owned(),
        points: (0..28).map(point).collect(),
        figures: Some(figures(seconds, 21)),
        trend: Some(trend),
    }
}

/// A repository with all that there is.
pub fn whole() -> MonitorRecord {
    let all = vec![
        series(SeriesKind::Workflow, "Checks", 190.0),
        series(SeriesKind::Workflow, "Image and deployment", 420.0),
        series(SeriesKind::Deploy, "deployments", 62.0),
        series(SeriesKind::PushToLive, "push to live", 640.0),
        Series { figures: None, trend: None, points: Vec::new(), ..series(SeriesKind::Local, "deploy", 1.0) },
    ];
    let counts = Counts { ok: 6, failed: 1, cancelled: 1, figures: Some(figures(200.0, 6)) };
    let week = |from: &str, to: &str| Week {
        from: format!("2026-11-{from}T10:30:00Z"),
        to: format!("2026-11-{to}T10:30:00Z"),
        series: all.iter().map(|_| counts).collect(),
    };
    let image = |day: u32, bytes: Option<u64>| ImageSize {
        name: format!("sha-{day:07}"),
        digest: format!("sha256:{day}"),
        at: format!("2026-11-{day:02}T10:00:00Z"),
        bytes,
        source: if day == 20 { ImageSource::Local } else { ImageSource::Registry },
    };
    let cache = |key: &str, git_ref: &str, bytes: u64| CacheEntry {
        key: key.to_owned(),
        git_ref: git_ref.to_owned(),
        bytes,
        created: Some("2026-11-18T08:00:00.123456Z".to_owned()),
        used: None,
    };
    MonitorRecord {
        repository: Some("octo/app".to_owned()),
        is_private: Some(true),
        weeks: vec![week("14", "21"), week("07", "14")],
        series: all,
        steps: vec![StepFigures {
            workflow: "Image and deployment".to_owned(),
            job: "Build".to_owned(),
            step: "Build, push and smoke-test the image".to_owned(),
            figures: figures(310.0, 20),
            share: 0.71,
        }],
        caches: Some(Caches {
            count: 14,
            bytes: 8_123_456_789,
            included_bytes: 10_737_418_240,
            largest: vec![
                cache("cargo-Linux-X64-1.95.0-0123456789abcdef", "refs/heads/main", 1_612_345_678),
                cache("tools-Linux-X64-1.95.0", "refs/pull/12/merge", 212_345_678),
            ],
            by_ref: vec![CacheGroup { git_ref: "refs/heads/main".to_owned(), count: 9, bytes: 6_023_456_789 }],
        }),
        images: vec![image(2, Some(31_400_000)), image(11, None), image(20, Some(29_100_000))],
        hit_rates: vec![HitRate {
            what: "compile units that cargo reused, in builds here".to_owned(),
            hits: 1740,
            total: 1812,
            runs: 9,
        }],
        costs: vec![cost("minutes of GitHub Actions", Some(3.318)), cost("usage at Railway (estimate)", None)],
        alerts: vec![
            Alert {
                kind: AlertKind::Failing,
                subject: "Checks".to_owned(),
                text: "Checks: the last 3 runs have failed, since #25 main 0123abc (2026-11-18T09:25:00Z); the last \
                       success was #24 main 0123abc."
                    .to_owned(),
                began: Some("2026-11-18T09:25:00Z".to_owned()),
                key: "failing/Checks".to_owned(),
                before: 0.0,
                now: 3.0,
                url: Some("https://github.com/octo/app/actions/runs/25".to_owned()),
                told: Some("2026-11-19T06:00:00Z".to_owned()),
            },
            Alert {
                kind: AlertKind::Slower,
                subject: "Image and deployment".to_owned(),
                text: "Image and deployment: slower by 30 % since #23 main 0123abc.".to_owned(),
                began: Some("2026-11-16T09:23:00Z".to_owned()),
                key: "slower/Image and deployment".to_owned(),
                before: 420.0,
                now: 546.0,
                url: None,
                told: None,
            },
        ],
        notes: vec!["the newest 200 of 240 runs since 2026-10-22T10:30:00Z; --limit takes more".to_owned()],
        ..empty()
    }
}

/// Names that somebody chose to break a terminal, a table or a page.
pub fn hostile() -> MonitorRecord {
    let bad = "<script>alert(1)</script> | `x` \u{1b}[31m\n# title";
    let mut record = whole();
    for series in &mut record.series {
        series.name = bad.to_owned();
        series.points.iter_mut().for_each(|point| point.label = bad.to_owned());
    }
    record.steps[0].step = bad.to_owned();
    record
        .caches
        .iter_mut()
        .flat_map(|caches| &mut caches.largest)
        .for_each(|cache| cache.key = bad.to_owned());
    record.alerts[0].text = bad.to_owned();
    record.notes.push(bad.to_owned());
    record.branch = Some(bad.to_owned());
    record
}
