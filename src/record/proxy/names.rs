//! The two names of a server in the reverse mode: the listener's origin, which the client knows, and its own.
//!
//! A renaming changes the origin at the beginning of a URL and nothing else, and it is written down as it is spelled at
//! that place, so that the reader can undo it octet for octet.

use std::borrow::Cow;
use std::net::SocketAddr;

use super::exchange::Change;

/// The origins of all listeners, as one client names them.
#[derive(Debug, Clone)]
pub(super) struct Names(Vec<Name>);

/// One server.
#[derive(Debug, Clone)]
struct Name {
    /// Every way in which the client may name the listener; the first is how it is named to the client.
    here: Vec<String>,
    /// The server's origin, serialised.
    there: String,
}

/// How a URL is spelled where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As it is.
    Plain,
    /// In a query or a form.
    Percent,
    /// Between the quotes of a JSON string.
    Json,
}

/// Whether two spellings of one origin are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compare {
    /// No: a resource identifier or an issuer is compared octet for octet (RFC 9728, 3.3; RFC 8414, 3.3), so one that
    /// is spelled otherwise stays as it is and is unequal as it was.
    Octets,
    /// Yes: nobody compares an address, it is gone to.
    Origins,
}

impl Names {
    /// The names for a client that calls this listener by `host`. `routes` are the listeners with their servers.
    pub(super) fn new(host: &str, listener: SocketAddr, routes: &[(SocketAddr, String)]) -> Names {
        let name = |(address, there): &(SocketAddr, String)| {
            let mut here = vec![format!("http://{address}"), format!("http://localhost:{}", address.port())];
            // A client that says `localhost` for one listener says it for the others.
            if address.ip() == listener.ip() {
                let bare =
                    host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map_or(host, |(bare, _)| bare);
                here.insert(0, format!("http://{bare}:{}", address.port()));
            }
            Name { here, there: there.clone() }
        };
        Names(routes.iter().map(name).collect())
    }

    /// Renames a URL of a server to the client's name for it. `None` where it is none of a listener's.
    pub(super) fn given(&self, url: &str, compare: Compare, spelling: Spelling) -> Option<(String, Change)> {
        let end = origin_end(url, spelling)?;
        let (origin, rest) = url.split_at_checked(end)?;
        let plain = plain(origin, spelling)?;
        let name = self.0.iter().find(|name| match compare {
            Compare::Octets => name.there == *plain,
            Compare::Origins => {
                url::Url::parse(&plain).is_ok_and(|url| url.origin().ascii_serialization() == name.there)
            }
        })?;
        let here = spelled(name.here.first()?, origin, spelling);
        Some((format!("{here}{rest}"), Change { place: String::new(), here, there: origin.to_owned() }))
    }

    /// Renames a URL in the client's names to the server's own. `None` where it is none of a listener's.
    pub(super) fn own(&self, url: &str, spelling: Spelling) -> Option<(String, Change)> {
        let end = origin_end(url, spelling)?;
        let (origin, rest) = url.split_at_checked(end)?;
        let plain = plain(origin, spelling)?;
        let name = self.0.iter().find(|name| name.here.iter().any(|here| here.eq_ignore_ascii_case(&plain)))?;
        let there = spelled(&name.there, origin, spelling);
        Some((format!("{there}{rest}"), Change { place: String::new(), here: origin.to_owned(), there }))
    }

    /// Whether a text that cannot be changed names a listener.
    pub(super) fn occur_in(&self, text: &str) -> bool {
        self.0.iter().flat_map(|name| &name.here).any(|here| text.contains(&**here))
    }
}

/// The place after the authority.
fn origin_end(url: &str, spelling: Spelling) -> Option<usize> {
    let marks: [&str; 2] = match spelling {
        Spelling::Plain => ["://", "://"],
        Spelling::Percent => ["%3A%2F%2F", "://"],
        Spelling::Json => [r":\/\/", "://"],
    };
    let upper = url.get(..url.len().min(64)).unwrap_or(url).to_ascii_uppercase();
    let start = marks.iter().find_map(|mark| Some(upper.find(mark)? + mark.len()))?;
    let rest = url.get(start..)?;
    let ends = rest.char_indices().map(|(at, _)| at).find(|at| {
        let rest = rest.get(*at..).unwrap_or_default();
        match spelling {
            Spelling::Plain => rest.starts_with(['/', '?', '#']),
            Spelling::Json => rest.starts_with(['/', '?', '#', '\\']),
            Spelling::Percent => {
                let code = rest.get(..3).unwrap_or_default().to_ascii_uppercase();
                rest.starts_with(['/', '?', '#', '&']) || matches!(&*code, "%2F" | "%3F" | "%23")
            }
        }
    });
    Some(start + ends.unwrap_or(rest.len()))
}

