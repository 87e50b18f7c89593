//! What the tests of this room share: random numbers that are the same every time, and records.

use crate::facts::host::Host;
use crate::facts::revision::Revision;
use crate::record::bench::activity::Activity;
use crate::record::bench::{
    Arm, BENCH_SCHEMA, BenchRecord, BenchResult, Comparison, Noise, Sample, Verdict, VerdictKind,
};

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers for the same seed, everywhere.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// Evenly between 0 and 1, neither included.
    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1u64 << 53) as f64 + f64::EPSILON / 4.0
    }

    /// With mean 0 and standard deviation 1 (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// With mean 1.
    pub fn exponential(&mut self) -> f64 {
        -self.uniform().ln()
    }

    /// A time around `centre`, in relative steps of `deviation`; one in fifty is a fifth longer, as where something
    /// on the system woke up.
    pub fn time(&mut self, centre: f64, deviation: f64) -> f64 {
        let stray = if self.uniform() < 0.02 { 1.2 } else { 1.0 };
        centre * (deviation * self.normal()).exp() * stray
    }
}

pub fn sample(comparison: &str, arm: &str, round: usize, seconds: f64) -> Sample {
    Sample {
        comparison: comparison.to_owned(),
        arm: arm.to_owned(),
        round,
        seconds,
        cpu_seconds: Some(seconds * 1.8),
        peak_memory_bytes: None,
        foreign_cores: Some(0.02),
        activity: Activity::default(),
        steps: Vec::new(),
        sizes: Vec::new(),
        invalid: None,
    }
}

/// Five pairs, beside what is usual on the axis.
pub fn verdict(comparison: &str, arm: &str, kind: VerdictKind, ratio: f64) -> Verdict {
    Verdict {
        comparison: comparison.to_owned(),
        arm: arm.to_owned(),
        baseline: if comparison.ends_with("cache") { "none" } else { "default" }.to_owned(),
        verdict: kind,
        ratio: Some(ratio),
        low: None,
        high: None,
        coverage: None,
        pairs: 5,
        floor: 0.02,
    }
}

/// `cold/cache` is of the scenario `cold` and about `cache`.
pub fn comparison(id: &str, arms: &[&str]) -> Comparison {
    let (scenario, axis) = id.split_once('/').unwrap();
    let arm = |name: &&str| Arm {
        name: (*name).to_owned(),
        version: None,
        variant: format!("profile=production {axis}={name}"),
        unavailable: None,
    };
    Comparison {
        id: id.to_owned(),
        scenario: scenario.to_owned(),
        axis: axis.to_owned(),
        arms: arms.iter().map(arm).collect(),
        runs: 5,
        estimated_seconds: None,
    }
}

pub fn noise(floor: f64) -> Noise {
    Noise { samples: vec![1.0; 7], floor, foreign_cores: Some(0.02) }
}

/// A run with one comparison and the seconds of each of its arms.
pub fn record(id: &str, comparison_id: &str, arms: &[(&str, &[f64])]) -> BenchRecord {
    let names: Vec<&str> = arms.iter().map(|(name, _)| *name).collect();
    let samples = arms.iter().flat_map(|(name, all)| {
        all.iter().enumerate().map(|(index, seconds)| sample(comparison_id, name, index + 1, *seconds))
    });
    let (date, time) = id.split_once('-').unwrap();
    let at = |text: &str, from: usize| text[from..from + 2].to_owned();
    let started = format!(
        "{}-{}-{}T{}:{}:{}Z",
        &date[..4],
        at(date, 4),
        at(date, 6),
        at(time, 0),
        at(time, 2),
        at(time, 4)
    );
    BenchRecord {
        schema: BENCH_SCHEMA.to_owned(),
        id: id.to_owned(),
        result: BenchResult::Ok,
        updated: started.clone(),
        started,
        seconds: 100.0,
        project: "app".to_owned(),
        arguments: None,
        host: Host {
            os: "linux".to_owned(),
            arch: "x86_64".to_owned(),
            cpu: None,
            cores: Some(2),
            memory_bytes: None,
            class: "linux-x86_64-2cpu-8gib".to_owned(),
        },
        tools: Vec::new(),
        revision: Revision { commit: Some(format!("abc{time}")), commit_time: None, dirty: Some(false) },
        plan_digest: "plan".to_owned(),
        noise: Some(noise(0.02)),
        definitions: Vec::new(),
        comparisons: vec![comparison(comparison_id, &names)],
        samples: samples.collect(),
        verdicts: Vec::new(),
        budgets: Vec::new(),
        timelines: Vec::new(),
        notes: Vec::new(),
    }
}
