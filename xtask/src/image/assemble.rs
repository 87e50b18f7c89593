//! Puts an image together: the layers of the app on those of the base, configuration, manifest, and the digest of all
//! that went in. Nothing here depends on when, where or by whom it is done.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Serialize;

use super::base::Base;
use super::config::{self, Additions};
use super::digest::Digest;
use super::elf;
use super::existing::INPUT_DIGEST_LABEL;
use super::layer::{self, File, Files, Layer, MODE_FILE, MODE_PROGRAM};
use super::manifest::{Descriptor, Manifest, OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST};
use super::registry::Fetched;
use super::{parallel, system};
use crate::exit::Failure;
use crate::plan::image::AssembleImage;
use crate::record::pack::LayerKind;

/// Goes up whenever the same inputs give another image, so that it is not taken for the one that is there.
const FORMAT_VERSION: u32 = 2;

const BASE_NAME: &str = "org.opencontainers.image.base.name";
const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

/// An image that is ready to be sent.
#[derive(Clone, Debug)]
pub struct Image {
    /// In hexadecimal.
    pub input_digest: String,
    /// The layers on top of the base's, from the lowest.
    pub layers: Vec<Layer>,
    /// All layers as the manifest names them, the base's first.
    pub all_layers: Vec<Descriptor>,
    pub config: Vec<u8>,
    pub config_digest: Digest,
    pub manifest: Fetched,
}

/// All that an image is made from. Serialised, it is what the input digest is a digest of.
#[derive(Serialize)]
struct Inputs<'a> {
    format_version: u32,
    base: Option<&'a str>,
    base_digest: Option<&'a Digest>,
    platform: &'a str,
    /// The archives before compression: paths, modes and content of all files.
    layers: &'a [(&'a str, Digest)],
    env: &'a BTreeMap<String, String>,
    labels: &'a BTreeMap<String, String>,
    user: &'a str,
    working_dir: &'a str,
    entrypoint: &'a str,
    created: &'a str,
}

/// The image of these inputs on this base.
pub fn assemble(input: &AssembleImage, base: &Base) -> anyhow::Result<Image> {
    let contents = contents(input, base)?;
    // Side by side: compressing takes nearly all of the time.
    let layers = parallel::each(contents.len(), &contents, |(kind, files)| layer::pack(*kind, files))?;

    let diff_ids: Vec<(&str, Digest)> =
        layers.iter().map(|layer| (layer.kind.name(), layer.diff_id.clone())).collect();
    let entrypoint = format!("{}/{}", input.app_dir, binary_name(input)?);
    let from = base.source.as_ref().map(|source| (source.reference.to_string(), &source.digest));
    let inputs = Inputs {
        format_version: FORMAT_VERSION,
        base: from.as_ref().map(|(name, _)| name.as_str()),
        base_digest: from.as_ref().map(|(_, digest)| *digest),
        platform: &base.platform,
        layers: &diff_ids,
        env: &input.env,
        labels: &input.labels,
        user: &config::user(&base.config),
        working_dir: &input.app_dir,
        entrypoint: &entrypoint,
        created: &input.created,
    };
    let inputs = serde_json::to_vec(&inputs).context("serialise the inputs")?;
    let input_digest = Digest::of(&inputs).hex().to_owned();

    let mut labels = input.labels.clone();
    labels.insert(INPUT_DIGEST_LABEL.to_owned(), input_digest.clone());
    let config = config::merge(
        &base.config,
        &Additions {
            created: &input.created,
            working_dir: &input.app_dir,
            entrypoint: &entrypoint,
            env: &input.env,
            labels: &labels,
            layers: &diff_ids,
        },
    );
    let config = serde_json::to_vec(&config).context("serialise the image's configuration")?;
    let config_digest = Digest::of(&config);
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(OCI_MANIFEST.to_owned()),
        config: descriptor(OCI_CONFIG, &config_digest, config.len()),
        layers: base
            .layers
            .iter()
            .cloned()
            .chain(layers.iter().map(|layer| descriptor(OCI_LAYER_GZIP, &layer.digest, layer.content.len())))
            .collect(),
        annotations: from
            .map(|(name, digest)| {
                [(BASE_NAME.to_owned(), name), (BASE_DIGEST.to_owned(), digest.to_string())]
            })
            .into_iter()
            .flatten()
            .collect(),
    };
    let bytes = serde_json::to_vec(&manifest).context("serialise the manifest")?;
    let all_layers = manifest.layers;
    let manifest = Fetched { media_type: OCI_MANIFEST.to_owned(), digest: Digest::of(&bytes), bytes };
    Ok(Image { input_digest, layers, all_layers, config, config_digest, manifest })
}

/// What goes into which layer, from the lowest.
///
/// The server is on top because nearly every change compiles it anew, while the site stays the same when only the
/// server was edited; whoever unpacks the image then keeps everything below. The file with the hashed names changes
/// with the site and with nothing else, so it is in the site's layer although it has to be beside the server.
fn contents(input: &AssembleImage, base: &Base) -> anyhow::Result<Vec<(LayerKind, Files)>> {
    let name = binary_name(input)?;
    elf::check(&input.binary, &base.platform)?;
    let app_dir = input.app_dir.trim_start_matches('/');
    let mut site = layer::files_below(&input.site_root, &format!("{app_dir}/{}", input.site_dir))?;
    if let Some(source) = &input.hash_file {
        let name = source.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        site.insert(format!("{app_dir}/{name}"), File::of(source, MODE_FILE));
    }
    let server = File::of(&input.binary, MODE_PROGRAM);
    let binary = Files::from([(format!("{app_dir}/{name}"), server)]);
    let system = base.source.is_none().then(|| (LayerKind::System, system::files()));
    Ok(system.into_iter().chain([(LayerKind::Site, site), (LayerKind::Binary, binary)]).collect())
}

