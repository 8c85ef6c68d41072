//! An entry of a HAR as one tree in which every value can be reached and changed, and back.
//!
//! Headers, queries and forms become objects; JSON bodies stay what they are; event streams, challenges, redirects and
//! JSON Web Tokens are opened. Keys that begin with `$` are of this tree and stand in no recording.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::run::text;

/// The tree of an entry.
pub(super) fn open(entry: &Value) -> Value {
    let url = text(entry, "/request/url");
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let posted = &entry["request"]["postData"];
    let is_form = text(posted, "/mimeType").starts_with("application/x-www-form-urlencoded");
    let is_stream = text(entry, "/response/content/mimeType").starts_with("text/event-stream");
    let answer = &entry["response"]["content"];
    let is_plain = answer.get("encoding").is_none();
    json!({
        "request": {
            "method": entry["request"]["method"],
            "url": base,
            "query": pairs(query),
            "header": headers(&entry["request"]["headers"]),
            "body": match posted.get("text").and_then(Value::as_str) {
                Some(form) if is_form => pairs(form),
                Some(body) => document(body),
                None => Value::Null,
            },
        },
        "response": {
            "status": entry["response"]["status"],
            "header": headers(&entry["response"]["headers"]),
            "body": match answer.get("text").and_then(Value::as_str).filter(|_| is_plain) {
                Some(stream) if is_stream => events(stream),
                Some(body) => document(body),
                None => Value::Null,
            },
        },
    })
}

/// The entry with what the tree holds. `headersSize` and the lengths of bodies follow, so that a header that is gone is
/// one that was never sent, not one that the exporter removed.
pub(super) fn close(tree: &Value, entry: &Value) -> Value {
    let mut made = entry.clone();
    let before = open(entry);
    let request = &tree["request"];
    made["request"]["method"] = request["method"].clone();
    if [&request["url"], &request["query"]] != [&before["request"]["url"], &before["request"]["query"]] {
        made["request"]["url"] = with_query(&folded(&request["url"]), &request["query"]).into();
        made["request"]["queryString"] = json!([]);
    }
    made["response"]["status"] = tree["response"]["status"].clone();
    for side in ["request", "response"] {
        let list = header_list(&tree[side]["header"]);
        if tree[side]["header"] != before[side]["header"] {
            let length = |list: &Value| list.as_array().into_iter().flatten().map(header_length).sum::<i64>();
            if let Some(size) = entry[side]["headersSize"].as_i64().filter(|size| *size > 0) {
                made[side]["headersSize"] = (size + length(&list) - length(&entry[side]["headers"])).into();
            }
            made[side]["headers"] = list;
        }
    }
    if let Some(body) = changed(&request["body"], &before["request"]["body"]) {
        let is_form = text(entry, "/request/postData/mimeType").starts_with("application/x-www-form-urlencoded");
        let body = if is_form { joined(body) } else { written(body) };
        made["request"]["bodySize"] = body.len().into();
        set_length(&mut made, "request", body.len());
        made["request"]["postData"] = json!({ "mimeType": entry["request"]["postData"]["mimeType"], "text": body });
    }
    if let Some(body) = changed(&tree["response"]["body"], &before["response"]["body"]) {
        let body = written(body);
        set_length(&mut made, "response", body.len());
        made["response"]["bodySize"] = body.len().into();
        made["response"]["content"]["size"] = body.len().into();
        made["response"]["content"]["text"] = body.into();
    }
    made
}

fn changed<'a>(now: &'a Value, before: &Value) -> Option<&'a Value> {
    (now != before).then_some(now)
}

fn header_length(header: &Value) -> i64 {
    (text(header, "/name").len() + text(header, "/value").len() + ": \r\n".len()) as i64
}

fn set_length(entry: &mut Value, side: &str, length: usize) {
    let headers = entry[side]["headers"].as_array_mut().into_iter().flatten();
    for header in headers.filter(|header| text(header, "/name").eq_ignore_ascii_case("content-length")) {
        header["value"] = length.to_string().into();
    }
}

fn put(object: &mut Map<String, Value>, name: &str, value: Value) {
    match object.get_mut(name) {
        None => {
            object.insert(name.to_owned(), value);
        }
        Some(Value::Array(values)) => values.push(value),
        Some(first) => *first = json!([first.clone(), value]),
    }
}

fn headers(list: &Value) -> Value {
    let mut object = Map::new();
    for header in list.as_array().into_iter().flatten() {
        let (name, value) = (text(header, "/name").to_ascii_lowercase(), text(header, "/value"));
        let value = match &*name {
            "www-authenticate" => challenge(value),
            "authorization" => credentials(value),
            "location" => redirect(value),
            _ => token(value),
        };
        put(&mut object, &name, value);
    }
    object.into()
}

fn header_list(object: &Value) -> Value {
    let one = |name: &str, value: &Value| json!({ "name": name, "value": folded(value) });
    let of = |(name, value): (&String, &Value)| match value {
        Value::Array(values) => values.iter().map(|value| one(name, value)).collect(),
        value => vec![one(name, value)],
    };
    object.as_object().into_iter().flatten().flat_map(of).collect()
}

/// A query or a form.
fn pairs(text: &str) -> Value {
    let mut object = Map::new();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        put(&mut object, &name, token(&value));
    }
    object.into()
}

fn joined(object: &Value) -> String {
    let mut written = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in object.as_object().into_iter().flatten() {
        match value {
            Value::Array(values) => values.iter().for_each(|value| {
                written.append_pair(name, &folded(value));
            }),
            value => {
                written.append_pair(name, &folded(value));
            }
        }
    }
    written.finish()
}

