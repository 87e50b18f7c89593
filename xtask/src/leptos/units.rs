//! What cargo says of each compile unit: compiled or fresh, and which host units both halves compiled.
//!
//! Reads the JSON messages of `cargo build --message-format=json`; knows nothing of processes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::record::timings::CompiledUnit;
use crate::record::{DoubledUnit, Doubling, ProgramSettings, UnitCounts};

/// The units of one cargo run.
#[derive(Clone, Debug, Default)]
pub struct Units {
    units: Vec<Unit>,
    /// The manifest of each package, by cargo's identifier; `None` where cargo did not tell.
    manifests: BTreeMap<String, Option<PathBuf>>,
    scripts: Vec<Script>,
    /// The settings of the last binary.
    program: Option<ProgramSettings>,
    /// Whether the last message said that the build succeeded.
    finished: bool,
}

/// A build script that has run, now or before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    pub package_id: String,
    /// What it knows as `OUT_DIR`. Cargo keeps beside it what the script said.
    pub out_dir: PathBuf,
}

/// One unit that cargo considered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The package's name, without version and source.
    pub package: String,
    /// Cargo's full identifier of the package.
    pub package_id: String,
    /// The name of the library, binary or build script.
    pub name: String,
    /// `lib`, `bin`, `proc-macro`, `custom-build`, `cdylib` …; a library can be of several.
    pub kinds: Vec<String>,
    pub features: Vec<String>,
    /// The files it produced; their names carry cargo's hash of the unit.
    pub files: Vec<PathBuf>,
    /// Reused as it was.
    pub fresh: bool,
}

#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        package_id: String,
        #[serde(default)]
        manifest_path: Option<PathBuf>,
        target: MessageTarget,
        #[serde(default)]
        profile: MessageProfile,
        features: Vec<String>,
        filenames: Vec<PathBuf>,
        fresh: bool,
    },
    BuildScriptExecuted {
        package_id: String,
        out_dir: PathBuf,
    },
    BuildFinished {
        success: bool,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct MessageTarget {
    name: String,
    kind: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct MessageProfile {
    opt_level: String,
    /// A number or a word.
    debuginfo: serde_json::Value,
}

impl MessageProfile {
    fn settings(&self) -> Option<ProgramSettings> {
        let debuginfo = match &self.debuginfo {
            serde_json::Value::String(word) => word.clone(),
            serde_json::Value::Number(number) => number.to_string(),
            _ => return None,
        };
        Some(ProgramSettings { opt_level: self.opt_level.clone(), debuginfo })
    }
}

impl Units {
    /// Takes one line of cargo's standard output. Lines that are not messages (a build script's print) are ignored.
    pub fn line(&mut self, line: &str) {
        match serde_json::from_str(line) {
            Ok(Message::CompilerArtifact {
                package_id,
                manifest_path,
                target,
                profile,
                features,
                filenames,
                fresh,
            }) => {
                if target.kind.iter().any(|kind| kind == "bin") {
                    self.program = profile.settings();
                }
                self.manifests.insert(package_id.clone(), manifest_path);
                self.units.push(Unit {
                    package: package_name(&package_id),
                    package_id,
                    name: target.name,
                    kinds: target.kind,
                    features,
                    files: filenames,
                    fresh,
                });
            }
            Ok(Message::BuildScriptExecuted { package_id, out_dir }) => {
                self.scripts.push(Script { package_id, out_dir });
            }
            Ok(Message::BuildFinished { success }) => self.finished = success,
            Ok(Message::Other) | Err(_) => {}
        }
    }

    /// Whether cargo said that the build finished. Output that stops early never counts as success.
    pub fn finished(&self) -> bool {
        self.finished
    }

    /// The packages that were compiled or reused: cargo's identifier, and the manifest where cargo told it.
    pub fn manifests(&self) -> impl Iterator<Item = (&str, Option<&Path>)> {
        self.manifests.iter().map(|(id, manifest)| (id.as_str(), manifest.as_deref()))
    }

    /// The build scripts whose results were used.
    pub fn scripts(&self) -> &[Script] {
        &self.scripts
    }

    /// The folders that the units are in.
    pub fn folders(&self) -> BTreeSet<&Path> {
        self.units.iter().flat_map(|unit| &unit.files).filter_map(|file| file.parent()).collect()
    }

    pub fn counts(&self) -> UnitCounts {
        let compiled: Vec<&Unit> = self.units.iter().filter(|unit| !unit.fresh).collect();
        let packages: BTreeSet<&str> = compiled.iter().map(|unit| unit.package.as_str()).collect();
        UnitCounts {
            fresh: self.units.len() - compiled.len(),
            compiled: compiled.len(),
            compiled_packages: packages.into_iter().map(str::to_owned).collect(),
            program: self.program.clone(),
        }
    }

    /// The units that were reused although none of these runs compiled them: what was there before.
    pub fn found<'u>(runs: &[&'u Units]) -> impl Iterator<Item = &'u Unit> {
        let all = || runs.iter().flat_map(|units| &units.units);
        let compiled: BTreeSet<&Vec<PathBuf>> =
            all().filter(|unit| !unit.fresh).map(|unit| &unit.files).collect();
        let units: Vec<&'u Unit> = runs.iter().copied().flat_map(|units| &units.units).collect();
        units.into_iter().filter(move |unit| unit.fresh && !compiled.contains(&unit.files))
    }

    /// The units of other people's packages that were compiled.
    pub fn compiled_dependencies(&self) -> impl Iterator<Item = &Unit> {
        self.units.iter().filter(|unit| !unit.fresh && !unit.package_id.starts_with("path+"))
    }

    /// The units that were compiled, in the order in which they were finished. `triple` is what cargo was asked to
    /// compile for; `None` where that was this machine.
    pub fn compiled(&self, triple: Option<&str>) -> Vec<CompiledUnit> {
        let compiled = self.units.iter().filter(|unit| !unit.fresh);
        let target = |unit: &Unit| triple.filter(|triple| unit.is_below(triple)).map(str::to_owned);
        let unit = |unit: &Unit| CompiledUnit {
            package: unit.package.clone(),
            version: package_version(&unit.package_id),
            crate_name: unit.name.replace('-', "_"),
            kind: unit.compiled_kind().to_owned(),
            target: target(unit),
            features: unit.features.clone(),
        };
        compiled.map(unit).collect()
    }

    /// Units for the host that were made twice: the same package and kind of target, in two different units.
    ///
    /// The front half's host units are those outside the target triple's folder (proc-macros, build scripts and what
    /// they depend on). One is doubled when the server half has a host unit of the same kind, and not the same one.
    /// Libraries are left out: a library may be a dependency of the server too, and that is no doubling.
    ///
    /// Each is told with the reason: units with other features are really two, however the build is arranged; so are
    /// those that depend on one.
    pub fn host_units_twice(front: &Units, server: &Units, triple: &str) -> Vec<DoubledUnit> {
        let host = |units: &Units| -> BTreeMap<(String, String), BTreeMap<Vec<PathBuf>, Vec<String>>> {
            let mut found: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
            for unit in units.units.iter().filter(|unit| unit.is_host_only(triple)) {
                let key = (unit.package_id.clone(), unit.kind().to_owned());
                found.entry(key).or_default().insert(unit.files.clone(), unit.features.clone());
            }
            found
        };
        let (front, server) = (host(front), host(server));
        let mut twice = Vec::new();
        for (key, units) in &front {
            let Some(others) = server.get(key) else { continue };
            if units.keys().any(|files| others.contains_key(files)) {
                continue;
            }
            let alike = units.values().any(|features| others.values().any(|other| other == features));
            let reason = if alike { Doubling::OtherSettings } else { Doubling::OtherFeatures };
            twice.push(DoubledUnit { package: package_name(&key.0), kind: key.1.clone(), reason });
        }
        twice.sort();
        twice
    }
}

