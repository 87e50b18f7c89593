//! The section of one comparison: its arms side by side, what is not in the figures and why, and what was made.

use super::document::Grid;
use super::figures::{self, ArmFigures};
use super::words;
use super::{Plot, Section};
use crate::record::bench::{BenchRecord, Comparison};
use crate::report;

pub fn section(record: &BenchRecord, index: usize) -> Section {
    let comparison = &record.comparisons[index];
    let arms = figures::arms(record, comparison);
    let section = Section::new(&format!("comparison-{}", index + 1), comparison.id.clone())
        .plot(Plot::Comparison(index))
        .paragraph(introduction(comparison, &arms))
        .grid(table(comparison, &arms));
    let reading = reading(&arms);
    let section = if reading.is_empty() { section } else { section.paragraph(reading) };
    section.list(left_out(&arms)).paragraph("Switched on:").list(variants(&arms)).grid(sizes(&arms))
}

fn introduction(comparison: &Comparison, arms: &[ArmFigures]) -> String {
    let baseline = match arms {
        [] => String::new(),
        [alone] => format!(" There is one arm, {}, so nothing is compared.", alone.arm.name),
        [baseline, ..] => format!(" The baseline is {}.", baseline.arm.name),
    };
    let estimate = comparison.estimated_seconds.map_or(String::new(), |seconds| {
        format!(" Estimated before: {} for all of it.", words::time(seconds))
    });
    format!(
        "Scenario: {}. What differs: {}.{baseline} {}{}.{estimate}",
        comparison.scenario,
        comparison.axis,
        words::count(comparison.runs, "sample"),
        if arms.len() > 1 { " of each arm, taken in turn" } else { "" },
    )
}

fn table(comparison: &Comparison, arms: &[ArmFigures]) -> Grid {
    let columns =
        ["arm", ">median", ">min–max", ">n", ">CPU time", ">peak memory", ">ratio (interval)", "verdict"];
    let mut grid = Grid::new("", &columns);
    for arm in arms {
        let measured = |text: Option<String>| text.unwrap_or_else(|| words::MISSING.to_owned());
        let ratio = match arm.verdict {
            Some(verdict) => words::ratio_with_interval(verdict),
            None if arm.is_baseline && arm.seconds.is_some() => "1".to_owned(),
            None => words::MISSING.to_owned(),
        };
        grid.row(vec![
            words::arm(arm),
            measured(arm.seconds.map(|spread| words::time(spread.median))),
            measured(arm.seconds.as_ref().map(words::times)),
            samples(comparison, arm),
            measured(arm.cpu_seconds.map(|spread| words::time(spread.median))),
            measured(arm.peak_memory.map(|spread| report::bytes(spread.median as u64))),
            ratio,
            words::judgement(arm).to_owned(),
        ]);
    }
    grid
}

/// `5`, `1 (single)`, `3 of 5, 2 invalid`.
fn samples(comparison: &Comparison, arm: &ArmFigures) -> String {
    if arm.arm.unavailable.is_some() && arm.valid.is_empty() && arm.invalid.is_empty() {
        return words::MISSING.to_owned();
    }
    let valid = arm.valid.len();
    // A round that was measured twice makes more than planned.
    let planned = if valid >= comparison.runs { String::new() } else { format!(" of {}", comparison.runs) };
    let single = if valid == 1 { " (single)" } else { "" };
    let invalid = match arm.invalid.len() {
        0 => String::new(),
        count => format!(", {count} invalid"),
    };
    format!("{valid}{planned}{single}{invalid}")
}

/// How the numbers of the table are to be read, as far as they are there.
fn reading(arms: &[ArmFigures]) -> String {
    let mut sentences: Vec<String> = Vec::new();
    let mut say = |sentence: String| {
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    };
    for verdict in arms.iter().filter_map(|arm| arm.verdict) {
        if let (Some(coverage), Some(_)) = (verdict.coverage, verdict.low) {
            let pairs = words::count(verdict.pairs, "pair");
            let probability = words::percent(coverage);
            say(format!(
                "The interval of {pairs} has the true median in it with a probability of {probability}."
            ));
        }
    }
    let judged = arms.iter().filter_map(|arm| arm.verdict).filter(|verdict| verdict.low.is_some());
    let floors: Vec<(&str, String)> =
        judged.map(|verdict| (verdict.arm.as_str(), words::percent(verdict.floor))).collect();
    let each =
        || floors.iter().map(|(arm, floor)| format!("{floor} for {arm}")).collect::<Vec<_>>().join(", ");
    match floors.first() {
        Some((_, first)) if floors.iter().all(|(_, floor)| floor == first) => {
            say(format!("Noise was taken as {first}."));
        }
        Some(_) => say(format!("Noise was taken as {}.", each())),
        None => {}
    }
    if arms.iter().any(|arm| arm.valid.len() == 1) {
        say("A single sample is a figure without a verdict.".to_owned());
    }
    sentences.join(" ")
}

/// Arms that are not measured and samples that are in no figure, each with its reason.
fn left_out(arms: &[ArmFigures]) -> Vec<String> {
    let mut lines = Vec::new();
    for arm in arms {
        if let Some(reason) = &arm.arm.unavailable {
            lines.push(format!("Not measured: {}: {reason}", words::arm(arm)));
        }
        let mut reasons: Vec<(&str, Vec<usize>)> = Vec::new();
        for sample in &arm.invalid {
            let reason = sample.invalid.as_deref().unwrap_or_default();
            match reasons.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, rounds)) => rounds.push(sample.round),
                None => reasons.push((reason, vec![sample.round])),
            }
        }
        for (reason, rounds) in reasons {
            let (count, name) = (words::count(rounds.len(), "invalid sample"), &arm.arm.name);
            let of = if rounds.len() == 1 { "round" } else { "rounds" };
            let rounds = rounds.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
            lines.push(format!("{count} of {name} ({of} {rounds}), in no figure: {reason}"));
        }
    }
    lines
}

fn variants(arms: &[ArmFigures]) -> Vec<String> {
    let on = |arm: &ArmFigures| format!("{}: {}", arm.arm.name, arm.arm.variant);
    arms.iter().map(on).collect()
}

/// What was made, of the last valid sample of each arm; nothing where it does not differ.
fn sizes(arms: &[ArmFigures]) -> Grid {
    let mut grid = Grid::new("What was made", &["arm", "file", ">raw", ">gzip", ">brotli"]);
    let made = |arm: &ArmFigures| {
        let last = arm.valid.iter().rev().map(|sample| &sample.sizes).find(|sizes| !sizes.is_empty())?;
        Some(last.iter().map(|size| (size.raw, size.gzip, size.brotli)).collect::<Vec<_>>())
    };
    let all: Vec<_> = arms.iter().filter_map(made).collect();
    if all.windows(2).all(|pair| pair[0] == pair[1]) {
        return grid;
    }
    for arm in arms {
        let Some(sample) = arm.valid.iter().rev().find(|sample| !sample.sizes.is_empty()) else { continue };
        for size in &sample.sizes {
            let variant = |size: Option<u64>| size.map_or(words::MISSING.to_owned(), report::bytes);
            grid.row(vec![
                arm.arm.name.clone(),
                size.file.clone(),
                report::bytes(size.raw),
                variant(size.gzip),
                variant(size.brotli),
            ]);
        }
    }
    grid
}
