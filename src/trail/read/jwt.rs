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
    /// Octets of the signature; `None` where it is no base64url.
    signature: Option<usize>,
}

impl Claims {
    /// Reads the payload; `None` where this is no signed JWT (opaque, encrypted, cut off).
    pub fn read(token: &str) -> Option<Self> {
        if token.len() > LONGEST {
            return None;
        }
        let mut parts = token.split('.');
        let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let header: Json = part(header)?;
        header.get("alg")?;
        match part(payload)? {
            Json::Object(claims) => Some(Claims { header, claims, signature: octets_of(signature) }),
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

    /// Whether the signature is as long as those of its algorithm are (RFC 7518, 3.1; RFC 8037, 3.1). `None` where the
    /// algorithm is another one.
    pub fn signature_fits(&self) -> Option<bool> {
        let fits: fn(usize) -> bool = match self.header("alg")? {
            "HS256" => |length| length == 32,
            "HS384" => |length| length == 48,
            "HS512" | "ES256" => |length| length == 64,
            "ES384" => |length| length == 96,
            "ES512" => |length| length == 132,
            // RFC 8032, 5.1.6 and 5.2.6: Ed25519 and Ed448.
            "EdDSA" => |length| matches!(length, 64 | 114),
            // As long as the modulus: RFC 7518, 3.3 wants 2048 bits or more, and some have less.
            "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" => {
                |length| length >= 128 && length.is_multiple_of(16)
            }
            _ => return None,
        };
        Some(self.signature.is_some_and(fits))
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

/// How many octets a base64url text stands for (RFC 4648, 5); `None` where it is none.
fn octets_of(text: &str) -> Option<usize> {
    let text = text.trim_end_matches('=');
    let is_one = text.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'));
    (is_one && text.len() % 4 != 1).then_some(text.len() * 3 / 4)
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

    #[test]
    fn a_signature_is_as_long_as_its_algorithm_says() {
        let fits = |algorithm: &str, octets: usize| {
            let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{algorithm}"}}"#));
            let token =
                format!("{header}.{}.{}", URL_SAFE_NO_PAD.encode("{}"), URL_SAFE_NO_PAD.encode(vec![7; octets]));
            Claims::read(&token).unwrap().signature_fits()
        };
        assert_eq!((fits("RS256", 256), fits("RS256", 250), fits("RS256", 0)), (Some(true), Some(false), Some(false)));
        assert_eq!((fits("ES256", 64), fits("ES256", 63), fits("EdDSA", 64)), (Some(true), Some(false), Some(true)));
        assert_eq!((fits("HS256", 32), fits("none", 0)), (Some(true), None));
    }
}
