//! Checks on the sources themselves: who imports whom, sizes, banned words. Each check has a sample that must fail.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

/// The longest a source file may be, in lines; longer ones hold two subjects.
const FILE_LINES_MAX: usize = 450;
const LINE_CHARS_MAX: usize = 120;

fn crate_root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut pending = vec![crate_root().join(folder)];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(crate_root()).unwrap().display().to_string();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

/// The table "Who may import whom" of ARCHITECTURE.md.
fn rules(architecture: &str) -> BTreeMap<String, BTreeSet<String>> {
    let section = architecture.split("## Who may import whom").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let words =
        |cell: &str| -> BTreeSet<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').collect();
            (words(cells[1]).into_iter().next().unwrap(), words(cells[2]))
        })
        .collect()
}

/// `leptos` for `src/leptos/site.rs`, `plan` for `src/plan.rs`.
fn room(file: &str) -> &str {
    let below = file.strip_prefix("src/").unwrap();
    below.split('/').next().unwrap().trim_end_matches(".rs")
}

fn forbidden_imports(rules: &BTreeMap<String, BTreeSet<String>>, file: &str, text: &str) -> Vec<String> {
    let own = room(file);
    let Some(allowed) = rules.get(own) else {
        return vec![format!("{file}: error: room `{own}` is not in ARCHITECTURE.md")];
    };
    // Tests may build what they check from any room.
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        for part in line.split("crate::").skip(1) {
            let target: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if target != own && !target.is_empty() && !allowed.contains(&target) {
                let line = number + 1;
                findings.push(format!("{file}:{line}: error: `{own}` may not import `{target}`"));
            }
        }
    }
    findings
}

fn is_test_file(file: &str) -> bool {
    file.ends_with("tests.rs")
}

#[test]
fn rooms_import_only_what_architecture_allows() {
    let rules = rules(&fs::read_to_string(crate_root().join("ARCHITECTURE.md")).unwrap());
    let findings: Vec<String> = sources("src")
        .iter()
        .filter(|(file, _)| !is_test_file(file))
        .flat_map(|(file, text)| forbidden_imports(&rules, file, text))
        .collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));

    assert_eq!(unused_rights(&rules, &sources("src")), [""; 0]);

    let bad = forbidden_imports(&rules, "src/plan.rs", "use crate::exec::Executor;");
    assert_eq!(bad, ["src/plan.rs:1: error: `plan` may not import `exec`"]);
    assert_eq!(forbidden_imports(&rules, "src/new.rs", "").len(), 1);
    let unused = unused_rights(&rules, &[]);
    assert!(
        unused.contains(&"ARCHITECTURE.md: error: `steps` does not import `record`".to_owned()),
        "{unused:?}"
    );
}

/// What the table allows and nobody does: it would hide a new dependency.
fn unused_rights(rules: &BTreeMap<String, BTreeSet<String>>, sources: &[(String, String)]) -> Vec<String> {
    let mut findings = Vec::new();
    // `main` names the rooms without `crate::`.
    for (own, allowed) in rules.iter().filter(|(own, _)| *own != "main") {
        for target in allowed {
            let import = format!("crate::{target}");
            let is_used = sources.iter().any(|(file, text)| room(file) == own && text.contains(&import));
            if !is_used {
                findings.push(format!("ARCHITECTURE.md: error: `{own}` does not import `{target}`"));
            }
        }
    }
    findings
}

fn spawning(file: &str, text: &str) -> Vec<String> {
    let banned = ["process::Command", "duct::", "ureq::", "rustix::", "signal_hook::"];
    let found = banned.iter().filter(|name| text.contains(**name) && room(file) != "exec");
    found.map(|name| format!("{file}: error: `{name}` is banned outside `exec`, use the executor")).collect()
}

#[test]
fn only_the_executor_spawns() {
    let findings: Vec<String> = sources("src").iter().flat_map(|(file, text)| spawning(file, text)).collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    assert_eq!(spawning("src/leptos/a.rs", "std::process::Command::new(\"ls\")").len(), 1);
}

/// Lines and words that no file may have.
fn style(file: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    if !text.starts_with("//!") {
        findings.push(format!("{file}:1: error: no `//!` paragraph that says what the file owns"));
    }
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX {
        findings.push(format!("{file}: error: {lines} lines; split what has two subjects"));
    }
    // Spelled in two parts, so that this file does not find itself.
    let banned =
        [concat!("FIX", "ME"), concat!("TO", "DO"), concat!("db", "g!("), concat!("un", "implemented!(")];
    // Snapshots in tests hold messages as they are.
    let code_lines = text.split("#[cfg(test)]\nmod tests {").next().unwrap().lines().count();
    for (number, line) in text.lines().enumerate() {
        let place = format!("{file}:{}", number + 1);
        let code = file.starts_with("src/") && !file.contains("tests") && number < code_lines;
        if code && line.chars().count() > LINE_CHARS_MAX && !line.contains("http") {
            findings.push(format!("{place}: error: longer than {LINE_CHARS_MAX} characters"));
        }
        for word in banned.iter().filter(|word| line.contains(**word)) {
            findings.push(format!("{place}: error: `{word}` is banned; do it or open an issue"));
        }
    }
    findings
}

#[test]
fn files_are_short_and_finished() {
    let mut findings = Vec::new();
    for folder in ["src", "tests"] {
        for (file, text) in sources(folder) {
            findings.extend(style(&file, &text));
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    assert_eq!(style("a.rs", concat!("//! A file.\n// TO", "DO later")).len(), 1);
    assert_eq!(style("a.rs", "fn main() {}").len(), 1);
}

#[test]
fn every_dependency_is_given_or_has_its_reason() {
    let manifest = fs::read_to_string(crate_root().join("Cargo.toml")).unwrap();
    let given = ["anyhow", "chrono", "clap", "duct", "serde", "toml", "xshell"];
    let mut previous = "";
    let mut in_dependencies = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            in_dependencies = line.contains("dependencies");
        } else if in_dependencies && let Some((name, _)) = line.split_once(" = ") {
            assert!(
                given.contains(&name) || previous.starts_with('#'),
                "no reason for `{name}` in Cargo.toml"
            );
        }
        previous = line;
    }
}

#[test]
fn nothing_knows_the_app_or_this_machine() {
    let root = crate_root();
    let workspace = root.parent().unwrap();
    // In another workspace there is another app; its names are looked for just the same.
    let members = fs::read_dir(workspace.join("crates")).into_iter().flatten().flatten();
    let mut names: Vec<String> = members
        .filter_map(|entry| fs::read_to_string(entry.path().join("Cargo.toml")).ok())
        .filter_map(|manifest| Some(manifest.split("name = \"").nth(1)?.split('"').next()?.to_owned()))
        .collect();
    names.push(["/ro", "ot/"].concat());
    for (file, text) in sources("src") {
        for name in &names {
            assert!(!text.contains(name.as_str()), "{file}: error: names `{name}`");
        }
    }
}

#[test]
fn tests_compile_xtask_as_the_alias_does() {
    let values = |text: &str| -> Vec<String> {
        let quoted = text.split('"').filter(|part| part.starts_with("profile.xtask."));
        quoted.map(str::to_owned).collect()
    };
    let alias = fs::read_to_string(crate_root().join("../.cargo/config.toml")).unwrap();
    let tests = fs::read_to_string(crate_root().join("src/cmd/test.rs")).unwrap();
    assert!(!values(&tests).is_empty());
    assert_eq!(values(&alias), values(&tests));
}
