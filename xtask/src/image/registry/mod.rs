//! One repository of a registry, spoken to in the protocol of the OCI distribution specification.
//!
//! [`Repository`] has the operations; this file owns how one request is sent: as whom, how often, and what a refusal
//! means. Credentials go to the registry itself and to the token service that it names, and nowhere else.

mod auth;
mod credentials;
mod login;
mod right;
mod transfer;
mod url;

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde::Deserialize;

use super::reference::Reference;
use crate::config::address::is_loopback;
use crate::config::registry::Sources;
use crate::exec::{Answer, Executor, Method, Request};
use crate::exit::{Exit, Failure};
use auth::Challenge;
use credentials::Found;

pub use credentials::find as find_credentials;
pub use login::Login;
pub use right::PushRight;
pub use transfer::Fetched;

/// How often a read or an upload is tried, and how long to wait in between where the registry does not say.
const TRIES: u32 = 3;
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];
/// The longest wait that a registry can ask for.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// A request that was allowed to take longer than this is not sent again after it took all of that time. It is enough
/// for a blob of 30 MB, which may hang where the next attempt does not.
const REPEATABLE: Duration = Duration::from_secs(180);
/// The longest message of a registry that is passed on, in characters.
const MESSAGE_LENGTH_MAX: usize = 200;

/// What we want to do with a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    /// Read and write.
    Push,
}

/// One repository.
pub struct Repository<'a> {
    exec: &'a Executor,
    sources: &'a Sources,
    /// As it stands in names of images, e.g. `ghcr.io`.
    registry: String,
    /// E.g. `owner/app`.
    name: String,
    /// Where the registry is spoken to, e.g. `https://ghcr.io`.
    origin: String,
    access: Access,
    /// Whether the variables with credentials are meant for this registry.
    is_target: bool,
    /// What tokens have to allow.
    scopes: Vec<String>,
    /// The value of the header, once the registry has asked for one.
    authorization: Mutex<Option<String>>,
    found: OnceLock<Found>,
    /// Set once the registry, or its token service, has refused us.
    denied: OnceLock<()>,
}

