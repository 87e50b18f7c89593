//! What a command costs beside its time: CPU seconds, memory of all its processes together, and what else the machine
//! did.
//!
//! Read from `/proc` while the command runs; where there is none, nothing is measured, and nothing is zero. Does not
//! know what the figures are compared with.

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the processes are looked at: a look at a few hundred of them takes about 5 ms of one core.
const LOOK: Duration = Duration::from_millis(200);

/// A command that was measured.
#[derive(Debug)]
pub struct Measured {
    /// Whether it ended with exit code 0.
    pub success: bool,
    /// As it is: secrets in it are not redacted.
    pub stdout: String,
    /// The end of standard error, at most 128 KiB.
    pub stderr: String,
    /// From its start to its end.
    pub elapsed: Duration,
    /// Of the command and every process that it waited for.
    pub cpu: Option<Duration>,
    /// The most memory that its processes held together, by looking five times a second. Pages that two of them share
    /// count twice.
    pub peak_memory_bytes: Option<u64>,
    /// Cores that were kept busy by others, on average: all of the machine's CPU time, but for the command's, ours,
    /// and that of the processes that were named as belonging to it.
    pub foreign_cores: Option<f64>,
}

/// Watches our descendants from its start to its end.
pub(super) struct Meter {
    started: Instant,
    before: Option<Clocks>,
    friends: Vec<u32>,
    over: Arc<AtomicBool>,
    thread: JoinHandle<Option<u64>>,
}

/// CPU seconds so far.
struct Clocks {
    machine: f64,
    own: f64,
    friends: f64,
}

impl Meter {
    /// `friends` are processes that work for the command without being its children, e.g. a compile cache's server.
    pub(super) fn start(friends: &[u32]) -> Meter {
        let over = Arc::new(AtomicBool::new(false));
        let (flag, without) = (Arc::clone(&over), friends.to_vec());
        let thread = std::thread::spawn(move || peak(&flag, &without));
        let before = Clocks::read(friends);
        Meter { started: Instant::now(), before, friends: friends.to_vec(), over, thread }
    }

    /// Peak memory in bytes, and the cores that others kept busy; `cpu` is what the command used.
    pub(super) fn stop(self, cpu: Option<Duration>) -> (Option<u64>, Option<f64>) {
        let seconds = self.started.elapsed().as_secs_f64();
        let after = Clocks::read(&self.friends);
        self.over.store(true, Ordering::Release);
        self.thread.thread().unpark();
        let peak = self.thread.join().ok().flatten();
        let foreign = || {
            let (before, after) = (self.before?, after?);
            let machine = after.machine - before.machine;
            let known = (after.own - before.own) + (after.friends - before.friends) + cpu?.as_secs_f64();
            // The clocks tick a hundred times a second, and not at the same moment.
            (seconds > 0.0).then(|| ((machine - known) / seconds).max(0.0))
        };
        (peak, foreign())
    }
}

impl Clocks {
    fn read(friends: &[u32]) -> Option<Clocks> {
        let machine = machine_ticks(&fs::read_to_string("/proc/stat").ok()?)?;
        let own = process_ticks(&fs::read_to_string("/proc/self/stat").ok()?)?;
        // One that has ended has used nothing since.
        let of_friend = |pid: &u32| process_ticks(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?);
        let friends: f64 = friends.iter().filter_map(of_friend).sum();
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        Some(Clocks { machine: machine / ticks, own: own / ticks, friends: friends / ticks })
    }
}

/// The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal. What other guests of the same
/// machine took (steal) was taken from us as well.
fn machine_ticks(stat: &str) -> Option<f64> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let fields: Vec<f64> = line.split_whitespace().map_while(|field| field.parse().ok()).collect();
    let busy = [0, 1, 2, 5, 6, 7];
    Some(busy.iter().filter_map(|&index| fields.get(index)).sum())
}

/// User and system time of a process itself, from its `stat`.
fn process_ticks(stat: &str) -> Option<f64> {
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split_whitespace().collect();
    Some(fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?)
}

fn peak(over: &AtomicBool, without: &[u32]) -> Option<u64> {
    let mut peak = None;
    while !over.load(Ordering::Acquire) {
        peak = peak.max(held(without));
        std::thread::park_timeout(LOOK);
    }
    peak
}

/// Memory of all our descendants, in bytes.
fn held(without: &[u32]) -> Option<u64> {
    let mut parents: HashMap<u32, u32> = HashMap::new();
    let mut pages: HashMap<u32, u64> = HashMap::new();
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((_, fields)) = stat.rsplit_once(") ") else { continue };
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let (Some(Ok(parent)), Some(Ok(resident))) =
            (fields.get(1).map(|text| text.parse()), fields.get(21).map(|text| text.parse()))
        else {
            continue;
        };
        parents.insert(pid, parent);
        pages.insert(pid, resident);
    }
    let own = std::process::id();
    let is_ours = |pid: u32| {
        let mut pid = pid;
        // A chain of parents is short, and ends even where two looks do not fit together.
        for _ in 0..64 {
            match parents.get(&pid) {
                _ if without.contains(&pid) => return false,
                Some(&parent) if parent == own => return true,
                Some(&parent) => pid = parent,
                None => return false,
            }
        }
        false
    };
    let total: u64 = pages.iter().filter(|(pid, _)| is_ours(**pid)).map(|(_, pages)| pages).sum();
    (total > 0).then(|| total * rustix::param::page_size() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables() {
        assert_eq!(machine_ticks("cpu  10 1 5 1000 7 2 3 4 0 0\ncpu0 1\n"), Some(25.0));
        assert_eq!(machine_ticks("odd"), None);
        let stat = "12 (a) b) S 1 12 12 0 -1 4194304 1 2 3 4 30 12 9 9 20 0 1 0 100 5000 77 1";
        assert_eq!(process_ticks(stat), Some(42.0));
        assert_eq!(process_ticks("12"), None);
    }
}
