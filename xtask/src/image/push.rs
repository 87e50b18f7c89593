//! Brings an image into a registry: only what is not there yet, and nothing at all if it is there as a whole.

use std::sync::Arc;

use anyhow::Context;

use super::assemble::Image;
use super::base::Base;
use super::digest::Digest;
use super::layer::Layer;
use super::manifest::{Descriptor, Document, Manifest};
use super::parallel::{self, CONNECTIONS};
use super::registry::{Fetched, Repository};
use crate::exec::Executor;
use crate::plan::image::PushImage;
use crate::record::pack::{LayerKind, LayerRecord, LayerState};

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
    source: Option<&Repository<'_>>,
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

    let parts = parts(base, image);
    let states = parallel::each(CONNECTIONS, &parts, |part| {
        exec.check_interrupted()?;
        bring(exec, target, source, base, part)
    })?;
    // Only now: a manifest that names what is not there is refused.
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

/// Something that the registry has to have before the manifest.
enum Part<'a> {
    Base(&'a Descriptor),
    Own(&'a Layer),
    Config(&'a Digest, &'a [u8]),
}

/// Everything, the layers in their order and before the configuration. The largest upload, which is most likely the
/// server's, begins among the first: there are more connections than own layers.
fn parts<'a>(base: &'a Base, image: &'a Image) -> Vec<Part<'a>> {
    let own = image.layers.iter().map(Part::Own);
    let parts = base.layers.iter().map(Part::Base).chain(own);
    parts.chain([Part::Config(&image.config_digest, &image.config)]).collect()
}

fn bring(
    exec: &Executor,
    target: &Repository<'_>,
    source: Option<&Repository<'_>>,
    base: &Base,
    part: &Part<'_>,
) -> anyhow::Result<LayerState> {
    match part {
        Part::Base(layer) => bring_base_layer(exec, target, source, base, layer),
        Part::Own(layer) if target.has_blob(&layer.digest)? => Ok(LayerState::There),
        Part::Own(layer) => {
            let size = layer.content.len().div_ceil(1000);
            exec.ui().status("Sending", format!("{} layer, {size} kB", layer.kind.name()));
            target.upload(&layer.digest, &layer.content).map(|()| LayerState::Sent)
        }
        Part::Config(digest, _) if target.has_blob(digest)? => Ok(LayerState::There),
        Part::Config(digest, content) => {
            target.upload(digest, &Arc::new(content.to_vec())).map(|()| LayerState::Sent)
        }
    }
}

/// A layer of the base comes from its own registry: taken over there if that is ours too, else copied through us.
fn bring_base_layer(
    exec: &Executor,
    target: &Repository<'_>,
    source: Option<&Repository<'_>>,
    base: &Base,
    layer: &Descriptor,
) -> anyhow::Result<LayerState> {
    if target.has_blob(&layer.digest)? {
        return Ok(LayerState::There);
    }
    let from = base.source.as_ref().map(|source| &source.reference);
    if let Some(from) = from.filter(|from| target.shares_registry(from))
        && target.mount(&layer.digest, &from.repository)?
    {
        return Ok(LayerState::Mounted);
    }
    let source = source.context("a layer of a base without a registry")?;
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
