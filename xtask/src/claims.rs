//! `cargo xtask claims`: what the text says against what the data say.

use anyhow::{Result, bail};
use book::claim::{ClaimReport, Verdict};

use crate::workspace::Workspace;

pub fn run(workspace: &Workspace) -> Result<()> {
    let site = workspace.site()?;
    let library = workspace.published(&site)?;
    let claims = book::edition::claims(&site, &library)?;
    for claim in &claims {
        println!("{}", line(claim));
    }
    let failed = failing(&claims).count();
    println!(
        "{} claims on {}, {} of them not held by the data",
        claims.len(),
        site.reference_machine,
        failed
    );
    if failed > 0 {
        bail!("{HELP}");
    }
    Ok(())
}

/// What to do about a claim that does not hold.
pub const HELP: &str = "a claim that its data contradict or cannot decide does not stand in the book: look at the figure, then either measure \
    again with more sessions (`cargo xtask measure EXPERIMENT --sessions 10`, `cargo xtask measurements publish`), or change the words and the \
    condition to what the data say, in English and in each translation. Never widen a condition just to make it pass";

pub fn failing(claims: &[ClaimReport]) -> impl Iterator<Item = &ClaimReport> {
    claims.iter().filter(|claim| claim.verdict != Verdict::Holds)
}

pub fn line(claim: &ClaimReport) -> String {
    format!(
        "{}:{}: {}: {} {} - \"{}\" - {}",
        claim.path.display(),
        claim.line,
        claim.verdict,
        claim.reference,
        claim.condition,
        claim.words,
        if claim.shown.is_empty() {
            "not measured"
        } else {
            &claim.shown
        }
    )
}
