//! What is done to pages after mdBook has rendered them: its template's English words are translated, code gets its colours, and every page
//! leads to itself in the other languages. Besides, the page at the root that leads to the editions.
//!
//! mdBook offers no place for either but a copy of its template, which would have to follow each of its versions. A string that is no
//! longer in the template makes a test fail.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use anyhow::{Context, Result, ensure};

use crate::catalog::Progress;
use crate::compile_fail;
use crate::data;
use crate::edition::{Options, RELEASES};
use crate::head;
use crate::highlight;
use crate::html::escaped;
use crate::interface::Interface;
use crate::number::whole;
use crate::offline;
use crate::policy;
use crate::pyodide::Pyodide;
use crate::search;
use crate::site::{Language, Site};
use crate::whole;

/// Strings of mdBook's pages outside the chapter: texts of elements and attributes.
const TEMPLATE: &[&str] = &[
    "Keyboard shortcuts",
    "Press <kbd>←</kbd> or <kbd>→</kbd> to navigate between chapters",
    "Press <kbd>?</kbd> to show this help",
    "Press <kbd>Esc</kbd> to hide this help",
    "Table of contents",
    "Toggle Table of Contents",
    "Change theme",
    "Themes",
    "Auto",
    "Light",
    "Print this book",
    "Page navigation",
    "Previous chapter",
    "Next chapter",
];

/// Titles of alerts, in the chapter itself.
const ALERTS: &[&str] = &["Note", "Tip", "Important", "Warning", "Caution"];

/// Labels in the chapter's HTML, which stays away from the translators, and the element each fills: what opens the answer to a question, and
/// what is said of programs that must not compile.
const LABELS: &[(&str, &str)] = &[
    ("Answer", "summary"),
    (compile_fail::VERDICT, "strong"),
    (compile_fail::REST, "summary"),
];

/// Strings of mdBook's scripts: the file they are in, and how they stand there, `@` for the string.
const SCRIPTS: &[(&str, &str, &str)] = &[
    ("book-", "Copy to clipboard", "'@'"),
    ("book-", "Copied!", "'@'"),
    ("book-", "Show hidden lines", "'@'"),
    ("book-", "Show hidden lines", "\"@\""),
    ("book-", "Hide lines", "'@'"),
    ("book-", "Clipboard error!", "'@'"),
];

/// mdBook's script for colours, by the beginning of its name: pages have them already.
const HIGHLIGHTER: &str = "highlight-";

/// The folder of the book's own scripts and styles, whose comments are for who changes them.
const THEME: &str = "theme";

/// The menu bar's right end in mdBook's template.
const RIGHT_BUTTONS: &str = "<div class=\"right-buttons\">";

/// The list of keys in mdBook's template, up to where the key of the search belongs.
const KEYS: &str = "to navigate between chapters</p>\n";

/// What opens the table of contents: a label, which no keyboard reaches. `theme/menu.js` lets Enter and the blank do what a click does.
const TOGGLE: &str = "<label id=\"mdbook-sidebar-toggle\"";

const BODY: &str = "<body>";

/// Of all chapters in one, to print: nothing in it that another page does not have.
const PRINT: &str = "print.html";

/// Every string of mdBook's own that is translated here.
pub fn page_strings() -> impl Iterator<Item = &'static str> {
    let labels = LABELS.iter().map(|(string, _)| *string);
    let scripts = SCRIPTS.iter().map(|(_, string, _)| *string);
    TEMPLATE.iter().chain(ALERTS).copied().chain(labels).chain(scripts)
}

/// What readers of a draft are told.
const DRAFT: &str =
    "This translation is a draft: {translated} of {count} texts are translated, the rest is in English.";

/// Of every page of a release.
const PERMALINK: &str = "This page as it is in version {version}, to cite it";

/// The page that says what a draft is and how to help, and its section for that, where the book has one.
const TRANSLATIONS: (&str, &str) = ("translations.html", "help");

