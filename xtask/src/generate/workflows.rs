//! What workflows have in common: one pin for each action, one Rust, and the steps that many jobs begin and end with.
//!
//! GitHub knows no step that several files share and that needs no checkout first, so they are written out and held the
//! same. Which steps a workflow has is people's. Pure.

use std::collections::BTreeMap;

use super::{Blocks, Drift, Filled};

/// Actions of the shared steps, and the pins that they get in workflows that have none yet.
const FIRST_PINS: [(&str, &str); 2] = [
    ("actions/cache", "55cc8345863c7cc4c66a329aec7e433d2d1c52a9 # v6.1.0"),
    ("actions/checkout", "3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"),
];

// What stands in angle brackets is filled in. Versions (tags) take nothing over: they are built from nothing.

/// Why a linter is not heeded that takes every cache for poisoned.
const WHY_XTASK: &str = "versions take none, and what a pull request leaves is read by nobody else";
const WHY_COMPILED: &str = "versions take none, and only the default branch writes it";

const CHECK_OUT: &str = "\
- name: Check out
  uses: actions/checkout@<checkout>
  with:
    # The token would stay in .git/config, where everything that is compiled could read it.
    persist-credentials: false";

const TAKE_XTASK: &str = "\
- name: Take over the compiled xtask
  if: github.ref_type == 'branch'
  uses: actions/cache/restore@<cache> # zizmor: ignore[cache-poisoning] <why-xtask>
<xtask>";

const TAKE_OR_KEEP_XTASK: &str = "\
- name: Take over the compiled xtask, or keep it
  if: github.ref_type == 'branch'
  uses: actions/cache@<cache> # zizmor: ignore[cache-poisoning] <why-xtask>
<xtask>";

const XTASK: &str = "  with:
    # The sources come along with their times: for cargo a checkout makes every file new, and by these it knows that it
    # has compiled them. The key is made of their content, so nothing else of them can differ.
    path: |
      <automation>/src
      <automation>/tools.toml
      target/xtask/.fingerprint
      target/xtask/build
      target/xtask/deps
      target/xtask/xtask
      ~/.cargo/registry/index
      ~/.cargo/registry/cache
    key: >-
      xtask-${{ runner.os }}-${{ runner.arch }}-${{ env.RUSTUP_TOOLCHAIN }}-${{ hashFiles('<automation>/src/**',
      '<automation>/Cargo.toml', '<automation>/tools.toml', 'Cargo.toml', 'Cargo.lock', '.cargo/config.toml') }}";

const TAKE_COMPILED: &str = "\
# GitHub keeps the caches of branches apart: what a run on the default branch finds, an earlier run there has left.
# Versions (tags) are built from nothing all the same, and so is what somebody wants rebuilt.
- name: Take over compiled dependencies and tools
  id: compiled
  if: github.ref_type == 'branch' && github.event.inputs.force_rebuild != 'true'
  uses: actions/cache/restore@<cache> # zizmor: ignore[cache-poisoning] <why-compiled>
  with:
    <compiled>
    key: >-
      ${{ github.job }}-${{ runner.os }}-${{ runner.arch }}-${{ env.RUSTUP_TOOLCHAIN }}-${{ hashFiles('Cargo.lock',
      '**/Cargo.toml', '.cargo/config.toml', '<automation>/tools.toml') }}
    # Other versions of some crates are better than none at all; another compiler is of no use.
    restore-keys: ${{ github.job }}-${{ runner.os }}-${{ runner.arch }}-${{ env.RUSTUP_TOOLCHAIN }}-";

const KEEP_COMPILED: &str = "\
# By the default branch alone, whose caches all others read: there are ten gigabytes for all of them.
- name: Keep compiled dependencies and tools
  if: >-
    github.ref == format('refs/heads/{0}', github.event.repository.default_branch)
    && steps.compiled.outputs.cache-primary-key != '' && steps.compiled.outputs.cache-hit != 'true'
  uses: actions/cache/save@<cache>
  with:
    <compiled>
    key: ${{ steps.compiled.outputs.cache-primary-key }}";

const COMPILED: &str = "\
path: |
      ~/.cargo/registry/index
      ~/.cargo/registry/cache
      ~/.cargo/git/db
      ~/.local/share/xtask
      target";

/// The variable that names the toolchain, as a workflow sets it.
const TOOLCHAIN: &str = "RUSTUP_TOOLCHAIN:";

