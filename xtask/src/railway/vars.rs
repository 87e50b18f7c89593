//! Whether a service has the variables that the app expects: what is missing, what nobody expects, and which references
//! lead nowhere. By name; values are never told.

use std::collections::BTreeSet;

use super::precheck::is_given;
use super::references::{has_references, references};
use super::state::{OF_RAILWAY, REVISION_VARIABLE, Remote, Variables};
use super::status::name_of;
use crate::config::expected::Expected;
use crate::record::variables::{VARS_SCHEMA, VariableRow, VariableState, VarsCheck};

/// Looks at the service, and compares.
pub fn check(remote: &Remote<'_>, expected: &Expected) -> anyhow::Result<VarsCheck> {
    let rendered = remote.variables()?;
    let written = remote.written_variables()?;
    let rows = compare(expected, &rendered, &written);
    Ok(VarsCheck { schema: VARS_SCHEMA, service: name_of(remote.target), variables: rows })
}

fn compare(expected: &Expected, rendered: &Variables, written: &Variables) -> Vec<VariableRow> {
    let text =
        |all: &Variables, name: &str| all.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    let filled: BTreeSet<String> = rendered
        .keys()
        .filter(|name| text(rendered, name).is_some_and(|text| !text.is_empty()))
        .cloned()
        .collect();
    let row = |name: &str, required: Option<bool>| {
        let value = text(written, name).or_else(|| text(rendered, name));
        let names = references(value.as_deref().unwrap_or_default());
        // Railway puts nothing in the place of what it cannot find.
        let leads_nowhere = value.as_deref().is_some_and(has_references) && !filled.contains(name)
            || names.iter().flatten().any(|name| is_missing_here(name, written, rendered));
        let is_set = rendered.contains_key(name) || written.contains_key(name);
        let state = match required {
            _ if leads_nowhere => VariableState::LeadsNowhere,
            None => VariableState::Extra,
            Some(_) if filled.contains(name) => VariableState::Set,
            Some(_) if is_given(name, &filled) => VariableState::Given,
            Some(true) if is_set => VariableState::Empty,
            Some(true) => VariableState::Missing,
            Some(false) => VariableState::Default,
        };
        let unreadable = || "what cannot be read".to_owned();
        let references = names.into_iter().map(|name| name.unwrap_or_else(unreadable)).collect();
        VariableRow { name: name.to_owned(), required, state, references }
    };
    let mut rows: Vec<VariableRow> =
        expected.variables.iter().map(|one| row(&one.name, Some(one.required))).collect();
    let is_known = |name: &str| expected.variables.iter().any(|one| one.name == name);
    let of_others =
        |name: &&String| !name.starts_with(OF_RAILWAY) && *name != REVISION_VARIABLE && *name != "PORT";
    let extra = rendered.keys().filter(|name| !is_known(name)).filter(of_others);
    rows.extend(extra.map(|name| row(name, None)));
    rows
}

/// Whether a reference to a variable of the same service names none. What other services have is not told.
fn is_missing_here(name: &str, written: &Variables, rendered: &Variables) -> bool {
    let is_railways = name.starts_with(OF_RAILWAY);
    !name.contains('.') && !is_railways && !written.contains_key(name) && !rendered.contains_key(name)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;
    use crate::config::expected::ExpectedVariable;

    #[test]
    fn every_state_by_name() {
        let variables = |value: serde_json::Value| serde_json::from_value::<Variables>(value).unwrap();
        let one = |name: &str, required| ExpectedVariable { name: name.to_owned(), required };
        let expected = Expected {
            variables: vec![
                one("SET", true),
                one("MISSING", true),
                one("EMPTY", true),
                one("DATABASE_URL", true),
                one("LOST_URL", true),
                one("MIXED", false),
                one("WITH_DEFAULT", false),
                one("APP_REVISION", true),
                one("RAILWAY_PUBLIC_DOMAIN", true),
            ],
        };
        let written = variables(json!({
            "SET": "hunter2", "EMPTY": "", "DATABASE_URL": "${{Postgres.URL}}", "LOST_URL": "${{Gone.URL}}",
            "MIXED": "hunter2${{NOWHERE}}", "OLD": "hunter2", "RAILWAY_SERVICE_ID": "x", "PORT": "1",
        }));
        let rendered = variables(json!({
            "SET": "hunter2", "EMPTY": "", "DATABASE_URL": "postgres://hunter2", "LOST_URL": "", "MIXED": "hunter2",
            "OLD": "hunter2", "RAILWAY_SERVICE_ID": "x", "PORT": "1",
        }));
        let rows = compare(&expected, &rendered, &written);
        let text: String = rows
            .iter()
            .map(|row| format!("{} {:?} {}\n", row.name, row.state, row.references.join(",")))
            .collect();
        expect![[r#"
            SET Set 
            MISSING Missing 
            EMPTY Empty 
            DATABASE_URL Set Postgres.URL
            LOST_URL LeadsNowhere Gone.URL
            MIXED LeadsNowhere NOWHERE
            WITH_DEFAULT Default 
            APP_REVISION Given 
            RAILWAY_PUBLIC_DOMAIN Given 
            OLD Extra 
        "#]]
        .assert_eq(&text);
    }
}
