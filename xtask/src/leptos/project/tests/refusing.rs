//! Tests of keys, variables and packages that are refused.

use expect_test::expect;
use serde_json::{Value, json};

use super::*;

#[test]
fn variables_of_the_wrong_type() {
    check_variable(
        "LEPTOS_SITE_ADDR",
        "localhost:3000",
        expect![[r#"
        `LEPTOS_SITE_ADDR` in the environment or `.env` must be an address with a port such as "127.0.0.1:3000", not "localhost:3000"
        -"#]],
    );
    check_variable(
        "LEPTOS_RELOAD_PORT",
        "70000",
        expect![[r#"
        `LEPTOS_RELOAD_PORT` in the environment or `.env` must be a port number up to 65535, not "70000"
        -"#]],
    );
    check_variable(
        "LEPTOS_HASH_FILES",
        "1",
        expect![[r#"
        `LEPTOS_HASH_FILES` in the environment or `.env` must be true or false, not "1"
        -"#]],
    );
    check_variable(
        "LEPTOS_GRACEFUL_SHUTDOWN_UNIX_SIGNAL",
        "SIGHUP",
        expect![[r#"
        `LEPTOS_GRACEFUL_SHUTDOWN_UNIX_SIGNAL` in the environment or `.env` must be "SIGINT" or "SIGTERM", not "SIGHUP"
        -"#]],
    );
    check_variable(
        "LEPTOS_SITE_ROOT",
        ".",
        expect![[r#"
        `LEPTOS_SITE_ROOT` in the environment or `.env`: /w is the workspace; a build replaces everything in the site's folder
        leave `site-root` out for `target/site`, or name a folder that holds nothing else"#]],
    );
}

#[test]
fn keys_that_are_unknown_or_of_the_wrong_type() {
    check_error(
        &two_packages(json!({"site_root": "x"})),
        expect![[r#"
            unknown key `site_root` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml; did you mean `site-root`?
            -"#]],
    );
    check_error(
        &workspace(Value::Null, &[one_package("a", "/w/a", json!({"bin-package": "a"}))]),
        expect![[r#"
        unknown key `bin-package` in `[package.metadata.leptos]` in a/Cargo.toml
        known keys: always-erase-components, assets-dir, bin-cargo-args, bin-cargo-command, bin-default-features, bin-exe-name, bin-features, bin-profile-dev, bin-profile-release, bin-target, bin-target-dir, bin-target-triple, browserquery, disable-erase-components, disable-server-fn-hash, end2end-cmd, end2end-dir, env, features, front-target-dir, graceful-shutdown, graceful-shutdown-timeout-secs, graceful-shutdown-unix-signal, hash-file, hash-file-name, hash-files, js-dir, js-minify, lib-cargo-args, lib-default-features, lib-features, lib-profile-dev, lib-profile-release, not-found-path, output-name, reload-external-port, reload-port, reload-ws-protocol, separate-front-target-dir, server-fn-mod-path, server-fn-prefix, site-addr, site-pkg-dir, site-root, style-bundle, style-file, tailwind-config-file, tailwind-input-file, wasm-opt-features, watch, watch-additional-files"#]],
    );
    check_error(
        &two_packages(json!({"hash-files": "true"})),
        expect![[r#"
        `hash-files` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml must be true or false, not the text "true"
        -"#]],
    );
    check_error(
        &two_packages(json!({"reload-port": "3001"})),
        expect![[r#"
        `reload-port` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml must be a port number up to 65535, not the text "3001"
        -"#]],
    );
    check_error(
        &two_packages(json!({"site-addr": "3000"})),
        expect![[r#"
        `site-addr` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml must be an address with a port such as "127.0.0.1:3000", not the text "3000"
        -"#]],
    );
    check_error(
        &two_packages(json!({"lib-features": "hydrate"})),
        expect![[r#"
        `lib-features` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml must be a list of texts, not the text "hydrate"
        -"#]],
    );
    check_error(
        &two_packages(json!({"watch-additional-files": "data"})),
        expect![[r#"
        `watch-additional-files` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml must be a list, not the text "data"
        -"#]],
    );
    check_error(
        &two_packages(json!({"watch-additional-files": [{"paths": ["a"], "change-types": ["styles"]}]})),
        expect![[r#"
        unknown change type `styles` in `watch-additional-files` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml; did you mean `style`?
        change types: additional, asset, bin-source, conf, lib-source, style"#]],
    );
    check_error(
        &two_packages(json!({"watch-additional-files": [{"paths": ["a"]}]})),
        expect![[r#"
        an entry of `watch-additional-files` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml lacks `paths` or `change-types`
        -"#]],
    );
    check_error(
        &workspace(Value::Null, &[one_package("a", "/w/a", json!("x"))]),
        expect![[r#"
        `[package.metadata.leptos]` in a/Cargo.toml must be a table, not the text "x"
        -"#]],
    );
}

#[test]
fn packages_that_do_not_fit() {
    check_error(
        &two_packages(json!({"lib-package": "frnt"})),
        expect![[r#"
        `lib-package` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml: there is no package `frnt` in the workspace; did you mean `front`?
        members: core, front, server, tool"#]],
    );
    check_error(
        &two_packages(json!({"lib-package": "core"})),
        expect![[r#"
        the library of `core`, the browser half of project `app`, cannot become a wasm module: its crate-type is ["lib"], without "cdylib"
        add `crate-type = ["cdylib", "rlib"]` to `[lib]` in crates/core/Cargo.toml"#]],
    );
    check_error(
        &two_packages(json!({"lib-package": "server"})),
        expect![[r#"
        `server`, the browser half of project `app`, has no library
        add src/lib.rs, and `crate-type = ["cdylib", "rlib"]` to `[lib]` in crates/server/Cargo.toml"#]],
    );
    check_error(
        &two_packages(json!({"bin-package": "core"})),
        expect![[r#"
        `core`, the server of project `app`, has no binary
        add src/main.rs or a `[[bin]]` to crates/core/Cargo.toml"#]],
    );
    check_error(
        &two_packages(json!({"bin-package": "tool"})),
        expect![[r#"
        `tool` has 2 binaries: one, two
        add `bin-target = "one"` to `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml"#]],
    );
    check_error(
        &two_packages(json!({"bin-package": "tool", "bin-target": "tow"})),
        expect![[r#"
        `bin-target` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml: `tool` has no binary `tow`; did you mean `two`?
        binaries: one, two"#]],
    );
    let project = read(&two_packages(json!({"bin-package": "tool", "bin-target": "two"})));
    assert_eq!(project.bin_target, "two");
}

#[test]
fn style_and_assets_that_are_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut here = two_packages(json!({"style-file": "a/main.css", "assets-dir": "public"}));
    here.root = folder.path().to_owned();
    check_error(
        &here,
        expect![[r#"
            `style-file` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml: a/main.css does not exist
            create the file, or correct the path, which is relative to the folder of the table's Cargo.toml"#]],
    );
    std::fs::create_dir_all(folder.path().join("a/main.css")).unwrap();
    check_error(
        &here,
        expect![[r#"
            `style-file` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml: a/main.css is not a file
            create the file, or correct the path, which is relative to the folder of the table's Cargo.toml"#]],
    );
    std::fs::write(folder.path().join("a/other.css"), "").unwrap();
    let with = |variables: &[(&str, &str)]| resolve(&here, &environment(variables), None, Path::new("/w"));
    let other = ("LEPTOS_STYLE_FILE", "a/other.css");
    expect![[r#"
        `assets-dir` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml: public does not exist
        create the folder, or correct the path, which is relative to the folder of the table's Cargo.toml"#]]
    .assert_eq(&error_text(with(&[other])));
    expect![[r#"
        `LEPTOS_ASSETS_DIR` in the environment or `.env`: a/other.css is not a folder
        create the folder, or correct the path, which is relative to the folder of the table's Cargo.toml"#]]
    .assert_eq(&error_text(with(&[other, ("LEPTOS_ASSETS_DIR", "a/other.css")])));
    std::fs::create_dir(folder.path().join("public")).unwrap();
    with(&[other]).unwrap();
}
