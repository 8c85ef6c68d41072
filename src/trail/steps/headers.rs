//! What the headers of a request say of the message in its body (MCP 2026-07-28, Streamable HTTP, request metadata).

use std::sync::Arc;

use crate::decode::exchange::{HeaderValue, Unknown, Withheld};
use crate::trail::read::jsonrpc::Message;
use crate::trail::read::param_header;
use crate::trail::record::{Record, State, Value};
use crate::trail::schema::Field;
use crate::trail::view::View;

pub(super) fn fill(record: &mut Record, message: &Message, view: &View<'_>) {
    let name = match view.request_header("mcp-name") {
        State::Present(Value::Text(value)) => State::text(Some(&param_header::decode(&value))),
        other => other,
    };
    record.set(Field::NameHeader, name, "request.header.mcp-name");
    let member = match message.method() {
        Some("tools/call" | "prompts/get") => Some("name"),
        Some("resources/read") => Some("uri"),
        _ => None,
    };
    let expected = member.and_then(|member| message.params()?.get(member)?.as_str());
    let part = if member == Some("uri") { "request.body.params.uri" } else { "request.body.params.name" };
    record.set(Field::ExpectedName, State::text(expected), part);
    fill_mirrored(record, view);
}

fn fill_mirrored(record: &mut Record, view: &View<'_>) {
    const PART: &str = "request.header.mcp-param-*";
    let headers = &view.exchange.request.headers;
    let (mut values, mut bad): (Vec<Arc<str>>, Vec<Arc<str>>) = (Vec::new(), Vec::new());
    let mut masked = false;
    for header in &headers.list {
        let name = header.name.to_ascii_lowercase();
        let param = name.strip_prefix(param_header::PREFIX);
        if param.is_none() && name != "mcp-name" {
            continue;
        }
        let HeaderValue::Text(value) = &header.value else {
            masked = true;
            continue;
        };
        if param_header::is_unsafe(value) {
            bad.push(name.as_str().into());
        }
        values.extend(param.map(|param| Arc::from(pair(param, &param_header::decode(value)))));
    }
    values.sort_unstable();
    let (values, bad) = if masked {
        (State::Unread(Unknown::RemovedByExporter), State::Unknown(Unknown::RemovedByExporter))
    } else if headers.withheld == Withheld::Everything {
        (State::Unknown(Unknown::HeadersNotRecorded), State::Unknown(Unknown::HeadersNotRecorded))
    } else {
        (list(values), list(bad))
    };
    record.set(Field::ParamHeaders, values, PART);
    record.set(Field::UnsafeHeaders, bad, "request.header");
}

/// A header and its value in one text.
pub(crate) fn pair(name: &str, value: &str) -> String {
    format!("{}={value}", name.to_ascii_lowercase())
}

fn list(items: Vec<Arc<str>>) -> State {
    if items.is_empty() { State::Absent } else { State::Present(Value::List(items)) }
}
