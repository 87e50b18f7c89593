//! Repositories of the shapes that are common outside of this one: templates, the recipe of Leptos' book, images for musl,
//! servers that take their address from themselves or from a manifest. What is found in them is all that is wrong.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{report, rules, table};
use crate::support::{Workspace, copy_folder};

/// One repository of `tests/lint/seen`.
struct Seen {
    name: &'static str,
    /// Every rule that it breaks.
    finds: &'static [&'static str],
    /// Rules that it only seems to break.
    not: &'static [&'static str],
}

const SEEN: [Seen; 8] = [
    // One package without default features, cooked twice; no flag is needed that changes nothing.
    Seen {
        name: "start-axum",
        finds: &["base-without-digest", "port-ignored"],
        not: &["cook-features-differ", "cook-profile-differs", "runtime-glibc-older"],
    },
    // The members lie in the root; the metadata has an address that the server never sees.
    Seen {
        name: "start-axum-workspace",
        finds: &["base-without-digest", "copy-before-cook", "listens-on-loopback", "port-ignored"],
        not: &["cook-features-differ", "cook-without-package"],
    },
    // As the book has it, with the name of its example, and a builder whose tag names no release of Debian.
    Seen {
        name: "book",
        finds: &[
            "base-without-digest",
            "binary-path-mismatch",
            "dependencies-uncached",
            "dockerignore-lacks-env",
            "dockerignore-lacks-git",
            "dockerignore-lacks-target",
            "hash-file-not-copied",
            "hash-files-unset",
            "leptos-env-not-production",
            "leptos-environment-incomplete",
            "port-ignored",
            "runs-as-root",
            "runtime-glibc-older",
            "source-label-missing",
        ],
        not: &["leptos-manifest-missing", "listens-on-loopback"],
    },
    // The target by a variable, the profile by an argument, and nothing below the program.
    Seen {
        name: "musl-scratch",
        finds: &["base-without-digest"],
        not: &[
            "binary-path-mismatch",
            "cook-profile-differs",
            "cook-target-differs",
            "runtime-libraries-missing",
        ],
    },
    // What sqlx reads is set after the cooks; the build has its manifest before its subcommand.
    Seen {
        name: "sqlx",
        finds: &["base-without-digest", "cook-target-dir-differs", "port-ignored"],
        not: &["binary-path-mismatch", "cook-environment-differs", "cook-unused"],
    },
    // The server listens everywhere by itself, and is found by its name, with its list of hashes beside it.
    Seen {
        name: "own-address",
        finds: &["base-without-digest", "dependencies-uncached"],
        not: &["hash-file-not-copied", "listens-on-loopback"],
    },
    // The server reads the table of its manifest, which is in the image.
    Seen {
        name: "reads-manifest",
        finds: &["base-without-digest", "dependencies-uncached", "port-ignored"],
        not: &[
            "leptos-env-not-production",
            "leptos-environment-incomplete",
            "leptos-environment-missing",
            "leptos-manifest-missing",
            "listens-on-loopback",
        ],
    },
    // Cooked by one compiler, built by another, with `target` carried over.
    Seen {
        name: "two-compilers",
        finds: &["base-floating", "base-without-digest", "cook-toolchain-differs"],
        not: &["cook-unused"],
    },
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lint/seen")
}

#[test]
fn all_that_is_wrong_is_found_and_nothing_else() {
    let mut wrong = Vec::new();
    for seen in SEEN {
        let workspace = Workspace::empty();
        copy_folder(&folder().join(seen.name), workspace.root());
        let report = report(&workspace, &["."]);
        let found = rules(&report);
        let expected: BTreeSet<String> = seen.finds.iter().map(|rule| (*rule).to_owned()).collect();
        if found != expected {
            wrong.push(format!("{}: expected {expected:?}\n{:#}", seen.name, report["findings"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_repository_is_looked_at_for_rules_that_exist() {
    let folders = fs::read_dir(folder()).unwrap().flatten().map(|entry| entry.file_name());
    let folders: BTreeSet<String> = folders.map(|name| name.into_string().unwrap()).collect();
    assert_eq!(folders, SEEN.iter().map(|seen| seen.name.to_owned()).collect());
    let table = table();
    for seen in SEEN {
        for rule in seen.finds.iter().chain(seen.not) {
            assert!(table.contains(*rule), "{}: there is no rule `{rule}`", seen.name);
        }
        let both: Vec<_> = seen.finds.iter().filter(|rule| seen.not.contains(rule)).collect();
        assert!(both.is_empty(), "{}: {both:?}", seen.name);
    }
}
