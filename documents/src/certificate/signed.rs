//! Signed JSON: a JWS (RFC 7515) in flattened JSON serialization over the canonical JSON of what is signed, with the certificates of
//! the key in `x5c` and what it is in `cty`. What is signed as one thing is never read as another.

use std::fmt;
use std::marker::PhantomData;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use const_oid::ObjectIdentifier;
use der::asn1::UintRef;
use der::{Decode, Sequence};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use x509_cert::Certificate;

use super::evidence::{Evidence, FORMAT};
use super::extract::{ATTACHMENT_NAME, MAX_ATTACHMENT_BYTES};
use super::{Attachment, Error};

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED_25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Most certificates in `x5c`.
const MAX_CHAIN: usize = 10;

/// The signature algorithms of signed JSON (RFC 7518, section 3.1, and RFC 8037, section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// RSASSA-PKCS1-v1_5 with SHA-256, of 2048 bits or more.
    Rs256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Algorithm {
    /// The one algorithm that the key of a certificate (in DER) signs with. The hash goes with the curve.
    ///
    /// # Errors
    /// [`Error::Certificate`] for other kinds of keys and for what is not X.509.
    pub fn for_certificate(certificate: &[u8]) -> Result<Self, Error> {
        Self::of_key(&read_certificate(certificate)?)
    }

    fn of_key(certificate: &Certificate) -> Result<Self, Error> {
        let key = &certificate.tbs_certificate.subject_public_key_info.algorithm;
        let curve = || key.parameters.as_ref().and_then(|parameters| parameters.decode_as::<ObjectIdentifier>().ok());
        match key.oid {
            RSA_ENCRYPTION => Ok(Algorithm::Rs256),
            ED_25519 => Ok(Algorithm::EdDsa),
            EC_PUBLIC_KEY => match curve() {
                Some(P256) => Ok(Algorithm::Es256),
                Some(P384) => Ok(Algorithm::Es384),
                Some(P521) => Ok(Algorithm::Es512),
                _ => Err(Error::Certificate("its elliptic curve is none of P-256, P-384 and P-521".to_owned())),
            },
            other => Err(Error::Certificate(format!("its key is neither RSA nor ECDSA nor Ed25519 but {other}"))),
        }
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Algorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
            Algorithm::Es384 => &ECDSA_P384_SHA384_FIXED,
            Algorithm::Es512 => &ECDSA_P521_SHA512_FIXED,
            Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Algorithm::EdDsa => &ED25519,
        }
    }

    /// Bytes of each of the two numbers of an ECDSA signature in a JWS (RFC 7518, section 3.4).
    fn number_bytes(self) -> Option<usize> {
        match self {
            Algorithm::Es256 => Some(32),
            Algorithm::Es384 => Some(48),
            Algorithm::Es512 => Some(66),
            Algorithm::Rs256 | Algorithm::EdDsa => None,
        }
    }
}

/// Whoever holds the key: from the bytes to sign to the signature, or why there is none.
pub type SignFn<'a> = dyn Fn(&[u8]) -> Result<Vec<u8>, String> + 'a;

/// What can be signed.
pub trait Signable: Serialize + DeserializeOwned {
    /// `cty` of the header: what the payload is. One that is not registered with IANA, without `application/`.
    const CONTENT_TYPE: &'static str;
    /// Its `format` or the like, if that is one which this version reads.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    fn check_format(&self) -> Result<(), Error>;
}

impl Signable for Evidence {
    const CONTENT_TYPE: &'static str = "rubrica-evidence+json";

    fn check_format(&self) -> Result<(), Error> {
        if self.format == FORMAT {
            return Ok(());
        }
        Err(Error::Malformed("the evidence has a form that is not known here".to_owned()))
    }
}

/// Evidence, signed.
pub type SignedEvidence = SignedJson<Evidence>;

/// A flattened JWS over a `T`. Reading one proves nothing; [`verify`](Self::verify) does.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct SignedJson<T> {
    payload: String,
    protected: String,
    signature: String,
    #[serde(skip)]
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for SignedJson<T> {
    fn clone(&self) -> Self {
        let Self { payload, protected, signature, of } = self;
        Self { payload: payload.clone(), protected: protected.clone(), signature: signature.clone(), of: *of }
    }
}

impl<T> PartialEq for SignedJson<T> {
    fn eq(&self, other: &Self) -> bool {
        (&self.payload, &self.protected, &self.signature) == (&other.payload, &other.protected, &other.signature)
    }
}

