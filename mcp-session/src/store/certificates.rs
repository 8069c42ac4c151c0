//! The certificates that a user trusts.

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use crate::error::{Error, Result};

/// Certificates to trust, read from PEM; at least one.
pub(super) fn trusted(pem: &[u8]) -> Result<RootCertStore> {
    let mut trusted = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let added = certificate.map(|certificate| trusted.add(certificate));
        if !matches!(added, Ok(Ok(()))) {
            return Err(Error::configuration("a root certificate cannot be read"));
        }
    }
    if trusted.is_empty() {
        return Err(Error::configuration(
            "there is no root certificate in what was given as such",
        ));
    }
    Ok(trusted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused() {
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for pem in ["", "none", broken] {
            assert!(trusted(pem.as_bytes()).unwrap_err().is_configuration());
        }
    }
}
