//! `{{#steps EXPERIMENT}}`: what an event loop or an executor did, step by step, as a program of the chapter wrote it down in
//! `examples/EXPERIMENT/steps.json`. The tests run that program again and compare.
//!
//! On the page stands a table with a line for each step. `theme/stepper.js` shows one step at a time in its place; without scripts, and on
//! paper, the table is all there is.

use std::fmt::Write;
use std::path::{Component, Path};

use serde::Deserialize;

use crate::html::escaped;
use crate::interface::Interface;
use crate::reference::Problem;

pub const NAME: &str = "steps";

/// A recording, as a program prints it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recording {
    steps: Vec<Step>,
}

/// What happened, and how things stand after it. Times are in milliseconds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    event: Event,
    #[serde(default)]
    task: Option<String>,
    /// Until when the loop sleeps.
    #[serde(default)]
    until: Option<u64>,
    /// How late a beat comes.
    #[serde(default)]
    late: Option<u64>,
    /// Where time is part of the recording.
    #[serde(default)]
    clock: Option<u64>,
    running: Option<String>,
    ready: Vec<String>,
    timers: Vec<Timer>,
    /// Who waits for the kernel to say that a socket is ready.
    #[serde(default)]
    kernel: Option<Vec<String>>,
    /// Who waits for another task.
    #[serde(default)]
    tasks: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Timer {
    At { at: u64, task: String },
    Of(String),
}

/// What a loop or an executor does; the words of the two differ as their chapters do.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    // A loop.
    Spawned,
    Looks,
    Sleeps,
    Readable,
    Due,
    Runs,
    Computes,
    Beats,
    LetsGo,
    SetsTimer,
    WaitsForSocket,
    WaitsForTask,
    Woken,
    Ends,
    // An executor.
    Polled,
    PendingTimer,
    PendingSocket,
    PendingTask,
    WakerCalled,
    ReactorWaits,
    Ready,
}

impl Event {
    fn sentence(self) -> &'static str {
        match self {
            Event::Spawned => "{task} is spawned: it joins the queue.",
            Event::Looks => "The loop has a look at the kernel and at the timers, without waiting.",
            Event::Sleeps => "Nothing is ready: the loop sleeps in the kernel until {until} ms.",
            Event::Readable => "The kernel says that the socket of {task} is ready: {task} joins the queue.",
            Event::Due => "The time of {task} has come: it joins the queue.",
            Event::Runs => "{task} leaves the queue and runs.",
            Event::Computes => "{task} has computed for a slice; the clock has moved on.",
            Event::Beats => "{task} beats, {late} ms late.",
            Event::LetsGo => "{task} lets the others go first: it joins the end of the queue.",
            Event::SetsTimer => "{task} suspends, with a timer.",
            Event::WaitsForSocket => "{task} suspends until its socket is ready.",
            Event::WaitsForTask => "{task} suspends until another task ends.",
            Event::Woken => "What {task} waited for is done: it joins the queue.",
            Event::Ends => "{task} ends.",
            Event::Polled => "The executor takes {task} from the queue and polls it.",
            Event::PendingTimer => "{task} is pending: its waker lies with the reactor, with a deadline.",
            Event::PendingSocket => "{task} is pending: its waker lies with the reactor, with a socket.",
            Event::PendingTask => "{task} is pending: its waker lies with the task that it awaits.",
            Event::WakerCalled => "The waker of {task} is called: {task} joins the queue.",
            Event::ReactorWaits => "Nothing is ready: the reactor waits in the kernel.",
            Event::Ready => "{task} is ready: its future is done.",
        }
    }
}

