//! Where credentials for registries come from: the environment and Docker's own configuration file.
//!
//! Reads what is written there. Which of it applies to which registry is decided in room `image`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use base64ct::{Base64, Encoding};
use serde::Deserialize;

use crate::exit::Failure;

/// The two variables that come before everything else.
pub const USERNAME: &str = "XTASK_REGISTRY_USERNAME";
pub const PASSWORD: &str = "XTASK_REGISTRY_PASSWORD";

/// The two with which the platform pulls the image: another account, which needs to read alone.
pub const PULL_USERNAME: &str = "XTASK_PULL_USERNAME";
pub const PULL_PASSWORD: &str = "XTASK_PULL_PASSWORD";

/// Somebody whom a registry knows. Has no `Debug` on purpose: the password must not be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    pub username: String,
    pub password: String,
}

/// Everything that may hold credentials.
#[derive(Default)]
pub struct Sources {
    /// `XTASK_REGISTRY_USERNAME` and `XTASK_REGISTRY_PASSWORD`.
    pub given: Option<Account>,
    /// `GITHUB_ACTOR` and `GITHUB_TOKEN`.
    pub github: Option<Account>,
    pub docker: DockerConfig,
}

/// What matters of Docker's `config.json`.
#[derive(Default)]
pub struct DockerConfig {
    /// The file, whether it exists or not; `None` without a home folder.
    pub path: Option<PathBuf>,
    /// By registry, e.g. `ghcr.io`; Docker Hub is `docker.io`.
    pub auths: BTreeMap<String, DockerAuth>,
    /// The helper for one registry: the NAME of `docker-credential-NAME`.
    pub helpers: BTreeMap<String, String>,
    /// The helper for all others.
    pub store: Option<String>,
    /// Which of the engines that the client knows is in use, where it is not the usual one.
    pub context: Option<String>,
}

/// One entry of `auths`.
#[derive(Clone, PartialEq, Eq)]
pub enum DockerAuth {
    Account(Account),
    /// A token for refreshing tokens, which takes another way of authentication.
    IdentityToken,
    /// Neither, nor empty.
    Broken,
}

impl Sources {
    /// Reads the environment and Docker's file. One of the two variables without the other is an error.
    pub fn read() -> anyhow::Result<Sources> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let folder = variable("DOCKER_CONFIG").map(PathBuf::from);
        let folder = folder.or_else(|| Some(Path::new(&variable("HOME")?).join(".docker")));
        Ok(Sources {
            given: given([USERNAME, PASSWORD], variable)?,
            github: match (variable("GITHUB_ACTOR"), variable("GITHUB_TOKEN")) {
                (Some(username), Some(password)) => Some(Account { username, password }),
                _ => None,
            },
            docker: folder
                .map(|folder| DockerConfig::read(folder.join("config.json")))
                .transpose()?
                .unwrap_or_default(),
        })
    }
}

