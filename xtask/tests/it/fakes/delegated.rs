//! Builds by cargo-leptos among fakes: what it is told, what is read out of it, and what comes of one that fails.

use expect_test::expect;
use serde_json::{Value, json};

use super::{Fakes, artifact};

const ARGS: [&str; 5] = ["build", "--driver", "cargo-leptos", "--profile", "release"];

/// cargo-leptos is there and does its work.
fn fakes() -> Fakes {
    let fakes = Fakes::new();
    let (root, target) = (fakes.root(), fakes.root().join("target"));
    let front = target.join("front/wasm32-unknown-unknown/release/app_front.wasm");
    let server = target.join("release/app-server");
    let finished = json!({"reason": "build-finished", "success": true});
    let half = |file: &std::path::Path, folder: &str, source: &str, kind: &str| {
        let unit = artifact(&root.join(folder), kind, file);
        let (file, source) = (file.display(), root.join(folder).join(source).display().to_string());
        let dep_info = std::path::Path::new(&file.to_string()).with_extension("d").display().to_string();
        format!("write {file} x\nwrite {dep_info} {file}: {source}\nout {unit}\nout {finished}\n")
    };
    let site = target.join("site").display().to_string();
    let build = format!(
        "{}out wasm-opt says something\nwrite {site}/pkg/app.js export {{}}\nwrite {site}/pkg/app.wasm x\n{}write {} js: x\n",
        half(&front, "front", "src/lib.rs", "cdylib"),
        half(&server, "server", "src/main.rs", "bin"),
        target.join("release/hash.txt").display(),
    );
    fakes.script("cargo-leptos", &format!("[--version]\nout cargo-leptos 0.3.10\n[build]\n{build}"));
    fakes
}

