//! `railway.toml` and `railway.json`: keys that Railway knows, and whether they go with the image and the app.

use super::super::facts::{Facts, Settings};
use super::super::rule::{Findings, InFile, Rule};
use super::super::yaml::{Kind, Node};
use crate::config::keys;
use crate::record::doctor::Severity;

const UNKNOWN_KEY: Rule = Rule {
    name: "railway-unknown-key",
    severity: Severity::Error,
    reason: "Railway ignores what it does not know, so the setting has no effect.",
    fix: "correct the key, or remove it: https://docs.railway.com/reference/config-as-code lists them",
};

const VALUE: Rule = Rule {
    name: "railway-value",
    severity: Severity::Error,
    reason: "Railway refuses the file, or takes its own default instead.",
    fix: "correct the value",
};

pub const WEBHOOK: Rule = Rule {
    name: "railway-webhook",
    severity: Severity::Error,
    reason: "Railway has no address that starts a deployment when something is posted to it: its webhooks only tell \
             others. The request does nothing, or fails.",
    fix: "deploy through the API or the CLI: `cargo xtask deploy --image …`",
};

const HEALTHCHECK_MISSING: Rule = Rule {
    name: "railway-healthcheck-missing",
    severity: Severity::Warning,
    reason: "Without a path a deployment counts as healthy as soon as its container starts, and replaces the one \
             that works.",
    fix: "set `healthcheckPath` in `[deploy]` to a path that answers 200",
};

const HEALTHCHECK_UNKNOWN: Rule = Rule {
    name: "railway-healthcheck-unknown",
    severity: Severity::Warning,
    reason: "Railway waits for a 200 at that path; where there is no such route, each deployment fails after its \
             time-out, or the page for \"not found\" counts as health.",
    fix: "name a route that the server has",
};

const DOCKERFILE: Rule = Rule {
    name: "railway-dockerfile",
    severity: Severity::Error,
    reason: "Railway builds something else than what is meant, or nothing.",
    fix: "name a Dockerfile that is there, and `builder = \"DOCKERFILE\"` with it",
};

const BUILDS_SOURCE: Rule = Rule {
    name: "railway-builds-source",
    severity: Severity::Warning,
    reason: "Railway compiles the app a second time, on a builder without a cache, and what it deploys is not what \
             was tested.",
    fix: "remove `[build]` and deploy the image by its digest, or do not build one in CI",
};

const CACHE_MOUNT: Rule = Rule {
    name: "railway-cache-mount",
    severity: Severity::Error,
    reason: "Railway's builder refuses a cache mount whose id is not `s/SERVICE-ID-…`, and takes no variable for it.",
    fix: "build the image in CI and deploy it by its digest",
};

const NO_DRAINING: Rule = Rule {
    name: "railway-no-draining",
    severity: Severity::Warning,
    reason: "Railway's own value is 0: SIGKILL follows SIGTERM at once, and open requests are cut off at each \
             deployment.",
    fix: "set `drainingSeconds` in `[deploy]` to a little more than the server takes to end",
};

const START_COMMAND: Rule = Rule {
    name: "railway-start-command",
    severity: Severity::Error,
    reason: "Images are started without a shell: the server gets the text `$PORT` instead of a number.",
    fix: "leave `startCommand` out and read PORT in the server",
};

const FILE_ENDS: Rule = Rule {
    name: "railway-file-ends",
    severity: Severity::Warning,
    reason: "Railway stops reading this file on 2026-12-01, and services made since the announcement never read it: \
             its settings then hold only as far as somebody typed them in.",
    fix: "set them through the API; `cargo xtask deploy` does, from this file",
};

pub const ALL: &[&Rule] = &[
    &UNKNOWN_KEY,
    &VALUE,
    &WEBHOOK,
    &HEALTHCHECK_MISSING,
    &HEALTHCHECK_UNKNOWN,
    &DOCKERFILE,
    &BUILDS_SOURCE,
    &CACHE_MOUNT,
    &NO_DRAINING,
    &START_COMMAND,
    &FILE_ENDS,
];

