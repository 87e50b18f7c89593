//! The first step of a deployment that is to begin: everything that may speak against it is looked at, and nothing is
//! changed.

use anyhow::anyhow;

use super::super::docker::own;
use super::run::Run;
use super::site::Site;
use crate::ci::checks::{self, Place};
use crate::config::address;
use crate::config::expected::Expected;
use crate::config::registry::Sources;
use crate::exec::Executor;
use crate::image::look::{self, Look, Readable};
use crate::image::reference::Reference;
use crate::railway::pinned::PinnedImage;
use crate::railway::precheck::{self, Checked, ImageSeen, RevisionSeen, Seen, SmokeSeen, Visibility};
use crate::railway::state::{Remote, State};
use crate::record::smoke::{self, Verdict};
use crate::steps::{Done, step};

/// What Railway's machines run, where the metadata does not say it. Railway documents no other.
const PLATFORM: &str = "linux/amd64";

/// Looks, tells what was found, and refuses where something speaks against it, unless that is of no account.
pub fn precheck(
    run: &mut Run<'_>,
    site: &Site,
    image: &PinnedImage,
    state: &State,
    is_unchecked: bool,
) -> anyhow::Result<()> {
    let exec = run.remote.exec;
    let (mut steps, mut found) = (Vec::new(), Vec::new());
    let result = step(exec, &mut steps, "precheck", || {
        found = look(run, site, image, state)?;
        let count = found.len();
        match precheck::refusal(&found) {
            Some(failure) if !is_unchecked => Err(failure.into()),
            Some(failure) => {
                exec.ui().note(format!("unchecked: {}", failure.message));
                Ok(Done::ran("objections were of no account", ()))
            }
            None => Ok(Done::ran(format!("{count} checks"), ())),
        }
    });
    run.record.steps.extend(steps);
    run.record.precheck = found.into_iter().map(|check| check.record).collect();
    result
}

fn look(run: &Run<'_>, site: &Site, image: &PinnedImage, state: &State) -> anyhow::Result<Vec<Checked>> {
    let (remote, exec) = (&run.remote, run.remote.exec);
    let platform = site.automation.railway.platform.as_deref().unwrap_or(PLATFORM);
    let expected = Expected::read(&site.workspace.root, site.automation.required_variables.as_deref())?;
    let reference = Reference::parse(image.reference())?;
    let (sources, own) = (Sources::read()?, own::image(&site.workspace)?);
    let commit = run.record.revision.as_deref().unwrap_or_default();
    // Three other machines, each asked while the others think.
    let (look, checks, account) = std::thread::scope(|scope| {
        let look = scope.spawn(|| look::look(exec, &sources, &reference, own.as_ref(), platform));
        let checks = scope.spawn(|| checks_of(exec, commit));
        let account = remote.account(site.token());
        (look.join(), checks.join(), account)
    });
    let broke = |_| anyhow!("a check broke down");
    let (look, revision, account) = (look.map_err(broke)??, checks.map_err(broke)??, account?);
    let image_seen = seen(remote, state, image, look)?;
    let smoked = smoke::newest(&site.workspace.target_directory, image.digest())
        .map(|run| SmokeSeen { started: run.started, failed: run.failed });
    let mut variables = state.filled.clone();
    variables.extend(run.new_variables.names().map(str::to_owned));
    let found = precheck::checks(&Seen {
        remote,
        token: site.token(),
        image: &image_seen,
        platform,
        expected: expected.as_ref(),
        variables: &variables,
        account: &account,
        revision: &revision,
        smoke: smoked.as_ref(),
    });
    for Checked { record, .. } in found.iter().filter(|check| check.record.verdict != Verdict::Failed) {
        let not = if record.verdict == Verdict::NotRun { "not known: " } else { "" };
        exec.ui().status("Checked", format!("{}: {not}{}", record.name, record.detail));
    }
    Ok(found)
}

/// What the registry said, in the words of room `railway`.
fn seen(remote: &Remote<'_>, state: &State, image: &PinnedImage, look: Look) -> anyhow::Result<ImageSeen> {
    let mut hidden = None;
    let visibility = match look.readable {
        Readable::ByAnybody => Visibility::Public,
        Readable::WithCredentials | Readable::Hidden(_) => {
            if let Readable::Hidden(why) = look.readable {
                hidden = Some(why);
            }
            Visibility::Private { has_credentials: remote.has_registry_credentials(state, image)? }
        }
        Readable::Absent => Visibility::Absent,
        Readable::Unknown(why) => Visibility::Unknown(why),
    };
    Ok(ImageSeen { visibility, hidden, platforms: look.platforms, variables: look.variables })
}

/// The commit that is live, where ours is one of those before it: to deploy ours would take the newer one away. `None`
/// where it is not so, or nobody can tell, e.g. since the history was rewritten; that is said, and is no objection.
pub fn newer_live(run: &Run<'_>) -> anyhow::Result<Option<String>> {
    let exec = run.remote.exec;
    let live = run.record.previous.as_ref().and_then(|previous| previous.revision.clone());
    let ours = run.record.revision.as_deref().filter(|revision| is_commit(revision));
    let (Some(live), Some(ours)) = (live.filter(|revision| is_commit(revision)), ours) else {
        return Ok(None);
    };
    let Some(asked) = Asked::read()?.filter(|_| live != ours) else { return Ok(None) };
    match checks::is_behind(exec, &asked.place(), ours, &live)? {
        Ok(true) => Ok(Some(live)),
        Ok(false) => Ok(None),
        Err(problem) => {
            exec.ui().note(format!("whether what is live is newer than this commit is not known: {problem}"));
            Ok(None)
        }
    }
}

fn is_commit(revision: &str) -> bool {
    matches!(revision.len(), 40 | 64) && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The repository at GitHub that is asked about commits, and as whom.
struct Asked {
    api: String,
    repository: String,
    token: String,
}

impl Asked {
    /// `None` where the environment does not say it.
    fn read() -> anyhow::Result<Option<Asked>> {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let (Some(repository), Some(token)) =
            (set("GITHUB_REPOSITORY"), set("GITHUB_TOKEN").or_else(|| set("GH_TOKEN")))
        else {
            return Ok(None);
        };
        let api = set("GITHUB_API_URL").unwrap_or_else(|| "https://api.github.com".to_owned());
        Ok(Some(Asked { api: address::base(&api, "GITHUB_API_URL")?, repository, token }))
    }

    fn place(&self) -> Place<'_> {
        Place { api: &self.api, repository: &self.repository, token: &self.token }
    }
}

/// What GitHub knows of the commit, where the environment says whom to ask.
fn checks_of(exec: &Executor, commit: &str) -> anyhow::Result<RevisionSeen> {
    if !is_commit(commit) {
        return Ok(RevisionSeen::NotAsked(
            "the revision is no commit, so nobody can have checked it".to_owned(),
        ));
    }
    let Some(asked) = Asked::read()? else {
        let why = "not asked: GITHUB_REPOSITORY and GITHUB_TOKEN say where its checks are";
        return Ok(RevisionSeen::NotAsked(why.to_owned()));
    };
    Ok(match checks::of_commit(exec, &asked.place(), commit)? {
        Err(problem) => RevisionSeen::Unknown(problem),
        Ok(checks) if !checks.failed.is_empty() => RevisionSeen::Red(checks.failed),
        Ok(checks) if checks.passed == 0 => RevisionSeen::Unchecked,
        Ok(checks) => RevisionSeen::Green { passed: checks.passed, running: checks.running },
    })
}