impl<'a> Repository<'a> {
    /// A repository to read from. `target` is the registry that is pushed to, if one is.
    pub fn to_read(
        exec: &'a Executor,
        sources: &'a Sources,
        image: &Reference,
        target: Option<&Reference>,
    ) -> Repository<'a> {
        let is_target = target.is_some_and(|target| target.registry == image.registry);
        Repository::new(exec, sources, image, Access::Read, is_target)
    }

    /// A repository to push to. Layers of `base` can be taken over where it is in the same registry.
    pub fn to_push(
        exec: &'a Executor,
        sources: &'a Sources,
        image: &Reference,
        base: Option<&Reference>,
    ) -> Repository<'a> {
        let mut repository = Repository::new(exec, sources, image, Access::Push, true);
        let shared =
            base.filter(|base| repository.shares_registry(base) && base.repository != image.repository);
        if let Some(base) = shared {
            repository.scopes.push(format!("repository:{}:pull", base.repository));
        }
        repository
    }

    fn new(
        exec: &'a Executor,
        sources: &'a Sources,
        image: &Reference,
        access: Access,
        is_target: bool,
    ) -> Repository<'a> {
        let rights = match access {
            Access::Read => "pull",
            Access::Push => "pull,push",
        };
        let scheme = if is_loopback(&image.registry) { "http" } else { "https" };
        // Docker Hub's images are called after one host and served by another.
        let host = if image.registry == "docker.io" { "registry-1.docker.io" } else { &image.registry };
        Repository {
            exec,
            sources,
            registry: image.registry.clone(),
            name: image.repository.clone(),
            origin: format!("{scheme}://{host}"),
            access,
            is_target,
            scopes: vec![format!("repository:{}:{rights}", image.repository)],
            authorization: Mutex::new(None),
            found: OnceLock::new(),
            denied: OnceLock::new(),
        }
    }

    /// Whether an error was a refusal, and not a registry that could not be asked.
    pub fn was_denied(&self) -> bool {
        self.denied.get().is_some()
    }

    /// Whether the image is in the same registry.
    pub fn shares_registry(&self, image: &Reference) -> bool {
        self.registry == image.registry
    }

    /// The user name that the registry knows us by, if we have an account there.
    pub fn account(&self) -> anyhow::Result<Option<String>> {
        Ok(self.found()?.account.as_ref().map(|account| account.username.clone()))
    }

    /// Whether all that is known is a token which Docker's client can use and we cannot.
    pub fn is_dockers_alone(&self) -> anyhow::Result<bool> {
        let found = self.found()?;
        Ok(found.account.is_none() && found.has_identity_token)
    }

    /// Registry and name.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.registry, self.name)
    }

    fn url(&self, path: &str) -> String {
        format!("{}/v2/{}/{path}", self.origin, self.name)
    }

    /// Sends a request as whoever we are by now, and once more after the registry has asked who we are. An answer of
    /// 401 or 403 is an error.
    fn send(&self, request: &Request) -> anyhow::Result<Answer> {
        let is_ours = url::origin(&request.url) == url::origin(&self.origin);
        let mut answer = self.exec.send(&self.authorized(request, is_ours))?;
        if answer.status == 401 && is_ours {
            if let Some(busy) = self.authorize(&answer)? {
                return Ok(busy);
            }
            answer = self.exec.send(&self.authorized(request, is_ours))?;
        }
        match answer.status {
            401 | 403 => Err(self.denied(&answer)?.into()),
            _ => Ok(answer),
        }
    }

    fn authorized(&self, request: &Request, is_ours: bool) -> Request {
        let authorization = self.authorization.lock().unwrap_or_else(PoisonError::into_inner);
        // All that is asked of a registry can be asked again, see `retrying`.
        let request = request.clone().over_any_connection();
        match authorization.as_ref().filter(|_| is_ours) {
            Some(value) => request.header("authorization", value),
            None => request,
        }
    }

    /// Does what the registry's 401 asks for, and keeps what comes of it for further requests. The answer of a token
    /// service that has no time is handed back, to be asked again.
    fn authorize(&self, refused: &Answer) -> anyhow::Result<Option<Answer>> {
        let headers = refused.headers.iter().filter(|(name, _)| name == "www-authenticate");
        let offered: Vec<Challenge> = headers.flat_map(|(_, value)| auth::challenges(value)).collect();
        let bearer = offered.iter().find_map(|challenge| match challenge {
            Challenge::Bearer { realm, service } => Some((realm, service)),
            Challenge::Basic => None,
        });
        let value = match bearer {
            Some((realm, service)) => match self.token(realm, service.as_deref())? {
                Ok(token) => format!("Bearer {token}"),
                Err(busy) => return Ok(Some(busy)),
            },
            None if offered.contains(&Challenge::Basic) => match &self.found()?.account {
                Some(account) => auth::basic(account),
                None => return Err(self.denied(refused)?.into()),
            },
            None => {
                let message = format!("{} asks for authentication of an unknown kind", self.registry);
                return Err(Failure::new(Exit::CommandFailed, message)
                    .hint("Basic and Bearer are known; does a proxy answer in the registry's place?")
                    .into());
            }
        };
        *self.authorization.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        Ok(None)
    }

    /// Asks a token service: as the account for this registry if there is one, else as nobody.
    fn token(&self, realm: &str, service: Option<&str>) -> anyhow::Result<Result<String, Answer>> {
        let failed = |why: String| {
            Failure::new(Exit::CommandFailed, format!("cannot log in to {}: {why}", self.registry))
                .hint("the registry names its token service in the header `WWW-Authenticate`")
        };
        let address = auth::token_url(&self.origin, realm, service, &self.scopes).map_err(&failed)?;
        let mut request = Request::new(Method::Get, address);
        if let Some(account) = &self.found()?.account {
            request = request.header("authorization", auth::basic(account));
        }
        let answer = self.exec.send(&request)?;
        match answer.status {
            200 => {}
            _ if is_busy(&answer) => return Ok(Err(answer)),
            400 | 401 | 403 => return Err(self.denied(&answer)?.into()),
            status => return Err(failed(format!("{} answers {status}", request.display())).into()),
        }
        let token = auth::token(&answer.body)
            .ok_or_else(|| failed(format!("{} answers without a token", request.display())))?;
        self.exec.learn_secret(&token);
        Ok(Ok(token))
    }

    /// The account for this registry, looked for when it is needed first: a helper may ask the user for it.
    fn found(&self) -> anyhow::Result<&Found> {
        if let Some(found) = self.found.get() {
            return Ok(found);
        }
        let found = credentials::find(self.exec, self.sources, &self.registry, self.is_target)?;
        Ok(self.found.get_or_init(|| found))
    }

    /// The one message of a refusal: which right is missing, and as whom we asked.
    fn denied(&self, answer: &Answer) -> anyhow::Result<Failure> {
        self.denied.get_or_init(|| ());
        let found = self.found()?;
        let (verb, right) = match self.access {
            Access::Read => ("read", "pull"),
            Access::Push => ("push to", "push"),
        };
        let who = match &found.account {
            Some(account) => format!("as `{}`", account.username),
            None => "without credentials".to_owned(),
        };
        let message = format!("cannot {verb} {} {who}: {}", self.full_name(), self.said(answer));
        let places = match &found.account {
            Some(_) if answer.status == 403 => {
                format!("the credentials are from {}; they lack the right to {right}", found.place)
            }
            Some(_) => format!(
                "the credentials are from {}; they are wrong, or lack the right to {right}",
                found.place
            ),
            None => format!("credentials were looked for in {}", found.looked.join(", ")),
        };
        let more = match (self.access, self.registry.as_str()) {
            (Access::Push, "ghcr.io") => {
                "; a workflow needs `packages: write`, and a package that was first pushed by a person has to be \
                 linked to the repository"
            }
            (Access::Read, _) => "; a name that does not exist is refused like this too",
            (Access::Push, _) => "",
        };
        Ok(Failure::new(Exit::CommandFailed, message).hint(format!("{places}{more}")))
    }

    /// Status and words of an answer, in one line without secrets.
    fn said(&self, answer: &Answer) -> String {
        #[derive(Deserialize)]
        struct Body {
            errors: Vec<Problem>,
        }
        #[derive(Deserialize)]
        struct Problem {
            code: Option<String>,
            message: Option<String>,
        }
        let body = serde_json::from_slice::<Body>(&answer.body).ok();
        let first = body.and_then(|body| body.errors.into_iter().next());
        let words = first.map(|problem| {
            let parts: Vec<String> = [problem.code, problem.message].into_iter().flatten().collect();
            let plain = |c: char| if c.is_control() { ' ' } else { c };
            // Half a secret would not be found any more, so secrets go before the rest is cut.
            let text = self.exec.redact(&parts.join(": "));
            let text: String = text.chars().map(plain).take(MESSAGE_LENGTH_MAX).collect();
            format!(" ({text})")
        });
        format!("the registry answers {}{}", answer.status, words.unwrap_or_default())
    }

    /// The failure behind an answer that is none of the expected ones.
    fn unexpected(&self, what: &str, answer: &Answer) -> anyhow::Error {
        let failure = Failure::new(Exit::CommandFailed, format!("{what}: {}", self.said(answer)));
        match answer.status {
            405 => failure.hint("is the registry closed for writing, e.g. while it is maintained?"),
            _ => failure,
        }
        .into()
    }

    /// Tries something that can be repeated. Tries again, after a while and a status line, while the registry is
    /// overloaded or the connection breaks.
    fn retrying(
        &self,
        what: &str,
        limit: Duration,
        attempt: impl Fn() -> anyhow::Result<Answer>,
    ) -> anyhow::Result<Answer> {
        let mut tried = 1;
        loop {
            let result = attempt();
            let (why, asked) = match &result {
                Ok(answer) if is_busy(answer) => {
                    (format!("the registry answers {}", answer.status), retry_after(answer))
                }
                Err(error) if is_transient(error, limit) => (self.exec.redact(&format!("{error:#}")), None),
                _ => return result,
            };
            let Some(pause) = PAUSES.get(tried as usize - 1).filter(|_| tried < TRIES) else { return result };
            let pause = asked.unwrap_or(*pause).min(PAUSE_MAX);
            tried += 1;
            let detail = format!("{what} in {} s ({tried} of {TRIES}): {why}", pause.as_secs());
            self.exec.ui().status("Retrying", detail);
            self.exec.sleep(pause)?;
        }
    }
}

