//! The named forms of `matches`.

use std::net::Ipv4Addr;

use super::language::Form;
use super::uri::{Uri, is_unreserved};

impl Form {
    /// Whether a text is of this form.
    pub fn fits(self, text: &str) -> bool {
        match self {
            Form::HttpsUrl => is_https_url(text),
            Form::AbsoluteUri => is_absolute_uri(text),
            Form::LoopbackRedirect => is_loopback_redirect(text),
            // RFC 7636, 4.1.
            Form::PkceVerifier => (43..=128).contains(&text.len()) && text.bytes().all(is_unreserved),
            Form::B64token => is_b64token(text),
            Form::BareToken => !text.is_empty() && text.bytes().all(is_of_token),
            // MCP, session management: characters 0x21 to 0x7E.
            Form::VisibleAscii => !text.is_empty() && text.bytes().all(|byte| (0x21..=0x7E).contains(&byte)),
        }
    }
}

/// Client ID Metadata Document draft 00, 3: `https`, a path without dot segments, no fragment, no user.
fn is_https_url(text: &str) -> bool {
    let Some(uri) = Uri::parse(text) else { return false };
    let Some(authority) = uri.authority_parts() else { return false };
    uri.scheme.eq_ignore_ascii_case("https")
        && !authority.host.is_empty()
        && authority.userinfo.is_none()
        && uri.path.starts_with('/')
        && uri.fragment.is_none()
        && !uri.path.split('/').any(|segment| matches!(segment, "." | ".."))
}

/// RFC 3986, 4.3: a scheme, characters of a URI, no fragment.
fn is_absolute_uri(text: &str) -> bool {
    let allowed = |byte: u8| is_unreserved(byte) || b":/?[]@!$&'()*+,;=%".contains(&byte);
    let bytes = text.as_bytes();
    let escapes = |at: usize| bytes.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
    let whole = bytes.iter().enumerate().all(|(at, byte)| allowed(*byte) && (*byte != b'%' || escapes(at)));
    whole && Uri::parse(text).is_some_and(|uri| uri.authority.is_some_and(|a| !a.is_empty()) || !uri.path.is_empty())
}

/// RFC 8252, 7.3: `http` on a loopback address; and on `localhost`, which 8.3 advises against and clients use.
fn is_loopback_redirect(text: &str) -> bool {
    let Some(uri) = Uri::parse(text) else { return false };
    let Some(host) = uri.authority_parts().map(|authority| authority.host) else { return false };
    let loopback = host.eq_ignore_ascii_case("localhost")
        || host == "[::1]"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    uri.scheme.eq_ignore_ascii_case("http") && loopback && uri.fragment.is_none()
}

/// RFC 6750, 2.1.
fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let allowed = |byte: u8| is_unreserved(byte) || matches!(byte, b'+' | b'/');
    !body.is_empty() && body.bytes().all(allowed)
}

/// RFC 6749, A.12 without the space, and without what holds or parts values in headers and JSON.
fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"'`\\<>()[]{},;".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_fits_and_does_not_fit() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let cases: [(Form, &[&str], &[&str]); 7] = [
            (
                Form::HttpsUrl,
                &["https://app.example/client.json", "https://app.example:8443/"],
                &[
                    "https://app.example",
                    "http://app.example/c",
                    "https://a@b.example/c",
                    "https://a.example/c#d",
                    "s6BhdRkqt3",
                ],
            ),
            (
                Form::AbsoluteUri,
                &["https://a.example", "urn:ietf:wg:oauth:2.0:oob", "com.example.app:/cb", "https://a.example/?x=%20"],
                &[
                    "/relative",
                    "a.example",
                    "https://a.example/#f",
                    "https://a.example/%2",
                    "https://a.example/ b",
                    "https://",
                ],
            ),
            (
                Form::LoopbackRedirect,
                &["http://127.0.0.1:33418/cb", "http://[::1]:1/", "http://localhost:8080/callback"],
                &["https://127.0.0.1/cb", "http://example.com/cb", "http://127.0.0.1.example/", "http://localhost/#x"],
            ),
            (Form::PkceVerifier, &[verifier], &[&verifier[1..], "a+b4567890123456789012345678901234567890123456"]),
            (Form::B64token, &["mF_9.B5f-4.1JqM", "abc==", "a/b+c"], &["", "==", "a=b", "two words"]),
            (
                Form::BareToken,
                &["abc==", "u:g:s", "7|abc"],
                &["", "two words", "\"abc\"", "{\"a\":1}", "a,b", "caf\u{e9}"],
            ),
            (Form::VisibleAscii, &["1868a90c", "~!"], &["", "a b", "caf\u{e9}", "a\u{7f}"]),
        ];
        for (form, fits, not) in cases {
            for text in fits {
                assert!(form.fits(text), "{form} {text}");
            }
            for text in not {
                assert!(!form.fits(text), "{form} {text}");
            }
        }
    }
}
