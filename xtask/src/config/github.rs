//! GitHub's API and its container registry, and the token for both, as the environment names them.

use super::address;

/// The public ones.
const API: &str = "https://api.github.com";
const REGISTRY: &str = "ghcr.io";

/// Has no `Debug` on purpose: the token must not be printed.
pub struct GitHubApi {
    /// `GITHUB_API_URL`, which Actions sets, or GitHub's own.
    pub url: String,
    /// `GITHUB_TOKEN` or `GH_TOKEN`.
    pub token: Option<String>,
    /// `XTASK_GHCR_HOST`, the container registry of an Enterprise Server, e.g. `containers.github.example`; else
    /// GitHub's own.
    pub registry: String,
}

impl GitHubApi {
    pub fn read() -> anyhow::Result<GitHubApi> {
        Ok(GitHubApi {
            url: match variable("GITHUB_API_URL") {
                Some(url) => address::base(&url, "`GITHUB_API_URL`")?,
                None => API.to_owned(),
            },
            token: variable("GITHUB_TOKEN").or_else(|| variable("GH_TOKEN")),
            registry: registry(),
        })
    }
}

/// `XTASK_GHCR_HOST`, else GitHub's own container registry.
pub fn registry() -> String {
    variable("XTASK_GHCR_HOST").unwrap_or_else(|| REGISTRY.to_owned())
}

/// `owner/name` as Actions tells it in `GITHUB_REPOSITORY`.
pub fn repository() -> Option<String> {
    variable("GITHUB_REPOSITORY")
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}
