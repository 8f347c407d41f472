//! Whether a certificate was revoked: what its issuer is asked (OCSP, RFC 6960), the lists that it publishes (CRL, RFC 5280 5), and what an
//! answer proves.
//!
//! No network here: who asks sends [`Question::ocsp_request`] or fetches one of the addresses, and gives what came to
//! [`Question::accept_ocsp`] or [`Question::accept_list`].

mod list;
mod ocsp;

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use der::asn1::{AnyRef, GeneralizedTime, UtcTime};
use serde::Serialize;

use crate::asn1;
use crate::x509::Certificate;

pub use ocsp::Request;

/// The largest answer of an OCSP responder that is read, in bytes: they have one or two kilobytes.
pub const MAX_ANSWER: usize = 64 * 1024;

/// The largest list that is read, in bytes. Those of national authorities have some megabytes.
pub const MAX_LIST: usize = 16 * 1024 * 1024;

/// How far an authority's clock may be ahead of ours.
const MAX_CLOCK_DIFFERENCE: TimeDelta = TimeDelta::minutes(10);

/// How long an answer holds that does not say it. RFC 6960 4.2.2.1: newer ones are to be had at any time.
const WITHOUT_END: TimeDelta = TimeDelta::days(1);

/// Why an answer proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    #[error("it has more than {0} bytes")]
    TooLarge(usize),
    #[error("it cannot be read")]
    Unreadable,
    /// The responder says no (RFC 6960 4.2.1).
    #[error("the responder gives no answer: {0}")]
    Refused(&'static str),
    #[error("it is for something else: {0}")]
    NotOurs(&'static str),
    /// It may be no fault of theirs, but nothing is read from it here.
    #[error("it is of a kind that is not known here: {0}")]
    NotKnown(&'static str),
    #[error("it proves nothing: {0}")]
    Invalid(String),
    #[error("it is from {theirs}, and here it is {ours}")]
    Clock { theirs: DateTime<Utc>, ours: DateTime<Utc> },
    #[error("it was good until {0}")]
    Old(DateTime<Utc>),
}

/// What an issuer says of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    Good,
    Revoked { at: DateTime<Utc>, reason: Reason },
    /// The responder does not know it.
    Unknown,
}

/// Why a certificate was revoked (RFC 5280 5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    Unspecified,
    KeyCompromise,
    AuthorityCompromise,
    AffiliationChanged,
    Superseded,
    CessationOfOperation,
    /// It may become good again.
    CertificateHold,
    PrivilegeWithdrawn,
    AttributeAuthorityCompromise,
}

impl Reason {
    fn of(code: u8) -> Self {
        match code {
            1 => Self::KeyCompromise,
            2 => Self::AuthorityCompromise,
            3 => Self::AffiliationChanged,
            4 => Self::Superseded,
            5 => Self::CessationOfOperation,
            6 => Self::CertificateHold,
            9 => Self::PrivilegeWithdrawn,
            10 => Self::AttributeAuthorityCompromise,
            _ => Self::Unspecified,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "no reason is given",
            Self::KeyCompromise => "somebody else may have the key",
            Self::AuthorityCompromise => "somebody else may have its issuer's key",
            Self::AffiliationChanged => "its holder's affiliation changed",
            Self::Superseded => "another took its place",
            Self::CessationOfOperation => "it was not needed any more",
            Self::CertificateHold => "it was put on hold",
            Self::PrivilegeWithdrawn => "a privilege was withdrawn",
            Self::AttributeAuthorityCompromise => "somebody else may have the key of its attributes' authority",
        })
    }
}

/// An issuer's statement on one certificate, whose signature was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub status: Status,
    /// When it was known to be so.
    pub this_update: DateTime<Utc>,
    /// When there will be a newer one, where that is said.
    pub next_update: Option<DateTime<Utc>>,
    /// The certificate of the responder that answered in the issuer's name, DER; `None` where the issuer itself did.
    pub responder: Option<Vec<u8>>,
}

impl Statement {
    /// Until when it can be kept and used.
    pub fn good_until(&self) -> DateTime<Utc> {
        self.next_update.unwrap_or(self.this_update + WITHOUT_END)
    }

    /// Whether the certificate was revoked at a time; `None` where this does not tell. What is good later was good before.
    pub(crate) fn is_revoked(&self, at: DateTime<Utc>) -> Option<bool> {
        match self.status {
            Status::Revoked { at: since, .. } if since <= at => Some(true),
            Status::Revoked { .. } => Some(false),
            Status::Good if at <= self.good_until() => Some(false),
            Status::Good | Status::Unknown => None,
        }
    }

