//! The site folder: what a browser gets. Assembled from the bindings, the wasm file, the style sheet and the assets.
//!
//! Layout and names are those of cargo-leptos. Only files whose content changed are written, and files that belong to
//! no source any more are removed, so that a server or a cache that looks at times sees exactly what changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::compress;
use super::digest::{Stamp, site_name};
use super::folder::{entries_below, files_below};
use crate::exec::{Executor, replace_file};
use crate::plan::WriteSite;
use crate::record::Sizes;

/// What [`write`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Files whose content changed, precompressed variants not counted.
    pub changed: usize,
    /// Files that were already right.
    pub unchanged: usize,
    /// Files that belonged to no source any more.
    pub removed: usize,
}

/// In `made_file`: the stamps of everything that went in and came out, to see at once that nothing changed.
#[derive(PartialEq, Serialize, Deserialize)]
struct Made {
    input: String,
    sources: BTreeMap<PathBuf, Stamp>,
    outputs: BTreeMap<PathBuf, Stamp>,
}

/// Where the content of a site file is.
enum Source {
    File(PathBuf),
    /// The style sheet, in one or more parts. A project without style has an empty one: pages link to it all the same.
    Sheet(Vec<PathBuf>),
}

impl Source {
    fn files(&self) -> &[PathBuf] {
        match self {
            Source::File(file) => std::slice::from_ref(file),
            Source::Sheet(parts) => parts,
        }
    }

    fn content(&self) -> anyhow::Result<Vec<u8>> {
        let read = |file: &PathBuf| fs::read(file).with_context(|| format!("read `{}`", file.display()));
        let parts = self.files().iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(parts.join(&b'\n'))
    }
}

/// Brings the site folder to what its sources say.
pub fn write(exec: &Executor, input: &WriteSite) -> anyhow::Result<Written> {
    // The folder may be outside `target/`.
    if exec.is_dry_run() {
        bail!("refused in a dry run: write the site to {}", input.site_root.display());
    }
    let sources = sources(input)?;
    let made: Option<Made> =
        fs::read(&input.made_file).ok().and_then(|text| serde_json::from_slice(&text).ok());
    if made.as_ref().is_some_and(|made| made_now(input, &sources).is_ok_and(|now| now == *made)) {
        return Ok(Written { unchanged: sources.len(), ..Written::default() });
    }
    // What somebody else wrote since, e.g. another driver, is made again: the same sources give the same bytes.
    let is_ours = |path: &Path| {
        let noted = made.as_ref().and_then(|made| made.outputs.get(path));
        noted.is_some() && noted == Stamp::of(path).ok().as_ref()
    };

    let mut written = Written::default();
    // Written through, a link would change what it points to.
    remove(input, &mut written, |path| path.is_symlink())?;
    let mut expected = BTreeSet::new();
    let mut names = HashedNames::default();
    for (target, source) in &sources {
        exec.check_interrupted()?;
        let content = source.content()?;
        let target = match input.hash_file {
            Some(_) => names.name(target, &content, input),
            None => target.clone(),
        };
        let path = input.site_root.join(&target);
        let variants = [path_with(&path, "gz"), path_with(&path, "br")];
        if fs::read(&path).is_ok_and(|found| found == content) {
            written.unchanged += 1;
        } else {
            // The variants of the old content go first: a stale one must never be served beside the new file.
            for variant in &variants {
                let _ = fs::remove_file(variant);
            }
            make_way(&input.site_root, &target)?;
            exec.write_file(&path, &content)?;
            written.changed += 1;
        }
        if input.precompress && compress::worthwhile(&path, content.len() as u64) {
            let [gzip, brotli] = &variants;
            if !is_ours(gzip) {
                exec.write_file(gzip, &compress::gzip(&content)?)?;
            }
            if !is_ours(brotli) {
                exec.write_file(brotli, &compress::brotli(&content)?)?;
            }
            expected.extend(variants);
        }
        expected.insert(path);
    }

    // First the new names, then away with the old files: a server that starts in between finds what it is told of.
    if let Some(hash_file) = &input.hash_file {
        exec.write_file(hash_file, names.text().as_bytes())?;
    }
    remove(input, &mut written, |path| !expected.contains(path))?;
    replace_file(&input.made_file, &serde_json::to_vec(&made_now(input, &sources)?)?)?;
    Ok(written)
}

/// Removes what an earlier site had as a file where this one has a folder, or the other way round.
fn make_way(site_root: &Path, target: &Path) -> anyhow::Result<()> {
    let path = site_root.join(target);
    if path.is_dir() {
        fs::remove_dir_all(&path).with_context(|| format!("remove `{}`", path.display()))?;
    }
    for folder in target.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()) {
        let folder = site_root.join(folder);
        if folder.is_file() {
            fs::remove_file(&folder).with_context(|| format!("remove `{}`", folder.display()))?;
        }
    }
    Ok(())
}

