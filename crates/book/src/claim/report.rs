//! Every claim of the book: where it stands in each language, and what each machine's published results say of it.
//!
//! Field names of the serialised form are read by others' scripts: they stay.

use std::path::{Path, PathBuf};

use measure::results::Bound;
use measure::statistics::Estimate;
use serde::Serialize;

use super::{Claim, Subject, Verdict};
use crate::catalog::Catalog;
use crate::diagnostic::line_of;
use crate::directive::{self, Directive};
use crate::ledger::{Leaning, Ledger};
use crate::measurements::Context;

/// All claims on all machines.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Claims {
    /// The name of what the book shows: a machine, or several of which each experiment is shown from the first that has it.
    pub shown: String,
    /// What the book shows first.
    pub machines: Vec<Tally>,
    /// In the order of the book.
    pub claims: Vec<ClaimReport>,
}

/// How the claims stand on one machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    pub machine: String,
    pub claims: usize,
    pub holds: usize,
    pub inconclusive: usize,
    pub contradicted: usize,
    pub stale: usize,
    pub not_measured: usize,
    /// So many of those not measured are findings of the self-check on a machine that need not have any.
    #[serde(skip)]
    not_asked: usize,
}

/// One claim.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClaimReport {
    /// What is claimed of: `tcp-echo.asyncio/tokio.cpu`.
    pub reference: String,
    /// What is claimed: `>=3`.
    pub condition: String,
    /// The source language first.
    pub places: Vec<Place>,
    /// Codes of the languages that have no translation of it.
    pub untranslated: Vec<String>,
    /// In the order of [`Claims::machines`].
    pub judgements: Vec<Judgement>,
    /// The verdicts of the ledger that fall with it.
    pub verdicts: Vec<Leaning>,
}

/// Where a claim stands with its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Code of the language.
    pub language: String,
    /// A chapter, or a catalog.
    pub path: PathBuf,
    pub line: usize,
    /// In Markdown.
    pub words: String,
}

/// What the results of one machine say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    pub machine: String,
    pub verdict: Verdict,
    /// In the metric's own unit, or as a ratio; absent where nothing counts.
    pub estimate: Option<Estimate>,
    /// Where the value is only a bound.
    pub bound: Option<Bound>,
    /// The estimate in words; empty without one.
    /// The name of what the book shows: a machine, or several of which each experiment is shown from the first that has it.
    pub shown: String,
    /// Of a finding of the self-check on a machine that published none, other than those that the book shows: the harness is checked where
    /// the book is measured, and nobody else owes it.
    #[serde(skip)]
    not_asked: bool,
}

/// A translation to look for claims in.
#[derive(Debug, Clone)]
pub struct Translation {
    /// Code of the language.
    pub language: String,
    /// As places show it.
    pub path: PathBuf,
    /// `None` where there is none yet.
    pub catalog: Option<Catalog>,
}

impl Judgement {
    /// Whether the claim does not stand on this machine.
    pub fn fails(&self) -> bool {
        self.verdict != Verdict::Holds && !self.not_asked
    }
}

impl Tally {
    fn count(&mut self, judgement: &Judgement) {
        self.claims += 1;
        self.not_asked += usize::from(judgement.not_asked);
        *match judgement.verdict {
            Verdict::Holds => &mut self.holds,
            Verdict::Inconclusive => &mut self.inconclusive,
            Verdict::Contradicted => &mut self.contradicted,
            Verdict::Stale => &mut self.stale,
            Verdict::NotMeasured => &mut self.not_measured,
        } += 1;
    }

    pub fn failing(&self) -> usize {
        self.claims - self.holds - self.not_asked
    }
}

