//! `build` on the fixture workspace with real cargo, wasm-bindgen and wasm-opt: exactly what must be done is done.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::time::SystemTime;

use serde_json::Value;

use crate::running::{Running, get, links};
use crate::support::Workspace;

/// The packages that a half compiled, by cargo's own messages.
fn compiled(report: &Value, half: &str) -> Vec<String> {
    let step = step(report, &format!("compile {half}"));
    let packages = step["units"]["compiled_packages"].as_array().unwrap();
    packages.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

fn step<'a>(report: &'a Value, name: &str) -> &'a Value {
    let steps = report["steps"].as_array().unwrap();
    steps.iter().find(|step| step["name"] == name).unwrap_or_else(|| panic!("no step {name} in {report:#}"))
}

/// When each file below a folder was last changed.
fn times(workspace: &Workspace, folder: &str) -> BTreeMap<String, SystemTime> {
    let mut times = BTreeMap::new();
    let mut pending = vec![workspace.root().join(folder)];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                pending.push(entry.path());
            } else {
                times.insert(
                    entry.path().display().to_string(),
                    entry.metadata().unwrap().modified().unwrap(),
                );
            }
        }
    }
    times
}

#[test]
fn each_edit_compiles_exactly_what_it_must() {
    let workspace = Workspace::fixture();
    let first = workspace.build(&["--timings"]);
    check_timings(&workspace, &first);
    assert!(compiled(&first, "front").contains(&"fixture-front".to_owned()));
    assert!(compiled(&first, "server").contains(&"fixture-server".to_owned()));
    assert_eq!(first["host_units_twice"], serde_json::json!([]), "{first:#}");
    assert_eq!(first["result"], "ok");

    let before = times(&workspace, "target/site");
    let again = workspace.build(&["--ask-cargo"]);
    assert_eq!(compiled(&again, "front"), [""; 0]);
    assert_eq!(compiled(&again, "server"), [""; 0]);
    for name in ["wasm-bindgen", "wasm-opt", "site"] {
        assert_eq!(step(&again, name)["state"], "fresh", "{name}");
    }
    assert_eq!(times(&workspace, "target/site"), before);

    workspace.edit("server/src/main.rs", "listening on", "Listening on");
    let server = workspace.build(&[]);
    assert_eq!(compiled(&server, "front"), [""; 0]);
    assert_eq!(compiled(&server, "server"), ["fixture-server"]);
    assert_eq!(times(&workspace, "target/site"), before);

    workspace.edit("ui/src/lib.rs", "<p id", "<p class=\\\"reading\\\" id");
    let ui = workspace.build(&[]);
    assert_eq!(compiled(&ui, "front"), ["fixture-front", "fixture-ui"]);
    assert_eq!(compiled(&ui, "server"), ["fixture-server", "fixture-ui"]);
    assert_eq!(step(&ui, "wasm-opt")["state"], "ran");

    workspace.edit("core/src/lib.rs", "42", "43");
    let core = workspace.build(&[]);
    assert_eq!(compiled(&core, "front"), ["fixture-core", "fixture-front", "fixture-ui"]);
    assert_eq!(compiled(&core, "server"), ["fixture-core", "fixture-server", "fixture-ui"]);

    workspace.edit("core/src/lib.rs", "43", "42");
    let back = workspace.build(&[]);
    assert_eq!(step(&back, "wasm-opt")["state"], "restored", "{back:#}");
}

