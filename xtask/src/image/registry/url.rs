//! The little of addresses that the distribution protocol needs: whose an address is, and where an answer points to.

/// Scheme and authority in lower case, without the scheme's own port; `None` for what is no address over HTTP.
///
/// A user in the authority stays in it, so that `https://registry@elsewhere` is nobody's.
pub fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let authority = rest.split(['/', '?', '#', '\\']).next()?.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => return None,
    };
    let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
    (!authority.is_empty()).then(|| format!("{scheme}://{authority}"))
}

/// The host of an origin, with its port.
pub fn host(origin: &str) -> &str {
    origin.split_once("://").map_or(origin, |(_, authority)| authority)
}

/// The address that a `Location` means in an answer of `origin`.
pub fn resolve(origin: &str, location: &str) -> Option<String> {
    if location.starts_with("//") {
        let (scheme, _) = origin.split_once("://")?;
        return Some(format!("{scheme}:{location}"));
    }
    if location.starts_with('/') {
        return Some(format!("{origin}{location}"));
    }
    self::origin(location).map(|_| location.to_owned())
}

/// The address with one more parameter in its query.
pub fn with_parameter(url: &str, name: &str, value: &str) -> String {
    let joint = match url.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{url}{joint}{name}={}", encode(value))
}

/// Percent-encoding of everything but RFC 3986's unreserved characters.
fn encode(value: &str) -> String {
    let mut encoded = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_an_address_is() {
        let table = [
            ("https://GHCR.io/v2/", Some("https://ghcr.io")),
            ("https://ghcr.io:443?x", Some("https://ghcr.io")),
            ("http://127.0.0.1:5000/v2", Some("http://127.0.0.1:5000")),
            ("https://ghcr.io@evil.example/", Some("https://ghcr.io@evil.example")),
            ("https://ghcr.io\\@evil.example/", Some("https://ghcr.io")),
            ("ftp://ghcr.io/", None),
            ("ghcr.io/v2", None),
            ("https:///v2", None),
        ];
        for (url, expected) in table {
            assert_eq!(origin(url).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn locations() {
        let table = [
            ("/v2/a/blobs/uploads/1?x=1", Some("https://r.example/v2/a/blobs/uploads/1?x=1")),
            ("https://up.example/1", Some("https://up.example/1")),
            ("//up.example/1", Some("https://up.example/1")),
            ("file:///etc/passwd", None),
            ("", None),
        ];
        for (location, expected) in table {
            assert_eq!(resolve("https://r.example", location).as_deref(), expected, "{location}");
        }
        assert_eq!(with_parameter("http://x/u", "digest", "sha256:a"), "http://x/u?digest=sha256%3Aa");
        assert_eq!(with_parameter("http://x/u?s=1", "a", "b/c d"), "http://x/u?s=1&a=b%2Fc%20d");
        assert_eq!(with_parameter("http://x/u?", "a", "b"), "http://x/u?a=b");
    }
}
