//! The environment of a client whose traffic goes through the forward proxy.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;

/// What a client is started with.
#[derive(Debug, Clone, Copy)]
pub struct Led<'a> {
    /// Where the proxy listens.
    pub proxy: SocketAddr,
    /// The certificate of the proxy's authority (PEM), for clients that add it to those they trust.
    pub authority: &'a Path,
    /// The same with all that this machine trusts, for clients that trust one file only.
    pub bundle: &'a Path,
    /// Where TLS secrets are to be logged.
    pub keylog: &'a Path,
}

/// Variables to set, and with `None` those to remove.
pub fn variables(led: Led<'_>) -> Vec<(&'static str, Option<OsString>)> {
    let proxy = OsString::from(format!("http://{}", led.proxy));
    let mut variables = Vec::new();
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        variables.push((name, Some(proxy.clone())));
    }
    // What is on this machine goes through the proxy as well: there the callback arrives.
    variables.extend([("NO_PROXY", None), ("no_proxy", None)]);
    // Node.js from 22.21 and 24 on reads the variables above where this one is set.
    variables.push(("NODE_USE_ENV_PROXY", Some("1".into())));
    variables.push(("NODE_EXTRA_CA_CERTS", Some(led.authority.into())));
    for name in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"] {
        variables.push((name, Some(led.bundle.into())));
    }
    variables.push(("SSLKEYLOGFILE", Some(led.keylog.into())));
    variables
}

/// Everything that this machine trusts, and `authority` (PEM), as one file for [`Led::bundle`].
#[cfg(feature = "proxy")]
pub fn bundle(authority: &str) -> String {
    use base64::Engine;
    use std::fmt::Write;

    let mut bundle = authority.trim_end().to_owned();
    bundle.push('\n');
    for certificate in rustls_native_certs::load_native_certs().certs {
        let text = base64::engine::general_purpose::STANDARD.encode(&certificate);
        bundle.push_str("-----BEGIN CERTIFICATE-----\n");
        // RFC 7468, 2: lines of 64 characters.
        for line in text.as_bytes().chunks(64) {
            let _ = writeln!(bundle, "{}", String::from_utf8_lossy(line));
        }
        bundle.push_str("-----END CERTIFICATE-----\n");
    }
    bundle
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "proxy")]
    #[test]
    fn a_bundle_begins_with_the_authority_and_reads_as_pem() {
        use rustls::pki_types::CertificateDer;
        use rustls::pki_types::pem::PemObject;
        let authority = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        let bundle = bundle(authority);
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bundle.as_bytes()).collect();
        let read = read.unwrap();
        assert_eq!(read.first().map(|first| first.as_ref()), Some(&[0x30, 0][..]));
        assert_eq!(read.len(), 1 + rustls_native_certs::load_native_certs().certs.len());
    }

    #[test]
    fn everything_is_led_through_the_proxy() {
        let led = Led {
            proxy: SocketAddr::from(([127, 0, 0, 1], 4000)),
            authority: Path::new("ca.pem"),
            bundle: Path::new("all.pem"),
            keylog: Path::new("keys"),
        };
        let shown: Vec<String> = variables(led)
            .into_iter()
            .map(|(name, value)| format!("{name}={}", value.unwrap_or_else(|| "(none)".into()).to_string_lossy()))
            .collect();
        let expected = "HTTP_PROXY=http://127.0.0.1:4000 HTTPS_PROXY=http://127.0.0.1:4000 \
                        ALL_PROXY=http://127.0.0.1:4000 http_proxy=http://127.0.0.1:4000 \
                        https_proxy=http://127.0.0.1:4000 all_proxy=http://127.0.0.1:4000 NO_PROXY=(none) \
                        no_proxy=(none) NODE_USE_ENV_PROXY=1 NODE_EXTRA_CA_CERTS=ca.pem SSL_CERT_FILE=all.pem \
                        REQUESTS_CA_BUNDLE=all.pem CURL_CA_BUNDLE=all.pem SSLKEYLOGFILE=keys";
        assert_eq!(shown.join(" "), expected);
    }
}
