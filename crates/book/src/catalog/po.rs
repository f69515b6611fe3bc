//! The PO file format, as far as a book needs it: no contexts, no plurals.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

use super::{Catalog, Entry, header};
use crate::diagnostic::{Diagnostic, Diagnostics};

/// How many mistakes of a file are told one by one. A file that has more is something else than a catalog.
const TOLD: usize = 40;

/// No paragraph is longer, in bytes: the longest of ours has 1,300.
pub(super) const LONGEST: usize = 6_000;

/// How long a translation may be, in bytes: several times its text, and something for a text of a word. What is longer is no translation,
/// and could keep Markdown busy for long, which takes time with the square of what is nested or left open.
fn longest_translation(msgid: &str) -> usize {
    3 * msgid.len() + 500
}

/// An entry as it stood in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Written {
    /// All its lines.
    block: Vec<String>,
    /// The lines of each text, keyword and quotes left out.
    previous: Vec<String>,
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
    /// Mistakes that are only counted.
    more: usize,
}

impl Parser<'_> {
    fn new(shown: &Path) -> Parser<'_> {
        Parser {
            shown,
            catalog: Catalog::default(),
            entry: Entry::default(),
            field: Field::None,
            has_msgstr: false,
            header_seen: false,
            seen: HashMap::new(),
            diagnostics: Vec::new(),
            more: 0,
        }
    }
}

pub(super) fn parse(text: &str, shown: &Path) -> Result<Catalog, Diagnostics> {
    let mut parser = Parser::new(shown);
    let mut last = 1;
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        last = number + 1;
        parser.line(last, line.trim_end_matches([' ', '\t', '\r']));
    }
    parser.finish_entry();
    // Notes behind the last message would be nobody's; they are kept with it.
    let notes = std::mem::take(&mut parser.entry.notes);
    match parser.catalog.entries.last_mut() {
        Some(entry) => entry.notes.extend(notes),
        None => parser.catalog.header.notes.extend(notes),
    }
    if !parser.header_seen {
        parser.wrong(
            1,
            "the header is missing",
            "a catalog starts with `msgid \"\"` and the fields Language and Content-Type in its `msgstr`; \
             `cargo xtask translate update` writes it where there is no file",
        );
    }
    if parser.more > 0 {
        parser.diagnostics.push(Diagnostic::new(
            shown,
            last,
            format!("{} more mistakes in this file", parser.more),
            "mend the first ones; if it was a catalog once, `git log` and `git checkout` find the last good one",
        ));
    }
    Diagnostics(parser.diagnostics).into_result()?;
    Ok(parser.catalog)
}

