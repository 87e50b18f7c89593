//! `cargo xtask ci changes`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::Outputs;
use crate::ci::changes::{Class, Decision, Layout, class, decide};
use crate::ci::github::GitHub;
use crate::ci::summary::Summary;
use crate::cli::ci::ChangesArgs;
use crate::cmd::context::Context;
use crate::exec::Executor;
use crate::exit::Failure;
use crate::facts::changes::{self, Changes};
use crate::facts::workspace::Workspace;
use crate::leptos::project::Project;

/// How many files of a class are named.
const NAMED_MAX: usize = 5;

/// Looks at what has changed; decides what has to run.
pub fn find(
    exec: &Executor,
    github: Option<&GitHub>,
    args: &ChangesArgs,
    summary: &mut Summary,
) -> anyhow::Result<Outputs> {
    summary.begin("comparison");
    let context = Context::load(exec, &args.selection)?;
    let root = &context.workspace.root;
    let classes = match changes::since(exec, root, &revisions(exec, root, github, args.base.as_deref())) {
        Changes::Known { base, files } => {
            let short = base.get(..12).unwrap_or(&base).to_owned();
            summary.add(format!("{} changed since `{short}`.", counted(files.len())));
            Some(classes(exec, &context.workspace, &context.project, files))
        }
        Changes::Unknown(why) if args.base.is_some() => {
            return Err(Failure::usage(why).hint("`git log --oneline` lists what there is").into());
        }
        Changes::Unknown(why) => {
            summary.add(format!("Everything runs: {why}."));
            None
        }
    };
    let mut decision = decide(github, classes.as_ref());
    decision.dependencies |= has_moved(exec, &context, github);
    if let Some(classes) = &classes {
        summary.add(table(classes));
    }
    summary.add(words(&decision));
    let flag = |name: &'static str, value: bool| (name, value.to_string());
    Ok(Outputs::from([
        flag("checks", decision.checks),
        flag("image", decision.image),
        flag("push", decision.push),
        flag("trial", decision.image && !decision.push),
        flag("deploy", decision.deploy),
        flag("dependencies", decision.dependencies),
        flag("code_only", decision.code_only),
    ]))
}

/// Whether the last push to a pull request has changed dependencies: where it has taken such a change back, the request
/// as a whole has none any more, and what was said of it before has to be put right.
fn has_moved(exec: &Executor, context: &Context, github: Option<&GitHub>) -> bool {
    let Some(previous) = github.and_then(|github| github.previous.clone()) else { return false };
    match changes::since(exec, &context.workspace.root, &[previous]) {
        Changes::Known { files, .. } => {
            let classes = classes(exec, &context.workspace, &context.project, files);
            classes.values().any(|class| *class == Class::Dependencies)
        }
        // The branch was forced to another history.
        Changes::Unknown(_) => true,
    }
}

/// What to compare with, the best first.
pub(super) fn revisions(
    exec: &Executor,
    root: &Path,
    github: Option<&GitHub>,
    base: Option<&str>,
) -> Vec<String> {
    if let Some(base) = base {
        return vec![base.to_owned()];
    }
    let Some(github) = github else {
        return ["@{upstream}", "origin/HEAD"].map(str::to_owned).into();
    };
    let mut revisions = Vec::new();
    // For a pull request GitHub checks out its merge, possibly with a base that is newer than the event's.
    if github.pull_request.is_some() && changes::is_merge(exec, root) {
        revisions.push("HEAD^1".to_owned());
    }
    revisions.extend(github.base.clone());
    revisions
}

fn classes(
    exec: &Executor,
    workspace: &Workspace,
    project: &Project,
    files: BTreeSet<String>,
) -> BTreeMap<String, Class> {
    let below = |path: &Path| {
        let below = path.strip_prefix(&workspace.root).ok()?;
        Some(below.to_string_lossy().replace('\\', "/")).filter(|below| !below.is_empty())
    };
    let own = workspace.package(env!("CARGO_PKG_NAME")).and_then(|package| below(package.dir()));
    let automation = own.as_deref().unwrap_or(env!("CARGO_PKG_NAME"));
    let sources = workspace.packages.iter().map(|package| package.dir().join("src"));
    let styles =
        project.style_file.iter().chain(project.tailwind.as_ref().map(|tailwind| &tailwind.input_file));
    let styles = styles.filter_map(|file| file.parent().map(Path::to_owned));
    let of_app = sources.chain(styles).chain(project.assets_dir.clone());
    let mut layout = Layout {
        automation,
        of_app: of_app.filter_map(|folder| below(&folder)).collect(),
        ..Layout::default()
    };
    let texts: Vec<&String> =
        files.iter().filter(|path| class(path, &layout) == Class::Documentation).collect();
    let names: BTreeSet<&str> = texts.iter().filter_map(|path| path.rsplit('/').next()).collect();
    let included = changes::included(exec, &workspace.root, names, automation);
    let is_included = |path: &&&String| path.rsplit('/').next().is_some_and(|name| included.contains(name));
    let tested = changes::tested(exec, &workspace.root, texts.iter().map(|path| path.as_str()), automation);
    layout.tested = tested.into_iter().map(str::to_owned).collect();
    layout.included = texts.iter().filter(is_included).map(|path| (*path).clone()).collect();
    files.iter().map(|path| (path.clone(), class(path, &layout))).collect()
}

fn counted(files: usize) -> String {
    if files == 1 { "1 file has".to_owned() } else { format!("{files} files have") }
}

fn table(classes: &BTreeMap<String, Class>) -> String {
    let mut table = "| what | files | |\n| --- | ---: | --- |\n".to_owned();
    for (class, told) in [
        (Class::App, "app"),
        (Class::Dependencies, "dependencies"),
        (Class::Automation, "automation, image"),
        (Class::Workflows, "workflows"),
        (Class::Tested, "documentation that tests read"),
        (Class::Documentation, "documentation"),
    ] {
        let files: Vec<&str> =
            classes.iter().filter(|(_, of_file)| **of_file == class).map(|(path, _)| path.as_str()).collect();
        if files.is_empty() {
            continue;
        }
        // A name may have anything in it; nothing of it may become markup.
        let plain = |path: &&str| format!("`{}`", path.replace(['`', '|', '\n', '\r'], "?"));
        let mut named: Vec<String> = files.iter().take(NAMED_MAX).map(plain).collect();
        if files.len() > NAMED_MAX {
            named.push("…".to_owned());
        }
        table.push_str(&format!("| {told} | {} | {} |\n", files.len(), named.join(", ")));
    }
    table
}

fn words(decision: &Decision) -> String {
    let Decision { checks, image, push, deploy, dependencies, code_only: _ } = *decision;
    let all = [
        (checks, "checks"),
        (push, "image"),
        (image && !push, "image, which stays here"),
        (deploy, "deployment"),
        (dependencies, "report on dependencies"),
    ];
    let runs: Vec<&str> = all.iter().filter(|(runs, _)| *runs).map(|(_, name)| *name).collect();
    if runs.is_empty() { "Nothing has to run.".to_owned() } else { format!("Runs: {}.", runs.join(", ")) }
}
