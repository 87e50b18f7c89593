//! What is measured, and what can be said of it. Pure: data in, data out, but for `history`, which reads the runs
//! that are kept. Nothing here starts a build or takes a time.

pub mod budget;
pub mod choice;
pub mod compare;
pub mod figures;
pub mod history;
pub mod noise;
#[cfg(test)]
mod shared_tests;
mod statistics;
pub mod trend;
pub mod verdict;
