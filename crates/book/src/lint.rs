//! What can be wrong in a chapter's text: directives that mean nothing, and measured-looking numbers typed by hand.

mod ratio;

use std::cell::LazyCell;
use std::ops::Range;
use std::path::Path;

use crate::diagnostic::{Diagnostic, Lines};
use crate::directive::{self, Directive};
use crate::measurements::{self, Context};
use crate::numeral::{self, Measure, Words};
use crate::prose::{self, Spotted, Token};

use ratio::Lexicon;

/// Checks a chapter as its author wrote it: every directive with all it names, and bare numbers.
pub fn check_source(path: &Path, text: &str, context: &Context) -> Vec<Diagnostic> {
    let mut diagnostics = measurements::expand(path, text, context).1;
    diagnostics.extend(bare_numbers(path, text, &context.interface.language().code));
    diagnostics.sort();
    diagnostics
}

const HELP: &str = "measured: `{{#measured EXPERIMENT.PROGRAM.METRIC}}` or `{{#claim ...}}words{{/claim}}`; \
    chosen: `{{#param EXPERIMENT.NAME}}`; from a source: `{{#cited KEY}}`; none of these: `{{#number TEXT | reason}}`";

/// Numbers in prose that look measured: with a unit of time, size or rate, per cent, or times. `language` is a code.
///
/// Not in code, HTML, addresses, directives, nor in a claim's words, which are held to their condition.
pub fn bare_numbers(path: &Path, text: &str, language: &str) -> Vec<Diagnostic> {
    let hidden = hidden(&directive::parse(text).directives);
    let tokens = prose::tokens(text, &hidden);
    let lines = LazyCell::new(|| Lines::of(text));
    spots(&tokens, Words::of(language), Lexicon::of(language))
        .into_iter()
        .map(|range| {
            let words = &text[tokens[range.start].offset..];
            let end = tokens[range.end - 1].offset.saturating_sub(tokens[range.start].offset);
            // To the end of the last token.
            let length = words[end..]
                .find(|c: char| !(c.is_alphanumeric() || ".,".contains(c)))
                .map_or(words.len(), |at| {
                    end + at.max(words[end..].chars().next().map_or(0, char::len_utf8))
                });
            let shown = words[..length].trim_end_matches(['.', ',']).replace('\n', " ");
            Diagnostic::new(
                path,
                lines.at(tokens[range.start].offset),
                format!("\"{shown}\" looks measured but is typed by hand"),
                HELP,
            )
        })
        .collect()
}

/// What directives take out of the prose: all of a claim, else the heads and ends, so that captions are read.
fn hidden(directives: &[Directive]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for directive in directives {
        match &directive.body {
            Some(body) if directive.name != "claim" => {
                ranges.push(directive.head.clone());
                ranges.extend(hidden(&directive.inner));
                ranges.push(body.end..directive.range.end);
            }
            _ => ranges.push(directive.range.clone()),
        }
    }
    ranges.sort_by_key(|range| range.start);
    ranges
}

/// Ranges of tokens that say a measured-looking number.
fn spots(tokens: &[Spotted], words: &Words, lexicon: &Lexicon) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match spot(tokens, at, words, lexicon) {
            Some(end) => {
                found.push(at..end);
                at = end;
            }
            None => at += 1,
        }
    }
    found
}

/// The end of the measured-looking number that begins at `at`, if one does.
fn spot(tokens: &[Spotted], at: usize, words: &Words, lexicon: &Lexicon) -> Option<usize> {
    match &tokens[at].token {
        Token::Number(digits) if !numeral::is_part_of_a_name(tokens, at) => after_digits(digits, tokens, at + 1),
        Token::Word(word) => lexicon
            .ratio(tokens, at, words)
            .or_else(|| after_words(word, tokens, at, words, lexicon)),
        _ => None,
    }
}

fn after_digits(digits: &str, tokens: &[Spotted], next: usize) -> Option<usize> {
    let rest = &tokens[next..];
    let first = rest.first()?;
    // "The 1990s".
    if first.glued && first.word() == Some("s") && digits.len() == 4 && digits.ends_with('0') {
        return None;
    }
    // "2 x 3" multiplies; "3 times" does not.
    if first.word() == Some("x") && matches!(rest.get(1).map(|t| &t.token), Some(Token::Number(_))) {
        return None;
    }
    if let Some(length) = rate(rest) {
        return Some(next + length);
    }
    match numeral::measure(rest) {
        (Measure::Plain, 0) => None,
        // "The first time", "la prima volta" have no digits; "1 time" has.
        (_, length) => Some(next + length),
    }
}

