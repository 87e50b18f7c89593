//! An image as files: the OCI image layout, as a folder or as one archive, for `docker load`, skopeo, crane and whoever
//! carries images where no registry is.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;
use serde_json::json;

use super::assemble::Image;
use super::base::Base;
use super::digest::Digest;
use super::layer;
use super::manifest::{OCI_INDEX, OCI_MANIFEST};
use super::parallel::{self, CONNECTIONS};
use super::registry::Repository;
use crate::exec::Executor;
use crate::plan::image::WriteLayout;

/// What makes an archive of a path.
const ARCHIVE: &str = ".tar";
/// The names under which tools look for the image's own name in an index.
const REF_NAME: &str = "org.opencontainers.image.ref.name";
const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// Writes the image with all layers of its base; those that are there already are not fetched.
pub fn write(
    exec: &Executor,
    input: &WriteLayout,
    source: Option<&Repository<'_>>,
    base: &Base,
    image: &Image,
) -> anyhow::Result<()> {
    let is_archive = input.path.to_string_lossy().ends_with(ARCHIVE);
    let there = |digest: &Digest, size: u64| {
        let path = input.path.join(blob_path(digest));
        !is_archive && path.metadata().is_ok_and(|file| file.is_file() && file.len() == size)
    };
    let lacking: Vec<_> =
        base.layers.iter().filter(|layer| !there(&layer.digest, layer.size)).cloned().collect();
    let fetched = parallel::each(CONNECTIONS, &lacking, |layer| {
        exec.check_interrupted()?;
        exec.ui().status("Fetching", format!("base layer, {} kB", layer.size.div_ceil(1000)));
        let source = source.context("a layer of a base without a registry")?;
        source.blob(layer).map(Arc::new)
    })?;
    let mut files: BTreeMap<String, Arc<Vec<u8>>> = BTreeMap::new();
    let mut add = |digest: &Digest, content: Arc<Vec<u8>>| drop(files.insert(blob_path(digest), content));
    for (layer, content) in lacking.iter().zip(fetched) {
        add(&layer.digest, content);
    }
    for layer in &image.layers {
        add(&layer.digest, Arc::clone(&layer.content));
    }
    add(&image.config_digest, Arc::new(image.config.clone()));
    add(&image.manifest.digest, Arc::new(image.manifest.bytes.clone()));
    let layout = json!({"imageLayoutVersion": "1.0.0"}).to_string().into_bytes();
    let index = index(input, base, image)?;
    if is_archive {
        files.insert("oci-layout".to_owned(), Arc::new(layout));
        files.insert("index.json".to_owned(), Arc::new(index));
        return exec.write_file(&input.path, &archive(&files)?);
    }
    for (path, content) in &files {
        exec.write_file(&input.path.join(path), content)?;
    }
    exec.write_file(&input.path.join("oci-layout"), &layout)?;
    // Last: what it names is there by now, and until then the folder holds the image that it held before.
    exec.write_file(&input.path.join("index.json"), &index)
}

fn blob_path(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

fn index(input: &WriteLayout, base: &Base, image: &Image) -> anyhow::Result<Vec<u8>> {
    let (os, architecture) = base.platform.split_once('/').unwrap_or((&base.platform, ""));
    let mut manifest = json!({
        "mediaType": OCI_MANIFEST,
        "digest": image.manifest.digest,
        "size": image.manifest.bytes.len(),
        "platform": {"os": os, "architecture": architecture},
    });
    if let Some(name) = &input.name {
        let tag = name.rsplit_once(':').map_or("latest", |(_, tag)| tag);
        manifest["annotations"] = json!({REF_NAME: tag, CONTAINERD_NAME: name});
    }
    let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [manifest]});
    serde_json::to_vec(&index).context("serialise the index")
}

/// The files as one archive, the same bytes for the same image.
fn archive(files: &BTreeMap<String, Arc<Vec<u8>>>) -> anyhow::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, content) in files {
        layer::append(&mut tar, path, tar::EntryType::Regular, layer::MODE_FILE, content)?;
    }
    tar.into_inner().context("write the archive")
}
