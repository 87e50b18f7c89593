//! The plan of `build`: pure, from the resolved project, the chosen profiles and what is known of the tools.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::driver::Driver;
use super::halves::{Half, Halves};
use super::project::Project;
use super::{WASM_TARGET, environment, site_planning};
use crate::plan::{Action, InstallTool, Invocation, Operation, Plan, Stage, Step};
use crate::tools::Resolved;

/// The longest a cargo run may take: a cold build with fat LTO on a small machine, several times over.
const COMPILE_LIMIT: Duration = Duration::from_secs(3600);

/// Names of steps that more than the plan needs to know.
pub const COMPILE_FRONT: &str = "compile front";
pub const COMPILE_SERVER: &str = "compile server";
pub const BIND: &str = "wasm-bindgen";
const OPTIMISE: &str = "wasm-opt";
pub const SITE: &str = "site";

/// Everything that the plan depends on.
#[derive(Clone)]
pub struct Input<'a> {
    pub project: &'a Project,
    pub workspace_root: &'a Path,
    pub target_directory: &'a Path,
    /// Where the wasm half is compiled.
    pub front_directory: &'a Path,
    pub driver: Driver,
    /// The cargo that runs us, or `cargo`.
    pub cargo: &'a str,
    /// The triple of this machine.
    pub host: &'a str,
    pub halves: &'a Halves,
    pub tools: &'a BuildTools,
    pub rustflags: &'a Rustflags,
    /// Where server functions get their addresses when the workspace does not fix them itself.
    pub server_fn_key: Option<String>,
    /// Cargo's own default target (`build.target`), where the machine or the workspace sets one.
    pub build_target: Option<String>,
    /// Folders in the workspace that builds write to.
    pub not_sources: Vec<PathBuf>,
    pub front: bool,
    pub server: bool,
    /// Ask cargo for its timing report.
    pub timings: bool,
    /// Cargo's own flags that go to both halves, e.g. `--locked`.
    pub cargo_args: &'a [String],
    /// How cargo says what it has to say.
    pub messages: Messages,
}

/// Who shows the compiler's diagnostics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Messages {
    /// Cargo does, on standard error, beside its progress.
    Rendered,
    /// We do: they come as messages on standard output, and there is nothing else.
    Data {
        /// With terminal colours.
        colour: bool,
    },
}

/// What one round of `watch` makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    pub front: bool,
    pub server: bool,
    /// The preprocessor of the style.
    pub style: bool,
}

/// The tools of a build, as found or as they will be after installation.
#[derive(Clone, Debug)]
pub struct BuildTools {
    pub wasm_target: Resolved,
    pub wasm_bindgen: Resolved,
    /// Not needed in a build for debugging.
    pub wasm_opt: Option<Resolved>,
    /// Only for a style sheet in Sass.
    pub sass: Option<Resolved>,
    /// Only for one that Tailwind makes.
    pub tailwind: Option<Resolved>,
    /// Only where plain CSS is bundled, or written for other browsers than by default.
    pub lightningcss: Option<Resolved>,
    /// Those of them that have to be installed first.
    pub missing: Vec<InstallTool>,
}

/// What each half's compiler is told beside the profile, if anything: the variable and its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rustflags {
    pub front: Option<(String, String)>,
    pub server: Option<(String, String)>,
}

/// Makes the plan. Paths in it are where things will be, whether or not they are there yet.
pub fn plan(input: &Input<'_>) -> Plan {
    let mut steps = Vec::new();
    if input.front {
        steps.extend(install_steps(&input.tools.missing));
        steps.push(compile_front(input));
        steps.extend(site_planning::steps(input));
    }
    if input.server {
        steps.push(compile_server(input));
    }
    Plan { command: "build".to_owned(), steps }
}

/// The plan of one round of `watch`: only what has changed. The site is written last, when everything before has
/// succeeded, because the old server still serves from it.
pub fn round(input: &Input<'_>, parts: Parts) -> Plan {
    let mut steps = Vec::new();
    if parts.front {
        steps.push(compile_front(input));
    }
    // Tailwind makes the sheet from the classes in the sources, so it follows every change of them.
    let is_styled_anew = parts.style || input.project.tailwind.is_some() && (parts.front || parts.server);
    for mut step in site_planning::steps(input) {
        let is_wanted = match step.name.as_str() {
            SITE => {
                step.stage = Stage::Finish;
                true
            }
            BIND | OPTIMISE => parts.front,
            _ => is_styled_anew,
        };
        if is_wanted {
            steps.push(step);
        }
    }
    if parts.server {
        steps.push(compile_server(input));
    }
    Plan { command: "watch".to_owned(), steps }
}

/// One step for each missing tool.
pub fn install_steps(missing: &[InstallTool]) -> Vec<Step> {
    let step = |tool: &InstallTool| Step {
        name: format!("install {}", tool.tool),
        stage: Stage::Tools,
        action: Action::Operation(Operation::InstallTool(tool.clone())),
    };
    missing.iter().map(step).collect()
}

