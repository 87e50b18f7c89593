//! What a server reads its settings from when it starts, and whether the image has that.

use super::super::facts::{Facts, Recipe};
use super::super::sources::{self, Configuration};
use super::files;

/// Where the settings come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settings {
    /// From variables alone.
    Variables,
    /// From the project's table too; variables win over it.
    Table,
    /// From a file that is not in the image, or from one without such a table: what is wrong, in words.
    Missing(String),
    /// Nobody can tell.
    Unknown,
}

/// What the sources say, compared with what is copied into the image.
pub fn of(facts: &Facts<'_>, recipe: &Recipe) -> Settings {
    let path = match sources::configuration(&facts.repository.sources) {
        Configuration::Variables => return Settings::Variables,
        Configuration::Unknown => return Settings::Unknown,
        Configuration::File(path) => path,
    };
    let Some(end) = recipe.end() else { return Settings::Unknown };
    let place = end.path(&path);
    if !files::may_be_at(recipe, &place) {
        return Settings::Missing(format!("the server reads {place}, and nothing is copied there"));
    }
    let text = copied(facts, recipe, &place).and_then(|manifest| facts.repository.files.get(manifest));
    // As leptos_config looks for it.
    let tables = ["[package.metadata.leptos]", "[[workspace.metadata.leptos]]"];
    let is_table = |line: &str| tables.iter().any(|table| line.starts_with(table));
    match text {
        Some(text) if !text.lines().any(is_table) => {
            Settings::Missing(format!("the server reads {place}, which has no table for Leptos"))
        }
        _ => Settings::Table,
    }
}

/// Whether the settings may be those of the project's table. Where nobody can tell, they are if a manifest is there.
pub fn may_be_table(settings: &Settings, recipe: &Recipe) -> bool {
    let has_manifest = || recipe.image_copies().iter().any(|copy| copy.name() == "Cargo.toml");
    *settings == Settings::Table || (*settings == Settings::Unknown && has_manifest())
}

/// The manifest that is copied to a path: of several whose path ends alike, the longest.
fn copied<'a>(facts: &Facts<'a>, recipe: &Recipe, place: &str) -> Option<&'a String> {
    let copies = recipe.image_copies();
    let copy = copies.iter().find(|copy| copy.ends().iter().any(|end| end == place))?;
    let source = format!("/{}", copy.source.trim_start_matches("./").trim_start_matches('/'));
    let is_it = |manifest: &&String| source.ends_with(&format!("/{manifest}"));
    facts.repository.manifests.iter().filter(is_it).max_by_key(|manifest| manifest.len())
}
