//! `cargo xtask ci check`: format, linters of both halves, and the rules for images. All run before the verdict.

use std::time::{Duration, Instant};

use super::Outputs;
use crate::ci::annotations::{self, Annotation, Level};
use crate::ci::summary::Summary;
use crate::cli::ci::CheckArgs;
use crate::cmd::context::Context;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::facts::changes;
use crate::facts::workspace::Package;
use crate::leptos::{WASM_TARGET, environment};
use crate::lint;
use crate::plan::Invocation;
use crate::record::doctor::Severity;
use crate::tools::components;

/// The longest that one linter may take, compiling included.
const LIMIT: Duration = Duration::from_secs(3600);

/// How a check ended.
enum Verdict {
    Good,
    Bad,
    /// Why it was not made.
    NotMade(String),
}

/// One check.
struct Check {
    name: &'static str,
    work: Work,
}

enum Work {
    /// Says what is wrong in words of its own.
    Run(Invocation),
    /// Says it as cargo's messages.
    Compile(Invocation),
    /// The rules of `docker lint`.
    Rules,
    /// Cannot be made here.
    Nothing(String),
}

/// Runs every check; fails where one does.
pub fn check(
    exec: &Executor,
    on_github: bool,
    args: &CheckArgs,
    summary: &mut Summary,
) -> anyhow::Result<Outputs> {
    summary.begin("configuration");
    let context = Context::load(exec, &args.selection)?;
    if on_github && !exec.is_dry_run() {
        components::complete(exec, &context.toolchain, &context.workspace.root)?;
    }
    let prefix = on_github.then(|| changes::prefix(exec, &context.workspace.root));
    let checks = checks(&context);
    if exec.is_dry_run() {
        for check in &checks {
            match &check.work {
                Work::Run(command) | Work::Compile(command) => {
                    super::print(&format!("# {}\n{}\n", check.name, exec.redact(&command.to_string())))?;
                }
                Work::Rules => super::print(&format!("# {}\n# cargo xtask docker lint\n", check.name))?,
                Work::Nothing(why) => super::print(&format!("# {}: left out, {why}\n", check.name))?,
            }
        }
        return Ok(Outputs::new());
    }
    summary.begin("checks");
    let mut table = "| check | | seconds |\n| --- | --- | ---: |\n".to_owned();
    let mut failed = Vec::new();
    for check in checks {
        exec.check_interrupted()?;
        exec.ui().section_start(check.name);
        exec.ui().status("Checking", check.name);
        let began = Instant::now();
        let verdict = carry_out(exec, &context, prefix.as_deref(), &check.work);
        exec.ui().section_end();
        let told = match verdict? {
            Verdict::Good => "ok".to_owned(),
            Verdict::NotMade(why) => {
                exec.ui().note(format_args!("{} was left out: {why}", check.name));
                format!("left out: {why}")
            }
            Verdict::Bad => {
                failed.push(check.name);
                "failed".to_owned()
            }
        };
        table.push_str(&format!("| {} | {told} | {:.1} |\n", check.name, began.elapsed().as_secs_f64()));
    }
    summary.add(table);
    if failed.is_empty() {
        return Ok(Outputs::new());
    }
    let message = format!("failed: {}", failed.join(", "));
    Err(Failure::new(Exit::CheckFailed, message).hint("what each has found is above").into())
}

fn checks(context: &Context) -> Vec<Check> {
    let cargo = || Invocation::new(&context.toolchain.cargo, &context.workspace.root).timeout(LIMIT);
    vec![
        Check { name: "format", work: Work::Run(cargo().args(["fmt", "--all", "--check"])) },
        Check { name: "linter of the front half", work: front(context, cargo()) },
        Check { name: "linter of the server half and the rest", work: Work::Compile(rest(context, cargo())) },
        Check { name: "rules for images", work: Work::Rules },
    ]
}