/// Removes entries of the site folder, of a link the link itself.
fn remove(input: &WriteSite, written: &mut Written, unwanted: impl Fn(&Path) -> bool) -> anyhow::Result<()> {
    for entry in entries_below(&input.site_root)? {
        let path = input.site_root.join(entry);
        if unwanted(&path) {
            fs::remove_file(&path).with_context(|| format!("remove `{}`", path.display()))?;
            written.removed += usize::from(path.extension().is_none_or(|last| last != "gz" && last != "br"));
        }
    }
    Ok(())
}

/// The sizes of script, wasm and style as they ship.
pub fn sizes(site_root: &Path, pkg_dir: &str) -> anyhow::Result<Vec<Sizes>> {
    let size = |path: &Path| path.metadata().ok().map(|metadata| metadata.len());
    let mut sizes = Vec::new();
    for file in entries_below(&site_root.join(pkg_dir))? {
        let path = site_root.join(pkg_dir).join(&file);
        let shipped = file.extension().is_some_and(|last| last == "js" || last == "wasm" || last == "css");
        if shipped && file.components().count() == 1 {
            sizes.push(Sizes {
                file: Path::new(pkg_dir).join(&file).display().to_string(),
                raw: size(&path).unwrap_or_default(),
                gzip: size(&path_with(&path, "gz")),
                brotli: size(&path_with(&path, "br")),
            });
        }
    }
    Ok(sizes)
}

/// Everything that the site is made from: path below the site root → source.
fn sources(input: &WriteSite) -> anyhow::Result<BTreeMap<PathBuf, Source>> {
    let pkg = Path::new(&input.pkg_dir);
    let name = &input.output_name;
    let mut sources = BTreeMap::new();
    if let Some(assets) = &input.assets_dir {
        for file in files_below(assets)? {
            sources.insert(file.clone(), Source::File(assets.join(file)));
        }
    }
    for file in files_below(&input.bindings_dir)? {
        // wasm-bindgen's own wasm file is the input of the optimiser; what ships is added below.
        if file.extension().is_none_or(|last| last != "wasm") {
            sources.insert(pkg.join(&file), Source::File(input.bindings_dir.join(file)));
        }
    }
    sources.insert(pkg.join(format!("{name}.wasm")), Source::File(input.wasm_file.clone()));
    let sheet = pkg.join(format!("{name}.css"));
    if input.style_files.is_empty() {
        sources.entry(sheet).or_insert(Source::Sheet(Vec::new()));
    } else {
        sources.insert(sheet, Source::Sheet(input.style_files.clone()));
    }
    Ok(sources)
}

/// The state of sources and outputs as it is on disk.
fn made_now(input: &WriteSite, sources: &BTreeMap<PathBuf, Source>) -> anyhow::Result<Made> {
    let stamp = |path: &PathBuf| anyhow::Ok((path.clone(), Stamp::of(path)?));
    let site = entries_below(&input.site_root)?.into_iter().map(|file| input.site_root.join(file));
    Ok(Made {
        input: serde_json::to_string(input)?,
        sources: sources.values().flat_map(Source::files).map(stamp).collect::<anyhow::Result<_>>()?,
        outputs: site
            .chain(input.hash_file.clone())
            .map(|path| stamp(&path))
            .collect::<anyhow::Result<_>>()?,
    })
}

fn path_with(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    PathBuf::from(name)
}

/// The names that carry a digest: script, wasm and style of the project. All else keeps its name, because snippets and
/// assets are referred to by it.
#[derive(Default)]
struct HashedNames {
    digests: BTreeMap<&'static str, String>,
}

impl HashedNames {
    fn name(&mut self, target: &Path, content: &[u8], input: &WriteSite) -> PathBuf {
        for kind in ["js", "wasm", "css"] {
            if target == Path::new(&input.pkg_dir).join(format!("{}.{kind}", input.output_name)) {
                let digest = site_name(content);
                let hashed = format!("{}.{digest}.{kind}", input.output_name);
                self.digests.insert(kind, digest);
                return Path::new(&input.pkg_dir).join(hashed);
            }
        }
        target.to_owned()
    }

    /// The file that the server reads to find the names: one `kind: digest` a line.
    fn text(&self) -> String {
        let line = |kind: &str| self.digests.get(kind).map(|digest| format!("{kind}: {digest}\n"));
        ["js", "wasm", "css"].into_iter().filter_map(line).collect()
    }
}

#[cfg(test)]
#[path = "site_tests.rs"]
mod tests;
