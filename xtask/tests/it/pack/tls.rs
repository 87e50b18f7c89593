//! A registry that is reached over TLS, with a certificate of an authority that only `SSL_CERT_FILE` knows.

use std::path::Path;
use std::process::Command;

use super::{registry_with_base, workspace};
use crate::registry::{Registry, is_there, own_address};

fn openssl(folder: &Path, args: &str) {
    let output = Command::new("openssl").args(args.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn an_authority_of_ones_own() {
    if !is_there("openssl") {
        return;
    }
    let Some(address) = own_address() else { return };
    let Some(bases) = registry_with_base() else { return };
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    std::fs::write(root.join("extensions"), format!("subjectAltName=IP:{address}\n")).unwrap();
    openssl(root, "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=tests");
    openssl(root, "req -newkey rsa:2048 -nodes -keyout own.key -out own.csr -subj /CN=registry");
    openssl(
        root,
        "x509 -req -in own.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out own.pem -days 2 -extfile extensions",
    );
    let Some(registry) = Registry::with_tls(&address, &root.join("own.pem"), &root.join("own.key")) else {
        return;
    };

    let mut workspace = workspace();
    let (image, base) = (format!("{}/team/app:1", registry.address()), format!("{}/base:1", bases.address()));
    let push = ["docker", "pack", "--push", "--image", &image, "--base", &base];
    workspace.set("SSL_CERT_FILE", root.join("ca.pem").display().to_string());
    let pushed = workspace.xtask(&push);
    assert_eq!(pushed.code, Some(0), "{}", pushed.stderr);
    let inspected = workspace.xtask(&["docker", "inspect", &image, "--format", "json"]);
    assert_eq!(inspected.code, Some(0), "{}", inspected.stderr);
    assert!(inspected.stdout.contains(pushed.stdout.trim()), "{}", inspected.stdout);
    // The base's layers are told by its name and digest, which are in the manifest.
    let report: serde_json::Value = serde_json::from_str(&inspected.stdout).unwrap();
    assert_eq!((&report["base"]["layers"], &report["base"]["name"]), (&5.into(), &base.as_str().into()));
    assert_eq!(report["layers"][6]["made_by"], "cargo xtask docker pack: binary");

    workspace.env.retain(|(name, _)| name != "SSL_CERT_FILE");
    workspace.set("SSL_CERT_FILE", "");
    let refused = workspace.xtask(&push);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(4), ""), "{}", refused.stderr);
    assert!(refused.stderr.contains("no trusted TLS connection"), "{}", refused.stderr);
    assert!(refused.stderr.contains("`SSL_CERT_FILE` names"), "{}", refused.stderr);
}
