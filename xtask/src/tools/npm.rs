//! Tools that are npm packages: installed into our own folder, with a launcher that needs nothing around it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::exec::Executor;
use crate::plan::quote;

use super::node::{Node, write_launcher};
use super::source::{Unreachable, limit};
use super::store;

/// What is installed for one tool.
pub struct Package<'a> {
    pub name: &'a str,
    pub version: &'a str,
    /// More packages, as npm takes them: `name@version`.
    pub with: &'a [String],
    pub program: &'a str,
    /// Whether the tool needs what its packages have for single platforms.
    pub with_optional: bool,
}

/// Installs a package into `folder` and gives its program there a launcher. Returns what the tool needs outside its
/// folder.
pub fn install(
    exec: &Executor,
    node: &Node,
    package: &Package<'_>,
    folder: &Path,
) -> anyhow::Result<Vec<PathBuf>> {
    let cache = folder.join(".npm-cache");
    let spec = format!("{}@{}", package.name, package.version);
    let view = ["view", &spec, "version", "--fetch-retries=0", "--fetch-timeout=8000"];
    let view = node.npm(folder, &cache).args(view).timeout(limit(15));
    let answer = exec.run(&view).context(Unreachable("npm"))?.stdout;
    if !answer.contains(package.version) {
        bail!("npm does not know {spec}");
    }
    let into = folder.display().to_string();
    let optional = if package.with_optional { "--include=optional" } else { "--omit=optional" };
    let install = node
        .npm(folder, &cache)
        .args(["install", "--prefix", &into, "--no-save", "--ignore-scripts", optional])
        .args(["--no-audit", "--no-fund", "--fetch-retries=1", &spec])
        .args(package.with)
        .timeout(limit(300));
    exec.run(&install)?;
    let _ = fs::remove_dir_all(cache);
    let modules = folder.join("node_modules");
    if let Some(native) = native_program(&modules, package) {
        write_launcher(exec, &store::program(folder, package.program), &native_launcher(&native))?;
        return Ok(Vec::new());
    }
    let script = script_of(&modules.join(package.name), package)?;
    let text = launcher(node.program(), &format!("node_modules/{}/{script}", package.name));
    write_launcher(exec, &store::program(folder, package.program), &text)?;
    Ok(vec![node.program().to_owned()])
}

/// The program in a package for this platform, below the tool's folder. Packages like that have a script that moves it
/// to its place, and we run no scripts.
fn native_program(modules: &Path, package: &Package<'_>) -> Option<String> {
    let prefix = format!("{}-", package.name);
    let entries = fs::read_dir(modules).ok()?.flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut own = names.filter(|name| name.starts_with(&prefix));
    let name = own.find(|name| modules.join(name).join(package.program).is_file())?;
    Some(format!("node_modules/{name}/{}", package.program))
}

/// A script that runs `script`, relative to the tool's folder, wherever that folder is. What the script looks for by
/// name is found beside it, unless the project has it too.
fn launcher(node: &Path, script: &str) -> String {
    let node = quote(&node.display().to_string());
    format!(
        "#!/bin/sh\nd=${{0%/*}}/..\nNODE_PATH=\"$d\"/node_modules exec {node} \"$d\"/{} \"$@\"\n",
        quote(script)
    )
}

fn native_launcher(program: &str) -> String {
    format!("#!/bin/sh\nexec \"${{0%/*}}\"/../{} \"$@\"\n", quote(program))
}

/// The script behind a program, as the package's manifest says: `bin` is a text or a table.
fn script_of(folder: &Path, package: &Package<'_>) -> anyhow::Result<String> {
    let (name, program) = (package.name, package.program);
    let path = folder.join("package.json");
    let text = fs::read_to_string(&path).with_context(|| format!("the npm package {name} is not there"))?;
    let manifest: serde_json::Value = serde_json::from_str(&text)
        .with_context(|| format!("read the manifest of the npm package {name}"))?;
    let bin = &manifest["bin"];
    let script = bin.as_str().or_else(|| bin[program].as_str());
    let script = script.with_context(|| format!("the npm package {name} has no program `{program}`"))?;
    Ok(script.trim_start_matches("./").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &'static str, program: &'static str) -> Package<'static> {
        Package { name, version: "1", with: &[], program, with_optional: false }
    }

    #[test]
    fn a_launcher_works_wherever_its_folder_is() {
        let text = launcher(Path::new("/opt/my node/bin/node"), "node_modules/sass/sass.js");
        let expected = "#!/bin/sh\nd=${0%/*}/..\nNODE_PATH=\"$d\"/node_modules exec '/opt/my node/bin/node' \
                        \"$d\"/node_modules/sass/sass.js \"$@\"\n";
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
            let script = script_of(folder.path(), &package("sass", "sass"));
            assert_eq!(script.ok().as_deref(), expected, "{bin}");
        }
    }

    #[test]
    fn the_package_of_this_platform_has_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let tool = package("css-cli", "css");
        for file in ["css-cli/css", "css-cli-more/readme"] {
            fs::create_dir_all(folder.path().join(file).parent().unwrap()).unwrap();
            fs::write(folder.path().join(file), "").unwrap();
        }
        assert_eq!(native_program(folder.path(), &tool), None);
        fs::create_dir(folder.path().join("css-cli-linux")).unwrap();
        fs::write(folder.path().join("css-cli-linux/css"), "").unwrap();
        let expected = Some("node_modules/css-cli-linux/css".to_owned());
        assert_eq!(native_program(folder.path(), &tool), expected);
    }
}
