//! The variables that a Leptos server reads when it starts: complete, and the same as those of the build.

use super::super::calls::Kind;
use super::super::dockerfile::instruction::Form;
use super::super::dockerfile::words::Value;
use super::super::facts::{Facts, Recipe};
use super::super::rule::{InFile, Rule};
use super::settings::{self, Settings};
use super::{files, halves, started};
use crate::record::doctor::Severity;

const MISSING: Rule = Rule {
    name: "leptos-environment-missing",
    severity: Severity::Error,
    reason: "The server does not know where its site is or what its files are called: it does not start, or pages \
             come without script, wasm and style.",
    fix: "set them with ENV in the last stage; `cargo xtask docker pack` sets all of them",
};

const INCOMPLETE: Rule = Rule {
    name: "leptos-environment-incomplete",
    severity: Severity::Note,
    reason: "The server then uses the name that was compiled into it, which is right only as long as cargo-leptos \
             or xtask compiles it with every build.",
    fix: "set LEPTOS_OUTPUT_NAME with ENV in the last stage too",
};

const MISMATCH: Rule = Rule {
    name: "leptos-environment-mismatch",
    severity: Severity::Error,
    reason: "Pages link to files of another name than those that the build has written: script, wasm and style are \
             not found.",
    fix: "give the variable the value of the project's metadata",
};

const NOT_PRODUCTION: Rule = Rule {
    name: "leptos-env-not-production",
    severity: Severity::Warning,
    reason: "LEPTOS_ENV is DEV unless something else is said: pages may then look for a reload socket that is not \
             there.",
    fix: "set `ENV LEPTOS_ENV=PROD`",
};

const HASH_FILES_UNSET: Rule = Rule {
    name: "hash-files-unset",
    severity: Severity::Error,
    reason: "The files of the site have digests in their names and the server does not know it: script, wasm and \
             style are not found.",
    fix: "set `ENV LEPTOS_HASH_FILES=true`",
};

const TABLE: Rule = Rule {
    name: "leptos-manifest-missing",
    severity: Severity::Error,
    reason: "The server reads its settings from that file when it starts, and ends at once where it does not find \
             them.",
    fix: "copy the manifest with the Leptos table there, or call `get_configuration(None)` and set the variables \
             with ENV",
};

pub const ALL: &[&Rule] = &[&MISSING, &INCOMPLETE, &MISMATCH, &NOT_PRODUCTION, &HASH_FILES_UNSET, &TABLE];

pub fn check(facts: &Facts<'_>, recipe: &Recipe, found: &mut InFile<'_>) {
    let Some(end) = recipe.end().filter(|_| recipe.is_app) else { return };
    if !recipe.is_leptos() {
        return;
    }
    let command: String = end.entrypoint.iter().chain(&end.command).map(|(form, _)| text(form)).collect();
    let is_script = started::is_script(recipe);
    let is_set = |name: &str| is_script || end.env.contains_key(name) || command.contains(name);
    let project = recipe.leptos.as_ref();
    let settings = settings::of(facts, recipe);
    if let Settings::Missing(what) = &settings {
        found.add(&TABLE, recipe.image_line(), what.clone());
    }
    let reads = settings::may_be_table(&settings, recipe);
    let says = |key: &str| reads && project.is_none_or(|project| project.says(key));
    let site = match project {
        Some(project) if says("site-root") => project.site_root.as_str(),
        // Of a table without it, leptos_config makes the folder that the server runs in.
        _ if settings == Settings::Table => ".",
        _ => "target/site",
    };
    let usual = settings == Settings::Unknown && files::may_be_at(recipe, &end.path("target/site"));
    let has_default_site = usual || files::may_be_at(recipe, &end.path(site));
    let lacks_name = !says("output-name") && !is_set("LEPTOS_OUTPUT_NAME");
    let is_other_folder = project.is_some_and(|project| project.site_pkg_dir != "pkg");
    // Of a table without a name no settings can be made.
    let has_no_name = settings == Settings::Table || is_built_without_name(recipe);
    let wanted = [
        ("LEPTOS_OUTPUT_NAME", lacks_name && has_no_name),
        ("LEPTOS_SITE_ROOT", !has_default_site && !is_set("LEPTOS_SITE_ROOT")),
        ("LEPTOS_SITE_PKG_DIR", !reads && is_other_folder && !is_set("LEPTOS_SITE_PKG_DIR")),
    ];
    let missing: Vec<&str> =
        wanted.iter().filter(|(_, is_missing)| *is_missing).map(|(name, _)| *name).collect();
    if !missing.is_empty() {
        found.add(&MISSING, recipe.image_line(), format!("not set: {}", missing.join(", ")));
    }
    if lacks_name && !missing.contains(&"LEPTOS_OUTPUT_NAME") {
        found.add(&INCOMPLETE, recipe.image_line(), "LEPTOS_OUTPUT_NAME is not set");
    }
    match end.env.get("LEPTOS_ENV").map(|variable| (&variable.value, variable.line)) {
        Some((Value::Known(value), line))
            if !["prod", "production"].contains(&value.to_ascii_lowercase().as_str()) =>
        {
            found.add(&NOT_PRODUCTION, line, format!("`ENV LEPTOS_ENV={value}`"));
        }
        None if !is_set("LEPTOS_ENV") => {
            let is_said = project
                .and_then(|project| project.env.as_deref())
                .is_some_and(|env| env.eq_ignore_ascii_case("prod"));
            if !(reads && is_said) {
                found.add(&NOT_PRODUCTION, recipe.image_line(), "LEPTOS_ENV is not set");
            }
        }
        _ => {}
    }
    let Some(project) = project else { return };
    for (name, wanted) in
        [("LEPTOS_OUTPUT_NAME", &project.output_name), ("LEPTOS_SITE_PKG_DIR", &project.site_pkg_dir)]
    {
        let Some(variable) = end.env.get(name) else { continue };
        if let Value::Known(value) = &variable.value
            && value != wanted
        {
            let text = format!(
                "{name} is `{value}`, and the project's is `{wanted}` ({}:{})",
                project.manifest, project.line
            );
            found.add_with(&MISMATCH, variable.line, text, format!("set `ENV {name}={wanted}`"));
        }
    }
    if project.hash_files {
        let value = end.env.get("LEPTOS_HASH_FILES").map(|variable| (&variable.value, variable.line));
        match value {
            Some((Value::Known(value), line)) if value != "true" => {
                found.add(
                    &HASH_FILES_UNSET,
                    line,
                    format!("`ENV LEPTOS_HASH_FILES={value}`, and the project has hash-files"),
                );
            }
            None if !reads && !is_set("LEPTOS_HASH_FILES") => {
                let text = format!(
                    "the project has hash-files ({}:{}), the image no LEPTOS_HASH_FILES",
                    project.manifest, project.line
                );
                found.add(&HASH_FILES_UNSET, recipe.image_line(), text);
            }
            _ => {}
        }
    }
}

/// Whether the server is compiled here by plain cargo, without the name that cargo-leptos and xtask compile into it.
fn is_built_without_name(recipe: &Recipe) -> bool {
    let mut servers = halves::builds(recipe).filter(|build| !build.is_wasm()).peekable();
    servers.peek().is_some()
        && servers.all(|build| build.kind == Kind::Build && !build.env.contains_key("LEPTOS_OUTPUT_NAME"))
}

fn text(form: &Form) -> String {
    match form {
        Form::Shell(text) => text.text.clone(),
        Form::Exec(words) => words.join(" "),
    }
}
