//! The formats, told by content and never by the name of the file. A new format is one file and one line here.

use bytes::Bytes;

use super::exchange::Exchange;
use super::{ReadOptions, Sanitized, burp, debug_proxy, har, mitmproxy, netlog, packets, saz, transcript, warc};
use crate::capture::content::Content;
use crate::evidence::{CaptureId, Refused, Timestamp};

/// A format of recordings.
pub(super) struct Format {
    /// Its name in reports.
    pub(super) name: &'static str,
    /// Whether the content is of this format, judged by its first octets where possible.
    pub(super) recognise: fn(&[u8]) -> bool,
    /// Reads it.
    pub(super) read: Read,
}

/// How a format is read.
pub(super) enum Read {
    /// By this function.
    With(fn(&Bytes, CaptureId, &ReadOptions) -> Reading),
    /// By this function, which goes along the whole of it.
    Along(fn(&Content, CaptureId, &ReadOptions) -> Reading),
    /// Not by this build; the text says what to do instead.
    NotYet(&'static str),
}

/// What a reader found in one recording.
pub(super) struct Reading {
    /// The exchanges in the order in which they stand in it.
    pub(super) exchanges: Vec<Exchange>,
    /// The program that wrote it.
    pub(super) creator: Option<String>,
    /// Whether credentials were removed.
    pub(super) sanitized: Sanitized,
    /// Whether it was read to its end.
    pub(super) complete: bool,
    /// The recorder's own end mark.
    pub(super) end_mark: Option<Timestamp>,
    /// Packets that the recorder dropped, as it says.
    pub(super) dropped: Option<u64>,
    /// Connections that were refused, as far as the recording shows connections.
    pub(super) refused: Vec<Refused>,
    /// What could not be read: the place in it, and the message.
    pub(super) problems: Vec<(Option<String>, String)>,
    /// How many more there are that are not listed.
    pub(super) more_problems: usize,
}

/// Problems as they are found: at most as many as the limit are kept, the rest is counted.
#[derive(Debug)]
pub(super) struct Problems {
    list: Vec<(Option<String>, String)>,
    more: usize,
    limit: usize,
}

impl Problems {
    /// None yet.
    pub(super) fn new(options: &ReadOptions) -> Self {
        Problems { list: Vec::new(), more: 0, limit: options.limits.problems }
    }

    /// Notes a problem of the place `at`; `None` is the whole recording.
    pub(super) fn say(&mut self, at: Option<String>, message: impl Into<String>) {
        if self.list.len() < self.limit {
            self.list.push((at, message.into()));
        } else {
            self.more += 1;
        }
    }
}

impl Reading {
    /// What was read, of a recording without an end mark.
    pub(super) fn new(exchanges: Vec<Exchange>, sanitized: Sanitized, complete: bool, problems: Problems) -> Self {
        Reading {
            exchanges,
            creator: None,
            sanitized,
            complete,
            end_mark: None,
            dropped: None,
            refused: Vec::new(),
            problems: problems.list,
            more_problems: problems.more,
        }
    }
}

/// Every format, in the order in which they are tried.
pub(super) const FORMATS: &[Format] = &[
    Format { name: "har", recognise: har::recognise, read: Read::With(har::read) },
    Format { name: "netlog", recognise: netlog::recognise, read: Read::With(netlog::read) },
    Format { name: "mcp-debug-proxy", recognise: debug_proxy::recognise, read: Read::With(debug_proxy::read) },
    Format { name: "pcapng", recognise: is_pcapng, read: Read::Along(packets::read) },
    Format { name: "pcap", recognise: is_pcap, read: Read::Along(packets::read) },
    Format { name: "mitmproxy", recognise: mitmproxy::recognise, read: Read::With(mitmproxy::read) },
    Format { name: "saz", recognise: saz::recognise, read: Read::With(saz::read) },
    Format { name: "burp", recognise: burp::recognise, read: Read::With(burp::read) },
    Format { name: "warc", recognise: warc::recognise, read: Read::With(warc::read) },
    Format { name: "curl-trace", recognise: transcript::recognise_trace, read: Read::With(transcript::read_trace) },
    Format {
        name: "curl-verbose",
        recognise: transcript::recognise_verbose,
        read: Read::With(transcript::read_verbose),
    },
    Format { name: "http-text", recognise: transcript::recognise_text, read: Read::With(transcript::read_text) },
    Format { name: "zip", recognise: is_zip, read: Read::NotYet("unpack it and pass the HAR inside") },
];

/// The format of `content`.
pub(super) fn recognise(content: &[u8]) -> Option<&'static Format> {
    FORMATS.iter().find(|format| (format.recognise)(content))
}

fn is_pcapng(content: &[u8]) -> bool {
    content.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a])
}

/// Both byte orders, microseconds and nanoseconds.
fn is_pcap(content: &[u8]) -> bool {
    matches!(
        content,
        [0xd4, 0xc3, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0xc3, 0xd4, ..]
            | [0x4d, 0x3c, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0x3c, 0x4d, ..]
    )
}

fn is_zip(content: &[u8]) -> bool {
    content.starts_with(b"PK\x03\x04")
}

/// Why nothing here reads the content.
pub(super) fn unrecognised(content: &[u8]) -> String {
    if content.starts_with(&[0xff, 0xfe]) || content.starts_with(&[0xfe, 0xff]) {
        return "is UTF-16 text; save it as UTF-8".to_owned();
    }
    let first = content.iter().find(|octet| !octet.is_ascii_whitespace());
    let what = match (first, std::str::from_utf8(content.get(..content.len().min(4096)).unwrap_or_default())) {
        (Some(b'{'), _) => "is JSON but no HAR: it has no member `log`",
        (Some(b'['), _) => "is JSON but no HAR: it is a list, not an object with a member `log`",
        (Some(b'<'), _) => "is a web page or XML, not a recording",
        (None, _) => "holds nothing but white space",
        (_, Ok(_)) => "is text, not a recording",
        _ => "is in no format that is known here",
    };
    let read = FORMATS.iter().filter(|format| !matches!(format.read, Read::NotYet(_))).map(|format| format.name);
    format!("{what}; pass one of these: {}", read.collect::<Vec<_>>().join(", "))
}
