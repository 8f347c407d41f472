//! The little DER that certificates and CMS need beside the `der` crate: byte-exact writing, and reading that keeps what
//! was signed as it was signed.
//!
//! Never re-encode something that another party signed or hashed: certificates and signed attributes travel as raw bytes.

pub(crate) mod ber;

use std::borrow::Cow;

use der::asn1::AnyRef;
use der::oid::ObjectIdentifier;
use der::{Encode, Reader, SliceReader};

pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
/// `[0]`, constructed.
pub(crate) const CONTEXT_0: u8 = 0xa0;

/// Object identifiers, by the names of their RFCs (5652, 5083, 5084, 5753, 5035, 4055, 5480, 8410, 5280, 6960, 9336, 3161).
pub(crate) mod oid {
    use der::oid::ObjectIdentifier;

    const fn oid(dotted: &str) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(dotted)
    }

    pub(crate) const DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.1");
    pub(crate) const SIGNED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.2");
    pub(crate) const ENVELOPED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.3");
    pub(crate) const AUTH_ENVELOPED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.9.16.1.23");
    pub(crate) const TST_INFO: ObjectIdentifier = oid("1.2.840.113549.1.9.16.1.4");
    pub(crate) const CONTENT_TYPE: ObjectIdentifier = oid("1.2.840.113549.1.9.3");
    pub(crate) const MESSAGE_DIGEST: ObjectIdentifier = oid("1.2.840.113549.1.9.4");
    pub(crate) const SIGNING_TIME: ObjectIdentifier = oid("1.2.840.113549.1.9.5");
    pub(crate) const SIGNING_CERTIFICATE: ObjectIdentifier = oid("1.2.840.113549.1.9.16.2.12");
    pub(crate) const TIME_STAMP_TOKEN: ObjectIdentifier = oid("1.2.840.113549.1.9.16.2.14");
    pub(crate) const SIGNING_CERTIFICATE_V2: ObjectIdentifier = oid("1.2.840.113549.1.9.16.2.47");

    pub(crate) const SHA1: ObjectIdentifier = oid("1.3.14.3.2.26");
    pub(crate) const SHA256: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.1");
    pub(crate) const SHA384: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.2");
    pub(crate) const SHA512: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.3");

    pub(crate) const SHA224: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.4");

    pub(crate) const RSA_ENCRYPTION: ObjectIdentifier = oid("1.2.840.113549.1.1.1");
    pub(crate) const RSA_OAEP: ObjectIdentifier = oid("1.2.840.113549.1.1.7");
    pub(crate) const MGF1: ObjectIdentifier = oid("1.2.840.113549.1.1.8");
    pub(crate) const RSA_PSS: ObjectIdentifier = oid("1.2.840.113549.1.1.10");
    pub(crate) const RSA_SHA256: ObjectIdentifier = oid("1.2.840.113549.1.1.11");
    pub(crate) const RSA_SHA384: ObjectIdentifier = oid("1.2.840.113549.1.1.12");
    pub(crate) const RSA_SHA512: ObjectIdentifier = oid("1.2.840.113549.1.1.13");
    pub(crate) const EC_PUBLIC_KEY: ObjectIdentifier = oid("1.2.840.10045.2.1");
    pub(crate) const P256: ObjectIdentifier = oid("1.2.840.10045.3.1.7");
    pub(crate) const P384: ObjectIdentifier = oid("1.3.132.0.34");
    pub(crate) const P521: ObjectIdentifier = oid("1.3.132.0.35");
    pub(crate) const SECP256K1: ObjectIdentifier = oid("1.3.132.0.10");
    pub(crate) const BRAINPOOL_P256: ObjectIdentifier = oid("1.3.36.3.3.2.8.1.1.7");
    pub(crate) const BRAINPOOL_P384: ObjectIdentifier = oid("1.3.36.3.3.2.8.1.1.11");
    pub(crate) const BRAINPOOL_P512: ObjectIdentifier = oid("1.3.36.3.3.2.8.1.1.13");
    pub(crate) const ED448: ObjectIdentifier = oid("1.3.101.113");
    pub(crate) const DSA: ObjectIdentifier = oid("1.2.840.10040.4.1");
    pub(crate) const ED25519: ObjectIdentifier = oid("1.3.101.112");
    pub(crate) const ECDSA_SHA256: ObjectIdentifier = oid("1.2.840.10045.4.3.2");
    pub(crate) const ECDSA_SHA384: ObjectIdentifier = oid("1.2.840.10045.4.3.3");
    pub(crate) const ECDSA_SHA512: ObjectIdentifier = oid("1.2.840.10045.4.3.4");

    /// ECDH with the key derivation of ANSI X9.63 (RFC 5753 7.1.4).
    pub(crate) const ECDH_SHA256_KDF: ObjectIdentifier = oid("1.3.132.1.11.1");
    pub(crate) const ECDH_SHA384_KDF: ObjectIdentifier = oid("1.3.132.1.11.2");
    pub(crate) const AES_256_WRAP: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.45");
    pub(crate) const AES_256_GCM: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.46");
    pub(crate) const AES_256_CBC: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.42");

    pub(crate) const COMMON_NAME: ObjectIdentifier = oid("2.5.4.3");
    pub(crate) const ORGANIZATION: ObjectIdentifier = oid("2.5.4.10");
    pub(crate) const ORGANIZATIONAL_UNIT: ObjectIdentifier = oid("2.5.4.11");

    pub(crate) const KEY_USAGE: ObjectIdentifier = oid("2.5.29.15");
    pub(crate) const SUBJECT_ALT_NAME: ObjectIdentifier = oid("2.5.29.17");
    pub(crate) const BASIC_CONSTRAINTS: ObjectIdentifier = oid("2.5.29.19");
    pub(crate) const CERTIFICATE_POLICIES: ObjectIdentifier = oid("2.5.29.32");
    pub(crate) const EXTENDED_KEY_USAGE: ObjectIdentifier = oid("2.5.29.37");
    pub(crate) const CRL_DISTRIBUTION_POINTS: ObjectIdentifier = oid("2.5.29.31");
    pub(crate) const ISSUING_DISTRIBUTION_POINT: ObjectIdentifier = oid("2.5.29.28");
    pub(crate) const CRL_NUMBER: ObjectIdentifier = oid("2.5.29.20");
    pub(crate) const AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier = oid("2.5.29.35");
    pub(crate) const REASON_CODE: ObjectIdentifier = oid("2.5.29.21");
    pub(crate) const AUTHORITY_INFORMATION_ACCESS: ObjectIdentifier = oid("1.3.6.1.5.5.7.1.1");
    pub(crate) const ACCESS_BY_OCSP: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.1");
    pub(crate) const ACCESS_TO_ISSUERS: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.2");
    pub(crate) const OCSP_BASIC: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.1.1");
    pub(crate) const OCSP_NONCE: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.1.2");
    pub(crate) const OCSP_NO_CHECK: ObjectIdentifier = oid("1.3.6.1.5.5.7.48.1.5");

    pub(crate) const ANY_EXTENDED_KEY_USAGE: ObjectIdentifier = oid("2.5.29.37.0");
    pub(crate) const EMAIL_PROTECTION: ObjectIdentifier = oid("1.3.6.1.5.5.7.3.4");
    pub(crate) const TIME_STAMPING: ObjectIdentifier = oid("1.3.6.1.5.5.7.3.8");
    pub(crate) const OCSP_SIGNING: ObjectIdentifier = oid("1.3.6.1.5.5.7.3.9");
    pub(crate) const DOCUMENT_SIGNING: ObjectIdentifier = oid("1.3.6.1.5.5.7.3.36");
    /// Adobe's "authentic documents trust".
    pub(crate) const ADOBE_AUTHENTIC_DOCUMENTS: ObjectIdentifier = oid("1.2.840.113583.1.1.5");
    /// Microsoft's "document signing".
    pub(crate) const MICROSOFT_DOCUMENT_SIGNING: ObjectIdentifier = oid("1.3.6.1.4.1.311.10.3.12");
}

