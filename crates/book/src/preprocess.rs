//! The preprocessors as programs of their own, for a reader's own mdBook: `mdbook build` runs `cargo xtask preprocess NAME` as book.toml
//! says, writes the context and the book to its standard input and reads the book from its standard output.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use mdbook_preprocessor::{Preprocessor, parse_input};
use measure::library::{Library, Source};

use crate::edition;
use crate::gettext::{Gettext, Marks};
use crate::measurements::Measurements;
use crate::site::Site;
use crate::translations::{SharedTexts, Translations};
use crate::twin::Programs;

/// The names that book.toml may ask for.
pub const NAMES: &[&str] = &[Programs::NAME, Gettext::NAME, "measurements"];

/// Answers one call. The book is in the language that its configuration names, with the published results.
pub fn run(root: &Path, name: &str, input: impl Read, mut output: impl Write) -> Result<()> {
    let site = Site::open(root)?;
    let (context, book) = parse_input(input)?;
    let code = context
        .config
        .book
        .language
        .clone()
        .unwrap_or_else(|| site.source_language().code.clone());
    let language = site.language(&code)?;
    let catalog = edition::catalog(&site, language)?;
    let preprocessor: Box<dyn Preprocessor> = match name {
        Programs::NAME => Box::new(Programs),
        Gettext::NAME => Box::new(Gettext::new(edition::translation(&site, catalog, Marks::Language))),
        "measurements" => {
            let source = Source::Published {
                machines: site.reference_machines.clone(),
            };
            let library = Library::open(&site.root, &source)?;
            Box::new(Measurements::new(edition::context(
                &site,
                &library,
                language,
                catalog.as_ref(),
                &Arc::new(Translations::of(&site, &library, &SharedTexts::default())),
            )?))
        }
        _ => bail!("there is no preprocessor `{name}`; there are {}", NAMES.join(", ")),
    };
    let book = preprocessor.run(&context, book)?;
    serde_json::to_writer(&mut output, &book).context("mdBook does not read the answer")?;
    output.flush()?;
    Ok(())
}

/// Whether a preprocessor has to do with a renderer: mdBook asks `preprocess NAME supports RENDERER` and takes exit status 0 for yes.
pub fn supports(name: &str, renderer: &str) -> Result<bool> {
    match name {
        Programs::NAME => Programs.supports_renderer(renderer),
        Gettext::NAME | "measurements" => Ok(renderer != crate::catalog::EXTRACTION),
        _ => bail!("there is no preprocessor `{name}`; there are {}", NAMES.join(", ")),
    }
}
