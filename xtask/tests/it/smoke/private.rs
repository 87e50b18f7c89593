//! An image in a registry that wants to know who asks: it is pulled as the account of the variables.

use base64ct::{Base64, Encoding};

use super::{GOOD, Smoke};
use crate::engine::docker;
use crate::registry::{PASSWORD, Registry, USER};
use crate::support::contents;

/// The image at another name, which goes with the value.
struct Tag(String);

impl Drop for Tag {
    fn drop(&mut self) {
        let _ = docker(&["image", "rm", &self.0]);
    }
}

#[test]
fn it_is_pulled_as_the_account_of_the_variables() {
    let Some(mut smoke) = Smoke::new(&GOOD) else { return };
    let Some(registry) = Registry::with_password() else { return };
    let tag = Tag(format!("{}/team/app:1", registry.address()));
    let private = tag.0.clone();

    // Somebody else has pushed it, as people do.
    let theirs = tempfile::tempdir().unwrap();
    let auth = Base64::encode_string(format!("{USER}:{PASSWORD}").as_bytes());
    let config = serde_json::json!({"auths": {registry.address(): {"auth": auth}}}).to_string();
    std::fs::write(theirs.path().join("config.json"), config).unwrap();
    let folder = theirs.path().display().to_string();
    assert_eq!(docker(&["tag", &smoke.image, &private]).unwrap().code, Some(0));
    let pushed = docker(&["--config", &folder, "push", "--quiet", &private]).unwrap();
    assert_eq!(pushed.code, Some(0), "{}", pushed.stderr);
    assert_eq!(docker(&["image", "rm", &private]).unwrap().code, Some(0));

    let nobodys = smoke.workspace.root().join("nobody").display().to_string();
    smoke.workspace.set("DOCKER_CONFIG", nobodys);
    let run = smoke.workspace.xtask(&["docker", "smoke", &private]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert!(run.stderr.contains("cannot be pulled"), "{}", run.stderr);

    smoke.workspace.set("XTASK_REGISTRY_USERNAME", USER);
    smoke.workspace.set("XTASK_REGISTRY_PASSWORD", PASSWORD);
    // The variables are for the registry that this workspace pushes to, and go to no other.
    let run = smoke.workspace.xtask(&["docker", "smoke", &private]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);

    let metadata =
        format!("[workspace]\n[workspace.metadata.xtask]\nimage = \"{}/team/other\"\n", registry.address());
    smoke.workspace.write("Cargo.toml", &metadata);
    let run = smoke.workspace.xtask(&["docker", "smoke", &private]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    // As the same account the registry was asked for provenance.
    assert!(run.stdout.contains("none was pushed beside it"), "{}", run.stdout);
    assert!(!run.stderr.contains(PASSWORD), "{}", run.stderr);
    let left = contents(&smoke.workspace.root().join("target"));
    assert!(left.keys().all(|path| !path.contains("login")), "{:?}", left.keys());
    assert!(left.values().all(|text| !text.contains(&auth) && !text.contains(PASSWORD)));
}
