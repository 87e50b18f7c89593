//! What is not as a finished deployment leaves it: something under way, something that failed, settings that name
//! something else than what serves. An interrupted or killed run is found by this, whoever began it. Pure.

use super::deployment::{Deployment, Phase};
use super::memory::Memory;
use super::pinned::PinnedImage;
use super::serving::Health;
use super::state::State;
use crate::plan::quote;
use crate::record::deploy::Remark;

/// One remark for each thing, the most urgent first. `health` is what the service's address answered to the question
/// for the live deployment's revision.
pub fn remarks(state: &State, memory: &Memory, health: Option<&Health>) -> Vec<Remark> {
    let live = state.instance.live();
    let mut remarks: Vec<Remark> = state
        .deployments
        .iter()
        .filter(|one| one.status.phase() == Phase::Pending && live.is_none_or(|live| live.id != one.id))
        .map(|pending| under_way(state, live, pending))
        .collect();
    if !remarks.is_empty() {
        return remarks;
    }
    let differs = differs(state, live, memory, health);
    let newest = state.deployments.first();
    let failed = newest.filter(|newest| {
        newest.status.phase() == Phase::Over && live.is_some_and(|live| live.created() < newest.created())
    });
    match (failed, live) {
        (Some(failed), Some(live)) => {
            let left = if differs.is_some() {
                ", and the service's settings are not those of what serves"
            } else {
                ""
            };
            let found = format!("the newest deployment, {}, is {}{left}", failed.id, failed.status);
            let logs = format!("`cargo xtask deploy logs {}` shows why", failed.id);
            let back = differs.map(|_| set_back(live));
            remarks.push(Remark { found, commands: [logs].into_iter().chain(back).collect() });
        }
        (_, Some(live)) => {
            if let Some(what) = differs {
                let found =
                    format!("{what}: a deployment was interrupted before it began, or somebody changed it");
                let on = goes_on(state).map(|command| format!("`{command}` deploys it"));
                remarks.push(Remark { found, commands: on.into_iter().chain([set_back(live)]).collect() });
            }
        }
        (_, None) if !state.deployments.is_empty() => remarks.push(Remark {
            found: "nothing serves".to_owned(),
            commands: vec!["`cargo xtask deploy rollback` brings back the newest that did".to_owned()],
        }),
        (_, None) => {}
    }
    remarks
}

fn under_way(state: &State, live: Option<&Deployment>, pending: &Deployment) -> Remark {
    let image = pending.image_or_unknown();
    let found =
        format!("deployment {} with {image} is {}: it goes on at Railway", pending.id, pending.status);
    let is_wanted = state.instance.source_image() == pending.image();
    let on =
        goes_on(state).filter(|_| is_wanted).map(|command| format!("`{command}` goes on waiting for it"));
    let back = live.map(|live| {
        format!("once it is over, `cargo xtask deploy rollback {}` goes back to what serves now", live.id)
    });
    Remark { found, commands: on.into_iter().chain(back).collect() }
}

/// What the next deployment would get that the live one has not got.
fn differs(
    state: &State,
    live: Option<&Deployment>,
    memory: &Memory,
    health: Option<&Health>,
) -> Option<String> {
    let live = live?;
    let source = state.instance.source_image()?;
    let same_image =
        live.image() == Some(source) || PinnedImage::parse(source).is_ok_and(|image| live.runs(&image));
    if !same_image {
        return Some(format!("the service's settings name {source}, which is not what serves"));
    }
    // Where nothing is remembered, the address was asked for the variable's revision.
    let served = memory.served_revision(&live.id);
    let other = match &served {
        Some(served) => state.revision.as_ref() != Some(served),
        None => health.is_some_and(|health| health.is_healthy() && health.names_revision == Some(false)),
    };
    other.then(|| {
        let revision = state.revision.as_deref().unwrap_or("nothing");
        format!("APP_REVISION is {revision}, which is not what serves")
    })
}

/// The deployment that the service's settings ask for, as a command.
fn goes_on(state: &State) -> Option<String> {
    let image = state.instance.source_image().filter(|image| PinnedImage::parse(image).is_ok())?;
    let revision = quote(state.revision.as_deref()?);
    Some(format!("cargo xtask deploy --image {image} --revision {revision}"))
}

