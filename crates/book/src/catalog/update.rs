//! Brings a catalog up to the text as it is now, losing nothing that a translator wrote.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use measure::files::write_atomically;
use measure::library::Library;

use super::{Catalog, Entry, extract, file, po, similar};
use crate::site::{Language, Site};

/// What is left to do in a catalog.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    pub messages: usize,
    pub translated: usize,
    /// Offered the translation of an older text, to be looked over.
    pub fuzzy: usize,
    pub missing: usize,
    /// Kept at the end of the file, shown nowhere.
    pub obsolete: usize,
}

/// Writes `po/<code>.po` anew from the text and from what it holds already; starts it where there is none. The second of two runs
/// changes nothing. Where it fails, the file is as it was.
pub fn update(site: &Site, library: &Library, language: &Language) -> Result<Summary> {
    ensure!(!language.source, "{} is the source: it has no catalog", language.name);
    let path = site.catalog_path(language);
    let shown = site.relative(&path);
    let before = match path.exists() {
        true => Some(file::read(&path, &shown)?),
        false => None,
    };
    let old = match &before {
        Some(bytes) => Catalog::from_bytes(bytes, &path, &shown)?,
        None => Catalog {
            header: Entry {
                msgstr: extract::header(site, Some(&language.code)),
                ..Entry::default()
            },
            ..Catalog::default()
        },
    };
    let template = extract::extract(site, library)?;
    if let Some(long) = template.entries.iter().find(|entry| entry.msgid.len() > po::LONGEST) {
        bail!(
            "in {}: a paragraph, comment or drawing of {} bytes, which is more than the {} of a message; make two of it. It starts: {:.60}",
            long.sources.join(" "),
            long.msgid.len(),
            po::LONGEST,
            long.msgid
        );
    }
    let merged = merge(template, old);
    replace(&path, before.as_deref(), &merged.to_po())?;
    Ok(summary(&merged))
}

/// Writes the file, unless somebody else did since `before` was read.
fn replace(path: &Path, before: Option<&[u8]>, text: &str) -> Result<()> {
    if before == Some(text.as_bytes()) {
        return Ok(());
    }
    let now = match path.exists() {
        true => Some(std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?),
        false => None,
    };
    ensure!(
        now.as_deref() == before,
        "{} was changed by somebody else in the meantime and is left as it is now; save it in your editor, then update it again",
        path.display()
    );
    // A file can be put in the place of one that may not be written. Whoever made it so does not want that.
    let read_only = std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().readonly());
    ensure!(
        !read_only,
        "{} is read-only and is left as it is; `chmod u+w` makes it writable",
        path.display()
    );
    write_atomically(path, text)
}

fn summary(catalog: &Catalog) -> Summary {
    let mut summary = Summary::default();
    for entry in &catalog.entries {
        if entry.obsolete {
            summary.obsolete += 1;
            continue;
        }
        summary.messages += 1;
        match entry {
            entry if entry.msgstr.is_empty() => summary.missing += 1,
            entry if entry.is_fuzzy() => summary.fuzzy += 1,
            _ => summary.translated += 1,
        }
    }
    summary
}

