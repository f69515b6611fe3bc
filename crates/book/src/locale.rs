//! What is known of a language before anybody translates into it: its name, its number marks, its plural forms.
//!
//! From CLDR as the ICU4X crates carry it, and from ISO 639 as `isolang` does. Of ICU4X only the parts for numbers, plurals and
//! likely scripts are used, which are small; its names of languages are in a crate of megabytes that calls itself experimental.

use anyhow::{Context, Result, bail, ensure};
use icu_decimal::DecimalFormatter;
use icu_decimal::input::Decimal;
use icu_decimal::options::{DecimalFormatterOptions, GroupingStrategy};
use icu_locale::{LanguageIdentifier, Locale, LocaleCanonicalizer, LocaleExpander, TransformResult};
use icu_plurals::provider::rules::reference::ast::{AndCondition, Operand, Operator, RangeListItem, Relation, Rule};
use icu_plurals::provider::{Baked, PluralsCardinalV1};
use icu_provider::{DataIdentifierBorrowed, DataLocale, DataProvider, DataRequest, DataResponse};
use isolang::Language;

/// What a new language needs; `None` where nobody but a speaker can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// In the form of BCP 47 that everybody uses: `pt-BR`, not `por_br`.
    pub code: String,
    pub english_name: String,
    /// As its speakers write it in a list.
    pub name: Option<String>,
    pub decimal: Option<char>,
    pub thousands: Option<char>,
    /// The value of the field `Plural-Forms` of a catalog.
    pub plural_forms: Option<String>,
}

impl Known {
    pub fn of(code: &str) -> Result<Known> {
        let example = "write a code of BCP 47, such as `fr` or `pt-BR`";
        // Whoever knows gettext writes `pt_BR`.
        let mut locale: Locale = code
            .replace('_', "-")
            .parse()
            .ok()
            .with_context(|| format!("`{code}` is not a language code: {example}"))?;
        LocaleCanonicalizer::new_common().canonicalize(&mut locale);
        ensure!(
            locale.extensions.is_empty(),
            "`{code}` says more than a language, a script and a region: {example}"
        );
        let id = locale.id;
        let subtag = id.language.as_str();
        // ISO 639 has codes for no language in particular, too.
        const NONE: &[&str] = &["und", "mis", "mul", "zxx"];
        let listed = Language::from_639_1(subtag).or_else(|| Language::from_639_3(subtag));
        let Some(language) = listed.filter(|_| !NONE.contains(&subtag)) else {
            bail!("there is no language `{subtag}` in ISO 639: {example}");
        };
        let bare = LanguageIdentifier {
            language: id.language,
            ..LanguageIdentifier::UNKNOWN
        };
        // Of the others ICU4X gives the data of no language in particular.
        let in_cldr = LocaleExpander::new_common().maximize(&mut bare.clone()) == TransformResult::Modified;
        let (decimal, thousands) = match in_cldr {
            true => marks(&id)?,
            false => (None, None),
        };
        Ok(Known {
            code: id.to_string(),
            english_name: language.to_name().to_owned(),
            // A name without its region or script would be that of another edition.
            name: language.to_autonym().filter(|_| id == bare).map(title_case),
            decimal,
            thousands,
            plural_forms: in_cldr.then(|| plural_forms(&id)).transpose()?,
        })
    }
}

/// In lists names start with a capital, also in languages that write them small in a sentence.
fn title_case(autonym: &str) -> String {
    // Some have a transcription behind them, and marks that set its direction.
    let name = autonym.split(" (").next().unwrap_or(autonym);
    let mut chars = name.chars().filter(|c| !matches!(c, '\u{200e}' | '\u{200f}'));
    chars
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(chars)
        .collect()
}

