//! What has run on this machine, by its records. A line that cannot be read, or is of another schema, is counted
//! and left out: records are appended by many versions of this program, and some are cut off.

use std::io::ErrorKind;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::time;
use crate::record::deploy::DEPLOY_SCHEMA;
use crate::record::docker_build::DOCKER_BUILD_SCHEMA;
use crate::record::monitor::{HitRate, ImageSize, ImageSource, Outcome, Point};
use crate::record::pack::PACK_SCHEMA;
use crate::record::{self, BUILD_SCHEMA, RunResult};

/// What is read: the name of the records, and their schema.
const READ: [(&str, &str); 4] = [
    ("build", BUILD_SCHEMA),
    ("pack", PACK_SCHEMA),
    ("docker-build", DOCKER_BUILD_SCHEMA),
    ("deploy", DEPLOY_SCHEMA),
];

/// Points of one command, the oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalRuns {
    /// E.g. `build`.
    pub command: String,
    pub points: Vec<Point>,
}

/// All that this machine's records tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Local {
    pub runs: Vec<LocalRuns>,
    pub images: Vec<ImageSize>,
    pub hit_rates: Vec<HitRate>,
    pub notes: Vec<String>,
}

/// What the records that we read have in common. All else is looked for by name.
#[derive(Deserialize)]
struct Line {
    schema: String,
    result: RunResult,
    started: String,
    seconds: f64,
    #[serde(flatten)]
    rest: Value,
}

/// Reads all records since then.
///
/// # Errors
/// Where a file is there and cannot be read.
pub fn read(target_directory: &Path, since: DateTime<Utc>) -> anyhow::Result<Local> {
    let mut local = Local::default();
    let mut lines: Vec<(&str, Line)> = Vec::new();
    for (name, schema) in READ {
        let path = record::path(target_directory, name);
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            other => other.map_err(|error| anyhow::anyhow!("read {}: {error}", path.display()))?,
        };
        let text = String::from_utf8_lossy(&text);
        let mut left_out = 0;
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match serde_json::from_str::<Line>(line) {
                Ok(line) if line.schema == schema && time::parse(&line.started).is_some() => {
                    lines.push((name, line));
                }
                _ => left_out += 1,
            }
        }
        if left_out > 0 {
            let (records, are) = if left_out == 1 { ("record", "is") } else { ("records", "are") };
            local
                .notes
                .push(format!("{name}.jsonl: {left_out} {records} could not be read and {are} left out"));
        }
    }
    let is_recent = |line: &Line| time::parse(&line.started).is_some_and(|at| at >= since);
    lines.retain(|(_, line)| is_recent(line));
    lines.sort_by_key(|(_, line)| time::parse(&line.started));
    for (name, line) in &lines {
        let command = command(name, line);
        let point = point(line);
        match local.runs.iter_mut().find(|runs| runs.command == command) {
            Some(runs) => runs.points.push(point),
            None => local.runs.push(LocalRuns { command, points: vec![point] }),
        }
    }
    local.images =
        lines.iter().filter(|(name, _)| *name == "pack").filter_map(|(_, line)| image(line)).collect();
    local.hit_rates = hit_rates(&lines);
    Ok(local)
}

/// Runs of a command that did as little or as much as each other: where cargo had nothing to compile, a build is
/// another thing than where it had.
fn command(name: &str, line: &Line) -> String {
    let text = |key: &str| line.rest.get(key).and_then(Value::as_str);
    match name {
        "build" => {
            let nothing = match units(line) {
                Some((_, 0)) | None if line.result == RunResult::Ok => ", nothing to compile",
                _ => "",
            };
            let profile = text("profile").unwrap_or("unknown profile");
            format!("build ({profile}{nothing})")
        }
        "pack" => "docker pack".to_owned(),
        "docker-build" => "docker build".to_owned(),
        // A rollback, and finding that all is there, take other times than a deployment.
        _ if line.rest.get("rollback").is_some_and(|rollback| !rollback.is_null()) => {
            "deploy rollback".to_owned()
        }
        _ if line.rest.get("already_current") == Some(&Value::Bool(true)) => {
            "deploy (nothing to do)".to_owned()
        }
        _ => "deploy".to_owned(),
    }
}

fn point(line: &Line) -> Point {
    let commit = line.rest.pointer("/revision/commit").or_else(|| line.rest.get("revision"));
    let commit: Option<String> =
        commit.and_then(Value::as_str).map(|commit| commit.chars().take(7).collect::<String>());
    Point {
        id: line.started.clone(),
        label: commit.unwrap_or_else(|| "no commit".to_owned()),
        at: line.started.clone(),
        seconds: Some(line.seconds),
        outcome: match line.result {
            RunResult::Ok => Outcome::Ok,
            RunResult::Failed => Outcome::Failed,
            RunResult::Interrupted => Outcome::Cancelled,
        },
        url: None,
        // Whoever builds here looks at it; a streak of failures is work in progress, but for a deployment.
        is_main: line.schema == DEPLOY_SCHEMA,
        branch: None,
        jobs: None,
    }
}

/// The size of what a registry was sent, or would have been.
fn image(line: &Line) -> Option<ImageSize> {
    let digest = line.rest.get("digest")?.as_str()?.to_owned();
    let layers = line.rest.get("layers")?.as_array()?;
    let sizes: Option<Vec<u64>> = layers.iter().map(|layer| layer.get("size")?.as_u64()).collect();
    let sizes = sizes.filter(|sizes| !sizes.is_empty())?;
    let name = digest.trim_start_matches("sha256:").chars().take(12).collect();
    Some(ImageSize {
        name,
        digest,
        at: line.started.clone(),
        bytes: Some(sizes.iter().sum()),
        source: ImageSource::Local,
    })
}

