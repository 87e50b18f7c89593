//! The whole environment, read once and judged as a whole: the app's own table and Leptos' variables.

use std::env::{self, VarError};

use leptos::config::{LeptosOptions, get_configuration};
use usdfc_core::environment::{Lookup, Problem, Problems, Settings};

use crate::site::Site;

pub struct Environment {
    pub settings: Settings,
    pub site: Site,
}

pub fn read() -> Result<Environment, Problems> {
    let settings = Settings::read(lookup);
    let site = leptos_options().and_then(Site::open);
    match (settings, site) {
        (Ok(settings), Ok(site)) => Ok(Environment { settings, site }),
        (settings, site) => {
            let mut all = settings.err().map_or_else(Vec::new, |problems| problems.0);
            all.extend(site.err().unwrap_or_default());
            Err(Problems(all))
        }
    }
}

pub fn lookup(name: &str) -> Lookup {
    match env::var(name) {
        Ok(text) => Lookup::Text(text),
        Err(VarError::NotPresent) => Lookup::Unset,
        Err(VarError::NotUnicode(_)) => Lookup::Unreadable,
    }
}

/// A variable of Leptos, what it expects, and whether a value is that.
type Row = (&'static str, &'static str, fn(&str) -> bool);

/// Leptos stops at the first bad value, so its variables are checked here before it reads them.
const LEPTOS_VARIABLES: &[Row] = &[
    ("LEPTOS_HASH_FILES", "true or false", |value| value.parse::<bool>().is_ok()),
    ("LEPTOS_ENV", "PROD or DEV", |value| {
        ["prod", "production", "dev", "development"].contains(&value.to_lowercase().as_str())
    }),
    ("LEPTOS_SITE_ADDR", "an address with a port; HOST and PORT are what counts", |value| {
        value.parse::<std::net::SocketAddr>().is_ok()
    }),
    ("LEPTOS_RELOAD_PORT", "a port", |value| value.parse::<u16>().is_ok()),
    ("LEPTOS_RELOAD_EXTERNAL_PORT", "a port", |value| value.parse::<u16>().is_ok()),
    ("LEPTOS_RELOAD_WS_PROTOCOL", "ws or wss", |value| ["ws", "wss"].contains(&value)),
];

fn leptos_options() -> Result<LeptosOptions, Vec<Problem>> {
    let mut problems = Vec::new();
    if !matches!(lookup("LEPTOS_OUTPUT_NAME"), Lookup::Text(name) if !name.is_empty()) {
        problems.push(Problem {
            name: "LEPTOS_OUTPUT_NAME".to_owned(),
            value: None,
            expected: "the name of the site's files; whatever builds the site knows it".to_owned(),
        });
    }
    for (name, expected, accepts) in LEPTOS_VARIABLES {
        let value = match lookup(name) {
            Lookup::Unset => continue,
            Lookup::Text(value) if accepts(&value) => continue,
            Lookup::Text(value) => Some(value),
            Lookup::Unreadable => None,
        };
        problems.push(Problem { name: (*name).to_owned(), value, expected: (*expected).to_owned() });
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let other = |error: &dyn std::fmt::Display| {
        vec![Problem {
            name: "LEPTOS_*".to_owned(),
            value: None,
            expected: format!("variables that Leptos can read ({error})"),
        }]
    };
    get_configuration(None).map(|file| file.leptos_options).map_err(|error| other(&error))
}
