//! Scripts of RUN and of workflows, cut up into simple commands: which words, joined to the next by what, and
//! whether its failure ends the script.
//!
//! No shell: nothing is substituted, and what a script only might do counts as done.

use super::dockerfile::lines::Text;

/// One program with its arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simple {
    pub line: usize,
    /// `NAME=value` before the program.
    pub assignments: Vec<(String, String)>,
    /// Without quotes; variables as written.
    pub words: Vec<String>,
    /// Files that its output goes to.
    pub writes: Vec<String>,
    /// Whether its failure fails the script.
    pub is_fatal: bool,
    after: Join,
    /// Whether to fail is one of the answers that the script expects.
    is_tested: bool,
}

/// What stands between a command and the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Join {
    #[default]
    Then,
    And,
    Or,
    Pipe,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// The text without quotes, whether it had any, and where it begins.
    Word(String, bool, usize),
    Join(Join),
    /// `>` or `>>`: the next word is a file.
    Write,
    /// `<`, `2>&1` and what else says nothing here: whether a word belongs to it.
    Other(bool),
    Open,
    Close,
}

/// The commands of a script. `stops_at_errors`: as with `set -e`.
pub fn commands(text: &Text, stops_at_errors: bool) -> Vec<Simple> {
    let mut reader = Reader { text, found: Vec::new(), current: Simple::default(), state: State::default() };
    for token in tokens(&text.text) {
        reader.take(token);
    }
    reader.finish();
    let mut found = reader.found;
    judge(&mut found, stops_at_errors);
    found
}

struct Reader<'a> {
    text: &'a Text,
    found: Vec<Simple>,
    current: Simple,
    state: State,
}

#[derive(Default)]
struct State {
    /// Where the groups that are open begin.
    open: Vec<usize>,
    /// Where the group begins that has just ended.
    closed: Option<usize>,
    /// The next word is no argument.
    skips_word: bool,
    /// The next word is a file that is written.
    writes: bool,
    /// Between `if` and `then`: to fail is an answer.
    is_tested: bool,
    /// Between `for` or `case` and the first command.
    is_list: bool,
}

impl Reader<'_> {
    fn take(&mut self, token: Token) {
        match token {
            Token::Word(..) if std::mem::take(&mut self.state.skips_word) => {}
            Token::Word(word, ..) if std::mem::take(&mut self.state.writes) => self.current.writes.push(word),
            Token::Word(..) if self.state.is_list => {}
            Token::Word(word, is_quoted, offset) => {
                let is_first = self.current.words.is_empty();
                let is_keyword = is_first && !is_quoted && self.is_keyword(&word);
                if !(is_keyword || is_first && self.is_assignment(&word, offset)) {
                    self.word(word, offset);
                }
            }
            Token::Join(join) => self.join(join),
            Token::Write => self.state.writes = true,
            Token::Other(takes_word) => self.state.skips_word = takes_word,
            Token::Open => {
                self.finish();
                self.state.open.push(self.found.len());
            }
            Token::Close => {
                self.finish();
                self.state.is_list = false;
                self.state.closed = self.state.open.pop();
            }
        }
    }

    fn is_keyword(&mut self, word: &str) -> bool {
        match word {
            "if" | "while" | "until" => {
                self.state.open.push(self.found.len());
                self.state.is_tested = true;
            }
            "elif" => self.state.is_tested = true,
            "then" | "do" => self.state.is_tested = false,
            "else" | "function" => {}
            "!" => self.current.is_tested = true,
            "{" => self.state.open.push(self.found.len()),
            "for" | "case" | "select" => {
                self.state.open.push(self.found.len());
                self.state.is_list = true;
            }
            "fi" | "done" | "esac" | "}" => self.state.closed = self.state.open.pop(),
            _ => return false,
        }
        true
    }

    fn is_assignment(&mut self, word: &str, offset: usize) -> bool {
        let Some((name, value)) = assignment(word) else { return false };
        if self.current.assignments.is_empty() {
            self.current.line = self.text.line_of(offset);
        }
        self.current.assignments.push((name.to_owned(), value.to_owned()));
        true
    }

    fn word(&mut self, word: String, offset: usize) {
        if self.current.words.is_empty() {
            if self.current.assignments.is_empty() {
                self.current.line = self.text.line_of(offset);
            }
            self.current.is_tested |= self.state.is_tested;
            self.state.closed = None;
        }
        self.current.words.push(word);
    }

    fn join(&mut self, join: Join) {
        self.finish();
        self.state.is_list = false;
        let Some(last) = self.found.last_mut() else { return };
        // A line's end after `&&` joins nothing; what follows a group's end is joined to the group.
        if join != Join::Then || last.after == Join::Then {
            last.after = join;
        }
        if join == Join::Or
            && let Some(begin) = self.state.closed
        {
            // All of the group may fail.
            self.found[begin..].iter_mut().for_each(|simple| simple.is_tested = true);
        }
    }

    fn finish(&mut self) {
        let current = std::mem::take(&mut self.current);
        if !(current.words.is_empty() && current.assignments.is_empty()) {
            self.found.push(current);
        }
    }
}

