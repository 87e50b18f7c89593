//! What a child writes: threads that read its pipes, and where each piece goes.
//!
//! Owns limits on memory and the patience with pipes that somebody else holds open. Does not know when a child has
//! ended, nor what its output means.

use std::io::{ErrorKind, PipeReader, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::redact::Redactor;
use crate::ui::Ui;

/// The most that is kept of output which is data. In bytes.
pub(super) const DATA_SIZE_MAX: usize = 64 * 1024 * 1024;
/// The most that is kept of output which only an error message shows: its end. In bytes.
pub(super) const TAIL_SIZE_MAX: usize = 128 * 1024;
/// A line without an end is passed on in pieces of this size. In bytes.
const LINE_SIZE_MAX: usize = 64 * 1024 * 1024;
/// The same for the screen.
const ECHO_SIZE_MAX: usize = 1024 * 1024;

/// How long output may keep coming from a daemon whose starter has ended.
const FINISH_MAX: Duration = Duration::from_secs(60);

/// Bytes that a reader keeps for later.
#[derive(Clone)]
pub(super) struct Kept(Arc<Mutex<Bytes>>);

struct Bytes {
    bytes: Vec<u8>,
    limit: usize,
    /// Whether the end is kept rather than the start, when there is too much.
    is_tail: bool,
    is_cut: bool,
}

impl Kept {
    /// Keeps the first [`DATA_SIZE_MAX`] bytes.
    pub(super) fn data() -> Kept {
        Kept::new(DATA_SIZE_MAX, false)
    }

    /// Keeps the last [`TAIL_SIZE_MAX`] bytes.
    pub(super) fn tail() -> Kept {
        Kept::new(TAIL_SIZE_MAX, true)
    }

    fn new(limit: usize, is_tail: bool) -> Kept {
        Kept(Arc::new(Mutex::new(Bytes { bytes: Vec::new(), limit, is_tail, is_cut: false })))
    }

    /// The text so far. Whatever is not UTF-8 becomes U+FFFD.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner).bytes).into_owned()
    }

    /// Whether there was more than could be kept.
    pub(super) fn is_cut(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_cut
    }

    fn push(&self, chunk: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = &mut *kept;
        if kept.is_tail {
            kept.bytes.extend_from_slice(chunk);
            let surplus = kept.bytes.len().saturating_sub(kept.limit);
            kept.bytes.drain(..surplus);
            kept.is_cut |= surplus > 0;
        } else {
            let room = kept.limit - kept.bytes.len();
            kept.bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
            kept.is_cut |= chunk.len() > room;
        }
    }
}

/// Where a pipe's bytes go.
pub(super) enum Sink {
    Keep(Kept),
    Echo(Ui, Echo),
    Lines(SyncSender<String>, Vec<u8>),
}

impl Sink {
    pub(super) fn lines(sender: SyncSender<String>) -> Sink {
        Sink::Lines(sender, Vec::new())
    }

    fn take(&mut self, chunk: &[u8]) {
        match self {
            Sink::Keep(kept) => kept.push(chunk),
            Sink::Echo(ui, echo) => ui.raw(&echo.take(chunk)),
            Sink::Lines(sender, pending) => {
                let mut rest = chunk;
                while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                    pending.extend_from_slice(&rest[..end]);
                    send_line(sender, pending);
                    rest = &rest[end + 1..];
                }
                pending.extend_from_slice(rest);
                if pending.len() >= LINE_SIZE_MAX {
                    send_line(sender, pending);
                }
            }
        }
    }

    fn end(&mut self) {
        match self {
            Sink::Keep(_) => {}
            Sink::Echo(ui, echo) => ui.raw(&echo.end()),
            Sink::Lines(sender, pending) if !pending.is_empty() => send_line(sender, pending),
            Sink::Lines(..) => {}
        }
    }
}

fn send_line(sender: &SyncSender<String>, line: &mut Vec<u8>) {
    // Nobody listens any more once the command has been given up.
    let _ = sender.send(String::from_utf8_lossy(line).into_owned());
    line.clear();
}

/// Text on its way to the screen, held back until a whole line is there so that no secret is cut in two.
pub(super) struct Echo {
    redactor: Arc<Redactor>,
    pending: Vec<u8>,
}

impl Echo {
    pub(super) fn new(redactor: Arc<Redactor>) -> Echo {
        Echo { redactor, pending: Vec::new() }
    }

