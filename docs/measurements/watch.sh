#!/usr/bin/env bash
# From a saved file to a page that is told to reload: `cargo xtask watch`, and `cargo leptos watch` beside it where it is installed.
# Usage: docs/measurements/watch.sh [ROUNDS]   (from the workspace's root; works on copies of what git has)
# Each driver has a copy of the workspace and ports of its own, and both run all the time; edits alternate between them. A sample is
# the time from the write until the reload socket says so, and what the page says then is checked. CPU seconds are those of the driver
# and of all that it has waited for. cargo-leptos gets LEPTOS_HASH_FILES=false, because with hashed names its page goes on loading the
# old wasm file (leptos-rs/cargo-leptos#271), and wasm-bindgen on PATH, because its own it would have to download.
# At the end, the two orders of one round's commands: the halves one after the other (the site beside the server), and at once.
set -euo pipefail
rounds=${1:-5}
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
cargo build --quiet --package xtask --profile xtask $(sed -n '/^xtask = \[/,/^\]/p' .cargo/config.toml | grep -o '"profile[^"]*"' | tr -d '"' | sed 's/^/--config /')
xtask=$PWD/target/xtask/xtask
for copy in xtask leptos; do
  mkdir "$work/$copy"
  git ls-files -z | xargs -0 cp --parents -t "$work/$copy"
done
(cd "$work/xtask" && exec env LEPTOS_RELOAD_PORT=3101 "$xtask" watch --demo --port 3100) >"$work/xtask.log" 2>&1 &
echo $! >"$work/xtask.pid"
drivers=xtask
if cargo leptos --version >"$work/version" 2>&1; then
  drivers='xtask leptos'
  # Its tools have to be there before its first build.
  until grep -q 'Finished wasm-bindgen' "$work/xtask.log"; do sleep 1; done
  bindgen=$("$xtask" build --profile dev --dry-run | grep -o '^[^ ]*/wasm-bindgen ' | head -1)
  (cd "$work/leptos" && exec env PATH="$(dirname "$bindgen"):$PATH" LEPTOS_HASH_FILES=false LEPTOS_SITE_ADDR=127.0.0.1:3200 \
    LEPTOS_RELOAD_PORT=3201 HOST=127.0.0.1 PORT=3200 cargo-leptos leptos watch -- --demo) >"$work/leptos.log" 2>&1 &
  echo $! >"$work/leptos.pid"
  echo "cargo-leptos: $(cat "$work/version")"
fi
(cd "$work/xtask" && "$xtask" build --profile dev --dry-run) | grep -E '^(env |[^ #]*wasm-bindgen )' >"$work/commands"
cat >"$work/measure.py" <<'PYTHON'
import base64, json, os, re, socket, statistics, subprocess, sys, threading, time, urllib.request

work, rounds, drivers = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
ports = {"xtask": (3100, 3101), "leptos": (3200, 3201)}
UI, SERVER, STYLE = "crates/terminal/src/dashboard.rs", "crates/server/src/serve.rs", "style/main.css"

def read(stream, length):
    data = b""
    while len(data) < length:
        part = stream.recv(length - len(data))
        if not part: raise SystemExit("the reload socket was closed")
        data += part
    return data

def page(port):
    stream = socket.create_connection(("127.0.0.1", port), timeout=600)
    key = base64.b64encode(os.urandom(16)).decode()
    stream.sendall(f"GET /live_reload HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head: head += read(stream, 1)
    assert b" 101 " in head, head
    return stream

def message(stream):
    kind, length = read(stream, 2)
    text = read(stream, length)
    assert kind == 0x81, kind
    return json.loads(text)

def get(port, path="/"):
    return urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60).read().decode()

