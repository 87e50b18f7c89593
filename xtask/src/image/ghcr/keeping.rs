//! Which versions of a package are kept. Pure.
//!
//! A version without a tag is not for that reason useless: the images and attestations of an index have none. So what
//! is kept is what is reachable from what is wanted, and the rest is deleted.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::api::Version;
use crate::record::inspect::{Fate, VersionRecord};

/// The tag under which `docker build` keeps layers where nobody names another.
const LAYERS: &str = "layers";

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Policy {
    /// How many of the newest images with a tag.
    pub keep: usize,
    /// Everything that is younger: it may be being pushed at this moment.
    pub younger_than: TimeDelta,
    /// Digests that are wanted whatever their age, e.g. of what is deployed.
    pub digests: Vec<String>,
    /// Tags that are; `latest`, versions and layers for builds are always.
    pub tags: Vec<String>,
}

/// A version, and the digests of the manifests that it names.
#[derive(Clone, Debug)]
pub struct Surveyed {
    pub version: Version,
    pub names: Vec<String>,
    /// Whether it holds layers for builds, and is no image.
    pub is_layer_cache: bool,
}

/// How many versions have no tag, and are named by none that has one.
pub fn unreferenced(all: &[Surveyed]) -> usize {
    let roots = all.iter().filter(|one| !one.version.tags().is_empty()).map(|one| one.version.name.clone());
    let reachable = reachable(all, roots.collect());
    all.iter().filter(|one| !reachable.contains(&one.version.name)).count()
}

/// What becomes of each version, in their order.
pub fn decide(all: &[Surveyed], policy: &Policy, now: DateTime<Utc>) -> Vec<VersionRecord> {
    let mut reasons: BTreeMap<&str, String> = BTreeMap::new();
    let mut tagged = 0;
    for Surveyed { version, is_layer_cache, .. } in all {
        let tags = version.tags();
        let is_other = |tag: &String| tag == LAYERS || subject(tag).is_some();
        let is_image = !is_layer_cache && !tags.is_empty() && !tags.iter().all(is_other);
        tagged += usize::from(is_image);
        let updated = DateTime::parse_from_rfc3339(&version.updated_at).ok().map(|time| time.to_utc());
        let lasting = tags.iter().find(|tag| is_lasting(tag) || policy.tags.contains(tag));
        let reason = match lasting {
            Some(tag) => Some(format!("tag `{tag}`")),
            None if *is_layer_cache && !tags.is_empty() => Some("layers for builds".to_owned()),
            None if policy.digests.contains(&version.name) => Some("asked for".to_owned()),
            None if is_image && tagged <= policy.keep => Some(format!("among the {} newest", policy.keep)),
            // A time that cannot be read is no reason to delete anything.
            None if updated.is_none_or(|time| now - time < policy.younger_than) => Some("young".to_owned()),
            None => None,
        };
        if let Some(reason) = reason {
            reasons.insert(&version.name, reason);
        }
    }
    let roots: BTreeSet<String> = reasons.keys().map(|name| (*name).to_owned()).collect();
    let kept = reachable(all, roots);
    all.iter()
        .map(|Surveyed { version, .. }| {
            let reason = reasons.get(version.name.as_str()).cloned();
            let is_kept = kept.contains(&version.name);
            VersionRecord {
                id: version.id,
                digest: version.name.clone(),
                tags: version.tags(),
                updated: version.updated_at.clone(),
                fate: if is_kept { Fate::Kept } else { Fate::Doomed },
                reason: reason.unwrap_or_else(|| match is_kept {
                    true => "belongs to one that is kept".to_owned(),
                    false => "nothing that is kept names it".to_owned(),
                }),
            }
        })
        .collect()
}

/// The doomed ones in an order that leaves no index without its parts, wherever it is broken off: what names others
/// comes before them.
pub fn order(all: &[Surveyed], decided: &[VersionRecord]) -> Vec<usize> {
    let position: BTreeMap<&str, usize> =
        all.iter().enumerate().map(|(index, one)| (one.version.name.as_str(), index)).collect();
    let mut depths = vec![0_usize; all.len()];
    // An index of indexes of indexes does not occur; each round moves parts below what names them.
    for _ in 0..4 {
        for (index, one) in all.iter().enumerate() {
            for part in one.names.iter().filter_map(|name| position.get(name.as_str())) {
                depths[*part] = depths[*part].max(depths[index] + 1);
            }
        }
    }
    let mut doomed: Vec<usize> =
        (0..all.len()).filter(|index| decided[*index].fate == Fate::Doomed).collect();
    doomed.sort_by_key(|index| depths[*index]);
    doomed
}

/// Everything that the roots name, and what is about any of it, and the roots.
fn reachable(all: &[Surveyed], roots: BTreeSet<String>) -> BTreeSet<String> {
    let by_name: BTreeMap<&str, &Surveyed> = all.iter().map(|one| (one.version.name.as_str(), one)).collect();
    let mut found = BTreeSet::new();
    let mut pending: Vec<String> = roots.into_iter().collect();
    while let Some(name) = pending.pop() {
        if !found.insert(name.clone()) {
            continue;
        }
        pending.extend(by_name.get(name.as_str()).iter().flat_map(|one| one.names.clone()));
        let about =
            all.iter().filter(|one| one.version.tags().iter().any(|tag| subject(tag) == Some(name.clone())));
        pending.extend(about.map(|one| one.version.name.clone()));
    }
    found
}

