//! The runs that are kept: one record a line, in `target/` and in the file that the workspace commits.
//!
//! Nothing here is trusted to be whole: a run may be killed while it writes, branches are merged, and records of
//! other versions of this program stay. What cannot be read is told and left out.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

use crate::record::bench::{BENCH_SCHEMA, BenchRecord};

/// All runs that could be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The oldest first.
    pub runs: Vec<BenchRecord>,
    /// What was left out, a sentence a file and reason.
    pub notes: Vec<String>,
}

/// One document.
pub enum Reading {
    Run(Box<BenchRecord>),
    /// Of this other schema.
    Other(String),
    /// No record at all, and why.
    Broken(String),
}

/// Reads all files; one that does not exist has no runs. A run that was resumed, or that is in several files, is
/// there once: as it was updated last. `root` is what paths in notes are relative to.
pub fn read(root: &Path, files: &[PathBuf]) -> anyhow::Result<History> {
    let mut history = History::default();
    for file in files {
        let bytes = match std::fs::read(file) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            bytes => bytes.with_context(|| format!("read {}", file.display()))?,
        };
        let name = file.strip_prefix(root).unwrap_or(file).display().to_string();
        history.add(&name, &bytes);
    }
    history.runs.sort_by(|a, b| (&a.started, &a.id).cmp(&(&b.started, &b.id)));
    Ok(history)
}

impl History {
    fn add(&mut self, name: &str, bytes: &[u8]) {
        let mut others: BTreeMap<String, usize> = BTreeMap::new();
        let is_cut_off = bytes.last().is_some_and(|byte| *byte != b'\n');
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        for (index, line) in lines.iter().enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            match parse(line) {
                Reading::Run(run) => self.keep(*run),
                Reading::Other(schema) => *others.entry(schema).or_default() += 1,
                Reading::Broken(_) if is_cut_off && index + 1 == lines.len() => {
                    let what = "the last line is cut off, as by a run that was killed, and is left out";
                    self.notes.push(format!("{name}: {what}"));
                }
                Reading::Broken(why) => {
                    self.notes.push(format!("{name}: line {} is left out: {why}", index + 1));
                    // A line that was cut off has no end, and the next record stands in it.
                    if let Some(Reading::Run(run)) = last_record(line).map(parse) {
                        self.keep(*run);
                    }
                }
            }
        }
        if !others.is_empty() {
            let total: usize = others.values().sum();
            let each: Vec<String> =
                others.iter().map(|(schema, count)| format!("{count} of {schema}")).collect();
            let what = if total == 1 { "record" } else { "records" };
            self.notes.push(format!(
                "{name}: left out {total} {what} of another schema than {BENCH_SCHEMA}: {}",
                each.join(", ")
            ));
        }
    }

    fn keep(&mut self, run: BenchRecord) {
        match self.runs.iter_mut().find(|known| is_same(known, &run)) {
            Some(known) if known.updated > run.updated => {}
            Some(known) => *known = run,
            None => self.runs.push(run),
        }
    }

    /// Runs of the same project on the same class of host that began before this one, the oldest first.
    pub fn earlier_like(&self, run: &BenchRecord) -> Vec<&BenchRecord> {
        let is_like = |other: &&BenchRecord| {
            other.project == run.project
                && other.host.class == run.host.class
                && other.started < run.started
                && !is_same(other, run)
        };
        self.runs.iter().filter(is_like).collect()
    }
}

/// Whether these are one run: ids are times, so that two machines may have the same one.
pub fn is_same(a: &BenchRecord, b: &BenchRecord) -> bool {
    (&a.id, &a.project, &a.host) == (&b.id, &b.project, &b.host)
}

/// Reads one document.
pub fn parse(text: &[u8]) -> Reading {
    let value: Value = match serde_json::from_slice(text) {
        Ok(value) => value,
        Err(error) => return Reading::Broken(format!("it is no JSON: {error}")),
    };
    let Some(schema) = value.get("schema").and_then(Value::as_str) else {
        return Reading::Broken("it has no `schema`".to_owned());
    };
    if schema != BENCH_SCHEMA {
        return Reading::Other(schema.to_owned());
    }
    match serde_json::from_value(value) {
        Ok(run) => Reading::Run(Box::new(run)),
        Err(error) => Reading::Broken(format!("it is no {BENCH_SCHEMA}: {error}")),
    }
}

