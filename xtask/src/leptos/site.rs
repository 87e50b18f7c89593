//! The site folder: what a browser gets. Assembled from the bindings, the wasm file, the style sheet and the assets.
//!
//! Layout and names are those of cargo-leptos. Only files whose content changed are written, and files that belong to
//! no source any more are removed, so that a server or a cache that looks at times sees exactly what changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::cached::files_below;
use super::compress;
use super::digest::{Stamp, site_name};
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

/// Beside the site: the stamps of everything that went in and came out, to see at once that nothing changed.
#[derive(PartialEq, Serialize, Deserialize)]
struct Made {
    input: String,
    sources: BTreeMap<PathBuf, Stamp>,
    outputs: BTreeMap<PathBuf, Stamp>,
}

/// Brings the site folder to what its sources say.
pub fn write(exec: &Executor, input: &WriteSite) -> anyhow::Result<Written> {
    let sources = sources(input)?;
    let made_file = input.site_root.with_extension("made.json");
    let made: Option<Made> = fs::read(&made_file).ok().and_then(|text| serde_json::from_slice(&text).ok());
    if made.is_some_and(|made| made_now(input, &sources).is_ok_and(|now| now == made)) {
        return Ok(Written { unchanged: sources.len(), ..Written::default() });
    }

    let mut written = Written::default();
    let mut expected = BTreeSet::new();
    let mut names = HashedNames::default();
    for (target, source) in &sources {
        exec.check_interrupted()?;
        let content = fs::read(source).with_context(|| format!("read `{}`", source.display()))?;
        let target = match input.hash_file {
            Some(_) => names.name(target, &content, input),
            None => target.clone(),
        };
        let path = input.site_root.join(&target);
        let variants = if input.precompress && compress::worthwhile(&path, content.len() as u64) {
            [path_with(&path, "gz"), path_with(&path, "br")].to_vec()
        } else {
            Vec::new()
        };
        if fs::read(&path).is_ok_and(|found| found == content) {
            written.unchanged += 1;
        } else {
            // The variants of the old content go first: a stale one must never be served beside the new file.
            for variant in &variants {
                let _ = fs::remove_file(variant);
            }
            replace_file(&path, &content)?;
            written.changed += 1;
        }
        if let [gzip, brotli] = variants.as_slice() {
            if !gzip.exists() {
                replace_file(gzip, &compress::gzip(&content)?)?;
            }
            if !brotli.exists() {
                replace_file(brotli, &compress::brotli(&content)?)?;
            }
        }
        expected.insert(path);
        expected.extend(variants);
    }

    for file in files_below(&input.site_root)? {
        let path = input.site_root.join(file);
        if !expected.contains(&path) {
            fs::remove_file(&path).with_context(|| format!("remove `{}`", path.display()))?;
            written.removed += usize::from(path.extension().is_none_or(|last| last != "gz" && last != "br"));
        }
    }
    if let Some(hash_file) = &input.hash_file {
        replace_file(hash_file, names.text().as_bytes())?;
    }
    replace_file(&made_file, &serde_json::to_vec(&made_now(input, &sources)?)?)?;
    Ok(written)
}

