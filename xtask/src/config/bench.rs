//! `[workspace.metadata.xtask.bench]`: what the workspace wants measured, and what it may take. Every key is
//! optional.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::keys::Section;
use crate::exit::Failure;

/// What `bench` starts from: the names of its scenarios.
pub const SCENARIOS: [&str; 7] =
    ["cold", "warm", "hot", "patch-server", "patch-ui", "patch-core", "warm-target"];

const PLACE: &str = "`[workspace.metadata.xtask.bench]` in Cargo.toml";

/// The settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bench {
    /// The committed file with the runs worth keeping, one JSON line each; below the workspace's root.
    pub history: Option<String>,
    /// The file that the scenario `patch-server` changes; below the workspace's root.
    pub patch_server: Option<String>,
    /// The same for `patch-ui`.
    pub patch_ui: Option<String>,
    /// The same for `patch-core`.
    pub patch_core: Option<String>,
    /// By scenario; one for each arm that is limited.
    pub budgets: BTreeMap<String, Vec<Budget>>,
}

/// What a scenario may take. It has one limit at least.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Budget {
    pub seconds: Option<f64>,
    /// Per cent more than the median of earlier runs on the same class of host.
    pub percent: Option<f64>,
    /// Of the time without what the arm switches on: 0.35 for a compile cache is 0.35 of the time without one. There is
    /// an arm, then.
    pub ratio: Option<f64>,
    /// The arm that counts, e.g. `kache`, where it is not the one that usually does.
    pub arm: Option<String>,
}

impl Bench {
    /// Reads the table.
    pub fn read(table: &Value) -> anyhow::Result<Bench> {
        let mut section = Section::new(PLACE, table)?;
        let bench = Bench {
            history: path(&mut section, "history")?,
            patch_server: path(&mut section, "patch-server")?,
            patch_ui: path(&mut section, "patch-ui")?,
            patch_core: path(&mut section, "patch-core")?,
            budgets: match section.value("budgets") {
                Some(table) => budgets(table)?,
                None => BTreeMap::new(),
            },
        };
        section.finish()?;
        Ok(bench)
    }
}

/// A file of the workspace. What lies elsewhere is on one machine only.
fn path(section: &mut Section<'_>, key: &'static str) -> anyhow::Result<Option<String>> {
    section.read(key, "the path of a file below the workspace's root", |value| {
        let text = value.as_str()?;
        let is_plain = |part| matches!(part, std::path::Component::Normal(_) | std::path::Component::CurDir);
        let is_inside =
            !text.is_empty() && !text.ends_with('/') && Path::new(text).components().all(is_plain);
        is_inside.then(|| text.to_owned())
    })
}

fn budgets(table: &Value) -> anyhow::Result<BTreeMap<String, Vec<Budget>>> {
    let mut section = Section::new("`[workspace.metadata.xtask.bench.budgets]` in Cargo.toml", table)?;
    let mut budgets = BTreeMap::new();
    for scenario in SCENARIOS {
        if let Some(value) = section.value(scenario) {
            budgets.insert(scenario.to_owned(), of_scenario(scenario, value)?);
        }
    }
    section.finish()?;
    Ok(budgets)
}

/// One table, or a list of tables, one for each arm.
fn of_scenario(scenario: &str, value: &Value) -> anyhow::Result<Vec<Budget>> {
    let place = format!("`[workspace.metadata.xtask.bench.budgets.{scenario}]` in Cargo.toml");
    let tables = match value {
        Value::Array(tables) => tables.as_slice(),
        table => std::slice::from_ref(table),
    };
    let budgets =
        tables.iter().map(|table| budget(&place, table)).collect::<anyhow::Result<Vec<Budget>>>()?;
    if budgets.is_empty() {
        let hint = "add one, e.g. `{ seconds = 720 }`, or leave the key out";
        return Err(Failure::usage(format!("{place} has no budget")).hint(hint).into());
    }
    for (index, budget) in budgets.iter().enumerate() {
        // Of two limits of the same thing one would be forgotten.
        if budgets[..index].iter().any(|before| before.arm == budget.arm) {
            let whose = match &budget.arm {
                Some(arm) => format!("for the arm `{arm}`"),
                None => "without `arm`".to_owned(),
            };
            let message = format!("{place} has two budgets {whose}");
            return Err(Failure::usage(message).hint("put their limits into one").into());
        }
    }
    Ok(budgets)
}

