//! Which account is used for a registry: the environment first, then Docker's configuration, then GitHub's own token.

use std::time::Duration;

use serde::Deserialize;

use crate::config::registry::{Account, DockerAuth, PASSWORD, Sources, USERNAME};
use crate::exec::Executor;
use crate::plan::Invocation;

/// How long a credential helper may take; it may wait for somebody to unlock a keychain.
const HELPER_LIMIT: Duration = Duration::from_secs(60);

/// What is said of a helper that has one.
const IDENTITY_TOKEN: &str = "it has an identity token, which is not supported";

/// The outcome of a search. Has no `Debug`, as an account has none.
pub struct Found {
    pub account: Option<Account>,
    /// Where the account comes from.
    pub place: String,
    /// Whether that is Docker's own configuration, so that Docker's client finds it too.
    pub is_dockers: bool,
    /// Whether Docker has a token for this registry that takes another way of authentication.
    pub has_identity_token: bool,
    /// All places that were looked at, with what was found there, for messages.
    pub looked: Vec<String>,
}

/// Looks for an account. `is_target` says that it is the registry that is pushed to, which the variables are meant for.
/// What is found is kept out of everything shown from here on.
pub fn find(exec: &Executor, sources: &Sources, registry: &str, is_target: bool) -> anyhow::Result<Found> {
    let (mut looked, mut has_identity_token) = (Vec::new(), false);
    let found = |account: Account, place: String, is_dockers: bool, looked: Vec<String>| {
        exec.learn_secret(&account.password);
        exec.learn_secret(&super::auth::basic(&account));
        Ok(Found { account: Some(account), place, is_dockers, has_identity_token: false, looked })
    };
    let variables = format!("{USERNAME} and {PASSWORD}");
    match &sources.given {
        Some(account) if is_target => return found(account.clone(), variables, false, looked),
        Some(_) => looked.push(format!("{variables} (for another registry)")),
        None => looked.push(format!("{variables} (not set)")),
    }
    if let Some(path) = &sources.docker.path {
        let path = path.display();
        let helper = sources.docker.helpers.get(registry).or(sources.docker.store.as_ref());
        if let Some(helper) = helper {
            let place = format!("docker-credential-{helper}, which {path} names");
            match ask(exec, helper, registry)? {
                Ok(account) => return found(account, place, true, looked),
                Err(why) => {
                    has_identity_token |= why == IDENTITY_TOKEN;
                    looked.push(format!("{place} ({why})"));
                }
            }
        }
        match sources.docker.auths.get(registry) {
            Some(DockerAuth::Account(account)) => {
                return found(account.clone(), path.to_string(), true, looked);
            }
            // Whatever is public can be read all the same.
            Some(DockerAuth::IdentityToken) => {
                has_identity_token = true;
                looked.push(format!(
                    "{path} (an identity token for {registry}, which is not supported: log in with an access token)"
                ));
            }
            Some(DockerAuth::Broken) => looked.push(format!(
                "{path} (the entry for {registry} holds no username and password: `docker login {registry}`)"
            )),
            None => looked.push(format!("{path} (nothing for {registry})")),
        }
    }
    if registry == "ghcr.io" {
        let variables = "GITHUB_ACTOR and GITHUB_TOKEN".to_owned();
        match &sources.github {
            Some(account) => return found(account.clone(), variables, false, looked),
            None => looked.push(format!("{variables} (not set)")),
        }
    }
    Ok(Found { account: None, place: String::new(), is_dockers: false, has_identity_token, looked })
}

/// What a credential helper answers, by the names of its protocol.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HelpersAnswer {
    username: String,
    secret: String,
}

/// Asks a credential helper. The inner error says in a few words why it gives nothing, which is no failure: the
/// registry may let us in all the same.
fn ask(exec: &Executor, helper: &str, registry: &str) -> anyhow::Result<Result<Account, String>> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !helper.chars().all(plain) {
        return Ok(Err("not a name of a program".to_owned()));
    }
    // The one name under which helpers know Docker Hub.
    let server = if registry == "docker.io" { "https://index.docker.io/v1/" } else { registry };
    let command = Invocation::new(format!("docker-credential-{helper}"), std::env::temp_dir())
        .arg("get")
        .stdin(server)
        .timeout(HELPER_LIMIT);
    asked(exec, &command)
}

