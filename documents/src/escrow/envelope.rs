//! The structure of envelopes, and what both sides derive in the same way.

use aws_lc_rs::digest;
use der::Decode;
use der::asn1::{AnyRef, ObjectIdentifier};
use zeroize::Zeroizing;

use super::{ContentEncryption, Error, MAX_ENVELOPE_BYTES};
use crate::asn1::{self, CONTEXT_0, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET, oid};

/// The content's key.
pub(super) type ContentKey = Zeroizing<[u8; KEY_BYTES]>;
pub(super) const KEY_BYTES: usize = 32;
/// A wrapped key is longer by a block of 64 bits (RFC 3394).
pub(super) const WRAPPED_KEY_BYTES: usize = KEY_BYTES + 8;
pub(super) const NONCE_BYTES: usize = 12;
pub(super) const TAG_BYTES: usize = 16;
pub(super) const VECTOR_BYTES: usize = 16;

/// `[0]`, `[1]` of strings and of structures.
pub(super) const CONTEXT_0_PRIMITIVE: u8 = 0x80;
pub(super) const CONTEXT_1: u8 = 0xa1;
const CONTEXT_2: u8 = 0xa2;

/// The maximum of recipients that are looked at in an envelope.
const MAX_LOOKED_AT: usize = 64;

/// `AlgorithmIdentifier` of AES-256 key wrap, without parameters (RFC 3565 2.3.2).
pub(super) fn key_wrap_algorithm() -> Vec<u8> {
    asn1::tlv(SEQUENCE, &[&asn1::object_identifier(oid::AES_256_WRAP)])
}

/// `AlgorithmIdentifier` of RSAES-OAEP with SHA-256 in both places and no label (RFC 4055 4.1): explicit, as the default is SHA-1.
pub(super) fn oaep_algorithm() -> Vec<u8> {
    let sha256 = asn1::tlv(SEQUENCE, &[&asn1::object_identifier(oid::SHA256), &asn1::tlv(asn1::NULL, &[])]);
    let mask = asn1::tlv(SEQUENCE, &[&asn1::object_identifier(oid::MGF1), &sha256]);
    let parameters = asn1::tlv(SEQUENCE, &[&asn1::tlv(CONTEXT_0, &[&sha256]), &asn1::tlv(CONTEXT_1, &[&mask])]);
    asn1::tlv(SEQUENCE, &[&asn1::object_identifier(oid::RSA_OAEP), &parameters])
}

/// The key that wraps the content's key: one block of the key derivation of ANSI X9.63 (RFC 5753 7.2) over the agreed secret.
pub(super) fn derive(algorithm: &'static digest::Algorithm, secret: &[u8]) -> ContentKey {
    // ECC-CMS-SharedInfo: what the key is for, and its length in bits.
    let length = asn1::tlv(OCTET_STRING, &[&(KEY_BYTES as u32 * 8).to_be_bytes()]);
    let info = asn1::tlv(SEQUENCE, &[&key_wrap_algorithm(), &asn1::tlv(CONTEXT_2, &[&length])]);
    let mut context = digest::Context::new(algorithm);
    context.update(secret);
    context.update(&1_u32.to_be_bytes());
    context.update(&info);
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    key.copy_from_slice(&context.finish().as_ref()[..KEY_BYTES]);
    key
}

/// How a recipient gets the content's key.
pub(super) enum Way<'a> {
    /// OAEP with SHA-256.
    Oaep { encrypted: &'a [u8] },
    /// ECDH with a key of the sender, a key derivation and a key wrap.
    Agreement { derivation: ObjectIdentifier, point: &'a [u8], wrapped: &'a [u8] },
    /// Another way, by its name.
    Unknown(String),
}

/// How an envelope names a certificate (RFC 5652 10.2.4).
pub(super) struct IssuerAndSerial<'a> {
    /// DER of the issuer's name.
    pub(super) issuer: Vec<u8>,
    /// Content of the serial number.
    pub(super) serial: &'a [u8],
}

/// A recipient of an envelope.
pub(super) struct Recipient<'a> {
    /// None where it is named in another way.
    pub(super) name: Option<IssuerAndSerial<'a>>,
    pub(super) way: Way<'a>,
}

/// An envelope, as far as it is read without a key.
pub(super) struct Envelope<'a> {
    pub(super) recipients: Vec<Recipient<'a>>,
    pub(super) encryption: ContentEncryption,
    /// Nonce or initialization vector.
    pub(super) nonce: &'a [u8],
    pub(super) content: &'a [u8],
    /// Empty for CBC.
    pub(super) tag: &'a [u8],
}

