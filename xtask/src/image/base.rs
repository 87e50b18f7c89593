//! The image that ours stands on: from a tag to its manifest and configuration for one platform.

use super::config::{ImageConfig, RootFs, RunConfig};
use super::digest::Digest;
use super::manifest::{self, Descriptor, Document, Manifest};
use super::reference::Reference;
use super::registry::{Fetched, Repository};
use super::system;
use crate::exit::{Exit, Failure};

/// A base, read and checked.
#[derive(Clone, Debug)]
pub struct Base {
    /// `None` where there is no base.
    pub source: Option<Source>,
    pub platform: String,
    /// As OCI names them.
    pub layers: Vec<Descriptor>,
    pub config: ImageConfig,
}

/// Where a base comes from.
#[derive(Clone, Debug)]
pub struct Source {
    pub reference: Reference,
    /// Of the manifest for the platform.
    pub digest: Digest,
}

impl Base {
    /// No base: what a static program stands on.
    pub fn none(platform: &str) -> Base {
        let (os, architecture) = platform.split_once('/').unwrap_or((platform, ""));
        let config = ImageConfig {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
            config: Some(RunConfig {
                env: Some(system::ENVIRONMENT.map(str::to_owned).to_vec()),
                ..RunConfig::default()
            }),
            rootfs: RootFs { kind: "layers".to_owned(), diff_ids: Vec::new() },
            ..ImageConfig::default()
        };
        Base { source: None, platform: platform.to_owned(), layers: Vec::new(), config }
    }

    /// As messages call it.
    pub fn name(&self) -> String {
        self.source.as_ref().map_or("no base".to_owned(), |source| source.reference.to_string())
    }
}

/// Reads the base for a platform such as `linux/amd64`. Layers are not fetched.
pub fn read(repository: &Repository<'_>, reference: &Reference, platform: &str) -> anyhow::Result<Base> {
    let failed = |why: String| Failure::new(Exit::CommandFailed, format!("the base {reference} {why}"));
    let missing = || {
        failed("is not in its registry".to_owned())
            .hint("`--base`, or `base-image` in [workspace.metadata.xtask], names another one")
    };
    let lacks = |found: Vec<String>| {
        let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
        failed(format!("has no image for {platform}")).hint(format!("the platforms that there are: {found}"))
    };
    let parse = |fetched: &Fetched| Document::parse(&fetched.media_type, &fetched.bytes).map_err(&failed);
    let fetched = repository.manifest(&reference.wanted())?.ok_or_else(missing)?;
    let (fetched, manifest) = match parse(&fetched)? {
        Document::Manifest(manifest) => (fetched, manifest),
        Document::Index(entries) => {
            let entry = manifest::choose(&entries, platform).map_err(lacks)?;
            let wanted = entry.digest.to_string();
            let fetched = repository
                .manifest(&wanted)?
                .ok_or_else(|| failed(format!("lacks its manifest {wanted}")))?;
            match parse(&fetched)? {
                Document::Manifest(manifest) => (fetched, manifest),
                Document::Index(_) => return Err(failed("has an index in its index".to_owned()).into()),
            }
        }
    };
    let config = configuration(repository, &manifest)?;
    let own = format!("{}/{}", config.os, config.architecture);
    if own != platform {
        return Err(lacks(vec![own]).into());
    }
    if config.rootfs.diff_ids.len() != manifest.layers.len() {
        return Err(failed("has a configuration that does not fit its layers".to_owned()).into());
    }
    let layers: Result<Vec<Descriptor>, String> = manifest.layers.iter().map(manifest::oci_layer).collect();
    Ok(Base {
        source: Some(Source { reference: reference.clone(), digest: fetched.digest }),
        platform: platform.to_owned(),
        layers: layers.map_err(&failed)?,
        config,
    })
}

/// The configuration that a manifest names.
pub(super) fn configuration(repository: &Repository<'_>, manifest: &Manifest) -> anyhow::Result<ImageConfig> {
    let bytes = repository.blob(&manifest.config)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let what =
            format!("{}: the image's configuration {}", repository.full_name(), manifest.config.digest);
        Failure::new(Exit::CommandFailed, format!("{what} cannot be read: {error}")).into()
    })
}
