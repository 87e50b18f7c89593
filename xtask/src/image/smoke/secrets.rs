//! Whether secrets have got into the image: into the files of its layers, or its configuration.
//!
//! Secrets are the values of secret-looking variables of this run's environment, among them those that the container is
//! given, in every spelling that is redacted too; and files that are made to hold secrets.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::Context;

use super::engine::Engine;
use crate::image::unpacked::{self, Kind};
use crate::plan::Invocation;

/// Shorter values are found in much by chance. In bytes.
pub const LENGTH_MIN: usize = 12;
/// A file of a layer is looked through in pieces of this size, which overlap by the longest secret worth the name.
const PIECE: usize = 1 << 20;
const OVERLAP: usize = 4096;
/// The most findings that are named.
const SHOWN_MAX: usize = 3;

/// Files that hold secrets by their name, wherever they are.
const FILES: [&str; 9] = [
    ".env",
    ".npmrc",
    ".netrc",
    ".git-credentials",
    ".dockerconfigjson",
    "id_rsa",
    "id_ed25519",
    "id_ecdsa",
    "credentials.toml",
];
/// Folders that do.
const FOLDERS: [&str; 4] = [".git", ".ssh", ".aws", ".docker"];

/// Looks through everything. `Ok` says what was looked at, `Err` what was found.
pub fn look(
    engine: &Engine<'_>,
    image: &str,
    target_directory: &Path,
) -> anyhow::Result<Result<String, String>> {
    let exec = engine.exec;
    let mut found = Vec::new();
    let inspected = engine.describe(image)?;
    found.extend(
        exec.secret_in(inspected.as_bytes(), LENGTH_MIN)
            .map(|name| format!("{} in its configuration", named(&name))),
    );
    let (layers, size) = look_into_layers(engine, image, target_directory, &mut found)?;
    let more = found.len().saturating_sub(SHOWN_MAX);
    if found.is_empty() {
        return Ok(Ok(format!(
            "none in {layers} layers ({} MB), configuration and history",
            size / 1_000_000
        )));
    }
    found.truncate(SHOWN_MAX);
    if more > 0 {
        found.push(format!("{more} more"));
    }
    Ok(Err(found.join("; ")))
}

/// A secret by the name of its variable; empty for one without.
pub fn named(name: &str) -> String {
    if name.is_empty() { "a secret".to_owned() } else { format!("the value of {name}") }
}

/// Has the engine write the image to a file, and looks through each of its layers. How many there are, and their size.
fn look_into_layers(
    engine: &Engine<'_>,
    image: &str,
    target_directory: &Path,
    found: &mut Vec<String>,
) -> anyhow::Result<(usize, u64)> {
    let folder = target_directory.join("xtask");
    std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    let path = folder.join(format!("smoke-image-{}.tar", std::process::id()));
    let kept = Kept(&path);
    let saved = engine.save(image, &path)?;
    anyhow::ensure!(saved.success, "`docker save` failed: {}", engine.exec.redact(saved.stderr.trim()));
    let mut archive =
        tar::Archive::new(File::open(kept.0).with_context(|| format!("read {}", path.display()))?);
    let (mut layers, mut size) = (0, 0);
    for entry in archive.entries().context("read what `docker save` wrote")? {
        engine.exec.check_interrupted()?;
        let mut blob = Vec::new();
        entry.context("read what `docker save` wrote")?.read_to_end(&mut blob)?;
        if blob.is_empty() {
            continue;
        }
        let mut in_layer = Vec::new();
        let walked = unpacked::walk(&blob, &mut |entry| {
            in_layer.extend(by_name(&entry.path, &entry.kind));
            if entry.kind != Kind::File {
                return Ok(());
            }
            let mut piece = Vec::new();
            let mut secret = None;
            entry.read_pieces(|bytes| {
                piece.extend_from_slice(bytes);
                if piece.len() >= PIECE {
                    secret = secret.take().or_else(|| engine.exec.secret_in(&piece, LENGTH_MIN));
                    piece.drain(..piece.len() - OVERLAP);
                }
            })?;
            let secret = secret.or_else(|| engine.exec.secret_in(&piece, LENGTH_MIN));
            in_layer.extend(secret.map(|name| format!("{} in /{}", named(&name), entry.path)));
            Ok(())
        });
        match walked {
            Ok(raw) => {
                layers += 1;
                size += raw;
                found.append(&mut in_layer);
            }
            Err(_) if is_no_layer(&blob) => {}
            // Nobody knows what is in it.
            Err(error) => return Err(error.context("a layer of the image cannot be looked into")),
        }
    }
    anyhow::ensure!(layers > 0, "`docker save` wrote no layer that can be read");
    Ok((layers, size))
}

/// Whether a file of the archive is a manifest, a configuration or the number of a format: of these the engine has told
/// already.
fn is_no_layer(content: &[u8]) -> bool {
    content.len() < 16 || matches!(content.first(), Some(b'{' | b'['))
}

/// What a file's name gives away.
fn by_name(path: &str, kind: &Kind) -> Option<String> {
    let parts: Vec<&str> = path.split('/').collect();
    let name = parts.last()?;
    // The folders of users and of the app; a package's example in `/usr/share` is none.
    let is_systems = matches!(parts.first(), Some(&"usr" | &"var" | &"etc" | &"lib" | &"proc"));
    let is_file = *kind == Kind::File && FILES.contains(name);
    let is_folder = *kind == Kind::Folder && FOLDERS.contains(name);
    (!is_systems && (is_file || is_folder)).then(|| format!("/{path}, which is made to hold secrets"))
}

/// A file that goes with the value.
struct Kept<'a>(&'a Path);

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.0);
    }
}

/// The command that writes an image to a file.
pub fn save(image: &str, path: &Path, cwd: &Path) -> Invocation {
    let path = path.display().to_string();
    Invocation::new("docker", cwd).args(["save", "--output", &path, image])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_give_secrets_away() {
        for (path, kind) in
            [("app/.env", Kind::File), (".git", Kind::Folder), ("root/.ssh/id_rsa", Kind::File)]
        {
            assert!(by_name(path, &kind).is_some(), "{path}");
        }
        for (path, kind) in [
            ("app/.env.example", Kind::File),
            ("usr/share/doc/.env", Kind::File),
            ("app/.git", Kind::File),
            ("app/server", Kind::File),
        ] {
            assert!(by_name(path, &kind).is_none(), "{path}");
        }
    }
}
