//! The report of `ci deps-report`, as Markdown that a comment on a pull request can be made of.
//!
//! Names and sources are as the pull request has them: all of them stand in code, without what could end it.

use super::bytes;
use super::table::{Align, Table};
use crate::record::ci_summary::WasmFigures;
use crate::record::deps_report::{DepsReport, FeatureChange, Units};

/// The most rows of one table: a comment has room for 65,536 characters.
const ROWS_MAX: usize = 60;
/// The longest name or source, in characters.
const LENGTH_MAX: usize = 120;
const NOT_MEASURED: &str = "not measured";

/// Renders the report, without a heading.
pub fn markdown(report: &DepsReport) -> String {
    let (base, head) = (short(&report.base), short(&report.head));
    let lock = &report.lock;
    let mut parts = vec![format!(
        "From `{base}` to `{head}`: {} added, {} removed, {} of another version; {} packages before, {} now.\n",
        lock.added.len(),
        lock.removed.len(),
        lock.changed.len(),
        lock.before,
        lock.after
    )];
    if !report.is_change() {
        parts.push("The dependencies stay as they are.\n".to_owned());
        return parts.join("\n");
    }
    parts.push(figures(report));
    parts.extend(sources(report));
    parts.extend(rows("changed", &["before", "now"], &lock.changed, |change| {
        vec![code(&change.name), code(&change.before), code(&change.after)]
    }));
    for (word, packages) in [("added", &lock.added), ("removed", &lock.removed)] {
        parts.extend(rows(word, &["version", "from"], packages, |package| {
            vec![code(&package.name), code(&package.version), code(&package.source)]
        }));
    }
    parts.extend(rows("more versions than before", &["before", "now"], &lock.duplicates, |duplicate| {
        vec![code(&duplicate.name), codes(&duplicate.before), codes(&duplicate.after)]
    }));
    parts.extend(rows("features", &["asked by", "in", "now also", "no more"], &report.features, features));
    parts.join("\n")
}

/// What it costs.
fn figures(report: &DepsReport) -> String {
    let mut table =
        Table::new(&[("", Align::Left), ("before", Align::Right), ("now", Align::Right), ("", Align::Left)]);
    let Units { before, after, note } = &report.units;
    let count = |half: Option<usize>| half.map_or_else(|| NOT_MEASURED.to_owned(), |count| count.to_string());
    for (name, before, after) in [
        ("front half, packages compiled", before.map(|it| it.front), after.map(|it| it.front)),
        ("server half, packages compiled", before.map(|it| it.server), after.map(|it| it.server)),
    ] {
        let difference = before.zip(after).map(|(before, after)| signed(before as i64, after as i64));
        let note = note.as_deref().map(plain);
        table.row(vec![
            name.to_owned(),
            count(before),
            count(after),
            difference.or(note).unwrap_or_default(),
        ]);
    }
    let wasm = |figures: Option<WasmFigures>| figures.map_or_else(|| NOT_MEASURED.to_owned(), sizes);
    table.row(vec!["wasm".to_owned(), wasm(report.wasm.before), wasm(report.wasm.after)]);
    table.markdown()
}

fn sizes(figures: WasmFigures) -> String {
    match figures.brotli {
        Some(brotli) => format!("{} ({} brotli)", bytes(figures.raw), bytes(brotli)),
        None => bytes(figures.raw),
    }
}

fn signed(before: i64, after: i64) -> String {
    match after - before {
        0 => "as before".to_owned(),
        more => format!("{more:+}"),
    }
}

/// First, because a change of the source is what a review must not miss.
fn sources(report: &DepsReport) -> Option<String> {
    let table = rows("from elsewhere", &["version", "before", "now"], &report.lock.sources, |change| {
        vec![code(&change.name), code(&change.version), code(&change.before), code(&change.after)]
    })?;
    let packages = match report.lock.sources.len() {
        1 => "1 package".to_owned(),
        count => format!("{count} packages"),
    };
    Some(format!("**{packages} from elsewhere than before.**\n\n{table}"))
}

fn features(change: &FeatureChange) -> Vec<String> {
    let default =
        |is_on: bool| (change.default_features == Some(is_on)).then(|| "the default ones".to_owned());
    let all = |features: &[String], default: Option<String>| {
        let named = features.iter().map(|feature| code(feature));
        default.into_iter().chain(named).collect::<Vec<_>>().join(", ")
    };
    vec![
        code(&change.dependency),
        code(&change.member),
        code(&change.table),
        all(&change.added, default(true)),
        all(&change.removed, default(false)),
    ]
}

