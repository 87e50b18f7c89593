#!/usr/bin/env bash
# The automation's own share of push-to-live for a change of the code alone: what `ci changes`, `ci image` and `ci deploy` take from
# start to end, without compiling (cargo's two runs), network (base, push, Railway's requests) and platform (pull, start, health, the
# revision that is served). A real registry, a real engine and the model of Railway, all on this machine, on the fixture workspace.
# What overlaps with the server's compilation (the site) is compiling here, because nobody waits for it; the smoke test counts as our own.
# Usage: docs/measurements/ci.sh XTASK MODEL BASE [ROUNDS]
#   XTASK: the program, MODEL: the example `railway-model`, both built as the alias does; BASE: a local image to stand on
set -euo pipefail
xtask=$(realpath "$1") model=$(realpath "$2") base=$3 rounds=${4:-5}
here=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
address=127.0.0.1:5018
printf 'version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: %s/data\nhttp:\n  addr: %s\n' "$work" "$address" >"$work/registry.yml"
docker-registry serve "$work/registry.yml" >/dev/null 2>&1 &
mkfifo "$work/open"
"$model" --while-stdin-open --runner docker <"$work/open" >"$work/railway.json" 2>"$work/railway.log" &
exec 9>"$work/open"
clean() {
  exec 9>&-
  sleep 2
  kill $(jobs -p) 2>/dev/null || true
  wait 2>/dev/null || true
  # By name: by its id, an image goes with every name that it has.
  docker image ls --digests --format '{{if eq .Tag "<none>"}}{{.Repository}}@{{.Digest}}{{else}}{{.Repository}}:{{.Tag}}{{end}}' \
    --filter "reference=$address/*/*" --filter "reference=$address/*" | xargs --no-run-if-empty docker image rm >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean EXIT
until [ -s "$work/railway.json" ] && curl --silent --fail "http://$address/v2/" >/dev/null; do sleep 0.2; done
docker tag "$base" "$address/base:1"
docker push --quiet "$address/base:1" >/dev/null

cp -r "$here/xtask/tests/fixture" "$work/app"
cd "$work/app"
rm -rf target
printf '\n[workspace.metadata.xtask]\nimage = "%s/team/fixture"\nbase-image = "%s/base:1"\n' "$address" "$address" >>Cargo.toml
printf '[deploy]\nhealthcheckPath = "/api/health"\nhealthcheckTimeout = 8\noverlapSeconds = 0\ndrainingSeconds = 10\n' >railway.toml
printf '/target\n' >.gitignore
commit() { git add --all && git -c user.name=a -c user.email=a@example.com commit --quiet --message "$1"; }
git init --quiet --initial-branch main
commit all
told() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$work/railway.json" "$1"; }
export RAILWAY_BACKBOARD_URL RAILWAY_TOKEN GITHUB_ACTIONS=true GITHUB_EVENT_NAME=push GITHUB_REF=refs/heads/main \
  GITHUB_REPOSITORY=octo-org/fixture GITHUB_SERVER_URL=https://github.com GITHUB_EVENT_PATH=$work/event.json \
  GITHUB_OUTPUT=$work/output GITHUB_STEP_SUMMARY=$work/summary GITHUB_SHA XTASK_IMAGE
unset GITHUB_TOKEN GH_TOKEN RAILWAY_API_TOKEN CARGO_TARGET_DIR
RAILWAY_BACKBOARD_URL=$(told base_url)
RAILWAY_TOKEN=$(told project_token)

# One step as a workflow runs it: its name and seconds go to the round's file.
step() {
  local from
  from=$(date +%s.%N)
  "$xtask" ci "$1" >>"$work/log" 2>&1 || { tail -30 "$work/log"; exit 1; }
  echo "$1 $from $(date +%s.%N)" >>"$work/steps"
}

for round in $(seq 0 "$rounds"); do
  before=$(git rev-parse HEAD)
  sed -i "s/value: [0-9][0-9]*/value: $((100 + round))/" core/src/lib.rs
  commit "round $round"
  GITHUB_SHA=$(git rev-parse HEAD)
  printf '{"before": "%s", "repository": {"default_branch": "main"}}' "$before" >"$GITHUB_EVENT_PATH"
  : >"$GITHUB_OUTPUT"
  : >"$work/steps"
  rm -rf target/xtask/records
  step changes
  step image
  XTASK_IMAGE=$(sed -n 's/^reference=//p' "$GITHUB_OUTPUT")
  step deploy
  # The first round compiles and sends everything.
  python3 - "$round" "$work/steps" target/xtask/records <<'PY'
import json, pathlib, sys

number, steps, records = int(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
walls = {}
for line in open(steps):
    name, start, end = line.split()
    walls[name] = float(end) - float(start)
wall = sum(walls.values())

OTHERS = {
    "compile front": "compile", "compile server": "compile",
    "read base": "network", "push image": "network", "precheck": "network", "set revision": "network",
    "set variables": "network", "update service": "network", "deploy": "network",
    "wait until served": "platform", "verify": "platform",
}
shares = {"compile": 0.0, "network": 0.0, "platform": 0.0}
own = {}
for file in ("build", "pack", "deploy"):
    path = records / f"{file}.jsonl"
    for line in open(path) if path.exists() else []:
        for step in json.loads(line)["steps"]:
            kind = OTHERS.get(step["name"])
            if kind:
                shares[kind] += step["seconds"]
            else:
                own[step["name"]] = own.get(step["name"], 0.0) + step["seconds"]
smoke = sum(json.loads(line)["seconds"] for line in open(records / "smoke.jsonl"))
share = wall - sum(shares.values())
note = " (everything compiled and sent)" if number == 0 else ""
parts = ", ".join(f"{name} {seconds:.2f}" for name, seconds in {**own, "smoke test": smoke}.items())
print(
    f"round {number}: own {share:.2f} s of {wall:.2f} s; compile {shares['compile']:.2f}, network "
    f"{shares['network']:.2f}, platform {shares['platform']:.2f}; of our own: {parts}{note}"
)
if number and share > 15:
    sys.exit("more than the 15 s that are allowed")
PY
done
