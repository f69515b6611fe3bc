//! The editions of the book: the same chapters and numbers, one folder of HTML per language.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use mdbook_driver::MDBook;
use mdbook_preprocessor::book::Book;
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};
use mdbook_renderer::{RenderContext, Renderer};
use measure::library::Library;
use measure::moves::Moves;

use crate::building::Building;
use crate::catalog::{self, Catalog, Dictionaries, Finding, Report};
use crate::cited::Sources;
use crate::claim::{Claims, Translation};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::gettext::{self, Gettext, Marks};
use crate::glossary::Glossary;
use crate::interface::Interface;
use crate::ledger::Ledger;
use crate::measurements::{self, Context, Measurements};
use crate::pyodide::Pyodide;
use crate::site::{Language, Site};
use crate::translations::{SharedTexts, Translations};
use crate::twin::{self, Programs};
use crate::{data, directive, lint, page, published, pyodide};

/// Holds what was released, as it was built then: the editions of release `1.0.0` below `releases/1.0.0/`.
pub(crate) const RELEASES: &str = "releases";

/// How an edition is built.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where the page asks the development server whether to load itself anew.
    pub live_reload: Option<String>,
    /// Codes of the languages whose pages tell translators where their messages stand in the catalog.
    pub translating: Vec<String>,
    /// Codes of the languages that are built; all where there is none. The other editions stay as they are.
    pub only: Option<Vec<String>>,
    /// Lets readers run Python snippets in the page; without it they cannot.
    pub pyodide: Option<Pyodide>,
    /// The name of the release that is built: each page leads to its copy that stays, below [`RELEASES`] of the site's address.
    pub release: Option<String>,
    /// The texts of the book, where more than one build is made of the same chapters.
    pub texts: SharedTexts,
}

impl Options {
    pub(crate) fn builds(&self, language: &Language) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(&language.code))
    }
}

/// An edition that was built.
#[derive(Debug, Clone)]
pub struct Edition {
    pub language: Language,
    /// Holds its `index.html`.
    pub folder: PathBuf,
    pub elapsed: Duration,
}

/// A chapter as a reader of one edition sees it, still in Markdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpandedChapter {
    /// Below the folder of the chapters.
    pub path: PathBuf,
    pub markdown: String,
}

