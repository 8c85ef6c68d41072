//! TLS: takes the octets of a connection and gives those inside, where a key log has its secrets.
//!
//! ```text
//! chunks -> records (framing) -> opened by keys -> handshake messages (messages, hello) -> agreement -> keys
//!                                               -> application data -> next layer
//! ```
//!
//! Reads TLS 1.2 and 1.3 with AES-GCM, ChaCha20-Poly1305 and, in TLS 1.2, AES-CBC. Deliberately not: AES-CCM and the
//! ciphers that nobody should use any more, versions before 1.2, compression, and sessions of TLS 1.2 that were resumed
//! and for which the key log has no line of their own. They are named in [`TlsFacts::why`].
//!
//! Nothing is verified beyond what opens a record: no certificate, no order of messages. A record that opens is real.

mod agreement;
mod alone;
mod cbc;
mod cipher;
mod facts;
mod flow;
mod framing;
mod handshake;
mod hello;
mod keylog;
mod keys;
mod layer;
mod messages;
mod suite;
mod suite_names;

pub use alone::{Decrypted, Piece, decrypt};
pub use facts::{Alert, Decryption, EarlyData, TlsFacts, WhyClosed};
pub use keylog::{KeyLog, UnreadLines};
pub(crate) use layer::Tls;

use framing::Header;

/// Whether the first octets of a side may be TLS: the header of a record. Octets that are not there yet are not held
/// against it, but there must be one at least.
pub(crate) fn looks_like_tls(octets: &[u8]) -> bool {
    match octets {
        [_, _, _, _, _, ..] => Header::read(octets).is_some_and(|header| header.length > 0),
        [20..=23] | [20..=23, 3] => true,
        [20..=23, 3, minor, ..] => *minor <= 4,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_told_from_other_things() {
        assert!(looks_like_tls(&[22, 3, 1, 2, 0, 1]));
        assert!(looks_like_tls(&[23, 3, 3, 0, 40]));
        assert!(looks_like_tls(&[22]));
        for other in [&b"GET / HTTP/1.1"[..], b"PRI * HTTP/2.0", b"", &[22, 3, 9], &[22, 3, 3, 0xff, 0xff]] {
            assert!(!looks_like_tls(other), "{other:?}");
        }
    }
}
