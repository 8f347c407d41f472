//! What may still be under way: of which a write was given up while no server could tell what became of it.

use std::{collections::HashSet, hash::Hash, time::Duration};

use parking_lot::Mutex;

use super::db::Read;

/// Most that are remembered. Beyond it one of them is forgotten, and read as all others are.
const MOST: usize = 10_000;

/// Rounds of finding out what became of a write, the first attempt not counted.
pub(super) const ROUNDS: u32 = 4;

/// Pause before the first of them; it doubles. A server gives up on a Paxos round after about two seconds.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// No round begins later than this after the first attempt: whoever waits for the answer waits ten seconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(8);

/// What is read serially, which ends what is under way, until that was done once.
pub(super) struct Unsure<K>(Mutex<HashSet<K>>);

impl<K: Clone + Eq + Hash> Unsure<K> {
    pub fn new() -> Self {
        Self(Mutex::new(HashSet::new()))
    }

    pub fn note(&self, key: &K) {
        let mut unsure = self.0.lock();
        if unsure.len() >= MOST {
            let some = unsure.iter().next().cloned();
            some.map(|some| unsure.remove(&some));
        }
        unsure.insert(key.clone());
    }

    /// How the key is to be read.
    pub fn how(&self, key: &K) -> Read {
        if self.0.lock().contains(key) { Read::Serial } else { Read::Quorum }
    }

    /// It was read so.
    pub fn was_read(&self, key: &K, how: Read) {
        if how == Read::Serial {
            self.0.lock().remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_sure_is_read_serially_once() {
        let unsure = Unsure::new();
        assert!(unsure.how(&1) == Read::Quorum);
        unsure.note(&1);
        assert!(unsure.how(&1) == Read::Serial && unsure.how(&2) == Read::Quorum);
        unsure.was_read(&1, Read::Quorum);
        assert!(unsure.how(&1) == Read::Serial);
        unsure.was_read(&1, Read::Serial);
        assert!(unsure.how(&1) == Read::Quorum);
        (0..2 * MOST).for_each(|key| unsure.note(&key));
        assert_eq!(unsure.0.lock().len(), MOST);
    }
}
