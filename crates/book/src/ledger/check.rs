//! What is wrong in a ledger: entries that are missing or incomplete, and evidence that is not there.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use mdbook_markdown::pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Tag};
use mdbook_markdown::{MarkdownOptions, new_cmark_parser};
use toml::Spanned;

use super::{Claim, FILE, Ledger, Row, Verdict, normal, split, split_link};
use crate::diagnostic::Diagnostic;
use crate::directive;
use crate::measurements::{self, Context};
use crate::reference::Problem;

impl Ledger {
    /// Everything that keeps a reader from trusting a verdict, or from finding what gives it.
    pub fn check(&self, context: &Context) -> Vec<Diagnostic> {
        let mut checker = Checker {
            ledger: self,
            context,
            diagnostics: Vec::new(),
        };
        checker.series();
        for row in &self.rows {
            checker.form(row);
            checker.evidence(row);
        }
        checker.systems();
        checker.diagnostics.sort();
        checker.diagnostics
    }
}

struct Checker<'a> {
    ledger: &'a Ledger,
    context: &'a Context,
    diagnostics: Vec<Diagnostic>,
}

impl Checker<'_> {
    fn report(&mut self, offset: usize, message: impl Into<String>, help: impl Into<String>) {
        let text = &self.ledger.text;
        self.diagnostics
            .push(Diagnostic::at(Path::new(FILE), text, offset, message, help));
    }

    /// Every claim of every series is there, and no other.
    fn series(&mut self) {
        let ledger = self.ledger;
        let present: HashSet<&str> = ledger.rows.iter().map(|row| row.id.as_str()).collect();
        for (name, series) in &ledger.series {
            let count = series.get_ref().claims;
            let missing: Vec<String> = (1..=count)
                .map(|number| format!("{name}{number}"))
                .filter(|id| !present.contains(id.as_str()))
                .collect();
            if !missing.is_empty() {
                self.report(
                    series.span().start,
                    format!(
                        "series {name} has {count} claims, and no entry for {}",
                        missing.join(", ")
                    ),
                    "write `[claim.ID]` for each, without a verdict if it was not examined yet",
                );
            }
        }
        for row in &ledger.rows {
            let of_series = split(&row.id).is_some_and(|(series, number)| {
                let series = ledger.series.get(series).map(Spanned::get_ref);
                series.is_some_and(|series| (1..=series.claims).contains(&number))
            });
            if !of_series {
                let known: Vec<String> = ledger
                    .series
                    .iter()
                    .map(|(name, series)| format!("{name}1 to {name}{}", series.get_ref().claims))
                    .collect();
                self.report(
                    row.offset,
                    format!("`{}` is no claim of a series", row.id),
                    format!(
                        "there are {}; a new claim raises the number of its series",
                        known.join(", ")
                    ),
                );
            }
        }
    }

    /// An entry by itself: what a verdict needs, and what only a verdict may have.
    fn form(&mut self, row: &Row) {
        let Row { id, offset, claim } = row;
        let mut report = |message: String, help: &str| self.report(*offset, message, help);
        if claim.claim.trim().is_empty() {
            report(format!("{id} says nothing"), "write the claim, in your own words");
        }
        let has_support = has_support(claim);
        match claim.verdict {
            None => {
                if has_support || !claim.chapters.is_empty() || claim.condition.is_some() || claim.why.is_some() {
                    report(
                        format!("{id} has evidence and no verdict"),
                        "write `verdict`, or leave the rest out until the claim is examined",
                    );
                }
                if claim.planned.is_empty() {
                    report(
                        format!("{id} was not examined, and nothing says where it will be"),
                        "write `planned = [\"Title of a chapter\"]`, or a verdict with what gives it",
                    );
                }
            }
            Some(verdict) => {
                if !has_support {
                    report(
                        format!("{id}: nothing supports the verdict \"{verdict}\""),
                        "name what gives it: `checks` (claims that the chapter makes), `snippets`, `programs` or `citations`",
                    );
                }
                if claim.chapters.is_empty() {
                    report(
                        format!("{id}: no chapter says how the verdict \"{verdict}\" was reached"),
                        "write `chapters = [\"FILE.md#anchor\"]`",
                    );
                }
                let with_condition = verdict == Verdict::HoldsWithCondition;
                if with_condition != claim.condition.is_some() {
                    report(
                        format!("{id}: the verdict \"{verdict}\" and `condition` do not go together"),
                        "`holds-with-condition` names its condition, and no other verdict has one",
                    );
                }
                let needs_why = matches!(verdict, Verdict::Contradicted | Verdict::NotTestableHere);
                if needs_why && claim.why.is_none() {
                    report(
                        format!("{id}: the verdict \"{verdict}\" says no reason"),
                        "write in `why` what contradicts it, or keeps it from being tested",
                    );
                }
            }
        }
        if self.ledger.source(row, &self.context.sources).is_none() {
            self.report(
                *offset,
                format!("{id} has no source"),
                "write `source`, here or for the whole series, or a row of this name in sources.toml",
            );
        }
    }

    /// What an entry points at is there.
    fn evidence(&mut self, row: &Row) {
        let claim = &row.claim;
        for link in &claim.chapters {
            self.link(link);
        }
        for check in &claim.checks {
            self.claim_of_chapter(check, claim);
        }
        for anchor in &claim.snippets {
            let asserted = self.chapters(claim).any(|text| has_snippet(text, anchor.get_ref()));
            if !asserted {
                self.report(
                    anchor.span().start,
                    format!(
                        "no section `#{}` of {} holds a snippet that is run",
                        anchor.get_ref(),
                        self.named(claim)
                    ),
                    "name the section of a Python or Rust snippet by the `{#id}` of its heading",
                );
            }
        }
        self.programs(&claim.programs);
        let addresses = claim.citations.iter().map(|citation| &citation.address);
        for address in addresses {
            if address.get_ref().contains("://") || !address.get_ref().contains('.') {
                self.report(
                    address.span().start,
                    format!("`{}` is not an address without its scheme", address.get_ref()),
                    "write it as in `docs.python.org/3/library/asyncio.html`",
                );
            }
        }
    }

    fn link(&mut self, link: &Spanned<String>) {
        let (file, anchor) = split_link(link.get_ref());
        let start = link.span().start;
        let Some(text) = self.ledger.chapters.get(file) else {
            let message = format!("there is no chapter {}/{file}", self.ledger.source_dir);
            self.report(
                start,
                message,
                "write the file's name below that folder, then `#` and an anchor",
            );
            return;
        };
        let anchors = anchors(text, self.context);
        if !anchors.iter().any(|known| known == anchor) {
            let Problem { message, help } = Problem::unknown(
                &format!("anchor in {}/{file}", self.ledger.source_dir),
                anchor,
                anchors.iter().map(String::as_str),
            );
            self.report(start, message, help);
        }
    }

    /// A check is a claim that one of the entry's chapters makes, letter for letter.
    fn claim_of_chapter(&mut self, check: &Spanned<String>, claim: &Claim) {
        let head = normal(check.get_ref());
        let start = check.span().start;
        // Two anchors may be in one chapter, which may make a claim in two places.
        let made: BTreeSet<String> = self.chapters(claim).flat_map(claims).collect();
        if made.contains(&head) {
            // What is wrong with it is told where it stands.
            return;
        }
        let reference = head.split(' ').next().unwrap_or_default();
        let of_the_same: Vec<String> = made
            .iter()
            .filter(|other| other.split(' ').next() == Some(reference))
            .map(|other| format!("`{other}`"))
            .collect();
        let help = match of_the_same.as_slice() {
            [] => format!(
                "write `{{{{#claim {head}}}}}words{{{{/claim}}}}` there, or name a claim that is there; without one, the verdict goes"
            ),
            same => format!("of this value it claims {}", same.join(", ")),
        };
        let message = format!("{} does not make the claim `{head}`", self.named(claim));
        self.report(start, message, help);
    }

    fn systems(&mut self) {
        let mut seen = HashSet::new();
        for entry in &self.ledger.systems {
            let (system, start) = (entry.get_ref(), entry.span().start);
            if !seen.insert(&system.name) {
                self.report(
                    start,
                    format!("`{}` is listed twice", system.name),
                    "remove one of the two",
                );
            }
            if system.programs.is_empty() && system.planned.is_empty() && system.why.is_none() {
                self.report(
                    start,
                    format!("nothing runs `{}`, and nothing says why", system.name),
                    "write `programs`, `planned = [\"Title of a chapter\"]` or `why`",
                );
            }
            self.programs(&system.programs);
        }
    }

    fn programs(&mut self, programs: &[Spanned<String>]) {
        for program in programs {
            let path = program.get_ref();
            if !path.starts_with("examples/") || !self.context.root.join(path).is_file() {
                self.report(
                    program.span().start,
                    format!("there is no program {path}"),
                    "name a file below examples/, as in `examples/naps/main.py`",
                );
            }
        }
    }

    /// The texts of the chapters of an entry that are there.
    fn chapters<'c>(&'c self, claim: &'c Claim) -> impl Iterator<Item = &'c str> {
        let files = claim.chapters.iter().map(|link| split_link(link.get_ref()).0);
        files.filter_map(|file| self.ledger.chapters.get(file).map(String::as_str))
    }

    /// The chapters of an entry, for messages.
    fn named(&self, claim: &Claim) -> String {
        let mut files: Vec<String> = claim
            .chapters
            .iter()
            .map(|link| format!("{}/{}", self.ledger.source_dir, split_link(link.get_ref()).0))
            .collect();
        files.dedup();
        match files.is_empty() {
            true => "no chapter, since none is named,".to_owned(),
            false => files.join(" or "),
        }
    }
}

