//! `cargo xtask bench`: what can be typed, with its help.

pub mod compare;
pub mod history;
pub mod report;

use clap::{Args, Subcommand};

use super::Selection;
use crate::bench::scenario::Scenario;
use crate::bench::variant::{Axis, Variant};
use crate::report::Format;

/// Measure what linker, compile cache, profile and driver give on this machine
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  \
                  cargo xtask bench                      # ten minutes: cold, warm, links, a line changed\n  \
                  cargo xtask bench --dry-run            # what would be measured, and how long it would take\n  \
                  cargo xtask bench --axis linker --runs 7\n  \
                  cargo xtask bench --scenario cold --variant linker=mold,cache=sccache\n  \
                  cargo xtask bench --full               # the whole matrix; --resume goes on after Ctrl-C\n  \
                  cargo xtask bench --apply              # and let plain cargo use what was faster\n\n\
                  The workspace is copied to target/xtask/bench/, and only the copy is changed. Every sample is \
                  written down as it is taken: target/xtask/bench/runs/ID.json, and at the end ID.html."
)]
pub struct BenchArgs {
    #[command(subcommand)]
    pub command: Option<BenchCommand>,
    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    Compare(compare::CompareArgs),
    History(history::HistoryArgs),
    Report(report::ReportArgs),
}

/// What is measured.
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub selection: Selection,
    /// Only this scenario; may be repeated
    #[arg(long, value_enum, value_delimiter = ',', value_name = "SCENARIO")]
    pub scenario: Vec<Scenario>,
    /// Compare the values of this axis; may be repeated
    #[arg(long, value_enum, value_delimiter = ',', value_name = "AXIS")]
    pub axis: Vec<Axis>,
    /// Compare what is usual with this, e.g. `linker=mold,cache=sccache`; may be repeated (exit code 3 where nothing of
    /// what is named is there)
    #[arg(long, value_name = "AXIS=VALUE,…")]
    pub variant: Vec<Variant>,
    /// Samples of each arm
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=99))]
    pub runs: Option<u16>,
    /// The whole matrix, however long it takes
    #[arg(long, conflicts_with_all = ["scenario", "axis", "minutes"])]
    pub full: bool,
    /// What may be planned by estimate, whatever else is asked for [default: 10 where neither scenarios nor runs are]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub minutes: Option<u16>,
    /// Go on with the newest run of the same plan that ended early
    #[arg(long)]
    pub resume: bool,
    /// Afterwards let plain cargo on this machine use what was faster (as `setup --local` does)
    #[arg(long)]
    pub apply: bool,
    /// Keep the copy of the workspace and what was built in it
    #[arg(long)]
    pub keep: bool,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// Print what would be measured, with estimates, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

impl RunArgs {
    /// The flags that say what is measured, as one would type them again; those that are as usual are left out.
    pub fn asked(&self) -> Vec<String> {
        let Selection { project, profile } = &self.selection;
        let listed = |names: Vec<&str>| (!names.is_empty()).then(|| names.join(","));
        let profile = Some(profile).filter(|profile| *profile != crate::leptos::halves::DEFAULT_PROFILE);
        let variants = self.variant.iter().map(|variant| ("--variant", Some(variant.asked())));
        let with_value = [
            ("--project", project.clone()),
            ("--profile", profile.cloned()),
            ("--scenario", listed(self.scenario.iter().map(|scenario| scenario.name()).collect())),
            ("--axis", listed(self.axis.iter().map(|axis| axis.name()).collect())),
            ("--runs", self.runs.map(|runs| runs.to_string())),
            ("--minutes", self.minutes.map(|minutes| minutes.to_string())),
        ];
        let given = with_value.into_iter().chain(variants).filter_map(|(flag, value)| Some((flag, value?)));
        let full = self.full.then(|| "--full".to_owned());
        full.into_iter().chain(given.flat_map(|(flag, value)| [flag.to_owned(), value])).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        run: RunArgs,
    }

    #[test]
    fn what_was_asked_for_can_be_typed_again() {
        let asked = |typed: &str| Typed::parse_from(typed.split(' ')).run.asked().join(" ");
        assert_eq!(asked("bench"), "");
        assert_eq!(asked("bench --full --resume --keep --apply --format json"), "--full");
        let typed = "--project shop --profile dev --scenario cold,patch-ui --axis wasm-opt,cache --runs 3 --minutes 20";
        assert_eq!(asked(&format!("bench {typed}")), typed);
        let variants = "--variant linker=default,cache=sccache --variant debug=none";
        assert_eq!(asked(&format!("bench {variants}")), variants);
    }
}
