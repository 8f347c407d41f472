//! A time stamp's token (RFC 3161): what it says, and whether its authority said so.

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use der::Decode;
use der::asn1::{AnyRef, ObjectIdentifier};
use spki::AlgorithmIdentifierRef;

use super::chain::{self, Use};
use super::signed_data::Value;
use super::{Binding, CertificateTrust, binding};
use crate::algorithms;
use crate::asn1::{self, INTEGER, oid};
use crate::pkcs12::Facts;
use crate::x509::Certificate;

/// What a token says, and what is known of who says it.
pub(crate) struct Read {
    /// Of what was there: algorithm and digest.
    pub(crate) imprint: (ObjectIdentifier, Vec<u8>),
    pub(crate) policy: ObjectIdentifier,
    /// Big-endian.
    pub(crate) serial: Vec<u8>,
    pub(crate) at: DateTime<Utc>,
    pub(crate) nonce: Option<Vec<u8>>,
    pub(crate) binding: Binding,
    pub(crate) authority: Facts,
    pub(crate) trust: CertificateTrust,
}

/// `TSTInfo` (RFC 3161 2.4.2).
pub(super) struct Info {
    pub(super) policy: ObjectIdentifier,
    pub(super) imprint: (ObjectIdentifier, Vec<u8>),
    pub(super) serial: Vec<u8>,
    pub(super) at: DateTime<Utc>,
    pub(super) nonce: Option<Vec<u8>>,
}

impl Info {
    /// `None` where it cannot be read.
    pub(super) fn read(content: &[u8]) -> Option<Self> {
        let parts = asn1::elements(AnyRef::from_der(content).ok()?.value()).ok()?;
        let [_version, policy, imprint, serial, time, optional @ ..] = &parts[..] else { return None };
        let [algorithm, hash] = asn1::elements(imprint.value()).ok()?[..] else { return None };
        // Accuracy is a SEQUENCE, ordering a BOOLEAN, what comes after the nonce has tags of its own.
        let nonce = optional.iter().find(|part| asn1::tag(part) == INTEGER);
        Some(Self {
            policy: policy.decode_as().ok()?,
            imprint: (algorithm.decode_as::<AlgorithmIdentifierRef<'_>>().ok()?.oid, hash.value().to_vec()),
            serial: serial.value().to_vec(),
            at: generalized_time(time)?,
            nonce: nonce.map(|nonce| nonce.value().to_vec()),
        })
    }
}

/// GeneralizedTime, of which TSTInfo allows fractions of a second; they are dropped.
fn generalized_time(element: &AnyRef<'_>) -> Option<DateTime<Utc>> {
    let text = std::str::from_utf8(element.value()).ok()?;
    let parsed = chrono::NaiveDateTime::parse_from_str(text.get(..14)?, "%Y%m%d%H%M%S").ok()?;
    text.ends_with('Z').then(|| parsed.and_utc())
}

/// Reads a token and checks its signature. Its certificate is judged at `at`, with those in `more` as what may stand between. Whether it is for what it is meant for is for who knows that.
///
/// # Errors
/// In words: why it proves nothing.
pub(crate) fn read(der: &[u8], roots: &[Certificate], more: &[Certificate], at: DateTime<Utc>) -> Result<Read, String> {
    let value = Value::read(der).map_err(|_| "it cannot be read".to_owned())?;
    let data = value.signed_data().map_err(|_| "it is no CMS signature of one signer".to_owned())?;
    let content = data.content.filter(|_| data.content_type == oid::TST_INFO).ok_or("it is no time stamp")?;
    let info = Info::read(content).ok_or("what it says cannot be read")?;
    let certificate = data.certificates.iter().find(|certificate| data.signer.is(certificate));
    let certificate = certificate.ok_or("it holds no readable certificate of its authority")?;
    let algorithm = algorithms::digest_by_oid(data.signer.digest).map_err(|error| error.to_string())?;
    if data.signer.content_type() != Some(oid::TST_INFO) {
        return Err("its content type was changed".to_owned());
    }
    if data.signer.message_digest() != Some(digest::digest(algorithm, content).as_ref()) {
        return Err("what it says was changed".to_owned());
    }
    data.verify_value(certificate, || content.to_vec()).map_err(|error| error.to_string())?;
    let pool: Vec<Certificate> = data.certificates.iter().chain(more).cloned().collect();
    Ok(Read {
        imprint: info.imprint,
        policy: info.policy,
        serial: info.serial,
        at: info.at,
        nonce: info.nonce,
        binding: binding(&data, certificate),
        authority: Facts::of(certificate),
        trust: chain::evaluate(certificate, &pool, roots, at, Use::TimeStamp),
    })
}
