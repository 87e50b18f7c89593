//! The page and its files, fetched from a server that is healthy.

use std::time::Duration;

use super::checks::{self, Served, check, skipped};
use super::encoding::Plain;
use super::page::{self, Kind};
use crate::exec::{Answer, Executor, Method, Request};
use crate::exit::{Exit, Failure};
use crate::record::smoke::CheckRecord;

/// How long one answer may take: a page may ask other services first.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// How often the front page may lead somewhere else, e.g. to a language or a login.
const REDIRECTIONS_MAX: usize = 5;

/// Where the server is reached from here.
#[derive(Clone, Debug)]
pub struct Place {
    pub host: String,
    pub port: u16,
}

impl Place {
    /// The beginning of each of its addresses.
    pub fn origin(&self) -> String {
        match self.host.contains(':') {
            true => format!("http://[{}]:{}", self.host, self.port),
            false => format!("http://{}:{}", self.host, self.port),
        }
    }
}

/// What the page and its files are like.
pub struct Looked {
    pub verdicts: Vec<CheckRecord>,
    /// The path of the page, if it is one.
    pub page: Option<String>,
    /// The files that came as they should.
    pub files: Vec<Plain>,
    /// Whether the page links to a file that is not there, or to no script or wasm at all.
    pub lacks_files: bool,
}

/// Looks at the page and at every file of the package folder that it links to.
pub fn look(exec: &Executor, place: &Place, pkg_dir: &str) -> anyhow::Result<Looked> {
    let only =
        |verdicts: Vec<CheckRecord>| Looked { verdicts, page: None, files: Vec::new(), lacks_files: false };
    let (path, html) = match front_page(exec, place)? {
        Ok(found) => found,
        Err(problem) => return Ok(only(vec![check("page", Err(problem))])),
    };
    let judged = checks::page(&path, &html);
    let is_page = judged.is_ok();
    let mut verdicts = vec![check("page", judged)];
    if !is_page {
        return Ok(only(verdicts));
    }
    let (mut files, mut lacks_files) = (Vec::new(), false);
    let links = page::links(&String::from_utf8_lossy(&html.body), pkg_dir);
    for kind in Kind::ALL {
        let mut found = Vec::new();
        let mut elsewhere = Vec::new();
        for (_, link) in links.iter().filter(|(of, _)| *of == kind) {
            match page::resolve(&path, link) {
                Ok(path) => found.push(match get(exec, place, &path)? {
                    Ok((served, _)) => {
                        let judged = checks::file(kind, &path, &served);
                        lacks_files |= served.status != 200;
                        if judged.is_ok() {
                            files.push(Plain { kind, path, content: served.body });
                        }
                        judged
                    }
                    Err(problem) => Err(problem),
                }),
                Err(address) => elsewhere.push(address),
            }
        }
        lacks_files |= kind != Kind::Style && found.is_empty() && elsewhere.is_empty();
        verdicts.push(match elsewhere.first() {
            Some(address) if found.is_empty() => {
                skipped(kind.name(), format!("not the image's to serve: {address}"))
            }
            _ => checks::files(kind, found),
        });
    }
    Ok(Looked { verdicts, page: Some(path), files, lacks_files })
}

/// The page at `/`, or where that redirects to on the same server. The inner error is one of the server's.
fn front_page(exec: &Executor, place: &Place) -> anyhow::Result<Result<(String, Served), String>> {
    let origin = place.origin();
    let mut path = "/".to_owned();
    for _ in 0..=REDIRECTIONS_MAX {
        let (served, location) = match get(exec, place, &path)? {
            Ok(answer) => answer,
            Err(problem) => return Ok(Err(problem)),
        };
        match location.filter(|_| (300..400).contains(&served.status)) {
            None => return Ok(Ok((path, served))),
            Some(location) => {
                match page::resolve(&path, location.strip_prefix(&origin).unwrap_or(&location)) {
                    Ok(next) => path = next,
                    Err(address) => {
                        return Ok(Err(format!("GET {path} redirects to another server: {address}")));
                    }
                }
            }
        }
    }
    Ok(Err(format!("GET / redirects more than {REDIRECTIONS_MAX} times, last to {path}")))
}

type Answered = (Served, Option<String>);

/// One answer and its `Location`.
fn get(exec: &Executor, place: &Place, path: &str) -> anyhow::Result<Result<Answered, String>> {
    Ok(get_with(exec, place, path, &[])?.map(|answer| {
        let content_type = answer.header("content-type").unwrap_or_default();
        let content_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let location = answer.header("location").map(str::to_owned);
        (Served { status: answer.status, content_type, body: answer.body }, location)
    }))
}

/// One answer to a request with these headers. The inner error says that there was none; only an interruption is an
/// outer one.
pub fn get_with(
    exec: &Executor,
    place: &Place,
    path: &str,
    headers: &[(&str, &str)],
) -> anyhow::Result<Result<Answer, String>> {
    let mut request = Request::new(Method::Get, format!("{}{path}", place.origin())).timeout(ANSWER_LIMIT);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    match exec.send(&request.without_redirections()) {
        Ok(answer) => Ok(Ok(answer)),
        Err(error) if matches!(Exit::of(&error), Exit::Interrupted(_)) => Err(error),
        Err(error) => Ok(Err(format!("GET {path}: {}", reason(&error)))),
    }
}

/// Why there was no answer, without the request, which the reader knows.
pub fn reason(error: &anyhow::Error) -> String {
    let text = error
        .downcast_ref::<Failure>()
        .map_or_else(|| format!("{error:#}"), |failure| failure.message.clone());
    match text.split_once(": ") {
        Some((request, why)) if request.starts_with("GET ") => why.to_owned(),
        _ => text,
    }
}
