//! What test runners say, line by line, as data: which tests failed and where, how many ran, how long each took. Pure.
//!
//! Knows cargo-nextest's lines for people (0.9) and those of `cargo test`, which has no others that are stable. A line
//! that is not understood is passed over: the runner's exit code is the verdict, never this.

use std::collections::BTreeMap;

use crate::exec::without_escapes;
use crate::record::test::{CompileError, Counts, FailedTest, Place, TimedTest};

/// How many of the slowest tests are kept.
const SLOWEST_MAX: usize = 10;
/// The longest message that is kept, in characters.
const MESSAGE_LENGTH_MAX: usize = 300;
/// Where nextest's word about a test ends, in columns.
const STATUS_WIDTH: usize = 12;

/// Who runs the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runner {
    Nextest,
    Cargo,
}

/// Reads lines as they come.
#[derive(Debug)]
pub struct Reader {
    runner: Runner,
    tests: BTreeMap<String, Test>,
    counts: Option<Counts>,
    /// The test binary that `cargo test` runs now.
    binary: String,
    /// The test whose output comes now.
    current: Option<String>,
    /// The test whose panic's message is the next line.
    awaits_message: Option<String>,
    /// An error of the compiler whose place comes on a later line.
    pending_error: Option<String>,
    errors: Vec<CompileError>,
}

#[derive(Debug, Default)]
struct Test {
    /// Why it did not pass; `None` once it has.
    failure: Option<String>,
    seconds: Option<f64>,
    panic: Option<Panic>,
}

#[derive(Clone, Debug)]
struct Panic {
    place: Place,
    message: Option<String>,
    /// Whether the test's own thread panicked.
    is_own: bool,
}

/// What all lines together say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    pub counts: Option<Counts>,
    pub failed: Vec<FailedTest>,
    pub slowest: Vec<TimedTest>,
    pub errors: Vec<CompileError>,
}

impl Reader {
    pub fn new(runner: Runner) -> Reader {
        Reader {
            runner,
            tests: BTreeMap::new(),
            counts: None,
            binary: String::new(),
            current: None,
            awaits_message: None,
            pending_error: None,
            errors: Vec::new(),
        }
    }

    /// One line, without its end.
    pub fn take(&mut self, line: &str) {
        let line = without_escapes(line);
        let line = line.trim_end();
        if let Some(name) = self.awaits_message.take() {
            let message: String = line.trim_start().chars().take(MESSAGE_LENGTH_MAX).collect();
            let panic = self.tests.get_mut(&name).and_then(|test| test.panic.as_mut());
            if let Some(panic) = panic.filter(|_| !message.is_empty()) {
                panic.message = Some(message);
            }
            return;
        }
        if let Some((thread, place)) = panicked(line) {
            self.note_panic(thread, place);
            return;
        }
        match self.runner {
            Runner::Nextest => self.take_nextest(line),
            Runner::Cargo => self.take_cargo(line),
        }
        // Later than that, a line that looks so is what a test has printed.
        if self.tests.is_empty() && self.counts.is_none() {
            self.take_compiler(line);
        }
    }

    /// What there is to tell, once the runner has ended.
    pub fn told(self) -> Told {
        let timed = self
            .tests
            .iter()
            .filter_map(|(name, test)| Some(TimedTest { name: name.clone(), seconds: test.seconds? }));
        let mut slowest: Vec<TimedTest> = timed.collect();
        slowest.sort_by(|one, other| other.seconds.total_cmp(&one.seconds));
        slowest.truncate(SLOWEST_MAX);
        let failed = self.tests.into_iter().filter_map(|(name, test)| {
            let (place, message) = match test.panic {
                Some(panic) => (Some(panic.place), panic.message),
                None => (None, None),
            };
            Some(FailedTest { name, how: test.failure?, seconds: test.seconds, place, message })
        });
        Told { counts: self.counts, failed: failed.collect(), slowest, errors: self.errors }
    }

