//! A plan: the full list of what a command is going to do, as plain data.
//!
//! A plan prints itself as commands that can be pasted into a shell and serialises to JSON. It is built by pure
//! functions from arguments, configuration and facts, and never knows how a step is carried out.

pub mod deploy;
pub mod image;
pub mod init;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

/// Everything that one command will do, in an order in which it can be done.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The command that the plan belongs to, e.g. `build`.
    pub command: String,
    pub steps: Vec<Step>,
}

/// One item of a plan.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// What the step is called in tables, records and errors, e.g. `compile server`.
    pub name: String,
    /// Which part of the command the step belongs to. A command may overlap two stages; within one, order holds.
    pub stage: Stage,
    pub action: Action,
}

/// The stages of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Tools that have to be there first.
    Tools,
    /// Compile the wasm half.
    Front,
    /// Turn the wasm half into a site: bindings, optimisation, hashing, compression.
    Site,
    /// Compile the native half.
    Server,
    /// Whatever needs all of the above.
    Finish,
}

/// What a step does: run an external command or carry out one named operation.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    Run(Invocation),
    Operation(Operation),
}

/// One external command as data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Invocation {
    pub program: String,
    pub args: Vec<String>,
    /// Added to the inherited environment.
    pub env: BTreeMap<String, String>,
    /// Removed from the inherited environment.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env_remove: Vec<String>,
    pub cwd: PathBuf,
    /// What the command reads from its standard input; nothing if empty. Never a secret: plans are printed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stdin: String,
    /// The longest time the command may take, in seconds.
    #[serde(rename = "timeout_seconds", serialize_with = "as_seconds")]
    pub timeout: Duration,
    /// How long the command may take to stop after SIGTERM before it is killed, in seconds.
    #[serde(rename = "stop_grace_seconds", serialize_with = "as_seconds")]
    pub stop_grace: Duration,
}

/// The domain operations that a step can name. Each has plain-data input; the code lives in the domain's room.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum Operation {
    /// Install a tool at a pinned version into the user-local folder (room `tools`).
    InstallTool(InstallTool),
    /// Run a command whose output depends on nothing but its inputs, or reuse what it gave before (room `leptos`).
    RunCached(RunCached),
    /// Assemble the site folder from its sources; write only what changed (room `leptos`).
    WriteSite(WriteSite),
    /// Build, serve and reload again with every change, until interrupted (room `leptos`).
    WatchSources(WatchSources),
    /// Read the manifest and configuration of a base image from its registry (room `image`).
    ReadBase(image::ReadBase),
    /// See whether the server will start on the base (room `image`).
    CheckLinkage(image::CheckLinkage),
    /// Make an image of what a build left behind, on the base (room `image`).
    AssembleImage(image::AssembleImage),
    /// Write an image to files (room `image`).
    WriteLayout(image::WriteLayout),
    /// Send an image to a registry, or find that it is there already (room `image`).
    PushImage(image::PushImage),
    /// Delete versions of a package on GitHub's registry (room `image`).
    DeleteVersions(image::DeleteVersions),
    /// Run an image and look at it as its users will (room `image`).
    SmokeImage(image::SmokeImage),
    /// Make a project at Railway, with its first environment (room `railway`).
    CreateProject(init::CreateProject),
    /// Make an environment of a project (room `railway`).
    CreateEnvironment(init::CreateEnvironment),
    /// Make a service without a source, which deploys nothing (room `railway`).
    CreateService(init::CreateService),
    /// Give a service its first image and its settings, without a deployment (room `railway`).
    SetUpService(init::SetUpService),
    /// Set variables whose values are not part of the plan, without a deployment (room `railway`).
    GiveVariables(init::GiveVariables),
    /// Give a service a domain of Railway's (room `railway`).
    CreateDomain(init::CreateDomain),
    /// Give an image that is in its registry more tags (room `image`).
    TagImage(image::TagImage),
    /// Change a service's image and settings, without a deployment (room `railway`).
    UpdateService(deploy::UpdateService),
    /// Set variables of a service, without a deployment (room `railway`).
    SetVariables(deploy::SetVariables),
    /// Deploy what the service's source says now (room `railway`).
    StartDeployment(deploy::StartDeployment),
    /// Have Railway bring back an earlier deployment (room `railway`).
    RollBack(deploy::RollBack),
    /// Follow the deployment to its end, and check that it runs the image (room `railway`).
    WaitUntilServed(deploy::WaitUntilServed),
    /// Ask the service's own address for its health and its revision (room `railway`).
    VerifyServed(deploy::VerifyServed),
}

