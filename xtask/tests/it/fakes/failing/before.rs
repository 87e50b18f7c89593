//! cargo and rustc failing while the workspace is read, before there is a plan.

use expect_test::expect;

use super::How::{Exits, Garbage, Hangs, Killed, Missing};
use super::{all, before_the_plan, case};

#[test]
fn a_workspace_that_cannot_be_read() {
    all(
        vec![
            case("cargo metadata", Exits, 2, expect!["error: cargo cannot read the workspace: it broke"]),
            case(
                "cargo metadata",
                Hangs,
                5,
                expect![[r#"
                error: `cargo metadata …` took longer than 3s and was stopped
                  command: cargo metadata --no-deps --format-version 1
                  folder: [root]
                  last lines of its output:
                    still at it
                 hint: XTASK_TIMEOUT allows every command 3 s; raise or unset it"#]],
            ),
            case(
                "cargo metadata",
                Garbage,
                4,
                expect![[r#"
                error: `cargo metadata` does not describe a workspace: expected value at line 1 column 1
                 hint: `cargo --version` shows whether it is cargo at all"#]],
            ),
            case(
                "cargo metadata",
                Killed,
                4,
                expect![[r#"
                    error: `cargo metadata …` was killed by SIGKILL
                      command: cargo metadata --no-deps --format-version 1
                      folder: [root]
                      last lines of its output:
                        at work
                     hint: the system kills a process when memory runs out (`dmesg` tells);
                        CARGO_BUILD_JOBS=1 needs less"#]],
            ),
            case(
                "cargo metadata",
                Missing,
                3,
                expect![[r#"
                error: `cargo` is not on PATH
                 hint: install it, or add the folder that has it to PATH"#]],
            ),
            case(
                "rustc -vV",
                Exits,
                2,
                expect![[r#"
                    error: `rustc -vV` failed: it broke
                     hint: a `rust-toolchain.toml` that names a toolchain which is not installed is the usual
                        reason"#]],
            ),
            case(
                "rustc -vV",
                Hangs,
                5,
                expect![[r#"
                error: `rustc …` took longer than 3s and was stopped
                  command: rustc -vV
                  folder: [root]
                  last lines of its output:
                    still at it
                 hint: XTASK_TIMEOUT allows every command 3 s; raise or unset it"#]],
            ),
            case("rustc -vV", Garbage, 4, expect!["error: `rustc -vV` does not state its `release`"]),
            case(
                "rustc -vV",
                Killed,
                4,
                expect![[r#"
                    error: `rustc …` was killed by SIGKILL
                      command: rustc -vV
                      folder: [root]
                      last lines of its output:
                        at work
                     hint: the system kills a process when memory runs out (`dmesg` tells);
                        CARGO_BUILD_JOBS=1 needs less"#]],
            ),
            case(
                "rustc -vV",
                Missing,
                3,
                expect![[r#"
                error: `rustc` is not on PATH
                 hint: install it, or add the folder that has it to PATH"#]],
            ),
            case(
                "rustc --print",
                Garbage,
                4,
                expect!["error: `rustc --print sysroot` does not state a folder"],
            ),
        ],
        before_the_plan,
    );
}
