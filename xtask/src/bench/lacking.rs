//! Why a build of the copy may fail while the workspace builds: what git ignores is not in the copy, and what lies
//! beside the workspace is not beside the copy. Nobody who reads the compiler's message can know of the copy.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// Folders that builds write to: what they say of those is no input.
const MADE: [&str; 2] = ["target", ".git"];

/// What to say of a build of the copy that has failed with these messages. Files that the messages name, and that the
/// workspace has and the copy has not, are named. Where there are none, what a copy lacks is said in general, unless
/// something `has_built` in the copy before.
pub(super) fn hint(messages: &str, source: &Path, copy: &Path, has_built: bool) -> Option<String> {
    let lacking = lacking(messages, source, copy);
    let is_outside = |path: &&PathBuf| path.components().next() == Some(Component::ParentDir);
    let names = |paths: Vec<&PathBuf>| {
        let names: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
        names.join(", ")
    };
    let (outside, ignored): (Vec<&PathBuf>, Vec<&PathBuf>) = lacking.iter().partition(is_outside);
    if !ignored.is_empty() {
        return Some(format!(
            "the copy that is measured lacks {}, which the workspace has: it has what git does not ignore \
             (`git add --force` keeps a file in spite of `.gitignore`)",
            names(ignored)
        ));
    }
    if !outside.is_empty() {
        return Some(format!(
            "the copy that is measured lacks {}: what lies outside of the workspace is not beside its copy (an \
             absolute path is found from both)",
            names(outside)
        ));
    }
    (!has_built).then(|| {
        "nothing was built in the copy that is measured; where `cargo xtask build` succeeds in the workspace, the copy \
         lacks something: it has every file that git does not ignore, and nothing that lies outside of the workspace"
            .to_owned()
    })
}

/// What the messages name, relative to the workspace, that is there and not in the copy.
fn lacking(messages: &str, source: &Path, copy: &Path) -> Vec<PathBuf> {
    // As cargo names the folder that it runs in.
    let physical = |folder: &Path| folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let (source, copy) = (physical(source), physical(copy));
    let is_between = |letter: char| letter.is_whitespace() || "`'\"(),:;".contains(letter);
    let is_path = |word: &&str| word.contains(['/', '.']) && word.contains(char::is_alphanumeric);
    let relative = |word: &str| relative(&copy, &copy.join(word.trim_end_matches('.')));
    let is_lacking =
        |path: &PathBuf| is_input(path) && source.join(path).exists() && !copy.join(path).exists();
    let paths = messages.split(is_between).filter(is_path).map(relative).filter(is_lacking);
    let mut lacking: Vec<PathBuf> = Vec::new();
    // A folder that is not there stands for all that is in it, and comes before it in order.
    for path in paths.collect::<BTreeSet<_>>() {
        if lacking.last().is_none_or(|last| !path.starts_with(last)) {
            lacking.push(path);
        }
    }
    lacking
}

fn is_input(path: &Path) -> bool {
    let first = path.components().next().map(Component::as_os_str);
    first.is_some_and(|first| !MADE.iter().any(|made| first == *made))
}

/// The way from a folder to a path; both are absolute.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let common = from.components().zip(to.components()).take_while(|(one, other)| one == other).count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    up.chain(to.components().skip(common)).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    #[test]
    fn what_the_messages_name_and_the_copy_lacks_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let write = |path: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        };
        let (source, copy) = (root.join("app"), root.join("app/target/xtask/bench/app"));
        write("app/core/src/words.txt");
        write("app/core/src/lib.rs");
        write("app/target/debug/server");
        write("shared/Cargo.toml");
        write("app/target/xtask/bench/app/core/src/lib.rs");
        let hint = |messages: &str, has_built| super::hint(messages, &source, &copy, has_built);
        // As rustc says it.
        let ignored = "error: couldn't read `core/src/words.txt`: No such file or directory (os error 2)\n --> \
                       core/src/lib.rs:18:28\n";
        assert_eq!(
            hint(ignored, true).unwrap(),
            "the copy that is measured lacks `core/src/words.txt`, which the workspace has: it has what git does not \
             ignore (`git add --force` keeps a file in spite of `.gitignore`)"
        );
        let absolute = format!("could not open {}/core/src/words.txt.", copy.display());
        assert_eq!(hint(&absolute, true), hint(ignored, true));
        // As cargo says it.
        let outside = format!(
            "failed to load source for dependency `shared`\n  Unable to update {0}\n  failed to read `{0}/Cargo.toml`",
            copy.with_file_name("shared").display()
        );
        assert_eq!(
            hint(&outside, true).unwrap(),
            "the copy that is measured lacks `../shared`: what lies outside of the workspace is not beside \
             its copy (an absolute path is found from both)"
        );
        // Any other error is nobody's fault but its own, once something was built.
        let made = copy.join("target/debug/server");
        let other = format!("error[E0308]: mismatched types\n --> core/src/lib.rs:1:1\n{}", made.display());
        assert_eq!(hint(&other, true), None);
        assert!(hint(&other, false).unwrap().starts_with("nothing was built in the copy"));
    }
}
