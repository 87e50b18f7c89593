//! Which folders can be the site: its content is replaced, so nothing else may be in it.

use std::path::Path;

use super::Project;
use crate::exit::Failure;
use crate::facts::workspace::Workspace;

/// Folders of the target directory that belong to cargo or to us.
const TAKEN: [&str; 7] = ["debug", "doc", "front", "package", "release", "tmp", "xtask"];

/// Refuses a site folder that is or contains something else. `source` is where it is set, for the message.
pub fn check(project: &Project, workspace: &Workspace, source: &str) -> anyhow::Result<()> {
    let site = project.site_root.as_path();
    let refuse = |why: String| {
        let shown = site.strip_prefix(&workspace.root).ok().filter(|path| !path.as_os_str().is_empty());
        let shown = shown.unwrap_or(site).display();
        Err(Failure::usage(format!(
            "{source}: {shown} {why}; a build replaces everything in the site's folder"
        ))
        .hint("leave `site-root` out for `target/site`, or name a folder that holds nothing else")
        .into())
    };
    let target = workspace.target_directory.as_path();
    if site == workspace.root {
        return refuse("is the workspace".to_owned());
    }
    if workspace.root.starts_with(site) {
        return refuse("contains the workspace".to_owned());
    }
    if site == target {
        return refuse("is cargo's target directory".to_owned());
    }
    if target.starts_with(site) {
        return refuse("contains cargo's target directory".to_owned());
    }
    if let Ok(below) = site.strip_prefix(target) {
        let first = below.iter().next().and_then(|part| part.to_str()).unwrap_or_default();
        if TAKEN.contains(&first)
            || first.starts_with("wasm32-")
            || project.bin_target_triple.as_deref() == Some(first)
        {
            return refuse(format!("is in `{first}`, where cargo keeps what it compiles"));
        }
    }
    if let Some(inside) = sources(project, workspace).into_iter().find(|path| path.starts_with(site)) {
        let inside = inside.strip_prefix(&workspace.root).unwrap_or(inside);
        return refuse(format!("contains sources: {}", inside.display()));
    }
    if project.assets_dir.as_deref().is_some_and(|assets| site.starts_with(assets)) {
        return refuse("is in the assets folder, which would be copied into itself".to_owned());
    }
    Ok(())
}

fn sources<'a>(project: &'a Project, workspace: &'a Workspace) -> Vec<&'a Path> {
    let own = [&project.style_file, &project.assets_dir, &project.end2end_dir];
    let mut all: Vec<&Path> = own.into_iter().flatten().map(|path| path.as_path()).collect();
    all.extend(project.tailwind.iter().map(|tailwind| tailwind.input_file.as_path()));
    for package in &workspace.packages {
        all.push(package.dir());
        all.extend(package.targets.iter().map(|target| target.src_path.as_path()));
    }
    all
}
