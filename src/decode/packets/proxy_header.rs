//! The header of the PROXY protocol (HAProxy, versions 1 and 2), with which a load balancer begins a connection to say for
//! whom it asks. What is spoken comes behind it.

/// Octets that tell a header, and how long it is; the longest of version 1 with its end.
pub(super) const TELLING: usize = 107;

const VERSION_1: &[u8] = b"PROXY ";
const VERSION_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// What the first octets of a client are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// The header, which has so many octets.
    Header(usize),
    /// The first octets of one, perhaps.
    Perhaps,
    /// Something else.
    Other,
}

/// Tells a header of the PROXY protocol.
pub(super) fn beginning(octets: &[u8]) -> Beginning {
    let may_become = |signature: &[u8]| !octets.is_empty() && signature.starts_with(octets);
    if may_become(VERSION_1) || may_become(VERSION_2) {
        return Beginning::Perhaps;
    }
    if let Some(rest) = octets.strip_prefix(VERSION_1) {
        let is_known = [b"TCP4 ".as_slice(), b"TCP6 ", b"UNKNOWN"].iter().any(|kind| {
            let common = kind.len().min(rest.len());
            kind.get(..common) == rest.get(..common)
        });
        let end = octets.windows(2).take(TELLING - 1).position(|pair| pair == b"\r\n");
        return match end {
            Some(end) if is_known => Beginning::Header(end + 2),
            None if is_known && octets.len() < TELLING => Beginning::Perhaps,
            _ => Beginning::Other,
        };
    }
    match octets.strip_prefix(VERSION_2) {
        // Version 2 in the upper half of the octet, LOCAL or PROXY in the lower one.
        Some([0x20 | 0x21, _, high, low, ..]) => {
            Beginning::Header(VERSION_2.len() + 4 + usize::from(u16::from_be_bytes([*high, *low])))
        }
        Some(rest) if rest.len() < 4 => Beginning::Perhaps,
        _ => Beginning::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_told() {
        let first = b"PROXY TCP4 10.0.0.1 10.0.0.2 56324 443\r\nGET / HTTP/1.1\r\n";
        assert_eq!(beginning(first), Beginning::Header(40));
        assert_eq!(beginning(b"PROXY UNKNOWN\r\n"), Beginning::Header(15));
        let second = [VERSION_2, &[0x21, 0x11, 0, 12], &[0; 12], b"GET /"].concat();
        assert_eq!(beginning(&second), Beginning::Header(28));
        for cut in 1..16 {
            assert_eq!(beginning(&second[..cut]), Beginning::Perhaps, "{cut}");
        }
        for cut in 1..40 {
            assert_eq!(beginning(&first[..cut]), Beginning::Perhaps, "{cut}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for octets in [
            b"PROXY /path HTTP/1.1\r\n".as_slice(),
            b"POST / HTTP/1.1\r\n",
            b"",
            b"\r\n\r\nGET / HTTP/1.1\r\n",
            &[22, 3, 1],
            b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c",
        ] {
            assert_eq!(beginning(octets), Beginning::Other, "{octets:?}");
        }
        assert_eq!(beginning(&[b"PROXY TCP4 ".as_slice(), &[b'1'; 120]].concat()), Beginning::Other);
    }
}