/// Each action (`owner/name`) with its pin: `HASH # vVERSION`.
pub type Pins = BTreeMap<String, String>;

/// What the shared parts follow from.
#[derive(Clone, Debug)]
pub struct Facts {
    pub pins: Pins,
    /// The toolchain, e.g. `1.95.0`; `None` where nothing names one.
    pub toolchain: Option<String>,
    /// The folder of this automation, below the workspace's root.
    pub automation: String,
}

/// An action's pin in a line.
struct Pin<'a> {
    action: String,
    /// What stands before the pin, and behind it: other remarks.
    before: &'a str,
    hash: &'a str,
    version: &'a str,
    behind: &'a str,
}

/// The newest pin of each action in these texts, so that whoever updates one file updates them all.
pub fn pins<'a>(texts: impl Iterator<Item = &'a str>) -> Pins {
    let mut newest: Pins =
        FIRST_PINS.iter().map(|(action, pin)| ((*action).to_owned(), (*pin).to_owned())).collect();
    let mut seen: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for pin in texts.flat_map(str::lines).filter_map(pin_in) {
        let numbers = numbers(pin.version);
        if seen.get(&pin.action).is_none_or(|known| *known < numbers) {
            newest.insert(pin.action.clone(), format!("{} # {}", pin.hash, pin.version));
            seen.insert(pin.action, numbers);
        }
    }
    newest
}

/// The newest toolchain that these texts set, for a workspace in which nothing else names one.
pub fn toolchain<'a>(texts: impl Iterator<Item = &'a str>) -> Option<String> {
    let set = texts.flat_map(str::lines).filter_map(|line| line.trim().strip_prefix(TOOLCHAIN));
    let names = set.map(|value| value.trim().trim_matches(['"', '\'']).to_owned());
    names.max_by_key(|name| numbers(name))
}

/// A workflow with its pins and blocks as they should be.
pub fn fill(file: &str, text: &str, facts: &Facts) -> anyhow::Result<Filled> {
    let mut pinned = String::new();
    let mut drifts = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let wanted = pin_in(line).and_then(|pin| {
            let wanted = facts.pins.get(&pin.action)?;
            Some(format!("{}{wanted}{}", pin.before, pin.behind))
        });
        let wanted = wanted.unwrap_or_else(|| line.to_owned());
        if wanted != line {
            drifts.push(Drift {
                line: index + 1,
                block: "pins".to_owned(),
                found: line.trim().to_owned(),
                wanted: wanted.trim().to_owned(),
            });
        }
        pinned += &wanted;
        pinned.push('\n');
    }
    let mut filled = super::fill(file, &pinned, &blocks(facts))?;
    drifts.append(&mut filled.drifts);
    drifts.sort_by_key(|drift| drift.line);
    Ok(Filled { drifts, ..filled })
}

fn blocks(facts: &Facts) -> Blocks {
    let pin = |action: &str| facts.pins.get(action).map_or("", String::as_str);
    let (cache, checkout) = (pin("actions/cache"), pin("actions/checkout"));
    let lines = |template: &str| -> Vec<String> {
        let text = template
            .replace("<xtask>", XTASK)
            .replace("<compiled>", COMPILED)
            .replace("<cache>", cache)
            .replace("<checkout>", checkout)
            .replace("<why-xtask>", WHY_XTASK)
            .replace("<why-compiled>", WHY_COMPILED)
            .replace("<automation>", &facts.automation);
        text.lines().map(str::to_owned).collect()
    };
    let mut blocks = Blocks::from([
        ("checkout", lines(CHECK_OUT)),
        ("xtask", lines(TAKE_XTASK)),
        ("xtask-kept", lines(TAKE_OR_KEEP_XTASK)),
        ("compiled", lines(TAKE_COMPILED)),
        ("compiled-kept", lines(KEEP_COMPILED)),
    ]);
    if let Some(toolchain) = &facts.toolchain {
        blocks.insert("toolchain", vec![format!("{TOOLCHAIN} \"{toolchain}\"")]);
    }
    blocks
}

