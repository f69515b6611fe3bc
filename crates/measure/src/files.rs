//! Writing files so that nobody ever reads half of one.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

/// Writes the file whole or not at all: beside its place, then renamed. A file that holds the same already is left alone, so that its date
/// tells those who watch it nothing new. Folders are made as needed.
pub fn write_atomically(path: &Path, contents: impl AsRef<[u8]>) -> Result<()> {
    let contents = contents.as_ref();
    if std::fs::read(path).is_ok_and(|old| old == contents) {
        return Ok(());
    }
    let folder = path
        .parent()
        .with_context(|| format!("{} has no folder", path.display()))?;
    let write = || -> Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(contents)?;
        file.as_file().sync_all()?;
        // A temporary file is for its owner only; what it becomes is like any other file of the project.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(path).map_or(0o644, |metadata| metadata.permissions().mode());
            file.as_file().set_permissions(std::fs::Permissions::from_mode(mode))?;
        }
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| {
        format!(
            "cannot write {}; what stood there before is unchanged. Is the disk full, or the folder read-only?",
            path.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_whole_and_left_alone_when_nothing_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("po/it.po");
        write_atomically(&path, "a").unwrap();
        let before = std::fs::metadata(&path).unwrap().modified().unwrap();
        write_atomically(&path, "a").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().modified().unwrap(), before);
        write_atomically(&path, "b").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "b");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn others_may_read_it_and_a_mode_that_somebody_set_stays() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        write_atomically(&path, "a").unwrap();
        assert_eq!(mode(), 0o644);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        write_atomically(&path, "b").unwrap();
        assert_eq!(mode(), 0o600);
    }
}
