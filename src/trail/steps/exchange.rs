//! What the bodies of an MCP exchange are, apart from what their messages say: kinds, batches, streams, era.

use super::{Context, event, message};
use crate::decode::exchange::Unknown;
use crate::trail::read::content::Content;
use crate::trail::record::{Record, State, Value};
use crate::trail::schema::Field;
use crate::trail::view::View;

pub(super) fn fill(view: &View<'_>, record: &mut Record, context: &Context<'_>) {
    let messages = view.client_messages();
    let kinds = match (&view.form, messages.is_empty()) {
        (Err(reason), _) => State::Unknown(*reason),
        (Ok(_), true) if view.is_unopened() => State::Unknown(Unknown::BodyPassedOver),
        (Ok(_), true) => State::Absent,
        (Ok(_), false) => State::Present(message::kinds(messages)),
    };
    let batch = match &view.form {
        Err(reason) => State::Unknown(*reason),
        Ok(_) if view.is_unopened() => State::Unknown(Unknown::BodyPassedOver),
        Ok(_) => number(view.batch()),
    };
    record.set(Field::MessageKinds, kinds, "request.body");
    record.set(Field::BatchSize, batch, "request.body");
    record.set(Field::Charset, charset(view.request_header("content-type")), "request.header.content-type");
    let response_charset = charset(view.response_header("content-type"));
    record.set(Field::ResponseCharset, response_charset, "response.header.content-type");
    let buffering = view.response_header("x-accel-buffering");
    record.set(Field::AccelBuffering, buffering, "response.header.x-accel-buffering");
    fill_answer(view, record, context);
    fill_era(view, record, context);
}

fn fill_answer(view: &View<'_>, record: &mut Record, context: &Context<'_>) {
    let content = view.content(context.limits);
    let of = |read: &dyn Fn(&Content) -> State| match content {
        Err(reason) => State::Unknown(reason),
        Ok(None) => State::Absent,
        Ok(Some(content)) => read(content),
    };
    let kinds = of(&|content| {
        let none = content.messages().next().is_none();
        if none { State::Absent } else { State::Present(message::kinds(content.messages())) }
    });
    record.set(Field::AnswerKinds, kinds, "response.body");
    record.set(Field::AnswerCount, of(&|content| number(Some(content.messages().count()))), "response.body");
    let length = match content {
        Ok(None) if view.exchange.answer.response().is_some() => number(Some(0)),
        _ => of(&|content| number(Some(content.length))),
    };
    record.set(Field::ResponseLength, length, "response.body");
    let last_id = of(&|content| State::text(content.events.iter().rev().find_map(|event| event.id.as_deref())));
    record.set(Field::LastSentEventId, last_id, "response.body.event.id");
    let retry = of(&|content| event::milliseconds(content.events.iter().rev().find_map(|event| event.retry)));
    record.set(Field::StreamRetry, retry, "response.body.event.retry");
    let announced = of(&|_| State::text(view.announced_uri(context.limits).as_deref()));
    record.set(Field::AnnouncedUri, announced, "response.body.event.data");
}

fn number(number: Option<usize>) -> State {
    let number = number.map(|number| Value::Number(i64::try_from(number).unwrap_or(i64::MAX)));
    number.map_or(State::Absent, State::Present)
}

/// `charset` of a media type, lower case (RFC 9110, 8.3.2).
fn charset(state: State) -> State {
    let State::Present(Value::Text(value)) = &state else { return state };
    let mut parameters = value.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let found = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    let charset = found.map(|(_, value)| value.trim().trim_matches('"').to_ascii_lowercase());
    State::text(charset.as_deref())
}

/// Which shape of the protocol the request has.
fn fill_era(view: &View<'_>, record: &mut Record, context: &Context<'_>) {
    let by_body = view.messages().iter().any(|message| message.meta_version().is_some());
    let by_header = view.exchange.request.headers.get("mcp-method").is_some();
    let (era, part) = if by_header {
        ("modern", "request.header.mcp-method")
    } else if by_body {
        ("modern", "request.body.params._meta")
    } else if is_old_transport(view, context) {
        ("http+sse", "request.url")
    } else {
        ("streamable", "request.body.params._meta")
    };
    record.set(Field::Era, State::text(Some(era)), part);
}

/// Whether a request goes by the transport of 2024-11-05: it opens a stream that announces an endpoint, or is sent to an
/// endpoint so announced.
fn is_old_transport(view: &View<'_>, context: &Context<'_>) -> bool {
    let has = |name: &str| view.exchange.request.headers.get(name).is_some();
    match view.method() {
        "GET" => {
            context.directory.announced.is_stream(view.endpoint()) && !has("mcp-session-id") && !has("last-event-id")
        }
        "POST" => context.directory.announced.is_target(&view.url, view.endpoint()),
        _ => false,
    }
}
