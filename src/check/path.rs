//! Reads a path: `field`, `binding.field`, or a binding itself.
//!
//! A field of the record itself comes first, since fields may hold dots of their own.

use std::ops::Range;

use super::diagnostic::closest;
use super::language::Path;
use crate::trail::schema::{Binding, Field, Kind};
use crate::trail::shape::Shape;

/// Why a text is no path of a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoPath {
    /// What is wrong.
    pub(super) message: String,
    /// The part of the text that is wrong.
    pub(super) part: Range<usize>,
    /// The word that is wrong.
    pub(super) word: String,
    /// What could stand there.
    pub(super) allowed: Vec<&'static str>,
}

/// Reads `text` as a path of records of this kind.
pub(super) fn resolve(kind: Kind, text: &str) -> Result<Path, NoPath> {
    if let Some(field) = kind.fields().find(|field| field.name() == text) {
        return Ok(Path::Own(field));
    }
    if let Some((name, rest)) = text.split_once('.')
        && let Some((binding, target)) = bindings(kind).find(|(binding, _)| binding.name() == name)
    {
        return match target.fields().find(|field| field.name() == rest) {
            Some(field) => Ok(Path::Bound(binding, field)),
            None => Err(NoPath {
                message: format!("`{target}`, to which the binding `{binding}` leads, has no field `{rest}`"),
                part: name.len() + 1..text.len(),
                word: rest.to_owned(),
                allowed: target.fields().map(Field::name).collect(),
            }),
        };
    }
    if let Some((binding, _)) = bindings(kind).find(|(binding, _)| binding.name() == text) {
        return Ok(Path::Binding(binding));
    }
    let names: Vec<&'static str> = bindings(kind).map(|(binding, _)| binding.name()).collect();
    if let Some((name, _)) = text.split_once('.')
        && closest(name, names.iter().copied()).is_some()
    {
        return Err(NoPath {
            message: format!("`{kind}` has no binding `{name}`"),
            part: 0..name.len(),
            word: name.to_owned(),
            allowed: names,
        });
    }
    let fields = kind.fields().map(Field::name);
    Err(NoPath {
        message: format!("`{kind}` has no field and no binding `{text}`"),
        part: 0..text.len(),
        word: text.to_owned(),
        allowed: fields.chain(names).collect(),
    })
}

fn bindings(kind: Kind) -> impl Iterator<Item = (Binding, Kind)> {
    kind.bindings()
}

/// What the values at a path look like; `None` for a binding itself.
pub(super) fn shape(path: Path) -> Option<Shape> {
    match path {
        Path::Own(field) | Path::Bound(_, field) => Some(field.shape()),
        Path::Binding(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_with_dots_comes_before_a_binding() {
        let cases = [
            (Kind::McpExchange, "challenge.resource_metadata", Path::Own(Field::ChallengeResourceMetadata)),
            (
                Kind::ResourceMetadataRequest,
                "challenge.challenge.resource_metadata",
                Path::Bound(Binding::Challenge, Field::ChallengeResourceMetadata),
            ),
            (Kind::McpExchange, "newest_token_response", Path::Binding(Binding::NewestTokenResponse)),
            (
                Kind::McpExchange,
                "newest_token_response.access_token.jwt.aud",
                Path::Bound(Binding::NewestTokenResponse, Field::AccessTokenJwtAud),
            ),
        ];
        for (kind, text, expected) in cases {
            assert_eq!(resolve(kind, text), Ok(expected));
        }
    }

    #[test]
    fn one_binding_one_dot() {
        let wrong = resolve(Kind::TokenResponse, "token_request.authorization_request.state").unwrap_err();
        assert_eq!(wrong.word, "authorization_request.state");
    }
}
