//! The integration tests of xtask: one binary, one file a subject.

mod tidy;
