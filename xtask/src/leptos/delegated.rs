//! A build by cargo-leptos: the one command, and what is read out of it.
//!
//! It looks for wasm-bindgen, wasm-opt, Sass and Tailwind on its `PATH` and takes whatever is there first, so it gets a
//! `PATH` that begins with exactly our versions. What it leaves behind is noted like a build of our own.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::build::Outcome;
use super::environment;
use super::planning::{Input, install_steps};
use super::project::Project;
use super::timings;
use super::units::Units;
use crate::exec::Executor;
use crate::exit::Failure;
use crate::plan::{Action, Invocation, Plan, Stage, Step};
use crate::record::{StepRecord, StepState, UnitCounts};
use crate::tools::cargo_leptos::CargoLeptos;

/// The name of the one step.
const STEP: &str = "cargo leptos";
/// The longest it may take: two cold builds with fat LTO on a small machine, several times over.
const LIMIT: Duration = Duration::from_secs(2 * 3600);
/// Cargo renders diagnostics itself and says on standard output what it made.
const MESSAGES: &str = "--message-format=json-render-diagnostics";

/// What the command needs beside the plan's input.
pub struct Delegate {
    pub tool: CargoLeptos,
    /// The `PATH` on which it finds our tools.
    pub path: String,
    /// The variable that tells the compiler of a private sysroot, and its value.
    pub rustflags: Option<(String, String)>,
    /// Cut the wasm file up where the app loads parts of it lazily.
    pub split: bool,
}

/// Makes the plan: missing tools, then `cargo leptos build`.
pub fn plan(input: &Input<'_>, delegate: &Delegate) -> Plan {
    let mut steps = if input.front { install_steps(&input.tools.missing) } else { Vec::new() };
    let action = Action::Run(command(input, delegate));
    steps.push(Step { name: STEP.to_owned(), stage: Stage::Server, action });
    Plan { command: "build".to_owned(), steps }
}

fn command(input: &Input<'_>, delegate: &Delegate) -> Invocation {
    let project = input.project;
    let mut command = Invocation::new(delegate.tool.program.display().to_string(), input.workspace_root)
        .args(["build", "--project", &project.name])
        .timeout(LIMIT);
    let minified = !input.halves.release || project.js_minify;
    for (given, flag) in [
        (input.halves.release, "--release"),
        (input.halves.release, "--precompress"),
        // Without it the metadata's `js-minify = false` is overruled by the flag's default.
        (!minified, "--js-minify=false"),
        (delegate.split, "--split"),
        (!input.server, "--frontend-only"),
        (!input.front, "--server-only"),
    ] {
        command = if given { command.arg(flag) } else { command };
    }
    // `--locked` and `--offline` have names of their own there.
    command = command.args(input.cargo_args.iter().map(|flag| flag.replacen("--", "--cargo-", 1)));
    let timings = input.timings.then_some("--timings");
    for (flag, of_project) in
        [("--lib-cargo-args", &project.lib_cargo_args), ("--bin-cargo-args", &project.bin_cargo_args)]
    {
        // The flag replaces what the metadata says, so that is given again.
        let own = of_project.iter().flatten().map(String::as_str);
        command =
            command.args(own.chain([MESSAGES]).chain(timings).map(|argument| format!("{flag}={argument}")));
    }
    command = command.env("PATH", &delegate.path);
    if let Some(version) = project.tailwind.as_ref().and_then(|tailwind| tailwind.version.as_ref()) {
        // It may come from `.env`, which is not read for this one there.
        command = command.env("LEPTOS_TAILWIND_VERSION", format!("v{version}"));
    }
    if let Some((name, value)) = &delegate.rustflags {
        command = command.env(name, value);
    }
    match &input.server_fn_key {
        Some(key) => command.env(environment::SERVER_FN_KEY, key),
        None => command,
    }
}

