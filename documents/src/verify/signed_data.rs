//! Reading the CMS `SignedData` of a signature (RFC 5652), and the attributes that matter for PDF signatures.

use chrono::{DateTime, Utc};
use der::Decode;
use der::asn1::{AnyRef, GeneralizedTime, ObjectIdentifier, UtcTime};
use spki::AlgorithmIdentifierRef;

use crate::algorithms;
use crate::asn1::{self, CONTEXT_0, OCTET_STRING, SEQUENCE, SET, ber, oid};
use crate::x509::Certificate;

use super::token::Info;

/// Certificates of one signature that are looked at.
const MAX_CERTIFICATES: usize = 64;

/// Time stamps of one signature that are looked at.
const MAX_TIME_STAMPS: usize = 16;

/// `[1]`, constructed.
const CONTEXT_1: u8 = 0xa1;

/// The largest value that is read, in bytes. Real ones have some kilobytes, or megabytes with revocation lists inside.
const MAX_VALUE: usize = 8 * 1024 * 1024;

/// What a signature's bytes hold.
pub(crate) struct SignedData<'a> {
    pub(super) content_type: ObjectIdentifier,
    /// The content inside, if it is not detached.
    pub(super) content: Option<&'a [u8]>,
    pub(super) certificates: Vec<Certificate>,
    pub(super) signer: SignerInfo<'a>,
}

/// The value of `/Contents`: one structure, which may come in BER, and padding.
pub(super) struct Value {
    der: Vec<u8>,
    /// What follows the structure is zeros, as padding is.
    pub(super) padded_with_zeros: bool,
}

/// Why a value cannot be used, in words.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// There is no signature in it.
    Empty,
    /// There may be one, which cannot be judged.
    NotJudged(String),
}

pub(super) struct SignerInfo<'a> {
    identifier: AnyRef<'a>,
    pub(super) digest: ObjectIdentifier,
    /// The attributes in DER under the tag SET, as they are signed (RFC 5652 5.4): in the order of the file, and in that of
    /// DER where it is another. Programs that write them unsorted sign the one or the other; the attributes are the same.
    pub(super) signed_attributes: Option<Vec<Vec<u8>>>,
    attributes: Vec<(ObjectIdentifier, AnyRef<'a>)>,
    pub(super) algorithm: AlgorithmIdentifierRef<'a>,
    pub(super) signature: &'a [u8],
    /// Tokens of time stamps over `signature`, as they stand there (RFC 3161 appendix A), at most [`MAX_TIME_STAMPS`].
    pub(super) time_stamps: Vec<Vec<u8>>,
}

impl SignedData<'_> {
    /// Whether the signature was made with the certificate's key. `content` is asked where there are no signed attributes.
    pub(super) fn verify_value(&self, certificate: &Certificate, content: impl Fn() -> Vec<u8>) -> Result<(), algorithms::Error> {
        let key = certificate.public_key().map_err(|_| algorithms::Error::Unreadable)?;
        let signer = &self.signer;
        let check = |message: &[u8]| algorithms::verify(&key, &signer.algorithm, Some(signer.digest), message, signer.signature);
        match &signer.signed_attributes {
            Some(orders) => {
                let mut result = Err(algorithms::Error::Mismatch);
                for attributes in orders {
                    result = check(attributes);
                    if result != Err(algorithms::Error::Mismatch) {
                        break;
                    }
                }
                result
            }
            None => check(&content()),
        }
    }
}

impl Value {
    /// Reads the bytes of `/Contents`.
    ///
    /// # Errors
    /// [`Unusable`].
    pub(super) fn read(contents: &[u8]) -> Result<Self, Unusable> {
        if contents.iter().all(|byte| *byte == 0) {
            return Err(Unusable::Empty);
        }
        let significant = contents.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if significant > MAX_VALUE {
            return Err(Unusable::NotJudged(format!("the signature's value has more than {MAX_VALUE} bytes")));
        }
        let element = ber::first_element(contents)
            .map_err(|error| Unusable::NotJudged(format!("the signature's value cannot be read: {error}")))?;
        let padded_with_zeros = contents[element.used..].iter().all(|byte| *byte == 0);
        Ok(Self { der: element.der, padded_with_zeros })
    }

    /// What it holds.
    ///
    /// # Errors
    /// [`Unusable::NotJudged`].
    pub(super) fn signed_data(&self) -> Result<SignedData<'_>, Unusable> {
        let not_judged = |why: String| Unusable::NotJudged(why);
        let parsed = AnyRef::from_der(&self.der).and_then(parse);
        match parsed.map_err(|_| not_judged("the signature's value is not a CMS signature that can be read here".to_owned()))? {
            Parsed::One(data) => Ok(*data),
            Parsed::Signers(count) => {
                Err(not_judged(format!("the signature's value has {count} signers, where PDF has exactly one")))
            }
        }
    }
}

/// ISO 32000-2 12.8.3.3.1 wants exactly one signer.
enum Parsed<'a> {
    One(Box<SignedData<'a>>),
    Signers(usize),
}

