//! Reads one project's table, and the variables that override it, into a [`Project`].

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::choice::Definition;
use super::keys::Keys;
use super::{DEFAULT_BROWSERS, NOT_SCANNED, Project, Tailwind, absolute, packages, style, tailwind};
use crate::config::keys::Section;
use crate::exit::Failure;
use crate::facts::workspace::Workspace;

/// Reads all settings; unknown keys are errors.
pub fn read(
    definition: &Definition<'_>,
    workspace: &Workspace,
    environment: &BTreeMap<String, String>,
) -> anyhow::Result<Project> {
    let section = Section::new(definition.place.clone(), definition.table)?;
    let mut keys = Keys { section, environment, base: &definition.base, root: &workspace.root };
    if definition.of_workspace {
        for key in ["name", "bin-package", "lib-package"] {
            keys.section.value(key);
        }
    }
    let bin_target = keys.text("bin-target", "LEPTOS_BIN_TARGET")?;
    let features = keys.section.texts("features")?.unwrap_or_default();
    let style_file = keys.path("style-file", "LEPTOS_STYLE_FILE")?;
    let style_bundle = keys.flag("style-bundle", "LEPTOS_STYLE_BUNDLE")?.unwrap_or(false);
    for_others(&mut keys)?;
    let mut project = Project {
        name: definition.name.clone(),
        lib_package: packages::lib_package(definition, workspace)?,
        bin_package: packages::bin_package(definition, workspace)?,
        bin_target: packages::bin_target(definition, workspace, bin_target.as_deref())?,
        output_name: keys
            .text("output-name", "LEPTOS_OUTPUT_NAME")?
            .unwrap_or_else(|| definition.name.clone()),

        site_root: {
            let written = keys.text("site-root", "LEPTOS_SITE_ROOT")?;
            with_marker(workspace, written.as_deref().unwrap_or("CARGO_TARGET_DIR/site"))
        },
        site_pkg_dir: keys.text("site-pkg-dir", "LEPTOS_SITE_PKG_DIR")?.unwrap_or("pkg".to_owned()),
        site_addr: keys.site_addr()?,
        reload_port: keys.port("reload-port", "LEPTOS_RELOAD_PORT")?.unwrap_or(3001),
        reload_external_port: keys.port("reload-external-port", "")?,
        reload_ws_protocol: keys.section.text("reload-ws-protocol")?,

        style_sources: style_file
            .as_deref()
            .map(|file| style::sources(file, style_bundle))
            .unwrap_or_default(),
        style_file,
        style_bundle,
        tailwind: None,
        browserquery: keys
            .text("browserquery", "LEPTOS_BROWSERQUERY")?
            .unwrap_or(DEFAULT_BROWSERS.to_owned()),
        assets_dir: keys.path("assets-dir", "LEPTOS_ASSETS_DIR")?,

        hash_files: keys.flag("hash-files", "LEPTOS_HASH_FILES")?.unwrap_or(false),
        hash_file_name: keys.text("hash-file-name", "LEPTOS_HASH_FILE_NAME")?,
        js_minify: keys.flag("js-minify", "LEPTOS_JS_MINIFY")?.unwrap_or(true),
        wasm_opt_features: keys.wasm_opt_features()?,

        lib_features: joined(keys.section.texts("lib-features")?, &features),
        bin_features: joined(keys.section.texts("bin-features")?, &features),
        lib_default_features: keys.section.flag("lib-default-features")?.unwrap_or(false),
        bin_default_features: keys.section.flag("bin-default-features")?.unwrap_or(false),
        lib_cargo_args: keys.section.texts("lib-cargo-args")?,
        bin_cargo_args: keys.section.texts("bin-cargo-args")?,
        lib_profile_dev: keys.section.text("lib-profile-dev")?,
        lib_profile_release: keys.section.text("lib-profile-release")?,
        bin_profile_dev: keys.section.text("bin-profile-dev")?,
        bin_profile_release: keys.section.text("bin-profile-release")?,
        bin_target_triple: keys.text("bin-target-triple", "LEPTOS_BIN_TARGET_TRIPLE")?,
        bin_target_dir: keys.text("bin-target-dir", "LEPTOS_BIN_TARGET_DIR")?,
        front_target_dir: keys
            .section
            .text("front-target-dir")?
            .map(|written| with_marker(workspace, &written)),
        bin_cargo_command: keys.command("bin-cargo-command", "LEPTOS_BIN_CARGO_COMMAND")?,
        bin_exe_name: keys.text("bin-exe-name", "LEPTOS_BIN_EXE_NAME")?,

        server_fn_prefix: keys.text("server-fn-prefix", "SERVER_FN_PREFIX")?,
        disable_server_fn_hash: keys.disable_server_fn_hash()?,
        server_fn_mod_path: keys.section.flag("server-fn-mod-path")?.unwrap_or(false),
        disable_erase_components: keys.section.flag("disable-erase-components")?.unwrap_or(false),
        always_erase_components: keys.section.flag("always-erase-components")?.unwrap_or(false),

        js_dir: absolute(&workspace.root, keys.section.text("js-dir")?.unwrap_or("src".to_owned())),
        watch_additional_files: keys.watched_files()?,
        end2end_dir: keys.path("end2end-dir", "LEPTOS_END2END_DIR")?,
        graceful_shutdown: keys.flag("graceful-shutdown", "LEPTOS_GRACEFUL_SHUTDOWN")?.unwrap_or(true),
        graceful_shutdown_timeout_secs: keys.shutdown_timeout()?,
        graceful_shutdown_unix_signal: keys.shutdown_signal()?,
    };
    let (input, config) = (keys.path("tailwind-input-file", "")?, keys.path("tailwind-config-file", "")?);
    let version = environment.get("LEPTOS_TAILWIND_VERSION").filter(|version| !version.is_empty());
    project.tailwind = tailwind(&project, workspace, definition, (input, config), version)?;
    keys.section.finish()?;
    check(&project, &definition.place)?;
    Ok(project)
}

