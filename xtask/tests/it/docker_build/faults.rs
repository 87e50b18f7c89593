//! What can go wrong between us, Docker and registries, and the tests that show what becomes of it, with their folder of
//! `tests/it` (or of the crate, for a unit test). The real component is Docker's engine, BuildKit or `docker-registry`; a
//! stand-in is a script or a server of the test's own that says what the real one would.
//!
//! | fault | with the real component | with a stand-in |
//! |---|---|---|
//! | 11: no engine, none that answers, none that lets us or fits in version; no buildx, or one too old | `smoke/without_docker_it_says_what_to_install`, `smoke/an_engine_or_registry_that_does_not_answer_is_named`, `smoke/a_socket_that_is_not_ours_is_named`, `smoke/versions_that_do_not_fit_are_named`, `docker_build/a_builder_elsewhere_builds_it` | `fakes/what_docker_lacks_is_named` |
//! | 12: a base that is not there, does not fit, was damaged, or whose tag was moved | `docker_build/bases_that_are_not_there`, `docker_build/a_base_whose_tag_was_moved`, `pack/bases_that_do_not_fit`, `pack/a_base_from_another_registry_is_copied` | `pack/what_passes_and_what_does_not` |
//! | 13: 401, an expired token, 404; 403 | `pack/a_registry_with_a_password`, `pack/tokens_for_exactly_what_is_done`, `pack/wrong_base_or_account_is_found_before_compiling`, `docker_build/accounts_for_a_push`, `docker_build/tokens_for_a_push`, `smoke/it_is_pulled_as_the_account_of_the_variables` | `pack/connections_that_break_or_stand_still` |
//! | 14: 429 with `Retry-After`, 500, 503 | none: no registry does so when told to | `pack/what_passes_and_what_does_not`, `fakes/what_the_network_did_is_tried_again` |
//! | 15: a connection that breaks in the middle of a layer or stands still; half a manifest | `pack/connections_that_break_or_stand_still`, `docker_build/ctrl_c_while_it_builds_and_while_it_sends` | `pack/what_passes_and_what_does_not` |
//! | 16: a tag that names another image by now | `slice/from_source_to_a_verified_deployment`, `pack/one_image_from_two_checkouts` | `deploy/a_tag_is_no_digest` |
//! | 17: a registry that is closed for writing, a manifest that was deleted | `pack/what_passes_and_what_does_not`, `docker_build/what_was_deleted_is_made_again`, `slice/from_source_to_a_verified_deployment` | `deploy/an_image_that_is_not_there` |
//! | 37: secrets in what is said, recorded and sent, in addresses and in a panic | `docker_build/no_dependency_is_compiled_after_the_cook`, `docker_build/a_secret_among_the_arguments_is_found_in_the_provenance`, `smoke/a_secret_is_seen_by_the_server_alone`, `smoke/secrets_in_the_image`, `src/exec/a_panic_tells_no_secret` | `pack/credentials_go_nowhere_else`, `deploy/good_runs_keep_them`, `deploy/failing_runs_keep_them`, `deploy/logs_and_bad_tokens_keep_them` |

use std::path::Path;

use crate::support::contents;

const FAULTS: [u32; 8] = [11, 12, 13, 14, 15, 16, 17, 37];

/// The text of a room: its folder, or its file.
fn text_of(room: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let room = if room.starts_with("src/") { root.join(room) } else { root.join("tests/it").join(room) };
    let file = std::fs::read_to_string(room.with_extension("rs")).unwrap_or_default();
    contents(&room).into_values().chain([file]).collect()
}

#[test]
fn every_fault_has_its_test() {
    let rows: Vec<&str> =
        include_str!("faults.rs").lines().filter(|line| line.starts_with("//! | ")).collect();
    for number in FAULTS {
        let row = rows.iter().find(|row| row.starts_with(&format!("//! | {number}: ")));
        let row = row.unwrap_or_else(|| panic!("fault {number} has no row"));
        let cells: Vec<&str> = row.split(" | ").skip(2).collect();
        assert_eq!(cells.len(), 2, "fault {number} has tests of two kinds");
        let tests: Vec<&str> = cells.iter().flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        assert!(!tests.is_empty(), "fault {number} has no test");
        for test in tests {
            let (room, name) = test.rsplit_once('/').unwrap();
            let is_there = text_of(room).contains(&format!("#[test]\nfn {name}() {{"));
            assert!(is_there, "{number}: there is no test `{test}`");
        }
    }
}
