#!/usr/bin/env bash
# Both drivers of a build on the app, in two checkouts with a target directory each: cold and no-op builds in turn, then what
# they leave behind. Wants cargo-leptos on PATH and the tools of `cargo xtask setup`; takes about ten minutes a cold round.
# Usage: docs/measurements/drivers.sh [COLD_ROUNDS] [NO_OP_ROUNDS]   (from the workspace's root; measures the last commit)
set -euo pipefail
cold=${1:-2} noop=${2:-5}
work=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
unset CARGO_TARGET_DIR
export LC_ALL=C
TIMEFORMAT='%R %U %S'
for driver in native cargo-leptos; do
  mkdir "$work/$driver"
  git archive HEAD | tar -x -C "$work/$driver"
done
cargo fetch --quiet --locked
in_checkout() { (cd "$work/$1" && shift && "$@"); }
# Compiling the automation is no part of a build.
compile_xtask() { in_checkout "$1" cargo xtask --help >/dev/null 2>&1; }
compile_xtask cargo-leptos
# What the driver would run, without what it adds to count units: our tools first on PATH, and cargo-leptos' own flags.
in_checkout cargo-leptos cargo xtask build --driver cargo-leptos --dry-run |
  sed -n '/^env PATH=/s/ --\(lib\|bin\)-cargo-args=[^ ]*//gp' >"$work/cargo-leptos.sh"
native() { cargo xtask build; }
cargo-leptos() { sh "$work/cargo-leptos.sh"; }
sample() { # WHAT DRIVER
  local load; read -r load _ </proc/loadavg
  { time in_checkout "$2" "$2" >"$work/out" 2>"$work/err"; } 2>"$work/time"
  awk -v what="$1" -v driver="$2" -v load="$load" \
    '{printf "%-6s %-13s %7.2f s wall %7.2f s CPU   load before %5.2f\n", what, driver, $1, $2 + $3, load}' "$work/time" |
    tee -a "$work/samples"
}
in_turn() { if (($1 % 2)); then echo native cargo-leptos; else echo cargo-leptos native; fi; }

echo "$(command cargo-leptos --version), $(rustc --version), $(nproc) cores"
for round in $(seq "$cold"); do
  for driver in $(in_turn "$round"); do
    rm -rf "$work/$driver/target"
    compile_xtask "$driver"
    sample cold "$driver"
  done
done
for round in $(seq "$noop"); do
  for driver in $(in_turn "$round"); do sample no-op "$driver"; done
done
python3 - "$work/samples" <<'PYTHON'
import statistics, sys
rows = [line.split() for line in open(sys.argv[1])]
for what in ("cold", "no-op"):
    median = lambda driver, column: statistics.median(float(r[column]) for r in rows if r[:2] == [what, driver])
    for name, column in (("wall", 2), ("CPU", 5)):
        native, other = median("native", column), median("cargo-leptos", column)
        print(f"{what}: native {native:.2f} s, cargo-leptos {other:.2f} s, ratio {native / other:.3f} ({name}, medians)")
PYTHON

# Through xtask once, which notes what cargo-leptos made and counts its units.
in_checkout native cargo xtask build --format json >"$work/native.json" 2>/dev/null
in_checkout cargo-leptos cargo xtask build --driver cargo-leptos --format json >"$work/cargo-leptos.json" 2>/dev/null
for driver in native cargo-leptos; do
  port=$((3100 + RANDOM % 20000))
  (cd "$work/$driver" && exec cargo xtask serve --demo --port $port >/dev/null 2>&1) & server=$!
  for _ in $(seq 100); do curl -sf "http://127.0.0.1:$port/" >"$work/$driver.html" && break; sleep 0.2; done
  kill "$server"; wait "$server" || true; server=
done
python3 - "$work" <<'PYTHON'
import json, pathlib, re, sys
work = pathlib.Path(sys.argv[1])
masked = lambda text: re.sub(r"\.[A-Za-z0-9_-]{22}(?=[.\"'`])", ".*", text)
def site(driver):
    root = work / driver / "target/site"
    return {masked(str(f.relative_to(root))): f.read_bytes() for f in root.rglob("*") if f.is_file()}
native, other = site("native"), site("cargo-leptos")
print("files of both:", len(native.keys() & other.keys()), "  of native alone:", sorted(native.keys() - other.keys()) or "none")
print("of cargo-leptos alone:", *sorted(other.keys() - native.keys()), sep="\n  ")
for name in sorted(native.keys() & other.keys()):
    same = "the same bytes" if native[name] == other[name] else "differs"
    print(f"  {name}: {len(native[name])} and {len(other[name])} bytes, {same}")
for driver in ("native", "cargo-leptos"):
    report = json.loads((work / f"{driver}.json").read_text())
    binary = report["sizes"][-1]
    print(f"{driver}: server {binary['raw']} bytes; host units twice, of the last run: {len(report['host_units_twice'])}")
# What changes with every page: times, and numbers of made-up data.
pages = [re.sub(r"[0-9]+", "0", masked((work / f"{driver}.html").read_text())) for driver in ("native", "cargo-leptos")]
print("the served page:", len(pages[0]), "and", len(pages[1]), "letters,", "the same" if pages[0] == pages[1] else "differs")
PYTHON
