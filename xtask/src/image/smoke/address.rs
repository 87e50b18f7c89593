//! Where the engine is, and so where its containers can be reached from here.

use crate::config::address::is_loopback;
use crate::exit::Failure;

/// How a container's port is published, and the host at which it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The engine's address that the port is published at: loopback where we are on the same machine, else all of them.
    pub publish: String,
    pub host: String,
    /// Whether the engine is on another machine.
    pub is_remote: bool,
}

impl Reach {
    /// An engine on this machine.
    pub fn local() -> Reach {
        Reach { publish: "127.0.0.1".to_owned(), host: "127.0.0.1".to_owned(), is_remote: false }
    }
}

/// From the engine's endpoint, e.g. `unix:///var/run/docker.sock`. One that is reached through SSH lends us no port.
pub fn reach(endpoint: &str) -> anyhow::Result<Reach> {
    let endpoint = endpoint.trim();
    let (scheme, rest) = endpoint.split_once("://").unwrap_or(("unix", endpoint));
    let authority = rest.split('/').next().unwrap_or_default();
    match scheme {
        "unix" | "npipe" | "fd" => Ok(Reach::local()),
        "tcp" | "http" | "https" if is_loopback(authority) => Ok(Reach::local()),
        "tcp" | "http" | "https" if !authority.is_empty() => {
            let host = match authority.strip_prefix('[') {
                Some(inner) => inner.split(']').next().unwrap_or(inner),
                None => authority.split(':').next().unwrap_or(authority),
            };
            Ok(Reach { publish: "0.0.0.0".to_owned(), host: host.to_owned(), is_remote: true })
        }
        _ => {
            // What stands before an `@` may be a password.
            let shown = authority.rsplit('@').next().unwrap_or(authority);
            let message = format!(
                "the Docker engine is reached as {scheme}://{shown}: ports of its containers cannot be reached from \
                 here"
            );
            Err(Failure::usage(message)
                .hint("run this on that machine, or name its engine as tcp://HOST:PORT in DOCKER_HOST")
                .into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_here_and_elsewhere() {
        for endpoint in
            ["unix:///var/run/docker.sock", "npipe:////./pipe/docker_engine", "tcp://127.0.0.1:2375", ""]
        {
            assert_eq!(reach(endpoint).unwrap(), Reach::local(), "{endpoint}");
        }
        let remote = reach("tcp://build.example:2376\n").unwrap();
        assert_eq!(
            (remote.host.as_str(), remote.publish.as_str(), remote.is_remote),
            ("build.example", "0.0.0.0", true)
        );
        assert_eq!(reach("tcp://[fd00::1]:2376").unwrap().host, "fd00::1");
        let error = reach("ssh://me:secret@build.example").unwrap_err().to_string();
        assert!(error.contains("ssh://build.example:") && !error.contains("secret"), "{error}");
    }
}
