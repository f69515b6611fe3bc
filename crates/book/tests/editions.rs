//! A small book in two languages, from its files to its pages.

use std::path::Path;
use std::sync::OnceLock;

use book::catalog::{self, Dictionaries, Summary};
use book::edition::{self, Options};
use book::{Catalog, Diagnostics, Site, preprocess};
use measure::library::{Library, Source};

const BOOK: &str = r#"
[book]
title = "A Small Book"
description = "It is small."
language = "en"
[build]
build-dir = "book/en"
[preprocessor.programs]
command = "false"
before = ["links"]
[preprocessor.gettext]
command = "false"
after = ["links"]
[preprocessor.measurements]
command = "false"
after = ["gettext"]
reference-machine = "m"
[output.html]
default-theme = "light"
definition-lists = false
input-404 = ""
[output.html.playground]
runnable = false
[output.html.code.hidelines]
python = "~"
"#;

const LANGUAGES: &str = r#"
[[language]]
code = "en"
name = "English"
decimal = "."
thousands = ","
source = true
[[language]]
code = "it"
name = "Italiano"
decimal = ","
thousands = "."
status = "complete"
"#;

const SUMMARY: &str = "# Summary\n\n[Front](index.md)\n\n# Part one\n\n- [Waiting with `select!`](part/waiting.md)\n";

const FRONT: &str = "# Front {#front}\n\nWelcome to *the* book.\n";

const WAITING: &str = "# Waiting with `select!` {#waiting}\n\n\
Programs wait{{#number , | a comma}} mostly[^1]. There are {{#param e.naps}} naps; each took {{#measured e.py.wall}}.\n\n\
[^1]: Not always.\n\n\
> [!NOTE]\n> It is short.\n\n\
## Side by side {#twins}\n\n\
{{#twin e nap}}\n\n\
```python\n{{#include ../../examples/e/main.py:nap}}\n```\n\n\
| left | right |\n|:--|--:|\n| a | b |\n";

const PYTHON: &str = "\"\"\"Naps.\"\"\"\nimport asyncio\n\n\nasync def main():\n    # ANCHOR: nap\n    # Two lines\n    # of why.\n    await asyncio.sleep(0)  # not \"why\"\n    # ANCHOR_END: nap\n\n\nasyncio.run(main())\n";

const RUST: &str = "#[tokio::main]\nasync fn main() {\n    // ANCHOR: nap\n    // Two lines\n    // of why.\n    println!(\"of why.\");\n    // ANCHOR_END: nap\n}\n";

const EXPERIMENT: &str = r#"
title = "Naps"
rounds = 1
timeout_seconds = 5
[parameters.naps]
value = 200
[[program]]
id = "py"
label = "asyncio"
language = "python"
file = "main.py"
[[program]]
id = "rs"
label = "Tokio"
language = "rust"
file = "main.rs"
[[metric]]
id = "wall"
label = "time"
quantity = "seconds"
phase = "nap"
"#;

struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Fixture {
        let fixture = Fixture {
            folder: tempfile::tempdir().unwrap(),
        };
        for (path, text) in [
            ("book.toml", BOOK),
            ("po/languages.toml", LANGUAGES),
            ("src/SUMMARY.md", SUMMARY),
            ("src/index.md", FRONT),
            ("src/part/waiting.md", WAITING),
            ("examples/e/experiment.toml", EXPERIMENT),
            ("examples/e/main.py", PYTHON),
            ("examples/e/main.rs", RUST),
        ] {
            fixture.write(path, text);
        }
        fixture
    }

    /// With a complete Italian catalog: every message in capitals, but for a few real ones.
    fn translated() -> Fixture {
        let fixture = Fixture::new();
        let summary = fixture.update();
        assert_eq!(summary.missing, summary.messages);
        let mut catalog = fixture.catalog();
        for entry in &mut catalog.entries {
            entry.msgstr = italian(&entry.msgid);
        }
        fixture.write("po/it.po", &catalog.to_po());
        fixture
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn site(&self) -> Site {
        Site::open(self.root()).unwrap()
    }

    fn library(&self) -> Library {
        Library::open(
            self.root(),
            &Source::Published {
                machines: vec!["m".into()],
            },
        )
        .unwrap()
    }

    fn catalog(&self) -> Catalog {
        Catalog::parse(&self.read("po/it.po"), Path::new("po/it.po")).unwrap()
    }

    fn update(&self) -> Summary {
        let site = self.site();
        catalog::update(&site, &self.library(), site.language("it").unwrap()).unwrap()
    }

    fn build(&self) -> anyhow::Result<Vec<edition::Edition>> {
        edition::build(&self.site(), &self.library(), &Options::default())
    }

    fn mistakes(&self) -> Vec<String> {
        let report = edition::check(&self.site(), &self.library(), &Dictionaries::new()).unwrap();
        report
            .findings
            .iter()
            // Most of the fixture's translations are their sources.
            .filter(|finding| finding.rule != "english")
            .map(ToString::to_string)
            .collect()
    }
}

