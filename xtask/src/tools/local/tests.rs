//! What was measured is written, and what nobody measured stays as it was. Linkers prove themselves by the real compiler.

use super::*;
use crate::exec::Mode;
use crate::plan::Invocation;
use crate::ui::Ui;

/// A workspace that reads the configuration, a user-local folder, and a compile cache that passes every call on.
struct Machine {
    folder: tempfile::TempDir,
    exec: Executor,
}

impl Machine {
    fn new() -> Machine {
        let machine = Machine {
            folder: tempfile::tempdir().unwrap(),
            exec: Executor::new(Ui::detect(true), Mode::Run).unwrap(),
        };
        std::fs::create_dir_all(machine.root().join(".cargo")).unwrap();
        std::fs::write(machine.root().join(".cargo/config.toml"), format!("{INCLUDE}\n")).unwrap();
        super::super::node::write_launcher(&machine.exec, &machine.program(), "#!/bin/sh\nexec \"$@\"\n")
            .unwrap();
        machine
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("measured")
    }

    /// What cargo is told of linkers and caches.
    fn told(&self) -> String {
        std::fs::read_to_string(self.root().join(FILE)).unwrap_or_default()
    }

    fn write(&self, linker: LinkerChoice, cache: CacheChoice) -> Report {
        let toolchain = Toolchain::probe(&self.exec, &self.root()).unwrap();
        let config = CargoConfig::read(&self.root()).unwrap();
        let choice = Choice { linker, cache };
        write_with(&self.exec, &toolchain, &self.root(), &config, &choice, &self.home()).unwrap()
    }
}

#[test]
fn the_cache_that_was_measured_is_used_and_stays_until_something_is_known_of_it() {
    let machine = Machine::new();
    let measured = CacheChoice::This(machine.program());
    let written = machine.write(LinkerChoice::Keep, measured);
    assert_eq!(written.cache, Some(machine.program()), "{written:?}");
    let script = machine.home().join("bin/xtask-rustc");
    assert!(machine.told().contains(&format!("rustc-wrapper = {:?}", script.display().to_string())));
    let text = std::fs::read_to_string(&script).unwrap();
    assert!(text.contains(&format!("cache={}", machine.program().display())), "{text}");
    // Through the script the compiler answers.
    let toolchain = Toolchain::probe(&machine.exec, &machine.root()).unwrap();
    let rustc = super::super::rustc(&toolchain).display().to_string();
    let asked = Invocation::new(script.display().to_string(), machine.root()).args([rustc.as_str(), "-V"]);
    assert!(machine.exec.run(&asked).unwrap().stdout.starts_with("rustc "));

    let before = machine.told();
    let kept = machine.write(LinkerChoice::Keep, CacheChoice::Keep);
    assert_eq!((kept.cache, machine.told()), (Some(machine.program()), before));
    let switched_off = machine.write(LinkerChoice::Keep, CacheChoice::None);
    assert_eq!((switched_off.cache, machine.told()), (None, String::new()), "{:?}", switched_off.notes);
}

#[test]
fn what_nobody_measured_is_not_switched_on() {
    let machine = Machine::new();
    let report = machine.write(LinkerChoice::Keep, CacheChoice::Keep);
    assert_eq!((report.linker.as_str(), report.cache), (DEFAULT_LINKER, None));
    assert_eq!(machine.told(), "");
    assert_eq!(report.notes.last().unwrap(), "cargo links and compiles as it does on its own");
}

#[test]
fn a_linker_stays_until_another_one_is_faster() {
    let machine = Machine::new();
    let first = machine.write(LinkerChoice::First, CacheChoice::None);
    let Some(works) = first.linkers.iter().find(|proof| proof.problem.is_none()) else {
        eprintln!("no linker works here beside the usual one: {:?}", first.linkers);
        return;
    };
    let works = works.linker.clone();
    let used = machine.write(LinkerChoice::This(works.clone()), CacheChoice::None);
    assert_eq!(used.linker, works);
    assert!(machine.told().contains("linker = "), "{}", machine.told());
    assert_eq!(machine.write(LinkerChoice::Keep, CacheChoice::Keep).linker, works);
    // Another workspace does not use it, and does not take it away.
    let config = CargoConfig::read(&machine.root()).unwrap();
    let other = machine.folder.path().join("other");
    std::fs::create_dir_all(other.join(".cargo")).unwrap();
    std::fs::write(other.join(".cargo/config.toml"), format!("{INCLUDE}\n")).unwrap();
    let toolchain = Toolchain::probe(&machine.exec, &other).unwrap();
    let choice = Choice { linker: LinkerChoice::Keep, cache: CacheChoice::Keep };
    let report = write_with(&machine.exec, &toolchain, &other, &config, &choice, &machine.home()).unwrap();
    assert_eq!(report.linker, DEFAULT_LINKER);
    assert_eq!(place::chosen(&machine.home()), works);
}

#[test]
fn a_wrapper_of_the_users_own_stays() {
    let machine = Machine::new();
    let own = format!("{INCLUDE}\n[build]\nrustc-wrapper = \"their-own\"\n");
    std::fs::write(machine.root().join(".cargo/config.toml"), own).unwrap();
    let report = machine.write(LinkerChoice::Keep, CacheChoice::This(machine.program()));
    assert_eq!(report.cache, None);
    assert!(
        report
            .notes
            .contains(&"cargo's configuration names the rustc-wrapper their-own; it stays".to_owned())
    );
}
