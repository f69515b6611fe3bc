//! What a published book has beside its editions, once it has an address: the map of the site, a feed of measurements for each edition, and the
//! page for addresses that lead nowhere. Without an address none of them is written, for each has to name it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use mdbook_driver::config::TextDirection;
use measure::files::write_atomically;
use measure::library::{Library, Measured, Origin};

use crate::html::escaped;
use crate::interface::Interface;
use crate::number::whole;
use crate::site::Site;

const MAP: &str = "sitemap.xml";
const ROBOTS: &str = "robots.txt";
const NOWHERE: &str = "404.html";
const FEED: &str = "feed.xml";

/// Pages that no search engine need know: they hold what others hold.
const LEFT_OUT: &[&str] = &["print.html", "toc.html"];

/// Writes all of it into the folder of the editions, or removes what was there when the book had an address.
pub(crate) fn write(site: &Site, library: &Library, interfaces: &[Interface], output: &Path) -> Result<()> {
    let Some(address) = &site.addresses.site else {
        for name in [MAP, ROBOTS, NOWHERE] {
            let path = output.join(name);
            if path.is_file() {
                std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
        return Ok(());
    };
    let complete: Vec<&Interface> = interfaces
        .iter()
        .filter(|interface| !interface.language().is_draft())
        .collect();
    let codes: Vec<&str> = complete
        .iter()
        .map(|interface| interface.language().code.as_str())
        .collect();
    let pages = pages(&output.join(&site.source_language().code), "")?;
    write_atomically(&output.join(MAP), map(address, &codes, &pages))?;
    write_atomically(
        &output.join(ROBOTS),
        format!("User-agent: *\nAllow: /\nSitemap: {address}{MAP}\n"),
    )?;
    write_atomically(&output.join(NOWHERE), nowhere(address, interfaces))?;
    let campaigns = campaigns(library);
    for interface in interfaces {
        let title = interface.label(site.config.book.title.as_deref().unwrap_or_default());
        let feed = feed(address, &title, &campaigns, interface);
        write_atomically(&output.join(&interface.language().code).join(FEED), &feed)?;
    }
    Ok(())
}

/// The addresses of an edition's pages below its folder.
fn pages(folder: &Path, below: &str) -> Result<Vec<String>> {
    let mut pages = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let name = format!("{below}{}", path.file_name().unwrap_or_default().to_string_lossy());
        if path.is_dir() {
            pages.extend(self::pages(&path, &format!("{name}/"))?);
        } else if name.ends_with(".html") && !LEFT_OUT.contains(&name.as_str()) {
            pages.push(name);
        }
    }
    pages.sort();
    Ok(pages)
}

/// As sitemaps.org has it, with the twins of each page in other languages.
fn map(address: &str, codes: &[&str], pages: &[String]) -> String {
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\" \
         xmlns:xhtml=\"http://www.w3.org/1999/xhtml\">\n",
    );
    for page in pages {
        let page = escaped(page);
        for code in codes {
            let _ = write!(xml, "<url><loc>{address}{code}/{page}</loc>");
            for other in codes {
                let _ = write!(
                    xml,
                    "<xhtml:link rel=\"alternate\" hreflang=\"{other}\" href=\"{address}{other}/{page}\"/>"
                );
            }
            xml.push_str("</url>\n");
        }
    }
    xml.push_str("</urlset>\n");
    xml
}

/// In every language, since an address that leads nowhere tells none. Its links are whole: it is shown at any address.
fn nowhere(address: &str, interfaces: &[Interface]) -> String {
    let parts: Vec<String> = interfaces
        .iter()
        .map(|interface| {
            let language = interface.language();
            let code = escaped(&language.code);
            format!(
                "<section lang=\"{code}\" dir=\"{}\">\n<h1>{}</h1>\n<p>{} <a href=\"{address}{code}/index.html\">{}</a></p>\n</section>",
                text_direction(language.direction()),
                escaped(&interface.text("There is no such page")),
                escaped(&interface.text("It may have had another name in another release. The book begins here:")),
                escaped(&language.name),
            )
        })
        .collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"UTF-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"robots\" content=\"noindex\">\n\
         <title>404</title>\n<style>\n:root {{ color-scheme: light dark; }}\n\
         body {{ font: 1.125rem/1.6 system-ui, sans-serif; max-width: 36rem; margin: 15vh auto; padding: 0 1.25rem; }}\n\
         h1 {{ font-size: 1.5rem; }}\na {{ color: inherit; }}\n</style>\n</head>\n<body>\n<main>\n{}\n</main>\n</body>\n</html>\n",
        interfaces.first().map_or("en", |interface| &interface.language().code),
        parts.join("\n")
    )
}

