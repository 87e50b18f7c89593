//! Where the time of one build went: the units of both halves on one time axis, and what follows from them.
//!
//! All times are seconds since the build began, by cargo's own timing reports.

use serde::{Deserialize, Deserializer, Serialize};

/// The units of one build, both halves on one time axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// [`super::Comparison::id`] and arm of the build that this was.
    pub comparison: String,
    pub arm: String,
    /// From the first unit's start to the end of the last unit or step.
    pub seconds: f64,
    /// How many units cargo would run at the same time.
    pub jobs: usize,
    /// By start.
    pub units: Vec<TimedUnit>,
    /// Steps of the build that are no units of cargo's: wasm-bindgen, wasm-opt, the site.
    pub steps: Vec<TimedStep>,
    /// The sum of all units' times by what they are.
    pub kinds: Vec<KindTotal>,
    /// Stretches of more than a second in which only one unit ran, by start.
    pub serial: Vec<Stretch>,
    /// The chain of units that the end waited for: each one began when the one before it let it, by start.
    pub critical_path: Vec<PathEntry>,
    /// Packages that were compiled more than once, the most expensive first.
    pub duplicates: Vec<Duplicate>,
}

/// Reads a list, and what earlier records have in its place: one timeline or null.
pub(super) fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Timeline>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrSeveral {
        Several(Vec<Timeline>),
        One(Box<Timeline>),
    }
    let read = Option::<OneOrSeveral>::deserialize(deserializer)?;
    Ok(match read {
        None => Vec::new(),
        Some(OneOrSeveral::One(one)) => vec![*one],
        Some(OneOrSeveral::Several(several)) => several,
    })
}

/// One unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimedUnit {
    /// `front` or `server`.
    pub half: String,
    pub package: String,
    pub version: String,
    /// `lib`, `bin`, `cdylib`, `proc-macro`, `build-script`, or `run-build-script`.
    pub kind: String,
    /// The triple that it was compiled for; `None` for this machine.
    pub target: Option<String>,
    pub features: Vec<String>,
    pub start: f64,
    pub seconds: f64,
    /// Until its metadata was there, and units that depend on it could begin; `None` where cargo does not tell.
    pub frontend_seconds: Option<f64>,
    /// From there to the end, linking included; `None` where cargo does not tell.
    pub codegen_seconds: Option<f64>,
    /// Of that, linking, by the linker script's log; `None` where that does not tell.
    pub link_seconds: Option<f64>,
}

/// One step that is no unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimedStep {
    pub name: String,
    pub start: f64,
    pub seconds: f64,
}

/// The units of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KindTotal {
    pub kind: String,
    pub units: usize,
    pub seconds: f64,
    pub frontend_seconds: f64,
    pub codegen_seconds: f64,
    pub link_seconds: f64,
}

/// A time in which only one unit ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stretch {
    pub start: f64,
    pub seconds: f64,
    /// The unit, as people name it: `leptos (lib, server)`; or that nothing ran.
    pub what: String,
}

/// One unit on the critical path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PathEntry {
    /// As people name it: `leptos (lib, server)`.
    pub what: String,
    pub start: f64,
    /// What the path waited for it: to its metadata, or to its end.
    pub seconds: f64,
}

/// A package that was compiled more than once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Duplicate {
    pub package: String,
    /// All versions, sorted.
    pub versions: Vec<String>,
    pub times: usize,
    /// Of all its units but the most expensive one: what a single one would save at most.
    pub extra_seconds: f64,
    /// `other versions`, `both halves`, `other features` or `other settings`.
    pub reason: String,
}
