//! The x-key: an authenticated statement of what was displayed to a customer, carried by the capture that follows (contract note key-scope).
//!
//! Nothing of it is kept. With the edition and the customer's consents of its revision it gives back what was displayed, byte for byte
//! ([`super::display::rebuild`]). Nothing in it is secret, so it is authenticated and not encrypted. What it proves: that this server displayed
//! this to whoever sent it back; not that a screen showed it.
//!
//! Text: lower-case hex of
//!
//! | bytes | what |
//! | ---: | --- |
//! | 1 | 1, the version |
//! | 1 | flags |
//! | 1 | place of the language among the tree's allowed languages; 255: the default language |
//! | 1 | n, the length of the bitmap |
//! | 4 | number of the edition, big-endian as all numbers |
//! | 4 | revision of the customer's consents |
//! | 4 | when it was displayed, in Unix seconds |
//! | n | the statements that were displayed, by their places, the first as the highest bit; without those that were there for context only |
//! | 16 | HMAC-SHA-256 over all that and over whose consents they are, cut |
//!
//! A display of the whole tree, or of its mandatory statements, has no bitmap: 64 digits.

use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use workflows::Timestamp;
use workflows::consents::Format;

use crate::catalogue::consents::trees::MAX_CONSENTS;
use crate::keys::Keys;

const PURPOSE: &str = "consents/x-key/v1";
const CONTEXT: &[u8] = b"x-key/1";

const VERSION: u8 = 1;
const HEAD: usize = 16;
const MAC: usize = 16;
const MAX_BITMAP: usize = MAX_CONSENTS.div_ceil(8);

/// Fewest and most digits of a text that is taken for a key.
const MIN_DIGITS: usize = 2 * (HEAD + MAC);
const MAX_DIGITS: usize = 512;

const SHORT: u8 = 1;
const KNOWN: u8 = 1 << 1;
const NOTHING: u8 = 1 << 2;
const MANDATORY: u8 = 1 << 3;
const LEADS: u8 = 1 << 4;

/// Whose consents a key is for.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub organization: &'a str,
    pub segment: &'a str,
    /// Personal data.
    pub customer_id: &'a str,
}

/// What a key says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub format: Format,
    /// Whether the customer was known.
    pub known: bool,
    /// Whether it was the tree for leads.
    pub leads: bool,
    /// Place of the language among the tree's allowed ones; [`Key::DEFAULT_LANGUAGE`] for its default language.
    pub language: u8,
    /// Number of the edition.
    pub edition: u32,
    /// Revision of the customer's consents.
    pub revision: u32,
    /// When it was displayed, in Unix seconds: expiry is as of the beginning of that second.
    pub issued: u32,
    pub statements: Displayed,
}

/// Which statements were displayed, apart from those that were there for context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Displayed {
    /// The whole tree.
    All,
    /// The tree's view MANDATORY.
    Mandatory,
    /// None, as nothing was displayed: the key is of a deletion.
    Nothing,
    Only(Bitmap),
}

/// A set of places of an edition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bitmap(Vec<u8>);

impl Bitmap {
    /// The set of these places of an edition with `count` consents, of which there is at least one and at most [`MAX_CONSENTS`].
    pub fn of(places: &[usize], count: usize) -> Self {
        let mut bytes = vec![0; count.div_ceil(8).clamp(1, MAX_BITMAP)];
        for place in places {
            if let Some(byte) = bytes.get_mut(place / 8) {
                *byte |= 0x80 >> (place % 8);
            }
        }
        Self(bytes)
    }

    /// The places, in order.
    pub fn places(&self) -> impl Iterator<Item = usize> {
        (0..self.0.len() * 8).filter(|place| self.0[place / 8] & (0x80 >> (place % 8)) != 0)
    }
}

/// Why a text is not the key that is needed. The texts are for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A bad request: no server ever gave this out.
    #[error("the x-key is malformed; send the one of the last read of the customer's consents as it was received")]
    Malformed,
    /// Not authorized.
    #[error("{0}")]
    Wrong(Wrong),
}

/// Why a key that looks like one is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Wrong {
    #[error("the x-key was altered, or belongs to another organization, customer or segment; read the customer's consents again")]
    Altered,
    #[error("the x-key is too old; read the customer's consents again")]
    Old,
    #[error("the customer's consents were deleted after the x-key was issued; read them again")]
    Deleted,
}

impl Wrong {
    /// For metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Altered => "altered",
            Self::Old => "old",
            Self::Deleted => "deleted",
        }
    }
}

impl From<Wrong> for Refused {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

impl Key {
    /// The language is the tree's default one.
    pub const DEFAULT_LANGUAGE: u8 = u8::MAX;

