//! Credentials: where they are looked for, whom they are shown to, and what is said without the right ones.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use base64ct::{Base64, Encoding};
use expect_test::expect;
use serde_json::json;

use super::server::{Reply, forward, serve};
use super::{messages, push, push_as, records, workspace};
use crate::registry::{PASSWORD, Registry, USER, platform};
use crate::support::{Run, Workspace, contents};

fn basic() -> String {
    Base64::encode_string(format!("{USER}:{PASSWORD}").as_bytes())
}

fn set_account(workspace: &mut Workspace, username: &str, password: &str) {
    workspace.env.retain(|(name, _)| !name.starts_with("XTASK_REGISTRY"));
    workspace.set("XTASK_REGISTRY_USERNAME", username);
    workspace.set("XTASK_REGISTRY_PASSWORD", password);
}

/// The password is not in anything that a run said or left behind.
fn says_no_secret(workspace: &Workspace, runs: &[&Run]) {
    let records = contents(&workspace.root().join("target/xtask/records"));
    assert!(!records.is_empty());
    let said = runs.iter().flat_map(|run| [&run.stdout, &run.stderr]);
    for text in said.chain(records.values()) {
        for secret in [PASSWORD, "not the password", basic().as_str()] {
            assert!(!text.contains(secret), "{secret} in:\n{text}");
        }
    }
}

