#!/usr/bin/env bash
# Requests per second of a server without any library, as `docker pack --static` ships it: compiled for musl with musl's
# own allocator, and with mimalloc. Server and clients are threads of one program that speak HTTP over loopback; each
# page is made anew from a list of elements, about ten allocations each, and the clients allocate nothing.
# Usage: docs/measurements/allocator.sh [ROUNDS] [SECONDS] [THREADS] [ELEMENTS]
#   e.g. docs/measurements/allocator.sh 5 4 "1 2 8" "10 1000"; rounds take the two in turn
# Needs the musl target (`rustup target add x86_64-unknown-linux-musl`) and musl-gcc (`apt-get install musl-tools`).
set -euo pipefail
rounds=${1:-5} seconds=${2:-4} threads=${3:-1 2 8} elements=${4:-10 1000}
triple=$(uname -m)-unknown-linux-musl
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
cat >"$work/Cargo.toml" <<'END'
[package]
name = "allocator"
version = "0.1.0"
edition = "2024"
[workspace]
[dependencies]
mimalloc = { version = "0.1", default-features = false, optional = true }
[profile.release]
debug = false
END
cat >"$work/src/main.rs" <<'END'
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: loopback\r\n\r\n";
const END: &[u8] = b"\r\n\r\n";

/// Pages that clients have read to their end.
static ANSWERED: AtomicUsize = AtomicUsize::new(0);

/// A text for each attribute and each element, joined into the one around it, as views are rendered.
fn page(elements: usize) -> String {
    let element = |number: usize| {
        let attributes = vec![("class", format!("row-{}", number % 7)), ("data-number", number.to_string())];
        let attributes: Vec<String> =
            attributes.into_iter().map(|(name, value)| format!(" {name}=\"{value}\"")).collect();
        let text = format!("value {}", number * 31);
        format!("<li{}>{text}</li>", attributes.concat())
    };
    let rows: Vec<String> = (0..elements).map(element).collect();
    format!("<!DOCTYPE html><html><body><ul>{}</ul></body></html>", rows.concat())
}

fn answer(elements: usize) -> String {
    let page = page(elements);
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\r\n{page}", page.len())
}

fn serve(mut stream: TcpStream, elements: usize) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut request = [0; 1024];
    loop {
        let mut length = 0;
        while !request[..length].ends_with(END) {
            let read = stream.read(&mut request[length..])?;
            if read == 0 {
                return Ok(());
            }
            length += read;
        }
        stream.write_all(answer(elements).as_bytes())?;
    }
}

/// Asks again as soon as it is answered. All answers are of one length.
fn ask(mut stream: TcpStream, length: usize) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = [0; 64 * 1024];
    loop {
        stream.write_all(REQUEST)?;
        let mut left = length;
        while left > 0 {
            let most = left.min(buffer.len());
            let read = stream.read(&mut buffer[..most])?;
            assert!(read > 0, "the server has hung up");
            left -= read;
        }
        ANSWERED.fetch_add(1, Ordering::Relaxed);
    }
}

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).map(|word| word.parse().expect("a number")).collect();
    let [threads, elements, seconds] = numbers[..] else { panic!("THREADS ELEMENTS SECONDS") };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let length = answer(elements).len();
    for _ in 0..threads {
        let client = TcpStream::connect(address).expect("a connection");
        let (server, _) = listener.accept().expect("a connection");
        thread::spawn(move || serve(server, elements).expect("a client"));
        thread::spawn(move || ask(client, length).expect("a server"));
    }
    // Until every thread has its memory.
    thread::sleep(Duration::from_millis(500));
    let (began, before) = (Instant::now(), ANSWERED.load(Ordering::Relaxed));
    thread::sleep(Duration::from_secs(seconds as u64));
    let answered = ANSWERED.load(Ordering::Relaxed) - before;
    println!("{:.0}", answered as f64 / began.elapsed().as_secs_f64());
    // With all threads.
    std::process::exit(0);
}
END
for allocator in musl mimalloc; do
  features=()
  [ "$allocator" = musl ] || features=(--features "$allocator")
  (cd "$work" && cargo build --quiet --release --target "$triple" "${features[@]}")
  cp "$work/target/$triple/release/allocator" "$work/$allocator"
done
# Which is which is told by the text that `docker pack` looks for.
grep --quiet --text 'mimalloc: ' "$work/mimalloc"
if grep --quiet --text 'mimalloc: ' "$work/musl"; then echo "both have mimalloc" >&2 && exit 1; fi
for round in $(seq "$rounds"); do
  for count in $threads; do
    for size in $elements; do
      for allocator in musl mimalloc; do
        printf 'round %s  %-8s %3s threads %6s elements %9s requests/s\n' "$round" "$allocator" "$count" "$size" \
          "$("$work/$allocator" "$count" "$size" "$seconds")"
      done
    done
  done
done | tee "$work/samples"
# The medians, and how many times as many mimalloc has.
python3 - "$work/samples" <<'END'
import statistics, sys
samples = {}
for line in open(sys.argv[1]):
    words = line.split()
    samples.setdefault((int(words[3]), int(words[5])), {}).setdefault(words[2], []).append(int(words[7]))
for (threads, elements), found in sorted(samples.items()):
    musl, mimalloc = (statistics.median(found[name]) for name in ("musl", "mimalloc"))
    found = f"musl {musl:.0f}, mimalloc {mimalloc:.0f} requests/s, {mimalloc / musl:.1f} times"
    print(f"{threads} threads, {elements} elements: {found}")
END
