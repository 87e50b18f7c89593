//! Manifests and indexes, in the two dialects that registries hold: OCI's and Docker's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::digest::Digest;

pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub const OCI_LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// What BuildKit writes about a cache of layers, in the place of a configuration.
const CACHE_CONFIG: &str = "application/vnd.buildkit.cacheconfig.v0";
const DOCKER_SCHEMA_1: &str = "application/vnd.docker.distribution.manifest.v1";

/// What we accept as an answer, for the `Accept` header.
pub fn accepted() -> String {
    [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST].join(", ")
}

/// A pointer to content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    pub media_type: String,
    pub digest: Digest,
    /// In bytes.
    pub size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

/// What an entry of an index runs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    pub os: String,
    pub architecture: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// The image of one platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    pub schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    pub config: Descriptor,
    pub layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    media_type: Option<String>,
    manifests: Option<serde_json::Value>,
}

/// What a registry has under a tag or digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    Index(Vec<Descriptor>),
    Manifest(Box<Manifest>),
}

impl Document {
    /// Reads what came with this media type. The type in the document has to agree: content that can be read as two
    /// kinds has been used to make two parties see two images.
    pub fn parse(content_type: &str, bytes: &[u8]) -> Result<Document, String> {
        let content_type = content_type.split(';').next().unwrap_or_default().trim();
        let odd = |error: serde_json::Error| format!("is no manifest: {error}");
        let kind: Kind = serde_json::from_slice(bytes).map_err(odd)?;
        let known = [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST];
        let told = Some(content_type).filter(|name| known.contains(name));
        let media_type = match (told, kind.media_type.as_deref()) {
            (Some(told), Some(own)) if told != own => {
                return Err(format!("calls itself {own}, but came as {told}"));
            }
            (Some(name), _) | (None, Some(name)) => name,
            (None, None) if content_type.starts_with(DOCKER_SCHEMA_1) => {
                return Err("has the format of Docker before 1.10, which cannot be a base".to_owned());
            }
            // OCI lets the document leave it out, and some servers send plain JSON.
            (None, None) if kind.manifests.is_some() => OCI_INDEX,
            (None, None) => OCI_MANIFEST,
        };
        match media_type {
            OCI_INDEX | DOCKER_LIST => {
                Ok(Document::Index(serde_json::from_slice::<Index>(bytes).map_err(odd)?.manifests))
            }
            OCI_MANIFEST | DOCKER_MANIFEST => {
                Ok(Document::Manifest(serde_json::from_slice(bytes).map_err(odd)?))
            }
            other => Err(format!("has the unknown type {other}")),
        }
    }
}

/// Whether it holds layers for builds and is no image, in either of BuildKit's two shapes.
pub fn is_layer_cache(document: &Document) -> bool {
    match document {
        Document::Index(entries) => entries.iter().any(|entry| entry.media_type == CACHE_CONFIG),
        Document::Manifest(manifest) => manifest.config.media_type == CACHE_CONFIG,
    }
}

/// Whether an entry of an index is about another entry, as BuildKit writes provenance.
pub fn is_attestation(entry: &Descriptor) -> bool {
    let kind = entry.annotations.get("vnd.docker.reference.type");
    kind.is_some_and(|kind| kind == "attestation-manifest")
        || entry.platform.as_ref().is_some_and(|platform| platform.os == "unknown")
}

/// The entry of an index for `os/architecture`, else the platforms that there are.
pub fn choose<'a>(entries: &'a [Descriptor], platform: &str) -> Result<&'a Descriptor, Vec<String>> {
    let name = |entry: &Descriptor| entry.platform.as_ref().map(|p| format!("{}/{}", p.os, p.architecture));
    let images: Vec<(&Descriptor, String)> = entries
        .iter()
        .filter_map(|entry| Some((entry, name(entry)?)))
        // Attestations stand beside the images that they are about.
        .filter(|(_, platform)| platform != "unknown/unknown")
        .collect();
    if let Some((entry, _)) = images.iter().find(|(_, found)| found == platform) {
        return Ok(entry);
    }
    let mut found: Vec<String> = images.into_iter().map(|(_, platform)| platform).collect();
    found.sort();
    found.dedup();
    Err(found)
}