fn broken(what: &'static str) -> Error {
    Error::NotAnEnvelope(what)
}

/// The elements inside of one with this tag.
fn inside<'a>(element: &AnyRef<'a>, tag: u8, what: &'static str) -> Result<Vec<AnyRef<'a>>, Error> {
    if asn1::tag(element) != tag {
        return Err(broken(what));
    }
    asn1::elements(element.value()).map_err(|_| broken(what))
}

fn bytes<'a>(element: &AnyRef<'a>, tag: u8, what: &'static str) -> Result<&'a [u8], Error> {
    if asn1::tag(element) == tag { Ok(element.value()) } else { Err(broken(what)) }
}

fn named(element: &AnyRef<'_>) -> Result<ObjectIdentifier, Error> {
    let bytes = bytes(element, OBJECT_IDENTIFIER, "an algorithm has no name")?;
    ObjectIdentifier::from_bytes(bytes).map_err(|_| broken("the name of an algorithm cannot be read"))
}

impl<'a> Envelope<'a> {
    /// Reads an envelope in DER. Recipients in ways of others are kept by name; what encrypts the content must be known.
    pub(super) fn read(der: &'a [u8]) -> Result<Self, Error> {
        if der.len() > MAX_ENVELOPE_BYTES {
            return Err(broken("it is too large"));
        }
        let outer = AnyRef::from_der(der).map_err(|_| broken("it is not one element in DER"))?;
        let info = inside(&outer, SEQUENCE, "it is no CMS")?;
        let [kind, explicit] = info[..] else { return Err(broken("it is no CMS")) };
        let encryption = match named(&kind)? {
            oid::AUTH_ENVELOPED_DATA => ContentEncryption::Aes256Gcm,
            oid::ENVELOPED_DATA => ContentEncryption::Aes256Cbc,
            _ => return Err(broken("it is a CMS of another kind")),
        };
        let explicit = inside(&explicit, CONTEXT_0, "its content is missing")?;
        let [data] = explicit[..] else { return Err(broken("its content is missing")) };
        let mut fields = inside(&data, SEQUENCE, "its content is missing")?;
        // OriginatorInfo may be there; it holds certificates of the sender, which nobody needs here.
        fields.retain(|field| asn1::tag(field) != CONTEXT_0);
        let [version, recipients, content, rest @ ..] = &fields[..] else { return Err(broken("it ends too early")) };
        bytes(version, INTEGER, "it has no version")?;
        let recipients = inside(recipients, SET, "it has no list of recipients")?;
        if recipients.len() > MAX_LOOKED_AT {
            return Err(broken("it has too many recipients"));
        }
        let recipients = recipients.iter().map(recipient).collect::<Result<Vec<_>, _>>()?;
        let (nonce, content) = encrypted_content(content, encryption)?;
        let tag = match (encryption, rest) {
            (ContentEncryption::Aes256Gcm, [tag]) => bytes(tag, OCTET_STRING, "it has attributes that are not read here")?,
            (ContentEncryption::Aes256Gcm, _) => return Err(broken("it has no tag, or attributes that are not read here")),
            (ContentEncryption::Aes256Cbc, _) => &[],
        };
        if encryption == ContentEncryption::Aes256Gcm && tag.len() != TAG_BYTES {
            return Err(broken("its tag does not have 16 bytes"));
        }
        Ok(Self { recipients, encryption, nonce, content, tag })
    }
}

/// The nonce and the content of an `EncryptedContentInfo`.
fn encrypted_content<'a>(element: &AnyRef<'a>, encryption: ContentEncryption) -> Result<(&'a [u8], &'a [u8]), Error> {
    const WHAT: &str = "its encrypted content cannot be read";
    let fields = inside(element, SEQUENCE, WHAT)?;
    let [_kind, algorithm, content] = fields[..] else { return Err(broken(WHAT)) };
    let algorithm = inside(&algorithm, SEQUENCE, WHAT)?;
    let (name, parameters) = algorithm.split_first().ok_or_else(|| broken(WHAT))?;
    let name = named(name)?;
    let nonce = match (encryption, name, parameters) {
        (ContentEncryption::Aes256Gcm, oid::AES_256_GCM, [parameters]) => {
            let parameters = inside(parameters, SEQUENCE, WHAT)?;
            // The length of the tag is 12 where it is not said (RFC 5084 3.2).
            let [nonce, length] = parameters[..] else { return Err(broken("its tag is shorter than 16 bytes")) };
            if bytes(&length, INTEGER, WHAT)? != [TAG_BYTES as u8] {
                return Err(broken("its tag is shorter than 16 bytes"));
            }
            bytes(&nonce, OCTET_STRING, WHAT)?
        }
        (ContentEncryption::Aes256Cbc, oid::AES_256_CBC, [vector]) => bytes(vector, OCTET_STRING, WHAT)?,
        _ => return Err(Error::UnknownAlgorithm(name.to_string())),
    };
    Ok((nonce, bytes(&content, CONTEXT_0_PRIMITIVE, WHAT)?))
}

