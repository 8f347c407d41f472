//! The records of versions: each is written once and never again, so that what was read of one is true for ever.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use store::{RecordKey, Timestamp};
use uuid::Uuid;

use super::Version;
use crate::records::{self, Records};

/// Part of the stored data.
const COLLECTION: &str = "template_version";

/// Memory for versions that were read, in bytes of their JSON.
const MAX_REMEMBERED: usize = 16 * 1024 * 1024;

/// Versions by their identifiers; a cheap handle.
#[derive(Clone)]
pub(super) struct Contents {
    records: Records,
    remembered: Arc<Mutex<Remembered>>,
}

#[derive(Default)]
struct Remembered {
    versions: HashMap<Uuid, (String, Arc<Version>)>,
    weight: usize,
}

impl Contents {
    pub fn new(records: Records) -> Self {
        Self { records, remembered: Arc::default() }
    }

    /// Writes a new version; to be done before anything names it.
    pub async fn write(&self, organization: &str, version: Version, at: Timestamp) -> Result<Arc<Version>, records::Error> {
        let key = key(organization, version.id);
        if !self.records.put(&key, 0, at, &version).await? {
            return Err(records::Error::Contended(format!("{COLLECTION}/{}", version.id)));
        }
        Ok(Arc::new(version))
    }

    /// A version that something names.
    pub async fn read(&self, organization: &str, id: Uuid) -> Result<Arc<Version>, records::Error> {
        // An identifier is of one organization only; that it is of this one is checked all the same.
        let remembered = self.remembered.lock().versions.get(&id).cloned();
        if let Some((_, version)) = remembered.filter(|(owner, _)| owner == organization) {
            return Ok(version);
        }
        let read = self.records.get::<Version>(&key(organization, id)).await?;
        let version = read.ok_or_else(|| records::Error::Unreadable(format!("{COLLECTION}/{id}")))?.value;
        let (weight, version) = (version.weight(), Arc::new(version));
        self.remembered.lock().keep(organization, &version, weight);
        Ok(version)
    }
}

impl Remembered {
    fn keep(&mut self, organization: &str, version: &Arc<Version>, weight: usize) {
        if self.weight + weight > MAX_REMEMBERED {
            // Rare enough that starting over is cheaper than keeping an order of use.
            *self = Self::default();
        }
        if self.versions.insert(version.id, (organization.to_owned(), version.clone())).is_none() {
            self.weight += weight;
        }
    }
}

fn key(organization: &str, id: Uuid) -> RecordKey {
    RecordKey::new(organization, COLLECTION, id.to_string())
}

#[cfg(test)]
mod tests {
    use store::Store;
    use store::model::Model;
    use workflows::values::Language;

    use super::*;

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
        assert_eq!(store.history(&key("acme", written.id), None, 10).await.unwrap().len(), 1);
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
