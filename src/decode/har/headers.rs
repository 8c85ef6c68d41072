//! Header lists as exporters write them: objects, pairs, or one map of names.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::model::Text;
use crate::decode::exchange::{Header, HeaderValue};

/// A name with its value, as recorded.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    /// In order.
    pub(super) list: Vec<(String, String)>,
    /// Whether some were left out, because the list is longer than the limit.
    pub(super) over_limit: bool,
}

/// Reads a list of names and values of at most `limit` octets. `None` where it is no list.
pub(super) fn pairs(json: &str, limit: usize) -> Option<Pairs> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    Limited(limit).deserialize(&mut deserializer).ok()
}

/// Header fields of a list.
pub(super) fn fields(pairs: Pairs) -> Vec<Header> {
    let mut list = Vec::with_capacity(pairs.list.len());
    for (name, value) in pairs.list {
        // RFC 9110, 5.5: a value holds no line feed. The browser's protocol joins repeated fields by it; RFC 9112, 5.2:
        // a line that begins with a blank goes on with the one before.
        let value = value.replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ");
        for line in value.split('\n') {
            list.push(Header { name: name.as_str().into(), value: masked_or_text(&name, line) });
        }
    }
    list
}

fn masked_or_text(name: &str, value: &str) -> HeaderValue {
    if is_masked(name, value) { HeaderValue::Masked } else { HeaderValue::Text(value.into()) }
}

/// Whether a tool wrote a mask in the place of the value.
fn is_masked(name: &str, value: &str) -> bool {
    if name.eq_ignore_ascii_case("cookie") || name.eq_ignore_ascii_case("set-cookie") {
        let mut values = value.split(';').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value.trim());
        return is_mask(value.trim()) || values.any(is_mask);
    }
    let value = value.trim();
    // RFC 9110, 11.4: scheme, blank, credentials.
    let credentials = value.split_once(' ').map_or(value, |(_, credentials)| credentials.trim());
    is_mask(value) || is_mask(credentials)
}

fn is_mask(value: &str) -> bool {
    const WORDS: [&str; 9] =
        ["redacted", "masked", "filtered", "removed", "hidden", "sanitized", "scrubbed", "secret", "obfuscated"];
    let frame = ['*', '[', ']', '<', '>', '(', ')', '{', '}', '_', '-', '•', '\u{2026}'];
    let inner = value.trim_matches(frame);
    if inner.is_empty() {
        return value.chars().count() >= 3 && value.chars().all(|char| char == '*' || char == '•');
    }
    let framed = inner.len() < value.len() || inner == "REDACTED";
    framed && WORDS.iter().any(|word| word.eq_ignore_ascii_case(inner))
}

/// Collects pairs until they are longer than this many octets.
struct Limited(usize);

impl<'de> DeserializeSeed<'de> for Limited {
    type Value = Pairs;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Pairs, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Limited {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of headers")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Pairs, S::Error> {
        let mut collected = Collected::new(self.0);
        while let Some(Pair(name, value)) = seq.next_element()? {
            if let Some(name) = name {
                collected.push(&name, &value.unwrap_or_default());
            }
        }
        Ok(collected.pairs)
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Pairs, M::Error> {
        let mut collected = Collected::new(self.0);
        while let Some(name) = map.next_key::<String>()? {
            let Values(values) = map.next_value()?;
            for value in values {
                collected.push(&name, &value);
            }
        }
        Ok(collected.pairs)
    }
}

struct Collected {
    pairs: Pairs,
    room: usize,
}

impl Collected {
    fn new(room: usize) -> Self {
        Collected { pairs: Pairs::default(), room }
    }

