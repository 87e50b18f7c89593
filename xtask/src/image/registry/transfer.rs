//! The operations on a repository: manifests and blobs there and back, each checked against its digest.

use std::sync::Arc;
use std::time::Duration;

use super::{Repository, url};
use crate::exec::{Answer, Method, Request};
use crate::exit::{Exit, Failure};
use crate::image::digest::Digest;
use crate::image::manifest::{Descriptor, accepted};

/// The longest that one blob may take either way. GHCR ends uploads after this time.
const BLOB_LIMIT: Duration = Duration::from_secs(600);
/// How long any blob may take, however small.
const BLOB_LIMIT_MIN: Duration = Duration::from_secs(60);
/// The slowest connection that is waited for, in bytes a second. A large upload that hangs is found out by it long
/// before GHCR ends it: there were some of 638 s and of 17 minutes.
const BLOB_SPEED_MIN: u64 = 250_000;
/// The largest manifest that registries have to take is 4 MiB, by the distribution specification. In bytes.
const MANIFEST_SIZE_MAX: u64 = 4 << 20;
/// The largest layer of a base that is copied. It is held in memory on its way. In bytes.
const BLOB_SIZE_MAX: u64 = 2 << 30;

/// A manifest or an index as the registry has it.
#[derive(Clone, Debug)]
pub struct Fetched {
    pub media_type: String,
    pub bytes: Vec<u8>,
    pub digest: Digest,
}

