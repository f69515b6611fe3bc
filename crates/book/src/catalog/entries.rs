//! The messages of a catalog in their order, found by their text in no time.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

use super::Entry;

/// A list of messages with an index that is made when it is first asked for. Whoever changes the list loses the index with it, so it is
/// never out of date.
#[derive(Debug, Default)]
pub struct Entries {
    list: Vec<Entry>,
    /// Where each message stands that is not obsolete.
    index: OnceLock<HashMap<String, usize>>,
}

impl Entries {
    /// Where the message with this text stands, unless it is obsolete.
    pub(super) fn find(&self, msgid: &str) -> Option<usize> {
        let index = self.index.get_or_init(|| {
            let mut index = HashMap::with_capacity(self.list.len());
            for (number, entry) in self.list.iter().enumerate().filter(|(_, entry)| !entry.obsolete) {
                index.entry(entry.msgid.clone()).or_insert(number);
            }
            index
        });
        index.get(msgid).copied()
    }

    /// The message with this text, added to the end if there is none. What is returned must keep its `msgid` and stay in the book: the
    /// index is not made anew.
    pub(super) fn find_or_add(&mut self, msgid: &str) -> &mut Entry {
        let number = match self.find(msgid) {
            Some(number) => number,
            None => {
                let number = self.list.len();
                self.list.push(Entry {
                    msgid: msgid.to_owned(),
                    ..Entry::default()
                });
                if let Some(index) = self.index.get_mut() {
                    index.insert(msgid.to_owned(), number);
                }
                number
            }
        };
        &mut self.list[number]
    }
}

impl Deref for Entries {
    type Target = Vec<Entry>;

    fn deref(&self) -> &Vec<Entry> {
        &self.list
    }
}

impl DerefMut for Entries {
    fn deref_mut(&mut self) -> &mut Vec<Entry> {
        self.index.take();
        &mut self.list
    }
}

impl Clone for Entries {
    fn clone(&self) -> Entries {
        Entries::from(self.list.clone())
    }
}

impl PartialEq for Entries {
    fn eq(&self, other: &Entries) -> bool {
        self.list == other.list
    }
}

impl Eq for Entries {}

impl From<Vec<Entry>> for Entries {
    fn from(list: Vec<Entry>) -> Entries {
        Entries {
            list,
            index: OnceLock::new(),
        }
    }
}

impl FromIterator<Entry> for Entries {
    fn from_iter<T: IntoIterator<Item = Entry>>(entries: T) -> Entries {
        Entries::from(Vec::from_iter(entries))
    }
}

impl IntoIterator for Entries {
    type Item = Entry;
    type IntoIter = std::vec::IntoIter<Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl<'a> IntoIterator for &'a Entries {
    type Item = &'a Entry;
    type IntoIter = std::slice::Iter<'a, Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

impl<'a> IntoIterator for &'a mut Entries {
    type Item = &'a mut Entry;
    type IntoIter = std::slice::IterMut<'a, Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.deref_mut().iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_changed_is_found_as_it_is_now() {
        let mut entries = Entries::default();
        entries.find_or_add("a").msgstr = "x".into();
        entries.find_or_add("b");
        assert_eq!(entries.find_or_add("a").msgstr, "x");
        assert_eq!(
            (entries.len(), entries.find("b"), entries.find("c")),
            (2, Some(1), None)
        );
        entries[0].msgid = "c".into();
        assert_eq!((entries.find("a"), entries.find("c")), (None, Some(0)));
        entries[0].obsolete = true;
        assert_eq!(entries.find("c"), None);
        for entry in &mut entries {
            entry.obsolete = false;
        }
        assert_eq!(entries.find("c"), Some(0));
        entries.remove(0);
        assert_eq!((entries.find("c"), entries.find("b")), (None, Some(0)));
        assert_eq!(entries, entries.clone());
    }
}
