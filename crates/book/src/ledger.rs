//! `{{#ledger}}`: what others claim, and what this book found of it, from `ledger.toml` at the root of the project. That file says how
//! its entries are written.
//!
//! ```text
//! ledger   ledger.toml, and the chapters that it names    --> Ledger; its texts, for the catalogs
//! check    Ledger against chapters, programs and results  --> Diagnostics
//! page     Ledger                                         --> HTML
//! ```
//!
//! A verdict names what gives it. Where that is a claim of a chapter, the claim has to stand there, so that whoever changes or drops it
//! meets the verdict that leans on it.

mod check;
mod page;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::cited::{Reference, Sources};
use crate::diagnostic::{Diagnostic, Diagnostics, line_of};
use crate::site::Site;

pub use page::render;

/// The directive.
pub const NAME: &str = "ledger";

/// Below the root, as messages show it.
pub const FILE: &str = "ledger.toml";

/// All claims that the book examines, and the systems they name.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// The file, for the lines of what is wrong in it.
    text: String,
    /// Where the chapters are, as messages show it.
    source_dir: String,
    series: BTreeMap<String, Spanned<Series>>,
    /// In the order of the series and their numbers.
    rows: Vec<Row>,
    systems: Vec<Spanned<System>>,
    /// The texts of the chapters that rows name, by their file.
    chapters: BTreeMap<String, String>,
}

/// Claims of one origin, numbered from 1: A1, A2, ...
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Series {
    /// How many.
    claims: u32,
    /// Who makes them, where that is one for all.
    source: Option<String>,
}

/// One claim with its place in the file.
#[derive(Debug, Clone)]
struct Row {
    id: String,
    offset: usize,
    claim: Claim,
}

/// A claim as the file has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claim {
    /// Markdown, in our words.
    claim: String,
    source: Option<String>,
    /// An address without its scheme.
    #[serde(rename = "where")]
    address: Option<String>,
    year: Option<u16>,
    verdict: Option<Verdict>,
    /// Under which it holds.
    condition: Option<String>,
    /// What contradicts it, or keeps it from being tested.
    why: Option<String>,
    /// Titles of chapters that are going to examine it.
    #[serde(default)]
    planned: Vec<String>,
    /// `FILE.md#anchor`
    #[serde(default)]
    chapters: Vec<Spanned<String>>,
    /// Reference and condition of a claim that one of the chapters makes.
    #[serde(default)]
    checks: Vec<Spanned<String>>,
    #[serde(default)]
    programs: Vec<Spanned<String>>,
    /// Anchors of sections whose snippets assert it.
    #[serde(default)]
    snippets: Vec<Spanned<String>>,
    #[serde(default)]
    citations: Vec<Citation>,
}

/// What somebody else states.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Citation {
    /// An address without its scheme.
    #[serde(rename = "where")]
    address: Spanned<String>,
    states: String,
}

/// A program, library or service that the claims are about.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct System {
    name: String,
    #[serde(default)]
    programs: Vec<Spanned<String>>,
    #[serde(default)]
    planned: Vec<String>,
    /// Why nothing here runs it.
    why: Option<String>,
}

/// What the book found of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Holds,
    HoldsWithCondition,
    Contradicted,
    NotTestableHere,
}

/// A verdict that leans on a claim of a chapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Leaning {
    /// Of the ledger: `B3`.
    pub id: String,
    pub verdict: Verdict,
    /// Of [`FILE`].
    pub line: usize,
}

impl Verdict {
    const ALL: [Verdict; 4] = [
        Verdict::Holds,
        Verdict::HoldsWithCondition,
        Verdict::Contradicted,
        Verdict::NotTestableHere,
    ];

