//! What stands in `_meta` and in capabilities: names of keys, trace context, and revisions named in a text.

use serde_json::{Map, Value as Json};

/// Whether a text has a format.
type Format = fn(&str) -> bool;

/// Keys that are exempt from the rules on prefixes (MCP 2026-07-28, `_meta`, OpenTelemetry trace context).
const TRACE: [(&str, Format); 3] =
    [("traceparent", is_traceparent), ("tracestate", is_tracestate), ("baggage", is_baggage)];

/// Keys that are no names of keys.
pub fn malformed_keys(meta: &Map<String, Json>) -> impl Iterator<Item = &str> {
    meta.keys().map(String::as_str).filter(|key| !is_key(key))
}

/// Keys of trace context whose value has another format.
pub fn malformed_trace(meta: &Map<String, Json>) -> impl Iterator<Item = &str> {
    TRACE
        .iter()
        .filter(|(key, fits)| meta.get(*key).is_some_and(|value| !value.as_str().is_some_and(fits)))
        .map(|(key, _)| *key)
}

/// Identifiers of extensions that are no names of keys, or have no prefix.
pub fn malformed_extensions(extensions: &Json) -> impl Iterator<Item = &str> {
    let names = extensions.as_object().into_iter().flat_map(|object| object.keys().map(String::as_str));
    names.filter(|name| !is_key(name) || !name.contains('/'))
}

/// Dates in a text that could be names of revisions.
pub fn versions_named(text: &str) -> impl Iterator<Item = &str> {
    const SHAPE: &[u8] = b"dddd-dd-dd";
    let fits = |octets: &[u8]| {
        let mut pairs = octets.iter().zip(SHAPE);
        pairs.all(|(octet, shape)| if *shape == b'd' { octet.is_ascii_digit() } else { octet == shape })
    };
    let words = text.split(|letter: char| !letter.is_ascii_digit() && letter != '-');
    words.filter(move |word| word.len() == SHAPE.len() && fits(word.as_bytes()))
}

/// Whether a text is the name of a key: an optional prefix of labels with dots, a slash, and a name.
fn is_key(key: &str) -> bool {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    prefix.is_none_or(|prefix| prefix.split('.').all(is_label)) && (name.is_empty() || is_name(name))
}

/// A letter first, a letter or digit last, letters, digits and hyphens between.
fn is_label(label: &str) -> bool {
    label.starts_with(char::is_alphabetic)
        && label.ends_with(char::is_alphanumeric)
        && label.chars().all(|letter| letter.is_alphanumeric() || letter == '-')
}

/// A letter or digit at both ends; hyphens, underscores and dots too between.
fn is_name(name: &str) -> bool {
    name.starts_with(char::is_alphanumeric)
        && name.ends_with(char::is_alphanumeric)
        && name.chars().all(|letter| letter.is_alphanumeric() || "-_.".contains(letter))
}

/// W3C Trace Context, 3.2.2: version, trace id, parent id and flags, in lower-case hexadecimal.
fn is_traceparent(value: &str) -> bool {
    let parts: Vec<&str> = value.splitn(5, '-').collect();
    let [version, trace, parent, flags, more @ ..] = &parts[..] else { return false };
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f'))
    };
    let id = |text: &str, length| hex(text, length) && text.bytes().any(|octet| octet != b'0');
    // Later versions may add to the end (3.2.4).
    let is_version = hex(version, 2) && *version != "ff" && (more.is_empty() || *version != "00");
    is_version && id(trace, 32) && id(parent, 16) && hex(flags, 2)
}

/// W3C Trace Context, 3.3.1: at most 32 members `key=value`; empty ones are allowed.
fn is_tracestate(value: &str) -> bool {
    let members: Vec<&str> =
        value.split(',').map(|member| member.trim_matches([' ', '\t'])).filter(|member| !member.is_empty()).collect();
    let is_key = |key: &str| {
        let allowed = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || b"_-*/@".contains(&octet);
        (1..=256).contains(&key.len())
            && key.starts_with(|letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit())
            && key.bytes().all(allowed)
    };
    let is_value = |value: &str| {
        (1..=256).contains(&value.len()) && value.bytes().all(|octet| matches!(octet, b' '..=b'~') && octet != b'=')
    };
    let fits = |member: &&str| member.split_once('=').is_some_and(|(key, value)| is_key(key) && is_value(value));
    members.len() <= 32 && members.iter().all(fits)
}

