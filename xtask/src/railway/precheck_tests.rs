//! What each check concludes from what is known.

use expect_test::{Expect, expect};

use super::*;
use crate::config::expected::ExpectedVariable;

fn seen(visibility: Visibility, platforms: &[&str]) -> ImageSeen {
    ImageSeen {
        visibility,
        hidden: None,
        platforms: platforms.iter().map(|name| (*name).to_owned()).collect(),
        variables: BTreeSet::from(["HOST".to_owned()]),
    }
}

fn of_plan(plan: &str) -> Account {
    Account { plan: Some(plan.to_owned()), ..Account::default() }
}

fn shown(checks: &[Checked], expected: Expect) {
    let line = |one: &Checked| {
        let hint = one.hint.as_ref().map(|hint| format!("\n  {hint}")).unwrap_or_default();
        format!("{} {:?}: {}{hint}\n", one.record.name, one.record.verdict, one.record.detail)
    };
    expected.assert_eq(&checks.iter().map(line).collect::<String>());
}

#[test]
fn images_that_can_and_cannot_be_pulled() {
    let private = |has_credentials| Visibility::Private { has_credentials };
    let cases = [
        (seen(Visibility::Public, &["linux/amd64"]), of_plan("hobby")),
        (seen(Visibility::Public, &["linux/arm64"]), of_plan("hobby")),
        (seen(Visibility::Public, &[]), of_plan("hobby")),
        (seen(private(Some(true)), &["linux/amd64"]), of_plan("pro")),
        (seen(private(Some(true)), &["linux/amd64"]), of_plan("hobby")),
        (seen(private(Some(true)), &["linux/amd64"]), Account::default()),
        (seen(private(Some(false)), &["linux/amd64"]), of_plan("pro")),
        (seen(private(None), &["linux/amd64"]), of_plan("pro")),
        (ImageSeen { hidden: Some("401".to_owned()), ..seen(private(None), &[]) }, of_plan("pro")),
        (seen(Visibility::Absent, &[]), of_plan("pro")),
        (seen(Visibility::Unknown("no answer".to_owned()), &[]), of_plan("pro")),
    ];
    let checks: Vec<Checked> =
        cases.iter().flat_map(|(seen, account)| [image(seen, "linux/amd64"), pull(seen, account)]).collect();
    shown(
        &checks,
        expect![[r#"
            image Ok: in the registry, for linux/amd64
            pull Ok: anybody may pull it
            image Failed: it is for linux/arm64, and the service's machines run linux/amd64
              build it there, or say what they run: `platform` in [workspace.metadata.xtask.railway]
            pull Ok: anybody may pull it
            image NotRun: in the registry; its platform is not told
            pull Ok: anybody may pull it
            image Ok: in the registry, for linux/amd64
            pull Ok: it is private, and the service has credentials
            image Ok: in the registry, for linux/amd64
            pull Failed: it is private, which Railway's plan `hobby` does not pull
              make the package public in its settings; private ones need Pro
            image Ok: in the registry, for linux/amd64
            pull Ok: it is private, and the service has credentials
            image Ok: in the registry, for linux/amd64
            pull Failed: it is private, and the service has no credentials for its registry
              make the package public in its settings, or give the service the registry's credentials (`cargo xtask deploy init`)
            image Ok: in the registry, for linux/amd64
            pull NotRun: it is private; Railway does not say whether the service has credentials
              make the package public in its settings, or give the service the registry's credentials (`cargo xtask deploy init`)
            image NotRun: 401
            pull NotRun: it is private; Railway does not say whether the service has credentials
              make the package public in its settings, or give the service the registry's credentials (`cargo xtask deploy init`)
            image Failed: it is not in its registry
              `cargo xtask docker pack --push` puts an image into the registry, and prints its digest
            pull NotRun: who may pull it is not known
            image NotRun: no answer
            pull NotRun: who may pull it is not known
        "#]],
    );
}

#[test]
fn plans_and_limits() {
    let cases = [
        of_plan("pro"),
        of_plan("free"),
        Account { is_restricted: true, ..of_plan("pro") },
        Account { is_used_up: Some(true), ..of_plan("hobby") },
        Account { is_used_up: Some(false), ..of_plan("hobby") },
        Account { problem: Some("Not Authorized".to_owned()), ..Account::default() },
    ];
    shown(
        &cases.iter().map(plan).collect::<Vec<_>>(),
        expect![[r#"
        plan Ok: pro
        plan Ok: free: 100 requests an hour; a deployment of a minute takes about 35
        plan Failed: Railway restricts this service
          the service's page on railway.com says why
        plan Failed: the usage limit of the workspace is reached
          raise the usage limit of the workspace on railway.com, or wait for the next period
        plan Ok: hobby
        plan NotRun: Not Authorized
    "#]],
    );
}

#[test]
fn revisions_and_smoke_tests() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let revisions = [
        RevisionSeen::Green { passed: 3, running: Vec::new() },
        RevisionSeen::Green { passed: 3, running: names(&["deploy"]) },
        RevisionSeen::Red(names(&["lint", "test"])),
        RevisionSeen::Unchecked,
        RevisionSeen::NotAsked("no token".to_owned()),
        RevisionSeen::Unknown("no answer".to_owned()),
    ];
    let smoked = |failed: &[&str]| SmokeSeen { started: "2026-11-20".to_owned(), failed: names(failed) };
    let mut checks: Vec<Checked> = revisions.iter().map(revision).collect();
    checks.extend([smoke(None), smoke(Some(&smoked(&[]))), smoke(Some(&smoked(&["health"])))]);
    shown(
        &checks,
        expect![[r#"
        revision Ok: 3 checks have passed
        revision Ok: 3 checks have passed; under way: deploy
        revision Failed: checks of this commit have failed: lint, test
          mend them, or deploy a commit that has passed
        revision Skipped: GitHub knows of no checks
        revision Skipped: no token
        revision NotRun: no answer
        smoke Skipped: no smoke test of this image is on record here
        smoke Ok: passed at 2026-11-20
        smoke Failed: failed at 2026-11-20: health
          `cargo xtask docker smoke IMAGE` again, once it is mended
    "#]],
    );
    let refused = refusal(&checks).unwrap();
    expect![[r#"
        2 objections, and nothing was changed
          revision: checks of this commit have failed: lint, test
          smoke: failed at 2026-11-20: health
        mend them, or deploy a commit that has passed; `cargo xtask docker smoke IMAGE` again, once it is mended; --unchecked deploys all the same"#]].assert_eq(&format!("{}\n{}", refused.message, refused.hint.unwrap()));
    assert!(refusal(&checks[..2]).is_none());
}

#[test]
fn variables_come_from_many_places() {
    let filled = BTreeSet::from(["SET".to_owned()]);
    let given = |name| is_given(name, &filled);
    assert!(given("SET") && given("APP_REVISION") && given("RAILWAY_SERVICE_ID") && !given("OTHER"));
    let one = |name: &str| ExpectedVariable { name: name.to_owned(), required: true };
    let expected = Expected { variables: vec![one("SET"), one("HOST"), one("OTHER")] };
    let image = seen(Visibility::Public, &[]);
    shown(
        &[
            variables(Some(&expected), &filled, &image),
            variables(Some(&Expected::default()), &filled, &image),
            variables(None, &filled, &image),
        ],
        expect![[r#"
            variables Failed: required and not set: OTHER
              --with-variables FILE sets them with the deployment; `cargo xtask deploy vars check` lists all
            variables Ok: all 0 that are required are set
            variables Skipped: neither .env.example nor `required-variables` says which
        "#]],
    );
}
