//! The operations of Railway's API that make projects, environments, services and domains, and those that find what a
//! token may see: text, variables and answer of each.

use serde::{Deserialize, Serialize};

use super::operations::{Connection, Mutation, Named, Operation, Query, operation};
use super::service_queries::{Domain, Project};

operation!(Query GetApiToken, "ApiToken", "api_token", ApiTokenAnswer);
operation!(Query ListProjects<'_>, "Projects", "projects", ProjectsAnswer);
operation!(Mutation CreateProject<'_>, "CreateProject", "create_project", ProjectMade);
operation!(Mutation CreateEnvironment<'_>, "CreateEnvironment", "create_environment", EnvironmentMade);
operation!(Mutation CreateService<'_>, "CreateService", "create_service", ServiceMade);
operation!(Mutation CreateDomain<'_>, "CreateDomain", "create_domain", DomainMade);

/// What an account or workspace token is for. Project tokens are refused.
#[derive(Serialize)]
pub struct GetApiToken {}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiTokenAnswer {
    pub api_token: ApiToken,
}

#[derive(Debug, Deserialize)]
pub struct ApiToken {
    pub workspaces: Vec<Named>,
}

/// One page of the projects of a workspace.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListProjects<'a> {
    pub workspace_id: &'a str,
    /// How many.
    pub first: u32,
    /// Where the page before ended.
    pub after: Option<&'a str>,
}

#[derive(Debug, Deserialize)]
pub struct ProjectsAnswer {
    pub projects: Projects,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Projects {
    #[serde(flatten)]
    pub page: Connection<Named>,
    pub page_info: PageInfo,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageInfo {
    pub has_next_page: bool,
    pub end_cursor: Option<String>,
}

#[derive(Serialize)]
pub struct CreateProject<'a> {
    pub input: ProjectCreateInput<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectCreateInput<'a> {
    pub name: &'a str,
    pub default_environment_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<&'a str>,
}

#[derive(Debug, Deserialize)]
pub struct ProjectMade {
    #[serde(rename = "projectCreate")]
    pub project: Project,
}

#[derive(Serialize)]
pub struct CreateEnvironment<'a> {
    pub input: EnvironmentCreateInput<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentCreateInput<'a> {
    pub project_id: &'a str,
    pub name: &'a str,
    pub skip_initial_deploys: bool,
}

#[derive(Debug, Deserialize)]
pub struct EnvironmentMade {
    #[serde(rename = "environmentCreate")]
    pub environment: Named,
}

#[derive(Serialize)]
pub struct CreateService<'a> {
    pub input: ServiceCreateInput<'a>,
}

/// Without a source, because Railway deploys a service that is made with one at once.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceCreateInput<'a> {
    pub project_id: &'a str,
    pub environment_id: &'a str,
    pub name: &'a str,
}

#[derive(Debug, Deserialize)]
pub struct ServiceMade {
    #[serde(rename = "serviceCreate")]
    pub service: Named,
}

#[derive(Serialize)]
pub struct CreateDomain<'a> {
    pub input: ServiceDomainCreateInput<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceDomainCreateInput<'a> {
    pub environment_id: &'a str,
    pub service_id: &'a str,
}

#[derive(Debug, Deserialize)]
pub struct DomainMade {
    #[serde(rename = "serviceDomainCreate")]
    pub domain: Domain,
}

#[cfg(test)]
mod tests {
    use super::super::operations::tests::check;
    use super::*;

    #[test]
    fn names_and_kinds_are_those_of_the_texts() {
        check::<GetApiToken>("query");
        check::<ListProjects<'_>>("query");
        check::<CreateProject<'_>>("mutation");
        check::<CreateEnvironment<'_>>("mutation");
        check::<CreateService<'_>>("mutation");
        check::<CreateDomain<'_>>("mutation");
    }
}
