//! `cargo xtask monitor`: asks GitHub, reads the records of this machine, and says what follows; tells the webhook
//! of what is new and wrong.

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};

use super::{print, webhook};
use crate::cli::monitor::{MonitorArgs, Period};
use crate::config::automation::Automation;
use crate::config::github::{self, GitHubApi};
use crate::config::notify::{self, Webhook};
use crate::config::registry::Sources;
use crate::config::root;
use crate::exec::{Executor, replace_file};
use crate::exit::{Exit, Failure, hint_of};
use crate::facts::workspace::Workspace;
use crate::image::reference::Reference;
use crate::image::size::sent_bytes;
use crate::monitor::github::{Known, Question, whom};
use crate::monitor::told::{Told, untold};
use crate::monitor::{Found, github as hub, local, sizes, time};
use crate::record::monitor::{ImageSize, MonitorRecord};
use crate::report::notification::{self, Kind};
use crate::report::{self, Format};

/// Whoever asks without a token may ask 60 times an hour: so many questions are for jobs.
const JOBS_WITHOUT_TOKEN: u16 = 30;

pub fn run(exec: &Executor, args: &MonitorArgs) -> anyhow::Result<()> {
    let workspace = Workspace::probe(exec, &root::find()?)?;
    let automation = Automation::from_metadata(&workspace.metadata)?;
    let now = Utc::now();
    let since = time::since(&args.since, now).map_err(Failure::usage)?;
    let mut record = look(exec, args, &workspace, &automation, since, now)?;
    let folder = workspace.target_directory.join("xtask/monitor");
    if args.alert {
        // They are part of every other report.
        record.notes.iter().for_each(|note| exec.ui().note(note));
        return tell(exec, args, &mut record, &folder, now);
    }
    // What is listed says whether it was told, too.
    read_told(&folder).mark(&mut record.alerts);
    match args.report {
        None => print(&exec.redact(&report::monitor::render(&record, args.format)?)),
        Some(Period::Weekly) => weekly(exec, args, &record, &folder),
    }
}

