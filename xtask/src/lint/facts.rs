//! Everything that rules look at, read from a repository's texts.

use std::collections::BTreeMap;

use serde_json::Value;

use super::base_image::Image;
use super::calls::{self, Call, Kind as CallKind};
use super::dockerfile::Dockerfile;
use super::dockerfile::copies::{self, Copy};
use super::dockerfile::stages::{Base, Scope, Step};
use super::manifest::{Leptos, Manifests};
use super::repository::{OWN_PACKAGE, Repository};
use super::workflows::Workflow;
use super::yaml::{Kind, Node};
use crate::config::{lockfile, parse_toml, places, toolchain_file};

/// What is known of a repository.
#[derive(Debug)]
pub struct Facts<'a> {
    pub repository: &'a Repository,
    pub manifests: Manifests,
    pub recipes: Vec<Recipe>,
    pub workflows: Vec<Workflow>,
    /// Railway's own file, and cargo's.
    pub railway: Option<Settings>,
    pub cargo: Option<Settings>,
    /// Files with what keeps them from being read: line and message.
    pub unreadable: Vec<(String, usize, String)>,
}

/// A file of settings, as a tree with lines.
#[derive(Debug)]
pub struct Settings {
    pub file: String,
    pub root: Node,
}

/// One Dockerfile with all that belongs to it.
#[derive(Debug)]
pub struct Recipe {
    pub file: String,
    pub parsed: Dockerfile,
    /// Calls of cargo, in the order of the file.
    pub calls: Vec<Call>,
    /// The project that is built or shipped, where it is clear which one.
    pub leptos: Option<Leptos>,
    /// Whether the image is the app's: something is compiled with cargo, or the app's own names are in it.
    pub is_app: bool,
}

