//! What every command on a deployed service starts from: the workspace, its settings, and the service that is meant.

use crate::cli::deploy::TargetArgs;
use crate::config::automation::Automation;
use crate::config::railway::{Access, TokenKind};
use crate::config::root;
use crate::config::service::Service;
use crate::exec::Executor;
use crate::exit::Failure;
use crate::facts::revision::Revision;
use crate::facts::workspace::Workspace;
use crate::plan::deploy::Target;
use crate::railway::client::Client;
use crate::railway::target::{self, Flags};

/// What the workspace and the environment say.
pub struct Site {
    pub workspace: Workspace,
    pub automation: Automation,
    pub service: Service,
    access: Access,
}

impl Site {
    pub fn load(exec: &Executor) -> anyhow::Result<Site> {
        let workspace = Workspace::probe(exec, &root::find()?)?;
        Ok(Site {
            automation: Automation::from_metadata(&workspace.metadata)?,
            service: Service::read(&workspace.root)?,
            access: Access::from_environment()?,
            workspace,
        })
    }

    /// The first words with Railway: which service is meant.
    pub fn connect<'a>(&self, exec: &'a Executor, args: &TargetArgs) -> anyhow::Result<(Client<'a>, Target)> {
        let client = Client::new(exec, &self.access);
        let flags = Flags {
            project: args.project.as_deref(),
            environment: args.environment.as_deref(),
            service: args.service.as_deref(),
        };
        let target = target::resolve(&client, &self.access, flags, &self.automation.railway)?;
        Ok((client, target))
    }

    /// Whose token it is that Railway is asked with.
    pub fn token(&self) -> TokenKind {
        self.access.token.kind
    }

    /// Endpoint and token.
    pub fn access(&self) -> &Access {
        &self.access
    }

    pub fn verifies_revision(&self) -> bool {
        self.automation.verify_revision.unwrap_or(true)
    }

    /// As it is given, else the commit of a checkout that does not differ from it.
    pub fn revision(&self, exec: &Executor, given: Option<&str>) -> anyhow::Result<String> {
        const HINT: &str =
            "--revision TEXT says what the app is told that it is, e.g. the commit of the image";
        if let Some(given) = given.map(str::trim) {
            if given.is_empty() || given.contains(char::is_control) {
                return Err(Failure::usage("--revision is empty or has control characters")
                    .hint(HINT)
                    .into());
            }
            return Ok(given.to_owned());
        }
        let checkout = Revision::probe(exec, &self.workspace.root);
        let problem = match (checkout.commit, checkout.dirty) {
            (Some(commit), Some(false)) => return Ok(commit),
            (_, Some(true)) => "files differ from the commit",
            _ => "this is no git checkout, or git is missing",
        };
        Err(Failure::usage(format!("the revision is not known: {problem}")).hint(HINT).into())
    }
}
