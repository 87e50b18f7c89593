//! What other machines say, with real services on loopback: a registry, the Railway model, a server that answers like
//! GitHub or a bucket.

use super::accounts::metadata;
use super::{Patient, case, case_by_hand};
use crate::pack::server::{Reply, serve};
use crate::railway_model::model::Model;
use crate::registry::{PASSWORD, Registry, USER, platform};

fn image(patient: &Patient, registry: &Registry) {
    metadata(patient, &format!("image = \"{}/app\"", registry.address()));
}

fn log_in(patient: &mut Patient, password: &str) {
    patient.set("XTASK_REGISTRY_USERNAME", USER);
    patient.set("XTASK_REGISTRY_PASSWORD", password);
}

#[test]
fn registries() {
    let (Some(closed), Some(open)) = (Registry::with_password(), Registry::start()) else { return };
    open.push_base("app", "latest", platform());
    case_by_hand(
        "network",
        "image-private",
        |patient| {
            image(patient, &closed);
            log_in(patient, PASSWORD);
        },
        |patient| patient.workspace.edit("Cargo.toml", closed.address(), open.address()),
    );
    let found = case_by_hand(
        "network",
        "registry-refuses",
        |patient| {
            image(patient, &closed);
            log_in(patient, "wrong");
        },
        |patient| log_in(patient, PASSWORD),
    );
    assert!(found["fix"]["advice"].as_str().unwrap().contains("XTASK_REGISTRY_USERNAME"), "{found:#}");
    // The command needs the whole app; here the image is put there by hand.
    let mut patient = Patient::new();
    let Some(empty) = Registry::start() else { return };
    image(&patient, &empty);
    patient.set("XTASK_REGISTRY_USERNAME", "");
    let found = patient.finding("network", "image-absent");
    assert_eq!(found["fix"]["command"], "cargo xtask docker pack --push");
    empty.push_base("app", "latest", platform());
    assert_eq!(super::found(&patient.look("network"), "image-absent"), None);
    assert_eq!(closed.changes_since(0), [""; 0]);
}

/// A token service that grants less than was asked for says so in the token.
#[test]
fn a_right_that_is_not_granted() {
    use base64ct::{Base64UrlUnpadded, Encoding};
    let server = serve(|request, address| {
        let granted = |actions: &str| {
            let claims = format!(
                "{{\"access\": [{{\"type\": \"repository\", \"name\": \"app\", \"actions\": [{actions}]}}]}}"
            );
            let token = format!("e30.{}.x", Base64UrlUnpadded::encode_string(claims.as_bytes()));
            Reply::new(200, &[], &format!("{{\"token\": \"{token}\"}}"))
        };
        let challenge = format!("Bearer realm=\"http://{address}/token\",service=\"registry\"");
        match (request.path.starts_with("/token"), request.header("authorization")) {
            // Only this account may push.
            (true, Some("Basic dGVzdGVyOnJpZ2h0")) => granted("\"pull\", \"push\""),
            (true, _) => granted("\"pull\""),
            (false, None) => Reply::new(401, &[("www-authenticate", &challenge)], ""),
            (false, Some(_)) if request.path == "/v2/" => Reply::new(200, &[], "{}"),
            (false, Some(_)) => Reply::new(404, &[], "{}"),
        }
    });
    let found = case_by_hand(
        "network",
        "registry-refuses",
        |patient| {
            metadata(patient, &format!("image = \"{}/app\"", server.address));
            log_in(patient, "reader");
        },
        |patient| log_in(patient, "right"),
    );
    assert!(found["found"].as_str().unwrap().ends_with("the registry allows `tester` pull"), "{found:#}");
    assert!(server.seen().iter().all(|request| ["GET", "HEAD"].contains(&request.method.as_str())));
}

