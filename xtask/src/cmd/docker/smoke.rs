//! `cargo xtask docker smoke`: runs an image as a platform would, and says what is right and wrong with it.

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime};

use super::own;
use crate::cli::docker::SmokeArgs;
use crate::cmd::{admitted, health_path, print};
use crate::config::automation::Automation;
use crate::config::environment;
use crate::config::github;
use crate::config::registry::Sources;
use crate::config::root;
use crate::config::service::Service;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::facts::workspace::Workspace;
use crate::image::reference::Reference;
use crate::image::registry::Login;
use crate::image::smoke::address::{self, Reach};
use crate::image::smoke::engine::{self, Engine};
use crate::image::smoke::{self, Outcome, Surroundings};
use crate::plan::image::SmokeImage;
use crate::plan::{Action, Invocation, Operation, Plan, Stage, Step};
use crate::record::smoke::{SMOKE_SCHEMA, SmokeRecord};
use crate::record::{self, RunResult};
use crate::report;

/// How long a server may take to end where nobody says so, in seconds. Railway's own default of 0 gives it no chance.
const DRAIN_SECONDS: u64 = 10;
/// What Docker's own client reads from its environment, which is where the container's variables are handed over.
const CLIENTS_OWN: [&str; 3] = ["PATH", "HOME", "DOCKER_"];

pub fn run(exec: &Executor, args: &SmokeArgs) -> anyhow::Result<()> {
    let workspace = Workspace::probe(exec, &root::find()?)?;
    let Some(record) = smoke(exec, &workspace, args)? else { return Ok(()) };
    print(&report::smoke::render(&record, args.format)?)?;
    verdict(&record)
}

/// Runs the image, looks at it and records what was found. What is wrong with the image is no error here, but in the
/// record, see [`verdict`]. `None` in a dry run, which prints the plan.
pub fn smoke(
    exec: &Executor,
    workspace: &Workspace,
    args: &SmokeArgs,
) -> anyhow::Result<Option<SmokeRecord>> {
    let (began, started) = (Instant::now(), SystemTime::now());
    let mut input = input(workspace, args)?;
    let docker = Engine { exec, cwd: &workspace.root };
    let version = docker.version()?;
    let reach = address::reach(&docker.endpoint()?)?;
    if reach.is_remote {
        exec.ui().note(format!(
            "the engine is on {}: the port is open to its network for as long as this takes, and what the kernel \
             knows of the server cannot be seen from here",
            reach.host
        ));
    }
    (input.publish, input.host) = (reach.publish, reach.host);
    let (own, sources, github_registry) = (own::image(workspace)?, Sources::read()?, github::registry());
    let is_here = docker.image(&args.image)?.is_some();
    let plan = plan(&input, workspace, is_here);
    if !admitted(exec, &plan, args.format)? {
        return Ok(None);
    }

    let mut outcome = Outcome::default();
    let result = plan.steps.iter().try_for_each(|step| match &step.action {
        Action::Run(command) => {
            exec.ui().status("Pulling", &input.image);
            pull(&docker, command, &input.image, own.as_ref(), &sources)
        }
        Action::Operation(_) => {
            let around = Surroundings {
                cwd: &workspace.root,
                target_directory: &workspace.target_directory,
                sources: &sources,
                own: own.as_ref(),
                github_registry: &github_registry,
            };
            smoke::run(exec, &input, &around, &mut outcome)
        }
    });
    let record = SmokeRecord {
        schema: SMOKE_SCHEMA,
        result: match &result {
            Ok(()) if outcome.is_good() => RunResult::Ok,
            Err(error) if matches!(Exit::of(error), Exit::Interrupted(_)) => RunResult::Interrupted,
            _ => RunResult::Failed,
        },
        started: chrono::DateTime::<chrono::Utc>::from(started).to_rfc3339(),
        image: input.image.clone(),
        checks: outcome.checks(),
        image_id: outcome.image_id,
        digest: outcome.digest,
        platform: outcome.platform,
        engine: Some(version),
        health_path: input.health_path.clone(),
        healthy_seconds: outcome.healthy.map(|time| time.as_secs_f64()),
        stop_seconds: outcome.stopped.map(|time| time.as_secs_f64()),
        seconds: began.elapsed().as_secs_f64(),
    };
    let record = clean(exec, record);
    let recorded = record::append(&workspace.target_directory, record::smoke::RUNS, &record);
    // The reason why there is no verdict matters more than a record that could not be written.
    result?;
    recorded?;
    Ok(Some(record))
}

/// Pulls the image, with an account that Docker's client does not find by itself where there is one.
fn pull(
    docker: &Engine<'_>,
    command: &Invocation,
    image: &str,
    own: Option<&Reference>,
    sources: &Sources,
) -> anyhow::Result<()> {
    // Something that only the engine can read, e.g. an id, is in no registry.
    let login = match Reference::parse(image) {
        Ok(image) => {
            let is_target = own.is_some_and(|own| own.registry == image.registry);
            Login::for_pull(docker.exec, sources, &image, is_target)?
        }
        Err(_) => None,
    };
    let command = login.as_ref().map_or_else(|| command.clone(), |login| login.of(command));
    docker.pull(&command, image)
}

