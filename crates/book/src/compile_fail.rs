//! Programs that must not compile, with what the compiler says: `{{#compile_fail NAME}}` shows `examples/compile-fail/NAME.rs`,
//! `{{#compile_fail NAME ANCHOR}}` a part of it, and beneath it the message on record in `NAME.stderr`.
//!
//! The tests of the package `compile-fail` see to it that the compiler still says so. The code becomes a block as in [`crate::twin`], so its
//! comments are translated; the message is the compiler's, and stays in its words in every edition.

use std::path::Path;

use crate::directive::Directive;
use crate::html::escaped;
use crate::twin::{Listing, Mistake, Testing, fence};

pub(crate) const NAME: &str = "compile_fail";

/// What stands over such a program, in `<strong>`.
pub(crate) const VERDICT: &str = "does not compile";
/// What opens the part of a message that is folded away, in `<summary>`.
pub(crate) const REST: &str = "The rest of the message";

/// Below `examples/`.
const FOLDER: &str = "compile-fail";
const RECORD: &str = "TRYBUILD=overwrite cargo test --package compile-fail --test messages";

/// A message of up to this many lines is shown whole.
const SHORT: usize = 14;

pub(crate) fn block(directive: &Directive, root: &Path) -> Result<String, Mistake> {
    let words: Vec<&str> = directive.arguments.split(' ').collect();
    let (name, anchor) = match words[..] {
        [name] if !name.is_empty() => (name, None),
        [name, anchor] => (name, Some(anchor)),
        _ => {
            return Err(Mistake::new(
                format!("`{}` cannot be read", directive.head_text()),
                "write {{#compile_fail NAME}}, or {{#compile_fail NAME ANCHOR}} for a part",
            ));
        }
    };
    let listing = Listing::new(format!("{FOLDER}/{name}.rs"), anchor, Testing::Not)?;
    let folder = root.join("examples").join(FOLDER);
    if !folder.join(format!("{name}.rs")).is_file() {
        return Err(Mistake::new(
            format!("there is no program examples/{FOLDER}/{name}.rs"),
            format!("those that are there: {}", names(&folder)),
        ));
    }
    let read = |file: &str| {
        std::fs::read_to_string(folder.join(file)).map_err(|error| {
            Mistake::new(
                format!("examples/{FOLDER}/{file} cannot be read: {error}"),
                format!("`{RECORD}` writes down what the compiler says"),
            )
        })
    };
    let message = read(&format!("{name}.stderr"))?;
    let compiler = read("compiler.txt")?;
    let (shown, rest) = cut(&message);
    let rest = match rest {
        "" => String::new(),
        rest => format!("\n<details><summary>{REST}</summary>\n\n{}\n</details>\n", said(rest)),
    };
    Ok(format!(
        "<figure class=\"program refused\">\n<figcaption>{} <strong>{VERDICT}</strong></figcaption>\n\n{}\n\
         <p class=\"compiler\"><code>{}</code></p>\n\n{}{rest}\n</figure>\n",
        listing.caption(),
        listing.code(root)?,
        escaped(compiler.trim()),
        said(shown),
    ))
}

/// The names that the directive may give, for those who gave another.
fn names(folder: &Path) -> String {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let program = path.extension().is_some_and(|extension| extension == "rs");
            program.then(|| path.file_stem().map(|stem| stem.to_string_lossy().into_owned()))?
        })
        .collect();
    names.sort();
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}

/// A message, or a part of one, as a block.
fn said(message: &str) -> String {
    let fence = fence(message);
    format!(
        "<div class=\"message\" lang=\"en\" dir=\"ltr\">\n\n{fence}text\n{}\n{fence}\n\n</div>\n",
        message.trim_end()
    )
}