/// A base's layer as an OCI manifest names it: the same bytes, Docker's type in OCI's words.
pub fn oci_layer(layer: &Descriptor) -> Result<Descriptor, String> {
    let media_type = match layer.media_type.as_str() {
        "application/vnd.docker.image.rootfs.diff.tar.gzip" => OCI_LAYER_GZIP,
        "application/vnd.docker.image.rootfs.diff.tar" => "application/vnd.oci.image.layer.v1.tar",
        own if own.starts_with("application/vnd.oci.image.layer.v1.tar") => own,
        other => return Err(format!("has a layer of the type {other}, which may not be passed on")),
    };
    Ok(Descriptor { media_type: media_type.to_owned(), platform: None, ..layer.clone() })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::{Value, json};

    use super::*;

    fn descriptor(media_type: &str, platform: Option<(&str, &str)>) -> Value {
        let mut value =
            json!({"mediaType": media_type, "size": 1, "digest": Digest::of(media_type.as_bytes())});
        if let Some((os, architecture)) = platform {
            value["platform"] = json!({"os": os, "architecture": architecture});
        }
        value
    }

    fn manifest(media_type: &str) -> Value {
        json!({"schemaVersion": 2, "mediaType": media_type, "config": descriptor("c", None), "layers": [descriptor("l", None)]})
    }

    fn parse(content_type: &str, value: &Value) -> Result<Document, String> {
        Document::parse(content_type, value.to_string().as_bytes())
    }

    #[test]
    fn both_dialects() {
        for media_type in [OCI_MANIFEST, DOCKER_MANIFEST] {
            let read = parse(&format!("{media_type}; charset=utf-8"), &manifest(media_type)).unwrap();
            let Document::Manifest(read) = read else { panic!("{media_type}") };
            assert_eq!(read.layers.len(), 1);
        }
        for media_type in [OCI_INDEX, DOCKER_LIST] {
            let index = json!({"schemaVersion": 2, "mediaType": media_type, "manifests": []});
            assert_eq!(parse(media_type, &index), Ok(Document::Index(Vec::new())));
            assert_eq!(parse("application/json", &index), Ok(Document::Index(Vec::new())));
        }
        let bare = json!({"schemaVersion": 2, "manifests": []});
        assert_eq!(parse("text/plain", &bare), Ok(Document::Index(Vec::new())));
    }

    #[test]
    fn what_is_refused() {
        let schema_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
        let messages = [
            parse(OCI_INDEX, &manifest(OCI_MANIFEST)),
            parse(schema_1, &json!({"schemaVersion": 1, "fsLayers": []})),
            parse("application/json", &json!({"mediaType": "application/vnd.example"})),
            parse(OCI_MANIFEST, &json!({"schemaVersion": 2})),
            parse("text/html", &json!("<html>")),
        ]
        .map(|result| result.unwrap_err());
        expect![[r#"
            calls itself application/vnd.oci.image.manifest.v1+json, but came as application/vnd.oci.image.index.v1+json
            has the format of Docker before 1.10, which cannot be a base
            has the unknown type application/vnd.example
            is no manifest: missing field `config` at line 1 column 19
            is no manifest: invalid type: string "<html>", expected struct Kind at line 1 column 8"#]].assert_eq(&messages.join("\n"));
    }

    #[test]
    fn an_index_is_asked_for_a_platform() {
        let entries = [
            descriptor("attestation", Some(("unknown", "unknown"))),
            descriptor("none", None),
            descriptor("arm", Some(("linux", "arm64"))),
            descriptor("intel", Some(("linux", "amd64"))),
            descriptor("windows", Some(("windows", "amd64"))),
            descriptor("windows", Some(("windows", "amd64"))),
        ]
        .map(|value| serde_json::from_value::<Descriptor>(value).unwrap());
        assert_eq!(choose(&entries, "linux/amd64").unwrap().media_type, "intel");
        assert_eq!(choose(&entries[..3], "linux/amd64").unwrap_err(), ["linux/arm64"]);
        assert_eq!(
            choose(&entries, "linux/s390x").unwrap_err(),
            ["linux/amd64", "linux/arm64", "windows/amd64"]
        );
    }

    #[test]
    fn layers_of_both_dialects_become_ocis() {
        let layer =
            |media_type: &str| serde_json::from_value::<Descriptor>(descriptor(media_type, None)).unwrap();
        let docker = layer("application/vnd.docker.image.rootfs.diff.tar.gzip");
        assert_eq!(oci_layer(&docker).unwrap().media_type, OCI_LAYER_GZIP);
        assert_eq!(oci_layer(&docker).unwrap().digest, docker.digest);
        let zstd = layer("application/vnd.oci.image.layer.v1.tar+zstd");
        assert_eq!(oci_layer(&zstd).unwrap(), zstd);
        assert!(oci_layer(&layer("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")).is_err());
        assert!(oci_layer(&layer("application/vnd.oci.image.layer.nondistributable.v1.tar")).is_err());
    }
}