impl Unit {
    fn kind(&self) -> &str {
        self.kinds.first().map_or("", String::as_str)
    }

    /// As [`CompiledUnit::kind`]. A library that is a cdylib too is linked, which takes its time.
    fn compiled_kind(&self) -> &'static str {
        let is = |kind: &str| self.kinds.iter().any(|own| own == kind);
        let named = ["proc-macro", "cdylib", "bin"].into_iter().find(|kind| is(kind));
        named.unwrap_or(if is("custom-build") { "build-script" } else { "lib" })
    }

    /// A proc-macro or a build script: always compiled for the host.
    fn is_host_only(&self, triple: &str) -> bool {
        matches!(self.kind(), "proc-macro" | "custom-build") && !self.is_below(triple)
    }

    /// Whether it was compiled for `triple`, asked for with `--target`.
    fn is_below(&self, triple: &str) -> bool {
        let below_triple = |file: &PathBuf| file.components().any(|part| part.as_os_str() == triple);
        self.files.iter().any(below_triple)
    }
}

/// `serde` from `registry+https://…#serde@1.0.2`, `path+file:///…/core#app-core@0.1.0` or `path+file:///…/core#0.1.0`.
pub(super) fn package_name(package_id: &str) -> String {
    let (url, fragment) = package_id.split_once('#').unwrap_or((package_id, ""));
    match fragment.split_once('@') {
        Some((name, _version)) => name.to_owned(),
        None if fragment.starts_with(|c: char| c.is_ascii_digit()) => {
            url.trim_end_matches('/').rsplit('/').next().unwrap_or(url).to_owned()
        }
        None => package_id.split_whitespace().next().unwrap_or(package_id).to_owned(),
    }
}