fn look(
    exec: &Executor,
    args: &MonitorArgs,
    workspace: &Workspace,
    automation: &Automation,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> anyhow::Result<MonitorRecord> {
    let local = local::read(&workspace.target_directory, since)?;
    let (mut notes, mut images) = (Vec::new(), Vec::new());
    let mut api = GitHubApi::read()?;
    let repository = if args.local { None } else { repository(exec, args, workspace, &api)? };
    let known = match &repository {
        Some(repository) => {
            if api.token.is_none() {
                api.token = whom::token_of_gh(exec, &api.url);
            }
            let image = image(automation, repository, &api);
            let known = ask(exec, args, &api, repository, image.as_ref(), since, &mut notes)?;
            if let (Some(image), Some(_)) = (&image, &known.versions) {
                images = image_sizes(exec, image, &known, &mut notes)?;
            }
            Some(known)
        }
        None => {
            if !args.local {
                notes.push(
                    "GitHub was not asked: no repository of it is known here; --repository OWNER/NAME names one"
                        .to_owned(),
                );
            }
            None
        }
    };
    let found = Found {
        settings: &automation.monitor,
        budgets: &automation.budgets,
        github: known.as_ref(),
        local,
        images,
        since,
        branch: args.branch.clone(),
        notes,
    };
    Ok(crate::monitor::record(found, now))
}

/// What is asked about: what was typed, what Actions says, what git fetches from, what a manifest names.
fn repository(
    exec: &Executor,
    args: &MonitorArgs,
    workspace: &Workspace,
    api: &GitHubApi,
) -> anyhow::Result<Option<String>> {
    let named = args.repository.clone().or_else(github::repository);
    if let Some(name) = named {
        let is_good = name.split_once('/').is_some_and(|(owner, name)| whom::is_name(owner, name));
        if !is_good {
            return Err(
                Failure::usage(format!("`{name}` is no repository: it is of the form OWNER/NAME")).into()
            );
        }
        return Ok(Some(name));
    }
    let fetched = whom::repository_of_checkout(exec, &workspace.root, &api.url);
    let written = || {
        let addresses = workspace.packages.iter().filter_map(|package| package.repository.as_deref());
        addresses.filter_map(|address| whom::repository_in(address, &api.url)).next()
    };
    Ok(fetched.or_else(written))
}

/// The image whose package is asked about: the workspace's own, where it is in GitHub's registry.
fn image(automation: &Automation, repository: &str, api: &GitHubApi) -> Option<Reference> {
    let own = || format!("{}/{}", api.registry, repository.to_ascii_lowercase());
    let image = Reference::parse(&automation.image.clone().unwrap_or_else(own)).ok()?;
    (image.registry == api.registry).then_some(image)
}

fn ask(
    exec: &Executor,
    args: &MonitorArgs,
    api: &GitHubApi,
    repository: &str,
    image: Option<&Reference>,
    since: DateTime<Utc>,
    notes: &mut Vec<String>,
) -> anyhow::Result<Known> {
    let jobs = if api.token.is_some() { args.jobs } else { args.jobs.min(JOBS_WITHOUT_TOKEN) };
    if api.token.is_none() {
        notes.push(format!(
            "GitHub was asked without a token, which is 60 times an hour: jobs and steps of {jobs} runs at most"
        ));
    }
    let question = Question {
        repository,
        since,
        branch: args.branch.as_deref(),
        limit: usize::from(args.limit),
        jobs: usize::from(jobs),
        package: image.and_then(|image| image.repository.split_once('/')),
    };
    hub::ask(exec, api, &question).map_err(|error| match Exit::of(&error) {
        exit @ (Exit::CommandFailed | Exit::TimedOut) if hint_of(&error).is_none() => {
            Failure::new(exit, format!("{error:#}"))
                .hint("--local shows the records of this machine alone")
                .into()
        }
        _ => error,
    })
}

/// The sizes of the newest images that have a name. After the first that cannot be had, nobody asks for more.
fn image_sizes(
    exec: &Executor,
    image: &Reference,
    known: &Known,
    notes: &mut Vec<String>,
) -> anyhow::Result<Vec<ImageSize>> {
    let sources = Sources::read()?;
    let mut found = Vec::new();
    let mut is_open = true;
    for version in sizes::named(known.versions.as_deref().unwrap_or_default()) {
        let reference = Reference::parse(&format!("{}@{}", image.name(), version.name));
        let bytes = match reference {
            Ok(reference) if is_open => match sent_bytes(exec, &sources, &reference, Some(image)) {
                Ok(bytes) => bytes,
                Err(error) if matches!(Exit::of(&error), Exit::Interrupted(_)) => return Err(error),
                Err(error) => {
                    is_open = false;
                    notes.push(exec.redact(&format!("sizes of images: not known: {error:#}")));
                    None
                }
            },
            _ => None,
        };
        found.push(sizes::image(version, bytes));
    }
    Ok(found)
}

/// Writes both files, and prints the report too.
fn weekly(exec: &Executor, args: &MonitorArgs, record: &MonitorRecord, folder: &Path) -> anyhow::Result<()> {
    let folder = args.output.as_deref().unwrap_or(folder);
    let day: String = record.at.chars().take(10).collect();
    let file = |extension: &str| -> PathBuf { folder.join(format!("weekly-{day}.{extension}")) };
    let (markdown, page) = (file("md"), file("html"));
    exec.write_file(&markdown, exec.redact(&report::monitor::weekly(record, Format::Markdown)?).as_bytes())?;
    exec.write_file(&page, exec.redact(&report::monitor::html(record)).as_bytes())?;
    print(&exec.redact(&report::monitor::weekly(record, args.format)?))?;
    exec.ui().note(format_args!("the report: {}", markdown.display()));
    exec.ui().note(format_args!("the page with plots: {}", page.display()));
    Ok(())
}

fn told_file(folder: &Path) -> PathBuf {
    folder.join("told.json")
}

fn read_told(folder: &Path) -> Told {
    Told::parse(&std::fs::read_to_string(told_file(folder)).unwrap_or_default())
}

/// Tells of what is new. That it could not be told is said, and tried again at the next look; it is no failure.
fn tell(
    exec: &Executor,
    args: &MonitorArgs,
    record: &mut MonitorRecord,
    folder: &Path,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let told = read_told(folder);
    told.mark(&mut record.alerts);
    let after = args.begun_within.map(|hours| now - TimeDelta::hours(i64::from(hours)));
    let new = untold(&record.alerts, after);
    let (webhook, why_none) = match Webhook::from_environment() {
        Ok(Some(webhook)) => (Some(webhook), String::new()),
        Ok(None) => (None, format!("{} is not set", notify::URL)),
        Err(error) => (None, format!("{error:#}")),
    };
    let kind = webhook.as_ref().map_or(Kind::Plain, webhook::kind);
    let body = notification::alerts(&new, record.repository.as_deref(), kind);
    if args.dry_run {
        if new.is_empty() {
            exec.ui().note("there is nothing new to tell");
            return Ok(());
        }
        return print(&exec.redact(&format!("{}\n", serde_json::to_string_pretty(&body)?)));
    }
    let is_told = match &webhook {
        _ if new.is_empty() => false,
        None => {
            exec.ui().note(format!("nobody is told: {why_none}"));
            false
        }
        Some(webhook) => match webhook::send(exec, webhook, &body) {
            Ok(()) => {
                exec.ui().status("Told", format!("the webhook of {} new", new.len()));
                true
            }
            Err(problem) => {
                exec.ui().note(format!("nobody was told: {problem}"));
                false
            }
        },
    };
    let told_now = if is_told { new.as_slice() } else { &[] };
    let told = told.after(&record.alerts, told_now, now);
    told.mark(&mut record.alerts);
    let kept = serde_json::to_string_pretty(&told)? + "\n";
    if let Err(error) = replace_file(&told_file(folder), kept.as_bytes()) {
        exec.ui().note(format!("the next look may tell the same again: {error:#}"));
    }
    print(&exec.redact(&report::monitor::alerts(record, args.format)?))
}
