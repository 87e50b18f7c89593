//! The image that a registry has for the same inputs, so that nothing is built twice.

use super::config::ImageConfig;
use super::digest::Digest;
use super::manifest::{self, Document};
use super::registry::Repository;

/// The label with the digest of everything that an image is made from.
pub const INPUT_DIGEST_LABEL: &str = "xtask.input-digest";

/// What is there under the tag of some inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Existing {
    /// An image whose label says that it was made from them.
    Same(Digest),
    /// Another one: somebody has moved the tag.
    Other,
    Absent,
}

/// Looks what the tag names. Of several platforms each has to have the label. Whoever may push can copy a label too;
/// nobody else can.
pub fn find(repository: &Repository<'_>, tag: &str, input_digest: &str) -> anyhow::Result<Existing> {
    let Some(fetched) = repository.manifest(tag)? else { return Ok(Existing::Absent) };
    let mut manifests = Vec::new();
    match Document::parse(&fetched.media_type, &fetched.bytes) {
        Ok(Document::Manifest(manifest)) => manifests.push(*manifest),
        Ok(Document::Index(entries)) => {
            for entry in entries.iter().filter(|entry| !manifest::is_attestation(entry)) {
                let inner = repository.manifest(&entry.digest.to_string())?;
                let inner = inner.and_then(|inner| Document::parse(&inner.media_type, &inner.bytes).ok());
                let Some(Document::Manifest(manifest)) = inner else { return Ok(Existing::Other) };
                manifests.push(*manifest);
            }
        }
        Err(_) => return Ok(Existing::Other),
    }
    for manifest in &manifests {
        // One that lacks its configuration cannot be run.
        if !repository.has_blob(&manifest.config.digest)? {
            return Ok(Existing::Other);
        }
        let config = serde_json::from_slice::<ImageConfig>(&repository.blob(&manifest.config)?).ok();
        let labels = config.and_then(|config| config.config?.labels).unwrap_or_default();
        if labels.get(INPUT_DIGEST_LABEL).map(String::as_str) != Some(input_digest) {
            return Ok(Existing::Other);
        }
    }
    Ok(if manifests.is_empty() { Existing::Other } else { Existing::Same(fetched.digest) })
}
