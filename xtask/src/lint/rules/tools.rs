//! How tools get into a builder: what a command installs, at which version, and what it downloads.

use super::super::dockerfile::stages::Scope;
use super::super::shell::Simple;

/// A tool that a command installs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    pub name: String,
    /// As written, with the values of variables; `None` where none is named.
    pub version: Option<String>,
    /// Whether whoever builds names the version.
    pub is_given: bool,
    /// What installs it, e.g. `cargo install`.
    pub by: &'static str,
    pub is_locked: bool,
}

/// Flags of `cargo install` and of its like whose next word is not the name of a tool.
const WITH_VALUE: [&str; 19] = [
    "--root",
    "--features",
    "-F",
    "--target",
    "--target-dir",
    "--index",
    "--registry",
    "--profile",
    "-j",
    "--jobs",
    "--bin",
    "--example",
    "--config",
    "--branch",
    "--prefix",
    "--index-url",
    "-i",
    "--targets",
    "--install-path",
];

/// The tools that a command installs by name.
pub fn installed(command: &Simple, scope: &Scope) -> Vec<Tool> {
    let words: Vec<&str> = command.words.iter().map(String::as_str).filter(|word| *word != "sudo").collect();
    let words: Vec<&str> = words
        .into_iter()
        .enumerate()
        .filter(|(index, word)| *index != 1 || !word.starts_with('+'))
        .map(|(_, word)| word)
        .collect();
    match words.as_slice() {
        ["cargo", "install", args @ ..] => of_cargo(args, scope, "cargo install"),
        ["cargo", "binstall", args @ ..] | ["cargo-binstall", args @ ..] => {
            of_cargo(args, scope, "cargo binstall")
        }
        ["npm", "install" | "i" | "add", args @ ..]
            if args.iter().any(|arg| ["-g", "--global"].contains(arg)) =>
        {
            // A name may begin with `@`.
            named(args, scope, "npm install", |word| word.get(1..)?.split_once('@'))
        }
        ["pip" | "pip3", "install", args @ ..]
        | ["python" | "python3", "-m", "pip", "install", args @ ..] => {
            if args.iter().any(|arg| arg.starts_with("-r") || arg.starts_with("--requirement")) {
                return Vec::new();
            }
            named(args, scope, "pip install", |word| word.split_once("=="))
        }
        _ => Vec::new(),
    }
}

fn of_cargo(args: &[&str], scope: &Scope, by: &'static str) -> Vec<Tool> {
    let value = |names: &[&str]| {
        args.iter().enumerate().find_map(|(index, arg)| {
            let (name, inline) =
                arg.split_once('=').map_or((*arg, None), |(name, value)| (name, Some(value)));
            names.contains(&name).then(|| inline.or_else(|| args.get(index + 1).copied()))?
        })
    };
    if value(&["--path"]).is_some() {
        return Vec::new();
    }
    let of_all = value(&["--version", "--vers"]).or_else(|| value(&["--rev", "--tag"]));
    let is_locked = args.contains(&"--locked");
    let split =
        |word: &str| word.split_once('@').map(|(name, version)| (name.to_owned(), version.to_owned()));
    let skipped = ["--version", "--vers", "--rev", "--tag", "--git"];
    let mut tools = Vec::new();
    for word in positional(args, &skipped) {
        let (name, version) =
            split(word).map_or((word.to_owned(), None), |(name, version)| (name, Some(version)));
        let version = version.as_deref().or(of_all);
        tools.push(tool(name, version, scope, by, is_locked));
    }
    if let (true, Some(repository)) = (tools.is_empty(), value(&["--git"])) {
        tools.push(tool(repository.to_owned(), of_all, scope, by, is_locked));
    }
    tools
}

fn named(
    args: &[&str],
    scope: &Scope,
    by: &'static str,
    split: impl Fn(&str) -> Option<(&str, &str)>,
) -> Vec<Tool> {
    let words = positional(args, &[])
        .into_iter()
        .filter(|word| !word.starts_with(['.', '/']) && !word.contains("://"));
    words
        .map(|word| {
            let version = split(word).map(|(_, version)| version);
            let name =
                version.map_or(word, |version| word.trim_end_matches(version).trim_end_matches(['@', '=']));
            tool(name.to_owned(), version, scope, by, true)
        })
        .collect()
}

fn tool(name: String, version: Option<&str>, scope: &Scope, by: &'static str, is_locked: bool) -> Tool {
    let expanded = version.map(|version| scope.expand(version, '\\'));
    let is_given = expanded.as_ref().is_some_and(|version| !version.is_known);
    let number = expanded.map(|version| version.text.trim_start_matches(['=', 'v']).to_owned());
    // `^1` and `latest` are no versions.
    let version = number.filter(|version| {
        !is_given && version.starts_with(|c: char| c.is_ascii_hexdigit()) && version != "beta"
    });
    Tool { name, version, is_given, by, is_locked }
}