/// The pin in a line `uses: OWNER/NAME@HASH # vVERSION`. What is not pinned like that is for `docker lint`.
fn pin_in(line: &str) -> Option<Pin<'_>> {
    let (before, used) = line.split_once("uses:")?;
    if !["", "-"].contains(&before.trim()) {
        return None;
    }
    let (name, pin) = used.split_once('@')?;
    let mut parts = name.trim().split('/');
    let (owner, repository) = (parts.next()?, parts.next()?);
    if owner.is_empty() || owner.starts_with('.') || owner.ends_with(':') {
        return None;
    }
    let (hash, remarks) = pin.split_once(" # ")?;
    let is_hash = hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let version = remarks.split_whitespace().next().filter(|version| version.starts_with('v'))?;
    let (_, behind) = remarks.split_once(version)?;
    let before = &line[..line.len() - pin.len()];
    is_hash.then(|| Pin { action: format!("{owner}/{repository}"), before, hash, version, behind })
}

/// `[6, 1, 0]` of `v6.1.0`, for comparison.
fn numbers(version: &str) -> Vec<u64> {
    version.trim_start_matches('v').split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "0123456789012345678901234567890123456789";
    const NEW: &str = "abcdefabcdefabcdefabcdefabcdefabcdefabcd";

    fn facts(texts: &[&str]) -> Facts {
        Facts {
            pins: pins(texts.iter().copied()),
            toolchain: toolchain(texts.iter().copied()),
            automation: "xtask".to_owned(),
        }
    }

    #[test]
    fn the_newest_pin_is_everybodys() {
        let one = format!("      - uses: a/b/c@{OLD} # v1.9.0\n# xtask: begin toolchain\n# xtask: end\n");
        let two = format!(
            "# xtask: begin toolchain\nRUSTUP_TOOLCHAIN: '1.95.0'\n# xtask: end\n  uses: a/b@{NEW} # v1.10.0 # more\n"
        );
        let facts = facts(&[&one, &two]);
        let filled = fill("w", &one, &facts).unwrap();
        assert_eq!(
            filled.text,
            format!(
                "      - uses: a/b/c@{NEW} # v1.10.0\n# xtask: begin toolchain\nRUSTUP_TOOLCHAIN: \"1.95.0\"\n# xtask: end\n"
            )
        );
        let told: Vec<(usize, &str)> =
            filled.drifts.iter().map(|drift| (drift.line, drift.block.as_str())).collect();
        assert_eq!(told, [(1, "pins"), (3, "toolchain")]);
        let other = fill("w", &two, &facts).unwrap();
        assert!(other.text.ends_with(&format!("  uses: a/b@{NEW} # v1.10.0 # more\n")));
        assert_eq!(other.drifts.len(), 1, "only the quotes: {:?}", other.drifts);
        let again = fill("w", &filled.text, &facts).unwrap();
        assert_eq!((again.text, again.drifts), (filled.text, Vec::new()));
    }

    #[test]
    fn what_is_not_pinned_is_left_alone() {
        for line in [
            "uses: ./.github/workflows/ci.yml",
            "uses: a/b@v4",
            "uses: a/b@0123 # v1",
            "uses: docker://alpine@sha256:0 # v1",
            "run: echo uses: a/b@x # v1",
        ] {
            assert!(pin_in(line).is_none(), "{line}");
        }
        let unversioned = format!("uses: a/b@{OLD}");
        assert!(pin_in(&unversioned).is_none());
    }

    #[test]
    fn all_that_decides_what_is_compiled_is_in_the_key() {
        let filled = fill("w", "# xtask: begin compiled\n# xtask: end\n", &facts(&[])).unwrap();
        let (_, key) = filled.text.split_once("hashFiles(").unwrap();
        let (files, _) = key.split_once(')').unwrap();
        // Profiles and features are in manifests; a key that stays the same is never saved again.
        let files: Vec<&str> = files.split(',').map(str::trim).collect();
        assert_eq!(files, ["'Cargo.lock'", "'**/Cargo.toml'", "'.cargo/config.toml'", "'xtask/tools.toml'"]);
    }

    #[test]
    fn shared_steps_have_the_pins_of_the_workflows() {
        let text = format!("# xtask: begin xtask\n# xtask: end\n- uses: actions/cache/save@{NEW} # v7.0.0\n");
        let filled = fill("w", &text, &facts(&[&text])).unwrap();
        assert!(filled.text.contains(&format!("uses: actions/cache/restore@{NEW} # v7.0.0 # zizmor")));
        assert!(filled.text.contains("\n      xtask-${{ runner.os }}-"), "{}", filled.text);
        let missing = fill("w", "# xtask: begin toolchain\n# xtask: end\n", &facts(&[])).unwrap_err();
        assert!(missing.to_string().contains("there is no block `toolchain`"), "{missing}");
    }
}
