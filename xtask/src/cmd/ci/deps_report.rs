//! `cargo xtask ci deps-report`: what a change does to the dependencies, for a comment on its pull request.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Outputs;
use super::changes::revisions;
use crate::ci::checkout::Checkout;
use crate::ci::dependencies::features::{self, Manifests};
use crate::ci::dependencies::lock;
use crate::ci::figures;
use crate::ci::github::GitHub;
use crate::ci::summary::Summary;
use crate::cli::ci_reports::DepsReportArgs;
use crate::cmd::context::Context;
use crate::cmd::print;
use crate::config::lockfile::{self, Locked};
use crate::config::{environment, parse_toml};
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::facts::changes;
use crate::facts::workspace::Workspace;
use crate::leptos::WASM_TARGET;
use crate::leptos::project::{self, Project};
use crate::plan::Invocation;
use crate::record::RunResult;
use crate::record::deps_report::{DEPS_REPORT_SCHEMA, DepsReport, HalfUnits, Units, Wasm};
use crate::record::kept::{self, KeptRun};
use crate::report;

const LOCK: &str = "Cargo.lock";
/// The longest that cargo may take to list a half's packages; it may have to fetch their manifests.
const LIMIT: Duration = Duration::from_secs(300);

/// Compares, writes the report as Markdown and as JSON, and says whether there is anything to say.
pub fn run(
    exec: &Executor,
    github: Option<&GitHub>,
    args: &DepsReportArgs,
    summary: &mut Summary,
) -> anyhow::Result<Outputs> {
    summary.begin("comparison");
    let context = Context::load(exec, &args.selection)?;
    let report = compare(exec, github, &context, args)?;
    let text = report::deps_report::markdown(&report);
    summary.add(&text);
    let text = exec.redact(&format!("### What this changes in the dependencies\n\n{text}"));
    if exec.is_dry_run() {
        return print(&text).map(|()| Outputs::new());
    }
    let folder = context.workspace.target_directory.join("xtask/deps-report");
    let file = args.output.clone().unwrap_or_else(|| folder.join("comment.md"));
    let json = exec.redact(&(serde_json::to_string_pretty(&report)? + "\n"));
    exec.write_file(&file, text.as_bytes())?;
    exec.write_file(&file.with_extension("json"), json.as_bytes())?;
    let changed = report.is_change().to_string();
    Ok(Outputs::from([("changed", changed), ("report", file.display().to_string())]))
}

fn compare(
    exec: &Executor,
    github: Option<&GitHub>,
    context: &Context,
    args: &DepsReportArgs,
) -> anyhow::Result<DepsReport> {
    let root = &context.workspace.root;
    let given = args.base.as_deref();
    let base =
        changes::base(exec, root, &revisions(exec, root, github, given)).map_err(|why| match given {
            Some(_) => Failure::usage(why).hint("`git log --oneline` lists what there is"),
            None => Failure::new(Exit::CommandFailed, why)
                .hint("--base names a commit; in a workflow the event of a pull request does"),
        })?;
    let head = changes::head(exec, root).ok_or_else(|| Failure::usage("this is no checkout of git"))?;
    let lock_of = |commit: &str| -> anyhow::Result<Vec<Locked>> {
        match changes::file_at(exec, root, commit, LOCK) {
            Some(text) => lockfile::packages(&text),
            // The change may be the one that brings it.
            None => Ok(Vec::new()),
        }
    };
    let (before, after) = (lock_of(&base)?, lock_of(&head)?);
    let of_folders = before.iter().chain(&after).filter(|package| package.source.is_none());
    let members: BTreeSet<String> = of_folders.map(|package| package.name.clone()).collect();
    let of_commit = |commit: &str| manifests(exec, root, commit);
    Ok(DepsReport {
        schema: DEPS_REPORT_SCHEMA,
        lock: lock::compare(&before, &after),
        features: features::compare(&of_commit(&base), &of_commit(&head), &members),
        units: units(exec, context, &base)?,
        wasm: wasm(context, &base, &head),
        base,
        head,
    })
}

/// Those that can be read: the others have no dependencies that cargo would know of.
fn manifests(exec: &Executor, root: &Path, commit: &str) -> Manifests {
    let paths = changes::manifests_at(exec, root, commit);
    let read = |path: String| {
        let text = changes::file_at(exec, root, commit, &path)?;
        Some((path.clone(), parse_toml(&text, &path).ok()?))
    };
    paths.into_iter().filter_map(read).collect()
}

