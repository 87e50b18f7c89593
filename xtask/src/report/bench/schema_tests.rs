//! `docs/schemas/bench.schema.json` describes what is written: every key of every record, and no other.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::records_tests::{all_invalid, empty, hostile, interrupted, whole};
use super::render;
use crate::record::StepState;
use crate::record::bench::{BENCH_SCHEMA, BenchRecord, BenchResult, VerdictKind};
use crate::report::Format;

/// What earlier records do not have, and what is left out where there is none.
const OPTIONAL: [&str; 4] = ["program", "arguments", OF_OLD, OF_NEW];
/// Keys of which a record has one or the other: earlier ones the first, those that are written now the second.
const OF_OLD: &str = "timeline";
const OF_NEW: &str = "timelines";

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schemas/bench.schema.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("read `{}`: {e}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// Checks values against the part of JSON Schema that ours uses; a keyword that it does not know is an error.
struct Validator {
    schema: Value,
    /// `object description/property` of every property that a value had.
    seen: BTreeSet<String>,
}

impl Validator {
    fn new() -> Validator {
        Validator { schema: schema(), seen: BTreeSet::new() }
    }

    fn record(&mut self, value: &Value) -> Result<(), String> {
        let schema = self.schema.clone();
        self.check(&schema, value, "$")
    }

    fn check(&mut self, schema: &Value, value: &Value, place: &str) -> Result<(), String> {
        for (keyword, rule) in schema.as_object().unwrap() {
            let is_met = match keyword.as_str() {
                "$schema" | "$defs" | "title" | "description" => true,
                "$ref" => {
                    let pointer = rule.as_str().unwrap().strip_prefix('#').unwrap();
                    let target = self.schema.pointer(pointer).unwrap().clone();
                    self.check(&target, value, place)?;
                    true
                }
                "const" => value == rule,
                "enum" => rule.as_array().unwrap().contains(value),
                "type" => match rule {
                    Value::Array(types) => types.iter().any(|name| is_type(name, value)),
                    name => is_type(name, value),
                },
                "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
                "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
                "anyOf" => {
                    let branches = rule.as_array().unwrap().clone();
                    let results: Vec<_> =
                        branches.iter().map(|branch| self.check(branch, value, place)).collect();
                    // The last branch is null, and says nothing about what is wrong.
                    if results.iter().all(Result::is_err) {
                        return results.into_iter().next().unwrap();
                    }
                    true
                }
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, item, &format!("{place}[{index}]"))?;
                    }
                    true
                }
                "required" => {
                    let keys = rule.as_array().unwrap().iter().map(|key| key.as_str().unwrap());
                    let missing: Vec<&str> = keys.filter(|key| value.get(key).is_none()).collect();
                    if value.is_object() && !missing.is_empty() {
                        return Err(format!("{place}: missing {missing:?}"));
                    }
                    true
                }
                "properties" | "additionalProperties" => true,
                other => return Err(format!("schema: keyword `{other}` is not checked by this test")),
            };
            if !is_met {
                return Err(format!("{place}: {value} does not meet {keyword} {rule}"));
            }
        }
        self.check_members(schema, value, place)
    }

    fn check_members(&mut self, schema: &Value, value: &Value, place: &str) -> Result<(), String> {
        for (key, member) in value.as_object().into_iter().flatten() {
            let place = format!("{place}.{key}");
            let own = schema.get("properties").and_then(|properties| properties.get(key));
            match (own, schema.get("additionalProperties")) {
                (Some(rule), _) => {
                    self.seen.insert(format!("{}/{key}", schema["description"]));
                    self.check(rule, member, &place)?;
                }
                (None, Some(Value::Bool(false))) => return Err(format!("{place}: not described")),
                (None, Some(rule)) => self.check(rule, member, &place)?,
                (None, None) => {}
            }
        }
        Ok(())
    }
}

fn is_type(name: &Value, value: &Value) -> bool {
    match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("schema: type `{other}`"),
    }
}

fn whole_as_json() -> Value {
    serde_json::from_str(&render(&whole(), Format::Json).unwrap()).unwrap()
}

