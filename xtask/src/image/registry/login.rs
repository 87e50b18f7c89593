//! An account for a pull of the engine's own, for as long as the pull takes.
//!
//! Docker's client knows neither our variables nor GitHub's token. It is given them in a configuration of its own,
//! below `target/`, that nobody else can read; `docker login` would leave the account behind in the user's.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use base64ct::{Base64, Encoding};
use serde_json::{Map, Value, json};

use super::credentials;
use crate::config::registry::{Account, DockerAuth, DockerConfig, Sources};
use crate::exec::Executor;
use crate::image::reference::Reference;
use crate::plan::Invocation;

/// The configuration, which goes with the value.
pub struct Login {
    folder: PathBuf,
}

impl Login {
    /// Makes the configuration below `target_directory`. `None` where Docker's own will do, or nobody has an account.
    /// `is_target` says that it is the registry that is pushed to, which the variables are meant for.
    pub fn for_pull(
        exec: &Executor,
        sources: &Sources,
        image: &Reference,
        is_target: bool,
        target_directory: &Path,
    ) -> anyhow::Result<Option<Login>> {
        let is_given = is_target && sources.given.is_some();
        if !is_given && matches!(sources.docker.auths.get(&image.registry), Some(DockerAuth::IdentityToken)) {
            // Which we cannot use, but Docker's client can.
            return Ok(None);
        }
        let found = credentials::find(exec, sources, &image.registry, is_target)?;
        let Some(account) = found.account.filter(|_| !found.is_dockers) else { return Ok(None) };
        let docker = &sources.docker;
        let folder = target_directory.join(format!("xtask/docker-login-{}", std::process::id()));
        // The value is there before the folder, so that a folder that is half made goes with it.
        let login = Login { folder };
        login
            .write(&configuration(&image.registry, &account, docker), docker)
            .context("log in for the pull")?;
        Ok(Some(login))
    }

    /// The command as this account.
    pub fn of(&self, command: &Invocation) -> Invocation {
        command.clone().env("DOCKER_CONFIG", self.folder.display().to_string())
    }

    fn write(&self, configuration: &Value, docker: &DockerConfig) -> anyhow::Result<()> {
        if let Some(parent) = self.folder.parent() {
            fs::create_dir_all(parent)?;
        }
        DirBuilder::new().mode(0o700).create(&self.folder)?;
        fs::write(self.folder.join("config.json"), configuration.to_string())?;
        // Where the engine is may be written in files beside the user's configuration.
        let contexts = docker.path.as_ref().map(|path| path.with_file_name("contexts"));
        if let Some(contexts) = contexts.filter(|folder| folder.is_dir()) {
            std::os::unix::fs::symlink(contexts, self.folder.join("contexts"))?;
        }
        Ok(())
    }
}

impl Drop for Login {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The account, and which of the user's engines is in use.
fn configuration(registry: &str, account: &Account, docker: &DockerConfig) -> Value {
    // The one name under which Docker's client keeps Docker Hub.
    let server = if registry == "docker.io" { "https://index.docker.io/v1/" } else { registry };
    let auth = Base64::encode_string(format!("{}:{}", account.username, account.password).as_bytes());
    let mut entries = Map::from_iter([("auths".to_owned(), json!({server: {"auth": auth}}))]);
    entries.extend(docker.context.clone().map(|name| ("currentContext".to_owned(), Value::String(name))));
    Value::Object(entries)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::exec::Mode;
    use crate::ui::Ui;

    fn account(name: &str) -> Account {
        Account { username: name.to_owned(), password: format!("{name}'s password") }
    }

    /// What Docker's client would read, if there is a configuration for it.
    fn read(sources: &Sources, image: &str, is_target: bool) -> Option<String> {
        let exec = Executor::new(Ui::detect(true), Mode::Run).unwrap();
        let target = tempfile::tempdir().unwrap();
        let image = Reference::parse(image).unwrap();
        let login = Login::for_pull(&exec, sources, &image, is_target, target.path()).unwrap()?;
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
        let expected =
            |server: &str, name: &str| Some(json!({"auths": {server: {"auth": auth(name)}}}).to_string());
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