fn asked(exec: &Executor, command: &Invocation) -> anyhow::Result<Result<Account, String>> {
    let answer = match exec.probe(command) {
        Ok(answer) => answer,
        Err(error) => {
            exec.check_interrupted()?;
            // The first line alone: those after it are the helper's last words, which may be the password.
            let why = format!("{error:#}");
            return Ok(Err(why.lines().next().unwrap_or_default().to_owned()));
        }
    };
    if !answer.success {
        return Ok(Err("it has nothing".to_owned()));
    }
    let Ok(answer) = serde_json::from_str::<HelpersAnswer>(&answer.stdout) else {
        return Ok(Err("its answer is not what the protocol says".to_owned()));
    };
    if answer.username == "<token>" {
        return Ok(Err(IDENTITY_TOKEN.to_owned()));
    }
    Ok(Ok(Account { username: answer.username, password: answer.secret }))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::config::registry::DockerConfig;
    use crate::exec::Mode;
    use crate::ui::Ui;

    fn account(name: &str) -> Account {
        Account { username: name.to_owned(), password: format!("{name}'s password") }
    }

    fn user(sources: &Sources, registry: &str, is_target: bool) -> String {
        let exec = Executor::new(Ui::detect(true), Mode::DryRun).unwrap();
        let found = find(&exec, sources, registry, is_target).unwrap();
        match found.account {
            Some(account) => {
                assert_eq!(exec.redact(&account.password), "[redacted]");
                format!("{} from {}", account.username, found.place)
            }
            None => found.looked.join(", "),
        }
    }

    #[test]
    fn the_order_of_places() {
        let mut sources = Sources {
            given: Some(account("given")),
            github: Some(account("github")),
            docker: DockerConfig { path: Some(PathBuf::from("config.json")), ..DockerConfig::default() },
        };
        let docker = DockerAuth::Account(account("docker"));
        sources.docker.auths.insert("ghcr.io".to_owned(), docker);
        let variables = format!("given from {USERNAME} and {PASSWORD}");
        assert_eq!(user(&sources, "ghcr.io", true), variables);
        assert_eq!(user(&sources, "ghcr.io", false), "docker from config.json");
        sources.docker.auths.clear();
        assert_eq!(user(&sources, "ghcr.io", false), "github from GITHUB_ACTOR and GITHUB_TOKEN");
        let nothing =
            format!("{USERNAME} and {PASSWORD} (for another registry), config.json (nothing for quay.io)");
        assert_eq!(user(&sources, "quay.io", false), nothing);
    }

    #[test]
    fn a_helper_that_is_not_there_is_no_failure() {
        let mut sources = Sources::default();
        sources.docker.path = Some(PathBuf::from("config.json"));
        sources.docker.store = Some("nowhere-to-be-found".to_owned());
        let shown = user(&sources, "quay.io", true);
        assert!(shown.contains("docker-credential-nowhere-to-be-found"), "{shown}");
        sources.docker.helpers.insert("quay.io".to_owned(), "a/b".to_owned());
        assert!(user(&sources, "quay.io", true).contains("not a name of a program"));
    }

    #[test]
    fn a_helper_that_dies_tells_no_password() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("docker-credential-dying");
        std::fs::write(&program, "#!/bin/sh\necho '{\"Secret\": \"hunter2-of-a-test\"}'\nkill -KILL $$\n")
            .unwrap();
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let exec = Executor::new(Ui::detect(true), Mode::DryRun).unwrap();
        let path = format!("{}:/usr/bin:/bin", folder.path().display());
        let command = Invocation::new("docker-credential-dying", folder.path()).arg("get").env("PATH", path);
        let why = asked(&exec, &command).unwrap().err().unwrap();
        assert!(why.contains("docker-credential-dying") && !why.contains("hunter2"), "{why}");
    }

    #[test]
    fn what_cannot_be_used_is_told_and_keeps_nobody_out() {
        let mut sources = Sources::default();
        sources.docker.path = Some(PathBuf::from("config.json"));
        sources.docker.auths.insert("quay.io".to_owned(), DockerAuth::IdentityToken);
        sources.docker.auths.insert("gcr.io".to_owned(), DockerAuth::Broken);
        let exec = Executor::new(Ui::detect(true), Mode::DryRun).unwrap();
        for (registry, told) in [("quay.io", "identity token for quay.io"), ("gcr.io", "docker login gcr.io")]
        {
            let found = find(&exec, &sources, registry, false).unwrap();
            assert!(found.account.is_none());
            assert!(found.looked.join("; ").contains(told), "{:?}", found.looked);
        }
    }
}
