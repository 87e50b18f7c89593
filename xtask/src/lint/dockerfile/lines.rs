//! The first layer of a Dockerfile: parser directives, comments, continued lines and heredocs. Every piece of text
//! knows the line that it comes from.
//!
//! Follows BuildKit's parser; knows nothing of instructions beyond which of them may have heredocs.

/// A text that was put together from several lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    pub text: String,
    /// Where in the text each line begins: offset and number of the line, counted from 1.
    starts: Vec<(usize, usize)>,
}

/// A document inside an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heredoc {
    pub body: Text,
    /// `<<-`: tabs at the beginning of lines do not count.
    pub strips_tabs: bool,
}

/// `# name=value` before everything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    pub name: String,
    pub value: String,
    pub line: usize,
}

/// One instruction as it is written, without comments and line ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logical {
    pub text: Text,
    pub heredocs: Vec<Heredoc>,
    /// First and last line.
    pub line: usize,
    pub end: usize,
}

/// A Dockerfile as lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    pub directives: Vec<Directive>,
    pub logical: Vec<Logical>,
    /// What continues a line.
    pub escape: char,
    /// What cannot be read: line and message.
    pub problems: Vec<(usize, String)>,
}

impl Text {
    /// A text all of whose lines follow each other.
    pub fn of_lines(text: &str, first: usize) -> Text {
        let mut made = Text::default();
        for (index, line) in text.split_inclusive('\n').enumerate() {
            made.add(line, first + index);
        }
        made
    }

    fn add(&mut self, piece: &str, line: usize) {
        self.starts.push((self.text.len(), line));
        self.text.push_str(piece);
    }

    /// The line that the character at this offset stands on.
    pub fn line_of(&self, offset: usize) -> usize {
        let before = self.starts.iter().rev().find(|(start, _)| *start <= offset);
        before.or(self.starts.first()).map_or(1, |(_, line)| *line)
    }

    /// What follows the first `offset` bytes.
    pub fn after(&self, offset: usize) -> Text {
        let offset = offset.min(self.text.len());
        let mut starts = vec![(0, self.line_of(offset))];
        starts.extend(self.starts.iter().filter(|(start, _)| *start > offset).map(|(s, l)| (s - offset, *l)));
        Text { text: self.text[offset..].to_owned(), starts }
    }
}

/// Reads a whole Dockerfile.
pub fn read(text: &str) -> Lines {
    let physical: Vec<&str> = text.strip_prefix('\u{feff}').unwrap_or(text).lines().collect();
    let directives = directives(&physical);
    let escape = directives.iter().find(|directive| directive.name == "escape");
    let escape = escape.and_then(|directive| directive.value.chars().next()).unwrap_or('\\');
    let mut lines = Lines { directives, logical: Vec::new(), escape, problems: Vec::new() };
    let mut at = 0;
    while at < physical.len() {
        let line = physical[at].trim_start();
        if line.is_empty() || line.starts_with('#') {
            at += 1;
            continue;
        }
        at = instruction(&physical, at, &mut lines);
    }
    lines
}

/// Directives end at the first line that is none, be it empty.
fn directives(physical: &[&str]) -> Vec<Directive> {
    let mut found = Vec::new();
    for (index, line) in physical.iter().enumerate() {
        let pair = line.strip_prefix('#').and_then(|rest| rest.split_once('='));
        let Some((name, value)) = pair else { break };
        let name = name.trim().to_ascii_lowercase();
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric());
        if !is_name {
            break;
        }
        found.push(Directive { name, value: value.trim().to_owned(), line: index + 1 });
    }
    found
}

/// Reads the instruction that begins at `at`; the position after it.
fn instruction(physical: &[&str], mut at: usize, lines: &mut Lines) -> usize {
    let first = at + 1;
    let mut text = Text::default();
    let mut is_open = true;
    while is_open && at < physical.len() {
        let line = physical[at];
        at += 1;
        // Comments and empty lines between continued lines count for nothing.
        let trimmed = line.trim_start();
        if trimmed.starts_with('#') || (trimmed.is_empty() && !text.text.is_empty()) {
            continue;
        }
        let line = if text.text.is_empty() { trimmed } else { line };
        let continued = continued(line, lines.escape);
        is_open = continued.is_some();
        text.add(continued.unwrap_or(line), at);
    }
    let trimmed = text.text.trim_end().len();
    text.text.truncate(trimmed);
    let mut end = at;
    let mut heredocs = Vec::new();
    if takes_heredocs(&text.text) {
        for start in heredoc_starts(&text.text) {
            let body_line = at + 1;
            let is_end = |line: &&str| {
                let line = if start.strips_tabs { line.trim_start_matches('\t') } else { line };
                line == start.name
            };
            let Some(length) = physical[at..].iter().position(is_end) else {
                lines.problems.push((first, format!("the heredoc `{}` has no end", start.name)));
                at = physical.len();
                break;
            };
            let mut body = Text::default();
            for (index, line) in physical[at..at + length].iter().enumerate() {
                body.add(&format!("{line}\n"), body_line + index);
            }
            heredocs.push(Heredoc { body, strips_tabs: start.strips_tabs });
            at += length + 1;
            end = at;
        }
    }
    lines.logical.push(Logical { text, heredocs, line: first, end: end.max(first) });
    at
}

