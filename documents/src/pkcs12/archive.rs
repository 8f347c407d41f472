//! The structure of a PKCS #12 file (RFC 7292 4): what is protected how, and the bags inside.
//!
//! Files come in BER as well as in DER. Their bags and nesting are bounded, and what their keys cost is added up before the
//! first one is derived.

use std::borrow::Cow;
use std::num::NonZeroU32;

use aws_lc_rs::hmac;
use der::Decode;
use der::asn1::{AnyRef, ObjectIdentifier};
use spki::AlgorithmIdentifierRef;

use super::cipher::Scheme;
use super::kdf::{self, Budget, Cost, Kdf, Purpose};
use super::password::Passwords;
use super::{Error, names, unreadable, unsupported};
use crate::asn1::{self, CONTEXT_0, SEQUENCE, ber, oid};

/// The maximum of bags in a file, of parts that are protected by themselves, and of bags inside of bags.
pub(super) const MAX_BAGS: usize = 256;
pub(super) const MAX_SAFES: usize = 32;
pub(super) const MAX_DEPTH: usize = 8;

/// What a file holds.
#[derive(Default)]
pub(super) struct Archive {
    /// PKCS #8, DER.
    pub(super) keys: Vec<Vec<u8>>,
    /// X.509, DER.
    pub(super) certificates: Vec<Vec<u8>>,
    /// Why a part of the file could not be opened, if there is one.
    pub(super) problem: Option<Error>,
}

/// Opens a file.
///
/// # Errors
/// Where nothing of it can be read; what concerns a part of it only is the archive's `problem`.
pub(super) fn open(bytes: &[u8], password: &str) -> Result<Archive, Error> {
    let der = ber::to_der(bytes).map_err(|_| Error::NotPkcs12)?;
    let outer = AnyRef::from_der(&der).ok().filter(|outer| asn1::tag(outer) == SEQUENCE).ok_or(Error::NotPkcs12)?;
    let fields = asn1::elements(outer.value()).map_err(|_| Error::NotPkcs12)?;
    let [version, content, mac @ ..] = &fields[..] else { return Err(Error::NotPkcs12) };
    if version.decode_as::<u8>() != Ok(3) || mac.len() > 1 {
        return Err(Error::NotPkcs12);
    }
    let content = match content_info(content).map_err(|_| Error::NotPkcs12)? {
        (oid::DATA, Some(content)) => asn1::octets(&content).map_err(|_| Error::NotPkcs12)?,
        (oid::SIGNED_DATA, _) => return Err(by_public_key()),
        _ => return Err(Error::NotPkcs12),
    };
    let safes_der = ber::to_der(&content).map_err(|_| Error::NotPkcs12)?;
    let mac = mac.first().map(Mac::read).transpose()?;
    let mut opening =
        Opening { passwords: Passwords::of(password), budget: Budget::new(), bags_left: MAX_BAGS, archive: Archive::default() };
    opening.read(&safes_der, mac.as_ref(), &content)?;
    Ok(opening.archive)
}

struct Opening {
    passwords: Passwords,
    budget: Budget,
    bags_left: usize,
    archive: Archive,
}

/// One part of the file, protected by itself.
enum Safe<'a> {
    Plain(Vec<u8>),
    Encrypted(Scheme<'a>, Cow<'a, [u8]>),
}

