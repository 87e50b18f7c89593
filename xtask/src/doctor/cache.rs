//! Compiler wrappers and the compile cache behind them: is the wrapper there, does it answer, what does its server
//! count.

use serde::Serialize;
use serde_json::Value;

use super::base::{Base, Place, Setting, first_line, program_file};
use super::compiler;
use super::{toolchain, workspace};
use crate::record::doctor::{Finding, Fix, Group, Severity};

/// A cache that is fuller than this throws away what it will be asked for.
const FULL: f64 = 0.95;

#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    pub wrappers: Vec<Wrapper>,
    pub server: Option<Server>,
    pub bucket: Option<Bucket>,
    /// What switches incremental compilation on under a cache that cannot keep its results.
    pub incremental: Option<Setting>,
    pub compiler: compiler::Facts,
}

/// A program before rustc.
#[derive(Clone, Debug, Serialize)]
pub struct Wrapper {
    /// The key in cargo's configuration.
    pub key: &'static str,
    pub setting: Setting,
    pub is_there: bool,
    /// Why it does not work, though it is there.
    pub problem: Option<String>,
}

/// What sccache's server counts.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Server {
    /// Why there are no counts.
    pub problem: Option<String>,
    pub errors: u64,
    pub write_errors: u64,
    pub timeouts: u64,
    pub size: Option<u64>,
    pub size_max: Option<u64>,
}

/// The S3 settings of sccache. No value of a secret is in here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bucket {
    pub name: String,
    pub has_region: bool,
    pub has_credentials: bool,
}

pub fn gather(base: &Base<'_>, toolchain: &toolchain::Facts, workspace: &workspace::Facts) -> Facts {
    let settings = [
        ("rustc-wrapper", ["RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER"]),
        ("rustc-workspace-wrapper", ["RUSTC_WORKSPACE_WRAPPER", "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER"]),
    ];
    let wrappers: Vec<Wrapper> =
        settings.iter().filter_map(|(key, variables)| wrapper(base, key, variables)).collect();
    let caching = wrappers.iter().find(|wrapper| is_sccache(&wrapper.setting.value) && wrapper.is_there);
    let host = toolchain.toolchain.as_ref().map(|toolchain| toolchain.host.clone()).unwrap_or_default();
    let compiles_c = ["cc", "cmake"].iter().any(|package| workspace.locks(package));
    Facts {
        server: caching
            .filter(|wrapper| wrapper.problem.is_none())
            .map(|wrapper| server(base, &wrapper.setting)),
        bucket: caching.and_then(|_| bucket(base)),
        incremental: caching.and_then(|_| incremental(base)),
        compiler: compiler::gather(
            base,
            &host,
            wrappers.iter().find(|wrapper| wrapper.key == "rustc-wrapper").map(|wrapper| &wrapper.setting),
            compiles_c,
        ),
        wrappers,
    }
}

fn is_sccache(program: &str) -> bool {
    program.rsplit('/').next() == Some("sccache")
}

fn wrapper(base: &Base<'_>, key: &'static str, variables: &[&str]) -> Option<Wrapper> {
    let set = variables.iter().find_map(|name| Some((*name, base.env.raw(name)?)));
    let (setting, folder) = match set {
        // Empty means none, whatever the files say.
        Some((_, value)) if value.trim().is_empty() => return None,
        Some((name, value)) => {
            let place = Place::Variable(name.to_owned());
            (Setting { value: value.to_owned(), place }, base.root.clone())
        }
        None => {
            let (value, place, file) = base.configured(&["build", key])?;
            let value = value.as_str().filter(|value| !value.is_empty())?.to_owned();
            (Setting { value, place }, file.base.clone())
        }
    };
    let file = program_file(&setting.value, &folder);
    let problem = file.as_ref().and_then(|file| {
        let program = file.display().to_string();
        // Asked to compile, a cache would start its server, and leave it behind.
        let cache =
            ["sccache", "cachepot", "buildcache", "kache"].contains(&setting.value.rsplit('/').next()?);
        let (args, proof): (&[&str], &str) =
            if cache { (&["--version"], "") } else { (&["rustc", "-vV"], "host: ") };
        match base.ask(&program, args) {
            Ok(said) if said.success && said.stdout.contains(proof) => None,
            Ok(said) if said.success => {
                Some(format!("`{} {}` does not answer like rustc", program, args.join(" ")))
            }
            Ok(said) => Some(format!("`{} {}`: {}", program, args.join(" "), first_line(&said.stderr))),
            Err(problem) => Some(problem),
        }
    });
    Some(Wrapper { key, setting, is_there: file.is_some(), problem })
}

