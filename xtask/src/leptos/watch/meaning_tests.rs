//! Tests of what a change means.

use serde_json::json;

use super::*;

/// A workspace in which `/w/crates/xtask` is in no half.
fn workspace() -> Workspace {
    let package = |name: &str| {
        let folder = format!("/w/crates/{name}");
        let target = json!({"name": name, "kind": ["lib"], "crate_types": ["lib"],
                            "src_path": format!("{folder}/src/lib.rs")});
        json!({"name": name, "manifest_path": format!("{folder}/Cargo.toml"), "targets": [target]})
    };
    let packages = ["front", "server", "ui", "xtask"].map(package);
    let whole = json!({"workspace_root": "/w", "target_directory": "/w/target", "packages": packages,
                       "metadata": {"leptos": [{"name": "app", "lib-package": "front", "bin-package": "server"}]}});
    Workspace::parse(&whole.to_string()).unwrap()
}

fn project() -> Project {
    let mut workspace = workspace();
    for (package, kind) in [(0, "cdylib"), (1, "bin")] {
        let target = &mut workspace.packages[package].targets[0];
        (target.kind, target.crate_types) = (vec![kind.to_owned()], vec![kind.to_owned()]);
    }
    let mut project =
        super::super::super::project::resolve(&workspace, &BTreeMap::new(), None, Path::new("/w")).unwrap();
    project.style_file = Some("/w/style/main.scss".into());
    project.style_sources = vec!["/w/style/main.scss".into(), "/w/shared/reset.css".into()];
    project.assets_dir = Some("/w/public".into());
    project
}

fn paths(files: &[&str]) -> Option<Vec<PathBuf>> {
    Some(files.iter().map(|file| Path::new("/w").join(file)).collect())
}

fn watched() -> Watched {
    let front = paths(&["crates/front/src/lib.rs", "crates/ui/src/lib.rs", "crates/ui/src/page.rs"]);
    let server = paths(&[
        "crates/server/src/main.rs",
        "crates/server/build.rs",
        "crates/ui/src/lib.rs",
        "crates/ui/src/page.rs",
        "LICENSE",
    ]);
    Watched::new(&project(), &workspace(), front, server)
}

fn shown(work: Work) -> String {
    if work == Work::ALL {
        return "everything".to_owned();
    }
    let parts = [
        (work.front, "front"),
        (work.server, "server"),
        (work.style, "style"),
        (work.assets, "assets"),
        (work.restart, "restart"),
        (work.configuration, "configuration"),
    ];
    parts.iter().filter(|(is_part, _)| *is_part).map(|(_, name)| *name).collect::<Vec<_>>().join(" ")
}

fn work_with(watched: &Watched, kind: Kind, file: &str, failed: Work) -> String {
    let path = Path::new("/w").join(file);
    if !watched.counts(&path) {
        return "ignored".to_owned();
    }
    shown(watched.work(&Change { path, kind, time: None }, failed))
}

fn work(kind: Kind, file: &str) -> String {
    work_with(&watched(), kind, file, NONE)
}

#[test]
fn a_source_belongs_to_the_halves_that_it_was_compiled_into() {
    for kind in [Kind::Edited, Kind::Removed] {
        assert_eq!(work(kind, "crates/ui/src/page.rs"), "front server");
        assert_eq!(work(kind, "crates/front/src/lib.rs"), "front");
        assert_eq!(work(kind, "crates/server/src/main.rs"), "server");
        assert_eq!(work(kind, "crates/server/build.rs"), "server");
        assert_eq!(work(kind, "LICENSE"), "server");
    }
}

#[test]
fn style_and_assets_compile_nothing() {
    assert_eq!(work(Kind::Edited, "style/main.scss"), "style");
    assert_eq!(work(Kind::Edited, "shared/reset.css"), "style");
    assert_eq!(work(Kind::New, "style/parts/button.scss"), "style");
    assert_eq!(work(Kind::New, "style/logo.svg"), "");
    assert_eq!(work(Kind::New, "public/.well-known/security.txt"), "assets");
    assert_eq!(work(Kind::Removed, "public/logo.svg"), "assets");
}

#[test]
fn configuration_is_everything() {
    for file in ["Cargo.toml", "Cargo.lock", ".env", ".cargo/config.toml", "crates/ui/Cargo.toml"] {
        assert_eq!(work(Kind::Edited, file), "everything", "{file}");
    }
    assert_eq!(work(Kind::Edited, "crates/xtask/Cargo.toml"), "");
    assert_eq!(work(Kind::Edited, "crates/xtask/src/lib.rs"), "");
}

#[test]
fn new_files_count_where_sources_are() {
    assert_eq!(work(Kind::New, "crates/ui/src/pages/new.rs"), "front server");
    assert_eq!(work(Kind::New, "crates/server/src/new.rs"), "server");
    assert_eq!(work(Kind::New, "crates/server/notes.md"), "");
    // A test beside the sources: it is in no half, and stays so.
    assert_eq!(work(Kind::Edited, "crates/ui/src/tests.rs"), "");
    assert_eq!(work(Kind::Removed, "crates/ui/src/tests.rs"), "");
}

#[test]
fn while_a_half_fails_all_that_may_be_in_it_counts() {
    let watched = watched();
    assert_eq!(work_with(&watched, Kind::Edited, "crates/ui/src/unused.rs", SERVER), "server");
    assert_eq!(work_with(&watched, Kind::Edited, "crates/front/src/unused.rs", SERVER), "");
    let never = Watched::new(&project(), &workspace(), None, None);
    assert_eq!(work_with(&never, Kind::New, "crates/xtask/src/new.rs", NONE), "front server");
    assert_eq!(work_with(&never, Kind::Edited, "crates/ui/src/lib.rs", Work::ALL), "front server");
    assert_eq!(work_with(&never, Kind::Edited, "crates/ui/Cargo.toml", NONE), "everything");
}

#[test]
fn what_builds_and_editors_write_is_ignored() {
    for file in [
        "target/debug/build/x/out/gen.rs",
        "target/site/pkg/app.js",
        "crates/ui/src/.page.rs.swp",
        "crates/ui/src/page.rs~",
        "crates/ui/src/4913",
        "crates/ui/src/.#page.rs",
        "style/#main.scss#",
    ] {
        assert_eq!(work(Kind::New, file), "ignored", "{file}");
    }
    assert_eq!(work(Kind::New, "crates/ui/src/.hidden/page.rs"), "");
}

#[test]
fn additional_files_mean_what_the_metadata_says() {
    let mut project = project();
    let entry = |path: &str, extensions: &[&str], changes: &[&str]| {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        super::super::super::project::WatchedFiles {
            paths: vec![Path::new("/w").join(path)],
            extensions: owned(extensions),
            change_types: owned(changes),
        }
    };
    project.watch_additional_files = vec![
        entry("locales.toml", &[], &["additional"]),
        entry("sql", &[], &["bin-source", "asset"]),
        entry("leptos.conf", &[], &["conf"]),
    ];
    let watched = Watched::new(&project, &workspace(), paths(&[]), paths(&[]));
    assert_eq!(work_with(&watched, Kind::Edited, "locales.toml", NONE), "front server restart");
    assert_eq!(work_with(&watched, Kind::Edited, "leptos.conf", NONE), "everything");
    // Not a folder here, where there is no `/w`.
    assert_eq!(work_with(&watched, Kind::Edited, "sql", NONE), "server assets");
}