/// The account that the platform pulls with: `XTASK_PULL_USERNAME` and `XTASK_PULL_PASSWORD`. One without the other is
/// an error.
pub fn for_pulling() -> anyhow::Result<Option<Account>> {
    given([PULL_USERNAME, PULL_PASSWORD], |name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

fn given(names: [&str; 2], variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Option<Account>> {
    let [username, password] = names;
    let (set, unset) = match (variable(username), variable(password)) {
        (Some(username), Some(password)) => return Ok(Some(Account { username, password })),
        (None, None) => return Ok(None),
        (Some(_), None) => (username, password),
        (None, Some(_)) => (password, username),
    };
    Err(Failure::usage(format!("the variable {set} is set, but {unset} is not"))
        .hint("set both, or neither")
        .into())
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct File {
    auths: Option<BTreeMap<String, Entry>>,
    cred_helpers: Option<BTreeMap<String, String>>,
    creds_store: Option<String>,
    current_context: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
}

impl DockerConfig {
    fn read(path: PathBuf) -> anyhow::Result<DockerConfig> {
        let config = match std::fs::read_to_string(&path) {
            Ok(text) => DockerConfig::parse(&text, &path.display().to_string())?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => DockerConfig::default(),
            Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
        };
        Ok(DockerConfig { path: Some(path), ..config })
    }

    fn parse(text: &str, name: &str) -> anyhow::Result<DockerConfig> {
        // The error's text may quote a value of the file, and is left out.
        let file: File = serde_json::from_str(text).map_err(|error| {
            Failure::usage(format!("{name}: line {} is not what Docker writes there", error.line()))
                .hint("`docker login` writes the file anew once it is out of the way")
        })?;
        let mut auths = BTreeMap::new();
        // Where Docker's client logs in with a browser, it keeps its own tokens beside the account.
        let is_token = |key: &str| ["/access-token", "/refresh-token"].iter().any(|end| key.ends_with(end));
        for (key, entry) in file.auths.iter().flatten().filter(|(key, _)| !is_token(key)) {
            // A broken entry for one registry must not stand in the way of all others.
            if let Some(auth) = entry.read().unwrap_or(Some(DockerAuth::Broken)) {
                auths.insert(registry_of(key), auth);
            }
        }
        let helpers = file
            .cred_helpers
            .iter()
            .flatten()
            .map(|(key, helper)| (registry_of(key), helper.clone()))
            .collect();
        let store = file.creds_store.filter(|store| !store.is_empty());
        let context = file.current_context.filter(|name| !name.is_empty());
        Ok(DockerConfig { path: None, auths, helpers, store, context })
    }
}

impl Entry {
    /// `Some(None)` for an entry without anything, which says that a helper has it; `None` for a broken one.
    fn read(&self) -> Option<Option<DockerAuth>> {
        if !self.identitytoken.is_empty() {
            return Some(Some(DockerAuth::IdentityToken));
        }
        let (username, password) = if self.auth.is_empty() {
            (self.username.clone(), self.password.clone())
        } else {
            let bytes = Base64::decode_vec(&self.auth).ok()?;
            let text = String::from_utf8(bytes).ok()?;
            let (username, password) = text.split_once(':')?;
            (username.to_owned(), password.trim_end_matches('\0').to_owned())
        };
        match (username.is_empty(), password.is_empty()) {
            (true, true) => Some(None),
            (false, false) => Some(Some(DockerAuth::Account(Account { username, password }))),
            _ => None,
        }
    }
}

/// The registry behind a key of Docker's file, which may be an address of an older protocol.
fn registry_of(key: &str) -> String {
    let host = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    match host.split('/').next().unwrap_or(host) {
        "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
        host => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn parse(text: &str) -> anyhow::Result<DockerConfig> {
        DockerConfig::parse(text, "config.json")
    }

    fn account(config: &DockerConfig, registry: &str) -> Option<(String, String)> {
        match config.auths.get(registry)? {
            DockerAuth::Account(account) => Some((account.username.clone(), account.password.clone())),
            DockerAuth::IdentityToken | DockerAuth::Broken => None,
        }
    }

    #[test]
    fn entries_in_every_spelling() {
        let config = parse(
            r#"{"auths": {
                "https://index.docker.io/v1/": {"auth": "aHViOmh1Yi1wYXNz"},
                "https://index.docker.io/v1/access-token": {"auth": "aHViOm90aGVy"},
                "https://index.docker.io/v1/refresh-token": {"auth": "aHViOm90aGVy"},
                "ghcr.io": {"username": "me", "password": "pa:ss"},
                "127.0.0.1:5000": {"auth": "YTpiOmM="},
                "kept.example": {},
                "azure.example": {"auth": "YTpi", "identitytoken": "t"}},
              "credHelpers": {"https://helped.example/v2/": "one"}, "credsStore": "desktop",
              "HttpHeaders": {"x": "y"}, "experimental": "enabled"}"#,
        )
        .unwrap();
        let pair = |username: &str, password: &str| Some((username.to_owned(), password.to_owned()));
        assert_eq!(account(&config, "docker.io"), pair("hub", "hub-pass"));
        assert_eq!(account(&config, "ghcr.io"), pair("me", "pa:ss"));
        assert_eq!(account(&config, "127.0.0.1:5000"), pair("a", "b:c"));
        assert!(!config.auths.contains_key("kept.example"));
        assert!(config.auths["azure.example"] == DockerAuth::IdentityToken);
        assert_eq!(config.helpers["helped.example"], "one");
        assert_eq!(config.store.as_deref(), Some("desktop"));
        assert!(parse("{}").unwrap().auths.is_empty());
        assert!(parse(r#"{"auths": null, "credHelpers": null, "credsStore": ""}"#).unwrap().store.is_none());
    }

    #[test]
    fn broken_files_are_named_and_not_shown() {
        let message = |text: &str| parse(text).err().unwrap().to_string();
        expect!["config.json: line 2 is not what Docker writes there"]
            .assert_eq(&message("{\"auths\":\n \"hunter2\"}"));
        let config = parse(r#"{"auths": {"ghcr.io": {"auth": "hunter2"}}}"#).unwrap();
        assert!(config.auths["ghcr.io"] == DockerAuth::Broken);
    }

    #[test]
    fn half_an_account_is_an_error() {
        let read =
            |set: &[&str]| given([USERNAME, PASSWORD], |name| set.contains(&name).then(|| "x".to_owned()));
        assert!(read(&[USERNAME, PASSWORD]).unwrap().is_some() && read(&[]).unwrap().is_none());
        expect!["the variable XTASK_REGISTRY_PASSWORD is set, but XTASK_REGISTRY_USERNAME is not"]
            .assert_eq(&read(&[PASSWORD]).err().unwrap().to_string());
    }
}
