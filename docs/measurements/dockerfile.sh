#!/usr/bin/env bash
# A rebuild after a change of code alone through Dockerfile.production, on a builder that knows nothing but the registry's
# layer cache, beside the classic form of the same file: its cooks and its build over a cache mount on `target`, which a
# new builder has not got. Both by `docker build --push --cache registry`, in turn.
#
# Usage: docs/measurements/dockerfile.sh WORKSPACE SOURCE XTASK FOLDER ROUNDS [ARGUMENT...]
#   WORKSPACE  a repository with a Dockerfile.production, or xtask/tests/fixture; it is copied as git knows it
#   SOURCE     the server's source file that is another one in each round, below WORKSPACE
#   XTASK      the program; the builder gets it too, in place of the stage that would compile it
#   FOLDER     keeps copies, the registry's data, and a line for each build as soon as it has ended (lines.txt). The same
#              call again goes on with what is not there yet
#   ROUNDS     how often each form is rebuilt
#   ARGUMENT   for every `docker build`, e.g. --build-arg RUST_IMAGE=...
# Everything in the current builder's cache is deleted, again before each rebuild. Needs docker-registry and python3.
set -euo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
workspace=$(cd "$1" && pwd) source=$2 xtask=$(realpath "$3")
mkdir -p "$4"
folder=$(cd "$4" && pwd) rounds=$5 address=127.0.0.1:5021
shift 5
# Each copy has its own, and no flags of whoever runs this.
unset CARGO_TARGET_DIR RUSTFLAGS
lines=$folder/lines.txt
touch "$lines"

# The same recipe, but that `target` is a mount and what ships is copied out of it.
classic() {
  local shipped
  shipped=$(sed -n 's|^COPY --from=builder \(/app/target/.*\) [^ ]*$|\1|p' "$1" | tr '\n' ' ')
  sed -i \
    -e 's|^RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked|RUN --mount=type=cache,id=classic,target=/app/target,sharing=locked \\\n    --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked|' \
    -e "/# xtask: begin build\$/,/show-stats/ s|show-stats.*|& \\\\\n    \&\& mkdir /out \&\& cp --recursive --parents ${shipped% } /out/|" \
    -e '/^COPY --from=builder/ s|/app/target/|/out/app/target/|g' "$1"
}

copy() {
  [ -d "$folder/$1" ] && return
  mkdir "$folder/making"
  git -C "$workspace" ls-files -z | (cd "$workspace" && xargs -0 cp --parents --target-directory "$folder/making")
  (
    cd "$folder/making"
    if [ ! -e Dockerfile.production ]; then
      cp "$repository/Dockerfile.production" "$repository/.dockerignore" .
      (cd "$repository" && cp --parents xtask/src/tools/local/xtask-linker.sh "$folder/making")
    fi
    "$xtask" generate 2>/dev/null >&2
    [ "$1" = cooked ] || classic Dockerfile.production
  )
  mv "$folder/making" "$folder/$1"
}

# What is made already, in place of the stage of this name.
hand_over() {
  install -D "$2" "$folder/tools/$1/tool/bin/$1"
  strip "$folder/tools/$1/tool/bin/$1" || true
}

summary='
import json, sys
record = json.load(sys.stdin)
states = " and ".join(s["state"] for s in record["stages"] if "cargo chef cook" in s["instruction"])
app = [s["seconds"] for s in record["stages"] if "xtask build" in s["instruction"] and s["seconds"]]
after = record["after_cook"]
units = sum(after[half]["compiled"] for half in ("front", "server"))
print("%.1f s; cooks %s; the app %.1f s, %d units, %d dependencies compiled again" % (record["seconds"], states, app[0], units, len(after["dependencies"])))'

# A build of one form, unless its line is there.
build() {
  local form=$1 name=$2 status=0
  shift 2
  grep -q "^$form $name: " "$lines" && return
  [ "$name" = cold ] || docker buildx prune --all --force >/dev/null
  (
    cd "$folder/$form"
    cp "$folder/source" "$source"
    printf '\n#[used]\nstatic ROUND: &str = "%s of %s";\n' "$name" "$form" >>"$source"
    [ "$form" = cooked ] || set -- --allow-recompiled "$@"
    "$xtask" docker build --push --force --cache registry --image "$address/$form" --format json "$@" -- \
      --build-context "xtask=$folder/tools/xtask" --build-context "wasm-bindgen=$folder/tools/wasm-bindgen" \
      >"$folder/record.json" 2>"$folder/$form-${name// /-}.log"
  ) || status=$?
  [ "$status" = 0 ] || { tail -n 20 "$folder/$form-${name// /-}.log" >&2; exit "$status"; }
  echo "$form $name: $(python3 -c "$summary" <"$folder/record.json")" | tee -a "$lines"
}

[ -e "$folder/source" ] || cp "$workspace/$source" "$folder/source"
copy cooked
copy classic
hand_over xtask "$xtask"
hand_over wasm-bindgen "$(cd "$folder/cooked" && "$xtask" setup --check --format json |
  python3 -c 'import json, sys; print(next(t["path"] for t in json.load(sys.stdin)["tools"] if t["tool"] == "wasm-bindgen"))')"
printf 'version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: %s/data\nhttp:\n  addr: %s\n' "$folder" "$address" >"$folder/registry.yml"
docker-registry serve "$folder/registry.yml" >/dev/null 2>&1 &
registry=$!
trap 'kill $registry' EXIT
sleep 2

# The tools are made once, for both.
grep -q ' cold: ' "$lines" || docker buildx prune --all --force >/dev/null
for form in cooked classic; do build "$form" cold "$@"; done
for round in $(seq "$rounds"); do
  order=(cooked classic)
  [ $((round % 2)) = 1 ] || order=(classic cooked)
  for form in "${order[@]}"; do build "$form" "round $round" "$@"; done
done
python3 - "$lines" <<'P'
import re, statistics, sys
seconds = {"cooked": [], "classic": []}
for line in open(sys.argv[1]):
    match = re.match(r"(\w+) round \d+: ([\d.]+) s", line)
    if match:
        seconds[match[1]].append(float(match[2]))
cooked, classic = (statistics.median(seconds[form]) for form in ("cooked", "classic"))
print("median of %d: cooked %.1f s, classic %.1f s, share %.2f" % (len(seconds["cooked"]), cooked, classic, cooked / classic))
P
(cd "$folder/cooked" && "$xtask" docker inspect --format json) |
  python3 -c 'import json, sys; print("the image: %.1f MB compressed, with its base" % (json.load(sys.stdin)["size"] / 1e6))'
