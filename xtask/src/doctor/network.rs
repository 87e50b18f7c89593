//! What other machines say: the registry about image and rights, Railway about its token, GitHub about its token, the
//! storage about the cache's bucket, an engine elsewhere. Nothing is changed there.

use std::time::Duration;

use serde::Serialize;

use super::base::{Base, Problem};
use super::{docker, workspace};
use crate::config::address;
use crate::config::railway::{Access, TOKEN_HINT, TokenKind};
use crate::config::registry::Sources;
use crate::exec::{Method, Request};
use crate::image::reference::Reference;
use crate::image::registry::{PushRight, Repository};
use crate::railway::client::Client;
use crate::railway::target::{self, Flags};
use crate::record::doctor::{Finding, Fix, Group, Severity};

/// The longest that one answer is waited for.
const LIMIT: Duration = Duration::from_secs(8);

#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    /// What anybody sees of the image.
    pub visibility: Option<Visibility>,
    /// Whether our credentials may push it.
    pub push: Option<Result<Told, Problem>>,
    pub image: String,
    /// Project, environment and service, as Railway calls them.
    pub railway: Option<Result<String, Problem>>,
    pub railway_token: &'static str,
    pub github: Option<Github>,
    pub bucket: Option<Bucket>,
    pub engine_problem: Option<String>,
    pub engine_host: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Visibility {
    Public,
    /// The registry lets us ask, and has no such image.
    Absent,
    Private(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    Granted,
    /// Let in; whether pushing is allowed shows when something is pushed.
    NotTold,
}

/// What GitHub answers to a token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Github {
    pub variable: &'static str,
    pub status: Option<u16>,
    pub problem: Option<String>,
    /// Of a classic token; others have none.
    pub scopes: Option<Vec<String>>,
    /// Whether the image is in GitHub's registry.
    pub is_registry: bool,
}

/// What the storage answers about the cache's bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bucket {
    pub address: String,
    pub status: Option<u16>,
    /// Where the bucket really is.
    pub region: Option<String>,
    pub region_set: Option<String>,
    pub problem: Option<String>,
}

pub fn gather(base: &Base<'_>, workspace: &workspace::Facts) -> Facts {
    let automation = workspace.automation();
    let image = automation.image.as_deref().and_then(|image| Reference::parse(image).ok());
    let access = Access::from_environment().ok();
    let mut facts = Facts { image: automation.image.clone().unwrap_or_default(), ..Facts::default() };
    std::thread::scope(|scope| {
        let visibility = image.as_ref().map(|image| scope.spawn(|| visibility(base, image)));
        let push = image.as_ref().map(|image| scope.spawn(|| push(base, image)));
        let railway = access.as_ref().map(|access| {
            scope.spawn(|| {
                let client = Client::new(base.exec, access);
                target::resolve(&client, access, Flags::default(), &automation.railway)
            })
        });
        let is_registry = image.as_ref().is_some_and(|image| image.registry == "ghcr.io");
        let github = scope.spawn(move || github(base, is_registry));
        let bucket = scope.spawn(|| bucket(base));
        let host = base.env.get("DOCKER_HOST").filter(|host| docker::is_elsewhere(Some(host)));
        if let Some(host) = host {
            facts.engine_problem = docker::engine(base).1;
            facts.engine_host = Some(host.to_owned());
        }
        facts.visibility = visibility.and_then(|thread| thread.join().ok());
        facts.push = push.and_then(|thread| thread.join().ok());
        facts.railway = railway.and_then(|thread| thread.join().ok()).map(|found| match found {
            Ok(target) => Ok(format!("{} of project {}", target, target.project_name)),
            Err(error) => Err(Problem::of(&error)),
        });
        facts.github = github.join().ok().flatten();
        facts.bucket = bucket.join().ok().flatten();
    });
    facts.railway_token = access.map_or("", |access| match access.token.kind {
        TokenKind::Project => "RAILWAY_TOKEN",
        TokenKind::Account => "RAILWAY_API_TOKEN",
    });
    facts
}

/// As nobody, which is how Railway pulls without a registry's credentials.
fn visibility(base: &Base<'_>, image: &Reference) -> Visibility {
    let nobody = Sources::default();
    match Repository::to_read(base.exec, &nobody, image, None).manifest_digest(&image.wanted()) {
        Ok(Some(_)) => Visibility::Public,
        Ok(None) => Visibility::Absent,
        Err(error) => Visibility::Private(format!("{error:#}")),
    }
}

fn push(base: &Base<'_>, image: &Reference) -> Result<Told, Problem> {
    let asked = Sources::read()
        .and_then(|sources| Repository::to_push(base.exec, &sources, image, None).push_right());
    match asked {
        Ok(PushRight::Granted) => Ok(Told::Granted),
        Ok(PushRight::NotTold) => Ok(Told::NotTold),
        Err(error) => Err(Problem::of(&error)),
    }
}

