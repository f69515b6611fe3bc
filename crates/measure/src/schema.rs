//! The result format as a JSON Schema: `measurements/schema.json`, made from the types in [`crate::results`], so that other programs can
//! read and check result files, and so that a damaged file is refused with the place that is wrong.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Result, bail};
use jsonschema::Validator;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::files::write_atomically;
use crate::results::Results;

/// The schema as it is committed, which is what files are validated against; a test holds that it is what the types give.
pub(crate) const COMMITTED: &str = include_str!("../../../measurements/schema.json");

/// Where it lies in a checkout.
pub fn path(root: &Path) -> PathBuf {
    root.join("measurements").join("schema.json")
}

/// The schema that the types give, as the text of its file.
pub fn generated() -> String {
    let schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<Results>();
    let text = serde_json::to_string_pretty(&schema).expect("plain data");
    format!("{text}\n")
}

/// Writes the file as the types give it.
pub fn write(root: &Path) -> Result<PathBuf> {
    let path = path(root);
    write_atomically(&path, generated())?;
    Ok(path)
}

/// Checks a document; the error names the first places that are wrong by their JSON pointers, and what was expected there.
pub(crate) fn validate(document: &Value) -> Result<()> {
    /// A file of the wrong shape is wrong in every run alike.
    const SHOWN: usize = 3;
    let validator = validator();
    let mut errors = validator.iter_errors(document);
    let first: Vec<String> = errors
        .by_ref()
        .take(SHOWN)
        .map(|error| {
            let place = error.instance_path().as_str();
            let place = if place.is_empty() { "/" } else { place };
            // A whole object shown as what was found would hide what was expected.
            if error.instance().is_object() || error.instance().is_array() {
                format!("at {place}: {}", error.masked())
            } else {
                format!("at {place}: {error}")
            }
        })
        .collect();
    if first.is_empty() {
        return Ok(());
    }
    let more = match errors.count() {
        0 => String::new(),
        more => format!("; and {more} more places"),
    };
    bail!(
        "{}{more} (the format is described in measurements/schema.json)",
        first.join("; ")
    )
}

fn validator() -> &'static Validator {
    static VALIDATOR: OnceLock<Validator> = OnceLock::new();
    VALIDATOR.get_or_init(|| {
        let schema =
            serde_json::from_str(COMMITTED).expect("the committed schema is JSON: a test compares it with the types");
        jsonschema::draft202012::new(&schema).expect("the committed schema is a schema")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_schema_is_what_the_types_give() {
        assert!(
            COMMITTED == generated(),
            "measurements/schema.json is not what the types give: run `cargo xtask measurements schema --write`, and raise \
             `results::FORMAT` if files that were written before can no longer be read"
        );
    }

    #[test]
    fn an_error_names_the_place_and_what_was_expected() {
        let (_, results) = crate::results::tests::sample();
        let good: Value = serde_json::from_str(&results.to_json()).unwrap();
        validate(&good).unwrap();
        let wrong = |pointer: &str, value: Value| {
            let mut document = good.clone();
            *document.pointer_mut(pointer).unwrap() = value;
            validate(&document).unwrap_err().to_string()
        };
        let error = wrong("/runs/4/session", "first".into());
        assert!(
            error.contains("at /runs/4/session: \"first\" is not of type \"integer\""),
            "{error}"
        );
        let error = wrong("/campaign/seed", (-1).into());
        assert!(
            error.contains("at /campaign/seed: -1 is less than the minimum of 0"),
            "{error}"
        );
        let error = wrong("/runs/0/phases/p/seconds", 0.0.into());
        assert!(
            error.contains("at /runs/0/phases/p/seconds: 0.0 is less than or equal to the minimum of 0"),
            "{error}"
        );
        let error = wrong("/machine/id", "../elsewhere".into());
        assert!(
            error.contains("at /machine/id: ") && error.contains("does not match"),
            "{error}"
        );
        let error = wrong("/runs/0/phases/p", serde_json::json!({"seconds": 1.0, "work": 1}));
        assert!(
            error.contains("at /runs/0/phases/p: ") && error.contains("\"cpu_seconds\" is a required property"),
            "{error}"
        );
        let error = wrong("/environment", Value::Null);
        assert!(error.contains("at /environment: "), "{error}");
        let mut more = good.clone();
        more["speed"] = 3.into();
        let error = validate(&more).unwrap_err().to_string();
        assert!(
            error.contains("at /: ") && error.contains("'speed' was unexpected"),
            "{error}"
        );
    }

    #[test]
    fn a_file_that_is_wrong_all_over_is_not_listed_whole() {
        let (_, results) = crate::results::tests::sample();
        let text = results.to_json().replace("\"wall_seconds\":", "\"wall\":");
        let error = validate(&serde_json::from_str(&text).unwrap()).unwrap_err().to_string();
        assert!(error.contains("more places") && error.len() < 1000, "{error}");
    }
}
