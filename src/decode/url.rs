//! Splits the URL of a request as recorded. Nothing is normalised and nothing filled in.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// The parts of a request URL.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Split<'a> {
    /// Lower case; empty where the URL has none.
    pub(super) scheme: String,
    /// Host and port, without user information; empty where there is none.
    pub(super) authority: &'a str,
    /// Path and query as sent, without fragment.
    pub(super) target: String,
}

/// Splits an absolute URL, or the bare target of a request.
pub(super) fn split(url: &str) -> Split<'_> {
    // RFC 9110, 7.1: the fragment is not sent.
    let url = url.split('#').next().unwrap_or_default().trim();
    let Some((scheme, rest)) = scheme(url) else {
        return Split { scheme: String::new(), authority: "", target: with_path(url) };
    };
    let scheme = scheme.to_ascii_lowercase();
    let Some(rest) = rest.strip_prefix("//") else {
        return Split { scheme, authority: "", target: rest.to_owned() };
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at_checked(end).unwrap_or((rest, ""));
    // RFC 9110, 4.2.4: user information is no part of what is sent, and may be a password.
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    Split { scheme, authority, target: with_path(target) }
}

/// Octets that stand for themselves in a form (WHATWG URL, application/x-www-form-urlencoded percent-encode set).
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

/// A form from its parameters.
pub(super) fn form<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let pairs: Vec<String> = pairs.map(|(name, value)| format!("{}={}", form_part(name), form_part(value))).collect();
    pairs.join("&")
}

/// A name or value as it stands in a form.
pub(super) fn form_part(text: &str) -> String {
    percent_encode(text.as_bytes(), FORM).to_string().replace("%20", "+")
}

/// RFC 3986, 3.1.
fn scheme(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once(':')?;
    let mut chars = scheme.chars();
    let first = chars.next()?.is_ascii_alphabetic();
    let named = first && chars.all(|char| char.is_ascii_alphanumeric() || matches!(char, '+' | '-' | '.'));
    // `localhost:80/x` is a host with a port.
    let port = rest.starts_with(|char: char| char.is_ascii_digit()) && !rest.contains(',');
    (named && !port).then_some((scheme, rest))
}

/// RFC 9112, 3.2.1: an empty path is sent as `/`.
fn with_path(target: &str) -> String {
    if target.is_empty() || target.starts_with('?') { format!("/{target}") } else { target.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, scheme: &str, authority: &str, target: &str) {
        let expected = Split { scheme: scheme.to_owned(), authority, target: target.to_owned() };
        assert_eq!(split(url), expected, "{url}");
    }

    #[test]
    fn parts() {
        check("HTTPS://Host.example:8443/a/%7Eb?c=d/e?#f", "https", "Host.example:8443", "/a/%7Eb?c=d/e?");
        check("http://[::1]:3000", "http", "[::1]:3000", "/");
        check("http://h?x=1", "http", "h", "/?x=1");
        check("http://user:pass@h/x@y", "http", "h", "/x@y");
        check("data:text/plain,a:b", "data", "", "text/plain,a:b");
        check("about:blank", "about", "", "blank");
        check("/only/a/path?x", "", "", "/only/a/path?x");
        check("localhost:80/x", "", "", "localhost:80/x");
        check("", "", "", "/");
    }
}
