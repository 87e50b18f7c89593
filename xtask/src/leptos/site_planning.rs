//! The steps from a compiled wasm file and the style's sources to the site. Pure.
//!
//! The style sheet is what `style-file` becomes, followed by what Tailwind makes, as with cargo-leptos.

use std::path::{Path, PathBuf};

use super::planning::{self, Input};
use super::project::{DEFAULT_BROWSERS, NOT_SCANNED, Project, style_is_sass};
use crate::plan::{Action, Invocation, Operation, Reads, RunCached, Stage, Step, WriteSite};
use crate::tools::Resolved;

/// wasm-bindgen, wasm-opt, style and site.
pub fn steps(input: &Input<'_>) -> Vec<Step> {
    let project = input.project;
    let project_work = input.target_directory.join("xtask/site").join(&project.name);
    let work = project_work.join(&input.halves.front.folder);
    let mut site = Site { input, work, steps: Vec::new() };
    let bindings = site.bindings();
    let wasm_file = site.optimised(&bindings);
    let mut style_files: Vec<PathBuf> = project.style_file.iter().map(|file| site.style(file)).collect();
    style_files.extend(site.tailwind());
    site.push(
        "site",
        Operation::WriteSite(WriteSite {
            site_root: project.site_root.clone(),
            pkg_dir: project.site_pkg_dir.clone(),
            output_name: project.output_name.clone(),
            bindings_dir: bindings,
            wasm_file,
            style_files,
            assets_dir: project.assets_dir.clone(),
            hash_file: planning::hash_file(input),
            precompress: input.halves.release,
            made_file: project_work.join("site.made.json"),
        }),
    );
    site.steps
}

/// Whether plain CSS needs a tool of its own: to resolve imports, or for browsers that the project names.
pub fn needs_lightningcss(project: &Project) -> bool {
    let is_css = project.style_file.as_deref().is_some_and(|file| !style_is_sass(file));
    project.style_file.is_some()
        && (project.style_bundle && is_css || project.browserquery != DEFAULT_BROWSERS)
}

struct Site<'a> {
    input: &'a Input<'a>,
    /// Where this project and profile keep what is between sources and site.
    work: PathBuf,
    steps: Vec<Step>,
}

impl Site<'_> {
    fn push(&mut self, name: &str, operation: Operation) {
        let action = Action::Operation(operation);
        self.steps.push(Step { name: name.to_owned(), stage: Stage::Site, action });
    }

    /// A command that need not run again for the same inputs.
    fn cached(
        &mut self,
        tool: &Resolved,
        args: Vec<String>,
        inputs: Vec<PathBuf>,
        reads: Reads,
        output: PathBuf,
    ) {
        let operation = Operation::RunCached(RunCached {
            command: Invocation::new(&tool.program, self.input.workspace_root).args(args),
            inputs,
            reads,
            program_version: format!("{} {}", tool.tool, tool.version),
            output_dir: output,
            store: self.input.target_directory.join("xtask/cache").join(tool.tool),
        });
        self.push(tool.tool, operation);
    }

    /// wasm-bindgen; returns the folder of what it writes.
    fn bindings(&mut self) -> PathBuf {
        let wasm = planning::compiled_wasm(self.input);
        let bindings = self.work.join("bindings");
        let mut args = words(&[&text(&wasm), "--target", "web", "--no-typescript", "--out-name"]);
        args.extend([self.input.project.output_name.clone(), "--out-dir".to_owned(), text(&bindings)]);
        if self.input.halves.front.keeps_debug_info {
            args.extend(words(&["--debug", "--keep-debug"]));
        }
        self.cached(&self.input.tools.wasm_bindgen, args, vec![wasm], Reads::NothingElse, bindings.clone());
        bindings
    }

    /// wasm-opt, in builds for use; returns the wasm file that ships.
    fn optimised(&mut self, bindings: &Path) -> PathBuf {
        let name = format!("{}_bg.wasm", self.input.project.output_name);
        let bound = bindings.join(&name);
        let Some(tool) = &self.input.tools.wasm_opt else { return bound };
        let output = self.work.join("optimised");
        let optimised = output.join(name);
        let mut args = wasm_opt_flags(self.input.project);
        args.extend([text(&bound), "-o".to_owned(), text(&optimised)]);
        self.cached(tool, args, vec![bound], Reads::NothingElse, output);
        optimised
    }

    /// Sass and Lightning CSS, where they are needed; returns the sheet.
    fn style(&mut self, source: &Path) -> PathBuf {
        let (input, project) = (self.input, self.input.project);
        let name = format!("{}.css", project.output_name);
        let (mut sheet, mut sources) = (source.to_owned(), project.style_sources.clone());
        if let Some(tool) = &input.tools.sass {
            let output = self.work.join("style");
            let css = output.join(&name);
            let look = if input.halves.release { "--style=compressed" } else { "--style=expanded" };
            // A source map would ship the sources with the site.
            let args = words(&[look, "--no-source-map", &text(source), &text(&css)]);
            self.cached(tool, args, sources, Reads::NothingElse, output);
            (sheet, sources) = (css.clone(), vec![css]);
        }
        let bundle = project.style_bundle && input.tools.sass.is_none();
        self.for_browsers(sheet, sources, bundle, "lightningcss")
    }

    /// Lightning CSS, where it is needed; returns the sheet.
    fn for_browsers(&mut self, sheet: PathBuf, sources: Vec<PathBuf>, bundle: bool, folder: &str) -> PathBuf {
        let input = self.input;
        let Some(tool) = &input.tools.lightningcss else { return sheet };
        let output = self.work.join(folder);
        let css = output.join(format!("{}.css", input.project.output_name));
        let mut args = words(&["--targets", &input.project.browserquery]);
        for (given, flag) in [(bundle, "--bundle"), (input.halves.release, "--minify")] {
            args.extend(given.then(|| flag.to_owned()));
        }
        args.extend([text(&sheet), "--output-file".to_owned(), text(&css)]);
        self.cached(tool, args, sources, Reads::NothingElse, output);
        css
    }

    /// Tailwind; returns its sheet.
    fn tailwind(&mut self) -> Option<PathBuf> {
        let (input, project) = (self.input, self.input.project);
        let (tool, tailwind) = (input.tools.tailwind.as_ref()?, project.tailwind.as_ref()?);
        let output = self.work.join("tailwind");
        let css = output.join(format!("{}.css", project.output_name));
        let mut args = words(&["--input", &text(&tailwind.input_file), "--output", &text(&css)]);
        if let Some(config) = tailwind.config_file.as_ref().filter(|_| tailwind.has_config()) {
            args.extend(["--config".to_owned(), text(config)]);
        }
        if input.halves.release {
            args.push("--minify".to_owned());
        }
        // It looks through all files below the folder that it runs in, which may be more than compilers read.
        let folder = Reads::Folder {
            folder: input.workspace_root.to_owned(),
            without: input.not_sources.to_vec(),
            without_names: words(&NOT_SCANNED),
        };
        let reads = if tailwind.closed { folder } else { Reads::Anything };
        self.cached(tool, args, tailwind.sources.clone(), reads, output);
        Some(self.for_browsers(css.clone(), vec![css], false, "lightningcss-tailwind"))
    }
}

/// Size first, and the features that current compilers emit; `wasm-opt-features` in the metadata replaces the list, as
/// it does for cargo-leptos.
fn wasm_opt_flags(project: &Project) -> Vec<String> {
    let default = ["-Oz", "--enable-bulk-memory", "--enable-nontrapping-float-to-int"];
    match &project.wasm_opt_features {
        Some(flags) => flags.clone(),
        None => words(&default),
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