/// The failure that the record stands for, if it does.
pub fn verdict(record: &SmokeRecord) -> anyhow::Result<()> {
    let failed = record.failed();
    if record.result == RunResult::Ok {
        return Ok(());
    }
    let message =
        format!("image `{}` fails {} of {} checks: {}", record.image, failed.len(), record.checks.len(), {
            failed.join(", ")
        });
    Err(Failure::new(Exit::CheckFailed, message)
        .hint("the line of each failed check says what was found and what is wanted")
        .into())
}

fn input(workspace: &Workspace, args: &SmokeArgs) -> anyhow::Result<SmokeImage> {
    // Until the engine has said where it is.
    let reach = Reach::local();
    let automation = Automation::from_metadata(&workspace.metadata)?;
    let service = Service::read(&workspace.root)?;
    let file = match &args.env_file {
        Some(path) => environment::read_file(path)?,
        None => Vec::new(),
    };
    let (container, port) = smoke::name_and_port();
    Ok(SmokeImage {
        image: args.image.clone(),
        container,
        port,
        health_path: health_path(args.health_path.as_deref(), &service, &automation),
        env: variables(&args.env, file, |name| std::env::var(name).ok())?,
        args: args.args.clone(),
        start_seconds: args.start_limit,
        drain_seconds: args.drain_limit.or(service.draining_seconds).unwrap_or(DRAIN_SECONDS),
        memory: Some(args.memory.bytes).filter(|bytes| *bytes > 0),
        read_only: args.read_only,
        publish: reach.publish,
        host: reach.host,
    })
}

/// The container's variables: those of the file, overridden by the flags. A `PORT` in the file is for other occasions.
fn variables(
    flags: &[String],
    file: Vec<(String, String)>,
    own: impl Fn(&str) -> Option<String>,
) -> anyhow::Result<BTreeMap<String, String>> {
    let mut env: BTreeMap<String, String> = file.into_iter().filter(|(name, _)| name != "PORT").collect();
    let mut inherited = Vec::new();
    for flag in flags {
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, value.to_owned()),
            None => {
                let value = own(flag).ok_or_else(|| {
                    Failure::usage(format!("`--env {flag}`: the environment has no such variable"))
                        .hint(format!("set it, or give `--env {flag}=VALUE`"))
                })?;
                inherited.push(flag.as_str());
                (flag.as_str(), value)
            }
        };
        if name.is_empty() || name == "PORT" {
            let problem = if name.is_empty() { "no name" } else { "the port is random, as on a platform" };
            return Err(Failure::usage(format!("`--env {flag}`: {problem}")).into());
        }
        env.insert(name.to_owned(), value);
    }
    let is_clients = |name: &&String| {
        CLIENTS_OWN.iter().any(|own| name == own || (own.ends_with('_') && name.starts_with(own)))
    };
    match env.keys().filter(is_clients).find(|name| !inherited.contains(&name.as_str())) {
        None => Ok(env),
        Some(name) => {
            Err(Failure::usage(format!("the container cannot be given `{name}`: `docker` reads it itself"))
                .hint("build it into the image (`ENV` in a Dockerfile)")
                .into())
        }
    }
}

fn plan(input: &SmokeImage, workspace: &Workspace, is_here: bool) -> Plan {
    let step = |name: &str, action| Step { name: name.to_owned(), stage: Stage::Finish, action };
    let mut steps = Vec::new();
    if !is_here {
        steps.push(step("pull", Action::Run(engine::pull(&input.image, &workspace.root))));
    }
    steps.push(step("smoke", Action::Operation(Operation::SmokeImage(input.clone()))));
    Plan { command: "docker smoke".to_owned(), steps }
}

/// What the server said is in some details, and may hold what it was given.
fn clean(exec: &Executor, mut record: SmokeRecord) -> SmokeRecord {
    for check in &mut record.checks {
        check.detail = exec.redact(&check.detail);
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(flags: &[&str], file: &[(&str, &str)]) -> Result<String, String> {
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let file = file.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let own = |name: &str| ["OWN", "HOME"].contains(&name).then(|| "mine".to_owned());
        let env = variables(&flags, file, own).map_err(|error| error.to_string())?;
        Ok(env.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn flags_override_the_file_and_take_from_the_environment() {
        let file = [("A", "1"), ("B", "1"), ("PORT", "3000")];
        assert_eq!(given(&["B=2=3", "OWN", "C=", "HOME"], &file).unwrap(), "A=1 B=2=3 C= HOME=mine OWN=mine");
    }

    #[test]
    fn what_cannot_be_given_is_refused() {
        let problem = |flags: &[&str], file: &[(&str, &str)]| given(flags, file).unwrap_err();
        assert_eq!(problem(&["NONE"], &[]), "`--env NONE`: the environment has no such variable");
        assert_eq!(problem(&["=1"], &[]), "`--env =1`: no name");
        assert!(problem(&["PORT=1"], &[]).contains("the port is random"));
        for (flags, file) in [(["PATH=/bin"].as_slice(), [].as_slice()), (&[], &[("DOCKER_HOST", "x")])] {
            assert!(problem(flags, file).contains("`docker` reads it itself"));
        }
    }
}
