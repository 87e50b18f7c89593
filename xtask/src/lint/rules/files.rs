//! Whether the image has what it is told to use: the binary that is started, the site that is served, the list of
//! hashed names.

use super::super::base_image::Image;
use super::super::calls::{self, Call, Kind};
use super::super::dockerfile::copies::{Copy, From, looks_like_file};
use super::super::dockerfile::stages::{Base, join};
use super::super::dockerfile::words::Value;
use super::super::facts::{Facts, Recipe};
use super::super::rule::{InFile, Rule};
use super::{halves, started};
use crate::record::doctor::Severity;

const BINARY: Rule = Rule {
    name: "binary-path-mismatch",
    severity: Severity::Error,
    reason: "The container ends at once, or the image cannot be built: there is no file at that path.",
    fix: "make the path of the command, the target of the COPY and the folder of the build's profile agree",
};

const SITE: Rule = Rule {
    name: "site-path-mismatch",
    severity: Severity::Error,
    reason: "The server looks for script, wasm and style in a folder that the image does not have.",
    fix: "copy the site to the folder that LEPTOS_SITE_ROOT names, relative to WORKDIR",
};

const HASH_FILE: Rule = Rule {
    name: "hash-file-not-copied",
    severity: Severity::Error,
    reason: "The server reads the names of its files from it, beside its own binary; without it every page links to \
             files that are not there.",
    fix: "copy hash.txt, which the build writes beside the server binary, into the binary's folder",
};

pub const ALL: &[&Rule] = &[&BINARY, &SITE, &HASH_FILE];

pub fn check(facts: &Facts<'_>, recipe: &Recipe, found: &mut InFile<'_>) {
    let Some(end) = recipe.end().filter(|_| recipe.is_app) else { return };
    if let Some((path, line)) = started::program(recipe).filter(|(path, _)| !may_be_at(recipe, path)) {
        found.add(&BINARY, line, format!("`{path}` is started, and nothing is copied there"));
    }
    sources(recipe, found);
    names(facts, recipe, found);
    if let Some(variable) = end.env.get("LEPTOS_SITE_ROOT")
        && let Value::Known(root) = &variable.value
    {
        let path = end.path(root);
        if !may_be_at(recipe, &path) {
            found.add(
                &SITE,
                variable.line,
                format!("LEPTOS_SITE_ROOT is {path}, and nothing is copied there"),
            );
        }
    }
    let Some(project) = recipe.leptos.as_ref().filter(|project| project.hash_files) else { return };
    let Some(folder) = started::folder(recipe) else { return };
    if !may_be_at(recipe, &join(&folder, &project.hash_file_name)) {
        let text =
            format!("the project has hash-files, and no {} is copied to {}/", project.hash_file_name, folder);
        found.add(&HASH_FILE, recipe.image_line(), text);
    }
}

/// Whether a path may be in the image: copied there, below a folder that is, or made by a RUN.
pub fn may_be_at(recipe: &Recipe, path: &str) -> bool {
    let site_root = recipe.leptos.as_ref().map(|project| project.site_root.clone());
    // Where the base's own folder is not known, anything may be there.
    if !recipe.knows_folder() {
        return true;
    }
    let binary = recipe.leptos.as_ref().map(|project| project.binary.clone());
    let is_single = |copy: &Copy| {
        let name = copy.name();
        let is_binary = binary.as_deref() == Some(name) && !copy.source.ends_with('/');
        is_binary || looks_like_file(name) || is_compiled(&copy.source)
    };
    let is_site = |copy: &Copy| {
        site_root.as_ref().is_some_and(|root| copy.source.trim_end_matches('/').ends_with(root.as_str()))
    };
    let by_copy = recipe.image_copies().iter().any(|copy| {
        let ends = copy.ends();
        if !copy.is_known {
            return true;
        }
        if is_single(copy) {
            // A single file is where it is put, or in the folder it is put into.
            return ends.iter().any(|end| end == path);
        }
        // The contents of a folder are put into the target; what is in them is known of the site alone.
        let target = &copy.target;
        if is_site(copy) || copy.name() == "site" {
            return target == path;
        }
        calls::is_below(path, target)
    });
    let by_run = || {
        let name = path.rsplit('/').next().unwrap_or_default();
        let steps = recipe.image_steps();
        let scripts = steps.iter().flat_map(|step| step.scripts());
        let mentions = |text: &str| {
            text.contains(path) || (text.contains(name) && !name.is_empty() && text.contains("cp "))
        };
        scripts.into_iter().any(|script| mentions(&script.text.text))
    };
    // What is built in the same image is wherever the build puts it.
    let is_built_in = || {
        let chain = recipe.parsed.last().map(|last| recipe.parsed.chain(last)).unwrap_or_default();
        recipe.calls.iter().any(|call| chain.contains(&call.stage))
    };
    by_copy || by_run() || is_built_in()
}

