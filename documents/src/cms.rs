//! The CMS signature that goes into a PDF: `SignedData` (RFC 5652) as PAdES baseline B-B wants it, and B-T with a time stamp (ETSI EN 319 142-1 6.3).
//!
//! Detached content, one signer, the certificates as they are, and three signed attributes: content type, message digest
//! and ESS signing-certificate-v2 (RFC 5035) with SHA-256. No signing-time attribute: PAdES puts the claimed time into the
//! signature dictionary's `/M`. Every byte depends on the input only, except an ECDSA signature value.

use aws_lc_rs::digest;
use der::oid::ObjectIdentifier;

use crate::algorithms;
use crate::asn1::{self, CONTEXT_0, CONTEXT_1, INTEGER, OCTET_STRING, SEQUENCE, SET, oid};
use crate::pkcs12::Identity;

/// Room for everything beside the certificates: attributes, algorithms, a signature value of at most 1024 bytes.
const ROOM_BESIDE_CERTIFICATES: usize = 2560;

/// An upper bound of [`sign`]'s output for this identity, in bytes.
pub(crate) fn size_bound(identity: &Identity) -> usize {
    ROOM_BESIDE_CERTIFICATES + identity.leaf().issuer().len() + identity.certificates().map(<[u8]>::len).sum::<usize>()
}

/// The digest of the signed content that `sign` expects.
pub(crate) fn content_digest(identity: &Identity) -> &'static digest::Algorithm {
    // What seals is accepted by what verifies.
    algorithms::digest_by_oid(identity.digest_oid()).unwrap_or(&digest::SHA256)
}

/// Signs a content by its digest (made with [`content_digest`]) and returns the DER of the CMS `ContentInfo`.
///
/// # Errors
/// Only where the library cannot compute: no memory, no randomness.
pub(crate) fn sign(identity: &Identity, digest: &[u8]) -> Result<Vec<u8>, aws_lc_rs::error::Unspecified> {
    Ok(Signature::make(identity, digest)?.der(None))
}

/// A signature that was made, and may get a time stamp.
pub(crate) struct Signature {
    value: Vec<u8>,
    /// What stands in `SignedData` before the signer.
    head: Vec<u8>,
    /// What stands in `SignerInfo` before the unsigned attributes.
    signer: Vec<u8>,
}

impl Signature {
    /// As [`sign`].
    pub(crate) fn make(identity: &Identity, digest: &[u8]) -> Result<Self, aws_lc_rs::error::Unspecified> {
        let attributes = signed_attributes(identity, digest);
        let value = identity.sign(&asn1::set_of(SET, attributes.clone()))?;
        // SHA-2 is named without parameters (RFC 5754 2; for Ed25519 also RFC 8419 3.1).
        let digest_algorithm = asn1::tlv(SEQUENCE, &[&asn1::object_identifier(identity.digest_oid())]);
        let leaf = identity.leaf();
        let issuer_and_serial = asn1::tlv(SEQUENCE, &[leaf.issuer(), leaf.serial()]);
        let version = asn1::tlv(INTEGER, &[&[1]]);
        let signer = [
            version.clone(),
            issuer_and_serial,
            digest_algorithm.clone(),
            // The same attributes, under the tag that SignerInfo gives them (RFC 5652 5.4).
            asn1::set_of(CONTEXT_0, attributes),
            identity.signature_algorithm(),
            asn1::tlv(OCTET_STRING, &[&value]),
        ];
        let content = asn1::tlv(SEQUENCE, &[&asn1::object_identifier(oid::DATA)]);
        let certificates = asn1::set_of(CONTEXT_0, identity.certificates().map(<[u8]>::to_vec).collect());
        let head = [version, asn1::tlv(SET, &[&digest_algorithm]), content, certificates];
        Ok(Self { value, head: head.concat(), signer: signer.concat() })
    }

    /// What a time stamp is about.
    pub(crate) fn value(&self) -> &[u8] {
        &self.value
    }

    /// The `ContentInfo`, with the token of a time stamp as an unsigned attribute (RFC 3161 appendix A).
    pub(crate) fn der(&self, token: Option<&[u8]>) -> Vec<u8> {
        let stamp = token.map(|token| asn1::set_of(CONTEXT_1, vec![attribute(oid::TIME_STAMP_TOKEN, token)]));
        let signer_info = asn1::tlv(SEQUENCE, &[&self.signer, stamp.as_deref().unwrap_or_default()]);
        let signed_data = asn1::tlv(SEQUENCE, &[&self.head, &asn1::tlv(SET, &[&signer_info])]);
        let explicit = asn1::tlv(CONTEXT_0, &[&signed_data]);
        asn1::tlv(SEQUENCE, &[&asn1::object_identifier(oid::SIGNED_DATA), &explicit])
    }
}

fn attribute(name: ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    asn1::tlv(SEQUENCE, &[&asn1::object_identifier(name), &asn1::tlv(SET, &[value])])
}

fn signed_attributes(identity: &Identity, digest: &[u8]) -> Vec<Vec<u8>> {
    // SigningCertificateV2 { certs { ESSCertIDv2 { certHash } } }: SHA-256 is the default, so it is not named.
    let certificate_id = asn1::tlv(SEQUENCE, &[&asn1::tlv(OCTET_STRING, &[&identity.leaf().sha256()])]);
    let signing_certificate = asn1::tlv(SEQUENCE, &[&asn1::tlv(SEQUENCE, &[&certificate_id])]);
    vec![
        attribute(oid::CONTENT_TYPE, &asn1::object_identifier(oid::DATA)),
        attribute(oid::MESSAGE_DIGEST, &asn1::tlv(OCTET_STRING, &[digest])),
        attribute(oid::SIGNING_CERTIFICATE_V2, &signing_certificate),
    ]
}
