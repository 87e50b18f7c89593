//! xtask among fakes: a small workspace, and a `PATH` that holds nothing but stand-ins for every external tool.

mod ci_test;
mod delegated;
mod docker_build;
mod docker_inputs;
mod failing;
mod happy;
mod hosts;
mod images;
mod installing;
mod interrupted;
mod others;
mod serving;
mod untouched;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Run, Workspace, contents, example, folded};

/// Every tool that xtask may start.
const TOOLS: [&str; 18] = [
    "apt-cache",
    "apt-get",
    "cargo",
    "cargo-leptos",
    "cargo-nextest",
    "dpkg-deb",
    "git",
    "lightningcss",
    "node",
    "npm",
    "pip",
    "python3",
    "rustc",
    "rustup",
    "sass",
    "tailwindcss",
    "wasm-bindgen",
    "wasm-opt",
];

/// A workspace whose tools all do what they should, until a test says otherwise.
struct Fakes {
    workspace: Workspace,
    /// `bin` with the tools, `scripts`, `home`, and `toolchains/fake`, the sysroot.
    folder: tempfile::TempDir,
}

impl Fakes {
    fn new() -> Fakes {
        let mut fakes = Fakes { workspace: Workspace::empty(), folder: tempfile::tempdir().unwrap() };
        for folder in ["bin", "scripts", "home"] {
            fs::create_dir(fakes.folder().join(folder)).unwrap();
        }
        for tool in TOOLS {
            std::os::unix::fs::symlink(fake_tool(), fakes.folder().join("bin").join(tool)).unwrap();
        }
        fakes.sources();
        fakes.scripts();
        for (name, place) in [
            ("PATH", "bin"),
            ("FAKE_LOG", "log"),
            ("FAKE_SCRIPTS", "scripts"),
            ("HOME", "home"),
            ("XTASK_HOME", "home/xtask"),
            ("CARGO_HOME", "home/cargo"),
        ] {
            let path = fakes.folder().join(place).display().to_string();
            fakes.workspace.set(name, path);
        }
        // Nothing real is asked whether it is there.
        fakes.workspace.set("XTASK_SOURCES", "all");
        for name in [
            "CARGO",
            "RUSTC",
            "CARGO_NET_OFFLINE",
            "XTASK_OFFLINE",
            "XTASK_TIMEOUT",
            "SERVER_FN_OVERRIDE_KEY",
        ] {
            fakes.workspace.set(name, "");
        }
        fakes
    }

