//! An image in its registry, looked at from all sides: what makes it large, what of it is the base, what changed.

use std::collections::BTreeMap;

use super::config::History;
use super::contents::{self, Contents, Leaf};
use super::digest::Digest;
use super::ghcr::{self, Account};
use super::reference::Reference;
use super::registry::Repository;
use crate::config::github::GitHubApi;
use crate::config::registry::Sources;
use crate::exec::Executor;
use crate::exit::Exit;
use crate::record::doctor::Severity;
use crate::record::inspect::{
    BaseShare, Budget, Difference, FileChange, FileSize, INSPECT_SCHEMA, InspectFinding, InspectRecord,
    LayerSizes,
};

const BASE_NAME: &str = "org.opencontainers.image.base.name";
const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";
/// How the history of an image says that we have made a layer.
const OUR_LAYERS: &str = "cargo xtask docker pack";
/// The most words of a history that are kept, in characters.
const MADE_BY_LENGTH_MAX: usize = 120;

/// What is asked for.
pub struct Question<'a> {
    pub image: &'a Reference,
    /// The workspace's own image, whose registry the variables with credentials are meant for.
    pub own: Option<&'a Reference>,
    /// Another image that it is compared with.
    pub other: Option<&'a Reference>,
    /// Somebody named it, so that it has to be there. The one that was pushed before may be gone by now.
    pub is_other_named: bool,
    /// Where there are several, e.g. `linux/amd64`.
    pub platform: Option<&'a str>,
    /// How many files are named.
    pub files: usize,
    pub budget: Budget,
}

/// Looks at the image, and asks GitHub about its package where it is GitHub's.
pub fn look(
    exec: &Executor,
    sources: &Sources,
    github: &GitHubApi,
    question: &Question<'_>,
) -> anyhow::Result<InspectRecord> {
    let image = question.image;
    let repository = Repository::to_read(exec, sources, image, question.own);
    exec.ui().status("Fetching", image);
    let contents = contents::read(exec, &repository, image, question.platform, &|_| None)?;
    let base = base_layers(exec, sources, question.own, &contents);
    let difference = match question.other {
        Some(other) => {
            exec.ui().status("Fetching", format!("{other}, to compare with"));
            match difference(exec, sources, other, &contents, question) {
                Ok(difference) => Some(difference),
                Err(error) if question.is_other_named || matches!(Exit::of(&error), Exit::Interrupted(_)) => {
                    return Err(error);
                }
                Err(error) => {
                    exec.ui().note(format!("compared with nothing: {error:#}"));
                    None
                }
            }
        }
        None => None,
    };
    let ghcr = match image.registry == github.registry {
        true => Some(ghcr::look(exec, &Account { sources, github, own: question.own }, image, &contents)?),
        false => None,
    };
    let mut findings: Vec<InspectFinding> =
        over_budget(contents.size(), question.budget).into_iter().collect();
    findings.extend(ghcr.iter().flat_map(|ghcr| ghcr::findings(image, ghcr)));
    let layers = layers(&contents, base.as_ref().map(|(layers, _)| *layers));
    Ok(InspectRecord {
        schema: INSPECT_SCHEMA,
        ok: findings.iter().all(|finding| finding.severity != Severity::Error),
        image: image.to_string(),
        digest: contents.digest.to_string(),
        manifest: contents.manifest_digest.to_string(),
        platform: contents.platform.clone(),
        size: contents.size(),
        raw_size: layers.iter().map(|layer| layer.raw_size).sum(),
        base: base.map(|(count, name)| share(&layers, count, name)),
        layers,
        largest: largest(&contents.files().unwrap_or_default(), question.files),
        difference,
        budget: question.budget,
        ghcr,
        findings,
    })
}

fn layers(contents: &Contents, base: Option<usize>) -> Vec<LayerSizes> {
    let history = contents.config.history.iter().flatten();
    let made = history.filter(|entry| entry.empty_layer != Some(true));
    let made: Vec<Option<String>> = made.map(|entry| entry.created_by.clone()).collect();
    // A history of another length says nothing about which layer it means.
    let made = if made.len() == contents.manifest.layers.len() { made } else { Vec::new() };
    let described = contents.manifest.layers.iter().zip(&contents.layers).enumerate();
    described
        .map(|(number, (layer, files))| LayerSizes {
            digest: layer.digest.to_string(),
            media_type: layer.media_type.clone(),
            size: layer.size,
            raw_size: files.as_ref().map(|files| files.raw_size),
            files: files.as_ref().map(contents::LayerFiles::count),
            is_base: base.map(|count| number < count),
            made_by: made
                .get(number)
                .cloned()
                .flatten()
                .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
                .map(|text| text.chars().take(MADE_BY_LENGTH_MAX).collect()),
        })
        .collect()
}

