//! What else could stand in the place of a value.

use authtrail::check::language::{Condition, Form, Operand};
use authtrail::trail::record::Value as Told;
use serde_json::{Value, json};

use super::message::folded;

/// Values to put in the place of `value`, those that a page asks about first.
pub(super) fn others(value: &Value, asked: &[Told]) -> Vec<Value> {
    let mut found: Vec<Value> = asked.iter().flat_map(|asked| like(value, asked)).collect();
    match value {
        Value::String(text) => {
            found.extend(texts(text).into_iter().map(Value::from));
            found.extend([json!(7), Value::Null]);
        }
        Value::Number(number) => {
            let number = number.as_i64().unwrap_or_default();
            found.extend([number + 1, 0, -1, number.saturating_mul(1000), number - 5, number - 7200].map(Value::from));
            found.extend([number.to_string().into(), json!(1.5), Value::Null]);
        }
        Value::Bool(flag) => found.extend([(!flag).into(), flag.to_string().into()]),
        Value::Array(items) => {
            found.push(json!([]));
            found.extend((0..items.len()).map(|at| [&items[..at], &items[at + 1..]].concat().into()));
            let more = items.first().map_or_else(|| json!("other"), changed_copy);
            found.push([&items[..], &[more]].concat().into());
            found.push(items.iter().rev().cloned().collect());
            found.push(items.iter().map(changed_copy).collect());
        }
        Value::Object(members) => {
            if let Some((name, again)) = members.get("$parameters").and_then(|list| list.as_object()?.iter().next()) {
                found.push(format!("{}, {name}=\"{}\"", folded(value), folded(again)).into());
            }
            if members.keys().any(|name| name.starts_with('$')) {
                found.extend(texts(&folded(value)).into_iter().map(Value::from));
            }
            if members.contains_key("jsonrpc") {
                found.extend(messages(members.get("id")));
                found.extend([("result", json!({})), ("error", json!({ "code": -32603, "message": "" }))].map(
                    |(name, member)| {
                        let mut both = members.clone();
                        both.insert(name.to_owned(), member);
                        both.into()
                    },
                ));
            }
            found.extend([json!([value]), json!([value, value])]);
            let mut more = members.clone();
            more.insert("other".to_owned(), json!({}));
            // No name of a key in `_meta` (MCP, `_meta`): white space, and a prefix that begins with a hyphen.
            let mut odd = members.clone();
            odd.insert("-other/ key".to_owned(), json!({}));
            found.extend([more.into(), odd.into(), json!({})]);
        }
        Value::Null => {
            found.extend(messages(None));
            found.extend([json!("other"), json!({})]);
        }
    }
    found.retain(|other| other != value);
    found
}

/// Messages of each kind: alone they are of another kind, direction or meaning than the one that stood there.
fn messages(id: Option<&Value>) -> Vec<Value> {
    let id = id.cloned().unwrap_or(json!(7));
    vec![
        json!({ "jsonrpc": "2.0", "id": id, "method": "ping" }),
        json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": {} }),
        json!({ "jsonrpc": "2.0", "id": id, "result": {} }),
        json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32603, "message": "" } }),
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": "other" } }),
    ]
}

/// The same name once more, as a query, a form and a list of headers can have it.
pub(super) fn twice(value: &Value) -> Option<Value> {
    let text = value.as_str()?;
    Some(json!([text, format!("{text}x")]))
}

/// Values for a place where nothing stands.
pub(super) fn new(asked: &[Told]) -> Vec<Value> {
    let forms = [json!(""), json!([]), json!(0), json!(false)];
    let mut found: Vec<Value> =
        forms.iter().flat_map(|form| asked.iter().flat_map(|asked| like(form, asked))).collect();
    found.extend([json!("other"), json!(["other"]), json!(1), json!({ "other": {} }), json!(true)]);
    found
}

/// What stands on the right of a condition, and examples of its form.
pub(super) fn constants(condition: &Condition) -> Vec<Told> {
    match &condition.operand {
        Operand::Constant(value) => vec![value.clone()],
        Operand::OneOf(values) => values.clone(),
        Operand::Form(form) => vec![example(*form).into()],
        Operand::None | Operand::Of(_) | Operand::OfWithin(..) => Vec::new(),
    }
}

