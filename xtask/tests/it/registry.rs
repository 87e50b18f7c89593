//! A real registry for tests: Debian's `docker-registry` on a free port of loopback, with its files in a folder of its
//! own, and a base image to put into it.
//!
//! Where the program is absent a test says so in one line and passes; where services are required it fails.

use std::fs::{self, File};
use std::io::Write;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use sha2::Digest;

/// Whom a registry with a password lets in.
pub const USER: &str = "tester";
pub const PASSWORD: &str = "correct horse battery";
/// The same for the registry: bcrypt, made by `htpasswd -nbB -C 4`.
const HTPASSWD: &str = "tester:$2y$04$NyQXZPBJj1ca96OEsgOVEepIWOEK.jKX8me482kdKxbPyxM7UYOTW\n";

/// How long the registry may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(20);

pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// A registry that ends with the value.
pub struct Registry {
    child: Child,
    folder: tempfile::TempDir,
    address: String,
    /// Sent with each of the test's own requests.
    authorization: Option<String>,
}

/// What the registry answered.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    pub location: Option<String>,
    pub digest: Option<String>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Registry {
    /// A registry that anybody may push to; `None` where there is no such program.
    pub fn start() -> Option<Registry> {
        Registry::with_settings("", None)
    }

    /// A registry that anybody may push to, and that answers with addresses without a host.
    pub fn with_relative_locations() -> Option<Registry> {
        // Settings come below `http:`, the last section.
        Registry::with_settings("  relativeurls: true\n", None)
    }

    /// A registry for [`USER`] with [`PASSWORD`] only, by Basic authentication.
    pub fn with_password() -> Option<Registry> {
        let authorization =
            format!("Basic {}", Base64::encode_string(format!("{USER}:{PASSWORD}").as_bytes()));
        let settings = "auth:\n  htpasswd:\n    realm: tests\n    path: FOLDER/htpasswd\n";
        Registry::with_settings(settings, Some(authorization))
    }

    /// A registry that is spoken to over TLS, at an address that others reach, with these files.
    pub fn with_tls(address: &str, certificate: &Path, key: &Path) -> Option<Registry> {
        let (certificate, key) = (certificate.display(), key.display());
        Registry::at(address, &format!("  tls:\n    certificate: {certificate}\n    key: {key}\n"), None)
    }

    /// Another registry with the files of this one, which is closed for writing as its administrators would.
    pub fn closed(&self) -> Registry {
        let storage =
            format!("{}\n  maintenance:\n    readonly:\n      enabled: true", self.data().display());
        Registry::serve("127.0.0.1", &storage, "", self.authorization.clone()).unwrap()
    }

    /// A registry with more settings, which follow the section `http`, where `FOLDER` stands for its folder, and what
    /// the test itself authorises with.
    pub fn with_settings(settings: &str, authorization: Option<String>) -> Option<Registry> {
        Registry::at("127.0.0.1", settings, authorization)
    }

    fn at(address: &str, settings: &str, authorization: Option<String>) -> Option<Registry> {
        Registry::serve(address, "FOLDER/data", settings, authorization)
    }

    /// `storage` is the folder with everything, and what follows it in that section.
    fn serve(
        address: &str,
        storage: &str,
        settings: &str,
        authorization: Option<String>,
    ) -> Option<Registry> {
        if !is_there("docker-registry") {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::write(root.join("htpasswd"), HTPASSWD).unwrap();
        // Port 0 is a free one, which the log names. The access log is what tests count requests by.
        let config = format!(
            "version: 0.1\nlog:\n  accesslog:\n    disabled: false\nstorage:\n  delete:\n    enabled: true\n  \
             filesystem:\n    rootdirectory: {storage}\nhttp:\n  addr: {address}:0\n{settings}"
        );
        fs::write(root.join("config.yml"), config.replace("FOLDER", &root.display().to_string())).unwrap();
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(root.join("config.yml"))
            .stdin(Stdio::null())
            .stdout(File::create(root.join("access.log")).unwrap())
            .stderr(File::create(root.join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut registry = Registry { child, folder, address: String::new(), authorization };
        registry.address = registry.wait_for_address();
        Some(registry)
    }

    fn wait_for_address(&mut self) -> String {
        let began = Instant::now();
        loop {
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            let named =
                log.split("listening on ").nth(1).and_then(|rest| rest.split(['"', ' ', ',', '\n']).next());
            if let Some(address) = named {
                return address.to_owned();
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && began.elapsed() < START_LIMIT, "the registry does not start:\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// `127.0.0.1:PORT`, which is also the first part of the names of its images.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The folder in which it keeps everything, each blob and manifest as a file.
    pub fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    /// All requests so far, e.g. `HEAD /v2/app/manifests/latest 404`, without queries and in their order.
    pub fn requests(&self) -> Vec<String> {
        let log = fs::read_to_string(self.folder.path().join("access.log")).unwrap();
        let request = |line: &str| {
            // `… "GET /v2/ HTTP/1.1" 200 …`
            let mut parts = line.split('"').skip(1);
            let (request, rest) = (parts.next()?, parts.next()?);
            let (method, path) = (request.split(' ').next()?, request.split([' ', '?']).nth(1)?);
            Some(format!("{method} {path} {}", rest.split_whitespace().next()?))
        };
        log.lines().filter_map(request).collect()
    }

    /// The requests since there were `before` of them that may have changed something.
    pub fn changes_since(&self, before: usize) -> Vec<String> {
        let looks = |request: &String| request.starts_with("GET ") || request.starts_with("HEAD ");
        self.requests().into_iter().skip(before).filter(|request| !looks(request)).collect()
    }

    /// A request of the test's own; `path` begins with `/v2/`.
    pub fn send(&self, method: &str, path: &str, content_type: &str, body: &[u8]) -> Answer {
        let url =
            if path.starts_with("http") { path.to_owned() } else { format!("http://{}{path}", self.address) };
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        request = request.header("accept", format!("{OCI_INDEX}, {OCI_MANIFEST}, */*"));
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            .build();
        let agent = ureq::Agent::new_with_config(config);
        let mut response = if matches!(method, "POST" | "PUT") {
            agent.run(request.header("content-type", content_type).body(body).unwrap()).unwrap()
        } else {
            agent.run(request.body(()).unwrap()).unwrap()
        };
        let header =
            |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (location, digest) = (header("location"), header("docker-content-digest"));
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(256 << 20).read_to_vec().unwrap();
        Answer { status, body, location, digest }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", &[])
    }

    /// A manifest or an index that must be there, checked against its digest.
    pub fn manifest(&self, repository: &str, reference: &str) -> Answer {
        let answer = self.get(&format!("/v2/{repository}/manifests/{reference}"));
        assert_eq!(answer.status, 200, "{repository}:{reference}");
        assert_eq!(answer.digest.as_deref(), Some(digest(&answer.body).as_str()));
        answer
    }

    /// A blob that must be there, checked against its digest.
    pub fn blob(&self, repository: &str, wanted: &str) -> Vec<u8> {
        let answer = self.get(&format!("/v2/{repository}/blobs/{wanted}"));
        assert_eq!(answer.status, 200, "{repository}@{wanted}");
        assert_eq!(digest(&answer.body), wanted);
        answer.body
    }

    pub fn tags(&self, repository: &str) -> Vec<String> {
        let list = self.get(&format!("/v2/{repository}/tags/list")).json();
        let mut tags: Vec<String> =
            list["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap().to_owned()).collect();
        tags.sort();
        tags
    }

    /// Puts a blob there and returns its digest.
    pub fn push_blob(&self, repository: &str, content: &[u8]) -> String {
        let begun = self.send("POST", &format!("/v2/{repository}/blobs/uploads/"), "", &[]);
        assert_eq!(begun.status, 202);
        let (location, digest) = (begun.location.unwrap(), digest(content));
        let joint = if location.contains('?') { '&' } else { '?' };
        let put = self.send(
            "PUT",
            &format!("{location}{joint}digest={digest}"),
            "application/octet-stream",
            content,
        );
        assert_eq!(put.status, 201);
        digest
    }

    /// Puts a manifest or an index there and returns its digest.
    pub fn push_manifest(&self, repository: &str, reference: &str, content: &Value) -> String {
        let bytes = content.to_string();
        let media_type = content["mediaType"].as_str().unwrap();
        let put = self.send(
            "PUT",
            &format!("/v2/{repository}/manifests/{reference}"),
            media_type,
            bytes.as_bytes(),
        );
        assert_eq!(put.status, 201, "{}", String::from_utf8_lossy(&put.body));
        digest(bytes.as_bytes())
    }

    /// A small base image for one platform: four layers with a file of `/etc` each, one with this machine's C library,
    /// and the user 65532. The manifest's descriptor.
    pub fn push_base(&self, repository: &str, tag: &str, platform: &str) -> Value {
        self.push_base_with(repository, tag, platform, &system_libraries())
    }

    /// The same with these files as its fifth layer.
    pub fn push_base_with(
        &self,
        repository: &str,
        tag: &str,
        platform: &str,
        top: &[(String, Vec<u8>)],
    ) -> Value {
        let (os, architecture) = platform.split_once('/').unwrap();
        let etc =
            BASE_FILES.iter().map(|(path, content)| [((*path).to_owned(), content.as_bytes().to_vec())]);
        let mut archives: Vec<Vec<u8>> = etc.map(|files| archive(&files)).collect();
        archives.push(archive(top));
        let diff_ids: Vec<String> = archives.iter().map(|archive| digest(archive)).collect();
        let layers: Vec<Value> = archives
            .iter()
            .map(|archive| {
                let layer = gzip(archive);
                json!({"mediaType": OCI_LAYER, "size": layer.len(), "digest": self.push_blob(repository, &layer)})
            })
            .collect();
        let config = json!({
            "created": "2026-01-01T00:00:00Z", "architecture": architecture, "os": os,
            "config": {
                "Env": ["PATH=/usr/local/bin:/usr/bin", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],
                "User": "65532", "WorkingDir": "/home/nonroot", "Cmd": ["/bin/none"],
                "ExposedPorts": {"80/tcp": {}}, "StopSignal": "SIGTERM",
            },
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": vec![json!({"created_by": "the test's base"}); layers.len()],
            "x-kept": {"unknown": true},
        });
        let config = config.to_string();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST,
            "config": {"mediaType": OCI_CONFIG, "size": config.len(),
                       "digest": self.push_blob(repository, config.as_bytes())},
            "layers": layers,
        });
        let digest = self.push_manifest(repository, tag, &manifest);
        json!({
            "mediaType": OCI_MANIFEST, "size": manifest.to_string().len(), "digest": digest,
            "platform": {"os": os, "architecture": architecture},
        })
    }

    /// A base image for several platforms, with an attestation beside them as BuildKit makes it.
    pub fn push_base_index(&self, repository: &str, tag: &str, platforms: &[&str]) -> String {
        let mut manifests: Vec<Value> = Vec::new();
        // First in the list, so that whoever takes the first entry is found out.
        let mut attestation = self.push_base(repository, "attestation", "unknown/unknown");
        attestation["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
        manifests.push(attestation);
        for platform in platforms {
            manifests.push(self.push_base(repository, &platform.replace('/', "-"), platform));
        }
        let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests});
        self.push_manifest(repository, tag, &index)
    }
}

impl Registry {
    /// From now on nothing listens at its address.
    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stop();
    }
}

/// `sha256:…` of the bytes.
pub fn digest(bytes: &[u8]) -> String {
    let hex: String = sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// The platform of images that run on this machine.
pub fn platform() -> &'static str {
    if cfg!(target_arch = "aarch64") { "linux/arm64" } else { "linux/amd64" }
}

/// This machine's address for others, if it has one; nothing is sent to find out.
pub fn own_address() -> Option<String> {
    let found = || {
        let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
        socket.connect("192.0.2.1:9").ok()?;
        let address = socket.local_addr().ok()?.ip();
        (!address.is_loopback() && !address.is_unspecified()).then(|| address.to_string())
    };
    let address = found();
    if address.is_none() {
        crate::support::skipped("this machine has no address but loopback");
    }
    address
}

pub fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join(program).is_file()) {
        return true;
    }
    !crate::support::skipped(&format!("`{program}` is not there"))
}

/// What is in the base image, a layer each.
const BASE_FILES: [(&str, &str); 4] = [
    ("etc/passwd", "nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"),
    ("etc/group", "nonroot:x:65532:\n"),
    ("etc/hostname", "base\n"),
    ("etc/issue", "A base image for tests\n"),
];

/// The libraries that this very program runs with, where they are; and the loader where programs look for it.
pub fn system_libraries() -> Vec<(String, Vec<u8>)> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let mut paths: Vec<&str> =
        maps.split_whitespace().filter(|word| word.starts_with('/') && word.contains(".so")).collect();
    paths.sort_unstable();
    paths.dedup();
    let mut files = Vec::new();
    for path in paths {
        let content = fs::read(path).unwrap();
        let name = path.rsplit('/').next().unwrap();
        if name.starts_with("ld-linux") {
            let folder = if name.contains("x86-64") { "lib64" } else { "lib" };
            files.push((format!("{folder}/{name}"), content));
        } else {
            files.push((path.trim_start_matches('/').to_owned(), content));
        }
    }
    files
}

fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o755);
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, path, content.as_slice()).unwrap();
    }
    tar.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