/// Finishes every page and script of an edition; `draft` says how far it is, where it is one. What readers get (`published`) can be searched,
/// and kept for reading without a network; while it is being written, neither is worth the wait after each save.
pub(crate) fn finish(
    site: &Site,
    interface: &Interface,
    draft: Option<&Progress>,
    options: &Options,
    folder: &Path,
) -> Result<()> {
    let published = options.live_reload.is_none();
    let mut edition = Finished {
        site,
        interface,
        draft,
        published,
        pyodide: options.pyodide.as_ref(),
        release: options.release.as_deref(),
        helped: folder.join(TRANSLATIONS.0).is_file(),
        texts: Vec::new(),
        programs: BTreeSet::new(),
        head: String::new(),
    };
    edition.finish_below(folder, folder)?;
    whole::write(&edition.programs, site, interface, &edition.head, folder)?;
    if published {
        edition.texts.sort_by(|one, other| one.path.cmp(&other.path));
        search::write(&edition.texts, interface.language(), folder)?;
        // Last: it lists all files.
        offline::write(folder)?;
    }
    Ok(())
}

/// An edition whose pages are being finished.
struct Finished<'a> {
    site: &'a Site,
    interface: &'a Interface,
    draft: Option<&'a Progress>,
    published: bool,
    pyodide: Option<&'a Pyodide>,
    release: Option<&'a str>,
    /// Whether the page of [`TRANSLATIONS`] is there.
    helped: bool,
    /// What can be searched.
    texts: Vec<search::Page>,
    /// Those that a page shows a part of, below `examples/`.
    programs: BTreeSet<String>,
    /// Of a page in the folder of the edition.
    head: String,
}

