//! Two Cargo.lock files compared: what is new, gone, of another version or from elsewhere, and what there is twice now.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::config::lockfile::Locked;
use crate::record::deps_report::{Duplicate, LockChanges, Package, SourceChange, VersionChange};

/// How cargo writes the public registry, by its two protocols.
const CRATES_IO: [&str; 2] =
    ["registry+https://github.com/rust-lang/crates.io-index", "sparse+https://index.crates.io/"];

type ByName<'a> = BTreeMap<&'a str, Vec<&'a Locked>>;

/// Compares them.
pub fn compare(before: &[Locked], after: &[Locked]) -> LockChanges {
    let mut changes = LockChanges { before: before.len(), after: after.len(), ..LockChanges::default() };
    let (before, after) = (by_name(before), by_name(after));
    let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    let none = Vec::new();
    for name in names {
        let (old, new) = (before.get(name).unwrap_or(&none), after.get(name).unwrap_or(&none));
        compare_package(name, old, new, &mut changes);
        let (old, new) = (versions(old), versions(new));
        if new.len() > 1 && new.len() > old.len() {
            changes.duplicates.push(Duplicate { name: name.to_owned(), before: old, after: new });
        }
    }
    changes
}

/// Sorted by version.
fn by_name(packages: &[Locked]) -> ByName<'_> {
    let mut map = ByName::new();
    for package in packages {
        map.entry(package.name.as_str()).or_default().push(package);
    }
    for of_name in map.values_mut() {
        of_name.sort_by(|one, other| by_version(&one.version, &other.version));
    }
    map
}

fn versions(packages: &[&Locked]) -> Vec<String> {
    let mut versions: Vec<String> = packages.iter().map(|package| package.version.clone()).collect();
    versions.dedup();
    versions
}

fn compare_package(name: &str, old: &[&Locked], new: &[&Locked], changes: &mut LockChanges) {
    let is_same = |one: &Locked, other: &Locked| one.version == other.version && one.source == other.source;
    let source_change = |version: &str, before: String, after: String| SourceChange {
        name: name.to_owned(),
        version: version.to_owned(),
        before,
        after,
    };
    // The same version from the same place has to be the same content.
    for (one, other) in old.iter().flat_map(|one| new.iter().map(move |other| (one, other))) {
        if let (true, Some(before), Some(after)) = (is_same(one, other), &one.checksum, &other.checksum)
            && before != after
        {
            let checksum = |text: &str| format!("checksum {}", text.chars().take(12).collect::<String>());
            changes.sources.push(source_change(&other.version, checksum(before), checksum(after)));
        }
    }
    let left = |these: &[&Locked], those: &[&Locked]| -> Vec<Locked> {
        let is_left = |one: &&&Locked| {
            // Packages of the workspace are no dependencies.
            !those.iter().any(|other| is_same(one, other))
                && (one.source.is_some() || those.iter().any(|other| other.source.is_some()))
        };
        these.iter().filter(is_left).map(|one| (*one).clone()).collect()
    };
    let (mut gone, mut come) = (left(old, new), left(new, old));
    for (one, other) in pairs(&mut gone, &mut come) {
        let (before, after) = (source(&one), source(&other));
        if before != after {
            changes.sources.push(source_change(&other.version, before, after));
        }
        if one.version != other.version {
            let (before, after) = (one.version, other.version);
            changes.changed.push(VersionChange { name: name.to_owned(), before, after });
        }
    }
    let package = |one: Locked| Package { source: source(&one), name: one.name, version: one.version };
    changes.removed.extend(gone.into_iter().map(package));
    changes.added.extend(come.into_iter().map(package));
}

/// Which of the versions that have gone became which of those that have come: one of the same series, which cargo takes
/// for compatible, else the highest left. What has no counterpart stays where it is.
fn pairs(gone: &mut Vec<Locked>, come: &mut Vec<Locked>) -> Vec<(Locked, Locked)> {
    let mut pairs = Vec::new();
    gone.retain(|one| match come.iter().rposition(|other| series(&one.version) == series(&other.version)) {
        Some(index) => {
            pairs.push((one.clone(), come.remove(index)));
            false
        }
        None => true,
    });
    while !gone.is_empty() && !come.is_empty() {
        pairs.extend(gone.pop().zip(come.pop()));
    }
    pairs
}

/// `1` of `1.2.3`, `0.2` of `0.2.3`.
fn series(version: &str) -> &str {
    let end = version.find(|c: char| c.is_ascii_digit() && c != '0').unwrap_or(version.len());
    version[end..].find('.').map_or(version, |dot| &version[..end + dot])
}

/// Where a package comes from, for people. Of a repository the commit is part of it: another one is another content.
fn source(package: &Locked) -> String {
    match package.source.as_deref() {
        None => "a folder".to_owned(),
        Some(source) if CRATES_IO.contains(&source) => "crates.io".to_owned(),
        Some(source) => {
            let (kind, address) = source.split_once('+').unwrap_or(("", source));
            let (address, commit) = address.split_once('#').unwrap_or((address, ""));
            let commit: String = commit.chars().take(12).collect();
            let at = if commit.is_empty() { String::new() } else { format!(" at {commit}") };
            format!("{kind} {address}{at}").trim().to_owned()
        }
    }
}

