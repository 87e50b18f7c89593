//! The integration tests of xtask: one binary, one file a subject.

mod bad_input;
mod checkouts;
mod fakes;
mod real;
mod running;
mod support;
mod template;
mod tidy;