impl Finished<'_> {
    fn finish_below(&mut self, edition: &Path, folder: &Path) -> Result<()> {
        let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                self.finish_below(edition, &path)?;
            } else if name.ends_with(".html") {
                let below = path.strip_prefix(edition)?;
                rewrite(&path, |page| self.finish_page(page, below))?;
            } else if name.starts_with(HIGHLIGHTER) && name.ends_with(".js") {
                rewrite(&path, |_| Ok(highlight::STUB.to_owned()))?;
            } else if folder.ends_with(THEME) || folder.parent().is_some_and(|parent| parent.ends_with(THEME)) {
                match name.rsplit_once('.') {
                    Some((_, "js")) => rewrite(&path, |script| Ok(light_script(script)))?,
                    Some((_, "css")) => rewrite(&path, |style| Ok(light_style(style)))?,
                    _ => {}
                }
            } else if name.ends_with(".js") && SCRIPTS.iter().any(|(file, ..)| name.starts_with(file)) {
                rewrite(&path, |script| Ok(finish_script(script, self.interface, &name)))?;
            }
        }
        Ok(())
    }

    fn finish_page(&mut self, page: &str, below: &Path) -> Result<String> {
        let interface = self.interface;
        let Some((head, rest)) = page.split_once("<main>") else {
            // The table of contents for readers without scripts, and redirects: they have no words of the template.
            return Ok(page.to_owned());
        };
        let (main, foot) = rest.split_once("</main>").context("a page without </main>")?;
        for place in [RIGHT_BUTTONS, KEYS, TOGGLE, BODY] {
            ensure!(head.contains(place), "mdBook's template has changed: no {place}");
        }
        let up = "../".repeat(below.components().count().saturating_sub(1));
        let path = address(below);
        let (key, button) = match self.published {
            true => (key_of_search(interface), search_button(interface, &up)),
            false => Default::default(),
        };
        let head = head.replacen(KEYS, &format!("{KEYS}{key}\n"), 1);
        let head = head.replacen(TOGGLE, &format!("{TOGGLE} role=\"button\" tabindex=\"0\""), 1);
        let skip = escaped(&interface.text("Skip to the text"));
        let head = head.replacen(
            BODY,
            &format!("{BODY}\n<a class=\"skip-link\" href=\"#mdbook-content\">{skip}</a>"),
            1,
        );
        let head = translate_template(&head, interface).replacen(
            RIGHT_BUTTONS,
            &format!("{RIGHT_BUTTONS}\n{button}{}", picker(self.site, interface, below)),
            1,
        );
        let head = head::complete(&head, self.site, interface.language(), &path, &up, main)?;
        let head = head.replacen("</head>", &format!("{}\n</head>", words(interface)), 1);
        // The worker keeps all pages, and a first view should weigh what it shows.
        let foot = foot.replace("rel=\"next prefetch\"", "rel=\"next\"");
        let head = match self.published {
            true => head.replacen("</head>", &format!("{}\n</head>", worker(&up)), 1),
            false => head,
        };
        let head = match self.pyodide {
            Some(pyodide) => head.replacen("</head>", &format!("{}\n</head>", python(pyodide, interface, &up)), 1),
            None => head,
        };
        if up.is_empty() && self.head.is_empty() {
            self.head.clone_from(&head);
        }
        let title = interface.text("The whole program");
        let main = whole::shorten(
            &data::resolve(main, &up),
            &self.site.root,
            &up,
            &title,
            &mut self.programs,
        );
        if path != PRINT {
            self.texts.push(search::Page {
                path,
                main: main.clone(),
            });
        }
        let (head, notice) = match self.draft {
            Some(progress) => (without_index(&head)?, self.notice(progress, below)),
            None => (head, String::new()),
        };
        let mut main = highlight::page(&translate_alerts(&main, interface));
        for (english, element) in LABELS {
            let form = |text: &str| format!("<{element}>{text}</{element}>");
            main = main.replace(&form(english), &form(&escaped(&interface.text(english))));
        }
        let foot = translate_template(&foot, interface);
        let permalink = self.permalink(below);
        let page = format!("{head}<main>{notice}{main}{permalink}</main>{foot}");
        match self.published {
            true => policy::enforce(&page),
            // Pages that load themselves anew talk to the server by WebSocket, and show translators what they have to.
            false => Ok(page),
        }
    }

    /// The page's copy that stays as it is, for who cites it.
    fn permalink(&self, below: &Path) -> String {
        let (Some(release), Some(book)) = (self.release, &self.site.addresses.site) else {
            return String::new();
        };
        format!(
            "<p class=\"permalink\"><a href=\"{}\">{}</a></p>",
            escaped(&format!(
                "{book}{RELEASES}/{release}/{}/{}",
                self.interface.language().code,
                address(below)
            )),
            escaped(&self.interface.fill(PERMALINK, &[("version", release)]))
        )
    }

    /// Tells readers of a draft what they have, in its language and in that of the source.
    fn notice(&self, progress: &Progress, below: &Path) -> String {
        let english = Interface::new(self.site.source_language().clone(), None);
        let up = "../".repeat(below.components().count().saturating_sub(1));
        let (page, section) = TRANSLATIONS;
        let sentence = |interface: &Interface| {
            let language = interface.language();
            let number = |count: usize| whole(count as f64, language);
            let text = interface.fill(
                DRAFT,
                &[
                    ("translated", &number(progress.count.translated)),
                    ("count", &number(progress.count.messages())),
                ],
            );
            let help = match self.helped {
                true => format!(
                    " <a href=\"{up}{page}#{section}\">{}</a>",
                    escaped(&interface.text("How to help"))
                ),
                false => String::new(),
            };
            format!("{}{help}", escaped(&text))
        };
        let own = match self.interface.is_translated(DRAFT) {
            true => format!("<p>{}</p>", sentence(self.interface)),
            false => String::new(),
        };
        let source = escaped(&english.language().code);
        let there = sentence(&english);
        format!("<aside class=\"draft\" role=\"note\">{own}<p lang=\"{source}\" dir=\"ltr\">{there}</p></aside>\n")
    }
}

