//! An account for what Docker's client does itself, a pull or a build, for as long as it takes.
//!
//! It knows neither our variables nor GitHub's token. It is given them in a configuration of its own that nobody else
//! can read; `docker login` would leave the account behind in the user's.

use std::fs;

use anyhow::Context;
use base64ct::{Base64, Encoding};
use serde_json::{Map, Value, json};

use super::credentials;
use crate::config::registry::{Account, DockerAuth, DockerConfig, Sources};
use crate::exec::{Executor, PrivateFolder};
use crate::image::reference::Reference;
use crate::plan::Invocation;

/// The configuration, which goes with the value.
pub struct Login {
    folder: PrivateFolder,
}

impl Login {
    /// Makes the configuration. `None` where Docker's own will do, or nobody has an account.
    /// `is_target` says that it is the registry that is pushed to, which the variables are meant for.
    pub fn for_pull(
        exec: &Executor,
        sources: &Sources,
        image: &Reference,
        is_target: bool,
    ) -> anyhow::Result<Option<Login>> {
        let is_given = is_target && sources.given.is_some();
        if !is_given && matches!(sources.docker.auths.get(&image.registry), Some(DockerAuth::IdentityToken)) {
            // Which we cannot use, but Docker's client can.
            return Ok(None);
        }
        let found = credentials::find(exec, sources, &image.registry, is_target)?;
        let Some(account) = found.account.filter(|_| !found.is_dockers) else { return Ok(None) };
        let docker = &sources.docker;
        let login = Login { folder: exec.private_folder().context("log in for the pull")? };
        login
            .write(&configuration(&image.registry, &account, docker), docker)
            .context("log in for the pull")?;
        Ok(Some(login))
    }

    /// The same for a build that pushes to `image`. All else stays as the user has it: accounts for the images that it
    /// stands on, builders, plugins.
    pub fn for_build(exec: &Executor, sources: &Sources, image: &Reference) -> anyhow::Result<Option<Login>> {
        let docker = &sources.docker;
        let is_token = matches!(docker.auths.get(&image.registry), Some(DockerAuth::IdentityToken));
        if sources.given.is_none() && is_token {
            return Ok(None);
        }
        let found = credentials::find(exec, sources, &image.registry, true)?;
        let Some(account) = found.account.filter(|_| !found.is_dockers) else { return Ok(None) };
        let theirs = docker.path.as_ref().and_then(|path| fs::read_to_string(path).ok());
        let theirs = theirs.and_then(|text| serde_json::from_str::<Map<String, Value>>(&text).ok());
        let whole = added(theirs.unwrap_or_default(), &image.registry, &account);
        let login = Login { folder: exec.private_folder().context("log in for the build")? };
        login.write(&whole, docker).context("log in for the build")?;
        Ok(Some(login))
    }

    /// The command as this account.
    pub fn of(&self, command: &Invocation) -> Invocation {
        command.clone().env("DOCKER_CONFIG", self.folder.path().display().to_string())
    }

    fn write(&self, configuration: &Value, docker: &DockerConfig) -> anyhow::Result<()> {
        self.folder.write("config.json", &configuration.to_string())?;
        // Where the engine is may be written in files beside the user's configuration, and so are builders and plugins.
        for name in ["contexts", "buildx", "cli-plugins"] {
            let theirs = docker.path.as_ref().map(|path| path.with_file_name(name));
            if let Some(theirs) = theirs.filter(|folder| folder.is_dir()) {
                self.folder.link(name, &theirs)?;
            }
        }
        Ok(())
    }
}

/// The account, and which of the user's engines is in use.
fn configuration(registry: &str, account: &Account, docker: &DockerConfig) -> Value {
    let mut entries = Map::new();
    entries.extend(docker.context.clone().map(|name| ("currentContext".to_owned(), Value::String(name))));
    added(entries, registry, account)
}