    /// When it was displayed.
    pub fn issued_at(&self) -> Timestamp {
        Timestamp::from_timestamp(self.issued.into(), 0).unwrap_or_default()
    }

    /// Whether it is still good at `now`, for consents of which the last deletion or erasure made revision `barrier`.
    ///
    /// # Errors
    /// [`Wrong::Old`], [`Wrong::Deleted`].
    pub fn check(&self, now: Timestamp, lifetime: Duration, barrier: u32) -> Result<(), Wrong> {
        let age = (now - self.issued_at()).to_std().unwrap_or_default();
        if age > lifetime {
            return Err(Wrong::Old);
        }
        if self.revision < barrier { Err(Wrong::Deleted) } else { Ok(()) }
    }

    fn payload(&self) -> Vec<u8> {
        let (flag, bitmap): (u8, &[u8]) = match &self.statements {
            Displayed::All => (0, &[]),
            Displayed::Mandatory => (MANDATORY, &[]),
            Displayed::Nothing => (NOTHING, &[]),
            Displayed::Only(bitmap) => (0, &bitmap.0),
        };
        let flags = [(self.format == Format::Short, SHORT), (self.known, KNOWN), (self.leads, LEADS)];
        let flags = flags.into_iter().filter(|(is_set, _)| *is_set).fold(flag, |flags, (_, flag)| flags | flag);
        // A bitmap is made with at most MAX_BITMAP bytes.
        let mut payload = vec![VERSION, flags, self.language, bitmap.len() as u8];
        payload.extend([self.edition, self.revision, self.issued].into_iter().flat_map(u32::to_be_bytes));
        payload.extend(bitmap);
        payload
    }

    fn of_payload(payload: &[u8]) -> Option<Self> {
        let (&[version, flags, language, length], rest) = payload.split_first_chunk()?;
        let (&edition, rest) = rest.split_first_chunk()?;
        let (&revision, rest) = rest.split_first_chunk()?;
        let (&issued, bitmap) = rest.split_first_chunk()?;
        if version != VERSION || bitmap.len() != usize::from(length) || bitmap.len() > MAX_BITMAP {
            return None;
        }
        let is_set = |flag: u8| flags & flag != 0;
        let statements = match (bitmap.is_empty(), is_set(MANDATORY), is_set(NOTHING)) {
            (true, false, false) => Displayed::All,
            (true, true, false) => Displayed::Mandatory,
            (true, false, true) => Displayed::Nothing,
            (false, false, false) => Displayed::Only(Bitmap(bitmap.to_vec())),
            _ => return None,
        };
        Some(Self {
            format: if is_set(SHORT) { Format::Short } else { Format::Normal },
            known: is_set(KNOWN),
            leads: is_set(LEADS),
            language,
            edition: u32::from_be_bytes(edition),
            revision: u32::from_be_bytes(revision),
            issued: u32::from_be_bytes(issued),
            statements,
        })
    }
}

/// Issues keys and opens them. Cheap to clone.
#[derive(Clone)]
pub struct Issuer(hmac::Key);

impl Issuer {
    /// All servers with one master key open each other's keys.
    pub fn new(keys: &Keys) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &keys.derive(PURPOSE)))
    }

    /// The text of a key.
    pub fn issue(&self, scope: Scope<'_>, key: &Key) -> String {
        let mut bytes = key.payload();
        bytes.extend(self.mac(scope, &bytes));
        HEXLOWER.encode(&bytes)
    }

    /// What a key says. Whether it is still good, [`Key::check`] tells.
    ///
    /// # Errors
    /// [`Refused::Malformed`] for what is no key at all; [`Wrong::Altered`] for a key that this server did not issue for these consents, or not
    /// exactly so.
    pub fn open(&self, scope: Scope<'_>, text: &str) -> Result<Key, Refused> {
        let digits = text.as_bytes();
        let is_key = (MIN_DIGITS..=MAX_DIGITS).contains(&digits.len()) && digits.len().is_multiple_of(2);
        if !is_key || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(Refused::Malformed);
        }
        // Digits in upper case are others than those that were sent.
        let bytes = HEXLOWER.decode(digits).map_err(|_| Wrong::Altered)?;
        let (payload, mac) = bytes.split_last_chunk::<MAC>().ok_or(Wrong::Altered)?;
        verify_slices_are_equal(&self.mac(scope, payload), mac).map_err(|_| Wrong::Altered)?;
        Key::of_payload(payload).ok_or(Refused::Wrong(Wrong::Altered))
    }

    fn mac(&self, scope: Scope<'_>, payload: &[u8]) -> [u8; MAC] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(CONTEXT);
        for part in [scope.organization, scope.segment, scope.customer_id] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        context.update(payload);
        let tag = context.sign();
        std::array::from_fn(|place| tag.as_ref()[place])
    }
}

#[cfg(test)]
mod tests;
