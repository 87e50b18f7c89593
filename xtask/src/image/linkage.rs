//! Whether a program will start on its base: its loader, its libraries, and the versions of their symbols.
//!
//! A program that was linked on a newer system than its base ends before its first instruction. Here that is found
//! before anything is sent.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::base::Base;
use super::dynamic::{self, Needs};
use super::parallel::{self, CONNECTIONS};
use super::registry::Repository;
use super::unpacked::{self, Kind};
use crate::exec::{Executor, replace_file};
use crate::exit::{Exit, Failure};

/// What a base has for programs that are loaded dynamically.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Libraries {
    /// The layout of this file.
    version: u32,
    /// The versions of symbols that each library offers, by the library's name, wherever it is.
    offered: BTreeMap<String, BTreeSet<String>>,
    /// Every path that leads to a loader, with a slash at its beginning.
    loaders: BTreeSet<String>,
}

/// Of [`Libraries`]; another one is not read.
const VERSION: u32 = 1;

/// Where a name of a library is told from one of data: `libc.so.6`, `libz.so`.
const MARK: &str = ".so";

impl Libraries {
    /// The newest version of the C library, e.g. `2.36`; `None` where it is not glibc.
    pub fn glibc(&self) -> Option<String> {
        let numbers =
            |version: &&str| version.split('.').map(|part| part.parse().unwrap_or(0)).collect::<Vec<u32>>();
        let all = self.offered.get("libc.so.6")?.iter().filter_map(|version| version.strip_prefix("GLIBC_"));
        let released = all.filter(|version| version.starts_with(|first: char| first.is_ascii_digit()));
        released.max_by_key(numbers).map(str::to_owned)
    }
}

/// The libraries of a base. Its layers are fetched for that once; what was found is kept below `target_directory`.
/// `None` where a layer cannot be read here.
pub fn libraries(
    exec: &Executor,
    source: &Repository<'_>,
    base: &Base,
    target_directory: &Path,
) -> anyhow::Result<Option<Libraries>> {
    let Some(from) = &base.source else {
        return Ok(Some(Libraries { version: VERSION, ..Libraries::default() }));
    };
    // A base of this digest never changes.
    let kept = target_directory.join("xtask/bases").join(format!("{}.json", from.digest.hex()));
    let known = std::fs::read(&kept).ok().and_then(|bytes| serde_json::from_slice::<Libraries>(&bytes).ok());
    if let Some(known) = known.filter(|known| known.version == VERSION) {
        return Ok(Some(known));
    }
    if let Some(layer) = base.layers.iter().find(|layer| !unpacked::is_readable(layer)) {
        let what = format!("layers of the type {} are not read", layer.media_type);
        exec.ui().note(format!("whether the server starts on {} is not checked: {what}", base.name()));
        return Ok(None);
    }
    let size: u64 = base.layers.iter().map(|layer| layer.size).sum();
    exec.ui().status("Fetching", format!("the base's {} kB, to see its libraries", size.div_ceil(1000)));
    let layers = parallel::each(CONNECTIONS, &base.layers, |layer| {
        exec.check_interrupted()?;
        read_layer(&source.blob(layer)?)
    })?;
    let found = merged(layers);
    if let Some(folder) = kept.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    }
    replace_file(&kept, &serde_json::to_vec(&found).context("serialise what the base has")?)?;
    Ok(Some(found))
}

/// What one layer has of it, by path.
type Found = BTreeMap<String, Node>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Library(BTreeSet<String>),
    Link(String),
    /// The path, and all below it, is gone.
    Removed,
}

