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

/// What the script waits for; it says so itself.
const HOLD_MAX: Duration = Duration::from_secs(600);

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

/// An empty folder for the script to note its link in.
pub fn prepare(hold: &Path) -> anyhow::Result<()> {
    let _ = fs::remove_dir_all(hold);
    fs::create_dir_all(hold).with_context(|| format!("create `{}`", hold.display()))
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
        if began.elapsed() > HOLD_MAX {
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
    use super::*;

    #[test]
    fn the_program_goes_elsewhere() {
        let output = Path::new("/s/linked");
        let changed = redirected(["a.o", "-o", "/t/server", "-lc"].into_iter(), output).unwrap();
        assert_eq!(changed, ["a.o", "-o", "/s/linked", "-lc"]);
        assert_eq!(redirected(["a.o", "-o"].into_iter(), output), None);
        assert_eq!(redirected(["a.o"].into_iter(), output), None);
    }
}
