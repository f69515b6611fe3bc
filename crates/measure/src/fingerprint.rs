//! What identifies a program for its results: its source without comments, its arguments, and the protocol's version. Results whose
//! fingerprint differs were taken of another program, and are stale.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxSet};

use crate::experiment::{Experiment, Program};

/// Raised when the harness changes so that old results no longer compare with new ones.
pub(crate) const PROTOCOL: u32 = 2;

/// The first 16 hexadecimal digits of a SHA-256; enough to tell programs apart.
pub fn program(experiment: &Experiment, program: &Program) -> Result<String> {
    let mut hash = Sha256::new();
    let mut add = |part: &str| {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    };
    add(&PROTOCOL.to_string());
    for file in program.sources() {
        let path = experiment.folder.join(file);
        let source = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let language = Path::new(file).extension().and_then(|e| e.to_str()).unwrap_or_default();
        add(file);
        add(&without_comments(&source, language));
    }
    for file in program.extension_sources() {
        let path = experiment.folder.join(&file);
        let source = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let language = Path::new(&file)
            .extension()
            .and_then(|e| e.to_str())
            .unwrap_or_default();
        add(&file);
        add(&without_comments(&source, language));
    }
    for argument in &program.arguments {
        add(argument);
    }
    // Sizes, loads and cores shape the run as much as the source does.
    add(&serde_json::to_string(&(
        &experiment.parameters,
        &experiment.load,
        &experiment.delay_server,
        experiment.cores,
        &experiment.services,
        program.cores,
        &program.parameters,
        &program.python,
    ))?);
    Ok(hash.finalize()[..8].iter().map(|b| format!("{b:02x}")).collect())
}

/// The source with comments and the white space around them left out. `language` is a file extension; a source in a language that is
/// not known is returned as it is.
///
/// Programs share files, and more than one machine has results of each: what was parsed before is remembered.
pub fn without_comments(source: &str, language: &str) -> String {
    static KNOWN: LazyLock<Mutex<HashMap<[u8; 32], String>>> = LazyLock::new(Mutex::default);
    let key = Sha256::new_with_prefix(language)
        .chain_update([0])
        .chain_update(source)
        .finalize()
        .into();
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(kept) = known().get(&key) {
        return kept.clone();
    }
    let kept = strip(source, language);
    known().insert(key, kept.clone());
    kept
}

fn strip(source: &str, language: &str) -> String {
    static SYNTAXES: OnceLock<SyntaxSet> = OnceLock::new();
    let syntaxes = SYNTAXES.get_or_init(SyntaxSet::load_defaults_newlines);
    let Some(syntax) = syntaxes.find_syntax_by_token(language) else {
        return source.to_owned();
    };
    let comment = Scope::new("comment").expect("a valid scope");
    let docstring = Scope::new("comment.block.documentation.python").expect("a valid scope");
    let mut state = ParseState::new(syntax);
    let mut stack = ScopeStack::new();
    let mut kept = String::new();
    for line in source.split_inclusive('\n') {
        let Ok(ops) = state.parse_line(line, syntaxes) else {
            return source.to_owned();
        };
        let mut code = String::new();
        let mut from = 0;
        for (at, op) in ops.iter().map(|(at, op)| (*at, Some(op))).chain([(line.len(), None)]) {
            // A docstring is a value that a program can read, so it counts as code.
            let hidden = stack
                .as_slice()
                .iter()
                .any(|s| comment.is_prefix_of(*s) && !docstring.is_prefix_of(*s));
            if !hidden {
                code.push_str(&line[from..at]);
            }
            from = at;
            if let Some(op) = op
                && stack.apply(op).is_err()
            {
                return source.to_owned();
            }
        }
        let code = code.trim_end();
        if !code.is_empty() {
            kept.push_str(code);
            kept.push('\n');
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_do_not_count_and_code_does() {
        let rust = "//! Doc.\nfn main() { // why\n    let s = \"// no comment\"; /* a\n b */ f(s)\n}\n";
        let stripped = without_comments(rust, "rs");
        assert_eq!(stripped, "fn main() {\n    let s = \"// no comment\";\n f(s)\n}\n");
        let python = "# top\nx = '# no comment'  # why\n\n# ANCHOR: a\ny = 1\n";
        assert_eq!(without_comments(python, "py"), "x = '# no comment'\ny = 1\n");
    }

    #[test]
    fn an_unknown_language_counts_whole() {
        assert_eq!(without_comments("# x\n", "no-such-language"), "# x\n");
    }
}
