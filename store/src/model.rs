//! A store in memory: plain enough to be believed by reading it. It is the oracle of the engines' tests and a fast stand-in
//! for them in the tests of others. It keeps nothing across a restart and must never be offered as an engine.

use std::{
    collections::BTreeMap,
    ops::{Bound, Range},
};

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::{
    Commit, CommitOutcome, Cursor, Entity, Entry, Error, Listed, Listing, Loaded, Mark, Page, PutOutcome, Record, RecordKey,
    Snapshot, Standing, Store, Timestamp, Wake, limits,
    time::{whole, whole_up},
};

/// The whole store: journals and records in two ordered maps behind one lock.
#[derive(Debug, Default)]
pub struct Model {
    world: Mutex<World>,
}

#[derive(Debug, Default)]
struct World {
    journals: BTreeMap<Entity, Journal>,
    /// Every version of each record, the first at index 0.
    records: BTreeMap<RecordKey, Vec<Record>>,
}

#[derive(Debug, Default)]
struct Journal {
    entries: Vec<Entry>,
    snapshot: Option<Snapshot>,
    wake: Option<Timestamp>,
    key: Option<Vec<u8>>,
    listing: Listing,
    marks: Vec<Mark>,
}

impl Journal {
    fn load(&self) -> Loaded {
        let told = self.snapshot.as_ref().map_or(0, |snapshot| snapshot.seq);
        let entries = self.entries.iter().filter(|entry| entry.seq > told).cloned().collect();
        Loaded { head: self.head(), snapshot: self.snapshot.clone(), entries, key: self.key.clone() }
    }

    fn head(&self) -> u64 {
        self.entries.len() as u64
    }

    /// A journal exists from its first entry on, so it always has one.
    fn created_at(&self) -> Timestamp {
        self.entries.first().map_or(Timestamp::MIN_UTC, |entry| entry.at)
    }
}

impl Model {
    pub fn new() -> Self {
        Self::default()
    }

    /// Of those that are `shown`, newest first.
    fn page(
        &self,
        (organization, kind): (&str, &str),
        shown: impl Fn(&Journal) -> bool,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Page<Listed> {
        let world = self.world.lock();
        let mut all: Vec<Listed> = world
            .journals
            .iter()
            .filter(|(entity, _)| &*entity.organization == organization && &*entity.kind == kind)
            .filter(|(_, journal)| shown(journal))
            .map(|(entity, journal)| Listed { entity: entity.clone(), created_at: journal.created_at(), head: journal.head() })
            .filter(|item| after.is_none_or(|cursor| (item.created_at, item.entity.id) < (whole(cursor.at), cursor.id)))
            .collect();
        all.sort_by_key(|item| std::cmp::Reverse((item.created_at, item.entity.id)));
        let more = all.len() > limit;
        all.truncate(limit);
        Page::of(all, more)
    }
}

#[async_trait]
impl Store for Model {
    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, Error> {
        limits::check_commit(&commit)?;
        let mut world = self.world.lock();
        let head = world.journals.get(&commit.entity).map_or(0, Journal::head);
        if head != commit.expected_head {
            return Ok(CommitOutcome::Conflict { head });
        }
        let journal = world.journals.entry(commit.entity).or_default();
        journal.listing = commit.listing.change(head).unwrap_or(journal.listing);
        if let Some(marks) = commit.marks {
            journal.marks = marks;
            journal.marks.sort_unstable();
            journal.marks.dedup();
        }
        if commit.key.is_some() {
            journal.key = commit.key;
        }
        for body in commit.entries {
            let entry = Entry { seq: journal.head() + 1, at: whole(commit.at), commit_id: commit.commit_id, body };
            journal.entries.push(entry);
        }
        if let Some(body) = commit.snapshot {
            journal.snapshot = Some(Snapshot { seq: journal.head(), body });
        }
        journal.wake = commit.wake.map(whole_up);
        Ok(CommitOutcome::Applied)
    }

    async fn load(&self, entity: &Entity) -> Result<Option<Loaded>, Error> {
        Ok(self.world.lock().journals.get(entity).map(Journal::load))
    }

    async fn load_many(&self, entities: &[Entity]) -> Result<Vec<Option<Loaded>>, Error> {
        limits::check_loads(entities)?;
        let world = self.world.lock();
        Ok(entities.iter().map(|entity| world.journals.get(entity).map(Journal::load)).collect())
    }

