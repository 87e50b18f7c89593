//! What `.dockerignore` lets through, by BuildKit itself: a change of a file that it sends is a change of the inputs.

use serde_json::{Value, json};

use super::small::Small;
use crate::registry::Registry;

#[test]
fn what_is_taken_back_in_is_an_input() {
    let Some(small) = Small::new(Registry::start()) else { return };
    let write = |path: &str, text: &str| small.workspace.write(path, text);
    small.recipe("FROM scratch\nCOPY image/ /\nCOPY crates/ /crates/");
    let digest = |built: &Value| built["digest"].as_str().unwrap().to_owned();
    let exceptions = ["crates/*/src", "./crates/core", "crates/[a-d]ore/src"];
    for exception in exceptions {
        small.workspace.write(".dockerignore", &format!("*\n!image\n!{exception}\n"));
        write("crates/core/src/lib.rs", "one");
        write("other/core/src/lib.rs", "one");
        let first = small.built(&["--push"]);
        assert_eq!(small.built(&["--push"])["reused"], true);
        // Left out.
        write("other/core/src/lib.rs", exception);
        assert_eq!(small.built(&["--push"])["digest"], first["digest"], "{exception}");
        write("crates/core/src/lib.rs", exception);
        let second = small.built(&["--push"]);
        assert_eq!(second["reused"], json!(false), "{exception}");
        assert_ne!(digest(&second), digest(&first), "{exception}: BuildKit does not send it");
    }
}
