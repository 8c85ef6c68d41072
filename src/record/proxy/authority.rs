//! The certificate authority of this machine, and the certificates that it signs for hosts that are opened.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::recorder::lock;
use super::settings::Error;

/// A certificate authority. Whoever trusts it trusts whoever can read its key, so the key is for its owner alone.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
    /// The key of all the certificates for hosts; it is never written.
    key: KeyPair,
    configs: Mutex<HashMap<String, Arc<ServerConfig>>>,
}

impl std::fmt::Debug for Authority {
    /// Never prints a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

/// The name of the certificate in its folder.
const CERTIFICATE: &str = "ca.pem";

/// The name of the key.
const KEY: &str = "ca-key.pem";

/// Certificates that are kept; where there are more, they are made again.
const KEPT: usize = 512;

/// Days for which the authority is valid, and for which the certificates of hosts are: browsers refuse more than 398.
const VALID: (i64, i64) = (730, 90);

impl Authority {
    /// Reads the authority in `folder`, or makes one there.
    ///
    /// # Errors
    ///
    /// The files cannot be read or made, are none, or others can read the key.
    pub fn open(folder: &Path) -> Result<Authority, Error> {
        let wrong = |path: &Path, why: String| Error::Authorities(format!("{}: {why}", path.display()));
        let (certificate_path, key_path) = (folder.join(CERTIFICATE), folder.join(KEY));
        if !key_path.exists() {
            make(folder).map_err(|error| wrong(folder, error.to_string()))?;
        }
        if is_readable_by_others(&key_path) {
            return Err(wrong(
                &key_path,
                "others can read this key; remove it and its certificate, or set its mode to 0600".to_owned(),
            ));
        }
        let read = |path: &PathBuf| fs::read_to_string(path).map_err(|error| wrong(path, error.to_string()));
        let (certificate, key) = (read(&certificate_path)?, read(&key_path)?);
        let key = KeyPair::from_pem(&key).map_err(|error| wrong(&key_path, error.to_string()))?;
        let issuer = Issuer::from_ca_cert_pem(&certificate, key);
        let issuer = issuer.map_err(|error| wrong(&certificate_path, error.to_string()))?;
        let key = KeyPair::generate().map_err(|error| Error::Authorities(error.to_string()))?;
        Ok(Authority { issuer, certificate, key, configs: Mutex::default() })
    }

    /// The certificate, in PEM: what a client has to trust.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// How a client that asks for `host` is answered.
    pub(super) fn config(&self, host: &str) -> Result<Arc<ServerConfig>, String> {
        if let Some(config) = lock(&self.configs).get(host) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.sign(host)?);
        let mut configs = lock(&self.configs);
        if configs.len() >= KEPT {
            configs.clear();
        }
        configs.insert(host.to_owned(), Arc::clone(&config));
        Ok(config)
    }

    fn sign(&self, host: &str) -> Result<ServerConfig, String> {
        let words = |error: rcgen::Error| error.to_string();
        let mut params = CertificateParams::new(vec![host.to_owned()]).map_err(words)?;
        params.distinguished_name.push(DnType::CommonName, host.chars().take(64).collect::<String>());
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        params.use_authority_key_identifier_extension = true;
        valid_for(&mut params, VALID.1);
        let certificate = params.signed_by(&self.key, &self.issuer).map_err(words)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| error.to_string())?.with_no_client_auth();
        let mut config =
            builder.with_single_cert(vec![certificate.der().clone()], key).map_err(|error| error.to_string())?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// Makes an authority in `folder`.
fn make(folder: &Path) -> io::Result<()> {
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "authtrail recording proxy of this machine");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid_for(&mut params, VALID.0);
    let certificate = params.self_signed(&key).map_err(io::Error::other)?;
    let mut folders = fs::DirBuilder::new();
    folders.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folders, 0o700);
    folders.create(folder)?;
    // The key last: where it is, the certificate is.
    write(&folder.join(CERTIFICATE), &certificate.pem(), false)?;
    write(&folder.join(KEY), &key.serialize_pem(), true)
}

fn write(path: &Path, text: &str, for_owner: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true);
    if for_owner {
        options.create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    } else {
        options.create(true).truncate(true);
    }
    options.open(path)?.write_all(text.as_bytes())
}

/// From yesterday on, since clocks differ.
fn valid_for(params: &mut CertificateParams, days: i64) {
    let now = jiff::Timestamp::now().as_second();
    let day = |offset: i64| {
        let date = jiff::Timestamp::from_second(now + offset * 86_400).unwrap_or_default();
        let date = date.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
        rcgen::date_time_ymd(i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    params.not_before = day(-1);
    params.not_after = day(days);
}

#[cfg(unix)]
fn is_readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_readable_by_others(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_made_once_and_its_key_is_its_owner_s() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("a");
        let first = Authority::open(&folder).unwrap();
        let second = Authority::open(&folder).unwrap();
        assert_eq!(first.certificate(), second.certificate());
        assert!(!format!("{first:?}").contains("PRIVATE"));
        for host in ["mcp.example.com", "127.0.0.1", "::1"] {
            second.config(host).unwrap();
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let key = folder.join(KEY);
            assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
            fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
            assert!(Authority::open(&folder).unwrap_err().to_string().contains("others can read"));
        }
    }
}
