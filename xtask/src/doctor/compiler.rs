//! The C compiler behind a compiler wrapper: what the crate `cc` would run for crates like `ring`.
//!
//! `cc` reads `CC` in its own way. It splits it at blanks, takes some first words for wrappers, and puts
//! `RUSTC_WRAPPER` before the compiler where that is one that caches C as well (source: `env_tool` and
//! `rustc_wrapper_fallback` of cc 1.2). A build then works for Rust and breaks in the first crate with C in it, which
//! in a server with TLS is `ring`.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::base::{Base, Place, Setting, program_file};
use crate::facts::tool;
use crate::plan::{Invocation, quote};
use crate::record::doctor::{Finding, Fix, Group, Severity};

/// What `cc` takes for a wrapper at the beginning of `CC`.
const WRAPPERS: [&str; 7] = ["ccache", "distcc", "sccache", "icecc", "cachepot", "buildcache", "kache"];
/// What it puts before the C compiler when it is `RUSTC_WRAPPER`.
const SHARED: [&str; 4] = ["sccache", "cachepot", "buildcache", "kache"];

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// `CC` or one of its variants; `None` for the default.
    pub setting: Option<Setting>,
    /// The wrapper before the compiler, and what puts it there.
    pub wrapper: Option<Setting>,
    /// The compiler's name or path; empty where `CC` has a wrapper alone.
    pub compiler: String,
    /// Its file.
    pub file: Option<PathBuf>,
    /// The caches that the compiler, which is a script, starts itself.
    pub starts: Vec<String>,
    /// Whether the compiler says which one it is, as wrappers ask it; `None` where it was not asked, because it would
    /// have started a cache.
    pub is_known: Option<bool>,
    /// A compiler that could be used instead.
    pub plain: Option<PathBuf>,
    /// Whether Cargo.lock has a crate that compiles C.
    pub is_needed: bool,
}

/// How a wrapper finds out what a compiler is, in short: these names are defined by the ones that it knows.
const QUESTION: &str =
    "#if defined(__GNUC__) || defined(__clang__) || defined(_MSC_VER)\nxtask_known\n#endif\n";

pub fn gather(base: &Base<'_>, host: &str, rustc_wrapper: Option<&Setting>, is_needed: bool) -> Facts {
    let setting = setting(base, host);
    let text = setting.as_ref().map_or("cc", |setting| setting.value.trim());
    let shared = rustc_wrapper.filter(|wrapper| SHARED.contains(&stem(&wrapper.value)));
    let (wrapper, compiler, rest) = split(text, setting.as_ref(), shared);
    let file = program_file(&compiler, &base.root).filter(|_| !compiler.is_empty());
    let starts = file.as_deref().map(starts).unwrap_or_default();
    let plain = ["gcc", "clang", "cc"]
        .iter()
        .flat_map(|name| tool::all_on_path(name))
        .find(|candidate| is_plain(candidate) && answers(base, candidate, &[]));
    let is_known = match &file {
        // A wrapper asks the compiler alone, without what else `CC` has for it.
        Some(file) if is_plain(file) && wrapper.is_some() => Some(answers(base, file, &[])),
        Some(file) if is_plain(file) && setting.is_some() => Some(answers(base, file, &rest)),
        _ => None,
    };
    Facts { setting, wrapper, compiler, file, starts, is_known, plain, is_needed }
}

/// The variable that `cc` reads first. Cargo's `[env]` sets what the environment does not.
fn setting(base: &Base<'_>, host: &str) -> Option<Setting> {
    let names =
        [format!("CC_{host}"), format!("CC_{}", host.replace('-', "_")), "HOST_CC".into(), "CC".into()];
    names.iter().find_map(|name| {
        if let Some(value) = base.env.get(name) {
            return Some(Setting { value: value.to_owned(), place: Place::Variable(name.clone()) });
        }
        let (value, place, _) = base.configured(&["env", name])?;
        let value = value.as_str().or_else(|| value.get("value")?.as_str())?;
        Some(Setting { value: value.to_owned(), place })
    })
}

