//! Names of images: `REGISTRY/NAME[:TAG][@DIGEST]`, with the defaults that Docker's users expect.

use std::fmt;

use super::digest::Digest;
use crate::exit::Failure;

/// The longest name without its registry's limits, and the longest tag, as the distribution specification has them.
const NAME_LENGTH_MAX: usize = 255;
const TAG_LENGTH_MAX: usize = 128;

/// A valid name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Host and perhaps port, e.g. `ghcr.io`; Docker Hub is `docker.io`.
    pub registry: String,
    /// E.g. `owner/app`; `library/debian` on Docker Hub.
    pub repository: String,
    pub tag: Option<String>,
    pub digest: Option<Digest>,
}

impl Reference {
    /// Reads a name; an error says what is wrong with it and what it should look like.
    pub fn parse(text: &str) -> anyhow::Result<Reference> {
        let wrong = |why: String| {
            Failure::usage(format!("`{text}` is no name of an image: {why}"))
                .hint("a full name is REGISTRY/NAME[:TAG][@sha256:…], e.g. ghcr.io/owner/app:1.2")
        };
        if text.contains("://") {
            return Err(wrong("it is an address; leave out everything up to `://`".to_owned()).into());
        }
        let Parts { name, tag, digest } = split(text);
        let digest = digest.map(|digest| Digest::parse(digest).map_err(wrong)).transpose()?;
        if let Some(tag) = tag {
            tag_problem(tag).map_or(Ok(()), |why| Err(wrong(why)))?;
        }
        let (registry, repository) = match name.split_once('/') {
            Some((host, repository)) if is_host(host) => (host, repository.to_owned()),
            Some(_) => ("docker.io", name.to_owned()),
            None => ("docker.io", format!("library/{name}")),
        };
        let registry = if registry == "index.docker.io" { "docker.io" } else { registry };
        if !host_is_plain(registry) {
            return Err(wrong(format!("`{registry}` is no host with or without a port")).into());
        }
        if let Some(why) = repository_problem(&repository) {
            return Err(wrong(why).into());
        }
        Ok(Reference {
            registry: registry.to_ascii_lowercase(),
            repository,
            tag: tag.map(str::to_owned),
            digest,
        })
    }

    /// Registry and name, without tag and digest.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// What to ask the registry for: the digest, else the tag, else `latest`.
    pub fn wanted(&self) -> String {
        let digest = self.digest.as_ref().map(Digest::to_string);
        digest.or_else(|| self.tag.clone()).unwrap_or_else(|| "latest".to_owned())
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())?;
        match (&self.tag, &self.digest) {
            (Some(tag), Some(digest)) => write!(f, ":{tag}@{digest}"),
            (None, Some(digest)) => write!(f, "@{digest}"),
            (tag, None) => write!(f, ":{}", tag.as_deref().unwrap_or("latest")),
        }
    }
}

/// A reference taken apart, whatever is in the parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    /// Registry and name.
    pub name: &'a str,
    pub tag: Option<&'a str>,
    pub digest: Option<&'a str>,
}

/// Takes a reference apart.
pub fn split(text: &str) -> Parts<'_> {
    let (rest, digest) = text.split_once('@').map_or((text, None), |(rest, digest)| (rest, Some(digest)));
    // A colon before the last slash belongs to the registry's port.
    let last = rest.rfind('/').map_or(0, |slash| slash + 1);
    match rest[last..].split_once(':') {
        Some((end, tag)) => Parts { name: &rest[..last + end.len()], tag: Some(tag), digest },
        None => Parts { name: rest, tag: None, digest },
    }
}

/// What is wrong with a tag.
pub fn tag_problem(tag: &str) -> Option<String> {
    let good = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if tag.is_empty() || tag.starts_with(['.', '-']) || !tag.chars().all(good) {
        return Some(format!("a tag consists of letters, digits, `_`, `.` and `-`, which `{tag}` does not"));
    }
    (tag.len() > TAG_LENGTH_MAX)
        .then(|| format!("a tag has at most {TAG_LENGTH_MAX} characters, not {}", tag.len()))
}

/// Docker's rule for whether the first part of a name is a registry.
fn is_host(part: &str) -> bool {
    part == "localhost" || part.contains(['.', ':']) || part.chars().any(|c| c.is_ascii_uppercase())
}