/// How many tokens say a rate at their start: "per second", "requests per second", "req/s", "richieste al secondo".
fn rate(tokens: &[Spotted]) -> Option<usize> {
    let word = |at: usize| tokens.get(at).and_then(Spotted::word);
    // Between the number and the rate stands what is counted, in up to three words.
    for skipped in 0..=3 {
        if (0..skipped).any(|at| word(at).is_none()) {
            return None;
        }
        // "Two requests a second", but not "two servers need a second loop".
        let each = match word(skipped) {
            Some("per" | "al" | "every" | "ogni") => true,
            Some("a") => skipped <= 1,
            _ => false,
        };
        if each
            && matches!(
                word(skipped + 1),
                Some("second" | "minute" | "secondo" | "minuto" | "millisecond" | "millisecondo")
            )
        {
            return Some(skipped + 2);
        }
        if tokens.get(skipped).is_some_and(|token| token.is_sign('/'))
            && matches!(word(skipped + 1), Some("s" | "sec" | "min"))
        {
            return Some(skipped + 2);
        }
    }
    None
}

fn after_words(word: &str, tokens: &[Spotted], at: usize, words: &Words, lexicon: &Lexicon) -> Option<usize> {
    let (value, length, part) = words.read(&tokens[at..])?;
    if word.ends_with("fold") && length == 1 {
        // "Tenfold" needs nothing after it, but "the reason is twofold".
        let manner = at > 0 && matches!(tokens[at - 1].word(), Some("is" | "are" | "was" | "were"));
        return (value > 2.0 || !manner).then_some(at + 1);
    }
    let next = at + length;
    let rest = tokens.get(next..)?;
    if value >= 2.0
        && let Some(length) = rate(rest)
    {
        return Some(next + length);
    }
    // "Every ten seconds" is a choice.
    let period = at > 0 && matches!(tokens[at - 1].word(), Some("every" | "ogni"));
    if let Some(length) = unit_in_words(word, value, rest).filter(|_| !period) {
        return Some(next + length);
    }
    let follows = |n: usize| rest.get(n).and_then(Spotted::word);
    let end = match (follows(0), follows(1)) {
        // "Three times a second" is a rate, "three times as much" a ratio, "it runs three times" neither.
        (Some("times" | "volte"), _) => (lexicon.is_factor(tokens, at, next + 1)).then_some(next + 1),
        (Some("percent"), _) => Some(next + 1),
        (Some("per"), Some("cent" | "cento")) => Some(next + 2),
        // "Two and a half times", "due volte e mezzo" (the latter is found at "due volte").
        (Some("and"), Some("a")) if follows(2) == Some("half") && follows(3) == Some("times") => Some(next + 4),
        _ if rest.first().is_some_and(|token| token.is_sign('%')) => Some(next + 1),
        // "A third of the time", but not "a quarter of an hour".
        (Some("of" | "di" | "del" | "dello" | "della" | "dell" | "dei" | "degli" | "delle"), second) if part => {
            (!matches!(second, Some("an" | "hour" | "ora"))).then_some(next + 1)
        }
        _ => None,
    };
    // "Many times", "at times" have no number; "one time" and "una volta" tell no ratio.
    end
}

