//! The server as its users meet it: a program with an environment, addresses and exit codes.

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Server, ask};

const BINARY: &str = env!("CARGO_BIN_EXE_usdfc-analytics-terminal");

/// The server with nothing in its environment but what it needs, on a free port of the loopback.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.env_clear().env("HOST", "127.0.0.1").env("PORT", "0");
    command.env("LEPTOS_OUTPUT_NAME", "terminal").env("LEPTOS_SITE_ROOT", "no-site").args(arguments);
    command
}

/// An empty folder that is gone after the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("usdfc-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Stands in for a built site, under every name that the server may look for.
fn write_site(root: &Path) {
    fs::create_dir_all(root.join("pkg")).unwrap();
    for file in ["terminal.js", "terminal.wasm", "terminal_bg.wasm", "terminal.css"] {
        fs::write(root.join("pkg").join(file), "plain").unwrap();
    }
}

#[test]
fn the_page_is_complete_without_a_script() {
    let server = Server::start(&mut command(&["--demo"]));
    let answer = server.get("/");
    assert_eq!(answer.status, 200);
    let page = answer.text();
    for part in [
        "<html lang=\"en\">",
        "<title>USDFC Analytics Terminal</title>",
        "<meta name=\"description\"",
        "261,439.25 USDFC",
        "249,026.75 FIL",
        "220.98 %",
        "data-band=\"healthy\"",
        "83,036.50 USDFC",
        "$2.32",
        "As of 2026-01-01 00:00:30 UTC",
    ] {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
    assert!(!page.contains("Loading"));
}

#[test]
fn unknown_addresses_are_not_found() {
    let server = Server::start(&mut command(&["--demo"]));
    let page = server.get("/no/such/page");
    assert_eq!(page.status, 404);
    assert!(page.text().contains("There is no such page"));
    let api = server.get("/api/no-such-thing");
    assert_eq!(api.status, 404);
    assert!(api.json()["error"].is_string());
}

#[test]
fn health_is_cheap_and_tells_the_revision() {
    let server = Server::start(command(&["--demo"]).env("APP_REVISION", "abc123"));
    let health = server.get("/api/health");
    assert_eq!(health.status, 200);
    let health = health.json();
    assert_eq!(health["status"], "pass");
    assert_eq!(health["revision"], "abc123");
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    assert!(health["uptime_secs"].is_u64());
}

#[test]
fn detailed_health_fails_only_for_a_broken_installation() {
    let bare = Server::start(&mut command(&["--demo"]));
    let answer = bare.get("/api/health/detailed");
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["checks"]["site:files"][0]["status"], "fail");

    let folder = Folder::new("site");
    write_site(&folder.0);
    let whole = Server::start(command(&["--demo"]).env("LEPTOS_SITE_ROOT", &folder.0));
    let answer = whole.get("/api/health/detailed");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/health+json"));
    assert!(answer.json()["checks"]["database:responseTime"][0].is_object());
}

#[test]
fn a_dead_source_and_a_bad_database_are_told_and_not_fatal() {
    let folder = Folder::new("dead");
    write_site(&folder.0);
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut server = Server::start(
        command(&[])
            .env("LEPTOS_SITE_ROOT", &folder.0)
            .env("RPC_URL", format!("http://user:canary@{unused}/"))
            // A folder cannot be a database.
            .env("DATABASE_PATH", &folder.0),
    );
    server.process.word_after("the history is kept in memory");
    server.process.word_after("the chain does not answer");
    assert_eq!(server.get("/api/health").status, 200);
    let detailed = server.get("/api/health/detailed");
    assert_eq!(detailed.status, 200);
    assert_eq!(detailed.json()["status"], "warn");
    assert!(!detailed.text().contains("canary"));
    let page = server.get("/");
    assert_eq!(page.status, 200);
    assert!(page.text().contains("history is kept in memory only"));
    assert!(page.text().contains("data-freshness=\"unknown\""));
    assert!(!page.text().contains("canary"));
}

