//! The linker of the server half: the program that rustc starts, and the one that it asks that program for.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use super::base::{Base, Place, Setting, first_line, program_file, version};
use super::rustflags::Flags;
use super::toolchain;
use crate::config::cfg;
use crate::record::doctor::{Finding, Fix, Group, Severity};

#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    /// The program that rustc starts, and whether it is there.
    pub program: Option<(Setting, bool)>,
    /// What takes the setting away; `None` where nothing sets it, and rustc's own choice is `cc`.
    pub removal: Option<Fix>,
    /// `-fuse-ld=`: what is asked for, the flags that ask, what takes them away, and whether it is there.
    pub asked: Option<Asked>,
}

/// A linker behind the linker.
#[derive(Clone, Debug, Serialize)]
pub struct Asked {
    pub name: String,
    pub place: String,
    pub removal: Fix,
    pub is_there: bool,
}

pub fn gather(base: &Base<'_>, toolchain: &toolchain::Facts, flags: &[Flags]) -> Facts {
    let Some(toolchain) = &toolchain.toolchain else { return Facts::default() };
    let Some(flags) = flags.iter().find(|flags| flags.target == toolchain.host) else {
        return Facts::default();
    };
    let (program, folder, removal) = match setting(base, flags) {
        Some((program, folder, removal)) => (program, folder, Some(removal)),
        None => {
            let place = Place::Variable("PATH".to_owned());
            (Setting { value: "cc".to_owned(), place }, base.root.clone(), None)
        }
    };
    let file = program_file(&program.value, &folder);
    let asked = asked(base, toolchain, flags, file.as_deref());
    Facts { program: Some((program, file.is_some())), removal, asked }
}

/// What is configured, in cargo's order: flags come last on rustc's command line and win.
fn setting(base: &Base<'_>, flags: &Flags) -> Option<(Setting, PathBuf, Fix)> {
    let effective = flags.effective();
    let words: Vec<&str> = effective.iter().map(|(flag, _)| *flag).collect();
    for (index, word) in words.iter().enumerate().rev() {
        let option = match *word {
            option if index > 0 && words[index - 1] == "-C" => option,
            option => option.strip_prefix("-C").unwrap_or_default(),
        };
        if let Some(linker) = option.strip_prefix("linker=") {
            let source = effective[index].1;
            let setting = Setting { value: linker.to_owned(), place: source.place.clone() };
            let unwanted = if option == *word { vec!["-C", *word] } else { vec![*word] };
            return Some((setting, base.root.clone(), source.without(&unwanted)));
        }
    }
    let name = format!("CARGO_TARGET_{}_LINKER", flags.target.to_uppercase().replace(['-', '.'], "_"));
    if let Some(value) = base.env.get(&name) {
        let place = Place::Variable(name);
        let removal = place.removal();
        return Some((Setting { value: value.to_owned(), place }, base.root.clone(), removal));
    }
    let tables = base.files.iter().filter_map(|file| file.value.get("target")?.as_object());
    let expressions =
        tables.flat_map(|tables| tables.keys()).filter(|name| cfg::holds(name, &flags.target)).cloned();
    let names: Vec<String> = [flags.target.clone()].into_iter().chain(expressions).collect();
    names.iter().find_map(|name| {
        let (value, place, file) = base.configured(&["target", name, "linker"])?;
        let program = value.as_str().or_else(|| value.get(0).and_then(Value::as_str))?;
        let removal = place.removal();
        Some((Setting { value: program.to_owned(), place }, file.base.clone(), removal))
    })
}

fn asked(
    base: &Base<'_>,
    toolchain: &crate::facts::toolchain::Toolchain,
    flags: &Flags,
    program: Option<&Path>,
) -> Option<Asked> {
    let effective = flags.effective();
    let position = effective.iter().rposition(|(flag, _)| flag.contains("-fuse-ld="))?;
    let (flag, source) = effective[position];
    let name = flag.split("-fuse-ld=").nth(1)?.split_whitespace().next()?.to_owned();
    let mut unwanted = vec![flag];
    if flag.starts_with("link-arg") {
        unwanted.insert(0, "-C");
    }
    // Since 1.90 rustc brings its own lld for this target and tells the linker where it is.
    let bundled = name == "lld"
        && toolchain.host == "x86_64-unknown-linux-gnu"
        && version(&toolchain.rustc_version) >= (1, 90, 0);
    let knows = |program: &Path| {
        let question = format!("-print-prog-name=ld.{name}");
        let said = base.ask(&program.display().to_string(), &[&question]).unwrap_or_default();
        said.success && first_line(&said.stdout).starts_with('/')
    };
    let is_there = bundled
        || program_file(&name, &base.root).is_some()
        || program_file(&format!("ld.{name}"), &base.root).is_some()
        || program.is_some_and(knows);
    Some(Asked { name, place: source.place.shown(), removal: source.without(&unwanted), is_there })
}

pub fn examine(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    let find = |found, wanted: &str, rule, fix| {
        Finding::new(Group::Linker, rule, Severity::Error, found, wanted, fix)
    };
    if let Some((program, false)) = &facts.program {
        let found = format!("`{}` is the linker, and is not there", program.value);
        findings.push(match &facts.removal {
            None => find(
                found,
                "a C compiler, which rustc links with",
                "linker-missing",
                Fix::advice(match std::env::consts::OS {
                    "macos" => "install it: `xcode-select --install`",
                    _ => "install it with the system's package manager, e.g. `sudo apt-get install gcc libc6-dev`",
                }),
            ),
            Some(removal) => find(found, "a linker that is there", "linker-missing", removal.clone())
                .at(program.place.shown()),
        });
    }
    if let Some(asked) = facts.asked.as_ref().filter(|asked| !asked.is_there) {
        let found = format!("`-fuse-ld={}`, and no such linker is there", asked.name);
        let finding = find(found, "a linker that is there", "linker-asked-missing", asked.removal.clone());
        findings.push(finding.at(&asked.place));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_linkers() {
        let program = |there| Some((Setting { value: "x".to_owned(), place: Place::default() }, there));
        let asked = |is_there| {
            let removal = Fix::advice("");
            Some(Asked { name: "mold".to_owned(), place: String::new(), removal, is_there })
        };
        let rules = |facts: &Facts| examine(facts).iter().map(|finding| finding.rule).collect::<Vec<_>>();
        assert_eq!(rules(&Facts { program: program(true), asked: asked(true), removal: None }), [""; 0]);
        assert_eq!(rules(&Facts { program: program(false), ..Facts::default() }), ["linker-missing"]);
        assert_eq!(rules(&Facts { asked: asked(false), ..Facts::default() }), ["linker-asked-missing"]);
        let own = examine(&Facts { program: program(false), asked: None, removal: None });
        assert!(matches!(own[0].fix, Fix::Advice(_)));
    }
}
