//! The page in a real browser, from a built site: without scripts, hydrated, and used.
//!
//! `XTASK_SITE_BINARY` names the built server; the `LEPTOS_*` variables of its site must be set as well.
//! `XTASK_SCREENSHOTS` may name a folder for pictures. Where something is missing the test says so and
//! passes, unless `XTASK_REQUIRE=services` is set.

#![cfg(unix)]

mod common;

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Output, PATIENCE, Process, Server, ask};
use serde_json::{Value, json};

#[test]
fn the_page_works_in_a_browser() {
    let (binary, driver, browser) = match needs() {
        Ok(needs) => needs,
        Err(missing) => {
            let required = env::var("XTASK_REQUIRE").is_ok_and(|what| what == "services");
            assert!(!required, "{missing}, but XTASK_REQUIRE=services is set");
            eprintln!("skipped: {missing}");
            return;
        }
    };
    let root = workspace();
    let server = Server::start(
        Command::new(root.join(binary))
            .current_dir(&root)
            .env("HOST", "127.0.0.1")
            .env("PORT", "0")
            .env_remove("DATABASE_PATH")
            .arg("--demo"),
    );
    let url = format!("http://{}/", server.address);
    let session = Session::start(&driver, &browser);

    complete_without_scripts(&session, &url);
    hydrates_in_silence(&session, &url);
    control_reacts(&session);
    server_function_reacts(&session);
    take_pictures(&session);
    session.assert_quiet_console();
}

fn complete_without_scripts(session: &Session, url: &str) {
    session.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    session.open(url);
    assert_eq!(session.text("#supply .value"), "261,439.25 USDFC");
    assert_eq!(session.text("#tcr .value"), "220.98 %");
    assert_eq!(session.attribute("#tcr-band", "data-band"), "healthy");
    assert_eq!(session.attribute("#dashboard", "data-hydrated"), "false");
    // Without the script the form loads the page anew, with numbers of its own.
    session.click("#refresh");
    session.wait_for("#sequence", "2");
    session.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": false }));
}

fn hydrates_in_silence(session: &Session, url: &str) {
    session.open(url);
    let deadline = Instant::now() + PATIENCE;
    while session.attribute("#dashboard", "data-hydrated") != "true" {
        assert!(Instant::now() < deadline, "the page never hydrated: {}", session.console());
        sleep(Duration::from_millis(50));
    }
    session.assert_quiet_console();
}

fn control_reacts(session: &Session) {
    let in_tokens = session.text("#collateral .value");
    assert!(in_tokens.ends_with(" FIL"), "{in_tokens}");
    session.click("#unit-toggle");
    let in_dollars = session.text("#collateral .value");
    assert!(in_dollars.starts_with('$'), "{in_dollars}");
    session.click("#unit-toggle");
    assert_eq!(session.text("#collateral .value"), in_tokens);
}

fn server_function_reacts(session: &Session) {
    let (before, age) = (session.text("#sequence"), session.text("#as-of"));
    // A page that is loaded anew would lose this.
    session.script("window.survives = true");
    session.click("#refresh");
    let next = before.parse::<u64>().expect("a number") + 1;
    session.wait_for("#sequence", &next.to_string());
    assert_ne!(session.text("#as-of"), age);
    assert_eq!(session.script("return window.survives"), json!(true));
}

fn take_pictures(session: &Session) {
    let Some(folder) = env::var_os("XTASK_SCREENSHOTS") else {
        return;
    };
    let folder = workspace().join(folder);
    fs::create_dir_all(&folder).expect("a folder for the pictures");
    for scheme in ["light", "dark"] {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        session.devtools("Emulation.setEmulatedMedia", json!({ "features": [feature] }));
        let picture = session.devtools("Page.captureScreenshot", json!({ "format": "png" }));
        let picture = decode_base64(picture["data"].as_str().expect("a picture"));
        assert!(picture.starts_with(b"\x89PNG"), "not a picture");
        fs::write(folder.join(format!("dashboard-{scheme}.png")), picture).expect("a picture is written");
    }
}

/// The server, the driver and the browser, or what is missing.
fn needs() -> Result<(PathBuf, PathBuf, PathBuf), String> {
    let binary = env::var_os("XTASK_SITE_BINARY").ok_or("XTASK_SITE_BINARY is not set")?;
    let driver = on_path("chromedriver").ok_or("there is no chromedriver")?;
    let browser = on_path("chromium").ok_or("there is no chromium")?;
    Ok((binary.into(), driver, browser))
}

fn on_path(program: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Relative paths in the environment count from here, as they do for every other command.
fn workspace() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the workspace")
}

/// One browser window, driven through WebDriver. Fields are dropped in this order.
struct Session {
    address: SocketAddr,
    path: String,
    driver: Process,
    profile: PathBuf,
}

