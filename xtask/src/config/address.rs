//! Addresses of services that are given by people: which ones are accepted, and in which form they are kept.
//!
//! Knows nothing of what is asked for at an address.

use std::net::IpAddr;

use crate::exit::Failure;

/// An address as requests are built from it: `https://host[:port][/path]`, without a slash at its end. Plain HTTP is
/// for this machine only, because tokens and health answers travel over it. `what` is how errors call the address.
pub fn base(text: &str, what: &str) -> anyhow::Result<String> {
    let text = text.trim().trim_end_matches('/');
    // What stands before an `@` may be a password, and what comes after a `?` a token.
    let shown = text.rsplit('@').next().unwrap_or(text);
    let shown = shown.split(['?', '#']).next().unwrap_or(shown);
    let wrong = |why: &str| Failure::usage(format!("{what} `{shown}` is no address that can be used: {why}"));
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(wrong("it does not begin with `https://`").into());
    };
    let host = host_of(rest);
    if host.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(wrong("it names no host").into());
    }
    if rest.contains(['?', '#', '@']) {
        return Err(wrong("no user, query or fragment belongs there").into());
    }
    match scheme {
        "https" => {}
        "http" if is_loopback(host) => {}
        "http" => return Err(wrong("only this machine is asked without TLS; write `https://`").into()),
        _ => return Err(wrong("it does not begin with `https://`").into()),
    }
    Ok(text.to_owned())
}

/// The address of a domain that is given without scheme: `host[:port]`.
pub fn of_domain(domain: &str) -> String {
    let scheme = if is_loopback(host_of(domain)) { "http" } else { "https" };
    format!("{scheme}://{}", domain.trim_end_matches('/'))
}

/// The host in `host[:port][/path]`; an IPv6 address without its brackets.
fn host_of(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    match authority.strip_prefix('[') {
        Some(inner) => inner.split(']').next().unwrap_or(inner),
        None => authority.split(':').next().unwrap_or(authority),
    }
}

/// Whether a host is this machine: `localhost` or an address of loopback, with or without port and brackets.
pub fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(inner) => inner.split(']').next().unwrap_or(inner),
        // More than one colon is an IPv6 address without brackets, and so without a port.
        None if host.matches(':').count() > 1 => host,
        None => host.split(':').next().unwrap_or(host),
    };
    name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn this_machine() {
        for host in ["localhost", "localhost:5000", "127.0.0.1:5000", "127.8.8.8", "[::1]:5000", "::1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["ghcr.io", "localhost.example:80", "128.0.0.1", "[::2]", "127.0.0.1.example", ""] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        for (text, kept) in [
            ("https://app.example/", "https://app.example"),
            ("https://app.example:8443/base//", "https://app.example:8443/base"),
            ("http://127.0.0.1:4321", "http://127.0.0.1:4321"),
            ("http://[::1]:80/", "http://[::1]:80"),
            (" http://localhost ", "http://localhost"),
        ] {
            assert_eq!(base(text, "the address").unwrap(), kept);
        }
        for text in [
            "http://app.example",
            "http://127.0.0.1.example",
            "http://localhost@app.example",
            "http://app.localhost",
            "app.example",
            "https://",
            "https:///health",
            "ftp://app.example",
            "https://user:pass@app.example",
            "https://app.example/?a=b",
            "https://app example",
        ] {
            let error = base(text, "the address").unwrap_err();
            assert_eq!(Exit::of(&error), Exit::Usage, "{text}");
        }
        for text in [
            "https://me:hunter2@app.example",
            "https://me:hun?ter2@app.example",
            "https://app.example?hunter2",
        ] {
            let error = base(text, "the address").unwrap_err().to_string();
            assert!(error.contains("app.example") && !error.contains("ter2"), "{error}");
        }
        let error = base("http://app.example", "RAILWAY_BACKBOARD_URL").unwrap_err();
        expect_test::expect![
            "RAILWAY_BACKBOARD_URL `http://app.example` is no address that can be used: only this machine is asked without TLS; write `https://`"
        ]
        .assert_eq(&error.to_string());
    }

    #[test]
    fn domains_have_no_scheme() {
        assert_eq!(of_domain("app.up.railway.app"), "https://app.up.railway.app");
        assert_eq!(of_domain("127.0.0.1:4300"), "http://127.0.0.1:4300");
        assert_eq!(of_domain("localhost:4300"), "http://localhost:4300");
    }
}