/// A script of the theme without lines of comment and without indentation. They have no text over several lines in which either would matter.
fn light_script(script: &str) -> String {
    let lines = script
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The same of a style sheet.
fn light_style(style: &str) -> String {
    let mut light = String::with_capacity(style.len());
    let mut rest = style;
    while let Some((before, comment)) = rest.split_once("/*") {
        light.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    light.push_str(rest);
    let lines = light.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| format!("{line}\n")).collect()
}

fn rewrite(path: &Path, change: impl FnOnce(&str) -> Result<String>) -> Result<()> {
    let in_file = || format!("in {}", path.display());
    let text = std::fs::read_to_string(path).with_context(in_file)?;
    let changed = change(&text).with_context(in_file)?;
    if changed != text {
        std::fs::write(path, changed).with_context(in_file)?;
    }
    Ok(())
}

/// Asks search engines to leave a page out.
fn without_index(head: &str) -> Result<String> {
    const META: &str = "<meta name=\"robots\" content=\"noindex\">";
    if head.contains(META) {
        return Ok(head.to_owned());
    }
    ensure!(head.contains("</head>"), "a page without </head>");
    Ok(head.replacen("</head>", &format!("{META}\n</head>"), 1))
}

/// How a string of the template stands in a page.
fn forms(text: &str) -> [String; 4] {
    [
        format!(">{text}<"),
        format!(" title=\"{text}\""),
        format!(" aria-label=\"{text}\""),
        format!(" placeholder=\"{text}\""),
    ]
}

fn translate_template(page: &str, interface: &Interface) -> String {
    let mut page = page.to_owned();
    for english in TEMPLATE {
        let translated = interface.text(english);
        if translated != *english {
            let translated = translated.replace('"', "&quot;");
            for (from, to) in forms(english).into_iter().zip(forms(&translated)) {
                page = page.replace(&from, &to);
            }
        }
    }
    page
}

fn translate_alerts(main: &str, interface: &Interface) -> String {
    const TITLE: &str = "<p class=\"blockquote-tag-title\">";
    let mut pieces = main.split(TITLE);
    let mut translated = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        translated.push_str(TITLE);
        let (title, rest) = piece.split_once("</p>").unwrap_or((piece, ""));
        let icon = title.rfind('>').map_or(0, |at| at + 1);
        let word = title[icon..].trim();
        let word = ALERTS
            .iter()
            .find(|english| **english == word)
            .map_or_else(|| word.to_owned(), |english| interface.text(english));
        translated.push_str(&title[..icon]);
        translated.push_str(&escaped(&word));
        translated.push_str("</p>");
        translated.push_str(rest);
    }
    translated
}

fn finish_script(script: &str, interface: &Interface, name: &str) -> String {
    // It keeps pages out of the browser's cache for going back, and browsers are about to drop it.
    let mut script = script.replace("window.onunload = function() { };", "");
    for (_, english, form) in SCRIPTS.iter().filter(|(file, ..)| name.starts_with(file)) {
        let translated = interface
            .text(english)
            .replace('\\', "\\\\")
            .replace('\'', "\\'")
            .replace('"', "&quot;");
        script = script.replace(&form.replace('@', english), &form.replace('@', &translated));
    }
    script
}

/// How the search is called by a key; mdBook's template has this line for its own search only.
fn key_of_search(interface: &Interface) -> String {
    let text = interface.text("Press <kbd>S</kbd> or <kbd>/</kbd> to search in the book");
    format!("<p>{text}</p>")
}