/// Keys that change nothing in a build of ours; a wrong value is an error all the same.
fn for_others(keys: &mut Keys<'_>) -> anyhow::Result<()> {
    // The server reads these itself, where it is given the manifest.
    for key in ["env", "hash-file", "not-found-path"] {
        keys.section.text(key)?;
    }
    keys.section.flag("watch")?;
    // For `cargo leptos end-to-end`.
    keys.section.text("end2end-cmd")?;
    // It has meant nothing since cargo-leptos 0.2.3, but is still in manifests.
    keys.section.flag("separate-front-target-dir")?;
    Ok(())
}

/// What Tailwind is to do. `version` is what the user asked for.
fn tailwind(
    project: &Project,
    workspace: &Workspace,
    definition: &Definition<'_>,
    (input_file, config_file): (Option<PathBuf>, Option<PathBuf>),
    version: Option<&String>,
) -> anyhow::Result<Option<Tailwind>> {
    let Some(input_file) = input_file else {
        if config_file.is_none() {
            return Ok(None);
        }
        let place = &definition.place;
        let message =
            format!("`tailwind-config-file` in {place} has no effect without `tailwind-input-file`");
        let hint = "add `tailwind-input-file`, or remove `tailwind-config-file`";
        return Err(Failure::usage(message).hint(hint).into());
    };
    let version = version.map(|version| version.strip_prefix('v').unwrap_or(version));
    let is_version =
        |text: &str| text.split('.').count() == 3 && text.starts_with(|c: char| c.is_ascii_digit());
    if let Some(odd) = version.filter(|version| !is_version(version)) {
        let message =
            format!("`LEPTOS_TAILWIND_VERSION` must be a version such as \"v4.2.1\", not \"{odd}\"");
        return Err(Failure::usage(message).into());
    }
    let mut tailwind =
        Tailwind { input_file, config_file, version: version.map(str::to_owned), ..Tailwind::default() };
    if tailwind.has_config() {
        tailwind.config_file.get_or_insert_with(|| definition.base.join("tailwind.config.js"));
        tailwind.sources = vec![tailwind.input_file.clone()];
        tailwind.sources.extend(tailwind.config_file.clone());
    } else {
        let not_sources = project.not_sources(workspace);
        let inside = |path: &Path| {
            let skipped =
                path.components().any(|part| NOT_SCANNED.iter().any(|name| part.as_os_str() == *name));
            path.starts_with(&workspace.root)
                && !skipped
                && !not_sources.iter().any(|folder| path.starts_with(folder))
        };
        let found = tailwind::sources(&tailwind.input_file, &inside);
        (tailwind.sources, tailwind.closed) = (found.files, found.closed);
    }
    Ok(Some(tailwind))
}

