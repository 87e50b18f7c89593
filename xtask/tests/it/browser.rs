//! A page in a real browser: Chromium without a window, through its own driver. Both end with the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};

use crate::running::{PATIENCE, Running};
use crate::support::{processes_with, skipped};

/// One window.
pub struct Browser {
    agent: ureq::Agent,
    /// Of the driver; then of the session.
    address: String,
    /// Kept until the browser has ended; dropped before the folder below.
    _driver: Running,
    profile: tempfile::TempDir,
}

impl Browser {
    /// `None`, and said so, where there is none on this machine.
    pub fn start() -> Option<Browser> {
        let (Some(driver), Some(browser)) = (on_path("chromedriver"), on_path("chromium")) else {
            skipped("there is no chromium with a chromedriver");
            return None;
        };
        // It says on standard output where it listens.
        let mut driver =
            Running::start(Command::new("sh").args(["-c", "exec \"$0\" --port=0 >&2"]).arg(driver));
        let port = driver.word_after("started successfully on port ");
        let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false);
        let mut started = Browser {
            agent: ureq::Agent::new_with_config(config.proxy(None).build()),
            address: format!("http://127.0.0.1:{}/session", port.trim_end_matches('.')),
            _driver: driver,
            profile: tempfile::tempdir().unwrap(),
        };
        let created = started.post(
            "",
            &json!({"capabilities": {"alwaysMatch": {
                "browserName": "chrome",
                "goog:loggingPrefs": {"browser": "ALL"},
                "goog:chromeOptions": {
                    "binary": browser,
                    "args": [
                        "--headless=new",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--disable-dev-shm-usage",
                        "--no-first-run",
                        "--disable-background-networking",
                        "--disable-component-update",
                        "--disable-sync",
                        "--no-proxy-server",
                        format!("--user-data-dir={}", started.profile.path().display()),
                    ],
                },
            }}}),
        );
        started.address = format!("{}/{}", started.address, created["sessionId"].as_str().unwrap());
        Some(started)
    }

    fn post(&self, command: &str, body: &Value) -> Value {
        let url = format!("{}{command}", self.address);
        let request = self.agent.post(&url).content_type("application/json; charset=utf-8");
        let mut response = request.send(body.to_string()).unwrap_or_else(|error| panic!("{url}: {error}"));
        let answer = response.body_mut().read_to_vec().unwrap();
        let mut answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(response.status().as_u16(), 200, "{command}: {answer:#}");
        answer["value"].take()
    }

    /// A command of the browser's own developer tools.
    fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.post("/goog/cdp/execute", &json!({"cmd": command, "params": parameters}))
    }

    /// A window of this width, and the colours that the reader's system prefers: `light` or `dark`.
    pub fn look(&self, width: u32, scheme: &str) {
        // A narrow one as on a telephone, where no scroll bar takes anything from the width.
        let metrics = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600});
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        self.devtools("Emulation.setEmulatedMedia", &json!({"features": [feature]}));
    }

    /// Loads a page from a file.
    pub fn open(&self, file: &Path) {
        self.post("/url", &json!({"url": format!("file://{}", file.display())}));
    }

    /// What an expression gives.
    pub fn evaluate(&self, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "returnByValue": true});
        let mut told = self.devtools("Runtime.evaluate", &parameters);
        assert_eq!(told["exceptionDetails"], Value::Null, "{expression}");
        told["result"]["value"].take()
    }

    /// What the console has said of errors and warnings since it was last asked.
    pub fn complaints(&self) -> Vec<String> {
        let told = self.post("/se/log", &json!({"type": "browser"}));
        let lines = told.as_array().unwrap().iter();
        let loud = lines.filter(|line| ["SEVERE", "WARNING"].iter().any(|level| line["level"] == *level));
        loud.map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The whole page as a picture, for people, in the folder that `XTASK_SCREENSHOTS` may name.
    pub fn take_picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("XTASK_SCREENSHOTS").map(PathBuf::from) else { return };
        let size = self.evaluate("[document.documentElement.clientWidth, document.body.scrollHeight]");
        let clip = json!({"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1});
        let parameters = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let picture = self.devtools("Page.captureScreenshot", &parameters);
        fs::create_dir_all(&folder).unwrap();
        let bytes = Base64::decode_vec(picture["data"].as_str().unwrap()).unwrap();
        fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }

    /// Ends driver and browser, and waits until nothing of them is left.
    pub fn end(self) {
        let profile = self.profile.path().display().to_string();
        drop(self);
        let began = Instant::now();
        while !processes_with(&profile).is_empty() {
            assert!(began.elapsed() < PATIENCE, "{:?}", processes_with(&profile));
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser leaves the driver's process group, so the driver is asked to end it.
        let _ = self.agent.delete(&self.address).call();
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| path.is_file())
}
