//! The tools of a build: those that `setup` keeps, and others of the same name that `PATH` has for other drivers.

use std::path::PathBuf;

use serde::Serialize;

use super::base::{Base, Problem};
use super::{toolchain, workspace};
use crate::config::tools::Table;
use crate::facts::tool;
use crate::plan::quote;
use crate::record::doctor::{Finding, Fix, Group, Severity};
use crate::tools::{self, State, Status, Tool, Wanted};

#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    /// The version of wasm-bindgen in Cargo.lock.
    pub locked: Option<String>,
    pub lock_problem: Option<Problem>,
    /// What `setup --check` says.
    pub status: Vec<Status>,
    pub wasm_bindgen: Option<OnPath>,
    pub wasm_opt: Option<OnPath>,
    /// What the compiler's wasm code uses, as wasm-opt calls it.
    pub features: Vec<String>,
    /// What the wasm-opt on `PATH` knows.
    pub known_features: Vec<String>,
    pub offline: Option<String>,
    pub node: bool,
    pub python: bool,
}

/// A program on `PATH`, and where `setup` keeps the right one.
#[derive(Clone, Debug, Default, Serialize)]
pub struct OnPath {
    pub path: PathBuf,
    pub version: Option<String>,
    /// The folder of the right one, whether it is there yet or not.
    pub kept: Option<PathBuf>,
    pub is_kept: bool,
}

pub fn gather(base: &Base<'_>, toolchain: &toolchain::Facts, workspace: &workspace::Facts) -> Facts {
    let locked = workspace.wasm_bindgen.clone();
    let mut facts = Facts {
        lock_problem: locked.as_ref().err().cloned(),
        locked: locked.ok().flatten(),
        node: tool::find_on_path("node").is_some(),
        python: tool::find_on_path("python3").is_some(),
        ..Facts::default()
    };
    for name in ["XTASK_OFFLINE", "CARGO_NET_OFFLINE"] {
        if base.env.get(name).is_some_and(|value| value != "0" && value != "false") {
            facts.offline.get_or_insert_with(|| name.to_owned());
        }
    }
    let Some(toolchain) = &toolchain.toolchain else { return facts };
    let table = Table::builtin();
    let mut wanted = vec![Wanted::wasm_target(toolchain)];
    wanted.extend(facts.locked.iter().map(|version| Wanted::new(Tool::WasmBindgen, version)));
    let optimiser = table.tool(Tool::WasmOpt.key()).ok().and_then(|entry| entry.version.clone());
    wanted.extend(optimiser.map(|version| Wanted::new(Tool::WasmOpt, version)));
    let on_path = |tool: Tool| {
        let path = tool::find_on_path(tool.key())?;
        let version = tool::version_of(base.exec, &path, &["--version"]);
        let wanted = wanted.iter().find(|wanted| wanted.tool == tool)?;
        let resolved = tools::look(base.exec, toolchain, wanted).ok()?;
        let kept = PathBuf::from(&resolved.program).parent().map(PathBuf::from);
        Some(OnPath { path, version, kept, is_kept: !resolved.missing })
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = wanted
            .iter()
            .map(|wanted| scope.spawn(move || tools::status(base.exec, toolchain, wanted).ok()))
            .collect();
        facts.wasm_bindgen = on_path(Tool::WasmBindgen);
        facts.wasm_opt = on_path(Tool::WasmOpt);
        if let Some(found) = &facts.wasm_opt {
            let said = base.ask(&found.path.display().to_string(), &["--help"]).unwrap_or_default();
            facts.known_features = flags(&said.stdout);
            let args = ["--print", "cfg", "--target", "wasm32-unknown-unknown"];
            let rustc = base.env.get("RUSTC").unwrap_or("rustc");
            facts.features = features(&base.ask(rustc, &args).unwrap_or_default().stdout);
        }
        facts.status = threads.into_iter().filter_map(|thread| thread.join().ok().flatten()).collect();
    });
    facts
}

