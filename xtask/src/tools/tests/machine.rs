//! A machine whose whole `PATH` is fake tools.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use expect_test::Expect;

use crate::exec::{Executor, Mode};
use crate::plan::Invocation;
use crate::ui::Ui;

pub struct Machine {
    folder: tempfile::TempDir,
    pub exec: Executor,
}

impl Machine {
    pub fn new(fakes: &[(&str, &str)]) -> Machine {
        let exec = Executor::new(Ui::detect(true), Mode::Run).unwrap();
        let machine = Machine { folder: tempfile::tempdir().unwrap(), exec };
        fs::create_dir_all(machine.path("fakes")).unwrap();
        for (name, script) in fakes {
            let path = machine.path("fakes").join(name);
            let log = machine.path("log").display().to_string();
            fs::write(&path, format!("#!/bin/sh\necho {name} $1 $2 >> '{log}'\n{script}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        machine
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Installs a tool in a process of its own; returns what went wrong.
    pub fn install(&self, key: &str, version: &str, env: &[(&str, &str)]) -> String {
        let program = std::env::current_exe().unwrap().display().to_string();
        let result = tempfile::NamedTempFile::new_in(self.folder.path()).unwrap();
        let mut command = Invocation::new(program, self.folder.path())
            .args(["--exact", "tools::tests::in_a_process_of_its_own", "--nocapture"])
            .env("XTASK_TEST_INSTALL", format!("{key} {version}"))
            .env("XTASK_TEST_RESULT", result.path().display().to_string())
            .env("XTASK_TEST_FOLDER", self.folder.path().display().to_string())
            .env("XTASK_HOME", self.path("home").display().to_string())
            .env("PATH", self.path("fakes").display().to_string())
            // Nothing real is asked.
            .env("XTASK_SOURCES", "all")
            .timeout(Duration::from_secs(60));
        command.env_remove.extend(["XTASK_OFFLINE", "CARGO_NET_OFFLINE"].map(str::to_owned));
        for (name, value) in env {
            command = command.env(*name, *value);
        }
        self.exec.run(&command).unwrap();
        let text = fs::read_to_string(result.path()).unwrap();
        text.replace(&self.folder.path().display().to_string(), "<folder>")
    }

    pub fn ready(&self, key: &str, version: &str) {
        assert_eq!(self.install(key, version, &[]), "Ready\n");
    }

    /// One line of the failure.
    pub fn says(&self, key: &str, version: &str, line: &str) {
        let text = self.install(key, version, &[]);
        assert!(text.contains(line), "{text}");
    }

    pub fn wasm_opt(&self, expected: Expect) {
        expected.assert_eq(&self.install("wasm-opt", "131", &[]));
    }

    pub fn wasm_bindgen(&self, expected: Expect) {
        expected.assert_eq(&self.install("wasm-bindgen", "0.2.130", &[]));
    }

    pub fn wasm_target(&self, expected: Expect) {
        expected.assert_eq(&self.install("wasm-target", "1.95.0-59807616e", &[]));
    }

    pub fn calls(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}
