//! The operations of a deployment, as data. How they are carried out is the business of room `railway`.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// The service in one environment of one project, by Railway's ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    pub project: String,
    pub environment: String,
    pub service: String,
    /// What people call it, e.g. `web (production)`.
    pub name: String,
}

/// Input of [`super::Operation::UpdateService`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UpdateService {
    pub target: Target,
    /// The image by digest.
    pub image: String,
    /// Settings that differ from what they should be, by Railway's names, e.g. `healthcheckPath`.
    pub settings: BTreeMap<String, Value>,
}

/// Input of [`super::Operation::SetVariables`]. Values are printed: no secret belongs here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SetVariables {
    pub target: Target,
    pub variables: BTreeMap<String, String>,
}

/// Input of [`super::Operation::StartDeployment`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StartDeployment {
    pub target: Target,
    /// The newest deployment when the plan was made; one that is newer still is somebody else's.
    pub newest_before: Option<String>,
}

/// Input of [`super::Operation::WaitUntilServed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaitUntilServed {
    pub target: Target,
    pub image: String,
    /// In seconds.
    pub limit_seconds: u64,
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

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Display for UpdateService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "# {}: set the image to {}", self.target, self.image)?;
        self.settings.iter().try_for_each(|(name, value)| write!(f, ", {name} = {value}"))
    }
}

impl fmt::Display for SetVariables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
        write!(f, "# {}: set {} without a deployment", self.target, all.join(", "))
    }
}

impl fmt::Display for StartDeployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "# {}: deploy", self.target)
    }
}

impl fmt::Display for WaitUntilServed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "# wait at most {} s until the deployment runs {}", self.limit_seconds, self.image)
    }
}

impl fmt::Display for VerifyServed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "# {}{} answers 200", self.url, self.health_path)?;
        match &self.revision {
            Some(revision) => write!(f, " and names revision {revision}"),
            None => Ok(()),
        }
    }
}
