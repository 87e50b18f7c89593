//! What a change is about, and what has to run for it. Pure.
//!
//! A job that is skipped counts as passed, so that every doubt is decided for running.

use std::collections::{BTreeMap, BTreeSet};

use super::github::GitHub;

/// What a file is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Read by people alone.
    Documentation,
    /// Read by people, and by tests of the automation, which have to pass for it.
    Tested,
    /// Which versions of what is compiled, with which compiler.
    Dependencies,
    /// How the app is built, packed and deployed.
    Automation,
    /// Workflows.
    Workflows,
    /// Everything else: what the app is made of.
    App,
}

/// What has to run. Each is an output of the step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Linters and tests.
    pub checks: bool,
    /// The image is built.
    pub image: bool,
    /// It goes to its registry; else it is built and packed all the same, to see whether that works.
    pub push: bool,
    /// The image goes to production after it.
    pub deploy: bool,
    /// The report on what a change of dependencies does.
    pub dependencies: bool,
    /// Nothing but the app itself has changed: what was compiled of the dependencies before is right.
    pub code_only: bool,
}

/// Names of files that are for people wherever they are.
const DOCUMENTS: [&str; 8] =
    ["LICENSE", "COPYING", "NOTICE", "AUTHORS", "CODEOWNERS", "CHANGELOG", "CONTRIBUTING", "README"];
/// Extensions of texts.
const TEXTS: [&str; 5] = ["md", "markdown", "adoc", "rst", "txt"];
/// Files that say how an image is made or what is deployed, by the beginning of their names.
const OF_IMAGES: [&str; 5] = ["Dockerfile", ".dockerignore", "docker-compose", "compose.", "railway."];

/// What decides about the class of a file beside its name.
#[derive(Clone, Debug, Default)]
pub struct Layout<'a> {
    /// The folder of this automation, below the workspace's root.
    pub automation: &'a str,
    /// Folders whose files ship or are compiled whatever they are called: assets, styles, sources.
    pub of_app: BTreeSet<String>,
    /// Texts that are compiled into the app.
    pub included: BTreeSet<String>,
    /// Texts that the automation's tests read.
    pub tested: BTreeSet<String>,
}

/// The class of a file. Paths have `/` and are below the workspace's root.
pub fn class(path: &str, layout: &Layout<'_>) -> Class {
    // The workspace may be a folder of its repository.
    let path = path.trim_start_matches("../");
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_in = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    if is_in(".github/workflows") || is_in(".github/actions") {
        return Class::Workflows;
    }
    if layout.of_app.iter().any(|folder| is_in(folder)) || layout.included.contains(path) {
        return if is_in(layout.automation) { Class::Automation } else { Class::App };
    }
    if is_document(path, name) {
        return if layout.tested.contains(path) { Class::Tested } else { Class::Documentation };
    }
    match name {
        "Cargo.lock" | "Cargo.toml" | "rust-toolchain" | "rust-toolchain.toml" => Class::Dependencies,
        _ if is_in(".cargo") => Class::Dependencies,
        _ if is_in(layout.automation) => Class::Automation,
        _ if OF_IMAGES.iter().any(|beginning| name.starts_with(beginning)) => Class::Automation,
        _ => Class::App,
    }
}

fn is_document(path: &str, name: &str) -> bool {
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, Some(extension)),
        _ => (name, None),
    };
    let is_text = extension.is_none_or(|extension| TEXTS.contains(&extension));
    let is_called_so =
        DOCUMENTS.iter().any(|document| stem == *document || stem.starts_with(&format!("{document}-")));
    // Elsewhere a text may be what the app shows.
    let is_page = is_text && !path.contains('/') && extension.is_some_and(|extension| extension != "txt");
    let is_in_docs = path.starts_with("docs/") || path.starts_with(".github/");
    is_page || (is_text && is_called_so) || is_in_docs || [".gitignore", ".editorconfig"].contains(&name)
}

