//! Reads one condition of a head and refuses what could never be decided: a relation without its right side, or sides
//! that do not go together.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::language::{Condition, Form, Operand, Path, RelationName};
use super::path::{self, NoPath};
use super::table::{Reader, Word};
use crate::trail::record::Value;
use crate::trail::schema::Kind;
use crate::trail::shape::{Shape, Unit};

/// The keys of a condition.
const KEYS: &[&str] = &["field", "relation", "value", "of", "seconds"];

/// What stands on the right of a relation.
struct Sides {
    value: bool,
    of: bool,
    seconds: bool,
}

/// The right sides that a relation takes, the usual one first.
fn takes(relation: RelationName) -> (&'static [Sides], &'static str) {
    use RelationName as R;
    const NOTHING: Sides = Sides { value: false, of: false, seconds: false };
    const VALUE: Sides = Sides { value: true, of: false, seconds: false };
    const OF: Sides = Sides { value: false, of: true, seconds: false };
    const OF_SECONDS: Sides = Sides { value: false, of: true, seconds: true };
    match relation {
        R::Present | R::Absent => (&[NOTHING], "nothing beside `field`"),
        R::Equals => (&[VALUE], "`value`"),
        R::OneOf => (&[VALUE], "`value`, a list"),
        R::Matches => (&[VALUE], "`value`, the name of a form"),
        R::AtMost => (&[VALUE], "`value`, a number"),
        R::SameAs | R::SameOriginAs | R::SameUrlAs | R::S256Of | R::Before => (&[OF], "`of`"),
        R::Within => (&[OF_SECONDS], "`of` and `seconds`"),
        R::Covers | R::Contains | R::SubsetOf | R::SupersetOf | R::PrefixOf => (&[OF, VALUE], "`of` or `value`"),
    }
}

/// Reads a condition on records of `given`; `None` where something is wrong with it, which is reported.
///
/// `given` is `None` where the head names no kind: then the paths are not looked at.
pub(super) fn read(reader: &mut Reader<'_>, item: &Spanned<DeValue<'_>>, given: Option<Kind>) -> Option<Condition> {
    let Some(table) = item.get_ref().as_table() else {
        let span = reader.place(item.span());
        let found = item.get_ref().type_str();
        reader.report.error(span, format!("a condition is a table, found {found}")).help =
            Some("write it as { field = \"status\", relation = \"present\" }".to_owned());
        return None;
    };
    let whole = reader.place(item.span());
    let closed = reader.close(table, "a condition", KEYS);
    let field = reader.required_text(table, "field", whole.clone(), "the condition");
    let relation = reader.required_text(table, "relation", whole.clone(), "the condition");
    let relation = relation.and_then(|word| read_relation(reader, &word).map(|(name, negated)| (name, negated, word)));
    let other = reader.text(table, "of");
    let (path, other_path) = match given {
        Some(kind) => (
            field.as_ref().and_then(|word| read_path(reader, kind, word)),
            other.as_ref().and_then(|word| read_path(reader, kind, word)),
        ),
        None => (None, None),
    };
    let (name, negated, relation) = relation?;
    if closed {
        check_keys(reader, table, name, &relation)?;
    }
    let (field, path) = (field?, path?);
    let operand = read_operand(reader, table, name, other_path)?;
    if let Path::Binding(binding) = path
        && !matches!(name, RelationName::Present | RelationName::Absent)
    {
        let message = format!("`{binding}` is a binding, and `{}` compares values", relation.text);
        reader.report.error(field.span, message).help =
            Some("name a field of it, or ask whether it is `present` or `absent`".to_owned());
        return None;
    }
    let fits = check_shapes(name, path, &operand);
    if let Err(message) = fits {
        reader.report.error(whole, message);
        return None;
    }
    check_vocabulary(reader, table, path, &operand)?;
    Some(Condition { path, relation: name, negated, operand })
}

