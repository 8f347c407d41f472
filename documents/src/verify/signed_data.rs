//! Reading the CMS `SignedData` of a signature (RFC 5652), and the attributes that matter for PDF signatures.

use der::asn1::{AnyRef, GeneralizedTime, ObjectIdentifier, UtcTime};
use der::{Decode, Reader, SliceReader};
use spki::AlgorithmIdentifierRef;

use crate::asn1::{self, CONTEXT_0, OCTET_STRING, SEQUENCE, oid};
use crate::x509::Certificate;

/// Certificates of one signature that are looked at.
const MAX_CERTIFICATES: usize = 64;

/// What a signature's bytes hold.
pub(super) struct SignedData<'a> {
    pub(super) content_type: ObjectIdentifier,
    /// The content inside, if it is not detached.
    pub(super) content: Option<&'a [u8]>,
    pub(super) certificates: Vec<Certificate>,
    pub(super) signer: SignerInfo<'a>,
    /// What follows the structure is zeros, as padding is.
    pub(super) padded_with_zeros: bool,
}

pub(super) struct SignerInfo<'a> {
    identifier: AnyRef<'a>,
    pub(super) digest: ObjectIdentifier,
    /// The attributes as they were signed: under the tag SET (RFC 5652 5.4).
    pub(super) signed_attributes: Option<Vec<u8>>,
    attributes: Vec<(ObjectIdentifier, AnyRef<'a>)>,
    pub(super) algorithm: AlgorithmIdentifierRef<'a>,
    pub(super) signature: &'a [u8],
}

/// Reads the content of `/Contents`.
///
/// # Errors
/// In words: why it cannot be read.
pub(super) fn read(contents: &[u8]) -> Result<SignedData<'_>, &'static str> {
    if contents.iter().all(|byte| *byte == 0) {
        return Err("it is empty");
    }
    let mut reader = SliceReader::new(contents).map_err(|_| "it is too large")?;
    let outer: AnyRef<'_> = reader.decode().map_err(|_| "it is not DER")?;
    let used = usize::try_from(reader.position()).map_err(|_| "it is too large")?;
    let padded_with_zeros = contents[used..].iter().all(|byte| *byte == 0);
    parse(outer, padded_with_zeros)
        .map_err(|_| "it is not a readable CMS signature")?
        .ok_or("it does not have exactly one signer")
}

