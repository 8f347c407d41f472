//! What was counted, in the store's records or in memory: one rule, and one way to apply it.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{RecordKey, Store, Timestamp};

use super::Error;
use crate::records::{Records, Versioned};

/// Maximum number of counts in memory. Those of windows that are over go first.
pub(super) const MAX_COUNTED: usize = 100_000;

/// What was counted; only the last window is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Value")]
pub(super) struct Count {
    /// Number of the window since 1970.
    pub window: u64,
    pub taken: u32,
    /// How much the last change took.
    #[serde(skip)]
    pub granted: u32,
}

/// What cannot be read starts anew: a bound is no reason to send nobody a code any more.
impl From<Value> for Count {
    fn from(value: Value) -> Self {
        let number = |name: &str| value.get(name).and_then(Value::as_u64);
        let taken = number("taken").and_then(|taken| u32::try_from(taken).ok());
        let (window, taken) = number("window").zip(taken).unwrap_or_default();
        Self { window, taken, granted: 0 }
    }
}

/// Where the counts are.
pub(super) enum Counts {
    /// A restart forgets them.
    Memory(Mutex<HashMap<RecordKey, Count>>),
    /// Servers that share the store count together.
    Records(Records),
}

impl Counts {
    pub fn in_memory() -> Self {
        Self::Memory(Mutex::default())
    }

    pub fn in_store(store: Arc<dyn Store>) -> Self {
        Self::Records(Records::new(store))
    }

    /// Changes a count, of which `decide` gets the current value, by the rules of [`Records::update`].
    ///
    /// # Errors
    /// What `decide` refuses, and [`Error`].
    pub async fn update(
        &self,
        key: &RecordKey,
        at: Timestamp,
        decide: impl Fn(Count) -> Result<Count, Error>,
    ) -> Result<Count, Error> {
        match self {
            Self::Memory(counts) => {
                let mut counts = counts.lock();
                let known = counts.get(key).copied();
                let next = decide(known.unwrap_or_default())?;
                if known.is_none() && counts.len() >= MAX_COUNTED {
                    make_room(&mut counts, next.window);
                }
                counts.insert(key.clone(), next);
                Ok(next)
            }
            Self::Records(records) => {
                let decide = |current: Option<Versioned<Count>>| decide(current.map(|current| current.value).unwrap_or_default());
                let next = records.update(key, at, |current| decide(current).map(Some)).await?;
                Ok(next.unwrap_or_default())
            }
        }
    }
}

/// Drops windows that are over, and then, if all go on, one count in ten.
fn make_room(counts: &mut HashMap<RecordKey, Count>, window: u64) {
    counts.retain(|_, count| count.window >= window);
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

    fn key(number: usize) -> RecordKey {
        RecordKey::new("acme", "_code_count", number.to_string())
    }

    #[tokio::test]
    async fn what_is_counted_in_memory_is_bounded_and_lasting_windows_stay_longest() {
        let counts = Counts::in_memory();
        let put = async |number: usize, window: u64| {
            let one = |_: Count| Ok(Count { window, taken: 1, granted: 1 });
            counts.update(&key(number), Timestamp::UNIX_EPOCH, one).await.unwrap();
        };
        for number in 0..MAX_COUNTED {
            put(number, if number == 0 { 7 } else { 6 }).await;
        }
        put(MAX_COUNTED, 7).await;
        let Counts::Memory(kept) = &counts else { unreachable!() };
        assert!(kept.lock().contains_key(&key(0)), "its window goes on");
        assert!(!kept.lock().contains_key(&key(1)), "its window is over");
        for number in MAX_COUNTED + 1..3 * MAX_COUNTED {
            put(number, 7).await;
        }
        assert!(kept.lock().len() <= MAX_COUNTED);
    }

    #[tokio::test]
    async fn a_change_is_decided_on_what_was_counted_and_a_refused_one_counts_nothing() {
        for counts in [Counts::in_memory(), Counts::in_store(Arc::new(store::model::Model::new()))] {
            let add = |count: Count| match count.taken {
                2 => Err(Error::Contended),
                taken => Ok(Count { window: 1, taken: taken + 1, granted: 1 }),
            };
            for taken in [1, 2] {
                assert_eq!(counts.update(&key(1), Timestamp::UNIX_EPOCH, add).await.unwrap().taken, taken);
            }
            assert!(counts.update(&key(1), Timestamp::UNIX_EPOCH, add).await.is_err());
            let look = |count: Count| Ok(count);
            assert_eq!(counts.update(&key(1), Timestamp::UNIX_EPOCH, look).await.unwrap().taken, 2);
        }
    }

    #[tokio::test]
    async fn a_count_that_cannot_be_read_starts_anew() {
        let store = Arc::new(store::model::Model::new());
        store.put_if(&key(1), 0, Timestamp::UNIX_EPOCH, br#"{"window": "many"}"#.to_vec()).await.unwrap();
        let counts = Counts::in_store(store);
        let add = |count: Count| Ok(Count { taken: count.taken + 1, ..count });
        assert_eq!(counts.update(&key(1), Timestamp::UNIX_EPOCH, add).await.unwrap().taken, 1);
    }
}
