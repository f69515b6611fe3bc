//! Expands both editions (programs, includes, translation, numbers) into Markdown files, of whose Rust snippets skeptic makes tests.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use book::{Site, edition};
use measure::library::{Library, Source};

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let root = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("../..");
    for input in [
        "book.toml",
        "sources.toml",
        "ledger.toml",
        "src",
        "po",
        "examples",
        "measurements",
    ] {
        println!("cargo::rerun-if-changed={}", root.join(input).display());
    }
    println!("cargo::rerun-if-changed=rustc-2024.rs");

    let site = Site::open(&root)?;
    let library = Library::open(
        &root,
        &Source::Published {
            machines: site.reference_machines.clone(),
        },
    )?;
    let folder = out.join("md");
    std::fs::create_dir_all(&folder)?;
    let mut files = Vec::new();
    // A draft's snippets are those of the source language but for their comments, which `translate check` watches over: compiling them
    // once more for each draft would tell nothing new.
    for language in site.complete() {
        for chapter in edition::expand(&site, &library, language)? {
            // Flat names: skeptic names tests after files, and those of two editions must not collide.
            let flat = chapter.path.display().to_string().replace(['/', '\\'], "_");
            let file = folder.join(format!("{}_{flat}", language.code));
            // Written only when changed, or the build script would run again for ever: skeptic watches these files.
            if std::fs::read_to_string(&file).ok().as_deref() != Some(&chapter.markdown) {
                std::fs::write(&file, &chapter.markdown)?;
            }
            files.push(file);
        }
    }
    skeptic::generate_doc_tests(&files);

    // skeptic 0.14 knows the editions up to 2021 and takes that for 2024. The tests therefore call a compiler that puts it right.
    let rustc = std::env::var("RUSTC")?;
    let wrapper = out.join(format!("rustc-2024{}", std::env::consts::EXE_SUFFIX));
    let status = Command::new(&rustc)
        .args(["--edition", "2024", "rustc-2024.rs", "-o"])
        .arg(&wrapper)
        .env("REAL_RUSTC", &rustc)
        .status()?;
    if !status.success() {
        return Err("rustc-2024.rs does not compile".into());
    }
    println!("cargo::rustc-env=RUSTC={}", wrapper.display());
    // Room for the compiled snippets, in megabytes.
    println!("cargo::rustc-env=SKEPTIC_BINARY_CACHE_MB=2048");
    // One at a time: snippets that are the same share a binary in the cache, which skeptic opens for writing when it finds it there, and
    // Linux refuses to start a file that another thread has open so ("text file busy").
    println!("cargo::rustc-env=SKEPTIC_JOBS=1");
    Ok(())
}
