//! Commands whose output depends on nothing but their inputs (wasm-bindgen, wasm-opt, a style preprocessor):
//! run once, and reused by content digest from then on.
//!
//! Three answers, cheapest first: the inputs were not touched; their content was seen before; run it. The second one is
//! only given where the inputs are all that the command reads.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::digest::{Stamp, sha256};
use super::folder::{files_below, files_below_where};
use crate::exec::{Executor, Finished, replace_file};
use crate::exit::{Exit, Failure};
use crate::plan::{Reads, RunCached};

/// Outputs kept for each kind of command; older ones are removed. A handful covers switching between branches.
const KEPT: usize = 8;
/// How the extension of a folder begins that is not whole; no key has an extension.
const PARTIAL: &str = "partial-";

/// What [`run`] had to do.
#[derive(Debug)]
pub enum Reuse {
    /// Neither inputs nor outputs were touched since the last time.
    Unchanged,
    /// The same content was processed before; its output was copied back.
    Restored,
    /// The command ran.
    Ran(Finished),
}

/// Beside the output folder: what its content was made from.
#[derive(Serialize, Deserialize)]
struct Made {
    /// Of the content of all that the command reads; empty where that is not known.
    key: String,
    command: String,
    inputs: BTreeMap<PathBuf, Stamp>,
    /// A digest of names and stamps of what else it reads.
    others: String,
    outputs: BTreeMap<PathBuf, Stamp>,
}

/// Brings `output_dir` to what the command makes of its inputs. Nothing half-made is left behind on failure.
pub fn run(exec: &Executor, input: &RunCached) -> anyhow::Result<Reuse> {
    let made_file = input.output_dir.with_extension("made.json");
    let command = format!("{} {}", input.program_version, input.command);
    let made: Option<Made> = fs::read(&made_file).ok().and_then(|text| serde_json::from_slice(&text).ok());
    let stamps = stamps_of(&input.inputs)?;
    let others = others(&input.reads)?;
    let intact = |made: &Made| stamps_below(&input.output_dir).is_ok_and(|found| found == made.outputs);

    if let Some(made) = &made
        && input.reads != Reads::Anything
        && made.command == command
        && made.inputs == stamps
        && made.others == others
        && intact(made)
    {
        return Ok(Reuse::Unchanged);
    }

    let by_content = input.reads == Reads::NothingElse;
    let key = if by_content { content_key(&command, &input.inputs)? } else { String::new() };
    let kept = input.store.join(&key);
    let reuse = if by_content && made.as_ref().is_some_and(|made| made.key == key && intact(made)) {
        Reuse::Unchanged
    } else if by_content && kept.is_dir() {
        replace_folder(&kept, &input.output_dir)?;
        Reuse::Restored
    } else {
        let _ = fs::remove_file(&made_file);
        empty_folder(&input.output_dir)?;
        let finished = exec.run(&input.command).inspect_err(|_| {
            let _ = fs::remove_dir_all(&input.output_dir);
        })?;
        if files_below(&input.output_dir)?.is_empty() {
            let _ = fs::remove_dir_all(&input.output_dir);
            let (program, folder) = (input.command.program_name(), input.output_dir.display());
            let message = format!("`{program}` ended well but wrote nothing to `{folder}`");
            let hint = format!("see what it says: {}", exec.redact(&input.command.to_string()));
            return Err(Failure::new(Exit::CommandFailed, message).hint(hint).into());
        }
        if stamps_of(&input.inputs)? != stamps || self::others(&input.reads)? != others {
            // Edited meanwhile: nobody knows which content this output belongs to.
            return Ok(Reuse::Ran(finished));
        }
        if by_content {
            replace_folder(&input.output_dir, &kept)?;
            forget_old(&input.store)?;
        }
        Reuse::Ran(finished)
    };

    let outputs = stamps_below(&input.output_dir)?;
    let made = Made { key, command, inputs: stamps, others, outputs };
    replace_file(&made_file, &serde_json::to_vec(&made)?)?;
    Ok(reuse)
}

fn content_key(command: &str, inputs: &[PathBuf]) -> anyhow::Result<String> {
    let mut parts = vec![command.as_bytes().to_vec()];
    for input in inputs {
        parts.push(fs::read(input).with_context(|| format!("read `{}`", input.display()))?);
    }
    Ok(sha256(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>()))
}

/// Names and stamps of everything that may be read beside the inputs, as one digest.
fn others(reads: &Reads) -> anyhow::Result<String> {
    let Reads::Folder { folder, without, without_names } = reads else { return Ok(String::new()) };
    let named = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        without_names.iter().any(|without| without == name)
    };
    let enter = |path: &Path| !named(path) && !without.iter().any(|without| without == path);
    let mut text = String::new();
    for file in files_below_where(folder, &enter)? {
        // A link to nothing has no stamp, and one that goes away is another list of names.
        let stamp = Stamp::of(&folder.join(&file)).ok();
        let (size, modified) = stamp.map_or((0, 0), |stamp| (stamp.size, stamp.modified));
        text.push_str(&format!("{}\0{size}\0{modified}\n", file.display()));
    }
    Ok(sha256(&[text.as_bytes()]))
}

