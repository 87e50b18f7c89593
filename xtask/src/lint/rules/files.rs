//! Whether the image has what it is told to use: the binary that is started, the site that is served, the list of
//! hashed names.

use super::super::calls::{self, Kind};
use super::super::dockerfile::copies::{Copy, looks_like_file};
use super::super::dockerfile::instruction::Form;
use super::super::dockerfile::stages::join;
use super::super::dockerfile::words::Value;
use super::super::facts::Recipe;
use super::super::rule::{InFile, Rule};
use super::halves;
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

pub fn check(recipe: &Recipe, found: &mut InFile<'_>) {
    let Some(end) = recipe.end().filter(|_| recipe.is_app) else { return };
    let program = program(recipe);
    if let Some((path, line)) = &program
        && !may_be_at(recipe, path)
    {
        found.add(&BINARY, *line, format!("`{path}` is started, and nothing is copied there"));
    }
    sources(recipe, found);
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
    let folder =
        program.as_ref().and_then(|(path, _)| path.rsplit_once('/')).map(|(folder, _)| folder.to_owned());
    let folder = folder.unwrap_or_else(|| end.workdir.clone());
    if !may_be_at(recipe, &join(&folder, &project.hash_file_name)) {
        let text =
            format!("the project has hash-files, and no {} is copied to {}/", project.hash_file_name, folder);
        found.add(&HASH_FILE, recipe.image_line(), text);
    }
}

/// The program that the image starts, as a path: what a list names with a slash in it.
fn program(recipe: &Recipe) -> Option<(String, usize)> {
    let end = recipe.end()?;
    let (form, line) = end.entrypoint.as_ref().or(end.command.as_ref())?;
    let word = match form {
        Form::Exec(words) => words.first()?.clone(),
        Form::Shell(text) => {
            let text = text.text.trim();
            let text = text.strip_prefix("exec ").unwrap_or(text);
            text.split_whitespace().next()?.to_owned()
        }
    };
    let is_path = word.contains('/') && !word.contains('$');
    // What a base brings along is not looked for.
    let is_system =
        ["/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/"].iter().any(|folder| word.starts_with(folder));
    (is_path && !is_system).then(|| (end.path(&word), *line))
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
    let subfolder = if profile == "dev" { "debug" } else { profile };
    let wanted = match target {
        Some(triple) => format!("{folder}/{triple}/{subfolder}"),
        None => format!("{folder}/{subfolder}"),
    };
    for copy in recipe.image_copies().iter().filter(|copy| copy.is_known && is_compiled(&copy.source)) {
        let source = join("/", &copy.source);
        let Some((from, name)) = source.rsplit_once('/') else { continue };
        // Where cargo-leptos before 0.2 put servers.
        let is_old = calls::is_below(from, &format!("{folder}/server"));
        if calls::is_below(from, folder) && from != wanted && !is_old {
            found.add(
                &BINARY,
                copy.line,
                format!("`{name}` is copied from {from}, and the build writes to {wanted}"),
            );
        }
    }
}
