//! The runs that are kept, and which of them are meant.

use crate::bench::history::{self, History};
use crate::cli::bench::history::HostArgs;
use crate::config::automation::Automation;
use crate::config::root;
use crate::exec::Executor;
use crate::facts::host::Host;
use crate::facts::workspace::Workspace;
use crate::record;

/// The name under which runs are recorded.
pub const RECORDS: &str = "bench";

/// All runs of the workspace, here and in its committed history; `None` as the class means all.
pub fn load(exec: &Executor, args: &HostArgs) -> anyhow::Result<(History, Option<String>)> {
    let workspace = Workspace::probe(exec, &root::find()?)?;
    let automation = Automation::from_metadata(&workspace.metadata)?;
    let mut files = vec![record::path(&workspace.target_directory, RECORDS)];
    files.extend(automation.bench.history.map(|file| workspace.root.join(file)));
    let history = history::read(&workspace.root, &files)?;
    history.notes.iter().for_each(|note| exec.ui().note(note));
    let class = match args.host.as_deref() {
        Some("any") => None,
        Some(class) => Some(class.to_owned()),
        None => Some(Host::probe(exec).class),
    };
    Ok((history, class))
}
