//! The private keys that sign: RSA, ECDSA on NIST's curves, Ed25519.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair};
use der::Decode;
use der::asn1::{AnyRef, ObjectIdentifier};
use spki::AlgorithmIdentifierRef;

use super::Error;
use crate::algorithms;
use crate::asn1::{self, oid};

/// A private key. Nothing here prints it.
pub(super) enum Key {
    Rsa(rsa::KeyPair),
    Ecdsa(EcdsaKeyPair, Curve),
    Ed25519(Ed25519KeyPair),
}

/// NIST's curves, each with the digest of its strength (RFC 5753 7, ETSI TS 119 312 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    fn signing(self) -> &'static EcdsaSigningAlgorithm {
        match self {
            Self::P256 => &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
            Self::P384 => &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
            Self::P521 => &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
        }
    }
}

impl Key {
    /// Reads PKCS #8 (RFC 5958).
    ///
    /// # Errors
    /// [`Error::Unsupported`], which says what kind of key it is.
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        if let Ok(key) = rsa::KeyPair::from_pkcs8(der) {
            return Ok(Self::Rsa(key));
        }
        for curve in Curve::ALL {
            if let Ok(key) = EcdsaKeyPair::from_pkcs8(curve.signing(), der) {
                return Ok(Self::Ecdsa(key, curve));
            }
        }
        if let Ok(key) = Ed25519KeyPair::from_pkcs8(der) {
            return Ok(Self::Ed25519(key));
        }
        let found = described(der).unwrap_or_else(|| "a key that cannot be read".to_owned());
        Err(Error::Unsupported(format!(
            "it holds {found}; keys that sign are RSA of 2048 to 8192 bits, ECDSA on P-256, P-384 or P-521, and Ed25519"
        )))
    }

    /// Its kind and size, in words.
    pub(super) fn kind(&self) -> String {
        match self {
            Self::Rsa(key) => format!("RSA of {} bits", key.public_modulus_len() * 8),
            Self::Ecdsa(_, Curve::P256) => "ECDSA on P-256".to_owned(),
            Self::Ecdsa(_, Curve::P384) => "ECDSA on P-384".to_owned(),
            Self::Ecdsa(_, Curve::P521) => "ECDSA on P-521".to_owned(),
            Self::Ed25519(_) => "Ed25519".to_owned(),
        }
    }

    /// How many bits an RSA key has; `None` for other kinds.
    pub(super) fn rsa_bits(&self) -> Option<usize> {
        match self {
            Self::Rsa(key) => Some(key.public_modulus_len() * 8),
            Self::Ecdsa(..) | Self::Ed25519(_) => None,
        }
    }

    /// The public key as a certificate writes it: an EC point, PKCS #1 for RSA, 32 bytes for Ed25519.
    pub(super) fn public_bits(&self) -> &[u8] {
        match self {
            Self::Rsa(key) => key.public_key().as_ref(),
            Self::Ecdsa(key, _) => key.public_key().as_ref(),
            Self::Ed25519(key) => key.public_key().as_ref(),
        }
    }

    /// The digest of the CMS and of its attributes: as strong as the key. RFC 8419 3.1 wants SHA-512 beside Ed25519.
    pub(super) fn digest_oid(&self) -> ObjectIdentifier {
        match self {
            Self::Rsa(_) | Self::Ecdsa(_, Curve::P256) => oid::SHA256,
            Self::Ecdsa(_, Curve::P384) => oid::SHA384,
            Self::Ecdsa(_, Curve::P521) | Self::Ed25519(_) => oid::SHA512,
        }
    }

    /// The DER of the signature's `AlgorithmIdentifier`. RSA has a NULL parameter (RFC 4055 5), the others have none
    /// (RFC 5758 3.2, RFC 8419 2.2).
    pub(super) fn signature_algorithm(&self) -> Vec<u8> {
        let (algorithm, null) = match self {
            Self::Rsa(_) => (oid::RSA_SHA256, asn1::tlv(asn1::NULL, &[])),
            Self::Ecdsa(_, Curve::P256) => (oid::ECDSA_SHA256, Vec::new()),
            Self::Ecdsa(_, Curve::P384) => (oid::ECDSA_SHA384, Vec::new()),
            Self::Ecdsa(_, Curve::P521) => (oid::ECDSA_SHA512, Vec::new()),
            Self::Ed25519(_) => (oid::ED25519, Vec::new()),
        };
        asn1::tlv(asn1::SEQUENCE, &[&asn1::object_identifier(algorithm), &null])
    }

    /// Signs `message`, not a digest of it.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key) => {
                let mut out = vec![0; key.public_modulus_len()];
                key.sign(&signature::RSA_PKCS1_SHA256, &random, message, &mut out)?;
                Ok(out)
            }
            Self::Ecdsa(key, _) => Ok(key.sign(&random, message)?.as_ref().to_vec()),
            Self::Ed25519(key) => Ok(key.try_sign(message)?.as_ref().to_vec()),
        }
    }
}

/// What kind of key a PKCS #8 structure holds, in words.
pub(super) fn described(der: &[u8]) -> Option<String> {
    let fields = asn1::elements(AnyRef::from_der(der).ok()?.value()).ok()?;
    let [_version, algorithm, key, ..] = &fields[..] else { return None };
    let algorithm: AlgorithmIdentifierRef<'_> = algorithm.decode_as().ok()?;
    Some(match algorithm.oid {
        oid::RSA_ENCRYPTION => {
            let numbers = asn1::elements(AnyRef::from_der(key.value()).ok()?.value()).ok()?;
            format!("an RSA key of {} bits", algorithms::bits(numbers.get(1)?.value()))
        }
        oid::EC_PUBLIC_KEY => match algorithm.parameters_oid() {
            Ok(curve) => format!("an ECDSA key on {}", algorithms::curve_name(curve)),
            Err(_) => "an ECDSA key on a curve without a name".to_owned(),
        },
        oid::RSA_PSS => "an RSA key that is restricted to PSS".to_owned(),
        oid::ED448 => "an Ed448 key".to_owned(),
        oid::DSA => "a DSA key".to_owned(),
        other => format!("a key of the kind {other}"),
    })
}