impl Repository<'_> {
    /// What is there under a tag or digest; `None` where nothing is.
    pub fn manifest(&self, wanted: &str) -> anyhow::Result<Option<Fetched>> {
        let mut request =
            self.request(Method::Get, &format!("manifests/{wanted}")).header("accept", accepted());
        request.body_size_max = MANIFEST_SIZE_MAX;
        let answer = self.read(&request)?;
        match answer.status {
            200 => {}
            404 => return Ok(None),
            _ => return Err(self.unexpected(&request.display(), &answer)),
        }
        let digest = Digest::of(&answer.body);
        let told = answer.header("docker-content-digest").map(str::to_owned);
        let asked = Some(wanted.to_owned()).filter(|wanted| wanted.contains(':'));
        for expected in [told, asked].into_iter().flatten() {
            if expected != digest.to_string() {
                return Err(damaged(&request, &expected, &digest).into());
            }
        }
        let media_type = answer.header("content-type").unwrap_or_default().to_owned();
        Ok(Some(Fetched { media_type, bytes: answer.body, digest }))
    }

    /// The digest of what is there under a tag, without fetching it; `None` where nothing is, or the registry does not
    /// tell.
    pub fn manifest_digest(&self, tag: &str) -> anyhow::Result<Option<Digest>> {
        let request = self.request(Method::Head, &format!("manifests/{tag}")).header("accept", accepted());
        let answer = self.read(&request)?;
        match answer.status {
            200 => Ok(answer.header("docker-content-digest").and_then(|text| Digest::parse(text).ok())),
            404 => Ok(None),
            _ => Err(self.unexpected(&request.display(), &answer)),
        }
    }

    pub fn has_blob(&self, digest: &Digest) -> anyhow::Result<bool> {
        let request = self.request(Method::Head, &format!("blobs/{digest}"));
        let answer = self.read(&request)?;
        match answer.status {
            200 => Ok(true),
            404 => Ok(false),
            _ => Err(self.unexpected(&request.display(), &answer)),
        }
    }

    /// Fetches a blob and checks it.
    pub fn blob(&self, descriptor: &Descriptor) -> anyhow::Result<Vec<u8>> {
        let mut request = self
            .request(Method::Get, &format!("blobs/{}", descriptor.digest))
            .timeout(blob_limit(descriptor.size));
        if descriptor.size > BLOB_SIZE_MAX {
            let message =
                format!("{}: {} bytes are too many for a layer", request.display(), descriptor.size);
            return Err(Failure::new(Exit::CommandFailed, message).into());
        }
        request.body_size_max = descriptor.size + 1;
        let answer = self.read(&request)?;
        if answer.status != 200 {
            return Err(self.unexpected(&request.display(), &answer));
        }
        let digest = Digest::of(&answer.body);
        if digest != descriptor.digest {
            return Err(damaged(&request, &descriptor.digest.to_string(), &digest).into());
        }
        Ok(answer.body)
    }

    /// Asks the registry to take a blob from another of its repositories. Whether it has; otherwise the blob is to be
    /// sent, and the upload that the registry may have begun is left to be forgotten by it.
    pub fn mount(&self, digest: &Digest, from: &str) -> anyhow::Result<bool> {
        let path = url::with_parameter("blobs/uploads/", "mount", &digest.to_string());
        let request = self.request(Method::Post, &url::with_parameter(&path, "from", from));
        match self.read(&request) {
            Ok(answer) => Ok(answer.status == 201),
            // The right to push may be there all the same.
            Err(_) => self.exec.check_interrupted().map(|()| false),
        }
    }

    /// Sends a blob in one piece. After a broken connection it is sent again from its beginning.
    pub fn upload(&self, digest: &Digest, content: &Arc<Vec<u8>>) -> anyhow::Result<()> {
        let what = format!("send {digest} to {}", self.full_name());
        let limit = blob_limit(content.len() as u64);
        let answer = self.retrying(&what, limit, || {
            let begun = self.send(&self.request(Method::Post, "blobs/uploads/"))?;
            if begun.status != 202 {
                return Ok(begun);
            }
            let address = self.upload_address(begun.header("location").unwrap_or_default())?;
            let put = Request::new(Method::Put, url::with_parameter(&address, "digest", &digest.to_string()))
                .header("content-type", "application/octet-stream")
                .body(Arc::clone(content))
                .timeout(limit);
            self.send(&put)
        })?;
        if answer.status != 201 {
            return Err(self.unexpected(&what, &answer));
        }
        self.check_told(&what, &answer, digest)
    }

    /// Gives a manifest a tag. The same manifest under the same tag changes nothing, so it may be sent again.
    pub fn put_manifest(&self, tag: &str, manifest: &Fetched) -> anyhow::Result<()> {
        let request = self
            .request(Method::Put, &format!("manifests/{tag}"))
            .header("content-type", &manifest.media_type)
            .body(manifest.bytes.clone());
        let answer = self.read(&request)?;
        if !matches!(answer.status, 200..=202) {
            return Err(self.unexpected(&request.display(), &answer));
        }
        if answer.header("docker-content-digest").is_some() {
            return self.check_told(&request.display(), &answer, &manifest.digest);
        }
        match self.manifest_digest(tag)? {
            Some(found) if found != manifest.digest => {
                Err(damaged(&request, &manifest.digest.to_string(), &found).into())
            }
            _ => Ok(()),
        }
    }

    fn request(&self, method: Method, path: &str) -> Request {
        Request::new(method, self.url(path))
    }

    /// Sends a request that can be repeated.
    fn read(&self, request: &Request) -> anyhow::Result<Answer> {
        self.retrying(&request.display(), request.timeout, || self.send(request))
    }

    /// Where a blob goes to. Some registries name another host; what is sent there has no credentials in it, but a
    /// registry that is reached over TLS must not send us where there is none.
    fn upload_address(&self, location: &str) -> anyhow::Result<String> {
        let address = url::resolve(&self.origin, location);
        let address =
            address.filter(|address| self.origin.starts_with("http://") || address.starts_with("https://"));
        address.ok_or_else(|| {
            let location = location.split('?').next().unwrap_or_default();
            let message =
                format!("{} wants layers sent to `{location}`, which is no safe address", self.registry);
            Failure::new(Exit::CommandFailed, message)
                .hint("a proxy in front of a registry has to set `X-Forwarded-Proto: https`")
                .into()
        })
    }

    fn check_told(&self, what: &str, answer: &Answer, expected: &Digest) -> anyhow::Result<()> {
        match answer.header("docker-content-digest") {
            Some(told) if told != expected.to_string() => {
                let message = format!("{what}: the registry has {told} instead of {expected}");
                Err(Failure::new(Exit::CommandFailed, message).into())
            }
            _ => Ok(()),
        }
    }
}

/// How long a blob of this size may take, and then once more.
fn blob_limit(size: u64) -> Duration {
    (BLOB_LIMIT_MIN + Duration::from_secs(size / BLOB_SPEED_MIN)).min(BLOB_LIMIT)
}

fn damaged(request: &Request, expected: &str, found: &Digest) -> Failure {
    let message =
        format!("{}: the content is not what it should be: {found} instead of {expected}", request.display());
    Failure::new(Exit::CommandFailed, message)
}