/// A configuration with this account more.
fn added(mut configuration: Map<String, Value>, registry: &str, account: &Account) -> Value {
    // The one name under which Docker's client keeps Docker Hub.
    let server = if registry == "docker.io" { "https://index.docker.io/v1/" } else { registry };
    let auth = Base64::encode_string(format!("{}:{}", account.username, account.password).as_bytes());
    let mut set = |section: &str, value: Value| {
        let section = configuration.entry(section).or_insert_with(|| json!({}));
        if let Value::Object(entries) = section {
            entries.insert(server.to_owned(), value);
        }
    };
    set("auths", json!({"auth": auth}));
    // No program that keeps the user's passwords is asked for this one.
    set("credHelpers", json!(""));
    Value::Object(configuration)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::*;
    use crate::exec::Mode;
    use crate::ui::Ui;

    fn account(name: &str) -> Account {
        Account { username: name.to_owned(), password: format!("{name}'s password") }
    }

    /// What Docker's client would read, if there is a configuration for it.
    fn read(sources: &Sources, image: &str, is_target: bool) -> Option<String> {
        let exec = Executor::new(Ui::detect(true), Mode::Run).unwrap();
        let image = Reference::parse(image).unwrap();
        let login = Login::for_pull(&exec, sources, &image, is_target).unwrap()?;
        let command = login.of(&Invocation::new("docker", "/"));
        let folder = PathBuf::from(&command.env["DOCKER_CONFIG"]);
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        let text = fs::read_to_string(folder.join("config.json")).unwrap();
        assert!(exec.redact(&text).contains("[redacted]"), "{text}");
        drop(login);
        assert!(!folder.exists());
        Some(text)
    }

    #[test]
    fn only_what_docker_does_not_know_is_written() {
        let mut sources = Sources { github: Some(account("github")), ..Sources::default() };
        let auth = |name: &str| Base64::encode_string(format!("{name}:{name}'s password").as_bytes());
        let expected = |server: &str, name: &str| {
            Some(json!({"auths": {server: {"auth": auth(name)}}, "credHelpers": {server: ""}}).to_string())
        };
        assert_eq!(read(&sources, "ghcr.io/o/app:1", false), expected("ghcr.io", "github"));
        assert_eq!(read(&sources, "quay.io/o/app:1", true), None);
        sources.given = Some(account("given"));
        assert_eq!(read(&sources, "quay.io/o/app:1", true), expected("quay.io", "given"));
        assert_eq!(read(&sources, "quay.io/o/app:1", false), None);
        assert_eq!(read(&sources, "app:1", true), expected("https://index.docker.io/v1/", "given"));
        assert_eq!(read(&sources, "ghcr.io/o/app:1", false), expected("ghcr.io", "github"));
        sources.docker.path = Some(PathBuf::from("config.json"));
        sources.docker.auths.insert("ghcr.io".to_owned(), DockerAuth::Account(account("docker")));
        assert_eq!(read(&sources, "ghcr.io/o/app:1", false), None);
        sources.docker.auths.insert("ghcr.io".to_owned(), DockerAuth::IdentityToken);
        assert_eq!(read(&sources, "ghcr.io/o/app:1", false), None);
        assert_eq!(read(&sources, "ghcr.io/o/app:1", true), expected("ghcr.io", "given"));
    }

    #[test]
    fn a_build_keeps_all_that_the_user_has() {
        let exec = Executor::new(Ui::detect(true), Mode::Run).unwrap();
        let theirs = tempfile::tempdir().unwrap();
        fs::create_dir(theirs.path().join("buildx")).unwrap();
        let path = theirs.path().join("config.json");
        let text =
            r#"{"auths": {"quay.io": {"auth": "eDp5"}}, "credsStore": "desktop", "currentContext": "far"}"#;
        fs::write(&path, text).unwrap();
        let mut sources = Sources { github: Some(account("github")), ..Sources::default() };
        sources.docker.path = Some(path);
        let image = Reference::parse("ghcr.io/o/app").unwrap();
        let login = Login::for_build(&exec, &sources, &image).unwrap().unwrap();
        let folder = PathBuf::from(&login.of(&Invocation::new("docker", "/")).env["DOCKER_CONFIG"]);
        let written: Value =
            serde_json::from_str(&fs::read_to_string(folder.join("config.json")).unwrap()).unwrap();
        let auth = Base64::encode_string(b"github:github's password");
        let expected = json!({
            "auths": {"ghcr.io": {"auth": auth}, "quay.io": {"auth": "eDp5"}},
            "credHelpers": {"ghcr.io": ""}, "credsStore": "desktop", "currentContext": "far",
        });
        assert_eq!(written, expected);
        assert!(folder.join("buildx").is_dir());
        // Elsewhere GitHub's token is nobody's account.
        let elsewhere = Reference::parse("r.example/o/app").unwrap();
        assert!(Login::for_build(&exec, &sources, &elsewhere).unwrap().is_none());
    }

    #[test]
    fn the_engine_stays_the_same() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("contexts")).unwrap();
        let mut sources = Sources { given: Some(account("given")), ..Sources::default() };
        sources.docker.path = Some(folder.path().join("config.json"));
        sources.docker.context = Some("elsewhere".to_owned());
        let text = read(&sources, "quay.io/o/app:1", true).unwrap();
        assert!(text.contains(r#""currentContext":"elsewhere""#), "{text}");
        // What is linked to is not removed.
        assert!(folder.path().join("contexts").is_dir());
    }
}
