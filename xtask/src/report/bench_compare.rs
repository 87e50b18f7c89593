//! The report of `bench compare`: two runs, arm by arm.

use super::table::{Align, Table};
use super::{Format, seconds};
use crate::record::bench::compare::{ArmChange, BenchCompare, RunName, Spread};
use crate::record::bench::{BenchResult, VerdictKind};

/// Renders it in the format asked for.
pub fn render(result: &BenchCompare, format: Format) -> anyhow::Result<String> {
    let tables = [runs(result), arms(result)];
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(result)? + "\n",
        Format::Human => tables.map(|table| table.human()).join("\n") + &remarks(result, ""),
        Format::Markdown => tables.map(|table| table.markdown()).join("\n") + &remarks(result, "- "),
    })
}

/// `2026-11-21 10:30` of `2026-11-21T10:30:00Z`.
pub(super) fn minute(time: &str) -> String {
    time.get(..16).unwrap_or(time).replace('T', " ")
}

/// The first letters of the commit, and whether files differ from it.
pub(super) fn commit(run: &RunName) -> String {
    let commit = run.commit.as_deref().unwrap_or("unknown");
    let short = commit.get(..10).unwrap_or(commit);
    if run.dirty == Some(true) { format!("{short} dirty") } else { short.to_owned() }
}

/// How a run ended, where it did not end well.
pub(super) fn ending(result: BenchResult) -> &'static str {
    match result {
        BenchResult::Ok => "",
        BenchResult::Unfinished => "unfinished",
        BenchResult::Failed => "failed in part",
        BenchResult::Interrupted => "interrupted",
    }
}

/// `+4.2 %` of 1.042.
pub(super) fn change(ratio: f64) -> String {
    format!("{:+.1} %", (ratio - 1.0) * 100.0)
}

fn runs(result: &BenchCompare) -> Table {
    let columns = ["", "run", "at", "commit", "host", ""].map(|name| (name, Align::Left));
    let mut table = Table::new(&columns);
    for (which, run) in [("before", &result.before), ("after", &result.after)] {
        table.row(vec![
            which.to_owned(),
            run.id.clone(),
            minute(&run.started),
            commit(run),
            run.class.clone(),
            ending(run.result).to_owned(),
        ]);
    }
    table
}

fn arms(result: &BenchCompare) -> Table {
    let mut table = Table::new(&[
        ("comparison", Align::Left),
        ("arm", Align::Left),
        ("before", Align::Right),
        ("after", Align::Right),
        ("change", Align::Right),
        ("interval", Align::Left),
        ("noise", Align::Right),
        ("verdict", Align::Left),
    ]);
    for arm in &result.arms {
        let median =
            |spread: &Option<Spread>| spread.as_ref().map_or("-".to_owned(), |spread| seconds(spread.median));
        let interval = arm
            .low
            .zip(arm.high)
            .map_or("-".to_owned(), |(low, high)| format!("{} to {}", change(low), change(high)));
        table.row(vec![
            arm.comparison.clone(),
            arm.arm.clone(),
            median(&arm.before),
            median(&arm.after),
            arm.ratio.map_or("-".to_owned(), change),
            interval,
            format!("{:.1} %", arm.floor * 100.0),
            verdict(arm, result.threshold_percent),
        ]);
    }
    table
}

fn verdict(arm: &ArmChange, threshold_percent: f64) -> String {
    match arm.verdict {
        VerdictKind::Slower if arm.is_too_slow => format!("SLOWER by more than {threshold_percent} %"),
        VerdictKind::Slower => format!("slower, by less than {threshold_percent} %"),
        VerdictKind::Faster => "faster".to_owned(),
        VerdictKind::NoMeasurableGain => "no measurable change".to_owned(),
        VerdictKind::CannotTell => "cannot tell".to_owned(),
        VerdictKind::OneSample => "one sample, no verdict".to_owned(),
        VerdictKind::NotMeasured => "not measured in both".to_owned(),
    }
}

