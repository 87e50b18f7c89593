//! What can be typed, with its help.

use std::net::SocketAddr;

use clap::{Parser, ValueEnum};

use crate::creating::Thing;

const ABOUT: &str = "\
A stand-in for Railway in tests, on loopback.

WHAT IT MODELS: Railway's GraphQL API for the operations that xtask uses (project and account tokens, one project \
with one environment and one service, all of which may have to be made first, its settings and variables, deployments with statuses, events and logs, and \
rollback to one that served), with every operation checked against a part of Railway's schema; and the platform behind it: the image is pulled and \
really runs, the health check decides, a proxy in front switches to the new deployment at once, the old one gets its \
overlap, SIGTERM, its draining time and SIGKILL.

WHAT IT DOES NOT MODEL: restarts (a container that ends is FAILED before it served and CRASHED afterwards), replicas, \
regions, volumes, builds, pre-deploy commands, cron, sleeping, private networking, registry credentials, rate limits \
that refuse, removal, TLS and WebSockets at the front. A deployment that is not yet active when a newer one starts is \
REMOVED.

At its start it prints one line of JSON with addresses, ids and tokens. GET /_model/state, /_model/requests and \
/_model/violations at the API's address tell what happened. It ends on SIGTERM or SIGINT, with code 1 if an \
operation was against the contract.";

/// A stand-in for Railway in tests
#[derive(Clone, Debug, Parser)]
#[command(name = "railway-model", about, long_about = ABOUT)]
pub struct Options {
    /// Where the API listens; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = loopback)]
    pub listen: SocketAddr,
    /// Where the proxy before the deployments listens: the service's domain
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = loopback)]
    pub front: SocketAddr,
    /// What runs the images: a Docker engine, or plain processes from an unpacked image
    #[arg(long, value_enum, value_name = "RUNNER", default_value_t = RunnerChoice::Auto)]
    pub runner: RunnerChoice,
    /// The time between two health checks, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    pub health_interval_ms: u64,
    /// How long a deployment may take to become healthy where its service does not say, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub health_timeout_s: u64,
    /// How long it takes until a deployment's container is created, in seconds: what Railway needs beside what really
    /// happens here. A rollback needs none of it
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub placement_s: u64,
    /// How long after its removal a deployment can be rolled back to, in seconds: 72 hours, as on Railway's Hobby plan
    #[arg(long, value_name = "SECONDS", default_value_t = 72 * 3600)]
    pub rollback_window_s: u32,
    /// What does not exist at the beginning and has to be made; without a project there is nothing
    #[arg(long, value_enum, value_name = "THING")]
    pub without: Vec<Thing>,
    /// The project's name
    #[arg(long, value_name = "NAME", default_value = "model")]
    pub project_name: String,
    /// The project's id [default: a new one]
    #[arg(long, value_name = "ID")]
    pub project_id: Option<String>,
    /// The project's plan: free, hobby, pro or trial
    #[arg(long, value_name = "PLAN", default_value = "pro", value_parser = ["free", "hobby", "pro", "trial"])]
    pub plan: String,
    /// The environment's name
    #[arg(long, value_name = "NAME", default_value = "production")]
    pub environment_name: String,
    /// The environment's id [default: a new one]
    #[arg(long, value_name = "ID")]
    pub environment_id: Option<String>,
    /// The service's name
    #[arg(long, value_name = "NAME", default_value = "web")]
    pub service_name: String,
    /// The service's id [default: a new one]
    #[arg(long, value_name = "ID")]
    pub service_id: Option<String>,
    /// The project token: it opens nothing but this model [default: a new one]
    #[arg(long, value_name = "TOKEN")]
    pub project_token: Option<String>,
    /// The account token: it opens nothing but this model [default: a new one]
    #[arg(long, value_name = "TOKEN")]
    pub api_token: Option<String>,
    /// End when standard input closes, so that no model outlives the test that started it
    #[arg(long)]
    pub while_stdin_open: bool,
}

/// What runs the images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RunnerChoice {
    /// Docker where `docker version` answers, else processes
    Auto,
    Docker,
    Process,
}

/// The control interface needs no token, and whoever reaches the API starts programs.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| "not an address like 127.0.0.1:0".to_owned())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("only loopback addresses are allowed".to_owned())
    }
}