impl Session {
    fn start(driver: &Path, browser: &Path) -> Self {
        let profile = env::temp_dir().join(format!("usdfc-browser-{}", std::process::id()));
        let mut driver = Process::start(Command::new(driver).arg("--port=0"), Output::Stdout);
        let port = driver.word_after("started successfully on port ");
        let port = port.trim_end_matches('.').parse().expect("the driver's port");
        let mut session = Self {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            path: "/session".to_owned(),
            driver,
            profile,
        };
        let capabilities = json!({ "alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": {
                "binary": browser,
                "args": [
                    "--headless=new",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-dev-shm-usage",
                    "--disable-quic",
                    "--no-first-run",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                    "--no-proxy-server",
                    "--window-size=1200,900",
                    format!("--user-data-dir={}", session.profile.display()),
                ],
            },
        } });
        let created = session.post("", json!({ "capabilities": capabilities }));
        let id = created["sessionId"].as_str().expect("a session");
        session.path = format!("/session/{id}");
        session
    }

    fn post(&self, command: &str, body: Value) -> Value {
        self.request("POST", command, &body.to_string())
            .unwrap_or_else(|error| panic!("the browser refused {command} {body}: {error}"))
    }

    fn request(&self, method: &str, command: &str, body: &str) -> Result<Value, Value> {
        let path = format!("{}{command}", self.path);
        let headers = ["Content-Type: application/json; charset=utf-8"];
        let answer = ask(self.address, method, &path, &headers, body);
        let value = answer.json()["value"].take();
        if answer.status == 200 { Ok(value) } else { Err(value) }
    }

    fn open(&self, url: &str) {
        self.post("/url", json!({ "url": url }));
    }

    /// A command of the browser's own developer tools.
    fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.post("/goog/cdp/execute", json!({ "cmd": command, "params": parameters }))
    }

    fn script(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({ "script": script, "args": [] }))
    }

    /// The path of an element, which is found anew each time: a page that is loaded anew has others.
    fn element(&self, selector: &str) -> String {
        let found = self.post("/element", json!({ "using": "css selector", "value": selector }));
        let id = found.as_object().and_then(|object| object.values().next()?.as_str());
        format!("/element/{}", id.expect("an element"))
    }

    fn try_text(&self, selector: &str) -> Result<String, Value> {
        let question = json!({ "using": "css selector", "value": selector });
        let found = self.request("POST", "/element", &question.to_string())?;
        let id = found.as_object().and_then(|object| object.values().next()?.as_str());
        let text = self.request("GET", &format!("/element/{}/text", id.unwrap_or_default()), "")?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    fn text(&self, selector: &str) -> String {
        self.try_text(selector).unwrap_or_else(|error| panic!("no text of {selector}: {error}"))
    }

    fn attribute(&self, selector: &str, name: &str) -> String {
        let path = format!("{}/attribute/{name}", self.element(selector));
        let value = self.request("GET", &path, "").unwrap_or_else(|error| panic!("{path}: {error}"));
        value.as_str().unwrap_or_default().to_owned()
    }

    fn click(&self, selector: &str) {
        self.post(&format!("{}/click", self.element(selector)), json!({}));
    }

    /// While a page is being replaced its elements come and go; only the deadline is an error.
    fn wait_for(&self, selector: &str, expected: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.try_text(selector);
            if found.as_deref() == Ok(expected) {
                return;
            }
            assert!(Instant::now() < deadline, "{selector} is {found:?}, not {expected}: {}", self.console());
            sleep(Duration::from_millis(50));
        }
    }

    /// What the console said since it was last asked.
    fn console(&self) -> Value {
        self.post("/se/log", json!({ "type": "browser" }))
    }

    fn assert_quiet_console(&self) {
        let console = self.console();
        let lines = console.as_array().expect("a list of lines");
        let loud: Vec<_> = lines
            .iter()
            .filter(|line| ["SEVERE", "WARNING"].iter().any(|level| line["level"] == *level))
            .collect();
        assert!(loud.is_empty(), "the console has {loud:#?}");
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The browser leaves the driver's process group, so only the driver can end it. A thread, because
        // a failure here must not become a second panic.
        let (address, path) = (self.address, self.path.clone());
        let _ = std::thread::spawn(move || ask(address, "DELETE", &path, &[], "").status).join();
        self.driver.kill_group();
        let _ = fs::remove_dir_all(&self.profile);
    }
}

fn decode_base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for character in text.bytes().take_while(|byte| *byte != b'=') {
        let value = ALPHABET.iter().position(|known| *known == character).expect("Base64");
        bits = (bits << 6 | value as u32) & 0xff_ffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    bytes
}

#[test]
fn base64() {
    assert_eq!(decode_base64("aGVsbG8="), b"hello");
    assert_eq!(decode_base64("iVBORw=="), b"\x89PNG");
}
