//! The integration tests of xtask: one binary, one file a subject.

mod bad_input;
mod fakes;
mod real;
mod support;
mod tidy;