def cpu(driver):
    pid = open(f"{work}/{driver}.pid").read().strip()
    fields = open(f"/proc/{pid}/stat").read().rsplit(") ", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

def edit(driver, kind, mark):
    file, pattern, text = {
        "UI": (UI, r'as its contracts report it[^"]*', f"as its contracts report it {mark}"),
        "server": (SERVER, r"stopping: no new connections[^;]*", f"stopping: no new connections {mark}"),
        "style": (STYLE, r"\s*(\.m[0-9a-f]+ \{ --mark: 1 \})?\s*\Z", f"\n.{mark} {{ --mark: 1 }}\n"),
    }[kind]
    path = f"{work}/{driver}/{file}"
    changed, count = re.subn(pattern, text, open(path).read(), count=1)
    assert count == 1, path
    with open(path, "w") as out: out.write(changed)
    return time.time()

def sample(driver, kind):
    port, reload_port = ports[driver]
    stream = page(reload_port)
    time.sleep(1)
    mark, used = "m" + os.urandom(4).hex(), cpu(driver)
    saved = edit(driver, kind, mark)
    told = message(stream)
    seconds = time.time() - saved
    stream.close()
    assert bool(told["css"]) == (kind == "style"), told
    if kind == "UI": assert mark in get(port), "the page was told before the server had it"
    if kind == "style": assert mark in get(port, "/" + told["css"]), "the sheet is an old one"
    used = cpu(driver) - used
    print(f"{kind:<7} {driver:<7} {seconds:7.2f} s  {used:6.2f} s CPU   load {open('/proc/loadavg').read().split()[0]}", flush=True)
    return seconds, used

def wait_until_served(driver):
    began = time.time()
    while True:
        try:
            get(ports[driver][0]); socket.create_connection(("127.0.0.1", ports[driver][1])).close(); return
        except OSError:
            if time.time() - began > 1800: raise SystemExit(f"{driver} does not serve:\n" + open(f"{work}/{driver}.log").read()[-4000:])
            time.sleep(1)

for driver in drivers: wait_until_served(driver)
print("both serve" if len(drivers) > 1 else "it serves", flush=True)
for kind in ("UI", "server", "style"):
    for driver in drivers: sample(driver, kind)  # the first one after a start compiles more than an edit
    samples = {driver: [] for driver in drivers}
    for _ in range(rounds):
        for driver in drivers: samples[driver].append(sample(driver, kind))
    for driver in drivers:
        seconds, used = zip(*samples[driver])
        print(f"median of {rounds}: {kind}, {driver}: {statistics.median(seconds):.2f} s "
              f"({min(seconds):.2f} to {max(seconds):.2f}), {statistics.median(used):.2f} s CPU", flush=True)

# The orders, by hand: what the plan prints, quietly.
front, bind, server = [line.strip() for line in open(f"{work}/commands")]
quiet = lambda command: command.replace("cargo build", "cargo build --quiet").replace("--message-format=json-render-diagnostics ", "")
front, server, folder = quiet(front), quiet(server), f"{work}/xtask"
run = lambda command: subprocess.run(command, shell=True, cwd=folder, check=True)
def beside(*commands):
    threads = [threading.Thread(target=run, args=(command,)) for command in commands]
    [thread.start() for thread in threads]; [thread.join() for thread in threads]
orders = {"one after the other": lambda: (run(front), beside(bind, server)), "at once": lambda: beside(f"{front} && {bind}", server)}
os.kill(int(open(f"{work}/xtask.pid").read()), 2)
time.sleep(3)
for order in orders.values(): edit("xtask", "UI", os.urandom(4).hex()); order()
samples = {name: [] for name in orders}
for _ in range(rounds):
    for name, order in orders.items():
        edit("xtask", "UI", os.urandom(4).hex())
        began, used = time.time(), os.times()
        order()
        seconds, now = time.time() - began, os.times()
        used = now.children_user + now.children_system - used.children_user - used.children_system
        samples[name].append(seconds)
        print(f"order   {name:<20} {seconds:7.2f} s  {used:6.2f} s CPU   load {open('/proc/loadavg').read().split()[0]}", flush=True)
for name in orders: print(f"median of {rounds}: {name}: {statistics.median(samples[name]):.2f} s")
PYTHON
python3 "$work/measure.py" "$work" "$rounds" $drivers