    /// What can be shown now.
    fn take(&mut self, chunk: &[u8]) -> String {
        self.pending.extend_from_slice(chunk);
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        if let Some(end) = self.pending.iter().rposition(is_end) {
            let rest = self.pending.split_off(end + 1);
            return self.redacted(rest);
        }
        if self.pending.len() < ECHO_SIZE_MAX {
            return String::new();
        }
        // The start of a secret may stand at the end; what is redacted already stays so.
        let mut text = self.redacted(Vec::new());
        let mut cut = text.len().saturating_sub(self.redactor.longest());
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        self.pending = text.split_off(cut).into_bytes();
        text
    }

    /// The rest, as a whole line: what we say next must not stand on a line of the tool's.
    fn end(&mut self) -> String {
        let mut text = self.redacted(Vec::new());
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text
    }

    fn redacted(&mut self, rest: Vec<u8>) -> String {
        let bytes = std::mem::replace(&mut self.pending, rest);
        self.redactor.redact(&String::from_utf8_lossy(&bytes))
    }
}

/// The threads that read one child's pipes.
pub(super) struct Readers {
    running: Sender<()>,
    ended: Receiver<()>,
    abandoned: Arc<AtomicBool>,
}

impl Readers {
    pub(super) fn new() -> Readers {
        let (running, ended) = channel();
        Readers { running, ended, abandoned: Arc::new(AtomicBool::new(false)) }
    }

    /// Starts to read. What is read goes to the sink, and to `tail` as well.
    pub(super) fn start(&self, pipe: PipeReader, mut sink: Sink, tail: Option<Kept>) -> std::io::Result<()> {
        let (running, abandoned) = (self.running.clone(), Arc::clone(&self.abandoned));
        std::thread::Builder::new().name("output".to_owned()).spawn(move || {
            read(pipe, &mut sink, tail, &abandoned);
            drop(sink);
            drop(running);
        })?;
        Ok(())
    }

    /// Waits until every pipe is closed, but not for ever: a daemon may hold one open. `pause` is given the time, and
    /// says whether output arrived meanwhile; the patience counts from the last time that it did.
    pub(super) fn finish(self, patience: Duration, pause: &mut dyn FnMut(Duration) -> bool) {
        drop(self.running);
        let end = Instant::now() + FINISH_MAX;
        let mut deadline = Instant::now() + patience;
        while Instant::now() < deadline.min(end) {
            if self.ended.try_recv() == Err(TryRecvError::Disconnected) {
                return;
            }
            if pause(Duration::from_millis(1)) {
                deadline = Instant::now() + patience;
            }
        }
        self.abandoned.store(true, Ordering::SeqCst);
    }
}

/// Reads to the end even when nobody wants the output any more: a daemon that writes into a closed pipe may die of it.
fn read(mut pipe: PipeReader, sink: &mut Sink, tail: Option<Kept>, abandoned: &AtomicBool) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let chunk = match pipe.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => &buffer[..length],
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        if abandoned.load(Ordering::SeqCst) {
            continue;
        }
        if let Some(tail) = &tail {
            tail.push(chunk);
        }
        sink.take(chunk);
    }
    if !abandoned.load(Ordering::SeqCst) {
        sink.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_pieces_are_redacted_on_the_screen() {
        let mut redactor = Redactor::default();
        redactor.learn("A_TOKEN", "0123456789");
        let mut echo = Echo::new(Arc::new(redactor));
        assert_eq!(echo.take(b"a 01234"), "");
        assert_eq!(echo.take(b"56789 b\nrest"), "a [redacted] b\n");
        assert_eq!(echo.end(), "rest\n");
        assert_eq!(echo.end(), "");

        let mut shown = echo.take(&[b'x'; ECHO_SIZE_MAX - 5]);
        shown += &echo.take(b"01234");
        shown += &echo.take(b"56789\n");
        assert!(shown.ends_with("xx[redacted]\n") && !shown.contains("01234"));
    }

    #[test]
    fn the_right_end_is_kept() {
        let (first, last) = (Kept::new(3, false), Kept::new(3, true));
        for kept in [&first, &last] {
            kept.push(b"ab");
            assert!(!kept.is_cut());
            kept.push(b"cd");
            assert!(kept.is_cut());
        }
        assert_eq!((first.text().as_str(), last.text().as_str()), ("abc", "bcd"));
    }
}
