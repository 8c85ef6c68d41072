//! Values of a call mirrored in headers: `Mcp-Name` and `Mcp-Param-*` (MCP 2026-07-28, Streamable HTTP, request metadata).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};

/// Deepest property that is looked at.
const DEEPEST: usize = 32;
/// What begins the name of a header that mirrors a parameter, lower case.
pub const PREFIX: &str = "mcp-param-";
const OPEN: &str = "=?base64?";
const CLOSE: &str = "?=";
/// The range in which every integer is exact in a double (RFC 8259, 6).
const SAFE_INTEGER: i64 = (1 << 53) - 1;

/// A property of a tool that is mirrored in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// Names of the properties that lead to it.
    pub path: Vec<String>,
    /// Name of the header after `Mcp-Param-`, as written.
    pub name: String,
}

/// The annotations of an input schema.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Annotations {
    /// Those that name a header.
    pub usable: Vec<Annotation>,
    /// Names of those that cannot: no token, repeated, or at a place or on a type that is never mirrored.
    pub unusable: Vec<String>,
}

/// Finds every `x-mcp-header` of an input schema.
pub fn annotations(schema: &Json) -> Annotations {
    let mut found = Annotations::default();
    walk(schema, &mut Vec::new(), true, &mut found);
    let mut seen: Vec<String> = Vec::new();
    let Annotations { usable, unusable } = &mut found;
    usable.retain(|annotation| {
        let name = annotation.name.to_ascii_lowercase();
        let is_new = !seen.contains(&name);
        if is_new {
            seen.push(name);
        } else {
            unusable.push(annotation.name.clone());
        }
        is_new
    });
    found
}

/// Follows `properties`; whatever else a schema nests is looked through too, but nothing there can be mirrored.
fn walk(schema: &Json, path: &mut Vec<String>, reachable: bool, found: &mut Annotations) {
    if path.len() >= DEEPEST {
        return;
    }
    let Some(schema) = schema.as_object() else { return };
    if let Some(name) = schema.get("x-mcp-header") {
        let name = name.as_str().unwrap_or_default();
        if reachable && !path.is_empty() && is_token(name) && is_mirrored_type(schema) {
            found.usable.push(Annotation { path: path.clone(), name: name.to_owned() });
        } else {
            found.unusable.push(name.to_owned());
        }
    }
    for (member, value) in schema {
        let nested: Vec<(&String, &Json)> = match value {
            Json::Object(properties) if member == "properties" => properties.iter().collect(),
            Json::Object(_) => vec![(member, value)],
            Json::Array(items) => items.iter().map(|item| (member, item)).collect(),
            _ => continue,
        };
        for (name, nested) in nested {
            path.push(name.clone());
            walk(nested, path, reachable && member == "properties", found);
            path.pop();
        }
    }
}

fn is_mirrored_type(schema: &Map<String, Json>) -> bool {
    matches!(schema.get("type").and_then(Json::as_str), Some("string" | "integer" | "boolean"))
}

/// RFC 9110, 5.6.2.
fn is_token(text: &str) -> bool {
    let allowed = |octet: u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet);
    !text.is_empty() && text.bytes().all(allowed)
}

/// The value that the header has to say, before it is encoded; `None` where the call gives none or one that is not
/// mirrored.
pub fn mirrored(arguments: &Json, annotation: &Annotation) -> Option<String> {
    let value = annotation.path.iter().try_fold(arguments, |value, name| value.get(name))?;
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Bool(flag) => Some(flag.to_string()),
        Json::Number(number) => {
            let whole = number.as_i64().or_else(|| {
                let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
                (float.abs() <= SAFE_INTEGER as f64).then_some(float as i64)
            })?;
            Some(whole.to_string())
        }
        _ => None,
    }
}

/// Whether a call gives a value for an annotated property; null is none.
pub fn has_value(arguments: Option<&Json>, annotation: &Annotation) -> bool {
    let value = arguments.and_then(|arguments| {
        annotation.path.iter().try_fold(arguments, |value, name| value.get(name)).filter(|value| !value.is_null())
    });
    value.is_some()
}

/// The name of the header for an annotation, lower case.
pub fn header_name(name: &str) -> String {
    format!("{PREFIX}{}", name.to_ascii_lowercase())
}