/// Refuses what would not come out as it should.
pub fn check(project: &Project, workspace_root: &Path) -> anyhow::Result<()> {
    // cargo-leptos puts this folder before the whole `PATH` where there is a package.json.
    let modules = workspace_root.join("node_modules/.bin");
    if workspace_root.join("package.json").is_file() && modules.join("wasm-bindgen").exists() {
        let message = format!(
            "cargo-leptos would use `{}`, whatever its version",
            modules.join("wasm-bindgen").display()
        );
        let hint =
            "remove that package, or build with `--driver native`, which uses the version of Cargo.lock";
        return Err(Failure::usage(message).hint(hint).into());
    }
    let expected = project.bin_exe_name.as_ref().unwrap_or(&project.bin_package.name);
    if *expected != project.bin_target {
        let message = format!(
            "cargo-leptos looks for a server called `{expected}`, but cargo calls it `{}`",
            project.bin_target
        );
        let hint = format!(
            "set `bin-exe-name = \"{}\"` in the metadata, or build with `--driver native`",
            project.bin_target
        );
        return Err(Failure::usage(message).hint(hint).into());
    }
    Ok(())
}

/// Runs the plan's last step; the ones before it are done. The outcome is returned beside the result, because a failed
/// build has one too.
pub fn run(
    exec: &Executor,
    plan: &Plan,
    input: &Input<'_>,
    tool: &CargoLeptos,
) -> (Outcome, anyhow::Result<()>) {
    let command = plan.steps.iter().rev().find_map(|step| match &step.action {
        Action::Run(command) => Some(command),
        Action::Operation(_) => None,
    });
    let Some(command) = command else { return (Outcome::default(), Ok(())) };
    if input.timings {
        timings::forget(exec, input.target_directory);
    }
    exec.ui().section_start(STEP);
    exec.ui().status("Running", format_args!("{STEP} ({})", tool.version));
    let began = Instant::now();
    let mut halves = Halves::new(input);
    let result = exec.run_lines(command, |line| {
        if !halves.line(line) {
            exec.ui().raw(&exec.redact(&format!("{line}\n")));
        }
    });
    exec.ui().section_end();
    let counts = result.is_ok().then(|| halves.counts());
    let step = StepRecord {
        name: STEP.to_owned(),
        state: if result.is_ok() { StepState::Ran } else { StepState::Failed },
        seconds: began.elapsed().as_secs_f64(),
        cpu_seconds: result.as_ref().ok().and_then(|finished| finished.cpu).map(|cpu| cpu.as_secs_f64()),
        units: counts,
        detail: format!("cargo-leptos {}", tool.version),
    };
    if input.timings && result.is_ok() {
        // It tells neither when each half began nor what each compiled, so there is nothing to put them together with.
        for folder in [input.front_directory, input.target_directory] {
            exec.ui().note(format!("timings: {}", folder.join("cargo-timings/cargo-timing.html").display()));
        }
    }
    let both = input.front && input.server && halves.apart();
    let (front, server) = if both { (Some(halves.front), Some(halves.server)) } else { (None, None) };
    let outcome = Outcome { steps: vec![step], front, server };
    (outcome, result.map(drop).with_context(|| format!("step `{STEP}`")))
}

/// Cargo's messages of both halves, which may come at the same time: they are told apart by where files are written.
struct Halves {
    /// How the path of a file of the front half begins in a message; `None` where both halves share a folder.
    mark: Option<String>,
    front: Units,
    server: Units,
}

impl Halves {
    fn new(input: &Input<'_>) -> Halves {
        let own = input.front_directory != input.target_directory;
        let mark = own.then(|| format!("\"{}/", input.front_directory.display()));
        Halves { mark, front: Units::default(), server: Units::default() }
    }

    fn apart(&self) -> bool {
        self.mark.is_some()
    }

    /// Takes a line of standard output; `false` where it is not one of cargo's messages.
    fn line(&mut self, line: &str) -> bool {
        if !(line.starts_with('{') && line.contains("\"reason\":")) {
            return false;
        }
        let of_front = self.mark.as_ref().is_some_and(|mark| line.contains(mark.as_str()));
        if of_front {
            self.front.line(line)
        } else {
            self.server.line(line)
        }
        true
    }

    fn counts(&self) -> UnitCounts {
        let (front, server) = (self.front.counts(), self.server.counts());
        let packages: BTreeSet<String> =
            front.compiled_packages.into_iter().chain(server.compiled_packages).collect();
        UnitCounts {
            // Both halves are one step here: what the second one reused of the first was not there before.
            fresh: Units::found(&[&self.front, &self.server]).count(),
            compiled: front.compiled + server.compiled,
            compiled_packages: packages.into_iter().collect(),
            program: server.program,
        }
    }
}
