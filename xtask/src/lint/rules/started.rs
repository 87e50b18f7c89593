//! What an image starts: the server's program, where it is, and whether a script stands before it.

use super::super::dockerfile::copies::{Copy, looks_like_file};
use super::super::dockerfile::instruction::Form;
use super::super::dockerfile::stages::{Scope, join};
use super::super::dockerfile::words::Value;
use super::super::facts::Recipe;

/// Where a program without a path is looked for, where the image says nothing else.
const SEARCHED: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The program that the image starts, as a path with the line that says so: what a list names with a slash in it.
pub fn program(recipe: &Recipe) -> Option<(String, usize)> {
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

/// The folder of the server's program; `None` where nobody can know it.
pub fn folder(recipe: &Recipe) -> Option<String> {
    let end = recipe.end()?;
    let copies = recipe.image_copies();
    let is_copied = |path: &String| copies.iter().any(|copy| is_at(copy, path));
    let of_word = |word: &String| {
        if word.contains('/') {
            return Some(end.path(word)).filter(is_copied);
        }
        searched(end).iter().map(|folder| join(folder, word)).find(is_copied)
    };
    // Before the server may stand what starts it: a small init, or a script.
    let named = words(recipe).iter().filter(|word| !word.contains('$')).find_map(of_word);
    let by_path = || program(recipe).map(|(path, _)| path).filter(|path| !is_file(path));
    let parent = |path: String| path.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    let binary = recipe.leptos.as_ref().map(|project| project.binary.as_str());
    let by_binary = || {
        let copy = copies.iter().find(|copy| Some(copy.name()) == binary)?;
        let is_inside = copy.into_folder || copy.target == end.workdir;
        Some(if is_inside { copy.target.clone() } else { parent(copy.target.clone())? })
    };
    named.or_else(by_path).and_then(parent).or_else(by_binary)
}

/// Whether a script is started first, which may set any variable and start anything.
pub fn is_script(recipe: &Recipe) -> bool {
    words(recipe).iter().any(|word| word.ends_with(".sh"))
}

/// All words of the image's command.
fn words(recipe: &Recipe) -> Vec<String> {
    let Some(end) = recipe.end() else { return Vec::new() };
    let of_form = |form: &Form| {
        let text = match form {
            Form::Shell(text) => text.text.clone(),
            Form::Exec(words) => words.join(" "),
        };
        text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    end.entrypoint.iter().chain(&end.command).flat_map(|(form, _)| of_form(form)).collect()
}

/// The folders of PATH.
fn searched(end: &Scope) -> Vec<String> {
    let said = match end.env.get("PATH").map(|variable| &variable.value) {
        Some(Value::Known(folders)) => folders.as_str(),
        _ => "",
    };
    let folders = said.split(':').chain(SEARCHED.split(':'));
    folders.filter(|folder| !folder.is_empty()).map(str::to_owned).collect()
}

/// Whether a program is copied to a path, under its own name or another.
fn is_at(copy: &Copy, path: &str) -> bool {
    let inside = join(&copy.target, copy.name());
    let is_renamed = !copy.into_folder && copy.target == path;
    copy.is_known && !is_file(path) && (inside == path || is_renamed)
}

/// Whether the last part of a path has an ending, as programs have not.
fn is_file(path: &str) -> bool {
    looks_like_file(path.rsplit('/').next().unwrap_or_default())
}
