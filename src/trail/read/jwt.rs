//! JWTs, read without being trusted (RFC 7519, 3; RFC 7515, 7.1).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::Value as Json;

/// Longest token that is taken apart, in octets.
const LONGEST: usize = 64 << 10;

/// The claims of a signed JWT.
#[derive(Clone)]
pub struct Claims(serde_json::Map<String, Json>);

impl Claims {
    /// Reads the payload; `None` where this is no signed JWT (opaque, encrypted, cut off).
    pub fn read(token: &str) -> Option<Self> {
        if token.len() > LONGEST {
            return None;
        }
        let mut parts = token.split('.');
        let (header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let header: Json = part(header)?;
        header.get("alg")?;
        match part(payload)? {
            Json::Object(claims) => Some(Claims(claims)),
            _ => None,
        }
    }

    /// A claim that is a string.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A claim that is a number; fractions are cut (RFC 7519, 2, NumericDate).
    pub fn number(&self, name: &str) -> Option<i64> {
        let number = self.0.get(name)?;
        number.as_i64().or_else(|| number.as_f64().map(|float| float as i64))
    }

    /// A claim that is a string or a list of strings (`aud`, RFC 7519, 4.1.3).
    pub fn list(&self, name: &str) -> Option<Vec<Arc<str>>> {
        match self.0.get(name)? {
            Json::String(one) => Some(vec![one.as_str().into()]),
            Json::Array(items) => Some(items.iter().filter_map(Json::as_str).map(Arc::from).collect()),
            _ => None,
        }
    }
}

fn part<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    let octets = URL_SAFE_NO_PAD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()?;
    serde_json::from_slice(&octets).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_claims_and_refuses_what_is_cut() {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        let payload = URL_SAFE_NO_PAD.encode(r#"{"aud":"x","exp":17.9,"iss":"i"}"#);
        let token = format!("{header}.{payload}.c2ln");
        let claims = Claims::read(&token)
            .map(|claims| (claims.list("aud"), claims.number("exp"), claims.text("iss").map(str::to_owned)));
        assert_eq!(claims, Some((Some(vec!["x".into()]), Some(17), Some("i".to_owned()))));
        assert!(Claims::read(&token[..header.len() + 9]).is_none());
        assert!(Claims::read("opaque-token").is_none());
    }
}
