//! Brings a catalog up to the text as it is now, losing nothing that a translator wrote.

use std::collections::HashMap;

use anyhow::Result;
use measure::files::write_atomically;
use measure::library::Library;

use super::extract::{self, CODE_COMMENT};
use super::{Catalog, Entry};
use crate::site::{Language, Site};

/// How much a changed text must have in common with the old one for its translation to be offered: pairs of neighbouring letters in
/// both over those in either (Sørensen and Dice). Below, starting anew is less work than mending.
const SIMILAR: f64 = 0.6;

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
/// changes nothing.
pub fn update(site: &Site, library: &Library, language: &Language) -> Result<Summary> {
    anyhow::ensure!(!language.source, "{} is the source: it has no catalog", language.name);
    let path = site.catalog_path(language);
    let old = match path.is_file() {
        true => Catalog::read(&path, &site.relative(&path))?,
        false => Catalog {
            header: Entry {
                msgstr: extract::header(site, Some(&language.code)),
                ..Entry::default()
            },
            entries: Vec::new(),
        },
    };
    let merged = merge(extract::extract(site, library)?, old);
    write_atomically(&path, &merged.to_po())?;
    Ok(summary(&merged))
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
    let mut by_msgid: HashMap<String, usize> = HashMap::new();
    for (number, entry) in old.entries.iter().enumerate() {
        // A message that is present goes before an obsolete one of the same text.
        let place = by_msgid.entry(entry.msgid.clone()).or_insert(number);
        if !entry.obsolete {
            *place = number;
        }
    }
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
    for place in unmatched {
        let new = &mut merged[place];
        if let Some(number) = most_similar(new, &remaining)
            && let Some(similar) = remaining[number].take()
        {
            *new = offered(std::mem::take(new), similar);
        }
    }
    let obsolete = remaining
        .into_iter()
        .flatten()
        .filter(|entry| !entry.msgstr.is_empty())
        .map(|entry| Entry {
            obsolete: true,
            comments: Vec::new(),
            sources: Vec::new(),
            ..entry
        });
    merged.extend(obsolete);
    Catalog {
        header: old.header,
        entries: merged,
    }
}

/// The new message with the translation of the similar one, marked for a person to look at.
fn offered(new: Entry, similar: Entry) -> Entry {
    let mut flags = similar.flags.clone();
    if !similar.is_fuzzy() {
        flags.insert(0, "fuzzy".to_owned());
    }
    Entry {
        notes: similar.notes,
        flags,
        // What the translation is really of.
        previous: similar.previous.or(Some(similar.msgid)),
        msgstr: similar.msgstr,
        ..new
    }
}

fn most_similar(new: &Entry, old: &[Option<Entry>]) -> Option<usize> {
    let is_code = |entry: &Entry| entry.msgid.starts_with(['#', '/']);
    let new_is_code = new.comments.iter().any(|comment| comment == CODE_COMMENT);
    old.iter()
        .enumerate()
        .filter_map(|(number, entry)| Some((number, entry.as_ref()?)))
        .filter(|(_, entry)| !entry.msgstr.is_empty() && is_code(entry) == new_is_code)
        .map(|(number, entry)| (number, strsim::sorensen_dice(&new.msgid, &entry.msgid)))
        .filter(|(_, similarity)| *similarity >= SIMILAR)
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(number, _)| number)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

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
}
