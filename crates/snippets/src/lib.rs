//! Nothing but tests: `tests/rust.rs` runs the Rust snippets of both editions through skeptic, `tests/python.rs` their
//! Python ones.
