#!/usr/bin/env bash
# Compares ways to arrange the two halves of a cold build: wall seconds, CPU seconds, rustc calls, size of the wasm file.
# Usage: docs/measurements/host-units.sh [ROUNDS]   (from the workspace's root; needs the wasm target)
set -euo pipefail
rounds=${1:-1}
target=$(mktemp -d)
trap 'rm -rf "$target"' EXIT
cargo fetch --quiet --locked
export CARGO_TARGET_DIR=$target LEPTOS_OUTPUT_NAME=usdfc
server=(-p usdfc-analytics-terminal --profile production)
front=(-p usdfc-frontend --lib --target wasm32-unknown-unknown)

measure() { # NAME SUBCOMMAND, then the front half's arguments
  local name=$1 subcommand=$2 begin end calls; shift 2
  rm -rf "${target:?}"/*
  begin=$(date +%s.%N)
  TIMEFORMAT='%U %S'
  { time { cargo "$subcommand" -v "${front[@]}" "$@" && cargo build -v "${server[@]}"; } 2>"$target/log" >/dev/null; } 2>"$target/cpu"
  end=$(date +%s.%N)
  calls=$(grep -c 'Running `.*rustc ' "$target/log")
  awk -v name="$name" -v wall="$(echo "$end - $begin" | bc)" -v calls="$calls" \
    -v wasm="$(stat -c %s "$target"/wasm32-unknown-unknown/*/usdfc_frontend.wasm)" \
    '{printf "%-34s %7.1f s wall %7.1f s CPU %5d rustc calls %9d bytes of wasm\n", name, wall, $1 + $2, calls, wasm}' "$target/cpu"
  cp "$target"/wasm32-unknown-unknown/*/usdfc_frontend.wasm "${XTASK_KEEP:-$target}/${name// /-}.wasm" 2>/dev/null || true
}

z='profile.production.opt-level="z"'
wasm=profile.production-wasm
for _ in $(seq "$rounds"); do
  measure "one name, no LTO" build --profile production --config "$z"
  measure "two names, no LTO" build --profile production-wasm --config $wasm.lto=false --config $wasm.codegen-units=16
  measure "two names, fat LTO, one unit" build --profile production-wasm
  measure "one name, fat LTO for the wasm file" rustc --profile production --config "$z" --config profile.production.codegen-units=1 \
    --config 'target.wasm32-unknown-unknown.rustflags=["-Cembed-bitcode=yes"]' -- -Clto=fat
done
