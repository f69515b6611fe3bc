//! Where in the book a message was taken from: the file is in the catalog, the line is looked up only when somebody is to be sent there.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use mdbook_i18n_helpers::extract_messages;

use super::finding::Place;
use crate::catalog::Entry;
use crate::diagnostic::line_of;
use crate::site::Site;

/// Programs that chapters show live here, as do the descriptions of experiments.
const EXAMPLES: &str = "examples";

/// Files read so far.
pub(super) struct Places<'a> {
    site: &'a Site,
    texts: HashMap<PathBuf, String>,
    messages: HashMap<PathBuf, HashMap<String, usize>>,
    programs: Option<Vec<PathBuf>>,
}

impl Places<'_> {
    pub(super) fn new(site: &Site) -> Places<'_> {
        Places {
            site,
            texts: HashMap::new(),
            messages: HashMap::new(),
            programs: None,
        }
    }

    /// The first place of a message of the template; `None` for those of the machinery, which stand in no file of the book.
    pub(super) fn of(&mut self, entry: &Entry, is_code: bool) -> Option<Place> {
        let path = PathBuf::from(entry.sources.iter().find(|source| !source.is_empty())?);
        let line = if path.extension().is_some_and(|extension| extension == "md") {
            match is_code {
                true => self.comment_line(&path, &entry.msgid),
                false => self.message_line(&path, &entry.msgid),
            }
        } else {
            None
        };
        if is_code && line.is_none() {
            // The chapter shows a program; its comments are mended there.
            for program in self.programs() {
                if let Some(line) = self.comment_line(&program, &entry.msgid) {
                    return Some(Place {
                        path: program,
                        line: Some(line),
                    });
                }
            }
        }
        let line = line.or_else(|| self.text_line(&path, &entry.msgid));
        Some(Place { path, line })
    }

    fn text(&mut self, path: &Path) -> &str {
        self.texts
            .entry(path.to_owned())
            // A file that is gone has no lines.
            .or_insert_with(|| std::fs::read_to_string(self.site.root.join(path)).unwrap_or_default())
    }

    /// The line of a paragraph, heading, cell, as the extraction sees them.
    fn message_line(&mut self, path: &Path, message: &str) -> Option<usize> {
        if !self.messages.contains_key(path) {
            let messages = extract_messages(self.text(path)).unwrap_or_default();
            let mut lines = HashMap::new();
            for (line, found) in messages {
                lines.entry(found.message).or_insert(line);
            }
            self.messages.insert(path.to_owned(), lines);
        }
        self.messages[path].get(message).copied()
    }

    /// The line on which these lines of a comment follow one another, whatever their indentation and the code before them.
    fn comment_line(&mut self, path: &Path, comment: &str) -> Option<usize> {
        let wanted: Vec<&str> = comment.trim_end().lines().map(str::trim).collect();
        let lines: Vec<&str> = self.text(path).lines().map(str::trim).collect();
        let (first, rest) = wanted.split_first()?;
        lines
            .windows(wanted.len())
            .position(|window| window[0].ends_with(first) && window[1..] == *rest)
            .map(|at| at + 1)
    }

    /// The line of the text as it is, between quotes first: a label of a table of settings.
    fn text_line(&mut self, path: &Path, message: &str) -> Option<usize> {
        let text = self.text(path);
        let quoted = text
            .find(&format!("\"{message}\""))
            .or_else(|| text.find(&format!("[{message}]")));
        quoted.or_else(|| text.find(message)).map(|at| line_of(text, at))
    }

    /// All programs, relative to the root, sorted.
    fn programs(&mut self) -> Vec<PathBuf> {
        let root = self.site.root.clone();
        let found = self.programs.get_or_insert_with(|| {
            let mut found = Vec::new();
            let mut folders = vec![root.join(EXAMPLES)];
            while let Some(folder) = folders.pop() {
                for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                    let path = entry.path();
                    if path.is_dir() {
                        folders.push(path);
                    } else if path
                        .extension()
                        .is_some_and(|extension| extension == "rs" || extension == "py")
                    {
                        found.push(self.site.relative(&path));
                    }
                }
            }
            found.sort();
            found
        });
        found.clone()
    }
}
