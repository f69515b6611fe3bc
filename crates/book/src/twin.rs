//! Parts of programs in the text: `{{#twin EXPERIMENT ANCHOR}}` shows the same part of the Python and of the Rust program side by side,
//! `{{#listing EXPERIMENT/FILE ANCHOR}}` a part of one program. `{{#compile_fail NAME}}` is the work of [`crate::compile_fail`], by the same
//! means.
//!
//! It takes two steps. Before translation ([`expand`]) a directive becomes code blocks that hold the part only, so that the catalog gets
//! the comments readers see and no others; its common indentation is taken off, so that moving code changes no message. After translation
//! ([`complete`]) the rest of the program is put around it in lines that mdBook hides, so that what stands on the page can be run.
//!
//! Between the steps a block says where it comes from in its info string: `rust,program=tcp-echo/main.rs#echo`. Afterwards it is
//! `rust,program=tcp-echo/main.rs`, which mdBook turns into class names, and skeptic takes for Rust.
//!
//! A program that cannot run alone, because it needs a database beside it, is shown with `no_run` after the anchor: its snippets are then
//! compiled and not run. The programs of every experiment do run, with their services, when their answers are compared. What is no program
//! and is built and tested elsewhere, an extension module for instance, is shown with `ignore`.

use std::cell::LazyCell;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use mdbook_markdown::pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd};
use mdbook_markdown::{MarkdownOptions, new_cmark_parser};
use mdbook_preprocessor::book::{Book, BookItem};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};

use crate::compile_fail;
use crate::diagnostic::{Diagnostic, Diagnostics, Lines};
use crate::directive::{self, Directive};
use crate::gettext;

/// mdBook's marks, in a comment of the program's language.
const BEGIN: &str = "ANCHOR:";
const END: &str = "ANCHOR_END:";

/// The preprocessor that runs first.
pub struct Programs;

impl Programs {
    pub const NAME: &str = "programs";
}

impl Preprocessor for Programs {
    fn name(&self) -> &str {
        Programs::NAME
    }

    fn run(&self, context: &PreprocessorContext, mut book: Book) -> Result<Book> {
        let mut diagnostics = Vec::new();
        book.for_each_mut(|item| {
            if let BookItem::Chapter(chapter) = item
                && let Some(path) = &chapter.source_path
            {
                let shown = context.config.book.src.join(path);
                let (text, mistakes) = expand(&chapter.content, &context.root, &shown);
                chapter.content = gettext::escape(&text);
                diagnostics.extend(mistakes);
            }
        });
        Diagnostics(diagnostics).into_result()?;
        Ok(book)
    }
}

/// Replaces the directives of a chapter by the parts of programs that they name. `shown` is the chapter's path in diagnostics.
pub fn expand(text: &str, root: &Path, shown: &Path) -> (String, Vec<Diagnostic>) {
    let mut expanded = String::with_capacity(text.len());
    let mut diagnostics = Vec::new();
    let lines = LazyCell::new(|| Lines::of(text));
    let mut from = 0;
    for directive in directive::parse(text).directives {
        let block = match directive.name.as_str() {
            "twin" => twin(&directive, root),
            "listing" => listing(&directive, root),
            compile_fail::NAME => compile_fail::block(&directive, root),
            _ => continue,
        };
        let place = match directive.place.alone {
            true => Ok(()),
            false => Err(Mistake::new(
                format!("`{}` stands inside other text", directive.head_text()),
                "it becomes a block of code: give it a paragraph of its own, in no list, quote or table",
            )),
        };
        match block.and_then(|block| place.map(|()| block)) {
            Ok(block) => {
                expanded.push_str(&text[from..directive.range.start]);
                expanded.push_str(block.trim_end());
                from = directive.range.end;
            }
            Err(mistake) => {
                diagnostics.push(Diagnostic::new(
                    shown,
                    lines.at(directive.range.start),
                    mistake.message,
                    mistake.help,
                ));
            }
        }
    }
    expanded.push_str(&text[from..]);
    (expanded, diagnostics)
}

