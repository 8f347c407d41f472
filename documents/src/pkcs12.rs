//! A tenant's key file (PKCS #12, RFC 7292): opened once, then used to seal many documents.
//!
//! Neither the private key nor the password ever leaves this module; `Debug` shows the certificate's name only.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{self, EcdsaKeyPair, KeyPair};
use chrono::{DateTime, Datelike, Utc};
use p12_keystore::error::Error as StoreError;
use p12_keystore::{KeyStore, KeyStoreEntry, Pkcs12Archive, PrivateKey, PrivateKeyChain};
use serde::Serialize;

use crate::asn1::{self, oid};
use crate::x509::Certificate;

/// The largest key file that is read, in bytes. Real ones have a few kilobytes.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;

/// The most certificates of a key file that go into a signature: leaf, intermediates and root.
const MAX_CHAIN: usize = 8;

/// Why a key file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the password does not open this PKCS#12 file")]
    WrongPassword,
    #[error("this is not a PKCS#12 file")]
    NotPkcs12,
    #[error("the PKCS#12 file holds no private key")]
    NoPrivateKey,
    #[error("the PKCS#12 file cannot be used: {0}")]
    Unsupported(String),
}

/// What a certificate says of its holder and its validity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facts {
    pub common_name: Option<String>,
    pub organization: Option<String>,
    pub organizational_unit: Option<String>,
    /// The issuer's common name, or its whole name.
    pub issuer: String,
    /// Lower-case hexadecimal.
    pub serial: String,
    pub not_before: DateTime<Utc>,
    pub not_after: DateTime<Utc>,
    /// SHA-256 of the certificate's DER, lower-case hexadecimal.
    pub fingerprint: String,
}

impl Facts {
    pub(crate) fn of(certificate: &Certificate) -> Self {
        Self {
            common_name: certificate.subject_attribute(oid::COMMON_NAME),
            organization: certificate.subject_attribute(oid::ORGANIZATION),
            organizational_unit: certificate.subject_attribute(oid::ORGANIZATIONAL_UNIT),
            issuer: certificate.issuer_text(),
            serial: hex(certificate.serial_number()),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            fingerprint: hex(&certificate.sha256()),
        }
    }
}

enum Key {
    Rsa(rsa::KeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
}

/// An opened key file: private key, its certificate, and the chain above it.
pub struct Identity {
    key: Key,
    /// The leaf first, then each issuer of the one before, as far as the file has them.
    chain: Vec<Certificate>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("subject", &self.chain[0].subject_text()).finish_non_exhaustive()
    }
}

impl Identity {
    /// Opens a PKCS #12 file, old (RC2-40, 3DES, SHA-1) or new (AES-256, SHA-256).
    ///
    /// The key has to be RSA of at least 2048 bits, or ECDSA on P-256 or P-384. Key derivation takes milliseconds (its
    /// iterations are bounded): open once and keep the identity.
    ///
    /// # Errors
    /// [`Error`]; none of its texts holds anything secret.
    pub fn open(bytes: &[u8], password: &str) -> Result<Self, Error> {
        if bytes.len() > MAX_FILE_BYTES {
            return Err(Error::Unsupported(format!("it is larger than {MAX_FILE_BYTES} bytes")));
        }
        let archive = Pkcs12Archive::from_pkcs12(bytes, password).map_err(store_error)?;
        if archive.keys.is_empty() {
            return Err(Error::NoPrivateKey);
        }
        // A certificate that cannot be read cannot be the leaf; the others are only helpful.
        let certificates: Vec<Certificate> =
            archive.certs.iter().filter_map(|bag| Certificate::from_der(bag.cert.as_der()).ok()).collect();
        let mut reason = None;
        for bag in &archive.keys {
            match Self::assemble(&bag.key, &certificates) {
                Ok(identity) => return Ok(identity),
                Err(error) => reason = reason.or(Some(error)),
            }
        }
        Err(reason.unwrap_or(Error::NoPrivateKey))
    }

