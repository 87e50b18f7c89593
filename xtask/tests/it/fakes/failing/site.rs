//! wasm-bindgen, wasm-opt and Sass failing while the site is made.

use expect_test::expect;

use super::How::{Exits, Garbage, Hangs, Killed};
use super::{all, case, within_the_plan};

#[test]
fn a_site_that_cannot_be_made() {
    all(
        vec![
            case(
                "wasm-bindgen --out-dir",
                Exits,
                4,
                expect![[r#"
                error: step `wasm-bindgen`: `wasm-bindgen …` failed with exit code 7
                  command: [as planned]
                  folder: [root]
                  last lines of its output:
                    nothing useful
                    it broke"#]],
            ),
            case(
                "wasm-bindgen --out-dir",
                Hangs,
                5,
                expect![[r#"
                error: step `wasm-bindgen`: `wasm-bindgen …` took longer than 3s and was stopped
                  command: [as planned]
                  folder: [root]
                  last lines of its output:
                    still at it
                 hint: XTASK_TIMEOUT allows every command 3 s; raise or unset it"#]],
            ),
            case(
                "wasm-bindgen --out-dir",
                Killed,
                4,
                expect![[r#"
                    error: step `wasm-bindgen`: `wasm-bindgen …` was killed by SIGKILL
                      command: [as planned]
                      folder: [root]
                      last lines of its output:
                        at work
                     hint: the system kills a process when memory runs out (`dmesg` tells);
                        CARGO_BUILD_JOBS=1 needs less"#]],
            ),
            case(
                "wasm-opt -o",
                Exits,
                4,
                expect![[r#"
                error: step `wasm-opt`: `wasm-opt …` failed with exit code 7
                  command: [as planned]
                  folder: [root]
                  last lines of its output:
                    nothing useful
                    it broke"#]],
            ),
            case(
                "wasm-opt -o",
                Hangs,
                5,
                expect![[r#"
                error: step `wasm-opt`: `wasm-opt …` took longer than 3s and was stopped
                  command: [as planned]
                  folder: [root]
                  last lines of its output:
                    still at it
                 hint: XTASK_TIMEOUT allows every command 3 s; raise or unset it"#]],
            ),
            case(
                "wasm-opt -o",
                Killed,
                4,
                expect![[r#"
                    error: step `wasm-opt`: `wasm-opt …` was killed by SIGKILL
                      command: [as planned]
                      folder: [root]
                      last lines of its output:
                        at work
                     hint: the system kills a process when memory runs out (`dmesg` tells);
                        CARGO_BUILD_JOBS=1 needs less"#]],
            ),
            case(
                "sass --no-source-map",
                Exits,
                4,
                expect![[r#"
                error: step `sass`: `sass …` failed with exit code 7
                  command: [as planned]
                  folder: [root]
                  last lines of its output:
                    nothing useful
                    it broke"#]],
            ),
            case(
                "sass --no-source-map",
                Hangs,
                5,
                expect![[r#"
                error: step `sass`: `sass …` took longer than 3s and was stopped
                  command: [as planned]
                  folder: [root]
                  last lines of its output:
                    still at it
                 hint: XTASK_TIMEOUT allows every command 3 s; raise or unset it"#]],
            ),
            case(
                "sass --no-source-map",
                Killed,
                4,
                expect![[r#"
                    error: step `sass`: `sass …` was killed by SIGKILL
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

#[test]
fn a_tool_that_makes_nothing() {
    all(
        vec![
            case(
                "wasm-bindgen --out-dir",
                Garbage,
                4,
                expect![[r#"
                error: step `wasm-bindgen`: `wasm-bindgen` ended well but wrote nothing to
                    `[root]/target/xtask/site/app/production/bindings`
                 hint: see what it says: [bin]/wasm-bindgen
                    [root]/target/wasm32-unknown-unknown/production/app_front.wasm --target web
                    --no-typescript --out-name app --out-dir
                    [root]/target/xtask/site/app/production/bindings"#]],
            ),
            case(
                "wasm-opt -o",
                Garbage,
                4,
                expect![[r#"
                error: step `wasm-opt`: `wasm-opt` ended well but wrote nothing to
                    `[root]/target/xtask/site/app/production/optimised`
                 hint: see what it says: [bin]/wasm-opt -Oz --enable-bulk-memory
                    --enable-nontrapping-float-to-int
                    [root]/target/xtask/site/app/production/bindings/app_bg.wasm -o
                    [root]/target/xtask/site/app/production/optimised/app_bg.wasm"#]],
            ),
            case(
                "sass --no-source-map",
                Garbage,
                4,
                expect![[r#"
                error: step `sass`: `sass` ended well but wrote nothing to
                    `[root]/target/xtask/site/app/production/style`
                 hint: see what it says: [bin]/sass --style=compressed --no-source-map
                    [root]/style/main.scss [root]/target/xtask/site/app/production/style/app.css"#]],
            ),
        ],
        within_the_plan,
    );
}
