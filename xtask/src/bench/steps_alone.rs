//! Single steps of a build, timed alone: the server's link with each linker, wasm-opt at each level.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail};

use super::links::{self, Held};
use super::matrix::Planned;
use super::run::{Attempt, Bench};
use super::samples;
use super::scenario::Scenario;
use super::variant::{Axis, Variant};
use super::wasm;
use crate::exit::Exit;
use crate::leptos::compress;
use crate::record::Sizes;
use crate::record::bench::Sample;
use crate::record::bench::activity::Activity;
use crate::tools::local::DEFAULT_LINKER;

/// The server's last link, with each linker in turn.
pub fn links(bench: &mut Bench<'_>, planned: &Planned) -> anyhow::Result<()> {
    let usual = planned.variants[0].with(Axis::Linker, DEFAULT_LINKER);
    let line = bench.subject.lines.get(&Scenario::PatchServer).map(|line| line.file.clone());
    let (Some(file), Some(script)) = (line, bench.place.as_ref().map(|place| place.linker())) else {
        return all_failed(bench, planned, "the server has no link of its own here");
    };
    if let Err(reason) = bench.settle(&usual, Some(&file))? {
        return all_failed(bench, planned, &reason);
    }
    bench.checkout.patch(&file)?;
    let hold = bench.scratch.join("held");
    links::prepare(&hold)?;
    let mut command = bench.command(&usual, false, None).arg("--server-only");
    command.env.extend(links::environment(&hold, &bench.subject.server_crate));
    let is_over = AtomicBool::new(false);
    let exec = bench.exec;
    bench.exec.ui().status("Preparing", "a build up to its link");
    let measured = std::thread::scope(|scope| {
        let build = scope.spawn(|| {
            let built = exec.measure(&command, &[]);
            is_over.store(true, Ordering::Release);
            built
        });
        let over = || is_over.load(Ordering::Acquire);
        let result = links::wait(exec, &hold, &bench.scratch.join("linked"), over)
            .and_then(|held| measure_links(bench, planned, &held, &script, &over));
        // Whatever has happened, the build goes on to its end.
        links::release(&hold);
        let built = build.join().map_err(|_| anyhow::anyhow!("the thread of a build broke down"))?;
        result.map(|()| built)
    });
    match measured {
        Ok(Ok(built)) if built.success => {
            bench.targets.note_built(&bench.checkout);
            Ok(())
        }
        Ok(Ok(built)) => {
            bench.targets.forget();
            let reason = bench.failure(&built)?;
            all_failed(bench, planned, &reason)
        }
        Ok(Err(error)) | Err(error) => {
            bench.targets.forget();
            match Exit::of(&error) {
                Exit::Interrupted(_) => Err(error),
                _ => all_failed(bench, planned, &format!("{error:#}")),
            }
        }
    }
}

/// `is_over` says that the build whose link is held has ended, with the objects that are linked.
fn measure_links(
    bench: &mut Bench<'_>,
    planned: &Planned,
    held: &Held,
    script: &Path,
    is_over: &dyn Fn() -> bool,
) -> anyhow::Result<()> {
    let comparison = &planned.comparison;
    let log = bench.scratch.join("links.log");
    // Round 0 brings each linker and the objects into memory, and counts for nothing.
    for round in 0..=comparison.runs {
        for index in samples::turn(round.max(1), comparison.arms.len()) {
            let name = &comparison.arms[index].name;
            if !bench.is_wanted(comparison, name, round) {
                continue;
            }
            let linker = planned.variants[index].get(Axis::Linker);
            let _ = fs::remove_file(&log);
            bench.quiet_disk();
            let measured = held.link(bench.exec, script, linker, &log)?;
            if is_over() {
                bail!("the build that waited at its link has ended before all links were measured");
            }
            if round == 0 {
                continue;
            }
            bench.tell(comparison, name, round);
            let mut sample = samples::sample(comparison, name, round, &measured);
            samples::forget_fork(&mut sample, linker, true);
            let linked = super::evidence::read_links(&fs::read_to_string(&log).unwrap_or_default());
            sample.activity = Activity { linked_by: held.linked_by(), ..Activity::default() };
            for link in linked {
                *sample.activity.links.entry(link.linker).or_default() += 1;
            }
            sample.sizes = sizes(held.size(), &bench.subject.server_crate);
            sample.invalid = if measured.success {
                contradiction(linker, &sample.activity)
            } else {
                Some(format!("the link failed: {}", bench.exec.redact(measured.stderr.trim())))
            };
            bench.add(sample)?;
        }
    }
    Ok(())
}

