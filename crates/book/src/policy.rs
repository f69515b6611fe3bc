//! The content security policy of a page: what it may load and run. Only from where the page itself comes from, no `eval`, and of the scripts
//! within the page those that stand in it when it is built, by their hashes: mdBook's few.
//!
//! Styles within elements are allowed: drawings place their colours there, and mdBook's script moves the table of contents by them.
//! `wasm-unsafe-eval` lets the search compile its WebAssembly; it allows no script. Pyodide, which runs Python at a reader's click, needs
//! no more: it lives in a worker that comes from the book's own place. The Playground is a link and needs nothing.

use anyhow::{Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

const CHARSET: &str = "<meta charset=\"UTF-8\">";

/// A finished page with its policy, as near to its beginning as it can stand.
pub(crate) fn enforce(page: &str) -> Result<String> {
    ensure!(page.contains(CHARSET), "a page without {CHARSET}");
    let policy = format!(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">",
        policy(page)
    );
    Ok(page.replacen(CHARSET, &format!("{CHARSET}\n{policy}"), 1))
}

fn policy(page: &str) -> String {
    let mut hashes: Vec<String> = inline_scripts(page)
        .map(|script| {
            let hash = BASE64_STANDARD.encode(Sha256::digest(script.as_bytes()));
            format!("'sha256-{hash}'")
        })
        .collect();
    hashes.sort();
    hashes.dedup();
    let scripts = hashes.iter().fold(String::new(), |all, hash| all + " " + hash);
    format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'{scripts}; style-src 'self' 'unsafe-inline'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; frame-src 'self'; \
         base-uri 'none'; form-action 'none'"
    )
}

/// What stands between `<script>` and `</script>`: scripts with attributes are loaded from files.
fn inline_scripts(page: &str) -> impl Iterator<Item = &str> {
    page.split("<script>")
        .skip(1)
        .filter_map(|rest| rest.split_once("</script>").map(|(script, _)| script))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_runs_the_scripts_that_it_was_built_with() {
        let page = "<head><meta charset=\"UTF-8\"><script src=\"a.js\"></script><script>alert(1)</script><script></script></head>";
        let enforced = enforce(page).unwrap();
        // The hash of `alert(1)`, and that of nothing.
        for hash in [
            "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='",
            "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
        ] {
            assert!(enforced.contains(hash), "{hash} in {enforced}");
        }
        assert_eq!(enforced.matches("'sha256-").count(), 2);
        assert!(!enforced.contains("'unsafe-eval'"), "{enforced}");
        assert!(enforced.find("Content-Security-Policy") < enforced.find("<script"));
    }

    #[test]
    fn a_page_that_cannot_have_one_is_a_mistake() {
        assert!(enforce("<html></html>").is_err());
    }
}
