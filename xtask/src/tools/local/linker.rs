//! Linkers: which are there, which really link programs that run, and which one is used.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::super::explain::{brief, unless_interrupted};
use super::super::{Tool, look_for_any, sysroot};
use super::place::Place;
use crate::exec::Executor;
use crate::facts::tool::{find_on_path, version_of};
use crate::facts::toolchain::Toolchain;
use crate::plan::Invocation;

/// The name for whatever the C compiler does without us.
pub const DEFAULT: &str = "default";
/// GNU's linker. It leaves no name in a program.
pub const BFD: &str = "bfd";
const HELLO: &str = "fn main() {\n    let words: Vec<String> = std::env::args().skip(1).collect();\n    \
                     let sum = std::thread::spawn(|| (1..=4).sum::<u32>()).join().unwrap();\n    \
                     println!(\"{} {sum}\", words.join(\"+\"));\n}\n";

/// A linker that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub name: String,
    pub program: PathBuf,
    pub version: String,
}

/// Whether a linker links for a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proof {
    pub linker: String,
    pub version: String,
    pub target: String,
    /// Why it does not; `None` where a program was linked, told who linked it, and ran.
    pub problem: Option<String>,
}

/// The linkers that can be better than what rustc uses on its own, the one that is usually fastest first. Any version
/// will do, because each has to prove itself.
pub fn candidates(exec: &Executor, toolchain: &Toolchain) -> anyhow::Result<Vec<Candidate>> {
    let mut candidates = all(exec, toolchain)?;
    candidates.retain(|candidate| candidate.name != BFD);
    Ok(candidates)
}

/// The linkers of this machine: mold, wild, lld, and GNU's as `bfd`.
pub fn all(exec: &Executor, toolchain: &Toolchain) -> anyhow::Result<Vec<Candidate>> {
    let any = |tool| anyhow::Ok(look_for_any(exec, tool)?.map(|(program, _)| program));
    let of_rust = toolchain.sysroot.join("lib/rustlib").join(&toolchain.host).join("bin/gcc-ld/ld.lld");
    let places = [
        ("mold", any(Tool::Mold)?),
        ("wild", any(Tool::Wild)?),
        ("lld", find_on_path("ld.lld").or(Some(of_rust).filter(|path| path.is_file()))),
        (BFD, find_on_path("ld.bfd")),
    ];
    let mut found = Vec::new();
    for (name, program) in places {
        let Some(program) = program else { continue };
        let version = version_of(exec, &program, &["--version"]);
        exec.check_interrupted()?;
        if let Some(version) = version {
            found.push(Candidate { name: name.to_owned(), program, version });
        }
    }
    Ok(found)
}

/// Links a program through the script with this linker, sees in the program who linked it, and runs it.
pub fn prove(
    exec: &Executor,
    toolchain: &Toolchain,
    place: &Place,
    candidate: &Candidate,
    target: &str,
) -> anyhow::Result<Proof> {
    let attempt = || {
        let scratch = place.scratch("linker")?;
        let program = link(exec, toolchain, &scratch, target, Some((place.linker(), &candidate.name)))?;
        let linked = linked_by(&std::fs::read(&program)?);
        anyhow::ensure!(
            linked == Some(candidate.name.as_str()).filter(|name| *name != BFD),
            "the program was linked by {}",
            linked.unwrap_or("somebody else")
        );
        let run = Invocation::new(program.display().to_string(), &scratch)
            .args(["proved", "here"])
            .timeout(Duration::from_secs(20));
        let said = exec.run(&run)?.stdout;
        anyhow::ensure!(said == "proved+here 10\n", "the program says {said:?}");
        Ok(())
    };
    let problem = match attempt() {
        Ok(()) => None,
        Err(error) => Some(exec.redact(&brief(&unless_interrupted(error)?))),
    };
    Ok(Proof {
        linker: candidate.name.clone(),
        version: candidate.version.clone(),
        target: target.to_owned(),
        problem,
    })
}

/// The linker that rustc has linked with for this target so far; `None` where a program does not tell.
pub fn used_by_rustc(
    exec: &Executor,
    toolchain: &Toolchain,
    target: &str,
) -> anyhow::Result<Option<&'static str>> {
    let scratch = tempfolder(exec)?;
    let linked = link(exec, toolchain, &scratch, target, None);
    let bytes = linked.and_then(|program| Ok(std::fs::read(program)?));
    let _ = std::fs::remove_dir_all(&scratch);
    match bytes {
        Ok(bytes) => Ok(linked_by(&bytes)),
        Err(error) => unless_interrupted(error).map(|_| None),
    }
}

/// The first linker that was proved for the host, unless rustc uses that one anyway.
pub fn choose(proofs: &[Proof], host: &str, used: Option<&str>) -> String {
    let good = proofs.iter().find(|proof| proof.target == host && proof.problem.is_none());
    let good = good.map(|proof| proof.linker.as_str()).filter(|linker| Some(*linker) != used);
    good.unwrap_or(DEFAULT).to_owned()
}