/// `1.0.2` from an identifier as above.
fn package_version(package_id: &str) -> String {
    let fragment = package_id.rsplit_once('#').map_or("", |(_, fragment)| fragment);
    fragment.rsplit_once('@').map_or(fragment, |(_, version)| version).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(id: &str, kind: &str, file: &str, fresh: bool) -> String {
        format!(
            r#"{{"reason":"compiler-artifact","package_id":"{id}","manifest_path":"x","target":{{"kind":["{kind}"],"name":"n"}},"profile":{{}},"features":[],"filenames":["{file}"],"executable":null,"fresh":{fresh}}}"#
        )
    }

    #[test]
    fn counts_fresh_and_compiled_units() {
        let mut units = Units::default();
        units.line(&artifact("registry+https://r#serde@1.0.2", "lib", "/t/libserde.rlib", true));
        units.line(&artifact("path+file:///w/core#0.1.0", "lib", "/t/libcore.rlib", false));
        units.line("warning: a build script printed this");
        assert!(!units.finished());
        units.line(r#"{"reason":"build-finished","success":true}"#);
        assert!(units.finished());
        let expected =
            UnitCounts { fresh: 1, compiled: 1, compiled_packages: vec!["core".to_owned()], program: None };
        assert_eq!(units.counts(), expected);
    }

    #[test]
    fn how_the_program_was_compiled() {
        let told = |profile: &str| {
            let mut units = Units::default();
            let line = artifact("path+file:///w/server#0.1.0", "bin", "/t/server", false);
            units.line(&line.replace("\"profile\":{}", &format!("\"profile\":{profile}")));
            // A library after it is no program.
            units.line(&artifact("path+file:///w/core#0.1.0", "lib", "/t/libcore.rlib", false));
            units.counts().program.map(|program| format!("{} {}", program.opt_level, program.debuginfo))
        };
        assert_eq!(told("{}"), None);
        assert_eq!(told(r#"{"opt_level":"3","debuginfo":0}"#).as_deref(), Some("3 0"));
        let told = told(r#"{"opt_level":"0","debuginfo":"line-tables-only"}"#);
        assert_eq!(told.as_deref(), Some("0 line-tables-only"));
    }

    #[test]
    fn what_the_other_half_has_compiled_was_not_there_before() {
        let (mut front, mut server) = (Units::default(), Units::default());
        front.line(&artifact("registry+https://r#quote@1.0.2", "lib", "/t/libquote.rlib", false));
        server.line(&artifact("registry+https://r#quote@1.0.2", "lib", "/t/libquote.rlib", true));
        assert_eq!(Units::found(&[&front, &server]).count(), 0);
        server.line(&artifact("registry+https://r#syn@2.0.0", "lib", "/t/libsyn.rlib", true));
        let found: Vec<_> = Units::found(&[&front, &server]).map(|unit| unit.package.as_str()).collect();
        assert_eq!(found, ["syn"]);
    }

    #[test]
    fn a_host_unit_counts_as_doubled_only_when_its_files_differ() {
        let (mut front, mut server) = (Units::default(), Units::default());
        let macro_id = "registry+https://r#serde_derive@1.0.2";
        front.line(&artifact(macro_id, "proc-macro", "/t/release/deps/libserde_derive-aa.so", false));
        server.line(&artifact(macro_id, "proc-macro", "/t/release/deps/libserde_derive-aa.so", true));
        assert!(Units::host_units_twice(&front, &server, "wasm32-unknown-unknown").is_empty());
        let mut other = Units::default();
        other.line(&artifact(macro_id, "proc-macro", "/t/production/deps/libserde_derive-bb.so", false));
        let twice = Units::host_units_twice(&front, &other, "wasm32-unknown-unknown");
        let expected = DoubledUnit {
            package: "serde_derive".to_owned(),
            kind: "proc-macro".to_owned(),
            reason: Doubling::OtherSettings,
        };
        assert_eq!(twice, [expected]);
    }

    #[test]
    fn what_was_compiled_for_whom() {
        let mut units = Units::default();
        let triple = "wasm32-unknown-unknown";
        units.line(&artifact("registry+https://r#quote@1.0.2", "lib", "/t/release/libquote.rlib", false));
        units.line(&artifact(
            "path+file:///w/front#0.1.0",
            "cdylib",
            "/t/wasm32-unknown-unknown/f.wasm",
            false,
        ));
        units.line(&artifact("path+file:///w/old#0.1.0", "lib", "/t/release/libold.rlib", true));
        units.line(&artifact("path+file:///w/c#app-c@0.1.0", "custom-build", "/t/build/c/build", false));
        let compiled = units.compiled(Some(triple));
        let told: Vec<_> = compiled
            .iter()
            .map(|unit| {
                (unit.package.as_str(), unit.version.as_str(), unit.kind.as_str(), unit.target.as_deref())
            })
            .collect();
        let expected = [
            ("quote", "1.0.2", "lib", None),
            ("front", "0.1.0", "cdylib", Some(triple)),
            ("app-c", "0.1.0", "build-script", None),
        ];
        assert_eq!(told, expected);
        assert_eq!(units.compiled(None)[1].target, None);
    }
}
