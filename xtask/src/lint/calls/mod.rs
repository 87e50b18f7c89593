//! Calls of cargo in a Dockerfile: what is cooked, what is built, with which flags, where and under which variables.

mod command_line;

use std::collections::BTreeMap;

use super::dockerfile::Dockerfile;
use super::dockerfile::instruction::Mount;
use super::dockerfile::stages::{Step, join};
use super::dockerfile::words::{self, Value};
use super::shell::{self, Simple};
pub use command_line::{Flags, Kind};

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    pub kind: Kind,
    pub line: usize,
    /// The stage and the position of its instruction there.
    pub stage: usize,
    pub step: usize,
    pub flags: Flags,
    /// Where it runs.
    pub folder: String,
    /// The variables that change what is compiled; `None` for a value that only the build knows.
    pub env: BTreeMap<String, Option<String>>,
    pub mounts: Vec<Mount>,
}

impl Call {
    /// Cargo's folder for what it makes, where no flag says another.
    pub fn default_target_dir(&self) -> String {
        let variable =
            ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"].iter().find_map(|name| self.env.get(*name));
        let folder = variable.cloned().flatten().unwrap_or_else(|| "target".to_owned());
        join(&self.folder, &folder)
    }

    /// The folder that what it makes is in.
    pub fn target_dir(&self) -> String {
        match &self.flags.target_dir {
            Some(folder) => join(&self.folder, folder),
            None => self.default_target_dir(),
        }
    }

    /// The triple that is compiled for: `Some(None)` for the builder's own, `None` where only the build knows it.
    pub fn target(&self) -> Option<Option<String>> {
        match (&self.flags.target, self.env.get("CARGO_BUILD_TARGET")) {
            (Some(flag), _) => Some(Some(flag.clone())),
            (None, Some(variable)) => variable.clone().map(Some),
            (None, None) => Some(None),
        }
    }

    pub fn is_wasm(&self) -> bool {
        self.target().flatten().is_some_and(|target| target.starts_with("wasm"))
    }

    /// Whether a variable is set to something that only the build knows.
    pub fn is_unknown(&self, variable: &str) -> bool {
        self.env.get(variable) == Some(&None)
    }

    /// The mount that hides a folder: a cache or an empty file system on it or above it.
    pub fn mount_over(&self, folder: &str) -> Option<&Mount> {
        let hides = |mount: &&Mount| {
            ["cache", "tmpfs"].contains(&mount.kind.as_str())
                && !mount.target.is_empty()
                && is_below(folder, &mount.target)
        };
        self.mounts.iter().find(hides)
    }
}

