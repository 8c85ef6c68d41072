//! The way to the servers: HTTP/1.1 and HTTP/2, with certificates verified.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use hyper::{Request, Response, body::Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::settings::{Error, Settings};
use super::tap::Tap;

/// Clients for every server.
#[derive(Debug, Clone)]
pub(super) struct Upstream {
    any: Client<HttpsConnector<HttpConnector>, Tap>,
    /// HTTP/1.1 alone: only there a connection can become another protocol.
    first: Client<HttpsConnector<HttpConnector>, Tap>,
}

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(15);

impl Upstream {
    /// Reads the authorities that are trusted.
    pub(super) fn new(settings: &Settings) -> Result<Upstream, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = verifier(settings, &provider)?;
        let config = || {
            let builder =
                ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
            let builder = builder.map_err(|error| Error::Authorities(error.to_string()))?;
            let verifier = Arc::clone(&verifier);
            Ok::<_, Error>(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
        };
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(60)).pool_max_idle_per_host(32);
        builder.timer(TokioTimer::new()).http1_preserve_header_case(true);
        builder.http2_keep_alive_interval(Duration::from_secs(30)).http2_keep_alive_while_idle(false);
        let https = || HttpsConnectorBuilder::new();
        let any =
            https().with_tls_config(config()?).https_or_http().enable_http1().enable_http2().wrap_connector(http());
        let first = https().with_tls_config(config()?).https_or_http().enable_http1().wrap_connector(http());
        Ok(Upstream { any: builder.build(any), first: builder.build(first) })
    }

    /// Sends a request; `upgrades` where the connection is to become another protocol.
    pub(super) async fn send(&self, request: Request<Tap>, upgrades: bool) -> Result<Response<Incoming>, ClientError> {
        if upgrades { self.first.request(request).await } else { self.any.request(request).await }
    }
}

fn http() -> HttpConnector {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(CONNECT));
    http
}

fn verifier(settings: &Settings, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    // A machine without any is no reason to stop: a target on loopback needs none.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for path in &settings.authorities {
        let wrong = |why: String| Error::Authorities(format!("{}: {why}", path.display()));
        let certificates: Result<Vec<CertificateDer<'static>>, _> =
            CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?.collect();
        let certificates = certificates.map_err(|error| wrong(error.to_string()))?;
        if certificates.is_empty() {
            return Err(wrong("holds no certificate in PEM".to_owned()));
        }
        for certificate in certificates {
            roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
        }
    }
    let insecure = settings.insecure_hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
    let strict = match roots.is_empty() {
        true => None,
        false => {
            let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
            Some(builder.build().map_err(|error| Error::Authorities(error.to_string()))?)
        }
    };
    Ok(Arc::new(Verifier { strict, insecure, provider: Arc::clone(provider) }))
}

/// Verifies every certificate but those of the hosts that the user named.
#[derive(Debug)]
struct Verifier {
    /// `None` where this machine trusts no authority at all.
    strict: Option<Arc<WebPkiServerVerifier>>,
    insecure: BTreeSet<String>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.insecure.contains(&server_name.to_str().to_ascii_lowercase()) {
            return Ok(ServerCertVerified::assertion());
        }
        match &self.strict {
            Some(strict) => strict.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now),
            None => Err(rustls::Error::General("this machine trusts no authority; pass --ca FILE".to_owned())),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
