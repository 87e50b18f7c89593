//! `docker pack` on the fixture workspace, into a real registry.

use crate::registry::{self, PASSWORD, Registry, USER};

#[test]
fn the_registry_of_these_tests_keeps_what_it_is_given() {
    let Some(registry) = Registry::start() else { return };
    let index = registry.push_base_index("base", "1", &[registry::platform(), "linux/s390x"]);
    assert_eq!(registry.manifest("base", "1").digest, Some(index));
    assert!(registry.requests().contains(&"GET /v2/base/manifests/1 200".to_owned()));
    let before = registry.requests().len();
    registry.get("/v2/base/manifests/none");
    assert_eq!(registry.changes_since(before), [""; 0]);
    let closed = Registry::with_password().unwrap();
    closed.push_base("base", "1", registry::platform());
    let open = registry.get(&format!("http://{}/v2/base/manifests/1", closed.address()));
    assert_eq!((open.status, USER.is_empty(), PASSWORD.is_empty()), (401, false, false));
}
