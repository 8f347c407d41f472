//! Lists of revoked certificates (RFC 5280 5): complete ones, of the certificate's own issuer.

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier};
use der::{Decode, Reader, SliceReader};
use spki::AlgorithmIdentifierRef;

use super::{Question, Reason, Rejected, Statement, Status, moment};
use crate::algorithms;
use crate::asn1::{self, CONTEXT_0, INTEGER, SEQUENCE, oid};
use crate::x509;

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const BOOLEAN: u8 = 0x01;

/// What a list says of the certificate in question, if its issuer signed it.
pub(super) fn read(question: &Question, list: &[u8]) -> Result<Statement, Rejected> {
    let unreadable = |_| Rejected::Unreadable;
    let parts = AnyRef::from_der(list).and_then(|whole| asn1::elements(whole.value())).map_err(unreadable)?;
    let [tbs, algorithm, signature] = parts[..] else { return Err(Rejected::Unreadable) };
    let fields = asn1::elements(tbs.value()).map_err(unreadable)?;
    // The version may be missing (version 1).
    let start = usize::from(fields.first().is_some_and(|field| asn1::tag(field) == INTEGER));
    let [_algorithm, issuer, this_update, rest @ ..] = fields.get(start..).unwrap_or_default() else {
        return Err(Rejected::Unreadable);
    };
    if asn1::raw(*issuer).map_err(unreadable)? != question.certificate.issuer() {
        return Err(Rejected::NotOurs("another issuer's"));
    }
    let is_time = |field: &&AnyRef<'_>| matches!(asn1::tag(field), UTC_TIME | GENERALIZED_TIME);
    let next_update = rest.first().filter(is_time).map(|time| moment(time).ok_or(Rejected::Unreadable)).transpose()?;
    if let Some(extensions) = rest.iter().find(|field| asn1::tag(field) == CONTEXT_0) {
        complete(question, extensions)?;
    }
    let algorithm = algorithm.decode_as::<AlgorithmIdentifierRef<'_>>().map_err(unreadable)?;
    let signature = signature.decode_as::<BitStringRef<'_>>().map_err(unreadable)?;
    let signature = signature.as_bytes().ok_or(Rejected::Unreadable)?;
    let key = question.issuer.public_key().map_err(unreadable)?;
    if !question.issuer.may_sign_lists() {
        return Err(Rejected::Invalid("its signer may sign no lists".to_owned()));
    }
    let tbs = asn1::raw(tbs).map_err(unreadable)?;
    algorithms::verify(&key, &algorithm, None, &tbs, signature).map_err(|error| Rejected::Invalid(error.to_string()))?;
    let entries = rest.iter().find(|field| asn1::tag(field) == SEQUENCE);
    let status = entries.map_or(Ok(None), |entries| entry(question, entries.value()))?.unwrap_or(Status::Good);
    let this_update = moment(this_update).ok_or(Rejected::Unreadable)?;
    Ok(Statement { status, this_update, next_update, responder: None })
}

/// Whether the list would name the certificate: it is no difference to another list, none for some reasons alone, and none for others'
/// certificates (RFC 5280 5.2.4, 5.2.5).
fn complete(question: &Question, explicit: &AnyRef<'_>) -> Result<(), Rejected> {
    /// `IssuingDistributionPoint`: for certificates of users, of authorities, of attributes alone; some reasons; others' certificates.
    const USERS: u8 = 0x81;
    const AUTHORITIES: u8 = 0x82;
    let unreadable = |_| Rejected::Unreadable;
    let list = AnyRef::from_der(explicit.value()).map_err(unreadable)?;
    for extension in asn1::elements(list.value()).map_err(unreadable)? {
        let parts = asn1::elements(extension.value()).map_err(unreadable)?;
        let [name, .., value] = &parts[..] else { return Err(Rejected::Unreadable) };
        let is_critical = parts.len() == 3 && asn1::tag(&parts[1]) == BOOLEAN && parts[1].value() != [0];
        match name.decode_as::<ObjectIdentifier>().map_err(unreadable)? {
            oid::CRL_NUMBER | oid::AUTHORITY_KEY_IDENTIFIER => {}
            oid::ISSUING_DISTRIBUTION_POINT => {
                let point = AnyRef::from_der(value.value()).map_err(unreadable)?;
                for part in asn1::elements(point.value()).map_err(unreadable)? {
                    match asn1::tag(&part) {
                        CONTEXT_0 if names_a_point_of(question, &part) => {}
                        USERS if !question.certificate.is_authority() => {}
                        AUTHORITIES if question.certificate.is_authority() => {}
                        _ => return Err(Rejected::NotOurs("a list for other certificates or for some reasons alone")),
                    }
                }
            }
            _ if is_critical => return Err(Rejected::NotKnown("it has a critical extension that is not understood")),
            _ => {}
        }
    }
    Ok(())
}

/// Whether a list's distribution point is one of the certificate's (RFC 5280 5.2.5): an issuer may publish its list in parts.
fn names_a_point_of(question: &Question, name: &AnyRef<'_>) -> bool {
    let full = AnyRef::from_der(name.value()).and_then(|full| asn1::elements(full.value())).unwrap_or_default();
    let published: Vec<String> = full.iter().filter_map(x509::address).collect();
    let addresses = question.certificate.list_addresses();
    published.is_empty() || addresses.is_empty() || published.iter().any(|address| addresses.contains(address))
}

/// What the entries say of the certificate. They are read one by one: there may be a hundred thousand.
fn entry(question: &Question, entries: &[u8]) -> Result<Option<Status>, Rejected> {
    let unreadable = |_| Rejected::Unreadable;
    let mut reader = SliceReader::new(entries).map_err(unreadable)?;
    while !reader.is_finished() {
        let entry: AnyRef<'_> = reader.decode().map_err(unreadable)?;
        // Numbers are compared as they are encoded; what does not begin so is another's.
        if !entry.value().starts_with(question.certificate.serial()) {
            continue;
        }
        let parts = asn1::elements(entry.value()).map_err(unreadable)?;
        let at = parts.get(1).and_then(moment).ok_or(Rejected::Unreadable)?;
        let reason = parts.get(2).and_then(reason).unwrap_or_default();
        return Ok(Some(Status::Revoked { at, reason: Reason::of(reason) }));
    }
    Ok(None)
}

/// The code of the reason among an entry's extensions.
fn reason(extensions: &AnyRef<'_>) -> Option<u8> {
    for extension in asn1::elements(extensions.value()).ok()? {
        let parts = asn1::elements(extension.value()).ok()?;
        if parts.first()?.decode_as::<ObjectIdentifier>().ok()? == oid::REASON_CODE {
            return AnyRef::from_der(parts.last()?.value()).ok()?.value().first().copied();
        }
    }
    None
}
