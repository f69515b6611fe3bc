//! The PO file format, as far as a book needs it: no contexts, no plurals.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

use super::{Catalog, Entry};
use crate::diagnostic::{Diagnostic, Diagnostics};

/// Lines of `msgid` and `msgstr` as they stood in the file, keyword and quotes left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Written {
    msgid: Vec<String>,
    msgstr: Vec<String>,
}

/// What a quoted line on its own continues.
#[derive(Clone, Copy, PartialEq)]
enum Field {
    None,
    Previous,
    Msgid,
    Msgstr,
}

struct Parser<'a> {
    shown: &'a Path,
    catalog: Catalog,
    entry: Entry,
    field: Field,
    has_msgstr: bool,
    header_seen: bool,
    seen: HashMap<String, usize>,
    diagnostics: Vec<Diagnostic>,
}

pub(super) fn parse(text: &str, shown: &Path) -> Result<Catalog, Diagnostics> {
    let mut parser = Parser {
        shown,
        catalog: Catalog::default(),
        entry: Entry::default(),
        field: Field::None,
        has_msgstr: false,
        header_seen: false,
        seen: HashMap::new(),
        diagnostics: Vec::new(),
    };
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        parser.line(number + 1, line.trim_end());
    }
    parser.finish_entry();
    if !parser.header_seen {
        parser.diagnostics.push(Diagnostic::new(
            shown,
            1,
            "the header is missing",
            "a catalog starts with `msgid \"\"` and the fields Language and Content-Type in its `msgstr`; \
             `cargo xtask translate update` writes it",
        ));
    }
    Diagnostics(parser.diagnostics).into_result()?;
    Ok(parser.catalog)
}

