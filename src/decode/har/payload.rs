//! Which body a HAR entry holds: recorded, none for certain, or not recorded. In doubt it is not recorded.

use bytes::Bytes;
use percent_encoding::percent_decode;

use super::headers::List;
use super::model::{Entry, Event, PostData, Request};
use super::recorder::Recorder;
use crate::capture::limits::Limits;
use crate::decode::body::{Body, ContentCoding};
use crate::decode::exchange::{Header, Headers, Unknown, Withheld};
use crate::decode::fields::{as_given, is_mask};
use crate::decode::json_text;
use crate::decode::url::form_part;

const NOT_RECORDED: Unknown = Unknown::BodyNotRecorded;

/// The body of a request.
pub(super) fn of_request(
    request: &Request<'_>,
    headers: &Headers,
    content: &Bytes,
    recorder: Recorder,
    limits: &Limits,
) -> Body {
    let post: PostData<'_> = request.post_data.0.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    let codings = codings(headers);
    if recorder == Recorder::Firefox && post.comment.given().is_some() {
        // "Request bodies are not included."; the text beside it is cut.
        return Body::not_recorded(NOT_RECORDED);
    }
    if let Some(raw) = post.text.0.and_then(|json| string_content(json, content)).filter(|raw| !raw.is_empty()) {
        let base64 = [&post.encoding, &post.own_encoding].iter().any(|encoding| is_base64(encoding.given()));
        let sent = content_length(headers).or(request.body_size.count());
        if !base64 && codings.is_empty() && is_cut_form(&raw, headers, sent) {
            return Body::not_recorded(Unknown::BodyUnreadable);
        }
        return Body::json_text(raw, base64, codings);
    }
    if let Some(form) = post.params.0.and_then(|json| form(json, &post, recorder, limits)) {
        return form;
    }
    let length = content_length(headers);
    if length == Some(0) {
        return Body::none();
    }
    if length.is_some() || chunked(headers) || request.body_size.count() > Some(0) {
        return Body::not_recorded(NOT_RECORDED);
    }
    // RFC 9110, 9.3: content has no meaning in these, and browsers send none.
    let method = request.method.given().unwrap_or_default();
    let bare =
        ["GET", "HEAD", "OPTIONS", "DELETE", "TRACE", "CONNECT"].iter().any(|name| method.eq_ignore_ascii_case(name));
    // RFC 9112, 6.3: a request that names no length has no content, if the list of its headers is whole.
    let whole_list = headers.withheld != Withheld::Everything && !headers.list.is_empty();
    let http1 = request.version.given().is_some_and(|version| version.to_ascii_lowercase().starts_with("http/1"));
    if bare || (http1 && whole_list) || post.text.0.is_some() { Body::none() } else { Body::not_recorded(NOT_RECORDED) }
}

/// Whether this is a form of which more octets were sent. One in which masks stand for values may be shorter and whole.
fn is_cut_form(raw: &[u8], headers: &Headers, sent: Option<u64>) -> bool {
    let is_form = |value: &str| value.starts_with("application/x-www-form-urlencoded");
    if !headers.get("content-type").is_some_and(is_form) || sent.is_none_or(|sent| sent <= json_text::length(raw)) {
        return false;
    }
    let mut values = raw.split(|octet| *octet == b'&').filter_map(|pair| pair.splitn(2, |octet| *octet == b'=').nth(1));
    !values.any(|value| is_mask(&percent_decode(value).decode_utf8_lossy()))
}

/// The form that a list of parameters stands for; `None` where there are none. A multipart body cannot be rebuilt: its
/// boundary is not in the list.
fn form(json: &str, post: &PostData<'_>, recorder: Recorder, limits: &Limits) -> Option<Body> {
    let pairs = serde_json::from_str::<List<'_>>(json).ok()?.pairs(limits.body)?;
    if pairs.len() == 0 {
        return None;
    }
    let mime_type = post.mime_type.given().unwrap_or("application/x-www-form-urlencoded");
    if pairs.over_limit || !mime_type.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return Some(Body::not_recorded(NOT_RECORDED));
    }
    let part = |text: &str| match recorder {
        // Chromium lists the parameters as they were sent.
        Recorder::Chromium => text.to_owned(),
        _ => form_part(text),
    };
    let pair = |pair: Header<'_>| format!("{}={}", part(pair.name), part(pair.value.unwrap_or_default()));
    let pairs: Vec<String> = as_given(pairs).iter().map(pair).collect();
    Some(Body::plain(pairs.join("&")))
}

