//! What is particular to running in GitHub Actions: its environment, its files and its summaries.
//!
//! A step is one command, and works on a laptop too: where there is no GitHub, outputs go to standard output and the
//! summary to standard error. Must not know what a step does.

pub mod annotations;
pub mod budgets;
pub mod changes;
pub mod checkout;
pub mod checks;
pub mod comment;
pub mod dependencies;
pub mod event;
pub mod figures;
pub mod gate;
pub mod github;
pub mod hostile;
pub mod naming;
pub mod outputs;
pub mod summary;
pub mod test_output;