/// The header of a parameter that a text names, lower case; `None` where it names none, or several.
pub fn named_in(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let mut names = text.match_indices(PREFIX).filter_map(|(at, _)| {
        let rest = text.get(at + PREFIX.len()..)?;
        let name = rest.split(|letter: char| !is_token(letter.encode_utf8(&mut [0; 4]))).next()?;
        // What follows a name in a sentence is no part of it.
        let name = name.trim_end_matches(['.', '\'', '`', '*']);
        (!name.is_empty()).then(|| format!("{PREFIX}{name}"))
    });
    let first = names.next()?;
    names.all(|name| name == first).then_some(first)
}

/// The value that a header stands for: what is in the sentinel, else the value itself.
pub fn decode(value: &str) -> String {
    encoded(value).flatten().unwrap_or_else(|| value.to_owned())
}

/// Whether a value is neither plain nor rightly encoded: octets that no header may hold, blanks at its ends, or a
/// sentinel that is misspelled or does not decode.
pub fn is_unsafe(value: &str) -> bool {
    match encoded(value) {
        Some(decoded) => decoded.is_none(),
        None => {
            let looks_encoded = value.get(..OPEN.len()).is_some_and(|start| start.eq_ignore_ascii_case(OPEN));
            looks_encoded || value.trim() != value || !value.bytes().all(|octet| (0x20..=0x7e).contains(&octet))
        }
    }
}

/// The content of the sentinel; `None` where there is no sentinel, `Some(None)` where its content does not decode.
fn encoded(value: &str) -> Option<Option<String>> {
    let inner = value.strip_prefix(OPEN)?.strip_suffix(CLOSE)?;
    Some(STANDARD.decode(inner).ok().and_then(|octets| String::from_utf8(octets).ok()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn annotations_are_found_where_they_count() {
        let schema = json!({"type": "object", "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "again": {"type": "string", "x-mcp-header": "region"},
            "deep": {"type": "object", "properties": {"n": {"type": "integer", "x-mcp-header": "N"}}},
            "bad": {"type": "string", "x-mcp-header": "a b"},
            "ratio": {"type": "number", "x-mcp-header": "Ratio"},
            "list": {"type": "array", "items": {"type": "string", "x-mcp-header": "Item"}},
        }});
        let found = annotations(&schema);
        let usable: Vec<_> = found.usable.iter().map(|a| (a.path.join("/"), a.name.as_str())).collect();
        assert_eq!(usable, [("region".to_owned(), "Region"), ("deep/n".to_owned(), "N")]);
        assert_eq!(found.unusable, ["a b", "Ratio", "Item", "region"]);
        let arguments = json!({"region": "eu", "deep": {"n": 42.0}});
        let values: Vec<_> = found.usable.iter().map(|a| mirrored(&arguments, a)).collect();
        assert_eq!(values, [Some("eu".to_owned()), Some("42".to_owned())]);
        assert_eq!(mirrored(&json!({"region": null}), &found.usable[0]), None);
    }

    #[test]
    fn values_are_decoded_and_told_from_bad_ones() {
        let cases = [
            ("plain", "plain", false),
            ("=?base64?SGVsbG8=?=", "Hello", false),
            ("=?BASE64?SGVsbG8=?=", "=?BASE64?SGVsbG8=?=", true),
            ("=?base64?!?=", "=?base64?!?=", true),
            ("caf\u{e9}", "caf\u{e9}", true),
            (" x", " x", true),
        ];
        for (value, decoded, bad) in cases {
            assert_eq!((decode(value).as_str(), is_unsafe(value)), (decoded, bad), "{value}");
        }
    }

    #[test]
    fn an_error_names_a_header() {
        let cases = [
            ("Header mismatch: Mcp-Param-Region is missing.", Some("mcp-param-region")),
            ("`Mcp-Param-Region`: 'x' is not 'y'; Mcp-Param-Region must agree", Some("mcp-param-region")),
            ("Mcp-Param-A or Mcp-Param-B", None),
            ("Mcp-Name differs", None),
            ("Mcp-Param- headers", None),
        ];
        for (text, expected) in cases {
            assert_eq!(named_in(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn null_is_no_value() {
        let deep = Annotation { path: vec!["a".to_owned(), "b".to_owned()], name: "B".to_owned() };
        assert!(has_value(Some(&json!({"a": {"b": 0}})), &deep));
        assert!(!has_value(Some(&json!({"a": {"b": null}})), &deep));
        assert!(!has_value(Some(&json!({"a": {}})), &deep));
        assert!(!has_value(None, &deep));
    }

    #[test]
    fn deep_schemas_end() {
        let mut schema = json!({"type": "string", "x-mcp-header": "X"});
        for _ in 0..100 {
            schema = json!({"properties": {"p": schema}});
        }
        assert_eq!(annotations(&schema), Annotations::default());
    }
}
