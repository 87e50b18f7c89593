//! What an ELF file says to the dynamic loader: the libraries it needs, the versions of their symbols, and those that
//! it offers itself. Only 64-bit little-endian files, which all images of ours are for; pure.
//!
//! Read through the program headers, as the loader does, so that files without section headers can be read too.

use std::collections::{BTreeMap, BTreeSet};

/// Numbers of the generic ABI and of the GNU extensions for symbol versions.
const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const DT_NEEDED: u64 = 1;
const DT_STRTAB: u64 = 5;
const DT_VERDEF: u64 = 0x6fff_fffc;
const DT_VERDEFNUM: u64 = 0x6fff_fffd;
const DT_VERNEED: u64 = 0x6fff_fffe;
const DT_VERNEEDNUM: u64 = 0x6fff_ffff;
/// More entries than this are in no file that is meant to be loaded.
const ENTRIES_MAX: usize = 4096;

/// What a program or library asks of the system that it is loaded on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The loader's path, e.g. `/lib64/ld-linux-x86-64.so.2`; `None` for a static program.
    pub loader: Option<String>,
    /// Names of libraries, e.g. `libc.so.6`, with the versions of symbols that are needed of each.
    pub libraries: BTreeMap<String, BTreeSet<String>>,
}

impl Needs {
    /// Whether it runs without anything beside it.
    pub fn is_static(&self) -> bool {
        self.loader.is_none() && self.libraries.is_empty()
    }
}

/// Reads what a file needs. `None` where it is no such file, or is damaged.
pub fn needs(file: &[u8]) -> Option<Needs> {
    let elf = Elf::read(file)?;
    let mut needs = Needs::default();
    if let Some((offset, size)) = elf.segment(PT_INTERP) {
        let path = file.get(offset..offset.checked_add(size)?)?;
        needs.loader = Some(String::from_utf8_lossy(path).trim_end_matches('\0').to_owned());
    }
    let dynamic = elf.dynamic()?;
    for (_, name) in dynamic.iter().filter(|(tag, _)| *tag == DT_NEEDED) {
        needs.libraries.insert(elf.text(&dynamic, *name)?, BTreeSet::new());
    }
    let Some((mut at, count)) = elf.table(&dynamic, DT_VERNEED, DT_VERNEEDNUM) else { return Some(needs) };
    // Elf64_Verneed: version u16, count u16, file u32, aux u32, next u32.
    for _ in 0..count {
        let library = elf.text(&dynamic, u64::from(elf.u32(at + 4)?))?;
        let mut auxiliary = at + elf.u32(at + 8)? as usize;
        let mut versions = BTreeSet::new();
        // Elf64_Vernaux: hash u32, flags u16, other u16, name u32, next u32.
        for _ in 0..elf.u16(at + 2)? {
            versions.insert(elf.text(&dynamic, u64::from(elf.u32(auxiliary + 8)?))?);
            auxiliary += elf.u32(auxiliary + 12)? as usize;
        }
        needs.libraries.entry(library).or_default().extend(versions);
        at += elf.u32(at + 12)? as usize;
    }
    Some(needs)
}

/// The versions of symbols that a library offers, e.g. `GLIBC_2.36`. `None` where it is no such file, or is damaged.
pub fn offers(file: &[u8]) -> Option<BTreeSet<String>> {
    let elf = Elf::read(file)?;
    let dynamic = elf.dynamic()?;
    let mut versions = BTreeSet::new();
    let Some((mut at, count)) = elf.table(&dynamic, DT_VERDEF, DT_VERDEFNUM) else { return Some(versions) };
    // Elf64_Verdef: version u16, flags u16, index u16, count u16, hash u32, aux u32, next u32; the first auxiliary
    // entry has the version's own name, and begins with it.
    for _ in 0..count {
        let auxiliary = at + elf.u32(at + 12)? as usize;
        versions.insert(elf.text(&dynamic, u64::from(elf.u32(auxiliary)?))?);
        at += elf.u32(at + 16)? as usize;
    }
    Some(versions)
}

struct Elf<'a> {
    file: &'a [u8],
    segments: Vec<Segment>,
}

struct Segment {
    kind: u32,
    offset: usize,
    address: u64,
    size: usize,
}

