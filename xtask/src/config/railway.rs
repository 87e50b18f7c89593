//! What the environment says about Railway: the endpoint, the token, and which service is meant.
//!
//! The names are those of Railway's own command line, but for its order of preference between two tokens: here two are
//! an error, because it would depend on the tool which project is changed.

use std::fmt;

use super::address;
use crate::exit::Failure;

/// Where the API is, unless `RAILWAY_BACKBOARD_URL` says otherwise (source: docs.railway.com, "Public API").
const BASE: &str = "https://backboard.railway.com";

/// Which of Railway's tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// One environment of one project.
    Project,
    /// All that an account or a workspace may do.
    Account,
}

/// A token. Its value is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    pub kind: TokenKind,
    pub value: String,
}

/// The environment's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The base of the API's address, without a slash at its end.
    pub base: String,
    pub token: Token,
    /// Ids, or names where that is enough to find them.
    pub project: Option<String>,
    pub environment: Option<String>,
    pub service: Option<String>,
}

impl TokenKind {
    /// The variable that holds it.
    pub fn variable(self) -> &'static str {
        match self {
            TokenKind::Project => "RAILWAY_TOKEN",
            TokenKind::Account => "RAILWAY_API_TOKEN",
        }
    }

    /// The header that carries it, with what stands before the token (source: docs.railway.com, "Public API").
    pub fn header(self) -> (&'static str, &'static str) {
        match self {
            TokenKind::Project => ("Project-Access-Token", ""),
            TokenKind::Account => ("Authorization", "Bearer "),
        }
    }
}

/// For messages: `project token`.
impl fmt::Display for TokenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TokenKind::Project => "project token",
            TokenKind::Account => "account or workspace token",
        })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.kind)
    }
}

impl Access {
    /// Reads the variables of this process. One token has to be there.
    pub fn from_environment() -> anyhow::Result<Access> {
        Access::read(|name| std::env::var(name).ok())
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Access> {
        // Workflows set variables to nothing where a secret is missing.
        let variable = |name: &str| {
            variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let base = match variable("RAILWAY_BACKBOARD_URL") {
            Some(text) => address::base(&text, "RAILWAY_BACKBOARD_URL")?,
            None => BASE.to_owned(),
        };
        let of_kind = |kind: TokenKind| variable(kind.variable()).map(|value| Token { kind, value });
        let token = match (of_kind(TokenKind::Project), of_kind(TokenKind::Account)) {
            (Some(token), None) | (None, Some(token)) => token,
            (Some(_), Some(_)) => {
                let message =
                    "both RAILWAY_TOKEN and RAILWAY_API_TOKEN are set, and they may mean different projects";
                return Err(Failure::usage(message)
                    .hint(
                        "unset one: RAILWAY_TOKEN is a project token, RAILWAY_API_TOKEN an account or workspace token",
                    )
                    .into());
            }
            (None, None) => {
                return Err(Failure::usage("there is no Railway token in the environment")
                    .hint(TOKEN_HINT)
                    .into());
            }
        };
        // What cannot stand in a header, e.g. a token with its quotes cut in two lines.
        if !token.value.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message =
                format!("the value of {} is no token: it has blanks or other signs", token.kind.variable());
            return Err(Failure::usage(message).hint(TOKEN_HINT).into());
        }
        Ok(Access {
            base,
            token,
            project: variable("RAILWAY_PROJECT_ID"),
            environment: variable("RAILWAY_ENVIRONMENT_ID"),
            service: variable("RAILWAY_SERVICE_ID"),
        })
    }
}

/// How to get a token.
pub const TOKEN_HINT: &str = "make a project token in the project's settings on railway.com (Settings → Tokens, for \
    one environment) and put it into RAILWAY_TOKEN; an account or workspace token goes into RAILWAY_API_TOKEN";

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::exit::{Exit, hint_of};

    fn read(variables: &[(&str, &str)]) -> anyhow::Result<Access> {
        Access::read(|wanted| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn refused(variables: &[(&str, &str)], expected: Expect) {
        let error = read(variables).unwrap_err();
        assert_eq!(Exit::of(&error), Exit::Usage);
        assert!(hint_of(&error).unwrap().contains("RAILWAY_TOKEN"));
        expected.assert_eq(&error.to_string());
    }

    #[test]
    fn one_token_decides_the_header() {
        let project = read(&[("RAILWAY_TOKEN", " abc\n"), ("RAILWAY_API_TOKEN", "")]).unwrap();
        assert_eq!((project.token.kind, project.token.value.as_str()), (TokenKind::Project, "abc"));
        assert_eq!(project.base, "https://backboard.railway.com");
        assert_eq!(project.token.kind.header(), ("Project-Access-Token", ""));
        let account = read(&[
            ("RAILWAY_API_TOKEN", "abc"),
            ("RAILWAY_PROJECT_ID", "p"),
            ("RAILWAY_BACKBOARD_URL", "http://127.0.0.1:1/"),
        ])
        .unwrap();
        assert_eq!((account.token.kind, account.base.as_str()), (TokenKind::Account, "http://127.0.0.1:1"));
        assert_eq!((account.project.as_deref(), account.service), (Some("p"), None));
        assert_eq!(account.token.kind.header(), ("Authorization", "Bearer "));
        assert_eq!(format!("{:?}", account.token), "Token(account or workspace token)");
    }

    #[test]
    fn none_two_and_nonsense() {
        refused(&[("RAILWAY_TOKEN", " ")], expect!["there is no Railway token in the environment"]);
        refused(
            &[("RAILWAY_TOKEN", "a"), ("RAILWAY_API_TOKEN", "b")],
            expect!["both RAILWAY_TOKEN and RAILWAY_API_TOKEN are set, and they may mean different projects"],
        );
        refused(
            &[("RAILWAY_TOKEN", "a\nb")],
            expect!["the value of RAILWAY_TOKEN is no token: it has blanks or other signs"],
        );
    }
}
