//! URLs without the secrets in them: values of parameters that carry credentials, and random handles in paths, become
//! fingerprints; everything else stays octet for octet.
//!
//! Does not parse URLs as a browser would: a broken one must come out with its secrets masked as well.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::secret::FingerprintKey;

/// URLs in parameters of URLs are looked into so deep; what is nested deeper is masked as a whole.
const NESTED: usize = 3;

/// Names of parameters whose values are secrets or stand for one, lower case, without `-`, `_`, `.`, `[`, `]`.
#[rustfmt::skip]
const SECRET_NAMES: &[&str] = &[
    // RFC 6749, 7636, 8628, 9126; OpenID Connect.
    "code", "state", "codechallenge", "codeverifier", "request", "requesturi", "usercode", "devicecode", "authcode",
    "authorizationcode", "accesscode", "logincode", "otp", "pin", "ticket", "assertion", "clientassertion", "logouthint",
    // Servers' own handles of a login in progress.
    "interaction", "flow", "loginchallenge", "consentchallenge", "logoutchallenge", "samlresponse", "samlrequest",
    "relaystate", "csrf", "xsrf", "authenticity", "jwt", "sid", "ssid", "sessid", "jsessionid", "phpsessid", "cookie",
    // Keys and signatures of APIs.
    "key", "auth", "authorization", "bearer", "sig", "hmac", "pass", "pwd", "pw", "xamzcredential", "googleaccessid",
    "awsaccesskeyid",
];

/// A name with one of these in it carries a secret.
#[rustfmt::skip]
const SECRET_STEMS: &[&str] = &[
    "token", "secret", "password", "passwd", "passphrase", "passcode", "session", "signature", "apikey", "accesskey",
    "privatekey", "subscriptionkey", "functionkey", "verifier", "credential", "nonce", "idtokenhint", "magiclink",
];

/// Names that look like secrets and are none.
#[rustfmt::skip]
const HARMLESS_NAMES: &[&str] = &[
    "tokentype", "tokentypehint", "subjecttokentype", "actortokentype", "requestedtokentype", "issuedtokentype",
    "tokenendpoint", "tokenendpointauthmethod", "grantsession", "xamzsignedheaders",
];

/// `url`, or a request target, with the values of secret parameters replaced by their fingerprints, user information
/// masked, and everything else as it was.
///
/// The fingerprint is that of the decoded value, so that it equals the one of the same value anywhere else.
///
/// ```
/// use authtrail::{report::url::safe_url, secret::FingerprintKey};
/// let key = FingerprintKey::from_file_content(b"an example");
/// let code = key.fingerprint("s3cret!");
/// assert_eq!(safe_url("/cb?code=s3cret%21&iss=https%3A%2F%2Fas", &key), format!("/cb?code={code}&iss=https%3A%2F%2Fas"));
/// ```
pub fn safe_url(url: &str, key: &FingerprintKey) -> String {
    Masker { key: Some(key) }.url(url, 0)
}

/// `url` as [`safe_url`] gives it, with a mark that is always the same instead of fingerprints: for what has to be equal
/// over recordings, whatever their keys.
///
/// ```
/// use authtrail::report::url::stable_url;
/// assert_eq!(stable_url("https://mcp.example/u/R6Q_GgJdo16Zu-GgJdo16/mcp"), "https://mcp.example/u/***/mcp");
/// ```
pub fn stable_url(url: &str) -> String {
    Masker { key: None }.url(url, 0)
}

/// `authority` (host and port) with user information masked.
pub fn safe_authority(authority: &str, key: &FingerprintKey) -> String {
    Masker { key: Some(key) }.authority(authority)
}

struct Masker<'a> {
    /// `None`: a mark stands where a fingerprint would.
    key: Option<&'a FingerprintKey>,
}

