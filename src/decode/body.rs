//! Bodies as handles: a slice of the recording and how to read it. Nothing is decoded before it is asked for.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

use super::exchange::Unknown;
use super::json_text;
use super::pieces::{Pieces, Timed};
use crate::capture::coding::{Coding, End, decompress};
use crate::capture::limits::Limits;
use crate::evidence::Timestamp;

/// The body of a message.
#[derive(Clone)]
pub struct Body {
    content: Content,
    /// When the events of a stream came, in the order of their ends; `None` where the recording does not say so.
    event_times: Option<Arc<Vec<Timestamp>>>,
}

#[derive(Clone)]
enum Content {
    /// The message has no body.
    None,
    /// Its octets are not at hand: why, and how many they were where that is known.
    NotRecorded(Unknown, Option<u64>),
    /// In pieces, as packets brought it.
    Pieces(Pieces),
    /// The octets, transfer and content codings removed.
    Plain(Bytes),
    /// The octets as sent, with these content codings, in the order applied.
    Coded(Bytes, Box<[ContentCoding]>),
    /// The octets between the quotes of a JSON string.
    JsonText(JsonText),
}

/// A body as a HAR holds it.
#[derive(Clone)]
struct JsonText {
    /// A slice of the recording.
    raw: Bytes,
    /// Whether the text is base64 of the octets.
    base64: bool,
    /// The content codings that the message names, in the order applied. Most recorders have undone them.
    codings: Box<[ContentCoding]>,
}

/// A content coding (RFC 9110, 8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContentCoding {
    /// `gzip`, `x-gzip`.
    Gzip,
    /// `deflate`.
    Deflate,
    /// `br`.
    Brotli,
    /// `zstd`.
    Zstd,
}

impl ContentCoding {
    /// The codings that a `Content-Encoding` value names; empty where one of them is not known here.
    pub(crate) fn list(value: &str) -> Vec<ContentCoding> {
        Self::every(value.split(',').map(str::trim).filter(|name| !name.is_empty())).unwrap_or_default()
    }

    /// The codings of these names; `None` where one of them is not known here.
    pub(crate) fn every<'a>(names: impl Iterator<Item = &'a str>) -> Option<Vec<ContentCoding>> {
        let names = names.filter(|name| !name.eq_ignore_ascii_case("identity"));
        let list: Option<Vec<_>> = names.take(5).map(|name| Self::by_name(&name.to_ascii_lowercase())).collect();
        // A long list is an attack on the reader, not a coding.
        list.filter(|list| list.len() < 5)
    }

    fn by_name(name: &str) -> Option<ContentCoding> {
        match name {
            "gzip" | "x-gzip" => Some(ContentCoding::Gzip),
            "deflate" => Some(ContentCoding::Deflate),
            "br" => Some(ContentCoding::Brotli),
            "zstd" => Some(ContentCoding::Zstd),
            _ => None,
        }
    }
}

impl Body {
    fn of(content: Content) -> Self {
        Body { content, event_times: None }
    }

    /// A message without body.
    pub fn none() -> Self {
        Body::of(Content::None)
    }

    /// A body that the recording does not hold.
    pub fn not_recorded(reason: Unknown) -> Self {
        Body::of(Content::NotRecorded(reason, None))
    }

    /// A body of which only the length is at hand, where even that is known.
    pub(crate) fn without_octets(reason: Unknown, length: Option<u64>) -> Self {
        Body::of(Content::NotRecorded(reason, length))
    }

    /// A body as packets brought it.
    pub(crate) fn pieces(pieces: Pieces) -> Self {
        Body::of(Content::Pieces(pieces))
    }

    /// A body as it was meant: no transfer or content coding left.
    pub fn plain(octets: impl Into<Bytes>) -> Self {
        Body::of(Content::Plain(octets.into()))
    }

    /// A body without transfer coding; `codings` are the content codings that the message names. One is undone where the
    /// octets still bear its mark.
    pub(crate) fn coded(octets: impl Into<Bytes>, codings: Vec<ContentCoding>) -> Self {
        if codings.is_empty() {
            return Body::plain(octets);
        }
        Body::of(Content::Coded(octets.into(), codings.into()))
    }

    /// A body in a JSON string: `raw` is what stands between the quotes. `codings` are those that the message names;
    /// one is undone where the octets still bear its mark.
    pub(crate) fn json_text(raw: Bytes, base64: bool, codings: Vec<ContentCoding>) -> Self {
        Body::of(Content::JsonText(JsonText { raw, base64, codings: codings.into() }))
    }

    /// The same, with the times at which the events of the stream came, in order.
    pub(crate) fn with_event_times(mut self, times: Arc<Vec<Timestamp>>) -> Self {
        self.event_times = Some(times).filter(|times| !times.is_empty());
        self
    }

    /// When the events of the stream came; empty where the recording does not say so.
    pub(crate) fn event_times(&self) -> Arc<Vec<Timestamp>> {
        self.event_times.clone().unwrap_or_default()
    }

