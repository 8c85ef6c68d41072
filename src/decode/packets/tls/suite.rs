//! What a cipher suite asks for: its name, and how its records are protected.

use rustls::crypto::ring::cipher_suite as known;
use rustls::{SupportedCipherSuite, Tls12CipherSuite, Tls13CipherSuite};

use super::cbc::Mac;
use super::suite_names::NAMES;

/// The name of a suite; its number where it has none.
pub(super) fn name(number: u16) -> String {
    match NAMES.binary_search_by_key(&number, |(found, _)| *found).ok().and_then(|at| NAMES.get(at)) {
        Some((_, name)) => (*name).to_owned(),
        None => format!("cipher suite {number:#06x}"),
    }
}

/// How the records of a suite of TLS 1.2 are protected.
#[derive(Clone, Copy)]
pub(super) enum Records {
    /// By an AEAD cipher.
    Aead,
    /// By AES in CBC mode and a keyed digest.
    Cbc {
        /// Octets of the AES key.
        key: usize,
        mac: Mac,
    },
}

/// A suite of TLS 1.3; `None` where this build does not decrypt it.
pub(super) fn tls13(number: u16) -> Option<&'static Tls13CipherSuite> {
    let suite = match number {
        0x1301 => &known::TLS13_AES_128_GCM_SHA256,
        0x1302 => &known::TLS13_AES_256_GCM_SHA384,
        0x1303 => &known::TLS13_CHACHA20_POLY1305_SHA256,
        // 0x1304 and 0x1305 are AES-CCM, which no library in use here has.
        _ => return None,
    };
    match suite {
        SupportedCipherSuite::Tls13(suite) => Some(suite),
        SupportedCipherSuite::Tls12(_) => None,
    }
}

/// A suite of TLS 1.2; `None` where this build does not decrypt it.
///
/// Key exchange and signature do not matter once the master secret is known: only what follows `_WITH_` does. The suite
/// of rustls that is returned stands for its key schedule, and for its record cipher where that is an AEAD.
pub(super) fn tls12(number: u16) -> Option<(&'static Tls12CipherSuite, Records)> {
    let at = NAMES.binary_search_by_key(&number, |(found, _)| *found).ok()?;
    let (_, protection) = NAMES.get(at)?.1.split_once("_WITH_")?;
    // The digest of the key schedule is SHA-256 unless the suite names a stronger one (RFC 5246, 5).
    let (suite, records) = match protection {
        "AES_128_GCM_SHA256" => (&known::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, Records::Aead),
        "AES_256_GCM_SHA384" => (&known::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, Records::Aead),
        "CHACHA20_POLY1305_SHA256" => (&known::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, Records::Aead),
        "AES_128_CBC_SHA" => sha256(16, Mac::Sha1),
        "AES_256_CBC_SHA" => sha256(32, Mac::Sha1),
        "AES_128_CBC_SHA256" => sha256(16, Mac::Sha256),
        "AES_256_CBC_SHA256" => sha256(32, Mac::Sha256),
        "AES_256_CBC_SHA384" => {
            let records = Records::Cbc { key: 32, mac: Mac::Sha384 };
            (&known::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, records)
        }
        _ => return None,
    };
    match suite {
        SupportedCipherSuite::Tls12(suite) => Some((suite, records)),
        SupportedCipherSuite::Tls13(_) => None,
    }
}

fn sha256(key: usize, mac: Mac) -> (&'static SupportedCipherSuite, Records) {
    (&known::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, Records::Cbc { key, mac })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_named() {
        assert_eq!(name(0x1305), "TLS_AES_128_CCM_8_SHA256");
        assert_eq!(name(0x0a0a), "cipher suite 0x0a0a");
        assert!(NAMES.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn key_exchange_and_signature_do_not_matter() {
        for number in [0x009c, 0x009e, 0x00a6, 0x00a8, 0xc02b, 0xc02f] {
            assert!(matches!(tls12(number), Some((_, Records::Aead))), "{}", name(number));
        }
        for number in [0x002f, 0x0033, 0xc009, 0xc013] {
            assert!(matches!(tls12(number), Some((_, Records::Cbc { key: 16, mac: Mac::Sha1 }))), "{}", name(number));
        }
        // 3DES, AES-CCM, Camellia, and a suite of TLS 1.3.
        for number in [0x000a, 0xc09c, 0x0041, 0x1301] {
            assert!(tls12(number).is_none(), "{}", name(number));
        }
    }
}