/// What may be in a part.
enum Bag<'a> {
    Key(&'a [u8]),
    ShroudedKey(Scheme<'a>, &'a [u8]),
    Certificate(&'a [u8]),
}

impl Opening {
    fn read(&mut self, safes_der: &[u8], mac: Option<&Mac<'_>>, content: &[u8]) -> Result<(), Error> {
        let mut safes = Vec::new();
        for element in sequence(safes_der)?.iter().take(MAX_SAFES + 1) {
            if safes.len() == MAX_SAFES {
                return Err(Error::Unsupported(format!("it has more than {MAX_SAFES} parts")));
            }
            let safe = read_safe(element);
            safes.extend(self.unless_problem(safe)?);
        }
        let mut bags = Vec::new();
        for safe in &safes {
            if let Safe::Plain(der) = safe {
                self.collect(der, 0, &mut bags)?;
            }
        }
        let encrypted = safes.iter().map(|safe| match safe {
            Safe::Encrypted(scheme, _) => scheme.cost(),
            Safe::Plain(_) => Cost::default(),
        });
        let all: Cost = mac.map(Mac::cost).into_iter().chain(encrypted).chain(bags.iter().map(Bag::cost)).sum();
        self.budget.check(all)?;
        if let Some(mac) = mac {
            mac.verify(content, &self.passwords, &mut self.budget)?;
        }
        self.take(bags)?;
        for safe in &safes {
            let Safe::Encrypted(scheme, data) = safe else { continue };
            let opened = scheme.decrypt(data, &self.passwords, &mut self.budget);
            let Some(der) = self.unless_problem(opened)? else { continue };
            let mut bags = Vec::new();
            self.collect(&der, 0, &mut bags)?;
            self.budget.check(bags.iter().map(Bag::cost).sum())?;
            self.take(bags)?;
        }
        Ok(())
    }

    /// The bags of a part, those inside of others among them.
    fn collect<'a>(&mut self, der: &'a [u8], depth: usize, found: &mut Vec<Bag<'a>>) -> Result<(), Error> {
        if depth == MAX_DEPTH {
            return Err(Error::Unsupported("it is nested too deeply".to_owned()));
        }
        for element in sequence(der)? {
            self.bags_left = self.bags_left.checked_sub(1).ok_or_else(too_many_bags)?;
            let fields = asn1::elements(element.value()).map_err(|_| unreadable())?;
            let [name, explicit, ..] = &fields[..] else { return Err(unreadable()) };
            let value = explicit.value();
            match name.decode_as::<ObjectIdentifier>().map_err(|_| unreadable())? {
                names::KEY_BAG => found.push(Bag::Key(value)),
                names::SHROUDED_KEY_BAG => {
                    let bag = shrouded_key(value);
                    found.extend(self.unless_problem(bag)?);
                }
                names::CERTIFICATE_BAG => {
                    let bag = certificate(value);
                    found.extend(self.unless_problem(bag)?.flatten().map(Bag::Certificate));
                }
                names::SAFE_CONTENTS_BAG => self.collect(value, depth + 1, found)?,
                // Revocation lists, secrets and what others add.
                _ => {}
            }
        }
        Ok(())
    }

    fn take(&mut self, bags: Vec<Bag<'_>>) -> Result<(), Error> {
        for bag in bags {
            match bag {
                Bag::Key(der) => self.archive.keys.push(der.to_vec()),
                Bag::ShroudedKey(scheme, data) => {
                    let opened = scheme.decrypt(data, &self.passwords, &mut self.budget);
                    let key = self.unless_problem(opened)?;
                    self.archive.keys.extend(key);
                }
                // A certificate may have been put into its bag in BER; one that cannot be read is of no use.
                Bag::Certificate(bytes) => self.archive.certificates.extend(ber::to_der(bytes).ok()),
            }
        }
        Ok(())
    }

    /// What cannot be opened is a problem of its part and only remembered, unless it costs too much.
    fn unless_problem<T>(&mut self, result: Result<T, Error>) -> Result<Option<T>, Error> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error @ Error::TooExpensive(_)) => Err(error),
            Err(error) => {
                self.archive.problem.get_or_insert(error);
                Ok(None)
            }
        }
    }
}

impl Bag<'_> {
    fn cost(&self) -> Cost {
        match self {
            Self::ShroudedKey(scheme, _) => scheme.cost(),
            Self::Key(_) | Self::Certificate(_) => Cost::default(),
        }
    }
}

/// The integrity check of the whole file (RFC 7292 4, RFC 9579 4).
struct Mac<'a> {
    kdf: Kdf<'a>,
    key_length: usize,
    algorithm: hmac::Algorithm,
    tag: &'a [u8],
}

impl<'a> Mac<'a> {
    fn read(element: &AnyRef<'a>) -> Result<Self, Error> {
        let fields = asn1::elements(element.value()).map_err(|_| Error::NotPkcs12)?;
        let [info, salt, iterations @ ..] = &fields[..] else { return Err(Error::NotPkcs12) };
        let [algorithm, tag] = asn1::elements(info.value()).map_err(|_| Error::NotPkcs12)?[..] else {
            return Err(Error::NotPkcs12);
        };
        let algorithm: AlgorithmIdentifierRef<'a> = algorithm.decode_as().map_err(|_| Error::NotPkcs12)?;
        if algorithm.oid == names::PBMAC1 {
            return Self::read_pbmac1(&algorithm, tag.value());
        }
        let digest = kdf::digest_named(algorithm.oid)?;
        let iterations = iterations.first().map_or(Ok(NonZeroU32::MIN), kdf::count)?;
        let kdf = Kdf::pkcs12(digest, salt.value(), iterations)?;
        Ok(Self { kdf, key_length: digest.output_len(), algorithm: hmac_with(algorithm.oid)?, tag: tag.value() })
    }

    fn read_pbmac1(algorithm: &AlgorithmIdentifierRef<'a>, tag: &'a [u8]) -> Result<Self, Error> {
        let parameters = algorithm.parameters.ok_or_else(unreadable)?;
        let [derivation, scheme] = asn1::elements(parameters.value()).map_err(|_| unreadable())?[..] else {
            return Err(unreadable());
        };
        let kdf = Kdf::read(&derivation.decode_as().map_err(|_| unreadable())?)?;
        let scheme: AlgorithmIdentifierRef<'a> = scheme.decode_as().map_err(|_| unreadable())?;
        // RFC 9579 5 requires the length, as HMAC has none of its own.
        let key_length = kdf.key_length().ok_or_else(unreadable)?;
        Ok(Self { kdf, key_length, algorithm: hmac_with(scheme.oid)?, tag })
    }

