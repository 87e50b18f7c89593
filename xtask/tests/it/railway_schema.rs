//! The operations that xtask sends to Railway, the small schema of the Railway model, and Railway's real schema agree.
//!
//! The real schema is not part of the project; `RAILWAY_SCHEMA` names a file with it, as SDL.

use std::fs;
use std::path::{Path, PathBuf};

use apollo_compiler::ast::{FieldDefinition, InputValueDefinition};
use apollo_compiler::collections::IndexMap;
use apollo_compiler::schema::{Component, ExtendedType};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Name, Schema};

use crate::support::skipped;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn small_schema() -> String {
    fs::read_to_string(folder("tests/railway-model/schema.graphql")).unwrap()
}

fn parse(sdl: &str, name: &str) -> Valid<Schema> {
    Schema::parse_and_validate(sdl, name).unwrap_or_else(|problems| panic!("{name}: {}", problems.errors))
}

/// Every operation of xtask: the file's name and its text.
fn operations() -> Vec<(String, String)> {
    let entries = fs::read_dir(folder("src/railway/operations")).unwrap();
    let mut found: Vec<(String, String)> = entries
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(path).unwrap())
        })
        .collect();
    found.sort();
    assert!(found.len() >= 11, "{found:?}");
    found
}

/// What is wrong with a document, as the specification of GraphQL sees it; it has to hold exactly one operation.
fn problems(schema: &Valid<Schema>, name: &str, text: &str) -> Option<String> {
    match ExecutableDocument::parse_and_validate(schema, text, name) {
        Err(problems) => Some(problems.errors.to_string()),
        Ok(document) if document.operations.iter().count() != 1 => {
            Some(format!("{name}: not exactly one operation"))
        }
        Ok(_) => None,
    }
}

#[test]
fn operations_fit_the_small_schema() {
    let schema = parse(&small_schema(), "schema.graphql");
    for (name, text) in operations() {
        assert_eq!(problems(&schema, &name, &text), None);
    }
    for broken in [
        "query Broken { projectToken { projectId owner } }",
        "query Broken($id: Int!) { deployment(id: $id) { status } }",
        "query Broken { deployment { status } }",
        "mutation Broken { deploymentRollback(id: \"1\") { id } }",
        "query One { projectToken { projectId } } query Two { projectToken { projectId } }",
    ] {
        assert!(problems(&schema, "broken.graphql", broken).is_some(), "{broken}");
    }
}

#[test]
fn the_small_schema_agrees_with_railways_own() {
    let Some(path) = std::env::var_os("RAILWAY_SCHEMA").filter(|path| !path.is_empty()) else {
        skipped("RAILWAY_SCHEMA names no file with Railway's own schema");
        return;
    };
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let full = parse(&text, "Railway's schema");
    let differences = differences(&parse(&small_schema(), "schema.graphql"), &full);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    for (name, text) in operations() {
        assert_eq!(problems(&full, &name, &text), None);
    }
}

#[test]
fn the_comparison_sees_each_kind_of_difference() {
    let full = parse(&small_schema(), "full");
    assert_eq!(differences(&full, &full), [""; 0]);
    for (from, to, expected) in [
        ("  staticUrl: String\n", "  staticUrl: String!\n", "Deployment.staticUrl is String!, not String"),
        ("  url: String\n", "  address: String\n", "Deployment.address does not exist"),
        ("  FAILED\n", "  FAILED\n  LOST\n", "DeploymentStatus.LOST does not exist"),
        ("  WAITING\n", "", "DeploymentStatus.WAITING is missing"),
        (
            "deploymentLogs(deploymentId: String!, endDate",
            "deploymentLogs(deploymentId: String, endDate",
            "Query.deploymentLogs(deploymentId:) is String, not String!",
        ),
        (
            "deploymentEvents(id: String!)",
            "deploymentEvents(ids: String)",
            "Query.deploymentEvents(ids:) does not exist",
        ),
        (
            "deploymentEvents(id: String!)",
            "deploymentEvents",
            "Query.deploymentEvents(id:) is required but missing",
        ),
        (
            "  skipDeploys: Boolean = false\n",
            "  skipDeploys: Boolean = true\n",
            "VariableCollectionUpsertInput.skipDeploys is Boolean = true, not Boolean = false",
        ),
        (
            "  projectId: String!\n  replace",
            "  replace",
            "VariableCollectionUpsertInput.projectId is required but missing",
        ),
        ("scalar DateTime", "enum DateTime { NOW }", "DateTime is another kind of type"),
        ("scalar DateTime", "scalar DateTime\nscalar Extra", "Extra does not exist"),
    ] {
        let text = small_schema();
        assert!(text.contains(from), "the schema has no `{from}`");
        let changed = parse(&text.replacen(from, to, 1), "changed");
        let found = differences(&changed, &full);
        assert!(found.iter().any(|line| line == expected), "{expected}: {found:?}");
    }
}

