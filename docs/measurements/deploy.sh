#!/usr/bin/env bash
# What `deploy` adds to the platform's own time, how many requests it takes, and how long a rollback takes until what was there
# before is verified: on the Railway model, which really runs the images and needs a minute for each deployment. In turn with the
# least that a script can do: set the image, deploy, and ask every other second.
# Usage: docs/measurements/deploy.sh XTASK EXAMPLES [ROUNDS]   (from the repository's root)
#   XTASK: the program, EXAMPLES: the folder with railway-model and test-service (`cargo build --package xtask --examples`)
set -euo pipefail
xtask=$(realpath "$1") examples=$(realpath "$2") rounds=${3:-5}
. "$(dirname "$0")/railway.sh"
model minute --placement-s 60
model rollback
images=("$(image one)" "$(image two)")
echo "$(nproc) cores, docker $(docker version --format '{{.Server.Version}}')"

own_seconds() { # NAME DEPLOYMENT: from its creation until it served, as the platform says
  ask "$1" 'query Own($id: String!) { deployment(id: $id) { status createdAt statusUpdatedAt } }' "{\"id\": \"$2\"}" | python3 -c '
import datetime, json, sys
it = json.load(sys.stdin)["data"]["deployment"]
assert it["status"] == "SUCCESS", it
time = lambda name: datetime.datetime.fromisoformat(it[name].replace("Z", "+00:00")).timestamp()
print("%.2f" % (time("statusUpdatedAt") - time("createdAt")))'
}
told_of() { # KIND FROM TO BEFORE NAME DEPLOYMENT: one line
  local own total after
  total=$(difference "$2" "$3") after=$(count "$5")
  own=$(own_seconds "$5" "$6")
  echo "round $round: $1: $total s in all, $own s of them the platform's, $(difference "$own" "$total") s beyond, $((after - $4)) requests"
}
by_xtask() { # KIND NAME ARGUMENT…
  local kind=$1 name=$2 from to before; shift 2
  before=$(count "$name") from=$(now)
  run "$name" "$@" --format json >"$work/report.json" 2>"$work/report.err" || { cat "$work/report.err" >&2; exit 1; }
  to=$(now)
  told_of "$kind" "$from" "$to" "$before" "$name" "$(json 'it["deployment"]' <"$work/report.json")"
}
by_script() { # NAME IMAGE: neither looked at before nor verified
  local service environment from to before id status
  service=$(told "$1" service) environment=$(told "$1" environment)
  before=$(count "$1") from=$(now)
  ask "$1" 'mutation Update($s: String!, $e: String!, $i: String!) { serviceInstanceUpdate(serviceId: $s, environmentId: $e, input: {source: {image: $i}}) }' \
    "{\"s\": \"$service\", \"e\": \"$environment\", \"i\": \"$2\"}" >/dev/null
  id=$(ask "$1" 'mutation Deploy($s: String!, $e: String!) { serviceInstanceDeployV2(serviceId: $s, environmentId: $e) }' \
    "{\"s\": \"$service\", \"e\": \"$environment\"}" | json 'it["data"]["serviceInstanceDeployV2"]')
  until [ "$(ask "$1" 'query Look($id: String!) { deployment(id: $id) { status } }' "{\"id\": \"$id\"}" | json 'it["data"]["deployment"]["status"]')" = SUCCESS ]; do
    sleep 2
  done
  to=$(now)
  told_of script "$from" "$to" "$before" "$1" "$id"
}
settled() { [ "$(control "$1" state | json 'sum(one["status"] in ("REMOVING", "DEPLOYING", "INITIALIZING") for one in it["deployments"])')" = 0 ]; }

round=0
by_xtask 'deploy, the first' minute deploy --image "${images[0]}" --revision 0
for which in 0 1; do run rollback deploy --image "${images[which]}" --revision "$which" >/dev/null 2>&1; done
for round in $(seq 1 "$rounds"); do
  within 60 settled minute
  by_xtask deploy minute deploy --image "${images[round % 2]}" --revision "$round"
  within 60 settled minute
  by_script minute "${images[(round + 1) % 2]}"
  for again in 1 2; do
    within 60 settled rollback
    by_xtask "rollback" rollback deploy rollback --yes
  done
done | tee "$work/lines"
for kind in deploy script rollback; do
  grep ": $kind:" "$work/lines" | python3 -c '
import re, statistics, sys
rows = [[float(word) for word in re.findall(r"[\d.]+(?= s in| s beyond| requests)", line)] for line in sys.stdin]
total, beyond, requests = zip(*rows)
tell = lambda values, form: " median %s, min %s, max %s" % tuple(form % value for value in (statistics.median(values), min(values), max(values)))
print(sys.argv[1] + ": %d samples; seconds in all" % len(rows) + tell(total, "%.2f") + "; beyond the platform" + tell(beyond, "%.2f") + "; requests" + tell(requests, "%d"))' "$kind"
done
for name in minute rollback; do [ "$(control $name violations)" = '[]' ] || { echo "$name: against the contract" >&2; exit 1; }; done
