//! The records of versions: each is written once and never again, so that what was read of one is true for ever.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{RecordKey, Timestamp};
use uuid::Uuid;

use crate::records::{self, Records};

/// What a version is made of.
pub(super) trait Content: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The collection of the store that the records are in; part of the stored data.
    const COLLECTION: &'static str;

    /// Names the record; no other version, of whatever item, ever has it.
    fn id(&self) -> Uuid;

    /// Its size in bytes of JSON.
    fn weight(&self) -> usize {
        serde_json::to_vec(self).map_or(usize::MAX, |text| text.len())
    }
}

/// Memory for versions that were read, in bytes of their JSON.
const MAX_REMEMBERED: usize = 16 * 1024 * 1024;

/// Versions by their identifiers; a cheap handle.
pub(super) struct Contents<V> {
    records: Records,
    remembered: Arc<Mutex<Remembered<V>>>,
}

struct Remembered<V> {
    versions: HashMap<Uuid, (String, Arc<V>)>,
    weight: usize,
}

impl<V> Clone for Contents<V> {
    fn clone(&self) -> Self {
        Self { records: self.records.clone(), remembered: self.remembered.clone() }
    }
}

impl<V> Default for Remembered<V> {
    fn default() -> Self {
        Self { versions: HashMap::new(), weight: 0 }
    }
}

impl<V: Content> Contents<V> {
    pub fn new(records: Records) -> Self {
        Self { records, remembered: Arc::default() }
    }

    /// Writes a new version; to be done before anything names it.
    pub async fn write(&self, organization: &str, version: V, at: Timestamp) -> Result<Arc<V>, records::Error> {
        let key = key::<V>(organization, version.id());
        if !self.records.put(&key, 0, at, &version).await? {
            return Err(records::Error::Contended(format!("{}/{}", V::COLLECTION, version.id())));
        }
        Ok(Arc::new(version))
    }

    /// A version that something names.
    pub async fn read(&self, organization: &str, id: Uuid) -> Result<Arc<V>, records::Error> {
        let found = self.find(organization, id).await?;
        found.ok_or_else(|| records::Error::Unreadable(format!("{}/{id}", V::COLLECTION)))
    }

    /// A version; `None` if none was ever written under this identifier.
    pub async fn find(&self, organization: &str, id: Uuid) -> Result<Option<Arc<V>>, records::Error> {
        // An identifier is of one organization only; that it is of this one is checked all the same.
        let remembered = self.remembered.lock().versions.get(&id).cloned();
        if let Some((_, version)) = remembered.filter(|(owner, _)| owner == organization) {
            return Ok(Some(version));
        }
        let Some(read) = self.records.get::<V>(&key::<V>(organization, id)).await? else { return Ok(None) };
        let (weight, version) = (read.value.weight(), Arc::new(read.value));
        self.remembered.lock().keep(organization, &version, weight);
        Ok(Some(version))
    }
}

impl<V: Content> Remembered<V> {
    fn keep(&mut self, organization: &str, version: &Arc<V>, weight: usize) {
        if self.weight + weight > MAX_REMEMBERED {
            // Rare enough that starting over is cheaper than keeping an order of use.
            *self = Self::default();
        }
        if self.versions.insert(version.id(), (organization.to_owned(), version.clone())).is_none() {
            self.weight += weight;
        }
    }
}

fn key<V: Content>(organization: &str, id: Uuid) -> RecordKey {
    RecordKey::new(organization, V::COLLECTION, id.to_string())
}

#[cfg(test)]
mod tests {
    use store::Store;
    use store::model::Model;
    use workflows::values::Language;

    use super::*;
    use crate::catalogue::templates::Version;

    fn noon() -> Timestamp {
        chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn version(length: usize) -> Version {
        Version {
            id: Uuid::now_v7(),
            created_at: noon(),
            default_language: Language::Es,
            languages: vec![Language::Es],
            sections: vec!["x".repeat(length)],
            rules: Vec::new(),
            fields: Vec::new(),
        }
    }

    #[tokio::test]
    async fn a_version_is_read_once_and_is_of_one_organization() {
        let store = Arc::new(Model::new());
        let contents = Contents::new(Records::new(store.clone()));
        let written = contents.write("acme", version(7), noon()).await.unwrap();
        let read = contents.read("acme", written.id).await.unwrap();
        assert_eq!(read, written);
        assert!(Arc::ptr_eq(&read, &contents.read("acme", written.id).await.unwrap()), "it was remembered");
        assert!(contents.read("other", written.id).await.is_err());
        assert!(contents.read("acme", Uuid::now_v7()).await.is_err());
        assert_eq!(store.history(&key::<Version>("acme", written.id), None, 10).await.unwrap().len(), 1);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut remembered = Remembered::default();
        let each = MAX_REMEMBERED / 4;
        for count in [1, 2, 3, 4, 1, 2] {
            remembered.keep("acme", &Arc::new(version(1)), each);
            assert_eq!((remembered.versions.len(), remembered.weight), (count, count * each));
        }
        let again = Arc::new(version(1));
        remembered.keep("acme", &again, each);
        remembered.keep("acme", &again, each);
        assert_eq!((remembered.versions.len(), remembered.weight), (3, 3 * each), "the same one weighs once");
    }
}
