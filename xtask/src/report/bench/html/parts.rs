//! The long tables that only this format has.

use crate::record::bench::timeline::Timeline;
use crate::report;
use crate::report::bench::figures::{self, ArmFigures};
use crate::report::bench::timeline::{known, name};
use crate::report::bench::words::{self, MISSING};
use crate::report::page::document::Grid;
use crate::report::page::markup::Markup;

pub use crate::report::page::parts::{folded, part};

/// Every sample of a comparison, as the plot has them.
pub fn samples(arms: &[ArmFigures]) -> Markup {
    let columns = [
        ">round",
        "arm",
        ">time",
        ">CPU time",
        ">peak memory",
        ">other programs' cores",
        "in no figure because",
    ];
    let mut grid = Grid::new("", &columns);
    let mut samples: Vec<_> = arms.iter().flat_map(|arm| arm.valid.iter().chain(&arm.invalid)).collect();
    samples.sort_by_key(|sample| sample.round);
    for sample in samples {
        grid.row(vec![
            sample.round.to_string(),
            sample.arm.clone(),
            words::time(sample.seconds),
            known(sample.cpu_seconds),
            sample.peak_memory_bytes.map_or(MISSING.to_owned(), report::bytes),
            sample.foreign_cores.map_or(MISSING.to_owned(), |cores| format!("{cores:.2}")),
            sample.invalid.clone().unwrap_or_default(),
        ]);
    }
    folded(&format!("Every sample ({})", grid.rows.len()), &grid)
}

/// The medians of the builds' steps, one column an arm.
pub fn steps(arms: &[ArmFigures]) -> Markup {
    let measured: Vec<_> = arms.iter().map(|arm| (arm, figures::steps(arm))).collect();
    let measured: Vec<_> = measured.iter().filter(|(_, steps)| !steps.is_empty()).collect();
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in measured.iter().flat_map(|(_, steps)| steps) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let columns: Vec<String> = measured.iter().map(|(arm, _)| format!(">{}", arm.arm.name)).collect();
    let columns: Vec<&str> = std::iter::once("step").chain(columns.iter().map(String::as_str)).collect();
    let mut grid = Grid::new("", &columns);
    for step in names {
        let time = |steps: &[(String, figures::Spread)]| {
            let found = steps.iter().find(|(name, _)| name == step);
            found.map_or(MISSING.to_owned(), |(_, spread)| words::time(spread.median))
        };
        let times = measured.iter().map(|(_, steps)| time(steps));
        grid.row(std::iter::once(step.to_owned()).chain(times).collect());
    }
    folded("Medians of the steps", &grid)
}

/// Every unit of a build, as the plot has them.
pub fn units(timeline: &Timeline) -> Markup {
    let columns = [
        "unit",
        "version",
        "target",
        ">begins at",
        ">time",
        ">front end",
        ">code generation",
        ">of that linking",
    ];
    let mut grid = Grid::new("", &columns);
    for unit in &timeline.units {
        grid.row(vec![
            name(unit),
            unit.version.clone(),
            unit.target.clone().unwrap_or_else(|| "this machine".to_owned()),
            words::time(unit.start),
            words::time(unit.seconds),
            known(unit.frontend_seconds),
            known(unit.codegen_seconds),
            known(unit.link_seconds),
        ]);
    }
    folded(&format!("Every unit ({})", timeline.units.len()), &grid)
}
