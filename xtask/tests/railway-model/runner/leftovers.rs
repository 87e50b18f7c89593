//! Whose a container or folder is, and whether its model still lives: what a killed model left is found by this.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// Process ids mean something only within one namespace; two containers may share an engine or a folder.
pub fn namespace() -> String {
    let link = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    link.to_string_lossy().chars().filter(char::is_ascii_digit).collect::<String>()
}

/// The folder of this model's unpacked images.
pub fn own_folder() -> PathBuf {
    std::env::temp_dir().join(format!("{}{}", folder_prefix(), std::process::id()))
}

fn folder_prefix() -> String {
    format!("railway-model-{}-", namespace())
}

/// Whether a process of this id exists in this namespace.
pub fn is_alive(id: i32) -> bool {
    // Another user's process exists too, though it may not be asked.
    Pid::from_raw(id).is_some_and(|id| test_kill_process(id) != Err(rustix::io::Errno::SRCH))
}

/// Ends what runs from folders of dead models, and removes these folders.
pub fn remove_dead_folders() {
    let prefix = folder_prefix();
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(id) = name.strip_prefix(&prefix).and_then(|id| id.parse().ok()) else { continue };
        if !is_alive(id) {
            kill_below(&entry.path());
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Kills every process whose program or working directory is in the folder.
fn kill_below(folder: &Path) {
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|id| id.parse().ok()) else { continue };
        let below =
            |link: &str| fs::read_link(entry.path().join(link)).is_ok_and(|to| to.starts_with(folder));
        if (below("exe") || below("cwd"))
            && let Some(id) = Pid::from_raw(id)
        {
            let _ = kill_process(id, Signal::KILL);
        }
    }
}
