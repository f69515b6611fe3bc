//! The fields of a catalog's header: `Name: value`, one per line, in the translation of the empty message.

use std::cell::LazyCell;
use std::collections::HashSet;
use std::path::Path;

use super::Entry;
use super::po::TranslationLines;
use crate::diagnostic::{Diagnostic, Diagnostics};

/// The fields in their order.
pub fn fields(header: &Entry) -> impl Iterator<Item = (&str, &str)> {
    let lines = header.msgstr.lines().filter_map(|line| line.split_once(':'));
    lines.map(|(name, value)| (name.trim(), value.trim()))
}

/// A field's value. Names are compared without regard to case.
pub fn field<'a>(header: &'a Entry, wanted: &str) -> Option<&'a str> {
    fields(header)
        .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
        .map(|(_, value)| value)
}

/// What is wrong in the fields that are there.
pub(super) fn mistakes(header: &Entry, shown: &Path) -> Vec<Diagnostic> {
    let mut mistakes = Vec::new();
    let mut names = HashSet::new();
    let lines = LazyCell::new(|| TranslationLines::of(header));
    let mut at = 0;
    for line in header.msgstr.split_inclusive('\n') {
        let mut wrong = |message: String, help: &str| {
            mistakes.push(Diagnostic::new(shown, lines.at(at), message, help));
        };
        match line.split_once(':') {
            _ if line.trim().is_empty() => {}
            Some((name, value)) if is_name(name) => {
                let name = name.to_ascii_lowercase();
                if name == "content-type" && !is_utf8(value) {
                    wrong(
                        format!(
                            "the header says that the file is in another encoding than UTF-8: {}",
                            value.trim().escape_debug()
                        ),
                        "save the file as UTF-8 and write \"Content-Type: text/plain; charset=UTF-8\\n\"",
                    );
                }
                if names.contains(&name) {
                    wrong(
                        format!("the header has the field `{}` twice", name.escape_debug()),
                        "remove one of them",
                    );
                }
                names.insert(name);
            }
            _ => wrong(
                "a line of the header that is no field".to_owned(),
                "write \"Name: value\\n\"; each field ends in \\n",
            ),
        }
        at += line.len();
    }
    mistakes
}

/// Whether the header of `<code>.po` says what programs must know of it.
pub(super) fn require(header: &Entry, code: &str, shown: &Path) -> Result<(), Diagnostics> {
    let mut missing = Vec::new();
    let mut wrong = |message: String, help: String| {
        missing.push(Diagnostic::new(shown, header.line.max(1), message, help));
    };
    match field(header, "Language") {
        None | Some("") => wrong(
            "the header does not say which language this is".to_owned(),
            format!("add the line \"Language: {code}\\n\" to it"),
        ),
        Some(language) if !is_language(language, code) => wrong(
            format!(
                "the header says that the language is `{}`, but the file's name says `{code}`",
                language.escape_debug()
            ),
            format!("write \"Language: {code}\\n\", or give the file its right name"),
        ),
        Some(_) => {}
    }
    if field(header, "Content-Type").is_none() {
        wrong(
            "the header does not say which encoding this is".to_owned(),
            "add the line \"Content-Type: text/plain; charset=UTF-8\\n\" to it".to_owned(),
        );
    }
    Diagnostics(missing).into_result()
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn is_utf8(content_type: &str) -> bool {
    let charset = content_type.to_ascii_lowercase();
    let charset = charset.split_once("charset=").map(|(_, charset)| charset.trim());
    matches!(charset, Some("utf-8" | "utf8"))
}

/// Whether a header's language is that of the file: editors write `it_IT` or `sr@latin` for `it` and `sr`.
fn is_language(language: &str, code: &str) -> bool {
    let language = language.replace('_', "-").to_ascii_lowercase();
    let language = language.split('@').next().unwrap_or_default();
    let code = code.to_ascii_lowercase();
    language == code || language.strip_prefix(&code).is_some_and(|rest| rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(msgstr: &str) -> Entry {
        Entry {
            msgstr: msgstr.to_owned(),
            ..Entry::default()
        }
    }

    #[test]
    fn a_header_full_of_mistakes_takes_linear_time() {
        // Quadratic time would take minutes here.
        let started = std::time::Instant::now();
        let text = format!("msgid \"\"\nmsgstr \"\"\n{}", "\"Language: it\\n\"\n".repeat(30_000));
        let Diagnostics(found) = crate::catalog::po::parse(&text, Path::new("po/it.po")).unwrap_err();
        assert_eq!((found[0].line, found[1].line), (4, 5));
        let different: String = (0..30_000).map(|number| format!("X-{number}: a\n")).collect();
        assert_eq!(mistakes(&header(&different), Path::new("po/it.po")), []);
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    #[test]
    fn a_header_that_says_something_wrong_is_refused() {
        let cases = [
            ("Content-Type: text/plain; charset=ISO-8859-1\n", "another encoding"),
            ("Content-Type: text/plain\n", "another encoding"),
            ("Language: it\nlanguage: de\n", "twice"),
            ("Language it\n", "no field"),
            ("two words: x\n", "no field"),
        ];
        for (text, expected) in cases {
            let found = mistakes(&header(text), Path::new("po/it.po"));
            assert!(
                found.len() == 1 && found[0].message.contains(expected),
                "{text}: {found:?}"
            );
        }
        let poedit = "Language: it_IT\nContent-Type: text/plain; charset=utf-8\nPlural-Forms: nplurals=2; plural=(n != 1);\n\
                      X-Generator: Poedit 3.4\nPO-Revision-Date: 2026-01-31 12:00+0100\nLast-Translator: A <a@example.org>\n";
        assert_eq!(mistakes(&header(poedit), Path::new("x")), []);
        assert_eq!(require(&header(poedit), "it", Path::new("x")), Ok(()));
        assert_eq!(field(&header(poedit), "x-generator"), Some("Poedit 3.4"));
    }

    #[test]
    fn what_programs_must_know_is_asked_for() {
        for (text, code, expected) in [
            ("Content-Type: text/plain; charset=UTF-8\n", "it", "which language"),
            ("Language: \nContent-Type: x; charset=UTF-8\n", "it", "which language"),
            ("Language: de\nContent-Type: x; charset=UTF-8\n", "it", "`de`"),
            ("Language: ita\nContent-Type: x; charset=UTF-8\n", "it", "`ita`"),
            ("Language: pt\nContent-Type: x; charset=UTF-8\n", "pt-BR", "`pt`"),
            ("Language: it\n", "it", "which encoding"),
        ] {
            let Diagnostics(found) = require(&header(text), code, Path::new("po/it.po")).unwrap_err();
            assert!(
                found.len() == 1 && found[0].message.contains(expected),
                "{text}: {found:?}"
            );
        }
        for (language, code) in [("pt_BR", "pt-BR"), ("sr@latin", "sr"), ("it_CH", "it")] {
            assert!(is_language(language, code), "{language} {code}");
        }
    }
}
