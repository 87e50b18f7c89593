//! Which variables the app expects in its environment: the names in `.env.example`, or those that the metadata names.
//! Values are never kept: an example may hold somebody's real ones.

use std::path::Path;

use anyhow::Context;

/// The name of the file in the workspace root.
pub const FILE: &str = ".env.example";
/// What the platform gives to every app, whatever anybody sets.
const OF_PLATFORM: &str = "PORT";

/// What the app expects, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    pub variables: Vec<ExpectedVariable>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedVariable {
    pub name: String,
    /// Without it the app does not start. What has a default stands behind a `#` in the file.
    pub required: bool,
}

impl Expected {
    /// Reads the file in the workspace root. `required` are the names of the metadata: where they are given, they alone
    /// are required. `None` where neither says anything.
    pub fn read(root: &Path, required: Option<&[String]>) -> anyhow::Result<Option<Expected>> {
        let path = root.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
        };
        if text.is_none() && required.is_none() {
            return Ok(None);
        }
        Ok(Some(Expected::of(text.as_deref().unwrap_or_default(), required)))
    }

    fn of(text: &str, required: Option<&[String]>) -> Expected {
        let mut variables: Vec<ExpectedVariable> = Vec::new();
        let mut add = |name: &str, is_required: bool| match variables.iter_mut().find(|one| one.name == name)
        {
            Some(known) => known.required |= is_required,
            None => variables.push(ExpectedVariable { name: name.to_owned(), required: is_required }),
        };
        for (name, has_default) in text.lines().filter_map(name_in) {
            add(name, !has_default && required.is_none());
        }
        for name in required.into_iter().flatten() {
            add(name, true);
        }
        // Whatever the file says, it is there.
        variables.retain(|one| one.name != OF_PLATFORM);
        Expected { variables }
    }

    /// The names of those that the app does not start without.
    pub fn required(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().filter(|one| one.required).map(|one| one.name.as_str())
    }
}

/// The variable of a line, and whether the line is commented out: then the app has a default.
fn name_in(line: &str) -> Option<(&str, bool)> {
    let line = line.trim();
    let (text, has_default) = match line.strip_prefix('#') {
        Some(rest) => (rest.trim_start_matches('#').trim_start(), true),
        None => (line.strip_prefix("export ").unwrap_or(line), false),
    };
    let name = text.split_once('=')?.0.trim_end();
    is_name(name).then_some((name, has_default))
}

/// Letters, digits and `_`, as shells have it. A sentence with `=` in it is none.
pub fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(expected: &Expected) -> String {
        let mark = |one: &ExpectedVariable| if one.required { "!" } else { "" };
        let words = expected.variables.iter().map(|one| format!("{}{}", one.name, mark(one)));
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_stands_behind_a_comment_sign_has_a_default() {
        let text = "# The database. Write KEY=value lines.\nDATABASE_URL=postgres://user:hunter2@host/db\n\n\
                    #HOST=0.0.0.0\n# LOG = info\nexport SECRET=\nPORT=3000\n#SECRET=again\n1A=x\nno line\n";
        assert_eq!(shown(&Expected::of(text, None)), "DATABASE_URL! HOST LOG SECRET!");
        let named = ["LOG".to_owned(), "OTHER".to_owned(), "PORT".to_owned()];
        let expected = Expected::of(text, Some(&named));
        assert_eq!(shown(&expected), "DATABASE_URL HOST LOG! SECRET OTHER!");
        assert_eq!(expected.required().collect::<Vec<_>>(), ["LOG", "OTHER"]);
        assert!(!format!("{expected:?}").contains("hunter2"));
    }

    #[test]
    fn without_a_file_only_the_metadata_says() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Expected::read(folder.path(), None).unwrap(), None);
        let named = ["A".to_owned()];
        assert_eq!(shown(&Expected::read(folder.path(), Some(&named)).unwrap().unwrap()), "A!");
        std::fs::write(folder.path().join(FILE), "B=1\n").unwrap();
        assert_eq!(shown(&Expected::read(folder.path(), None).unwrap().unwrap()), "B!");
    }
}
