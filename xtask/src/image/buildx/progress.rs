//! What BuildKit says while it builds (`--progress rawjson`): which instruction of which stage, cached or not, how
//! long, and what its commands print.
//!
//! A line is a JSON object with changes to vertexes and pieces of logs. Pure: text in, state out.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::record::docker_build::{StageRecord, StageState};

/// How many of an instruction's last lines are kept for the error.
const TAIL_LINES_MAX: usize = 40;
/// The most that is kept of what the build of the app prints, in bytes.
const KEPT_SIZE_MAX: usize = 8 << 20;
/// The longest instruction that is shown, in characters.
const SHOWN_LENGTH_MAX: usize = 90;

/// The state of a build, as far as it was told.
#[derive(Debug, Default)]
pub struct Progress {
    /// In the order in which they were first named.
    order: Vec<String>,
    vertexes: BTreeMap<String, Vertex>,
    /// Lines that are not of the protocol: buildx's own words.
    words: Vec<String>,
}

#[derive(Debug, Default)]
struct Vertex {
    name: String,
    started: Option<DateTime<Utc>>,
    completed: Option<DateTime<Utc>>,
    is_cached: bool,
    error: String,
    is_told: bool,
    tail: Vec<String>,
    /// Whole outputs, for the instruction that builds the app.
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    vertexes: Option<Vec<VertexMessage>>,
    #[serde(default)]
    logs: Option<Vec<LogMessage>>,
}

#[derive(Deserialize)]
struct VertexMessage {
    digest: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    started: Option<String>,
    #[serde(default)]
    completed: Option<String>,
    #[serde(default)]
    cached: bool,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize)]
struct LogMessage {
    vertex: String,
    #[serde(default)]
    stream: u8,
    #[serde(default)]
    data: String,
}

/// What the instruction that builds the app printed.
pub struct Printed {
    pub stdout: String,
    pub stderr: String,
}

/// The instruction that failed.
#[derive(Debug)]
pub struct Broken {
    pub name: String,
    pub error: String,
    pub tail: Vec<String>,
}

impl Progress {
    /// Takes a line; what people should see of it, as verb and detail.
    pub fn line(&mut self, line: &str) -> Vec<(&'static str, String)> {
        let Ok(message) = serde_json::from_str::<Message>(line) else {
            if !line.trim().is_empty() {
                self.words.push(line.to_owned());
            }
            return Vec::new();
        };
        let mut told = Vec::new();
        for change in message.vertexes.into_iter().flatten() {
            let vertex = self.vertexes.entry(change.digest.clone()).or_default();
            if vertex.name.is_empty() {
                self.order.push(change.digest.clone());
            }
            vertex.name = change.name;
            vertex.started = change.started.and_then(time).or(vertex.started);
            vertex.completed = change.completed.and_then(time).or(vertex.completed);
            vertex.is_cached |= change.cached;
            if !change.error.is_empty() {
                vertex.error = change.error;
            }
            told.extend(vertex.news());
        }
        for log in message.logs.into_iter().flatten() {
            let Some(vertex) = self.vertexes.get_mut(&log.vertex) else { continue };
            if let Ok(bytes) = Base64::decode_vec(&log.data) {
                vertex.print(log.stream, &bytes);
            }
        }
        told
    }

    /// Each instruction of the Dockerfile's stages that was looked at.
    pub fn stages(&self) -> Vec<StageRecord> {
        let vertexes = self.order.iter().filter_map(|digest| self.vertexes.get(digest));
        vertexes.filter_map(Vertex::record).collect()
    }

    /// What was printed by the instruction with this command in it; nothing where it did not run. Several platforms
    /// are several.
    pub fn printed(&self, command: &str) -> Vec<Printed> {
        let ran = self.vertexes.values().filter(|vertex| vertex.name.contains(command) && !vertex.is_cached);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        ran.map(|vertex| Printed { stdout: text(&vertex.stdout), stderr: text(&vertex.stderr) }).collect()
    }

    /// The first instruction that failed for a reason of its own.
    pub fn broken(&self) -> Option<Broken> {
        let failed = || {
            let vertexes = self.order.iter().filter_map(|digest| self.vertexes.get(digest));
            // A layer cache that is not there yet, or cannot be read, fails nothing.
            vertexes.filter(|vertex| !vertex.error.is_empty() && !vertex.name.starts_with("importing cache"))
        };
        let own = failed().find(|vertex| !vertex.error.contains("context canceled"));
        own.or_else(|| failed().next()).map(|vertex| Broken {
            name: shown(&vertex.name),
            error: vertex.error.clone(),
            tail: vertex.tail.clone(),
        })
    }

    /// What buildx said beside the protocol, e.g. why it could not begin.
    pub fn words(&self) -> &[String] {
        &self.words
    }
}

impl Vertex {
    fn seconds(&self) -> Option<f64> {
        let time = self.completed?.signed_duration_since(self.started?);
        Some(time.num_milliseconds() as f64 / 1000.0)
    }

    /// What is new to people: that it has ended, or that something long has begun.
    fn news(&mut self) -> Option<(&'static str, String)> {
        if self.is_told || self.completed.is_none() || !self.error.is_empty() || self.is_internal() {
            return None;
        }
        self.is_told = true;
        let shown = shown(&self.name);
        if self.is_cached {
            return Some(("Cached", shown));
        }
        let seconds = self.seconds().unwrap_or_default();
        Some(("Finished", format!("{shown} in {seconds:.1} s")))
    }

    fn is_internal(&self) -> bool {
        ["[internal]", "[auth]", "[context "].iter().any(|start| self.name.starts_with(start))
    }

