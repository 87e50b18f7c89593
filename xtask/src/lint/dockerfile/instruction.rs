//! Single instructions: keyword, flags, and what each of them takes. Variables are still as written.

use super::lines::{Heredoc, Logical, Text};
use super::words;

/// All that a Dockerfile may say.
const KEYWORDS: [&str; 18] = [
    "FROM",
    "RUN",
    "CMD",
    "LABEL",
    "MAINTAINER",
    "EXPOSE",
    "ENV",
    "ADD",
    "COPY",
    "ENTRYPOINT",
    "VOLUME",
    "USER",
    "WORKDIR",
    "ARG",
    "ONBUILD",
    "STOPSIGNAL",
    "HEALTHCHECK",
    "SHELL",
];

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// In capitals. That of what is put off, with `ONBUILD`.
    pub keyword: String,
    /// Carried out when another build stands on the image.
    pub is_onbuild: bool,
    pub flags: Vec<Flag>,
    /// What follows keyword and flags.
    pub rest: Text,
    pub heredocs: Vec<Heredoc>,
    /// First and last line.
    pub line: usize,
    pub end: usize,
}

/// `--name` or `--name=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    pub name: String,
    pub value: String,
    pub line: usize,
}

/// A command of an image: words for the kernel, or a text for a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    Exec(Vec<String>),
    Shell(Text),
}

/// `--mount` of a RUN.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mount {
    /// `bind`, `cache`, `tmpfs`, `secret` or `ssh`.
    pub kind: String,
    pub target: String,
    pub id: String,
    /// The variable that a secret is put into.
    pub env: String,
    pub is_required: bool,
    pub line: usize,
}

impl Instruction {
    /// Reads one; an error is a message about it.
    pub fn parse(logical: &Logical, escape: char) -> Result<Instruction, String> {
        let mut text = logical.text.clone();
        let mut keyword = take_keyword(&mut text);
        let is_onbuild = keyword == "ONBUILD";
        if is_onbuild {
            keyword = take_keyword(&mut text);
        }
        if !KEYWORDS.contains(&keyword.as_str()) {
            return Err(format!("there is no instruction `{keyword}`"));
        }
        let mut flags = Vec::new();
        while let Some(word) = words::split(&text.text, escape).into_iter().next() {
            let Some(flag) = word.raw.strip_prefix("--").filter(|flag| !flag.is_empty()) else { break };
            // Only these take flags; to others the word is an argument.
            if !["FROM", "RUN", "COPY", "ADD", "HEALTHCHECK"].contains(&keyword.as_str()) {
                break;
            }
            let (name, value) = flag.split_once('=').unwrap_or((flag, ""));
            let line = text.line_of(word.offset);
            flags.push(Flag { name: name.to_owned(), value: value.to_owned(), line });
            text = trimmed(text.after(word.offset + word.raw.len()));
        }
        if text.text.is_empty() {
            return Err(format!("`{keyword}` says nothing"));
        }
        Ok(Instruction {
            keyword,
            is_onbuild,
            flags,
            rest: text,
            heredocs: logical.heredocs.clone(),
            line: logical.line,
            end: logical.end,
        })
    }

    pub fn is(&self, keyword: &str) -> bool {
        self.keyword == keyword && !self.is_onbuild
    }

    pub fn flag(&self, name: &str) -> Option<&Flag> {
        self.flags.iter().find(|flag| flag.name == name)
    }

    /// The command of RUN, CMD, ENTRYPOINT and SHELL.
    pub fn form(&self) -> Form {
        form(&self.rest)
    }

    /// The command of a HEALTHCHECK; `None` for `NONE`.
    pub fn health_command(&self) -> Option<Form> {
        let mut rest = self.rest.clone();
        (take_keyword(&mut rest) == "CMD").then(|| form(&rest))
    }

    /// The mounts of a RUN.
    pub fn mounts(&self) -> Vec<Mount> {
        self.flags.iter().filter(|flag| flag.name == "mount").map(mount).collect()
    }

    /// Names and values of ENV, LABEL and ARG, as written, each with its line. ARG may lack the value.
    pub fn pairs(&self, escape: char) -> Vec<(String, Option<String>, usize)> {
        let found = words::split(&self.rest.text, escape);
        let line = |offset| self.rest.line_of(offset);
        // The old way of ENV and LABEL: one name, and all the rest is its value.
        let is_old = self.keyword != "ARG" && found.first().is_some_and(|word| !word.raw.contains('='));
        if is_old {
            let Some(first) = found.first() else { return Vec::new() };
            let value = self.rest.text[first.offset + first.raw.len()..].trim();
            return vec![(first.raw.clone(), Some(value.to_owned()), line(first.offset))];
        }
        let pair = |word: words::Word| match word.raw.split_once('=') {
            Some((name, value)) => (plain(name), Some(value.to_owned()), line(word.offset)),
            None => (word.raw.clone(), None, line(word.offset)),
        };
        found.into_iter().map(pair).collect()
    }