/// The image that a tag of the kind `sha256-DIGITS[.sig]` is about: signatures and attestations are kept under such
/// tags where the registry knows no referrers.
fn subject(tag: &str) -> Option<String> {
    let digits = tag.strip_prefix("sha256-")?.split('.').next()?;
    (digits.len() == 64).then(|| format!("sha256:{digits}"))
}

/// A tag that people or builds rely on: `latest`, versions, and the layers of `docker build --cache registry`.
fn is_lasting(tag: &str) -> bool {
    let numbers = tag.strip_prefix('v').unwrap_or(tag).split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<&str> = numbers.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    ["latest", LAYERS].contains(&tag) || ((2..=3).contains(&parts.len()) && parts.iter().all(is_number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surveyed(id: u64, name: &str, day: u32, tags: &[&str], names: &[&str]) -> Surveyed {
        let version = Version::of(id, name, &format!("2026-11-{day:02}T00:00:00Z"), tags);
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Surveyed { version, names, is_layer_cache: false }
    }

    fn policy(keep: usize) -> Policy {
        Policy { keep, younger_than: TimeDelta::days(2), digests: Vec::new(), tags: Vec::new() }
    }

    fn now() -> DateTime<Utc> {
        DateTime::parse_from_rfc3339("2026-11-21T00:00:00Z").unwrap().to_utc()
    }

    fn shown(all: &[Surveyed], policy: &Policy) -> String {
        let decided = decide(all, policy, now());
        let line = |one: &VersionRecord| format!("{} {:?}: {}", one.digest, one.fate, one.reason);
        decided.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn parts_of_what_is_kept_are_kept() {
        let signature = format!("sha256-{}.sig", "b".repeat(64));
        let index = format!("sha256:{}", "b".repeat(64));
        let all = [
            surveyed(9, "pushing", 20, &[], &[]),
            surveyed(8, "newest", 15, &["sha-2"], &[]),
            surveyed(7, &index, 14, &["sha-1"], &["amd64", "attestation"]),
            surveyed(6, "signature", 13, &[&signature], &[]),
            surveyed(5, "amd64", 12, &[], &[]),
            surveyed(4, "attestation", 12, &[], &[]),
            surveyed(3, "old-index", 10, &["sha-0"], &["old-amd64", "amd64"]),
            surveyed(2, "old-amd64", 10, &[], &[]),
            surveyed(1, "release", 1, &["v1.2.3", "sha-00"], &[]),
        ];
        expect_test::expect![[r#"
            pushing Kept: young
            newest Kept: among the 2 newest
            index Kept: among the 2 newest
            signature Kept: belongs to one that is kept
            amd64 Kept: belongs to one that is kept
            attestation Kept: belongs to one that is kept
            old-index Doomed: nothing that is kept names it
            old-amd64 Doomed: nothing that is kept names it
            release Kept: tag `v1.2.3`"#]]
        .assert_eq(&shown(&all, &policy(2)).replace(&index, "index"));
        let decided = decide(&all, &policy(2), now());
        let order: Vec<&str> =
            order(&all, &decided).into_iter().map(|index| all[index].version.name.as_str()).collect();
        assert_eq!(order, ["old-index", "old-amd64"]);
        assert_eq!(unreferenced(&all), 1);
    }

    #[test]
    fn layers_for_builds_are_kept_and_are_no_image() {
        let cache = |id: u64, name: &str, tags: &[&str]| Surveyed {
            is_layer_cache: true,
            ..surveyed(id, name, 1, tags, &[])
        };
        let all = [
            cache(5, "cache", &["of-ci"]),
            cache(4, "cache before it", &[]),
            surveyed(3, "layers", 1, &["layers"], &[]),
            surveyed(2, "newest", 2, &["sha-2"], &[]),
            surveyed(1, "older", 1, &["sha-1"], &[]),
        ];
        expect_test::expect![[r#"
            cache Kept: layers for builds
            cache before it Doomed: nothing that is kept names it
            layers Kept: tag `layers`
            newest Kept: among the 1 newest
            older Doomed: nothing that is kept names it"#]]
        .assert_eq(&shown(&all, &policy(1)));
    }

    #[test]
    fn nothing_is_deleted_that_is_wanted() {
        let all = [surveyed(2, "a", 2, &["main"], &[]), surveyed(1, "b", 1, &[], &[])];
        let fates = |policy: &Policy| -> Vec<Fate> {
            decide(&all, policy, now()).iter().map(|one| one.fate).collect()
        };
        assert_eq!(fates(&policy(0)), [Fate::Doomed, Fate::Doomed]);
        assert_eq!(fates(&Policy { tags: vec!["main".to_owned()], ..policy(0) }), [Fate::Kept, Fate::Doomed]);
        assert_eq!(fates(&Policy { digests: vec!["b".to_owned()], ..policy(0) }), [Fate::Doomed, Fate::Kept]);
        assert_eq!(
            fates(&Policy { younger_than: TimeDelta::days(30), ..policy(0) }),
            [Fate::Kept, Fate::Kept]
        );
        let mut odd = [surveyed(1, "c", 1, &[], &[])];
        odd[0].version.updated_at = "yesterday".to_owned();
        assert_eq!(decide(&odd, &policy(0), now())[0].fate, Fate::Kept);
        for (tag, lasts) in [
            ("latest", true),
            ("1.2", true),
            ("v1.2.3-rc.1", true),
            ("layers", true),
            ("main", false),
            ("20261121", false),
        ] {
            assert_eq!(is_lasting(tag), lasts, "{tag}");
        }
    }
}
