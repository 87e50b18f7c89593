//! Words of a Dockerfile: quotes, escapes, and variables as BuildKit substitutes them.

/// A piece of text between blanks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// With its quotes and variables.
    pub raw: String,
    /// Where it begins in the text.
    pub offset: usize,
}

/// A word without its quotes, with the values of its variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expanded {
    pub text: String,
    /// Whether every variable's value is known before the build.
    pub is_known: bool,
}

/// Splits at blanks outside quotes.
pub fn split(text: &str, escape: char) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut open: Option<Word> = None;
    let (mut quote, mut escaped) = (None, false);
    for (offset, letter) in text.char_indices() {
        if letter.is_whitespace() && quote.is_none() && !escaped {
            words.extend(open.take());
            continue;
        }
        open.get_or_insert_with(|| Word { raw: String::new(), offset }).raw.push(letter);
        match quote {
            _ if escaped => escaped = false,
            _ if letter == escape && quote != Some('\'') => escaped = true,
            Some(mark) if letter == mark => quote = None,
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            _ => {}
        }
    }
    words.extend(open);
    words
}

/// Takes quotes away and puts values in. `value_of` answers what a variable holds; `None` where only the build knows.
pub fn expand(raw: &str, escape: char, value_of: &dyn Fn(&str) -> Value) -> Expanded {
    let mut expander = Expander { rest: raw, escape, value_of, is_known: true };
    let text = expander.run(None);
    Expanded { text, is_known: expander.is_known }
}

/// What is known of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// It is not set: the empty text.
    Unset,
    /// Set by whoever builds.
    Unknown,
    Known(String),
}

struct Expander<'a> {
    rest: &'a str,
    escape: char,
    value_of: &'a dyn Fn(&str) -> Value,
    is_known: bool,
}

impl Expander<'_> {
    fn next(&mut self) -> Option<char> {
        let letter = self.rest.chars().next()?;
        self.rest = &self.rest[letter.len_utf8()..];
        Some(letter)
    }

    /// Up to the end, or to the brace that closes a substitution.
    fn run(&mut self, until: Option<char>) -> String {
        let (mut text, mut quote) = (String::new(), None);
        while let Some(letter) = self.next() {
            match (letter, quote) {
                (letter, None) if Some(letter) == until => break,
                (letter, Some(mark)) if letter == mark => quote = None,
                ('\'' | '"', None) => quote = Some(letter),
                (_, Some('\'')) => text.push(letter),
                (letter, _) if letter == self.escape => text.extend(self.next()),
                ('$', _) => {
                    let value = self.variable();
                    text.push_str(&value);
                }
                _ => text.push(letter),
            }
        }
        text
    }

    fn variable(&mut self) -> String {
        let braced = self.rest.starts_with('{');
        if braced {
            self.next();
        }
        let length = self.rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').count();
        let name = &self.rest[..length];
        self.rest = &self.rest[length..];
        if name.is_empty() {
            return "$".to_owned();
        }
        let value = (self.value_of)(name);
        if !braced {
            return self.settle(value);
        }
        match self.next() {
            Some('}') => self.settle(value),
            Some(first) => self.modified(first, value),
            None => String::new(),
        }
    }

    /// `${NAME:-word}` and its like; `first` is what follows the name.
    fn modified(&mut self, first: char, value: Value) -> String {
        let counts_empty = first == ':';
        let kind = if counts_empty { self.next().unwrap_or('}') } else { first };
        let word = self.run(Some('}'));
        let is_set = match &value {
            Value::Known(text) => !(counts_empty && text.is_empty()),
            Value::Unset => false,
            Value::Unknown => true,
        };
        match kind {
            '-' if !is_set => word,
            '-' | '?' => self.settle(value),
            '+' if is_set => word,
            '+' => String::new(),
            // Patterns (`#`, `%`, `/`) are not worked out.
            _ => {
                self.is_known = false;
                String::new()
            }
        }
    }

    fn settle(&mut self, value: Value) -> String {
        match value {
            Value::Known(text) => text,
            Value::Unset => String::new(),
            Value::Unknown => {
                self.is_known = false;
                String::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_in_quotes_do_not_split() {
        let raws = |text: &str| split(text, '\\').into_iter().map(|word| word.raw).collect::<Vec<_>>();
        assert_eq!(raws("a  \"b c\" d\\ e 'f \\' g"), ["a", "\"b c\"", "d\\ e", "'f \\'", "g"]);
        assert_eq!(raws(" "), [""; 0]);
        assert_eq!(split("ab  cd", '\\')[1].offset, 4);
    }

    #[test]
    fn a_table_of_substitutions() {
        let value_of = |name: &str| match name {
            "SET" => Value::Known("value".to_owned()),
            "EMPTY" => Value::Known(String::new()),
            "GIVEN" => Value::Unknown,
            _ => Value::Unset,
        };
        for (raw, text, is_known) in [
            ("a$SET.b", "avalue.b", true),
            ("${SET}_b", "value_b", true),
            ("'$SET' \"$SET\"", "$SET value", true),
            ("\\$SET", "$SET", true),
            ("$", "$", true),
            ("${NONE:-x}${NONE-y}", "xy", true),
            ("${EMPTY:-x}${EMPTY-y}", "x", true),
            ("${SET:+x}${NONE:+x}", "x", true),
            ("${NONE:-${SET}}", "value", true),
            ("${GIVEN}/x", "/x", false),
            ("${GIVEN:-x}", "", false),
            ("${SET:?must be}", "value", true),
            ("${SET#val}", "", false),
            ("$NONE", "", true),
        ] {
            let expanded = expand(raw, '\\', &value_of);
            assert_eq!((expanded.text.as_str(), expanded.is_known), (text, is_known), "{raw}");
        }
    }
}