fn budget(place: &str, table: &Value) -> anyhow::Result<Budget> {
    let mut section = Section::new(place, table)?;
    let budget = Budget {
        seconds: section.read("seconds", "a number of seconds above 0", |value| {
            value.as_f64().filter(|seconds| *seconds > 0.0)
        })?,
        percent: section.read("percent", "a number, 0 or more", |value| {
            value.as_f64().filter(|percent| *percent >= 0.0)
        })?,
        ratio: section
            .read("ratio", "a number above 0", |value| value.as_f64().filter(|ratio| *ratio > 0.0))?,
        arm: section.text("arm")?,
    };
    // A budget without a limit would be a check that cannot fail.
    let limit = section
        .lacks("`seconds`, `percent` or `ratio`", "add `seconds = …`, `percent = …` or `ratio = …` there");
    let arm = section
        .lacks("`arm`, whose `ratio` is meant", "add it there, for a compile cache e.g. `arm = \"kache\"`");
    section.finish()?;
    if budget.seconds.or(budget.percent).or(budget.ratio).is_none() {
        return Err(limit.into());
    }
    if budget.ratio.is_some() && budget.arm.is_none() {
        return Err(arm.into());
    }
    Ok(budget)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;
    use crate::exit::{Exit, hint_of};

    #[test]
    fn all_keys() {
        let bench = Bench::read(&json!({
            "history": "docs/measurements/bench.jsonl", "patch-server": "./crates/server/src/main.rs",
            "patch-ui": "a.rs", "patch-core": "b.rs",
            "budgets": {
                "cold": {"seconds": 720, "percent": 25},
                "hot": {"seconds": 0.5},
                "warm": [{"seconds": 360, "ratio": 0.35, "arm": "sccache"}, {"ratio": 0.05, "arm": "kache"}, {"percent": 0}],
            },
        }))
        .unwrap();
        let text = |text: &str| Some(text.to_owned());
        let budget = |seconds, percent, ratio, arm| Budget { seconds, percent, ratio, arm };
        let expected = Bench {
            history: text("docs/measurements/bench.jsonl"),
            patch_server: text("./crates/server/src/main.rs"),
            patch_ui: text("a.rs"),
            patch_core: text("b.rs"),
            budgets: BTreeMap::from([
                ("cold".to_owned(), vec![budget(Some(720.0), Some(25.0), None, None)]),
                ("hot".to_owned(), vec![budget(Some(0.5), None, None, None)]),
                (
                    "warm".to_owned(),
                    vec![
                        budget(Some(360.0), None, Some(0.35), text("sccache")),
                        budget(None, None, Some(0.05), text("kache")),
                        budget(None, Some(0.0), None, None),
                    ],
                ),
            ]),
        };
        assert_eq!(bench, expected);
        assert_eq!(Bench::read(&json!({})).unwrap(), Bench::default());
    }

    #[test]
    fn mistakes_are_named() {
        let check = |table: Value, expected: Expect| {
            let error = Bench::read(&table).unwrap_err();
            assert_eq!(Exit::of(&error), Exit::Usage);
            expected.assert_eq(&format!("{error}\n{}", hint_of(&error).unwrap_or("-")));
        };
        check(
            json!({"histroy": "a"}),
            expect![[r#"
            unknown key `histroy` in `[workspace.metadata.xtask.bench]` in Cargo.toml; did you mean `history`?
            known keys: budgets, history, patch-core, patch-server, patch-ui"#]],
        );
        check(
            json!({"budgets": {"code": {}}}),
            expect![[r#"
            unknown key `code` in `[workspace.metadata.xtask.bench.budgets]` in Cargo.toml; did you mean `cold`?
            known keys: cold, hot, patch-core, patch-server, patch-ui, warm, warm-target"#]],
        );
        check(
            json!({"budgets": {"hot": {"second": 1}}}),
            expect![[r#"
            unknown key `second` in `[workspace.metadata.xtask.bench.budgets.hot]` in Cargo.toml; did you mean `seconds`?
            known keys: arm, percent, ratio, seconds"#]],
        );
        check(
            json!({"budgets": {"hot": {"arm": "kache"}}}),
            expect![[r#"
            `[workspace.metadata.xtask.bench.budgets.hot]` in Cargo.toml lacks `seconds`, `percent` or `ratio`
            add `seconds = …`, `percent = …` or `ratio = …` there"#]],
        );
        check(
            json!({"budgets": {"warm": {"ratio": 0.05}}}),
            expect![[r#"
            `[workspace.metadata.xtask.bench.budgets.warm]` in Cargo.toml lacks `arm`, whose `ratio` is meant
            add it there, for a compile cache e.g. `arm = "kache"`"#]],
        );
        check(
            json!({"budgets": {"warm": {"ratio": 0, "arm": "kache"}}}),
            expect![[r#"
            `ratio` in `[workspace.metadata.xtask.bench.budgets.warm]` in Cargo.toml must be a number above 0, not the number 0
            -"#]],
        );
        check(
            json!({"budgets": {"warm": [{"ratio": 0.4, "arm": "kache"}, {"seconds": 9, "arm": "kache"}]}}),
            expect![[r#"
            `[workspace.metadata.xtask.bench.budgets.warm]` in Cargo.toml has two budgets for the arm `kache`
            put their limits into one"#]],
        );
        check(
            json!({"budgets": {"warm": [{"seconds": 9}, {"percent": 9}]}}),
            expect![[r#"
            `[workspace.metadata.xtask.bench.budgets.warm]` in Cargo.toml has two budgets without `arm`
            put their limits into one"#]],
        );
        check(
            json!({"budgets": {"warm": []}}),
            expect![[r#"
            `[workspace.metadata.xtask.bench.budgets.warm]` in Cargo.toml has no budget
            add one, e.g. `{ seconds = 720 }`, or leave the key out"#]],
        );
        check(
            json!({"budgets": {"warm": 360}}),
            expect![[r#"
            `[workspace.metadata.xtask.bench.budgets.warm]` in Cargo.toml must be a table, not the number 360
            -"#]],
        );
        check(
            json!({"budgets": {"hot": {"seconds": 1, "percents": 1}}}),
            expect![[r#"
            unknown key `percents` in `[workspace.metadata.xtask.bench.budgets.hot]` in Cargo.toml; did you mean `percent`?
            known keys: arm, percent, ratio, seconds"#]],
        );
        check(
            json!({"budgets": {"hot": {"seconds": 0}}}),
            expect![[r#"
            `seconds` in `[workspace.metadata.xtask.bench.budgets.hot]` in Cargo.toml must be a number of seconds above 0, not the number 0
            -"#]],
        );
        check(
            json!({"history": "../elsewhere.jsonl"}),
            expect![[r#"
            `history` in `[workspace.metadata.xtask.bench]` in Cargo.toml must be the path of a file below the workspace's root, not the text "../elsewhere.jsonl"
            -"#]],
        );
        check(
            json!({"patch-ui": ["a.rs"]}),
            expect![[r#"
            `patch-ui` in `[workspace.metadata.xtask.bench]` in Cargo.toml must be the path of a file below the workspace's root, not a list
            -"#]],
        );
    }
}
