//! Code in colour, put there when a page is built, so that no script has to read it in the reader's browser. The class names are those of
//! `highlight.js`, which mdBook's themes have the colours of.
//!
//! Lines that mdBook hides stay as they are: they are pale when they are shown, and colours would double the weight of the page.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{LazyLock, Mutex};

use pulldown_cmark_escape::escape_html_body_text;
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxSet};

/// What stands in the place of `highlight.js`, which mdBook's script calls.
pub(crate) const STUB: &str = "var hljs = { configure() {}, highlightBlock() {} };\n";

/// How a block of code begins in mdBook's HTML, up to its language.
const BEGIN: &str = "<code class=\"language-";
const END: &str = "</code>";
const HIDDEN: &str = "<span class=\"boring\">";

/// Colours every block of code in the HTML of a page.
pub(crate) fn page(html: &str) -> String {
    let mut coloured = String::with_capacity(html.len() + html.len() / 4);
    let mut rest = html;
    while let Some(at) = rest.find(BEGIN) {
        let (before, block) = rest.split_at(at + BEGIN.len());
        let Some((classes, inner, after)) = parts(block) else {
            break;
        };
        let language = classes.split(' ').next().unwrap_or_default();
        coloured.push_str(before);
        coloured.push_str(classes);
        coloured.push_str(" hljs\">");
        coloured.push_str(&block_of(inner, language).unwrap_or_else(|| inner.to_owned()));
        coloured.push_str(END);
        rest = after;
    }
    coloured.push_str(rest);
    coloured
}

/// The classes of a block of code that begins with its language, what is in it, and what follows.
fn parts(block: &str) -> Option<(&str, &str, &str)> {
    let (classes, rest) = block.split_once("\">")?;
    let (inner, after) = rest.split_once(END)?;
    Some((classes, inner, after))
}

/// A piece of a block: HTML of hidden lines, or code that readers see.
enum Piece<'a> {
    Hidden(&'a str),
    Shown(Range<usize>),
}

/// The same block with colours; `None` where it holds other tags than those of hidden lines, or a language that is not known.
fn block_of(inner: &str, language: &str) -> Option<String> {
    let mut code = String::with_capacity(inner.len());
    let mut pieces = Vec::new();
    let mut rest = inner;
    while !rest.is_empty() {
        if let Some(hidden) = rest.strip_prefix(HIDDEN) {
            let end = hidden.find("</span>")? + "</span>".len() + HIDDEN.len();
            pieces.push(Piece::Hidden(&rest[..end]));
            rest = &rest[end..];
        } else {
            let end = rest.find('<').unwrap_or(rest.len());
            if end == 0 {
                return None;
            }
            let from = code.len();
            unescape(&rest[..end], &mut code)?;
            pieces.push(Piece::Shown(from..code.len()));
            rest = &rest[end..];
        }
    }
    let spans = spans(&code, language)?;
    let mut html = String::with_capacity(inner.len() * 2);
    for piece in pieces {
        match piece {
            Piece::Hidden(hidden) => html.push_str(hidden),
            Piece::Shown(range) => colour(&code, range, &spans, &mut html),
        }
    }
    Some(html)
}

/// Writes a range of the code, with the spans that reach into it.
fn colour(code: &str, range: Range<usize>, spans: &[Span], html: &mut String) {
    let escaped = |text: &str, html: &mut String| {
        escape_html_body_text(html, text).expect("a string takes everything");
    };
    let mut at = range.start;
    let first = spans.partition_point(|span| span.range.end <= range.start);
    for span in &spans[first..] {
        let (start, end) = (span.range.start.max(range.start), span.range.end.min(range.end));
        if start >= end {
            break;
        }
        escaped(&code[at..start], html);
        html.push_str("<span class=\"hljs-");
        html.push_str(span.class);
        html.push_str("\">");
        escaped(&code[start..end], html);
        html.push_str("</span>");
        at = end;
    }
    escaped(&code[at..range.end], html);
}

