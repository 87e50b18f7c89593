//! The receipt of the last deployment from this checkout. Railway's own list is the truth; this is what we remember of
//! it, for `status` and for the way back.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::exec::replace_file;
use crate::plan::deploy::Target;
use crate::record::deploy::Version;

/// The layout of the file.
const SCHEMA: &str = "xtask.deploy-receipt/1";

/// One deployment that was verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployReceipt {
    schema: String,
    /// Railway's ids: names may be given to other things later.
    environment: String,
    service: String,
    pub deployed: Version,
    /// What served before.
    pub previous: Option<Version>,
    pub url: String,
    /// RFC 3339, UTC.
    pub time: String,
}

impl DeployReceipt {
    pub fn new(
        target: &Target,
        deployed: Version,
        previous: Option<Version>,
        url: &str,
        time: &str,
    ) -> DeployReceipt {
        DeployReceipt {
            schema: SCHEMA.to_owned(),
            environment: target.environment.clone(),
            service: target.service.clone(),
            deployed,
            previous,
            url: url.to_owned(),
            time: time.to_owned(),
        }
    }

    /// `None` where there is none for this service, or none that can be read.
    pub fn read(target_directory: &Path, target: &Target) -> Option<DeployReceipt> {
        let text = std::fs::read(path(target_directory, target)).ok()?;
        let receipt: DeployReceipt = serde_json::from_slice(&text).ok()?;
        let is_ours = receipt.schema == SCHEMA
            && (&receipt.environment, &receipt.service) == (&target.environment, &target.service);
        is_ours.then_some(receipt)
    }

    pub fn write(&self, target_directory: &Path, target: &Target) -> anyhow::Result<()> {
        let mut text = serde_json::to_vec_pretty(self).context("serialise the receipt")?;
        text.push(b'\n');
        replace_file(&path(target_directory, target), &text).map(drop)
    }
}

fn path(target_directory: &Path, target: &Target) -> PathBuf {
    target_directory.join("xtask/receipts/deploy").join(format!("{}.json", file_name(target)))
}

/// The lock of this service in this checkout: one deployment at a time.
pub fn lock_path(target_directory: &Path, target: &Target) -> PathBuf {
    target_directory.join("xtask/locks").join(format!("deploy-{}.lock", file_name(target)))
}

/// `production-web`; what could mean something in a path is replaced.
fn file_name(target: &Target) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    format!("{}-{}", target.environment_name, target.service_name).chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_for_one_service() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target {
            project: "p".to_owned(),
            environment: "e".to_owned(),
            service: "s".to_owned(),
            project_name: "shop".to_owned(),
            environment_name: "pro/duction".to_owned(),
            service_name: "../web".to_owned(),
        };
        assert_eq!(DeployReceipt::read(folder.path(), &target), None);
        let version = |deployment: &str| Version {
            deployment: deployment.to_owned(),
            image: Some("app@sha256:x".to_owned()),
            revision: None,
        };
        let receipt =
            DeployReceipt::new(&target, version("d-2"), Some(version("d-1")), "https://x", "2026-11-20");
        receipt.write(folder.path(), &target).unwrap();
        assert!(folder.path().join("xtask/receipts/deploy/pro-duction----web.json").is_file());
        assert_eq!(DeployReceipt::read(folder.path(), &target), Some(receipt));
        let other = Target { service: "s2".to_owned(), ..target };
        assert_eq!(DeployReceipt::read(folder.path(), &other), None);
    }
}
