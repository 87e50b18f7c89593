//! GitHub's package API, modelled by its documented shapes (`GET …/packages/container/NAME`, `…/versions`, and DELETE of
//! a version) in front of a real registry: a version is a manifest there, and deleting it deletes the manifest.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{report, run, workspace};
use crate::pack::server::{Reply, Seen, Server, serve};
use crate::registry::{OCI_MANIFEST, Registry};
use crate::support::Workspace;

const TOKEN: &str = "ghp_atokenofatest0123456789";

/// What the model knows of one version.
#[derive(Clone)]
struct Version {
    id: u64,
    digest: String,
    tags: Vec<String>,
    day: u32,
    /// GitHub refuses to delete what was downloaded often.
    is_popular: bool,
}

struct GitHub {
    server: Server,
    registry: Arc<Registry>,
    versions: Arc<Mutex<Vec<Version>>>,
}

/// The organisation `team` with the package `app`, linked to `team/app`.
fn github(registry: Registry) -> GitHub {
    let (registry, versions) = (Arc::new(registry), Arc::new(Mutex::new(Vec::<Version>::new())));
    let (behind, known) = (Arc::clone(&registry), Arc::clone(&versions));
    let server = serve(move |request, _| answer(request, &behind, &known));
    GitHub { server, registry, versions }
}

fn answer(request: &Seen, registry: &Registry, known: &Mutex<Vec<Version>>) -> Reply {
    let reply = |status: u16, body: Value| Reply::new(status, &[], &body.to_string());
    if request.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
        return reply(401, json!({"message": "Bad credentials"}));
    }
    assert_eq!(request.header("accept"), Some("application/vnd.github+json"));
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let Some(rest) = path.strip_prefix("/orgs/team/packages/container/nested%2Fapp") else {
        return reply(
            404,
            json!({"message": "Package not found.", "documentation_url": "https://docs.github.com"}),
        );
    };
    let mut versions = known.lock().unwrap();
    match (request.method.as_str(), rest) {
        ("GET", "") => reply(
            200,
            json!({"id": 1, "name": "nested/app", "package_type": "container", "version_count": versions.len(),
                   "visibility": "private", "owner": {"login": "team", "type": "Organization"},
                   "repository": {"id": 2, "name": "app", "full_name": "team/app"}}),
        ),
        ("GET", "/versions") => {
            let number = |name: &str| -> usize {
                let pair = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
                pair.unwrap().parse().unwrap()
            };
            let page =
                versions.iter().skip((number("page") - 1) * number("per_page")).take(number("per_page"));
            let shown = |version: &Version| {
                json!({"id": version.id, "name": version.digest, "url": "https://api.github.com/x",
                       "created_at": "2026-01-01T00:00:00Z", "updated_at": format!("2026-01-{:02}T00:00:00Z", version.day),
                       "metadata": {"package_type": "container", "container": {"tags": version.tags}}})
            };
            reply(200, page.map(shown).collect())
        }
        ("DELETE", rest) => {
            let id: u64 = rest.strip_prefix("/versions/").unwrap().parse().unwrap();
            let Some(index) = versions.iter().position(|version| version.id == id) else {
                return reply(404, json!({"message": "Not Found"}));
            };
            if versions[index].is_popular {
                let message =
                    "Publicly visible package versions with more than 5000 downloads cannot be deleted.";
                return reply(400, json!({"message": message}));
            }
            let gone = versions.remove(index);
            let path = format!("/v2/team/nested/app/manifests/{}", gone.digest);
            assert_eq!(registry.send("DELETE", &path, "", &[]).status, 202);
            Reply::new(204, &[], "")
        }
        other => panic!("no such operation: {other:?}"),
    }
}

impl GitHub {
    fn add(&self, id: u64, digest: &str, day: u32, tags: &[&str]) {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        self.versions.lock().unwrap().push(Version {
            id,
            digest: digest.to_owned(),
            tags,
            day,
            is_popular: false,
        });
    }

    /// An index with an attestation as BuildKit pushes it, as three versions. Its digest.
    fn push_index(&self, first_id: u64, tag: &str, day: u32, architecture: &str) -> String {
        let platform = format!("linux/{architecture}");
        let index = self.registry.push_base_index("team/nested/app", tag, &[&platform]);
        let manifest = self.registry.manifest("team/nested/app", &index).json();
        for (number, entry) in manifest["manifests"].as_array().unwrap().iter().enumerate() {
            let digest = entry["digest"].as_str().unwrap();
            if !self.versions.lock().unwrap().iter().any(|version| version.digest == digest) {
                self.add(first_id + 1 + number as u64, digest, day, &[]);
            }
        }
        self.add(first_id, &index, day, &[tag]);
        index
    }