#[test]
fn a_registry_with_a_password() {
    let Some(registry) = Registry::with_password() else { return };
    registry.push_base("base", "1", platform());
    let address = registry.address();
    let names = [(address, "REGISTRY")];
    let mut workspace = workspace();

    let nobody = push(&workspace, address, &[]);
    assert_eq!(nobody.code, Some(4), "{}", nobody.stderr);
    expect![[r#"
        error: step `read base`: cannot read REGISTRY/base without credentials: the registry
            answers 401 (UNAUTHORIZED: authentication required)
         hint: credentials were looked for in XTASK_REGISTRY_USERNAME and XTASK_REGISTRY_PASSWORD
            (not set), [root]/target/docker-config/config.json (nothing for REGISTRY); a name
            that does not exist is refused like this too"#]]
    .assert_eq(&messages(&nobody, &workspace, &names));
    assert_eq!(records(&workspace)[0]["result"], "failed");
    assert_eq!(records(&workspace)[0]["steps"][0]["state"], "failed");

    set_account(&mut workspace, USER, "not the password");
    let wrong = push(&workspace, address, &[]);
    assert_eq!(wrong.code, Some(4), "{}", wrong.stderr);
    expect![[r#"
        error: step `read base`: cannot read REGISTRY/base as `tester`: the registry answers 401
            (UNAUTHORIZED: authentication required)
         hint: the credentials are from XTASK_REGISTRY_USERNAME and XTASK_REGISTRY_PASSWORD; they
            are wrong, or lack the right to pull; a name that does not exist is refused like this
            too"#]]
    .assert_eq(&messages(&wrong, &workspace, &names));

    set_account(&mut workspace, USER, PASSWORD);
    let right = push(&workspace, address, &[]);
    assert_eq!(right.code, Some(0), "{}", right.stderr);
    says_no_secret(&workspace, &[&nobody, &wrong, &right]);

    // Docker's own configuration: what `docker login` writes, with and without a helper.
    set_account(&mut workspace, "", "");
    workspace.write(
        "target/docker-config/config.json",
        &json!({"auths": {address: {"auth": basic()}}}).to_string(),
    );
    let docker = push(&workspace, address, &[]);
    assert_eq!((docker.code, &docker.stdout), (Some(0), &right.stdout), "{}", docker.stderr);

    let config = json!({"auths": {address: {}}, "credHelpers": {address: "test"}});
    workspace.write("target/docker-config/config.json", &config.to_string());
    let helper = workspace.root().join("target/helpers/docker-credential-test");
    let answer = json!({"ServerURL": address, "Username": USER, "Secret": PASSWORD});
    let script = format!("#!/bin/sh\necho \"$1 $(cat)\" > \"$0.asked\"\necho '{answer}'\n");
    workspace.write("target/helpers/docker-credential-test", &script);
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    workspace.set("PATH", format!("{}:{path}", helper.parent().unwrap().display()));
    let helped = push(&workspace, address, &[]);
    assert_eq!((helped.code, &helped.stdout), (Some(0), &right.stdout), "{}", helped.stderr);
    assert_eq!(workspace.read("target/helpers/docker-credential-test.asked"), format!("get {address}\n"));
    says_no_secret(&workspace, &[&docker, &helped]);
}

/// Compiling takes minutes: what is wrong with base or account is known before.
#[test]
fn wrong_base_or_account_is_found_before_compiling() {
    let (Some(closed), Some(open)) = (Registry::with_password(), super::registry_with_base()) else { return };
    let mut workspace = super::checkout();
    let fails = |workspace: &Workspace, base: &str, expected: &str| {
        let (image, base) = (format!("{}/app", closed.address()), format!("{}/{base}", open.address()));
        let run = workspace.xtask(&["docker", "pack", "--push", "--image", &image, "--base", &base]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(4), ""), "{}", run.stderr);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
        assert!(!run.stderr.contains("Compiling") && !run.stderr.contains("compile"), "{}", run.stderr);
        assert!(!workspace.root().join("target/production").exists());
        let records = records(workspace);
        assert_eq!(records.last().unwrap()["result"], "failed", "{records:?}");
        run
    };
    fails(&workspace, "none:1", "is not in its registry");
    let nobody = fails(&workspace, "base:1", "/app without credentials");
    set_account(&mut workspace, USER, "not the password");
    let wrong = fails(&workspace, "base:1", "/app as `tester`");
    says_no_secret(&workspace, &[&nobody, &wrong]);
    assert!(!closed.requests().iter().any(|request| request.contains("/blobs/")));
}

#[test]
fn credentials_go_nowhere_else() {
    let Some(registry) = Registry::with_password() else { return };
    registry.push_base("base", "1", platform());
    let mut workspace = workspace();
    set_account(&mut workspace, USER, PASSWORD);

    // The base's registry asks for a password: it is not the one that the variables are for.
    let curious = serve(|_, _| Reply::new(401, &[("www-authenticate", "Basic realm=\"give me\"")], ""));
    let image = format!("{}/app", registry.address());
    let base = format!("{}/base:1", curious.address);
    let run = workspace.xtask(&["docker", "pack", "--push", "--image", &image, "--base", &base]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    expect![[r#"
        error: step `read base`: cannot read CURIOUS/base without credentials: the registry
            answers 401
         hint: credentials were looked for in XTASK_REGISTRY_USERNAME and XTASK_REGISTRY_PASSWORD
            (for another registry), [root]/target/docker-config/config.json (nothing for
            CURIOUS); a name that does not exist is refused like this too"#]]
    .assert_eq(&messages(&run, &workspace, &[(&curious.address, "CURIOUS")]));

    // So does a token service that is not reached over TLS.
    let sly = serve(|_, _| {
        Reply::new(401, &[("www-authenticate", "Bearer realm=\"http://tokens.example/t\",service=\"s\"")], "")
    });
    let run = push(&workspace, &sly.address, &[]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    expect![[r#"
        error: step `read base`: cannot log in to SLY: its token service http://tokens.example is
            not reached over TLS
         hint: the registry names its token service in the header `WWW-Authenticate`"#]]
    .assert_eq(&messages(&run, &workspace, &[(&sly.address, "SLY")]));

    // The registry has layers sent to another host.
    let elsewhere = serve(|_, _| Reply::new(201, &[], ""));
    let (behind, uploads) = (registry.address().to_owned(), elsewhere.address.clone());
    let front = serve(move |request, _| {
        if request.method == "POST" && !request.path.contains("mount=") {
            let location = format!("http://{uploads}/upload?signature=1");
            return Reply::new(202, &[("location", location.as_str())], "");
        }
        forward(request, &behind)
    });
    let run = push_as(&workspace, &front.address, "elsewhere", &[]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert!(
        elsewhere
            .seen()
            .iter()
            .any(|request| request.path.starts_with("/upload?signature=1&digest=sha256%3A"))
    );
    assert!(front.seen().iter().any(|request| request.header("authorization").is_some()));

    for server in [&curious, &sly, &elsewhere] {
        assert!(!server.seen().is_empty());
        for request in server.seen() {
            assert_eq!(request.header("authorization"), None, "{request:?}");
        }
    }
}