/// One DER element: `tag`, length, and `parts` one after the other.
pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length + 6);
    out.extend(header(tag, length));
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// Tag and length of an element whose content has `length` bytes.
fn header(tag: u8, length: usize) -> Vec<u8> {
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => vec![tag, short],
        _ => {
            let bytes = length.to_be_bytes();
            let significant = &bytes[bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1)..];
            // A length has at most eight bytes, so the cast cannot truncate.
            [&[tag, 0x80 | significant.len() as u8], significant].concat()
        }
    }
}

/// `SET OF`, in DER's order of the encodings (X.690 11.6).
pub(crate) fn set_of(tag: u8, mut elements: Vec<Vec<u8>>) -> Vec<u8> {
    elements.sort();
    let parts: Vec<&[u8]> = elements.iter().map(Vec::as_slice).collect();
    tlv(tag, &parts)
}

/// `OBJECT IDENTIFIER`.
pub(crate) fn object_identifier(oid: ObjectIdentifier) -> Vec<u8> {
    tlv(OBJECT_IDENTIFIER, &[oid.as_bytes()])
}

/// The elements that follow one another in `content`. Its length bounds their number; nothing is decoded deeper.
pub(crate) fn elements(content: &[u8]) -> der::Result<Vec<AnyRef<'_>>> {
    let mut reader = SliceReader::new(content)?;
    let mut found = Vec::new();
    while !reader.is_finished() {
        found.push(reader.decode()?);
    }
    Ok(found)
}

