//! What speaks for and against a deployment before anything is changed. Railway's part is asked here; the rest comes as
//! data, and the conclusions are pure. What could not be asked is no objection, and is said.

use std::collections::BTreeSet;

use super::deployment::Deployment;
use super::pinned::PinnedImage;
use super::questions::{GetEnvironmentConfig, GetPlan, GetUsage};
use super::state::{OF_RAILWAY, REVISION_VARIABLE, Remote, State};
use crate::config::expected::{Expected, FILE};
use crate::config::railway::TokenKind;
use crate::exit::{Exit, Failure};
use crate::record::smoke::{CheckRecord, Verdict};

/// The plans on which Railway pulls private images (source: docs.railway.com, "Private Registries": Pro).
const PLANS_WITH_PRIVATE_IMAGES: [&str; 1] = ["pro"];
/// The plan on which the API answers so few requests an hour that a second deployment may find none left (source:
/// docs.railway.com, "Public API": 100).
const PLANS_WITH_FEW_REQUESTS: [&str; 2] = ["free", "trial"];

/// What Railway says about plan and limits; `None` where it does not tell this token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// E.g. `hobby`.
    pub plan: Option<String>,
    pub is_restricted: bool,
    /// Whether the workspace's usage limit, or what the free plan gives, is used up.
    pub is_used_up: Option<bool>,
    /// Why the plan is not told.
    pub problem: Option<String>,
}

/// Who may pull the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visibility {
    Public,
    /// With credentials only. Whether the service has some; `None` where Railway does not tell.
    Private {
        has_credentials: Option<bool>,
    },
    /// The registry has no such image.
    Absent,
    /// The registry could not be asked.
    Unknown(String),
}

/// What the registry says about the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSeen {
    pub visibility: Visibility,
    /// Why the registry does not show it to us, where it does not.
    pub hidden: Option<String>,
    /// What it was made for, e.g. `linux/amd64`; several for an index. Empty where that is not known.
    pub platforms: Vec<String>,
    /// The names of the variables that are set in it.
    pub variables: BTreeSet<String>,
}

/// What the checks of the revision say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevisionSeen {
    /// So many have passed; these still run.
    Green {
        passed: usize,
        running: Vec<String>,
    },
    Red(Vec<String>),
    /// Nobody has checked it.
    Unchecked,
    NotAsked(String),
    Unknown(String),
}

/// The newest smoke test of the image in the records here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmokeSeen {
    pub started: String,
    /// The checks that failed; empty for a good one.
    pub failed: Vec<String>,
}

/// Everything that is known.
pub struct Seen<'a> {
    pub remote: &'a Remote<'a>,
    pub token: TokenKind,
    pub image: &'a ImageSeen,
    /// What the service's machines run.
    pub platform: &'a str,
    pub expected: Option<&'a Expected>,
    /// The names of the variables that are set at the service, or will be before it is deployed.
    pub variables: &'a BTreeSet<String>,
    pub account: &'a Account,
    pub revision: &'a RevisionSeen,
    pub smoke: Option<&'a SmokeSeen>,
}

/// One check, and what mends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    pub record: CheckRecord,
    pub hint: Option<String>,
}

impl Remote<'_> {
    /// Asks for plan and limits. What is not told is left open; only an interruption is an error.
    pub fn account(&self, token: TokenKind) -> anyhow::Result<Account> {
        let target = self.target;
        let plan = GetPlan { project_id: &target.project, service_id: &target.service };
        let mut account = match told(self.client.query_once(&plan))? {
            Ok(answer) => Account {
                plan: Some(answer.project.subscription_type),
                is_restricted: answer.service.is_restricted,
                ..Account::default()
            },
            Err(problem) => Account { problem: Some(problem), ..Account::default() },
        };
        if token == TokenKind::Account {
            let usage = told(self.client.query_once(&GetUsage { project_id: &target.project }))?.ok();
            let customer = usage.and_then(|usage| usage.project.workspace).map(|space| space.customer);
            account.is_used_up = customer.map(|customer| {
                let is_over = customer.usage_limit.is_some_and(|limit| limit.is_over_limit);
                is_over || customer.has_exhausted_free_plan
            });
        }
        Ok(account)
    }

    /// Whether the service has credentials for its registry; `None` where Railway does not tell. What serves an image
    /// of the same name was pulled with some.
    pub fn has_registry_credentials(
        &self,
        state: &State,
        image: &PinnedImage,
    ) -> anyhow::Result<Option<bool>> {
        let live = state.instance.live().and_then(Deployment::pinned);
        if live.is_some_and(|live| live.name() == image.name()) {
            return Ok(Some(true));
        }
        let query = GetEnvironmentConfig { id: &self.target.environment };
        let Ok(answer) = told(self.client.query_once(&query))? else { return Ok(None) };
        let service = answer.environment.config.get("services").and_then(|all| all.get(&self.target.service));
        let credentials = |service: &serde_json::Value| {
            service.pointer("/deploy/registryCredentials").is_some_and(|found| !found.is_null())
        };
        Ok(service.map(credentials))
    }
}

