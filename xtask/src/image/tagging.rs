//! Gives an image that is in its registry more names. Nothing but its manifest is sent.

use super::reference::Reference;
use super::registry::Repository;
use crate::config::registry::Sources;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};

/// Makes the tags name the image, which is given by digest. Tags that do so already are left alone.
pub fn tag(exec: &Executor, sources: &Sources, image: &Reference, tags: &[String]) -> anyhow::Result<()> {
    let repository = Repository::to_push(exec, sources, image, None);
    let Some(manifest) = repository.manifest(&image.wanted())? else {
        let message = format!("`{image}` is not in its registry any more");
        return Err(Failure::new(Exit::CommandFailed, message).hint("push it again").into());
    };
    for tag in tags {
        exec.check_interrupted()?;
        if repository.manifest_digest(tag)?.as_ref() != Some(&manifest.digest) {
            repository.put_manifest(tag, &manifest)?;
            exec.ui().status("Tagged", format!("{}:{tag}", repository.full_name()));
        }
    }
    Ok(())
}