/// Decides whose failure is the script's.
fn judge(found: &mut [Simple], mut stops_at_errors: bool) {
    let mut start = 0;
    while start < found.len() {
        let length = found[start..].iter().position(|simple| simple.after == Join::Then);
        let end = length.map_or(found.len(), |length| start + length + 1);
        let is_last = end == found.len();
        if let ["set", flags @ ..] =
            found[start].words.iter().map(String::as_str).collect::<Vec<_>>().as_slice()
        {
            let short = |flag: &&str| flag.starts_with('-') && !flag.starts_with("--") && flag.contains('e');
            stops_at_errors |= flags.iter().any(|flag| short(flag) || *flag == "errexit");
        }
        for index in start..end {
            // After `||` stands what is done instead.
            let has_instead = found[index..end - 1].iter().any(|simple| simple.after == Join::Or);
            let is_piped = found[index].after == Join::Pipe;
            let simple = &mut found[index];
            simple.is_fatal = !has_instead && !is_piped && !simple.is_tested && (is_last || stops_at_errors);
        }
        start = end;
    }
}

fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then_some((name, value))
}

fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        let rest = &text[at..];
        let two = rest.get(..2).unwrap_or_default();
        let (token, length) = match letter {
            '\n' => (Some(Token::Join(Join::Then)), 1),
            _ if letter.is_whitespace() => (None, letter.len_utf8()),
            '#' => (None, rest.find('\n').unwrap_or(rest.len())),
            '\\' if two == "\\\n" => (None, 2),
            _ if two == "&&" => (Some(Token::Join(Join::And)), 2),
            _ if two == "||" => (Some(Token::Join(Join::Or)), 2),
            _ if two == ";;" => (Some(Token::Join(Join::Then)), 2),
            _ if two == ">&" || two == "&>" => (Some(Token::Other(true)), 2),
            _ if two == ">>" => (Some(Token::Write), 2),
            _ if two == "<<" => (Some(Token::Other(true)), if rest.starts_with("<<-") { 3 } else { 2 }),
            ';' | '&' => (Some(Token::Join(Join::Then)), 1),
            '|' => (Some(Token::Join(Join::Pipe)), 1),
            '>' => (Some(Token::Write), 1),
            '<' => (Some(Token::Other(true)), 1),
            '(' => (Some(Token::Open), 1),
            ')' => (Some(Token::Close), 1),
            _ => {
                let (word, quoted, length) = word(rest);
                let is_number = !quoted && word.bytes().all(|byte| byte.is_ascii_digit());
                // The number of a stream that is led elsewhere.
                let leads = is_number && rest[length..].starts_with(['<', '>']);
                (if leads { None } else { Some(Token::Word(word, quoted, at)) }, length)
            }
        };
        found.extend(token);
        at += length.max(1);
    }
    found
}

