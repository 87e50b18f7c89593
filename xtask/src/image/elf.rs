//! Whether a program runs on an image's platform: the few bytes at the beginning of an ELF file that say so.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::Context;

use crate::exit::Failure;

/// The size of the header in bytes.
const HEADER_SIZE: u64 = 64;
/// Offsets and values of the ELF header, by the generic ABI: class, byte order, operating system, machine.
const CLASS: (usize, u8) = (4, 2);
const BYTE_ORDER: (usize, u8) = (5, 1);
const OS_ABI: usize = 7;
const OS_ABIS: [u8; 2] = [0, 3];
const MACHINE: usize = 18;

/// The machines that we make images for: number in the header, name in a platform.
const MACHINES: [(u16, &str); 2] = [(62, "amd64"), (183, "arm64")];

/// The platform of images that a program of this target triple runs in, e.g. `linux/amd64`.
pub fn platform_of(triple: &str) -> anyhow::Result<String> {
    let architecture = match triple.split('-').next() {
        Some("x86_64") => Some("amd64"),
        Some("aarch64") => Some("arm64"),
        _ => None,
    };
    match architecture {
        Some(architecture) if triple.contains("-linux-") => Ok(format!("linux/{architecture}")),
        _ => Err(Failure::usage(format!(
            "an image needs a server for Linux on x86-64 or arm64, not for `{triple}`"
        ))
        .hint("pack on such a machine, or set `bin-target-triple` where a linker for one is installed")
        .into()),
    }
}

/// Refuses a program that the platform cannot run.
pub fn check(program: &Path, platform: &str) -> anyhow::Result<()> {
    let mut header = Vec::new();
    File::open(program)
        .and_then(|file| file.take(HEADER_SIZE).read_to_end(&mut header))
        .with_context(|| format!("read {}", program.display()))?;
    let found = describe(&header);
    if found == platform {
        return Ok(());
    }
    let message = format!("{} is {found}, which an image for {platform} cannot run", program.display());
    Err(Failure::usage(message).into())
}

fn describe(program: &[u8]) -> String {
    let byte = |offset: usize| program.get(offset).copied().unwrap_or_default();
    if program.starts_with(b"\xcf\xfa\xed\xfe") || program.starts_with(b"\xca\xfe\xba\xbe") {
        return "a program for macOS".to_owned();
    }
    if program.starts_with(b"MZ") {
        return "a program for Windows".to_owned();
    }
    if !program.starts_with(b"\x7fELF") {
        return "no program for Linux".to_owned();
    }
    let is_64_bit = byte(CLASS.0) == CLASS.1 && byte(BYTE_ORDER.0) == BYTE_ORDER.1;
    let machine = u16::from_le_bytes([byte(MACHINE), byte(MACHINE + 1)]);
    match MACHINES.iter().find(|(number, _)| *number == machine) {
        Some((_, name)) if is_64_bit && OS_ABIS.contains(&byte(OS_ABI)) => format!("linux/{name}"),
        _ => format!("an ELF program for another system (machine {machine})"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn elf(machine: u16) -> Vec<u8> {
        let mut header = vec![0; 64];
        header[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        header[18..20].copy_from_slice(&machine.to_le_bytes());
        header
    }

    #[test]
    fn programs_are_told_apart() {
        assert_eq!(describe(&elf(62)), "linux/amd64");
        assert_eq!(describe(&elf(183)), "linux/arm64");
        let mut freebsd = elf(62);
        freebsd[7] = 9;
        let others = [elf(40), freebsd, b"\xcf\xfa\xed\xfe".to_vec(), b"#!/bin/sh".to_vec(), vec![]];
        expect![[r#"
            an ELF program for another system (machine 40)
            an ELF program for another system (machine 62)
            a program for macOS
            no program for Linux
            no program for Linux"#]]
        .assert_eq(&others.map(|program| describe(&program)).join("\n"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn only_the_images_own_platform() {
        let own = std::env::current_exe().unwrap();
        let platform = format!("linux/{}", if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" });
        check(&own, &platform).unwrap();
        let error = check(&own, "linux/s390x").unwrap_err().to_string();
        assert!(error.ends_with("which an image for linux/s390x cannot run"), "{error}");
    }

    #[test]
    fn triples() {
        assert_eq!(platform_of("x86_64-unknown-linux-gnu").unwrap(), "linux/amd64");
        assert_eq!(platform_of("aarch64-unknown-linux-musl").unwrap(), "linux/arm64");
        for other in ["aarch64-apple-darwin", "x86_64-pc-windows-msvc", "riscv64gc-unknown-linux-gnu"] {
            let message = platform_of(other).unwrap_err().to_string();
            assert!(message.contains(other), "{message}");
        }
    }
}
