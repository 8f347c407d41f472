//! Tokens that were verified a moment ago, so that a busy caller does not cost a signature check per request.
//!
//! Only verified tokens get in, by their SHA-256, never the token itself. An entry is good for a minute at most, hence a key that
//! its issuer withdraws, or a clock that is set, shows within that time. The size is bounded: each shard keeps a young and an old
//! generation; when the young one is full it becomes the old one, whose unused entries are thereby dropped.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::digest;
use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;

use super::Caller;

/// How long a verification is relied on.
pub(super) const VERIFIED_FOR: TimeDelta = TimeDelta::seconds(60);

const SHARDS: usize = 16;

pub(super) type Fingerprint = [u8; 32];

pub(super) fn fingerprint(token: &str) -> Fingerprint {
    let digest = digest::digest(&digest::SHA256, token.as_bytes());
    digest.as_ref().try_into().expect("SHA-256 gives 32 bytes")
}

pub(super) struct Verified {
    shards: [Mutex<Shard>; SHARDS],
    /// Entries of one generation of one shard; 0 switches the cache off.
    generation_size: usize,
}

#[derive(Default)]
struct Shard {
    young: HashMap<Fingerprint, Entry>,
    old: HashMap<Fingerprint, Entry>,
}

#[derive(Clone)]
struct Entry {
    caller: Arc<Caller>,
    verified_at: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl Verified {
    /// A cache of at most `capacity` tokens, rounded up to a multiple of twice the number of shards.
    pub(super) fn new(capacity: usize) -> Self {
        Self { shards: Default::default(), generation_size: capacity.div_ceil(2 * SHARDS) }
    }

    pub(super) fn get(&self, fingerprint: &Fingerprint, now: DateTime<Utc>) -> Option<Arc<Caller>> {
        let mut shard = self.shard(fingerprint).lock();
        if let Some(entry) = shard.young.get(fingerprint) {
            return entry.at(now);
        }
        let entry = shard.old.remove(fingerprint)?;
        let caller = entry.at(now)?;
        shard.insert(*fingerprint, entry, self.generation_size);
        Some(caller)
    }

    pub(super) fn insert(&self, fingerprint: Fingerprint, caller: Arc<Caller>, now: DateTime<Utc>, expires: DateTime<Utc>) {
        if self.generation_size == 0 {
            return;
        }
        let entry = Entry { caller, verified_at: now, until: expires.min(now + VERIFIED_FOR) };
        self.shard(&fingerprint).lock().insert(fingerprint, entry, self.generation_size);
    }

    fn shard(&self, fingerprint: &Fingerprint) -> &Mutex<Shard> {
        &self.shards[usize::from(fingerprint[0]) % SHARDS]
    }
}

impl Shard {
    fn insert(&mut self, fingerprint: Fingerprint, entry: Entry, generation_size: usize) {
        if self.young.len() >= generation_size && !self.young.contains_key(&fingerprint) {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&fingerprint);
        self.young.insert(fingerprint, entry);
    }
}

impl Entry {
    /// The caller, if the verification still holds; a clock that was set back makes it void.
    fn at(&self, now: DateTime<Utc>) -> Option<Arc<Caller>> {
        (self.verified_at <= now && now < self.until).then(|| self.caller.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Grant, RoleSet};

    fn caller(name: u32) -> Arc<Caller> {
        let grant = Grant::Organization { organizations: vec![], roles: RoleSet::NONE };
        Arc::new(Caller { subject: name.to_string(), issuer: "i".into(), audience: "a".into(), grant })
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn key(name: u32) -> Fingerprint {
        fingerprint(&name.to_string())
    }

    #[test]
    fn an_entry_ends_with_its_token_or_after_a_minute() {
        let cache = Verified::new(100);
        cache.insert(key(1), caller(1), now(), now() + TimeDelta::seconds(10));
        cache.insert(key(2), caller(2), now(), now() + TimeDelta::hours(1));
        let later = |seconds| now() + TimeDelta::seconds(seconds);

        assert!(cache.get(&key(1), later(9)).is_some());
        assert!(cache.get(&key(1), later(10)).is_none());
        assert_eq!(cache.get(&key(2), later(59)).unwrap().subject, "2");
        assert!(cache.get(&key(2), later(60)).is_none());
        assert!(cache.get(&key(2), later(-1)).is_none());
        assert!(cache.get(&key(3), now()).is_none());
    }

    #[test]
    fn the_cache_stays_within_its_size_and_keeps_what_is_used() {
        let cache = Verified::new(64);
        let expires = now() + TimeDelta::hours(1);
        for name in 0..10_000 {
            cache.insert(key(name), caller(name), now(), expires);
            cache.insert(key(0), caller(0), now(), expires);
            assert!(cache.get(&key(0), now()).is_some());
        }
        let held_by = |shard: &Mutex<Shard>| {
            let shard = shard.lock();
            shard.young.len() + shard.old.len()
        };
        let held: usize = cache.shards.iter().map(held_by).sum();
        assert!(held <= 64, "{held}");
    }

    #[test]
    fn a_cache_of_size_zero_keeps_nothing() {
        let cache = Verified::new(0);
        cache.insert(key(1), caller(1), now(), now() + TimeDelta::hours(1));
        assert!(cache.get(&key(1), now()).is_none());
    }
}
