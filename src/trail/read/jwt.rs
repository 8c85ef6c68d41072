//! JWTs, read without being trusted (RFC 7519, 3; RFC 7515, 7.1).

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::Value as Json;

/// Longest token that is taken apart, in octets.
const LONGEST: usize = 64 << 10;

/// The claims of a signed JWT.
#[derive(Clone)]
pub struct Claims {
    header: Json,
    claims: serde_json::Map<String, Json>,
}

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
            Json::Object(claims) => Some(Claims { header, claims }),
            _ => None,
        }
    }

    /// A claim that is a string.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name)?.as_str()
    }

    /// A member of the header that is a string (RFC 7515, 4.1).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.header.get(name)?.as_str()
    }

    /// Thumbprint of the key that the token is bound to (RFC 9449, 6.1).
    pub fn key_thumbprint(&self) -> Option<&str> {
        self.claims.get("cnf")?.get("jkt")?.as_str()
    }

    /// Thumbprint of the public key in the header (RFC 7638, 3); `None` where there is none of a known type.
    pub fn header_key_thumbprint(&self) -> Option<String> {
        let key = self.header.get("jwk")?;
        let members: &[&str] = match key.get("kty")?.as_str()? {
            "EC" => &["crv", "kty", "x", "y"],
            "RSA" => &["e", "kty", "n"],
            "OKP" => &["crv", "kty", "x"],
            _ => return None,
        };
        let mut canonical = serde_json::Map::new();
        for member in members {
            canonical.insert((*member).to_owned(), key.get(member)?.clone());
        }
        let text = serde_json::to_string(&canonical).ok()?;
        Some(URL_SAFE_NO_PAD.encode(<sha2::Sha256 as sha2::Digest>::digest(text.as_bytes())))
    }

    /// A claim that is a number; fractions are cut (RFC 7519, 2, NumericDate).
    pub fn number(&self, name: &str) -> Option<i64> {
        let number = self.claims.get(name)?;
        number.as_i64().or_else(|| number.as_f64().map(|float| float as i64))
    }

    /// A claim that is a string or a list of strings (`aud`, RFC 7519, 4.1.3).
    pub fn list(&self, name: &str) -> Option<Vec<Arc<str>>> {
        match self.claims.get(name)? {
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