/// How many of the lowest layers are the base's, and what it is called. Only a digest says for sure which base it was;
/// where there is none, or its registry does not have it any more, the image's history tells.
fn base_layers(
    exec: &Executor,
    sources: &Sources,
    own: Option<&Reference>,
    contents: &Contents,
) -> Option<(usize, Option<String>)> {
    let told = |name: &str| {
        let annotation = contents.manifest.annotations.get(name).map(String::as_str);
        annotation.or_else(|| contents.label(name)).map(str::to_owned)
    };
    let name = told(BASE_NAME).filter(|name| !name.is_empty());
    let mut reference = name.as_deref().and_then(|name| Reference::parse(name).ok());
    if let Some(reference) = &mut reference {
        // A Dockerfile knows the base by one text, with the digest at its end.
        let digest = told(BASE_DIGEST).and_then(|digest| Digest::parse(&digest).ok());
        reference.digest = digest.or(reference.digest.take());
    }
    if let Some(reference) = reference.filter(|reference| reference.digest.is_some()) {
        let repository = Repository::to_read(exec, sources, &reference, own);
        if let Ok(base) = super::base::read(&repository, &reference, &contents.platform) {
            let pairs = base.layers.iter().zip(&contents.manifest.layers);
            let shared = pairs.take_while(|(of_base, own)| of_base.digest == own.digest).count();
            return Some((shared, name));
        }
    }
    let history: Vec<&History> = contents.config.history.iter().flatten().collect();
    Some((told_by(&history, contents.manifest.layers.len())?, name))
}

/// The layers of the base by an image's history: all but ours where `docker pack` made it, and where a Dockerfile did,
/// those below the line that labels the image with its base.
fn told_by(history: &[&History], layers: usize) -> Option<usize> {
    let is_layer = |entry: &&&History| entry.empty_layer != Some(true);
    let line = |entry: &History| entry.created_by.clone().unwrap_or_default();
    // One of another length says nothing about which layer it means.
    if history.iter().filter(is_layer).count() != layers {
        return None;
    }
    let packed = history.iter().rev().take_while(|entry| line(entry).starts_with(OUR_LAYERS)).count();
    let is_label = |entry: &&History| {
        let line = line(entry);
        line.starts_with("LABEL ") && line.contains(BASE_NAME)
    };
    let first = match packed {
        0 => history.iter().rposition(is_label)?,
        packed => history.len() - packed,
    };
    Some(history[..first].iter().filter(is_layer).count())
}

fn share(layers: &[LayerSizes], count: usize, name: Option<String>) -> BaseShare {
    let sum = |layers: &[LayerSizes]| layers.iter().map(|layer| layer.size).sum::<u64>();
    let size = sum(&layers[..count.min(layers.len())]);
    BaseShare { name, layers: count, size, percent: (size * 100).checked_div(sum(layers)).unwrap_or(0) }
}

fn largest(files: &BTreeMap<String, Leaf>, count: usize) -> Vec<FileSize> {
    let mut all: Vec<FileSize> = files
        .iter()
        .map(|(path, file)| FileSize { path: format!("/{path}"), size: file.size, layer: file.layer })
        .collect();
    all.sort_by(|one, other| other.size.cmp(&one.size).then_with(|| one.path.cmp(&other.path)));
    all.truncate(count);
    all
}

fn difference(
    exec: &Executor,
    sources: &Sources,
    other: &Reference,
    contents: &Contents,
    question: &Question<'_>,
) -> anyhow::Result<Difference> {
    let repository = Repository::to_read(exec, sources, other, question.own);
    let own = contents.manifest.layers.iter().zip(&contents.layers);
    let known: Vec<_> = own.map(|(layer, files)| (&layer.digest, files)).collect();
    let find = |digest: &Digest| known.iter().find(|(known, _)| *known == digest)?.1.clone();
    let before = contents::read(exec, &repository, other, Some(&contents.platform), &find)?;
    let was_there = |digest: &Digest| before.manifest.layers.iter().any(|layer| layer.digest == *digest);
    let (shared, new): (Vec<_>, Vec<_>) =
        contents.manifest.layers.iter().partition(|layer| was_there(&layer.digest));
    let changes = match before.files().zip(contents.files()) {
        Some((before, after)) => changes(&before, &after),
        None => Vec::new(),
    };
    let mut difference = Difference {
        with: format!("{}@{}", other.name(), before.digest),
        size_change: contents.size() as i64 - before.size() as i64,
        shared_layers: shared.len(),
        fetched: new.iter().map(|layer| layer.size).sum(),
        added: changes.iter().filter(|change| change.before.is_none()).count(),
        removed: changes.iter().filter(|change| change.after.is_none()).count(),
        changed: changes.iter().filter(|change| change.before.is_some() && change.after.is_some()).count(),
        files: changes,
    };
    difference.files.truncate(question.files);
    Ok(difference)
}

