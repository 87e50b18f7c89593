//! Which image is the workspace's own: the one whose registry the variables with credentials are meant for.

use crate::ci::github::GitHub;
use crate::ci::naming;
use crate::config::automation::Automation;
use crate::facts::workspace::Workspace;
use crate::image::reference::Reference;
use crate::record::pack::packed;

/// The image of the metadata or of the GitHub repository, else the one that was pushed last from here.
pub fn image(workspace: &Workspace) -> anyhow::Result<Option<Reference>> {
    let configured = Automation::from_metadata(&workspace.metadata)?.image;
    let named = naming::repository(configured.as_deref(), GitHub::read()?.as_ref());
    let named = named.and_then(|named| Reference::parse(&named)).ok();
    let pushed = || packed(&workspace.target_directory).pop();
    Ok(named.or_else(|| Reference::parse(&pushed()?.reference).ok()))
}
