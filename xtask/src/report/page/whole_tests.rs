//! What every page has to be: whole, escaped, with nothing from elsewhere and nothing that runs.

/// Elements without an end.
const VOID: [&str; 1] = ["meta"];

/// The names of all elements, after a look that each is closed where it should be and that attributes are quoted.
pub fn elements(page: &str) -> Vec<String> {
    let body = page.strip_prefix("<!doctype html>").unwrap();
    // The style sheet is text of another language.
    let (before, rest) = body.split_once("<style>").unwrap();
    let (_, after) = rest.split_once("</style>").unwrap();
    let mut open: Vec<String> = Vec::new();
    let mut all = Vec::new();
    for tag in format!("{before}{after}").split('<').skip(1) {
        let (tag, text) = tag.split_once('>').unwrap_or_else(|| panic!("no end of `<{tag}`"));
        assert!(!text.contains('>'), "`>` in {text:?}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closed in the wrong order");
            continue;
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "quotes of `<{tag}>`");
        let name = tag.split(' ').next().unwrap().to_owned();
        if !VOID.contains(&name.as_str()) {
            open.push(name.clone());
        }
        all.push(name);
    }
    assert_eq!(open, [""; 0], "never closed");
    all
}

/// No script, no address, no element that could load something.
pub fn assert_loads_nothing(page: &str) {
    let known = [
        "a",
        "body",
        "details",
        "div",
        "figcaption",
        "figure",
        "g",
        "h1",
        "h2",
        "h3",
        "head",
        "header",
        "html",
        "li",
        "line",
        "main",
        "meta",
        "nav",
        "p",
        "path",
        "rect",
        "section",
        "summary",
        "svg",
        "table",
        "tbody",
        "td",
        "text",
        "th",
        "thead",
        "title",
        "tr",
        "tspan",
        "ul",
    ];
    for name in elements(page) {
        assert!(known.contains(&name.as_str()), "<{name}>");
    }
    let style = include_str!("page.css");
    assert!(!style.contains("url(") && !style.contains("@import"));
    for loading in ["http://", "https://", "src=", "url(", "@import", " on", "javascript:"] {
        let markup: String = page.split('<').filter_map(|tag| tag.split('>').next()).collect();
        // Titles and labels are text; the attributes that load or run something are not ours.
        let markup: String = markup.split('"').step_by(2).collect();
        assert!(!markup.contains(loading), "{loading}");
    }
    assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'\""));
}