fn with_query(base: &str, query: &Value) -> String {
    let query = joined(query);
    if query.is_empty() { base.to_owned() } else { format!("{base}?{query}") }
}

/// A body: JSON, or a text.
fn document(body: &str) -> Value {
    match serde_json::from_str::<Value>(body) {
        Ok(mut value) => {
            open_tokens(&mut value);
            value
        }
        Err(_) => body.into(),
    }
}

fn open_tokens(value: &mut Value) {
    match value {
        Value::String(text) => *value = token(text),
        Value::Array(items) => items.iter_mut().for_each(open_tokens),
        Value::Object(members) => members.values_mut().for_each(open_tokens),
        _ => {}
    }
}

/// Events of a stream (HTML standard, 9.2.5): `{ "event": { "id": ... }, "$data": ... }`.
fn events(stream: &str) -> Value {
    let mut list = Vec::new();
    for block in stream.replace("\r\n", "\n").split("\n\n").filter(|block| !block.is_empty()) {
        let mut fields = Map::new();
        let mut data: Option<String> = None;
        for line in block.lines() {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match (name, &mut data) {
                ("data", Some(data)) => *data += &format!("\n{value}"),
                ("data", None) => data = Some(value.to_owned()),
                _ => put(&mut fields, name, value.into()),
            }
        }
        list.push(json!({ "event": fields, "$data": data.as_deref().map_or(Value::Null, document) }));
    }
    json!({ "$events": list })
}

fn stream(events: &Value) -> String {
    let mut written = String::new();
    for event in events.as_array().into_iter().flatten() {
        for (name, value) in event["event"].as_object().into_iter().flatten() {
            written += &format!("{name}: {}\n", folded(value));
        }
        if !event["$data"].is_null() {
            written.extend(body(&event["$data"]).lines().map(|line| format!("data: {line}\n")));
            if body(&event["$data"]).is_empty() {
                written += "data:\n";
            }
        }
        written += "\n";
    }
    written
}

fn written(tree: &Value) -> String {
    match tree.get("$events") {
        Some(events) => stream(events),
        None => body(tree),
    }
}

fn body(tree: &Value) -> String {
    match tree {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        tree => {
            let mut tree = tree.clone();
            close_tokens(&mut tree);
            tree.to_string()
        }
    }
}

fn close_tokens(value: &mut Value) {
    if value.get("$jwt").is_some() {
        *value = folded(value).into();
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(close_tokens),
        Value::Object(members) => members.values_mut().for_each(close_tokens),
        _ => {}
    }
}

/// `Bearer` and a JSON Web Token, or the header as it is.
fn credentials(value: &str) -> Value {
    match value.split_once(' ').map(|(scheme, rest)| (scheme, token(rest))) {
        Some((scheme, Value::Object(opened))) => json!({ "$scheme": scheme, "$token": opened }),
        _ => value.into(),
    }
}

/// A JSON Web Token (RFC 7519, 3), or the text as it is.
fn token(text: &str) -> Value {
    let part = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    let mut parts = text.split('.');
    let opened = (|| {
        let (head, claims) = (part(parts.next()?)?, part(parts.next()?)?);
        let signature = parts.next()?;
        let whole = head.is_object() && claims.is_object() && parts.next().is_none();
        whole.then(|| json!({ "$jwt": { "$head": head, "$claims": claims, "$signature": signature } }))
    })();
    opened.unwrap_or_else(|| text.into())
}

/// A challenge (RFC 9110, 11.6.1) with parameters, or the header as it is.
fn challenge(value: &str) -> Value {
    let opened = (|| {
        let (scheme, mut rest) = value.split_once(' ')?;
        let mut parameters = Map::new();
        while !rest.is_empty() {
            let (name, after) = rest.split_once("=\"")?;
            let (value, after) = after.split_once('"')?;
            parameters.insert(name.trim_matches([' ', ',']).to_owned(), value.into());
            rest = after;
        }
        Some(json!({ "$scheme": scheme, "$parameters": parameters }))
    })();
    opened.unwrap_or_else(|| value.into())
}

fn redirect(value: &str) -> Value {
    match value.split_once('?') {
        Some((base, query)) => json!({ "$base": base, "$query": pairs(query) }),
        None => value.into(),
    }
}

/// A value as the text that stands in the recording.
pub(super) fn folded(value: &Value) -> String {
    let coded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Object(opened) => {
            if let Some(jwt) = opened.get("$jwt") {
                let part = |name: &str| jwt.get(name).cloned().unwrap_or_default();
                let (head, claims) = (coded(&part("$head")), coded(&part("$claims")));
                return format!("{head}.{claims}.{}", folded(&part("$signature")));
            }
            if let Some(query) = opened.get("$query") {
                return with_query(&opened.get("$base").map(folded).unwrap_or_default(), query);
            }
            let Some(scheme) = opened.get("$scheme").map(folded) else { return value.to_string() };
            match (opened.get("$token"), opened.get("$parameters").and_then(Value::as_object)) {
                (Some(token), _) => format!("{scheme} {}", folded(token)),
                (None, Some(parameters)) => {
                    let one = |(name, value): (&String, &Value)| format!("{name}=\"{}\"", folded(value));
                    format!("{scheme} {}", parameters.iter().map(one).collect::<Vec<_>>().join(", "))
                }
                (None, None) => scheme,
            }
        }
        other => other.to_string(),
    }
}
