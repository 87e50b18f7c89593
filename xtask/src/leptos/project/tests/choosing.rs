//! Tests of which project is meant.

use expect_test::expect;
use serde_json::{Value, json};

use super::*;

#[test]
fn no_project_or_no_proper_one() {
    check_error(
        &workspace(Value::Null, &members()),
        expect![[r#"
        there is no Leptos project: Cargo.toml has no `[[workspace.metadata.leptos]]`, and no member's Cargo.toml has a `[package.metadata.leptos]`
        add to the Cargo.toml of the workspace:
        [[workspace.metadata.leptos]]
        name = "app"
        bin-package = "package-with-the-server"
        lib-package = "package-with-the-cdylib""#]],
    );
    check_error(
        &workspace(json!({"leptos": {"name": "app"}}), &members()),
        expect![[r#"
        `workspace.metadata.leptos` in Cargo.toml must be a list of tables
        write `[[workspace.metadata.leptos]]` with two brackets on each side"#]],
    );
    check_error(
        &workspace(json!({"leptos": [{"lib-package": "front"}]}), &members()),
        expect![[r#"
        `[[workspace.metadata.leptos]]` in Cargo.toml lacks `name`
        add `name = "…"` there"#]],
    );
    check_error(
        &workspace(json!({"leptos": [{"name": "app", "lib-package": "front"}]}), &members()),
        expect![[r#"
        `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml lacks `bin-package`
        add `bin-package = "…"` there"#]],
    );
    let double = [one_package("app", "/w/a", json!({}))];
    let table = json!({"leptos": [{"name": "app", "lib-package": "app", "bin-package": "app"}]});
    check_error(
        &workspace(table, &double),
        expect![[r#"
        two Leptos projects are called `app`: `[[workspace.metadata.leptos]]` (project `app`) in Cargo.toml and `[package.metadata.leptos]` in a/Cargo.toml
        rename one, or remove one of the two tables"#]],
    );
}

#[test]
fn one_of_several_is_chosen_by_name_or_by_folder() {
    let mut packages = members();
    packages.push(one_package("admin", "/w/apps/admin", json!({})));
    let table = json!({"leptos": [{"name": "app", "lib-package": "front", "bin-package": "server"}]});
    let all = workspace(table, &packages);
    let named = |chosen: Option<&str>, cwd: &str| resolve(&all, &BTreeMap::new(), chosen, Path::new(cwd));
    assert_eq!(named(Some("admin"), "/w").unwrap().name, "admin");
    assert_eq!(named(None, "/w/apps/admin/src").unwrap().name, "admin");
    assert_eq!(named(None, "/w/apps").unwrap().name, "admin");
    assert_eq!(named(None, "/w/crates/server").unwrap().name, "app");
    assert_eq!(named(Some("app"), "/w/apps/admin").unwrap().name, "app");
    expect![[r#"
        there are 2 Leptos projects: app, admin
        choose one with `--project NAME`, or go to the folder of one of its packages"#]]
    .assert_eq(&error_text(named(None, "/w")));
    expect![[r#"
        there are 2 Leptos projects: app, admin
        choose one with `--project NAME`, or go to the folder of one of its packages"#]]
    .assert_eq(&error_text(named(None, "/w/crates/core")));
    expect![[r#"
        there is no Leptos project `amdin`; did you mean `admin`?
        projects: admin, app"#]]
    .assert_eq(&error_text(named(Some("amdin"), "/w")));
}