    fn checked(self, now: DateTime<Utc>) -> Result<Self, Rejected> {
        if self.this_update > now + MAX_CLOCK_DIFFERENCE {
            return Err(Rejected::Clock { theirs: self.this_update, ours: now });
        }
        Ok(self)
    }
}

/// A certificate whose status is wanted, and who issued it.
#[derive(Clone)]
pub struct Question {
    pub(crate) certificate: Certificate,
    pub(crate) issuer: Certificate,
}

impl Question {
    /// About a certificate, both in DER.
    ///
    /// # Errors
    /// In words, where one cannot be read or the one did not issue the other.
    pub fn new(certificate: &[u8], issuer: &[u8]) -> Result<Self, String> {
        let read = |der| Certificate::from_der(der).map_err(|error| format!("no certificate: {error}"));
        let (certificate, issuer) = (read(certificate)?, read(issuer)?);
        match certificate.is_signed_by(&issuer) {
            true => Ok(Self { certificate, issuer }),
            false => Err("it was issued by another".to_owned()),
        }
    }

    /// What a person would call the certificate.
    pub fn subject(&self) -> String {
        self.certificate.subject_text()
    }

    /// SHA-256 of the certificate: by what an answer is kept.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.certificate.sha256()
    }

    /// Where OCSP responders are, in the order of the certificate.
    pub fn ocsp_addresses(&self) -> Vec<String> {
        self.certificate.ocsp_addresses()
    }

    /// Where lists are, in the order of the certificate: `http`, `https`, `ldap` and what else there may be.
    pub fn list_addresses(&self) -> Vec<String> {
        self.certificate.list_addresses()
    }

    /// What a responder is asked, with a nonce or without: many do not answer to one (RFC 8954).
    ///
    /// # Errors
    /// Where there is no randomness.
    pub fn ocsp_request(&self, with_nonce: bool) -> Result<Request, aws_lc_rs::error::Unspecified> {
        Request::new(self, with_nonce)
    }

    /// What a responder's answer (`OCSPResponse`) proves. With a request that had a nonce, an answer with another one is refused, and one
    /// without is taken, as responders may leave it out; then it must be good now.
    ///
    /// # Errors
    /// [`Rejected`].
    pub fn accept_ocsp(&self, request: &Request, answer: &[u8], now: DateTime<Utc>) -> Result<Statement, Rejected> {
        if answer.len() > MAX_ANSWER {
            return Err(Rejected::TooLarge(MAX_ANSWER));
        }
        request.fits(answer)?;
        fresh(self.read_ocsp(answer)?.checked(now)?, now)
    }

    /// What a list proves: one in DER, as it is published.
    ///
    /// # Errors
    /// [`Rejected`].
    pub fn accept_list(&self, list: &[u8], now: DateTime<Utc>) -> Result<Statement, Rejected> {
        if list.len() > MAX_LIST {
            return Err(Rejected::TooLarge(MAX_LIST));
        }
        fresh(list::read(self, list)?.checked(now)?, now)
    }

    /// What an answer says, whenever it was given.
    pub(crate) fn read_ocsp(&self, answer: &[u8]) -> Result<Statement, Rejected> {
        ocsp::read(self, answer)
    }

    /// What a list says, whenever it was published.
    pub(crate) fn read_list(&self, list: &[u8]) -> Result<Statement, Rejected> {
        list::read(self, list)
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question")
            .field("certificate", &self.certificate.subject_text())
            .field("issuer", &self.issuer.subject_text())
            .finish()
    }
}

fn fresh(statement: Statement, now: DateTime<Utc>) -> Result<Statement, Rejected> {
    match statement.good_until() {
        until if until + MAX_CLOCK_DIFFERENCE < now => Err(Rejected::Old(until)),
        _ => Ok(statement),
    }
}

/// `Time` of X.509, or GeneralizedTime alone, as OCSP has it.
fn moment(element: &AnyRef<'_>) -> Option<DateTime<Utc>> {
    const UTC_TIME: u8 = 0x17;
    let time = match asn1::tag(element) {
        UTC_TIME => element.decode_as::<UtcTime>().ok()?.to_system_time(),
        _ => element.decode_as::<GeneralizedTime>().ok()?.to_system_time(),
    };
    Some(time.into())
}

#[cfg(test)]
mod tests;