/// A table with a row for each; `None` where there is none.
fn rows<T>(title: &str, columns: &[&str], items: &[T], row: impl Fn(&T) -> Vec<String>) -> Option<String> {
    if items.is_empty() {
        return None;
    }
    let columns: Vec<(&str, Align)> =
        [title].iter().chain(columns).map(|column| (*column, Align::Left)).collect();
    let mut table = Table::new(&columns);
    items.iter().take(ROWS_MAX).for_each(|item| table.row(row(item)));
    let more = items.len().saturating_sub(ROWS_MAX);
    let more = if more == 0 { String::new() } else { format!("\nand {more} more\n") };
    Some(format!("{}{more}", table.markdown()))
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

fn codes(texts: &[String]) -> String {
    texts.iter().take(ROWS_MAX).map(|text| code(text)).collect::<Vec<_>>().join(", ")
}

fn code(text: &str) -> String {
    format!("`{}`", plain(text))
}

/// Text that cannot end its code or its line, nor hide what it says: letters that change the direction of reading are
/// no ASCII, as everything is that cargo takes for a name, a version or an address.
fn plain(text: &str) -> String {
    let is_plain = |c: char| c == ' ' || (c.is_ascii_graphic() && c != '`');
    text.chars().take(LENGTH_MAX).map(|c| if is_plain(c) { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::record::deps_report::{
        DEPS_REPORT_SCHEMA, Duplicate, HalfUnits, LockChanges, Package, SourceChange, VersionChange, Wasm,
    };

    fn report() -> DepsReport {
        let text = str::to_owned;
        let package =
            |name: &str| Package { name: text(name), version: text("1.0.0"), source: text("crates.io") };
        DepsReport {
            schema: DEPS_REPORT_SCHEMA,
            base: "a".repeat(40),
            head: "b".repeat(40),
            lock: LockChanges {
                before: 100,
                after: 102,
                added: vec![package("new"), package("a`@b|c\n<!--")],
                removed: Vec::new(),
                changed: vec![VersionChange {
                    name: text("up"),
                    before: text("1.0.0"),
                    after: text("1.1.0"),
                }],
                sources: vec![SourceChange {
                    name: text("moved"),
                    version: text("1.0.0"),
                    before: text("crates.io"),
                    after: text("git https://git.example/moved at 0123"),
                }],
                duplicates: vec![Duplicate {
                    name: text("two"),
                    before: vec![text("1.0.0")],
                    after: vec![text("1.0.0"), text("2.0.0")],
                }],
            },
            features: vec![FeatureChange {
                member: text("app"),
                dependency: text("serde"),
                table: text("dependencies"),
                added: vec![text("rc")],
                removed: Vec::new(),
                default_features: Some(false),
            }],
            units: Units {
                before: Some(HalfUnits { front: 60, server: 90 }),
                after: Some(HalfUnits { front: 60, server: 93 }),
                note: None,
            },
            wasm: Wasm {
                before: Some(WasmFigures { raw: 500_000, gzip: None, brotli: Some(150_000) }),
                after: None,
            },
        }
    }

    #[test]
    fn what_a_change_does() {
        expect![[r#"
            From `aaaaaaaaaaaa` to `bbbbbbbbbbbb`: 2 added, 0 removed, 1 of another version; 100 packages before, 102 now.

            |  | before | now |  |
            | --- | ---: | ---: | --- |
            | front half, packages compiled | 60 | 60 | as before |
            | server half, packages compiled | 90 | 93 | +3 |
            | wasm | 500.0 kB (150.0 kB brotli) | not measured |  |

            **1 package from elsewhere than before.**

            | from elsewhere | version | before | now |
            | --- | --- | --- | --- |
            | `moved` | `1.0.0` | `crates.io` | `git https://git.example/moved at 0123` |

            | changed | before | now |
            | --- | --- | --- |
            | `up` | `1.0.0` | `1.1.0` |

            | added | version | from |
            | --- | --- | --- |
            | `new` | `1.0.0` | `crates.io` |
            | `a?@b\|c?<!--` | `1.0.0` | `crates.io` |

            | more versions than before | before | now |
            | --- | --- | --- |
            | `two` | `1.0.0` | `1.0.0`, `2.0.0` |

            | features | asked by | in | now also | no more |
            | --- | --- | --- | --- | --- |
            | `serde` | `app` | `dependencies` | `rc` | the default ones |
        "#]]
        .assert_eq(&markdown(&report()));
    }

    #[test]
    fn long_lists_are_cut_and_nothing_is_a_sentence() {
        let mut long = report();
        long.lock.added = vec![long.lock.added[0].clone(); 500];
        let text = markdown(&long);
        assert!(text.contains("\nand 440 more\n") && text.len() < 10_000, "{}", text.len());
        let nothing = DepsReport { lock: LockChanges::default(), features: Vec::new(), ..report() };
        assert!(markdown(&nothing).ends_with("\nThe dependencies stay as they are.\n"));
    }
}
