//! Layers: files as a tar archive in gzip, the same bytes for the same files wherever and whenever they are packed.
//!
//! Sorted, no times, no owners. Knows nothing of what the files are for.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use super::digest::Digest;
use super::gzip::gzip;
use crate::exit::Failure;
use crate::record::pack::LayerKind;

pub const MODE_FILE: u32 = 0o644;
pub const MODE_PROGRAM: u32 = 0o755;
const MODE_FOLDER: u32 = 0o755;

/// Files by their path in the image, without the first slash.
pub type Files = BTreeMap<String, File>;

/// A file of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub content: Content,
    pub mode: u32,
}

/// Where the bytes of a file come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Of(PathBuf),
    Bytes(Vec<u8>),
    /// It is no file but a folder, which has another mode than those on the way to a file.
    Folder,
}

impl File {
    /// A file of this machine.
    pub fn of(source: impl Into<PathBuf>, mode: u32) -> File {
        File { content: Content::Of(source.into()), mode }
    }
}

/// A packed layer.
#[derive(Clone, Debug)]
pub struct Layer {
    pub kind: LayerKind,
    /// The digest of the archive before compression.
    pub diff_id: Digest,
    /// Its size in bytes.
    pub raw_size: u64,
    /// The digest of what is sent.
    pub digest: Digest,
    pub content: Arc<Vec<u8>>,
}

/// Packs the files. Reads each of them once.
pub fn pack(kind: LayerKind, files: &Files) -> anyhow::Result<Layer> {
    let mut tar = tar::Builder::new(Vec::new());
    let folders: BTreeSet<&str> = files.keys().flat_map(|path| parents(path)).collect();
    // Both sorted together: a folder's name is the beginning of those of its files, so it comes before them.
    let mut entries: Vec<(&str, Option<&File>)> = folders.into_iter().map(|folder| (folder, None)).collect();
    entries.extend(files.iter().map(|(path, file)| (path.as_str(), Some(file))));
    entries.sort_by_key(|(path, _)| *path);
    for (path, file) in entries {
        match file {
            None => append(&mut tar, &format!("{path}/"), tar::EntryType::Directory, MODE_FOLDER, &[])?,
            Some(file) => match &file.content {
                Content::Of(source) => {
                    let content =
                        std::fs::read(source).with_context(|| format!("read {}", source.display()))?;
                    append(&mut tar, path, tar::EntryType::Regular, file.mode, &content)?;
                }
                Content::Bytes(content) => {
                    append(&mut tar, path, tar::EntryType::Regular, file.mode, content)?;
                }
                Content::Folder => {
                    append(&mut tar, &format!("{path}/"), tar::EntryType::Directory, file.mode, &[])?;
                }
            },
        }
    }
    let archive = tar.into_inner().context("write the archive")?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // Its digest is made beside the compression: neither needs the other.
    let (diff_id, content) = std::thread::scope(|scope| {
        let diff_id = scope.spawn(|| Digest::of(&archive));
        let content = gzip(&archive, cores);
        (diff_id.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), content)
    });
    let content = content.context("compress the archive")?;
    Ok(Layer {
        kind,
        diff_id,
        raw_size: archive.len() as u64,
        digest: Digest::of(&content),
        content: Arc::new(content),
    })
}

/// All files below a folder, as they are called below `prefix` in the image.
pub fn files_below(folder: &Path, prefix: &str) -> anyhow::Result<Files> {
    let mut files = Files::new();
    let mut pending = vec![(folder.to_owned(), prefix.to_owned())];
    while let Some((folder, prefix)) = pending.pop() {
        let problem = || format!("read the folder {}", folder.display());
        for entry in std::fs::read_dir(&folder).with_context(problem)? {
            let entry = entry.with_context(problem)?;
            let (source, kind) = (entry.path(), entry.file_type().with_context(problem)?);
            let refused = |why: &str| Failure::usage(format!("{} {why}", source.display()));
            let name =
                entry.file_name().into_string().map_err(|_| refused("has a name that is not UTF-8"))?;
            let path = format!("{prefix}/{name}");
            if kind.is_dir() {
                pending.push((source, path));
            } else if kind.is_file() {
                files.insert(path, File::of(source, MODE_FILE));
            } else {
                return Err(refused("is neither a file nor a folder, and cannot be packed").into());
            }
        }
    }
    Ok(files)
}

