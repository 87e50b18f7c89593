//! The environment of GitHub Actions, read once and validated. Elsewhere there is none.
//!
//! Owns which events are trusted. Name and kind of the ref come from `GITHUB_REF` alone, so that nothing can contradict
//! it. Sources: the pages "Variables reference" and "Events that trigger workflows" of GitHub's documentation.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use anyhow::Context;
use serde_json::Value;

use crate::exit::Failure;

/// Events of people and machines that may write to the repository. An event that is not in this list runs on somebody
/// else's code, or may do so in future.
const TRUSTED_EVENTS: [&str; 6] =
    ["push", "workflow_dispatch", "repository_dispatch", "schedule", "merge_group", "release"];

/// One job of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitHub {
    /// What started the workflow, e.g. `push`.
    pub event: String,
    pub git_ref: Ref,
    /// The commit that is checked out, as a full hash.
    pub sha: String,
    /// `owner/name`, in the case that its owner chose.
    pub repository: String,
    /// Without a slash at its end, e.g. `https://github.com`.
    pub server_url: String,
    /// `None` where the event does not tell.
    pub default_branch: Option<String>,
    /// The commit that the event's change starts from, as a full hash: where a branch was before a push, what a pull
    /// request or the merge queue merges into. `None` where there is none, as for a new branch.
    pub base: Option<String>,
    /// What the branch of a pull request was before the last push to it, as a full hash. `None` where there is none, as
    /// for one that was just opened.
    pub previous: Option<String>,
    /// The number of the pull request that the event is about.
    pub pull_request: Option<u64>,
    /// Whether a pull request comes from another repository.
    pub is_from_fork: bool,
    /// What was typed for `workflow_dispatch`.
    pub inputs: BTreeMap<String, String>,
    /// The file that outputs of the step are appended to.
    pub output: PathBuf,
    /// The file that the step's part of the job's summary is appended to.
    pub summary: PathBuf,
}

/// What the workflow runs for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ref {
    Branch(String),
    Tag(String),
    /// The merge commit of a pull request, or none at all.
    Other,
}

impl GitHub {
    /// Reads the environment of this process; `None` outside of GitHub Actions.
    pub fn read() -> anyhow::Result<Option<GitHub>> {
        GitHub::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Option<GitHub>> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        if set("GITHUB_ACTIONS").as_deref() != Some("true") {
            return Ok(None);
        }
        let required = |name: &str, form: &str, good: &dyn Fn(&str) -> bool| {
            let value = set(name).ok_or_else(|| refused(format!("{name} is not set")))?;
            if good(&value) { Ok(value) } else { Err(refused(format!("{name} is `{value}`, not {form}"))) }
        };
        let any = |_: &str| true;
        let is_url = |value: &str| value.starts_with("https://") || value.starts_with("http://");
        let server_url = required("GITHUB_SERVER_URL", "an address", &is_url)?;
        let repository = required("GITHUB_REPOSITORY", "of the form OWNER/NAME", &is_repository)?;
        let payload = match set("GITHUB_EVENT_PATH") {
            Some(path) => payload(&path)?,
            None => Value::Null,
        };
        let text = |place: &str| payload.pointer(place).and_then(Value::as_str);
        let commit = |place: &str| {
            let named = text(place).filter(|commit| is_commit(commit));
            named.filter(|commit| commit.bytes().any(|byte| byte != b'0')).map(str::to_owned)
        };
        let event = required("GITHUB_EVENT_NAME", "the name of an event", &any)?;
        let git_ref = Ref::parse(&set("GITHUB_REF").unwrap_or_default());
        // A schedule has no payload to speak of, and runs on the default branch alone.
        let scheduled = match &git_ref {
            Ref::Branch(name) if event == "schedule" => Some(name.clone()),
            _ => None,
        };
        Ok(Some(GitHub {
            event,
            git_ref,
            sha: required("GITHUB_SHA", "the hash of a commit", &is_commit)?,
            server_url: server_url.trim_end_matches('/').to_owned(),
            default_branch: text("/repository/default_branch").map(str::to_owned).or(scheduled),
            // A pull request has a `before` too: what its own branch was before the last push to it.
            base: ["/pull_request/base/sha", "/merge_group/base_sha", "/before"].into_iter().find_map(commit),
            previous: payload.get("pull_request").and_then(|_| commit("/before")),
            pull_request: payload.pointer("/pull_request/number").and_then(Value::as_u64),
            // A fork that was deleted since has no name any more.
            is_from_fork: payload.get("pull_request").is_some_and(|_| {
                text("/pull_request/head/repo/full_name")
                    .is_none_or(|name| !name.eq_ignore_ascii_case(&repository))
            }),
            inputs: inputs(&payload),
            repository,
            output: required("GITHUB_OUTPUT", "a file", &any)?.into(),
            summary: required("GITHUB_STEP_SUMMARY", "a file", &any)?.into(),
        }))
    }

