//! `cargo xtask generate`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::context::Context;
use super::docker::pack;
use super::print;
use crate::cli::{GenerateArgs, Selection};
use crate::config::tools::Table;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::generate::dockerfile::{self, Recipe};
use crate::generate::{self, Blocks, Drift, cook};
use crate::leptos::environment::SERVER_FN_KEY;
use crate::leptos::halves::DEFAULT_PROFILE;
use crate::leptos::planning::{self, COMPILE_FRONT, COMPILE_SERVER};
use crate::plan::Invocation;
use crate::report::Format;
use crate::tools::Tool;

/// The one file with such lines.
pub const DOCKERFILE: &str = "Dockerfile.production";

/// The report of `generate`.
#[derive(Serialize)]
struct Report {
    schema: &'static str,
    file: &'static str,
    /// The lines that differ, or that were written.
    drifts: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    line: usize,
    block: String,
    found: String,
    wanted: String,
}

/// Writes the lines, or with `--check` fails where one would be written.
pub fn run(exec: &Executor, args: &GenerateArgs) -> anyhow::Result<()> {
    let context = Context::load(exec, &args.selection)?;
    let path = context.workspace.root.join(DOCKERFILE);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Failure::usage(format!("cannot read {}: {error}", path.display()))
            .hint(format!("copy {DOCKERFILE} from the repository that xtask comes from"))
    })?;
    let filled = generate::fill(DOCKERFILE, &text, &blocks(exec, &context, &args.selection)?)?;
    let drifts = filled.drifts.iter().cloned().map(|it| {
        let Drift { line, block, found, wanted } = it;
        Line { line, block, found, wanted }
    });
    let report = Report { schema: "xtask.generate/1", file: DOCKERFILE, drifts: drifts.collect() };
    print(&render(&report, args.format)?)?;
    if filled.drifts.is_empty() {
        exec.ui().status("Fresh", DOCKERFILE);
        return Ok(());
    }
    if args.check {
        let count = filled.drifts.len();
        let what = if count == 1 { "line is" } else { "lines are" };
        let message = format!("{count} {what} not what {DOCKERFILE} has to have");
        return Err(Failure::new(Exit::CheckFailed, message).hint("run `cargo xtask generate`").into());
    }
    if !exec.is_dry_run() {
        exec.write_file(&path, filled.text.as_bytes())?;
        exec.ui().status("Wrote", DOCKERFILE);
    }
    Ok(())
}

/// The lines of the workspace's Dockerfile that are not what they should be; none where it has no such lines.
pub fn drifts(exec: &Executor, context: &Context, selection: &Selection, file: &Path) -> Vec<Drift> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let blocks = blocks(exec, context, selection);
    let filled = blocks.and_then(|blocks| generate::fill(DOCKERFILE, &text, &blocks));
    filled.map(|filled| filled.drifts).unwrap_or_default()
}

/// What follows from the workspace. Nothing of this machine is in it.
fn blocks(exec: &Executor, context: &Context, selection: &Selection) -> anyhow::Result<Blocks> {
    let mut tools = context.tools(exec)?;
    // A private sysroot is this machine's; the image's compiler has the target itself.
    tools.wasm_target.rustflags.clear();
    let rustflags = context.rustflags(&tools);
    let input = context.plan_input(&tools, &rustflags, &[]);
    let plan = planning::plan(&input);
    let compile = |name: &str| -> anyhow::Result<&Invocation> {
        let step = plan.steps.iter().find(|step| step.name == name);
        step.and_then(|step| step.action.command()).with_context(|| format!("a build without `{name}`"))
    };
    let (front, server) = (compile(COMPILE_FRONT)?, compile(COMPILE_SERVER)?);
    let is_shared = |(name, value): &(&String, &String)| server.env.get(*name) == Some(value);
    // BuildKit takes a variable with KEY in its name for a secret, so that one goes to each cook by itself.
    let is_flag = |(name, _): &(&String, &String)| name.ends_with("RUSTFLAGS") || *name == SERVER_FN_KEY;
    let environment: BTreeMap<String, String> = front
        .env
        .iter()
        .filter(|pair| is_shared(pair) && !is_flag(pair))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let below = |path: &Path| {
        let root = &context.workspace.root;
        match path.strip_prefix(&context.workspace.target_directory) {
            Ok(below) => format!("target/{}", below.display()),
            Err(_) => path.strip_prefix(root).unwrap_or(path).display().to_string(),
        }
    };
    let mut build = vec!["build".to_owned(), "--after-cook".to_owned(), "--locked".to_owned()];
    build.extend(["--format", "json"].map(str::to_owned));
    if selection.profile != DEFAULT_PROFILE {
        build.extend(["--profile".to_owned(), selection.profile.clone()]);
    }
    if let Some(project) = &selection.project {
        build.extend(["--project".to_owned(), project.clone()]);
    }
    let project = &context.project;
    let tailwind = project.tailwind.iter();
    let config = tailwind.clone().filter(|it| it.has_config()).filter_map(|it| it.config_file.as_deref());
    let inputs = tailwind.map(|it| it.input_file.as_path());
    let files: Vec<&Path> = project.style_file.as_deref().into_iter().chain(inputs).chain(config).collect();
    let recipe = Recipe {
        pins: pins(context)?,
        front: cook::of(front, &environment)?,
        server: cook::of(server, &environment)?,
        environment,
        build,
        files: files.into_iter().map(below).collect(),
        folders: context.project.assets_dir.iter().map(|folder| below(folder)).collect(),
        folder: pack::APP_DIR.to_owned(),
        binary: below(&planning::server_binary(&input)),
        hash_file: planning::hash_file(&input).map(|file| below(&file)),
        site: below(&project.site_root),
        site_dir: pack::SITE_DIR.to_owned(),
        runtime_environment: pack::container_environment(context),
    };
    Ok(dockerfile::blocks(&recipe))
}

/// The versions of the tools that the Dockerfile installs itself.
fn pins(context: &Context) -> anyhow::Result<Vec<(&'static str, String)>> {
    let table = Table::builtin();
    let pinned = |name: &str| -> anyhow::Result<String> {
        table.tool(name)?.version.clone().with_context(|| format!("`{name}` has no version in the table"))
    };
    let wanted = context.wanted()?;
    let wasm_bindgen = wanted.iter().find(|wanted| wanted.tool == Tool::WasmBindgen);
    let wasm_bindgen = wasm_bindgen.context("`wasm-bindgen` is always wanted")?.version.clone();
    Ok(vec![
        ("CARGO_CHEF_VERSION", pinned("cargo-chef")?),
        ("WASM_BINDGEN_VERSION", wasm_bindgen),
        ("MOLD_VERSION", pinned("mold")?),
        ("SCCACHE_VERSION", pinned("sccache")?),
    ])
}

fn render(report: &Report, format: Format) -> anyhow::Result<String> {
    if format == Format::Json {
        return Ok(serde_json::to_string_pretty(report)? + "\n");
    }
    let line = |sign: &str, text: &str| match text {
        "" => String::new(),
        text => format!("  {sign} {text}\n"),
    };
    let shown = report.drifts.iter().map(|drift| {
        let head = format!("{}:{}: {}\n", report.file, drift.line, drift.block);
        head + &line("-", &drift.found) + &line("+", &drift.wanted)
    });
    let text: String = shown.collect();
    Ok(match format {
        Format::Markdown if !text.is_empty() => format!("```diff\n{text}```\n"),
        _ => text,
    })
}
