//! What compile caches get wrong, and whom of it concerns.
//!
//! Each of these was seen in a build beside one without a cache (`tests/it/bench_caches`), with the versions of
//! `tools.toml`. A cache is recommended only to those whom none of its caveats concerns: their builds through it are
//! those without it.

use super::CompileCache;
use super::readers::Readers;

/// Something that a cache gets wrong, or that it does to somebody who switches it off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caveat {
    /// Neither cache sees it, because rustc is not told of it either.
    MacroVariable,
    /// The same for files.
    MacroFile,
    /// Of kache. The settings that it names made all of the builds right that were wrong without them.
    Script,
    /// Of kache.
    FilledTarget,
}

/// How many packages are named.
const NAMED_MAX: usize = 3;

/// What is known against a cache.
pub fn caveats(cache: &CompileCache) -> &'static [Caveat] {
    match cache {
        CompileCache::None => &[],
        CompileCache::Sccache { .. } => &[Caveat::MacroVariable, Caveat::MacroFile],
        CompileCache::Kache { .. } => {
            &[Caveat::MacroVariable, Caveat::MacroFile, Caveat::Script, Caveat::FilledTarget]
        }
    }
}

/// What is known against a cache and concerns a workspace, with the packages that it is about. Where nobody knows what
/// the workspace has, all of it.
pub fn concerns(cache: &CompileCache, workspace: &Result<Readers, String>) -> Vec<String> {
    untried(cache).into_iter().chain(known(cache, workspace)).collect()
}

/// That nobody has compared builds through this version with builds without. What it gets wrong may be more, so that it
/// is recommended to nobody.
fn untried(cache: &CompileCache) -> Option<String> {
    let (key, group, version) = match cache {
        CompileCache::None => return None,
        CompileCache::Sccache { version, .. } => ("sccache", "bench", version),
        CompileCache::Kache { version, .. } => ("kache", "bench-full", version),
    };
    let tried = super::tried(key);
    (tried.as_ref() != Some(version)).then(|| {
        format!(
            "builds through version {version} were not compared with builds without, those through {} were (`cargo \
             xtask setup --with {group}` installs it)",
            tried.as_deref().unwrap_or("no version")
        )
    })
}

fn known(cache: &CompileCache, workspace: &Result<Readers, String>) -> Vec<String> {
    let told = |caveat: &Caveat| match workspace {
        Ok(readers) => {
            let whom = caveat.whom(cache, readers);
            (!whom.is_empty()).then(|| format!("{}; here that may be {}", caveat.text(), listed(&whom)))
        }
        Err(reason) => {
            Some(format!("{}; whether that concerns this workspace is not known: {reason}", caveat.text()))
        }
    };
    caveats(cache).iter().filter_map(told).collect()
}

impl Caveat {
    fn text(self) -> &'static str {
        match self {
            Caveat::MacroVariable => {
                "it gives back what it had for a macro that reads a variable by itself (std::env::var in the macro's \
                 own code; env! and option_env! are seen)"
            }
            Caveat::MacroFile => {
                "it gives back what it had for a macro that reads a file by itself (include_view! of leptos; \
                 include_str! is seen)"
            }
            Caveat::Script => {
                "it takes a build script's earlier run for a new one though a variable or file has changed that the \
                 script reads without declaring it (cargo:rerun-if-…); KACHE_BUILD_SCRIPT_CACHE=0 runs them all, \
                 KACHE_KEY_ENV_VARS and a `kache.toml` with `extra_inputs` tell it of what macros read"
            }
            Caveat::FilledTarget => {
                "build scripts in a target directory that it filled go on through kache when it is switched off, until \
                 `cargo clean`"
            }
        }
    }

    /// The packages that it is about.
    fn whom(self, cache: &CompileCache, readers: &Readers) -> Vec<String> {
        // What cargo says of the package is in sccache's keys; of kache's nobody has tried.
        let of_package = match cache {
            CompileCache::Kache { .. } => readers.of_package.as_slice(),
            _ => &[],
        };
        match self {
            Caveat::MacroVariable => readers.variables.iter().chain(of_package).cloned().collect(),
            Caveat::MacroFile => readers.files.clone(),
            // What a script reads is not seen in its source: that may start programs that read.
            Caveat::Script | Caveat::FilledTarget => readers.scripts.clone(),
        }
    }
}

