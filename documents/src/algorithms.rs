//! Digests and signature checks by the object identifiers of CMS and X.509.
//!
//! One place decides what is accepted: SHA-256/384/512 with RSA of 2048 to 8192 bits (PKCS #1 v1.5 and PSS) or ECDSA on
//! P-256, P-384, P-521, brainpoolP256r1 and brainpoolP384r1, and Ed25519. SHA-1 and MD5 prove nothing any more (NIST SP 800-131A) and are refused by name.

mod brainpool;
mod pss;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use der::Decode;
use der::asn1::{AnyRef, ObjectIdentifier};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use crate::asn1::{self, oid};

/// Why a signature over bytes is not accepted. Only [`Mismatch`](Self::Mismatch) says that something is wrong with it; by the
/// others it cannot be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the signature does not fit its content and key")]
    Mismatch,
    #[error("the algorithm {0} is not supported")]
    Unsupported(String),
    #[error("{0} is too weak to prove anything")]
    Weak(&'static str),
    #[error("the public key or its algorithm cannot be read")]
    Unreadable,
}

/// The digest that `oid` names, or why it is not accepted.
pub(crate) fn digest_by_oid(digest_oid: ObjectIdentifier) -> Result<&'static digest::Algorithm, Error> {
    match digest_oid {
        oid::SHA256 => Ok(&digest::SHA256),
        oid::SHA384 => Ok(&digest::SHA384),
        oid::SHA512 => Ok(&digest::SHA512),
        oid::SHA1 => Err(Error::Weak("SHA-1")),
        other => Err(Error::Unsupported(format!("digest {other}"))),
    }
}

/// Checks `signature` over `message`.
///
/// `digest` is the digest that the surrounding structure names (CMS `digestAlgorithm`); it decides where the signature
/// algorithm itself names none (`rsaEncryption`, RFC 3370 3.2) and has to agree with the one that is named otherwise.
pub(crate) fn verify(
    key: &SubjectPublicKeyInfoRef<'_>,
    algorithm: &AlgorithmIdentifierRef<'_>,
    digest: Option<ObjectIdentifier>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Error> {
    let named = match algorithm.oid {
        oid::RSA_SHA256 | oid::ECDSA_SHA256 => oid::SHA256,
        oid::RSA_SHA384 | oid::ECDSA_SHA384 => oid::SHA384,
        oid::RSA_SHA512 | oid::ECDSA_SHA512 => oid::SHA512,
        oid::RSA_PSS => pss_parameters(algorithm)?.0,
        oid::RSA_ENCRYPTION => digest.ok_or(Error::Unreadable)?,
        oid::ED25519 => return ed25519(key, digest, message, signature),
        other => return Err(Error::Unsupported(format!("signature {other}"))),
    };
    let accepted = digest_by_oid(named)?;
    if let Some(expected) = digest.filter(|expected| *expected != named) {
        digest_by_oid(expected)?;
        // RFC 5652 5.4 knows one digest of a signer only.
        return Err(Error::Unsupported(format!("signature {} beside another digest", algorithm.oid)));
    }
    let key_bytes = key.subject_public_key.as_bytes().ok_or(Error::Unreadable)?;
    let curve = key.algorithm.parameters_oid().ok().filter(|_| key.algorithm.oid == oid::EC_PUBLIC_KEY);
    if let (oid::ECDSA_SHA256 | oid::ECDSA_SHA384 | oid::ECDSA_SHA512, Some(curve)) = (algorithm.oid, curve)
        && brainpool::knows(curve)
    {
        return brainpool::verify(curve, key_bytes, digest::digest(accepted, message).as_ref(), signature);
    }
    let verifier = match algorithm.oid {
        oid::RSA_ENCRYPTION | oid::RSA_SHA256 | oid::RSA_SHA384 | oid::RSA_SHA512 => rsa_verifier(key, named, false)?,
        oid::RSA_PSS => rsa_verifier(key, named, true)?,
        _ => ecdsa_verifier(key, named)?,
    };
    if algorithm.oid == oid::RSA_PSS {
        let (_, salt_length) = pss_parameters(algorithm)?;
        if salt_length != accepted.output_len() {
            let (modulus, exponent) = rsa_numbers(key)?;
            let fits = pss::verify((modulus, exponent), accepted, salt_length, message, signature);
            return if fits { Ok(()) } else { Err(Error::Mismatch) };
        }
    }
    UnparsedPublicKey::new(verifier, key_bytes).verify(message, signature).map_err(|_| Error::Mismatch)
}

/// Ed25519 over the message itself (RFC 8410 6, RFC 8419 2.2); the digest beside it is that of CMS attributes.
fn ed25519(
    key: &SubjectPublicKeyInfoRef<'_>,
    digest: Option<ObjectIdentifier>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Error> {
    if key.algorithm.oid != oid::ED25519 {
        return Err(Error::Mismatch);
    }
    digest.map(digest_by_oid).transpose()?;
    let key = key.subject_public_key.as_bytes().ok_or(Error::Unreadable)?;
    UnparsedPublicKey::new(&signature::ED25519, key).verify(message, signature).map_err(|_| Error::Mismatch)
}

fn rsa_verifier(
    key: &SubjectPublicKeyInfoRef<'_>,
    digest: ObjectIdentifier,
    pss: bool,
) -> Result<&'static dyn VerificationAlgorithm, Error> {
    if key.algorithm.oid != oid::RSA_ENCRYPTION && !(pss && key.algorithm.oid == oid::RSA_PSS) {
        return Err(Error::Mismatch);
    }
    if rsa_modulus_bits(key)? < 2048 {
        return Err(Error::Weak("an RSA key under 2048 bits"));
    }
    match (digest, pss) {
        (oid::SHA256, false) => Ok(&signature::RSA_PKCS1_2048_8192_SHA256),
        (oid::SHA384, false) => Ok(&signature::RSA_PKCS1_2048_8192_SHA384),
        (oid::SHA512, false) => Ok(&signature::RSA_PKCS1_2048_8192_SHA512),
        (oid::SHA256, true) => Ok(&signature::RSA_PSS_2048_8192_SHA256),
        (oid::SHA384, true) => Ok(&signature::RSA_PSS_2048_8192_SHA384),
        (oid::SHA512, true) => Ok(&signature::RSA_PSS_2048_8192_SHA512),
        (other, _) => Err(Error::Unsupported(format!("RSA with {other}"))),
    }
}

fn ecdsa_verifier(
    key: &SubjectPublicKeyInfoRef<'_>,
    digest: ObjectIdentifier,
) -> Result<&'static dyn VerificationAlgorithm, Error> {
    if key.algorithm.oid != oid::EC_PUBLIC_KEY {
        return Err(Error::Mismatch);
    }
    let curve = key.algorithm.parameters_oid().map_err(|_| Error::Unreadable)?;
    match (curve, digest) {
        (oid::P256, oid::SHA256) => Ok(&signature::ECDSA_P256_SHA256_ASN1),
        (oid::P256, oid::SHA384) => Ok(&signature::ECDSA_P256_SHA384_ASN1),
        (oid::P256, oid::SHA512) => Ok(&signature::ECDSA_P256_SHA512_ASN1),
        (oid::P384, oid::SHA256) => Ok(&signature::ECDSA_P384_SHA256_ASN1),
        (oid::P384, oid::SHA384) => Ok(&signature::ECDSA_P384_SHA384_ASN1),
        (oid::P384, oid::SHA512) => Ok(&signature::ECDSA_P384_SHA512_ASN1),
        (oid::P521, oid::SHA256) => Ok(&signature::ECDSA_P521_SHA256_ASN1),
        (oid::P521, oid::SHA384) => Ok(&signature::ECDSA_P521_SHA384_ASN1),
        (oid::P521, oid::SHA512) => Ok(&signature::ECDSA_P521_SHA512_ASN1),
        (other, _) => Err(Error::Unsupported(format!("ECDSA on {}", curve_name(other)))),
    }
}

