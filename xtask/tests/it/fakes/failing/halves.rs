//! cargo failing while it compiles one of the halves.

use expect_test::expect;

use super::How::{Exits, Garbage, Hangs, Killed};
use super::{all, case, within_the_plan};

#[test]
fn a_half_that_does_not_compile() {
    all(
        vec![
            case(
                "cargo rustc --lib",
                Exits,
                4,
                expect![[r#"
                    error: step `compile front`: `cargo rustc …` failed with exit code 7
                      command: [as planned]
                      folder: [root]
                      last lines of its output:
                        it broke"#]],
            ),
            case(
                "cargo rustc --lib",
                Hangs,
                5,
                expect![[r#"
                    error: step `compile front`: `cargo rustc …` took longer than 3s and was stopped
                      command: [as planned]
                      folder: [root]
                      last lines of its output:
                        still at it
                     hint: XTASK_TIMEOUT allows every command 3 s; raise or unset it"#]],
            ),
            case(
                "cargo rustc --lib",
                Garbage,
                4,
                expect![[r#"
                error: step `compile front`: `cargo` ended without saying that the build finished
                 hint: its output stopped early; run the build again"#]],
            ),
            case(
                "cargo rustc --lib",
                Killed,
                4,
                expect![[r#"
                    error: step `compile front`: `cargo rustc …` was killed by SIGKILL
                      command: [as planned]
                      folder: [root]
                      last lines of its output:
                        at work
                     hint: the system kills a process when memory runs out (`dmesg` tells);
                        CARGO_BUILD_JOBS=1 needs less"#]],
            ),
            case(
                "cargo build --bin",
                Exits,
                4,
                expect![[r#"
                error: step `compile server`: `cargo build …` failed with exit code 7
                  command: [as planned]
                  folder: [root]
                  last lines of its output:
                    it broke"#]],
            ),
            case(
                "cargo build --bin",
                Hangs,
                5,
                expect![[r#"
                error: step `compile server`: `cargo build …` took longer than 3s and was stopped
                  command: [as planned]
                  folder: [root]
                  last lines of its output:
                    still at it
                 hint: XTASK_TIMEOUT allows every command 3 s; raise or unset it"#]],
            ),
            case(
                "cargo build --bin",
                Garbage,
                4,
                expect![[r#"
                error: step `compile server`: `cargo` ended without saying that the build finished
                 hint: its output stopped early; run the build again"#]],
            ),
            case(
                "cargo build --bin",
                Killed,
                4,
                expect![[r#"
                    error: step `compile server`: `cargo build …` was killed by SIGKILL
                      command: [as planned]
                      folder: [root]
                      last lines of its output:
                        at work
                     hint: the system kills a process when memory runs out (`dmesg` tells);
                        CARGO_BUILD_JOBS=1 needs less"#]],
            ),
        ],
        within_the_plan,
    );
}
