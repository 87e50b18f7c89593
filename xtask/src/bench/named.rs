//! Arms that were asked for by name: where none of them is there, a run would measure for minutes what nobody wants.

use super::available::Available;
use super::request::{Request, told};
use super::variant::Variant;
use crate::exit::{Exit, Failure};

/// Refuses a run of which no named variant can be measured (exit code 3), each with its reason. Where some can, the
/// run goes on, and its report says what is missing.
pub fn refuse(request: &Request, available: &Available) -> anyhow::Result<()> {
    let usual = Variant::usual(&request.profile);
    let missing = |variant: &Variant| {
        let (_, reason) = available.of(&usual.overlaid(variant));
        reason.map(|reason| format!("{} cannot be measured: {reason}", told(variant)))
    };
    let missing: Vec<String> = request.variants.iter().filter_map(missing).collect();
    if missing.is_empty() || missing.len() < request.variants.len() {
        return Ok(());
    }
    let hint = "nothing was built; `cargo xtask bench --dry-run --full` tells what is there";
    Err(Failure::new(Exit::MissingTool, missing.join("; ")).hint(hint).into())
}

#[cfg(test)]
mod tests {
    use super::super::available::Availability;
    use super::super::variant::Axis;
    use super::*;

    #[test]
    fn a_run_of_which_nothing_that_was_named_is_there_is_refused() {
        let there = Availability::Yes { version: None };
        let absent = |tool: &str| Availability::No { reason: format!("{tool} is not installed: `x`") };
        let values = [
            ((Axis::Linker, "mold".to_owned()), there),
            ((Axis::Linker, "wild".to_owned()), absent("wild")),
            ((Axis::Cache, "kache".to_owned()), absent("kache")),
        ];
        let available = Available { values: values.into(), ..Available::default() };
        let told = |variants: &[&str]| {
            let variants = variants.iter().map(|variant| variant.parse().unwrap()).collect();
            let request = Request { profile: "dev".to_owned(), variants, ..Request::default() };
            refuse(&request, &available).err().map(|error| {
                assert_eq!(Exit::of(&error), Exit::MissingTool);
                error.to_string()
            })
        };
        assert_eq!(told(&[]), None);
        assert_eq!(told(&["linker=mold"]), None);
        assert_eq!(told(&["linker=wild", "linker=mold"]), None);
        assert_eq!(
            told(&["cache=kache"]).unwrap(),
            "cache=kache cannot be measured: kache is not installed: `x`"
        );
        // Every value has to be there.
        assert_eq!(
            told(&["linker=mold,cache=kache", "linker=wild"]).unwrap(),
            "linker=mold,cache=kache cannot be measured: kache is not installed: `x`; linker=wild cannot be measured: \
             wild is not installed: `x`"
        );
    }
}