/// What is no table, a line each behind an empty one.
fn remarks(result: &BenchCompare, bullet: &str) -> String {
    let version = |version: &Option<String>| version.clone().unwrap_or_else(|| "not used".to_owned());
    let tools = result.tools.iter().map(|tool| {
        format!("{}: {} before, {} after", tool.name, version(&tool.before), version(&tool.after))
    });
    let unmatched = result
        .unmatched
        .iter()
        .map(|one| format!("not compared: {} {}: {}", one.comparison, one.arm, one.reason));
    let lines: Vec<String> = tools.chain(unmatched).chain(result.notes.iter().cloned()).collect();
    let text: String = lines.iter().map(|line| format!("{bullet}{line}\n")).collect();
    if text.is_empty() { text } else { format!("\n{text}") }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::record::bench::compare::{COMPARE_SCHEMA, ToolChange, Unmatched};

    fn run(id: &str, dirty: bool, result: BenchResult) -> RunName {
        RunName {
            id: id.to_owned(),
            started: format!("2026-11-{}T10:30:00Z", &id[6..8]),
            project: "app".to_owned(),
            class: "linux-x86_64-2cpu-8gib".to_owned(),
            commit: Some("0123456789abcdef".to_owned()),
            dirty: Some(dirty),
            result,
        }
    }

    fn arm(name: &str, before: Option<f64>, after: Option<f64>, verdict: VerdictKind) -> ArmChange {
        let spread = |median: f64| Spread { median, min: median, max: median, samples: 5 };
        let ratio = before.zip(after).map(|(before, after)| after / before);
        ArmChange {
            scenario: "cold".to_owned(),
            comparison: "cold/cache".to_owned(),
            arm: name.to_owned(),
            variant: format!("cache={name}"),
            before: before.map(spread),
            after: after.map(spread),
            ratio,
            low: ratio.map(|ratio| ratio - 0.02),
            high: ratio.map(|ratio| ratio + 0.02),
            coverage: ratio.map(|_| 0.968),
            floor: 0.02,
            verdict,
            is_too_slow: false,
        }
    }

    fn result() -> BenchCompare {
        let slow =
            ArmChange { is_too_slow: true, ..arm("none", Some(385.0), Some(431.2), VerdictKind::Slower) };
        BenchCompare {
            schema: COMPARE_SCHEMA.to_owned(),
            ok: false,
            before: run("20261120-103000", false, BenchResult::Ok),
            after: run("20261121-103000", true, BenchResult::Interrupted),
            threshold_percent: 5.0,
            tools: vec![ToolChange {
                name: "mold".to_owned(),
                before: None,
                after: Some("2.40.0".to_owned()),
            }],
            arms: vec![
                slow,
                arm("sccache", Some(100.0), Some(103.0), VerdictKind::Slower),
                arm("kache", Some(5.6), None, VerdictKind::NotMeasured),
            ],
            unmatched: vec![Unmatched {
                comparison: "hot/linker".to_owned(),
                arm: "wild".to_owned(),
                reason: "only in the run before".to_owned(),
            }],
            notes: vec!["the run after was interrupted: what it measured is compared".to_owned()],
        }
    }

    #[test]
    fn people_read_what_became_slower() {
        expect![[r#"
                    run              at                commit            host
            before  20261120-103000  2026-11-20 10:30  0123456789        linux-x86_64-2cpu-8gib
            after   20261121-103000  2026-11-21 10:30  0123456789 dirty  linux-x86_64-2cpu-8gib  interrupted

            comparison  arm      before  after   change  interval            noise  verdict
            cold/cache  none        385    431  +12.0 %  +10.0 % to +14.0 %  2.0 %  SLOWER by more than 5 %
            cold/cache  sccache     100    103   +3.0 %  +1.0 % to +5.0 %    2.0 %  slower, by less than 5 %
            cold/cache  kache       5.6      -        -  -                   2.0 %  not measured in both

            mold: not used before, 2.40.0 after
            not compared: hot/linker wild: only in the run before
            the run after was interrupted: what it measured is compared
        "#]]
        .assert_eq(&render(&result(), Format::Human).unwrap());
        expect![[r#"
            |  | run | at | commit | host |  |
            | --- | --- | --- | --- | --- | --- |
            | before | 20261120-103000 | 2026-11-20 10:30 | 0123456789 | linux-x86_64-2cpu-8gib |  |
            | after | 20261121-103000 | 2026-11-21 10:30 | 0123456789 dirty | linux-x86_64-2cpu-8gib | interrupted |

            | comparison | arm | before | after | change | interval | noise | verdict |
            | --- | --- | ---: | ---: | ---: | --- | ---: | --- |
            | cold/cache | none | 385 | 431 | +12.0 % | +10.0 % to +14.0 % | 2.0 % | SLOWER by more than 5 % |
            | cold/cache | sccache | 100 | 103 | +3.0 % | +1.0 % to +5.0 % | 2.0 % | slower, by less than 5 % |
            | cold/cache | kache | 5.6 | - | - | - | 2.0 % | not measured in both |

            - mold: not used before, 2.40.0 after
            - not compared: hot/linker wild: only in the run before
            - the run after was interrupted: what it measured is compared
        "#]].assert_eq(&render(&result(), Format::Markdown).unwrap());
        let nothing =
            BenchCompare { tools: Vec::new(), unmatched: Vec::new(), notes: Vec::new(), ..result() };
        let text = render(&nothing, Format::Human).unwrap();
        assert!(text.ends_with("not measured in both\n"), "{text}");
    }

    #[test]
    fn programs_read_null_for_what_was_not_measured() {
        let json: serde_json::Value =
            serde_json::from_str(&render(&result(), Format::Json).unwrap()).unwrap();
        assert_eq!((&json["schema"], &json["ok"]), (&"xtask.bench-compare/1".into(), &false.into()));
        assert_eq!(json["arms"][2]["after"], serde_json::Value::Null);
        assert_eq!(json["arms"][0]["verdict"], "slower");
    }
}
