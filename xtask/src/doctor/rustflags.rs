//! Which rustflags count. Cargo takes them from one place only: flags that are written elsewhere are lost without a
//! word, and of two that contradict each other the last wins.

use serde::Serialize;
use serde_json::Value;

use super::base::{Base, Place};
use super::toolchain;
use crate::config::cfg;
use crate::record::doctor::{Finding, Fix, Group, Severity};

const WASM: &str = "wasm32-unknown-unknown";

/// All sources of flags for one target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Flags {
    pub target: String,
    /// In falling precedence; only the first that is there counts.
    pub levels: Vec<Level>,
}

/// What cargo joins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Level {
    /// E.g. `RUSTFLAGS`, `target.x86_64-unknown-linux-gnu.rustflags`.
    pub name: String,
    pub sources: Vec<Source>,
}

/// One variable or entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    pub flags: Vec<String>,
    pub place: Place,
}

impl Flags {
    /// The flags that the compiler gets, each with its source.
    pub fn effective(&self) -> Vec<(&str, &Source)> {
        let sources = self.levels.first().into_iter().flat_map(|level| &level.sources);
        sources.flat_map(|source| source.flags.iter().map(move |flag| (flag.as_str(), source))).collect()
    }
}

impl Source {
    /// What takes these flags away and leaves the others.
    pub fn without(&self, unwanted: &[&str]) -> Fix {
        let left: Vec<&str> = {
            let mut unwanted = unwanted.to_vec();
            // A flag that stands there twice goes once for each time that it is named, from the first on.
            self.flags
                .iter()
                .map(String::as_str)
                .filter(|flag| match unwanted.iter().position(|known| known == flag) {
                    Some(index) => {
                        unwanted.remove(index);
                        false
                    }
                    None => true,
                })
                .collect()
        };
        if left.iter().all(|flag| *flag == "-C") {
            return self.place.removal();
        }
        let separator = match &self.place {
            Place::Variable(name) if name == "CARGO_ENCODED_RUSTFLAGS" => "\u{1f}",
            _ => " ",
        };
        self.place.change(&left.join(separator), &entry(&left))
    }
}

/// `rustflags = ["-a", "-b"]`
fn entry(flags: &[&str]) -> String {
    let items: Vec<String> = flags.iter().map(|flag| Value::from(*flag).to_string()).collect();
    format!("rustflags = [{}]", items.join(", "))
}

pub fn gather(base: &Base<'_>, toolchain: &toolchain::Facts) -> Vec<Flags> {
    let host = toolchain.toolchain.as_ref().map(|toolchain| toolchain.host.clone());
    host.into_iter()
        .chain([WASM.to_owned()])
        .map(|target| Flags { levels: levels(base, &target), target })
        .collect()
}

fn levels(base: &Base<'_>, target: &str) -> Vec<Level> {
    let variable = |name: &str, encoded: bool| {
        let value = base.env.raw(name)?;
        let flags = match encoded {
            true => value.split('\u{1f}').filter(|flag| !flag.is_empty()).map(str::to_owned).collect(),
            false => value.split_whitespace().map(str::to_owned).collect(),
        };
        Some(Source { flags, place: Place::Variable(name.to_owned()) })
    };
    let entry = |keys: &[&str]| {
        let found = base.files.iter().rev().filter_map(|file| base.in_file(file, keys));
        let sources = found.filter_map(|(value, place, _)| Some(Source { flags: flags_of(value)?, place }));
        sources.collect::<Vec<_>>()
    };
    let upper = target.to_uppercase().replace(['-', '.'], "_");
    let mut of_target = entry(&["target", target, "rustflags"]);
    of_target.extend(variable(&format!("CARGO_TARGET_{upper}_RUSTFLAGS"), false));
    let tables = base.files.iter().filter_map(|file| file.value.get("target")?.as_object());
    let mut expressions: Vec<&String> =
        tables.flat_map(|tables| tables.keys()).filter(|name| cfg::holds(name, target)).collect();
    expressions.sort();
    expressions.dedup();
    for expression in expressions {
        of_target.extend(entry(&["target", expression, "rustflags"]));
    }
    let mut of_build = entry(&["build", "rustflags"]);
    of_build.extend(variable("CARGO_BUILD_RUSTFLAGS", false));
    let named = |name: &str, sources: Vec<Source>| Level { name: name.to_owned(), sources };
    let all = [
        named("CARGO_ENCODED_RUSTFLAGS", variable("CARGO_ENCODED_RUSTFLAGS", true).into_iter().collect()),
        named("RUSTFLAGS", variable("RUSTFLAGS", false).into_iter().collect()),
        named(&format!("target.{target}.rustflags"), of_target),
        named("build.rustflags", of_build),
    ];
    // A variable counts even if it is empty; an empty list does not.
    let counts = |level: &Level| {
        level.sources.iter().any(|source| !source.flags.is_empty())
            || (level.name.ends_with("RUSTFLAGS") && !level.sources.is_empty())
    };
    all.into_iter().filter(counts).collect()
}