/// Units that cargo reused and compiled, over all steps; `None` where cargo was not asked.
fn units(line: &Line) -> Option<(u64, u64)> {
    let steps = line.rest.get("steps")?.as_array()?;
    let of = |step: &Value| {
        Some((step.pointer("/units/fresh")?.as_u64()?, step.pointer("/units/compiled")?.as_u64()?))
    };
    let all: Vec<(u64, u64)> = steps.iter().filter_map(of).collect();
    (!all.is_empty()).then(|| all.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1)))
}

fn hit_rates(lines: &[(&str, Line)]) -> Vec<HitRate> {
    let of = |name: &str| {
        let good = move |(known, line): &&(&str, Line)| *known == name && line.result == RunResult::Ok;
        lines.iter().filter(good).map(|(_, line)| line).collect::<Vec<_>>()
    };
    let list = |line: &Line, key: &str| -> Vec<Value> {
        line.rest.get(key).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let counted = |line: &Line, key: &str, words: &[&str], hits: &[&str]| -> Option<(u64, u64)> {
        let entries = list(line, key);
        let states: Vec<&str> = entries.iter().filter_map(|entry| entry.get("state")?.as_str()).collect();
        let count = |of: &[&str]| states.iter().filter(|state| of.contains(state)).count() as u64;
        (count(words) > 0).then(|| (count(hits), count(words)))
    };
    let builds = summed(
        "compile units that cargo reused, in builds here",
        of("build").iter().map(|line| units(line).map(|(fresh, compiled)| (fresh, fresh + compiled))),
    );
    let layers = summed(
        "layers that the registry had already, in docker pack here",
        of("pack")
            .iter()
            .map(|line| counted(line, "layers", &["sent", "mounted", "there"], &["mounted", "there"])),
    );
    let reused = |line: &Line| line.rest.get("reused").and_then(Value::as_bool);
    let images = summed(
        "images of the same inputs that were there already, in docker pack and build here",
        of("pack").iter().chain(&of("docker-build")).map(|line| Some((u64::from(reused(line)?), 1))),
    );
    let stages = summed(
        "instructions whose layer was in a cache, in docker build here",
        of("docker-build").iter().map(|line| counted(line, "stages", &["ran", "cached"], &["cached"])),
    );
    [builds, layers, images, stages].into_iter().flatten().collect()
}

/// `None` where no run tells.
fn summed(what: &str, each: impl Iterator<Item = Option<(u64, u64)>>) -> Option<HitRate> {
    let told: Vec<(u64, u64)> = each.flatten().collect();
    let (hits, total) = told.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    (total > 0).then(|| HitRate { what: what.to_owned(), hits, total, runs: told.len() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn folder(files: &[(&str, &[Value], &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, records, end) in files {
            let path = record::path(folder.path(), name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
            std::fs::write(path, lines + end).unwrap();
        }
        folder
    }

    fn build(day: u32, compiled: u64, result: &str) -> Value {
        json!({"schema": "xtask.build/1", "result": result, "started": format!("2026-11-{day:02}T10:00:00Z"),
               "seconds": 60.0 + f64::from(day), "profile": "production", "revision": {"commit": "0123456789"},
               "steps": [{"name": "compile server", "units": {"fresh": 90, "compiled": compiled}}, {"name": "hash", "units": null}]})
    }

    fn since(text: &str) -> DateTime<Utc> {
        time::parse(text).unwrap()
    }

    #[test]
    fn commands_that_did_as_much() {
        let pack = json!({"schema": "xtask.pack/1", "result": "ok", "started": "2026-11-05T10:00:00Z", "seconds": 9.0,
                          "digest": "sha256:0123456789abcdef", "reused": false,
                          "layers": [{"size": 100, "state": "there"}, {"size": 20, "state": "sent"}]});
        let deploy = |rollback: Value| {
            json!({"schema": "xtask.deploy/1", "result": "failed", "started": "2026-11-06T10:00:00Z", "seconds": 31.0,
                   "revision": "abcdef0123", "rollback": rollback, "already_current": false})
        };
        let builds = [build(3, 10, "ok"), build(2, 0, "ok"), build(1, 5, "ok"), build(4, 0, "failed")];
        let folder = folder(&[
            ("build", &builds, "half a li"),
            ("pack", &[pack], ""),
            ("deploy", &[deploy(Value::Null), deploy(json!({"to": "d-1"}))], "{\"schema\": \"other\"}\n"),
        ]);
        let local = read(folder.path(), since("2026-11-02T00:00:00Z")).unwrap();
        let commands: Vec<(&str, usize)> =
            local.runs.iter().map(|runs| (runs.command.as_str(), runs.points.len())).collect();
        assert_eq!(
            commands,
            [
                ("build (production, nothing to compile)", 1),
                ("build (production)", 2),
                ("docker pack", 1),
                ("deploy", 1),
                ("deploy rollback", 1),
            ]
        );
        let last = &local.runs[3].points[0];
        assert_eq!((last.label.as_str(), last.outcome, last.is_main), ("abcdef0", Outcome::Failed, true));
        assert_eq!((local.images[0].name.as_str(), local.images[0].bytes), ("0123456789ab", Some(120)));
        let rates: Vec<(u64, u64)> = local.hit_rates.iter().map(|rate| (rate.hits, rate.total)).collect();
        assert_eq!(rates, [(180, 190), (1, 2), (0, 1)]);
        assert_eq!(local.notes.len(), 2, "{:?}", local.notes);
    }

    #[test]
    fn a_machine_without_records() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path(), since("2026-11-02T00:00:00Z")).unwrap(), Local::default());
    }
}