/// Asks the server that runs; none is started.
fn server(base: &Base<'_>, setting: &Setting) -> Server {
    match base.ask(&setting.value, &["--show-stats", "--stats-format", "json"]) {
        Ok(said) if said.success => match serde_json::from_str(&said.stdout) {
            Ok(stats) => counts(&stats),
            Err(_) => Server { problem: Some("its statistics are no JSON".to_owned()), ..Server::default() },
        },
        Ok(said) => Server { problem: Some(first_line(&said.stderr)), ..Server::default() },
        Err(problem) => Server { problem: Some(problem), ..Server::default() },
    }
}

fn counts(stats: &Value) -> Server {
    let number = |pointer: &str| stats.pointer(pointer).and_then(Value::as_u64);
    // Errors are counted by language.
    let errors = stats.pointer("/stats/cache_errors/counts").and_then(Value::as_object);
    Server {
        problem: None,
        errors: errors.into_iter().flatten().filter_map(|(_, count)| count.as_u64()).sum(),
        write_errors: number("/stats/cache_write_errors").unwrap_or(0),
        timeouts: number("/stats/cache_timeouts").unwrap_or(0),
        size: number("/cache_size"),
        size_max: number("/max_cache_size"),
    }
}

fn bucket(base: &Base<'_>) -> Option<Bucket> {
    let env = &base.env;
    let any = |names: &[&str]| names.iter().any(|name| env.get(name).is_some());
    let home = env.get("HOME").map(std::path::PathBuf::from).unwrap_or_default();
    Some(Bucket {
        name: env.get("SCCACHE_BUCKET")?.to_owned(),
        has_region: any(&["SCCACHE_REGION", "SCCACHE_ENDPOINT", "AWS_REGION", "AWS_DEFAULT_REGION"]),
        has_credentials: (env.get("AWS_ACCESS_KEY_ID").is_some()
            && env.get("AWS_SECRET_ACCESS_KEY").is_some())
            || any(&[
                "AWS_PROFILE",
                "AWS_WEB_IDENTITY_TOKEN_FILE",
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "AWS_SHARED_CREDENTIALS_FILE",
                "SCCACHE_S3_NO_CREDENTIALS",
            ])
            || home.join(".aws/credentials").is_file()
            || home.join(".aws/config").is_file(),
    })
}

fn incremental(base: &Base<'_>) -> Option<Setting> {
    let is_on = |value: &str| value == "1" || value == "true";
    if let Some(value) = base.env.get("CARGO_INCREMENTAL") {
        let place = Place::Variable("CARGO_INCREMENTAL".to_owned());
        return is_on(value).then(|| Setting { value: value.to_owned(), place });
    }
    let (value, place, _) = base.configured(&["build", "incremental"])?;
    (value == &Value::Bool(true)).then(|| Setting { value: "true".to_owned(), place })
}

pub fn examine(facts: &Facts) -> Vec<Finding> {
    let find = |rule, severity, found: String, wanted: &str, fix| {
        Finding::new(Group::Cache, rule, severity, found, wanted, fix)
    };
    let mut findings = Vec::new();
    for wrapper in &facts.wrappers {
        let place = wrapper.setting.place.shown();
        let fix = wrapper.setting.place.removal();
        if !wrapper.is_there {
            let found = format!(
                "{} is `{}`, which is not there: cargo compiles nothing",
                wrapper.key, wrapper.setting.value
            );
            let wanted = "a wrapper that is there, or none: a cache is chosen for each machine, not for all";
            findings.push(find("wrapper-missing", Severity::Error, found, wanted, fix).at(place));
        } else if let Some(problem) = &wrapper.problem {
            let found =
                format!("{} is `{}`, which does not work: {problem}", wrapper.key, wrapper.setting.value);
            findings.push(
                find("wrapper-broken", Severity::Error, found, "a wrapper that passes on to rustc", fix)
                    .at(place),
            );
        }
    }
    if let Some(server) = &facts.server {
        findings.extend(examine_server(server));
    }
    if let Some(bucket) = &facts.bucket {
        let fix = || Fix::command("unset SCCACHE_BUCKET");
        if !bucket.has_region {
            let found = format!("bucket `{}` without SCCACHE_REGION or SCCACHE_ENDPOINT", bucket.name);
            let wanted = "the region of the bucket (`export SCCACHE_REGION=…`), or the cache on this disk";
            findings.push(
                find("bucket-without-region", Severity::Error, found, wanted, fix()).at("SCCACHE_BUCKET"),
            );
        }
        if !bucket.has_credentials {
            let found = format!("bucket `{}` and no credentials for it: sccache does not start", bucket.name);
            let wanted = "AWS_ACCESS_KEY_ID and its like, a profile, SCCACHE_S3_NO_CREDENTIALS=1, or the cache on disk";
            findings.push(
                find("bucket-without-credentials", Severity::Error, found, wanted, fix())
                    .at("SCCACHE_BUCKET"),
            );
        }
    }
    if let Some(setting) = &facts.incremental {
        let found = format!(
            "incremental compilation is on (`{}`) under sccache, which never caches it",
            setting.value
        );
        let finding = find(
            "incremental-under-cache",
            Severity::Warning,
            found,
            "one of the two",
            setting.place.removal(),
        );
        findings.push(finding.at(setting.place.shown()));
    }
    findings.extend(compiler::examine(&facts.compiler));
    findings
}

