//! Which run is meant: by id, by commit, as the latest, or as a file.

use std::path::Path;

use anyhow::Context;

use super::history::{self, History, Reading};
use crate::exit::Failure;
use crate::record::bench::{BENCH_SCHEMA, BenchRecord};

/// The shortest text that is taken for a commit: shorter ones mean too many.
const COMMIT_MIN: usize = 4;
/// How many runs a message names at most.
const NAMED_MAX: usize = 5;

const HINT: &str = "`cargo xtask bench history --host any` lists the runs";

/// Finds a run. `text` is its id or the beginning of it, `latest`, `latest~2` for the second before that, a commit
/// or the beginning of one, or the path of a JSON file. Of several runs of one commit the latest is meant.
///
/// `latest` is of `class`, or of any where that is `None`; so is a commit's run, where there is one of that class.
pub fn choose(history: &History, class: Option<&str>, text: &str) -> anyhow::Result<BenchRecord> {
    if text.contains(['/', '\\']) || text.ends_with(".json") {
        return from_file(Path::new(text));
    }
    if let Some(back) = steps_back(text) {
        return latest(history, class, text, back?);
    }
    if let Some(exact) = only(history, text, |run| run.id == text)? {
        return Ok(exact.clone());
    }
    if let Some(one) = only(history, text, |run| run.id.starts_with(text))? {
        return Ok(one.clone());
    }
    let is_of_commit = |run: &&BenchRecord| {
        let commit = run.revision.commit.as_deref().unwrap_or_default();
        text.len() >= COMMIT_MIN && commit.starts_with(&text.to_ascii_lowercase())
    };
    let of_commit: Vec<&BenchRecord> = history.runs.iter().filter(is_of_commit).collect();
    let of_class = of_commit.iter().rev().find(|run| is_of(run, class));
    match of_class.or(of_commit.last()) {
        Some(run) => Ok((*run).clone()),
        None => {
            let message = format!("there is no run `{text}`: neither an id nor a commit begins like that");
            Err(Failure::usage(message).hint(HINT).into())
        }
    }
}

fn is_of(run: &BenchRecord, class: Option<&str>) -> bool {
    class.is_none_or(|class| run.host.class == class)
}

/// The number in `latest~2`; `None` where the text is about something else.
fn steps_back(text: &str) -> Option<anyhow::Result<usize>> {
    let rest = text.strip_prefix("latest")?;
    if rest.is_empty() {
        return Some(Ok(0));
    }
    let number = rest.strip_prefix('~').and_then(|number| number.parse().ok());
    Some(number.ok_or_else(|| {
        Failure::usage(format!("`{text}` is no run: it is `latest`, or `latest~1` for the one before")).into()
    }))
}

/// A run that measured nothing is no latest one: it could not be compared with anything.
fn latest(history: &History, class: Option<&str>, text: &str, back: usize) -> anyhow::Result<BenchRecord> {
    let has_measured = |run: &&BenchRecord| run.samples.iter().any(|sample| sample.invalid.is_none());
    let mut runs: Vec<&BenchRecord> =
        history.runs.iter().filter(|run| is_of(run, class)).filter(has_measured).collect();
    let count = runs.len();
    match count.checked_sub(back + 1) {
        Some(index) => Ok(runs.swap_remove(index).clone()),
        None => {
            let place = class.map_or("at all".to_owned(), |class| format!("on {class}"));
            let runs = match count {
                0 => "there are no runs".to_owned(),
                1 => "there is one run".to_owned(),
                count => format!("there are {count} runs"),
            };
            let hint = format!("`cargo xtask bench` makes one; {HINT}");
            Err(Failure::usage(format!("there is no `{text}`: {runs} {place}")).hint(hint).into())
        }
    }
}

/// The only run of which `is_meant` is true; several are an error.
fn only<'h>(
    history: &'h History,
    text: &str,
    is_meant: impl Fn(&BenchRecord) -> bool,
) -> anyhow::Result<Option<&'h BenchRecord>> {
    let found: Vec<&BenchRecord> = history.runs.iter().filter(|run| is_meant(run)).collect();
    if found.len() < 2 {
        return Ok(found.first().copied());
    }
    let name = |run: &&BenchRecord| format!("{} on {}", run.id, run.host.class);
    let mut names: Vec<String> = found.iter().rev().take(NAMED_MAX).map(name).collect();
    if found.len() > NAMED_MAX {
        names.push(format!("{} more", found.len() - NAMED_MAX));
    }
    let message = format!("`{text}` may be any of {} runs: {}", found.len(), names.join(", "));
    Err(Failure::usage(message).hint("give more of the id, or the path of a JSON file").into())
}

