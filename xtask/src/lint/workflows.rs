//! Workflows of GitHub Actions: triggers, jobs and steps, and which of them make or deploy an image.

use super::dockerfile::lines::Text;
use super::shell::{self, Simple};
use super::yaml::Node;

/// One workflow. What cannot be read is a problem, with its line.
#[derive(Clone, Debug)]
pub struct Workflow {
    pub file: String,
    pub root: Node,
    pub jobs: Vec<Job>,
}

#[derive(Clone, Debug)]
pub struct Job {
    pub name: String,
    pub line: usize,
    pub node: Node,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub line: usize,
    pub node: Node,
    /// The action, without what follows `@`.
    pub action: Option<String>,
    pub commands: Vec<Simple>,
    /// The text of `run`.
    pub script: Option<Text>,
}

impl Workflow {
    pub fn parse(file: &str, text: &str) -> Result<Workflow, (usize, String)> {
        let root = Node::parse(text)?;
        let jobs = root
            .get("jobs")
            .map(|jobs| jobs.entries().map(|(name, line, node)| job(name, line, node)).collect());
        Ok(Workflow { file: file.to_owned(), jobs: jobs.unwrap_or_default(), root })
    }

    /// Whether an event starts it.
    pub fn starts_on(&self, event: &str) -> bool {
        let Some(on) = self.root.get("on") else { return false };
        on.text() == Some(event)
            || on.items().iter().any(|item| item.text() == Some(event))
            || on.entries().any(|(key, ..)| key == event)
    }

    pub fn job(&self, name: &str) -> Option<&Job> {
        self.jobs.iter().find(|job| job.name == name)
    }
}

impl Job {
    /// The jobs that have to end before.
    pub fn needs(&self) -> Vec<&str> {
        let Some(needs) = self.node.get("needs") else { return Vec::new() };
        needs.text().into_iter().chain(needs.items().iter().filter_map(Node::text)).collect()
    }

    /// Everything in it that is text, with the nearest key and the line.
    pub fn texts(&self) -> Vec<(&str, &str, usize)> {
        let mut found = Vec::new();
        self.node.texts("", &mut found);
        found
    }

    pub fn deploys(&self) -> bool {
        self.steps.iter().any(Step::deploys)
    }

    pub fn makes_image(&self) -> bool {
        self.steps.iter().any(Step::makes_image)
    }
}

impl Step {
    pub fn input(&self, name: &str) -> Option<&Node> {
        self.node.at(&["with", name])
    }

    /// Whether the step runs this action, of any version.
    pub fn uses(&self, action: &str) -> bool {
        self.action.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(action))
    }

    pub fn texts(&self) -> Vec<(&str, &str, usize)> {
        let mut found = Vec::new();
        self.node.texts("", &mut found);
        found
    }

    /// Whether something goes live because of it: on Railway, or by our own command.
    pub fn deploys(&self) -> bool {
        let speaks_to_railway = |text: &str| {
            let text = text.to_ascii_lowercase();
            text.contains("backboard.railway") || text.contains("railway_webhook")
        };
        let by_text = self.script.as_ref().is_some_and(|script| speaks_to_railway(&script.text));
        let by_action = self.action.as_deref().is_some_and(|action| {
            let action = action.to_ascii_lowercase();
            action.contains("railway") && action.contains("deploy")
        });
        by_text || by_action || self.commands.iter().any(is_deploying)
    }

    /// Whether it builds or packs an image.
    pub fn makes_image(&self) -> bool {
        self.uses("docker/build-push-action")
            || self.uses("docker/bake-action")
            || self.commands.iter().any(|command| !image_builds(command).is_empty())
            || self.commands.iter().any(|command| {
                let words = words(command);
                words.starts_with(&["cargo", "xtask", "ci", "image"])
                    || words.starts_with(&["cargo", "xtask", "docker", "pack"])
                    || words.starts_with(&["cargo", "xtask", "docker", "build"])
            })
    }
}

