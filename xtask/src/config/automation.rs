//! `[workspace.metadata.xtask]`: what a workspace tells the automation about itself. Every key is optional.
//!
//! Knows no defaults: those come from the Leptos project, which this room has never heard of.

use serde_json::Value;

use super::keys::Section;

const PLACE: &str = "`[workspace.metadata.xtask]` in Cargo.toml";

/// The settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Automation {
    /// The Leptos project that commands mean when none is named.
    pub project: Option<String>,
    /// The server's arguments for data made up in process: what `serve --demo` adds.
    pub demo_args: Vec<String>,
}

impl Automation {
    /// Reads `xtask` from the value of `workspace.metadata`; both may be absent.
    pub fn from_metadata(metadata: &Value) -> anyhow::Result<Automation> {
        let Some(own) = metadata.get("xtask") else {
            return Ok(Automation::default());
        };
        let mut section = Section::new(PLACE, own)?;
        let automation = Automation {
            project: section.text("project")?,
            demo_args: section.texts("demo-args")?.unwrap_or_default(),
        };
        section.finish()?;
        Ok(automation)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;
    use crate::exit::{Exit, hint_of};

    #[test]
    fn everything_is_optional() {
        assert_eq!(Automation::from_metadata(&Value::Null).unwrap(), Automation::default());
        assert_eq!(Automation::from_metadata(&json!({"xtask": {}})).unwrap(), Automation::default());
    }

    #[test]
    fn all_keys() {
        let metadata = json!({"leptos": [], "xtask": {"project": "app", "demo-args": ["--demo"]}});
        let automation = Automation::from_metadata(&metadata).unwrap();
        let expected = Automation { project: Some("app".to_owned()), demo_args: vec!["--demo".to_owned()] };
        assert_eq!(automation, expected);
    }

    #[test]
    fn unknown_keys_name_the_known_ones() {
        let error = Automation::from_metadata(&json!({"xtask": {"demo_args": []}})).unwrap_err();
        assert_eq!(Exit::of(&error), Exit::Usage);
        expect![
            "unknown key `demo_args` in `[workspace.metadata.xtask]` in Cargo.toml; did you mean `demo-args`?"
        ]
        .assert_eq(&error.to_string());
        expect!["known keys: demo-args, project"].assert_eq(hint_of(&error).unwrap());
    }
}
