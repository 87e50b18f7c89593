//! One deployment as Railway tells it: its status, and which image it runs.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::pinned::{PinnedImage, digest_of};

/// A deployment.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    pub id: String,
    pub status: DeploymentStatus,
    /// As Railway writes it: RFC 3339, UTC.
    pub created_at: String,
    /// When its status changed last; `None` where that was not asked for.
    #[serde(default)]
    pub status_updated_at: Option<String>,
    /// A scalar without schema. `image` is the reference as it was given, `imageDigest` may be absent.
    #[serde(default)]
    pub meta: Value,
    /// Whether Railway's rollback can bring it back now; `None` where that was not asked for.
    #[serde(default)]
    pub can_rollback: Option<bool>,
    /// Whose it is; `None` where that was not asked for.
    #[serde(default)]
    pub service_id: Option<String>,
    #[serde(default)]
    pub environment_id: Option<String>,
}

/// Railway's words. The enumeration grows now and then, so a word that we do not know is kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum DeploymentStatus {
    Building,
    Crashed,
    Deploying,
    Failed,
    Initializing,
    NeedsApproval,
    Queued,
    Removed,
    Removing,
    Skipped,
    Sleeping,
    Success,
    Waiting,
    Other(String),
}

/// What a status means for whoever waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It goes on by itself.
    Pending,
    /// It serves. A sleeping one wakes up with the first request.
    Live,
    /// It will not serve any more, or not without somebody's help.
    Over,
    /// A word that we do not know. It is neither success, nor reason enough to call a deployment failed that may be
    /// going on: whoever waits goes on waiting, and has a deadline.
    Unknown,
}

const WORDS: [(DeploymentStatus, &str, Phase); 13] = [
    (DeploymentStatus::Building, "BUILDING", Phase::Pending),
    (DeploymentStatus::Crashed, "CRASHED", Phase::Over),
    (DeploymentStatus::Deploying, "DEPLOYING", Phase::Pending),
    (DeploymentStatus::Failed, "FAILED", Phase::Over),
    (DeploymentStatus::Initializing, "INITIALIZING", Phase::Pending),
    (DeploymentStatus::NeedsApproval, "NEEDS_APPROVAL", Phase::Over),
    (DeploymentStatus::Queued, "QUEUED", Phase::Pending),
    (DeploymentStatus::Removed, "REMOVED", Phase::Over),
    (DeploymentStatus::Removing, "REMOVING", Phase::Over),
    (DeploymentStatus::Skipped, "SKIPPED", Phase::Over),
    (DeploymentStatus::Sleeping, "SLEEPING", Phase::Live),
    (DeploymentStatus::Success, "SUCCESS", Phase::Live),
    (DeploymentStatus::Waiting, "WAITING", Phase::Pending),
];

impl DeploymentStatus {
    pub fn phase(&self) -> Phase {
        WORDS.iter().find(|(status, ..)| status == self).map_or(Phase::Unknown, |(.., phase)| *phase)
    }
}

impl From<String> for DeploymentStatus {
    fn from(word: String) -> DeploymentStatus {
        let known = WORDS.iter().find(|(_, known, _)| *known == word);
        known.map_or_else(|| DeploymentStatus::Other(word), |(status, ..)| status.clone())
    }
}

impl fmt::Display for DeploymentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeploymentStatus::Other(word) => f.write_str(word),
            known => {
                let word = WORDS.iter().find(|(status, ..)| status == known).map_or("", |(_, word, _)| *word);
                f.write_str(word)
            }
        }
    }
}

impl Deployment {
    /// The image as it was asked for.
    pub fn image(&self) -> Option<&str> {
        self.meta.get("image").and_then(Value::as_str).filter(|image| !image.is_empty())
    }

    /// The image, or what is said where Railway does not tell.
    pub fn image_or_unknown(&self) -> &str {
        self.image().unwrap_or("an image that Railway does not name")
    }

    /// Whether it runs this image, by digest. The reference counts where it has a digest itself; `imageDigest` may be
    /// that of another level (index or platform), and decides only where the reference is a tag or absent.
    pub fn runs(&self, image: &PinnedImage) -> bool {
        match self.image().and_then(digest_of) {
            Some(digest) => digest == image.digest(),
            None => self.meta.get("imageDigest").and_then(Value::as_str) == Some(image.digest()),
        }
    }

    /// Its image by digest: as it was given, or the reference with the digest that Railway found. `None` where neither
    /// says it.
    pub fn pinned(&self) -> Option<PinnedImage> {
        let image = self.image()?;
        if digest_of(image).is_some() {
            return PinnedImage::parse(image).ok();
        }
        let digest = self.meta.get("imageDigest").and_then(Value::as_str)?;
        PinnedImage::parse(&format!("{image}@{digest}")).ok()
    }

    /// When it was created; `None` where the time cannot be read.
    pub fn created(&self) -> Option<DateTime<Utc>> {
        read_time(&self.created_at)
    }

    /// How long it took until it served; `None` where nothing tells: only the time of the last status is known, and a
    /// deployment that slept has had others since.
    pub fn took(&self) -> Option<Duration> {
        if self.status != DeploymentStatus::Success {
            return None;
        }
        let served = read_time(self.status_updated_at.as_deref()?)?;
        (served - self.created()?).to_std().ok()
    }
}

/// As Railway writes times.
fn read_time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc())
}

