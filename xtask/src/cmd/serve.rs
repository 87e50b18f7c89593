//! `cargo xtask serve`: the built app as production runs it. Never builds; a stale build is refused.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::admitted;
use super::context::Context;
use crate::cli::ServeArgs;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::facts::revision::Revision;
use crate::leptos::{environment, receipt::Receipt};
use crate::plan::{Action, Invocation, Plan, Stage, Step};
use crate::report::Format;

/// Sources named in the message about a stale build; more would hide the command that mends it.
const FINDINGS_SHOWN: usize = 3;
/// How long the server may take to drain its connections after SIGTERM.
const DRAIN: Duration = Duration::from_secs(15);
/// How often a starting server is asked, and how long one answer may take.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
const POLL_LIMIT: Duration = Duration::from_secs(5);

pub fn run(exec: &Executor, args: &ServeArgs) -> anyhow::Result<()> {
    let context = Context::load(exec, &args.selection)?;
    let address = address(args.port, args.host)?;
    let binary = current_build(&context, args)?;
    let env = environment::production(&context.project);
    let command = command(exec, &context, &binary, (args.demo, &args.args), address, env)?;
    let step = Step { name: "serve".to_owned(), stage: Stage::Finish, action: Action::Run(command) };
    let plan = Plan { command: "serve".to_owned(), steps: vec![step] };
    if !admitted(exec, &plan, Format::Human)? {
        return Ok(());
    }
    free(address)?;
    for step in &plan.steps {
        if let Action::Run(command) = &step.action {
            exec.ui().status("Starting", &context.project.name);
            serve(exec, command, address)?;
        }
    }
    Ok(())
}

/// Runs the server until it is stopped, and says when it answers.
fn serve(exec: &Executor, command: &Invocation, address: SocketAddr) -> anyhow::Result<()> {
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let url = format!("http://{address}/");
            while !ended.load(Ordering::Relaxed) && exec.check_interrupted().is_ok() {
                if exec.fetch(&url, POLL_LIMIT).is_ok() {
                    exec.ui().status("Serving", &url);
                    return;
                }
                thread::sleep(POLL_INTERVAL);
            }
        });
        let result = exec.run_visible(command).map(drop);
        ended.store(true, Ordering::Relaxed);
        result
    })
}

/// Where to listen: the flags, else the variables that the server itself reads, else this machine's port 3000.
pub(super) fn address(port: Option<u16>, host: Option<IpAddr>) -> anyhow::Result<SocketAddr> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let bad = |name: &str, value: &str, expected: &str| {
        Failure::usage(format!("the variable {name} is `{value}`, which is not {expected}"))
            .hint(format!("give `--{}`, or unset {name}", name.to_lowercase()))
    };
    let port = match (port, variable("PORT")) {
        (Some(port), _) => port,
        (None, None) => 3000,
        (None, Some(value)) => {
            let port = value.parse().ok().filter(|port| *port > 0);
            port.ok_or_else(|| bad("PORT", &value, "a port from 1 to 65535"))?
        }
    };
    let host = match (host, variable("HOST")) {
        (Some(host), _) => host,
        (None, None) => IpAddr::from([127, 0, 0, 1]),
        (None, Some(value)) => value.parse().map_err(|_| bad("HOST", &value, "an IP address"))?,
    };
    Ok(SocketAddr::new(host, port))
}

/// The server of a build, with `--demo` and its own arguments, and Leptos' variables in `env`.
pub(super) fn command(
    exec: &Executor,
    context: &Context,
    binary: &Path,
    (demo, args): (bool, &[String]),
    address: SocketAddr,
    env: BTreeMap<String, String>,
) -> anyhow::Result<Invocation> {
    if demo && context.automation.demo_args.is_empty() {
        return Err(Failure::usage(
            "`--demo`: the workspace does not say how the server is given made-up data",
        )
        .hint("add `demo-args = [\"--demo\"]` to [workspace.metadata.xtask] in the root Cargo.toml")
        .into());
    }
    let demo: &[String] = if demo { &context.automation.demo_args } else { &[] };
    let mut command = Invocation::new(binary.display().to_string(), &context.workspace.root)
        .args(demo)
        .args(args)
        .env("HOST", address.ip().to_string())
        .env("PORT", address.port().to_string())
        .timeout(Duration::MAX);
    command.env.extend(env);
    // A server that reads Leptos' own address instead of HOST and PORT listens there too.
    command = command.env("LEPTOS_SITE_ADDR", address.to_string());
    let revision = Revision::probe(exec, &context.workspace.root);
    if let (Some(commit), None) = (revision.commit, std::env::var_os("APP_REVISION")) {
        let dirty = if revision.dirty == Some(true) { "-dirty" } else { "" };
        command = command.env("APP_REVISION", format!("{commit}{dirty}"));
    }
    command.stop_grace = DRAIN;
    Ok(command)
}

/// The server binary of a build that nothing has overtaken.
fn current_build(context: &Context, args: &ServeArgs) -> anyhow::Result<PathBuf> {
    let receipt = Receipt::read(&context.receipt(&args.selection));
    let mend = match args.selection.profile.as_str() {
        crate::leptos::halves::DEFAULT_PROFILE => "cargo xtask build".to_owned(),
        profile => format!("cargo xtask build --profile {profile}"),
    };
    let profile = &args.selection.profile;
    let (Some(front), Some(server)) = (&receipt.front, &receipt.server) else {
        let message = format!("`{}` has no complete build with profile `{profile}`", context.project.name);
        return Err(Failure::new(Exit::CheckFailed, message).hint(format!("run `{mend}`")).into());
    };
    let stale: Vec<String> = [front.stale(), server.stale()].concat();
    if !stale.is_empty() {
        let mut shown = stale.clone();
        shown.dedup();
        let more = shown.len().saturating_sub(FINDINGS_SHOWN);
        shown.truncate(FINDINGS_SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let message = format!("the build with profile `{profile}` is stale: {}{more}", shown.join(", "));
        return Err(Failure::new(Exit::CheckFailed, message).hint(format!("run `{mend}`")).into());
    }
    let binary = server.artifacts.first().cloned();
    binary.ok_or_else(|| {
        Failure::new(Exit::CheckFailed, "the receipt names no server binary").hint(mend).into()
    })
}

/// Whether the address can be listened on. The server would find out too, but only after it started.
pub(super) fn free(address: SocketAddr) -> anyhow::Result<()> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) => {
            let hint = match error.kind() {
                ErrorKind::AddrNotAvailable => {
                    "`--host` takes an address of this machine: 127.0.0.1, or 0.0.0.0 for all"
                }
                ErrorKind::PermissionDenied => "low ports need special rights; choose another: `--port 3000`",
                _ => "stop what uses the port, or choose another with `--port`",
            };
            let message = format!("cannot listen on {address}: {error}");
            Err(Failure::new(Exit::CommandFailed, message).hint(hint).into())
        }
    }
}
