//! What differs between the checkout and an earlier commit, as git tells. Shallow clones, force pushes and branches
//! that are new are the usual case, so that "nobody can tell" is an answer.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use crate::exec::Executor;
use crate::plan::Invocation;

/// How long git may take to get a commit that is not here.
const FETCH_LIMIT: Duration = Duration::from_secs(60);
const LIMIT: Duration = Duration::from_secs(20);

/// The files that differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    Known {
        /// The commit that was compared with.
        base: String,
        /// Paths from the workspace's root, with `/`; those that are gone are in here too.
        files: BTreeSet<String>,
    },
    /// Why it cannot be told.
    Unknown(String),
}

/// Compares the commit that is checked out with the first of these revisions that is here or can be fetched.
///
/// What is compared is the two trees, so that it does not matter whether one commit follows from the other.
pub fn since(exec: &Executor, root: &Path, revisions: &[String]) -> Changes {
    let base = match base(exec, root, revisions) {
        Ok(base) => base,
        Err(why) => return Changes::Unknown(why),
    };
    let git = Git { exec, root };
    let differs = ["diff", "--name-only", "--no-renames", "-z", &base, "HEAD", "--"];
    let prefix = git.ask(&["rev-parse", "--show-prefix"], LIMIT);
    match prefix.zip(git.ask(&differs, LIMIT)) {
        Some((prefix, names)) => Changes::Known { base, files: below(prefix.trim(), &names) },
        None => Changes::Unknown(format!("git cannot compare {base} with what is checked out")),
    }
}

/// The first of these revisions that is here or can be fetched, as a full hash; the error says why there is none.
pub fn base(exec: &Executor, root: &Path, revisions: &[String]) -> Result<String, String> {
    if revisions.is_empty() {
        return Err("there is nothing to compare with".to_owned());
    }
    let git = Git { exec, root };
    let found = revisions.iter().find_map(|revision| git.commit(revision).or_else(|| git.fetched(revision)));
    found.ok_or_else(|| {
        format!("commit {} is not in this clone and cannot be fetched", revisions.join(" and "))
    })
}

/// The commit that is checked out, as a full hash.
pub fn head(exec: &Executor, root: &Path) -> Option<String> {
    Git { exec, root }.commit("HEAD")
}

/// A file as a commit has it; the path is from the workspace's root. `None` where the commit has no such file.
pub fn file_at(exec: &Executor, root: &Path, commit: &str, path: &str) -> Option<String> {
    Git { exec, root }.ask(&["cat-file", "blob", &format!("{commit}:./{path}")], LIMIT)
}

/// The paths of all manifests that a commit has below the workspace's root.
pub fn manifests_at(exec: &Executor, root: &Path, commit: &str) -> Vec<String> {
    let words = ["ls-tree", "-r", "-z", "--name-only", commit];
    let names = Git { exec, root }.ask(&words, LIMIT).unwrap_or_default();
    let is_manifest = |name: &&str| name.rsplit('/').next() == Some("Cargo.toml");
    names.split('\0').filter(is_manifest).map(str::to_owned).collect()
}

/// The folder of the workspace in its repository, with a slash at its end; empty where it is all of it, or no checkout.
pub fn prefix(exec: &Executor, root: &Path) -> String {
    let told = Git { exec, root }.ask(&["rev-parse", "--show-prefix"], LIMIT);
    told.map(|prefix| prefix.trim().to_owned()).unwrap_or_default()
}

/// Whether a merge is checked out, as for a pull request: then what it was merged into is its first parent.
pub fn is_merge(exec: &Executor, root: &Path) -> bool {
    Git { exec, root }.commit("HEAD^2").is_some()
}

/// Of these file names, the ones that Rust sources outside of `except` name which include files: what they say is
/// compiled.
pub fn included<'n>(
    exec: &Executor,
    root: &Path,
    names: impl IntoIterator<Item = &'n str>,
    except: &str,
) -> BTreeSet<&'n str> {
    let git = Git { exec, root };
    let is_named = |name: &&str| {
        let without = format!(":(exclude){except}");
        let words = ["grep", "-q", "-F", "--all-match", "-e", "include", "-e", name, "--", "*.rs", &without];
        git.ask(&words, LIMIT).is_some()
    };
    names.into_iter().filter(is_named).collect()
}

/// Of these texts, the ones that tests below a folder name as files: what they say is held to something. A text at the
/// root is called as others are elsewhere, so that it has to be named with a folder before it.
pub fn tested<'t>(
    exec: &Executor,
    root: &Path,
    texts: impl IntoIterator<Item = &'t str>,
    folder: &str,
) -> BTreeSet<&'t str> {
    let git = Git { exec, root };
    let sources = format!("{folder}/tests/*.rs");
    let is_named = |text: &&str| {
        let name = text.rsplit('/').next().unwrap_or_default();
        let (with_folder, alone) = (format!("/{name}\""), format!("\"{name}\""));
        let mut words = vec!["grep", "-q", "-F", "-e", with_folder.as_str()];
        if text.contains('/') {
            words.extend(["-e", alone.as_str()]);
        }
        words.extend(["--", sources.as_str()]);
        git.ask(&words, LIMIT).is_some()
    };
    texts.into_iter().filter(is_named).collect()
}

/// The names that git lists, as seen from the folder of the prefix: what is elsewhere in the repository begins with
/// `../`.
fn below(prefix: &str, names: &str) -> BTreeSet<String> {
    let up = "../".repeat(prefix.matches('/').count());
    let names = names.split('\0').filter(|name| !name.is_empty());
    names.map(|name| name.strip_prefix(prefix).map_or_else(|| format!("{up}{name}"), str::to_owned)).collect()
}

struct Git<'a> {
    exec: &'a Executor,
    root: &'a Path,
}

impl Git<'_> {
    /// What git prints; `None` where it fails.
    fn ask(&self, args: &[&str], limit: Duration) -> Option<String> {
        let command = Invocation::new("git", self.root)
            .args(args.iter().copied())
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            .timeout(limit);
        self.exec.probe(&command).ok().filter(|answer| answer.success).map(|answer| answer.stdout)
    }

    /// The full hash of a commit that is here.
    fn commit(&self, revision: &str) -> Option<String> {
        let commit = format!("{revision}^{{commit}}");
        let words = ["rev-parse", "--quiet", "--verify", "--end-of-options", &commit];
        self.ask(&words, LIMIT).map(|hash| hash.trim().to_owned())
    }

    /// The same of one that a shallow clone does not have yet. Only full hashes are asked for.
    fn fetched(&self, revision: &str) -> Option<String> {
        let is_hash =
            matches!(revision.len(), 40 | 64) && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hash {
            return None;
        }
        let words = ["fetch", "--quiet", "--no-tags", "--depth=1", "origin", revision];
        self.ask(&words, FETCH_LIMIT)?;
        self.commit(revision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_a_workspace_that_is_not_the_whole_repository() {
        let told =
            |prefix: &str| below(prefix, "app/site/a.rs\0app/b.md\0c d.rs\0").into_iter().collect::<Vec<_>>();
        assert_eq!(told(""), ["app/b.md", "app/site/a.rs", "c d.rs"]);
        assert_eq!(told("app/"), ["../c d.rs", "b.md", "site/a.rs"]);
        assert_eq!(told("app/site/"), ["../../app/b.md", "../../c d.rs", "a.rs"]);
    }
}
