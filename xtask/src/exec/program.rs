//! Which file a command's program is, found before anything starts.
//!
//! Owns the difference between a tool that is missing, one that may not be run, and a folder that is missing. Knows
//! nothing about running processes.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::exit::{Exit, Failure};
use crate::plan::Invocation;

/// The program's file. A name without a slash is looked up on `path`, the value of `PATH` that the child will have;
/// a relative path starts at the command's folder, as in the printed plan.
pub(super) fn find(command: &Invocation, path: Option<&OsStr>) -> Result<PathBuf, Failure> {
    let cwd = &command.cwd;
    if !cwd.is_dir() {
        let problem = if cwd.exists() { "is not a folder" } else { "does not exist" };
        let message =
            format!("cannot run `{}`: its folder {} {problem}", command.program_name(), cwd.display());
        return Err(Failure::new(Exit::CommandFailed, message));
    }
    if command.program.contains('/') {
        let file = cwd.join(&command.program);
        return match (file.is_file(), is_executable(&file)) {
            (true, true) => Ok(file),
            (true, false) => Err(not_executable(&file)),
            (false, _) => {
                Err(Failure::new(Exit::MissingTool, format!("`{}` does not exist", command.program)))
            }
        };
    }
    let mut refused = None;
    for folder in path.map(std::env::split_paths).into_iter().flatten() {
        let file = cwd.join(folder).join(&command.program);
        if file.is_file() {
            if is_executable(&file) {
                return Ok(file);
            }
            refused.get_or_insert(file);
        }
    }
    Err(match refused {
        Some(file) => not_executable(&file),
        None => Failure::new(Exit::MissingTool, format!("`{}` is not on PATH", command.program))
            .hint("install it, or add the folder that has it to PATH"),
    })
}

fn is_executable(file: &Path) -> bool {
    access(file, Access::EXEC_OK).is_ok()
}

fn not_executable(file: &Path) -> Failure {
    Failure::new(Exit::CommandFailed, format!("permission denied: {} is not executable", file.display()))
        .hint(format!("chmod +x {}", crate::plan::quote(&file.display().to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(program: &str, cwd: &Path, path: &Path) -> (Exit, String) {
        let failure = find(&Invocation::new(program, cwd), Some(path.as_os_str())).unwrap_err();
        (failure.exit, failure.message)
    }

    #[test]
    fn every_way_of_being_absent_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        std::fs::write(here.join("data"), "").unwrap();

        assert_eq!(
            problem("no-tool", here, here),
            (Exit::MissingTool, "`no-tool` is not on PATH".to_owned())
        );
        assert_eq!(
            problem("./no-tool", here, here),
            (Exit::MissingTool, "`./no-tool` does not exist".to_owned())
        );
        let (exit, message) = problem("data", here, here);
        assert_eq!(exit, Exit::CommandFailed);
        assert!(message.starts_with("permission denied: "), "{message}");
        let (exit, message) = problem("/bin/sh", &here.join("gone"), here);
        assert_eq!(exit, Exit::CommandFailed);
        assert!(message.ends_with("gone does not exist"), "{message}");
    }

    #[test]
    fn names_come_from_path_and_relative_paths_from_the_folder() {
        let found = find(&Invocation::new("sh", "/"), Some(OsStr::new("/nowhere:/bin"))).unwrap();
        assert_eq!(found, Path::new("/bin/sh"));
        assert_eq!(find(&Invocation::new("bin/sh", "/"), None).unwrap(), Path::new("/bin/sh"));
    }
}