impl Parser<'_> {
    fn line(&mut self, number: usize, line: &str) {
        let (line, obsolete) = match line.strip_prefix("#~") {
            Some(rest) => (rest.strip_prefix(' ').unwrap_or(rest), true),
            None => (line, false),
        };
        if obsolete && line.starts_with('|') {
            self.previous(number, &line[1..]);
        } else if line.is_empty() {
            self.finish_entry();
        } else if line.starts_with('#') {
            self.start_entry_after_msgstr();
            self.comment(number, line);
        } else if let Some(rest) = line.strip_prefix("msgid ") {
            self.start_entry_after_msgstr();
            if self.entry.line != 0 {
                self.wrong(
                    number,
                    "`msgid` twice in one message",
                    "a message is `msgid`, then `msgstr`",
                );
            }
            self.entry.line = number;
            self.entry.obsolete = obsolete;
            self.field = Field::Msgid;
            self.quoted(number, rest);
        } else if let Some(rest) = line.strip_prefix("msgstr ") {
            if self.entry.line == 0 {
                self.wrong(
                    number,
                    "`msgstr` without `msgid`",
                    "a message is `msgid`, then `msgstr`",
                );
            }
            self.has_msgstr = true;
            self.field = Field::Msgstr;
            self.quoted(number, rest);
        } else if line.starts_with('"') {
            self.quoted(number, line);
        } else if ["msgctxt", "msgid_plural", "msgstr["]
            .iter()
            .any(|keyword| line.starts_with(keyword))
        {
            self.wrong(
                number,
                "contexts and plural forms are not used in this book's catalogs",
                "a message is `msgid`, then `msgstr`",
            );
        } else {
            self.wrong(
                number,
                &format!("this is no line of a PO file: {line}"),
                "text stands in double quotes; notes start with `# `",
            );
        }
    }

    fn comment(&mut self, number: usize, line: &str) {
        let entry = &mut self.entry;
        let rest = |marker: &str| {
            let rest = line.strip_prefix(marker)?;
            Some(rest.strip_prefix(' ').unwrap_or(rest).to_owned())
        };
        if let Some(comment) = rest("#.") {
            entry.comments.push(comment);
        } else if let Some(sources) = rest("#:") {
            entry.sources.extend(sources.split_whitespace().map(str::to_owned));
        } else if let Some(flags) = rest("#,") {
            let flags = flags.split(',').map(|flag| flag.trim().to_owned());
            entry.flags.extend(flags.filter(|flag| !flag.is_empty()));
        } else if let Some(previous) = rest("#|") {
            self.previous(number, &previous);
        } else if let Some(note) = rest("#") {
            entry.notes.push(note);
        }
    }

    /// A line of `#| msgid`; other kinds of previous text are not used here and not kept.
    fn previous(&mut self, number: usize, line: &str) {
        let line = line.trim_start();
        if let Some(rest) = line.strip_prefix("msgid ") {
            self.entry.previous = Some(String::new());
            self.field = Field::Previous;
            self.quoted(number, rest);
        } else if line.starts_with('"') && self.field == Field::Previous {
            self.quoted(number, line);
        }
    }

    /// Entries are separated by blank lines, but need not be.
    fn start_entry_after_msgstr(&mut self) {
        if self.has_msgstr {
            self.finish_entry();
        }
    }

    fn quoted(&mut self, number: usize, quoted: &str) {
        let inner = quoted
            .trim()
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .filter(|inner| !ends_in_escape(inner));
        let Some(inner) = inner else {
            self.wrong(
                number,
                "a text is not in double quotes",
                "write \"...\", with \\\" for a quote inside",
            );
            return;
        };
        let Some(value) = unescape(inner) else {
            self.wrong(
                number,
                "a backslash or a quote that means nothing here",
                "write \\\\ for a backslash, \\\" for a quote, \\n for a new line, \\t for a tab",
            );
            return;
        };
        let entry = &mut self.entry;
        match self.field {
            Field::Msgid => {
                entry.msgid.push_str(&value);
                entry.written.msgid.push(inner.to_owned());
            }
            Field::Msgstr => {
                entry.msgstr.push_str(&value);
                entry.written.msgstr.push(inner.to_owned());
            }
            Field::Previous => entry.previous.get_or_insert_default().push_str(&value),
            Field::None => self.wrong(
                number,
                "a text that belongs to nothing",
                "it continues a `msgid` or `msgstr`",
            ),
        }
    }

    fn finish_entry(&mut self) {
        let entry = std::mem::take(&mut self.entry);
        let has_msgstr = std::mem::take(&mut self.has_msgstr);
        self.field = Field::None;
        if entry.line == 0 {
            // A comment at the end, or one that a blank line cuts off from its message: it is a note for whoever reads on.
            self.entry.notes = entry.notes;
            return;
        }
        if !has_msgstr {
            self.wrong(entry.line, "`msgid` without `msgstr`", "add `msgstr \"\"` below it");
            return;
        }
        if entry.msgid.is_empty() && !entry.obsolete {
            if self.header_seen {
                self.wrong(
                    entry.line,
                    "an empty `msgid`: there is one already, the header",
                    "remove it",
                );
            }
            self.header_seen = true;
            self.catalog.header = entry;
            return;
        }
        if !entry.obsolete
            && let Some(first) = self.seen.insert(entry.msgid.clone(), entry.line)
        {
            self.wrong(
                entry.line,
                &format!("this message stands at line {first} already"),
                "keep the better translation of the two and remove the other",
            );
        }
        self.catalog.entries.push(entry);
    }

    fn wrong(&mut self, line: usize, message: &str, help: &str) {
        self.diagnostics.push(Diagnostic::new(self.shown, line, message, help));
    }
}

impl Entry {
    /// The line of the file on which the byte at `offset` of the translation stands; that of the message where it was not read from one.
    pub fn line_of_translation(&self, offset: usize) -> usize {
        let mut end = 0;
        let before = self.written.msgstr.iter().take_while(|line| {
            end += unescape(line).unwrap_or_default().len();
            end <= offset
        });
        let at = before.count().min(self.written.msgstr.len().saturating_sub(1));
        self.line + self.written.msgid.len() + at
    }
}

/// Whether the text ends in an odd number of backslashes, so that a quote after it would be part of it.
fn ends_in_escape(text: &str) -> bool {
    text.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

fn unescape(text: &str) -> Option<String> {
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        value.push(match c {
            '\\' => match chars.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                c @ ('\\' | '"') => c,
                _ => return None,
            },
            '"' => return None,
            c => c,
        });
    }
    Some(value)
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push_str("\\t"),
            '\r' => escaped.push_str("\\r"),
            '\\' => escaped.push_str("\\\\"),
            '"' => escaped.push_str("\\\""),
            c => escaped.push(c),
        }
    }
    escaped
}

