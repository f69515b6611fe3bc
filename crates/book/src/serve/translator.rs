//! What translators at work get besides the pages: the entries of the catalog, which of them the last save changed, what the check found,
//! and a script and a style sheet that show all this on the page. None of it is in `book/`: the server adds it to what it sends.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::catalog::{Catalog, Entry, Finding};
use crate::gettext;
use crate::site::{Language, Site};

/// Below which the page finds what is not in the book.
pub(super) const FOLDER: &str = "__translate";

pub(super) const SCRIPT: &str = include_str!("translator.js");
pub(super) const STYLE: &str = include_str!("translator.css");

/// The catalogs that are being worked on, by the codes of their languages.
pub(super) struct Desk {
    catalogs: BTreeMap<String, Work>,
    /// The folder of the chapters, as catalogs name it.
    source_dir: PathBuf,
}

/// One catalog as the pages show it.
struct Work {
    /// `po/it.po`.
    path: PathBuf,
    language: String,
    shown: Catalog,
    /// When the pages were built, in milliseconds: later builds have larger numbers, those of another run of the server too.
    build: u64,
    /// Messages that the last build shows otherwise than the one before.
    changed: Vec<String>,
    /// `None` while the check is under way.
    mistakes: Option<Vec<Finding>>,
}

impl Desk {
    pub(super) fn new(site: &Site, languages: &[Language]) -> Desk {
        let work = |language: &Language| {
            let work = Work {
                path: site.relative(&site.catalog_path(language)),
                language: language.name.clone(),
                shown: Catalog::default(),
                build: 0,
                changed: Vec::new(),
                mistakes: None,
            };
            (language.code.clone(), work)
        };
        Desk {
            catalogs: languages.iter().map(work).collect(),
            source_dir: site.relative(&site.source_dir()),
        }
    }

    /// Takes note of pages built from this catalog, and gives the number of the build.
    pub(super) fn built(&mut self, code: &str, catalog: Catalog) -> Option<u64> {
        let work = self.catalogs.get_mut(code)?;
        work.changed = match work.build {
            0 => Vec::new(),
            _ => changed(&work.shown, &catalog),
        };
        work.shown = catalog;
        work.mistakes = None;
        #[expect(
            clippy::disallowed_methods,
            reason = "numbers of builds have to grow when the server is started again"
        )]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        work.build = now.max(work.build.saturating_add(1));
        Some(work.build)
    }

    /// Takes note of what the check found in the catalog as it is `now`, unless that is no longer the one which the pages of this build
    /// show: its lines may be others. Says whether it did.
    pub(super) fn checked(&mut self, code: &str, build: u64, now: Option<&Catalog>, mistakes: Vec<Finding>) -> bool {
        let Some(work) = self.catalogs.get_mut(code) else {
            return false;
        };
        let is_shown = work.build == build && now == Some(&work.shown);
        if is_shown {
            work.mistakes = Some(mistakes);
        }
        is_shown
    }

    /// Takes note that there are no new pages, so that nobody waits for their check.
    pub(super) fn failed(&mut self) {
        for work in self.catalogs.values_mut() {
            work.mistakes.get_or_insert_default();
        }
    }

    /// What goes into the head of the page at this address, such as `/it/index.html`, if its language is at work. A page that was read
    /// while a later build came to its end finds out by the number.
    pub(super) fn head(&self, address: &str) -> Option<String> {
        let (code, _) = address.strip_prefix('/')?.split_once('/')?;
        let build = self.catalogs.get(code)?.build;
        Some(format!(
            "<link rel=\"stylesheet\" href=\"/{FOLDER}/translator.css\">\n\
             <script src=\"/{FOLDER}/translator.js\" data-language=\"{code}\" data-build=\"{build}\" defer></script>\n"
        ))
    }

    /// Where to look at the entry on this line of a catalog. `now` is the catalog as it is, where it can be read: a build that failed has
    /// left the pages as they were, with the lines of that time.
    pub(super) fn address(&self, path: &Path, line: usize, now: impl Fn(&str) -> Option<Catalog>) -> Option<String> {
        let (code, work) = self.catalogs.iter().find(|(_, work)| work.path == path)?;
        let shown = match now(code) {
            Some(now) => work.shown.get(&entry_at(&now, line)?.msgid)?,
            // Above the first mistake lines have not moved.
            None => entry_at(&work.shown, line)?,
        };
        let page = self.pages(shown).into_iter().next()?;
        Some(format!("/{code}/{page}#entry={}", shown.line))
    }

    /// The state of a catalog for the script, as JSON.
    pub(super) fn json(&self, code: &str) -> Option<String> {
        #[derive(Serialize)]
        struct Shown<'a> {
            language: &'a str,
            catalog: String,
            build: u64,
            checked: bool,
            entries: Vec<ShownEntry<'a>>,
        }
        #[derive(Serialize)]
        struct ShownEntry<'a> {
            line: usize,
            state: &'static str,
            changed: bool,
            msgid: &'a str,
            previous: Option<&'a str>,
            comments: Vec<&'a str>,
            sources: &'a [String],
            pages: Vec<String>,
            mistakes: Vec<ShownMistake<'a>>,
        }
        #[derive(Serialize)]
        struct ShownMistake<'a> {
            /// `error` or `warning`.
            severity: &'static str,
            line: usize,
            message: &'a str,
            help: &'a str,
        }
        let work = self.catalogs.get(code)?;
        let mut mistakes: HashMap<usize, Vec<ShownMistake>> = HashMap::new();
        for finding in work.mistakes.iter().flatten() {
            let mistake = &finding.diagnostic;
            if let Some(entry) = entry_at(&work.shown, mistake.line) {
                mistakes.entry(entry.line).or_default().push(ShownMistake {
                    severity: finding.severity.name(),
                    line: mistake.line,
                    message: &mistake.message,
                    help: &mistake.help,
                });
            }
        }
        let entries = work.shown.entries.iter().filter(|entry| !entry.obsolete);
        let shown = Shown {
            language: &work.language,
            catalog: work.path.display().to_string(),
            build: work.build,
            checked: work.mistakes.is_some(),
            entries: entries
                .map(|entry| ShownEntry {
                    line: entry.line,
                    state: gettext::state(Some(entry)),
                    changed: work.changed.contains(&entry.msgid),
                    msgid: &entry.msgid,
                    previous: entry.previous.as_deref(),
                    comments: entry.comments.iter().chain(&entry.notes).map(String::as_str).collect(),
                    sources: &entry.sources,
                    pages: self.pages(entry),
                    mistakes: mistakes.remove(&entry.line).unwrap_or_default(),
                })
                .collect(),
        };
        Some(serde_json::to_string(&shown).expect("plain strings and numbers"))
    }

    /// The pages that a message stands on, below the edition's folder.
    fn pages(&self, entry: &Entry) -> Vec<String> {
        let page = |source: &String| {
            let path = Path::new(source).strip_prefix(&self.source_dir).ok()?;
            // The table of contents is on all pages and has none of its own.
            let page = path.to_str()?.strip_suffix(".md").filter(|page| *page != "SUMMARY")?;
            Some(format!("{page}.html"))
        };
        entry.sources.iter().filter_map(page).collect()
    }
}

