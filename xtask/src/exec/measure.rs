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
/// What is over sooner was looked at less than five times, once of them before it had begun: its peak is not known.
const SEEN_MIN: Duration = Duration::from_secs(1);

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
    /// Of the command, every process that it waited for, and the processes that were named as working for it.
    pub cpu: Option<Duration>,
    /// The most memory that its processes held together with those that work for it, beyond what was held when it
    /// began, by looking five times a second. Pages that two of them share count twice. `None` for a command that was
    /// over before it was looked at often enough.
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
    /// What our descendants held before: a compile cache's server, or a build that waits beside the command.
    held_before: Option<u64>,
    over: Arc<AtomicBool>,
    thread: JoinHandle<Option<u64>>,
}

/// CPU seconds so far.
struct Clocks {
    machine: f64,
    own: f64,
    friends: f64,
}

/// What a [`Meter`] has seen.
pub(super) struct Seen {
    /// CPU time of the command and of those that worked for it.
    pub(super) cpu: Option<Duration>,
    pub(super) peak_memory_bytes: Option<u64>,
    pub(super) foreign_cores: Option<f64>,
}

impl Meter {
    /// `friends` are processes that work for the command without being its children, e.g. a compile cache's server.
    pub(super) fn start(friends: &[u32]) -> Meter {
        let held_before = held(friends);
        let over = Arc::new(AtomicBool::new(false));
        let (flag, of_friends) = (Arc::clone(&over), friends.to_vec());
        let thread = std::thread::spawn(move || peak(&flag, &of_friends));
        let before = Clocks::read(friends);
        Meter { started: Instant::now(), before, friends: friends.to_vec(), held_before, over, thread }
    }

    /// `cpu` is what the command itself used.
    pub(super) fn stop(self, cpu: Option<Duration>) -> Seen {
        let elapsed = self.started.elapsed();
        let after = Clocks::read(&self.friends);
        self.over.store(true, Ordering::Release);
        self.thread.thread().unpark();
        let peak = self.thread.join().ok().flatten().filter(|_| elapsed >= SEEN_MIN);
        let grown = |peak: u64| Some(peak.saturating_sub(self.held_before?)).filter(|grown| *grown > 0);
        let mut seen = Seen { cpu, peak_memory_bytes: peak.and_then(grown), foreign_cores: None };
        let (Some(before), Some(after), Some(own)) = (self.before, after, cpu) else { return seen };
        // Less than before: a friend has ended, and what it did is not known any more.
        let of_friends = after.friends - before.friends;
        if of_friends < 0.0 {
            return Seen { cpu: None, ..seen };
        }
        let cpu = own.as_secs_f64() + of_friends;
        let foreign = (after.machine - before.machine) - (after.own - before.own) - cpu;
        seen.cpu = Some(Duration::from_secs_f64(cpu));
        // The clocks tick a hundred times a second, and not at the same moment.
        let seconds = elapsed.as_secs_f64();
        seen.foreign_cores = (seconds > 0.0).then(|| (foreign / seconds).max(0.0));
        seen
    }
}

impl Clocks {
    fn read(friends: &[u32]) -> Option<Clocks> {
        let machine = machine_ticks(&fs::read_to_string("/proc/stat").ok()?)?;
        let own = process_ticks(&fs::read_to_string("/proc/self/stat").ok()?)?;
        // One that has ended is seen by a sum that went back.
        let of_friend = |pid: &u32| family_ticks(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?);
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
    ticks(stat, 11..13)
}

/// The same with all children that it has waited for: a compile cache's server runs the compilers.
fn family_ticks(stat: &str) -> Option<f64> {
    ticks(stat, 11..15)
}

fn ticks(stat: &str, fields: std::ops::Range<usize>) -> Option<f64> {
    let all: Vec<&str> = stat.rsplit_once(") ")?.1.split_whitespace().collect();
    all.get(fields)?.iter().map(|field| field.parse::<f64>().ok()).sum()
}

fn peak(over: &AtomicBool, friends: &[u32]) -> Option<u64> {
    let mut peak = None;
    while !over.load(Ordering::Acquire) {
        peak = peak.max(held(friends));
        std::thread::park_timeout(LOOK);
    }
    peak
}

/// Memory of all our descendants and of the friends and theirs, in bytes.
fn held(friends: &[u32]) -> Option<u64> {
    let mut processes: HashMap<u32, (u32, u64)> = HashMap::new();
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((_, fields)) = stat.rsplit_once(") ") else { continue };
        let fields: Vec<&str> = fields.split_whitespace().collect();
        if let (Some(Ok(parent)), Some(Ok(pages))) =
            (fields.get(1).map(|text| text.parse()), fields.get(21).map(|text| text.parse()))
        {
            processes.insert(pid, (parent, pages));
        }
    }
    let pages = pages_below(&processes, std::process::id(), friends);
    (!processes.is_empty()).then(|| pages * rustix::param::page_size() as u64)
}

