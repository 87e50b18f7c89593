//! What a registry asks for when it answers 401: the challenges of `WWW-Authenticate`, and the request for a token.

use base64ct::{Base64, Encoding};
use serde::Deserialize;

use super::url;
use crate::config::address::is_loopback;
use crate::config::registry::Account;

/// One way of authentication that the registry offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    Basic,
    Bearer {
        /// The address that gives out tokens.
        realm: String,
        service: Option<String>,
    },
}

/// The challenges that we know of in one header; others are skipped.
pub fn challenges(header: &str) -> Vec<Challenge> {
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let end = rest.find([' ', '\t', ',', '=', '"']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty() && after.is_empty() {
            break;
        }
        match after.trim_start().strip_prefix('=') {
            Some(value) if !word.is_empty() => {
                let (value, after) = parameter_value(value.trim_start());
                if let Some((_, parameters)) = found.last_mut() {
                    parameters.push((word.to_ascii_lowercase(), value));
                }
                rest = after;
            }
            // A word without a value begins the next challenge.
            _ if !word.is_empty() => {
                found.push((word.to_ascii_lowercase(), Vec::new()));
                rest = after;
            }
            // Not a header that anybody should send; what was read so far counts.
            _ => break,
        }
    }
    found.into_iter().filter_map(|(scheme, parameters)| known(&scheme, &parameters)).collect()
}

fn known(scheme: &str, parameters: &[(String, String)]) -> Option<Challenge> {
    let parameter =
        |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    match scheme {
        "basic" => Some(Challenge::Basic),
        "bearer" => Some(Challenge::Bearer { realm: parameter("realm")?, service: parameter("service") }),
        _ => None,
    }
}

/// A quoted string without its quotes and backslashes, or a token; and what comes after it.
fn parameter_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((index, letter)) = letters.next() {
        match letter {
            '"' => return (value, &quoted[index + 1..]),
            '\\' => value.extend(letters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

/// The value of `Authorization` for an account.
pub fn basic(account: &Account) -> String {
    format!(
        "Basic {}",
        Base64::encode_string(format!("{}:{}", account.username, account.password).as_bytes())
    )
}

/// Where a token for these scopes is asked for. The answer's token lets its bearer in, so the address must be one that
/// nobody can listen to: over TLS, or on this machine for a registry on this machine.
pub fn token_url(
    registry_origin: &str,
    realm: &str,
    service: Option<&str>,
    scopes: &[String],
) -> Result<String, String> {
    let origin = url::origin(realm).ok_or_else(|| format!("its token service `{realm}` is no address"))?;
    let local = is_loopback(url::host(&origin)) && is_loopback(url::host(registry_origin));
    if !origin.starts_with("https://") && !local {
        return Err(format!("its token service {origin} is not reached over TLS"));
    }
    if origin.contains('@') {
        return Err("the address of its token service contains a user".to_owned());
    }
    let mut address = realm.to_owned();
    for (name, value) in service
        .map(|service| ("service", service))
        .into_iter()
        .chain(scopes.iter().map(|scope| ("scope", scope.as_str())))
    {
        address = url::with_parameter(&address, name, value);
    }
    Ok(address)
}

/// The token in the answer of a token service.
pub fn token(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Body {
        token: Option<String>,
        access_token: Option<String>,
    }
    let body: Body = serde_json::from_slice(body).ok()?;
    body.token
        .or(body.access_token)
        .filter(|token| !token.is_empty() && token.chars().all(|c| c.is_ascii_graphic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>) -> Challenge {
        Challenge::Bearer { realm: realm.to_owned(), service: service.map(str::to_owned) }
    }

    #[test]
    fn headers_of_real_registries_and_odd_ones() {
        let table = [
            (r#"Basic realm="Registry""#, vec![Challenge::Basic]),
            ("basic", vec![Challenge::Basic]),
            (
                r#"Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:o/a:pull""#,
                vec![bearer("https://ghcr.io/token", Some("ghcr.io"))],
            ),
            (
                r#"Bearer scope="repository:o/a:pull,push" , realm = "https://x/\"y\"" , error="insufficient_scope""#,
                vec![bearer("https://x/\"y\"", None)],
            ),
            (
                r#"Negotiate YWJj==, Bearer realm="https://x/t", Basic realm="a, b""#,
                vec![bearer("https://x/t", None), Challenge::Basic],
            ),
            ("Bearer realm=https://x/t,service=s", vec![bearer("https://x/t", Some("s"))]),
            ("Bearer service=\"no realm\"", vec![]),
            (r#"Bearer realm="never ends"#, vec![bearer("never ends", None)]),
            ("", vec![]),
            ("=,=", vec![]),
        ];
        for (header, expected) in table {
            assert_eq!(challenges(header), expected, "{header}");
        }
    }

    #[test]
    fn tokens_are_asked_for_where_nobody_listens() {
        let scopes = ["repository:o/a:pull,push".to_owned(), "repository:o/b:pull".to_owned()];
        let url = token_url("https://ghcr.io", "https://ghcr.io/token", Some("ghcr.io"), &scopes).unwrap();
        let expected = "https://ghcr.io/token?service=ghcr.io&scope=repository%3Ao%2Fa%3Apull%2Cpush\
                        &scope=repository%3Ao%2Fb%3Apull";
        assert_eq!(url, expected);
        let local = "http://127.0.0.1:1/token";
        assert!(token_url("http://localhost:5000", local, None, &[]).is_ok());
        for (registry, realm) in [
            ("https://ghcr.io", local),
            ("https://ghcr.io", "http://ghcr.io/token"),
            ("https://ghcr.io", "https://ghcr.io@evil.example/"),
            ("https://ghcr.io", "ghcr.io/token"),
        ] {
            assert!(token_url(registry, realm, None, &[]).is_err(), "{realm}");
        }
    }

    #[test]
    fn tokens() {
        assert_eq!(token(br#"{"token": "a.b", "expires_in": 300}"#).as_deref(), Some("a.b"));
        assert_eq!(token(br#"{"access_token": "c"}"#).as_deref(), Some("c"));
        for bad in [r#"{"token": ""}"#, r#"{"token": "a\r\nb: c"}"#, "{}", "<html>"] {
            assert_eq!(token(bad.as_bytes()), None, "{bad}");
        }
        let account = Account { username: "a".to_owned(), password: "b:c".to_owned() };
        assert_eq!(basic(&account), "Basic YTpiOmM=");
    }
}
