//! Time stamps of an authority (RFC 3161, RFC 5816): what it is asked, and whether its answer is one that proves something.
//!
//! No network here: who asks sends [`Query::der`] as `application/timestamp-query` and gives the answer to [`Query::accept`].

use aws_lc_rs::digest;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use chrono::{DateTime, TimeDelta, Utc};
use der::Decode;
use der::asn1::{AnyRef, ObjectIdentifier};
use serde::Serialize;

use crate::asn1::{self, INTEGER, NULL, OCTET_STRING, SEQUENCE, oid};
use crate::pkcs12::Facts;
use crate::verify::{self, Binding, CertificateTrust, token};

/// How far an authority's clock may be from ours when it answers. What it says is proven; that it is not somebody's old answer, the nonce.
pub const MAX_CLOCK_DIFFERENCE: TimeDelta = TimeDelta::minutes(10);

/// The largest answer that is read, in bytes: tokens have some kilobytes of certificates.
pub const MAX_ANSWER: usize = 64 * 1024;

/// Random bytes of a nonce. RFC 3161 2.4.1 wants a number that does not come again: 64 bits at least.
const NONCE_BYTES: usize = 16;

const BOOLEAN: u8 = 0x01;

/// What an authority is asked: that this digest is known to it now.
#[derive(Debug, Clone)]
pub struct Query {
    imprint: [u8; 32],
    nonce: [u8; NONCE_BYTES],
    policy: Option<ObjectIdentifier>,
}

/// Why an answer proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    #[error("the answer has more than {MAX_ANSWER} bytes")]
    TooLarge,
    #[error("the answer cannot be read")]
    Unreadable,
    /// The authority says no (RFC 3161 2.4.2).
    #[error("the authority gives no time stamp: {0}")]
    Refused(String),
    #[error("the answer is for something else: {0}")]
    NotOurs(&'static str),
    #[error("the time stamp proves nothing: {0}")]
    Invalid(String),
    #[error("the authority's certificate is {0}")]
    Certificate(CertificateTrust),
    #[error("the authority's clock says {theirs}, ours {ours}")]
    Clock { theirs: DateTime<Utc>, ours: DateTime<Utc> },
}

impl Rejected {
    /// Whether the same authority may give a better answer later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Clock { .. } | Self::Unreadable | Self::TooLarge)
    }
}

/// A time stamp that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Token {
    /// The CMS structure in DER: it goes into the file as it is.
    #[serde(skip)]
    pub der: Vec<u8>,
    /// When the authority knew the digest, cut to seconds.
    pub at: DateTime<Utc>,
    /// Object identifier of the policy under which it was issued.
    pub policy: String,
    /// Lower-case hexadecimal.
    pub serial: String,
    /// The certificate that signed it. Before it ends, the file needs a new time stamp.
    pub authority: Facts,
    pub trust: CertificateTrust,
}

