//! The file that tells rustup which compiler a repository wants.
//!
//! Knows nothing of where it is looked for, and of what is compiled.

use super::parse_toml;

/// Its names. Where both are there rustup takes the first.
pub const NAMES: [&str; 2] = ["rust-toolchain", "rust-toolchain.toml"];

/// The channel that the text of such a file names: by its key, or in the file of the old name as its only word.
pub fn channel(name: &str, text: &str) -> Option<String> {
    match parse_toml(text, name) {
        Ok(value) => Some(value.pointer("/toolchain/channel")?.as_str()?.to_owned()),
        Err(_) if name.ends_with(".toml") => None,
        Err(_) => text.lines().next().map(|line| line.trim().to_owned()).filter(|word| !word.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_files() {
        let [old, new] = NAMES;
        for (name, text, expected) in [
            (new, "# x\n[toolchain]\nchannel = \"1.95.0\" # y\n", Some("1.95.0")),
            (new, "toolchain.channel = 'nightly'\n", Some("nightly")),
            (new, "[toolchain]\ntargets = []\n", None),
            (new, "1.95.0\n", None),
            (old, "[toolchain]\nchannel = \"1.95.0\"\n", Some("1.95.0")),
            (old, " 1.95.0 \n", Some("1.95.0")),
            (old, "stable\n", Some("stable")),
            (old, "", None),
        ] {
            assert_eq!(channel(name, text).as_deref(), expected, "{name}: {text}");
        }
    }
}
