//! The Online Certificate Status Protocol (RFC 6960), as far as one certificate is asked about.

use aws_lc_rs::digest;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use chrono::{DateTime, Utc};
use der::Decode;
use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier};
use spki::AlgorithmIdentifierRef;

use super::{Question, Reason, Rejected, Statement, Status, moment};
use crate::algorithms;
use crate::asn1::{self, CONTEXT_0, INTEGER, NULL, OCTET_STRING, SEQUENCE, oid};
use crate::x509::Certificate;

/// Bytes of a nonce (RFC 8954 2.1 wants 32 at most and 16 at least; many responders take no more than 16).
const NONCE_BYTES: usize = 16;
const ENUMERATED: u8 = 0x0a;
/// `[1]` and `[2]`, constructed; `[0]` and `[2]`, primitive.
const CONTEXT_1: u8 = 0xa1;
const CONTEXT_2: u8 = 0xa2;
const GOOD: u8 = 0x80;
/// Certificates of an answer that are looked at, and statements in it.
const MAX_CERTIFICATES: usize = 16;
const MAX_STATEMENTS: usize = 256;

/// What a responder is asked.
#[derive(Debug, Clone)]
pub struct Request {
    der: Vec<u8>,
    nonce: Option<[u8; NONCE_BYTES]>,
}

impl Request {
    pub(super) fn new(question: &Question, with_nonce: bool) -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut nonce = [0; NONCE_BYTES];
        SystemRandom::new().fill(&mut nonce)?;
        let nonce = with_nonce.then_some(nonce);
        let single = asn1::tlv(SEQUENCE, &[&certificate_id(question)?]);
        let list = asn1::tlv(SEQUENCE, &[&single]);
        let extensions = nonce.map(|nonce| {
            let value = asn1::tlv(OCTET_STRING, &[&asn1::tlv(OCTET_STRING, &[&nonce])]);
            let extension = asn1::tlv(SEQUENCE, &[&asn1::object_identifier(oid::OCSP_NONCE), &value]);
            asn1::tlv(CONTEXT_2, &[&asn1::tlv(SEQUENCE, &[&extension])])
        });
        let tbs = asn1::tlv(SEQUENCE, &[&list, extensions.as_deref().unwrap_or_default()]);
        Ok(Self { der: asn1::tlv(SEQUENCE, &[&tbs]), nonce })
    }

    /// `OCSPRequest`: goes out as `application/ocsp-request`.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whether an answer is one to this: it has this request's nonce, or none.
    pub(super) fn fits(&self, answer: &[u8]) -> Result<(), Rejected> {
        let Some(nonce) = self.nonce else { return Ok(()) };
        let basic = Basic::in_answer(answer)?;
        let said = Data::read(&basic)?.nonce;
        match said.is_none_or(|said| said == nonce) {
            true => Ok(()),
            false => Err(Rejected::NotOurs("another nonce")),
        }
    }
}

/// `CertID` by SHA-1, which is what responders are made for (RFC 5019 2.1.1). It proves nothing and need not: the answer is signed, and is
/// about an issuer and a number.
fn certificate_id(question: &Question) -> Result<Vec<u8>, aws_lc_rs::error::Unspecified> {
    let hashes = hashes(question, &digest::SHA1_FOR_LEGACY_USE_ONLY).ok_or(aws_lc_rs::error::Unspecified)?;
    let algorithm = asn1::tlv(SEQUENCE, &[&asn1::object_identifier(oid::SHA1), &asn1::tlv(NULL, &[])]);
    let (name, key) = (asn1::tlv(OCTET_STRING, &[&hashes.0]), asn1::tlv(OCTET_STRING, &[&hashes.1]));
    Ok(asn1::tlv(SEQUENCE, &[&algorithm, &name, &key, question.certificate.serial()]))
}

/// Digests of the issuer's name and key.
fn hashes(question: &Question, algorithm: &'static digest::Algorithm) -> Option<(Vec<u8>, Vec<u8>)> {
    let hash = |bytes: &[u8]| digest::digest(algorithm, bytes).as_ref().to_vec();
    Some((hash(question.certificate.issuer()), hash(question.issuer.public_key_bits()?)))
}

/// `BasicOCSPResponse`, its parts as they were signed.
struct Basic {
    tbs: Vec<u8>,
    algorithm: Vec<u8>,
    signature: Vec<u8>,
    certificates: Vec<Certificate>,
}