fn examine_server(server: &Server) -> Option<Finding> {
    let find = |rule, found, wanted: &str, fix| {
        Some(Finding::new(Group::Cache, rule, Severity::Warning, found, wanted, fix))
    };
    if let Some(problem) = &server.problem {
        let found = format!("`sccache --show-stats`: {problem}");
        return find(
            "cache-server-silent",
            found,
            "a server that answers",
            Fix::command("sccache --stop-server"),
        );
    }
    let counts =
        [(server.errors, "errors"), (server.write_errors, "failed writes"), (server.timeouts, "time-outs")];
    let counted: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if !counted.is_empty() {
        let found = format!("the server of sccache counts {}", counted.join(", "));
        let wanted = "none: what is not written is compiled again next time; stopped, it begins anew";
        return find("cache-server-errors", found, wanted, Fix::command("sccache --stop-server"));
    }
    if let (Some(size), Some(size_max)) = (server.size, server.size_max)
        && size as f64 > size_max as f64 * FULL
    {
        let found = format!("the cache is full: {size} of {size_max} bytes");
        let wanted = "room: a full cache drops what the next build asks for";
        let double =
            format!("export SCCACHE_CACHE_SIZE={}G; sccache --stop-server", (size_max >> 30).max(5) * 2);
        return find("cache-full", found, wanted, Fix::command(double));
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules(facts: &Facts) -> Vec<&'static str> {
        examine(facts).iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn a_table_of_caches() {
        let wrapper = |is_there, problem: Option<&str>| Wrapper {
            key: "rustc-wrapper",
            setting: Setting::default(),
            is_there,
            problem: problem.map(str::to_owned),
        };
        let with = |wrapper| Facts { wrappers: vec![wrapper], ..Facts::default() };
        assert_eq!(rules(&Facts::default()), [""; 0]);
        assert_eq!(rules(&with(wrapper(true, None))), [""; 0]);
        assert_eq!(rules(&with(wrapper(false, None))), ["wrapper-missing"]);
        assert_eq!(rules(&with(wrapper(true, Some("x")))), ["wrapper-broken"]);
        let server = |stats: &Value| Facts { server: Some(counts(stats)), ..Facts::default() };
        assert_eq!(
            rules(&server(&json!({"stats": {"cache_errors": {"counts": {}}}, "cache_size": null}))),
            [""; 0]
        );
        let bad =
            json!({"stats": {"cache_errors": {"counts": {"Rust": 2, "C/C++": 1}}, "cache_write_errors": 4}});
        assert_eq!(rules(&server(&bad)), ["cache-server-errors"]);
        assert!(examine(&server(&bad))[0].found.ends_with("3 errors, 4 failed writes"));
        let full =
            json!({"stats": {}, "cache_size": 10_600_000_000_u64, "max_cache_size": 10_737_418_240_u64});
        assert_eq!(rules(&server(&full)), ["cache-full"]);
        let silent = Server { problem: Some("x".to_owned()), ..Server::default() };
        assert_eq!(rules(&Facts { server: Some(silent), ..Facts::default() }), ["cache-server-silent"]);
        let bucket = Bucket { name: "b".to_owned(), has_region: false, has_credentials: false };
        let found = rules(&Facts { bucket: Some(bucket), ..Facts::default() });
        assert_eq!(found, ["bucket-without-region", "bucket-without-credentials"]);
        let incremental = Some(Setting::default());
        assert_eq!(rules(&Facts { incremental, ..Facts::default() }), ["incremental-under-cache"]);
    }
}
