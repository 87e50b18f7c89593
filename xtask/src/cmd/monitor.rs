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
const JOBS_WITHOUT_TOKEN: usize = 30;

pub fn run(exec: &Executor, args: &MonitorArgs) -> anyhow::Result<()> {
    let workspace = Workspace::probe(exec, &root::find()?)?;
    let automation = Automation::from_metadata(&workspace.metadata)?;
    let now = Utc::now();
    let since = time::since(&args.since, now).map_err(Failure::usage)?;
    let since = match args.report {
        // A week stands beside the one before, however little was asked for.
        Some(Period::Weekly) => since.min(now - TimeDelta::days(14)),
        None => since,
    };
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
            let question = question(args, automation, &repository.name, image.as_ref(), since);
            let known = ask(exec, &api, question, &mut notes)?;
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

/// What is asked about.
struct Repository {
    /// `owner/name`.
    name: String,
    /// Whether the workspace's settings are about it, as far as is known.
    is_own: bool,
}

/// What was typed, else the workspace's own.
fn repository(
    exec: &Executor,
    args: &MonitorArgs,
    workspace: &Workspace,
    api: &GitHubApi,
) -> anyhow::Result<Option<Repository>> {
    let own = own_repository(exec, workspace, api);
    let repository = match (&args.repository, own) {
        (Some(name), own) => {
            let is_own = own.is_none_or(|own| own.eq_ignore_ascii_case(name));
            Repository { name: name.clone(), is_own }
        }
        (None, Some(name)) => Repository { name, is_own: true },
        (None, None) => return Ok(None),
    };
    let name = &repository.name;
    if !name.split_once('/').is_some_and(|(owner, name)| whom::is_name(owner, name)) {
        let message = format!("`{name}` is no repository: it is of the form OWNER/NAME");
        return Err(Failure::usage(message).into());
    }
    Ok(Some(repository))
}

/// What Actions says, what git fetches from, what a manifest names.
fn own_repository(exec: &Executor, workspace: &Workspace, api: &GitHubApi) -> Option<String> {
    let written = || {
        let mut addresses = workspace.packages.iter().filter_map(|package| package.repository.as_deref());
        addresses.find_map(|address| whom::repository_in(address, &api.url))
    };
    github::repository()
        .or_else(|| whom::repository_of_checkout(exec, &workspace.root, &api.url))
        .or_else(written)
}

/// The image whose package is asked about: the workspace's own, where it is in GitHub's registry; of another repository
/// the one that has its name.
fn image(automation: &Automation, repository: &Repository, api: &GitHubApi) -> Option<Reference> {
    let by_name = || format!("{}/{}", api.registry, repository.name.to_ascii_lowercase());
    let named = automation.image.clone().filter(|_| repository.is_own);
    let image = Reference::parse(&named.unwrap_or_else(by_name)).ok()?;
    (image.registry == api.registry).then_some(image)
}

fn question<'q>(
    args: &'q MonitorArgs,
    automation: &'q Automation,
    repository: &'q str,
    image: Option<&'q Reference>,
    since: DateTime<Utc>,
) -> Question<'q> {
    Question {
        repository,
        since,
        branch: args.branch.as_deref(),
        limit: usize::from(args.limit),
        jobs: usize::from(args.jobs),
        deploy_job: automation.monitor.deploy_job.as_deref(),
        package: image.and_then(|image| image.repository.split_once('/')),
    }
}

fn ask(
    exec: &Executor,
    api: &GitHubApi,
    mut question: Question<'_>,
    notes: &mut Vec<String>,
) -> anyhow::Result<Known> {
    if api.token.is_none() {
        question.jobs = question.jobs.min(JOBS_WITHOUT_TOKEN);
        notes.push(format!(
            "GitHub was asked without a token, which it allows 60 times an hour: jobs and steps of {} runs at most",
            question.jobs
        ));
    }
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