    /// Layers for builds as BuildKit keeps them, under a tag that people chose.
    fn push_layers(&self, id: u64, tag: &str, day: u32) -> String {
        let config = self.registry.push_blob("team/nested/app", b"{}");
        let manifest = json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": [],
            "config": {"mediaType": "application/vnd.buildkit.cacheconfig.v0", "size": 2, "digest": config},
        });
        let digest = self.registry.push_manifest("team/nested/app", tag, &manifest);
        self.add(id, &digest, day, &[tag]);
        digest
    }

    fn workspace(&self) -> Workspace {
        let mut workspace = workspace();
        workspace.set("GITHUB_API_URL", format!("http://{}", self.server.address));
        workspace.set("XTASK_GHCR_HOST", self.registry.address());
        workspace.set("GITHUB_TOKEN", TOKEN);
        workspace
    }

    fn name(&self) -> String {
        format!("{}/team/nested/app", self.registry.address())
    }

    fn has(&self, digest: &str) -> bool {
        self.registry.get(&format!("/v2/team/nested/app/manifests/{digest}")).status == 200
    }

    /// Whether every manifest that the index names can be read.
    fn is_whole(&self, index: &str) -> bool {
        let index = self.registry.manifest("team/nested/app", index).json();
        index["manifests"].as_array().unwrap().iter().all(|entry| self.has(entry["digest"].as_str().unwrap()))
    }
}

#[test]
fn whose_package_it_is_and_what_is_in_it() {
    let Some(registry) = Registry::start() else { return };
    let github = github(registry);
    let mut workspace = github.workspace();
    github.push_index(10, "latest", 20, "amd64");
    let image = format!("{}:latest", github.name());
    let told = report(&workspace, &["inspect", &image]);
    let ghcr = &told["ghcr"];
    assert_eq!((&ghcr["is_public"], &ghcr["repository"]), (&json!(true), &json!("team/app")));
    assert_eq!((&ghcr["versions"], &ghcr["unreferenced"]), (&json!(3), &json!(0)), "{ghcr:#}");
    assert_eq!(told["findings"][0]["rule"], "no-source-label");

    // Without a token everything else is told all the same.
    workspace.set("GITHUB_TOKEN", "");
    let told = report(&workspace, &["inspect", &image]);
    assert_eq!((&told["ghcr"]["is_public"], &told["ghcr"]["versions"]), (&json!(true), &json!(null)));
    assert!(told["ghcr"]["problem"].as_str().unwrap().contains("GITHUB_TOKEN is not set"), "{told:#}");
    workspace.set("GITHUB_TOKEN", "ghp_awrongtokenofatest0123");
    let shown = run(&workspace, &["inspect", &image]);
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    assert!(shown.stdout.contains("GitHub answers 401 (Bad credentials)"), "{}", shown.stdout);
    assert!(!format!("{}{}", shown.stdout, shown.stderr).contains("ghp_"));
}

