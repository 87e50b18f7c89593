//! Variants: what is switched on while a scenario is timed. A variant has one value for each axis.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// What can be switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub enum Axis {
    /// Who drives the build: native, cargo-leptos
    Driver,
    /// The profile of the server half
    Profile,
    /// Who links: default (what rustc does on its own), bfd, lld, mold, wild
    Linker,
    /// The compile cache: none, sccache, sccache-s3, kache
    Cache,
    /// wasm-opt's level: Oz, O2, Os, off (nothing runs)
    WasmOpt,
    /// Debug info: profile (what the profile says), none, line-tables-only, full
    Debug,
    /// Times of files in a fresh checkout: checkout (now), content (kept where the content is the same)
    Mtimes,
    /// The compiler: stable; with a nightly toolchain parallel (front end) and cranelift
    Compiler,
}

impl Axis {
    pub const ALL: [Axis; 8] = [
        Axis::Driver,
        Axis::Profile,
        Axis::Linker,
        Axis::Cache,
        Axis::WasmOpt,
        Axis::Debug,
        Axis::Mtimes,
        Axis::Compiler,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Axis::Driver => "driver",
            Axis::Profile => "profile",
            Axis::Linker => "linker",
            Axis::Cache => "cache",
            Axis::WasmOpt => "wasm-opt",
            Axis::Debug => "debug",
            Axis::Mtimes => "mtimes",
            Axis::Compiler => "compiler",
        }
    }

    /// The values that it can have, the usual one first; empty for the profile, whose values are the workspace's.
    pub fn values(self) -> &'static [&'static str] {
        match self {
            Axis::Driver => &["native", "cargo-leptos"],
            Axis::Profile => &[],
            Axis::Linker => &["default", "bfd", "lld", "mold", "wild"],
            Axis::Cache => &["none", "sccache", "sccache-s3", "kache"],
            Axis::WasmOpt => &["Oz", "O2", "Os", "off"],
            Axis::Debug => &["profile", "none", "line-tables-only", "full"],
            Axis::Mtimes => &["checkout", "content"],
            Axis::Compiler => &["stable", "parallel", "cranelift"],
        }
    }
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A value for each axis that differs from the usual one.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Variant {
    values: BTreeMap<Axis, String>,
}

impl Variant {
    /// Everything as usual, with this profile.
    pub fn usual(profile: &str) -> Variant {
        Variant::default().with(Axis::Profile, profile)
    }

    /// The same with one value changed.
    pub fn with(&self, axis: Axis, value: &str) -> Variant {
        let mut variant = self.clone();
        variant.values.insert(axis, value.to_owned());
        variant
    }

    /// The same with every value that the other one names.
    pub fn overlaid(&self, other: &Variant) -> Variant {
        let mut variant = self.clone();
        variant.values.extend(other.values.iter().map(|(axis, value)| (*axis, value.clone())));
        variant
    }

    /// The value on an axis, the usual one where nothing else was said.
    pub fn get(&self, axis: Axis) -> &str {
        let usual = axis.values().first().copied().unwrap_or_default();
        self.values.get(&axis).map_or(usual, String::as_str)
    }

    /// As somebody types it who wants it: `linker=mold,cache=sccache`.
    pub fn asked(&self) -> String {
        let parts: Vec<String> = self.values.iter().map(|(axis, value)| format!("{axis}={value}")).collect();
        parts.join(",")
    }

    /// Names a target directory: variants with the same key can continue each other's. Neither linker nor cache is in
    /// it, because neither is part of what cargo calls fresh.
    pub fn target_key(&self) -> String {
        let parts = [Axis::Driver, Axis::Profile, Axis::Debug, Axis::Compiler];
        parts.map(|axis| self.get(axis)).join("-")
    }

    /// Whose target directory has much of what this one's will have: debug info changes neither build scripts nor
    /// procedural macros, and nothing at all where it is what the profile says.
    pub fn begins_with(&self) -> Option<Variant> {
        let usual = Axis::Debug.values()[0];
        (self.get(Axis::Debug) != usual).then(|| self.with(Axis::Debug, usual))
    }
}

/// All that is switched on, e.g. `driver=native profile=production linker=mold`; what is as usual is left out but for
/// the first three.
impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let always = [Axis::Driver, Axis::Profile, Axis::Linker, Axis::Cache];
        let usual = |axis: Axis| axis.values().first() == Some(&self.get(axis));
        let told = Axis::ALL.into_iter().filter(|axis| always.contains(axis) || !usual(*axis));
        let parts: Vec<String> = told
            .filter(|axis| {
                !self.get(*axis).is_empty() && (*axis != Axis::WasmOpt || self.values.contains_key(axis))
            })
            .map(|axis| format!("{axis}={}", self.get(axis)))
            .collect();
        f.write_str(&parts.join(" "))
    }
}

/// `linker=mold,cache=sccache`.
impl FromStr for Variant {
    type Err = String;

    fn from_str(text: &str) -> Result<Variant, String> {
        let mut variant = Variant::default();
        for part in text.split([',', ' ']).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(|| format!("`{part}` is not AXIS=VALUE"))?;
            let axis = Axis::ALL.into_iter().find(|axis| axis.name() == name).ok_or_else(|| {
                let known: Vec<&str> = Axis::ALL.iter().map(|axis| axis.name()).collect();
                format!("there is no axis `{name}`; known: {}", known.join(", "))
            })?;
            let known = axis.values();
            if value.is_empty() || !known.is_empty() && !known.contains(&value) {
                return Err(format!("{name} cannot be `{value}`; known: {}", known.join(", ")));
            }
            variant = variant.with(axis, value);
        }
        if variant == Variant::default() {
            return Err("it names nothing; e.g. `linker=mold,cache=sccache`".to_owned());
        }
        Ok(variant)
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn a_variant_is_read_and_told() {
        let variant: Variant = "linker=mold,cache=sccache".parse().unwrap();
        let whole = Variant::usual("production").overlaid(&variant);
        assert_eq!(whole.to_string(), "driver=native profile=production linker=mold cache=sccache");
        assert_eq!(whole.get(Axis::Debug), "profile");
        assert_eq!(whole.target_key(), Variant::usual("production").target_key());
        assert_ne!(whole.with(Axis::Debug, "full").target_key(), whole.target_key());
    }

    #[test]
    fn nonsense_names_what_is_known() {
        let told = |text: &str| text.parse::<Variant>().unwrap_err();
        assert_eq!(told("linker"), "`linker` is not AXIS=VALUE");
        assert_eq!(
            told("lnker=mold"),
            "there is no axis `lnker`; known: driver, profile, linker, cache, wasm-opt, debug, mtimes, compiler"
        );
        assert_eq!(told("linker=gold"), "linker cannot be `gold`; known: default, bfd, lld, mold, wild");
        assert_eq!(told(""), "it names nothing; e.g. `linker=mold,cache=sccache`");
    }

    #[test]
    fn names_are_what_is_typed() {
        for axis in Axis::ALL {
            assert_eq!(axis.to_possible_value().unwrap().get_name(), axis.name());
        }
    }
}
