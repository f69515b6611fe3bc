//! The search of an edition: an index that Pagefind makes of its pages, of which a reader's browser loads only the pieces that a query needs.
//! Words are looked up by their stem in the language of the edition, and without their accents. `theme/search.js` is what readers see of it.
//!
//! mdBook has a search of its own, whose index is English only and comes whole with the first query.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use pagefind::api::PagefindIndex;
use pagefind::options::PagefindServiceConfig;

use crate::site::Language;

/// Below the folder of an edition.
pub(crate) const FOLDER: &str = "pagefind";

/// What is no text of the chapter: lines of programs that the page hides, what a figure says for those who cannot see it and says again in
/// its table, and where the numbers come from.
const LEFT_OUT: &[&str] = &[".boring", "svg", ".provenance", "aside.draft"];

/// What the page needs of all that Pagefind offers; the rest is interfaces of its own, and words of languages that this edition is not in.
fn is_needed(file: &str, language: &str) -> bool {
    match file.rsplit_once('.') {
        Some(("pagefind" | "pagefind-worker", "js")) | Some(("pagefind-entry", "json")) => true,
        Some((wasm, "pagefind")) => wasm == format!("wasm.{language}") || wasm == "wasm.unknown",
        Some((_, "pf_meta" | "pf_index" | "pf_fragment")) => true,
        _ => false,
    }
}

/// A page as it is looked up.
pub(crate) struct Page {
    /// Below the folder of the edition, with `/`.
    pub path: String,
    /// What stands between `<main>` and `</main>`.
    pub main: String,
}

/// Writes the index of an edition into its folder.
pub(crate) fn write(pages: &[Page], language: &Language, folder: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let files = runtime
        .block_on(files(pages, language))
        .with_context(|| format!("the search of the {} edition could not be made", language.name))?;
    let folder = folder.join(FOLDER);
    for (path, contents) in files {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(&folder);
        std::fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        std::fs::write(&path, contents).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

async fn files(pages: &[Page], language: &Language) -> Result<Vec<(std::path::PathBuf, Vec<u8>)>> {
    let options = PagefindServiceConfig::builder()
        .root_selector("main".to_owned())
        .exclude_selectors(LEFT_OUT.iter().map(|&selector| selector.to_owned()).collect())
        .force_language(language.code.clone())
        .keep_index_url(true)
        .build();
    let mut index = PagefindIndex::new(Some(options))?;
    for page in pages {
        let html = format!(
            "<html lang=\"{}\"><body><main>{}</main></body></html>",
            language.code,
            apart(&page.main, language)
        );
        index.add_html_file(None, Some(page.path.clone()), html).await?;
    }
    let base = language.code.split('-').next().unwrap_or_default().to_owned();
    let files = index.get_files().await?;
    files
        .into_iter()
        .map(|file| {
            let name = file.filename.to_str().ok_or_else(|| anyhow!("a file without a name"))?;
            let last = name.rsplit('/').next().unwrap_or_default().to_owned();
            Ok((last, file))
        })
        .filter(|file| file.as_ref().map_or(true, |(last, _)| is_needed(last, &base)))
        .map(|file| file.map(|(_, file)| (file.filename, file.contents)))
        .collect()
}

/// Whether words of a language lose their last vowel before another and are written together with what follows: `l'operazione`. Such a word
/// is looked up by what it means, here as in the query.
pub(crate) fn elides(language: &Language) -> bool {
    matches!(language.code.split('-').next(), Some("it" | "fr" | "ca"))
}

/// Pages with a blank after each elision, by whichever apostrophe. Blanks in attributes hurt nothing: the index has no use for those.
fn apart(html: &str, language: &Language) -> String {
    if !elides(language) {
        return html.to_owned();
    }
    let mut parted = String::with_capacity(html.len() + html.len() / 50);
    let mut before = None;
    let mut characters = html.chars().peekable();
    while let Some(character) = characters.next() {
        parted.push(character);
        let elision = matches!(character, '\'' | '’')
            && before.is_some_and(char::is_alphabetic)
            && characters
                .peek()
                .is_some_and(|next| next.is_alphabetic() || *next == '<');
        if elision {
            parted.push(' ');
        }
        before = Some(character);
    }
    parted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{english, italian};

    fn page(path: &str, main: &str) -> Page {
        Page {
            path: path.to_owned(),
            main: main.to_owned(),
        }
    }

    #[test]
    fn an_elided_article_stands_apart_in_italian_only() {
        let text = "<p>L'operazione, dell’attesa, un po' d'<em>aria</em></p>";
        assert_eq!(
            apart(text, italian().language()),
            "<p>L' operazione, dell’ attesa, un po' d' <em>aria</em></p>"
        );
        assert_eq!(apart("don't", english().language()), "don't");
    }

    #[test]
    fn what_an_edition_needs_and_no_more_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let pages = [
            page("index.html", "<h1 id=\"a\">Il ciclo</h1><p>Bloccare un thread.</p>"),
            page("a/b.html", "<h1 id=\"b\">Altro</h1><p>Velocità.</p>"),
        ];
        write(&pages, italian().language(), folder.path()).unwrap();
        let written = |name: &str| folder.path().join(FOLDER).join(name).is_file();
        for name in [
            "pagefind.js",
            "pagefind-worker.js",
            "pagefind-entry.json",
            "wasm.it.pagefind",
        ] {
            assert!(written(name), "{name}");
        }
        for name in ["pagefind-ui.js", "pagefind-component-ui.css", "wasm.en.pagefind"] {
            assert!(!written(name), "{name}");
        }
        let fragments = std::fs::read_dir(folder.path().join(FOLDER).join("fragment"))
            .unwrap()
            .count();
        assert_eq!(fragments, 2);
    }
}
