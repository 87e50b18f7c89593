//! Pulls an image over the distribution API and unpacks it, without an engine. Everything is checked by digest.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tar::EntryType;

use super::image::Image;

/// From the connection to the last byte of one answer.
const LIMIT: Duration = Duration::from_secs(300);

/// The largest manifest or configuration, in bytes: what registries usually accept.
const MANIFEST_SIZE_MAX: u64 = 4 * 1024 * 1024;

/// The kinds of manifest that are understood.
const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// What was pulled.
pub struct Pulled {
    pub image: Image,
    /// The folder that stands for the container's root.
    pub root: PathBuf,
    /// Of the manifest that the reference led to.
    pub digest: String,
}

/// Unpacks an image into a new folder.
///
/// # Errors
/// What is wrong with the reference, the registry or the image.
pub fn pull(reference: &str, folder: &Path, closing: &AtomicBool) -> Result<Pulled, String> {
    let source = Source::parse(reference)?;
    let (top, digest) = source.manifest(&source.version, source.digest.as_deref())?;
    let manifest = match top["manifests"].as_array() {
        None => top,
        Some(manifests) => {
            let own = own_architecture();
            let platform = manifests.iter().map(|manifest| (&manifest["platform"], &manifest["digest"]));
            let mut fitting =
                platform.filter(|(platform, _)| platform["os"] == "linux" && platform["architecture"] == own);
            let found = fitting.next().and_then(|(_, digest)| digest.as_str());
            let digest = found.ok_or_else(|| format!("no matching manifest for linux/{own}"))?;
            source.manifest(digest, Some(digest))?.0
        }
    };
    let described = |what: &Value| {
        what["digest"].as_str().map(str::to_owned).ok_or_else(|| format!("{reference}: an invalid manifest"))
    };
    let config_digest = described(&manifest["config"])?;
    let mut config = Vec::new();
    let mut blob = source.blob(&config_digest, closing)?;
    blob.by_ref()
        .take(MANIFEST_SIZE_MAX)
        .read_to_end(&mut config)
        .map_err(|error| format!("{config_digest}: {error}"))?;
    blob.verify(&config_digest)?;
    let config: Value =
        serde_json::from_slice(&config).map_err(|error| format!("{config_digest}: {error}"))?;
    let image = serde_json::from_value(config["config"].clone())
        .map_err(|error| format!("{config_digest}: {error}"))?;

    let root = folder.join("root");
    let failed = |error: io::Error| format!("{}: {error}", root.display());
    fs::create_dir_all(&root).map_err(failed)?;
    let root = root.canonicalize().map_err(failed)?;
    for layer in manifest["layers"].as_array().into_iter().flatten() {
        let digest = described(layer)?;
        let mut blob = source.blob(&digest, closing)?;
        let unpacked = match layer["mediaType"].as_str().unwrap_or_default() {
            kind if kind.ends_with("gzip") => unpack(flate2::read::MultiGzDecoder::new(&mut blob), &root),
            kind if kind.ends_with("tar") => unpack(&mut blob, &root),
            kind => return Err(format!("layer {digest} is of a kind that is not understood: {kind}")),
        };
        unpacked.map_err(|error| format!("layer {digest}: {error}"))?;
        blob.verify(&digest)?;
    }
    Ok(Pulled { image, root, digest })
}

/// This machine's architecture by the name that images know it by.
fn own_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Where an image comes from.
struct Source {
    /// `http://HOST/v2/NAME`
    base: String,
    /// The digest, else the tag.
    version: String,
    digest: Option<String>,
    agent: ureq::Agent,
}

