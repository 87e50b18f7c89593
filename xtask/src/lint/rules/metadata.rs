//! The manifests: whether they can be read, and whether the Leptos metadata says what its author thinks.

use super::super::facts::Facts;
use super::super::rule::{Findings, Rule};
use crate::config::{keys, places};
use crate::record::doctor::Severity;

const UNREADABLE: Rule = Rule {
    name: "manifest-unreadable",
    severity: Severity::Error,
    reason: "Cargo cannot read it either, and every rule that compares with the project's metadata has nothing to \
             compare.",
    fix: "correct the file",
};

const UNKNOWN_KEY: Rule = Rule {
    name: "metadata-unknown-key",
    severity: Severity::Warning,
    reason: "cargo-leptos ignores keys that it does not know, so the setting has no effect.",
    fix: "correct the key, or remove it",
};

const PACKAGE_MISSING: Rule = Rule {
    name: "metadata-package-missing",
    severity: Severity::Error,
    reason: "No member of the workspace has that name, so the project cannot be built.",
    fix: "name a package of the workspace",
};

pub const ALL: &[&Rule] = &[&UNREADABLE, &UNKNOWN_KEY, &PACKAGE_MISSING];

/// The keys of cargo-leptos 0.3, with those of its past that manifests still have.
const KEYS: [&str; 54] = [
    "name",
    "bin-package",
    "lib-package",
    "bin-target",
    "output-name",
    "site-root",
    "site-pkg-dir",
    "site-addr",
    "reload-port",
    "reload-external-port",
    "reload-ws-protocol",
    "style-file",
    "style-bundle",
    "tailwind-input-file",
    "tailwind-config-file",
    "browserquery",
    "assets-dir",
    "hash-files",
    "hash-file-name",
    "hash-file",
    "not-found-path",
    "js-minify",
    "js-dir",
    "wasm-opt-features",
    "features",
    "lib-features",
    "lib-default-features",
    "lib-cargo-args",
    "lib-profile-dev",
    "lib-profile-release",
    "bin-features",
    "bin-default-features",
    "bin-cargo-args",
    "bin-profile-dev",
    "bin-profile-release",
    "bin-target-triple",
    "bin-target-dir",
    "bin-cargo-command",
    "bin-exe-name",
    "front-target-dir",
    "separate-front-target-dir",
    "server-fn-prefix",
    "disable-server-fn-hash",
    "server-fn-mod-path",
    "disable-erase-components",
    "always-erase-components",
    "watch-additional-files",
    "watch",
    "env",
    "end2end-cmd",
    "end2end-dir",
    "graceful-shutdown",
    "graceful-shutdown-timeout-secs",
    "graceful-shutdown-unix-signal",
];

pub fn check(facts: &Facts<'_>, findings: &mut Findings) {
    for file in &facts.manifests.unreadable {
        findings.file(file).add(&UNREADABLE, 1, "the file is not valid TOML");
    }
    for project in &facts.manifests.projects {
        let text = facts.repository.files.get(&project.manifest).map_or("", String::as_str);
        let line = |key: &str| {
            let way: Vec<&str> = project.way.iter().map(String::as_str).chain([key]).collect();
            places::find(text, &way).map_or(project.line, |written| written.line)
        };
        let mut found = findings.file(&project.manifest);
        for key in project.keys.iter().filter(|key| !KEYS.contains(&key.as_str())) {
            let message =
                keys::not_known(format!("unknown key `{key}`"), key, KEYS.into_iter(), "known keys").message;
            found.add(&UNKNOWN_KEY, line(key), message);
        }
        let names = || facts.manifests.packages.iter().map(|package| package.name.as_str());
        for (key, package) in [("bin-package", &project.bin_package), ("lib-package", &project.lib_package)] {
            if !names().any(|name| name == package) {
                let message = format!("`{key}` is `{package}`, which is no package here");
                let message = keys::not_known(message, package, names(), "packages").message;
                found.add(&PACKAGE_MISSING, line(key), message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::KEYS;

    /// What a build of ours reads is known here too.
    #[test]
    fn every_key_of_a_project_is_known() {
        let source = include_str!("../../leptos/project/settings.rs");
        let readers = ["text", "texts", "flag", "path", "command", "port", "value"];
        let mut keys: Vec<&str> = Vec::new();
        for (at, _) in source.match_indices("(\"") {
            let before = source[..at].rsplit('.').next().unwrap_or_default();
            let key = source[at + 2..].split('"').next().unwrap_or_default();
            if readers.contains(&before) {
                keys.push(key);
            }
        }
        assert!(keys.len() > 30, "{keys:?}");
        let unknown: Vec<_> = keys.iter().filter(|key| !KEYS.contains(key)).collect();
        assert_eq!(unknown, [&""; 0]);
    }
}
