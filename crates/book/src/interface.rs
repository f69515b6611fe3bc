//! Words that the book's own machinery puts on the page, in the reader's language.

use std::collections::HashMap;

use crate::catalog::Catalog;
use crate::gettext::plain;
use crate::site::Language;

/// Every English string of the interface; translators find them in the catalog. Keep the groups together and name who shows them.
///
/// `{name}` in a string is filled in by the caller and must stand in the translation as well.
pub const STRINGS: &[&str] = &[
    // page.rs: the menu bar's choice of languages.
    "Language",
    // page.rs: the first link of a page, for keyboards.
    "Skip to the text",
    // page.rs: the search. In {query} stand the reader's own words.
    "Search",
    "Search the book",
    "Close",
    "Nothing found for “{query}”.",
    "{count} page found.",
    "{count} pages found.",
    "The search cannot be loaded: it needs a web server, and a connection to it.",
    // page.rs: what the button says that runs a Python snippet in the page, and what stands below the snippet then.
    "Run it here, in this browser",
    "Python is being loaded.",
    "It is running.",
    "Stop it",
    "It has ended without an error.",
    "It has ended with an error.",
    "It was stopped.",
    "Licences",
    "Python cannot be loaded: it needs a web server, and a connection to it.",
    "Python {python} in WebAssembly, by Pyodide {pyodide}. Its event loop is the browser's, and its times are not those of the book.",
    // page.rs: the link of a released page to its copy that stays.
    "This page as it is in version {version}, to cite it",
    // page.rs: what an edition is that is not whole yet.
    "This translation is a draft: {translated} of {count} texts are translated, the rest is in English.",
    "How to help",
    // translations.rs: the table of all translations.
    "Status",
    "complete",
    "draft",
    "Translated",
    "To review",
    "Missing",
    "Words left",
    "Translated by",
    "the authors of the book",
    "Chapter",
    "titles, labels, interface",
    "in all",
    // ledger/: what others claim and what was found of it. Verdicts.
    "holds",
    "holds, with a condition",
    "contradicted",
    "not testable here",
    "not examined yet",
    // What stands beside a claim: the condition of the verdict or its reason, who claims it, what the verdict rests on.
    "Condition",
    "Why",
    "Claimed by",
    "Examined in",
    "Measured",
    "Run by the tests",
    "Stated by a source",
    "To be examined in",
    "To be taken up again in",
    "figure",
    // Heads of tables: how many claims have which verdict; the systems that the claims name.
    "Verdict",
    "Claims",
    "System",
    "Where it runs here",
    "not yet; planned for",
    "to come back in",
    // moves.rs: how numbers moved from campaign to campaign, and from machine to machine.
    "{changed} of {count} ratios changed beyond noise",
    "changed programs: {programs}",
    "{metric}, as a ratio to {program}",
    "Before",
    "After",
    "Beyond noise",
    "yes",
    "no",
    "Nothing yet.",
    // glossary.rs: the terms of the book.
    "Term",
    "Meaning",
    "{term}: where the book explains it",
    // page.rs: mdBook's own pages. Keys and `...` stay.
    "Keyboard shortcuts",
    "Press <kbd>←</kbd> or <kbd>→</kbd> to navigate between chapters",
    "Press <kbd>S</kbd> or <kbd>/</kbd> to search in the book",
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
    // page.rs: titles of alerts.
    "Note",
    "Tip",
    "Important",
    "Warning",
    "Caution",
    "Answer",
    // page.rs: what scripts say: the field for a reader's own answer, a link at snippets of Rust.
    "Your answer (it stays in this browser)",
    "Run it in the Rust Playground, another site",
    // whole.rs: pages of whole programs.
    "The whole program",
    "To run it:",
    "To the book",
    // compile_fail.rs: programs that must not compile.
    "does not compile",
    "The rest of the message",
    // page.rs: mdBook's scripts.
    "Copy to clipboard",
    "Copied!",
    "Clipboard error!",
    "Show hidden lines",
    "Hide lines",
    // number.rs: values with their certainty.
    "per second",
    "cores",
    "one session, so no interval",
    "95 % interval {low} to {high}, {sessions} sessions",
    "the same in all {sessions} sessions",
    "the load generator was the limit, so it is at least this much",
    "the load generator was the limit, so it is at most this much",
    "the load generator was the limit for both, so their ratio is not known",
    "not known",
    "not known: the values do not lie on a rising line",
    "not known: a value came out as zero, of which there is no ratio",
    // measurements.rs, claim.rs: what there is no value for, and what data say of a claim.
    "not measured yet",
    "changed since it was measured",
    "to measure it: {command}",
    "these results contradict it",
    "these results cannot decide it",
    // measurements.rs: how a ratio comes out elsewhere, {range} as in "2.9 to 4.1×".
    "on {count} machines: {range}",
    // measurements.rs: where one value was measured.
    "on {machine}",
    // figure.rs: the choice of the machine whose results a figure shows.
    "Machine",
    // figure/curve.rs: what is swept.
    "{parameter} on the horizontal axis",
    // figure/gain.rs: what the ratios of two programs are ratios of.
    "{metric}, as a ratio",
    // figure/: axes, the table of data.
    "lower is better",
    "higher is better",
    "logarithmic axis",
    "from the start of the phase",
    "of each program, the run of median duration",
    // figure/distribution.rs: how long waits took; P50 to P99.9 stand as they are.
    "latency",
    "share of waits that took longer",
    "Longest",
    "Waits",
    "Data",
    "Data, with 95 % intervals",
    "Program",
    "Wait {number}",
    "Duration",
    "{start} to {end}",
    // figure/provenance.rs: where the numbers come from.
    "your own results, not published",
    "{count} core",
    "{count} cores",
    "free-threaded",
    "optimised build",
    "build without optimisations",
    "{count} session",
    "{count} sessions",
    "{count} round",
    "{count} rounds",
    "extended to {sessions}",
    "How this was measured",
    "no run set aside",
    "{count} campaign",
    "{count} campaigns",
    "95 % interval {interval}, from {count} samples",
    "a count",
    "Campaign",
    "Ratio",
    "95 % interval",
    "Sessions",
    "Found",
    "Repeats",
    "Pair and method",
    "Standard deviation",
    "Lowest",
    "Highest",
    "ratio",
    "hyperfine",
    "this harness",
    "the walk over itself",
    "the longer walk over the walk",
    "the walk in Python over the walk in Rust",
    "repeats that find the slow-down, by sessions",
    "ratio of each repeat over the mean of all",
    "the mean of the rest as a short stroke across each interval",
    "{hits} of {count} intervals contain the mean of the rest",
    "{count} run set aside",
    "{count} runs set aside",
    "{count} because other processes or the hypervisor took CPU",
    "{count} because the load did not keep its rate",
    "{program} against itself: {value} ({certainty})",
    "changed since: {packages}",
    "and {count} more",
    "no longer used",
    "not run on this machine: {programs}",
    "changed since they were measured, so not shown: {programs}",
    "not measured yet on this machine: run {command}",
    "to measure again: {command}",
    "Download the data",
    // published.rs: the feed, and the page for addresses that lead nowhere.
    "{count} experiment measured on {machine}",
    "{count} experiments measured on {machine}",
    "There is no such page",
    "It may have had another name in another release. The book begins here:",
    // stepper.rs: what a loop or an executor did, step by step. {task} is the name of a task.
    "One step back",
    "One step on",
    "Play",
    "Pause",
    "Speed",
    "All steps",
    "Step {number} of {count}",
    "Steps of a recording",
    "Step",
    "Clock, in ms",
    "What happens",
    "Runs now",
    "Queue",
    "Timers",
    "Waiting for a socket",
    "Waiting for a task",
    "Recorded by {program}; the tests record it again and compare.",
    "{task} is spawned: it joins the queue.",
    "The loop has a look at the kernel and at the timers, without waiting.",
    "Nothing is ready: the loop sleeps in the kernel until {until} ms.",
    "The kernel says that the socket of {task} is ready: {task} joins the queue.",
    "The time of {task} has come: it joins the queue.",
    "{task} leaves the queue and runs.",
    "{task} has computed for a slice; the clock has moved on.",
    "{task} beats, {late} ms late.",
    "{task} lets the others go first: it joins the end of the queue.",
    "{task} suspends, with a timer.",
    "{task} suspends until its socket is ready.",
    "{task} suspends until another task ends.",
    "What {task} waited for is done: it joins the queue.",
    "{task} ends.",
    "The executor takes {task} from the queue and polls it.",
    "{task} is pending: its waker lies with the reactor, with a deadline.",
    "{task} is pending: its waker lies with the reactor, with a socket.",
    "{task} is pending: its waker lies with the task that it awaits.",
    "The waker of {task} is called: {task} joins the queue.",
    "Nothing is ready: the reactor waits in the kernel.",
    "{task} is ready: its future is done.",
    // calculator.rs: the form, loads that are computed with the page, and the heads of tables.
    "Requests per second",
    "Latency of a request, in ms",
    "HTTP calls to others per request",
    "Your own CPU per request in Python, in ms",
    "Your own CPU per request in Rust, in ms",
    "Your own memory per request in flight in Python, in kB",
    "Your own memory per request in flight in Rust, in kB",
    "Your own memory per process at rest in Python, in MB",
    "Your own memory per process at rest in Rust, in MB",
    "Use of a core at most, in %",
    "Requests in flight",
    "Typical loads",
    "An internal service",
    "A gateway",
    "Many who wait",
    "Cores",
    "Processes",
    "Memory",
    "Cores and memory for a load, from the lower ends of all 95 % intervals to the upper ones.",
    // figure/provenance.rs: dates.
    "{day} {month} {year}",
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Translated strings of one edition.
#[derive(Debug, Clone)]
pub struct Interface {
    language: Language,
    translations: HashMap<String, String>,
}

impl Interface {
    /// Without a catalog everything is in English.
    pub fn new(language: Language, catalog: Option<&Catalog>) -> Interface {
        Interface {
            language,
            translations: catalog
                .map(|catalog| {
                    catalog
                        .translations()
                        .map(|(english, translated)| (english.to_owned(), translated.to_owned()))
                        .collect()
                })
                .unwrap_or_default(),
        }
    }

    pub fn language(&self) -> &Language {
        &self.language
    }

    /// A string of [`STRINGS`]; English where there is no translation yet.
    pub fn text(&self, english: &'static str) -> String {
        debug_assert!(
            STRINGS.contains(&english),
            "`{english}` is missing in interface::STRINGS, so translators never see it"
        );
        self.label(english)
    }

    /// The same with `{name}`s filled in.
    pub fn fill(&self, english: &'static str, values: &[(&str, &str)]) -> String {
        let mut text = self.text(english);
        for (name, value) in values {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text
    }

    /// Whether a string of [`STRINGS`] has a translation.
    pub fn is_translated(&self, english: &'static str) -> bool {
        self.translations.contains_key(english)
    }

    /// The title of a chapter, without markup on either side.
    pub fn title(&self, title: &str) -> String {
        self.translations
            .get(title)
            .or_else(|| {
                self.translations
                    .iter()
                    .find(|(english, _)| plain(english) == title)
                    .map(|(_, translated)| translated)
            })
            .map_or_else(|| title.to_owned(), |translated| plain(translated))
    }

    /// A label of a manifest (programs, metrics, titles of experiments).
    pub fn label(&self, english: &str) -> String {
        self.translations
            .get(english)
            .cloned()
            .unwrap_or_else(|| english.to_owned())
    }
}

/// What translators and, in the source language, readers see of a parameter that is swept: its name, in words.
pub fn parameter_label(name: &str) -> String {
    name.replace(['_', '-'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::Status;

    fn italian() -> Language {
        Language {
            code: "it".into(),
            name: "Italiano".into(),
            decimal: ',',
            thousands: '.',
            source: false,
            status: Status::Complete,
        }
    }

    #[test]
    fn what_is_not_translated_stays_english() {
        let catalog = Catalog::from_pairs(&[("Language", "Lingua"), ("Themes", "")]);
        let interface = Interface::new(italian(), Some(&catalog));
        assert_eq!(interface.text("Language"), "Lingua");
        assert_eq!(interface.text("Themes"), "Themes");
        assert_eq!(interface.label("CPU per request"), "CPU per request");
    }

    #[test]
    fn titles_are_found_whatever_their_markup() {
        let catalog = Catalog::from_pairs(&[("Wait with `select!`", "Aspetta con `select!`"), ("Why", "_Perché_")]);
        let interface = Interface::new(italian(), Some(&catalog));
        assert_eq!(interface.title("Wait with select!"), "Aspetta con select!");
        assert_eq!(interface.title("Why"), "Perché");
        assert_eq!(interface.title("How"), "How");
    }

    #[test]
    fn values_are_filled_into_the_translation() {
        let catalog = Catalog::from_pairs(&[("{start} to {end}", "da {start} a {end}")]);
        let interface = Interface::new(italian(), Some(&catalog));
        assert_eq!(
            interface.fill("{start} to {end}", &[("end", "2"), ("start", "1")]),
            "da 1 a 2"
        );
    }

    #[test]
    fn no_string_stands_twice() {
        let unique: std::collections::HashSet<_> = STRINGS.iter().collect();
        assert_eq!(unique.len(), STRINGS.len());
    }
}
