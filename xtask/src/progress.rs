//! Shows a campaign's progress: a bar in a terminal, a line per run elsewhere.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};
use measure::campaign::Progress;

pub struct Shown {
    /// Absent where there is no terminal.
    bar: Option<ProgressBar>,
}

impl Shown {
    pub fn new() -> Shown {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            let style = ProgressStyle::with_template("{bar:24} {pos}/{len} · {elapsed} gone, {eta} left · {msg}")
                .expect("a valid template");
            bar.set_style(style);
            bar
        });
        Shown { bar }
    }

    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Shown {
    fn plan(&self, runs: u64) {
        match &self.bar {
            Some(bar) => bar.set_length(runs),
            None => eprintln!("{runs} runs planned"),
        }
    }

    fn run(&self, what: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(what.to_owned()),
            None => eprintln!("{what}"),
        }
    }

    fn advance(&self, runs: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(runs);
        }
    }

    fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }
}
