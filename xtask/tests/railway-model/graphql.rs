//! One GraphQL request: read, checked against the schema, executed, remembered, answered in Railway's way.
//!
//! The library of the specification validates and executes. Room `operations` knows what the fields mean; here every
//! answer is JSON, and the schema says how to walk it.

use std::sync::Arc;

use apollo_compiler::ast::{Document, Type};
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::resolvers::{Execution, FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::{JsonMap, JsonValue};
use apollo_compiler::{ExecutableDocument, Schema};
use hyper::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use crate::operations::{self, Caller};
use crate::state::{Model, Received, Violation};

/// What is sent back; without a body Railway answers in plain text.
pub struct Reply {
    pub status: StatusCode,
    pub body: Option<Value>,
}

impl Reply {
    fn refused(message: &str, code: &str) -> Reply {
        let error = json!({ "message": message, "extensions": { "code": code } });
        Reply { status: StatusCode::BAD_REQUEST, body: Some(json!({ "errors": [error] })) }
    }

    fn has_errors(&self) -> bool {
        self.body.as_ref().is_none_or(|body| body.get("errors").is_some())
    }
}

/// The error code of nearly everything that Railway refuses.
const ERROR_CODE: &str = "INTERNAL_SERVER_ERROR";

pub fn answer(model: &Arc<Model>, headers: &HeaderMap, body: &[u8]) -> Reply {
    let caller = caller(model, headers);
    let mut received = Received {
        name: None,
        kind: None,
        variables: Value::Null,
        token: caller.name(),
        http_status: 0,
        errors: false,
    };
    let reply = match execute(model, caller, headers, body, &mut received) {
        Ok(reply) => reply,
        Err((problem, reply)) => {
            eprintln!("railway-model: against the contract: {problem}");
            let violation = Violation { operation: received.name.clone(), problem };
            model.state().violations.push(violation);
            reply
        }
    };
    received.http_status = reply.status.as_u16();
    received.errors = reply.has_errors();
    model.state().requests.push(received);
    reply
}

/// The name that a request gives to its operation, before anything is checked.
pub fn operation_name(body: &[u8]) -> Option<String> {
    let request: Value = serde_json::from_slice(body).ok()?;
    request["operationName"].as_str().map(str::to_owned)
}

/// A violation's description, with the answer to it.
type Refusal = (String, Reply);

fn execute(
    model: &Arc<Model>,
    caller: Caller,
    headers: &HeaderMap,
    body: &[u8],
    received: &mut Received,
) -> Result<Reply, Refusal> {
    let invalid =
        |problem: String| (problem.clone(), Reply::refused(problem.trim(), "GRAPHQL_VALIDATION_FAILED"));

    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !content_type.is_some_and(|content_type| content_type.starts_with("application/json")) {
        let reply = Reply { status: StatusCode::BAD_REQUEST, body: None };
        return Err((format!("the content type is {content_type:?}, not application/json"), reply));
    }
    let request: Value = serde_json::from_slice(body).map_err(|error| {
        let reply = Reply { status: StatusCode::BAD_REQUEST, body: None };
        (format!("the body is no JSON: {error}"), reply)
    })?;
    let operation_name = request["operationName"].as_str();
    received.name = operation_name.map(str::to_owned);
    received.variables = request["variables"].clone();
    let query = request["query"].as_str().ok_or_else(|| {
        let reply = Reply::refused("Problem processing request", ERROR_CODE);
        ("the body has no `query`".to_owned(), reply)
    })?;
    // An operation that does not fit the schema has a name and a kind as well.
    let parsed = Document::parse(query, "query").map_err(|problems| invalid(problems.errors.to_string()))?;
    if let Some(operation) =
        parsed.definitions.iter().find_map(|definition| definition.as_operation_definition())
    {
        received.name = operation.name.as_ref().map(ToString::to_string).or(received.name.take());
        received.kind = Some(operation.operation_type.name());
    }
    let document = ExecutableDocument::parse_and_validate(&model.schema, query, "query")
        .map_err(|problems| invalid(problems.errors.to_string()))?;
    let operation =
        document.operations.get(operation_name).map_err(|error| invalid(error.message().to_string()))?;
    received.name = operation.name.as_ref().map(ToString::to_string);
    received.kind = Some(operation.operation_type.name());
    let raw: JsonMap = match &request["variables"] {
        Value::Null => JsonMap::new(),
        other => serde_json::from_value(other.clone())
            .map_err(|_| invalid("the variables are no object".to_owned()))?,
    };
    if let Some(unknown) =
        raw.keys().find(|name| operation.variables.iter().all(|known| known.name != name.as_str()))
    {
        return Err(invalid(format!("the operation has no variable `{}`", unknown.as_str())));
    }
    let variables = coerce_variable_values(&model.schema, operation, &raw)
        .map_err(|error| invalid(error.message().to_string()))?;

    let root = Root { model, caller, type_name: operation.object_type().as_str() };
    let response = Execution::new(&model.schema, &document)
        .operation(operation)
        .coerced_variable_values(&variables)
        .execute_sync(&root)
        .map_err(|error| invalid(error.message().to_string()))?;
    let mut body = serde_json::to_value(&response).unwrap_or_default();
    for error in body["errors"].as_array_mut().into_iter().flatten() {
        // The library says where an error comes from; Railway does not.
        if let Some(message) =
            error["message"].as_str().and_then(|text| text.strip_prefix("resolver error: "))
        {
            error["message"] = json!(message);
        }
        error["extensions"] = json!({ "code": ERROR_CODE });
    }
    if body["errors"].as_array().is_none_or(Vec::is_empty) {
        body.as_object_mut().map(|body| body.remove("errors"));
    }
    Ok(Reply { status: StatusCode::OK, body: Some(body) })
}

/// Who asks. A project token is looked at first, as Railway's own command line does.
fn caller(model: &Model, headers: &HeaderMap) -> Caller {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    match (text("project-access-token"), text(header::AUTHORIZATION.as_str())) {
        (Some(token), _) if token == model.identity.project_token => Caller::Project,
        (None, Some(token)) if token.strip_prefix("Bearer ") == Some(&model.identity.api_token) => {
            Caller::Api
        }
        (None, None) => Caller::Nobody,
        _ => Caller::Bad,
    }
}

/// `Query` or `Mutation`.
struct Root<'a> {
    model: &'a Arc<Model>,
    caller: Caller,
    type_name: &'a str,
}

