//! The git checkout, which names the revision of what is deployed, and the token for GitHub.

use serde::Serialize;

use super::base::Base;
use crate::facts::tool;
use crate::plan::Invocation;
use crate::record::doctor::{Finding, Fix, Group, Severity};

#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    pub has_git: bool,
    /// `None` where the folder is no checkout.
    pub is_shallow: Option<bool>,
    pub has_commit: bool,
    /// How many files differ from the commit.
    pub changed: usize,
    /// Whether the code is on GitHub.
    pub on_github: bool,
    /// What holds a token for GitHub; not the token.
    pub github_token: Option<String>,
}

pub fn gather(base: &Base<'_>) -> Facts {
    let mut facts = Facts { has_git: tool::find_on_path("git").is_some(), ..Facts::default() };
    facts.github_token = github_token(base);
    if !facts.has_git {
        return facts;
    }
    let git = |args: &[&str]| {
        // Git's lock is left alone, so that nobody is disturbed.
        let command =
            Invocation::new("git", &base.root).args(args.iter().copied()).env("GIT_OPTIONAL_LOCKS", "0");
        base.ask_with(&command).ok().filter(|said| said.success).map(|said| said.stdout)
    };
    let (changed, shallow, head, remote) = std::thread::scope(|scope| {
        let changed = scope.spawn(|| git(&["status", "--porcelain"]));
        let head = scope.spawn(|| git(&["rev-parse", "--verify", "--quiet", "HEAD"]));
        let remote = scope.spawn(|| git(&["remote", "get-url", "origin"]));
        let shallow = git(&["rev-parse", "--is-shallow-repository"]);
        let joined = |thread: std::thread::ScopedJoinHandle<'_, Option<String>>| thread.join().ok().flatten();
        (joined(changed), shallow, joined(head), joined(remote))
    });
    facts.is_shallow = shallow.map(|text| text.trim() == "true");
    facts.has_commit = head.is_some();
    facts.changed = changed.map_or(0, |text| text.lines().count());
    facts.on_github = remote.is_some_and(|url| url.contains("github.com"));
    facts
}

/// The variable, or the file in which GitHub's own program keeps its token.
fn github_token(base: &Base<'_>) -> Option<String> {
    if let Some(name) = ["GITHUB_TOKEN", "GH_TOKEN"].into_iter().find(|name| base.env.get(name).is_some()) {
        return Some(name.to_owned());
    }
    let folder = base.env.get("GH_CONFIG_DIR").map(str::to_owned).or_else(|| {
        let home = base.env.get("XDG_CONFIG_HOME").map(str::to_owned);
        Some(format!("{}/gh", home.or_else(|| Some(format!("{}/.config", base.env.get("HOME")?)))?))
    })?;
    let file = std::path::Path::new(&folder).join("hosts.yml");
    file.is_file().then(|| file.display().to_string())
}

pub fn examine(facts: &Facts) -> Vec<Finding> {
    let find = |rule, severity, found: String, wanted: &str, fix| {
        Finding::new(Group::Checkout, rule, severity, found, wanted, fix)
    };
    let mut findings = Vec::new();
    let wanted = "a commit, which `deploy` tells the app as its revision; --revision says it otherwise";
    if !facts.has_git {
        let fix = Fix::advice("install git with the system's package manager");
        findings.push(find("git-missing", Severity::Warning, "no `git` on PATH".to_owned(), wanted, fix));
        return findings;
    }
    match facts.is_shallow {
        None => {
            let found = "the folder is no git checkout".to_owned();
            findings.push(find("not-a-checkout", Severity::Note, found, wanted, Fix::command("git init")));
        }
        Some(true) => findings.push(find(
            "checkout-shallow",
            Severity::Note,
            "the checkout has a part of the history only".to_owned(),
            "all of it, for whoever compares with earlier commits",
            Fix::command("git fetch --unshallow"),
        )),
        Some(false) => {}
    }
    if facts.is_shallow.is_some() && (facts.changed > 0 || !facts.has_commit) {
        let found = match facts.has_commit {
            true => format!("{} files differ from the commit", facts.changed),
            false => "there is no commit yet".to_owned(),
        };
        let fix = Fix::command("git add --all && git commit --message 'Work in progress'");
        findings.push(find("checkout-dirty", Severity::Note, found, wanted, fix));
    }
    if facts.on_github && facts.github_token.is_none() {
        findings.push(find(
            "github-token-missing",
            Severity::Note,
            "neither GITHUB_TOKEN nor GH_TOKEN, and `gh` is not logged in".to_owned(),
            "a token, for what reads or changes GitHub from this machine",
            Fix::command("gh auth login"),
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_checkouts() {
        let rules = |facts: &Facts| examine(facts).iter().map(|finding| finding.rule).collect::<Vec<_>>();
        let fine = Facts { has_git: true, is_shallow: Some(false), has_commit: true, ..Facts::default() };
        assert_eq!(rules(&fine), [""; 0]);
        assert_eq!(rules(&Facts::default()), ["git-missing"]);
        assert_eq!(rules(&Facts { is_shallow: None, ..fine.clone() }), ["not-a-checkout"]);
        assert_eq!(rules(&Facts { is_shallow: Some(true), ..fine.clone() }), ["checkout-shallow"]);
        assert_eq!(rules(&Facts { changed: 2, ..fine.clone() }), ["checkout-dirty"]);
        assert_eq!(rules(&Facts { has_commit: false, ..fine.clone() }), ["checkout-dirty"]);
        let hub = Facts { on_github: true, ..fine };
        assert_eq!(rules(&hub), ["github-token-missing"]);
        assert_eq!(rules(&Facts { github_token: Some("x".to_owned()), ..hub }), [""; 0]);
    }
}
