//! Nightly compilers: what switches them on, what shows it, and a proof with the toolchain that is there.

use std::path::PathBuf;

use super::*;
use crate::exec::Mode;
use crate::ui::Ui;

/// As cargo says it, with a flag of the workspace.
fn running(crate_name: &str, kind: &str, flags: &str) -> String {
    format!(
        "     Running `/t/bin/rustc --crate-name {crate_name} --edition=2024 server/src/main.rs --error-format=json \
         --crate-type {kind} --emit=dep-info,link {flags} -C metadata=1f -L dependency=/w/target/deps --cfg own`\n"
    )
}

#[test]
fn cargos_own_word_on_the_server_counts() {
    let told = |compiler: &str, said: &str| {
        let variant: Variant = format!("compiler={compiler}").parse().unwrap();
        contradiction(&variant, 3, said, "the-server", 2).unwrap_or_default()
    };
    let server = |flags: &str| running("serde", "lib", "-Zthreads=9") + &running("the_server", "bin", flags);
    assert_eq!(told("parallel", &server("-Zthreads=2")), "");
    assert_eq!(told("parallel", &server("-Z threads=2")), "");
    let coloured = server("-Zthreads=2").replace("Running", "\u{1b}[1m\u{1b}[92mRunning\u{1b}[0m");
    assert_eq!(told("parallel", &coloured), "");
    assert_eq!(
        told("parallel", &server("-O")),
        "parallel was not active: cargo called rustc without threads=2"
    );
    // A later flag of the workspace's own.
    assert_eq!(
        told("parallel", &server("-Zthreads=2 -Zthreads=1")),
        "parallel was not active: cargo called rustc with threads=1"
    );
    assert_eq!(told("cranelift", &server("-Z codegen-backend=cranelift")), "");
    assert_eq!(
        told("cranelift", &server("-Z codegen-backend=cranelift -Zcodegen-backend=llvm")),
        "cranelift was not active: cargo called rustc with codegen-backend=llvm"
    );
    let others =
        running("the_server", "lib", "-Zthreads=2") + &running("the_server_too", "bin", "-Zthreads=2");
    assert_eq!(told("parallel", &others), "parallel was not active: cargo did not tell how it called rustc");
    // What needs no nightly, and a build that compiled nothing, need no proof.
    assert_eq!(told("stable", ""), "");
    assert_eq!(contradiction(&"compiler=parallel".parse().unwrap(), 0, "", "the-server", 2), None);
}

#[test]
fn both_are_settings_of_the_profile() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".cargo")).unwrap();
    let config = "[target.wasm32-unknown-unknown]\nrustflags = ['-Cown']\n[build]\nrustflags = ['-Call']\n";
    std::fs::write(folder.path().join(".cargo/config.toml"), config).unwrap();
    let config = CargoConfig::read(folder.path()).unwrap();
    let told = |compiler: &str| {
        let variables = environment(compiler, "my-ci", &config, 4).unwrap_or_default();
        variables.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
    };
    assert_eq!(told("stable"), [""; 0]);
    let verbose = ["CARGO_TERM_VERBOSE=true", "CARGO_TERM_QUIET=false"];
    let parallel = [
        "CARGO_UNSTABLE_PROFILE_RUSTFLAGS=true",
        "CARGO_PROFILE_MY_CI_RUSTFLAGS=-Zthreads=4",
        "CARGO_PROFILE_MY_CI_WASM_RUSTFLAGS=-Zthreads=4",
    ];
    assert_eq!(told("parallel"), [&parallel[..], &verbose].concat());
    if ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"].iter().any(|name| std::env::var_os(name).is_some()) {
        assert!(environment("cranelift", "my-ci", &config, 4).unwrap_err().contains("unset RUSTFLAGS"));
        return;
    }
    // Whatever the test's own environment has for the target comes before it.
    let cranelift = told("cranelift");
    assert_eq!(
        cranelift[..2],
        ["CARGO_UNSTABLE_CODEGEN_BACKEND=true", "CARGO_PROFILE_MY_CI_CODEGEN_BACKEND=cranelift"]
    );
    assert!(cranelift[2].starts_with("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="), "{cranelift:?}");
    assert!(cranelift[2].ends_with("-Zcodegen-backend=llvm"), "{cranelift:?}");
    assert_eq!(cranelift[3..], verbose);
}

/// The toolchain of this name, if rustup has it.
fn toolchain(exec: &Executor, name: &str) -> Option<Toolchain> {
    let ask = |args: &[&str]| {
        let command = Invocation::new("rustup", std::env::temp_dir())
            .args(["run", name, "rustc"])
            .args(args.iter().copied());
        let answer = exec.probe(&command).ok().filter(|answer| answer.success)?;
        Some(answer.stdout.trim().to_owned())
    };
    let sysroot = PathBuf::from(ask(&["--print", "sysroot"])?);
    let verbose = ask(&["-vV"])?;
    let field = |name: &str| verbose.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
    Some(Toolchain {
        cargo: sysroot.join("bin/cargo").display().to_string(),
        rustc_version: field("release: ")?,
        host: field("host: ")?,
        commit_hash: String::new(),
        has_wasm_target: false,
        rustc_verbose: verbose,
        sysroot,
    })
}

/// With real cargo: no flag of the workspace is lost, and what is not there is no arm.
#[test]
fn a_nightly_toolchain_proves_what_it_has() {
    let exec = Executor::new(Ui::detect(true), Mode::Run).unwrap();
    let Some(nightly) = toolchain(&exec, "nightly") else {
        eprintln!("not run: there is no nightly toolchain (`rustup toolchain install nightly`)");
        return;
    };
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join(".cargo")).unwrap();
    let config = "[build]\nrustflags = ['--cfg', 'of_the_workspace']\n";
    std::fs::write(root.path().join(".cargo/config.toml"), config).unwrap();
    let folder = root.path().join("proof");
    let prove = |toolchain: &Toolchain, compiler: &str| {
        prove(&exec, toolchain, root.path(), &folder, compiler, 2).unwrap()
    };
    let call = prove(&nightly, "parallel").unwrap();
    assert!(call.contains(" -Zthreads=2"), "{call}");
    if std::env::var_os("RUSTFLAGS").is_none() && std::env::var_os("CARGO_ENCODED_RUSTFLAGS").is_none() {
        assert!(call.contains(" --cfg of_the_workspace"), "{call}");
    }
    match prove(&nightly, "cranelift") {
        Ok(call) => assert!(call.contains("codegen-backend=cranelift"), "{call}"),
        Err(reason) => {
            eprintln!("not run: {reason} (`rustup component add rustc-codegen-cranelift-preview`)");
            assert!(reason.contains("codegen-backend") || reason.contains("RUSTFLAGS"), "{reason}");
        }
    }
    // Another toolchain takes no such flags, and that is seen.
    if let Some(stable) = toolchain(&exec, "stable") {
        for compiler in ["parallel", "cranelift"] {
            let reason = prove(&stable, compiler).unwrap_err();
            assert!(!reason.is_empty(), "{compiler}");
        }
    }
}
