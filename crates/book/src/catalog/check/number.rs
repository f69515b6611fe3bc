//! Numbers are those of the source, and words before them fit how they are said. A directive becomes its number only when the book is built, on each machine another
//! one, so that a word may be right today and wrong after the next measurement.

use mdbook_markdown::pulldown_cmark::{Event, Parser};

use super::finding::Notes;
use super::grammar::{Grammar, Whole};
use super::text::{PLACEHOLDER, VALUE, Visible};
use crate::measurements::{self, Context};
use crate::site::Language;

/// What is inserted on the machines that have published results: each with its name.
pub(super) type Machines = [(String, Context)];

/// Directives whose value another measurement changes, and what the interface fills in, another thing each time.
const CHANGING: &[&str] = &["measured", PLACEHOLDER];

pub(super) fn check(
    visible: &Visible,
    grammar: &dyn Grammar,
    language: &Language,
    machines: &Machines,
    notes: &mut Notes<'_>,
) {
    let text = &visible.text;
    for value in &visible.values {
        let Some((word, shown, at)) = word_before(text, value.at) else {
            continue;
        };
        if grammar.before_number(&word, Whole(0)).is_none() {
            continue;
        }
        let directive = &notes.entry.msgstr[value.source.clone()];
        let mut wrong = None;
        for (machine, context) in machines {
            let inserted = plain(&measurements::expand(notes.path, directive, context).0);
            if let Some(number) = whole(&inserted, language)
                && let Some(forms) = grammar.before_number(&word, number)
                && !forms.contains(&word.as_str())
            {
                wrong = Some((machine, inserted, forms[0]));
                break;
            }
        }
        let fragile = CHANGING.contains(&value.name.as_str());
        let rephrase = "say it so that any number fits, with a word between: \"circa\", \"un valore di\", \"pari a\"";
        match wrong {
            Some((machine, inserted, right)) => {
                let help = match fragile {
                    true => rephrase.to_owned(),
                    false => format!("write `{right}`"),
                };
                notes.error(
                    "number",
                    visible.origin(at),
                    format!("`{shown}` before a value that is {inserted} on {machine}"),
                    help,
                );
            }
            None if fragile => notes.warning(
                "number",
                visible.origin(at),
                format!("`{shown}` before a value that changes: for another value it may have to be another form"),
                rephrase,
            ),
            None => {}
        }
    }
    for at in starts(text) {
        let Some((word, shown, start)) = word_before(text, at) else {
            continue;
        };
        if let Some(number) = whole(&text[at..], language)
            && let Some(forms) = grammar.before_number(&word, number)
            && !forms.contains(&word.as_str())
        {
            let digits: String = text[at..]
                .chars()
                .take_while(|c| c.is_ascii_digit() || ".,".contains(*c))
                .collect();
            notes.error(
                "number",
                visible.origin(start),
                format!("`{shown}` before {}", digits.trim_end_matches(['.', ','])),
                format!("write `{}`", forms[0]),
            );
        }
    }
}

/// Numbers that stand in one text and not in the other, each written as its language does.
pub(super) fn compare(source: (&Visible, &Language), translation: (&Visible, &Language), notes: &mut Notes<'_>) {
    let numbers = |(visible, language): (&Visible, &Language)| -> Vec<(usize, String)> {
        starts(&visible.text)
            .map(|at| (at, canonical(&visible.text[at..], language)))
            .collect()
    };
    let (english, other) = (numbers(source), numbers(translation));
    let lacks = |list: &[(usize, String)], number: &str| list.iter().all(|(_, known)| known != number);
    let help = "digits stay digits, with the marks of the language; or accept it, if the number is said in another way";
    for (at, number) in &other {
        if lacks(&english, number) {
            let message = format!("the number {number} is not in the source");
            notes.warning("number", translation.0.origin(*at), message, help);
        }
    }
    for (_, number) in &english {
        if lacks(&other, number) {
            notes.warning(
                "number",
                0,
                format!("the number {number} of the source is missing"),
                help,
            );
        }
    }
}

/// Where numbers begin that are no part of a name.
fn starts(text: &str) -> impl Iterator<Item = usize> {
    text.char_indices()
        .filter(|(at, c)| {
            let before = text[..*at].chars().next_back();
            c.is_ascii_digit() && !before.is_some_and(|c| c.is_alphanumeric() || ".,-_/".contains(c))
        })
        .map(|(at, _)| at)
}

/// The number that a text begins with, as every language has it: `1,024.5` and `1.024,5` are 1024.5. Parts of a version stay apart.
fn canonical(text: &str, language: &Language) -> String {
    let (mut rest, digits) = grouped(text, language);
    let mut number = digits;
    loop {
        let Some(after) = rest.strip_prefix(['.', language.decimal]) else {
            return number;
        };
        let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        if end == 0 {
            return number;
        }
        number = format!("{number}.{}", &after[..end]);
        rest = &after[end..];
    }
}

