#!/usr/bin/env bash
# What each edit of the app costs, and exactly which packages it compiles, by cargo's own messages.
# Usage: docs/measurements/edits.sh [ROUNDS]   (from the workspace's root; edits three files and puts them back)
set -euo pipefail
rounds=${1:-1}
files=(crates/server/src/main.rs crates/terminal/src/dashboard.rs crates/core/src/lib.rs)
saved=$(mktemp -d)
for file in "${files[@]}"; do cp -p "$file" "$saved/$(basename "$(dirname "$(dirname "$file")")").rs"; done
restore() { for file in "${files[@]}"; do cp "$saved/$(basename "$(dirname "$(dirname "$file")")").rs" "$file"; done; rm -rf "$saved"; }
trap restore EXIT
report() { # WHAT
  # Where nothing was touched cargo would not be asked what it thinks.
  cargo xtask build --ask-cargo --format json 2>/dev/null | python3 -c '
import json, sys
report = json.load(sys.stdin)
steps = {step["name"]: step for step in report["steps"]}
halves = ["%s: %s" % (half, " ".join(steps["compile " + half]["units"]["compiled_packages"]) or "nothing") for half in ("front", "server")]
print("%-20s %6.1f s   %s" % (sys.argv[1], report["seconds"], "; ".join(halves)))' "$1"
}
cargo xtask build >/dev/null 2>&1
for round in $(seq "$rounds"); do
  report 'nothing'
  echo "// edit $round" >>"${files[0]}"; report 'a line in the server'
  echo "// edit $round" >>"${files[1]}"; report 'a line in the UI'
  echo "// edit $round" >>"${files[2]}"; report 'a line in the core'
done