/// Puts the rest of its program around every part that [`expand`] left, hidden.
pub fn complete(text: &str, root: &Path) -> Result<String> {
    let mut completed = String::with_capacity(text.len());
    let mut from = 0;
    let mut part: Option<(Listing, String)> = None;
    for (event, range) in new_cmark_parser(text, &MarkdownOptions::default()).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                part = Listing::from_info(&info).map(|listing| (listing, String::new()));
            }
            Event::Text(code) => {
                if let Some((_, shown)) = &mut part {
                    shown.push_str(&code);
                }
            }
            Event::End(TagEnd::CodeBlock) => {
                if let Some((listing, shown)) = part.take() {
                    completed.push_str(&text[from..range.start]);
                    completed.push_str(listing.whole_program(&shown, root)?.trim_end());
                    from = range.end;
                }
            }
            _ => {}
        }
    }
    completed.push_str(&text[from..]);
    Ok(completed)
}

/// A program without the comments that mark its parts.
pub(crate) fn without_marks(source: &str) -> String {
    Part::whole(source).shown()
}

/// Why a directive cannot be expanded.
pub(crate) struct Mistake {
    pub message: String,
    pub help: String,
}

impl Mistake {
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Mistake {
        Mistake {
            message: message.into(),
            help: help.into(),
        }
    }
}

fn twin(directive: &Directive, root: &Path) -> Result<String, Mistake> {
    let wrong = || {
        Mistake::new(
            format!("`{}` cannot be read", directive.head_text()),
            "write {{#twin EXPERIMENT ANCHOR}}, python=FILE or rust=FILE where the program is not main.py or main.rs, and no_run \
             where it cannot run alone",
        )
    };
    let mut words = directive.arguments.split(' ').filter(|word| !word.is_empty());
    let (experiment, anchor) = (words.next().ok_or_else(wrong)?, words.next().ok_or_else(wrong)?);
    let (mut python, mut rust, mut testing) = ("main.py", "main.rs", Testing::Run);
    for word in words {
        match word.split_once('=') {
            Some(("python", file)) => python = file,
            Some(("rust", file)) => rust = file,
            None if word == NO_RUN => testing = Testing::CompileOnly,
            _ => return Err(wrong()),
        }
    }
    let mut shown = String::new();
    for file in [python, rust] {
        shown.push_str(&Listing::new(format!("{experiment}/{file}"), Some(anchor), testing)?.block(root)?);
    }
    Ok(format!("<div class=\"twin\">\n{shown}</div>\n"))
}

fn listing(directive: &Directive, root: &Path) -> Result<String, Mistake> {
    let words: Vec<&str> = directive.arguments.split(' ').collect();
    match words[..] {
        [program, anchor] if program.contains('/') => {
            Listing::new(program.to_owned(), Some(anchor), Testing::Run)?.block(root)
        }
        [program, anchor, NO_RUN] if program.contains('/') => {
            Listing::new(program.to_owned(), Some(anchor), Testing::CompileOnly)?.block(root)
        }
        [program, anchor, IGNORE] if program.contains('/') => {
            Listing::new(program.to_owned(), Some(anchor), Testing::Not)?.block(root)
        }
        _ => Err(Mistake::new(
            format!("`{}` cannot be read", directive.head_text()),
            "write {{#listing EXPERIMENT/FILE ANCHOR}}; then no_run where the program cannot run alone, ignore where it is none",
        )),
    }
}

/// A program, or a part of it.
pub(crate) struct Listing {
    /// Below `examples/`, with `/`.
    program: String,
    /// Of the part; all is shown where there is none.
    anchor: Option<String>,
    testing: Testing,
}

impl Listing {
    pub fn new(program: String, anchor: Option<&str>, testing: Testing) -> Result<Listing, Mistake> {
        let inside = Path::new(&program)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !inside || program.contains([',', '#', '`']) {
            return Err(Mistake::new(
                format!("`{program}` is no path below examples/"),
                "name a file such as tcp-echo/main.rs",
            ));
        }
        Ok(Listing {
            program,
            anchor: anchor.map(str::to_owned),
            testing,
        })
    }

    /// Reads what [`Listing::info`] wrote of a part.
    fn from_info(info: &str) -> Option<Listing> {
        let mut words = info.split(',').map(str::trim);
        let testing = Testing::of(words.clone());
        let source = words.find_map(|word| word.strip_prefix("program="))?;
        let (program, anchor) = source.split_once('#')?;
        Listing::new(program.to_owned(), Some(anchor), testing).ok()
    }