/// What stands for `{{#steps EXPERIMENT}}`, of the project below `root`.
///
/// # Errors
///
/// Where there is no recording, or not one of steps.
pub(crate) fn render(experiment: &str, root: &Path, interface: &Interface) -> Result<String, Problem> {
    let plain = |part: Component| matches!(part, Component::Normal(_));
    if experiment.is_empty() || !Path::new(experiment).components().all(plain) {
        return Err(Problem::new(
            format!("`{{{{#steps {experiment}}}}}` cannot be read"),
            "write {{#steps EXPERIMENT}}, a folder of examples/ that holds steps.json",
        ));
    }
    let folder = root.join("examples").join(experiment);
    let shown = format!("examples/{experiment}/{RECORDING}");
    let text = std::fs::read_to_string(folder.join(RECORDING)).map_err(|error| {
        Problem::new(
            format!("{shown} cannot be read: {error}"),
            "a program of the experiment, steps.py or steps.rs, prints it",
        )
    })?;
    let recording: Recording = serde_json::from_str(&text).map_err(|error| {
        Problem::new(
            format!("{shown} is no recording: {error}"),
            "let the program that prints it write it again; crates/book/src/stepper.rs says what a step has",
        )
    })?;
    let Some(first) = recording.steps.first() else {
        return Err(Problem::new(
            format!("{shown} has no step"),
            "let the program that prints it write it again",
        ));
    };
    let program = PROGRAMS
        .iter()
        .find(|program| folder.join(program).is_file())
        .ok_or_else(|| {
            Problem::new(
                format!("no program of {experiment} prints its steps"),
                "write steps.py or steps.rs beside steps.json: what the book shows can be recorded again",
            )
        })?;
    let page = Page {
        interface,
        clock: first.clock.is_some(),
        kernel: first.kernel.is_some(),
        tasks: first.tasks.is_some(),
        names: recording.names(),
    };
    Ok(page.figure(&recording, &format!("examples/{experiment}/{program}")))
}

/// In the folder of an experiment.
pub const RECORDING: &str = "steps.json";
/// What may have printed it.
const PROGRAMS: &[&str] = &["steps.py", "steps.rs"];

impl Recording {
    /// Every name in the order in which it comes up: each has a colour of its own.
    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for step in &self.steps {
            let timers = step.timers.iter().map(Timer::name);
            let others = [&step.kernel, &step.tasks].into_iter().flatten().flatten();
            let all = step.running.iter().chain(&step.ready).chain(others).map(String::as_str);
            for name in all.chain(timers) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }
}

impl Timer {
    fn name(&self) -> &str {
        match self {
            Timer::At { task, .. } | Timer::Of(task) => task,
        }
    }
}

struct Page<'a> {
    interface: &'a Interface,
    clock: bool,
    kernel: bool,
    tasks: bool,
    names: Vec<&'a str>,
}