#[test]
fn a_private_package_is_pulled_with_credentials() {
    let Some(registry) = Registry::with_password() else { return };
    let github = github(registry);
    let mut workspace = github.workspace();
    github.push_index(10, "latest", 20, "amd64");
    workspace.set("XTASK_REGISTRY_USERNAME", crate::registry::USER);
    workspace.set("XTASK_REGISTRY_PASSWORD", crate::registry::PASSWORD);
    // The variables are for the registry that this workspace pushes to, and go to no other.
    let image = format!("{}:latest", github.name());
    assert_eq!(run(&workspace, &["inspect", &image]).code, Some(4));
    let metadata = format!("[workspace]\n[workspace.metadata.xtask]\nimage = \"{}\"\n", github.name());
    workspace.write("Cargo.toml", &metadata);
    let told = report(&workspace, &["inspect", &image]);
    let ghcr = &told["ghcr"];
    assert_eq!((&ghcr["is_public"], &ghcr["pulled_as"]), (&json!(false), &json!(crate::registry::USER)));
    let rules: Vec<&str> = told["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect();
    assert_eq!(rules, ["not-public", "no-source-label"]);
}

#[test]
fn pruning_breaks_no_index() {
    let Some(registry) = Registry::start() else { return };
    let github = github(registry);
    let workspace = github.workspace();
    // Before all images, and none of those that are kept for being new.
    let layers = github.push_layers(50, "layers-of-ci", 1);
    // All of them have the attestation in common.
    let newest = github.push_index(10, "sha-3", 20, "amd64");
    let release = github.push_index(20, "1.0.0", 2, "s390x");
    let old = github.push_index(30, "sha-1", 3, "arm64");
    let deployed = github.push_index(40, "sha-0", 1, "riscv64");
    let keep = ["--keep", "1", "--keep-days", "1", "--keep-image", &deployed];
    let name = github.name();

    let plan = run(&workspace, &[&["prune", &name, "--dry-run"], &keep[..]].concat());
    assert_eq!(plan.code, Some(0), "{}", plan.stderr);
    assert!(plan.stdout.contains("# delete 2 versions of "), "{}", plan.stdout);
    // Who deploys from elsewhere is told what nobody here can know.
    let protection =
        "no deployment is on record on this machine; `--keep-image` keeps 1 image, and no other: ";
    assert!(plan.stdout.contains(&format!("\n# {protection}")), "{}", plan.stdout);
    let asked = run(&workspace, &[&["prune", &name], &keep[..]].concat());
    assert_eq!(asked.code, Some(2), "{}", asked.stderr);
    assert!(asked.stderr.contains(&format!("answer: {protection}")), "{}", asked.stderr);
    assert!(!github.server.seen().iter().any(|request| request.method == "DELETE"));

    let pruned = report(&workspace, &[&["prune", &name, "--yes"], &keep[..]].concat());
    assert_eq!(pruned["deleted"], 2, "{pruned:#}");
    let deleted: Vec<String> = github
        .server
        .seen()
        .iter()
        .filter(|request| request.method == "DELETE")
        .map(|request| request.path.rsplit('/').next().unwrap().to_owned())
        .collect();
    assert_eq!(
        deleted,
        ["30", "32"],
        "the index before its image, and not the attestation that others have too"
    );
    assert!(!github.has(&old));
    assert!(github.has(&layers));
    for index in [&newest, &release, &deployed] {
        assert!(github.is_whole(index), "{index}");
    }

    // Again there is nothing to do, and nobody is asked.
    let again = report(&workspace, &[&["prune", &name], &keep[..]].concat());
    assert_eq!(again["deleted"], 0);

    // What GitHub refuses to delete keeps its parts.
    github.versions.lock().unwrap().iter_mut().for_each(|version| version.is_popular = version.id == 40);
    let refused =
        run(&workspace, &["prune", &name, "--yes", "--keep", "1", "--keep-days", "1", "--format", "json"]);
    assert_eq!(refused.code, Some(4), "{}", refused.stderr);
    assert!(refused.stderr.contains("GitHub refused to delete 1 version"), "{}", refused.stderr);
    assert!(refused.stdout.contains("more than 5000 downloads"), "{}", refused.stdout);
    assert!(github.is_whole(&deployed));
    let nothing = "note: no deployment is on record on this machine, so none is kept for its sake: ";
    assert!(refused.stderr.contains(nothing), "{}", refused.stderr);

    // What was deployed from here needs no name.
    let run_of_ours = json!({"image": format!("{name}@{deployed}")});
    workspace.write("target/xtask/records/deploy.jsonl", &format!("{run_of_ours}\n"));
    let kept = run(&workspace, &["prune", &name, "--dry-run", "--keep", "1", "--keep-days", "1"]);
    assert_eq!(kept.code, Some(0), "{}", kept.stderr);
    assert!(kept.stdout.contains("# delete 0 versions of "), "{}", kept.stdout);
    let protection = "\n# records of deployments from this machine keep 1 image, and no other: ";
    assert!(kept.stdout.contains(protection), "{}", kept.stdout);
}

#[test]
fn nothing_is_deleted_where_an_index_cannot_be_read() {
    let Some(registry) = Registry::start() else { return };
    let github = github(registry);
    let workspace = github.workspace();
    github.push_index(10, "sha-1", 3, "amd64");
    let broken = json!({"schemaVersion": 2, "mediaType": crate::registry::OCI_INDEX, "manifests": []});
    let digest = github.registry.push_manifest("team/nested/app", "odd", &broken);
    github.add(50, &digest, 20, &["odd"]);
    let right = run(&workspace, &["prune", &github.name(), "--dry-run", "--keep", "0"]);
    assert_eq!(right.code, Some(0), "{}", right.stderr);
    // A registry that answers with something else.
    let liar =
        serve(|_, _| Reply::new(200, &[("content-type", "application/json")], "{\"mediaType\": \"odd\"}"));
    let mut workspace = github.workspace();
    workspace.set("XTASK_GHCR_HOST", &liar.address);
    let refused =
        run(&workspace, &["prune", &format!("{}/team/nested/app", liar.address), "--yes", "--keep", "0"]);
    assert_eq!(refused.code, Some(4), "{}", refused.stderr);
    assert!(!github.server.seen().iter().any(|request| request.method == "DELETE"));
}
