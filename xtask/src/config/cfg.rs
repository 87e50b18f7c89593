//! Whether a `cfg(…)` expression of cargo's configuration holds for a target triple.
//!
//! Knows the handful of facts that a triple's name gives away, and no more; anything else does not hold.

/// Whether `expression`, e.g. `cfg(all(unix, target_arch = "x86_64"))`, holds for `triple`.
pub fn holds(expression: &str, triple: &str) -> bool {
    let Some(inner) = expression.trim().strip_prefix("cfg(").and_then(|rest| rest.strip_suffix(')')) else {
        return false;
    };
    predicate(inner, triple)
}

fn predicate(text: &str, triple: &str) -> bool {
    let text = text.trim();
    if let Some((name, rest)) = text.split_once('(') {
        let mut parts = split(rest.strip_suffix(')').unwrap_or(rest)).into_iter();
        return match name.trim() {
            "all" => parts.all(|part| predicate(part, triple)),
            "any" => parts.any(|part| predicate(part, triple)),
            "not" => parts.next().is_some_and(|part| !predicate(part, triple)),
            _ => false,
        };
    }
    match text.split_once('=') {
        Some((key, value)) => fact(key.trim(), triple).contains(&value.trim().trim_matches('"')),
        None => fact("target_family", triple).contains(&text),
    }
}

/// Splits at commas outside parentheses and quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut quoted, mut start) = (Vec::new(), 0, false, 0);
    for (index, letter) in text.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.into_iter().filter(|part| !part.trim().is_empty()).collect()
}

fn fact<'t>(key: &str, triple: &'t str) -> Vec<&'t str> {
    let parts: Vec<&str> = triple.split('-').collect();
    let arch = parts.first().copied().unwrap_or_default();
    let os = match triple {
        _ if triple.contains("-linux") => "linux",
        _ if triple.contains("-darwin") => "macos",
        _ if triple.contains("-windows") => "windows",
        _ => parts.get(2).copied().unwrap_or_default(),
    };
    match key {
        "target_os" => vec![os],
        "target_vendor" => parts.get(1).copied().into_iter().collect(),
        "target_arch" => vec![match arch {
            "i586" | "i686" => "x86",
            "armv7" | "arm" => "arm",
            "riscv64gc" => "riscv64",
            "powerpc64le" => "powerpc64",
            other => other,
        }],
        "target_env" => parts
            .get(3)
            .map(|env| env.trim_end_matches("eabihf").trim_end_matches("eabi"))
            .into_iter()
            .collect(),
        "target_family" if arch.starts_with("wasm") => vec!["wasm"],
        "target_family" if os == "windows" => vec!["windows"],
        "target_family" if os == "none" => vec![],
        "target_family" => vec!["unix"],
        _ => vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::holds;

    const LINUX: &str = "x86_64-unknown-linux-gnu";
    const MUSL: &str = "aarch64-unknown-linux-musl";
    const MAC: &str = "aarch64-apple-darwin";
    const WASM: &str = "wasm32-unknown-unknown";

    #[test]
    fn simple_and_nested_expressions() {
        let cases = [
            ("cfg(unix)", LINUX, true),
            ("cfg(unix)", WASM, false),
            ("cfg(windows)", "x86_64-pc-windows-msvc", true),
            ("cfg(target_family = \"wasm\")", WASM, true),
            ("cfg(target_os = \"linux\")", MUSL, true),
            ("cfg(target_os = \"macos\")", MAC, true),
            ("cfg(target_vendor = \"apple\")", MAC, true),
            ("cfg(target_env = \"musl\")", MUSL, true),
            ("cfg(target_env = \"musl\")", LINUX, false),
            ("cfg(target_arch = \"wasm32\")", WASM, true),
            ("cfg(all(unix, target_arch = \"x86_64\"))", LINUX, true),
            ("cfg(all(unix, not(target_os = \"linux\")))", LINUX, false),
            ("cfg(any(windows, all(unix, target_arch = \"aarch64\")))", MAC, true),
            ("cfg(all())", LINUX, true),
            ("cfg(feature = \"x\")", LINUX, false),
            ("unix", LINUX, false),
        ];
        for (expression, triple, expected) in cases {
            assert_eq!(holds(expression, triple), expected, "{expression} for {triple}");
        }
    }
}
