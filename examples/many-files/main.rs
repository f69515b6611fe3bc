//! Reads many small files and a few large ones, in five ways.
//!
//! The files are written to a temporary folder first, so that they are in
//! the page cache when they are read: nothing waits for a disk. From each
//! the sum takes the length and both ends. The twin is main.py.
//!
//!     cargo run --release --example many-files
//!     cargo run --release --example many-files -- --how glommio
//!
//! Two of the ways need io_uring, and so Linux.

use std::error::Error;
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum, value_parser};
use futures::{StreamExt, TryStreamExt, stream};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::runtime;
use tokio::task::spawn_blocking;

type Failure = Box<dyn Error + Send + Sync>;

const MIB: usize = 1 << 20;

// ANCHOR: read
/// The length and both ends: proves that all of it came.
fn digest(content: &[u8]) -> u64 {
    let end = |bytes: Option<&[u8; 8]>| {
        bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
    };
    let (first, last) = (content.first_chunk(), content.last_chunk());
    content.len() as u64 + end(first) + end(last)
}

fn one_by_one(paths: &[PathBuf]) -> io::Result<u64> {
    paths.iter().map(|path| Ok(digest(&fs::read(path)?))).sum()
}
// ANCHOR_END: read

// ANCHOR: pool
async fn each_in_pool(paths: &[PathBuf], at_once: usize) -> io::Result<u64> {
    stream::iter(paths)
        .map(tokio::fs::read)
        .buffer_unordered(at_once)
        .try_fold(0, async |sum, content| Ok(sum + digest(&content)))
        .await
}

async fn all_in_pool(paths: Arc<[PathBuf]>) -> io::Result<u64> {
    spawn_blocking(move || one_by_one(&paths)).await?
}
// ANCHOR_END: pool

#[cfg(target_os = "linux")]
mod by_tokio_uring {
    use super::*;

    // ANCHOR: tokio_uring
    use tokio_uring::buf::BoundedBuf;
    use tokio_uring::fs::File;

    async fn read(path: &Path) -> io::Result<Vec<u8>> {
        let file = File::open(path).await?;
        let size = file.statx().await?.stx_size as usize;
        let buffer = Vec::with_capacity(size).slice(..size);
        let (result, buffer) = file.read_exact_at(buffer, 0).await;
        file.close().await?;
        result.map(|()| buffer.into_inner())
    }
    // ANCHOR_END: tokio_uring

    pub async fn each(paths: &[PathBuf], at_once: usize) -> io::Result<u64> {
        stream::iter(paths)
            .map(|path| read(path))
            .buffer_unordered(at_once)
            .try_fold(0, async |sum, content| Ok(sum + digest(&content)))
            .await
    }

    pub fn runtime() -> Result<tokio_uring::Runtime, Failure> {
        tokio_uring::Runtime::new(&tokio_uring::builder())
            .map_err(|error| no_io_uring("tokio-uring", &error))
    }
}

#[cfg(target_os = "linux")]
mod by_glommio {
    use super::*;

    // ANCHOR: glommio
    use glommio::io::{BufferedFile, ReadResult};
    use glommio::{LocalExecutor, LocalExecutorBuilder, Placement};

    async fn read(path: &Path) -> io::Result<ReadResult> {
        let file = BufferedFile::open(path).await?;
        let size = file.file_size().await? as usize;
        let content = file.read_at(0, size).await;
        file.close().await?;
        Ok(content?)
    }

    pub fn runtime() -> Result<LocalExecutor, Failure> {
        // Unbound: the thread stays on the core that the process was given.
        LocalExecutorBuilder::new(Placement::Unbound)
            .make()
            .map_err(|error| no_io_uring("glommio", &error))
    }
    // ANCHOR_END: glommio

    pub async fn each(paths: &[PathBuf], at_once: usize) -> io::Result<u64> {
        stream::iter(paths)
            .map(|path| read(path))
            .buffer_unordered(at_once)
            .try_fold(0, async |sum, content| Ok(sum + digest(&content)))
            .await
    }
}

#[cfg(target_os = "linux")]
fn no_io_uring(library: &str, error: &dyn Error) -> Failure {
    format!(
        "{library} has no io_uring here: {error}. A container's seccomp \
         profile, kernel.io_uring_disabled or a low `ulimit -l` forbids it"
    )
    .into()
}

/// Written before, removed afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> io::Result<Self> {
        let name = format!("many-files-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path)?;
        Ok(Folder(path))
    }

    /// Files that hold their number, over and over.
    fn prepared(
        &self,
        count: usize,
        size: usize,
    ) -> io::Result<Arc<[PathBuf]>> {
        (0..count)
            .map(|number| {
                let path = self.0.join(format!("{number:06}"));
                fs::write(&path, number.to_le_bytes().repeat(size / 8))?;
                Ok(path)
            })
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{}: {error}", self.0.display());
        }
    }
}

