//! The set-up of a first deployment: what is there (`found`), what is missing (`planning`), how it is made
//! (`making`), and what has come of it (`outcome`). Everything is found by its name, which is what makes a second run
//! change nothing. Nothing of it deploys.

pub mod found;
pub mod making;
pub mod outcome;
pub mod planning;
