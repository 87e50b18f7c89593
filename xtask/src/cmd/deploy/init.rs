//! `cargo xtask deploy init`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use super::super::{admitted, confirmed, print};
use super::result_of;
use super::run::now;
use super::site::Site;
use crate::cli::deploy_setup::InitArgs;
use crate::config::environment;
use crate::config::expected::{self, Expected};
use crate::config::registry::for_pulling;
use crate::exec::{Executor, FileLock};
use crate::exit::Failure;
use crate::leptos::project;
use crate::railway::client::Client;
use crate::railway::init::found::{self, Found, Wanted};
use crate::railway::init::making::{self, Means, Secrets};
use crate::railway::init::outcome;
use crate::railway::init::planning::{self, Wish};
use crate::railway::pinned::PinnedImage;
use crate::railway::receipt;
use crate::railway::state::REVISION_VARIABLE;
use crate::railway::target::Flags;
use crate::record;
use crate::record::init::RUNS;
use crate::report;

/// The most that is read from standard input, in bytes.
const INPUT_SIZE_MAX: u64 = 1024 * 1024;
/// How long another set-up from this checkout is waited for.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

pub fn init(exec: &Executor, args: &InitArgs) -> anyhow::Result<()> {
    let (began, started) = (Instant::now(), now());
    let image = args.image.as_deref().map(PinnedImage::parse).transpose()?;
    let credentials = for_pulling()?;
    if let Some(account) = &credentials {
        exec.learn_secret(&account.password);
    } else if args.renew_credentials {
        return Err(Failure::usage("--renew-credentials, but there are none")
            .hint("XTASK_PULL_USERNAME and XTASK_PULL_PASSWORD hold them")
            .into());
    }
    let site = Site::load(exec)?;
    let given = given_variables(exec, args.with_variables.as_deref())?;
    let directory = &site.workspace.target_directory;
    // Held from before the first look: two set-ups at once would both find nothing.
    let _lock = match exec.is_dry_run() {
        true => None,
        false => {
            let path = directory.join("xtask/deploy/init.lock");
            Some(FileLock::take_within(exec, &path, "another set-up from this checkout", LOCK_PATIENCE)?)
        }
    };
    let access = site.access();
    let client = Client::new(exec, access);
    let name = site.automation.project.clone().or_else(|| project::only_name(&site.workspace));
    let wanted = Wanted {
        flags: Flags {
            project: args.project.as_deref(),
            environment: args.environment.as_deref(),
            service: args.service.as_deref(),
        },
        workspace: args.workspace.as_deref(),
        metadata: &site.automation.railway,
        name: name.as_deref(),
    };
    let mut found = found::look(exec, &client, access, wanted)?;
    let named = site.automation.required_variables.as_deref();
    let expected = Expected::read(&site.workspace.root, named)?.unwrap_or_default();
    let (values, missing) = values(exec, &expected, &found, given)?;
    let names: BTreeSet<String> = values.keys().cloned().collect();
    let wish = Wish {
        image: image.as_ref(),
        has_credentials: credentials.is_some(),
        renew_credentials: args.renew_credentials,
        service: &site.service,
        variables: &names,
        domain: !args.no_domain,
    };
    let plan = planning::plan(&wish, &found);
    planning::notes(&wish, &found, &values).iter().for_each(|note| exec.ui().note(note));
    if !missing.is_empty() {
        if !exec.is_dry_run() {
            return Err(without_value(&missing).into());
        }
        exec.ui().note(format!("{}; a run asks for them on a terminal", without_value(&missing)));
    }
    if !admitted(exec, &plan, args.format)? {
        return Ok(());
    }
    if let Some(made) = planning::makes(&plan) {
        confirmed(exec, args.yes, &format!("make {made}?"), "make it on railway.com")?;
    }
    // What a deployment from this checkout is about to read or set is not changed under its hands.
    let _service_lock = match found.target().filter(|_| !plan.steps.is_empty()) {
        None => None,
        Some(target) => {
            let holder = format!("a deployment of {target} from this checkout");
            let path = receipt::lock_path(directory, &target);
            Some(FileLock::take_within(exec, &path, &holder, LOCK_PATIENCE)?)
        }
    };
    let before = found.clone();
    let (steps, result) = match plan.steps.is_empty() {
        true => (Vec::new(), Ok(())),
        false => {
            let secrets = Secrets { credentials: credentials.as_ref(), variables: &values };
            let means = Means { exec, client: &client, token: access.token.kind, secrets };
            making::run(means, &plan, &wish, &mut found)
        }
    };
    let mut run = outcome::record(&before, &found, &wish, &optional(&expected));
    if result.is_ok() {
        run.keep = outcome::keep(&found, access, &site.automation.railway);
        run.next = Some(outcome::next(&found));
    }
    run.started = started;
    run.result = result_of(&result);
    run.already_set_up = plan.steps.is_empty();
    run.steps = steps;
    run.error = result.as_ref().err().map(|error| exec.redact(&format!("{error:#}")));
    run.seconds = began.elapsed().as_secs_f64();
    let recorded = record::append(directory, RUNS, &run);
    // The reason why it failed matters more than a record that could not be written.
    result?;
    recorded?;
    // Not redacted: it has no values, and a name in it may be one by chance.
    print(&report::init::render(&run, args.format)?)
}