/// The whole encoding of an element, as it stood in the input (DER lengths have one form only).
pub(crate) fn raw(element: AnyRef<'_>) -> der::Result<Vec<u8>> {
    element.to_der()
}

/// The bytes of an OCTET STRING under any tag. Under an implicit one, BER's pieces cannot be told from a structure, so that
/// [`ber`] leaves them: they are joined here.
pub(crate) fn octets<'a>(element: &AnyRef<'a>) -> der::Result<Cow<'a, [u8]>> {
    const CONSTRUCTED: u8 = 0x20;
    if tag(element) & CONSTRUCTED == 0 {
        return Ok(Cow::Borrowed(element.value()));
    }
    let pieces = elements(element.value())?;
    if pieces.iter().any(|piece| tag(piece) != OCTET_STRING) {
        return Err(der::ErrorKind::Failed.into());
    }
    Ok(Cow::Owned(pieces.iter().map(|piece| piece.value()).collect::<Vec<_>>().concat()))
}

/// The first byte of an element: class, form and number of its tag.
pub(crate) fn tag(element: &AnyRef<'_>) -> u8 {
    use der::Tagged;
    element.tag().octet()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_their_shortest_form() {
        assert_eq!(tlv(OCTET_STRING, &[&[7]]), [4, 1, 7]);
        assert_eq!(tlv(OCTET_STRING, &[&[0; 200]])[..3], [4, 0x81, 200]);
        assert_eq!(tlv(OCTET_STRING, &[&[0; 300]])[..4], [4, 0x82, 1, 44]);
        assert_eq!(tlv(NULL, &[]), [5, 0]);
    }

    #[test]
    fn what_was_written_is_read_back_byte_by_byte() {
        let inner = tlv(OCTET_STRING, &[&[1; 130]]);
        let outer = tlv(SEQUENCE, &[&inner, &tlv(CONTEXT_0, &[&inner])]);
        let top = elements(&outer).unwrap();
        assert_eq!(top.len(), 1);
        assert_eq!(raw(top[0]).unwrap(), outer);
        let children = elements(top[0].value()).unwrap();
        assert_eq!(children.iter().map(tag).collect::<Vec<_>>(), [OCTET_STRING, CONTEXT_0]);
    }

    #[test]
    fn a_set_is_sorted_by_its_encodings() {
        let set = set_of(SET, vec![vec![4, 1, 9], vec![4, 1, 2]]);
        assert_eq!(set, [0x31, 6, 4, 1, 2, 4, 1, 9]);
    }

    #[test]
    fn elements_that_end_too_early_are_an_error() {
        assert!(elements(&[4, 5, 1]).is_err());
    }
}