impl ObjectValue for Root<'_> {
    fn type_name(&self) -> &str {
        self.type_name
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let arguments = serde_json::to_value(info.arguments()).unwrap_or_default();
        let value = operations::field(self.model, self.caller, info.field_name(), &arguments)
            .map_err(|message| FieldError { message })?;
        Ok(resolved(info.schema(), &info.field_definition().ty, value))
    }
}

/// An object of the answer, as JSON with all of its fields.
struct Object {
    type_name: String,
    value: Value,
}

impl ObjectValue for Object {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        match self.value.get(info.field_name()) {
            Some(value) => Ok(resolved(info.schema(), &info.field_definition().ty, value.clone())),
            None => Err(self.unknown_field_error(info)),
        }
    }
}

/// JSON as what the schema says it is.
fn resolved<'a>(schema: &'a Schema, ty: &'a Type, value: Value) -> ResolvedValue<'a> {
    match value {
        Value::Null => ResolvedValue::null(),
        Value::Array(items) if ty.is_list() => ResolvedValue::List(Box::new(
            items.into_iter().map(move |item| Ok(resolved(schema, ty.item_type(), item))),
        )),
        value if schema.get_object(ty.inner_named_type()).is_some() => {
            ResolvedValue::object(Object { type_name: ty.inner_named_type().to_string(), value })
        }
        value => ResolvedValue::Leaf(serde_json::from_value(value).unwrap_or(JsonValue::Null)),
    }
}
