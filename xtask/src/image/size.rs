//! How large an image is as it is sent: what its manifest says, without fetching anything else.

use super::manifest::{Document, Manifest, is_attestation};
use super::reference::Reference;
use super::registry::{Fetched, Repository};
use crate::config::registry::Sources;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};

/// The bytes of configuration and layers; of an index those of its first image. `None` where there is no such image.
/// `target` is the registry that the variables with credentials are meant for.
///
/// # Errors
/// Where the registry cannot be asked, or its answer is no manifest.
pub fn sent_bytes(
    exec: &Executor,
    sources: &Sources,
    image: &Reference,
    target: Option<&Reference>,
) -> anyhow::Result<Option<u64>> {
    let repository = Repository::to_read(exec, sources, image, target);
    let Some(fetched) = repository.manifest(&image.wanted())? else { return Ok(None) };
    let entries = match parse(image, &fetched)? {
        Document::Manifest(manifest) => return Ok(Some(sum(&manifest))),
        Document::Index(entries) => entries,
    };
    let Some(first) = entries.iter().find(|entry| !is_attestation(entry)) else { return Ok(None) };
    let Some(fetched) = repository.manifest(&first.digest.to_string())? else { return Ok(None) };
    Ok(match parse(image, &fetched)? {
        Document::Manifest(manifest) => Some(sum(&manifest)),
        Document::Index(_) => None,
    })
}

fn parse(image: &Reference, fetched: &Fetched) -> anyhow::Result<Document> {
    Document::parse(&fetched.media_type, &fetched.bytes)
        .map_err(|why| Failure::new(Exit::CommandFailed, format!("{image} {why}")).into())
}

fn sum(manifest: &Manifest) -> u64 {
    manifest.config.size + manifest.layers.iter().map(|layer| layer.size).sum::<u64>()
}