fn binary_name(input: &AssembleImage) -> anyhow::Result<&str> {
    let name = input.binary.file_name().and_then(|name| name.to_str());
    name.ok_or_else(|| Failure::usage(format!("{} has no name in UTF-8", input.binary.display())).into())
}

fn descriptor(media_type: &str, digest: &Digest, size: usize) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        digest: digest.clone(),
        size: size as u64,
        annotations: BTreeMap::new(),
        platform: None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::image::base::Source;
    use crate::image::config::ImageConfig;
    use crate::image::reference::Reference;

    fn base() -> Base {
        Base {
            source: Some(Source {
                reference: Reference::parse("r.example/base:1").unwrap(),
                digest: Digest::of(b"base"),
            }),
            platform: "linux/amd64".to_owned(),
            layers: vec![descriptor(OCI_LAYER_GZIP, &Digest::of(b"layer"), 5)],
            config: ImageConfig {
                os: "linux".to_owned(),
                architecture: "amd64".to_owned(),
                ..ImageConfig::default()
            },
        }
    }

    fn input(root: &Path) -> AssembleImage {
        let mut elf = vec![0; 64];
        elf[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        elf[18] = 62;
        fs::create_dir_all(root.join("site/pkg")).unwrap();
        fs::write(root.join("server"), elf).unwrap();
        fs::write(root.join("site/pkg/app.js"), "js").unwrap();
        fs::write(root.join("hash.txt"), "js: abc").unwrap();
        AssembleImage {
            binary: root.join("server"),
            site_root: root.join("site"),
            hash_file: Some(root.join("hash.txt")),
            app_dir: "/app".to_owned(),
            site_dir: "site".to_owned(),
            env: BTreeMap::from([("LEPTOS_ENV".to_owned(), "PROD".to_owned())]),
            labels: BTreeMap::new(),
            created: "1970-01-01T00:00:00Z".to_owned(),
        }
    }

    fn assembled(change: impl FnOnce(&mut AssembleImage, &mut Base)) -> Image {
        let folder = tempfile::tempdir().unwrap();
        let (mut input, mut base) = (input(folder.path()), base());
        change(&mut input, &mut base);
        assemble(&input, &base).unwrap()
    }

    #[test]
    fn every_input_counts_and_nothing_else() {
        let image = assembled(|_, _| {});
        let again = assembled(|_, _| {});
        assert_eq!(
            (&image.input_digest, &image.manifest.digest),
            (&again.input_digest, &again.manifest.digest)
        );
        let changes: [fn(&mut AssembleImage, &mut Base); 7] = [
            |_, base| base.source.as_mut().unwrap().digest = Digest::of(b"another base"),
            |_, base| base.source.as_mut().unwrap().reference.tag = Some("2".to_owned()),
            |input, _| drop(input.env.insert("A".to_owned(), "b".to_owned())),
            |input, _| drop(input.labels.insert("A".to_owned(), "b".to_owned())),
            |input, _| input.created = "2026-01-01T00:00:00Z".to_owned(),
            |input, _| input.hash_file = None,
            |input, _| fs::write(input.site_root.join("pkg/app.js"), "other").unwrap(),
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let other = assembled(change);
            assert_ne!(other.input_digest, image.input_digest, "{index}");
            assert_ne!(other.manifest.digest, image.manifest.digest, "{index}");
        }
    }

    #[test]
    fn everything_fits_together() {
        let image = assembled(|_, _| {});
        let manifest: Manifest = serde_json::from_slice(&image.manifest.bytes).unwrap();
        assert_eq!(manifest.config.digest, Digest::of(&image.config));
        assert_eq!(manifest.layers.len(), 3);
        assert_eq!(
            image.layers.iter().map(|layer| layer.kind.name()).collect::<Vec<_>>(),
            ["site", "binary"]
        );
        let config: serde_json::Value = serde_json::from_slice(&image.config).unwrap();
        assert_eq!(config["config"]["Labels"][INPUT_DIGEST_LABEL], image.input_digest.as_str());
        assert_eq!(config["config"]["Entrypoint"][0], "/app/server");
        assert_eq!(manifest.annotations[BASE_NAME], "r.example/base:1");
    }

    #[test]
    fn without_a_base_the_system_comes_along() {
        let image = assembled(|_, base| *base = Base::none("linux/amd64"));
        let kinds: Vec<&str> = image.layers.iter().map(|layer| layer.kind.name()).collect();
        assert_eq!(kinds, ["system", "site", "binary"]);
        let config: serde_json::Value = serde_json::from_slice(&image.config).unwrap();
        assert_eq!((&config["config"]["User"], &config["os"]), (&"65532:65532".into(), &"linux".into()));
        assert_eq!(config["history"].as_array().unwrap().len(), 3);
        let env = config["config"]["Env"].as_array().unwrap();
        assert!(env.contains(&"SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt".into()), "{env:?}");
        assert!(!String::from_utf8_lossy(&image.manifest.bytes).contains(BASE_NAME));
    }

    #[test]
    fn a_server_for_another_machine_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let base = Base { platform: "linux/arm64".to_owned(), ..base() };
        let error = assemble(&input(folder.path()), &base).unwrap_err().to_string();
        assert!(error.ends_with("is linux/amd64, which an image for linux/arm64 cannot run"), "{error}");
    }
}