fn front(context: &Context, cargo: Invocation) -> Work {
    let project = &context.project;
    // A standard library of our own making serves builds; the linter wants the toolchain's.
    if !context.toolchain.sysroot.join("lib/rustlib").join(WASM_TARGET).is_dir() {
        return Work::Nothing(format!(
            "the toolchain has no {WASM_TARGET} (`rustup target add {WASM_TARGET}`)"
        ));
    }
    let mut command = clippy(context, cargo).args([
        "--package",
        &project.lib_package.name,
        "--lib",
        "--target",
        WASM_TARGET,
    ]);
    if !project.lib_default_features {
        command = command.arg("--no-default-features");
    }
    if !project.lib_features.is_empty() {
        command = command.args(["--features", &project.lib_features.join(",")]);
    }
    Work::Compile(denying(command))
}

/// Every package but the one that only the front half has, as `test` takes them.
fn rest(context: &Context, cargo: Invocation) -> Invocation {
    let project = &context.project;
    let is_front_alone = |package: &Package| {
        package.name == project.lib_package.name && package.name != project.bin_package.name
    };
    let packages: Vec<&Package> =
        context.workspace.packages.iter().filter(|package| !is_front_alone(package)).collect();
    let mut command = clippy(context, cargo).arg("--all-targets");
    for package in &packages {
        command = command.args(["--package", &package.name]);
    }
    // The flag would reach all packages of the run, so it is given only where the server is the only one.
    if packages.len() == 1 && !project.bin_default_features {
        command = command.arg("--no-default-features");
    }
    for feature in &project.bin_features {
        command = command.args(["--features", &format!("{}/{feature}", project.bin_package.name)]);
    }
    denying(command)
}

fn clippy(context: &Context, cargo: Invocation) -> Invocation {
    let mut command = cargo.args(["clippy", "--message-format=json"]);
    command.env.extend(environment::compile(&context.project, &context.workspace.root));
    command
}

fn denying(command: Invocation) -> Invocation {
    command.args(["--", "-D", "warnings"])
}

fn carry_out(
    exec: &Executor,
    context: &Context,
    prefix: Option<&str>,
    work: &Work,
) -> anyhow::Result<Verdict> {
    let good = match work {
        Work::Run(command) => exec.verdict(command)?,
        Work::Compile(command) => compile(exec, prefix, command)?,
        Work::Rules => rules(exec, context, prefix)?,
        Work::Nothing(why) => return Ok(Verdict::NotMade(why.clone())),
    };
    Ok(if good { Verdict::Good } else { Verdict::Bad })
}

fn compile(exec: &Executor, prefix: Option<&str>, command: &Invocation) -> anyhow::Result<bool> {
    let run = exec.run_lines(command, |line| {
        if let Some((text, annotation)) = annotations::of_cargo(line) {
            exec.ui().raw(&exec.redact(&format!("{}\n\n", text.trim_end())));
            annotate(exec, prefix, annotation.as_ref());
        }
    });
    match run {
        Ok(_) => Ok(true),
        Err(error) if Exit::of(&error) == Exit::CommandFailed => Ok(false),
        Err(error) => Err(error),
    }
}

fn rules(exec: &Executor, context: &Context, prefix: Option<&str>) -> anyhow::Result<bool> {
    let examination = lint::examine(&context.workspace.root)?;
    for finding in &examination.findings {
        let is_error = finding.severity == Severity::Error;
        let annotation = Annotation {
            level: if is_error { Level::Error } else { Level::Warning },
            file: finding.file.clone(),
            line: finding.line as u64,
            column: 1,
            title: finding.rule.to_owned(),
            message: format!("{}: {}; {}", finding.found, finding.reason, finding.fix),
        };
        let place = format!("{}:{}", finding.file, finding.line);
        exec.ui().raw(&exec.redact(&format!("{place}: {}: {}\n", finding.rule, annotation.message)));
        annotate(exec, prefix, Some(&annotation));
    }
    Ok(examination.findings.iter().all(|finding| finding.severity != Severity::Error))
}

/// GitHub reads commands from either stream of a step. `prefix` is the workspace's folder in its repository; `None`
/// outside of GitHub.
pub(super) fn annotate(exec: &Executor, prefix: Option<&str>, annotation: Option<&Annotation>) {
    if let Some((prefix, annotation)) = prefix.zip(annotation) {
        exec.ui().raw(&exec.redact(&format!("{}\n", annotation.clone().below(prefix))));
    }
}