    fn assemble(private_key: &PrivateKey, certificates: &[Certificate]) -> Result<Self, Error> {
        let key = Key::from_pkcs8(private_key)?;
        let belongs = |certificate: &&Certificate| certificate.public_key_bits() == Some(key.public_bits());
        let leaf = certificates
            .iter()
            .find(belongs)
            .ok_or_else(|| Error::Unsupported("no certificate in it belongs to its private key".to_owned()))?;
        if !leaf.may_sign_documents() {
            return Err(Error::Unsupported("its certificate's key usage does not allow signatures".to_owned()));
        }
        Ok(Self { key, chain: ordered_chain(leaf, certificates) })
    }

    /// What the certificate says.
    pub fn facts(&self) -> Facts {
        Facts::of(&self.chain[0])
    }

    /// The certificates' DER: the leaf first, then its issuers as far as the file has them. Nothing in it is secret.
    pub fn certificates(&self) -> impl Iterator<Item = &[u8]> {
        self.chain.iter().map(Certificate::der)
    }

    pub(crate) fn leaf(&self) -> &Certificate {
        &self.chain[0]
    }

    /// The digest of the CMS and of its attributes: as strong as the key.
    pub(crate) fn digest_oid(&self) -> der::oid::ObjectIdentifier {
        match self.key {
            Key::Rsa(_) | Key::P256(_) => oid::SHA256,
            Key::P384(_) => oid::SHA384,
        }
    }

    /// The DER of the signature's `AlgorithmIdentifier`. RSA has a NULL parameter (RFC 4055 5), ECDSA none (RFC 5758 3.2).
    pub(crate) fn signature_algorithm(&self) -> Vec<u8> {
        let (algorithm, null) = match self.key {
            Key::Rsa(_) => (oid::RSA_SHA256, asn1::tlv(asn1::NULL, &[])),
            Key::P256(_) => (oid::ECDSA_SHA256, Vec::new()),
            Key::P384(_) => (oid::ECDSA_SHA384, Vec::new()),
        };
        asn1::tlv(asn1::SEQUENCE, &[&asn1::object_identifier(algorithm), &null])
    }

    /// Signs `message` (not a digest of it).
    ///
    /// # Errors
    /// Only where the library cannot compute: no memory, no randomness.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, aws_lc_rs::error::Unspecified> {
        let random = SystemRandom::new();
        match &self.key {
            Key::Rsa(key) => {
                let mut out = vec![0; key.public_modulus_len()];
                key.sign(&signature::RSA_PKCS1_SHA256, &random, message, &mut out)?;
                Ok(out)
            }
            Key::P256(key) | Key::P384(key) => Ok(key.sign(&random, message)?.as_ref().to_vec()),
        }
    }

    /// Makes a certificate authority of its own and a leaf under it (P-256, digitalSignature and nonRepudiation, two years)
    /// as a PKCS #12 file under `password`: for the first start and for tests. Nobody else trusts it.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where a name or the password cannot be encoded.
    pub fn development(common_name: &str, organization: &str, now: DateTime<Utc>, password: &str) -> Result<Vec<u8>, Error> {
        let failed = |what: &dyn fmt::Display| Error::Unsupported(format!("development certificate: {what}"));
        let authority_name = format!("{organization} development CA");
        let authority_params = development_params(&authority_name, organization, now, true);
        let authority_key = rcgen::KeyPair::generate().map_err(|e| failed(&e))?;
        let authority = authority_params.self_signed(&authority_key).map_err(|e| failed(&e))?;
        let issuer = rcgen::Issuer::new(authority_params, authority_key);
        let leaf_key = rcgen::KeyPair::generate().map_err(|e| failed(&e))?;
        let leaf =
            development_params(common_name, organization, now, false).signed_by(&leaf_key, &issuer).map_err(|e| failed(&e))?;
        let private_key = PrivateKey::from_der(leaf_key.serialized_der()).map_err(|e| failed(&e))?;
        let certificate = |der: &[u8]| p12_keystore::Certificate::from_der(der).map_err(|e| failed(&e));
        let chain = [certificate(leaf.der())?, certificate(authority.der())?];
        let mut store = KeyStore::new();
        let entry = PrivateKeyChain::new("1", private_key, chain);
        store.add_entry("development", KeyStoreEntry::PrivateKeyChain(entry));
        store.writer(password).write().map_err(|e| failed(&e))
    }
}

