//! Which programs are there, and which versions they say they are.
//!
//! Knows nothing of which version would be right.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::exec::Executor;
use crate::plan::Invocation;

/// The first program of this name on `PATH`.
pub fn find_on_path(name: &str) -> Option<PathBuf> {
    find_in(&std::env::var_os("PATH")?, name).next()
}

/// All programs of this name on `PATH`; the first is the one that runs.
pub fn all_on_path(name: &str) -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<PathBuf> = Vec::new();
    found.extend(find_in(&path, name));
    found.dedup();
    found
}

/// The version that a program states when it is called with `args`; `None` where it fails or states none.
pub fn version_of(exec: &Executor, path: &Path, args: &[&str]) -> Option<String> {
    let command = Invocation::new(path.display().to_string(), std::env::temp_dir())
        .args(args.iter().copied())
        .timeout(Duration::from_secs(20));
    let answer = exec.probe(&command).ok().filter(|answer| answer.success)?;
    version_in(&answer.stdout).or_else(|| version_in(&answer.stderr))
}

fn find_in(path: &OsStr, name: &str) -> impl Iterator<Item = PathBuf> {
    let runs = |file: &PathBuf| {
        std::fs::metadata(file).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .filter(runs)
        .collect::<Vec<_>>()
        .into_iter()
}

/// The first word of the first lines that looks like a version: `1.10.1`, `v24.1.0`, `132`.
fn version_in(text: &str) -> Option<String> {
    let words = text.lines().take(3).flat_map(str::split_whitespace);
    let candidates: Vec<&str> = words
        .map(|word| word.trim_matches(|c: char| "(),;".contains(c)))
        .map(|word| word.strip_prefix('v').unwrap_or(word))
        .filter(|word| word.starts_with(|c: char| c.is_ascii_digit()))
        .filter(|word| word.chars().all(|c| c.is_ascii_alphanumeric() || ".-+~".contains(c)))
        .collect();
    let dotted = candidates.iter().find(|word| word.contains('.'));
    dotted.or(candidates.first()).map(|word| (*word).to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn versions_in_the_wild() {
        let cases = [
            ("wasm-bindgen 0.2.104\n", Some("0.2.104")),
            ("wasm-opt version 132 (version_132)\n", Some("132")),
            ("mold 1.10.1 (compatible with GNU ld)\n", Some("1.10.1")),
            ("v24.19.0\n", Some("24.19.0")),
            ("Docker version 27.0.1, build abc1234\n", Some("27.0.1")),
            ("GNU ld (GNU Binutils for Debian) 2.40\n", Some("2.40")),
            ("Debian clang version 14.0.6\nTarget: x86_64-pc-linux-gnu\n", Some("14.0.6")),
            ("1.97.3 compiled with dart2js 3.10.4\n", Some("1.97.3")),
            ("usage: tool\n", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(version_in(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn only_files_that_can_run_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        fs::create_dir_all(one.join("folder")).unwrap();
        fs::create_dir_all(&two).unwrap();
        fs::write(one.join("tool"), "").unwrap();
        fs::write(two.join("tool"), "").unwrap();
        fs::set_permissions(two.join("tool"), fs::Permissions::from_mode(0o755)).unwrap();
        let path = std::env::join_paths([Path::new("relative"), &one, &two]).unwrap();
        let first = |name: &str| find_in(&path, name).next();
        assert_eq!(first("tool"), Some(two.join("tool")));
        assert_eq!(first("folder"), None);
        assert_eq!(first("nothing"), None);
    }
}
