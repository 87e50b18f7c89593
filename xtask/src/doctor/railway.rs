//! Railway's tokens, as far as the environment shows them. What they may do is told by Railway alone: `network`.

use serde::Serialize;

use super::base::{Base, Problem};
use super::workspace;
use crate::config::railway::{Access, TOKEN_HINT, TokenKind};
use crate::config::service;
use crate::record::doctor::{Finding, Fix, Group, Severity};

#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    /// Which variables hold a token; not what they hold.
    pub tokens: Vec<&'static str>,
    /// Whether the workspace says anything about Railway.
    pub is_configured: bool,
    /// Why the token or another variable cannot be used.
    pub problem: Option<Problem>,
}

pub fn gather(base: &Base<'_>, workspace: &workspace::Facts) -> Facts {
    let railway = workspace.automation().railway;
    let named = [&railway.project, &railway.environment, &railway.service, &railway.url];
    let tokens: Vec<&str> = [TokenKind::Project, TokenKind::Account]
        .into_iter()
        .map(TokenKind::variable)
        .filter(|name| base.env.get(name).is_some())
        .collect();
    Facts {
        is_configured: base.root.join(service::FILE).exists() || named.iter().any(|name| name.is_some()),
        problem: match tokens.len() {
            1 => Access::from_environment().err().map(|error| Problem::of(&error)),
            _ => None,
        },
        tokens,
    }
}

pub fn examine(facts: &Facts) -> Option<Finding> {
    let find = |rule, severity, found: String, wanted: &str, fix| {
        Some(Finding::new(Group::Railway, rule, severity, found, wanted, fix))
    };
    if facts.tokens.len() > 1 {
        let finding = find(
            "railway-two-tokens",
            Severity::Error,
            format!("{} are both set, and may mean different projects", facts.tokens.join(" and ")),
            "one of them: a project token in RAILWAY_TOKEN is enough, and can do least",
            Fix::command("unset RAILWAY_API_TOKEN"),
        );
        return finding.map(|finding| finding.at("RAILWAY_API_TOKEN in the environment"));
    }
    if let Some(problem) = &facts.problem {
        let fix = Fix::advice(problem.hint.clone().unwrap_or_else(|| TOKEN_HINT.to_owned()));
        return find("railway-token-unusable", Severity::Error, problem.message.clone(), "one token", fix);
    }
    if facts.tokens.is_empty() && facts.is_configured {
        let found = "neither RAILWAY_TOKEN nor RAILWAY_API_TOKEN is set".to_owned();
        let wanted = "a token, to deploy from this machine; in CI it is a secret";
        return find("railway-token-missing", Severity::Note, found, wanted, Fix::advice(TOKEN_HINT));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_tokens() {
        let rule = |facts: &Facts| examine(facts).map(|finding| finding.rule);
        assert_eq!(rule(&Facts::default()), None);
        assert_eq!(rule(&Facts { is_configured: true, ..Facts::default() }), Some("railway-token-missing"));
        let one = Facts { tokens: vec!["A"], is_configured: true, problem: None };
        assert_eq!(rule(&one), None);
        assert_eq!(rule(&Facts { tokens: vec!["A", "B"], ..one.clone() }), Some("railway-two-tokens"));
        assert_eq!(rule(&Facts { problem: Some(Problem::default()), ..one }), Some("railway-token-unusable"));
    }
}