    /// Without the anchor.
    fn whole_info(&self) -> String {
        let testing = match self.testing.word() {
            Some(word) => format!(",{word}"),
            None => String::new(),
        };
        format!("{}{testing},program={}", self.language().token, self.program)
    }

    fn info(&self) -> String {
        match &self.anchor {
            Some(anchor) => format!("{}#{anchor}", self.whole_info()),
            None => self.whole_info(),
        }
    }

    fn language(&self) -> &'static Language {
        let extension = self.program.rsplit_once('.').map_or("", |(_, extension)| extension);
        LANGUAGES
            .iter()
            .find(|language| language.extension == extension)
            .unwrap_or(&PLAIN)
    }

    fn path(&self, root: &Path) -> PathBuf {
        root.join("examples").join(&self.program)
    }

    /// The code block that translators see, with its caption.
    fn block(&self, root: &Path) -> Result<String, Mistake> {
        Ok(format!(
            "<figure class=\"program\">\n<figcaption>{}</figcaption>\n\n{}\n</figure>\n",
            self.caption(),
            self.code(root)?
        ))
    }

    pub fn caption(&self) -> String {
        let name = match self.language().name {
            "" => String::new(),
            name => format!("<span class=\"language\">{name}</span> "),
        };
        format!("{name}<code>examples/{}</code>", self.program)
    }

    /// The code block alone.
    pub fn code(&self, root: &Path) -> Result<String, Mistake> {
        let language = self.language();
        let source = std::fs::read_to_string(self.path(root)).map_err(|error| {
            Mistake::new(
                format!("examples/{} cannot be read: {error}", self.program),
                "check the name of the experiment and of the file",
            )
        })?;
        let part = self.cut(&source).map_err(|mut mistake| {
            mistake.message = format!("examples/{}: {}", self.program, mistake.message);
            mistake
        })?;
        let shown = part.shown();
        if let Some(line) = shown.lines().find(|line| language.would_hide(line)) {
            return Err(Mistake::new(
                format!(
                    "examples/{}: readers would not see the line `{}`",
                    self.program,
                    line.trim()
                ),
                format!(
                    "a line that starts with `{}` is hidden; write it in another way",
                    language.hide
                ),
            ));
        }
        let fence = fence(&shown);
        Ok(format!("{fence}{}\n{shown}{fence}\n", self.info()))
    }

    fn cut<'a>(&self, source: &'a str) -> Result<Part<'a>, Mistake> {
        match &self.anchor {
            Some(anchor) => Part::cut(source, anchor),
            None => Ok(Part::whole(source)),
        }
    }

    /// The code block that readers get.
    fn whole_program(&self, shown: &str, root: &Path) -> Result<String> {
        let language = self.language();
        let path = self.path(root);
        let source = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let part = self
            .cut(&source)
            .map_err(|mistake| anyhow::anyhow!("{}: {}", path.display(), mistake.message))?;
        let mut info = self.whole_info();
        if language.hide.is_empty() {
            let fence = fence(shown);
            return Ok(format!("{fence}{info}\n{shown}{fence}\n"));
        }
        let mut code = String::with_capacity(source.len() + 2 * source.lines().count());
        let hide = |lines: &[&str], code: &mut String| {
            for line in lines.iter().filter(|line| mark(line).is_none()) {
                code.push_str(language.hide.trim_end());
                if !line.is_empty() {
                    code.push_str(&language.hide[language.hide.trim_end().len()..]);
                    code.push_str(line);
                }
                code.push('\n');
            }
        };
        hide(&part.before, &mut code);
        let indentation = " ".repeat(part.indentation);
        for line in shown.lines() {
            if !line.is_empty() {
                code.push_str(&indentation);
                code.push_str(line);
            }
            code.push('\n');
        }
        hide(&part.after, &mut code);
        if part.indentation > 0 {
            // Lets the style sheet pull the part back to the margin while the rest is hidden.
            info.push_str(&format!(",indented-{}", part.indentation));
        }
        let fence = fence(&code);
        Ok(format!("{fence}{info}\n{code}{fence}\n"))
    }
}

/// What the tests of snippets do with a program that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Testing {
    Run,
    /// It needs something beside it, a database for instance.
    CompileOnly,
    /// It is no program that compiles.
    Not,
}

