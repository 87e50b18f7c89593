//! `cargo xtask setup --update`: which pins of the table of versions are behind. Changes nothing.

use serde::Serialize;

use crate::cmd::print;
use crate::exec::Executor;
use crate::report::Format;
use crate::report::table::{Align, Table};
use crate::tools::update::{self, Offer};

#[derive(Serialize)]
struct Report {
    schema: &'static str,
    offers: Vec<Offer>,
}

pub fn run(exec: &Executor, format: Format) -> anyhow::Result<()> {
    let report = Report { schema: "xtask.setup-update/1", offers: update::offers(exec)? };
    print(&render(&report, format)?)?;
    let behind = report.offers.iter().filter(|offer| offer.newer).count();
    exec.ui().note(match behind {
        0 => "no pin in xtask/tools.toml is behind what was asked".to_owned(),
        count => format!("{count} newer; edit xtask/tools.toml and run `cargo xtask setup` and the tests"),
    });
    Ok(())
}

fn render(report: &Report, format: Format) -> anyhow::Result<String> {
    let columns = ["tool", "source", "package", "pinned", "newest", "would change"];
    let mut table = Table::new(&columns.map(|name| (name, Align::Left)));
    for offer in &report.offers {
        let change = match (&offer.problem, offer.newer) {
            (Some(problem), _) => format!("unknown: {problem}"),
            (None, true) => "yes".to_owned(),
            (None, false) => "no".to_owned(),
        };
        table.row(vec![
            offer.tool.clone(),
            offer.source.to_owned(),
            offer.package.clone(),
            offer.pinned.clone(),
            offer.newest.clone().unwrap_or_default(),
            change,
        ]);
    }
    Ok(match format {
        Format::Human => table.human(),
        Format::Markdown => table.markdown(),
        Format::Json => serde_json::to_string_pretty(report)? + "\n",
    })
}
