//! Where something stands in a recording, so that a person finds it with another tool within a minute.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

/// One recording of the incident, counted from 0 in the order in which they were given. Prints as `c1`, `c2`, ...
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CaptureId(pub u32);

impl fmt::Display for CaptureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}", self.0 + 1)
    }
}

/// A point in time: microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Seconds from `earlier` to `self`; negative where `self` is the earlier one.
    pub fn seconds_since(self, earlier: Timestamp) -> f64 {
        (self.0.saturating_sub(earlier.0)) as f64 / 1e6
    }

    /// RFC 3339 in UTC with microseconds.
    pub fn to_rfc3339(self) -> String {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(time) => format!("{time:.6}"),
            Err(_) => "out of range".to_owned(),
        }
    }
}

/// The end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    /// When.
    pub at: Timestamp,
    /// Whether by RST; otherwise by FIN.
    pub by_reset: bool,
}

/// A connection that its other end refused at once: SYN, and RST for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The recording.
    pub capture: CaptureId,
    /// The frame of the first SYN.
    pub asked: u32,
    /// The frame of the last RST.
    pub frame: u32,
    /// When that was captured.
    pub at: Timestamp,
    /// The address that was asked.
    pub server: SocketAddr,
}

/// The place of one exchange in its recording, in the words of the tool that people open it with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum At {
    /// Entry of a HAR file, counted from 0 as in `log.entries`.
    Entry(u32),
    /// Flow of a proxy's flow file, counted from 0.
    Flow(u32),
    /// A part that its tool calls by another name: `session 4`, `item 2`, `line 7`.
    Item {
        /// The tool's word for it.
        word: &'static str,
        /// Its number, counted as the tool does.
        number: u32,
    },
    /// Packets of a capture file, counted from 1 as Wireshark does.
    Frames {
        /// The frame in which Wireshark shows the request: for HTTP/1 the one that completes it, for HTTP/2 the one that
        /// completes its header fields. `None` where the recording holds no request.
        request: Option<u32>,
        /// The same of the response. `None` where the recording holds none.
        response: Option<u32>,
        /// `tcp.stream`.
        tcp_stream: u32,
        /// `http2.streamid`; `None` for HTTP/1.
        h2_stream: Option<u32>,
    },
}

/// Which half of an exchange a field belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Half {
    /// The request.
    Request,
    /// The response.
    Response,
}

impl At {
    /// The place as a person types it into the other tool: `entry 17`, `flow 3`, `frame 118`.
    pub fn of(&self, half: Half) -> String {
        match self {
            At::Entry(n) => format!("entry {n}"),
            At::Flow(n) => format!("flow {n}"),
            At::Item { word, number } => format!("{word} {number}"),
            At::Frames { request, response, .. } => {
                let frame = match half {
                    Half::Request => request.or(*response),
                    Half::Response => response.or(*request),
                };
                frame.map_or_else(|| "no frame".to_owned(), |n| format!("frame {n}"))
            }
        }
    }

    /// `tcp.stream` of a packet capture; `None` for other recordings.
    pub fn tcp_stream(&self) -> Option<u32> {
        match self {
            At::Frames { tcp_stream, .. } => Some(*tcp_stream),
            _ => None,
        }
    }

    /// `http2.streamid` of a packet capture; `None` for HTTP/1 and other recordings.
    pub fn h2_stream(&self) -> Option<u32> {
        match self {
            At::Frames { h2_stream, .. } => *h2_stream,
            _ => None,
        }
    }
}

/// A part of an HTTP message, written like `request.body.code_verifier` or `response.header.www-authenticate`.
#[derive(Clone)]
pub struct Part(Path);

/// Most paths are the same for every recording.
#[derive(Clone)]
enum Path {
    Fixed(&'static str),
    Made(Arc<str>),
}

impl Part {
    /// The path.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Path::Fixed(path) => path,
            Path::Made(path) => path,
        }
    }

    /// The half that the path names.
    pub fn half(&self) -> Half {
        if self.as_str().starts_with("response") { Half::Response } else { Half::Request }
    }
}

/// Takes the path as it is to be shown. Begins with `request.` or `response.`.
impl From<&'static str> for Part {
    fn from(path: &'static str) -> Self {
        Part(Path::Fixed(path))
    }
}

/// Takes the path as it is to be shown. Begins with `request.` or `response.`.
impl From<String> for Part {
    fn from(path: String) -> Self {
        Part(Path::Made(path.into()))
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that could not be read as it should be, where, and what was kept instead.
///
/// The text names no secret value. It is escaped again before it reaches a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The recording; `None` where the problem is not about one.
    pub capture: Option<CaptureId>,
    /// `entry 14`, `frame 7`, `line 3 column 8`; `None` where it is about the whole recording.
    pub at: Option<String>,
    /// Subject, cause, then what was kept or what to do; lower case, no full stop.
    pub message: String,
}