impl<'a> Facts<'a> {
    pub fn read(repository: &'a Repository) -> Facts<'a> {
        Facts::read_with(repository, &BTreeMap::new())
    }

    /// The same where a build of each Dockerfile is given these arguments.
    pub fn read_with(repository: &'a Repository, given: &BTreeMap<String, String>) -> Facts<'a> {
        let mut facts = Facts {
            repository,
            recipes: Vec::new(),
            manifests: Manifests::read(repository),
            workflows: Vec::new(),
            railway: None,
            cargo: None,
            unreadable: Vec::new(),
        };
        for (file, text) in &repository.files {
            if file.starts_with(".github/") {
                match Workflow::parse(file, text) {
                    Ok(workflow) => facts.workflows.push(workflow),
                    Err((line, message)) => {
                        // What ends too early ends below the last line.
                        let line = line.min(text.lines().count()).max(1);
                        facts.unreadable.push((file.clone(), line, message));
                    }
                }
            }
        }
        facts.railway = facts.settings(&["railway.toml", "railway.json"]);
        facts.cargo = facts.settings(&[".cargo/config.toml", ".cargo/config"]);
        let configured = facts.configured();
        let recipe = |file: &String| {
            Some(Recipe::read(file, repository.files.get(file)?, &facts.manifests, &configured, given))
        };
        facts.recipes = repository.dockerfiles.iter().filter_map(recipe).collect();
        facts
    }

    /// The first of these files that is there.
    fn settings(&mut self, names: &[&str]) -> Option<Settings> {
        let name = names.iter().find(|name| self.repository.files.contains_key(**name))?;
        let text = self.repository.files.get(*name)?;
        let root = if name.ends_with(".json") { Node::parse(text) } else { toml_tree(text) };
        match root {
            Ok(root) => Some(Settings { file: (*name).to_owned(), root }),
            Err((line, message)) => {
                self.unreadable.push(((*name).to_owned(), line, message));
                None
            }
        }
    }

    /// What cargo's configuration says of every call, as the variables that would say the same.
    fn configured(&self) -> BTreeMap<String, String> {
        let named = [("target", "CARGO_BUILD_TARGET"), ("target-dir", "CARGO_BUILD_TARGET_DIR")];
        let value = |key: &str| Some(self.cargo.as_ref()?.root.at(&["build", key])?.text()?.to_owned());
        named.iter().filter_map(|(key, name)| Some(((*name).to_owned(), value(key)?))).collect()
    }

    /// The toolchain that the repository itself asks for. It wins over rustup's default where its file is.
    pub fn channel(&self) -> Option<String> {
        let file = |name: &&'static str| Some((*name, self.repository.files.get(*name)?));
        let (name, text) = toolchain_file::NAMES.iter().find_map(file)?;
        toolchain_file::channel(name, text)
    }

    /// Whether Cargo.lock has a package of this name.
    pub fn locks(&self, package: &str) -> bool {
        let lock = self.repository.files.get("Cargo.lock");
        let packages = lock.and_then(|text| lockfile::packages(text).ok()).unwrap_or_default();
        packages.iter().any(|locked| locked.name == package)
    }

    /// The folders of the app's packages below a Dockerfile's context, without a `/`; empty for the root's.
    pub fn member_folders(&self, dockerfile: &str) -> Vec<&str> {
        let context = self.repository.context(dockerfile);
        let folders = self.manifests.app().filter_map(|package| package.folder.strip_prefix(&context));
        folders.map(|folder| folder.trim_end_matches('/')).collect()
    }

    /// Whether `cargo xtask` is in the repository.
    pub fn has_xtask(&self) -> bool {
        self.manifests.packages.iter().any(|package| package.name == OWN_PACKAGE)
    }

    /// Whether a workflow makes the image.
    pub fn image_is_made_by_ci(&self) -> bool {
        self.workflows.iter().any(|workflow| workflow.jobs.iter().any(|job| job.makes_image()))
    }
}

/// A TOML file as a tree with lines.
fn toml_tree(text: &str) -> Result<Node, (usize, String)> {
    let value = parse_toml(text, "it").map_err(|error| {
        let message = error.to_string();
        let line = message.split("at line ").nth(1).and_then(|rest| rest.split(',').next()?.parse().ok());
        (line.unwrap_or(1), message.lines().last().unwrap_or_default().trim().to_owned())
    })?;
    Ok(tree(text, &value, &mut Vec::new(), 1))
}

fn tree(text: &str, value: &Value, way: &mut Vec<String>, line: usize) -> Node {
    let below = |key: &str, value: &Value, way: &mut Vec<String>, known: usize| {
        way.push(key.to_owned());
        let keys: Vec<&str> = way.iter().map(String::as_str).collect();
        let line = places::find(text, &keys).map_or(known, |written| written.line);
        let node = tree(text, value, way, line);
        way.pop();
        (line, node)
    };
    let kind = match value {
        Value::Object(entries) => Kind::Map(
            entries
                .iter()
                .map(|(key, value)| {
                    let (line, node) = below(key, value, way, line);
                    (key.clone(), line, node)
                })
                .collect(),
        ),
        Value::Array(items) => {
            let item = |(index, item): (usize, &Value)| below(&index.to_string(), item, way, line).1;
            Kind::List(items.iter().enumerate().map(item).collect())
        }
        Value::String(text) => Kind::Text(text.clone()),
        other => Kind::Text(other.to_string()),
    };
    Node { line, kind }
}

impl Recipe {
    /// `configured` are variables that hold for every call where nothing else is said, `given` the build's arguments.
    pub fn read(
        file: &str,
        text: &str,
        manifests: &Manifests,
        configured: &BTreeMap<String, String>,
        given: &BTreeMap<String, String>,
    ) -> Recipe {
        let parsed = Dockerfile::parse_with(text, given);
        let mut calls = calls::find(&parsed);
        for call in &mut calls {
            for (name, value) in configured {
                call.env.entry(name.clone()).or_insert_with(|| Some(value.clone()));
            }
        }
        let leptos = manifests.project(text).cloned();
        // What builds the project also reads variables.
        let driver = calls.iter().find(|call| matches!(call.kind, CallKind::Leptos | CallKind::Xtask));
        let leptos = leptos.map(|project| match driver {
            Some(call) => project.under(&call.env),
            None => project,
        });
        let names = leptos.as_ref().map(|project| [project.binary.clone(), project.site_root.clone()]);
        let mentions = |name: &String| !name.is_empty() && text.contains(name.as_str());
        let is_named = text.contains("LEPTOS_") || names.is_some_and(|names| names.iter().any(mentions));
        let mut recipe = Recipe { file: file.to_owned(), is_app: false, parsed, calls, leptos };
        recipe.is_app = recipe.adds_files() && (is_named || !recipe.calls.is_empty());
        recipe
    }

    /// All that the image is made of.
    pub fn image_steps(&self) -> Vec<&Step> {
        self.parsed.last().map(|last| self.parsed.steps(last).collect()).unwrap_or_default()
    }

    /// What holds in the image.
    pub fn end(&self) -> Option<&Scope> {
        self.parsed.stages.last().map(|stage| &stage.end)
    }

    /// The line of the image's last `FROM`.
    pub fn image_line(&self) -> usize {
        self.parsed.stages.last().map_or(1, |stage| stage.line)
    }

    /// Whether the image is one of Leptos.
    pub fn is_leptos(&self) -> bool {
        let is_built = self.calls.iter().any(|call| matches!(call.kind, CallKind::Leptos | CallKind::Xtask));
        let is_set = || self.end().is_some_and(|end| end.env.keys().any(|name| name.starts_with("LEPTOS_")));
        self.leptos.is_some() || is_built || is_set()
    }

    /// The well-known image that the image stands on.
    pub fn base_image(&self) -> Option<Image> {
        match self.parsed.base(self.parsed.last()?)?.0 {
            Base::Image(image) if image.is_known => Some(Image::parse(&image.text)),
            Base::Scratch => Some(Image::parse("scratch")),
            _ => None,
        }
    }

    /// Whether relative paths in the image can be followed: a base that nobody knows may have a folder of its own.
    pub fn knows_folder(&self) -> bool {
        self.end().is_some_and(|end| end.has_workdir)
            || self.base_image().is_some_and(|image| image.is_root().is_some())
    }

    /// What is copied into the image.
    pub fn image_copies(&self) -> Vec<Copy> {
        self.image_steps().iter().flat_map(|step| copies::of(step, &self.parsed)).collect()
    }

    /// Whether files are put into the image. One without is another image under a new name.
    pub fn adds_files(&self) -> bool {
        self.image_steps()
            .iter()
            .any(|step| ["COPY", "ADD"].iter().any(|keyword| step.instruction.is(keyword)))
            || self.parsed.last().is_some_and(|last| {
                let chain = self.parsed.chain(last);
                self.calls.iter().any(|call| chain.contains(&call.stage))
            })
    }

    /// The stages that the app in the image comes from, by COPY or by standing on them.
    pub fn builders(&self) -> Vec<usize> {
        let Some(last) = self.parsed.last() else { return Vec::new() };
        let mut stages = self.parsed.chain(last);
        let from = |copy: Copy| match copy.from {
            copies::From::Stage(stage) => Some(stage),
            _ => None,
        };
        stages.extend(self.image_copies().into_iter().filter_map(from));
        stages
    }

    /// The instruction of a call.
    pub fn step(&self, call: &Call) -> Option<&Step> {
        self.parsed.stages.get(call.stage)?.steps.get(call.step)
    }

    /// First and last lines of all instructions.
    pub fn spans(&self) -> Vec<(usize, usize)> {
        let steps = self.parsed.stages.iter().flat_map(|stage| &stage.steps);
        let froms = self.parsed.stages.iter().map(|stage| (stage.line, stage.line));
        steps.map(|step| (step.instruction.line, step.instruction.end)).chain(froms).collect()
    }
}
