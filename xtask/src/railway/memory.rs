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

    /// The revision that a deployment was meant to have, as far as that is known here.
    pub fn revision(&self, deployment: &str) -> Option<String> {
        self.revision_where(deployment, |_| true)
    }

    /// The revision that a deployment which serves has, as far as that is known here. One whose run has failed serves
    /// something else than was meant: what another run set between its settings and its deployment.
    pub fn served_revision(&self, deployment: &str) -> Option<String> {
        self.revision_where(deployment, |run| !run.failed)
    }

    fn revision_where(&self, deployment: &str, is_meant: impl Fn(&Remembered) -> bool) -> Option<String> {
        let receipt = self.receipt.iter();
        let versions = receipt.flat_map(|receipt| [Some(&receipt.deployed), receipt.previous.as_ref()]);
        let known = versions.flatten().find(|version| version.deployment == deployment);
        let of_receipt = known.and_then(|version| version.revision.clone());
        let mut runs = self.runs_of(deployment).filter(|run| is_meant(run));
        of_receipt.or_else(|| runs.find_map(|run| run.revision.clone()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_failed_run_meant_is_not_what_serves() {
        let run = |failed: bool, revision: &str| Remembered {
            deployment: "d-1".to_owned(),
            revision: Some(revision.to_owned()),
            succeeded: !failed,
            failed,
        };
        let memory = |runs: Vec<Remembered>| Memory { receipt: None, runs };
        let both = |memory: Memory| (memory.revision("d-1"), memory.served_revision("d-1"));
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(both(memory(vec![run(true, "two")])), (text("two"), None));
        assert_eq!(both(memory(vec![run(true, "two"), run(false, "three")])), (text("three"), text("three")));
        assert_eq!(both(memory(Vec::new())), (None, None));
    }
}