    fn print(&mut self, stream: u8, bytes: &[u8]) {
        for line in String::from_utf8_lossy(bytes).lines() {
            self.tail.push(line.to_owned());
        }
        let surplus = self.tail.len().saturating_sub(TAIL_LINES_MAX);
        self.tail.drain(..surplus);
        let kept = if stream == 1 { &mut self.stdout } else { &mut self.stderr };
        if kept.len() + bytes.len() <= KEPT_SIZE_MAX {
            kept.extend_from_slice(bytes);
        }
    }

    fn record(&self) -> Option<StageRecord> {
        let (place, instruction) = self.name.strip_prefix('[')?.split_once("] ")?;
        if self.is_internal() {
            return None;
        }
        // `linux/arm64 builder 5/12`, where there are several platforms.
        let stage = place.split(' ').rev().nth(1).unwrap_or(place);
        let state = match (self.is_cached, self.completed, self.error.is_empty()) {
            (_, _, false) => StageState::Failed,
            (true, _, _) => StageState::Cached,
            (false, Some(_), _) => StageState::Ran,
            (false, None, _) => StageState::Unfinished,
        };
        Some(StageRecord {
            stage: stage.to_owned(),
            instruction: short(instruction),
            state,
            seconds: self.seconds().filter(|_| !self.is_cached),
        })
    }
}

/// RFC 3339, with any number of digits.
fn time(text: String) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(&text).ok().map(|time| time.with_timezone(&Utc))
}

/// An instruction for people: without its mounts, in one line.
fn shown(name: &str) -> String {
    match name.strip_prefix('[').and_then(|name| name.split_once("] ")) {
        Some((place, instruction)) => format!("{place}: {}", short(instruction)),
        None => short(name),
    }
}

fn short(instruction: &str) -> String {
    let words = instruction.split_whitespace().filter(|word| !word.starts_with("--mount=") && *word != "\\");
    let text = words.collect::<Vec<_>>().join(" ");
    // What starts the compile cache is not what the instruction is for.
    let text = match (text.split_once(" fi; "), text.strip_prefix("RUN if ")) {
        (Some((_, rest)), Some(_)) => format!("RUN {rest}"),
        _ => text,
    };
    // Nor are the variables of a command.
    let mut words = text.split(' ').peekable();
    let verb = words.next_if_eq(&"RUN").map(|verb| format!("{verb} ")).unwrap_or_default();
    let is_variable = |word: &&str| {
        let name = word.split_once('=').map_or("", |(name, _)| name);
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    while words.next_if(is_variable).is_some() {}
    let text = verb + &words.collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(SHOWN_LENGTH_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(vertex: &str, stream: u8, text: &str) -> String {
        let data = Base64::encode_string(text.as_bytes());
        format!(r#"{{"logs":[{{"vertex":"{vertex}","stream":{stream},"data":"{data}","timestamp":"x"}}]}}"#)
    }

    #[test]
    fn stages_logs_and_the_instruction_that_failed() {
        let mut progress = Progress::default();
        let mut told = Vec::new();
        for line in [
            r#"{"vertexes":[{"digest":"a","name":"[internal] load build definition","started":"2026-01-01T00:00:00Z","completed":"2026-01-01T00:00:01Z"}]}"#,
            r#"{"vertexes":[{"digest":"b","name":"[builder 2/9] RUN --mount=type=cache,target=/x if [ -n \"$A\" ]; then b; fi;     A_B=1 xtask build --locked","started":"2026-01-01T00:00:00Z"}]}"#,
            r#"{"vertexes":[{"digest":"c","name":"[linux/arm64 chef 1/4] COPY a b","cached":true,"started":"2026-01-01T00:00:00Z","completed":"2026-01-01T00:00:00Z"}]}"#,
            &log("b", 1, "{\n"),
            &log("b", 2, "Compiling a\n"),
            &log("b", 1, "}\n"),
            r#"{"vertexes":[{"digest":"b","name":"[builder 2/9] RUN --mount=type=cache,target=/x if [ -n \"$A\" ]; then b; fi;     A_B=1 xtask build --locked","started":"2026-01-01T00:00:00Z","completed":"2026-01-01T00:00:02.5Z"}]}"#,
            r#"{"vertexes":[{"digest":"f","name":"importing cache manifest from r/a:layers","error":"not found"}]}"#,
            r#"{"vertexes":[{"digest":"d","name":"[builder 3/9] RUN x","error":"context canceled"}]}"#,
            r#"{"vertexes":[{"digest":"e","name":"exporting to image","error":"unexpected status: 503"}]}"#,
            "ERROR: failed to solve",
        ] {
            told.extend(progress.line(line));
        }
        let told: Vec<String> = told.iter().map(|(verb, detail)| format!("{verb} {detail}")).collect();
        assert_eq!(
            told,
            [
                "Cached linux/arm64 chef 1/4: COPY a b",
                "Finished builder 2/9: RUN xtask build --locked in 2.5 s"
            ]
        );
        let stages: Vec<String> = progress
            .stages()
            .iter()
            .map(|it| format!("{} {} {:?} {:?}", it.stage, it.instruction, it.state, it.seconds))
            .collect();
        assert_eq!(
            stages,
            [
                "builder RUN xtask build --locked Ran Some(2.5)",
                "chef COPY a b Cached None",
                "builder RUN x Failed None"
            ]
        );
        let printed = progress.printed("xtask build");
        assert_eq!((printed[0].stdout.as_str(), printed[0].stderr.as_str()), ("{\n}\n", "Compiling a\n"));
        let broken = progress.broken().unwrap();
        assert_eq!(
            (broken.name.as_str(), broken.error.as_str()),
            ("exporting to image", "unexpected status: 503")
        );
        assert_eq!(progress.words(), ["ERROR: failed to solve"]);
    }
}
