//! Tests of the folder, its locks and its leftovers.

use std::fs;

use super::*;
use crate::exec::Mode;
use crate::ui::Ui;

fn executor() -> Executor {
    Executor::new(Ui::detect(true), Mode::Run).unwrap()
}

fn with_needs(needs: Vec<PathBuf>) -> Receipt {
    Receipt { needs, ..Receipt::new("tool", "1", "1", "test") }
}

#[test]
fn the_folder_is_named_by_the_first_variable_that_says_something() {
    let home = |set: &[(&str, &str)]| {
        let set: std::collections::BTreeMap<_, _> = set.iter().copied().collect();
        home_from(|name| set.get(name).map(|value| (*value).to_owned()))
    };
    let ok = |set: &[(&str, &str)]| home(set).unwrap().display().to_string();
    assert_eq!(ok(&[("XTASK_HOME", "/x"), ("XDG_DATA_HOME", "/d"), ("HOME", "/h")]), "/x");
    assert_eq!(ok(&[("XTASK_HOME", ""), ("XDG_DATA_HOME", "/d"), ("HOME", "/h")]), "/d/xtask");
    assert_eq!(ok(&[("XDG_DATA_HOME", "relative"), ("HOME", "/h")]), "/h/.local/share/xtask");
    for set in [&[][..], &[("XTASK_HOME", "relative")], &[("HOME", "")]] {
        let error = home(set).unwrap_err();
        assert_eq!(Exit::of(&error), Exit::Usage);
        assert!(crate::exit::hint_of(&error).unwrap().contains("XTASK_HOME"));
    }
}

#[test]
fn a_tool_is_there_whole_or_not_at_all() {
    let (exec, home) = (executor(), tempfile::tempdir().unwrap());
    let destination = folder(home.path(), "tool", "1");
    let place = Place::take(&exec, home.path(), "tool", "1").unwrap();
    let program = program(&destination, "tool");
    fs::write(place.fresh().unwrap().join("bin/tool"), "").unwrap();
    assert_eq!(installed(&destination, &program), None);
    place.finish(&exec, &with_needs(Vec::new())).unwrap();
    drop(place);
    assert_eq!(installed(&destination, &program).unwrap().version, "1");
    fs::remove_file(&program).unwrap();
    assert_eq!(installed(&destination, &program), None);
    assert!(receipt(&destination).is_some());
}

#[test]
fn a_tool_whose_needs_have_gone_is_gone() {
    let (exec, home) = (executor(), tempfile::tempdir().unwrap());
    let need = home.path().join("node");
    fs::write(&need, "").unwrap();
    let place = Place::take(&exec, home.path(), "tool", "1").unwrap();
    place.fresh().unwrap();
    place.finish(&exec, &with_needs(vec![need.clone()])).unwrap();
    let destination = folder(home.path(), "tool", "1");
    assert!(receipt(&destination).is_some());
    fs::remove_file(need).unwrap();
    assert_eq!(receipt(&destination), None);
    // Installing again puts the broken one out of the way.
    place.fresh().unwrap();
    place.finish(&exec, &with_needs(Vec::new())).unwrap();
    assert!(receipt(&destination).is_some());
}

#[test]
fn leftovers_of_the_dead_are_removed_and_those_of_the_living_are_not() {
    let (exec, home) = (executor(), tempfile::tempdir().unwrap());
    let tools = home.path().join("tools/tool");
    let living = Place::take(&exec, home.path(), "tool", "2").unwrap();
    living.fresh().unwrap();
    for name in [".1.partial-4000000", ".3.partial-4000000", ".no-leftover", "1"] {
        fs::create_dir_all(tools.join(name)).unwrap();
    }
    drop(Place::take(&exec, home.path(), "tool", "1").unwrap());
    let mut names: Vec<_> = fs::read_dir(&tools)
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [".2.partial-".to_owned() + &std::process::id().to_string(), ".no-leftover".into(), "1".into()]
    );
}

#[test]
fn a_lock_is_held_by_one_at_a_time() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("lock");
    let first = try_lock(&path).unwrap();
    assert!(first.is_some());
    assert!(try_lock(&path).unwrap().is_none());
    drop(first);
    assert!(try_lock(&path).unwrap().is_some());
}

#[test]
fn names_of_leftovers() {
    assert_eq!(partial_version(".0.2.130.partial-17"), Some("0.2.130"));
    for name in ["0.2.130", ".0.2.130.partial-", ".0.2.130.partial-x", ".git"] {
        assert_eq!(partial_version(name), None, "{name}");
    }
}
