//! Origins, endpoints and well-known locations.

use std::borrow::Cow;

use url::Url;

use super::canonical::{Lengths, lengths};

/// The origin as it is written in an `Origin` header (RFC 6454, 6.2); `None` where the URL is not hierarchical.
pub fn origin(url: &str) -> Option<String> {
    if let Some(Lengths { origin, .. }) = lengths(url) {
        return url.get(..origin).map(str::to_owned);
    }
    origin_of(&Url::parse(url).ok()?)
}

fn origin_of(parsed: &Url) -> Option<String> {
    let origin = parsed.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

/// The URL of an endpoint: scheme, host, port and path, without query and fragment; default ports removed. An empty
/// path is `/` only in the parsed form, so that `https://a` and `https://a/` are the same endpoint.
pub fn endpoint(url: &str) -> String {
    if let Some(found) = lengths(url).and_then(|lengths| url.get(..lengths.endpoint)) {
        return found.to_owned();
    }
    match Url::parse(url) {
        Ok(parsed) => endpoint_of(parsed),
        Err(_) => endpoint_of_text(url),
    }
}

fn endpoint_of(mut parsed: Url) -> String {
    parsed.set_query(None);
    parsed.set_fragment(None);
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    parsed.into()
}

fn endpoint_of_text(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or(url).to_owned()
}

/// The origin and the endpoint of a URL, as [`origin`] and [`endpoint`] say, without memory of their own where they stand
/// in it.
pub(crate) enum Parts {
    /// Both begin where it begins.
    Within(Lengths),
    /// The origin, empty where it has none, and the endpoint.
    Apart(Box<(String, String)>),
}

impl Parts {
    /// Those of this URL.
    pub(crate) fn of(url: &str) -> Parts {
        if let Some(lengths) = lengths(url) {
            return Parts::Within(lengths);
        }
        Parts::Apart(Box::new(match Url::parse(url) {
            Ok(parsed) => (origin_of(&parsed).unwrap_or_default(), endpoint_of(parsed)),
            Err(_) => (String::new(), endpoint_of_text(url)),
        }))
    }

    /// The origin; `url` is the one that these are parts of.
    pub(crate) fn origin<'a>(&'a self, url: &'a str) -> &'a str {
        match self {
            Parts::Within(lengths) => url.get(..lengths.origin).unwrap_or_default(),
            Parts::Apart(parts) => &parts.0,
        }
    }

    /// The endpoint; `url` is the one that these are parts of.
    pub(crate) fn endpoint<'a>(&'a self, url: &'a str) -> &'a str {
        match self {
            Parts::Within(lengths) => url.get(..lengths.endpoint).unwrap_or_default(),
            Parts::Apart(parts) => &parts.1,
        }
    }
}

/// Resolves a `Location` against the URL that answered with it (RFC 9110, 10.2.2).
pub fn resolve(base: &str, location: &str) -> Option<String> {
    Url::parse(base).ok()?.join(location).ok().map(Into::into)
}

/// The URL as [`same`] compares it: parsed and written again, without fragment.
pub fn normal(url: &str) -> Cow<'_, str> {
    if lengths(url).is_some() {
        return Cow::Borrowed(url);
    }
    match Url::parse(url) {
        Ok(mut parsed) => {
            parsed.set_fragment(None);
            Cow::Owned(parsed.into())
        }
        Err(_) => Cow::Borrowed(url),
    }
}

/// Whether both are the same URL once parsed, fragments apart.
pub fn same(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    match (Url::parse(a), Url::parse(b)) {
        (Ok(mut a), Ok(mut b)) => {
            a.set_fragment(None);
            b.set_fragment(None);
            a == b
        }
        _ => false,
    }
}

/// A well-known location, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WellKnown {
    /// `oauth-protected-resource`, `oauth-authorization-server`, `openid-configuration`.
    pub name: &'static str,
    /// `path-inserted`, `root`, `appended`.
    pub form: &'static str,
    /// The identifier whose document this is, where the client built the URL by the rule of that form.
    pub identifier: String,
}

const NAMES: [&str; 3] = ["oauth-protected-resource", "oauth-authorization-server", "openid-configuration"];

/// Takes a metadata URL apart (RFC 8615; RFC 9728, 3.1; RFC 8414, 3.1; OpenID Connect Discovery, 4).
pub fn well_known(url: &str) -> Option<WellKnown> {
    // To look is cheaper than to parse: most URLs are none.
    memchr::memmem::find(url.as_bytes(), b".well-known")?;
    let parsed = Url::parse(url).ok()?;
    let path = parsed.path();
    let (before, after) = path.split_once("/.well-known/")?;
    let name = NAMES
        .into_iter()
        .find(|name| after == *name || after.strip_prefix(name).is_some_and(|rest| rest.starts_with('/')))?;
    let rest = after.strip_prefix(name).unwrap_or_default();
    let origin = parsed.origin().ascii_serialization();
    let rest = if rest == "/" { "" } else { rest };
    let (form, identifier) = match (before, rest) {
        ("", "") => ("root", origin),
        ("", rest) => ("path-inserted", format!("{origin}{rest}")),
        (before, "") => ("appended", format!("{origin}{before}")),
        (_, _) => ("other", origin),
    };
    Some(WellKnown { name, form, identifier })
}

