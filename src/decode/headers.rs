//! Header fields: what a recording says of them, and what may be missing.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;

use super::exchange::Unknown;

/// One header field as recorded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// Name, spelled as recorded.
    pub name: &'a str,
    /// Value as recorded; `None` where the header was sent and its value was replaced by a mask.
    pub value: Option<&'a str>,
}

impl fmt::Debug for Header<'_> {
    /// Never prints a value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Some(value) => write!(f, "{}: ({} octets)", self.name, value.len()),
            None => write!(f, "{}: (masked)", self.name),
        }
    }
}

/// Which header fields may have been removed from a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Withheld {
    /// The list is whole: what is not in it was not sent.
    #[default]
    Nothing,
    /// `Authorization`, `Cookie` and `Set-Cookie` may have been removed.
    Credentials,
    /// One of `Authorization` and `Cookie` (in a response: `Set-Cookie`) was removed for certain; the number is its length on the wire in octets,
    /// name, colon, space and line end included, of all that was removed.
    CredentialsFor(u32),
    /// Fields are missing whose table entries were made before the recording began; nobody knows which.
    TableEntries,
    /// The list is not what was sent on the wire.
    Everything,
}

/// What a header list says about one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderState<'a> {
    /// There, with this value (the first one).
    Present(&'a str),
    /// There, but the value was replaced by a mask.
    Masked,
    /// Not sent.
    Absent,
    /// Not in the list, which does not show that it was not sent.
    Unknown(Unknown),
}

/// A list of header fields in the order recorded, with repetitions.
///
/// A recording holds many: names and values are parts of one text, which is a slice of the recording where the head of the
/// message stands in it as it was sent.
#[derive(Clone, Default)]
pub struct Fields {
    text: Text,
    spans: Box<[Span]>,
}

/// The text that names and values are parts of.
#[derive(Clone)]
enum Text {
    /// A slice of the recording. Whether a part of it is UTF-8 is seen when it is asked for.
    Recorded(Bytes),
    /// What was put together from what the recording says.
    Own(Box<str>),
}

impl Default for Text {
    fn default() -> Text {
        Text::Own(Box::default())
    }
}

/// Where a field stands in the text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    /// From where to where its name stands.
    pub(crate) name: [u32; 2],
    /// The same of its value; [`MASKED`] where that was replaced by a mask.
    pub(crate) value: [u32; 2],
}

/// No place in a text.
const MASKED: [u32; 2] = [u32::MAX; 2];

impl Fields {
    /// Fields that stand in a text. Each span must be one of UTF-8; what is none reads as empty.
    pub(crate) fn of_text(text: Bytes, spans: Vec<Span>) -> Fields {
        Fields { text: Text::Recorded(text), spans: spans.into() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The fields, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Header<'_>> + Clone {
        self.spans.iter().map(|span| self.header(span))
    }

    /// Every readable value of `name`, compared without case, in order.
    pub(crate) fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.named(name).flatten()
    }

    /// Adds a field; `None` is a mask.
    pub(crate) fn push(&mut self, name: &str, value: Option<&str>) {
        *self = self.iter().chain([Header { name, value }]).collect();
    }

    /// Puts a mask in the place of the values of which `is_masked` says so.
    pub(crate) fn mask(&mut self, is_masked: impl Fn(Header<'_>) -> bool) {
        let masked: Vec<bool> = self.iter().map(is_masked).collect();
        for (span, _) in self.spans.iter_mut().zip(masked).filter(|(_, masked)| *masked) {
            span.value = MASKED;
        }
    }

    /// Puts other values in the place of those for which `change` gives one.
    pub(crate) fn rewrite(&mut self, change: impl Fn(Header<'_>) -> Option<String>) {
        let changed: Vec<Option<String>> = self.iter().map(change).collect();
        if changed.iter().any(Option::is_some) {
            let both = self.iter().zip(&changed);
            *self = both.map(|(header, new)| Header { value: new.as_deref().or(header.value), ..header }).collect();
        }
    }

    /// The values of those with this name, compared without case; `None` is a mask.
    fn named<'a>(&'a self, name: &str) -> impl Iterator<Item = Option<&'a str>> {
        // Names of another length are passed over without a look at the text, which is far away.
        let is_as_long = move |span: &&Span| span.name[1].wrapping_sub(span.name[0]) as usize == name.len();
        let is_it = move |span: &&Span| self.octets(span.name).eq_ignore_ascii_case(name.as_bytes());
        self.spans.iter().filter(is_as_long).filter(is_it).map(|span| self.value(span))
    }

