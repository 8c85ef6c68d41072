//! The relations on values that are there. What happens where a value is not, is decided in `evaluate`.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::language::{Form, RelationName};
use super::uri;
use crate::trail::record::Value;
use crate::trail::shape::Unit;

/// A value, and the unit in which its number is.
#[derive(Debug, Clone, Copy)]
pub struct Side<'v> {
    /// The value.
    pub value: &'v Value,
    /// The unit; `None` where it is no number, or a constant in the unit of the other side.
    pub unit: Option<Unit>,
}

/// What a value is compared with.
#[derive(Debug, Clone, Copy)]
pub enum Right<'v> {
    /// Nothing.
    Nothing,
    /// Another value.
    Value(Side<'v>),
    /// Another value, at most so many seconds away.
    Within(Side<'v>, i64),
    /// Any of these.
    OneOf(&'v [Value]),
    /// A form.
    Form(Form),
}

/// Whether the relation holds; `None` where values of these types cannot be compared by it.
pub fn holds(relation: RelationName, left: Side<'_>, right: Right<'_>) -> Option<bool> {
    use RelationName as R;
    match (relation, right) {
        (R::Present, Right::Nothing) => Some(true),
        (R::Absent, Right::Nothing) => Some(false),
        (R::OneOf, Right::OneOf(values)) => Some(values.contains(left.value)),
        (R::Matches, Right::Form(form)) => text(left.value).map(|text| form.fits(text)),
        (R::Within, Right::Within(other, seconds)) => within(left, other, seconds),
        (_, Right::Value(other)) => compare(relation, left, other),
        _ => None,
    }
}

fn compare(relation: RelationName, left: Side<'_>, right: Side<'_>) -> Option<bool> {
    use RelationName as R;
    let texts = text(left.value).zip(text(right.value));
    match relation {
        // Octet by octet, and a number is not the text that shows it.
        R::Equals | R::SameAs => Some(left.value == right.value),
        R::SameOriginAs => texts.and_then(|(a, b)| uri::same_origin(a, b)),
        R::SameUrlAs => texts.map(|(a, b)| uri::equivalent(a, b)),
        R::S256Of => texts.map(|(verifier, challenge)| s256(verifier) == challenge),
        // Every resource asked for is in the audience (RFC 7519, 4.1.3; RFC 8707, 2), compared as strings.
        R::Covers => lists(left.value, right.value).map(|(audience, resources)| all_in(resources, audience)),
        R::Contains => list(left.value).zip(text(right.value)).map(|(items, item)| items.iter().any(|i| **i == *item)),
        R::SubsetOf => lists(left.value, right.value).map(|(items, others)| all_in(items, others)),
        R::SupersetOf => lists(left.value, right.value).map(|(items, others)| all_in(others, items)),
        R::PrefixOf => match texts {
            Some((start, whole)) => Some(whole.starts_with(start)),
            None => list(left.value).zip(list(right.value)).map(|(start, whole)| whole.starts_with(start)),
        },
        R::Before => microseconds(left).zip(microseconds(right)).map(|(a, b)| a < b),
        R::AtMost => number(left.value).zip(number(right.value)).map(|(number, limit)| number <= limit),
        _ => None,
    }
}

/// BASE64URL(SHA256(ASCII(verifier))), without padding (RFC 7636, 4.2, appendix A).
pub fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

fn within(left: Side<'_>, right: Side<'_>, seconds: i64) -> Option<bool> {
    let (a, b) = microseconds(left).zip(microseconds(right))?;
    Some((a - b).abs() <= i128::from(seconds) * 1_000_000)
}

/// A point in time in microseconds: recorders write microseconds, tokens write seconds (RFC 7519, 2).
fn microseconds(side: Side<'_>) -> Option<i128> {
    let number = i128::from(number(side.value)?);
    match side.unit {
        Some(Unit::InstantMicroseconds) => Some(number),
        Some(Unit::InstantSeconds) => Some(number * 1_000_000),
        _ => None,
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

fn list(value: &Value) -> Option<Items<'_>> {
    match value {
        Value::List(items) => Some(items),
        _ => None,
    }
}

type Items<'v> = &'v [Arc<str>];

/// Both as lists; a text is a list of one.
fn lists<'v>(left: &'v Value, right: &'v Value) -> Option<(Items<'v>, Items<'v>)> {
    let items = |value: &'v Value| match value {
        Value::Text(text) => Some(std::slice::from_ref(text)),
        Value::List(items) => Some(items.as_slice()),
        _ => None,
    };
    items(left).zip(items(right))
}

fn all_in(items: &[Arc<str>], others: &[Arc<str>]) -> bool {
    items.iter().all(|item| others.contains(item))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list_of(items: &[&str]) -> Value {
        Value::List(items.iter().map(|item| (*item).into()).collect())
    }

    fn check(relation: RelationName, left: &Value, right: &Value, expected: Option<bool>) {
        let side = |value| Side { value, unit: None };
        assert_eq!(holds(relation, side(left), Right::Value(side(right))), expected, "{relation} {left:?} {right:?}");
    }

    #[test]
    fn presence() {
        let value = Value::from("x");
        let side = Side { value: &value, unit: None };
        assert_eq!(holds(RelationName::Present, side, Right::Nothing), Some(true));
        assert_eq!(holds(RelationName::Absent, side, Right::Nothing), Some(false));
    }

    #[test]
    fn equality_is_typed_and_by_octets() {
        for relation in [RelationName::Equals, RelationName::SameAs] {
            check(relation, &"a".into(), &"a".into(), Some(true));
            check(relation, &"a".into(), &"A".into(), Some(false));
            check(relation, &Value::Number(1), &Value::Number(1), Some(true));
            check(relation, &Value::Number(1), &"1".into(), Some(false));
            check(relation, &Value::Flag(true), &Value::Flag(true), Some(true));
            check(relation, &list_of(&["a", "b"]), &list_of(&["b", "a"]), Some(false));
        }
    }

    #[test]
    fn one_of() {
        let statuses = [Value::Number(301), Value::Number(302)];
        for (status, expected) in [(302, true), (200, false)] {
            let value = Value::Number(status);
            let side = Side { value: &value, unit: Some(Unit::One) };
            assert_eq!(holds(RelationName::OneOf, side, Right::OneOf(&statuses)), Some(expected));
        }
    }

    #[test]
    fn matches() {
        for (text, expected) in [("https://a.example/c", Some(true)), ("abc", Some(false))] {
            let value = Value::from(text);
            let side = Side { value: &value, unit: None };
            assert_eq!(holds(RelationName::Matches, side, Right::Form(Form::HttpsUrl)), expected);
        }
        let number = Value::Number(1);
        let side = Side { value: &number, unit: None };
        assert_eq!(holds(RelationName::Matches, side, Right::Form(Form::HttpsUrl)), None);
    }

    #[test]
    fn urls() {
        let (a, b, c) = ("https://a.example".into(), "HTTPS://a.example:443/".into(), "https://a.example/x".into());
        check(RelationName::SameUrlAs, &a, &b, Some(true));
        check(RelationName::SameUrlAs, &a, &c, Some(false));
        check(RelationName::SameOriginAs, &a, &c, Some(true));
        check(RelationName::SameOriginAs, &a, &"http://a.example".into(), Some(false));
        check(RelationName::SameOriginAs, &a, &"null".into(), None);
    }

    #[test]
    fn s256_of_the_example_of_the_rfc() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into();
        check(RelationName::S256Of, &verifier, &"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".into(), Some(true));
        check(RelationName::S256Of, &verifier, &"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=".into(), Some(false));
        check(RelationName::S256Of, &verifier, &verifier, Some(false));
    }

    #[test]
    fn audiences() {
        let mcp = "https://mcp.example/mcp";
        check(RelationName::Covers, &mcp.into(), &mcp.into(), Some(true));
        check(RelationName::Covers, &list_of(&["x", mcp]), &mcp.into(), Some(true));
        check(RelationName::Covers, &list_of(&["x", mcp]), &list_of(&[mcp]), Some(true));
        check(RelationName::Covers, &list_of(&[mcp]), &list_of(&[mcp, "y"]), Some(false));
        check(RelationName::Covers, &list_of(&["https://mcp.example/mcp/"]), &mcp.into(), Some(false));
        check(RelationName::Covers, &Value::Number(1), &mcp.into(), None);
    }

    #[test]
    fn sets_and_prefixes() {
        let (ab, abc) = (list_of(&["a", "b"]), list_of(&["c", "b", "a"]));
        check(RelationName::Contains, &abc, &"a".into(), Some(true));
        check(RelationName::Contains, &abc, &"d".into(), Some(false));
        check(RelationName::Contains, &"abc".into(), &"a".into(), None);
        check(RelationName::SubsetOf, &ab, &abc, Some(true));
        check(RelationName::SubsetOf, &abc, &ab, Some(false));
        check(RelationName::SupersetOf, &abc, &ab, Some(true));
        check(RelationName::SupersetOf, &ab, &abc, Some(false));
        check(RelationName::PrefixOf, &ab, &list_of(&["a", "b", "c"]), Some(true));
        check(RelationName::PrefixOf, &ab, &abc, Some(false));
        check(RelationName::PrefixOf, &"https://a".into(), &"https://a.example".into(), Some(true));
    }

    #[test]
    fn points_in_time_compare_in_one_unit() {
        let (sent, exp) = (Value::Number(1_700_000_000_500_000), Value::Number(1_700_000_010));
        let sent = Side { value: &sent, unit: Some(Unit::InstantMicroseconds) };
        let exp = Side { value: &exp, unit: Some(Unit::InstantSeconds) };
        assert_eq!(holds(RelationName::Before, sent, Right::Value(exp)), Some(true));
        assert_eq!(holds(RelationName::Before, exp, Right::Value(sent)), Some(false));
        assert_eq!(holds(RelationName::Within, sent, Right::Within(exp, 10)), Some(true));
        assert_eq!(holds(RelationName::Within, sent, Right::Within(exp, 9)), Some(false));
        let far = Value::Number(i64::MIN);
        let far = Side { value: &far, unit: Some(Unit::InstantSeconds) };
        assert_eq!(holds(RelationName::Within, far, Right::Within(exp, i64::MAX)), Some(false));
        let count = Side { value: &Value::Number(5), unit: Some(Unit::One) };
        assert_eq!(holds(RelationName::Before, count, Right::Value(exp)), None);
    }

    #[test]
    fn at_most() {
        check(RelationName::AtMost, &Value::Number(1), &Value::Number(1), Some(true));
        check(RelationName::AtMost, &Value::Number(2), &Value::Number(1), Some(false));
    }
}
