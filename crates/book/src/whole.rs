//! Whole programs on pages of their own. A chapter shows parts of them, and skeptic and the tests run each part with the rest of its program
//! hidden around it; what readers get is the part, and a link in its caption to the program it belongs to. With the hidden lines in it the
//! page of a chapter would weigh up to three times as much.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use mdbook_driver::config::TextDirection;

use crate::highlight;
use crate::html::escaped;
use crate::interface::Interface;
use crate::policy;
use crate::site::Site;
use crate::twin;

/// Of an edition.
const FOLDER: &str = "programs";

/// The style sheet of the theme, in the heads of pages.
const OWN_STYLE: &str = "theme/css/book-";

/// A block of code that is part of a program, in mdBook's HTML.
const BLOCK: &str = "<code class=\"language-";
const CAPTION: &str = "<code>examples/";
const HIDDEN: &str = "<span class=\"boring\">";

/// The page without hidden lines of programs, with links to these. `up` leads from the page to the folder of its edition. Every program that
/// is linked is added to `programs`.
pub(crate) fn shorten(main: &str, root: &Path, up: &str, title: &str, programs: &mut BTreeSet<String>) -> String {
    link(&without_hidden(main), root, up, title, programs)
}

fn without_hidden(main: &str) -> String {
    let mut html = String::with_capacity(main.len());
    let mut rest = main;
    while let Some(at) = rest.find(BLOCK) {
        let (before, block) = rest.split_at(at);
        html.push_str(before);
        let (Some(open), Some(end)) = (block.find('>'), block.find("</code>")) else {
            rest = block;
            break;
        };
        let (tag, inner) = (&block[..=open], &block[open + 1..end]);
        if tag.contains(" program=") {
            // It says by how much the part stands in: without the lines around it, it stands at the margin.
            let (tag, columns) = indentation(tag);
            html.push_str(&tag);
            html.push_str(&dedented(&shown(inner), columns));
        } else {
            html.push_str(&block[..end]);
        }
        rest = &block[end..];
    }
    html.push_str(rest);
    html
}

/// A tag without the class `indented-8`, and the 8.
fn indentation(tag: &str) -> (String, usize) {
    const CLASS: &str = " indented-";
    let Some((before, after)) = tag.split_once(CLASS) else {
        return (tag.to_owned(), 0);
    };
    let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    (
        format!("{before}{}", &after[digits..]),
        after[..digits].parse().unwrap_or(0),
    )
}

/// What is not hidden.
fn shown(inner: &str) -> String {
    let mut shown = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((before, hidden)) = rest.split_once(HIDDEN) {
        shown.push_str(before);
        rest = hidden.split_once("</span>").map_or("", |(_, after)| after);
    }
    shown.push_str(rest);
    shown
}

fn dedented(code: &str, columns: usize) -> String {
    let margin = " ".repeat(columns);
    code.split_inclusive('\n')
        .map(|line| line.strip_prefix(&margin).unwrap_or(line))
        .collect()
}

fn link(main: &str, root: &Path, up: &str, title: &str, programs: &mut BTreeSet<String>) -> String {
    const START: &str = "<figcaption>";
    let mut html = String::with_capacity(main.len());
    let mut pieces = main.split(START);
    html.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        html.push_str(START);
        let (caption, after) = piece.split_once("</figcaption>").unwrap_or((piece, ""));
        let program = caption
            .split_once(CAPTION)
            .and_then(|(_, rest)| Some(rest.split_once("</code>")?.0))
            .filter(|program| root.join("examples").join(program).is_file());
        match program {
            Some(program) => {
                let code = format!("{CAPTION}{program}</code>");
                let linked = format!(
                    "<a href=\"{up}{FOLDER}/{program}.html\" title=\"{}\">{code}</a>",
                    escaped(title)
                );
                html.push_str(&caption.replacen(&code, &linked, 1));
                programs.insert(program.to_owned());
            }
            None => html.push_str(caption),
        }
        if piece.len() > caption.len() {
            html.push_str("</figcaption>");
        }
        html.push_str(after);
    }
    html
}

/// Writes the page of each program. `head` is that of a page in the folder of the edition, whose style sheets are taken.
pub(crate) fn write(
    programs: &BTreeSet<String>,
    site: &Site,
    interface: &Interface,
    head: &str,
    folder: &Path,
) -> Result<()> {
    for program in programs {
        let path = site.root.join("examples").join(program);
        let source = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let page = policy::enforce(&page(program, &twin::without_marks(&source), interface, head)?)?;
        let path = folder.join(FOLDER).join(format!("{program}.html"));
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        std::fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn page(program: &str, source: &str, interface: &Interface, head: &str) -> Result<String> {
    let language = interface.language();
    let up = "../".repeat(program.matches('/').count() + 1);
    let sheet = |start: &str| -> Result<String> {
        let (_, rest) = head
            .split_once(&format!("href=\"{start}"))
            .with_context(|| format!("mdBook's template has changed: no style sheet {start}"))?;
        let (name, _) = rest.split_once('"').context("a link without an end")?;
        Ok(format!("{up}{start}{name}"))
    };
    let mut styles = String::new();
    let mut sheets = vec!["css/variables-", "css/general-", "css/chrome-", "fonts/fonts-"];
    // A book may have none of its own.
    sheets.extend(head.contains(OWN_STYLE).then_some(OWN_STYLE));
    for start in sheets {
        styles.push_str(&format!("<link rel=\"stylesheet\" href=\"{}\">\n", sheet(start)?));
    }
    let colours = format!(
        "<link rel=\"stylesheet\" id=\"colours\" href=\"{}\" data-dark=\"{}\" data-ayu=\"{}\">\n",
        sheet("highlight-")?,
        sheet("tomorrow-night-")?,
        sheet("ayu-highlight-")?
    );
    let token = match program.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "py" => "python",
        "rs" => "rust",
        "js" | "mjs" => "javascript",
        other => other,
    };
    let code = highlight::page(&format!(
        "<pre><code class=\"language-{token}\">{}</code></pre>",
        escaped(source)
    ))
    // It may be wider than the page, and there is no script here to see whether it is.
    .replacen(" hljs\">", " hljs\" tabindex=\"0\">", 1);
    let run = command(program).map_or_else(String::new, |command| {
        format!(
            "<p>{} <code>{}</code></p>\n",
            escaped(&interface.text("To run it:")),
            escaped(&command)
        )
    });
    let direction = match language.direction() {
        TextDirection::RightToLeft => "rtl",
        _ => "ltr",
    };
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"{code_of}\" dir=\"{direction}\" class=\"light\">\n<head>\n<meta charset=\"UTF-8\">\n\
         <title>examples/{name}</title>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n{styles}{colours}<script>{THEME}</script>\n</head>\n<body class=\"whole-program\">\n\
         <main>\n<p><a href=\"{up}index.html\">{home}</a></p>\n<h1><code>examples/{name}</code></h1>\n{run}{code}\n</main>\n</body>\n</html>\n",
        code_of = escaped(&language.code),
        name = escaped(program),
        home = escaped(&interface.text("To the book")),
    ))
}

