//! How connections to PostgreSQL are kept from others' eyes.

use std::sync::Arc;

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::{Error, Result};
use crate::store::certificates;

/// What the URL and the builder say about TLS.
#[derive(Debug, Clone, Default)]
pub(super) struct Tls {
    mode: Mode,
    /// The certificates to trust, in PEM; those of the system unless there are any.
    roots: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Mode {
    /// `disable`.
    Never,
    /// `allow` and `prefer`: where the server offers it, whoever that is. As with every client of
    /// PostgreSQL, this keeps out those who listen, and not those who interfere.
    #[default]
    Offered,
    /// `require`, `verify-ca` and `verify-full`: always, with a certificate that is good for this
    /// host.
    Checked,
}

impl Tls {
    /// Takes what belongs to TLS out of a URL, since the client knows less of it than URLs say.
    pub(super) fn taken_from(url: &str) -> Result<(Self, String)> {
        let mut tls = Self::default();
        // A password may have question marks.
        let host = url.find('@').unwrap_or(0);
        let Some(mark) = url[host..].find('?').map(|mark| host + mark) else {
            return Ok((tls, url.to_owned()));
        };
        let (base, query) = (&url[..mark], &url[mark + 1..]);
        let mut rest = Vec::new();
        for parameter in query.split('&') {
            match parameter.split_once('=') {
                Some(("sslmode", mode)) => tls.mode = Mode::named(mode)?,
                Some(("sslrootcert", "system")) => tls.mode = Mode::Checked,
                Some(("sslrootcert", path)) => tls.roots = Some(read(path)?),
                _ => rest.push(parameter),
            }
        }
        let mark = if rest.is_empty() { "" } else { "?" };
        Ok((tls, format!("{base}{mark}{}", rest.join("&"))))
    }

    /// Trusts these instead of the system's.
    pub(super) fn trust(&mut self, pem: Vec<u8>) {
        self.roots = Some(pem);
    }

    pub(super) fn mode(&self) -> SslMode {
        match self.mode {
            Mode::Never => SslMode::Disable,
            Mode::Offered => SslMode::Prefer,
            Mode::Checked => SslMode::Require,
        }
    }

    /// What makes connections.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| Error::configuration(error.to_string()))?;
        let config = if self.mode == Mode::Checked || self.roots.is_some() {
            builder.with_root_certificates(self.trusted()?)
        } else {
            let whoever = Arc::new(Whoever(provider));
            builder
                .dangerous()
                .with_custom_certificate_verifier(whoever)
        };
        Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
    }

    fn trusted(&self) -> Result<RootCertStore> {
        if let Some(pem) = &self.roots {
            return certificates::trusted(pem);
        }
        let mut trusted = RootCertStore::empty();
        // What cannot be read of them cannot be trusted, and that is all.
        let found = rustls_native_certs::load_native_certs();
        trusted.add_parsable_certificates(found.certs);
        if trusted.is_empty() {
            return Err(Error::configuration(
                "the system trusts no certificates; name some with `root_certificates`",
            ));
        }
        Ok(trusted)
    }
}

impl Mode {
    fn named(name: &str) -> Result<Self> {
        match name {
            "disable" => Ok(Self::Never),
            "allow" | "prefer" => Ok(Self::Offered),
            "require" | "verify-ca" | "verify-full" => Ok(Self::Checked),
            _ => Err(Error::configuration(
                "`sslmode` is `disable`, `prefer`, `require` or `verify-full`",
            )),
        }
    }
}

fn read(path: &str) -> Result<Vec<u8>> {
    let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    std::fs::read(&*path).map_err(|error| Error::io("the root certificates cannot be read", error))
}

/// Talks to whoever has the key of the certificate that it shows, whatever that is.
#[derive(Debug)]
struct Whoever(Arc<CryptoProvider>);

impl ServerCertVerifier for Whoever {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_whether_others_may_listen() {
        let cases = [
            ("", Mode::Offered, ""),
            ("?sslmode=disable", Mode::Never, ""),
            (
                "?sslmode=prefer&connect_timeout=3",
                Mode::Offered,
                "?connect_timeout=3",
            ),
            ("?a=b&sslmode=verify-full", Mode::Checked, "?a=b"),
            ("?sslmode=require", Mode::Checked, ""),
            ("?sslrootcert=system", Mode::Checked, ""),
            (
                "?application_name=a@b&sslmode=disable",
                Mode::Never,
                "?application_name=a@b",
            ),
        ];
        for (query, mode, rest) in cases {
            let (tls, url) = Tls::taken_from(&format!("postgres://u@h/d{query}")).unwrap();
            assert_eq!((tls.mode, url), (mode, format!("postgres://u@h/d{rest}")));
        }
        let (tls, url) = Tls::taken_from("postgres://u:a?sslmode=b@h/d?sslmode=disable").unwrap();
        assert_eq!(
            (tls.mode, &*url),
            (Mode::Never, "postgres://u:a?sslmode=b@h/d")
        );
        let wrong = Tls::taken_from("postgres://h/d?sslmode=perhaps").unwrap_err();
        assert!(wrong.is_configuration());
    }
}