impl Basic {
    fn in_answer(answer: &[u8]) -> Result<Self, Rejected> {
        let unreadable = |_| Rejected::Unreadable;
        let parts = AnyRef::from_der(answer).and_then(|whole| asn1::elements(whole.value())).map_err(unreadable)?;
        let [status, rest @ ..] = &parts[..] else { return Err(Rejected::Unreadable) };
        match status.value() {
            _ if asn1::tag(status) != ENUMERATED => return Err(Rejected::Unreadable),
            [0] => {}
            [1] => return Err(Rejected::Refused("it takes the request for malformed")),
            [2] => return Err(Rejected::Refused("it has an internal error")),
            [3] => return Err(Rejected::Refused("it asks to try again later")),
            [5] => return Err(Rejected::Refused("it wants signed requests")),
            [6] => return Err(Rejected::Refused("it does not answer us")),
            _ => return Err(Rejected::Refused("for a reason that is not known")),
        }
        let bytes = rest.first().ok_or(Rejected::Unreadable)?;
        let parts = AnyRef::from_der(bytes.value()).and_then(|bytes| asn1::elements(bytes.value())).map_err(unreadable)?;
        let [kind, octets] = parts[..] else { return Err(Rejected::Unreadable) };
        if kind.decode_as::<ObjectIdentifier>().map_err(unreadable)? != oid::OCSP_BASIC {
            return Err(Rejected::NotKnown("it is no basic response"));
        }
        let parts = AnyRef::from_der(octets.value()).and_then(|basic| asn1::elements(basic.value())).map_err(unreadable)?;
        let [tbs, algorithm, signature, more @ ..] = &parts[..] else { return Err(Rejected::Unreadable) };
        let signature = signature.decode_as::<BitStringRef<'_>>().map_err(unreadable)?;
        let certificates = match more.first() {
            Some(explicit) => AnyRef::from_der(explicit.value()).and_then(|list| asn1::elements(list.value())).map_err(unreadable)?,
            None => Vec::new(),
        };
        let certificates = certificates.into_iter().take(MAX_CERTIFICATES);
        Ok(Self {
            tbs: asn1::raw(*tbs).map_err(unreadable)?,
            algorithm: asn1::raw(*algorithm).map_err(unreadable)?,
            signature: signature.as_bytes().ok_or(Rejected::Unreadable)?.to_vec(),
            certificates: certificates.filter_map(|c| Certificate::from_der(&asn1::raw(c).ok()?).ok()).collect(),
        })
    }

    fn is_signed_by(&self, certificate: &Certificate) -> Result<(), algorithms::Error> {
        let unreadable = |_| algorithms::Error::Unreadable;
        let key = certificate.public_key().map_err(unreadable)?;
        let algorithm = AlgorithmIdentifierRef::from_der(&self.algorithm).map_err(unreadable)?;
        algorithms::verify(&key, &algorithm, None, &self.tbs, &self.signature)
    }
}

/// `ResponseData`.
struct Data<'a> {
    produced: DateTime<Utc>,
    statements: Vec<AnyRef<'a>>,
    nonce: Option<Vec<u8>>,
}

impl<'a> Data<'a> {
    fn read(basic: &'a Basic) -> Result<Self, Rejected> {
        Self::parse(&basic.tbs).ok_or(Rejected::Unreadable)
    }

    fn parse(tbs: &'a [u8]) -> Option<Self> {
        let parts = asn1::elements(AnyRef::from_der(tbs).ok()?.value()).ok()?;
        let start = usize::from(parts.first().is_some_and(|part| asn1::tag(part) == CONTEXT_0));
        let [_responder, produced, statements, extensions @ ..] = parts.get(start..)? else { return None };
        Some(Self {
            produced: moment(produced)?,
            statements: asn1::elements(statements.value()).ok()?.into_iter().take(MAX_STATEMENTS).collect(),
            nonce: match extensions.first() {
                Some(explicit) => nonce_in(explicit)?,
                None => None,
            },
        })
    }
}

/// The nonce among the extensions; `None` outside where they cannot be read.
fn nonce_in(explicit: &AnyRef<'_>) -> Option<Option<Vec<u8>>> {
    for extension in asn1::elements(AnyRef::from_der(explicit.value()).ok()?.value()).ok()? {
        let parts = asn1::elements(extension.value()).ok()?;
        if parts.first()?.decode_as::<ObjectIdentifier>().ok()? == oid::OCSP_NONCE {
            let value = parts.last()?.value();
            // Old responders write the bytes without the OCTET STRING around them (RFC 8954 1).
            let inner = AnyRef::from_der(value).ok().filter(|inner| asn1::tag(inner) == OCTET_STRING);
            return Some(Some(inner.map_or(value, |inner| inner.value()).to_vec()));
        }
    }
    Some(None)
}

