//! What is wrong in a rule page or a catalogue, where, and what was probably meant.
//!
//! Prints as `rustc` does: file, line, column, the line itself with the word underlined, and a suggestion.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// One mistake in a page or a catalogue.
#[derive(Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file as it was named when it was loaded.
    pub file: Arc<str>,
    /// The text of that file; empty where it could not be read.
    source: Arc<str>,
    /// The octets of the text that are meant.
    span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// Said at the underlined word; may be empty.
    pub label: String,
    /// What to do, or what is allowed.
    pub help: Option<String>,
}

impl Diagnostic {
    /// Line and column, both from 1, the column in characters.
    pub fn position(&self) -> (usize, usize) {
        let before = self.source.get(..self.span.start).unwrap_or(&self.source);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

impl fmt::Debug for Diagnostic {
    /// Without the whole text of the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.position();
        write!(f, "{}:{line}:{column}: {}", self.file, self.message)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.source.is_empty() {
            write!(f, "error: {}: {}", self.file, self.message)?;
            return self.help.as_ref().map_or(Ok(()), |help| write!(f, "\n  = help: {help}"));
        }
        let mut annotation = AnnotationKind::Primary.span(self.span.clone());
        if !self.label.is_empty() {
            annotation = annotation.label(self.label.as_str());
        }
        let snippet = Snippet::source(&*self.source).path(&*self.file).fold(true).annotation(annotation);
        let mut group = Level::ERROR.primary_title(self.message.as_str()).element(snippet);
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        f.write_str(&Renderer::plain().render(&[group]))
    }
}

/// All mistakes of a rule set, in order of file and place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for diagnostic in &self.0 {
            write!(f, "{diagnostic}\n\n")?;
        }
        let count = self.0.len();
        write!(f, "{count} {} in the rules", if count == 1 { "mistake" } else { "mistakes" })
    }
}

impl std::error::Error for Diagnostics {}

/// Collects the mistakes of one file.
#[derive(Debug)]
pub(super) struct Report {
    file: Arc<str>,
    source: Arc<str>,
    found: Vec<Diagnostic>,
}

impl Report {
    pub(super) fn new(file: &str, source: &str) -> Self {
        Report { file: file.into(), source: source.into(), found: Vec::new() }
    }

    /// Notes a mistake. `span` is cut to the text.
    pub(super) fn error(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        let span = whole_characters(&self.source, span);
        self.found.push(Diagnostic {
            file: Arc::clone(&self.file),
            source: Arc::clone(&self.source),
            span,
            message: message.into(),
            label: String::new(),
            help: None,
        });
        let last = self.found.len() - 1;
        &mut self.found[last]
    }

    /// Notes a word that is not on a closed list: says which one was meant, or which there are.
    pub(super) fn unknown_word<'a>(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        word: &str,
        allowed: impl IntoIterator<Item = &'a str>,
    ) {
        let allowed: Vec<&str> = allowed.into_iter().collect();
        let diagnostic = self.error(span, message);
        match closest(word, allowed.iter().copied()) {
            Some(meant) => diagnostic.label = format!("did you mean `{meant}`?"),
            None => diagnostic.help = Some(format!("there are: {}", allowed.join(", "))),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The mistakes in order of place.
    pub(super) fn into_diagnostics(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|diagnostic| diagnostic.span.start);
        self.found
    }
}

/// A mistake that has no place in a text: a file that cannot be read.
pub(super) fn unreadable(file: &str, message: impl Into<String>, help: Option<&str>) -> Diagnostic {
    let mut report = Report::new(file, "");
    report.error(0..0, message).help = help.map(str::to_owned);
    report.found.remove(0)
}

/// The word of the list that is most like `word`; `None` where none is near enough to be meant.
pub fn closest<'a>(word: &str, allowed: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |other: &&str| strsim::jaro_winkler(word, other);
    let near = |other: &&str| {
        let edits = strsim::damerau_levenshtein(word, other);
        edits <= 1 + word.chars().count() / 4
    };
    allowed.into_iter().filter(near).max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
}

fn whole_characters(source: &str, span: Range<usize>) -> Range<usize> {
    let mut start = span.start.min(source.len());
    while !source.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = span.end.clamp(start, source.len());
    while !source.is_char_boundary(end) {
        end += 1;
    }
    start..end
}
