//! Tests of the site's folder, and of values that do not go together.

use expect_test::expect;
use serde_json::json;

use super::*;

#[test]
fn the_site_must_have_a_folder_of_its_own() {
    let site = |path: &str| {
        two_packages(json!({"site-root": path, "assets-dir": "public", "style-file": "style/a.css"}))
    };
    check_error(
        &site("/"),
        expect![[r#"
        `site-root` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml: / contains the workspace; a build replaces everything in the site's folder
        leave `site-root` out for `target/site`, or name a folder that holds nothing else"#]],
    );
    check_error(
        &site("."),
        expect![[r#"
        `site-root` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml: /w is the workspace; a build replaces everything in the site's folder
        leave `site-root` out for `target/site`, or name a folder that holds nothing else"#]],
    );
    check_error(
        &site("crates/.."),
        expect![[r#"
        `site-root` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml: /w is the workspace; a build replaces everything in the site's folder
        leave `site-root` out for `target/site`, or name a folder that holds nothing else"#]],
    );
    check_error(
        &site("target"),
        expect![[r#"
        `site-root` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml: target is cargo's target directory; a build replaces everything in the site's folder
        leave `site-root` out for `target/site`, or name a folder that holds nothing else"#]],
    );
    check_error(
        &site("CARGO_TARGET_DIR"),
        expect![[r#"
        `site-root` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml: target is cargo's target directory; a build replaces everything in the site's folder
        leave `site-root` out for `target/site`, or name a folder that holds nothing else"#]],
    );
    check_error(
        &site("target/release/site"),
        expect![[r#"
        `site-root` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml: target/release/site is in `release`, where cargo keeps what it compiles; a build replaces everything in the site's folder
        leave `site-root` out for `target/site`, or name a folder that holds nothing else"#]],
    );
    check_error(
        &site("crates"),
        expect![[r#"
        `site-root` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml: crates contains sources: crates/front; a build replaces everything in the site's folder
        leave `site-root` out for `target/site`, or name a folder that holds nothing else"#]],
    );
    check_error(
        &site("crates/front/src"),
        expect![[r#"
        `site-root` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml: crates/front/src contains sources: crates/front/src/lib.rs; a build replaces everything in the site's folder
        leave `site-root` out for `target/site`, or name a folder that holds nothing else"#]],
    );
    check_error(
        &site("style"),
        expect![[r#"
        `site-root` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml: style contains sources: style/a.css; a build replaces everything in the site's folder
        leave `site-root` out for `target/site`, or name a folder that holds nothing else"#]],
    );
    check_error(
        &site("public/site"),
        expect![[r#"
        `site-root` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml: public/site is in the assets folder, which would be copied into itself; a build replaces everything in the site's folder
        leave `site-root` out for `target/site`, or name a folder that holds nothing else"#]],
    );
    assert_eq!(read(&site("CARGO_BUILD_TARGET_DIR/a/b")).site_root, Path::new("/w/target/a/b"));
    assert_eq!(read(&site("/srv/site")).site_root, Path::new("/srv/site"));
    let mut elsewhere = site("/t");
    elsewhere.target_directory = PathBuf::from("/t/target");
    check_error(
        &elsewhere,
        expect![[r#"
        `site-root` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml: /t contains cargo's target directory; a build replaces everything in the site's folder
        leave `site-root` out for `target/site`, or name a folder that holds nothing else"#]],
    );
}

#[test]
fn values_that_cannot_go_together() {
    check_error(
        &two_packages(json!({"site-addr": "0.0.0.0:3001"})),
        expect![[r#"
        `site-addr` and `reload-port` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml both use port 3001
        give `reload-port` (or `LEPTOS_RELOAD_PORT`) another number; its default is 3001"#]],
    );
    check_error(
        &two_packages(json!({"tailwind-config-file": "a.js"})),
        expect![[r#"
        `tailwind-config-file` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml has no effect without `tailwind-input-file`
        add `tailwind-input-file`, or remove `tailwind-config-file`"#]],
    );
    check_error(
        &two_packages(json!({"output-name": "a/b"})),
        expect![[r#"
        `output-name` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml must be a plain file name, not "a/b"
        it is the base name of script, wasm and style, e.g. "app" for app.js"#]],
    );
    check_error(
        &two_packages(json!({"site-pkg-dir": "../pkg"})),
        expect![[r#"
        `site-pkg-dir` in `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml must be a folder below the site, not "../pkg"
        leave it out for "pkg""#]],
    );
}
