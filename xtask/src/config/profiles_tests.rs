//! Tests of how profiles are resolved.

use expect_test::{Expect, expect};

use super::*;
use crate::exit::{Exit, hint_of};

fn profiles(manifest: &str, config: &str, variables: &[(&str, &str)]) -> anyhow::Result<Profiles> {
    let manifest = parse_toml(manifest, "Cargo.toml")?;
    let config = parse_toml(config, "config.toml")?;
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Profiles::from_parts(manifest.get("profile"), config.get("profile"), variables)
}

fn line(profile: &Profile) -> String {
    format!(
        "{}: opt {} lto {} strip {} debug {} panic {} units {} incremental {} release {} overrides {} in {}",
        profile.name,
        profile.opt_level,
        profile.lto,
        profile.strip,
        profile.debug,
        profile.panic,
        profile.codegen_units,
        profile.incremental,
        profile.inherits_release,
        profile.has_package_overrides,
        profile.target_subdir
    )
}

fn check(profiles: &Profiles, names: &[&str], expected: Expect) {
    let lines: Vec<String> = names.iter().map(|name| line(&profiles.resolve(name).unwrap())).collect();
    expected.assert_eq(&lines.join("\n"));
}

fn check_error(result: anyhow::Result<Profile>, expected: Expect) {
    let error = result.unwrap_err();
    assert_eq!(Exit::of(&error), Exit::Usage);
    expected.assert_eq(&format!("{error}\n{}", hint_of(&error).unwrap_or("-")));
}

#[test]
fn built_in_profiles() {
    check(
        &profiles("", "", &[]).unwrap(),
        &["dev", "test", "release", "bench"],
        expect![[r#"
        dev: opt 0 lto false strip none debug 2 panic unwind units 256 incremental true release false overrides false in debug
        test: opt 0 lto false strip none debug 2 panic unwind units 256 incremental true release false overrides false in debug
        release: opt 3 lto false strip debuginfo debug 0 panic unwind units 16 incremental false release true overrides false in release
        bench: opt 3 lto false strip debuginfo debug 0 panic unwind units 16 incremental false release true overrides false in release"#]],
    );
}

const MANIFEST: &str = "
    [profile.release]
    lto = 'thin'
    [profile.production]
    inherits = 'release'
    codegen-units = 1
    strip = true
    [profile.production-wasm]
    inherits = 'production'
    opt-level = 'z'
    lto = true
    panic = 'abort'
    [profile.quick]
    inherits = 'dev'
    debug = 'line-tables-only'
    opt-level = '1'
    [profile.quick.package.'*']
    opt-level = 3
";

#[test]
fn custom_profiles_inherit_in_steps() {
    let all = profiles(MANIFEST, "", &[]).unwrap();
    check(
        &all,
        &["bench", "production", "production-wasm", "quick"],
        expect![[r#"
        bench: opt 3 lto thin strip debuginfo debug 0 panic unwind units 16 incremental false release true overrides false in release
        production: opt 3 lto thin strip symbols debug 0 panic unwind units 1 incremental false release true overrides false in production
        production-wasm: opt z lto fat strip symbols debug 0 panic abort units 1 incremental false release true overrides false in production-wasm
        quick: opt 1 lto false strip none debug line-tables-only panic unwind units 256 incremental true release false overrides true in quick"#]],
    );
    assert_eq!(all.names().join(" "), "bench dev production production-wasm quick release test");
    assert!(all.contains("quick") && all.contains("dev") && !all.contains("fast"));
}

#[test]
fn settings_are_toml_for_the_command_line() {
    let profile = profiles(MANIFEST, "", &[]).unwrap().resolve("production-wasm").unwrap();
    let lines: Vec<String> = profile.settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
    expect![[r#"
        codegen-units=1
        debug=0
        debug-assertions=false
        incremental=false
        lto='fat'
        opt-level='z'
        overflow-checks=false
        panic='abort'
        rpath=false
        strip='symbols'"#]]
    .assert_eq(&lines.join("\n"));
}

#[test]
fn configuration_wins_over_the_manifest_and_variables_over_both() {
    let config = "[profile.release]\nlto = 'off'\n[profile.local]\ninherits = 'release'\n";
    let variables = [
        ("RELEASE_DEBUG", "1"),
        ("PRODUCTION_WASM_OPT_LEVEL", "s"),
        ("LOCAL_LTO", "true"),
        ("NONE_LTO", "true"),
    ];
    let all = profiles(MANIFEST, config, &variables).unwrap();
    check(
        &all,
        &["release", "production-wasm", "local"],
        expect![[r#"
        release: opt 3 lto off strip none debug 1 panic unwind units 16 incremental false release true overrides false in release
        production-wasm: opt s lto fat strip symbols debug 1 panic abort units 1 incremental false release true overrides false in production-wasm
        local: opt 3 lto fat strip none debug 1 panic unwind units 16 incremental false release true overrides false in local"#]],
    );
}

#[test]
fn a_profile_can_come_from_the_command_line_alone() {
    let all = profiles(MANIFEST, "", &[]).unwrap();
    let profile =
        all.resolve_with("ci", &[("inherits", "'release'"), ("opt-level", "1"), ("lto", "false")]).unwrap();
    expect!["ci: opt 1 lto false strip debuginfo debug 0 panic unwind units 16 incremental false release true overrides false in ci"]
        .assert_eq(&line(&profile));
    assert!(!all.contains("ci"));
}

#[test]
fn errors_say_what_to_do() {
    let all = profiles(
        "[profile.a]\ninherits = 'b'\n[profile.b]\ninherits = 'a'\n[profile.c]\nlto = true\n[profile.d]\n\
         inherits = 'relase'\n[profile.e]\ninherits = 'dev'\ncodegen-units = 0\n",
        "",
        &[],
    )
    .unwrap();
    check_error(
        all.resolve("a"),
        expect![[r#"
        profile `a` inherits from itself: a → b → a
        -"#]],
    );
    check_error(
        all.resolve("c"),
        expect![[r#"
        profile `c` does not say what it inherits from
        add `inherits = "release"` to `[profile.c]` in the root Cargo.toml"#]],
    );
    check_error(
        all.resolve("d"),
        expect![[r#"
        there is no profile `relase`, which `d` inherits from; did you mean `release`?
        profiles: a, b, bench, c, d, dev, e, release, test"#]],
    );
    check_error(
        all.resolve("e"),
        expect![[r#"
        `codegen-units` of profile `e` must be a positive number, not 0
        -"#]],
    );
    check_error(
        all.resolve("wasm"),
        expect![[r#"
        there is no profile `wasm`
        profiles: a, b, bench, c, d, dev, e, release, test"#]],
    );
    let error = profiles("[profile]\ndev = 1\n", "", &[]).unwrap_err();
    assert_eq!(error.to_string(), "`[profile.dev]` must be a table, not the number 1");
}
