//! What listens beside the fake Railway, at the same address: a registry with images 1 to 4, GitHub's API, and a webhook.

use std::cell::Cell;
use std::net::SocketAddr;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The digits of the images that there are; the last is for another platform.
pub const DIGITS: [&str; 4] = ["1", "2", "3", "4"];

/// Who may pull.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pulling {
    #[default]
    Anybody,
    /// `me` with the password [`super::REGISTRY_PASSWORD`].
    Known,
    /// Nobody finds anything.
    Nobody,
    /// The registry is out of order.
    Broken,
}

#[derive(Default)]
pub struct Neighbours {
    pub pulling: Pulling,
    /// What the registry was told of who asks, each time that it was told anything.
    pub introductions: Vec<String>,
    /// The check runs of every commit; `None` for a commit that GitHub does not know.
    pub check_runs: Option<Value>,
    /// How two commits stand to each other, as GitHub says it; `None` for commits that it does not know.
    pub comparison: Option<&'static str>,
    /// The questions about that.
    pub compared: Vec<String>,
    /// What the webhook was told.
    pub told: Vec<Value>,
    /// The webhook's answer where that is not 204; `None` within for none at all.
    pub webhook: Option<Option<&'static str>>,
    /// How often GitHub was asked.
    pub github_asked: usize,
}

/// Status line without the version, header lines, body; `None` where there is no answer.
pub type Told = Option<(&'static str, String, String)>;

thread_local! {
    /// Where the registry of this test is.
    static ADDRESS: Cell<Option<SocketAddr>> = const { Cell::new(None) };
}

/// From now on the images of this thread are there.
pub fn is_at(address: SocketAddr) {
    ADDRESS.set(Some(address));
}

/// An image by digest.
pub fn image(digit: &str) -> String {
    let address = ADDRESS.get().expect("a fake that has started");
    format!("{address}/o/app@{}", digest(&manifest(digit)))
}

/// The text with images and digests as people would write them.
pub fn short(text: &str) -> String {
    let address = ADDRESS.get().map(|address| address.to_string()).unwrap_or_default();
    let text = text.replace(&format!("{address}/o/app@"), "ghcr.io/o/app@");
    DIGITS
        .iter()
        .fold(text, |text, digit| text.replace(&digest(&manifest(digit)), &format!("sha256:{digit}")))
}

impl Neighbours {
    /// `None` for what is none of theirs.
    pub fn answer(&mut self, line: &str, headers: &[String], body: &[u8]) -> Option<Told> {
        let mut words = line.split(' ');
        let (_method, path) = (words.next()?, words.next()?);
        if let Some(wanted) = path.strip_prefix("/v2/o/app/") {
            let told = headers.iter().filter(|line| line.to_ascii_lowercase().starts_with("authorization:"));
            self.introductions.extend(told.cloned());
            return Some(Some(self.registry(wanted, headers)));
        }
        if path.starts_with("/repos/") {
            self.github_asked += 1;
            return Some(Some(self.github(path)));
        }
        if path.starts_with("/hook/") {
            self.told.push(serde_json::from_slice(body).unwrap());
            let status = self.webhook.unwrap_or(Some("204 No Content"));
            return Some(status.map(|status| (status, String::new(), String::new())));
        }
        None
    }

    fn registry(&self, wanted: &str, headers: &[String]) -> (&'static str, String, String) {
        use base64ct::{Base64, Encoding};
        let told = |status, body: &str| (status, String::new(), body.to_owned());
        let account = Base64::encode_string(format!("me:{}", super::REGISTRY_PASSWORD).as_bytes());
        let is_known = headers.iter().any(|line| line.ends_with(&format!(" {account}")));
        match self.pulling {
            Pulling::Broken => return told("500 Internal Server Error", ""),
            Pulling::Nobody => return told("404 Not Found", r#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#),
            Pulling::Known if !is_known => {
                let headers = "www-authenticate: Basic realm=\"r\"\r\n".to_owned();
                return ("401 Unauthorized", headers, String::new());
            }
            Pulling::Known | Pulling::Anybody => {}
        }
        let digest_wanted = wanted.rsplit('/').next().unwrap_or_default();
        let all =
            DIGITS.iter().flat_map(|digit| [(manifest(digit), MANIFEST_TYPE), (config(digit), CONFIG_TYPE)]);
        match all.into_iter().find(|(content, _)| digest(content) == digest_wanted) {
            Some((content, kind)) => ("200 OK", format!("content-type: {kind}\r\n"), content),
            None => told("404 Not Found", r#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#),
        }
    }

    fn github(&mut self, path: &str) -> (&'static str, String, String) {
        let told = |status, body: Value| (status, String::new(), body.to_string());
        if path.contains("/compare/") {
            self.compared.push(path.to_owned());
            return match self.comparison {
                None => told("404 Not Found", json!({"message": "Not Found"})),
                Some(status) => told("200 OK", json!({"status": status, "commits": []})),
            };
        }
        match &self.check_runs {
            None => told("404 Not Found", json!({"message": "Not Found"})),
            Some(_) if path.contains("/status") => told("200 OK", json!({"statuses": []})),
            Some(runs) => {
                let all = runs.as_array().unwrap();
                let number = |name: &str| {
                    let (_, query) = path.split_once('?').unwrap();
                    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
                    value.unwrap().parse::<usize>().unwrap()
                };
                let size = number("per_page");
                let page: Vec<&Value> = all.iter().skip((number("page") - 1) * size).take(size).collect();
                told("200 OK", json!({"total_count": all.len(), "check_runs": page}))
            }
        }
    }
}

const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";

fn config(digit: &str) -> String {
    let architecture = if digit == "4" { "arm64" } else { "amd64" };
    let config = json!({
        "architecture": architecture, "os": "linux", "config": {"Env": ["BAKED_IN=1"]},
        "rootfs": {"type": "layers", "diff_ids": []}, "digit": digit,
    });
    config.to_string()
}

fn manifest(digit: &str) -> String {
    let config = config(digit);
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST_TYPE, "layers": [],
        "config": {"mediaType": CONFIG_TYPE, "digest": digest(&config), "size": config.len()},
    });
    manifest.to_string()
}

fn digest(content: &str) -> String {
    let digest = Sha256::digest(content.as_bytes());
    digest.iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}
