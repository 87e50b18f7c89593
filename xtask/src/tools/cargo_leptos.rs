//! cargo-leptos, where it is installed: which one, and which programs it will find on its own `PATH`.
//!
//! Looking is all there is: it takes a quarter of an hour to compile, so nobody gets it without asking for it.

use std::path::{Path, PathBuf};

use crate::config::tools::Table;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::facts::tool::{find_on_path, version_of};

use super::{Resolved, store};

const KEY: &str = "cargo-leptos";

/// An installed cargo-leptos.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CargoLeptos {
    pub program: PathBuf,
    pub version: String,
}

/// The command that installs it, at the version of the table.
pub fn install_command() -> anyhow::Result<String> {
    let pinned = Table::builtin().tool(KEY)?.version.clone().unwrap_or_default();
    Ok(format!("cargo install --locked {KEY}@{pinned}"))
}

/// Finds it: in the user-local folder at the version of the table, else on `PATH` at any version from 0.3 on.
pub fn look(exec: &Executor) -> anyhow::Result<CargoLeptos> {
    let pinned = Table::builtin().tool(KEY)?.version.clone().unwrap_or_default();
    let install = format!("install it with `{}`, or build with `--driver native`", install_command()?);
    let own = store::program(&store::folder(&store::home()?, KEY, &pinned), KEY);
    let found = if own.is_file() { Some(own) } else { find_on_path(KEY) };
    let Some(program) = found else {
        let message = format!("{KEY} is not installed: it is neither on PATH nor in the user-local folder");
        return Err(Failure::new(Exit::MissingTool, message).hint(install).into());
    };
    let version = version_of(exec, &program, &["--version"]);
    exec.check_interrupted()?;
    match version {
        Some(version) if is_new_enough(&version) => Ok(CargoLeptos { program, version }),
        version => {
            let says =
                version.map_or("does not tell its version".to_owned(), |version| format!("is {version}"));
            let message = format!("`{}` {says}; 0.3 is needed at least", program.display());
            Err(Failure::new(Exit::MissingTool, message).hint(install).into())
        }
    }
}

/// The flags that we give came with 0.3.
fn is_new_enough(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u64>().unwrap_or_default());
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default()) >= (0, 3)
}

/// The `PATH` on which cargo-leptos finds exactly these programs: it takes whatever is first there, and looks for no
/// version. `path` is the `PATH` of this process.
pub fn path_for(tools: &[&Resolved], path: &str) -> String {
    let programs = tools.iter().map(|tool| Path::new(&tool.program));
    // Folders of `PATH` stay where they are: there may be other programs in them.
    let ours = programs
        .filter_map(Path::parent)
        .filter(|folder| std::env::split_paths(path).all(|on| on != *folder));
    let mut folders: Vec<String> = ours.map(|folder| folder.display().to_string()).collect();
    folders.push(path.to_owned());
    folders.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_0_3_are_needed() {
        for (version, expected) in
            [("0.3.10", true), ("0.4.0", true), ("1.0.0", true), ("0.2.49", false), ("x", false)]
        {
            assert_eq!(is_new_enough(version), expected, "{version}");
        }
    }

    #[test]
    fn our_programs_come_first_and_the_users_folders_stay_in_order() {
        let tool = |tool: &'static str, program: &str| Resolved {
            tool,
            version: String::new(),
            program: program.to_owned(),
            rustflags: Vec::new(),
            source: String::new(),
            missing: false,
        };
        let own = tool("wasm-bindgen", "/tools/wasm-bindgen/1/bin/wasm-bindgen");
        let other = tool("wasm-opt", "/usr/bin/wasm-opt");
        let path = path_for(&[&own, &other], "/usr/local/bin:/usr/bin");
        assert_eq!(path, "/tools/wasm-bindgen/1/bin:/usr/local/bin:/usr/bin");
    }
}
