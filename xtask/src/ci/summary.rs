//! What a step tells people at its end, as Markdown: how it ended, why it failed, and the reports of what it did. Pure.

use crate::exec::Executor;
use crate::exit;

/// The step's part of the job's summary.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    title: String,
    /// What is being done.
    part: &'static str,
    sections: Vec<String>,
    problem: Option<Problem>,
}

/// Why the step failed.
#[derive(Clone, Debug)]
struct Problem {
    part: &'static str,
    message: String,
    hint: Option<String>,
}

impl Summary {
    /// The title says what the step makes, e.g. `Image`.
    pub fn new(title: &str) -> Summary {
        Summary { title: title.to_owned(), ..Summary::default() }
    }

    /// From now on this is being done, e.g. `smoke test`.
    pub fn begin(&mut self, part: &'static str) {
        self.part = part;
    }

    /// Adds a report or a few sentences, in Markdown.
    pub fn add(&mut self, section: impl Into<String>) {
        self.sections.push(section.into());
    }

    /// The step failed at what was being done; told as it is at the end of the command.
    pub fn fail(&mut self, error: &anyhow::Error) {
        let hint = exit::hint_of(error).map(str::to_owned);
        self.problem = Some(Problem { part: self.part, message: format!("{error:#}"), hint });
    }

    /// The whole text without any secret.
    pub fn markdown(&self, exec: &Executor) -> String {
        exec.redact(&self.text())
    }

    fn text(&self) -> String {
        let result = if self.problem.is_some() { "failed" } else { "ok" };
        let mut text = format!("### {}: {result}\n", self.title);
        let problem = self.problem.iter().map(Problem::text);
        for section in problem.chain(self.sections.iter().cloned()) {
            text.push_str(&format!("\n{}\n", section.trim_end()));
        }
        text
    }
}

impl Problem {
    fn text(&self) -> String {
        let message = self.message.trim_end();
        // The message may quote anything, so nothing in it may close its block.
        let longest = message.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        let hint = self.hint.as_ref().map_or(String::new(), |hint| format!("\nhint: {hint}\n"));
        format!("**{} failed**\n\n{fence}text\n{message}\n{fence}\n{hint}", self.part)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::exec::Mode;
    use crate::exit::{Exit, Failure};
    use crate::ui::Ui;

    fn summary() -> Summary {
        let mut summary = Summary::new("Image");
        summary.begin("pack");
        summary.add("| image | app |\n| --- | --- |\n");
        summary.begin("smoke test");
        summary.add("It was there already.");
        summary
    }

    #[test]
    fn what_was_done() {
        expect![[r#"
            ### Image: ok

            | image | app |
            | --- | --- |

            It was there already.
        "#]]
        .assert_eq(&summary().text());
    }

    #[test]
    fn what_failed_and_what_came_before() {
        let failure = Failure::new(Exit::CommandFailed, "GET /: 403\n```\n| closed |").hint("log in");
        let mut summary = summary();
        summary.fail(&anyhow::Error::from(failure).context("step `pull`"));
        expect![[r#"
            ### Image: failed

            **smoke test failed**

            ````text
            step `pull`: GET /: 403
            ```
            | closed |
            ````

            hint: log in

            | image | app |
            | --- | --- |

            It was there already.
        "#]]
        .assert_eq(&summary.text());
    }

    #[test]
    fn secrets_stay_out() {
        let exec = Executor::new(Ui::detect(true), Mode::DryRun).unwrap();
        exec.learn_secret("hunter2-hunter2");
        let mut summary = summary();
        summary.add("also hunter2-hunter2");
        summary.fail(&anyhow::anyhow!("GET https://o/?t=hunter2-hunter2: 403"));
        let text = summary.markdown(&exec);
        assert!(text.contains("t=[redacted]") && text.contains("also [redacted]"), "{text}");
    }
}
