//! Which machine this is, as far as it matters for comparing measurements.
//!
//! What cannot be found out is `None`, never zero.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::exec::Executor;
use crate::plan::Invocation;

/// The machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// `linux` or `macos`.
    pub os: String,
    /// `x86_64` or `aarch64`.
    pub arch: String,
    pub cpu: Option<String>,
    /// Cores that we may use: a container may be allowed fewer than the machine has.
    pub cores: Option<usize>,
    /// Memory that we may use.
    pub memory_bytes: Option<u64>,
    /// Measurements are compared only between machines of one class.
    pub class: String,
}

impl Host {
    /// Reads `/proc` and the limits of the container, or asks `sysctl` on macOS.
    pub fn probe(exec: &Executor) -> Host {
        let (cpu, memory_bytes) = if cfg!(target_os = "macos") {
            let memory = sysctl(exec, "hw.memsize").and_then(|text| text.parse().ok());
            (sysctl(exec, "machdep.cpu.brand_string"), memory)
        } else {
            let read = |path: &str| std::fs::read_to_string(Path::new(path)).unwrap_or_default();
            let limit = read("/sys/fs/cgroup/memory.max").trim().parse().ok();
            let total = memory_total(&read("/proc/meminfo"));
            (cpu_model(&read("/proc/cpuinfo")), total.into_iter().chain(limit).min())
        };
        let cores = std::thread::available_parallelism().ok().map(usize::from);
        let on_github = std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
        Host::new(std::env::consts::OS, std::env::consts::ARCH, cpu, cores, memory_bytes, on_github)
    }

    fn new(
        os: &str,
        arch: &str,
        cpu: Option<String>,
        cores: Option<usize>,
        memory_bytes: Option<u64>,
        on_github: bool,
    ) -> Host {
        let kind = if on_github { "github-" } else { "" };
        let cores_text = cores.map_or("?".to_owned(), |cores| cores.to_string());
        // Kernels keep a little of the memory to themselves, a different little each.
        let memory_text = memory_bytes.map_or("?".to_owned(), |bytes| bytes.div_ceil(1 << 30).to_string());
        let class = format!("{kind}{os}-{arch}-{cores_text}cpu-{memory_text}gib");
        Host { os: os.to_owned(), arch: arch.to_owned(), cpu, cores, memory_bytes, class }
    }
}

fn sysctl(exec: &Executor, name: &str) -> Option<String> {
    let command = Invocation::new("sysctl", std::env::temp_dir()).args(["-n", name]);
    let answer = exec.probe(&command).ok().filter(|answer| answer.success)?;
    Some(answer.stdout.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Arm kernels give no name, only numbers; those are told apart well enough by implementer and part.
fn cpu_model(cpuinfo: &str) -> Option<String> {
    let field = |name: &str| {
        let lines = cpuinfo.lines().filter_map(|line| line.split_once(':'));
        lines
            .map(|(key, value)| (key.trim(), value.trim()))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    };
    if let Some(name) = field("model name").or_else(|| field("Model")) {
        return Some(name.to_owned());
    }
    Some(format!("arm {} {}", field("CPU implementer")?, field("CPU part")?))
}

fn memory_total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_files() {
        let intel = "processor\t: 0\nmodel\t\t: 85\nmodel name\t: Some CPU @ 2.00GHz\n";
        assert_eq!(cpu_model(intel).as_deref(), Some("Some CPU @ 2.00GHz"));
        let arm = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n";
        assert_eq!(cpu_model(arm).as_deref(), Some("arm 0x41 0xd0c"));
        assert_eq!(cpu_model(""), None);
        assert_eq!(memory_total("MemTotal:        8151236 kB\nMemFree: 1 kB\n"), Some(8_346_865_664));
        assert_eq!(memory_total("odd"), None);
    }

    #[test]
    fn classes() {
        let host = Host::new("linux", "x86_64", None, Some(2), Some(8_346_865_664), false);
        assert_eq!(host.class, "linux-x86_64-2cpu-8gib");
        let host = Host::new("linux", "aarch64", None, Some(4), Some(16 << 30), true);
        assert_eq!(host.class, "github-linux-aarch64-4cpu-16gib");
        let host = Host::new("macos", "aarch64", None, None, None, false);
        assert_eq!(host.class, "macos-aarch64-?cpu-?gib");
        assert_eq!(serde_json::to_value(&host).unwrap()["memory_bytes"], serde_json::Value::Null);
    }
}
