//! Which repository is meant, and as whom GitHub is asked.

use std::path::Path;
use std::time::Duration;

use crate::exec::Executor;
use crate::facts::tool::find_on_path;
use crate::plan::Invocation;

const LIMIT: Duration = Duration::from_secs(10);

/// `owner/name` of what git fetches from, where that is on the host of this API.
pub fn repository_of_checkout(exec: &Executor, root: &Path, api: &str) -> Option<String> {
    let command = Invocation::new("git", root).args(["remote", "get-url", "origin"]).timeout(LIMIT);
    let answer = exec.probe(&command).ok().filter(|answer| answer.success)?;
    repository_in(answer.stdout.trim(), api)
}

/// `owner/name` in the address of a repository, as git and manifests write it, where that is on the host of this
/// API: no name is looked for in another place than its own.
pub fn repository_in(address: &str, api: &str) -> Option<String> {
    // `git@github.com:owner/name` has no scheme, and a colon instead of the first slash.
    let (place, path) = match address.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?,
        None => address.split_once(':')?,
    };
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    let host = place.split(':').next()?;
    let path = path.trim_end_matches('/').trim_end_matches(".git");
    let (owner, name) = path.split_once('/')?;
    let is_there = host.eq_ignore_ascii_case(&host_of(api)?);
    (is_there && is_name(owner, name)).then(|| format!("{owner}/{name}"))
}

/// Whether the two can be a repository's names.
pub fn is_name(owner: &str, name: &str) -> bool {
    let is_plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    is_plain(owner) && is_plain(name)
}

/// The token that `gh` has for the host of this API; `None` where there is no `gh`, or it has none. It is asked for
/// that very host, so that no token goes to another one.
pub fn token_of_gh(exec: &Executor, api: &str) -> Option<String> {
    let program = find_on_path("gh")?;
    let command = Invocation::new(program.display().to_string(), std::env::temp_dir())
        .args(["auth", "token", "--hostname", &host_of(api)?])
        .env("GH_PROMPT_DISABLED", "1")
        .timeout(LIMIT);
    let answer = exec.probe(&command).ok().filter(|answer| answer.success)?;
    let token = answer.stdout.trim();
    let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    is_token.then(|| {
        exec.learn_secret(token);
        token.to_owned()
    })
}

/// `github.com` for `https://api.github.com`, `github.example` for `https://github.example/api/v3`.
fn host_of(api: &str) -> Option<String> {
    let rest = api.split_once("://")?.1;
    let host = rest.split(['/', ':']).next()?;
    Some(host.strip_prefix("api.").unwrap_or(host).to_owned()).filter(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_git_writes_them() {
        let found = |address: &str| repository_in(address, "https://api.github.com");
        for address in [
            "https://github.com/octo/app.git",
            "https://GitHub.com/octo/app/",
            "https://user:pass@github.com/octo/app",
            "git@github.com:octo/app.git",
            "ssh://git@github.com:22/octo/app.git",
            "git://github.com/octo/app",
        ] {
            assert_eq!(found(address).as_deref(), Some("octo/app"), "{address}");
        }
        for address in [
            "",
            "/srv/git/app.git",
            "../app",
            "https://github.com/octo",
            "https://github.com/a/b/c",
            "https://gitlab.com/octo/app",
            "git@github.example:octo/app",
        ] {
            assert_eq!(found(address), None, "{address}");
        }
        let own = repository_in("git@github.example:octo/app", "https://github.example/api/v3");
        assert_eq!(own.as_deref(), Some("octo/app"));
    }

    #[test]
    fn hosts_of_apis() {
        let host = |api: &str| host_of(api).unwrap();
        assert_eq!(host("https://api.github.com"), "github.com");
        assert_eq!(host("https://github.example/api/v3"), "github.example");
        assert_eq!(host("http://127.0.0.1:8080"), "127.0.0.1");
    }
}