fn example(form: Form) -> &'static str {
    match form {
        Form::HttpsUrl => "https://other.example/client.json",
        Form::AbsoluteUri => "https://other.example/mcp",
        Form::LoopbackRedirect => "http://127.0.0.1:4711/callback",
        Form::PkceVerifier => "other-verifier-of-forty-three-characters-12",
        Form::B64token | Form::BareToken | Form::VisibleAscii => "other",
    }
}

/// A value of a record in the form that a value of the recording has.
fn like(form: &Value, told: &Told) -> Vec<Value> {
    match (told, form) {
        (Told::Text(text), Value::Array(items)) => {
            let more = items.iter().cloned().chain([json!(&**text)]).collect();
            vec![json!([&**text]), more]
        }
        (Told::Text(text), Value::Number(_)) => text.parse::<i64>().ok().map(Value::from).into_iter().collect(),
        (Told::Text(_), Value::Bool(_)) => Vec::new(),
        (Told::Text(text), Value::String(old)) if !old.is_empty() => {
            vec![json!(&**text), format!("{old} {text}").into(), format!("{old}, {text}").into()]
        }
        (Told::Text(text), _) => vec![json!(&**text)],
        (Told::Number(number), Value::String(_)) => vec![number.to_string().into()],
        (Told::Number(number), _) => vec![(*number).into(), number.saturating_add(1).into()],
        (Told::Flag(flag), _) => vec![(*flag).into()],
        (Told::List(items), Value::String(_)) => {
            vec![items.join(" ").into(), items.join(", ").into()]
        }
        (Told::List(items), _) => vec![items.iter().map(|item| json!(&**item)).collect()],
    }
}

fn changed_copy(value: &Value) -> Value {
    match value {
        Value::String(text) => texts(text).into_iter().next().unwrap_or_default().into(),
        other => others(other, &[]).into_iter().next().unwrap_or_default(),
    }
}

fn texts(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Some((scheme, rest)) = text.split_once("://") {
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        found.push(format!("{scheme}://other.example/{path}"));
        found.push(format!("{scheme}://{host}/other/{path}"));
        found.push(format!("{scheme}://{host}"));
        found.push(format!("{scheme}://{host}/{}", path.rsplit('/').next().unwrap_or_default()));
        found.push(text.replacen("https://", "http://", 1));
        found.push(format!("{text}/"));
        found.push(format!("{text}?other=1"));
    }
    if let Some((base, (name, rest))) =
        text.split_once("/.well-known/").map(|(base, rest)| (base, rest.split_once('/').unwrap_or((rest, ""))))
    {
        let origin = base.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        let path = if rest.is_empty() { base[origin.len()..].trim_matches('/') } else { rest };
        let path = if path.is_empty() { "mcp" } else { path };
        let other = if name == "openid-configuration" { "oauth-authorization-server" } else { "openid-configuration" };
        for name in [name, other] {
            found.push(format!("{origin}/.well-known/{name}"));
            found.push(format!("{origin}/.well-known/{name}/{path}"));
            found.push(format!("{origin}/{path}/.well-known/{name}"));
        }
    }
    if let Ok(date) = jiff::fmt::rfc2822::parse(text) {
        let later = date.timestamp().as_second() + 366 * 86_400;
        let printed = jiff::Timestamp::from_second(later)
            .ok()
            .and_then(|later| jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&later).ok());
        found.extend(printed);
    }
    for separator in [" ", ", ", ","] {
        let items: Vec<&str> = text.split(separator).collect();
        if items.len() > 1 {
            let without = |at: usize| [&items[..at], &items[at + 1..]].concat().join(separator);
            found.extend((0..items.len()).map(without));
        }
    }
    if let Ok(number) = text.parse::<i64>() {
        found.extend([number + 1, 0, number.saturating_mul(1000)].map(|number| number.to_string()));
    }
    if let Some((_, other)) = [("Bearer", "DPoP"), ("DPoP", "Bearer")].iter().find(|(scheme, _)| *scheme == text) {
        found.push((*other).to_owned());
    }
    let half = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
    found.push(format!("{text}x"));
    found.push(format!("{text}\u{e9}"));
    found.push(text[..half].to_owned());
    found.push(format!("{text} other"));
    found.push(format!("\"{text}\""));
    found.push(String::new());
    found.push(text.to_ascii_uppercase());
    found
}
