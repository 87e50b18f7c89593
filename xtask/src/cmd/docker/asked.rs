//! What the arguments of `docker build` mean: names, tags, caches, build arguments.

use std::collections::BTreeMap;

use anyhow::Context as _;

use super::super::context::Context;
use super::destination;
use crate::ci::github::GitHub;
use crate::ci::naming;
use crate::cli::docker::{Cache, Compression, ImageBuildArgs, Platform};
use crate::exit::Failure;
use crate::facts::revision::Revision;
use crate::image::buildx::LayerCache;
use crate::image::reference::Reference;

/// Where the image belongs, where anybody says.
pub fn target(context: &Context, args: &ImageBuildArgs) -> anyhow::Result<Option<Reference>> {
    let is_needed = args.push || !args.cache.is_empty();
    let needed = is_needed.then_some("`--push` and `--cache registry` need to know where to");
    destination::find(context, args.image.as_deref(), &args.tags, needed, "the build")
}

/// A name for the engine alone, as it was typed or the project's.
pub fn local_name(context: &Context, args: &ImageBuildArgs) -> String {
    let typed = args.image.as_deref().or(context.automation.image.as_deref());
    let name = typed.unwrap_or(&context.project.name).to_ascii_lowercase();
    let last = name.rfind('/').map_or(0, |slash| slash + 1);
    match name[last..].find(':') {
        Some(colon) => name[..last + colon].to_owned(),
        None => name,
    }
}

pub fn tags(
    args: &ImageBuildArgs,
    target: Option<&Reference>,
    github: Option<&GitHub>,
    revision: &Revision,
) -> anyhow::Result<Vec<String>> {
    let mut tags: Vec<String> = target.and_then(|target| target.tag.clone()).into_iter().collect();
    tags.extend(args.tags.iter().cloned());
    if args.auto_tags {
        match github {
            Some(github) => tags.extend(naming::tags(github)),
            None => {
                let commit = revision.commit.as_deref().filter(|_| revision.dirty == Some(false));
                tags.extend(commit.map(naming::commit_tag));
            }
        }
    }
    let mut seen = Vec::new();
    for tag in tags {
        if !seen.contains(&tag) {
            seen.push(tag);
        }
    }
    Ok(seen)
}

pub fn caches(
    args: &ImageBuildArgs,
    target: Option<&Reference>,
    github: Option<&GitHub>,
) -> anyhow::Result<Vec<LayerCache>> {
    let mut caches = Vec::new();
    for cache in &args.cache {
        caches.push(match cache {
            Cache::Registry => {
                let name = args.cache_image.clone();
                let own = || target.map(|target| format!("{}:layers", target.name()));
                LayerCache::Registry(name.or_else(own).context("a registry cache has a name")?)
            }
            Cache::Gha => {
                if github.is_none() || std::env::var_os("ACTIONS_RUNTIME_TOKEN").is_none() {
                    return Err(Failure::usage("`--cache gha`: there is no ACTIONS_RUNTIME_TOKEN here")
                        .hint(
                            "GitHub gives it to actions alone: let one export it before this step, or use \
                             `--cache registry`",
                        )
                        .into());
                }
                LayerCache::GitHub("image".to_owned())
            }
        });
    }
    Ok(caches)
}

pub fn build_args(args: &ImageBuildArgs) -> anyhow::Result<BTreeMap<String, String>> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Failure::usage(format!("`--build-arg {text}`: it has to be NAME=VALUE")).into()),
    };
    args.build_args.iter().map(pair).collect()
}

/// The time of all files in the image, in seconds since 1970.
pub fn epoch() -> String {
    let given = std::env::var("SOURCE_DATE_EPOCH").ok().filter(|value| !value.is_empty());
    given.unwrap_or_else(|| "0".to_owned())
}

pub fn platforms(args: &ImageBuildArgs) -> Vec<String> {
    let name = |platform: &Platform| match platform {
        Platform::Amd64 => "linux/amd64",
        Platform::Arm64 => "linux/arm64",
    };
    args.platform.iter().map(|platform| name(platform).to_owned()).collect()
}

pub fn compression(args: &ImageBuildArgs) -> &'static str {
    match args.compression {
        Compression::Gzip => "gzip",
        Compression::Zstd => "zstd",
    }
}