/// The features of `rustc --print cfg` as wasm-opt calls them.
fn features(cfg: &str) -> Vec<String> {
    let lines = cfg.lines().filter_map(|line| line.strip_prefix("target_feature=\"")?.strip_suffix('"'));
    let names = lines.map(|name| match name {
        "nontrapping-fptoint" => "nontrapping-float-to-int",
        "simd128" => "simd",
        "atomics" => "threads",
        other => other,
    });
    names.map(str::to_owned).collect()
}

/// The features that `wasm-opt --help` lists.
fn flags(help: &str) -> Vec<String> {
    let words = help.split_whitespace().filter_map(|word| word.strip_prefix("--enable-"));
    words.map(|word| word.trim_end_matches(',').to_owned()).collect()
}

pub fn examine(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    let find = |rule, severity, found: String, wanted: String, fix| {
        Finding::new(Group::Tools, rule, severity, found, wanted, fix)
    };
    match (&facts.lock_problem, &facts.locked) {
        (Some(problem), _) => findings.push(lockfile(problem)),
        (None, None) => findings.push(
            find(
                "wasm-bindgen-not-locked",
                Severity::Error,
                "no package `wasm-bindgen` in Cargo.lock".to_owned(),
                "exactly one: its version decides which program makes the bindings".to_owned(),
                Fix::command("cargo generate-lockfile"),
            )
            .at("Cargo.lock"),
        ),
        (None, Some(_)) => {}
    }
    let absent: Vec<&Status> = facts.status.iter().filter(|status| status.state != State::Ready).collect();
    if !absent.is_empty() {
        let names = absent.iter().map(|status| format!("{} {}", status.tool, status.wanted));
        let list = names.collect::<Vec<_>>().join(", ");
        findings.push(find(
            "tools-missing",
            Severity::Warning,
            format!("not set up: {list}"),
            "every tool of a build at its pinned version; `build` would install them first".to_owned(),
            Fix::command("cargo xtask setup"),
        ));
        if let Some(variable) = &facts.offline {
            findings.push(
                find(
                    "tools-offline",
                    Severity::Error,
                    format!("{variable} is set, so nothing can be installed"),
                    format!("the network for {list}"),
                    Fix::command(format!("unset {variable}")),
                )
                .at(format!("{variable} in the environment")),
            );
        }
        let from_npm = absent.iter().any(|status| ["wasm-opt", "sass"].contains(&status.tool));
        if from_npm && !facts.node && !facts.python {
            findings.push(find(
                "node-missing",
                Severity::Warning,
                "neither Node nor Python, which could bring Node".to_owned(),
                "one of them, for tools that come from npm".to_owned(),
                Fix::advice(
                    "install Node 14 or newer, or Python 3 with pip, with the system's package manager",
                ),
            ));
        }
    }
    if let (Some(found), Some(locked)) = (&facts.wasm_bindgen, &facts.locked)
        && found.version.as_ref() != Some(locked)
    {
        findings.push(other_program(
            "wasm-bindgen-other-version",
            found,
            format!("wasm-bindgen {}", found.version.as_deref().unwrap_or("of no version")),
            format!(
                "{locked}, as in Cargo.lock: xtask never uses another one, but cargo-leptos and wasm-pack do"
            ),
        ));
    }
    if let Some(found) = &facts.wasm_opt {
        let unknown: Vec<&str> = facts
            .features
            .iter()
            .filter(|feature| !facts.known_features.contains(feature))
            .map(String::as_str)
            .collect();
        if !unknown.is_empty() {
            findings.push(other_program(
                "wasm-opt-too-old",
                found,
                format!(
                    "wasm-opt {} does not know {}",
                    found.version.as_deref().unwrap_or("of no version"),
                    unknown.join(", ")
                ),
                "one that knows what this rustc emits: xtask uses its own, but cargo-leptos and wasm-pack do not"
                    .to_owned(),
            ));
        }
    }
    findings
}