fn host_is_plain(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if address.parse::<std::net::Ipv6Addr>().is_ok() => {
                ("ipv6", Some(port).filter(|port| !port.is_empty()).map(|port| port.trim_start_matches(':')))
            }
            _ => return false,
        },
        None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    name.split('.').all(label) && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn repository_problem(repository: &str) -> Option<String> {
    if repository.chars().any(|c| c.is_ascii_uppercase()) {
        return Some(format!("names are in lower case: `{}`", repository.to_ascii_lowercase()));
    }
    if repository.len() > NAME_LENGTH_MAX {
        return Some(format!("a name has at most {NAME_LENGTH_MAX} characters, not {}", repository.len()));
    }
    let bad = repository.split('/').find(|part| !is_path_part(part))?;
    Some(match bad {
        "" => "a part of the name is empty".to_owned(),
        part => format!(
            "`{part}` must be lower-case letters and digits, with single `.`, `_`, `__` or `-` between"
        ),
    })
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`, the grammar of the distribution specification.
fn is_path_part(part: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let ends_well = part.starts_with(word) && part.ends_with(word);
    let mut separators = part.split(word).filter(|between| !between.is_empty());
    ends_well
        && separators.all(|between| [".", "_", "__"].contains(&between) || between.chars().all(|c| c == '-'))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn names_in_full() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let table = [
            ("debian", "docker.io/library/debian:latest"),
            ("owner/app:1", "docker.io/owner/app:1"),
            ("index.docker.io/library/debian", "docker.io/library/debian:latest"),
            ("ghcr.io/owner/app:1.2-rc_3", "ghcr.io/owner/app:1.2-rc_3"),
            ("localhost/app", "localhost/app:latest"),
            ("localhost:5000/a/b__c/d--e:x", "localhost:5000/a/b__c/d--e:x"),
            ("127.0.0.1:5000/app", "127.0.0.1:5000/app:latest"),
            ("[::1]:5000/app:1", "[::1]:5000/app:1"),
            ("GHCR.io/app", "ghcr.io/app:latest"),
            (&format!("r.example/a@{digest}"), &format!("r.example/a@{digest}")),
            (&format!("r.example:80/a:t@{digest}"), &format!("r.example:80/a:t@{digest}")),
        ];
        for (given, full) in table {
            assert_eq!(Reference::parse(given).unwrap().to_string(), full, "{given}");
        }
        assert_eq!(Reference::parse("a/b:t").unwrap().wanted(), "t");
        assert_eq!(Reference::parse(&format!("a:t@{digest}")).unwrap().wanted(), digest);
    }

    #[test]
    fn mistakes_are_explained() {
        let long = "t".repeat(129);
        let bad = [
            "",
            "ghcr.io/",
            "ghcr.io/Owner/App",
            "https://ghcr.io/owner/app",
            "ghcr.io/owner/app:",
            "ghcr.io/owner/app:a b",
            "ghcr.io/owner//app",
            "ghcr.io/-owner/app",
            "ghcr.io/owner/app@sha256:12",
            "ghcr.io:port/app",
            "-x.example/app",
            "[::2/app",
            &format!("app:{long}"),
        ];
        let messages: Vec<String> = bad
            .iter()
            .map(|text| Reference::parse(text).unwrap_err().to_string().replace(&long, "ttt…"))
            .collect();
        expect![[r#"
            `` is no name of an image: a part of the name is empty
            `ghcr.io/` is no name of an image: a part of the name is empty
            `ghcr.io/Owner/App` is no name of an image: names are in lower case: `owner/app`
            `https://ghcr.io/owner/app` is no name of an image: it is an address; leave out everything up to `://`
            `ghcr.io/owner/app:` is no name of an image: a tag consists of letters, digits, `_`, `.` and `-`, which `` does not
            `ghcr.io/owner/app:a b` is no name of an image: a tag consists of letters, digits, `_`, `.` and `-`, which `a b` does not
            `ghcr.io/owner//app` is no name of an image: a part of the name is empty
            `ghcr.io/-owner/app` is no name of an image: `-owner` must be lower-case letters and digits, with single `.`, `_`, `__` or `-` between
            `ghcr.io/owner/app@sha256:12` is no name of an image: `sha256:12` is no digest: `sha256:` is followed by 64 digits, a to f in lower case
            `ghcr.io:port/app` is no name of an image: `ghcr.io:port` is no host with or without a port
            `-x.example/app` is no name of an image: `-x.example` is no host with or without a port
            `[::2/app` is no name of an image: `[::2` is no host with or without a port
            `app:ttt…` is no name of an image: a tag has at most 128 characters, not 129"#]].assert_eq(&messages.join("\n"));
    }
}
