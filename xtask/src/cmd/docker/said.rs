//! What `docker build` tells people beside its report: before it begins what may be meant otherwise, afterwards what
//! was compiled, what the compile cache gave, and what comes next.

use super::super::context::Context;
use super::super::generate;
use crate::cli::docker::ImageBuildArgs;
use crate::exec::Executor;
use crate::image::buildx::Outcome;
use crate::record::docker_build::DockerBuildRecord;

/// Nobody asked for the image itself.
pub fn kept_nowhere(exec: &Executor) {
    exec.ui().note(
        "the image stays in the builder's cache: `--load` gives it to this machine's engine, `--push` to its registry",
    );
}

/// Lines that do not fit this workspace fail after minutes, or make another image than they should: a file that was
/// copied from elsewhere has them all.
pub fn drifts(exec: &Executor, context: &Context, args: &ImageBuildArgs) {
    let file = context.workspace.root.join(generate::DOCKERFILE);
    let drifts = generate::drifts(exec, context, &args.selection, &file);
    let Some(first) = drifts.first() else { return };
    let (file, count) = (generate::DOCKERFILE, drifts.len());
    let what = if count == 1 { "line is" } else { "lines are" };
    exec.ui().note(format!(
        "{file}:{}: {count} {what} not what follows from this workspace; `cargo xtask generate` writes them",
        first.line
    ));
}

/// What was compiled on top of the cook, and with which help.
pub fn compiled(exec: &Executor, outcome: &Outcome) {
    if let Some(after_cook) = &outcome.after_cook {
        for (half, units) in [("front", &after_cook.front), ("server", &after_cook.server)] {
            let Some(units) = units else { continue };
            let packages = units.compiled_packages.join(", ");
            exec.ui().status("Compiled", format!("{half}: {} after the cook: {packages}", units.compiled));
        }
    }
    let Some(cache) = &outcome.compile_cache else { return };
    if cache.without < cache.instructions {
        let (hits, misses, errors) = (cache.hits, cache.misses, cache.errors);
        exec.ui().status("Cached", format!("compile cache: {hits} hits, {misses} misses, {errors} errors"));
    }
    if cache.without > 0 {
        let reason = cache.reason.as_ref().map(|reason| format!(": {}", exec.redact(reason)));
        exec.ui().note(format!(
            "{} of {} instructions compiled without the compile cache{}",
            cache.without,
            cache.instructions,
            reason.unwrap_or_default()
        ));
    }
}

/// What can be done with the image.
pub fn next(exec: &Executor, record: &DockerBuildRecord) {
    let local = || Some(format!("{}:{}", record.repository.as_ref()?, record.tags.first()?));
    if let Some(image) = record.reference.clone().or_else(local) {
        exec.ui().note(format!("next: `cargo xtask docker smoke {image}` to run it and look at it"));
    }
}
