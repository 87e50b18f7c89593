//! `cargo xtask deploy logs`.

use super::super::print;
use super::site::Site;
use crate::cli::deploy::LogsArgs;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::railway::state::Remote;
use crate::report;

pub fn logs(exec: &Executor, args: &LogsArgs) -> anyhow::Result<()> {
    let site = Site::load(exec)?;
    let (client, target) = site.connect(exec, &args.target)?;
    let remote = Remote { exec, client: &client, target: &target };
    let state = remote.state()?;
    let deployment = match (&args.deployment, state.deployments.first()) {
        (Some(id), _) => remote.deployment_of_service(&state, id)?,
        (None, Some(newest)) => newest.clone(),
        (None, None) => {
            let message = format!("{target} has never been deployed, so there is no log");
            return Err(Failure::new(Exit::CheckFailed, message)
                .hint("`cargo xtask deploy --image REGISTRY/NAME@sha256:…` makes the first deployment")
                .into());
        }
    };
    remote.learn_variables_of(&deployment)?;
    let log = remote.log(&deployment, args.build, args.lines)?;
    if log.lines.is_empty() {
        let hint = if args.build { "; an image is not built" } else { "" };
        exec.ui().note(format!("Railway has no lines for deployment {}{hint}", deployment.id));
    }
    print(&report::deployments::render_log(&log, args.format)?)
}
