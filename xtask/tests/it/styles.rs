//! Style sheets by real tools: Tailwind 4 and 3, and Lightning CSS; what is looked at again, and what is not.
//!
//! The tools come from npm. Where that is out of reach the tests say so.

use serde_json::Value;

use crate::support::{MISSING_TOOL, Workspace, contents, skipped};

const TABLE: &str = "[[workspace.metadata.leptos]]";

/// The fixture with these keys more, and files that use classes.
fn fixture(keys: &str) -> Workspace {
    let workspace = Workspace::fixture();
    workspace.edit("Cargo.toml", TABLE, &format!("{TABLE}\n{keys}"));
    workspace.write("style/wind.css", "@import \"tailwindcss\";\n");
    workspace.write("ui/src/classes.txt", "mt-1");
    workspace
}

/// Builds the front half; `None` where a tool cannot be had.
fn build(workspace: &Workspace) -> Option<Value> {
    let run =
        workspace.xtask(&["build", "--ask-cargo", "--front-only", "--profile", "dev", "--format", "json"]);
    if run.code == Some(MISSING_TOOL) {
        skipped(&run.stderr);
        return None;
    }
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    Some(serde_json::from_str(&run.stdout).unwrap())
}

fn state(report: &Value, name: &str) -> String {
    let steps = report["steps"].as_array().unwrap();
    let step =
        steps.iter().find(|step| step["name"] == name).unwrap_or_else(|| panic!("no {name}: {report:#}"));
    step["state"].as_str().unwrap().to_owned()
}

/// The style sheet that ships.
fn sheet(workspace: &Workspace) -> String {
    let files = contents(&workspace.root().join("target/site/pkg"));
    let mut sheets = files.into_iter().filter(|(name, _)| name.ends_with(".css"));
    let sheet = sheets.next().unwrap().1;
    assert_eq!(sheets.next(), None);
    sheet
}

#[test]
fn tailwind_runs_again_when_a_file_that_it_may_read_is_touched() {
    let workspace = fixture("tailwind-input-file = \"style/wind.css\"\n");
    let Some(first) = build(&workspace) else { return };
    assert_eq!(state(&first, "tailwindcss"), "ran");
    let css = sheet(&workspace);
    let (own, winds) = (css.find("font-family: sans-serif").unwrap(), css.find(".mt-1").unwrap());
    assert!(own < winds, "the style file comes first");
    assert!(!css.contains(".mb-2"));

    assert_eq!(state(&build(&workspace).unwrap(), "tailwindcss"), "fresh");
    workspace.write("ui/src/classes.txt", "mt-1 mb-2");
    assert_eq!(state(&build(&workspace).unwrap(), "tailwindcss"), "ran");
    assert!(sheet(&workspace).contains(".mb-2"));
    workspace.write(
        "style/wind.css",
        "@import \"tailwindcss\" source(none);\n@source \"../ui/src\";\n@plugin \"@tailwindcss/forms\";\n",
    );
    assert_eq!(state(&build(&workspace).unwrap(), "tailwindcss"), "ran");
    assert!(sheet(&workspace).contains("--tw-ring-inset"), "the plugin comes with the tool");
    assert_eq!(state(&build(&workspace).unwrap(), "tailwindcss"), "fresh");
    // Code of the project's may read anything.
    workspace.write("own.js", "module.exports = { handler() {} };\n");
    workspace.write("style/wind.css", "@import \"tailwindcss\";\n@plugin \"../own.js\";\n");
    assert_eq!(state(&build(&workspace).unwrap(), "tailwindcss"), "ran");
    assert_eq!(state(&build(&workspace).unwrap(), "tailwindcss"), "ran");
}

#[test]
fn tailwind_3_reads_its_configuration() {
    let mut workspace = fixture(
        "tailwind-input-file = \"style/wind.css\"\ntailwind-config-file = \"style/wind.config.js\"\n",
    );
    workspace.set("LEPTOS_TAILWIND_VERSION", "v3.4.17");
    workspace.write("style/wind.css", "@tailwind utilities;\n");
    let refused = workspace.xtask(&["build"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("style/wind.config.js does not exist"), "{}", refused.stderr);

    let config = "module.exports = { content: ['./ui/src/**/*.txt'], theme: { extend: { spacing: { one: '1.25px' } } } };\n";
    workspace.write("style/wind.config.js", config);
    workspace.write("ui/src/classes.txt", "mt-one");
    let Some(report) = build(&workspace) else { return };
    assert_eq!(state(&report, "tailwindcss"), "ran");
    assert!(sheet(&workspace).contains("margin-top: 1.25px"), "{}", sheet(&workspace));
    assert_eq!(state(&build(&workspace).unwrap(), "tailwindcss"), "ran");
}

#[test]
fn imports_are_resolved_and_old_browsers_are_written_for() {
    let workspace = fixture("style-bundle = true\nbrowserquery = \"safari 13\"\n");
    workspace.write("style/main.css", "@import \"part.css\";\nbody { margin: 0 }\n");
    workspace.write("style/part.css", "p { user-select: none }\n");
    let Some(first) = build(&workspace) else { return };
    assert_eq!(state(&first, "lightningcss"), "ran");
    let css = sheet(&workspace);
    assert!(css.contains("-webkit-user-select: none") && !css.contains("@import"), "{css}");
    assert_eq!(state(&build(&workspace).unwrap(), "lightningcss"), "fresh");
    workspace.write("style/part.css", "p { color: #123456 }\n");
    assert_eq!(state(&build(&workspace).unwrap(), "lightningcss"), "ran");
    assert!(sheet(&workspace).contains("#123456"));
}
