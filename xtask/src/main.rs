//! `cargo xtask`: the one entry point of build, test, image and deployment. See ARCHITECTURE.md for the rooms.

mod bench;
mod ci;
mod cli;
mod cmd;
mod config;
mod doctor;
mod exec;
mod exit;
mod facts;
mod generate;
mod github;
mod image;
mod leptos;
mod lint;
mod monitor;
mod plan;
mod railway;
mod record;
mod report;
mod steps;
mod tools;
mod ui;

use clap::Parser;

use cli::bench::BenchCommand;
use cli::ci::CiStep;
use cli::deploy::DeployCommand;
use cli::docker::DockerCommand;
use cli::vars::VarsCommand;
use cli::{Cli, Command};
use exec::{Executor, Mode};
use exit::Exit;
use ui::Ui;

fn main() {
    let cli = Cli::parse();
    let ui = Ui::detect(cli.quiet);
    std::process::exit(match run(&cli, ui) {
        Ok(()) => 0,
        Err(error) if matches!(Exit::of(&error), Exit::Interrupted(_)) => {
            // Stopped on purpose: nothing to mend.
            ui.note(format!("{error:#}"));
            Exit::of(&error).code()
        }
        Err(error) => {
            ui.error(format!("{error:#}"));
            if let Some(hint) = exit::hint_of(&error) {
                ui.hint(hint);
            }
            Exit::of(&error).code()
        }
    });
}

fn run(cli: &Cli, ui: Ui) -> anyhow::Result<()> {
    let executor = |dry_run: bool| {
        let mode = if dry_run { Mode::DryRun } else { Mode::Run };
        Executor::new(ui, mode).map(Executor::redacting_panics)
    };
    match &cli.command {
        Command::Build(args) => cmd::build::run(&executor(args.dry_run)?, args),
        Command::Serve(args) => cmd::serve::run(&executor(args.dry_run)?, args),
        Command::Watch(args) => cmd::watch::run(&executor(args.dry_run)?, args),
        Command::Test(args) => cmd::test::run(&executor(args.dry_run)?, args),
        Command::Setup(args) => cmd::setup::run(&executor(args.dry_run)?, args),
        // In a dry run every effect is refused, and looking is not.
        Command::Doctor(args) => cmd::doctor::run(executor(true)?, args),
        Command::Bench(args) => match &args.command {
            None => cmd::bench::run(&executor(args.run.dry_run)?, &args.run),
            // They only look.
            Some(BenchCommand::Compare(args)) => cmd::bench::compare::run(&executor(false)?, args),
            Some(BenchCommand::History(args)) => cmd::bench::history::run(&executor(false)?, args),
            Some(BenchCommand::Report(args)) => cmd::bench::report::run(&executor(false)?, args),
        },
        Command::Docker(args) => match &args.command {
            DockerCommand::Build(args) => cmd::docker::build::run(&executor(args.dry_run)?, args),
            DockerCommand::Lint(args) => cmd::docker::lint::run(&executor(true)?, args),
            DockerCommand::Pack(args) => cmd::docker::pack::run(&executor(args.dry_run)?, args),
            DockerCommand::Inspect(args) => cmd::docker::inspect::run(&executor(true)?, args),
            DockerCommand::Prune(args) => cmd::docker::prune::run(&executor(args.dry_run)?, args),
            DockerCommand::Smoke(args) => cmd::docker::smoke::run(&executor(args.dry_run)?, args),
        },
        Command::Generate(args) => cmd::generate::run(&executor(args.dry_run || args.check)?, args),
        Command::Deploy(args) => match &args.command {
            None => cmd::deploy::run(&executor(args.dry_run)?, args),
            // These only look.
            Some(DeployCommand::Status(args)) => cmd::deploy::status(&executor(false)?, args),
            Some(DeployCommand::List(args)) => cmd::deploy::list(&executor(false)?, args),
            Some(DeployCommand::Logs(args)) => cmd::deploy::logs(&executor(false)?, args),
            Some(DeployCommand::Init(args)) => cmd::deploy::init(&executor(args.dry_run)?, args),
            Some(DeployCommand::Settings(args)) => {
                // A comparison only looks.
                cmd::deploy::settings(&executor(args.dry_run || args.diff)?, args)
            }
            Some(DeployCommand::Rollback(args)) => cmd::deploy::rollback(&executor(args.dry_run)?, args),
            Some(DeployCommand::Vars(args)) => match &args.command {
                VarsCommand::Check(args) => cmd::deploy::vars_check(&executor(false)?, args),
            },
        },
        // Only the message of an alert is an effect.
        Command::Monitor(args) => cmd::monitor::run(&executor(args.dry_run)?, args),
        Command::Ci(args) => match &args.step {
            CiStep::Changes(args) => cmd::ci::changes(&executor(false)?, args),
            CiStep::Check(args) => cmd::ci::check(&executor(args.dry_run)?, args),
            CiStep::Test(args) => cmd::ci::test(&executor(args.test.dry_run)?, args),
            CiStep::DepsReport(args) => cmd::ci::deps_report(&executor(args.dry_run)?, args),
            CiStep::Comment(args) => cmd::ci::comment(&executor(args.dry_run)?, args),
            CiStep::Summary(args) => cmd::ci::summary(&executor(false)?, args),
            CiStep::Gate => cmd::ci::gate(&executor(false)?),
            CiStep::Image(args) => cmd::ci::image(&executor(args.dry_run)?, args),
            CiStep::Deploy(args) => cmd::ci::deploy(&executor(args.dry_run)?, args),
            CiStep::Bench(args) => cmd::ci::bench(&executor(args.run.dry_run)?, args),
        },
    }
}