fn italian(msgid: &str) -> String {
    let known = [
        ("Welcome to _the_ book.", "Benvenuto nel _libro_."),
        ("Waiting with `select!`", "Aspettare con `select!`"),
        ("Side by side", "Fianco a fianco"),
        ("It is short.", "È breve."),
        ("# Two lines\n# of why.", "# Il perché in\n# tre\n# righe."),
        ("// Two lines\n// of why.", "// Il perché."),
        ("# not \"why\"", "# non \"perché\""),
        ("A Small Book", "Un piccolo libro"),
        ("Part one", "Parte prima"),
        ("Previous chapter", "Capitolo precedente"),
        ("Copy to clipboard", "Copia negli appunti dell'utente"),
        ("Note", "Nota"),
    ];
    known
        .iter()
        .find(|(english, _)| *english == msgid)
        // No words, so nothing that looks wrong: what else is in it stays.
        .map_or_else(|| msgid.to_owned(), |(_, italian)| (*italian).to_owned())
}

/// Built once: most tests only look at it.
fn built() -> &'static Fixture {
    static BUILT: OnceLock<Fixture> = OnceLock::new();
    BUILT.get_or_init(|| {
        let fixture = Fixture::translated();
        fixture.build().unwrap_or_else(|error| panic!("{error:#}"));
        fixture
    })
}

#[test]
fn both_editions_have_the_same_pages_and_anchors() {
    let (english, italian) = (
        built().read("book/en/part/waiting.html"),
        built().read("book/it/part/waiting.html"),
    );
    assert!(english.contains("<html lang=\"en\""));
    assert!(italian.contains("<html lang=\"it\""));
    for page in [&english, &italian] {
        assert!(page.contains("<h2 id=\"twins\">"), "{page}");
        assert!(page.contains("<h1 id=\"waiting\">"), "{page}");
    }
    assert!(english.contains("<title>Waiting with select! - A Small Book</title>"));
    assert!(italian.contains("<title>Aspettare con select! - Un piccolo libro</title>"));
    let contents = |language: &str| {
        let folder = built().root().join("book").join(language);
        let mut files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        std::fs::read_to_string(files.find(|path| path.to_string_lossy().contains("toc-")).unwrap()).unwrap()
    };
    assert!(contents("it").contains("Parte prima") && contents("en").contains("Part one"));
}

#[test]
fn links_of_all_editions_arrive_and_a_broken_one_is_named() {
    let (mistakes, seen) = book::links::check(&built().site()).unwrap();
    assert_eq!(mistakes, []);
    assert!(seen.pages > 6 && seen.anchors > 10 && seen.links > 50, "{seen:?}");
    let fixture = Fixture::translated();
    fixture.build().unwrap_or_else(|error| panic!("{error:#}"));
    let page = fixture.read("book/it/part/waiting.html");
    let broken =
        page.replace("id=\"twins\"", "id=\"gemelli\"")
            .replacen("<main>", "<main>\n<a href=\"../no.html\">x</a>", 1);
    assert_ne!(page, broken);
    fixture.write("book/it/part/waiting.html", &broken);
    std::fs::remove_file(fixture.root().join("book/it/index.html")).unwrap();
    let (mistakes, _) = book::links::check(&fixture.site()).unwrap();
    let told = |expected: &str| mistakes.iter().any(|mistake| mistake.to_string().contains(expected));
    for expected in [
        "book/it/part/waiting.html:1: anchors that the source has are not here: `twins`",
        "the source does not have: `gemelli`",
        "book/en/index.html:1: the edition in Italiano has no such page",
        "the link `../no.html` leads to a page that is not there",
        "the link `#twins` names an anchor",
    ] {
        assert!(told(expected), "expected {expected} in {mistakes:#?}");
    }
}

