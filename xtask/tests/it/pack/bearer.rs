//! Bearer tokens, with the real registry: a token service of the test's own signs what the registry verifies.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use expect_test::expect;
use serde_json::{Value, json};

use super::faults::is_tagging;
use super::server::{Reply, Seen, Server, forward, serve};
use super::{messages, push, push_as, pushed, workspace};
use crate::registry::{PASSWORD, Registry, USER, is_there, platform};

fn openssl(args: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A key and a certificate for it, which the registry trusts.
fn make_key(folder: &Path) {
    let path = |name: &str| folder.join(name).display().to_string();
    let (key, certificate) = (path("key.pem"), path("cert.pem"));
    let subject = ["-subj", "/CN=tests", "-days", "2"];
    let request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", &key, "-out", &certificate];
    openssl(&[&request[..], &subject].concat());
}

/// How long a token is good for, in seconds.
const LIFETIME: i64 = 300;
/// The same for one that has expired: the registry's clock may differ by a minute.
const EXPIRED: i64 = -120;

/// A token that gives these rights, e.g. `repository:app:pull,push`.
fn token(folder: &Path, scopes: &[String], lifetime: i64) -> String {
    let path = |name: &str| folder.join(name).display().to_string();
    let certificate = openssl(&["x509", "-in", &path("cert.pem"), "-outform", "DER"]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed();
    let access: Vec<Value> = scopes
        .iter()
        .map(|scope| {
            let parts: Vec<&str> = scope.split(':').collect();
            json!({"type": parts[0], "name": parts[1], "actions": parts[2].split(',').collect::<Vec<_>>()})
        })
        .collect();
    let header = json!({"typ": "JWT", "alg": "RS256", "x5c": [Base64::encode_string(&certificate)]});
    let claims = json!({"iss": "tests", "aud": "registry", "sub": USER, "jti": now.to_string(),
        "nbf": now - 1000, "iat": now - 1000, "exp": now + lifetime, "access": access});
    let encode = |bytes: &[u8]| Base64UrlUnpadded::encode_string(bytes);
    let signed =
        format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
    let file = folder.join(format!("signed-{:?}", std::thread::current().id()));
    fs::write(&file, &signed).unwrap();
    let signature = openssl(&["dgst", "-sha256", "-sign", &path("key.pem"), &file.display().to_string()]);
    format!("{signed}.{}", encode(&signature))
}

/// The scopes that a request for a token asks for.
fn scopes(request: &Seen) -> Vec<String> {
    let query = request.path.split_once('?').map_or("", |(_, query)| query);
    let values = query.split('&').filter_map(|parameter| parameter.strip_prefix("scope="));
    values.map(|scope| scope.replace("%3A", ":").replace("%2F", "/").replace("%2C", ",")).collect()
}

/// Knows one account. Nobody in particular may read the base.
fn token_service(folder: &Path) -> Server {
    let folder = folder.to_owned();
    let account = format!("Basic {}", Base64::encode_string(format!("{USER}:{PASSWORD}").as_bytes()));
    serve(move |request, _| {
        assert!(request.path.contains("service=registry"), "{}", request.path);
        let asked = scopes(request);
        let granted: Vec<String> = match request.header("authorization") {
            Some(given) if given == account => asked,
            Some(_) => return Reply::new(401, &[], "{\"details\": \"incorrect username or password\"}"),
            None => asked.into_iter().filter(|scope| scope == "repository:base:pull").collect(),
        };
        let told = json!({"token": token(&folder, &granted, LIFETIME), "expires_in": LIFETIME});
        Reply::new(200, &[], &told.to_string())
    })
}

/// A registry that lets in whoever has a token, with the service that gives them; the test itself has this right there.
/// The service answers GET alone, as many do: BuildKit tries POST first.
pub fn registry_with_tokens(folder: &Path, right: &str) -> Option<(Registry, Server)> {
    if !is_there("docker-registry") || !is_there("openssl") {
        return None;
    }
    make_key(folder);
    let behind = token_service(folder).address;
    let service = serve(move |request, _| match request.method.as_str() {
        "POST" => Reply::new(405, &[], ""),
        _ => super::server::forward(request, &behind),
    });
    let realm = format!("http://{}/token", service.address);
    let settings = format!(
        "auth:\n  token:\n    realm: {realm}\n    service: registry\n    issuer: tests\n    rootcertbundle: {}\n",
        folder.join("cert.pem").display()
    );
    let account = Base64::encode_string(format!("{USER}:{PASSWORD}").as_bytes());
    let asked = ureq::get(format!("{realm}?service=registry&scope={right}"));
    let answer = asked.header("authorization", format!("Basic {account}")).call().unwrap();
    let answer: Value = serde_json::from_slice(&answer.into_body().read_to_vec().unwrap()).unwrap();
    let own = format!("Bearer {}", answer["token"].as_str().unwrap());
    Some((Registry::with_settings(&settings, Some(own))?, service))
}

#[test]
fn tokens_for_exactly_what_is_done() {
    if !is_there("docker-registry") || !is_there("openssl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    make_key(folder.path());
    let service = token_service(folder.path());
    let settings = format!(
        "auth:\n  token:\n    realm: http://{}/token\n    service: registry\n    issuer: tests\n    \
         rootcertbundle: {}\n",
        service.address,
        folder.path().join("cert.pem").display()
    );
    let own = token(folder.path(), &["repository:base:pull,push".to_owned()], LIFETIME);
    let registry = Registry::with_settings(&settings, Some(format!("Bearer {own}"))).unwrap();
    registry.push_base("base", "1", platform());
    let mut workspace = workspace();

    // Nobody may read the base and gets no further.
    let nobody = push(&workspace, registry.address(), &[]);
    assert_eq!(nobody.code, Some(4), "{}", nobody.stderr);
    expect![[r#"
        error: cannot push to REGISTRY/app: the registry allows nobody in particular nothing
         hint: credentials were looked for in XTASK_REGISTRY_USERNAME and XTASK_REGISTRY_PASSWORD
            (not set), [root]/target/docker-config/config.json (nothing for REGISTRY)"#]]
    .assert_eq(&messages(&nobody, &workspace, &[(registry.address(), "REGISTRY")]));
    assert!(service.seen().iter().all(|request| request.header("authorization").is_none()));

    workspace.set("XTASK_REGISTRY_USERNAME", USER);
    workspace.set("XTASK_REGISTRY_PASSWORD", PASSWORD);
    let before = service.seen().len();
    let report = pushed(&workspace, registry.address(), &[]);
    assert_eq!(report["layers"][0]["state"], "mounted", "{report:#}");
    let asked: Vec<Vec<String>> = service.seen()[before..].iter().map(scopes).collect();
    let reading = vec!["repository:base:pull"];
    let pushing = vec!["repository:app:pull,push", "repository:base:pull"];
    assert_eq!(asked, [reading, pushing], "one token for reading and one for pushing");

    workspace.env.retain(|(name, _)| name != "XTASK_REGISTRY_PASSWORD");
    workspace.set("XTASK_REGISTRY_PASSWORD", "not the password");
    let wrong = push_as(&workspace, registry.address(), "other", &[]);
    assert_eq!(wrong.code, Some(4), "{}", wrong.stderr);
    expect![[r#"
        error: step `read base`: cannot read REGISTRY/base as `tester`: the registry answers 401
         hint: the credentials are from XTASK_REGISTRY_USERNAME and XTASK_REGISTRY_PASSWORD; they
            are wrong, or lack the right to pull; a name that does not exist is refused like this
            too"#]]
    .assert_eq(&messages(&wrong, &workspace, &[(registry.address(), "REGISTRY")]));
    for run in [&nobody, &wrong] {
        assert!(!run.stderr.contains("not the password") && !run.stderr.contains("eyJ"), "{}", run.stderr);
    }

    // A token that expires before the image has its tag is changed for another; where all are expired, that is the end.
    workspace.set("XTASK_REGISTRY_PASSWORD", PASSWORD);
    let scopes_of_push = ["repository:late:pull,push", "repository:base:pull"].map(str::to_owned);
    let expired = token(folder.path(), &scopes_of_push, EXPIRED);
    let once = with_tokens(&registry, &expired, |number| number == 0);
    let before = service.seen().len();
    let late = push_as(&workspace, &once.address, "late", &[]);
    assert_eq!(late.code, Some(0), "{}", late.stderr);
    let asked = service.seen()[before..].iter().map(scopes).collect::<Vec<_>>();
    assert_eq!(
        asked,
        [vec!["repository:base:pull".to_owned()], scopes_of_push.to_vec(), scopes_of_push.to_vec()]
    );
    let taggings = registry.requests().into_iter().filter(|request| request.starts_with(TAGGING));
    let answers: Vec<String> = taggings.map(|request| request[request.len() - 3..].to_owned()).collect();
    assert_eq!(answers, ["401", "201"]);
    let never = with_tokens(&registry, &expired, |_| true);
    let refused = push_as(&workspace, &never.address, "late", &["--force"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(4), ""), "{}", refused.stderr);
    assert!(refused.stderr.contains("/late as `tester`: the registry answers 401"), "{}", refused.stderr);
    assert!(!format!("{}{}", late.stderr, refused.stderr).contains("eyJ"), "{}", refused.stderr);
}

/// The request that gives the image of this test a tag, in the registry's log.
const TAGGING: &str = "PUT /v2/late/manifests/";

/// A way to the registry on which chosen requests for a tag come with another token. The closure is told how many such
/// requests there were before.
fn with_tokens(
    registry: &Registry,
    other: &str,
    is_chosen: impl Fn(usize) -> bool + Send + Sync + 'static,
) -> Server {
    let (behind, other, count) =
        (registry.address().to_owned(), format!("Bearer {other}"), AtomicUsize::new(0));
    serve(move |request, _| {
        let mut request = request.clone();
        if is_tagging(&request) && is_chosen(count.fetch_add(1, Ordering::SeqCst)) {
            for (_, value) in request.headers.iter_mut().filter(|(name, _)| name == "authorization") {
                value.clone_from(&other);
            }
        }
        forward(&request, &behind)
    })
}