/// How `small` differs from `full` where a part of it may be left out: types, fields, optional arguments and optional
/// input fields may; values of enums may not.
fn differences(small: &Schema, full: &Schema) -> Vec<String> {
    let mut found = Vec::new();
    for (name, own) in small.types.iter().filter(|(_, own)| !own.is_built_in()) {
        match (own, full.types.get(name)) {
            (_, None) => found.push(format!("{name} does not exist")),
            (ExtendedType::Scalar(_), Some(ExtendedType::Scalar(_))) => {}
            (ExtendedType::Object(own), Some(ExtendedType::Object(real))) => {
                found.extend(fields(name, &own.fields, &real.fields));
            }
            (ExtendedType::InputObject(own), Some(ExtendedType::InputObject(real))) => {
                let own: Vec<&InputValueDefinition> = own.fields.values().map(|field| &***field).collect();
                let real: Vec<&InputValueDefinition> = real.fields.values().map(|field| &***field).collect();
                found.extend(inputs(&own, &real, |field| format!("{name}.{field}")));
            }
            (ExtendedType::Enum(own), Some(ExtendedType::Enum(real))) => {
                let extra = own.values.keys().filter(|value| !real.values.contains_key(*value));
                found.extend(extra.map(|value| format!("{name}.{value} does not exist")));
                let missing = real.values.keys().filter(|value| !own.values.contains_key(*value));
                found.extend(missing.map(|value| format!("{name}.{value} is missing")));
            }
            // Neither interfaces nor unions are needed so far; whoever needs one compares it here.
            _ => found.push(format!("{name} is another kind of type")),
        }
    }
    found
}

type Fields = IndexMap<Name, Component<FieldDefinition>>;

fn fields(type_name: &str, own: &Fields, real: &Fields) -> Vec<String> {
    let mut found = Vec::new();
    for (name, field) in own {
        let place = format!("{type_name}.{name}");
        let Some(real) = real.get(name) else {
            found.push(format!("{place} does not exist"));
            continue;
        };
        if field.ty != real.ty {
            found.push(format!("{place} is {}, not {}", field.ty, real.ty));
        }
        let own: Vec<&InputValueDefinition> = field.arguments.iter().map(|argument| &**argument).collect();
        let real: Vec<&InputValueDefinition> = real.arguments.iter().map(|argument| &**argument).collect();
        found.extend(inputs(&own, &real, |argument| format!("{place}({argument}:)")));
    }
    found
}

/// Compares arguments, or the fields of an input.
fn inputs(
    own: &[&InputValueDefinition],
    real: &[&InputValueDefinition],
    place: impl Fn(&Name) -> String,
) -> Vec<String> {
    let shown = |input: &InputValueDefinition| match &input.default_value {
        Some(value) => format!("{} = {value}", input.ty),
        None => input.ty.to_string(),
    };
    let mut found = Vec::new();
    for input in own {
        let place = place(&input.name);
        match real.iter().find(|real| real.name == input.name) {
            None => found.push(format!("{place} does not exist")),
            Some(real) if shown(input) != shown(real) => {
                found.push(format!("{place} is {}, not {}", shown(input), shown(real)));
            }
            Some(_) => {}
        }
    }
    for input in real.iter().filter(|real| real.is_required()) {
        if own.iter().all(|own| own.name != input.name) {
            found.push(format!("{} is required but missing", place(&input.name)));
        }
    }
    found
}