/// W3C Baggage, 3.1: members `key=value` with properties; an empty text carries none.
fn is_baggage(value: &str) -> bool {
    let is_key = |key: &str| {
        let allowed = |octet: u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet);
        !key.is_empty() && key.bytes().all(allowed)
    };
    let is_value = |value: &str| {
        value.bytes().all(|octet| matches!(octet, b'!' | b'#'..=b'+' | b'-'..=b':' | b'<'..=b'[' | b']'..=b'~'))
    };
    let blank: &[char] = &[' ', '\t'];
    let pair = |text: &str| {
        text.split_once('=')
            .is_some_and(|(key, value)| is_key(key.trim_matches(blank)) && is_value(value.trim_matches(blank)))
    };
    let property = |text: &str| is_key(text.trim_matches(blank)) || pair(text);
    let member = |member: &str| {
        let mut parts = member.split(';');
        parts.next().is_some_and(pair) && parts.all(property)
    };
    value.trim_matches(blank).is_empty() || value.split(',').all(member)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(fits: fn(&str) -> bool, good: &[&str], bad: &[&str]) {
        good.iter().for_each(|text| assert!(fits(text), "{text:?} is refused"));
        bad.iter().for_each(|text| assert!(!fits(text), "{text:?} is taken"));
    }

    #[test]
    fn names_of_keys() {
        let good = [
            "progressToken",
            "traceparent",
            "io.modelcontextprotocol/clientInfo",
            "com.example/",
            "a-b.c1/x_y.z",
            "x",
            "1",
            "",
        ];
        let bad = ["/x", "a..b/x", "1a.b/x", "a-.b/x", "a/b/c", "a b", "-x", "x-", "example.com/ x", "a_b/x"];
        check(is_key, &good, &bad);
    }

    #[test]
    fn extensions_have_a_prefix() {
        let declared = json!({"io.modelcontextprotocol/ui": {}, "tasks": {}, "1x/y": {}});
        let mut found: Vec<&str> = malformed_extensions(&declared).collect();
        found.sort_unstable();
        assert_eq!(found, ["1x/y", "tasks"]);
        assert_eq!(malformed_extensions(&json!(["tasks"])).count(), 0);
    }

    #[test]
    fn trace_context() {
        let id = "0af7651916cd43dd8448eb211c80319c";
        let good = [format!("00-{id}-00f067aa0ba902b7-01"), format!("01-{id}-00f067aa0ba902b7-01-more")];
        let bad = [
            format!("00-{id}-00f067aa0ba902b7-01-more"),
            format!("ff-{id}-00f067aa0ba902b7-01"),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{}-00f067aa0ba902b7-01", id.to_uppercase()),
            format!("00-{id}-00f067aa0ba902b7"),
        ];
        good.iter().for_each(|text| assert!(is_traceparent(text), "{text}"));
        bad.iter().for_each(|text| assert!(!is_traceparent(text), "{text}"));
        check(
            is_tracestate,
            &["rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "t@v=1", "", "a=1, ,b=2"],
            &["A=1", "a", "a="],
        );
        check(
            is_baggage,
            &["userId=alice,serverNode=DF%2028;p;q=1", "a = b", ""],
            &["a", "a=b c", "a b=1", "a=1,,b=2"],
        );
        let meta = json!({"traceparent": 7, "tracestate": "a=1"});
        assert_eq!(malformed_trace(meta.as_object().unwrap()).collect::<Vec<_>>(), ["traceparent"]);
    }

    #[test]
    fn dates_are_found() {
        let named: Vec<&str> = versions_named("supported: 2026-07-28, \"2025-11-25\"; é 20261-07-28").collect();
        assert_eq!(named, ["2026-07-28", "2025-11-25"]);
    }
}