/// `a` and `a/b` for `a/b/c`.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(index, _)| &path[..index])
}

/// Appends an entry without time or owner.
pub fn append<W: Write>(
    tar: &mut tar::Builder<W>,
    path: &str,
    kind: tar::EntryType,
    mode: u32,
    content: &[u8],
) -> anyhow::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(content.len() as u64);
    // Long names get an entry of their own, which every unpacker since GNU tar 1.12 understands.
    tar.append_data(&mut header, path, content).with_context(|| format!("pack {path}"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;

    use expect_test::expect;

    use super::*;

    /// A folder with the same content, made anew.
    fn site() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let long = "n".repeat(120);
        for (path, content) in
            [("b.txt", "b"), ("a/x.js", "x"), ("a-b/y", "y"), (&format!("a/{long}/{long}.css"), "long")]
        {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    fn files(folder: &Path) -> Files {
        let mut files = files_below(folder, "app/site").unwrap();
        files.insert("app/server".to_owned(), File::of(folder.join("b.txt"), MODE_PROGRAM));
        files
    }

    fn unpacked(layer: &Layer) -> Vec<u8> {
        let mut tar = Vec::new();
        flate2::read::GzDecoder::new(layer.content.as_slice()).read_to_end(&mut tar).unwrap();
        tar
    }

    #[test]
    fn the_same_files_give_the_same_bytes() {
        let (one, two) = (site(), site());
        fs::File::open(two.path().join("b.txt")).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
        let layer = pack(LayerKind::Site, &files(one.path())).unwrap();
        let again = pack(LayerKind::Site, &files(two.path())).unwrap();
        assert_eq!(layer.content, again.content);
        assert_eq!(layer.digest, Digest::of(&layer.content));
        let tar = unpacked(&layer);
        assert_eq!((layer.diff_id.clone(), layer.raw_size), (Digest::of(&tar), tar.len() as u64));
        // Ten bytes of header: magic, deflate, no flags, no time, no extra flags, unknown system.
        assert_eq!(&layer.content[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);

        fs::write(two.path().join("b.txt"), "c").unwrap();
        assert_ne!(pack(LayerKind::Site, &files(two.path())).unwrap().digest, layer.digest);
    }

    #[test]
    fn the_archive_does_not_change_from_release_to_release() {
        // A change here gives every image another input digest.
        let folder = site();
        let layer = pack(LayerKind::Site, &files(folder.path())).unwrap();
        expect!["sha256:649cdaa0b5442a8d22408aecced54284b7e786144c0632f33d15409dec705683"]
            .assert_eq(&layer.diff_id.to_string());
    }

    #[test]
    fn entries_are_sorted_and_bare() {
        let folder = site();
        let layer = pack(LayerKind::Site, &files(folder.path())).unwrap();
        let tar = unpacked(&layer);
        let mut shown = String::new();
        for entry in tar::Archive::new(tar.as_slice()).entries().unwrap() {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()), (0, 0, 0));
            assert_eq!(header.username_bytes(), Some(b"".as_slice()));
            let path = entry.path().unwrap().display().to_string().replace(&"n".repeat(120), "nnn…");
            shown += &format!("{:o} {} {path}\n", header.mode().unwrap(), entry.size());
        }
        expect![[r#"
            755 0 app/
            755 1 app/server
            755 0 app/site/
            755 0 app/site/a/
            755 0 app/site/a-b/
            644 1 app/site/a-b/y
            755 0 app/site/a/nnn…/
            644 4 app/site/a/nnn…/nnn….css
            644 1 app/site/a/x.js
            644 1 app/site/b.txt
        "#]]
        .assert_eq(&shown);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_refused() {
        let folder = site();
        std::os::unix::fs::symlink("b.txt", folder.path().join("link")).unwrap();
        let error = files_below(folder.path(), "app/site").unwrap_err();
        assert!(
            error.to_string().ends_with("link is neither a file nor a folder, and cannot be packed"),
            "{error}"
        );
    }
}
