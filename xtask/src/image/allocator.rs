//! Which allocator a static program has. musl's own takes one lock for all threads: a server with eight of them gives a
//! fifth to a thirteenth of the answers that it gives with mimalloc (docs/measurements/allocator.md), and others saw
//! worse (EmbarkStudios/texture-synthesis#8: 49.8 s and 8.2 s; bram209/leptosfmt#191: 15 s and 0.19 s).

use std::path::Path;

use crate::exec::find_bytes;
use crate::exit::{Exit, Failure};

/// Texts that each allocator has in its error messages, which stay in a program without symbols.
const KNOWN: [(&str, &[u8]); 6] = [
    ("mimalloc", b"mimalloc: "),
    ("jemalloc", b"<jemalloc>: "),
    ("snmalloc", b"snmalloc"),
    ("tcmalloc", b"tcmalloc"),
    ("Scudo", b"Scudo ERROR"),
    ("rpmalloc", b"rpmalloc"),
];

/// The allocator in a program that holds up under threads; `None` where there is none that is known.
pub fn find(program: &[u8]) -> Option<&'static str> {
    KNOWN.iter().find(|(_, text)| find_bytes(program, text).is_some()).map(|(name, _)| *name)
}

/// Refuses a static program with musl's own allocator.
pub fn check(program: &Path, content: &[u8]) -> anyhow::Result<&'static str> {
    find(content).ok_or_else(|| {
        let message = format!(
            "{} has musl's own allocator, which has one lock for all threads: a server with it is many times slower \
             under load",
            program.display()
        );
        Failure::new(Exit::CheckFailed, message)
            .hint(
                "give the server's package `[target.'cfg(target_env = \"musl\")'.dependencies]` with `mimalloc = \
                 { version = \"0.1\", default-features = false }`, and its main file `#[cfg(target_env = \"musl\")] \
                 #[global_allocator] static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;`; `--any-allocator` \
                 packs it as it is",
            )
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allocators_are_known_by_their_messages() {
        assert_eq!(find(b"..mi malloc mimalloc: warning: %s"), Some("mimalloc"));
        assert_eq!(find(b"<jemalloc>: Error in dlsym"), Some("jemalloc"));
        assert_eq!(find(b"mimallo"), None);
        let error = check(Path::new("server"), b"\x7fELF").unwrap_err();
        assert!(error.to_string().starts_with("server has musl's own allocator"));
    }
}