    /// As readers see it; a string of the interface.
    fn words(self) -> &'static str {
        match self {
            Verdict::Holds => "holds",
            Verdict::HoldsWithCondition => "holds, with a condition",
            Verdict::Contradicted => "contradicted",
            Verdict::NotTestableHere => "not testable here",
        }
    }

    /// As the file and the style sheet have it.
    fn name(self) -> &'static str {
        match self {
            Verdict::Holds => "holds",
            Verdict::HoldsWithCondition => "holds-with-condition",
            Verdict::Contradicted => "contradicted",
            Verdict::NotTestableHere => "not-testable-here",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.words())
    }
}

impl Ledger {
    /// Reads `ledger.toml` and the chapters that it names; a project without one has no ledger.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read; what is wrong with its form comes as [`Diagnostics`].
    pub fn open(site: &Site) -> Result<Ledger> {
        let path = site.root.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Ledger::default()),
            text => text.with_context(|| format!("cannot read {}", path.display()))?,
        };
        let source_dir = site.source_dir();
        let shown = site.relative(&source_dir).display().to_string();
        // A chapter that is not there is told with the line that names it.
        Ok(Ledger::parse(&text, &shown, |file| {
            std::fs::read_to_string(source_dir.join(file)).ok()
        })?)
    }

    /// `chapter` gives the text of a chapter; `source_dir` is its folder, as messages show it.
    fn parse(text: &str, source_dir: &str, chapter: impl Fn(&str) -> Option<String>) -> Result<Ledger, Diagnostics> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            #[serde(default)]
            series: BTreeMap<String, Spanned<Series>>,
            #[serde(default, rename = "claim")]
            claims: BTreeMap<Spanned<String>, Claim>,
            #[serde(default, rename = "system")]
            systems: Vec<Spanned<System>>,
        }
        let file: File = toml::from_str(text).map_err(|error: toml::de::Error| {
            let offset = error.span().map_or(0, |span| span.start);
            let message = error.message().to_owned();
            let help = "the head of this file says which entries there are and what they hold";
            Diagnostics(vec![Diagnostic::at(Path::new(FILE), text, offset, message, help)])
        })?;
        let mut rows: Vec<Row> = file
            .claims
            .into_iter()
            .map(|(id, claim)| Row {
                offset: id.span().start,
                id: id.into_inner(),
                claim,
            })
            .collect();
        rows.sort_by_cached_key(|row| match split(&row.id) {
            Some((series, number)) => (series.to_owned(), number),
            None => (row.id.clone(), 0),
        });
        let named = rows
            .iter()
            .flat_map(|row| &row.claim.chapters)
            .map(|link| split_link(link.get_ref()).0);
        let chapters = named
            .filter_map(|file| Some((file.to_owned(), chapter(file)?)))
            .collect();
        Ok(Ledger {
            text: text.to_owned(),
            source_dir: source_dir.to_owned(),
            series: file.series,
            rows,
            systems: file.systems,
            chapters,
        })
    }

    /// All texts of it that are translated, in its order, each with what translators are told.
    pub fn texts(&self) -> Vec<(&str, &'static str)> {
        let mut texts: Vec<(&str, &'static str)> = Vec::new();
        let series = self
            .series
            .values()
            .filter_map(|series| series.get_ref().source.as_deref());
        texts.extend(series.map(|source| (source, SOURCE)));
        for Row { claim, .. } in &self.rows {
            texts.push((&claim.claim, "a claim of others, in our words; its figures are theirs"));
            texts.extend(claim.source.iter().map(|source| (source.as_str(), SOURCE)));
            texts.extend(
                claim
                    .condition
                    .iter()
                    .map(|text| (text.as_str(), "the condition under which a claim holds")),
            );
            texts.extend(
                claim
                    .why
                    .iter()
                    .map(|text| (text.as_str(), "why a claim got its verdict")),
            );
            let cited = claim.citations.iter();
            texts.extend(cited.map(|citation| (citation.states.as_str(), "what a source states")));
            texts.extend(claim.planned.iter().map(|title| (title.as_str(), PLANNED)));
        }
        for system in self.systems.iter().map(Spanned::get_ref) {
            texts.push((&system.name, "a system that the claims name"));
            texts.extend(
                system
                    .why
                    .iter()
                    .map(|text| (text.as_str(), "why no program of the book runs a system")),
            );
            texts.extend(system.planned.iter().map(|title| (title.as_str(), PLANNED)));
        }
        texts
    }

    /// The verdicts that lean on a claim of a chapter, which is named by its path as messages show it.
    pub(crate) fn leaning_on(&self, chapter: &Path, reference: &str, condition: &str) -> Vec<Leaning> {
        let head = format!("{reference} {condition}");
        let names = |link: &str| Path::new(&self.source_dir).join(split_link(link).0) == chapter;
        self.rows
            .iter()
            .filter(|row| row.claim.chapters.iter().any(|link| names(link.get_ref())))
            .filter_map(|row| {
                let check = row.claim.checks.iter().find(|check| normal(check.get_ref()) == head)?;
                Some(Leaning {
                    id: row.id.clone(),
                    verdict: row.claim.verdict?,
                    line: line_of(&self.text, check.span().start),
                })
            })
            .collect()
    }

    /// Who makes a claim: what its own entry says, or its series, or the figures cited under its name.
    fn source<'a>(&'a self, row: &'a Row, sources: &'a Sources) -> Option<Reference<'a>> {
        let of_series = || {
            let (series, _) = split(&row.id)?;
            self.series.get(series)?.get_ref().source.as_deref()
        };
        let own = |source| Reference {
            source,
            address: row.claim.address.as_deref(),
            year: row.claim.year,
        };
        match row.claim.source.as_deref().or_else(of_series) {
            Some(source) => Some(own(source)),
            None => sources.reference(&row.id),
        }
    }
}