/// The body of a response to a request with this method.
pub(super) fn of_response(
    method: &str,
    status: u16,
    entry: &Entry<'_>,
    headers: &Headers,
    content: &Bytes,
    limits: &Limits,
) -> Body {
    let response = &entry.response;
    // RFC 9112, 6.3: these have no content, whatever the headers say.
    if method.eq_ignore_ascii_case("HEAD") || (100..200).contains(&status) || matches!(status, 204 | 205) {
        return Body::none();
    }
    let length = content_length(headers);
    let size = response.content.size.count();
    let not_recorded = || match entry.events.0.and_then(|json| event_stream(json, limits)) {
        Some(stream) => Body::plain(stream),
        None => Body::not_recorded(NOT_RECORDED),
    };
    if let Some(raw) = response.content.text.0.and_then(|json| string_content(json, content)) {
        // mitmproxy writes an empty text for a stream that it passed on without keeping it.
        let stream = headers.get("content-type").is_some_and(|value| value.starts_with("text/event-stream"));
        let lost = raw.is_empty() && (size > Some(0) || length > Some(0) || status == 304 || stream);
        return match lost {
            true => not_recorded(),
            false if raw.is_empty() => Body::none(),
            false => Body::json_text(raw, is_base64(response.content.encoding.given()), codings(headers)),
        };
    }
    // A 304 has no content of its own; what it stands for is in a cache that was not recorded.
    let none = length == Some(0) && size.unwrap_or(0) == 0 && status != 304;
    if none { Body::none() } else { not_recorded() }
}

/// The stream that a list of events stands for (HTML standard, 9.2.5): Chromium keeps them where it keeps no body.
fn event_stream(json: &str, limits: &Limits) -> Option<String> {
    let events: Vec<Event<'_>> = serde_json::from_str(json).ok()?;
    let mut stream = String::new();
    let mut last_id = String::new();
    for event in events {
        // Chromium writes the last id beside every event, also those that brought none.
        if let Some(id) = event.id.given().filter(|id| *id != last_id) {
            stream += &format!("id: {id}\n");
            last_id = id.to_owned();
        }
        if let Some(name) = event.name.given().filter(|name| *name != "message") {
            stream += &format!("event: {name}\n");
        }
        for line in event.text.0.as_deref().unwrap_or_default().split('\n') {
            stream += &format!("data: {line}\n");
        }
        stream.push('\n');
        if stream.len() > limits.body {
            return None;
        }
    }
    (!stream.is_empty()).then_some(stream)
}

/// What stands between the quotes of a JSON string, as a slice of the file.
fn string_content(json: &str, content: &Bytes) -> Option<Bytes> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    let start = (inner.as_ptr() as usize).checked_sub(content.as_ptr() as usize)?;
    let end = start.checked_add(inner.len())?;
    (end <= content.len()).then(|| content.slice(start..end))
}

fn is_base64(encoding: Option<&str>) -> bool {
    encoding.is_some_and(|encoding| encoding.eq_ignore_ascii_case("base64"))
}

/// The codings that may be left. A file that is itself compressed is no coding of the message.
fn codings(headers: &Headers) -> Vec<ContentCoding> {
    let packed = ["gzip", "zstd", "x-gtar", "x-compressed", "x-tgz"];
    let is_file = headers.get("content-type").is_some_and(|value| packed.iter().any(|name| value.contains(name)));
    match headers.get("content-encoding") {
        Some(value) if !is_file => ContentCoding::list(value),
        _ => Vec::new(),
    }
}

fn content_length(headers: &Headers) -> Option<u64> {
    headers.get("content-length")?.trim().parse().ok()
}

fn chunked(headers: &Headers) -> bool {
    headers.get("transfer-encoding").is_some_and(|value| value.to_ascii_lowercase().contains("chunked"))
}

#[cfg(test)]
mod tests {
    use super::super::entry::{self, Context};
    use super::*;
    use crate::decode::exchange::Exchange;
    use crate::evidence::CaptureId;