    /// The first panic of the test's own thread counts; one of another thread only until then.
    fn note_panic(&mut self, thread: &str, place: Place) {
        let Some(current) = &self.current else { return };
        let Some(test) = self.tests.get_mut(current) else { return };
        let is_own = current.ends_with(&format!(" {thread}")) || current == thread;
        if test.panic.as_ref().is_none_or(|known| is_own && !known.is_own) {
            test.panic = Some(Panic { place, message: None, is_own });
            self.awaits_message = Some(current.clone());
        }
    }

    /// `        FAIL [   0.003s] (1/2) binary name`, and `     Summary [   0.1s] 2 tests run: …`.
    fn take_nextest(&mut self, line: &str) {
        let (Some(word), Some(rest)) = (line.get(..STATUS_WIDTH), line.get(STATUS_WIDTH..)) else { return };
        let Some((time, rest)) = rest.strip_prefix(" [").and_then(|rest| rest.split_once("] ")) else {
            return;
        };
        // What only goes on has a time like `> 60.000s`.
        let Some(seconds) = time.trim().strip_suffix('s').and_then(|time| time.parse::<f64>().ok()) else {
            return;
        };
        let word = word.trim();
        if word == "Summary" {
            self.counts = Some(counts_of_nextest(rest));
            return;
        }
        // An attempt of several; the last one counts.
        let word = word.rsplit(' ').next().unwrap_or(word);
        let Some(failure) = failure_of_nextest(word) else { return };
        let name = match rest.strip_prefix('(').and_then(|rest| rest.split_once(") ")) {
            Some((_, name)) => name.trim(),
            None => rest.trim(),
        };
        self.current = failure.is_some().then(|| name.to_owned());
        let test = self.tests.entry(name.to_owned()).or_default();
        test.failure = failure;
        test.seconds = Some(seconds);
    }

    /// `     Running unittests src/lib.rs (target/debug/deps/app-0123)`, `test name ... FAILED`, `---- name stdout
    /// ----` and `test result: …`.
    fn take_cargo(&mut self, line: &str) {
        let trimmed = line.trim_start();
        let running = trimmed.strip_prefix("Running ").and_then(|rest| rest.rsplit_once('('));
        if let Some((_, file)) = running {
            let file = file.trim_end_matches(')').rsplit('/').next().unwrap_or_default();
            self.binary = file.rsplit_once('-').map_or(file, |(name, _hash)| name).to_owned();
        } else if let Some(package) = trimmed.strip_prefix("Doc-tests ") {
            self.binary = format!("{package} (documentation)");
        } else if let Some(name) =
            line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----"))
        {
            self.current = Some(self.named(name));
        } else if let Some(rest) = line.strip_prefix("test result: ") {
            self.current = None;
            let counts = self.counts.get_or_insert_with(Counts::default);
            let (passed, failed) = (number_before(rest, "passed"), number_before(rest, "failed"));
            counts.ran += passed + failed + number_before(rest, "measured");
            counts.passed += passed;
            counts.failed += failed;
            counts.skipped += number_before(rest, "ignored") + number_before(rest, "filtered");
        } else if let Some((name, result)) =
            line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... "))
        {
            let failure = match result {
                "FAILED" => Some("failed".to_owned()),
                result if result.starts_with("ok") => None,
                _ => return,
            };
            let name = self.named(name.strip_suffix(" - should panic").unwrap_or(name));
            self.tests.entry(name).or_default().failure = failure;
        }
    }

    fn named(&self, name: &str) -> String {
        if self.binary.is_empty() { name.to_owned() } else { format!("{} {name}", self.binary) }
    }

