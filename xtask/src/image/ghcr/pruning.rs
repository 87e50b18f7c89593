//! Versions of a package: which name which, and the deletion of those that nothing needs.

use chrono::Utc;

use super::Account;
use super::api::{Packages, Version};
use super::keeping::{self, Policy, Surveyed};
use crate::config::github::GitHubApi;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::image::manifest::{Document, is_layer_cache};
use crate::image::parallel::{self, CONNECTIONS};
use crate::image::reference::Reference;
use crate::image::registry::Repository;
use crate::plan::image::{DeleteVersions, DoomedVersion};
use crate::record::inspect::{Fate, VersionRecord};

/// Every version with the manifests that it names, from the registry itself. A version that cannot be read is an error:
/// what it names might be deleted.
pub fn references(
    exec: &Executor,
    account: &Account<'_>,
    image: &Reference,
    versions: &[Version],
) -> anyhow::Result<Vec<Surveyed>> {
    let repository = Repository::to_read(exec, account.sources, image, account.own);
    parallel::each(CONNECTIONS, versions, |version| {
        exec.check_interrupted()?;
        let unreadable = |why: String| {
            Failure::new(Exit::CommandFailed, format!("version {} ({}) {why}", version.id, version.name))
                .hint("nothing was deleted: what this version needs is not known")
        };
        // GitHub's list is a little behind: what is gone from the registry names nothing.
        let mut surveyed = Surveyed { version: version.clone(), names: Vec::new(), is_layer_cache: false };
        if let Some(fetched) = repository.manifest(&version.name)? {
            let document = Document::parse(&fetched.media_type, &fetched.bytes).map_err(unreadable)?;
            surveyed.is_layer_cache = is_layer_cache(&document);
            if let Document::Index(entries) = document {
                surveyed.names = entries.iter().map(|entry| entry.digest.to_string()).collect();
            }
        }
        Ok(surveyed)
    })
}

/// What is to become of each version, and the operation that does it. `protection` is what is said of it.
pub fn survey(
    exec: &Executor,
    account: &Account<'_>,
    image: &Reference,
    policy: &Policy,
    protection: String,
) -> anyhow::Result<(Vec<VersionRecord>, DeleteVersions)> {
    exec.ui().status("Reading", format!("the versions of {}", image.name()));
    let packages = Packages::find(exec, account.github, image)?;
    let all = references(exec, account, image, &packages.versions()?)?;
    let decided = keeping::decide(&all, policy, Utc::now());
    let doomed = keeping::order(&all, &decided).into_iter().map(|index| DoomedVersion {
        id: decided[index].id,
        digest: decided[index].digest.clone(),
        tags: decided[index].tags.clone(),
        names: all[index].names.clone(),
    });
    let operation = DeleteVersions { package: image.name(), versions: doomed.collect(), protection };
    Ok((decided, operation))
}

/// Carries out [`crate::plan::Operation::DeleteVersions`], and notes in `records` what became of each version, also
/// where it ends early.
pub fn delete(
    exec: &Executor,
    github: &GitHubApi,
    image: &Reference,
    operation: &DeleteVersions,
    records: &mut [VersionRecord],
) -> anyhow::Result<()> {
    let packages = Packages::find(exec, github, image)?;
    // What stays against our will keeps its parts.
    let mut needed: Vec<&String> = Vec::new();
    for version in &operation.versions {
        exec.check_interrupted()?;
        if needed.contains(&&version.digest) {
            needed.extend(&version.names);
            if let Some(record) = records.iter_mut().find(|record| record.id == version.id) {
                (record.fate, record.reason) = (Fate::Kept, "belongs to one that GitHub keeps".to_owned());
            }
            continue;
        }
        let deleted = packages.delete(version.id)?;
        let Some(record) = records.iter_mut().find(|record| record.id == version.id) else { continue };
        match deleted {
            Ok(()) => {
                record.fate = Fate::Deleted;
                exec.ui().status("Deleted", format!("{} {}", version.digest, version.tags.join(", ")));
            }
            Err(why) => {
                needed.extend(&version.names);
                record.fate = Fate::Refused;
                record.reason = format!("GitHub answers {why}");
                exec.ui().note(format!("{} was not deleted: {}", version.digest, record.reason));
            }
        }
    }
    Ok(())
}
