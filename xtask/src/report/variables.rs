//! The report of one look at a service's variables: names, and what is the case with each.

use super::Format;
use super::deploy::service;
use super::table::{Align, Table};
use crate::record::variables::{VariableRow, VariableState, VarsCheck};

/// Renders it in the format asked for.
pub fn render(check: &VarsCheck, format: Format) -> anyhow::Result<String> {
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(check)? + "\n",
        Format::Human => table(check).human(),
        Format::Markdown => format!("{}\n\n{}", service(&check.service), table(check).markdown()),
    })
}

fn table(check: &VarsCheck) -> Table {
    let columns =
        [("variable", Align::Left), ("expected", Align::Left), ("found", Align::Left), ("", Align::Left)];
    let mut table = Table::new(&columns);
    for row in &check.variables {
        let expected = match row.required {
            Some(true) => "required",
            Some(false) => "optional",
            None => "no",
        };
        table.row(vec![row.name.clone(), expected.to_owned(), found(row.state).to_owned(), references(row)]);
    }
    if check.variables.is_empty() {
        table.row(vec!["none".to_owned()]);
    }
    table
}

fn found(state: VariableState) -> &'static str {
    match state {
        VariableState::Set | VariableState::Extra => "set",
        VariableState::Given => "given by Railway or the deployment",
        VariableState::Default => "not set, has a default",
        VariableState::Missing => "MISSING",
        VariableState::Empty => "EMPTY",
        VariableState::LeadsNowhere => "LEADS NOWHERE",
    }
}

fn references(row: &VariableRow) -> String {
    match row.references.is_empty() {
        true => String::new(),
        false => format!("refers to {}", row.references.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::record::deploy::ServiceName;
    use crate::record::variables::VARS_SCHEMA;

    #[test]
    fn names_and_no_values() {
        let row = |name: &str, required, state, reference: Option<&str>| VariableRow {
            name: name.to_owned(),
            required,
            state,
            references: reference.into_iter().map(str::to_owned).collect(),
        };
        let service =
            ServiceName { project: "shop".into(), environment: "production".into(), service: "web".into() };
        let check = VarsCheck {
            schema: VARS_SCHEMA,
            service,
            variables: vec![
                row("DATABASE_URL", Some(true), VariableState::Set, Some("Postgres.DATABASE_URL")),
                row("SECRET", Some(true), VariableState::Missing, None),
                row("HOST", Some(false), VariableState::Default, None),
                row("OLD", None, VariableState::Extra, None),
            ],
        };
        assert_eq!(check.wrong(), ["SECRET"]);
        expect![[r#"
            variable      expected  found
            DATABASE_URL  required  set                     refers to Postgres.DATABASE_URL
            SECRET        required  MISSING
            HOST          optional  not set, has a default
            OLD           no        set
        "#]]
        .assert_eq(&render(&check, Format::Human).unwrap());
        let json: serde_json::Value = serde_json::from_str(&render(&check, Format::Json).unwrap()).unwrap();
        assert_eq!(
            (&json["schema"], &json["variables"][1]["state"]),
            (&"xtask.deploy-vars/1".into(), &"missing".into())
        );
    }
}
