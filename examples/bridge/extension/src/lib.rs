//! Rust that asyncio awaits, and Tokio that awaits Python: the extension
//! module `price_bridge`.
//!
//! What stands here is used by ../main.py and ../border.py, and by the
//! programs of ../../crossings. `cargo xtask measure bridge` builds it with
//! maturin and puts it where they find it; by hand, in a virtual environment:
//!
//!     pip install maturin
//!     maturin develop --release -m examples/bridge/extension/Cargo.toml

use std::future::pending;
use std::str;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3_async_runtimes::tokio::{future_into_py, into_future};
use tokio::task::{spawn_blocking, yield_now};

// ANCHOR: digest
/// A field of a document that is no number.
struct NotANumber(String);

/// Puts a document, numbers between commas, into one number.
fn digest_of(document: &[u8]) -> Result<u64, NotANumber> {
    let mut value = 0;
    for field in document.split(|&byte| byte == b',') {
        let number: Option<u32> = str::from_utf8(field)
            .ok()
            .and_then(|text| text.parse().ok());
        let Some(number) = number else {
            let field = String::from_utf8_lossy(field);
            return Err(NotANumber(field.into_owned()));
        };
        value = (value * 31 + u64::from(number)) % 65_521;
    }
    Ok(value)
}
// ANCHOR_END: digest

// ANCHOR: error
impl From<NotANumber> for PyErr {
    fn from(NotANumber(field): NotANumber) -> PyErr {
        PyValueError::new_err(format!("not a number: {field:?}"))
    }
}
// ANCHOR_END: error

// ANCHOR: call
/// Called like any function; other threads of Python run meanwhile.
#[pyfunction]
fn digest(py: Python<'_>, document: &[u8]) -> PyResult<u64> {
    Ok(py.detach(|| digest_of(document))?)
}
// ANCHOR_END: call

// ANCHOR: tokio
/// A task of Tokio, and an asyncio future for its answer.
#[pyfunction]
fn digest_on_tokio(
    py: Python<'_>,
    document: PyBackedBytes,
) -> PyResult<Bound<'_, PyAny>> {
    future_into_py(py, async move { Ok(digest_of(&document)?) })
}
// ANCHOR_END: tokio

// ANCHOR: coroutine
/// A coroutine that asyncio polls itself, on its own thread.
#[pyfunction]
async fn digest_in_loop(document: PyBackedBytes) -> PyResult<u64> {
    Ok(digest_of(&document)?)
}
// ANCHOR_END: coroutine

// ANCHOR: batch
/// Many documents for one crossing.
#[pyfunction]
fn digest_all(
    py: Python<'_>,
    documents: Vec<PyBackedBytes>,
) -> PyResult<Bound<'_, PyAny>> {
    future_into_py(py, async move {
        // A batch takes too long for a worker that others wait for.
        let job = spawn_blocking(move || {
            documents
                .iter()
                .map(|document| digest_of(document))
                .collect::<Result<Vec<u64>, NotANumber>>()
        });
        let digests = job
            .await
            .map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        Ok(digests?)
    })
}
// ANCHOR_END: batch

/// What the crossings carry over.
fn next(value: u64) -> u64 {
    value * 31 % 227
}

// ANCHOR: steps
#[pyfunction]
fn step(value: u64) -> u64 {
    next(value)
}

#[pyfunction]
async fn step_in_loop(value: u64) -> u64 {
    next(value)
}

#[pyfunction]
fn step_on_tokio(py: Python<'_>, value: u64) -> PyResult<Bound<'_, PyAny>> {
    future_into_py(py, async move { Ok(next(value)) })
}

#[pyfunction]
fn step_later(py: Python<'_>, value: u64) -> PyResult<Bound<'_, PyAny>> {
    future_into_py(py, async move {
        yield_now().await;
        Ok(next(value))
    })
}
// ANCHOR_END: steps

// ANCHOR: reverse
/// Tokio awaits a coroutine of Python's, `calls` times one after another.
#[pyfunction]
fn drive(
    py: Python<'_>,
    function: Py<PyAny>,
    calls: u64,
) -> PyResult<Bound<'_, PyAny>> {
    future_into_py(py, async move {
        let mut value = 1_u64;
        for _ in 0..calls {
            let answer = Python::attach(|py| {
                into_future(function.bind(py).call1((value,))?)
            })?
            .await?;
            value = Python::attach(|py| answer.extract::<u64>(py))?;
        }
        Ok(value)
    })
}
// ANCHOR_END: reverse

/// The same with an ordinary function, which runs on Tokio's thread.
#[pyfunction]
fn drive_calls(
    py: Python<'_>,
    function: Py<PyAny>,
    calls: u64,
) -> PyResult<Bound<'_, PyAny>> {
    future_into_py(py, async move {
        let mut value = 1_u64;
        for _ in 0..calls {
            value = Python::attach(|py| {
                function.call1(py, (value,))?.extract::<u64>(py)
            })?;
        }
        Ok(value)
    })
}

// ANCHOR: watch
/// Tells of a future that never ends whether it has been dropped.
#[pyclass(frozen)]
struct Watch {
    dropped: Arc<AtomicBool>,
}

struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[pymethods]
impl Watch {
    #[new]
    fn new() -> Watch {
        Watch {
            dropped: Arc::new(AtomicBool::new(false)),
        }
    }

    fn forever<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let guard = SetOnDrop(self.dropped.clone());
        future_into_py(py, async move {
            let _guard = guard;
            pending::<PyResult<()>>().await
        })
    }

    fn dropped(&self) -> bool {
        self.dropped.load(Ordering::Acquire)
    }
}
// ANCHOR_END: watch

// ANCHOR: wait_for
/// Blocks until a thread of Python calls what `with_opener` was given:
/// nobody could, if the lock were held meanwhile.
#[pyfunction]
fn wait_for_call(py: Python<'_>, with_opener: Py<PyAny>) -> PyResult<bool> {
    let (sender, receiver) = mpsc::channel();
    with_opener.call1(py, (Opener { sender },))?;
    Ok(py.detach(move || receiver.recv()).is_ok())
}
// ANCHOR_END: wait_for

#[pyclass(frozen)]
struct Opener {
    sender: mpsc::Sender<()>,
}

#[pymethods]
impl Opener {
    fn __call__(&self) -> bool {
        self.sender.send(()).is_ok()
    }
}

/// Panics in a task of Tokio.
#[pyfunction]
fn panic_on_tokio(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    future_into_py(py, async {
        if true {
            panic!("a bug");
        }
        Ok(())
    })
}

/// Panics where it is called.
#[pyfunction]
fn panic_in_call() {
    panic!("a bug");
}

#[pymodule]
mod price_bridge {
    #[pymodule_export]
    use super::{
        Opener, Watch, digest, digest_all, digest_in_loop, digest_on_tokio,
        drive, drive_calls, panic_in_call, panic_on_tokio, step,
        step_in_loop, step_later, step_on_tokio, wait_for_call,
    };
}
