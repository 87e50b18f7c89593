//! Carries out the plan of `docker pack`: reads the base, assembles the image, pushes it. Keeps what one step finds out
//! for the next one.

use anyhow::Context;

use super::assemble::{self, Image};
use super::base::{self, Base};
use super::push::{self, Pushed};
use super::reference::Reference;
use super::registry::Repository;
use crate::config::registry::Sources;
use crate::exec::Executor;
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

/// Carries out the steps, and hands back what was reached even where one fails.
pub fn run(exec: &Executor, plan: &Plan, sources: &Sources) -> (Outcome, anyhow::Result<()>) {
    let mut outcome = Outcome::default();
    let result = carry_out(exec, plan, sources, &mut outcome);
    (outcome, result)
}

fn carry_out(exec: &Executor, plan: &Plan, sources: &Sources, outcome: &mut Outcome) -> anyhow::Result<()> {
    let target = target(plan)?;
    // Kept for the push, with the token that it has by then.
    let mut source = None;
    for planned in &plan.steps {
        let name = &planned.name;
        match &planned.action {
            Action::Operation(Operation::ReadBase(input)) => {
                let reference = Reference::parse(&input.reference)?;
                let repository = Repository::to_read(exec, sources, &reference, target.as_ref());
                let base = step(exec, &mut outcome.steps, name, || {
                    let base = base::read(&repository, &reference, &input.platform)?;
                    let plural = if base.layers.len() == 1 { "" } else { "s" };
                    Ok(Done::ran(format!("{} layer{plural}", base.layers.len()), base))
                })?;
                source = Some(repository);
                outcome.base = Some(base);
            }
            Action::Operation(Operation::AssembleImage(input)) => {
                let base = outcome.base.as_ref().context("an image is assembled before its base is read")?;
                let image = step(exec, &mut outcome.steps, name, || {
                    let image = assemble::assemble(input, base)?;
                    Ok(Done::ran(image.manifest.digest.to_string(), image))
                })?;
                outcome.image = Some(image);
            }
            Action::Operation(Operation::PushImage(input)) => {
                let assembled = outcome.base.as_ref().zip(outcome.image.as_ref());
                let ((base, image), (source, target)) =
                    assembled
                        .zip(source.as_ref().zip(target.as_ref()))
                        .context("an image is pushed before it is assembled")?;
                let pushed = step(exec, &mut outcome.steps, name, || {
                    let target = Repository::to_push(exec, sources, target, &base.reference);
                    let pushed = push::push(exec, input, &target, source, base, image)?;
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

/// Where the plan pushes to, if it does: credentials of the target are the base's too where it is in the same registry.
fn target(plan: &Plan) -> anyhow::Result<Option<Reference>> {
    let pushes = plan.steps.iter().find_map(|step| match &step.action {
        Action::Operation(Operation::PushImage(input)) => Some(Reference::parse(&input.repository)),
        _ => None,
    });
    pushes.transpose()
}
