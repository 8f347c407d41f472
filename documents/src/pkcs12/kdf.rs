//! Keys from passwords: PKCS #12's own derivation (RFC 7292 B.2), PBKDF2 (RFC 8018 5.2) and scrypt (RFC 7914), under one budget.
//!
//! The file says how much work and memory its keys take, and a stranger sent the file: nothing is derived before it is paid for.

use std::num::NonZeroU32;

use aws_lc_rs::{digest, pbkdf2};
use der::asn1::AnyRef;
use der::oid::ObjectIdentifier;
use spki::AlgorithmIdentifierRef;

use super::password::Passwords;
use super::{Error, names, unreadable, unsupported};
use crate::asn1::{self, OCTET_STRING, SEQUENCE, oid};

/// The maximum of work for one file, in iterations of HMAC with SHA-256: 0.1 µs each where the processor has instructions for it,
/// 0.3 µs where not. Firefox writes three times 600,000 and as many again for each further key.
pub(super) const MAX_WORK: u64 = 4_000_000;

/// The maximum of memory that the keys of one file take in sum, in bytes.
pub(super) const MAX_MEMORY: u64 = 64 * 1024 * 1024;

/// The work of scrypt for each of its N times r times p blocks of 128 bytes.
const SCRYPT_WEIGHT: u64 = 2;

/// The longest salt and the longest key that are derived, in bytes; real ones have up to 64.
const MAX_SALT: usize = 1024;
const MAX_KEY: usize = 128;

/// What deriving keys takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cost {
    work: u64,
    memory: u64,
}

impl std::ops::Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { work: self.work.saturating_add(other.work), memory: self.memory.saturating_add(other.memory) }
    }
}

impl std::iter::Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), std::ops::Add::add)
    }
}

/// What is left for one file.
pub(super) struct Budget {
    left: Cost,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { left: Cost { work: MAX_WORK, memory: MAX_MEMORY } }
    }

    /// # Errors
    /// Where `cost` exceeds what is left.
    pub(super) fn check(&self, cost: Cost) -> Result<(), Error> {
        if cost.memory > self.left.memory {
            let limit = MAX_MEMORY / 1024 / 1024;
            return Err(Error::TooExpensive(format!("its key derivation (scrypt) takes more than {limit} MB of memory")));
        }
        if cost.work > self.left.work {
            return Err(Error::TooExpensive(format!("its key derivation takes more than {MAX_WORK} iterations in all")));
        }
        Ok(())
    }

    /// Pays for a derivation that follows.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub(super) fn charge(&mut self, cost: Cost) -> Result<(), Error> {
        self.check(cost)?;
        self.left = Cost { work: self.left.work - cost.work, memory: self.left.memory - cost.memory };
        Ok(())
    }
}

/// What a key of PKCS #12's own derivation is for (RFC 7292 B.3).
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Encryption = 1,
    InitialVector = 2,
    Integrity = 3,
}

