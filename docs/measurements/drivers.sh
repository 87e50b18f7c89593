#!/usr/bin/env bash
# Both drivers of a build on the app, each in a checkout and a target directory of its own: cold and no-op builds in turn,
# and what they leave behind. Wants cargo-leptos on PATH and the tools of `cargo xtask setup`; ten minutes a round.
# Usage: docs/measurements/drivers.sh [ROUNDS] [NO_OPS_A_ROUND]   (from the workspace's root; measures the last commit)
set -euo pipefail
rounds=${1:-2} no_ops=${2:-3}
work=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
unset CARGO_TARGET_DIR
export LC_ALL=C
TIMEFORMAT='%R %U %S'
cargo fetch --quiet --locked
for driver in native cargo-leptos; do
  mkdir "$work/$driver"
  git archive HEAD | tar -x -C "$work/$driver"
done
in_checkout() { (cd "$work/$1" && shift && "$@"); }
native() { cargo xtask build; }
# What `--driver cargo-leptos` would run, without what that adds to count units.
cargo-leptos() { sh "$work/cargo-leptos.sh"; }
sample() { # WHAT DRIVER
  local load; read -r load _ </proc/loadavg
  { time in_checkout "$2" "$2" >"$work/out" 2>"$work/err"; } 2>"$work/time" || { tail -n 20 "$work/err" >&2; return 1; }
  awk -v what="$1" -v driver="$2" -v load="$load" \
    '{printf "%-6s %-13s %7.2f s wall %7.2f s CPU   load before %5.2f\n", what, driver, $1, $2 + $3, load}' "$work/time" |
    tee -a "$work/samples"
}
served() { # DRIVER
  local port=$((3100 + RANDOM % 20000))
  (cd "$work/$1" && exec cargo xtask serve --demo --port $port >/dev/null 2>&1) & server=$!
  for _ in $(seq 100); do curl -sf "http://127.0.0.1:$port/" >"$work/$1.html" && break; sleep 0.2; done
  kill "$server"; wait "$server" || true; server=
}

echo "$(command cargo-leptos --version), $(rustc --version), $(nproc) cores"
for round in $(seq "$rounds"); do
  if ((round % 2)); then turn=(native cargo-leptos); else turn=(cargo-leptos native); fi
  for driver in "${turn[@]}"; do
    # Compiling the automation is no part of a build.
    in_checkout "$driver" cargo xtask --help >/dev/null 2>&1
    in_checkout "$driver" cargo xtask build --driver cargo-leptos --dry-run |
      sed -n '/^env PATH=/s/ --\(lib\|bin\)-cargo-args=[^ ]*//gp' >"$work/cargo-leptos.sh"
    sample cold "$driver"
    for _ in $(seq "$no_ops"); do sample no-op "$driver"; done
    if ((round == rounds)); then
      # Through xtask once, which counts units and notes what there is to serve.
      in_checkout "$driver" cargo xtask build --ask-cargo --driver "$driver" --format json >"$work/$driver.json" 2>/dev/null
      served "$driver"
      cp -R "$work/$driver/target/site" "$work/$driver.site"
    fi
    rm -rf "$work/$driver/target"
  done
done
python3 - "$work" <<'PYTHON'
import json, pathlib, re, statistics, sys
work = pathlib.Path(sys.argv[1])
drivers = ("native", "cargo-leptos")
rows = [line.split() for line in (work / "samples").read_text().splitlines()]
for what in ("cold", "no-op"):
    for name, column in (("wall", 2), ("CPU", 5)):
        native, other = (statistics.median(float(r[column]) for r in rows if r[:2] == [what, d]) for d in drivers)
        print(f"{what}: native {native:.2f} s, cargo-leptos {other:.2f} s, ratio {native / other:.3f} ({name}, medians)")
masked = lambda text: re.sub(r"\.[A-Za-z0-9_-]{22}(?=[.\"'`])", ".*", text)
def site(driver):
    root = work / f"{driver}.site"
    return {masked(str(f.relative_to(root))): f.read_bytes() for f in root.rglob("*") if f.is_file()}
native, other = site("native"), site("cargo-leptos")
print("files of both:", len(native.keys() & other.keys()), "  of native alone:", sorted(native.keys() - other.keys()) or "none")
print("of cargo-leptos alone:", *sorted(other.keys() - native.keys()), sep="\n  ")
for name in sorted(native.keys() & other.keys()):
    same = "the same bytes" if native[name] == other[name] else "differs"
    print(f"  {name}: {len(native[name])} and {len(other[name])} bytes, {same}")
for driver in drivers:
    report = json.loads((work / f"{driver}.json").read_text())
    units = [step["units"] for step in report["steps"] if step["units"]]
    count = sum(unit["fresh"] + unit["compiled"] for unit in units)
    twice = len(report["host_units_twice"])
    print(f"{driver}: {count} units, {twice} host units twice, server of {report['sizes'][-1]['raw']} bytes")
# Numbers of made-up data and times are different on every page.
pages = [re.sub(r"[0-9]+", "0", masked((work / f"{driver}.html").read_text())) for driver in drivers]
print("the served page:", len(pages[0]), "and", len(pages[1]), "letters,", "the same" if pages[0] == pages[1] else "differs")
PYTHON
