//! A registry that cannot say whether everybody may pull has not said that nobody may.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{run, workspace};
use crate::pack::server::{Reply, forward, serve};
use crate::registry::{PASSWORD, Registry, USER, platform};

#[test]
fn who_may_pull_is_not_guessed() {
    let Some(registry) = Registry::with_password() else { return };
    registry.push_base("team/app", "latest", platform());
    let (behind, asked) = (registry.address().to_owned(), AtomicUsize::new(0));
    // Whoever asks first is told to log in, and can. Nobody in particular asks second.
    let shaky = serve(move |request, _| {
        let is_nobody = request.header("authorization").is_none();
        let is_for_the_image = request.path == "/v2/team/app/manifests/latest";
        if is_nobody && is_for_the_image && asked.fetch_add(1, Ordering::SeqCst) > 0 {
            return Reply::new(500, &[("retry-after", "0")], "");
        }
        forward(request, &behind)
    });
    let mut workspace = workspace();
    for (name, value) in [
        ("XTASK_GHCR_HOST", shaky.address.as_str()),
        ("XTASK_REGISTRY_USERNAME", USER),
        ("XTASK_REGISTRY_PASSWORD", PASSWORD),
    ] {
        workspace.set(name, value);
    }
    let image = format!("{}/team/app", shaky.address);
    workspace.write("Cargo.toml", &format!("[workspace]\n[workspace.metadata.xtask]\nimage = \"{image}\"\n"));
    let run = run(&workspace, &["inspect", &format!("{image}:latest")]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(4), ""), "{}", run.stderr);
    assert!(run.stderr.contains("the registry answers 500"), "{}", run.stderr);
}