    /// Whether only people who may write to the repository can have started this. A pull request is not trusted,
    /// whoever opened it.
    pub fn is_trusted(&self) -> bool {
        TRUSTED_EVENTS.contains(&self.event.as_str())
    }

    pub fn is_default_branch(&self) -> bool {
        matches!((&self.git_ref, &self.default_branch), (Ref::Branch(name), Some(default)) if name == default)
    }

    /// Whether an image that is built here goes to its registry. What a merge queue builds may never land, and is built
    /// again when it has; whoever starts a workflow may leave `push` unticked.
    pub fn may_push(&self) -> bool {
        self.is_trusted() && self.event != "merge_group" && self.flag("push") != Some(false)
    }

    /// Whether an image that is built here may go to production: it must be what the default branch is. What a pull
    /// request or a merge queue builds never is.
    pub fn may_promote(&self) -> bool {
        self.may_push() && self.is_default_branch()
    }

    /// Whether an image that is built here goes live without anybody's further word: what was pushed to the default
    /// branch, and what somebody asks for there.
    pub fn deploys(&self) -> bool {
        let is_meant = match self.event.as_str() {
            "push" => true,
            "workflow_dispatch" => self.flag("deploy") == Some(true),
            _ => false,
        };
        is_meant && self.may_promote()
    }

    /// Whether a box was ticked when somebody started the workflow; `None` where there is none.
    pub fn flag(&self, input: &str) -> Option<bool> {
        self.inputs.get(input).map(|value| value == "true")
    }

    /// What somebody typed or chose when they started the workflow, if they did.
    pub fn chosen(&self, input: &str) -> Option<&str> {
        self.inputs.get(input).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The page of a commit.
    pub fn commit_url(&self) -> String {
        format!("{}/{}/commit/{}", self.server_url, self.repository, self.sha)
    }
}

impl Ref {
    fn parse(text: &str) -> Ref {
        match (text.strip_prefix("refs/heads/"), text.strip_prefix("refs/tags/")) {
            (Some(branch), _) if !branch.is_empty() => Ref::Branch(branch.to_owned()),
            (_, Some(tag)) if !tag.is_empty() => Ref::Tag(tag.to_owned()),
            _ => Ref::Other,
        }
    }
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ref::Branch(name) => write!(f, "branch `{name}`"),
            Ref::Tag(name) => write!(f, "tag `{name}`"),
            Ref::Other => f.write_str("neither branch nor tag"),
        }
    }
}

/// A SHA-1 or SHA-256 in hexadecimal.
pub(super) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_repository(text: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    text.split_once('/').is_some_and(|(owner, name)| plain(owner) && plain(name))
}

/// What the event is about.
pub(super) fn payload(path: &str) -> anyhow::Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read GITHUB_EVENT_PATH ({path})"))?;
    serde_json::from_str(&text)
        .map_err(|error| refused(format!("GITHUB_EVENT_PATH ({path}) is not valid JSON: {error}")).into())
}

/// The payload has them as strings, whatever their type in the workflow.
fn inputs(payload: &Value) -> BTreeMap<String, String> {
    let inputs = payload.get("inputs").and_then(Value::as_object).into_iter().flatten();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    inputs.filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), text(value))).collect()
}

fn refused(message: String) -> Failure {
    Failure::usage(message).hint("GitHub Actions sets it; elsewhere, GITHUB_ACTIONS has to be unset")
}

#[cfg(test)]
pub mod tests {
    use expect_test::expect;

    use super::*;
    use crate::exit::Exit;

    /// A job of a repository whose default branch is `main`.
    pub fn job(event: &str, git_ref: &str) -> GitHub {
        GitHub {
            event: event.to_owned(),
            git_ref: Ref::parse(git_ref),
            sha: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            repository: "Octo-Org/App".to_owned(),
            server_url: "https://github.com".to_owned(),
            default_branch: Some("main".to_owned()),
            base: None,
            previous: None,
            pull_request: None,
            is_from_fork: false,
            inputs: BTreeMap::new(),
            output: "output".into(),
            summary: "summary".into(),
        }
    }

