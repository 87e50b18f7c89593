//! The integration tests of xtask: one binary, one file a subject.

// `allow-unwrap-in-tests` does not reach what stands beside the tests.
#![allow(clippy::unwrap_used)]

mod absent;
mod actions;
mod bad_input;
mod bench;
mod bench_caches;
mod browser;
mod changes;
mod checkouts;
mod checks;
mod comments;
mod deploy;
mod deps_report;
mod docker_build;
mod doctor;
mod drivers;
mod engine;
mod fakes;
mod flows;
mod github;
mod inspect;
mod lint;
mod load;
mod local_config;
mod monitor;
mod moto;
mod pack;
mod pages;
mod railway_model;
mod railway_schema;
mod real;
mod registry;
mod relay;
mod required;
mod rollback;
mod run_summary;
mod running;
mod set_up;
mod slice;
mod smoke;
mod styles;
mod support;
mod template;
mod tidy;
mod untouched;
mod watching;
mod workflows;
