//! The environment variables of the server: one table, from which the settings, the messages about bad
//! values and the file `.env.example` all come.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// What a value must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Url,
    Address,
    Ip,
    Port,
    Path,
    Seconds,
    Text,
}

impl Kind {
    /// Completes the sentence "expected …".
    pub fn expected(self) -> &'static str {
        match self {
            Self::Url => "an http:// or https:// URL",
            Self::Address => "a contract address: 0x and 40 hexadecimal digits",
            Self::Ip => "an IP address, such as 0.0.0.0 or ::",
            Self::Port => "a port from 0 to 65535 (0 lets the system choose)",
            Self::Path => "a path of a file",
            Self::Seconds => "a whole number of seconds, 1 or more",
            Self::Text => "text",
        }
    }

    fn accepts(self, value: &str) -> bool {
        match self {
            Self::Url => is_url(value),
            Self::Address => value
                .strip_prefix("0x")
                .is_some_and(|hex| hex.len() == 40 && hex.bytes().all(|b| b.is_ascii_hexdigit())),
            Self::Ip => value.parse::<IpAddr>().is_ok(),
            Self::Port => value.parse::<u16>().is_ok(),
            Self::Path => !value.ends_with('/'),
            Self::Seconds => value.parse::<u64>().is_ok_and(|seconds| seconds > 0),
            Self::Text => true,
        }
    }
}

fn is_url(value: &str) -> bool {
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    host.is_some_and(|host| !host.is_empty())
        && !value.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    pub name: &'static str,
    pub default: &'static str,
    pub kind: Kind,
    /// A secret's value never appears in a message: URLs of providers often carry a key.
    pub secret: bool,
    pub help: &'static str,
}

const fn row(name: &'static str, default: &'static str, kind: Kind, help: &'static str) -> Variable {
    Variable { name, default, kind, secret: matches!(kind, Kind::Url), help }
}

/// Every variable of the app. Leptos reads its own `LEPTOS_*` variables besides these.
pub const VARIABLES: &[Variable] = &[
    row("HOST", "0.0.0.0", Kind::Ip, "Address to listen on."),
    row("PORT", "3000", Kind::Port, "Port to listen on; hosting platforms set it."),
    row(
        "DATABASE_PATH",
        "data/analytics.db",
        Kind::Path,
        "File of the history, which can be rebuilt. Its folder is made if it is missing.",
    ),
    row("HISTORY_RETENTION_SECS", "604800", Kind::Seconds, "Age at which history is dropped."),
    row("REFRESH_INTERVAL_FAST", "30", Kind::Seconds, "Pause between two reads of the chain."),
    row("REFRESH_INTERVAL_MEDIUM", "60", Kind::Seconds, "Pause between two reads of market data."),
    row("REFRESH_INTERVAL_SLOW", "300", Kind::Seconds, "Pause between two reads of slow sources."),
    row("RPC_URL", "https://api.node.glif.io/rpc/v1", Kind::Url, "Ethereum JSON-RPC of Filecoin."),
    row(
        "BLOCKSCOUT_URL",
        "https://filecoin.blockscout.com/api/v2",
        Kind::Url,
        "Block explorer: holders and transfers.",
    ),
    row(
        "SUBGRAPH_URL",
        "https://api.goldsky.com/api/public/project_cm8i6ca9k24d601wy45zzbsrq/subgraphs/sf-filecoin-mainnet/latest/gn",
        Kind::Url,
        "GraphQL index of the lending markets.",
    ),
    row(
        "GECKOTERMINAL_URL",
        "https://api.geckoterminal.com/api/v2/networks/filecoin",
        Kind::Url,
        "Prices of the exchange pools.",
    ),
    row("USDFC_TOKEN", "0x80B98d3aa09ffff255c3ba4A241111Ff1262F045", Kind::Address, "The USDFC token."),
    row(
        "TROVE_MANAGER",
        "0x5aB87c2398454125Dd424425e39c8909bBE16022",
        Kind::Address,
        "Holds the troves and their collateral.",
    ),
    row(
        "PRICE_FEED",
        "0x80e651c9739C1ed15A267c11b85361780164A368",
        Kind::Address,
        "The protocol's own price of FIL.",
    ),
    row(
        "STABILITY_POOL",
        "0x791Ad78bBc58324089D3E0A8689E7D045B9592b5",
        Kind::Address,
        "Deposits that absorb liquidations.",
    ),
    row(
        "ACTIVE_POOL",
        "0x8637Ac7FdBB4c763B72e26504aFb659df71c7803",
        Kind::Address,
        "Collateral and debt of the open troves.",
    ),
    row(
        "MULTI_TROVE_GETTER",
        "0x5065b1F44fEF55Df7FD91275Fcc2D7567F8bf98F",
        Kind::Address,
        "Lists troves in bulk.",
    ),
    row(
        "POOL_USDFC_WFIL",
        "0x4e07447bd38e60b94176764133788be1a0736b30",
        Kind::Address,
        "Exchange pool of USDFC and wrapped FIL.",
    ),
    row(
        "POOL_USDFC_USDC",
        "0xc8f38dbaf661b897b6a2ee5721aac5a8766ffa13",
        Kind::Address,
        "Exchange pool of USDFC and USDC.",
    ),
    row("APP_REVISION", "unknown", Kind::Text, "Revision that the health check reports; the deploy sets it."),
];