/// By their numbers; what comes before a release (`1.0.0-rc.1`) is less than the release.
fn by_version(one: &str, other: &str) -> Ordering {
    let key = |text: &str| {
        let text = text.split('+').next().unwrap_or_default();
        let (release, pre) = text.split_once('-').map_or((text, None), |(release, pre)| (release, Some(pre)));
        let numbers: Vec<u64> = release.split('.').map(|number| number.parse().unwrap_or(u64::MAX)).collect();
        (numbers, pre.is_none(), pre.unwrap_or_default().to_owned())
    };
    key(one).cmp(&key(other))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::config::lockfile::packages;

    const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

    fn lock(packages_of: &[(&str, &str, &str)]) -> Vec<Locked> {
        let entry = |(name, version, source): &(&str, &str, &str)| {
            let source = match *source {
                "" => String::new(),
                "r" => format!("source = \"{REGISTRY}\"\nchecksum = \"c{version}\"\n"),
                other => format!("source = \"{other}\"\n"),
            };
            format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{source}\n")
        };
        packages(&packages_of.iter().map(entry).collect::<String>()).unwrap()
    }

    fn told(changes: &LockChanges) -> String {
        let LockChanges { before, after, added, removed, changed, sources, duplicates } = changes;
        let mut text = format!("{before} -> {after}\n");
        for (word, packages) in [("added", added), ("removed", removed)] {
            for Package { name, version, source } in packages {
                text.push_str(&format!("{word} {name} {version} from {source}\n"));
            }
        }
        for change in changed {
            text.push_str(&format!("{}: {} -> {}\n", change.name, change.before, change.after));
        }
        for change in sources {
            let SourceChange { name, version, before, after } = change;
            text.push_str(&format!("{name} {version}: from {before} -> {after}\n"));
        }
        for duplicate in duplicates {
            text.push_str(&format!(
                "{} twice: {:?} -> {:?}\n",
                duplicate.name, duplicate.before, duplicate.after
            ));
        }
        text
    }

    #[test]
    fn what_is_new_gone_changed_and_twice() {
        let git = "git+https://git.example/one?branch=main#0123456789abcdef";
        let before = lock(&[
            ("app", "0.1.0", ""),
            ("same", "1.0.0", "r"),
            ("up", "1.9.0", "r"),
            ("gone", "0.3.0", "r"),
            ("two", "1.0.0", "r"),
            ("two", "2.0.0", "r"),
            ("moved", "1.0.0", "r"),
            ("vendored", "1.0.0", "r"),
            ("pinned", "1.0.0", git),
        ]);
        let after = lock(&[
            ("app", "0.2.0", ""),
            ("own", "0.1.0", ""),
            ("same", "1.0.0", "r"),
            ("up", "1.10.0", "r"),
            ("new", "0.1.0", "r"),
            ("two", "1.0.0", "r"),
            ("two", "2.0.1", "r"),
            ("two", "3.0.0-rc.1", "r"),
            ("moved", "1.0.1", git),
            ("vendored", "1.0.0", ""),
            ("pinned", "1.0.0", "git+https://git.example/one?branch=main#fedcba9876543210"),
        ]);
        expect![[r#"
            9 -> 11
            added new 0.1.0 from crates.io
            added two 3.0.0-rc.1 from crates.io
            removed gone 0.3.0 from crates.io
            moved: 1.0.0 -> 1.0.1
            two: 2.0.0 -> 2.0.1
            up: 1.9.0 -> 1.10.0
            moved 1.0.1: from crates.io -> git https://git.example/one?branch=main at 0123456789ab
            pinned 1.0.0: from git https://git.example/one?branch=main at 0123456789ab -> git https://git.example/one?branch=main at fedcba987654
            vendored 1.0.0: from crates.io -> a folder
            two twice: ["1.0.0", "2.0.0"] -> ["1.0.0", "2.0.1", "3.0.0-rc.1"]
        "#]]
        .assert_eq(&told(&compare(&before, &after)));
        assert_eq!(told(&compare(&before, &before)), "9 -> 9\n");
    }

    #[test]
    fn another_content_of_the_same_version_is_told() {
        let before = lock(&[("a", "1.0.0", "r")]);
        let mut after = before.clone();
        after[0].checksum = Some("evil".to_owned());
        assert_eq!(
            told(&compare(&before, &after)),
            "1 -> 1\na 1.0.0: from checksum c1.0.0 -> checksum evil\n"
        );
    }

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let mut versions = ["1.10.0", "1.9.0", "2.0.0", "2.0.0-rc.1", "1.9.0+meta"];
        versions.sort_by(|one, other| by_version(one, other));
        assert_eq!(versions, ["1.9.0", "1.9.0+meta", "1.10.0", "2.0.0-rc.1", "2.0.0"]);
        let of = ["1.2.3", "0.2.3", "0.0.7", "10.0.1-rc.1", "odd"].map(series);
        assert_eq!(of, ["1", "0.2", "0.0.7", "10", "odd"]);
    }
}
