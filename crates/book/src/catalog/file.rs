//! A catalog's file, which anybody may have sent: read within limits, and told from what is no catalog.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::diagnostic::{Diagnostic, Diagnostics};

/// No catalog is larger: ours has 0.2 MB, that of a book ten times as large 2 MB.
const LARGEST: u64 = 8 << 20;

/// The bytes of the file, never more than a catalog may have.
pub(super) fn read(path: &Path, shown: &Path) -> Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", path.display());
    // A pipe or a device would keep us waiting for ever.
    let metadata = std::fs::metadata(path).with_context(cannot)?;
    ensure!(
        metadata.is_file(),
        "{} is no file, but a catalog must be one",
        path.display()
    );
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(cannot)?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).with_context(cannot)?;
    if bytes.len() as u64 > LARGEST {
        return Err(refused(
            shown,
            1,
            format!(
                "the file has more than {} MB, which no catalog has: it was not read",
                LARGEST >> 20
            ),
            "put the last good one in its place: `git log` and `git checkout` find it",
        )
        .into());
    }
    Ok(bytes)
}

/// The text of the file, which is UTF-8.
pub(super) fn decode<'a>(bytes: &'a [u8], shown: &Path) -> Result<&'a str, Diagnostics> {
    const SAVE: &str = "save it as UTF-8 in your editor, or convert it: `iconv -f";
    let utf16 = |name: &str| {
        let help = format!("{SAVE} {name} -t UTF-8`");
        Err(refused(shown, 1, format!("the file is in {name}, not in UTF-8"), &help))
    };
    match bytes {
        [0xff, 0xfe, ..] => return utf16("UTF-16LE"),
        [0xfe, 0xff, ..] => return utf16("UTF-16BE"),
        // Without a mark at its start, every second byte of plain words is zero.
        [0, _, 0, _, ..] => return utf16("UTF-16BE"),
        [_, 0, _, 0, ..] => return utf16("UTF-16LE"),
        _ => {}
    }
    let line_of = |at: usize| 1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count();
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(refused(
            shown,
            line_of(at),
            "a byte of zero: this is no text".to_owned(),
            "put the last good catalog in its place: `git log` and `git checkout` find it",
        ));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let at = error.valid_up_to();
            let byte = bytes[at];
            let help = if byte >= 0xa0 {
                format!(
                    "in Latin-1 it would be `{}`; if that is what stands there, {SAVE} ISO-8859-1 -t UTF-8`",
                    char::from(byte)
                )
            } else {
                format!("{SAVE} ENCODING -t UTF-8` with the encoding it is in")
            };
            Err(refused(
                shown,
                line_of(at),
                format!("the byte {byte:#04x} is not UTF-8"),
                &help,
            ))
        }
    }
}

fn refused(shown: &Path, line: usize, message: String, help: &str) -> Diagnostics {
    Diagnostics(vec![Diagnostic::new(shown, line, message, help)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(bytes: &[u8]) -> Diagnostic {
        let Diagnostics(mut found) = decode(bytes, Path::new("po/it.po")).unwrap_err();
        assert_eq!(found.len(), 1);
        found.remove(0)
    }

    #[test]
    fn an_encoding_that_is_not_ours_is_named() {
        let utf16: Vec<u8> = "msgid".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked: Vec<u8> = [0xff, 0xfe].into_iter().chain(utf16.clone()).collect();
        let big: Vec<u8> = "msgid".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (bytes, name) in [(&utf16, "UTF-16LE"), (&marked, "UTF-16LE"), (&big, "UTF-16BE")] {
            assert!(mistake(bytes).message.contains(name), "{:?}", mistake(bytes));
        }
        let latin = mistake(b"msgid \"\"\nmsgstr \"perch\xe9\"\n");
        assert_eq!(latin.line, 2);
        assert!(
            latin.message.contains("0xe9") && latin.help.contains("`é`") && latin.help.contains("ISO-8859-1"),
            "{latin}"
        );
        let zero = mistake(b"msgid \"a\"\nmsgstr \"\0\"\n");
        assert_eq!((zero.line, zero.message.contains("zero")), (2, true));
        assert_eq!(mistake(b"a\n\n\x80").line, 3);
        // What Windows puts before UTF-8 is no part of the text.
        assert_eq!(decode(b"\xef\xbb\xbfmsgid", Path::new("x")).unwrap(), "msgid");
        assert_eq!(decode(b"", Path::new("x")).unwrap(), "");
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it.po");
        // A hole: it takes no room on the disk.
        File::create(&path).unwrap().set_len(50 << 20).unwrap();
        let error = read(&path, Path::new("po/it.po")).unwrap_err().to_string();
        assert!(error.starts_with("po/it.po:1: ") && error.contains("8 MB"), "{error}");
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(LARGEST)
            .unwrap();
        assert_eq!(read(&path, Path::new("po/it.po")).unwrap().len() as u64, LARGEST);
        let error = read(folder.path(), Path::new("po")).unwrap_err().to_string();
        assert!(error.contains("is no file"), "{error}");
    }
}
