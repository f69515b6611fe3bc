//! What translators are told beside a message: what its directives insert. Never a value, so that a new measurement changes no catalog.

use measure::experiment::Unit;
use measure::library::Library;

use crate::checked::Finding;
use crate::directive::{self, Directive};
use crate::number::Kind;
use crate::reference::{self, Reference};

/// What stands in the place of the directives of a message, in their order: its words must fit it. `None` where nothing is inserted, or
/// nothing that could be told.
pub(super) fn inserted(message: &str, library: &Library) -> Option<String> {
    let directives = directive::parse(message).directives;
    let kinds: Vec<&str> = directives
        .iter()
        // A claim or a caption inserts what stands in its body.
        .flat_map(|outer| std::iter::once(outer).chain(&outer.inner))
        .filter_map(|directive| kind(directive, library))
        .collect();
    let runs = kinds.chunk_by(|one, next| one == next).map(|run| match run.len() {
        1 => run[0].to_owned(),
        times => format!("{times} times {}", run[0]),
    });
    let runs: Vec<String> = runs.collect();
    (!runs.is_empty()).then(|| format!("inserts {}", runs.join(", then ")))
}

fn kind(directive: &Directive, library: &Library) -> Option<&'static str> {
    let arguments = &directive.arguments;
    let kind = match directive.name.as_str() {
        "measured" => match Finding::parse(arguments) {
            Some(finding) => finding.ok()?.kind(),
            None => Reference::parse(arguments, library).ok()?.kind(),
        },
        "param" => Kind::Unit(reference::parameter(arguments, library).ok()?.1),
        "cited" => return Some("a quoted figure with its unit and a reference"),
        _ => return None,
    };
    Some(match kind {
        Kind::Ratio => "a ratio as in 3.1×",
        Kind::Unit(Unit::Count) => "a number as in 200",
        Kind::Unit(Unit::Seconds | Unit::Milliseconds) => "a duration as in 12.3 ms",
        Kind::Unit(Unit::Bytes) => "a size as in 4 KiB",
        Kind::Unit(Unit::PerSecond) => "a rate as in 1,200 per second",
        Kind::Unit(Unit::Cores) => "a load as in 0.9 cores",
        Kind::Unit(Unit::Share) => "a percentage as in 12 %",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn the_kind_is_told_and_never_the_value() {
        let library = fixture::library();
        let said = |message: &str| inserted(message, &library);
        assert_eq!(
            said("It takes {{#measured echo.asyncio.cpu}}.").unwrap(),
            "inserts a duration as in 12.3 ms"
        );
        assert_eq!(
            said("{{#measured echo.asyncio.cpu}} and {{#measured echo.tokio.cpu}}").unwrap(),
            "inserts 2 times a duration as in 12.3 ms"
        );
        assert_eq!(
            said("{{#claim echo.asyncio/tokio.cpu >=2}}x {{#measured echo.asyncio/tokio.cpu}}{{/claim}} of {{#param echo.clients}}").unwrap(),
            "inserts a ratio as in 3.1×, then a number as in 200"
        );
        for nothing in [
            "Text.",
            "{{#claim echo.asyncio/tokio.cpu >=2}}twice{{/claim}}",
            "{{#measured no.such.thing}}",
            "\\{{#measured echo.asyncio.cpu}}",
            "{{#number 2 | because}}",
        ] {
            assert_eq!(said(nothing), None, "{nothing}");
        }
        let mut library = fixture::library();
        library.entries[0].measured = None;
        assert_eq!(
            inserted("{{#measured echo.asyncio.cpu}}", &library),
            said("{{#measured echo.asyncio.cpu}}"),
            "the same before anything was measured"
        );
    }
}