/// The linker that was asked for, if it was proved for the host; else what rustc does on its own, and a note.
pub fn wanted(proofs: &[Proof], host: &str, wanted: &str, notes: &mut Vec<String>) -> String {
    let good = |proof: &Proof| proof.target == host && proof.problem.is_none() && proof.linker == wanted;
    if wanted == DEFAULT || proofs.iter().any(good) {
        return wanted.to_owned();
    }
    notes.push(format!("the linker {wanted} does not work for {host} here"));
    DEFAULT.to_owned()
}

fn link(
    exec: &Executor,
    toolchain: &Toolchain,
    scratch: &Path,
    target: &str,
    script: Option<(PathBuf, &str)>,
) -> anyhow::Result<PathBuf> {
    exec.write_file(&scratch.join("hello.rs"), HELLO.as_bytes())?;
    let mut command = Invocation::new(sysroot::rustc(toolchain).display().to_string(), scratch)
        .args(["--edition", "2021", "--target", target, "-o", "hello", "hello.rs"])
        .timeout(Duration::from_secs(120));
    if let Some((script, name)) = script {
        command = command.arg("-C").arg(format!("linker={}", script.display())).env("XTASK_LINKER", name);
    }
    exec.run(&command)?;
    Ok(scratch.join("hello"))
}

fn tempfolder(exec: &Executor) -> anyhow::Result<PathBuf> {
    exec.check_interrupted()?;
    let folder = std::env::temp_dir().join(format!("xtask-linked-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The linker that left its name in a program's `.comment` section; `None` where none did.
pub fn linked_by(program: &[u8]) -> Option<&'static str> {
    linker_in(comment(program)?)
}

/// The section of a 64-bit ELF file. A program with its debug info is too large to be searched as a whole.
fn comment(program: &[u8]) -> Option<&[u8]> {
    let bytes = |at: usize, length: usize| program.get(at..at.checked_add(length)?);
    let half = |at: usize| Some(usize::from(u16::from_le_bytes(bytes(at, 2)?.try_into().ok()?)));
    let word = |at: usize| usize::try_from(u32::from_le_bytes(bytes(at, 4)?.try_into().ok()?)).ok();
    let long = |at: usize| usize::try_from(u64::from_le_bytes(bytes(at, 8)?.try_into().ok()?)).ok();
    // ELF, 64 bits, little-endian.
    if bytes(0, 6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let (table, size, count, names) = (long(0x28)?, half(0x3A)?, half(0x3C)?, half(0x3E)?);
    let header = |index: usize| table.checked_add(index.checked_mul(size)?);
    let content = |at: usize| bytes(long(at.checked_add(0x18)?)?, long(at.checked_add(0x20)?)?);
    let names = content(header(names)?)?;
    let is_comment = |at: &usize| {
        let name = word(*at).and_then(|name| names.get(name..));
        name.is_some_and(|name| name.starts_with(b".comment\0"))
    };
    content((0..count).filter_map(header).find(is_comment)?)
}

fn linker_in(comment: &[u8]) -> Option<&'static str> {
    let has = |text: &str| comment.windows(text.len()).any(|window| window == text.as_bytes());
    let marks = [("mold", "mold "), ("wild", "Linker: Wild"), ("lld", "Linker: LLD ")];
    let followed_by_number = |mark: &str| (0..=9).any(|digit| has(&format!("{mark}{digit}")));
    marks
        .into_iter()
        .find(|(name, mark)| if *name == "wild" { has(mark) } else { followed_by_number(mark) })
        .map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_tells_who_linked_it() {
        assert_eq!(linker_in(b"\0rustc version 1\0mold 2.37.1 (compatible with GNU ld)\0"), Some("mold"));
        assert_eq!(linker_in(b"\0Linker: LLD 22.1.2 (/checkout)\0"), Some("lld"));
        assert_eq!(linker_in(b"\0Linker: Wild version 0.11.0\0"), Some("wild"));
        assert_eq!(linker_in(b"\0GCC: (Debian) a mold and its LLD\0"), None);
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        if cfg!(target_os = "linux") {
            assert!(comment(&own).is_some_and(|comment| comment.windows(5).any(|text| text == b"rustc")));
        }
        assert_eq!(linked_by(b"no program"), None);
    }

    #[test]
    fn the_first_that_works_on_this_machine_is_used() {
        let proof = |linker: &str, target: &str, problem: Option<&str>| Proof {
            linker: linker.to_owned(),
            version: "1".to_owned(),
            target: target.to_owned(),
            problem: problem.map(str::to_owned),
        };
        let proofs =
            [proof("mold", "gnu", Some("no")), proof("mold", "musl", None), proof("lld", "gnu", None)];
        assert_eq!(choose(&proofs, "gnu", None), "lld");
        assert_eq!(choose(&proofs, "gnu", Some("lld")), DEFAULT, "rustc does that on its own");
        assert_eq!(choose(&[], "gnu", None), DEFAULT);
    }
}
