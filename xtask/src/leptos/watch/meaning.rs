//! What is watched, and what a change in it means: which half has to be compiled, or only the style, or only the site.
//!
//! Cargo's own dep-info says which files a half was compiled from. New files count in the folders that those are in,
//! because a module may just have come to be. Pure, but for the question whether a folder exists.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::ops::BitOrAssign;
use std::path::{Path, PathBuf};

use super::super::project::Project;
use super::super::shipped::{SHARED, built_in};
use super::files::{Change, Kind};
use crate::facts::workspace::Workspace;

/// What a change asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Compile the wasm half and bind it, if cargo finds something to do.
    pub front: bool,
    /// Compile the server, if cargo finds something to do.
    pub server: bool,
    /// Make the style sheet.
    pub style: bool,
    /// Copy the assets.
    pub assets: bool,
    /// Start the server and load the pages anew, whatever was compiled.
    pub restart: bool,
    /// Read the configuration, and do all of the above.
    pub configuration: bool,
}

const FRONT: Work = Work { front: true, ..NONE };
const SERVER: Work = Work { server: true, ..NONE };
const STYLE: Work = Work { style: true, ..NONE };
const ASSETS: Work = Work { assets: true, ..NONE };
const NONE: Work =
    Work { front: false, server: false, style: false, assets: false, restart: false, configuration: false };

impl Work {
    /// Everything, as after a change of the configuration.
    pub const ALL: Work =
        Work { front: true, server: true, style: true, assets: true, restart: true, configuration: true };

    pub fn is_none(self) -> bool {
        self == NONE
    }

    /// Whether cargo has to be asked.
    pub fn compiles(self) -> bool {
        self.front || self.server
    }
}

impl BitOrAssign for Work {
    fn bitor_assign(&mut self, other: Work) {
        self.front |= other.front;
        self.server |= other.server;
        self.style |= other.style;
        self.assets |= other.assets;
        self.restart |= other.restart;
        self.configuration |= other.configuration;
    }
}

/// What is watched.
#[derive(Clone, Debug)]
pub struct Watched {
    files: BTreeMap<PathBuf, Work>,
    folders: Vec<Folder>,
    /// Folders that builds write to.
    ignored: Vec<PathBuf>,
}

/// A folder with all that is below it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Folder {
    path: PathBuf,
    work: Work,
    counts: Counts,
}

/// Which files of a folder count.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Counts {
    /// New ones, as possible sources; those that were there and were not compiled only while a build fails.
    Sources,
    /// All with one of these extensions, or simply all where there are none.
    Extensions(Vec<String>),
}

impl Watched {
    /// `front` and `server` are the sources of the halves by their dep-info; `None` for one that was never compiled.
    pub fn new(
        project: &Project,
        workspace: &Workspace,
        front: Option<Vec<PathBuf>>,
        server: Option<Vec<PathBuf>>,
    ) -> Watched {
        let mut ignored = built_in(workspace, project.bin_target_dir.as_deref());
        ignored.push(project.site_root.clone());
        let mut watched = Watched { files: BTreeMap::new(), folders: Vec::new(), ignored };
        watched.configuration(workspace, [&front, &server]);
        watched.half(workspace, front, FRONT);
        watched.half(workspace, server, SERVER);
        watched.site(project, workspace);
        watched.additional(project);
        watched.folders.retain(|folder| !watched.ignored.contains(&folder.path));
        watched
    }

    fn file(&mut self, file: PathBuf, work: Work) {
        *self.files.entry(file).or_default() |= work;
    }

    fn folder(&mut self, path: PathBuf, work: Work, counts: Counts) {
        match self.folders.iter_mut().find(|folder| folder.path == path && folder.counts == counts) {
            Some(folder) => folder.work |= work,
            None => self.folders.push(Folder { path, work, counts }),
        }
    }

    /// The files that decide about every build, and the manifests of the packages that are in a half.
    fn configuration(&mut self, workspace: &Workspace, halves: [&Option<Vec<PathBuf>>; 2]) {
        let is_in = |folder: &Path| match halves {
            [Some(front), Some(server)] => {
                front.iter().chain(server).any(|source| source.starts_with(folder))
            }
            _ => true,
        };
        let members = workspace.packages.iter().filter(|package| is_in(package.dir()));
        let manifests = members.map(|package| package.manifest_path.clone());
        for file in SHARED.iter().map(|file| workspace.root.join(file)).chain(manifests) {
            self.file(file, Work::ALL);
        }
    }

    fn half(&mut self, workspace: &Workspace, sources: Option<Vec<PathBuf>>, work: Work) {
        let Some(sources) = sources else {
            // Nobody knows what it is made from; all that packages are made from may be in it.
            let aside = ["test", "bench", "example"];
            let targets = workspace.packages.iter().flat_map(|package| &package.targets);
            let targets =
                targets.filter(|target| !target.kind.iter().any(|kind| aside.contains(&kind.as_str())));
            let folders = targets.filter_map(|target| target.src_path.parent());
            let folders: BTreeSet<&Path> = folders.filter(|path| is_inside(path, workspace)).collect();
            for folder in folders {
                self.folder(folder.to_owned(), work, Counts::Sources);
            }
            return;
        };
        for source in sources {
            if let Some(folder) = source_folder(workspace, &source) {
                self.folder(folder, work, Counts::Sources);
            }
            self.file(source, work);
        }
    }

