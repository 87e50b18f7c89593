//! What the arguments of `docker build` mean: names, tags, caches, build arguments.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::super::context::Context;
use super::destination;
use crate::ci::github::GitHub;
use crate::ci::naming;
use crate::cli::docker::{Cache, Compression, ImageBuildArgs};
use crate::cli::platform::platform;
use crate::exec::Executor;
use crate::exit::Failure;
use crate::facts::revision::Revision;
use crate::image::buildx::{self, LayerCache};
use crate::image::context;
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

/// What the image is for. It is always said: by the inputs of an image it has to be known for which machine it is, and
/// builders of different machines share a registry. Empty only where words after `--` say it.
pub fn platforms(exec: &Executor, folder: &Path, args: &ImageBuildArgs) -> anyhow::Result<Vec<String>> {
    if !args.platform.is_empty() {
        return Ok(args.platform.iter().map(|platform| platform.name().to_owned()).collect());
    }
    if args.more.iter().any(|word| word.split('=').next() == Some("--platform")) {
        return Ok(Vec::new());
    }
    let own = buildx::of_builder(exec, args.builder.as_deref(), folder)?;
    // Nobody builds then, but what is there already can be found.
    let here = || platform(std::env::consts::ARCH).unwrap_or_else(|_| std::env::consts::ARCH.to_owned());
    Ok(vec![own.unwrap_or_else(here)])
}

/// What words after `--` make of an image: each word itself, and in place of one that names a folder of this machine
/// (`--build-context NAME=FOLDER`, relative to `root`) its name and what is in it, wherever it is.
pub fn inputs_of_words(
    exec: &Executor,
    root: &Path,
    words: &[String],
) -> anyhow::Result<Vec<(String, String)>> {
    let mut inputs = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let (whole, value) = match word.strip_prefix("--build-context") {
            Some("") => {
                let value = words.next().map_or("", String::as_str);
                (format!("{word}={value}"), Some(value))
            }
            Some(joined) => (word.clone(), joined.strip_prefix('=')),
            None => (word.clone(), None),
        };
        match value.and_then(|value| value.split_once('=')) {
            Some((name, place)) if folder_of(root, place).is_dir() => {
                let digest = context::folder_digest(exec, &folder_of(root, place))?;
                inputs.push((format!("context {name}"), digest));
            }
            // An address, or nothing that is there: buildx says so.
            _ => inputs.push(("argument".to_owned(), whole)),
        }
    }
    Ok(inputs)
}

/// Where a build context is, if it is a folder at all. An OCI layout is named with a tag or digest behind it.
fn folder_of(root: &Path, place: &str) -> PathBuf {
    let Some(layout) = place.strip_prefix("oci-layout://") else { return root.join(place) };
    let layout = layout.split('@').next().unwrap_or_default();
    let name = layout.rfind('/').map_or(0, |slash| slash + 1);
    root.join(layout[name..].find(':').map_or(layout, |colon| &layout[..name + colon]))
}

pub fn compression(args: &ImageBuildArgs) -> &'static str {
    match args.compression {
        Compression::Gzip => "gzip",
        Compression::Zstd => "zstd",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Mode;
    use crate::ui::Ui;

    #[test]
    fn folders_among_the_words_count_by_what_is_in_them() {
        let exec = Executor::new(Ui::detect(true), Mode::DryRun).unwrap();
        let inputs = |root: &Path, words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            inputs_of_words(&exec, root, &words).unwrap()
        };
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for root in [&one, &two] {
            std::fs::create_dir_all(root.path().join("a/b")).unwrap();
            std::fs::write(root.path().join("a/b/c"), "same").unwrap();
        }
        let words = ["--build-context", "x=a", "--network=host"];
        let first = inputs(one.path(), &words);
        assert_eq!(first[0].0, "context x");
        assert_eq!(first[1], ("argument".to_owned(), "--network=host".to_owned()));
        // Wherever it is, and however it is said.
        let elsewhere = format!("--build-context=x={}", two.path().join("a").display());
        assert_eq!(inputs(one.path(), &[&elsewhere, "--network=host"]), first);
        let layout = format!("--build-context=x=oci-layout://{}:1", two.path().join("a").display());
        assert_eq!(inputs(one.path(), &[&layout, "--network=host"]), first);
        std::fs::write(two.path().join("a/b/c"), "another").unwrap();
        assert_ne!(inputs(two.path(), &words), first);
        std::fs::write(two.path().join("a/.dockerignore"), "b\n").unwrap();
        let ignored = inputs(two.path(), &words);
        std::fs::write(two.path().join("a/b/c"), "a third").unwrap();
        assert_eq!(inputs(two.path(), &words), ignored);
        let said = |words: &[&str]| inputs(one.path(), words).into_iter().map(|it| it.1).collect::<Vec<_>>();
        assert_eq!(said(&["--build-context", "x=none"]), ["--build-context=x=none"]);
        let image = "--build-context=x=docker-image://debian:12";
        assert_eq!(said(&[image, "--build-context"]), [image, "--build-context="]);
    }
}