pub(super) fn format(catalog: &Catalog) -> String {
    let mut text = String::new();
    format_entry(&mut text, &catalog.header);
    // Translators' tools keep obsolete messages last.
    let (obsolete, present): (Vec<_>, Vec<_>) = catalog.entries.iter().partition(|entry| entry.obsolete);
    for entry in present.into_iter().chain(obsolete) {
        text.push('\n');
        format_entry(&mut text, entry);
    }
    text
}

fn format_entry(text: &mut String, entry: &Entry) {
    let mut comments = |marker: &str, lines: &[String]| {
        for line in lines {
            let space = if line.is_empty() { "" } else { " " };
            writeln!(text, "{marker}{space}{line}").expect("a string takes everything");
        }
    };
    comments("#", &entry.notes);
    comments("#.", &entry.comments);
    if !entry.obsolete {
        comments("#:", &wrap_sources(&entry.sources));
    }
    if !entry.flags.is_empty() {
        comments("#,", &[entry.flags.join(", ")]);
    }
    let prefix = if entry.obsolete { "#~ " } else { "" };
    if let Some(previous) = &entry.previous {
        let prefix = if entry.obsolete { "#~| " } else { "#| " };
        format_field(text, prefix, "msgid", previous, &[]);
    }
    format_field(text, prefix, "msgid", &entry.msgid, &entry.written.msgid);
    format_field(text, prefix, "msgstr", &entry.msgstr, &entry.written.msgstr);
}

/// gettext's own line width.
const WIDTH: usize = 79;

fn wrap_sources(sources: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for source in sources {
        match lines.last_mut() {
            Some(line) if 3 + line.chars().count() + 1 + source.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(source);
            }
            _ => lines.push(source.clone()),
        }
    }
    lines
}

fn format_field(text: &mut String, prefix: &str, keyword: &str, value: &str, written: &[String]) {
    let unchanged = written
        .iter()
        .map(|line| unescape(line).unwrap_or_default())
        .collect::<String>()
        == value;
    let lines = if unchanged && !written.is_empty() {
        written.to_vec()
    } else {
        wrap(value, prefix.len() + keyword.len() + 1)
    };
    let mut lead = format!("{prefix}{keyword} ");
    for line in lines {
        writeln!(text, "{lead}\"{line}\"").expect("a string takes everything");
        lead = prefix.to_owned();
    }
}

