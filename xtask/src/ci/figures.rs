//! Figures of one run of a workflow, from what its steps have left on record. Pure.
//!
//! Owns how a build is classed and what its hit rate is; whether a figure is good is decided in `budgets.rs`.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use crate::record::RunResult;
use crate::record::ci_summary::{
    BuildClass, BuildFigures, DeploymentFigures, Hits, ImageFigures, RunFigures, WasmFigures,
};
use crate::record::docker_build::StageState;
use crate::record::kept::KeptRun;

/// Which runs belong to this one of the workflow. A target directory that came out of a cache has older ones too.
pub struct Belonging<'a> {
    /// The commit that is checked out; `None` outside of a workflow.
    pub commit: Option<&'a str>,
    /// When the event happened, where it tells.
    pub since: Option<DateTime<Utc>>,
}

/// The run of each command that counts, in the order of `all`.
///
/// Outside of a workflow it is the newest of each. In one it is the newest of the workflow's commit that began after
/// the event, and of builds the one that compiled most: a later one in the same job finds what that one has made. A
/// smoke test names no commit, so that it has to be of the image that was made; a deployment may be either.
pub fn of_this_run(
    all: &[(&'static str, Vec<KeptRun>)],
    belonging: &Belonging<'_>,
) -> Vec<(&'static str, KeptRun)> {
    let mut chosen: Vec<(&'static str, KeptRun)> = Vec::new();
    for (command, runs) in all {
        let digest = chosen.iter().rev().find_map(|(_, run)| run.digest.as_deref().map(only_digest));
        let belongs = |run: &&KeptRun| {
            let Some(commit) = belonging.commit else { return true };
            let is_late = belonging.since.is_none_or(|since| began(run).is_some_and(|began| began >= since));
            let is_of_image = || digest.is_some() && digest == of_image(run);
            let is_ours = match *command {
                "smoke" => is_of_image(),
                // What the app is told that it is may be any text.
                "deploy" => run.commit() == Some(commit) || is_of_image(),
                _ => run.commit() == Some(commit),
            };
            is_late && is_ours
        };
        let mut candidates = runs.iter().filter(belongs);
        let run = match belonging.commit {
            Some(_) if *command == "build" => candidates.max_by_key(|run| run.compiled()),
            _ => candidates.next_back(),
        };
        chosen.extend(run.map(|run| (*command, run.clone())));
    }
    chosen
}

fn began(run: &KeptRun) -> Option<DateTime<Utc>> {
    Some(DateTime::parse_from_rfc3339(&run.started).ok()?.to_utc())
}

/// The digest of the image that was looked at.
fn of_image(run: &KeptRun) -> Option<String> {
    run.digest.as_deref().or(run.image.as_deref()).map(only_digest)
}

/// The digest in the name of an image, or alone.
fn only_digest(named: &str) -> String {
    named.rsplit_once('@').map_or(named, |(_, digest)| digest).to_owned()
}

fn find<'a>(runs: &'a [(&'static str, KeptRun)], command: &str) -> Option<&'a KeptRun> {
    runs.iter().find(|(name, _)| *name == command).map(|(_, run)| run)
}

/// How long each took, and which steps it had.
pub fn runs(runs: &[(&'static str, KeptRun)]) -> Vec<RunFigures> {
    let figures = runs.iter().map(|(command, run)| RunFigures {
        command: (*command).to_owned(),
        result: run.result,
        started: run.started.clone(),
        seconds: run.seconds,
        steps: run.steps.clone(),
    });
    figures.collect()
}

/// The build: that within Docker where there was one, since it makes the image; else ours. One that failed says nothing
/// about how long a build takes.
pub fn build(runs: &[(&'static str, KeptRun)], members: &BTreeSet<String>) -> Option<BuildFigures> {
    let good = |command: &str| find(runs, command).filter(|run| run.result == RunResult::Ok);
    let of_docker = good("docker-build").filter(|run| !run.reused).and_then(|run| {
        let (class, hits) = in_docker(run, members)?;
        Some(BuildFigures {
            command: "docker-build".to_owned(),
            class,
            seconds: run.seconds,
            hits: Some(hits),
        })
    });
    of_docker.or_else(|| {
        let run = good("build")?;
        let (class, hits) = by_units(run, members);
        Some(BuildFigures { command: "build".to_owned(), class, seconds: run.seconds, hits })
    })
}

/// By cargo's own count. The first call of cargo decides whether there was anything: a later one finds host units that
/// the first has made, and those count as reused only where the build was not cold.
fn by_units(run: &KeptRun, members: &BTreeSet<String>) -> (BuildClass, Option<Hits>) {
    let units: Vec<_> = run.steps.iter().filter_map(|step| step.units.as_ref()).collect();
    let (fresh, compiled) =
        units.iter().fold((0, 0), |(fresh, compiled), one| (fresh + one.fresh, compiled + one.compiled));
    let mut packages = units.iter().flat_map(|one| &one.compiled_packages);
    let class = if units.first().is_some_and(|first| first.fresh == 0 && first.compiled > 0) {
        BuildClass::Cold
    } else if packages.all(|package| members.contains(package)) {
        BuildClass::Hot
    } else {
        BuildClass::Warm
    };
    let reused = if class == BuildClass::Cold { 0 } else { fresh };
    (class, hits("compile units", reused, fresh + compiled))
}

/// By what became of the instructions that run something: those that cook dependencies decide.
fn in_docker(run: &KeptRun, members: &BTreeSet<String>) -> Option<(BuildClass, Hits)> {
    let is_cached = |state: StageState| state == StageState::Cached;
    // A base image that the engine has had for long is cached too, and says nothing.
    let counted = run.stages.iter().filter(|stage| {
        stage.instruction.starts_with("RUN") && matches!(stage.state, StageState::Cached | StageState::Ran)
    });
    let counted: Vec<_> = counted.collect();
    let reused = counted.iter().filter(|stage| is_cached(stage.state)).count();
    let hits = hits("RUN instructions", reused, counted.len())?;
    let cooks: Vec<_> = counted.iter().filter(|stage| stage.instruction.contains("chef cook")).collect();
    let cooked = cooks.iter().filter(|stage| is_cached(stage.state)).count();
    // Packages of the system that were there already are no dependencies that were compiled.
    let is_cold = if cooks.is_empty() { reused == 0 } else { cooked == 0 };
    let halves = run.after_cook.iter().flat_map(|after| after.front.iter().chain(&after.server));
    let only_members =
        halves.flat_map(|half| &half.compiled_packages).all(|package| members.contains(package));
    let class = if is_cold {
        BuildClass::Cold
    } else if !cooks.is_empty() && cooked == cooks.len() && only_members {
        BuildClass::Hot
    } else {
        BuildClass::Warm
    };
    Some((class, hits))
}

fn hits(of: &str, reused: usize, all: usize) -> Option<Hits> {
    let percent = reused as f64 * 100.0 / all as f64;
    (all > 0).then(|| Hits { of: of.to_owned(), reused, all, percent })
}

/// The image, from whoever made it.
pub fn image(runs: &[(&'static str, KeptRun)]) -> Option<ImageFigures> {
    let run = find(runs, "pack").or_else(|| find(runs, "docker-build"))?;
    run.digest.as_ref()?;
    let layers = &run.layers;
    Some(ImageFigures {
        reference: run.reference.clone(),
        digest: run.digest.clone(),
        reused: run.reused,
        compressed: (!layers.is_empty()).then(|| layers.iter().map(|layer| layer.size).sum()),
        raw: (!layers.is_empty())
            .then(|| layers.iter().map(|layer| layer.raw_size).sum::<Option<u64>>())
            .flatten(),
    })
}

/// All wasm files together; a variant counts only where every file has it.
pub fn wasm(run: &KeptRun) -> Option<WasmFigures> {
    let files: Vec<_> = run.sizes.iter().filter(|size| size.file.ends_with(".wasm")).collect();
    (!files.is_empty()).then(|| WasmFigures {
        raw: files.iter().map(|file| file.raw).sum(),
        gzip: files.iter().map(|file| file.gzip).sum(),
        brotli: files.iter().map(|file| file.brotli).sum(),
    })
}

/// The deployment, and how long after the push it was verified.
pub fn deployment(
    runs: &[(&'static str, KeptRun)],
    pushed: &Result<DateTime<Utc>, String>,
) -> Option<DeploymentFigures> {
    let run = find(runs, "deploy")?;
    let unmeasured = match run.result {
        RunResult::Ok if run.already_current => Some("it was live already"),
        RunResult::Ok if run.detached => Some("nobody waited for it"),
        RunResult::Ok => None,
        RunResult::Failed => Some("it failed"),
        RunResult::Interrupted => Some("it was interrupted"),
    };
    let live = match (unmeasured, pushed) {
        (Some(why), _) => Err(why.to_owned()),
        (None, Err(why)) => Err(why.clone()),
        (None, Ok(pushed)) => seconds_since(*pushed, run),
    };
    Some(DeploymentFigures {
        result: run.result,
        id: run.deployment.clone(),
        url: run.url.clone(),
        seconds: unmeasured.is_none().then_some(run.seconds),
        push_to_live_seconds: live.clone().ok(),
        note: live.err(),
    })
}

fn seconds_since(pushed: DateTime<Utc>, run: &KeptRun) -> Result<f64, String> {
    let wrong = || "the clocks of GitHub and of this machine do not agree".to_owned();
    let took = TimeDelta::milliseconds((run.seconds * 1000.0) as i64);
    let seconds = (began(run).ok_or_else(wrong)? + took - pushed).num_milliseconds() as f64 / 1000.0;
    if seconds >= run.seconds { Ok(seconds) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn run(started: &str, more: Value) -> KeptRun {
        let mut line = json!({"schema": "xtask.x/1", "result": "ok", "started": started, "seconds": 30.0});
        line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(line).unwrap()
    }

    /// The steps of a build: of each half, units fresh and compiled, and what was compiled.
    fn steps(halves: &[(usize, usize, &[&str])]) -> Value {
        let step = |(fresh, compiled, packages): &(usize, usize, &[&str])| {
            json!({"name": "compile", "state": "ran", "seconds": 1.0, "cpu_seconds": null, "detail": "",
                   "units": {"fresh": fresh, "compiled": compiled, "compiled_packages": packages}})
        };
        json!({"steps": halves.iter().map(step).collect::<Vec<_>>()})
    }

    fn members() -> BTreeSet<String> {
        ["app", "ui"].map(str::to_owned).into()
    }

    #[test]
    fn a_build_is_classed_by_what_cargo_compiled() {
        let class = |halves: &[(usize, usize, &[&str])]| {
            let build = build(&[("build", run("1", steps(halves)))], &members()).unwrap();
            (build.class.name(), build.hits.map(|hits| (hits.reused, hits.all)))
        };
        // What the second half finds, the first has made.
        assert_eq!(class(&[(0, 100, &["serde", "app"]), (40, 60, &["tokio"])]), ("cold", Some((0, 200))));
        assert_eq!(class(&[(90, 10, &["serde", "app"]), (95, 5, &["app"])]), ("warm", Some((185, 200))));
        assert_eq!(class(&[(99, 1, &["ui"]), (98, 2, &["app", "ui"])]), ("hot", Some((197, 200))));
        assert_eq!(class(&[(100, 0, &[]), (100, 0, &[])]), ("hot", Some((200, 200))));
        // Cargo was not asked.
        assert_eq!(class(&[]), ("hot", None));
        let failed = run("1", json!({"result": "failed"}));
        assert_eq!(build(&[("build", failed)], &members()), None);
    }

    #[test]
    fn a_build_in_docker_is_classed_by_what_was_cooked() {
        let class = |states: &[&str], compiled: &[&str]| {
            let instructions = [
                "FROM rust",
                "RUN cargo chef cook --front",
                "RUN cargo chef cook",
                "RUN build",
                "RUN apt-get install cookies",
            ];
            let stages: Vec<Value> = instructions
                .iter()
                .zip(states)
                .map(|(instruction, state)| {
                    json!({"stage": "s", "instruction": instruction, "state": state, "seconds": null})
                })
                .collect();
            let after = json!({"front": {"fresh": 0, "compiled": 1, "compiled_packages": compiled},
                               "server": null, "dependencies": []});
            let made = run("1", json!({"stages": stages, "after_cook": after}));
            let build = build(&[("docker-build", made)], &members()).unwrap();
            (build.class.name(), build.hits.map(|hits| (hits.reused, hits.all)).unwrap())
        };
        assert_eq!(class(&["ran", "ran", "ran", "ran"], &["app"]), ("cold", (0, 3)));
        assert_eq!(class(&["cached", "cached", "ran", "ran"], &["app"]), ("warm", (1, 3)));
        assert_eq!(class(&["cached", "cached", "cached", "ran"], &["app"]), ("hot", (2, 3)));
        assert_eq!(class(&["cached", "cached", "cached", "ran"], &["serde"]), ("warm", (2, 3)));
        // What is no cook says nothing, whatever it is called.
        assert_eq!(class(&["cached", "ran", "ran", "ran", "cached"], &["app"]), ("cold", (1, 4)));
        assert_eq!(class(&["cached", "cached", "cached", "ran", "ran"], &["app"]), ("hot", (2, 4)));
        // An image that was there is no build.
        let reused = run("1", json!({"reused": true, "stages": []}));
        assert_eq!(build(&[("docker-build", reused)], &members()), None);
    }

    #[test]
    fn records_of_other_runs_do_not_count() {
        let of = |commit: &str| json!({"revision": {"commit": commit, "dirty": false}});
        let with = |mut value: Value, more: Value| {
            value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            value
        };
        let time = |hour: u32| format!("2026-11-21T{hour:02}:00:00Z");
        let (a, b) = ("sha256:a", "sha256:b");
        let all = vec![
            (
                "build",
                vec![
                    run(&time(8), with(of("c"), steps(&[(0, 9, &["app"])]))),
                    run(&time(11), with(of("c"), steps(&[(1, 8, &["app"])]))),
                    run(&time(12), with(of("c"), steps(&[(9, 0, &[])]))),
                    run(&time(13), with(of("d"), steps(&[(0, 9, &["app"])]))),
                ],
            ),
            ("pack", vec![run(&time(12), with(of("c"), json!({"digest": a})))]),
            (
                "smoke",
                vec![
                    run(&time(12), json!({"image": format!("r/app@{a}"), "digest": null})),
                    run(&time(13), json!({"image": "r/app:1", "digest": format!("r/app@{b}")})),
                ],
            ),
            (
                "deploy",
                vec![
                    run(&time(12), json!({"revision": "d"})),
                    run(&time(14), json!({"revision": "blue", "image": format!("r/app@{a}")})),
                ],
            ),
        ];
        let chosen = |commit, hour: Option<u32>| {
            let since = hour.map(|hour| DateTime::parse_from_rfc3339(&time(hour)).unwrap().to_utc());
            let runs = of_this_run(&all, &Belonging { commit, since });
            runs.iter().map(|(name, run)| format!("{name} {}", &run.started[11..13])).collect::<Vec<_>>()
        };
        // A deployment under another name is one of the image that was made.
        assert_eq!(chosen(Some("c"), Some(10)), ["build 11", "pack 12", "smoke 12", "deploy 14"]);
        assert_eq!(chosen(Some("c"), None), ["build 08", "pack 12", "smoke 12", "deploy 14"]);
        assert_eq!(chosen(Some("d"), None), ["build 13", "deploy 12"]);
        assert_eq!(chosen(None, None), ["build 13", "pack 12", "smoke 13", "deploy 14"]);
    }

    #[test]
    fn what_ships_and_when_it_was_live() {
        let sizes = json!({"sizes": [
            {"file": "pkg/a.wasm", "raw": 10, "gzip": 5, "brotli": 4},
            {"file": "pkg/b.wasm", "raw": 7, "gzip": 3, "brotli": null},
            {"file": "server", "raw": 100, "gzip": null, "brotli": null},
        ]});
        let expected = WasmFigures { raw: 17, gzip: Some(8), brotli: None };
        assert_eq!(wasm(&run("1", sizes)), Some(expected));
        assert_eq!(wasm(&run("1", json!({}))), None);

        let packed = json!({"digest": "sha256:a", "layers": [{"size": 3, "raw_size": null}, {"size": 4, "raw_size": 9}]});
        let made = image(&[("pack", run("1", packed))]).unwrap();
        assert_eq!((made.compressed, made.raw), (Some(7), None));

        let pushed = DateTime::parse_from_rfc3339("2026-11-21T10:00:00Z").unwrap().to_utc();
        let live = |started: &str, more: Value| {
            let deployed = deployment(&[("deploy", run(started, more))], &Ok(pushed)).unwrap();
            (deployed.seconds, deployed.push_to_live_seconds)
        };
        assert_eq!(live("2026-11-21T10:03:00Z", json!({})), (Some(30.0), Some(210.0)));
        assert_eq!(live("2026-11-21T09:59:00Z", json!({})), (Some(30.0), None));
        assert_eq!(live("2026-11-21T10:03:00Z", json!({"already_current": true})), (None, None));
        assert_eq!(live("2026-11-21T10:03:00Z", json!({"detached": true})), (None, None));
        assert_eq!(live("2026-11-21T10:03:00Z", json!({"result": "failed"})), (None, None));
    }
}
