//! Pairs for the demo and for tests. Real holders make their own, so that nobody else ever has the private key.

use chrono::{DateTime, Datelike, Utc};
use rcgen::{CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose, RsaKeySize};
use zeroize::Zeroizing;

use super::Error;
use crate::pem;

/// Years that a pair is valid.
const YEARS: i32 = 10;

/// The kind of a pair's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    #[default]
    P256,
    P384,
    Rsa3072,
}

/// A certificate that signs itself, and its private key.
pub struct Pair {
    pub certificate_pem: String,
    /// PKCS #8, not encrypted: whoever has it reads every sample that was encrypted to the certificate.
    pub private_key_pem: Zeroizing<String>,
}

/// Makes a certificate and its private key for escrow: key usage keyAgreement or keyEncipherment, valid for ten years from yesterday.
///
/// # Errors
/// [`Error::Failed`] where a name cannot be encoded or nothing can be computed.
pub fn new_pair(common_name: &str, organization: &str, kind: Kind, now: DateTime<Utc>) -> Result<Pair, Error> {
    let failed = |_: rcgen::Error| Error::Failed;
    let key = match kind {
        Kind::P256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
        Kind::P384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
        Kind::Rsa3072 => KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_3072),
    }
    .map_err(failed)?;
    let usage = match kind {
        Kind::P256 | Kind::P384 => KeyUsagePurpose::KeyAgreement,
        Kind::Rsa3072 => KeyUsagePurpose::KeyEncipherment,
    };
    // From yesterday, so that a clock that is a little behind does not reject it; days up to 28 exist in every month.
    let yesterday = now - chrono::Duration::days(1);
    let date =
        |years: i32| rcgen::date_time_ymd(yesterday.year() + years, yesterday.month() as u8, yesterday.day().min(28) as u8);
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.distinguished_name.push(DnType::OrganizationName, organization);
    (params.not_before, params.not_after) = (date(0), date(YEARS));
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![usage];
    let certificate = params.self_signed(&key).map_err(failed)?;
    let private = Zeroizing::new(key.serialize_der());
    Ok(Pair {
        certificate_pem: pem::write("CERTIFICATE", certificate.der()).to_string(),
        private_key_pem: pem::write("PRIVATE KEY", &private),
    })
}