    /// `error[E0308]: mismatched types`, and on a later line `  --> src/lib.rs:1:2`.
    fn take_compiler(&mut self, line: &str) {
        if line.starts_with("error[") || line.starts_with("error: ") {
            self.pending_error = line.split_once(": ").map(|(_, message)| message.to_owned());
        } else if line.starts_with("warning: ") || line.starts_with("warning[") {
            // The next place is of this one: the error had none.
            self.pending_error = None;
        } else if let Some(text) = line.trim_start().strip_prefix("--> ")
            && let Some(place) = place(text)
            && let Some(message) = self.pending_error.take()
        {
            self.errors.push(CompileError { message, place });
        }
    }
}

/// What nextest's word says: whether the test failed, and how. `None` for what is no end of a test.
fn failure_of_nextest(word: &str) -> Option<Option<String>> {
    let how = match word {
        "PASS" | "LEAK" => return Some(None),
        "TIMEOUT" | "TMT" => "timed out".to_owned(),
        "ABORT" => "aborted".to_owned(),
        signal if signal.starts_with("SIG") => format!("killed by {signal}"),
        other if other.contains("FAIL") => "failed".to_owned(),
        _ => return None,
    };
    Some(Some(how))
}

/// `12/39 tests run: 10 passed (1 slow), 1 failed, 1 timed out, 4 skipped`.
fn counts_of_nextest(text: &str) -> Counts {
    let number = |text: &str| text.parse::<usize>().unwrap_or(0);
    let ran = text.split(['/', ' ']).next().map_or(0, number);
    let passed = number_before(text, "passed");
    Counts { ran, passed, failed: ran.saturating_sub(passed), skipped: number_before(text, "skipped") }
}

/// The number before a word; 0 where there is none.
fn number_before(text: &str, word: &str) -> usize {
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let pair = words.windows(2).find(|pair| pair[1] == word);
    pair.and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
}

/// `thread 'name' (123) panicked at src/lib.rs:7:9:`. The number is there since Rust 1.91.
fn panicked(line: &str) -> Option<(&str, Place)> {
    let (thread, rest) = line.trim_start().strip_prefix("thread '")?.split_once("' ")?;
    let rest = if rest.starts_with('(') { rest.split_once(") ")?.1 } else { rest };
    Some((thread, place(rest.strip_prefix("panicked at ")?.strip_suffix(':')?)?))
}