fn read_relation(reader: &mut Reader<'_>, word: &Word<'_>) -> Option<(RelationName, bool)> {
    let (positive, negated) = match word.text.strip_prefix("not_") {
        Some(rest) => (rest, true),
        None => (word.text, false),
    };
    match RelationName::from_name(positive) {
        Some(RelationName::Present) if negated => {
            reader.report.error(word.span.clone(), "`not_present` is written `absent`");
            None
        }
        Some(RelationName::Absent) if negated => {
            reader.report.error(word.span.clone(), "`not_absent` is written `present`");
            None
        }
        Some(name) => Some((name, negated)),
        None => {
            let message = format!("unknown relation `{}`", word.text);
            let allowed: Vec<String> = RelationName::ALL
                .iter()
                .filter(|name| !(negated && matches!(name, RelationName::Present | RelationName::Absent)))
                .map(|name| if negated { format!("not_{name}") } else { name.name().to_owned() })
                .collect();
            reader.report.unknown_word(word.span.clone(), message, word.text, allowed.iter().map(String::as_str));
            None
        }
    }
}

/// Reads a path; what is wrong with it is reported at the part of the text that is wrong.
pub(super) fn read_path(reader: &mut Reader<'_>, kind: Kind, word: &Word<'_>) -> Option<Path> {
    match path::resolve(kind, word.text) {
        Ok(path) => Some(path),
        Err(NoPath { message, part, word: wrong, allowed }) => {
            reader.report.unknown_word(inside(word, part), message, &wrong, allowed);
            None
        }
    }
}

/// A part of a text as a span of the file: inside the quotes, where it is written without escapes.
fn inside(word: &Word<'_>, part: Range<usize>) -> Range<usize> {
    if word.span.len() == word.text.len() + 2 {
        word.span.start + 1 + part.start..word.span.start + 1 + part.end
    } else {
        word.span.clone()
    }
}

fn check_keys(reader: &mut Reader<'_>, table: &DeTable<'_>, name: RelationName, word: &Word<'_>) -> Option<()> {
    let there = |key| table.contains_key(key);
    let (allowed, words) = takes(name);
    let fits = allowed
        .iter()
        .any(|sides| sides.value == there("value") && sides.of == there("of") && sides.seconds == there("seconds"));
    if !fits {
        reader.report.error(word.span.clone(), format!("`{}` takes {words}", word.text));
    }
    fits.then_some(())
}

fn read_operand(
    reader: &mut Reader<'_>,
    table: &DeTable<'_>,
    name: RelationName,
    other: Option<Path>,
) -> Option<Operand> {
    if table.contains_key("of") {
        let other = other?;
        if let Path::Binding(binding) = other {
            let span = table.get("of").map_or(0..0, |value| reader.place(value.span()));
            reader.report.error(span, format!("`{binding}` is a binding and has no value; name a field of it"));
            return None;
        }
        let Some(seconds) = table.get("seconds") else { return Some(Operand::Of(other)) };
        return match constant(reader, seconds, "seconds")? {
            Value::Number(number) if number > 0 => Some(Operand::OfWithin(other, number)),
            _ => {
                let span = reader.place(seconds.span());
                reader.report.error(span, "`seconds` is a whole number above 0");
                None
            }
        };
    }
    let Some(value) = table.get("value") else { return Some(Operand::None) };
    match name {
        RelationName::Matches => {
            let word = reader.text(table, "value")?;
            reader.one_of(&word, "form", Form::ALL, Form::name).map(Operand::Form)
        }
        RelationName::OneOf => match value.get_ref().as_array() {
            Some(items) if !items.is_empty() => {
                let items: Option<Vec<Value>> = items.iter().map(|item| constant(reader, item, "value")).collect();
                items.map(Operand::OneOf)
            }
            _ => {
                let span = reader.place(value.span());
                reader.report.error(span, "`one_of` takes a list with at least one item");
                None
            }
        },
        _ => constant(reader, value, "value").map(Operand::Constant),
    }
}

fn constant(reader: &mut Reader<'_>, value: &Spanned<DeValue<'_>>, key: &str) -> Option<Value> {
    let read = match value.get_ref() {
        DeValue::String(text) => Some(Value::Text((&**text).into())),
        DeValue::Boolean(flag) => Some(Value::Flag(*flag)),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok().map(Value::Number),
        DeValue::Array(items) => {
            let texts = items.iter().map(|item| item.get_ref().as_str().map(Into::into));
            texts.collect::<Option<Vec<_>>>().map(Value::List)
        }
        _ => None,
    };
    if read.is_none() {
        reader.wrong_type(value, key, "a text, a whole number, true, false or a list of texts");
    }
    read
}

