//! Where the body of an HTTP/1 message ends (RFC 9112, 6.3).

use crate::decode::body::ContentCoding;
use crate::decode::exchange::Fields;

/// How the end of a body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is no body.
    None,
    /// So many octets.
    Length(u64),
    /// Chunked transfer coding.
    Chunked,
    /// All octets until the connection ends.
    UntilClose,
    /// It cannot be found: the next message must be searched.
    Unknown,
}

/// What the header fields say about the body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Body {
    /// Where it ends.
    pub framing: Framing,
    /// Transfer codings beside `chunked`, in the order applied; `None` where one of them is not known here.
    pub codings: Option<Vec<ContentCoding>>,
    /// A shape that two readers may read in two ways, and how it is read here.
    pub shape: Option<&'static str>,
}

const NO_BODY: Body = Body { framing: Framing::None, codings: Some(Vec::new()), shape: None };

/// The body of a request.
pub(super) fn of_request(fields: &Fields, minor: u8) -> Body {
    match coded(fields, minor) {
        Some(Body { framing: Framing::UntilClose, .. }) => Body {
            framing: Framing::Unknown,
            codings: None,
            shape: Some("has a Transfer-Encoding that does not end with chunked; its end cannot be found"),
        },
        Some(body) => body,
        None => with_length(fields, Framing::None),
    }
}

/// The body of a response with `status` to a request with `method`.
pub(super) fn of_response(fields: &Fields, minor: u8, status: u16, method: &str) -> Body {
    if method == "HEAD" || matches!(status, 100..=199 | 204 | 304) {
        return NO_BODY;
    }
    coded(fields, minor).unwrap_or_else(|| with_length(fields, Framing::UntilClose))
}

/// The values of `name`, split at commas.
pub(super) fn members<'a>(fields: &'a Fields, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
    fields.values(name).flat_map(|value| value.split(',')).map(str::trim).filter(|member| !member.is_empty())
}

/// The body where a `Transfer-Encoding` says it.
fn coded(fields: &Fields, minor: u8) -> Option<Body> {
    let mut codings: Vec<&str> = members(fields, "transfer-encoding").collect();
    let last = codings.pop()?;
    let mut shape = None;
    if fields.values("content-length").next().is_some() {
        shape = Some("has both Transfer-Encoding and Content-Length; Content-Length is not used");
    } else if minor == 0 {
        shape = Some("has a Transfer-Encoding in HTTP/1.0");
    } else if codings.iter().any(|coding| coding.eq_ignore_ascii_case("chunked")) {
        shape = Some("names chunked more than once in Transfer-Encoding");
        codings.retain(|coding| !coding.eq_ignore_ascii_case("chunked"));
    }
    let mut framing = Framing::Chunked;
    if !last.eq_ignore_ascii_case("chunked") {
        framing = Framing::UntilClose;
        codings.push(last);
    }
    codings.retain(|coding| !coding.eq_ignore_ascii_case("identity"));
    Some(Body { framing, codings: ContentCoding::every(codings.into_iter()), shape })
}

/// The body where a `Content-Length` says it, or nothing does.
fn with_length(fields: &Fields, otherwise: Framing) -> Body {
    let all = || fields.values("content-length");
    let mut lengths = all().flat_map(|value| value.split(',')).map(|value| number(value.trim()));
    let Some(first) = lengths.next() else { return Body { framing: otherwise, ..NO_BODY } };
    let Some(length) = first else {
        let shape = Some("has a Content-Length that is no number; its end cannot be found");
        return Body { framing: Framing::Unknown, codings: None, shape };
    };
    if lengths.any(|other| other != Some(length)) {
        let shape = Some("has contradicting Content-Length fields; its end cannot be found");
        return Body { framing: Framing::Unknown, codings: None, shape };
    }
    let shape = all().nth(1).is_some().then_some("has the same Content-Length more than once");
    let framing = if length == 0 { Framing::None } else { Framing::Length(length) };
    Body { framing, shape, ..NO_BODY }
}

/// Digits only: `+5` and `0x5` are read in different ways by different readers.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::exchange::Header;

    fn fields(list: &[(&str, &str)]) -> Fields {
        list.iter().map(|(name, value)| Header { name, value: Some(value) }).collect()
    }

    fn check(list: &[(&str, &str)], request: Framing, response: Framing, shape: bool) {
        let fields = fields(list);
        let (of_request, of_response) = (of_request(&fields, 1), of_response(&fields, 1, 200, "GET"));
        assert_eq!((of_request.framing, of_response.framing), (request, response), "{list:?}");
        assert_eq!((of_request.shape.is_some(), of_response.shape.is_some()), (shape, shape), "{list:?}");
    }

    #[test]
    fn lengths() {
        use Framing::{Chunked, Length, None, Unknown, UntilClose};
        check(&[], None, UntilClose, false);
        check(&[("content-length", "5")], Length(5), Length(5), false);
        check(&[("content-length", "0")], None, None, false);
        check(&[("content-length", "5"), ("Content-Length", "5")], Length(5), Length(5), true);
        check(&[("content-length", "5, 6")], Unknown, Unknown, true);
        check(&[("content-length", "+5")], Unknown, Unknown, true);
        check(&[("content-length", "99999999999999999999")], Unknown, Unknown, true);
        check(&[("transfer-encoding", "Chunked")], Chunked, Chunked, false);
        check(&[("transfer-encoding", "gzip, chunked")], Chunked, Chunked, false);
        check(&[("content-length", "5"), ("transfer-encoding", "chunked")], Chunked, Chunked, true);
        let fields = fields(&[("transfer-encoding", "gzip")]);
        assert_eq!(of_request(&fields, 1).framing, Unknown);
        assert_eq!(of_response(&fields, 1, 200, "GET").framing, UntilClose);
        assert_eq!(of_response(&fields, 1, 200, "HEAD").framing, None);
        assert_eq!(of_response(&fields, 1, 304, "GET").framing, None);
    }
}
