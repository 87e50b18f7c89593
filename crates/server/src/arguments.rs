//! The command line: a handful of flags, each of them alone.

pub const HELP: &str = "\
Serves the USDFC Analytics Terminal.

Usage: usdfc-analytics-terminal [FLAG]

Flags:
      --demo               Serve made-up numbers: no network, and no file unless DATABASE_PATH is set
      --health-check       Ask the server on $PORT whether it serves; exit code 0 or 1
      --print-env-example  Print every environment variable with its default
  -V, --version            Print the version
  -h, --help               Print this text

Everything else comes from the environment; a bad value is reported at the start.

Example:
  PORT=8080 usdfc-analytics-terminal --demo
";

#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    Serve { demo: bool },
    HealthCheck,
    PrintEnvExample,
    Version,
    Help,
}

pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Command, String> {
    let mut arguments = arguments.into_iter();
    let Some(flag) = arguments.next() else {
        return Ok(Command::Serve { demo: false });
    };
    let command = match flag.as_str() {
        "--demo" => Command::Serve { demo: true },
        "--health-check" => Command::HealthCheck,
        "--print-env-example" => Command::PrintEnvExample,
        "-V" | "--version" => Command::Version,
        "-h" | "--help" => Command::Help,
        _ => return Err(format!("unknown argument `{flag}`\nhint: --help lists all flags")),
    };
    match arguments.next() {
        None => Ok(command),
        Some(extra) => {
            Err(format!("`{flag}` stands alone, but `{extra}` follows it\nhint: --help lists all flags"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &[&str]) -> Result<Command, String> {
        parse(arguments.iter().map(|argument| (*argument).to_owned()))
    }

    #[test]
    fn flags() {
        assert_eq!(check(&[]), Ok(Command::Serve { demo: false }));
        assert_eq!(check(&["--demo"]), Ok(Command::Serve { demo: true }));
        assert_eq!(check(&["-h"]), Ok(Command::Help));
        assert!(check(&["--domo"]).unwrap_err().contains("`--domo`"));
        assert!(check(&["--demo", "--version"]).unwrap_err().contains("stands alone"));
    }

    #[test]
    fn the_help_names_every_flag() {
        for flag in ["--demo", "--health-check", "--print-env-example", "--version", "--help"] {
            assert!(HELP.contains(flag), "{flag}");
        }
    }
}