#[test]
fn prose_alerts_and_comments_are_translated_and_code_is_not() {
    let page = built().read("book/it/part/waiting.html");
    let front = built().read("book/it/index.html");
    assert!(front.contains("Benvenuto nel <em>libro</em>."));
    assert!(page.contains("blockquote-tag-note"), "{page}");
    assert!(page.contains("</svg>Nota</p>"), "{page}");
    // Without the colours of the code.
    let parts = page.replace("</span>", "");
    let seen: String = parts
        .split("<span")
        .enumerate()
        .map(|(number, part)| match number {
            0 => part,
            _ => part.split_once('>').map_or("", |(_, text)| text),
        })
        .collect();
    assert!(
        seen.contains("# tre\n# righe.\nawait asyncio.sleep(0)  # non \"perché\""),
        "{page}"
    );
    assert!(seen.contains("// Il perché.\nprintln!(\"of why.\");"), "{page}");
    assert!(page.contains("text-align: right"), "{page}");
    assert!(page.contains("200"), "{page}");
}

#[test]
fn a_part_leads_to_its_whole_program() {
    for language in ["en", "it"] {
        let page = built().read(&format!("book/{language}/part/waiting.html"));
        assert!(page.contains("program=e/main.rs"), "{page}");
        assert!(!page.contains("#[tokio::main]"), "the rest weighs nothing here: {page}");
        assert!(page.contains("<a href=\"../programs/e/main.py.html\""), "{page}");
        let whole = built().read(&format!("book/{language}/programs/e/main.rs.html"));
        assert!(whole.contains("tokio::main"), "{whole}");
        assert!(
            whole.contains("<code>cargo run --release --example e</code>"),
            "{whole}"
        );
        for page in [page, whole] {
            assert!(!page.contains("ANCHOR"), "{page}");
        }
    }
}

#[test]
fn a_page_leads_to_itself_in_the_other_language() {
    let page = built().read("book/it/part/waiting.html");
    assert!(page.contains("href=\"../../en/part/waiting.html\">EN</a>"), "{page}");
    assert!(page.contains("aria-current=\"true\">IT</span>"), "{page}");
    assert!(built().root().join("book/it/part/../../en/part/waiting.html").is_file());
    assert!(
        built()
            .read("book/en/index.html")
            .contains("href=\"../it/index.html\">IT</a>")
    );
    let root = built().read("book/index.html");
    assert!(
        root.contains("href=\"it/index.html\"") && root.contains("<html lang=\"en\">"),
        "{root}"
    );
}

/// Fails when a version of mdBook says something else: then `page.rs` has to learn it.
#[test]
fn every_string_of_mdbooks_own_is_still_there_and_translated() {
    let fixture = Fixture::new();
    fixture.update();
    let mut catalog = fixture.catalog();
    let own: Vec<String> = catalog
        .entries
        .iter()
        .filter(|entry| book::page_strings().any(|string| string == entry.msgid))
        .map(|entry| entry.msgid.clone())
        .collect();
    assert_eq!(
        own.len(),
        book::page_strings().collect::<std::collections::BTreeSet<_>>().len()
    );
    for (number, entry) in catalog.entries.iter_mut().enumerate() {
        entry.msgstr = match own.contains(&entry.msgid) {
            true => format!("tradotto{number}x"),
            false => String::new(),
        };
    }
    fixture.write("po/it.po", &catalog.to_po());
    let alerts: String = ["NOTE", "TIP", "IMPORTANT", "WARNING", "CAUTION"]
        .iter()
        .map(|kind| format!("> [!{kind}]\n> x\n\n"))
        .collect();
    let answer = "<details><summary>Answer</summary>\n\nx\n\n</details>\n";
    let message = format!("error: x\n{}", "note: y\n  |\n".repeat(20));
    fixture.write("examples/compile-fail/a.rs", "fn main() { x }\n");
    fixture.write("examples/compile-fail/a.stderr", &message);
    fixture.write("examples/compile-fail/compiler.txt", "rustc 1.0.0\n");
    let refused = "{{#compile_fail a}}\n";
    fixture.write(
        "src/index.md",
        &format!("# Front {{#front}}\n\n{alerts}{answer}\n{refused}"),
    );
    fixture.write("src/SUMMARY.md", &format!("{SUMMARY}- [Third](third.md)\n"));
    fixture.write("src/third.md", "# Third {#third}\n");
    fixture.build().unwrap_or_else(|error| panic!("{error:#}"));
    let folder = fixture.root().join("book/it");
    let mut text = fixture.read("book/it/part/waiting.html") + &fixture.read("book/it/index.html");
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "js") {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
    for entry in catalog.entries.iter().filter(|entry| !entry.msgstr.is_empty()) {
        assert!(
            text.contains(&entry.msgstr),
            "`{}` is not on mdBook's pages any more",
            entry.msgid
        );
    }
}

