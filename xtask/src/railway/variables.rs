//! What becomes of the variables in a rollback, told by name: values are secret. Pure.

use super::state::{OF_RAILWAY, REVISION_VARIABLE, Variables};
use crate::record::deploy::RollbackWay;

/// The variables by which an earlier deployment differs from one of now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// It had other values of these.
    pub changed: Vec<String>,
    /// It did not have these.
    pub added: Vec<String>,
    /// It had these, which are gone.
    pub removed: Vec<String>,
}

impl Changes {
    /// From what a deployment had to what there is now. APP_REVISION is left out, which has a step of its own.
    pub fn between(then: &Variables, now: &Variables) -> Changes {
        let counts = |name: &String| name != REVISION_VARIABLE && !name.starts_with(OF_RAILWAY);
        // A reference to another variable says nothing about its value.
        let is_reference =
            |value: &serde_json::Value| value.as_str().is_some_and(|text| text.contains("${{"));
        let differs = |name: &String| match (then.get(name), now.get(name)) {
            (Some(then), Some(now)) => then != now && !is_reference(then) && !is_reference(now),
            _ => false,
        };
        let without = |one: &Variables, other: &Variables| -> Vec<String> {
            one.keys().filter(|name| counts(name) && !other.contains_key(*name)).cloned().collect()
        };
        Changes {
            changed: then.keys().filter(|name| counts(name) && differs(name)).cloned().collect(),
            added: without(now, then),
            removed: without(then, now),
        }
    }

    /// `A changed, B added, C removed`; `None` where nothing differs.
    fn words(&self) -> Option<String> {
        let kinds = [(&self.changed, "changed"), (&self.added, "added"), (&self.removed, "removed")];
        let words = kinds.iter().filter(|(names, _)| !names.is_empty());
        let words: Vec<String> = words.map(|(names, what)| format!("{} {what}", names.join(", "))).collect();
        (!words.is_empty()).then(|| words.join("; "))
    }
}

/// What people should know before a rollback to this deployment; `changes` is `None` where Railway does not tell.
pub fn note(way: RollbackWay, deployment: &str, changes: Option<&Changes>) -> Option<String> {
    let since = match changes {
        None => "which of them differ is not known".to_owned(),
        Some(changes) => match changes.words() {
            None => "the same as now".to_owned(),
            Some(words) => format!("since then: {words}"),
        },
    };
    match way {
        RollbackWay::Railway => Some(format!(
            "variables: Railway's rollback runs with those that {deployment} had ({since}); the service's own stay as \
             they are, but for {REVISION_VARIABLE}, and count again from the next deployment on"
        )),
        RollbackWay::Digest => Some(format!(
            "variables: the image of {deployment} is deployed with those of now, but for {REVISION_VARIABLE} ({since})"
        )),
        RollbackWay::Settings => None,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    #[test]
    fn only_names_are_told() {
        let variables = |value: serde_json::Value| serde_json::from_value::<Variables>(value).unwrap();
        let then = variables(json!({"APP_REVISION": "a", "KEPT": "1", "URL": "hunter2", "OLD": "x",
                                    "REFERENCE": "${{db.URL}}", "RAILWAY_DEPLOYMENT_ID": "d-1"}));
        let now = variables(json!({"APP_REVISION": "b", "KEPT": "1", "URL": "hunter3", "NEW": "y",
                                   "REFERENCE": "postgres://"}));
        let changes = Changes::between(&then, &now);
        expect![[r#"
            Some("variables: Railway's rollback runs with those that d-1 had (since then: URL changed; NEW added; OLD removed); the service's own stay as they are, but for APP_REVISION, and count again from the next deployment on")"#]]
        .assert_eq(&format!("{:?}", note(RollbackWay::Railway, "d-1", Some(&changes))));
        expect![[r#"
            Some("variables: the image of d-1 is deployed with those of now, but for APP_REVISION (the same as now)")"#]]
        .assert_eq(&format!("{:?}", note(RollbackWay::Digest, "d-1", Some(&Changes::default()))));
        assert!(note(RollbackWay::Digest, "d-1", None).unwrap().contains("not known"));
        assert_eq!(note(RollbackWay::Settings, "d-1", None), None);
    }
}
