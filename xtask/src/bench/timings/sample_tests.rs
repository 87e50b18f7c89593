//! Small builds written by hand, as cargo's report and messages would tell them, for the tests of this folder.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::Half;
use crate::record::bench::timeline::{TimedStep, TimedUnit};
use crate::record::timings::CompiledUnit;

pub const WASM: &str = "wasm32-unknown-unknown";

/// One entry of `UNIT_DATA`.
#[derive(Clone)]
pub struct Entry(Value);

impl Entry {
    /// Others had waited for its end.
    pub fn unblocks(mut self, units: &[u64]) -> Entry {
        self.0["unblocked_units"] = json!(units);
        self
    }

    /// Its metadata was there after so many seconds, and others had waited for that.
    pub fn metadata(mut self, seconds: f64, units: &[u64]) -> Entry {
        let end = self.0["duration"].clone();
        self.0["unblocked_rmeta_units"] = json!(units);
        let codegen = json!({"start": seconds, "end": end});
        self.0["sections"] = json!([["frontend", {"start": 0.0, "end": seconds}], ["codegen", codegen]]);
        self
    }
}

/// `kind` is `lib`, `bin`, `build-script` or `run`.
pub fn unit(index: u64, package: &str, kind: &str, start: f64, seconds: f64) -> Entry {
    let (mode, target) = match kind {
        "lib" => ("todo", String::new()),
        "bin" => ("todo", format!(" {package} \"bin\"")),
        "run" => ("run-custom-build", " build-script (run)".to_owned()),
        other => ("todo", format!(" {other}")),
    };
    Entry(json!({
        "i": index, "name": package, "version": "1.0.0", "mode": mode, "target": target, "features": [],
        "start": start, "duration": seconds, "unblocked_units": [], "unblocked_rmeta_units": [], "sections": null,
    }))
}

pub fn library(index: u64, package: &str, start: f64, seconds: f64) -> Entry {
    unit(index, package, "lib", start, seconds)
}

pub fn script(index: u64, package: &str, start: f64, seconds: f64) -> Entry {
    unit(index, package, "build-script", start, seconds)
}

/// A half with these units in its report. `compiled` has package, kind and target in the order in which they were
/// finished.
pub fn half(name: &str, offset: f64, units: &[Entry], compiled: &[(&str, &str, Option<&str>)]) -> Half {
    let compiled = compiled.iter().map(|(package, kind, target)| CompiledUnit {
        package: (*package).to_owned(),
        version: "1.0.0".to_owned(),
        crate_name: if *kind == "build-script" { "build_script_build" } else { package }.to_owned(),
        kind: (*kind).to_owned(),
        target: target.map(str::to_owned),
        features: Vec::new(),
    });
    let entries: Vec<&Value> = units.iter().map(|entry| &entry.0).collect();
    let data = serde_json::to_string_pretty(&entries).unwrap();
    Half {
        name: name.to_owned(),
        offset,
        report: PathBuf::from(format!("timings/{name}.html")),
        html: format!(
            "<script>\nDURATION = 100;\nconst UNIT_DATA = {data};\nconst CPU_USAGE = [];\n</script>"
        ),
        compiled: compiled.collect(),
    }
}

/// The front half from 0 to 5.5 s, then the server to 15.6 s. The server's `ui` waited for a job from 9.5 to 10.1 s.
pub fn both_halves() -> Vec<Half> {
    let front = half(
        "front",
        0.4,
        &[
            library(0, "core", 0.1, 0.75).metadata(0.5, &[1]),
            library(1, "ui", 0.6, 2.5).metadata(1.5, &[]).unblocks(&[2]),
            library(2, "front", 3.1, 2.0),
        ],
        &[("core", "lib", Some(WASM)), ("ui", "lib", Some(WASM)), ("front", "cdylib", Some(WASM))],
    );
    let server = half(
        "server",
        5.6,
        &[
            library(0, "core", 3.4, 0.75).metadata(0.5, &[1]),
            library(1, "ui", 4.5, 2.5).metadata(1.5, &[]).unblocks(&[2]),
            unit(2, "server", "bin", 7.0, 3.0),
        ],
        &[("core", "lib", None), ("ui", "lib", None), ("server", "bin", None)],
    );
    vec![front, server]
}

/// A unit of the front half as it is in a timeline, for this machine.
pub fn timed(package: &str, kind: &str, start: f64, seconds: f64) -> TimedUnit {
    TimedUnit {
        half: "front".to_owned(),
        package: package.to_owned(),
        version: "1.0.0".to_owned(),
        kind: kind.to_owned(),
        target: None,
        features: Vec::new(),
        start,
        seconds,
        frontend_seconds: None,
        codegen_seconds: None,
        link_seconds: None,
    }
}

pub fn step(name: &str, start: f64, seconds: f64) -> TimedStep {
    TimedStep { name: name.to_owned(), start, seconds }
}
