//! The integration tests of xtask: one binary, one file a subject.

// `allow-unwrap-in-tests` does not reach what stands beside the tests.
#![allow(clippy::unwrap_used)]

mod bad_input;
mod checkouts;
mod fakes;
mod real;
mod running;
mod support;
mod template;
mod tidy;
mod watching;