/// Input of [`Operation::InstallTool`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InstallTool {
    /// The tool's key in `tools.toml`, e.g. `wasm-bindgen`.
    pub tool: String,
    pub version: String,
    /// Where the tool goes: a folder keyed by name and version.
    pub destination: PathBuf,
}

/// Input of [`Operation::RunCached`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunCached {
    pub command: Invocation,
    /// Files that the command reads. Their content, the program's version and the arguments are the cache's key.
    pub inputs: Vec<PathBuf>,
    /// What else it reads.
    pub reads: Reads,
    /// The version of the program that runs.
    pub program_version: String,
    /// The folder that the command fills, and nothing else writes to.
    pub output_dir: PathBuf,
    /// Where earlier outputs are kept, one folder a key.
    pub store: PathBuf,
}

/// What a command reads beside the files that are named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reads {
    /// Nothing: what it made once is good wherever the same content comes back.
    #[default]
    NothingElse,
    /// Any file in a folder: what it made is good until one of them is touched.
    Folder {
        folder: PathBuf,
        /// Folders below it that are left out.
        without: Vec<PathBuf>,
        /// And every folder of these names.
        without_names: Vec<String>,
    },
    /// Nobody knows: it runs every time.
    Anything,
}

/// Input of [`Operation::WriteSite`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WriteSite {
    pub site_root: PathBuf,
    /// The folder below `site_root` for script, wasm and style, e.g. `pkg`.
    pub pkg_dir: String,
    /// The base name of script, wasm and style, e.g. `app` for `app.js`.
    pub output_name: String,
    /// The folder with wasm-bindgen's output.
    pub bindings_dir: PathBuf,
    /// The wasm file that ships.
    pub wasm_file: PathBuf,
    /// What the style sheet that ships is made of, one after the other, after any preprocessor.
    pub style_files: Vec<PathBuf>,
    pub assets_dir: Option<PathBuf>,
    /// Put a digest into the names of script, wasm and style, and write it to this file.
    pub hash_file: Option<PathBuf>,
    /// Write `.gz` and `.br` beside each text file.
    pub precompress: bool,
    /// Where to remember what the site was made from; not in it, and not beside it in the repository.
    pub made_file: PathBuf,
}

/// Input of [`Operation::WatchSources`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WatchSources {
    /// Where pages wait for reloads, e.g. `ws://127.0.0.1:3001/live_reload`.
    pub reload: String,
    pub files: Vec<PathBuf>,
    /// With all that is below them.
    pub folders: Vec<PathBuf>,
}

impl Invocation {
    /// A command in `cwd` with the default limit of ten minutes.
    pub fn new(program: impl Into<String>, cwd: impl Into<PathBuf>) -> Invocation {
        Invocation {
            program: program.into(),
            cwd: cwd.into(),
            timeout: Duration::from_secs(600),
            stop_grace: Duration::from_secs(3),
            ..Invocation::default()
        }
    }

    pub fn arg(mut self, arg: impl Into<String>) -> Invocation {
        self.args.push(arg.into());
        self
    }

