//! The bucket of a compile cache on this machine, where the containers of a build reach it with its credentials, and where
//! those must not get to.

use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::signed::{Account, Counts, gate};
use crate::engine::docker;
use crate::moto::{BUCKET, Moto};
use crate::registry::{Registry, own_address};
use crate::support::{Workspace, contents};

/// An S3 that is gone with the value, and the one account that it lets in.
pub struct Bucket {
    _server: Moto,
    endpoint: String,
    counts: Arc<Counts>,
    /// Values that are nowhere else.
    credentials: [(&'static str, String); 3],
}

impl Bucket {
    /// `None` where the machine lacks a part.
    pub fn start() -> Option<Bucket> {
        // On loopback, where the containers of a build do not reach it.
        let server = Moto::start()?;
        let secret = |what: &str| format!("canary{}{what}", std::process::id());
        let account =
            Account { id: secret("idofatest"), secret: secret("keyofatest"), token: secret("tokenofatest") };
        let credentials = [
            ("AWS_ACCESS_KEY_ID", account.id.clone()),
            ("AWS_SECRET_ACCESS_KEY", account.secret.clone()),
            ("AWS_SESSION_TOKEN", account.token.clone()),
        ];
        let listener = TcpListener::bind((address().as_str(), 0)).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let counts = gate(listener, server.address.to_string(), account);
        Some(Bucket { _server: server, endpoint, counts, credentials })
    }

    /// How many results were written with the account, and how many requests were refused, so far.
    pub fn written_and_refused(&self) -> [usize; 2] {
        [&self.counts.written, &self.counts.refused].map(|count| count.load(Ordering::SeqCst))
    }

    /// From now on images compile through it.
    pub fn use_for(&self, workspace: &mut Workspace) {
        for (name, value) in [
            ("SCCACHE_BUCKET", BUCKET),
            ("SCCACHE_REGION", "us-east-1"),
            ("SCCACHE_ENDPOINT", self.endpoint.as_str()),
            ("SCCACHE_S3_USE_SSL", "false"),
            ("SCCACHE_S3_KEY_PREFIX", "image"),
        ] {
            workspace.set(name, value);
        }
        self.log_in(workspace);
    }

    pub fn log_in(&self, workspace: &mut Workspace) {
        for (name, value) in &self.credentials {
            workspace.set(name, value);
        }
    }

    pub fn log_out(&self, workspace: &mut Workspace) {
        for (name, _) in &self.credentials {
            workspace.set(name, "");
        }
    }

    /// No credential is in what was said, recorded or pushed: layers of the image and of the cache, configuration with its
    /// history, provenance.
    pub fn is_secret(&self, said: &str, workspace: &Workspace, registry: &Registry) {
        let recorded = contents(&workspace.root().join("target/xtask"));
        assert!(recorded.keys().any(|path| path.ends_with("docker-build.jsonl")), "{:?}", recorded.keys());
        for (name, value) in &self.credentials {
            assert!(!said.contains(value), "{name} in what was said");
            assert!(recorded.values().all(|text| !text.contains(value)), "{name} in a record");
        }
        let values: Vec<&str> = self.credentials.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(pushed_with(registry, &values), [""; 0]);
        // That the search finds what is there: a label of the configuration, provenance, and a file of a layer.
        for text in ["xtask.input-digest", "cargo::core::compiler", "listening on"] {
            assert_ne!(pushed_with(registry, &[text]), [""; 0], "{text}");
        }
    }
}

/// Files of the registry with one of these texts in them, compressed or not. The layers of the compiler's image are left
/// out: they were made before.
fn pushed_with(registry: &Registry, texts: &[&str]) -> Vec<String> {
    let mut find = Command::new("find");
    find.arg(registry.data()).args(["-type", "f", "-name", "data", "-size", "-100M"]);
    find.args(["-exec", "zgrep", "-a", "-l", "-F"]);
    for text in texts {
        find.args(["-e", text]);
    }
    let found = find.args(["{}", "+"]).output().unwrap();
    String::from_utf8_lossy(&found.stdout).lines().map(str::to_owned).collect()
}

/// This machine as the containers of a build see it.
fn address() -> String {
    let gateway =
        docker(&["network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]).unwrap();
    let gateway = gateway.stdout.trim();
    match gateway.is_empty() {
        true => own_address().unwrap_or_else(|| "127.0.0.1".to_owned()),
        false => gateway.to_owned(),
    }
}

/// Hits, misses and instructions without the cache.
pub fn counts(record: &Value) -> [u64; 3] {
    let cache = &record["compile_cache"];
    ["hits", "misses", "without"].map(|name| cache[name].as_u64().unwrap_or_else(|| panic!("{record:#}")))
}