/// One pass over the files, in the way that was asked for.
type Reader = Box<dyn FnMut(&Arc<[PathBuf]>) -> io::Result<u64>>;

fn reader(how: How, at_once: usize) -> Result<Reader, Failure> {
    let tokio = || {
        runtime::Builder::new_current_thread()
            .max_blocking_threads(at_once)
            .build()
    };
    Ok(match how {
        How::Loop => Box::new(|paths| one_by_one(paths)),
        How::TokioFs => {
            let runtime = tokio()?;
            Box::new(move |paths| {
                runtime.block_on(each_in_pool(paths, at_once))
            })
        }
        How::OneHop => {
            let runtime = tokio()?;
            Box::new(move |paths| {
                runtime.block_on(all_in_pool(paths.clone()))
            })
        }
        #[cfg(target_os = "linux")]
        How::TokioUring => {
            let runtime = by_tokio_uring::runtime()?;
            Box::new(move |paths| {
                runtime.block_on(by_tokio_uring::each(paths, at_once))
            })
        }
        #[cfg(target_os = "linux")]
        How::Glommio => {
            let executor = by_glommio::runtime()?;
            Box::new(move |paths| {
                executor.run(by_glommio::each(paths, at_once))
            })
        }
        #[cfg(not(target_os = "linux"))]
        How::TokioUring | How::Glommio => {
            return Err("io_uring is an interface of Linux".into());
        }
    })
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Reads everything that often; `work` is that of one pass. Returns what a
/// pass found, and the phase.
fn timed(
    passes: usize,
    work: usize,
    mut once: impl FnMut() -> io::Result<u64>,
) -> Result<(u64, Value), Failure> {
    let found = once()?; // starts the threads, and shows the files to the cache
    let (wall, cpu) = (Instant::now(), cpu_time());
    for _ in 0..passes {
        let again = once()?;
        if again != found {
            return Err(
                format!("the sum was {found}, and then {again}").into()
            );
        }
    }
    let phase = json!({
        "seconds": wall.elapsed().as_secs_f64(),
        "cpu_seconds": (cpu_time() - cpu).as_secs_f64(),
        "work": passes * work,
    });
    Ok((found, phase))
}

fn expected(count: usize, size: usize) -> u64 {
    (count * size + count * (count - 1)) as u64
}

#[derive(Clone, Copy, ValueEnum)]
enum How {
    /// By std, one by one
    Loop,
    /// Each by tokio::fs
    TokioFs,
    /// By std, one by one, all in one call of spawn_blocking
    OneHop,
    /// Each by tokio-uring
    TokioUring,
    /// Each by glommio
    Glommio,
}

fn size(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(value) if (16..=MIB).contains(&value) && value % 8 == 0 => {
            Ok(value)
        }
        _ => Err(format!("not a multiple of 8 from 16 to {MIB}")),
    }
}

/// Reads many small files and a few large ones, in five ways.
#[derive(Parser)]
struct Options {
    /// How to read them
    #[arg(long, value_enum, default_value_t = How::TokioFs)]
    how: How,
    /// Files read at once, and threads
    #[arg(long, value_name = "N", default_value = "16")]
    at_once: NonZeroUsize,
    /// Number of small files
    #[arg(long, value_name = "N", default_value = "500")]
    small_files: NonZeroUsize,
    /// Bytes of each, a multiple of 8
    #[arg(long, value_name = "N", default_value = "4096", value_parser = size)]
    small_size: usize,
    /// How often all are read
    #[arg(long, value_name = "N", default_value = "2")]
    small_passes: NonZeroUsize,
    /// Number of large files
    #[arg(long, value_name = "N", default_value = "2")]
    large_files: NonZeroUsize,
    /// MiB of each
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = value_parser!(u16).range(1..=1024))]
    large_mib: u16,
    /// How often all are read
    #[arg(long, value_name = "N", default_value = "2")]
    large_passes: NonZeroUsize,
}

fn run(options: &Options) -> Result<Value, Failure> {
    let mut pass_over = reader(options.how, options.at_once.get())?;
    let large_mib = usize::from(options.large_mib);
    let small_files = options.small_files.get();
    let large_files = options.large_files.get();
    let folders = (Folder::new("small")?, Folder::new("large")?);
    let many = folders.0.prepared(small_files, options.small_size)?;
    let few = folders.1.prepared(large_files, large_mib * MIB)?;

    let (small, small_phase) =
        timed(options.small_passes.get(), many.len(), || pass_over(&many))?;
    let large_work = few.len() * large_mib;
    let (large, large_phase) =
        timed(options.large_passes.get(), large_work, || pass_over(&few))?;

    for (found, right) in [
        (small, expected(small_files, options.small_size)),
        (large, expected(large_files, large_mib * MIB)),
    ] {
        if found != right {
            return Err(
                format!("the files sum to {found}, not to {right}").into()
            );
        }
    }
    Ok(json!({
        "result": { "small": small, "large": large },
        "phases": { "small": small_phase, "large": large_phase },
    }))
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
