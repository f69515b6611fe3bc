//! Comments of code blocks: the only part of code that is translated.
//!
//! `mdbook-i18n-helpers` offers string literals to translators as well, and joins a literal with the comment behind it. A translated
//! literal would change what the program does, so code is kept away from it and its comments are found here.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxSet};

use crate::catalog::Catalog;

/// The code of a block with its language, as the info string has it: `rust`, `python`.
#[derive(Debug, Clone, Copy)]
pub struct Code<'a> {
    pub text: &'a str,
    pub language: &'a str,
}

/// The language of drawings in text: nothing in them is code, so they are translated whole.
pub(crate) const DIAGRAM: &str = "diagram";

/// A comment as translators see it: with its markers, without its indentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// The bytes it stands on, from the first marker on.
    pub range: Range<usize>,
    pub message: String,
    /// Columns before it, which its further lines are indented by.
    column: usize,
}

impl Code<'_> {
    /// Comments that say something to a reader, docstrings included. Line comments below one another are one.
    pub fn comments(&self) -> Vec<Comment> {
        spans(self.text, self.language)
            .into_iter()
            .map(|span| self.comment(span))
            .filter(|comment| speaks(&comment.message))
            .collect()
    }

    /// The code with its comments translated as far as the catalog goes.
    pub fn translated(&self, catalog: &Catalog) -> String {
        let mut translated = String::with_capacity(self.text.len());
        let mut from = 0;
        for comment in self.comments() {
            let Some(entry) = catalog.get(&comment.message).filter(|entry| entry.is_translated()) else {
                continue;
            };
            translated.push_str(&self.text[from..comment.range.start]);
            let indentation = " ".repeat(comment.column);
            // The newline after a line comment is not part of it, whether or not a translator wrote one.
            for (number, line) in entry.msgstr.trim_end().lines().enumerate() {
                if number > 0 {
                    translated.push('\n');
                    if !line.is_empty() {
                        translated.push_str(&indentation);
                    }
                }
                translated.push_str(line);
            }
            from = comment.range.end;
        }
        translated.push_str(&self.text[from..]);
        translated
    }

    /// What the computer sees: no comments, no docstrings, no blank lines. Equal in all editions.
    pub fn without_comments(&self) -> String {
        let mut bare = String::new();
        let mut from = 0;
        for comment in self.comments() {
            bare.push_str(&self.text[from..comment.range.start]);
            from = comment.range.end;
        }
        bare.push_str(&self.text[from..]);
        let lines = bare.lines().map(str::trim_end).filter(|line| !line.is_empty());
        lines.map(|line| format!("{line}\n")).collect()
    }

    fn comment(&self, range: Range<usize>) -> Comment {
        let line_start = self.text[..range.start].rfind('\n').map_or(0, |at| at + 1);
        let column = self.text[line_start..range.start].chars().count();
        let message: Vec<&str> = self.text[range.clone()]
            .lines()
            .enumerate()
            .map(|(number, line)| {
                if number == 0 {
                    return line;
                }
                let blanks = line.len() - line.trim_start_matches(' ').len();
                &line[blanks.min(column)..]
            })
            .collect();
        Comment {
            range,
            message: message.join("\n"),
            column,
        }
    }
}

/// Whether a comment is for people: neither a rule nor an instruction to a tool.
fn speaks(message: &str) -> bool {
    let text = message.trim_start_matches(['/', '#', '*', '!', ' ']);
    let instructions = [
        "type:", "noqa", "fmt:", "pragma:", "pylint:", "ruff:", "mypy:", "usr/bin/", "bin/",
    ];
    text.chars().any(char::is_alphabetic) && !instructions.iter().any(|start| text.starts_with(start))
}

