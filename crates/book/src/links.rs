//! What has to hold between the built pages: every edition has the same pages with the same anchors and alerts, and every link within the
//! book arrives. Looks at the HTML as a browser gets it, whatever made it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{BufferQueue, StartTag, Tag, TagToken, Token, TokenSink, TokenSinkResult, Tokenizer};
use percent_encoding::percent_decode_str;

use crate::diagnostic::Diagnostic;
use crate::site::Site;

/// How mdBook marks an alert: `blockquote-tag-note` and so on.
const ALERT: &str = "blockquote-tag-";

/// Names a page of several at most, for a section that is missing has more than one anchor.
const NAMED: usize = 5;

/// How much was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    pub pages: usize,
    pub anchors: usize,
    /// Those within the book.
    pub links: usize,
}

/// Compares the editions in the folder that the book was built into, drafts as well, and follows their links. What stands there besides, as
/// of a language that is no longer listed, is left alone. The lines of the
/// diagnostics are those of the HTML.
pub fn check(site: &Site) -> Result<(Vec<Diagnostic>, Seen)> {
    let output = &site.output;
    let mut pages = BTreeMap::new();
    for language in &site.languages {
        read_below(output, &output.join(&language.code), &mut pages)?;
    }
    read(output, output.join("index.html"), &mut pages)?;
    let mut diagnostics = Vec::new();
    let shown = |below: &Path| site.relative(&output.join(below));
    let source = Path::new(&site.source_language().code);
    for language in site.translations() {
        let edition = Path::new(&language.code);
        for (below, page) in of_edition(&pages, source) {
            match pages.get(&edition.join(below)) {
                Some(translated) => {
                    let differences = page.differences(translated);
                    diagnostics.extend(
                        differences
                            .into_iter()
                            .map(|(message, help)| Diagnostic::new(shown(&edition.join(below)), 1, message, help)),
                    );
                }
                None => diagnostics.push(Diagnostic::new(
                    shown(&source.join(below)),
                    1,
                    format!("the edition in {} has no such page", language.name),
                    "every chapter is in every edition",
                )),
            }
        }
        for (below, _) in of_edition(&pages, edition) {
            if !pages.contains_key(&source.join(below)) {
                diagnostics.push(Diagnostic::new(
                    shown(&edition.join(below)),
                    1,
                    "the edition in the source language has no such page",
                    "is it left over from an older build?",
                ));
            }
        }
    }
    let mut seen = Seen {
        pages: pages.len(),
        ..Seen::default()
    };
    for (below, page) in &pages {
        seen.anchors += page.ids.len();
        for (target, line) in &page.links {
            let Some(end) = follow(below, target, output, &pages) else {
                continue;
            };
            seen.links += 1;
            if let Err(message) = end {
                diagnostics.push(Diagnostic::new(
                    shown(below),
                    *line,
                    format!("the link `{target}` {message}"),
                    "mend it in the chapter, or in the translation of what it stands in",
                ));
            }
        }
    }
    diagnostics.sort();
    diagnostics.dedup();
    Ok((diagnostics, seen))
}

/// Pages of one edition, each with its path in the edition.
fn of_edition<'a>(
    pages: &'a BTreeMap<PathBuf, Page>,
    edition: &'a Path,
) -> impl Iterator<Item = (&'a Path, &'a Page)> + use<'a> {
    pages
        .iter()
        .filter_map(move |(path, page)| Some((path.strip_prefix(edition).ok()?, page)))
}

fn read_below(output: &Path, folder: &Path, pages: &mut BTreeMap<PathBuf, Page>) -> Result<()> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("cannot read {}: has the book been built?", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            read_below(output, &path, pages)?;
        } else if path.extension().is_some_and(|extension| extension == "html") {
            read(output, path, pages)?;
        }
    }
    Ok(())
}