fn has_support(claim: &Claim) -> bool {
    !(claim.checks.is_empty() && claim.programs.is_empty() && claim.snippets.is_empty() && claim.citations.is_empty())
}

/// The heads of all claims of a chapter, without the name of the directive.
fn claims(text: &str) -> impl Iterator<Item = String> {
    let directives = directive::parse(text).directives;
    directives
        .into_iter()
        .filter(|directive| directive.name == "claim")
        .map(|directive| directive.arguments)
}

/// What a link into a chapter may point at: its headings and its figures.
fn anchors(text: &str, context: &Context) -> Vec<String> {
    let headings = new_cmark_parser(text, &MarkdownOptions::default()).filter_map(|event| match event {
        Event::Start(Tag::Heading { id, .. }) => id.map(|id| id.into_string()),
        _ => None,
    });
    headings.chain(measurements::figures(text, context)).collect()
}

/// Whether a section, down to the next heading of its level, holds a snippet that the tests run.
fn has_snippet(text: &str, anchor: &str) -> bool {
    let mut section: Option<HeadingLevel> = None;
    for event in new_cmark_parser(text, &MarkdownOptions::default()) {
        match event {
            Event::Start(Tag::Heading { level, id, .. }) => match section {
                Some(open) if level <= open => return false,
                Some(_) => {}
                None => section = (id.as_deref() == Some(anchor)).then_some(level),
            },
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) if section.is_some() => {
                let mut words = info.split([',', ' ']);
                let runs = matches!(words.next(), Some("python" | "rust"));
                if runs && !words.any(|word| word == "ignore") {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}