/// The program with its arguments, also where it takes the shell's place.
pub fn words(command: &Simple) -> Vec<&str> {
    command.words.iter().map(String::as_str).skip_while(|word| *word == "exec").collect()
}

/// The arguments of `docker build` and `docker buildx build`; nothing for other commands.
pub fn image_builds(command: &Simple) -> Vec<&str> {
    match words(command).as_slice() {
        ["docker" | "podman", "build", args @ ..] | ["docker", "buildx", "build", args @ ..] => args.to_vec(),
        ["docker", "image", "build", args @ ..] => args.to_vec(),
        _ => Vec::new(),
    }
}

fn is_deploying(command: &Simple) -> bool {
    match words(command).as_slice() {
        ["railway", verb, ..] => ["up", "redeploy", "deploy", "restart", "api"].contains(verb),
        ["npx", rest @ ..] => rest.iter().any(|word| word.contains("railway")),
        ["cargo", "xtask", "deploy", ..] | ["cargo", "xtask", "ci", "deploy", ..] => true,
        _ => false,
    }
}

fn job(name: &str, line: usize, node: &Node) -> Job {
    let steps = node.get("steps").map(|steps| steps.items().iter().map(step).collect());
    Job { name: name.to_owned(), line, node: node.clone(), steps: steps.unwrap_or_default() }
}

fn step(node: &Node) -> Step {
    let script = node.get("run").and_then(|run| Some(Text::of_lines(run.text()?, run.line)));
    let action = node.text_at("uses").map(|uses| uses.split('@').next().unwrap_or(uses).to_owned());
    Step {
        line: node.line,
        action,
        // GitHub's shells stop at the first error.
        commands: script.as_ref().map(|text| shell::commands(text, true)).unwrap_or_default(),
        script,
        node: node.clone(),
    }
}

/// The expressions in a text: what stands between `${{` and `}}`, and where.
pub fn expressions(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find("${{") {
        let begin = at + start + 3;
        let end = text[begin..].find("}}").map_or(text.len(), |length| begin + length);
        found.push((begin - 3, text[begin..end].trim()));
        at = end;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_the_shells_place_is_seen() {
        let text = "jobs:\n  one:\n    steps:\n      - run: exec cargo xtask ci image\n      - run: exec cargo xtask ci deploy\n";
        let workflow = Workflow::parse("w.yml", text).unwrap();
        let steps = &workflow.jobs[0].steps;
        assert!(steps[0].makes_image() && !steps[0].deploys() && steps[1].deploys());
    }

    const TEXT: &str = "on:\n  push:\n  pull_request:\njobs:\n  one:\n    steps:\n      - uses: docker/build-push-action@abc # v6\n        with:\n          push: true\n      - run: |\n          echo\n          docker buildx build -t x .\n  two:\n    needs: [one]\n    steps:\n      - run: railway up --ci\n";

    #[test]
    fn jobs_and_steps() {
        let workflow = Workflow::parse("w.yml", TEXT).unwrap();
        assert!(workflow.starts_on("pull_request") && !workflow.starts_on("schedule"));
        let one = &workflow.jobs[0];
        assert_eq!((one.name.as_str(), one.line, one.steps[0].line), ("one", 5, 7));
        assert!(one.makes_image() && !one.deploys());
        assert!(one.steps[0].uses("docker/build-push-action"));
        let build = &one.steps[1].commands[1];
        assert_eq!((build.line, image_builds(build)), (12, vec!["-t", "x", "."]));
        assert!(workflow.jobs[1].deploys());
        assert_eq!(workflow.jobs[1].needs(), ["one"]);
        assert!(Workflow::parse("w.yml", "a: [").is_err());
    }

    #[test]
    fn expressions_in_text() {
        assert_eq!(
            expressions("a ${{ secrets.X }} b ${{github.ref}}"),
            [(2, "secrets.X"), (21, "github.ref")]
        );
    }
}