fn read_layer(blob: &[u8]) -> anyhow::Result<Found> {
    let mut found = Found::new();
    unpacked::walk(blob, &mut |entry| {
        let name = entry.path.rsplit('/').next().unwrap_or_default().to_owned();
        if let Some(removed) = name.strip_prefix(".wh.") {
            let folder = entry.path.strip_suffix(&name).unwrap_or_default();
            // `.wh..wh..opq` empties the folder that it is in.
            let path = if removed == ".wh..opq" {
                folder.trim_end_matches('/').to_owned()
            } else {
                format!("{folder}{removed}")
            };
            found.insert(path, Node::Removed);
            return Ok(());
        }
        match &entry.kind {
            // Folders may be links too: `/lib` is one to `/usr/lib`.
            Kind::Link(target) => drop(found.insert(entry.path.clone(), Node::Link(target.clone()))),
            Kind::File if name.contains(MARK) => {
                if let Some(offered) = dynamic::offers(&entry.read()?) {
                    found.insert(entry.path.clone(), Node::Library(offered));
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(found)
}

/// One layer on the other, and every name followed to its library.
fn merged(layers: Vec<Found>) -> Libraries {
    let mut all = Found::new();
    for layer in layers {
        let removed = layer.iter().filter(|(_, node)| **node == Node::Removed);
        for (path, _) in removed {
            let below = format!("{path}/");
            all.retain(|known, _| known != path && !known.starts_with(&below));
        }
        all.extend(layer.into_iter().filter(|(_, node)| *node != Node::Removed));
    }
    let mut libraries = Libraries { version: VERSION, ..Libraries::default() };
    for path in all.keys() {
        let name = path.rsplit('/').next().unwrap_or_default();
        if let Some(offered) = name.contains(MARK).then(|| library(&all, path)).flatten() {
            libraries.offered.entry(name.to_owned()).or_default().extend(offered.iter().cloned());
        }
    }
    // The loaders of the machines and C libraries that we make images for.
    for path in [
        "lib64/ld-linux-x86-64.so.2",
        "lib/ld-linux-aarch64.so.1",
        "lib/ld-musl-x86_64.so.1",
        "lib/ld-musl-aarch64.so.1",
    ] {
        if library(&all, path).is_some() {
            libraries.loaders.insert(format!("/{path}"));
        }
    }
    libraries
}

/// The library that a path leads to. Links may be anywhere in it.
fn library<'a>(all: &'a Found, path: &str) -> Option<&'a BTreeSet<String>> {
    let mut path = path.to_owned();
    // As often as Linux follows links.
    'links: for _ in 0..40 {
        for end in path.match_indices('/').map(|(index, _)| index).chain([path.len()]) {
            match all.get(&path[..end]) {
                Some(Node::Link(target)) => {
                    path = joined(&path[..end], target, &path[end..]);
                    continue 'links;
                }
                Some(Node::Library(offered)) if end == path.len() => return Some(offered),
                _ => {}
            }
        }
        return None;
    }
    None
}

/// Where a link at `link` to `target` leads, with the rest of the path behind it.
fn joined(link: &str, target: &str, rest: &str) -> String {
    let mut parts: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => link
            .split('/')
            .collect::<Vec<_>>()
            .split_last()
            .map(|(_, folder)| folder.to_vec())
            .unwrap_or_default(),
    };
    for part in target.split('/').chain(rest.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Refuses a program that the base's libraries cannot load. `base` is how messages call it.
pub fn check(program: &Path, needs: &Needs, libraries: &Libraries, base: &str) -> anyhow::Result<()> {
    let refused = |why: String, hint: &str| {
        let message = format!("{} would not start on {base}: {why}", program.display());
        Err(Failure::new(Exit::CheckFailed, message).hint(hint).into())
    };
    let other_base =
        "`--base` (or `base-image` in [workspace.metadata.xtask]) names another base; `--static` needs none";
    if let Some(loader) = &needs.loader
        && !libraries.loaders.contains(loader)
    {
        return refused(format!("the base lacks the loader {loader}"), other_base);
    }
    let lacking: Vec<&str> = needs
        .libraries
        .keys()
        .filter(|name| !libraries.offered.contains_key(*name))
        .map(String::as_str)
        .collect();
    if !lacking.is_empty() {
        return refused(format!("the base lacks {}", lacking.join(", ")), other_base);
    }
    let mut missing = Vec::new();
    for (name, versions) in &needs.libraries {
        let offered = &libraries.offered[name];
        // A library without any versions has its symbols all the same.
        let wanted = versions.iter().filter(|version| !offered.is_empty() && !offered.contains(*version));
        missing.extend(wanted.map(|version| format!("{version} of {name}")));
    }
    if missing.is_empty() {
        return Ok(());
    }
    let has =
        libraries.glibc().map(|version| format!("; the base ends at GLIBC_{version}")).unwrap_or_default();
    refused(
        format!("it needs {}{has}", missing.join(", ")),
        "build on a system that is not newer than the base, take a newer base with `--base`, or use `--static`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn layer(nodes: &[(&str, Node)]) -> Found {
        nodes.iter().map(|(path, node)| ((*path).to_owned(), node.clone())).collect()
    }

    fn link(target: &str) -> Node {
        Node::Link(target.to_owned())
    }

    /// As Debian and distroless have it: folders are links, and names of libraries too.
    fn base() -> Libraries {
        merged(vec![
            layer(&[
                ("lib", link("usr/lib")),
                ("lib64", link("/usr/lib64")),
                ("usr/lib64/ld-linux-x86-64.so.2", link("../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")),
                ("usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", Node::Library(set(&["GLIBC_2.2.5"]))),
                (
                    "usr/lib/x86_64-linux-gnu/libc.so.6",
                    Node::Library(set(&["GLIBC_2.9", "GLIBC_2.36", "GLIBC_PRIVATE"])),
                ),
                ("usr/lib/x86_64-linux-gnu/libz.so.1.2", Node::Library(set(&[]))),
                ("usr/lib/x86_64-linux-gnu/libgone.so.1", Node::Library(set(&[]))),
            ]),
            layer(&[
                ("usr/lib/x86_64-linux-gnu/libz.so.1", link("libz.so.1.2")),
                ("usr/lib/x86_64-linux-gnu/libloop.so", link("libloop.so")),
                ("usr/lib/x86_64-linux-gnu/libgone.so.1", Node::Removed),
            ]),
        ])
    }

    fn needs(loader: &str, libraries: &[(&str, &[&str])]) -> Needs {
        Needs {
            loader: Some(loader.to_owned()),
            libraries: libraries.iter().map(|(name, versions)| ((*name).to_owned(), set(versions))).collect(),
        }
    }

    #[test]
    fn links_lead_to_libraries() {
        let base = base();
        assert_eq!(base.glibc().as_deref(), Some("2.36"));
        assert_eq!(base.loaders, set(&["/lib64/ld-linux-x86-64.so.2"]));
        let names: Vec<&str> = base.offered.keys().map(String::as_str).collect();
        assert_eq!(names, ["ld-linux-x86-64.so.2", "libc.so.6", "libz.so.1", "libz.so.1.2"]);
    }

    #[test]
    fn what_does_not_start_is_told_with_its_reason() {
        let loader = "/lib64/ld-linux-x86-64.so.2";
        let problem = |needs: &Needs| {
            check(Path::new("/server"), needs, &base(), "base:1").err().map(|e| e.to_string())
        };
        assert_eq!(
            problem(&needs(loader, &[("libc.so.6", &["GLIBC_2.36"]), ("libz.so.1", &["ZLIB_1"])])),
            None
        );
        assert_eq!(problem(&Needs::default()), None);
        let found = [
            needs("/lib/ld-musl-x86_64.so.1", &[]),
            needs(loader, &[("libssl.so.3", &[]), ("libgone.so.1", &[])]),
            needs(loader, &[("libc.so.6", &["GLIBC_2.39", "GLIBC_2.9"])]),
        ]
        .map(|needs| problem(&needs).unwrap());
        expect_test::expect![[r#"
            /server would not start on base:1: the base lacks the loader /lib/ld-musl-x86_64.so.1
            /server would not start on base:1: the base lacks libgone.so.1, libssl.so.3
            /server would not start on base:1: it needs GLIBC_2.39 of libc.so.6; the base ends at GLIBC_2.36"#]]
        .assert_eq(&found.join("\n"));
    }
}