/// A word without its quotes, whether it had any, and its length as written.
fn word(text: &str) -> (String, bool, usize) {
    let (mut word, mut quote, mut quoted) = (String::new(), None, false);
    let mut letters = text.char_indices().peekable();
    while let Some((offset, letter)) = letters.next() {
        let rest = &text[offset..];
        match quote {
            Some('\'') if letter == '\'' => quote = None,
            Some('\'') => word.push(letter),
            Some(_) if letter == '"' => quote = None,
            _ if letter == '\\' => match letters.next() {
                Some((_, '\n')) | None => {}
                Some((_, next)) => word.push(next),
            },
            // What is substituted is one piece, whatever is in it.
            _ if rest.starts_with("$(") || rest.starts_with("${") || letter == '`' => {
                let length = substitution(rest);
                word.push_str(&rest[..length]);
                while letters.peek().is_some_and(|(next, _)| *next < offset + length) {
                    letters.next();
                }
            }
            Some(_) => word.push(letter),
            None if letter == '"' || letter == '\'' => {
                quote = Some(letter);
                quoted = true;
            }
            None if letter.is_whitespace() || ";&|<>()".contains(letter) => return (word, quoted, offset),
            None => word.push(letter),
        }
    }
    (word, quoted, text.len())
}

/// The length of what begins with `$(`, `${` or a backtick.
fn substitution(text: &str) -> usize {
    if let Some(rest) = text.strip_prefix('`') {
        return rest.find('`').map_or(text.len(), |end| end + 2);
    }
    let (open, close) = if text.starts_with("${") { ('{', '}') } else { ('(', ')') };
    let mut depth = 0;
    for (offset, letter) in text.char_indices() {
        depth += i32::from(letter == open) - i32::from(letter == close);
        if depth == 0 && offset > 0 {
            return offset + letter.len_utf8();
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(script: &str) -> Vec<String> {
        let simples = commands(&Text::of_lines(script, 1), false);
        let show = |simple: &Simple| {
            let assigned: String =
                simple.assignments.iter().map(|(name, value)| format!("{name}={value} ")).collect();
            let writes: String = simple.writes.iter().map(|file| format!(" >{file}")).collect();
            let mark = if simple.is_fatal { "!" } else { "" };
            format!("{}:{assigned}{}{writes}{mark}", simple.line, simple.words.join("|"))
        };
        simples.iter().map(show).collect()
    }

    #[test]
    fn words_lines_and_files() {
        assert_eq!(
            shown("A=1 B='x y' cargo  build \"--a b\" \\\n  $(echo a; b) > out 2>&1\n# no\ncd /x; ls"),
            ["1:A=1 B=x y cargo|build|--a b|$(echo a; b) >out", "4:cd|/x", "4:ls!"]
        );
        assert_eq!(shown("echo ${A:-b c} `d e` >>f"), ["1:echo|${A:-b c}|`d e` >f!"]);
        assert_eq!(shown("cat <<EOF | tee x 2>/dev/null"), ["1:cat", "1:tee|x >/dev/null!"]);
    }

    #[test]
    fn whose_failure_fails_the_script() {
        assert_eq!(shown("a && b || true"), ["1:a", "1:b", "1:true!"]);
        assert_eq!(shown("a && b && c"), ["1:a!", "1:b!", "1:c!"]);
        assert_eq!(shown("a; b"), ["1:a", "1:b!"]);
        assert_eq!(shown("set -eux; a; b || :; c"), ["1:set|-eux!", "1:a!", "1:b", "1::!", "1:c!"]);
        assert_eq!(shown("a | b"), ["1:a", "1:b!"]);
        assert_eq!(shown("if a; then b || true; else c; fi"), ["1:a", "1:b", "1:true", "1:c!"]);
        assert_eq!(shown("{ a && b; } || true"), ["1:a", "1:b", "1:true!"]);
        assert_eq!(shown("(a && b) || true"), ["1:a", "1:b", "1:true!"]);
        assert_eq!(shown("! a"), ["1:a"]);
        assert_eq!(shown("for x in 1 2; do a $x; done"), ["1:a|$x!"]);
    }
}
