//! Ratios said in words: "three times as fast", "half the memory", "dimezza i tempi".
//!
//! The same words count occasions ("it runs three times") and parts ("a metà del capitolo"). What tells them apart is what stands around
//! them: something to compare with, a verb of costing, a measured quantity. Where that leaves a doubt ("at least three times"), the
//! words count as a ratio: a writer who means something else can say so with `{{#number ...}}`, a reader cannot.

use crate::numeral::Words;
use crate::prose::{Spotted, Token};

/// The words by which a language compares.
pub struct Lexicon {
    /// What is measured.
    quantities: &'static [&'static str],
    /// Behind "three times" these compare.
    compares: &'static [&'static str],
    /// Before "three times" or "the half" these do: being and costing, and how nearly.
    weighs: &'static [&'static str],
    /// Some words before "three times": "faster by three times".
    comparatives: &'static [&'static str],
    /// Behind "three times", where a quantity follows: "due volte il tempo".
    articles: &'static [&'static str],
    /// Ratios without more ado.
    idioms: &'static [&'static [&'static str]],
    /// Verbs and adjectives that say a ratio of a quantity near them.
    multiplies: &'static [&'static str],
    /// Plural counts: "hundreds of times".
    crowds: &'static [&'static str],
    /// "A factor of three".
    factor: &'static str,
    of: &'static [&'static str],
}

const NONE: Lexicon = Lexicon {
    quantities: &[],
    compares: &[],
    weighs: &[],
    comparatives: &[],
    articles: &[],
    idioms: &[],
    multiplies: &[],
    crowds: &[],
    factor: "",
    of: &[],
};

const ENGLISH: Lexicon = Lexicon {
    quantities: &[
        "time",
        "cpu",
        "memory",
        "cost",
        "costs",
        "price",
        "latency",
        "latencies",
        "throughput",
        "rate",
        "speed",
        "energy",
        "bandwidth",
        "duration",
        "load",
        "work",
        "seconds",
        "milliseconds",
        "microseconds",
        "bytes",
        "cycles",
        "instructions",
        "wait",
        "waits",
        "overhead",
        "footprint",
        "traffic",
        "performance",
        "consumption",
    ],
    compares: &[
        "as", "more", "less", "fewer", "faster", "slower", "quicker", "cheaper", "dearer", "larger", "bigger",
        "greater", "smaller", "longer", "shorter", "higher", "lower", "better", "worse", "heavier", "lighter", "the",
        "that", "those", "what", "its", "their", "our", "over",
    ],
    weighs: &[
        "is",
        "are",
        "was",
        "were",
        "be",
        "costs",
        "cost",
        "takes",
        "take",
        "took",
        "grows",
        "grew",
        "by",
        "to",
        "than",
        "about",
        "around",
        "roughly",
        "nearly",
        "almost",
        "approximately",
        "least",
        "most",
        "over",
        "under",
        "exceeds",
    ],
    comparatives: &[
        "more", "less", "faster", "slower", "quicker", "cheaper", "dearer", "larger", "smaller", "longer", "shorter",
        "higher", "lower", "better", "worse",
    ],
    articles: &[],
    idioms: &[
        &["twice", "as"],
        &["twice", "the"],
        &["half", "the"],
        &["half", "as"],
        &["half", "of", "the"],
        &["half", "that"],
        &["half", "its"],
        &["half", "what"],
        &["by", "half"],
        &["double", "the"],
        &["triple", "the"],
        &["an", "order", "of", "magnitude"],
        &["one", "order", "of", "magnitude"],
        &["orders", "of", "magnitude"],
    ],
    multiplies: &[
        "halve",
        "halves",
        "halved",
        "halving",
        "double",
        "doubles",
        "doubled",
        "doubling",
        "triple",
        "triples",
        "tripled",
        "tripling",
        "quadruple",
        "quadruples",
        "quadrupled",
        "quadrupling",
    ],
    crowds: &["dozens", "hundreds", "thousands"],
    factor: "factor",
    of: &["of"],
};

