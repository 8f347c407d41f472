//! The key of one journal, and the key that wraps the keys of all.
//!
//! A journal's key is 32 random bytes, made with its first sealed entry. It is kept in the entity's key slot, wrapped under the
//! server's key. Whoever replaces the slot by one with another key makes everything unreadable that was sealed before: this is how a journal is
//! erased.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac, rand,
};
use store::{Entity, Mark};
use workflows::Attribute;
use zeroize::Zeroizing;

use super::hash::{Chain, Hash};

const KEY_LEN: usize = 32;
pub(super) const TAG_LEN: usize = 16;
const SLOT_V1: u8 = 1;
/// Version, generation, and the two entries from which it holds.
const SLOT_HEAD: usize = 1 + 4 + 8 + 8;
const SLOT_LEN: usize = SLOT_HEAD + NONCE_LEN + KEY_LEN + TAG_LEN;

/// What is sealed, as its associated data say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Entry = 1,
    Snapshot = 2,
    Slot = 3,
}

/// Randomness or the cipher is missing; of a process that has come so far, never seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no randomness or no cipher")]
pub struct NoCipher;

/// Wraps the keys of journals under a key of the server's. Cheap to clone; never shows its key.
///
/// Each entity's are wrapped under a key derived for it (HMAC-SHA-256), so that random nonces set no bound to the number of journals
/// (NIST SP 800-38D section 8.3 allows one key 2^32 of them).
///
/// The default has a random key that lives as long as the program: for tests and measurements, whose journals nobody reads afterwards.
#[derive(Clone)]
pub struct Sealer(Arc<Keys>);

struct Keys {
    wrapping: hmac::Key,
    marking: hmac::Key,
}

/// Under which the key of [`Sealer::mark`] is derived. Part of the stored data: another one makes all marks unknown.
const MARKING: &[u8] = b"rubrica marks v1";

impl Sealer {
    pub fn new(key: &[u8; KEY_LEN]) -> Self {
        let wrapping = hmac::Key::new(hmac::HMAC_SHA256, key);
        let marking = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&wrapping, MARKING).as_ref());
        Self(Arc::new(Keys { wrapping, marking }))
    }

    fn of(&self, entity: &Hash) -> Result<LessSafeKey, NoCipher> {
        cipher(hmac::sign(&self.0.wrapping, entity.as_bytes()).as_ref())
    }

    /// What stands in the store for something that an organization's processes of a kind are found by: HMAC-SHA-256, cut to 128 bits. The
    /// store cannot tell what it is of, nor whether two organizations have the same.
    pub fn mark(&self, organization: &str, kind: &str, attribute: &Attribute) -> Mark {
        let mut context = hmac::Context::with_key(&self.0.marking);
        for part in [organization, kind, attribute.name, &attribute.value] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let tag = context.sign();
        let mut mark = Mark([0; Mark::LEN]);
        mark.0.copy_from_slice(&tag.as_ref()[..Mark::LEN]);
        mark
    }
}

impl Default for Sealer {
    fn default() -> Self {
        static OF_THIS_PROGRAM: OnceLock<Sealer> = OnceLock::new();
        let make = || {
            let mut key = Zeroizing::new([0; KEY_LEN]);
            rand::fill(&mut *key).expect("the system gives randomness");
            Self::new(&key)
        };
        OF_THIS_PROGRAM.get_or_init(make).clone()
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(..)")
    }
}

/// The key of a journal, unwrapped. The memory of its cipher is wiped when it goes: AWS-LC overwrites whatever it frees.
pub(crate) struct Key {
    /// 1 for the first; each erasure makes the next.
    pub generation: u32,
    /// The first entry that this key opens; what was sealed before is erased.
    pub since: u64,
    /// The first entry that was ever sealed; those before are in clear.
    pub sealed_since: u64,
    entity: Hash,
    cipher: LessSafeKey,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.generation)
    }
}

impl Key {
    /// The first key of a journal whose entries are sealed from `since` on, and the slot that holds it.
    pub fn first(sealer: &Sealer, entity: &Entity, since: u64) -> Result<(Self, Vec<u8>), NoCipher> {
        Self::make(sealer, entity, 1, since, since)
    }

    /// The key with which a journal goes on from `since` when this one is forgotten.
    pub fn next(&self, sealer: &Sealer, entity: &Entity, since: u64) -> Result<(Self, Vec<u8>), NoCipher> {
        Self::make(sealer, entity, self.generation.checked_add(1).ok_or(NoCipher)?, since, self.sealed_since)
    }

    /// The key of a journal without a sealed entry when what it holds in clear is set aside.
    pub fn after_clear(sealer: &Sealer, entity: &Entity, since: u64) -> Result<(Self, Vec<u8>), NoCipher> {
        Self::make(sealer, entity, 2, since, since)
    }