/// The messages of `template` in its order, with all that `old` has for them.
fn merge(template: Catalog, old: Catalog) -> Catalog {
    let by_msgid: HashMap<String, usize> = old
        .entries
        .iter()
        .enumerate()
        .map(|(number, entry)| (entry.msgid.clone(), number))
        .collect();
    let mut remaining: Vec<Option<Entry>> = old.entries.into_iter().map(Some).collect();
    let mut merged = Vec::with_capacity(template.entries.len());
    let mut unmatched = Vec::new();
    for new in template.entries {
        let same = by_msgid.get(&new.msgid).and_then(|number| remaining[*number].take());
        match same {
            Some(same) => merged.push(Entry {
                comments: new.comments,
                sources: new.sources,
                obsolete: false,
                ..same
            }),
            None => {
                unmatched.push(merged.len());
                merged.push(new);
            }
        }
    }
    // Only now is it known which old messages are free to be offered elsewhere.
    let free: Vec<usize> = (0..remaining.len())
        .filter(|number| remaining[*number].as_ref().is_some_and(|old| !old.msgstr.is_empty()))
        .collect();
    let new: Vec<&Entry> = unmatched.iter().map(|place| &merged[*place]).collect();
    let old_ones: Vec<&Entry> = free.iter().filter_map(|number| remaining[*number].as_ref()).collect();
    for (new, old_one) in similar::pairs(&new, &old_ones) {
        if let Some(similar) = remaining[free[old_one]].take() {
            let new = &mut merged[unmatched[new]];
            *new = offered(std::mem::take(new), similar);
        }
    }
    let obsolete = remaining
        .into_iter()
        .flatten()
        // A note on a message that nobody has translated yet is work as well.
        .filter(|entry| !entry.msgstr.is_empty() || !entry.notes.is_empty())
        .map(|entry| Entry {
            obsolete: true,
            comments: Vec::new(),
            sources: Vec::new(),
            ..entry
        });
    merged.extend(obsolete);
    Catalog {
        header: old.header,
        entries: merged.into(),
    }
}

