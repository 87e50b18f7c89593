//! What only the system's administrator can install: services and the programs that belong to them.
//!
//! Looks whether they are there and names the one command that root would type. Never runs it.

use std::time::Duration;

use crate::config::tools::Group;
use crate::exec::Executor;
use crate::facts::tool::{find_on_path, version_of};
use crate::plan::Invocation;

use super::{State, Status};

/// One thing that belongs to the system.
struct Part {
    name: &'static str,
    program: &'static str,
    /// What makes it tell its version; for a service, what only a running one can answer.
    question: &'static [&'static str],
    /// The package of Debian and its relatives.
    package: &'static str,
    /// What root types where the program is there and does not answer.
    start: Option<&'static str>,
}

const ENGINE: Part = Part {
    name: "docker engine",
    program: "docker",
    question: &["version", "--format", "{{.Server.Version}}"],
    package: "docker.io",
    start: Some("systemctl start docker"),
};
const BUILDX: Part = Part {
    name: "docker buildx",
    program: "docker",
    question: &["buildx", "version"],
    package: "docker-buildx",
    start: None,
};
const REGISTRY: Part = Part {
    name: "docker-registry",
    program: "docker-registry",
    question: &["--version"],
    package: "docker-registry",
    start: None,
};
const CHROMIUM: Part = Part {
    name: "chromium",
    program: "chromium",
    question: &["--version"],
    package: "chromium",
    start: None,
};
const CHROMEDRIVER: Part = Part {
    name: "chromedriver",
    program: "chromedriver",
    question: &["--version"],
    package: "chromium-driver",
    start: None,
};
const GIT: Part = Part { name: "git", program: "git", question: &["--version"], package: "git", start: None };

/// What a group needs of the system. A deployment speaks to Railway and to registries itself, and needs git for the
/// revision only.
fn parts(group: Group) -> Vec<Part> {
    match group {
        Group::Build | Group::Bench | Group::BenchFull => vec![],
        Group::Docker => vec![ENGINE, BUILDX],
        Group::Deploy => vec![GIT],
        Group::Services => vec![ENGINE, REGISTRY, CHROMIUM, CHROMEDRIVER],
    }
}

/// What is there of all that these groups need, each thing once; and what root would type for the rest.
pub fn look(exec: &Executor, groups: &[Group]) -> anyhow::Result<(Vec<Status>, Option<String>)> {
    let mut found: Vec<Status> = Vec::new();
    let (mut packages, mut starts) = (Vec::new(), Vec::new());
    for part in groups.iter().flat_map(|group| parts(*group)) {
        if found.iter().any(|status| status.tool == part.name) {
            continue;
        }
        let path = find_on_path(part.program);
        let version = path.as_ref().and_then(|path| version_of(exec, path, part.question));
        exec.check_interrupted()?;
        if version.is_none() {
            match part.start.filter(|_| path.is_some()) {
                Some(start) => starts.push(start.to_owned()),
                None => packages.push(part.package),
            }
        }
        found.push(Status {
            tool: part.name,
            wanted: "any".to_owned(),
            state: if version.is_some() { State::Ready } else { State::Missing },
            source: version.is_some().then(|| "system".to_owned()),
            path: path.map(|path| path.display().to_string()),
            found: version,
        });
    }
    let install = (!packages.is_empty()).then(|| install_line(exec, &packages));
    let commands: Vec<String> = install.into_iter().chain(starts).collect();
    Ok((found, (!commands.is_empty()).then(|| commands.join(" && "))))
}

fn install_line(exec: &Executor, packages: &[&str]) -> String {
    // `apt-get` on PATH says that the names below are right.
    let is_debian = find_on_path("apt-get").is_some_and(|path| {
        let ask = Invocation::new(path.display().to_string(), std::env::temp_dir())
            .arg("--version")
            .timeout(Duration::from_secs(10));
        exec.probe(&ask).is_ok_and(|answer| answer.success)
    });
    let packages = packages.join(" ");
    if is_debian {
        format!("apt-get install --yes --no-install-recommends {packages}")
    } else {
        format!("install what Debian calls {packages}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_is_of_the_system_or_of_ours() {
        for group in [Group::Build, Group::Bench, Group::Docker, Group::Deploy, Group::Services] {
            let ours = super::super::Wanted::of_group(group);
            assert!(!ours.is_empty() || !parts(group).is_empty(), "{group:?}");
        }
    }
}
