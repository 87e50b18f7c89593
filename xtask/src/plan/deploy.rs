//! The operations of a deployment, as data. How they are carried out is the business of room `railway`.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// The service in one environment of one project: Railway's ids, and what people call them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    pub project: String,
    pub environment: String,
    pub service: String,
    pub project_name: String,
    pub environment_name: String,
    pub service_name: String,
}

/// Input of [`super::Operation::UpdateService`]. What does not differ is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UpdateService {
    pub target: Target,
    /// The image by digest.
    pub image: Option<String>,
    /// By Railway's names, e.g. `healthcheckPath`.
    pub settings: BTreeMap<String, Value>,
}

/// Input of [`super::Operation::SetVariables`]: all of it is one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SetVariables {
    pub target: Target,
    /// Values are printed: no secret belongs here.
    pub variables: BTreeMap<String, String>,
    /// Those of a file, by name: their values are no part of a plan.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub from_file: Vec<VariableChange>,
}

/// A variable that gets another value, which is secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct VariableChange {
    pub name: String,
    /// Whether the service has had no such variable.
    pub is_new: bool,
}

/// Input of [`super::Operation::StartDeployment`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StartDeployment {
    pub target: Target,
    pub image: String,
    /// The newest deployment when the plan was made; one that is newer still is somebody else's.
    pub newest_before: Option<SeenDeployment>,
}

/// Input of [`super::Operation::RollBack`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RollBack {
    pub target: Target,
    /// The id of the deployment that is gone back to.
    pub deployment: String,
    /// What it ran, by digest.
    pub image: String,
    /// Whether the image is deployed in the ordinary way where Railway refuses to roll back.
    pub or_deploy: bool,
    /// As for [`StartDeployment`].
    pub newest_before: Option<SeenDeployment>,
}

/// A deployment that was there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SeenDeployment {
    pub id: String,
    /// RFC 3339, UTC.
    pub created_at: String,
}

/// Input of [`super::Operation::WaitUntilServed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaitUntilServed {
    pub target: Target,
    /// One that is under way already; `None` for the one that this plan starts.
    pub deployment: Option<String>,
    pub image: String,
    /// In seconds.
    pub limit_seconds: u64,
    /// How long the one that serves took, in seconds, where Railway tells: around then the end is looked for more
    /// often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_seconds: Option<u64>,
}

/// Input of [`super::Operation::VerifyServed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifyServed {
    /// The service's address for its users, e.g. `https://app.example.org`.
    pub url: String,
    pub health_path: String,
    /// What the health answer has to name; `None` where the app does not tell.
    pub revision: Option<String>,
    /// In seconds.
    pub limit_seconds: u64,
}

/// `web (production)`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.service_name, self.environment_name)
    }
}

impl fmt::Display for UpdateService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let image = self.image.iter().map(|image| format!("the image to {image}"));
        let settings = self.settings.iter().map(|(name, value)| format!("{name} to {value}"));
        let changes: Vec<String> = image.chain(settings).collect();
        write!(f, "# {}: set {}", self.target, changes.join(", "))
    }
}

impl fmt::Display for SetVariables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let names: Vec<&str> = self.from_file.iter().map(|one| one.name.as_str()).collect();
        let set = all.iter().map(String::as_str).chain(names).collect::<Vec<_>>().join(", ");
        write!(f, "# {}: set {set} without a deployment", self.target)?;
        for change in &self.from_file {
            // Only that it differs is told, never from what and to what.
            let (sign, what) = if change.is_new { ('+', "new") } else { ('~', "changed") };
            write!(f, "\n#   {sign} {}=[redacted] ({what})", change.name)?;
        }
        Ok(())
    }
}

impl fmt::Display for StartDeployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "# {}: deploy", self.target)?;
        unless_newer(f, self.newest_before.as_ref())
    }
}

impl fmt::Display for RollBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "# {}: roll back to deployment {}", self.target, self.deployment)?;
        if self.or_deploy {
            f.write_str(", or deploy its image where Railway refuses")?;
        }
        unless_newer(f, self.newest_before.as_ref())
    }
}

fn unless_newer(f: &mut fmt::Formatter<'_>, newest_before: Option<&SeenDeployment>) -> fmt::Result {
    match newest_before {
        Some(seen) => write!(f, ", unless there is a newer deployment than {}", seen.id),
        None => Ok(()),
    }
}

impl fmt::Display for WaitUntilServed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deployment = match &self.deployment {
            Some(id) => format!("deployment {id}, which is under way,"),
            None => "the deployment".to_owned(),
        };
        write!(f, "# wait at most {} s until {deployment} runs {}", self.limit_seconds, self.image)?;
        match self.expected_seconds {
            Some(seconds) => write!(f, " (the last one took {seconds} s)"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for VerifyServed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "# {}{} answers 200", self.url, self.health_path)?;
        if let Some(revision) = &self.revision {
            write!(f, " and names revision {revision}")?;
        }
        write!(f, " within {} s", self.limit_seconds)
    }
}
