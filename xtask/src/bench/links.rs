//! Links alone: the server's last link is stopped before it begins, repeated as often as wanted with each linker, and
//! then let go. Nothing is compiled meanwhile, and everything that rustc hands to the linker is where rustc put it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::exec::{Executor, Measured};
use crate::exit::{Exit, Failure};
use crate::plan::Invocation;
use crate::tools::local::linked_by;

/// The longest that a build may take to come to its link: all that it needs is built already.
const COMING_MAX: Duration = Duration::from_secs(600);

/// A link that waits.
pub struct Held {
    hold: PathBuf,
    folder: PathBuf,
    arguments: Vec<String>,
    /// Where the repetitions link to.
    output: PathBuf,
}

/// The variables that let the script stop a link of this crate.
pub fn environment(hold: &Path, crate_name: &str) -> [(String, String); 2] {
    [
        ("XTASK_LINKER_HOLD".to_owned(), hold.display().to_string()),
        ("XTASK_LINKER_HOLD_NAME".to_owned(), crate_name.replace('-', "_")),
    ]
}

/// A folder for the script to note its link in. It says who measures: the script waits as long as we live, however
/// long the links take, and no longer.
pub fn prepare(hold: &Path) -> anyhow::Result<()> {
    let _ = fs::remove_dir_all(hold);
    let measurer = format!("{}\n", std::process::id());
    fs::create_dir_all(hold)
        .and_then(|()| fs::write(hold.join("measurer"), measurer))
        .with_context(|| format!("create `{}`", hold.display()))
}

/// Lets a link that waits go on.
pub fn release(hold: &Path) {
    let _ = fs::remove_dir_all(hold);
}

/// Waits until a build has come to its link. `is_over` says that the build has ended without.
pub fn wait(
    exec: &Executor,
    hold: &Path,
    scratch: &Path,
    is_over: impl Fn() -> bool,
) -> anyhow::Result<Held> {
    let began = Instant::now();
    let noted = hold.join("arguments");
    while !noted.is_file() {
        if is_over() && !noted.is_file() {
            let message = "the build ended before it linked the server";
            return Err(Failure::new(Exit::CommandFailed, message)
                .hint("a linker that cargo's configuration or rustflags name comes before the script")
                .into());
        }
        if began.elapsed() > COMING_MAX {
            return Err(
                Failure::new(Exit::TimedOut, "the build did not come to its link in ten minutes").into()
            );
        }
        exec.sleep(Duration::from_millis(50))?;
    }
    let text = fs::read_to_string(&noted).context("read the linker's arguments")?;
    let folder = fs::read_to_string(hold.join("folder")).context("read the linker's folder")?;
    fs::create_dir_all(scratch).with_context(|| format!("create `{}`", scratch.display()))?;
    let output = scratch.join("linked");
    let arguments = redirected(text.split_terminator('\0'), &output)
        .context("the linker's arguments do not say where the program goes")?;
    Ok(Held { hold: hold.to_owned(), folder: PathBuf::from(folder.trim_end()), arguments, output })
}

impl Held {
    /// Links once more, with this linker.
    pub fn link(&self, exec: &Executor, script: &Path, linker: &str, log: &Path) -> anyhow::Result<Measured> {
        let _ = fs::remove_file(&self.output);
        let command = Invocation::new(script.display().to_string(), &self.folder)
            .args(self.arguments.iter().cloned())
            .env("XTASK_LINKER", linker)
            .env("XTASK_LINKER_LOG", log.display().to_string())
            .timeout(Duration::from_secs(300));
        exec.measure(&command, &[])
    }

    /// Who linked the last one, by its own `.comment` section.
    pub fn linked_by(&self) -> Option<String> {
        fs::read(&self.output).ok().and_then(|bytes| linked_by(&bytes)).map(str::to_owned)
    }

    /// Bytes of the last one.
    pub fn size(&self) -> Option<u64> {
        fs::metadata(&self.output).ok().map(|metadata| metadata.len())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        release(&self.hold);
    }
}

/// The same arguments with another output; `None` where there was none.
fn redirected<'a>(arguments: impl Iterator<Item = &'a str>, output: &Path) -> Option<Vec<String>> {
    let mut changed: Vec<String> = arguments.map(str::to_owned).collect();
    let place = changed.iter().position(|argument| argument == "-o")? + 1;
    *changed.get_mut(place)? = output.display().to_string();
    Some(changed)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::exec::Mode;
    use crate::tools::local::Place;
    use crate::ui::Ui;

    /// A link of `program` through the script, with whatever happens while it is held.
    fn held(exec: &Executor, folder: &Path, meanwhile: impl FnOnce(Held, &dyn Fn() -> bool)) {
        let place = Place::take(exec, &folder.join("place")).unwrap();
        place.write_linker(exec).unwrap();
        let hold = folder.join("held");
        prepare(&hold).unwrap();
        let mut command = Invocation::new(place.linker().display().to_string(), folder)
            .args(["--version", "-o", "program-0a1b"])
            .timeout(Duration::from_secs(60));
        command.env.extend(environment(&hold, "program"));
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _ = exec.measure(&command, &[]);
                is_over.store(true, Ordering::Release);
            });
            let over = || is_over.load(Ordering::Acquire);
            let held = wait(exec, &hold, &folder.join("linked"), over).unwrap();
            meanwhile(held, &over);
            release(&hold);
        });
    }

    fn is_soon(what: impl Fn() -> bool) -> bool {
        (0..500).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            what()
        })
    }

    #[test]
    fn a_link_is_held_until_it_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let exec = Executor::new(Ui::detect(true), Mode::Run).unwrap();
        held(&exec, folder.path(), |held, is_over| {
            assert_eq!(held.arguments[0], "--version");
            std::thread::sleep(Duration::from_millis(500));
            assert!(!is_over());
            drop(held);
            assert!(is_soon(is_over));
        });
    }

    #[test]
    fn a_link_goes_on_when_who_measures_is_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let exec = Executor::new(Ui::detect(true), Mode::Run).unwrap();
        held(&exec, folder.path(), |held, is_over| {
            // The highest number that Linux gives a process is 4194304.
            fs::write(held.hold.join("measurer"), "4999999\n").unwrap();
            assert!(is_soon(is_over));
            assert!(held.hold.is_dir());
        });
    }

    #[test]
    fn the_program_goes_elsewhere() {
        let output = Path::new("/s/linked");
        let changed = redirected(["a.o", "-o", "/t/server", "-lc"].into_iter(), output).unwrap();
        assert_eq!(changed, ["a.o", "-o", "/s/linked", "-lc"]);
        assert_eq!(redirected(["a.o", "-o"].into_iter(), output), None);
        assert_eq!(redirected(["a.o"].into_iter(), output), None);
    }
}