impl Masker<'_> {
    fn url(&self, url: &str, depth: usize) -> String {
        let (before, fragment) = split(url, '#');
        let (address, query) = split(before, '?');
        let mut safe = self.address(address, depth);
        if let Some(query) = query {
            safe.push('?');
            safe.push_str(&self.parameters(query, depth));
        }
        if let Some(fragment) = fragment {
            safe.push('#');
            // RFC 6749, 4.2.2: parameters in the fragment. Pages with routes of their own put a query there.
            safe.push_str(&match fragment.split_once('?') {
                Some((route, query)) => {
                    format!("{}?{}", self.parameters(route, depth), self.parameters(query, depth))
                }
                None => self.parameters(fragment, depth),
            });
        }
        safe
    }

    /// Everything before the query: scheme, authority, path.
    fn address(&self, address: &str, depth: usize) -> String {
        let Some((scheme, rest)) = address.split_once("//") else {
            return self.path(address, depth);
        };
        let (authority, path) = match rest.find(['/', '\\']) {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        if scheme.is_empty() || scheme.ends_with(':') {
            format!("{scheme}//{}{}", self.authority(authority), self.path(path, depth))
        } else {
            // Two slashes in a path.
            format!("{}//{}", self.path(scheme, depth), self.path(rest, depth))
        }
    }

    /// RFC 3986, 3.2.1: what stands before the last `@` may hold a password.
    fn authority(&self, authority: &str) -> String {
        match authority.rsplit_once('@') {
            Some((user, host)) if !user.is_empty() => format!("{}@{host}", self.mark(user)),
            _ => authority.to_owned(),
        }
    }

    /// Parameters of path segments (`;jsessionid=...`), and segments that are tokens, handles or URLs themselves.
    fn path(&self, path: &str, depth: usize) -> String {
        let segments = path.split('/').map(|segment| {
            let mut parts = segment.split(';');
            let name = parts.next().unwrap_or_default();
            let mut safe = if looks_random(name) { self.masked(name) } else { self.unnamed(name, depth) };
            for part in parts {
                safe.push(';');
                safe.push_str(&self.parameter(part, depth));
            }
            safe
        });
        segments.collect::<Vec<_>>().join("/")
    }

    fn parameters(&self, query: &str, depth: usize) -> String {
        query.split('&').map(|parameter| self.parameter(parameter, depth)).collect::<Vec<_>>().join("&")
    }

    fn parameter(&self, parameter: &str, depth: usize) -> String {
        let Some((name, value)) = parameter.split_once('=') else {
            return self.unnamed(parameter, depth);
        };
        if value.is_empty() {
            return parameter.to_owned();
        }
        if is_secret_name(&decoded(name)) || looks_like_credential(&decoded(value)) {
            return format!("{name}={}", self.masked(value));
        }
        // Some servers take `;` between parameters.
        if value.contains(';') {
            let parts = value
                .split(';')
                .enumerate()
                .map(|(index, part)| if index == 0 { self.harmless(part, depth) } else { self.parameter(part, depth) });
            return format!("{name}={}", parts.collect::<Vec<_>>().join(";"));
        }
        format!("{name}={}", self.harmless(value, depth))
    }

    /// Text without a name that would tell what it is.
    fn unnamed(&self, text: &str, depth: usize) -> String {
        if looks_like_credential(&decoded(text)) { self.masked(text) } else { self.harmless(text, depth) }
    }

    /// The value of a parameter that is no secret; it may be a URL with secrets in it.
    fn harmless(&self, value: &str, depth: usize) -> String {
        let inner = decoded(value);
        let deeper = inner.contains('%') && decoded(&inner) != inner;
        if !deeper && !inner.contains(['?', '#', '=', '@']) {
            return value.to_owned();
        }
        if depth >= NESTED {
            return if deeper || inner.contains('=') { self.masked(value) } else { value.to_owned() };
        }
        let address = inner.contains("//") || inner.contains(['?', '#']);
        let safe = if address { self.url(&inner, depth + 1) } else { self.parameters(&inner, depth + 1) };
        // Untouched text keeps its own spelling.
        if safe == inner { value.to_owned() } else { utf8_percent_encode(&safe, NON_ALPHANUMERIC).to_string() }
    }

    fn masked(&self, value: &str) -> String {
        self.mark(&decoded(value))
    }

    fn mark(&self, value: &str) -> String {
        self.key.map_or_else(|| "***".to_owned(), |key| key.fingerprint(value).to_string())
    }
}

