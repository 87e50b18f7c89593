//! wasm-opt alone: the command of the build's own plan, with another level.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

use crate::plan::Invocation;

/// The optimiser's command as the build would run it.
#[derive(Clone, Debug, PartialEq)]
pub struct WasmOpt {
    program: String,
    args: Vec<String>,
    folder: PathBuf,
    pub input: PathBuf,
}

/// Finds the step in the plan that `cargo xtask build --dry-run --format json` prints; `None` where the profile has
/// none.
pub fn find(plan: &str) -> anyhow::Result<Option<WasmOpt>> {
    let plan: Value = serde_json::from_str(plan).context("the build's plan is no JSON")?;
    let steps = plan["steps"].as_array().context("the build's plan has no steps")?;
    let Some(step) = steps.iter().find(|step| step["name"] == "wasm-opt") else { return Ok(None) };
    let operation = &step["action"]["operation"];
    let command = &operation["command"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let read = || {
        Some(WasmOpt {
            program: text(&command["program"])?,
            args: command["args"].as_array()?.iter().map(text).collect::<Option<_>>()?,
            folder: PathBuf::from(text(&command["cwd"])?),
            input: PathBuf::from(text(&operation["inputs"][0])?),
        })
    };
    read().context("the step `wasm-opt` of the build's plan is not as expected").map(Some)
}

impl WasmOpt {
    /// The same with another level and output.
    pub fn command(&self, level: &str, output: &Path) -> Invocation {
        let mut args: Vec<String> = Vec::new();
        let mut is_output = false;
        let mut is_levelled = false;
        for argument in &self.args {
            if is_output {
                args.push(output.display().to_string());
            } else if is_level(argument) {
                // Once: two levels would be two optimisations.
                if !is_levelled {
                    args.push(format!("-{level}"));
                }
                is_levelled = true;
            } else {
                args.push(argument.clone());
            }
            is_output = argument == "-o" || argument == "--output";
        }
        if !is_levelled {
            args.insert(0, format!("-{level}"));
        }
        Invocation::new(&self.program, &self.folder).args(args)
    }
}

fn is_level(argument: &str) -> bool {
    let levels = ["-O", "-O0", "-O1", "-O2", "-O3", "-O4", "-Os", "-Oz"];
    levels.contains(&argument)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plans_command_with_another_level() {
        let plan = r#"{"steps":[{"name":"wasm-opt","action":{"operation":{"name":"run-cached","command":{
            "program":"/t/wasm-opt","args":["-Oz","--enable-x","in.wasm","-o","out.wasm"],"cwd":"/w"},
            "inputs":["in.wasm"]}}}]}"#;
        let found = find(plan).unwrap().unwrap();
        let command = found.command("O2", Path::new("/s/new.wasm"));
        assert_eq!(command.to_string(), "/t/wasm-opt -O2 --enable-x in.wasm -o /s/new.wasm");
        assert_eq!(found.input, Path::new("in.wasm"));
        assert_eq!(find(r#"{"steps":[]}"#).unwrap(), None);
        assert!(find("{}").is_err());
    }
}
