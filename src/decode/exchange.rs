//! One HTTP exchange, with everything that the recording says of it and nothing that it does not.

use std::net::SocketAddr;
use std::sync::Arc;

use compact_str::CompactString;

use super::body::Body;
pub use super::headers::{CREDENTIAL_HEADERS, Fields, Header, HeaderState, Headers, Withheld};
use crate::evidence::{At, CaptureId, Closed, Timestamp};

/// Why something is not known although it may have been there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unknown {
    /// The exporter removes this header, or may have removed it.
    RemovedByExporter,
    /// The recording holds no body here, or none any more.
    BodyNotRecorded,
    /// The body was cut, or is over the limit, or cannot be decoded.
    BodyUnreadable,
    /// The body is of a kind that holds nothing of interest here (media, scripts) and was passed over.
    BodyPassedOver,
    /// The recording holds no headers for this message, or only some that the tool guessed.
    HeadersNotRecorded,
    /// The recording holds no response, and does not show that none came.
    ResponseNotRecorded,
    /// A table entry of HTTP/2 header compression that was made before the recording began.
    TableEntryUnknown,
    /// The leg is not in the recording.
    LegNotRecorded,
    /// The step itself is not in the recording, though its leg is and a later value shows that it happened.
    StepNotRecorded,
    /// Nothing closes the time in which it could still have happened.
    WindowOpen,
    /// More than one candidate fits and nothing decides between them.
    Ambiguous,
    /// The value is there in a form that cannot be compared: opaque, encrypted or malformed.
    Opaque,
}

impl Unknown {
    /// The reason in words that continue "not observed: ".
    pub fn reason(self) -> &'static str {
        match self {
            Unknown::RemovedByExporter => "the exporter removes this header",
            Unknown::BodyNotRecorded => "the recording holds no body here",
            Unknown::BodyUnreadable => "the body cannot be read",
            Unknown::BodyPassedOver => "large bodies of this media type are not kept",
            Unknown::HeadersNotRecorded => "the recording holds no headers here",
            Unknown::ResponseNotRecorded => "the recording holds no answer here",
            Unknown::TableEntryUnknown => "the recording begins after this header was set up",
            Unknown::LegNotRecorded => "this leg is not in the recording",
            Unknown::StepNotRecorded => "the step is not in the recording, though a later value shows that it happened",
            Unknown::WindowOpen => "the recording ends before it could have happened",
            Unknown::Ambiguous => "more than one fits",
            Unknown::Opaque => "the value cannot be read",
        }
    }
}

/// One HTTP request and what came back.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The recording.
    pub capture: CaptureId,
    /// The place in the recording.
    pub at: At,
    /// Time the request was sent; `None` where the recording has no clock.
    pub sent_at: Option<Timestamp>,
    /// Time the answer was complete, and where its end is not in the recording the time its header fields were; `None`
    /// where no answer came or the recording has no clock.
    pub answered_at: Option<Timestamp>,
    /// Between whom.
    pub connection: Connection,
    /// The request.
    pub request: Request,
    /// The answer, or what is known of its absence. An HTTP 401 is an answer.
    pub answer: Answer,
}

/// What the recording says about who talked to whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connection {
    /// A name that two exchanges of this recording share if and only if they went over one connection; `None` where
    /// the recording names no connections.
    pub id: Option<Arc<str>>,
    /// Source address of the request; `None` where the recording has none.
    pub client: Option<SocketAddr>,
    /// Destination address of the request; `None` where the recording has none. The port may be 0 where only the
    /// address is recorded.
    pub server: Option<SocketAddr>,
    /// The page that sent the request, in the recorder's name for it; `None` outside browsers.
    pub page: Option<Arc<str>>,
    /// Address of the debugging tool's backend through which the page sent this; `None` where it was sent directly.
    pub wrapper: Option<Arc<str>>,
    /// When and how the connection ended; `None` where the recording does not show an end.
    pub closed: Option<Closed>,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method as sent.
    pub method: CompactString,
    /// `http`, `https`, or what else the recording says (`data`, `ws`); lower case.
    pub scheme: CompactString,
    /// Host and port as the request names them (`Host`, `:authority` or the absolute target); empty where unknown.
    pub authority: CompactString,
    /// The request target as sent: path and query, without fragment.
    pub target: CompactString,
    /// `http/1.0`, `http/1.1`, `h2`, `h3`, or the recorder's word; `None` where the recording does not say.
    pub version: Option<CompactString>,
    /// Header fields in the order recorded.
    pub headers: Headers,
    /// The body.
    pub body: Body,
}

impl Request {
    /// The absolute URL: scheme, authority and target put together. Not normalised.
    pub fn url(&self) -> String {
        if self.authority.is_empty() && !matches!(self.scheme.as_str(), "http" | "https") {
            return format!("{}:{}", self.scheme, self.target);
        }
        format!("{}://{}{}", self.scheme, self.authority, self.target)
    }
}

/// The well-known protocol versions in one spelling, others as they are; `None` where the text is empty.
pub(crate) fn version(text: &str) -> Option<CompactString> {
    let known = match text.to_ascii_lowercase().as_str() {
        "" => return None,
        "http/1.0" => "http/1.0",
        "http/1.1" => "http/1.1",
        "http/2" | "http/2.0" | "h2" => "h2",
        "http/3" | "http/3.0" | "h3" => "h3",
        _ => text,
    };
    Some(known.into())
}

/// What came back.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A response with a status.
    Received(Response),
    /// It is known that no response came: reset, refused, blocked by the browser. The text is the recorder's word for
    /// it (`net::ERR_FAILED`), possibly empty.
    None(String),
    /// The recording does not show whether a response came.
    NotRecorded,
}

impl Answer {
    /// The response, where there is one.
    pub fn response(&self) -> Option<&Response> {
        match self {
            Answer::Received(response) => Some(response),
            _ => None,
        }
    }
}

/// A response.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Header fields in the order recorded.
    pub headers: Headers,
    /// The body.
    pub body: Body,
    /// Whether the recorder says that it came from a cache and not over the network.
    pub from_cache: bool,
}
