//! The snippets of all editions as the tests run them: each once. A translation changes comments and nothing else of a snippet, so what is the
//! same without them has been run when the first of the two has.

use std::collections::HashSet;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use crate::code::Code;

/// In the info string of a snippet that is not run.
pub const IGNORE: &str = "ignore";

/// The snippets that were seen in chapters.
#[derive(Debug, Default)]
pub struct Snippets {
    seen: HashSet<(String, String)>,
    again: usize,
}

impl Snippets {
    /// An expanded chapter in which every snippet that was seen before, but for its comments, is marked by [`IGNORE`].
    pub fn once(&mut self, markdown: &str) -> String {
        let mut marked = String::with_capacity(markdown.len());
        let mut copied = 0;
        let mut block: Option<(String, usize, String)> = None;
        for (event, range) in Parser::new(markdown).into_offset_iter() {
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                    let line = &markdown[range.start..];
                    if let Some(at) = line.find(&*info).filter(|_| !info.is_empty()) {
                        block = Some((info.to_string(), range.start + at + info.len(), String::new()));
                    }
                }
                Event::Text(text) => {
                    if let Some((_, _, code)) = &mut block {
                        code.push_str(&text);
                    }
                }
                Event::End(TagEnd::CodeBlock) => {
                    let Some((info, end, text)) = block.take() else {
                        continue;
                    };
                    let language = info.split(',').next().unwrap_or_default().trim();
                    if !["rust", "python"].contains(&language) {
                        continue;
                    }
                    let code = Code { text: &text, language }.without_comments();
                    if !self.seen.insert((info, code)) {
                        marked.push_str(&markdown[copied..end]);
                        marked.push(',');
                        marked.push_str(IGNORE);
                        copied = end;
                        self.again += 1;
                    }
                }
                _ => {}
            }
        }
        marked.push_str(&markdown[copied..]);
        marked
    }

    /// How many there are that differ from one another by more than comments, and how many others were marked.
    pub fn count(&self) -> (usize, usize) {
        (self.seen.len(), self.again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_whose_comments_alone_differ_is_not_run_again() {
        let mut snippets = Snippets::default();
        let english =
            "Text.\n\n```rust,no_run\n// Why.\nwork(); // now\n```\n\n```python\nwork()\n```\n\n```text\nwork\n```\n";
        assert_eq!(snippets.once(english), english);
        let italian = "Testo.\n\n```rust,no_run\n// Perché,\n// in due righe.\nwork(); // ora\n```\n\n> ```python\n> work(1)\n> ```\n\n```text\nwork\n```\n";
        assert_eq!(
            snippets.once(italian),
            italian.replace("rust,no_run", "rust,no_run,ignore")
        );
        assert_eq!(snippets.count(), (3, 1));
    }

    #[test]
    fn what_is_run_in_another_way_is_another_snippet() {
        let mut snippets = Snippets::default();
        snippets.once("```rust\nwork();\n```\n");
        let other = "```rust,should_panic\nwork();\n```\n";
        assert_eq!(snippets.once(other), other);
    }
}