/// What an answer says of the certificate in question, if its issuer said it, or a responder in the issuer's name.
pub(super) fn read(question: &Question, answer: &[u8]) -> Result<Statement, Rejected> {
    let basic = Basic::in_answer(answer)?;
    let data = Data::read(&basic)?;
    let mut found: Option<Statement> = None;
    for statement in &data.statements {
        let said = single(question, statement)?;
        // Where there are several, the newest.
        if let Some(said) = said.filter(|said| found.as_ref().is_none_or(|before| before.this_update < said.this_update)) {
            found = Some(said);
        }
    }
    let found = found.ok_or(Rejected::NotOurs("another certificate"))?;
    Ok(Statement { responder: responder(question, &basic, data.produced)?, ..found })
}

/// Who signed: the issuer (`None`), or one to whom it gave a certificate for that (RFC 6960 4.2.2.2).
fn responder(question: &Question, basic: &Basic, produced: DateTime<Utc>) -> Result<Option<Vec<u8>>, Rejected> {
    let invalid = |what: &str| Rejected::Invalid(what.to_owned());
    match basic.is_signed_by(&question.issuer) {
        Ok(()) => return Ok(None),
        Err(algorithms::Error::Mismatch | algorithms::Error::Unreadable) => {}
        // Another's key may be one that can be judged.
        Err(error) if basic.certificates.is_empty() => return Err(Rejected::Invalid(error.to_string())),
        Err(_) => {}
    }
    let mut why = None;
    for certificate in &basic.certificates {
        match basic.is_signed_by(certificate) {
            Ok(()) => {}
            Err(algorithms::Error::Mismatch) => continue,
            Err(error) => {
                why = Some(Rejected::Invalid(error.to_string()));
                continue;
            }
        }
        if certificate.public_key_der() == question.issuer.public_key_der() {
            return Ok(None);
        }
        if !certificate.answers_for_its_issuer() || !certificate.is_signed_by(&question.issuer) {
            return Err(invalid("its signer may not answer for the issuer"));
        }
        if !(certificate.not_before()..=certificate.not_after()).contains(&produced) {
            return Err(invalid("its signer's certificate was not valid then"));
        }
        return Ok(Some(certificate.der().to_vec()));
    }
    Err(why.unwrap_or_else(|| invalid("nobody signed it who may")))
}

/// `SingleResponse`; `None` for one on another certificate.
fn single(question: &Question, statement: &AnyRef<'_>) -> Result<Option<Statement>, Rejected> {
    let unreadable = |_| Rejected::Unreadable;
    let parts = asn1::elements(statement.value()).map_err(unreadable)?;
    let [id, status, this_update, rest @ ..] = &parts[..] else { return Err(Rejected::Unreadable) };
    let [algorithm, name, key, serial] = asn1::elements(id.value()).map_err(unreadable)?[..] else {
        return Err(Rejected::Unreadable);
    };
    let algorithm = match algorithm.decode_as::<AlgorithmIdentifierRef<'_>>().map_err(unreadable)?.oid {
        oid::SHA1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        other => algorithms::digest_by_oid(other).map_err(|_| Rejected::NotKnown("its digest"))?,
    };
    let is_ours = hashes(question, algorithm).is_some_and(|(of_name, of_key)| name.value() == of_name && key.value() == of_key)
        && asn1::raw(serial).map_err(unreadable)? == question.certificate.serial();
    if !is_ours || asn1::tag(&serial) != INTEGER {
        return Ok(None);
    }
    let status = match asn1::tag(status) {
        GOOD => Status::Good,
        CONTEXT_1 => {
            let parts = asn1::elements(status.value()).map_err(unreadable)?;
            let at = parts.first().and_then(moment).ok_or(Rejected::Unreadable)?;
            let code = parts.get(1).and_then(|reason| AnyRef::from_der(reason.value()).ok()).and_then(|code| code.value().first().copied());
            Status::Revoked { at, reason: Reason::of(code.unwrap_or_default()) }
        }
        _ => Status::Unknown,
    };
    let next = rest.iter().find(|part| asn1::tag(part) == CONTEXT_0);
    let next_update = match next {
        Some(explicit) => Some(AnyRef::from_der(explicit.value()).ok().as_ref().and_then(moment).ok_or(Rejected::Unreadable)?),
        None => None,
    };
    let this_update = moment(this_update).ok_or(Rejected::Unreadable)?;
    Ok(Some(Statement { status, this_update, next_update, responder: None }))
}
