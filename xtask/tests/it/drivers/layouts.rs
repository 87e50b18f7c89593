//! One workspace with four Leptos projects, each laid out in a way of its own, on the packages of the fixture.

use std::process::Command;

use crate::support::Workspace;

/// The project with plain CSS and hashed names, described in the root manifest.
pub const PLAIN: &str = "plain";
/// Sass, plain names, the script minified where the driver does that.
pub const SASS: &str = "sassy";
/// CSS with an import, and Tailwind after it.
pub const TAILWIND: &str = "windy";
/// Both halves in one package of two binaries, described in that package's own manifest.
pub const SOLO: &str = "solo";

/// The fixture with these four projects instead of its own.
pub fn workspace() -> Workspace {
    let workspace = Workspace::fixture();
    let manifest = workspace.read("Cargo.toml");
    let head = manifest.split("[[workspace.metadata.leptos]]").next().unwrap();
    let head = head.replace("\"server\"]", "\"server\", \"apps/solo\"]");
    let table = |name: &str, keys: &str| {
        format!(
            "[[workspace.metadata.leptos]]\nname = \"{name}\"\nbin-package = \"fixture-server\"\n\
             lib-package = \"fixture-front\"\nsite-root = \"target/site-{name}\"\n{keys}\n"
        )
    };
    let plain =
        "style-file = \"style/main.css\"\nassets-dir = \"public\"\nhash-files = true\njs-minify = false\n";
    let sassy = "style-file = \"style/main.scss\"\noutput-name = \"app\"\nsite-pkg-dir = \"a/b\"\n";
    let windy = "style-file = \"style/both.css\"\nstyle-bundle = true\ntailwind-input-file = \"style/wind.css\"\n\
                 hash-files = true\nhash-file-name = \"names.txt\"\njs-minify = false\n";
    let tables = [table(PLAIN, plain), table(SASS, sassy), table(TAILWIND, windy)].join("\n");
    workspace.write("Cargo.toml", &(head.to_owned() + &tables));
    workspace
        .write("style/main.scss", "@use 'colours';\n\nbody {\n  p {\n    color: colours.$ink;\n  }\n}\n");
    workspace.write("style/_colours.scss", "$ink: #204060;\n");
    workspace.write("style/both.css", "@import \"part.css\";\n\nbody {\n  margin: 0;\n}\n");
    workspace.write("style/part.css", "h1 {\n  user-select: none;\n}\n");
    workspace.write("style/wind.css", "@import \"tailwindcss\";\n@source not \"../target\";\n");
    workspace.write("ui/src/classes.rs", "// pub const CARD: &str = \"bg-red-500 p-4\";\n");
    solo(&workspace);
    // One package more: a build that has to write it down would change one of its own sources.
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--offline", "--format-version", "1"]).current_dir(workspace.root());
    assert!(command.output().unwrap().status.success());
    workspace
}

fn solo(workspace: &Workspace) {
    workspace.write(
        "apps/solo/Cargo.toml",
        r#"[package]
name = "solo"
version = "0.1.0"
edition = "2024"
publish = false

[lib]
crate-type = ["cdylib", "rlib"]

[[bin]]
name = "solo"
path = "src/main.rs"
required-features = ["ssr"]

[[bin]]
name = "import"
path = "src/import.rs"
required-features = ["ssr"]

[dependencies]
fixture-core.workspace = true
fixture-ui.workspace = true
wasm-bindgen.workspace = true
serde_json = { workspace = true, optional = true }
signal-hook = { workspace = true, optional = true }

[features]
hydrate = []
ssr = ["dep:serde_json", "dep:signal-hook"]

[package.metadata.leptos]
site-root = "target/site-solo"
style-file = "style.css"
assets-dir = "assets"
bin-target = "solo"
bin-cargo-command = "cargo --color never"
bin-features = ["ssr"]
lib-features = ["hydrate"]
js-minify = false
"#,
    );
    for file in ["main", "connections", "http", "page", "routes", "site"] {
        let text = workspace.read(&format!("server/src/{file}.rs"));
        workspace.write(&format!("apps/solo/src/{file}.rs"), &text);
    }
    let front = workspace.read("front/src/lib.rs");
    workspace.write("apps/solo/src/lib.rs", &format!("{front}\n#[cfg(not(any(feature = \"hydrate\", feature = \"ssr\")))]\ncompile_error!(\"one half\");\n"));
    workspace.write("apps/solo/src/import.rs", "fn main() {}\n");
    workspace.write("apps/solo/style.css", "main {\n  padding: 1rem;\n}\n");
    workspace.write("apps/solo/assets/deep/note.txt", &"an asset in a folder\n".repeat(30));
}
