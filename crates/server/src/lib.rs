//! The server of the terminal: it reads its arguments and environment, then serves until it is told to stop.
//!
//! All of it is a library, because compile caches keep libraries and no programs: what the program itself compiles, they
//! compile again in every build.

mod arguments;
mod environment;
mod health;
mod health_check;
mod history;
mod routes;
mod rpc;
mod serve;
mod site;
mod terminal;

use std::process::ExitCode;

use arguments::Command;

/// The server could not do its work, or a health check failed.
const FAILED: u8 = 1;
/// The arguments or the environment are wrong.
const MISUSED: u8 = 2;

/// What the program does, from its arguments to its exit code: 0, 1 where it could not do its work, 2 where it was told
/// something wrong.
pub fn run() -> ExitCode {
    let command = match arguments::parse(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(message) => return fail(MISUSED, &message),
    };
    match command {
        Command::Help => print!("{}", arguments::HELP),
        Command::Version => println!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")),
        Command::PrintEnvExample => print!("{}", usdfc_core::environment::env_example()),
        Command::HealthCheck => {
            if let Err(message) = health_check::run() {
                return fail(FAILED, &message);
            }
        }
        Command::Serve { demo } => {
            let environment = match environment::read() {
                Ok(environment) => environment,
                Err(problems) => return fail(MISUSED, &problems.to_string()),
            };
            if let Err(message) = serve::run(environment, demo) {
                return fail(FAILED, &message);
            }
        }
    }
    ExitCode::SUCCESS
}

fn fail(code: u8, message: &str) -> ExitCode {
    eprintln!("error: {message}");
    ExitCode::from(code)
}
