//! The style sheet in pages that are open: it changes its content there, though its name carries a digest.
//!
//! Leptos' script loads a sheet anew by the name that the page has, so the new content has to be had under the old name
//! too. The next page that is rendered has the new name, and a browser that keeps files by name is never wrong.

use std::fs;

use anyhow::Context;

use super::super::planning::{self, Input};
use super::socket::Socket;
use crate::exec::Executor;

/// The sheet's path in the site, e.g. `pkg/app.css`; `None` before there is a site with hashed names.
pub fn path(input: &Input<'_>) -> Option<String> {
    let project = input.project;
    let digest = match planning::hash_file(input) {
        None => String::new(),
        Some(file) => format!(".{}", digest(&fs::read_to_string(file).ok()?)?),
    };
    Some(format!("{}/{}{digest}.css", project.site_pkg_dir.trim_matches('/'), project.output_name))
}

fn digest(hashes: &str) -> Option<&str> {
    hashes.lines().find_map(|line| line.strip_prefix("css:")).map(str::trim)
}

/// Gives the sheet's content to the names that open pages know it by.
pub fn keep_old_names(exec: &Executor, input: &Input<'_>, socket: &Socket) -> anyhow::Result<()> {
    let Some(sheet) = path(input) else { return Ok(()) };
    let site = &input.project.site_root;
    let content = || {
        let file = site.join(&sheet);
        fs::read(&file).with_context(|| format!("read `{}`", file.display()))
    };
    for name in socket.sheets().iter().filter(|name| **name != sheet) {
        exec.write_file(&site.join(name), &content()?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_digest_of_the_sheet() {
        assert_eq!(super::digest("js: a\nwasm: b\ncss: c-_1\n"), Some("c-_1"));
        assert_eq!(super::digest("js: a\n"), None);
    }
}