/// As in `<html dir>`.
fn text_direction(direction: TextDirection) -> &'static str {
    match direction {
        TextDirection::RightToLeft => "rtl",
        _ => "ltr",
    }
}

/// What a machine published on a day.
struct Campaign<'a> {
    /// As in `2026-01-31`.
    day: &'a str,
    machine: &'a str,
    experiments: Vec<&'a str>,
}

/// The newest first.
fn campaigns(library: &Library) -> Vec<Campaign<'_>> {
    let mut campaigns: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for entry in &library.entries {
        let published = |measured: &&Measured| measured.origin == Origin::Published;
        for measured in entry.measured.iter().chain(&entry.others).filter(published) {
            let results = &measured.results;
            let day = results.started.split('T').next().unwrap_or_default();
            campaigns
                .entry((day, &results.machine.id))
                .or_default()
                .push(&entry.experiment.title);
        }
    }
    campaigns
        .into_iter()
        .rev()
        .map(|((day, machine), experiments)| Campaign {
            day,
            machine,
            experiments,
        })
        .collect()
}

/// Atom, RFC 4287.
fn feed(address: &str, title: &str, campaigns: &[Campaign<'_>], interface: &Interface) -> String {
    let code = escaped(&interface.language().code);
    let updated = campaigns.first().map_or("1970-01-01", |campaign| campaign.day);
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"{code}\">\n\
         <title>{title}</title>\n<id>{address}{code}/{FEED}</id>\n<link rel=\"self\" href=\"{address}{code}/{FEED}\"/>\n\
         <link href=\"{address}{code}/index.html\"/>\n<updated>{updated}T00:00:00Z</updated>\n\
         <author><name>{title}</name></author>\n",
        title = escaped(title),
    );
    for Campaign {
        day,
        machine,
        experiments,
    } in campaigns
    {
        let words = match experiments.len() {
            1 => "{count} experiment measured on {machine}",
            _ => "{count} experiments measured on {machine}",
        };
        let count = whole(experiments.len() as f64, interface.language());
        let title = interface.fill(words, &[("count", &count), ("machine", machine)]);
        let names: Vec<String> = experiments.iter().map(|name| interface.label(name)).collect();
        let _ = writeln!(
            xml,
            "<entry><title>{}</title><id>{address}{code}/{FEED}#{day}-{}</id><link href=\"{address}{code}/moves.html\"/>\
             <updated>{day}T00:00:00Z</updated><summary>{}</summary></entry>",
            escaped(&title),
            escaped(machine),
            escaped(&names.join("; ")),
        );
    }
    xml.push_str("</feed>\n");
    xml
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{english, italian};

    const ADDRESS: &str = "https://example.org/book/";

    #[test]
    fn the_map_names_every_page_in_every_language() {
        let xml = map(ADDRESS, &["en", "it"], &["a.html".to_owned(), "b/c.html".to_owned()]);
        assert_eq!(xml.matches("<url>").count(), 4, "{xml}");
        assert_eq!(
            xml.matches("hreflang=\"it\" href=\"https://example.org/book/it/b/c.html\"")
                .count(),
            2
        );
    }

    #[test]
    fn a_wrong_address_is_answered_in_every_language() {
        let html = nowhere(ADDRESS, &[english(), italian()]);
        for code in ["en", "it"] {
            assert!(html.contains(&format!("<section lang=\"{code}\"")), "{html}");
            assert!(html.contains(&format!("href=\"{ADDRESS}{code}/index.html\"")), "{html}");
        }
    }

    #[test]
    fn the_feed_tells_campaigns_in_the_language_of_the_edition() {
        let campaigns = [Campaign {
            day: "2030-01-02",
            machine: "m<1>",
            experiments: vec!["One", "Two"],
        }];
        let xml = feed(ADDRESS, "A & B", &campaigns, &english());
        for expected in [
            "<title>A &amp; B</title>",
            "<title>2 experiments measured on m&lt;1&gt;</title>",
            "<updated>2030-01-02T00:00:00Z</updated>",
            "<summary>One; Two</summary>",
        ] {
            assert!(xml.contains(expected), "{expected} in {xml}");
        }
    }

    #[test]
    fn without_an_address_nothing_of_it_stays() {
        let output = tempfile::tempdir().unwrap();
        std::fs::write(output.path().join(MAP), "old").unwrap();
        let site = crate::head::tests::site(None);
        let empty = Library {
            entries: Vec::new(),
            self_check: None,
        };
        write(&site, &empty, &[english()], output.path()).unwrap();
        assert!(std::fs::read_dir(output.path()).unwrap().next().is_none());
    }
}
