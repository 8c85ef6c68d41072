//! Values as JSON: indented for people, or one a line for programs.
//!
//! Strings keep their value. Characters that could act on a terminal are written as `\u` escapes, which every JSON
//! reader turns back, so that the file is safe to look at.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter, PrettyFormatter};

use super::escape::is_hostile;

/// Writes `value` indented by two blanks, with a line end.
///
/// # Errors
///
/// Those of the writer.
pub fn pretty<T: Serialize + ?Sized>(out: &mut dyn Write, value: &T) -> io::Result<()> {
    write(out, value, Safe(PrettyFormatter::new()))
}

/// Writes `value` on one line, with a line end.
///
/// # Errors
///
/// Those of the writer.
pub fn line<T: Serialize + ?Sized>(out: &mut dyn Write, value: &T) -> io::Result<()> {
    write(out, value, Safe(CompactFormatter))
}

fn write<T: Serialize + ?Sized, F: Formatter>(out: &mut dyn Write, value: &T, formatter: F) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, formatter);
    value.serialize(&mut serializer).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

/// A formatter that escapes what a terminal would act on.
struct Safe<F>(F);

/// Hands calls on to the inner formatter.
macro_rules! hand_on {
    ($($name:ident($($argument:ident: $kind:ty),*);)*) => {
        $(fn $name<W: ?Sized + Write>(&mut self, writer: &mut W $(, $argument: $kind)*) -> io::Result<()> {
            self.0.$name(writer $(, $argument)*)
        })*
    };
}

impl<F: Formatter> Formatter for Safe<F> {
    hand_on! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        end_object_key();
        begin_object_value();
        end_object_value();
        write_char_escape(escape: CharEscape);
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut written = 0;
        for (at, c) in fragment.char_indices().filter(|(_, c)| is_hostile(*c)) {
            writer.write_all(&fragment.as_bytes()[written..at])?;
            // RFC 8259, 7: outside the basic plane as a pair of surrogates.
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            written = at + c.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[written..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(value: &str) -> String {
        let mut out = Vec::new();
        line(&mut out, value).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn hostile_text_is_escaped() {
        assert_eq!(written("a\u{202e}b\x1b\u{85}\u{e0041}\"\\"), "\"a\\u202eb\\u001b\\u0085\\udb40\\udc41\\\"\\\\\"\n");
        assert_eq!(written("Ä 文"), "\"Ä 文\"\n");
    }

    proptest! {
        #[test]
        fn the_value_stays(value in any::<String>(), marks in "[\u{0}-\u{1f}\u{7f}-\u{9f}\u{200b}-\u{202e}\u{2060}-\u{206f}]{0,8}") {
            let value = format!("{value}{marks}");
            let out = written(&value);
            prop_assert!(!out.trim_end_matches('\n').chars().any(is_hostile));
            prop_assert_eq!(serde_json::from_str::<String>(&out).unwrap(), value);
        }
    }
}
