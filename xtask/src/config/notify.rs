//! Who is told of deployments: the address of a webhook, from the environment alone, because whoever has it may write
//! there. Nobody is told where it is not set.

use super::address;
use crate::exit::Failure;

/// Holds the address.
pub const URL: &str = "XTASK_NOTIFY_URL";
/// Says what is understood there, where the address does not show it.
pub const FORMAT: &str = "XTASK_NOTIFY_FORMAT";

/// What the other side understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `text`, for Slack's incoming webhooks and what imitates them.
    Slack,
    /// `content`, for Discord's.
    Discord,
    /// Everything, for programs.
    Plain,
}

/// A webhook. Has no `Debug` on purpose: its address must not be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    pub url: String,
    pub format: Format,
}

impl Webhook {
    /// Reads the variables of this process; `None` where nobody wants to be told. Errors never show the address.
    pub fn from_environment() -> anyhow::Result<Option<Webhook>> {
        Webhook::read(|name| std::env::var(name).ok())
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Option<Webhook>> {
        // Workflows set variables to nothing where a secret is missing.
        let set = |name: &str| {
            variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let Some(url) = set(URL) else { return Ok(None) };
        // A query is common in such addresses; all else has to be as for every other service.
        let before_query = url.split('?').next().unwrap_or(&url);
        if address::base(before_query, URL).is_err() || url.contains('#') {
            return Err(Failure::usage(format!("the value of {URL} is no address that can be used"))
                .hint("it begins with `https://`; only this machine is told without TLS")
                .into());
        }
        let format = match set(FORMAT).as_deref() {
            None => format_of(&url),
            Some("slack") => Format::Slack,
            Some("discord") => Format::Discord,
            Some("plain") => Format::Plain,
            Some(other) => {
                let message = format!("{FORMAT} is `{other}`; known are slack, discord and plain");
                return Err(Failure::usage(message).into());
            }
        };
        Ok(Some(Webhook { url, format }))
    }
}

/// By the hosts of their documentation (source: "Sending messages using incoming webhooks" on docs.slack.dev, "Execute
/// Webhook" on discord.com/developers). Discord's addresses that end in `/slack` speak Slack's language.
fn format_of(url: &str) -> Format {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', ':', '?']).next().unwrap_or(rest).to_ascii_lowercase();
    let is_of = |domain: &str| host == domain || host.ends_with(&format!(".{domain}"));
    let path = rest.split('?').next().unwrap_or(rest);
    match () {
        () if is_of("slack.com") || is_of("slack-gov.com") => Format::Slack,
        () if is_of("discord.com") || is_of("discordapp.com") => match path.ends_with("/slack") {
            true => Format::Slack,
            false => Format::Discord,
        },
        () => Format::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn read(variables: &[(&str, &str)]) -> anyhow::Result<Option<Webhook>> {
        Webhook::read(|wanted| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_address_shows_who_it_is() {
        let format = |url: &str| read(&[(URL, url)]).unwrap().unwrap().format;
        assert_eq!(format("https://hooks.slack.com/services/T/B/x"), Format::Slack);
        assert_eq!(format("https://discord.com/api/webhooks/1/x?wait=true"), Format::Discord);
        assert_eq!(format("https://discord.com/api/webhooks/1/x/slack"), Format::Slack);
        assert_eq!(format("https://notslack.com/x"), Format::Plain);
        assert_eq!(format("http://127.0.0.1:1/hooks.slack.com"), Format::Plain);
        let told = read(&[(URL, "https://chat.example/x"), (FORMAT, "slack")]).unwrap().unwrap();
        assert_eq!(told.format, Format::Slack);
        assert!(read(&[(URL, " ")]).unwrap().is_none());
        assert!(read(&[]).unwrap().is_none());
    }

    #[test]
    fn what_cannot_be_used_is_not_shown() {
        for url in ["http://chat.example/hunter2", "hunter2", "https://user:hunter2@x/", "https://x/#hunter2"]
        {
            let error = read(&[(URL, url)]).err().unwrap();
            assert_eq!(Exit::of(&error), Exit::Usage);
            assert!(!format!("{error:#}").contains("hunter2"), "{error:#}");
        }
        assert_eq!(Exit::of(&read(&[(URL, "https://x/y"), (FORMAT, "xml")]).err().unwrap()), Exit::Usage);
    }
}
