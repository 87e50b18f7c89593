//! Reads the page that `cargo build --timings` writes. Its script begins with the data, in constants:
//!
//! ```text
//! DURATION = 12;
//! const UNIT_DATA = [{"i": 0, "name": …}, …];
//! const CONCURRENCY_DATA = …;
//! const CPU_USAGE = …;
//! ```
//!
//! Cargo promises nothing about them (`src/cargo/core/compiler/timings/report.rs` writes them), so whatever is not as
//! expected is an error that says so. What the others have is in the units too.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::exit::{Exit, Failure};

/// Whose reports are known: these two were tried. By cargo's sources, earlier ones name two fields otherwise and lack
/// others.
const KNOWN: &str = "cargo 1.95 and 1.97";
/// Cargo rounds each time to a hundredth.
const ROUNDING: f64 = 0.011;

/// One unit. Times are seconds, starts since cargo's own.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// What others call it.
    pub index: u64,
    pub package: String,
    pub version: String,
    pub what: What,
    /// `None` where the report does not tell.
    pub features: Option<Vec<String>>,
    pub start: f64,
    pub seconds: f64,
    /// Until its metadata was there; `None` for what has none.
    pub frontend_seconds: Option<f64>,
    /// Units that had waited for its end, and for nothing else any more.
    pub unblocked: Vec<u64>,
    /// Units that had waited for its metadata, and for nothing else any more.
    pub unblocked_by_metadata: Vec<u64>,
}

/// What kind of unit, as far as the report tells: a proc-macro is a library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Library,
    Binary,
    BuildScript,
    BuildScriptRun,
}

/// One entry of `UNIT_DATA`.
#[derive(Deserialize)]
struct Entry {
    i: u64,
    name: String,
    version: String,
    /// `run-custom-build`, or a word without a meaning.
    mode: String,
    /// Empty for a library, else ` name "bin"` (` bin "name"` once) or ` build-script`.
    target: String,
    features: Option<Vec<String>>,
    start: f64,
    duration: f64,
    #[serde(alias = "unlocked_units")]
    unblocked_units: Vec<u64>,
    #[serde(alias = "unlocked_rmeta_units")]
    unblocked_rmeta_units: Vec<u64>,
    sections: Option<Vec<(String, Section)>>,
    /// What there was before there were sections.
    rmeta_time: Option<f64>,
}

/// A part of a unit's time, in seconds since the unit's start.
#[derive(Deserialize)]
struct Section {
    end: f64,
}

/// The units in a report, by start. `file` is where it is, for the message.
pub fn units(file: &Path, html: &str) -> anyhow::Result<Vec<Unit>> {
    let read = || {
        let duration: f64 = constant(html, "DURATION")?;
        let entries: Vec<Value> = constant(html, "const UNIT_DATA")?;
        entries.into_iter().map(|entry| unit(entry, duration)).collect::<Result<Vec<Option<Unit>>, String>>()
    };
    let units = read().map_err(|what| {
        let message = format!("cargo's timing report `{}` is not as expected: {what}", file.display());
        let hint = format!(
            "known are the reports of {KNOWN}; another cargo may have changed them. The build itself is not affected, \
             only where its time went cannot be told"
        );
        Failure::new(Exit::CommandFailed, message).hint(hint)
    })?;
    let mut units: Vec<Unit> = units.into_iter().flatten().collect();
    units.sort_by(|a, b| a.start.total_cmp(&b.start));
    Ok(units)
}

/// The value of the script's constant, which begins a line.
fn constant<'a, T: Deserialize<'a>>(html: &'a str, name: &str) -> Result<T, String> {
    let begin = format!("\n{name} = ");
    let Some((_, rest)) = html.split_once(&begin) else {
        return Err(format!("it has no line `{name} = …`"));
    };
    // The script goes on behind the value, and that is no error.
    T::deserialize(&mut serde_json::Deserializer::from_str(rest))
        .map_err(|error| format!("`{name}`: {error}"))
}