fn positional<'a>(args: &[&'a str], skipped: &[&str]) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if skipped.contains(arg) || WITH_VALUE.contains(arg) {
            args.next();
        } else if !arg.starts_with('-') && !arg.is_empty() {
            found.push(*arg);
        }
    }
    found
}

/// What a command of rustup chooses that is another compiler tomorrow.
pub fn floating_channel(command: &Simple) -> Option<&str> {
    let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["rustup", "default" | "install", channel, ..]
        | ["rustup", "toolchain", "install" | "add", channel, ..]
        | ["rustup", "override", "set", channel, ..] => {
            Some(*channel).filter(|channel| is_floating_channel(channel))
        }
        ["rustup", "update", ..] => Some("whatever is newest"),
        // The installer of rustup, at the end of a pipe.
        ["sh" | "bash", rest @ ..] => {
            let at = rest.iter().position(|word| *word == "--default-toolchain")?;
            rest.get(at + 1).copied().filter(|channel| is_floating_channel(channel))
        }
        _ => None,
    }
}

/// `stable`, `beta` and `nightly` without a date, perhaps with a host behind.
pub fn is_floating_channel(channel: &str) -> bool {
    let mut parts = channel.split('-');
    let is_channel = matches!(parts.next(), Some("stable" | "beta" | "nightly"));
    is_channel
        && !parts.next().is_some_and(|part| part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The address that a command downloads.
pub fn download(command: &Simple) -> Option<&str> {
    let program = command.words.first()?.rsplit('/').next()?;
    if program != "curl" && program != "wget" {
        return None;
    }
    let is_remote = |word: &&String| word.starts_with("https://") || word.starts_with("http://");
    let address = command.words.iter().find(is_remote)?;
    let is_own = ["://localhost", "://127.0.0.1", "://0.0.0.0"].iter().any(|host| address.contains(host));
    (!is_own).then_some(address)
}

/// The version in the address of a release of cargo-leptos.
pub fn cargo_leptos_release(address: &str) -> Option<String> {
    let version = address.split("/download/v").nth(1)?.split('/').next()?;
    address.contains("cargo-leptos").then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::super::dockerfile::lines::Text;
    use super::super::super::shell;
    use super::*;

    fn of(command: &str) -> Vec<String> {
        let command = shell::commands(&Text::of_lines(command, 1), false).remove(0);
        let show = |tool: Tool| format!("{}={}", tool.name, tool.version.unwrap_or("-".to_owned()));
        installed(&command, &Scope::default()).into_iter().map(show).collect()
    }

    #[test]
    fn names_and_versions() {
        assert_eq!(of("cargo install --locked cargo-chef --version 0.1.78"), ["cargo-chef=0.1.78"]);
        assert_eq!(
            of("cargo +nightly install cargo-leptos@0.3.1 sccache"),
            ["cargo-leptos=0.3.1", "sccache=-"]
        );
        assert_eq!(of("cargo install --version=^1 x"), ["x=-"]);
        assert_eq!(of("cargo install --path ."), [""; 0]);
        assert_eq!(of("cargo install --git https://a/b --rev 0a1b2c --features x"), ["https://a/b=0a1b2c"]);
        assert_eq!(of("cargo binstall -y cargo-leptos"), ["cargo-leptos=-"]);
        assert_eq!(of("npm install -g sass@1.90.0 @x/y @x/z@2"), ["sass=1.90.0", "@x/y=-", "@x/z=2"]);
        assert_eq!(of("npm install"), [""; 0]);
        assert_eq!(of("pip install a==1 b ./c"), ["a=1", "b=-"]);
    }

    #[test]
    fn channels() {
        for (channel, floating) in [
            ("nightly", true),
            ("stable-x86_64-unknown-linux-gnu", true),
            ("nightly-2025-11-01", false),
            ("1.95.0", false),
        ] {
            assert_eq!(is_floating_channel(channel), floating, "{channel}");
        }
        let command = |text: &str| shell::commands(&Text::of_lines(text, 1), false).pop().unwrap();
        assert_eq!(
            floating_channel(&command("curl x | sh -s -- -y --default-toolchain nightly")),
            Some("nightly")
        );
        assert_eq!(floating_channel(&command("rustup target add wasm32-unknown-unknown")), None);
        let release = "https://github.com/leptos-rs/cargo-leptos/releases/download/v0.2.5/x.sh";
        assert_eq!(cargo_leptos_release(release).as_deref(), Some("0.2.5"));
    }
}