impl Key {
    fn from_pkcs8(private_key: &PrivateKey) -> Result<Self, Error> {
        let der = private_key.as_der();
        if let Ok(key) = rsa::KeyPair::from_pkcs8(der) {
            return Ok(Self::Rsa(key));
        }
        if let Ok(key) = EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, der) {
            return Ok(Self::P256(key));
        }
        if let Ok(key) = EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P384_SHA384_ASN1_SIGNING, der) {
            return Ok(Self::P384(key));
        }
        let what = "its key is neither RSA of 2048 to 8192 bits nor ECDSA on P-256 or P-384";
        Err(Error::Unsupported(what.to_owned()))
    }

    fn public_bits(&self) -> &[u8] {
        match self {
            Self::Rsa(key) => key.public_key().as_ref(),
            Self::P256(key) | Self::P384(key) => key.public_key().as_ref(),
        }
    }
}

/// The leaf and its issuers, each found by name and signature, whatever the order in the file.
fn ordered_chain(leaf: &Certificate, certificates: &[Certificate]) -> Vec<Certificate> {
    let mut chain = vec![leaf.clone()];
    while chain.len() < MAX_CHAIN {
        let last = &chain[chain.len() - 1];
        let known = |candidate: &&Certificate| chain.iter().any(|present| present.der() == candidate.der());
        let next = certificates.iter().find(|candidate| !known(candidate) && last.is_signed_by(candidate));
        match next {
            Some(issuer) => chain.push(issuer.clone()),
            None => break,
        }
    }
    chain
}

fn development_params(name: &str, organization: &str, now: DateTime<Utc>, authority: bool) -> rcgen::CertificateParams {
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.distinguished_name.push(rcgen::DnType::OrganizationName, organization);
    // From yesterday, so that a clock that is a little behind does not reject it; days up to 28 exist in every month.
    let yesterday = now - chrono::Duration::days(1);
    let day = yesterday.day().min(28) as u8;
    let date = |years: i32| rcgen::date_time_ymd(yesterday.year() + years, yesterday.month() as u8, day);
    params.not_before = date(0);
    params.not_after = if authority { date(10) } else { date(2) };
    params.use_authority_key_identifier_extension = true;
    if authority {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
    } else {
        params.is_ca = rcgen::IsCa::ExplicitNoCa;
        params.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature, rcgen::KeyUsagePurpose::ContentCommitment];
    }
    params
}