#[test]
fn every_record_is_as_the_schema_says() {
    let mut validator = Validator::new();
    for record in [whole(), empty(), all_invalid(), interrupted(), hostile()] {
        let json = serde_json::from_str(&render(&record, Format::Json).unwrap()).unwrap();
        validator.record(&json).unwrap();
    }
    assert_eq!(validator.schema["properties"]["schema"]["const"], BENCH_SCHEMA);
}

#[test]
fn the_schema_describes_nothing_that_is_never_written() {
    let mut validator = Validator::new();
    validator.record(&whole_as_json()).unwrap();
    let schema = schema();
    let objects = schema["$defs"].as_object().unwrap().values().chain([&schema]);
    for object in objects {
        let keys: Vec<&String> = object["properties"].as_object().unwrap().keys().collect();
        let keys: Vec<&String> = keys.into_iter().filter(|key| !OPTIONAL.contains(&key.as_str())).collect();
        let required: Vec<&str> =
            object["required"].as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
        let described = &object["description"];
        assert_eq!(
            keys.iter().map(|key| key.as_str()).collect::<BTreeSet<_>>(),
            required.into_iter().collect(),
            "{described}"
        );
        for key in keys {
            assert!(
                validator.seen.contains(&format!("{described}/{key}")),
                "nothing writes `{key}` of {described}"
            );
        }
    }
}

/// What earlier records have: one timeline or null, and not the list that is written now.
#[test]
fn earlier_records_are_described_and_read() {
    let mut one = whole_as_json();
    let timelines = one.as_object_mut().unwrap().remove(OF_NEW).unwrap();
    one[OF_OLD] = timelines[0].clone();
    let mut none = one.clone();
    none[OF_OLD] = json!(null);
    for (earlier, count) in [(one, 1), (none, 0)] {
        Validator::new().record(&earlier).unwrap();
        let read: BenchRecord = serde_json::from_value(earlier).unwrap();
        let told: Vec<_> = read.timelines.iter().map(|one| (one.arm.as_str(), one.units.len())).collect();
        assert_eq!(told, [("none", 120)][..count]);
    }
}

#[test]
fn every_state_is_described() {
    let states: [(&str, Vec<Value>); 3] = [
        (
            "/properties/result/enum",
            [BenchResult::Unfinished, BenchResult::Ok, BenchResult::Failed, BenchResult::Interrupted]
                .map(|state| json!(state))
                .to_vec(),
        ),
        (
            "/$defs/verdict/properties/verdict/enum",
            [
                VerdictKind::Faster,
                VerdictKind::Slower,
                VerdictKind::NoMeasurableGain,
                VerdictKind::CannotTell,
                VerdictKind::OneSample,
                VerdictKind::NotMeasured,
            ]
            .map(|kind| json!(kind))
            .to_vec(),
        ),
        (
            "/$defs/step/properties/state/enum",
            [StepState::Ran, StepState::Fresh, StepState::Restored, StepState::Failed]
                .map(|state| json!(state))
                .to_vec(),
        ),
    ];
    for (pointer, written) in states {
        assert_eq!(schema().pointer(pointer).unwrap(), &json!(written), "{pointer}");
    }
}

#[test]
fn what_is_wrong_is_found() {
    let wrong = |change: fn(&mut Value)| {
        let mut json = whole_as_json();
        change(&mut json);
        Validator::new().record(&json).unwrap_err()
    };
    assert!(wrong(|json| json["more"] = json!(1)).contains("$.more: not described"));
    assert!(wrong(|json| json["host"]["cores"] = json!("2")).starts_with("$.host.cores: "));
    assert!(wrong(|json| json["samples"][0]["seconds"] = json!(-1)).starts_with("$.samples[0].seconds: "));
    assert!(
        wrong(|json| json["verdicts"][0]["verdict"] = json!("quick")).starts_with("$.verdicts[0].verdict: ")
    );
    assert!(
        wrong(|json| json["timelines"][0]["units"][1] = json!({}))
            .starts_with("$.timelines[0].units[1]: missing")
    );
    assert!(
        wrong(|json| drop(json.as_object_mut().unwrap().remove("noise"))).contains("missing [\"noise\"]")
    );
    assert!(wrong(|json| json["schema"] = json!("xtask.bench/2")).starts_with("$.schema: "));
}
