//! What ends before a container is made: no engine, no image, no sense.

use expect_test::expect;

use super::{GOOD, Smoke};
use crate::support::{Workspace, folded};

fn workspace() -> Workspace {
    let workspace = Workspace::empty();
    workspace.write("Cargo.toml", "[workspace]\n");
    workspace
}

#[test]
fn without_docker_it_says_what_to_install() {
    let mut workspace = workspace();
    let folder = workspace.root().join("bin");
    std::fs::create_dir(&folder).unwrap();
    workspace.set("PATH", folder.display().to_string());
    let run = workspace.xtask(&["docker", "smoke", "app:1"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    expect![[r#"
        error: `docker` is not on PATH: the image is run with Docker
         hint: install Docker Engine or Docker Desktop: https://docs.docker.com/engine/install/"#]]
    .assert_eq(&folded(&run.messages(&workspace)));
}

#[test]
fn an_engine_or_registry_that_does_not_answer_is_named() {
    // The engine is needed for its client.
    let Some(mut smoke) = Smoke::new(&GOOD) else { return };
    let absent = smoke.workspace.xtask(&["docker", "smoke", "127.0.0.1:9/none:1"]);
    assert_eq!(absent.code, Some(4), "{}", absent.stderr);
    let message = absent.messages(&smoke.workspace);
    assert!(message.contains("image `127.0.0.1:9/none:1` is not here and cannot be pulled"), "{message}");
    assert!(message.contains("connection refused") && message.contains("docker login"), "{message}");
    assert_eq!(smoke.records()[0]["result"], "failed");

    smoke.workspace.set("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    let run = smoke.run(&[]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    let message = run.messages(&smoke.workspace);
    assert!(
        message.starts_with("error: the Docker engine does not answer: `docker version` says: "),
        "{message}"
    );
    assert!(message.contains("/nonexistent/docker.sock") && message.contains("hint: start it"), "{message}");
}

#[test]
fn nonsense_is_refused() {
    let workspace = workspace();
    for (args, expected) in [
        (["--env", "NOT_SET_ANYWHERE"], "the environment has no such variable"),
        (["--env", "PORT=3000"], "the port is random"),
        (["--env", "DOCKER_HOST=x"], "`docker` reads it itself"),
        (["--env-file", "absent.env"], "cannot read absent.env"),
        (["--start-limit", "soon"], "invalid value 'soon'"),
    ] {
        let run = workspace.xtask(&[&["docker", "smoke", "app:1"], args.as_slice()].concat());
        assert_eq!(run.code, Some(2), "{}", run.stderr);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    }
}