/// Says in a directive, and in an info string as rustdoc and skeptic have it, that a program cannot run alone.
const NO_RUN: &str = "no_run";
/// What tells skeptic, in an info string, to leave a block alone.
const IGNORE: &str = "ignore";

impl Testing {
    fn word(self) -> Option<&'static str> {
        match self {
            Testing::Run => None,
            Testing::CompileOnly => Some(NO_RUN),
            Testing::Not => Some(IGNORE),
        }
    }

    /// As the words of an info string say.
    fn of<'a>(mut words: impl Iterator<Item = &'a str>) -> Testing {
        words
            .find_map(|word| {
                [Testing::CompileOnly, Testing::Not]
                    .into_iter()
                    .find(|testing| testing.word() == Some(word))
            })
            .unwrap_or(Testing::Run)
    }
}

/// How a program's language is shown and how its lines are hidden.
struct Language {
    extension: &'static str,
    /// In info strings.
    token: &'static str,
    /// In captions.
    name: &'static str,
    /// What a hidden line starts with: mdBook's own way for Rust, `output.html.code.hidelines` of book.toml for others. Rust's own lines
    /// may start with `#` too, as in `#[tokio::main]`: only `# ` and a bare `#` hide, for mdBook, rustdoc and skeptic alike.
    hide: &'static str,
}

impl Language {
    fn would_hide(&self, line: &str) -> bool {
        let line = line.trim_start();
        !self.hide.is_empty() && (line.starts_with(self.hide) || line == self.hide.trim_end())
    }
}

const LANGUAGES: &[Language] = &[
    Language {
        extension: "py",
        token: "python",
        name: "Python",
        hide: "~",
    },
    Language {
        extension: "rs",
        token: "rust",
        name: "Rust",
        hide: "# ",
    },
    Language {
        extension: "toml",
        token: "toml",
        name: "",
        hide: "",
    },
];

const PLAIN: Language = Language {
    extension: "",
    token: "text",
    name: "",
    hide: "",
};

/// A source cut at an anchor. Lines that are marks are in none of the three.
struct Part<'a> {
    before: Vec<&'a str>,
    /// Without blank lines at either end.
    lines: Vec<&'a str>,
    after: Vec<&'a str>,
    /// Columns of blanks that all lines of the part start with.
    indentation: usize,
}

impl<'a> Part<'a> {
    fn cut(source: &'a str, anchor: &str) -> Result<Part<'a>, Mistake> {
        let (mut before, mut lines, mut after) = (Vec::new(), Vec::new(), Vec::new());
        let (mut begun, mut ended) = (false, false);
        let mut known = Vec::new();
        for line in source.lines() {
            match mark(line) {
                Some((BEGIN, name)) => {
                    known.push(name);
                    if name == anchor && begun {
                        return Err(Mistake::new(
                            format!("the anchor `{anchor}` stands twice"),
                            "rename one of the two",
                        ));
                    }
                    begun |= name == anchor;
                }
                Some((_, name)) => ended |= name == anchor,
                None if !begun => before.push(line),
                None if !ended => lines.push(line),
                None => after.push(line),
            }
        }
        if !begun {
            let help = match known.is_empty() {
                true => format!("mark the part in the file by comments with {BEGIN} {anchor} and {END} {anchor}"),
                false => format!("the anchors of this file are {}", known.join(", ")),
            };
            return Err(Mistake::new(format!("there is no anchor `{anchor}`"), help));
        }
        if !ended {
            return Err(Mistake::new(
                format!("the anchor `{anchor}` has no end"),
                format!("add a comment with {END} {anchor} after the part"),
            ));
        }
        // Blank lines at the ends stay with the rest.
        let first = lines.iter().position(|line| !line.trim().is_empty());
        let Some(first) = first else {
            return Err(Mistake::new(
                format!("there is nothing at the anchor `{anchor}`"),
                "move its marks",
            ));
        };
        before.extend(lines.drain(..first));
        let last = lines.iter().rposition(|line| !line.trim().is_empty()).unwrap_or(0);
        after.splice(..0, lines.drain(last + 1..));
        let indentation = lines
            .iter()
            .filter(|line| !line.trim().is_empty())
            .map(|line| line.len() - line.trim_start_matches(' ').len())
            .min()
            .unwrap_or(0);
        Ok(Part {
            before,
            lines,
            after,
            indentation,
        })
    }

    /// All of a source but the marks.
    fn whole(source: &'a str) -> Part<'a> {
        Part {
            before: Vec::new(),
            lines: source.lines().filter(|line| mark(line).is_none()).collect(),
            after: Vec::new(),
            indentation: 0,
        }
    }

    /// The part as readers see it, the common indentation taken off.
    fn shown(&self) -> String {
        let mut shown = String::new();
        for line in &self.lines {
            // A blank line may be shorter than the indentation.
            shown.push_str(line.get(self.indentation..).unwrap_or_default());
            shown.push('\n');
        }
        shown
    }
}

/// Whether a line begins or ends an anchor, and the anchor's name.
fn mark(line: &str) -> Option<(&'static str, &str)> {
    [BEGIN, END].into_iter().find_map(|kind| {
        let rest = line[line.find(kind)? + kind.len()..].trim_start();
        let end = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))
            .unwrap_or(rest.len());
        (end > 0).then(|| (kind, &rest[..end]))
    })
}