#[test]
fn railway() {
    let model = Model::start(&["--runner", "process"]);
    let found = case_by_hand(
        "network",
        "railway-refuses",
        |patient| {
            patient.set("RAILWAY_BACKBOARD_URL", model.told("base_url"));
            patient.set("RAILWAY_TOKEN", "not-a-token");
        },
        |patient| patient.set("RAILWAY_TOKEN", model.told("project_token")),
    );
    assert!(found["found"].as_str().unwrap().contains("Not Authorized"), "{found:#}");
    // The right token of the wrong kind.
    case_by_hand(
        "network",
        "railway-refuses",
        |patient| {
            patient.set("RAILWAY_BACKBOARD_URL", model.told("base_url"));
            patient.set("RAILWAY_TOKEN", model.told("api_token"));
        },
        |patient| {
            patient.set("RAILWAY_TOKEN", "");
            patient.set("RAILWAY_API_TOKEN", model.told("api_token"));
            patient.set("RAILWAY_PROJECT_ID", model.told("project"));
            patient.set("RAILWAY_ENVIRONMENT_ID", model.told("environment"));
        },
    );
    let requests = model.control("requests");
    assert!(requests.as_array().unwrap().iter().all(|request| request["kind"] == "query"), "{requests:#}");
}

#[test]
fn github() {
    let server = serve(|request, _| match request.header("authorization") {
        Some("Bearer fine") => Reply::new(200, &[], "{}"),
        _ => Reply::new(401, &[], "{\"message\": \"Bad credentials\"}"),
    });
    let with = |patient: &mut Patient, token: &str| {
        patient.set("GITHUB_API_URL", format!("http://{}", server.address));
        patient.set("GITHUB_TOKEN", token);
    };
    case("network", "github-token-refused", |patient| with(patient, "revoked"));
    case_by_hand(
        "network",
        "github-silent",
        |patient| {
            with(patient, "fine");
            patient.set("GITHUB_API_URL", "http://127.0.0.1:9");
        },
        |patient| with(patient, "fine"),
    );

    // A classic token that may not write packages; `gh` gets it the right.
    let folder = tempfile::tempdir().unwrap();
    let granted = folder.path().join("granted");
    let file = granted.clone();
    let server = serve(move |_, _| {
        let scopes = if file.exists() { "repo, write:packages" } else { "repo" };
        Reply::new(200, &[("x-oauth-scopes", scopes)], "{}")
    });
    case("network", "github-token-scopes", |patient| {
        patient.set("GITHUB_API_URL", format!("http://{}", server.address));
        patient.set("GITHUB_TOKEN", "classic");
        metadata(patient, "image = \"ghcr.io/owner/app\"");
        // GitHub's own registry is not asked: nothing listens where the proxy should be.
        patient.set("HTTPS_PROXY", "http://127.0.0.1:9");
        patient.set("https_proxy", "http://127.0.0.1:9");
        let refresh = "[ \"$*\" = 'auth refresh --scopes write:packages' ] && : > ";
        patient.program("gh", &format!("{refresh}{}", granted.display()));
    });
}

#[test]
fn buckets_and_engines() {
    let storage = serve(|request, _| match request.path.as_str() {
        "/here" => Reply::new(403, &[("x-amz-bucket-region", "eu-north-1")], ""),
        _ => Reply::new(404, &[], ""),
    });
    let with = |patient: &mut Patient, bucket: &str| {
        patient.set("SCCACHE_ENDPOINT", format!("http://{}", storage.address));
        patient.set("SCCACHE_BUCKET", bucket);
    };
    case("network", "bucket-absent", |patient| with(patient, "gone"));
    let found = case("network", "bucket-elsewhere", |patient| {
        with(patient, "here");
        patient.set("SCCACHE_REGION", "us-east-1");
    });
    assert_eq!(found["fix"]["command"], "export SCCACHE_REGION=eu-north-1");
    case("network", "bucket-silent", |patient| {
        with(patient, "here");
        patient.set("SCCACHE_ENDPOINT", "http://127.0.0.1:9");
    });
    assert!(storage.seen().iter().all(|request| request.method == "HEAD"));
    case("network", "remote-engine-silent", |patient| {
        patient.program("docker", "echo 'cannot connect' >&2; exit 1");
        patient.set("DOCKER_HOST", "tcp://builder.invalid:2375");
    });
}