    fn read(changes: &[(&'static str, &str)]) -> anyhow::Result<Option<GitHub>> {
        let mut variables = BTreeMap::from(
            [
                ("GITHUB_ACTIONS", "true"),
                ("GITHUB_EVENT_NAME", "push"),
                ("GITHUB_REF", "refs/heads/main"),
                ("GITHUB_SHA", "0123456789abcdef0123456789abcdef01234567"),
                ("GITHUB_REPOSITORY", "Octo-Org/App"),
                ("GITHUB_SERVER_URL", "https://github.com/"),
                ("GITHUB_OUTPUT", "output"),
                ("GITHUB_STEP_SUMMARY", "summary"),
            ]
            .map(|(name, value)| (name, value.to_owned())),
        );
        for (name, value) in changes {
            variables.insert(name, (*value).to_owned());
        }
        GitHub::from_variables(|name| variables.get(name).cloned())
    }

    #[test]
    fn everything_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let payload = folder.path().join("event.json");
        std::fs::write(&payload, r#"{"repository": {"default_branch": "main"}}"#).unwrap();
        let github = read(&[("GITHUB_EVENT_PATH", payload.to_str().unwrap())]).unwrap().unwrap();
        assert_eq!(github, job("push", "refs/heads/main"));
        assert_eq!(
            github.commit_url(),
            "https://github.com/Octo-Org/App/commit/0123456789abcdef0123456789abcdef01234567"
        );
        assert_eq!(read(&[]).unwrap().unwrap().default_branch, None);
    }

    #[test]
    fn what_each_payload_tells() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("event.json");
        let github = |payload: &str| {
            std::fs::write(&path, payload).unwrap();
            read(&[("GITHUB_EVENT_PATH", path.to_str().unwrap())]).unwrap().unwrap()
        };
        let told = |payload: &str| {
            let GitHub { base, pull_request, is_from_fork, inputs, .. } = github(payload);
            (base, pull_request, is_from_fork, inputs)
        };
        let commit = "89abcdef0123456789abcdef0123456789abcdef";
        let none = BTreeMap::new;
        let pushed = format!(r#"{{"before": "{commit}", "after": "x"}}"#);
        assert_eq!(told(&pushed), (Some(commit.to_owned()), None, false, none()));
        let new_branch = format!(r#"{{"before": "{}"}}"#, "0".repeat(40));
        assert_eq!(told(&new_branch), (None, None, false, none()));
        let pull = |head: &str| {
            let base = format!(r#"{{"sha": "{commit}"}}"#);
            let request = format!(r#"{{"number": 7, "base": {base}, "head": {{"repo": {head}}}}}"#);
            format!(r#"{{"before": "{}", "pull_request": {request}}}"#, "f".repeat(40))
        };
        let own = told(&pull(r#"{"full_name": "octo-org/app"}"#));
        assert_eq!(own, (Some(commit.to_owned()), Some(7), false, none()));
        assert_eq!(github(&pull("null")).previous, Some("f".repeat(40)));
        assert_eq!(github(&pushed).previous, None);
        assert!(told(&pull(r#"{"full_name": "else/app"}"#)).2);
        assert!(told(&pull("null")).2);
        let queued = format!(r#"{{"merge_group": {{"base_sha": "{commit}"}}}}"#);
        assert_eq!(told(&queued).0.as_deref(), Some(commit));
        let typed = told(r#"{"inputs": {"force_rebuild": "true", "push": false, "environment": null}}"#).3;
        let expected = [("force_rebuild", "true"), ("push", "false")];
        assert_eq!(typed, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn elsewhere_there_is_none() {
        for value in ["", "false", "1"] {
            assert_eq!(read(&[("GITHUB_ACTIONS", value)]).unwrap(), None, "{value}");
        }
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        let messages: Vec<String> = [
            ("GITHUB_SHA", "main"),
            ("GITHUB_REPOSITORY", "app"),
            ("GITHUB_REPOSITORY", "o/a/b"),
            ("GITHUB_SERVER_URL", "github.com"),
            ("GITHUB_OUTPUT", ""),
        ]
        .iter()
        .map(|change| {
            let error = read(&[*change]).unwrap_err();
            assert_eq!(Exit::of(&error), Exit::Usage);
            error.to_string()
        })
        .collect();
        expect![[r#"
            GITHUB_SHA is `main`, not the hash of a commit
            GITHUB_REPOSITORY is `app`, not of the form OWNER/NAME
            GITHUB_REPOSITORY is `o/a/b`, not of the form OWNER/NAME
            GITHUB_SERVER_URL is `github.com`, not an address
            GITHUB_OUTPUT is not set"#]]
        .assert_eq(&messages.join("\n"));
    }

    #[test]
    fn a_payload_that_is_not_there_or_no_json_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let payload = folder.path().join("event.json");
        let path = payload.to_str().unwrap();
        assert!(format!("{:#}", read(&[("GITHUB_EVENT_PATH", path)]).unwrap_err()).contains("event.json"));
        std::fs::write(&payload, "{").unwrap();
        let error = read(&[("GITHUB_EVENT_PATH", path)]).unwrap_err();
        assert!(error.to_string().contains("is not valid JSON"), "{error}");
    }

    #[test]
    fn who_may_push_and_promote() {
        let mut table = String::new();
        for (event, git_ref) in [
            ("push", "refs/heads/main"),
            ("workflow_dispatch", "refs/heads/main"),
            ("schedule", "refs/heads/main"),
            ("merge_group", "refs/heads/gh-readonly-queue/main/pr-7-0123"),
            ("merge_group", "refs/heads/main"),
            ("push", "refs/heads/feature"),
            ("push", "refs/tags/v1.2.3"),
            ("push", "refs/tags/main"),
            ("pull_request", "refs/pull/7/merge"),
            ("pull_request_target", "refs/heads/main"),
            ("workflow_run", "refs/heads/main"),
            ("an_event_of_the_future", "refs/heads/main"),
        ] {
            let job = job(event, git_ref);
            let (push, promote, deploys) = (job.may_push(), job.may_promote(), job.deploys());
            let line = format!("{event} {git_ref}: push {push}, promote {promote}, deploys {deploys}\n");
            table.push_str(&line);
        }
        expect![[r#"
            push refs/heads/main: push true, promote true, deploys true
            workflow_dispatch refs/heads/main: push true, promote true, deploys false
            schedule refs/heads/main: push true, promote true, deploys false
            merge_group refs/heads/gh-readonly-queue/main/pr-7-0123: push false, promote false, deploys false
            merge_group refs/heads/main: push false, promote false, deploys false
            push refs/heads/feature: push true, promote false, deploys false
            push refs/tags/v1.2.3: push true, promote false, deploys false
            push refs/tags/main: push true, promote false, deploys false
            pull_request refs/pull/7/merge: push false, promote false, deploys false
            pull_request_target refs/heads/main: push false, promote false, deploys false
            workflow_run refs/heads/main: push false, promote false, deploys false
            an_event_of_the_future refs/heads/main: push false, promote false, deploys false
        "#]]
        .assert_eq(&table);
        let unknown = GitHub { default_branch: None, ..job("push", "refs/heads/main") };
        assert!(!unknown.may_promote());
    }

    #[test]
    fn boxes_decide_for_whoever_starts_a_workflow() {
        let mut table = String::new();
        for ticked in [&[][..], &["push"], &["deploy"], &["push", "deploy"]] {
            let value = |input: &str| (input.to_owned(), ticked.contains(&input).to_string());
            for git_ref in ["refs/heads/main", "refs/heads/feature"] {
                let inputs = ["push", "deploy"].map(value).into();
                let job = GitHub { inputs, ..job("workflow_dispatch", git_ref) };
                let (push, deploys) = (job.may_push(), job.deploys());
                table.push_str(&format!(
                    "{} on {git_ref}: push {push}, deploys {deploys}\n",
                    ticked.join(" ")
                ));
            }
        }
        expect![[r#"
             on refs/heads/main: push false, deploys false
             on refs/heads/feature: push false, deploys false
            push on refs/heads/main: push true, deploys false
            push on refs/heads/feature: push true, deploys false
            deploy on refs/heads/main: push false, deploys false
            deploy on refs/heads/feature: push false, deploys false
            push deploy on refs/heads/main: push true, deploys true
            push deploy on refs/heads/feature: push true, deploys false
        "#]]
        .assert_eq(&table);
    }

    #[test]
    fn a_schedule_runs_on_the_default_branch() {
        let scheduled =
            |git_ref| read(&[("GITHUB_EVENT_NAME", "schedule"), ("GITHUB_REF", git_ref)]).unwrap().unwrap();
        assert_eq!(scheduled("refs/heads/trunk").default_branch.as_deref(), Some("trunk"));
        assert!(scheduled("refs/heads/trunk").may_promote() && !scheduled("refs/tags/v1").may_promote());
    }
}
