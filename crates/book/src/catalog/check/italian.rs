//! Italian: accents, apostrophes, the forms of articles.
//!
//! Only what can be decided by the word and its neighbour is decided. Sounds follow the usual grammar (Serianni, *Italiano*, IV):
//! `lo`, `gli`, `uno` before z, x, gn, ps and s with a consonant; an elided form before a vowel.

mod number;

use super::finding::Notes;
use super::grammar::{Gender, Grammar, Whole};
use super::text::{OPAQUE, VALUE, Visible, Word};

pub(super) struct Italian;

impl Grammar for Italian {
    fn elisions(&self) -> &'static [&'static str] {
        &[
            "l", "un", "d", "c", "s", "n", "m", "t", "v", "dell", "all", "dall", "nell", "sull", "coll", "quest",
            "quell", "nessun", "ciascun", "qualcun", "com", "dov", "cos", "anch", "quant", "tutt", "senz", "mezz",
            "bell", "altr", "qualcos", "gl", "pover", "sant", "grand", "neanch", "nient",
        ]
    }

    fn check(&self, visible: &Visible, notes: &mut Notes<'_>) {
        accents(visible, notes);
        articles(visible, notes);
    }

    fn before_number(&self, word: &str, number: Whole) -> Option<Vec<&'static str>> {
        number::forms(word, number)
    }

    fn gender(&self, article: &str) -> Option<Gender> {
        const MASCULINE: &[&str] = &[
            "il", "lo", "i", "gli", "un", "uno", "del", "dello", "dei", "degli", "al", "allo", "ai", "agli", "dal",
            "dallo", "dai", "dagli", "nel", "nello", "nei", "negli", "sul", "sullo", "sui", "sugli", "quel", "quello",
            "quei", "quegli", "questo", "questi", "nessun", "alcun",
        ];
        const FEMININE: &[&str] = &[
            "la", "le", "una", "un'", "della", "delle", "alla", "alle", "dalla", "dalle", "nella", "nelle", "sulla",
            "sulle", "quella", "quelle", "questa", "queste", "nessuna", "alcuna",
        ];
        if MASCULINE.contains(&article) {
            Some(Gender::Masculine)
        } else if FEMININE.contains(&article) {
            Some(Gender::Feminine)
        } else {
            None
        }
    }
}

/// Words that are written with an accent. Classes of words are in [`ACCENTED`].
const PLAIN: &[(&str, &str)] = &[
    ("e", "è"),
    ("piu", "più"),
    ("gia", "già"),
    ("puo", "può"),
    ("cio", "ciò"),
    ("giu", "giù"),
    ("la", "là"),
    ("li", "lì"),
    ("si", "sì"),
    ("ne", "né"),
    ("se", "sé"),
    ("cosi", "così"),
    ("bensi", "bensì"),
    ("cioe", "cioè"),
    ("caffe", "caffè"),
    ("pero", "però"),
    ("lunedi", "lunedì"),
    ("martedi", "martedì"),
    ("mercoledi", "mercoledì"),
    ("giovedi", "giovedì"),
    ("venerdi", "venerdì"),
];

/// Endings of words of four letters and more that have their accent there: qualità, perché, ventitré, sarà, farò, laggiù, virtù.
const ACCENTED: &[(&str, char)] = &[
    ("ta", 'à'),
    ("che", 'é'),
    ("ntitre", 'é'),
    ("tatre", 'é'),
    ("ra", 'à'),
    ("ero", 'ò'),
    ("aro", 'ò'),
    ("giu", 'ù'),
    ("irtu", 'ù'),
];

/// Words whose final accent is wrong or should not be there. Classes of words are in [`with_right_accent`].
const WRONG: &[(&str, &str)] = &[
    ("é", "è"),
    ("cioé", "cioè"),
    ("caffé", "caffè"),
    ("té", "tè"),
    ("ahimé", "ahimè"),
    ("nè", "né"),
    ("sè", "sé"),
    ("pò", "po'"),
    ("quì", "qui"),
    ("quà", "qua"),
    ("sù", "su"),
    ("nò", "no"),
    ("fà", "fa"),
    ("fù", "fu"),
    ("sò", "so"),
    ("stà", "sta"),
    ("và", "va"),
    ("sà", "sa"),
    ("trè", "tre"),
    ("tré", "tre"),
];

