//! What a writer or a translator got wrong: where it is, what it is, and what to do about it.
//!
//! Diagnostics are collected and shown all at once; an [`anyhow::Error`] is for what stops the work altogether.

use std::fmt;
use std::path::{Path, PathBuf};

/// One mistake in a file that somebody writes by hand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// Relative to the root of the project, with `/` between its parts.
    pub path: PathBuf,
    /// From 1.
    pub line: usize,
    pub message: String,
    /// What to do about it. May be empty where the message says so already.
    pub help: String,
}

impl Diagnostic {
    pub fn new(
        path: impl Into<PathBuf>,
        line: usize,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic {
            path: path.into(),
            line,
            message: message.into(),
            help: help.into(),
        }
    }

    /// The same, for a byte offset in the file's text.
    pub fn at(
        path: &Path,
        text: &str,
        offset: usize,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic::new(path, line_of(text, offset), message, help)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path.display(), self.line, self.message)?;
        for (number, line) in self.help.lines().enumerate() {
            let lead = if number == 0 { "help: " } else { "      " };
            write!(f, "\n  {lead}{line}")?;
        }
        Ok(())
    }
}

/// All mistakes found, as one error: for functions that cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// An error if there is any.
    pub fn into_result(self) -> Result<(), Diagnostics> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for diagnostic in &self.0 {
            writeln!(f, "{diagnostic}")?;
        }
        match self.0.len() {
            1 => write!(f, "1 mistake"),
            count => write!(f, "{count} mistakes"),
        }
    }
}

impl std::error::Error for Diagnostics {}

/// The line, from 1, that holds the byte at `offset`. An offset past the end is on the last line.
pub fn line_of(text: &str, offset: usize) -> usize {
    let before = &text.as_bytes()[..offset.min(text.len())];
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

/// The lines of a text in which there may be many mistakes: it is gone through once, not once for each of them.
pub struct Lines {
    /// Where its newlines stand.
    newlines: Vec<usize>,
}

impl Lines {
    pub fn of(text: &str) -> Lines {
        Lines {
            newlines: text.match_indices('\n').map(|(at, _)| at).collect(),
        }
    }

    /// As [`line_of`] has it.
    pub fn at(&self, offset: usize) -> usize {
        1 + self.newlines.partition_point(|newline| *newline < offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_from_one_and_a_newline_belongs_to_the_line_it_ends() {
        let text = "a\nbè\nc";
        let lines: Vec<usize> = (0..=text.len() + 1).map(|offset| line_of(text, offset)).collect();
        assert_eq!(lines, [1, 1, 2, 2, 2, 2, 3, 3, 3]);
        let once = Lines::of(text);
        let lines: Vec<usize> = (0..=text.len() + 1).map(|offset| once.at(offset)).collect();
        assert_eq!(lines, [1, 1, 2, 2, 2, 2, 3, 3, 3]);
    }

    #[test]
    fn every_mistake_is_shown_with_its_place_and_its_remedy() {
        let diagnostics = Diagnostics(vec![
            Diagnostic::new("src/a.md", 3, "no such experiment `nap`", "did you mean `naps`?"),
            Diagnostic::at(Path::new("po/it.po"), "x\ny", 2, "two things", "first\nsecond"),
        ]);
        assert_eq!(
            diagnostics.to_string(),
            "src/a.md:3: no such experiment `nap`\n  help: did you mean `naps`?\n\
             po/it.po:2: two things\n  help: first\n        second\n2 mistakes"
        );
    }
}
