//! The runs that are kept, and which of them are meant.

use std::path::PathBuf;

use crate::bench::history::{self, History};
use crate::cli::bench::history::HostArgs;
use crate::config::automation::Automation;
use crate::config::root;
use crate::exec::Executor;
use crate::exit::Failure;
use crate::facts::host::Host;
use crate::facts::workspace::Workspace;
use crate::record;

/// The name under which runs are recorded.
pub const RECORDS: &str = "bench";

/// The runs, and where they are kept.
pub struct Runs {
    /// The workspace.
    pub root: PathBuf,
    /// All runs, here and in the committed history.
    pub history: History,
    /// The file of the runs worth keeping, where the workspace names one.
    pub committed: Option<PathBuf>,
    /// The class of host that is meant; `None` means all.
    pub class: Option<String>,
}

/// The workspace's root, and the runs that are committed there, of all classes of host: what a page can be made from
/// again anywhere.
pub fn committed(exec: &Executor) -> anyhow::Result<(PathBuf, History)> {
    let workspace = Workspace::probe(exec, &root::find()?)?;
    let file = Automation::from_metadata(&workspace.metadata)?.bench.history.ok_or_else(no_file)?;
    let history = history::read(&workspace.root, &[workspace.root.join(&file)])?;
    history.notes.iter().for_each(|note| exec.ui().note(note));
    match history.runs.is_empty() {
        true => Err(Failure::usage(format!("there is no run in {file}"))
            .hint("`cargo xtask bench history --keep RUN` takes one into it")
            .into()),
        false => Ok((workspace.root, history)),
    }
}

/// The failure that no file is named for runs worth keeping.
pub fn no_file() -> Failure {
    Failure::usage("the workspace names no file for runs worth keeping").hint(
        "add `history = \"docs/measurements/bench.jsonl\"` to [workspace.metadata.xtask.bench] in Cargo.toml",
    )
}

/// Reads all runs of the workspace.
pub fn load(exec: &Executor, args: &HostArgs) -> anyhow::Result<Runs> {
    let workspace = Workspace::probe(exec, &root::find()?)?;
    let automation = Automation::from_metadata(&workspace.metadata)?;
    let committed = automation.bench.history.map(|file| workspace.root.join(file));
    let mut files = vec![record::path(&workspace.target_directory, RECORDS)];
    files.extend(committed.clone());
    let history = history::read(&workspace.root, &files)?;
    history.notes.iter().for_each(|note| exec.ui().note(note));
    let class = match args.host.as_deref() {
        Some("any") => None,
        Some(class) => Some(class.to_owned()),
        None => Some(Host::probe(exec).class),
    };
    Ok(Runs { root: workspace.root, history, committed, class })
}
