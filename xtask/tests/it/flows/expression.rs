//! The expressions of workflows, as far as ours use them: anything else fails the test that reads it.
//!
//! Source: "Evaluate expressions in workflows and actions" of GitHub's documentation.

use std::collections::BTreeMap;

use serde_json::Value;

/// What an expression may name.
#[derive(Clone, Default)]
pub struct Scope {
    pub contexts: BTreeMap<&'static str, Value>,
    /// What the status functions ask about.
    pub status: Status,
}

/// How what came before has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Status {
    #[default]
    Success,
    Failure,
    /// Nothing failed, but something that is needed did not run.
    Skipped,
}

/// The value of an expression, with or without `${{ }}` around it.
pub fn evaluate(text: &str, scope: &Scope) -> Value {
    let inner = text.trim();
    let inner = inner.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}")).unwrap_or(inner);
    let tokens = tokens(inner);
    let mut parser = Parser { tokens: &tokens, at: 0, scope, text };
    let value = parser.or();
    assert_eq!(parser.at, tokens.len(), "`{text}`: nobody knows what comes after {:?}", &tokens[..parser.at]);
    value
}

/// Whether a condition asks how what came before has ended. Without that it holds only after success.
pub fn asks_for_status(text: &str) -> bool {
    ["always()", "success()", "failure()", "cancelled()"].iter().any(|function| text.contains(function))
}

/// A text in which expressions stand.
pub fn interpolate(text: &str, scope: &Scope) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        let (expression, behind) = after.split_once("}}").unwrap_or_else(|| panic!("`{text}` has no end"));
        result += before;
        result += &as_text(&evaluate(expression, scope));
        rest = behind;
    }
    result + rest
}

pub fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

pub fn as_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(_) | Value::Array(_) => panic!("{value} has no text"),
        other => other.to_string(),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Text(String),
    /// With dots.
    Name(String),
    Sign(&'static str),
}

fn tokens(text: &str) -> Vec<Token> {
    const SIGNS: [&str; 8] = ["==", "!=", "&&", "||", "!", "(", ")", ","];
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first == '\'' {
            let end = rest[1..].find('\'').unwrap_or_else(|| panic!("`{text}`: a text has no end"));
            found.push(Token::Text(rest[1..=end].to_owned()));
            end + 2
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            found.push(Token::Sign(sign));
            sign.len()
        } else {
            let is_part = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
            let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            assert!(end > 0, "`{text}`: nobody knows `{rest}`");
            found.push(Token::Name(rest[..end].to_owned()));
            end
        };
        rest = rest[length..].trim_start();
    }
    found
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    scope: &'a Scope,
    text: &'a str,
}