impl Source {
    fn parse(reference: &str) -> Result<Source, String> {
        let (name, digest) = match reference.split_once('@') {
            Some((name, digest)) => (name, Some(digest.to_owned())),
            None => (reference, None),
        };
        let (host, path) = name
            .split_once('/')
            .filter(|(host, _)| host.contains(['.', ':']) || *host == "localhost")
            .ok_or_else(|| format!("{reference}: names no registry"))?;
        let (path, tag) = path.rsplit_once(':').unwrap_or((path, "latest"));
        let version = digest.clone().unwrap_or_else(|| tag.to_owned());
        // As a Docker engine does: registries on loopback need no TLS.
        let local = host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]");
        let scheme = if local { "http" } else { "https" };
        let mut config =
            ureq::Agent::config_builder().timeout_global(Some(LIMIT)).http_status_as_error(false);
        if local {
            config = config.proxy(None);
        }
        let agent = ureq::Agent::new_with_config(config.build());
        Ok(Source { base: format!("{scheme}://{host}/v2/{path}"), version, digest, agent })
    }

    fn get(&self, path: &str) -> Result<ureq::Body, String> {
        let url = format!("{}/{path}", self.base);
        let response = self.agent.get(&url).header("accept", ACCEPT).call();
        let response = response.map_err(|error| format!("{url}: {error}"))?;
        match response.status().as_u16() {
            200 => Ok(response.into_body()),
            401 | 403 => Err(format!("{url}: the registry wants a login, which this runner cannot")),
            404 => Err(format!("{url}: not found")),
            status => Err(format!("{url}: HTTP {status}")),
        }
    }

    /// A manifest and its digest, which has to be the expected one.
    fn manifest(&self, version: &str, expected: Option<&str>) -> Result<(Value, String), String> {
        let path = format!("manifests/{version}");
        let bytes = self.get(&path)?.with_config().limit(MANIFEST_SIZE_MAX).read_to_vec();
        let bytes = bytes.map_err(|error| format!("{path}: {error}"))?;
        let digest = hex(Sha256::digest(&bytes).as_slice());
        if expected.is_some_and(|expected| expected != digest) {
            return Err(format!("{path}: the content has another digest: {digest}"));
        }
        let manifest = serde_json::from_slice(&bytes).map_err(|error| format!("{path}: {error}"))?;
        Ok((manifest, digest))
    }

    fn blob<'a>(&self, digest: &str, closing: &'a AtomicBool) -> Result<Blob<'a>, String> {
        let reader = self.get(&format!("blobs/{digest}"))?.into_reader();
        Ok(Blob { reader: Box::new(reader), hash: Sha256::new(), closing })
    }
}

/// A blob as it arrives.
struct Blob<'a> {
    reader: Box<dyn Read>,
    hash: Sha256,
    closing: &'a AtomicBool,
}

impl Read for Blob<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.closing.load(Ordering::SeqCst) {
            return Err(io::Error::other("the model is ending"));
        }
        let count = self.reader.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}

impl Blob<'_> {
    /// Reads what nobody wanted, and compares the digest of all.
    fn verify(mut self, expected: &str) -> Result<(), String> {
        io::copy(&mut self, &mut io::sink()).map_err(|error| format!("{expected}: {error}"))?;
        let digest = hex(self.hash.finalize().as_slice());
        if digest == expected {
            Ok(())
        } else {
            Err(format!("{expected}: the content has another digest: {digest}"))
        }
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// Unpacks one layer over those before it. The root is a canonical path.
fn unpack(layer: impl Read, root: &Path) -> io::Result<()> {
    let mut archive = tar::Archive::new(layer);
    archive.set_preserve_permissions(true);
    let mut written = BTreeSet::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        if path.components().any(|part| part == Component::ParentDir) {
            return Err(io::Error::other(format!("{} leads out of the image", path.display())));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(hidden) = name.strip_prefix(".wh.") {
            remove(root, &path.with_file_name(""), hidden, &written)?;
            continue;
        }
        let kind = entry.header().entry_type();
        if !matches!(
            kind,
            EntryType::Regular
                | EntryType::Directory
                | EntryType::Symlink
                | EntryType::Link
                | EntryType::Continuous
        ) {
            continue;
        }
        entry.unpack_in(root)?;
        let target = root.join(path.strip_prefix("/").unwrap_or(&path));
        if kind == EntryType::Directory && target.canonicalize()?.starts_with(root) {
            // Else neither later layers could be written nor the folder be removed without being root.
            let mode = entry.header().mode()? & 0o777 | 0o700;
            fs::set_permissions(&target, Permissions::from_mode(mode))?;
        }
        written.insert(target);
    }
    Ok(())
}

/// What a layer's whiteout means: the name, or everything in the folder, is gone, but for what this layer brought.
fn remove(root: &Path, folder: &Path, hidden: &str, written: &BTreeSet<PathBuf>) -> io::Result<()> {
    let folder = root.join(folder.strip_prefix("/").unwrap_or(folder));
    let Ok(folder) = folder.canonicalize() else { return Ok(()) };
    if !folder.starts_with(root) {
        return Err(io::Error::other("a whiteout leads out of the image"));
    }
    let gone: Vec<PathBuf> = match hidden {
        ".wh..opq" => fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?,
        name => vec![folder.join(name)],
    };
    for path in gone.into_iter().filter(|path| !written.contains(path)) {
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path)?,
            Ok(_) => fs::remove_file(path)?,
            Err(_) => {}
        }
    }
    Ok(())
}