impl Claims {
    /// Reads the claims of some chapters (path and Markdown text, directives still in it). Each machine comes with the context of the
    /// source language that holds its results, what the book shows first. Claims that cannot be read are left out:
    /// [`crate::lint::check_source`] reports them.
    pub(crate) fn gather(
        machines: &[(String, Context)],
        chapters: &[(PathBuf, String)],
        translations: &[Translation],
    ) -> Claims {
        let mut all = Claims {
            shown: machines.first().map(|(machine, _)| machine.clone()).unwrap_or_default(),
            machines: Vec::new(),
            claims: Vec::new(),
        };
        let translated: Vec<Vec<Translated>> = translations.iter().map(Translated::of).collect();
        for (path, text) in chapters {
            let mut earlier: Vec<Key> = Vec::new();
            for directive in claims_in(text) {
                let judged: Option<Vec<Judgement>> = machines
                    .iter()
                    .map(|(machine, context)| {
                        let is_reference = *machine == all.shown;
                        judge(&directive, text, machine, is_reference, context)
                    })
                    .collect();
                let Some(judgements) = judged else { continue };
                let words = words(&directive, text);
                let key = key(&directive, text);
                let before = earlier.iter().filter(|other| **other == key).count();
                let language = machines
                    .first()
                    .map(|(_, context)| context.interface.language().code.clone());
                let mut places = vec![Place {
                    language: language.unwrap_or_default(),
                    path: path.clone(),
                    line: line_of(text, directive.range.start),
                    words,
                }];
                let mut untranslated = Vec::new();
                for (translation, translated) in translations.iter().zip(&translated) {
                    match Translated::find(translated, path, &key, before) {
                        Some(place) => places.push(place.clone()),
                        None => untranslated.push(translation.language.clone()),
                    }
                }
                let (reference, condition) = directive.arguments.split_once(' ').unwrap_or_default();
                all.claims.push(ClaimReport {
                    reference: reference.to_owned(),
                    condition: condition.to_owned(),
                    places,
                    untranslated,
                    judgements,
                    verdicts: Vec::new(),
                });
                earlier.push(key);
            }
        }
        for (at, (machine, _)) in machines.iter().enumerate() {
            let mut tally = Tally {
                machine: machine.clone(),
                ..Tally::default()
            };
            for claim in &all.claims {
                tally.count(&claim.judgements[at]);
            }
            all.machines.push(tally);
        }
        all
    }

    /// Says of each claim which verdicts of the ledger lean on it.
    pub(crate) fn lean(&mut self, ledger: &Ledger) {
        for claim in &mut self.claims {
            if let Some(place) = claim.places.first() {
                claim.verdicts = ledger.leaning_on(&place.path, &claim.reference, &claim.condition);
            }
        }
    }

    /// Leaves one machine; `None` if none of this name has published results.
    pub fn on(mut self, machine: &str) -> Option<Claims> {
        self.machines.retain(|tally| tally.machine == machine);
        for claim in &mut self.claims {
            claim.judgements.retain(|judgement| judgement.machine == machine);
        }
        (!self.machines.is_empty()).then_some(self)
    }

    /// Leaves the judgements that are not "holds", and the claims that have any. Tallies still count all.
    pub fn failing(mut self) -> Claims {
        for claim in &mut self.claims {
            claim.judgements.retain(Judgement::fails);
        }
        self.claims.retain(|claim| !claim.judgements.is_empty());
        self
    }

    /// How many claims do not stand on what the book shows; 0 where it was left out.
    pub fn failing_where_shown(&self) -> usize {
        self.machines
            .iter()
            .filter(|tally| tally.machine == self.shown)
            .map(Tally::failing)
            .sum()
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain data")
    }
}

fn judge(directive: &Directive, text: &str, machine: &str, is_reference: bool, context: &Context) -> Option<Judgement> {
    let claim = Claim::read(directive, text, context).ok()?;
    let (verdict, evidence) = claim.verdict();
    let evidence = evidence.ok();
    let shown = |evidence: &super::Evidence| claim.subject.shown(evidence, &context.interface);
    let of_harness = matches!(claim.subject, Subject::Harness(..));
    Some(Judgement {
        machine: machine.to_owned(),
        verdict,
        estimate: evidence.as_ref().map(|evidence| evidence.estimate),
        bound: evidence.as_ref().and_then(|evidence| evidence.bound),
        shown: evidence.as_ref().map(shown).unwrap_or_default(),
        not_asked: of_harness && !is_reference && context.library.self_check.is_none(),
    })
}

fn claims_in(text: &str) -> impl Iterator<Item = Directive> {
    let directives = directive::parse(text).directives;
    directives.into_iter().filter(|directive| directive.name == "claim")
}

/// The words of a claim on one line, however the file breaks them.
fn words(directive: &Directive, text: &str) -> String {
    let body = directive.body.clone().unwrap_or_default();
    text[body].split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What tells a claim from the others of its chapter: its head, and its words in the source language.
type Key = (String, String);

/// Letters and digits alone are compared: in a catalog emphasis is marked in one way, whatever the chapter does.
fn key(directive: &Directive, text: &str) -> Key {
    let mut words = words(directive, text);
    words.retain(char::is_alphanumeric);
    (directive.head_text(), words)
}

/// A claim of a catalog.
struct Translated<'c> {
    /// The chapters that its message stands in.
    chapters: &'c [String],
    key: Key,
    /// `None` where there is no translation that readers see.
    place: Option<Place>,
}

