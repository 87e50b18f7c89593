//! `cargo xtask docker inspect`.

use super::own;
use crate::cli::docker::InspectArgs;
use crate::cmd::print;
use crate::config::automation::Automation;
use crate::config::github::GitHubApi;
use crate::config::registry::Sources;
use crate::config::root;
use crate::exec::Executor;
use crate::exit::{Exit, Failure};
use crate::facts::workspace::Workspace;
use crate::image::inspect::{self, Question};
use crate::image::reference::Reference;
use crate::record::inspect::{Budget, InspectRecord};
use crate::record::pack::{Packed, packed};
use crate::report;

/// Looks, reports, and fails where a finding is an error. The executor must be one that refuses effects.
pub fn run(exec: &Executor, args: &InspectArgs) -> anyhow::Result<()> {
    let workspace = Workspace::probe(exec, &root::find()?)?;
    let automation = Automation::from_metadata(&workspace.metadata)?;
    let pushed = packed(&workspace.target_directory);
    let image = image(args.image.as_deref(), &automation, &pushed)?;
    let other = match &args.compare {
        Some(text) => Some(Reference::parse(text)?),
        None => previous(&image, &pushed).map(Reference::parse).transpose()?,
    };
    let own = own::image(&workspace)?;
    let question = Question {
        image: &image,
        own: own.as_ref(),
        other: other.as_ref(),
        is_other_named: args.compare.is_some(),
        platform: args.platform.as_deref(),
        files: args.files,
        budget: Budget {
            warn: args.warn.map(|size| size.bytes).or(whole(automation.budgets.image.warn)),
            fail: args.fail.map(|size| size.bytes).or(whole(automation.budgets.image.fail)),
        },
    };
    let record = inspect::look(exec, &Sources::read()?, &GitHubApi::read()?, &question)?;
    print(&exec.redact(&report::inspect::render(&record, args.format)?))?;
    verdict(&record)
}

/// A limit in whole bytes.
fn whole(limit: Option<f64>) -> Option<u64> {
    limit.map(|bytes| bytes as u64)
}

fn verdict(record: &InspectRecord) -> anyhow::Result<()> {
    use crate::record::doctor::Severity;
    match record.findings.iter().find(|finding| finding.severity == Severity::Error) {
        None => Ok(()),
        Some(finding) => Err(Failure::new(Exit::CheckFailed, &finding.message).hint(&finding.fix).into()),
    }
}

fn image(named: Option<&str>, automation: &Automation, pushed: &[Packed]) -> anyhow::Result<Reference> {
    let last = pushed.last().map(|packed| packed.reference.as_str());
    let text = named.or(last).or(automation.image.as_deref()).ok_or_else(|| {
        Failure::usage("it is not said which image: nothing was pushed from here")
            .hint("give its name, or set `image` in [workspace.metadata.xtask] in the root Cargo.toml")
    })?;
    Reference::parse(text)
}

/// What was pushed before this image was pushed last; the last one of all where this one was not pushed from here.
fn previous<'a>(image: &Reference, pushed: &'a [Packed]) -> Option<&'a str> {
    let own = image.digest.as_ref().map(ToString::to_string);
    let same = pushed.iter().filter(|packed| packed.repository == image.name());
    let all: Vec<&Packed> = same.collect();
    let position = own.as_ref().and_then(|own| all.iter().rposition(|packed| packed.digest == *own));
    let before = &all[..position.unwrap_or(all.len())];
    let other = before.iter().rev().find(|packed| Some(&packed.digest) != own.as_ref());
    other.map(|packed| packed.reference.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_before() {
        let digest = |letter: &str| format!("sha256:{}", letter.repeat(64));
        let packed = |letter: &str| Packed {
            repository: "r.example/app".to_owned(),
            digest: digest(letter),
            reference: format!("r.example/app@{}", digest(letter)),
            started: String::new(),
        };
        let pushed = [packed("a"), packed("b"), packed("b")];
        let of = |name: &str| previous(&Reference::parse(name).unwrap(), &pushed).map(str::to_owned);
        assert_eq!(of(&pushed[1].reference), Some(pushed[0].reference.clone()));
        assert_eq!(of(&pushed[0].reference), None);
        assert_eq!(of("r.example/app:1"), Some(pushed[1].reference.clone()));
        assert_eq!(of("r.example/other:1"), None);
        // Back to what was there before: `b` is what it takes the place of.
        let pushed_again = [&pushed[..], &[packed("a")]].concat();
        let again = previous(&Reference::parse(&pushed[0].reference).unwrap(), &pushed_again);
        assert_eq!(again, Some(pushed[1].reference.as_str()));
        let last = image(None, &Automation::default(), &pushed).unwrap();
        assert_eq!(last.digest.unwrap().to_string(), digest("b"));
    }
}