    /// The octets, decoded. `Ok(None)` where the message has no body.
    ///
    /// # Errors
    ///
    /// Why it cannot be read: not recorded, over a limit, broken coding.
    pub fn octets(&self, limits: &Limits) -> Result<Option<Cow<'_, [u8]>>, Unknown> {
        match &self.content {
            Content::None => Ok(None),
            Content::NotRecorded(reason, _) => Err(*reason),
            Content::Pieces(pieces) => pieces.octets(limits).map(Some),
            Content::Plain(octets) if octets.len() > limits.body => Err(Unknown::BodyUnreadable),
            Content::Plain(octets) => Ok(Some(Cow::Borrowed(octets))),
            Content::Coded(octets, codings) => decode(Cow::Borrowed(octets), codings, limits).map(Some),
            Content::JsonText(text) => text.octets(limits).map(Some),
        }
    }

    /// The octets, decoded, with the time of each part. `Ok(None)` where the message has no body, or where the
    /// recording holds one time for the whole.
    ///
    /// # Errors
    ///
    /// As [`octets`](Body::octets).
    pub fn timed(&self, limits: &Limits) -> Result<Option<Timed<'_>>, Unknown> {
        match &self.content {
            Content::NotRecorded(reason, _) => Err(*reason),
            Content::Pieces(pieces) => pieces.timed(limits).map(Some),
            _ => match &self.event_times {
                Some(times) => Ok(self.octets(limits)?.map(|octets| Timed::by_events(octets, times))),
                None => Ok(None),
            },
        }
    }

    /// The text, decoded. `Ok(None)` where the message has no body.
    ///
    /// # Errors
    ///
    /// As [`octets`](Body::octets); and where it is no UTF-8.
    pub fn text(&self, limits: &Limits) -> Result<Option<Cow<'_, str>>, Unknown> {
        match self.octets(limits)? {
            None => Ok(None),
            Some(Cow::Borrowed(octets)) => {
                std::str::from_utf8(octets).map(|text| Some(Cow::Borrowed(text))).map_err(|_| Unknown::BodyUnreadable)
            }
            Some(Cow::Owned(octets)) => {
                String::from_utf8(octets).map(|text| Some(Cow::Owned(text))).map_err(|_| Unknown::BodyUnreadable)
            }
        }
    }

    /// Length in octets without any coding; `None` where it is not known.
    pub fn len(&self) -> Option<u64> {
        match &self.content {
            Content::None => Some(0),
            Content::NotRecorded(_, length) => *length,
            Content::Plain(octets) => Some(octets.len() as u64),
            Content::Pieces(pieces) if pieces.codings.is_empty() => Some(pieces.encoded_len()),
            Content::Pieces(pieces) => pieces.octets(&Limits::default()).ok().map(|octets| octets.len() as u64),
            Content::Coded(..) => self.octets(&Limits::default()).ok().flatten().map(|octets| octets.len() as u64),
            Content::JsonText(text) => text.len(),
        }
    }

    /// Whether it is known that there is not one octet.
    pub fn is_empty(&self) -> bool {
        match &self.content {
            Content::None => true,
            Content::NotRecorded(_, length) => *length == Some(0),
            Content::Pieces(pieces) => pieces.encoded_len() == 0,
            Content::Plain(octets) | Content::Coded(octets, _) => octets.is_empty(),
            Content::JsonText(text) => text.raw.is_empty(),
        }
    }
}

impl std::fmt::Debug for Body {
    /// Never prints the content.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.content {
            Content::None => f.write_str("Body(none)"),
            Content::NotRecorded(reason, _) => write!(f, "Body({})", reason.reason()),
            Content::Pieces(pieces) => write!(f, "Body({} octets in pieces)", pieces.encoded_len()),
            Content::Plain(octets) => write!(f, "Body({} octets)", octets.len()),
            Content::Coded(octets, _) => write!(f, "Body({} coded octets)", octets.len()),
            Content::JsonText(text) => write!(f, "Body({} octets of JSON text)", text.raw.len()),
        }
    }
}

impl JsonText {
    fn octets(&self, limits: &Limits) -> Result<Cow<'_, [u8]>, Unknown> {
        let octets = if self.base64 {
            // Four characters stand for three octets; line ends and escaped slashes take a little more.
            let text = json_text::unescape(&self.raw, limits.body.saturating_mul(3) / 2);
            let octets = from_base64(&text.ok_or(Unknown::BodyUnreadable)?).ok_or(Unknown::BodyUnreadable)?;
            Cow::Owned(octets)
        } else {
            json_text::unescape(&self.raw, limits.body).ok_or(Unknown::BodyUnreadable)?
        };
        decode(octets, &self.codings, limits)
    }

    fn len(&self) -> Option<u64> {
        if !self.base64 && self.codings.is_empty() {
            return Some(json_text::length(&self.raw));
        }
        self.octets(&Limits::default()).ok().map(|octets| octets.len() as u64)
    }
}

/// Both alphabets (RFC 4648, 4 and 5), with or without padding and line ends.
pub(crate) fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let plain = |octet: &u8| !matches!(octet, b'-' | b'_' | b' ' | b'\t' | b'\r' | b'\n');
    if text.iter().all(plain) {
        return LENIENT.decode(text).ok();
    }
    let standard = |octet: &u8| match octet {
        b'-' => b'+',
        b'_' => b'/',
        other => *other,
    };
    let text: Vec<u8> = text.iter().filter(|octet| !octet.is_ascii_whitespace()).map(standard).collect();
    LENIENT.decode(text).ok()
}