/// Newest first. Railway does not say in which order it lists deployments; those of the same moment keep theirs.
pub fn newest_first(mut deployments: Vec<Deployment>) -> Vec<Deployment> {
    deployments.sort_by_key(|deployment| std::cmp::Reverse(deployment.created()));
    deployments
}

/// The newest one that is under way, wherever it stands in a list (newest first): a newer one may have failed
/// meanwhile.
pub fn newest_pending(list: &[Deployment]) -> Option<&Deployment> {
    list.iter().find(|deployment| deployment.status.phase() == Phase::Pending)
}

/// Those of a list (newest first) that are newer than a known one; without a known one all are.
pub fn newer_than<'a>(list: &'a [Deployment], known: Option<(&str, &str)>) -> Vec<&'a Deployment> {
    let Some((id, created_at)) = known else { return list.iter().collect() };
    let created = read_time(created_at);
    list.iter()
        .take_while(|deployment| deployment.id != id)
        .filter(|deployment| deployment.created() >= created)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(id: &str, created_at: &str, meta: Value) -> Deployment {
        let value = json!({"id": id, "status": "SUCCESS", "createdAt": created_at, "meta": meta});
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn every_word_survives() {
        for (status, word, phase) in WORDS {
            let read: DeploymentStatus = serde_json::from_value(json!(word)).unwrap();
            assert_eq!((&read, read.to_string().as_str(), read.phase()), (&status, word, phase));
        }
        let read: DeploymentStatus = serde_json::from_value(json!("PULLING")).unwrap();
        assert_eq!((read.to_string().as_str(), read.phase()), ("PULLING", Phase::Unknown));
    }

    #[test]
    fn the_image_is_known_by_its_digest() {
        let (ours, other) = ("a".repeat(64), "b".repeat(64));
        let image = PinnedImage::parse(&format!("ghcr.io/o/app@sha256:{ours}")).unwrap();
        let runs = |meta: Value| deployment("d", "2026-11-20T10:00:00.000Z", meta).runs(&image);
        assert!(runs(json!({"image": image.reference()})));
        assert!(runs(json!({"image": format!("ghcr.io/o/app:1@sha256:{ours}"), "imageDigest": "sha256:x"})));
        assert!(runs(json!({"image": "ghcr.io/o/app:1", "imageDigest": format!("sha256:{ours}")})));
        assert!(!runs(json!({"image": format!("ghcr.io/o/app@sha256:{other}")})));
        assert!(!runs(json!({"image": "ghcr.io/o/app:1", "imageDigest": format!("sha256:{other}")})));
        assert!(!runs(json!({"image": "ghcr.io/o/app:1"})));
        assert!(!runs(Value::Null));
    }

    #[test]
    fn what_serves_tells_how_long_it_took() {
        let took = |status: &str, changed: Option<&str>| {
            let value = json!({"id": "d", "status": status, "createdAt": "2026-11-20T10:00:00.500Z",
                               "statusUpdatedAt": changed});
            serde_json::from_value::<Deployment>(value).unwrap().took()
        };
        assert_eq!(took("SUCCESS", Some("2026-11-20T10:01:02.750Z")), Some(Duration::from_millis(62_250)));
        assert_eq!(took("SUCCESS", None), None);
        assert_eq!(took("SUCCESS", Some("2026-11-20T09:00:00Z")), None);
        // Since when it sleeps is another matter.
        assert_eq!(took("SLEEPING", Some("2026-11-20T10:01:02Z")), None);
    }

    #[test]
    fn an_image_is_pinned_by_what_railway_found() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let pinned = |meta: Value| {
            let image = deployment("d", "2026-11-20T10:00:00Z", meta).pinned();
            image.map(|image| image.to_string().replace(&digest, "DIGEST"))
        };
        assert_eq!(pinned(json!({"image": format!("app:1@{digest}")})).unwrap(), "app:1@DIGEST");
        assert_eq!(pinned(json!({"image": "app:1", "imageDigest": digest})).unwrap(), "app:1@DIGEST");
        assert_eq!(pinned(json!({"image": "app:1"})), None);
        assert_eq!(pinned(json!({"repo": "o/app", "imageDigest": digest})), None);
    }

    #[test]
    fn order_is_by_time() {
        let at = |id: &str, time: &str| deployment(id, &format!("2026-11-20T10:00:{time}Z"), Value::Null);
        let list = newest_first(vec![at("b", "01.5"), at("c", "02"), at("a", "01"), at("c2", "02.000")]);
        let ids =
            |list: Vec<&Deployment>| list.iter().map(|one| one.id.as_str()).collect::<Vec<_>>().join(" ");
        assert_eq!(ids(list.iter().collect()), "c c2 b a");
        assert_eq!(ids(newer_than(&list, Some(("b", "2026-11-20T10:00:01.500Z")))), "c c2");
        assert_eq!(ids(newer_than(&list, Some(("c2", "2026-11-20T10:00:02.000Z")))), "c");
        assert_eq!(ids(newer_than(&list, Some(("c", "2026-11-20T10:00:02Z")))), "");
        // Known, and removed since.
        assert_eq!(ids(newer_than(&list, Some(("x", "2026-11-20T10:00:01.700Z")))), "c c2");
        assert_eq!(ids(newer_than(&list, None)), "c c2 b a");
    }
}
