//! URLs that are written already as the parser would write them, which is almost every URL of a recording: told by a look
//! at each octet, without taking them apart.

use std::net::Ipv4Addr;

/// How long the parts of a canonical URL are: both begin where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lengths {
    /// Octets of its origin.
    pub origin: usize,
    /// Octets of its endpoint: what stands before the query.
    pub endpoint: usize,
}

/// The parts of an `http` or `https` URL without user, password and fragment that parsing leaves as it is (WHATWG URL, 4.4
/// and 4.5). `None` where that would take more than a look, or does not hold.
pub(super) fn lengths(url: &str) -> Option<Lengths> {
    let (rest, default_port) = match url.strip_prefix("https://") {
        Some(rest) => (rest, "443"),
        None => (url.strip_prefix("http://")?, "80"),
    };
    let authority = rest.split('/').next()?;
    let after = rest.strip_prefix(authority).filter(|after| !after.is_empty())?;
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let keeps_port = port.is_none_or(|port| {
        let is_written_so = port.parse::<u16>().is_ok() && !port.starts_with(['0', '+']);
        is_written_so && port != default_port
    });
    if !keeps_port || !is_host(host) {
        return None;
    }
    let (path, query) = after.split_once('?').unwrap_or((after, ""));
    if !path.bytes().all(is_of_path) || has_dot_segment(path) || !query.bytes().all(is_of_query) {
        return None;
    }
    let origin = url.len() - after.len();
    Some(Lengths { origin, endpoint: origin + path.len() })
}

/// A name in lower case that is no address and needs no mapping, or an IPv4 address in its one form.
fn is_host(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    if !last.bytes().any(|octet| octet.is_ascii_lowercase()) {
        return host.parse::<Ipv4Addr>().is_ok();
    }
    let is_label = |label: &str| {
        let plain = label.bytes().all(|octet| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
        // A number in C's notation is a part of an address; "xn--" hides other letters.
        plain && !label.is_empty() && !label.starts_with("0x") && !label.starts_with("xn--")
    };
    host.split('.').all(is_label)
}

/// Whether a segment may be `.` or `..`, also percent-encoded.
fn has_dot_segment(path: &str) -> bool {
    let octets = path.as_bytes();
    octets.windows(2).any(|pair| pair == b"/.") || octets.windows(3).any(|triple| triple.eq_ignore_ascii_case(b"%2e"))
}

/// Whether each octet is a letter, a digit or one of these.
const fn these_and_alphanumeric(these: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut octet = 0;
    while octet < 256 {
        table[octet] = (octet as u8).is_ascii_alphanumeric();
        octet += 1;
    }
    let mut at = 0;
    while at < these.len() {
        table[these[at] as usize] = true;
        at += 1;
    }
    table
}

fn is_of_path(octet: u8) -> bool {
    const TABLE: [bool; 256] = these_and_alphanumeric(b"/-._~!$&'()*+,;=:@%");
    TABLE[octet as usize]
}

fn is_of_query(octet: u8) -> bool {
    const TABLE: [bool; 256] = these_and_alphanumeric(b"/?-._~!$&()*+,;=:@%");
    TABLE[octet as usize]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    fn holds(url: &str) -> bool {
        let Some(Lengths { origin, endpoint }) = lengths(url) else { return false };
        let parsed = Url::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(parsed.as_str(), url);
        assert_eq!(parsed.origin().ascii_serialization(), url[..origin], "{url}");
        let mut without_query = parsed.clone();
        without_query.set_query(None);
        assert_eq!(without_query.as_str(), &url[..endpoint], "{url}");
        true
    }

    #[test]
    fn what_recordings_hold_is_told_at_a_look() {
        for url in [
            "https://mcp.example.com/mcp",
            "http://127.0.0.1:3000/",
            "http://localhost:8080/a/b.c/?x=1&y=%2F?",
            "https://a-b.test/.",
            "https://a.test/..x",
        ] {
            assert_eq!(holds(url), !url.contains("/."), "{url}");
        }
    }

    #[test]
    fn what_parsing_changes_is_left_to_it() {
        for url in [
            "https://a.test",
            "https://a.test?x",
            "https://a.test:443/",
            "http://a.test:80/",
            "http://a.test:08/",
            "http://a.test:/",
            "HTTPS://a.test/",
            "https://A.test/",
            "https://a.test/a b",
            "https://a.test/a#b",
            "https://u@a.test/",
            "http://127.1/",
            "http://0x7f.1/",
            "http://1.2.3.4.5/",
            "http://a.0x1/",
            "http://[::1]/",
            "https://a..test/",
            "https://a.test./",
            "https://xn--a.test/",
            "https://a.test/a/../b",
            "https://a.test/%2E/",
            "https://a.test/?'",
            "https://a.test/\\b",
            "ftp://a.test/",
            "https:///a",
            "",
            "https://",
        ] {
            assert_eq!(lengths(url), None, "{url}");
        }
    }

    proptest! {
        #[test]
        fn is_what_the_parser_says(url in "https?://([a-z0-9.x_-]{1,8})(:[0-9]{0,5})?(/[a-zA-Z0-9./%2eE~'!-]{0,9})?([?][a-z?/'%=&]{0,6})?") {
            holds(&url);
        }

        #[test]
        fn never_fails(url in "(https?://)?.{0,20}") {
            holds(&url);
        }
    }
}
