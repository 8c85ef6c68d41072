//! The handshake messages that say what a connection is: both hellos and the server's encrypted extensions.
//!
//! Reads what is needed and passes over the rest. Extensions that are broken end the list; what stood before them counts.

use nom::bytes::complete::take;
use nom::combinator::{map_opt, rest};
use nom::multi::{length_data, many0};
use nom::number::complete::{be_u8, be_u16};
use nom::{IResult, Parser};

/// Longest server name or protocol name that is kept; DNS allows 253 octets.
const MAX_NAME: usize = 255;
/// Protocols that are kept of an offer.
const MAX_OFFERED: usize = 32;

/// The random of a HelloRetryRequest (RFC 8446, 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

mod extension {
    pub(super) const SERVER_NAME: u16 = 0;
    pub(super) const ALPN: u16 = 16;
    pub(super) const ENCRYPT_THEN_MAC: u16 = 22;
    pub(super) const PRE_SHARED_KEY: u16 = 41;
    pub(super) const EARLY_DATA: u16 = 42;
    pub(super) const SUPPORTED_VERSIONS: u16 = 43;
    pub(super) const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;
}

/// What a client offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClientHello {
    pub(super) random: [u8; 32],
    /// The host that it wants to reach; `None` where it does not say.
    pub(super) server_name: Option<String>,
    /// The application protocols that it offers, in its order.
    pub(super) alpn: Vec<String>,
    /// Whether 0-RTT data follow.
    pub(super) early_data: bool,
    /// Whether an encrypted hello is inside. Browsers send a meaningless one where they have no key for it.
    pub(super) encrypted_hello: bool,
}

/// What a server chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerHello {
    pub(super) random: [u8; 32],
    /// The version in force, as a number: `0x0304` is TLS 1.3.
    pub(super) version: u16,
    pub(super) suite: u16,
    /// Whether records are compressed (up to TLS 1.2).
    pub(super) compression: bool,
    /// Up to TLS 1.2; TLS 1.3 sends it encrypted.
    pub(super) alpn: Option<String>,
    pub(super) encrypt_then_mac: bool,
    /// Whether a session is resumed (TLS 1.3).
    pub(super) pre_shared_key: bool,
}

impl ServerHello {
    /// Whether this asks for another ClientHello.
    pub(super) fn is_retry(&self) -> bool {
        self.random == RETRY
    }
}

/// What a server of TLS 1.3 says once its messages are encrypted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct EncryptedExtensions {
    pub(super) alpn: Option<String>,
    /// Whether 0-RTT data were taken.
    pub(super) early_data: bool,
}

/// Reads the body of a ClientHello.
pub(super) fn client_hello(body: &[u8]) -> Option<ClientHello> {
    let (session, suites, compressions) = (length_data(be_u8), length_data(be_u16), length_data(be_u8));
    let mut head = (be_u16, take(32usize), session, suites, compressions, extensions);
    let (_, (_, random, _, _, _, extensions)) = head.parse_complete(body).ok()?;
    let mut hello = ClientHello {
        random: random.try_into().ok()?,
        server_name: None,
        alpn: Vec::new(),
        early_data: false,
        encrypted_hello: false,
    };
    for (kind, content) in extensions {
        match kind {
            extension::SERVER_NAME => hello.server_name = server_name(content),
            extension::ALPN => hello.alpn = protocols(content),
            extension::EARLY_DATA => hello.early_data = true,
            extension::ENCRYPTED_CLIENT_HELLO => hello.encrypted_hello = true,
            _ => {}
        }
    }
    Some(hello)
}

/// Reads the body of a ServerHello or HelloRetryRequest.
pub(super) fn server_hello(body: &[u8]) -> Option<ServerHello> {
    let mut head = (be_u16, take(32usize), length_data(be_u8), be_u16, be_u8, extensions);
    let (_, (version, random, _, suite, compression, extensions)) = head.parse_complete(body).ok()?;
    let mut hello = ServerHello {
        random: random.try_into().ok()?,
        version,
        suite,
        compression: compression != 0,
        alpn: None,
        encrypt_then_mac: false,
        pre_shared_key: false,
    };
    for (kind, content) in extensions {
        match kind {
            // RFC 8446, 4.2.1: where it is there, it decides.
            extension::SUPPORTED_VERSIONS => hello.version = version_in(content).unwrap_or(hello.version),
            extension::ALPN => hello.alpn = protocols(content).pop(),
            extension::ENCRYPT_THEN_MAC => hello.encrypt_then_mac = true,
            extension::PRE_SHARED_KEY => hello.pre_shared_key = true,
            _ => {}
        }
    }
    Some(hello)
}

