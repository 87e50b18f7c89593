//! Carries out the plan of `docker pack`: reads the base, assembles the image, pushes it. Keeps what one step finds out
//! for the next one.

use anyhow::Context;

use super::assemble::{self, Image};
use super::base::{self, Base};
use super::push::{self, Pushed};
use super::reference::Reference;
use super::registry::Repository;
use super::{allocator, dynamic, elf, layout, linkage};
use crate::config::registry::Sources;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::plan::image::CheckLinkage;
use crate::plan::{Action, Operation, Plan};
use crate::record::StepRecord;
use crate::record::pack::LayerRecord;
use crate::steps::{Done, step};

/// What a run came to, as far as it came.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub steps: Vec<StepRecord>,
    pub base: Option<Base>,
    pub image: Option<Image>,
    pub pushed: Option<Pushed>,
}

impl Outcome {
    /// The digest of the image's manifest: that of the registry, where an image of the same inputs was there.
    pub fn digest(&self) -> Option<String> {
        let there = self.pushed.as_ref().map(|pushed| &pushed.digest);
        there.or_else(|| Some(&self.image.as_ref()?.manifest.digest)).map(ToString::to_string)
    }

    /// The layers, from the lowest.
    pub fn layers(&self) -> Vec<LayerRecord> {
        match (&self.base, &self.image, &self.pushed) {
            (_, _, Some(pushed)) => pushed.layers.clone(),
            (Some(base), Some(image), None) => push::records(&image.all_layers, base, image, |_| None),
            _ => Vec::new(),
        }
    }
}

/// What registries were asked before there was anything to pack, with the tokens that they have given.
pub struct Begun<'a> {
    source: Option<Repository<'a>>,
    target: Option<Repository<'a>>,
}

/// Reads the base, and asks whether we may push where that is planned. All that can be wrong with either is found here,
/// before minutes of compiling.
pub fn begin<'a>(
    exec: &'a Executor,
    plan: &Plan,
    sources: &'a Sources,
    outcome: &mut Outcome,
) -> anyhow::Result<Begun<'a>> {
    let target = target(plan)?;
    let (name, input) = plan
        .steps
        .iter()
        .find_map(|planned| match &planned.action {
            Action::Operation(Operation::ReadBase(input)) => Some((&planned.name, input)),
            _ => None,
        })
        .context("a plan of packing reads a base")?;
    let reference = input.reference.as_deref().map(Reference::parse).transpose()?;
    let source =
        reference.as_ref().map(|reference| Repository::to_read(exec, sources, reference, target.as_ref()));
    outcome.base = Some(step(exec, &mut outcome.steps, name, || {
        let Some((reference, repository)) = reference.as_ref().zip(source.as_ref()) else {
            return Ok(Done::fresh("none", Base::none(&input.platform)));
        };
        let base = base::read(repository, reference, &input.platform)?;
        let plural = if base.layers.len() == 1 { "" } else { "s" };
        Ok(Done::ran(format!("{} layer{plural}", base.layers.len()), base))
    })?);
    let target = target.map(|target| Repository::to_push(exec, sources, &target, reference.as_ref()));
    if let Some(target) = &target {
        target.push_right()?;
    }
    Ok(Begun { source, target })
}

