//! `cargo xtask deploy list`.

use super::super::print;
use super::site::Site;
use crate::cli::deploy::ListArgs;
use crate::exec::Executor;
use crate::railway::history;
use crate::railway::memory::Memory;
use crate::railway::state::{Remote, revision_in};
use crate::report;

pub fn list(exec: &Executor, args: &ListArgs) -> anyhow::Result<()> {
    let site = Site::load(exec)?;
    let (client, target) = site.connect(exec, &args.target)?;
    let remote = Remote { exec, client: &client, target: &target };
    let mut state = remote.state()?;
    let memory = Memory::read(&site.workspace.target_directory, &target);
    // What the app was told, which the variable may not be any more.
    let of_live = state.instance.live().map(|live| remote.snapshot(&live.id));
    let revision = of_live.transpose().ok().flatten().flatten().as_ref().and_then(revision_in);
    // What the service is now is told by the newest few; the list may be longer or shorter.
    state.deployments = match args.limit as usize > state.deployments.len() {
        true => remote.newest_deployments(args.limit)?,
        false => state.deployments,
    };
    state.deployments.truncate(args.limit as usize);
    let list = history::list(&remote, &state, &memory, revision.as_deref())?;
    print(&report::deployments::render_list(&list, args.format)?)
}
