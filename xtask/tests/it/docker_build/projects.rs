//! The same Dockerfile for a project of another shape than the fixture's own: both halves in one package of two binaries,
//! a style sheet in Sass, and plain names in a folder of the project's choice; three other projects stand beside it.

use serde_json::{Value, json};

use super::{Site, packages, states};
use crate::drivers::layouts::{SOLO, workspace};
use crate::smoke::{line, with_verdict};

#[test]
fn one_package_for_both_halves_with_a_sheet_in_sass() {
    let Some(mut site) = Site::of(workspace) else { return };
    site.workspace.set("SCCACHE_BUCKET", "");
    let manifest = "apps/solo/Cargo.toml";
    // A command in cargo's place has no counterpart among those that cook.
    site.workspace.edit(manifest, "bin-cargo-command = \"cargo --color never\"\n", "");
    site.workspace.edit(manifest, "\"style.css\"\n", "\"style.scss\"\nsite-pkg-dir = \"a/b\"\n");
    site.workspace
        .write("apps/solo/style.scss", "@use \"ink\";\n\nmain {\n  p {\n    color: ink.$ink;\n  }\n}\n");
    site.workspace.write("apps/solo/_ink.scss", "$ink: #204060;\n");
    let root = site.workspace.read("Cargo.toml");
    let chosen = format!("{root}\n[workspace.metadata.xtask]\nproject = \"{SOLO}\"\n");
    site.workspace.write("Cargo.toml", &chosen);
    // Something that no builder has built before; what was cooked before may be used.
    let unique = format!("{} {}", site.registry.address(), std::process::id());
    site.workspace.write("unique", &unique);
    site.generate();

    let built = site.built(&["--push"]);
    assert_eq!(built["project"], SOLO);
    for half in ["front", "server"] {
        assert_eq!(packages(&built, half), ["fixture-core", "fixture-ui", "solo"], "{built:#}");
    }
    assert_eq!(built["after_cook"]["dependencies"], json!([]), "{built:#}");
    assert_eq!(states(&built, "cargo chef cook").len(), 2, "{built:#}");
    let digest = built["digest"].as_str().unwrap();
    let image = site.registry.manifest("team/fixture", digest).json();
    let sheet = String::from_utf8(site.file_of(&image, "app/site/a/b/solo.css")).unwrap();
    assert!(sheet.contains("main p") && sheet.contains("#204060"), "{sheet}");

    let image = format!("{}@{digest}", site.image());
    let smoke = ["docker", "smoke", &image, "--health-path", "/api/health", "--format", "json"];
    let run = site.workspace.xtask(&smoke);
    let smoked: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
    assert_eq!(with_verdict(&smoked, "failed"), [""; 0], "{smoked:#}");
    assert_eq!(smoked["result"], "ok", "{smoked:#}");
    for (check, found) in
        [("script", "ok: /a/b/solo.js text/javascript"), ("style", "ok: /a/b/solo.css text/css")]
    {
        assert!(line(&smoked, check).starts_with(found), "{smoked:#}");
    }
}