/// `None` for a unit that cargo reused.
fn unit(value: Value, duration: f64) -> Result<Option<Unit>, String> {
    let in_unit = |what: String| format!("`const UNIT_DATA`: {what}");
    // `null` is for a unit without metadata; without both nothing would be known of any.
    if value.get("sections").or(value.get("rmeta_time")).is_none() {
        return Err(in_unit("neither `sections` nor `rmeta_time`".to_owned()));
    }
    let entry: Entry = serde_json::from_value(value).map_err(|error| in_unit(error.to_string()))?;
    // Cargo 1.95 lists what it reused too, at the time 0, when no unit can begin: cargo itself takes longer.
    let lets_others_begin = !entry.unblocked_units.is_empty() || !entry.unblocked_rmeta_units.is_empty();
    if entry.start == 0.0 && entry.duration == 0.0 && !lets_others_begin {
        return Ok(None);
    }
    let named = format!("`{} {}{}`", entry.name, entry.version, entry.target);
    let what = match (entry.mode.as_str(), entry.target.as_str()) {
        ("run-custom-build", _) => What::BuildScriptRun,
        (_, "") => What::Library,
        (_, " build-script" | " build script") => What::BuildScript,
        (_, target) if target.ends_with(" \"bin\"") || target.starts_with(" bin \"") => What::Binary,
        _ => return Err(in_unit(format!("{named} is an unknown kind of unit"))),
    };
    let end = entry.start + entry.duration;
    if entry.start < 0.0 || entry.duration < 0.0 || end > duration + ROUNDING {
        return Err(in_unit(format!("{named} ends after {end}, and all ends after {duration} seconds")));
    }
    // Its name began with a capital once.
    let frontend =
        |(name, section): &(String, Section)| name.eq_ignore_ascii_case("frontend").then_some(section.end);
    let by_section = entry.sections.iter().flatten().find_map(frontend);
    Ok(Some(Unit {
        index: entry.i,
        package: entry.name,
        version: entry.version,
        what,
        features: entry.features,
        start: entry.start,
        seconds: entry.duration,
        frontend_seconds: by_section.or(entry.rmeta_time).map(|seconds| seconds.min(entry.duration)),
        unblocked: entry.unblocked_units,
        unblocked_by_metadata: entry.unblocked_rmeta_units,
    }))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::exit::hint_of;

    const SCRIPT: &str = r#"<td>Build start:</td><td>2026-11-21T10:42:00Z</td>
<script>
DURATION = 4;
const UNIT_DATA = [
  {
    "i": 7, "name": "quote", "version": "1.0.40", "mode": "todo", "target": "", "features": ["default"],
    "start": 0.5, "duration": 1.25, "unblocked_units": [9], "unblocked_rmeta_units": [8],
    "sections": [["frontend", {"start": 0.0, "end": 0.75}], ["codegen", {"start": 0.75, "end": 1.25}]]
  },
  {
    "i": 9, "name": "app", "version": "0.1.0", "mode": "todo", "target": " app \"bin\"", "features": [],
    "start": 1.75, "duration": 2.0, "unblocked_units": [], "unblocked_rmeta_units": [], "sections": null
  },
  {
    "i": 3, "name": "app", "version": "0.1.0", "mode": "todo", "target": " build-script", "features": [],
    "start": 0.1, "duration": 0.2, "unblocked_units": [4], "unblocked_rmeta_units": [], "sections": null
  },
  {
    "i": 4, "name": "app", "version": "0.1.0", "mode": "run-custom-build", "target": " build-script (run)",
    "features": [], "start": 0.3, "duration": 0.0, "unblocked_units": [], "unblocked_rmeta_units": [],
    "sections": null
  },
  {
    "i": 5, "name": "reused", "version": "0.1.0", "mode": "todo", "target": "", "features": [],
    "start": 0.0, "duration": 0.0, "unblocked_units": [], "unblocked_rmeta_units": [], "sections": null
  }
];
const CONCURRENCY_DATA = [];
const CPU_USAGE = [];
for (const unit of UNIT_DATA) {}
</script>"#;

    fn read(html: &str) -> anyhow::Result<Vec<Unit>> {
        units(Path::new("timings/front.html"), html)
    }

    fn problem(from: &str, to: &str) -> String {
        assert!(SCRIPT.contains(from), "{from}");
        let error = read(&SCRIPT.replace(from, to)).unwrap_err();
        assert!(hint_of(&error).unwrap().contains("The build itself is not affected"));
        error.to_string()
    }

    #[test]
    fn what_the_report_says() {
        let units = read(SCRIPT).unwrap();
        let whats: Vec<What> = units.iter().map(|unit| unit.what).collect();
        assert_eq!(whats, [What::BuildScript, What::BuildScriptRun, What::Library, What::Binary]);
        let expected = Unit {
            index: 7,
            package: "quote".to_owned(),
            version: "1.0.40".to_owned(),
            what: What::Library,
            features: Some(vec!["default".to_owned()]),
            start: 0.5,
            seconds: 1.25,
            frontend_seconds: Some(0.75),
            unblocked: vec![9],
            unblocked_by_metadata: vec![8],
        };
        assert_eq!(units[2], expected);
        assert_eq!(units[3].frontend_seconds, None);
    }

    #[test]
    fn a_build_with_nothing_to_do() {
        let html = "\nDURATION = 0;\nconst UNIT_DATA = [];\nconst CONCURRENCY_DATA = [];\n";
        assert_eq!(read(html).unwrap(), []);
    }

    #[test]
    fn what_cargo_wrote_before() {
        let html = r#"
DURATION = 2;
const UNIT_DATA = [{
    "i": 0, "name": "quote", "version": "1.0.40", "mode": "todo", "target": "", "start": 0.5, "duration": 1.0,
    "rmeta_time": 0.75, "unlocked_units": [1], "unlocked_rmeta_units": [2]
}];
"#;
        let unit = read(html).unwrap().remove(0);
        assert_eq!((unit.frontend_seconds, unit.features), (Some(0.75), None));
        assert_eq!((unit.unblocked, unit.unblocked_by_metadata), (vec![1], vec![2]));
    }

    #[test]
    fn each_change_of_the_format_is_told() {
        let all = [
            problem("const UNIT_DATA", "const UNITS"),
            problem("DURATION", "TOTAL"),
            problem("\"duration\": 1.25", "\"took\": 1.25"),
            problem("\"start\": 0.5", "\"start\": 500"),
            problem("\"unblocked_rmeta_units\": [8]", "\"frees\": [8]"),
            problem("\"sections\": [[", "\"parts\": [["),
            problem("[\"frontend\", {\"start\": 0.0, \"end\": 0.75}]", "{}"),
            problem(" app \\\"bin\\\"", " program"),
            problem("  }\n];\n", "  },\n"),
        ];
        expect![[r#"
            cargo's timing report `timings/front.html` is not as expected: it has no line `const UNIT_DATA = …`
            cargo's timing report `timings/front.html` is not as expected: it has no line `DURATION = …`
            cargo's timing report `timings/front.html` is not as expected: `const UNIT_DATA`: missing field `duration`
            cargo's timing report `timings/front.html` is not as expected: `const UNIT_DATA`: `quote 1.0.40` ends after 501.25, and all ends after 4 seconds
            cargo's timing report `timings/front.html` is not as expected: `const UNIT_DATA`: missing field `unblocked_rmeta_units`
            cargo's timing report `timings/front.html` is not as expected: `const UNIT_DATA`: neither `sections` nor `rmeta_time`
            cargo's timing report `timings/front.html` is not as expected: `const UNIT_DATA`: invalid type: map, expected a tuple of size 2
            cargo's timing report `timings/front.html` is not as expected: `const UNIT_DATA`: `app 0.1.0 program` is an unknown kind of unit
            cargo's timing report `timings/front.html` is not as expected: `const UNIT_DATA`: expected value at line 24 column 1"#]].assert_eq(&all.join("\n"));
    }
}