/// Undoes the codings, the last one applied first.
fn decode<'a>(octets: Cow<'a, [u8]>, codings: &[ContentCoding], limits: &Limits) -> Result<Cow<'a, [u8]>, Unknown> {
    let octets = codings.iter().rev().try_fold(octets, |octets, coding| undo(*coding, octets, limits))?;
    if octets.len() > limits.body { Err(Unknown::BodyUnreadable) } else { Ok(octets) }
}

/// Undoes a coding where the octets still bear its mark; otherwise the recorder has undone it.
fn undo<'a>(coding: ContentCoding, octets: Cow<'a, [u8]>, limits: &Limits) -> Result<Cow<'a, [u8]>, Unknown> {
    let octets = if coding == ContentCoding::Gzip { from_latin1(octets) } else { octets };
    let by_magic = Coding::by_magic(&octets);
    let is_text = || std::str::from_utf8(&octets).is_ok();
    let (coding, sure) = match coding {
        ContentCoding::Gzip if by_magic == Some(Coding::Gzip) => (Coding::Gzip, true),
        ContentCoding::Zstd if by_magic == Some(Coding::Zstd) => (Coding::Zstd, true),
        ContentCoding::Deflate if by_magic == Some(Coding::Zlib) => (Coding::Zlib, !is_text()),
        ContentCoding::Deflate if !is_text() => (Coding::Deflate, false),
        // Brotli has no mark: what is text needs no decoding, what does not decode to its end was not encoded.
        ContentCoding::Brotli if !is_text() => (Coding::Brotli, false),
        _ => return Ok(octets),
    };
    match decompress(coding, &octets, limits.body, limits.ratio) {
        (decoded, End::Whole) if sure || !decoded.is_empty() => Ok(Cow::Owned(decoded)),
        _ if sure => Err(Unknown::BodyUnreadable),
        _ => Ok(octets),
    }
}

/// Octets that a tool wrote as characters of the same number, recognised by the mark of gzip.
fn from_latin1(octets: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if !octets.starts_with("\u{1f}\u{8b}".as_bytes()) {
        return octets;
    }
    let text = std::str::from_utf8(&octets).ok();
    let narrow: Option<Vec<u8>> = text.and_then(|text| text.chars().map(|char| u8::try_from(char).ok()).collect());
    narrow.map_or(octets, Cow::Owned)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn check(raw: &str, base64: bool, codings: &str, expected: Result<&str, Unknown>) {
        let body = Body::json_text(Bytes::copy_from_slice(raw.as_bytes()), base64, ContentCoding::list(codings));
        let limits = Limits { body: 100, ..Limits::default() };
        let found = body.octets(&limits).map(|octets| String::from_utf8_lossy(&octets.unwrap()).into_owned());
        assert_eq!(found.as_deref(), expected.as_ref().map(|text| *text), "{raw}");
    }

    fn base64(octets: &[u8]) -> String {
        base64::engine::general_purpose::STANDARD.encode(octets)
    }

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn text_and_base64() {
        check(r"a\nb", false, "", Ok("a\nb"));
        check("aGVsbG8=", true, "", Ok("hello"));
        check(r"aGVs\nbG8", true, "", Ok("hello"));
        check(r"Pz8\/", true, "", Ok("???"));
        check("Pz8_", true, "", Ok("???"));
        check("not base64!", true, "", Err(Unknown::BodyUnreadable));
    }

    #[test]
    fn codings_are_undone_only_where_they_are_left() {
        let packed = gzip(b"hello");
        check("hello", false, "gzip", Ok("hello"));
        check(&base64(&packed), true, "gzip", Ok("hello"));
        check(&base64(&packed[..packed.len() - 9]), true, "gzip", Err(Unknown::BodyUnreadable));
        let latin1: String = packed.iter().map(|octet| format!("\\u{octet:04x}")).collect();
        check(&latin1, false, "gzip", Ok("hello"));
        check("CwKAaGVsbG8D", true, "br", Ok("hello"));
        check("8O is text", false, "deflate", Ok("8O is text"));
        check(&base64(&gzip(&packed)), true, "gzip, gzip", Ok("hello"));
    }

    #[test]
    fn limits_hold_for_what_comes_out() {
        check(&"a".repeat(101), false, "", Err(Unknown::BodyUnreadable));
        check(&base64(&[b'a'; 101]), true, "", Err(Unknown::BodyUnreadable));
        check(&base64(&gzip(&[b'a'; 1000])), true, "gzip", Err(Unknown::BodyUnreadable));
    }

    #[test]
    fn debug_shows_no_content() {
        let body = Body::json_text(Bytes::from_static(b"s3cr3t"), false, Vec::new());
        assert_eq!(format!("{body:?}"), "Body(6 octets of JSON text)");
        assert_eq!(body.len(), Some(6));
    }
}
