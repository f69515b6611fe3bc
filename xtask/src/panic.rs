//! What happens where the program would panic: no user sees a backtrace.

use std::panic::{self, PanicHookInfo};
use std::process;

/// What a shell reports for a program that wrote to a closed pipe: 128 and the number of SIGPIPE.
const CLOSED_PIPE: i32 = 141;

/// Sets what a panic says from now on.
///
/// `println!` panics where nobody reads any more, as after `| head`: that is the reader's right, and the program ends quietly, as others
/// do. It does not end by the signal itself, since a campaign writes to sockets and pipes whose other end may go at any time. Anything
/// else is a mistake of ours, and says so.
pub fn speak_plainly() {
    panic::set_hook(Box::new(|info| {
        if is_closed_pipe(message(info)) {
            process::exit(CLOSED_PIPE);
        }
        let place = info
            .location()
            .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        eprintln!(
            "error: a mistake in this program, at {place}: {}\nNothing that was measured before is lost. \
             Please report it with the command you gave and the lines above.",
            message(info)
        );
    }));
}

fn message<'a>(info: &'a PanicHookInfo) -> &'a str {
    info.payload_as_str().unwrap_or("no message")
}

/// Whether this is the panic of `println!` where nobody reads; std offers no other sign of it than its words.
fn is_closed_pipe(message: &str) -> bool {
    message.starts_with("failed printing to std") && message.contains("Broken pipe")
}