impl Page<'_> {
    fn text(&self, english: &'static str) -> String {
        escaped(&self.interface.text(english))
    }

    fn figure(&self, recording: &Recording, program: &str) -> String {
        let mut html = format!(
            "<figure class=\"stepper\" data-back=\"{}\" data-next=\"{}\" data-play=\"{}\" data-pause=\"{}\" data-speed=\"{}\" \
             data-all=\"{}\" data-step=\"{}\" data-place=\"{}\" data-places=\"{}\">\n<div class=\"table-wrapper\" tabindex=\"0\"><table>\n<thead><tr>",
            self.text("One step back"),
            self.text("One step on"),
            self.text("Play"),
            self.text("Pause"),
            self.text("Speed"),
            self.text("All steps"),
            self.text("Step {number} of {count}"),
            self.text("Steps of a recording"),
            3 + usize::from(self.kernel) + usize::from(self.tasks),
        );
        let mut heads = vec!["Step"];
        heads.extend(self.clock.then_some("Clock, in ms"));
        heads.extend(["What happens", "Runs now", "Queue", "Timers"]);
        heads.extend(self.kernel.then_some("Waiting for a socket"));
        heads.extend(self.tasks.then_some("Waiting for a task"));
        for head in heads {
            let _ = write!(html, "<th scope=\"col\">{}</th>", self.text(head));
        }
        html.push_str("</tr></thead>\n<tbody>\n");
        for (number, step) in recording.steps.iter().enumerate() {
            self.row(&mut html, number + 1, step);
        }
        let source = self
            .text("Recorded by {program}; the tests record it again and compare.")
            .replace("{program}", &format!("<code>{}</code>", escaped(program)));
        let _ = write!(
            html,
            "</tbody></table></div>\n<figcaption>{source}</figcaption>\n</figure>"
        );
        html
    }

    fn row(&self, html: &mut String, number: usize, step: &Step) {
        let _ = write!(html, "<tr><th scope=\"row\">{number}</th>");
        if self.clock {
            let _ = write!(html, "<td>{}</td>", step.clock.unwrap_or_default());
        }
        let _ = write!(html, "<td>{}</td>", self.sentence(step));
        let running: Vec<&str> = step.running.iter().map(String::as_str).collect();
        self.cell(html, running.iter().map(|name| (*name, String::new())));
        self.cell(html, step.ready.iter().map(|name| (name.as_str(), String::new())));
        self.cell(
            html,
            step.timers.iter().map(|timer| match timer {
                Timer::At { at, task } => (task.as_str(), format!("\u{a0}{at}")),
                Timer::Of(task) => (task.as_str(), String::new()),
            }),
        );
        for (there, waiting) in [(self.kernel, &step.kernel), (self.tasks, &step.tasks)] {
            if there {
                let waiting = waiting.iter().flatten();
                self.cell(html, waiting.map(|name| (name.as_str(), String::new())));
            }
        }
        html.push_str("</tr>\n");
    }

    fn sentence(&self, step: &Step) -> String {
        let number = |value: Option<u64>| value.unwrap_or_default().to_string();
        let sentence = escaped(&self.interface.text(step.event.sentence()));
        let task = step.task.as_deref().unwrap_or_default();
        sentence
            .replace("{task}", &self.name(task, ""))
            .replace("{until}", &number(step.until))
            .replace("{late}", &number(step.late))
    }

    fn cell<'b>(&self, html: &mut String, names: impl Iterator<Item = (&'b str, String)>) {
        let names: Vec<String> = names.map(|(name, more)| self.name(name, &more)).collect();
        let _ = write!(html, "<td>{}</td>", names.join(" "));
    }

    /// A task, in its colour; the name tells them apart.
    fn name(&self, name: &str, more: &str) -> String {
        let number = self.names.iter().position(|other| *other == name).unwrap_or_default();
        // There are eight colours.
        let series = number % 8 + 1;
        format!("<span class=\"task series-{series}\">{}{more}</span>", escaped(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::english;

    const STEPS: &str = r#"{"steps": [
        {"event": "runs", "task": "a<b", "clock": 0, "running": "a<b", "ready": ["c"], "timers": [], "kernel": []},
        {"event": "sleeps", "until": 20, "clock": 0, "running": null, "ready": [], "timers": [{"at": 20, "task": "c"}], "kernel": ["a<b"]}
    ]}"#;

    fn rendered(steps: &str, program: Option<&str>) -> Result<String, Problem> {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("examples").join("e");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(RECORDING), steps).unwrap();
        if let Some(program) = program {
            std::fs::write(folder.join(program), "").unwrap();
        }
        render("e", root.path(), &english())
    }

    #[test]
    fn a_line_tells_a_step_and_how_things_stand_after_it() {
        let html = rendered(STEPS, Some("steps.py")).unwrap();
        assert_eq!(html.matches("<tr><th scope=\"row\">").count(), 2, "{html}");
        assert!(
            html.contains("<span class=\"task series-1\">a&lt;b</span> leaves the queue and runs."),
            "{html}"
        );
        assert!(html.contains("sleeps in the kernel until 20 ms."), "{html}");
        assert!(
            html.contains("<span class=\"task series-2\">c\u{a0}20</span>"),
            "{html}"
        );
        assert!(html.contains("<code>examples/e/steps.py</code>"), "{html}");
        assert!(!html.contains("Waiting for a task"), "{html}");
        assert!(!html.contains("\n\n"), "a block of HTML ends at a blank line");
    }

    #[test]
    fn a_recording_that_cannot_be_shown_says_why() {
        for (steps, program, expected) in [
            ("{", Some("steps.py"), "is no recording"),
            ("{\"steps\": []}", Some("steps.py"), "has no step"),
            (
                "{\"steps\": [{\"event\": \"flies\"}]}",
                Some("steps.py"),
                "is no recording",
            ),
            (STEPS, None, "no program of e prints its steps"),
        ] {
            let problem = rendered(steps, program).unwrap_err();
            assert!(
                problem.message.contains(expected) && !problem.help.is_empty(),
                "{problem:?}"
            );
        }
        let outside = render("../e", Path::new("."), &english()).unwrap_err();
        assert!(outside.message.contains("cannot be read"), "{outside:?}");
        let missing = render("none", Path::new("."), &english()).unwrap_err();
        assert!(missing.message.contains("examples/none/steps.json"), "{missing:?}");
    }
}
