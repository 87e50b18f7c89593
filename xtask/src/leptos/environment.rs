//! The environment that Leptos expects: while compiling, and when the server runs.

use std::collections::BTreeMap;
use std::path::Path;

use super::project::Project;

/// The variable that fixes the addresses of server functions; without it they depend on the checkout's path.
pub const SERVER_FN_KEY: &str = "SERVER_FN_OVERRIDE_KEY";

/// The variables that both halves see while they compile. Paths are relative to the workspace where they can be, so
/// that the same sources in another folder give the same compile units.
pub fn compile(project: &Project, workspace_root: &Path) -> BTreeMap<String, String> {
    let mut env = shared(project);
    let site_root = project.site_root.strip_prefix(workspace_root).unwrap_or(&project.site_root);
    env.insert("LEPTOS_SITE_ROOT".to_owned(), site_root.display().to_string());
    let relative = |path: &Path| path.strip_prefix(workspace_root).unwrap_or(path).display().to_string();
    env.insert("LEPTOS_LIB_DIR".to_owned(), relative(&project.lib_package.dir));
    env.insert("LEPTOS_BIN_DIR".to_owned(), relative(&project.bin_package.dir));
    env.insert("LEPTOS_JS_MINIFY".to_owned(), project.js_minify.to_string());
    if let Some(prefix) = &project.server_fn_prefix {
        env.insert("SERVER_FN_PREFIX".to_owned(), prefix.clone());
    }
    if project.disable_server_fn_hash {
        env.insert("DISABLE_SERVER_FN_HASH".to_owned(), "true".to_owned());
    }
    if project.server_fn_mod_path {
        env.insert("SERVER_FN_MOD_PATH".to_owned(), "true".to_owned());
    }
    env
}

/// The variables that the server needs in production.
pub fn production(project: &Project) -> BTreeMap<String, String> {
    let mut env = shared(project);
    env.insert("LEPTOS_SITE_ROOT".to_owned(), project.site_root.display().to_string());
    env.insert("LEPTOS_ENV".to_owned(), "PROD".to_owned());
    env
}

/// The variables that the server needs while somebody works on it: pages connect to the reload socket.
pub fn watched(project: &Project) -> BTreeMap<String, String> {
    let mut env = production(project);
    env.insert("LEPTOS_ENV".to_owned(), "DEV".to_owned());
    env.insert("LEPTOS_WATCH".to_owned(), "true".to_owned());
    if let Some(port) = project.reload_external_port {
        env.insert("LEPTOS_RELOAD_EXTERNAL_PORT".to_owned(), port.to_string());
    }
    if let Some(protocol) = &project.reload_ws_protocol {
        env.insert("LEPTOS_RELOAD_WS_PROTOCOL".to_owned(), protocol.to_lowercase());
    }
    env
}

fn shared(project: &Project) -> BTreeMap<String, String> {
    let mut env = BTreeMap::from([
        ("LEPTOS_OUTPUT_NAME".to_owned(), project.output_name.clone()),
        ("LEPTOS_SITE_PKG_DIR".to_owned(), project.site_pkg_dir.clone()),
        ("LEPTOS_SITE_ADDR".to_owned(), project.site_addr.to_string()),
        ("LEPTOS_RELOAD_PORT".to_owned(), project.reload_port.to_string()),
        ("LEPTOS_HASH_FILES".to_owned(), project.hash_files.to_string()),
    ]);
    if project.hash_files {
        env.insert("LEPTOS_HASH_FILE_NAME".to_owned(), hash_file_name(project).to_owned());
    }
    env
}

/// The name of the file beside the server binary that maps site files to their digests.
pub fn hash_file_name(project: &Project) -> &str {
    project.hash_file_name.as_deref().unwrap_or("hash.txt")
}