/// From the last place in the line where a record begins, if that is not the line's own beginning.
fn last_record(line: &[u8]) -> Option<&[u8]> {
    const BEGINNING: &[u8] = b"{\"schema\":";
    let starts = 1..line.len().saturating_sub(BEGINNING.len());
    starts.rev().map(|start| &line[start..]).find(|rest| rest.starts_with(BEGINNING))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::shared_tests::record;
    use super::*;

    fn line(run: &BenchRecord) -> String {
        serde_json::to_string(run).unwrap() + "\n"
    }

    fn run(id: &str) -> BenchRecord {
        record(id, "cold/cache", &[("none", &[9.0])])
    }

    fn ids(history: &History) -> Vec<&str> {
        history.runs.iter().map(|run| run.id.as_str()).collect()
    }

    #[test]
    fn files_are_read_together() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let mut resumed = run("20261121-100000");
        resumed.updated = "2026-11-21T12:00:00Z".to_owned();
        let mut elsewhere = run("20261121-100000");
        elsewhere.host.class = "github-linux".to_owned();
        let kept = line(&run("20261120-100000")) + &line(&resumed) + &line(&elsewhere);
        std::fs::write(path("kept.jsonl"), kept).unwrap();
        let local = line(&run("20261121-100000")) + "\n" + &line(&run("20261119-100000"));
        std::fs::write(path("local.jsonl"), local).unwrap();
        let history =
            read(folder.path(), &[path("local.jsonl"), path("kept.jsonl"), path("none.jsonl")]).unwrap();
        let expected = ["20261119-100000", "20261120-100000", "20261121-100000", "20261121-100000"];
        assert_eq!(ids(&history), expected);
        assert_eq!(history.runs.iter().filter(|run| run.updated == resumed.updated).count(), 1);
        assert_eq!(history.notes, [""; 0]);
        let error = read(folder.path(), &[folder.path().to_owned()]).unwrap_err();
        assert!(error.to_string().starts_with("read "), "{error}");
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let mut history = History::default();
        let old = "{\"schema\":\"xtask.bench/0\",\"x\":1}\n";
        let new = "{\"schema\":\"xtask.bench/2\"}\n";
        let good = line(&run("20261120-100000"));
        let cut = &good[..200];
        let text = [old, &good, new, "<<<<<<< ours\n", old, "{}\n", "{\"schema\":\"xtask.bench/1\"}\n", cut]
            .concat();
        history.add("bench.jsonl", text.as_bytes());
        assert_eq!(ids(&history), ["20261120-100000"]);
        expect![[r#"
            bench.jsonl: line 4 is left out: it is no JSON: expected value at line 1 column 1
            bench.jsonl: line 6 is left out: it has no `schema`
            bench.jsonl: line 7 is left out: it is no xtask.bench/1: missing field `id`
            bench.jsonl: the last line is cut off, as by a run that was killed, and is left out
            bench.jsonl: left out 3 records of another schema than xtask.bench/1: 2 of xtask.bench/0, 1 of xtask.bench/2"#]].assert_eq(&history.notes.join("\n"));
    }

    #[test]
    fn a_record_behind_one_that_was_cut_off_is_found() {
        let mut history = History::default();
        let (first, second) = (line(&run("20261120-100000")), line(&run("20261121-100000")));
        history.add("bench.jsonl", [&first[..300], &second].concat().as_bytes());
        assert_eq!(ids(&history), ["20261121-100000"]);
        assert_eq!(history.notes.len(), 1, "{:?}", history.notes);
        // The end of the file may lack its line's end.
        let mut history = History::default();
        history.add("bench.jsonl", first.trim_end().as_bytes());
        assert_eq!((ids(&history).len(), history.notes.len()), (1, 0));
    }

    #[test]
    fn earlier_runs_like_one() {
        let mut history = History::default();
        for id in
            ["20261118-100000", "20261119-100000", "20261120-100000", "20261121-100000", "20261122-100000"]
        {
            history.runs.push(run(id));
        }
        history.runs[1].project = "other".to_owned();
        history.runs[2].host.class = "other".to_owned();
        let found = history.earlier_like(&run("20261121-100000"));
        assert_eq!(found.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(), ["20261118-100000"]);
    }
}
