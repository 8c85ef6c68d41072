//! Typed netstrings: length, colon, octets, one octet for the type. The form in which mitmproxy stores flows.
//!
//! Nothing is copied and nothing built: a list or dictionary is a slice that is walked when somebody asks for a member.

/// One value, borrowed from the recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    /// `~`.
    Null,
    /// `!`.
    Bool(bool),
    /// `#`.
    Integer(i64),
    /// `^`.
    Float(f64),
    /// `,` and `;`: octets, and text in UTF-8. Versions of the writer differ in which they use.
    Octets(&'a [u8]),
    /// `]`.
    List(Items<'a>),
    /// `}`: keys and values in turn.
    Dictionary(Items<'a>),
}

/// What stands inside a list or dictionary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Items<'a>(&'a [u8]);

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The octets end before the value does.
    CutOff,
    /// They are no typed netstring.
    Broken,
}

/// The first value of `content` and what follows it.
pub(super) fn value(content: &[u8]) -> Result<(Value<'_>, &[u8]), Fault> {
    let (kind, octets, rest) = element(content)?;
    let number = || std::str::from_utf8(octets).map(str::trim).map_err(|_| Fault::Broken);
    let value = match kind {
        b'~' => Value::Null,
        b'!' => Value::Bool(octets == b"true"),
        b'#' => Value::Integer(number()?.parse().map_err(|_| Fault::Broken)?),
        b'^' => Value::Float(number()?.parse().map_err(|_| Fault::Broken)?),
        b',' | b';' => Value::Octets(octets),
        b']' => Value::List(Items(octets)),
        b'}' => Value::Dictionary(Items(octets)),
        _ => return Err(Fault::Broken),
    };
    Ok((value, rest))
}

/// Digits of a length; more would be longer than any file.
const DIGITS: usize = 12;

/// The type of the first element, its octets, and what follows it.
pub(super) fn element(content: &[u8]) -> Result<(u8, &[u8], &[u8]), Fault> {
    let digits = content.iter().take(DIGITS).take_while(|octet| octet.is_ascii_digit()).count();
    let (length, rest) = content.split_at_checked(digits).ok_or(Fault::Broken)?;
    let rest = match rest {
        [b':', rest @ ..] if digits > 0 => rest,
        [] => return Err(Fault::CutOff),
        _ => return Err(Fault::Broken),
    };
    let length = length
        .iter()
        .fold(0usize, |sum, digit| sum.saturating_mul(10).saturating_add(usize::from(digit.saturating_sub(b'0'))));
    let (octets, rest) = rest.split_at_checked(length).ok_or(Fault::CutOff)?;
    let (kind, rest) = rest.split_first().ok_or(Fault::CutOff)?;
    Ok((*kind, octets, rest))
}

/// Whether everything inside is well formed and nests at most `depth` levels.
pub(super) fn is_whole(value: Value<'_>, depth: usize) -> bool {
    let items = match value {
        Value::List(items) => items,
        Value::Dictionary(items) if items.count() % 2 == 0 => items,
        Value::Dictionary(_) => return false,
        _ => return true,
    };
    depth > 0 && items.into_iter().all(|item| item.is_ok_and(|item| is_whole(item, depth - 1)))
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<Value<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        Some(match value(self.0) {
            Ok((value, rest)) => {
                self.0 = rest;
                Ok(value)
            }
            Err(fault) => {
                self.0 = &[];
                Err(fault)
            }
        })
    }
}

impl<'a> Value<'a> {
    /// The member of a dictionary under the first of these names that it has; null where it has none, or is none.
    pub(super) fn member(self, names: &[&str]) -> Value<'a> {
        let Value::Dictionary(items) = self else { return Value::Null };
        let mut found: Option<(usize, Value<'a>)> = None;
        let mut items = items.map_while(Result::ok);
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            let Value::Octets(key) = key else { continue };
            let rank = names.iter().position(|name| name.as_bytes() == key);
            if let Some(rank) = rank.filter(|rank| found.is_none_or(|(best, _)| *rank <= best)) {
                found = Some((rank, value));
            }
        }
        found.map_or(Value::Null, |(_, value)| value)
    }

    /// The elements of a list up to the first broken one; empty where it is none.
    pub(super) fn items(self) -> impl Iterator<Item = Value<'a>> {
        let items = if let Value::List(items) = self { items } else { Items(&[]) };
        items.map_while(Result::ok)
    }

    /// The octets of a text.
    pub(super) fn octets(self) -> Option<&'a [u8]> {
        if let Value::Octets(octets) = self { Some(octets) } else { None }
    }

    /// A text, with U+FFFD where it is no UTF-8.
    pub(super) fn text(self) -> Option<std::borrow::Cow<'a, str>> {
        self.octets().map(String::from_utf8_lossy)
    }

    /// A number, whichever type it has.
    pub(super) fn number(self) -> Option<f64> {
        match self {
            Value::Integer(number) => Some(number as f64),
            Value::Float(number) if number.is_finite() => Some(number),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Value<'_> {
        let (value, rest) = value(content.as_bytes()).unwrap();
        assert!(rest.is_empty(), "{content}");
        value
    }

    #[test]
    fn values() {
        assert_eq!(read("0:~"), Value::Null);
        assert_eq!(read("4:true!"), Value::Bool(true));
        assert_eq!(read("3:-12#"), Value::Integer(-12));
        assert_eq!(read("4:12.5^"), Value::Float(12.5));
        assert_eq!(read("3:a,;;"), Value::Octets(b"a,;"));
        let list: Vec<_> = read("8:1:a,1:2#]").items().collect();
        assert_eq!(list, [Value::Octets(b"a"), Value::Integer(2)]);
    }

    #[test]
    fn members_by_any_of_their_names() {
        let dictionary = read("26:3:old;1:1#3:new,1:2#0:;0:~}");
        assert_eq!(dictionary.member(&["new", "old"]), Value::Integer(2));
        assert_eq!(dictionary.member(&["none", "old"]), Value::Integer(1));
        assert_eq!(dictionary.member(&["none"]), Value::Null);
        assert_eq!(Value::Null.member(&["x"]), Value::Null);
    }

    #[test]
    fn what_is_cut_or_broken() {
        for cut in ["", "1", "12:", "3:ab", "3:abc"] {
            assert_eq!(value(cut.as_bytes()), Err(Fault::CutOff), "{cut}");
        }
        for broken in [":", "a", "-1:a,", "1:a?", "1:x#", "1:x^", "9999999999999:a,", "2:\u{fc}#"] {
            assert_eq!(value(broken.as_bytes()), Err(Fault::Broken), "{broken}");
        }
        assert!(is_whole(read("8:1:a,1:2#]"), 1));
        assert!(!is_whole(read("8:1:a,1:2#]"), 0));
        assert!(!is_whole(read("8:1:a,9:2#]"), 9));
        assert!(!is_whole(read("4:1:a,}"), 9));
    }
}