/// `…/target/…/release/NAME`: a program that cargo has made.
fn is_compiled(source: &str) -> bool {
    let parts: Vec<&str> = source.split('/').collect();
    let target = parts.iter().position(|part| *part == "target");
    // Between `target` and the name stand profile, and perhaps a triple.
    target.is_some_and(|at| (at + 3..=at + 4).contains(&parts.len()) && parts[at + 1] != "site")
        && !source.ends_with('/')
        && parts.last().is_some_and(|name| *name != "site")
}

/// Whether the binary is copied from the folder of the profile that it is built with.
fn sources(recipe: &Recipe, found: &mut InFile<'_>) {
    let builds: Vec<_> = halves::builds(recipe).filter(|build| build.kind != Kind::Xtask).collect();
    let [build] = builds.as_slice() else { return };
    let halves = halves::of(build, recipe.leptos.as_ref());
    let Some(server) = halves.iter().find(|half| !half.is_front) else { return };
    let (Some(profile), Some(Some(folder)), Some(target)) =
        (&server.profile, server.target_dir.as_ref().map(Some), &server.target)
    else {
        return;
    };
    let subfolder = match profile.as_str() {
        "dev" | "test" => "debug",
        "bench" => "release",
        profile => profile,
    };
    let wanted = match target {
        Some(triple) => format!("{folder}/{triple}/{subfolder}"),
        None => format!("{folder}/{subfolder}"),
    };
    for copy in recipe.image_copies().iter().filter(|copy| copy.is_known && is_compiled(&copy.source)) {
        let source = join("/", &copy.source);
        let Some((from, name)) = source.rsplit_once('/') else { continue };
        // Where cargo-leptos before 0.2 put servers.
        let is_old = calls::is_below(from, &format!("{folder}/server"));
        // A builder for musl may choose the target itself.
        let is_chosen =
            target.is_none() && !knows_builder(recipe, build) && from.ends_with(&format!("/{subfolder}"));
        if calls::is_below(from, folder) && from != wanted && !is_old && !is_chosen {
            found.add(
                &BINARY,
                copy.line,
                format!("`{name}` is copied from {from}, and the build writes to {wanted}"),
            );
        }
    }
}

/// Whether the image that a call runs in is well known, and so none that sets variables for cargo.
fn knows_builder(recipe: &Recipe, build: &Call) -> bool {
    match recipe.parsed.base(build.stage) {
        Some((Base::Image(image), _)) if image.is_known => {
            let image = Image::parse(&image.text);
            image.is_toolchain() || image.is_root().is_some()
        }
        _ => false,
    }
}

/// Whether what is copied from the folder of cargo is a program of the workspace.
fn names(facts: &Facts<'_>, recipe: &Recipe, found: &mut InFile<'_>) {
    let Some(project) = recipe.leptos.as_ref() else { return };
    let known: Vec<&str> =
        facts.manifests.packages.iter().flat_map(|package| &package.bins).map(String::as_str).collect();
    for copy in recipe.image_copies().iter().filter(|copy| copy.is_known && is_compiled(&copy.source)) {
        let From::Stage(stage) = copy.from else { continue };
        let name = copy.name();
        let is_plain = name.chars().all(|letter| letter.is_alphanumeric() || "-_".contains(letter));
        let is_folder = ["deps", "build", "examples", "incremental"].contains(&name);
        if !is_plain || is_folder || known.is_empty() || name == project.binary || known.contains(&name) {
            continue;
        }
        let chain = recipe.parsed.chain(stage);
        let mut builds = halves::builds(recipe).filter(|build| chain.contains(&build.stage)).peekable();
        let is_built = builds.peek().is_some() && builds.all(|build| build.flags.is_here());
        // A script may rename it, or fetch the sources of something else.
        let scripts = recipe.parsed.steps(stage).flat_map(|step| step.scripts());
        let is_made =
            scripts.map(|script| script.text.text).any(|it| it.contains(name) || it.contains("git clone"));
        if is_built && !is_made {
            let text = format!("`{name}` is copied, and no package here has a program of that name");
            let fix = format!("copy `{}`, and start that", project.binary);
            found.add_with(&BINARY, copy.line, text, fix);
        }
    }
}
