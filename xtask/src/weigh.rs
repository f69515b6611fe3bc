//! `cargo xtask weigh`: a benchmark of the pages against the same chapters in mdBook's default theme: what a first view loads, and how long an
//! edition takes to build. Both in one run, so that the ratio means something on any machine.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use book::edition::{self, Options};

use crate::browser::Browser;
use crate::workspace::Workspace;

pub fn run(workspace: &Workspace) -> Result<()> {
    let browser = Browser::find(workspace).map_err(|why| anyhow!("{why}"))?;
    let site = workspace.site()?;
    let library = workspace.published(&site)?;
    let language = site.source_language();
    let folder = workspace.target.join("weigh");
    let (plain, theme) = (folder.join("book").join(&language.code), folder.join("theme"));
    std::fs::create_dir_all(&theme).with_context(|| format!("cannot create {}", theme.display()))?;

    let options = Options {
        only: Some(vec![language.code.clone()]),
        ..Options::default()
    };
    // The first build fills what both use.
    edition::build(&site, &library, &options)?;
    let ours = timed(|| edition::build(&site, &library, &options).map(drop))?;
    let default = timed(|| edition::build_plain(&site, &library, language, &plain, &theme))?;
    println!(
        "build of the {} edition: {:.1} s, by mdBook's default theme {:.1} s, ratio {:.2}",
        language.name,
        ours.as_secs_f64(),
        default.as_secs_f64(),
        ours.as_secs_f64() / default.as_secs_f64()
    );
    let status = browser
        .command(workspace)
        .arg("weigh.mjs")
        .args([site.output.as_path(), Path::new(&folder.join("book"))])
        .arg(&language.code)
        .status()
        .context("cannot start Node.js")?;
    ensure!(
        status.success(),
        "the pages could not be weighed; the reason stands above"
    );
    Ok(())
}

fn timed(build: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let started = Instant::now();
    build()?;
    Ok(started.elapsed())
}
