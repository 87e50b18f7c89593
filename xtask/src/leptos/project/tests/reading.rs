//! Tests of what a valid table gives.

use expect_test::expect;
use serde_json::{Value, json};

use super::*;

#[test]
fn defaults_of_a_workspace_project() {
    let project = read(&two_packages(json!({})));
    let set: Vec<String> = serde_json::to_value(&project)
        .unwrap()
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, value)| !(value.is_null() || **value == json!([]) || **value == json!(false)))
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    expect![[r#"
        bin_package = {"dir":"/w/crates/server","name":"server"}
        bin_target = "server"
        browserquery = "defaults"
        graceful_shutdown = true
        graceful_shutdown_timeout_secs = 10
        graceful_shutdown_unix_signal = "SIGINT"
        js_dir = "/w/src"
        js_minify = true
        lib_package = {"dir":"/w/crates/front","name":"front","target":"front"}
        name = "app"
        output_name = "app"
        reload_port = 3001
        site_addr = "127.0.0.1:3000"
        site_pkg_dir = "pkg"
        site_root = "/w/target/site""#]]
    .assert_eq(&set.join("\n"));
}

#[test]
fn both_layouts_resolve_paths_from_their_manifest() {
    let keys = json!({"style-file": "style/main.css", "assets-dir": "./public", "end2end-dir": "../e2e",
        "site-root": "site", "tailwind-input-file": "tw.css", "tailwind-config-file": "tw.js",
        "front-target-dir": "CARGO_TARGET_DIR/wasm", "js-dir": "js", "watch-additional-files": ["data"]});
    let show = |project: &Project| {
        let files = [
            &project.style_file,
            &project.assets_dir,
            &project.end2end_dir,
            &Some(project.tailwind.as_ref().unwrap().input_file.clone()),
            &project.tailwind.as_ref().unwrap().config_file,
            &project.front_target_dir,
        ];
        let files = files.map(|path| path.as_ref().unwrap().display().to_string()).join(" ");
        let watched = project.watch_additional_files[0].paths[0].display();
        format!("{files} {} {} {watched}", project.site_root.display(), project.js_dir.display())
    };
    let project = read(&two_packages(keys.clone()));
    expect!["/w/style/main.css /w/public /e2e /w/tw.css /w/tw.js /w/target/wasm /w/site /w/js /w/data"]
        .assert_eq(&show(&project));
    let project = read(&workspace(Value::Null, &[one_package("my-app", "/w/apps/my-app", keys)]));
    expect!["/w/apps/my-app/style/main.css /w/apps/my-app/public /w/apps/e2e /w/apps/my-app/tw.css /w/apps/my-app/tw.js /w/target/wasm /w/site /w/js /w/data"]
        .assert_eq(&show(&project));
    assert_eq!(project.output_name, "my-app");
    assert_eq!(project.lib_package.target, "my_app");
    assert_eq!(
        (project.bin_target.as_str(), project.bin_package.dir.as_path()),
        ("my-app", Path::new("/w/apps/my-app"))
    );
}

#[test]
fn features_for_both_halves_are_in_both_lists() {
    let project = read(&two_packages(
        json!({"features": ["a"], "lib-features": ["hydrate", "a"], "bin-features": ["ssr"]}),
    ));
    assert_eq!(project.lib_features, ["hydrate", "a"]);
    assert_eq!(project.bin_features, ["ssr", "a"]);
}

#[test]
fn variables_win_over_the_manifest() {
    let workspace = two_packages(
        json!({"output-name": "x", "site-addr": "1.2.3.4:80", "hash-files": false, "site-root": "s"}),
    );
    let variables = [
        ("LEPTOS_OUTPUT_NAME", "out"),
        ("LEPTOS_SITE_ROOT", "CARGO_TARGET_DIR/other"),
        ("LEPTOS_SITE_PKG_DIR", "p"),
        ("LEPTOS_SITE_ADDR", "0.0.0.0:8080"),
        ("LEPTOS_RELOAD_PORT", "9"),
        ("LEPTOS_HASH_FILES", "true"),
        ("LEPTOS_HASH_FILE_NAME", "h.txt"),
        ("LEPTOS_STYLE_FILE", "s.css"),
        ("LEPTOS_BIN_TARGET", ""),
        ("LEPTOS_JS_MINIFY", "false"),
        ("LEPTOS_WASM_OPT_FEATURES", "-Oz, --x"),
        ("LEPTOS_GRACEFUL_SHUTDOWN_UNIX_SIGNAL", "sigterm"),
        ("SERVER_FN_PREFIX", "/fn"),
        ("DISABLE_SERVER_FN_HASH", "0"),
        ("LEPTOS_ENV", "PROD"),
    ];
    let (project, _) = describe(&workspace, &environment(&variables), None, Path::new("/w")).unwrap();
    assert_eq!((project.output_name.as_str(), project.site_pkg_dir.as_str()), ("out", "p"));
    assert_eq!(project.site_root, Path::new("/w/target/other"));
    assert_eq!((project.site_addr.to_string().as_str(), project.reload_port), ("0.0.0.0:8080", 9));
    assert!(project.hash_files && !project.js_minify && project.disable_server_fn_hash);
    assert_eq!(project.hash_file_name.as_deref(), Some("h.txt"));
    assert_eq!(project.style_sources, [Path::new("/w/s.css")]);
    assert_eq!(project.wasm_opt_features.unwrap(), ["-Oz", "--x"]);
    assert_eq!(project.graceful_shutdown_unix_signal, "SIGTERM");
    assert_eq!(project.server_fn_prefix.as_deref(), Some("/fn"));
}
