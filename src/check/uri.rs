//! URIs as relations need them: whether two are equivalent, and whether they have one origin.
//!
//! Syntax-based and scheme-based normalisation of RFC 3986, 6.2.2 and 6.2.3, and nothing more: the parser for browsers
//! (WHATWG) would repair what a server that compares strings refuses.

/// The parts of a URI (RFC 3986, 3, appendix B), as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Uri<'u> {
    pub(super) scheme: &'u str,
    pub(super) authority: Option<&'u str>,
    pub(super) path: &'u str,
    pub(super) query: Option<&'u str>,
    pub(super) fragment: Option<&'u str>,
}

/// An authority in its parts (RFC 3986, 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Authority<'u> {
    pub(super) userinfo: Option<&'u str>,
    pub(super) host: &'u str,
    pub(super) port: Option<&'u str>,
}

impl<'u> Uri<'u> {
    /// Splits a URI with a scheme; `None` where the text is none.
    pub(super) fn parse(text: &'u str) -> Option<Uri<'u>> {
        if text.bytes().any(|b| b <= b' ' || b == 0x7F) {
            return None;
        }
        let (scheme, rest) = text.split_once(':')?;
        let mut letters = scheme.bytes();
        // RFC 3986, 3.1.
        let tail = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
        if !letters.next().is_some_and(|b| b.is_ascii_alphabetic()) || !letters.all(tail) {
            return None;
        }
        let (rest, fragment) = split_off(rest, '#');
        let (rest, query) = split_off(rest, '?');
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let end = rest.find('/').unwrap_or(rest.len());
                (Some(&rest[..end]), &rest[end..])
            }
            None => (None, rest),
        };
        Some(Uri { scheme, authority, path, query, fragment })
    }

    /// The parts of the authority; `None` where there is none.
    pub(super) fn authority_parts(&self) -> Option<Authority<'u>> {
        let authority = self.authority?;
        let (userinfo, rest) = match authority.rsplit_once('@') {
            Some((userinfo, rest)) => (Some(userinfo), rest),
            None => (None, authority),
        };
        // An IPv6 address holds colons of its own (RFC 3986, 3.2.2).
        let host_end = rest.rfind(']').map_or(0, |at| at + 1);
        let (host, port) = match rest[host_end..].rfind(':') {
            Some(at) => (&rest[..host_end + at], Some(&rest[host_end + at + 1..])),
            None => (rest, None),
        };
        Some(Authority { userinfo, host, port })
    }

    fn normalised(&self) -> String {
        let scheme = self.scheme.to_ascii_lowercase();
        let mut text = format!("{scheme}:");
        if let Some(Authority { userinfo, host, port }) = self.authority_parts() {
            text.push_str("//");
            if let Some(userinfo) = userinfo {
                text.push_str(&percent_normalised(userinfo));
                text.push('@');
            }
            text.push_str(&normalised_host(host));
            if let Some(port) = explicit_port(&scheme, port) {
                text.push(':');
                text.push_str(port);
            }
        }
        let path = percent_normalised(self.path);
        // RFC 3986, 5.2.4 is for paths of a hierarchy; `urn:a/../b` has none.
        let path = if path.starts_with('/') { without_dot_segments(&path) } else { path };
        // RFC 3986, 6.2.3: an empty path of a scheme with authority is "/".
        text.push_str(if path.is_empty() && default_port(&scheme).is_some() { "/" } else { &path });
        for (mark, part) in [('?', self.query), ('#', self.fragment)] {
            if let Some(part) = part {
                text.push(mark);
                text.push_str(&percent_normalised(part));
            }
        }
        text
    }
}

fn split_off(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// Whether two texts are the same URI. A text that is no URI is equivalent to itself only (RFC 3986, 6.2.1).
pub(super) fn equivalent(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    match (Uri::parse(a), Uri::parse(b)) {
        (Some(a), Some(b)) => a.normalised() == b.normalised(),
        _ => false,
    }
}

/// Whether two URIs have one origin: scheme, host, port (RFC 6454, 4, 5). `None` where that cannot be said: one is no
/// URI, or has no host beside an equal scheme.
pub(super) fn same_origin(a: &str, b: &str) -> Option<bool> {
    let (a, b) = (Uri::parse(a)?, Uri::parse(b)?);
    let scheme = a.scheme.to_ascii_lowercase();
    if !b.scheme.eq_ignore_ascii_case(&scheme) {
        return Some(false);
    }
    let (a, b) = (a.authority_parts()?, b.authority_parts()?);
    let same_host = normalised_host(a.host) == normalised_host(b.host);
    Some(same_host && explicit_port(&scheme, a.port) == explicit_port(&scheme, b.port))
}

fn default_port(scheme: &str) -> Option<&'static str> {
    match scheme {
        "http" | "ws" => Some("80"),
        "https" | "wss" => Some("443"),
        _ => None,
    }
}

