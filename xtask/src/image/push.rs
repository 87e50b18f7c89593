//! Brings an image into a registry: only what is not there yet, and nothing at all if it is there as a whole.

use std::sync::Arc;
use std::thread;

use super::assemble::Image;
use super::base::Base;
use super::digest::Digest;
use super::manifest::{Descriptor, Document, Manifest};
use super::registry::{Fetched, Repository};
use crate::exec::Executor;
use crate::plan::image::PushImage;
use crate::record::pack::{LayerKind, LayerRecord, LayerState};

/// How many layers of a base are looked for, or copied, at the same time.
const BASE_THREADS: usize = 4;

/// An image in a registry.
#[derive(Clone, Debug)]
pub struct Pushed {
    pub digest: Digest,
    /// Whether it was there before.
    pub reused: bool,
    /// That of the inputs first.
    pub tags: Vec<String>,
    pub layers: Vec<LayerRecord>,
}

/// The tag of the image of these inputs. The digest in full, so that no two images ever share one.
pub fn input_tag(input_digest: &str) -> String {
    format!("in-{input_digest}")
}

/// Sends the image, or finds it there; then it has all tags.
pub fn push(
    exec: &Executor,
    input: &PushImage,
    target: &Repository<'_>,
    source: &Repository<'_>,
    base: &Base,
    image: &Image,
) -> anyhow::Result<Pushed> {
    let tag = input_tag(&image.input_digest);
    let mut tags = vec![tag.clone()];
    for other in &input.tags {
        if !tags.contains(other) {
            tags.push(other.clone());
        }
    }
    if !input.force
        && let Some((there, manifest)) = existing(target, &tag, &image.config_digest)?
    {
        for tag in &tags[1..] {
            if target.manifest_digest(tag)?.as_ref() != Some(&there.digest) {
                target.put_manifest(tag, &there)?;
                exec.ui().status("Tagged", format!("{}:{tag}", target.full_name()));
            }
        }
        if there.digest != image.manifest.digest {
            exec.ui().note("the image there was compressed in another way; it is the same otherwise");
        }
        let layers = records(&manifest.layers, base, image, |_| Some(LayerState::There));
        return Ok(Pushed { digest: there.digest, reused: true, tags, layers });
    }

    let mut states = bring_base(exec, target, source, base)?;
    for layer in &image.layers {
        exec.check_interrupted()?;
        states.push(bring(exec, target, layer.kind.name(), &layer.digest, &layer.content)?);
    }
    if !target.has_blob(&image.config_digest)? {
        target.upload(&image.config_digest, &Arc::new(image.config.clone()))?;
    }
    for tag in &tags {
        target.put_manifest(tag, &image.manifest)?;
    }
    let layers = records(&image.all_layers, base, image, |index| states.get(index).copied());
    Ok(Pushed { digest: image.manifest.digest.clone(), reused: false, tags, layers })
}

/// The image under the tag, if it is this one. Whoever may push can move a tag and copy a label; a configuration of
/// this digest names the archives of all layers by their own, so that only how they are compressed can differ.
fn existing(
    target: &Repository<'_>,
    tag: &str,
    config_digest: &Digest,
) -> anyhow::Result<Option<(Fetched, Manifest)>> {
    let Some(fetched) = target.manifest(tag)? else { return Ok(None) };
    let Ok(Document::Manifest(manifest)) = Document::parse(&fetched.media_type, &fetched.bytes) else {
        return Ok(None);
    };
    Ok((manifest.config.digest == *config_digest).then_some((fetched, *manifest)))
}

fn bring(
    exec: &Executor,
    target: &Repository<'_>,
    name: &str,
    digest: &Digest,
    content: &Arc<Vec<u8>>,
) -> anyhow::Result<LayerState> {
    if target.has_blob(digest)? {
        return Ok(LayerState::There);
    }
    exec.ui().status("Sending", format!("{name} layer, {} kB", content.len().div_ceil(1000)));
    target.upload(digest, content)?;
    Ok(LayerState::Sent)
}

/// The layers of the base, a few side by side: there may be more than a dozen, and for most of them the registry is
/// only asked whether it has them.
fn bring_base(
    exec: &Executor,
    target: &Repository<'_>,
    source: &Repository<'_>,
    base: &Base,
) -> anyhow::Result<Vec<LayerState>> {
    let size = base.layers.len().div_ceil(BASE_THREADS).max(1);
    let bring_all = |layers: &[Descriptor]| -> anyhow::Result<Vec<LayerState>> {
        layers.iter().map(|layer| bring_base_layer(exec, target, source, base, layer)).collect()
    };
    let parts: Vec<anyhow::Result<Vec<LayerState>>> = thread::scope(|scope| {
        let threads: Vec<_> =
            base.layers.chunks(size).map(|layers| scope.spawn(move || bring_all(layers))).collect();
        threads
            .into_iter()
            .map(|thread| {
                thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("copying a layer broke down")))
            })
            .collect()
    });
    Ok(parts.into_iter().collect::<anyhow::Result<Vec<_>>>()?.concat())
}

/// A layer of the base comes from its own registry: taken over there if that is ours too, else copied through us.
fn bring_base_layer(
    exec: &Executor,
    target: &Repository<'_>,
    source: &Repository<'_>,
    base: &Base,
    layer: &Descriptor,
) -> anyhow::Result<LayerState> {
    if target.has_blob(&layer.digest)? {
        return Ok(LayerState::There);
    }
    if target.shares_registry(&base.reference) && target.mount(&layer.digest, &base.reference.repository)? {
        return Ok(LayerState::Mounted);
    }
    exec.ui().status("Fetching", format!("base layer, {} kB", layer.size.div_ceil(1000)));
    let content = Arc::new(source.blob(layer)?);
    target.upload(&layer.digest, &content)?;
    Ok(LayerState::Sent)
}

/// What is recorded of an image's layers; those that are not ours are the base's.
pub fn records(
    all: &[Descriptor],
    base: &Base,
    image: &Image,
    state: impl Fn(usize) -> Option<LayerState>,
) -> Vec<LayerRecord> {
    let own = |index: usize| index.checked_sub(base.layers.len()).and_then(|index| image.layers.get(index));
    let record = |(index, layer): (usize, &Descriptor)| LayerRecord {
        kind: own(index).map_or(LayerKind::Base, |layer| layer.kind),
        digest: layer.digest.to_string(),
        size: layer.size,
        raw_size: own(index).map(|layer| layer.raw_size),
        state: state(index),
    };
    all.iter().enumerate().map(record).collect()
}
