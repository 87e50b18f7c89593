//! `.env.example`: which variables the app reads, by name. Its values are examples, and are never used.

use std::path::Path;

use anyhow::Context;

/// The name of the file in the workspace root.
pub const FILE: &str = ".env.example";

/// What the platform or a deployment gives to the app, so that nobody has to.
const GIVEN: [&str; 2] = ["PORT", "APP_REVISION"];

/// The names in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Example {
    /// `NAME=…`: the app cannot do without.
    pub wanted: Vec<String>,
    /// `#NAME=…`: the app has a default.
    pub optional: Vec<String>,
}

impl Example {
    /// Reads the file in the workspace root; without one no name is known.
    pub fn read(root: &Path) -> anyhow::Result<Example> {
        let path = root.join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Example::parse(&text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Example::default()),
            Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
        }
    }

    fn parse(text: &str) -> Example {
        let mut example = Example::default();
        for line in text.lines().map(str::trim) {
            let (list, line) = match line.strip_prefix('#') {
                Some(rest) => (&mut example.optional, rest.trim_start()),
                None => (&mut example.wanted, line),
            };
            let line = line.strip_prefix("export ").unwrap_or(line);
            let Some((name, _)) = line.split_once('=') else { continue };
            let name = name.trim_end();
            let given = GIVEN.contains(&name) || name.starts_with("RAILWAY_");
            if is_name(name) && !given && !list.iter().any(|known| known == name) {
                list.push(name.to_owned());
            }
        }
        let Example { wanted, optional } = &mut example;
        optional.retain(|name| !wanted.contains(name));
        example
    }
}

/// Capitals, as variables are written: a sentence of a comment may have an `=` as well.
fn is_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_') && name.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_wanted_and_comments_optional() {
        let text = "# The app's variables; a=b is no name.\nDATABASE_URL=postgres://user:pass@host/db\n\
                    export SESSION_SECRET=\nPORT=3000\nRAILWAY_X=1\n# REDIS_URL=redis://\n#APP_REVISION=unknown\n\
                    #LOG=info\n#DATABASE_URL=other\nno assignment\n# Written by: A B=c\n";
        let example = Example::parse(text);
        assert_eq!(example.wanted, ["DATABASE_URL", "SESSION_SECRET"]);
        assert_eq!(example.optional, ["REDIS_URL", "LOG"]);
    }

    #[test]
    fn no_file_wants_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Example::read(folder.path()).unwrap(), Example::default());
    }
}
