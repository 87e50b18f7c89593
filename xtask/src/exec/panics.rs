//! What a fault of our own says: its place and its message, without secrets. A message may quote whatever text was at
//! work.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;
use std::sync::{Arc, RwLock, TryLockError};

use super::Executor;
use super::redact::Redactor;

impl Executor {
    /// From now on every panic of this process is told without the secrets that this executor knows by then.
    pub fn redacting_panics(self) -> Executor {
        let (redactor, ui) = (Arc::clone(&self.redactor), self.ui);
        std::panic::set_hook(Box::new(move |panic: &PanicHookInfo<'_>| {
            ui.error(told(panic, &redactor));
            let backtrace = Backtrace::capture();
            match backtrace.status() {
                BacktraceStatus::Captured => ui.raw(&backtrace.to_string()),
                _ => ui.hint("this is a fault of xtask itself; RUST_BACKTRACE=1 shows the way to it"),
            }
        }));
        self
    }
}

/// `panicked at FILE:LINE:COLUMN` and the message. Never waits: whoever holds the lock may be who has panicked.
pub(super) fn told(panic: &PanicHookInfo<'_>, redactor: &RwLock<Arc<Redactor>>) -> String {
    match redactor.try_read() {
        Ok(known) => known.redact(&panic.to_string()),
        Err(TryLockError::Poisoned(known)) => known.into_inner().redact(&panic.to_string()),
        // The message alone may hold a secret.
        Err(TryLockError::WouldBlock) => match panic.location() {
            Some(place) => format!("panicked at {place}"),
            None => "panicked".to_owned(),
        },
    }
}
