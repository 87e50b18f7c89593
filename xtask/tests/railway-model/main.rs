//! A stand-in for Railway in tests: its GraphQL API and its platform, on loopback. README.md says what it models.
//!
//! This file owns the way from the command line to the last clean-up. Everything that the model started is gone when
//! it ends, however it ends; what a killed model left behind goes when the next one starts.

mod api;
mod control;
mod creating;
mod front;
mod graphql;
mod health;
mod http;
mod identity;
mod operations;
mod options;
mod rollout;
mod runner;
mod state;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use crate::options::Options;
use crate::runner::Runner;
use crate::state::Model;

/// What a panic of the standard library's own ends with.
const PANICKED: u8 = 101;

/// Set by a panic of any task, which ends the model: a test must not go on with half of it.
static PANIC: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("no threads: {error}")),
    };
    let code = runtime.block_on(run(options));
    // A pull may still be at work; nobody waits for it.
    runtime.shutdown_background();
    code
}

fn fail(message: &str) -> ExitCode {
    eprintln!("railway-model: error: {message}");
    ExitCode::from(2)
}

async fn run(options: Options) -> ExitCode {
    let ended = Arc::new(Notify::new());
    end_on_panic(&ended);
    if let Err(error) = end_on_signals(&options, &ended) {
        return fail(&format!("no signal handlers: {error}"));
    }
    let api = match TcpListener::bind(options.listen).await {
        Ok(listener) => listener,
        Err(error) => return fail(&format!("{}: {error}", options.listen)),
    };
    let front = match TcpListener::bind(options.front).await {
        Ok(listener) => listener,
        Err(error) => return fail(&format!("{}: {error}", options.front)),
    };
    let runner = match Runner::start(options.runner).await {
        Ok(runner) => runner,
        Err(error) => return fail(&error),
    };
    let (Ok(api_address), Ok(front_address)) = (api.local_addr(), front.local_addr()) else {
        return fail("a listener without an address");
    };
    let model = Arc::new(Model::new(options, runner, front_address));
    let announcement = json!({
        "base_url": format!("http://{api_address}"),
        "graphql_url": format!("http://{api_address}{}", api::GRAPHQL_PATH),
        "front_url": format!("http://{front_address}"),
        "domain": model.domain,
        "workspace": model.identity.workspace,
        "project": model.identity.project,
        "environment": model.identity.environment,
        "service": model.identity.service,
        "project_token": model.identity.project_token,
        "api_token": model.identity.api_token,
        "runner": model.runner.name(),
        "pid": std::process::id(),
    });
    tokio::spawn(http::serve(api, {
        let model = model.clone();
        move |request, _| api::answer(model.clone(), request)
    }));
    tokio::spawn(http::serve(front, {
        let model = model.clone();
        move |request, peer| front::answer(model.clone(), request, peer)
    }));
    println!("{announcement}");
    // Whoever reads it may have gone; the model goes on until it is told to end.
    let _ = std::io::stdout().flush();

    ended.notified().await;
    model.close();
    model.runner.sweep().await;
    let violations = model.state().violations.len();
    if PANIC.load(Ordering::SeqCst) {
        return ExitCode::from(PANICKED);
    }
    if violations > 0 {
        eprintln!("railway-model: error: {violations} operation(s) against the contract:");
        for violation in &model.state().violations {
            eprintln!("  {}: {}", violation.operation.as_deref().unwrap_or("?"), violation.problem);
        }
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn end_on_panic(ended: &Arc<Notify>) {
    let print = std::panic::take_hook();
    let ended = ended.clone();
    std::panic::set_hook(Box::new(move |panic| {
        print(panic);
        PANIC.store(true, Ordering::SeqCst);
        ended.notify_one();
    }));
}

fn end_on_signals(options: &Options, ended: &Arc<Notify>) -> std::io::Result<()> {
    for kind in [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()] {
        let mut signals = signal(kind)?;
        let ended = ended.clone();
        tokio::spawn(async move {
            signals.recv().await;
            ended.notify_one();
        });
    }
    if options.while_stdin_open {
        let ended = ended.clone();
        tokio::spawn(async move {
            let mut buffer = [0; 64];
            let mut input = tokio::io::stdin();
            while matches!(input.read(&mut buffer).await, Ok(1..)) {}
            ended.notify_one();
        });
    }
    Ok(())
}