/// Builds every edition into `book/<code>/`, and the page `book/index.html` that leads to them. Where one of them fails, those built
/// before are left as they stood.
pub fn build(site: &Site, library: &Library, options: &Options) -> Result<Vec<Edition>> {
    released_somewhere(site, options)?;
    // Where writers and translators can go and mend it: once chapters are translated and expanded, their lines are no longer those of a
    // file.
    Diagnostics(site.missing_catalogs()).into_result()?;
    let translations = Arc::new(Translations::of(site, library, &options.texts));
    Diagnostics(broken_directives(site, library, &translations, options)?).into_result()?;
    let output = &site.output;
    let fresh = Building::begin(output)?;
    let results: Vec<Result<Edition>> = std::thread::scope(|scope| {
        let threads: Vec<_> = site
            .languages
            .iter()
            .filter(|language| options.builds(language))
            .map(|language| {
                let folder = fresh.path().join(&language.code);
                let translations = &translations;
                scope.spawn(move || build_one(site, library, language, translations, &folder, options))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let mut editions = all(results)?;
    let old = fresh.path().join("old");
    std::fs::create_dir(&old)?;
    for edition in &mut editions {
        let place = output.join(&edition.language.code);
        if place.exists() {
            std::fs::rename(&place, old.join(&edition.language.code))
                .with_context(|| format!("cannot replace {}", place.display()))?;
        }
        std::fs::rename(&edition.folder, &place).with_context(|| format!("cannot write {}", place.display()))?;
        edition.folder = place;
    }
    let interfaces = interfaces(site)?;
    let index = page::index(site, &interfaces)?;
    measure::files::write_atomically(&output.join("index.html"), &index)?;
    data::write(library, output)?;
    if let Some(pyodide) = &options.pyodide {
        pyodide::write(pyodide, output)?;
    }
    published::write(site, library, &interfaces, output)?;
    Ok(editions)
}

/// A release has a name that can stand in an address, and an address that it stands at.
fn released_somewhere(site: &Site, options: &Options) -> Result<()> {
    let Some(release) = &options.release else {
        return Ok(());
    };
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    ensure!(
        release.starts_with(|first: char| first.is_ascii_alphanumeric()) && release.chars().all(plain),
        "`{release}` cannot be the name of a release: expected letters, digits, `.`, `_`, `-`, as in 1.0.0"
    );
    ensure!(
        site.addresses.site.is_some(),
        "a release is told of by its address, and none is set: write `homepage` under [workspace.package] of the root Cargo.toml"
    );
    Ok(())
}

/// Directives of chapters and of catalogs that cannot be followed.
fn broken_directives(
    site: &Site,
    library: &Library,
    translations: &Arc<Translations>,
    options: &Options,
) -> Result<Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    for language in site.languages.iter().filter(|language| options.builds(language)) {
        let catalog = catalog(site, language)?;
        let context = context(site, library, language, catalog.as_ref(), translations)?;
        if !language.source {
            diagnostics.extend(catalog::check_directives(site, &context)?);
            continue;
        }
        let book = load(site, language, None, None, &Options::default())?;
        for (path, text) in chapters(&book.book) {
            let shown = site.relative(&site.source_dir().join(path));
            diagnostics.extend(measurements::expand(&shown, &text, &context).1);
            diagnostics.extend(twin::expand(&text, &site.root, &shown).1);
        }
        diagnostics.extend(context.ledger.check(&context));
    }
    diagnostics.sort();
    diagnostics.dedup();
    Ok(diagnostics)
}

fn build_one(
    site: &Site,
    library: &Library,
    language: &Language,
    translations: &Arc<Translations>,
    folder: &Path,
    options: &Options,
) -> Result<Edition> {
    let started = Instant::now();
    let catalog = catalog(site, language)?;
    let context = context(site, library, language, catalog.as_ref(), translations)?;
    let interface = context.interface.clone();
    let mut book = load(site, language, catalog, Some(context), options)?;
    book.config.build.build_dir = folder.to_owned();
    book.build()
        .with_context(|| format!("the {} edition could not be built", language.name))?;
    let draft = match language.is_draft() {
        true => translations
            .progress()?
            .iter()
            .find(|progress| progress.code == language.code),
        false => None,
    };
    page::finish(site, &interface, draft, options, folder)?;
    Ok(Edition {
        language: language.clone(),
        folder: folder.to_owned(),
        elapsed: started.elapsed(),
    })
}

/// Builds one edition into a folder by mdBook's default theme and search: the same chapters and numbers, for comparison. `theme` is an empty
/// folder, since mdBook takes what stands in the book's own.
pub fn build_plain(site: &Site, library: &Library, language: &Language, folder: &Path, theme: &Path) -> Result<()> {
    let mut site = site.clone();
    let theme = theme.to_str().context("a path that is no text")?;
    site.config.set(
        "output.html",
        toml::Table::from_iter([("theme".to_owned(), theme.into())]),
    )?;
    let translations = Arc::new(Translations::of(&site, library, &SharedTexts::default()));
    let catalog = catalog(&site, language)?;
    let context = context(&site, library, language, catalog.as_ref(), &translations)?;
    let mut book = load(&site, language, catalog, Some(context), &Options::default())?;
    book.config.set("output.html.search.enable", true)?;
    book.config.build.build_dir = folder.to_owned();
    book.build()
}

/// The title of an edition.
pub fn title(site: &Site, language: &Language) -> Result<String> {
    let interface = Interface::new(language.clone(), catalog(site, language)?.as_ref());
    Ok(interface.label(site.config.book.title.as_deref().unwrap_or_default()))
}

/// Every chapter of an edition after all preprocessing.
pub fn expand(site: &Site, library: &Library, language: &Language) -> Result<Vec<ExpandedChapter>> {
    let catalog = catalog(site, language)?;
    let translations = Arc::new(Translations::of(site, library, &SharedTexts::default()));
    let context = context(site, library, language, catalog.as_ref(), &translations)?;
    let book = load(site, language, catalog, Some(context), &Options::default())?;
    let (book, _) = book.preprocess_book(&Unrendered("expansion"))?;
    Ok(chapters(&book)
        .map(|(path, markdown)| ExpandedChapter { path, markdown })
        .collect())
}

/// Every chapter in the source language with its programs and included files, and with its directives: what is to be translated.
pub(crate) fn sources(site: &Site) -> Result<Vec<(PathBuf, String)>> {
    let book = load(site, site.source_language(), None, None, &Options::default())?;
    let (book, _) = book.preprocess_book(&Unrendered(catalog::EXTRACTION))?;
    Ok(chapters(&book).collect())
}

/// The file of every chapter below the folder of the chapters, with its title in the source language.
pub(crate) fn titles(site: &Site) -> Result<Vec<(PathBuf, String)>> {
    let book = load(site, site.source_language(), None, None, &Options::default())?;
    Ok(book
        .book
        .chapters()
        .filter_map(|chapter| Some((chapter.source_path.clone()?, chapter.name.clone())))
        .collect())
}

/// All that is wrong or doubtful in chapters and catalogs and can be found without building.
pub fn check(site: &Site, library: &Library, dictionaries: &Dictionaries) -> Result<Report> {
    let mut diagnostics = site.missing_catalogs();
    let translations = Arc::new(Translations::of(site, library, &SharedTexts::default()));
    let context = context(site, library, site.source_language(), None, &translations)?;
    let book = load(site, site.source_language(), None, None, &Options::default())?;
    for (path, text) in chapters(&book.book) {
        let shown = site.relative(&site.source_dir().join(path));
        diagnostics.extend(lint::check_source(&shown, &text, &context));
        diagnostics.extend(twin::expand(&text, &site.root, &shown).1);
        diagnostics.extend(headings_without_id(&text, &shown));
    }
    diagnostics.extend(context.ledger.check(&context));
    let mut report = Report::default();
    // The catalogs are compared with chapters that can be read.
    if diagnostics.is_empty() {
        for language in site.translations() {
            report.extend(catalog::check(site, library, language, dictionaries)?);
        }
    }
    report.extend(Report {
        findings: diagnostics
            .into_iter()
            .map(|found| Finding::error("chapter", found))
            .collect(),
        skipped: Vec::new(),
    });
    Ok(report)
}

/// The published results as the book shows them, under the names of the machines it prefers, then each machine's own. A machine that alone
/// is what the book shows is there once, whether it has any or not.
pub(crate) fn shown_and_others(site: &Site, library: &Library) -> Vec<(String, Library)> {
    let mut machines = vec![match &site.reference_machines[..] {
        [only] => (only.clone(), library.on(only)),
        _ => (site.shown_machines(), library.clone()),
    }];
    for machine in library.machines() {
        if machines[0].0 != machine {
            machines.push((machine.to_owned(), library.on(machine)));
        }
    }
    machines
}

/// Every claim of the book on what it shows, then on every machine with published results.
pub fn claims(site: &Site, library: &Library) -> Result<Claims> {
    let translations = Arc::new(Translations::of(site, library, &SharedTexts::default()));
    let machines = shown_and_others(site, library)
        .into_iter()
        .map(|(machine, library)| {
            let context = context(site, &library, site.source_language(), None, &translations)?;
            Ok((machine, Arc::unwrap_or_clone(context)))
        })
        .collect::<Result<Vec<_>>>()?;
    let translations = site
        .complete()
        .filter(|language| !language.source)
        .map(|language| {
            Ok(Translation {
                language: language.code.clone(),
                path: site.relative(&site.catalog_path(language)),
                catalog: catalog(site, language)?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let book = load(site, site.source_language(), None, None, &Options::default())?;
    let chapters: Vec<(PathBuf, String)> = chapters(&book.book)
        .map(|(path, text)| (site.relative(&site.source_dir().join(path)), text))
        .collect();
    let mut claims = Claims::gather(&machines, &chapters, &translations);
    claims.lean(&Ledger::open(site)?);
    Ok(claims)
}

/// The strings of the interface in each language.
fn interfaces(site: &Site) -> Result<Vec<Interface>> {
    site.languages
        .iter()
        .map(|language| Ok(Interface::new(language.clone(), catalog(site, language)?.as_ref())))
        .collect()
}

/// A translation as it stands, finished or not, of which nothing gets into a page that is not in its source; none for the source
/// language. A language just added may have no catalog yet.
pub(crate) fn catalog(site: &Site, language: &Language) -> Result<Option<Catalog>> {
    let path = site.catalog_path(language);
    if language.source || !path.exists() {
        return Ok(None);
    }
    let shown = site.relative(&path);
    let catalog = Catalog::read(&path, &shown)?;
    catalog::safety::refuse(&catalog, &shown)?;
    Ok(Some(catalog))
}

pub(crate) fn context(
    site: &Site,
    library: &Library,
    language: &Language,
    catalog: Option<&Catalog>,
    translations: &Arc<Translations>,
) -> Result<Arc<Context>> {
    Ok(Arc::new(Context {
        source_language: site.source_language().clone(),
        translations: translations.clone(),
        library: library.clone(),
        interface: Interface::new(language.clone(), catalog),
        sources: Sources::open(&site.root)?,
        ledger: Arc::new(Ledger::open(site)?),
        glossary: Arc::new(Glossary::open(site)?),
        moves: Arc::new(Moves::read(&site.root)?),
        languages: site.languages.clone(),
        root: site.root.clone(),
    }))
}

/// The book in one language with the preprocessors of this crate in the places that book.toml gives them.
fn load(
    site: &Site,
    language: &Language,
    catalog: Option<Catalog>,
    context: Option<Arc<Context>>,
    options: &Options,
) -> Result<MDBook> {
    let mut config = site.config.clone();
    for name in [Programs::NAME, Gettext::NAME, MEASUREMENTS] {
        ensure!(
            config.get::<toml::Value>(&format!("preprocessor.{name}"))?.is_some(),
            "book.toml lacks [preprocessor.{name}], which says when it runs"
        );
    }
    let interface = Interface::new(language.clone(), catalog.as_ref());
    config.book.language = Some(language.code.clone());
    // mdBook tells it by the code as well, but not by one with a region.
    config.book.text_direction = Some(language.direction());
    config.book.title = config.book.title.map(|title| interface.label(&title));
    config.book.description = config.book.description.map(|text| interface.label(&text));
    // A chapter that the table of contents names and nobody wrote is a mistake, not a wish.
    config.build.create_missing = false;
    // mdBook's own search knows English only: see `search`.
    config.set("output.html.search.enable", false)?;
    let marks = match options.translating.contains(&language.code) {
        true => Marks::Entries,
        false => Marks::Language,
    };
    if let Some(endpoint) = &options.live_reload {
        config.set("output.html.live-reload-endpoint", endpoint)?;
    }
    let mut book = MDBook::load_with_config(&site.root, config)?;
    book.with_preprocessor(Programs)
        .with_preprocessor(Gettext::new(translation(site, catalog, marks)));
    match context {
        Some(context) => book
            .with_preprocessor(Measurements::new(context))
            .with_preprocessor(Leftovers {
                source_dir: site.source_dir(),
                shown: site.relative(&site.source_dir()),
            }),
        None => book.with_preprocessor(Unfilled),
    };
    Ok(book)
}

pub(crate) fn translation(site: &Site, catalog: Option<Catalog>, marks: Marks) -> Option<gettext::Translation> {
    catalog.map(|catalog| gettext::Translation {
        catalog,
        source_language: site.source_language().code.clone(),
        marks,
    })
}

const MEASUREMENTS: &str = "measurements";

/// Stands in the place of [`Measurements`] where numbers stay directives.
struct Unfilled;

impl Preprocessor for Unfilled {
    fn name(&self) -> &str {
        MEASUREMENTS
    }

    fn run(&self, _: &PreprocessorContext, book: Book) -> Result<Book> {
        Ok(book)
    }
}

/// Refuses a book in which a directive is left, since mdBook only logs an include that failed. Runs last.
struct Leftovers {
    source_dir: PathBuf,
    shown: PathBuf,
}

impl Preprocessor for Leftovers {
    fn name(&self) -> &str {
        "leftovers"
    }

    fn run(&self, _: &PreprocessorContext, book: Book) -> Result<Book> {
        let mut diagnostics = Vec::new();
        for (path, text) in chapters(&book) {
            let parsed = directive::parse(&text);
            let left = parsed
                .directives
                .iter()
                .map(|left| (text[left.head.clone()].to_owned(), left.head.start))
                .chain(
                    parsed
                        .errors
                        .iter()
                        .map(|error| (brief(&text[error.offset..]), error.offset)),
                );
            for (left, _) in left {
                // The line in the file the writer knows; a translation has other lines.
                let source = std::fs::read_to_string(self.source_dir.join(&path)).unwrap_or_default();
                let offset = source.find(&left).unwrap_or(0);
                diagnostics.push(Diagnostic::at(
                    &self.shown.join(&path),
                    &source,
                    offset,
                    format!("`{left}` could not be replaced"),
                    "an include names a file or an anchor that is not there, or the directive is misspelt; \
                     write \\{{# for the text itself",
                ));
            }
        }
        Diagnostics(diagnostics).into_result()?;
        Ok(book)
    }
}

fn brief(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.chars().take(60).collect()
}

/// A renderer that is only a name: for the book as it is before rendering.
struct Unrendered(&'static str);

impl Renderer for Unrendered {
    fn name(&self) -> &str {
        self.0
    }

    fn render(&self, _: &RenderContext) -> Result<()> {
        Ok(())
    }
}

/// Chapters that have a file, with their text, in the order of the book.
fn chapters(book: &Book) -> impl Iterator<Item = (PathBuf, String)> {
    book.chapters()
        .filter_map(|chapter| Some((chapter.source_path.clone()?, chapter.content.clone())))
}

/// Headings whose anchor mdBook would make up from their words, other words in each language.
fn headings_without_id(text: &str, shown: &Path) -> Vec<Diagnostic> {
    use mdbook_markdown::pulldown_cmark::{Event, Tag};
    use mdbook_markdown::{MarkdownOptions, new_cmark_parser};
    new_cmark_parser(text, &MarkdownOptions::default())
        .into_offset_iter()
        .filter_map(|(event, range)| match event {
            Event::Start(Tag::Heading { id: None, .. }) => Some(Diagnostic::at(
                shown,
                text,
                range.start,
                format!(
                    "the heading `{}` has no id of its own",
                    text[range].trim_matches(['#', ' ', '\n'])
                ),
                "write {#some-id} at its end: links and the change of language need the same anchor in all editions",
            )),
            _ => None,
        })
        .collect()
}

/// All values, or all diagnostics of all failures; any other error goes first.
fn all<T>(results: Vec<Result<T>>) -> Result<Vec<T>> {
    let mut values = Vec::new();
    let mut diagnostics = Vec::new();
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(error) => match error.downcast::<Diagnostics>() {
                Ok(Diagnostics(mistakes)) => diagnostics.extend(mistakes),
                Err(error) => return Err(error),
            },
        }
    }
    diagnostics.sort();
    diagnostics.dedup();
    Diagnostics(diagnostics).into_result()?;
    Ok(values)
}