#[test]
fn it_is_told_what_a_build_of_ours_would_do() {
    let fakes = fakes();
    fakes.use_keys(
        &json!({"js-minify": false, "lib-cargo-args": ["--verbose"], "bin-exe-name": "app-server"}),
    );
    let args = [ARGS.as_slice(), &["--locked", "--front-only", "--timings"]].concat();
    assert_eq!(fakes.run(&args).code, Some(0));
    let calls = fakes.calls();
    expect![[r#"
        cargo-leptos build --project app --release --precompress --js-minify=false --frontend-only --cargo-locked
         --lib-cargo-args=--verbose --lib-cargo-args=--message-format=json-render-diagnostics
         --lib-cargo-args=--timings --bin-cargo-args=--message-format=json-render-diagnostics
         --bin-cargo-args=--timings"#]]
    .assert_eq(&broken(calls.iter().find(|call| call.starts_with("cargo-leptos build")).unwrap()));
    fakes.run(&["build", "--split", "--profile", "dev", "--server-only"]);
    let calls = fakes.calls();
    expect![[r#"
        cargo-leptos build --project app --split --server-only --lib-cargo-args=--verbose
         --lib-cargo-args=--message-format=json-render-diagnostics
         --bin-cargo-args=--message-format=json-render-diagnostics"#]]
    .assert_eq(&broken(calls.iter().find(|call| call.starts_with("cargo-leptos build")).unwrap()));
}

/// A long line as several.
fn broken(line: &str) -> String {
    let mut lines = vec![String::new()];
    for word in line.split(' ') {
        if lines.last().unwrap().len() + word.len() > 105 {
            lines.push(String::new());
        }
        let last = lines.last_mut().unwrap();
        if !last.is_empty() || lines.len() > 1 {
            lines.last_mut().unwrap().push(' ');
        }
        lines.last_mut().unwrap().push_str(word);
    }
    lines.join("\n")
}

#[test]
fn its_work_is_recorded_and_can_be_served() {
    let fakes = fakes();
    let run = fakes.run(&[ARGS.as_slice(), &["--format", "json"]].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("wasm-opt says something"), "{}", run.stderr);
    assert!(!run.stderr.contains("reason"), "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(fakes.records(), std::slice::from_ref(&report));
    let step = &report["steps"][0];
    expect![[r#"
        "ok" "cargo-leptos 0.3.10" [] "cargo leptos" "ran" {"compiled":2,"compiled_packages":["front","server"],"fresh":0}"#]]
    .assert_eq(&format!(
        "{} {} {} {} {} {}",
        report["result"], report["driver"], report["host_units_twice"], step["name"], step["state"], step["units"]
    ));
    let sizes: Vec<&str> =
        report["sizes"].as_array().unwrap().iter().filter_map(|size| size["file"].as_str()).collect();
    assert_eq!(sizes, ["pkg/app.js", "pkg/app.wasm", "app-server"]);
    // The server is a text here; what counts is that nothing else is in its way.
    let serve = fakes.run(&["serve", "--profile", "release", "--dry-run"]);
    assert_eq!(serve.code, Some(0), "{}", serve.stderr);
    assert!(serve.stdout.contains("target/release/app-server"), "{}", serve.stdout);
    fakes.workspace.write("front/src/lib.rs", "// changed since\n");
    let stale = fakes.run(&["serve", "--profile", "release", "--dry-run"]);
    assert_eq!(stale.code, Some(1), "{}", stale.stderr);
}

#[test]
fn it_is_never_installed() {
    for (answer, message) in [
        (
            None,
            expect![[r#"
                error: cargo-leptos is not installed: it is neither on PATH nor in the user-local folder
                 hint: install it with `cargo install --locked cargo-leptos@0.3.10`, or build with
                    `--driver native`"#]],
        ),
        (
            Some("out cargo-leptos 0.2.49"),
            expect![[r#"
                error: `[bin]/cargo-leptos` is 0.2.49; 0.3 is needed at least
                 hint: install it with `cargo install --locked cargo-leptos@0.3.10`, or build with
                    `--driver native`"#]],
        ),
        (
            Some("exit 1"),
            expect![[r#"
                error: `[bin]/cargo-leptos` does not tell its version; 0.3 is needed at least
                 hint: install it with `cargo install --locked cargo-leptos@0.3.10`, or build with
                    `--driver native`"#]],
        ),
    ] {
        let fakes = fakes();
        match answer {
            None => fakes.remove("cargo-leptos"),
            Some(lines) => fakes.when("cargo-leptos", "--version", lines),
        }
        // Before other tools are brought for it.
        fakes.remove("wasm-bindgen");
        let run = fakes.run(&ARGS);
        assert_eq!(run.code, Some(3), "{}", run.stderr);
        message.assert_eq(&fakes.message(&run, ""));
        let calls = fakes.calls();
        assert!(!calls.iter().any(|call| call.contains("install")), "{calls:#?}");
    }
}

#[test]
fn what_would_come_out_wrong_is_refused() {
    let refused = |args: &[&str], keys: Value, spoil: &dyn Fn(&Fakes)| {
        let fakes = fakes();
        fakes.use_keys(&keys);
        spoil(&fakes);
        let run = fakes.run(args);
        assert_eq!(run.code, Some(2), "{}", run.stderr);
        fakes.message(&run, "")
    };
    let nothing = |_: &Fakes| {};
    expect![[r#"
        error: cargo-leptos does not build with the profile `production`: its release build has
            `release`, its other one `dev`
         hint: give `--profile release` for what the metadata says, or set `bin-profile-release =
            "production"` there"#]]
    .assert_eq(&refused(&ARGS[..3], json!({}), &nothing));
    expect![[r#"
        error: cargo-leptos looks for a server called `other`, but cargo calls it `app-server`
         hint: set `bin-exe-name = "app-server"` in the metadata, or build with `--driver native`"#]]
    .assert_eq(&refused(&ARGS, json!({"bin-exe-name": "other"}), &nothing));
    expect![[r#"
        error: cargo-leptos would use `[root]/node_modules/.bin/wasm-bindgen`, whatever its
            version
         hint: remove that package, or build with `--driver native`, which uses the version of
            Cargo.lock"#]]
    .assert_eq(&refused(&ARGS, json!({}), &|fakes| {
        fakes.workspace.write("package.json", "{}");
        fakes.workspace.write("node_modules/.bin/wasm-bindgen", "");
    }));
    expect![[r#"
        error: `--split` (or `split` in [workspace.metadata.xtask]) is done by cargo-leptos alone
         hint: leave `--driver native` out"#]]
    .assert_eq(&refused(&["build", "--driver", "native", "--split"], json!({}), &nothing));
}

#[test]
fn its_failure_is_ours() {
    for (lines, code) in
        [("err it broke\nexit 1", 4), ("err at work\nkill", 4), ("sleep 600", 5), ("out done", 4)]
    {
        let mut fakes = fakes();
        fakes.workspace.set("XTASK_TIMEOUT", "2");
        fakes.when("cargo-leptos", "build", lines);
        let run = fakes.run(&ARGS);
        assert_eq!(run.code, Some(code), "{lines}: {}", run.stderr);
        assert_eq!(fakes.records()[0]["result"], "failed");
        let serve = fakes.run(&["serve", "--profile", "release", "--dry-run"]);
        assert_eq!(serve.code, Some(1), "{}", serve.stderr);
    }
}