fn parse(outer: AnyRef<'_>) -> der::Result<Parsed<'_>> {
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
    let [signer] = signers[..] else { return Ok(Parsed::Signers(signers.len())) };
    Ok(Parsed::One(Box::new(SignedData { content_type, content, certificates, signer: signer_info(signer)? })))
}

fn signer_info(element: AnyRef<'_>) -> der::Result<SignerInfo<'_>> {
    let parts = asn1::elements(element.value())?;
    let [_version, identifier, digest, rest @ ..] = &parts[..] else { return Err(malformed()) };
    let (attributes, rest) = match rest {
        [attributes, rest @ ..] if asn1::tag(attributes) == CONTEXT_0 => (Some(attributes), rest),
        rest => (None, rest),
    };
    let [algorithm, signature, rest @ ..] = rest else { return Err(malformed()) };
    let unsigned = rest.iter().find(|part| asn1::tag(part) == CONTEXT_1);
    let mut named = Vec::new();
    let signed_attributes = attributes.map(as_signed).transpose()?;
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
        signed_attributes,
        attributes: named,
        algorithm: algorithm.decode_as()?,
        signature: signature.value(),
        time_stamps: unsigned.map_or(Ok(Vec::new()), time_stamps)?,
    })
}

/// The tokens among the unsigned attributes. One attribute may have several, and there may be several attributes.
fn time_stamps(set: &AnyRef<'_>) -> der::Result<Vec<Vec<u8>>> {
    let mut tokens = Vec::new();
    for attribute in asn1::elements(set.value())? {
        let [name, values] = exactly(asn1::elements(attribute.value())?)?;
        if name.decode_as::<ObjectIdentifier>()? == oid::TIME_STAMP_TOKEN {
            tokens.extend(asn1::elements(values.value())?.into_iter().map(asn1::raw).collect::<der::Result<Vec<_>>>()?);
        }
    }
    tokens.truncate(MAX_TIME_STAMPS);
    Ok(tokens)
}

fn as_signed(set: &AnyRef<'_>) -> der::Result<Vec<Vec<u8>>> {
    let as_written = asn1::tlv(SET, &[set.value()]);
    let elements = asn1::elements(set.value())?.into_iter().map(asn1::raw).collect::<der::Result<Vec<_>>>()?;
    let sorted = asn1::set_of(SET, elements);
    Ok(if sorted == as_written { vec![as_written] } else { vec![as_written, sorted] })
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
            let identifier = asn1::octets(&self.identifier);
            return identifier.is_ok_and(|own| certificate.subject_key_identifier().is_some_and(|id| id == *own));
        }
        let named = asn1::tlv(SEQUENCE, &[certificate.issuer(), certificate.serial()]);
        asn1::raw(self.identifier).is_ok_and(|identifier| identifier == named)
    }
}

/// The certificates in a signature's value.
pub(crate) struct Signed {
    /// All that came with it and with the time stamps in it.
    pub(crate) certificates: Vec<Certificate>,
    /// Its signer's, and those of the authorities of the time stamps in it.
    pub(crate) leaves: Vec<Certificate>,
    /// The time that it says, if it is a time stamp itself.
    pub(crate) time_stamped: Option<DateTime<Utc>>,
}

impl Signed {
    /// Reads the bytes of `/Contents`; `None` where they cannot be read.
    pub(crate) fn read(contents: &[u8]) -> Option<Self> {
        let value = Value::read(contents).ok()?;
        let data = value.signed_data().ok()?;
        let time_stamped = data.content.filter(|_| data.content_type == oid::TST_INFO).and_then(Info::read).map(|info| info.at);
        let mut signed = Self { certificates: Vec::new(), leaves: Vec::new(), time_stamped };
        signed.add(&data);
        for token in &data.signer.time_stamps {
            if let Ok(value) = Value::read(token) {
                value.signed_data().ok().iter().for_each(|data| signed.add(data));
            }
        }
        Some(signed)
    }

    fn add(&mut self, data: &SignedData<'_>) {
        self.leaves.extend(data.certificates.iter().find(|certificate| data.signer.is(certificate)).cloned());
        self.certificates.extend(data.certificates.iter().cloned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(contents: &[u8]) -> Result<(), Unusable> {
        Value::read(contents)?.signed_data().map(|_| ())
    }

    #[test]
    fn what_cannot_be_read_is_told_apart_from_what_is_empty() {
        assert_eq!(read(&[]), Err(Unusable::Empty));
        assert_eq!(read(&[0; 100]), Err(Unusable::Empty));
        for unreadable in [&[0x30, 0x80][..], b"\x30\x80\x00\x00", &asn1::tlv(SEQUENCE, &[]), b"-----BEGIN"] {
            assert!(matches!(read(unreadable), Err(Unusable::NotJudged(_))), "{unreadable:x?}");
        }
    }

    #[test]
    fn attributes_that_are_not_sorted_are_tried_in_both_orders() {
        let [first, second] = [asn1::tlv(SEQUENCE, &[&[2, 1, 9]]), asn1::tlv(SEQUENCE, &[&[2, 1, 3]])];
        let unsorted = asn1::tlv(CONTEXT_0, &[&first, &second]);
        let sorted = asn1::tlv(CONTEXT_0, &[&second, &first]);
        let orders = |set: &[u8]| as_signed(&AnyRef::from_der(set).unwrap()).unwrap();
        assert_eq!(orders(&sorted), [asn1::tlv(SET, &[&second, &first])]);
        assert_eq!(orders(&unsorted), [asn1::tlv(SET, &[&first, &second]), asn1::tlv(SET, &[&second, &first])]);
    }
}