/// The line without the mark that continues it.
fn continued(line: &str, escape: char) -> Option<&str> {
    let body = line.trim_end_matches([' ', '\t']).strip_suffix(escape)?;
    // Doubled, it stands for itself.
    (!body.ends_with(escape)).then_some(body)
}

fn takes_heredocs(text: &str) -> bool {
    let mut words = text.split_whitespace().map(str::to_ascii_uppercase);
    let mut first = words.next().unwrap_or_default();
    if first == "ONBUILD" {
        first = words.next().unwrap_or_default();
    }
    ["RUN", "COPY", "ADD"].contains(&first.as_str())
}

struct HeredocStart {
    name: String,
    strips_tabs: bool,
}

/// `<<NAME`, `<<-NAME`, `<<"NAME"`, outside quotes.
fn heredoc_starts(text: &str) -> Vec<HeredocStart> {
    let mut found = Vec::new();
    let mut quote = None;
    let mut previous = ' ';
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        match quote {
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            None if rest.starts_with("<<") && (previous.is_whitespace() || previous.is_ascii_digit()) => {
                let after = &rest[2..];
                let strips_tabs = after.starts_with('-');
                let name = after.strip_prefix('-').unwrap_or(after);
                let name: String =
                    name.chars().take_while(|c| !c.is_whitespace() && !";|&<>()".contains(*c)).collect();
                let plain = name.trim_matches(['"', '\'']);
                if plain.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
                    found.push(HeredocStart { name: plain.to_owned(), strips_tabs });
                }
                rest = &rest[1..];
            }
            None => {}
        }
        previous = letter;
        rest = &rest[rest.chars().next().map_or(0, char::len_utf8)..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<(usize, usize, String)> {
        read(text).logical.into_iter().map(|it| (it.line, it.end, it.text.text)).collect()
    }

    #[test]
    fn comments_and_empty_lines_inside_an_instruction_count_for_nothing() {
        let text =
            "# a comment\n\n  RUN one && \\\n# why\n\n    # why else\n    two \\  \n  && three\nUSER 1\n";
        assert_eq!(
            shown(text),
            [(3, 8, "RUN one &&     two   && three".to_owned()), (9, 9, "USER 1".to_owned())]
        );
        let run = &read(text).logical[0].text;
        let lines: Vec<usize> = ["one", "two", "three"]
            .iter()
            .map(|word| run.line_of(run.text.find(word).unwrap_or_default()))
            .collect();
        assert_eq!(lines, [3, 7, 8]);
        assert_eq!((run.after(4).line_of(14), run.after(4).line_of(15)), (7, 8));
    }

    #[test]
    fn directives_come_first_or_not_at_all() {
        let names = |text: &str| {
            read(text).directives.iter().map(|it| format!("{}={}", it.name, it.value)).collect::<Vec<_>>()
        };
        assert_eq!(names("# Syntax = a/b:1\n#check=skip=X\nFROM a"), ["syntax=a/b:1", "check=skip=X"]);
        assert_eq!(names("\n# syntax=a\nFROM a"), [""; 0]);
        assert_eq!(names("# why a=b\n# syntax=a\n"), [""; 0]);
        let backtick = "# escape=`\nRUN a `\n  b \\\nUSER 1\n";
        assert_eq!(shown(backtick)[0], (2, 3, "RUN a   b \\".to_owned()));
        assert_eq!(read(backtick).escape, '`');
    }

    #[test]
    fn heredocs_belong_to_their_instruction() {
        let text = "RUN <<EOF cat <<-'TWO' # x\nset -e\nFROM nowhere\nEOF\n\ttabs\n\tTWO\nCOPY <<X /x\ny\nX\nUSER 1\n";
        let lines = read(text);
        assert_eq!(lines.problems, []);
        let run = &lines.logical[0];
        assert_eq!((run.line, run.end, run.heredocs.len()), (1, 6, 2));
        assert_eq!(run.heredocs[0].body.text, "set -e\nFROM nowhere\n");
        assert_eq!(run.heredocs[0].body.line_of(8), 3);
        assert!(run.heredocs[1].strips_tabs);
        assert_eq!(lines.logical[1].heredocs[0].body.text, "y\n");
        assert_eq!(lines.logical[2].line, 10);
        // Neither a shift, nor a here-string, nor another instruction's text.
        for text in ["RUN echo $((1<<2)) '<<EOF'\n", "RUN cat <<<word\n", "LABEL a=<<EOF\n"] {
            assert_eq!(read(text).logical[0].heredocs.len(), 0, "{text}");
        }
        assert_eq!(read("RUN <<EOF\nnever\n").problems, [(1, "the heredoc `EOF` has no end".to_owned())]);
    }

    #[test]
    fn the_mark_of_continuation() {
        assert_eq!(shown("RUN a \\\\\nUSER 1\n").len(), 2);
        assert_eq!(shown("RUN a \\").len(), 1);
        assert_eq!(shown("\u{feff}FROM a\r\nUSER 1\r\n")[1], (2, 2, "USER 1".to_owned()));
    }
}
