//! The verdicts: what is right and what is wrong with what was seen. Pure.

use std::net::SocketAddr;
use std::time::Duration;

use super::engine::State;
use super::page::Kind;
use crate::config::address::is_loopback;
use crate::record::smoke::{CheckRecord, Verdict};

/// The label with the address of the repository.
pub const SOURCE: &str = "org.opencontainers.image.source";

/// Every check, in the order of the report.
pub const CHECKS: [&str; 18] = [
    "user",
    "no-baked-port",
    "leptos-env",
    "source-label",
    "secrets",
    "provenance",
    "health",
    "health-command",
    "listening",
    "page",
    "script",
    "wasm",
    "style",
    "compression",
    "memory",
    "drain",
    "stop",
    "read-only-root",
];

/// A verdict with its reason: what was found, or what is wrong with it.
pub fn check(name: &str, found: Result<String, String>) -> CheckRecord {
    let (verdict, detail) = match found {
        Ok(detail) => (Verdict::Ok, detail),
        Err(detail) => (Verdict::Failed, detail),
    };
    CheckRecord { name: name.to_owned(), verdict, detail }
}

/// A check for which there is nothing to look at.
pub fn skipped(name: &str, why: impl Into<String>) -> CheckRecord {
    CheckRecord { name: name.to_owned(), verdict: Verdict::Skipped, detail: why.into() }
}

/// Every check in its order; those that never came to a verdict were not run.
pub fn complete(known: Vec<CheckRecord>) -> Vec<CheckRecord> {
    let not_run =
        |name: &str| CheckRecord { name: name.to_owned(), verdict: Verdict::NotRun, detail: String::new() };
    let find = |name: &str| known.iter().find(|check| check.name == name).cloned();
    CHECKS.into_iter().map(|name| find(name).unwrap_or_else(|| not_run(name))).collect()
}

/// Who the server is: the configured user, and the user id of its process where that can be seen.
pub fn user(configured: &str, running: Option<u32>) -> Result<String, String> {
    let name = configured.split(':').next().unwrap_or_default();
    if name.is_empty() {
        return Err(
            "the image names no user, so the server is root; wanted another (`USER` in a Dockerfile)"
                .to_owned(),
        );
    }
    if name == "root" || name.parse() == Ok(0_u32) {
        return Err(format!("the image's user is `{configured}`; wanted one who is not root"));
    }
    match running {
        Some(0) => Err(format!("the image's user is `{configured}`, but its process runs as root")),
        Some(id) => Ok(format!("{configured}; its process runs as user id {id}")),
        None => Ok(format!("{configured}; its process cannot be seen from here")),
    }
}

/// The platform chooses the port; a built-in one hides that the variable is missing.
pub fn no_baked_port(built_in: Option<&str>) -> Result<String, String> {
    match built_in {
        None => Ok("PORT is not built in".to_owned()),
        Some(port) => Err(format!("PORT={port} is built in; wanted none, because the platform chooses it")),
    }
}

/// The variables that Leptos reads at run time; `variable` gives those of the image.
///
/// Where a variable says nothing, the server goes by what was compiled into it, by its manifest's table or by a
/// default. That is as good as long as its files are found: `lacks_files` says that some are not there.
pub fn leptos_env<'a>(
    variable: impl Fn(&str) -> Option<&'a str>,
    lacks_files: bool,
) -> Result<String, String> {
    let (mut problems, mut found, mut unset) = (Vec::new(), Vec::new(), Vec::new());
    for name in ["LEPTOS_OUTPUT_NAME", "LEPTOS_SITE_ROOT", "LEPTOS_SITE_PKG_DIR", "LEPTOS_ENV"] {
        match variable(name).filter(|value| !value.is_empty()) {
            // By its default it is development.
            None if lacks_files || name == "LEPTOS_ENV" => problems.push(format!("{name} is not set")),
            None => unset.push(name),
            // As Leptos reads it; everything else is development.
            Some(value)
                if name == "LEPTOS_ENV"
                    && !["prod", "production"].contains(&value.to_lowercase().as_str()) =>
            {
                problems.push(format!("{name} is `{value}`, wanted PROD"));
            }
            Some(value) => found.push(format!("{name}={value}")),
        }
    }
    if let Some(address) = variable("LEPTOS_SITE_ADDR").filter(|address| is_loopback(address)) {
        problems
            .push(format!("LEPTOS_SITE_ADDR is `{address}`, which nobody outside reaches; wanted 0.0.0.0"));
    }
    if !problems.is_empty() {
        return Err(problems.join("; "));
    }
    let found = found.join(" ");
    Ok(if unset.is_empty() { found } else { format!("{found}; not set: {}", unset.join(", ")) })
}