fn store_error(error: StoreError) -> Error {
    match error {
        // A wrong password shows as a wrong MAC, or, in a file without one, as content that does not decrypt.
        StoreError::MacError(_) | StoreError::UnpadError | StoreError::Pkcs5Error(_) => Error::WrongPassword,
        StoreError::DerError(_) | StoreError::InvalidVersion | StoreError::InvalidLength | StoreError::InvalidData => {
            Error::NotPkcs12
        }
        StoreError::UnsupportedEncryptionScheme => Error::Unsupported("its encryption is not known".to_owned()),
        StoreError::UnsupportedMacAlgorithm => Error::Unsupported("its integrity check is not known".to_owned()),
        StoreError::InvalidParameters => Error::Unsupported("its key derivation is out of bounds".to_owned()),
        StoreError::UnsupportedContentType => Error::Unsupported("it is protected by a public key".to_owned()),
        StoreError::InvalidPrivateKey => Error::Unsupported("its private key cannot be read".to_owned()),
        _ => Error::Unsupported("its content cannot be read".to_owned()),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    const PASSWORD: &str = "password";

    fn open(bytes: &[u8]) -> Result<Identity, Error> {
        Identity::open(bytes, PASSWORD)
    }

    #[test]
    fn old_and_new_files_open() {
        let files: [&[u8]; 4] = [
            include_bytes!("../fixtures/rsa2048-rc2-40.p12"),
            include_bytes!("../fixtures/rsa2048-3des.p12"),
            include_bytes!("../fixtures/rsa2048-aes256.p12"),
            include_bytes!("../fixtures/p384-aes256.p12"),
        ];
        for file in files {
            let identity = open(file).unwrap();
            assert_eq!(identity.certificates().count(), 2);
            assert_eq!(identity.facts().organization.as_deref(), Some("Serveis Guell, S.L."));
            assert_eq!(identity.facts().issuer, "Rubrica test root");
        }
    }

    #[test]
    fn a_wrong_password_is_said_to_be_one_in_old_and_new_files() {
        let files: [&[u8]; 2] =
            [include_bytes!("../fixtures/rsa2048-rc2-40.p12"), include_bytes!("../fixtures/rsa2048-aes256.p12")];
        for file in files {
            assert_eq!(Identity::open(file, "passwort").err(), Some(Error::WrongPassword));
            assert_eq!(Identity::open(file, "").err(), Some(Error::WrongPassword));
        }
    }

    #[test]
    fn what_is_missing_or_unfit_is_named() {
        assert_eq!(open(b"").err(), Some(Error::NotPkcs12));
        assert_eq!(open(b"-----BEGIN CERTIFICATE-----").err(), Some(Error::NotPkcs12));
        assert_eq!(open(include_bytes!("../fixtures/no-key.p12")).err(), Some(Error::NoPrivateKey));
        let unfit: [&[u8]; 3] = [
            include_bytes!("../fixtures/no-certificate.p12"),
            include_bytes!("../fixtures/rsa1024.p12"),
            include_bytes!("../fixtures/tls-only.p12"),
        ];
        for file in unfit {
            assert!(matches!(open(file), Err(Error::Unsupported(_))));
        }
        assert!(matches!(open(&vec![0; MAX_FILE_BYTES + 1]), Err(Error::Unsupported(_))));
    }

    #[test]
    fn a_development_identity_has_a_root_and_two_years() {
        let now = Utc.with_ymd_and_hms(2028, 3, 1, 0, 30, 0).unwrap();
        let file = Identity::development("Development seal", "Güell, S.L.", now, "segredo ñ").unwrap();
        let identity = Identity::open(&file, "segredo ñ").unwrap();
        let facts = identity.facts();
        assert_eq!(facts.common_name.as_deref(), Some("Development seal"));
        assert_eq!(facts.organization.as_deref(), Some("Güell, S.L."));
        assert!(facts.not_before <= now && facts.not_after > now + chrono::Duration::days(700));
        assert_eq!(facts.fingerprint.len(), 64);
        assert_eq!(identity.certificates().count(), 2);
        assert!(identity.leaf().key_usage().unwrap().non_repudiation());
    }

    #[test]
    fn a_leaf_is_found_by_its_key_and_the_chain_is_ordered() {
        let identity = open(include_bytes!("../fixtures/p384-aes256.p12")).unwrap();
        let mut shuffled: Vec<Certificate> = identity.chain.clone();
        shuffled.reverse();
        let chain = ordered_chain(&identity.chain[0], &shuffled);
        assert_eq!(chain[0].der(), identity.leaf().der());
        assert!(chain[1].is_self_issued());
    }

    #[test]
    fn nothing_secret_is_printed() {
        let identity = open(include_bytes!("../fixtures/rsa2048-aes256.p12")).unwrap();
        assert_eq!(format!("{identity:?}"), "Identity { subject: \"Rubrica test RSA\", .. }");
    }
}