    async fn key(&self, entity: &Entity) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.world.lock().journals.get(entity).and_then(|journal| journal.key.clone()))
    }

    async fn entries(&self, entity: &Entity, from: u64, limit: usize) -> Result<Vec<Entry>, Error> {
        let world = self.world.lock();
        let Some(journal) = world.journals.get(entity) else { return Ok(Vec::new()) };
        Ok(journal.entries.iter().filter(|entry| entry.seq >= from).take(limit).cloned().collect())
    }

    async fn list(&self, organization: &str, kind: &str, after: Option<&Cursor>, limit: usize) -> Result<Page<Listed>, Error> {
        Ok(self.page((organization, kind), |journal| journal.listing == Listing::Listed, after, limit))
    }

    async fn find(
        &self,
        organization: &str,
        kind: &str,
        mark: Mark,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Listed>, Error> {
        Ok(self.page((organization, kind), |journal| journal.marks.contains(&mark), after, limit))
    }

    async fn due(&self, shards: Range<u16>, until: Timestamp, limit: usize) -> Result<Vec<Wake>, Error> {
        let world = self.world.lock();
        let mut wakes: Vec<Wake> = world
            .journals
            .iter()
            .filter(|(entity, _)| shards.contains(&entity.shard()))
            .filter_map(|(entity, journal)| journal.wake.map(|due| Wake { entity: entity.clone(), due }))
            .filter(|wake| wake.due <= whole(until))
            .collect();
        wakes.sort_by_key(|wake| wake.due);
        wakes.truncate(limit);
        Ok(wakes)
    }

    async fn settle(&self, wake: &Wake, head: u64, next: Option<Timestamp>) -> Result<(), Error> {
        let mut world = self.world.lock();
        let Some(journal) = world.journals.get_mut(&wake.entity) else { return Ok(()) };
        if journal.head() == head {
            let next = next.map(whole_up);
            journal.wake = match journal.wake {
                Some(other) if other != whole_up(wake.due) => Some(next.map_or(other, |next| next.min(other))),
                _ => next,
            };
        }
        Ok(())
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, Error> {
        Ok(self.world.lock().records.get(key).and_then(|versions| versions.last()).cloned())
    }

    async fn put_if(&self, key: &RecordKey, expected_version: u64, at: Timestamp, body: Vec<u8>) -> Result<PutOutcome, Error> {
        limits::check_put(key, expected_version, &body)?;
        let mut world = self.world.lock();
        let version = world.records.get(key).and_then(|versions| versions.last()).map_or(0, |record| record.version);
        if version != expected_version {
            return Ok(PutOutcome::Conflict { version });
        }
        let record = Record { version: version + 1, at: whole(at), body };
        let versions = world.records.entry(key.clone()).or_default();
        if !key.keeps_versions() {
            versions.clear();
        }
        versions.push(record);
        Ok(PutOutcome::Applied)
    }

    async fn history(&self, key: &RecordKey, before: Option<u64>, limit: usize) -> Result<Vec<Record>, Error> {
        let world = self.world.lock();
        let versions = world.records.get(key).map(Vec::as_slice).unwrap_or_default();
        let older = versions.iter().rev().filter(|record| before.is_none_or(|before| record.version < before));
        Ok(older.take(limit).cloned().collect())
    }

    async fn records(
        &self,
        organization: &str,
        collection: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Record)>, Error> {
        limits::check_listed(collection)?;
        let world = self.world.lock();
        let found = world
            .records
            .iter()
            .filter(|(key, _)| &*key.organization == organization && &*key.collection == collection)
            .filter(|(key, _)| key.key.starts_with(prefix) && after.is_none_or(|after| key.key.as_str() > after))
            .filter_map(|(key, versions)| versions.last().map(|record| (key.key.clone(), record.clone())));
        Ok(found.take(limit).collect())
    }

    async fn entities(&self, after: Option<&Entity>, limit: usize) -> Result<Vec<Standing>, Error> {
        let world = self.world.lock();
        let all = world.journals.range((past(after), Bound::Unbounded));
        let standing = |(entity, journal): (&Entity, &Journal)| Standing {
            entity: entity.clone(),
            head: journal.head(),
            wake: journal.wake,
            key: journal.key.clone(),
            listing: journal.listing,
            marks: journal.marks.clone(),
        };
        Ok(all.take(limit).map(standing).collect())
    }

    async fn record_keys(&self, after: Option<&RecordKey>, limit: usize) -> Result<Vec<RecordKey>, Error> {
        let world = self.world.lock();
        let all = world.records.range((past(after), Bound::Unbounded));
        Ok(all.take(limit).map(|(key, _)| key.clone()).collect())
    }

    async fn forget_versions(&self, key: &RecordKey) -> Result<(), Error> {
        let mut world = self.world.lock();
        let Some(versions) = world.records.get_mut(key) else { return Ok(()) };
        let Some(newest) = versions.last().map(|newest| newest.body.clone()) else { return Ok(()) };
        limits::check_forgotten(&newest)?;
        versions.iter_mut().for_each(|version| version.body.clone_from(&newest));
        Ok(())
    }

    async fn listings(&self, after: Option<(&str, &str)>, limit: usize) -> Result<Vec<(String, String)>, Error> {
        let world = self.world.lock();
        let listed = world.journals.iter().filter(|(_, journal)| journal.listing != Listing::Unlisted);
        let mut names: Vec<_> = listed.map(|(entity, _)| (entity.organization.to_string(), entity.kind.to_string())).collect();
        names.dedup();
        names.retain(|(organization, kind)| after.is_none_or(|after| (organization.as_str(), kind.as_str()) > after));
        names.truncate(limit);
        Ok(names)
    }
}

fn past<K>(after: Option<&K>) -> Bound<&K> {
    after.map_or(Bound::Unbounded, Bound::Excluded)
}
