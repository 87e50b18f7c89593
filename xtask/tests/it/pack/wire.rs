//! A connection that breaks in the middle of what is sent over it: the registry gets a part, and the sender a reset.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::relay::relay;

/// A way to a registry, as long as the test's process lives.
pub struct Wire {
    pub address: String,
    is_broken: Arc<AtomicBool>,
}

impl Wire {
    /// The first connection that wants to carry more than this many bytes to the registry breaks; all others are as
    /// they should be.
    pub fn that_breaks_after(bytes: usize, registry: &str) -> Wire {
        let is_broken = Arc::new(AtomicBool::new(false));
        let was_broken = Arc::clone(&is_broken);
        let address = relay(registry, move |sent| sent <= bytes || was_broken.swap(true, Ordering::SeqCst));
        Wire { address, is_broken }
    }

    pub fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::SeqCst)
    }
}