fn read(output: &Path, path: PathBuf, pages: &mut BTreeMap<PathBuf, Page>) -> Result<()> {
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    pages.insert(path.strip_prefix(output)?.to_owned(), Page::read(&text));
    Ok(())
}

/// Where a link leads: nothing for links out of the book, and what is wrong where it does not arrive.
fn follow(
    from: &Path,
    target: &str,
    output: &Path,
    pages: &BTreeMap<PathBuf, Page>,
) -> Option<Result<(), &'static str>> {
    let has_scheme = target.split_once(':').is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    });
    if has_scheme || target.starts_with("//") {
        return None;
    }
    if target.starts_with('/') {
        return Some(Err("starts at the root of the site, which the book does not know"));
    }
    let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
    let path = path.split('?').next().unwrap_or_default();
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let arrived = match path {
        "" => Some(from.to_owned()),
        path => resolve(from.parent().unwrap_or(Path::new("")), Path::new(&decode(path))),
    };
    let Some(mut arrived) = arrived else {
        return Some(Err("leads out of the book"));
    };
    if output.join(&arrived).is_dir() {
        arrived.push("index.html");
    }
    let fragment = decode(fragment);
    Some(match pages.get(&arrived) {
        Some(page) if fragment.is_empty() || page.ids.contains(&fragment) => Ok(()),
        Some(_) => Err("names an anchor that is not on that page"),
        None if output.join(&arrived).is_file() => Ok(()),
        None => Err("leads to a page that is not there"),
    })
}

/// A relative path from a folder, without `..`; `None` where it leaves the root.
fn resolve(folder: &Path, path: &Path) -> Option<PathBuf> {
    let mut resolved = folder.to_owned();
    for part in path.components() {
        match part {
            Component::ParentDir => resolved.pop().then_some(())?,
            Component::Normal(part) => resolved.push(part),
            _ => {}
        }
    }
    Some(resolved)
}

/// What a page has that links and translations depend on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Page {
    ids: BTreeSet<String>,
    /// Targets of links and of what the page loads, each with its line.
    links: Vec<(String, usize)>,
    /// Kinds, in the order of the page.
    alerts: Vec<String>,
}

impl Page {
    fn read(html: &str) -> Page {
        let tokenizer = Tokenizer::new(Reader::default(), Default::default());
        let text = BufferQueue::default();
        text.push_back(StrTendril::from_slice(html));
        // Scripts do not run here: the reader never asks for one.
        let _ = tokenizer.feed(&text);
        tokenizer.end();
        tokenizer.sink.page.into_inner()
    }

    /// What a translation of this page has too much or too little, each with a remedy.
    fn differences(&self, translated: &Page) -> Vec<(String, &'static str)> {
        let mut found = Vec::new();
        let list = |ids: Vec<&String>| {
            let named: Vec<String> = ids.iter().take(NAMED).map(|id| format!("`{id}`")).collect();
            let more = ids.len().saturating_sub(NAMED);
            match more {
                0 => named.join(", "),
                more => format!("{} and {more} more", named.join(", ")),
            }
        };
        let help = "anchors come from `{#id}` of headings, footnotes, figures and ids in HTML, which are the same in all languages";
        let lost: Vec<_> = self.ids.difference(&translated.ids).collect();
        if !lost.is_empty() {
            found.push((
                format!("anchors that the source has are not here: {}", list(lost)),
                help,
            ));
        }
        let added: Vec<_> = translated.ids.difference(&self.ids).collect();
        if !added.is_empty() {
            found.push((format!("anchors that the source does not have: {}", list(added)), help));
        }
        if self.alerts != translated.alerts {
            found.push((
                format!(
                    "the alerts are [{}], those of the source [{}]",
                    translated.alerts.join(", "),
                    self.alerts.join(", ")
                ),
                "an alert starts with `> [!NOTE]` or the like on a line of its own",
            ));
        }
        found
    }
}

#[derive(Default)]
struct Reader {
    page: RefCell<Page>,
}

