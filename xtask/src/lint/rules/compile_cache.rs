//! The compile cache inside a build: whether it works at all, whether it can break the build, and whether it may
//! speak to its storage.

use super::super::calls::{Call, Kind};
use super::super::dockerfile::instruction::Mount;
use super::super::dockerfile::stages::Step;
use super::super::dockerfile::words::Value;
use super::super::facts::Recipe;
use super::super::rule::{InFile, Rule};
use super::super::shell::{self, Simple};
use super::halves;
use crate::record::doctor::Severity;

const SPLIT: Rule = Rule {
    name: "sccache-split",
    severity: Severity::Error,
    reason: "The server of sccache ends with its RUN. One that is started elsewhere does nothing, and statistics \
             that are asked for elsewhere are those of a new server: zero.",
    fix: "start the server, compile, and print the statistics in one RUN",
};

const FATAL: Rule = Rule {
    name: "sccache-fatal",
    severity: Severity::Warning,
    reason: "A cache that cannot be reached then fails the build, although the build needs no cache.",
    fix: "let it fail: `sccache --start-server || true`, and unset RUSTC_WRAPPER where the server does not start",
};

const WRAPPER_IN_ENV: Rule = Rule {
    name: "wrapper-in-env",
    severity: Severity::Warning,
    reason: "Every call of cargo in every later RUN fails when the wrapper is missing or its server does not start.",
    fix: "set it within the RUN that compiles, after the server has started: `sccache --start-server && export \
             RUSTC_WRAPPER=sccache`",
};

const WRAPPER_AFTER_COOK: Rule = Rule {
    name: "wrapper-after-cook",
    severity: Severity::Warning,
    reason: "Nearly all that a compile cache could save compiles in the cook, which runs without it.",
    fix: "give the cook the same wrapper as the build",
};

const WITHOUT_CREDENTIALS: Rule = Rule {
    name: "sccache-without-credentials",
    severity: Severity::Warning,
    reason: "The storage refuses every request, and the build is as slow as without a cache, without a word about \
             it.",
    fix: "mount them: `--mount=type=secret,id=aws_access_key_id,env=AWS_ACCESS_KEY_ID`, the same for \
             AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN",
};

const SECRET_REQUIRED: Rule = Rule {
    name: "cache-secret-required",
    severity: Severity::Warning,
    reason: "Without the credentials of the cache the build fails, although it needs no cache: on laptops and in \
             pull requests from forks.",
    fix: "leave `required` out: an absent secret is an empty variable then",
};

const SESSION_TOKEN: Rule = Rule {
    name: "session-token-missing",
    severity: Severity::Warning,
    reason: "Credentials of a role, as OIDC gives them, are three values; the first two alone are refused.",
    fix: "mount the third: `--mount=type=secret,id=aws_session_token,env=AWS_SESSION_TOKEN`",
};

pub const ALL: &[&Rule] = &[
    &SPLIT,
    &FATAL,
    &WRAPPER_IN_ENV,
    &WRAPPER_AFTER_COOK,
    &WITHOUT_CREDENTIALS,
    &SECRET_REQUIRED,
    &SESSION_TOKEN,
];

pub fn check(recipe: &Recipe, found: &mut InFile<'_>) {
    let parsed = &recipe.parsed;
    for step in parsed.stages.iter().flat_map(|stage| &stage.steps) {
        variables(step, parsed.escape, found);
        let mounts = step.mounts(parsed.escape);
        secrets(&mounts, found);
        for script in step.scripts() {
            server(&shell::commands(&script.text, script.stops_at_errors), found);
        }
    }
    for build in halves::builds(recipe) {
        if !has_wrapper(build) {
            continue;
        }
        for cook in halves::cooks_before(recipe, build).into_iter().filter(|cook| !has_wrapper(cook)) {
            let text = format!("no RUSTC_WRAPPER here, and the build of line {} has one", build.line);
            found.add(&WRAPPER_AFTER_COOK, cook.line, text);
        }
    }
    for call in recipe.calls.iter().filter(|call| call.kind != Kind::Prepare) {
        credentials(recipe, call, found);
    }
}