const SOURCE: &str = "who makes a claim";
const PLANNED: &str = "title of a chapter that is to be written";

/// `A12` as series and number. Leading zeros would make two names of one claim.
fn split(id: &str) -> Option<(&str, u32)> {
    let at = id.find(|c: char| c.is_ascii_digit())?;
    let (series, digits) = id.split_at(at);
    let number: u32 = digits.parse().ok()?;
    (!series.is_empty() && number.to_string() == digits).then_some((series, number))
}

/// `waiting.md#claims` as file and anchor, which may be empty.
fn split_link(link: &str) -> (&str, &str) {
    link.split_once('#').unwrap_or((link, ""))
}

/// The head of a claim as a chapter's directive has it, however its blanks are written.
fn normal(check: &str) -> String {
    check.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use crate::fixture;
    use crate::interface::Interface;
    use crate::measurements::{self, Context};

    const LEDGER: &str = r#"
[series]
A = { claims = 2, source = "an essay" }
C = { claims = 8 }

[claim.A2]
claim = "The `await` is free."
verdict = "contradicted"
why = "It costs *something*."
chapters = ["a.md#fig-echo-cpu", "a.md#snippets"]
checks = ["echo.asyncio/tokio.cpu   >=3"]
snippets = ["snippets"]
programs = ["examples/naps/main.py"]
citations = [{ where = "peps.python.org/pep-0492", states = "What it is." }]

[claim.A1]
claim = "Threads are dear."
planned = ["The price of a thread"]

[claim.C8]
claim = "Faster than Go."
verdict = "holds-with-condition"
condition = "With one thread."
chapters = ["a.md#b"]
checks = ["echo.uvloop/tokio.cpu <=2"]

[[system]]
name = "Starlette"
programs = ["examples/naps/main.py"]

[[system]]
name = "Go"
planned = ["TCP servers"]

[[system]]
name = "PHP"
why = "It is *described* only."
"#;

    const CHAPTER: &str = "# The `await` {#a}\n\n{{#figure echo cpu}}CPU.{{/figure}}\n\n\
        {{#claim echo.asyncio/tokio.cpu >=3}}at least three{{/claim}}\n\n## B {#b}\n\n\
        {{#claim echo.uvloop/tokio.cpu <=2}}twice{{/claim}}\n\n```text\nno snippet\n```\n\n## Snippets {#snippets}\n\n\
        ### Deeper {#deeper}\n\n```python\nassert True\n```\n\n## Last {#last}\n\n```rust,ignore\nloop {}\n```\n";

    fn parse(text: &str) -> Result<Ledger, Diagnostics> {
        Ledger::parse(text, "src", |file| (file == "a.md").then(|| CHAPTER.to_owned()))
    }

    fn context(ledger: &str, interface: Interface) -> Context {
        let mut context = fixture::context(interface);
        context.ledger = Arc::new(parse(ledger).unwrap());
        context.root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        context
    }

    /// What is wrong once a part of the ledger is replaced, as `LINE: MESSAGE (HELP)`.
    fn problems(from: &str, to: &str) -> Vec<String> {
        assert!(from.is_empty() || LEDGER.contains(from), "{from}");
        // C8 alone stands for its series.
        let sparse = "C = { claims = 8 }";
        let text = LEDGER.replacen(from, to, usize::from(!from.is_empty()));
        let context = context(&text, fixture::english());
        context
            .ledger
            .check(&context)
            .into_iter()
            .filter(|found| !(found.message.starts_with("series C") && text.contains(sparse)))
            .map(|found| format!("{}: {} ({})", found.line, found.message, found.help))
            .collect()
    }

    #[test]
    fn a_ledger_whose_evidence_is_there_has_no_problem() {
        assert_eq!(problems("", ""), [""; 0]);
    }

    /// The line of the ledger on which a part of it stands.
    fn line(part: &str) -> usize {
        let at = LEDGER
            .find(part)
            .unwrap_or_else(|| panic!("{part} is not in the ledger"));
        line_of(LEDGER, at)
    }

    #[test]
    fn what_is_missing_or_wrong_is_told_with_its_line() {
        let check = "checks = [\"echo.uvloop/tokio.cpu <=2\"]";
        let (condition, why) = ("condition = \"With one thread.\"", "why = \"It costs *something*.\"");
        let (planned, chapter) = ("planned = [\"The price of a thread\"]", "chapters = [\"a.md#b\"]");
        let described = "why = \"It is *described* only.\"";
        // What is replaced, by what, on which line that shows, and what is said.
        let cases: &[(&str, &str, &str, &str)] = &[
            ("claims = 2,", "claims = 3,", "A = {", "no entry for A3"),
            (
                "claims = 8 }",
                "claims = 7 }",
                "[claim.C8]",
                "`C8` is no claim of a series",
            ),
            (
                "[claim.A1]",
                "[claim.A01]",
                "[claim.A1]",
                "`A01` is no claim of a series",
            ),
            (
                check,
                "#",
                "[claim.C8]",
                "nothing supports the verdict \"holds, with a condition\"",
            ),
            (
                "cpu <=2",
                "cpu <=3",
                check,
                "(of this value it claims `echo.uvloop/tokio.cpu <=2`)",
            ),
            (
                "uvloop/tokio.cpu <=2",
                "uvloop.cpu <=3us",
                check,
                "src/a.md does not make the claim `echo.uvloop.cpu",
            ),
            (condition, "#", "[claim.C8]", "`condition` do not go together"),
            (why, "#", "[claim.A2]", "says no reason"),
            (
                "verdict = \"contradicted\"",
                "#",
                "[claim.A2]",
                "has evidence and no verdict",
            ),
            (planned, "#", "[claim.A1]", "nothing says where it will be"),
            ("a.md#b", "a.md#c", chapter, "no anchor in src/a.md `c`"),
            ("a.md#b", "b.md#b", chapter, "no chapter src/b.md"),
            (chapter, "#", "[claim.C8]", "no chapter says how"),
            (
                "= [\"snippets\"]",
                "= [\"b\"]",
                "snippets = [",
                "no section `#b` of src/a.md",
            ),
            ("= [\"snippets\"]", "= [\"last\"]", "snippets = [", "no section `#last`"),
            (
                "naps/main.py",
                "naps/mian.py",
                "programs = [",
                "no program examples/naps/mian.py",
            ),
            (
                "examples/naps/main.py",
                "README.md",
                "programs = [",
                "no program README.md",
            ),
            (
                "peps.python",
                "https://peps.python",
                "citations = [",
                "without its scheme",
            ),
            (", source = \"an essay\"", "", "[claim.A2]", "A2 has no source"),
            (
                "name = \"Go\"",
                "name = \"Starlette\"",
                "name = \"Go\"",
                "`Starlette` is listed twice",
            ),
            (described, "#", "name = \"PHP\"", "nothing runs `PHP`"),
        ];
        for (from, to, on, expected) in cases {
            let found = problems(from, to);
            let line = line(on);
            // Tables of an array are told by their own line, before that of their name.
            let told = |found: &String| {
                let at = if on.starts_with("name") { line - 1 } else { line };
                found.starts_with(&format!("{at}: ")) && found.contains(expected)
            };
            assert!(found.iter().any(told), "{from} -> {to}, line {line}: {found:#?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        for (from, to, on) in [
            (
                "verdict = \"contradicted\"",
                "verdict = \"wrong\"",
                "verdict = \"contradicted\"",
            ),
            ("claim = \"Threads", "clam = \"Threads", "claim = \"Threads"),
            ("[claim.A1]", "[claim.A2]", "[claim.A1]"),
        ] {
            let Diagnostics(found) = parse(&LEDGER.replacen(from, to, 1)).unwrap_err();
            let at = (found[0].path.as_path(), found[0].line);
            assert_eq!(at, (Path::new(FILE), line(on)), "{found:?}");
        }
    }

    #[test]
    fn a_claim_shows_its_verdict_and_what_gives_it() {
        let context = context(LEDGER, fixture::english());
        let html = render("A", &context).unwrap();
        let place = |part: &str| html.find(part).unwrap_or_else(|| panic!("{part} in {html}"));
        assert!(place("id=\"ledger-a1\"") < place("id=\"ledger-a2\""));
        assert!(!html.contains("ledger-c8") && !html.contains("\n\n"), "{html}");
        for part in [
            "<span class=\"ledger-verdict ledger-open\">not examined yet</span>",
            "<cite>The price of a thread</cite>",
            "<span class=\"ledger-verdict ledger-contradicted\">contradicted</span>",
            "<p>The <code>await</code> is free.</p>",
            "<dd>It costs <em>something</em>.</dd>",
            "<dd>an essay</dd>",
            "<a href=\"a.html#fig-echo-cpu\">The await: figure</a>",
            "<a href=\"a.html#snippets\">The await: Snippets</a>",
            "<a href=\"a.html#fig-echo-cpu\"><code>echo.asyncio/tokio.cpu &gt;=3</code></a>: 4.0",
            "<code>examples/naps/main.py</code>",
            "What it is. (<a href=\"https://peps.python.org/pep-0492\">peps.python.org</a>)",
        ] {
            place(part);
        }
        // The source of figures that are cited is not written a second time.
        assert!(
            render("C", &context)
                .unwrap()
                .contains("MagicStack, <a href=\"https://magic.io\">magic.io</a>, 2016")
        );
        assert!(render("", &context).unwrap().contains("ledger-c8"));
        assert!(render("D", &context).unwrap_err().help.contains("`summary`"));
    }

    #[test]
    fn verdicts_are_counted_for_each_series() {
        let html = render("summary", &context(LEDGER, fixture::english())).unwrap();
        let row = |words: &str| {
            let row = html.lines().find(|line| line.contains(words)).unwrap();
            row.split("<td>")
                .skip(1)
                .map(|cell| cell.split('<').next().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(row(">contradicted<"), ["1", "0", "1"]);
        assert_eq!(row(">holds, with a condition<"), ["0", "1", "1"]);
        assert_eq!(row(">holds<"), ["0", "0", "0"]);
        assert_eq!(row(">not examined yet<"), ["1", "0", "1"]);
        assert_eq!(row(">Claims<"), ["2", "1", "3"]);
    }

    #[test]
    fn systems_say_where_they_run_or_why_not() {
        let html = render("systems", &context(LEDGER, fixture::english())).unwrap();
        for row in [
            "<tr><th scope=\"row\">Starlette</th><td><code>examples/naps/main.py</code></td></tr>",
            "<tr><th scope=\"row\">Go</th><td>not yet; planned for <cite>TCP servers</cite></td></tr>",
            "<tr><th scope=\"row\">PHP</th><td>It is <em>described</em> only.</td></tr>",
        ] {
            assert!(html.contains(row), "{html}");
        }
    }

    #[test]
    fn every_text_is_offered_to_translators_and_shown_translated() {
        let ledger = parse(LEDGER).unwrap();
        let texts: Vec<&str> = ledger.texts().iter().map(|(text, _)| *text).collect();
        let translations: Vec<(&str, &str)> = texts.iter().map(|text| (*text, "xyz")).collect();
        let catalog = crate::Catalog::from_pairs(&translations);
        let interface = Interface::new(fixture::italian().language().clone(), Some(&catalog));
        let context = context(LEDGER, interface);
        let shown = render("", &context).unwrap() + &render("systems", &context).unwrap();
        for english in texts {
            assert!(!shown.contains(&crate::figure::inline(english)), "{english} in {shown}");
        }
        // Three claims with a condition, a reason, a citation and two sources; a title; three systems with a title and a reason.
        assert_eq!(shown.matches("xyz").count(), 3 + 3 + 2 + 1 + 3 + 2);
    }

    #[test]
    fn the_directive_has_a_paragraph_of_its_own() {
        let context = context(LEDGER, fixture::english());
        let expand = |text: &str| measurements::expand(Path::new("src/l.md"), text, &context);
        let (page, found) = expand("Words.\n\n{{#ledger A}}\n\nMore.");
        assert!(found.is_empty() && page.contains("ledger-a2"), "{found:?}");
        assert!(expand("So {{#ledger A}}.").1[0].help.contains("paragraph of its own"));
    }

    #[test]
    fn verdicts_that_lean_on_a_claim_are_found() {
        let ledger = parse(LEDGER).unwrap();
        let leaning = |chapter: &str, condition: &str| {
            ledger.leaning_on(&PathBuf::from(chapter), "echo.asyncio/tokio.cpu", condition)
        };
        assert_eq!(
            leaning("src/a.md", ">=3"),
            [Leaning {
                id: "A2".into(),
                verdict: Verdict::Contradicted,
                line: 11
            }]
        );
        assert_eq!(leaning("src/b.md", ">=3"), []);
        assert_eq!(leaning("src/a.md", ">=4"), []);
    }

    /// The series are complete, and every verdict has its evidence.
    #[test]
    fn the_projects_own_ledger_is_whole() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let site = Site::open(&root).unwrap();
        let ledger = Ledger::open(&site).unwrap();
        let counts: Vec<(&str, u32)> = ledger
            .series
            .iter()
            .map(|(name, series)| (name.as_str(), series.get_ref().claims))
            .collect();
        assert_eq!(counts, [("A", 34), ("B", 15), ("C", 18)]);
        let ids: Vec<&str> = ledger.rows.iter().map(|row| row.id.as_str()).collect();
        let expected: Vec<String> = counts
            .iter()
            .flat_map(|(name, count)| (1..=*count).map(move |number| format!("{name}{number}")))
            .collect();
        assert_eq!(ids, expected);
    }
}
