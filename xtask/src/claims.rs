//! `cargo xtask claims`: what the text says against what the data say, on every machine.

use anyhow::{Context, Result, bail};
use book::claim::{ClaimReport, Tally, Verdict};
use book::ledger::{FILE as LEDGER, Leaning};

use crate::workspace::Workspace;

#[derive(clap::Args)]
pub struct Arguments {
    /// Only what the results of this machine say: the name of a folder of measurements/
    #[arg(long, value_name = "ID")]
    machine: Option<String>,
    /// Only claims that do not hold, and where they do not
    #[arg(long)]
    failing: bool,
    /// As JSON, for other programs
    #[arg(long)]
    json: bool,
}

pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let site = workspace.site()?;
    let library = workspace.published(&site)?;
    let mut claims = book::edition::claims(&site, &library)?;
    if let Some(machine) = &arguments.machine {
        let known: Vec<String> = claims
            .machines
            .iter()
            .map(|tally| format!("`{}`", tally.machine))
            .collect();
        claims = claims.on(machine).with_context(|| {
            format!(
                "there are no published results of `{machine}`, only of {}",
                known.join(", ")
            )
        })?;
    }
    if arguments.failing {
        claims = claims.failing();
    }
    if arguments.json {
        println!("{}", claims.to_json());
    } else {
        for claim in &claims.claims {
            println!("{}", block(claim, &claims.shown));
        }
        for tally in &claims.machines {
            println!("{}", line(tally, &claims.shown));
        }
    }
    let failing = claims.failing_where_shown();
    if failing > 0 {
        bail!("{failing} claims do not hold on what the book shows\n{HELP}");
    }
    Ok(())
}

/// What to do about a claim that does not hold.
pub const HELP: &str = concat!(
    "  1. look at the figure and its provenance: packages that changed since, a wide interval, a bound?\n",
    "  2. measure again with more sessions (`cargo xtask measure EXPERIMENT --sessions 10`) and publish\n",
    "  3. if the data still say otherwise, change words and condition together, in the chapter and in each catalog;\n",
    "     never widen a condition just to pass\n",
    "  README.md, \"When a claim no longer holds\", says it at length"
);

/// A claim with its places, then its verdict on each machine.
pub fn block(claim: &ClaimReport, shown: &str) -> String {
    let mut text = format!("{} {}\n", claim.reference, claim.condition);
    let places: Vec<String> = claim
        .places
        .iter()
        .map(|place| format!("{}:{}", place.path.display(), place.line))
        .collect();
    let width = places.iter().map(String::len).max().unwrap_or(0);
    for (place, at) in claim.places.iter().zip(&places) {
        text += &format!("  {}  {at:width$}  {}\n", place.language, place.words);
    }
    for language in &claim.untranslated {
        text += &format!("  {language}  not translated\n");
    }
    let machine = |machine: &str| named(machine, shown);
    let width = claim
        .judgements
        .iter()
        .map(|judgement| machine(&judgement.machine).len());
    let width = width.max().unwrap_or(0);
    for judgement in &claim.judgements {
        let line = format!(
            "  {:12}  {:width$}  {}",
            judgement.verdict,
            machine(&judgement.machine),
            judgement.shown
        );
        text += line.trim_end();
        text.push('\n');
    }
    for Leaning { id, verdict, line } in &claim.verdicts {
        text += &format!("  {LEDGER}:{line}  leans on it: {id}, \"{verdict}\"\n");
    }
    text
}

/// How many claims hold on a machine, and what the others do.
pub fn line(tally: &Tally, shown: &str) -> String {
    let mut text = format!(
        "{}: {} of {} claims hold",
        named(&tally.machine, shown),
        tally.holds,
        tally.claims
    );
    for (verdict, count) in [
        (Verdict::Inconclusive, tally.inconclusive),
        (Verdict::Contradicted, tally.contradicted),
        (Verdict::Stale, tally.stale),
        (Verdict::NotMeasured, tally.not_measured),
    ] {
        if count > 0 {
            text += &format!(", {count} {verdict}");
        }
    }
    text
}

fn named(machine: &str, shown: &str) -> String {
    if machine == shown {
        format!("{machine} (shown in the book)")
    } else {
        machine.to_owned()
    }
}
