//! `deploy rollback` where there is nothing to go back to, or nobody has said that it may.

use expect_test::expect;
use serde_json::json;

use super::{Site, image};

#[test]
fn what_crashed_is_no_place_to_go_back_to() {
    let site = Site::two();
    site.fake.with(|service| {
        service.active.clear();
        service.deployments[1]["status"] = "CRASHED".into();
    });
    site.refuses(
        &["d-2"],
        1,
        expect![[r#"
        error: deployment d-2 is CRASHED: it served, and did not hold
         hint: `cargo xtask deploy list` shows the deployments of the service; `cargo xtask
            deploy --image REGISTRY/NAME@sha256:… --revision TEXT` deploys any image"#]],
    );
    assert_eq!(site.rolled_back(&["--yes"])["rollback"]["to"], "d-1");
}

#[test]
fn what_was_aborted_is_left_out() {
    let site = Site::two();
    site.fake.with(|service| {
        service.deployments[0]["canRollback"] = false.into();
        service.events =
            json!([{"step": "CREATE_CONTAINER", "createdAt": "x", "completedAt": null, "payload": null}]);
    });
    site.refuses(
        &["--yes"],
        1,
        expect![[r#"
            error: there is nothing to roll back to: of the newest 50 deployments none before d-2 is
                known to have served another image than ghcr.io/o/app@sha256:2
             hint: `cargo xtask deploy list` shows the deployments of the service; `cargo xtask
                deploy --image REGISTRY/NAME@sha256:… --revision TEXT` deploys any image"#]],
    );
    site.refuses(
        &["d-1"],
        1,
        expect![[r#"
        error: deployment d-1 is REMOVED: it never served
         hint: `cargo xtask deploy list` shows the deployments of the service; `cargo xtask
            deploy --image REGISTRY/NAME@sha256:… --revision TEXT` deploys any image"#]],
    );
}

#[test]
fn what_is_not_there() {
    let site = Site::two();
    site.refuses(
        &["d-77"],
        2,
        expect![[r#"
        error: there is no deployment `d-77` that this token may see (Railway refuses
            `Deployment`: not found)
         hint: `cargo xtask deploy list` shows the deployments of the service"#]],
    );
    site.refuses(
        &[image("3").as_str()],
        2,
        expect![[r#"
        error: none of the newest 50 deployments of web (production) ran sha256:3
         hint: `cargo xtask deploy list` shows the deployments of the service; `cargo xtask
            deploy --image REGISTRY/NAME@sha256:… --revision TEXT` deploys any image"#]],
    );
    site.refuses(
        &[image("2").as_str()],
        1,
        expect![[r#"
        error: deployment d-2 with ghcr.io/o/app@sha256:2 is what is live
         hint: there is nothing to roll back; `cargo xtask deploy list` shows what was before it"#]],
    );
    let other = |service: &str, environment: &str| {
        json!({"id": "x-1", "status": "REMOVED", "createdAt": "2026-11-20T09:00:00Z", "canRollback": true,
               "meta": {"image": image("1")}, "serviceId": service, "environmentId": environment})
    };
    site.fake.with(|service| service.others = vec![other("s-2", "e-1")]);
    site.refuses(
        &["x-1"],
        2,
        expect![[r#"
        error: deployment `x-1` is of another service than web (production)
         hint: `cargo xtask deploy list` shows the deployments of the service"#]],
    );
    site.fake.with(|service| service.others = vec![other("s-1", "e-2")]);
    site.refuses(
        &["x-1"],
        2,
        expect![[r#"
        error: deployment `x-1` is of another environment than web (production)
         hint: `cargo xtask deploy list` shows the deployments of the service"#]],
    );
    let run = site.roll_back(&["ghcr.io/o/app:latest"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    expect![[r#"
        error: `ghcr.io/o/app:latest` is neither a deployment's id nor a digest
         hint: a digest is `sha256:` and 64 digits; `cargo xtask deploy list` shows ids and
            digests"#]]
    .assert_eq(&site.message(&run));
}

#[test]
fn nothing_to_go_back_to_and_something_in_the_way() {
    let site = Site::deployed();
    site.refuses(
        &["--yes"],
        1,
        expect![[r#"
            error: there is nothing to roll back to: of the newest 50 deployments none before d-1 is
                known to have served another image than ghcr.io/o/app@sha256:1
             hint: `cargo xtask deploy list` shows the deployments of the service; `cargo xtask
                deploy --image REGISTRY/NAME@sha256:… --revision TEXT` deploys any image"#]],
    );
    let site = Site::two();
    site.fake.deployed("d-3", &image("3"), "DEPLOYING", "");
    site.refuses(
        &["d-1"],
        1,
        expect![[r#"
        error: another deployment is under way: d-3 with ghcr.io/o/app@sha256:3 is DEPLOYING
         hint: `cargo xtask deploy status` shows how it ends; it can be aborted on railway.com"#]],
    );
}

#[test]
fn nobody_is_there_to_be_asked() {
    let site = Site::two();
    site.refuses(
        &[],
        2,
        expect![[r#"
        error: nobody is here to answer: roll web (production) back from d-2 with
            ghcr.io/o/app@sha256:2 to d-1 with ghcr.io/o/app@sha256:1, revision old?
         hint: `cargo xtask deploy rollback d-1` names it; --yes takes it without asking"#]],
    );
}

#[test]
fn a_person_is_asked() {
    let site = Site::two();
    let ask = |answer: &str| {
        let mut command = std::process::Command::new("script");
        let xtask = site.workspace.command(&[]);
        let line = format!("{} deploy rollback", xtask.get_program().to_string_lossy());
        command
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .current_dir(site.workspace.root());
        for (name, value) in xtask.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let (input, output) = (std::process::Stdio::piped(), std::process::Stdio::piped());
        let mut child = command.stdin(input).stdout(output).spawn().ok()?;
        std::io::Write::write_all(&mut child.stdin.as_ref().unwrap(), answer.as_bytes()).unwrap();
        // Its standard input stays open, as a person's would.
        let stdin = child.stdin.take();
        let output = child.wait_with_output().unwrap();
        drop(stdin);
        Some((output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned()))
    };
    let Some((code, said)) = ask("n\n") else {
        crate::support::skipped("there is no `script` to make a terminal with");
        return;
    };
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("roll web (production) back from d-2 with ") && said.contains("not confirmed"),
        "{said}"
    );
    assert_eq!(site.fake.mutations(), []);
    let (code, said) = ask("y\n").unwrap();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(site.records().pop().unwrap()["rollback"]["to"], "d-1");
}
