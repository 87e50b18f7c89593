//! `bench --apply` writes what was faster for certain, and nothing else. Which linker that is on this machine is measured
//! elsewhere: here a run is gone on with whose samples were exchanged for known ones, so that the verdicts are known.

use serde_json::{Value, json};

use super::measuring::{bench, home_without, pretender, record, samples, valid};
use crate::support::{Run, Workspace, skipped, tools_home};

const LOCAL: &str = ".cargo/local.toml";

/// A linker, or a compile cache, with the seconds of its rounds.
type Arm<'a> = (&'a str, [f64; 5]);

/// Whatever is not named takes so long.
const USUAL: [f64; 5] = [10.0; 5];
const HALF: [f64; 5] = [5.0; 5];
/// Beside the usual one as often slower as faster.
const UNCLEAR: [f64; 5] = [5.0, 20.0, 10.0, 5.0, 20.0];

/// What comes of a run with these times: of links, and of warm builds beside those without a cache.
fn applied(
    workspace: &Workspace,
    args: &[&str],
    measured: &Value,
    linker: Option<Arm>,
    cache: Option<Arm>,
) -> Run {
    let mut run = measured.clone();
    run["result"] = json!("interrupted");
    let mut all = Vec::new();
    let mut add = |comparison: &str, arm: &str, seconds: [f64; 5]| {
        for (round, seconds) in (1..).zip(seconds) {
            let mut sample = measured["samples"][0].clone();
            (sample["comparison"], sample["arm"]) = (json!(comparison), json!(arm));
            (sample["round"], sample["seconds"]) = (json!(round), json!(seconds));
            (sample["cpu_seconds"], sample["foreign_cores"]) = (json!(1.0), json!(0.0));
            all.push(sample);
        }
    };
    let arms = measured["comparisons"][0]["arms"].as_array().unwrap();
    for arm in arms.iter().filter(|arm| arm["unavailable"].is_null()) {
        let name = arm["name"].as_str().unwrap();
        let known = linker.filter(|(linker, _)| *linker == name).map(|(_, seconds)| seconds);
        add("link/linker", name, known.unwrap_or(USUAL));
    }
    if let Some((name, seconds)) = cache {
        add("warm/cache", "none", USUAL);
        add("warm/cache", name, seconds);
        let arm = |name: &str| json!({ "name": name, "version": null, "variant": name, "unavailable": null });
        let warm = json!({
            "id": "warm/cache", "scenario": "warm", "axis": "cache", "arms": [arm("none"), arm(name)], "runs": 5,
            "estimated_seconds": null,
        });
        run["comparisons"].as_array_mut().unwrap().push(warm);
    }
    run["samples"] = json!(all);
    let file = format!("target/xtask/bench/runs/{}.json", run["id"].as_str().unwrap());
    workspace.write(&file, &run.to_string());
    let run = bench(workspace, &[args, &["--resume", "--apply"]].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    run
}

#[test]
fn an_installed_linker_that_does_not_link_is_no_arm_and_what_wins_is_what_cargo_uses() {
    let mut workspace = Workspace::fixture();
    let tools = tempfile::tempdir().unwrap();
    // It says that it is mold, and is GNU's.
    pretender(tools.path(), "mold", "mold 2.37.1 (compatible with GNU ld)", "exec ld.bfd \"$@\"");
    let path = format!("{}:{}", tools.path().display(), std::env::var("PATH").unwrap());
    workspace.set("PATH", path);
    // A compile cache that works is there, and nobody has measured it.
    if !tools_home().join("tools/sccache").exists() {
        skipped(
            "sccache is not installed, so nothing could be switched on (`cargo xtask setup --with bench`)",
        );
    }
    workspace.set("XTASK_HOME", home_without(&["mold", "kache"], tools.path()));
    workspace.write(".cargo/config.toml", "include = [{ path = \"local.toml\", optional = true }]\n");
    let args = ["--profile", "dev", "--scenario", "link", "--runs", "5", "--format", "json"];
    let run = bench(&workspace, &args);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let measured: Value = serde_json::from_str(&run.stdout).unwrap();
    let arms = measured["comparisons"][0]["arms"].as_array().unwrap();
    let mold = arms.iter().find(|arm| arm["name"] == "mold").unwrap();
    let reason = mold["unavailable"].as_str().unwrap();
    assert!(reason.contains("the program was linked by somebody else"), "{reason}");
    assert_eq!(valid(&measured, "link/linker", "default"), 5);
    assert!(samples(&measured, "link/linker", "mold").is_empty());

    let local = workspace.root().join(LOCAL);
    let is_other = |arm: &&Value| {
        arm["unavailable"].is_null() && !["default", "bfd"].contains(&arm["name"].as_str().unwrap())
    };
    let said = |run: &Run, what: &str| assert!(run.stderr.contains(what), "{what}: {}", run.stderr);
    let run = applied(&workspace, &args, &measured, None, None);
    said(
        &run,
        "linker: default (no other is faster); compile cache: as it is (none was measured beside none)",
    );
    assert!(!local.exists(), "{}", run.stderr);
    let Some(other) = arms.iter().find(is_other).map(|arm| arm["name"].as_str().unwrap()) else {
        skipped("neither lld nor wild is here, so no linker can win");
        return;
    };

    // It is faster, and so is a cache that is not trusted here.
    let run = applied(&workspace, &args, &measured, Some((other, HALF)), Some(("sccache", HALF)));
    said(&run, &format!("linker: {other}; compile cache: none (none that is trusted is faster)"));
    said(&run, "sccache is faster (0.500 of the time of none) but not trusted");
    let check = workspace.xtask(&["setup", "--profile", "dev", "--check", "--format", "json"]);
    assert!(check.stdout.contains(&format!("\"{other}\"")), "{}", check.stdout);
    let written = workspace.read(LOCAL);
    assert!(written.contains("linker = ") && !written.contains("rustc-wrapper"), "{written}");
    // Whose samples say nothing stays as it is.
    let run = applied(&workspace, &args, &measured, Some((other, UNCLEAR)), Some(("sccache", UNCLEAR)));
    said(&run, "linker: as it is (whether another is faster than default cannot be told)");
    said(&run, "compile cache: as it is (whether another is faster than none cannot be told)");
    assert_eq!(workspace.read(LOCAL), written);
    assert_eq!(record(&workspace)["verdicts"].as_array().unwrap().last().unwrap()["verdict"], "cannot-tell");

    assert_eq!(workspace.xtask(&["setup", "--undo"]).code, Some(0));
    assert!(!local.exists());
}