/// Breaks a value into escaped lines: after each newline, and after spaces where a line would be too long. `lead` is the width of what
/// stands before the first quote of the first line. As in gettext, a value that needs several lines starts with an empty one.
fn wrap(value: &str, lead: usize) -> Vec<String> {
    let escaped = escape(value);
    let newlines_inside = value.strip_suffix('\n').unwrap_or(value).contains('\n');
    if !newlines_inside && lead + escaped.chars().count() + 2 <= WIDTH {
        return vec![escaped];
    }
    let mut lines = vec![String::new()];
    for paragraph in value.split_inclusive('\n') {
        let mut line = String::new();
        let mut width = 0;
        for word in escape(paragraph).split_inclusive(' ') {
            let word_width = word.chars().count();
            // A space at the end may stand beyond the margin, as gettext has it only when nothing else fits.
            if width + word_width + 2 > WIDTH && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
                width = 0;
            }
            line.push_str(word);
            width += word_width;
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Catalog {
        parse(text, Path::new("po/it.po")).unwrap_or_else(|error| panic!("{error}"))
    }

    const HEADER: &str =
        "msgid \"\"\nmsgstr \"\"\n\"Language: it\\n\"\n\"Content-Type: text/plain; charset=UTF-8\\n\"\n";

    #[test]
    fn what_is_read_is_written_as_it_stood() {
        let text = format!(
            "# By a person.\n{HEADER}\n\
             # A note.\n#\n#. For translators.\n#: src/a.md src/b.md\n#, fuzzy, no-wrap\n#| msgid \"old text\"\n\
             msgid \"new \\\"text\\\"\"\nmsgstr \"nuovo \"\n\"testo\\n\"\n\"\\\\\"\n\n\
             #~ msgid \"gone\"\n#~ msgstr \"\"\n#~ \"andato\"\n"
        );
        let catalog = read(&text);
        assert_eq!(catalog.to_po(), text);
        let entry = &catalog.entries[0];
        assert_eq!(entry.notes, ["A note.", ""]);
        assert_eq!(entry.sources, ["src/a.md", "src/b.md"]);
        assert!(entry.is_fuzzy() && !entry.is_translated());
        assert_eq!(entry.previous.as_deref(), Some("old text"));
        assert_eq!(entry.msgid, "new \"text\"");
        assert_eq!(entry.msgstr, "nuovo testo\n\\");
        assert_eq!(entry.line, 13);
        assert!(catalog.entries[1].obsolete);
        assert_eq!(catalog.entries[1].msgstr, "andato");
    }

    #[test]
    fn a_changed_text_is_broken_into_lines_and_means_the_same() {
        let long = "Una frase molto lunga ".repeat(9) + "che finisce\ncon \"due\" righe\n";
        let mut catalog = read(&format!("{HEADER}\nmsgid \"x\"\nmsgstr \"y\"\n"));
        catalog.entries[0].msgstr.clone_from(&long);
        let text = catalog.to_po();
        assert!(text.contains("msgstr \"\"\n\"Una frase"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert_eq!(read(&text).entries[0].msgstr, long);
        // A word that fits no line stays whole.
        let word = "x".repeat(200);
        assert_eq!(wrap(&word, 7), ["", word.as_str()]);
    }

    #[test]
    fn every_mistake_is_named_with_its_line() {
        let cases = [
            ("msgid \"a\nmsgstr \"b\"\n", 6, "not in double quotes"),
            ("msgid \"a\\\"\nmsgstr \"b\"\n", 6, "not in double quotes"),
            ("msgid \"a\"\nmsgstr \"b\\q\"\n", 7, "backslash"),
            ("msgid \"a\"\nmsgstr \"b\"c\"\n", 7, "quote"),
            ("msgid \"a\"\n", 6, "without `msgstr`"),
            ("msgstr \"a\"\n", 6, "without `msgid`"),
            ("\"a\"\n", 6, "belongs to nothing"),
            (
                "msgid \"a\"\nmsgstr \"\"\n\nmsgid \"a\"\nmsgstr \"\"\n",
                9,
                "line 6 already",
            ),
            ("msgctxt \"c\"\nmsgid \"a\"\nmsgstr \"\"\n", 6, "contexts"),
            ("hello\n", 6, "no line of a PO file"),
            ("msgid \"\"\nmsgstr \"x\"\n", 6, "the header"),
        ];
        for (text, line, expected) in cases {
            let Diagnostics(found) = parse(&format!("{HEADER}\n{text}"), Path::new("po/it.po")).unwrap_err();
            assert!(
                found.iter().any(|d| d.line == line && d.message.contains(expected)),
                "expected `{expected}` at line {line} for {text:?}, found {found:?}"
            );
        }
        assert!(
            parse("msgid \"a\"\nmsgstr \"b\"\n", Path::new("x")).unwrap_err().0[0]
                .message
                .contains("header")
        );
    }

    #[test]
    fn a_place_in_a_translation_has_its_line() {
        let catalog = read(&format!(
            "{HEADER}\nmsgid \"\"\n\"a\"\n\"b\"\nmsgstr \"\"\n\"è\\n\"\n\"due\"\n\nmsgid \"c\"\nmsgstr \"ci\"\n"
        ));
        let lines = |entry: usize, offsets: &[usize]| -> Vec<usize> {
            let line = |offset: &usize| catalog.entries[entry].line_of_translation(*offset);
            offsets.iter().map(line).collect()
        };
        assert_eq!(lines(0, &[0, 2, 3, 5, 99]), [10, 10, 11, 11, 11]);
        assert_eq!(lines(1, &[0, 1]), [14, 14]);
    }

    #[test]
    fn messages_need_no_blank_line_between_them() {
        let catalog = read(&format!(
            "{HEADER}#: a\nmsgid \"1\"\nmsgstr \"uno\"\n#: b\nmsgid \"2\"\nmsgstr \"due\"\n"
        ));
        assert_eq!(catalog.entries.len(), 2);
        assert_eq!(catalog.entries[1].sources, ["b"]);
    }
}
