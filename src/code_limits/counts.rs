//! Where counts are kept: in the records of a store that several servers share, else in this server's memory.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use store::{PutOutcome, RecordKey, Store, Timestamp};

/// Maximum number of counts in memory; beyond it those of windows that are over go first.
pub(super) const MAX_COUNTED: usize = 100_000;

/// What was counted; only the last window is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Count {
    /// Number of the window since 1970.
    pub window: u64,
    pub taken: u32,
}

pub(super) enum Counts {
    /// A restart forgets them.
    Memory(Mutex<HashMap<RecordKey, (u64, Count)>>),
    Records(Arc<dyn Store>),
}

impl Counts {
    /// A count and its version; 0 and nothing counted where there is none.
    pub async fn get(&self, key: &RecordKey) -> Result<(u64, Count), store::Error> {
        match self {
            Self::Memory(counts) => Ok(counts.lock().get(key).copied().unwrap_or_default()),
            Self::Records(store) => {
                let Some(record) = store.get(key).await? else { return Ok((0, Count::default())) };
                // What cannot be read starts anew: a bound is no reason to send nobody a code any more.
                Ok((record.version, serde_json::from_slice(&record.body).unwrap_or_default()))
            }
        }
    }

    /// Replaces a count if it still has this version.
    pub async fn put_if(&self, key: &RecordKey, version: u64, at: Timestamp, count: Count) -> Result<PutOutcome, store::Error> {
        match self {
            Self::Memory(counts) => {
                let mut counts = counts.lock();
                let current = counts.get(key).map_or(0, |(version, _)| *version);
                if current != version {
                    return Ok(PutOutcome::Conflict { version: current });
                }
                if current == 0 && counts.len() >= MAX_COUNTED {
                    make_room(&mut counts, count.window);
                }
                counts.insert(key.clone(), (version + 1, count));
                Ok(PutOutcome::Applied)
            }
            Self::Records(store) => store.put_if(key, version, at, serde_json::to_vec(&count).unwrap_or_default()).await,
        }
    }
}

/// Drops windows that are over, and then, if all go on, one count in ten.
fn make_room(counts: &mut HashMap<RecordKey, (u64, Count)>, window: u64) {
    counts.retain(|_, (_, count)| count.window >= window);
    if counts.len() >= MAX_COUNTED {
        let mut place = 0;
        counts.retain(|_, _| {
            place += 1;
            place % 10 != 0
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_counted_in_memory_is_bounded_and_lasting_windows_stay_longest() {
        let counts = Counts::Memory(Mutex::default());
        let key = |number: usize| RecordKey::new("acme", "_code_count", number.to_string());
        let put = async |number: usize, window: u64| {
            let put = counts.put_if(&key(number), 0, Timestamp::UNIX_EPOCH, Count { window, taken: 1 }).await;
            assert_eq!(put.unwrap(), PutOutcome::Applied);
        };
        for number in 0..MAX_COUNTED {
            put(number, if number == 0 { 7 } else { 6 }).await;
        }
        put(MAX_COUNTED, 7).await;
        assert_eq!(counts.get(&key(0)).await.unwrap().0, 1, "its window goes on");
        assert_eq!(counts.get(&key(1)).await.unwrap().0, 0, "its window is over");
        for number in MAX_COUNTED + 1..3 * MAX_COUNTED {
            put(number, 7).await;
        }
        let Counts::Memory(counts) = counts else { unreachable!() };
        assert!(counts.lock().len() <= MAX_COUNTED);
    }

    #[tokio::test]
    async fn a_count_is_replaced_only_at_its_version() {
        for counts in [Counts::Memory(Mutex::default()), Counts::Records(Arc::new(store::model::Model::new()))] {
            let key = RecordKey::new("acme", "_code_count", "a");
            let put =
                async |version, taken| counts.put_if(&key, version, Timestamp::UNIX_EPOCH, Count { window: 1, taken }).await;
            assert_eq!(put(0, 1).await.unwrap(), PutOutcome::Applied);
            assert_eq!(put(0, 2).await.unwrap(), PutOutcome::Conflict { version: 1 });
            assert_eq!(put(1, 2).await.unwrap(), PutOutcome::Applied);
            assert_eq!(counts.get(&key).await.unwrap(), (2, Count { window: 1, taken: 2 }));
        }
    }
}