/// The decimal and the thousands mark between Latin digits, which the book's figures are written in.
fn marks(id: &LanguageIdentifier) -> Result<(Option<char>, Option<char>)> {
    let locale: Locale = format!("{id}-u-nu-latn")
        .parse()
        .context("a language code with digits")?;
    let mut options = DecimalFormatterOptions::default();
    options.grouping_strategy = Some(GroupingStrategy::Always);
    let formatter =
        DecimalFormatter::try_new(locale.into(), options).with_context(|| format!("the number marks of {id}"))?;
    let decimal = Decimal::try_from_str("1234.5").expect("a number");
    let written = formatter.format(&decimal).to_string();
    let between = |from: char, to: char| {
        let (_, rest) = written.split_once(from)?;
        let (mark, _) = rest.split_once(to)?;
        let mut chars = mark.chars().filter(|c| !matches!(c, '\u{200e}' | '\u{200f}'));
        chars.next().filter(|_| chars.next().is_none())
    };
    Ok((between('4', '5'), between('1', '2')))
}

/// CLDR's rules for whole numbers as gettext writes them, in C.
///
/// A form that no number below 100 000 takes is left out, as in gettext's own table: CLDR has French, Italian and Spanish say a million
/// in a form of its own.
fn plural_forms(id: &LanguageIdentifier) -> Result<String> {
    const REACHED: u64 = 100_000;
    // The script changes no grammar, but would lead to the data of no language in particular.
    let locale = DataLocale::from(LanguageIdentifier {
        script: None,
        ..id.clone()
    });
    let response: DataResponse<PluralsCardinalV1> = Baked
        .load(DataRequest {
            id: DataIdentifierBorrowed::for_locale(&locale),
            ..DataRequest::default()
        })
        .with_context(|| format!("the plural rules of {id}"))?;
    let data = response.payload.get();
    let rules: Vec<Vec<AndCondition>> = [&data.zero, &data.one, &data.two, &data.few, &data.many]
        .into_iter()
        .flatten()
        .map(|rule| of_whole_numbers(Rule::from(rule)))
        .collect();
    let holds =
        |rule: &[AndCondition], n: u64| rule.iter().any(|all| all.0.iter().all(|relation| is_true(relation, n)));
    let mut reached: Vec<&Vec<AndCondition>> = rules
        .iter()
        .filter(|rule| (0..REACHED).any(|n| holds(rule, n)))
        .collect();
    // Where CLDR keeps its last form for decimals, whole numbers end with the one before it.
    if (0..REACHED).all(|n| reached.iter().any(|rule| holds(rule, n))) {
        reached.pop();
    }
    let expression = match reached.as_slice() {
        [] => "0".to_owned(),
        // Two forms: as everybody writes them.
        [rule] if (0..REACHED).all(|n| holds(rule, n) == (n == 1)) => "(n != 1)".to_owned(),
        [rule] if (0..REACHED).all(|n| holds(rule, n) == (n <= 1)) => "(n > 1)".to_owned(),
        rules => {
            let mut chain = String::new();
            for (number, rule) in rules.iter().enumerate() {
                chain.push_str(&format!("{} ? {number} : ", in_c(rule)));
            }
            format!("({chain}{})", rules.len())
        }
    };
    Ok(format!("nplurals={}; plural={expression};", reached.len() + 1))
}

/// What is left of a rule for numbers without decimals and exponent: alternatives of conditions on the number.
fn of_whole_numbers(rule: Rule) -> Vec<AndCondition> {
    rule.condition
        .0
        .into_iter()
        .filter_map(|AndCondition(relations)| {
            let (of_number, of_decimals): (Vec<_>, Vec<_>) = relations
                .into_iter()
                .partition(|relation| matches!(relation.expression.operand, Operand::N | Operand::I));
            // Whatever counts decimals is zero.
            let possible = of_decimals.iter().all(|relation| is_true(relation, 0));
            possible.then_some(AndCondition(of_number))
        })
        .collect()
}

fn is_true(relation: &Relation, n: u64) -> bool {
    let n = match &relation.expression.modulus {
        Some(modulus) => n % modulus.0,
        None => n,
    };
    let listed = relation.range_list.0.iter().any(|item| match item {
        RangeListItem::Value(value) => value.0 == n,
        RangeListItem::Range(range) => (range.start().0..=range.end().0).contains(&n),
    });
    listed == (relation.operator == Operator::Eq)
}