impl TokenSink for Reader {
    type Handle = ();

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<()> {
        let TagToken(Tag {
            kind: StartTag,
            name,
            attrs,
            ..
        }) = token
        else {
            return TokenSinkResult::Continue;
        };
        let mut page = self.page.borrow_mut();
        for attribute in &attrs {
            let value = attribute.value.to_string();
            match &*attribute.name.local {
                "id" => {
                    page.ids.insert(value);
                }
                "href" | "src" => page.links.push((value, usize::try_from(line).unwrap_or(0))),
                "class" => {
                    let kinds = value.split_whitespace().filter_map(|class| class.strip_prefix(ALERT));
                    let kinds: Vec<String> = kinds.filter(|kind| *kind != "title").map(str::to_owned).collect();
                    page.alerts.extend(kinds);
                }
                _ => {}
            }
        }
        // What looks like a tag in these is none.
        match &*name {
            "script" => TokenSinkResult::RawData(RawKind::ScriptData),
            "style" | "iframe" | "noembed" | "noframes" | "xmp" => TokenSinkResult::RawData(RawKind::Rawtext),
            "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
            _ => TokenSinkResult::Continue,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_as_a_browser_does() {
        let page = Page::read(
            "<html><script>document.write('<a id=\"x\" href=\"y\">')</script>\n<h2 id='b'><a href=\"#b\">B</a></h2>\n\
             <!-- <p id=\"c\"> --><blockquote class=\"blockquote-tag blockquote-tag-note\"><p class=\"blockquote-tag-title\">x\n\
             <textarea><p id=d></textarea><img src=i.png><a href=\"a.html?x=1&amp;y=2#e\">",
        );
        assert_eq!(page.ids, BTreeSet::from(["b".to_owned()]));
        assert_eq!(page.alerts, ["note"]);
        let links: Vec<_> = page
            .links
            .iter()
            .map(|(target, line)| (target.as_str(), *line))
            .collect();
        assert_eq!(links, [("#b", 2), ("i.png", 4), ("a.html?x=1&y=2#e", 4)]);
    }

    #[test]
    fn links_within_the_book_arrive_or_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path();
        std::fs::create_dir_all(output.join("en/part")).unwrap();
        std::fs::write(output.join("en/a.png"), "").unwrap();
        let pages = BTreeMap::from([
            (PathBuf::from("en/index.html"), Page::read("<p id=\"è\">")),
            (PathBuf::from("en/part/a.html"), Page::read("<p id=\"x\">")),
        ]);
        let follow = |target: &str| follow(Path::new("en/part/a.html"), target, output, &pages);
        for target in [
            "#x",
            "#",
            "../index.html#%C3%A8",
            "../index.html?a=1",
            "../",
            "../a.png",
            "./a.html#x",
        ] {
            assert_eq!(follow(target), Some(Ok(())), "{target}");
        }
        for target in [
            "https://example.com/#x",
            "mailto:a@example.com",
            "//example.com",
            "data:image/png,x",
        ] {
            assert_eq!(follow(target), None, "{target}");
        }
        for (target, expected) in [
            ("#y", "an anchor that is not on that page"),
            ("../index.html#x", "an anchor that is not"),
            ("b.html", "a page that is not there"),
            ("../../../x.html", "out of the book"),
            ("/en/index.html", "the root of the site"),
        ] {
            assert!(follow(target).unwrap().unwrap_err().contains(expected), "{target}");
        }
    }

    #[test]
    fn pages_that_differ_say_in_what() {
        let source = Page::read("<p id=a><p id=b><p id=c><p class=\"blockquote-tag-tip\">");
        assert_eq!(source.differences(&source), []);
        let found = source.differences(&Page::read("<p id=a><p id=z>"));
        let messages: Vec<&str> = found.iter().map(|(message, _)| message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "anchors that the source has are not here: `b`, `c`",
                "anchors that the source does not have: `z`",
                "the alerts are [], those of the source [tip]"
            ]
        );
    }
}
