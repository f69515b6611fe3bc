//! Nothing but tests: `build.rs` expands both editions, `tests/rust.rs` runs their Rust snippets through skeptic, `tests/python.rs` their
//! Python ones.
