//! Comments of code: each line keeps its marker, and the code around them stays what it is. Holds for every language.

use std::path::Path;

use super::finding::{Finding, Notes};
use crate::catalog::extract::Block;
use crate::catalog::{Catalog, Entry};
use crate::code::Code;

const MARKERS: &[&str] = &["///", "//!", "//", "#"];
const BRACKETS: &[(&str, &str)] = &[("/*", "*/"), ("\"\"\"", "\"\"\""), ("'''", "'''")];

/// What a finding is called that makes the translation of a comment something else than one.
pub(super) const RULE: &str = "comment";

/// The markers of every line of a comment.
pub(super) fn check(notes: &mut Notes<'_>) {
    let Entry { msgid, msgstr, .. } = notes.entry;
    if msgid.ends_with('\n') != msgstr.ends_with('\n') {
        notes.error(
            "structure",
            msgstr.len(),
            "a newline at the end differs from the source",
            "end the translation as the source ends, `\\n` or none",
        );
    }
    if let Some((open, close)) = BRACKETS.iter().find(|(open, _)| msgid.starts_with(open)) {
        let inside = msgstr
            .trim_end()
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close));
        if inside.is_none_or(|inside| inside.contains(close)) {
            notes.error(
                RULE,
                0,
                format!("a comment between {open} and {close} is translated by something else"),
                "start and end the translation as the source does",
            );
        }
        return;
    }
    let Some(marker) = MARKERS.iter().find(|marker| msgid.starts_with(**marker)) else {
        return;
    };
    let mut at = 0;
    for line in msgstr.trim_end().split_inclusive('\n') {
        if !has_marker(line, marker) {
            notes.error(
                RULE,
                at,
                format!("a line of a comment without its marker {marker}: {}", line.trim_end()),
                "every line of the translation starts with the marker of the source",
            );
            return;
        }
        at += line.len();
    }
}

/// Whether a line starts with this marker and not with a longer one.
fn has_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker)
        .is_some_and(|rest| marker.len() != 2 || !rest.starts_with(['/', '!']))
}

/// Code that a translation would change, string literals included: reported at the message that does it.
pub(super) fn changed_code(blocks: &[Block], catalog: &Catalog, shown: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    for block in blocks {
        let code = Code {
            text: &block.code,
            language: &block.language,
        };
        let changes = |catalog: &Catalog| {
            let translated = code.translated(catalog);
            let translated = Code {
                text: &translated,
                ..code
            };
            translated.text != code.text && translated.without_comments() != code.without_comments()
        };
        // Reading code takes most of the time of a check: one by one only where something is wrong.
        if !changes(catalog) {
            continue;
        }
        for comment in code.comments() {
            let Some(entry) = catalog.get(&comment.message).filter(|entry| entry.is_translated()) else {
                continue;
            };
            let alone = Catalog {
                header: Entry::default(),
                entries: vec![entry.clone()].into(),
            };
            if changes(&alone) {
                let mut notes = Notes {
                    path: shown,
                    entry,
                    findings: &mut findings,
                };
                notes.error(
                    "code",
                    0,
                    format!(
                        "translated so, this comment changes the {} code it stands in",
                        block.language
                    ),
                    "keep its markers, and nothing that ends a comment inside it",
                );
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::testing::found_by;
    use super::*;

    #[test]
    fn markers_and_the_last_newline_are_kept() {
        for (msgid, msgstr) in [
            ("// Why\n// so.", "// Perché\n// è\n// così."),
            ("\"\"\"Doc.\"\"\"", "\"\"\"Testo.\"\"\""),
            ("wait  ..#", "attesa ..#"),
        ] {
            assert_eq!(found_by(check, msgid, msgstr), [""; 0], "{msgstr}");
        }
        for (msgid, msgstr, expected) in [
            ("// Why", "Perché", "without its marker //"),
            ("// Why\n// so", "// Perché\nmai", "without its marker //"),
            ("// Why", "/// Perché", "without its marker //"),
            ("/* a */", "/* b", "between /* and */"),
            ("/* a */", "/* b */ */", "between /* and */"),
            ("// Why", "// Perché\n", "newline at the end"),
            ("# Why\n", "# Perché", "newline at the end"),
        ] {
            let found = found_by(check, msgid, msgstr);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(expected), "expected `{expected}` in {found:?}");
        }
    }

    #[test]
    fn a_comment_that_changes_the_code_is_reported_at_its_line() {
        let block = Block {
            code: "def f():\n    \"\"\"Doc.\"\"\"\n    # So.\n    return 1\n".into(),
            language: "python".into(),
        };
        let catalog = Catalog::from_pairs(&[
            ("# So.", "# Così."),
            ("\"\"\"Doc.\"\"\"", "\"\"\"Testo.\"\"\"; return 2"),
        ]);
        let found = changed_code(&[block], &catalog, Path::new("po/it.po"));
        assert_eq!(found.len(), 1);
        let message = &found[0].diagnostic.message;
        assert!(message.contains("changes the python code"), "{message}");
    }
}
