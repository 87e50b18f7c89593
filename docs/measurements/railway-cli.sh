#!/usr/bin/env bash
# Railway's own command line as a second client of the Railway model, beside `deploy` and its sub-commands: what the two say of
# the same service, and what each makes of what the other has done.
# Usage: docs/measurements/railway-cli.sh XTASK EXAMPLES CLI   (from the repository's root)
#   XTASK: the program, EXAMPLES: the folder with railway-model and test-service (`cargo build --package xtask --examples`),
#   CLI: Railway's program as a debug build; a release build asks no other address than Railway's own:
#   CARGO_PROFILE_DEV_DEBUG=0 cargo install --debug --locked --root FOLDER railwayapp   (FOLDER/bin/railway)
set -euo pipefail
xtask=$(realpath "$1") examples=$(realpath "$2") cli=$(realpath "$3")
. "$(dirname "$0")/railway.sh"
model both --project-name shop
one=$(image one) two=$(image two)
mkdir -p "$work/home" "$work/elsewhere"
# Nothing of whoever runs this: no account, no linked project, no telemetry, no look for a newer version.
cli() {
  (cd "$work/elsewhere" && env --ignore-environment PATH="$PATH" HOME="$work/home" RAILWAY_BACKBOARD_URL="$(told both graphql_url)" \
    RAILWAY_TOKEN="${token-$(told both project_token)}" DO_NOT_TRACK=1 RAILWAY_NO_AUTO_UPDATE=1 RAILWAY_CAC_DEPRECATION_WARNING=off CI=1 \
    timeout 60 "$cli" "$@")
}
problems=0
same() { # WHAT BY-THE-CLI BY-XTASK
  if [ "$2" = "$3" ] && [ -n "$2" ]; then
    echo "the same: $1: $(sed -E 's/sha256:([0-9a-f]{6})[0-9a-f]*/sha256:\1…/g; s/([0-9a-f]{8})-[0-9a-f-]{27}/\1…/g' <<<"$2" | cut -c1-150)"
  else
    problems=$((problems + 1))
    printf 'NOT the same: %s\n  railway: %s\n  xtask:   %s\n' "$1" "$2" "$3"
  fi
}
state_of() { control both state | json "[one['status'] for one in it['deployments'] if one['id'] == '$1'][0]"; }
served() { [ "$(state_of "$1")" = SUCCESS ]; }
removed() { [ "$(state_of "$1")" = REMOVED ]; }
compare() { # WHEN: all that both can be asked
  local instance='it["environments"]["edges"][0]["node"]["serviceInstances"]["edges"][0]["node"]' status
  same "$1: list: ids, statuses, images, times" \
    "$(cli deployment list --service web --json | json '[(one["id"], one["status"], one["meta"]["image"], one["createdAt"][:19]) for one in it]')" \
    "$(run both deploy list --format json | json '[(one["id"], one["status"], one["image"], one["created"][:19]) for one in it["deployments"]]')"
  status=$(run both deploy status --format json)
  cli status --json >"$work/status.json"
  same "$1: status: what serves" \
    "$(json "[one['id'] for one in $instance['activeDeployments']]" <"$work/status.json")" "$(json '[one["id"] for one in it["active"]]' <<<"$status")"
  same "$1: status: the newest" \
    "$(json "($instance['latestDeployment']['id'], $instance['latestDeployment']['status'])" <"$work/status.json")" \
    "$(json '(it["latest"]["id"], it["latest"]["status"])' <<<"$status")"
  same "$1: status: the image that comes next" "$(json "$instance['source']['image']" <"$work/status.json")" "$(json 'it["source_image"]' <<<"$status")"
}

"$cli" --version
run both deploy --image "$one" --revision one >/dev/null 2>&1
run both deploy --image "$two" --revision two --format json >"$work/two.json" 2>/dev/null
second=$(json 'it["deployment"]' <"$work/two.json")
first=$(json 'it["previous"]["deployment"]' <"$work/two.json")
within 60 removed "$first"
compare 'two deployments by xtask'
same 'logs of one of them' \
  "$(cli logs "$second" --service web --deployment --lines 20 --json | python3 -c 'import json, sys; print([json.loads(line)["message"] for line in sys.stdin if line.strip()])')" \
  "$(run both deploy logs "$second" --lines 20 --format json | json '[one["text"] for one in it["lines"]]')"
cli variable set HOUSE=blue --service web --skip-deploys >/dev/null
same 'a variable that railway has set and nothing runs with yet' \
  "$(cli variable list --service web --json | json '[name for name in it if name == "HOUSE"]')" "$(run both deploy status --format json | json 'it["variables"]["added"]')"

again=$(cli redeploy --service web --yes --json | json 'it["id"]')
within 60 served "$again"
within 60 removed "$second"
compare 'the same again by railway'
same 'its variable is in what runs' '[]' "$(run both deploy status --format json | json 'it["variables"]["added"]')"

run both deploy rollback --yes --format json >"$work/back.json" 2>/dev/null
within 60 removed "$again"
compare 'a rollback by xtask'
same 'the rollback is what railway lists on top' \
  "$(cli deployment list --service web --json | json 'it[0]["id"]')" "$(json 'it["deployment"]' <"$work/back.json")"

# The command line has no rollback of its own; as a client of the API it can ask for one.
cli api 'mutation($id: String!) { deploymentRollback(id: $id) }' --raw-var id="$again" >/dev/null
newest=$(control both state | json 'it["deployments"][-1]["id"]')
within 60 served "$newest"
compare 'a rollback by railway'

bad=$(token=of-nobody cli deployment list --service web --json 2>&1 >/dev/null && echo accepted || echo refused)
ours=$(cd "$work/both" && RAILWAY_BACKBOARD_URL=$(told both base_url) RAILWAY_TOKEN=of-nobody "$xtask" deploy list >/dev/null 2>&1 && echo accepted || echo refused)
same 'a token that is none' "$(tail -1 <<<"$bad")" "$ours"
same 'operations against the contract' "$(control both violations)" '[]'
[ "$problems" = 0 ] || exit 1
