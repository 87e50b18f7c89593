//! Credentials and tokens, as far as this machine shows them.

use super::{Patient, case, case_by_hand};

/// Adds to the workspace's metadata.
pub fn metadata(patient: &Patient, lines: &str) {
    let manifest = patient.workspace.read("Cargo.toml");
    patient.workspace.write("Cargo.toml", &format!("{manifest}\n[workspace.metadata.xtask]\n{lines}\n"));
}

#[test]
fn registries() {
    case_by_hand(
        "registry",
        "image-name",
        |patient| metadata(patient, "image = \"https://ghcr.io/owner/app\""),
        |patient| patient.workspace.edit("Cargo.toml", "https://ghcr.io", "ghcr.io"),
    );
    let found = case("registry", "registry-credentials-missing", |patient| {
        metadata(patient, "image = \"ghcr.io/owner/app\"");
        let login = "[ \"$*\" = 'login ghcr.io' ] && mkdir -p \"$DOCKER_CONFIG\" && \
                     printf '{\"auths\": {\"ghcr.io\": {\"auth\": \"bWU6aHVudGVyMg==\"}}}' > \"$DOCKER_CONFIG/config.json\"";
        patient.program("docker", login);
    });
    assert!(found["found"].as_str().unwrap().contains("XTASK_REGISTRY_USERNAME"), "{found:#}");
    case_by_hand(
        "registry",
        "registry-credentials-unusable",
        |patient| {
            metadata(patient, "image = \"ghcr.io/owner/app\"");
            patient.set("XTASK_REGISTRY_USERNAME", "me");
        },
        |patient| patient.set("XTASK_REGISTRY_PASSWORD", "hunter2"),
    );
}

#[test]
fn railway() {
    case("railway", "railway-two-tokens", |patient| {
        patient.set("RAILWAY_TOKEN", "one");
        patient.set("RAILWAY_API_TOKEN", "two");
    });
    case_by_hand(
        "railway",
        "railway-token-missing",
        |patient| patient.workspace.write("railway.toml", "[deploy]\n"),
        |patient| patient.set("RAILWAY_TOKEN", "one"),
    );
    case_by_hand(
        "railway",
        "railway-token-unusable",
        |patient| patient.set("RAILWAY_TOKEN", "cut in\ntwo"),
        |patient| patient.set("RAILWAY_TOKEN", "whole"),
    );
}
