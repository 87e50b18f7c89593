//! The operations of a first deployment's set-up, as data. What they are about may not exist yet, so it is named by
//! name. How they are carried out is the business of room `railway`.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// A service in one environment of one project, by the names that people use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    pub project: String,
    pub environment: String,
    pub service: String,
}

/// Input of [`super::Operation::CreateProject`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CreateProject {
    pub name: String,
    /// Its first environment.
    pub environment: String,
    /// Id and name of the workspace that it belongs to; `None` where the token knows none.
    pub workspace: Option<(String, String)>,
}

/// Input of [`super::Operation::CreateEnvironment`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CreateEnvironment {
    pub project: String,
    pub name: String,
}

/// Input of [`super::Operation::CreateService`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CreateService {
    pub place: Place,
}

/// Input of [`super::Operation::SetUpService`]. What is as it should be is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SetUpService {
    pub place: Place,
    /// By digest.
    pub image: Option<String>,
    /// Whether registry credentials go with it. They themselves are not part of the plan.
    pub credentials: bool,
    /// By Railway's names, e.g. `healthcheckPath`.
    pub settings: BTreeMap<String, Value>,
}

/// Input of [`super::Operation::GiveVariables`]: names alone, because values may be secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GiveVariables {
    pub place: Place,
    pub names: Vec<String>,
}

/// Input of [`super::Operation::CreateDomain`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CreateDomain {
    pub place: Place,
}

/// `web (production)`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.service, self.environment)
    }
}

impl fmt::Display for CreateProject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "# make project {} with environment {}", self.name, self.environment)?;
        match &self.workspace {
            Some((_, name)) => write!(f, " in workspace {name}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for CreateEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "# make environment {} in project {}", self.name, self.project)
    }
}

impl fmt::Display for CreateService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "# make service {} in project {}", self.place.service, self.place.project)
    }
}

impl fmt::Display for SetUpService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let image = self.image.iter().map(|image| format!("the image to {image}"));
        let credentials = self.credentials.then(|| "the registry credentials".to_owned());
        let settings = self.settings.iter().map(|(name, value)| format!("{name} to {value}"));
        let changes: Vec<String> = image.chain(credentials).chain(settings).collect();
        write!(f, "# {}: set {}", self.place, changes.join(", "))
    }
}

impl fmt::Display for GiveVariables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "# {}: set {} without a deployment", self.place, self.names.join(", "))
    }
}

impl fmt::Display for CreateDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "# {}: make a domain", self.place)
    }
}