/// A fence longer than any in the code.
pub(crate) fn fence(code: &str) -> String {
    let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUST: &str = "\
//! Doc.

use std::io;

#[tokio::main]
async fn main() -> io::Result<()> {
    // ANCHOR: body
    // ANCHOR: inner
    let text = \"```\";
    // ANCHOR_END: inner

    // Backpressure: two
    // lines.
    println!(\"{text}\");
    // ANCHOR_END: body
    Ok(())
}
";
    const PYTHON: &str = "\
import sys


# ANCHOR: body
def main():
    # why

    return 0
# ANCHOR_END: body


sys.exit(main())
";

    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("examples/e");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("main.rs"), RUST).unwrap();
        std::fs::write(folder.join("main.py"), PYTHON).unwrap();
        root
    }

    /// What remains of a block when the lines are shown that mdBook hides.
    fn unhidden(markdown: &str, token: &str, hide: &str) -> String {
        let start = markdown.find(token).unwrap();
        let fence_length = markdown[..start].len() - markdown[..start].trim_end_matches('`').len();
        let body = &markdown[start..];
        let body = &body[body.find('\n').unwrap() + 1..];
        let body = &body[..body.find(&"`".repeat(fence_length)).unwrap()];
        body.lines()
            .map(|line| {
                let bare = if line == hide.trim_end() {
                    ""
                } else {
                    line.strip_prefix(hide).unwrap_or(line)
                };
                format!("{bare}\n")
            })
            .collect()
    }

    #[test]
    fn translators_see_the_part_and_readers_can_see_the_whole() {
        let root = root();
        let (expanded, mistakes) = expand(
            "Before.\n\n{{#twin e body}}\n\nAfter.\n",
            root.path(),
            Path::new("src/a.md"),
        );
        assert_eq!(mistakes, []);
        assert_eq!(
            expanded,
            "Before.\n\n<div class=\"twin\">\n\
             <figure class=\"program\">\n\
             <figcaption><span class=\"language\">Python</span> <code>examples/e/main.py</code></figcaption>\n\n\
             ```python,program=e/main.py#body\ndef main():\n    # why\n\n    return 0\n```\n\n</figure>\n\
             <figure class=\"program\">\n\
             <figcaption><span class=\"language\">Rust</span> <code>examples/e/main.rs</code></figcaption>\n\n\
             ````rust,program=e/main.rs#body\n\
             let text = \"```\";\n\n// Backpressure: two\n// lines.\nprintln!(\"{text}\");\n````\n\n</figure>\n\
             </div>\n\nAfter.\n"
        );
        let completed = complete(&expanded, root.path()).unwrap();
        assert!(
            completed.contains("````rust,program=e/main.rs,indented-4\n# //! Doc.\n#\n# use std::io;\n"),
            "{completed}"
        );
        assert!(completed.contains("\n# #[tokio::main]\n"), "{completed}");
        assert!(
            completed.contains("\n    let text = \"```\";\n\n    // Backpressure"),
            "{completed}"
        );
        assert!(
            completed.contains("```python,program=e/main.py\n~import sys\n~\n~\ndef main():\n"),
            "{completed}"
        );
        let without_marks = |source: &str| -> String {
            source
                .lines()
                .filter(|line| !line.contains("ANCHOR"))
                .map(|line| format!("{line}\n"))
                .collect()
        };
        assert_eq!(unhidden(&completed, "rust,", "# "), without_marks(RUST));
        assert_eq!(unhidden(&completed, "python,", "~"), without_marks(PYTHON));
    }

    #[test]
    fn what_cannot_run_alone_says_so_at_both_steps() {
        let root = root();
        for directive in ["{{#twin e body no_run}}", "{{#listing e/main.rs body no_run}}"] {
            let (expanded, mistakes) = expand(directive, root.path(), Path::new("src/a.md"));
            assert_eq!(mistakes, []);
            assert!(expanded.contains("`rust,no_run,program=e/main.rs#body\n"), "{expanded}");
            let completed = complete(&expanded, root.path()).unwrap();
            assert!(
                completed.contains("`rust,no_run,program=e/main.rs,indented-4\n# //! Doc."),
                "{completed}"
            );
        }
        let (expanded, _) = expand("{{#twin e body no_run}}", root.path(), Path::new("src/a.md"));
        assert!(
            expanded.contains("`python,no_run,program=e/main.py#body\n"),
            "{expanded}"
        );
    }

    #[test]
    fn a_translated_comment_may_have_more_lines() {
        let root = root();
        let (expanded, _) = expand("{{#listing e/main.rs body}}\n", root.path(), Path::new("src/a.md"));
        let translated = expanded.replace(
            "// Backpressure: two\n// lines.\n",
            "// Contropressione:\n// due\n// righe.\n",
        );
        assert_ne!(expanded, translated);
        let completed = complete(&translated, root.path()).unwrap();
        assert!(
            completed.contains("    // due\n    // righe.\n    println!"),
            "{completed}"
        );
    }

    #[test]
    fn what_is_missing_is_named_with_its_line() {
        let root = root();
        let cases = [
            ("{{#twin e nobody}}", "no anchor `nobody`"),
            ("{{#twin e body rust=none.rs}}", "examples/e/none.rs cannot be read"),
            ("{{#twin f body}}", "examples/f/main.py cannot be read"),
            ("{{#twin e}}", "cannot be read"),
            ("{{#twin e body perl=main.pl}}", "cannot be read"),
            ("{{#twin e body never_run}}", "cannot be read"),
            ("{{#listing e/main.rs body never_run}}", "cannot be read"),
            ("{{#listing e/../../secret body}}", "no path below examples/"),
            ("{{#listing e body}}", "cannot be read"),
            ("- {{#twin e body}}", "inside other text"),
            ("See {{#twin e body}}.", "inside other text"),
        ];
        for (directive, expected) in cases {
            let text = format!("# A\n\n{directive}\n");
            let (expanded, mistakes) = expand(&text, root.path(), Path::new("src/a.md"));
            assert_eq!(expanded, text);
            assert_eq!(mistakes.len(), 1, "{directive}");
            assert_eq!(mistakes[0].line, 3);
            assert!(
                mistakes[0].message.contains(expected),
                "expected `{expected}` in `{}`",
                mistakes[0].message
            );
        }
        let (_, mistakes) = expand("{{#twin e nobody}}", root.path(), Path::new("src/a.md"));
        assert!(mistakes[0].help.contains("body"), "{}", mistakes[0].help);
    }

    #[test]
    fn a_line_that_would_be_hidden_is_refused() {
        let root = root();
        for (file, code) in [("main.py", "x = (\n  ~1\n)"), ("main.rs", "let x = \"\n# y\";")] {
            let path = root.path().join("examples/e").join(file);
            std::fs::write(path, format!("// ANCHOR: a\n{code}\n// ANCHOR_END: a\n")).unwrap();
            let (_, mistakes) = expand(
                &format!("{{{{#listing e/{file} a}}}}"),
                root.path(),
                Path::new("src/a.md"),
            );
            assert!(
                mistakes[0].message.contains("would not see the line"),
                "{}",
                mistakes[0].message
            );
        }
    }

    #[test]
    fn directives_in_code_are_text() {
        let root = root();
        let text = "`{{#twin e body}}`\n\n```\n{{#listing e/main.rs body}}\n```\n";
        assert_eq!(
            expand(text, root.path(), Path::new("src/a.md")),
            (text.to_owned(), vec![])
        );
    }
}
