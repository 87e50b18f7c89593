#!/usr/bin/env bash
# The speed of the automation itself, on a built workspace (`cargo xtask build` first): several samples of each figure.
# Usage: docs/measurements/xtask.sh [ROUNDS]   (from the workspace's root)
set -euo pipefail
rounds=${1:-5}
target=$(mktemp -d)
edited=crates/server/src/main.rs
cp "$edited" "$target/edited"
trap 'cp "$target/edited" "$edited"; rm -rf "$target"' EXIT
TIMEFORMAT='%R %U %S'
sample() { # NAME COMMAND...
  local name=$1; shift
  { time "$@" >"$target/out" 2>"$target/err"; } 2>"$target/time"
  awk -v name="$name" '{printf "%-44s %6.2f s wall %6.2f s CPU\n", name, $1, $2 + $3}' "$target/time"
}
cargo xtask build >/dev/null 2>&1
for round in $(seq "$rounds"); do
  sample 'cargo xtask --help, compiled' cargo xtask --help
  sample 'cargo xtask build, nothing changed' cargo xtask build
  sample 'cargo xtask build --ask-cargo, the same' cargo xtask build --ask-cargo
done
for round in $(seq 3); do
  rm -rf "$target/cold"
  sample 'xtask from nothing' env CARGO_TARGET_DIR="$target/cold" cargo xtask --help
done
for round in $(seq 3); do
  echo "// $round" >>"$edited"
  sample 'cargo xtask build, a line in the server' cargo xtask build
  grep -E '^(compile front|wasm-bindgen|wasm-opt|site|compile server) ' "$target/out" | sed 's/^/    /'
done