/// The wrapper, the compiler, and its further arguments.
fn split(
    text: &str,
    setting: Option<&Setting>,
    shared: Option<&Setting>,
) -> (Option<Setting>, String, Vec<String>) {
    if Path::new(text).is_file() {
        return (shared.cloned(), text.to_owned(), Vec::new());
    }
    let mut words = text.split_whitespace();
    let first = words.next().unwrap_or_default();
    let (wrapper, compiler) = match setting.filter(|_| WRAPPERS.contains(&stem(first))) {
        Some(setting) => {
            let wrapper = Setting { value: first.to_owned(), place: setting.place.clone() };
            (Some(wrapper), words.next().unwrap_or_default())
        }
        None => (shared.cloned(), first),
    };
    (wrapper, compiler.to_owned(), words.map(str::to_owned).collect())
}

fn stem(program: &str) -> &str {
    Path::new(program).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}

/// The longest script that is read for the programs it starts, in bytes.
const SCRIPT_SIZE_MAX: u64 = 64 * 1024;

/// The caches that a script names. A wrapper that asks such a compiler who it is asks itself:
/// sccache 0.16 then says `Compiler not supported: ""`. (Tried too: a link to sccache with the compiler's name works.)
fn starts(file: &Path) -> Vec<String> {
    let is_short = std::fs::metadata(file).is_ok_and(|data| data.len() <= SCRIPT_SIZE_MAX);
    let text = Some(file).filter(|_| is_short).and_then(|file| std::fs::read_to_string(file).ok());
    let Some(text) = text.filter(|text| text.starts_with("#!")) else { return Vec::new() };
    let is_separator = |c: char| c.is_whitespace() || "\"'=;&|()".contains(c);
    let words: Vec<&str> = text.split(is_separator).map(stem).collect();
    SHARED.iter().filter(|name| words.contains(name)).map(|name| (*name).to_owned()).collect()
}

/// Whether a program can be asked without starting a cache's server.
fn is_plain(file: &Path) -> bool {
    let real = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let is_wrapper = WRAPPERS.contains(&stem(&real.display().to_string()));
    !is_wrapper && starts(file).is_empty()
}

/// Whether the compiler preprocesses the question and says who it is.
fn answers(base: &Base<'_>, compiler: &Path, rest: &[String]) -> bool {
    let command = Invocation::new(compiler.display().to_string(), &base.root).args(rest.iter().cloned());
    let command = command.args(["-E", "-x", "c", "-"]).stdin(QUESTION);
    base.ask_with(&command).is_ok_and(|said| said.success && said.stdout.contains("xtask_known"))
}

pub fn examine(facts: &Facts) -> Option<Finding> {
    let severity = if facts.is_needed { Severity::Error } else { Severity::Warning };
    let place = facts.setting.as_ref().map_or("cc on PATH".to_owned(), |setting| setting.place.shown());
    let fix = match (&facts.plain, &facts.setting) {
        (Some(plain), _) => {
            Fix::command(format!("export {}={}", variable(facts), quote(&plain.display().to_string())))
        }
        (None, Some(setting)) => setting.place.removal(),
        (None, None) => Fix::advice("install gcc or clang with the system's package manager"),
    };
    let (rule, found) = match (&facts.wrapper, &facts.file) {
        (Some(wrapper), _) if facts.compiler.is_empty() => {
            ("cc-is-a-wrapper-alone", format!("`{}` without a compiler after it", wrapper.value))
        }
        (Some(wrapper), Some(file)) if facts.starts.iter().any(|name| name == stem(&wrapper.value)) => (
            "cc-wrapped-twice",
            format!(
                "C is compiled by `{0} {1}`, and {2} starts {0} again: it answers \"Compiler not supported\"",
                wrapper.value,
                facts.compiler,
                file.display()
            ),
        ),
        (_, None) if facts.setting.is_some() => {
            ("cc-missing", format!("`{}` is the C compiler, and is not there", facts.compiler))
        }
        (Some(wrapper), Some(_)) if facts.is_known == Some(false) => (
            "cc-unknown-to-wrapper",
            format!(
                "C is compiled by `{} {}`, and the compiler does not say which one it is: the wrapper refuses it",
                wrapper.value, facts.compiler
            ),
        ),
        (None, Some(_)) if facts.is_known == Some(false) => {
            ("cc-broken", format!("`{}` does not preprocess a line of C", facts.compiler))
        }
        _ => return None,
    };
    let wanted = match &facts.wrapper {
        Some(wrapper) => format!(
            "a plain C compiler behind `{}` ({}), for crates like `ring`",
            wrapper.value,
            wrapper.place.shown()
        ),
        None => "a C compiler that works, for crates like `ring`".to_owned(),
    };
    Some(Finding::new(Group::Cache, rule, severity, found, wanted, fix).at(place))
}

