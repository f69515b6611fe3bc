//! Text in HTML.

use pulldown_cmark_escape::escape_html;

/// Text as it stands in HTML, attributes included.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    escape_html(&mut escaped, text).expect("a string takes everything");
    escaped
}
