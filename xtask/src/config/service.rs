//! `railway.toml`: how the platform runs the service. The one place where these settings are written.
//!
//! Railway itself stops reading the file on 2026-12-01; a deployment carries the settings through the API instead.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::keys::Section;
use super::read_toml;

/// The name of the file in the workspace root.
pub const FILE: &str = "railway.toml";

/// The settings, each `None` where the file does not say. Times in seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    pub healthcheck_path: Option<String>,
    /// How long a new deployment may take to answer 200.
    pub healthcheck_timeout: Option<u64>,
    /// `ON_FAILURE`, `ALWAYS` or `NEVER`.
    pub restart_policy_type: Option<String>,
    pub restart_policy_max_retries: Option<u64>,
    /// How long the old deployment goes on beside the new one.
    pub overlap_seconds: Option<u64>,
    /// How long the old deployment has to end after SIGTERM.
    pub draining_seconds: Option<u64>,
}

impl Service {
    /// Reads the file in the workspace root; without one nothing is set.
    pub fn read(root: &Path) -> anyhow::Result<Service> {
        let path = root.join(FILE);
        if !path.exists() {
            return Ok(Service::default());
        }
        Service::parse(&read_toml(&path)?)
    }

    fn parse(document: &Value) -> anyhow::Result<Service> {
        let mut file = Section::new(FILE, document)?;
        let deploy = file.value("deploy");
        if let Some(build) = file.value("build") {
            // How Railway itself would build; nothing here depends on it.
            let mut section = Section::new(format!("`[build]` in {FILE}"), build)?;
            section.text("builder")?;
            section.text("buildCommand")?;
            section.text("dockerfilePath")?;
            section.text("railpackVersion")?;
            section.texts("watchPatterns")?;
            section.finish()?;
        }
        file.text("$schema")?;
        file.finish()?;
        let Some(deploy) = deploy else { return Ok(Service::default()) };
        let mut section = Section::new(format!("`[deploy]` in {FILE}"), deploy)?;
        let service = Service {
            healthcheck_path: section.read("healthcheckPath", "a path that begins with `/`", |value| {
                value.as_str().filter(|path| path.starts_with('/')).map(str::to_owned)
            })?,
            healthcheck_timeout: seconds(&mut section, "healthcheckTimeout")?,
            restart_policy_type: section.read(
                "restartPolicyType",
                "`ON_FAILURE`, `ALWAYS` or `NEVER`",
                |value| {
                    let name = value.as_str()?.to_ascii_uppercase();
                    ["ON_FAILURE", "ALWAYS", "NEVER"].contains(&name.as_str()).then_some(name)
                },
            )?,
            restart_policy_max_retries: section.number("restartPolicyMaxRetries")?,
            overlap_seconds: seconds(&mut section, "overlapSeconds")?,
            draining_seconds: seconds(&mut section, "drainingSeconds")?,
        };
        section.finish()?;
        Ok(service)
    }

    /// What is set, by the names of Railway's API.
    pub fn by_name(&self) -> BTreeMap<String, Value> {
        let all = [
            ("healthcheckPath", self.healthcheck_path.as_ref().map(|path| json!(path))),
            ("healthcheckTimeout", self.healthcheck_timeout.map(Value::from)),
            ("restartPolicyType", self.restart_policy_type.as_ref().map(|name| json!(name))),
            ("restartPolicyMaxRetries", self.restart_policy_max_retries.map(Value::from)),
            ("overlapSeconds", self.overlap_seconds.map(Value::from)),
            ("drainingSeconds", self.draining_seconds.map(Value::from)),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// Whole seconds; Railway's own examples write some of them as text.
fn seconds(section: &mut Section<'_>, key: &'static str) -> anyhow::Result<Option<u64>> {
    section.read(key, "a whole number of seconds", |value| match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::parse_toml;
    use super::*;

    fn parse(text: &str) -> anyhow::Result<Service> {
        Service::parse(&parse_toml(text, FILE)?)
    }

    #[test]
    fn settings_by_the_names_of_the_api() {
        let text = "[build]\nbuilder = \"dockerfile\"\n[deploy]\nhealthcheckPath = \"/health\"\noverlapSeconds = \"5\"\n\
                    drainingSeconds = 10\nrestartPolicyType = \"on_failure\"\n";
        let service = parse(text).unwrap();
        let shown: Vec<String> =
            service.by_name().iter().map(|(name, value)| format!("{name}={value}")).collect();
        expect![[
            r#"drainingSeconds=10 healthcheckPath="/health" overlapSeconds=5 restartPolicyType="ON_FAILURE""#
        ]]
        .assert_eq(&shown.join(" "));
        assert_eq!(parse("").unwrap(), Service::default());
    }

    #[test]
    fn the_file_of_this_workspace_is_good() {
        // Copied into another workspace, xtask may find none there.
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let service = Service::read(&root).unwrap();
        assert_eq!(service == Service::default(), !root.join(FILE).exists());
    }

    #[test]
    fn mistakes_are_named() {
        let message = |text: &str| parse(text).unwrap_err().to_string();
        expect![
            "unknown key `healthCheckPath` in `[deploy]` in railway.toml; did you mean `healthcheckPath`?"
        ]
        .assert_eq(&message("[deploy]\nhealthCheckPath = \"/\""));
        expect![[r#"`healthcheckPath` in `[deploy]` in railway.toml must be a path that begins with `/`, not the text "health""#]]
            .assert_eq(&message("[deploy]\nhealthcheckPath = \"health\""));
        expect!["unknown key `experimental` in railway.toml"]
            .assert_eq(&message("[experimental]\nincrementalDeployment = true"));
    }
}
