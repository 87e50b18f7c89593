//! `cargo xtask deploy vars check`.

use super::super::print;
use super::site::Site;
use crate::cli::vars::VarsCheckArgs;
use crate::config::expected::{Expected, FILE};
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::railway::state::Remote;
use crate::railway::vars;
use crate::report;

/// Compares. What is missing is a failed check, after the report.
pub fn vars_check(exec: &Executor, args: &VarsCheckArgs) -> anyhow::Result<()> {
    let site = Site::load(exec)?;
    let named = site.automation.required_variables.as_deref();
    let Some(expected) = Expected::read(&site.workspace.root, named)? else {
        let message = format!("nothing says which variables the app expects: there is no {FILE}");
        let hint = "write one: NAME= for what is required, #NAME=default for the rest; or name what is required in \
                    `required-variables` in [workspace.metadata.xtask]";
        return Err(Failure::usage(message).hint(hint).into());
    };
    let (client, target) = site.connect(exec, &args.target)?;
    let check = vars::check(&Remote { exec, client: &client, target: &target }, &expected)?;
    print(&report::variables::render(&check, args.format)?)?;
    let wrong = check.wrong();
    if wrong.is_empty() {
        return Ok(());
    }
    let message = format!("{target} lacks variables that the app expects: {}", wrong.join(", "));
    let hint = "`cargo xtask deploy --with-variables FILE` sets them with the next deployment";
    Err(Failure::new(Exit::CheckFailed, message).hint(hint).into())
}