/// The reader's theme, as mdBook's pages keep it, before anything is drawn.
const THEME: &str = "(() => { let theme = null; try { theme = localStorage.getItem('mdbook-theme'); } catch { /* storage is off */ } \
    const dark = matchMedia('(prefers-color-scheme: dark)').matches; \
    if (!theme || theme === 'default_theme') theme = dark ? 'navy' : 'light'; \
    document.documentElement.classList.replace('light', theme); document.documentElement.classList.add('js'); \
    const colours = document.getElementById('colours'); \
    if (theme === 'ayu') colours.href = colours.dataset.ayu; \
    else if (theme === 'coal' || theme === 'navy') colours.href = colours.dataset.dark; })();";

/// What runs a program from the root of the repository, where one command does.
fn command(program: &str) -> Option<String> {
    let (experiment, file) = program.split_once('/')?;
    if file.contains('/') || experiment == "compile-fail" {
        return None;
    }
    let (stem, extension) = file.rsplit_once('.')?;
    match extension {
        "py" => Some(format!("python examples/{program}")),
        "rs" if stem == "main" => Some(format!("cargo run --release --example {experiment}")),
        "rs" => Some(format!("cargo run --release --example {experiment}-{stem}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{english, italian};

    #[test]
    fn hidden_lines_of_programs_go_and_those_of_other_snippets_stay() {
        let other = "<code class=\"language-rust\"><span class=\"boring\">use a;\n</span>b();\n</code>";
        let program = "<code class=\"language-python program=e/main.py indented-4\"><span class=\"boring\">class A:\n</span>    def f():\n        \
                       return 1\n\n<span class=\"boring\">f()\n</span></code>";
        let html = without_hidden(&format!("x{other}y{program}z"));
        assert_eq!(
            html,
            format!("x{other}y<code class=\"language-python program=e/main.py\">def f():\n    return 1\n\n</code>z")
        );
    }

    #[test]
    fn a_caption_leads_to_the_whole_program() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("examples/e")).unwrap();
        std::fs::write(root.path().join("examples/e/main.py"), "").unwrap();
        let main = "<figcaption><span>Python</span> <code>examples/e/main.py</code></figcaption><p>a</p>\
                    <figcaption><code>examples/gone.py</code></figcaption><figcaption>A figure.</figcaption>";
        let mut programs = BTreeSet::new();
        let html = link(main, root.path(), "../", "The whole \"program\"", &mut programs);
        assert_eq!(
            html,
            "<figcaption><span>Python</span> <a href=\"../programs/e/main.py.html\" title=\"The whole &quot;program&quot;\">\
             <code>examples/e/main.py</code></a></figcaption><p>a</p>\
             <figcaption><code>examples/gone.py</code></figcaption><figcaption>A figure.</figcaption>"
        );
        assert_eq!(programs, BTreeSet::from(["e/main.py".to_owned()]));
    }

    #[test]
    fn a_program_says_how_it_is_run() {
        for (program, expected) in [
            ("e/main.py", Some("python examples/e/main.py")),
            ("e/main.rs", Some("cargo run --release --example e")),
            ("e/mini.rs", Some("cargo run --release --example e-mini")),
            ("compile-fail/a.rs", None),
            ("bridge/extension/src/lib.rs", None),
        ] {
            assert_eq!(command(program).as_deref(), expected);
        }
    }

    #[test]
    fn its_page_takes_the_style_of_the_edition() {
        let head = "<link href=\"css/variables-1.css\"><link href=\"css/general-2.css\"><link href=\"css/chrome-3.css\">\
                    <link href=\"fonts/fonts-4.css\"><link href=\"highlight-5.css\"><link href=\"tomorrow-night-6.css\">\
                    <link href=\"ayu-highlight-7.css\"><link href=\"theme/css/book-8.css\">";
        let html = page("e/main.py", "x = 1 < 2\n", &italian(), head).unwrap();
        assert!(
            html.contains("href=\"../../css/general-2.css\"")
                && html.contains("data-ayu=\"../../ayu-highlight-7.css\""),
            "{html}"
        );
        assert!(html.contains("<html lang=\"it\"") && html.contains("&lt;"), "{html}");
        assert!(page("e/main.py", "", &english(), "<head>").is_err());
    }
}