/// The files that are not the same, those whose size changed most first.
fn changes(before: &BTreeMap<String, Leaf>, after: &BTreeMap<String, Leaf>) -> Vec<FileChange> {
    let mut paths: Vec<&String> = before.keys().chain(after.keys()).collect();
    paths.sort_unstable();
    paths.dedup();
    let differs = |path: &&&String| {
        before.get(**path).map(|file| &file.digest) != after.get(**path).map(|file| &file.digest)
    };
    let mut changes: Vec<FileChange> = paths
        .iter()
        .filter(differs)
        .map(|path| FileChange {
            path: format!("/{path}"),
            before: before.get(*path).map(|file| file.size),
            after: after.get(*path).map(|file| file.size),
        })
        .collect();
    let by = |change: &FileChange| change.before.unwrap_or(0).abs_diff(change.after.unwrap_or(0));
    changes.sort_by_key(|change| std::cmp::Reverse(by(change)));
    changes
}

fn over_budget(size: u64, budget: Budget) -> Option<InspectFinding> {
    let megabytes = |bytes: u64| format!("{:.2} MB", bytes as f64 / 1e6);
    let finding = |severity: Severity, limit: u64| InspectFinding {
        rule: "over-budget".to_owned(),
        severity,
        message: format!(
            "the image is {} as it is sent; the budget is {}",
            megabytes(size),
            megabytes(limit)
        ),
        fix: "the largest files and the base's share say where it comes from; `budgets` in \
              [workspace.metadata.xtask] has the limits"
            .to_owned(),
    };
    match (budget.fail, budget.warn) {
        (Some(limit), _) if size > limit => Some(finding(Severity::Error, limit)),
        (_, Some(limit)) if size > limit => Some(finding(Severity::Warning, limit)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, u64, &str)]) -> BTreeMap<String, Leaf> {
        let leaf = |size: u64, content: &str| Leaf { size, digest: Digest::of(content.as_bytes()), layer: 0 };
        files.iter().map(|(path, size, content)| ((*path).to_owned(), leaf(*size, content))).collect()
    }

    #[test]
    fn what_changed_is_told_by_content() {
        let before = files(&[("same", 1, "a"), ("gone", 5, "b"), ("grown", 10, "c"), ("edited", 3, "d")]);
        let after = files(&[("same", 1, "a"), ("new", 2, "e"), ("grown", 110, "f"), ("edited", 3, "g")]);
        let shown: Vec<String> = changes(&before, &after)
            .iter()
            .map(|change| format!("{} {:?} {:?}", change.path, change.before, change.after))
            .collect();
        assert_eq!(
            shown,
            [
                "/grown Some(10) Some(110)",
                "/gone Some(5) None",
                "/new None Some(2)",
                "/edited Some(3) Some(3)"
            ]
        );
        assert_eq!(largest(&after, 1)[0].path, "/grown");
    }

    #[test]
    fn histories_tell_where_the_base_ends() {
        let entry = |line: &str| History {
            created_by: Some(line.to_owned()),
            empty_layer: (!line.starts_with("COPY") && !line.contains(": ")).then_some(true),
            ..History::default()
        };
        let told = |lines: &[&str], layers: usize| {
            let history: Vec<History> = lines.iter().map(|line| entry(line)).collect();
            told_by(&history.iter().collect::<Vec<_>>(), layers)
        };
        let label = "LABEL org.opencontainers.image.base.name=r.example/base:1";
        let (site, binary) = ("cargo xtask docker pack: site", "cargo xtask docker pack: binary");
        let ours = ["COPY / /", "USER 1", "COPY b /", label, "USER 2", "COPY c /"];
        assert_eq!(told(&ours, 3), Some(2));
        // The base was made in this way too.
        let twice = ["COPY / /", label, "COPY a /", label, "COPY b /"];
        assert_eq!((told(&twice, 3), told(&twice[..3], 2)), (Some(2), Some(1)));
        assert_eq!(told(&["COPY / /", label, "COPY a /", site, binary], 4), Some(2));
        assert_eq!(told(&[site, binary], 2), Some(0));
        assert_eq!((told(&ours, 4), told(&ours[..3], 2), told(&[], 0)), (None, None, None));
    }

    #[test]
    fn budgets_warn_and_fail() {
        let severity = |size: u64, warn: Option<u64>, fail: Option<u64>| {
            over_budget(size, Budget { warn, fail }).map(|finding| finding.severity)
        };
        assert_eq!(severity(10, Some(10), Some(10)), None);
        assert_eq!(severity(11, Some(10), Some(20)), Some(Severity::Warning));
        assert_eq!(severity(21, Some(10), Some(20)), Some(Severity::Error));
        assert_eq!(severity(21, None, None), None);
    }
}
