//! Which body a recorded message has, where the recording holds its octets as they were sent.

use bytes::Bytes;

use super::body::{Body, ContentCoding};
use super::exchange::{Headers, Unknown};

/// The part of the recording that `part` is, without a copy where it is one.
pub(super) fn share(content: &Bytes, part: &[u8]) -> Bytes {
    let start = (part.as_ptr() as usize).checked_sub(content.as_ptr() as usize);
    let range = start.and_then(|start| Some(start..start.checked_add(part.len())?));
    match range.filter(|range| range.end <= content.len() && !part.is_empty()) {
        Some(range) => content.slice(range),
        None => Bytes::copy_from_slice(part),
    }
}

/// The body of a request; `octets` without transfer coding, `None` where the recording does not hold them.
pub(super) fn request_body(headers: &Headers, octets: Option<Bytes>) -> Body {
    match octets {
        Some(octets) if !octets.is_empty() => Body::coded(octets, codings(headers)),
        Some(_) if content_length(headers).unwrap_or(0) == 0 => Body::none(),
        _ => Body::not_recorded(Unknown::BodyNotRecorded),
    }
}

/// The body of a response to a request with this method.
pub(super) fn response_body(method: &str, status: u16, headers: &Headers, octets: Option<Bytes>) -> Body {
    // RFC 9112, 6.3: these have no content, whatever the headers say.
    if method.eq_ignore_ascii_case("HEAD") || (100..200).contains(&status) || matches!(status, 204 | 205) {
        return Body::none();
    }
    match octets {
        Some(octets) if !octets.is_empty() => Body::coded(octets, codings(headers)),
        // A 304 has no content of its own; what it stands for is in a cache that was not recorded.
        Some(_) if status != 304 && content_length(headers).unwrap_or(0) == 0 => Body::none(),
        _ => Body::not_recorded(Unknown::BodyNotRecorded),
    }
}

fn codings(headers: &Headers) -> Vec<ContentCoding> {
    headers.get("content-encoding").map(ContentCoding::list).unwrap_or_default()
}

fn content_length(headers: &Headers) -> Option<u64> {
    headers.get("content-length")?.trim().parse().ok()
}
