//! The section that proves activity: what shows, for each arm, that it was what ran.

use std::collections::BTreeMap;

use super::Section;
use super::document::Grid;
use super::figures::{self, ArmFigures};
use super::words;
use crate::record::bench::BenchRecord;
use crate::record::bench::activity::{Activity, CacheActivity};
use crate::report;

/// So many reasons of calls that are not cached are named; the rest is counted.
const REASONS: usize = 3;

pub fn section(record: &BenchRecord) -> Section {
    let mut units = Grid::new(
        "Units and links of one sample",
        &["comparison", "arm", ">compiled", ">fresh", "links", "server linked by"],
    );
    let columns = [
        "comparison",
        "arm",
        ">calls",
        ">hits of cacheable",
        ">hit rate",
        ">write errors",
        ">read errors",
        ">size of maximum",
        ">server's CPU",
        "not cacheable",
    ];
    let mut caches = Grid::new("Compile caches in one sample", &columns);
    for comparison in &record.comparisons {
        let arms = figures::arms(record, comparison);
        for arm in arms.iter().filter(|arm| !arm.valid.is_empty()) {
            let name = arm.arm.name.clone();
            units.row([comparison.id.clone(), name].into_iter().chain(unit_cells(arm)).collect());
            let cached: Vec<&CacheActivity> = activities(arm).filter_map(|of| of.cache.as_ref()).collect();
            if let Some(last) = cached.last() {
                let with =
                    if last.cache == arm.arm.name { String::new() } else { format!(" ({})", last.cache) };
                let name = format!("{}{with}", arm.arm.name);
                caches.row([comparison.id.clone(), name].into_iter().chain(cache_cells(&cached)).collect());
            }
        }
    }
    let section = Section::new("activity", "Proof of activity");
    if units.rows.is_empty() {
        return section.paragraph("There is no valid sample, so nothing is shown to have been active.");
    }
    section
        .paragraph(
            "What shows that each arm was what ran: cargo's own messages, the log of the linker script, the \
             mark that a linker leaves in the binary, and the counters of the compile cache. Two numbers are \
             the least and the most of the arm's valid samples.",
        )
        .grid(units)
        .grid(caches)
}

fn activities<'a>(arm: &'a ArmFigures) -> impl Iterator<Item = &'a Activity> {
    arm.valid.iter().map(|sample| &sample.activity)
}

fn unit_cells(arm: &ArmFigures) -> Vec<String> {
    let units = |count: fn(&Activity) -> Option<usize>| {
        words::range(activities(arm).filter_map(count).map(|count| count as u64))
    };
    let mut linkers: Vec<&str> = activities(arm).filter_map(|of| of.linked_by.as_deref()).collect();
    linkers.sort_unstable();
    linkers.dedup();
    let linked_by = if linkers.is_empty() { words::MISSING.to_owned() } else { linkers.join("; ") };
    let links: Vec<BTreeMap<String, u64>> = activities(arm)
        .map(|of| of.links.iter().map(|(linker, count)| (linker.clone(), *count as u64)).collect())
        .collect();
    let links = match counted(&links, usize::MAX) {
        text if text.is_empty() => words::MISSING.to_owned(),
        text => text,
    };
    vec![units(|of| of.compiled), units(|of| of.fresh), links, linked_by]
}

fn cache_cells(samples: &[&CacheActivity]) -> Vec<String> {
    let number = |of: fn(&CacheActivity) -> u64| words::range(samples.iter().map(|sample| of(sample)));
    let rate = rate(samples.iter().copied()).unwrap_or_else(|| "nothing cacheable".to_owned());
    let reasons: Vec<BTreeMap<String, u64>> =
        samples.iter().map(|sample| sample.not_cacheable.clone()).collect();
    let last = samples.last();
    let size = |of: fn(&CacheActivity) -> Option<u64>| last.and_then(|sample| of(sample)).map(report::bytes);
    let size = match (size(|of| of.size_bytes), size(|of| of.size_bytes_max)) {
        (None, None) => words::MISSING.to_owned(),
        (size, max) => {
            format!("{} of {}", size.as_deref().unwrap_or("?"), max.as_deref().unwrap_or("no limit told"))
        }
    };
    let cpu = figures::Spread::of(samples.iter().filter_map(|sample| sample.server_cpu_seconds));
    vec![
        number(|of| of.requests),
        format!("{} of {}", number(|of| of.hits), number(|of| of.hits + of.misses)),
        rate,
        number(|of| of.write_errors),
        number(|of| of.read_errors),
        size,
        cpu.map_or(words::MISSING.to_owned(), |spread| words::time(spread.median)),
        counted(&reasons, REASONS),
    ]
}

/// The hit rate of an arm's compile cache: `97.4 %`, or from the least to the most; `None` where it has none.
pub fn hit_rate(arm: &ArmFigures) -> Option<String> {
    rate(activities(arm).filter_map(|of| of.cache.as_ref()))
}

fn rate<'a>(samples: impl Iterator<Item = &'a CacheActivity>) -> Option<String> {
    let spread = figures::Spread::of(samples.filter_map(CacheActivity::hit_rate))?;
    Some(match (words::percent(spread.min), words::percent(spread.max)) {
        (min, max) if min == max => max,
        (min, max) => format!("{}–{max}", min.trim_end_matches(" %")),
    })
}

/// `86 × crate-type, 5–7 × multiple inputs, 3 other reasons`: the most frequent first, over all samples.
fn counted(samples: &[BTreeMap<String, u64>], most: usize) -> String {
    let mut names: Vec<(&str, u64)> = Vec::new();
    for (name, &count) in samples.iter().flatten() {
        match names.iter_mut().find(|(known, _)| *known == name.as_str()) {
            Some((_, max)) => *max = count.max(*max),
            None => names.push((name, count)),
        }
    }
    names.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let range =
        |name: &str| words::range(samples.iter().map(|sample| sample.get(name).copied().unwrap_or(0)));
    let mut texts: Vec<String> =
        names.iter().take(most).map(|(name, _)| format!("{} × {name}", range(name))).collect();
    if names.len() > most {
        texts.push(words::count(names.len() - most, "other reason"));
    }
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_counted() {
        let sample = |a: u64| BTreeMap::from([("a".to_owned(), a), ("b".to_owned(), 3), ("c".to_owned(), 1)]);
        assert_eq!(counted(&[sample(86), sample(87)], 3), "86–87 × a, 3 × b, 1 × c");
        assert_eq!(counted(&[sample(86)], 1), "86 × a, 2 other reasons");
        assert_eq!(counted(&[BTreeMap::new()], 1), "");
        // A linker that one sample lacks was not used in it.
        assert_eq!(counted(&[sample(2), BTreeMap::new()], 1), "0–3 × b, 2 other reasons");
    }
}
