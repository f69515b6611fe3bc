//! Side-by-side measurement of programs in several languages.
//!
//! ```text
//! experiment   what is compared (examples/*/experiment.toml)
//! fingerprint  which program exactly a result was taken of
//! report       what a program prints of its phases
//! latency      how latencies are stored and put together
//! results      raw samples, the file format, and what is derived from them
//! schema       the file format as a JSON Schema
//! self_check   whether the harness tells the truth, from samples that it takes of itself
//! statistics   estimates and their intervals
//! packages     which packages a program reaches, and whether they changed
//! library      all experiments with the results to show
//! compare      two sets of results, and what changed beyond noise
//! moves        what was published before, in short
//! files        writing whole files
//! ```
//!
//! Those read and compute on any system. The rest starts processes and needs Linux:
//!
//! ```text
//! exclusive    one harness at a time
//! machine      what this machine is, and how busy it was
//! process      one process from start to exit, pinned, timed, and gone at the end
//! python       interpreters and how to build one, and the locked environment for the Python programs
//! build        release builds of the Rust programs
//! extension    modules in Rust that Python programs import
//! tools        Go and Node.js
//! service      PostgreSQL and Redis, beside experiments that need them
//! harness      one run of one program, with its peers
//! campaign     sessions of interleaved rounds over experiments
//! publish      which results are fit to be published
//! collection   all that is published: checked, merged with other machines' results, retired
//! ```

pub mod compare;
pub mod experiment;
pub mod files;
pub mod fingerprint;
pub mod latency;
pub mod library;
pub mod load;
pub mod moves;
pub mod packages;
pub mod report;
pub mod results;
pub mod schema;
pub mod self_check;
pub mod statistics;

#[cfg(target_os = "linux")]
pub mod build;
#[cfg(target_os = "linux")]
pub mod campaign;
#[cfg(target_os = "linux")]
pub mod collection;
#[cfg(target_os = "linux")]
pub mod exclusive;
#[cfg(target_os = "linux")]
pub mod extension;
#[cfg(target_os = "linux")]
pub mod harness;
#[cfg(target_os = "linux")]
pub mod machine;
#[cfg(target_os = "linux")]
pub mod process;
#[cfg(target_os = "linux")]
pub mod publish;
#[cfg(target_os = "linux")]
pub mod python;
#[cfg(target_os = "linux")]
mod scratch;
#[cfg(target_os = "linux")]
pub mod service;
#[cfg(target_os = "linux")]
mod tools;