impl<'a> Elf<'a> {
    fn read(file: &'a [u8]) -> Option<Elf<'a>> {
        if !file.starts_with(b"\x7fELF\x02\x01") {
            return None;
        }
        let mut elf = Elf { file, segments: Vec::new() };
        let (table, size, count) = (elf.usize(32)?, elf.u16(54)?, elf.u16(56)?);
        for index in 0..usize::from(count) {
            let at = table.checked_add(index * usize::from(size))?;
            elf.segments.push(Segment {
                kind: elf.u32(at)?,
                offset: elf.usize(at + 8)?,
                address: elf.u64(at + 16)?,
                size: elf.usize(at + 32)?,
            });
        }
        Some(elf)
    }

    fn bytes<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.file.get(at..at.checked_add(N)?)?.try_into().ok()
    }

    fn u16(&self, at: usize) -> Option<u16> {
        self.bytes(at).map(u16::from_le_bytes)
    }

    fn u32(&self, at: usize) -> Option<u32> {
        self.bytes(at).map(u32::from_le_bytes)
    }

    fn u64(&self, at: usize) -> Option<u64> {
        self.bytes(at).map(u64::from_le_bytes)
    }

    fn usize(&self, at: usize) -> Option<usize> {
        self.u64(at).and_then(|value| usize::try_from(value).ok())
    }

    fn segment(&self, kind: u32) -> Option<(usize, usize)> {
        let found = self.segments.iter().find(|segment| segment.kind == kind)?;
        Some((found.offset, found.size))
    }

    /// Tags and values of the dynamic section; empty where there is none, `None` where it is cut off.
    fn dynamic(&self) -> Option<Vec<(u64, u64)>> {
        let Some((offset, size)) = self.segment(PT_DYNAMIC) else { return Some(Vec::new()) };
        self.file.get(offset..offset.checked_add(size)?)?;
        let entries = (0..(size / 16).min(ENTRIES_MAX)).map(|index| offset + index * 16);
        let pairs = entries.map_while(|at| Some((self.u64(at)?, self.u64(at + 8)?)));
        Some(pairs.take_while(|(tag, _)| *tag != 0).collect())
    }

    /// Where an address of the loaded file is in the file.
    fn offset(&self, address: u64) -> Option<usize> {
        let inside = |segment: &&Segment| {
            segment.kind == PT_LOAD
                && address.checked_sub(segment.address).is_some_and(|within| within < segment.size as u64)
        };
        let segment = self.segments.iter().find(inside)?;
        usize::try_from(address - segment.address).ok()?.checked_add(segment.offset)
    }

    /// Where a table of versions is, and how many entries it has.
    fn table(&self, dynamic: &[(u64, u64)], place: u64, number: u64) -> Option<(usize, usize)> {
        let value = |wanted: u64| dynamic.iter().find(|(tag, _)| *tag == wanted).map(|(_, value)| *value);
        let count = usize::try_from(value(number)?).ok()?.min(ENTRIES_MAX);
        Some((self.offset(value(place)?)?, count))
    }

    /// The text at an offset of the string table.
    fn text(&self, dynamic: &[(u64, u64)], at: u64) -> Option<String> {
        let table = dynamic.iter().find(|(tag, _)| *tag == DT_STRTAB)?.1;
        let bytes = self.file.get(self.offset(table.checked_add(at)?)?..)?;
        let end = bytes.iter().position(|byte| *byte == 0)?;
        Some(String::from_utf8_lossy(&bytes[..end]).into_owned())
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[cfg(test)]
mod tests {
    use super::*;

    /// This very program, which rustc has linked to the system's C library.
    fn own() -> Vec<u8> {
        std::fs::read(std::env::current_exe().unwrap()).unwrap()
    }

    #[test]
    fn a_program_names_its_loader_and_libraries() {
        let needs = needs(&own()).unwrap();
        assert!(needs.loader.unwrap().contains("/ld-linux"));
        let of_libc = &needs.libraries["libc.so.6"];
        assert!(of_libc.iter().any(|version| version.starts_with("GLIBC_2.")), "{of_libc:?}");
        assert!(needs.libraries.contains_key("libgcc_s.so.1"));
    }

    #[test]
    fn the_systems_library_offers_what_a_program_needs() {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let libc = maps.split_whitespace().find(|word| word.ends_with("/libc.so.6")).unwrap();
        let offered = offers(&std::fs::read(libc).unwrap()).unwrap();
        assert!(needs(&own()).unwrap().libraries["libc.so.6"].is_subset(&offered), "{offered:?}");
        assert!(offers(&own()).unwrap().is_empty());
    }

    #[test]
    fn damaged_files_are_no_files() {
        let own = own();
        assert_eq!((needs(b"#!/bin/sh"), needs(b"\x7fELF\x02\x01")), (None, None));
        let text = own.windows(9).position(|window| window == b"libc.so.6").unwrap();
        assert_eq!(needs(&own[..text]), None);
    }
}
