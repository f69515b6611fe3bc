//! What a translation brings into the page: whatever it says, a catalog is refused, or its page holds no tag, link, heading or block that is
//! not in the page without translations.
//!
//! The pieces of an input, between lines `%%`, are the translations of the messages of [`CHAPTER`].

#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use book::{Catalog, Site, catalog, edition};
use fuzz::{is_brief, small, write};
use libfuzzer_sys::fuzz_target;
use mdbook_markdown::pulldown_cmark::{Event, Tag};
use mdbook_markdown::{MarkdownOptions, new_cmark_parser};
use measure::library::Library;

/// Messages in each of the places that they have in a chapter.
const CHAPTER: &str = "\
# A *heading* with words {#top}

A paragraph with `code`, *words*, a [link](b.md#c) and <span class=\"x\">HTML</span>[^1].

- An item of a list
- Another, with **weight**

> A quote: {{#number 3 | by definition}} things.

> [!NOTE]
> An alert with one paragraph.

| A head of a table | `code` |
|---|--:|
| A cell with a [link](d.md) | a > b |

1. A step whose line
   goes on in a second.

   A paragraph of the step with a [reference][r].

![An image](e.svg)

<div>

Words in a block of HTML &amp; an entity.

</div>

[^1]: A note.

[r]: f.md

```python
# A comment of code.
x = 1
```
";

struct Book {
    site: Site,
    library: Library,
    /// In the order of the chapter.
    messages: Vec<String>,
    /// What the page holds without translations.
    marks: BTreeMap<String, usize>,
}

static BOOK: LazyLock<Book> = LazyLock::new(|| {
    let site = Site::open(&small::book(CHAPTER)).expect("a book that can be opened");
    let library = Library {
        entries: Vec::new(),
        self_check: None,
    };
    let template = catalog::extract(&site, &library).expect("messages of the chapter");
    let of_chapter = template
        .entries
        .iter()
        .filter(|entry| entry.sources.iter().any(|source| source == "src/a.md"));
    let messages: Vec<String> = of_chapter.map(|entry| entry.msgid.clone()).collect();
    write("po/it.po", small::HEADER);
    let marks = marks(&page(&site, &library).expect("a page without translations"));
    Book {
        site,
        library,
        messages,
        marks,
    }
});

fn page(site: &Site, library: &Library) -> Result<String, String> {
    let italian = site.language("it").expect("a language of the book");
    match edition::expand(site, library, italian) {
        Ok(mut chapters) => Ok(chapters.remove(0).markdown),
        Err(error) => Err(format!("{error:#}")),
    }
}

/// What stands on a page besides words, and how often.
fn marks(markdown: &str) -> BTreeMap<String, usize> {
    let mut marks = BTreeMap::new();
    let parser = new_cmark_parser(markdown, &MarkdownOptions::default());
    for event in parser {
        let mark = match event {
            Event::Html(html) | Event::InlineHtml(html) => html.split_whitespace().collect::<Vec<_>>().join(" "),
            Event::Start(Tag::Heading {
                level,
                id,
                classes,
                attrs,
            }) => format!("{level} {id:?} {classes:?} {attrs:?}"),
            Event::Start(Tag::Link { dest_url, .. }) => format!("link to {dest_url}"),
            Event::Start(Tag::Image { dest_url, .. }) => format!("image {dest_url}"),
            Event::Start(Tag::CodeBlock(kind)) => format!("{kind:?}"),
            Event::Start(tag @ (Tag::BlockQuote(_) | Tag::List(_) | Tag::Item | Tag::Table(_) | Tag::TableCell)) => {
                format!("{tag:?}")
            }
            Event::FootnoteReference(name) => format!("note {name}"),
            Event::Rule => "rule".to_owned(),
            _ => continue,
        };
        *marks.entry(mark).or_default() += 1;
    }
    marks
}

fuzz_target!(|text: &str| {
    let Book {
        site,
        library,
        messages,
        marks: known,
    } = &*BOOK;
    let translated = messages.iter().zip(text.split("\n%%\n"));
    let pairs: Vec<(&str, &str)> = translated
        .filter(|(_, translation)| !translation.is_empty())
        .map(|(message, translation)| (message.as_str(), translation))
        .collect();
    let messages = Catalog::from_pairs(&pairs).to_po();
    // What comes before is the header that a catalog of pairs has not.
    let (_, messages) = messages.split_once("\n\n").unwrap_or_default();
    write("po/it.po", &format!("{}\n{messages}", small::HEADER));
    match page(site, library) {
        Err(error) => assert!(is_brief(&error)),
        Ok(page) => {
            for (mark, count) in marks(&page) {
                assert!(
                    known.get(&mark).is_some_and(|known| count <= *known),
                    "{mark} in\n{page}"
                );
            }
        }
    }
});