/// What mdBook hides of a language's lines, as in [`crate::twin`].
fn hidden_prefix(language: &str, line: &str) -> Option<usize> {
    let blanks = line.len() - line.trim_start().len();
    let rest = line[blanks..].trim_end_matches('\n');
    match language {
        "rust" | "rs" if rest == "#" => Some(blanks + 1),
        "rust" | "rs" if rest.starts_with("# ") => Some(blanks + 2),
        "python" | "py" if rest.starts_with('~') => Some(blanks + 1),
        _ => None,
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Code,
    /// To the end of its line.
    Line,
    /// Over any number of lines; docstrings too.
    Block,
}

/// Where comments stand. Empty for a language that is not known.
///
/// To read code costs more than all else that is done for a page, and the same blocks are read for each edition, for each check and after
/// each save while the book is served: what was found is kept.
fn spans(code: &str, language: &str) -> Vec<Range<usize>> {
    let key = (language.to_owned(), code.to_owned());
    let known = remembered().get(&key).cloned();
    known.unwrap_or_else(|| {
        let spans = read_spans(code, language);
        let mut remembered = remembered();
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert(key, spans.clone());
        spans
    })
}

/// By language and code.
type Spans = HashMap<(String, String), Vec<Range<usize>>>;

/// How many blocks are remembered: several books like this one in all their languages. A server reads another one after each save.
const REMEMBERED: usize = 10_000;

fn remembered() -> MutexGuard<'static, Spans> {
    static SPANS: LazyLock<Mutex<Spans>> = LazyLock::new(Mutex::default);
    SPANS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read_spans(code: &str, language: &str) -> Vec<Range<usize>> {
    if language == DIAGRAM {
        let whole = 0..code.trim_end().len();
        return vec![whole];
    }
    static SYNTAXES: OnceLock<SyntaxSet> = OnceLock::new();
    let syntaxes = SYNTAXES.get_or_init(SyntaxSet::load_defaults_newlines);
    // There is no syntax for TOML; its comments and quotes are those of the shell.
    let token = if language == "toml" { "sh" } else { language };
    let Some(syntax) = syntaxes
        .find_syntax_by_token(token)
        .filter(|syntax| syntax.name != "Plain Text")
    else {
        return Vec::new();
    };
    let mut state = ParseState::new(syntax);
    let mut stack = ScopeStack::new();
    let mut found: Vec<(Kind, Range<usize>)> = Vec::new();
    let mut line_start = 0;
    for line in code.split_inclusive('\n') {
        let hidden = hidden_prefix(language, line);
        let seen = &line[hidden.unwrap_or(0)..];
        let Ok(ops) = state.parse_line(seen, syntaxes) else {
            return Vec::new();
        };
        let mut from = 0;
        for (at, op) in ops.iter().map(|(at, op)| (*at, Some(op))).chain([(seen.len(), None)]) {
            let kind = kind(&stack);
            if kind != Kind::Code && hidden.is_none() && at > from {
                let mut range = line_start + from..line_start + at;
                if kind == Kind::Line && code[range.clone()].ends_with('\n') {
                    range.end -= 1;
                }
                push(code, &mut found, kind, range);
            }
            from = at;
            if let Some(op) = op
                && stack.apply(op).is_err()
            {
                return Vec::new();
            }
        }
        line_start += line.len();
    }
    found
        .into_iter()
        .map(|(_, range)| {
            let text = code[range.clone()].trim_end();
            let blanks = text.len() - text.trim_start().len();
            range.start + blanks..range.start + text.len()
        })
        .filter(|range| !range.is_empty())
        .collect()
}

fn kind(stack: &ScopeStack) -> Kind {
    static SCOPES: OnceLock<(Scope, Scope)> = OnceLock::new();
    let (comment, line) = SCOPES.get_or_init(|| {
        let scope = |name| Scope::new(name).expect("a valid scope");
        (scope("comment"), scope("comment.line"))
    });
    let mut kind = Kind::Code;
    for scope in stack.as_slice() {
        if line.is_prefix_of(*scope) {
            return Kind::Line;
        }
        if comment.is_prefix_of(*scope) {
            kind = Kind::Block;
        }
    }
    kind
}

/// Adds a piece, joined to the last one where they are one comment.
fn push(code: &str, found: &mut Vec<(Kind, Range<usize>)>, kind: Kind, range: Range<usize>) {
    let column = |at: usize| {
        let start = code[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let before = &code[start..at];
        (before.trim().is_empty(), before.len())
    };
    if let Some((last_kind, last)) = found.last_mut()
        && *last_kind == kind
    {
        let between = &code[last.end..range.start];
        let touching = between.is_empty();
        let below = between.trim().is_empty()
            && between.matches('\n').count() == 1
            && column(last.start) == column(range.start)
            && column(range.start).0;
        if touching || (kind == Kind::Line && below) {
            last.end = range.end;
            return;
        }
    }
    found.push((kind, range));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(language: &str, text: &str) -> Vec<String> {
        Code { text, language }
            .comments()
            .into_iter()
            .map(|comment| comment.message)
            .collect()
    }

    #[test]
    fn no_more_is_remembered_than_books_have() {
        for number in 0..REMEMBERED + 2 {
            spans(&number.to_string(), "a language that nobody knows");
        }
        assert!(remembered().len() <= REMEMBERED);
        // What was forgotten is read again.
        assert_eq!(messages("rust", "// One.\n"), ["// One."]);
    }

    #[test]
    fn a_diagram_is_one_message() {
        let code = Code {
            text: "one   ---|\n  two ---|\n",
            language: DIAGRAM,
        };
        let catalog = Catalog::from_pairs(&[("one   ---|\n  two ---|", "uno   ---|\n  due ---|")]);
        assert_eq!(code.translated(&catalog), "uno   ---|\n  due ---|\n");
    }

    #[test]
    fn comments_are_found_and_literals_are_not() {
        let rust = "/// Completes at\n/// the first.\nfn main() {\n    // Backpressure: two\n    // lines.\n    println!(\"{} // no\", 1); // trailing\n    // own\n\n    // apart\n    /* block\n       comment */ let x = 'a';\n}\n";
        assert_eq!(
            messages("rust", rust),
            [
                "/// Completes at\n/// the first.",
                "// Backpressure: two\n// lines.",
                "// trailing",
                "// own",
                "// apart",
                "/* block\n   comment */",
            ]
        );
        let python = "def f(reader: \"# x\"):\n    \"\"\"Doc string.\n\n    More.\n    \"\"\"\n    x = \"literal\"  # trailing why\n    # own\n    return f\"{x}\"\n";
        assert_eq!(
            messages("python", python),
            ["\"\"\"Doc string.\n\nMore.\n\"\"\"", "# trailing why", "# own"]
        );
        assert_eq!(messages("toml", "# c\na = \"b # d\"\n"), ["# c"]);
        assert_eq!(messages("console", "$ cargo xtask # x\n"), [""; 0]);
        assert_eq!(messages("", "// x\n"), [""; 0]);
    }

    #[test]
    fn instructions_rules_and_hidden_lines_are_left_alone() {
        assert_eq!(
            messages(
                "python",
                "#!/usr/bin/env python\nimport x  # noqa: E501\n# ----\n~# hidden\n"
            ),
            [""; 0]
        );
        assert_eq!(messages("rust", "# // hidden\nfn f() {} // seen\n"), ["// seen"]);
    }

    #[test]
    fn a_translation_takes_the_place_and_the_indentation() {
        let catalog = Catalog::from_pairs(&[
            (
                "// Backpressure: two\n// lines.",
                "// Contropressione:\n// tre\n// righe.\n",
            ),
            ("// trailing", "// in coda"),
            ("\"literal\"", "\"letterale\""),
        ]);
        let text = "fn f() {\n    // Backpressure: two\n    // lines.\n    g(\"literal\"); // trailing\n}\n";
        let code = Code { text, language: "rust" };
        let translated = code.translated(&catalog);
        assert_eq!(
            translated,
            "fn f() {\n    // Contropressione:\n    // tre\n    // righe.\n    g(\"literal\"); // in coda\n}\n"
        );
        let translated = Code {
            text: &translated,
            language: "rust",
        };
        assert_eq!(translated.without_comments(), code.without_comments());
        assert_eq!(code.without_comments(), "fn f() {\n    g(\"literal\");\n}\n");
    }

    #[test]
    fn a_lost_marker_shows_in_the_code() {
        let catalog = Catalog::from_pairs(&[("// why", "perché")]);
        let code = Code {
            text: "f(); // why\n",
            language: "rust",
        };
        let translated = code.translated(&catalog);
        let translated = Code {
            text: &translated,
            language: "rust",
        };
        assert_ne!(translated.without_comments(), code.without_comments());
    }
}