/// A path relative to the workspace, where a first part of `CARGO_TARGET_DIR` stands for the target directory.
fn with_marker(workspace: &Workspace, written: &str) -> PathBuf {
    let marked = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"]
        .iter()
        .find_map(|marker| Path::new(written).strip_prefix(marker).ok());
    match marked {
        Some(rest) => absolute(&workspace.target_directory, rest),
        None => absolute(&workspace.root, written),
    }
}

fn joined(own: Option<Vec<String>>, both: &[String]) -> Vec<String> {
    let mut all = own.unwrap_or_default();
    for feature in both {
        if !all.contains(feature) {
            all.push(feature.clone());
        }
    }
    all
}

/// What no single key can be blamed for.
fn check(project: &Project, place: &str) -> anyhow::Result<()> {
    let fail = |message: String, hint: &str| Err(Failure::usage(message).hint(hint).into());
    if project.site_addr.port() == project.reload_port {
        return fail(
            format!("`site-addr` and `reload-port` in {place} both use port {}", project.reload_port),
            "give `reload-port` (or `LEPTOS_RELOAD_PORT`) another number; its default is 3001",
        );
    }
    if project.bin_target_triple.as_deref().is_some_and(|triple| triple.starts_with("wasm")) {
        return fail(
            format!(
                "`bin-target-triple` in {place} is a wasm target; a server there is a library, not a program"
            ),
            "xtask builds servers that run on their own; `cargo leptos build` makes the library",
        );
    }
    let plain = |name: &str| !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\']);
    if !plain(&project.output_name) {
        return fail(
            format!("`output-name` in {place} must be a plain file name, not \"{}\"", project.output_name),
            "it is the base name of script, wasm and style, e.g. \"app\" for app.js",
        );
    }
    let inside =
        |folder: &str| Path::new(folder).components().all(|part| matches!(part, Component::Normal(_)));
    if !inside(&project.site_pkg_dir) {
        return fail(
            format!(
                "`site-pkg-dir` in {place} must be a folder below the site, not \"{}\"",
                project.site_pkg_dir
            ),
            "leave it out for \"pkg\"",
        );
    }
    Ok(())
}

/// What the site is made from has to be there before anything is compiled for it.
pub fn check_files(
    project: &Project,
    workspace: &Workspace,
    source: impl Fn(&str) -> String,
) -> anyhow::Result<()> {
    let style = project.style_file.as_deref().map(|path| ("style-file", path, "file"));
    let assets = project.assets_dir.as_deref().map(|path| ("assets-dir", path, "folder"));
    let tailwind = project.tailwind.as_ref();
    let input = tailwind.map(|tailwind| ("tailwind-input-file", tailwind.input_file.as_path(), "file"));
    let config = tailwind
        .filter(|tailwind| tailwind.has_config())
        .and_then(|tailwind| Some(("tailwind-config-file", tailwind.config_file.as_deref()?, "file")));
    let is_there = |kind: &str, path: &Path| if kind == "file" { path.is_file() } else { path.is_dir() };
    let all = [style, assets, input, config].into_iter().flatten();
    let Some((key, path, kind)) = all.into_iter().find(|(_, path, kind)| !is_there(kind, path)) else {
        return Ok(());
    };
    let problem = if path.exists() { format!("is not a {kind}") } else { "does not exist".to_owned() };
    let shown = path.strip_prefix(&workspace.root).unwrap_or(path).display();
    let hint = format!(
        "create the {kind}, or correct the path, which is relative to the folder of the table's Cargo.toml"
    );
    Err(Failure::usage(format!("{}: {shown} {problem}", source(key))).hint(hint).into())
}