impl Parser<'_> {
    fn line(&mut self, number: usize, written: &str) {
        if let Some(control) = written.chars().find(|c| c.is_ascii_control() && *c != '\t') {
            self.wrong(
                number,
                &format!("a control character, U+{:04X}", u32::from(control)),
                "remove it; lines end with a line feed, in texts it is written \\n",
            );
            return;
        }
        let line = written.trim_start_matches([' ', '\t']);
        let (line, obsolete) = match line.strip_prefix("#~") {
            Some(rest) => (rest.trim_start_matches([' ', '\t']), true),
            None => (line, false),
        };
        // Blank lines separate messages, but neither must nor may be relied on.
        if line.is_empty() {
            self.start_entry_after_msgstr();
            return;
        }
        let msgid = keyword(line, "msgid");
        if line.starts_with('#') || obsolete && line.starts_with('|') || msgid.is_some() {
            self.start_entry_after_msgstr();
        }
        if msgid.is_some() && self.entry.line != 0 {
            self.without_msgstr();
        }
        self.entry.written.block.push(written.to_owned());
        if obsolete && line.starts_with('|') {
            self.previous(number, &line[1..]);
        } else if line.starts_with('#') {
            self.comment(number, line);
        } else if let Some(rest) = msgid {
            self.entry.line = number;
            self.entry.obsolete = obsolete;
            self.field = Field::Msgid;
            self.quoted(number, rest);
        } else if let Some(rest) = keyword(line, "msgstr") {
            self.msgstr(number, rest, obsolete);
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
                &format!("this is no line of a PO file: {}", brief(line)),
                "text stands in double quotes; notes start with `# `",
            );
        }
    }

    fn msgstr(&mut self, number: usize, rest: &str, obsolete: bool) {
        let wrong = if self.has_msgstr {
            Some("`msgstr` twice in one message")
        } else if self.entry.line == 0 {
            Some("`msgstr` without `msgid`")
        } else if self.entry.obsolete != obsolete {
            Some("one half of this message is marked as obsolete, `#~`, and the other is not")
        } else {
            None
        };
        if let Some(wrong) = wrong {
            self.wrong(number, wrong, "a message is `msgid`, then `msgstr`");
        }
        self.has_msgstr = true;
        self.field = Field::Msgstr;
        self.quoted(number, rest);
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

    /// A line of `#| msgid`; previous contexts and plurals mean nothing here.
    fn previous(&mut self, number: usize, line: &str) {
        let line = line.trim_start();
        if let Some(rest) = keyword(line, "msgid") {
            self.entry.previous = Some(String::new());
            self.entry.written.previous.clear();
            self.field = Field::Previous;
            self.quoted(number, rest);
        } else if !line.starts_with('"') {
            self.field = Field::None;
        } else if self.field == Field::Previous {
            self.quoted(number, line);
        }
    }

    /// A message ends where the next one begins.
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
        let (text, written) = match self.field {
            Field::Msgid => (&mut entry.msgid, &mut entry.written.msgid),
            Field::Msgstr => (&mut entry.msgstr, &mut entry.written.msgstr),
            Field::Previous => (entry.previous.get_or_insert_default(), &mut entry.written.previous),
            Field::None => {
                self.wrong(
                    number,
                    "a text that belongs to nothing",
                    "it continues a `msgid` or `msgstr`",
                );
                return;
            }
        };
        text.push_str(&value);
        written.push(inner.to_owned());
    }

    fn without_msgstr(&mut self) {
        self.wrong(
            self.entry.line,
            "`msgid` without `msgstr`",
            "add `msgstr \"\"` below it",
        );
        self.entry = Entry::default();
        self.field = Field::None;
    }

    fn finish_entry(&mut self) {
        self.field = Field::None;
        if self.entry.line == 0 {
            // Comments whose message is still to come, or a `msgstr` on its own, which was reported.
            if std::mem::take(&mut self.has_msgstr) {
                self.entry = Entry::default();
            }
            return;
        }
        if !std::mem::take(&mut self.has_msgstr) {
            self.without_msgstr();
            return;
        }
        let entry = std::mem::take(&mut self.entry);
        if entry.msgid.is_empty() {
            if self.header_seen || entry.obsolete {
                self.wrong(
                    entry.line,
                    "an empty `msgid`: only the header has one, and it is the first",
                    "remove it",
                );
            } else {
                for Diagnostic {
                    line, message, help, ..
                } in header::mistakes(&entry, self.shown)
                {
                    self.wrong(line, &message, &help);
                }
                self.header_seen = true;
                self.catalog.header = entry;
            }
            return;
        }
        if let Some(first) = self.seen.insert(entry.msgid.clone(), entry.line) {
            self.wrong(
                entry.line,
                &format!("this message stands at line {first} already"),
                "keep the better translation of the two and remove the other",
            );
        }
        if entry.msgid.len() > LONGEST {
            self.wrong(
                entry.line,
                &format!(
                    "a message of {} bytes; no paragraph has more than {LONGEST}",
                    entry.msgid.len()
                ),
                "break the paragraph of the source, and run `cargo xtask translate update`",
            );
        }
        let longest = longest_translation(&entry.msgid);
        // One that nobody sees may be of another text.
        if entry.msgstr.len() > longest && entry.is_translated() {
            self.wrong(
                entry.line,
                &format!(
                    "a translation of {} bytes for a text of {}; more than {longest} is no translation of it",
                    entry.msgstr.len(),
                    entry.msgid.len()
                ),
                "say what the source says, and no more",
            );
        }
        self.catalog.entries.push(entry);
    }

    fn wrong(&mut self, line: usize, message: &str, help: &str) {
        if self.diagnostics.len() < TOLD {
            self.diagnostics.push(Diagnostic::new(self.shown, line, message, help));
        } else {
            self.more += 1;
        }
    }
}