    fn make(
        sealer: &Sealer,
        entity: &Entity,
        generation: u32,
        since: u64,
        sealed_since: u64,
    ) -> Result<(Self, Vec<u8>), NoCipher> {
        let entity = Hash::of_entity(Chain::Sealed, entity);
        let mut random = Zeroizing::new([0; NONCE_LEN + KEY_LEN]);
        rand::fill(&mut *random).map_err(|_| NoCipher)?;
        let key = Self { generation, since, sealed_since, entity, cipher: cipher(&random[NONCE_LEN..])? };
        let mut slot = Vec::with_capacity(SLOT_LEN);
        slot.push(SLOT_V1);
        slot.extend_from_slice(&generation.to_be_bytes());
        slot.extend_from_slice(&since.to_be_bytes());
        slot.extend_from_slice(&sealed_since.to_be_bytes());
        let associated = associated(What::Slot, &entity, generation, &slot);
        slot.extend_from_slice(&*random);
        let wrapped = &mut slot[SLOT_HEAD + NONCE_LEN..];
        let nonce = nonce(&random[..NONCE_LEN]).ok_or(NoCipher)?;
        let tag = sealer.of(&entity)?.seal_in_place_separate_tag(nonce, Aad::from(associated), wrapped).map_err(|_| NoCipher)?;
        slot.extend_from_slice(tag.as_ref());
        Ok((key, slot))
    }

    /// The key in a slot. `None`: the slot is damaged, of another entity, or was wrapped under another key.
    pub fn unwrap(sealer: &Sealer, entity: &Entity, slot: &[u8]) -> Option<Self> {
        let entity = Hash::of_entity(Chain::Sealed, entity);
        let (head, sealed) = slot.split_at_checked(SLOT_HEAD).filter(|_| slot.len() == SLOT_LEN && slot[0] == SLOT_V1)?;
        let generation = u32::from_be_bytes(head[1..5].try_into().ok()?);
        let since = u64::from_be_bytes(head[5..13].try_into().ok()?);
        let sealed_since = u64::from_be_bytes(head[13..21].try_into().ok()?);
        let (nonce_of, wrapped) = sealed.split_at(NONCE_LEN);
        let mut secret = Zeroizing::new([0; KEY_LEN + TAG_LEN]);
        secret.copy_from_slice(wrapped);
        let associated = associated(What::Slot, &entity, generation, head);
        let secret = sealer.of(&entity).ok()?.open_in_place(nonce(nonce_of)?, Aad::from(associated), &mut *secret).ok()?;
        Some(Self { generation, since, sealed_since, entity, cipher: cipher(secret).ok()? })
    }

    /// Seals in place and gives the tag.
    pub(super) fn seal(&self, what: What, seq: u64, nonce_of: &[u8], text: &mut [u8]) -> Result<[u8; TAG_LEN], NoCipher> {
        let associated = associated(what, &self.entity, self.generation, &seq.to_be_bytes());
        let nonce = nonce(nonce_of).ok_or(NoCipher)?;
        let sealed = self.cipher.seal_in_place_separate_tag(nonce, Aad::from(associated), text);
        sealed.ok().and_then(|tag| tag.as_ref().try_into().ok()).ok_or(NoCipher)
    }

    /// Opens `sealed`, a text with its tag, into `text`, which is given its length. `None`: it is damaged or stands in another place.
    pub(super) fn open(&self, what: What, seq: u64, nonce_of: &[u8], sealed: &[u8], text: &mut Vec<u8>) -> Option<()> {
        let (cipher_text, tag) = sealed.split_at_checked(sealed.len().checked_sub(TAG_LEN)?)?;
        let associated = associated(what, &self.entity, self.generation, &seq.to_be_bytes());
        text.clear();
        text.resize(cipher_text.len(), 0);
        self.cipher.open_separate_gather(nonce(nonce_of)?, Aad::from(associated), cipher_text, tag, text).ok()
    }
}

/// What is sealed, of which entity (by a hash of it) and generation, and at which place: of one length, so that nothing is allocated.
fn associated(what: What, entity: &Hash, generation: u32, place: &[u8]) -> [u8; 1 + 32 + 4 + SLOT_HEAD] {
    let mut associated = [0; 1 + 32 + 4 + SLOT_HEAD];
    associated[0] = what as u8;
    associated[1..33].copy_from_slice(entity.as_bytes());
    associated[33..37].copy_from_slice(&generation.to_be_bytes());
    associated[37..37 + place.len()].copy_from_slice(place);
    associated
}

fn cipher(key: &[u8]) -> Result<LessSafeKey, NoCipher> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| NoCipher)
}

fn nonce(bytes: &[u8]) -> Option<Nonce> {
    Nonce::try_assume_unique_for_key(bytes).ok()
}
