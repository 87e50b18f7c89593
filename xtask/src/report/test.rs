//! The report of `ci test`: how many ran, what failed and where, what took longest.

use super::seconds;
use super::table::{Align, Table};
use crate::record::test::{FailedTest, Place, TestRecord, TestRun};

/// The most that is listed of tests that failed, and of errors of the compiler: a page has room for so many.
const LISTED_MAX: usize = 50;
/// What stands where a runner did not say something.
const NOT_TOLD: &str = "not told";

/// Renders the run as Markdown.
pub fn markdown(record: &TestRecord) -> String {
    let mut text = runs(record).markdown();
    let failed: Vec<&FailedTest> = record.runs.iter().flat_map(|run| &run.failed).collect();
    if !failed.is_empty() {
        text.push_str(&format!("\n{}", failures(&failed).markdown()));
        text.push_str(&more(failed.len()));
    }
    let errors: Vec<_> = record.runs.iter().flat_map(|run| &run.errors).collect();
    if !errors.is_empty() {
        let mut table = Table::new(&[("does not compile", Align::Left), ("", Align::Left)]);
        for error in errors.iter().take(LISTED_MAX) {
            table.row(vec![shown(&error.place), code(&error.message)]);
        }
        text.push_str(&format!("\n{}", table.markdown()));
        text.push_str(&more(errors.len()));
    }
    for run in record.runs.iter().filter(|run| !run.slowest.is_empty()) {
        let title = format!("slowest of {}", run.name);
        let mut table = Table::new(&[(title.as_str(), Align::Left), ("seconds", Align::Right)]);
        for test in &run.slowest {
            table.row(vec![code(&test.name), seconds(test.seconds)]);
        }
        text.push_str(&format!("\n{}", table.markdown()));
    }
    let is_untimed =
        |run: &TestRun| run.slowest.is_empty() && run.counts.is_some_and(|counts| counts.ran > 0);
    if record.runs.iter().any(is_untimed) {
        text.push_str("\n`cargo test` does not tell how long a test takes; cargo-nextest does.\n");
    }
    text
}

fn runs(record: &TestRecord) -> Table {
    let mut table = Table::new(&[
        ("tests", Align::Left),
        ("ran", Align::Right),
        ("passed", Align::Right),
        ("failed", Align::Right),
        ("skipped", Align::Right),
        ("minutes", Align::Right),
        ("", Align::Left),
    ]);
    let minutes = |seconds: f64| format!("{:.1}", seconds / 60.0);
    for run in &record.runs {
        let count = |number: fn(&crate::record::test::Counts) -> usize| {
            run.counts.as_ref().map_or_else(|| NOT_TOLD.to_owned(), |counts| number(counts).to_string())
        };
        table.row(vec![
            run.name.clone(),
            count(|counts| counts.ran),
            count(|counts| counts.passed),
            count(|counts| counts.failed),
            count(|counts| counts.skipped),
            minutes(run.seconds),
            if run.good { "ok" } else { "failed" }.to_owned(),
        ]);
    }
    let all = "all, with the app's build".to_owned();
    let none = || String::new();
    table.row(vec![all, none(), none(), none(), none(), minutes(record.seconds)]);
    table
}

fn failures(failed: &[&FailedTest]) -> Table {
    let mut table = Table::new(&[
        ("test", Align::Left),
        ("", Align::Left),
        ("place", Align::Left),
        ("says", Align::Left),
    ]);
    for test in failed.iter().take(LISTED_MAX) {
        table.row(vec![
            code(&test.name),
            test.how.clone(),
            test.place.as_ref().map_or_else(|| NOT_TOLD.to_owned(), shown),
            test.message.as_deref().map(code).unwrap_or_default(),
        ]);
    }
    table
}

fn more(all: usize) -> String {
    match all.saturating_sub(LISTED_MAX) {
        0 => String::new(),
        more => format!("\nand {more} more\n"),
    }
}

fn shown(place: &Place) -> String {
    code(&format!("{}:{}:{}", place.file, place.line, place.column))
}

/// What a test says may be anything; in code nothing of it is markup.
fn code(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c == '`' || c.is_control() { '\'' } else { c }).collect();
    format!("`{}`", plain.trim())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::facts::revision::Revision;
    use crate::record::RunResult;
    use crate::record::test::{CompileError, Counts, TEST_SCHEMA, TimedTest};

    #[test]
    fn what_ran_failed_and_took_long() {
        let place = |line| Place { file: "crates/app/src/lib.rs".to_owned(), line, column: 9 };
        let failed = FailedTest {
            name: "app::it a|b".to_owned(),
            how: "failed".to_owned(),
            seconds: Some(1.0),
            place: Some(place(7)),
            message: Some("`x` is <b>not</b> `y`".to_owned()),
        };
        let aborted = FailedTest {
            name: "app::it c".to_owned(),
            how: "aborted".to_owned(),
            place: None,
            message: None,
            ..failed.clone()
        };
        let app = TestRun {
            name: "app".to_owned(),
            good: false,
            seconds: 90.0,
            counts: Some(Counts { ran: 40, passed: 38, failed: 2, skipped: 1 }),
            failed: vec![failed, aborted],
            slowest: vec![TimedTest { name: "app::it slow".to_owned(), seconds: 61.5 }],
            errors: vec![],
        };
        let own = TestRun {
            name: "xtask".to_owned(),
            seconds: 6.0,
            counts: None,
            failed: vec![],
            slowest: vec![],
            errors: vec![CompileError { message: "mismatched types".to_owned(), place: place(2) }],
            ..app.clone()
        };
        let record = TestRecord {
            schema: TEST_SCHEMA,
            result: RunResult::Failed,
            started: "2026-11-21T10:00:00Z".to_owned(),
            revision: Revision::default(),
            runs: vec![app, own],
            seconds: 300.0,
        };
        expect![[r#"
            | tests | ran | passed | failed | skipped | minutes |  |
            | --- | ---: | ---: | ---: | ---: | ---: | --- |
            | app | 40 | 38 | 2 | 1 | 1.5 | failed |
            | xtask | not told | not told | not told | not told | 0.1 | failed |
            | all, with the app's build |  |  |  |  | 5.0 |  |

            | test |  | place | says |
            | --- | --- | --- | --- |
            | `app::it a\|b` | failed | `crates/app/src/lib.rs:7:9` | `'x' is <b>not</b> 'y'` |
            | `app::it c` | aborted | not told |  |

            | does not compile |  |
            | --- | --- |
            | `crates/app/src/lib.rs:2:9` | `mismatched types` |

            | slowest of app | seconds |
            | --- | ---: |
            | `app::it slow` | 61.5 |
        "#]]
        .assert_eq(&markdown(&record));
    }
}