fn flags_of(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(flags) => Some(flags.split_whitespace().map(str::to_owned).collect()),
        Value::Array(flags) => {
            Some(flags.iter().filter_map(|flag| flag.as_str().map(str::to_owned)).collect())
        }
        _ => None,
    }
}

pub fn examine(all: &[Flags]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for flags in all {
        for finding in hidden(flags).into_iter().chain(contradictions(flags)) {
            // One cause, told once for both targets.
            let is_known =
                findings.iter().any(|known| known.rule == finding.rule && known.place == finding.place);
            if !is_known {
                findings.push(finding);
            }
        }
    }
    findings
}

/// Flags that nobody reads, because a source of higher precedence is there.
fn hidden(flags: &Flags) -> Option<Finding> {
    let (winner, losers) = flags.levels.split_first()?;
    let used: Vec<&str> = flags.effective().into_iter().map(|(flag, _)| flag).collect();
    let lost: Vec<&Source> = losers.iter().flat_map(|level| &level.sources).collect();
    let is_lost = |source: &&&Source| source.flags.iter().any(|flag| !used.contains(&flag.as_str()));
    let lost: Vec<&&Source> = lost.iter().filter(is_lost).collect();
    let first = winner.sources.first()?;
    if lost.is_empty() {
        return None;
    }
    let shown: Vec<String> = lost
        .iter()
        .map(|source| format!("`{}` ({})", source.flags.join(" "), source.place.shown()))
        .collect();
    let fix = match &first.place {
        Place::Variable(_) => first.place.removal(),
        // Both sets, where cargo looks first.
        Place::Entry { .. } => {
            let more = lost.iter().flat_map(|source| &source.flags).map(String::as_str);
            let joined: Vec<&str> = first.flags.iter().map(String::as_str).chain(more).collect();
            first.place.change(&joined.join(" "), &entry(&joined))
        }
    };
    let finding = Finding::new(
        Group::Cargo,
        "rustflags-hidden",
        Severity::Warning,
        format!("lost for {}: {}", flags.target, shown.join(", ")),
        format!("all flags in one place: cargo takes them from {} alone", winner.name),
        fix,
    );
    Some(finding.at(first.place.shown()))
}

/// Two values for what has one.
fn contradictions(flags: &Flags) -> Option<Finding> {
    let effective = flags.effective();
    let words: Vec<&str> = effective.iter().map(|(flag, _)| *flag).collect();
    let options = options(&words);
    for (index, (key, value, at)) in options.iter().enumerate() {
        let later = options[index + 1..].iter().find(|(other, with, _)| other == key && with != value);
        let Some((_, winner, _)) = later else { continue };
        let source = effective[at.0].1;
        let mut unwanted: Vec<&str> = words[at.0..=at.1].to_vec();
        // `-C` before another option is the same word; the one that goes has to be the right one.
        if at.0 != at.1 && words.iter().position(|word| *word == words[at.0]) != Some(at.0) {
            unwanted.remove(0);
        }
        let finding = Finding::new(
            Group::Cargo,
            "rustflags-contradict",
            Severity::Warning,
            format!("`{key}` is both `{value}` and `{winner}` for {}; the last one wins", flags.target),
            format!("one value for `{key}`"),
            source.without(&unwanted),
        );
        return Some(finding.at(source.place.shown()));
    }
    None
}

