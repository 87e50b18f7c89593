//! What an image's configuration says about its process, mapped below the folder that the image is unpacked in.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tokio::process::Command;

/// Where programs are looked for after the image's own folders: an image without a shell may be helped by the host's.
const HOST_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The part of an image's configuration that concerns its process.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Image {
    #[serde(default)]
    env: Option<Vec<String>>,
    #[serde(default)]
    entrypoint: Option<Vec<String>>,
    #[serde(default)]
    cmd: Option<Vec<String>>,
    #[serde(default)]
    working_dir: Option<String>,
}

impl Image {
    /// The command that the image stands for. Absolute paths in arguments and environment that lead into the image do
    /// so here as well.
    ///
    /// # Errors
    /// Why it cannot be started.
    pub fn command(&self, root: &Path, variables: &BTreeMap<String, String>) -> Result<Command, String> {
        let words: Vec<&String> = self.entrypoint.iter().chain(&self.cmd).flatten().collect();
        let (program, arguments) = words.split_first().ok_or("no command specified")?;
        let mut environment: BTreeMap<&str, &str> =
            self.env.iter().flatten().filter_map(|pair| pair.split_once('=')).collect();
        environment.extend(variables.iter().map(|(name, value)| (name.as_str(), value.as_str())));

        let folder = self.working_dir.as_deref().unwrap_or_default().trim_start_matches('/');
        let folder = root.join(folder);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let search = environment.get("PATH").copied().unwrap_or(HOST_PATH);
        let mut command = Command::new(find(program, root, &folder, search)?);
        command.args(arguments.iter().map(|argument| below(root, argument))).current_dir(&folder).env_clear();
        for (name, value) in &environment {
            command.env(name, below(root, value));
        }
        let own = search.split(':').map(|folder| root.join(folder.trim_start_matches('/')));
        let own: Vec<String> = own.map(|folder| folder.display().to_string()).collect();
        command.env("PATH", format!("{}:{HOST_PATH}", own.join(":")));
        if !environment.contains_key("HOME") {
            command.env("HOME", &folder);
        }
        Ok(command)
    }
}

/// The program as the container's first process would find it.
fn find(program: &str, root: &Path, folder: &Path, search: &str) -> Result<PathBuf, String> {
    let candidates: Vec<PathBuf> = if program.starts_with('/') {
        vec![root.join(program.trim_start_matches('/'))]
    } else if program.contains('/') {
        vec![folder.join(program)]
    } else {
        search.split(':').map(|folder| root.join(folder.trim_start_matches('/')).join(program)).collect()
    };
    let found = candidates.into_iter().find(|candidate| candidate.is_file());
    found.ok_or_else(|| format!("exec: \"{program}\": no such file in the image"))
}

/// The value, or where it leads to below the root if the image has such a place or at least a folder for it.
fn below(root: &Path, value: &str) -> PathBuf {
    let inner = value.trim_start_matches('/');
    let mapped = root.join(inner);
    let known = value.starts_with('/')
        && !inner.is_empty()
        && !value.contains(':')
        && (mapped.exists() || (inner.contains('/') && mapped.parent().is_some_and(Path::is_dir)));
    if known { mapped } else { PathBuf::from(value) }
}