    fn site(&mut self, project: &Project, workspace: &Workspace) {
        for file in &project.style_sources {
            self.file(file.clone(), STYLE);
        }
        // A sheet that an import will name in a moment; not where the folder holds all else too.
        if let Some(folder) = project.style_file.as_deref().and_then(Path::parent)
            && is_inside(folder, workspace)
        {
            let extensions = ["css", "scss", "sass"].map(str::to_owned).to_vec();
            self.folder(folder.to_owned(), STYLE, Counts::Extensions(extensions));
        }
        if let Some(assets) = &project.assets_dir {
            self.folder(assets.clone(), ASSETS, Counts::Extensions(Vec::new()));
        }
        if project.js_dir.is_dir() {
            self.folder(project.js_dir.clone(), FRONT, Counts::Extensions(vec!["js".to_owned()]));
        }
    }

    fn additional(&mut self, project: &Project) {
        for entry in &project.watch_additional_files {
            let mut work = NONE;
            for change in &entry.change_types {
                work |= match change.as_str() {
                    "bin-source" => SERVER,
                    "lib-source" => FRONT,
                    "style" => STYLE,
                    "asset" => ASSETS,
                    "conf" => Work::ALL,
                    // The server may read it when it starts, and a macro while it compiles.
                    _ => Work { restart: true, front: true, server: true, ..NONE },
                };
            }
            for path in &entry.paths {
                if path.is_dir() {
                    self.folder(path.clone(), work, Counts::Extensions(entry.extensions.clone()));
                } else {
                    self.file(path.clone(), work);
                }
            }
        }
    }

    /// The files that are watched one by one.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.keys().map(PathBuf::as_path)
    }

    /// The folders that are watched with all that is below them.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.folders.iter().map(|folder| folder.path.as_path())
    }

    /// Whether the path counts at all: not what a build writes, nor what an editor keeps beside a file.
    pub fn counts(&self, path: &Path) -> bool {
        let is_built = self.ignored.iter().any(|folder| path.starts_with(folder));
        self.files.contains_key(path) || !(is_built || is_temporary(path))
    }

    /// What a change asks for. `failed` are the halves whose last compilation failed: what the compiler stopped at may
    /// be a file that was never compiled before.
    pub fn work(&self, change: &Change, failed: Work) -> Work {
        let mut work = self.files.get(&change.path).copied().unwrap_or_default();
        for folder in &self.folders {
            let Ok(below) = change.path.strip_prefix(&folder.path) else { continue };
            match &folder.counts {
                Counts::Extensions(extensions) => {
                    let extension = change.path.extension().and_then(OsStr::to_str);
                    let named = |extension| extensions.iter().any(|one| one == extension);
                    if extensions.is_empty() || extension.is_some_and(named) {
                        work |= folder.work;
                    }
                }
                Counts::Sources => {
                    let is_hidden = below.iter().any(|part| part.as_encoded_bytes().starts_with(b"."));
                    if is_hidden || self.files.contains_key(&change.path) {
                        continue;
                    }
                    let all = change.kind == Kind::New;
                    work |= Work {
                        front: folder.work.front && (all || failed.front),
                        server: folder.work.server && (all || failed.server),
                        ..NONE
                    };
                }
            }
        }
        work
    }
}

/// The folder of the package that a source is in, e.g. `src`; none for a file of the package's own folder.
fn source_folder(workspace: &Workspace, source: &Path) -> Option<PathBuf> {
    let packages = workspace.packages.iter().map(|package| package.dir());
    let package =
        packages.filter(|folder| source.starts_with(folder)).max_by_key(|folder| folder.as_os_str().len())?;
    let mut below = source.strip_prefix(package).ok()?.components();
    let first = below.next()?;
    below.next()?;
    Some(package.join(first))
}

/// Whether the folder is below the workspace's, and holds no package.
fn is_inside(folder: &Path, workspace: &Workspace) -> bool {
    let holds = |package: &Path| package.starts_with(folder);
    folder != workspace.root && !workspace.packages.iter().any(|package| holds(package.dir()))
}

/// What editors keep beside a file while it is edited.
fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let has_end =
        [".swp", ".swx", ".swo", "~", ".tmp", ".bak", ".orig"].iter().any(|end| name.ends_with(end));
    // `4913` is how Vim tries whether a folder can be written to; the others are Emacs' and JetBrains'.
    has_end
        || name == "4913"
        || name.starts_with(".#")
        || name.starts_with('#')
        || name.ends_with("___jb_old___")
}

#[cfg(test)]
#[path = "meaning_tests.rs"]
mod tests;