    fn push(&mut self, name: &str, value: &str) {
        match self.room.checked_sub(name.len() + value.len() + 4) {
            Some(room) if !self.pairs.over_limit => {
                self.room = room;
                self.pairs.list.push((name.to_owned(), value.to_owned()));
            }
            _ => self.pairs.over_limit = true,
        }
    }
}

/// `{"name": ..., "value": ...}` or `[name, value]`.
struct Pair(Option<String>, Option<String>);

impl<'de> Deserialize<'de> for Pair {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOf;
        impl<'de> Visitor<'de> for OneOf {
            type Value = Pair;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a header")
            }
            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Pair, S::Error> {
                let name = seq.next_element::<Text<'de>>()?.and_then(|text| text.0);
                let value = seq.next_element::<Text<'de>>()?.and_then(|text| text.0);
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Pair(name.map(Into::into), value.map(Into::into)))
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Pair, M::Error> {
                let (mut name, mut value) = (None, None);
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "name" => name = map.next_value::<Text<'de>>()?.0.map(Into::into),
                        "value" => value = map.next_value::<Text<'de>>()?.0.map(Into::into),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(Pair(name, value))
            }
            fn visit_unit<E>(self) -> Result<Pair, E> {
                Ok(Pair(None, None))
            }
            fn visit_str<E>(self, line: &str) -> Result<Pair, E> {
                let (name, value) = line.split_once(':').unwrap_or((line, ""));
                Ok(Pair(Some(name.trim().to_owned()), Some(value.trim().to_owned())))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Pair, E> {
                Ok(Pair(None, None))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Pair, E> {
                Ok(Pair(None, None))
            }
            fn visit_u64<E>(self, _: u64) -> Result<Pair, E> {
                Ok(Pair(None, None))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Pair, E> {
                Ok(Pair(None, None))
            }
        }
        deserializer.deserialize_any(OneOf)
    }
}

/// One value or several.
struct Values(Vec<String>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum OneOrMore {
            More(Vec<String>),
            One(String),
            Other(IgnoredAny),
        }
        Ok(match OneOrMore::deserialize(deserializer)? {
            OneOrMore::More(values) => Values(values),
            OneOrMore::One(value) => Values(vec![value]),
            OneOrMore::Other(_) => Values(vec![String::new()]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &[(&str, &str)]) {
        let list = fields(pairs(json, 1000).unwrap());
        let found: Vec<_> = list
            .iter()
            .map(|header| match &header.value {
                HeaderValue::Text(value) => (&*header.name, &**value),
                HeaderValue::Masked => (&*header.name, "(masked)"),
            })
            .collect();
        assert_eq!(found, expected, "{json}");
    }

    #[test]
    fn forms_of_lists() {
        check(
            r#"[{"name":"A","value":"1"},{"value":"2","name":"b","x":{}},{"name":"c"}]"#,
            &[("A", "1"), ("b", "2"), ("c", "")],
        );
        check(r#"[["A","1"],["b",2],["c"],[]]"#, &[("A", "1"), ("b", "2"), ("c", "")]);
        check(r#"{"A":"1","Set-Cookie":["a=1","b=2"]}"#, &[("A", "1"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]);
        check(r#"[null,7,{"name":null,"value":"x"},"A: b"]"#, &[("A", "b")]);
        check(
            r#"[{"name":"Set-Cookie","value":"a=1\nb=2"},{"name":"x","value":"a\r\n b"}]"#,
            &[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("x", "a b")],
        );
        assert!(pairs("7", 1000).is_none());
    }

    #[test]
    fn masks() {
        for value in
            ["***", "Bearer ***", "[REDACTED]", "<redacted>", "Bearer [redacted]", "••••••", "***MASKED***", "REDACTED"]
        {
            assert!(is_masked("Authorization", value), "{value}");
        }
        for value in ["*/*", "*", "Bearer abc", "same-origin", "", "**", "Basic c2VjcmV0", "hidden"] {
            assert!(!is_masked("Authorization", value), "{value}");
        }
        assert!(is_masked("Cookie", "sid=***; theme=dark"));
        assert!(!is_masked("Cookie", "sid=abc; theme=dark"));
    }

    #[test]
    fn a_list_over_the_limit_says_so() {
        let json = format!("[{}]", vec![r#"{"name":"a","value":"b"}"#; 1000].join(","));
        let pairs = pairs(&json, 600).unwrap();
        assert_eq!((pairs.list.len(), pairs.over_limit), (100, true));
    }
}