    pub fn args<I: IntoIterator<Item = S>, S: Into<String>>(mut self, args: I) -> Invocation {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Invocation {
        self.env.insert(name.into(), value.into());
        self
    }

    pub fn stdin(mut self, text: impl Into<String>) -> Invocation {
        self.stdin = text.into();
        self
    }

    pub fn timeout(mut self, timeout: Duration) -> Invocation {
        self.timeout = timeout;
        self
    }

    /// The program's file name, for messages: `cargo` for `/usr/bin/cargo`.
    pub fn program_name(&self) -> &str {
        Path::new(&self.program).file_name().and_then(|name| name.to_str()).unwrap_or(&self.program)
    }
}

/// The command as it can be pasted into a POSIX shell, without the folder it runs in.
impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.stdin.is_empty() {
            write!(f, "printf %s {} | ", quote(&self.stdin))?;
        }
        if !self.env.is_empty() || !self.env_remove.is_empty() {
            f.write_str("env ")?;
            for name in &self.env_remove {
                write!(f, "-u {} ", quote(name))?;
            }
            for (name, value) in &self.env {
                write!(f, "{}={} ", name, quote(value))?;
            }
        }
        f.write_str(&quote(&self.program))?;
        for arg in &self.args {
            write!(f, " {}", quote(arg))?;
        }
        Ok(())
    }
}

/// A shell script: commands as they are, operations as comments that say what happens.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "set -e")?;
        let mut folder: Option<&Path> = None;
        for step in &self.steps {
            writeln!(f, "# {}", step.name)?;
            if let Some(command) = step.action.command()
                && folder != Some(command.cwd.as_path())
            {
                writeln!(f, "cd {}", quote(&command.cwd.display().to_string()))?;
                folder = Some(&command.cwd);
            }
            match &step.action {
                Action::Run(command) => writeln!(f, "{command}")?,
                Action::Operation(operation) => writeln!(f, "{operation}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operation::InstallTool(input) => {
                let folder = input.destination.display();
                write!(f, "cargo xtask setup  # {} {} into {folder}", input.tool, input.version)
            }
            Operation::RunCached(input) => {
                writeln!(f, "mkdir -p {}", quote(&input.output_dir.display().to_string()))?;
                write!(f, "{}", input.command)
            }
            Operation::WriteSite(input) => {
                let hashed = if input.hash_file.is_some() { ", hashed names" } else { "" };
                let compressed = if input.precompress { ", gzip and brotli" } else { "" };
                write!(f, "# write the site to {}{hashed}{compressed}", input.site_root.display())
            }
            Operation::WatchSources(input) => {
                write!(f, "# build, serve and reload {} again with every change of", input.reload)?;
                for folder in &input.folders {
                    write!(f, "\n#   {}/**", folder.display())?;
                }
                let inside = |file: &&PathBuf| input.folders.iter().any(|folder| file.starts_with(folder));
                for file in input.files.iter().filter(|file| !inside(file)) {
                    write!(f, "\n#   {}", file.display())?;
                }
                Ok(())
            }
            Operation::ReadBase(input) => write!(f, "{input}"),
            Operation::CheckLinkage(input) => write!(f, "{input}"),
            Operation::AssembleImage(input) => write!(f, "{input}"),
            Operation::WriteLayout(input) => write!(f, "{input}"),
            Operation::PushImage(input) => write!(f, "{input}"),
            Operation::DeleteVersions(input) => write!(f, "{input}"),
            Operation::SmokeImage(input) => write!(f, "{input}"),
            Operation::CreateProject(input) => write!(f, "{input}"),
            Operation::CreateEnvironment(input) => write!(f, "{input}"),
            Operation::CreateService(input) => write!(f, "{input}"),
            Operation::SetUpService(input) => write!(f, "{input}"),
            Operation::GiveVariables(input) => write!(f, "{input}"),
            Operation::CreateDomain(input) => write!(f, "{input}"),
            Operation::TagImage(input) => write!(f, "{input}"),
            Operation::UpdateService(input) => write!(f, "{input}"),
            Operation::SetVariables(input) => write!(f, "{input}"),
            Operation::StartDeployment(input) => write!(f, "{input}"),
            Operation::RollBack(input) => write!(f, "{input}"),
            Operation::WaitUntilServed(input) => write!(f, "{input}"),
            Operation::VerifyServed(input) => write!(f, "{input}"),
        }
    }
}

impl Action {
    /// The external command inside, if there is one.
    pub fn command(&self) -> Option<&Invocation> {
        match self {
            Action::Run(command) => Some(command),
            Action::Operation(Operation::RunCached(input)) => Some(&input.command),
            Action::Operation(_) => None,
        }
    }
}

/// Quotes one word for a POSIX shell; words that need no quotes stay as they are.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn as_seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}