fn accents(visible: &Visible, notes: &mut Notes<'_>) {
    let text = &visible.text;
    let mut quoted = false;
    let mut seen = 0;
    for word in visible.words() {
        let before = text[..word.start].chars().next_back().unwrap_or(' ');
        let behind = &text[word.end()..];
        let mut after = behind.chars();
        let apostrophe = matches!(after.next(), Some('\'' | '’'));
        let ends = !after
            .next()
            .is_some_and(|c| c.is_alphanumeric() || c == OPAQUE || c == VALUE);
        // An apostrophe before a word opens a quotation, and one of those behind the words that follow closes it.
        let marks = text[seen..word.start]
            .chars()
            .filter(|c| matches!(c, '\'' | '‘'))
            .count();
        quoted |= matches!(before, '\'' | '‘')
            && marks > 0
            && !text[..word.start - before.len_utf8()].ends_with(char::is_alphanumeric);
        seen = word.end();
        let lower = word.text.to_lowercase();
        let at = visible.origin(word.start);
        if apostrophe && ends {
            if quoted {
                quoted = false;
            } else if let Some(right) = without_apostrophe(&lower) {
                notes.error(
                    "accents",
                    at,
                    format!("`{}'` is written with an apostrophe for an accent", word.text),
                    format!("write `{}`", like(word.text, &right)),
                );
            }
        }
        if let Some(right) = with_right_accent(&lower) {
            notes.error(
                "accents",
                at,
                format!("`{}` has the wrong accent", word.text),
                format!("write `{}`", like(word.text, &right)),
            );
        }
    }
}

/// The word that an apostrophe at its end stands for an accent of; `None` for what is rightly cut short (`po'`, `da'`).
fn without_apostrophe(lower: &str) -> Option<String> {
    if let Some((_, right)) = PLAIN.iter().find(|(wrong, _)| *wrong == lower) {
        return Some((*right).to_owned());
    }
    if lower.chars().count() < 4 {
        return None;
    }
    let (_, accented) = ACCENTED.iter().find(|(ending, _)| lower.ends_with(ending))?;
    Some(format!("{}{accented}", &lower[..lower.len() - 1]))
}

fn with_right_accent(lower: &str) -> Option<String> {
    if let Some((_, right)) = WRONG.iter().find(|(wrong, _)| *wrong == lower) {
        return Some((*right).to_owned());
    }
    // In Italian type à, ì, ò, ù are always grave at the end of a word; -ché and -tré are always acute.
    let (rest, right) = [
        ("chè", "ché"),
        ("trè", "tré"),
        ("á", "à"),
        ("í", "ì"),
        ("ó", "ò"),
        ("ú", "ù"),
    ]
    .iter()
    .find_map(|(wrong, right)| Some((lower.strip_suffix(wrong)?, right)))?;
    Some(format!("{rest}{right}"))
}

/// `right` with the capital of `written`.
fn like(written: &str, right: &str) -> String {
    let mut chars = right.chars();
    match (written.chars().next(), chars.next()) {
        (Some(first), Some(right)) if first.is_uppercase() => right.to_uppercase().chain(chars).collect(),
        _ => right.to_owned(),
    }
}

/// How a word begins, as far as articles care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sound {
    Consonant,
    Vowel,
    /// What takes `lo` and `gli`.
    Strong,
    /// Spoken in more than one way, or as another language does.
    Unknown,
}

fn sound(word: &str) -> Sound {
    // `URL` is read letter by letter, or not.
    if word.chars().skip(1).any(char::is_uppercase) {
        return Sound::Unknown;
    }
    let lower = word.to_lowercase();
    let mut chars = lower.chars();
    let (first, second) = (chars.next(), chars.next());
    let vowel = |c: Option<char>| c.is_some_and(|c| "aeiouàèéìòù".contains(c));
    match first {
        // `lo iato`, `lo user`, `l'host` or `lo host`: not for us to say.
        Some('i') if vowel(second) => Sound::Unknown,
        Some('u' | 'h' | 'j' | 'w' | 'y') => Sound::Unknown,
        // The name of a letter.
        _ if second.is_none() => Sound::Unknown,
        // Read letter by letter: `ssh`; both forms are in use: `pneumatico`; English: `one-shot`.
        _ if !lower.chars().any(|c| vowel(Some(c))) || lower.starts_with("pn") => Sound::Unknown,
        _ if matches!(lower.as_str(), "one" | "once") => Sound::Unknown,
        Some('e') if second == Some('u') => Sound::Unknown,
        c if vowel(c) => Sound::Vowel,
        Some('z' | 'x') => Sound::Strong,
        Some('s') if !vowel(second) && second != Some('y') => Sound::Strong,
        Some('g') if second == Some('n') => Sound::Strong,
        Some('p') if second == Some('s') => Sound::Strong,
        _ => Sound::Consonant,
    }
}

