//! From the secrets of a key log to what opens records: the key schedules of TLS 1.2 and 1.3.

use std::ops::Range;

use ring::aead;
use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, MessageDecrypter, Nonce, make_tls12_aad, make_tls13_aad,
};
use rustls::crypto::tls13::{HkdfExpander, OkmBlock};
use rustls::{ContentType, Error, ProtocolVersion, Tls13CipherSuite};
use zeroize::Zeroizing;

use super::cbc::Cbc;
use super::keylog::KeySecret;
use super::suite::{Records, tls12};

/// Octets that AES-GCM of TLS 1.2 adds: an explicit nonce in front, a tag behind (RFC 5288, 3).
const GCM_NONCE: usize = 8;
const TAG: usize = 16;

/// Opens the records of one side under one key.
pub(super) struct Opener(Box<dyn MessageDecrypter>);

impl Opener {
    /// Opens a record in place: its kind, and where its plaintext stands. A record that does not open is spoilt.
    pub(super) fn open(
        &mut self,
        kind: u8,
        version: u16,
        body: &mut [u8],
        sequence: u64,
    ) -> Option<(u8, Range<usize>)> {
        let start = body.as_ptr().addr();
        let message = InboundOpaqueMessage::new(ContentType::from(kind), ProtocolVersion::from(version), body);
        let plain = self.0.decrypt(message, sequence).ok()?;
        let from = plain.payload.as_ptr().addr().checked_sub(start)?;
        Some((plain.typ.into(), from..from.checked_add(plain.payload.len())?))
    }
}

/// What opens the records of one side of TLS 1.3; `None` where the secret is not one of this suite.
pub(super) fn opener13(suite: &Tls13CipherSuite, secret: &[u8]) -> Option<Opener> {
    let expander = expander(suite, secret)?;
    let mut key = Zeroizing::new([0; 32]);
    let mut iv = [0; 12];
    let length = suite.aead_alg.key_len();
    expand(&*expander, "key", key.get_mut(..length)?)?;
    expand(&*expander, "iv", &mut iv)?;
    let iv = Iv::from(iv);
    Some(Opener(match length {
        32 => suite.aead_alg.decrypter(AeadKey::from(*key), iv),
        _ => Box::new(Aes128 { key: aes128(key.get(..length)?)?, iv, tls13: true }),
    }))
}

/// The secret that a KeyUpdate puts in the place of this one (RFC 8446, 7.2).
pub(super) fn next_secret(suite: &Tls13CipherSuite, secret: &[u8]) -> Option<KeySecret> {
    let mut next = Zeroizing::new(vec![0; secret.len()].into_boxed_slice());
    expand(&*expander(suite, secret)?, "traffic upd", &mut next)?;
    Some(next)
}

fn expander(suite: &Tls13CipherSuite, secret: &[u8]) -> Option<Box<dyn HkdfExpander>> {
    let digest = suite.common.hash_provider.output_len();
    (secret.len() == digest).then(|| suite.hkdf_provider.expander_for_okm(&OkmBlock::new(secret)))
}

/// HKDF-Expand-Label with an empty context (RFC 8446, 7.1).
fn expand(expander: &dyn HkdfExpander, label: &str, output: &mut [u8]) -> Option<()> {
    let length = u16::try_from(output.len()).ok()?.to_be_bytes();
    let label = [b"tls13 ", label.as_bytes()].concat();
    let label_length = [u8::try_from(label.len()).ok()?];
    expander.expand_slice(&[&length, &label_length, &label, &[0]], output).ok()
}

/// What the keys of TLS 1.2 are made from.
pub(super) struct Schedule12<'a> {
    pub(super) suite: u16,
    pub(super) master: &'a [u8],
    pub(super) client_random: &'a [u8; 32],
    pub(super) server_random: &'a [u8; 32],
    pub(super) encrypt_then_mac: bool,
}

