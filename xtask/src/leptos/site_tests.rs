//! Tests of what is written to the site folder, and what is left alone.

use std::os::unix::fs::symlink;

use super::*;
use crate::exec::Mode;
use crate::ui::Ui;

fn fixture(hashed: bool) -> (tempfile::TempDir, Executor, WriteSite) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (path, content) in [
        ("bindings/app.js", "import './snippets/a/b.js';"),
        ("bindings/app_bg.wasm", "raw wasm"),
        ("bindings/snippets/a/b.js", "export {}"),
        ("opt/app_bg.wasm", "small wasm"),
        ("style.css", "body { color: black }"),
        ("public/robots.txt", "User-agent: *"),
    ] {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), content.repeat(50)).unwrap();
    }
    let input = WriteSite {
        site_root: root.join("site"),
        pkg_dir: "pkg".to_owned(),
        output_name: "app".to_owned(),
        bindings_dir: root.join("bindings"),
        wasm_file: root.join("opt/app_bg.wasm"),
        style_files: vec![root.join("style.css")],
        assets_dir: Some(root.join("public")),
        hash_file: hashed.then(|| root.join("hash.txt")),
        precompress: true,
        made_file: root.join("site.made.json"),
    };
    let exec = Executor::new(Ui::detect(true), Mode::Run).unwrap();
    (folder, exec, input)
}

fn listing(input: &WriteSite) -> Vec<String> {
    let files = entries_below(&input.site_root).unwrap();
    files.iter().map(|file| file.display().to_string()).filter(|name| !name.ends_with("z")).collect()
}

#[test]
fn plain_names() {
    let (_folder, exec, input) = fixture(false);
    let written = write(&exec, &input).unwrap();
    assert_eq!(written, Written { changed: 5, unchanged: 0, removed: 0 });
    let names = ["pkg/app.css", "pkg/app.js", "pkg/app.wasm", "pkg/snippets/a/b.js", "robots.txt"];
    let with_brotli: Vec<String> =
        names.iter().flat_map(|name| [(*name).to_owned(), format!("{name}.br")]).collect();
    assert_eq!(listing(&input), with_brotli);
    assert_eq!(fs::read_to_string(input.site_root.join("pkg/app.wasm")).unwrap(), "small wasm".repeat(50));
}

#[test]
fn hashed_names_stand_in_the_hash_file() {
    let (folder, exec, input) = fixture(true);
    write(&exec, &input).unwrap();
    let text = fs::read_to_string(folder.path().join("hash.txt")).unwrap();
    let digest = site_name("small wasm".repeat(50).as_bytes());
    assert!(text.contains(&format!("wasm: {digest}\n")), "{text}");
    assert!(input.site_root.join(format!("pkg/app.{digest}.wasm.br")).exists());
}

#[test]
fn a_second_run_writes_nothing_and_one_edit_writes_one_file() {
    let (folder, exec, input) = fixture(false);
    write(&exec, &input).unwrap();
    let before = Stamp::of(&input.site_root.join("pkg/app.js")).unwrap();
    assert_eq!(write(&exec, &input).unwrap(), Written { changed: 0, unchanged: 5, removed: 0 });
    fs::write(folder.path().join("style.css"), "body { color: white }".repeat(50)).unwrap();
    fs::remove_file(folder.path().join("public/robots.txt")).unwrap();
    assert_eq!(write(&exec, &input).unwrap(), Written { changed: 1, unchanged: 3, removed: 1 });
    assert_eq!(Stamp::of(&input.site_root.join("pkg/app.js")).unwrap(), before);
    let unpacked = fs::read(input.site_root.join("pkg/app.css.gz")).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(unpacked.as_slice()), &mut text).unwrap();
    assert!(text.starts_with("body { color: white }"));
}

#[test]
fn a_file_may_become_a_folder_and_a_folder_a_file() {
    let (folder, exec, input) = fixture(false);
    let help = folder.path().join("public/help");
    fs::write(&help, "one page").unwrap();
    write(&exec, &input).unwrap();
    fs::remove_file(&help).unwrap();
    fs::create_dir(&help).unwrap();
    fs::write(help.join("index.html"), "two pages").unwrap();
    write(&exec, &input).unwrap();
    assert_eq!(fs::read_to_string(input.site_root.join("help/index.html")).unwrap(), "two pages");
    fs::remove_dir_all(&help).unwrap();
    fs::write(&help, "one page").unwrap();
    write(&exec, &input).unwrap();
    assert_eq!(fs::read_to_string(input.site_root.join("help")).unwrap(), "one page");
}

#[test]
fn a_damaged_site_is_mended() {
    let (_folder, exec, input) = fixture(false);
    write(&exec, &input).unwrap();
    fs::remove_file(input.site_root.join("pkg/app.js.br")).unwrap();
    fs::write(input.site_root.join("stray.txt"), "?").unwrap();
    assert_eq!(write(&exec, &input).unwrap(), Written { changed: 0, unchanged: 5, removed: 1 });
    assert!(input.site_root.join("pkg/app.js.br").exists());
}

