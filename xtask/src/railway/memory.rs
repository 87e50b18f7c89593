//! What this checkout remembers of deployments: its receipt and its records. Railway's own list is the truth; this adds
//! what Railway does not tell.

use std::path::Path;

use super::receipt::DeployReceipt;
use crate::plan::deploy::Target;
use crate::record::deploy::{Remembered, remembered};

/// Everything, read once.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    pub receipt: Option<DeployReceipt>,
    /// Oldest first.
    runs: Vec<Remembered>,
}

impl Memory {
    pub fn read(target_directory: &Path, target: &Target) -> Memory {
        Memory { receipt: DeployReceipt::read(target_directory, target), runs: remembered(target_directory) }
    }

    /// The same without records.
    #[cfg(test)]
    pub fn of(receipt: DeployReceipt) -> Memory {
        Memory { receipt: Some(receipt), runs: Vec::new() }
    }

    /// The revision that a deployment was given, as far as that is known here.
    pub fn revision(&self, deployment: &str) -> Option<String> {
        let receipt = self.receipt.iter();
        let versions = receipt.flat_map(|receipt| [Some(&receipt.deployed), receipt.previous.as_ref()]);
        let known = versions.flatten().find(|version| version.deployment == deployment);
        let of_receipt = known.and_then(|version| version.revision.clone());
        of_receipt.or_else(|| self.runs_of(deployment).find_map(|run| run.revision.clone()))
    }

    /// Whether a run from here has seen it serve.
    pub fn has_served(&self, deployment: &str) -> bool {
        self.runs_of(deployment).any(|run| run.succeeded)
    }

    /// Whether a run from here has begun it, or has waited for it.
    pub fn knows(&self, deployment: &str) -> bool {
        self.runs_of(deployment).next().is_some()
    }

    /// The newest first.
    fn runs_of<'a>(&'a self, deployment: &'a str) -> impl Iterator<Item = &'a Remembered> {
        self.runs.iter().rev().filter(move |run| run.deployment == deployment)
    }
}
