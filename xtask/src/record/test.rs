//! The record of one run of the project's tests, as `ci test` reads it from what the test runners say.

use serde::{Deserialize, Serialize};

use super::RunResult;
use crate::facts::revision::Revision;

/// The layout of [`TestRecord`].
pub const TEST_SCHEMA: &str = "xtask.test/1";

/// The name of the file that runs are recorded in.
pub const RUNS: &str = "test";

/// One run of all tests.
#[derive(Clone, Debug, Serialize)]
pub struct TestRecord {
    /// The layout of this record.
    pub schema: &'static str,
    pub result: RunResult,
    /// RFC 3339, UTC.
    pub started: String,
    pub revision: Revision,
    pub runs: Vec<TestRun>,
    /// Wall-clock seconds of all of it, the app's build included.
    pub seconds: f64,
}

/// One call of a test runner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestRun {
    /// What is tested, e.g. `app`.
    pub name: String,
    /// Whether the runner ended with exit code 0.
    pub good: bool,
    /// Wall-clock seconds, compiling included.
    pub seconds: f64,
    /// `None` where the runner did not get so far as to tell.
    pub counts: Option<Counts>,
    /// In the order of their names.
    pub failed: Vec<FailedTest>,
    /// The slowest first; empty where the runner does not tell how long a test takes.
    pub slowest: Vec<TimedTest>,
    /// What the compiler would not take.
    pub errors: Vec<CompileError>,
}

/// How many tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub ran: usize,
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
}

/// A test that did not pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailedTest {
    /// With the name of its binary before it.
    pub name: String,
    /// `failed`, `timed out`, `killed by SIGSEGV`, …
    pub how: String,
    /// `None` where the runner does not tell.
    pub seconds: Option<f64>,
    /// Where it panicked; `None` where that was not told.
    pub place: Option<Place>,
    /// The first line of what it said then.
    pub message: Option<String>,
}

/// A place in a source file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// As the compiler names it: from the workspace's root for packages of the workspace.
    pub file: String,
    pub line: u64,
    pub column: u64,
}

/// A test and how long it took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimedTest {
    pub name: String,
    pub seconds: f64,
}

/// An error of the compiler that has a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompileError {
    pub message: String,
    pub place: Place,
}
