//! The caches of this machine, each with a server of its own that is gone with the test.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::tools_home;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    Sccache,
    Kache,
}

/// A running server.
pub struct Server {
    cache: Cache,
    program: PathBuf,
    folder: PathBuf,
    child: Child,
    /// What cargo needs to use it.
    pub env: BTreeMap<String, String>,
}

impl Cache {
    fn name(self) -> &'static str {
        match self {
            Cache::Sccache => "sccache",
            Cache::Kache => "kache",
        }
    }

    /// The program at the version of the table: that one alone is what the snapshots are of.
    pub fn installed(self) -> Option<PathBuf> {
        let version = self.version();
        let own = tools_home().join("tools").join(self.name()).join(&version).join("bin").join(self.name());
        let path = std::env::var_os("PATH").unwrap();
        let on_path = std::env::split_paths(&path).map(|folder| folder.join(self.name()));
        std::iter::once(own).chain(on_path).find(|program| {
            let answer = Command::new(program).arg("--version").output();
            answer.is_ok_and(|answer| String::from_utf8_lossy(&answer.stdout).contains(&version))
        })
    }

    fn version(self) -> String {
        let table: Value = toml::from_str(include_str!("../../../tools.toml")).unwrap();
        table[self.name()]["version"].as_str().unwrap().to_owned()
    }
}

impl Server {
    /// A server with a cache that knows nothing yet. `more` are settings beside the necessary ones.
    pub fn start(cache: Cache, program: &Path, folder: &Path, more: &[(&str, &str)]) -> Server {
        fs::create_dir_all(folder).unwrap();
        let folder = folder.canonicalize().unwrap();
        let at = |name: &str| folder.join(name).display().to_string();
        let set: &[(&str, String)] = match cache {
            Cache::Sccache => &[
                ("SCCACHE_SERVER_UDS", at("sock")),
                ("SCCACHE_DIR", at("results")),
                ("SCCACHE_CONF", at("none")),
                ("SCCACHE_IDLE_TIMEOUT", "600".to_owned()),
            ],
            Cache::Kache => &[
                ("KACHE_SOCKET_PATH", at("sock")),
                ("KACHE_CACHE_DIR", at("results")),
                ("KACHE_CONFIG", at("none")),
                ("KACHE_HOST_CONFIG", String::new()),
                ("KACHE_LOG_FILE_PATH", at("kache.log")),
                ("KACHE_LOCAL_ONLY", "1".to_owned()),
                ("KACHE_SEED_NEW_TARGETS", "0".to_owned()),
                ("KACHE_DAEMON_IDLE_TIMEOUT", "600".to_owned()),
            ],
        };
        let mut env: BTreeMap<String, String> =
            set.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        env.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut command = Command::new(program);
        match cache {
            Cache::Sccache => command.env("SCCACHE_START_SERVER", "1").env("SCCACHE_NO_DAEMON", "1"),
            Cache::Kache => command.args(["daemon", "run"]),
        };
        let log = fs::File::create(folder.join("log")).unwrap();
        command.current_dir(&folder).envs(&env).stdin(Stdio::null());
        let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        env.insert("RUSTC_WRAPPER".to_owned(), program.display().to_string());
        let server = Server { cache, program: program.to_owned(), folder, child, env };
        let began = Instant::now();
        while UnixStream::connect(server.folder.join("sock")).is_err() {
            let log = fs::read_to_string(server.folder.join("log")).unwrap();
            assert!(began.elapsed() < Duration::from_secs(60), "{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// How many results it has given back.
    pub fn hits(&self) -> u64 {
        let report = self.folder.join("report.json");
        let answer: Value = match self.cache {
            Cache::Sccache => {
                let asked = self.ask(&["--show-stats", "--stats-format=json"]);
                serde_json::from_str(&asked).unwrap()
            }
            Cache::Kache => {
                self.ask(&[
                    "report",
                    "--format",
                    "json",
                    "--since",
                    "7d",
                    "--output",
                    report.to_str().unwrap(),
                ]);
                serde_json::from_str(&fs::read_to_string(report).unwrap()).unwrap()
            }
        };
        match self.cache {
            Cache::Sccache => {
                let counts = answer["stats"]["cache_hits"]["counts"].as_object().unwrap();
                counts.values().filter_map(Value::as_u64).sum()
            }
            Cache::Kache => answer["summary"]["local_hits"].as_u64().unwrap(),
        }
    }

    fn ask(&self, args: &[&str]) -> String {
        let answer = Command::new(&self.program).args(args).envs(&self.env).output().unwrap();
        assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
        String::from_utf8(answer.stdout).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let stop: &[&str] = match self.cache {
            Cache::Sccache => &["--stop-server"],
            Cache::Kache => &["daemon", "stop"],
        };
        let _ = Command::new(&self.program).args(stop).envs(&self.env).output();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