#[test]
fn a_complete_translation_has_no_mistakes_and_an_update_changes_nothing() {
    let fixture = Fixture::translated();
    assert_eq!(fixture.mistakes(), [""; 0]);
    let before = fixture.read("po/it.po");
    let summary = fixture.update();
    assert_eq!(fixture.read("po/it.po"), before);
    assert_eq!(summary.translated, summary.messages);
    let extracted = catalog::extract(&fixture.site(), &fixture.library()).unwrap();
    let messages: Vec<&str> = extracted.entries.iter().map(|entry| entry.msgid.as_str()).collect();
    assert!(messages.contains(&"# Two lines\n# of why."), "{messages:?}");
    assert!(messages.contains(&"# not \"why\""), "{messages:?}");
    assert!(
        messages.iter().all(|message| !message.contains("println")),
        "{messages:?}"
    );
    assert!(extracted.get("Programs wait{{#number , | a comma}} mostly[^1]. There are {{#param e.naps}} naps; each took {{#measured e.py.wall}}.").is_some(), "{messages:?}");
}

#[test]
fn what_is_wrong_is_found_with_its_place() {
    let fixture = Fixture::translated();
    let catalog = fixture.read("po/it.po");
    fixture.write(
        "po/it.po",
        &catalog.replace("Benvenuto nel _libro_.", "Benvenuto  nel _libro_, perche' sì."),
    );
    let line = 1 + catalog.lines().position(|line| line.contains("Benvenuto nel")).unwrap();
    let mistakes = fixture.mistakes();
    assert_eq!(mistakes.len(), 2, "{mistakes:?}");
    let sources = fixture.read("src/index.md");
    let source = 1 + sources.lines().position(|line| line.starts_with("Welcome")).unwrap();
    assert!(
        mistakes
            .iter()
            .all(|mistake| mistake.contains(&format!("\n  of:   src/index.md:{source}\n"))),
        "{mistakes:?}"
    );
    assert!(
        mistakes
            .iter()
            .all(|mistake| mistake.starts_with(&format!("po/it.po:{line}: "))),
        "{mistakes:?}"
    );

    fixture.write(
        "src/index.md",
        "# Front\n\nIt is 3.5 times faster.\n\n{{#twin e nobody}}\n",
    );
    let mistakes = fixture.mistakes().join("\n");
    assert!(
        mistakes.contains("src/index.md:1: error[chapter]: the heading `Front` has no id"),
        "{mistakes}"
    );
    assert!(mistakes.contains("src/index.md:3: "), "{mistakes}");
    assert!(
        mistakes.contains("src/index.md:5: error[chapter]: examples/e/main.py: there is no anchor `nobody`"),
        "{mistakes}"
    );
}

