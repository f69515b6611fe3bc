//! Folders that live as long as a job: gone at its end, and where the harness was killed in the middle, gone when the next one starts a
//! job in the same place.

use std::fs::{File, Permissions, TryLockError};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

/// What the names of these folders begin with, so that nothing else is swept away where they lie among others.
const PREFIX: &str = ".price-of-await-";
/// Locked as long as the folder is in use. The kernel lets go of it with the process, however that ends.
const LOCK: &str = "in-use";
/// A folder without that file is one that is just being made, or one whose removal was cut off long ago.
const MADE_WITHIN: Duration = Duration::from_secs(60);

/// A folder of one's own. Dropping it removes it with all that is inside.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    _lock: File,
}

impl Scratch {
    /// A new folder inside `parent`, which is made if need be. Only this user can look into it. First removes this user's folders whose
    /// harness is gone.
    pub fn new(parent: &Path) -> Result<Scratch> {
        let make = || -> Result<Scratch> {
            std::fs::create_dir_all(parent)?;
            sweep(parent)?;
            loop {
                let path = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?.keep();
                let lock = File::create(path.join(LOCK))?;
                lock.lock()?;
                // Another harness may have swept it away before it was locked.
                if lock.metadata()?.nlink() > 0 {
                    return Ok(Scratch { path, _lock: lock });
                }
            }
        };
        make().with_context(|| format!("cannot make a temporary folder in {}", parent.display()))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lets other users pass through the folder to what they own inside; they still cannot list it.
    pub fn let_others_pass(&self) -> Result<()> {
        std::fs::set_permissions(&self.path, Permissions::from_mode(0o711))
            .with_context(|| format!("cannot change the mode of {}", self.path.display()))
    }

    /// Removes the folder and says if that did not work.
    pub fn remove(&self) -> Result<()> {
        remove(&self.path).with_context(|| format!("cannot remove {}", self.path.display()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is tried again by the next harness.
        let _ = remove(&self.path);
    }
}

fn sweep(parent: &Path) -> Result<()> {
    let me = rustix::process::geteuid().as_raw();
    for entry in std::fs::read_dir(parent)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        // Of the entry itself, not of what a link points to; it may be gone by now.
        let Ok(metadata) = entry.metadata() else { continue };
        if !metadata.is_dir() || metadata.uid() != me {
            continue;
        }
        let path = entry.path();
        // Held until the folder is gone: whoever is just making it waits, and finds it gone.
        let lock = File::open(path.join(LOCK));
        let in_use = match &lock {
            Ok(lock) => matches!(lock.try_lock(), Err(TryLockError::WouldBlock)),
            Err(_) => {
                #[expect(clippy::disallowed_methods, reason = "files have dates, and no other clock")]
                let age = SystemTime::now().duration_since(metadata.modified()?);
                // From the future, as after a clock was set back: nobody knows how old it is.
                age.map_or(true, |age| age < MADE_WITHIN)
            }
        };
        if !in_use {
            // One that resists is no reason not to work.
            let _ = remove(&path);
        }
    }
    Ok(())
}

/// Processes that are just ending may still write into the folder: a few more tries.
fn remove(path: &Path) -> std::io::Result<()> {
    let mut tries = 20;
    loop {
        match std::fs::remove_dir_all(path) {
            Err(_) if !path.exists() => return Ok(()),
            Err(_) if tries > 0 => {
                tries -= 1;
                std::thread::sleep(Duration::from_millis(50));
            }
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_the_dead_are_swept_and_those_of_the_living_are_not() {
        let parent = tempfile::tempdir().unwrap();
        let living = Scratch::new(parent.path()).unwrap();
        let folder = |name: &str, files: &[&str]| {
            let path = parent.path().join(name);
            std::fs::create_dir(&path).unwrap();
            for file in files {
                std::fs::write(path.join(file), "x").unwrap();
            }
            path
        };
        // As a killed harness leaves it: nobody holds the lock.
        let dead = folder(".price-of-await-dead", &[LOCK, "data"]);
        let just_made = folder(".price-of-await-new", &[]);
        let half_removed = folder(".price-of-await-old", &["data"]);
        let of_the_future = folder(".price-of-await-future", &[]);
        let set_date = |path: &Path, date: SystemTime| File::open(path).unwrap().set_modified(date).unwrap();
        let now = std::fs::metadata(&just_made).unwrap().modified().unwrap();
        set_date(&of_the_future, now + 1000 * MADE_WITHIN);
        set_date(&half_removed, now - 2 * MADE_WITHIN);
        let unrelated = folder("3.13.15", &[LOCK]);

        let next = Scratch::new(parent.path()).unwrap();
        assert!(!dead.exists() && !half_removed.exists());
        for kept in [living.path(), next.path(), &just_made, &of_the_future, &unrelated] {
            assert!(kept.is_dir(), "{}", kept.display());
        }
        let path = next.path().to_owned();
        drop(next);
        assert!(!path.exists());
    }
}