fn github(base: &Base<'_>, is_registry: bool) -> Option<Github> {
    let variable = ["GITHUB_TOKEN", "GH_TOKEN"].into_iter().find(|name| base.env.get(name).is_some())?;
    let token = base.env.get(variable)?;
    base.exec.learn_secret(token);
    let mut found = Github { variable, is_registry, ..Github::default() };
    let origin = base.env.get("GITHUB_API_URL").unwrap_or("https://api.github.com");
    let answer = address::base(origin, "GITHUB_API_URL").and_then(|origin| {
        // The one address that costs nothing of the hour's allowance.
        let request = Request::new(Method::Get, format!("{origin}/rate_limit")).timeout(LIMIT);
        base.exec.send(&request.header("authorization", format!("Bearer {token}")))
    });
    match answer {
        Ok(answer) => {
            found.status = Some(answer.status);
            let scopes = answer.header("x-oauth-scopes");
            found.scopes = scopes.map(|list| list.split(',').map(|scope| scope.trim().to_owned()).collect());
        }
        Err(error) => found.problem = Some(base.exec.redact(&format!("{error:#}"))),
    }
    Some(found)
}

/// A bucket tells anybody whether it exists and where; what is in it, nobody without credentials.
fn bucket(base: &Base<'_>) -> Option<Bucket> {
    let name = base.env.get("SCCACHE_BUCKET")?;
    let region =
        ["SCCACHE_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| base.env.get(name));
    let address = match base.env.get("SCCACHE_ENDPOINT") {
        Some(endpoint) if endpoint.contains("://") => format!("{}/{name}", endpoint.trim_end_matches('/')),
        Some(endpoint) => format!("https://{}/{name}", endpoint.trim_end_matches('/')),
        None => format!("https://s3.{}.amazonaws.com/{name}", region.unwrap_or("us-east-1")),
    };
    let request = Request::new(Method::Head, &address).timeout(LIMIT).without_redirections();
    let mut found = Bucket { address, region_set: region.map(str::to_owned), ..Bucket::default() };
    match base.exec.send(&request) {
        Ok(answer) => {
            found.status = Some(answer.status);
            found.region = answer.header("x-amz-bucket-region").map(str::to_owned);
        }
        Err(error) => found.problem = Some(base.exec.redact(&format!("{error:#}"))),
    }
    Some(found)
}

pub fn examine(facts: &Facts) -> Vec<Finding> {
    let find = |rule, severity, found: String, wanted: String, fix| {
        Finding::new(Group::Network, rule, severity, found, wanted, fix)
    };
    let advice = |problem: &Problem, otherwise: &str| {
        Fix::advice(problem.hint.clone().unwrap_or_else(|| otherwise.to_owned()))
    };
    let mut findings = Vec::new();
    match &facts.visibility {
        Some(Visibility::Private(why)) => findings.push(find(
            "image-private",
            Severity::Note,
            why.clone(),
            "an image that anybody may read, or credentials in the service's settings on Railway (Pro plan)"
                .to_owned(),
            Fix::advice(
                "make the package public in its settings, or give Railway the registry's credentials",
            ),
        )),
        Some(Visibility::Absent) => findings.push(find(
            "image-absent",
            Severity::Note,
            format!("the registry has no {}", facts.image),
            "an image there, before the first deployment".to_owned(),
            Fix::command("cargo xtask docker pack --push"),
        )),
        _ => {}
    }
    if let Some(Err(problem)) = &facts.push {
        let wanted = format!("credentials that may push {}", facts.image);
        let fix = advice(problem, "see that the registry can be reached from here");
        findings.push(find("registry-refuses", Severity::Error, problem.message.clone(), wanted, fix));
    }
    if let Some(Err(problem)) = &facts.railway {
        let wanted = "a token for the project, and one service that is meant".to_owned();
        let finding = find(
            "railway-refuses",
            Severity::Error,
            problem.message.clone(),
            wanted,
            advice(problem, TOKEN_HINT),
        );
        findings.push(finding.at(facts.railway_token));
    }
    findings.extend(facts.github.as_ref().and_then(examine_github));
    findings.extend(facts.bucket.as_ref().and_then(examine_bucket));
    if let Some(problem) = &facts.engine_problem {
        let finding = find(
            "remote-engine-silent",
            Severity::Warning,
            problem.clone(),
            "an engine that answers".to_owned(),
            Fix::command("unset DOCKER_HOST"),
        );
        findings
            .push(finding.at(format!("DOCKER_HOST: {}", facts.engine_host.as_deref().unwrap_or_default())));
    }
    findings
}

fn examine_github(github: &Github) -> Option<Finding> {
    let find = |rule, severity, found: String, wanted: &str, fix| {
        Some(Finding::new(Group::Network, rule, severity, found, wanted, fix).at(github.variable))
    };
    let unset = || Fix::command(format!("unset {}", github.variable));
    if let Some(problem) = &github.problem {
        let fix =
            Fix::advice("see that GitHub can be reached from here; GITHUB_API_URL is where it is asked");
        return find("github-silent", Severity::Warning, problem.clone(), "an answer of GitHub's", fix);
    }
    if github.status == Some(401) {
        let found = format!("GitHub does not know the token in {}", github.variable);
        return find(
            "github-token-refused",
            Severity::Error,
            found,
            "a token that is valid, or none",
            unset(),
        );
    }
    let scopes = github.scopes.as_ref().filter(|scopes| scopes.iter().any(|scope| !scope.is_empty()))?;
    if github.is_registry && !scopes.iter().any(|scope| scope == "write:packages") {
        let found = format!("the token in {} may do {} only", github.variable, scopes.join(", "));
        let fix = Fix::command("gh auth refresh --scopes write:packages");
        return find(
            "github-token-scopes",
            Severity::Warning,
            found,
            "`write:packages`, to push to ghcr.io",
            fix,
        );
    }
    None
}

fn examine_bucket(bucket: &Bucket) -> Option<Finding> {
    let find = |rule, found: String, wanted: &str, fix| {
        Some(Finding::new(Group::Network, rule, Severity::Error, found, wanted, fix).at("SCCACHE_BUCKET"))
    };
    if let Some(problem) = &bucket.problem {
        let wanted = "storage that answers: sccache does not start without it";
        return find("bucket-silent", problem.clone(), wanted, Fix::command("unset SCCACHE_BUCKET"));
    }
    if bucket.status == Some(404) {
        let found = format!("there is no bucket at {}", bucket.address);
        return find("bucket-absent", found, "a bucket that is there", Fix::command("unset SCCACHE_BUCKET"));
    }
    let region = bucket.region.as_ref()?;
    if bucket.region_set.as_ref() != Some(region) {
        let found = format!(
            "the bucket is in {region}, and the region is set to {}",
            bucket.region_set.as_deref().unwrap_or("none")
        );
        let fix = Fix::command(format!("export SCCACHE_REGION={}", crate::plan::quote(region)));
        return find("bucket-elsewhere", found, "the bucket's own region", fix);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_answers() {
        let rules = |facts: &Facts| examine(facts).iter().map(|finding| finding.rule).collect::<Vec<_>>();
        assert_eq!(rules(&Facts::default()), [""; 0]);
        let fine = Facts {
            visibility: Some(Visibility::Public),
            push: Some(Ok(Told::NotTold)),
            railway: Some(Ok("web".to_owned())),
            ..Facts::default()
        };
        assert_eq!(rules(&fine), [""; 0]);
        let private = Some(Visibility::Private("401".to_owned()));
        assert_eq!(rules(&Facts { visibility: private, ..fine.clone() }), ["image-private"]);
        assert_eq!(rules(&Facts { visibility: Some(Visibility::Absent), ..fine.clone() }), ["image-absent"]);
        let problem = Problem::default;
        assert_eq!(rules(&Facts { push: Some(Err(problem())), ..fine.clone() }), ["registry-refuses"]);
        assert_eq!(rules(&Facts { railway: Some(Err(problem())), ..fine.clone() }), ["railway-refuses"]);
        let engine = Some("no".to_owned());
        assert_eq!(rules(&Facts { engine_problem: engine, ..fine }), ["remote-engine-silent"]);
    }

    #[test]
    fn github_and_buckets() {
        let rule = |github: &Github| examine_github(github).map(|finding| finding.rule);
        let fine = Github { status: Some(200), is_registry: true, ..Github::default() };
        assert_eq!(rule(&fine), None);
        assert_eq!(rule(&Github { status: Some(401), ..fine.clone() }), Some("github-token-refused"));
        assert_eq!(rule(&Github { problem: Some("no".to_owned()), ..fine.clone() }), Some("github-silent"));
        let scopes = |list: &[&str]| Some(list.iter().map(|scope| (*scope).to_owned()).collect());
        let classic = Github { scopes: scopes(&["repo"]), ..fine };
        assert_eq!(rule(&classic), Some("github-token-scopes"));
        assert_eq!(rule(&Github { is_registry: false, ..classic.clone() }), None);
        assert_eq!(rule(&Github { scopes: scopes(&["repo", "write:packages"]), ..classic }), None);

        let rule = |bucket: &Bucket| examine_bucket(bucket).map(|finding| finding.rule);
        let text = |text: &str| Some(text.to_owned());
        let there =
            Bucket { status: Some(403), region: text("eu"), region_set: text("eu"), ..Bucket::default() };
        assert_eq!(rule(&there), None);
        assert_eq!(rule(&Bucket { region_set: text("us"), ..there.clone() }), Some("bucket-elsewhere"));
        assert_eq!(rule(&Bucket { status: Some(404), ..there.clone() }), Some("bucket-absent"));
        assert_eq!(rule(&Bucket { problem: text("no"), ..there }), Some("bucket-silent"));
    }
}