fn check_shapes(name: RelationName, path: Path, operand: &Operand) -> Result<(), String> {
    let Some(left) = path::shape(path) else { return Ok(()) };
    let rights: Vec<(Shape, String)> = match operand {
        Operand::Of(other) | Operand::OfWithin(other, _) => {
            path::shape(*other).map(|shape| (shape, format!("`{other}`"))).into_iter().collect()
        }
        Operand::Constant(value) => vec![(shape_of(value), "the value".to_owned())],
        Operand::OneOf(values) => values.iter().map(|value| (shape_of(value), "the value".to_owned())).collect(),
        Operand::None | Operand::Form(_) => Vec::new(),
    };
    if !left_fits(name, left) {
        return Err(format!("`{name}` does not go with `{path}`, which is {}", left.describe()));
    }
    match rights.iter().find(|(right, _)| !right_fits(name, left, *right)) {
        Some((right, what)) => Err(format!(
            "`{path}` is {}, {what} is {}: `{name}` cannot compare them",
            left.describe(),
            right.describe()
        )),
        None => Ok(()),
    }
}

fn left_fits(name: RelationName, left: Shape) -> bool {
    use RelationName as R;
    if left == Shape::Any {
        return matches!(name, R::Present | R::Absent | R::Equals | R::OneOf | R::SameAs);
    }
    match name {
        R::Present | R::Absent | R::Equals | R::OneOf | R::SameAs => true,
        R::Matches | R::SameOriginAs | R::SameUrlAs | R::S256Of => left == Shape::Text,
        R::Contains | R::SubsetOf | R::SupersetOf => left == Shape::List,
        R::Covers | R::PrefixOf => matches!(left, Shape::Text | Shape::List),
        R::Before | R::Within => matches!(left, Shape::Number(unit) if unit.is_instant()),
        R::AtMost => matches!(left, Shape::Number(unit) if !unit.is_instant()),
    }
}

fn right_fits(name: RelationName, left: Shape, right: Shape) -> bool {
    use RelationName as R;
    if left == Shape::Any || right == Shape::Any {
        return true;
    }
    match name {
        R::Contains => right == Shape::Text,
        R::SubsetOf | R::SupersetOf => right == Shape::List,
        R::Covers => matches!(right, Shape::Text | Shape::List),
        R::Before | R::Within => matches!(right, Shape::Number(unit) if unit.is_instant()),
        // Numbers of different units are not the same by being equal; a constant is in the unit of its field.
        R::SameAs => left == right,
        R::Equals | R::OneOf | R::AtMost => match (left, right) {
            (Shape::Number(_), Shape::Number(_)) => true,
            _ => left == right,
        },
        _ => left == right,
    }
}

fn shape_of(value: &Value) -> Shape {
    match value {
        Value::Text(_) => Shape::Text,
        Value::Number(_) => Shape::Number(Unit::One),
        Value::Flag(_) => Shape::Flag,
        Value::List(_) => Shape::List,
    }
}

/// A derived field has few values: a constant that is none of them would never hold.
fn check_vocabulary(reader: &mut Reader<'_>, table: &DeTable<'_>, path: Path, operand: &Operand) -> Option<()> {
    let (Path::Own(field) | Path::Bound(_, field)) = path else { return Some(()) };
    let Some(words) = field.vocabulary() else { return Some(()) };
    let constants = match operand {
        Operand::Constant(value) => std::slice::from_ref(value),
        Operand::OneOf(values) => values,
        _ => return Some(()),
    };
    for constant in constants {
        if let Value::Text(text) = constant
            && !words.contains(&&**text)
        {
            let span = table.get("value").map_or(0..0, |value| reader.place(value.span()));
            reader.report.unknown_word(span, format!("`{path}` is never `{text}`"), text, words.iter().copied());
            return None;
        }
    }
    Some(())
}
