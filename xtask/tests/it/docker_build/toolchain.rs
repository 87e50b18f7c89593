//! Which compiler the stages of `Dockerfile.production` have: the one that the repository's own file names, if it has one.

use std::fs;

use super::small::Small;
use crate::engine::docker;
use crate::registry::Registry;
use crate::running::repository;

/// Makes another toolchain the default, whose compiler fails.
const BREAKS_DEFAULT: &str = "cd \"$RUSTUP_HOME/toolchains\" && mkdir -p nobody-asked/bin \
    && printf '#!/bin/sh\\necho nobody asked for a compiler >&2\\nexit 1\\n' >nobody-asked/bin/rustc \
    && chmod 755 nobody-asked/bin/rustc && cp nobody-asked/bin/rustc nobody-asked/bin/cargo \
    && rustup default nobody-asked";

/// An image whose compiler nobody gets who does not ask for it; it goes with the value.
pub struct Asked {
    pub image: String,
    /// What has to be asked for.
    pub channel: String,
}

impl Asked {
    /// Made from an image with rustup; `None` for one without.
    pub fn of(rust: &str) -> Option<Asked> {
        let active = docker(&["run", "--rm", rust, "rustup", "show", "active-toolchain"]).unwrap();
        let name = active.stdout.split_whitespace().next().filter(|_| active.code == Some(0))?;
        let channel = ["-x86_64", "-aarch64"].iter().find_map(|host| Some(name.split_once(host)?.0))?;
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("Dockerfile"), format!("FROM {rust}\nRUN {BREAKS_DEFAULT}\n")).unwrap();
        let image = format!("xtask-tests/asked-rust:{}", std::process::id());
        let asked = Asked { image, channel: channel.to_owned() };
        let folder = folder.path().display().to_string();
        let made = docker(&["buildx", "build", "--load", "--tag", &asked.image, &folder]).unwrap();
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        let default = docker(&["run", "--rm", &asked.image, "cargo", "--version"]).unwrap();
        assert_ne!(default.code, Some(0), "{}", default.stdout);
        Some(asked)
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let _ = docker(&["image", "rm", "--force", &self.image]);
    }
}

/// The line that copies the file, where there is none and where it has the one or the other name.
#[test]
fn a_repository_needs_no_toolchain_file() {
    let Ok(dockerfile) = fs::read_to_string(repository().join("Dockerfile.production")) else { return };
    let Some(small) = Small::new(Registry::start()) else { return };
    let line = dockerfile.lines().find(|line| line.starts_with("COPY rust-toolchain")).unwrap();
    small.workspace.write(".dockerignore", "*\n!image\n!rust-toolchain*\n");
    let stage = format!("FROM scratch AS toolchain\nWORKDIR /app\n{line}");
    small.recipe(&format!("{stage}\nFROM scratch\nCOPY --from=toolchain /app/ /app/\nCOPY image/ /"));
    let mut digests = vec![small.built(&["--push"])["digest"].clone()];
    for name in ["rust-toolchain.toml", "rust-toolchain"] {
        small.workspace.write(name, "[toolchain]\nchannel = \"1.95.0\"\n");
        let digest = small.built(&["--push"])["digest"].clone();
        assert!(digest.is_string() && !digests.contains(&digest), "{name}: {digests:?}");
        digests.push(digest);
    }
}
