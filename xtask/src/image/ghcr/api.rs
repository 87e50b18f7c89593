//! The part of GitHub's REST API that knows packages.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::config::github::GitHubApi;
use crate::exec::{Answer, Executor, Method, Request};
use crate::exit::{Exit, Failure};
use crate::image::reference::Reference;

/// The most that the API gives at once.
const PAGE_SIZE: usize = 100;
/// More versions than this are not looked through. By GitHub's limit for the size of its lists there are none.
const PAGES_MAX: usize = 100;
/// Reads are tried again after these pauses.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];
/// What GitHub may ask us to wait at most.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// One package of an owner.
pub struct Packages<'a> {
    exec: &'a Executor,
    github: &'a GitHubApi,
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
    pub fn find(
        exec: &'a Executor,
        github: &'a GitHubApi,
        image: &Reference,
    ) -> anyhow::Result<Packages<'a>> {
        let Some(token) = &github.token else {
            return Err(Failure::usage("GITHUB_TOKEN is not set, and nobody else may ask about packages")
                .hint("`gh auth token` prints one; it needs the right `read:packages`")
                .into());
        };
        exec.learn_secret(token);
        let Some((owner, name)) = image.repository.split_once('/') else {
            let message = format!("`{}` is no name of a package: it has no owner", image.name());
            return Err(Failure::usage(message).into());
        };
        let name = name.replace('/', "%2F");
        for kind in ["orgs", "users"] {
            let url = format!("{}/{kind}/{owner}/packages/container/{name}", github.url);
            let answer = send(exec, github, &Request::new(Method::Get, &url))?;
            if answer.status == 404 {
                continue;
            }
            let package: Package = read(&answer, &url)?;
            let repository = package.repository.map(|repository| repository.full_name);
            return Ok(Packages { exec, github, url, repository });
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
            let versions: Vec<Version> =
                read(&send(self.exec, self.github, &Request::new(Method::Get, &url))?, &url)?;
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
        let answer = send(self.exec, self.github, &Request::new(Method::Delete, &url))?;
        match answer.status {
            200..=299 | 404 => Ok(Ok(())),
            401 | 403 => Err(failed(&answer, &url)
                .hint("the token needs `delete:packages`; in Actions the role of an administrator of the package")
                .into()),
            _ => Ok(Err(words(&answer))),
        }
    }
}

/// Sends a request, and again while GitHub is overloaded or asks us to slow down. Deleting twice is deleting once.
fn send(exec: &Executor, github: &GitHubApi, request: &Request) -> anyhow::Result<Answer> {
    let mut request = request
        .clone()
        .header("accept", "application/vnd.github+json")
        .header("x-github-api-version", "2022-11-28")
        .without_redirections();
    if let Some(token) = &github.token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let mut pauses = PAUSES.iter();
    loop {
        let result = exec.send(&request);
        let asked = match &result {
            Ok(answer) if matches!(answer.status, 429 | 500 | 502..=504) => retry_after(answer),
            // GitHub's way of saying 429.
            Ok(answer) if answer.status == 403 && retry_after(answer).is_some() => retry_after(answer),
            Err(error) if Exit::of(error) == Exit::CommandFailed => None,
            _ => return result,
        };
        let Some(pause) = pauses.next() else { return result };
        let pause = asked.unwrap_or(*pause).min(PAUSE_MAX);
        exec.ui().status("Retrying", format!("{} in {} s", request.display(), pause.as_secs()));
        exec.sleep(pause)?;
    }
}

fn retry_after(answer: &Answer) -> Option<Duration> {
    answer.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
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
    #[derive(Deserialize)]
    struct Body {
        message: String,
    }
    let body = serde_json::from_slice::<Body>(&answer.body).ok();
    let text = body.map(|body| body.message.replace(|c: char| c.is_control(), " "));
    let text = text.map(|text| format!(" ({})", text.chars().take(200).collect::<String>()));
    format!("{}{}", answer.status, text.unwrap_or_default())
}
