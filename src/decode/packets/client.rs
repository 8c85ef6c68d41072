//! Which end of a connection is the client, and what is spoken over it: by content, on any port.

use super::segment::{ACK, End, RST, SYN, Segment, Source};

/// What the first octets of a direction show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speech {
    /// A TLS record of a client or a server, or one that does not show whose it is.
    Tls(Option<Role>),
    /// An HTTP/1 request or response, or the preface of HTTP/2.
    Http(Role),
    /// Too few octets to tell.
    TooShort,
    /// Something else.
    Other,
}

/// What an end does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It asks.
    Client,
    /// It answers.
    Server,
}

/// Methods that begin a request (RFC 9110, 9.3; RFC 5789; RFC 9113, 3.4; WebDAV's, which MCP never uses, are left out).
const METHODS: [&[u8]; 10] = [
    b"GET ",
    b"POST ",
    b"PUT ",
    b"HEAD ",
    b"DELETE ",
    b"OPTIONS ",
    b"PATCH ",
    b"CONNECT ",
    b"TRACE ",
    b"PRI * HTTP/2.0",
];
const STATUS_LINE: &[u8] = b"HTTP/1.";

/// What `octets`, the first of a direction, show.
pub(super) fn speech(octets: &[u8]) -> Speech {
    let begins = |with: &[u8]| octets.starts_with(with);
    if METHODS.iter().any(|method| begins(method)) {
        return Speech::Http(Role::Client);
    }
    if begins(STATUS_LINE) {
        return Speech::Http(Role::Server);
    }
    match octets {
        // RFC 8446, 5.1: handshake, version 3.x, length, then the kind of the first message.
        [0x16, 0x03, 0..=4, _, _, 1, ..] => Speech::Tls(Some(Role::Client)),
        [0x16, 0x03, 0..=4, _, _, 2, ..] => Speech::Tls(Some(Role::Server)),
        [0x14..=0x18, 0x03, 0..=4, _, _, _, ..] => Speech::Tls(None),
        _ if octets.len() < 6 && may_become(octets) => Speech::TooShort,
        _ => Speech::Other,
    }
}

/// Whether more octets could make it something that is known.
fn may_become(octets: &[u8]) -> bool {
    let begins_like = |whole: &[u8]| whole.starts_with(octets);
    matches!(octets, [] | [0x14..=0x18] | [0x14..=0x18, 0x03, ..])
        || METHODS.iter().any(|method| begins_like(method))
        || begins_like(STATUS_LINE)
}

/// The client: who sent SYN; where that is not in the recording, who sent what a client sends; otherwise the end with the
/// higher port, since clients take theirs from above.
pub(super) fn client(run: &[Segment], ports: [u16; 2], source: Source<'_>) -> End {
    let by_opening = run
        .iter()
        .find(|segment| segment.flags & (SYN | RST) == SYN)
        .map(|segment| if segment.flags & ACK == 0 { segment.from } else { segment.from.other() });
    let by_speech = || {
        run.iter().filter(|segment| segment.held > 0).take(64).find_map(|segment| {
            match speech(source.octets(segment)) {
                Speech::Tls(Some(Role::Client)) | Speech::Http(Role::Client) => Some(segment.from),
                Speech::Tls(Some(Role::Server)) | Speech::Http(Role::Server) => Some(segment.from.other()),
                _ => None,
            }
        })
    };
    let by_port = || if ports[1] > ports[0] { End::Second } else { End::First };
    by_opening.or_else(by_speech).unwrap_or_else(by_port)
}
