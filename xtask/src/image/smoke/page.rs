//! The links of a page to the files of the app: script, wasm and style.
//!
//! No HTML parser: whatever stands between quotes and leads to the package folder is a link, be it in an attribute or
//! in an inline script, as Leptos writes both. Pure.

/// What a file of the package folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Script,
    Wasm,
    Style,
}

impl Kind {
    pub const ALL: [Kind; 3] = [Kind::Script, Kind::Wasm, Kind::Style];

    /// The name of its check.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Script => "script",
            Kind::Wasm => "wasm",
            Kind::Style => "style",
        }
    }

    /// The content types that browsers take. They compile wasm while it arrives from exactly one.
    pub fn content_types(self) -> &'static [&'static str] {
        match self {
            Kind::Script => &["text/javascript", "application/javascript"],
            Kind::Wasm => &["application/wasm"],
            Kind::Style => &["text/css"],
        }
    }

    fn of(link: &str) -> Option<Kind> {
        let path = link.split(['?', '#']).next()?;
        match path.rsplit_once('.')?.1 {
            "js" | "mjs" => Some(Kind::Script),
            "wasm" => Some(Kind::Wasm),
            "css" => Some(Kind::Style),
            _ => None,
        }
    }
}

/// Every link into the package folder, in the order of the page, each once.
pub fn links(html: &str, pkg_dir: &str) -> Vec<(Kind, String)> {
    let folder = format!("{}/", pkg_dir.trim_matches('/'));
    let mut found = Vec::new();
    for (start, _) in html.match_indices(&folder) {
        let Some(link) = quoted(html, start, folder.len()) else { continue };
        // `pkg/` at the start or behind a slash, not the end of another folder's name.
        let position = link.find(&folder).unwrap_or_default();
        if !(position == 0 || link[..position].ends_with('/')) {
            continue;
        }
        let entry = Kind::of(link).map(|kind| (kind, link.replace("&amp;", "&")));
        if let Some(entry) = entry.filter(|entry| !found.contains(entry)) {
            found.push(entry);
        }
    }
    found
}

/// The text around `html[start..start + length]` between two quotes of the same kind, if nothing in it says that it is
/// no link. Looking outwards from the folder's name, an apostrophe elsewhere on the page does no harm.
fn quoted(html: &str, start: usize, length: usize) -> Option<&str> {
    let ends = |c: char| c.is_whitespace() || "\"'`<>(){}$\\".contains(c);
    let before = html[..start].rfind(ends)?;
    let quote = html[before..].chars().next().filter(|c| "\"'`".contains(*c))?;
    let after = start + length + html[start + length..].find(ends)?;
    (html[after..].starts_with(quote)).then(|| &html[before + 1..after])
}

/// Where a link of the page at `page` (a path) leads to on the same server; the whole address where that is another.
pub fn resolve<'a>(page: &str, link: &'a str) -> Result<String, &'a str> {
    if link.contains("://") || link.starts_with("//") {
        return Err(link);
    }
    if link.starts_with('/') {
        return Ok(link.to_owned());
    }
    let page = page.split(['?', '#']).next().unwrap_or_default();
    let folder = &page[..page.rfind('/').map_or(0, |slash| slash + 1)];
    Ok(format!("{folder}{}", link.strip_prefix("./").unwrap_or(link)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Leptos 0.8 writes it, with a digest in the names.
    const PAGE: &str = r#"<!DOCTYPE html><html lang="en"><head><title>Don't panic</title>
        <link rel="stylesheet" id="leptos" href="/pkg/app.Zm9v.css">
        <link rel="modulepreload" href="/pkg/app.YmFy.js" crossorigin nonce>
        <link rel="preload" href="/pkg/app.YmF6.wasm" as="fetch" type="application/wasm" crossorigin>
        <script type="module">(function (root, pkg_path, output_name, wasm_output_name) {
            import(`${root}/${pkg_path}/${output_name}.js`)
        })("", "pkg", "app.YmFy", "app.YmF6")</script></head><body><p>It isn't /pkg/this.js</p></body></html>"#;

    fn shown(html: &str, pkg_dir: &str) -> Vec<String> {
        links(html, pkg_dir).iter().map(|(kind, link)| format!("{} {link}", kind.name())).collect()
    }

    #[test]
    fn the_links_of_a_page_by_leptos() {
        let expected = ["style /pkg/app.Zm9v.css", "script /pkg/app.YmFy.js", "wasm /pkg/app.YmF6.wasm"];
        assert_eq!(shown(PAGE, "pkg"), expected);
        assert_eq!(shown(PAGE, "/pkg/"), expected);
        assert_eq!(shown(PAGE, "assets"), [""; 0]);
    }

    #[test]
    fn inline_module_scripts_and_every_quote() {
        let html = "<script type=module>import init from '/pkg/app.js'; init(`/pkg/app_bg.wasm`);</script>\
                    <script>import('/pkg/app.js').then(m => m.default(\"/pkg/app_bg.wasm\"))</script>";
        assert_eq!(shown(html, "pkg"), ["script /pkg/app.js", "wasm /pkg/app_bg.wasm"]);
    }

    #[test]
    fn what_looks_like_a_link_and_is_none() {
        for html in [
            "see /pkg/app.js",
            "'/otherpkg/app.js'",
            "\"/pkg/app.js'",
            "'a /pkg/app.js'",
            "'/pkg/'",
            "'/pkg/icon.svg'",
            "'${root}/pkg/app.js'",
            "'/pkg/app.js",
            "/pkg/app.js'",
        ] {
            assert_eq!(shown(html, "pkg"), [""; 0], "{html}");
        }
    }

    #[test]
    fn links_have_queries_prefixes_and_hosts() {
        let html = r#"<a href="/x/pkg/a.css?v=1&amp;w=2"><a href="pkg/b.js#x"><a href="https://cdn.example/pkg/c.wasm">"#;
        assert_eq!(
            shown(html, "pkg"),
            ["style /x/pkg/a.css?v=1&w=2", "script pkg/b.js#x", "wasm https://cdn.example/pkg/c.wasm"]
        );
        assert_eq!(resolve("/", "/pkg/a.js"), Ok("/pkg/a.js".to_owned()));
        assert_eq!(resolve("/", "pkg/a.js"), Ok("/pkg/a.js".to_owned()));
        assert_eq!(resolve("/en/home?x=/y", "./pkg/a.js"), Ok("/en/pkg/a.js".to_owned()));
        assert_eq!(resolve("/", "//cdn.example/pkg/a.js"), Err("//cdn.example/pkg/a.js"));
    }
}
