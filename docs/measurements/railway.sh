# Sourced by deploy.sh and railway-cli.sh: images of the test service in a registry, the Railway model, and a workspace that deploys to
# it; all of it on this machine, and gone with the script. Needs a Docker engine, docker-registry, curl and python3.
# Wants $xtask (the program) and $examples (the folder with railway-model and test-service).
work=$(mktemp -d)
registry=127.0.0.1:5018
programs=()
clean() {
  for program in "${programs[@]}"; do kill "$program" 2>/dev/null || true; done
  for program in "${programs[@]}"; do wait "$program" 2>/dev/null || true; done
  # By name: by its id, an image goes with every name that it has.
  docker image ls --digests --format '{{if eq .Tag "<none>"}}{{.Repository}}@{{.Digest}}{{else}}{{.Repository}}:{{.Tag}}{{end}}' "$registry/service" |
    xargs --no-run-if-empty docker image rm >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

printf 'version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: %s/data\nhttp:\n  addr: %s\n' "$work" "$registry" >"$work/registry.yml"
docker-registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
programs+=($!)

now() { date +%s.%N; }
difference() { awk -v from="$1" -v to="$2" 'BEGIN {printf "%.2f", to - from}'; }
json() { python3 -c "import json, sys; it = json.load(sys.stdin); print($1)"; } # EXPRESSION on `it`, the JSON of standard input
within() { # SECONDS COMMAND…: repeats the command until it succeeds
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || { echo "never succeeded: $*" >&2; exit 1; }
    sleep 0.1
  done
}

image() { # VERSION: pushes an image of the test service; its reference by digest
  local root=$work/context/root library
  mkdir -p "$root/app"
  cp "$examples/test-service" "$root/app/service"
  for library in $(ldd "$examples/test-service" | grep -oE '/[^ ]+'); do install -D "$library" "$root$library"; done
  printf 'FROM scratch\nCOPY root /\nENV VERSION=%s\nWORKDIR /app\nENTRYPOINT ["/app/service"]\n' "$1" >"$work/context/Dockerfile"
  docker build --quiet --provenance=false --tag "$registry/service:$1" "$work/context" >/dev/null
  docker push --quiet "$registry/service:$1" >/dev/null
  docker image inspect --format '{{index .RepoDigests 0}}' "$registry/service:$1"
}

model() { # NAME OPTION…: starts a model, and a workspace that deploys to it: $work/NAME; its first line is $work/NAME.json
  local name=$1; shift
  "$examples/railway-model" --runner docker "$@" >"$work/$name.json" 2>"$work/$name.log" &
  programs+=($!)
  within 30 test -s "$work/$name.json"
  cp -r xtask/tests/fixture "$work/$name"
  printf '[deploy]\nhealthcheckPath = "/health"\noverlapSeconds = 0\ndrainingSeconds = 5\n' >"$work/$name/railway.toml"
}
told() { json "it['$2'] if isinstance(it['$2'], str) else it['$2']['id']" <"$work/$1.json"; } # NAME WORD: of a model's first line
control() { curl --silent --fail "$(told "$1" base_url)/_model/$2"; }                            # NAME WHAT
count() { control "$1" requests | json 'len(it)'; }                                             # NAME: requests of the API so far
ask() { # NAME QUERY VARIABLES: one request to the API
  curl --silent --fail --header "project-access-token: $(told "$1" project_token)" --header 'content-type: application/json' \
    --data "{\"query\": \"$2\", \"variables\": $3}" "$(told "$1" graphql_url)"
}
run() { # NAME ARGUMENT…: xtask in the workspace of a model
  local name=$1; shift
  (cd "$work/$name" && env --unset=RAILWAY_API_TOKEN --unset=XTASK_NOTIFY_URL --unset=GITHUB_REPOSITORY --unset=CARGO_TARGET_DIR \
    RAILWAY_BACKBOARD_URL="$(told "$name" base_url)" RAILWAY_TOKEN="$(told "$name" project_token)" "$xtask" "$@")
}
within 30 curl --silent --fail "http://$registry/v2/"