/// The entities that mdBook writes in code.
fn unescape(text: &str, into: &mut String) -> Option<()> {
    let mut pieces = text.split('&');
    into.push_str(pieces.next()?);
    for piece in pieces {
        let (entity, rest) = piece.split_once(';')?;
        into.push(match entity {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "#39" | "#x27" => '\'',
            _ => return None,
        });
        into.push_str(rest);
    }
    Some(())
}

/// A piece of code in one colour.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    range: Range<usize>,
    /// Without the `hljs-` in front.
    class: &'static str,
}

/// What has a colour, in order. The same block stands on its page, on the page for printing and in every edition, so what was found is kept.
fn spans(code: &str, language: &str) -> Option<Vec<Span>> {
    // By language and code.
    type Found = HashMap<(String, String), Option<Vec<Span>>>;
    static FOUND: LazyLock<Mutex<Found>> = LazyLock::new(Mutex::default);
    let found = || FOUND.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let key = (language.to_owned(), code.to_owned());
    let known = found().get(&key).cloned();
    known.unwrap_or_else(|| {
        let spans = read(code, language);
        found().insert(key, spans.clone());
        spans
    })
}

fn read(code: &str, language: &str) -> Option<Vec<Span>> {
    static SYNTAXES: LazyLock<SyntaxSet> = LazyLock::new(SyntaxSet::load_defaults_newlines);
    // There is no syntax for TOML; its comments and strings are those of the shell.
    let token = if language == "toml" { "sh" } else { language };
    let syntax = SYNTAXES
        .find_syntax_by_token(token)
        .filter(|syntax| syntax.name != "Plain Text")?;
    let words = keywords(language);
    let mut state = ParseState::new(syntax);
    let mut stack = ScopeStack::new();
    let mut found: Vec<Span> = Vec::new();
    let mut line_start = 0;
    for line in code.split_inclusive('\n') {
        let ops = state.parse_line(line, &SYNTAXES).ok()?;
        let mut from = 0;
        for (at, op) in ops.iter().map(|(at, op)| (*at, Some(op))).chain([(line.len(), None)]) {
            // Blanks at the end of a piece have no colour.
            let text = line[from..at].trim_end();
            if !text.is_empty() {
                push(&mut found, code, line_start + from, text, class(&stack, text, words));
            }
            from = at;
            if let Some(op) = op {
                stack.apply(op).ok()?;
            }
        }
        line_start += line.len();
    }
    Some(found)
}

/// Adds a piece, joined to the last one where both have one colour and only blanks are between them.
fn push(found: &mut Vec<Span>, code: &str, start: usize, text: &str, class: Option<&'static str>) {
    let Some(class) = class else { return };
    let end = start + text.len();
    if let Some(last) = found.last_mut()
        && last.class == class
        && code[last.range.end..start].trim().is_empty()
        && !code[last.range.end..start].contains('\n')
    {
        last.range.end = end;
        return;
    }
    found.push(Span {
        range: start..end,
        class,
    });
}

/// Words that the syntaxes, which are older than some of these, take for names.
fn keywords(language: &str) -> &'static [&'static str] {
    match language {
        "rust" => &["async", "await", "dyn", "gen", "union"],
        "python" => &["async", "await", "case", "match", "nonlocal", "type"],
        _ => &[],
    }
}

/// Scopes and their classes; the innermost scope that is named here decides, and of one scope the first entry that fits.
const CLASSES: &[(&str, Option<&str>)] = &[
    ("comment", Some("comment")),
    ("meta.interpolation", None),
    ("constant.character.escape", Some("string")),
    ("constant.other.placeholder", Some("string")),
    ("string", Some("string")),
    ("constant.numeric", Some("number")),
    ("constant.language", Some("literal")),
    ("storage.modifier.lifetime", Some("symbol")),
    ("entity.name.lifetime", Some("symbol")),
    ("variable.annotation", Some("meta")),
    ("variable.function.decorator", Some("meta")),
    ("meta.annotation", Some("meta")),
    ("support.macro", Some("built_in")),
    ("support.function", Some("built_in")),
    ("support.type", Some("built_in")),
    ("entity.name", Some("title")),
    ("keyword", Some("keyword")),
    ("storage", Some("keyword")),
];

