//! `cargo xtask export`: the editions in other forms, PDF and EPUB, and an image for shared links. A browser prints the one and gives the parts
//! of the other.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use epub_builder::{EpubBuilder, EpubContent, EpubVersion, ZipLibrary};
use serde::Deserialize;

use crate::book_commands;
use crate::browser::Browser;
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub struct Arguments {
    /// Codes of the editions [default: all]
    #[arg(value_name = "LANG")]
    languages: Vec<String>,
    #[command(flatten)]
    build: book_commands::Build,
}

/// A line of the table of contents, as `export.mjs` writes it down.
#[derive(Deserialize)]
struct Line {
    file: String,
    title: String,
}

pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let site = workspace.site()?;
    let mut languages = Vec::new();
    for code in &arguments.languages {
        languages.push(site.language(code)?);
    }
    if languages.is_empty() {
        languages.extend(&site.languages);
    }
    let browser = Browser::find(workspace).map_err(|why| anyhow!("{why}"))?;
    book_commands::build(workspace, &arguments.build)?;
    let folder = workspace.target.join("export");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let status = browser
        .command(workspace)
        .arg("export.mjs")
        .arg(&folder)
        .args(languages.iter().map(|language| &language.code))
        .status()
        .context("cannot start Node.js")?;
    ensure!(
        status.success(),
        "the browser could not print the book; its messages stand above"
    );
    let style = workspace.root.join("xtask").join("browser").join("epub.css");
    let style = std::fs::read(&style).with_context(|| format!("cannot read {}", style.display()))?;
    for language in languages {
        let title = book::edition::title(&site, language)?;
        let epub = folder.join(format!("{}.epub", language.code));
        pack(&folder.join(&language.code), &epub, &title, &language.code, &style)
            .with_context(|| format!("cannot pack {}", epub.display()))?;
        for extension in ["pdf", "epub", "png"] {
            println!(
                "{}",
                workspace.shown(&folder.join(format!("{}.{extension}", language.code)))
            );
        }
    }
    Ok(())
}

fn pack(parts: &Path, epub: &Path, title: &str, language: &str, style: &[u8]) -> Result<()> {
    let contents = parts.join("contents.json");
    let text = std::fs::read_to_string(&contents).with_context(|| format!("cannot read {}", contents.display()))?;
    let lines: Vec<Line> = serde_json::from_str(&text)?;
    let library = ZipLibrary::new().map_err(|error| anyhow!("{error}"))?;
    let mut builder = EpubBuilder::new(library).map_err(|error| anyhow!("{error}"))?;
    builder.epub_version(EpubVersion::V33);
    let mut fill = || -> epub_builder::Result<()> {
        builder.metadata("title", title)?;
        builder.metadata("lang", language)?;
        builder.metadata("generator", "cargo xtask export")?;
        builder.stylesheet(style)?;
        builder.inline_toc();
        for path in images(parts) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            builder.add_resource(name, std::fs::File::open(&path)?, "image/svg+xml")?;
        }
        for Line { file, title } in &lines {
            let name = file.replace(".html", ".xhtml");
            let chapter = std::fs::File::open(parts.join(&name))?;
            builder.add_content(EpubContent::new(name, chapter).title(title))?;
        }
        Ok(())
    };
    fill().map_err(|error| anyhow!("{error}"))?;
    let mut packed = Vec::new();
    builder.generate(&mut packed).map_err(|error| anyhow!("{error}"))?;
    if packed.is_empty() {
        bail!("nothing was packed");
    }
    std::fs::write(epub, packed)?;
    Ok(())
}

fn images(parts: &Path) -> Vec<PathBuf> {
    let mut images: Vec<PathBuf> = std::fs::read_dir(parts)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "svg"))
        .collect();
    images.sort();
    images
}