const ITALIAN: Lexicon = Lexicon {
    quantities: &[
        "tempo",
        "tempi",
        "cpu",
        "memoria",
        "ram",
        "costo",
        "costi",
        "prezzo",
        "prezzi",
        "latenza",
        "latenze",
        "throughput",
        "ritmo",
        "velocità",
        "energia",
        "banda",
        "durata",
        "durate",
        "carico",
        "lavoro",
        "secondi",
        "millisecondi",
        "microsecondi",
        "byte",
        "istruzioni",
        "richieste",
        "spazio",
        "attesa",
        "attese",
        "overhead",
        "consumo",
        "consumi",
        "traffico",
        "prestazioni",
        "spesa",
    ],
    compares: &[
        "più",
        "meno",
        "tanto",
        "tanta",
        "tanti",
        "tante",
        "quanto",
        "quanta",
        "quanti",
        "quante",
        "quello",
        "quella",
        "quelli",
        "quelle",
        "maggiore",
        "maggiori",
        "superiore",
        "superiori",
        "inferiore",
        "inferiori",
        "minore",
        "minori",
        "migliore",
        "migliori",
        "peggiore",
        "peggiori",
        "meglio",
        "peggio",
        "altrettanto",
        "rispetto",
    ],
    weighs: &[
        "è",
        "sono",
        "era",
        "erano",
        "costa",
        "costano",
        "costava",
        "impiega",
        "impiegano",
        "mette",
        "mettono",
        "usa",
        "usano",
        "consuma",
        "consumano",
        "spende",
        "spendono",
        "richiede",
        "richiedono",
        "occupa",
        "occupano",
        "dura",
        "durano",
        "vale",
        "valgono",
        "cresce",
        "crescono",
        "scende",
        "scendono",
        "basta",
        "bastano",
        "supera",
        "superano",
        "circa",
        "quasi",
        "almeno",
        "massimo",
        "oltre",
        "a",
        "di",
    ],
    comparatives: &[
        "più",
        "meno",
        "maggiore",
        "minore",
        "superiore",
        "inferiore",
        "meglio",
        "peggio",
    ],
    articles: &["il", "lo", "la", "l", "i", "gli", "le"],
    idioms: &[
        &["più", "del", "doppio"],
        &["meno", "del", "doppio"],
        &["più", "della", "metà"],
        &["meno", "della", "metà"],
        &["più", "del", "triplo"],
        &["meno", "del", "triplo"],
        &["un", "ordine", "di", "grandezza"],
        &["ordini", "di", "grandezza"],
        &["una", "volta", "e", "mezzo"],
        &["una", "volta", "e", "mezza"],
    ],
    multiplies: &[
        "dimezza",
        "dimezzano",
        "dimezzare",
        "dimezzando",
        "dimezzato",
        "dimezzata",
        "dimezzati",
        "dimezzate",
        "raddoppia",
        "raddoppiano",
        "raddoppiare",
        "raddoppiando",
        "raddoppiato",
        "raddoppiata",
        "raddoppiati",
        "raddoppiate",
        "triplica",
        "triplicano",
        "triplicare",
        "triplicando",
        "triplicato",
        "triplicata",
        "triplicati",
        "triplicate",
        "quadruplica",
        "quadruplicano",
        "quadruplicare",
        "quadruplicato",
        "quadruplicata",
        "decuplica",
        "decuplicano",
        "doppio",
        "doppia",
        "doppi",
        "doppie",
        "triplo",
        "tripla",
        "tripli",
        "triple",
        "quadruplo",
        "quadrupla",
    ],
    crowds: &["decine", "centinaia", "migliaia"],
    factor: "fattore",
    of: &["di", "del", "dello", "della", "dell", "d", "dei", "degli", "delle"],
};