/// Each half's report is kept, with what puts both on one time axis.
fn check_timings(workspace: &Workspace, report: &Value) {
    let noted: Value = serde_json::from_str(&workspace.read("target/xtask/timings/build.json")).unwrap();
    assert_eq!(noted["schema"], "xtask.timings/1");
    let halves = noted["halves"].as_array().unwrap();
    let names: Vec<&str> = halves.iter().map(|half| half["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["front", "server"]);
    for (half, name) in halves.iter().zip(names) {
        let html = workspace.read(&format!("target/xtask/timings/{}", half["report"].as_str().unwrap()));
        assert!(html.contains("const UNIT_DATA = "), "{name}");
        let compiled = half["compiled"].as_array().unwrap().len();
        assert_eq!(step(report, &format!("compile {name}"))["units"]["compiled"], compiled, "{half:#}");
    }
    let front = halves[0]["compiled"].as_array().unwrap().iter();
    let app = front.clone().find(|unit| unit["package"] == "fixture-front").unwrap();
    assert_eq!((&app["kind"], &app["crate_name"]), (&"cdylib".into(), &"fixture_front".into()));
    assert_eq!(app["target"], "wasm32-unknown-unknown");
    let macros: Vec<&Value> = front.filter(|unit| unit["kind"] == "proc-macro").collect();
    assert!(!macros.is_empty() && macros.iter().all(|unit| unit["target"].is_null()), "{macros:#?}");
    let steps = noted["steps"].as_array().unwrap();
    let begins = |name: &str| {
        let named = steps.iter().find(|step| step["name"] == name);
        named.unwrap_or_else(|| panic!("no step {name} in {noted:#}"))["start"].as_f64().unwrap()
    };
    let server = halves[1]["start"].as_f64().unwrap();
    assert!(halves[0]["start"].as_f64().unwrap() < server, "{noted:#}");
    // The site is made beside the server.
    assert!((begins("wasm-bindgen") - server).abs() < 1.0, "{noted:#}");
    assert!(begins("wasm-bindgen") < begins("wasm-opt") && begins("wasm-opt") < begins("site"));
    assert!(steps.iter().all(|step| step["name"].as_str().is_some_and(|name| !name.starts_with("compile"))));
}

#[test]
fn the_site_has_everything_under_its_hashed_name() {
    let workspace = Workspace::fixture();
    let report = workspace.build(&[]);
    let hashes = workspace.read("target/production/hash.txt");
    for line in hashes.lines() {
        let (kind, digest) = line.split_once(": ").unwrap();
        let file = format!("pkg/fixture.{digest}.{kind}");
        for variant in ["", ".gz", ".br"] {
            // The style sheet is too small to be worth compressing.
            let expected = kind != "css" || variant.is_empty();
            assert_eq!(
                workspace
                    .root()
                    .join("target/site")
                    .join(&file)
                    .with_extension(format!("{kind}{variant}"))
                    .exists(),
                expected,
                "{file}{variant}"
            );
        }
        let sizes = report["sizes"].as_array().unwrap();
        assert!(sizes.iter().any(|size| size["file"] == file.as_str()), "{report:#}");
    }
    assert_eq!(hashes.lines().count(), 3);
    assert_eq!(workspace.read("target/site/robots.txt"), workspace.read("public/robots.txt"));
    let snippets = fs::read_dir(workspace.root().join("target/site/pkg/snippets")).unwrap();
    assert_eq!(snippets.count(), 1);
}

#[test]
fn the_built_server_serves_the_built_site() {
    let workspace = Workspace::fixture();
    workspace.build(&[]);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let mut serve = Running::start(&mut workspace.command(&["serve", "--port", &port]));
    let url = format!("http://{}", serve.word_after("listening on http://"));
    let links = links(&get(&format!("{url}/")).text(), "/pkg/fixture.");
    assert_eq!(links.len(), 3, "{links:?}");
    for link in links {
        let content_type = match link.rsplit('.').next().unwrap() {
            "js" => "text/javascript",
            "css" => "text/css",
            _ => "application/wasm",
        };
        let served = get(&format!("{url}{link}"));
        assert_eq!((served.status, served.content_type.as_str()), (200, content_type), "{link}");
        let built = fs::read(workspace.root().join("target/site").join(&link[1..])).unwrap();
        assert!(served.body == built, "{link} is another file");
    }
    assert!(get(&format!("{url}/api/health")).text().starts_with(r#"{"status":"pass","revision":"#));
    assert_eq!(serve.terminate(), Some(143));
}

#[test]
fn one_half_alone_leaves_the_other_alone() {
    let workspace = Workspace::fixture();
    let front = workspace.build(&["--front-only"]);
    assert!(front["steps"].as_array().unwrap().iter().all(|step| step["name"] != "compile server"));
    assert_eq!(front["host_units_twice"], Value::Null);
    assert!(!workspace.root().join("target/production/fixture-server").exists());

    let refused = workspace.xtask(&["serve"]);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("cargo xtask build"), "{}", refused.stderr);

    let server = workspace.build(&["--server-only", "--timings"]);
    assert!(server["steps"].as_array().unwrap().iter().all(|step| step["name"] != "compile front"));
    assert!(workspace.root().join("target/xtask/timings/server.html").exists());

    workspace.edit("server/src/main.rs", "listening", "Listening");
    let stale = workspace.xtask(&["serve"]);
    assert_eq!(stale.code, Some(1));
    assert!(stale.stderr.contains("server/src/main.rs` changed"), "{}", stale.stderr);
}

#[test]
fn a_build_for_debugging_keeps_the_halves_apart() {
    let workspace = Workspace::fixture();
    let report = workspace.build(&["--profile", "dev"]);
    // Another folder is another set of host units; in return, both halves can be compiled at once.
    let twice = report["host_units_twice"].as_array().unwrap();
    assert!(twice.iter().any(|unit| unit["package"] == "serde_derive"), "{report:#}");
    assert!(report["steps"].as_array().unwrap().iter().all(|step| step["name"] != "wasm-opt"));
    let wasm =
        fs::read(workspace.root().join("target/wasm32-unknown-unknown/dev-wasm/fixture_front.wasm")).unwrap();
    assert!(!wasm.windows(11).any(|name| name == b".debug_info"), "debug info that no browser is given");
    let again = workspace.build(&["--profile", "dev", "--ask-cargo"]);
    assert_eq!(compiled(&again, "front"), [""; 0]);
    assert_eq!(compiled(&again, "server"), [""; 0]);
}

#[test]
fn the_printed_plan_builds_by_hand() {
    let workspace = Workspace::fixture();
    let dry = workspace.xtask(&["build", "--dry-run"]);
    assert_eq!(dry.code, Some(0), "{}", dry.stderr);
    assert!(!workspace.root().join("target").exists(), "a dry run made a target folder");
    let script = workspace.root().join("plan.sh");
    fs::write(&script, format!("set -e\n{}", dry.stdout)).unwrap();
    let mut shell = std::process::Command::new("sh");
    shell.arg(&script).current_dir(workspace.root()).env_remove("CARGO_TARGET_DIR");
    let shell = shell.output().unwrap();
    assert!(shell.status.success(), "{}", String::from_utf8_lossy(&shell.stderr));
    assert!(workspace.root().join("target/production/fixture-server").exists());
    // What was built by hand is what xtask builds.
    let report = workspace.build(&[]);
    assert_eq!(compiled(&report, "front"), [""; 0]);
    assert_eq!(compiled(&report, "server"), [""; 0]);
}

#[test]
fn tests_leave_the_built_server_as_it_is() {
    let workspace = Workspace::fixture();
    workspace.build(&[]);
    let server = workspace.root().join("target/production/fixture-server");
    let before = fs::read(&server).unwrap();
    let tested = workspace.xtask(&["test"]);
    assert_eq!(tested.code, Some(0), "{}", tested.stderr);
    assert!(tested.stderr.contains("prints_the_page"), "{}", tested.stderr);
    assert!(fs::read(&server).unwrap() == before, "the tests compiled another server");
    let output = std::process::Command::new(&server).arg("--print").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("server functions: fixture"));
}