fn stamps_of(paths: &[PathBuf]) -> anyhow::Result<BTreeMap<PathBuf, Stamp>> {
    paths.iter().map(|path| Ok((path.clone(), Stamp::of(path)?))).collect()
}

/// The stamps of all files below a folder, by relative path.
fn stamps_below(folder: &Path) -> anyhow::Result<BTreeMap<PathBuf, Stamp>> {
    let mut stamps = BTreeMap::new();
    for file in files_below(folder)? {
        stamps.insert(file.clone(), Stamp::of(&folder.join(file))?);
    }
    Ok(stamps)
}

fn empty_folder(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("empty `{}`", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("create `{}`", folder.display()))
}

/// Copies a folder to a place that either has all of it afterwards or what it had before.
fn replace_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    let partial = partial(to);
    empty_folder(&partial)?;
    let copied = files_below(from)?.iter().try_for_each(|file| {
        let (source, target) = (from.join(file), partial.join(file));
        fs::create_dir_all(target.parent().unwrap_or(&partial))
            .and_then(|()| fs::copy(&source, &target))
            .map(drop)
            .with_context(|| format!("copy `{}` to `{}`", source.display(), target.display()))
    });
    let moved = copied.and_then(|()| {
        if to.exists() {
            fs::remove_dir_all(to).with_context(|| format!("replace `{}`", to.display()))?;
        }
        fs::rename(&partial, to).with_context(|| format!("move into `{}`", to.display()))
    });
    moved.inspect_err(|_| {
        let _ = fs::remove_dir_all(&partial);
    })
}

/// The name of a folder that is not whole: not yet, or no longer.
fn partial(folder: &Path) -> PathBuf {
    folder.with_extension(format!("{PARTIAL}{}", std::process::id()))
}

/// Removes all but the newest entries of the store, and what killed runs left of others.
fn forget_old(store: &Path) -> anyhow::Result<()> {
    let entries = fs::read_dir(store)
        .with_context(|| format!("read folder `{}`", store.display()))?
        .flatten()
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())));
    let is_partial = |path: &Path| {
        path.extension().and_then(|last| last.to_str()).is_some_and(|last| last.starts_with(PARTIAL))
    };
    let (left, mut whole): (Vec<_>, Vec<_>) = entries.partition(|(_, path)| is_partial(path));
    whole.sort();
    for (_, path) in whole.iter().rev().skip(KEPT) {
        // Under its own name a folder that is removed in part would be taken for a whole one.
        let gone = partial(path);
        unless_gone(fs::rename(path, &gone), path)?;
        unless_gone(fs::remove_dir_all(&gone), path)?;
    }
    left.iter().try_for_each(|(_, path)| unless_gone(fs::remove_dir_all(path), path))
}

