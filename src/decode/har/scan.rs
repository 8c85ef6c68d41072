//! Finds the ends of JSON values without parsing them: where a part begins, and where to go on after what is broken.
//!
//! Checks brackets and quotes, nothing else. Never recurses.

use memchr::memchr2;

/// What stands at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Skipped {
    /// A value that ends before this place.
    Whole {
        /// The place after it.
        end: usize,
    },
    /// Brackets that do not pair, seen at this place.
    Broken(usize),
    /// The content ends before the value does.
    Cut,
}

/// The place of the first octet at or after `at` that is no white space (RFC 8259, 2).
pub(crate) fn white_space(content: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = content.get(at) {
        at += 1;
    }
    at
}

/// The place after the string whose opening quote stands at `at`; `None` where it does not end.
pub(crate) fn string(content: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        let found = at + memchr2(b'"', b'\\', content.get(at..)?)?;
        match content.get(found) {
            Some(b'"') => return Some(found + 1),
            // The octet after a backslash is part of the escape, whatever it is.
            _ => at = found + 2,
        }
    }
}

/// Whether each open bracket is a brace, for the innermost 128 of them.
#[derive(Default)]
struct Open {
    braces: u128,
    depth: usize,
    deepest: usize,
}

impl Open {
    fn open(&mut self, brace: bool) {
        self.braces = self.braces << 1 | u128::from(brace);
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
    }

    /// Whether the closing bracket fits the one that is open.
    fn close(&mut self, brace: bool) -> bool {
        // Below 128 levels the kinds have been shifted out; only the count is checked there.
        let fits = self.deepest > 128 || (self.braces & 1 == 1) == brace;
        self.braces >>= 1;
        self.depth = self.depth.saturating_sub(1);
        fits
    }
}

/// Skips the value that begins at `at`, which is no white space.
pub(crate) fn value(content: &[u8], at: usize) -> Skipped {
    let mut open = Open::default();
    let mut at = at;
    loop {
        let Some(octet) = content.get(at) else { return Skipped::Cut };
        match octet {
            b'"' => match string(content, at) {
                Some(end) => at = end,
                None => return Skipped::Cut,
            },
            b'{' | b'[' => {
                open.open(*octet == b'{');
                at += 1;
                continue;
            }
            b'}' | b']' => {
                if open.depth == 0 || !open.close(*octet == b'}') {
                    return Skipped::Broken(at);
                }
                at += 1;
            }
            b',' | b':' if open.depth == 0 => return Skipped::Broken(at),
            b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' => {
                at += 1;
                continue;
            }
            _ => at = word(content, at),
        }
        if open.depth == 0 {
            // A number or word at the very end may go on in the part that is missing.
            let closed = matches!(content.get(at.wrapping_sub(1)), Some(b'"' | b'}' | b']'));
            if !closed && at >= content.len() {
                return Skipped::Cut;
            }
            return Skipped::Whole { end: at };
        }
    }
}

/// The place after a number, a literal or something that stands in their place.
fn word(content: &[u8], mut at: usize) -> usize {
    while let Some(octet) = content.get(at) {
        match octet {
            b'"' | b'{' | b'}' | b'[' | b']' | b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' => break,
            _ => at += 1,
        }
    }
    at
}

/// The place of the value of the member that the object at `at` has of this name itself, not in something inside it. Where
/// there is none, or no such object, the place up to which it was looked for.
pub(crate) fn member(content: &[u8], at: usize, name: &[u8]) -> Result<usize, usize> {
    let mut at = at + 1;
    loop {
        at = white_space(content, at);
        match content.get(at) {
            Some(b',') => {
                at += 1;
                continue;
            }
            Some(b'"') => {}
            _ => return Err(at),
        }
        let Some(key_end) = string(content, at) else { return Err(content.len()) };
        let found = content.get(at + 1..key_end - 1) == Some(name);
        at = white_space(content, key_end);
        if content.get(at) != Some(&b':') {
            return Err(at);
        }
        at = white_space(content, at + 1);
        if found {
            return Ok(at);
        }
        match value(content, at) {
            Skipped::Whole { end } => at = end,
            Skipped::Broken(place) => return Err(place),
            Skipped::Cut => return Err(content.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: &str, expected: Skipped) {
        assert_eq!(value(content.as_bytes(), 0), expected, "{content}");
    }

    #[test]
    fn ends_of_values() {
        check(r#"{"a":[1,"}"]},"#, Skipped::Whole { end: 13 });
        check(r#""a\"b" "#, Skipped::Whole { end: 6 });
        check(r#""a\\" "#, Skipped::Whole { end: 5 });
        check("12,", Skipped::Whole { end: 2 });
        check("12", Skipped::Cut);
        check(r#"{"a":1"#, Skipped::Cut);
        check(r#"{"a":"b\""#, Skipped::Cut);
        check(r#"{"a":1]"#, Skipped::Broken(6));
        check("]", Skipped::Broken(0));
        check("", Skipped::Cut);
    }

    #[test]
    fn depth_beyond_what_is_remembered() {
        let deep = "[".repeat(300) + &"]".repeat(300);
        check(&deep, Skipped::Whole { end: 600 });
    }

    #[test]
    fn members_of_the_object_itself() {
        let object = br#"{ "a": {"request": 1}, "b" : "request", "c":2 }"#;
        assert_eq!(member(object, 0, b"b"), Ok(29));
        assert_eq!(member(object, 0, b"request"), Err(46));
    }
}
