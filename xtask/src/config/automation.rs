//! `[workspace.metadata.xtask]`: what a workspace tells the automation about itself. Every key is optional.
//!
//! Knows no defaults: those come from the Leptos project, which this room has never heard of.

use serde_json::Value;

use super::bench::Bench;
use super::budgets::Budgets;
use super::expected::is_name;
use super::keys::Section;
use super::monitor::Monitor;

const PLACE: &str = "`[workspace.metadata.xtask]` in Cargo.toml";

/// The settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Automation {
    /// The Leptos project that commands mean when none is named.
    pub project: Option<String>,
    /// The server's arguments for data made up in process: what `serve --demo` adds.
    pub demo_args: Vec<String>,
    /// Whether builds cut the wasm file up where the app loads parts of it lazily.
    pub split: bool,
    /// Where images are pushed to: registry and name, e.g. `ghcr.io/owner/app`.
    pub image: Option<String>,
    /// The image that ours stand on.
    pub base_image: Option<String>,
    /// The path that answers 200 when the server is healthy; `railway.toml` says it where there is one.
    pub health_path: Option<String>,
    /// Whether the health answer names the revision that runs, so that a deployment can check it.
    pub verify_revision: Option<bool>,
    pub budgets: Budgets,
    /// The variables that the app does not start without, where `.env.example` does not tell.
    pub required_variables: Option<Vec<String>>,
    pub railway: Railway,
    pub bench: Bench,
    pub monitor: Monitor,
}

/// `[workspace.metadata.xtask.railway]`: which service is deployed. Names or ids, neither of which is secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Railway {
    pub project: Option<String>,
    pub environment: Option<String>,
    pub service: Option<String>,
    /// The service's address for its users, where it is not the domain that Railway lists first.
    pub url: Option<String>,
    /// What the service's machines run, e.g. `linux/amd64`.
    pub platform: Option<String>,
}

impl Automation {
    /// Reads `xtask` from the value of `workspace.metadata`; both may be absent.
    pub fn from_metadata(metadata: &Value) -> anyhow::Result<Automation> {
        let Some(own) = metadata.get("xtask") else {
            return Ok(Automation::default());
        };
        let mut section = Section::new(PLACE, own)?;
        let automation = Automation {
            project: section.text("project")?,
            demo_args: section.texts("demo-args")?.unwrap_or_default(),
            split: section.flag("split")?.unwrap_or(false),
            image: section.text("image")?,
            base_image: section.text("base-image")?,
            health_path: section.read("health-path", "a path that begins with `/`", |value| {
                value.as_str().filter(|path| path.starts_with('/')).map(str::to_owned)
            })?,
            verify_revision: section.flag("verify-revision")?,
            budgets: match section.value("budgets") {
                Some(table) => Budgets::read(table)?,
                None => Budgets::default(),
            },
            required_variables: section.read(
                "required-variables",
                "a list of names of variables",
                |value| {
                    let names =
                        value.as_array()?.iter().map(|name| name.as_str().filter(|name| is_name(name)));
                    names.map(|name| name.map(str::to_owned)).collect()
                },
            )?,
            railway: match section.value("railway") {
                Some(table) => Railway::read(table)?,
                None => Railway::default(),
            },
            bench: match section.value("bench") {
                Some(table) => Bench::read(table)?,
                None => Bench::default(),
            },
            monitor: match section.value("monitor") {
                Some(table) => Monitor::read(table)?,
                None => Monitor::default(),
            },
        };
        section.finish()?;
        Ok(automation)
    }
}

impl Railway {
    fn read(table: &Value) -> anyhow::Result<Railway> {
        let mut section = Section::new("`[workspace.metadata.xtask.railway]` in Cargo.toml", table)?;
        let railway = Railway {
            project: section.text("project")?,
            environment: section.text("environment")?,
            service: section.text("service")?,
            url: section.text("url")?,
            platform: section.text("platform")?,
        };
        section.finish()?;
        Ok(railway)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::super::budgets::Limits;
    use super::*;
    use crate::exit::{Exit, hint_of};

    #[test]
    fn everything_is_optional() {
        assert_eq!(Automation::from_metadata(&Value::Null).unwrap(), Automation::default());
        assert_eq!(Automation::from_metadata(&json!({"xtask": {}})).unwrap(), Automation::default());
    }

    #[test]
    fn all_keys() {
        let metadata = json!({"leptos": [], "xtask": {
            "project": "app", "demo-args": ["--demo"], "split": true, "image": "ghcr.io/o/app", "base-image": "debian",
            "health-path": "/health", "verify-revision": false, "required-variables": ["DATABASE_URL"],
            "budgets": {"image-warn": "20MB", "image-fail": "25 MB"},
            "railway": {"project": "p", "environment": "e", "service": "s", "url": "https://app.example",
                        "platform": "linux/arm64"},
            "bench": {"history": "docs/bench.jsonl"}, "monitor": {"deploy-job": "Ship"},
        }});
        let automation = Automation::from_metadata(&metadata).unwrap();
        let text = |text: &str| Some(text.to_owned());
        let expected = Automation {
            project: text("app"),
            demo_args: vec!["--demo".to_owned()],
            split: true,
            image: text("ghcr.io/o/app"),
            base_image: text("debian"),
            health_path: text("/health"),
            verify_revision: Some(false),
            budgets: Budgets { image: Limits { warn: Some(20e6), fail: Some(25e6) }, ..Budgets::default() },
            required_variables: Some(vec!["DATABASE_URL".to_owned()]),
            railway: Railway {
                project: text("p"),
                environment: text("e"),
                service: text("s"),
                url: text("https://app.example"),
                platform: text("linux/arm64"),
            },
            bench: Bench { history: text("docs/bench.jsonl"), ..Bench::default() },
            monitor: Monitor { deploy_job: text("Ship"), ..Monitor::default() },
        };
        assert_eq!(automation, expected);
    }

    #[test]
    fn unknown_keys_name_the_known_ones() {
        let error = Automation::from_metadata(&json!({"xtask": {"demo_args": []}})).unwrap_err();
        assert_eq!(Exit::of(&error), Exit::Usage);
        expect![
            "unknown key `demo_args` in `[workspace.metadata.xtask]` in Cargo.toml; did you mean `demo-args`?"
        ]
        .assert_eq(&error.to_string());
        expect![
            "known keys: base-image, bench, budgets, demo-args, health-path, image, monitor, project, railway, required-variables, split, verify-revision"
        ]
        .assert_eq(hint_of(&error).unwrap());
    }
}
