//! `cargo xtask setup --local` and `--undo`: linker and compile cache for plain cargo on this machine.

use crate::cmd::context::Context;
use crate::cmd::print;
use crate::exec::Executor;
use crate::report::Format;
use crate::report::table::{Align, Table};
use crate::tools::local::{self, Choice, Report};

pub fn write(exec: &Executor, context: &Context, format: Format) -> anyhow::Result<()> {
    let root = &context.workspace.root;
    if exec.is_dry_run() && format == Format::Json {
        // The plan before this is the document.
        return Ok(());
    }
    if exec.is_dry_run() {
        return print(&format!(
            "# prove linkers and compile cache by compiling and running, then write {}\n",
            root.join(local::FILE).display()
        ));
    }
    let report = local::write(exec, &context.toolchain, root, &context.cargo_config, &Choice::default())?;
    for note in &report.notes {
        exec.ui().note(note);
    }
    print(&render(&report, format)?)
}

pub fn undo(exec: &Executor) -> anyhow::Result<()> {
    let root = crate::config::root::find()?;
    if exec.is_dry_run() {
        return print(&format!("rm -f {}\n", root.join(local::FILE).display()));
    }
    let what = if local::undo(exec, &root)? { "is removed" } else { "was not there" };
    exec.ui().note(format!("{} {what}; cargo compiles and links as on any other machine", local::FILE));
    Ok(())
}

pub fn render(report: &Report, format: Format) -> anyhow::Result<String> {
    let mut table = Table::new(&["what", "which", "for", "result"].map(|name| (name, Align::Left)));
    for proof in &report.linkers {
        let result = match &proof.problem {
            Some(problem) => format!("does not work: {problem}"),
            None if proof.linker == report.linker => "used now".to_owned(),
            None => "works".to_owned(),
        };
        let which = format!("{} {}", proof.linker, proof.version);
        table.row(vec!["linker".to_owned(), which, proof.target.clone(), result]);
    }
    if report.linker == "default" {
        let which = "the C compiler's own".to_owned();
        table.row(vec!["linker".to_owned(), which, "all".to_owned(), "used now".to_owned()]);
    }
    if let Some(cache) = &report.cache {
        let which = cache.display().to_string();
        table.row(vec!["compile cache".to_owned(), which, "all".to_owned(), "used now".to_owned()]);
    }
    Ok(match format {
        Format::Human => table.human(),
        Format::Markdown => table.markdown(),
        Format::Json => serde_json::to_string_pretty(report)? + "\n",
    })
}
