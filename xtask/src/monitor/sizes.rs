//! What is held: caches of GitHub Actions, and images. Pure.

use super::github::Known;
use super::github::answers::PackageVersion;
use super::time;
use crate::record::monitor::{CacheEntry, CacheGroup, Caches, ImageSize, ImageSource};

/// What GitHub holds for nothing (source: "GitHub Actions billing" of GitHub's documentation: included usage is 10
/// GB per repository). It counts in powers of two, as its price a GiB says.
pub const INCLUDED_BYTES: u64 = 10 * 1024 * 1024 * 1024;
/// So many caches are named.
const CACHES_MAX: usize = 10;
/// Of so many images the registry is asked for the size: a request or two each.
pub const IMAGES_MAX: usize = 8;

/// What GitHub tells of its caches; `None` where it does not.
pub fn caches(known: &Known) -> Option<Caches> {
    let usage = known.cache_usage?;
    let mut largest: Vec<CacheEntry> = known
        .caches
        .iter()
        .flatten()
        .map(|cache| CacheEntry {
            key: cache.key.clone().unwrap_or_else(|| "a cache without a key".to_owned()),
            git_ref: cache.git_ref.clone().unwrap_or_default(),
            bytes: cache.size_in_bytes.unwrap_or(0),
            created: cache.created_at.clone(),
            used: cache.last_accessed_at.clone(),
        })
        .collect();
    let mut by_ref: Vec<CacheGroup> = Vec::new();
    for cache in &largest {
        match by_ref.iter_mut().find(|group| group.git_ref == cache.git_ref) {
            Some(group) => (group.count, group.bytes) = (group.count + 1, group.bytes + cache.bytes),
            None => by_ref.push(CacheGroup { git_ref: cache.git_ref.clone(), count: 1, bytes: cache.bytes }),
        }
    }
    by_ref.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.git_ref.cmp(&b.git_ref)));
    by_ref.truncate(CACHES_MAX);
    largest.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.key.cmp(&b.key)));
    largest.truncate(CACHES_MAX);
    Some(Caches {
        count: usage.active_caches_count,
        bytes: usage.active_caches_size_in_bytes,
        included_bytes: INCLUDED_BYTES,
        largest,
        by_ref,
    })
}

/// When the caches grew beyond a limit: the first one, by its age, that made the sum larger. `None` where the caches
/// that are known do not tell.
pub fn beyond_since(known: &Known, limit: u64) -> Option<String> {
    let mut caches: Vec<(&str, u64)> = known
        .caches
        .iter()
        .flatten()
        .filter_map(|cache| Some((cache.created_at.as_deref()?, cache.size_in_bytes?)))
        .collect();
    caches.sort_unstable();
    let mut sum = 0;
    caches.into_iter().find_map(|(created, bytes)| {
        sum += bytes;
        (sum > limit).then(|| created.to_owned())
    })
}

/// The versions whose sizes are worth asking for: the newest that people can name, without those of an image's
/// inputs or of attestations, which have no tag of their own.
pub fn named(versions: &[PackageVersion]) -> Vec<&PackageVersion> {
    let has_name = |version: &&PackageVersion| version.tags().iter().any(|tag| !is_attestation(tag));
    versions.iter().filter(has_name).take(IMAGES_MAX).collect()
}

/// cosign names signatures and attestations after the digest that they are about.
fn is_attestation(tag: &str) -> bool {
    tag.starts_with("sha256-")
}

/// What people call a version: by its release or its commit, which stay, rather than by a branch, which moves. Of two
/// of a kind the shortest.
pub fn name(version: &PackageVersion) -> String {
    let rank = |tag: &&String| {
        let kind = match tag.as_str() {
            tag if is_attestation(tag) => 5,
            tag if tag.starts_with("in-") => 4,
            tag if is_release(tag) => 0,
            tag if is_commit(tag) => 1,
            "latest" => 3,
            _ => 2,
        };
        (kind, tag.len())
    };
    let short = || version.name.trim_start_matches("sha256:").chars().take(12).collect();
    version.tags().iter().min_by_key(rank).cloned().unwrap_or_else(short)
}

/// `1.2.3`, `v1.2.3-rc.1`; not `1.2`, which is another image with each release.
fn is_release(tag: &str) -> bool {
    let numbers = tag.strip_prefix('v').unwrap_or(tag).split(['.', '-']);
    numbers.take(3).filter(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())).count()
        == 3
}

