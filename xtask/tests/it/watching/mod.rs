//! `watch` on the fixture workspace with real cargo: what each change compiles, what the page is told, and what runs.

mod page;

use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::running::{PATIENCE, Running, get, links};
use crate::support::{MISSING_TOOL, Workspace, processes_with, skipped};
use page::Page;

/// A running `watch`, and the round that was looked at last.
struct Watch {
    workspace: Workspace,
    running: Running,
    port: u16,
    reload: u16,
    rounds: usize,
}

impl Watch {
    /// A workspace that has been built, which may take longer than anybody here waits for a round.
    fn built() -> Workspace {
        let workspace = Workspace::fixture();
        workspace.build(&["--profile", "dev"]);
        workspace
    }

    /// Starts it; the first build is under way.
    fn start(mut workspace: Workspace) -> Watch {
        let [port, reload] = free_ports();
        workspace.set("LEPTOS_RELOAD_PORT", reload.to_string());
        let mut command = workspace.command(&["watch", "--offline", "--port", &port.to_string()]);
        Watch { running: Running::start(&mut command), workspace, port, reload, rounds: 0 }
    }

    /// Starts it and waits until the app answers.
    fn serving() -> Watch {
        let mut watch = Watch::start(Watch::built());
        watch.running.word_after("Serving http://");
        watch.wait_for("listening on http://", 1);
        watch
    }