#[test]
fn a_failed_build_names_the_mistake_and_leaves_the_book() {
    let fixture = Fixture::translated();
    fixture.build().unwrap();
    let good = fixture.read("book/en/index.html");
    for (chapter, expected) in [
        (
            "# Front {#front}\n\nText.\n\n{{#include none.md}}\n",
            "src/index.md:5: `{{#include none.md}}` could not be replaced",
        ),
        (
            "# Front {#front}\n\n{{#twin e nobody}}\n",
            "src/index.md:3: examples/e/main.py: there is no anchor `nobody`",
        ),
        ("# Front {#front}\n\n{{#measured e.py.none}}\n", "src/index.md:3: "),
        ("# Front {#front}\n\n{{#nonsense}}\n", "src/index.md:3: "),
    ] {
        fixture.write("src/index.md", chapter);
        let error = fixture.build().unwrap_err();
        let diagnostics = error
            .downcast_ref::<Diagnostics>()
            .unwrap_or_else(|| panic!("{error:#}"));
        assert_eq!(diagnostics.0.len(), 1, "{diagnostics}");
        assert!(
            diagnostics.to_string().starts_with(expected),
            "expected `{expected}` in {diagnostics}"
        );
        assert_eq!(fixture.read("book/en/index.html"), good);
    }
    let left: Vec<_> = std::fs::read_dir(fixture.root().join("book"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn directives_as_text_do_not_fail_the_build() {
    let fixture = Fixture::translated();
    fixture.write(
        "src/index.md",
        "# Front {#front}\n\nIn code: `\\{{#measured a.b.c}}`.\n\n```text\n\\{{#include x}}\n```\n",
    );
    fixture.build().unwrap_or_else(|error| panic!("{error:#}"));
    for language in ["en", "it"] {
        let page = fixture.read(&format!("book/{language}/index.html"));
        assert!(page.contains("<code>{{#measured a.b.c}}</code>"), "{page}");
        assert!(page.contains("{{#include x}}"), "{page}");
    }
}

#[test]
fn the_expanded_chapters_are_those_of_the_page() {
    let fixture = built();
    let site = fixture.site();
    let chapters = edition::expand(&site, &fixture.library(), site.language("it").unwrap()).unwrap();
    let paths: Vec<&Path> = chapters.iter().map(|chapter| chapter.path.as_path()).collect();
    assert_eq!(paths, [Path::new("index.md"), Path::new("part/waiting.md")]);
    let waiting = &chapters[1].markdown;
    assert!(
        waiting.contains("```rust,program=e/main.rs,indented-4\n# #[tokio::main]\n"),
        "{waiting}"
    );
    assert!(
        waiting.contains("```python,program=e/main.py,indented-4\n~\"\"\"Naps.\"\"\"\n"),
        "{waiting}"
    );
    assert!(!waiting.contains("{{#"), "{waiting}");
}

/// What a reader's own mdBook does, one process per preprocessor.
#[test]
fn preprocessors_give_the_same_book_one_by_one() {
    let fixture = built();
    let site = fixture.site();
    let mut config = site.config.clone();
    config.book.language = Some("it".into());
    // Without commands to run: only what mdBook itself reads.
    let mut plain = config.clone();
    plain.set("preprocessor", toml::Table::new()).unwrap();
    let read = mdbook_driver::MDBook::load_with_config(fixture.root(), plain).unwrap();
    let context = mdbook_preprocessor::PreprocessorContext::new(fixture.root().to_owned(), config, "html".into());
    let mut book = read.book;
    let mut step = |name: &str| {
        let input = serde_json::to_vec(&(&context, &book)).unwrap();
        let mut output = Vec::new();
        preprocess::run(fixture.root(), name, input.as_slice(), &mut output)
            .unwrap_or_else(|error| panic!("{name}: {error:#}"));
        book = serde_json::from_slice(&output).unwrap();
    };
    step("programs");
    step("gettext");
    step("measurements");
    let chapters = edition::expand(&site, &fixture.library(), site.language("it").unwrap()).unwrap();
    let front = book.chapters().next().unwrap();
    assert_eq!(front.content, chapters[0].markdown);
    assert!(preprocess::supports("gettext", "html").unwrap());
    assert!(!preprocess::supports("measurements", "xgettext").unwrap());
    assert!(preprocess::run(fixture.root(), "none", &b"[]"[..], Vec::new()).is_err());
}

#[test]
fn a_claim_is_named_where_it_stands_in_every_language() {
    let fixture = Fixture::new();
    let front = "# Front {#front}\n\nIt is so, and\n{{#claim e.py/rs.wall >=3}}at *least*\nthree times{{/claim}} so.\n";
    fixture.write("src/index.md", front);
    fixture.update();
    let claims = |fixture: &Fixture| edition::claims(&fixture.site(), &fixture.library()).unwrap();
    let untranslated = claims(&fixture);
    assert_eq!(untranslated.shown, "m");
    assert_eq!(
        untranslated.machines.len(),
        1,
        "the machine that is shown, without results"
    );
    assert_eq!(untranslated.failing_where_shown(), 1);
    assert_eq!(untranslated.claims[0].untranslated, ["it"]);

    let mut catalog = fixture.catalog();
    for entry in &mut catalog.entries {
        if entry.msgid.contains("{{#claim") {
            entry.msgstr =
                "È così, e di molto: {{#claim e.py/rs.wall >=3}}almeno *tre* volte{{/claim}} tanto.".to_owned();
        }
    }
    let text = catalog.to_po();
    fixture.write("po/it.po", &text);
    let places = claims(&fixture).claims[0].places.clone();
    let line = 1 + text.lines().position(|line| line.contains("almeno")).unwrap();
    let seen: Vec<_> = places
        .iter()
        .map(|place| (place.path.to_str().unwrap(), place.line, place.words.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("src/index.md", 4, "at *least* three times"),
            ("po/it.po", line, "almeno *tre* volte")
        ]
    );
}

/// A language whose catalog has little, and that goes from right to left.
fn draft() -> Fixture {
    let fixture = Fixture::translated();
    let added = catalog::new(&fixture.site(), &fixture.library(), "ar", &catalog::Given::default()).unwrap();
    assert_eq!(added.code, "ar");
    let translated = |msgid: &str| match msgid {
        "Side by side" => "جنبًا إلى جنب",
        "draft" => "مسودة",
        "This translation is a draft: {translated} of {count} texts are translated, the rest is in English." => {
            "مسودة: {translated} من {count}."
        }
        _ => "",
    };
    let mut catalog = Catalog::parse(&fixture.read("po/ar.po"), Path::new("po/ar.po")).unwrap();
    assert_eq!(catalog.entries.len(), fixture.catalog().entries.len());
    for entry in &mut catalog.entries {
        entry.msgstr = translated(&entry.msgid).to_owned();
    }
    catalog.header.notes.push("Ada <ada@example.com>, 2026.".into());
    fixture.write("po/ar.po", &catalog.to_po());
    fixture
}

#[test]
fn a_draft_is_built_and_says_on_every_page_what_it_is() {
    let fixture = draft();
    // Nothing that it lacks is a mistake.
    assert_eq!(fixture.mistakes(), [""; 0]);
    fixture.build().unwrap_or_else(|error| panic!("{error:#}"));
    let page = fixture.read("book/ar/part/waiting.html");
    assert!(
        page.contains("<html lang=\"ar\"") && page.contains("dir=\"rtl\""),
        "{page}"
    );
    assert!(
        page.contains("جنبًا إلى جنب</a></h2>") && page.contains("It is short."),
        "{page}"
    );
    assert!(page.contains("<meta name=\"robots\" content=\"noindex\">"), "{page}");
    let count = fixture.catalog().entries.len();
    assert!(page.contains(&format!("مسودة: 3 من {count}")), "{page}");
    assert!(
        page.contains(&format!(
            "<p lang=\"en\" dir=\"ltr\">This translation is a draft: 3 of {count} texts"
        )),
        "{page}"
    );
    // It is chosen, not come upon.
    let italian = fixture.read("book/it/part/waiting.html");
    assert!(
        italian.contains("href=\"../../ar/part/waiting.html\">AR <small lang=\"it\">draft</small></a>"),
        "{italian}"
    );
    assert!(
        !italian.contains("noindex") && !italian.contains("<aside class=\"draft\""),
        "{italian}"
    );
    let root = fixture.read("book/index.html");
    assert!(
        root.contains("const complete = [\"en\",\"it\"];") && root.contains("href=\"ar/index.html\""),
        "{root}"
    );
}

#[test]
fn what_a_draft_has_must_be_right_and_a_complete_language_whole() {
    let fixture = draft();
    let text = fixture
        .read("po/ar.po")
        .replacen("msgid \"Front\"\nmsgstr \"\"", "msgid \"Front\"\nmsgstr \" x\"", 1);
    fixture.write("po/ar.po", &text);
    let mistakes = fixture.mistakes();
    assert!(
        mistakes.len() == 1 && mistakes[0].contains("white space at the start"),
        "{mistakes:?}"
    );
    let list = fixture.read("po/languages.toml");
    fixture.write("po/languages.toml", &list.replace("draft", "complete"));
    assert!(fixture.mistakes().len() > 10);
    // A catalog that is gone is named at its language.
    std::fs::remove_file(fixture.root().join("po/ar.po")).unwrap();
    let error = format!("{:#}", fixture.build().unwrap_err());
    assert!(
        error.contains("po/languages.toml:15: ") && error.contains("there is no po/ar.po"),
        "{error}"
    );
}

#[test]
fn a_language_that_cannot_be_added_leaves_everything_as_it_was() {
    let fixture = Fixture::translated();
    let list = fixture.read("po/languages.toml");
    fixture.write("po/fr.po", "somebody's");
    for (code, expected) in [
        ("it", "is there already, as complete"),
        ("en", "the chapters are written in"),
        ("x", "not a language code"),
        ("tlh", "--plural-forms"),
        ("fr", "po/fr.po is there already"),
    ] {
        let error = catalog::new(&fixture.site(), &fixture.library(), code, &catalog::Given::default()).unwrap_err();
        assert!(format!("{error:#}").contains(expected), "{code}: {error:#}");
        assert_eq!(fixture.read("po/languages.toml"), list);
        let mut files: Vec<_> = std::fs::read_dir(fixture.root().join("po"))
            .unwrap()
            .map(|file| file.unwrap().file_name())
            .collect();
        files.sort();
        assert_eq!(files, ["fr.po", "it.po", "languages.toml"]);
    }
    assert_eq!(fixture.read("po/fr.po"), "somebody's");
}

#[test]
fn the_table_of_translations_has_the_numbers_of_the_catalogs() {
    let fixture = draft();
    let front = fixture.read("src/index.md");
    fixture.write("src/index.md", &format!("{front}\n{{{{#translations}}}}\n"));
    let site = fixture.site();
    let texts = catalog::Texts::read(&site, &fixture.library()).unwrap();
    let progress = catalog::progress(&site, &texts, site.translations()).unwrap();
    let [italian, arabic] = progress.as_slice() else {
        panic!("{progress:?}")
    };
    assert_eq!((italian.count.missing, italian.count.words_left), (0, 0));
    assert_eq!(
        (arabic.count.translated, arabic.translators.as_slice()),
        (3, ["Ada".to_owned()].as_slice())
    );
    let sources: Vec<_> = arabic
        .parts
        .iter()
        .filter_map(|part| part.source.as_deref()?.to_str())
        .collect();
    assert_eq!(sources, ["src/index.md", "src/part/waiting.md"]);
    assert_eq!(arabic.parts[0].title, "Front");
    fixture.build().unwrap_or_else(|error| panic!("{error:#}"));
    let page = fixture.read("book/it/index.html");
    let missing = arabic.count.missing;
    assert!(
        page.contains(&format!("<td>draft</td><td>3</td><td>0</td><td>{missing}</td>")),
        "{page}"
    );
    assert!(page.contains("<td>Ada</td>") && !page.contains("example.com"), "{page}");
}

/// Whatever stands in a catalog, no page is made of it that has more than words beyond its source.
#[test]
fn a_hostile_translation_is_refused_by_everything_that_makes_pages_or_code_of_it() {
    let fixture = Fixture::translated();
    let good = fixture.catalog();
    for (msgid, hostile) in [
        ("Welcome to _the_ book.", "Benvenuto <script>alert(1)</script>"),
        (
            "Waiting with `select!`",
            "Aspettare con &lt;img src=x onerror=alert(1)&gt;",
        ),
        ("Side by side", "Fianco a fianco {#a onclick=alert(1)}"),
        ("A Small Book", "Un <b>libro</b>"),
        ("Show hidden lines", "Mostra\" onmouseover=alert(1) x=\"<i>"),
        ("Answer", "</summary><a href=https://evil.example>Risposta</a>"),
        ("asyncio", "[asyncio](javascript:alert(1))"),
        ("# Two lines\n# of why.", "# Due righe\nimport os; os.remove('x')"),
    ] {
        let mut catalog = good.clone();
        let entry = catalog.entries.iter_mut().find(|entry| entry.msgid == msgid);
        entry.unwrap_or_else(|| panic!("no `{msgid}`")).msgstr = hostile.to_owned();
        let text = catalog.to_po();
        fixture.write("po/it.po", &text);
        let line = Catalog::parse(&text, Path::new("x")).unwrap().get(msgid).unwrap().line;
        let (site, library) = (fixture.site(), fixture.library());
        let italian = site.language("it").unwrap();
        let refusals = [
            fixture.build().map(drop),
            edition::expand(&site, &library, italian).map(drop),
            edition::claims(&site, &library).map(drop),
        ];
        for refusal in refusals {
            let refusal = refusal.expect_err(msgid).to_string();
            // The line of the message or, where that has several lines, one of its lines.
            let place: usize = refusal
                .strip_prefix("po/it.po:")
                .and_then(|rest| rest.split(':').next()?.parse().ok())
                .unwrap_or_else(|| panic!("{refusal}"));
            assert!((line..line + 6).contains(&place), "{line}: {refusal}");
        }
        assert!(
            fixture
                .mistakes()
                .iter()
                .any(|mistake| mistake.starts_with("po/it.po:")),
            "{msgid}"
        );
        assert!(!fixture.root().join("book/it").exists(), "{msgid}");
    }
    // Nobody sees what is fuzzy.
    let mut catalog = good.clone();
    catalog.entries[0].msgstr = "<script>".into();
    catalog.entries[0].flags.push("fuzzy".into());
    fixture.write("po/it.po", &catalog.to_po());
    fixture.build().unwrap_or_else(|error| panic!("{error:#}"));
}

#[test]
fn a_catalog_that_cannot_be_read_stops_everything_and_is_left_as_it_is() {
    let fixture = Fixture::translated();
    let good = fixture.read("po/it.po");
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let latin: Vec<u8> = good
        .replace('È', "\u{1}")
        .bytes()
        .map(|byte| if byte == 1 { 0xc8 } else { byte })
        .collect();
    for (bytes, expected) in [
        (utf16, "UTF-16LE"),
        (latin, "0xc8"),
        (
            good.replace("charset=UTF-8", "charset=ISO-8859-1").into_bytes(),
            "another encoding",
        ),
        (good.replace("Language: it", "Language: de").into_bytes(), "`de`"),
        (good.replacen("msgstr \"", "msgstr ", 2).into_bytes(), "double quotes"),
        (format!("{good}\n{good}").into_bytes(), "already"),
        (vec![b'a'; 50 << 20], "more than 8 MB"),
        (Vec::new(), "header is missing"),
    ] {
        std::fs::write(fixture.root().join("po/it.po"), &bytes).unwrap();
        let site = fixture.site();
        let refusals = [
            fixture.build().map(drop),
            catalog::update(&site, &fixture.library(), site.language("it").unwrap()).map(drop),
        ];
        for refusal in refusals {
            let refusal = refusal.expect_err(expected).to_string();
            assert!(
                refusal.starts_with("po/it.po:") && refusal.contains(expected) && refusal.contains("help: "),
                "expected {expected} in {refusal}"
            );
        }
        assert!(
            fixture.mistakes().iter().any(|mistake| mistake.contains(expected)),
            "{expected}"
        );
        assert!(
            std::fs::read(fixture.root().join("po/it.po")).unwrap() == bytes,
            "{expected}"
        );
    }
}

#[test]
fn a_page_of_a_release_leads_to_its_copy_that_stays() {
    let fixture = Fixture::translated();
    let build = |name: &str| {
        let options = Options {
            release: Some(name.to_owned()),
            ..Options::default()
        };
        edition::build(&fixture.site(), &fixture.library(), &options)
    };
    let error = build("1.0.0").unwrap_err().to_string();
    assert!(error.contains("homepage"), "{error}");

    fixture.write(
        "Cargo.toml",
        "[workspace.package]\nhomepage = \"https://example.org/book\"",
    );
    for wrong in ["", "../1.0.0", "one two", "<1>"] {
        assert!(build(wrong).is_err(), "{wrong}");
    }
    build("1.0.0").unwrap();
    let page = fixture.read("book/it/part/waiting.html");
    assert!(
        page.contains("href=\"https://example.org/book/releases/1.0.0/it/part/waiting.html\""),
        "{page}"
    );
    // The newest is what search engines are to show.
    assert!(
        page.contains("<link rel=\"canonical\" href=\"https://example.org/book/it/part/waiting.html\">"),
        "{page}"
    );
    fixture.build().unwrap();
    assert!(!fixture.read("book/it/part/waiting.html").contains("permalink"));
}
