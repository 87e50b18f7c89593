//! Variables that a service is to get from a file: what differs from what it has, told by name. Values are secret.

use std::collections::BTreeMap;

use super::references::has_references;
use super::state::{REVISION_VARIABLE, Variables};
use crate::exec::Executor;
use crate::exit::Failure;
use crate::plan::deploy::VariableChange;

/// Names and values. Has no `Debug` on purpose: values must not be printed.
#[derive(Default)]
pub struct NewVariables {
    values: BTreeMap<String, String>,
}

impl NewVariables {
    /// What a file says; `shown` is how errors call it. They name no values.
    pub fn of(list: Vec<(String, String)>, shown: &str) -> anyhow::Result<NewVariables> {
        let mut values = BTreeMap::new();
        for (name, value) in list {
            if name == REVISION_VARIABLE {
                return Err(Failure::usage(format!(
                    "{shown} sets {REVISION_VARIABLE}, which the deployment sets"
                ))
                .hint("leave it out; --revision TEXT says what the app is told that it is")
                .into());
            }
            if values.contains_key(&name) {
                return Err(Failure::usage(format!("{shown} sets {name} twice")).into());
            }
            values.insert(name, value);
        }
        if values.is_empty() {
            let message = format!("{shown} sets no variable");
            return Err(Failure::usage(message).hint("each line of it is NAME=value").into());
        }
        Ok(NewVariables { values })
    }

    /// Keeps the values out of everything shown from now on. Words of `public` are on everybody's lips: a value that is
    /// a part of one is no secret, and would blot out what people have to read.
    pub fn keep_secret(&self, exec: &Executor, public: &[&str]) {
        for value in self.values.values() {
            if !public.iter().any(|text| text.contains(value.as_str())) {
                exec.learn_secret(value);
            }
        }
        // The password in an address is one by itself.
        exec.learn_variables(self.values.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// What has to be set at a service that has these variables, as they are written there.
    pub fn changes(&self, now: &Variables) -> Vec<VariableChange> {
        let differs =
            |name: &String, value: &String| now.get(name).and_then(|now| now.as_str()) != Some(value);
        let different = self.values.iter().filter(|(name, value)| differs(name, value));
        different
            .map(|(name, _)| VariableChange { name: name.clone(), is_new: !now.contains_key(name) })
            .collect()
    }

    /// Whether a deployment runs with other values than these, which are set since. Of a reference nobody knows.
    pub fn differ_from(&self, deployed: &Variables) -> bool {
        self.values.iter().any(|(name, value)| {
            let then = deployed.get(name).and_then(|then| then.as_str());
            !has_references(value) && !then.is_some_and(has_references) && then != Some(value)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::exit::Exit;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn variables(value: serde_json::Value) -> Variables {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn only_what_differs_is_set() {
        let new = NewVariables::of(pairs(&[("A", "1"), ("B", "2"), ("C", "${{db.URL}}"), ("D", "")]), ".env")
            .unwrap();
        let now = variables(json!({"A": "1", "B": "3", "C": "${{db.URL}}", "E": "x"}));
        let change = |name: &str, is_new| VariableChange { name: name.to_owned(), is_new };
        assert_eq!(new.changes(&now), [change("B", false), change("D", true)]);
        assert!(new.changes(&variables(json!({"A": "1", "B": "2", "C": "${{db.URL}}", "D": ""}))).is_empty());
    }

    #[test]
    fn what_runs_may_be_older_than_what_is_set() {
        let new = NewVariables::of(pairs(&[("A", "1"), ("C", "${{db.URL}}")]), ".env").unwrap();
        assert!(new.differ_from(&variables(json!({"A": "2"}))));
        assert!(new.differ_from(&variables(json!({}))));
        assert!(!new.differ_from(&variables(json!({"A": "1", "C": "postgres://x"}))));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_without_values() {
        for list in [&[("APP_REVISION", "hunter2")][..], &[("A", "hunter2"), ("A", "hunter3")], &[]] {
            let error = NewVariables::of(pairs(list), ".env").err().unwrap();
            assert_eq!(Exit::of(&error), Exit::Usage);
            assert!(!format!("{error:#}").contains("hunter"), "{error:#}");
        }
    }
}
