//! The domain of the terminal: amounts, ratios, snapshots, and the environment that the server reads.
//!
//! It compiles for the server and for the browser, so it never does I/O: the environment comes in as a
//! lookup function, the clock as a number of seconds.

pub mod environment;
pub mod format;
pub mod metrics;
pub mod units;

pub use metrics::{Band, Freshness, Origin, Reading, Snapshot};
pub use units::{Amount, Ratio};
