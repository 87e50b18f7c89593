//! Rules that compare several files, both ways: what each of them has to find, and what looks alike and is right.

use std::collections::BTreeSet;

use super::super::look;
use super::super::repository::Repository;

type Files<'a> = &'a [(&'a str, &'a str)];

/// The rules that a repository of these files breaks.
fn found(files: Files<'_>) -> BTreeSet<&'static str> {
    let mut repository = Repository::default();
    for (name, text) in files {
        let (name, text) = ((*name).to_owned(), (*text).to_owned());
        if name.ends_with(".rs") {
            repository.sources.insert(name, text);
            continue;
        }
        if name.ends_with("Cargo.toml") {
            repository.manifests.push(name.clone());
        } else if name == "Dockerfile" {
            repository.dockerfiles.push(name.clone());
        }
        repository.files.insert(name, text);
    }
    look(&repository).into_iter().map(|finding| finding.rule).collect()
}

fn breaks(rule: &str, files: Files<'_>) {
    let found = found(files);
    assert!(found.contains(rule), "{rule} is not among {found:?} of {files:#?}");
}

fn keeps(rule: &str, files: Files<'_>) {
    assert!(!found(files).contains(rule), "{rule} is found in {files:#?}");
}

/// The manifest of an app in one package, with more in its table and at its end.
fn package(table: &str, end: &str) -> String {
    let text = "[package]\nname = \"app\"\n[package.metadata.leptos]\noutput-name = \"app\"\nbin-features = [\"ssr\"]\nlib-features = [\"hydrate\"]\n";
    format!("{text}{table}\n{end}\n")
}

const FEATURES: &str = "[features]\nhydrate = [\"leptos/hydrate\"]\nssr = [\"dep:axum\", \"leptos/ssr\"]\n";
const NONE: &str = "fn main() { let conf = get_configuration(None).unwrap(); }";
const SOME: &str = "fn main() { let conf = get_configuration(Some(\"Cargo.toml\")).unwrap(); }";

/// A recipe with two cooks; the flags of the server's, and what stands between the cooks and the build.
fn cooked(flags: &str, between: &str) -> String {
    format!(
        "FROM rust:1.90-trixie AS builder\nWORKDIR /w\nENV LEPTOS_OUTPUT_NAME=app\nCOPY recipe.json .\n\
         RUN cargo chef cook --release {flags}\n\
         RUN cargo chef cook --release --features hydrate --target wasm32-unknown-unknown --target-dir target/front\n\
         {between}\nCOPY . .\nRUN cargo leptos build --release\n"
    )
}

/// An image that takes what the builder's line makes.
fn image(build: &str, runtime: &str) -> String {
    format!("FROM rust:1.90-trixie AS builder\nWORKDIR /w\nCOPY . .\n{build}\n{runtime}\n")
}

const BUILD: &str = "RUN cargo leptos build --release";
const RUNTIME: &str = "FROM debian:trixie-slim\nWORKDIR /app\nCOPY --from=builder /w/target/release/app ./\n\
    COPY --from=builder /w/target/site site\nCMD [\"/app/app\"]";

#[test]
fn features_that_ask_dependencies_for_the_same() {
    let rule = "cook-features-differ";
    let plain = package("", FEATURES);
    let with_default = package("", &format!("{FEATURES}default = [\"leptos/csr\"]\n"));
    let with_empty = package("", &format!("{FEATURES}default = [\"log\"]\nlog = []\n"));
    keeps(rule, &[("Cargo.toml", &plain), ("Dockerfile", &cooked("--features ssr", ""))]);
    keeps(rule, &[("Cargo.toml", &with_empty), ("Dockerfile", &cooked("--features ssr", ""))]);
    breaks(rule, &[("Cargo.toml", &with_default), ("Dockerfile", &cooked("--features ssr", ""))]);
    breaks(rule, &[("Cargo.toml", &plain), ("Dockerfile", &cooked("", ""))]);
    // What stands on the command line takes the place of the metadata.
    let given =
        cooked("--features hydrate", "").replace("leptos build", "leptos build --bin-features hydrate");
    keeps(rule, &[("Cargo.toml", &plain), ("Dockerfile", &given)]);
}

#[test]
fn variables_after_the_cook() {
    let rule = "cook-environment-differs";
    let manifest = package("", FEATURES);
    for harmless in ["SQLX_OFFLINE=true", "CARGO_INCREMENTAL=0", "LEPTOS_SITE_ADDR=0.0.0.0:3000"] {
        let recipe = cooked("--features ssr", &format!("ENV {harmless}"));
        keeps(rule, &[("Cargo.toml", &manifest), ("Dockerfile", &recipe)]);
    }
    let recipe = cooked("--features ssr", "ENV CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=clang");
    breaks(rule, &[("Cargo.toml", &manifest), ("Dockerfile", &recipe)]);
}

#[test]
fn the_address_that_a_server_listens_at() {
    let rule = "listens-on-loopback";
    let (open, closed) = (package("site-addr = \"0.0.0.0:3000\"", ""), package("", ""));
    let recipe = image(BUILD, RUNTIME);
    let with_manifest = recipe.replace("CMD", "COPY --from=builder /w/Cargo.toml ./\nCMD");
    breaks(rule, &[("Cargo.toml", &open), ("Dockerfile", &with_manifest), ("src/main.rs", NONE)]);
    keeps(rule, &[("Cargo.toml", &open), ("Dockerfile", &with_manifest), ("src/main.rs", SOME)]);
    breaks(rule, &[("Cargo.toml", &closed), ("Dockerfile", &with_manifest), ("src/main.rs", SOME)]);
    let own = format!("{NONE}\nfn address() {{ SocketAddr::from(([0, 0, 0, 0], port)) }}");
    keeps(rule, &[("Cargo.toml", &closed), ("Dockerfile", &recipe), ("src/main.rs", &own)]);
    let loopback = recipe.replace("CMD", "ENV LEPTOS_SITE_ADDR=127.0.0.1:3000\nCMD");
    breaks(rule, &[("Cargo.toml", &closed), ("Dockerfile", &loopback), ("src/main.rs", &own)]);
    // A script may set it.
    let script = recipe.replace("CMD [\"", "COPY start.sh /\nENTRYPOINT [\"/start.sh\"]\nCMD [\"");
    for rule in [rule, "port-ignored", "leptos-environment-incomplete"] {
        keeps(rule, &[("Cargo.toml", &closed), ("Dockerfile", &script), ("src/main.rs", NONE)]);
        breaks(rule, &[("Cargo.toml", &closed), ("Dockerfile", &recipe), ("src/main.rs", NONE)]);
    }
}

#[test]
fn a_table_that_is_read_and_one_that_is_only_copied() {
    let manifest = package("hash-files = true\nsite-root = \"site\"", "");
    let recipe = image(BUILD, RUNTIME).replace("/w/target/site site", "/w/site site");
    let copied = recipe.replace("CMD", "COPY --from=builder /w/Cargo.toml ./\nCMD");
    for rule in ["hash-files-unset", "leptos-environment-missing", "leptos-environment-incomplete"] {
        breaks(rule, &[("Cargo.toml", &manifest), ("Dockerfile", &copied), ("src/main.rs", NONE)]);
        keeps(rule, &[("Cargo.toml", &manifest), ("Dockerfile", &copied), ("src/main.rs", SOME)]);
    }
    let rule = "leptos-manifest-missing";
    breaks(rule, &[("Cargo.toml", &manifest), ("Dockerfile", &recipe), ("src/main.rs", SOME)]);
    keeps(rule, &[("Cargo.toml", &manifest), ("Dockerfile", &recipe), ("src/main.rs", NONE)]);
    // A table of the whole workspace is one too, where it has a name for the output.
    let table = "[workspace]\n[[workspace.metadata.leptos]]\nname = \"app\"\nbin-package = \"app\"\nlib-package = \"app\"\n";
    let named = format!("{table}output-name = \"app\"\n");
    let member = "[package]\nname = \"app\"\n";
    let workspace = |root: &str, recipe: &str| {
        found(&[("Cargo.toml", root), ("app/Cargo.toml", member), ("Dockerfile", recipe), ("main.rs", SOME)])
    };
    let copied_member = copied.replace("/w/Cargo.toml", "/w/app/Cargo.toml");
    assert!(workspace(&named, &copied_member).contains(rule));
    assert!(!workspace(&named, &copied).contains(rule));
    assert!(workspace(table, &copied).contains("leptos-environment-missing"));
}

#[test]
fn programs_and_the_folders_that_they_are_built_in() {
    let rule = "binary-path-mismatch";
    let manifest = package("bin-target = \"app\"", "");
    let recipe = image(BUILD, RUNTIME);
    let files = |recipe: &str| {
        found(&[
            ("Cargo.toml", &manifest),
            ("Dockerfile", recipe),
            ("src/main.rs", NONE),
            ("src/bin/more.rs", ""),
        ])
    };
    assert!(!files(&recipe).contains(rule));
    assert!(
        files(&recipe.replace("release/app", "release/start").replace("/app/app", "/app/start"))
            .contains(rule)
    );
    assert!(
        !files(&recipe.replace("release/app", "release/more").replace("/app/app", "/app/more"))
            .contains(rule)
    );
    let renamed = image(&format!("{BUILD} && mv target/release/app target/release/start"), RUNTIME);
    let renamed =
        renamed.replace("w/target/release/app", "w/target/release/start").replace("/app/app", "/app/start");
    assert!(!files(&renamed).contains(rule));
    // The folder by a variable, by an argument, and by both.
    let musl = recipe.replace("target/release", "target/x86_64-unknown-linux-musl/release");
    let chosen = musl.replace("COPY . .", "ENV LEPTOS_BIN_TARGET_TRIPLE=x86_64-unknown-linux-musl\nCOPY . .");
    assert!(files(&musl).contains(rule) && !files(&chosen).contains(rule));
    assert!(!files(&musl.replace("rust:1.90-trixie", "clux/muslrust:1.90.0-stable")).contains(rule));
    let passed = recipe.replace("--release", "--bin-cargo-args=\"--profile=small\"");
    assert!(files(&passed).contains(rule));
    assert!(!files(&passed.replace("target/release", "target/small")).contains(rule));
}

#[test]
fn libraries_of_the_builder_and_of_the_image() {
    let manifest = package("", "");
    let files = |from: &str, runtime: &str, env: &str| {
        let recipe = image(&format!("{env}\n{BUILD}"), RUNTIME).replace("rust:1.90-trixie", from);
        found(&[("Cargo.toml", &manifest), ("Dockerfile", &recipe.replace("debian:trixie-slim", runtime))])
    };
    let rule = "runtime-glibc-older";
    for from in ["rust:1.90", "rust:latest", "lukemathwalker/cargo-chef:latest-rust-1.92"] {
        assert!(files(from, "debian:bookworm-slim", "").contains(rule), "{from}");
        assert!(!files(from, "debian:trixie-slim", "").contains(rule), "{from}");
    }
    for from in ["rust:1.88", "rust:1.90-bookworm", "ghcr.io/owner/rust:1.90"] {
        assert!(!files(from, "debian:bookworm-slim", "").contains(rule), "{from}");
    }
    let rule = "runtime-libraries-missing";
    assert!(files("rust:1.90", "scratch", "").contains(rule));
    for env in [
        "ENV LEPTOS_BIN_TARGET_TRIPLE=x86_64-unknown-linux-musl",
        "ENV CARGO_BUILD_TARGET=x86_64-unknown-linux-musl",
        "ENV RUSTFLAGS=\"-C target-feature=+crt-static\"",
        "ARG TRIPLE\nENV LEPTOS_BIN_TARGET_TRIPLE=$TRIPLE",
    ] {
        assert!(!files("rust:1.90", "scratch", env).contains(rule), "{env}");
    }
    let recipe = image(BUILD, &RUNTIME.replace("debian:trixie-slim", "scratch"));
    let config = "[build]\ntarget = \"x86_64-unknown-linux-musl\"\n";
    keeps(rule, &[("Cargo.toml", &manifest), ("Dockerfile", &recipe), (".cargo/config.toml", config)]);
}

#[test]
fn a_build_behind_flags_of_cargo_leptos() {
    let rule = "cook-front-missing";
    let manifest = package("", FEATURES);
    let both =
        cooked("--features ssr", "").replace("leptos build", "leptos --manifest-path=./Cargo.toml build");
    let one: Vec<&str> = both.lines().filter(|line| !line.contains("hydrate")).collect();
    keeps(rule, &[("Cargo.toml", &manifest), ("Dockerfile", &both)]);
    breaks(rule, &[("Cargo.toml", &manifest), ("Dockerfile", &one.join("\n"))]);
}

#[test]
fn members_that_are_copied_before_the_cook() {
    let rule = "copy-before-cook";
    let root = "[workspace]\nmembers = [\"web/app\", \"xtask\"]\n";
    let files = |copied: &str| {
        let recipe =
            cooked("", "").replace("COPY recipe.json .", &format!("COPY recipe.json .\nCOPY {copied}"));
        let member = "[package]\nname = \"app\"\n";
        let own = "[package]\nname = \"xtask\"\n";
        found(&[
            ("Cargo.toml", root),
            ("web/app/Cargo.toml", member),
            ("xtask/Cargo.toml", own),
            ("Dockerfile", &recipe),
        ])
    };
    for sources in ["web web", "./web/app/ web/app/", "web/app/src/ src/", ". ."] {
        assert!(files(sources).contains(rule), "{sources}");
    }
    for others in ["web/app/Cargo.toml web/app/", "docs docs", "xtask xtask", "webapp webapp"] {
        assert!(!files(others).contains(rule), "{others}");
    }
}

#[test]
fn the_list_of_hashes_beside_the_program() {
    let rule = "hash-file-not-copied";
    let manifest = package("hash-files = true", "");
    let files = |into: &str, command: &str| {
        let recipe = image(BUILD, RUNTIME)
            .replace("release/app ./", &format!("release/app /w/target/release/hash.txt {into}"));
        found(&[("Cargo.toml", &manifest), ("Dockerfile", &recipe.replace("CMD [\"/app/app\"]", command))])
    };
    for (into, command, expected) in [
        ("./", "CMD [\"/app/app\"]", false),
        ("/usr/local/bin/", "CMD [\"app\"]", false),
        ("/opt/", "ENV PATH=\"/opt:${PATH}\"\nCMD [\"app\"]", false),
        ("./", "ENTRYPOINT [\"/usr/bin/tini\", \"--\", \"/app/app\"]", false),
        ("./", "COPY start.sh /\nENTRYPOINT [\"/start.sh\"]\nCMD [\"./app\"]", false),
        ("/usr/local/bin/", "COPY --from=builder /w/target/release/app ./\nCMD [\"./app\"]", true),
        ("/opt/", "COPY --from=builder /w/target/release/app /usr/local/bin/\nCMD [\"app\"]", true),
    ] {
        assert_eq!(files(into, command).contains(rule), expected, "{into} {command}");
    }
}

#[test]
fn compilers_of_the_cook_and_of_the_build() {
    let rule = "cook-toolchain-differs";
    let manifest = package("", FEATURES);
    let recipe = |cook: &str, build: &str| {
        let copied = "COPY --from=builder /w/target target";
        let second = format!("FROM {build}\nWORKDIR /w\nENV LEPTOS_OUTPUT_NAME=app\n{copied}");
        let (image, more) = cook.split_once('\n').unwrap_or((cook, ""));
        let first = format!("{image} AS builder\n{more}");
        cooked("--features ssr", &second).replace("rust:1.90-trixie AS builder", &first)
    };
    let files =
        |cook: &str, build: &str| found(&[("Cargo.toml", &manifest), ("Dockerfile", &recipe(cook, build))]);
    let chef = "lukemathwalker/cargo-chef:latest-rust-1";
    let nightly = "debian:trixie\nRUN curl https://sh.rustup.rs | sh -s -- -y --default-toolchain nightly";
    for (cook, build, expected) in [
        (chef, "rustlang/rust:nightly", true),
        ("rust:1.90-trixie", "rust:1.91-trixie", true),
        (nightly, "rust:1.91-trixie", true),
        (chef, "rust:1.90-slim", false),
        (nightly, "rustlang/rust:nightly-slim", false),
        ("ghcr.io/owner/chef", "rust:1.91", false),
        ("rust:1.90", "rust:1.91\nRUN rustup default 1.90.0", false),
        ("ghcr.io/owner/chef", "rust:1.91\nRUN rustup default 1.90.0", true),
    ] {
        assert_eq!(files(cook, build).contains(rule), expected, "{cook} {build}");
    }
    // The repository says it for both, and nothing is known against it.
    let both = recipe(chef, "rustlang/rust:nightly");
    let file = "[toolchain]\nchannel = \"1.90.0\"\n";
    keeps(rule, &[("Cargo.toml", &manifest), ("Dockerfile", &both), ("rust-toolchain.toml", file)]);
    breaks(
        rule,
        &[("Cargo.toml", &manifest), ("Dockerfile", &both), ("rust-toolchain.toml", "[toolchain]\n")],
    );
}

/// cargo-chef writes the repository's file, but cargo has chosen its compiler by then.
#[test]
fn a_toolchain_file_that_comes_after_the_first_cook() {
    let rule = "cook-toolchain-differs";
    let manifest = package("", FEATURES);
    let plain = cooked("--features ssr", "");
    let files = |recipe: &str, name: &str, file: &str| {
        found(&[("Cargo.toml", &manifest), ("Dockerfile", recipe), (name, file)]).contains(rule)
    };
    let (old, new) = ("rust-toolchain", "rust-toolchain.toml");
    let channel = "[toolchain]\nchannel = \"1.89.0\"\n";
    assert!(files(&plain, new, channel) && files(&plain, old, channel) && files(&plain, old, "1.89.0\n"));
    for same in ["[toolchain]\nchannel = \"1.90.0\"\n", "[toolchain]\ntargets = []\n"] {
        assert!(!files(&plain, new, same), "{same}");
    }
    for brought in [
        "COPY rust-toolchain.toml recipe.json ./",
        "COPY rust-toolchai[n]* recipe.json ./",
        "COPY *.toml recipe.json ./",
        "COPY --from=planner /src/rust-toolchain.toml recipe.json ./",
        "COPY --from=planner /src .",
        "COPY . .",
        "RUN echo 1.89.0 >rust-toolchain\nCOPY recipe.json .",
        "RUN cargo chef cook --no-build\nCOPY recipe.json .",
    ] {
        let recipe = plain.replace("COPY recipe.json .", brought);
        assert!(!files(&recipe, new, channel), "{brought}");
    }
    let mount = "RUN --mount=source=rust-toolchain.toml,target=rust-toolchain.toml";
    let mounted = plain.replace("RUN cargo chef", &format!("{mount} cargo chef"));
    assert!(!files(&mounted, new, channel));
    // A base of which nothing is known may have that very compiler.
    assert!(!files(&plain.replace("rust:1.90-trixie", "ghcr.io/owner/rust:1"), new, channel));
    assert!(files(&plain.replace("COPY recipe.json .", "COPY Cargo.* recipe.json ./"), new, channel));
}

#[test]
fn headers_of_openssl() {
    let rule = "openssl-headers-missing";
    let manifest = package("", "");
    let files = |from: &str, before: &str, packages: &[&str]| {
        let locked = |name: &&str| format!("[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\n");
        let lock: String = packages.iter().map(locked).collect();
        let recipe = image(&format!("{before}\n{BUILD}"), RUNTIME).replace("rust:1.90-trixie", from);
        found(&[("Cargo.toml", &manifest), ("Dockerfile", &recipe), ("Cargo.lock", &lock)]).contains(rule)
    };
    let slim = "rust:1.90-slim-trixie";
    let sys: &[&str] = &["openssl-sys"];
    let apt = "RUN apt-get update && apt-get install -y";
    for before in ["", &format!("{apt} ca-certificates openssl"), &format!("ARG MORE=\"\"\n{apt} ${{MORE}}")]
    {
        assert!(files(slim, before, sys), "{before}");
    }
    for before in [
        "RUN ./packages.sh",
        "ENV OPENSSL_DIR=/opt/openssl",
        "ENV LEPTOS_BIN_TARGET_TRIPLE=x86_64-unknown-linux-musl",
        &format!("{apt} pkg-config libssl-dev"),
        &format!("ARG MORE=\"pkg-config libssl-dev\"\n{apt} ${{MORE}}"),
        &format!("ARG MORE\n{apt} ${{MORE}}"),
        &format!("{apt} $(cat packages.txt)"),
    ] {
        assert!(!files(slim, before, sys), "{before}");
    }
    assert!(!files(slim, "", &["openssl-sys", "openssl-src"]) && !files(slim, "", &["rustls"]));
    for from in ["rust:1.90-trixie", "ghcr.io/owner/rust:1.90-slim", "ghcr.io/owner/builder:1-slim"] {
        assert!(!files(from, "", sys), "{from}");
    }
}
