//! Where an image belongs, as arguments and metadata say. The digest comes out at the end, so none may be named before.

use super::super::context::Context;
use crate::exit::Failure;
use crate::image::reference::{Reference, tag_problem};

/// Registry, name and perhaps a tag; `None` where nobody says and nothing needs it. `needed` says what does, and `made`
/// how the image comes about, in words.
pub fn find(
    context: &Context,
    image: Option<&str>,
    tags: &[String],
    needed: Option<&str>,
    made: &str,
) -> anyhow::Result<Option<Reference>> {
    for tag in tags {
        tag_problem(tag).map_or(Ok(()), |why| Err(Failure::usage(format!("`--tag {tag}`: {why}"))))?;
    }
    let Some(image) = image.or(context.automation.image.as_deref()) else {
        let Some(needed) = needed else { return Ok(None) };
        return Err(Failure::usage(needed)
            .hint(
                "give `--image ghcr.io/OWNER/NAME`, or set `image` in [workspace.metadata.xtask] in the root \
                 Cargo.toml",
            )
            .into());
    };
    let target = Reference::parse(image)?;
    if let Some(digest) = &target.digest {
        let message = format!("`{image}` ends in a digest, which is not known before {made}");
        return Err(Failure::usage(message).hint(format!("leave out `@{digest}`")).into());
    }
    Ok(Some(target))
}
