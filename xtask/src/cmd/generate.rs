//! `cargo xtask generate`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::context::Context;
use super::docker::pack;
use super::print;
use crate::cli::{GenerateArgs, Selection};
use crate::config::toolchain_file;
use crate::config::tools::Table;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::generate::dockerfile::{self, Recipe};
use crate::generate::workflows::Facts;
use crate::generate::{self, Blocks, Drift, Filled, cook};
use crate::leptos::environment::SERVER_FN_KEY;
use crate::leptos::halves::DEFAULT_PROFILE;
use crate::leptos::planning::{self, COMPILE_FRONT, COMPILE_SERVER};
use crate::plan::Invocation;
use crate::report::Format;
use crate::tools::Tool;

/// The recipe of the image.
pub const DOCKERFILE: &str = "Dockerfile.production";
/// Where workflows are.
const WORKFLOWS: &str = ".github/workflows";

/// The report of `generate`.
#[derive(Serialize)]
struct Report {
    schema: &'static str,
    /// What was looked at.
    files: Vec<String>,
    /// The lines that differ, or that were written.
    drifts: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    file: String,
    line: usize,
    block: String,
    found: String,
    wanted: String,
}

/// Writes the lines, or with `--check` fails where one would be written.
pub fn run(exec: &Executor, args: &GenerateArgs) -> anyhow::Result<()> {
    let context = Context::load(exec, &args.selection)?;
    let root = &context.workspace.root;
    let (mut files, mut other_rust) = (Vec::new(), None);
    if let Some(text) = read(&root.join(DOCKERFILE))? {
        let filled = generate::fill(DOCKERFILE, &text, &blocks(exec, &context, &args.selection)?)?;
        files.push((DOCKERFILE.to_owned(), filled));
        let channel = channel(root)?;
        other_rust =
            channel.and_then(|channel| Some((dockerfile::other_rust(&text, &channel.name)?, channel)));
    }
    files.extend(workflows(&context)?);
    if files.is_empty() {
        let message =
            format!("there is neither {DOCKERFILE} nor a workflow with lines that follow from anything");
        return Err(Failure::usage(message)
            .hint(format!(
                "copy {DOCKERFILE} or the files of {WORKFLOWS} from the repository that xtask comes from"
            ))
            .into());
    }
    let by_hand = other_rust.iter().map(|(drift, _)| line(DOCKERFILE, drift));
    let report = Report {
        schema: "xtask.generate/2",
        files: files.iter().map(|(name, _)| name.clone()).collect(),
        drifts: files.iter().flat_map(|(name, filled)| lines(name, filled)).chain(by_hand).collect(),
    };
    print(&render(&report, args.format)?)?;
    for (name, filled) in &files {
        if filled.drifts.is_empty() {
            exec.ui().status("Fresh", name);
        } else if !exec.is_dry_run() {
            exec.write_file(&root.join(name), filled.text.as_bytes())?;
            exec.ui().status("Wrote", name);
        }
    }
    let count: usize = files.iter().map(|(_, filled)| filled.drifts.len()).sum();
    if args.check && count > 0 {
        let what = if count == 1 { "line is" } else { "lines are" };
        let drifted = files.iter().filter(|(_, filled)| !filled.drifts.is_empty());
        let names: Vec<&str> = drifted.map(|(name, _)| name.as_str()).collect();
        let message = format!("{count} {what} not what {} has to have", names.join(", "));
        return Err(Failure::new(Exit::CheckFailed, message).hint("run `cargo xtask generate`").into());
    }
    match other_rust {
        Some((drift, channel)) => Err(mended_by_hand(&drift, &channel).into()),
        None => Ok(()),
    }
}

/// The image's Rust is not the workspace's, whose digest only a registry knows.
fn mended_by_hand(drift: &Drift, channel: &Channel) -> Failure {
    let (line, Channel { name, file }) = (drift.line, channel);
    let message = format!("{DOCKERFILE}:{line}: RUST_IMAGE is not Rust {name}, which {file} names");
    let name = drift.wanted.split(['=', '@']).nth(1).unwrap_or_default();
    Failure::new(Exit::CheckFailed, message)
        .hint(format!("`docker buildx imagetools inspect {name}` prints the digest for that line"))
}

/// The text of a file; `None` where there is none.
fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::usage(format!("cannot read {}: {error}", path.display())).into()),
    }
}

