//! YAML as a tree that knows the line of everything. JSON is YAML too.

use std::collections::BTreeMap;

use yaml_rust2::parser::{Event, MarkedEventReceiver, Parser};
use yaml_rust2::scanner::Marker;

/// A value and its first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub line: usize,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As written, whatever its type.
    Text(String),
    List(Vec<Node>),
    /// Keys with their lines.
    Map(Vec<(String, usize, Node)>),
}

impl Node {
    /// The first document. An error is a line with a message.
    pub fn parse(text: &str) -> Result<Node, (usize, String)> {
        // What is left out at the end stands below the last line for the parser.
        let mut builder = Builder { lines: text.lines().count().max(1), ..Builder::default() };
        let mut parser = Parser::new_from_str(text);
        if let Err(error) = parser.load(&mut builder, false) {
            return Err((error.marker().line(), error.info().to_owned()));
        }
        builder.root.ok_or((1, "there is nothing in it".to_owned()))
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().find(|(name, ..)| *name == key).map(|(.., node)| node)
    }

    /// What keys lead to, one below the other.
    pub fn at(&self, keys: &[&str]) -> Option<&Node> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text below a key.
    pub fn text_at(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    pub fn entries(&self) -> impl Iterator<Item = (&str, usize, &Node)> {
        let entries = match &self.kind {
            Kind::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        entries.iter().map(|(key, line, node)| (key.as_str(), *line, node))
    }

    pub fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// All texts below, with their lines and the nearest key.
    pub fn texts<'a>(&'a self, key: &'a str, found: &mut Vec<(&'a str, &'a str, usize)>) {
        match &self.kind {
            Kind::Text(text) => found.push((key, text, self.line)),
            Kind::List(items) => items.iter().for_each(|item| item.texts(key, found)),
            Kind::Map(entries) => entries.iter().for_each(|(key, _, node)| node.texts(key, found)),
        }
    }
}

#[derive(Default)]
struct Builder {
    /// How many lines there are.
    lines: usize,
    root: Option<Node>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
}

/// A list or map whose end has not come yet.
struct Open {
    node: Node,
    /// The key whose value comes next.
    key: Option<(String, usize)>,
    anchor: usize,
}

impl MarkedEventReceiver for Builder {
    fn on_event(&mut self, event: Event, mark: Marker) {
        let line = mark.line().min(self.lines);
        let open = |kind, anchor| Open { node: Node { line, kind }, key: None, anchor };
        match event {
            Event::Scalar(text, _, anchor, _) => {
                self.done(Node { line, kind: Kind::Text(text) }, anchor, line)
            }
            Event::Alias(id) => {
                let node = self.anchors.get(&id).cloned();
                self.done(node.unwrap_or(Node { line, kind: Kind::Text(String::new()) }), 0, line);
            }
            Event::SequenceStart(anchor, _) => self.open.push(open(Kind::List(Vec::new()), anchor)),
            Event::MappingStart(anchor, _) => self.open.push(open(Kind::Map(Vec::new()), anchor)),
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    let line = open.node.line;
                    self.done(open.node, open.anchor, line);
                }
            }
            _ => {}
        }
    }
}

impl Builder {
    fn done(&mut self, node: Node, anchor: usize, line: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root.get_or_insert(node);
            return;
        };
        match &mut open.node.kind {
            Kind::List(items) => items.push(node),
            Kind::Map(entries) => match open.key.take() {
                Some((key, line)) => {
                    // Nothing stands where its key does.
                    let is_nothing = node.text().is_some_and(str::is_empty);
                    let node = if is_nothing { Node { line, ..node } } else { node };
                    entries.push((key, line, node));
                }
                None => open.key = Some((node.text().unwrap_or_default().to_owned(), line)),
            },
            Kind::Text(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_knows_its_line() {
        let text = "on: push\njobs:\n  a:\n    x: &x [1, two]\n    run: |\n      one\n      two\n    y: *x\n    z: >-\n      f\n";
        let node = Node::parse(text).unwrap();
        assert_eq!(node.text_at("on"), Some("push"));
        let run = node.at(&["jobs", "a", "run"]).unwrap();
        assert_eq!((run.line, run.text()), (6, Some("one\ntwo\n")));
        assert_eq!(node.at(&["jobs", "a", "y"]).unwrap().items().len(), 2);
        assert_eq!(node.at(&["jobs", "a", "z"]).map(|it| it.line), Some(10));
        let job = node.at(&["jobs", "a"]).unwrap();
        assert_eq!(
            job.entries().map(|(key, line, _)| format!("{key}{line}")).collect::<Vec<_>>(),
            ["x4", "run5", "y8", "z9"]
        );
        let mut texts = Vec::new();
        node.texts("", &mut texts);
        assert!(texts.contains(&("x", "two", 4)), "{texts:?}");
        let json = Node::parse("{\n \"a\": {\n  \"b\": true\n }\n}").unwrap();
        assert_eq!(json.at(&["a", "b"]).map(|it| (it.line, it.text())), Some((3, Some("true"))));
    }

    #[test]
    fn nonsense_has_a_line() {
        assert_eq!(Node::parse("a: 1\nb: [\n").unwrap_err().0, 3);
        assert!(Node::parse("").is_err());
    }
}