/// The sizes of script, wasm and style as they ship.
pub fn sizes(site_root: &Path, pkg_dir: &str) -> anyhow::Result<Vec<Sizes>> {
    let size = |path: &Path| path.metadata().ok().map(|metadata| metadata.len());
    let mut sizes = Vec::new();
    for file in files_below(&site_root.join(pkg_dir))? {
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

/// Everything that the site is made from: path below the site root → source file.
fn sources(input: &WriteSite) -> anyhow::Result<BTreeMap<PathBuf, PathBuf>> {
    let pkg = Path::new(&input.pkg_dir);
    let name = &input.output_name;
    let mut sources = BTreeMap::new();
    if let Some(assets) = &input.assets_dir {
        for file in files_below(assets)? {
            sources.insert(file.clone(), assets.join(file));
        }
    }
    for file in files_below(&input.bindings_dir)? {
        // wasm-bindgen's own wasm file is the input of the optimiser; what ships is added below.
        if file.extension().is_none_or(|last| last != "wasm") {
            sources.insert(pkg.join(&file), input.bindings_dir.join(file));
        }
    }
    sources.insert(pkg.join(format!("{name}.wasm")), input.wasm_file.clone());
    if let Some(style) = &input.style_file {
        sources.insert(pkg.join(format!("{name}.css")), style.clone());
    }
    Ok(sources)
}

/// The state of sources and outputs as it is on disk.
fn made_now(input: &WriteSite, sources: &BTreeMap<PathBuf, PathBuf>) -> anyhow::Result<Made> {
    let stamp = |path: &PathBuf| anyhow::Ok((path.clone(), Stamp::of(path)?));
    let site = files_below(&input.site_root)?.into_iter().map(|file| input.site_root.join(file));
    Ok(Made {
        input: serde_json::to_string(input)?,
        sources: sources.values().map(stamp).collect::<anyhow::Result<_>>()?,
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
mod tests {
    use super::*;
    use crate::exec::Mode;
    use crate::ui::Ui;

    fn fixture(hashed: bool) -> (tempfile::TempDir, Executor, WriteSite) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for (path, content) in [
            ("bindings/app.js", "import './snippets/a/b.js';"),
            ("bindings/app_bg.wasm", "raw wasm"),
            ("bindings/snippets/a/b.js", "export {}"),
            ("opt/app_bg.wasm", "small wasm"),
            ("style.css", "body { color: black }"),
            ("public/robots.txt", "User-agent: *"),
        ] {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), content.repeat(50)).unwrap();
        }
        let input = WriteSite {
            site_root: root.join("site"),
            pkg_dir: "pkg".to_owned(),
            output_name: "app".to_owned(),
            bindings_dir: root.join("bindings"),
            wasm_file: root.join("opt/app_bg.wasm"),
            style_file: Some(root.join("style.css")),
            assets_dir: Some(root.join("public")),
            hash_file: hashed.then(|| root.join("hash.txt")),
            precompress: true,
        };
        let exec = Executor::new(Ui::detect(true), Mode::Run).unwrap();
        (folder, exec, input)
    }

    fn listing(input: &WriteSite) -> Vec<String> {
        let files = files_below(&input.site_root).unwrap();
        files.iter().map(|file| file.display().to_string()).filter(|name| !name.ends_with("z")).collect()
    }

    #[test]
    fn plain_names() {
        let (_folder, exec, input) = fixture(false);
        let written = write(&exec, &input).unwrap();
        assert_eq!(written, Written { changed: 5, unchanged: 0, removed: 0 });
        let names = ["pkg/app.css", "pkg/app.js", "pkg/app.wasm", "pkg/snippets/a/b.js", "robots.txt"];
        let with_brotli: Vec<String> =
            names.iter().flat_map(|name| [(*name).to_owned(), format!("{name}.br")]).collect();
        assert_eq!(listing(&input), with_brotli);
        assert_eq!(
            fs::read_to_string(input.site_root.join("pkg/app.wasm")).unwrap(),
            "small wasm".repeat(50)
        );
    }

    #[test]
    fn hashed_names_stand_in_the_hash_file() {
        let (folder, exec, input) = fixture(true);
        write(&exec, &input).unwrap();
        let text = fs::read_to_string(folder.path().join("hash.txt")).unwrap();
        let digest = site_name("small wasm".repeat(50).as_bytes());
        assert!(text.contains(&format!("wasm: {digest}\n")), "{text}");
        assert!(input.site_root.join(format!("pkg/app.{digest}.wasm.br")).exists());
    }

    #[test]
    fn a_second_run_writes_nothing_and_one_edit_writes_one_file() {
        let (folder, exec, input) = fixture(false);
        write(&exec, &input).unwrap();
        let before = Stamp::of(&input.site_root.join("pkg/app.js")).unwrap();
        assert_eq!(write(&exec, &input).unwrap(), Written { changed: 0, unchanged: 5, removed: 0 });
        fs::write(folder.path().join("style.css"), "body { color: white }".repeat(50)).unwrap();
        fs::remove_file(folder.path().join("public/robots.txt")).unwrap();
        assert_eq!(write(&exec, &input).unwrap(), Written { changed: 1, unchanged: 3, removed: 1 });
        assert_eq!(Stamp::of(&input.site_root.join("pkg/app.js")).unwrap(), before);
        let unpacked = fs::read(input.site_root.join("pkg/app.css.gz")).unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(unpacked.as_slice()), &mut text)
            .unwrap();
        assert!(text.starts_with("body { color: white }"));
    }

    #[test]
    fn a_damaged_site_is_mended() {
        let (_folder, exec, input) = fixture(false);
        write(&exec, &input).unwrap();
        fs::remove_file(input.site_root.join("pkg/app.js.br")).unwrap();
        fs::write(input.site_root.join("stray.txt"), "?").unwrap();
        assert_eq!(write(&exec, &input).unwrap(), Written { changed: 0, unchanged: 5, removed: 1 });
        assert!(input.site_root.join("pkg/app.js.br").exists());
    }
}
