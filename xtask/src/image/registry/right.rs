//! Whether we may push, asked without pushing.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Deserialize;

use super::Repository;
use crate::exec::{Method, Request};
use crate::exit::{Exit, Failure};

/// What a registry says about our right to push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushRight {
    /// The token that it gave us says so.
    Granted,
    /// It let us in, and its token says nothing, or there is none.
    NotTold,
}

#[derive(Deserialize)]
struct Claims {
    access: Option<Vec<Allowed>>,
}

#[derive(Deserialize)]
struct Allowed {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    actions: Vec<String>,
}

impl Repository<'_> {
    /// Logs in with the rights that this repository is for, and reads what was granted. A refusal is an error.
    pub fn push_right(&self) -> anyhow::Result<PushRight> {
        let request = Request::new(Method::Get, format!("{}/v2/", self.origin));
        let answer = self.retrying("asking the registry", request.timeout, || self.send(&request))?;
        if !(200..300).contains(&answer.status) {
            return Err(self.unexpected(&format!("cannot log in to {}", self.registry), &answer));
        }
        let authorization =
            self.authorization.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let token = authorization.as_deref().and_then(|value| value.strip_prefix("Bearer "));
        let Some(allowed) = token.and_then(|token| actions(token, &self.name)) else {
            return Ok(PushRight::NotTold);
        };
        if allowed.iter().any(|action| action == "push" || action == "*") {
            return Ok(PushRight::Granted);
        }
        let who = match &self.found()?.account {
            Some(account) => format!("`{}`", account.username),
            None => "nobody in particular".to_owned(),
        };
        let allowed = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(" and ") };
        let message = format!("cannot push to {}: the registry allows {who} {allowed}", self.full_name());
        let found = self.found()?;
        let hint = match &found.account {
            Some(_) => format!("the credentials are from {}; they lack the right to push", found.place),
            None => format!("credentials were looked for in {}", found.looked.join(", ")),
        };
        Err(Failure::new(Exit::CommandFailed, message).hint(hint).into())
    }
}

/// The actions that a token of the distribution protocol (a JWT) allows on a repository; `None` where the token is of
/// another kind. It is not verified: the registry does that when it is used.
fn actions(token: &str, name: &str) -> Option<Vec<String>> {
    let payload = token.split('.').nth(1)?;
    let bytes = Base64UrlUnpadded::decode_vec(payload.trim_end_matches('=')).ok()?;
    let access = serde_json::from_slice::<Claims>(&bytes).ok()?.access?;
    let own = access.into_iter().filter(|allowed| allowed.kind == "repository" && allowed.name == name);
    Some(own.flat_map(|allowed| allowed.actions).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_in_tokens() {
        let token = |claims: &str| format!("e30.{}.x", Base64UrlUnpadded::encode_string(claims.as_bytes()));
        let both = r#"{"access": [{"type": "repository", "name": "o/a", "actions": ["pull", "push"]}]}"#;
        assert_eq!(actions(&token(both), "o/a").unwrap(), ["pull", "push"]);
        assert_eq!(actions(&token(both), "o/b").unwrap(), [""; 0]);
        assert_eq!(actions(&token("{}"), "o/a"), None);
        assert_eq!(actions("b3BhcXVl", "o/a"), None);
    }
}