/// The button of the search. Its script shows it, and takes its words and where the index lies from it.
fn search_button(interface: &Interface, up: &str) -> String {
    let label = |text: &'static str| escaped(&interface.text(text));
    format!(
        "<button id=\"book-search\" class=\"icon-button\" type=\"button\" hidden title=\"{search} (/)\" aria-label=\"{search}\" \
         aria-haspopup=\"dialog\" aria-keyshortcuts=\"/ s\" data-root=\"{up}\" data-elides=\"{elides}\" \
         data-placeholder=\"{placeholder}\" data-close=\"{close}\" data-none=\"{none}\" data-one=\"{one}\" \
         data-several=\"{several}\" data-unavailable=\"{unavailable}\"><svg viewBox=\"0 0 16 16\" aria-hidden=\"true\" \
         fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\" stroke-linecap=\"round\"><circle cx=\"6.5\" cy=\"6.5\" \
         r=\"5\"/><path d=\"M10.5 10.5 15 15\"/></svg></button>\n",
        search = label("Search"),
        elides = search::elides(interface.language()),
        placeholder = label("Search the book"),
        close = label("Close"),
        none = label("Nothing found for “{query}”."),
        one = label("{count} page found."),
        several = label("{count} pages found."),
        unavailable = label("The search cannot be loaded: it needs a web server, and a connection to it."),
    )
}

/// What scripts say to readers that stands nowhere in the page.
fn words(interface: &Interface) -> String {
    let words = serde_json::json!({
        "summary": interface.text("Answer"),
        "answer": interface.text("Your answer (it stays in this browser)"),
        "playground": interface.text("Run it in the Rust Playground, another site"),
    });
    format!("<meta name=\"book-words\" content=\"{}\">", escaped(&words.to_string()))
}

/// Where Python is that runs in the page, and what `theme/python.js` says of it.
fn python(pyodide: &Pyodide, interface: &Interface, up: &str) -> String {
    let words = serde_json::json!({
        "run": interface.text("Run it here, in this browser"),
        "loading": interface.text("Python is being loaded."),
        "running": interface.text("It is running."),
        "stop": interface.text("Stop it"),
        "ended": interface.text("It has ended without an error."),
        "failed": interface.text("It has ended with an error."),
        "stopped": interface.text("It was stopped."),
        "unavailable": interface.text("Python cannot be loaded: it needs a web server, and a connection to it."),
        "licences": interface.text("Licences"),
        "about": interface.text(
            "Python {python} in WebAssembly, by Pyodide {pyodide}. Its event loop is the browser's, and its times are not those of the book."
        ),
    });
    format!(
        "<meta name=\"book-python\" content=\"{}\" data-words=\"{}\">",
        escaped(&pyodide.address(up)),
        escaped(&words.to_string())
    )
}

/// Names the worker that keeps the edition; `theme/offline.js` registers it.
fn worker(up: &str) -> String {
    format!("<meta name=\"book-worker\" content=\"{up}{}\">", offline::WORKER)
}

/// Links to the same page in every language. They work without scripts; `languages.js` adds the section and remembers the choice.
fn picker(site: &Site, interface: &Interface, below: &Path) -> String {
    let depth = below.components().count().saturating_sub(1);
    let path = address(below);
    let links: Vec<String> = site
        .languages
        .iter()
        .map(|language| {
            let (code, name) = (escaped(&language.code), escaped(&language.name));
            let mut short = code.to_uppercase();
            let mut name = name;
            if language.is_draft() {
                let draft = escaped(&interface.text("draft"));
                // In the language of the page, not in that of the link.
                let reader = escaped(&interface.language().code);
                short.push_str(&format!(" <small lang=\"{reader}\">{draft}</small>"));
                name.push_str(&format!(" ({draft})"));
            }
            if language.code == interface.language().code {
                format!("<span lang=\"{code}\" title=\"{name}\" aria-current=\"true\">{short}</span>")
            } else {
                let up = "../".repeat(depth + 1);
                // What is said begins with what is seen.
                let label = code.to_uppercase();
                format!(
                    "<a lang=\"{code}\" title=\"{name}\" aria-label=\"{label} {name}\" data-language=\"{code}\" \
                     href=\"{up}{code}/{path}\">{short}</a>"
                )
            }
        })
        .collect();
    format!(
        "<nav class=\"languages\" aria-label=\"{}\">{}</nav>\n",
        escaped(&interface.text("Language")),
        links.join(" ")
    )
}