/// The port, unless it is empty or the scheme's own (RFC 3986, 6.2.3).
fn explicit_port<'u>(scheme: &str, port: Option<&'u str>) -> Option<&'u str> {
    port.filter(|port| !port.is_empty() && Some(*port) != default_port(scheme))
}

fn normalised_host(host: &str) -> String {
    // RFC 3986, 6.2.2.1: the host without case, but the digits of an escape in upper case.
    percent_normalised(&percent_normalised(host).to_ascii_lowercase())
}

/// Escapes of unreserved characters decoded, the others in upper case (RFC 3986, 6.2.2.1, 6.2.2.2).
fn percent_normalised(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
    let mut normalised = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                let decoded = (high * 16 + low) as u8;
                if is_unreserved(decoded) {
                    normalised.push(decoded);
                } else {
                    normalised.extend(format!("%{decoded:02X}").bytes());
                }
                at += 3;
            }
            _ => {
                normalised.push(*byte);
                at += 1;
            }
        }
    }
    // Only whole escapes were replaced, by ASCII.
    String::from_utf8_lossy(&normalised).into_owned()
}

/// `unreserved` (RFC 3986, 2.3).
pub(super) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// A path that begins with a slash, without `.` and `..` (RFC 3986, 5.2.4).
fn without_dot_segments(path: &str) -> String {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let mut kept: Vec<&str> = Vec::with_capacity(segments.len());
    for (at, segment) in segments.iter().enumerate() {
        let last = at + 1 == segments.len();
        match *segment {
            "." if last => kept.push(""),
            "." => {}
            ".." => {
                kept.pop();
                if last {
                    kept.push("");
                }
            }
            segment => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equivalent_uris() {
        let same = [
            ("https://as.example.com", "https://as.example.com/"),
            ("HTTPS://AS.Example.COM/a", "https://as.example.com/a"),
            ("https://as.example.com:443/a", "https://as.example.com/a"),
            ("http://as.example.com:/a", "http://as.example.com:80/a"),
            ("https://as.example.com/%7euser", "https://as.example.com/~user"),
            ("https://as.example.com/a%2fb", "https://as.example.com/a%2Fb"),
            ("https://as.example.com/a/./b/../c", "https://as.example.com/a/c"),
            ("https://[2001:DB8::1]:443/", "https://[2001:db8::1]"),
            ("not a uri", "not a uri"),
        ];
        for (a, b) in same {
            assert!(equivalent(a, b), "{a} {b}");
        }
        let different = [
            ("https://as.example.com/a", "https://as.example.com/a/"),
            ("https://as.example.com/A", "https://as.example.com/a"),
            ("http://as.example.com", "https://as.example.com"),
            ("https://as.example.com:8443", "https://as.example.com"),
            ("https://as.example.com/a%2Fb", "https://as.example.com/a/b"),
            ("https://as.example.com/a?x=1", "https://as.example.com/a"),
            ("https://as.example.com/a?", "https://as.example.com/a"),
            ("http://localhost/", "http://127.0.0.1/"),
            ("as.example.com", "https://as.example.com"),
        ];
        for (a, b) in different {
            assert!(!equivalent(a, b), "{a} {b}");
        }
    }

    #[test]
    fn dot_segments_of_the_rfc() {
        // RFC 3986, 5.2.4.
        for (path, expected) in
            [("/a/b/c/./../../g", "/a/g"), ("/..", "/"), ("/a/.", "/a/"), ("/a//../b", "/a/b"), ("/", "/")]
        {
            assert_eq!(without_dot_segments(path), expected);
        }
    }

    #[test]
    fn origins() {
        let cases = [
            ("https://a.example:443/x", "https://A.example/y", Some(true)),
            ("https://a.example", "http://a.example", Some(false)),
            ("https://a.example", "https://a.example:8443", Some(false)),
            ("https://user@a.example", "https://a.example", Some(true)),
            ("com.example.app:/callback", "https://a.example", Some(false)),
            ("com.example.app:/callback", "com.example.app:/other", None),
            ("null", "https://a.example", None),
            ("https://[::1]:80/", "https://[::1]/", Some(false)),
        ];
        for (a, b, expected) in cases {
            assert_eq!(same_origin(a, b), expected, "{a} {b}");
        }
    }
}
