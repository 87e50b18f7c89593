//! What the name of a base image tells: how firmly it is pinned, which C library it has, which compiler, which
//! programs, and who runs.
//!
//! A table of well-known images; of any other it says that it does not know.

use crate::image::reference::{self, Parts};

/// An image's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Without tag and digest, in lower case.
    pub name: String,
    pub tag: Option<String>,
    pub has_digest: bool,
}

/// The C library of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Libc {
    /// Version 2.N, and the release that it is known from.
    Glibc(u32, &'static str),
    /// The same without `libgcc_s.so.1`, which programs of Rust need.
    GlibcAlone(u32, &'static str),
    Musl,
    None,
}

/// Releases and the N of their glibc 2.N: Debian and Ubuntu by name, from their package archives; Red Hat's by number.
const RELEASES: [(&str, u32); 16] = [
    ("buster", 28),
    ("bullseye", 31),
    ("bookworm", 36),
    ("trixie", 41),
    ("debian11", 31),
    ("debian12", 36),
    ("debian13", 41),
    ("focal", 31),
    ("jammy", 35),
    ("noble", 39),
    ("oracular", 40),
    ("plucky", 41),
    ("questing", 42),
    ("ubi8", 28),
    ("ubi9", 34),
    ("ubi10", 39),
];

/// The same by number.
const NUMBERED: [(&str, &str, &str); 9] = [
    ("debian", "10", "buster"),
    ("debian", "11", "bullseye"),
    ("debian", "12", "bookworm"),
    ("debian", "13", "trixie"),
    ("ubuntu", "20.04", "focal"),
    ("ubuntu", "22.04", "jammy"),
    ("ubuntu", "24.04", "noble"),
    ("ubuntu", "25.04", "plucky"),
    ("ubuntu", "25.10", "questing"),
];

/// The first minor version of Rust whose official images stand on trixie where their tag names no release: it became
/// the default in 2025-08, while 1.89 was current (rust-lang/docker-rust#246); tags of older versions stay as they are.
const TRIXIE_SINCE: u32 = 90;

impl Image {
    pub fn parse(text: &str) -> Image {
        let Parts { name, tag, digest } = reference::split(text);
        let name = name.to_ascii_lowercase();
        let plain = ["docker.io/library/", "index.docker.io/library/", "docker.io/", "library/"];
        let name = plain.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(&name).to_owned();
        let has_digest = digest.is_some_and(|digest| !digest.is_empty());
        Image { name, tag: tag.map(str::to_owned), has_digest }
    }

    /// Whether the name means another image tomorrow.
    pub fn is_floating(&self) -> bool {
        let moving = ["latest", "nightly", "stable", "beta", "edge", "main", "master", "dev", "canary"];
        let is_moving = |tag: &str| {
            let first = tag.split('-').next().unwrap_or_default();
            let is_dated = tag.chars().filter(char::is_ascii_digit).count() >= 8;
            moving.contains(&first) && !is_dated
        };
        !self.has_digest && self.tag.as_deref().is_none_or(is_moving)
    }

    fn short(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }

    fn is_distroless(&self) -> bool {
        self.name.contains("distroless/")
    }

    /// The C library, where the name tells it.
    pub fn libc(&self) -> Option<Libc> {
        let tag = self.tag.as_deref().unwrap_or_default();
        let short = self.short();
        let parts = || tag.split(['-', '.', '_']).chain(short.split(['-', ':'])).chain(self.name.split('/'));
        if self.name.contains("distroless/static")
            || self.name.ends_with("chainguard/static")
            || short == "scratch"
        {
            return Some(Libc::None);
        }
        if short == "alpine" || parts().any(|part| part.starts_with("alpine")) {
            return Some(Libc::Musl);
        }
        let by_word = RELEASES.iter().find(|(name, _)| parts().any(|part| part == *name));
        let number = tag.trim_end_matches("-slim").split('-').next().unwrap_or_default();
        let major = if short == "debian" { number.split('.').next().unwrap_or_default() } else { number };
        let numbered = NUMBERED.iter().find(|(image, version, _)| *image == short && *version == major);
        let by_number = numbered.and_then(|(.., release)| RELEASES.iter().find(|(name, _)| name == release));
        let (release, version) = by_word.or(by_number).or_else(|| self.usual_release())?;
        let alone = self.is_distroless() && (short == "base" || short.starts_with("base-"));
        Some(if alone { Libc::GlibcAlone(*version, release) } else { Libc::Glibc(*version, release) })
    }

    /// The release of an image for Rust whose tag names none; `None` where nobody can know it.
    fn usual_release(&self) -> Option<&'static (&'static str, u32)> {
        let compiler = self.compiler().filter(|_| !self.name.starts_with("rustlang/"))?;
        let tag = self.tag.as_deref().unwrap_or("latest");
        let is_usual = |part: &str| {
            ["latest", "rust", "slim"].contains(&part) || part.starts_with(|c: char| c.is_ascii_digit())
        };
        if !tag.split('-').all(is_usual) {
            return None;
        }
        let minor = compiler.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
        let is_new = match minor {
            Some(minor) => minor >= TRIXIE_SINCE,
            // The newest of all, as long as nothing holds an older one fast.
            None => !self.has_digest && (self.short() == "rust" || tag.starts_with("latest")),
        };
        RELEASES.iter().find(|(name, _)| is_new && *name == "trixie")
    }

    /// The compiler that an image for Rust comes with, by the name that rustup would give it: a version, perhaps only
    /// its beginning, or a channel.
    pub fn compiler(&self) -> Option<String> {
        let tag = self.tag.as_deref().unwrap_or("latest");
        let version = match self.name.as_str() {
            "rustlang/rust" => return Some(tag.split("-slim").next().unwrap_or(tag).to_owned()),
            "rust" => tag,
            name if name.ends_with("/library/rust") => tag,
            name if name.ends_with("/cargo-chef") => tag.split_once("rust-")?.1,
            _ => return None,
        };
        let first = version.split('-').next().unwrap_or_default();
        let is_number = first.starts_with(|c: char| c.is_ascii_digit());
        Some(if is_number { first } else { "stable" }.to_owned())
    }

    /// Whether a program is in it; `None` where nobody knows.
    pub fn has(&self, program: &str) -> Option<bool> {
        let tag = self.tag.as_deref().unwrap_or_default();
        let is_shell = program == "sh";
        if self.is_distroless() || self.name.ends_with("chainguard/static") || self.name == "scratch" {
            let is_debug = tag.contains("debug");
            return Some(is_debug && (is_shell || program == "wget"));
        }
        let is_small = tag.contains("slim");
        match self.short() {
            _ if self.libc() == Some(Libc::Musl) => match program {
                "sh" | "wget" | "nc" => Some(true),
                "curl" | "bash" => Some(false),
                _ => None,
            },
            "debian" | "ubuntu" => match program {
                "sh" | "bash" => Some(true),
                "curl" | "wget" | "nc" => Some(false),
                _ => None,
            },
            "rust" | "node" | "python" | "golang" | "buildpack-deps" => match program {
                "sh" | "bash" => Some(true),
                "curl" | "wget" => Some(!is_small),
                "nc" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether its containers run as root unless something else is said; `None` where nobody knows.
    pub fn is_root(&self) -> Option<bool> {
        let tag = self.tag.as_deref().unwrap_or_default();
        if tag.contains("nonroot") || self.name.contains("chainguard/") {
            return Some(false);
        }
        let known =
            ["debian", "ubuntu", "alpine", "rust", "node", "python", "golang", "buildpack-deps", "busybox"];
        (self.is_distroless()
            || self.name == "scratch"
            || (known.contains(&self.short()) && !self.name.contains('.')))
        .then_some(true)
    }

    /// Whether it is there to compile Rust.
    pub fn is_toolchain(&self) -> bool {
        self.short() == "rust" || self.short() == "cargo-chef" || self.name.starts_with("rustlang/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_pins() {
        let image = Image::parse("docker.io/library/rust:1.95.0-bookworm@sha256:00");
        assert_eq!(
            (image.name.as_str(), image.tag.as_deref(), image.has_digest),
            ("rust", Some("1.95.0-bookworm"), true)
        );
        for (name, floating) in [
            ("debian", true),
            ("debian:latest", true),
            ("rustlang/rust:nightly-bookworm", true),
            ("rustlang/rust:nightly-2025-08-01", false),
            ("lukemathwalker/cargo-chef:latest-rust-1", true),
            ("localhost:5000/a", true),
            ("localhost:5000/a:1", false),
            ("debian:bookworm-slim", false),
            ("debian@sha256:00", false),
        ] {
            assert_eq!(Image::parse(name).is_floating(), floating, "{name}");
        }
    }

    #[test]
    fn libraries() {
        for (name, libc) in [
            ("rust:1.95-slim-trixie", Some(Libc::Glibc(41, "trixie"))),
            ("debian:12-slim", Some(Libc::Glibc(36, "bookworm"))),
            ("debian:12.5", Some(Libc::Glibc(36, "bookworm"))),
            ("ubuntu:24.04", Some(Libc::Glibc(39, "noble"))),
            ("gcr.io/distroless/cc-debian13:nonroot", Some(Libc::Glibc(41, "debian13"))),
            ("gcr.io/distroless/base-debian12", Some(Libc::GlibcAlone(36, "debian12"))),
            ("gcr.io/distroless/static-debian12", Some(Libc::None)),
            ("rust:1.95-alpine3.22", Some(Libc::Musl)),
            ("alpine:3", Some(Libc::Musl)),
            ("rust:1.95", Some(Libc::Glibc(41, "trixie"))),
            ("rust:1.90.0-slim", Some(Libc::Glibc(41, "trixie"))),
            ("rust", Some(Libc::Glibc(41, "trixie"))),
            ("rust:1", Some(Libc::Glibc(41, "trixie"))),
            ("rust:1@sha256:00", None),
            ("rust:1.89", None),
            ("rust:1.75-slim", None),
            ("rust:1.90-somewhere", None),
            ("rustlang/rust:nightly", None),
            ("lukemathwalker/cargo-chef:latest-rust-1", Some(Libc::Glibc(41, "trixie"))),
            ("lukemathwalker/cargo-chef:0.1.73-rust-1.90.0", Some(Libc::Glibc(41, "trixie"))),
            ("lukemathwalker/cargo-chef:0.1.60-rust-latest", None),
            ("lukemathwalker/cargo-chef:latest-rust-1.90-bookworm", Some(Libc::Glibc(36, "bookworm"))),
            ("ghcr.io/owner/base:1", None),
            ("registry.access.redhat.com/ubi9/ubi-minimal:9.4", Some(Libc::Glibc(34, "ubi9"))),
        ] {
            assert_eq!(Image::parse(name).libc(), libc, "{name}");
        }
    }

    #[test]
    fn compilers() {
        for (name, compiler) in [
            ("docker.io/library/rust:1.95.0-slim-trixie", Some("1.95.0")),
            ("public.ecr.aws/docker/library/rust:1.95", Some("1.95")),
            ("rust", Some("stable")),
            ("rust:slim-bookworm", Some("stable")),
            ("lukemathwalker/cargo-chef:latest-rust-1.90-bookworm", Some("1.90")),
            ("lukemathwalker/cargo-chef:latest-rust-latest", Some("stable")),
            ("lukemathwalker/cargo-chef:latest", None),
            ("rustlang/rust:nightly-slim", Some("nightly")),
            ("rustlang/rust:nightly-2025-08-01", Some("nightly-2025-08-01")),
            ("ghcr.io/owner/rust:1.0", None),
            ("debian:trixie", None),
        ] {
            assert_eq!(Image::parse(name).compiler().as_deref(), compiler, "{name}");
        }
    }

    #[test]
    fn programs_and_users() {
        for (name, program, expected) in [
            ("debian:bookworm-slim", "curl", Some(false)),
            ("debian:bookworm-slim", "sh", Some(true)),
            ("gcr.io/distroless/cc-debian13", "sh", Some(false)),
            ("gcr.io/distroless/cc-debian13:debug", "wget", Some(true)),
            ("alpine:3", "wget", Some(true)),
            ("rust:1.95", "curl", Some(true)),
            ("ghcr.io/owner/base", "curl", None),
        ] {
            assert_eq!(Image::parse(name).has(program), expected, "{name} {program}");
        }
        for (name, root) in [
            ("debian", Some(true)),
            ("gcr.io/distroless/cc-debian13:nonroot", Some(false)),
            ("gcr.io/distroless/cc-debian13", Some(true)),
            ("ghcr.io/owner/debian", None),
            ("cgr.dev/chainguard/glibc-dynamic", Some(false)),
        ] {
            assert_eq!(Image::parse(name).is_root(), root, "{name}");
        }
        assert!(
            Image::parse("rustlang/rust:nightly").is_toolchain() && !Image::parse("debian").is_toolchain()
        );
    }
}