/// The variable that decides: the one that is set, else `CC`.
fn variable(facts: &Facts) -> &str {
    match facts.setting.as_ref().map(|setting| &setting.place) {
        // A name with hyphens is none that a shell can set; the other spelling comes second, and `CC` last.
        Some(Place::Variable(name)) if !name.contains('-') => name,
        _ => "CC",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(value: &str) -> Setting {
        Setting { value: value.to_owned(), place: Place::Variable("CC".to_owned()) }
    }

    #[test]
    fn the_crate_cc_reads_it_so() {
        let shared =
            Setting { value: "/x/sccache".to_owned(), place: Place::Variable("RUSTC_WRAPPER".to_owned()) };
        let table: [(&str, bool, Option<&str>, &str); 6] = [
            ("gcc -m64", false, None, "gcc"),
            ("gcc -m64", true, Some("/x/sccache"), "gcc"),
            ("sccache gcc", true, Some("sccache"), "gcc"),
            ("/usr/bin/ccache cc -x", false, Some("/usr/bin/ccache"), "cc"),
            ("sccache", false, Some("sccache"), ""),
            ("own-wrapper gcc", false, None, "own-wrapper"),
        ];
        for (text, is_shared, wrapper, compiler) in table {
            let set = setting(text);
            let (found, name, _) = split(text, Some(&set), is_shared.then_some(&shared));
            assert_eq!(
                (found.map(|found| found.value).as_deref(), name.as_str()),
                (wrapper, compiler),
                "{text}"
            );
        }
    }

    #[test]
    fn a_table_of_compilers() {
        let rule = |facts: &Facts| examine(facts).map(|finding| (finding.rule, finding.severity));
        let fine = Facts {
            wrapper: Some(setting("sccache")),
            compiler: "cc".to_owned(),
            file: Some("/usr/bin/cc".into()),
            is_known: Some(true),
            plain: Some("/usr/bin/gcc".into()),
            is_needed: true,
            ..Facts::default()
        };
        assert_eq!(rule(&fine), None);
        let twice = Facts { starts: vec!["sccache".to_owned()], is_known: None, ..fine.clone() };
        assert_eq!(rule(&twice), Some(("cc-wrapped-twice", Severity::Error)));
        assert_eq!(
            rule(&Facts { is_needed: false, ..twice.clone() }),
            Some(("cc-wrapped-twice", Severity::Warning))
        );
        assert_eq!(examine(&twice).unwrap().fix, Fix::command("export CC=/usr/bin/gcc"));
        // Without a second wrapper the script is how such caches are meant to be used.
        assert_eq!(rule(&Facts { wrapper: None, ..twice }), None);
        let unknown = Facts { is_known: Some(false), ..fine.clone() };
        assert_eq!(rule(&unknown).unwrap().0, "cc-unknown-to-wrapper");
        assert_eq!(rule(&Facts { wrapper: None, ..unknown }).unwrap().0, "cc-broken");
        assert_eq!(
            rule(&Facts { compiler: String::new(), ..fine.clone() }).unwrap().0,
            "cc-is-a-wrapper-alone"
        );
        let gone = Facts { setting: Some(setting("gone")), wrapper: None, file: None, plain: None, ..fine };
        assert_eq!(rule(&gone).unwrap().0, "cc-missing");
        assert_eq!(examine(&gone).unwrap().fix, Fix::command("unset CC"));
    }

    #[test]
    fn scripts_that_start_a_cache() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cc");
        for (text, expected) in [
            ("#!/bin/sh\nexec sccache gcc \"$@\"\n", vec!["sccache"]),
            ("#!/bin/sh\nexec /opt/bin/sccache gcc\n", vec!["sccache"]),
            ("#!/bin/sh\nCACHE='kache';exec gcc\n", vec!["kache"]),
            ("#!/bin/sh\nexec gcc \"$@\"\n", vec![]),
            ("\u{7f}ELF sccache ", vec![]),
        ] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(starts(&file), expected, "{text}");
        }
    }
}
