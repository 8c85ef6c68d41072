//! Reads closed TOML tables: every key and every word is known, or refused with its place.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::Report;

/// A text and where it stands in the file.
#[derive(Debug, Clone)]
pub(super) struct Word<'t> {
    pub(super) text: &'t str,
    pub(super) span: Range<usize>,
}

/// Reads tables that begin at octet `base` of the file of `report`.
pub(super) struct Reader<'r> {
    pub(super) report: &'r mut Report,
    base: usize,
}

impl<'r> Reader<'r> {
    pub(super) fn new(report: &'r mut Report, base: usize) -> Self {
        Reader { report, base }
    }

    /// Parses the text as TOML; `None` where it is none.
    pub(super) fn parse<'t>(&mut self, text: &'t str) -> Option<Spanned<DeTable<'t>>> {
        match DeTable::parse(text) {
            Ok(table) => Some(table),
            Err(error) => {
                let span = self.place(error.span().unwrap_or(0..0));
                self.report.error(span, format!("no TOML: {}", error.message()));
                None
            }
        }
    }

    /// A span of the TOML text as a span of the file.
    pub(super) fn place(&self, span: Range<usize>) -> Range<usize> {
        span.start + self.base..span.end + self.base
    }

    /// Refuses keys that are not on the list, and says whether there is none. `of` says of what: `a rule page`.
    pub(super) fn close(&mut self, table: &DeTable<'_>, of: &str, allowed: &[&str]) -> bool {
        let mut closed = true;
        for key in table.keys() {
            let name = key.get_ref();
            if !allowed.contains(&&**name) {
                let span = self.place(key.span());
                self.report.unknown_word(span, format!("{of} has no key `{name}`"), name, allowed.iter().copied());
                closed = false;
            }
        }
        closed
    }

    /// The place of a key; `None` where it is not there.
    pub(super) fn key(&self, table: &DeTable<'_>, key: &str) -> Option<Range<usize>> {
        table.get_key_value(key).map(|(key, _)| self.place(key.span()))
    }

    /// A text; `None` where the key is not there, or holds something else, which is reported.
    pub(super) fn text<'t>(&mut self, table: &'t DeTable<'_>, key: &str) -> Option<Word<'t>> {
        let value = table.get(key)?;
        self.as_text(value, key)
    }

    /// A text that has to be there.
    pub(super) fn required_text<'t>(
        &mut self,
        table: &'t DeTable<'_>,
        key: &str,
        of: Range<usize>,
        what: &str,
    ) -> Option<Word<'t>> {
        if !table.contains_key(key) {
            self.report.error(of, format!("{what} has no `{key}`"));
        }
        self.text(table, key)
    }

    /// A list of texts; empty where the key is not there. What is no text is reported.
    pub(super) fn texts<'t>(&mut self, table: &'t DeTable<'_>, key: &str) -> Vec<Word<'t>> {
        let Some(value) = table.get(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(value, key, "a list of texts");
            return Vec::new();
        };
        let words: Vec<Word<'t>> = items.iter().filter_map(|item| self.as_text(item, key)).collect();
        for (at, word) in words.iter().enumerate() {
            if words[..at].iter().any(|earlier| earlier.text == word.text) {
                self.report.error(word.span.clone(), format!("`{}` stands twice in `{key}`", word.text));
            }
        }
        words
    }

    /// The same, for a key that is left out rather than left empty.
    pub(super) fn some_texts<'t>(&mut self, table: &'t DeTable<'_>, key: &str) -> Vec<Word<'t>> {
        if let Some(value) = table.get(key)
            && value.get_ref().as_array().is_some_and(|items| items.is_empty())
        {
            let span = self.place(value.span());
            self.report.error(span, format!("`{key}` is empty")).help = Some("leave it out".to_owned());
        }
        self.texts(table, key)
    }

    /// The word as one of a closed list; an unknown one is reported. `what` names the list: `party`.
    pub(super) fn one_of<T: Copy>(
        &mut self,
        word: &Word<'_>,
        what: &str,
        all: &[T],
        name: impl Fn(T) -> &'static str,
    ) -> Option<T> {
        let found = all.iter().copied().find(|item| name(*item) == word.text);
        if found.is_none() {
            let message = format!("unknown {what} `{}`", word.text);
            let names: Vec<&str> = all.iter().map(|item| name(*item)).collect();
            self.report.unknown_word(word.span.clone(), message, word.text, names);
        }
        found
    }

    /// Reports a value of another type than the key takes.
    pub(super) fn wrong_type(&mut self, value: &Spanned<DeValue<'_>>, key: &str, expected: &str) {
        let span = self.place(value.span());
        let found = value.get_ref().type_str();
        self.report.error(span, format!("`{key}` is {expected}, found {found}"));
    }

    fn as_text<'t>(&mut self, value: &'t Spanned<DeValue<'_>>, key: &str) -> Option<Word<'t>> {
        match value.get_ref().as_str() {
            Some(text) => Some(Word { text, span: self.place(value.span()) }),
            None => {
                self.wrong_type(value, key, "a text");
                None
            }
        }
    }
}
