//! Tests of how projects are found, read and refused; workspaces are inline data.

mod choosing;
mod reading;
mod refusing;
mod sites;

use expect_test::Expect;
use serde_json::{Value, json};

use super::*;
use crate::exit::{Exit, hint_of};

fn target(name: &str, kinds: &[&str], path: &str) -> Value {
    json!({"name": name, "kind": kinds, "crate_types": kinds, "src_path": path})
}

fn package(name: &str, folder: &str, metadata: Value, targets: &[Value]) -> Value {
    json!({"name": name, "version": "0.1.0", "id": name, "manifest_path": format!("{folder}/Cargo.toml"),
           "metadata": metadata, "targets": targets, "features": {}})
}

fn workspace(metadata: Value, packages: &[Value]) -> Workspace {
    let json = json!({"workspace_root": "/w", "target_directory": "/w/target", "metadata": metadata, "packages": packages});
    Workspace::parse(&json.to_string()).unwrap()
}

/// Two halves in two packages, described in the root manifest.
fn two_packages(table: Value) -> Workspace {
    let mut whole = json!({"name": "app", "lib-package": "front", "bin-package": "server"});
    whole.as_object_mut().unwrap().extend(table.as_object().unwrap().clone());
    workspace(json!({"leptos": [whole]}), &members())
}

fn members() -> Vec<Value> {
    vec![
        package(
            "front",
            "/w/crates/front",
            Value::Null,
            &[target("front", &["cdylib", "rlib"], "/w/crates/front/src/lib.rs")],
        ),
        package(
            "server",
            "/w/crates/server",
            Value::Null,
            &[target("server", &["bin"], "/w/crates/server/src/main.rs")],
        ),
        package(
            "core",
            "/w/crates/core",
            Value::Null,
            &[target("core", &["lib"], "/w/crates/core/src/lib.rs")],
        ),
        package(
            "tool",
            "/w/crates/tool",
            Value::Null,
            &[
                target("one", &["bin"], "/w/crates/tool/src/bin/one.rs"),
                target("two", &["bin"], "/w/crates/tool/src/bin/two.rs"),
            ],
        ),
    ]
}

/// Both halves in one package, described in its own manifest.
fn one_package(name: &str, folder: &str, table: Value) -> Value {
    package(
        name,
        folder,
        json!({"leptos": table}),
        &[
            target(&name.replace('-', "_"), &["cdylib", "rlib"], &format!("{folder}/src/lib.rs")),
            target(name, &["bin"], &format!("{folder}/src/main.rs")),
        ],
    )
}

fn environment(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn read(workspace: &Workspace) -> Project {
    describe(workspace, &BTreeMap::new(), None, Path::new("/w")).unwrap().0
}

fn error_text(result: anyhow::Result<Project>) -> String {
    let error = result.unwrap_err();
    assert_eq!(Exit::of(&error), Exit::Usage, "{error}");
    format!("{error}\n{}", hint_of(&error).unwrap_or("-"))
}

fn check_error(workspace: &Workspace, expected: Expect) {
    expected.assert_eq(&error_text(resolve(workspace, &BTreeMap::new(), None, Path::new("/w"))));
}

fn check_variable(name: &str, value: &str, expected: Expect) {
    let result = resolve(&two_packages(json!({})), &environment(&[(name, value)]), None, Path::new("/w"));
    expected.assert_eq(&error_text(result));
}
