//! What the sources of an app say about how its server is configured. They are searched for a few calls and words, not
//! understood.

use std::collections::BTreeMap;

/// What a Leptos server asks for its settings, as it calls `get_configuration`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Configuration {
    /// Its variables, and nothing else.
    Variables,
    /// This file; variables win over it. Relative to the folder that the server runs in.
    File(String),
    /// Nobody calls it, or nobody can tell what with.
    Unknown,
}

/// What the sources ask for settings.
pub fn configuration(sources: &BTreeMap<String, String>) -> Configuration {
    let (mut asks_variables, mut files, mut is_odd) = (false, Vec::new(), false);
    for source in sources.values().filter(|source| source.contains("get_config")) {
        let code = code(source);
        for (at, name) in code.match_indices("get_config") {
            let rest = &code[at + name.len()..];
            let literal =
                ["uration(Some(\"", "_from_file(\""].iter().find_map(|call| rest.strip_prefix(call));
            if let Some(path) = literal.and_then(|after| after.split('"').next()) {
                files.push(path.to_owned());
            } else if rest.starts_with("uration(None") || rest.starts_with("_from_env(") {
                asks_variables = true;
            } else {
                // What is only imported is not called.
                is_odd |= ["uration(", "_from_file(", "_from_str("].iter().any(|call| rest.starts_with(call));
            }
        }
    }
    files.dedup();
    match (asks_variables, files.as_slice(), is_odd) {
        (true, [], false) => Configuration::Variables,
        (false, [file], false) => Configuration::File(file.clone()),
        _ => Configuration::Unknown,
    }
}

/// Whether a source names the address that stands for all of a machine's: the server may then listen there, whatever
/// its settings say.
pub fn may_listen_everywhere(sources: &BTreeMap<String, String>) -> bool {
    let all = ["0.0.0.0", "[0,0,0,0]", "(0,0,0,0)", "UNSPECIFIED", "[::]", "\"::\""];
    sources.values().map(|source| code(source)).any(|code| all.iter().any(|address| code.contains(address)))
}

/// A source without its blanks and without the lines that are comments.
fn code(source: &str) -> String {
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(str::chars).filter(|letter| !letter.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(texts: &[&str]) -> BTreeMap<String, String> {
        texts.iter().enumerate().map(|(at, text)| (at.to_string(), (*text).to_owned())).collect()
    }

    #[test]
    fn what_a_server_asks_for_its_settings() {
        let file = |path: &str| Configuration::File(path.to_owned());
        let cases: &[(&[&str], Configuration)] = &[
            (&["let conf = get_configuration(None).unwrap();"], Configuration::Variables),
            (
                &["// get_configuration(Some(\"Cargo.toml\"))\nget_configuration(\n    None,\n)"],
                Configuration::Variables,
            ),
            (&["use leptos::config::get_configuration;", "get_config_from_env()"], Configuration::Variables),
            (&["get_configuration(\n    Some(\"./Cargo.toml\"),\n)"], file("./Cargo.toml")),
            (&["get_config_from_file(\"Leptos.toml\")"], file("Leptos.toml")),
            (&["get_configuration(Some(\"Cargo.toml\"))", "get_configuration(None)"], Configuration::Unknown),
            (&["get_configuration(path)"], Configuration::Unknown),
            (&["get_config_from_str(include_str!(\"../Cargo.toml\"))"], Configuration::Unknown),
            (&["use leptos::config::get_configuration;"], Configuration::Unknown),
            (&[], Configuration::Unknown),
        ];
        for (texts, expected) in cases {
            assert_eq!(configuration(&sources(texts)), *expected, "{texts:?}");
        }
    }

    #[test]
    fn whether_it_may_listen_everywhere() {
        for (text, expected) in [
            ("SocketAddr::from(([0, 0, 0, 0], port))", true),
            ("Ipv4Addr::new(0, 0, 0, 0)", true),
            ("(Ipv6Addr::UNSPECIFIED, port)", true),
            ("TcpListener::bind(format!(\"0.0.0.0:{port}\"))", true),
            ("TcpListener::bind(&options.site_addr)", false),
            ("    // Not 0.0.0.0 here.\n", false),
            ("[127, 0, 0, 1]", false),
        ] {
            assert_eq!(may_listen_everywhere(&sources(&[text])), expected, "{text}");
        }
    }
}