#[test]
fn links_in_the_site_are_removed_and_what_they_point_to_stays() {
    let (folder, exec, input) = fixture(false);
    let precious = folder.path().join("precious");
    fs::create_dir_all(&precious).unwrap();
    fs::write(precious.join("app.js"), "mine").unwrap();
    fs::create_dir_all(&input.site_root).unwrap();
    symlink(&precious, input.site_root.join("pkg")).unwrap();
    symlink(precious.join("app.js"), input.site_root.join("robots.txt")).unwrap();
    assert_eq!(write(&exec, &input).unwrap(), Written { changed: 5, unchanged: 0, removed: 2 });
    symlink(&precious, input.site_root.join("stray")).unwrap();
    symlink("..", input.site_root.join("up")).unwrap();
    assert_eq!(write(&exec, &input).unwrap(), Written { changed: 0, unchanged: 5, removed: 2 });
    assert_eq!(fs::read_to_string(precious.join("app.js")).unwrap(), "mine");
    assert_eq!(fs::read_dir(&precious).unwrap().count(), 1);
    assert!(!input.site_root.join("robots.txt").is_symlink());
}

#[test]
fn assets_behind_links_are_copied_and_circles_are_not() {
    let (folder, exec, input) = fixture(false);
    fs::write(folder.path().join("elsewhere.txt"), "x").unwrap();
    symlink("../elsewhere.txt", folder.path().join("public/linked.txt")).unwrap();
    symlink(".", folder.path().join("public/again")).unwrap();
    assert_eq!(write(&exec, &input).unwrap().changed, 6);
    assert!(input.site_root.join("linked.txt").is_file());
    assert!(!input.site_root.join("again").exists());
}

#[test]
fn no_style_is_an_empty_sheet() {
    let (folder, exec, mut input) = fixture(true);
    input.style_files.clear();
    write(&exec, &input).unwrap();
    let digest = site_name(b"");
    assert_eq!(fs::read(input.site_root.join(format!("pkg/app.{digest}.css"))).unwrap(), b"");
    let text = fs::read_to_string(folder.path().join("hash.txt")).unwrap();
    assert!(text.contains(&format!("css: {digest}\n")), "{text}");
    assert_eq!(write(&exec, &input).unwrap().unchanged, 5);
}

#[test]
fn no_old_variant_beside_new_content() {
    let (folder, exec, mut input) = fixture(false);
    write(&exec, &input).unwrap();
    fs::write(folder.path().join("style.css"), "a{}").unwrap();
    // What comes after the sheet cannot be read, so the run ends right after the sheet is written.
    input.wasm_file = folder.path().join("none.wasm");
    let none = write(&exec, &input).unwrap_err();
    assert!(format!("{none:#}").contains("none.wasm"), "{none:#}");
    assert_eq!(fs::read(input.site_root.join("pkg/app.css")).unwrap(), b"a{}");
    assert!(!input.site_root.join("pkg/app.css.gz").exists());
    assert!(!input.site_root.join("pkg/app.css.br").exists());
}

#[test]
fn new_names_are_told_before_old_files_go() {
    let (folder, exec, mut input) = fixture(true);
    write(&exec, &input).unwrap();
    let before = listing(&input);
    fs::write(folder.path().join("style.css"), "a{}").unwrap();
    // A folder in its place cannot be replaced by the file.
    input.hash_file = Some(folder.path().join("public"));
    write(&exec, &input).unwrap_err();
    let after = listing(&input);
    assert!(before.iter().all(|file| after.contains(file)), "{before:?} {after:?}");
}

#[test]
fn a_dry_run_changes_nothing() {
    let (folder, _, input) = fixture(true);
    fs::create_dir_all(&input.site_root).unwrap();
    symlink("nowhere", input.site_root.join("link")).unwrap();
    let exec = Executor::new(Ui::detect(true), Mode::DryRun).unwrap();
    write(&exec, &input).unwrap_err();
    assert_eq!(listing(&input), ["link"]);
    assert!(!folder.path().join("hash.txt").exists() && !input.made_file.exists());
}

#[test]
fn a_sheet_of_two_parts_is_one_file_in_their_order() {
    let (folder, exec, mut input) = fixture(false);
    fs::write(folder.path().join("style.css"), "a{}").unwrap();
    fs::write(folder.path().join("more.css"), "b{}").unwrap();
    input.style_files.push(folder.path().join("more.css"));
    write(&exec, &input).unwrap();
    assert_eq!(fs::read_to_string(input.site_root.join("pkg/app.css")).unwrap(), "a{}\nb{}");
    fs::write(folder.path().join("more.css"), "c{}").unwrap();
    assert_eq!(write(&exec, &input).unwrap().changed, 1);
}

#[test]
fn compressed_by_somebody_else_is_compressed_again() {
    let (_folder, exec, input) = fixture(false);
    write(&exec, &input).unwrap();
    let variants = ["pkg/app.js.gz", "pkg/app.js.br"].map(|name| input.site_root.join(name));
    let before = variants.each_ref().map(|path| fs::read(path).unwrap());
    for path in &variants {
        fs::write(path, "other").unwrap();
    }
    assert_eq!(write(&exec, &input).unwrap().changed, 0);
    assert_eq!(variants.each_ref().map(|path| fs::read(path).unwrap()), before);
}
