//! `cargo xtask`: the commands of the book. Each is a module that calls a crate and prints; the logic is in the crates.

mod book_commands;
mod browser;
mod claims;
mod dictionary;
mod doctor;
mod export;
mod measure_command;
mod measurements;
mod npm;
mod panic;
mod passed;
mod progress;
mod pyodide;
mod python_command;
mod test;
mod translate;
mod weigh;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use workspace::Workspace;

/// Measures the programs of the book, builds its editions, and tests both.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure on this machine, and build both editions showing the result
    Measure(measure_command::Arguments),
    /// Build an interpreter that is fair to Python: with profile-guided and link-time optimisation
    Python(python_command::Arguments),
    /// Publish, compare, check and merge measured results
    #[command(subcommand)]
    Measurements(measurements::Command),
    /// Build both editions from the published results
    Build(book_commands::Build),
    /// Build the editions as PDF and EPUB as well
    Export(export::Arguments),
    /// Weigh the pages, and time a build, against the same chapters in mdBook's default theme
    Weigh,
    /// Build, serve on this machine, and build again when a file changes
    Serve(book_commands::Serve),
    /// Everything that CI runs, or some steps of it
    Test {
        /// Only these steps
        #[arg(value_enum, value_name = "STEP")]
        steps: Vec<test::Step>,
        /// Run long steps again even where nothing has changed since they passed
        #[arg(long)]
        again: bool,
    },
    /// Work on the translations
    #[command(subcommand)]
    Translate(translate::Command),
    /// Check every claim of the text against the published results of every machine
    Claims(claims::Arguments),
    /// Say what is here, what is missing, and which command installs it
    Doctor,
    /// What mdBook calls: `preprocess NAME`, or `preprocess NAME supports RENDERER`
    #[command(hide = true)]
    Preprocess {
        name: String,
        #[arg(num_args = 0..=2)]
        supports: Vec<String>,
    },
}

fn main() -> ExitCode {
    panic::speak_plainly();
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match command {
        Command::Measure(arguments) => measure_command::run(&workspace, &arguments)?,
        Command::Python(arguments) => python_command::run(&workspace, &arguments)?,
        Command::Measurements(command) => return measurements::run(&workspace, &command),
        Command::Build(arguments) => book_commands::build(&workspace, &arguments)?,
        Command::Export(arguments) => export::run(&workspace, &arguments)?,
        Command::Weigh => weigh::run(&workspace)?,
        Command::Serve(arguments) => book_commands::serve(&workspace, &arguments)?,
        Command::Test { steps, again } => test::run(&workspace, &steps, again)?,
        Command::Translate(command) => translate::run(&workspace, &command)?,
        Command::Claims(arguments) => claims::run(&workspace, &arguments)?,
        Command::Doctor => doctor::run(&workspace)?,
        Command::Preprocess { name, supports } => match supports.as_slice() {
            [] => book::preprocess::run(
                &workspace.root,
                &name,
                std::io::stdin().lock(),
                std::io::stdout().lock(),
            )?,
            [word, renderer] if word == "supports" => {
                return Ok(if book::preprocess::supports(&name, renderer)? {
                    ExitCode::SUCCESS
                } else {
                    ExitCode::FAILURE
                });
            }
            _ => anyhow::bail!("expected `preprocess {name}` or `preprocess {name} supports RENDERER`"),
        },
    }
    Ok(ExitCode::SUCCESS)
}