fn has_wrapper(call: &Call) -> bool {
    ["RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER"].iter().any(|name| call.env.contains_key(*name))
}

fn variables(step: &Step, escape: char, found: &mut InFile<'_>) {
    if !step.instruction.is("ENV") {
        return;
    }
    for (name, value, line) in step.instruction.pairs(escape) {
        let value = step.scope.expand(&value.unwrap_or_default(), escape).text;
        if ["RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER"].contains(&name.as_str()) && !value.is_empty() {
            found.add(&WRAPPER_IN_ENV, line, format!("`ENV {name}={value}`"));
        }
    }
}

/// What a RUN does with the server.
fn server(commands: &[Simple], found: &mut InFile<'_>) {
    let is_sccache =
        |command: &&Simple| command.words.first().is_some_and(|it| it.rsplit('/').next() == Some("sccache"));
    let has =
        |command: &Simple, flags: &[&str]| command.words.iter().any(|word| flags.contains(&word.as_str()));
    let compiles = commands.iter().any(|command| {
        let program = command.words.first().and_then(|word| word.rsplit('/').next()).unwrap_or_default();
        let wrapped =
            command.words.iter().any(|word| ["cargo", "rustc", "make", "cmake"].contains(&word.as_str()));
        wrapped || ["xtask", "trunk"].contains(&program) || program.starts_with("cargo-")
    });
    for command in commands.iter().filter(is_sccache) {
        let shown = format!("`{}`", command.words.join(" "));
        if !compiles && has(command, &["--start-server", "--show-stats", "-s"]) {
            found.add(&SPLIT, command.line, format!("{shown} in a RUN that compiles nothing"));
        } else if command.is_fatal
            && has(command, &["--start-server", "--show-stats", "-s", "--zero-stats", "-z", "--stop-server"])
        {
            found.add(&FATAL, command.line, format!("the RUN fails where {shown} does"));
        }
    }
}

fn secrets(mounts: &[Mount], found: &mut InFile<'_>) {
    let secrets: Vec<&Mount> = mounts.iter().filter(|mount| mount.kind == "secret").collect();
    let is_named = |mount: &Mount, what: &str| {
        let id = mount.id.to_ascii_uppercase().replace('-', "_");
        id.contains(what) || mount.env.contains(what) || mount.target.to_ascii_uppercase().contains(what)
    };
    for mount in secrets
        .iter()
        .filter(|mount| mount.is_required && (is_named(mount, "AWS") || is_named(mount, "SCCACHE")))
    {
        found.add(&SECRET_REQUIRED, mount.line, format!("the secret `{}` is required", mount.id));
    }
    let first = |what: &str| secrets.iter().find(|mount| is_named(mount, what));
    if let (Some(_), Some(key), None) =
        (first("ACCESS_KEY_ID"), first("SECRET_ACCESS_KEY"), first("SESSION_TOKEN"))
    {
        found.add(&SESSION_TOKEN, key.line, "key and secret are mounted, and no session token");
    }
}

/// Whether a RUN that compiles with a cache on S3 gets its credentials.
fn credentials(recipe: &Recipe, call: &Call, found: &mut InFile<'_>) {
    let Some(step) = recipe.step(call) else { return };
    let scope = &step.scope;
    let is_set = |name: &str| {
        !matches!(scope.value(name), Value::Unset) && scope.value(name) != Value::Known(String::new())
    };
    let named =
        ["SCCACHE_S3_NO_CREDENTIALS", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ACCESS_KEY_ID"];
    let has_secret = call.mounts.iter().any(|mount| mount.kind == "secret");
    let runs_sccache = step.scripts().iter().any(|script| script.text.text.contains("sccache"));
    let is_used = has_wrapper(call) || runs_sccache;
    if is_set("SCCACHE_BUCKET") && is_used && !has_secret && !named.iter().any(|name| is_set(name)) {
        found.add(&WITHOUT_CREDENTIALS, call.line, "SCCACHE_BUCKET is set, and this RUN mounts no secret");
    }
}
