//! Header lists as exporters write them: objects, pairs, or one map of names.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::model::{Text, scalars, text};
use crate::decode::fields::Pairs;

/// A list of names and values, borrowed from the file.
#[derive(Debug, Default)]
pub(super) enum List<'a> {
    /// Not there, or null.
    #[default]
    Missing,
    /// Something that is no list.
    Other,
    /// The pairs, in order; of more than [`MOST`] one more than that.
    Given(Vec<[Cow<'a, str>; 2]>),
}

/// Pairs of one list that are kept, so that a list takes no more memory than it should; a header list of more would be over
/// its limit on octets.
const MOST: usize = 1 << 18;

/// Adds a pair, where it is not yet known that there are too many.
fn add<'a>(list: &mut Vec<[Cow<'a, str>; 2]>, name: Cow<'a, str>, value: Cow<'a, str>) {
    if list.len() <= MOST {
        list.push([name, value]);
    }
}

impl List<'_> {
    /// The pairs in one text of at most `limit` octets; `None` where there is no list.
    pub(super) fn pairs(&self, limit: usize) -> Option<Pairs> {
        let List::Given(list) = self else { return None };
        let octets = list.iter().map(|[name, value]| name.len() + value.len()).sum::<usize>();
        let mut pairs = Pairs::with_room(limit, list.len(), octets);
        list.iter().take(MOST).for_each(|[name, value]| pairs.push(name, value));
        pairs.over_limit |= list.len() > MOST;
        Some(pairs)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for List<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whatever;
        fn no_list<'a, E>(_: impl Sized) -> Result<List<'a>, E> {
            Ok(List::Other)
        }
        impl<'de> Visitor<'de> for Whatever {
            type Value = List<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of headers")
            }
            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Self::Value, S::Error> {
                let mut list = Vec::with_capacity(32);
                while let Some(Pair(name, value)) = seq.next_element()? {
                    if let Some(name) = name {
                        add(&mut list, name, value.unwrap_or_default());
                    }
                }
                Ok(List::Given(list))
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut list = Vec::new();
                while let Some(Text(name)) = map.next_key()? {
                    let Values(values) = map.next_value()?;
                    for value in values {
                        add(&mut list, name.clone().unwrap_or_default(), value.into());
                    }
                }
                Ok(List::Given(list))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(List::Missing)
            }
            scalars!(no_list);
            text!(no_list);
        }
        deserializer.deserialize_any(Whatever)
    }
}

/// `{"name": ..., "value": ...}` or `[name, value]`.
struct Pair<'de>(Option<Cow<'de, str>>, Option<Cow<'de, str>>);

/// A member of a header.
#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Member {
    Name,
    Value,
    #[serde(other)]
    Other,
}

impl<'de> Deserialize<'de> for Pair<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOf;
        impl<'de> Visitor<'de> for OneOf {
            type Value = Pair<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a header")
            }
            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Self::Value, S::Error> {
                let name = seq.next_element::<Text<'de>>()?.and_then(|text| text.0);
                let value = seq.next_element::<Text<'de>>()?.and_then(|text| text.0);
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Pair(name, value))
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let (mut name, mut value) = (None, None);
                while let Some(member) = map.next_key()? {
                    match member {
                        Member::Name => name = map.next_value::<Text<'de>>()?.0,
                        Member::Value => value = map.next_value::<Text<'de>>()?.0,
                        Member::Other => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(Pair(name, value))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Pair(None, None))
            }
            fn visit_str<E>(self, line: &str) -> Result<Self::Value, E> {
                let (name, value) = line.split_once(':').unwrap_or((line, ""));
                Ok(Pair(Some(name.trim().to_owned().into()), Some(value.trim().to_owned().into())))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Pair(None, None))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Pair(None, None))
            }
            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Pair(None, None))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
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
    use crate::decode::fields::fields;

    fn pairs(json: &str, limit: usize) -> Option<Pairs> {
        serde_json::from_str::<List<'_>>(json).unwrap().pairs(limit)
    }

    fn check(json: &str, expected: &[(&str, &str)]) {
        let list = fields(pairs(json, 1000).unwrap());
        let found: Vec<_> = list.iter().map(|header| (header.name, header.value.unwrap_or("(masked)"))).collect();
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
    fn of_too_many_pairs_no_more_are_kept() {
        let names = (0..MOST + 9).map(|at| at.to_string());
        let (map, list): (Vec<_>, Vec<_>) =
            names.map(|name| (format!(r#""{name}":"""#), format!(r#"["{name}"]"#))).unzip();
        for json in [format!("{{{}}}", map.join(",")), format!("[{}]", list.join(","))] {
            let pairs = pairs(&json, usize::MAX).unwrap();
            assert_eq!((pairs.len(), pairs.over_limit), (MOST, true));
            let List::Given(kept) = serde_json::from_str(&json).unwrap() else { panic!("no list") };
            assert_eq!(kept.len(), MOST + 1);
        }
    }

    #[test]
    fn a_list_over_the_limit_says_so() {
        let json = format!("[{}]", vec![r#"{"name":"a","value":"b"}"#; 1000].join(","));
        let pairs = pairs(&json, 600).unwrap();
        assert_eq!((pairs.len(), pairs.over_limit), (100, true));
    }
}