/// A variable that cannot be used, with everything its user needs to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub name: String,
    /// `None` for secrets and for what is not set at all.
    pub value: Option<String>,
    pub expected: String,
}

/// Every bad value of one environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("the environment has 1 bad value:")?,
            count => write!(f, "the environment has {count} bad values:")?,
        }
        for Problem { name, value, expected } in &self.0 {
            write!(f, "\n  {name}")?;
            if let Some(value) = value {
                write!(f, "={value:?}")?;
            }
            write!(f, ": expected {expected}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// A variable as the system knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    Unset,
    Text(String),
    /// Set to bytes that are not UTF-8.
    Unreadable,
}

/// The table's variables after validation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub listen: SocketAddr,
    pub database_path: String,
    /// Whether `DATABASE_PATH` was set: demo mode keeps no file unless it is asked to.
    pub database_path_is_set: bool,
    pub history_retention: Duration,
    pub refresh_fast: Duration,
    pub refresh_medium: Duration,
    pub refresh_slow: Duration,
    pub rpc_url: String,
    pub blockscout_url: String,
    pub subgraph_url: String,
    pub geckoterminal_url: String,
    pub contracts: Contracts,
    pub revision: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contracts {
    pub usdfc_token: String,
    pub trove_manager: String,
    pub price_feed: String,
    pub stability_pool: String,
    pub active_pool: String,
    pub multi_trove_getter: String,
    pub pool_usdfc_wfil: String,
    pub pool_usdfc_usdc: String,
}

impl Settings {
    /// Reads the whole table. An empty value counts as unset, because env files cannot unset.
    pub fn read(lookup: impl Fn(&str) -> Lookup) -> Result<Self, Problems> {
        let mut problems = Vec::new();
        let values: Vec<(&str, String)> = VARIABLES
            .iter()
            .map(|variable| {
                let value = match lookup(variable.name) {
                    Lookup::Text(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
                    Lookup::Text(_) | Lookup::Unset => None,
                    Lookup::Unreadable => {
                        problems.push(Problem {
                            name: variable.name.to_owned(),
                            value: None,
                            expected: format!("{}, in UTF-8", variable.kind.expected()),
                        });
                        None
                    }
                };
                if let Some(value) = value.as_ref().filter(|value| !variable.kind.accepts(value)) {
                    problems.push(Problem {
                        name: variable.name.to_owned(),
                        value: (!variable.secret).then(|| value.clone()),
                        expected: variable.kind.expected().to_owned(),
                    });
                }
                (variable.name, value.unwrap_or_else(|| variable.default.to_owned()))
            })
            .collect();
        if !problems.is_empty() {
            return Err(Problems(problems));
        }

        // From here on every value has been accepted by its kind, so a failure is a bug of the table.
        let text = |name: &str| {
            let (_, value) = values.iter().find(|(known, _)| *known == name).expect("a row of the table");
            value.clone()
        };
        let seconds = |name: &str| Duration::from_secs(text(name).parse().expect("checked seconds"));
        let host: IpAddr = text("HOST").parse().expect("checked address");
        let port: u16 = text("PORT").parse().expect("checked port");
        let set = lookup("DATABASE_PATH");
        Ok(Self {
            listen: SocketAddr::new(host, port),
            database_path: text("DATABASE_PATH"),
            database_path_is_set: matches!(set, Lookup::Text(path) if !path.trim().is_empty()),
            history_retention: seconds("HISTORY_RETENTION_SECS"),
            refresh_fast: seconds("REFRESH_INTERVAL_FAST"),
            refresh_medium: seconds("REFRESH_INTERVAL_MEDIUM"),
            refresh_slow: seconds("REFRESH_INTERVAL_SLOW"),
            rpc_url: text("RPC_URL"),
            blockscout_url: text("BLOCKSCOUT_URL"),
            subgraph_url: text("SUBGRAPH_URL"),
            geckoterminal_url: text("GECKOTERMINAL_URL"),
            contracts: Contracts {
                usdfc_token: text("USDFC_TOKEN"),
                trove_manager: text("TROVE_MANAGER"),
                price_feed: text("PRICE_FEED"),
                stability_pool: text("STABILITY_POOL"),
                active_pool: text("ACTIVE_POOL"),
                multi_trove_getter: text("MULTI_TROVE_GETTER"),
                pool_usdfc_wfil: text("POOL_USDFC_WFIL"),
                pool_usdfc_usdc: text("POOL_USDFC_USDC"),
            },
            revision: text("APP_REVISION"),
        })
    }
}

/// The command that writes `.env.example` anew.
pub const ENV_EXAMPLE_COMMAND: &str =
    "cargo run -p usdfc-analytics-terminal -- --print-env-example > .env.example";

/// The text of `.env.example`. Every assignment is commented out, so that a copy changes nothing.
pub fn env_example() -> String {
    let mut text = format!(
        "# The environment of the server, with its defaults. The server reads no file by itself:\n\
         # hand this one to whatever starts it. Written by:\n\
         #   {ENV_EXAMPLE_COMMAND}\n"
    );
    for Variable { name, default, kind, help, .. } in VARIABLES {
        text.push_str(&format!("\n# {help} Expected: {}.\n#{name}={default}\n", kind.expected()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(environment: &[(&str, &str)]) -> Result<Settings, Problems> {
        Settings::read(|name| {
            environment
                .iter()
                .find(|(known, _)| *known == name)
                .map_or(Lookup::Unset, |(_, value)| Lookup::Text((*value).to_owned()))
        })
    }

    #[test]
    fn an_empty_environment_is_complete() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.listen.to_string(), "0.0.0.0:3000");
        assert!(!settings.database_path_is_set);
        assert_eq!(settings.revision, "unknown");
        assert_eq!(read(&[("PORT", ""), ("DATABASE_PATH", " ")]), Ok(settings));
    }

    #[test]
    fn defaults_are_acceptable_and_names_are_unique() {
        for (index, variable) in VARIABLES.iter().enumerate() {
            assert!(variable.kind.accepts(variable.default), "{}", variable.name);
            let rest = &VARIABLES[index + 1..];
            assert!(rest.iter().all(|other| other.name != variable.name), "{}", variable.name);
        }
    }

    #[test]
    fn all_bad_values_are_told_at_once() {
        let problems = read(&[
            ("PORT", "70000"),
            ("HOST", "localhost"),
            ("RPC_URL", "ftp://user:canary@node"),
            ("USDFC_TOKEN", "0x123"),
            ("REFRESH_INTERVAL_FAST", "0"),
        ])
        .unwrap_err();
        assert_eq!(
            problems.to_string(),
            "the environment has 5 bad values:\n\
             \x20 HOST=\"localhost\": expected an IP address, such as 0.0.0.0 or ::\n\
             \x20 PORT=\"70000\": expected a port from 0 to 65535 (0 lets the system choose)\n\
             \x20 REFRESH_INTERVAL_FAST=\"0\": expected a whole number of seconds, 1 or more\n\
             \x20 RPC_URL: expected an http:// or https:// URL\n\
             \x20 USDFC_TOKEN=\"0x123\": expected a contract address: 0x and 40 hexadecimal digits"
        );
        assert!(!problems.to_string().contains("canary"));
    }

    #[test]
    fn bytes_that_are_no_text_are_a_problem() {
        let problems = Settings::read(|name| match name {
            "HOST" => Lookup::Unreadable,
            _ => Lookup::Unset,
        });
        assert_eq!(problems.unwrap_err().0[0].name, "HOST");
    }

    #[test]
    fn urls() {
        for good in ["http://localhost:8545", "https://node.example/rpc/v1?key=1"] {
            assert!(Kind::Url.accepts(good), "{good}");
        }
        for bad in ["", "https://", "https:///path", "node.example", "https://a b", "file:///x"] {
            assert!(!Kind::Url.accepts(bad), "{bad}");
        }
    }

    #[test]
    fn the_example_file_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.env.example");
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == env_example(),
            ".env.example differs from the table of variables; write it anew with\n  {ENV_EXAMPLE_COMMAND}"
        );
    }
}
