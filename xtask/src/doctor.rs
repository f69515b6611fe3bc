//! `cargo xtask doctor`: what is here, what is missing, how to get it, and what does not work without it.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};
use measure::python::Interpreter;
use measure::{build, machine};

use crate::browser::Browser;
use crate::dictionary;
use crate::pyodide;
use crate::workspace::Workspace;

pub fn run(workspace: &Workspace) -> Result<()> {
    let mut missing = 0;
    match build::rustc_version(&workspace.root) {
        Ok(version) => println!("{version}"),
        Err(_) => {
            missing += 1;
            println!("MISSING: {}. Without it: nothing", build::NO_RUST);
        }
    }

    let interpreters = Interpreter::all(&workspace.target);
    for interpreter in &interpreters {
        println!("{}", interpreter.described());
    }
    match interpreters.iter().find(|found| !found.build.free_threaded) {
        Some(best) => {
            println!(
                "  `measure` takes {} unless `--python` says otherwise",
                best.build.version
            );
            if !works(Command::new(&best.path).args(["-c", "import venv, ensurepip"])) {
                missing += 1;
                println!(
                    "MISSING: its module venv. Debian and Ubuntu: `apt-get install python3-venv`. Without it: no measuring, no Python snippets"
                );
            }
        }
        None => {
            missing += 1;
            println!(
                "MISSING: Python 3.11 or newer. Debian and Ubuntu: `apt-get install python3 python3-venv`. Without it: no measuring, no Python snippets"
            );
        }
    }

    if works(Command::new("cc").arg("--version")) {
        println!("a C compiler (the linker that rustc calls)");
    } else {
        missing += 1;
        println!(
            "MISSING: a C compiler, which rustc links with. Debian and Ubuntu: `apt-get install gcc libc6-dev`. Without it: nothing"
        );
    }

    let machine = machine::describe(None)?;
    println!("this machine: {} ({})", machine.cpu, machine.id);
    if machine.cores < 2 {
        missing += 1;
        println!(
            "MISSING: a second core. Without it: servers and clients are not measured, only programs without a peer"
        );
    }
    let site = workspace.site()?;
    println!("the book shows the results of: {}", site.shown_machines());
    for (code, dictionary) in dictionary::all(workspace, &site) {
        match dictionary {
            Ok(files) => println!("dictionary for `{code}`: {}", workspace.shown(&files.words)),
            // Not one of the missing things: all but spelling works without it.
            Err(why) => println!("no dictionary for `{code}`, so its spelling is not checked: {why}"),
        }
    }
    match Browser::find(workspace) {
        Ok(_) => println!("a browser for the tests of pages and for `export`"),
        // Nor is this: all else works without it.
        Err(why) => println!("no browser, so pages are not tested, and `export` does not work: {why}"),
    }
    match pyodide::find(workspace) {
        Ok(_) => println!("Pyodide, by which readers run snippets in the page"),
        Err(why) => println!("no Pyodide, so snippets cannot be run in the page: {why}"),
    }
    if missing > 0 {
        bail!("{missing} things are missing; each line above says how to get one");
    }
    println!("nothing is missing");
    Ok(())
}

fn works(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
