//! What the compile cache of a Docker build gave, from what its instructions printed: sccache's statistics stand behind
//! what each of them compiled. A cache that does not work makes no build fail, so it has to be told. Pure.

use super::progress::Printed;
use crate::record::docker_build::CompileCache;

/// How much of sccache's own words is kept, in characters.
const REASON_LENGTH_MAX: usize = 300;

/// Sums up the instructions that compiled through the cache, or tried to; `None` where none did.
pub fn read(printed: &[Printed]) -> Option<CompileCache> {
    let mut all = CompileCache::default();
    for instruction in printed {
        if let Some([hits, misses, errors]) = statistics(&instruction.stdout) {
            all.hits += hits;
            all.misses += misses;
            all.errors += errors;
        } else if let Some(reason) = reason(instruction) {
            all.without += 1;
            all.reason.get_or_insert(reason);
        } else {
            // It did not run, or failed before the statistics.
            continue;
        }
        all.instructions += 1;
    }
    (all.instructions > 0).then_some(all)
}

/// Hits, misses and errors of `sccache --show-stats`.
fn statistics(text: &str) -> Option<[u64; 3]> {
    let value = |name: &str| -> Option<u64> {
        text.lines().find_map(|line| {
            // The same by language has a name that goes on.
            let rest = line.strip_prefix(name)?.strip_prefix("  ")?;
            rest.trim().parse().ok()
        })
    };
    let errors = ["Cache errors", "Cache read errors", "Cache write errors", "Cache timeouts"];
    let errors = errors.into_iter().filter_map(value).sum();
    Some([value("Cache hits")?, value("Cache misses")?, errors])
}

/// Why the server did not start, in its own words.
fn reason(instruction: &Printed) -> Option<String> {
    let lines = instruction.stderr.lines().chain(instruction.stdout.lines());
    let said = lines.map(str::trim).find(|line| line.starts_with("sccache: error"))?;
    Some(said.chars().take(REASON_LENGTH_MAX).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_summed_and_what_has_none_is_told() {
        let printed =
            |stdout: &str, stderr: &str| Printed { stdout: stdout.to_owned(), stderr: stderr.to_owned() };
        let statistics = "{}\nCompile requests                      5\nCache hits                            3\n\
                          Cache hits (Rust)                     3\nCache misses                          2\n\
                          Cache misses (Rust)                   2\nCache hits rate                   60.00 %\n\
                          Cache timeouts                        0\nCache read errors                     0\n\
                          Cache write errors                    1\nCache errors                          0\n";
        let failed =
            "sccache: Starting the server...\nsccache: error: Server startup failed: no such bucket\n";
        let all = read(&[printed(statistics, "Compiling a\n"), printed(statistics, ""), printed("", failed)]);
        let all = all.unwrap();
        assert_eq!((all.hits, all.misses, all.errors), (6, 4, 2));
        assert_eq!((all.instructions, all.without), (3, 1));
        assert_eq!(all.reason.as_deref(), Some("sccache: error: Server startup failed: no such bucket"));
        assert_eq!(read(&[printed("", ""), printed("", "error: it does not compile\n")]), None);
    }
}