fn from_file(path: &Path) -> anyhow::Result<BenchRecord> {
    let shown = path.display();
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Failure::usage(format!("there is no file {shown}")).hint(HINT).into());
        }
        bytes => bytes.with_context(|| format!("read {shown}"))?,
    };
    match history::parse(&bytes) {
        Reading::Run(run) => Ok(*run),
        Reading::Other(schema) => {
            let message = format!("{shown} is of schema {schema}; this xtask reads {BENCH_SCHEMA}");
            Err(Failure::usage(message)
                .hint("measure again with this one, or use the xtask that wrote it")
                .into())
        }
        Reading::Broken(why) => Err(Failure::usage(format!("{shown} is no run: {why}")).into()),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::super::shared_tests::record;
    use super::*;
    use crate::exit::{Exit, hint_of};

    fn history() -> History {
        let mut runs: Vec<BenchRecord> =
            ["20261119-100000", "20261120-110000", "20261120-120000", "20261121-130000"]
                .iter()
                .map(|id| record(id, "cold/cache", &[("none", &[9.0])]))
                .collect();
        runs[2].host.class = "github-linux".to_owned();
        runs[2].revision.commit = Some("abc110000".to_owned());
        // Was interrupted before the first sample.
        let mut empty = record("20261122-140000", "cold/cache", &[("none", &[])]);
        empty.revision.commit = None;
        runs.push(empty);
        History { runs, notes: Vec::new() }
    }

    const CLASS: Option<&str> = Some("linux-x86_64-2cpu-8gib");

    #[test]
    fn runs_are_found() {
        let check = |class: Option<&str>, text: &str, expected: &str| {
            assert_eq!(choose(&history(), class, text).unwrap().id, expected, "{text}");
        };
        check(CLASS, "latest", "20261121-130000");
        check(CLASS, "latest~0", "20261121-130000");
        check(CLASS, "latest~1", "20261120-110000");
        check(None, "latest~1", "20261120-120000");
        check(Some("github-linux"), "latest", "20261120-120000");
        check(CLASS, "20261120-120000", "20261120-120000");
        check(CLASS, "20261120-11", "20261120-110000");
        check(CLASS, "20261122", "20261122-140000");
        // The commit of two runs: that of the class first.
        check(CLASS, "abc11", "20261120-110000");
        check(None, "ABC11", "20261120-120000");
        check(Some("elsewhere"), "abc11", "20261120-120000");
    }

    #[test]
    fn what_is_not_there_is_told() {
        let check = |class: Option<&str>, text: &str, expected: Expect| {
            let error = choose(&history(), class, text).unwrap_err();
            assert_eq!(Exit::of(&error), Exit::Usage);
            expected.assert_eq(&format!("{error}\n{}", hint_of(&error).unwrap_or("-")));
        };
        check(
            CLASS,
            "latest~3",
            expect![[r#"
            there is no `latest~3`: there are 3 runs on linux-x86_64-2cpu-8gib
            `cargo xtask bench` makes one; `cargo xtask bench history --host any` lists the runs"#]],
        );
        check(
            Some("elsewhere"),
            "latest",
            expect![[r#"
            there is no `latest`: there are no runs on elsewhere
            `cargo xtask bench` makes one; `cargo xtask bench history --host any` lists the runs"#]],
        );
        check(
            None,
            "latest~99",
            expect![[r#"
            there is no `latest~99`: there are 4 runs at all
            `cargo xtask bench` makes one; `cargo xtask bench history --host any` lists the runs"#]],
        );
        check(
            CLASS,
            "latest^",
            expect![[r#"
            `latest^` is no run: it is `latest`, or `latest~1` for the one before
            -"#]],
        );
        check(
            CLASS,
            "2026",
            expect![[r#"
            `2026` may be any of 5 runs: 20261122-140000 on linux-x86_64-2cpu-8gib, 20261121-130000 on linux-x86_64-2cpu-8gib, 20261120-120000 on github-linux, 20261120-110000 on linux-x86_64-2cpu-8gib, 20261119-100000 on linux-x86_64-2cpu-8gib
            give more of the id, or the path of a JSON file"#]],
        );
        check(
            CLASS,
            "abc",
            expect![[r#"
            there is no run `abc`: neither an id nor a commit begins like that
            `cargo xtask bench history --host any` lists the runs"#]],
        );
        check(
            CLASS,
            "nowhere/run.json",
            expect![[r#"
            there is no file nowhere/run.json
            `cargo xtask bench history --host any` lists the runs"#]],
        );
    }

    #[test]
    fn files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        let text = path.display().to_string();
        let message = |content: &str| {
            std::fs::write(&path, content).unwrap();
            let error = choose(&history(), CLASS, &text).unwrap_err();
            assert_eq!(Exit::of(&error), Exit::Usage);
            error.to_string().replace(&text, "run.json")
        };
        expect!["run.json is of schema xtask.bench/0; this xtask reads xtask.bench/1"]
            .assert_eq(&message("{\"schema\": \"xtask.bench/0\"}"));
        expect!["run.json is no run: it has no `schema`"].assert_eq(&message("{}"));
        expect!["run.json is no run: it is no JSON: EOF while parsing a value at line 1 column 11"]
            .assert_eq(&message("{\"schema\": "));
        let run = record("20261119-100000", "cold/cache", &[("none", &[9.0])]);
        std::fs::write(&path, serde_json::to_vec_pretty(&run).unwrap()).unwrap();
        assert_eq!(choose(&History::default(), CLASS, &text).unwrap(), run);
    }
}
