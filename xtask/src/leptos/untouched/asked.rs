//! Everything that decides about a build and is no file: the plan, who carries it out, and the environment.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::super::digest::sha256;
use super::{Build, SCHEMA, state};
use crate::facts::tool::find_on_path;

/// Variables that name a terminal or a session, where a name ends with `*` all that begin so. They differ from one
/// window to the next and say nothing of what is built. Where cargo tells that a build looks at one of them, it counts
/// all the same. A variable that is missing here costs no more than a question to cargo.
const OF_A_TERMINAL: [&str; 32] = [
    "ALACRITTY_*",
    "COLORTERM",
    "COLUMNS",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "GNOME_TERMINAL_*",
    "GPG_TTY",
    "INVOCATION_ID",
    "ITERM_*",
    "JOURNAL_STREAM",
    "KITTY_*",
    "KONSOLE_*",
    "LINES",
    "OLDPWD",
    "PWD",
    "SHLVL",
    "SSH_*",
    "STY",
    "TERM",
    "TERM_*",
    "TMUX*",
    "VSCODE_*",
    "VTE_VERSION",
    "WAYLAND_DISPLAY",
    "WEZTERM_*",
    "WINDOW",
    "WINDOWID",
    "WT_*",
    "XAUTHORITY",
    "XDG_SESSION_*",
    "ZELLIJ*",
    "_",
];

/// Digest of the plan, the compiler, the programs and the environment. `variables` count although they only tell of a
/// terminal.
pub fn digest(build: &Build<'_>, variables: &BTreeSet<String>) -> String {
    // A plan always serialises; if it ever did not, it would be like no other.
    let plan = serde_json::to_vec(build.plan).unwrap_or_else(|error| error.to_string().into_bytes());
    let environment = environment(std::env::vars_os(), variables);
    sha256(&[
        SCHEMA.as_bytes(),
        &plan,
        build.toolchain.rustc_verbose.as_bytes(),
        build.toolchain.sysroot.as_os_str().as_encoded_bytes(),
        &state::lines_of(&programs(build)),
        &environment,
    ])
}

/// Whether a variable only tells of a terminal.
pub fn is_of_a_terminal(name: &str) -> bool {
    OF_A_TERMINAL.iter().any(|listed| match listed.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == *listed,
    })
}

fn environment(all: impl Iterator<Item = (OsString, OsString)>, variables: &BTreeSet<String>) -> Vec<u8> {
    let counts = |name: &OsString| match name.to_str() {
        Some(name) => !is_of_a_terminal(name) || variables.contains(name),
        None => true,
    };
    let sorted: BTreeMap<OsString, OsString> = all.filter(|(name, _)| counts(name)).collect();
    let mut text = Vec::new();
    for (name, value) in sorted {
        for part in [name, value] {
            text.extend(part.as_encoded_bytes());
            text.push(0);
        }
    }
    text
}

/// The programs that stand between us and the compiler, and ourselves: what the site is made with is in here.
fn programs(build: &Build<'_>) -> BTreeSet<PathBuf> {
    let mut programs: BTreeSet<PathBuf> = std::env::current_exe().into_iter().collect();
    programs.insert(build.toolchain.sysroot.join("bin/cargo"));
    let variables = ["RUSTC", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"];
    let named = variables.iter().flat_map(|name| [(*name).to_owned(), format!("CARGO_BUILD_{name}")]);
    let named = named.filter_map(|name| std::env::var(name).ok());
    let configured = ["rustc", "rustc-wrapper", "rustc-workspace-wrapper"]
        .into_iter()
        .filter_map(|key| Some(build.cargo_config.value(&format!("/build/{key}"))?.as_str()?.to_owned()));
    for program in named.chain(configured).chain([build.toolchain.cargo.clone()]) {
        let path = Path::new(&program);
        programs.extend(match path.components().count() {
            0 => None,
            1 => find_on_path(&program),
            _ => Some(build.workspace.root.join(path)),
        });
    }
    programs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)], counting: &[&str]) -> Vec<u8> {
        let all = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        environment(all, &counting.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn another_window_is_no_other_environment() {
        let one = [
            ("RUSTFLAGS", "-g"),
            ("SSH_TTY", "/dev/pts/1"),
            ("TERM", "xterm"),
            ("PWD", "/w"),
            ("_", "cargo"),
        ];
        let two = [("TERM", "linux"), ("TMUX_PANE", "%1"), ("RUSTFLAGS", "-g")];
        assert_eq!(of(&one, &[]), of(&two, &[]));
        assert_ne!(of(&one, &["TERM"]), of(&two, &["TERM"]));
        assert_ne!(of(&[("A", "b")], &[]), of(&[("A", "c")], &[]));
        assert_ne!(of(&[("A", "b")], &[]), of(&[("A", "b"), ("B", "")], &[]));
        assert_ne!(of(&[("A", "")], &[]), of(&[], &[]));
    }

    #[test]
    fn what_is_not_listed_counts() {
        for name in ["RUSTFLAGS", "PATH", "CC", "LEPTOS_HASH_FILES", "TERMINAL", "HOME", "LANG", "PWDX"] {
            assert!(!is_of_a_terminal(name), "{name}");
        }
        for name in ["SSH_CONNECTION", "XDG_SESSION_ID", "TMUX", "_"] {
            assert!(is_of_a_terminal(name), "{name}");
        }
    }
}