/// Whether an answer may be another one after a while.
fn is_busy(answer: &Answer) -> bool {
    matches!(answer.status, 429 | 500 | 502..=504)
}

/// Whether an error is one of the connection. A refusal has been explained by then, and is not asked for again.
fn is_transient(error: &anyhow::Error, limit: Duration) -> bool {
    let is_refusal = error.downcast_ref::<Failure>().is_some_and(|failure| failure.hint.is_some());
    match Exit::of(error) {
        Exit::CommandFailed => !is_refusal,
        Exit::TimedOut => limit <= REPEATABLE,
        _ => false,
    }
}

/// Whole seconds; the other form of the header is a date, which no registry uses.
fn retry_after(answer: &Answer) -> Option<Duration> {
    answer.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Mode;
    use crate::ui::Ui;

    #[test]
    fn where_registries_are_and_what_tokens_are_for() {
        let exec = Executor::new(Ui::detect(true), Mode::DryRun).unwrap();
        let sources = Sources::default();
        let image = |text: &str| Reference::parse(text).unwrap();
        let hub = Repository::to_read(&exec, &sources, &image("debian:12"), None);
        assert_eq!(hub.url("manifests/12"), "https://registry-1.docker.io/v2/library/debian/manifests/12");
        assert_eq!((hub.full_name().as_str(), hub.is_target), ("docker.io/library/debian", false));
        let target = image("127.0.0.1:5000/app");
        let push =
            |base: &str| Repository::to_push(&exec, &sources, &target, Some(&image(base))).scopes.join(" ");
        assert_eq!(push("127.0.0.1:5000/base"), "repository:app:pull,push repository:base:pull");
        assert_eq!(push("127.0.0.1:5000/app:base"), "repository:app:pull,push");
        assert_eq!(push("debian"), "repository:app:pull,push");
        let base = Repository::to_read(&exec, &sources, &image("127.0.0.1:5000/base"), Some(&target));
        assert_eq!((base.origin.as_str(), base.is_target), ("http://127.0.0.1:5000", true));
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let error = |exit: Exit| anyhow::Error::from(Failure::new(exit, "x"));
        assert!(is_transient(&error(Exit::CommandFailed), REPEATABLE));
        assert!(is_transient(&error(Exit::TimedOut), REPEATABLE));
        assert!(!is_transient(&error(Exit::TimedOut), REPEATABLE * 2));
        assert!(!is_transient(&error(Exit::Interrupted(2)), REPEATABLE));
        let refusal = Failure::new(Exit::CommandFailed, "x").hint("mend it");
        assert!(!is_transient(&refusal.into(), REPEATABLE));
    }
}