/// Whether the host is this machine: `localhost`, 127/8 or ::1.
pub fn is_loopback(url: &str) -> bool {
    let Ok(parsed) = Url::parse(url) else { return false };
    match parsed.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The port of a URL on a loopback address; `None` for any other.
pub fn loopback_port(url: &str) -> Option<u16> {
    Url::parse(url).ok().filter(|_| is_loopback(url))?.port_or_known_default()
}

/// Whether a URL is one of TLS, and its port.
pub fn tls_and_port(url: &str) -> Option<(bool, u16)> {
    let url = Url::parse(url).ok()?;
    Some((url.scheme() == "https", url.port_or_known_default()?))
}

/// What a redirect URI is: `loopback`, `https`, `http`, `private-use` (RFC 8252, 7.1), `other`.
pub fn redirect_kind(uri: &str) -> &'static str {
    let Ok(parsed) = Url::parse(uri) else { return "other" };
    match parsed.scheme() {
        "http" | "https" if is_loopback(uri) => "loopback",
        "https" => "https",
        "http" => "http",
        "urn" | "data" | "javascript" | "file" | "about" | "blob" => "other",
        _ => "private-use",
    }
}

/// Whether a URL is http on a host that is neither a loopback address nor a name kept for local use and tests
/// (RFC 6761, 6; RFC 6762, 3).
pub fn is_plain_http(url: &str) -> bool {
    const LOCAL: [&str; 4] = ["localhost", "test", "example", "local"];
    let Ok(parsed) = Url::parse(url) else { return false };
    if parsed.scheme() != "http" {
        return false;
    }
    match parsed.host() {
        Some(url::Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            !LOCAL.contains(&name.rsplit('.').next().unwrap_or_default())
        }
        Some(_) => !is_loopback(url),
        None => false,
    }
}

/// Whether a redirect URI is one that was registered: octet for octet, but for the port of a loopback address
/// (RFC 8252, 7.3). `localhost` is no address (8.3).
pub fn fits_redirect(registered: &str, used: &str) -> bool {
    if registered == used {
        return true;
    }
    let (Ok(registered), Ok(used)) = (url::Url::parse(registered), url::Url::parse(used)) else { return false };
    let loopback = match used.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    };
    let rest = |url: &url::Url| {
        (url.host().map(|host| host.to_owned()), url.path().to_owned(), url.query().map(str::to_owned))
    };
    loopback && used.scheme() == "http" && registered.scheme() == "http" && rest(&registered) == rest(&used)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_forms() {
        let cases = [
            ("https://a.test/.well-known/oauth-protected-resource/mcp", "path-inserted", "https://a.test/mcp"),
            ("https://a.test/.well-known/oauth-protected-resource", "root", "https://a.test"),
            ("https://a.test/t1/.well-known/openid-configuration", "appended", "https://a.test/t1"),
            (
                "https://a.test:8443/.well-known/oauth-authorization-server/t1/x",
                "path-inserted",
                "https://a.test:8443/t1/x",
            ),
        ];
        for (url, form, identifier) in cases {
            let found = well_known(url).map(|found| (found.form, found.identifier));
            assert_eq!(found, Some((form, identifier.to_owned())), "{url}");
        }
        assert_eq!(well_known("https://a.test/.well-known/oauth-protected-resource-x"), None);
    }

    #[test]
    fn redirect_uris_by_kind() {
        for (uri, kind) in [
            ("http://127.0.0.1:33418/cb", "loopback"),
            ("http://[::1]/cb", "loopback"),
            ("https://localhost:8443/cb", "loopback"),
            ("https://app.example.com/cb", "https"),
            ("http://app.example.com/cb", "http"),
            ("com.example.app:/cb", "private-use"),
            ("urn:ietf:wg:oauth:2.0:oob", "other"),
            ("/cb", "other"),
        ] {
            assert_eq!(redirect_kind(uri), kind, "{uri}");
        }
    }

    #[test]
    fn endpoints_drop_query_and_default_port() {
        assert_eq!(endpoint("HTTPS://A.test:443/mcp?x=1#y"), "https://a.test/mcp");
        assert_eq!(endpoint("https://a.test"), "https://a.test/");
    }

    #[test]
    fn plain_http_outside_the_machine() {
        for (url, expected) in [
            ("http://mcp.example.com/mcp", true),
            ("http://keycloak:8080/token", true),
            ("http://10.0.0.5/mcp", true),
            ("https://mcp.example.com/mcp", false),
            ("http://127.0.0.1:3000/mcp", false),
            ("http://[::1]/mcp", false),
            ("http://localhost:3000/mcp", false),
            ("http://auth.acme.test:9000/token", false),
            ("com.app:/cb", false),
        ] {
            assert_eq!(is_plain_http(url), expected, "{url}");
        }
    }

    #[test]
    fn redirect_uris_fit_but_for_the_port_of_a_loopback_address() {
        for (registered, used, expected) in [
            ("http://127.0.0.1:1/cb", "http://127.0.0.1:1/cb", true),
            ("http://127.0.0.1/cb", "http://127.0.0.1:33418/cb", true),
            ("http://[::1]:1/cb", "http://[::1]:2/cb", true),
            ("http://localhost:1/cb", "http://localhost:2/cb", false),
            ("http://localhost:1/cb", "http://127.0.0.1:1/cb", false),
            ("http://127.0.0.1:1/cb", "http://127.0.0.1:2/callback", false),
            ("https://a.test:1/cb", "https://a.test:2/cb", false),
            ("not a url", "http://127.0.0.1:2/cb", false),
        ] {
            assert_eq!(fits_redirect(registered, used), expected, "{registered} {used}");
        }
    }
}
