//! What a registry says about an image that somebody else is going to pull: whether anybody may, what it is for, and
//! which variables are set in it. Nothing but the image's configuration is fetched.

use std::collections::BTreeSet;

use super::base::configuration;
use super::config::ImageConfig;
use super::manifest::{self, Document};
use super::reference::Reference;
use super::registry::{Fetched, Repository};
use crate::config::registry::Sources;
use crate::exec::Executor;
use crate::exit::{Exit, hint_of};

/// Who may have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readable {
    ByAnybody,
    /// With the credentials that were found here.
    WithCredentials,
    /// The registry does not show it to us; whether it is there is not known.
    Hidden(String),
    /// Not there.
    Absent,
    /// The registry could not be asked.
    Unknown(String),
}

/// What is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    pub readable: Readable,
    /// E.g. `linux/amd64`; several for an index. Empty where that could not be read.
    pub platforms: Vec<String>,
    /// The names of the variables that are set in it.
    pub variables: BTreeSet<String>,
}

/// Asks the registry: as nobody first, then with the credentials that are found here. Only an interruption is an error.
/// `own` is the workspace's image: the variables with credentials are meant for its registry, and for no other that
/// somebody may have named. `platform` is the one of an index whose variables are read.
pub fn look(
    exec: &Executor,
    sources: &Sources,
    image: &Reference,
    own: Option<&Reference>,
    platform: &str,
) -> anyhow::Result<Look> {
    let of = |readable| Look { readable, platforms: Vec::new(), variables: BTreeSet::new() };
    let nobody = Sources::default();
    let public = Repository::to_read(exec, &nobody, image, None);
    let is_hidden = match asked(&public, image)? {
        Ok(Some(fetched)) => return Ok(read(&public, &fetched, platform, of(Readable::ByAnybody))),
        Ok(None) => false,
        Err(problem) if !public.was_denied() => return Ok(of(Readable::Unknown(problem))),
        Err(_) => true,
    };
    // A private image looks like none at all to those who may not see it.
    let known = Repository::to_read(exec, sources, image, own);
    Ok(match asked(&known, image)? {
        Ok(Some(fetched)) => read(&known, &fetched, platform, of(Readable::WithCredentials)),
        Ok(None) => of(Readable::Absent),
        Err(problem) if known.was_denied() && is_hidden => of(Readable::Hidden(problem)),
        Err(_) if known.was_denied() => of(Readable::Absent),
        Err(problem) => of(Readable::Unknown(problem)),
    })
}

/// The manifest; or why there is none to be had.
fn asked(repository: &Repository<'_>, image: &Reference) -> anyhow::Result<Result<Option<Fetched>, String>> {
    match repository.manifest(&image.wanted()) {
        Ok(found) => Ok(Ok(found)),
        Err(error) if matches!(Exit::of(&error), Exit::Interrupted(_)) => Err(error),
        // The hint says where credentials were looked for.
        Err(error) => Ok(Err(match hint_of(&error) {
            Some(hint) => format!("{error:#}; {hint}"),
            None => format!("{error:#}"),
        })),
    }
}

/// What the manifest leads to. What cannot be read is left out: the image is there all the same.
fn read(repository: &Repository<'_>, fetched: &Fetched, platform: &str, look: Look) -> Look {
    let parse = |fetched: &Fetched| Document::parse(&fetched.media_type, &fetched.bytes).ok();
    let (manifest, platforms) = match parse(fetched) {
        Some(Document::Manifest(manifest)) => (Some(manifest), None),
        Some(Document::Index(entries)) => match manifest::choose(&entries, platform) {
            Ok(entry) => {
                let inner = repository.manifest(&entry.digest.to_string()).ok().flatten();
                let inner = inner.and_then(|inner| parse(&inner));
                let manifest = inner.and_then(|inner| match inner {
                    Document::Manifest(manifest) => Some(manifest),
                    Document::Index(_) => None,
                });
                (manifest, Some(vec![platform.to_owned()]))
            }
            Err(others) => (None, Some(others)),
        },
        None => (None, None),
    };
    let config = manifest.and_then(|manifest| configuration(repository, &manifest).ok());
    let own = |config: &ImageConfig| vec![format!("{}/{}", config.os, config.architecture)];
    let platforms = platforms.or_else(|| config.as_ref().map(own)).unwrap_or_default();
    let env = config.and_then(|config| config.config?.env).unwrap_or_default();
    let name = |entry: String| entry.split('=').next().map(str::to_owned);
    Look { platforms, variables: env.into_iter().filter_map(name).collect(), ..look }
}
