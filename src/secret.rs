//! Values that must not be shown, and the fingerprints that stand for them.
//!
//! A fingerprint is keyed, so that nobody can test guesses against a report without the recording.

use std::fmt;
use std::sync::Arc;

/// A value read from a recording that must not reach any output: a token, a code, a verifier.
///
/// Equality is by octets. `Debug` prints the length only.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Keeps `value` from being shown.
    pub fn new(value: impl Into<Arc<str>>) -> Self {
        Secret(value.into())
    }

    /// The value itself, for comparison and digests. Never write it anywhere.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Length in octets.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the value is the empty string.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Secret::new(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} octets)", self.0.len())
    }
}

/// The key under which values become fingerprints.
#[derive(Clone)]
pub struct FingerprintKey([u8; 32]);

impl FingerprintKey {
    /// Derives the key from the digests of the recordings, whatever their order: the same input gives the same
    /// fingerprints, byte for byte.
    pub fn from_digests<'a>(digests: impl IntoIterator<Item = &'a [u8; 32]>) -> Self {
        let mut sorted: Vec<&[u8; 32]> = digests.into_iter().collect();
        sorted.sort_unstable();
        let mut hasher = blake3::Hasher::new_derive_key("authtrail 2026 fingerprint key from recordings");
        for digest in sorted {
            hasher.update(digest);
        }
        FingerprintKey(*hasher.finalize().as_bytes())
    }

    /// Derives the key from the content of a key file (`--key FILE`), so that fingerprints of several runs compare.
    pub fn from_file_content(content: &[u8]) -> Self {
        FingerprintKey(blake3::derive_key("authtrail 2026 fingerprint key from file", content))
    }

    /// The fingerprint of `value`.
    pub fn fingerprint(&self, value: &str) -> Fingerprint {
        let digest = blake3::keyed_hash(&self.0, value.as_bytes());
        let [a, b, c, d, ..] = *digest.as_bytes();
        Fingerprint { bits: u32::from_be_bytes([a, b, c, d]), length: value.len() }
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(..)")
    }
}

/// What is shown in the place of a secret: 32 bits of a keyed digest, and the length of the value in octets.
///
/// Prints as `f:1d07a2b3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint {
    bits: u32,
    length: usize,
}

impl Fingerprint {
    /// Length of the value in octets.
    pub fn length(self) -> usize {
        self.length
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "f:{:08x}", self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints() {
        let secret = Secret::from("s3cr3t-value");
        assert_eq!(format!("{secret:?}"), "Secret(12 octets)");
    }

    #[test]
    fn the_order_of_recordings_does_not_matter() {
        let (a, b) = ([1u8; 32], [2u8; 32]);
        let one = FingerprintKey::from_digests([&a, &b]).fingerprint("x");
        let two = FingerprintKey::from_digests([&b, &a]).fingerprint("x");
        assert_eq!(one, two);
        assert_ne!(one, FingerprintKey::from_digests([&a]).fingerprint("x"));
    }
}