/// Articles that are nothing else, with their forms before a consonant, a vowel, and what takes `lo`. `lo`, `la`, `gli`, `uno`, `una` are
/// pronouns as well and left alone.
const FORMS: &[[&str; 3]] = &[
    ["il", "l'", "lo"],
    ["i", "gli", "gli"],
    ["del", "dell'", "dello"],
    ["dei", "degli", "degli"],
    ["al", "all'", "allo"],
    ["ai", "agli", "agli"],
    ["dal", "dall'", "dallo"],
    ["dai", "dagli", "dagli"],
    ["nel", "nell'", "nello"],
    ["nei", "negli", "negli"],
    ["sul", "sull'", "sullo"],
    ["sui", "sugli", "sugli"],
];

/// Elided words that are nothing else: a blank behind their apostrophe is a slip, not the end of a quotation.
const CUT: &[&str] = &["l", "dell", "all", "dall", "nell", "sull", "quell", "nessun", "ciascun"];

/// Masculine nouns and adjectives in other letters than -o and -ore.
const MASCULINE: &[&str] = &[
    "uomo",
    "event",
    "array",
    "host",
    "executor",
    "async",
    "await",
    "handle",
    "hash",
    "editor",
    "input",
    "output",
    "header",
    "errore",
    "esame",
    "insieme",
    "elenco",
    "enigma",
    "ecosistema",
    "array",
    "overhead",
    "interprete",
    "utente",
];

/// Feminine nouns in -o.
const FEMININE_IN_O: &[&str] = &["auto", "eco", "autoradio", "info"];

fn articles(visible: &Visible, notes: &mut Notes<'_>) {
    let words = visible.words();
    for pair in words.windows(2) {
        let [first, second] = pair else { continue };
        let between = &visible.text[first.end()..second.start];
        let lower = first.text.to_lowercase();
        let next = second.text.to_lowercase();
        let at = visible.origin(first.start);
        // `i/o`, `x-y`, `a.b` are names.
        if visible.text[..first.start].ends_with(['-', '/', '_', '.', ':', '#', '\'']) {
            continue;
        }
        match between {
            "'" | "’" => elided(first, &lower, second, &next, at, notes),
            " " | "\u{a0}" => apart(first, &lower, second, &next, at, notes),
            "' " | "’ " if CUT.contains(&lower.as_str()) => notes.error(
                "articles",
                at,
                format!("a blank behind the apostrophe of `{}'`", first.text),
                format!("write `{}'{}`", first.text, second.text),
            ),
            _ => {}
        }
    }
}

/// `un'` and `qual'` before a word, and elided articles before one that has no vowel.
fn elided(first: &Word<'_>, lower: &str, second: &Word<'_>, next: &str, at: usize, notes: &mut Notes<'_>) {
    if lower == "qual" {
        notes.error(
            "articles",
            at,
            format!("`{}'{}` has no apostrophe in Italian", first.text, second.text),
            format!("write `{} {}`", first.text, second.text),
        );
    } else if lower == "un" && is_masculine(next) {
        notes.error(
            "articles",
            at,
            format!(
                "`{}'{}`: `un'` stands only before feminine words",
                first.text, second.text
            ),
            format!("write `{} {}`", first.text, second.text),
        );
    } else if matches!(lower, "l" | "dell" | "all" | "dall" | "nell" | "sull" | "un" | "quell")
        && matches!(sound(second.text), Sound::Consonant | Sound::Strong)
    {
        notes.error(
            "articles",
            at,
            format!("`{}'{}`: an elision before a consonant", first.text, second.text),
            "write the whole article",
        );
    }
}

