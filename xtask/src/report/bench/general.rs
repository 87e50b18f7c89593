//! The sections of a report that are not about one comparison: the outcome in short, machine and tools, definitions,
//! noise, budgets, notes.

use super::Section;
use super::document::Grid;
use super::figures::{self, ArmFigures, Spread};
use super::words;
use crate::record::bench::{BenchRecord, BudgetCheck, VerdictKind};
use crate::report;

/// How the run stands, and one line for each arm that can be told something of.
pub fn in_short(record: &BenchRecord) -> Section {
    let mut lines = Vec::new();
    for comparison in &record.comparisons {
        let arms = figures::arms(record, comparison);
        lines.extend(arms.iter().filter_map(outcome).map(|outcome| format!("{}: {outcome}", comparison.id)));
    }
    lines.extend(record.budgets.iter().filter_map(missed));
    let is_to_compare = record.comparisons.iter().any(|comparison| comparison.arms.len() > 1);
    let nothing = match is_to_compare && record.verdicts.is_empty() {
        true => " No two arms can be compared yet.",
        false => "",
    };
    Section::new("in-short", "In short")
        .paragraph(format!("{}{nothing}", words::result(record.result)))
        .list(lines)
}

fn outcome(arm: &ArmFigures) -> Option<String> {
    let name = &arm.arm.name;
    let Some(verdict) = arm.verdict else {
        let spread = arm.seconds?;
        if words::runs_nothing(arm) {
            return Some(format!("{name}: {}.", words::judgement(arm)));
        }
        let of = if spread.n == 1 { "single sample".to_owned() } else { format!("n {}", spread.n) };
        let baseline = if arm.is_baseline { ", the baseline" } else { "" };
        return Some(format!("{name}{baseline}: {} ({of}).", words::time(spread.median)));
    };
    Some(match (verdict.verdict, verdict.ratio) {
        (VerdictKind::NotMeasured, _) | (_, None) => format!("{name}: {}.", words::verdict(verdict.verdict)),
        (kind, Some(_)) => {
            let (kind, ratio) = (words::verdict(kind), words::ratio_with_interval(verdict));
            format!("{name}: {kind}; {ratio} of the time of {}.", verdict.baseline)
        }
    })
}

fn missed(budget: &BudgetCheck) -> Option<String> {
    let (Some(false), Some(measured)) = (budget.kept, budget.measured) else { return None };
    Some(format!(
        "The budget of {}{} is missed: measured {}, allowed {}.",
        budget.scenario,
        budget.arm.as_deref().map(|arm| format!(" ({arm})")).unwrap_or_default(),
        amount(measured, &budget.unit),
        amount(budget.limit, &budget.unit)
    ))
}

/// When, of which sources, on which machine, with what.
pub fn run(record: &BenchRecord) -> Section {
    let unknown = || "not known".to_owned();
    let mut grid = Grid::new("", &["what", "value"]);
    let mut row = |what: &str, value: String| grid.row(vec![what.to_owned(), value]);
    row("run", format!("{}, {}", record.id, record.schema));
    row(
        "time",
        format!(
            "{} to {}, {} of work",
            words::moment(&record.started),
            words::moment(&record.updated),
            words::time(record.seconds)
        ),
    );
    row("sources", revision(record));
    row("plan", record.plan_digest.chars().take(12).collect());
    let host = &record.host;
    row("class of host", host.class.clone());
    row("system", format!("{} on {}", host.os, host.arch));
    row("processor", host.cpu.clone().unwrap_or_else(unknown));
    row("cores", host.cores.map_or_else(unknown, |cores| cores.to_string()));
    row("memory", host.memory_bytes.map_or_else(unknown, report::bytes));
    for tool in &record.tools {
        row(&tool.name, tool.version.clone());
    }
    Section::new("run", "Run, machine and tools").grid(grid)
}

/// The commit, when it was made, and whether the sources were just that.
pub fn revision(record: &BenchRecord) -> String {
    let Some(commit) = &record.revision.commit else { return "no commit".to_owned() };
    let time = record.revision.commit_time.as_deref().map_or(String::new(), |time| format!(" of {time}"));
    let changes = match record.revision.dirty {
        Some(true) => ", with changes that are not committed",
        Some(false) => "",
        None => ", whether with changes is not known",
    };
    format!("{}{time}{changes}", words::short_commit(commit))
}

/// What the figures of every table are.
pub const OF_FIGURES: &str = "Times, CPU time (of the command, all that it waited for and a compile cache's \
    server) and peak memory (of all these together) are medians of the valid samples; n is how many there are. A ratio \
    is of times, arm to baseline: 0.5 is half the time; its interval stands in brackets.";

/// The words that the run uses.
pub fn definitions(record: &BenchRecord) -> Section {
    let meanings =
        record.definitions.iter().map(|definition| format!("{}: {}", definition.word, definition.meaning));
    let section = Section::new("definitions", "What the words mean").paragraph(OF_FIGURES);
    match record.definitions.is_empty() {
        true => section.paragraph("The record has no definitions."),
        false => section.list(meanings.collect()),
    }
}

/// What two equal things differ by on this machine.
pub fn noise(record: &BenchRecord) -> Section {
    let section = Section::new("noise", "Noise of this machine");
    let Some(noise) = &record.noise else { return section.paragraph("It was not measured.") };
    let text = format!(
        "Two equal things may differ by {} here, where they take a few seconds; three pairs of samples and more tell \
         themselves by how much they differ.",
        words::percent(noise.floor)
    );
    let same = Spread::of(noise.samples.iter().copied()).map(|spread| {
        format!(
            " The same short compilation took {} in the median, {} in {}.",
            words::time(spread.median),
            words::times(&spread),
            words::count(spread.n, "run")
        )
    });
    let load =
        noise.foreign_cores.map_or(" What other programs did meanwhile is not known.".to_owned(), |cores| {
            format!(" Other programs kept {cores:.2} cores busy meanwhile.")
        });
    section.paragraph(text + &same.unwrap_or_default() + &load)
}

/// Every budget that was looked at; nothing where there is none.
pub fn budgets(record: &BenchRecord) -> Option<Section> {
    let mut grid = Grid::new("", &["scenario", "arm", ">limit", ">measured", "kept"]);
    for budget in &record.budgets {
        let kept = match budget.kept {
            Some(true) => "yes",
            Some(false) => "no: over the limit",
            None => "cannot be told",
        };
        grid.row(vec![
            budget.scenario.clone(),
            budget.arm.clone().unwrap_or(words::MISSING.to_owned()),
            amount(budget.limit, &budget.unit),
            budget.measured.map_or(words::MISSING.to_owned(), |measured| amount(measured, &budget.unit)),
            kept.to_owned(),
        ]);
    }
    (!grid.rows.is_empty()).then(|| Section::new("budgets", "Budgets").grid(grid))
}

fn amount(number: f64, unit: &str) -> String {
    match unit {
        "seconds" => words::time(number),
        "percent" if number < 0.0 => format!("{:.1} % less than earlier runs", -number),
        "percent" => format!("{number:.1} % more than earlier runs"),
        "ratio" => format!("{} of the time without", words::ratio(number)),
        other => format!("{number:.1} {other}"),
    }
}

/// What the reader has to know; nothing where there is nothing.
pub fn notes(record: &BenchRecord) -> Option<Section> {
    (!record.notes.is_empty()).then(|| Section::new("notes", "Notes").list(record.notes.clone()))
}
