//! Digests: the content keys of caches, and the short names that browsers see.

use std::path::Path;
use std::time::UNIX_EPOCH;

use anyhow::Context;
use base64ct::Encoding;
use serde::{Deserialize, Serialize};
use sha2::Digest;

/// SHA-256 in hexadecimal over several parts; each part's length goes in too, so that parts cannot run together.
pub fn sha256(parts: &[&[u8]]) -> String {
    let mut hasher = sha2::Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The digest in a hashed site file's name: MD5 in unpadded URL-safe Base64, 22 characters, as cargo-leptos has it.
pub fn site_name(content: &[u8]) -> String {
    base64ct::Base64UrlUnpadded::encode_string(&md5::Md5::digest(content))
}

/// What can be seen of a file without reading it. Two equal stamps mean "not touched since".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Bytes.
    pub size: u64,
    /// Time of the last change, in nanoseconds since 1970.
    pub modified: u128,
}

impl Stamp {
    /// The stamp of a file; an error names the file.
    pub fn of(path: &Path) -> anyhow::Result<Stamp> {
        let metadata = path.metadata().with_context(|| format!("read `{}`", path.display()))?;
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Ok(Stamp { size: metadata.len(), modified: modified.map_or(0, |since| since.as_nanos()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn site_names_are_those_of_cargo_leptos() {
        // MD5 of nothing is d41d8cd98f00b204e9800998ecf8427e.
        assert_eq!(site_name(b""), "1B2M2Y8AsgTpgAmY7PhCfg");
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(sha256(&[b"ab", b"c"]), sha256(&[b"a", b"bc"]));
    }
}