fn in_c(rule: &[AndCondition]) -> String {
    let alternatives: Vec<String> = rule
        .iter()
        .map(|AndCondition(relations)| {
            let all: Vec<String> = relations.iter().map(relation_in_c).collect();
            all.join(" && ")
        })
        .collect();
    match alternatives.as_slice() {
        [only] => only.clone(),
        several => several
            .iter()
            .map(|all| {
                if all.contains("&&") {
                    format!("({all})")
                } else {
                    all.clone()
                }
            })
            .collect::<Vec<_>>()
            .join(" || "),
    }
}

fn relation_in_c(relation: &Relation) -> String {
    let n = match &relation.expression.modulus {
        Some(modulus) => format!("n%{}", modulus.0),
        None => "n".to_owned(),
    };
    let equal = relation.operator == Operator::Eq;
    let items: Vec<String> = relation
        .range_list
        .0
        .iter()
        .map(|item| match item {
            RangeListItem::Value(value) => format!("{n}{}{}", if equal { "==" } else { "!=" }, value.0),
            RangeListItem::Range(range) => {
                let (low, high) = (range.start().0, range.end().0);
                match (equal, low) {
                    (true, 0) => format!("{n}<={high}"),
                    (true, _) => format!("({n}>={low} && {n}<={high})"),
                    (false, 0) => format!("{n}>{high}"),
                    (false, _) => format!("({n}<{low} || {n}>{high})"),
                }
            }
        })
        .collect();
    match (items.as_slice(), equal) {
        ([only], true) => only.trim_start_matches('(').trim_end_matches(')').to_owned(),
        ([only], false) => only.clone(),
        (several, true) => format!("({})", several.join(" || ")),
        (several, false) => several.join(" && "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_marks_are_those_that_speakers_use() {
        let cases = [
            ("fr", "Français", ',', '\u{202f}'),
            ("de", "Deutsch", ',', '.'),
            ("ja", "日本語", '.', ','),
            // Latin digits, though Persian has its own.
            ("fa", "فارسی", '.', ','),
        ];
        for (code, name, decimal, thousands) in cases {
            let known = Known::of(code).unwrap();
            assert_eq!(known.code, code);
            assert_eq!(known.name.as_deref(), Some(name));
            assert_eq!(
                (known.decimal, known.thousands),
                (Some(decimal), Some(thousands)),
                "{code}"
            );
        }
        assert_eq!(title_case("العربية\u{200e} (al-ʻArabīyah)"), "العربية");
    }

    #[test]
    fn plural_forms_are_gettexts() {
        let cases = [
            ("ja", "nplurals=1; plural=0;"),
            ("it", "nplurals=2; plural=(n != 1);"),
            ("fr", "nplurals=2; plural=(n > 1);"),
            ("pt-BR", "nplurals=2; plural=(n > 1);"),
            ("pt-PT", "nplurals=2; plural=(n != 1);"),
            ("sr-Latn", plural("sr").as_str()),
            (
                "cs",
                "nplurals=3; plural=(n==1 ? 0 : n>=2 && n<=4 ? 1 : 2);",
            ),
            (
                "ar",
                "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 && n%100<=99 ? 4 : 5);",
            ),
        ]
        .map(|(code, forms)| (code, forms.to_owned()));
        for (code, forms) in cases {
            assert_eq!(plural(code), forms, "{code}");
        }
    }

    fn plural(code: &str) -> String {
        Known::of(code).unwrap().plural_forms.unwrap()
    }

    /// The rules as C would read them give the same form as ICU4X for every number.
    #[test]
    fn plural_forms_choose_as_icu_does() {
        for code in [
            "ru", "pl", "sl", "lt", "lv", "ga", "cy", "gd", "br", "mt", "hi", "is", "mk", "he",
        ] {
            let rules = icu_plurals::PluralRules::try_new_cardinal(code.parse::<Locale>().unwrap().into()).unwrap();
            let forms = plural(code);
            let expression = forms.split_once("plural=").unwrap().1.trim_end_matches(';');
            // Each category is one form, whichever its number.
            let mut pairs = std::collections::BTreeMap::new();
            for n in 0..1_000u64 {
                let form = c::evaluate(expression, n);
                let category = format!("{:?}", rules.category_for(n));
                assert_eq!(
                    *pairs.entry(category.clone()).or_insert(form),
                    form,
                    "{code} {n} {category}: {forms}"
                );
            }
            let distinct: std::collections::BTreeSet<_> = pairs.values().collect();
            assert_eq!(distinct.len(), pairs.len(), "{code}: {pairs:?}");
            assert!(
                forms.starts_with(&format!("nplurals={};", pairs.len())),
                "{code}: {forms}"
            );
        }
    }

    /// As much of C as such expressions hold.
    mod c {
        pub fn evaluate(text: &str, n: u64) -> u64 {
            let tokens: Vec<char> = text.chars().filter(|c| *c != ' ').collect();
            let mut parser = Parser { tokens, at: 0, n };
            let value = parser.ternary();
            assert_eq!(parser.at, parser.tokens.len(), "{text}");
            value
        }

        struct Parser {
            tokens: Vec<char>,
            at: usize,
            n: u64,
        }

        impl Parser {
            fn takes(&mut self, text: &str) -> bool {
                let there = self.tokens[self.at..].iter().collect::<String>().starts_with(text);
                self.at += if there { text.len() } else { 0 };
                there
            }

            fn ternary(&mut self) -> u64 {
                let condition = self.or();
                if !self.takes("?") {
                    return condition;
                }
                let yes = self.ternary();
                assert!(self.takes(":"));
                let no = self.ternary();
                if condition != 0 { yes } else { no }
            }

            fn or(&mut self) -> u64 {
                let mut value = self.and();
                while self.takes("||") {
                    value |= self.and();
                }
                value
            }

            fn and(&mut self) -> u64 {
                let mut value = self.comparison();
                while self.takes("&&") {
                    value &= self.comparison();
                }
                value
            }

            fn comparison(&mut self) -> u64 {
                let left = self.remainder();
                for (sign, compare) in [
                    ("==", (|a, b| a == b) as fn(u64, u64) -> bool),
                    ("!=", |a, b| a != b),
                    (">=", |a, b| a >= b),
                    ("<=", |a, b| a <= b),
                    (">", |a, b| a > b),
                    ("<", |a, b| a < b),
                ] {
                    if self.takes(sign) {
                        return u64::from(compare(left, self.remainder()));
                    }
                }
                left
            }

            fn remainder(&mut self) -> u64 {
                let left = self.primary();
                if self.takes("%") { left % self.primary() } else { left }
            }

            fn primary(&mut self) -> u64 {
                if self.takes("(") {
                    let value = self.ternary();
                    assert!(self.takes(")"));
                    return value;
                }
                if self.takes("n") {
                    return self.n;
                }
                let digits: String = self.tokens[self.at..]
                    .iter()
                    .take_while(|c| c.is_ascii_digit())
                    .collect();
                self.at += digits.len();
                digits.parse().unwrap()
            }
        }
    }

    #[test]
    fn codes_are_canonical_and_nonsense_is_refused() {
        for (given, code) in [
            ("FR", "fr"),
            ("fra", "fr"),
            ("pt_br", "pt-BR"),
            ("iw", "he"),
            ("SR-latn", "sr-Latn"),
        ] {
            assert_eq!(Known::of(given).unwrap().code, code);
        }
        for (given, expected) in [
            ("", "not a language code"),
            ("../fr", "not a language code"),
            ("french", "not a language code"),
            ("qqq", "no language `qqq`"),
            ("und", "no language `und`"),
            ("fr-u-nu-latn", "says more than"),
        ] {
            let error = format!("{:#}", Known::of(given).unwrap_err());
            assert!(error.contains(expected), "`{given}`: {error}");
        }
    }

    #[test]
    fn what_nobody_but_a_speaker_knows_is_left_open() {
        let klingon = Known::of("tlh").unwrap();
        assert_eq!(
            (klingon.name, klingon.decimal, klingon.plural_forms),
            (None, None, None)
        );
        let brazilian = Known::of("pt-BR").unwrap();
        assert_eq!((brazilian.name, brazilian.decimal), (None, Some(',')));
    }
}
