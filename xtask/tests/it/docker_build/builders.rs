//! Builders elsewhere: an engine over TCP, BuildKit itself over TCP (buildx' driver `remote`), and some that are not there.
//! All of them are this machine's engine in the end.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;

use super::small::Small;
use crate::engine::{SOCKET, docker, is_at_its_socket};
use crate::registry::Registry;
use crate::smoke::remote::{engine_over_tcp, join};

/// The engine's BuildKit over TCP, as the program buildkitd offers it, as long as the test's process lives. The engine
/// gives it to whoever asks for another protocol on its own socket.
fn buildkit_over_tcp() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let mut engine = UnixStream::connect(SOCKET).unwrap();
            let ask = "POST /grpc HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
            engine.write_all(ask.as_bytes()).unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                engine.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
            join(client, engine);
        }
    });
    format!("tcp://{address}")
}

/// A command that has to succeed.
fn must(configuration: &str, args: &[&str]) {
    let ran = docker(&[&["--config", configuration], args].concat()).unwrap();
    assert_eq!(ran.code, Some(0), "docker {args:?}: {}", ran.stderr);
}

#[test]
fn a_builder_elsewhere_builds_it() {
    let Some(mut small) = Small::new(Registry::start()) else { return };
    if !is_at_its_socket() {
        return;
    }
    let folder = small.clean_configuration();
    // Docker's client has a builder for the engine that it is told to use, under the same name.
    for (name, engine) in [("engine", engine_over_tcp("127.0.0.1")), ("gone", "tcp://127.0.0.1:9".to_owned())]
    {
        must(&folder, &["context", "create", name, "--docker", &format!("host={engine}")]);
    }
    must(&folder, &["buildx", "create", "--driver", "remote", "--name", "buildkit", &buildkit_over_tcp()]);
    let mut digests = Vec::new();
    for name in ["engine", "buildkit"] {
        let context = if name == "engine" { name } else { "" };
        small.workspace.set("DOCKER_CONTEXT", context);
        let built =
            small.built(&["--push", "--force", "--builder", name, "--cache", "registry", "--tag", name]);
        assert_eq!((&built["builder"], &built["reused"]), (&name.into(), &false.into()));
        let pushed = small.registry.manifest("team/small", name).digest;
        assert_eq!(pushed.as_deref(), built["digest"].as_str());
        digests.extend(pushed);
    }
    assert_eq!(digests[0], digests[1]);
    for name in ["gone", "unheard-of"] {
        small.workspace.set("DOCKER_CONTEXT", if name == "gone" { name } else { "" });
        let run = small.run(&["--push", "--force", "--builder", name]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(4), ""), "{}", run.stderr);
        assert!(run.stderr.contains(" hint: "), "{}", run.stderr);
    }
}

/// What a builder elsewhere has made comes back to this machine's engine.
#[test]
fn it_is_loaded_and_runs() {
    let Some(mut small) = Small::new(Registry::start()) else { return };
    let mut builders = vec![None];
    if is_at_its_socket() {
        let folder = small.clean_configuration();
        must(
            &folder,
            &["buildx", "create", "--driver", "remote", "--name", "buildkit", &buildkit_over_tcp()],
        );
        builders.push(Some("buildkit"));
    }
    for builder in builders {
        let mut args = vec!["--load", "--tag", "1"];
        args.extend(builder.iter().flat_map(|name| ["--builder", name]));
        let built = small.built(&args);
        assert!(built["reference"].is_null() && built["digest"].is_string(), "{built:#}");
        let image = format!("{}:1", small.image());
        let args = ["docker", "smoke", &image, "--health-path", "/health"];
        let smoked = small.workspace.xtask(&args);
        assert_eq!(smoked.code, Some(0), "{builder:?}: {}{}", smoked.stdout, smoked.stderr);
        for tag in built["tags"].as_array().unwrap() {
            let image = format!("{}:{}", small.image(), tag.as_str().unwrap());
            assert_eq!(docker(&["image", "rm", &image]).unwrap().code, Some(0));
        }
    }
}