/// An answer, or why there is none; an interruption is an error.
fn told<T>(answer: Result<T, super::client::CallError>) -> anyhow::Result<Result<T, String>> {
    match answer.map_err(anyhow::Error::from) {
        Ok(answer) => Ok(Ok(answer)),
        Err(error) if matches!(Exit::of(&error), Exit::Interrupted(_)) => Err(error),
        Err(error) => Ok(Err(format!("{error:#}"))),
    }
}

/// Every check, in the order in which people would go about it.
pub fn checks(seen: &Seen<'_>) -> Vec<Checked> {
    let target = seen.remote.target;
    let token = format!("{} for {} of project {}", seen.token, target, target.project_name);
    vec![
        checked("token", Verdict::Ok, token, None),
        image(seen.image, seen.platform),
        pull(seen.image, seen.account),
        variables(seen.expected, seen.variables, seen.image),
        plan(seen.account),
        revision(seen.revision),
        smoke(seen.smoke),
    ]
}

fn checked(name: &str, verdict: Verdict, detail: impl Into<String>, hint: Option<&str>) -> Checked {
    let record = CheckRecord { name: name.to_owned(), verdict, detail: detail.into() };
    Checked { record, hint: hint.map(str::to_owned) }
}

fn image(image: &ImageSeen, platform: &str) -> Checked {
    let check = |verdict, detail: String, hint| checked("image", verdict, detail, hint);
    match &image.visibility {
        Visibility::Absent => {
            let hint =
                "`cargo xtask docker pack --push` puts an image into the registry, and prints its digest";
            return check(Verdict::Failed, "it is not in its registry".to_owned(), Some(hint));
        }
        Visibility::Unknown(why) => return check(Verdict::NotRun, why.clone(), None),
        Visibility::Public | Visibility::Private { .. } => {}
    }
    if let Some(why) = &image.hidden {
        return check(Verdict::NotRun, why.clone(), None);
    }
    let platforms = image.platforms.join(", ");
    match image.platforms.iter().any(|known| known == platform) {
        true => check(Verdict::Ok, format!("in the registry, for {platforms}"), None),
        false if image.platforms.is_empty() => {
            check(Verdict::NotRun, "in the registry; its platform is not told".to_owned(), None)
        }
        false => {
            let detail = format!("it is for {platforms}, and the service's machines run {platform}");
            let hint =
                "build it there, or say what they run: `platform` in [workspace.metadata.xtask.railway]";
            check(Verdict::Failed, detail, Some(hint))
        }
    }
}

fn pull(image: &ImageSeen, account: &Account) -> Checked {
    let check = |verdict, detail: String, hint| checked("pull", verdict, detail, hint);
    let has_credentials = match &image.visibility {
        Visibility::Public => return check(Verdict::Ok, "anybody may pull it".to_owned(), None),
        Visibility::Private { has_credentials } => has_credentials,
        Visibility::Absent | Visibility::Unknown(_) => {
            return check(Verdict::NotRun, "who may pull it is not known".to_owned(), None);
        }
    };
    const MAKE_PUBLIC: &str = "make the package public in its settings, or give the service the registry's \
                               credentials (`cargo xtask deploy init`)";
    let plan = account.plan.as_deref();
    match (has_credentials, plan) {
        (Some(false), _) => {
            let detail = "it is private, and the service has no credentials for its registry".to_owned();
            check(Verdict::Failed, detail, Some(MAKE_PUBLIC))
        }
        (_, Some(plan)) if !PLANS_WITH_PRIVATE_IMAGES.contains(&plan) => {
            let detail = format!("it is private, which Railway's plan `{plan}` does not pull");
            check(
                Verdict::Failed,
                detail,
                Some("make the package public in its settings; private ones need Pro"),
            )
        }
        (Some(true), _) => {
            check(Verdict::Ok, "it is private, and the service has credentials".to_owned(), None)
        }
        (None, _) => {
            let detail = "it is private; Railway does not say whether the service has credentials".to_owned();
            check(Verdict::NotRun, detail, Some(MAKE_PUBLIC))
        }
    }
}

