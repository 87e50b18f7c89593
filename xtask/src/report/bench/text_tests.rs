//! The reports for a terminal and in Markdown, of whole runs and of awkward ones.

use expect_test::expect;

use super::records_tests::{all_invalid, arm, compare, empty, hostile, interrupted, whole};
use super::render;
use crate::report::Format;

/// The lines from a title to the next empty line after its first table.
fn part<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let start = text.find(from).unwrap_or_else(|| panic!("no {from:?} in {text}"));
    let rest = &text[start..];
    rest.find(to).map_or(rest, |end| &rest[..end])
}

#[test]
fn an_interrupted_run_says_what_it_has() {
    expect![[r#"
        Benchmark of app
        ================

        Run, machine and tools
        ----------------------
        what           value
        run            20261121-103000, xtask.bench/1
        time           2026-11-21T10:30:00Z to 2026-11-21T10:30:00Z, 0 s of work
        sources        0123456 of 2026-11-20T18:00:00+00:00
        plan           5f1c09e2
        class of host  linux-x86_64-2cpu-8gib
        system         linux on x86_64
        processor      Some CPU @ 2.60GHz
        cores          2
        memory         8.35 GB
        rustc          1.95.0
        mold           2.40.4
        sccache        0.16.0
        kache          2.0.0

        What the words mean
        -------------------
        Times, CPU time (of the command, all that it waited for and a compile cache's server) and peak
        memory (of all these together) are medians of the valid samples; n is how many there are. A ratio is
        of times, arm to baseline: 0.5 is half the time; its interval stands in brackets.

        - cold: an empty target directory and an empty compile cache; dependencies are downloaded
        - warm: an empty target directory and a compile cache that has seen this build
        - patch-ui: a full target directory, and one line of the user interface changed

        Noise of this machine
        ---------------------
        It was not measured.

        cold/cache
        ----------
        Scenario: cold. What differs: cache. The baseline is none. 5 samples of each arm, taken in turn.
        Estimated before: 62m 10s for all of it.

        arm    median  min–max                n  CPU time  peak memory  ratio (interval)  verdict
        none    388 s        –  1 of 5 (single)   12m 18s      2.29 GB                 1  baseline
        kache       –        –           0 of 5         –            –                 –  no sample yet

        A single sample is a figure without a verdict.

        Switched on:

        - none: profile=production linker=default cache=none wasm-opt=-O2
        - kache: profile=production linker=default cache=kache wasm-opt=-O2

        Proof of activity
        -----------------
        What shows that each arm was what ran: cargo's own messages, the log of the linker script, the mark
        that a linker leaves in the binary, and the counters of the compile cache. Two numbers are the least
        and the most of the arm's valid samples.

        Units and links of one sample
        comparison  arm   compiled  fresh  links    server linked by
        cold/cache  none       612      0  34 × ld  ld

        In short
        --------
        Interrupted: what was measured until then is here. No two arms can be compared yet.

        - cold/cache: none, the baseline: 388 s (single sample).
    "#]]
    .assert_eq(&render(&interrupted(), Format::Human).unwrap());
}

#[test]
fn a_comparison_for_people() {
    let text = render(&whole(), Format::Human).unwrap();
    expect![[r#"
        warm/cache
        ----------
        Scenario: warm. What differs: cache. The baseline is none. 5 samples of each arm, taken in turn.
        Estimated before: 42m 23s for all of it.

        arm             median      min–max                  n  CPU time  peak memory     ratio (interval)  verdict
        none             373 s    370–375 s                  5   11m 30s      2.27 GB                    1  baseline
        sccache 0.16.0   131 s    129–132 s  3 of 5, 2 invalid     170 s      2.03 GB  0.352 (0.344–0.361)  faster
        kache 2.0.0     5.72 s  5.49–5.94 s                  5    8.01 s      1.91 GB  0.015 (0.014–0.016)  faster

        The interval of 3 pairs has the true median in it with a probability of 75.0 %. The interval of 5
        pairs has the true median in it with a probability of 93.8 %. Noise was taken as 2.0 %.

        - 2 invalid samples of sccache (rounds 1, 2), in no figure: the cache was not active: 0 calls though
          612 units were compiled

        Switched on:

        - none: profile=production linker=default cache=none wasm-opt=-O2
        - sccache: profile=production linker=default cache=sccache wasm-opt=-O2
        - kache: profile=production linker=default cache=kache wasm-opt=-O2

    "#]].assert_eq(part(&text, "warm/cache\n---", "patch-ui/linker\n---"));
    // What one looks for stands at the end of the terminal.
    expect![[r#"
        In short
        --------
        Complete.

        - link/linker: default, the baseline: 3.32 s (n 5).
        - link/linker: bfd: slower; 1.245 (1.215–1.275) of the time of default.
        - link/linker: lld: faster; 0.366 (0.353–0.378) of the time of default.
        - link/linker: mold: faster; 0.194 (0.183–0.204) of the time of default.
        - link/linker: wild: not measured.
        - warm/cache: none, the baseline: 373 s (n 5).
        - warm/cache: sccache: faster; 0.352 (0.344–0.361) of the time of none.
        - warm/cache: kache: faster; 0.015 (0.014–0.016) of the time of none.
        - patch-ui/linker: default, the baseline: 21.4 s (n 5).
        - patch-ui/linker: mold: no measurable gain; 0.995 (0.981–1.009) of the time of default.
        - patch-ui/linker: lld: cannot tell; 0.977 (0.924–1.029) of the time of default.
        - cold/cache: none, the baseline: 388 s (single sample).
        - cold/cache: kache: one sample, no verdict; 0.938 of the time of none.
        - cold/wasm-opt: off, the baseline: 61.1 s (n 3).
        - cold/wasm-opt: -Oz: slower; 1.082 (1.067–1.097) of the time of off.
        - The budget of cold (none) is missed: measured 385 s, allowed 300 s.
    "#]]
    .assert_eq(part(&text, "In short\n", "never"));
}

#[test]
fn single_samples_have_no_verdict_and_absent_arms_a_reason() {
    let text = render(&whole(), Format::Markdown).unwrap();
    expect![[r#"
        ### cold/cache

        Scenario: cold. What differs: cache. The baseline is none. 1 sample of each arm, taken in turn. Estimated before: 12m 26s for all of it.

        | arm | median | min–max | n | CPU time | peak memory | ratio (interval) | verdict |
        | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |
        | none | 388 s | – | 1 (single) | 12m 18s | 2.29 GB | 1 | baseline |
        | kache 2.0.0 | 363 s | – | 1 (single) | 11m 30s | 2.26 GB | 0.938 | one sample, no verdict |

        A single sample is a figure without a verdict.

        Switched on:

        - none: profile=production linker=default cache=none wasm-opt=-O2
        - kache: profile=production linker=default cache=kache wasm-opt=-O2

    "#]].assert_eq(part(&text, "### cold/cache\n", "### cold/wasm-opt"));
    assert!(text.contains("| wild | – | – | – | – | – | – | not measured |"), "{text}");
    assert!(
        text.contains(
            "- Not measured: wild: not installed: \\`cargo xtask setup --with bench\\` installs it"
        ),
        "{text}"
    );
}

#[test]
fn an_arm_alone_is_a_figure() {
    let mut record = empty();
    compare(&mut record, "hot/driver", 3, &[(arm("native", None), Some((0.33, 0.02, 0.8)))]);
    let text = render(&record, Format::Markdown).unwrap();
    assert!(text.contains("There is one arm, native, so nothing is compared. 3 samples."), "{text}");
    assert!(text.contains("| – | nothing to compare with |"), "{text}");
    assert!(text.contains("- hot/driver: native: 0.331 s (n 3)."), "{text}");
    assert!(!text.contains("No two arms"), "{text}");
}

#[test]
fn proof_and_time_for_people() {
    let text = render(&whole(), Format::Human).unwrap();
    expect![[r#"
        Compile caches in one sample
        comparison  arm        calls   hits of cacheable  hit rate  write errors  read errors        size of maximum  server's CPU  not cacheable
        warm/cache  sccache  596–597  488–489 of 501–502    97.4 %             0            0  412.00 MB of 10.74 GB        41.5 s  86 × crate-type, 5 × missing input, 2 × -, 1 other reason
        warm/cache  kache        612          612 of 612     100 %             0            0  412.00 MB of 10.74 GB             –
        cold/cache  kache        612          612 of 612     100 %             0            0  412.00 MB of 10.74 GB             –

    "#]].assert_eq(part(&text, "Compile caches in one sample", "Where the time goes"));
    expect![[r#"
        Serial stretches, 28.0 s together: at most one unit ran
        begins at    time  what ran
           31.5 s  14.0 s  app (cdylib, front)
           89.9 s  14.0 s  app (bin, server)

        Critical path, 76.0 s together: what the end waited for
        begins at  waited  unit
           3.77 s  12.6 s  package_007 (lib, front)
           20.6 s  6.27 s  package_030 (lib, front)
           31.5 s  14.0 s  app (cdylib, front)
           38.2 s  7.99 s  package_053 (lib, server)
           56.4 s  9.71 s  package_076 (lib, server)
           72.7 s  11.4 s  package_099 (build-script, server)
           89.9 s  14.0 s  app (bin, server)

        Compiled more than once
        package  versions         times  at most saved by one  why
        syn      1.0.109, 2.0.90      3                7.25 s  other versions

        Budgets
        -------
        scenario  arm                              limit                   measured  kept
        cold      none                             300 s                      385 s  no: over the limit
        warm      –        10.0 % more than earlier runs                          –  cannot be told
        warm      sccache      0.350 of the time without  0.352 of the time without  cannot be told

        Notes
        -----
        - kache is not recommended here: a build through it differs from one without.

    "#]]
    .assert_eq(part(&text, "Serial stretches", "In short"));
}

#[test]
fn nothing_valid_is_no_figure() {
    let text = render(&all_invalid(), Format::Markdown).unwrap();
    expect![[r#"
        ### In short

        Failed: at least one arm could not be measured though it should have been.

        - cold/cache: kache: not measured.

        ### cold/cache

        Scenario: cold. What differs: cache. The baseline is none. 3 samples of each arm, taken in turn. Estimated before: 69.0 s for all of it.

        | arm | median | min–max | n | CPU time | peak memory | ratio (interval) | verdict |
        | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |
        | none | – | – | 0 of 3, 3 invalid | – | – | – | not measured |
        | kache | – | – | 0 of 3, 3 invalid | – | – | – | not measured |

        - 3 invalid samples of none (rounds 1, 2, 3), in no figure: error: could not compile \`app\` (lib) --> src/lib.rs:3:1
        - 3 invalid samples of kache (rounds 1, 2, 3), in no figure: error: could not compile \`app\` (lib) --> src/lib.rs:3:1

        Switched on:

        - none: profile=production linker=default cache=none wasm-opt=-O2
        - kache: profile=production linker=default cache=kache wasm-opt=-O2

        ### Proof of activity

        There is no valid sample, so nothing is shown to have been active.

    "#]]
    .assert_eq(part(&text, "### In short", "### Run"));
}

#[test]
fn nothing_at_all_is_said_to_be_nothing() {
    let text = render(&empty(), Format::Human).unwrap();
    assert!(text.contains("Unfinished: "), "{text}");
    assert!(text.contains("It was not measured."), "{text}");
    assert!(text.contains("There is no valid sample"), "{text}");
    assert!(!text.contains("Budgets") && !text.contains("Notes"), "{text}");
}

#[test]
fn foreign_text_moves_no_cursor_and_is_no_markup() {
    for format in [Format::Human, Format::Markdown] {
        let text = render(&hostile(), format).unwrap();
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text}");
        assert!(!text.lines().any(|line| line.starts_with("next")), "{text}");
    }
    let markdown = render(&hostile(), Format::Markdown).unwrap();
    assert!(!markdown.contains('<'), "{markdown}");
}

#[test]
fn a_record_read_back_says_the_same() {
    for record in [whole(), empty(), all_invalid(), hostile()] {
        let json = render(&record, Format::Json).unwrap();
        let read: crate::record::bench::BenchRecord = serde_json::from_str(&json).unwrap();
        assert_eq!(render(&read, Format::Human).unwrap(), render(&record, Format::Human).unwrap());
    }
}
