//! Whether a signer's certificate leads to a root that is trusted (RFC 5280 6.1; revocation is judged in `validation_data`).

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::revocation::Reason;
use crate::x509::{Certificate, Unfit};

/// Certificates of a path, and candidates that are tried in all.
pub(crate) const MAX_PATH: usize = 8;
const MAX_TRIALS: usize = 200;

/// What is known of a signer's certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Trust {
    /// A path leads to this trusted root.
    Trusted { root: String },
    /// It signed itself and is not among the trusted roots.
    SelfSigned,
    /// No trusted root is above it; this is the last issuer that is missing.
    UnknownIssuer { issuer: String },
    /// This certificate had ended at the time of signing.
    ExpiredAtSigning { certificate: String, ended: DateTime<Utc> },
    /// This certificate was not valid yet at the time of signing.
    NotYetValidAtSigning { certificate: String, begins: DateTime<Utc> },
    /// This certificate had been revoked by then, or nothing proves that it was used before.
    Revoked { certificate: String, since: DateTime<Utc>, reason: Reason },
    /// Its key usage does not allow signatures.
    KeyUsage,
    /// Its extended key usage excludes what it was used for: documents, or time stamps.
    ExtendedKeyUsage,
    /// It has a critical extension that is not understood here.
    CriticalExtension { extension: String },
    /// There is no readable certificate of the signer.
    NoCertificate,
}

impl Trust {
    pub fn is_trusted(&self) -> bool {
        matches!(self, Self::Trusted { .. })
    }
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trusted { root } => write!(f, "trusted (root: {root})"),
            Self::SelfSigned => write!(f, "not trusted: it signed itself and is not among the trusted roots"),
            Self::UnknownIssuer { issuer } => write!(f, "not trusted: its issuer \"{issuer}\" is not known here"),
            Self::ExpiredAtSigning { certificate, ended } => {
                write!(f, "not trusted: the certificate \"{certificate}\" had ended on {} when it was used", ended.date_naive())
            }
            Self::NotYetValidAtSigning { certificate, begins } => {
                write!(f, "not trusted: the certificate \"{certificate}\" is only valid from {}", begins.date_naive())
            }
            Self::Revoked { certificate, since, reason } => {
                write!(f, "not trusted: the certificate \"{certificate}\" was revoked on {}: {reason}", since.date_naive())
            }
            Self::KeyUsage => write!(f, "not trusted: its key usage does not allow signatures"),
            Self::ExtendedKeyUsage => {
                write!(f, "not trusted: it was issued for other purposes (its extended key usage excludes this one)")
            }
            Self::CriticalExtension { extension } => {
                write!(f, "not trusted: it has a critical extension ({extension}) that is not understood")
            }
            Self::NoCertificate => write!(f, "not trusted: the signature holds no readable certificate of its signer"),
        }
    }
}

/// What a certificate was used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Document,
    TimeStamp,
}

/// Evaluates `leaf` at the time of signing. `pool` are the certificates that came with the signature.
pub(super) fn evaluate<'a>(
    leaf: &'a Certificate,
    pool: &'a [Certificate],
    roots: &'a [Certificate],
    at: DateTime<Utc>,
    usage: Use,
) -> Trust {
    match path(leaf, pool, roots, at, usage) {
        Ok(path) => trusted(&path),
        Err(fault) => fault,
    }
}

/// A path was found; its last certificate is the root.
pub(super) fn trusted(path: &[&Certificate]) -> Trust {
    Trust::Trusted { root: path.last().map(|root| root.subject_text()).unwrap_or_default() }
}

/// The certificates from `leaf` to a trusted root, both included, or why there is no such path.
pub(super) fn path<'a>(
    leaf: &'a Certificate,
    pool: &'a [Certificate],
    roots: &'a [Certificate],
    at: DateTime<Utc>,
    usage: Use,
) -> Result<Vec<&'a Certificate>, Trust> {
    let fit = match usage {
        Use::Document => leaf.fit_for_documents(),
        Use::TimeStamp => leaf.fit_for_time_stamps(),
    };
    match fit {
        Err(Unfit::KeyUsage) => return Err(Trust::KeyUsage),
        Err(Unfit::ExtendedKeyUsage) => return Err(Trust::ExtendedKeyUsage),
        Ok(()) => {}
    }
    let mut search = Search { pool, roots, at, trials: 0, fault: None };
    let mut path = vec![leaf];
    if search.extend(&mut path) {
        return Ok(path);
    }
    Err(match search.fault {
        Some(fault) => fault,
        None if leaf.is_self_issued() => Trust::SelfSigned,
        None => Trust::UnknownIssuer { issuer: top_of(leaf, pool).issuer_text() },
    })
}

struct Search<'a> {
    pool: &'a [Certificate],
    roots: &'a [Certificate],
    at: DateTime<Utc>,
    trials: usize,
    /// Why the first path that reached a root was not accepted, or could not go on.
    fault: Option<Trust>,
}

impl<'a> Search<'a> {
    /// Extends a path to a root, if one leads there.
    fn extend(&mut self, path: &mut Vec<&'a Certificate>) -> bool {
        let Some(last) = path.last().copied() else { return false };
        if let Some(fault) = self.fault_of(last) {
            self.fault.get_or_insert(fault);
            return false;
        }
        if self.roots.iter().any(|root| root.der() == last.der()) {
            return true;
        }
        if path.len() == MAX_PATH {
            return false;
        }
        let (roots, pool) = (self.roots, self.pool);
        let candidates = roots.iter().map(|root| (root, true)).chain(pool.iter().map(|issuer| (issuer, false)));
        for (candidate, is_root) in candidates {
            let repeated = path.iter().any(|present| present.der() == candidate.der());
            if repeated || candidate.subject() != last.issuer() || self.trials == MAX_TRIALS {
                continue;
            }
            self.trials += 1;
            let authorities_below = path.len() - 1;
            if !candidate.may_issue(authorities_below) || !last.is_signed_by(candidate) {
                continue;
            }
            path.push(candidate);
            // A trust anchor's own dates are not a matter of the path (RFC 5280 6.1.1 d).
            if is_root || self.extend(path) {
                return true;
            }
            path.pop();
        }
        false
    }

    fn fault_of(&self, certificate: &Certificate) -> Option<Trust> {
        let name = certificate.subject_text();
        if self.at > certificate.not_after() {
            return Some(Trust::ExpiredAtSigning { certificate: name, ended: certificate.not_after() });
        }
        if self.at < certificate.not_before() {
            return Some(Trust::NotYetValidAtSigning { certificate: name, begins: certificate.not_before() });
        }
        let extension = certificate.unknown_critical_extension()?;
        Some(Trust::CriticalExtension { extension: extension.to_string() })
    }
}

/// The highest certificate above `leaf` that came with the signature: its issuer is the one that is missing.
fn top_of<'a>(leaf: &'a Certificate, pool: &'a [Certificate]) -> &'a Certificate {
    let mut top = leaf;
    for _ in 0..MAX_PATH {
        match pool.iter().find(|issuer| issuer.subject() == top.issuer() && !top.is_self_issued()) {
            Some(issuer) => top = issuer,
            None => break,
        }
    }
    top
}