impl<'c> Translated<'c> {
    /// All of a translation, in the order of the catalog, which is that of the book.
    fn of(translation: &'c Translation) -> Vec<Translated<'c>> {
        let entries = translation.catalog.iter().flat_map(|catalog| &catalog.entries);
        let mut found = Vec::new();
        for entry in entries.filter(|entry| !entry.obsolete) {
            let mut theirs: Vec<Directive> = if entry.is_translated() {
                claims_in(&entry.msgstr).collect()
            } else {
                Vec::new()
            };
            for directive in claims_in(&entry.msgid) {
                let head = directive.head_text();
                // Word order differs between languages; among equal heads the first goes with the first.
                let same = theirs.iter().position(|other| other.head_text() == head);
                let place = same.map(|at| theirs.remove(at)).map(|other| Place {
                    language: translation.language.clone(),
                    path: translation.path.clone(),
                    line: entry.line_of_translation(other.range.start),
                    words: words(&other, &entry.msgstr),
                });
                found.push(Translated {
                    chapters: &entry.sources,
                    key: key(&directive, &entry.msgid),
                    place,
                });
            }
        }
        found
    }

    /// Where the translation has a claim of a chapter that comes after `before` equal ones.
    fn find<'t>(all: &'t [Translated<'c>], chapter: &Path, key: &Key, before: usize) -> Option<&'t Place> {
        let of_chapter = |claim: &&Translated| claim.chapters.iter().any(|path| Path::new(path) == chapter);
        let same: Vec<&Translated> = all
            .iter()
            .filter(of_chapter)
            .filter(|claim| claim.key == *key)
            .collect();
        // Equal paragraphs are one message, so there may be fewer of them than in the chapter.
        same.get(before).or(same.last())?.place.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    const CHAPTER: &str = "# A\n\n{{#claim echo.asyncio/tokio.cpu >=3}}at *least*\nthree{{/claim}}\n\
        and {{#claim echo.asyncio/tokio.cpu >=9}}nine{{/claim}},\n{{#claim echo.nobody.cpu >=9}}lost{{/claim}}.\n\n\
        {{#claim echo.uvloop/tokio.cpu <=2}}twice{{/claim}}\n";

    const CATALOG: &str = "msgid \"\"\nmsgstr \"Language: it\\n\"\n\n\
        #: src/b.md\nmsgid \"{{#claim echo.asyncio/tokio.cpu >=9}}nine{{/claim}} elsewhere\"\n\
        msgstr \"altrove {{#claim echo.asyncio/tokio.cpu >=9}}nove volte{{/claim}}\"\n\n\
        #: src/a.md\nmsgid \"{{#claim echo.asyncio/tokio.cpu >=3}}at *least* three{{/claim}} and \
        {{#claim echo.asyncio/tokio.cpu >=9}}nine{{/claim}}, {{#claim echo.nobody.cpu >=9}}lost{{/claim}}.\"\n\
        msgstr \"\"\n\"Nove {{#claim echo.asyncio/tokio.cpu >=9}}nove{{/claim}}, \"\n\
        \"{{#claim echo.asyncio/tokio.cpu >=3}}almeno *tre*{{/claim}}, {{#claim echo.nobody.cpu >=9}}perso{{/claim}}.\"\n\n\
        #: src/a.md\n#, fuzzy\nmsgid \"{{#claim echo.uvloop/tokio.cpu <=2}}twice{{/claim}}\"\n\
        msgstr \"{{#claim echo.uvloop/tokio.cpu <=2}}il doppio{{/claim}}\"\n";

    fn gather(machines: &[(String, Context)]) -> Claims {
        let translation = Translation {
            language: "it".into(),
            path: "po/it.po".into(),
            catalog: Some(Catalog::parse(CATALOG, Path::new("po/it.po")).unwrap()),
        };
        Claims::gather(machines, &[("src/a.md".into(), CHAPTER.into())], &[translation])
    }

    /// The fixture's machine; one where asyncio takes as much as Tokio; one where Tokio is stale and asyncio's file is gone.
    fn machines() -> Vec<(String, Context)> {
        let one = fixture::context(fixture::english());
        let mut two = one.clone();
        let measured = two.library.entries[0].measured.as_mut().unwrap();
        for run in &mut measured.results.runs {
            if run.program == "asyncio" {
                run.phases.get_mut("messages").unwrap().cpu_seconds /= 4.0;
            }
        }
        let mut three = one.clone();
        let measured = three.library.entries[0].measured.as_mut().unwrap();
        measured.stale.push("uvloop".into());
        measured.results.runs.retain(|run| run.program != "asyncio");
        vec![("one".into(), one), ("two".into(), two), ("three".into(), three)]
    }

    #[test]
    fn every_claim_is_judged_on_every_machine() {
        use Verdict::{Contradicted, Holds, NotMeasured, Stale};
        let claims = gather(&machines());
        let verdicts: Vec<(&str, Vec<Verdict>)> = claims
            .claims
            .iter()
            .map(|claim| {
                let judged = claim.judgements.iter().map(|judgement| judgement.verdict);
                (claim.condition.as_str(), judged.collect())
            })
            .collect();
        assert_eq!(
            verdicts,
            [
                (">=3", vec![Holds, Contradicted, NotMeasured]),
                (">=9", vec![Contradicted, Contradicted, NotMeasured]),
                ("<=2", vec![Holds, Holds, Stale]),
            ]
        );
        assert_eq!(claims.shown, "one");
        assert_eq!(claims.failing_where_shown(), 1);
        let three = &claims.machines[2];
        assert_eq!(
            (three.claims, three.stale, three.not_measured, three.failing()),
            (3, 1, 2, 3)
        );
        let first = &claims.claims[0].judgements[0];
        assert!((first.estimate.unwrap().value - 4.0).abs() < 0.1 && first.shown.starts_with("4.0"));
        assert_eq!(claims.claims[0].judgements[2].shown, "");
    }

    #[test]
    fn every_claim_is_found_in_the_catalog_with_its_line_and_words() {
        let claims = gather(&machines());
        let places: Vec<Vec<(&str, usize, &str)>> = claims
            .claims
            .iter()
            .map(|claim| {
                let places = claim.places.iter();
                places
                    .map(|place| (place.path.to_str().unwrap(), place.line, place.words.as_str()))
                    .collect()
            })
            .collect();
        assert_eq!(
            places,
            [
                vec![("src/a.md", 3, "at *least* three"), ("po/it.po", 12, "almeno *tre*")],
                vec![("src/a.md", 5, "nine"), ("po/it.po", 11, "nove")],
                vec![("src/a.md", 8, "twice")],
            ]
        );
        assert_eq!(
            claims.claims[2].untranslated,
            ["it"],
            "a fuzzy translation is not shown"
        );
    }

    #[test]
    fn one_machine_or_what_fails_can_be_asked_for() {
        let claims = gather(&machines());
        assert!(claims.clone().on("four").is_none());
        let two = claims.clone().on("two").unwrap();
        assert_eq!(two.failing_where_shown(), 0);
        assert!(two.claims.iter().all(|claim| claim.judgements.len() == 1));
        let failing = claims.failing();
        assert_eq!(failing.claims[2].judgements.len(), 1);
        assert_eq!(failing.claims[2].judgements[0].machine, "three");
        assert_eq!(failing.machines[0].holds, 2);
        assert_eq!(two.failing().claims.len(), 2);
    }

    #[test]
    fn the_self_check_is_owed_by_the_reference_machine_alone() {
        let chapter = "{{#claim self-check.gate-noticed >=30%}}30 %{{/claim}}\n";
        let judged = |without: &[usize]| {
            let mut machines = machines();
            for at in without {
                machines[*at].1.library.self_check = None;
            }
            Claims::gather(&machines, &[("src/a.md".into(), chapter.into())], &[])
        };
        let claims = judged(&[1]);
        let verdicts: Vec<Verdict> = claims.claims[0].judgements.iter().map(|j| j.verdict).collect();
        assert_eq!(verdicts, [Verdict::Holds, Verdict::NotMeasured, Verdict::Holds]);
        assert_eq!((claims.machines[1].not_measured, claims.machines[1].failing()), (1, 0));
        assert!(claims.failing().claims.is_empty());
        let claims = judged(&[0]);
        assert_eq!(claims.failing_where_shown(), 1);
        assert_eq!(claims.failing().claims[0].judgements[0].machine, "one");
    }

    #[test]
    fn the_serialised_form_keeps_its_names() {
        let mut machines = machines();
        fixture::saturate(&mut machines[0].1.library, "tokio");
        let json: serde_json::Value = serde_json::from_str(&gather(&machines).to_json()).unwrap();
        assert_eq!(json["shown"], "one");
        assert_eq!(json["machines"][0]["not_measured"], 0);
        let claim = &json["claims"][0];
        assert_eq!(claim["reference"], "echo.asyncio/tokio.cpu");
        assert_eq!(claim["places"][1]["path"], "po/it.po");
        assert_eq!(claim["judgements"][2]["verdict"], "not_measured");
        assert!(claim["judgements"][0]["estimate"]["interval"]["low"].as_f64().unwrap() > 3.0);
        assert!(claim["judgements"][0]["bound"].is_null(), "CPU is not bounded");
    }
}
