//! Compiles every program that must not compile and compares what the compiler says with what is on record.
//!
//! `TRYBUILD=overwrite cargo test --package compile-fail --test messages` records anew; `... --test messages trybuild=rc-` takes some programs only.

use std::panic::catch_unwind;
use std::path::Path;
use std::process::ExitCode;

use compile_fail::{Compiler, errors, files, record};
use trybuild::TestCases;

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

fn main() -> ExitCode {
    match check(Path::new(FOLDER)) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn check(folder: &Path) -> Result<String, String> {
    let here = Compiler::installed()?;
    if std::env::var_os("TRYBUILD")
        .is_some_and(|update| update == "overwrite")
    {
        if here.sources {
            return Err(format!(
                "{here} quotes the standard library, which others do not have: record with a toolchain without it \
                 (`rustup component remove rust-src`)"
            ));
        }
        refuse_all(folder)?;
        std::fs::write(record(folder), format!("{}\n", here.release))
            .map_err(|error| error.to_string())?;
        return Ok(format!(
            "recorded what {here} says; look at `git diff` before you commit it"
        ));
    }
    let recorded = Compiler::recorded(folder)?;
    if here == recorded {
        refuse_all(folder)?;
        return Ok(format!(
            "{here} refuses every program with the recorded words"
        ));
    }
    same_errors(folder)?;
    Ok(format!(
        "{here} refuses every program for the recorded errors; the words were not compared, for they are those of {recorded}"
    ))
}

/// Every program of the folder fails to compile, with the message beside it or, where that is to be written, any.
fn refuse_all(folder: &Path) -> Result<(), String> {
    // Relative to the manifest, messages name the file alone; trybuild runs the programs when it is dropped.
    let all = match folder == Path::new(FOLDER) {
        true => "*.rs".to_owned(),
        false => format!("{}/*.rs", folder.display()),
    };
    catch_unwind(|| TestCases::new().compile_fail(all)).map_err(|_| {
        "What failed stands above, with its file in examples/compile-fail/. A program that compiles after all shows nothing any more: \
         mend it, or the chapter. A message that changed is read first, then recorded by \
         `TRYBUILD=overwrite cargo test --package compile-fail --test messages`, which writes the .stderr files."
            .to_owned()
    })
}

/// With another compiler than the recorded one: the same errors, in whatever words.
fn same_errors(folder: &Path) -> Result<(), String> {
    let copies = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compile-fail");
    let at = |path: &Path| {
        let shown = path.display().to_string();
        move |error: std::io::Error| format!("{shown}: {error}")
    };
    if copies.exists() {
        std::fs::remove_dir_all(&copies).map_err(at(&copies))?;
    }
    std::fs::create_dir_all(&copies).map_err(at(&copies))?;
    let programs = files(folder, "rs")?;
    for program in &programs {
        let copy = copies.join(program.file_name().unwrap_or_default());
        std::fs::copy(program, &copy).map_err(at(program))?;
    }
    // SAFETY: no other thread runs yet; this is why the test has no harness.
    unsafe { std::env::set_var("TRYBUILD", "overwrite") };
    refuse_all(&copies)?;
    let mut wrong = Vec::new();
    for program in &programs {
        let expected = program.with_extension("stderr");
        let found = copies.join(expected.file_name().unwrap_or_default());
        // Those that a filter left out were not compiled.
        if !found.exists() {
            continue;
        }
        let [expected, found] = [&expected, &found]
            .map(|path| std::fs::read_to_string(path).map_err(at(path)));
        let (expected, found) = (expected?, found?);
        if errors(&expected) != errors(&found) {
            wrong.push(format!(
                "{}: expected {}, found {}\n{found}",
                program.display(),
                errors(&expected).join(", "),
                errors(&found).join(", ")
            ));
        }
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong.join("\n")),
    }
}
