//! HTML and SVG that is escaped by construction: text and attributes from outside can only get in through here.

use crate::report::page::words::clean;

/// Finished markup. There is no way to make it from text without escaping, but for text that is in our own sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Markup(String);

/// Names and values; the values are escaped.
pub type Attributes<'a> = &'a [(&'static str, &'a str)];

impl Markup {
    /// Nothing.
    pub fn none() -> Markup {
        Markup::default()
    }

    /// Text, shown as it is.
    pub fn text(text: &str) -> Markup {
        Markup(escaped(text))
    }

    /// Markup from our own sources.
    pub fn constant(markup: &'static str) -> Markup {
        Markup(markup.to_owned())
    }

    /// `<name attributes>children</name>`.
    pub fn element(name: &'static str, attributes: Attributes, children: Markup) -> Markup {
        let attributes: String =
            attributes.iter().map(|(name, value)| format!(" {name}=\"{}\"", escaped(value))).collect();
        Markup(format!("<{name}{attributes}>{}</{name}>", children.0))
    }

    /// One after the other.
    pub fn and(mut self, other: Markup) -> Markup {
        self.0.push_str(&other.0);
        self
    }

    /// On a line of its own, so that the file can be read and compared.
    pub fn line(mut self) -> Markup {
        self.0.push('\n');
        self
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn finish(self) -> String {
        self.0
    }
}

impl FromIterator<Markup> for Markup {
    fn from_iter<T: IntoIterator<Item = Markup>>(parts: T) -> Markup {
        Markup(parts.into_iter().map(|part| part.0).collect())
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    // A line must not end between a number and its unit.
    for character in clean(text).replace(" %", "\u{a0}%").chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_its_place() {
        let bad = "<b a=\"1\" c='2'>&\u{0}";
        let markup = Markup::element("p", &[("title", bad)], Markup::text(bad)).finish();
        let safe = "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;\u{fffd}";
        assert_eq!(markup, format!("<p title=\"{safe}\">{safe}</p>"));
    }
}