/// Reads the body of EncryptedExtensions.
pub(super) fn encrypted_extensions(body: &[u8]) -> Option<EncryptedExtensions> {
    let (_, extensions) = extensions(body).ok()?;
    let mut found = EncryptedExtensions::default();
    for (kind, content) in extensions {
        match kind {
            extension::ALPN => found.alpn = protocols(content).pop(),
            extension::EARLY_DATA => found.early_data = true,
            _ => {}
        }
    }
    Some(found)
}

/// The extensions with their numbers. A hello of TLS 1.2 may end before them.
fn extensions(input: &[u8]) -> IResult<&[u8], Vec<(u16, &[u8])>> {
    if input.is_empty() {
        return Ok((input, Vec::new()));
    }
    let (after, list) = length_data(be_u16).parse_complete(input)?;
    let (_, found) = many0((be_u16, length_data(be_u16))).parse_complete(list)?;
    Ok((after, found))
}

fn server_name(content: &[u8]) -> Option<String> {
    // RFC 6066, 3: a list, in which only the type 0, a host name, was ever defined.
    let found: IResult<_, _> = (be_u16, be_u8, length_data(be_u16)).parse_complete(content);
    let (_, (_, kind, name)) = found.ok()?;
    (kind == 0).then(|| text(name)).flatten()
}

fn protocols(content: &[u8]) -> Vec<String> {
    let name = map_opt(length_data(be_u8), |name: &[u8]| text(name));
    let found: IResult<_, _> = (be_u16, many0(name)).parse_complete(content);
    let mut names = found.map_or_else(|_| Vec::new(), |(_, (_, names))| names);
    names.truncate(MAX_OFFERED);
    names
}

fn version_in(content: &[u8]) -> Option<u16> {
    let found: IResult<_, _> = (be_u16, rest).parse_complete(content);
    found.ok().map(|(_, (version, _))| version)
}

fn text(octets: &[u8]) -> Option<String> {
    (!octets.is_empty() && octets.len() <= MAX_NAME).then(|| String::from_utf8_lossy(octets).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sized(body: &[u8]) -> Vec<u8> {
        [&u16::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat()
    }

    fn hello(extensions: &[u8]) -> Vec<u8> {
        [&[3, 3][..], &[7; 32], &[0], &[0, 2, 0x13, 1], &[1, 0], &sized(extensions)].concat()
    }

    #[test]
    fn a_client_hello_says_what_it_wants() {
        let name = [&[0, 0][..], &sized(&sized(&[&[0][..], &sized(b"mcp.example")].concat()))].concat();
        let alpn = [&[0, 16][..], &sized(&sized(b"\x02h2\x08http/1.1"))].concat();
        let early = [&[0, 42][..], &sized(b"")].concat();
        let read = client_hello(&hello(&[name, alpn, early].concat())).unwrap();
        assert_eq!(read.server_name.as_deref(), Some("mcp.example"));
        assert_eq!(read.alpn, ["h2", "http/1.1"]);
        assert!(read.early_data && !read.encrypted_hello);
    }

    #[test]
    fn a_broken_extension_ends_the_list_and_costs_nothing_before_it() {
        let alpn = [&[0, 16][..], &sized(&sized(b"\x02h2"))].concat();
        let read = client_hello(&hello(&[&alpn[..], &[0, 0, 0xff, 0xff, 1]].concat())).unwrap();
        assert_eq!((read.alpn, read.server_name), (vec!["h2".to_owned()], None));
    }

    #[test]
    fn the_version_stands_in_the_extension_where_there_is_one() {
        let head = [&[3, 3][..], &[7; 32], &[0], &[0x13, 1], &[0]].concat();
        assert_eq!(server_hello(&head).map(|hello| hello.version), Some(0x0303));
        let with = [&head[..], &sized(&[0, 43, 0, 2, 3, 4])].concat();
        assert_eq!(server_hello(&with).map(|hello| hello.version), Some(0x0304));
    }

    #[test]
    fn a_cut_hello_is_none() {
        let whole = hello(&[]);
        assert!(client_hello(&whole).is_some());
        for end in 0..whole.len() - 2 {
            assert_eq!(client_hello(&whole[..end]), None, "cut at {end}");
        }
    }
}
