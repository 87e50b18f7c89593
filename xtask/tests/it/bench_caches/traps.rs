//! A small workspace in which everything is an input of a compilation that a cache may overlook. It has no
//! dependencies, and its program prints what it was compiled with.

use std::fs;
use std::path::Path;

/// Files of the workspace. `plain` has no build script, `scripted` has one that declares one file and one variable, and
/// reads another of each besides.
const FILES: [(&str, &str); 11] = [
    (
        "Cargo.toml",
        "[workspace]\nmembers = [\"app\", \"front\", \"macros\", \"plain\", \"scripted\"]\nresolver = \"2\"\n\n\
         [profile.release]\nopt-level = 1\ndebug = false\n",
    ),
    ("macros/Cargo.toml", "[package]\nname = \"macros\"\nedition = \"2021\"\n\n[lib]\nproc-macro = true\n"),
    (
        "macros/src/lib.rs",
        r#"//! Macros that read what nobody is told of.
use proc_macro::TokenStream;

/// The variable `SECRET` as it is now.
#[proc_macro]
pub fn secret_env(_: TokenStream) -> TokenStream {
    format!("{:?}", std::env::var("SECRET").unwrap_or_default()).parse().unwrap()
}

/// The file `secret.txt` beside the manifest of the crate that is compiled.
#[proc_macro]
pub fn secret_file(_: TokenStream) -> TokenStream {
    let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    format!("{:?}", std::fs::read_to_string(folder + "/secret.txt").unwrap()).parse().unwrap()
}
"#,
    ),
    (
        "plain/Cargo.toml",
        "[package]\nname = \"plain\"\nedition = \"2021\"\n\n[features]\nloud = []\n\n\
      [dependencies]\nmacros = { path = \"../macros\" }\n",
    ),
    (
        "plain/src/lib.rs",
        r#"//! A library without a build script.
pub fn describe() -> Vec<(&'static str, String)> {
    let said = if cfg!(feature = "loud") { "HELLO" } else { "hello" };
    vec![
        ("source", format!("{said} {}", words())),
        ("told variable", option_env!("TOLD").unwrap_or("").to_owned()),
        ("told file", include_str!("../told.txt").to_owned()),
        ("secret variable", macros::secret_env!().to_owned()),
        ("secret file", macros::secret_file!().to_owned()),
        ("folder", env!("CARGO_MANIFEST_DIR").to_owned()),
        ("panics at", std::panic::Location::caller().file().to_owned()),
    ]
}

fn words() -> &'static str {
    "first"
}
"#,
    ),
    ("plain/told.txt", "first"),
    ("plain/secret.txt", "first"),
    (
        "scripted/Cargo.toml",
        "[package]\nname = \"scripted\"\nedition = \"2021\"\n\n\
      [dependencies]\nmacros = { path = \"../macros\" }\n",
    ),
    (
        "scripted/build.rs",
        r#"fn main() {
    println!("cargo:rerun-if-changed=input.txt");
    println!("cargo:rerun-if-env-changed=SCRIPT_TOLD");
    let value = |name: &str| std::env::var(name).unwrap_or_default();
    let text = |name: &str| std::fs::read_to_string(name).unwrap();
    println!("cargo:rustc-env=SCRIPT_SAID={}", text("input.txt"));
    let out = value("OUT_DIR");
    let code = format!(
        "pub const DECLARED: &str = {:?};\npub const OVERHEARD: &str = {:?};\npub const FOUND: &str = {:?};\n",
        value("SCRIPT_TOLD"), value("SCRIPT_SECRET"), text("secret.txt"),
    );
    std::fs::write(out + "/generated.rs", code).unwrap();
}
"#,
    ),
    (
        "scripted/src/lib.rs",
        r#"//! A library with a build script.
mod generated {
    include!(concat!(env!("OUT_DIR"), "/generated.rs"));
}

pub fn describe() -> Vec<(&'static str, String)> {
    vec![
        ("script's file", env!("SCRIPT_SAID").to_owned()),
        ("script's variable", generated::DECLARED.to_owned()),
        ("script's secret variable", generated::OVERHEARD.to_owned()),
        ("script's secret file", generated::FOUND.to_owned()),
        ("secret file beside a script", macros::secret_file!().to_owned()),
        ("folder of the script", env!("OUT_DIR").to_owned()),
    ]
}
"#,
    ),
    (
        "app/Cargo.toml",
        "[package]\nname = \"app\"\nedition = \"2021\"\n\n[features]\nloud = [\"plain/loud\"]\n\n\
         [dependencies]\nplain = { path = \"../plain\" }\nscripted = { path = \"../scripted\" }\n",
    ),
];

/// Writes the workspace, in its first state.
pub fn write(root: &Path) {
    let more = [
        (
            "front/Cargo.toml",
            "[package]\nname = \"front\"\nedition = \"2021\"\n\n[lib]\ncrate-type = [\"cdylib\"]\n\n\
             [dependencies]\nplain = { path = \"../plain\" }\n",
        ),
        (
            "front/src/lib.rs",
            "#[unsafe(no_mangle)]\npub extern \"C\" fn length() -> usize {\n    plain::describe().len()\n}\n",
        ),
        ("scripted/input.txt", "first"),
        ("scripted/secret.txt", "first"),
        (
            "app/src/main.rs",
            "fn main() {\n    let all = plain::describe().into_iter().chain(scripted::describe());\n    \
             for (name, value) in all {\n        println!(\"{name}: {value}\");\n    }\n}\n",
        ),
    ];
    for (file, text) in FILES.into_iter().chain(more) {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// What is different from the first state.
pub struct Change {
    pub name: &'static str,
    /// A file whose `first` becomes `second`.
    pub edit: Option<&'static str>,
    /// A file that is written again as it is.
    pub touch: Option<&'static str>,
    /// A variable that is `second` instead of unset.
    pub variable: Option<&'static str>,
    pub args: &'static [&'static str],
    /// Another folder for the checkout.
    pub moved: bool,
}

const NONE: Change = Change { name: "", edit: None, touch: None, variable: None, args: &[], moved: false };

/// What people change, each alone; what the cache has seen before it stays in the cache.
pub const CHANGES: [Change; 14] = [
    Change { name: "nothing", ..NONE },
    Change { name: "an edit", edit: Some("plain/src/lib.rs"), ..NONE },
    Change { name: "a file's time", touch: Some("plain/src/lib.rs"), ..NONE },
    Change { name: "a feature", args: &["--features", "app/loud"], ..NONE },
    Change { name: "a variable read by option_env!", variable: Some("TOLD"), ..NONE },
    Change { name: "a variable read by a macro", variable: Some("SECRET"), ..NONE },
    Change { name: "a file read by include_str!", edit: Some("plain/told.txt"), ..NONE },
    Change { name: "a file read by a macro", edit: Some("plain/secret.txt"), ..NONE },
    Change { name: "a file that a build script declares", edit: Some("scripted/input.txt"), ..NONE },
    Change { name: "a variable that a build script declares", variable: Some("SCRIPT_TOLD"), ..NONE },
    Change { name: "a file that a build script just reads", edit: Some("scripted/secret.txt"), ..NONE },
    Change { name: "a variable that a build script just reads", variable: Some("SCRIPT_SECRET"), ..NONE },
    Change { name: "another checkout", moved: true, ..NONE },
    Change { name: "nothing, once more", ..NONE },
];

/// All variables that the workspace reads.
pub const VARIABLES: [&str; 4] = ["TOLD", "SECRET", "SCRIPT_TOLD", "SCRIPT_SECRET"];