impl Parser<'_> {
    fn takes(&mut self, sign: &'static str) -> bool {
        let is_next = self.tokens.get(self.at) == Some(&Token::Sign(sign));
        self.at += usize::from(is_next);
        is_next
    }

    fn or(&mut self) -> Value {
        let mut value = self.and();
        while self.takes("||") {
            let other = self.and();
            value = if is_true(&value) { value } else { other };
        }
        value
    }

    fn and(&mut self) -> Value {
        let mut value = self.comparison();
        while self.takes("&&") {
            let other = self.comparison();
            value = if is_true(&value) { other } else { value };
        }
        value
    }

    fn comparison(&mut self) -> Value {
        let value = self.single();
        for (sign, is_equal) in [("==", true), ("!=", false)] {
            if self.takes(sign) {
                let other = self.single();
                return Value::Bool(equal(&value, &other) == is_equal);
            }
        }
        value
    }

    fn single(&mut self) -> Value {
        if self.takes("!") {
            let value = self.single();
            return Value::Bool(!is_true(&value));
        }
        if self.takes("(") {
            let value = self.or();
            assert!(self.takes(")"), "`{}`: a bracket is open", self.text);
            return value;
        }
        let token = self.tokens.get(self.at).unwrap_or_else(|| panic!("`{}` ends early", self.text)).clone();
        self.at += 1;
        match token {
            Token::Text(text) => Value::String(text),
            Token::Name(name) if self.takes("(") => {
                let mut arguments = Vec::new();
                while !self.takes(")") {
                    arguments.push(self.or());
                    self.takes(",");
                }
                self.call(&name, &arguments)
            }
            Token::Name(name) => self.look_up(&name),
            Token::Sign(sign) => panic!("`{}`: nobody knows `{sign}` here", self.text),
        }
    }

    fn look_up(&self, name: &str) -> Value {
        match name {
            "true" => return Value::Bool(true),
            "false" => return Value::Bool(false),
            "null" => return Value::Null,
            _ => {}
        }
        let mut parts = name.split('.');
        let context = parts.next().unwrap_or_default();
        let known = self.scope.contexts.get(context);
        let mut value = known.unwrap_or_else(|| panic!("`{}`: there is no `{context}` here", self.text));
        for part in parts {
            // What is not there is nothing, at any depth.
            value = value.get(part).unwrap_or(&Value::Null);
        }
        value.clone()
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Value {
        let status = self.scope.status;
        match (name, arguments) {
            ("always", []) => Value::Bool(true),
            ("success", []) => Value::Bool(status == Status::Success),
            ("failure", []) => Value::Bool(status == Status::Failure),
            ("cancelled", []) => Value::Bool(false),
            ("format", [template, first]) => Value::String(as_text(template).replace("{0}", &as_text(first))),
            ("toJSON", [value]) => Value::String(value.to_string()),
            ("hashFiles", [_, ..]) => Value::String("0123456789abcdef".to_owned()),
            _ => panic!("`{}`: nobody knows `{name}` of {} values", self.text, arguments.len()),
        }
    }
}

/// Texts are compared without case; what is of different kinds is compared as numbers.
fn equal(a: &Value, b: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Null => 0.0,
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Number(number) => number.as_f64().unwrap_or(f64::NAN),
        Value::String(text) if text.is_empty() => 0.0,
        Value::String(text) => text.parse().unwrap_or(f64::NAN),
        Value::Array(_) | Value::Object(_) => f64::NAN,
    };
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.eq_ignore_ascii_case(b),
        (Value::Array(_) | Value::Object(_), _) | (_, Value::Array(_) | Value::Object(_)) => false,
        _ => number(a) == number(b),
    }
}

#[test]
fn expressions_mean_what_github_says() {
    let contexts = BTreeMap::from([
        ("github", serde_json::json!({"ref": "refs/heads/Main", "event": {"inputs": null, "n": 0}})),
        ("inputs", Value::Null),
    ]);
    let mut scope = Scope { contexts, status: Status::Failure };
    for (expression, expected) in [
        ("github.ref == 'refs/heads/main'", "true"),
        ("github.ref == format('refs/heads/{0}', 'main') && !cancelled()", "true"),
        ("${{ inputs.environment || 'production' }}", "production"),
        ("github.event.inputs.force_rebuild != 'true'", "true"),
        ("github.event.nothing == false", "true"),
        ("github.event.nothing.at.all == 'public'", "false"),
        ("github.event.n || (always() && 'x')", "x"),
        ("success() || failure() && ''", ""),
        ("inputs.dockerfile", ""),
        ("toJSON(github.event.n)", "0"),
    ] {
        assert_eq!(as_text(&evaluate(expression, &scope)), expected, "{expression}");
    }
    assert_eq!(interpolate("a-${{ github.event.n }}-${{ 'b' }}", &scope), "a-0-b");
    scope.status = Status::Success;
    assert!(is_true(&evaluate("success()", &scope)) && !is_true(&evaluate("failure()", &scope)));
    for nonsense in
        ["steps.x", "contains('a', 'b')", "github.ref ==", "'a' 'b'", "github['ref']", "(always()", "a < b"]
    {
        let scope = scope.clone();
        let ended = std::panic::catch_unwind(move || evaluate(nonsense, &scope));
        assert!(ended.is_err(), "{nonsense} was understood");
    }
}
