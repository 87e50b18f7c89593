//! Markdown that somebody else has written, made harmless before we publish it under our name. Pure.
//!
//! A report on a pull request is written by a job that runs the pull request's code, so that it may be anything.
//! Tables, headings, code and emphasis stay. It can mention nobody, refer to no issue, lead to no address, load
//! nothing, have no HTML, hide nothing, and close nothing that we open. What GitHub makes links of by itself stays:
//! hashes of the repository's commits outside of code, and what its people have set up (custom autolinks). Sources:
//! "Basic writing and formatting syntax" and "Autolinked references and URLs" of GitHub's documentation, and the
//! GitHub Flavored Markdown Spec (entities, autolinks, images).

/// The largest report that is taken, in bytes.
pub const SIZE_MAX: usize = 60_000;
/// The most that a comment may have, in characters: GitHub takes 65,536, and ours is not all of it.
const LENGTH_MAX: usize = 65_000;
/// Nothing, and visible to nobody: what stands on both sides of it belongs together no more.
const BREAK: char = '\u{200b}';

/// The text without anything that does more than being read; the error says why it is not taken at all.
pub fn neutral(content: &[u8]) -> Result<String, String> {
    if content.len() > SIZE_MAX {
        return Err(format!("it has {} bytes, and {SIZE_MAX} are allowed", content.len()));
    }
    let text = std::str::from_utf8(content).map_err(|_| "it is no text in UTF-8".to_owned())?;
    let mut clean = String::with_capacity(text.len());
    for line in text.lines() {
        let visible: String = line.chars().filter(|c| is_visible(*c)).collect();
        neutral_line(without_language(visible.trim_end()), &mut clean);
        clean.push('\n');
    }
    let length = clean.chars().count();
    if length > LENGTH_MAX {
        return Err(format!("it has {length} characters once it is harmless, and {LENGTH_MAX} are allowed"));
    }
    if clean.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok(clean)
}

/// Not control characters, nor those that have no width or turn the direction of reading round.
fn is_visible(c: char) -> bool {
    let is_unseen = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}');
    c == '\t' || !(c.is_control() || is_unseen)
}

/// A fence without its language: GitHub draws diagrams and maps of some. It may stand in quotes and in points of a list
/// (CommonMark, "Fenced code blocks" and "List items").
fn without_language(line: &str) -> &str {
    let is_before = |c: char| c.is_whitespace() || c.is_ascii_digit() || ">-+*.)".contains(c);
    let start = line.find(|c: char| !is_before(c)).unwrap_or(line.len());
    let rest = &line[start..];
    for mark in ['`', '~'] {
        let after = rest.trim_start_matches(mark);
        let length = rest.len() - after.len();
        // With one more of them it is code within the line; that is so of backticks alone.
        if length >= 3 && (mark == '~' || !after.contains('`')) {
            return &line[..start + length];
        }
    }
    line
}

fn neutral_line(line: &str, clean: &mut String) {
    let chars: Vec<char> = line.chars().collect();
    let ends_with = |index: usize, word: &str| {
        let length = word.len();
        index >= length && chars[index - length..index].iter().collect::<String>().eq_ignore_ascii_case(word)
    };
    for (index, c) in chars.iter().copied().enumerate() {
        let next = |offset: usize| chars.get(index + offset).copied().unwrap_or(' ');
        match c {
            // No tag, no comment, no autolink in angle brackets.
            '<' => clean.push_str("&lt;"),
            // No entity: mentions are looked for in what has been rendered.
            '&' if next(1) == '#' || next(1).is_ascii_alphanumeric() => clean.push_str("&amp;"),
            '@' => clean.extend(['@', BREAK]),
            '#' if next(1).is_ascii_digit() => clean.extend(['#', BREAK]),
            '-' if next(1).is_ascii_digit() && ends_with(index, "gh") => clean.extend(['-', BREAK]),
            // No link and no image, by address or by reference.
            ']' if matches!(next(1), '(' | '[' | ':') => clean.extend([']', BREAK]),
            ':' if next(1) == '/' && next(2) == '/' => clean.extend([':', BREAK]),
            '.' if ends_with(index, "www") => clean.extend([BREAK, '.']),
            other => clean.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let clean = neutral(text.as_bytes()).unwrap();
        // Seen here, unlike there.
        clean.trim_end_matches('\n').replace(BREAK, "¦")
    }

    #[test]
    fn a_report_of_ours_looks_as_before() {
        let text = "### Title\n\n| a | b |\n| --- | ---: |\n| `x\\|y` | 1.0 → 1.1 |\n\n**bold**, `code`, a & b, # 1\n\
                    ```\nfenced\n```";
        assert_eq!(told(text), text);
    }

    #[test]
    fn nobody_is_mentioned_and_nothing_referred_to() {
        for (text, expected) in [
            ("@octocat and @org/team", "@¦octocat and @¦org/team"),
            ("`@octocat`", "`@¦octocat`"),
            ("@\u{200b}octocat\u{202e}", "@¦octocat"),
            ("&#64;octocat &commat;o &x=1 a&b", "&amp;#¦64;octocat &amp;commat;o &amp;x=1 a&amp;b"),
            ("fixes #12, o/r#3 gh-7 GH-8", "fixes #¦12, o/r#¦3 gh-¦7 GH-¦8"),
            ("mail@example.org", "mail@¦example.org"),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }

    #[test]
    fn there_is_no_link_no_image_and_no_html() {
        for (text, expected) in [
            ("<!-- cargo-xtask:deps -->", "&lt;!-- cargo-xtask:deps -->"),
            ("<img src=x onerror=y><https://e.vil>", "&lt;img src=x onerror=y>&lt;https:¦//e.vil>"),
            ("![a](https://e.vil/p.png)", "![a]¦(https:¦//e.vil/p.png)"),
            ("[a][b] [c]: //e.vil", "[a]¦[b] [c]¦: //e.vil"),
            ("WWW.e.vil and http://e.vil", "WWW¦.e.vil and http:¦//e.vil"),
            ("\\<b> \\[a\\](b)", "\\&lt;b> \\[a\\]¦(b)"),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }

    #[test]
    fn fences_have_no_language() {
        assert_eq!(told("```mermaid\ngraph\n```"), "```\ngraph\n```");
        assert_eq!(told("> ~~~geojson x\n"), "> ~~~");
        assert_eq!(told("```a``` b"), "```a``` b");
        for (text, expected) in [
            ("- ```mermaid", "- ```"),
            ("1. ```geojson", "1. ```"),
            ("> * 2) ````stl", "> * 2) ````"),
            ("~~~mermaid x`y`", "~~~"),
            ("- text ```a", "- text ```a"),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_too_large_or_no_text_is_not_taken() {
        for (content, why) in [
            (vec![b'a'; SIZE_MAX + 1], "it has 60001 bytes, and 60000 are allowed"),
            (vec![b'@'; SIZE_MAX], "it has 120001 characters once it is harmless, and 65000 are allowed"),
            (vec![0xff, 0xfe], "it is no text in UTF-8"),
            (b" \n\x07\n".to_vec(), "it is empty"),
        ] {
            assert_eq!(neutral(&content), Err(why.to_owned()));
        }
        assert!(neutral("a".repeat(SIZE_MAX).as_bytes()).is_ok());
    }
}
