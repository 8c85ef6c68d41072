//! Records of TLS 1.2 under AES-CBC with a keyed digest, in both orders (RFC 5246, 6.2.3.2; RFC 7366). rustls has neither.
//!
//! Time does not matter here: nobody waits for an answer, so nothing is done to hide where a record was found wrong.

use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeDecrypt, KeyIvInit};
use hmac::{Hmac, KeyInit, Mac as _};
use rustls::Error;
use rustls::crypto::cipher::{InboundOpaqueMessage, InboundPlainMessage, MessageDecrypter, make_tls12_aad};
use sha1::Sha1;
use sha2::{Sha256, Sha384};
use zeroize::Zeroizing;

/// Octets of a block of AES, and of the initialisation vector in front of a record.
const BLOCK: usize = 16;

/// The digest of a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mac {
    Sha1,
    Sha256,
    Sha384,
}

impl Mac {
    /// Octets of the digest, and of its key.
    pub(super) fn length(self) -> usize {
        match self {
            Mac::Sha1 => 20,
            Mac::Sha256 => 32,
            Mac::Sha384 => 48,
        }
    }
}

/// The digest with its key.
enum Keyed {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
}

impl Keyed {
    fn new(mac: Mac, key: &[u8]) -> Option<Self> {
        Some(match mac {
            Mac::Sha1 => Keyed::Sha1(Hmac::new_from_slice(key).ok()?),
            Mac::Sha256 => Keyed::Sha256(Hmac::new_from_slice(key).ok()?),
            Mac::Sha384 => Keyed::Sha384(Hmac::new_from_slice(key).ok()?),
        })
    }

    /// Whether `tag` is the digest of header and text.
    fn verify(&self, header: &[u8], text: &[u8], tag: &[u8]) -> Option<()> {
        match self {
            Keyed::Sha1(hmac) => hmac.clone().chain_update(header).chain_update(text).verify_slice(tag),
            Keyed::Sha256(hmac) => hmac.clone().chain_update(header).chain_update(text).verify_slice(tag),
            Keyed::Sha384(hmac) => hmac.clone().chain_update(header).chain_update(text).verify_slice(tag),
        }
        .ok()
    }
}

/// Opens the records of one side.
pub(super) struct Cbc {
    key: Zeroizing<Vec<u8>>,
    keyed: Keyed,
    digest: usize,
    encrypt_then_mac: bool,
}

impl Cbc {
    pub(super) fn new(key: &[u8], mac_key: &[u8], mac: Mac, encrypt_then_mac: bool) -> Option<Self> {
        let keyed = Keyed::new(mac, mac_key)?;
        Some(Cbc { key: Zeroizing::new(key.to_vec()), keyed, digest: mac.length(), encrypt_then_mac })
    }

    fn decrypt_blocks(&self, iv: &[u8], blocks: &mut [u8]) -> Option<()> {
        if blocks.is_empty() || !blocks.len().is_multiple_of(BLOCK) {
            return None;
        }
        if self.key.len() == 16 {
            let cipher = cbc::Decryptor::<aes::Aes128>::new_from_slices(&self.key, iv).ok()?;
            cipher.decrypt_padded::<NoPadding>(blocks).ok()?;
        } else {
            let cipher = cbc::Decryptor::<aes::Aes256>::new_from_slices(&self.key, iv).ok()?;
            cipher.decrypt_padded::<NoPadding>(blocks).ok()?;
        }
        Some(())
    }

    /// Decrypts in place and gives the length of the plaintext, which stands behind the initialisation vector.
    fn open(&self, header: impl Fn(usize) -> [u8; 13], payload: &mut [u8]) -> Option<usize> {
        let verify = |text: &[u8], tag: &[u8]| self.keyed.verify(&header(text.len()), text, tag);
        let digest = self.digest;
        let sealed = if self.encrypt_then_mac {
            let (sealed, tag) = payload.split_at_mut_checked(payload.len().checked_sub(digest)?)?;
            verify(sealed, tag)?;
            sealed
        } else {
            payload
        };
        let (iv, blocks) = sealed.split_at_mut_checked(BLOCK)?;
        self.decrypt_blocks(iv, blocks)?;
        // The last octet says how many octets like it stand before it.
        let last = *blocks.last()?;
        let (text, padding) = blocks.split_at_checked(blocks.len().checked_sub(usize::from(last) + 1)?)?;
        if padding.iter().any(|octet| *octet != last) {
            return None;
        }
        if self.encrypt_then_mac {
            return Some(text.len());
        }
        let (text, tag) = text.split_at_checked(text.len().checked_sub(digest)?)?;
        verify(text, tag)?;
        Some(text.len())
    }
}

impl MessageDecrypter for Cbc {
    fn decrypt<'a>(
        &mut self,
        mut message: InboundOpaqueMessage<'a>,
        sequence: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        let (kind, version) = (message.typ, message.version);
        let header = |length| make_tls12_aad(sequence, kind, version, length);
        let length = self.open(header, &mut message.payload).ok_or(Error::DecryptError)?;
        Ok(message.into_plain_message_range(BLOCK..BLOCK + length))
    }
}