/// The wasm file as cargo leaves it.
pub fn compiled_wasm(input: &Input<'_>) -> PathBuf {
    let folder = input.front_directory.join(WASM_TARGET).join(&input.halves.front.folder);
    folder.join(format!("{}.wasm", input.project.lib_package.target.replace('-', "_")))
}

/// The server binary as cargo leaves it.
pub fn server_binary(input: &Input<'_>) -> PathBuf {
    let name = input.project.bin_exe_name.as_ref().unwrap_or(&input.project.bin_target);
    server_folder(input).join(name)
}

/// The file beside the server binary that tells it the hashed names, where the project uses them.
pub fn hash_file(input: &Input<'_>) -> Option<PathBuf> {
    let name = environment::hash_file_name(input.project);
    input.project.hash_files.then(|| server_folder(input).join(name))
}

fn server_folder(input: &Input<'_>) -> PathBuf {
    let mut folder = match &input.project.bin_target_dir {
        Some(own) => input.workspace_root.join(own),
        None => input.target_directory.to_owned(),
    };
    if let Some(triple) = server_triple(input) {
        // A target of one's own is named by its file; cargo's folder has the file's stem.
        let triple =
            triple.strip_suffix(".json").map_or(triple, |file| file.rsplit('/').next().unwrap_or(file));
        folder.push(triple);
    }
    folder.join(&input.halves.server.folder)
}

/// The server's `--target`. With flags of its own it gets one even on this machine, because flags without a target
/// would reach proc-macros and build scripts too, and the halves could not share those any more. (cargo-leptos gives it
/// none.)
pub fn server_triple<'a>(input: &'a Input<'_>) -> Option<&'a str> {
    let own = input.driver == Driver::Native && input.rustflags.server.is_some();
    let host = own.then_some(input.host);
    input.project.bin_target_triple.as_deref().or(input.build_target.as_deref()).or(host)
}

fn compile_front(input: &Input<'_>) -> Step {
    let project = input.project;
    let half = &input.halves.front;
    let mut command = cargo(input, input.cargo, &project.lib_package.name, half);
    command = command.args(["--lib", "--target", WASM_TARGET]);
    command = features(command, project.lib_default_features, &project.lib_features);
    command = command.args(project.lib_cargo_args.iter().flatten());
    if let Some(lto) = &half.lto {
        // A library for Rust beside the cdylib would rule link-time optimisation out.
        command = command.args(["--crate-type", "cdylib", "--", &format!("-Clto={lto}")]);
    }
    if let Some((name, value)) = &input.rustflags.front {
        command = command.env(name, value);
    }
    Step { name: COMPILE_FRONT.to_owned(), stage: Stage::Front, action: Action::Run(command) }
}

fn compile_server(input: &Input<'_>) -> Step {
    let project = input.project;
    let own: Option<(&String, &[String])> =
        project.bin_cargo_command.as_deref().and_then(<[String]>::split_first);
    let program = own.map_or(input.cargo, |(program, _)| program);
    let mut command = cargo(input, program, &project.bin_package.name, &input.halves.server)
        .args(["--bin", &project.bin_target]);
    // Words of the command stand before all others: `cargo auditable build …`.
    command.args.splice(0..0, own.into_iter().flat_map(|(_, words)| words).cloned());
    if let Some(folder) = &project.bin_target_dir {
        command = command.args(["--target-dir", folder]);
    }
    if let Some(triple) = server_triple(input) {
        command = command.args(["--target", triple]);
    }
    command = features(command, project.bin_default_features, &project.bin_features);
    command = command.args(project.bin_cargo_args.iter().flatten());
    if let Some((name, value)) = &input.rustflags.server {
        command = command.env(name, value);
    }
    Step { name: COMPILE_SERVER.to_owned(), stage: Stage::Server, action: Action::Run(command) }
}

/// What is the same for both halves. Flags for the last crate alone make it `cargo rustc`.
fn cargo(input: &Input<'_>, cargo: &str, package: &str, half: &Half) -> Invocation {
    let subcommand = if half.lto.is_some() { "rustc" } else { "build" };
    let mut command = Invocation::new(cargo, input.workspace_root)
        .args([subcommand, "--package", package, "--profile", &half.profile])
        .timeout(COMPILE_LIMIT);
    for config in &half.config {
        command = command.args(["--config", config]);
    }
    // Standard output carries what cargo made.
    command = match input.messages {
        Messages::Rendered => command.arg("--message-format=json-render-diagnostics"),
        Messages::Data { colour: true } => {
            command.args(["--quiet", "--message-format=json-diagnostic-rendered-ansi"])
        }
        Messages::Data { colour: false } => command.args(["--quiet", "--message-format=json"]),
    };
    if input.timings {
        command = command.arg("--timings");
    }
    command.env = environment::compile(input.project, input.workspace_root);
    if let Some(key) = &input.server_fn_key {
        command = command.env(environment::SERVER_FN_KEY, key);
    }
    command.args(input.cargo_args)
}

fn features(command: Invocation, default: bool, features: &[String]) -> Invocation {
    let command = if default { command } else { command.arg("--no-default-features") };
    if features.is_empty() { command } else { command.args(["--features", &features.join(",")]) }
}
