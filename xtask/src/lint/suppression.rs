//! `# xtask-lint: ignore=RULE,RULE` in a comment: findings that somebody has looked at and wants no more of.
//!
//! It counts for its own line, or, where nothing else is on that, for the next one that says something; in a
//! Dockerfile for the whole instruction.

use super::rule::{Findings, Rule};
use crate::record::doctor::Severity;

const MARK: &str = "xtask-lint: ignore=";

pub const WITHOUT_EFFECT: Rule = Rule {
    name: "ignore-without-effect",
    severity: Severity::Warning,
    reason: "A comment that silences nothing hides the next problem of this kind, or was never right.",
    fix: "remove the rule from the comment, or correct its name (`--rules` lists them)",
};

pub const ALL: &[&Rule] = &[&WITHOUT_EFFECT];

/// A comment.
struct Comment {
    line: usize,
    /// The lines that it counts for.
    from: usize,
    to: usize,
    rules: Vec<String>,
}

/// Takes away what comments of one file silence. `spans` are the instructions of a Dockerfile: first and last line.
pub fn apply(findings: &mut Findings, file: &str, text: &str, spans: &[(usize, usize)]) {
    for comment in comments(text, spans) {
        for rule in &comment.rules {
            let before = findings.list.len();
            findings.list.retain(|finding| {
                let is_meant = finding.file == file && finding.rule == rule;
                !(is_meant && (comment.from..=comment.to).contains(&finding.line))
            });
            if findings.list.len() == before {
                findings.file(file).add(
                    &WITHOUT_EFFECT,
                    comment.line,
                    format!("nothing here breaks `{rule}`"),
                );
            }
        }
    }
}

fn comments(text: &str, spans: &[(usize, usize)]) -> Vec<Comment> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some((before, rest)) = line.split_once(MARK) else { continue };
        if !before.contains('#') {
            continue;
        }
        let names = rest.split_whitespace().next().unwrap_or_default();
        let rules = names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let is_alone = before.trim_start().starts_with('#');
        let says_something = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        let next = lines[index..].iter().position(says_something);
        let target = if is_alone { index + next.unwrap_or(0) + 1 } else { index + 1 };
        let span = spans.iter().find(|(from, to)| (*from..=*to).contains(&target));
        let (from, to) = span.copied().unwrap_or((target, target));
        found.push(Comment { line: index + 1, from, to, rules });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_lines_a_comment_counts_for() {
        let text = "# xtask-lint: ignore=a,b because\n# more\n\nRUN x \\\n  y\nz: 1 # xtask-lint: ignore=c\nxtask-lint: ignore=d\n";
        let found = comments(text, &[(4, 5)]);
        let shown: Vec<_> = found.iter().map(|it| (it.line, it.from, it.to, it.rules.join("+"))).collect();
        assert_eq!(shown, [(1, 4, 5, "a+b".to_owned()), (6, 6, 6, "c".to_owned())]);
    }
}
