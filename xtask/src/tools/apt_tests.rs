//! Tests of what is read out of answers of apt.

use super::*;

#[test]
fn only_packagings_of_the_version_count() {
    for (full, version, expected) in [
        ("131-2", "131", true),
        ("1:131+dfsg-1", "131", true),
        ("1.95.0+dfsg1-2~bpo13+1", "1.95.0", true),
        ("1310-1", "131", false),
        ("1.95.0~beta1-1", "1.95.0", false),
        ("120-4", "131", false),
    ] {
        assert_eq!(is_upstream(full, version), expected, "{full} of {version}");
    }
    assert_eq!(upstream("1:131+dfsg-1"), "131");
    assert_eq!(upstream("2.37.1-2"), "2.37.1");
}

#[test]
fn the_main_archive_is_not_the_one_for_security() {
    let targets = "http://a.example/debian-security/ main oldstable-security\n\
                   http://a.example/contrib/ contrib oldstable\nhttp://a.example/debian/ main oldstable\n";
    assert_eq!(archive(targets), Some("http://a.example/debian/"));
    assert_eq!(archive(""), None);
}

#[test]
fn an_unknown_distribution_is_asked_for_its_own_suites_only() {
    assert_eq!(newer_suites("NAME=x\nID=debian\n", false), ["stable", "testing", "unstable"]);
    assert_eq!(newer_suites("ID=\"ubuntu\"\n", true), ["devel"]);
    assert!(newer_suites("", true).is_empty());
}