/// `sha-0123abc`, as `ci image` names the commit.
fn is_commit(tag: &str) -> bool {
    tag.strip_prefix("sha-").is_some_and(|commit| commit.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Images of the registry and of this machine, the oldest first; one that both know is the registry's.
pub fn images(of_registry: Vec<ImageSize>, of_machine: Vec<ImageSize>) -> Vec<ImageSize> {
    let mut all = of_registry;
    for image in of_machine.into_iter().rev() {
        if !all.iter().any(|known| known.digest == image.digest) {
            all.push(image);
        }
    }
    all.sort_by_key(|image| time::parse(&image.at));
    all
}

/// Of a version whose size the registry told.
pub fn image(version: &PackageVersion, bytes: Option<u64>) -> ImageSize {
    ImageSize {
        name: name(version),
        digest: version.name.clone(),
        at: version.created_at.clone(),
        bytes,
        source: ImageSource::Registry,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::samples_tests::known;
    use super::*;

    fn version(digest: &str, tags: &[&str]) -> PackageVersion {
        serde_json::from_value(json!({
            "id": 1, "name": digest, "created_at": "2026-11-20T10:00:00Z",
            "metadata": {"package_type": "container", "container": {"tags": tags}},
        }))
        .unwrap()
    }

    #[test]
    fn caches_by_size_and_by_branch() {
        let mut known = known();
        assert_eq!(caches(&known), None, "not known is not nothing");
        let cache = |key: &str, git_ref: &str, bytes: u64, day: u32| {
            json!({"id": 1, "key": key, "ref": git_ref, "size_in_bytes": bytes,
                   "created_at": format!("2026-11-{day:02}T10:00:00Z"), "last_accessed_at": null})
        };
        known.cache_usage = Some(
            serde_json::from_value(json!({"active_caches_size_in_bytes": 600, "active_caches_count": 3}))
                .unwrap(),
        );
        known.caches = Some(
            serde_json::from_value(json!([
                cache("a", "refs/heads/main", 100, 3),
                cache("b", "refs/pull/1/merge", 200, 2),
                cache("c", "refs/pull/1/merge", 300, 1),
            ]))
            .unwrap(),
        );
        let caches = caches(&known).unwrap();
        assert_eq!((caches.count, caches.bytes, caches.largest[0].key.as_str()), (3, 600, "c"));
        let groups: Vec<(&str, u64, u64)> =
            caches.by_ref.iter().map(|group| (group.git_ref.as_str(), group.count, group.bytes)).collect();
        assert_eq!(groups, [("refs/pull/1/merge", 2, 500), ("refs/heads/main", 1, 100)]);
        assert_eq!(beyond_since(&known, 450).as_deref(), Some("2026-11-02T10:00:00Z"));
        assert_eq!(beyond_since(&known, 600), None);
    }

    #[test]
    fn versions_that_people_can_name() {
        let versions = [
            version("sha256:aaaaaaaaaaaaaaaa", &["latest", "in-0123", "sha-abc1234"]),
            version("sha256:bbbb", &[]),
            version("sha256:cccc", &["sha256-aaaa.sig"]),
        ];
        assert_eq!(named(&versions).len(), 1);
        assert_eq!(name(&versions[0]), "sha-abc1234");
        assert_eq!(name(&version("sha256:aaaaaaaaaaaaaaaa", &[])), "aaaaaaaaaaaa");
        for (tags, expected) in [
            (["trunk", "latest", "sha-0123abc"], "sha-0123abc"),
            (["fix", "in-0", "sha-0123abc"], "sha-0123abc"),
            (["sha-0123abc", "v1.2.3-rc.1", "main"], "v1.2.3-rc.1"),
            (["1.2", "1", "1.2.3"], "1.2.3"),
            (["latest", "in-0", "trunk"], "trunk"),
            (["sha-pe", "1.x.3", "sha-0123abc"], "sha-0123abc"),
        ] {
            assert_eq!(name(&version("sha256:a", &tags)), expected, "{tags:?}");
        }
        let ours = ImageSize { source: ImageSource::Local, ..image(&versions[0], Some(7)) };
        let other = ImageSize {
            digest: "sha256:d".to_owned(),
            at: "2026-11-01T10:00:00Z".to_owned(),
            ..ours.clone()
        };
        let all = images(vec![image(&versions[0], None)], vec![ours, other]);
        assert_eq!(all.iter().map(|image| image.bytes).collect::<Vec<_>>(), [Some(7), None], "{all:?}");
    }
}