/// Carries out the steps after the first. What was reached is in the outcome even where one fails.
pub fn run(exec: &Executor, plan: &Plan, begun: &Begun<'_>, outcome: &mut Outcome) -> anyhow::Result<()> {
    let source = begun.source.as_ref();
    for planned in &plan.steps {
        let name = &planned.name;
        match &planned.action {
            Action::Operation(Operation::ReadBase(_)) => {}
            Action::Operation(Operation::CheckLinkage(input)) => {
                let base = outcome.base.as_ref().context("a base is looked at before it is read")?;
                step(exec, &mut outcome.steps, name, || check_linkage(exec, input, source, base))?;
            }
            Action::Operation(Operation::AssembleImage(input)) => {
                let base = outcome.base.as_ref().context("an image is assembled before its base is read")?;
                let image = step(exec, &mut outcome.steps, name, || {
                    let image = assemble::assemble(input, base)?;
                    Ok(Done::ran(image.manifest.digest.to_string(), image))
                })?;
                outcome.image = Some(image);
            }
            Action::Operation(Operation::WriteLayout(input)) => {
                let assembled = outcome.base.as_ref().zip(outcome.image.as_ref());
                let (base, image) = assembled.context("an image is written before it is assembled")?;
                step(exec, &mut outcome.steps, name, || {
                    layout::write(exec, input, source, base, image)?;
                    exec.ui().status("Wrote", input.path.display());
                    Ok(Done::ran(input.path.display().to_string(), ()))
                })?;
            }
            Action::Operation(Operation::PushImage(input)) => {
                let assembled = outcome.base.as_ref().zip(outcome.image.as_ref());
                let ((base, image), target) = assembled
                    .zip(begun.target.as_ref())
                    .context("an image is pushed before it is assembled")?;
                let pushed = step(exec, &mut outcome.steps, name, || {
                    let pushed = push::push(exec, input, target, source, base, image)?;
                    let verb = if pushed.reused { "Reused" } else { "Pushed" };
                    exec.ui().status(verb, format!("{}@{}", input.repository, pushed.digest));
                    Ok(if pushed.reused {
                        Done::fresh("the same inputs are there", pushed)
                    } else {
                        Done::ran(String::new(), pushed)
                    })
                })?;
                outcome.pushed = Some(pushed);
            }
            other => anyhow::bail!("`{name}` is no step of packing: {other:?}"),
        }
    }
    Ok(())
}

/// Whether the program will start in the image.
fn check_linkage(
    exec: &Executor,
    input: &CheckLinkage,
    source: Option<&Repository<'_>>,
    base: &Base,
) -> anyhow::Result<Done<()>> {
    let program = &input.binary;
    let content = std::fs::read(program).with_context(|| format!("read {}", program.display()))?;
    elf::check(program, &base.platform)?;
    let needs = dynamic::needs(&content).ok_or_else(|| {
        Failure::new(Exit::CheckFailed, format!("{} is damaged: its headers lead nowhere", program.display()))
    })?;
    if needs.is_static() {
        let allocator = match input.is_static && !input.any_allocator {
            true => Some(allocator::check(program, &content)?),
            false => allocator::find(&content),
        };
        return Ok(Done::ran(format!("static, {}", allocator.unwrap_or("the C library's allocator")), ()));
    }
    if input.is_static {
        let names: Vec<&str> = needs.libraries.keys().map(String::as_str).collect();
        let message = format!("{} is not static: it needs {}", program.display(), names.join(", "));
        let hint = "is `-crt-static` among the rustflags, or does a dependency link to a system's library?";
        return Err(Failure::new(Exit::CheckFailed, message).hint(hint).into());
    }
    let source = source.context("a base without a registry")?;
    let Some(libraries) = linkage::libraries(exec, source, base, &input.target_directory)? else {
        return Ok(Done::fresh("not checked", ()));
    };
    linkage::check(program, &needs, &libraries, &base.name())?;
    let version = libraries.glibc().map(|version| format!(", glibc {version}"));
    Ok(Done::ran(format!("{} libraries{}", needs.libraries.len(), version.unwrap_or_default()), ()))
}

/// Where the plan pushes to, if it does: credentials of the target are the base's too where it is in the same registry.
fn target(plan: &Plan) -> anyhow::Result<Option<Reference>> {
    let pushes = plan.steps.iter().find_map(|step| match &step.action {
        Action::Operation(Operation::PushImage(input)) => Some(Reference::parse(&input.repository)),
        _ => None,
    });
    pushes.transpose()
}
