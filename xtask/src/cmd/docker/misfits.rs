//! Base images that are given by `--build-arg` and do not fit each other: known by their names, before minutes of
//! compiling.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;

use crate::exit::Failure;
use crate::lint;

/// An error where the arguments choose images of which one does not run what the other builds. Of images that nobody
/// knows by name it says nothing; `docker smoke` runs what was made.
pub fn refuse(folder: &Path, dockerfile: &str, arguments: &BTreeMap<String, String>) -> anyhow::Result<()> {
    if arguments.is_empty() {
        return Ok(());
    }
    let broken = lint::broken_by(arguments, folder, dockerfile);
    let broken = broken.with_context(|| format!("read {}", folder.display()))?;
    let Some(finding) = broken.first() else { return Ok(()) };
    let (line, found) = (finding.line, &finding.found);
    let message = format!("`--build-arg` chooses images that do not fit: {dockerfile}:{line}: {found}");
    Err(Failure::usage(message).hint(&finding.fix).into())
}