/// `text` up to `mark`, and what follows it.
fn split(text: &str, mark: char) -> (&str, Option<&str>) {
    match text.split_once(mark) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// Decoded as a form (URL Standard, 5.1).
fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// Whether the value of a parameter of this name must not be shown.
pub fn is_secret_name(name: &str) -> bool {
    let plain: String = name.chars().filter(|c| !"-_.[]: ".contains(*c)).collect::<String>().to_lowercase();
    if HARMLESS_NAMES.contains(&plain.as_str()) {
        return false;
    }
    SECRET_NAMES.contains(&plain.as_str())
        || SECRET_STEMS.iter().any(|stem| plain.contains(stem))
        || (plain.ends_with("state") && name.ends_with("_state"))
}

/// Whether a value shows by its form that it is a credential, whatever its name: a JWT, keys with known beginnings.
fn looks_like_credential(value: &str) -> bool {
    const BEGINNINGS: &[&str] = &[
        "sk-",
        "sk_",
        "pk_",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "github_pat_",
        "glpat-",
        "xox",
        "ya29.",
        "AKIA",
        "Bearer ",
        "Basic ",
    ];
    let long = value.len() >= 20;
    // RFC 7515, 3.1: the header of a compact serialization begins with `{"`.
    (long && value.starts_with("eyJ") && value.contains('.'))
        || (long && BEGINNINGS.iter().any(|beginning| value.starts_with(beginning)))
        || (value.starts_with("urn:ietf:params:oauth:request_uri:"))
}

/// Whether a path segment is no word of a route but a random handle: of a login in progress, which stands in a cookie
/// as well, or of an MCP endpoint that takes whoever knows its URL. UUIDs are names and stay.
fn looks_random(segment: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| segment.as_bytes().iter().any(kind);
    segment.len() >= 20
        && segment.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'_' || octet == b'-')
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> FingerprintKey {
        FingerprintKey::from_file_content(b"test")
    }

    /// `expected` holds `{value}` for the fingerprint of `value`.
    fn check(url: &str, expected: &str) {
        let mut filled = String::new();
        let mut rest = expected;
        while let Some((before, after)) = rest.split_once('{') {
            let (value, after) = after.split_once('}').unwrap();
            filled.push_str(before);
            filled.push_str(&key().fingerprint(value).to_string());
            rest = after;
        }
        filled.push_str(rest);
        assert_eq!(safe_url(url, &key()), filled);
    }

    #[test]
    fn secrets_in_the_query() {
        check(
            "/cb?code=a%2Fb+c&state=xyz&iss=https%3A%2F%2Fas.example",
            "/cb?code={a/b c}&state={xyz}&iss=https%3A%2F%2Fas.example",
        );
        check("/cb?c%6Fde=abc&code=&code", "/cb?c%6Fde={abc}&code=&code");
        check(
            "/a?response_type=code&code_challenge=ch&code_challenge_method=S256",
            "/a?response_type=code&code_challenge={ch}&code_challenge_method=S256",
        );
        check("/t?token_type_hint=access_token&token=t", "/t?token_type_hint=access_token&token={t}");
        check(
            "/mcp?sessionId=1&api-key=k&X-Amz-Signature=s&q=1",
            "/mcp?sessionId={1}&api-key={k}&X-Amz-Signature={s}&q=1",
        );
        check("/a?x=1;token=t;y=2&z=%zz", "/a?x=1;token={t};y=2&z=%zz");
        check("/a?code=a=b&error_code=4&error=access_denied", "/a?code={a=b}&error_code=4&error=access_denied");
    }

    #[test]
    fn secrets_elsewhere() {
        check("https://user:pw@host:8443/a@b?x", "https://{user:pw}@host:8443/a@b?x");
        check("https://host", "https://host");
        check("//user@host/a", "//{user}@host/a");
        check("https://app/#access_token=t&expires_in=3600", "https://app/#access_token={t}&expires_in=3600");
        check("https://app/#/callback?code=c", "https://app/#/callback?code={c}");
        check("/interaction/R6Q_GgJdo16Zu-GgJdo16/login", "/interaction/{R6Q_GgJdo16Zu-GgJdo16}/login");
        check("/s/0f8fad5b-d9cb-469f-a165-70867728950e/mcp", "/s/0f8fad5b-d9cb-469f-a165-70867728950e/mcp");
        check("/.well-known/oauth-protected-resource/V2", "/.well-known/oauth-protected-resource/V2");
        check("/a;jsessionid=1/b", "/a;jsessionid={1}/b");
        check("/mcp/eyJhbGciOiJub25lIn0.eyJhIjoxfQ./sse", "/mcp/{eyJhbGciOiJub25lIn0.eyJhIjoxfQ.}/sse");
        check("/go/https%3A%2F%2Fas%2Fcb", "/go/https%3A%2F%2Fas%2Fcb");
        check("/a%20b/c@d/e=f/%zz", "/a%20b/c@d/e=f/%zz");
        check("/a?hint=eyJhbGciOiJub25lIn0.eyJhIjoxfQ.", "/a?hint={eyJhbGciOiJub25lIn0.eyJhIjoxfQ.}");
    }

    #[test]
    fn urls_in_parameters() {
        check("/login?return_to=%2Fauthorize%3Fclient_id%3Da", "/login?return_to=%2Fauthorize%3Fclient_id%3Da");
        let nested = safe_url("/login?return_to=%2Fauthorize%3Fstate%3Dxyz%26client_id%3Da", &key());
        let state = key().fingerprint("xyz").to_string().replace(':', "%3A");
        assert_eq!(nested, format!("/login?return_to=%2Fauthorize%3Fstate%3D{state}%26client%5Fid%3Da"));
    }

    /// `secret` in `layers` URLs, each a parameter of the next one.
    fn nested(secret: &str, layers: usize, before: &str) -> String {
        (0..layers).fold(format!("/cb?code={secret}"), |url, _| {
            format!("https://a.example/{before}{}", utf8_percent_encode(&url, NON_ALPHANUMERIC))
        })
    }

    proptest! {
        #[test]
        fn no_depth_hides_a_secret(secret in "[a-zA-Z0-9]{12,40}", layers in 0usize..8, before in "go\\?next=|go\\?|go/|#|#/r\\?x=|a;b=") {
            let mut shown = safe_url(&nested(&secret, layers, &before), &key());
            for _ in 0..10 {
                prop_assert!(!shown.contains(&secret));
                shown = percent_decode_str(&shown).decode_utf8_lossy().into_owned();
            }
        }

        #[test]
        fn harmless_targets_stay(path in "(/[a-z0-9.%~_-]{0,8}){1,4}", query in "[a-d]=[a-z0-9+%-]{0,6}(&[a-d]=[a-z0-9+%-]{0,6}){0,3}") {
            let url = format!("{path}?{query}");
            prop_assert_eq!(safe_url(&url, &key()), url);
        }

        #[test]
        fn no_text_breaks_it(url in any::<String>()) {
            safe_url(&url, &key());
        }
    }
}
