//! Whether requests that are under way when SIGTERM comes are answered in full.
//!
//! Two kinds of them: quick ones one after the other, as long as the server takes any; and answers so large that they
//! are surely not sent in full before the signal, because nobody reads them until then.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::checks::{check, skipped};
use super::encoding::Plain;
use super::served::Place;
use crate::exec::{Executor, Traffic, Whole};
use crate::record::smoke::CheckRecord;

const NAME: &str = "drain";

/// How many send quick requests.
const CLIENTS: usize = 4;
/// How long they do before the signal.
const BEFORE: Duration = Duration::from_millis(300);
/// A request that was sent so long before the signal has surely been accepted.
const SURELY_ACCEPTED: Duration = Duration::from_millis(100);
/// The most that is kept for a client that does not read: Linux' limits for a socket's buffers (`tcp_wmem` 4 MB and
/// `tcp_rmem` 6 MB by default), twice because of the engine's proxy between us and the server. In bytes.
const BUFFERED_MAX: usize = 20 << 20;
/// When sending the signal takes longer, the server may rightly have lost patience before anything was read.
const PROMPT: Duration = Duration::from_secs(1);
/// As many requests as fit into the first read of common servers (8 KiB): what is left unread would have the system
/// take the connection back.
const REQUESTS_MAX: usize = 48;

/// What was seen so far.
#[derive(Default)]
pub struct Seen {
    /// Quick requests that were answered in full.
    answered: usize,
    /// What went wrong with requests that had been accepted.
    problems: Vec<String>,
}

/// What whoever sends the signal has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It is about to be sent: a request from here on may come too late.
    BeforeSignal,
    /// The server has it: what is under way may be read now.
    AfterSignal,
}

/// What came of it.
pub struct Drained {
    pub check: CheckRecord,
    /// Whether all that is wrong is a large answer that was cut off. Once, that may have been the engine: it takes a
    /// container's network away as soon as the server has ended, with what the system had still to send.
    pub is_cut_off: bool,
}

/// What became of a large answer.
struct Large {
    path: String,
    requests: usize,
    whole: Whole,
    /// From the signal to when its sender came back, which is when reading began.
    signal_took: Duration,
}

/// Requests that are under way.
pub struct Load<'a> {
    exec: &'a Executor,
    place: &'a Place,
    page: &'a str,
    /// A large answer that is waited for, and how it is called.
    large: Option<(Traffic, String)>,
    signalled: Mutex<Option<Instant>>,
    is_over: AtomicBool,
    seen: Mutex<Seen>,
}

impl<'a> Load<'a> {
    pub fn new(exec: &'a Executor, place: &'a Place, page: &'a str, files: &[Plain]) -> Load<'a> {
        Load {
            exec,
            place,
            page,
            large: files.iter().max_by_key(|file| file.content.len()).and_then(|file| {
                let enough = BUFFERED_MAX.div_ceil(file.content.len().max(1));
                let requests = (2 * enough).min(REQUESTS_MAX);
                let traffic = (enough <= REQUESTS_MAX)
                    .then(|| exec.begin_traffic(&place.host, place.port, &file.path, requests).ok())??;
                Some((traffic, file.path.clone()))
            }),
            signalled: Mutex::new(None),
            is_over: AtomicBool::new(false),
            seen: Mutex::new(Seen::default()),
        }
    }

    /// Does `stop`, which sends the signal and waits for the end, while requests are made. `limit` is for answers.
    pub fn during<T>(
        mut self,
        limit: Duration,
        stop: impl FnOnce(&dyn Fn(Moment)) -> anyhow::Result<T>,
    ) -> anyhow::Result<(T, Drained)> {
        let large = self.large.take();
        let this = &self;
        let (stopped, large) = std::thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| this.ask(limit));
            }
            let waited = this.exec.sleep(BEFORE);
            let reading = std::sync::mpsc::channel::<()>();
            let (begin, told) = (reading.0, reading.1);
            let reader = large.map(|(traffic, path)| {
                scope.spawn(move || {
                    // Nothing is read before the signal.
                    let _ = told.recv();
                    let signal_took = lock(&this.signalled).map_or(Duration::ZERO, |began| began.elapsed());
                    let requests = traffic.requests();
                    let whole = traffic.finish(this.exec, limit)?;
                    Ok::<_, anyhow::Error>(Large { path, requests, whole, signal_took })
                })
            });
            let stopped = waited.and_then(|()| {
                stop(&|moment| match moment {
                    Moment::BeforeSignal => *lock(&this.signalled) = Some(Instant::now()),
                    Moment::AfterSignal => drop(begin.send(())),
                })
            });
            drop(begin);
            this.is_over.store(true, Ordering::Relaxed);
            (stopped, reader.and_then(|reader| reader.join().ok()))
        });
        let stopped = stopped?;
        let large = large.transpose()?;
        let seen = std::mem::take(&mut *lock(&self.seen));
        Ok((stopped, judge(&seen, large.as_ref())))
    }

    /// One client, until the server is gone.
    fn ask(&self, limit: Duration) {
        while !self.is_over.load(Ordering::Relaxed) {
            let began = Instant::now();
            let sent = self.exec.begin_traffic(&self.place.host, self.place.port, self.page, 1);
            let came = sent.ok().map(|traffic| traffic.finish(self.exec, limit));
            let signalled = *lock(&self.signalled);
            let was_accepted = signalled.is_none_or(|signalled| began + SURELY_ACCEPTED < signalled);
            let mut seen = lock(&self.seen);
            match came {
                Some(Ok(Whole::Answers { count: 1.., .. })) => seen.answered += 1,
                Some(Ok(Whole::Cut { bytes, .. })) if bytes > 0 => {
                    seen.problems.push(format!("an answer to GET {} ends after {bytes} bytes", self.page));
                }
                Some(Ok(Whole::Late)) => {
                    seen.problems.push(format!("GET {} was not answered in time", self.page))
                }
                Some(Err(_)) => return,
                // Not accepted any more: a platform sends nothing there by then.
                _ if !was_accepted => {
                    drop(seen);
                    std::thread::sleep(Duration::from_millis(20));
                }
                _ => seen.problems.push(format!("GET {} was accepted and not answered", self.page)),
            }
        }
    }
}

