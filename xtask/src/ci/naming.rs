//! What the image of a run is called: its repository, and the tags that people look for.
//!
//! Tags are for people. They move, and nothing is deployed by one. Pure.

use super::github::{GitHub, Ref};
use crate::exit::Failure;

/// The longest a tag may be, in bytes (OCI distribution specification).
const TAG_LENGTH_MAX: usize = 128;

/// Registry and name: what the workspace says, else this repository's place at GitHub's registry.
pub fn repository(configured: Option<&str>, github: Option<&GitHub>) -> anyhow::Result<String> {
    match (configured, github) {
        (Some(name), _) => Ok(name.to_owned()),
        // Registries know lower case only.
        (None, Some(github)) => Ok(format!("ghcr.io/{}", github.repository.to_ascii_lowercase())),
        (None, None) => Err(Failure::usage("there is no registry to push the image to")
            .hint("set `image = \"ghcr.io/owner/app\"` in [workspace.metadata.xtask] in Cargo.toml")
            .into()),
    }
}

/// The tags of the image that a job makes; none for an image that is not pushed. One that is made on schedule keeps
/// caches warm and proves that the way works: it takes no name from the one that was made for the same commit.
pub fn tags(github: &GitHub) -> Vec<String> {
    if !github.may_push() || github.event == "schedule" {
        return Vec::new();
    }
    let mut tags = vec![commit_tag(&github.sha)];
    match &github.git_ref {
        Ref::Branch(branch) if github.is_default_branch() => {
            tags.extend(branch_tag(branch, ""));
            tags.push("latest".to_owned());
        }
        Ref::Branch(branch) => {
            tags.extend(branch_tag(branch, github.default_branch.as_deref().unwrap_or_default()));
        }
        Ref::Tag(tag) => tags.extend(version(tag).map(str::to_owned)),
        Ref::Other => {}
    }
    tags
}

/// `sha-` and the first seven digits, as people quote commits.
pub fn commit_tag(commit: &str) -> String {
    format!("sha-{}", commit.get(..7).unwrap_or(commit))
}

/// A branch's name with only what a tag may have, and not the tag of the branch `other`. `None` where nothing is left.
fn branch_tag(branch: &str, other: &str) -> Option<String> {
    let (tag, other) = (plain_tag(branch), plain_tag(other));
    if tag.is_empty() {
        return None;
    }
    // A branch must not pass itself off as another one, a release, a commit or an image's inputs.
    let taken = tag == "latest"
        || tag == other
        || version(&tag).is_some()
        || version(&format!("v{tag}")).is_some()
        || ["sha-", "in-"].iter().any(|prefix| tag.starts_with(prefix));
    Some(if taken { plain_tag(&format!("branch-{tag}")) } else { tag })
}

/// A name with only what a tag may have.
fn plain_tag(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let tag: String = name.chars().map(|c| if plain(c) { c } else { '-' }).collect();
    tag.trim_start_matches(['.', '-']).chars().take(TAG_LENGTH_MAX).collect()
}

