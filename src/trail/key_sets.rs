//! Key sets that stand in the recordings, and whether one of their keys signed a token (RFC 7517, RFC 7518, RFC 7515, 5.2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use foldhash::HashMap;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde_json::Value as Json;

use super::classify::Directory;
use super::schema::Kind;
use super::view::View;
use crate::capture::limits::Limits;

/// Keys of one set that are looked at.
const MOST_KEYS: usize = 64;

/// The keys of each issuer, as far as the recordings hold them.
#[derive(Default)]
pub(crate) struct KeySets(HashMap<String, Vec<Json>>);

impl KeySets {
    /// Gathers every key set of the incident, whoever asked for it.
    pub(crate) fn gather(views: &[View<'_>], roles: &[Option<Kind>], directory: &Directory, limits: &Limits) -> Self {
        let mut sets = KeySets::default();
        for (view, role) in views.iter().zip(roles) {
            if *role != Some(Kind::KeySetRequest) {
                continue;
            }
            let Ok(Some(document)) = view.response_json(limits) else { continue };
            let keys = document.get("keys").and_then(Json::as_array).cloned().unwrap_or_default();
            sets.0.entry(directory.issuer(view.endpoint())).or_default().extend(keys.into_iter().take(MOST_KEYS));
        }
        sets
    }

    /// Whether a key of this issuer verifies the token; `None` where no key set of it is there, or the algorithm is not
    /// checked here.
    pub(crate) fn verify(&self, issuer: &str, token: &str) -> Option<bool> {
        let keys = self.0.get(issuer)?;
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, _) = signed.split_once('.')?;
        let header: Json = serde_json::from_slice(&decode(header)?).ok()?;
        let algorithm = header.get("alg")?.as_str()?;
        let key_id = header.get("kid").and_then(Json::as_str);
        let signature = decode(signature)?;
        let named = keys.iter().filter(|key| key_id.is_none() || key.get("kid").and_then(Json::as_str) == key_id);
        let mut is_checked = is_known(algorithm);
        for key in named {
            match verify_with(key, algorithm, signed.as_bytes(), &signature) {
                Some(true) => return Some(true),
                Some(false) => is_checked = true,
                None => {}
            }
        }
        is_checked.then_some(false)
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The algorithms that are checked here (RFC 7518, 3.1; RFC 8037, 3.1).
fn is_known(algorithm: &str) -> bool {
    matches!(algorithm, "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" | "ES256" | "ES384" | "EdDSA")
}

fn verify_with(key: &Json, algorithm: &str, signed: &[u8], signature: &[u8]) -> Option<bool> {
    let member = |name: &str| decode(key.get(name)?.as_str()?);
    let rsa = match algorithm {
        "RS256" => Some(&signature::RSA_PKCS1_2048_8192_SHA256),
        "RS384" => Some(&signature::RSA_PKCS1_2048_8192_SHA384),
        "RS512" => Some(&signature::RSA_PKCS1_2048_8192_SHA512),
        "PS256" => Some(&signature::RSA_PSS_2048_8192_SHA256),
        "PS384" => Some(&signature::RSA_PSS_2048_8192_SHA384),
        "PS512" => Some(&signature::RSA_PSS_2048_8192_SHA512),
        _ => None,
    };
    if let Some(parameters) = rsa {
        let public = RsaPublicKeyComponents { n: member("n")?, e: member("e")? };
        return Some(public.verify(parameters, signed, signature).is_ok());
    }
    // SEC 1, 2.3.3: an uncompressed point.
    let point = || Some([&[4u8][..], &member("x")?, &member("y")?].concat());
    let verified = match algorithm {
        "ES256" => UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point()?).verify(signed, signature),
        "ES384" => UnparsedPublicKey::new(&signature::ECDSA_P384_SHA384_FIXED, point()?).verify(signed, signature),
        "EdDSA" => UnparsedPublicKey::new(&signature::ED25519, member("x")?).verify(signed, signature),
        _ => return None,
    };
    Some(verified.is_ok())
}

#[cfg(test)]
mod tests {
    use ring::signature::{Ed25519KeyPair, KeyPair};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_of_the_set_verifies_and_another_does_not() {
        let encode = |octets: &[u8]| URL_SAFE_NO_PAD.encode(octets);
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let signed = format!("{}.{}", encode(br#"{"alg":"EdDSA","kid":"k1"}"#), encode(br#"{"aud":"x"}"#));
        let token = format!("{signed}.{}", encode(pair.sign(signed.as_bytes()).as_ref()));
        let set = |id: &str, octets: &[u8]| {
            let key = json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "x": encode(octets) });
            KeySets(HashMap::from_iter([("https://as.example.com".to_owned(), vec![key])]))
        };
        let right = set("k1", pair.public_key().as_ref());
        assert_eq!(right.verify("https://as.example.com", &token), Some(true));
        assert_eq!(right.verify("https://other.example.com", &token), None);
        assert_eq!(right.verify("https://as.example.com", &format!("{signed}.AAAA")), Some(false));
        let retired = set("k0", pair.public_key().as_ref());
        assert_eq!(retired.verify("https://as.example.com", &token), Some(false));
    }
}
