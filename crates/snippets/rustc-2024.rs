//! A compiler for snippets: rustc, with the edition that the book is written in.

use std::process::{Command, exit};

fn main() {
    let arguments = std::env::args_os().skip(1).map(|argument| {
        if argument == "--edition=2021" {
            "--edition=2024".into()
        } else {
            argument
        }
    });
    let status = Command::new(env!("REAL_RUSTC")).args(arguments).status();
    match status {
        Ok(status) => exit(status.code().unwrap_or(1)),
        Err(error) => {
            eprintln!("cannot start {}: {error}", env!("REAL_RUSTC"));
            exit(1);
        }
    }
}
