//! A server that would not start on its base is found out before anything is sent.

use expect_test::expect;

use super::{messages, push, records, workspace};
use crate::registry::{Registry, platform, system_libraries};

/// The versions of glibc that every program of today asks for, and names of the same length that nothing asks for.
const VERSION: (&str, &str) = ("GLIBC_2.34\0", "GLIBC_0.34\0");

fn replaced(content: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = content.windows(from.len()).position(|window| window == from).unwrap();
    [&content[..at], to, &content[at + from.len()..]].concat()
}

#[test]
fn bases_with_other_libraries() {
    let Some(registry) = Registry::start() else { return };
    let workspace = workspace();
    let address = registry.address();
    let refused = |top: &[(String, Vec<u8>)]| {
        registry.push_base_with("base", "1", platform(), top);
        let before = registry.requests().len();
        let run = push(&workspace, address, &[]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{}", run.stderr);
        assert_eq!(registry.changes_since(before), [""; 0]);
        assert_eq!(records(&workspace).last().unwrap()["steps"][1]["state"], "failed");
        messages(&run, &workspace, &[(address, "REGISTRY")])
            .replace("/lib/ld-linux-aarch64.so.1", "/lib64/ld-linux-x86-64.so.2")
    };
    expect![[r#"
        error: step `check linkage`: [root]/target/production/fixture-server would not start on
            REGISTRY/base:1: the base lacks the loader /lib64/ld-linux-x86-64.so.2
         hint: `--base` (or `base-image` in [workspace.metadata.xtask]) names another base;
            `--static` needs none"#]]
    .assert_eq(&refused(&[]));

    let mut libraries = system_libraries();
    libraries.retain(|(path, _)| !path.contains("libgcc_s"));
    expect![[r#"
        error: step `check linkage`: [root]/target/production/fixture-server would not start on
            REGISTRY/base:1: the base lacks libgcc_s.so.1
         hint: `--base` (or `base-image` in [workspace.metadata.xtask]) names another base;
            `--static` needs none"#]]
    .assert_eq(&refused(&libraries));

    // An older system, as far as the loader can tell.
    let mut libraries = system_libraries();
    let libc = libraries.iter_mut().find(|(path, _)| path.ends_with("/libc.so.6")).unwrap();
    libc.1 = replaced(&libc.1, VERSION.0.as_bytes(), VERSION.1.as_bytes());
    let message = refused(&libraries);
    assert!(message.contains("GLIBC_2.34 of libc.so.6"), "{message}");
    assert!(message.contains("the base ends at GLIBC_2."), "{message}");

    // What a base has is looked at once.
    registry.push_base("base", "1", platform());
    let fetched = |before: usize| {
        let all = registry.requests().into_iter().skip(before);
        all.filter(|request| request.starts_with("GET /v2/base/blobs/")).count()
    };
    let before = registry.requests().len();
    assert_eq!(push(&workspace, address, &[]).code, Some(0));
    assert_eq!(fetched(before), 6, "the configuration and five layers");
    let before = registry.requests().len();
    assert_eq!(push(&workspace, address, &[]).code, Some(0));
    assert_eq!(fetched(before), 1, "the configuration");
}
