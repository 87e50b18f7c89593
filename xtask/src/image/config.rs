//! The configuration of an image: what runs in it, how, and which layers it has. Fields that are not known here are
//! kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::digest::Digest;

/// The configuration, the same for OCI and Docker.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ImageConfig {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    pub architecture: String,
    pub os: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<RunConfig>,
    pub rootfs: RootFs,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<History>>,
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// How its containers run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RunConfig {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cmd: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposed_ports: Option<BTreeMap<String, Value>>,
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// The layers, by the digests of their archives.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RootFs {
    #[serde(rename = "type")]
    pub kind: String,
    pub diff_ids: Vec<Digest>,
}

/// Where a layer comes from, or a step without one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty_layer: Option<bool>,
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// Who runs the app where the base does not say: the user `nonroot` of distroless images. A number, because a platform
/// cannot tell from a name that it is not root's.
const USER: &str = "65532:65532";

/// What an app adds to its base.
pub struct Additions<'a> {
    /// RFC 3339.
    pub created: &'a str,
    pub working_dir: &'a str,
    pub entrypoint: &'a str,
    pub env: &'a BTreeMap<String, String>,
    pub labels: &'a BTreeMap<String, String>,
    /// What each layer is, and the digest of its archive, in their order.
    pub layers: &'a [(&'a str, Digest)],
}

/// Who runs the app on this base.
pub fn user(base: &ImageConfig) -> String {
    let given = base.config.as_ref().and_then(|config| config.user.as_deref()).unwrap_or_default();
    match given.split(':').next().unwrap_or_default() {
        "" | "root" | "0" => USER.to_owned(),
        _ => given.to_owned(),
    }
}

/// The base's configuration with the app in it. The base's command and ports are its own and go.
pub fn merge(base: &ImageConfig, additions: &Additions<'_>) -> ImageConfig {
    let own = base.config.clone().unwrap_or_default();
    let mut labels = own.labels.unwrap_or_default();
    labels.extend(additions.labels.clone());
    let mut diff_ids = base.rootfs.diff_ids.clone();
    diff_ids.extend(additions.layers.iter().map(|(_, diff_id)| diff_id.clone()));
    ImageConfig {
        created: Some(additions.created.to_owned()),
        config: Some(RunConfig {
            user: Some(user(base)),
            env: Some(merged_env(own.env.unwrap_or_default(), additions.env)),
            entrypoint: Some(vec![additions.entrypoint.to_owned()]),
            cmd: None,
            working_dir: Some(additions.working_dir.to_owned()),
            labels: Some(labels),
            exposed_ports: None,
            other: own.other,
        }),
        rootfs: RootFs { kind: base.rootfs.kind.clone(), diff_ids },
        history: history(base, additions),
        ..base.clone()
    }
}

/// The base's variables in their order, with our values where we have the same ones, then the others of ours.
fn merged_env(mut env: Vec<String>, added: &BTreeMap<String, String>) -> Vec<String> {
    for (name, value) in added {
        let line = format!("{name}={value}");
        let is_it = |known: &&mut String| known.split('=').next() == Some(name);
        match env.iter_mut().find(is_it) {
            Some(known) => *known = line,
            None => env.push(line),
        }
    }
    env
}

/// None at all where the base's does not fit its layers: engines refuse a history of the wrong length.
fn history(base: &ImageConfig, additions: &Additions<'_>) -> Option<Vec<History>> {
    let mut history = base.history.clone().unwrap_or_default();
    let layers = history.iter().filter(|entry| entry.empty_layer != Some(true)).count();
    if layers != base.rootfs.diff_ids.len() {
        return None;
    }
    history.extend(additions.layers.iter().map(|(name, _)| History {
        created: Some(additions.created.to_owned()),
        created_by: Some(format!("cargo xtask docker pack: {name}")),
        ..History::default()
    }));
    Some(history)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    fn base() -> ImageConfig {
        serde_json::from_value(json!({
            "created": "2026-01-01T00:00:00Z", "architecture": "amd64", "os": "linux", "variant": "v1",
            "config": {
                "User": "65532", "Env": ["PATH=/bin", "HOST=127.0.0.1", "ODD"], "Entrypoint": ["/bin/sh"],
                "Cmd": ["-c"], "WorkingDir": "/home", "Labels": null, "ExposedPorts": {"80/tcp": {}},
                "StopSignal": "SIGTERM",
            },
            "rootfs": {"type": "layers", "diff_ids": [Digest::of(b"base")]},
            "history": [{"created_by": "one", "comment": "kept"}, {"created_by": "ENV", "empty_layer": true}],
        }))
        .unwrap()
    }

    fn merged(base: &ImageConfig) -> ImageConfig {
        let map = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        merge(
            base,
            &Additions {
                created: "1970-01-01T00:00:00Z",
                working_dir: "/app",
                entrypoint: "/app/server",
                env: &map(&[("HOST", "0.0.0.0"), ("LEPTOS_ENV", "PROD")]),
                labels: &map(&[("a", "b")]),
                layers: &[("site", Digest::of(b"site")), ("binary", Digest::of(b"binary"))],
            },
        )
    }

    #[test]
    fn the_app_on_its_base() {
        expect![[r#"
            {
              "created": "1970-01-01T00:00:00Z",
              "architecture": "amd64",
              "os": "linux",
              "config": {
                "User": "65532",
                "Env": [
                  "PATH=/bin",
                  "HOST=0.0.0.0",
                  "ODD",
                  "LEPTOS_ENV=PROD"
                ],
                "Entrypoint": [
                  "/app/server"
                ],
                "WorkingDir": "/app",
                "Labels": {
                  "a": "b"
                },
                "StopSignal": "SIGTERM"
              },
              "rootfs": {
                "type": "layers",
                "diff_ids": [
                  "sha256:cae662172fd450bb0cd710a769079c05bfc5d8e35efa6576edc7d0377afdd4a2",
                  "sha256:fbae041b02c41ed0fd8a4efb039bc780dd6af4a1f0c420f42561ae705dda43fe",
                  "sha256:9a3a45d01531a20e89ac6ae10b0b0beb0492acd7216a368aa062d1a5fecaf9cd"
                ]
              },
              "history": [
                {
                  "created_by": "one",
                  "comment": "kept"
                },
                {
                  "created_by": "ENV",
                  "empty_layer": true
                },
                {
                  "created": "1970-01-01T00:00:00Z",
                  "created_by": "cargo xtask docker pack: site"
                },
                {
                  "created": "1970-01-01T00:00:00Z",
                  "created_by": "cargo xtask docker pack: binary"
                }
              ],
              "variant": "v1"
            }"#]]
        .assert_eq(&serde_json::to_string_pretty(&merged(&base())).unwrap());
    }

    #[test]
    fn never_as_root() {
        let mut image = base();
        for (given, expected) in
            [("0:0", USER), ("root", USER), ("", USER), ("1000:1000", "1000:1000"), ("app", "app")]
        {
            image.config.as_mut().unwrap().user = Some(given.to_owned());
            assert_eq!(user(&image), expected, "{given}");
        }
        image.config = None;
        assert_eq!(merged(&image).config.unwrap().user.as_deref(), Some(USER));
    }

    #[test]
    fn a_history_that_does_not_fit_is_left_out() {
        let mut image = base();
        image.history = None;
        assert_eq!(merged(&image).history, None);
    }
}