/// Words with a blank between them.
fn apart(first: &Word<'_>, lower: &str, second: &Word<'_>, next: &str, at: usize, notes: &mut Notes<'_>) {
    let column = match sound(second.text) {
        Sound::Consonant => 0,
        Sound::Vowel => 1,
        Sound::Strong => 2,
        Sound::Unknown => return,
    };
    let mut wrong = |right: &str| {
        let joined = match right.ends_with('\'') {
            true => format!("{}{}", like(first.text, right), second.text),
            false => format!("{} {}", like(first.text, right), second.text),
        };
        notes.error(
            "articles",
            at,
            format!(
                "`{} {}`: this form of the article does not go before that word",
                first.text, second.text
            ),
            format!("write `{joined}`"),
        );
    };
    if let Some(row) = FORMS.iter().find(|row| row.contains(&lower)) {
        // `gli` and `lo` before a consonant may be pronouns: `gli dice`, `lo fa`.
        if row[column] != lower && !matches!(lower, "gli" | "lo") {
            wrong(row[column]);
        }
    } else if lower == "un" {
        match column {
            2 => wrong("uno"),
            1 if is_feminine(next) => wrong("un'"),
            _ => {}
        }
    }
}

/// Of a word that begins with a vowel, by its ending.
fn is_masculine(lower: &str) -> bool {
    (lower.ends_with('o') && !FEMININE_IN_O.contains(&lower))
        || (lower.ends_with("ore") && !lower.ends_with("iore"))
        || MASCULINE.contains(&lower)
}

/// Of a word that begins with a vowel, by its ending: -a, but not the Greek ones in -ma and those of persons.
fn is_feminine(lower: &str) -> bool {
    let greek = ["ma", "ta", "iatra", "cida", "arca"]
        .iter()
        .any(|ending| lower.ends_with(ending));
    let plain = lower.ends_with("ata")
        || lower.ends_with("uta")
        || lower.ends_with("ita")
        || lower == "offerta"
        || lower == "aperta";
    let masculine = ["extra", "ultra", "alfa", "alpha", "omega", "iota"].contains(&lower);
    (lower.ends_with('a') && !masculine && (!greek || plain))
        || lower.ends_with("zione")
        || lower.ends_with("sione")
        || lower.ends_with("ità")
}

#[cfg(test)]
mod tests {
    use super::super::testing::found_by;
    use super::*;

    fn found(msgstr: &str) -> Vec<String> {
        found_by(|notes| Italian.check(&Visible::of_prose(msgstr), notes), "x", msgstr)
    }

    #[test]
    fn right_italian_is_left_alone() {
        for text in [
            "Cioè, può essere un po' più così; l'unità della metà; là e lì, né sé.",
            "`e'` è codice, la 'e' e 'la metà' anche, come 'quella città' dell'uomo.",
            "un'altra attesa, un altro, un uomo, un'unità, un'auto, un esempio, un'ora, un artista, un problema",
            "lo stream, gli stream, uno script, il thread, i task, gli errori, l'errore, lo zero, lo pseudonimo",
            "gli URL e l'URL, lo fa, gli dice, uno dopo l'altro, la attende, qual è, da' retta, di' di sì",
            "ventitré, perché, trentatré, caffè, virtù, il web, dell'host e dello host, quel che c'è, i/o",
            "un'ulteriore attesa, i quattro 's' e '%s' non, 'd' di, i e o, l'SCdaemon, '=name' e --base'",
            "all'`x` e all'{{#measured a.b.c}}, dei quali, l'ssh, il pneumatico, un extra, un one-shot",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn each_slip_is_found_with_its_remedy() {
        for (text, expected) in [
            ("E' così", "write `È`"),
            ("Perche' no", "write `Perché`"),
            ("la qualita' c'è", "write `qualità`"),
            ("virtu' e", "write `virtù`"),
            ("Sara' vero", "write `Sarà`"),
            ("cosi' no", "write `così`"),
            ("ventitre' volte", "write `ventitré`"),
            ("perchè", "write `perché`"),
            ("benchè", "write `benché`"),
            ("cittá", "write `città`"),
            ("un pò", "write `po'`"),
            ("sè stesso", "write `sé`"),
            ("qual'è", "write `qual è`"),
            ("un'altro", "write `un altro`"),
            ("un'uomo", "write `un uomo`"),
            ("un'errore", "write `un errore`"),
            ("un'event loop", "write `un event`"),
            ("un altra", "write `un'altra`"),
            ("un operazione", "write `un'operazione`"),
            ("un stream", "write `uno stream`"),
            ("il script", "write `lo script`"),
            ("Il attesa", "write `L'attesa`"),
            ("i errori", "write `gli errori`"),
            ("dello task", "write `del task`"),
            ("degli thread", "write `dei thread`"),
            ("l'task", "write the whole article"),
            ("dell' attesa", "write `dell'attesa`"),
        ] {
            let found = found(text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].contains(expected), "expected `{expected}` in {found:?}");
        }
    }
}
