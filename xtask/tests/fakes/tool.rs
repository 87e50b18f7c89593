//! A stand-in for an external tool in tests. It is installed under the tool's name on a `PATH` that holds nothing else.
//!
//! It appends its name and arguments to `$FAKE_LOG` and then does what `$FAKE_SCRIPTS/<name>` says, a line at a time; the
//! first `[words]` line whose words all stand among the arguments starts the section that counts. Lines are:
//! `out TEXT`, `err TEXT`, `noise`, `write PATH TEXT`, `copy FROM TO`, `sleep SECONDS`, `exit CODE`, `kill`,
//! `child SECONDS`. `{N}` stands for argument N and `{-o}` for the one after `-o`. Without a section that counts the
//! fake fails: the test did not expect the call.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The exit code for a call that the script does not know.
const UNEXPECTED: i32 = 97;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let name = Path::new(&args[0]).file_name().expect("a name").to_string_lossy().into_owned();
    let mut log =
        OpenOptions::new().create(true).append(true).open(variable("FAKE_LOG")).expect("the log opens");
    // One write, so that the lines of two fakes at the same time do not mix.
    let line = format!("{name} {}\n", args[1..].join(" "));
    log.write_all(line.as_bytes()).expect("the log can be written");

    let script = Path::new(&variable("FAKE_SCRIPTS")).join(&name);
    let script = fs::read_to_string(&script).unwrap_or_default();
    let mut counts = false;
    let mut found = false;
    for line in script.lines() {
        if let Some(words) = line.strip_prefix('[') {
            let words: Vec<&str> = words.trim_end_matches(']').split_whitespace().collect();
            counts = !found && words.iter().all(|word| args.iter().any(|arg| arg == word));
            found |= counts;
        } else if counts {
            act(&expand(line, &args));
        }
    }
    if !found {
        eprintln!("fake {name}: unexpected call: {}", args[1..].join(" "));
        std::process::exit(UNEXPECTED);
    }
}

fn act(line: &str) {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    match verb {
        "out" => println!("{rest}"),
        "err" => eprintln!("{rest}"),
        "noise" => {
            let bytes: Vec<u8> = (0..=255).collect();
            std::io::stdout().write_all(&bytes).expect("standard output takes it");
            std::io::stderr().write_all(&bytes).expect("standard error takes it");
        }
        "write" => {
            let (path, text) = rest.split_once(' ').unwrap_or((rest, ""));
            let folder = Path::new(path).parent().expect("a path has a folder");
            fs::create_dir_all(folder).expect("the folder can be made");
            fs::write(path, text).expect("the file can be written");
        }
        "copy" => {
            let (from, to) = rest.split_once(' ').expect("copy takes two paths");
            fs::create_dir_all(Path::new(to).parent().expect("a path has a folder"))
                .expect("the folder can be made");
            fs::copy(from, to).expect("the file can be copied");
        }
        "sleep" => std::thread::sleep(seconds(rest)),
        "exit" => std::process::exit(rest.parse().expect("an exit code")),
        "kill" => {
            let own = std::process::id().to_string();
            let _ = Command::new("/bin/kill").args(["-KILL", &own]).status();
            std::thread::sleep(Duration::from_secs(60));
        }
        "child" => {
            // A grandchild of whoever called us, which holds on to our output and ignores a polite request.
            let script = format!("trap '' TERM INT; sleep {rest}; sleep {rest}");
            drop(
                Command::new("/bin/sh")
                    .args(["-c", &script])
                    .env("PATH", "/usr/bin:/bin")
                    .spawn()
                    .expect("sh starts"),
            );
        }
        "" => {}
        other => panic!("unknown line in a fake's script: {other}"),
    }
}

fn expand(line: &str, args: &[String]) -> String {
    let mut line = line.to_owned();
    for (number, arg) in args.iter().enumerate() {
        line = line.replace(&format!("{{{number}}}"), arg);
        if let Some(next) = args.get(number + 1).filter(|_| arg.starts_with('-')) {
            line = line.replace(&format!("{{{arg}}}"), next);
        }
    }
    line
}

fn seconds(text: &str) -> Duration {
    Duration::from_secs_f64(text.parse().expect("seconds"))
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is set"))
}