const TOP: [&str; 4] = ["$schema", "build", "deploy", "environments"];
const BUILD: [&str; 9] = [
    "builder",
    "watchPatterns",
    "buildCommand",
    "dockerfilePath",
    "railpackVersion",
    "nixpacksConfigPath",
    "nixpacksPlan",
    "nixpacksVersion",
    "buildEnvironment",
];
const DEPLOY: [&str; 19] = [
    "startCommand",
    "preDeployCommand",
    "preDeployTimeoutSeconds",
    "multiRegionConfig",
    "numReplicas",
    "healthcheckPath",
    "healthcheckTimeout",
    "restartPolicyType",
    "restartPolicyMaxRetries",
    "cronSchedule",
    "overlapSeconds",
    "drainingSeconds",
    "sleepApplication",
    "ipv6EgressEnabled",
    "registryCredentials",
    "limitOverride",
    "requiredMountPath",
    "region",
    "runtime",
];

pub fn check(facts: &Facts<'_>, settings: &Settings, findings: &mut Findings) {
    let root = &settings.root;
    let mut found = findings.file(&settings.file);
    known(root, &TOP, "", &mut found);
    sections(root, &mut found);
    for (name, _, environment) in root.get("environments").into_iter().flat_map(Node::entries) {
        known(environment, &["build", "deploy"], &format!("environments.{name}"), &mut found);
        sections(environment, &mut found);
    }
    let health = root.at(&["deploy", "healthcheckPath"]);
    match health.and_then(Node::text) {
        None => found.add(&HEALTHCHECK_MISSING, section_line(root, "deploy"), "no `healthcheckPath`"),
        Some(path) if path.starts_with('/') && !is_route(facts, path) => {
            let line = health.map_or(1, |node| node.line);
            found.add(
                &HEALTHCHECK_UNKNOWN,
                line,
                format!("no source of the workspace mentions `{path}` or its last part"),
            );
        }
        Some(_) => {}
    }
    if root.at(&["deploy", "drainingSeconds"]).and_then(Node::text).is_none_or(|seconds| seconds == "0") {
        let line =
            root.at(&["deploy", "drainingSeconds"]).map_or(section_line(root, "deploy"), |node| node.line);
        found.add(&NO_DRAINING, line, "`drainingSeconds` is not set");
    }
    if !facts.has_xtask() {
        found.add(&FILE_ENDS, 1, format!("{} is all that says how the service runs", settings.file));
    }
    builder(facts, settings, &mut found);
}

fn section_line(root: &Node, name: &str) -> usize {
    root.entries().find(|(key, ..)| *key == name).map_or(1, |(_, line, _)| line)
}

fn known(node: &Node, names: &[&'static str], place: &str, found: &mut InFile<'_>) {
    for (key, line, _) in node.entries().filter(|(key, ..)| !names.contains(key)) {
        let lower = key.to_ascii_lowercase();
        let place = if place.is_empty() { String::new() } else { format!(" in `{place}`") };
        if lower.contains("webhook") || lower.contains("deployhook") {
            found.add(&WEBHOOK, line, format!("the key `{key}`{place}"));
        } else {
            let message =
                keys::not_known(format!("unknown key `{key}`{place}"), key, names.iter().copied(), "")
                    .message;
            found.add(&UNKNOWN_KEY, line, message);
        }
    }
}

fn sections(root: &Node, found: &mut InFile<'_>) {
    for (name, keys) in [("build", BUILD.as_slice()), ("deploy", DEPLOY.as_slice())] {
        let Some(section) = root.get(name) else { continue };
        known(section, keys, name, found);
        for (key, _, node) in section.entries() {
            if let Some(wanted) = wrong(key, node) {
                let has = node.text().map_or("something else".to_owned(), |text| format!("`{text}`"));
                found.add(&VALUE, node.line, format!("`{key}` is {has}, and must be {wanted}"));
            }
        }
    }
    let start = root.at(&["deploy", "startCommand"]);
    if let Some(command) = start.and_then(Node::text).filter(|command| command.contains('$')) {
        let is_shell = ["sh -c", "bash -c", "sh -lc"].iter().any(|shell| command.contains(shell));
        if !is_shell {
            found.add(&START_COMMAND, start.map_or(1, |node| node.line), format!("`{command}`"));
        }
    }
}

/// What a key's value should be, if it is not.
fn wrong(key: &str, node: &Node) -> Option<&'static str> {
    let text = node.text();
    let is_one_of =
        |names: &[&str]| text.is_some_and(|text| names.contains(&text.to_ascii_uppercase().as_str()));
    let is_number = || text.is_some_and(|text| text.parse::<u64>().is_ok());
    let (is_right, wanted) = match key {
        "healthcheckPath" => (text.is_some_and(|path| path.starts_with('/')), "a path that begins with `/`"),
        "restartPolicyType" => (is_one_of(&["ON_FAILURE", "ALWAYS", "NEVER"]), "ON_FAILURE, ALWAYS or NEVER"),
        "builder" => (
            is_one_of(&["DOCKERFILE", "RAILPACK", "NIXPACKS", "HEROKU", "PAKETO"]),
            "DOCKERFILE, RAILPACK or NIXPACKS",
        ),
        "healthcheckTimeout"
        | "restartPolicyMaxRetries"
        | "overlapSeconds"
        | "drainingSeconds"
        | "numReplicas" => (is_number(), "a whole number"),
        "watchPatterns" => (matches!(node.kind, Kind::List(_)), "a list"),
        _ => return None,
    };
    (!is_right).then_some(wanted)
}

