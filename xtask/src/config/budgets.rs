//! `[workspace.metadata.xtask.budgets]`: what one run of CI may take, and how large what ships may be.
//!
//! Each figure has two limits: past the one it is told, past the other the run fails. What a scenario of `bench` may
//! take is `bench.budgets`, which is judged by `bench` alone: there the machine and its noise are known.

use serde_json::Value;

use super::keys::Section;
use super::size::Size;

const PLACE: &str = "`[workspace.metadata.xtask.budgets]` in Cargo.toml";
const SECONDS: &str = "a number of seconds above 0, or false";
const PERCENT: &str = "a number of per cent, 0 to 100, or false";
const SIZE: &str = "a size in quotes, e.g. \"25MB\", or false";

/// How far a figure may go. What is `None` is not held against anything.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Past this, it is told.
    pub warn: Option<f64>,
    /// Past this, the run fails.
    pub fail: Option<f64>,
}

/// All of them. A figure without a limit of its own has the default, which only warns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budgets {
    /// Seconds of a build that found nothing to reuse.
    pub cold: Limits,
    /// Seconds of a build that had some dependencies compile.
    pub warm: Limits,
    /// Seconds of a build that found every dependency compiled.
    pub hot: Limits,
    /// How much of a build at least was there already, in per cent.
    pub hit_rate: Limits,
    /// The image as it is sent, in bytes.
    pub image: Limits,
    /// Seconds of a deployment.
    pub deploy: Limits,
    /// Seconds from the push to the deployment being verified.
    pub push_to_live: Limits,
}

impl Default for Budgets {
    fn default() -> Budgets {
        let warning = |limit: f64| Limits { warn: Some(limit), fail: None };
        Budgets {
            cold: warning(720.0),
            warm: warning(300.0),
            hot: warning(120.0),
            hit_rate: warning(80.0),
            image: warning(25e6),
            deploy: warning(90.0),
            push_to_live: warning(420.0),
        }
    }
}

impl Budgets {
    /// Reads the table.
    pub fn read(table: &Value) -> anyhow::Result<Budgets> {
        let mut section = Section::new(PLACE, table)?;
        let mut read = |warn: &'static str, fail: &'static str, default: Limits, kind: Kind| {
            limits(&mut section, (warn, fail), default, kind)
        };
        let (time, rate, size): (Kind, Kind, Kind) = ((SECONDS, seconds), (PERCENT, percent), (SIZE, bytes));
        let default = Budgets::default();
        let budgets = Budgets {
            cold: read("cold-warn", "cold-fail", default.cold, time)?,
            warm: read("warm-warn", "warm-fail", default.warm, time)?,
            hot: read("hot-warn", "hot-fail", default.hot, time)?,
            hit_rate: read("hit-rate-warn", "hit-rate-fail", default.hit_rate, rate)?,
            image: read("image-warn", "image-fail", default.image, size)?,
            deploy: read("deploy-warn", "deploy-fail", default.deploy, time)?,
            push_to_live: read("push-to-live-warn", "push-to-live-fail", default.push_to_live, time)?,
        };
        section.finish()?;
        Ok(budgets)
    }
}

/// What is expected, in words, and how it is read.
type Kind = (&'static str, fn(&Value) -> Option<f64>);

/// `false` takes a limit away; whoever sets one that fails and says nothing of the other does not want both.
fn limits(
    section: &mut Section<'_>,
    (warn, fail): (&'static str, &'static str),
    default: Limits,
    (expected, convert): Kind,
) -> anyhow::Result<Limits> {
    let mut read = |key: &'static str| {
        section.read(key, expected, |value| match value {
            Value::Bool(false) => Some(None),
            value => convert(value).map(Some),
        })
    };
    let (warn, fail) = (read(warn)?, read(fail)?.flatten());
    let warn = warn.unwrap_or(if fail.is_some() { None } else { default.warn });
    Ok(Limits { warn, fail })
}

fn seconds(value: &Value) -> Option<f64> {
    value.as_f64().filter(|seconds| *seconds > 0.0)
}

fn percent(value: &Value) -> Option<f64> {
    value.as_f64().filter(|percent| (0.0..=100.0).contains(percent))
}

fn bytes(value: &Value) -> Option<f64> {
    value.as_str()?.parse::<Size>().ok().map(|size| size.bytes as f64)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;
    use crate::exit::{Exit, hint_of};

    #[test]
    fn defaults_warn_and_whoever_sets_a_limit_has_that_alone() {
        assert_eq!(Budgets::read(&json!({})).unwrap(), Budgets::default());
        let budgets = Budgets::read(&json!({
            "cold-fail": 900, "warm-warn": false, "hot-warn": 60, "hot-fail": 90.5, "hit-rate-fail": false,
            "image-warn": "20MB", "image-fail": "25 MB", "deploy-fail": 120, "deploy-warn": 80,
        }))
        .unwrap();
        let limits = |warn, fail| Limits { warn, fail };
        let expected = Budgets {
            cold: limits(None, Some(900.0)),
            warm: limits(None, None),
            hot: limits(Some(60.0), Some(90.5)),
            hit_rate: limits(Some(80.0), None),
            image: limits(Some(20e6), Some(25e6)),
            deploy: limits(Some(80.0), Some(120.0)),
            push_to_live: limits(Some(420.0), None),
        };
        assert_eq!(budgets, expected);
    }

    #[test]
    fn mistakes_are_named() {
        let check = |table: Value, expected: Expect| {
            let error = Budgets::read(&table).unwrap_err();
            assert_eq!(Exit::of(&error), Exit::Usage);
            expected.assert_eq(&format!("{error}\n{}", hint_of(&error).unwrap_or("-")));
        };
        check(
            json!({"image-warm": "1MB"}),
            expect![[r#"
                unknown key `image-warm` in `[workspace.metadata.xtask.budgets]` in Cargo.toml; did you mean `image-warn`?
                known keys: cold-fail, cold-warn, deploy-fail, deploy-warn, hit-rate-fail, hit-rate-warn, hot-fail, hot-warn, image-fail, image-warn, push-to-live-fail, push-to-live-warn, warm-fail, warm-warn"#]],
        );
        check(
            json!({"cold-warn": true}),
            expect![[r#"
                `cold-warn` in `[workspace.metadata.xtask.budgets]` in Cargo.toml must be a number of seconds above 0, or false, not true
                -"#]],
        );
        check(
            json!({"hit-rate-fail": 800}),
            expect![[r#"
                `hit-rate-fail` in `[workspace.metadata.xtask.budgets]` in Cargo.toml must be a number of per cent, 0 to 100, or false, not the number 800
                -"#]],
        );
        check(
            json!({"image-warn": 25}),
            expect![[r#"
                `image-warn` in `[workspace.metadata.xtask.budgets]` in Cargo.toml must be a size in quotes, e.g. "25MB", or false, not the number 25
                -"#]],
        );
    }
}
