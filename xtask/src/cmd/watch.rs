//! `cargo xtask watch`: build, serve, and again with every change.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::SystemTime;

use super::context::Context;
use super::{admitted, build, serve, setup};
use crate::cli::watch::WatchArgs;
use crate::exec::Executor;
use crate::exit::{Exit, Failure, hint_of};
use crate::leptos::driver::Driver;
use crate::leptos::environment;
use crate::leptos::planning::{self, BuildTools, Input, Messages, Rustflags};
use crate::leptos::watch::{Session, Setup, Socket};
use crate::plan::{Action, Invocation, Operation, Plan, Stage, Step, WatchSources};
use crate::report::Format;

pub fn run(exec: &Executor, args: &WatchArgs) -> anyhow::Result<()> {
    let context = Context::load(exec, &args.selection())?;
    if context.driver != Driver::Native {
        let message = "`split` in [workspace.metadata.xtask] is done by cargo-leptos alone";
        return Err(Failure::usage(message).hint("run `cargo leptos watch --split`").into());
    }
    let address = serve::address(args.port, args.host)?;
    let reload = SocketAddr::new(address.ip(), context.project.reload_port);
    if address.port() == reload.port() {
        let message = format!("port {} is the app's and the reload socket's", address.port());
        return Err(Failure::usage(message)
            .hint("choose another `--port`, or another LEPTOS_RELOAD_PORT")
            .into());
    }
    if exec.is_dry_run() {
        return dry_run(exec, &context, args, address, reload);
    }
    // Before the build: nobody wants to be told afterwards.
    serve::free(address)?;
    let socket = Socket::open(reload)?;

    let since = SystemTime::now();
    let is_built =
        match build::for_command_with(exec, &context, &args.selection(), Format::Human, &args.cargo) {
            Ok(()) => true,
            Err(error) if Exit::of(&error) == Exit::CommandFailed => {
                complain(exec, &error);
                exec.ui().note("no app runs yet; waiting for changes");
                false
            }
            Err(error) => return Err(error),
        };
    let prepared = Prepared::new(exec, &context, args, address)?;
    let input = prepared.input(exec, &context);
    let mut session = Session::new(exec, socket, &prepared.setup(&context, &input, args), since, is_built);
    if is_built {
        exec.ui().status("Serving", format!("http://{}/", reachable(address)));
    }
    let result = watch(exec, args, &mut session, context, prepared, address);
    // However it ended, the server goes first.
    let closed = session.close();
    result.and(closed)
}

/// From one configuration to the next, until interrupted.
fn watch(
    exec: &Executor,
    args: &WatchArgs,
    session: &mut Session<'_>,
    mut context: Context,
    mut prepared: Prepared,
    address: SocketAddr,
) -> anyhow::Result<()> {
    loop {
        let input = prepared.input(exec, &context);
        session.run(&prepared.setup(&context, &input, args))?;
        loop {
            let loaded = Context::load(exec, &args.selection())
                .and_then(|context| Ok((Prepared::new(exec, &context, args, address)?, context)));
            match loaded {
                Ok(loaded) => {
                    (prepared, context) = loaded;
                    break;
                }
                Err(error) if matches!(Exit::of(&error), Exit::Interrupted(_)) => return Err(error),
                Err(error) => {
                    complain(exec, &error);
                    exec.ui().note("the configuration cannot be used; what runs keeps running");
                    session.wait()?;
                }
            }
        }
    }
}

/// What a configuration comes to, beside the context itself.
struct Prepared {
    tools: BuildTools,
    rustflags: Rustflags,
    cargo_args: Vec<String>,
    server: Invocation,
    receipt: PathBuf,
    address: SocketAddr,
}

impl Prepared {
    fn new(
        exec: &Executor,
        context: &Context,
        args: &WatchArgs,
        address: SocketAddr,
    ) -> anyhow::Result<Prepared> {
        let mut tools = context.tools(exec)?;
        if !exec.is_dry_run() && !tools.missing.is_empty() {
            // A wasm target may come as a private sysroot, which changes the plan.
            setup::install(exec, context, &tools.missing).1?;
            tools = context.tools(exec)?;
        }
        let rustflags = context.rustflags(&tools);
        let cargo_args = args.cargo.flags();
        let binary = planning::server_binary(&context.plan_input(&tools, &rustflags, &cargo_args));
        let env = environment::watched(&context.project);
        let mut server = serve::command(exec, context, &binary, (args.demo, &args.args), address, env)?;
        if !context.project.graceful_shutdown {
            server.stop_grace = std::time::Duration::ZERO;
        } else {
            server.stop_grace =
                std::time::Duration::from_secs(context.project.graceful_shutdown_timeout_secs);
        }
        let receipt = context.receipt(&args.selection());
        Ok(Prepared { tools, rustflags, cargo_args, server, receipt, address })
    }

    fn input<'a>(&'a self, exec: &Executor, context: &'a Context) -> Input<'a> {
        let messages = Messages::Data { colour: exec.ui().has_colour() };
        Input { messages, ..context.plan_input(&self.tools, &self.rustflags, &self.cargo_args) }
    }

    fn setup<'a>(&'a self, context: &'a Context, input: &'a Input<'a>, args: &'a WatchArgs) -> Setup<'a> {
        Setup {
            input,
            workspace: &context.workspace,
            toolchain: &context.toolchain,
            profile: &args.profile,
            receipt: &self.receipt,
            server: &self.server,
            address: reachable(self.address),
            health_path: context.automation.health_path.as_deref().unwrap_or("/"),
        }
    }
}

fn dry_run(
    exec: &Executor,
    context: &Context,
    args: &WatchArgs,
    address: SocketAddr,
    reload: SocketAddr,
) -> anyhow::Result<()> {
    let prepared = Prepared::new(exec, context, args, address)?;
    let input = Input { messages: Messages::Rendered, ..prepared.input(exec, context) };
    let watched = prepared.setup(context, &input, args).watched();
    let step = |name: &str, action: Action| Step { name: name.to_owned(), stage: Stage::Finish, action };
    let mut plan = Plan { command: "watch".to_owned(), ..planning::plan(&input) };
    plan.steps.push(step("serve", Action::Run(prepared.server.clone())));
    let sources = WatchSources {
        reload: format!("ws://{reload}/live_reload"),
        files: watched.files().map(PathBuf::from).collect(),
        folders: watched.folders().map(PathBuf::from).collect(),
    };
    plan.steps.push(step("watch", Action::Operation(Operation::WatchSources(sources))));
    admitted(exec, &plan, Format::Human).map(drop)
}

/// Where a server that listens there can be asked.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn complain(exec: &Executor, error: &anyhow::Error) {
    exec.ui().error(format!("{error:#}"));
    if let Some(hint) = hint_of(error) {
        exec.ui().hint(hint);
    }
}