fn lockfile(problem: &Problem) -> Finding {
    let (rule, fix) = match &problem.message {
        text if text.starts_with("cannot read") => {
            ("lockfile-missing", Fix::command("cargo generate-lockfile"))
        }
        text if text.contains(" versions of ") => {
            ("wasm-bindgen-locked-twice", Fix::command("cargo update --workspace"))
        }
        _ => ("lockfile-broken", Fix::command("git checkout HEAD -- Cargo.lock")),
    };
    let wanted = match (rule, &problem.hint) {
        ("wasm-bindgen-locked-twice", Some(hint)) => format!("one version; {hint}"),
        _ => "a Cargo.lock with exactly one version of wasm-bindgen".to_owned(),
    };
    Finding::new(Group::Tools, rule, Severity::Error, &problem.message, wanted, fix).at("Cargo.lock")
}

fn other_program(rule: &'static str, found: &OnPath, what: String, wanted: String) -> Finding {
    let fix = match &found.kept {
        Some(folder) => {
            let path = format!("export PATH={}:\"$PATH\"", quote(&folder.display().to_string()));
            let setup = if found.is_kept { "" } else { "cargo xtask setup && " };
            Fix::command(format!("{setup}{path}"))
        }
        None => Fix::command("cargo xtask setup"),
    };
    let place = format!("{} comes first on PATH", found.path.display());
    Finding::new(Group::Tools, rule, Severity::Warning, what, wanted, fix).at(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(facts: &Facts) -> Vec<&'static str> {
        examine(facts).iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn a_table_of_tools() {
        let fine = Facts { locked: Some("0.2.100".to_owned()), ..Facts::default() };
        assert_eq!(rules(&fine), [""; 0]);
        assert_eq!(rules(&Facts::default()), ["wasm-bindgen-not-locked"]);
        for (message, rule) in [
            ("cannot read x: no such file", "lockfile-missing"),
            ("Cargo.lock has 2 versions of `a`: 1, 2", "wasm-bindgen-locked-twice"),
            ("Cargo.lock is not valid: x", "lockfile-broken"),
        ] {
            let problem = Problem { message: message.to_owned(), hint: None };
            assert_eq!(rules(&Facts { lock_problem: Some(problem), ..Facts::default() }), [rule]);
        }
        let other = OnPath { version: Some("0.2.99".to_owned()), ..OnPath::default() };
        assert_eq!(
            rules(&Facts { wasm_bindgen: Some(other.clone()), ..fine.clone() }),
            ["wasm-bindgen-other-version"]
        );
        let same = OnPath { version: Some("0.2.100".to_owned()), ..OnPath::default() };
        assert_eq!(rules(&Facts { wasm_bindgen: Some(same), ..fine.clone() }), [""; 0]);
        let known = |known: &str| Facts {
            wasm_opt: Some(other.clone()),
            features: features(
                "debug\ntarget_feature=\"bulk-memory\"\ntarget_feature=\"nontrapping-fptoint\"\n",
            ),
            known_features: flags(known),
            ..fine.clone()
        };
        assert_eq!(rules(&known("--enable-bulk-memory  x\n --enable-nontrapping-float-to-int")), [""; 0]);
        let old = known(" --enable-bulk-memory ");
        assert_eq!(examine(&old)[0].found, "wasm-opt 0.2.99 does not know nontrapping-float-to-int");
        let missing = Status {
            tool: "wasm-opt",
            wanted: "131".to_owned(),
            found: None,
            path: None,
            source: None,
            state: State::Missing,
        };
        let missing = Facts { status: vec![missing], python: true, ..fine };
        assert_eq!(rules(&missing), ["tools-missing"]);
        assert_eq!(rules(&Facts { python: false, ..missing.clone() }), ["tools-missing", "node-missing"]);
        let offline = Facts { offline: Some("XTASK_OFFLINE".to_owned()), ..missing };
        assert_eq!(rules(&offline), ["tools-missing", "tools-offline"]);
    }
}
