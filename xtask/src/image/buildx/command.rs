//! The command line of `docker buildx build`: pure, from what was asked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::plan::Invocation;

/// The longest that one attempt may take: a cold build on a small machine, several times over.
const LIMIT: Duration = Duration::from_secs(2 * 3600);

/// Where layers are looked for and left, beside the builder itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayerCache {
    /// An image of its own in a registry, e.g. `ghcr.io/owner/app:layers`.
    Registry(String),
    /// GitHub's own, by scope.
    GitHub(String),
}

/// All that is asked of buildx.
#[derive(Clone, Debug)]
pub struct Settings {
    pub folder: PathBuf,
    pub dockerfile: String,
    /// Names with tags that are pushed.
    pub names: Vec<String>,
    /// Those that this machine's engine gets.
    pub local_names: Vec<String>,
    pub push: bool,
    pub load: bool,
    pub platforms: Vec<String>,
    pub builder: Option<String>,
    pub caches: Vec<LayerCache>,
    /// Whether the caches are written too.
    pub write_caches: bool,
    /// `gzip` or `zstd`.
    pub compression: String,
    /// `min` or `max`; `None` for none.
    pub provenance: Option<String>,
    pub build_args: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
    /// Ids of secrets with the variables that hold them.
    pub secrets: Vec<(&'static str, &'static str)>,
    /// Words of the user's own.
    pub more: Vec<String>,
    pub metadata_file: PathBuf,
}

/// The command. No secret is in it: buildx reads them from our environment.
pub fn command(settings: &Settings) -> Invocation {
    let mut args: Vec<String> =
        ["buildx", "build", "--progress", "rawjson", "--file"].map(str::to_owned).into();
    let file: &Path = &settings.folder.join(&settings.dockerfile);
    args.push(file.display().to_string());
    let mut flag = |name: &str, value: String| args.extend([name.to_owned(), value]);
    if let Some(builder) = &settings.builder {
        flag("--builder", builder.clone());
    }
    if !settings.platforms.is_empty() {
        flag("--platform", settings.platforms.join(","));
    }
    for (name, value) in &settings.build_args {
        flag("--build-arg", format!("{name}={value}"));
    }
    for (name, value) in &settings.labels {
        flag("--label", format!("{name}={value}"));
    }
    for (id, variable) in &settings.secrets {
        flag("--secret", format!("id={id},env={variable}"));
    }
    for cache in &settings.caches {
        let (from, to) = match cache {
            LayerCache::Registry(name) => (
                format!("type=registry,ref={name}"),
                format!("type=registry,ref={name},mode=max,image-manifest=true,oci-mediatypes=true"),
            ),
            LayerCache::GitHub(scope) => {
                (format!("type=gha,scope={scope}"), format!("type=gha,scope={scope},mode=max"))
            }
        };
        flag("--cache-from", from);
        if settings.write_caches {
            // A cache that cannot be written is no reason not to have the image.
            flag("--cache-to", format!("{to},ignore-error=true"));
        }
    }
    flag(
        "--provenance",
        match &settings.provenance {
            Some(mode) => format!("mode={mode}"),
            None => "false".to_owned(),
        },
    );
    flag("--metadata-file", settings.metadata_file.display().to_string());
    // In quotes: the list of names has commas.
    let named = |names: &[String]| format!("\"name={}\"", names.join(","));
    let compression = &settings.compression;
    if settings.push {
        // The engine's own store does without: what it unpacks cannot have other times.
        let names = named(&settings.names);
        flag(
            "--output",
            format!(
                "type=image,{names},push=true,compression={compression},oci-mediatypes=true,\
                 rewrite-timestamp=true,store=false"
            ),
        );
    }
    if settings.load {
        flag("--output", format!("type=docker,{}", named(&settings.local_names)));
    }
    if !settings.push && !settings.load {
        flag("--output", "type=cacheonly".to_owned());
    }
    args.extend(settings.more.iter().cloned());
    args.push(settings.folder.display().to_string());
    Invocation::new("docker", &settings.folder).args(args).timeout(LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            folder: "/w".into(),
            dockerfile: "Dockerfile.production".to_owned(),
            names: vec!["ghcr.io/o/a:in-1".to_owned()],
            local_names: vec!["ghcr.io/o/a:in-1".to_owned(), "ghcr.io/o/a:2".to_owned()],
            push: false,
            load: false,
            platforms: Vec::new(),
            builder: None,
            caches: Vec::new(),
            write_caches: false,
            compression: "gzip".to_owned(),
            provenance: None,
            build_args: BTreeMap::new(),
            labels: BTreeMap::new(),
            secrets: Vec::new(),
            more: Vec::new(),
            metadata_file: "/w/target/m.json".into(),
        }
    }

    #[test]
    fn little_and_much() {
        let least = command(&settings()).to_string();
        expect_test::expect![[
            r#"docker buildx build --progress rawjson --file /w/Dockerfile.production --provenance false --metadata-file /w/target/m.json --output type=cacheonly /w"#
        ]]
        .assert_eq(&least);
        let most = Settings {
            push: true,
            load: true,
            platforms: vec!["linux/amd64".to_owned(), "linux/arm64".to_owned()],
            builder: Some("remote".to_owned()),
            caches: vec![
                LayerCache::Registry("ghcr.io/o/a:layers".to_owned()),
                LayerCache::GitHub("image".to_owned()),
            ],
            write_caches: true,
            compression: "zstd".to_owned(),
            provenance: Some("max".to_owned()),
            build_args: BTreeMap::from([("A".to_owned(), "1".to_owned())]),
            labels: BTreeMap::from([("l".to_owned(), "2".to_owned())]),
            secrets: vec![("aws_session_token", "AWS_SESSION_TOKEN")],
            more: vec!["--network=host".to_owned()],
            ..settings()
        };
        let most = command(&most).args.join("\n");
        expect_test::expect![[r#"
            buildx
            build
            --progress
            rawjson
            --file
            /w/Dockerfile.production
            --builder
            remote
            --platform
            linux/amd64,linux/arm64
            --build-arg
            A=1
            --label
            l=2
            --secret
            id=aws_session_token,env=AWS_SESSION_TOKEN
            --cache-from
            type=registry,ref=ghcr.io/o/a:layers
            --cache-to
            type=registry,ref=ghcr.io/o/a:layers,mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true
            --cache-from
            type=gha,scope=image
            --cache-to
            type=gha,scope=image,mode=max,ignore-error=true
            --provenance
            mode=max
            --metadata-file
            /w/target/m.json
            --output
            type=image,"name=ghcr.io/o/a:in-1",push=true,compression=zstd,oci-mediatypes=true,rewrite-timestamp=true,store=false
            --output
            type=docker,"name=ghcr.io/o/a:in-1,ghcr.io/o/a:2"
            --network=host
            /w"#]]
        .assert_eq(&most);
    }
}