impl Lexicon {
    /// Of a language by its code; of one that is not known, no words at all.
    pub fn of(code: &str) -> &'static Lexicon {
        match code.split('-').next() {
            Some("en") => &ENGLISH,
            Some("it") => &ITALIAN,
            _ => &NONE,
        }
    }

    /// The end of the ratio that begins at `at`, if one does. Numbers of times are for [`Lexicon::is_factor`].
    pub fn ratio(&self, tokens: &[Spotted], at: usize, words: &Words) -> Option<usize> {
        let word = tokens[at].word()?;
        let idiom = self.idioms.iter().find(|idiom| says(tokens, at, idiom));
        if let Some(idiom) = idiom {
            let part = idiom[0] == "half" && before(tokens, at).is_some_and(|word| PARTS.contains(&word));
            return (!part).then_some(at + idiom.len());
        }
        if matches!(word, "twice" | "thrice") {
            return self.is_factor(tokens, at, at + 1).then_some(at + 1);
        }
        if self.crowds.contains(&word)
            && matches!(follows(tokens, at, 1), Some("of" | "di"))
            && matches!(follows(tokens, at, 2), Some("times" | "volte"))
        {
            return self.is_factor(tokens, at, at + 3).then_some(at + 3);
        }
        if word == self.factor {
            let number = at + 1 + usize::from(follows(tokens, at, 1).is_some_and(|word| self.of.contains(&word)));
            let digits = matches!(tokens.get(number).map(|t| &t.token), Some(Token::Number(_)));
            let read = tokens.get(number..).and_then(|rest| words.read(rest));
            let said = read.filter(|(value, _, _)| *value > 1.0).map(|(_, length, _)| length);
            return said.or(digits.then_some(1)).map(|length| number + length);
        }
        self.half(tokens, at)
            .or_else(|| self.multiple(tokens, at))
            .or_else(|| self.changed_quantity(tokens, at))
    }

    /// Whether "three times" from `start` to `end` compares: else it counts occasions.
    pub fn is_factor(&self, tokens: &[Spotted], start: usize, end: usize) -> bool {
        let next = follows(tokens, end, 0);
        let next_compares = next.is_some_and(|word| self.compares.contains(&word)) || self.is_quantity(tokens, end);
        // "Due volte il tempo", but not "legge due volte il file".
        let of_quantity = next.is_some_and(|word| self.articles.contains(&word))
            && (1..=3).any(|n| self.is_quantity(tokens, end + n));
        // "Three times CPython's": a name and its genitive.
        let of_owner = (1..=2).any(|n| {
            tokens.get(end + n).is_some_and(|t| t.is_sign('\'') || t.is_sign('’'))
                && tokens
                    .get(end + n + 1)
                    .is_some_and(|t| t.glued && t.word() == Some("s"))
        });
        let and_a_half = says(tokens, end, &["e", "mezzo"]) || says(tokens, end, &["e", "mezza"]);
        let instead = says(tokens, end, &["in", "più"]) || says(tokens, end, &["in", "meno"]);
        if next_compares || of_quantity || of_owner || and_a_half || instead {
            return true;
        }
        // Alone in a cell or heading, nothing else can tell.
        let opens = start == 0 || tokens[start - 1].token == Token::Break;
        let closes = tokens.get(end).is_none_or(|t| t.token == Token::Break);
        if opens && closes {
            return true;
        }
        before(tokens, start).is_some_and(|word| self.weighs.contains(&word))
            || clause_before(tokens, start, 3)
                .filter_map(|near| tokens[near].word())
                .any(|word| self.comparatives.contains(&word))
    }

    /// Whether the word at `at` names what is measured. "Every time" and "nello stesso tempo" do not.
    fn is_quantity(&self, tokens: &[Spotted], at: usize) -> bool {
        const OCCASIONS: &[&str] = &[
            "first", "second", "third", "next", "last", "each", "every", "this", "that", "any", "one", "same", "some",
            "a", "in", "on", "stesso", "per", "da", "primo",
        ];
        let named = follows(tokens, at, 0).is_some_and(|word| self.quantities.contains(&word));
        let time = matches!(follows(tokens, at, 0), Some("time" | "tempo"));
        named && !(time && before(tokens, at).is_some_and(|word| OCCASIONS.contains(&word)))
    }

    /// Italian "metà" and "la metà", which is also the middle, and a half of anything.
    fn half(&self, tokens: &[Spotted], at: usize) -> Option<usize> {
        let article = matches!(tokens[at].word(), Some("la" | "alla" | "della"));
        let half = at + usize::from(article);
        if follows(tokens, half, 0) != Some("metà") {
            return None;
        }
        let end = half + 1;
        let previous = before(tokens, at);
        if !article && previous.is_some_and(|word| PARTS.contains(&word)) {
            return None;
        }
        let next = follows(tokens, end, 0);
        let halfway = !article && previous == Some("a");
        if halfway {
            // "Riduce a metà il tempo", "a metà prezzo"; but "a metà del lavoro", "a metà strada".
            let skipped = usize::from(next.is_some_and(|word| self.articles.contains(&word)));
            return self.is_quantity(tokens, end + skipped).then_some(end);
        }
        if self.is_quantity(tokens, end) {
            return Some(end);
        }
        if article {
            let weighed = previous.is_some_and(|word| self.weighs.contains(&word) && word != "di" && word != "a");
            let closes = tokens
                .get(end)
                .is_none_or(|t| matches!(t.token, Token::Break | Token::Sign(_)));
            // "L'unità della metà" is no more than a genitive.
            let alone = closes && tokens[at].word() != Some("della");
            if weighed || alone {
                return Some(end);
            }
        }
        let of = next.is_some_and(|word| self.of.contains(&word));
        // "Dell'energia" has an apostrophe between.
        let compared = (1..=3).any(|n| {
            let of_that =
                follows(tokens, end, n).is_some_and(|word| self.compares.contains(&word) || PROGRAMS.contains(&word));
            let of_code = tokens.get(end + n).is_some_and(|t| t.token == Token::Opaque);
            self.is_quantity(tokens, end + n) || (n == 1 && (of_that || of_code))
        });
        let than = matches!(next, Some("rispetto"));
        ((of && compared) || than).then_some(end)
    }

    /// Italian "il doppio", which is also an adjective: "il doppio ciclo".
    fn multiple(&self, tokens: &[Spotted], at: usize) -> Option<usize> {
        const FUNCTION: &[&str] = &[
            "rispetto", "più", "meno", "in", "e", "ed", "o", "che", "quando", "se", "con", "su", "per", "a", "al",
            "alla", "da", "ma", "come", "circa", "non", "anche", "solo", "già", "qui", "ormai", "perché", "mentre",
            "dove",
        ];
        let article = matches!(tokens[at].word(), Some("il" | "al"));
        if !article || !matches!(follows(tokens, at, 1), Some("doppio" | "triplo" | "quadruplo")) {
            return None;
        }
        let noun = follows(tokens, at, 2).is_some_and(|word| !FUNCTION.contains(&word) && !self.of.contains(&word))
            && !self.is_quantity(tokens, at + 2);
        let weighed = before(tokens, at).is_some_and(|word| self.weighs.contains(&word));
        (weighed || !noun).then_some(at + 2)
    }

    /// "Halves the time", "la latenza raddoppia", "velocità doppia": of a quantity, not of a buffer.
    fn changed_quantity(&self, tokens: &[Spotted], at: usize) -> Option<usize> {
        let word = tokens[at].word()?;
        if !self.multiplies.contains(&word) {
            return None;
        }
        clause_after(tokens, at + 1, 3)
            .chain(clause_before(tokens, at, 3))
            .any(|near| self.is_quantity(tokens, near))
            .then_some(at + 1)
    }
}