    fn exchange(request: &str, response: &str, recorder: Recorder) -> Exchange {
        let json = format!(r#"{{"request":{{"url":"http://h/",{request}}},"response":{{"status":200,{response}}}}}"#);
        let context = Context { capture: CaptureId(0), recorder, limits: &Limits::default() };
        let (read, problems) = entry::read_whole(&Bytes::from(json), 0, context);
        assert_eq!(problems, Vec::<String>::new());
        read.unwrap().0
    }

    fn shown(body: &Body) -> String {
        match body.text(&Limits::default()) {
            Ok(Some(text)) => text.into_owned(),
            Ok(None) => "(none)".to_owned(),
            Err(reason) => format!("({})", reason.reason()),
        }
    }

    const LOST: &str = "(the recording holds no body here)";

    fn check_request(request: &str, expected: &str) {
        let exchange = exchange(request, r#""headers":[]"#, Recorder::Other);
        assert_eq!(shown(&exchange.request.body), expected, "{request}");
    }

    #[test]
    fn bodies_of_requests() {
        check_request(r#""method":"POST","postData":{"text":"a=b\u0026c","params":[]}"#, "a=b&c");
        check_request(r#""method":"POST","postData":{"text":"aGk=","encoding":"base64"}"#, "hi");
        check_request(r#""method":"POST","postData":{"text":""}"#, "(none)");
        check_request(r#""method":"GET","headers":[]"#, "(none)");
        check_request(r#""method":"POST","headers":[]"#, LOST);
        check_request(r#""method":"POST","bodySize":7,"headers":[["Host","h"]],"httpVersion":"HTTP/1.1""#, LOST);
        check_request(r#""method":"POST","bodySize":0,"headers":[["Host","h"]],"httpVersion":"HTTP/1.1""#, "(none)");
        check_request(r#""method":"POST","headers":[["Content-Length","0"]],"httpVersion":"h2""#, "(none)");
        check_request(r#""method":"GET","headers":[["content-length","5"]]"#, LOST);
    }

    #[test]
    fn forms_are_rebuilt_from_their_parameters() {
        let params = r#""method":"POST","postData":{"mimeType":"application/x-www-form-urlencoded","params":
            [{"name":"redirect_uri","value":"http://h/a b?c=ä"},{"name":"x"}]}"#;
        check_request(params, "redirect_uri=http%3A%2F%2Fh%2Fa+b%3Fc%3D%C3%A4&x=");
        let encoded = params.replace("http://h/a b?c=ä", "http%3A%2F%2Fh");
        let exchange = exchange(&encoded, r#""headers":[]"#, Recorder::Chromium);
        assert_eq!(shown(&exchange.request.body), "redirect_uri=http%3A%2F%2Fh&x=");
        check_request(&params.replace("application/x-www-form-urlencoded", "multipart/form-data; boundary=b"), LOST);
    }

    fn check_response(response: &str, expected: &str) {
        let exchange = exchange(r#""method":"GET""#, response, Recorder::Other);
        assert_eq!(shown(&exchange.answer.response().unwrap().body), expected, "{response}");
    }

    #[test]
    fn bodies_of_responses() {
        check_response(r#""content":{"size":2,"text":"ok"}"#, "ok");
        check_response(r#""content":{"size":2,"text":"b2s=","encoding":"Base64"}"#, "ok");
        check_response(r#""content":{"size":0,"text":""}"#, "(none)");
        check_response(r#""content":{"size":9,"text":""}"#, LOST);
        check_response(r#""content":{"size":0,"text":""},"headers":[["Content-Length","9"]]"#, LOST);
        check_response(r#""content":{"size":0},"headers":[["Content-Length","0"]]"#, "(none)");
        check_response(r#""content":{"size":0}"#, LOST);
        check_response(r#""content":{"size":0,"text":null}"#, LOST);
        check_response(r#""content":{}"#, LOST);
        check_response(r#""status":204,"content":{"size":0}"#, "(none)");
        check_response(r#""status":304,"content":{"size":0,"text":""}"#, LOST);
        check_response(r#""status":304,"content":{"size":2,"text":"ok"}"#, "ok");
        check_response(r#""content":{"text":""},"headers":[["Content-Type","text/event-stream"]]"#, LOST);
    }

    #[test]
    fn events_stand_for_a_stream_that_is_not_kept() {
        let events = r#"},"_eventSourceMessages":[{"time":1.5,"eventName":"message","eventId":"e1","data":"{}"},
            {"eventName":"endpoint","eventId":"e1","data":"a\nb"}],"x":{"y":1"#;
        let stream = "id: e1\ndata: {}\n\nevent: endpoint\ndata: a\ndata: b\n\n";
        check_response(&format!(r#""content":{{"size":0}}{events}"#), stream);
        check_response(&format!(r#""content":{{"size":2,"text":"ok"}}{events}"#), "ok");
    }

    #[test]
    fn an_answer_to_head_has_no_body() {
        let exchange = exchange(r#""method":"HEAD""#, r#""headers":[["Content-Length","9"]]"#, Recorder::Other);
        assert_eq!(shown(&exchange.answer.response().unwrap().body), "(none)");
    }
}