/// The payload may hold personal data: it is not shown.
impl<T> fmt::Debug for SignedJson<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedJson").field("bytes", &self.payload.len()).finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: Algorithm,
    #[serde(default)]
    cty: String,
    /// Certificates in DER and base64, the signer's first.
    x5c: Vec<String>,
    /// Extensions that must be understood; there are none here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crit: Option<serde_json::Value>,
}

impl<T: Signable> SignedJson<T> {
    /// Signs `content`. `chain` holds certificates in DER, that of the key first. `signer` gets the bytes to sign (it does the
    /// hashing that `algorithm` names) and gives the signature; of ECDSA in the fixed form of JWS or in DER.
    ///
    /// The signature is verified before it is given back, so that nothing is given out that could not be verified later.
    ///
    /// # Errors
    /// [`Error::Certificate`] for a chain that is empty, too long or of another kind than `algorithm`; [`Error::Signing`] when
    /// the signer fails or its key is not the certificate's; [`Error::NotCanonical`] and [`Error::Attachment`] for content
    /// out of bounds.
    pub fn sign(content: &T, algorithm: Algorithm, chain: &[Vec<u8>], signer: &SignFn<'_>) -> Result<Self, Error> {
        let leaf = match chain {
            [leaf, ..] if chain.len() <= MAX_CHAIN => read_certificate(leaf)?,
            _ => return Err(Error::Certificate(format!("a chain must have 1 to {MAX_CHAIN} certificates"))),
        };
        if Algorithm::of_key(&leaf)? != algorithm {
            return Err(Error::Certificate("its key is of another kind than the algorithm".to_owned()));
        }
        let header = Header {
            alg: algorithm,
            cty: T::CONTENT_TYPE.to_owned(),
            x5c: chain.iter().map(|certificate| BASE64_STANDARD.encode(certificate)).collect(),
            crit: None,
        };
        let protected = BASE64_URL_SAFE_NO_PAD.encode(super::to_canonical_json(&header)?);
        let payload = BASE64_URL_SAFE_NO_PAD.encode(super::to_canonical_json(content)?);
        let input = signing_input(&protected, &payload);
        let signature = signer(&input).map_err(Error::Signing)?;
        let signature = normalize(algorithm, &leaf, &input, signature)?;
        let signed = Self { payload, protected, signature: BASE64_URL_SAFE_NO_PAD.encode(signature), of: PhantomData };
        if signed.to_json().len() > MAX_ATTACHMENT_BYTES {
            return Err(Error::Attachment("the signed JSON is too large".to_owned()));
        }
        Ok(signed)
    }

    /// Reads a flattened JWS, as [`extract`](super::extract) gives it, of [`MAX_ATTACHMENT_BYTES`] at most.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        if json.len() > MAX_ATTACHMENT_BYTES {
            return Err(Error::Malformed("it is too large".to_owned()));
        }
        serde_json::from_slice(json).map_err(|error| Error::Malformed(not_readable("it", &error)))
    }

    /// The flattened JSON serialization (RFC 7515, section 7.2.2).
    pub fn to_json(&self) -> Vec<u8> {
        // The members are text of the base64url alphabet or text that came out of JSON, so they are written with escapes.
        let value = serde_json::json!({"payload": self.payload, "protected": self.protected, "signature": self.signature});
        value.to_string().into_bytes()
    }

    /// The certificates that came with it, in DER, the signer's first. Whether they are trusted is for the caller to find out.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn chain(&self) -> Result<Vec<Vec<u8>>, Error> {
        let header = self.header()?;
        let decoded: Result<Vec<_>, _> = header.x5c.iter().map(|certificate| BASE64_STANDARD.decode(certificate)).collect();
        match decoded {
            Ok(chain) if (1..=MAX_CHAIN).contains(&chain.len()) => Ok(chain),
            Ok(_) => Err(Error::Malformed(format!("x5c must have 1 to {MAX_CHAIN} certificates"))),
            Err(error) => Err(Error::Malformed(format!("x5c is not base64: {error}"))),
        }
    }

    /// Verifies the signature with the key of `leaf` (X.509 in DER), which must be the first of `x5c`, and gives what was
    /// signed. It does not say whether `leaf` is trusted or was valid at the time (see [`trust_of`](crate::verify::trust_of)), nor
    /// checks journals in it (see [`Journal::verify`](super::Journal::verify)).
    ///
    /// # Errors
    /// [`Error::BadSignature`] when anything was changed or `leaf` is another certificate; [`Error::Malformed`] and
    /// [`Error::Certificate`] for what cannot be read.
    pub fn verify(&self, leaf: &[u8]) -> Result<T, Error> {
        let header = self.header()?;
        if header.crit.is_some() {
            return Err(Error::Malformed("it demands extensions that are not known here".to_owned()));
        }
        if self.chain()?.first().is_none_or(|first| first != leaf) {
            return Err(Error::BadSignature);
        }
        let certificate = read_certificate(leaf)?;
        if Algorithm::of_key(&certificate)? != header.alg {
            return Err(Error::BadSignature);
        }
        let signature = decode("signature", &self.signature)?;
        if !matches_key(header.alg, &certificate, &signing_input(&self.protected, &self.payload), &signature) {
            return Err(Error::BadSignature);
        }
        if header.cty != T::CONTENT_TYPE {
            return Err(Error::Malformed("something of another kind was signed".to_owned()));
        }
        self.unverified()
    }

    /// What it says, without any check, to show what a broken file claims. Never to be believed.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn unverified(&self) -> Result<T, Error> {
        let payload = decode("payload", &self.payload)?;
        let content: T =
            serde_json::from_slice(&payload).map_err(|error| Error::Malformed(not_readable("what is signed", &error)))?;
        content.check_format()?;
        Ok(content)
    }

    fn header(&self) -> Result<Header, Error> {
        let header = decode("protected", &self.protected)?;
        serde_json::from_slice(&header).map_err(|error| Error::Malformed(not_readable("the header", &error)))
    }
}