fn listed(whom: &[String]) -> String {
    let named = whom.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    match whom.len().saturating_sub(NAMED_MAX) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn sccache() -> CompileCache {
        let version = super::super::tried("sccache").unwrap();
        CompileCache::Sccache { program: "sccache".into(), version, s3: false }
    }

    fn kache() -> CompileCache {
        CompileCache::Kache { program: "kache".into(), version: super::super::tried("kache").unwrap() }
    }

    fn packages(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn whom_nothing_concerns_both_are_recommended_to() {
        let nobody = Readers { in_macros: 7, ..Readers::default() };
        assert_eq!(concerns(&sccache(), &Ok(nobody.clone())), [""; 0]);
        assert_eq!(concerns(&kache(), &Ok(nobody)), [""; 0]);
    }

    #[test]
    fn a_version_that_was_not_tried_is_recommended_to_nobody() {
        let nobody = Ok(Readers { in_macros: 7, ..Readers::default() });
        let of = |version: &str| {
            let (program, version) = (std::path::PathBuf::from("sccache"), version.to_owned());
            concerns(&CompileCache::Sccache { program, version, s3: true }, &nobody)
        };
        let tried = super::super::tried("sccache").unwrap();
        let expected = format!(
            "builds through version 0.15.0 were not compared with builds without, those through {tried} were (`cargo \
             xtask setup --with bench` installs it)"
        );
        assert_eq!(of("0.15.0"), [expected]);
        assert_eq!(of(&tried), [""; 0]);
    }

    #[test]
    fn what_concerns_a_workspace_is_told_with_its_packages() {
        let readers = Readers {
            in_macros: 7,
            variables: packages(&["reader 1.0.0 (SECRET in src/lib.rs)"]),
            of_package: packages(&["version 1.0.0 (CARGO_PKG_VERSION in src/lib.rs)"]),
            files: Vec::new(),
            scripts: packages(&["a 1.0.0", "b 1.0.0", "c 1.0.0", "d 1.0.0", "e 1.0.0"]),
        };
        let told = |cache: &CompileCache| concerns(cache, &Ok(readers.clone())).join("\n");
        expect![[r#"
            it gives back what it had for a macro that reads a variable by itself (std::env::var in the macro's own code; env! and option_env! are seen); here that may be reader 1.0.0 (SECRET in src/lib.rs)"#]]
        .assert_eq(&told(&sccache()));
        let of_kache = told(&kache());
        let lines: Vec<&str> = of_kache.lines().collect();
        assert_eq!(lines.len(), 3, "{of_kache}");
        assert!(lines[0].ends_with(
            "reader 1.0.0 (SECRET in src/lib.rs), version 1.0.0 (CARGO_PKG_VERSION in src/lib.rs)"
        ));
        assert!(lines[1].ends_with("; here that may be a 1.0.0, b 1.0.0, c 1.0.0 and 2 more"), "{of_kache}");
    }

    #[test]
    fn where_nobody_knows_everything_concerns() {
        for cache in [sccache(), kache()] {
            let told = concerns(&cache, &Err("the lock file is old".to_owned()));
            assert_eq!(told.len(), caveats(&cache).len());
            let reason = "; whether that concerns this workspace is not known: the lock file is old";
            assert!(told.iter().all(|line| line.ends_with(reason)), "{told:?}");
        }
        assert_eq!(concerns(&CompileCache::None, &Err(String::new())), [""; 0]);
    }
}