/// The label by which GitHub links a package to its repository, whose workflow may push it then. `label` is its value,
/// if it has one. Elsewhere an image is good without it.
pub fn source_label(label: Option<&str>, is_at_github: bool) -> CheckRecord {
    let name = "source-label";
    let Some(source) = label else {
        let why = format!(
            "the image has no label `{SOURCE}`: `repository` in the server's package sets it where the image is made"
        );
        return if is_at_github { check(name, Err(why)) } else { skipped(name, why) };
    };
    let is_address = ["https://", "http://"].iter().any(|start| source.starts_with(start));
    check(
        name,
        match is_address {
            true => Ok(source.to_owned()),
            false => Err(format!("the label `{SOURCE}` is `{source}`; wanted the address of the repository")),
        },
    )
}

/// What the health path last said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Silence {
    /// Another status than 200.
    Status(u16),
    /// No answer, and why.
    Nothing(String),
}

/// Why a server that runs never became healthy. `listening` is `None` where it cannot be seen.
pub fn unhealthy(
    path: &str,
    port: u16,
    last: &Silence,
    listening: Option<&[SocketAddr]>,
    limit: Duration,
) -> String {
    let within = limit.as_secs();
    let why = match last {
        Silence::Status(status) => {
            return format!("GET {path} answers {status}, wanted 200 within {within} s");
        }
        Silence::Nothing(why) => why,
    };
    let wanted = format!("wanted 0.0.0.0:{port}");
    let found = match listening {
        None => {
            format!("no answer to GET {path} ({why}); where it listens cannot be seen from here, {wanted}")
        }
        Some([]) => format!("it listens nowhere, {wanted}"),
        Some(all) => {
            let here: Vec<&SocketAddr> = all.iter().filter(|address| address.port() == port).collect();
            let shown: Vec<String> = all.iter().map(SocketAddr::to_string).collect();
            match here.iter().find(|address| !address.ip().is_loopback()) {
                Some(address) => format!("it listens on {address}, but no answer to GET {path} ({why})"),
                None if !here.is_empty() => {
                    format!("it listens on {} only, which nobody outside reaches; {wanted}", here[0])
                }
                None => {
                    format!("it listens on {}, {wanted}: does it read PORT?", shown.join(", "))
                }
            }
        }
    };
    format!("after {within} s {found}")
}

/// Where a healthy server listens; `None` where that cannot be seen.
pub fn listening(port: u16, listening: Option<&[SocketAddr]>) -> CheckRecord {
    let Some(all) = listening else {
        return skipped("listening", "its sockets cannot be seen from here; it answers from outside");
    };
    let own: Vec<String> =
        all.iter().filter(|address| address.port() == port).map(SocketAddr::to_string).collect();
    let others = all.iter().filter(|address| address.port() != port && !address.ip().is_loopback());
    let others: Vec<String> = others.map(SocketAddr::to_string).collect();
    // A platform sends nothing to another port, and nobody expects one to be open.
    let found = match (own.is_empty(), others.is_empty()) {
        (true, _) => Err(format!("it listens on {}, not on PORT={port}", others.join(", "))),
        (false, true) => Ok(own.join(", ")),
        (false, false) => Ok(format!("{}; and on {}", own.join(", "), others.join(", "))),
    };
    check("listening", found)
}

/// What the server took of its memory. `peak` is `None` where that cannot be seen.
pub fn memory(state: &State, peak: Option<u64>, limit: Option<u64>) -> Result<String, String> {
    let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    let of = limit.map_or("without a limit".to_owned(), |limit| format!("of {}", megabytes(limit)));
    if state.oom_killed {
        return Err(format!(
            "the kernel ended it: more was needed than the {}",
            of.trim_start_matches("of ")
        ));
    }
    Ok(match peak {
        Some(peak) => format!("{} at most, {of}", megabytes(peak)),
        None => format!("enough, {of}; how much it took cannot be seen from here"),
    })
}

