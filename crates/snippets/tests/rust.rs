//! Every Rust snippet of both editions, compiled and run.

include!(concat!(env!("OUT_DIR"), "/skeptic-tests.rs"));