/// What the file has, or standard input.
fn given_variables(exec: &Executor, file: Option<&Path>) -> anyhow::Result<BTreeMap<String, String>> {
    let given = match file {
        None => Vec::new(),
        Some(file) if file == Path::new("-") => {
            environment::read_text(&exec.read_input(INPUT_SIZE_MAX)?, "standard input")?
        }
        Some(file) => environment::read_file(file)?,
    };
    Ok(given.into_iter().collect())
}

/// The values of all that are given or wanted, but for what the service has already; and the names of those that are
/// wanted and have none.
fn values(
    exec: &Executor,
    expected: &Expected,
    found: &Found,
    given: BTreeMap<String, String>,
) -> anyhow::Result<(BTreeMap<String, String>, Vec<String>)> {
    let (mut values, mut missing) = (given, Vec::new());
    for name in expected.required().filter(|name| !is_given(name)) {
        let is_here = values.get(name).is_some_and(|value| !value.is_empty());
        if is_here || found.variables.contains_key(name) {
            continue;
        }
        let own = std::env::var(name).ok().filter(|value| !value.is_empty());
        let value = match own {
            None if exec.is_dry_run() => None,
            None => exec.ask_unseen(&format!("{name} (not shown)"))?.filter(|value| !value.is_empty()),
            own => own,
        };
        match value {
            Some(value) => drop(values.insert(name.to_owned(), value)),
            None => missing.push(name.to_owned()),
        }
    }
    // Every value may be a secret, whatever its name; but for a word that is no secret already.
    let place = &found.place;
    let names = [&place.project, &place.environment, &place.service];
    values.values().filter(|value| !names.contains(value)).for_each(|value| exec.learn_secret(value));
    Ok((values, missing))
}

/// What Railway or a deployment sets.
fn is_given(name: &str) -> bool {
    name == REVISION_VARIABLE || name.starts_with("RAILWAY_")
}

/// The names of those that the app has a default for.
fn optional(expected: &Expected) -> Vec<String> {
    let optional = expected.variables.iter().filter(|one| !one.required && !is_given(&one.name));
    optional.map(|one| one.name.clone()).collect()
}

fn without_value(missing: &[String]) -> Failure {
    let message = format!("{} wants variables that have no value: {}", expected::FILE, missing.join(", "));
    Failure::usage(message).hint(
        "give them in a file of NAME=value lines (--with-variables FILE), on standard input (--with-variables -) or in \
         the environment; nothing was changed",
    )
}
