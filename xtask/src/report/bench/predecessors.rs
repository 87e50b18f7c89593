//! What two earlier projects of this kind reported, as they reported it. Under which conditions they measured, if they
//! did, is not known: the figures stand beside ours as what is to be beaten.

/// One figure of theirs, and where ours comes from.
pub struct Predecessor {
    pub what: &'static str,
    pub source: &'static str,
    pub theirs: &'static str,
    pub ours: Ours,
}

/// What of a benchmark's record is comparable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ours {
    /// The times of a scenario.
    Times(&'static str, Place),
    /// The hit rate of each compile cache in a scenario.
    HitRates(&'static str, Place),
    /// The ratios of each compile cache to none in a scenario.
    CacheRatios(&'static str, Place),
    /// Units that a build from nothing compiles.
    Units,
    /// `bench` does not measure it, and a file of the workspace has our figure.
    Elsewhere(Elsewhere),
    /// Nobody has measured it.
    NotMeasured,
}

/// A figure that is in no record of `bench`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// What exactly was measured: it is not just what theirs is of.
    pub of: &'static str,
    /// From the workspace's root.
    pub file: &'static str,
    /// What stands beside the figure in that file.
    pub words: &'static str,
}

/// Where it has to be measured to be comparable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On a machine of our own.
    Machine,
    /// On a runner of GitHub Actions.
    Ci,
}

const FIRST: &str = "a predecessor project";
const SECOND: &str = "a second predecessor project";

const fn elsewhere(of: &'static str, file: &'static str, words: &'static str) -> Ours {
    Ours::Elsewhere(Elsewhere { of, file, words })
}

const fn of(source: &'static str, what: &'static str, theirs: &'static str, ours: Ours) -> Predecessor {
    Predecessor { what, source, theirs, ours }
}

pub const PREDECESSORS: [Predecessor; 15] = [
    of(FIRST, "cold build on a machine of one's own", "246 s", Ours::Times("cold", Place::Machine)),
    of(FIRST, "warm build there", "183 s", Ours::Times("warm", Place::Machine)),
    of(FIRST, "cache hits in the warm build", "57.6 %", Ours::HitRates("warm", Place::Machine)),
    of(FIRST, "warm build beside the cold one", "25.6 % faster", Ours::CacheRatios("warm", Place::Machine)),
    of(FIRST, "cold build in CI", "8–12 min", Ours::Times("cold", Place::Ci)),
    of(FIRST, "warm build in CI", "3–5 min", Ours::Times("warm", Place::Ci)),
    of(FIRST, "build in CI after a change of code only", "1–2 min", Ours::Times("patch-server", Place::Ci)),
    of(FIRST, "compile units, by pruning features", "145 → 105", Ours::Units),
    of(
        FIRST,
        "deploy",
        "30–60 s",
        elsewhere(
            "what it adds to the platform's own time",
            "docs/measurements/deploy.md",
            "| `deploy`, a minute |",
        ),
    ),
    of(
        FIRST,
        "from a push until it is live",
        "4–6 min",
        elsewhere("our own share of it, on a small app", "docs/measurements/ci-share.txt", "; of our own: "),
    ),
    of(
        FIRST,
        "image",
        "about 200 MB",
        elsewhere("at most 25 MB as it is sent", ".ci/run", "docker inspect \"$image\" --fail 25MB"),
    ),
    of(FIRST, "cost of the cache a month", "$0.30", Ours::NotMeasured),
    of(
        SECOND,
        "full build in Docker",
        "60 → 15–20 min",
        elsewhere("the app, with xtask and cargo-chef", "docs/ci.md", "| the app in Docker: "),
    ),
    of(SECOND, "incremental build in CI", "30 → 5–10 min", Ours::Times("patch-server", Place::Ci)),
    of(
        SECOND,
        "build after a change of code only",
        "20 → 2–5 min",
        Ours::Times("patch-server", Place::Machine),
    ),
];
