//! The part of GitHub's REST API that knows packages.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::config::github::GitHubApi;
use crate::exec::{Answer, Executor, Method};
use crate::exit::{Exit, Failure};
use crate::github;
use crate::image::reference::Reference;

/// The most that the API gives at once.
const PAGE_SIZE: usize = 100;
/// More versions than this are not looked through. By GitHub's limit for the size of its lists there are none.
const PAGES_MAX: usize = 100;
/// What the pauses of all requests together may take. Deleting many versions is what GitHub slows down, and a run that
/// gives up can be started again.
const PATIENCE: Duration = Duration::from_secs(600);

/// One package of an owner.
pub struct Packages<'a> {
    client: github::Client<'a>,
    api: &'a GitHubApi,
    /// The package's address.
    url: String,
    /// The repository that it is linked to, e.g. `owner/app`.
    pub repository: Option<String>,
}

/// One version, in the API's words.
#[derive(Clone, Debug, Deserialize)]
pub struct Version {
    pub id: u64,
    /// The digest of the manifest.
    pub name: String,
    pub updated_at: String,
    metadata: Option<Metadata>,
}

#[derive(Clone, Debug, Deserialize)]
struct Metadata {
    container: Option<Container>,
}

#[derive(Clone, Debug, Deserialize)]
struct Container {
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Deserialize)]
struct Package {
    repository: Option<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
}

impl Version {
    pub fn tags(&self) -> Vec<String> {
        let container = self.metadata.as_ref().and_then(|metadata| metadata.container.as_ref());
        container.map(|container| container.tags.clone()).unwrap_or_default()
    }

    #[cfg(test)]
    pub fn of(id: u64, name: &str, updated_at: &str, tags: &[&str]) -> Version {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let metadata = Some(Metadata { container: Some(Container { tags }) });
        Version { id, name: name.to_owned(), updated_at: updated_at.to_owned(), metadata }
    }
}

impl<'a> Packages<'a> {
    /// The package of an image. Its owner may be an organisation or a person, which the API keeps apart.
    pub fn find(exec: &'a Executor, api: &'a GitHubApi, image: &Reference) -> anyhow::Result<Packages<'a>> {
        let Some(token) = &api.token else {
            return Err(Failure::usage("GITHUB_TOKEN is not set, and nobody else may ask about packages")
                .hint("`gh auth token` prints one; it needs the right `read:packages`")
                .into());
        };
        exec.learn_secret(token);
        let Some((owner, name)) = image.repository.split_once('/') else {
            let message = format!("`{}` is no name of a package: it has no owner", image.name());
            return Err(Failure::usage(message).into());
        };
        let name = github::encoded(name);
        let client = github::Client::new(exec, PATIENCE);
        for kind in ["orgs", "users"] {
            let url = format!("{}/{kind}/{owner}/packages/container/{name}", api.url);
            let answer = client.ask(&github::request(Method::Get, &url, Some(token)))?;
            if answer.status == 404 {
                continue;
            }
            let package: Package = read(&answer, &url)?;
            let repository = package.repository.map(|repository| repository.full_name);
            return Ok(Packages { client, api, url, repository });
        }
        let message = format!("GitHub has no package {}, or does not show it to this token", image.name());
        Err(Failure::new(Exit::CommandFailed, message)
            .hint("the token needs `read:packages`; in Actions `permissions: packages: read`")
            .into())
    }

    /// All versions, newest first.
    pub fn versions(&self) -> anyhow::Result<Vec<Version>> {
        let mut all = Vec::new();
        for page in 1..=PAGES_MAX {
            let url = format!("{}/versions?state=active&per_page={PAGE_SIZE}&page={page}", self.url);
            let versions: Vec<Version> = read(&self.send(Method::Get, &url)?, &url)?;
            let is_last = versions.len() < PAGE_SIZE;
            all.extend(versions);
            if is_last {
                break;
            }
        }
        // GitHub's order is not promised anywhere.
        all.sort_by(|one: &Version, other| other.updated_at.cmp(&one.updated_at).then(other.id.cmp(&one.id)));
        Ok(all)
    }

    /// Deletes a version. `Err` inside is GitHub's reason for refusing it; one that is gone already counts as deleted.
    pub fn delete(&self, id: u64) -> anyhow::Result<Result<(), String>> {
        let url = format!("{}/versions/{id}", self.url);
        let answer = self.send(Method::Delete, &url)?;
        match answer.status {
            200..=299 | 404 => Ok(Ok(())),
            401 | 403 => Err(failed(&answer, &url)
                .hint("the token needs `delete:packages`; in Actions the role of an administrator of the package")
                .into()),
            _ => Ok(Err(words(&answer))),
        }
    }

    /// Deleting twice is deleting once, so each may be sent again.
    fn send(&self, method: Method, url: &str) -> anyhow::Result<Answer> {
        self.client.ask(&github::request(method, url, self.api.token.as_deref()))
    }
}

fn read<T: DeserializeOwned>(answer: &Answer, url: &str) -> anyhow::Result<T> {
    if answer.status != 200 {
        return Err(failed(answer, url).hint("the token needs the right `read:packages`").into());
    }
    serde_json::from_slice(&answer.body).map_err(|error| {
        let url = url.split('?').next().unwrap_or(url);
        Failure::new(Exit::CommandFailed, format!("GET {url}: not what the API promises: {error}")).into()
    })
}

fn failed(answer: &Answer, url: &str) -> Failure {
    let url = url.split('?').next().unwrap_or(url);
    Failure::new(Exit::CommandFailed, format!("{url}: GitHub answers {}", words(answer)))
}

/// Status and message of an answer, in one line.
fn words(answer: &Answer) -> String {
    format!("{}{}", answer.status, github::said(answer))
}