/// Whether the sources have a route of this path, or one whose last part it is. Nobody knows without sources.
fn is_route(facts: &Facts<'_>, path: &str) -> bool {
    let sources = &facts.repository.sources;
    let path = path.split('?').next().unwrap_or(path);
    let last = path.rfind('/').map_or(path, |slash| &path[slash..]);
    let quoted = |text: &str| format!("\"{text}\"");
    let is_there = |text: &str| sources.values().any(|source| source.contains(&quoted(text)));
    sources.is_empty() || path == "/" || is_there(path) || is_there(last) || is_there(&last[1..])
}

fn builder(facts: &Facts<'_>, settings: &Settings, found: &mut InFile<'_>) {
    let Some(build) = settings.root.get("build") else { return };
    let kind = build.text_at("builder").map(str::to_ascii_uppercase);
    let path = build.get("dockerfilePath");
    let builds_dockerfile = kind.as_deref().is_none_or(|kind| kind == "DOCKERFILE");
    let line = build.get("builder").or(path).map_or(1, |node| node.line);
    if let (Some(kind), Some(path), false) = (&kind, path, builds_dockerfile) {
        found.add(&DOCKERFILE, path.line, format!("`dockerfilePath` is set, and the builder is {kind}"));
    }
    let is_named = path.is_some() || kind.as_deref() == Some("DOCKERFILE");
    let named = path.and_then(Node::text).unwrap_or("Dockerfile").trim_start_matches(['.', '/']);
    let recipe =
        facts.recipes.iter().find(|recipe| recipe.file == named).filter(|_| builds_dockerfile && is_named);
    if is_named && builds_dockerfile && !facts.repository.files.contains_key(named) {
        found.add(&DOCKERFILE, path.map_or(line, |node| node.line), format!("there is no file `{named}`"));
    }
    if let Some(recipe) = recipe {
        let steps = recipe.parsed.stages.iter().flat_map(|stage| &stage.steps);
        let mounts = steps.flat_map(|step| step.mounts(recipe.parsed.escape));
        if let Some(mount) =
            mounts.into_iter().find(|mount| mount.kind == "cache" && !mount.id.starts_with("s/"))
        {
            let text = format!(
                "Railway builds {named}, whose line {} mounts a cache on {}",
                mount.line, mount.target
            );
            found.add(&CACHE_MOUNT, line, text);
        }
    }
    let compiles = match (recipe, kind.as_deref()) {
        (Some(recipe), _) => !recipe.calls.is_empty(),
        (None, Some("RAILPACK" | "NIXPACKS" | "HEROKU" | "PAKETO")) => true,
        _ => false,
    };
    if compiles && facts.image_is_made_by_ci() {
        found.add(
            &BUILDS_SOURCE,
            line,
            "Railway's own builder compiles the app, and a workflow builds its image",
        );
    }
}

/// The Dockerfile that Railway is told to build.
pub fn dockerfile(settings: &Settings) -> Option<String> {
    settings
        .root
        .at(&["build", "dockerfilePath"])?
        .text()
        .map(|path| path.trim_start_matches(['.', '/']).to_owned())
}