/// How many tokens say a unit behind a number in words: "ten milliseconds", "half a second", "mezzo secondo". Minutes and hours are how
/// people talk, one second may be the second of several, and "two seconds" are two units where "two second" is not.
fn unit_in_words(first: &str, value: f64, rest: &[Spotted]) -> Option<usize> {
    let half = matches!(first, "half" | "mezzo" | "mezza");
    let skipped = usize::from(half && rest.first().and_then(Spotted::word) == Some("a"));
    let (Measure::Unit(factor), length) = numeral::measure(rest.get(skipped..)?) else {
        return None;
    };
    let hyphened = rest[skipped].is_sign('-');
    let word = rest[skipped + length - 1].word()?;
    let spelt = word.len() > 3;
    let plural = word.ends_with(['s', 'i']) || word.ends_with("byte");
    let everyday = factor >= 60.0 && !word.ends_with("byte") && !word.ends_with("bytes");
    let fits = half || (value >= 2.0 && (plural || hyphened));
    (spelt && fits && !everyday).then_some(skipped + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn found(text: &str, language: &str) -> Vec<String> {
        bare_numbers(Path::new("src/a.md"), text, language)
            .into_iter()
            .map(|diagnostic| diagnostic.message.split('"').nth(1).unwrap().to_owned())
            .collect()
    }

    #[test]
    fn a_text_full_of_them_takes_linear_time() {
        // Quadratic time would take a minute here.
        let started = std::time::Instant::now();
        let diagnostics = bare_numbers(Path::new("src/a.md"), &"5 %\n".repeat(60_000), "en");
        assert_eq!((diagnostics.len(), diagnostics[59_999].line), (60_000, 60_000));
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    #[test]
    fn english_numbers_that_look_measured_are_found() {
        for (text, expected) in [
            ("Tokio is 2.5x faster.", "2.5x"),
            ("It takes 3 s.", "3 s"),
            ("It takes 1.3 kB per task.", "1.3 kB"),
            ("A ratio of 2.4×, no more.", "2.4×"),
            ("It answers in 24 µs.", "24 µs"),
            ("It answers in 120ms.", "120ms"),
            ("It serves 41,420 requests per second.", "41,420 requests per second"),
            ("It serves 41,420 req/s.", "41,420 req/s"),
            ("About 12 % of the time.", "12 %"),
            ("About 12 percent.", "12 percent"),
            ("It is three times as fast.", "three times"),
            ("It is two and a half times as fast.", "two and a half times"),
            ("It is ten\ntimes as fast.", "ten times"),
            ("It is twice as fast.", "twice as"),
            ("It needs half the memory.", "half the"),
            ("A tenfold gain.", "tenfold"),
            ("A 10-second nap.", "10-second"),
            ("Between 3 and 6 ms.", "6 ms"),
            ("It was **2.5**× faster.", "2.5**×"),
            ("Twenty percent less.", "Twenty percent"),
            ("A third of the CPU.", "A third of"),
            ("| a |\n|---|\n| 3 ms |", "3 ms"),
            ("# It takes 3 ms {#a}", "3 ms"),
            ("{{#figure echo cpu}}It takes 3 ms.{{/figure}}", "3 ms"),
        ] {
            assert_eq!(found(text, "en"), [expected], "{text}");
        }
    }

    #[test]
    fn english_numbers_of_other_kinds_are_left_alone() {
        for text in [
            "Python 3.11 came in 2022.",
            "See chapter 21 and table 3.",
            "One of the 200 connections waits.",
            "The server has 2 cores and 10,000 tasks.",
            "In the 1990s, threads were new.",
            "Version 1.95.0 of rustc and PEP 703.",
            "It runs on x86 and speaks UTF-8 and HTTP/1.1.",
            "Run it twice, many times, at times.",
            "The first time and the second one.",
            "Half an hour later, one second thought.",
            "It is a 2 x 3 matrix.",
            "`sleep(3)` naps for `3 s`.",
            "[three naps](x.md#3-ms) and ![2](3s.png)",
            "<b title=\"3 ms\">x</b>",
            "```text\n3 ms\n```",
            "It takes {{#measured echo.tokio.cpu}}, {{#param echo.nap}} or {{#number 3 ms | by definition}}.",
            "{{#claim echo.asyncio/tokio.cpu >=3}}three times{{/claim}} as much.",
            "{{#figure echo cpu}}With {{#param echo.nap}}.{{/figure}}",
            "<!-- 3 ms -->",
            "Three programs wait for 3 peers.",
            "A quarter of an hour.",
            "# Waits {#in-3-ms}",
        ] {
            assert_eq!(found(text, "en"), [""; 0], "{text}");
        }
    }

    #[test]
    fn italian_numbers_that_look_measured_are_found() {
        for (text, expected) in [
            ("Tokio è 2,5 volte più veloce.", "2,5 volte"),
            ("Ci mette 3 s.", "3 s"),
            ("Ci mette 3 secondi.", "3 secondi"),
            ("Ogni task prende 1,3 kB.", "1,3 kB"),
            ("Un rapporto di 2,4×.", "2,4×"),
            ("Risponde in 24 µs.", "24 µs"),
            ("Serve 41.420 richieste al secondo.", "41.420 richieste al secondo"),
            ("Serve 41.420 richieste/s.", "41.420 richieste/s"),
            ("Circa il 12 % del tempo.", "12 %"),
            ("Circa il 12 per cento.", "12 per cento"),
            ("È tre volte più veloce.", "tre volte"),
            ("È dieci\nvolte più veloce.", "dieci volte"),
            ("Costa due volte e mezzo.", "due volte"),
            ("Costa il doppio.", "il doppio"),
            ("Basta la metà della memoria.", "la metà"),
            ("Costa meno della metà.", "meno della metà"),
            ("Il venti per cento in meno.", "venti per cento"),
            ("Un terzo della CPU.", "Un terzo della"),
            ("Da 3 a 6 ms.", "6 ms"),
            ("Fino a duecentocinquanta volte.", "duecentocinquanta volte"),
        ] {
            assert_eq!(found(text, "it"), [expected], "{text}");
        }
    }

    #[test]
    fn italian_numbers_of_other_kinds_are_left_alone() {
        for text in [
            "Python 3.11 è uscito nel 2022.",
            "Vedi il capitolo 21 e la tabella 3.",
            "Una delle 200 connessioni aspetta.",
            "Il server ha 2 core e 10.000 task.",
            "Negli anni 90 i thread erano nuovi.",
            "C'era una volta un thread, e un'altra volta due.",
            "La prima volta e il secondo programma.",
            "A metà strada.",
            "Un quarto d'ora dopo.",
            "Molte volte, più volte, a volte, nel mezzo della metà campo.",
            "`sleep(3)` dorme `3 s`.",
            "{{#measured echo.tokio.cpu}} al secondo.",
            "{{#claim echo.asyncio/tokio.cpu >=3}}tre volte{{/claim}} tanto.",
            "Tre programmi aspettano 3 altri.",
            "Un secondo programma, un terzo ancora.",
            "La versione 1.95.0 di rustc.",
        ] {
            assert_eq!(found(text, "it"), [""; 0], "{text}");
        }
    }

    #[test]
    fn english_ratios_in_words_are_told_from_occasions() {
        for (text, expected) in [
            (
                "The same work takes three times as long in the interpreter.",
                "three times",
            ),
            ("Streams cost two times more than a protocol.", "two times"),
            ("A task weighs ten times what a future does.", "ten times"),
            ("It needs four times asyncio's CPU.", "four times"),
            ("On two cores the rate is about twice that of one.", "twice"),
            ("The second loop costs nearly twice.", "twice"),
            ("Tokio answers at three times the rate.", "three times"),
            ("It came out slower, by three times at least.", "three times"),
            (
                "| program | cost |\n|---|---|\n| asyncio | three times |",
                "three times",
            ),
            ("It starts in half the time.", "half the"),
            ("The loop halves the time of a request.", "halves"),
            ("With uvloop, throughput doubles.", "doubles"),
            ("It cuts the latency by half.", "by half"),
            ("A future is smaller by an order of magnitude.", "an order of magnitude"),
            ("They differ by two orders of magnitude.", "orders of magnitude"),
            ("The gain is tenfold.", "tenfold"),
            ("The gap is threefold.", "threefold"),
            ("It wins by a factor of three.", "factor of three"),
            ("It wins by a factor of 3.", "factor of 3"),
            ("Threads cost hundreds of times more.", "hundreds of times"),
            (
                "It serves forty thousand requests per second.",
                "forty thousand requests per second",
            ),
            ("The timer fires three times a second.", "three times a second"),
            ("A nap of ten milliseconds.", "ten milliseconds"),
            ("It wakes up half a second late.", "half a second"),
            ("The task takes two hundred bytes.", "two hundred bytes"),
            ("A three-second nap.", "three-second"),
            ("It is 2.5x faster and three programs long.", "2.5x"),
            ("Every task holds 1.3 kB, and no more.", "1.3 kB"),
            ("It is half as fast.", "half as"),
        ] {
            assert_eq!(found(text, "en"), [expected], "{text}");
        }
        for text in [
            "Every program runs twice, and the order is random.",
            "The control runs twice in every round.",
            "The callback is called three times, once per connection.",
            "Poll it three times and it is ready.",
            "It retries three times, then gives up.",
            "asyncio copies the bytes twice, Tokio once.",
            "Do this two or three times and take the median.",
            "We wrote the same server three times: with threads, streams and a protocol.",
            "Awaiting a coroutine twice raises an error.",
            "The key is hashed two times per request.",
            "The message arrives thousands of times before anybody reads it.",
            "The buffer doubles when it is full.",
            "The list doubles its capacity.",
            "The buffer doubles each time, or every time at most.",
            "Both halves of the channel are dropped.",
            "The second half of the chapter is about pools.",
            "The other half of the answer stands in the runtime.",
            "The reason is twofold.",
            "Only the order of magnitude matters.",
            "One factor of many is the kernel.",
            "Two servers need a second loop.",
            "Ten minutes later, half an hour at most, the build is done.",
            "A second task waits for one second more.",
            "Every ten seconds it stands still.",
            "Two second thoughts.",
            "It was halved a second time.",
            "Three futures wait for two sockets.",
        ] {
            assert_eq!(found(text, "en"), [""; 0], "{text}");
        }
    }

    #[test]
    fn italian_ratios_in_words_are_told_from_occasions() {
        for (text, expected) in [
            ("Lo stesso lavoro dura tre volte tanto nell'interprete.", "tre volte"),
            (
                "Gli stream costano due volte quello che costa un protocollo.",
                "due volte",
            ),
            ("Con asyncio la CPU è due volte quella di Tokio.", "due volte"),
            ("Un task occupa dieci volte la memoria di una future.", "dieci volte"),
            ("Qui il ciclo di eventi costa due volte.", "due volte"),
            ("È più lento di tre volte.", "tre volte"),
            ("Il server regge almeno tre volte.", "tre volte"),
            ("Da due a tre volte, secondo la macchina.", "tre volte"),
            ("Costa una volta e mezza.", "una volta e mezza"),
            ("Servono due volte e mezzo i byte di prima.", "due volte"),
            ("Va due volte più piano.", "due volte"),
            ("Il sovraccarico è due volte superiore.", "due volte"),
            ("| asyncio | tre volte |\n|---|---|\n| a | b |", "tre volte"),
            ("Bastano la metà dei cicli.", "la metà"),
            ("Ne usa la metà.", "la metà"),
            ("Parte in metà tempo.", "metà"),
            ("Metà della CPU se ne va nel parser.", "Metà"),
            ("Riduce a metà il tempo di risposta.", "metà"),
            ("Ci mette la metà di Tokio.", "la metà"),
            ("Prende la metà rispetto ai thread.", "la metà"),
            ("In un terzo del tempo.", "un terzo del"),
            ("Un quarto dell'energia va alla radio.", "Un quarto dell"),
            ("Il consumo è il doppio.", "il doppio"),
            ("Costa il doppio anche qui.", "il doppio"),
            ("Va a velocità doppia.", "doppia"),
            ("Risponde dopo mezzo secondo.", "mezzo secondo"),
            ("Aspetta dieci millisecondi.", "dieci millisecondi"),
            ("uvloop dimezza i tempi.", "dimezza"),
            ("Un time-out più corto non dimezza l'attesa.", "dimezza"),
            ("Un thread vuole due megabyte di stack.", "due megabyte"),
            ("Ci vuole il triplo del tempo.", "il triplo"),
            ("Con più connessioni la latenza triplica.", "triplica"),
            ("Le latenze sono raddoppiate.", "raddoppiate"),
            ("È più piccola di un ordine di grandezza.", "un ordine di grandezza"),
            ("Differiscono di due ordini di grandezza.", "ordini di grandezza"),
            ("Vince per un fattore tre.", "fattore tre"),
            ("Vince per un fattore di 3.", "fattore di 3"),
            ("I thread costano centinaia di volte di più.", "centinaia di volte"),
            (
                "Serve quarantamila richieste al secondo.",
                "quarantamila richieste al secondo",
            ),
            ("Il timer scatta tre volte al secondo.", "tre volte al secondo"),
        ] {
            assert_eq!(found(text, "it"), [expected], "{text}");
        }
        for text in [
            "Ogni programma gira due volte, in ordine casuale.",
            "Il controllo gira due volte in ogni giro.",
            "La callback viene chiamata tre volte, una per connessione.",
            "Legge due volte il file e poi lo chiude.",
            "Abbiamo scritto tre volte lo stesso server: con i thread, con gli stream, con un protocollo.",
            "Attendere due volte la stessa coroutine è un errore.",
            "Per due volte il messaggio si perde.",
            "La chiave si calcola due volte per richiesta.",
            "Il messaggio arriva migliaia di volte prima che qualcuno lo legga.",
            "Il task viene interrotto a metà di una scrittura.",
            "A metà del lavoro il server si chiude.",
            "Non tagliare a metà una stringa.",
            "Nella seconda metà del capitolo tocca ai pool.",
            "L'altra metà della risposta sta nel runtime.",
            "La metà dei programmi non ha bisogno di un runtime.",
            "Il doppio ciclo scorre prima le righe.",
            "Il buffer raddoppia quando è pieno, e nello stesso tempo si svuota.",
            "Un doppio controllo non guasta.",
            "Chiamala due volte: la seconda volta solleva un errore.",
            "Riprova tre volte, poi rinuncia.",
            "Quella metà del programma resta sincrona.",
            "Conta solo l'ordine di grandezza.",
            "Un fattore tra molti è il kernel.",
            "Un terzo programma aspetta il quarto.",
            "Ogni dieci secondi resta fermo.",
            "Nel mezzo, un secondo task aspetta un secondo.",
            "Dopo dieci minuti, al massimo mezz'ora, la compilazione è finita.",
            "Due programmi su tre aspettano.",
        ] {
            assert_eq!(found(text, "it"), [""; 0], "{text}");
        }
    }

    #[test]
    fn the_line_and_every_way_out_are_named() {
        let diagnostics = bare_numbers(Path::new("src/a.md"), "a\n\nb\nc 3 ms", "en");
        assert_eq!(diagnostics[0].line, 4);
        for way in ["measured", "claim", "param", "cited", "number"] {
            assert!(diagnostics[0].help.contains(&format!("{{{{#{way}")), "{way}");
        }
    }

    #[test]
    fn a_source_is_checked_for_everything_at_once() {
        let text = "# A {{#param echo.nap}}\n\n{{#measured echo.tokio.cup}} in 3 ms, {{#frobnicate x}}.\n\n{{#claim echo.asyncio/tokio.cpu >=3}}four times{{/claim}}\n";
        let context = fixture::context(fixture::english());
        let seen: Vec<(usize, String)> = check_source(Path::new("src/a.md"), text, &context)
            .into_iter()
            .map(|diagnostic| (diagnostic.line, diagnostic.message))
            .collect();
        let expected = [
            (1, "heading"),
            (3, "3 ms"),
            (3, "no directive `frobnicate`"),
            (3, "no metric in `echo` `cup`"),
            (5, "the words say \"four times\""),
        ];
        assert_eq!(seen.len(), expected.len(), "{seen:?}");
        for ((line, message), (expected_line, part)) in seen.iter().zip(expected) {
            assert!(
                *line == expected_line && message.contains(part),
                "{part} in {message} at {line}"
            );
        }
    }

    #[test]
    fn whatever_the_text_checking_it_ends_well() {
        let odd = [
            "{{#measured echo.tokio.cpu}}",
            "{{#claim echo.asyncio/tokio.cpu >=3}}",
            "{{/claim}}",
            "{{#figure echo gantt messages}}",
            "{{/figure}}",
            "{{#number | }}",
            "3 ms",
            "&hellip;½×",
            "\"... è",
            "**",
            "`",
            "\n\n",
            "\n- ",
            "\n> ",
            "|a|\n|-|\n|",
            "<!--",
            "[x](",
            "tre volte e",
            "two hundred and",
            "\u{a0}",
        ];
        let english = fixture::context(fixture::english());
        let italian = fixture::context(fixture::italian());
        for a in odd.iter().step_by(3) {
            for b in odd {
                for c in odd {
                    for (text, context) in [(format!("{a}{b}{c}"), &english), (format!("{c} {b} {a}"), &italian)] {
                        let lines = text.matches('\n').count() + 1;
                        let found = check_source(Path::new("a.md"), &text, context);
                        assert!(found.iter().all(|d| (1..=lines).contains(&d.line)), "{found:?}");
                    }
                }
            }
        }
    }
}
