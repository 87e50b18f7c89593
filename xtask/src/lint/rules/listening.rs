//! Where the server listens: on all addresses, at the port that the platform names.

use super::super::dockerfile::instruction::Form;
use super::super::dockerfile::stages::Variable;
use super::super::dockerfile::words::Value;
use super::super::facts::{Facts, Recipe};
use super::super::rule::{InFile, Rule};
use super::super::sources;
use super::settings::{self, Settings};
use super::started;
use crate::config::address::is_loopback;
use crate::record::doctor::Severity;

const BAKES_PORT: Rule = Rule {
    name: "bakes-port",
    severity: Severity::Error,
    reason: "PORT belongs to the platform, which tells the server through it where requests arrive. An image that \
             sets it hides that the platform did not, and server and router wait at two ports.",
    fix: "remove PORT from ENV; let the server have a default of its own",
};

const LOOPBACK: Rule = Rule {
    name: "listens-on-loopback",
    severity: Severity::Error,
    reason: "A container has a loopback of its own: nothing outside reaches the server, every request ends with 502.",
    fix: "set `ENV LEPTOS_SITE_ADDR=0.0.0.0:3000`",
};

const PORT_IGNORED: Rule = Rule {
    name: "port-ignored",
    severity: Severity::Warning,
    reason: "Leptos knows LEPTOS_SITE_ADDR alone. Platforms such as Railway say PORT, and ask there whether the \
             server is up.",
    fix: "read PORT in the server and put it into `site_addr`, or start with `exec` and \
             `LEPTOS_SITE_ADDR=0.0.0.0:$PORT`",
};

pub const ALL: &[&Rule] = &[&BAKES_PORT, &LOOPBACK, &PORT_IGNORED];

pub fn check(facts: &Facts<'_>, recipe: &Recipe, found: &mut InFile<'_>) {
    let Some(end) = recipe.end().filter(|_| recipe.is_app || !recipe.adds_files()) else { return };
    if let Some(port) = end.env.get("PORT") {
        found.add(&BAKES_PORT, port.line, format!("`ENV PORT={}`", shown(port)));
    }
    let address = end.env.get("LEPTOS_SITE_ADDR");
    let host = end.env.get("HOST");
    for (name, variable) in [("LEPTOS_SITE_ADDR", address), ("HOST", host)] {
        let Some(variable) = variable else { continue };
        if let Value::Known(value) = &variable.value
            && is_loopback(value)
        {
            found.add(&LOOPBACK, variable.line, format!("`ENV {name}={value}`"));
        }
    }
    if !recipe.is_app {
        return;
    }
    let command: String = end.entrypoint.iter().chain(&end.command).map(|(form, _)| text(form)).collect();
    let sources = &facts.repository.sources;
    let is_said = address.is_some() || host.is_some() || command.contains("LEPTOS_SITE_ADDR");
    // What a script says, and where a server listens that makes its own address, nobody can tell from here.
    let is_script = started::is_script(recipe);
    let is_open = is_script || sources::may_listen_everywhere(sources);
    let settings = settings::of(facts, recipe);
    // One that does not find its settings listens nowhere.
    let starts = !matches!(settings, Settings::Missing(_));
    if recipe.is_leptos() && starts && !is_said && !is_open {
        let own = recipe.leptos.as_ref().map(|project| project.site_addr.as_str());
        let (whose, own) = match (own, settings) {
            (Some(own), Settings::Table | Settings::Unknown) => ("the project's own address", own),
            // What the metadata says is for those who build: the server never sees it.
            _ => ("Leptos' default", "127.0.0.1:3000"),
        };
        if is_loopback(own) {
            let text = format!("LEPTOS_SITE_ADDR is not set, and {whose} is {own}");
            found.add(&LOOPBACK, recipe.image_line(), text);
        }
    }
    let reads_port = sources.values().any(|source| source.contains("\"PORT\""));
    let is_mentioned = reads_port || is_script || command.contains("PORT");
    if recipe.leptos.is_some() && !sources.is_empty() && !is_mentioned {
        let text = "neither the command nor any source of the workspace mentions PORT";
        found.add(
            &PORT_IGNORED,
            end.entrypoint.as_ref().or(end.command.as_ref()).map_or(recipe.image_line(), |it| it.1),
            text,
        );
    }
}

fn shown(variable: &Variable) -> &str {
    match &variable.value {
        Value::Known(value) => value,
        _ => "…",
    }
}

fn text(form: &Form) -> String {
    match form {
        Form::Shell(text) => text.text.clone(),
        Form::Exec(words) => words.join(" "),
    }
}
