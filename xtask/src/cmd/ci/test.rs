//! `cargo xtask ci test`: the project's tests as `cargo xtask test` runs them, with what failed shown beside its line.

use std::path::Path;
use std::time::{Instant, SystemTime};

use super::Outputs;
use super::check::annotate;
use crate::ci::annotations::{self, Annotation, Level};
use crate::ci::summary::Summary;
use crate::ci::test_output::{Reader, Runner};
use crate::cli::ci_reports::CiTestArgs;
use crate::cmd::test;
use crate::config::root;
use crate::exec::Executor;
use crate::facts::changes;
use crate::facts::revision::Revision;
use crate::plan::Invocation;
use crate::record::test::{CompileError, FailedTest, Place, RUNS, TEST_SCHEMA, TestRecord, TestRun};
use crate::record::{self, RunResult};
use crate::report;

/// Runs all tests, then fails where one has failed.
pub fn run(
    exec: &Executor,
    on_github: bool,
    args: &CiTestArgs,
    summary: &mut Summary,
) -> anyhow::Result<Outputs> {
    summary.begin("build and tests");
    let prefix = match on_github {
        true => Some(changes::prefix(exec, &root::find()?)),
        false => None,
    };
    let (began, started) = (Instant::now(), SystemTime::now());
    let mut runs = Vec::new();
    let tested = test::carry_out(exec, &args.test, &mut |name, command| {
        let run = one(exec, prefix.as_deref(), name, command)?;
        let good = run.good;
        runs.push(run);
        Ok(good)
    });
    let mut record = TestRecord {
        schema: TEST_SCHEMA,
        result: RunResult::Failed,
        started: chrono::DateTime::<chrono::Utc>::from(started).to_rfc3339(),
        revision: Revision::default(),
        runs,
        seconds: began.elapsed().as_secs_f64(),
    };
    // A runner that was stopped leaves what the others have found.
    if !record.runs.is_empty() {
        summary.add(report::test::markdown(&record));
    }
    let Some(tested) = tested? else { return Ok(Outputs::new()) };
    if tested.failed.is_empty() {
        record.result = RunResult::Ok;
    }
    record.revision = Revision::probe(exec, &tested.workspace.root);
    let recorded = record::append(&tested.workspace.target_directory, RUNS, &record);
    // What failed matters more than a record that could not be written.
    test::verdict(&tested.failed)?;
    recorded?;
    Ok(outputs(&record))
}

/// One call of the runner: shown as it comes, and understood. On GitHub `prefix` is the workspace's folder.
fn one(exec: &Executor, prefix: Option<&str>, name: &str, command: &Invocation) -> anyhow::Result<TestRun> {
    let is_nextest = command.args.first().is_some_and(|word| word == "nextest");
    let mut reader = Reader::new(if is_nextest { Runner::Nextest } else { Runner::Cargo });
    let began = Instant::now();
    exec.ui().section_start(&format!("tests of {name}"));
    // What tests print is theirs: a line that looks like a command is none.
    let (stop, go_on) = prefix.map(|_| annotations::without_commands()).unwrap_or_default();
    exec.ui().raw(&stop);
    let ended = exec.verdict_lines(command, |line| {
        // What is understood goes on record, where no secret may be either.
        let line = exec.redact(line);
        exec.ui().raw(&format!("{line}\n"));
        reader.take(&line);
    });
    exec.ui().raw(&go_on);
    exec.ui().section_end();
    let told = reader.told();
    for error in &told.errors {
        annotate(exec, prefix, Some(&of_error(error)));
    }
    for test in &told.failed {
        let place = test.place.as_ref().map(|place| format!(" at {}:{}", place.file, place.line));
        exec.ui().status("Failed", exec.redact(&format!("{}{}", test.name, place.unwrap_or_default())));
        annotate(exec, prefix, Some(&of_test(test)));
    }
    Ok(TestRun {
        name: name.to_owned(),
        good: ended?,
        seconds: began.elapsed().as_secs_f64(),
        counts: told.counts,
        failed: told.failed,
        slowest: told.slowest,
        errors: told.errors,
    })
}

fn of_test(test: &FailedTest) -> Annotation {
    let message = test.message.as_deref().unwrap_or(&test.how);
    at(test.place.as_ref(), format!("test {}: {}", test.name, test.how), message)
}

fn of_error(error: &CompileError) -> Annotation {
    at(Some(&error.place), "does not compile".to_owned(), &error.message)
}

/// Files of other packages are in no checkout, so nothing can be shown beside their lines.
fn at(place: Option<&Place>, title: String, message: &str) -> Annotation {
    match place.filter(|place| Path::new(&place.file).is_relative()) {
        Some(Place { file, line, column }) => Annotation {
            level: Level::Error,
            file: file.clone(),
            line: *line,
            column: *column,
            title,
            message: message.to_owned(),
        },
        None => Annotation::general(Level::Error, title, message),
    }
}

/// How many tests all runs together had, as far as the runners tell.
fn outputs(record: &TestRecord) -> Outputs {
    let counts = || record.runs.iter().filter_map(|run| run.counts);
    let sum =
        |number: fn(crate::record::test::Counts) -> usize| counts().map(number).sum::<usize>().to_string();
    if counts().count() < record.runs.len() {
        return Outputs::new();
    }
    Outputs::from([("ran", sum(|counts| counts.ran)), ("skipped", sum(|counts| counts.skipped))])
}