/// A relative path as part of an address.
fn address(path: &Path) -> String {
    let parts: Vec<String> = path
        .components()
        .filter_map(|part| match part {
            Component::Normal(part) => Some(part.to_string_lossy().replace('%', "%25").replace(' ', "%20")),
            _ => None,
        })
        .collect();
    escaped(&parts.join("/"))
}

/// The page at the root. It needs no script to choose an edition; with one, it goes on to the edition chosen last, or to the one that
/// the browser's languages ask for; nobody is sent to a draft who did not choose it. `#choose` keeps it.
pub(crate) fn index(site: &Site, interfaces: &[Interface]) -> Result<String> {
    let source = site.source_language();
    let title = site.config.book.title.as_deref().unwrap_or_default();
    let link = |interface: &Interface| {
        let Language { code, name, .. } = interface.language();
        let (code, mut name, title) = (escaped(code), escaped(name), escaped(&interface.label(title)));
        if interface.language().is_draft() {
            name.push_str(&format!(" ({})", escaped(&interface.text("draft"))));
        }
        format!(
            "<li lang=\"{code}\"><a href=\"{code}/index.html\" data-language=\"{code}\"><cite>{title}</cite> {name}</a></li>"
        )
    };
    let links: Vec<String> = interfaces.iter().map(link).collect();
    let codes: Vec<&str> = site.languages.iter().map(|language| language.code.as_str()).collect();
    let codes = serde_json::to_string(&codes).expect("plain strings");
    let complete: Vec<&str> = site.complete().map(|language| language.code.as_str()).collect();
    let complete = serde_json::to_string(&complete).expect("plain strings");
    let page = format!(
        r##"<!DOCTYPE html>
<html lang="{lang}">
<head>
<meta charset="UTF-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<meta name="description" content="{description}">
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1.125rem/1.6 Georgia, serif; max-width: 36rem; margin: 20vh auto; padding: 0 1.25rem; }}
ul {{ list-style: none; padding: 0; }}
li {{ margin: 1.5rem 0; }}
cite {{ display: block; font-size: 1.5rem; line-height: 1.3; font-style: normal; }}
a {{ color: inherit; text-decoration: none; }}
a:hover, a:focus-visible {{ text-decoration: underline; text-underline-offset: 0.2em; }}
</style>
<script>
(() => {{
    const languages = {codes};
    const complete = {complete};
    let chosen = null;
    try {{ chosen = localStorage.getItem('book-language'); }} catch (e) {{ /* cookies are off */ }}
    const find = (list, wanted) => list.find(l => l === wanted) ?? list.find(l => l === wanted.split('-')[0]);
    const match = (chosen && find(languages, chosen))
        ?? navigator.languages.map(wanted => find(complete, wanted)).find(Boolean);
    if (location.hash !== '#choose') {{
        location.replace((match ?? '{lang}') + '/index.html');
    }}
    document.addEventListener('click', event => {{
        const language = event.target.closest?.('a[data-language]')?.dataset.language;
        try {{ if (language) localStorage.setItem('book-language', language); }} catch (e) {{ /* the same */ }}
    }});
}})();
</script>
</head>
<body>
<main>
<ul>
{links}
</ul>
</main>
</body>
</html>
"##,
        lang = escaped(&source.code),
        title = escaped(title),
        description = escaped(site.config.book.description.as_deref().unwrap_or_default()),
        links = links.join("\n"),
    );
    policy::enforce(&page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_writers_of_the_theme_does_not_travel() {
        let script = "'use strict';\n\n// Why.\n(() => {\n    // How.\n    go('//'); // stays\n})();\n";
        assert_eq!(
            light_script(script),
            "'use strict';\n(() => {\ngo('//'); // stays\n})();\n"
        );
        let style = "/* Why. */\na {\n    color: red; /* How. */\n}\n\n/* open";
        assert_eq!(light_style(style), "a {\ncolor: red;\n}\n");
    }
}