    fn header(&self, span: &Span) -> Header<'_> {
        Header { name: self.text(span.name), value: self.value(span) }
    }

    fn value(&self, span: &Span) -> Option<&str> {
        (span.value != MASKED).then(|| self.text(span.value))
    }

    fn text(&self, place: [u32; 2]) -> &str {
        match &self.text {
            Text::Recorded(octets) => std::str::from_utf8(part(octets, place)).unwrap_or_default(),
            Text::Own(text) => text.get(range(place)).unwrap_or_default(),
        }
    }

    fn octets(&self, place: [u32; 2]) -> &[u8] {
        match &self.text {
            Text::Recorded(octets) => part(octets, place),
            Text::Own(text) => part(text.as_bytes(), place),
        }
    }
}

fn part(octets: &[u8], place: [u32; 2]) -> &[u8] {
    octets.get(range(place)).unwrap_or_default()
}

fn range([start, end]: [u32; 2]) -> Range<usize> {
    start as usize..end as usize
}

impl fmt::Debug for Fields {
    /// Never prints a value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> FromIterator<Header<'a>> for Fields {
    fn from_iter<I: IntoIterator<Item = Header<'a>>>(headers: I) -> Fields {
        let mut gathered = Gathered::default();
        headers.into_iter().for_each(|header| gathered.push(header.name, header.value));
        gathered.into()
    }
}

/// A list of header fields that grows.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    text: String,
    spans: Vec<Span>,
}

impl Gathered {
    /// An empty list with room for so many fields with so many octets.
    pub(crate) fn with_capacity(fields: usize, octets: usize) -> Gathered {
        Gathered { text: String::with_capacity(octets), spans: Vec::with_capacity(fields) }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    /// Adds a field; `None` is a mask. A text of more than 4 GiB takes no more.
    pub(crate) fn push(&mut self, name: &str, value: Option<&str>) {
        let Some(name) = self.add(name) else { return };
        let value = value.map_or(Some(MASKED), |value| self.add(value));
        self.spans.extend(value.map(|value| Span { name, value }));
    }

    /// Goes on with the value of the last field that has this name, in whatever case; `None` is the last of all. Whether
    /// there is such a field with a value.
    pub(crate) fn extend(&mut self, name: Option<&str>, between: &str, more: &str) -> bool {
        let text = |place| self.text.get(range(place)).unwrap_or_default();
        let fits = |span: &Span| name.is_none_or(|name| text(span.name).eq_ignore_ascii_case(name));
        let Some(at) = self.spans.iter().rposition(fits) else { return false };
        let Some(before) = self.spans.get(at).map(|span| span.value).filter(|value| *value != MASKED) else {
            return false;
        };
        let is_last = before[1] as usize == self.text.len();
        let moved = if is_last { String::new() } else { text(before).to_owned() };
        let added = [&*moved, between, more].map(|part| self.add(part));
        if let ([Some([start, _]), _, Some([_, end])], Some(span)) = (added, self.spans.get_mut(at)) {
            span.value = [if is_last { before[0] } else { start }, end];
        }
        true
    }

    fn add(&mut self, text: &str) -> Option<[u32; 2]> {
        let start = u32::try_from(self.text.len()).ok()?;
        let end = u32::try_from(self.text.len().checked_add(text.len())?).ok().filter(|end| *end != u32::MAX)?;
        self.text.push_str(text);
        Some([start, end])
    }
}

impl From<Gathered> for Fields {
    fn from(gathered: Gathered) -> Fields {
        let live = |[start, end]: [u32; 2]| (end - start) as usize;
        let used: usize = gathered.spans.iter().map(|span| live(span.name) + live(span.value)).sum();
        if used < gathered.text.len() {
            // Values moved when they grew.
            let moved = Fields { text: Text::Own(gathered.text.into()), spans: gathered.spans.into() };
            let mut compact = Gathered::with_capacity(moved.len(), used);
            moved.iter().for_each(|header| compact.push(header.name, header.value));
            return compact.into();
        }
        // Exactly as long as it is, since it stays.
        Fields { text: Text::Own(gathered.text.into()), spans: gathered.spans.into() }
    }
}

/// Header fields in the order recorded, with repetitions and spelling.
#[derive(Debug, Clone, Default)]
pub struct Headers {
    /// The fields.
    pub list: Fields,
    /// What may be missing from the list.
    pub withheld: Withheld,
}

/// The header names that exporters remove, lower case.
pub const CREDENTIAL_HEADERS: [&str; 3] = ["authorization", "cookie", "set-cookie"];

impl Headers {
    /// What is known about `name` (compared without case, RFC 9110, 5.1).
    pub fn state(&self, name: &str) -> HeaderState<'_> {
        if let Some(value) = self.list.named(name).next() {
            return value.map_or(HeaderState::Masked, HeaderState::Present);
        }
        match self.withheld {
            Withheld::Nothing => HeaderState::Absent,
            Withheld::Everything => HeaderState::Unknown(Unknown::HeadersNotRecorded),
            Withheld::TableEntries => HeaderState::Unknown(Unknown::TableEntryUnknown),
            Withheld::Credentials | Withheld::CredentialsFor(_) => {
                if CREDENTIAL_HEADERS.iter().any(|removed| removed.eq_ignore_ascii_case(name)) {
                    HeaderState::Unknown(Unknown::RemovedByExporter)
                } else {
                    HeaderState::Absent
                }
            }
        }
    }

