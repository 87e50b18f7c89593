//! Everything that `cargo xtask bench` needs: the matrix of what is measured, a copy of the workspace to measure in,
//! running and timing, the proof that each arm was active, verdicts, and where the time of a build goes.

pub mod timings;
