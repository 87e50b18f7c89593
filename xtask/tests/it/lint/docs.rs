//! `docs/lint.md`: it has every rule of the table with its severity, its reason and what mends it, and its examples break
//! and keep the rule that they stand under.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::{good, lint, rules};
use crate::support::{Workspace, hadolint};

/// One section.
struct Section {
    rule: String,
    /// What stands before the examples.
    text: String,
    fails: Vec<(String, String)>,
    passes: Vec<(String, String)>,
}

/// The page; `None` in a workspace that xtask was copied into without it.
fn page() -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/lint.md");
    let page = fs::read_to_string(&path).ok();
    if page.is_none() {
        eprintln!("no {}: nothing to check", path.display());
    }
    page
}

fn sections() -> Option<Vec<Section>> {
    let page = page()?;
    let parse = |section: &str| {
        let (rule, rest) = section.split_once("`\n").unwrap();
        let (text, rest) = rest.split_once("Fails:\n").unwrap_or_else(|| panic!("{rule}: no `Fails:`"));
        let (fails, passes) = rest.split_once("Passes:\n").unwrap_or_else(|| panic!("{rule}: no `Passes:`"));
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let passes = passes.split("\n## ").next().unwrap();
        Section { rule: rule.to_owned(), text, fails: files(fails), passes: files(passes) }
    };
    Some(page.split("\n### `").skip(1).map(parse).collect())
}

/// The fenced blocks of a text, with the files that they are.
fn files(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for block in text.split("```").skip(1).step_by(2) {
        let (info, content) = block.split_once('\n').unwrap();
        let name = match info.split_once(' ') {
            Some((_, name)) => name,
            None if info == "dockerfile" => "Dockerfile",
            None if info == "yaml" => ".github/workflows/image.yml",
            None => panic!("no name of a file in `{info}`"),
        };
        found.push((name.to_owned(), content.to_owned()));
    }
    found
}

/// The packages that the examples stand in, with what an example says.
fn example(files: &[(String, String)]) -> Workspace {
    let workspace = good();
    for name in ["Dockerfile", ".github/workflows/image.yml", "railway.toml"] {
        fs::remove_file(workspace.root().join(name)).unwrap();
    }
    for (name, text) in files {
        workspace.write(name, text);
    }
    workspace
}

#[test]
fn every_rule_is_described_as_the_program_describes_it() {
    let Some(sections) = sections() else { return };
    let run = Workspace::empty().xtask(&["docker", "lint", "--rules", "--format", "json"]);
    let listed: Value = serde_json::from_str(&run.stdout).unwrap();
    let mut wanted = Vec::new();
    for rule in listed["rules"].as_array().unwrap() {
        let text = |key: &str| rule[key].as_str().unwrap();
        wanted.push((
            text("rule").to_owned(),
            format!("*{}.* {} **Mend:** {}", text("severity"), text("reason"), text("fix")),
        ));
    }
    let has: Vec<_> = sections.into_iter().map(|section| (section.rule, section.text)).collect();
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    wanted.iter_mut().for_each(|(_, text)| *text = plain(text));
    for (has, wanted) in has.iter().zip(&wanted) {
        assert_eq!(has, wanted);
    }
    assert_eq!(has.len(), wanted.len());
    assert!(page().is_some_and(|page| page.contains(&format!("There are {} rules.", wanted.len()))));
}

#[test]
fn examples_break_and_keep_their_rule() {
    let Some(sections) = sections() else { return };
    let mut wrong = Vec::new();
    for section in sections {
        assert!(!section.fails.is_empty() && !section.passes.is_empty(), "{}: no example", section.rule);
        for (files, breaks) in [(&section.fails, true), (&section.passes, false)] {
            let run = lint(&example(files), &["."]);
            let report: Value =
                serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
            let found = rules(&report);
            if found.contains(&section.rule) != breaks {
                let name = if breaks { "Fails" } else { "Passes" };
                wrong.push(format!("{}, {name}: found {found:?}", section.rule));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the page says of the examples that pass, asked of the real program.
#[test]
fn hadolint_finds_nothing_in_what_passes() {
    let Some(sections) = sections() else { return };
    let Some(program) = hadolint() else { return };
    let folder = Workspace::empty();
    let look = |names: &[String]| -> Output {
        let mut command = Command::new(&program);
        command.args(names).current_dir(folder.root());
        // Without settings of whoever runs the tests.
        command.env("HOME", folder.root()).env("XDG_CONFIG_HOME", folder.root());
        command.output().unwrap()
    };
    let mut names = Vec::new();
    for section in &sections {
        let is_recipe = |name: &str| name == "Dockerfile" || name == "Dockerfile.railway";
        for (name, text) in section.passes.iter().filter(|(name, _)| is_recipe(name)) {
            let name = format!("{}/{name}", section.rule);
            folder.write(&name, text);
            names.push(name);
        }
    }
    assert!(names.len() > 60, "{names:?}");
    let found = look(&names);
    let said = [found.stdout, found.stderr].concat();
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&said));
    // Where there is something to find, it says so.
    folder.write("odd/Dockerfile", "FROM debian\nRUN cd /tmp\n");
    let found = look(&["odd/Dockerfile".to_owned()]);
    assert!(!found.status.success() && String::from_utf8_lossy(&found.stdout).contains("DL3006"));
}