fn recipient<'a>(element: &AnyRef<'a>) -> Result<Recipient<'a>, Error> {
    match asn1::tag(element) {
        SEQUENCE => key_transport(element),
        CONTEXT_1 => key_agreement(element),
        // Passwords, shared keys, other ways.
        _ => Ok(Recipient { name: None, way: Way::Unknown("no certificate".to_owned()) }),
    }
}

fn issuer_and_serial<'a>(element: &AnyRef<'a>) -> Result<Option<IssuerAndSerial<'a>>, Error> {
    const WHAT: &str = "a recipient cannot be read";
    // Otherwise a key identifier.
    if asn1::tag(element) != SEQUENCE {
        return Ok(None);
    }
    let [issuer, serial] = inside(element, SEQUENCE, WHAT)?[..] else { return Err(broken(WHAT)) };
    let issuer = asn1::raw(issuer).map_err(|_| broken(WHAT))?;
    Ok(Some(IssuerAndSerial { issuer, serial: bytes(&serial, INTEGER, WHAT)? }))
}

/// `KeyTransRecipientInfo` (RFC 5652 6.2.1).
fn key_transport<'a>(element: &AnyRef<'a>) -> Result<Recipient<'a>, Error> {
    const WHAT: &str = "a recipient cannot be read";
    let fields = inside(element, SEQUENCE, WHAT)?;
    let [_version, id, algorithm, encrypted] = fields[..] else { return Err(broken(WHAT)) };
    let encrypted = bytes(&encrypted, OCTET_STRING, WHAT)?;
    let way = if asn1::raw(algorithm).is_ok_and(|der| der == oaep_algorithm()) {
        Way::Oaep { encrypted }
    } else {
        let fields = inside(&algorithm, SEQUENCE, WHAT)?;
        Way::Unknown(named(fields.first().ok_or_else(|| broken(WHAT))?)?.to_string())
    };
    Ok(Recipient { name: issuer_and_serial(&id)?, way })
}

/// `KeyAgreeRecipientInfo` (RFC 5652 6.2.2) with one recipient.
fn key_agreement<'a>(element: &AnyRef<'a>) -> Result<Recipient<'a>, Error> {
    const WHAT: &str = "a recipient cannot be read";
    let mut fields = inside(element, CONTEXT_1, WHAT)?;
    // A user keying material would go into the derivation; the first [1] after the originator is it.
    let has_material = fields.iter().any(|field| asn1::tag(field) == CONTEXT_1);
    fields.retain(|field| asn1::tag(field) != CONTEXT_1);
    let [_version, originator, algorithm, keys] = fields[..] else { return Err(broken(WHAT)) };
    let [key] = inside(&keys, SEQUENCE, WHAT)?[..] else {
        return Ok(Recipient { name: None, way: Way::Unknown("several keys of one sender".to_owned()) });
    };
    let [id, wrapped] = inside(&key, SEQUENCE, WHAT)?[..] else { return Err(broken(WHAT)) };
    let fields = inside(&algorithm, SEQUENCE, WHAT)?;
    let [name, wrap] = fields[..] else { return Err(broken(WHAT)) };
    let derivation = named(&name)?;
    let [originator] = inside(&originator, CONTEXT_0, WHAT)?[..] else { return Err(broken(WHAT)) };
    let known =
        !has_material && asn1::tag(&originator) == CONTEXT_1 && asn1::raw(wrap).is_ok_and(|der| der == key_wrap_algorithm());
    let way = if known {
        let [_algorithm, point] = inside(&originator, CONTEXT_1, WHAT)?[..] else { return Err(broken(WHAT)) };
        let point = point.decode_as::<der::asn1::BitStringRef<'_>>().ok().and_then(|bits| bits.as_bytes());
        let point = point.ok_or_else(|| broken(WHAT))?;
        Way::Agreement { derivation, point, wrapped: bytes(&wrapped, OCTET_STRING, WHAT)? }
    } else {
        Way::Unknown(derivation.to_string())
    };
    Ok(Recipient { name: issuer_and_serial(&id)?, way })
}
