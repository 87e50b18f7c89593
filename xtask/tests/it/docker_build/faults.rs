//! What can go wrong between us, Docker and registries, and the test that shows what becomes of it, with its folder of
//! `tests/it`.
//!
//! | fault | test |
//! |---|---|
//! | 11: no engine, none that answers, none that lets us, no buildx | `fakes/what_docker_lacks_is_named`, `smoke/without_docker_it_says_what_to_install`, `smoke/an_engine_or_registry_that_does_not_answer_is_named`, `docker_build/a_builder_elsewhere_builds_it` |
//! | 12: a base that is not there, or another one | `docker_build/bases_that_are_not_there`, `pack/bases_that_do_not_fit`, `pack/what_passes_and_what_does_not` |
//! | 13: 401, 403, 404 | `pack/a_registry_with_a_password`, `pack/tokens_for_exactly_what_is_done`, `docker_build/accounts_for_a_push`, `smoke/it_is_pulled_as_the_account_of_the_variables` |
//! | 14: 429 with `Retry-After`, 500, 503 | `pack/what_passes_and_what_does_not`, `fakes/what_the_network_did_is_tried_again` |
//! | 15: a connection that breaks or stands still, half a manifest | `pack/what_passes_and_what_does_not`, `docker_build/ctrl_c_while_it_builds_and_while_it_sends` |
//! | 16: a tag that names another image by now | `deploy/a_tag_is_no_digest`, `pack/one_image_from_two_checkouts` |
//! | 17: a registry that takes nothing, a manifest that was deleted | `pack/what_passes_and_what_does_not`, `docker_build/what_was_deleted_is_made_again`, `deploy/an_image_that_is_not_there` |
//! | 37: secrets in what is said, recorded and sent | `docker_build/no_dependency_is_compiled_after_the_cook`, `pack/credentials_go_nowhere_else`, `smoke/a_secret_is_seen_by_the_server_alone`, `smoke/secrets_in_the_image`, `smoke/secrets_in_provenance`, `deploy/good_runs_keep_them`, `deploy/failing_runs_keep_them` |

use std::path::Path;

use crate::support::contents;

const FAULTS: [u32; 8] = [11, 12, 13, 14, 15, 16, 17, 37];

#[test]
fn every_fault_has_its_test() {
    let rows: Vec<&str> =
        include_str!("faults.rs").lines().filter(|line| line.starts_with("//! | ")).collect();
    for number in FAULTS {
        let row = rows.iter().find(|row| row.starts_with(&format!("//! | {number}: ")));
        let row = row.unwrap_or_else(|| panic!("fault {number} has no test"));
        for test in row.rsplit(" | ").next().unwrap().split('`').skip(1).step_by(2) {
            let (room, name) = test.split_once('/').unwrap();
            let room = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it").join(room);
            let is_there = contents(&room).values().any(|text| text.contains(&format!("fn {name}(")));
            assert!(is_there, "{number}: there is no test `{test}`");
        }
    }
}