/// A node of the chain that answers every call with 18-decimal amounts, and the count of troves.
fn start_node() -> String {
    let node = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = node.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in node.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
                let (name, value) = line.split_once(':').unwrap_or_default();
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let question: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let wei = 10_u128.pow(18);
            let number = match question["params"][0]["data"].as_str().unwrap() {
                "0x18160ddd" => 1_000 * wei,
                "0x887105d3" => 900 * wei,
                "0x49eefeee" => 7,
                "0x0490be83" => 2 * wei,
                "0x0d9a6b35" => 300 * wei,
                "0x4a59ff51" => 5 * wei / 2,
                other => panic!("nobody asks for {other}"),
            };
            let body = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x{number:064x}\"}}");
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
            write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        }
    });
    format!("http://{address}/")
}

#[test]
fn numbers_come_from_the_chain_and_outlive_the_server() {
    let folder = Folder::new("chain");
    let database = folder.0.join("history.db");
    let mut live = Server::start(command(&[]).env("RPC_URL", start_node()).env("DATABASE_PATH", &database));
    let deadline = Instant::now() + common::PATIENCE;
    while live.get("/api/v1/metrics").json()["sequence"] == 0 {
        assert!(Instant::now() < deadline, "the chain was never asked");
        sleep(Duration::from_millis(20));
    }
    let metrics = live.get("/api/v1/metrics").json();
    assert_eq!(metrics["origin"], "live");
    assert_eq!(metrics["freshness"], "fresh");
    assert_eq!(metrics["supply"]["value"], "1000");
    assert_eq!(metrics["troves"]["value"], 7);
    assert_eq!(metrics["stability_pool_collateral"]["value"], "2.5");
    assert_eq!(metrics["collateral_ratio"]["basis_points"], 18_000);
    assert_eq!(metrics["collateral_ratio"]["band"], "warning");
    let health = live.get("/api/health/detailed").json();
    assert_eq!(health["checks"]["rpc:responseTime"][0]["status"], "pass");
    live.process.signal("TERM");
    live.process.wait();

    // The next one cannot reach the chain and shows what is left of it.
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut blind = Server::start(
        command(&[]).env("RPC_URL", format!("http://{unused}/")).env("DATABASE_PATH", &database),
    );
    blind.process.word_after("the chain does not answer");
    let page = blind.get("/").text();
    assert!(page.contains("1,000.00 USDFC") && page.contains("data-freshness=\"stale\""), "{page}");
    assert!(page.contains("Some numbers are stale"));
}

