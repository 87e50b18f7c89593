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
    /// The wrapper that the compiler's name is a link to.
    pub masks: Option<String>,
    /// Whether the compiler says which one it is, as wrappers ask it; `None` where it was not asked.
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
    let (wrapper, compiler) = split(text, setting.as_ref(), shared);
    let file = program_file(&compiler, &base.root).filter(|_| !compiler.is_empty());
    let masks = file.as_deref().and_then(masks);
    let plain = ["gcc", "clang", "cc"]
        .iter()
        .flat_map(|name| tool::all_on_path(name))
        .find(|candidate| self::masks(candidate).is_none() && answers(base, candidate));
    let is_known = match (&file, &masks) {
        (Some(file), None) if wrapper.is_some() || setting.is_some() => Some(answers(base, file)),
        _ => None,
    };
    Facts { setting, wrapper, compiler, file, masks, is_known, plain, is_needed }
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

fn split(text: &str, setting: Option<&Setting>, shared: Option<&Setting>) -> (Option<Setting>, String) {
    if Path::new(text).is_file() {
        return (shared.cloned(), text.to_owned());
    }
    let mut words = text.split_whitespace();
    let first = words.next().unwrap_or_default();
    match setting.filter(|_| WRAPPERS.contains(&stem(first))) {
        Some(setting) => {
            let wrapper = Setting { value: first.to_owned(), place: setting.place.clone() };
            (Some(wrapper), words.next().unwrap_or_default().to_owned())
        }
        None => (shared.cloned(), first.to_owned()),
    }
}

fn stem(program: &str) -> &str {
    Path::new(program).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}

/// The wrapper behind a link with a compiler's name, e.g. `ccache` for `/usr/lib/ccache/cc`.
fn masks(file: &Path) -> Option<String> {
    let real = file.canonicalize().ok()?;
    let name = stem(real.to_str()?);
    WRAPPERS.contains(&name).then(|| name.to_owned())
}

/// Whether the compiler preprocesses the question and says who it is.
fn answers(base: &Base<'_>, compiler: &Path) -> bool {
    let command = Invocation::new(compiler.display().to_string(), &base.root).args(["-E", "-x", "c", "-"]);
    base.ask_with(&command.stdin(QUESTION))
        .is_ok_and(|said| said.success && said.stdout.contains("xtask_known"))
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
        (Some(wrapper), Some(file)) if facts.masks.is_some() => (
            "cc-wrapped-twice",
            format!(
                "C is compiled by `{} {}`, and {} is a link to {}: \"Compiler not supported\"",
                wrapper.value,
                facts.compiler,
                file.display(),
                facts.masks.as_deref().unwrap_or_default()
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
            let (found, name) = split(text, Some(&set), is_shared.then_some(&shared));
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
        let masked = Facts { masks: Some("ccache".to_owned()), ..fine.clone() };
        assert_eq!(rule(&masked), Some(("cc-wrapped-twice", Severity::Error)));
        assert_eq!(
            rule(&Facts { is_needed: false, ..masked.clone() }),
            Some(("cc-wrapped-twice", Severity::Warning))
        );
        assert_eq!(examine(&masked).unwrap().fix, Fix::command("export CC=/usr/bin/gcc"));
        // Without a second wrapper the link is how such programs are meant to be used.
        assert_eq!(rule(&Facts { wrapper: None, ..masked }), None);
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
}