/// `1.2.3` of `v1.2.3`, with what comes after a `-`. Other tags of git name no version.
fn version(tag: &str) -> Option<&str> {
    let version = tag.strip_prefix('v')?;
    let (numbers, pre) = match version.split_once('-') {
        Some((numbers, pre)) => (numbers, Some(pre)),
        None => (version, None),
    };
    let numbers: Vec<&str> = numbers.split('.').collect();
    let number = |text: &&str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits && (*text == "0" || !text.starts_with('0'))
    };
    let plain = |text: &str| {
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
        !text.is_empty() && text.bytes().all(letters)
    };
    let good = numbers.len() == 3 && numbers.iter().all(number) && pre.is_none_or(plain);
    (good && version.len() <= TAG_LENGTH_MAX).then_some(version)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::github::tests::job;
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn tags_of_each_event_and_ref() {
        let mut table = String::new();
        for (event, git_ref) in [
            ("push", "refs/heads/main"),
            ("workflow_dispatch", "refs/heads/main"),
            ("schedule", "refs/heads/main"),
            ("push", "refs/heads/feature/a+b_c.d"),
            ("push", "refs/heads/-.é"),
            ("push", "refs/heads/-main"),
            ("push", "refs/heads/latest"),
            ("push", "refs/heads/v1.2.3"),
            ("push", "refs/heads/1.2.3-rc.1"),
            ("push", "refs/heads/sha-0123456"),
            ("push", "refs/heads/in-0123456"),
            ("push", "refs/tags/v1.2.3"),
            ("push", "refs/tags/v1.2.3-rc.1"),
            ("push", "refs/tags/v1.2"),
            ("push", "refs/tags/v01.2.3"),
            ("push", "refs/tags/v1.2.3+build"),
            ("push", "refs/tags/latest"),
            ("merge_group", "refs/heads/gh-readonly-queue/main/pr-7-0123"),
            ("pull_request", "refs/pull/7/merge"),
            ("pull_request_target", "refs/heads/main"),
        ] {
            table.push_str(&format!("{event} {git_ref}: {}\n", tags(&job(event, git_ref)).join(" ")));
        }
        expect![[r#"
            push refs/heads/main: sha-0123456 main latest
            workflow_dispatch refs/heads/main: sha-0123456 main latest
            schedule refs/heads/main: 
            push refs/heads/feature/a+b_c.d: sha-0123456 feature-a-b_c.d
            push refs/heads/-.é: sha-0123456
            push refs/heads/-main: sha-0123456 branch-main
            push refs/heads/latest: sha-0123456 branch-latest
            push refs/heads/v1.2.3: sha-0123456 branch-v1.2.3
            push refs/heads/1.2.3-rc.1: sha-0123456 branch-1.2.3-rc.1
            push refs/heads/sha-0123456: sha-0123456 branch-sha-0123456
            push refs/heads/in-0123456: sha-0123456 branch-in-0123456
            push refs/tags/v1.2.3: sha-0123456 1.2.3
            push refs/tags/v1.2.3-rc.1: sha-0123456 1.2.3-rc.1
            push refs/tags/v1.2: sha-0123456
            push refs/tags/v01.2.3: sha-0123456
            push refs/tags/v1.2.3+build: sha-0123456
            push refs/tags/latest: sha-0123456
            merge_group refs/heads/gh-readonly-queue/main/pr-7-0123: 
            pull_request refs/pull/7/merge: 
            pull_request_target refs/heads/main: 
        "#]]
        .assert_eq(&table);
    }

    #[test]
    fn a_long_branch_is_cut() {
        let tag = branch_tag(&"x".repeat(200), "main").unwrap();
        assert_eq!(tag.len(), TAG_LENGTH_MAX);
    }

    #[test]
    fn another_default_branch_than_main() {
        let trunk = GitHub { default_branch: Some("trunk".to_owned()), ..job("push", "refs/heads/main") };
        assert_eq!(tags(&trunk), ["sha-0123456", "main"]);
        // The default branch's tag is its own however another branch is spelled.
        let job = |branch: &str| GitHub {
            default_branch: Some("release/stable".to_owned()),
            ..job("push", &format!("refs/heads/{branch}"))
        };
        assert_eq!(tags(&job("release/stable")), ["sha-0123456", "release-stable", "latest"]);
        for other in ["release-stable", "release+stable", "-release/stable"] {
            assert_eq!(tags(&job(other)), ["sha-0123456", "branch-release-stable"], "{other}");
        }
    }

    #[test]
    fn repositories() {
        let job = job("push", "refs/heads/main");
        assert_eq!(repository(Some("registry.example/app"), Some(&job)).unwrap(), "registry.example/app");
        assert_eq!(repository(None, Some(&job)).unwrap(), "ghcr.io/octo-org/app");
        assert_eq!(Exit::of(&repository(None, None).unwrap_err()), Exit::Usage);
    }
}