/// The new message with the translation of the similar one, marked for a person to look at.
fn offered(new: Entry, similar: Entry) -> Entry {
    let mut flags = similar.flags.clone();
    if !similar.is_fuzzy() {
        flags.insert(0, "fuzzy".to_owned());
    }
    Entry {
        written: po::Written::offered(&similar),
        notes: similar.notes,
        flags,
        // What the translation is really of.
        previous: similar.previous.or(Some(similar.msgid)),
        msgstr: similar.msgstr,
        ..new
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    const OLD: &str = "\
# By a person.
msgid \"\"
msgstr \"Language: it\\n\"

# My note.
#: src/gone.md
msgid \"A text that stays where it is.\"
msgstr \"\"
\"Un testo che \"
\"resta dov'è.\"

#: src/a.md
msgid \"The loop runs one task at a time, and the task must give way.\"
msgstr \"Il loop esegue un task alla volta, e il task deve cedere il passo.\"

msgid \"Removed for good.\"
msgstr \"Tolto per sempre.\"

msgid \"Never translated.\"
msgstr \"\"

#~ msgid \"It comes back.\"
#~ msgstr \"Ritorna.\"
";

    fn parse(text: &str) -> Catalog {
        Catalog::parse(text, Path::new("po/it.po")).unwrap()
    }

    fn template(messages: &[&str]) -> Catalog {
        let mut template = Catalog::default();
        for message in messages {
            template.add(message, "src/b.md", "");
        }
        template
    }

    #[test]
    fn nothing_that_a_translator_wrote_is_lost() {
        let new = template(&[
            "It comes back.",
            "A text that stays where it is.",
            "The loop runs one task at a time, and a task must give way.",
            "Something else altogether.",
        ]);
        let merged = merge(new.clone(), parse(OLD));
        let expected = "\
# By a person.
msgid \"\"
msgstr \"Language: it\\n\"

#: src/b.md
msgid \"It comes back.\"
msgstr \"Ritorna.\"

# My note.
#: src/b.md
msgid \"A text that stays where it is.\"
msgstr \"\"
\"Un testo che \"
\"resta dov'è.\"

#: src/b.md
#, fuzzy
#| msgid \"The loop runs one task at a time, and the task must give way.\"
msgid \"The loop runs one task at a time, and a task must give way.\"
msgstr \"Il loop esegue un task alla volta, e il task deve cedere il passo.\"

#: src/b.md
msgid \"Something else altogether.\"
msgstr \"\"

#~ msgid \"Removed for good.\"
#~ msgstr \"Tolto per sempre.\"
";
        assert_eq!(merged.to_po(), expected);
        assert_eq!(
            summary(&merged),
            Summary {
                messages: 4,
                translated: 2,
                fuzzy: 1,
                missing: 1,
                obsolete: 1
            }
        );
        // A second run changes nothing.
        assert_eq!(merge(new, parse(expected)).to_po(), expected);
    }

    #[test]
    fn a_text_changed_twice_still_names_what_its_translation_is_of() {
        let first = template(&["The loop runs one task at a time, and a task must give way."]);
        let second = template(&["The loop runs one task at a time, and each task must give way."]);
        let merged = merge(second, parse(&merge(first, parse(OLD)).to_po()));
        let entry = &merged.entries[0];
        assert!(entry.is_fuzzy());
        assert_eq!(
            entry.previous.as_deref(),
            Some("The loop runs one task at a time, and the task must give way.")
        );
    }

    #[test]
    fn a_text_that_left_comes_back_with_its_translation_in_whatever_state() {
        let without = merge(template(&["Something else altogether."]), parse(OLD));
        assert_eq!(summary(&without).obsolete, 4);
        let all = template(&[
            "A text that stays where it is.",
            "Removed for good.",
            "It comes back.",
            "The loop runs one task at a time, and each task must give way.",
        ]);
        let back = merge(all, parse(&without.to_po()));
        assert_eq!(summary(&back).obsolete, 0);
        let texts: Vec<(&str, bool)> = back
            .entries
            .iter()
            .map(|entry| (entry.msgstr.as_str(), entry.is_fuzzy()))
            .collect();
        assert_eq!(
            texts,
            [
                ("Un testo che resta dov'è.", false),
                ("Tolto per sempre.", false),
                ("Ritorna.", false),
                (
                    "Il loop esegue un task alla volta, e il task deve cedere il passo.",
                    true
                ),
            ]
        );
        assert_eq!(back.entries[0].notes, ["My note."]);
        // A translation that is offered keeps the lines it was written in.
        assert!(
            back.to_po()
                .contains("\nmsgstr \"\"\n\"Un testo che \"\n\"resta dov'è.\"\n")
        );
    }

    #[test]
    fn a_comment_of_code_that_changed_is_offered_its_translation_and_prose_is_not() {
        let old = "msgid \"\"\nmsgstr \"Language: it\\n\"\n\nmsgid \"# Wait for one task here.\"\nmsgstr \"# Attendi qui un task.\"\n\n\
                   msgid \"\\\"\\\"\\\"Naps, and what they cost.\\\"\\\"\\\"\"\nmsgstr \"\\\"\\\"\\\"Sonni.\\\"\\\"\\\"\"\n";
        let mut new = template(&[
            "Wait for one task here.",
            "# Wait for one task there.",
            "\"\"\"Naps and what they cost us.\"\"\"",
        ]);
        new.entries[1].comments = vec![extract::CODE_COMMENT.into()];
        let merged = merge(new, parse(old));
        let offered: Vec<&str> = merged.entries.iter().map(|entry| entry.msgstr.as_str()).collect();
        assert_eq!(offered, ["", "# Attendi qui un task.", "\"\"\"Sonni.\"\"\""]);
        assert!(merged.entries[1].is_fuzzy());
    }

    #[test]
    fn a_note_on_what_is_not_translated_yet_is_kept() {
        let old = "msgid \"\"\nmsgstr \"Language: it\\n\"\n\n# Ask the author.\nmsgid \"gone\"\nmsgstr \"\"\n";
        let merged = merge(template(&["other"]), parse(old));
        assert!(
            merged
                .to_po()
                .ends_with("\n# Ask the author.\n#~ msgid \"gone\"\n#~ msgstr \"\"\n"),
            "{}",
            merged.to_po()
        );
    }

    #[test]
    fn a_file_that_may_not_be_written_or_that_somebody_else_wrote_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it.po");
        replace(&path, None, "first").unwrap();
        replace(&path, Some(b"first"), "second").unwrap();
        let error = replace(&path, Some(b"first"), "third").unwrap_err().to_string();
        assert!(error.contains("changed by somebody else"), "{error}");
        let error = replace(&path, None, "third").unwrap_err().to_string();
        assert!(error.contains("changed by somebody else"), "{error}");
        let mut permissions = std::fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        std::fs::set_permissions(&path, permissions).unwrap();
        let error = replace(&path, Some(b"second"), "third").unwrap_err().to_string();
        assert!(error.contains("read-only"), "{error}");
        replace(&path, Some(b"second"), "second").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "second");
        std::fs::remove_file(&path).unwrap();
        assert!(replace(&path, Some(b"second"), "third").is_err());
        assert!(!path.exists());
    }

    /// Sentences that are alike, so that many are offered for others.
    fn sentence() -> impl Strategy<Value = String> {
        "(// |)(The|One) (loop|task|future) (runs|waits|gives way)( at a time| here| at last)?[.!]"
    }

    fn old_catalog() -> impl Strategy<Value = Catalog> {
        let entry = (
            sentence(),
            prop::option::of("[a-zè ]{3,30}x"),
            prop::option::of("[a-z]{1,9}"),
            0..4u8,
            prop::option::of(sentence()),
        );
        prop::collection::vec(entry, 0..20).prop_map(|entries| {
            let mut seen = HashSet::new();
            let mut catalog = Catalog {
                header: Entry {
                    msgstr: "Language: it\n".into(),
                    ..Entry::default()
                },
                ..Catalog::default()
            };
            for (msgid, msgstr, note, state, previous) in entries {
                if seen.insert(msgid.clone()) {
                    let fuzzy = state == 1 && msgstr.is_some();
                    catalog.entries.push(Entry {
                        msgid,
                        msgstr: msgstr.unwrap_or_default(),
                        notes: note.into_iter().collect(),
                        flags: if fuzzy { vec!["fuzzy".into()] } else { Vec::new() },
                        previous: previous.filter(|_| fuzzy),
                        obsolete: state == 2,
                        ..Entry::default()
                    });
                }
            }
            catalog
        })
    }

    proptest! {
        #[test]
        fn no_translation_and_no_note_is_ever_lost(old in old_catalog(), texts in prop::collection::vec(sentence(), 0..20)) {
            let mut seen = HashSet::new();
            let texts: Vec<&str> = texts.iter().map(String::as_str).filter(|text| seen.insert(*text)).collect();
            let old = parse(&old.to_po());
            let merged = merge(template(&texts), old.clone());
            // The book's messages in its order, each once, and nowhere else in the file.
            let present: Vec<&str> = merged.entries.iter().filter(|entry| !entry.obsolete).map(|entry| entry.msgid.as_str()).collect();
            prop_assert_eq!(&present, &texts);
            let ids: HashSet<&str> = merged.entries.iter().map(|entry| entry.msgid.as_str()).collect();
            prop_assert_eq!(ids.len(), merged.entries.len());
            let sorted = |catalog: &Catalog, of: fn(&Entry) -> Vec<String>| {
                let mut all: Vec<String> = catalog.entries.iter().flat_map(of).collect();
                all.sort();
                all
            };
            let translations = |entry: &Entry| vec![entry.msgstr.clone()].into_iter().filter(|text| !text.is_empty()).collect();
            prop_assert_eq!(sorted(&merged, translations), sorted(&old, translations));
            let notes = |entry: &Entry| entry.notes.clone();
            prop_assert_eq!(sorted(&merged, notes), sorted(&old, notes));
            for entry in merged.entries.iter().filter(|entry| entry.is_translated()) {
                // Nothing is shown for another text than it was made for.
                let before = old.entries.iter().find(|before| before.msgid == entry.msgid).unwrap();
                prop_assert!(!before.is_fuzzy() && before.msgstr == entry.msgstr);
            }
            // What did not change is there to the byte, and a second run changes nothing.
            let text = merged.to_po();
            prop_assert_eq!(merge(template(&texts), parse(&text)).to_po(), text);
        }
    }
}
