//! Makes tests of the Rust snippets in the chapters of both editions, by skeptic.
//!
//! The chapters come as Markdown files in the folder that `SNIPPETS_MD` names, expanded by `cargo xtask test snippets`. This script does not
//! expand them itself: Cargo would build the crate `book` and all beneath it once more for it, with fewer features, and skeptic, which links
//! what was built last, would link snippets with either.

use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=rustc-2024.rs");
    println!("cargo::rerun-if-env-changed=SNIPPETS_MD");

    let mut files: Vec<PathBuf> = Vec::new();
    if let Some(folder) = std::env::var_os("SNIPPETS_MD") {
        println!("cargo::rerun-if-changed={}", folder.display());
        for entry in std::fs::read_dir(folder)? {
            files.push(entry?.path());
        }
    }
    files.sort();
    if files.is_empty() {
        // Of no files skeptic makes no file of tests, and Clippy would stumble over its absence; running the tests says what is missing.
        std::fs::write(out.join("skeptic-tests.rs"), "")?;
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
