//! The life of the server: listen, serve, and finish what is open when it is told to stop.

use std::future::Future;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::environment::Environment;
use crate::health_check::reachable;
use crate::routes;
use crate::terminal::Terminal;

/// How long open connections may take to finish. Platforms kill the process soon after.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

pub fn run(environment: Environment, demo: bool) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start the runtime: {error}"))?;
    let result = runtime.block_on(serve(environment, demo));
    // A database or a source that hangs must not keep a stopped server alive.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

async fn serve(environment: Environment, demo: bool) -> Result<(), String> {
    let Environment { settings, site } = environment;
    // The address comes first: whoever waits for the server can connect while the rest starts.
    let listener = listen(settings.listen).await?;
    let stop = stop_signal()?;
    let terminal = Arc::new(Terminal::new(settings, demo)?);
    let router = routes::router(Arc::clone(&terminal), site);
    announce(&listener)?;
    tokio::spawn(terminal.run());

    let (draining, has_stopped) = oneshot::channel();
    let served = axum::serve(listener, router).with_graceful_shutdown(async move {
        stop.await;
        eprintln!("stopping: no new connections; open ones have {} s", DRAIN_LIMIT.as_secs());
        // The receiver is gone only when the server has ended already.
        let _ = draining.send(());
    });
    let out_of_time = async move {
        match has_stopped.await {
            Ok(()) => tokio::time::sleep(DRAIN_LIMIT).await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = served.into_future() => {
            ended.map_err(|error| format!("the server broke down: {error}"))?;
            eprintln!("stopped");
        }
        () = out_of_time => eprintln!("stopped; some connections were cut off"),
    }
    Ok(())
}

async fn listen(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => format!(
            "another program already listens on {address}\n\
             hint: stop it, or choose another port, for example PORT={}",
            address.port().checked_add(1).unwrap_or(3000)
        ),
        ErrorKind::AddrNotAvailable => format!(
            "this machine does not have the address {}\nhint: HOST=0.0.0.0 listens on all it has",
            address.ip()
        ),
        _ => format!("cannot listen on {address}: {error}"),
    })
}

fn announce(listener: &TcpListener) -> Result<(), String> {
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let here = reachable(address);
    if here == address {
        eprintln!("listening on http://{address}");
    } else {
        eprintln!("listening on http://{address}, on this machine http://{here}");
    }
    Ok(())
}

/// Completes at the first Ctrl-C or SIGTERM. The handlers are in place when this returns.
#[cfg(unix)]
fn stop_signal() -> Result<impl Future<Output = ()> + Send, String> {
    use tokio::signal::unix::{SignalKind, signal};
    let handler = |kind| signal(kind).map_err(|error| format!("cannot handle signals: {error}"));
    let (mut interrupt, mut terminate) =
        (handler(SignalKind::interrupt())?, handler(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> Result<impl Future<Output = ()> + Send, String> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
