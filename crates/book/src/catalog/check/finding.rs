//! One thing that a check found, and all of them.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::catalog::Entry;
use crate::diagnostic::Diagnostic;

/// Whether an edition may be published with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Wrong for certain.
    Error,
    /// A person should look at it.
    Warning,
}

impl Severity {
    /// As shown: `error`, `warning`.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// Where the text stands that a message was taken from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Relative to the root of the project, with `/` between its parts.
    pub path: PathBuf,
    /// From 1; `None` where the file is known but not the line.
    pub line: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        self.line.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

/// What is wrong or doubtful, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    /// The rule that found it, in one word: `directives`, `glossary`, `spelling`.
    pub rule: &'static str,
    /// Where it is in the catalog (or, for a mistake of a chapter, in the chapter).
    pub diagnostic: Diagnostic,
    /// Where the message stands in the book.
    pub source: Option<Place>,
}

impl Finding {
    /// A mistake that has no message of a catalog behind it.
    pub fn error(rule: &'static str, diagnostic: Diagnostic) -> Finding {
        Finding {
            severity: Severity::Error,
            rule,
            diagnostic,
            source: None,
        }
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Diagnostic {
            path,
            line,
            message,
            help,
        } = &self.diagnostic;
        write!(
            f,
            "{}:{line}: {}[{}]: {message}",
            path.display(),
            self.severity.name(),
            self.rule
        )?;
        if let Some(source) = &self.source {
            write!(f, "\n  of:   {source}")?;
        }
        for (number, line) in help.lines().enumerate() {
            let lead = if number == 0 { "help: " } else { "      " };
            write!(f, "\n  {lead}{line}")?;
        }
        Ok(())
    }
}

/// The outcome of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// By file and line.
    pub findings: Vec<Finding>,
    /// What could not be checked, and why.
    pub skipped: Vec<String>,
}

impl Report {
    pub fn errors(&self) -> usize {
        self.findings.iter().filter(|finding| finding.is_error()).count()
    }

    pub fn warnings(&self) -> usize {
        self.findings.len() - self.errors()
    }

    /// Takes in another; the order is by file and line again, and nothing is said twice.
    pub fn extend(&mut self, other: Report) {
        self.findings.extend(other.findings);
        self.findings
            .sort_by(|a, b| (&a.diagnostic, a.severity, a.rule).cmp(&(&b.diagnostic, b.severity, b.rule)));
        self.findings.dedup();
        self.skipped.extend(other.skipped);
    }
}

/// Takes down what is found in one entry.
pub(super) struct Notes<'a> {
    pub(super) path: &'a Path,
    pub(super) entry: &'a Entry,
    pub(super) findings: &'a mut Vec<Finding>,
}

impl Notes<'_> {
    /// What a rule has found so far.
    pub(super) fn of_rule(&self, rule: &str) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.rule == rule)
    }

    /// A mistake at a byte of the translation.
    pub(super) fn error(&mut self, rule: &'static str, at: usize, message: impl Into<String>, help: impl Into<String>) {
        self.add(Severity::Error, rule, at, message.into(), help.into());
    }

    /// Something doubtful at a byte of the translation.
    pub(super) fn warning(
        &mut self,
        rule: &'static str,
        at: usize,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.add(Severity::Warning, rule, at, message.into(), help.into());
    }

    fn add(&mut self, severity: Severity, rule: &'static str, at: usize, message: String, help: String) {
        let line = self.entry.line_of_translation(at);
        self.findings.push(Finding {
            severity,
            rule,
            diagnostic: Diagnostic::new(self.path, line, message, help),
            source: None,
        });
    }
}
