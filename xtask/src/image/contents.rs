//! What is in an image of a registry: its layers with their sizes, and its files as a container sees them.

use std::collections::BTreeMap;

use super::config::ImageConfig;
use super::digest::{Digest, Hasher};
use super::manifest::{self, Descriptor, Document, Manifest};
use super::parallel::{self, CONNECTIONS};
use super::reference::Reference;
use super::registry::Repository;
use super::unpacked::{self, Kind};
use crate::exec::Executor;
use crate::exit::{Exit, Failure};

/// An image with all that its manifest leads to.
pub struct Contents {
    /// What the registry has under the reference: an index or the manifest itself.
    pub digest: Digest,
    pub manifest_digest: Digest,
    pub manifest: Manifest,
    pub config: ImageConfig,
    pub platform: String,
    /// For each layer what is in it; `None` for one that cannot be read here.
    pub layers: Vec<Option<LayerFiles>>,
}

/// The files of one layer.
#[derive(Clone, Debug, Default)]
pub struct LayerFiles {
    /// The size of the archive, in bytes.
    pub raw_size: u64,
    /// By path; `None` for what the layer removes.
    files: BTreeMap<String, Option<Leaf>>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// In bytes.
    pub size: u64,
    pub digest: Digest,
    /// The number of its layer.
    pub layer: usize,
}

impl LayerFiles {
    /// How many files the layer brings.
    pub fn count(&self) -> usize {
        self.files.values().filter(|file| file.is_some()).count()
    }
}

impl Contents {
    /// The files as a container sees them, one layer on the other; `None` where a layer cannot be read here.
    pub fn files(&self) -> Option<BTreeMap<String, Leaf>> {
        let mut all: BTreeMap<String, Leaf> = BTreeMap::new();
        for (number, layer) in self.layers.iter().enumerate() {
            for (path, file) in &layer.as_ref()?.files {
                match file {
                    Some(file) => drop(all.insert(path.clone(), Leaf { layer: number, ..file.clone() })),
                    None => {
                        let below = format!("{path}/");
                        all.retain(|known, _| known != path && !known.starts_with(&below));
                    }
                }
            }
        }
        Some(all)
    }

    /// The sum of all layers as they are sent, in bytes.
    pub fn size(&self) -> u64 {
        self.manifest.layers.iter().map(|layer| layer.size).sum()
    }

    /// A label of the image.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.config.config.as_ref()?.labels.as_ref()?.get(name).map(String::as_str)
    }
}

/// Reads an image. Where there are several platforms, `platform` chooses, e.g. `linux/amd64`. Layers for which `known`
/// has an answer are not fetched.
pub fn read(
    exec: &Executor,
    repository: &Repository<'_>,
    reference: &Reference,
    platform: Option<&str>,
    known: &(dyn Fn(&Digest) -> Option<LayerFiles> + Sync),
) -> anyhow::Result<Contents> {
    let failed = |why: String| Failure::new(Exit::CommandFailed, format!("the image {reference} {why}"));
    let missing =
        || failed("is not in its registry".to_owned()).hint("is the name right, and has it been pushed?");
    let fetched = repository.manifest(&reference.wanted())?.ok_or_else(missing)?;
    let digest = fetched.digest.clone();
    let parse = |fetched: &super::registry::Fetched| {
        Document::parse(&fetched.media_type, &fetched.bytes).map_err(&failed)
    };
    let (manifest_digest, manifest) = match parse(&fetched)? {
        Document::Manifest(manifest) => (fetched.digest, *manifest),
        Document::Index(entries) => {
            let entry = chosen(&entries, platform).map_err(|found| {
                failed("is an image for several platforms".to_owned())
                    .hint(format!("`--platform` chooses one: {}", found.join(", ")))
            })?;
            let wanted = entry.digest.to_string();
            let fetched = repository
                .manifest(&wanted)?
                .ok_or_else(|| failed(format!("names {wanted}, which its registry does not have")))?;
            match parse(&fetched)? {
                Document::Manifest(manifest) => (fetched.digest, *manifest),
                Document::Index(_) => return Err(failed("has an index in its index".to_owned()).into()),
            }
        }
    };
    let config = super::base::configuration(repository, &manifest)?;
    let own = format!("{}/{}", config.os, config.architecture);
    if let Some(platform) = platform.filter(|platform| **platform != own) {
        return Err(failed(format!("is for {own}, not for {platform}")).into());
    }
    let layers = parallel::each(CONNECTIONS, &manifest.layers, |layer| {
        exec.check_interrupted()?;
        if !unpacked::is_readable(layer) {
            return Ok(None);
        }
        match known(&layer.digest) {
            Some(files) => Ok(Some(files)),
            None => read_layer(repository, layer).map(Some),
        }
    })?;
    Ok(Contents { digest, manifest_digest, manifest, config, platform: own, layers })
}