/// `src/lib.rs:7:9`.
fn place(text: &str) -> Option<Place> {
    let (rest, column) = text.trim_end().rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    Some(Place { file: file.to_owned(), line: line.parse().ok()?, column: column.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(runner: Runner, text: &str) -> Told {
        let mut reader = Reader::new(runner);
        text.lines().for_each(|line| reader.take(line));
        reader.told()
    }

    fn at(file: &str, line: u64, column: u64) -> Option<Place> {
        Some(Place { file: file.to_owned(), line, column })
    }

    /// As nextest 0.9.143 prints it, shortened, and coloured in one line.
    const NEXTEST: &str = "\
    Starting 5 tests across 2 binaries (3 tests skipped)
\u{1b}[32;1m        PASS\u{1b}[0m [   0.122s] (1/5) app::it a::b
        SLOW [> 60.000s] (─────) app::it slow
        PASS [  61.500s] (2/5) app::it slow
  TRY 1 FAIL [   0.100s] (3/5) app flaky
  stderr ───
    thread 'flaky' (7) panicked at src/a.rs:1:1:
    only once
  TRY 2 PASS [   0.200s] (3/5) app flaky
        FAIL [   1.344s] (4/5) app::bin/app parts::bad
  stdout ───

    running 1 test
    test parts::bad ... FAILED
            PASS [   0.001s] (1/1) printed by a test
  stderr ───

    thread '<unnamed>' (12) panicked at src/helper.rs:3:4:
    elsewhere
    thread 'parts::bad' (12420) panicked at crates/app/src/parts.rs:96:46:
    assertion `left == right` failed
      left: 1
    thread 'parts::bad' (12421) panicked at src/again.rs:1:1:
    later
     SIGSEGV [   0.010s] (5/5) app::it crash
────────────
     Summary [ 103.657s] 5 tests run: 3 passed (1 slow, 1 flaky), 2 failed, 3 skipped
        FAIL [   1.344s] (4/5) app::bin/app parts::bad
     SIGSEGV [   0.010s] (5/5) app::it crash
error: test run failed
";

    #[test]
    fn nextest_is_understood() {
        let told = read(Runner::Nextest, NEXTEST);
        assert_eq!(told.counts, Some(Counts { ran: 5, passed: 3, failed: 2, skipped: 3 }));
        let slowest: Vec<(&str, f64)> =
            told.slowest.iter().map(|test| (test.name.as_str(), test.seconds)).collect();
        assert_eq!(slowest[..2], [("app::it slow", 61.5), ("app::bin/app parts::bad", 1.344)]);
        assert_eq!(slowest.len(), 5);
        let bad = FailedTest {
            name: "app::bin/app parts::bad".to_owned(),
            how: "failed".to_owned(),
            seconds: Some(1.344),
            place: at("crates/app/src/parts.rs", 96, 46),
            message: Some("assertion `left == right` failed".to_owned()),
        };
        let crash = FailedTest {
            name: "app::it crash".to_owned(),
            how: "killed by SIGSEGV".to_owned(),
            seconds: Some(0.01),
            place: None,
            message: None,
        };
        assert_eq!(told.failed, [bad, crash]);
        assert!(told.errors.is_empty());
    }

    /// As libtest prints it.
    const CARGO: &str = "     Running unittests src/lib.rs (target/debug/deps/app_core-0123abcd)

running 3 tests
test tests::good ... ok
test tests::left ... ignored, takes an hour
test tests::bad ... FAILED
test tests::panics - should panic ... ok

failures:

---- tests::bad stdout ----

thread 'tests::bad' panicked at crates/core/src/lib.rs:7:9:
not so


failures:
    tests::bad

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.01s
     Running tests/server.rs (target/debug/deps/server-4567)
test tests::bad ... ok
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    #[test]
    fn cargo_test_is_understood() {
        let told = read(Runner::Cargo, CARGO);
        assert_eq!(told.counts, Some(Counts { ran: 4, passed: 3, failed: 1, skipped: 5 }));
        assert_eq!(told.failed.len(), 1);
        let bad = &told.failed[0];
        assert_eq!((bad.name.as_str(), bad.seconds), ("app_core tests::bad", None));
        assert_eq!(
            (&bad.place, bad.message.as_deref()),
            (&at("crates/core/src/lib.rs", 7, 9), Some("not so"))
        );
        assert!(told.slowest.is_empty());
    }

    #[test]
    fn what_does_not_compile_has_a_place_and_no_counts() {
        let text = "   Compiling app v0.1.0\nerror[E0308]: mismatched types\n --> crates/app/src/a.rs:2:5\n  |\n\
                    error: could not compile `app` (lib test) due to 1 previous error\nerror: command failed\n";
        for runner in [Runner::Nextest, Runner::Cargo] {
            let told = read(runner, text);
            assert_eq!((told.counts, told.failed.len()), (None, 0));
            let place = at("crates/app/src/a.rs", 2, 5).unwrap();
            assert_eq!(told.errors, [CompileError { message: "mismatched types".to_owned(), place }]);
        }
    }

    #[test]
    fn an_error_without_a_place_does_not_get_that_of_a_warning() {
        let text = "error: linking with `cc` failed\n  |\nwarning: unused variable: `a`\n --> src/a.rs:2:5\n";
        for runner in [Runner::Nextest, Runner::Cargo] {
            assert_eq!(read(runner, text).errors, []);
        }
    }

    #[test]
    fn nonsense_is_passed_over() {
        let text = "é [1\nthread '\nthread 'a' panicked at :\n            [ s] \ntest  ... \n--> x\n\u{1b}[";
        assert_eq!(read(Runner::Nextest, text), Told::default());
        assert_eq!(read(Runner::Cargo, text), Told::default());
    }
}