/// What is shown at once, the first error with the first thing that the compiler adds to it, and the rest, which may be empty.
fn cut(message: &str) -> (&str, &str) {
    if message.lines().count() <= SHORT {
        return (message, "");
    }
    let begins = |line: &str| {
        ["error", "warning", "note", "help"]
            .iter()
            .any(|kind| line.strip_prefix(kind).is_some_and(|rest| rest.starts_with([':', '['])))
    };
    let mut at = 0;
    let mut sections = 0;
    for line in message.split_inclusive('\n') {
        sections += usize::from(begins(line));
        if sections == 3 {
            return message.split_at(at);
        }
        at += line.len();
    }
    (message, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twin;

    const PROGRAM: &str = "use std::rc::Rc;\n\nfn main() {\n    // ANCHOR: part\n    // Why.\n    let _ = Rc::new(1) + 1;\n    // ANCHOR_END: part\n}\n";
    const MESSAGE: &str = "error[E0369]: cannot add `{integer}` to `Rc<{integer}>`\n --> add.rs:5:24\n";

    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("examples/compile-fail");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("add.rs"), PROGRAM).unwrap();
        std::fs::write(folder.join("add.stderr"), MESSAGE).unwrap();
        std::fs::write(folder.join("fresh.rs"), "fn main() { 1 + () }\n").unwrap();
        std::fs::write(folder.join("compiler.txt"), "rustc 1.95.0\n").unwrap();
        root
    }

    fn expand(text: &str, root: &Path) -> (String, Vec<(usize, String, String)>) {
        let (expanded, mistakes) = twin::expand(text, root, Path::new("src/a.md"));
        let mistakes = mistakes
            .into_iter()
            .map(|mistake| (mistake.line, mistake.message, mistake.help))
            .collect();
        (expanded, mistakes)
    }

    #[test]
    fn code_and_message_stand_together_and_are_not_run() {
        let root = root();
        let (expanded, mistakes) = expand("Before.\n\n{{#compile_fail add}}\n\nAfter.\n", root.path());
        assert_eq!(mistakes, []);
        assert_eq!(
            expanded,
            "Before.\n\n<figure class=\"program refused\">\n\
             <figcaption><span class=\"language\">Rust</span> <code>examples/compile-fail/add.rs</code> \
             <strong>does not compile</strong></figcaption>\n\n\
             ```rust,ignore,program=compile-fail/add.rs\nuse std::rc::Rc;\n\nfn main() {\n    // Why.\n    \
             let _ = Rc::new(1) + 1;\n}\n```\n\n\
             <p class=\"compiler\"><code>rustc 1.95.0</code></p>\n\n\
             <div class=\"message\" lang=\"en\" dir=\"ltr\">\n\n```text\n\
             error[E0369]: cannot add `{integer}` to `Rc<{integer}>`\n --> add.rs:5:24\n```\n\n</div>\n\n</figure>\n\n\
             After.\n"
        );
        // There is nothing left to complete.
        assert_eq!(twin::complete(&expanded, root.path()).unwrap(), expanded);
    }

    #[test]
    fn of_a_part_the_rest_is_hidden_and_is_not_run_either() {
        let root = root();
        let (expanded, mistakes) = expand("{{#compile_fail add part}}\n", root.path());
        assert_eq!(mistakes, []);
        assert!(
            expanded.contains("```rust,ignore,program=compile-fail/add.rs#part\n// Why.\nlet _ = Rc::new(1) + 1;\n```"),
            "{expanded}"
        );
        let completed = twin::complete(&expanded, root.path()).unwrap();
        assert!(
            completed.contains(
                "```rust,ignore,program=compile-fail/add.rs,indented-4\n# use std::rc::Rc;\n#\n# fn main() {\n    // Why.\n"
            ),
            "{completed}"
        );
    }

    #[test]
    fn of_a_long_message_the_error_and_its_first_note_are_shown_and_the_rest_is_folded() {
        let lines = "  |\n".repeat(SHORT);
        for (message, shown) in [
            (
                format!("error: a\n{lines}note: b\n  = note: c\nnote: d\n"),
                "error: a\nnote: b\n  = note: c",
            ),
            (
                format!("warning: a\n\nerror[E1]: b\n{lines}\nerror: c\n"),
                "warning: a\n\nerror[E1]: b",
            ),
            (
                format!("error: a\nnotes: b\n{lines}note: c\n"),
                "error: a\nnotes: b\nnote: c",
            ),
        ] {
            let (head, rest) = cut(&message);
            assert_eq!(format!("{head}{rest}"), message);
            assert_eq!(head.replace("  |\n", "").trim_end(), shown, "{message}");
        }
        let short = "error: a\nnote: b\nnote: c\n";
        assert_eq!(cut(short), (short, ""));

        let root = root();
        let message = format!("error: a\n{lines}note: b\nnote: c <d>\n");
        std::fs::write(root.path().join("examples/compile-fail/add.stderr"), message).unwrap();
        let (expanded, _) = expand("{{#compile_fail add}}\n", root.path());
        assert!(
            expanded.ends_with(
                "note: b\n```\n\n</div>\n\n<details><summary>The rest of the message</summary>\n\n\
                 <div class=\"message\" lang=\"en\" dir=\"ltr\">\n\n```text\nnote: c <d>\n```\n\n</div>\n\n</details>\n\n</figure>\n"
            ),
            "{expanded}"
        );
    }

    #[test]
    fn mistakes_tell_what_to_do() {
        let root = root();
        for (directive, message, help) in [
            (
                "{{#compile_fail ad}}",
                "no program examples/compile-fail/ad.rs",
                "add, fresh",
            ),
            ("{{#compile_fail ../e/x}}", "no path below examples/", "name a file"),
            (
                "{{#compile_fail fresh}}",
                "fresh.stderr cannot be read",
                "TRYBUILD=overwrite",
            ),
            ("{{#compile_fail}}", "cannot be read", "{{#compile_fail NAME}}"),
            (
                "{{#compile_fail add part more}}",
                "cannot be read",
                "{{#compile_fail NAME}}",
            ),
            ("{{#compile_fail add nothing}}", "no anchor `nothing`", "part"),
            (
                "So: {{#compile_fail add}}",
                "inside other text",
                "a paragraph of its own",
            ),
        ] {
            let text = format!("# A\n\n{directive}\n");
            let (expanded, mistakes) = expand(&text, root.path());
            assert_eq!(expanded, text);
            let [(line, said, advised)] = &mistakes[..] else {
                panic!("{directive}: {mistakes:?}");
            };
            assert_eq!(*line, 3, "{directive}");
            assert!(said.contains(message), "{directive}: {said}");
            assert!(advised.contains(help), "{directive}: {advised}");
        }
        std::fs::remove_file(root.path().join("examples/compile-fail/compiler.txt")).unwrap();
        let (_, mistakes) = expand("{{#compile_fail add}}", root.path());
        assert!(mistakes[0].1.contains("compiler.txt"), "{mistakes:?}");
    }
}