fn parse(outer: AnyRef<'_>, padded_with_zeros: bool) -> der::Result<Option<SignedData<'_>>> {
    let [content_type, explicit] = exactly(asn1::elements(outer.value())?)?;
    if content_type.decode_as::<ObjectIdentifier>()? != oid::SIGNED_DATA {
        return Err(malformed());
    }
    let parts = asn1::elements(AnyRef::from_der(explicit.value())?.value())?;
    let [_version, _digests, content, rest @ ..] = &parts[..] else { return Err(malformed()) };
    let content_parts = asn1::elements(content.value())?;
    let content_type = content_parts.first().ok_or_else(malformed)?.decode_as::<ObjectIdentifier>()?;
    let content = match content_parts.get(1) {
        Some(explicit) => Some(AnyRef::from_der(explicit.value())?.value()),
        None => None,
    };
    let certificates = match rest.iter().find(|part| asn1::tag(part) == CONTEXT_0) {
        Some(set) => asn1::elements(set.value())?,
        None => Vec::new(),
    };
    let certificates = certificates.into_iter().take(MAX_CERTIFICATES).filter(|c| asn1::tag(c) == SEQUENCE);
    let certificates = certificates.filter_map(|c| Certificate::from_der(&asn1::raw(c).ok()?).ok()).collect();
    let signers = asn1::elements(rest.last().ok_or_else(malformed)?.value())?;
    let [signer] = signers[..] else { return Ok(None) };
    Ok(Some(SignedData { content_type, content, certificates, signer: signer_info(signer)?, padded_with_zeros }))
}

fn signer_info(element: AnyRef<'_>) -> der::Result<SignerInfo<'_>> {
    let parts = asn1::elements(element.value())?;
    let [_version, identifier, digest, rest @ ..] = &parts[..] else { return Err(malformed()) };
    let (attributes, rest) = match rest {
        [attributes, rest @ ..] if asn1::tag(attributes) == CONTEXT_0 => (Some(attributes), rest),
        rest => (None, rest),
    };
    let [algorithm, signature, ..] = rest else { return Err(malformed()) };
    let mut named = Vec::new();
    for attribute in attributes.map_or(Ok(Vec::new()), |set| asn1::elements(set.value()))? {
        let [name, values] = exactly(asn1::elements(attribute.value())?)?;
        // The attributes read here have exactly one value each (RFC 5652 11).
        if let [value] = asn1::elements(values.value())?[..] {
            named.push((name.decode_as::<ObjectIdentifier>()?, value));
        }
    }
    Ok(SignerInfo {
        identifier: *identifier,
        digest: digest.decode_as::<AlgorithmIdentifierRef<'_>>()?.oid,
        signed_attributes: attributes.map(|set| asn1::tlv(asn1::SET, &[set.value()])),
        attributes: named,
        algorithm: algorithm.decode_as()?,
        signature: signature.value(),
    })
}

fn exactly<const N: usize>(elements: Vec<AnyRef<'_>>) -> der::Result<[AnyRef<'_>; N]> {
    elements.try_into().map_err(|_| malformed())
}

fn malformed() -> der::Error {
    der::ErrorKind::Failed.into()
}

/// How a signature is bound to its certificate.
pub(super) enum CertificateId<'a> {
    Sha1(&'a [u8]),
    Digest(ObjectIdentifier, &'a [u8]),
}

impl<'a> SignerInfo<'a> {
    /// An attribute's value; `None` where it is missing or there are several, which counts as none.
    fn attribute(&self, name: ObjectIdentifier) -> Option<AnyRef<'a>> {
        let mut found = self.attributes.iter().filter(|(oid, _)| *oid == name);
        let first = found.next()?;
        found.next().is_none().then_some(first.1)
    }

    pub(super) fn message_digest(&self) -> Option<&'a [u8]> {
        self.attribute(oid::MESSAGE_DIGEST).map(AnyRef::value)
    }

    pub(super) fn content_type(&self) -> Option<ObjectIdentifier> {
        self.attribute(oid::CONTENT_TYPE)?.decode_as().ok()
    }

    pub(super) fn signing_time(&self) -> Option<std::time::SystemTime> {
        let value = self.attribute(oid::SIGNING_TIME)?;
        let utc = value.decode_as::<UtcTime>().map(|time| time.to_system_time());
        utc.or_else(|_| value.decode_as::<GeneralizedTime>().map(|time| time.to_system_time())).ok()
    }

    /// ESS signing-certificate (RFC 2634) or signing-certificate-v2 (RFC 5035): the digest of the signer's certificate.
    pub(super) fn certificate_id(&self) -> Option<CertificateId<'a>> {
        let first = |attribute: AnyRef<'a>| -> Option<Vec<AnyRef<'a>>> {
            let certificates = *asn1::elements(attribute.value()).ok()?.first()?;
            let first = *asn1::elements(certificates.value()).ok()?.first()?;
            asn1::elements(first.value()).ok()
        };
        if let Some(attribute) = self.attribute(oid::SIGNING_CERTIFICATE_V2) {
            let parts = first(attribute)?;
            let hash = parts.iter().find(|part| asn1::tag(part) == OCTET_STRING)?;
            let algorithm = match parts.first()? {
                part if asn1::tag(part) == SEQUENCE => part.decode_as::<AlgorithmIdentifierRef<'_>>().ok()?.oid,
                _ => oid::SHA256,
            };
            return Some(CertificateId::Digest(algorithm, hash.value()));
        }
        let parts = first(self.attribute(oid::SIGNING_CERTIFICATE)?)?;
        Some(CertificateId::Sha1(parts.first()?.value()))
    }

    /// Whether this signer's identifier names `certificate`: by issuer and serial number, or by its subject key identifier.
    pub(super) fn is(&self, certificate: &Certificate) -> bool {
        if asn1::tag(&self.identifier) != SEQUENCE {
            return certificate.subject_key_identifier().is_some_and(|id| id == self.identifier.value());
        }
        let named = asn1::tlv(SEQUENCE, &[certificate.issuer(), certificate.serial()]);
        asn1::raw(self.identifier).is_ok_and(|identifier| identifier == named)
    }
}

/// The message imprint and the time of a time stamp (`TSTInfo`, RFC 3161 2.4.2).
pub(super) fn time_stamp(content: &[u8]) -> Option<(ObjectIdentifier, Vec<u8>, std::time::SystemTime)> {
    let parts = asn1::elements(AnyRef::from_der(content).ok()?.value()).ok()?;
    let [_version, _policy, imprint, _serial, time, ..] = &parts[..] else { return None };
    let [algorithm, hash] = exactly(asn1::elements(imprint.value()).ok()?).ok()?;
    let algorithm = algorithm.decode_as::<AlgorithmIdentifierRef<'_>>().ok()?.oid;
    let time = generalized_time(time)?;
    Some((algorithm, hash.value().to_vec(), time))
}

/// GeneralizedTime, of which TSTInfo allows fractions of a second; they are dropped.
fn generalized_time(element: &AnyRef<'_>) -> Option<std::time::SystemTime> {
    let text = std::str::from_utf8(element.value()).ok()?;
    let whole = text.get(..14)?;
    let parsed = chrono::NaiveDateTime::parse_from_str(whole, "%Y%m%d%H%M%S").ok()?;
    text.ends_with('Z').then(|| parsed.and_utc().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_and_unreadable_contents_are_refused() {
        assert_eq!(read(&[]).err(), Some("it is empty"));
        assert_eq!(read(&[0; 100]).err(), Some("it is empty"));
        assert_eq!(read(b"\x30\x80\x00\x00").err(), Some("it is not DER"));
        assert_eq!(read(&asn1::tlv(SEQUENCE, &[])).err(), Some("it is not a readable CMS signature"));
    }
}