fn set_back(live: &Deployment) -> String {
    format!("`cargo xtask deploy rollback {}` sets the settings back to what serves", live.id)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;

    fn image(digit: &str) -> String {
        format!("app@sha256:{}", digit.repeat(64))
    }

    /// A service with these deployments, newest first, of which the last serves with image 1 and revision `old`.
    fn check(source: &str, revision: &str, newer: &[(&str, &str)], expected: Expect) {
        let one = |id: String, status: &str, image: &str| -> Deployment {
            let created = format!("2026-11-20T10:0{}:00Z", id.len());
            let value = json!({"id": id, "status": status, "createdAt": created, "meta": {"image": image}});
            serde_json::from_value(value).unwrap()
        };
        let live = one("d".to_owned(), "SUCCESS", &image("1"));
        let mut state = State { revision: Some(revision.to_owned()), ..State::default() };
        state.instance.source =
            serde_json::from_value(json!({"image": image(source), "repo": null})).unwrap();
        state.instance.active_deployments = vec![live.clone()];
        let newer = newer
            .iter()
            .rev()
            .enumerate()
            .map(|(at, (status, digit))| one("d".repeat(2 + at), status, &image(digit)));
        state.deployments = std::iter::once(live).chain(newer).collect();
        state.deployments.reverse();
        let health = Health { status: Some(200), names_revision: Some(revision == "old"), problem: None };
        let remarks = remarks(&state, &Memory::default(), Some(&health));
        let text: String = remarks
            .iter()
            .map(|remark| format!("{}\n  {}\n", remark.found, remark.commands.join("\n  ")))
            .collect();
        let short =
            ["1", "2"].iter().fold(text, |text, digit| text.replace(&image(digit), &format!("app@{digit}")));
        expected.assert_eq(&short);
    }

    #[test]
    fn every_point_at_which_a_run_can_be_killed() {
        check("1", "old", &[], expect![""]);
        // After the variable was set.
        check(
            "1",
            "new",
            &[],
            expect![[r#"
            APP_REVISION is new, which is not what serves: a deployment was interrupted before it began, or somebody changed it
              `cargo xtask deploy --image app@1 --revision new` deploys it
              `cargo xtask deploy rollback d` sets the settings back to what serves
        "#]],
        );
        // After the service was updated.
        check(
            "2",
            "new",
            &[],
            expect![[r#"
            the service's settings name app@2, which is not what serves: a deployment was interrupted before it began, or somebody changed it
              `cargo xtask deploy --image app@2 --revision new` deploys it
              `cargo xtask deploy rollback d` sets the settings back to what serves
        "#]],
        );
        // After the deployment had begun.
        check(
            "2",
            "new",
            &[("DEPLOYING", "2")],
            expect![[r#"
            deployment dd with app@2 is DEPLOYING: it goes on at Railway
              `cargo xtask deploy --image app@2 --revision new` goes on waiting for it
              once it is over, `cargo xtask deploy rollback d` goes back to what serves now
        "#]],
        );
        // It has failed since, and another one as well.
        check(
            "2",
            "new",
            &[("FAILED", "2"), ("FAILED", "2")],
            expect![[r#"
            the newest deployment, ddd, is FAILED, and the service's settings are not those of what serves
              `cargo xtask deploy logs ddd` shows why
              `cargo xtask deploy rollback d` sets the settings back to what serves
        "#]],
        );
        // A newer one has failed while it is still under way.
        check(
            "2",
            "new",
            &[("FAILED", "2"), ("DEPLOYING", "2")],
            expect![[r#"
            deployment dd with app@2 is DEPLOYING: it goes on at Railway
              `cargo xtask deploy --image app@2 --revision new` goes on waiting for it
              once it is over, `cargo xtask deploy rollback d` goes back to what serves now
        "#]],
        );
        // The settings have been set back.
        check(
            "1",
            "old",
            &[("FAILED", "2")],
            expect![[r#"
            the newest deployment, dd, is FAILED
              `cargo xtask deploy logs dd` shows why
        "#]],
        );
    }
}