/// Whether a path is a folder or in it.
pub fn is_below(path: &str, folder: &str) -> bool {
    let rest = path.strip_prefix(folder.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a variable changes what cargo compiles of the dependencies, or where to, or what cargo-leptos builds.
///
/// Not among them: `CARGO_INCREMENTAL`, because what comes from a registry is never compiled incrementally; the runners
/// of targets, which only start programs; and `SQLX_OFFLINE`, which sqlx reads while it expands the app's own macros.
fn matters(name: &str) -> bool {
    const EXACT: [&str; 20] = [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "CARGO_BUILD_TARGET_DIR",
        "CARGO_TARGET_DIR",
        "RUSTUP_TOOLCHAIN",
        "RUSTC",
        "RUSTC_BOOTSTRAP",
        "RUSTC_WRAPPER",
        "CARGO_BUILD_RUSTC_WRAPPER",
        "CC",
        "CXX",
        "AR",
        "CFLAGS",
        "CXXFLAGS",
        "OPENSSL_DIR",
        "OPENSSL_STATIC",
        "OPENSSL_VENDORED",
        "PKG_CONFIG_PATH",
    ];
    const PREFIXES: [&str; 7] =
        ["LEPTOS_", "CARGO_PROFILE_", "CARGO_TARGET_", "CC_", "CXX_", "CFLAGS_", "CXXFLAGS_"];
    let is_runner = name.starts_with("CARGO_TARGET_") && name.ends_with("_RUNNER");
    !is_runner && (EXACT.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
}

/// All calls of a Dockerfile, in its order.
pub fn find(dockerfile: &Dockerfile) -> Vec<Call> {
    let mut found = Vec::new();
    for (stage, content) in dockerfile.stages.iter().enumerate() {
        for (step, one) in content.steps.iter().enumerate() {
            for script in one.scripts() {
                let commands = shell::commands(&script.text, script.stops_at_errors);
                of_script(one, &commands, dockerfile, |call| found.push(Call { stage, step, ..call }));
            }
        }
    }
    found
}

fn of_script(step: &Step, commands: &[Simple], dockerfile: &Dockerfile, mut add: impl FnMut(Call)) {
    let mut folder = step.scope.workdir.clone();
    let mut exported: BTreeMap<String, Option<String>> = BTreeMap::new();
    for command in commands {
        let assigned = |exported: &BTreeMap<String, Option<String>>, name: &str| match exported.get(name) {
            Some(Some(value)) => Value::Known(value.clone()),
            Some(None) => Value::Unknown,
            None => step.scope.value(name),
        };
        let expand = |raw: &str| {
            let is_plain = !raw.contains("$(") && !raw.contains('`');
            let expanded = words::expand(raw, '\\', &|name| assigned(&exported, name));
            (expanded.text, expanded.is_known && is_plain)
        };
        let known = |raw: &str| Some(expand(raw)).filter(|(_, is_known)| *is_known).map(|(text, _)| text);
        let own: Vec<(String, Option<String>)> =
            command.assignments.iter().map(|(name, value)| (name.clone(), known(value))).collect();
        let words: Vec<(String, bool)> = command.words.iter().map(|word| expand(word)).collect();
        let plain: Vec<&str> = words.iter().map(|(word, _)| word.as_str()).collect();
        match plain.as_slice() {
            [] => exported.extend(own),
            ["export", pairs @ ..] => {
                let pairs = pairs.iter().filter_map(|pair| pair.split_once('='));
                let pairs: Vec<_> =
                    pairs.map(|(name, value)| (name.to_owned(), Some(value.to_owned()))).collect();
                exported.extend(pairs);
            }
            ["cd" | "pushd", to, ..] => folder = join(&folder, to),
            _ => {
                let Some((kind, flags, more)) = command_line::parse(&words) else { continue };
                let mut env = BTreeMap::new();
                let of_scope =
                    step.scope.args.keys().chain(step.scope.env.keys()).filter(|name| matters(name));
                for name in of_scope {
                    match step.scope.value(name) {
                        Value::Known(value) => drop(env.insert(name.clone(), Some(value))),
                        // An argument without a default is not there unless somebody gives it.
                        Value::Unknown if step.scope.env.contains_key(name) => {
                            drop(env.insert(name.clone(), None))
                        }
                        _ => {}
                    }
                }
                let set = exported.clone().into_iter().chain(own).chain(more);
                env.extend(set.filter(|(name, _)| matters(name)));
                env.retain(|_, value| value.as_deref() != Some(""));
                let mounts = step.mounts(dockerfile.escape);
                // cargo-leptos goes to the workspace of the manifest first.
                let below = flags.manifest_path.as_deref().and_then(|path| path.rsplit_once('/'));
                let folder = match below.filter(|_| kind == Kind::Leptos) {
                    Some((below, _)) => join(&folder, below),
                    None => folder.clone(),
                };
                add(Call { kind, line: command.line, stage: 0, step: 0, flags, folder, env, mounts });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(text: &str) -> Vec<Call> {
        let parsed = Dockerfile::parse(text);
        assert_eq!(parsed.problems, []);
        find(&parsed)
    }

    #[test]
    fn flags_folders_and_variables() {
        let text = "FROM a\nARG FEATURES=ssr\nARG RUSTFLAGS\nENV CARGO_TARGET_DIR=/out A=1\nWORKDIR /app\n\
            RUN --mount=type=cache,target=../out cd web && CC=gcc cargo +1.95 chef cook --release --features $FEATURES,x \\\n\
             --target-dir=t -p a --recipe-path r.json\n\
            RUN [\"cargo\", \"leptos\", \"build\", \"-p\", \"x\", \"--bin-features\", \"y\"]\n\
            RUN export RUSTFLAGS=-Cx && env B=1 cargo-chef chef cook\nRUN cargo install x && cargo auditable build --profile $(p)\n";
        let found = calls(text);
        let cook = &found[0];
        assert_eq!((cook.kind, cook.line, cook.folder.as_str()), (Kind::Cook, 6, "/app/web"));
        assert_eq!(cook.flags.features.iter().map(String::as_str).collect::<Vec<_>>(), ["ssr", "x"]);
        assert_eq!(
            (cook.flags.profile.as_deref(), cook.flags.toolchain.as_deref()),
            (Some("release"), Some("1.95"))
        );
        assert_eq!((cook.target_dir().as_str(), cook.default_target_dir().as_str()), ("/app/web/t", "/out"));
        assert_eq!(cook.flags.packages, ["a"]);
        assert_eq!(cook.env.keys().map(String::as_str).collect::<Vec<_>>(), ["CARGO_TARGET_DIR", "CC"]);
        assert!(cook.mount_over("/out/x").is_some() && cook.mount_over("/app/web/t").is_none());
        assert_eq!((found[1].kind, found[1].flags.packages.len()), (Kind::Leptos, 0));
        assert_eq!(found[2].env["RUSTFLAGS"].as_deref(), Some("-Cx"));
        assert_eq!((found[3].kind, found[3].flags.is_unknown), (Kind::Build, true));
        assert_eq!(found.len(), 4);
    }

    #[test]
    fn builds_by_other_names() {
        let text = "FROM a\nRUN cargo install --path server --root /out\nRUN cargo run -q -p xtask -- build --server-only\n\
            RUN ./target/xtask/xtask build\nRUN cargo run -- build\n";
        let found = calls(text);
        assert_eq!(
            found.iter().map(|call| call.kind).collect::<Vec<_>>(),
            [Kind::Build, Kind::Xtask, Kind::Xtask]
        );
        assert_eq!(found[0].flags.profile.as_deref(), Some("release"));
        assert!(found[1].flags.server_only && !found[2].flags.server_only);
    }

    #[test]
    fn flags_before_the_subcommand() {
        let text = "FROM a\nWORKDIR /w\nRUN cargo leptos --manifest-path=./Cargo.toml build --release -vv\n\
            RUN cargo leptos --manifest-path web/Cargo.toml --log wasm build --bin-cargo-args=\"--profile=x -v\"\n\
            RUN cargo --color always +1.95 build --manifest-path web/Cargo.toml\nRUN cargo-leptos leptos --log server build\n\
            RUN cargo leptos --log build\nRUN cargo leptos --version\n";
        let found = calls(text);
        let shown: Vec<_> = found.iter().map(|call| (call.kind, call.line, call.folder.as_str())).collect();
        let expected = [
            (Kind::Leptos, 3, "/w"),
            (Kind::Leptos, 4, "/w/web"),
            (Kind::Build, 5, "/w"),
            (Kind::Leptos, 6, "/w"),
        ];
        assert_eq!(shown, expected);
        assert_eq!(found[0].flags.profile.as_deref(), Some("release"));
        assert_eq!(found[1].flags.bin_args, ["--profile=x", "-v"]);
        assert_eq!(Flags::of(&found[1].flags.bin_args).profile.as_deref(), Some("x"));
        assert_eq!(found[2].flags.toolchain.as_deref(), Some("1.95"));
        assert!(found[0].flags.is_here() && !found[2].flags.is_here());
    }

    #[test]
    fn variables_that_matter() {
        for (name, expected) in [
            ("RUSTFLAGS", true),
            ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER", true),
            ("CARGO_PROFILE_RELEASE_LTO", true),
            ("LEPTOS_BIN_TARGET_TRIPLE", true),
            ("CC", true),
            ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", false),
            ("CARGO_INCREMENTAL", false),
            ("SQLX_OFFLINE", false),
            ("DATABASE_URL", false),
        ] {
            assert_eq!(matters(name), expected, "{name}");
        }
    }

    #[test]
    fn targets() {
        let text = "FROM a\nRUN cargo build\nRUN CARGO_BUILD_TARGET=x cargo build\nRUN cargo build --target y\n\
            ARG T\nENV CARGO_BUILD_TARGET=$T\nRUN cargo build\n";
        let targets: Vec<_> = calls(text).iter().map(Call::target).collect();
        let known = |target: &str| Some(Some(target.to_owned()));
        assert_eq!(targets, [Some(None), known("x"), known("y"), None]);
    }

    #[test]
    fn paths_below_paths() {
        assert!(is_below("/a/b", "/a") && is_below("/a", "/a/") && !is_below("/ab", "/a"));
    }
}