impl SignedEvidence {
    /// The signed evidence as the certificate's attachment.
    pub fn attachment(&self) -> Attachment {
        Attachment { name: ATTACHMENT_NAME.to_owned(), media_type: "application/json".to_owned(), bytes: self.to_json() }
    }
}

fn decode(member: &str, text: &str) -> Result<Vec<u8>, Error> {
    BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| Error::Malformed(format!("{member} is not base64url")))
}

/// What cannot be read, and where.
fn not_readable(what: &str, error: &serde_json::Error) -> String {
    let wrong = if error.is_data() { "has not the form that is expected" } else { "is not valid JSON" };
    format!("{what} {wrong} at line {}, column {}", error.line(), error.column())
}

/// RFC 7515, section 5.1, step 8.
fn signing_input(protected: &str, payload: &str) -> Vec<u8> {
    [protected, ".", payload].concat().into_bytes()
}

fn read_certificate(certificate: &[u8]) -> Result<Certificate, Error> {
    Certificate::from_der(certificate).map_err(|_| Error::Certificate("it is not an X.509 certificate in DER".to_owned()))
}

fn matches_key(algorithm: Algorithm, certificate: &Certificate, input: &[u8], signature: &[u8]) -> bool {
    let key = certificate.tbs_certificate.subject_public_key_info.subject_public_key.raw_bytes();
    UnparsedPublicKey::new(algorithm.verification(), key).verify(input, signature).is_ok()
}

/// Brings a signature into the form of JWS and makes sure that it is the right key's.
fn normalize(algorithm: Algorithm, leaf: &Certificate, input: &[u8], signature: Vec<u8>) -> Result<Vec<u8>, Error> {
    if matches_key(algorithm, leaf, input, &signature) {
        return Ok(signature);
    }
    if let Some(fixed) = algorithm.number_bytes().and_then(|bytes| fixed_from_der(&signature, bytes))
        && matches_key(algorithm, leaf, input, &fixed)
    {
        return Ok(fixed);
    }
    Err(Error::Signing("the signature does not verify with the certificate".to_owned()))
}

/// ECDSA-Sig-Value (RFC 3279, section 2.2.3).
#[derive(Sequence)]
struct EcdsaSigValue<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

