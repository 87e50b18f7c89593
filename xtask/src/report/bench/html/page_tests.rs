//! The page as HTML: whole, escaped, nothing from elsewhere, every sample and unit drawn, the trend over earlier runs.

use super::html;
use crate::record::bench::BenchRecord;
use crate::record::bench::timeline::Timeline;
use crate::report::bench::records_tests::{all_invalid, arm, compare, empty, hostile, interrupted, whole};
use crate::report::bench::timelines_tests::timeline;
use crate::report::page::whole_tests::{assert_loads_nothing, elements};

fn long() -> BenchRecord {
    let mut record = whole();
    record.timelines = vec![timeline(500)];
    record
}

fn warm() -> Timeline {
    Timeline { comparison: "warm/cache".to_owned(), arm: "kache".to_owned(), ..timeline(30) }
}

fn awkward() -> Vec<BenchRecord> {
    let mut one = empty();
    compare(&mut one, "cold/cache", 1, &[(arm("none", None), Some((3.0, 0.0, 1.0)))]);
    let mut zero = whole();
    zero.samples.iter_mut().for_each(|sample| sample.seconds = 0.0);
    let mut no_units = whole();
    no_units.timelines = vec![timeline(0)];
    let mut several = whole();
    several.timelines = vec![timeline(60), warm()];
    vec![whole(), empty(), all_invalid(), interrupted(), hostile(), long(), one, zero, no_units, several]
}

#[test]
fn every_page_is_whole_and_its_numbers_are_numbers() {
    for record in awkward() {
        let page = html(&record, &[whole(), empty()]);
        elements(&page);
        assert!(!page.contains("NaN") && !page.contains("inf%") && !page.contains("=\"inf"), "{page}");
        for number in page.split(['"']).filter_map(|text| text.strip_suffix('%')) {
            let share: f64 = number.parse().unwrap();
            assert!((0.0..=100.1).contains(&share), "{share} %");
        }
        for target in page.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(page.contains(&format!("<section id=\"{target}\"")), "no section `{target}`");
        }
    }
}

#[test]
fn nothing_is_loaded_and_nothing_runs() {
    for record in [whole(), hostile()] {
        assert_loads_nothing(&html(&record, &[hostile()]));
    }
}

#[test]
fn every_sample_is_a_dot_or_a_cross() {
    for record in awkward() {
        let page = html(&record, &[]);
        let valid = record.samples.iter().filter(|sample| sample.invalid.is_none()).count();
        assert_eq!(page.matches("class=\"dot\"").count(), valid, "{}", record.project);
        assert_eq!(page.matches("class=\"invalid\"").count(), record.samples.len() - valid);
    }
}

#[test]
fn every_unit_is_drawn_and_the_long_ones_have_a_name() {
    let record = long();
    let page = html(&record, &[]);
    let drawing = page.split("class=\"plot gantt\"").nth(1).unwrap().split("</figure>").next().unwrap();
    let titles = drawing.matches("<title>package_").count() + drawing.matches("<title>app (").count();
    assert_eq!(titles, 500 + record.timelines[0].critical_path.len());
    let names = drawing.matches("class=\"row\"").count();
    assert!((40..80).contains(&names), "{names}");
    assert!(drawing.contains("critical path: "), "{drawing}");
    assert!(drawing.contains("◆ app (bin) 14.0 s"), "{drawing}");
    // Thin lines keep it short enough to be looked at.
    let height: f64 = drawing.split("height=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
    assert!(height < 2500.0, "{height}");
}

#[test]
fn each_timeline_is_drawn_and_has_its_tables() {
    let mut record = whole();
    record.timelines = vec![timeline(60), warm()];
    let page = html(&record, &[]);
    assert_eq!(page.matches("class=\"plot gantt\"").count(), 2);
    for (id, title) in [("time", "cold/cache, none"), ("time-2", "warm/cache, kache")] {
        let section = page.split(&format!("<section id=\"{id}\">")).nth(1).unwrap();
        let section = section.split("</section>").next().unwrap();
        assert!(section.contains(&format!("Where the time goes: {title}")), "{section}");
        assert!(section.contains("Critical path") && section.contains("Every unit ("), "{section}");
    }
}

#[test]
fn the_trend_is_of_this_class_of_host_and_of_the_past() {
    let run = |id: &str, day: u32, class: &str| {
        let mut run = whole();
        run.id = id.to_owned();
        run.started = format!("2026-11-{day:02}T00:00:00Z");
        run.host.class = class.to_owned();
        run
    };
    let class = whole().host.class;
    let mut faster = run("faster", 3, &class);
    faster.host.cpu = Some("Other CPU".to_owned());
    let history =
        [run("one", 1, &class), run("other", 2, "other"), faster, run("later", 30, &class), whole()];
    let page = html(&whole(), &history);
    let trend = page.split("<section id=\"trend\">").nth(1).unwrap();
    assert!(trend.contains("Medians of 2 runs on this class of host"), "{trend}");
    assert!(trend.contains("2 runs of other classes of host, processors or projects left out."), "{trend}");
    for comparison in ["link/linker", "warm/cache", "patch-ui/linker", "cold/cache"] {
        assert!(trend.contains(&format!("<h3>{comparison}, seconds</h3>")), "{comparison}: {trend}");
    }
    assert!(!trend.contains("later"), "{trend}");
    let alone = html(&whole(), &[run("other", 2, "other")]);
    assert!(
        alone.contains(
            "There is no earlier run on this class of host (linux-x86_64-2cpu-8gib) and this processor."
        ),
        "{alone}"
    );
}

#[test]
fn dates_below_a_trend_do_not_touch() {
    // In pixels: a panel on a telephone, and a date as browsers set it.
    let (width, date) = (291.0, 58.0);
    let run = |day: u32| {
        let started = format!("2026-11-{day:02}T00:00:00Z");
        BenchRecord { id: format!("run-{day}"), started, ..whole() }
    };
    let history: Vec<BenchRecord> = (1..8).map(run).collect();
    let page = html(&whole(), &history);
    let trend = page.split("<section id=\"trend\">").nth(1).unwrap();
    let mut drawings = 0;
    for drawing in trend.split("<svg class=\"plot\"").skip(1) {
        drawings += 1;
        let drawing = drawing.split("</figure>").next().unwrap();
        let mut places: Vec<(f64, f64)> = Vec::new();
        for label in drawing.split("<text class=\"tick\"").skip(1) {
            let (attributes, text) = label.split_once('>').unwrap();
            let value = |name: &str| {
                let rest = attributes.split_once(&format!(" {name}=\"")).unwrap().1;
                rest.split('"').next().unwrap()
            };
            let x = value("x").trim_end_matches('%').parse::<f64>().unwrap() / 100.0 * width;
            let from = match value("text-anchor") {
                "start" => x,
                "middle" => x - date / 2.0,
                _ => x - date,
            };
            if text.starts_with("2026-11-") {
                places.push((from, from + date));
            }
        }
        assert!(places.len() > 2 && places.windows(2).all(|pair| pair[0].1 < pair[1].0), "{places:?}");
    }
    assert!(drawings > 0);
}
