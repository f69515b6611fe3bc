//! Translators' catalogs: bytes, lines, header. What is read at all can be written, and is read as the same again.

#![no_main]

use std::path::Path;

use book::catalog::{Entry, header};
use book::{Catalog, Diagnostics};
use fuzz::{is_brief, write};
use libfuzzer_sys::fuzz_target;

/// What a message says, without where and how it stood in the file.
#[derive(Debug, PartialEq)]
struct Meaning<'a> {
    notes: &'a [String],
    comments: &'a [String],
    sources: &'a [String],
    flags: &'a [String],
    previous: Option<&'a str>,
    texts: (&'a str, &'a str),
    obsolete: bool,
}

fn meaning(entry: &Entry) -> Meaning<'_> {
    Meaning {
        notes: &entry.notes,
        comments: &entry.comments,
        // What is no longer in the book stands nowhere, and where it stood is lost once its lines are written anew.
        sources: if entry.obsolete { &[] } else { &entry.sources },
        flags: &entry.flags,
        previous: entry.previous.as_deref(),
        texts: (&entry.msgid, &entry.msgstr),
        obsolete: entry.obsolete,
    }
}

fn same(a: &Catalog, b: &Catalog) {
    assert_eq!(meaning(&a.header), meaning(&b.header));
    let present = |catalog: &'_ Catalog, obsolete: bool| -> Vec<usize> {
        let of_kind = |number: &usize| catalog.entries[*number].obsolete == obsolete;
        (0..catalog.entries.len()).filter(of_kind).collect()
    };
    // Obsolete ones are written last.
    for obsolete in [false, true] {
        let (of_a, of_b) = (present(a, obsolete), present(b, obsolete));
        assert_eq!(of_a.len(), of_b.len());
        for (a, b) in of_a
            .iter()
            .map(|n| &a.entries[*n])
            .zip(of_b.iter().map(|n| &b.entries[*n]))
        {
            assert_eq!(meaning(a), meaning(b));
        }
    }
}

fn read(text: &str) -> Catalog {
    Catalog::parse(text, Path::new("po/it.po")).expect("what was written is read")
}

fuzz_target!(|bytes: &[u8]| {
    let shown = Path::new("po/it.po");
    let path = write("it.po", "");
    std::fs::write(&path, bytes).expect("a file for a catalog");
    let from_disk = Catalog::read(&path, shown);
    let Ok(text) = std::str::from_utf8(bytes) else {
        assert!(from_disk.is_err());
        return;
    };
    let lines = text.lines().count().max(1);
    if let Err(error) = &from_disk {
        assert!(is_brief(&format!("{error:#}")));
        let Diagnostics(found) = error.downcast_ref::<Diagnostics>().expect("mistakes with their lines");
        assert!(found.iter().all(|found| (1..=lines).contains(&found.line)), "{error}");
    }
    let Ok(catalog) = Catalog::parse(text, shown) else {
        assert!(from_disk.is_err());
        return;
    };
    for entry in &catalog.entries {
        assert!((1..=lines).contains(&entry.line));
        for offset in [0, entry.msgstr.len() / 2, entry.msgstr.len()] {
            assert!((entry.line..=lines).contains(&entry.line_of_translation(offset)));
        }
        if !entry.obsolete {
            assert_eq!(catalog.get(&entry.msgid).map(meaning), Some(meaning(entry)));
        }
    }
    header::field(&catalog.header, "Language");
    // As it stood, and once nobody knows any more how it stood.
    let written = catalog.to_po();
    let again = read(&written);
    same(&again, &catalog);
    assert_eq!(again.to_po(), written);
    let mut changed = catalog.clone();
    for entry in &mut changed.entries {
        entry.msgstr.push_str(" e");
    }
    // A longer translation may be longer than a catalog takes.
    if let Ok(again) = Catalog::parse(&changed.to_po(), shown) {
        same(&again, &changed);
    }
});