    /// Waits until so many lines have this text.
    fn wait_for(&self, text: &str, times: usize) {
        let began = Instant::now();
        while self.running.said().matches(text).count() < times {
            assert!(began.elapsed() < PATIENCE, "`{text}` never came; it said:\n{}", self.running.said());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The record of the next round, once it has ended.
    fn round(&mut self) -> Value {
        let records = self.workspace.root().join("target/xtask/records/watch.jsonl");
        let began = Instant::now();
        loop {
            let text = fs::read_to_string(&records).unwrap_or_default();
            // A line counts when it is whole.
            if let Some(line) =
                text.split_inclusive('\n').nth(self.rounds).filter(|line| line.ends_with('\n'))
            {
                self.rounds += 1;
                return serde_json::from_str(line).unwrap();
            }
            assert!(began.elapsed() < 3 * PATIENCE, "no round; it said:\n{}", self.running.said());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether there is no further round for a moment.
    fn rests(&self) -> bool {
        std::thread::sleep(Duration::from_millis(500));
        let records = self.workspace.root().join("target/xtask/records/watch.jsonl");
        fs::read_to_string(records).unwrap_or_default().lines().count() == self.rounds
    }

    fn page(&self) -> Page {
        Page::open(self.reload)
    }

    fn html(&self) -> String {
        get(&format!("http://127.0.0.1:{}/", self.port)).text()
    }

    fn file(&self, path: &str) -> String {
        get(&format!("http://127.0.0.1:{}/{path}", self.port)).text()
    }

    /// The ids of the servers that run.
    fn servers(&self) -> Vec<String> {
        let binary = self.workspace.root().canonicalize().unwrap();
        let found = processes_with(&format!("{}/target/", binary.display()));
        found.into_iter().filter(|line| line.contains("/fixture-server")).collect()
    }
}

/// Ports that were free a moment ago.
fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

fn all() -> Value {
    json!({"css": null, "view": null, "all": true})
}

/// The packages that a half compiled; none where cargo was not asked.
fn compiled(round: &Value, half: &str) -> Vec<String> {
    let steps = round["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["name"] == format!("compile {half}"));
    let packages = step.and_then(|step| step["units"]["compiled_packages"].as_array());
    packages.into_iter().flatten().map(|name| name.as_str().unwrap().to_owned()).collect()
}

fn asked(round: &Value, half: &str) -> bool {
    round["steps"].as_array().unwrap().iter().any(|step| step["name"] == format!("compile {half}"))
}

#[test]
fn each_change_does_what_it_must_and_no_more() {
    let mut watch = Watch::serving();
    let first = watch.servers();
    assert_eq!(first.len(), 1, "{first:?}");
    assert!(watch.rests(), "a round without a change: {}", watch.running.said());

    // A line of the UI is in both halves.
    let mut page = watch.page();
    watch.workspace.edit("ui/src/lib.rs", "<p id", "<p class=\\\"reading\\\" id");
    assert_eq!(page.told(), all());
    assert!(watch.html().contains("class=\"reading\""), "the page was told before the new server answered");
    let round = watch.round();
    assert_eq!(round["result"], "ok", "{round:#}");
    assert_eq!(round["changed"], json!(["ui/src/lib.rs"]));
    assert_eq!(compiled(&round, "front"), ["fixture-front", "fixture-ui"]);
    assert_eq!(compiled(&round, "server"), ["fixture-server", "fixture-ui"]);
    assert_eq!((&round["told"], &round["pages"]), (&json!("all"), &json!(1)));
    assert!(round["seconds"].as_f64().unwrap() > round["build_seconds"].as_f64().unwrap());
    let second = watch.servers();
    assert!(second.len() == 1 && second != first, "{first:?} {second:?}");

    // A line of the server is in one.
    let mut page = watch.page();
    watch.workspace.edit("server/src/page.rs", "<title>Fixture", "<title>Changed");
    assert_eq!(page.told(), all());
    assert!(watch.html().contains("<title>Changed"));
    let round = watch.round();
    assert!(!asked(&round, "front"), "{round:#}");
    assert_eq!(compiled(&round, "server"), ["fixture-server"]);

    // The style is no reason to load a page anew, nor to start a server.
    let (before, mut page) = (watch.servers(), watch.page());
    let old = links(&watch.html(), ".css").remove(0);
    watch.workspace.edit("style/main.css", "margin: 0", "margin: 1px");
    let told = page.told();
    assert_eq!(told, json!({"css": old.trim_start_matches('/'), "view": null, "all": false}));
    assert!(watch.file(&format!("{}?version=1", told["css"].as_str().unwrap())).contains("margin: 1px"));
    let round = watch.round();
    assert!(!asked(&round, "front") && !asked(&round, "server"), "{round:#}");
    assert_eq!((&round["told"], &round["restart_seconds"]), (&json!("css"), &Value::Null));
    assert_eq!(watch.servers(), before);
    // The page knows the sheet by its old name for ever.
    watch.workspace.edit("style/main.css", "margin: 1px", "margin: 2px");
    assert_eq!(page.told(), told);
    assert!(watch.file(told["css"].as_str().unwrap()).contains("margin: 2px"));
    watch.round();

    // An asset is copied, and shown.
    watch.workspace.write("public/humans.txt", "us");
    assert_eq!(page.told(), all());
    assert_eq!(watch.file("humans.txt"), "us");
    let round = watch.round();
    assert!(!asked(&round, "front") && !asked(&round, "server"), "{round:#}");

    // A new file is seen though nothing was compiled from it yet; what editors leave beside it is not.
    let mut page = watch.page();
    watch.workspace.write("ui/src/.words.rs.swp", "");
    watch.workspace.write("ui/src/words.rs", "pub const GREETING: &str = \"good morning\";\n");
    let round = watch.round();
    assert_eq!(round["changed"], json!(["ui/src/words.rs"]));
    assert_eq!((compiled(&round, "front"), compiled(&round, "server")), (vec![], vec![]));
    assert_eq!(round["told"], Value::Null);
    assert!(page.is_left_alone());
    watch.workspace.edit("ui/src/lib.rs", "pub fn page", "mod words;\n\npub fn page");
    watch.workspace.edit("ui/src/lib.rs", "{}</p>\"", "{}</p>{greeting}\"");
    watch.workspace.edit("ui/src/lib.rs", "reading.value)", "reading.value, greeting = words::GREETING)");
    assert_eq!(page.told(), all());
    assert!(watch.html().contains("good morning"));
    assert_eq!(watch.round()["changed"], json!(["ui/src/lib.rs"]));

    // What was built is what `serve` serves.
    let served = watch.workspace.xtask(&["serve", "--profile", "dev", "--dry-run"]);
    assert_eq!(served.code, Some(0), "{}", served.stderr);

    // The same content again is no change, and neither is what is in no half.
    let same = watch.workspace.read("ui/src/lib.rs");
    watch.workspace.write("ui/src/lib.rs", &same);
    watch.workspace.write("notes.md", "");
    assert!(watch.rests(), "{}", watch.running.said());

    assert_eq!(watch.running.end_with("INT"), Some(130));
    assert_eq!(watch.servers(), [""; 0]);
    assert!(TcpListener::bind(("127.0.0.1", watch.reload)).is_ok());
    assert!(watch.running.said().matches("stopped").count() >= 3, "{}", watch.running.said());
}

#[test]
fn what_fails_leaves_the_old_app_as_it_is() {
    let workspace = Watch::built();
    workspace.edit("core/src/lib.rs", "value: 42", "value: \"42\"");
    let mut watch = Watch::start(workspace);
    watch.wait_for("no app runs yet; waiting for changes", 1);
    let mut page = watch.page();
    watch.workspace.edit("core/src/lib.rs", "value: \"42\"", "value: 43");
    assert_eq!(page.told(), all());
    assert!(watch.html().contains("43"));
    assert_eq!(watch.round()["result"], "ok");

    // The configuration is read again; one that cannot be read changes nothing.
    let mut page = watch.page();
    watch.workspace.edit("Cargo.toml", "hash-files = true", "hash-files = [1]");
    watch.wait_for("the configuration cannot be used; what runs keeps running", 1);
    assert!(watch.html().contains("43"));
    watch.workspace.edit("Cargo.toml", "hash-files = [1]", "hash-files = false");
    assert_eq!(page.told(), all());
    assert_eq!(links(&watch.html(), ".css"), ["/pkg/fixture.css"]);
    watch.round();
    let mut page = watch.page();
    watch.workspace.edit("style/main.css", "margin: 0", "margin: 1px");
    assert_eq!(page.told(), json!({"css": "pkg/fixture.css", "view": null, "all": false}));
    watch.round();

    // A change that comes while another one is built ends that round.
    watch.workspace.edit("core/src/lib.rs", "value: 43", "value: 44");
    watch.wait_for("Changed core/src/lib.rs", 2);
    watch.workspace.edit("core/src/lib.rs", "value: 44", "value: 45");
    let round = watch.round();
    assert_eq!(round["result"], "superseded", "{round:#}");
    assert_eq!(page.told(), all());
    assert!(watch.html().contains("45"));
    assert_eq!(watch.round()["result"], "ok");

    a_half_that_does_not_compile(&mut watch);
    a_server_that_does_not_start(&mut watch);

    // Whoever does not want to wait for the end of a request asks twice.
    let slow = format!("http://127.0.0.1:{}/slow/9000", watch.port);
    let request = std::thread::spawn(move || std::panic::catch_unwind(|| get(&slow).status));
    std::thread::sleep(Duration::from_millis(300));
    watch.running.signal("INT");
    watch.wait_for("stopping", 1);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(watch.servers().len(), 1, "it has its time to end: {}", watch.running.said());
    let began = Instant::now();
    assert_eq!(watch.running.end_with("INT"), Some(130));
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(watch.servers(), [""; 0]);
    assert!(request.join().unwrap().is_err(), "the request was answered though nobody waited");
}

fn a_half_that_does_not_compile(watch: &mut Watch) {
    let (before, mut page) = (watch.servers(), watch.page());
    watch.workspace.edit("ui/src/lib.rs", "let reading =", "let reading: u8 =");
    let round = watch.round();
    assert_eq!((&round["result"], &round["told"]), (&json!("failed"), &Value::Null), "{round:#}");
    watch.wait_for("the old app keeps running", 1);
    let said = watch.running.said();
    // Both halves stumble over it; it is shown once.
    assert_eq!(said.matches("expected `u8`, found").count(), 1, "{said}");
    assert!(said.ends_with("the old app keeps running"), "{said}");
    assert_eq!(watch.servers(), before);
    assert!(watch.html().contains("<title>Fixture"));

    // The style does not have to wait.
    watch.workspace.edit("style/main.css", "margin: 1px", "margin: 2px");
    assert_eq!(page.told()["all"], false);
    assert_eq!(watch.round()["result"], "ok");
    assert!(page.is_left_alone());

    watch.workspace.edit("ui/src/lib.rs", "let reading: u8 =", "let reading =");
    watch.workspace.edit("server/src/page.rs", "<title>Fixture", "<title>Mended");
    assert_eq!(page.told(), all());
    assert!(watch.html().contains("<title>Mended"));
    assert_eq!(watch.round()["result"], "ok");
}

fn a_server_that_does_not_start(watch: &mut Watch) {
    // A server that does not start is told, and the next change starts it again.
    watch.workspace.edit(
        "server/src/main.rs",
        "fn serve() -> Result<(), String> {",
        "fn serve() -> Result<(), String> {\n    if true { return Err(\"no mood\".to_owned()); }",
    );
    assert_eq!(watch.round()["result"], "failed");
    watch.wait_for("error: no mood", 1);
    watch.wait_for("nothing runs until the next change", 1);
    assert_eq!(watch.servers(), [""; 0]);
    let mut page = watch.page();
    watch.workspace.edit("server/src/main.rs", "if true", "if false");
    assert_eq!(page.told(), all());
    assert_eq!(watch.round()["result"], "ok");
    assert_eq!(watch.servers().len(), 1);
}

#[test]
fn tailwind_follows_what_is_written() {
    let workspace = Workspace::fixture();
    let table = "[[workspace.metadata.leptos]]";
    workspace.edit("Cargo.toml", table, &format!("{table}\ntailwind-input-file = \"style/wind.css\""));
    workspace.write("style/wind.css", "@import \"tailwindcss\";\n");
    let run = workspace.xtask(&["build", "--profile", "dev"]);
    if run.code == Some(MISSING_TOOL) {
        skipped(&run.stderr);
        return;
    }
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let mut watch = Watch::start(workspace);
    watch.wait_for("listening on http://", 1);

    // A class that is new in the markup is in the new page's sheet.
    let mut page = watch.page();
    watch.workspace.edit("ui/src/lib.rs", "<p id", "<p class=\\\"mb-2\\\" id");
    assert_eq!(page.told(), all());
    assert!(watch.file(&links(&watch.html(), ".css").remove(0)[1..]).contains(".mb-2"));
    assert_eq!(watch.round()["result"], "ok");

    // Tailwind's own file is a style like any other.
    let (before, mut page) = (watch.servers(), watch.page());
    watch.workspace.write("style/wind.css", "@import \"tailwindcss\";\n@source inline(\"mt-3\");\n");
    let told = page.told();
    assert_eq!(told["all"], false, "{told}");
    assert!(watch.file(told["css"].as_str().unwrap()).contains(".mt-3"));
    let round = watch.round();
    assert!(!asked(&round, "front") && !asked(&round, "server"), "{round:#}");
    assert_eq!(watch.servers(), before);
    assert_eq!(watch.running.end_with("INT"), Some(130));
}

#[test]
fn what_would_be_watched() {
    let workspace = Workspace::fixture();
    let run = workspace.xtask(&["watch", "--dry-run", "--port", "3456"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(!workspace.root().join("target").exists(), "a dry run made a target folder");
    let root = workspace.root().canonicalize().unwrap();
    let plan = run.stdout.replace(&root.display().to_string(), "[root]");
    let (commands, watched) = plan.split_once("# watch\n").unwrap();
    assert!(commands.contains("--profile dev-wasm"), "{commands}");
    assert!(commands.contains("LEPTOS_WATCH=true") && commands.contains("PORT=3456"), "{commands}");
    expect_test::expect![[r#"
        # build, serve and reload ws://127.0.0.1:3001/live_reload again with every change of
        #   [root]/core/src/**
        #   [root]/front/src/**
        #   [root]/server/src/**
        #   [root]/ui/src/**
        #   [root]/style/**
        #   [root]/public/**
        #   [root]/.cargo/config
        #   [root]/.cargo/config.toml
        #   [root]/.env
        #   [root]/Cargo.lock
        #   [root]/Cargo.toml
        #   [root]/core/Cargo.toml
        #   [root]/front/Cargo.toml
        #   [root]/rust-toolchain
        #   [root]/rust-toolchain.toml
        #   [root]/server/Cargo.toml
        #   [root]/ui/Cargo.toml
    "#]]
    .assert_eq(watched);

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().port().to_string();
    let run = workspace.xtask(&["watch", "--port", &taken]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    let mut workspace = workspace;
    workspace.set("LEPTOS_RELOAD_PORT", "3456");
    assert_eq!(workspace.xtask(&["watch", "--port", "3456"]).code, Some(2));
}