/// What opens the records of both sides.
pub(super) struct Openers12 {
    pub(super) client: Opener,
    pub(super) server: Opener,
    /// How many octets longer than its text a record is; `None` where that depends on the text.
    pub(super) overhead: Option<usize>,
}

/// What opens the records of TLS 1.2; `None` where this build does not decrypt the suite.
pub(super) fn openers12(from: &Schedule12<'_>) -> Option<Openers12> {
    let (suite, records) = tls12(from.suite)?;
    let (mac, key, iv) = match records {
        Records::Aead => {
            let shape = suite.aead_alg.key_block_shape();
            (0, shape.enc_key_len, shape.fixed_iv_len)
        }
        Records::Cbc { key, mac } => (mac.length(), key, 0),
    };
    // RFC 5246, 6.3: the digest keys of both sides, then the keys, then the fixed parts of the nonces.
    let mut block = Zeroizing::new(vec![0; 2 * (mac + key + iv)]);
    let seed = [from.server_random.as_slice(), from.client_random].concat();
    suite.prf_provider.for_secret(&mut block, from.master, b"key expansion", &seed);
    let cut = |side: usize| -> Option<Opener> {
        let mac_key = block.get(side * mac..)?.get(..mac)?;
        let iv = block.get(2 * (mac + key) + side * iv..)?.get(..iv)?;
        let key = block.get(2 * mac + side * key..)?.get(..key)?;
        Some(Opener(match records {
            Records::Cbc { mac, .. } => Box::new(Cbc::new(key, mac_key, mac, from.encrypt_then_mac)?),
            Records::Aead => match <[u8; 32]>::try_from(key) {
                Ok(key) => suite.aead_alg.decrypter(AeadKey::from(key), iv),
                Err(_) => {
                    let mut nonce = [0; 12];
                    nonce.get_mut(..iv.len())?.copy_from_slice(iv);
                    Box::new(Aes128 { key: aes128(key)?, iv: Iv::from(nonce), tls13: false })
                }
            },
        }))
    };
    let overhead = match records {
        Records::Aead => Some(suite.aead_alg.key_block_shape().explicit_nonce_len + TAG),
        Records::Cbc { .. } => None,
    };
    Some(Openers12 { client: cut(0)?, server: cut(1)?, overhead })
}

fn aes128(key: &[u8]) -> Option<aead::LessSafeKey> {
    aead::UnboundKey::new(&aead::AES_128_GCM, key).ok().map(aead::LessSafeKey::new)
}

/// AES-128-GCM over ring: rustls 0.23 has no public way to make an `AeadKey` of 16 octets.
struct Aes128 {
    key: aead::LessSafeKey,
    iv: Iv,
    tls13: bool,
}

impl MessageDecrypter for Aes128 {
    fn decrypt<'a>(
        &mut self,
        mut message: InboundOpaqueMessage<'a>,
        sequence: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        let length = message.payload.len();
        let closed = |_| Error::DecryptError;
        if self.tls13 {
            let nonce = aead::Nonce::assume_unique_for_key(Nonce::new(&self.iv, sequence).0);
            let aad = aead::Aad::from(make_tls13_aad(length));
            let plain = self.key.open_in_place(nonce, aad, &mut message.payload).map_err(closed)?.len();
            message.payload.truncate(plain);
            return message.into_tls13_unpadded_message();
        }
        let plain = length.checked_sub(GCM_NONCE + TAG).ok_or(Error::DecryptError)?;
        let mut nonce = [0; 12];
        let (fixed, explicit) = nonce.split_at_mut(4);
        fixed.copy_from_slice(self.iv.as_ref().get(..4).ok_or(Error::DecryptError)?);
        explicit.copy_from_slice(message.payload.get(..GCM_NONCE).ok_or(Error::DecryptError)?);
        let aad = aead::Aad::from(make_tls12_aad(sequence, message.typ, message.version, plain));
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        self.key.open_within(nonce, aad, &mut message.payload, GCM_NONCE..).map_err(closed)?;
        message.payload.truncate(plain);
        Ok(message.into_plain_message())
    }
}
