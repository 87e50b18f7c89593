//! The reports of `monitor`, for people and as a page.

use expect_test::expect;

use super::records_tests::{empty, hostile, whole};
use super::*;
use crate::record::monitor::{MonitorRecord, Outcome};
use crate::report::page::whole_tests::{assert_loads_nothing, elements};

fn text(record: &MonitorRecord) -> String {
    render(record, Format::Human).unwrap()
}

#[test]
fn nothing_known() {
    expect![[r#"
        What has run: this machine
        ==========================

        Runs and times
        --------------
        Since 2026-10-22 10:30. Nothing has run, as far as is known.

        Last runs
        ---------
        There is none.

        Cost
        ----
        what                         US dollars a month
        usage at Railway (estimate)           not known

        - usage at Railway (estimate): as the settings say. Prices: https://example.org/prices

        Alerts
        ------
        Nothing to tell: no workflow fails again and again, nothing has become slower than chance explains,
        and no budget that was set is exceeded.
    "#]]
    .assert_eq(&text(&empty()));
}

#[test]
fn all_that_there_is() {
    let record = whole();
    expect![[r#"
        What has run: octo/app
        ======================

        Runs and times
        --------------
        Since 2026-10-22 10:30. Times are of runs that succeeded, waiting for a runner and for approvals
        included; p50 is the median, and nine of ten runs took no longer than p90. The last column is the
        later half of the runs beside the earlier one, a change only where noise does not explain it.

        what                  runs  success            stopped  average      p50      p90     least–most  later half
        Checks                  28  88.0 % (22 of 25)        2    200 s    190 s    228 s      171–266 s  slower: 190 s → 238 s (+12 to +33 %)
        Image and deployment    28  88.0 % (22 of 25)        2    441 s    420 s    504 s      378–588 s  slower: 420 s → 525 s (+12 to +33 %)
        deployments             28  88.0 % (22 of 25)        2   65.1 s   62.0 s   74.4 s    55.8–86.8 s  slower: 62.0 s → 77.5 s (+12 to +33 %)
        push to live            28  88.0 % (22 of 25)        2  11m 12s  10m 40s  12m 48s  576 s–14m 56s  slower: 10m 40s → 13m 20s (+12 to +33 %)
        here: deploy             0  –                        0        –        –        –              –  too few runs

        Last runs
        ---------
        The newest 20 of 56; JSON has all of them.

        began             what                  run               result    time
        2026-11-20 09:27  Checks                #27 main 0123abc  running      –
        2026-11-20 09:27  Image and deployment  #27 main 0123abc  running      –
        2026-11-19 09:26  Checks                #26 main 0123abc  ok       249 s
        2026-11-19 09:26  Image and deployment  #26 main 0123abc  ok       551 s
        2026-11-18 09:25  Checks                #25 main 0123abc  ok       245 s
        2026-11-18 09:25  Image and deployment  #25 main 0123abc  ok       541 s
        2026-11-17 09:24  Checks                #24 main 0123abc  ok       240 s
        2026-11-17 09:24  Image and deployment  #24 main 0123abc  ok       532 s
        2026-11-16 09:23  Checks                #23 main 0123abc  ok       236 s
        2026-11-16 09:23  Image and deployment  #23 main 0123abc  ok       522 s
        2026-11-15 09:22  Checks                #22 main 0123abc  FAILED   103 s
        2026-11-15 09:22  Image and deployment  #22 main 0123abc  FAILED   227 s
        2026-11-14 09:21  Checks                #21 main 0123abc  ok       252 s
        2026-11-14 09:21  Image and deployment  #21 main 0123abc  ok       557 s
        2026-11-13 09:20  Checks                #20 main 0123abc  ok       191 s
        2026-11-13 09:20  Image and deployment  #20 main 0123abc  ok       421 s
        2026-11-12 09:19  Checks                #19 main 0123abc  ok       187 s
        2026-11-12 09:19  Image and deployment  #19 main 0123abc  ok       414 s
        2026-11-11 09:18  Checks                #18 main 0123abc  stopped  184 s
        2026-11-11 09:18  Image and deployment  #18 main 0123abc  stopped  406 s

        Slowest steps
        -------------
        workflow              job    step                                  runs    p50    p90   most  share of all jobs
        Image and deployment  Build  Build, push and smoke-test the image    20  310 s  372 s  434 s             71.0 %

        Caches of GitHub Actions
        ------------------------
        8.12 GB in 14 caches, 75.7 % of what GitHub holds for nothing (10.74 GB).

        By branch
        of               caches     size
        refs/heads/main       9  6.02 GB

        Largest
        key                                      of                       size  made              used
        cargo-Linux-X64-1.95.0-0123456789abcdef  refs/heads/main       1.61 GB  2026-11-18 08:00  –
        tools-Linux-X64-1.95.0                   refs/pull/12/merge  212.35 MB  2026-11-18 08:00  –

        Images
        ------
        image        made              size as it is sent  who says so
        sha-0000020  2026-11-20 10:00            29.10 MB  docker pack, here
        sha-0000011  2026-11-11 10:00           not known  the registry
        sha-0000002  2026-11-02 10:00            31.40 MB  the registry

        Hit rates
        ---------
        Of the records of this machine alone; of a run in CI its summary tells.

        what                                             hit rate   hits of all  runs
        compile units that cargo reused, in builds here    96.0 %  1740 of 1812     9

        Cost
        ----
        what                         US dollars a month
        minutes of GitHub Actions                  3.32
        usage at Railway (estimate)           not known

        - minutes of GitHub Actions: as the settings say. Prices: https://example.org/prices
        - usage at Railway (estimate): as the settings say. Prices: https://example.org/prices

        Notes
        -----
        - the newest 200 of 240 runs since 2026-10-22T10:30:00Z; --limit takes more

        Alerts
        ------
        - Checks: the last 3 runs have failed, since #25 main 0123abc (2026-11-18T09:25:00Z); the last
          success was #24 main 0123abc. https://github.com/octo/app/actions/runs/25 (told 2026-11-19 06:00)
        - Image and deployment: slower by 30 % since #23 main 0123abc. (new)
    "#]].assert_eq(&text(&record));
    let json: MonitorRecord = serde_json::from_str(&render(&record, Format::Json).unwrap()).unwrap();
    // Times may differ in their last digit.
    assert_eq!((json.alerts, json.caches, json.images), (record.alerts, record.caches, record.images));
    assert_eq!(json.series.len(), record.series.len());
}

#[test]
fn a_week_in_markdown() {
    let markdown = weekly(&whole(), Format::Markdown).unwrap();
    expect![[r#"
        ## The week to 2026-11-21: octo/app

        ### Alerts

        - Checks: the last 3 runs have failed, since #25 main 0123abc (2026-11-18T09:25:00Z); the last success was #24 main 0123abc. https://github.com/octo/app/actions/runs/25 (told 2026-11-19 06:00)
        - Image and deployment: slower by 30 % since #23 main 0123abc. (new)

        ### This week, and the one before

        2026-11-14 10:30 to 2026-11-21 10:30, beside the seven days before.

        | what | runs | success | p50 | p90 | runs before | success before | p50 before | p90 before |
        | --- | ---: | --- | ---: | ---: | ---: | --- | ---: | ---: |
        | Checks | 8 | 85.7 % (6 of 7) | 200 s | 240 s | 8 | 85.7 % (6 of 7) | 200 s | 240 s |
        | Image and deployment | 8 | 85.7 % (6 of 7) | 200 s | 240 s | 8 | 85.7 % (6 of 7) | 200 s | 240 s |
        | deployments | 8 | 85.7 % (6 of 7) | 200 s | 240 s | 8 | 85.7 % (6 of 7) | 200 s | 240 s |
        | push to live | 8 | 85.7 % (6 of 7) | 200 s | 240 s | 8 | 85.7 % (6 of 7) | 200 s | 240 s |
        | here: deploy | 8 | 85.7 % (6 of 7) | 200 s | 240 s | 8 | 85.7 % (6 of 7) | 200 s | 240 s |

    "#]].assert_eq(markdown.split("### Runs and times").next().unwrap());
}

#[test]
fn alerts_alone() {
    expect![[r#"
        Checks: the last 3 runs have failed, since #25 main 0123abc (2026-11-18T09:25:00Z); the last success was #24 main 0123abc. https://github.com/octo/app/actions/runs/25 (told 2026-11-19 06:00)
        Image and deployment: slower by 30 % since #23 main 0123abc. (new)
    "#]].assert_eq(&alerts(&whole(), Format::Human).unwrap());
    assert_eq!(alerts(&empty(), Format::Markdown).unwrap(), "Nothing to tell.\n");
    let hostile = alerts(&hostile(), Format::Markdown).unwrap();
    assert!(hostile.starts_with("- &lt;script>alert(1)"), "{hostile}");
}

#[test]
fn foreign_names_move_nothing() {
    let record = hostile();
    for text in
        [text(&record), render(&record, Format::Markdown).unwrap(), weekly(&record, Format::Human).unwrap()]
    {
        assert!(!text.contains('\u{1b}') && !text.contains("\n# title"), "{text}");
    }
    let page = html(&record);
    assert!(!page.contains("<script"), "{page}");
}

#[test]
fn the_page_is_whole_and_shows_every_run() {
    for record in [empty(), whole(), hostile()] {
        let page = html(&record);
        elements(&page);
        assert_loads_nothing(&page);
        assert!(!page.contains("NaN") && !page.contains("inf%"), "{page}");
        for number in page.split(['"']).filter_map(|text| text.strip_suffix('%')) {
            let share: f64 = number.parse().unwrap();
            assert!((0.0..=100.1).contains(&share), "{share} %");
        }
        let count = |outcome: Outcome| {
            let points = record.series.iter().flat_map(|series| &series.points);
            points.filter(|point| point.outcome == outcome && point.seconds.is_some()).count()
        };
        let sized = record.images.iter().filter(|image| image.bytes.is_some()).count();
        assert_eq!(page.matches("class=\"dot\"").count(), count(Outcome::Ok) + sized);
        assert_eq!(page.matches("class=\"invalid\"").count(), count(Outcome::Failed));
        assert_eq!(page.matches("class=\"dot hollow\"").count(), count(Outcome::Cancelled));
        for target in page.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(page.contains(&format!("<section id=\"{target}\"")), "no section `{target}`");
        }
    }
    let mut same_moment = whole();
    for series in &mut same_moment.series {
        series.points.iter_mut().for_each(|point| point.at = "2026-11-21T10:00:00Z".to_owned());
    }
    elements(&html(&same_moment));
}
