//! `cargo xtask test`: the project's tests, with the app built first because some of them look at it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::admitted;
use super::context::Context;
use crate::cli::TestArgs;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::facts::tool::find_on_path;
use crate::facts::workspace::{Package, Workspace};
use crate::leptos::environment;
use crate::leptos::planning::{self, Rustflags};
use crate::plan::{Action, Invocation, Plan, Stage, Step};
use crate::report::Format;

/// The longest that a run of tests may take, compiling included.
const LIMIT: Duration = Duration::from_secs(3600);
/// The variable that says that nothing but the app has changed, as `ci changes` tells it (`code_only`).
const CODE_ONLY: &str = "XTASK_CODE_ONLY";
/// The profile that the alias compiles xtask with.
const OWN_PROFILE: [&str; 5] = [
    "profile.xtask.inherits='dev'",
    "profile.xtask.debug=false",
    "profile.xtask.package.brotli.opt-level=3",
    "profile.xtask.package.miniz_oxide.opt-level=3",
    "profile.xtask.package.sha2.opt-level=3",
];

pub fn run(exec: &Executor, args: &TestArgs) -> anyhow::Result<()> {
    match carry_out(exec, args, &mut |_, command| exec.verdict(command))? {
        Some(tested) => verdict(&tested.failed),
        None => Ok(()),
    }
}

/// What came of all runs of tests.
pub struct Tested {
    pub workspace: Workspace,
    /// The names of the runs that failed.
    pub failed: Vec<String>,
}

/// Builds the app, then has `run_one` run each call of the test runner, with its name, and say whether it was good.
/// `None` in a dry run, which prints the plan.
pub fn carry_out(
    exec: &Executor,
    args: &TestArgs,
    run_one: &mut dyn FnMut(&str, &Invocation) -> anyhow::Result<bool>,
) -> anyhow::Result<Option<Tested>> {
    let context = Context::load(exec, &args.selection)?.driven_by(&args.driver, &args.selection)?;
    super::build::for_command(exec, &context, &args.selection, Format::Human)?;
    let tools = context.tools(exec)?;
    let rustflags = context.rustflags(&tools);
    let plan = plan(&context, &tools, &rustflags, args);
    if !admitted(exec, &plan, Format::Human)? {
        return Ok(None);
    }
    let mut failed = Vec::new();
    for step in &plan.steps {
        exec.check_interrupted()?;
        if let Action::Run(command) = &step.action {
            exec.ui().status("Testing", &step.name);
            // All tests run before the verdict: one failure must not hide another.
            if !run_one(&step.name, command)? {
                failed.push(step.name.clone());
            }
        }
    }
    Ok(Some(Tested { workspace: context.workspace, failed }))
}

/// The failure that failed runs are.
pub fn verdict(failed: &[String]) -> anyhow::Result<()> {
    if failed.is_empty() {
        return Ok(());
    }
    let message = format!("tests failed: {}", failed.join(", "));
    Err(Failure::new(Exit::CheckFailed, message).hint("the runner's output above names each of them").into())
}

/// The app's packages in one run and xtask's own in another, each with the profile that its code was built with
/// already, so that no dependency compiles again for the tests.
fn plan(context: &Context, tools: &planning::BuildTools, rustflags: &Rustflags, args: &TestArgs) -> Plan {
    let input = context.plan_input(tools, rustflags, &[]);
    let project = &context.project;
    let own = |package: &&Package| package.name == env!("CARGO_PKG_NAME");
    let front_only = |package: &Package| {
        package.name == project.lib_package.name && package.name != project.bin_package.name
    };
    let runner = Runner::choose();
    let mut steps = Vec::new();

    let app: Vec<&Package> =
        context.workspace.packages.iter().filter(|package| !own(package) && !front_only(package)).collect();
    if !app.is_empty() {
        let half = &context.halves.server;
        let mut command = runner.command(&context.toolchain.cargo, &context.workspace.root, &half.profile);
        for config in &half.config {
            command = command.args(["--config", config]);
        }
        for package in &app {
            command = command.args(["--package", &package.name]);
        }
        // The flag would reach all packages of the run, so it is given only where the server is the only one.
        if app.len() == 1 && !project.bin_default_features {
            command = command.arg("--no-default-features");
        }
        for feature in &project.bin_features {
            command = command.args(["--features", &format!("{}/{feature}", project.bin_package.name)]);
        }
        command.env.extend(environment::compile(project, &context.workspace.root));
        if let Some(key) = &input.server_fn_key {
            command = command.env(environment::SERVER_FN_KEY, key);
        }
        command.env.extend(built_app(context, &input));
        if let Some(folder) = &project.bin_target_dir {
            command = command.args(["--target-dir", folder]);
        }
        if let Some((name, value)) = &rustflags.server {
            command = command.env(name, value);
        }
        if let Some(triple) = planning::server_triple(&input) {
            command = command.args(["--target", triple]);
        }
        steps.push(step("app", command.args(&args.args)));
    }

    // What the automation's own tests say is about the automation, and that is what it was.
    let only_app = std::env::var(CODE_ONLY).is_ok_and(|value| value == "true");
    if !only_app && context.workspace.packages.iter().any(|package| own(&package)) {
        let mut command = runner.command(&context.toolchain.cargo, &context.workspace.root, "xtask");
        for config in OWN_PROFILE {
            command = command.args(["--config", config]);
        }
        let command = command.args(["--package", env!("CARGO_PKG_NAME")]);
        steps.push(step("xtask", command.args(&args.args)));
    }
    Plan { command: "test".to_owned(), steps }
}

/// What tests need to run the app as production does.
fn built_app(context: &Context, input: &planning::Input<'_>) -> BTreeMap<String, String> {
    let mut env = environment::production(&context.project);
    // Tests ask for the server by this name; LEPTOS_* say where the site is.
    env.insert("XTASK_SITE_BINARY".to_owned(), planning::server_binary(input).display().to_string());
    env
}

fn step(name: &str, command: Invocation) -> Step {
    Step { name: name.to_owned(), stage: Stage::Finish, action: Action::Run(command) }
}

/// Which test runner there is.
#[derive(Clone, Copy)]
enum Runner {
    Nextest,
    Cargo,
}

impl Runner {
    fn choose() -> Runner {
        if find_on_path("cargo-nextest").is_some() { Runner::Nextest } else { Runner::Cargo }
    }

    fn command(self, cargo: &str, root: &std::path::Path, profile: &str) -> Invocation {
        let command = Invocation::new(cargo, root).timeout(LIMIT);
        match self {
            Runner::Nextest => command
                .args(["nextest", "run", "--no-fail-fast", "--cargo-profile", profile])
                // A filter by name may find its tests in one of the runs only.
                .env("NEXTEST_NO_TESTS", "pass"),
            Runner::Cargo => command.args(["test", "--no-fail-fast", "--profile", profile]),
        }
    }
}