/// The entry for the platform, or the only one.
fn chosen<'a>(entries: &'a [Descriptor], platform: Option<&str>) -> Result<&'a Descriptor, Vec<String>> {
    if let Some(platform) = platform {
        return manifest::choose(entries, platform);
    }
    let mut images = entries.iter().filter(|entry| !manifest::is_attestation(entry));
    match (images.next(), images.next()) {
        (Some(only), None) => Ok(only),
        // No platform is called so; the answer is the list of those that there are.
        _ => manifest::choose(entries, ""),
    }
}

fn read_layer(repository: &Repository<'_>, layer: &Descriptor) -> anyhow::Result<LayerFiles> {
    let blob = repository.blob(layer)?;
    let mut files = BTreeMap::new();
    let raw_size = unpacked::walk(&blob, &mut |entry| {
        let (folder, name) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
        let joined =
            |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        match name.strip_prefix(".wh.") {
            Some(".wh..opq") => drop(files.insert(folder.to_owned(), None)),
            Some(removed) => drop(files.insert(joined(removed), None)),
            None if entry.kind == Kind::File => {
                let mut hasher = Hasher::default();
                entry.read_pieces(|bytes| hasher.update(bytes))?;
                let leaf = Leaf { size: entry.size, digest: hasher.digest(&[]), layer: 0 };
                files.insert(entry.path.clone(), Some(leaf));
            }
            None => {}
        }
        Ok(())
    })?;
    Ok(LayerFiles { raw_size, files })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(size: u64) -> Option<Leaf> {
        Some(Leaf { size, digest: Digest::of(&size.to_le_bytes()), layer: 0 })
    }

    #[test]
    fn the_upper_layer_wins() {
        let layer = |files: &[(&str, Option<Leaf>)]| {
            let files = files.iter().map(|(path, file)| ((*path).to_owned(), file.clone())).collect();
            Some(LayerFiles { raw_size: 0, files })
        };
        let mut contents = Contents {
            digest: Digest::of(b""),
            manifest_digest: Digest::of(b""),
            manifest: serde_json::from_value(serde_json::json!({
                "schemaVersion": 2, "layers": [],
                "config": {"mediaType": "c", "digest": Digest::of(b""), "size": 0},
            }))
            .unwrap(),
            config: ImageConfig::default(),
            platform: String::new(),
            layers: vec![
                layer(&[("a", leaf(1)), ("b/c", leaf(2)), ("b/d", leaf(3)), ("bc", leaf(4))]),
                layer(&[("a", leaf(5)), ("b", None)]),
            ],
        };
        let files = contents.files().unwrap();
        let shown: Vec<String> =
            files.iter().map(|(path, file)| format!("{path} {} {}", file.size, file.layer)).collect();
        assert_eq!(shown, ["a 5 1", "bc 4 0"]);
        contents.layers.push(None);
        assert!(contents.files().is_none());
    }
}
