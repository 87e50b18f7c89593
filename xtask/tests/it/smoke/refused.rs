//! What ends before a container is made: no engine, no image, no sense.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use expect_test::expect;

use super::{GOOD, Smoke};
use crate::engine::has_engine;
use crate::registry::is_there;
use crate::support::{Workspace, finish, folded};

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

/// The same command without the one right of root's that passes over what files allow. Others have no such right.
fn as_anybody(command: Command) -> Command {
    if std::fs::metadata(command.get_current_dir().unwrap()).unwrap().uid() != 0 {
        return command;
    }
    let mut other = Command::new("setpriv");
    other.args(["--inh-caps", "-all", "--bounding-set", "-dac_override"]);
    other.arg(command.get_program()).args(command.get_args()).current_dir(command.get_current_dir().unwrap());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => other.env(name, value),
            None => other.env_remove(name),
        };
    }
    other
}

#[test]
fn a_socket_that_is_not_ours_is_named() {
    if !is_there("docker") || !is_there("setpriv") {
        return;
    }
    let mut workspace = workspace();
    let socket = workspace.root().join("docker.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o000)).unwrap();
    workspace.set("DOCKER_HOST", format!("unix://{}", socket.display()));
    let mut command = as_anybody(workspace.command(&["docker", "smoke", "app:1"]));
    let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = finish(piped.spawn().unwrap());
    assert_eq!((run.code, run.stdout.as_str()), (Some(4), ""), "{}", run.stderr);
    let message = run.messages(&workspace);
    assert!(message.contains("permission denied"), "{message}");
    assert!(message.contains("hint: the socket belongs to group `docker`"), "{message}");
}

/// Docker's client speaks any version of the engine's API that it is told to, and the engine refuses those.
#[test]
fn versions_that_do_not_fit_are_named() {
    if !has_engine() {
        return;
    }
    for (version, how, who) in [("1.12", "too old", "client"), ("1.99", "too new", "engine")] {
        let mut workspace = workspace();
        workspace.set("DOCKER_API_VERSION", version);
        let run = workspace.xtask(&["docker", "smoke", "app:1"]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(3), ""), "{}", run.stderr);
        let message = run.messages(&workspace);
        let expected = "error: Docker's client and its engine do not understand each other: ";
        assert!(message.starts_with(expected) && message.contains(how), "{message}");
        assert!(message.contains(&format!("client version {version}")), "{message}");
        assert!(message.contains(&format!("hint: update Docker's {who}")), "{message}");
    }
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
