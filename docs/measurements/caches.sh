#!/usr/bin/env bash
# Builds of a Leptos workspace from nothing, without a compile cache and through each that is installed: seconds, CPU, hits, and
# whether the same came out. Every cache has a server, a folder and settings of its own.
# Usage: docs/measurements/caches.sh [WORKSPACE] [ROUNDS] [EDITED-FILE]   (from the repository's root)
# XTASK is the program of this repository (target/xtask/xtask), CACHES the caches; settings of kache can be added as KACHE_….
set -euo pipefail
workspace=$(realpath "${1:-xtask/tests/fixture}")
rounds=${2:-3}
edited=${3:-ui/src/lib.rs}
xtask=$(realpath "${XTASK:-target/xtask/xtask}")
folder=$(mktemp -d)
more=$(env | grep -E '^KACHE_' || true)
for name in $(env | grep -oE '^(SCCACHE_|KACHE_|RUSTC_WRAPPER)[A-Z0-9_]*' || true) CARGO_TARGET_DIR RUSTFLAGS; do unset "$name"; done
server=
trap '[[ -z $server ]] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT

program() { # NAME: of the user-local folder, else of PATH
  local own; own=$(ls "${XTASK_HOME:-$HOME/.local/share/xtask}/tools/$1/"*"/bin/$1" 2>/dev/null | tail -1 || true)
  [[ -n $own ]] && echo "$own" || command -v "$1" || true
}
seconds_of() { # PID: CPU seconds of a server and of the compilers that it has run
  [[ -n $1 ]] && awk -v hz="$(getconf CLK_TCK)" '{sub(/.*\) /, ""); print ($12 + $13 + $14 + $15) / hz}' "/proc/$1/stat" || echo 0
}
counts() { # hits misses others, so far
  case $cache in
    none) echo 0 0 0 ;;
    sccache) "$program" --show-stats | awk '/^Cache hits  /{h=$3} /^Cache misses  /{m=$3} /^Non-cacheable calls/{n=$3} END{print h+0, m+0, n+0}' ;;
    kache) "$program" report --format json --since 7d --output "$folder/report.json" >/dev/null 2>&1
      awk -F'[:,]' '/"summary"/{s=1} s && /"(local_hits|misses|dups|passthroughs|skipped)"/{gsub(/[" ]/, "", $1); v[$1]=$2+0} /"timeline"/{s=0}
        END{print v["local_hits"]+0, v["misses"]+v["dups"]+0, v["passthroughs"]+v["skipped"]+0}' "$folder/report.json" ;;
  esac
}
digests() { # of the wasm file that ships, and of the server
  local wasm server
  wasm=$(find "$1/target/site" -name '*.wasm'); server=$(find "$1/target" -mindepth 2 -maxdepth 2 -type f -perm -u+x ! -name '*.*')
  echo "wasm $(sha256sum "$wasm" | cut -c1-8) server $(sha256sum "$server" | cut -c1-8)"
}
build() { # LABEL CHECKOUT
  rm -rf "$2/target"
  local before after begin end cpu served
  before=$(counts); served=$(seconds_of "$server"); begin=$(date +%s.%N)
  TIMEFORMAT='%U %S'
  { time (cd "$2" && "$xtask" build --format json >"$folder/build.json" 2>"$folder/build.log"); } 2>"$folder/cpu" || { cat "$folder/build.log" >&2; exit 1; }
  end=$(date +%s.%N); after=$(counts); served=$(echo "$(seconds_of "$server") - $served" | bc)
  cpu=$(awk '{print $1 + $2}' "$folder/cpu")
  printf '%-8s %-22s %7.2f s wall %7.2f s CPU %7.2f s of the server   hits, misses, other: %s   %s\n' "$cache" "$1" "$(echo "$end - $begin" | bc)" \
    "$cpu" "$served" "$(paste <(tr ' ' '\n' <<<"$before") <(tr ' ' '\n' <<<"$after") | awk '{printf "%d ", $2 - $1}')" "$(digests "$2")"
}

echo "$(rustc --version), $(nproc) cores, $(basename "$workspace")${more:+, $more}"
mkdir -p "$folder/here" && cp -r "$workspace/." "$folder/here" && rm -rf "$folder/here/target"
(cd "$folder/here" && cargo fetch --quiet)
for cache in ${CACHES:-none sccache kache}; do
  unset RUSTC_WRAPPER; server=
  if [[ $cache != none ]]; then
    program=$(program $cache)
    [[ -n $program ]] || { echo "$cache is not installed"; continue; }
    "$program" --version
    mkdir -p "$folder/$cache"; log=$folder/$cache.log
    if [[ $cache = sccache ]]; then
      export SCCACHE_SERVER_UDS=$folder/s SCCACHE_DIR=$folder/sccache SCCACHE_CONF=$folder/none SCCACHE_IDLE_TIMEOUT=3600
      SCCACHE_START_SERVER=1 SCCACHE_NO_DAEMON=1 "$program" >"$log" 2>&1 &
    else
      export KACHE_SOCKET_PATH=$folder/k KACHE_CACHE_DIR=$folder/kache KACHE_CONFIG=$folder/none KACHE_HOST_CONFIG='' KACHE_LOCAL_ONLY=1
      export KACHE_LOG_FILE_PATH=$folder/kache.log KACHE_SEED_NEW_TARGETS=0
      while IFS= read -r line; do [[ -z $line ]] || export "${line?}"; done <<<"$more"
      "$program" daemon run >"$log" 2>&1 &
    fi
    server=$!
    until [[ -S ${SCCACHE_SERVER_UDS:-${KACHE_SOCKET_PATH:-}} ]]; do kill -0 $server || { cat "$log"; exit 1; }; sleep 0.1; done
    export RUSTC_WRAPPER=$program
  fi
  build cold "$folder/here"
  for _ in $(seq "$rounds"); do build warm "$folder/here"; done
  rm -rf "$folder/there"; cp -r "$folder/here" "$folder/there"
  build 'another checkout' "$folder/there"
  printf '\n// Another line.\n' >>"$folder/there/$edited"
  build 'an edit' "$folder/there"
  if [[ -n $server ]]; then kill "$server"; wait "$server" 2>/dev/null || true; server=; unset SCCACHE_SERVER_UDS KACHE_SOCKET_PATH; fi
done
