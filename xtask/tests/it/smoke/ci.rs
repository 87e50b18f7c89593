//! `ci image` on the fixture workspace with a real registry and the real engine, as the workflow's step runs it.

use super::{GOOD, Smoke};
use crate::actions::Job;
use crate::engine::{Pulled, docker};
use crate::registry::Registry;
use crate::support::Workspace;

fn tags(registry: &Registry) -> Vec<String> {
    let answer = registry.send("GET", "/v2/team/app/tags/list", "", b"").json();
    let mut tags: Vec<String> =
        answer["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap().to_owned()).collect();
    tags.sort();
    tags
}

#[test]
fn what_is_tagged_has_been_tested() {
    let Some(smoke) = Smoke::new(&GOOD) else { return };
    let Some(registry) = Registry::start() else { return };
    // Any image with the C library will do as a base.
    let base = format!("{}/base:1", registry.address());
    assert_eq!(docker(&["tag", &smoke.image, &base]).unwrap().code, Some(0));
    let pushed = docker(&["push", "--quiet", &base]).unwrap();
    assert_eq!(docker(&["image", "rm", &base]).unwrap().code, Some(0));
    assert_eq!(pushed.code, Some(0), "{}", pushed.stderr);
    let repository = format!("{}/team/app", registry.address());
    let _pulled = Pulled(repository.clone());

    let mut workspace = Workspace::built_fixture();
    for name in ["XTASK_REGISTRY_USERNAME", "XTASK_REGISTRY_PASSWORD", "SOURCE_DATE_EPOCH"] {
        workspace.set(name, "");
    }
    let manifest = workspace.read("Cargo.toml");
    let metadata = format!("[workspace.metadata.xtask]\nimage = \"{repository}\"\nbase-image = \"{base}\"\n");
    workspace.write("Cargo.toml", &format!("{manifest}\n{metadata}"));
    workspace.write("railway.toml", "[deploy]\nhealthcheckPath = \"/api/health\"\n");
    let job = Job::start(&mut workspace, "push", "refs/heads/main");

    workspace.edit("server/src/main.rs", "[] => serve(),", "[] => Err(\"broken\".to_owned()),");
    let broken = workspace.xtask(&["ci", "image"]);
    assert_eq!((broken.code, broken.stdout.as_str()), (Some(1), ""), "{}", broken.stderr);
    assert_eq!(job.outputs(), "");
    let summary = job.summary();
    assert!(summary.starts_with("### Image: failed\n\n**smoke test failed**\n"), "{summary}");
    assert!(summary.contains("| FAILED | health |") && summary.contains("/commit/0123456"), "{summary}");
    let only_inputs = tags(&registry);
    assert!(only_inputs.len() == 1 && only_inputs[0].starts_with("in-"), "{only_inputs:?}");

    workspace.edit("server/src/main.rs", "[] => Err(\"broken\".to_owned()),", "[] => serve(),");
    let good = workspace.xtask(&["ci", "image"]);
    assert_eq!((good.code, good.stdout.as_str()), (Some(0), ""), "{}", good.stderr);
    let manifest = registry.send("GET", "/v2/team/app/manifests/latest", "", b"");
    let digest = manifest.digest.unwrap();
    let expected = format!("image={repository}\ndigest={digest}\nreference={repository}@{digest}\n");
    assert_eq!(job.outputs(), expected);
    let named: Vec<String> = tags(&registry).into_iter().filter(|tag| !tag.starts_with("in-")).collect();
    assert_eq!(named, ["latest", "main", "sha-0123456"]);
    assert!(job.summary()[summary.len()..].starts_with("### Image: ok\n"), "{}", job.summary());

    // The same commit again is the same image, and nothing is sent.
    let before = registry.requests().len();
    let again = workspace.xtask(&["ci", "image"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(job.outputs(), expected.repeat(2));
    assert_eq!(registry.changes_since(before), [""; 0]);
}