fn plain(origin: &str, spelling: Spelling) -> Option<Cow<'_, str>> {
    match spelling {
        Spelling::Plain => Some(Cow::Borrowed(origin)),
        Spelling::Percent => percent_encoding::percent_decode_str(origin).decode_utf8().ok(),
        // Other escapes have no reason to be in an origin; what has them is not recognised.
        Spelling::Json => Some(Cow::Owned(origin.replace(r"\/", "/"))),
    }
}

/// `origin` in the way in which `model` is spelled.
fn spelled(origin: &str, model: &str, spelling: Spelling) -> String {
    match spelling {
        Spelling::Percent if model.contains('%') => percent_encoding::utf8_percent_encode(origin, IN_QUERY).to_string(),
        Spelling::Json if model.contains('\\') => origin.replace('/', r"\/"),
        _ => origin.to_owned(),
    }
}

/// What is not written as it is in a query where origins are encoded at all.
const IN_QUERY: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let address = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        let routes =
            [(address(8080), "https://mcp.example.com".into()), (address(8081), "https://as.example.com".into())];
        Names::new("localhost:8080", address(8080), &routes)
    }

    fn check_given(url: &str, compare: Compare, spelling: Spelling, expected: Option<&str>) {
        let found = names().given(url, compare, spelling);
        assert_eq!(found.as_ref().map(|(url, _)| &**url), expected, "{url}");
        if let Some((renamed, change)) = found {
            assert_eq!(renamed.replacen(&change.here, &change.there, 1), url, "not undone");
        }
    }

    #[test]
    fn identifiers_are_renamed_only_where_they_are_spelled_alike() {
        let octets = |url: &str, expected| check_given(url, Compare::Octets, Spelling::Plain, expected);
        octets("https://mcp.example.com/mcp", Some("http://localhost:8080/mcp"));
        octets("https://mcp.example.com", Some("http://localhost:8080"));
        octets("https://as.example.com/t?x#y", Some("http://localhost:8081/t?x#y"));
        octets("https://MCP.example.com/mcp", None);
        octets("https://mcp.example.com:443/mcp", None);
        octets("http://mcp.example.com/mcp", None);
        octets("https://mcp.example.com.evil.net/mcp", None);
        octets("/mcp", None);
    }

    #[test]
    fn addresses_in_every_spelling() {
        let origins = |url: &str, spelling, expected| check_given(url, Compare::Origins, spelling, expected);
        origins("HTTPS://MCP.example.com:443/mcp", Spelling::Plain, Some("http://localhost:8080/mcp"));
        origins("https://mcp.example.com@evil.net/", Spelling::Plain, None);
        origins(r"https:\/\/as.example.com\/token", Spelling::Json, Some(r"http:\/\/localhost:8081\/token"));
        origins("https://as.example.com/token", Spelling::Json, Some("http://localhost:8081/token"));
    }

    #[test]
    fn the_client_s_names_become_the_server_s() {
        let check = |value: &str, expected: Option<&str>| {
            let found = names().own(value, Spelling::Percent);
            assert_eq!(found.map(|(url, _)| url).as_deref(), expected, "{value}");
        };
        check("http%3A%2F%2F127.0.0.1%3A8080%2Fmcp", Some("https%3A%2F%2Fmcp.example.com%2Fmcp"));
        check("http%3a%2f%2flocalhost%3a8081", Some("https%3A%2F%2Fas.example.com"));
        check("http://localhost:8080/mcp", Some("https://mcp.example.com/mcp"));
        check("http://localhost:80801/mcp", None);
        check("http%3A%2F%2Flocalhost%3A9999%2Fcallback", None);
    }
}