#[test]
fn metrics_are_json_and_a_refresh_renews_them() {
    let folder = Folder::new("metrics");
    let database = folder.0.join("made/history.db");
    let server = Server::start(command(&["--demo"]).env("DATABASE_PATH", &database));
    let metrics = server.get("/api/v1/metrics").json();
    assert_eq!(metrics["sequence"], 1);
    assert_eq!(metrics["supply"]["value"], "261439.25");
    assert_eq!(metrics["collateral_ratio"]["band"], "healthy");

    // The way of a browser without a script: the form of the page, then back to it.
    let page = server.get("/").text();
    let action = page.split("<form action=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let form = ["Accept: text/html", "Content-Type: application/x-www-form-urlencoded", "Referer: /"];
    let answer = ask(server.address, "POST", action, &form, "");
    assert_eq!((answer.status, answer.header("location")), (302, Some("/")));
    assert_eq!(server.get("/api/v1/metrics").json()["sequence"], 2);
    assert!(database.is_file());
}

#[test]
fn files_come_compressed_typed_and_with_a_lifetime() {
    let folder = Folder::new("files");
    let root = folder.0.join("site");
    write_site(&root);
    fs::write(root.join("pkg/terminal.h4sh.wasm"), "plain").unwrap();
    fs::write(root.join("pkg/terminal.h4sh.wasm.br"), "brotli").unwrap();
    fs::write(folder.0.join("hash.txt"), "js: h4sh\nwasm: h4sh\ncss: h4sh\n").unwrap();
    // Leptos looks for the hash file beside the program.
    let program = folder.0.join("server");
    if fs::hard_link(BINARY, &program).is_err() {
        fs::copy(BINARY, &program).unwrap();
    }
    let mut command = Command::new(&program);
    command.env_clear().env("HOST", "127.0.0.1").env("PORT", "0").arg("--demo");
    command.env("LEPTOS_OUTPUT_NAME", "terminal").env("LEPTOS_SITE_ROOT", &root);
    command.env("LEPTOS_ENV", "PROD").env("LEPTOS_HASH_FILES", "true");
    let server = Server::start(&mut command);

    assert!(server.get("/").text().contains("/pkg/terminal.h4sh.css"));
    let path = "/pkg/terminal.h4sh.wasm";
    let plain = server.get(path);
    assert_eq!((plain.status, plain.text().as_str()), (200, "plain"));
    let small = ask(server.address, "GET", path, &["Accept-Encoding: gzip, br"], "");
    assert_eq!(small.text(), "brotli");
    assert_eq!(small.header("content-encoding"), Some("br"));
    assert_eq!(small.header("content-type"), Some("application/wasm"));
    assert_eq!(small.header("cache-control"), Some("public, max-age=31536000, immutable"));
    let unhashed = server.get("/pkg/terminal.css");
    assert_eq!(unhashed.header("content-type"), Some("text/css"));
    assert_eq!(unhashed.header("cache-control"), Some("no-cache"));
    // The times of files say nothing in an image, so nobody may be told "not modified" because of them.
    assert_eq!(unhashed.header("last-modified"), None);
    let since = "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT";
    assert_eq!(ask(server.address, "GET", "/pkg/terminal.css", &[since], "").status, 200);
}

#[test]
fn every_bad_value_is_told_in_one_message() {
    let output = command(&["--demo"])
        .env("PORT", "eighty")
        .env("TROVE_MANAGER", "0x0")
        .env("RPC_URL", "canary")
        .env("LEPTOS_HASH_FILES", "yes")
        .env_remove("LEPTOS_OUTPUT_NAME")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.starts_with("error: the environment has 5 bad values:"), "{message}");
    for name in ["PORT=\"eighty\"", "TROVE_MANAGER=\"0x0\"", "RPC_URL:", "LEPTOS_HASH_FILES=\"yes\""] {
        assert!(message.contains(name), "{name} is missing in {message}");
    }
    assert!(message.contains("LEPTOS_OUTPUT_NAME: expected"));
    assert!(!message.contains("canary"));
}

#[test]
fn a_missing_hash_file_is_a_bad_value() {
    let output = command(&[])
        .env("LEPTOS_HASH_FILES", "true")
        .env("LEPTOS_HASH_FILE_NAME", "absent.txt")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`absent.txt` beside the server"));
}

#[test]
fn a_wrong_flag_is_refused() {
    let output = command(&["--domo"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`--domo`"));
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let output = command(&["--demo"]).env("PORT", address.port().to_string()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains(&address.to_string()) && message.contains("hint:"), "{message}");
}

#[test]
fn the_health_check_mode_tells_a_live_server_from_a_dead_one() {
    let mut server = Server::start(&mut command(&["--demo"]));
    let port = server.address.port().to_string();
    let check = || command(&["--health-check"]).env("PORT", &port).status().unwrap().code();
    assert_eq!(check(), Some(0));
    server.process.signal("TERM");
    server.process.wait();
    assert_eq!(check(), Some(1));
}

#[cfg(unix)]
#[test]
fn signals_end_the_server_in_order() {
    for name in ["TERM", "INT"] {
        let mut server = Server::start(&mut command(&["--demo"]));
        assert_eq!(server.get("/api/health").status, 200);
        server.process.signal(name);
        assert_eq!(server.process.wait().code(), Some(0), "SIG{name}");
    }
}
