//! What a Docker build is made from: the files of its context, as a digest.
//!
//! The same files, build arguments and platforms give the same digest on every machine and in every checkout, whatever
//! commit they are from. What `.dockerignore` leaves out is no input.

use std::fs;
use std::path::Path;

use anyhow::Context;
use sha2::{Digest as _, Sha256};

use crate::config::dockerignore;
use crate::exec::Executor;

/// Goes up whenever the same inputs give another image.
const FORMAT_VERSION: u32 = 1;

/// The digest, in hexadecimal. `more` is everything beside the files that decides what the image is.
pub fn input_digest(
    exec: &Executor,
    folder: &Path,
    dockerfile: &str,
    more: &[(String, String)],
) -> anyhow::Result<String> {
    let own = fs::read_to_string(folder.join(format!("{dockerfile}.dockerignore"))).ok();
    let ignored = own.or_else(|| fs::read_to_string(folder.join(".dockerignore")).ok()).unwrap_or_default();
    let mut hash = Sha256::new();
    part(&mut hash, "format", FORMAT_VERSION.to_string().as_bytes());
    for (name, value) in more {
        part(&mut hash, name, value.as_bytes());
    }
    // Read even where the context leaves it out.
    let recipe = folder.join(dockerfile);
    let recipe = fs::read(&recipe).with_context(|| format!("read {}", recipe.display()))?;
    part(&mut hash, "Dockerfile", &recipe);
    below(exec, folder, "", &ignored, &mut hash)?;
    Ok(hexadecimal(hash))
}

/// The digest of another folder that a build reads, by its own `.dockerignore`.
pub fn folder_digest(exec: &Executor, folder: &Path) -> anyhow::Result<String> {
    let ignored = fs::read_to_string(folder.join(".dockerignore")).unwrap_or_default();
    let mut hash = Sha256::new();
    below(exec, folder, "", &ignored, &mut hash)?;
    Ok(hexadecimal(hash))
}

fn hexadecimal(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn below(exec: &Executor, root: &Path, folder: &str, ignored: &str, hash: &mut Sha256) -> anyhow::Result<()> {
    exec.check_interrupted()?;
    let whole = root.join(folder);
    let entries = fs::read_dir(&whole).with_context(|| format!("read {}", whole.display()))?;
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    for name in names {
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        let whole = root.join(&path);
        let metadata = fs::symlink_metadata(&whole).with_context(|| format!("read {}", whole.display()))?;
        let is_out = dockerignore::excludes(ignored, &path);
        if metadata.is_dir() {
            // Something in a folder that is left out may have been taken back in.
            if !is_out || dockerignore::may_include_below(ignored, &path) {
                below(exec, root, &path, ignored, hash)?;
            }
        } else if is_out {
        } else if metadata.is_symlink() {
            let to = fs::read_link(&whole).with_context(|| format!("read {}", whole.display()))?;
            part(hash, &format!("link {path}"), to.to_string_lossy().as_bytes());
        } else if metadata.is_file() {
            let kind = if is_executable(&metadata) { "program" } else { "file" };
            let content = fs::read(&whole).with_context(|| format!("read {}", whole.display()))?;
            part(hash, &format!("{kind} {path}"), &content);
        }
    }
    Ok(())
}

fn is_executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o100 != 0
}

/// Lengths first, so that no two lists of parts are the same bytes.
fn part(hash: &mut Sha256, name: &str, content: &[u8]) {
    hash.update(format!("{} {}\n{name}\n", name.len(), content.len()));
    hash.update(content);
}