/// Options that have one value: key, value, and the words that they are made of.
fn options(words: &[&str]) -> Vec<(String, String, (usize, usize))> {
    let mut found = Vec::new();
    let mut index = 0;
    while index < words.len() {
        let (option, last) = match words[index] {
            "-C" | "--codegen" => (words.get(index + 1).copied().unwrap_or_default(), index + 1),
            word => (word.strip_prefix("-C").unwrap_or_default(), index),
        };
        if let Some((key, value)) = option.split_once('=') {
            let at = (index, last);
            match (key, value.strip_prefix("-fuse-ld=")) {
                ("link-arg", Some(linker)) => found.push(("-fuse-ld".to_owned(), linker.to_owned(), at)),
                ("link-arg" | "link-args" | "llvm-args" | "metadata" | "extra-filename", _) => {}
                ("target-feature", _) => {
                    for feature in value.split(',') {
                        let (sign, name) = feature.split_at(feature.len().min(1));
                        found.push((format!("target-feature {name}"), sign.to_owned(), at));
                    }
                }
                _ => found.push((key.to_owned(), value.to_owned(), at)),
            }
        }
        index = last + 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn source(name: &str, flags: &str) -> Source {
        let place = match name.starts_with("file") {
            true => Place::Entry { file: name.to_owned(), line: 2, text: "rustflags = 1\n".to_owned() },
            false => Place::Variable(name.to_owned()),
        };
        Source { flags: flags.split_whitespace().map(str::to_owned).collect(), place }
    }

    fn check(levels: &[(&str, &[(&str, &str)])], expected: Expect) {
        let level = |(name, sources): &(&str, &[(&str, &str)])| Level {
            name: (*name).to_owned(),
            sources: sources.iter().map(|(name, flags)| source(name, flags)).collect(),
        };
        let flags = Flags { target: "t".to_owned(), levels: levels.iter().map(level).collect() };
        let findings = examine(&[flags.clone(), flags]);
        let shown =
            findings.iter().map(|found| format!("{} at {:?}: {:?}", found.rule, found.place, found.fix));
        expected.assert_eq(&shown.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn flags_in_several_places() {
        check(&[("RUSTFLAGS", &[("RUSTFLAGS", "-a")])], expect![""]);
        check(
            &[("RUSTFLAGS", &[("RUSTFLAGS", "-a")]), ("build", &[("file", "-b")])],
            expect![[
                r#"rustflags-hidden at Some("RUSTFLAGS in the environment"): Command("unset RUSTFLAGS")"#
            ]],
        );
        check(&[("RUSTFLAGS", &[("RUSTFLAGS", "-a -b")]), ("build", &[("file", "-b")])], expect![""]);
        check(
            &[("target", &[("file", "-a")]), ("build", &[("file", "-b")])],
            expect![[
                r#"rustflags-hidden at Some("file:2"): Edit([Edit { file: "file", line: Some(2), old: "rustflags = 1\n", new: "rustflags = [\"-a\", \"-b\"]\n" }])"#
            ]],
        );
    }

    #[test]
    fn flags_against_each_other() {
        check(
            &[("RUSTFLAGS", &[("RUSTFLAGS", "-C opt-level=1 -C lto -Copt-level=2 --cfg x --cfg y")])],
            expect![[
                r#"rustflags-contradict at Some("RUSTFLAGS in the environment"): Command("export RUSTFLAGS='-C lto -Copt-level=2 --cfg x --cfg y'")"#
            ]],
        );
        check(
            &[(
                "build",
                &[("file", "-Clink-arg=-fuse-ld=mold"), ("file2", "-C link-arg=-fuse-ld=lld -C link-arg=-s")],
            )],
            expect![[
                r#"rustflags-contradict at Some("file:2"): Edit([Edit { file: "file", line: Some(2), old: "rustflags = 1\n", new: "" }])"#
            ]],
        );
        check(
            &[("build", &[("file", "-Ctarget-feature=+a,-b -Ctarget-feature=+b")])],
            expect![[
                r#"rustflags-contradict at Some("file:2"): Edit([Edit { file: "file", line: Some(2), old: "rustflags = 1\n", new: "rustflags = [\"-Ctarget-feature=+b\"]\n" }])"#
            ]],
        );
        check(
            &[("build", &[("file", "-Clink-arg=-a -Clink-arg=-b -Copt-level=1 -Copt-level=1")])],
            expect![""],
        );
    }
}