fn lines<'a>(name: &'a str, filled: &'a Filled) -> impl Iterator<Item = Line> + 'a {
    filled.drifts.iter().map(move |drift| line(name, drift))
}

fn line(file: &str, drift: &Drift) -> Line {
    let Drift { line, block, found, wanted } = drift.clone();
    Line { file: file.to_owned(), line, block, found, wanted }
}

/// The workflows with such lines, by path below the root. All others are not ours.
fn workflows(context: &Context) -> anyhow::Result<Vec<(String, Filled)>> {
    let root = &context.workspace.root;
    let entries = std::fs::read_dir(root.join(WORKFLOWS)).into_iter().flatten().flatten();
    let mut texts = BTreeMap::new();
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".yml") && !name.ends_with(".yaml") {
            continue;
        }
        if let Some(text) = read(&entry.path())?.filter(|text| text.contains(generate::BEGIN)) {
            texts.insert(format!("{WORKFLOWS}/{name}"), text);
        }
    }
    let own = context.workspace.package(env!("CARGO_PKG_NAME"));
    let folder = own.and_then(|package| package.dir().strip_prefix(root).ok().map(Path::to_owned));
    let all = || texts.values().map(String::as_str);
    let facts = Facts {
        pins: generate::workflows::pins(all()),
        toolchain: toolchain(root)?.or_else(|| generate::workflows::toolchain(all())),
        automation: folder.map_or(env!("CARGO_PKG_NAME").to_owned(), |folder| folder.display().to_string()),
    };
    let mut files = Vec::new();
    for (name, text) in &texts {
        files.push((name.clone(), generate::workflows::fill(name, text, &facts)?));
    }
    Ok(files)
}

/// The compiler of the workspace: what rustup is told in its file, else the one that the image is built with.
fn toolchain(root: &Path) -> anyhow::Result<Option<String>> {
    if let Some(channel) = channel(root)? {
        return Ok(Some(channel.name));
    }
    let text = read(&root.join(DOCKERFILE))?.unwrap_or_default();
    Ok(dockerfile::rust_image(&text).map(|image| image.version.to_owned()))
}

/// The compiler that a file asks rustup for.
struct Channel {
    /// E.g. `1.95.0`.
    name: String,
    /// The name of the file.
    file: &'static str,
}

/// What rustup is told in its file. The first of both names counts, also where it names no channel.
fn channel(root: &Path) -> anyhow::Result<Option<Channel>> {
    for file in toolchain_file::NAMES {
        if let Some(text) = read(&root.join(file))? {
            return Ok(toolchain_file::channel(file, &text).map(|name| Channel { name, file }));
        }
    }
    Ok(None)
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
    let mut selected = Vec::new();
    if selection.profile != DEFAULT_PROFILE {
        selected.extend(["--profile".to_owned(), selection.profile.clone()]);
    }
    if let Some(project) = &selection.project {
        selected.extend(["--project".to_owned(), project.clone()]);
    }
    let with_selection = |words: &[&str]| {
        words.iter().map(|word| (*word).to_owned()).chain(selected.clone()).collect::<Vec<_>>()
    };
    // These two have stages of their own.
    let staged = [Tool::WasmTarget, Tool::WasmBindgen];
    let tools = context.wanted()?.into_iter().map(|wanted| wanted.tool).filter(|tool| !staged.contains(tool));
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
        build: with_selection(&["build", "--after-cook", "--locked", "--format", "json"]),
        setups: tools.map(|tool| with_selection(&["setup", "--only", tool.key()])).collect(),
        files: files.into_iter().map(below).collect(),
        folders: context.project.assets_dir.iter().map(|folder| below(folder)).collect(),
        folder: pack::APP_DIR.to_owned(),
        binary: below(&planning::server_binary(&input)),
        hash_file: planning::hash_file(&input).map(|file| below(&file)),
        site: below(&project.site_root),
        site_dir: pack::SITE_DIR.to_owned(),
        labels: pack::labels_of_workspace(context),
        runtime_environment: pack::container_environment(context),
        port: project.site_addr.port(),
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
        let head = format!("{}:{}: {}\n", drift.file, drift.line, drift.block);
        head + &line("-", &drift.found) + &line("+", &drift.wanted)
    });
    let text: String = shown.collect();
    Ok(match format {
        Format::Markdown if !text.is_empty() => format!("```diff\n{text}```\n"),
        _ => text,
    })
}