fn variables(expected: Option<&Expected>, filled: &BTreeSet<String>, image: &ImageSeen) -> Checked {
    let check = |verdict, detail: String, hint| checked("variables", verdict, detail, hint);
    let Some(expected) = expected else {
        return check(Verdict::Skipped, format!("neither {FILE} nor `required-variables` says which"), None);
    };
    let is_there = |name: &&str| is_given(name, filled) || image.variables.contains(*name);
    let (there, missing): (Vec<&str>, Vec<&str>) = expected.required().partition(is_there);
    match missing.is_empty() {
        true => check(Verdict::Ok, format!("all {} that are required are set", there.len()), None),
        false => {
            let detail = format!("required and not set: {}", missing.join(", "));
            let hint = "--with-variables FILE sets them with the deployment; `cargo xtask deploy vars check` lists all";
            check(Verdict::Failed, detail, Some(hint))
        }
    }
}

/// Whether a deployment gets this variable: from those of the service, from Railway, or from the deployment itself.
pub fn is_given(name: &str, filled: &BTreeSet<String>) -> bool {
    filled.contains(name) || name == REVISION_VARIABLE || name.starts_with(OF_RAILWAY)
}

fn plan(account: &Account) -> Checked {
    let check = |verdict, detail: String, hint| checked("plan", verdict, detail, hint);
    let name = account.plan.as_deref();
    if account.is_restricted {
        let hint = "the service's page on railway.com says why";
        return check(Verdict::Failed, "Railway restricts this service".to_owned(), Some(hint));
    }
    if account.is_used_up == Some(true) {
        let hint = "raise the usage limit of the workspace on railway.com, or wait for the next period";
        let detail = "the usage limit of the workspace is reached".to_owned();
        return check(Verdict::Failed, detail, Some(hint));
    }
    match (name, &account.problem) {
        (Some(name), _) if PLANS_WITH_FEW_REQUESTS.contains(&name) => {
            let detail = format!("{name}: 100 requests an hour; a deployment of a minute takes about 35");
            check(Verdict::Ok, detail, None)
        }
        (Some(name), _) => check(Verdict::Ok, name.to_owned(), None),
        (None, Some(problem)) => check(Verdict::NotRun, problem.clone(), None),
        (None, None) => check(Verdict::NotRun, "Railway does not tell".to_owned(), None),
    }
}

fn revision(seen: &RevisionSeen) -> Checked {
    let check = |verdict, detail: String, hint| checked("revision", verdict, detail, hint);
    match seen {
        RevisionSeen::Green { passed, running } if running.is_empty() => {
            check(Verdict::Ok, format!("{passed} checks have passed"), None)
        }
        RevisionSeen::Green { passed, running } => {
            let detail = format!("{passed} checks have passed; under way: {}", running.join(", "));
            check(Verdict::Ok, detail, None)
        }
        RevisionSeen::Red(failed) => {
            let detail = format!("checks of this commit have failed: {}", failed.join(", "));
            check(Verdict::Failed, detail, Some("mend them, or deploy a commit that has passed"))
        }
        RevisionSeen::Unchecked => check(Verdict::Skipped, "GitHub knows of no checks".to_owned(), None),
        RevisionSeen::NotAsked(why) => check(Verdict::Skipped, why.clone(), None),
        RevisionSeen::Unknown(why) => check(Verdict::NotRun, why.clone(), None),
    }
}

fn smoke(seen: Option<&SmokeSeen>) -> Checked {
    let check = |verdict, detail: String, hint| checked("smoke", verdict, detail, hint);
    match seen {
        None => check(Verdict::Skipped, "no smoke test of this image is on record here".to_owned(), None),
        Some(seen) if seen.failed.is_empty() => {
            check(Verdict::Ok, format!("passed at {}", seen.started), None)
        }
        Some(seen) => {
            let detail = format!("failed at {}: {}", seen.started, seen.failed.join(", "));
            check(Verdict::Failed, detail, Some("`cargo xtask docker smoke IMAGE` again, once it is mended"))
        }
    }
}

/// The failure that the checks stand for, if they do; all of them at once.
pub fn refusal(checks: &[Checked]) -> Option<Failure> {
    let failed: Vec<&Checked> =
        checks.iter().filter(|check| check.record.verdict == Verdict::Failed).collect();
    if failed.is_empty() {
        return None;
    }
    let lines: String =
        failed.iter().map(|check| format!("\n  {}: {}", check.record.name, check.record.detail)).collect();
    let hints: Vec<&str> = failed.iter().filter_map(|check| check.hint.as_deref()).collect();
    let count =
        if failed.len() == 1 { "1 objection".to_owned() } else { format!("{} objections", failed.len()) };
    let message = format!("{count}, and nothing was changed{lines}");
    let hint = format!("{}; --unchecked deploys all the same", hints.join("; "));
    Some(Failure::new(Exit::CheckFailed, message).hint(hint))
}

#[cfg(test)]
#[path = "precheck_tests.rs"]
mod tests;