impl Query {
    /// Asks about a SHA-256.
    ///
    /// # Errors
    /// Where there is no randomness.
    pub fn new(imprint: [u8; 32], policy: Option<ObjectIdentifier>) -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut nonce = [0; NONCE_BYTES];
        SystemRandom::new().fill(&mut nonce)?;
        // A positive number of always as many bytes (X.690 8.3).
        nonce[0] = (nonce[0] & 0x7f) | 0x40;
        Ok(Self { imprint, nonce, policy })
    }

    /// `TimeStampReq`, with the wish for the authority's certificates: a token without them cannot be checked in years.
    pub fn der(&self) -> Vec<u8> {
        let algorithm = asn1::tlv(SEQUENCE, &[&asn1::object_identifier(oid::SHA256), &asn1::tlv(NULL, &[])]);
        let imprint = asn1::tlv(SEQUENCE, &[&algorithm, &asn1::tlv(OCTET_STRING, &[&self.imprint])]);
        let policy = self.policy.map(asn1::object_identifier).unwrap_or_default();
        let version = asn1::tlv(INTEGER, &[&[1]]);
        let nonce = asn1::tlv(INTEGER, &[&self.nonce]);
        asn1::tlv(SEQUENCE, &[&version, &imprint, &policy, &nonce, &asn1::tlv(BOOLEAN, &[&[0xff]])])
    }

    /// The time stamp in a `TimeStampResp`, if it is one for this query and everything of it holds: its imprint, nonce and policy, its
    /// signature, that it is bound to its certificate, that this certificate is one for time stamps and, where `trust` names roots, leads
    /// to one of them.
    ///
    /// # Errors
    /// [`Rejected`].
    pub fn accept(&self, answer: &[u8], trust: &verify::Trust, now: DateTime<Utc>) -> Result<Token, Rejected> {
        if answer.len() > MAX_ANSWER {
            return Err(Rejected::TooLarge);
        }
        let parts = AnyRef::from_der(answer).and_then(|whole| asn1::elements(whole.value())).map_err(|_| Rejected::Unreadable)?;
        let [status, rest @ ..] = &parts[..] else { return Err(Rejected::Unreadable) };
        granted(status)?;
        let [token] = rest else { return Err(Rejected::Unreadable) };
        let der = asn1::raw(*token).map_err(|_| Rejected::Unreadable)?;
        let roots = trust.certificates().map_err(|error| Rejected::Invalid(error.to_string()))?;
        let read = token::read(&der, &roots, &[], now).map_err(Rejected::Invalid)?;
        if read.imprint != (oid::SHA256, self.imprint.to_vec()) {
            return Err(Rejected::NotOurs("another digest"));
        }
        if read.nonce.as_deref() != Some(&self.nonce[..]) {
            return Err(Rejected::NotOurs("another nonce"));
        }
        if self.policy.is_some_and(|policy| policy != read.policy) {
            return Err(Rejected::NotOurs("another policy"));
        }
        if read.binding != Binding::Matches {
            return Err(Rejected::Invalid("it is not bound to its certificate".to_owned()));
        }
        let is_unfit = matches!(read.trust, CertificateTrust::KeyUsage | CertificateTrust::ExtendedKeyUsage);
        let is_over =
            matches!(read.trust, CertificateTrust::ExpiredAtSigning { .. } | CertificateTrust::NotYetValidAtSigning { .. });
        if is_unfit || is_over || (!trust.roots.is_empty() && !read.trust.is_trusted()) {
            return Err(Rejected::Certificate(read.trust));
        }
        if (read.at - now).abs() > MAX_CLOCK_DIFFERENCE {
            return Err(Rejected::Clock { theirs: read.at, ours: now });
        }
        Ok(Token {
            at: read.at,
            policy: read.policy.to_string(),
            serial: data_encoding::HEXLOWER.encode(&read.serial),
            authority: read.authority,
            trust: read.trust,
            der,
        })
    }
}

/// `PKIStatusInfo`: 0 and 1 come with a token.
fn granted(status: &AnyRef<'_>) -> Result<(), Rejected> {
    const FAILURES: [(usize, &str); 8] = [
        (0, "it does not know the algorithm"),
        (2, "it takes the request for wrong"),
        (5, "it takes the request's form for wrong"),
        (14, "its source of time is away"),
        (15, "it does not have this policy"),
        (16, "it does not have this extension"),
        (17, "it cannot give what was asked for"),
        (25, "its system failed"),
    ];
    const BIT_STRING: u8 = 0x03;
    let parts = asn1::elements(status.value()).map_err(|_| Rejected::Unreadable)?;
    let number = parts.first().map(|part| part.value()).ok_or(Rejected::Unreadable)?;
    if matches!(number, [0 | 1]) {
        return Ok(());
    }
    let bits = parts.iter().find(|part| asn1::tag(part) == BIT_STRING).map(|part| part.value()).unwrap_or_default();
    let is_set = |bit: usize| bits.get(1 + bit / 8).is_some_and(|byte| byte & (0x80 >> (bit % 8)) != 0);
    let said: Vec<&str> = FAILURES.into_iter().filter(|(bit, _)| is_set(*bit)).map(|(_, words)| words).collect();
    let said = if said.is_empty() { format!("status {}", data_encoding::HEXLOWER.encode(number)) } else { said.join(", ") };
    Err(Rejected::Refused(said))
}

/// The digest of a signature's value, of which its time stamp says when it was there (RFC 3161 appendix A).
pub fn imprint(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

#[cfg(test)]
mod tests;
