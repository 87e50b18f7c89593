//! Where each package manager fetches from on this machine, as far as its configuration says so.
//!
//! Reads variables and the managers' own files. Knows nothing of whether anything answers there.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::cargo::CargoConfig;

/// The managers that tools come from.
pub const SERVICES: [&str; 5] = ["rustup", "crates", "npm", "pip", "apt"];

/// The address that a manager asks first. `None` where that cannot be told: there are no addresses, or there is a
/// proxy that only the manager knows of.
pub fn address(service: &str) -> Option<String> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    match service {
        "rustup" => Some(variable("RUSTUP_DIST_SERVER").unwrap_or("https://static.rust-lang.org".to_owned())),
        "crates" => of_cargo(&CargoConfig::read(&home).ok()?),
        "npm" => {
            let set = variable("npm_config_registry").or_else(|| variable("NPM_CONFIG_REGISTRY"));
            set.map_or_else(|| of_npm(&read(&[home.join(".npmrc")])), Some)
        }
        "pip" => {
            if variable("PIP_PROXY").is_some() || variable("PIP_NO_INDEX").is_some() {
                return None;
            }
            let files =
                ["/etc/pip.conf".into(), home.join(".config/pip/pip.conf"), home.join(".pip/pip.conf")];
            variable("PIP_INDEX_URL").map_or_else(|| of_pip(&read(&files)), Some)
        }
        "apt" => {
            let settings = read(&below(Path::new("/etc/apt/apt.conf.d"), &[Path::new("/etc/apt/apt.conf")]));
            let sources = below(Path::new("/etc/apt/sources.list.d"), &[Path::new("/etc/apt/sources.list")]);
            if settings.contains("Proxy") { None } else { of_apt(&read(&sources)) }
        }
        _ => None,
    }
}

fn of_cargo(config: &CargoConfig) -> Option<String> {
    if config.value("/http/proxy").is_some() {
        return None;
    }
    let source = config.value("/source/crates-io/replace-with").and_then(Value::as_str);
    let Some(source) = source else { return Some("https://index.crates.io/config.json".to_owned()) };
    let index = config.value(&format!("/source/{source}/registry")).and_then(Value::as_str)?;
    // Any other index is a git repository.
    index.strip_prefix("sparse+").map(|address| format!("{}/config.json", address.trim_end_matches('/')))
}

fn of_npm(text: &str) -> Option<String> {
    if value(text, "proxy").or_else(|| value(text, "https-proxy")).is_some() {
        return None;
    }
    Some(value(text, "registry").unwrap_or("https://registry.npmjs.org/").to_owned())
}

fn of_pip(text: &str) -> Option<String> {
    if value(text, "proxy").or_else(|| value(text, "no-index")).is_some() {
        return None;
    }
    // A single page: the list of all packages is large.
    let index = value(text, "index-url").unwrap_or("https://pypi.org/simple");
    Some(format!("{}/pip/", index.trim_end_matches('/')))
}

/// The first address in lists of either form: `deb http://… suite main`, `URIs: http://…`.
fn of_apt(text: &str) -> Option<String> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let mut words = lines.flat_map(str::split_whitespace);
    words.find(|word| word.starts_with("http://") || word.starts_with("https://")).map(str::to_owned)
}

/// The last value of a key in `key = value` lines.
fn value<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let pairs = text.lines().rev().filter_map(|line| line.split_once('='));
    let mut found = pairs.filter(|(name, _)| name.trim() == key);
    found.next().map(|(_, value)| value.trim())
}

/// The files that exist, one after the other.
fn read(files: &[PathBuf]) -> String {
    files.iter().filter_map(|file| std::fs::read_to_string(file).ok()).collect::<Vec<_>>().join("\n")
}

fn below(folder: &Path, first: &[&Path]) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    first.iter().map(|path| path.to_path_buf()).chain(files).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn npm_and_pip_without_a_word_mean_the_public_ones() {
        assert_eq!(of_npm("").as_deref(), Some("https://registry.npmjs.org/"));
        assert_eq!(of_pip("[global]\ncert = /x\n").as_deref(), Some("https://pypi.org/simple/pip/"));
    }

    #[test]
    fn their_files_name_another_place() {
        assert_eq!(of_npm("registry=http://a/\nregistry = http://b/\n").as_deref(), Some("http://b/"));
        let text = "[global]\nindex-url = http://mirror/simple/\n";
        assert_eq!(of_pip(text).as_deref(), Some("http://mirror/simple/pip/"));
    }

    #[test]
    fn a_proxy_that_only_the_manager_knows_leaves_no_address() {
        assert_eq!(of_npm("https-proxy=http://proxy:1\n"), None);
        assert_eq!(of_pip("proxy = http://proxy:1\n"), None);
        assert_eq!(of_pip("no-index = true\n"), None);
    }

    #[test]
    fn both_forms_of_apts_lists() {
        let list = "# deb http://old/debian x main\ndeb [signed-by=/k] https://one/debian stable main\n";
        assert_eq!(of_apt(list).as_deref(), Some("https://one/debian"));
        assert_eq!(of_apt("Types: deb\nURIs: http://two/debian\n").as_deref(), Some("http://two/debian"));
        assert_eq!(of_apt("deb cdrom:[Debian] stable main\n"), None);
    }
}