    fn cost(&self) -> Cost {
        self.kdf.cost(self.key_length)
    }

    fn verify(&self, content: &[u8], passwords: &Passwords, budget: &mut Budget) -> Result<(), Error> {
        for (index, password) in self.kdf.passwords(passwords).iter().enumerate() {
            match budget.charge(self.cost()) {
                Err(_) if index > 0 => break,
                paid => paid?,
            }
            let key = self.kdf.derive(Purpose::Integrity, password, self.key_length)?;
            if hmac::verify(&hmac::Key::new(self.algorithm, &key), content, self.tag).is_ok() {
                return Ok(());
            }
        }
        Err(Error::WrongPassword)
    }
}

/// HMAC by the name of its digest or by its own.
fn hmac_with(name: ObjectIdentifier) -> Result<hmac::Algorithm, Error> {
    match name {
        oid::SHA1 | names::HMAC_SHA1 => Ok(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        oid::SHA224 | names::HMAC_SHA224 => Ok(hmac::HMAC_SHA224),
        oid::SHA256 | names::HMAC_SHA256 => Ok(hmac::HMAC_SHA256),
        oid::SHA384 | names::HMAC_SHA384 => Ok(hmac::HMAC_SHA384),
        oid::SHA512 | names::HMAC_SHA512 => Ok(hmac::HMAC_SHA512),
        other => Err(unsupported("integrity check", other)),
    }
}

/// The type of a `ContentInfo` (RFC 5652 3) and what is in it.
pub(super) fn content_info<'a>(element: &AnyRef<'a>) -> Result<(ObjectIdentifier, Option<AnyRef<'a>>), Error> {
    let fields = asn1::elements(element.value()).map_err(|_| unreadable())?;
    let name = fields.first().and_then(|name| name.decode_as().ok()).ok_or_else(unreadable)?;
    let content = match fields.get(1) {
        Some(explicit) => Some(AnyRef::from_der(explicit.value()).map_err(|_| unreadable())?),
        None => None,
    };
    Ok((name, content))
}

fn read_safe<'a>(element: &AnyRef<'a>) -> Result<Safe<'a>, Error> {
    match content_info(element)? {
        (oid::DATA, Some(content)) => {
            let octets = asn1::octets(&content).map_err(|_| unreadable())?;
            Ok(Safe::Plain(ber::to_der(&octets).map_err(|_| unreadable())?))
        }
        (names::ENCRYPTED_DATA, Some(content)) => {
            // EncryptedData { version, EncryptedContentInfo { type, algorithm, [0] IMPLICIT content } } (RFC 5652 8)
            let fields = asn1::elements(content.value()).map_err(|_| unreadable())?;
            let info = fields.get(1).ok_or_else(unreadable)?;
            let [_type, algorithm, content] = asn1::elements(info.value()).map_err(|_| unreadable())?[..] else {
                return Err(unreadable());
            };
            let implicit = asn1::tag(&content) | 0x20 == CONTEXT_0;
            let data = asn1::octets(&content).ok().filter(|_| implicit).ok_or_else(unreadable)?;
            Ok(Safe::Encrypted(Scheme::read(&algorithm.decode_as().map_err(|_| unreadable())?)?, data))
        }
        (names::ENVELOPED_DATA, _) => Err(by_public_key()),
        _ => Err(unreadable()),
    }
}

/// `EncryptedPrivateKeyInfo` (RFC 5958 3).
fn shrouded_key(der: &[u8]) -> Result<Bag<'_>, Error> {
    let [algorithm, data] = sequence(der)?[..] else { return Err(unreadable()) };
    let scheme = Scheme::read(&algorithm.decode_as().map_err(|_| unreadable())?)?;
    Ok(Bag::ShroudedKey(scheme, data.value()))
}

/// `CertBag`: the certificate, if it is one of X.509.
fn certificate(der: &[u8]) -> Result<Option<&[u8]>, Error> {
    let [kind, explicit] = sequence(der)?[..] else { return Err(unreadable()) };
    if kind.decode_as() != Ok(names::X509_CERTIFICATE) {
        return Ok(None);
    }
    Ok(Some(AnyRef::from_der(explicit.value()).map_err(|_| unreadable())?.value()))
}

/// The elements of the one SEQUENCE that `der` is.
pub(super) fn sequence(der: &[u8]) -> Result<Vec<AnyRef<'_>>, Error> {
    let outer = AnyRef::from_der(der).ok().filter(|outer| asn1::tag(outer) == SEQUENCE).ok_or_else(unreadable)?;
    asn1::elements(outer.value()).map_err(|_| unreadable())
}

fn by_public_key() -> Error {
    Error::Unsupported("it is protected by a public key; export it with a password".to_owned())
}

fn too_many_bags() -> Error {
    Error::Unsupported(format!("it holds more than {MAX_BAGS} keys and certificates; export the one that is needed"))
}
