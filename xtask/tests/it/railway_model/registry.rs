//! A registry on loopback with images of the test service, made here: no build, no network.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::example;

const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const NAME: &str = "test/service";

/// Content type and content by tag or digest.
type Contents = Arc<Mutex<BTreeMap<String, (&'static str, Vec<u8>)>>>;

/// Serves until the test process ends.
pub struct Registry {
    address: String,
    contents: Contents,
    layers: Vec<Value>,
    diff_ids: Vec<String>,
}

impl Registry {
    /// A registry that has the layers of the test service, but no image yet.
    pub fn start() -> Registry {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let contents = Contents::default();
        let served = contents.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let served = served.clone();
                std::thread::spawn(move || answer(&stream, &served));
            }
        });
        let mut registry = Registry { address, contents, layers: Vec::new(), diff_ids: Vec::new() };
        registry.add_layer(&base_layer());
        registry.add_layer(&archive(&[("app/new.txt", b"new", 0o644), ("app/.wh.old.txt", b"", 0o644)]));
        registry
    }

    /// An image whose environment has these variables. Its reference by digest; it has the tag, too.
    pub fn image(&self, tag: &str, variables: &[&str]) -> String {
        let path =
            if variables.iter().any(|it| it.starts_with("PATH=")) { &[][..] } else { &["PATH=/app"][..] };
        let environment = [path, variables].concat();
        let config = json!({
            "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
            "os": "linux",
            "config": {
                "Env": environment,
                "Entrypoint": ["service"],
                "WorkingDir": "/app",
            },
            "rootfs": { "type": "layers", "diff_ids": self.diff_ids },
        });
        let config = self.add("application/vnd.oci.image.config.v1+json", config.to_string().into_bytes());
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": config,
            "layers": self.layers,
        });
        let manifest = manifest.to_string().into_bytes();
        let digest = self.add(MANIFEST_TYPE, manifest.clone())["digest"].as_str().unwrap().to_owned();
        self.contents.lock().unwrap().insert(tag.to_owned(), (MANIFEST_TYPE, manifest));
        format!("{}@{digest}", self.repository())
    }

    /// A reference by a digest that the content behind it does not have.
    pub fn forged(&self) -> String {
        let mut contents = self.contents.lock().unwrap();
        let manifest = contents.get("one").unwrap().clone();
        let digest = digest(b"something else");
        contents.insert(digest.clone(), manifest);
        format!("{}@{digest}", self.repository())
    }

    /// What stands before tag or digest in a reference.
    pub fn repository(&self) -> String {
        format!("{}/{NAME}", self.address)
    }

    fn add_layer(&mut self, tar: &[u8]) {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(tar).unwrap();
        let layer = self.add("application/vnd.oci.image.layer.v1.tar+gzip", encoder.finish().unwrap());
        self.layers.push(layer);
        self.diff_ids.push(digest(tar));
    }

    fn add(&self, media_type: &'static str, content: Vec<u8>) -> Value {
        let digest = digest(&content);
        let descriptor = json!({ "mediaType": media_type, "digest": digest, "size": content.len() });
        self.contents.lock().unwrap().insert(digest, (media_type, content));
        descriptor
    }
}

fn digest(content: &[u8]) -> String {
    let digest = Sha256::digest(content);
    digest.iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// The test service with the libraries that it needs, under the paths where its loader looks for them.
fn base_layer() -> Vec<u8> {
    let service = example("test-service");
    let program = std::fs::read(&service).unwrap();
    let mut files: Vec<(String, Vec<u8>, u32)> =
        vec![("app/service".to_owned(), program, 0o755), ("app/old.txt".to_owned(), b"old".to_vec(), 0o644)];
    let output = Command::new("ldd").arg(&service).output();
    let output =
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    for library in output.split_whitespace().filter(|word| word.starts_with('/') && Path::new(word).is_file())
    {
        let content = std::fs::read(library).unwrap();
        files.push((library.trim_start_matches('/').to_owned(), content, 0o755));
    }
    let files: Vec<(&str, &[u8], u32)> =
        files.iter().map(|(path, content, mode)| (path.as_str(), content.as_slice(), *mode)).collect();
    archive(&files)
}

fn archive(files: &[(&str, &[u8], u32)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content, mode) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(*mode);
        builder.append_data(&mut header, path, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

/// One request. An engine tries TLS first; the answer of a plain server makes it go on without.
fn answer(mut stream: &TcpStream, contents: &Contents) {
    let mut head = Vec::new();
    let mut reader = BufReader::new(stream);
    while let Ok(3..) = reader.read_until(b'\n', &mut head) {
        if head.starts_with(&[0x16]) {
            let _ = stream.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n");
            return;
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let wanted = path.strip_prefix(&format!("/v2/{NAME}/")).and_then(|path| path.split_once('/'));
    let contents = contents.lock().unwrap();
    let (status, kind, content) = match wanted.and_then(|(_, version)| contents.get(version)) {
        Some((kind, content)) => ("200 OK", *kind, content.as_slice()),
        None if path == "/v2/" => ("200 OK", "application/json", b"{}".as_slice()),
        None => {
            ("404 Not Found", "application/json", br#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#.as_slice())
        }
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ndocker-distribution-api-version: registry/2.0\r\n\
         content-type: {kind}\r\ncontent-length: {}\r\ndocker-content-digest: {}\r\n\r\n",
        content.len(),
        digest(content)
    );
    let _ = stream.write_all(head.as_bytes());
    if method != "HEAD" {
        let _ = stream.write_all(content);
    }
}
