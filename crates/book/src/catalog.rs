//! Catalogs of messages in gettext's PO format: what is to be translated, and its translation.
//!
//! ```text
//! new       a language --> po/<code>.po and its entry in po/languages.toml
//! extract   chapters, table of contents, interface, labels --> Catalog (the template, without translations)
//! context   what translators are told beside a message
//! update    template + po/<code>.po                        --> po/<code>.po with nothing lost
//! check     po/<code>.po, po/glossary.toml, a dictionary   --> what is missing, wrong or doubtful, with its line
//! status    template + po/<code>.po                        --> how far the translation is, per chapter
//! po        the file format; `file`: what may be read at all; `header`: its fields
//! safety    what a translation must not bring into the page
//! ```
//!
//! The format is read and written here because neither `polib` nor `rspolib` keeps all of it: the one drops obsolete messages, previous
//! msgids and translators' comments, and panics on a header that lacks a field; the other loses source references and breaks long
//! comments when it writes.

mod check;
mod context;
mod entries;
mod extract;
mod file;
pub mod header;
mod new;
mod po;
pub(crate) mod safety;
mod similar;
mod status;
mod update;

use std::path::Path;

use anyhow::Result;

use crate::diagnostic::Diagnostics;

pub(crate) use check::Gender;
pub use check::{Dictionaries, DictionaryFiles, Finding, Place, Report, Severity, check, check_directives};
pub use entries::Entries;
pub use extract::extract;
pub(crate) use extract::has_words;
pub use new::{Added, Given, new};
pub use status::{Count, Part, Progress, Texts, progress};
pub use update::{Summary, update};

/// The renderer's name under which a book is read for its messages. Preprocessors that translate or fill in numbers do not run for it.
pub(crate) const EXTRACTION: &str = "xgettext";

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
    pub(crate) fn is_fuzzy(&self) -> bool {
        self.flags.iter().any(|flag| flag == "fuzzy")
    }

    /// Whether readers see the translation.
    pub(crate) fn is_translated(&self) -> bool {
        !self.msgstr.is_empty() && !self.is_fuzzy() && !self.obsolete
    }
}

/// A catalog: its header and its messages in the order of the book.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    /// The entry with the empty msgid; its msgstr holds the fields, one per line.
    pub header: Entry,
    pub entries: Entries,
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

    /// Reads `<code>.po`; `shown` is its path as diagnostics show it. What is wrong in it comes as [`Diagnostics`].
    pub fn read(path: &Path, shown: &Path) -> Result<Catalog> {
        Ok(Catalog::from_bytes(&file::read(path, shown)?, path, shown)?)
    }

    /// The same, of what was read from the file at `path`.
    fn from_bytes(bytes: &[u8], path: &Path, shown: &Path) -> Result<Catalog, Diagnostics> {
        let catalog = Catalog::parse(file::decode(bytes, shown)?, shown)?;
        let code = path.file_stem().unwrap_or_default().to_string_lossy();
        header::require(&catalog.header, &code, shown)?;
        Ok(catalog)
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
        self.entries.find(msgid).map(|number| &self.entries[number])
    }

    /// Adds a message, or a place to the message that is there already.
    fn add(&mut self, msgid: &str, source: &str, comment: &str) {
        if msgid.trim().is_empty() {
            return;
        }
        let entry = self.entries.find_or_add(msgid);
        let add = |list: &mut Vec<String>, text: &str| {
            if !text.is_empty() && list.iter().all(|known| known != text) {
                list.push(text.to_owned());
            }
        };
        add(&mut entry.sources, source);
        // A comment takes one line of the file.
        for line in comment.lines() {
            add(&mut entry.comments, line.trim_end());
        }
    }
}
