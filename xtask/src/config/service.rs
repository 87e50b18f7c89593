//! `railway.toml`: how the platform runs the service. The one place where these settings are written.
//!
//! Railway itself stops reading the file on 2026-12-01; a deployment carries the settings through the API instead, and
//! `deploy settings` does so on its own. A key is carried, or it is an error: one that is left unread would look set.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};

use super::keys::Section;
use super::parse_toml;
use crate::exit::Failure;

/// The name of the file in the workspace root.
pub const FILE: &str = "railway.toml";

/// Keys of `[deploy]` that Railway knows and the file cannot carry: Railway's API does not tell their values, so nobody
/// could compare them, or they are secrets, which do not belong in a file of the repository.
const NOT_CARRIED: [&str; 7] = [
    "limitOverride",
    "multiRegionConfig",
    "preDeployTimeoutSeconds",
    "region",
    "registryCredentials",
    "requiredMountPath",
    "runtime",
];

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
    /// Runs instead of the image's own command.
    pub start_command: Option<String>,
    /// Run before each deployment, in containers of their own.
    pub pre_deploy_command: Option<Vec<String>>,
    /// How many containers serve.
    pub num_replicas: Option<u64>,
    /// When the service runs, where it is no server.
    pub cron_schedule: Option<String>,
    /// Whether it is stopped while nobody asks for it.
    pub sleep_application: Option<bool>,
    pub ipv6_egress_enabled: Option<bool>,
}

impl Service {
    /// Reads the file in the workspace root; without one nothing is set.
    pub fn read(root: &Path) -> anyhow::Result<Service> {
        Ok(Service::read_existing(root)?.unwrap_or_default())
    }

    /// The same; `None` where there is no file.
    pub fn read_existing(root: &Path) -> anyhow::Result<Option<Service>> {
        let path = root.join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Service::parse(&text, &path.display().to_string()).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
        }
    }

    /// `name` is what errors of syntax call the file.
    fn parse(text: &str, name: &str) -> anyhow::Result<Service> {
        let document = parse_toml(text, name)?;
        let mut file = Section::new(FILE, &document)?.in_text(text, &[]);
        let deploy = file.value("deploy");
        if let Some(build) = file.value("build") {
            // How Railway itself would build; nothing here depends on it.
            let mut section = Section::new(format!("`[build]` in {FILE}"), build)?.in_text(text, &["build"]);
            section.text("builder")?;
            section.text("buildCommand")?;
            section.text("dockerfilePath")?;
            section.text("railpackVersion")?;
            section.texts("watchPatterns")?;
            section.finish()?;
        }
        file.text("$schema")?;
        carried(&document, &["environments"], &file)?;
        file.finish()?;
        let Some(deploy) = deploy else { return Ok(Service::default()) };
        let mut section = Section::new(format!("`[deploy]` in {FILE}"), deploy)?.in_text(text, &["deploy"]);
        carried(deploy, &NOT_CARRIED, &section)?;
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
            start_command: section.text("startCommand")?,
            pre_deploy_command: section.read("preDeployCommand", "a text or a list of texts", texts)?,
            num_replicas: section.read("numReplicas", "a whole number above 0", |value| {
                value.as_u64().filter(|count| *count > 0)
            })?,
            cron_schedule: section.text("cronSchedule")?,
            sleep_application: section.flag("sleepApplication")?,
            ipv6_egress_enabled: section.flag("ipv6EgressEnabled")?,
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
            ("startCommand", self.start_command.as_ref().map(|command| json!(command))),
            ("preDeployCommand", self.pre_deploy_command.as_ref().map(|commands| json!(commands))),
            ("numReplicas", self.num_replicas.map(Value::from)),
            ("cronSchedule", self.cron_schedule.as_ref().map(|schedule| json!(schedule))),
            ("sleepApplication", self.sleep_application.map(Value::from)),
            ("ipv6EgressEnabled", self.ipv6_egress_enabled.map(Value::from)),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// Refuses the keys that Railway knows and this file cannot carry: ignored, they would look set.
fn carried(table: &Value, not_carried: &[&str], section: &Section<'_>) -> anyhow::Result<()> {
    match not_carried.iter().find(|key| table.get(key).is_some()) {
        None => Ok(()),
        Some(key) => {
            let line = section.line_of(key);
            let message = format!("`{key}` in {}{line} is not carried to Railway from here", section.place());
            Err(Failure::usage(message)
                .hint(
                    "Railway stops reading this file itself on 2026-12-01: set it in the service's settings on \
                     railway.com and take it out of the file",
                )
                .into())
        }
    }
}

/// One text counts as a list of one.
fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        other => other.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
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

    use super::*;
    use crate::exit::hint_of;

    fn parse(text: &str) -> anyhow::Result<Service> {
        Service::parse(text, FILE)
    }

    #[test]
    fn settings_by_the_names_of_the_api() {
        let text = "[build]\nbuilder = \"dockerfile\"\n[deploy]\nhealthcheckPath = \"/health\"\noverlapSeconds = \"5\"\n\
                    drainingSeconds = 10\nrestartPolicyType = \"on_failure\"\npreDeployCommand = \"migrate\"\n\
                    sleepApplication = false\n";
        let service = parse(text).unwrap();
        let shown: Vec<String> =
            service.by_name().iter().map(|(name, value)| format!("{name}={value}")).collect();
        expect![[r#"drainingSeconds=10 healthcheckPath="/health" overlapSeconds=5 preDeployCommand=["migrate"] restartPolicyType="ON_FAILURE" sleepApplication=false"#]].assert_eq(&shown.join(" "));
        assert_eq!(parse("").unwrap(), Service::default());
    }

    #[test]
    fn the_file_of_this_workspace_is_good() {
        // Copied into another workspace, xtask may find none there.
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let service = Service::read(&root).unwrap();
        assert_eq!(service == Service::default(), !root.join(FILE).exists());
        assert_eq!(Service::read_existing(&root).unwrap().is_some(), root.join(FILE).exists());
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let message = |text: &str| parse(text).unwrap_err().to_string();
        expect!["unknown key `healthCheckPath` in `[deploy]` in railway.toml (line 4); did you mean `healthcheckPath`?"].assert_eq(&message("# why\n\n[deploy]\nhealthCheckPath = \"/\""));
        expect![[r#"`healthcheckPath` in `[deploy]` in railway.toml (line 2) must be a path that begins with `/`, not the text "health""#]].assert_eq(&message("[deploy]\nhealthcheckPath = \"health\""));
        expect!["unknown key `experimental` in railway.toml (line 2)"]
            .assert_eq(&message("\n[experimental]\nincrementalDeployment = true"));
        expect!["unknown key `buidler` in `[build]` in railway.toml (line 2); did you mean `builder`?"]
            .assert_eq(&message("[build]\nbuidler = \"x\""));
        expect!["`numReplicas` in `[deploy]` in railway.toml (line 1) must be a whole number above 0, not the number 0"].assert_eq(&message("deploy.numReplicas = 0"));
        let error = parse("[deploy]\noverlapSeconds = 5\n\n[deploy.multiRegionConfig.x]\nnumReplicas = 2\n");
        let error = error.unwrap_err();
        expect![
            "`multiRegionConfig` in `[deploy]` in railway.toml (line 4) is not carried to Railway from here"
        ]
        .assert_eq(&error.to_string());
        assert!(hint_of(&error).unwrap().contains("2026-12-01"));
        expect!["`environments` in railway.toml (line 1) is not carried to Railway from here"]
            .assert_eq(&message("[environments.production.deploy]\noverlapSeconds = 1\n"));
    }
}