/// The colour of a piece of code that is in these scopes.
fn class(stack: &ScopeStack, text: &str, words: &[&str]) -> Option<&'static str> {
    static SCOPES: LazyLock<Vec<(Scope, Option<&'static str>)>> = LazyLock::new(|| {
        let scope = |(name, class): &(&str, Option<&'static str>)| (Scope::new(name).expect("a valid scope"), *class);
        CLASSES.iter().map(scope).collect()
    });
    let named = stack
        .as_slice()
        .iter()
        .rev()
        .find_map(|scope| SCOPES.iter().find(|(prefix, _)| prefix.is_prefix_of(*scope)))
        .and_then(|(_, class)| *class);
    match named {
        // Operators that are signs have no colour, those that are words do.
        Some("keyword") if !text.chars().any(char::is_alphabetic) => None,
        None if words.contains(&text.trim()) => Some("keyword"),
        named => named,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a browser shows.
    fn seen(html: &str) -> String {
        let mut seen = String::new();
        let mut rest = html;
        while let Some((text, tag)) = rest.split_once('<') {
            seen.push_str(text);
            rest = tag.split_once('>').map_or("", |(_, after)| after);
        }
        seen + rest
    }

    #[test]
    fn both_languages_get_the_classes_that_themes_know() {
        let rust = page(
            "<pre><code class=\"language-rust program=a/main.rs\">/// Says so.\nasync fn say(n: u64) -&gt; u64 {\n    work(n).await + 1\n}\n</code></pre>",
        );
        for expected in [
            "<code class=\"language-rust program=a/main.rs hljs\">",
            "<span class=\"hljs-comment\">/// Says so.</span>",
            "<span class=\"hljs-title\">say</span>",
            "<span class=\"hljs-number\">1</span>",
            "-&gt;",
        ] {
            assert!(rust.contains(expected), "{expected}: {rust}");
        }
        assert!(rust.contains("hljs-keyword\">async"), "{rust}");
        let python = page(
            "<code class=\"language-python\">async def say() -&gt; str:\n    return await ask(\"a &amp; b\")  # now\n</code>",
        );
        for expected in ["hljs-keyword\">return", "\"a &amp; b\"</span>", "hljs-comment\"># now"] {
            assert!(python.contains(expected), "{expected}: {python}");
        }
    }

    #[test]
    fn nothing_changes_but_the_colours() {
        let code = "<span class=\"boring\">use std::io;\n</span>fn main() {\n<span class=\"boring\">    let x = \"&lt;\";\n</span>    go(&amp;x); // it&#39;s so\n}\n";
        let coloured = page(&format!(
            "<p>before</p><code class=\"language-rust\">{code}</code> after <code>inline</code>"
        ));
        let plain = format!("before{} after inline", seen(code).replace("&#39;", "'"));
        assert_eq!(seen(&coloured), plain);
        assert!(
            coloured.contains("<span class=\"boring\">use std::io;\n</span>"),
            "hidden lines have no colour: {coloured}"
        );
    }

    #[test]
    fn what_cannot_be_read_stays() {
        for html in [
            "<code class=\"language-text\">plain &lt; text</code>",
            "<code class=\"language-rust\">fn <b>main</b>() {}</code>",
            "<code class=\"language-rust\">&nbsp;</code>",
        ] {
            let shown = page(html).replace(" hljs\"", "\"");
            assert_eq!(shown, html);
        }
        assert_eq!(
            page("<code class=\"language-rust\">never closed"),
            "<code class=\"language-rust\">never closed"
        );
    }
}