    fn folder(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    fn root(&self) -> PathBuf {
        self.workspace.root().canonicalize().unwrap()
    }

    /// What xtask reads itself.
    fn sources(&self) {
        let lock = "version = 4\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.100\"\n";
        for (file, text) in [
            ("Cargo.toml", "[workspace]\nmembers = [\"front\", \"server\"]\n"),
            ("Cargo.lock", lock),
            ("front/Cargo.toml", "[package]\nname = \"app-front\"\n"),
            ("front/src/lib.rs", "// the wasm half\n"),
            ("server/Cargo.toml", "[package]\nname = \"app-server\"\n"),
            ("server/src/main.rs", "// the native half\n"),
            ("style/main.css", "body { margin: 0 }\n"),
            ("style/main.scss", "body { margin: 0 }\n"),
            ("public/robots.txt", "User-agent: *\n"),
        ] {
            self.workspace.write(file, text);
        }
        for library in ["libstd-1.rlib", "libcore-1.rlib"] {
            let sysroot = self.folder().join("toolchains/fake/lib/rustlib");
            fs::create_dir_all(sysroot.join("wasm32-unknown-unknown/lib")).unwrap();
            fs::write(sysroot.join("wasm32-unknown-unknown/lib").join(library), "").unwrap();
            fs::write(sysroot.join("multirust-channel-manifest.toml"), "").unwrap();
        }
    }

    /// What the tools do when all is well.
    fn scripts(&self) {
        let (root, folder) = (self.root(), self.folder());
        let target = root.join("target");
        let wasm = target.join("wasm32-unknown-unknown/production/app_front.wasm");
        let server = target.join("production/app-server");
        let compile = |what: &Path, source: &str, kind: &str| {
            let source = root.join(source);
            let package = source.parent().unwrap().parent().unwrap();
            let dep_info = what.with_extension("d");
            format!(
                "write {what} made of {kind}\nwrite {dep_info} {what}: {source}\nout {artifact}\nout {finished}\n",
                what = what.display(),
                dep_info = dep_info.display(),
                source = source.display(),
                artifact = artifact(package, kind, what),
                finished = json!({"reason": "build-finished", "success": true}),
            )
        };
        let front = compile(&wasm, "front/src/lib.rs", "cdylib");
        let native = compile(&server, "server/src/main.rs", "bin");
        self.script(
            "cargo",
            &format!(
                "[metadata]\nout {metadata}\n[--lib]\n{front}[build --bin]\n{native}[nextest run]\n",
                metadata = metadata(&root, "style/main.css")
            ),
        );
        let sysroot = folder.join("toolchains/fake");
        let verbose = "out rustc 1.95.0 (fake)\nout commit-hash: 0123456789abcdef\n\
                       out host: x86_64-unknown-linux-gnu\nout release: 1.95.0\n";
        self.script("rustc", &format!("[-vV]\n{verbose}[--print sysroot]\nout {}\n", sysroot.display()));
        self.script("git", "[status]\n[log]\nout 0123abcd 2026-01-02T03:04:05+00:00\n");
        self.script(
            "wasm-bindgen",
            "[--version]\nout wasm-bindgen 0.2.100\n\
             [--out-dir]\nwrite {--out-dir}/app.js export {}\ncopy {1} {--out-dir}/app_bg.wasm\n",
        );
        let version = "[--version]\nout wasm-opt version 131 (version_131)\n";
        self.script("wasm-opt", &format!("{version}[-o]\ncopy {{4}} {{-o}}\n"));
        self.script(
            "sass",
            "[--version]\nout 1.97.3 compiled with dart2js\n[--no-source-map]\nwrite {4} body{}\n",
        );
        let version = "[--help]\nout tailwindcss v4.2.1\n";
        self.script("tailwindcss", &format!("{version}[--input]\nwrite {{--output}} .p-4{{}}\n"));
        self.script(
            "lightningcss",
            "[--version]\nout lightningcss 1.0.0-alpha.71\n[--targets]\nwrite {--output-file} body{}\n",
        );
    }

    fn script(&self, tool: &str, text: &str) {
        fs::write(self.folder().join("scripts").join(tool), text).unwrap();
    }

    /// From now on the tool does this when its arguments have these words.
    fn when(&self, tool: &str, words: &str, lines: &str) {
        let path = self.folder().join("scripts").join(tool);
        let known = fs::read_to_string(&path).unwrap_or_default();
        fs::write(path, format!("[{words}]\n{lines}\n{known}")).unwrap();
    }

    /// Takes the tool off `PATH`.
    fn remove(&self, tool: &str) {
        fs::remove_file(self.folder().join("bin").join(tool)).unwrap();
    }

    /// The toolchain has no standard library for the browser.
    fn remove_wasm_target(&self) {
        fs::remove_dir_all(self.folder().join("toolchains/fake/lib/rustlib/wasm32-unknown-unknown")).unwrap();
    }

    /// The project's style sheet needs Sass.
    fn use_sass(&self) {
        self.when("cargo", "metadata", &format!("out {}", metadata(&self.root(), "style/main.scss")));
    }

    /// The project's table has these keys more.
    fn use_keys(&self, keys: &Value) {
        let mut whole = metadata(&self.root(), "style/main.css");
        let table = whole["metadata"]["leptos"][0].as_object_mut().unwrap();
        table.extend(keys.as_object().unwrap().clone());
        self.when("cargo", "metadata", &format!("out {whole}"));
    }

    fn run(&self, args: &[&str]) -> Run {
        self.workspace.xtask(args)
    }

    /// The calls since the last time, as `tool arguments`.
    fn calls(&self) -> Vec<String> {
        let log = self.folder().join("log");
        let text = fs::read_to_string(&log).unwrap_or_default();
        let _ = fs::remove_file(log);
        text.lines().map(str::to_owned).collect()
    }

    /// Text without the paths of this run.
    fn plain(&self, text: &str) -> String {
        let root = self.root().display().to_string();
        let folder = self.folder().display().to_string();
        text.replace(&root, "[root]").replace(&format!("{folder}/bin"), "[bin]").replace(&folder, "[tools]")
    }

    /// The one message of a failed run. The exact command is told by its place in the printed plan.
    fn message(&self, run: &Run, plan: &str) -> String {
        let text = run.messages(&self.workspace);
        assert_eq!(text.lines().filter(|line| line.starts_with("error:")).count(), 1, "{text}");
        let text = self.plain(&text);
        let plan = self.plain(plan);
        let planned = |line: &str| {
            let command = line.strip_prefix("  command: ");
            command.is_some_and(|command| plan.lines().any(|planned| planned == command))
        };
        let lines = text.lines().map(|line| if planned(line) { "  command: [as planned]" } else { line });
        folded(&lines.collect::<Vec<_>>().join("\n"))
    }

    /// The plan as a shell script, by a dry run.
    fn plan(&self) -> String {
        self.run(&["build", "--dry-run"]).stdout
    }

    /// What a user or a server could take for the result of a build.
    fn results(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        for folder in ["target/site", "target/xtask/receipts", "target/xtask/site"] {
            all.extend(contents(&self.root().join(folder)));
        }
        all
    }

    /// The records of all builds so far.
    fn records(&self) -> Vec<Value> {
        let text =
            fs::read_to_string(self.root().join("target/xtask/records/build.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// The fake, built by cargo as an example of this package.
fn fake_tool() -> PathBuf {
    example("fake-tool")
}

/// What `cargo metadata` says of the workspace.
fn metadata(root: &Path, style: &str) -> Value {
    let package = |name: &str, folder: &str, source: &str, kind: &str| {
        let folder = root.join(folder);
        json!({
            "name": name, "version": "0.1.0", "id": format!("path+file://{}#{name}@0.1.0", folder.display()),
            "manifest_path": folder.join("Cargo.toml"), "metadata": null, "features": {},
            "targets": [{"name": name.replace('-', "_"), "kind": [kind], "crate_types": [kind],
                         "src_path": folder.join(source)}],
        })
    };
    let mut server = package("app-server", "server", "src/main.rs", "bin");
    server["targets"][0]["name"] = "app-server".into();
    json!({
        "packages": [package("app-front", "front", "src/lib.rs", "cdylib"), server],
        "workspace_root": root, "target_directory": root.join("target"),
        "metadata": {"leptos": [{"name": "app", "bin-package": "app-server", "lib-package": "app-front",
                                 "style-file": style, "assets-dir": "public", "hash-files": true}]},
    })
}

/// Cargo's message about a unit that it has compiled.
fn artifact(package: &Path, kind: &str, file: &Path) -> Value {
    json!({
        "reason": "compiler-artifact", "package_id": format!("path+file://{}#0.1.0", package.display()),
        "target": {"name": "app", "kind": [kind]}, "features": [], "filenames": [file], "fresh": false,
    })
}