/// Before a half, these make it a part of a thing: "the second half of the chapter".
const PARTS: &[&str] = &[
    "first", "second", "other", "latter", "former", "each", "last", "prima", "seconda", "altra", "ultima", "ogni",
    "ciascuna",
];

/// What is measured here, by name.
const PROGRAMS: &[&str] = &[
    "asyncio", "tokio", "uvloop", "python", "cpython", "rust", "go", "node", "httpx", "aiohttp", "requests", "reqwest",
    "hyper", "axum", "fastapi", "trio", "smol",
];

fn says(tokens: &[Spotted], at: usize, words: &[&str]) -> bool {
    words
        .iter()
        .enumerate()
        .all(|(n, word)| follows(tokens, at, n) == Some(*word))
}

/// The word `n` tokens behind `at`.
fn follows(tokens: &[Spotted], at: usize, n: usize) -> Option<&str> {
    tokens.get(at + n).and_then(Spotted::word)
}

/// The word just before `at`.
fn before(tokens: &[Spotted], at: usize) -> Option<&str> {
    tokens[..at].last().and_then(Spotted::word)
}

/// Places of up to `most` words before `at`, nearest first, as far as no sign ends the clause.
fn clause_before(tokens: &[Spotted], at: usize, most: usize) -> impl Iterator<Item = usize> {
    clause(tokens, (0..at).rev(), most)
}

/// Places of up to `most` words from `at` on, likewise.
fn clause_after(tokens: &[Spotted], at: usize, most: usize) -> impl Iterator<Item = usize> {
    clause(tokens, at..tokens.len(), most)
}

fn clause(tokens: &[Spotted], places: impl Iterator<Item = usize>, most: usize) -> impl Iterator<Item = usize> {
    // "L'attesa" is two words with a sign between them.
    let elision = |at: usize| tokens[at].is_sign('\'') || tokens[at].is_sign('’');
    places
        .take_while(move |at| tokens[*at].word().is_some() || elision(*at))
        .filter(move |at| tokens[*at].word().is_some())
        .take(most)
}