fn unless_gone(removed: std::io::Result<()>, path: &Path) -> anyhow::Result<()> {
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove `{}`", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Mode;
    use crate::plan::Invocation;
    use crate::ui::Ui;

    fn fixture() -> (tempfile::TempDir, Executor, RunCached) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::write(root.join("in.txt"), "one").unwrap();
        let script = "cp in.txt out/copy.txt && echo ran >> log.txt";
        let input = RunCached {
            command: Invocation::new("sh", root).args(["-c", script]),
            inputs: vec![root.join("in.txt")],
            reads: Reads::NothingElse,
            program_version: "1".to_owned(),
            output_dir: root.join("out"),
            store: root.join("store"),
        };
        let exec = Executor::new(Ui::detect(true), Mode::Run).unwrap();
        (folder, exec, input)
    }

    fn runs(folder: &tempfile::TempDir) -> usize {
        fs::read_to_string(folder.path().join("log.txt")).unwrap_or_default().lines().count()
    }

    #[test]
    fn runs_once_for_each_content() {
        let (folder, exec, input) = fixture();
        assert!(matches!(run(&exec, &input).unwrap(), Reuse::Ran(_)));
        assert!(matches!(run(&exec, &input).unwrap(), Reuse::Unchanged));
        fs::write(folder.path().join("in.txt"), "two").unwrap();
        assert!(matches!(run(&exec, &input).unwrap(), Reuse::Ran(_)));
        fs::write(folder.path().join("in.txt"), "one").unwrap();
        assert!(matches!(run(&exec, &input).unwrap(), Reuse::Restored));
        assert_eq!(fs::read_to_string(folder.path().join("out/copy.txt")).unwrap(), "one");
        assert_eq!(runs(&folder), 2);
    }

    #[test]
    fn what_reads_a_folder_runs_when_a_file_in_it_is_touched() {
        let (folder, exec, mut input) = fixture();
        let root = folder.path();
        for file in ["src/a", "src/target/b", "src/x/modules/c"] {
            fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            fs::write(root.join(file), "").unwrap();
        }
        input.reads = Reads::Folder {
            folder: root.join("src"),
            without: vec![root.join("src/target")],
            without_names: vec!["modules".to_owned()],
        };
        assert!(matches!(run(&exec, &input).unwrap(), Reuse::Ran(_)));
        assert!(matches!(run(&exec, &input).unwrap(), Reuse::Unchanged));
        fs::write(root.join("src/target/b"), "more").unwrap();
        fs::write(root.join("src/x/modules/c"), "more").unwrap();
        assert!(matches!(run(&exec, &input).unwrap(), Reuse::Unchanged));
        fs::write(root.join("src/a"), "more").unwrap();
        assert!(matches!(run(&exec, &input).unwrap(), Reuse::Ran(_)));
        fs::write(root.join("src/new"), "").unwrap();
        assert!(matches!(run(&exec, &input).unwrap(), Reuse::Ran(_)));
        fs::remove_file(root.join("src/new")).unwrap();
        assert!(matches!(run(&exec, &input).unwrap(), Reuse::Ran(_)));
        assert_eq!(runs(&folder), 4);
        assert!(!input.store.exists());
    }

    #[test]
    fn what_reads_nobody_knows_what_runs_every_time() {
        let (folder, exec, mut input) = fixture();
        input.reads = Reads::Anything;
        for _ in 0..2 {
            assert!(matches!(run(&exec, &input).unwrap(), Reuse::Ran(_)));
        }
        assert_eq!(runs(&folder), 2);
    }

    #[test]
    fn a_touched_output_is_made_good() {
        let (folder, exec, input) = fixture();
        run(&exec, &input).unwrap();
        fs::write(folder.path().join("out/copy.txt"), "damaged").unwrap();
        assert!(matches!(run(&exec, &input).unwrap(), Reuse::Restored));
        assert_eq!(fs::read_to_string(folder.path().join("out/copy.txt")).unwrap(), "one");
    }

    #[test]
    fn another_version_of_the_program_runs_again() {
        let (folder, exec, mut input) = fixture();
        run(&exec, &input).unwrap();
        input.program_version = "2".to_owned();
        assert!(matches!(run(&exec, &input).unwrap(), Reuse::Ran(_)));
        assert_eq!(runs(&folder), 2);
    }

    #[test]
    fn a_failure_leaves_nothing_behind() {
        let (folder, exec, mut input) = fixture();
        input.command = Invocation::new("sh", folder.path()).args(["-c", "echo half > out/half.txt; exit 3"]);
        run(&exec, &input).unwrap_err();
        assert!(!folder.path().join("out").exists());
        assert!(files_below(&folder.path().join("store")).unwrap().is_empty());
    }

    #[test]
    fn success_without_output_is_a_failure_and_not_kept() {
        let (folder, exec, mut input) = fixture();
        let script = "test -e ready && cp in.txt out/copy.txt || true";
        input.command = Invocation::new("sh", folder.path()).args(["-c", script]);
        let error = run(&exec, &input).unwrap_err();
        assert!(error.to_string().starts_with("`sh` ended well but wrote nothing to `"), "{error}");
        assert!(!input.output_dir.exists() && !input.store.exists());
        fs::write(folder.path().join("ready"), "").unwrap();
        assert!(matches!(run(&exec, &input).unwrap(), Reuse::Ran(_)));
    }

    #[test]
    fn the_store_stays_small() {
        let (folder, exec, input) = fixture();
        for number in 0..KEPT + 3 {
            fs::write(folder.path().join("in.txt"), number.to_string()).unwrap();
            run(&exec, &input).unwrap();
        }
        assert_eq!(fs::read_dir(folder.path().join("store")).unwrap().count(), KEPT);
    }

    #[test]
    fn the_store_has_whole_entries_only() {
        let (folder, exec, input) = fixture();
        let left = input.store.join("key.partial-4000000");
        fs::create_dir_all(&left).unwrap();
        fs::write(left.join("half.txt"), "").unwrap();
        run(&exec, &input).unwrap();
        assert!(!left.exists());
        let entries: Vec<_> = fs::read_dir(&input.store).unwrap().flatten().collect();
        assert_eq!(entries.len(), 1);
        assert_eq!(fs::read_to_string(entries[0].path().join("copy.txt")).unwrap(), "one");
        unless_gone(fs::remove_dir_all(&left), &left).unwrap();
        unless_gone(fs::remove_dir_all(folder.path().join("in.txt")), &left).unwrap_err();
    }

    #[test]
    fn an_input_that_was_edited_meanwhile_is_no_key() {
        let (folder, exec, mut input) = fixture();
        let script = "cp in.txt out/copy.txt && test -e log.txt || echo two > in.txt; echo ran >> log.txt";
        input.command = Invocation::new("sh", folder.path()).args(["-c", script]);
        run(&exec, &input).unwrap();
        fs::write(folder.path().join("in.txt"), "one").unwrap();
        assert!(matches!(run(&exec, &input).unwrap(), Reuse::Ran(_)));
        assert!(matches!(run(&exec, &input).unwrap(), Reuse::Unchanged));
        assert_eq!(runs(&folder), 2);
    }
}