fn contradiction(linker: &str, activity: &Activity) -> Option<String> {
    if let Some(other) = activity.links.keys().find(|name| *name != linker) {
        return Some(format!("{linker} was not active: {other} linked"));
    }
    super::evidence::mark_contradiction(linker, activity.linked_by.as_deref())
}

/// wasm-opt at each level, on the file that wasm-bindgen left.
pub fn wasm_opt(bench: &mut Bench<'_>, planned: &Planned) -> anyhow::Result<()> {
    let command = match prepare_wasm(bench, &planned.variants[0])? {
        Ok(command) => command,
        Err(reason) => return all_failed(bench, planned, &reason),
    };
    let comparison = &planned.comparison;
    let folder = bench.scratch.join("wasm");
    fs::create_dir_all(&folder).with_context(|| format!("create `{}`", folder.display()))?;
    let output = folder.join("optimised.wasm");
    for round in 1..=comparison.runs {
        for index in samples::turn(round, comparison.arms.len()) {
            let name = &comparison.arms[index].name;
            if !bench.is_wanted(comparison, name, round) {
                continue;
            }
            bench.tell(comparison, name, round);
            let level = planned.variants[index].get(Axis::WasmOpt);
            let _ = fs::remove_file(&output);
            let sample = if level == "off" {
                // Nothing runs, which takes no time; what ships then is what wasm-bindgen left.
                Sample {
                    seconds: 0.0,
                    invalid: None,
                    sizes: wasm_sizes(&command.input)?,
                    ..samples::failed(comparison, name, round, String::new())
                }
            } else {
                bench.quiet_disk();
                let measured = bench.exec.measure(&command.command(level, &output), &[])?;
                let mut sample = samples::sample(comparison, name, round, &measured);
                if measured.success && output.is_file() {
                    sample.sizes = wasm_sizes(&output)?;
                } else {
                    sample.invalid =
                        Some(format!("wasm-opt failed: {}", bench.exec.redact(measured.stderr.trim())));
                }
                sample
            };
            bench.add(sample)?;
        }
    }
    Ok(())
}

fn prepare_wasm(bench: &mut Bench<'_>, variant: &Variant) -> Attempt<wasm::WasmOpt> {
    if let Err(reason) = bench.settle(variant, None)? {
        return Ok(Err(reason));
    }
    let plan = bench.exec.measure(&bench.command(variant, false, None).arg("--dry-run"), &[])?;
    if !plan.success {
        return Ok(Err(bench.failure(&plan)?));
    }
    Ok(match wasm::find(&plan.stdout) {
        Ok(Some(command)) => Ok(command),
        Ok(None) => Err(format!("the profile {} runs no wasm-opt", variant.get(Axis::Profile))),
        Err(error) => Err(format!("{error:#}")),
    })
}

fn sizes(size: Option<u64>, file: &str) -> Vec<Sizes> {
    size.into_iter().map(|raw| Sizes { file: file.to_owned(), raw, gzip: None, brotli: None }).collect()
}

/// As a browser would be sent it.
fn wasm_sizes(file: &Path) -> anyhow::Result<Vec<Sizes>> {
    let content = fs::read(file).with_context(|| format!("read `{}`", file.display()))?;
    Ok(vec![Sizes {
        file: "wasm".to_owned(),
        raw: content.len() as u64,
        gzip: Some(compress::gzip(&content)?.len() as u64),
        brotli: Some(compress::brotli(&content)?.len() as u64),
    }])
}

/// No arm can be measured, for the same reason.
fn all_failed(bench: &mut Bench<'_>, planned: &Planned, reason: &str) -> anyhow::Result<()> {
    let comparison = &planned.comparison;
    for arm in comparison.arms.iter().filter(|arm| arm.unavailable.is_none()) {
        if bench.is_wanted(comparison, &arm.name, comparison.runs) {
            bench.add(samples::failed(comparison, &arm.name, comparison.runs, reason.to_owned()))?;
        }
    }
    Ok(())
}
