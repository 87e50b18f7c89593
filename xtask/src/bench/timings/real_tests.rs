//! A report that the real cargo of this machine writes: where its format moves, these tests fail and say so.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::{Half, timeline};
use crate::exec::{Executor, Mode};
use crate::leptos::units::Units;
use crate::plan::Invocation;
use crate::record::bench::timeline::Timeline;
use crate::ui::Ui;

/// A binary that waits for a library, which waits for its build script.
const FILES: [(&str, &str); 6] = [
    ("Cargo.toml", "[workspace]\nmembers = [\"app\", \"tiny\"]\nresolver = \"3\"\n"),
    (
        "app/Cargo.toml",
        "[package]\nname = \"app\"\nversion = \"0.2.0\"\nedition = \"2024\"\n[dependencies]\ntiny = { path = \"../tiny\" }\n",
    ),
    ("app/src/main.rs", "fn main() {\n    assert_eq!(tiny::answer(), 42);\n}\n"),
    (
        "tiny/Cargo.toml",
        "[package]\nname = \"tiny\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[features]\ndefault = [\"big\"]\nbig = []\n",
    ),
    ("tiny/build.rs", "fn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n}\n"),
    ("tiny/src/lib.rs", "pub fn answer() -> u32 {\n    42\n}\n"),
];

/// Builds with cargo in `folder` and reads its report.
fn built(exec: &Executor, folder: &Path) -> Timeline {
    let cargo = std::env::var("CARGO").unwrap_or("cargo".to_owned());
    let mut command = Invocation::new(&cargo, folder)
        .args(["build", "--offline", "--timings", "--target-dir", "target"])
        .arg("--message-format=json-render-diagnostics")
        .timeout(Duration::from_secs(300));
    // A machine may compile for another one, or ask a cache first.
    command.env_remove = ["CARGO_BUILD_TARGET", "RUSTC_WRAPPER"].map(str::to_owned).to_vec();
    let mut units = Units::default();
    exec.run_lines_unseen(&command, |line| units.line(line)).unwrap();
    let report = folder.join("target/cargo-timings/cargo-timing.html");
    let version = exec.probe(&Invocation::new(&cargo, folder).arg("--version")).unwrap().stdout;
    let html =
        fs::read_to_string(&report).unwrap_or_else(|error| panic!("no report of {version} there: {error}"));
    let half = Half { name: "server".to_owned(), offset: 10.0, report, html, compiled: units.compiled(None) };
    timeline("cold/cache", "none", &[half], Vec::new(), &[], 2)
        .unwrap_or_else(|error| panic!("the format of the report of {version} has moved: {error}"))
}

#[test]
fn the_report_of_this_cargo_is_understood() {
    let exec = Executor::new(Ui::detect(true), Mode::Run).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in FILES {
        let file = folder.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let timeline = built(&exec, folder.path());
    let told: Vec<_> = timeline
        .units
        .iter()
        .map(|unit| (unit.package.as_str(), unit.version.as_str(), unit.kind.as_str(), unit.features.len()))
        .collect();
    let expected = [
        ("tiny", "0.1.0", "build-script", 2),
        ("tiny", "0.1.0", "run-build-script", 2),
        ("tiny", "0.1.0", "lib", 2),
        ("app", "0.2.0", "bin", 0),
    ];
    assert_eq!(told, expected, "{timeline:#?}");
    let path: Vec<_> = timeline.critical_path.iter().map(|entry| entry.what.as_str()).collect();
    let expected = [
        "tiny (build-script, server)",
        "tiny (run-build-script, server)",
        "tiny (lib, server)",
        "app (bin, server)",
    ];
    assert_eq!(path, expected, "{timeline:#?}");
    let [script, _, library, app] = &timeline.units[..] else { unreachable!("compared above") };
    assert!(script.seconds > 0.0 && script.start >= 10.0 && timeline.seconds < 300.0, "{timeline:#?}");
    assert!(library.frontend_seconds.is_some() && library.codegen_seconds.is_some(), "{timeline:#?}");
    assert!(app.frontend_seconds.is_none() && app.start >= library.start, "{timeline:#?}");
    assert_eq!(timeline.units.iter().filter(|unit| unit.target.is_some()).count(), 0);

    // Nothing to do is a report too.
    assert_eq!(built(&exec, folder.path()).units, []);
}

#[test]
fn scratch() {
    let Ok(folder) = std::env::var("SCRATCH_TIMINGS") else { return };
    let kept = super::kept(Path::new(&folder)).unwrap();
    let timeline = timeline("cold/cache", "none", &kept.halves, kept.steps, &[], 2).unwrap();
    fs::write("/tmp/timings-fix/timeline.json", serde_json::to_string_pretty(&timeline).unwrap()).unwrap();
}