/// A derivation with its parameters.
pub(super) enum Kdf<'a> {
    Pkcs12 { digest: &'static digest::Algorithm, salt: &'a [u8], iterations: NonZeroU32 },
    Pbkdf2 { prf: Prf, salt: &'a [u8], iterations: NonZeroU32, key_length: Option<usize> },
    Scrypt { salt: &'a [u8], log_n: u8, r: u32, p: u32, key_length: Option<usize> },
}

/// HMAC with a digest.
#[derive(Clone, Copy)]
pub(super) struct Prf {
    algorithm: pbkdf2::Algorithm,
    output: usize,
}

impl<'a> Kdf<'a> {
    pub(super) fn pkcs12(digest: &'static digest::Algorithm, salt: &'a [u8], iterations: NonZeroU32) -> Result<Self, Error> {
        Ok(Self::Pkcs12 { digest, salt: bounded(salt)?, iterations })
    }

    /// Reads the `keyDerivationFunc` of PBES2 and PBMAC1 (RFC 8018 A.4, A.5).
    pub(super) fn read(algorithm: &AlgorithmIdentifierRef<'a>) -> Result<Self, Error> {
        let parameters = algorithm.parameters.ok_or_else(unreadable)?;
        let fields = asn1::elements(parameters.value()).map_err(|_| unreadable())?;
        match algorithm.oid {
            names::PBKDF2 => Self::read_pbkdf2(&fields),
            names::SCRYPT => Self::read_scrypt(&fields),
            other => Err(unsupported("key derivation", other)),
        }
    }

    fn read_pbkdf2(fields: &[AnyRef<'a>]) -> Result<Self, Error> {
        let [salt, iterations, rest @ ..] = fields else { return Err(unreadable()) };
        if asn1::tag(salt) != OCTET_STRING {
            return Err(unreadable());
        }
        let (key_length, rest) = key_length(rest)?;
        let prf = match rest.first() {
            Some(prf) => Prf::named(prf.decode_as::<AlgorithmIdentifierRef<'_>>().map_err(|_| unreadable())?.oid)?,
            // The default of RFC 8018 A.2.
            None => Prf::named(names::HMAC_SHA1)?,
        };
        Ok(Self::Pbkdf2 { prf, salt: bounded(salt.value())?, iterations: count(iterations)?, key_length })
    }

    fn read_scrypt(fields: &[AnyRef<'a>]) -> Result<Self, Error> {
        let [salt, n, r, p, rest @ ..] = fields else { return Err(unreadable()) };
        let (key_length, _) = key_length(rest)?;
        let n: u64 = n.decode_as().map_err(|_| unreadable())?;
        let [r, p]: [u32; 2] = [count(r)?.get(), count(p)?.get()];
        if n < 2 || !n.is_power_of_two() {
            return Err(unreadable());
        }
        // An exponent of a number of 64 bits fits.
        Ok(Self::Scrypt { salt: bounded(salt.value())?, log_n: n.ilog2() as u8, r, p, key_length })
    }

    /// The length that the parameters themselves name, in bytes.
    pub(super) fn key_length(&self) -> Option<usize> {
        match self {
            Self::Pkcs12 { .. } => None,
            Self::Pbkdf2 { key_length, .. } | Self::Scrypt { key_length, .. } => *key_length,
        }
    }

    /// What deriving `length` bytes takes.
    pub(super) fn cost(&self, length: usize) -> Cost {
        let blocks = |output: usize| length.div_ceil(output) as u64;
        match self {
            Self::Pkcs12 { digest, iterations, .. } => {
                Cost { work: u64::from(iterations.get()).saturating_mul(blocks(digest.output_len())), memory: 0 }
            }
            Self::Pbkdf2 { prf, iterations, .. } => {
                // SHA-384 and SHA-512 take about twice the time of the shorter ones.
                let weight = if prf.output > 32 { 2 } else { 1 };
                Cost { work: u64::from(iterations.get()).saturating_mul(blocks(prf.output) * weight), memory: 0 }
            }
            Self::Scrypt { log_n, r, p, .. } => {
                let (n, r, p) = (1u64.checked_shl(u32::from(*log_n)).unwrap_or(u64::MAX), u64::from(*r), u64::from(*p));
                let block = r.saturating_mul(128);
                // RFC 7914 6: the table of N blocks, the p blocks that are mixed, and two to work with.
                let memory = block.saturating_mul(n.saturating_add(p).saturating_add(2));
                Cost { work: n.saturating_mul(r).saturating_mul(p).saturating_mul(SCRYPT_WEIGHT), memory }
            }
        }
    }

    /// The encodings of a password that this derivation may have had.
    pub(super) fn passwords<'p>(&self, passwords: &'p Passwords) -> &'p [Vec<u8>] {
        match self {
            Self::Pkcs12 { .. } => &passwords.wide,
            Self::Pbkdf2 { .. } | Self::Scrypt { .. } => &passwords.plain,
        }
    }

    /// Derives `length` bytes, which was paid for before. The purpose matters to PKCS #12's own derivation only.
    ///
    /// # Errors
    /// Where parameters contradict each other.
    pub(super) fn derive(&self, purpose: Purpose, password: &[u8], length: usize) -> Result<Vec<u8>, Error> {
        if length == 0 || length > MAX_KEY {
            return Err(unreadable());
        }
        let mut key = vec![0; length];
        match self {
            Self::Pkcs12 { digest, salt, iterations } => return Ok(pkcs12(digest, purpose, password, salt, *iterations, length)),
            Self::Pbkdf2 { prf, salt, iterations, .. } => {
                pbkdf2::derive(prf.algorithm, *iterations, salt, password, &mut key);
            }
            Self::Scrypt { salt, log_n, r, p, .. } => {
                let parameters = scrypt::Params::new(*log_n, *r, *p).map_err(|_| unreadable())?;
                scrypt::scrypt(password, salt, &parameters, &mut key).map_err(|_| unreadable())?;
            }
        }
        Ok(key)
    }
}

impl Prf {
    fn named(name: ObjectIdentifier) -> Result<Self, Error> {
        let (algorithm, output) = match name {
            names::HMAC_SHA1 => (pbkdf2::PBKDF2_HMAC_SHA1, 20),
            names::HMAC_SHA256 => (pbkdf2::PBKDF2_HMAC_SHA256, 32),
            names::HMAC_SHA384 => (pbkdf2::PBKDF2_HMAC_SHA384, 48),
            names::HMAC_SHA512 => (pbkdf2::PBKDF2_HMAC_SHA512, 64),
            other => return Err(unsupported("key derivation", other)),
        };
        Ok(Self { algorithm, output })
    }
}

/// The digests of PKCS #12's own derivation and integrity check.
pub(super) fn digest_named(name: ObjectIdentifier) -> Result<&'static digest::Algorithm, Error> {
    match name {
        oid::SHA1 => Ok(&digest::SHA1_FOR_LEGACY_USE_ONLY),
        oid::SHA224 => Ok(&digest::SHA224),
        oid::SHA256 => Ok(&digest::SHA256),
        oid::SHA384 => Ok(&digest::SHA384),
        oid::SHA512 => Ok(&digest::SHA512),
        other => Err(unsupported("integrity check", other)),
    }
}

/// A number of iterations, or another count that is not zero.
pub(super) fn count(element: &AnyRef<'_>) -> Result<NonZeroU32, Error> {
    let number: u64 = element.decode_as().map_err(|_| unreadable())?;
    // What needs more than 32 bits exceeds every budget.
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    NonZeroU32::new(number).ok_or_else(unreadable)
}

fn key_length<'f, 'a>(fields: &'f [AnyRef<'a>]) -> Result<(Option<usize>, &'f [AnyRef<'a>]), Error> {
    match fields {
        [length, rest @ ..] if asn1::tag(length) == asn1::INTEGER => {
            let length: u16 = length.decode_as().map_err(|_| unreadable())?;
            Ok((Some(usize::from(length)), rest))
        }
        [first, ..] if asn1::tag(first) != SEQUENCE => Err(unreadable()),
        rest => Ok((None, rest)),
    }
}