    /// The first readable value of `name`; `None` where there is none, for whatever reason.
    pub fn get(&self, name: &str) -> Option<&str> {
        match self.state(name) {
            HeaderState::Present(value) => Some(value),
            _ => None,
        }
    }

    /// Every readable value of `name`, in order.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.list.values(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(fields: &Fields) -> Vec<(&str, Option<&str>)> {
        fields.iter().map(|header| (header.name, header.value)).collect()
    }

    fn gathered() -> Gathered {
        let mut gathered = Gathered::default();
        gathered.push("Cookie", Some("a"));
        gathered.push("x", None);
        gathered
    }

    #[test]
    fn a_value_that_grows_stays_where_it_is_in_the_list() {
        let mut list = gathered();
        assert!(!list.extend(None, " ", "of a mask"));
        assert!(!list.extend(Some("y"), " ", "of none"));
        for part in ["b", "c"] {
            assert!(list.extend(Some("cookie"), "; ", part));
        }
        list.push("y", Some(""));
        assert!(list.extend(None, "", "d"));
        let fields = Fields::from(list);
        assert_eq!(shown(&fields), [("Cookie", Some("a; b; c")), ("x", None), ("y", Some("d"))]);
        assert!(matches!(fields.text, Text::Own(text) if *text == *"Cookiea; b; cxyd"), "nothing is kept twice");
    }

    #[test]
    fn values_are_replaced() {
        let mut fields = Fields::from(gathered());
        fields.push("y", Some("1"));
        fields.rewrite(|header| header.value.filter(|value| *value == "a").map(|_| "longer".to_owned()));
        assert_eq!(shown(&fields), [("Cookie", Some("longer")), ("x", None), ("y", Some("1"))]);
        fields.mask(|header| header.name == "y");
        assert_eq!(shown(&fields), [("Cookie", Some("longer")), ("x", None), ("y", None)]);
        assert_eq!(format!("{fields:?}"), "[Cookie: (6 octets), x: (masked), y: (masked)]");
    }

    #[test]
    fn what_is_no_text_reads_as_empty() {
        let span = |name, value| Span { name, value };
        let fields = Fields::of_text(Bytes::from_static(b"ab\xff"), vec![span([0, 1], [2, 3]), span([1, 2], [3, 9])]);
        assert_eq!(shown(&fields), [("a", Some("")), ("b", Some(""))]);
    }
}