/// Both sides as cargo sees them. What is missing is a remark and no failure: the rest of the report stands.
fn units(exec: &Executor, context: &Context, base: &str) -> anyhow::Result<Units> {
    let mut units = Units::default();
    let Context { workspace, project, .. } = context;
    match half_units(exec, context, &workspace.root, project) {
        Ok(after) => units.after = Some(after),
        Err(error) => units.note = Some(remark(error)?),
    }
    if exec.is_dry_run() {
        units.note = Some("a dry run writes no files of the other commit".to_owned());
        return Ok(units);
    }
    let folder = workspace.target_directory.join("xtask/deps-report/base");
    let before = Checkout::make(exec, &workspace.root, base, &folder).and_then(|checkout| {
        let mut other = Workspace::probe(exec, &checkout.root)?;
        // The environment may name one for all, in which the checkout itself is; nothing is built here.
        other.target_directory = other.root.join("target");
        let variables: BTreeMap<String, String> = environment::read(&other.root)?;
        let chosen = Some(project.name.as_str()).filter(|_| has_choice(context));
        let other_project = project::resolve(&other, &variables, chosen, &checkout.root)?;
        half_units(exec, context, &other.root, &other_project)
    });
    match before {
        Ok(before) => units.before = Some(before),
        Err(error) => units.note = Some(remark(error)?),
    }
    Ok(units)
}

/// Whether the project has to be named: the only one may have had another name before.
fn has_choice(context: &Context) -> bool {
    project::only_name(&context.workspace).is_none()
}

/// Why something could not be told, in one line; an interruption stays one.
fn remark(error: anyhow::Error) -> anyhow::Result<String> {
    if matches!(Exit::of(&error), Exit::Interrupted(_)) {
        return Err(error);
    }
    let text = format!("{error:#}");
    Ok(text.lines().next().unwrap_or_default().replace('`', "'"))
}

fn half_units(
    exec: &Executor,
    context: &Context,
    root: &Path,
    project: &Project,
) -> anyhow::Result<HalfUnits> {
    let server_triple = project.bin_target_triple.as_deref().unwrap_or(&context.toolchain.host);
    let count = |package: &str, triple: &str, default: bool, features: &[String]| {
        let mut command = Invocation::new(&context.toolchain.cargo, root)
            .args(["tree", "--locked", "--package", package, "--target", triple])
            .args(["--edges", "normal,build", "--prefix", "none", "--format", "{p} {f}"])
            .timeout(LIMIT);
        if !default {
            command = command.arg("--no-default-features");
        }
        if !features.is_empty() {
            command = command.args(["--features", &features.join(",")]);
        }
        let answer = exec.probe(&command)?;
        if !answer.success {
            let why = answer.stderr.lines().find(|line| line.starts_with("error")).unwrap_or("it failed");
            return Err(anyhow::anyhow!("cargo tree: {}", exec.redact(why)));
        }
        Ok(distinct(&answer.stdout))
    };
    let lib = &project.lib_package.name;
    let front = count(lib, WASM_TARGET, project.lib_default_features, &project.lib_features)?;
    let bin = &project.bin_package.name;
    let server = count(bin, server_triple, project.bin_default_features, &project.bin_features)?;
    Ok(HalfUnits { front, server })
}

/// How many packages there are in a list of `cargo tree`: one with other features is another one to compile.
fn distinct(list: &str) -> usize {
    let lines = list.lines().map(|line| line.trim_end().trim_end_matches(" (*)").trim_end());
    lines.filter(|line| !line.is_empty()).collect::<BTreeSet<_>>().len()
}

/// From builds of exactly these commits that are on record here, e.g. in a target directory that came from the cache of
/// the default branch. Only builds with the same profile can be compared.
fn wasm(context: &Context, base: &str, head: &str) -> Wasm {
    let folder: PathBuf = context.workspace.target_directory.join("xtask/records");
    let builds = kept::runs(&[folder], "build");
    let of = |commit: &str, profile: Option<&String>| -> Option<&KeptRun> {
        builds.iter().rev().find(|run| {
            run.result == RunResult::Ok
                && run.is_clean()
                && run.commit() == Some(commit)
                && !run.sizes.is_empty()
                && profile.is_none_or(|profile| run.profile.as_ref() == Some(profile))
        })
    };
    let after = of(head, None);
    let before = of(base, after.and_then(|run| run.profile.as_ref()));
    Wasm { before: before.and_then(figures::wasm), after: after.and_then(figures::wasm) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_package_counts_once_for_each_set_of_features() {
        let list = "app v0.1.0 (/w/app) \nserde v1.0.0 default,std\nserde v1.0.0 default,std (*)\n\
                    serde v1.0.0 default\n\nserde_derive v1.0.0 (proc-macro) default\n";
        assert_eq!(distinct(list), 4);
    }
}