/// The word that touches a number from the left, an elided one with its apostrophe: in lower case, as written, and where.
fn word_before(text: &str, at: usize) -> Option<(String, String, usize)> {
    let before = &text[..at];
    let (before, apostrophe) = match before.strip_suffix(['\'', '’']) {
        Some(before) => (before, "'"),
        None => (before.strip_suffix([' ', '\u{a0}'])?, ""),
    };
    let start = before
        .char_indices()
        .rev()
        .take_while(|(_, c)| c.is_alphabetic())
        .last()
        .map(|(at, _)| at)?;
    let word = format!("{}{apostrophe}", &before[start..]);
    Some((word.to_lowercase(), word, start))
}

/// The whole part of the number that a text begins with, as the language writes it. `None` for one that is said otherwise: with a sign, or
/// as an ordinal.
fn whole(text: &str, language: &Language) -> Option<Whole> {
    let (rest, digits) = grouped(text, language);
    if rest.starts_with(['º', 'ª', '°']) {
        return None;
    }
    digits.parse().ok().map(Whole)
}

/// Digits with the marks of thousands between them, which are left out; and what follows.
fn grouped<'a>(text: &'a str, language: &Language) -> (&'a str, String) {
    let mut rest = text;
    let mut digits = String::new();
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        digits.push_str(&rest[..end]);
        rest = &rest[end..];
        // A group of thousands has three digits; `1.54.1` is a version.
        let group = rest.strip_prefix(language.thousands).unwrap_or_default();
        let length = group.find(|c: char| !c.is_ascii_digit()).unwrap_or(group.len());
        if length != 3 {
            break;
        }
        rest = group;
    }
    (rest, digits)
}

/// What a reader sees of Markdown with HTML in it.
fn plain(markdown: &str) -> String {
    Parser::new(markdown)
        .filter_map(|event| match event {
            Event::Text(text) | Event::Code(text) => Some(text.replace(VALUE, "")),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::grammar;
    use super::super::testing::{found_by, language};
    use super::*;
    use crate::fixture;

    fn found(msgstr: &str) -> Vec<String> {
        let machines = [("m".to_owned(), fixture::context(fixture::italian()))];
        let check = |notes: &mut Notes<'_>| {
            check(
                &Visible::of_prose(msgstr),
                grammar::of("it"),
                &language(),
                &machines,
                notes,
            );
        };
        found_by(check, "x", msgstr)
    }

    #[test]
    fn articles_fit_what_is_inserted_and_what_stands_there() {
        for text in [
            "il 70 %, l'80 %, i 1.024, gli 11, gli 8,5 s, l'1, lo 0,3 %, il 1990, il 1º, l'1.1.1.1, l'11.000, il 10.000",
            "l'{{#number 80 % | x}} e il {{#number 70 % | x}} e lo {{#number 0.5 % | x}}",
            "{{#number 80 % | x}}, circa {{#number 8 | x}}, da 8 a 11, le 8, la 3.11",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
        for (text, expected) in [
            ("il 80 %", "`il` before 80: error: write `l'`"),
            ("l'70", "`l'` before 70: error: write `il`"),
            ("dei 11.000", "`dei` before 11.000: error: write `degli`"),
            ("Il {{#number 80 % | x}}", "`Il` before a value that is 80"),
            ("dell'{{#number 7 | x}}", "`dell'` before a value that is 7"),
            ("il _{{#number 0.5 % | x}}_", "`il` before a value that is 0,5"),
        ] {
            let found = found(text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].starts_with(expected), "expected `{expected}` in {found:?}");
        }
    }

    #[test]
    fn numbers_are_those_of_the_source() {
        let english = Language {
            code: "en".into(),
            decimal: '.',
            thousands: ',',
            ..language()
        };
        let found = |msgid: &str, msgstr: &str| {
            let check = |notes: &mut Notes<'_>| {
                let (source, translation) = (Visible::of_prose(msgid), Visible::of_prose(msgstr));
                compare((&source, &english), (&translation, &language()), notes);
            };
            found_by(check, msgid, msgstr)
        };
        for (msgid, msgstr) in [
            (
                "1,024 and 0.5 in 3.11, 1.54.1, x86, `7`",
                "nella 1.54.1 e 3.11 sono 1.024 e 0,5",
            ),
            ("On 2 of 3, 2", "su 3, 2."),
            ("{{#number 7 s | x}}", "{{#number 7 s | x}}"),
        ] {
            assert_eq!(found(msgid, msgstr), [""; 0], "{msgstr}");
        }
        for (msgid, msgstr, expected) in [
            ("1,024", "1,024", "the number 1.024 is not in the source"),
            ("It has 100", "Ne ha cento", "the number 100 of the source is missing"),
            ("Many", "Sono 12", "the number 12 is not in the source"),
        ] {
            let found = found(msgid, msgstr);
            assert!(found[0].contains(expected), "expected `{expected}` in {found:?}");
        }
    }

    #[test]
    fn an_article_before_a_measured_value_is_fragile() {
        let measured = "{{#measured echo.tokio.cpu}}";
        assert_eq!(found("le {count} e circa {count}"), [""; 0]);
        assert!(
            found("da l'{count}")[0].contains("`l'` before a value that changes"),
            "{:?}",
            found("da l'{count}")
        );
        let found = found(&format!("il {measured} e circa {measured}, le {measured}"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].contains(
                "`il` before a value that changes: for another value it may have to be another form: warning"
            ),
            "{found:?}"
        );
    }
}
