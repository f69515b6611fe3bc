//! What a page says of itself to search engines, readers of feeds and those who share it: its description, its twins in other languages, and
//! where it stands. mdBook describes every page by the book's description.

use anyhow::{Context, Result, ensure};
use icu_locale::{LanguageIdentifier, LocaleExpander};

use crate::html::escaped;
use crate::site::{Language, Site};

/// A description is cut after this many characters: search engines show no more.
const LONGEST: usize = 200;

/// mdBook's own description, to its end.
const DESCRIPTION: &str = "<meta name=\"description\" content=\"";

/// The head of a page with all of that. `path` is an address below the folder of the edition, `up` leads from the page to that folder,
/// `main` is what stands in `<main>`.
pub(crate) fn complete(
    head: &str,
    site: &Site,
    language: &Language,
    path: &str,
    up: &str,
    main: &str,
) -> Result<String> {
    let (before, rest) = head
        .split_once(DESCRIPTION)
        .context("mdBook's template has changed: no description in the head")?;
    let (of_the_book, rest) = rest.split_once('"').context("a description without an end")?;
    let description = description(main).unwrap_or_else(|| of_the_book.to_owned());
    let title = between(before, "<title>", "</title>").context("a page without a title")?;
    ensure!(rest.contains("</head>"), "a page without </head>");
    let mut tags = vec![
        property("og:type", "article"),
        property("og:title", &quoted(title)),
        property("og:description", &description),
        property("og:locale", &locale(language)),
    ];
    if let Some(address) = &site.addresses.site {
        let own = format!("{address}{}/{path}", language.code);
        tags.push(format!("<link rel=\"canonical\" href=\"{own}\">"));
        tags.push(property("og:url", &own));
        // `cargo xtask export` makes it.
        tags.push(property("og:image", &format!("{address}{}.png", language.code)));
        tags.push("<meta name=\"twitter:card\" content=\"summary_large_image\">".to_owned());
        tags.push(format!(
            "<link rel=\"alternate\" type=\"application/atom+xml\" href=\"{up}feed.xml\">"
        ));
    }
    // Search engines take them by whole addresses only; a reader's tools take them as they are.
    let folder = site.addresses.site.clone().unwrap_or_else(|| format!("{up}../"));
    for other in site.complete() {
        let code = escaped(&other.code);
        tags.push(format!(
            "<link rel=\"alternate\" hreflang=\"{code}\" href=\"{folder}{code}/{path}\">"
        ));
    }
    let source = escaped(&site.source_language().code);
    tags.push(format!(
        "<link rel=\"alternate\" hreflang=\"x-default\" href=\"{folder}{source}/{path}\">"
    ));
    let rest = rest.replacen("</head>", &format!("{}\n</head>", tags.join("\n")), 1);
    Ok(format!("{before}{DESCRIPTION}{description}\"{rest}"))
}

fn property(name: &str, content: &str) -> String {
    format!("<meta property=\"{name}\" content=\"{content}\">")
}

/// The first paragraph of a chapter, which says what it is about: whole sentences as far as they fit. Its characters are escaped as in the
/// page.
fn description(main: &str) -> Option<String> {
    let paragraph = between(main, "<p>", "</p>")?;
    let mut text = String::new();
    let mut tag = false;
    for character in paragraph.chars() {
        match character {
            '<' => tag = true,
            '>' => tag = false,
            _ if tag => {}
            _ => text.push(character),
        }
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    if text.is_empty() {
        return None;
    }
    let mut sentences = String::new();
    for sentence in text.split_inclusive(". ") {
        if sentences.chars().count() + sentence.trim_end().chars().count() > LONGEST {
            break;
        }
        sentences.push_str(sentence);
    }
    if sentences.is_empty() {
        // One long sentence.
        for word in words {
            if sentences.chars().count() + word.chars().count() + 2 > LONGEST {
                sentences.push('…');
                break;
            }
            if !sentences.is_empty() {
                sentences.push(' ');
            }
            sentences.push_str(word);
        }
    }
    Some(quoted(sentences.trim_end()))
}

/// Escaped text of an element as the value of an attribute.
fn quoted(text: &str) -> String {
    text.replace('"', "&quot;")
}

/// As OpenGraph has it: `it_IT`, the region in which most who speak the language live.
fn locale(language: &Language) -> String {
    let Ok(mut id) = LanguageIdentifier::try_from_str(&language.code) else {
        return escaped(&language.code);
    };
    LocaleExpander::new_common().maximize(&mut id);
    match id.region {
        Some(region) => format!("{}_{region}", id.language),
        None => id.language.to_string(),
    }
}

pub(crate) fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    Some(rest.split_once(end)?.0)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::address::Addresses;
    use crate::fixture::{english, italian};

    const HEAD: &str =
        "<html><head><title>A loop - A &amp; B</title>\n<meta name=\"description\" content=\"Of the book.\">\n</head>";

    pub(crate) fn site(address: Option<&str>) -> Site {
        Site {
            output: "book".into(),
            root: ".".into(),
            config: Default::default(),
            languages: vec![english().language().clone(), italian().language().clone()],
            reference_machines: vec!["m".to_owned()],
            addresses: Addresses {
                site: address.map(str::to_owned),
                repository: None,
            },
            lines: vec![1, 2],
        }
    }

    #[test]
    fn a_page_is_described_by_its_first_paragraph() {
        let main = "<h1>A loop</h1><p>It <em>waits</em> for\n\"many\" &amp; more. So.</p><p>No.</p>";
        let head = complete(HEAD, &site(None), english().language(), "a.html", "", main).unwrap();
        assert!(
            head.contains("<meta name=\"description\" content=\"It waits for &quot;many&quot; &amp; more. So.\">"),
            "{head}"
        );
        assert!(!head.contains("Of the book."), "{head}");
        let none = complete(HEAD, &site(None), english().language(), "a.html", "", "<h1>A</h1>").unwrap();
        assert!(none.contains("content=\"Of the book.\""), "{none}");
    }

    #[test]
    fn a_long_paragraph_is_cut_after_a_sentence_or_a_word() {
        let sentence = format!("{}end. ", "word ".repeat(20));
        let text = description(&format!("<p>{}</p>", sentence.repeat(3))).unwrap();
        assert_eq!(text, sentence.trim_end());
        let text = description(&format!("<p>{}</p>", "word ".repeat(80))).unwrap();
        assert!(text.ends_with("word…") && text.chars().count() <= LONGEST, "{text}");
    }

    #[test]
    fn addresses_are_told_only_where_there_are_any() {
        let unset = complete(HEAD, &site(None), italian().language(), "b/a.html", "../", "<p>T.</p>").unwrap();
        assert!(!unset.contains("canonical") && !unset.contains("feed.xml"), "{unset}");
        assert!(unset.contains("hreflang=\"en\" href=\"../../en/b/a.html\""), "{unset}");
        let site = site(Some("https://example.org/book/"));
        let set = complete(HEAD, &site, italian().language(), "b/a.html", "../", "<p>T.</p>").unwrap();
        for expected in [
            "<link rel=\"canonical\" href=\"https://example.org/book/it/b/a.html\">",
            "hreflang=\"it\" href=\"https://example.org/book/it/b/a.html\"",
            "hreflang=\"x-default\" href=\"https://example.org/book/en/b/a.html\"",
            "og:locale\" content=\"it_IT\"",
            "href=\"../feed.xml\"",
        ] {
            assert!(set.contains(expected), "{expected} in {set}");
        }
    }
}
