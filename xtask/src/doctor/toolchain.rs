//! Which cargo and rustc run, and whether they are the ones that are meant.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::base::{Base, Place, Problem, Setting, first_line, program_file, version};
use super::workspace;
use crate::config::read_toml;
use crate::facts::tool;
use crate::facts::toolchain::{Toolchain, cargo_program};
use crate::record::doctor::{Finding, Fix, Group, Severity};

/// `include` in cargo's configuration is stable from here on; older ones ignore it, with a warning.
const INCLUDE_SINCE: &str = "1.94";

#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    /// The program that starts cargo.
    pub cargo: String,
    pub cargo_version: Option<String>,
    pub cargo_problem: Option<String>,
    /// Every one on `PATH`; the first is the one that runs.
    pub cargos: Vec<PathBuf>,
    pub rustcs: Vec<PathBuf>,
    pub toolchain: Option<Toolchain>,
    pub rustc_problem: Option<Problem>,
    /// The toolchain that the workspace's file names.
    pub file: Option<Setting>,
    /// `RUSTUP_TOOLCHAIN`, which rustup itself sets for its children too.
    pub forced: Option<String>,
    /// A compiler that is set instead of the one on `PATH`, and whether it is there.
    pub rustc_setting: Option<(Setting, bool)>,
    /// The first `include` of cargo's configuration.
    pub include: Option<String>,
}

pub fn gather(base: &Base<'_>) -> Facts {
    let cargo = cargo_program();
    let (rustc, answer) = std::thread::scope(|scope| {
        let rustc = scope.spawn(|| Toolchain::probe(base.exec, &base.root));
        let answer = base.ask(&cargo, &["--version"]);
        (rustc.join(), answer)
    });
    let (cargo_version, cargo_problem) = match answer {
        Ok(said) if said.success => (said.stdout.split_whitespace().nth(1).map(str::to_owned), None),
        Ok(said) => (None, Some(first_line(&said.stderr))),
        Err(problem) => (None, Some(problem)),
    };
    let (toolchain, rustc_problem) = match rustc {
        Ok(Ok(toolchain)) => (Some(toolchain), None),
        Ok(Err(error)) => (None, Some(Problem::of(&error))),
        Err(_) => (None, Some(Problem { message: "looking at rustc broke down".to_owned(), hint: None })),
    };
    Facts {
        cargos: tool::all_on_path("cargo"),
        rustcs: tool::all_on_path("rustc"),
        file: toolchain_file(base),
        forced: base.env.get("RUSTUP_TOOLCHAIN").map(str::to_owned),
        rustc_setting: rustc_setting(base),
        include: base.configured(&["include"]).map(|(_, place, _)| place.shown()),
        cargo,
        cargo_version,
        cargo_problem,
        toolchain,
        rustc_problem,
    }
}

/// As rustup looks for it: in the workspace and above, the old name first.
fn toolchain_file(base: &Base<'_>) -> Option<Setting> {
    for folder in base.root.ancestors() {
        for name in ["rust-toolchain", "rust-toolchain.toml"] {
            let path = folder.join(name);
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let keys = ["toolchain", "channel"];
            return match read_toml(&path).ok() {
                Some(value) => {
                    let channel = value.pointer("/toolchain/channel")?.as_str()?.to_owned();
                    Some(Setting { value: channel, place: base.place(&path, &text, &keys) })
                }
                // The old form is one bare word.
                None => Some(Setting {
                    value: text.trim().to_owned(),
                    place: Place::Entry { file: base.shown(&path), line: 1, text },
                }),
            };
        }
    }
    None
}

fn rustc_setting(base: &Base<'_>) -> Option<(Setting, bool)> {
    for variable in ["RUSTC", "CARGO_BUILD_RUSTC"] {
        if let Some(value) = base.env.get(variable) {
            let place = Place::Variable(variable.to_owned());
            let there = program_file(value, &base.root).is_some();
            return Some((Setting { value: value.to_owned(), place }, there));
        }
    }
    let (value, place, file) = base.configured(&["build", "rustc"])?;
    let value = value.as_str()?.to_owned();
    let there = program_file(&value, &file.base).is_some();
    Some((Setting { value, place }, there))
}

pub fn examine(facts: &Facts, workspace: &workspace::Facts) -> Vec<Finding> {
    let needs: Vec<(String, String)> = workspace
        .workspace
        .iter()
        .flat_map(|known| &known.packages)
        .filter_map(|package| Some((package.name.clone(), package.rust_version.clone()?)))
        .collect();
    conclude(facts, &needs)
}