fn bounded(salt: &[u8]) -> Result<&[u8], Error> {
    if salt.len() > MAX_SALT { Err(unreadable()) } else { Ok(salt) }
}

/// RFC 7292 B.2, by its letters: `u` and `v` are the lengths of the digest's output and block, in bytes.
fn pkcs12(
    algorithm: &'static digest::Algorithm,
    purpose: Purpose,
    password: &[u8],
    salt: &[u8],
    iterations: NonZeroU32,
    length: usize,
) -> Vec<u8> {
    let v = algorithm.block_len();
    let whole_blocks = |text: &[u8]| -> Vec<u8> { text.iter().copied().cycle().take(text.len().div_ceil(v) * v).collect() };
    let diversifier = vec![purpose as u8; v];
    let mut input = [whole_blocks(salt), whole_blocks(password)].concat();
    let mut key = Vec::with_capacity(length + algorithm.output_len());
    loop {
        let mut hash = digest::digest(algorithm, &[diversifier.as_slice(), &input].concat());
        for _ in 1..iterations.get() {
            hash = digest::digest(algorithm, hash.as_ref());
        }
        key.extend_from_slice(hash.as_ref());
        if key.len() >= length {
            key.truncate(length);
            return key;
        }
        for block in input.chunks_mut(v) {
            // block = block + (the hash, repeated) + 1, as big-endian numbers without the overflow.
            let mut carry = 1;
            for (byte, addend) in block.iter_mut().zip(hash.as_ref().iter().cycle().take(v).collect::<Vec<_>>()).rev() {
                let sum = u16::from(*byte) + u16::from(*addend) + carry;
                *byte = sum as u8;
                carry = sum >> 8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iterations(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    fn hex(bytes: &[u8]) -> String {
        data_encoding::HEXLOWER.encode(bytes)
    }

    #[test]
    fn the_derivation_of_pkcs12_gives_known_keys() {
        // Vectors that OpenSSL and Bouncy Castle share: "smeg", SHA-1.
        let password = [0, b's', 0, b'm', 0, b'e', 0, b'g', 0, 0];
        let salt = [0x0a, 0x58, 0xcf, 0x64, 0x53, 0x0d, 0x82, 0x3f];
        let derive =
            |purpose, length| pkcs12(&digest::SHA1_FOR_LEGACY_USE_ONLY, purpose, &password, &salt, iterations(1), length);
        assert_eq!(hex(&derive(Purpose::Encryption, 24)), "8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3");
        assert_eq!(hex(&derive(Purpose::InitialVector, 8)), "79993dfe048d3b76");
    }

    #[test]
    fn the_cost_is_that_of_all_blocks_and_of_all_memory() {
        let scrypt = Kdf::Scrypt { salt: &[], log_n: 20, r: 8, p: 1, key_length: None };
        assert_eq!(scrypt.cost(32).memory, 1024 * (1024 * 1024 + 3));
        let legacy = Kdf::Pkcs12 { digest: &digest::SHA1_FOR_LEGACY_USE_ONLY, salt: &[], iterations: iterations(2048) };
        assert_eq!(legacy.cost(24).work, 4096);
        let huge = Kdf::Scrypt { salt: &[], log_n: 63, r: u32::MAX, p: u32::MAX, key_length: None };
        assert_eq!(huge.cost(32), Cost { work: u64::MAX, memory: u64::MAX });
    }

    #[test]
    fn a_budget_is_spent_in_sum() {
        let mut budget = Budget::new();
        let half = Cost { work: MAX_WORK / 2, memory: MAX_MEMORY / 2 };
        budget.charge(half).unwrap();
        assert!(budget.check(half + half).is_err());
        budget.charge(half).unwrap();
        assert!(matches!(budget.charge(Cost { work: 1, memory: 0 }), Err(Error::TooExpensive(_))));
        assert!(matches!(budget.charge(Cost { work: 0, memory: 1 }), Err(Error::TooExpensive(_))));
    }
}
