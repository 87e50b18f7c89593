//! What cannot be packed or pushed, and dry runs: the exit code, the one message, nothing sent and nothing written.

use expect_test::{Expect, expect};

use super::{checkout, messages, registry_with_base, workspace};
use crate::registry::{self, Registry};
use crate::support::{Workspace, listing};

fn refused(workspace: &Workspace, args: &[&str], expected: &Expect) {
    let before = listing(workspace.root());
    let run = workspace.xtask(&[&["docker", "pack"], args].concat());
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{}", run.stderr);
    expected.assert_eq(&messages(&run, workspace, &[]));
    assert!(listing(workspace.root()) == before, "{args:?} left something behind");
}

#[test]
fn mistakes_are_found_before_anything_is_built() {
    let mut workspace = checkout();
    refused(
        &workspace,
        &["--push"],
        &expect![[r#"
        error: `--push`: it is not said where to
         hint: give `--image ghcr.io/OWNER/NAME`, or set `image` in [workspace.metadata.xtask] in
            the root Cargo.toml"#]],
    );
    refused(
        &workspace,
        &["--push", "--image", "ghcr.io/Owner/app"],
        &expect![[r#"
        error: `ghcr.io/Owner/app` is no name of an image: names are in lower case: `owner/app`
         hint: a full name is REGISTRY/NAME[:TAG][@sha256:…], e.g. ghcr.io/owner/app:1.2"#]],
    );
    let by_digest = format!("ghcr.io/owner/app@sha256:{}", "0".repeat(64));
    refused(
        &workspace,
        &["--push", "--image", &by_digest],
        &expect![[r#"
        error:
            `ghcr.io/owner/app@sha256:0000000000000000000000000000000000000000000000000000000000000000`
            ends in a digest, which is not known before the image is packed
         hint: leave out
            `@sha256:0000000000000000000000000000000000000000000000000000000000000000`"#]],
    );
    refused(
        &workspace,
        &["--image", "ghcr.io/owner/app", "--push", "--tag", "a/b"],
        &expect![[r#"
        error: `--tag a/b`: a tag consists of letters, digits, `_`, `.` and `-`, which `a/b` does
            not"#]],
    );
    refused(
        &workspace,
        &["--base", "https://gcr.io/base"],
        &expect![[r#"
        error: `https://gcr.io/base` is no name of an image: it is an address; leave out
            everything up to `://`
         hint: a full name is REGISTRY/NAME[:TAG][@sha256:…], e.g. ghcr.io/owner/app:1.2"#]],
    );
    let before = listing(workspace.root());
    let run = workspace.xtask(&["docker", "pack", "--platform", "linux/s390x"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    let expected = format!("`--platform linux/s390x`: the server is compiled for {}", registry::platform());
    assert!(run.stderr.contains(&expected), "{}", run.stderr);
    // One platform under several names, as with `docker build`.
    let own = if registry::platform() == "linux/amd64" { ["amd64", "x86_64"] } else { ["arm64", "aarch64"] };
    for name in own {
        let run = workspace.xtask(&["docker", "pack", "--platform", name, "--dry-run"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
    }
    assert!(listing(workspace.root()) == before);
    workspace.set("XTASK_REGISTRY_USERNAME", "somebody");
    refused(
        &workspace,
        &["--image", "ghcr.io/owner/app"],
        &expect![[r#"
        error: the variable XTASK_REGISTRY_USERNAME is set, but XTASK_REGISTRY_PASSWORD is not
         hint: set both, or neither"#]],
    );
    workspace.set("XTASK_REGISTRY_USERNAME", "");
    workspace.set("LEPTOS_BIN_TARGET_TRIPLE", "aarch64-apple-darwin");
    refused(
        &workspace,
        &["--image", "ghcr.io/owner/app"],
        &expect![[r#"
        error: an image needs a server for Linux on x86-64 or arm64, not for
            `aarch64-apple-darwin`
         hint: pack on such a machine, or set `bin-target-triple` where a linker for one is
            installed"#]],
    );
}

#[test]
fn a_dry_run_asks_and_changes_nothing() {
    let Some(registry) = registry_with_base() else { return };
    let workspace = checkout();
    let (asked, before) = (registry.requests().len(), listing(workspace.root()));
    let (image, base) = (format!("{}/app:1", registry.address()), format!("{}/base:1", registry.address()));
    let args = ["docker", "pack", "--push", "--image", &image, "--base", &base, "--dry-run"];
    let run = workspace.xtask(&args);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let root = workspace.root().canonicalize().unwrap().display().to_string();
    let plan = run.stdout.replace(&root, "[root]").replace(registry.address(), "REGISTRY");
    let (build, pack) = plan.split_once("# read base").unwrap();
    assert!(build.contains("--package fixture-server"), "{build}");
    expect![[r#"

        # read REGISTRY/base:1 for PLATFORM from its registry
        # check linkage
        # check that the base has the libraries of [root]/target/production/fixture-server, in versions that are new enough
        # assemble image
        # assemble an image: [root]/target/production/fixture-server and [root]/target/site into /app
        # push image
        # push it to REGISTRY/app as 1, in-<digest of its inputs>, unless an image of the same inputs is there
    "#]]
    .assert_eq(&pack.replace(registry::platform(), "PLATFORM"));

    let run = workspace.xtask(&[&args[..], &["--format", "json"]].concat());
    let plans: Vec<serde_json::Value> =
        serde_json::Deserializer::from_str(&run.stdout).into_iter().map(Result::unwrap).collect();
    assert_eq!(plans.len(), 2);
    assert_eq!(
        plans[1]["steps"][3]["action"]["operation"]["repository"],
        format!("{}/app", registry.address())
    );
    assert_eq!(registry.requests().len(), asked);
    assert!(listing(workspace.root()) == before);
}

#[test]
fn bases_that_do_not_fit() {
    let Some(registry) = Registry::start() else { return };
    registry.push_base_index("others", "1", &["linux/s390x", "windows/amd64"]);
    registry.push_base("single", "1", "linux/s390x");
    let workspace = workspace();
    let run = |base: &str| {
        let base = format!("{}/{base}", registry.address());
        let run = workspace.xtask(&["docker", "pack", "--base", &base]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(4), ""), "{}", run.stderr);
        messages(&run, &workspace, &[(registry.address(), "REGISTRY"), (registry::platform(), "PLATFORM")])
    };
    expect![[r#"
        error: step `read base`: the base REGISTRY/none:1 is not in its registry
         hint: `--base`, or `base-image` in [workspace.metadata.xtask], names another one"#]]
    .assert_eq(&run("none:1"));
    expect![[r#"
        error: step `read base`: the base REGISTRY/others:1 has no image for PLATFORM
         hint: the platforms that there are: linux/s390x, windows/amd64"#]]
    .assert_eq(&run("others:1"));
    expect![[r#"
        error: step `read base`: the base REGISTRY/single:1 has no image for PLATFORM
         hint: the platforms that there are: linux/s390x"#]]
    .assert_eq(&run("single:1"));
}