/// What has to run for these files; `None` where nobody knows what has changed.
pub fn decide(github: Option<&GitHub>, classes: Option<&BTreeMap<String, Class>>) -> Decision {
    let has = |class: Class| classes.is_none_or(|files| files.values().any(|of_file| *of_file == class));
    let ticked = |input: &str| github.is_some_and(|github| github.flag(input) == Some(true));
    let forced = ticked("force_rebuild") || ticked("deploy");
    let compiled = [Class::App, Class::Dependencies, Class::Automation].into_iter().any(has);
    let checks = forced || compiled || has(Class::Workflows) || has(Class::Tested);
    let is_tag = github.is_some_and(|github| matches!(github.git_ref, super::github::Ref::Tag(_)));
    let image = forced || compiled || is_tag;
    Decision {
        checks,
        image,
        push: image && github.is_none_or(GitHub::may_push),
        deploy: image && github.is_some_and(GitHub::deploys),
        dependencies: has(Class::Dependencies) && github.is_none_or(|github| github.event == "pull_request"),
        code_only: !ticked("force_rebuild")
            && has(Class::App)
            && classes.is_some_and(|files| {
                files.values().all(|class| matches!(class, Class::App | Class::Documentation))
            }),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::github::tests::job;
    use super::*;

    fn layout() -> Layout<'static> {
        Layout {
            automation: "xtask",
            of_app: ["src", "crates/ui/src", "xtask/src", "public", "style"].map(str::to_owned).into(),
            included: ["crates/ui/README.md".to_owned()].into(),
            tested: ["docs/lint.md".to_owned()].into(),
        }
    }

    #[test]
    fn what_each_file_is_about() {
        let mut table = String::new();
        for path in [
            "README.md",
            "LICENSE-MIT",
            "docs/lint.md",
            "docs/measurements/a.sh",
            "docs/images/page.png",
            ".gitignore",
            ".github/CODEOWNERS",
            ".github/dependabot.yml",
            ".github/workflows/ci.yml",
            "../.github/workflows/ci.yml",
            "../other/src/lib.rs",
            "Cargo.lock",
            "crates/ui/Cargo.toml",
            "rust-toolchain.toml",
            ".cargo/config.toml",
            "xtask/tools.toml",
            "xtask/src/notes.md",
            "xtask/ARCHITECTURE.md",
            "Dockerfile.production",
            "railway.toml",
            "src/app.rs",
            "crates/ui/src/help.md",
            "crates/ui/README.md",
            "crates/core/README.md",
            "crates/ui/posts/first.md",
            "public/robots.txt",
            "style/main.css",
            "requirements.txt",
            "migrations/1.sql",
            "build.rs",
            ".env.example",
        ] {
            table.push_str(&format!("{path}: {:?}\n", class(path, &layout())));
        }
        expect![[r#"
            README.md: Documentation
            LICENSE-MIT: Documentation
            docs/lint.md: Tested
            docs/measurements/a.sh: Documentation
            docs/images/page.png: Documentation
            .gitignore: Documentation
            .github/CODEOWNERS: Documentation
            .github/dependabot.yml: Documentation
            .github/workflows/ci.yml: Workflows
            ../.github/workflows/ci.yml: Workflows
            ../other/src/lib.rs: App
            Cargo.lock: Dependencies
            crates/ui/Cargo.toml: Dependencies
            rust-toolchain.toml: Dependencies
            .cargo/config.toml: Dependencies
            xtask/tools.toml: Automation
            xtask/src/notes.md: Automation
            xtask/ARCHITECTURE.md: Automation
            Dockerfile.production: Automation
            railway.toml: Automation
            src/app.rs: App
            crates/ui/src/help.md: App
            crates/ui/README.md: App
            crates/core/README.md: Documentation
            crates/ui/posts/first.md: App
            public/robots.txt: App
            style/main.css: App
            requirements.txt: App
            migrations/1.sql: App
            build.rs: App
            .env.example: App
        "#]]
        .assert_eq(&table);
    }

    fn told(decision: Decision) -> String {
        let Decision { checks, image, push, deploy, dependencies, code_only } = decision;
        let all = [
            (checks, "checks"),
            (image, "image"),
            (push, "push"),
            (deploy, "deploy"),
            (dependencies, "dependencies"),
            (code_only, "code_only"),
        ];
        let set: Vec<&str> = all.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect();
        set.join(" ")
    }

    #[test]
    fn what_runs_for_each_event_and_change() {
        let changes: [(&str, Option<&[&str]>); 8] = [
            ("docs", Some(&["README.md"])),
            ("tested docs and app", Some(&["docs/lint.md", "src/app.rs"])),
            ("app", Some(&["src/app.rs", "README.md"])),
            ("dependencies", Some(&["Cargo.lock"])),
            ("automation", Some(&["xtask/src/main.rs"])),
            ("workflows", Some(&[".github/workflows/ci.yml"])),
            ("nothing", Some(&[])),
            ("unknown", None),
        ];
        let ticked = |input: &str| GitHub {
            inputs: [(input.to_owned(), "true".to_owned())].into(),
            ..job("workflow_dispatch", "refs/heads/main")
        };
        let events = [
            ("push to main", job("push", "refs/heads/main")),
            ("push to a branch", job("push", "refs/heads/feature")),
            ("tag", job("push", "refs/tags/v1.2.3")),
            ("pull request", job("pull_request", "refs/pull/7/merge")),
            ("merge queue", job("merge_group", "refs/heads/gh-readonly-queue/main/pr-7-0123")),
            ("force_rebuild", ticked("force_rebuild")),
            ("deploy", ticked("deploy")),
        ];
        let mut table = String::new();
        for (event, github) in &events {
            for (change, paths) in changes {
                let classes = paths.map(|paths| {
                    paths.iter().map(|path| ((*path).to_owned(), class(path, &layout()))).collect()
                });
                table.push_str(&format!(
                    "{event}, {change}: {}\n",
                    told(decide(Some(github), classes.as_ref()))
                ));
            }
        }
        expect![[r#"
            push to main, docs: 
            push to main, tested docs and app: checks image push deploy
            push to main, app: checks image push deploy code_only
            push to main, dependencies: checks image push deploy
            push to main, automation: checks image push deploy
            push to main, workflows: checks
            push to main, nothing: 
            push to main, unknown: checks image push deploy
            push to a branch, docs: 
            push to a branch, tested docs and app: checks image push
            push to a branch, app: checks image push code_only
            push to a branch, dependencies: checks image push
            push to a branch, automation: checks image push
            push to a branch, workflows: checks
            push to a branch, nothing: 
            push to a branch, unknown: checks image push
            tag, docs: image push
            tag, tested docs and app: checks image push
            tag, app: checks image push code_only
            tag, dependencies: checks image push
            tag, automation: checks image push
            tag, workflows: checks image push
            tag, nothing: image push
            tag, unknown: checks image push
            pull request, docs: 
            pull request, tested docs and app: checks image
            pull request, app: checks image code_only
            pull request, dependencies: checks image dependencies
            pull request, automation: checks image
            pull request, workflows: checks
            pull request, nothing: 
            pull request, unknown: checks image dependencies
            merge queue, docs: 
            merge queue, tested docs and app: checks image
            merge queue, app: checks image code_only
            merge queue, dependencies: checks image
            merge queue, automation: checks image
            merge queue, workflows: checks
            merge queue, nothing: 
            merge queue, unknown: checks image
            force_rebuild, docs: checks image push
            force_rebuild, tested docs and app: checks image push
            force_rebuild, app: checks image push
            force_rebuild, dependencies: checks image push
            force_rebuild, automation: checks image push
            force_rebuild, workflows: checks image push
            force_rebuild, nothing: checks image push
            force_rebuild, unknown: checks image push
            deploy, docs: checks image push deploy
            deploy, tested docs and app: checks image push deploy
            deploy, app: checks image push deploy code_only
            deploy, dependencies: checks image push deploy
            deploy, automation: checks image push deploy
            deploy, workflows: checks image push deploy
            deploy, nothing: checks image push deploy
            deploy, unknown: checks image push deploy
        "#]]
        .assert_eq(&table);
    }
}