/// Messages whose translation readers see in another way than before, in the order of the catalog.
fn changed(before: &Catalog, after: &Catalog) -> Vec<String> {
    let before: HashMap<&str, &Entry> = before
        .entries
        .iter()
        .filter(|entry| !entry.obsolete)
        .map(|entry| (entry.msgid.as_str(), entry))
        .collect();
    let is_changed = |entry: &&Entry| match before.get(entry.msgid.as_str()) {
        Some(before) => before.msgstr != entry.msgstr || before.is_fuzzy() != entry.is_fuzzy(),
        None => !entry.msgstr.is_empty(),
    };
    after
        .entries
        .iter()
        .filter(|entry| !entry.obsolete)
        .filter(is_changed)
        .map(|entry| entry.msgid.clone())
        .collect()
}

/// The entry that a line of the file belongs to: mistakes are named by the line of a `msgid` or by one of its `msgstr`.
fn entry_at(catalog: &Catalog, line: usize) -> Option<&Entry> {
    catalog
        .entries
        .iter()
        .filter(|entry| !entry.obsolete && entry.line <= line)
        .max_by_key(|entry| entry.line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostic;

    const BEFORE: &str = "msgid \"\"\nmsgstr \"Language: it\\n\"\n\n#: src/a.md\nmsgid \"One\"\nmsgstr \"Uno\"\n\n\
                          #. a pun\n#: src/b/c.md\nmsgid \"Two\"\nmsgstr \"\"\n\n#: src/SUMMARY.md\n#, fuzzy\n#| msgid \"Tree\"\nmsgid \"Three\"\nmsgstr \"Tre\"\n";

    fn parse(text: &str) -> Catalog {
        Catalog::parse(text, Path::new("po/it.po")).unwrap()
    }

    fn desk() -> Desk {
        let work = Work {
            path: PathBuf::from("po/it.po"),
            language: "Italiano".to_owned(),
            shown: Catalog::default(),
            build: 0,
            changed: Vec::new(),
            mistakes: None,
        };
        Desk {
            catalogs: BTreeMap::from([("it".to_owned(), work)]),
            source_dir: PathBuf::from("src"),
        }
    }

    fn state(desk: &Desk) -> serde_json::Value {
        serde_json::from_str(&desk.json("it").unwrap()).unwrap()
    }

    #[test]
    fn what_a_save_changed_is_told_and_nothing_else() {
        let mut desk = desk();
        assert_eq!(desk.built("de", parse(BEFORE)), None);
        let first = desk.built("it", parse(BEFORE)).unwrap();
        assert!(
            state(&desk)["entries"]
                .as_array()
                .unwrap()
                .iter()
                .all(|e| e["changed"] == false)
        );
        // A line more above moves the entries; only the one that was written changed.
        let after =
            BEFORE
                .replacen("#. a pun", "# mine\n#. a pun", 1)
                .replacen("msgstr \"\"\n\n#", "msgstr \"Due\"\n\n#", 1);
        let second = desk.built("it", parse(&after)).unwrap();
        assert!(second > first);
        let state = state(&desk);
        let seen: Vec<_> = state["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| {
                (
                    e["msgid"].as_str().unwrap(),
                    e["line"].as_u64().unwrap(),
                    e["changed"] == true,
                )
            })
            .collect();
        assert_eq!(seen, [("One", 5, false), ("Two", 11, true), ("Three", 17, false)]);
        assert_eq!(state["entries"][1]["pages"], serde_json::json!(["b/c.html"]));
        assert_eq!(state["entries"][1]["comments"], serde_json::json!(["a pun", "mine"]));
        assert_eq!(state["entries"][2]["pages"], serde_json::json!([]));
        assert_eq!(state["entries"][2]["state"], "fuzzy");
        assert_eq!(state["entries"][2]["previous"], "Tree");
        // To take the mark off is a change too: readers see the translation now.
        desk.built("it", parse(&after.replace("#, fuzzy\n#| msgid \"Tree\"\n", "")))
            .unwrap();
        assert_eq!(desk.catalogs["it"].changed, ["Three"]);
    }

    #[test]
    fn what_the_check_found_stands_with_its_entry() {
        let mut desk = desk();
        let first = desk.built("it", parse(BEFORE)).unwrap();
        assert_eq!(state(&desk)["checked"], false);
        let diagnostic = || Diagnostic::new("po/it.po", 11, "no translation", "write it");
        let mistake = || vec![Finding::error("missing", diagnostic())];
        assert!(!desk.checked("it", first, Some(&parse(&format!("# x\n{BEFORE}"))), mistake()));
        assert!(!desk.checked("it", first, None, mistake()));
        assert!(desk.checked("it", first, Some(&parse(BEFORE)), mistake()));
        let found = state(&desk);
        assert_eq!(found["checked"], true);
        assert_eq!(found["entries"][1]["mistakes"][0]["severity"], "error");
        assert_eq!(found["entries"][0]["mistakes"], serde_json::json!([]));
        assert_eq!(found["entries"][1]["mistakes"][0]["message"], "no translation");
        // Of a catalog that is no longer shown nothing is said.
        desk.built("it", parse(BEFORE)).unwrap();
        assert!(!desk.checked("it", first, Some(&parse(BEFORE)), mistake()));
        assert_eq!(state(&desk)["checked"], false);
        desk.failed();
        assert_eq!(state(&desk)["checked"], true);
    }

    #[test]
    fn a_mistake_leads_to_the_page_as_it_is_shown() {
        let mut desk = desk();
        desk.built("it", parse(BEFORE)).unwrap();
        let address = |path: &str, line, now: Option<&str>| {
            desk.address(Path::new(path), line, |code| {
                assert_eq!(code, "it");
                now.map(parse)
            })
        };
        // Its msgid is on line 12 now, and was on line 10 when the page was built.
        let now = format!("# x\n# y\n{BEFORE}");
        assert_eq!(address("po/it.po", 13, Some(&now)).unwrap(), "/it/b/c.html#entry=10");
        assert_eq!(address("po/it.po", 6, None).unwrap(), "/it/a.html#entry=5");
        for (path, line) in [("po/de.po", 6), ("po/it.po", 2), ("po/it.po", 16), ("src/a.md", 6)] {
            assert_eq!(address(path, line, None), None, "{path}:{line}");
        }
        let build = desk.catalogs["it"].build;
        let head = desk.head("/it/b/c.html").unwrap();
        assert!(
            head.contains(&format!("data-language=\"it\" data-build=\"{build}\"")),
            "{head}"
        );
        assert_eq!(desk.head("/en/b/c.html"), None);
        assert_eq!(desk.head("/it"), None);
    }
}
