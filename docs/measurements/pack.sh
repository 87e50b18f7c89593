#!/usr/bin/env bash
# `docker pack --push` after a change of the server alone, beside `docker build` by COPY and `docker push` of the same
# files, both into a registry on this machine, in turn. Both are wall-clock seconds of whole commands, their start and end
# included. Building is not counted: both begin with what is built, and what `xtask build` takes to find that out, measured
# just before, is taken off what `docker pack` takes, which finds it out too.
# Usage: docs/measurements/pack.sh WORKSPACE XTASK BASE SERVER SOURCE TEXT [ROUNDS]
#   WORKSPACE: a built workspace (its server's source is changed meanwhile), XTASK: the program, BASE: a local image to
#   stand on, SERVER: the server's name, SOURCE: a file of it with TEXT in it, which is another text in each round
set -euo pipefail
workspace=$(cd "$1" && pwd) xtask=$(realpath "$2") base=$3 name=$4 main=$1/$5 text=$6 rounds=${7:-5}
work=$(mktemp -d)
printf 'version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: %s/data\nhttp:\n  addr: 127.0.0.1:5017\n' "$work" >"$work/registry.yml"
docker-registry serve "$work/registry.yml" >/dev/null 2>&1 &
registry=$!
trap 'kill $registry; docker image rm --force $(docker image ls --format "{{.Repository}}:{{.Tag}}" 127.0.0.1:5017/built) 127.0.0.1:5017/base:1 >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
sleep 2
docker tag "$base" 127.0.0.1:5017/base:1
docker push --quiet 127.0.0.1:5017/base:1 >/dev/null
server=$(find "$workspace/target" -maxdepth 3 -path '*/production/*' -name "$name" -type f | head -n 1)
grep -q "$text" "$main"
mkdir "$work/context"
cp -r "$workspace/target/site" "$(dirname "$server")/hash.txt" "$work/context/"
printf 'FROM 127.0.0.1:5017/base:1\nWORKDIR /app\nCOPY site /app/site\nCOPY hash.txt /app/\nCOPY server /app/server\nENTRYPOINT ["/app/server"]\n' >"$work/context/Dockerfile"
cp "$main" "$work/main.rs"
now() { date +%s.%N; }
took() { awk -v from="$1" -v to="$(now)" 'BEGIN {printf "%.2f", to - from}'; }
for round in $(seq 0 "$rounds"); do
  sed "s/$text/$text ($round)/" "$work/main.rs" >"$main"
  # What `docker pack` would build first is built here, by the same plan, so that cargo finds nothing to do.
  for time in 1 2; do
    from=$(now)
    (cd "$workspace" && "$xtask" build --ask-cargo) >"$work/build.out" 2>&1 || { cat "$work/build.out" >&2; exit 1; }
    asked=$(took "$from")
  done
  from=$(now)
  (cd "$workspace" && "$xtask" docker pack --push --image 127.0.0.1:5017/packed --base 127.0.0.1:5017/base:1 --format json) >"$work/pack.json" 2>"$work/pack.err" ||
    { cat "$work/pack.err" >&2; exit 1; }
  whole=$(took "$from")
  packed=$(awk -v whole="$whole" -v asked="$asked" 'BEGIN {printf "%.2f", whole - asked}')
  # A layer that was there already, or a server that was compiled in that time, would be another measurement.
  ! grep -q Compiling "$work/pack.err" || { echo "docker pack compiled" >&2; exit 1; }
  steps=$(python3 -c 'import json, sys; print(", ".join("%s %.2f" % (s["name"], s["seconds"]) for s in json.load(sys.stdin)["steps"]))' <"$work/pack.json")
  ! cmp --silent "$server" "$work/context/server" || { echo "the server is the same as before" >&2; exit 1; }
  cp "$server" "$work/context/server"
  from=$(now)
  docker build --quiet --provenance=false --tag "127.0.0.1:5017/built:$round" "$work/context" >/dev/null
  docker push --quiet "127.0.0.1:5017/built:$round" >/dev/null
  built=$(took "$from")
  # The first round sends everything.
  [ "$round" = 0 ] && first=" (everything sent)" || first=""
  echo "round $round: pack and push $packed s ($steps; of $whole s, $asked s is what a build takes that has nothing to do), docker build and push $built s$first"
done
cp "$work/main.rs" "$main"
