//! Catalogs of messages in gettext's PO format: what is to be translated, and its translation.
//!
//! ```text
//! new       a language --> po/<code>.po and its entry in po/languages.toml
//! extract   chapters, table of contents, interface, labels --> Catalog (the template, without translations)
//! update    template + po/<code>.po                        --> po/<code>.po with nothing lost
//! check     po/<code>.po, po/glossary.toml, a dictionary   --> what is missing, wrong or doubtful, with its line
//! status    template + po/<code>.po                        --> how far the translation is, per chapter
//! po        the file format
//! ```
//!
//! The format is read and written here because neither `polib` nor `rspolib` keeps all of it: the one drops obsolete messages, previous
//! msgids and translators' comments, and panics on a header that lacks a field; the other loses source references and breaks long
//! comments when it writes. What translates the chapters (`mdbook-i18n-helpers`) speaks `polib`'s types: see [`Catalog::to_polib`].

mod check;
mod extract;
mod new;
mod po;
mod status;
mod update;

use std::path::Path;

use anyhow::{Context, Result};
use polib::message::Message;
use polib::metadata::CatalogMetadata;

use crate::diagnostic::Diagnostics;
use crate::gettext::ESCAPED;

pub use check::{Dictionaries, DictionaryFiles, Finding, Place, Report, Severity, check, check_directives};
pub use extract::extract;
pub use new::{Added, Given, new};
pub use status::{Count, Part, Progress, progress};
pub use update::{Summary, update};

/// The renderer's name under which a book is read for its messages. Preprocessors that translate or fill in numbers do not run for it.
pub const EXTRACTION: &str = "xgettext";

/// One message with its translation and all that is noted about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// `# `: notes by translators.
    pub notes: Vec<String>,
    /// `#. `: notes for translators.
    pub comments: Vec<String>,
    /// `#: `: files that the message stands in.
    pub sources: Vec<String>,
    /// `#, `: `fuzzy` and others.
    pub flags: Vec<String>,
    /// `#| msgid`: what a fuzzy translation is a translation of.
    pub previous: Option<String>,
    pub msgid: String,
    /// Empty where there is no translation.
    pub msgstr: String,
    /// `#~ `: no longer in the book, kept for its translation.
    pub obsolete: bool,
    /// The line of `msgid` in the file; 0 in a catalog that was not read from one.
    pub line: usize,
    /// How `msgid` and `msgstr` were broken into lines in the file, so that an editor's way of doing it is left in peace.
    written: po::Written,
}

impl Entry {
    pub fn is_fuzzy(&self) -> bool {
        self.flags.iter().any(|flag| flag == "fuzzy")
    }

    /// Whether readers see the translation.
    pub fn is_translated(&self) -> bool {
        !self.msgstr.is_empty() && !self.is_fuzzy() && !self.obsolete
    }
}

/// A catalog: its header and its messages in the order of the book.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    /// The entry with the empty msgid; its msgstr holds the fields, one per line.
    pub header: Entry,
    pub entries: Vec<Entry>,
}

impl Catalog {
    /// A catalog of plain pairs, for tests and for small tables.
    pub fn from_pairs(pairs: &[(&str, &str)]) -> Catalog {
        Catalog {
            header: Entry::default(),
            entries: pairs
                .iter()
                .map(|(msgid, msgstr)| Entry {
                    msgid: (*msgid).to_owned(),
                    msgstr: (*msgstr).to_owned(),
                    ..Entry::default()
                })
                .collect(),
        }
    }

    /// Reads a file; `shown` is its path as diagnostics show it.
    pub fn read(path: &Path, shown: &Path) -> Result<Catalog> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Catalog::parse(&text, shown)?)
    }

    pub fn parse(text: &str, shown: &Path) -> Result<Catalog, Diagnostics> {
        po::parse(text, shown)
    }

    /// The text of the file.
    pub fn to_po(&self) -> String {
        po::format(self)
    }

    /// Messages that are translated, with their translation.
    pub fn translations(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries
            .iter()
            .filter(|entry| entry.is_translated())
            .map(|entry| (entry.msgid.as_str(), entry.msgstr.as_str()))
    }

    /// The message with this text, unless it is obsolete.
    pub fn get(&self, msgid: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| !entry.obsolete && entry.msgid == msgid)
    }

    /// Adds a message, or a place to the message that is there already.
    fn add(&mut self, msgid: &str, source: &str, comment: &str) {
        if msgid.trim().is_empty() {
            return;
        }
        let entry = match self.entries.iter_mut().find(|entry| entry.msgid == msgid) {
            Some(entry) => entry,
            None => self.entries.push_mut(Entry {
                msgid: msgid.to_owned(),
                ..Entry::default()
            }),
        };
        let add = |list: &mut Vec<String>, text: &str| {
            if !text.is_empty() && list.iter().all(|known| known != text) {
                list.push(text.to_owned());
            }
        };
        add(&mut entry.sources, source);
        add(&mut entry.comments, comment);
    }

    /// The translations as `mdbook-i18n-helpers` takes them.
    pub fn to_polib(&self) -> polib::catalog::Catalog {
        let mut catalog = polib::catalog::Catalog::new(CatalogMetadata::new());
        for entry in self.entries.iter().filter(|entry| entry.is_translated()) {
            catalog.append_or_update(
                Message::build_singular()
                    .with_msgid(entry.msgid.replace("\\{{#", ESCAPED))
                    .with_msgstr(entry.msgstr.replace("\\{{#", ESCAPED))
                    .with_source(entry.sources.join("\n"))
                    .done(),
            );
        }
        catalog
    }
}
