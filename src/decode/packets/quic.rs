//! Recognises QUIC, which carries HTTP/3. It is named and not decoded.

use std::collections::HashSet;
use std::net::SocketAddr;

use super::network::Datagram;

/// The port of HTTP/3. Others are possible and rare.
const PORT: u16 = 443;
/// Connections that are told apart.
const MOST: usize = 1 << 16;

/// The QUIC connections of a recording.
#[derive(Debug, Default)]
pub(super) struct Quic {
    connections: HashSet<(SocketAddr, SocketAddr)>,
}

impl Quic {
    /// Looks at a UDP datagram.
    pub(super) fn datagram(&mut self, datagram: &Datagram<'_>) {
        let [a, b, c, d, _, _, _, _, first, v0, v1, v2, v3, ..] = *datagram.octets else { return };
        let source = SocketAddr::new(datagram.source, u16::from_be_bytes([a, b]));
        let destination = SocketAddr::new(datagram.destination, u16::from_be_bytes([c, d]));
        // RFC 9000, 17.2: a long header, the fixed bit set, then the version.
        let is_long = first & 0xc0 == 0xc0;
        if is_long && is_version([v0, v1, v2, v3]) && (source.port() == PORT || destination.port() == PORT) {
            let pair = if source <= destination { (source, destination) } else { (destination, source) };
            if self.connections.len() < MOST {
                self.connections.insert(pair);
            }
        }
    }

    /// What is to be said of them.
    pub(super) fn problem(&self) -> Option<String> {
        let count = match self.connections.len() {
            0 => return None,
            1 => "1 connection".to_owned(),
            count => format!("{count} connections"),
        };
        Some(format!("HTTP/3 (QUIC) seen, not decoded ({count}); disable QUIC in the client and record again"))
    }
}

/// Version 1, version 2 (RFC 9369), the drafts, those of Google, and those that only force a negotiation.
fn is_version(version: [u8; 4]) -> bool {
    match version {
        [0, 0, 0, 1] | [0x6b, 0x33, 0x43, 0xcf] | [0xff, 0, 0, _] => true,
        [b'Q', digits @ ..] | [b'T', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        version => version.iter().all(|octet| octet & 0x0f == 0x0a),
    }
}
