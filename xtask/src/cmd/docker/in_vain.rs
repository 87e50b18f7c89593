//! The error of a Docker build whose dependencies were compiled twice: which, what differs, and the line to mend.

use super::super::context::Context;
use super::super::generate;
use crate::cli::docker::ImageBuildArgs;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::record::docker_build::AfterCook;

/// Names what was compiled twice, what differs, and the line to mend.
pub fn error(
    exec: &Executor,
    context: &Context,
    args: &ImageBuildArgs,
    after_cook: &AfterCook,
) -> anyhow::Error {
    let mut text = Vec::new();
    for half in ["front", "server"] {
        let of_half = || after_cook.dependencies.iter().filter(|it| it.half == half);
        let names: Vec<&str> = of_half().map(|it| it.package.as_str()).collect();
        let mut differences: Vec<&str> =
            of_half().flat_map(|it| &it.differences).map(String::as_str).collect();
        differences.sort_unstable();
        differences.dedup();
        if !names.is_empty() {
            let why = if differences.is_empty() { "never cooked".to_owned() } else { differences.join("; ") };
            text.push(format!("the {half} half compiled {} again ({why})", names.join(", ")));
        }
    }
    let file = context.workspace.root.join(generate::DOCKERFILE);
    let drifts = generate::drifts(exec, context, &args.selection, &file);
    for drift in drifts
        .iter()
        .filter(|drift| ["cook-front", "cook-server", "compile-environment"].contains(&drift.block.as_str()))
    {
        let has = |text: &str, word: &str| text.split_whitespace().any(|other| other == word);
        let only = |one: &str, other: &str| {
            let words = one.split_whitespace().filter(|word| *word != "\\" && !has(other, word));
            words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" ")
        };
        let (lacks, more) = (only(&drift.wanted, &drift.found), only(&drift.found, &drift.wanted));
        let said = [("lacks", lacks), ("should not have", more)];
        let said: Vec<String> = said
            .iter()
            .filter(|(_, words)| !words.is_empty())
            .map(|(verb, words)| format!("{verb} {words}"))
            .collect();
        text.push(format!(
            "{}:{} ({}) {}",
            generate::DOCKERFILE,
            drift.line,
            drift.block,
            said.join(" and ")
        ));
    }
    let hint = match drifts.is_empty() {
        true => {
            "give the cook exactly the flags and variables of the build; `--allow-recompiled` lets it pass"
        }
        false => "run `cargo xtask generate`",
    };
    let message = format!("dependencies were cooked in vain: {}", text.join("; "));
    Failure::new(Exit::CheckFailed, message).hint(hint).into()
}
