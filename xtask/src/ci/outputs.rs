//! Outputs of a step, in the format of the file that `GITHUB_OUTPUT` names. Pure.
//!
//! Source: "Workflow commands for GitHub Actions", sections "Setting an output parameter" and "Multiline strings".

/// Lines of the form `NAME=VALUE`, and for values of several lines the form with a delimiter.
///
/// A name that the format does not know is a mistake in this program.
pub fn render(outputs: &[(&str, String)]) -> anyhow::Result<String> {
    let mut text = String::new();
    for (name, value) in outputs {
        anyhow::ensure!(is_name(name), "`{name}` cannot be the name of an output");
        if value.contains(['\n', '\r']) {
            let delimiter = delimiter(value);
            text.push_str(&format!("{name}<<{delimiter}\n{value}\n{delimiter}\n"));
        } else {
            text.push_str(&format!("{name}={value}\n"));
        }
    }
    Ok(text)
}

/// As names of a workflow's own: a letter or `_` first, then also digits and `-`.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// A word that does not occur in the value, so that no line of it can end it early.
fn delimiter(value: &str) -> String {
    let mut number = 0_u64;
    loop {
        let word = format!("XTASK_END_{number}");
        if !value.contains(&word) {
            return word;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn one_line_and_several() {
        let hostile = "first\nXTASK_END_0\nXTASK_END_1x\nadmin=true";
        let outputs = [("digest", "sha256:ab=cd"), ("empty", ""), ("notes", hostile), ("last", "<<EOF")];
        let text = render(&outputs.map(|(name, value)| (name, value.to_owned()))).unwrap();
        expect![[r#"
            digest=sha256:ab=cd
            empty=
            notes<<XTASK_END_2
            first
            XTASK_END_0
            XTASK_END_1x
            admin=true
            XTASK_END_2
            last=<<EOF
        "#]]
        .assert_eq(&text);
    }

    #[test]
    fn bad_names_are_refused() {
        for name in ["", "1a", "-a", "a b", "a=b", "a<<b", "a\nb", "é"] {
            assert!(render(&[(name, "value".to_owned())]).is_err(), "{name}");
        }
    }
}