fn fixed_from_der(signature: &[u8], bytes: usize) -> Option<Vec<u8>> {
    let numbers = EcdsaSigValue::from_der(signature).ok()?;
    let mut fixed = Vec::with_capacity(2 * bytes);
    for number in [numbers.r.as_bytes(), numbers.s.as_bytes()] {
        let padding = bytes.checked_sub(number.len())?;
        fixed.resize(fixed.len() + padding, 0);
        fixed.extend_from_slice(number);
    }
    Some(fixed)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair,
        RSA_PKCS1_SHA256, RsaKeyPair,
    };

    use super::super::samples;
    use super::*;

    struct Identity {
        chain: Vec<Vec<u8>>,
        key: Vec<u8>,
    }

    fn identity(algorithm: &'static rcgen::SignatureAlgorithm) -> Identity {
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let certificate = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
        Identity { chain: vec![certificate.der().to_vec()], key: key.serialize_der() }
    }

    fn ecdsa<'a>(identity: &'a Identity, form: &'static EcdsaSigningAlgorithm) -> impl Fn(&[u8]) -> Result<Vec<u8>, String> + 'a {
        move |input| {
            let key = EcdsaKeyPair::from_pkcs8(form, &identity.key).unwrap();
            Ok(key.sign(&SystemRandom::new(), input).unwrap().as_ref().to_vec())
        }
    }

    fn signed(identity: &Identity) -> SignedEvidence {
        let signer = ecdsa(identity, &ECDSA_P256_SHA256_FIXED_SIGNING);
        SignedEvidence::sign(&samples::small(), Algorithm::Es256, &identity.chain, &signer).unwrap()
    }

    #[test]
    fn signed_evidence_verifies_and_reads_back_the_same() {
        let identity = identity(&rcgen::PKCS_ECDSA_P256_SHA256);
        let signed = signed(&identity);
        let read = SignedEvidence::from_json(&signed.to_json()).unwrap();
        assert_eq!(read, signed);
        assert_eq!(read.chain().unwrap(), identity.chain);
        assert_eq!(read.verify(&identity.chain[0]).unwrap(), samples::small());
    }

    #[test]
    fn an_ecdsa_signature_in_der_becomes_one_of_fixed_width() {
        let identity = identity(&rcgen::PKCS_ECDSA_P256_SHA256);
        let signer = ecdsa(&identity, &ECDSA_P256_SHA256_ASN1_SIGNING);
        let signed = SignedEvidence::sign(&samples::small(), Algorithm::Es256, &identity.chain, &signer).unwrap();
        assert_eq!(decode("signature", &signed.signature).unwrap().len(), 64);
        signed.verify(&identity.chain[0]).unwrap();
    }

    #[test]
    fn rsa_keys_sign_too() {
        let identity = identity(&rcgen::PKCS_RSA_SHA256);
        assert_eq!(Algorithm::for_certificate(&identity.chain[0]).unwrap(), Algorithm::Rs256);
        let signer = |input: &[u8]| {
            let key = RsaKeyPair::from_pkcs8(&identity.key).unwrap();
            let mut signature = vec![0; key.public_modulus_len()];
            key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input, &mut signature).unwrap();
            Ok(signature)
        };
        let signed = SignedEvidence::sign(&samples::small(), Algorithm::Rs256, &identity.chain, &signer).unwrap();
        signed.verify(&identity.chain[0]).unwrap();
    }

    #[test]
    fn ed25519_keys_sign_too() {
        let identity = identity(&rcgen::PKCS_ED25519);
        assert_eq!(Algorithm::for_certificate(&identity.chain[0]).unwrap(), Algorithm::EdDsa);
        let key = Ed25519KeyPair::from_pkcs8(&identity.key).unwrap();
        let signer = |input: &[u8]| Ok(key.sign(input).as_ref().to_vec());
        let signed = SignedEvidence::sign(&samples::small(), Algorithm::EdDsa, &identity.chain, &signer).unwrap();
        assert_eq!(serde_json::to_value(Algorithm::EdDsa).unwrap(), "EdDSA", "the name of RFC 8037");
        signed.verify(&identity.chain[0]).unwrap();
    }

    #[test]
    fn any_change_to_what_is_signed_is_noticed() {
        let identity = identity(&rcgen::PKCS_ECDSA_P256_SHA256);
        let signed = signed(&identity);
        let mut other = samples::small();
        other.signers[0].name = "Somebody Else".to_owned();
        let payload = BASE64_URL_SAFE_NO_PAD.encode(other.canonical().unwrap());
        let forged = SignedEvidence { payload, ..signed.clone() };
        assert!(matches!(forged.verify(&identity.chain[0]), Err(Error::BadSignature)));

        let mut signature = decode("signature", &signed.signature).unwrap();
        signature[5] ^= 1;
        let forged = SignedEvidence { signature: BASE64_URL_SAFE_NO_PAD.encode(signature), ..signed };
        assert!(matches!(forged.verify(&identity.chain[0]), Err(Error::BadSignature)));
    }

    #[test]
    fn another_certificate_does_not_verify() {
        let signed = signed(&identity(&rcgen::PKCS_ECDSA_P256_SHA256));
        let other = identity(&rcgen::PKCS_ECDSA_P256_SHA256);
        assert!(matches!(signed.verify(&other.chain[0]), Err(Error::BadSignature)));
    }

    #[test]
    fn a_key_that_is_not_the_certificates_is_noticed_when_signing() {
        let (one, two) = (identity(&rcgen::PKCS_ECDSA_P256_SHA256), identity(&rcgen::PKCS_ECDSA_P256_SHA256));
        let signer = ecdsa(&one, &ECDSA_P256_SHA256_FIXED_SIGNING);
        let refused = SignedEvidence::sign(&samples::small(), Algorithm::Es256, &two.chain, &signer);
        assert!(matches!(refused, Err(Error::Signing(_))));
        let refused = SignedEvidence::sign(&samples::small(), Algorithm::Rs256, &one.chain, &signer);
        assert!(matches!(refused, Err(Error::Certificate(_))));
        let refused = SignedEvidence::sign(&samples::small(), Algorithm::Es256, &[], &signer);
        assert!(matches!(refused, Err(Error::Certificate(_))));
        let failing = |_: &[u8]| Err("the key is locked".to_owned());
        let refused = SignedEvidence::sign(&samples::small(), Algorithm::Es256, &one.chain, &failing);
        assert!(matches!(refused, Err(Error::Signing(reason)) if reason == "the key is locked"));
    }

    #[test]
    fn a_header_with_critical_extensions_or_another_algorithm_is_refused() {
        let identity = identity(&rcgen::PKCS_ECDSA_P256_SHA256);
        let signed = signed(&identity);
        let header = decode("protected", &signed.protected).unwrap();
        let mut header: serde_json::Value = serde_json::from_slice(&header).unwrap();
        let with = |header: &serde_json::Value| SignedEvidence {
            protected: BASE64_URL_SAFE_NO_PAD.encode(header.to_string()),
            ..signed.clone()
        };
        header["alg"] = "none".into();
        assert!(matches!(with(&header).verify(&identity.chain[0]), Err(Error::Malformed(_))));
        header["alg"] = "RS256".into();
        assert!(matches!(with(&header).verify(&identity.chain[0]), Err(Error::BadSignature)));
        header["alg"] = "ES256".into();
        header["crit"] = serde_json::json!(["b64"]);
        assert!(matches!(with(&header).verify(&identity.chain[0]), Err(Error::Malformed(_))));
    }

    #[derive(Debug, Serialize, Deserialize)]
    struct Letter {
        text: String,
    }

    impl Signable for Letter {
        const CONTENT_TYPE: &'static str = "letter+json";

        fn check_format(&self) -> Result<(), Error> {
            Ok(())
        }
    }

    #[test]
    fn what_was_signed_as_one_thing_is_not_read_as_another() {
        let identity = identity(&rcgen::PKCS_ECDSA_P256_SHA256);
        let signer = ecdsa(&identity, &ECDSA_P256_SHA256_FIXED_SIGNING);
        let letter = Letter { text: "ñ".to_owned() };
        let signed = SignedJson::sign(&letter, Algorithm::Es256, &identity.chain, &signer).unwrap();
        assert_eq!(signed.verify(&identity.chain[0]).unwrap().text, "ñ");
        let posing = SignedEvidence::from_json(&signed.to_json()).unwrap();
        assert!(matches!(posing.verify(&identity.chain[0]), Err(Error::Malformed(_))));
    }

    /// What an earlier version wrote, byte for byte.
    #[test]
    fn evidence_that_was_signed_before_verifies() {
        let identity = identity(&rcgen::PKCS_ECDSA_P256_SHA256);
        let header = serde_json::json!({
            "alg": "ES256", "cty": "rubrica-evidence+json", "x5c": [BASE64_STANDARD.encode(&identity.chain[0])],
        });
        assert_eq!(decode("protected", &signed(&identity).protected).unwrap(), header.to_string().as_bytes());
        assert_eq!(decode("payload", &signed(&identity).payload).unwrap(), samples::small().canonical().unwrap());
    }

    #[test]
    fn what_is_not_a_jws_is_malformed() {
        for json in [&b""[..], b"{}", b"[]", b"{\"payload\":1}", b"\xff"] {
            assert!(matches!(SignedEvidence::from_json(json), Err(Error::Malformed(_))));
        }
        let garbage = SignedEvidence { payload: "*".into(), protected: "e30".into(), signature: String::new(), of: PhantomData };
        assert!(matches!(garbage.verify(b""), Err(Error::Malformed(_))));
        assert!(matches!(garbage.unverified(), Err(Error::Malformed(_))));
    }

    #[test]
    fn the_facts_of_a_sealing_certificate_are_read() {
        let identity = identity(&rcgen::PKCS_ECDSA_P256_SHA256);
        let facts = super::super::SealingCertificate::from_der(&identity.chain[0]).unwrap();
        assert_eq!(facts.sha256.len(), 64);
        assert!(facts.not_before < facts.not_after && !facts.subject.is_empty());
        assert!(super::super::SealingCertificate::from_der(b"no certificate").is_err());
    }
}
