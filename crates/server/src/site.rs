//! The built site on disk: its files, their names with hashes, and how long a browser may keep them.

use std::path::{Path, PathBuf};

use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use leptos::config::LeptosOptions;
use tower_http::services::ServeDir;
use tower_http::services::fs::ServeFileSystemResponseBody;
use usdfc_core::environment::Problem;

#[derive(Clone)]
pub struct Site {
    pub options: LeptosOptions,
    /// The hashes in the names of the site's files; empty when names carry none.
    hashes: Hashes,
}

#[derive(Clone, Debug, Default)]
struct Hashes(Vec<(String, String)>);

impl Hashes {
    /// Reads lines such as `css: 2kZ…`.
    fn parse(text: &str) -> Self {
        let pairs = text.lines().filter_map(|line| line.split_once(':'));
        Self(
            pairs
                .map(|(kind, hash)| (kind.trim().to_owned(), hash.trim().to_owned()))
                .filter(|(_, hash)| !hash.is_empty())
                .collect(),
        )
    }

    fn of(&self, kind: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == kind);
        found.map(|(_, hash)| hash.as_str())
    }

    fn name(&self, path: &str) -> bool {
        let file = path.rsplit('/').next().unwrap_or_default();
        self.0.iter().any(|(_, hash)| file.contains(&format!(".{hash}.")))
    }
}

impl Site {
    /// Without its hash file Leptos cannot even render a page, so a missing one is a bad setting.
    pub fn open(options: LeptosOptions) -> Result<Self, Vec<Problem>> {
        let hashes = if options.hash_files {
            let path = hash_file(&options);
            let text = std::fs::read_to_string(&path).map_err(|error| {
                vec![Problem {
                    name: "LEPTOS_HASH_FILES".to_owned(),
                    value: Some("true".to_owned()),
                    expected: format!("the file `{}` beside the server ({error})", options.hash_file),
                }]
            })?;
            Hashes::parse(&text)
        } else {
            Hashes::default()
        };
        Ok(Self { options, hashes })
    }

    /// The files without which the page is only text, as far as they are missing.
    pub fn missing_files(&self) -> Vec<String> {
        let folder = Path::new(&*self.options.site_root).join(&*self.options.site_pkg_dir);
        ["js", "wasm", "css"]
            .into_iter()
            .map(|kind| {
                let mut name = self.options.output_name.to_string();
                if kind == "wasm" && option_env!("LEPTOS_OUTPUT_NAME").is_none() {
                    // Leptos asks for the name that wasm-bindgen gives, unless it was told another
                    // one when it was compiled.
                    name.push_str("_bg");
                }
                match self.hashes.of(kind) {
                    Some(hash) => format!("{name}.{hash}.{kind}"),
                    None => format!("{name}.{kind}"),
                }
            })
            .filter(|file| !folder.join(file).is_file())
            .collect()
    }

    /// The file that a request asks for, in the smallest encoding that the client accepts.
    ///
    /// Files whose names do not tell their content carry no time: in an image all have the same one, and a browser that
    /// asked whether its old copy is still current would be told so for ever.
    pub async fn file(&self, mut request: Request<()>) -> Option<Response<ServeFileSystemResponseBody>> {
        let is_hashed = self.hashes.name(request.uri().path());
        if !is_hashed {
            request.headers_mut().remove(header::IF_MODIFIED_SINCE);
            request.headers_mut().remove(header::IF_UNMODIFIED_SINCE);
        }
        let mut files = ServeDir::new(&*self.options.site_root)
            .append_index_html_on_directories(false)
            .precompressed_br()
            .precompressed_gzip();
        let mut response = files.try_call(request).await.ok()?;
        if response.status() == StatusCode::NOT_FOUND {
            return None;
        }
        let keep = if is_hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
        if !is_hashed {
            headers.remove(header::LAST_MODIFIED);
        }
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        Some(response)
    }
}

/// Leptos looks for it in the folder of the running program.
fn hash_file(options: &LeptosOptions) -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let folder = program.parent().unwrap_or(Path::new(""));
    folder.join(&*options.hash_file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_known_hash_are_kept_for_good() {
        let hashes = Hashes::parse("js: abc-1\nwasm: abc-2\n\ncss:\n");
        assert!(hashes.name("/pkg/app.abc-1.js"));
        assert!(hashes.name("/pkg/app.abc-2.wasm"));
        assert!(!hashes.name("/pkg/app.js"));
        assert!(!hashes.name("/abc-1/app.js"));
        assert_eq!(hashes.of("css"), None);
    }
}
