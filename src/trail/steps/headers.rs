//! What the headers of a request say of the message in its body (MCP 2026-07-28, Streamable HTTP, request metadata).

use std::sync::Arc;

use crate::decode::exchange::{Unknown, Withheld};
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
    for header in headers.list.iter() {
        let name = header.name.to_ascii_lowercase();
        let param = name.strip_prefix(param_header::PREFIX);
        if param.is_none() && name != "mcp-name" {
            continue;
        }
        let Some(value) = header.value else {
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

/// A header and its value in one text. Servers compare whole numbers as numbers (MCP 2026-07-28, server validation), so
/// `42.0` is written `42`.
pub(crate) fn pair(name: &str, value: &str) -> String {
    let whole = value.split_once('.').filter(|(whole, rest)| {
        let digits = whole.strip_prefix('-').unwrap_or(whole);
        let all = |text: &str, fits: fn(&u8) -> bool| !text.is_empty() && text.as_bytes().iter().all(fits);
        all(digits, u8::is_ascii_digit) && all(rest, |octet| *octet == b'0')
    });
    format!("{}={}", name.to_ascii_lowercase(), whole.map_or(value, |(whole, _)| whole))
}

fn list(items: Vec<Arc<str>>) -> State {
    if items.is_empty() { State::Absent } else { State::Present(Value::List(items)) }
}

#[cfg(test)]
mod tests {
    use super::pair;

    #[test]
    fn whole_numbers_are_written_one_way() {
        let cases = [
            ("42", "42"),
            ("42.0", "42"),
            ("-7.00", "-7"),
            ("42.5", "42.5"),
            ("a.0", "a.0"),
            (".0", ".0"),
            ("1.", "1."),
        ];
        for (value, expected) in cases {
            assert_eq!(pair("Mcp-Param-N", value), format!("mcp-param-n={expected}"));
        }
    }
}
