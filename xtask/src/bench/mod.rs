//! What linker, compile cache, profile, driver and wasm-opt level really give on this machine.
//!
//! What is measured is a copy of the workspace (`checkout`, `targets`), built by our own program. `matrix` says what is
//! compared, `run` takes the samples, `evidence` says whether a sample is what it claims to be, `verdict` what follows.

pub mod available;
pub mod budget;
pub mod caches;
pub mod checkout;
pub mod choice;
mod command;
pub mod compare;
pub mod compilers;
pub mod estimate;
mod evidence;
mod failing;
pub mod figures;
mod filling;
pub mod history;
pub mod journal;
mod lacking;
mod left;
mod links;
mod machine;
pub mod matrix;
pub mod named;
mod noise;
mod outside;
mod plan_time;
pub mod request;
mod rounds;
pub mod run;
pub mod samples;
pub mod scenario;
#[cfg(test)]
pub mod shared_tests;
pub mod statistics;
mod steps_alone;
pub mod subject;
mod targets;
mod timings;
pub mod trend;
pub mod variant;
pub mod verdict;
mod wasm;
pub mod winners;
