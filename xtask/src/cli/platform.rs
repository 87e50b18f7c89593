//! The platforms of images, under all the names that people know them by.

use clap::ValueEnum;

/// A platform that images are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Platform {
    #[value(aliases = ["linux/amd64", "x86_64", "linux/x86_64"])]
    Amd64,
    #[value(aliases = ["linux/arm64", "aarch64", "linux/aarch64", "linux/arm64/v8"])]
    Arm64,
}

impl Platform {
    /// As registries and engines call it.
    pub fn name(self) -> &'static str {
        match self {
            Platform::Amd64 => "linux/amd64",
            Platform::Arm64 => "linux/arm64",
        }
    }
}

/// One of those under any of its names; another one in full, since images are looked at that were made elsewhere.
pub fn platform(text: &str) -> Result<String, String> {
    match Platform::from_str(text, true) {
        Ok(known) => Ok(known.name().to_owned()),
        Err(_) if text.contains('/') => Ok(text.to_owned()),
        Err(_) => Err("it has to be amd64, arm64, or OS/ARCH such as `linux/s390x`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_under_all_their_names() {
        for (text, expected) in [
            ("amd64", Ok("linux/amd64")),
            ("linux/amd64", Ok("linux/amd64")),
            ("x86_64", Ok("linux/amd64")),
            ("linux/x86_64", Ok("linux/amd64")),
            ("ARM64", Ok("linux/arm64")),
            ("aarch64", Ok("linux/arm64")),
            ("linux/aarch64", Ok("linux/arm64")),
            ("linux/arm64/v8", Ok("linux/arm64")),
            ("linux/s390x", Ok("linux/s390x")),
            ("mips", Err("OS/ARCH")),
        ] {
            let read = platform(text);
            match expected {
                Ok(name) => assert_eq!(read.as_deref(), Ok(name), "{text}"),
                Err(words) => assert!(read.is_err_and(|why| why.contains(words)), "{text}"),
            }
        }
    }
}