/// `needs` are the members with the rust-version that each asks for.
fn conclude(facts: &Facts, needs: &[(String, String)]) -> Vec<Finding> {
    let find = |rule, severity, found: String, wanted: String, fix| {
        Finding::new(Group::Toolchain, rule, severity, found, wanted, fix)
    };
    let mut findings = Vec::new();
    if let Some(problem) = &facts.cargo_problem {
        let fix = Fix::advice(
            "install Rust with rustup (https://rustup.rs), or add the folder that has cargo to PATH",
        );
        findings.push(find(
            "cargo-missing",
            Severity::Error,
            format!("`{} --version`: {problem}", facts.cargo),
            "a cargo that runs".to_owned(),
            fix,
        ));
    }
    if let (Some(found), Some(place)) = (&facts.cargo_version, &facts.include)
        && version(found) < version(INCLUDE_SINCE)
    {
        let finding = find(
            "cargo-ignores-include",
            Severity::Error,
            format!("cargo {found}"),
            format!("cargo {INCLUDE_SINCE} or newer, because older ones ignore `include`"),
            Fix::command("rustup update"),
        );
        findings.push(finding.at(place));
    }
    let missing_setting = facts.rustc_setting.as_ref().filter(|(_, there)| !there);
    if let Some((setting, there)) = &facts.rustc_setting {
        let finding = match there {
            true => find(
                "rustc-set",
                Severity::Note,
                format!("rustc is `{}`", setting.value),
                "the rustc of the toolchain, unless this is on purpose".to_owned(),
                setting.place.removal(),
            ),
            false => find(
                "rustc-set-missing",
                Severity::Error,
                format!("rustc is set to `{}`, which is not there", setting.value),
                "a rustc that is there".to_owned(),
                setting.place.removal(),
            ),
        };
        findings.push(finding.at(setting.place.shown()));
    }
    if let (Some(problem), None) = (&facts.rustc_problem, missing_setting) {
        findings.push(rustc_fails(facts, problem));
    }
    if let (Some(file), Some(forced)) = (&facts.file, &facts.forced)
        && facts.rustc_problem.is_none()
        && !is_channel(forced, &file.value)
    {
        let finding = find(
            "toolchain-overridden",
            Severity::Warning,
            format!("toolchain `{forced}` (RUSTUP_TOOLCHAIN, `cargo +…` or `rustup override`)"),
            format!("toolchain `{}`, which {} names", file.value, file.place.shown()),
            Fix::command("unset RUSTUP_TOOLCHAIN; rustup override unset"),
        );
        findings.push(finding.at("RUSTUP_TOOLCHAIN"));
    }
    if let Some(toolchain) = &facts.toolchain {
        findings.extend(too_old(&toolchain.rustc_version, needs));
        findings.extend(from_two_places(facts, toolchain));
    }
    findings
}

fn rustc_fails(facts: &Facts, problem: &Problem) -> Finding {
    let named = match (&facts.forced, &facts.file) {
        (Some(forced), _) => Some((forced, "RUSTUP_TOOLCHAIN in the environment".to_owned())),
        (None, Some(file)) => Some((&file.value, file.place.shown())),
        (None, None) => None,
    };
    match named {
        Some((channel, place)) if problem.message.contains("not installed") => Finding::new(
            Group::Toolchain,
            "toolchain-absent",
            Severity::Error,
            problem.message.clone(),
            format!("toolchain `{channel}`"),
            Fix::command(format!("rustup toolchain install {channel}")),
        )
        .at(place),
        _ => Finding::new(
            Group::Toolchain,
            "rustc-fails",
            Severity::Error,
            problem.message.clone(),
            "a rustc that runs",
            Fix::advice(problem.hint.clone().unwrap_or_else(|| {
                "install Rust with rustup (https://rustup.rs), or `rustup default stable` where it is there".to_owned()
            })),
        ),
    }
}

fn too_old(found: &str, needs: &[(String, String)]) -> Option<Finding> {
    let (package, wanted) = needs.iter().max_by_key(|(_, wanted)| version(wanted))?;
    (version(found) < version(wanted)).then(|| {
        Finding::new(
            Group::Toolchain,
            "rustc-too-old",
            Severity::Error,
            format!("rustc {found}"),
            format!("rustc {wanted} or newer, the rust-version of `{package}`"),
            Fix::command("rustup update"),
        )
    })
}