    /// The words of what follows the flags; those of a list in brackets without their quotes.
    pub fn words(&self, escape: char) -> Vec<String> {
        match self.form() {
            Form::Exec(words) => words,
            Form::Shell(text) => words::split(&text.text, escape).into_iter().map(|word| word.raw).collect(),
        }
    }
}

/// A quoted name of a label.
fn plain(name: &str) -> String {
    name.trim_matches(['"', '\'']).to_owned()
}

fn take_keyword(text: &mut Text) -> String {
    let end = text.text.find(char::is_whitespace).unwrap_or(text.text.len());
    let keyword = text.text[..end].to_ascii_uppercase();
    *text = trimmed(text.after(end));
    keyword
}

fn trimmed(text: Text) -> Text {
    let blank = text.text.len() - text.text.trim_start().len();
    text.after(blank)
}

fn form(text: &Text) -> Form {
    match serde_json::from_str::<Vec<String>>(text.text.trim()) {
        Ok(words) => Form::Exec(words),
        Err(_) => Form::Shell(text.clone()),
    }
}

fn mount(flag: &Flag) -> Mount {
    let mut mount = Mount { kind: "bind".to_owned(), line: flag.line, ..Mount::default() };
    for entry in flag.value.trim_matches(['"', '\'']).split(',') {
        let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "type" => mount.kind = value.to_ascii_lowercase(),
            "target" | "dst" | "destination" => mount.target = value.to_owned(),
            "id" => mount.id = value.to_owned(),
            "env" => mount.env = value.to_owned(),
            "required" => mount.is_required = value.is_empty() || value.eq_ignore_ascii_case("true"),
            _ => {}
        }
    }
    mount
}

#[cfg(test)]
mod tests {
    use super::super::lines;
    use super::*;

    fn one(text: &str) -> Instruction {
        Instruction::parse(&lines::read(text).logical[0], '\\').unwrap()
    }

    #[test]
    fn flags_stand_before_everything_else() {
        let run = one(
            "run --mount=type=cache,dst=/a,id=b \\\n  --mount=type=secret,id=x,env=Y,required \\\n  cmd --flag\n",
        );
        assert_eq!((run.keyword.as_str(), run.rest.text.trim()), ("RUN", "cmd --flag"));
        let mounts = run.mounts();
        assert_eq!((mounts[0].target.as_str(), mounts[0].id.as_str(), mounts[0].line), ("/a", "b", 1));
        assert_eq!((mounts[1].env.as_str(), mounts[1].is_required, mounts[1].line), ("Y", true, 2));
        assert_eq!(
            one("COPY --from=a --chown=1:1 b c").flag("from").map(|flag| flag.value.as_str()),
            Some("a")
        );
        assert_eq!(one("CMD --flag").rest.text, "--flag");
    }

    #[test]
    fn exec_and_shell_form() {
        assert_eq!(one("CMD [\"a\", \"b c\"]").form(), Form::Exec(vec!["a".to_owned(), "b c".to_owned()]));
        assert!(matches!(one("CMD [a]").form(), Form::Shell(_)));
        let Some(Form::Shell(text)) = one("HEALTHCHECK --interval=5s CMD a || b").health_command() else {
            panic!()
        };
        assert_eq!(text.text, "a || b");
        assert_eq!(one("HEALTHCHECK NONE").health_command(), None);
        assert_eq!(one("COPY [\"a b\", \"c\"]").words('\\'), ["a b", "c"]);
        assert_eq!(one("COPY a \"b c\" d/").words('\\'), ["a", "\"b c\"", "d/"]);
    }

    #[test]
    fn names_and_values() {
        let pairs = |text: &str| {
            let pairs = one(text).pairs('\\').into_iter();
            pairs
                .map(|(name, value, line)| format!("{name}={}@{line}", value.unwrap_or("-".into())))
                .collect::<Vec<_>>()
        };
        assert_eq!(pairs("ENV A=1 \\\n  B=\"2 3\""), ["A=1@1", "B=\"2 3\"@2"]);
        assert_eq!(pairs("ENV A one two"), ["A=one two@1"]);
        assert_eq!(pairs("ARG A B=c"), ["A=-@1", "B=c@1"]);
        assert_eq!(pairs("LABEL \"a.b\"=c"), ["a.b=c@1"]);
    }

    #[test]
    fn mistakes() {
        let error = |text: &str| Instruction::parse(&lines::read(text).logical[0], '\\').unwrap_err();
        assert_eq!(error("FORM a"), "there is no instruction `FORM`");
        assert_eq!(error("FROM"), "`FROM` says nothing");
        assert!(one("ONBUILD RUN a").is_onbuild && !one("ONBUILD RUN a").is("RUN"));
    }
}
