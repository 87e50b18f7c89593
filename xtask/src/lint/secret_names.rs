//! What looks like a secret: names of variables and files, and values that can be nothing else.

/// Whether a variable of this name holds a secret. Close to BuildKit's own rule, but for names that end in `KEY`:
/// many of those are no secrets (`SERVER_FN_OVERRIDE_KEY`).
pub fn is_variable(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let parts: Vec<&str> = name.split('_').collect();
    let tells_where = ["FILE", "PATH", "DIR", "URL", "NAME", "PUBLIC"];
    if parts.last().is_some_and(|last| tells_where.contains(last)) || parts.contains(&"PUBLIC") {
        return false;
    }
    let words = [
        "TOKEN",
        "SECRET",
        "SECRETS",
        "PASSWORD",
        "PASSWD",
        "PWD",
        "PASSPHRASE",
        "CREDENTIAL",
        "CREDENTIALS",
        "APIKEY",
        "AUTH",
    ];
    let pairs = [
        ["API", "KEY"],
        ["ACCESS", "KEY"],
        ["SECRET", "KEY"],
        ["PRIVATE", "KEY"],
        ["SIGNING", "KEY"],
        ["ENCRYPTION", "KEY"],
    ];
    // The folder of a shell.
    name != "PWD"
        && name != "OLDPWD"
        && (parts.iter().any(|part| words.contains(part))
            || parts.windows(2).any(|pair| pairs.iter().any(|known| known == pair)))
}

/// Whether a file of this name holds secrets.
pub fn is_file(path: &str) -> bool {
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let is_example = ["example", "sample", "template", "dist"].iter().any(|word| name.contains(word));
    let is_environment = name == ".env" || (name.starts_with(".env.") && !is_example);
    let exact = [
        ".npmrc",
        ".netrc",
        ".pypirc",
        ".git-credentials",
        ".aws",
        ".ssh",
        ".docker",
        "credentials.toml",
        "id_rsa",
        "id_ed25519",
        "id_ecdsa",
        "service-account.json",
    ];
    is_environment
        || exact.contains(&name)
        || path.ends_with(".aws/credentials")
        || [".pem", ".p12", ".pfx", ".key"].iter().any(|ending| name.ends_with(ending))
}

/// What a text holds that can be nothing but a secret, and where it begins. Not its value.
pub fn literal(text: &str) -> Option<(usize, &'static str)> {
    let kinds: [(&str, usize, &'static str); 9] = [
        ("AKIA", 16, "an access key of AWS"),
        ("ASIA", 16, "an access key of AWS"),
        ("ghp_", 36, "a token of GitHub"),
        ("gho_", 36, "a token of GitHub"),
        ("ghs_", 36, "a token of GitHub"),
        ("github_pat_", 60, "a token of GitHub"),
        ("glpat-", 20, "a token of GitLab"),
        ("npm_", 36, "a token of npm"),
        ("sk_live_", 24, "a key of Stripe"),
    ];
    for (prefix, length, what) in kinds {
        for (start, _) in text.match_indices(prefix) {
            let before = text[..start].chars().next_back();
            let after = text[start + prefix.len()..].chars();
            let is_upper = prefix == "AKIA" || prefix == "ASIA";
            let fits = |c: &char| match is_upper {
                true => c.is_ascii_uppercase() || c.is_ascii_digit(),
                false => c.is_ascii_alphanumeric() || *c == '_' || *c == '-',
            };
            let run = after.take_while(fits).count();
            let is_whole = if is_upper { run == length } else { run >= length };
            if is_whole && before.is_none_or(|c| !c.is_ascii_alphanumeric()) {
                return Some((start, what));
            }
        }
    }
    let key = text.find("-----BEGIN ")?;
    text[key..].lines().next()?.contains("PRIVATE KEY-----").then_some((key, "a private key"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_variables() {
        for (name, expected) in [
            ("AWS_SECRET_ACCESS_KEY", true),
            ("AWS_ACCESS_KEY_ID", true),
            ("GITHUB_TOKEN", true),
            ("DB_PASSWORD", true),
            ("stripe_api_key", true),
            ("SERVER_FN_OVERRIDE_KEY", false),
            ("SCCACHE_S3_KEY_PREFIX", false),
            ("PASSWORD_FILE", false),
            ("STRIPE_PUBLIC_KEY", false),
            ("PWD", false),
            ("AUTHOR", false),
            ("TOKENIZER", false),
        ] {
            assert_eq!(is_variable(name), expected, "{name}");
        }
    }

    #[test]
    fn names_of_files() {
        for (name, expected) in [
            (".env", true),
            ("app/.env.production", true),
            (".env.example", false),
            ("certs/site.pem", true),
            (".aws/", true),
            ("public", false),
            ("environment.rs", false),
        ] {
            assert_eq!(is_file(name), expected, "{name}");
        }
    }

    #[test]
    fn values() {
        let key = ["AKIA", "ABCDEFGHIJKLMNOP"].concat();
        assert_eq!(literal(&format!("x={key} y")), Some((2, "an access key of AWS")));
        assert_eq!(literal(&format!("x={key}Q")), None);
        assert!(literal(&["ghp_", &"a".repeat(36)].concat()).is_some());
        assert!(literal(&["-----BEGIN RSA PRIV", "ATE KEY-----"].concat()).is_some());
        assert_eq!(literal("-----BEGIN CERTIFICATE-----"), None);
    }
}