/// Cargo from one installation and rustc from another.
fn from_two_places(facts: &Facts, toolchain: &Toolchain) -> Option<Finding> {
    let (cargo, rustc) = (facts.cargos.first()?, facts.rustcs.first()?);
    let folder = |path: &Path| path.parent().map(Path::to_owned).unwrap_or_default();
    let minor = |text: &str| (version(text).0, version(text).1);
    let cargo_version = facts.cargo_version.as_deref()?;
    if folder(cargo) == folder(rustc) || minor(cargo_version) == minor(&toolchain.rustc_version) {
        return None;
    }
    // The installation that is whole.
    let whole =
        facts.rustcs.iter().find(|rustc| facts.cargos.iter().any(|cargo| folder(cargo) == folder(rustc)));
    let fix = match whole {
        Some(rustc) => Fix::command(format!(
            "export PATH={}:\"$PATH\"",
            crate::plan::quote(&folder(rustc).display().to_string())
        )),
        None => Fix::advice("put the folder of one installation that has both first on PATH"),
    };
    let finding = Finding::new(
        Group::Toolchain,
        "cargo-and-rustc-differ",
        Severity::Warning,
        format!("cargo {cargo_version} and rustc {}", toolchain.rustc_version),
        "both of one installation",
        fix,
    );
    Some(finding.at(format!("{} and {} come first on PATH", cargo.display(), rustc.display())))
}

/// Whether a toolchain's full name is that of a channel: `1.95.0-x86_64-unknown-linux-gnu` of `1.95`.
fn is_channel(name: &str, channel: &str) -> bool {
    match name.strip_prefix(channel) {
        Some(rest) => rest.is_empty() || rest.starts_with(['-', '.']),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(facts: &Facts, needs: &[(&str, &str)]) -> Vec<&'static str> {
        let needs: Vec<_> = needs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        conclude(facts, &needs).iter().map(|finding| finding.rule).collect()
    }

    fn fine() -> Facts {
        Facts {
            cargo_version: Some("1.95.0".to_owned()),
            toolchain: Some(Toolchain {
                cargo: "cargo".to_owned(),
                rustc_version: "1.95.0".to_owned(),
                rustc_verbose: String::new(),
                commit_hash: String::new(),
                host: "x86_64-unknown-linux-gnu".to_owned(),
                sysroot: PathBuf::new(),
                has_wasm_target: true,
            }),
            cargos: vec!["/a/cargo".into(), "/b/cargo".into()],
            rustcs: vec!["/a/rustc".into(), "/b/rustc".into()],
            ..Facts::default()
        }
    }

    #[test]
    fn a_table_of_toolchains() {
        let entry = || Place::Entry { file: "rust-toolchain.toml".to_owned(), line: 2, text: String::new() };
        let setting = |value: &str| Setting { value: value.to_owned(), place: entry() };
        let text = |text: &str| Some(text.to_owned());
        let absent = || Some(Problem { message: "toolchain 'x' is not installed".to_owned(), hint: None });
        assert_eq!(rules(&fine(), &[("a", "1.89"), ("b", "1.95")]), [""; 0]);
        assert_eq!(rules(&fine(), &[("a", "1.89"), ("b", "1.96")]), ["rustc-too-old"]);
        assert_eq!(rules(&Facts { cargo_problem: text("no"), ..fine() }, &[]), ["cargo-missing"]);
        let old = Facts { cargo_version: text("1.93.1"), ..fine() };
        assert_eq!(rules(&old, &[]), [""; 0]);
        assert_eq!(rules(&Facts { include: text("x:1"), ..old }, &[]), ["cargo-ignores-include"]);
        assert_eq!(rules(&Facts { include: text("x:1"), ..fine() }, &[]), [""; 0]);
        let mixed = Facts {
            cargos: vec!["/c/cargo".into(), "/a/cargo".into()],
            cargo_version: text("1.80.0"),
            ..fine()
        };
        assert_eq!(rules(&mixed, &[]), ["cargo-and-rustc-differ"]);
        let named =
            Facts { file: Some(setting("1.95")), forced: text("1.95.0-x86_64-unknown-linux-gnu"), ..fine() };
        assert_eq!(rules(&named, &[]), [""; 0]);
        assert_eq!(
            rules(&Facts { forced: text("nightly-x"), ..named.clone() }, &[]),
            ["toolchain-overridden"]
        );
        let gone = Facts { toolchain: None, rustc_problem: absent(), ..named };
        assert_eq!(rules(&gone, &[]), ["toolchain-absent"]);
        assert_eq!(rules(&Facts { file: None, forced: None, ..gone.clone() }, &[]), ["rustc-fails"]);
        let set = |there| Facts { rustc_setting: Some((setting("r"), there)), ..fine() };
        assert_eq!(rules(&set(true), &[]), ["rustc-set"]);
        assert_eq!(rules(&Facts { rustc_problem: absent(), ..set(false) }, &[]), ["rustc-set-missing"]);
    }
}
