//! The folder that editions are built in, beside their places, so that they take these by renaming.

use std::fs::{File, TryLockError};
use std::path::Path;

use anyhow::{Context, Result};
use tempfile::TempDir;

const PREFIX: &str = ".building-";
/// Held by who builds; the kernel lets go of it with the process, however that ends.
const LOCK: &str = "lock";

/// Removed when it is dropped. One whose process was killed is removed by the next build.
pub(crate) struct Building {
    // Dropped first: not every system removes a file that is open.
    _lock: File,
    folder: TempDir,
}

impl Building {
    /// In the folder of all editions.
    pub(crate) fn begin(output: &Path) -> Result<Building> {
        let writing = || format!("cannot write to {}", output.display());
        std::fs::create_dir_all(output).with_context(|| format!("cannot create {}", output.display()))?;
        sweep(output).with_context(writing)?;
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempdir_in(output)
            .with_context(writing)?;
        let lock = File::create(folder.path().join(LOCK)).with_context(writing)?;
        lock.lock().with_context(writing)?;
        Ok(Building { _lock: lock, folder })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes what builds have left that were killed.
fn sweep(output: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(output)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) || !entry.path().is_dir() {
            continue;
        }
        let lock = match File::open(entry.path().join(LOCK)) {
            Ok(lock) => lock,
            // Another build that has just begun, or removes it at this moment.
            Err(_) => continue,
        };
        match lock.try_lock() {
            Ok(()) => std::fs::remove_dir_all(entry.path())?,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_build_left_goes_and_what_another_builds_stays() {
        let output = tempfile::tempdir().unwrap();
        let left = output.path().join(".building-left");
        std::fs::create_dir(&left).unwrap();
        // Nobody holds its lock any more.
        std::fs::write(left.join(LOCK), "").unwrap();
        let other = Building::begin(output.path()).unwrap();
        assert!(!left.exists());
        let own = Building::begin(output.path()).unwrap();
        assert!(other.path().is_dir() && own.path().is_dir());
        let path = own.path().to_owned();
        drop(own);
        assert!(!path.exists());
    }
}
