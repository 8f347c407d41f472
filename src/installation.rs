//! What a store says of the installation that it is of, so that nobody serves from it with another one's key. No part of what is moved.

use chrono::Utc;
use store::{RecordKey, Store, blobs::Digest};

use crate::keys::Keys;

const ORGANIZATION: &str = "_installation";

/// Looks at a store that others set up at the same moment.
const LOOKS: usize = 3;

/// Stands for a master key where that must not show: a key derived from it for this use alone, which tells nothing about it.
pub fn fingerprint(keys: &Keys) -> Digest {
    Digest::from(keys.derive("rubrica-export-key-fingerprint/1"))
}

/// Whether a record is this module's own.
pub fn is_own(key: &RecordKey) -> bool {
    &*key.organization == ORGANIZATION
}

fn key() -> RecordKey {
    RecordKey::new(ORGANIZATION, "keys", "master")
}

/// The fingerprint of the master key with which a store was set up; `None` where none was noted.
///
/// # Errors
/// What the store cannot do.
pub async fn noted(store: &dyn Store) -> Result<Option<Digest>, store::Error> {
    let Some(record) = store.get(&key()).await? else { return Ok(None) };
    let noted = std::str::from_utf8(&record.body).ok().and_then(|text| text.parse().ok());
    noted.map(Some).ok_or_else(|| store::Error::Corrupt("the noted master key".into()))
}

/// Notes the master key in a store that has none noted, by its fingerprint. To be asked before a store is served from or imported
/// into: codes, tokens, links and certificates of servers with different keys would be nothing to each other.
///
/// # Errors
/// [`store::Error::Refused`] if it is another one than that with which the store was set up; what else the store cannot do.
pub async fn hold_to(store: &dyn Store, own: Digest) -> Result<(), store::Error> {
    for _ in 0..LOOKS {
        match noted(store).await? {
            Some(noted) if noted == own => return Ok(()),
            Some(_) => {
                let text = "this store was set up with another master key: bring that one (keys.master, or keys/master.key in the \
                            data folder). If it is lost, `rubrica export` and `rubrica import --any-key` move what can be \
                            read without it";
                return Err(store::Error::Refused(text.into()));
            }
            // Whoever was first, and whether this one was, the next look tells.
            None => drop(store.put_if(&key(), 0, Utc::now(), own.to_string().into_bytes()).await?),
        }
    }
    Err(store::Error::Unavailable("the master key's fingerprint could not be noted".into()))
}

#[cfg(test)]
mod tests {
    use store::model::Model;

    use super::*;
    use crate::keys::KEY_LEN;

    #[tokio::test]
    async fn a_store_is_served_with_the_key_that_it_was_set_up_with_alone() {
        let store = Model::new();
        let [ours, theirs] = [1, 2].map(|byte| fingerprint(&Keys::from_bytes(&[byte; KEY_LEN])));
        assert_eq!(noted(&store).await.unwrap(), None);
        for _ in 0..2 {
            hold_to(&store, ours).await.unwrap();
        }
        let refused = hold_to(&store, theirs).await.unwrap_err().to_string();
        assert!(refused.contains("another master key") && refused.contains("keys.master"), "{refused}");
        let kept = store.record_keys(None, 10).await.unwrap();
        assert!(kept.len() == 1 && is_own(&kept[0]), "{kept:?}");
        assert_eq!(noted(&store).await.unwrap(), Some(ours));
    }
}
