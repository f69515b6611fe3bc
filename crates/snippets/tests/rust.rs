//! Every Rust snippet of both editions, compiled and run.

include!(concat!(env!("OUT_DIR"), "/skeptic-tests.rs"));

#[test]
fn the_chapters_were_expanded() {
    assert!(
        option_env!("SNIPPETS_MD").is_some(),
        "there are no snippets here: run `cargo xtask test snippets`, which expands the chapters first"
    );
}