/// Length of an RSA key's modulus, in bits.
pub(crate) fn rsa_modulus_bits(key: &SubjectPublicKeyInfoRef<'_>) -> Result<usize, Error> {
    Ok(bits(rsa_numbers(key)?.0))
}

/// How many bits a big-endian number has.
pub(crate) fn bits(number: &[u8]) -> usize {
    let significant = number.iter().position(|byte| *byte != 0).map_or(&[][..], |first| &number[first..]);
    significant.first().map_or(0, |first| significant.len() * 8 - first.leading_zeros() as usize)
}

/// A curve as people call it, or its object identifier.
pub(crate) fn curve_name(curve: ObjectIdentifier) -> String {
    let name = match curve {
        oid::P256 => "P-256",
        oid::P384 => "P-384",
        oid::P521 => "P-521",
        oid::BRAINPOOL_P256 => "brainpoolP256r1",
        oid::BRAINPOOL_P384 => "brainpoolP384r1",
        oid::BRAINPOOL_P512 => "brainpoolP512r1",
        oid::SECP256K1 => "secp256k1",
        other => return format!("the curve {other}"),
    };
    name.to_owned()
}

/// Modulus and public exponent, big-endian (RFC 8017 A.1.1).
fn rsa_numbers<'a>(key: &SubjectPublicKeyInfoRef<'a>) -> Result<(&'a [u8], &'a [u8]), Error> {
    let bits = key.subject_public_key.as_bytes().ok_or(Error::Unreadable)?;
    let whole = AnyRef::from_der(bits).map_err(|_| Error::Unreadable)?;
    match asn1::elements(whole.value()).map_err(|_| Error::Unreadable)?[..] {
        [modulus, exponent] => Ok((modulus.value(), exponent.value())),
        _ => Err(Error::Unreadable),
    }
}

/// The digest and the length of the salt that `RSASSA-PSS-params` names (RFC 4055 3.1). The defaults are SHA-1, which is
/// refused later, and 20 bytes.
fn pss_parameters(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<(ObjectIdentifier, usize), Error> {
    const SALT_LENGTH: u8 = 0xa2;
    const DEFAULT_SALT_LENGTH: u16 = 20;
    let fields = match algorithm.parameters {
        Some(parameters) => asn1::elements(parameters.value()).map_err(|_| Error::Unreadable)?,
        None => Vec::new(),
    };
    let field = |tag: u8| fields.iter().find(|field| asn1::tag(field) == tag);
    let digest = match field(asn1::CONTEXT_0) {
        Some(hash) => AlgorithmIdentifierRef::from_der(hash.value()).map_err(|_| Error::Unreadable)?.oid,
        None => oid::SHA1,
    };
    let salt_length = match field(SALT_LENGTH) {
        Some(explicit) => u16::from_der(explicit.value()).map_err(|_| Error::Unreadable)?,
        None => DEFAULT_SALT_LENGTH,
    };
    Ok((digest, usize::from(salt_length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha1_is_refused_by_name() {
        assert_eq!(digest_by_oid(oid::SHA1), Err(Error::Weak("SHA-1")));
        assert!(matches!(digest_by_oid(oid::DATA), Err(Error::Unsupported(_))));
    }

    #[test]
    fn pss_without_parameters_means_sha1() {
        let algorithm = AlgorithmIdentifierRef { oid: oid::RSA_PSS, parameters: None };
        assert_eq!(pss_parameters(&algorithm), Ok((oid::SHA1, 20)));
    }
}
