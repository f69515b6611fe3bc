//! One `measure` at a time: two would disturb each other and write the same files.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process::check_interrupted;

/// Held while measuring. The kernel lets go of it with the process, however that ends.
#[derive(Debug)]
pub struct Exclusive {
    _file: File,
}

impl Exclusive {
    /// Waits until no other process measures into the same `target`; `waiting` is called once if that takes any time.
    ///
    /// # Errors
    /// Where the lock file cannot be made, or on Ctrl-C.
    pub fn wait(target: &Path, waiting: &dyn Fn()) -> Result<Exclusive> {
        let path = target.join("measurements").join("lock");
        let open = || -> Result<File> {
            std::fs::create_dir_all(target.join("measurements"))?;
            Ok(File::options().create(true).append(true).open(&path)?)
        };
        let file = open().with_context(|| format!("cannot open {}", path.display()))?;
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Exclusive { _file: file }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("cannot lock {}", path.display()));
                }
            }
            if !told {
                waiting();
                told = true;
            }
            check_interrupted()?;
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::sync::mpsc;

    #[test]
    fn the_second_waits_for_the_first_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let first = Exclusive::wait(folder.path(), &|| panic!("nobody else is here")).unwrap();
        let path = folder.path().to_owned();
        let (sender, receiver) = mpsc::channel();
        let second = std::thread::spawn(move || {
            let waited = Cell::new(false);
            Exclusive::wait(&path, &|| {
                waited.set(true);
                sender.send(()).unwrap();
            })
            .unwrap();
            waited.get()
        });
        receiver.recv().unwrap();
        drop(first);
        assert!(second.join().unwrap());
    }
}
