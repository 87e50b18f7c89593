//! Images in a registry: what they are made of, what changed, and what is too large.

use serde_json::json;

use super::{report, run, workspace};
use crate::registry::{Registry, platform};

/// A layer with these files, by path and size.
fn files(files: &[(&str, usize)]) -> Vec<(String, Vec<u8>)> {
    files
        .iter()
        .map(|(path, size)| ((*path).to_owned(), path.bytes().cycle().take(*size).collect()))
        .collect()
}

#[test]
fn layers_files_and_what_changed() {
    let Some(registry) = Registry::start() else { return };
    let workspace = workspace();
    let (one, two) = (format!("{}/app:1", registry.address()), format!("{}/app:2", registry.address()));
    let old = files(&[("app/server", 50_000), ("app/site/a.js", 2_000), ("app/gone", 10)]);
    registry.push_base_with("app", "1", platform(), &old);
    let new = files(&[("app/server", 90_000), ("app/site/a.js", 2_000), ("app/new", 30)]);
    let descriptor = registry.push_base_with("app", "2", platform(), &new);

    let report = report(&workspace, &["inspect", &two, "--compare", &one]);
    assert_eq!((&report["schema"], &report["digest"]), (&json!("xtask.inspect/1"), &descriptor["digest"]));
    assert_eq!((&report["platform"], report["layers"].as_array().unwrap().len()), (&json!(platform()), 5));
    assert_eq!(report["largest"][0], json!({"path": "/app/server", "size": 90_000, "layer": 4}));
    assert_eq!(report["base"], json!(null));
    let manifest = registry.manifest("app", "2").json();
    let sum = |name: &str| {
        report["layers"].as_array().unwrap().iter().map(|l| l[name].as_u64().unwrap()).sum::<u64>()
    };
    let sent: u64 = manifest["layers"].as_array().unwrap().iter().map(|l| l["size"].as_u64().unwrap()).sum();
    assert_eq!((sum("size"), report["size"].as_u64().unwrap()), (sent, sent));
    assert_eq!(sum("raw_size"), report["raw_size"].as_u64().unwrap());
    let difference = &report["difference"];
    assert_eq!((&difference["shared_layers"], &difference["added"]), (&json!(4), &json!(1)));
    assert_eq!((&difference["removed"], &difference["changed"]), (&json!(1), &json!(1)));
    assert_eq!(difference["files"][0], json!({"path": "/app/server", "before": 50_000, "after": 90_000}));
    assert_eq!(difference["fetched"], manifest["layers"][4]["size"]);

    let shown = run(&workspace, &["inspect", &two, "--warn", "1B"]);
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    assert!(shown.stdout.contains("warning `over-budget`"), "{}", shown.stdout);
    workspace
        .write("Cargo.toml", "[workspace]\n[workspace.metadata.xtask.budgets]\nimage-fail = \"0.1kB\"\n");
    let failed = run(&workspace, &["inspect", &two, "--format", "markdown"]);
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    assert!(
        failed.stdout.contains("error `over-budget`") && failed.stdout.starts_with("### "),
        "{}",
        failed.stdout
    );
    assert!(failed.stderr.contains("the budget is 0.00 MB"), "{}", failed.stderr);
}

#[test]
fn the_image_before_may_be_gone() {
    let Some(registry) = Registry::start() else { return };
    let workspace = workspace();
    registry.push_base_with("app", "2", platform(), &files(&[("app/server", 100)]));
    let repository = format!("{}/app", registry.address());
    let digest = format!("sha256:{}", "1".repeat(64));
    let gone = format!("{repository}@{digest}");
    let pushed = json!({"repository": repository, "digest": digest, "reference": gone, "started": "2026"});
    workspace.write("target/xtask/records/pack.jsonl", &format!("{pushed}\n"));
    let image = format!("{repository}:2");
    let report = report(&workspace, &["inspect", &image]);
    assert_eq!(report["difference"], json!(null));
    let run = |args: &[&str]| run(&workspace, &[&["inspect", &image], args].concat());
    let looked = run(&[]);
    assert!(
        looked.stderr.contains(&format!("note: compared with nothing: the image {gone} is not in")),
        "{}",
        looked.stderr
    );
    // Whoever names one wants that one.
    assert_eq!(run(&["--compare", &gone]).code, Some(4));
}

#[test]
fn indexes_have_to_be_chosen_from() {
    let Some(registry) = Registry::start() else { return };
    let workspace = workspace();
    registry.push_base_index("app", "1", &["linux/s390x", "linux/amd64"]);
    let image = format!("{}/app:1", registry.address());
    let asked = run(&workspace, &["inspect", &image]);
    assert_eq!(asked.code, Some(4), "{}", asked.stderr);
    assert!(asked.stderr.contains("`--platform` chooses one: linux/amd64, linux/s390x"), "{}", asked.stderr);
    let chosen = report(&workspace, &["inspect", &image, "--platform", "linux/s390x"]);
    assert_eq!(chosen["platform"], "linux/s390x");
    assert_ne!(chosen["digest"], chosen["manifest"]);
    // One image beside its attestation needs no choice.
    registry.push_base_index("app", "2", &["linux/s390x"]);
    let only = report(&workspace, &["inspect", &format!("{}/app:2", registry.address())]);
    assert_eq!(only["platform"], "linux/s390x");
    let absent = run(&workspace, &["inspect", &format!("{}/app:none", registry.address())]);
    assert_eq!(absent.code, Some(4), "{}", absent.stderr);
    assert!(absent.stderr.contains("is not in its registry"), "{}", absent.stderr);
}
