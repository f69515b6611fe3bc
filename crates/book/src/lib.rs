//! Turns chapters, translations and published results into the editions of the book. Starts no process.
//!
//! ```text
//! src/*.md --> Programs --> mdBook's links --> Gettext --> Measurements --> mdBook's HTML --> book/<language>/
//!              (twin,                          (gettext,   (measurements,
//!               compile_fail)                   catalog,    number, figure,
//!                                               twin)       claim, cited,
//!                                               calculator)
//!
//! Site          root, book.toml, languages
//!  \-- Language         code, status, and how numbers are written
//! Catalog       messages of one translation (po/<code>.po): extract, update, check
//! Interface     strings of the machinery in the reader's language
//! Translations  how far each translation is, for the page that shows it
//! Ledger        what others claim, and what was found of it
//! Glossary      the terms of the book, and what they are called in each language
//! Moves         how published numbers moved
//! Context       what Measurements needs: library of results, Interface, cited sources, Translations, Ledger, Glossary, Moves
//! Diagnostic    path, line, what is wrong, what to do
//!
//! edition       build, expand, check: all of the above in the order of the drawing
//!  \-- page             what is done to mdBook's pages afterwards; the page that leads to the editions
//!       |-- head            what a page says of itself: description, languages, address
//!       |-- highlight       colours of code
//!       |-- whole           programs on pages of their own
//!       |-- search          the index of an edition
//!       |-- policy          what a page may load and run
//!       |-- data            published results to download
//!       |-- published       what search engines and readers of feeds get, where the book has an address
//!       \-- offline         the worker that keeps an edition for reading without a network
//! links         the built pages of all editions against each other
//! serve         edition again and again, for writers
//! preprocess    the same preprocessors, one process each, for a reader's own mdBook
//! ```
//!
//! `Programs` comes first so that the comments of the code it inserts are translated; `Measurements` comes last so that a new
//! measurement changes no message of a catalog.

mod address;
mod building;
mod calculator;
pub mod catalog;
mod checked;
pub mod cited;
pub mod claim;
pub mod code;
mod compile_fail;
mod data;
mod diagnostic;
pub mod directive;
pub mod edition;
pub mod figure;
mod gettext;
mod glossary;
mod head;
mod highlight;
mod html;
mod interface;
pub mod ledger;
pub mod links;
pub mod lint;
mod locale;
pub mod measurements;
mod moves;
pub mod number;
pub mod numeral;
mod offline;
mod page;
mod policy;
pub mod preprocess;
pub mod prose;
mod published;
pub mod pyodide;
mod reference;
mod search;
pub mod serve;
pub mod site;
pub mod snippet;
mod stepper;
pub mod translations;
mod twin;
mod whole;

#[cfg(test)]
mod fixture;

pub use catalog::Catalog;
pub use diagnostic::{Diagnostic, Diagnostics};
pub use interface::Interface;
#[doc(hidden)]
pub use page::page_strings;
pub use site::{Language, Site, Status};
pub use stepper::RECORDING;