/// A server that ended by itself, or that the engine could not even start.
pub fn ended(state: &State, after: Duration) -> String {
    if !state.error.is_empty() {
        return format!("the engine cannot start it: {}", one_line(&state.error));
    }
    let memory = if state.oom_killed { ", because memory ran out" } else { "" };
    format!(
        "it ended by itself with exit code {} after {:.1} s{memory}",
        state.exit_code,
        after.as_secs_f64()
    )
}

/// What one address was answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    pub status: u16,
    /// Without parameters, in lower case; empty where there is none.
    pub content_type: String,
    pub body: Vec<u8>,
}

/// The page itself. `path` is `/`, or where it redirected to.
pub fn page(path: &str, served: &Served) -> Result<String, String> {
    if served.status != 200 {
        return Err(format!("GET {path} answers {}, wanted 200", served.status));
    }
    if served.content_type != "text/html" {
        return Err(format!("GET {path} has {}, wanted text/html", content_type(served)));
    }
    let start = String::from_utf8_lossy(&served.body).to_ascii_lowercase();
    if !start.contains("<html") {
        return Err(format!("GET {path} is no page: {} bytes without `<html`", served.body.len()));
    }
    Ok(format!("{path} 200 text/html, {} bytes", served.body.len()))
}

/// A file that the page links to.
pub fn file(kind: Kind, path: &str, served: &Served) -> Result<String, String> {
    if served.status != 200 {
        return Err(format!("{path} answers {}, wanted 200", served.status));
    }
    let wanted = kind.content_types();
    if !wanted.contains(&served.content_type.as_str()) {
        return Err(format!("{path} has {}, wanted {}", content_type(served), wanted[0]));
    }
    if served.body.is_empty() {
        return Err(format!("{path} is empty"));
    }
    if kind == Kind::Wasm && !served.body.starts_with(b"\0asm") {
        return Err(format!("{path} is no wasm: it does not begin with \\0asm"));
    }
    Ok(format!("{path} {}, {} bytes", served.content_type, served.body.len()))
}

fn content_type(served: &Served) -> String {
    match served.content_type.as_str() {
        "" => "no content type".to_owned(),
        name => format!("content type {name}"),
    }
}

/// All files of one kind: every problem, or the first file and how many more there are.
pub fn files(kind: Kind, found: Vec<Result<String, String>>) -> CheckRecord {
    if found.is_empty() {
        return match kind {
            Kind::Style => skipped(kind.name(), "the page links to no style sheet of the app"),
            _ => check(kind.name(), Err("the page links to none; without it nothing reacts".to_owned())),
        };
    }
    let problems: Vec<String> = found.iter().filter_map(|file| file.clone().err()).collect();
    if !problems.is_empty() {
        return check(kind.name(), Err(problems.join("; ")));
    }
    let more = found.len() - 1;
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    check(kind.name(), found.into_iter().take(1).collect::<Result<String, _>>().map(|first| first + &more))
}

/// How the server took SIGTERM. `took` is `None` where it still ran at the end of the limit.
pub fn stopped(state: &State, took: Option<Duration>, limit: Duration) -> Result<String, String> {
    let Some(took) = took else {
        return Err(format!(
            "still running {} s after SIGTERM, so the platform kills it (137): a server that is process 1 has to \
             handle the signal, else nothing happens",
            limit.as_secs()
        ));
    };
    let took = took.as_secs_f64();
    match state.exit_code {
        0 => Ok(format!("exit code 0, {took:.2} s after SIGTERM")),
        143 => {
            Err("exit code 143, wanted 0: the signal itself ended it, and with it every request under way"
                .to_owned())
        }
        137 => Err("exit code 137, wanted 0: it was killed".to_owned()),
        code => Err(format!("exit code {code}, wanted 0, {took:.2} s after SIGTERM")),
    }
}

/// Engines wrap their reasons over several lines.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
