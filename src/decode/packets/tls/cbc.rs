//! Records of TLS 1.2 under AES-CBC with a keyed digest, in both orders (RFC 5246, 6.2.3.2; RFC 7366). rustls has neither.
//!
//! Time does not matter here: nobody waits for an answer, so nothing is done to hide where a record was found wrong.

use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeDecrypt, KeyIvInit};
use ring::hmac;
use rustls::Error;
use rustls::crypto::cipher::{InboundOpaqueMessage, InboundPlainMessage, MessageDecrypter, make_tls12_aad};
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

    fn algorithm(self) -> hmac::Algorithm {
        match self {
            Mac::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Mac::Sha256 => hmac::HMAC_SHA256,
            Mac::Sha384 => hmac::HMAC_SHA384,
        }
    }
}

/// Opens the records of one side.
pub(super) struct Cbc {
    key: Zeroizing<Vec<u8>>,
    mac_key: hmac::Key,
    mac: Mac,
    encrypt_then_mac: bool,
}

impl Cbc {
    pub(super) fn new(key: &[u8], mac_key: &[u8], mac: Mac, encrypt_then_mac: bool) -> Self {
        let mac_key = hmac::Key::new(mac.algorithm(), mac_key);
        Cbc { key: Zeroizing::new(key.to_vec()), mac_key, mac, encrypt_then_mac }
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
        let verify = |length: usize, text: &[&[u8]], tag: &[u8]| {
            let mut context = hmac::Context::with_key(&self.mac_key);
            context.update(&header(length));
            text.iter().for_each(|part| context.update(part));
            (context.sign().as_ref() == tag).then_some(())
        };
        let digest = self.mac.length();
        let sealed = if self.encrypt_then_mac {
            let (sealed, tag) = payload.split_at_mut_checked(payload.len().checked_sub(digest)?)?;
            verify(sealed.len(), &[sealed], tag)?;
            sealed
        } else {
            payload
        };
        let (iv, blocks) = sealed.split_at_mut_checked(BLOCK)?;
        self.decrypt_blocks(iv, blocks)?;
        // The last octet says how many octets like it stand before it.
        let padding = usize::from(*blocks.last()?);
        let text = blocks.get(..blocks.len().checked_sub(padding + 1)?)?;
        if self.encrypt_then_mac {
            return Some(text.len());
        }
        let (text, tag) = text.split_at_checked(text.len().checked_sub(digest)?)?;
        verify(text.len(), &[text], tag)?;
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