/// The pages of all processes below `own` and of `friends` and those below them, by process: its parent and its pages.
fn pages_below(processes: &HashMap<u32, (u32, u64)>, own: u32, friends: &[u32]) -> u64 {
    let is_ours = |pid: u32| {
        let mut pid = pid;
        // A chain of parents is short, and ends even where two looks do not fit together.
        for _ in 0..64 {
            match processes.get(&pid) {
                _ if friends.contains(&pid) => return true,
                Some((parent, _)) if *parent == own => return true,
                Some((parent, _)) => pid = *parent,
                None => return false,
            }
        }
        false
    };
    processes.iter().filter(|(pid, _)| is_ours(**pid)).map(|(_, (_, pages))| pages).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::{Executor, Mode};
    use crate::plan::Invocation;
    use crate::ui::Ui;

    #[test]
    fn the_kernels_tables() {
        assert_eq!(machine_ticks("cpu  10 1 5 1000 7 2 3 4 0 0\ncpu0 1\n"), Some(25.0));
        assert_eq!(machine_ticks("odd"), None);
        let stat = "12 (a) b) S 1 12 12 0 -1 4194304 1 2 3 4 30 12 9 9 20 0 1 0 100 5000 77 1";
        assert_eq!(process_ticks(stat), Some(42.0));
        // What its children used counts for a server that runs compilers.
        assert_eq!(family_ticks(stat), Some(60.0));
        assert_eq!(process_ticks("12"), None);
    }

    #[test]
    fn whose_memory_it_is() {
        // Ours is 10; 11 and 12 are below it, 20 is a server of ours with a compiler 21, 30 a friend of somebody's.
        let processes = HashMap::from([
            (11, (10, 1)),
            (12, (11, 2)),
            (20, (10, 4)),
            (21, (20, 8)),
            (30, (1, 16)),
            (31, (30, 32)),
            (40, (1, 64)),
        ]);
        assert_eq!(pages_below(&processes, 10, &[]), 15);
        assert_eq!(pages_below(&processes, 10, &[20, 30]), 63);
    }

    /// A command, with a process of ours that runs beside it.
    #[cfg(target_os = "linux")]
    fn measured(beside: &str, command: &str, is_friend: bool) -> Measured {
        let exec = Executor::new(Ui::detect(true), Mode::Run).unwrap();
        let shell = |script: &str| Invocation::new("sh", std::env::temp_dir()).args(["-c", script]);
        let other = exec.start(&shell(beside)).unwrap();
        std::thread::sleep(Duration::from_millis(800));
        let friends = if is_friend { vec![other.id()] } else { Vec::new() };
        let measured = exec.measure(&shell(command), &friends).unwrap();
        other.stop().unwrap();
        assert!(measured.success, "{}", measured.stderr);
        measured
    }

    /// Ten seconds at most, should nobody stop it.
    #[cfg(target_os = "linux")]
    const BUSY: &str = "for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do timeout 0.2 sh -c 'while :; do \
                        :; done'; done; true";

    #[cfg(target_os = "linux")]
    #[test]
    fn what_runs_for_the_command_is_its_own_and_not_foreign() {
        // The children of the friend do the work, as a compile cache's server has it done.
        let with = measured(BUSY, "sleep 2", true);
        let cpu = with.cpu.unwrap().as_secs_f64();
        assert!(cpu > 0.5, "{cpu}");
        let without = measured(BUSY, "sleep 2", false);
        assert!(without.cpu.unwrap().as_secs_f64() < 0.3, "{without:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_was_held_before_is_not_the_commands() {
        // Some 40 MB in a shell that waits, as the build does whose link is measured alone.
        let large = "x=$(head -c 40000000 /dev/zero | tr '\\0' x); sleep 10; echo ${#x}";
        let peak = measured(large, "sleep 1.5", false).peak_memory_bytes.unwrap_or(0);
        assert!(peak < 20_000_000, "{peak}");
        // And where it is the command that holds it, it is seen.
        let own = measured(
            "sleep 10",
            "x=$(head -c 40000000 /dev/zero | tr '\\0' x); sleep 1.5; echo ${#x}",
            false,
        );
        assert!(own.peak_memory_bytes.unwrap() > 35_000_000, "{own:?}");
        // What is over in a moment was hardly seen.
        assert_eq!(measured("sleep 10", "true", false).peak_memory_bytes, None);
    }
}