/// What became of what was under way. Where that cannot be told there is no verdict: requests that were answered before
/// the signal say nothing about the end.
fn judge(seen: &Seen, large: Option<&Large>) -> Drained {
    let is_known = |check: CheckRecord| Drained { check, is_cut_off: false };
    let mut problems: Vec<String> = seen.problems.first().cloned().into_iter().collect();
    if seen.problems.len() > 1 {
        problems.push(format!("{} more of these", seen.problems.len() - 1));
    }
    // What is said of the large answer, and why it says nothing where it does not.
    let (said, untold) = match large.map(|large| (large, &large.whole)) {
        None => ("no file is large enough to be under way for sure".to_owned(), None),
        Some((Large { path, requests, .. }, Whole::Answers { count: count @ 1.., bytes })) => {
            let whole = format!("whole ({count} of {requests} requests, {bytes} bytes)");
            (format!("under way at SIGTERM: GET {path}, {whole}"), None)
        }
        // Not one answer either: what was sent before the signal has been accepted.
        Some((large, Whole::Cut { bytes, .. } | Whole::Answers { bytes, .. })) => {
            let (said, why) = (format!("GET {} was under way", large.path), unclear(large, *bytes));
            problems.extend(why.is_none().then(|| format!("{said} and cut off after {bytes} bytes")));
            (said, why)
        }
        Some((Large { path, .. }, Whole::Reset)) => {
            (format!("GET {path} was under way"), Some("the connection was taken back".to_owned()))
        }
        Some((Large { path, .. }, Whole::Late)) => {
            (format!("GET {path} was under way"), Some("it did not end in time".to_owned()))
        }
    };
    if !problems.is_empty() {
        let wanted = "wanted every request that was accepted answered in full before the end";
        let check = check(NAME, Err(format!("{}; {wanted}", problems.join(", "))));
        return Drained { check, is_cut_off: seen.problems.is_empty() };
    }
    let answered = format!("{} requests answered in full", seen.answered);
    is_known(match untold {
        Some(why) => {
            skipped(NAME, format!("{answered}; {said}, and what became of it cannot be told: {why}"))
        }
        None => check(NAME, Ok(format!("{answered}; {said}"))),
    })
}

/// Why an answer that ends in its middle need not be the server's fault.
fn unclear(large: &Large, bytes: usize) -> Option<String> {
    if large.signal_took > PROMPT {
        let seconds = large.signal_took.as_secs_f64();
        return Some(format!(
            "sending the signal took {seconds:.1} s, on a machine that is busy with something else"
        ));
    }
    // More than was kept at the signal: the server went on. Its last words may have gone with the container's network,
    // which the engine takes away as soon as the server has ended.
    (bytes > BUFFERED_MAX).then(|| format!("it ends after {bytes} bytes, which is long after the signal"))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said() {
        let good = Seen { answered: 7, problems: Vec::new() };
        let bad = Seen { answered: 7, problems: vec!["one".to_owned(), "two".to_owned()] };
        let large = |whole: Whole, signal_took: u64| {
            let signal_took = Duration::from_secs(signal_took);
            Some(Large { path: "/a.wasm".to_owned(), requests: 20, whole, signal_took })
        };
        let cut = |bytes: usize| Whole::Cut { count: 1, bytes };
        let said = [
            judge(&good, None),
            judge(&good, large(Whole::Answers { count: 3, bytes: 9 }, 0).as_ref()),
            judge(&good, large(Whole::Answers { count: 0, bytes: 0 }, 0).as_ref()),
            judge(&good, large(Whole::Reset, 0).as_ref()),
            judge(&good, large(cut(BUFFERED_MAX), 0).as_ref()),
            judge(&good, large(cut(BUFFERED_MAX + 1), 0).as_ref()),
            judge(&good, large(cut(9), 2).as_ref()),
            judge(&bad, None),
        ]
        .map(|said| {
            let again = if said.is_cut_off { " (again)" } else { "" };
            format!("{:?}{again}: {}", said.check.verdict, said.check.detail)
        });
        expect_test::expect![[r#"
            Ok: 7 requests answered in full; no file is large enough to be under way for sure
            Ok: 7 requests answered in full; under way at SIGTERM: GET /a.wasm, whole (3 of 20 requests, 9 bytes)
            Failed (again): GET /a.wasm was under way and cut off after 0 bytes; wanted every request that was accepted answered in full before the end
            Skipped: 7 requests answered in full; GET /a.wasm was under way, and what became of it cannot be told: the connection was taken back
            Failed (again): GET /a.wasm was under way and cut off after 20971520 bytes; wanted every request that was accepted answered in full before the end
            Skipped: 7 requests answered in full; GET /a.wasm was under way, and what became of it cannot be told: it ends after 20971521 bytes, which is long after the signal
            Skipped: 7 requests answered in full; GET /a.wasm was under way, and what became of it cannot be told: sending the signal took 2.0 s, on a machine that is busy with something else
            Failed: one, 1 more of these; wanted every request that was accepted answered in full before the end"#]].assert_eq(&said.join("\n"));
    }
}