/// What follows a keyword.
fn keyword<'a>(line: &'a str, keyword: &str) -> Option<&'a str> {
    line.strip_prefix(keyword)
        .filter(|rest| rest.starts_with([' ', '\t', '"']))
}

/// The start of a line, harmless to a terminal.
fn brief(line: &str) -> String {
    let start: String = line.chars().take(60).flat_map(char::escape_debug).collect();
    if line.chars().nth(60).is_some() {
        start + "..."
    } else {
        start
    }
}

impl Written {
    /// How a translation is laid out that is offered for another message: what it is really of, and itself.
    pub(super) fn offered(similar: &Entry) -> Written {
        let written = &similar.written;
        let previous = match similar.previous {
            Some(_) => &written.previous,
            None => &written.msgid,
        };
        Written {
            previous: previous.clone(),
            msgstr: written.msgstr.clone(),
            ..Written::default()
        }
    }

    /// Whether the lines of the file say of a message what it says now. They do unless it was changed since it was read.
    fn says(&self, entry: &Entry) -> bool {
        if self.block.is_empty() {
            return false;
        }
        let mut parser = Parser::new(Path::new(""));
        for line in &self.block {
            parser.line(1, line);
        }
        parser.finish_entry();
        let Parser {
            catalog, diagnostics, ..
        } = parser;
        let read = catalog.entries.first().unwrap_or(&catalog.header);
        diagnostics.is_empty()
            && (&read.notes, &read.comments, &read.sources, &read.flags)
                == (&entry.notes, &entry.comments, &entry.sources, &entry.flags)
            && (&read.previous, &read.msgid, &read.msgstr, read.obsolete)
                == (&entry.previous, &entry.msgid, &entry.msgstr, entry.obsolete)
    }
}

impl Entry {
    /// The line of the file on which the byte at `offset` of the translation stands; that of the message where it was not read from one.
    pub fn line_of_translation(&self, offset: usize) -> usize {
        TranslationLines::of(self).at(offset)
    }
}

/// The lines of one translation, in which there may be many mistakes.
pub(super) struct TranslationLines {
    first: usize,
    /// The byte of the translation that each line ends before.
    ends: Vec<usize>,
}

impl TranslationLines {
    pub(super) fn of(entry: &Entry) -> TranslationLines {
        let written = &entry.written;
        let ends = written.msgstr.iter().scan(0, |end, line| {
            *end += unescape(line).unwrap_or_default().len();
            Some(*end)
        });
        TranslationLines {
            first: entry.line + written.msgid.len(),
            ends: ends.collect(),
        }
    }

    /// As [`Entry::line_of_translation`] has it.
    pub(super) fn at(&self, offset: usize) -> usize {
        let before = self.ends.partition_point(|end| *end <= offset);
        self.first + before.min(self.ends.len().saturating_sub(1))
    }
}

