#!/usr/bin/env bash
# What each blocking HTTP client with TLS adds to the compile time of xtask: the same small crate, alone and with each.
# Usage: docs/measurements/http-client.sh [ROUNDS]
# Prints one line a sample; rounds alternate the candidates. Downloads are done before.
set -euo pipefail
rounds=${1:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
candidates=(
  'none|'
  'ureq|ureq = { version = "3", default-features = false, features = ["rustls"] }'
  'minreq|minreq = { version = "2", features = ["https-rustls"] }'
  'attohttpc|attohttpc = { version = "0.31", default-features = false, features = ["tls-rustls-webpki-roots"] }'
  'reqwest|reqwest = { version = "0.12", default-features = false, features = ["blocking", "rustls-tls"] }'
)
for candidate in "${candidates[@]}"; do
  name=${candidate%%|*}
  mkdir -p "$work/$name/src"
  echo 'fn main() {}' >"$work/$name/src/main.rs"
  printf '[package]\nname = "client"\nversion = "0.1.0"\nedition = "2024"\n[workspace]\n[dependencies]\nanyhow = "1"\nserde = { version = "1", features = ["derive"] }\nserde_json = "1"\n%s\n' "${candidate#*|}" >"$work/$name/Cargo.toml"
  (cd "$work/$name" && cargo fetch --quiet)
done
TIMEFORMAT='%R %U %S'
for round in $(seq "$rounds"); do
  for candidate in "${candidates[@]}"; do
    name=${candidate%%|*}
    rm -rf "$work/$name/target"
    { time (cd "$work/$name" && cargo build --quiet --offline 2>/dev/null); } 2>"$work/time"
    awk -v name="$name" -v round="$round" -v units="$(cd "$work/$name" && cargo tree --offline --prefix none --no-dedupe -e normal,build | sort -u | wc -l)" \
      '{printf "round %s  %-10s %6.1f s wall  %6.1f s CPU  %4d packages\n", round, name, $1, $2 + $3, units}' "$work/time"
  done
done
