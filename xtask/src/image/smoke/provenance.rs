//! Whether secrets have got into the provenance that was pushed beside the image: BuildKit's statements of how it was
//! made, which have the build's arguments in them where they are complete.
//!
//! Only the registry has them. What it does not show was not looked at, and is not called good.

use super::Surroundings;
use super::checks::{check, skipped};
use super::secrets::{self, LENGTH_MIN};
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::image::manifest::{Document, is_attestation};
use crate::image::reference::Reference;
use crate::image::registry::{Fetched, Repository};
use crate::record::smoke::CheckRecord;

/// The check's name.
const NAME: &str = "provenance";

/// Looks through all of it. `pushed` is the image by digest, where the engine knows it from a registry.
pub fn look(exec: &Executor, pushed: Option<&str>, around: &Surroundings<'_>) -> anyhow::Result<CheckRecord> {
    let pushed = pushed.map(Reference::parse).transpose()?;
    let Some(reference) = pushed.filter(|reference| !is_local(reference)) else {
        return Ok(skipped(NAME, "the image is in no registry, so nothing was published beside it"));
    };
    let repository = Repository::to_read(exec, around.sources, &reference, around.own);
    match statements(&repository, &reference) {
        Ok(statements) => Ok(check(NAME, judged(exec, &statements))),
        Err(error) => {
            exec.check_interrupted()?;
            Ok(skipped(NAME, exec.redact(&format!("it could not be looked at: {error:#}"))))
        }
    }
}

/// Whether an image has a name without a registry. Some engines give those a digest too; nobody can push their own to
/// where such a name leads, which is Docker's collection of official images.
fn is_local(reference: &Reference) -> bool {
    reference.registry == "docker.io" && reference.repository.starts_with("library/")
}

fn judged(exec: &Executor, statements: &[Vec<u8>]) -> Result<String, String> {
    let secret = statements.iter().find_map(|statement| exec.secret_in(statement, LENGTH_MIN));
    match (secret, statements.len()) {
        (Some(name), _) => Err(format!("{} in its provenance", secrets::named(&name))),
        (None, 0) => Ok("none was pushed beside it".to_owned()),
        (None, 1) => Ok("none in 1 statement".to_owned()),
        (None, count) => Ok(format!("none in {count} statements")),
    }
}

/// Attestations are manifests of their own beside the image, with their statements as layers. One that is named and
/// cannot be had is an error.
fn statements(repository: &Repository<'_>, reference: &Reference) -> anyhow::Result<Vec<Vec<u8>>> {
    let failed = |why: String| Failure::new(Exit::CommandFailed, format!("{reference} {why}"));
    let parse = |fetched: &Fetched| Document::parse(&fetched.media_type, &fetched.bytes).map_err(failed);
    let index = repository
        .manifest(&reference.wanted())?
        .ok_or_else(|| failed("is not in its registry any more".to_owned()))?;
    let Document::Index(entries) = parse(&index)? else { return Ok(Vec::new()) };
    let mut statements = Vec::new();
    for entry in entries.iter().filter(|entry| is_attestation(entry)) {
        let digest = entry.digest.to_string();
        let fetched =
            repository.manifest(&digest)?.ok_or_else(|| failed(format!("lacks its attestation {digest}")))?;
        let Document::Manifest(manifest) = parse(&fetched)? else {
            return Err(failed(format!("has an attestation {digest} that is an index")).into());
        };
        for layer in &manifest.layers {
            statements.push(repository.blob(layer)?);
        }
    }
    Ok(statements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_a_registry_are_in_none() {
        for (name, expected) in [("app:1", true), ("me/app:1", false), ("ghcr.io/library/app:1", false)] {
            assert_eq!(is_local(&Reference::parse(name).unwrap()), expected, "{name}");
        }
    }
}
