//! Which of a file's keys and certificates seals, and the chain above it.
//!
//! A file may hold last year's certificate beside the new one, or one to log in with beside one to sign. What is usable is
//! taken, whatever its place; if nothing is, the reason is that of the candidate that came closest.

use chrono::{DateTime, Utc};

use super::key::Key;
use super::{Archive, Error};
use crate::x509::{Certificate, Unfit};

/// The maximum of certificates of a key file that go into a signature: leaf, intermediates and root.
const MAX_CHAIN: usize = 8;

/// The maximum of keys that are tried, and of signatures on certificates that are checked, for one file.
pub(super) const MAX_KEYS: usize = 32;
pub(super) const MAX_CHECKS: usize = 200;

/// A key with its certificate and those above it.
pub(super) struct Candidate {
    pub(super) key: Key,
    /// The leaf first, then each issuer of the one before, as far as the file has them.
    pub(super) chain: Vec<Certificate>,
}

/// How far a candidate came before it was refused; the furthest gives the reason.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Key,
    Certificate,
    KeyUsage,
    ExtendedKeyUsage,
    Validity,
    Chain,
}

/// Takes the usable candidate; of several, one whose key usage commits to content before others (a file with two certificates
/// has one to log in and one to sign), then the one that lasts longest.
///
/// # Errors
/// Why none is usable at `now`.
pub(super) fn choose(archive: &Archive, now: DateTime<Utc>) -> Result<Candidate, Error> {
    // A certificate that cannot be read cannot be the leaf; the others are only helpful.
    let certificates: Vec<Certificate> = archive.certificates.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
    let mut best: Option<Candidate> = None;
    let mut reason: Option<(Stage, Error)> = None;
    let mut checks = MAX_CHECKS;
    for pkcs8 in archive.keys.iter().take(MAX_KEYS) {
        match with_certificate(pkcs8, &certificates, now, &mut checks) {
            Ok(candidate) if best.as_ref().is_none_or(|best| rank(&candidate) > rank(best)) => best = Some(candidate),
            Ok(_) => {}
            Err(refused) if reason.as_ref().is_none_or(|reason| refused.0 > reason.0) => reason = Some(refused),
            Err(_) => {}
        }
    }
    match (best, reason, &archive.problem) {
        (Some(candidate), ..) => Ok(candidate),
        // What could not be opened may have held what is missing.
        (None, None | Some((Stage::Key | Stage::Certificate, _)), Some(problem)) => Err(problem.clone()),
        (None, Some((_, reason)), _) => Err(reason),
        (None, None, None) => Err(Error::NoPrivateKey),
    }
}

fn rank(candidate: &Candidate) -> (bool, DateTime<Utc>) {
    let leaf = &candidate.chain[0];
    (leaf.key_usage().is_some_and(|usage| usage.non_repudiation()), leaf.not_after())
}

/// The best usable certificate of one key.
fn with_certificate(
    pkcs8: &[u8],
    certificates: &[Certificate],
    now: DateTime<Utc>,
    checks: &mut usize,
) -> Result<Candidate, (Stage, Error)> {
    let key = Key::from_pkcs8(pkcs8).map_err(|error| (Stage::Key, error))?;
    let no_certificate = || Error::Unsupported("no certificate in it belongs to its private key".to_owned());
    let mut reason = (Stage::Certificate, no_certificate());
    let mut usable: Option<&Certificate> = None;
    for leaf in certificates.iter().filter(|certificate| certificate.public_key_bits() == Some(key.public_bits())) {
        match check_leaf(leaf, now) {
            Ok(()) if usable.is_none_or(|best| leaf.not_after() > best.not_after()) => usable = Some(leaf),
            Ok(()) => {}
            Err(refused) if refused.0 > reason.0 => reason = refused,
            Err(_) => {}
        }
    }
    let chain = ordered_chain(usable.ok_or(reason)?, certificates, now, checks);
    check_chain(&chain, now).map_err(|error| (Stage::Chain, error))?;
    Ok(Candidate { key, chain })
}

fn check_leaf(leaf: &Certificate, now: DateTime<Utc>) -> Result<(), (Stage, Error)> {
    let name = leaf.subject_text();
    match leaf.fit_for_documents() {
        Err(Unfit::KeyUsage) => {
            let reason = format!("the key usage of the certificate \"{name}\" does not allow signatures");
            return Err((Stage::KeyUsage, Error::Unsupported(reason)));
        }
        Err(Unfit::ExtendedKeyUsage) => {
            let reason = format!(
                "the extended key usage of the certificate \"{name}\" does not allow signatures on documents; use a certificate \
                 that was issued for them"
            );
            return Err((Stage::ExtendedKeyUsage, Error::Unsupported(reason)));
        }
        Ok(()) => {}
    }
    check_validity(leaf, now).map_err(|error| (Stage::Validity, error))
}

/// Whether `now` is within the validity of each certificate but a root's: a trust anchor's own dates are not a matter of the
/// path (RFC 5280 6.1.1 d).
///
/// # Errors
/// [`Error::Expired`], [`Error::NotYetValid`].
pub(super) fn check_chain(chain: &[Certificate], now: DateTime<Utc>) -> Result<(), Error> {
    let anchor = |index: usize, certificate: &Certificate| index > 0 && certificate.is_self_issued();
    let mut dated = chain.iter().enumerate().filter(|(index, certificate)| !anchor(*index, certificate));
    dated.try_for_each(|(_, certificate)| check_validity(certificate, now))
}

fn check_validity(certificate: &Certificate, now: DateTime<Utc>) -> Result<(), Error> {
    let name = || certificate.subject_text();
    if certificate.not_after() <= now {
        return Err(Error::Expired { certificate: name(), ended: certificate.not_after() });
    }
    if certificate.not_before() > now {
        return Err(Error::NotYetValid { certificate: name(), begins: certificate.not_before() });
    }
    Ok(())
}

/// The leaf and its issuers, each found by name and signature, whatever the order in the file. Where an issuer has several
/// certificates (renewed, or signed by two roots), one that is valid is taken.
pub(super) fn ordered_chain(
    leaf: &Certificate,
    certificates: &[Certificate],
    now: DateTime<Utc>,
    checks: &mut usize,
) -> Vec<Certificate> {
    let mut chain = vec![leaf.clone()];
    while chain.len() < MAX_CHAIN {
        let last = &chain[chain.len() - 1];
        if last.is_self_issued() {
            break;
        }
        let named = |candidate: &&Certificate| {
            last.issuer() == candidate.subject() && chain.iter().all(|present| present.der() != candidate.der())
        };
        let mut candidates: Vec<&Certificate> = certificates.iter().filter(named).collect();
        candidates.sort_by_key(|candidate| (check_validity(candidate, now).is_err(), std::cmp::Reverse(candidate.not_after())));
        let issuer = candidates.into_iter().find(|candidate| {
            *checks = checks.saturating_sub(1);
            *checks > 0 && last.is_signed_by(candidate)
        });
        match issuer {
            Some(issuer) => chain.push(issuer.clone()),
            None => break,
        }
    }
    chain
}
