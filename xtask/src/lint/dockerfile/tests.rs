//! Dockerfiles as a whole.

use super::copies::{self, From};
use super::instruction::Form;
use super::stages::Base;
use super::words::Value;
use super::*;

const MANY: &str = "ARG RUST=1.95.0\nARG BASE\n\
    FROM docker.io/rust:${RUST}-bookworm AS Chef\nWORKDIR /app\nENV A=1 B=$A\n\
    FROM chef AS planner\nARG RUST\nARG BASE\nARG OTHER=x\nENV C=$A-$RUST-$OTHER\nRUN one\n\
    FROM ${BASE}\nCOPY --from=planner /app/x /y/\nCOPY --from=0 /z ./\nCOPY --from=alpine:3 /a /b\nWORKDIR w\nUSER 1\nRUN two\n\
    FROM scratch\n";

#[test]
fn stages_stand_on_each_other() {
    let parsed = Dockerfile::parse(MANY);
    assert_eq!(parsed.problems, []);
    let Base::Image(image) = &parsed.stages[0].base else { panic!() };
    assert_eq!((image.text.as_str(), image.is_known), ("docker.io/rust:1.95.0-bookworm", true));
    assert_eq!(parsed.stages[1].base, Base::Stage(0));
    let Base::Image(given) = &parsed.stages[2].base else { panic!() };
    assert!(!given.is_known);
    assert_eq!(parsed.stages[3].base, Base::Scratch);
    assert_eq!(parsed.chain(1), [0, 1]);
    assert_eq!(parsed.base(1).map(|(_, line)| line), Some(3));
    assert_eq!(parsed.last(), Some(3));
}

#[test]
fn scopes_are_inherited_and_arguments_are_not_global() {
    let parsed = Dockerfile::parse(MANY);
    let end = &parsed.stages[1].end;
    assert_eq!(end.value("C"), Value::Known("1-1.95.0-x".to_owned()));
    // All of one ENV see what held before.
    assert_eq!(end.value("B"), Value::Known(String::new()));
    assert_eq!(end.value("BASE"), Value::Unknown);
    assert_eq!(end.workdir, "/app");
    assert_eq!(parsed.stages[0].end.value("RUST"), Value::Unset);
    let last = &parsed.stages[2].end;
    assert_eq!(last.workdir, "/w");
    assert_eq!(last.user.as_ref().map(|user| user.value.text.as_str()), Some("1"));
}

#[test]
fn files_come_from_somewhere_and_end_somewhere() {
    let parsed = Dockerfile::parse(MANY);
    let copies: Vec<_> = parsed.stages[2].steps.iter().flat_map(|step| copies::of(step, &parsed)).collect();
    assert_eq!(copies[0].from, From::Stage(1));
    assert_eq!(copies[0].ends(), ["/y", "/y/x"]);
    assert_eq!((copies[1].from.clone(), copies[1].target.as_str()), (From::Stage(0), "/"));
    assert_eq!(copies[2].from, From::Elsewhere);
    let parsed = Dockerfile::parse(
        "FROM a\nWORKDIR /app\nCOPY . .\nCOPY a.txt b/ c/\nCOPY <<X /x\ny\nX\nADD [\"a b\", \"/c\"]\n",
    );
    let copies: Vec<_> = parsed.stages[0].steps.iter().flat_map(|step| copies::of(step, &parsed)).collect();
    assert!(copies[0].is_everything() && !copies[1].is_everything());
    assert_eq!(copies[1].ends(), ["/app/c/a.txt"]);
    assert_eq!(copies[2].ends(), ["/app/c", "/app/c/b"]);
    assert_eq!(copies[3].from, From::Heredoc);
    assert_eq!(copies[4].source, "a b");
}

#[test]
fn scripts_of_every_form() {
    let scripts = |text: &str| {
        let parsed = Dockerfile::parse(text);
        let scripts: Vec<Script> = parsed.stages[0].steps.iter().flat_map(Step::scripts).collect();
        scripts.into_iter().map(|it| (it.text.text.trim().to_owned(), it.stops_at_errors)).collect::<Vec<_>>()
    };
    let one = |text: &str, stops| vec![(text.to_owned(), stops)];
    assert_eq!(scripts("FROM a\nRUN a && b\n"), one("a && b", false));
    assert_eq!(scripts("FROM a\nRUN <<EOF\na\nEOF\n"), one("a", false));
    assert_eq!(scripts("FROM a\nRUN bash -e <<EOF\na\nEOF\n"), one("a", true));
    assert_eq!(scripts("FROM a\nRUN cat <<EOF > /x\na\nEOF\n"), one("cat <<EOF > /x", false));
    assert_eq!(scripts("FROM a\nRUN [\"sh\", \"-ec\", \"a b\"]\n"), one("a b", true));
    assert_eq!(scripts("FROM a\nRUN [\"cargo\", \"build\"]\n"), one("cargo build", false));
    assert_eq!(
        scripts("FROM a\nSHELL [\"/bin/bash\", \"-eo\", \"pipefail\", \"-c\"]\nRUN a\n"),
        one("a", true)
    );
}

#[test]
fn commands_of_the_image() {
    let parsed = Dockerfile::parse("FROM a AS b\nCMD [\"x\"]\nFROM b\nENTRYPOINT y\n");
    let end = &parsed.stages[1].end;
    assert_eq!(end.command, None);
    assert!(matches!(end.entrypoint, Some((Form::Shell(_), 4))));
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_there() {
    let parsed = Dockerfile::parse("ENV A=1\nFROM a\nRUM x\nRUN <<EOF\nnever\n");
    let lines: Vec<usize> = parsed.problems.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [1, 3, 4]);
    assert_eq!(parsed.stages.len(), 1);
    assert_eq!(Dockerfile::parse("# nothing\n").problems, [(1, "there is no `FROM`".to_owned())]);
}