/// Whether the text ends in an odd number of backslashes, so that a quote after it would be part of it.
fn ends_in_escape(text: &str) -> bool {
    text.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

fn unescape(text: &str) -> Option<String> {
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        value.push(match c {
            '\\' => match chars.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'a' => '\x07',
                'b' => '\x08',
                'v' => '\x0b',
                'f' => '\x0c',
                c @ ('\\' | '"') => c,
                // Octal, of ASCII alone: what is beyond would be bytes of an encoding.
                c => {
                    let mut code = c.to_digit(8)?;
                    for _ in 0..2 {
                        if let Some(digit) = chars.peek().and_then(|c| c.to_digit(8)) {
                            code = 8 * code + digit;
                            chars.next();
                        }
                    }
                    char::from_u32(code).filter(char::is_ascii)?
                }
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
            c if c.is_ascii_control() => write!(escaped, "\\{:03o}", u32::from(c)).expect("a string takes everything"),
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
    // What nobody changed stays as it is, however its author's editor lays it out.
    if entry.written.says(entry) {
        for line in &entry.written.block {
            writeln!(text, "{line}").expect("a string takes everything");
        }
        return;
    }
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
        format_field(text, prefix, "msgid", previous, &entry.written.previous);
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
    use proptest::prelude::*;

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
            ("msgid \"a\"\nmsgid \"b\"\nmsgstr \"\"\n", 6, "without `msgstr`"),
            ("msgid \"a\"\nmsgstr \"\"\nmsgstr \"b\"\n", 8, "`msgstr` twice"),
            ("#~ msgid \"a\"\nmsgstr \"b\"\n", 7, "obsolete"),
            ("#~ msgid \"\"\n#~ msgstr \"b\"\n", 6, "the header"),
            (
                "#~ msgid \"a\"\n#~ msgstr \"b\"\n\nmsgid \"a\"\nmsgstr \"b\"\n",
                9,
                "line 6 already",
            ),
            ("msgid \"a\"\nmsgstr \"\x07\"\n", 7, "U+0007"),
            ("msgid \"a\"\nmsgstr \"b\"\rmsgid \"c\"\n", 7, "U+000D"),
            ("msgid \"a\"\nmsgstr \"\\377\"\n", 7, "backslash"),
            ("msgid \"a\"\nmsgid_plural \"b\"\nmsgstr[0] \"\"\n", 7, "plural forms"),
            ("msgid\n", 6, "no line of a PO file"),
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

    #[test]
    fn a_translation_much_longer_than_its_text_is_none() {
        for (msgid, msgstr, expected) in [
            (4, 512, None),
            (4, 513, Some("513 bytes for a text of 4")),
            (LONGEST, 10, None),
            (LONGEST + 1, 10, Some("message of 6001 bytes")),
        ] {
            let text = format!(
                "{HEADER}\nmsgid \"{}\"\nmsgstr \"{}\"\n",
                "a".repeat(msgid),
                "b".repeat(msgstr)
            );
            match (parse(&text, Path::new("po/it.po")), expected) {
                (Ok(_), None) => {}
                (Err(Diagnostics(found)), Some(expected)) => {
                    assert!(found[0].message.contains(expected) && found[0].line == 6, "{found:?}");
                }
                (result, _) => panic!("{msgid} {msgstr}: {result:?}"),
            }
        }
    }

    #[test]
    fn junk_is_told_in_a_few_lines() {
        let junk = "\u{1b}[31mjunk \n".repeat(100_000);
        let Diagnostics(found) = parse(&junk, Path::new("po/it.po")).unwrap_err();
        assert_eq!(found.len(), TOLD + 1);
        assert!(found[TOLD].message.contains("99961 more"), "{}", found[TOLD]);
        let long = format!("{HEADER}{}", "x\u{9b}".repeat(1_000_000));
        let Diagnostics(found) = parse(&long, Path::new("po/it.po")).unwrap_err();
        assert!(found[0].message.len() < 1_000 && !found[0].message.contains('\u{9b}'));
    }

    #[test]
    fn blank_lines_and_their_lack_mean_nothing() {
        let catalog = read(&format!(
            "{HEADER}\n# A note.\n\n#, fuzzy\n\nmsgid \"a\"\n\nmsgstr \"\"\n\"b\"\n# Another.\nmsgid\t\"c\"\n  msgstr\"d\"\n#~msgid \"e\"\n#~msgstr \"f\"\n\n# The last.\n"
        ));
        assert!(catalog.entries[0].is_fuzzy());
        assert_eq!(catalog.entries[0].notes, ["A note."]);
        assert_eq!(catalog.entries[0].msgstr, "b");
        assert_eq!(
            (catalog.entries[1].msgid.as_str(), catalog.entries[1].msgstr.as_str()),
            ("c", "d")
        );
        assert!(catalog.entries[2].obsolete);
        assert_eq!(catalog.entries[2].notes, ["The last."]);
        // What nobody changed is written as it stood, but for the blank lines between messages.
        let text = catalog.to_po();
        assert!(text.contains("\nmsgid\t\"c\"\n  msgstr\"d\"\n"), "{text}");
        assert_eq!(read(&text).to_po(), text);
    }

    #[test]
    fn what_was_not_changed_keeps_its_layout_and_what_was_is_written_as_ours() {
        let text = format!(
            "{HEADER}\n#no blank\n#:  src/a.md   src/b.md\n#,fuzzy,no-wrap\n#| msgctxt \"x\"\n#| msgid \"\"\n#| \"old \"\n#| \"text\"\nmsgid \"\"\n\"new \"\n\"text\"\nmsgstr \"testo\"\n"
        );
        let mut catalog = read(&text);
        assert_eq!(catalog.to_po(), text);
        catalog.entries[0].sources = vec!["src/c.md".into()];
        let changed = "# no blank\n#: src/c.md\n#, fuzzy, no-wrap\n#| msgid \"\"\n#| \"old \"\n#| \"text\"\nmsgid \"\"\n\"new \"\n\"text\"\nmsgstr \"testo\"\n";
        assert_eq!(catalog.to_po(), format!("{HEADER}\n{changed}"));
    }

    fn line() -> impl Strategy<Value = String> {
        // Neither blanks at the end nor controls, which no line of the file keeps.
        "[a-zèλ .,:|~#\"\\\\]{0,12}[a-z\"\\\\]|"
    }

    fn entry() -> impl Strategy<Value = Entry> {
        let texts = (
            "(?s).{1,60}|[a-z ]{60,300}\n?",
            "(?s).{0,60}|[a-zè ]{60,300}\n?",
            prop::option::of("(?s).{0,40}|[a-z ]{70,200}"),
        );
        let lines = |most| prop::collection::vec(line(), 0..most);
        (
            texts,
            lines(3),
            lines(3),
            prop::collection::vec("[a-z/]{1,30}\\.md", 0..6),
            prop::collection::vec("fuzzy|no-wrap|[a-z-]{1,9}", 0..3),
            any::<bool>(),
        )
            .prop_map(
                |((msgid, msgstr, previous), notes, comments, sources, flags, obsolete)| Entry {
                    notes,
                    comments,
                    sources: if obsolete { Vec::new() } else { sources },
                    flags,
                    previous,
                    msgid,
                    msgstr,
                    obsolete,
                    ..Entry::default()
                },
            )
    }

    fn catalog() -> impl Strategy<Value = Catalog> {
        prop::collection::vec(entry(), 0..8).prop_map(|mut entries| {
            let mut seen = std::collections::HashSet::new();
            entries.retain(|entry| seen.insert(entry.msgid.clone()));
            entries.sort_by_key(|entry| entry.obsolete);
            Catalog {
                header: Entry {
                    msgstr: "Language: it\nContent-Type: text/plain; charset=UTF-8\n".into(),
                    ..Entry::default()
                },
                entries: entries.into(),
            }
        })
    }

    /// A message as it means, without how it was laid out.
    fn meaning(catalog: &Catalog) -> Vec<Entry> {
        std::iter::once(&catalog.header)
            .chain(&catalog.entries)
            .map(|entry| Entry {
                line: 0,
                written: Written::default(),
                ..entry.clone()
            })
            .collect()
    }

    fn ours() -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../po/it.po");
        std::fs::read_to_string(path).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_it_was_meant(catalog in catalog()) {
            let text = catalog.to_po();
            let again = parse(&text, Path::new("x")).unwrap();
            prop_assert_eq!(meaning(&again), meaning(&catalog));
            prop_assert_eq!(again.to_po(), text);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(text) = crate::catalog::file::decode(&bytes, Path::new("x")) {
                parse(text, Path::new("x")).ok();
            }
        }

        #[test]
        fn nothing_that_looks_like_a_catalog_makes_the_reader_panic(
            lines in prop::collection::vec("#[~.:,|]?[ ~|]?|(#~ ?\\|?)?(msgid|msgstr|msgctxt|msgstr\\[0\\])? ?\"[a\\\\n0\"]{0,4}\"?", 0..20)
        ) {
            if let Ok(catalog) = parse(&format!("{HEADER}\n{}", lines.join("\n")), Path::new("x")) {
                // What is read at all is written and read as the same.
                let text = catalog.to_po();
                prop_assert_eq!(meaning(&read(&text)), meaning(&catalog));
            }
        }
    }

    #[test]
    fn our_own_catalog_in_pieces_makes_nobody_panic() {
        let ours = ours();
        // Cut somewhere, a byte lost, a byte changed, a line twice.
        let mut state = 1u64;
        let mut random = |below: usize| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 33) as usize % below
        };
        let head = &ours.as_bytes()[..ours.len().min(10_000)];
        for round in 0..300 {
            let mut bytes = head.to_vec();
            let at = random(bytes.len());
            match round % 4 {
                0 => bytes.truncate(at),
                1 => drop(bytes.remove(at)),
                2 => bytes[at] = [b'"', b'\\', b'\n', 0, 0xff, b'#', b'~'][random(7)],
                _ => {
                    let until = (at + random(200)).min(bytes.len());
                    let piece = bytes[at..until].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
            if let Ok(text) = crate::catalog::file::decode(&bytes, Path::new("x")) {
                parse(text, Path::new("x")).ok();
            }
        }
    }

    /// GNU's tools read what is written here, and what they make of it is read here with nothing lost.
    #[test]
    fn gnu_gettext_reads_what_is_written_and_the_other_way_round() {
        use std::process::Command;
        if Command::new("msgcat").arg("--version").output().is_err() {
            eprintln!("skipped: GNU gettext is not installed (Debian: gettext)");
            return;
        }
        let sample = format!(
            "# By a person.\n{HEADER}\"Project-Id-Version: x\\n\"\n\"MIME-Version: 1.0\\n\"\n\"Content-Transfer-Encoding: 8bit\\n\"\n\n\
             # A note.\n#\n#. For translators.\n#: src/a.md src/b.md\n#, fuzzy, no-wrap\n#| msgid \"old \\\"text\\\"\"\nmsgid \"new \\\"text\\\"\"\nmsgstr \"nuovo \"\n\"testo \\\\\\t\"\n\n\
             #: src/a.md\nmsgid \"{long}\\n\"\nmsgstr \"{long}è\\n\"\n\n# Kept.\n#, fuzzy\n#~| msgid \"older\"\n#~ msgid \"gone\"\n#~ msgstr \"\"\n#~ \"andato\"\n",
            long = "a word ".repeat(40).trim_end()
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it.po");
        let run = |program: &str, arguments: &[&str]| {
            let output = Command::new(program)
                .args(arguments)
                .current_dir(folder.path())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{program} {arguments:?}: {said}");
            String::from_utf8(output.stdout).unwrap()
        };
        for text in [sample, ours()] {
            let catalog = read(&text);
            let written = catalog.to_po();
            std::fs::write(&path, &written).unwrap();
            run("msgfmt", &["--check", "--output-file=/dev/null", "it.po"]);
            run("msgcmp", &["--use-fuzzy", "--use-untranslated", "it.po", "it.po"]);
            for (program, arguments) in [
                ("msgcat", &["it.po"][..]),
                ("msgcat", &["--width=40", "it.po"]),
                ("msgcat", &["--no-wrap", "it.po"]),
                ("msgmerge", &["--quiet", "--no-fuzzy-matching", "it.po", "it.po"]),
            ] {
                let theirs = read(&run(program, arguments));
                // msgmerge joins comments and drops the previous text of what it takes for whole; msgcat changes nothing.
                let texts = |catalog: &Catalog| -> Vec<(String, String, bool, bool, Vec<String>)> {
                    catalog
                        .entries
                        .iter()
                        .map(|entry| {
                            let (msgid, msgstr) = (entry.msgid.clone(), entry.msgstr.clone());
                            (msgid, msgstr, entry.is_fuzzy(), entry.obsolete, entry.notes.clone())
                        })
                        .collect()
                };
                assert_eq!(texts(&theirs), texts(&catalog), "{program} {arguments:?}");
                if program == "msgcat" {
                    assert_eq!(meaning(&theirs), meaning(&catalog), "{arguments:?}");
                }
            }
        }
    }
}
