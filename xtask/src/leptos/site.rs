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
    /// A project without style has an empty sheet: pages link to it all the same.
    Empty,
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
    if made.is_some_and(|made| made_now(input, &sources).is_ok_and(|now| now == made)) {
        return Ok(Written { unchanged: sources.len(), ..Written::default() });
    }

    let mut written = Written::default();
    // Written through, a link would change what it points to.
    remove(input, &mut written, |path| path.is_symlink())?;
    let mut expected = BTreeSet::new();
    let mut names = HashedNames::default();
    for (target, source) in &sources {
        exec.check_interrupted()?;
        let content = match source {
            Source::File(file) => fs::read(file).with_context(|| format!("read `{}`", file.display()))?,
            Source::Empty => Vec::new(),
        };
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
            if !gzip.exists() {
                exec.write_file(gzip, &compress::gzip(&content)?)?;
            }
            if !brotli.exists() {
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
    match &input.style_file {
        Some(style) => drop(sources.insert(sheet, Source::File(style.clone()))),
        None => drop(sources.entry(sheet).or_insert(Source::Empty)),
    }
    Ok(sources)
}

/// The state of sources and outputs as it is on disk.
fn made_now(input: &WriteSite, sources: &BTreeMap<PathBuf, Source>) -> anyhow::Result<Made> {
    let stamp = |path: &PathBuf| anyhow::Ok((path.clone(), Stamp::of(path)?));
    let site = entries_below(&input.site_root)?.into_iter().map(|file| input.site_root.join(file));
    let files = sources.values().filter_map(|source| match source {
        Source::File(file) => Some(file),
        Source::Empty => None,
    });
    Ok(Made {
        input: serde_json::to_string(input)?,
        sources: files.map(stamp).collect::<anyhow::Result<_>>()?,
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
    use std::os::unix::fs::symlink;

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
            made_file: root.join("site.made.json"),
        };
        let exec = Executor::new(Ui::detect(true), Mode::Run).unwrap();
        (folder, exec, input)
    }

    fn listing(input: &WriteSite) -> Vec<String> {
        let files = entries_below(&input.site_root).unwrap();
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
    fn a_file_may_become_a_folder_and_a_folder_a_file() {
        let (folder, exec, input) = fixture(false);
        let help = folder.path().join("public/help");
        fs::write(&help, "one page").unwrap();
        write(&exec, &input).unwrap();
        fs::remove_file(&help).unwrap();
        fs::create_dir(&help).unwrap();
        fs::write(help.join("index.html"), "two pages").unwrap();
        write(&exec, &input).unwrap();
        assert_eq!(fs::read_to_string(input.site_root.join("help/index.html")).unwrap(), "two pages");
        fs::remove_dir_all(&help).unwrap();
        fs::write(&help, "one page").unwrap();
        write(&exec, &input).unwrap();
        assert_eq!(fs::read_to_string(input.site_root.join("help")).unwrap(), "one page");
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

    #[test]
    fn links_in_the_site_are_removed_and_what_they_point_to_stays() {
        let (folder, exec, input) = fixture(false);
        let precious = folder.path().join("precious");
        fs::create_dir_all(&precious).unwrap();
        fs::write(precious.join("app.js"), "mine").unwrap();
        fs::create_dir_all(&input.site_root).unwrap();
        symlink(&precious, input.site_root.join("pkg")).unwrap();
        symlink(precious.join("app.js"), input.site_root.join("robots.txt")).unwrap();
        assert_eq!(write(&exec, &input).unwrap(), Written { changed: 5, unchanged: 0, removed: 2 });
        symlink(&precious, input.site_root.join("stray")).unwrap();
        symlink("..", input.site_root.join("up")).unwrap();
        assert_eq!(write(&exec, &input).unwrap(), Written { changed: 0, unchanged: 5, removed: 2 });
        assert_eq!(fs::read_to_string(precious.join("app.js")).unwrap(), "mine");
        assert_eq!(fs::read_dir(&precious).unwrap().count(), 1);
        assert!(!input.site_root.join("robots.txt").is_symlink());
    }

    #[test]
    fn assets_behind_links_are_copied_and_circles_are_not() {
        let (folder, exec, input) = fixture(false);
        fs::write(folder.path().join("elsewhere.txt"), "x").unwrap();
        symlink("../elsewhere.txt", folder.path().join("public/linked.txt")).unwrap();
        symlink(".", folder.path().join("public/again")).unwrap();
        assert_eq!(write(&exec, &input).unwrap().changed, 6);
        assert!(input.site_root.join("linked.txt").is_file());
        assert!(!input.site_root.join("again").exists());
    }

    #[test]
    fn no_style_is_an_empty_sheet() {
        let (folder, exec, mut input) = fixture(true);
        input.style_file = None;
        write(&exec, &input).unwrap();
        let digest = site_name(b"");
        assert_eq!(fs::read(input.site_root.join(format!("pkg/app.{digest}.css"))).unwrap(), b"");
        let text = fs::read_to_string(folder.path().join("hash.txt")).unwrap();
        assert!(text.contains(&format!("css: {digest}\n")), "{text}");
        assert_eq!(write(&exec, &input).unwrap().unchanged, 5);
    }

    #[test]
    fn no_old_variant_beside_new_content() {
        let (folder, exec, mut input) = fixture(false);
        write(&exec, &input).unwrap();
        fs::write(folder.path().join("style.css"), "a{}").unwrap();
        // What comes after the sheet cannot be read, so the run ends right after the sheet is written.
        input.wasm_file = folder.path().join("none.wasm");
        let none = write(&exec, &input).unwrap_err();
        assert!(format!("{none:#}").contains("none.wasm"), "{none:#}");
        assert_eq!(fs::read(input.site_root.join("pkg/app.css")).unwrap(), b"a{}");
        assert!(!input.site_root.join("pkg/app.css.gz").exists());
        assert!(!input.site_root.join("pkg/app.css.br").exists());
    }

    #[test]
    fn new_names_are_told_before_old_files_go() {
        let (folder, exec, mut input) = fixture(true);
        write(&exec, &input).unwrap();
        let before = listing(&input);
        fs::write(folder.path().join("style.css"), "a{}").unwrap();
        // A folder in its place cannot be replaced by the file.
        input.hash_file = Some(folder.path().join("public"));
        write(&exec, &input).unwrap_err();
        let after = listing(&input);
        assert!(before.iter().all(|file| after.contains(file)), "{before:?} {after:?}");
    }

    #[test]
    fn a_dry_run_changes_nothing() {
        let (folder, _, input) = fixture(true);
        fs::create_dir_all(&input.site_root).unwrap();
        symlink("nowhere", input.site_root.join("link")).unwrap();
        let exec = Executor::new(Ui::detect(true), Mode::DryRun).unwrap();
        write(&exec, &input).unwrap_err();
        assert_eq!(listing(&input), ["link"]);
        assert!(!folder.path().join("hash.txt").exists() && !input.made_file.exists());
    }
}
